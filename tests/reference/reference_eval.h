// The reference evaluator: what a Cypher statement means, worked out clause by clause on whole tables of rows, patterns
// by trying everything. It shares the parser's tree and Value with the engine, and nothing else.
//
// Expressions are in reference_eval.cpp and reference_functions.cpp, patterns and clauses in reference_query.cpp,
// clauses that write in reference_write.cpp.
//
// Errors: Failure for a runtime error of Cypher, NotCompared for what the reference does not know or cannot afford;
// both leave the graph in any state, but a Failure in a portion of IN TRANSACTIONS what the portions before it made.
// Threads: one.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cypher/syntax/ast.h"
#include "tests/reference/reference_graph.h"
#include "tests/reference/reference_values.h"

namespace lora::reference {

namespace ast = cypher::ast;

// Variables by name. Names are views into the query that is evaluated.
class Row {
 public:
  const Value* find(std::string_view name) const {
    for (auto it = items_.rbegin(); it != items_.rend(); ++it) {
      if (it->first == name) return &it->second;
    }
    return nullptr;
  }
  const Value& get(std::string_view name) const {
    const Value* v = find(name);
    if (v == nullptr) throw NotCompared("a variable that is not in scope");
    return *v;
  }
  void set(std::string_view name, Value value) {
    for (auto& [known, old] : items_) {
      if (known == name) {
        old = std::move(value);
        return;
      }
    }
    items_.emplace_back(name, std::move(value));
  }
  // Adds a variable that hides one of the same name until pop().
  void push(std::string_view name, Value value) { items_.emplace_back(name, std::move(value)); }
  void pop() { items_.pop_back(); }
  const std::vector<std::pair<std::string_view, Value>>& items() const { return items_; }

 private:
  std::vector<std::pair<std::string_view, Value>> items_;
};
using Rows = std::vector<Row>;

// What a statement gives. `classes` says which orders of the rows are right: rows in sorted order, cut where the sort
// keys change; without ORDER BY all rows are one class. The right answers are those rows with `skip` left out and
// `limit` kept; within a class in any order, and any of them where the cut goes through it.
struct Outcome {
  std::vector<std::string> columns;
  std::vector<std::vector<std::vector<Value>>> classes;
  size_t skip = 0;
  size_t limit = SIZE_MAX;
};

class Reference {
 public:
  // `steps_max` bounds the work; NotCompared beyond.
  // `parameters` is a map.
  Reference(ReferenceGraph* graph, const cypher::Query& query, const Value& parameters, uint64_t steps_max)
      : graph_(*graph), query_(query), parameters_(parameters), steps_left_(steps_max) {}

  Outcome run();

 private:
  // --- expressions ---
  Value eval(const ast::Expr& expr, Row& row);
  Ternary truth(const ast::Expr& expr, Row& row);  // Failure when neither boolean nor null
  bool is_true(const ast::Expr* expr, Row& row) { return expr == nullptr || truth(*expr, row) == Ternary::kTrue; }
  Value eval_literal(const ast::Literal& e, Row& row);
  Value eval_chain(const ast::Chain& e, Row& row);
  Value eval_comparison(const ast::Comparison& e, Row& row);
  Value eval_predicate(const ast::Predicate& e, Row& row);
  Value eval_index(const Value& base, const Value& index);
  Value eval_slice(const ast::Slice& e, Row& row);
  Value eval_case(const ast::Case& e, Row& row);
  Value eval_list_comprehension(const ast::ListComprehension& e, Row& row);
  Value eval_quantifier(const ast::Quantifier& e, Row& row);
  Value eval_reduce(const ast::Reduce& e, Row& row);
  Value eval_map_projection(const ast::MapProjection& e, Row& row);
  Value eval_subquery(const ast::Subquery& e, Row& row);
  Value eval_pattern_comprehension(const ast::PatternComprehension& e, Row& row);
  Value call(const ast::FunctionCall& e, Row& row);
  Value property(const Value& base, std::string_view key);
  Value properties_map(const Value& entity);
  const Properties& properties_of(const Value& entity);
  std::vector<std::string> dynamic_names(const ast::LabelExpr& labels, Row& row);
  Ternary has_dynamic(const ast::LabelExpr& labels, const std::set<std::string>& names, Row& row);
  Ternary has_labels(const ast::LabelExpr& labels, const std::set<std::string>& names, Row& row);
  Ternary test_labels(const ast::LabelExpr& labels, const Value& entity, Row& row);

  // --- aggregation ---
  Value aggregate(const ast::Expr& call, Rows& group);
  static bool is_aggregate(const ast::Expr& expr);
  static void find_aggregates(const ast::Expr* expr, std::vector<const ast::Expr*>* out);

  // --- patterns ---
  class Matcher;
  // found() answers whether to go on; `where` is for a shortest path, which looks for one that fulfils it; `paths` gets
  // the paths found.
  void match(ast::List<const ast::PathPattern*> patterns, bool repeatable, Row& row,
             const std::function<bool(Row&)>& found, const ast::Expr* where = nullptr,
             std::vector<PathIds>* paths = nullptr);
  static void pattern_variables(const ast::PathPattern& pattern, std::vector<std::string_view>* out);

  // --- clauses ---
  struct Projected {
    Rows rows;
    std::vector<std::string_view> names;  // columns, in order
    std::vector<size_t> class_ends;       // see Outcome; of the rows before SKIP and LIMIT
    size_t skip = 0, limit = SIZE_MAX;
  };
  // The rows after the last clause. With a RETURN, *result holds its columns and, when `cut` is false, its rows before
  // SKIP and LIMIT.
  Rows run_clauses(ast::List<const ast::Clause*> clauses, Rows rows, bool cut, Projected* result);
  // A body whose parts start from `start` each, see `always` in every clause.
  Rows run_body(const ast::QueryBody& body, const Row& start, const Row& always, Projected* result);
  Rows run_match(const ast::Match& m, Rows rows);
  Rows run_unwind(const ast::Unwind& u, Rows rows);
  Rows run_call(const ast::CallSubquery& c, Rows rows);
  Rows run_portions(const ast::CallSubquery& c, Rows rows);
  Rows run_procedure(const ast::CallProcedure& c, Rows rows);
  Projected project(const ast::Projection& p, Rows rows, bool cut);
  size_t count_of(const ast::Expr* expr, size_t otherwise);

  // --- clauses that write ---
  void run_create(ast::List<const ast::PathPattern*> patterns, Row& row);
  Rows run_merge(const ast::Merge& m, Rows rows);
  void run_set(ast::List<ast::SetItem> items, Row& row);
  void run_remove(const ast::Remove& r, Row& row);
  void run_delete(const ast::Delete& d, Rows& rows);
  void delete_value(const Value& v, bool detach);
  void run_foreach(const ast::Foreach& f, Row& row);
  Properties* mutable_properties(const Value& entity);
  static void put_property(Properties* properties, std::string_view key, const Value& value);
  void add_labels(const ast::LabelExpr& labels, std::set<std::string>* names, bool add, Row& row);
  // The entity and the key of `n.key` or `n[expr]`, at the left of SET and in REMOVE.
  std::pair<Value, std::string> property_target(const ast::Expr& target, Row& row);
  void check_deletes() const;

  void step() {
    if (steps_left_-- == 0) throw NotCompared("too much work");
  }
  std::string_view text(const ast::Span& span) const { return query_.text.substr(span.offset, span.length); }

  ReferenceGraph& graph_;
  const cypher::Query& query_;
  const Value& parameters_;
  uint64_t steps_left_;
  std::map<const ast::Expr*, Value> aggregates_;  // of the group that is projected
  Row always_;                                    // what a subquery imports: visible in all its clauses
  bool importing_ = false;                        // the next body is that of a CALL that imports by WITH
};

}  // namespace lora::reference
