// EXISTS, COUNT and COLLECT { }, pattern predicates and pattern comprehensions.
#include <algorithm>

#include "cypher/bind/binder_state.h"

namespace lora::cypher {

Expr* Binder::finish_subquery(ExprKind kind, std::unique_ptr<BoundQuery> query, ast::Span span) {
  std::vector<Expr*> imports;
  for (Slot slot : query->imports) imports.push_back(slot_expr(slot, kAnyType, span));
  const TypeSet types = kind == ExprKind::kExists ? kBooleanType : kind == ExprKind::kCount ? kIntegerType : kListType;
  Expr* out = make(kind, span, types, imports);
  if (kind == ExprKind::kCollect) out->slot = query->output[0];
  statement_->subqueries.push_back({out, std::move(query)});
  return out;
}

Result<Expr*> Binder::bind_subquery(const ast::Subquery& e) {
  const std::string_view word = e.subquery == ast::SubqueryKind::kExists  ? "EXISTS"
                                : e.subquery == ast::SubqueryKind::kCount ? "COUNT"
                                                                          : "COLLECT";
  QueryFrame frame;
  frame.outer = frame_;
  auto query = std::make_unique<BoundQuery>();
  std::vector<Variable> columns;
  {
    Restore<AggregateSink*> no_aggregates(aggregates_, nullptr);
    Restore<bool> outside(inside_aggregate_, false);
    const bool needs_result = e.subquery == ast::SubqueryKind::kCollect;
    LORA_TRY(bind_query_body(*e.body, &frame, scope_, nullptr, needs_result, query.get(), &columns));
  }
  if (query->writes) {
    return error("InvalidClauseComposition", std::string(word) + " { } cannot hold updating clauses", e.span);
  }
  if (e.subquery == ast::SubqueryKind::kCollect && query->columns.size() != 1) {
    return error("InvalidClauseComposition",
                 "COLLECT { } must return exactly one column, not " + std::to_string(query->columns.size()), e.span);
  }
  const ExprKind kind = e.subquery == ast::SubqueryKind::kExists  ? ExprKind::kExists
                        : e.subquery == ast::SubqueryKind::kCount ? ExprKind::kCount
                                                                  : ExprKind::kCollect;
  Expr* out = finish_subquery(kind, std::move(query), e.span);
  if (kind == ExprKind::kCollect) set_elements(out, columns[0].types);
  return out;
}

namespace {

void finish_imports(const QueryFrame& frame, BoundQuery* query) {
  query->imports = frame.imports;
  std::sort(query->imports.begin(), query->imports.end());
  query->imports.erase(std::unique(query->imports.begin(), query->imports.end()), query->imports.end());
}

}  // namespace

Result<Expr*> Binder::bind_pattern_predicate(const ast::PatternPredicate& e, bool predicate) {
  const bool shortest = e.pattern->shortest != ast::ShortestFunction::kNone;
  if (!shortest && !predicate) {
    return error("UnexpectedSyntax",
                 "a pattern can only be tested for existence here; use a pattern comprehension or "
                 "COUNT { }",
                 e.span);
  }
  QueryFrame frame;
  frame.outer = frame_;
  auto query = std::make_unique<BoundQuery>();
  BoundPart part;
  Variable path;
  {
    Restore<AggregateSink*> no_aggregates(aggregates_, nullptr);
    Restore<bool> outside(inside_aggregate_, false);
    Restore<Scope*> scope(scope_, new_scope(scope_, &frame));
    Restore<QueryFrame*> inner(frame_, &frame);
    auto match = std::make_unique<BoundMatch>();
    match->offset = e.span.offset;
    match->length = e.span.length;
    const ast::PathPattern* paths[] = {e.pattern};
    LORA_TRY(bind_match_pattern(paths, nullptr, &match->pattern, &match->introduces, false, false));
    if (shortest) {
      // The path of the pattern is its last derived slot: see apply_selector().
      path.slot = match->pattern.derived.back().slot;
      path.types = kPathType;
    }
    part.clauses.push_back(std::move(match));
  }
  if (shortest) {
    auto projection = std::make_unique<BoundProjection>();
    projection->is_return = true;
    projection->columns.push_back({"path", path.slot});
    part.clauses.push_back(std::move(projection));
    part.has_result = true;
    part.result = {path.slot};
    query->columns = {"path"};
    query->output = {path.slot};
  }
  query->parts.push_back(std::move(part));
  finish_imports(frame, query.get());
  Expr* out = finish_subquery(shortest ? ExprKind::kCollect : ExprKind::kExists, std::move(query), e.span);
  if (!shortest) return out;
  set_elements(out, kPathType);
  if (e.pattern->shortest == ast::ShortestFunction::kAllShortestPaths) return out;
  return make(ExprKind::kIndex, e.span, kPathType | kNullType, {out, constant(Value::integer(0), e.span)});
}

Result<Expr*> Binder::bind_pattern_comprehension(const ast::PatternComprehension& e) {
  QueryFrame frame;
  frame.outer = frame_;
  auto query = std::make_unique<BoundQuery>();
  TypeSet elements = kAnyType;
  {
    Restore<AggregateSink*> no_aggregates(aggregates_, nullptr);
    Restore<bool> outside(inside_aggregate_, false);
    Restore<Scope*> scope(scope_, new_scope(scope_, &frame));
    Restore<QueryFrame*> inner(frame_, &frame);
    BoundPart part;
    auto match = std::make_unique<BoundMatch>();
    match->offset = e.pattern->span.offset;
    match->length = e.pattern->span.length;
    const ast::PathPattern* paths[] = {e.pattern};
    LORA_TRY(bind_match_pattern(paths, e.where, &match->pattern, &match->introduces, true, false));
    part.clauses.push_back(std::move(match));
    auto projection = std::make_unique<BoundProjection>();
    projection->is_return = true;
    LORA_ASSIGN(Expr * result, bind_expr(*e.result));
    elements = result->types;
    Slot slot = result->slot;
    if (result->kind != ExprKind::kSlot) {
      slot = new_slot();
      projection->items.push_back({slot, result});
    }
    projection->columns.push_back({"item", slot});
    part.clauses.push_back(std::move(projection));
    part.has_result = true;
    part.result = {slot};
    query->parts.push_back(std::move(part));
    query->columns = {"item"};
    query->output = {slot};
  }
  finish_imports(frame, query.get());
  Expr* out = finish_subquery(ExprKind::kCollect, std::move(query), e.span);
  set_elements(out, elements);
  return out;
}

}  // namespace lora::cypher
