// Binder: the working state of one bind() call, shared by the bind_*.cpp files. Not for users of the folder.
//
// Each bind_* function turns one piece of syntax into its bound form; the current scope and frame are members, switched
// with Restore. Errors carry the place of the piece that is wrong.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "cypher/bind/binder.h"
#include "cypher/bind/scope.h"
#include "cypher/bind/slot_set.h"
#include "cypher/functions/families.h"
#include "cypher/syntax/ast.h"

namespace lora::cypher {

inline constexpr TypeSet kNullType = type_bit(ValueType::kNull);

// True when the expression surely is no null and of none of the `allowed` types.
inline bool never(TypeSet types, TypeSet allowed) {
  return (types & ~kNullType) != 0 && (types & allowed) == 0;
}
// True when it is surely one of `of` (or null).
inline bool surely(TypeSet types, TypeSet of) {
  return (types & ~kNullType) != 0 && (types & ~(of | kNullType)) == 0;
}

// Sets a variable for the length of a block.
template <typename T>
class Restore {
 public:
  Restore(T& place, T value) : place_(place), before_(std::exchange(place, std::move(value))) {}
  ~Restore() { place_ = std::move(before_); }
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;

 private:
  T& place_;
  T before_;
};

// Equal in structure: evaluating both on one row gives the same value. Volatile functions and subqueries equal nothing.
bool same_expr(const Expr& a, const Expr& b);
// Equal expressions hash alike.
size_t hash_expr(const Expr& e);

// Expressions and the slots that hold their values.
class ExprSlots {
 public:
  Slot find(const Expr& e) const;  // kNoSlot: none
  void add(Slot slot, Expr* e);
  bool empty() const { return slots_.empty(); }

 private:
  static constexpr size_t kLinearMax = 16;  // beyond, by_hash_ is made
  struct Entry {
    size_t hash = 0;
    Slot slot = kNoSlot;
    const Expr* expr = nullptr;
  };
  std::vector<Entry> slots_;
  std::unordered_multimap<size_t, size_t> by_hash_;  // of all, to places in slots_
};

// Whether a call to a volatile function is inside.
bool has_random(const Expr& e);

// Where aggregates of a projection go while its expressions are bound.
struct AggregateSink {
  std::vector<BoundAssignment>* list = nullptr;
  ExprSlots* known = nullptr;             // the same, by expression
  bool frozen = false;                    // ORDER BY: only those known already
  const Scope* argument_scope = nullptr;  // frozen: names in arguments mean what they meant in the items
  bool used = false;
  const SlotSet* hidden = nullptr;  // frozen: slots that are not visible any more
};

class Binder {
 public:
  Binder(const Query& query, const BindOptions& options)
      : query_(query), options_(options), arena_(*options.arena), statement_(std::make_unique<BoundStatement>()) {}
  Result<std::unique_ptr<BoundStatement>> run();

 private:
  struct PatternState;
  struct Walk;

  // --- errors, names, slots (bind_query.cpp) ---
  static Status error(std::string_view detail, std::string message, ast::Span span);
  static Status type_error(std::string_view detail, std::string message, ast::Span span);
  static Status depth_error();
  Status undefined_variable(std::string_view name, ast::Span span) const;
  // VariableTypeConflict when the variable cannot be a node.
  static Status check_node(const Variable& v, ast::Span span);
  Status already_bound(std::string_view name, ast::Span span) const;
  Slot new_slot() { return statement_->slot_count++; }
  // `size`: how many variables it will have, as far as is known.
  Scope* new_scope(const Scope* parent, QueryFrame* frame, size_t size = 0) {
    return &scopes_.emplace_back(parent, frame, size);
  }
  const Variable* find(std::string_view name) { return find_variable(scope_, frame_, name); }
  std::string_view text_of(ast::Span span) const { return query_.text.substr(span.offset, span.length); }

  // --- expressions (bind_expression.cpp) ---
  // `predicate`: the value is used as a truth value, so a pattern may stand here.
  Result<Expr*> bind_expr(const ast::Expr& e, bool predicate = false);
  Result<Expr*> bind_optional(const ast::Expr* e);   // null pointer for null pointer
  Result<Expr*> bind_condition(const ast::Expr& e);  // must be able to be boolean
  Result<Expr*> bind_literal(const ast::Literal& e);
  Result<Expr*> bind_variable(std::string_view name, ast::Span span);
  Result<Expr*> bind_list(const ast::ListLiteral& e);
  Result<Expr*> bind_map(const ast::MapLiteral& e);
  Result<Expr*> bind_map_projection(const ast::MapProjection& e);
  Result<Expr*> bind_property(const ast::Property& e);
  Result<Expr*> bind_index(const ast::Index& e);
  Result<Expr*> bind_slice(const ast::Slice& e);
  Result<Expr*> bind_chain(const ast::Chain& e);
  Result<Expr*> bind_comparison(const ast::Comparison& e);
  Result<Expr*> bind_predicate(const ast::Predicate& e);
  Result<Expr*> bind_unary(const ast::Unary& e);
  Result<Expr*> bind_normalized_test(const ast::NormalizedTest& e);
  Result<Expr*> bind_label_test(const ast::LabelTest& e);
  Result<Expr*> bind_cast(const ast::Cast& e);
  Result<Expr*> bind_call(const ast::FunctionCall& e);
  Result<Expr*> bind_type_call(const FunctionSpec& function, const std::vector<Expr*>& args, ast::Span span);
  Result<Expr*> bind_aggregate(const AggregateSpec& spec, std::string_view name, bool distinct,
                               ast::List<const ast::Expr*> args, ast::Span span);
  Result<Expr*> bind_case(const ast::Case& e);
  Result<Expr*> bind_list_comprehension(const ast::ListComprehension& e);
  Result<Expr*> bind_quantifier(const ast::Quantifier& e);
  Result<Expr*> bind_reduce(const ast::Reduce& e);
  Result<Expr*> bind_pattern_comprehension(const ast::PatternComprehension& e);
  Result<Expr*> bind_pattern_predicate(const ast::PatternPredicate& e, bool predicate);
  Result<Expr*> bind_subquery(const ast::Subquery& e);
  Status check_arguments(std::string_view name, std::span<const ArgSpec> specs, size_t min, size_t max,
                         const std::vector<Expr*>& args, ast::Span span) const;
  Expr* finish_subquery(ExprKind kind, std::unique_ptr<BoundQuery> query, ast::Span span);

  Expr* make(ExprKind kind, ast::Span span, TypeSet types = kAnyType);
  Expr* make(ExprKind kind, ast::Span span, TypeSet types, const std::vector<Expr*>& children);
  Expr* constant(Value value, ast::Span span);
  Expr* slot_expr(const Variable& v, ast::Span span);
  Expr* slot_expr(Slot slot, TypeSet types, ast::Span span);
  Expr* property_expr(Expr* object, std::string_view key, ast::Span span);
  Expr* compare(char op, Expr* left, Expr* right, ast::Span span);
  Expr* conjunction(Expr* a, Expr* b);  // either may be a null pointer
  Expr* call(std::string_view function, const std::vector<Expr*>& args, ast::Span span);
  TypeSet elements_of(const Expr& list) const;
  void set_elements(const Expr* list, TypeSet elements) { elements_[list] = elements; }

  // --- labels and types (labels_and_types.cpp) ---
  Result<const TypeExpr*> bind_type(const ast::TypeRef& type);
  // Static label expression; the tree must hold no dynamic label.
  LabelExpr* label_tree(const ast::LabelExpr& labels);
  // `subject:labels` as a truth value; dynamic labels allowed.
  Result<Expr*> label_condition(Expr* subject, const ast::LabelExpr& labels);

  // --- patterns (bind_pattern.cpp) ---
  Status bind_match_pattern(ast::List<const ast::PathPattern*> paths, const ast::Expr* where, BoundPattern* pattern,
                            std::vector<BoundVariable>* introduces, bool allow_new, bool nullable);
  Status walk_path(PatternState& state, const ast::PathPattern& path, Walk& walk);
  Status match_path(PatternState& state, const ast::PathPattern& path);
  Status apply_selector(PatternState& state, const ast::PathPattern& path, const Walk& walk, Slot* path_slot);
  Status check_repeatable(const BoundPattern& pattern, ast::Span span);
  void add_where(PatternState& state, BoundPattern* pattern, Expr* condition);
  void push_selector_down(PatternState& state, BoundPattern* pattern);
  Result<uint32_t> match_node(PatternState& state, const ast::NodePattern& node);
  Status match_relationship(PatternState& state, const ast::RelationshipPattern& rel, uint32_t from, uint32_t to,
                            Walk& walk);
  Status match_group(PatternState& state, const ast::GroupPattern& group, uint32_t from, uint32_t to, Walk& walk);
  Status match_single_group(PatternState& state, const ast::GroupPattern& group, uint32_t from, uint32_t to,
                            Walk& walk);
  Status declare_group_list(PatternState& state, const Variable& inner, Slot slot);
  Status bind_deferred(PatternState& state);
  // Where the properties of a pattern's element are looked for.
  struct PatternProperties {
    BoundPattern* pattern;
    Slot subject;
    TypeSet types;
  };
  // One equality for each entry, into *hop, or among the pattern's predicates when `hop` is a null pointer.
  Status add_properties(const PatternProperties& where, const ast::Expr& properties, Expr** hop);
  Status add_labels(PatternState& state, uint32_t node, const ast::LabelExpr& labels);
  Status add_types(PatternState& state, uint32_t rel, const ast::LabelExpr& types);
  void add_predicate(BoundPattern& pattern, Expr* e);
  Expr* path_expr(const PatternState& state, const std::vector<Slot>& alternation, ast::Span span);
  uint32_t anonymous_node(PatternState& state);
  void declare(PatternState& state, const Variable& v);

  // --- projections (bind_projection.cpp) ---
  struct View;
  Status bind_projection(const ast::Projection& p, bool is_return, BoundPart* part, std::vector<Variable>* columns);
  Status rewrite_grouped(Expr** e, const View& view);
  Status refuse_hidden(const Expr& e, const View& view) const;
  Status bind_sort(const ast::SortItem& item, View& view, AggregateSink* sink, BoundSortKey* key);
  Result<Expr*> bind_row_count(const ast::Expr& e, std::string_view word);
  void split_conjuncts(Expr* e, std::vector<BoundPredicate>* out);

  // --- queries and clauses (bind_query.cpp) ---
  Status bind_query_body(const ast::QueryBody& body, QueryFrame* frame, const Scope* outer, const Scope* import_scope,
                         bool needs_result, BoundQuery* out, std::vector<Variable>* columns);
  Status bind_single_query(const ast::SingleQuery& q, const Scope* import_scope, bool needs_result, BoundPart* part,
                           std::vector<Variable>* columns);
  Status bind_clause(const ast::Clause& clause, bool last, BoundPart* part, std::vector<Variable>* columns);
  Status bind_importing_with(const ast::Projection& with, const Scope* import_scope, bool* done);
  Status bind_match(const ast::Match& match, BoundPart* part);
  Status bind_unwind(const ast::Unwind& unwind, BoundPart* part);
  Status bind_call_procedure(const ast::CallProcedure& c, BoundPart* part, std::vector<Variable>* columns);
  Status bind_call_subquery(const ast::CallSubquery& c, BoundPart* part);
  Status bind_load_csv(const ast::LoadCsv& c, BoundPart* part);
  Status unite(BoundQuery* query, std::vector<std::vector<Variable>>& parts, const ast::QueryBody& body,
               std::vector<Variable>* columns);

  // --- updates (bind_update.cpp) ---
  Status bind_create(const ast::Create& create, BoundClauses* out);
  struct CreateState;
  Status create_path(CreateState& state, const ast::PathPattern& path);
  Status create_node(CreateState& state, const ast::NodePattern& node, bool alone, Slot* slot);
  Status bind_merge(const ast::Merge& merge, BoundClauses* out);
  Status merge_node(const ast::NodePattern& node, bool alone, BoundMerge* out, uint32_t* index);
  Status merge_relationship(const ast::RelationshipPattern& rel, uint32_t from, uint32_t to, BoundMerge* out);
  Status bind_set_items(ast::List<ast::SetItem> items, std::vector<BoundSetItem>* out);
  Status bind_remove(const ast::Remove& remove, BoundClauses* out);
  Status bind_delete(const ast::Delete& del, BoundClauses* out);
  Status bind_foreach(const ast::Foreach& foreach, BoundClauses* out);
  Status bind_update_clause(const ast::Clause& clause, BoundClauses* out);
  Status bind_set_target(const ast::Expr& target, BoundSetItem* item);
  Status bind_plain_labels(const ast::LabelExpr& labels, std::string_view where, std::vector<const NameRef*>* names,
                           std::vector<Expr*>* dynamic);
  Status bind_single_type(const ast::RelationshipPattern& rel, bool merge, const NameRef** type, Expr** dynamic);

  // --- schema commands and SHOW (bind_schema.cpp) ---
  Status bind_schema();
  Status bind_show(const ast::Show& show);

  const Query& query_;
  const BindOptions& options_;
  PlanArena& arena_;
  std::unique_ptr<BoundStatement> statement_;

  std::deque<Scope> scopes_;  // all that were ever made: pointers stay good
  Scope* scope_ = nullptr;
  QueryFrame statement_frame_;
  QueryFrame* frame_ = nullptr;
  const Scope* frame_outer_ = nullptr;   // parent of the frame's own scopes
  AggregateSink* aggregates_ = nullptr;  // null pointer: no aggregate may stand here
  bool inside_aggregate_ = false;
  bool in_call_body_ = false;
  const ast::Expr* case_subject_ = nullptr;  // simple CASE with partial tests: the node that stands for the subject
  Expr* case_value_ = nullptr;
  std::unordered_map<const Expr*, TypeSet> elements_;  // element types of lists, where known
  std::unordered_set<std::string_view> parameters_;
  // Projections of subqueries that cut off the outer row, and how many imports their frame had before them.
  struct Carried {
    BoundProjection* projection;
    QueryFrame* frame;
    size_t imports_before;
  };
  std::vector<Carried> carried_;
};

}  // namespace lora::cypher
