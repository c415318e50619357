// Inside of the printer, split over print*.cpp.
#pragma once

#include <string>

#include "cypher/syntax/ast.h"
#include "cypher/syntax/print.h"

namespace lora::cypher {

class Printer {
 public:
  explicit Printer(std::string& out) : out_(out) {}

  void statement(const ast::Statement& s);
  void body(const ast::QueryBody& body);
  void clause(const ast::Clause& clause);
  void path(const ast::PathPattern& path);
  // `inner`: an operand of another label operator.
  void labels(const ast::LabelExpr& labels, bool inner = false);
  // `level`: what binds looser stands in parentheses (parser_impl.h Level, plus kPostfix and kAtom below).
  void expr(const ast::Expr& e, int level = 0);
  void type(const ast::TypeRef& type);

 private:
  static constexpr int kUnaryLevel = 10;
  static constexpr int kPostfixLevel = 11;

  static int level_of(const ast::Expr& e);
  void bare(const ast::Expr& e);
  void chain(const ast::Chain& e);
  void comparison(const ast::Comparison& e);
  void literal(const ast::Literal& e);
  void predicate_tail(const ast::Expr& e);
  void case_expr(const ast::Case& e);
  void map_projection(const ast::MapProjection& e);
  void call(const ast::FunctionCall& e);
  void expr_list(const ast::List<const ast::Expr*>& items);

  void element(const ast::PatternElement& e);
  void repeat(const ast::Repeat& r);
  void paths(const ast::List<const ast::PathPattern*>& list);
  void projection(const ast::Projection& p);
  void projection_tail(const ast::List<ast::SortItem>& order, const ast::Expr* skip, const ast::Expr* limit);
  void target(const ast::Expr& e);
  void set_items(const ast::List<ast::SetItem>& items);
  void yields(const ast::List<ast::YieldItem>& items, bool star);
  void call_subquery(const ast::CallSubquery& c);
  void hint(const ast::Hint& h);
  void create_index(const ast::CreateIndex& c);
  void create_constraint(const ast::CreateConstraint& c);
  void schema_entity(const ast::Name& variable, const ast::List<ast::Name>& names, bool on_relationships);
  void schema_head(const ast::Name& name, const ast::Expr* parameter, bool if_not_exists);
  void show(const ast::Show& s);

  void text(std::string_view t) { out_ += t; }
  void name(std::string_view n) { print_name(n, out_); }
  void variable(const ast::Name& n) { print_name(n.text, out_, true); }

  std::string& out_;
};

}  // namespace lora::cypher
