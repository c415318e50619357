// Inside of the parser, split over parse_*.cpp. Include parser.h instead.
//
// Errors: the first one is kept in `status_`; every parsing function then returns null or false at once.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "cypher/syntax/ast.h"
#include "cypher/syntax/lexer.h"
#include "cypher/syntax/normalize.h"
#include "cypher/syntax/parser.h"
#include "cypher/syntax/stack_guard.h"
#include "cypher/syntax/token.h"

namespace lora::cypher {

// What a failing parsing function returns.
struct Failed {
  operator bool() const { return false; }
  template <typename T>
  operator T*() const {
    return nullptr;
  }
};

// Whether `word` is `capitals` in any case.
bool upper_equals(std::string_view word, std::string_view capitals);

// Whether a type may begin with `word`.
bool begins_type(Keyword word);

// Operator levels, loosest first.
enum Level : int {
  kNoLevel = 0,
  kOrLevel,
  kXorLevel,
  kAndLevel,
  kNotLevel,
  kCompareLevel,
  kPredicateLevel,
  kAddLevel,
  kMultiplyLevel,
  kPowerLevel
};

// The level of the binary or postfix operator that `t` is, seen that an operand ended before it; kNoLevel for none.
int operator_level(const Token& t, const Token& next);

// Where a query body stands; decides which clauses may be in it and how it may end.
enum class BodyContext : uint8_t { kTop, kCall, kExists, kCount, kCollect };
// What a pattern is for; decides what may be in it.
enum class PatternContext : uint8_t { kMatch, kCreate, kMerge, kExpression };

class Parser {
 public:
  // `text` lives in `arena`; `tokens` was made from it.
  Parser(std::string_view text, Arena& arena, const Tokens& tokens, const Normalized* normalized)
      : text_(text),
        arena_(arena),
        tokens_(tokens),
        t_(tokens.list.data()),
        last_(tokens.list.data() + tokens.list.size() - 1),
        normalized_(normalized) {}

  bool parse_statement(ast::Statement& out);
  bool parse_only_type(const ast::TypeRef*& out);

  Status take_status() { return std::move(status_); }
  uint64_t steps() const { return steps_; }
  uint32_t stripped_count() const { return next_stripped_; }
  bool key_is_exact() const {
    return key_is_exact_ && (normalized_ == nullptr || next_stripped_ == normalized_->offsets.size());
  }

 private:
  // --- tokens ---
  const Token& peek(ptrdiff_t k = 1) const { return last_ - t_ > k ? t_[k] : *last_; }
  uint32_t index() const { return static_cast<uint32_t>(t_ - tokens_.list.data()); }
  const Token& token_at(uint32_t i) const { return tokens_.list[i]; }
  bool at(TokenKind kind) const { return t_->kind == kind; }
  bool at(Keyword keyword) const { return t_->keyword == keyword; }
  static bool is_name(const Token& t) { return t.kind == TokenKind::kWord || t.kind == TokenKind::kQuotedName; }
  bool at_name() const { return is_name(*t_); }
  void advance() {
    ++steps_;
    prev_end_ = t_->end();
    if (t_ != last_) ++t_;
  }
  bool accept(TokenKind kind) { return at(kind) ? (advance(), true) : false; }
  bool accept(Keyword keyword) { return at(keyword) ? (advance(), true) : false; }
  std::string_view token_text(const Token& t) const { return text_.substr(t.offset, t.length()); }
  ast::Span span_from(uint32_t start) const { return {start, prev_end_ > start ? prev_end_ - start : 0}; }

  // --- errors ---
  Failed fail(std::string_view detail, std::string message, uint32_t offset);
  Failed fail_unexpected(std::string message) { return fail("UnexpectedSyntax", std::move(message), t_->offset); }
  // "expected WHAT; found `x`", with a hint when `x` is nearly one of `words`.
  Failed fail_expected(std::string_view what, std::initializer_list<std::string_view> words = {});
  Failed fail_expected(std::string_view what, const std::vector<std::string_view>& words);
  Failed fail_depth();
  // The token after a complete clause or expression cannot go on.
  Failed fail_after(std::string_view what);
  std::string found_text() const;
  // What to write instead when another language's words are found here, or empty.
  std::string_view foreign_hint() const;
  bool expect(TokenKind kind, std::string_view where);
  bool expect(Keyword keyword);
  // `close` ends what the bracket token `open` began.
  bool expect_close(TokenKind close, uint32_t open, std::string_view or_what = {});
  bool parse_name(ast::Name& out, std::string_view what);
  ast::Name name_of(const Token& t);
  bool parse_dotted_name(ast::Name& out, std::string_view what);

  // --- depth ---
  class Deeper {
   public:
    explicit Deeper(Parser& parser) : parser_(parser) { ++parser_.depth_; }
    ~Deeper() { --parser_.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    explicit operator bool() const { return parser_.depth_ <= kDepthMax && !stack_low(); }

   private:
    Parser& parser_;
  };
  // Measures the expressions made while it lives, for nodes that hold them indirectly.
  class HeightScope {
   public:
    explicit HeightScope(Parser& parser) : parser_(parser), saved_(parser.deepest_) { parser_.deepest_ = 0; }
    ~HeightScope() {
      if (parser_.deepest_ < saved_) parser_.deepest_ = saved_;
    }
    HeightScope(const HeightScope&) = delete;
    HeightScope& operator=(const HeightScope&) = delete;
    uint32_t inside() const { return parser_.deepest_; }

   private:
    Parser& parser_;
    uint32_t saved_;
  };

  // Collects list items on a stack shared by all lists being parsed; strictly nested.
  template <typename T>
  class ListBuilder {
   public:
    explicit ListBuilder(Parser& parser) : parser_(parser), mark_(parser.scratch_.size()) {}
    ~ListBuilder() { parser_.scratch_.resize(mark_); }
    ListBuilder(const ListBuilder&) = delete;
    ListBuilder& operator=(const ListBuilder&) = delete;
    void push(const T& item) {
      static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 8);
      size_t at = parser_.scratch_.size();
      parser_.scratch_.resize(at + kWords);
      std::memcpy(static_cast<void*>(parser_.scratch_.data() + at), static_cast<const void*>(&item), sizeof(T));
    }
    size_t size() const { return (parser_.scratch_.size() - mark_) / kWords; }
    bool empty() const { return parser_.scratch_.size() == mark_; }
    T get(size_t i) const {
      T item;
      std::memcpy(static_cast<void*>(&item), parser_.scratch_.data() + mark_ + i * kWords, sizeof(T));
      return item;
    }
    ast::List<T> finish() const {
      size_t count = size();
      if (count == 0) return {};
      T* p = static_cast<T*>(parser_.arena_.allocate(count * sizeof(T), alignof(T)));
      for (size_t i = 0; i < count; ++i) {
        std::memcpy(static_cast<void*>(p + i), parser_.scratch_.data() + mark_ + i * kWords, sizeof(T));
      }
      return {p, count};
    }

   private:
    static constexpr size_t kWords = (sizeof(T) + 7) / 8;
    Parser& parser_;
    size_t mark_;
  };

  // --- nodes ---
  template <typename T>
  T* node() {
    T* p = arena_.make<T>();
    p->kind = T::kKind;
    return p;
  }
  // Sets span and height of a finished expression; null when the tree got too high.
  const ast::Expr* seal(ast::Expr* e, uint32_t start, uint32_t child_height);
  template <typename T>
  const T* finish_clause(T* clause, uint32_t start) {
    clause->span = span_from(start);
    return clause;
  }

  // --- expressions (parse_expression.cpp) ---
  struct ChainLink {
    const ast::Expr* operand;
    uint64_t op;
  };
  const ast::Expr* parse_expr();
  const ast::Expr* parse_binary(int min_level, const ast::Expr* left, uint32_t start);
  const ast::Expr* parse_chain(int level, const ast::Expr* left, uint32_t start);
  const ast::Expr* parse_comparison(const ast::Expr* left, uint32_t start);
  const ast::Expr* parse_predicate(const ast::Expr* left, uint32_t start);
  const ast::Expr* parse_is(const ast::Expr* left, uint32_t start);
  const ast::Expr* parse_unary();
  const ast::Expr* parse_postfix();
  const ast::Expr* parse_steps(const ast::Expr* base, uint32_t start, bool target);
  const ast::Expr* parse_subscript(const ast::Expr* base, uint32_t start);
  const ast::Expr* parse_map_projection(const ast::Expr* base, uint32_t start);
  const ast::Expr* parse_atom();
  const ast::Expr* parse_word_atom();
  const ast::Expr* parse_paren();
  const ast::Expr* parse_bracket();
  const ast::Expr* parse_map();
  const ast::Expr* parse_case();
  const ast::Expr* parse_cast(ast::CastForm form);
  const ast::Expr* parse_quantifier(ast::QuantifierKind kind);
  const ast::Expr* parse_reduce();
  const ast::Expr* parse_list_comprehension(uint32_t open);
  const ast::Expr* parse_pattern_comprehension(uint32_t open);
  const ast::Expr* parse_pattern_predicate();
  const ast::Expr* parse_subquery(ast::SubqueryKind kind);
  const ast::Expr* parse_function();
  const ast::Expr* parse_function_call(uint32_t name_tokens);
  bool at_trim_operands(std::string_view function) const;
  bool is_normal_form(const Token& t) const;
  bool is_metric(const Token& t) const;
  bool parse_trim_operands(ast::Name& name, ListBuilder<const ast::Expr*>& args);
  const ast::Expr* parse_argument(std::string_view function, size_t index);
  const ast::Expr* parse_literal(bool negative, uint32_t start, bool needed_now = false);
  const ast::Expr* parse_parameter();
  const ast::Expr* parse_variable();
  const ast::Expr* parse_where();  // after WHERE
  // A pattern is only a truth value where one is asked for.
  bool check_value(const ast::Expr* e);
  bool is_stripped(const Token& t) const {
    return normalized_ != nullptr && next_stripped_ < normalized_->offsets.size() &&
           normalized_->offsets[next_stripped_] == t.offset;
  }
  // The literal at the current token is needed now.
  void take_for_compiler() {
    if (is_stripped(*t_)) {
      ++next_stripped_;
      key_is_exact_ = false;
    }
  }
  bool at_pattern_start() const { return is_pattern_start(t_); }
  bool is_pattern_start(const Token* t) const;
  // Of the direct contents of the bracket pair open .. close: the `|` that separates, 0 when there is none.
  struct Contents {
    uint32_t bar = 0;
    bool comma = false;
  };
  Contents scan_contents(uint32_t open);

  // --- patterns (parse_pattern.cpp) ---
  const ast::PathPattern* parse_path(PatternContext context);
  bool parse_selector(ast::PathPattern& path);
  bool parse_elements(ast::PathPattern& path, PatternContext context);
  const ast::PatternElement* parse_node(PatternContext context);
  const ast::PatternElement* parse_group(PatternContext context);
  const ast::PatternElement* parse_relationship(PatternContext context);
  bool parse_relationship_detail(ast::RelationshipPattern& rel, PatternContext context);
  bool parse_properties(const ast::Expr*& out, PatternContext context);
  bool parse_length(const ast::Repeat*& out);
  bool parse_quantifier_suffix(const ast::Repeat*& out);
  bool parse_bound(int64_t& out);
  bool at_relationship() const;
  bool at_group() const;
  bool at_selector() const;
  bool check_write_relationship(const ast::RelationshipPattern& rel, PatternContext context);
  bool parse_patterns(ast::List<const ast::PathPattern*>& out, PatternContext context);
  const ast::LabelExpr* parse_labels();  // after `:` or IS
  const ast::LabelExpr* parse_label_and();
  const ast::LabelExpr* parse_label_term();
  const ast::LabelExpr* join_labels(ast::LabelExprKind kind, bool colons, ListBuilder<const ast::LabelExpr*>& parts,
                                    uint32_t start);
  // `:A:B`, `:A&B`, `:$(x)`: what CREATE, MERGE, SET and REMOVE take.
  bool check_plain_labels(const ast::LabelExpr* labels, std::string_view clause);

  // --- clauses (parse_clause.cpp) ---
  const ast::QueryBody* parse_body(BodyContext context);
  const ast::SingleQuery* parse_single(BodyContext context);
  bool check_composition(const ast::List<const ast::Clause*>& clauses, BodyContext context);
  bool at_clause() const;
  const ast::Clause* parse_clause(BodyContext context);
  const ast::Clause* parse_match(bool optional, uint32_t start);
  bool parse_hint(ast::Hint& hint);
  const ast::Clause* parse_unwind();
  const ast::Clause* parse_projection(bool with);
  const ast::Projection* parse_projection_body(bool with, uint32_t start);
  bool parse_sort_items(ast::List<ast::SortItem>& out);
  bool parse_page(const ast::Expr*& skip, const ast::Expr*& limit);
  const ast::Clause* parse_create();
  const ast::Clause* parse_merge();
  const ast::Clause* parse_set();
  bool parse_set_items(ast::List<ast::SetItem>& out);
  const ast::Expr* parse_target(std::string_view what);
  const ast::Clause* parse_remove();
  const ast::Clause* parse_delete();
  const ast::Clause* parse_foreach();
  const ast::Clause* parse_call(bool optional, uint32_t start);
  const ast::Clause* parse_call_subquery(bool optional, uint32_t start);
  bool parse_in_transactions(const ast::InTransactions*& out);
  bool parse_yield(ast::List<ast::YieldItem>& items, bool& star, bool dash_allowed);
  const ast::Clause* parse_load_csv();

  // --- schema commands (parse_schema.cpp) ---
  bool at_schema_create() const;
  bool parse_schema_create(ast::Statement& out);
  bool parse_create_index(ast::Statement& out, ast::IndexKind kind, bool or_replace);
  bool parse_create_constraint(ast::Statement& out, bool or_replace);
  bool parse_drop(ast::Statement& out);
  bool parse_show(ast::Statement& out);
  bool parse_show_filter(ast::Show& show);
  bool parse_schema_name(ast::Name& name, const ast::Expr*& parameter);
  bool parse_if_not_exists(bool& out);
  bool parse_schema_entity(ast::Name& variable, ast::List<ast::Name>& names, bool& on_relationships, bool label_needed);
  bool parse_schema_property(const ast::Name& variable, ast::Name& out);
  bool parse_schema_properties(const ast::Name& variable, ast::List<ast::Name>& out, bool brackets);
  bool parse_options(const ast::Expr*& out);

  // --- types (parse_type.cpp) ---
  const ast::TypeRef* parse_type_ref();
  const ast::TypeRef* parse_single_type();
  bool parse_type_name(ast::TypeRef& type);
  bool at_type() const;

  std::string_view text_;
  Arena& arena_;
  const Tokens& tokens_;
  const Token* t_;
  const Token* last_;
  const Normalized* normalized_;
  Status status_;
  std::vector<uint64_t> scratch_;
  uint64_t steps_ = 0;
  uint32_t prev_end_ = 0;
  uint32_t depth_ = 0;
  uint32_t deepest_ = 0;
  uint32_t next_stripped_ = 0;
  uint32_t separator_bar_ = 0;  // token index of a `|` that joins neither labels nor types
  bool key_is_exact_ = true;
};

}  // namespace lora::cypher
