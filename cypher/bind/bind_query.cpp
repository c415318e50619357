// Statements, queries and reading clauses.
#include <algorithm>

#include "cypher/bind/binder_state.h"
#include "cypher/syntax/stack_guard.h"

namespace lora::cypher {

// --- errors ---------------------------------------------------------------------------------------------------------

Status Binder::error(std::string_view detail, std::string message, ast::Span span) {
  return Status::compile_time(ErrorCode::kSemantic, "SyntaxError", detail, std::move(message), span.offset);
}

Status Binder::type_error(std::string_view detail, std::string message, ast::Span span) {
  return Status::compile_time(ErrorCode::kType, "TypeError", detail, std::move(message), span.offset);
}

Status Binder::depth_error() {
  return Status::limit("depth", "the query is nested too deeply");
}

Status Binder::undefined_variable(std::string_view name, ast::Span span) const {
  std::string hint = variable_hint(scope_, name);
  const auto& left = frame_->left;
  if (std::any_of(left.begin(), left.end(), [&](const Scope* s) { return s->find_here(name) != nullptr; })) {
    hint = "; WITH did not pass it on, add it there";
  } else if (frame_->around != nullptr && frame_->around->find_here(name) != nullptr) {
    hint = "; a CALL body sees only what it imports, as in CALL (" + std::string(name) + ") { ... }";
  }
  return error("UndefinedVariable", "variable " + quoted(name) + " is not defined" + hint, span);
}

Status Binder::check_node(const Variable& v, ast::Span span) {
  const bool possible = v.kind == VariableKind::kNode || (v.kind == VariableKind::kValue && !never(v.types, kNodeType));
  return possible ? Status() : error("VariableTypeConflict", quoted(v.name) + " is no node", span);
}

Status Binder::already_bound(std::string_view name, ast::Span span) const {
  return error("VariableAlreadyBound", "variable " + quoted(name) + " is already defined", span);
}

// --- statements -----------------------------------------------------------------------------------------------------

Result<std::unique_ptr<BoundStatement>> bind(const Query& query, const BindOptions& options) {
  return Binder(query, options).run();
}

Result<std::unique_ptr<BoundStatement>> Binder::run() {
  const ast::Statement& s = query_.statement;
  statement_->mode = s.mode == ast::StatementMode::kExplain   ? BoundStatement::Mode::kExplain
                     : s.mode == ast::StatementMode::kProfile ? BoundStatement::Mode::kProfile
                                                              : BoundStatement::Mode::kRun;
  frame_ = &statement_frame_;
  switch (s.kind) {
    case ast::StatementKind::kQuery: {
      std::vector<Variable> columns;
      LORA_TRY(bind_query_body(*s.query, frame_, nullptr, nullptr, false, &statement_->query, &columns));
      break;
    }
    case ast::StatementKind::kShow:
      scope_ = new_scope(nullptr, frame_);
      LORA_TRY(bind_show(*s.show));
      break;
    default:
      scope_ = new_scope(nullptr, frame_);
      LORA_TRY(bind_schema());
      break;
  }
  statement_->query.writes = statement_frame_.writes;
  statement_->writes = statement_frame_.writes;
  return std::move(statement_);
}

// --- queries --------------------------------------------------------------------------------------------------------

Status Binder::bind_query_body(const ast::QueryBody& body, QueryFrame* frame, const Scope* outer,
                               const Scope* import_scope, bool needs_result, BoundQuery* out,
                               std::vector<Variable>* columns) {
  if (stack_low()) return depth_error();
  Restore<QueryFrame*> inner_frame(frame_, frame);
  Restore<const Scope*> inner_outer(frame_outer_, outer);
  Restore<Scope*> scope(scope_, nullptr);
  std::vector<std::vector<Variable>> part_columns;
  for (const ast::SingleQuery* part : body.parts) {
    scope_ = new_scope(outer, frame);
    frame->left.clear();
    out->parts.emplace_back();
    part_columns.emplace_back();
    LORA_TRY(bind_single_query(*part, import_scope, needs_result, &out->parts.back(), &part_columns.back()));
  }
  LORA_TRY(unite(out, part_columns, body, columns));
  out->imports = frame->imports;
  std::sort(out->imports.begin(), out->imports.end());
  out->imports.erase(std::unique(out->imports.begin(), out->imports.end()), out->imports.end());
  out->writes = frame->writes;
  if (frame->writes && frame->outer != nullptr) frame->outer->writes = true;
  return Status();
}

// Joins the branches of a UNION: same names, in the order of the first branch.
Status Binder::unite(BoundQuery* query, std::vector<std::vector<Variable>>& parts, const ast::QueryBody& body,
                     std::vector<Variable>* columns) {
  query->union_all = body.union_all;
  *columns = std::move(parts[0]);
  for (const Variable& v : *columns) query->columns.push_back(v.name);
  if (query->parts.size() == 1) {
    query->output = query->parts[0].result;
    return Status();
  }
  for (size_t i = 1; i < parts.size(); ++i) {
    const bool same_size =
        parts[i].size() == columns->size() && query->parts[i].has_result == query->parts[0].has_result;
    std::vector<Slot> ordered;
    for (Variable& v : *columns) {
      auto it = std::find_if(parts[i].begin(), parts[i].end(), [&](const Variable& o) { return o.name == v.name; });
      if (!same_size || it == parts[i].end()) break;
      ordered.push_back(it->slot);
      v.types |= it->types;
      v.elements |= it->elements;
      v.nullable = v.nullable || it->nullable;
      if (v.kind != it->kind) v.kind = VariableKind::kValue;
    }
    if (!same_size || ordered.size() != columns->size()) {
      return error("DifferentColumnsInUnion", "all parts of a UNION must return the same columns", body.parts[i]->span);
    }
    query->parts[i].result = std::move(ordered);
  }
  for (Variable& v : *columns) {
    v.slot = new_slot();
    query->output.push_back(v.slot);
  }
  return Status();
}

namespace {

std::string_view clause_word(ast::ClauseKind kind) {
  switch (kind) {
    case ast::ClauseKind::kMatch: return "MATCH";
    case ast::ClauseKind::kUnwind: return "UNWIND";
    case ast::ClauseKind::kWith: return "WITH";
    case ast::ClauseKind::kLoadCsv: return "LOAD CSV";
    default: return "CALL";
  }
}

}  // namespace

Status Binder::bind_single_query(const ast::SingleQuery& q, const Scope* import_scope, bool needs_result,
                                 BoundPart* part, std::vector<Variable>* columns) {
  const size_t carried_before = carried_.size();
  size_t first = 0;
  if (import_scope != nullptr && q.clauses[0]->kind == ast::ClauseKind::kWith) {
    bool done = false;
    LORA_TRY(bind_importing_with(ast::as<ast::Projection>(*q.clauses[0]), import_scope, &done));
    first = done ? 1 : 0;
    if (done && q.clauses.size() == 1) {
      return error("InvalidClauseComposition", "a subquery cannot consist of an importing WITH alone", q.span);
    }
  }
  for (size_t i = first; i < q.clauses.size(); ++i) {
    const ast::Clause& clause = *q.clauses[i];
    const bool last = i + 1 == q.clauses.size();
    if (clause.kind == ast::ClauseKind::kReturn && !last) {
      return error("InvalidClauseComposition", "RETURN must be the last clause", clause.span);
    }
    LORA_TRY(bind_clause(clause, last, part, columns));
  }
  const ast::Clause& end = *q.clauses.back();
  const bool reading = end.kind == ast::ClauseKind::kMatch || end.kind == ast::ClauseKind::kUnwind ||
                       end.kind == ast::ClauseKind::kWith || end.kind == ast::ClauseKind::kLoadCsv;
  // EXISTS and COUNT need no RETURN: their rows are all that counts.
  const bool rows_only = frame_->outer != nullptr && !frame_->names_required;
  const bool call_with_rows = end.kind == ast::ClauseKind::kCallProcedure && !part->has_result &&
                              !static_cast<const BoundProcedureCall&>(*part->clauses.back()).yields.empty();
  const bool open_call =
      end.kind == ast::ClauseKind::kCallSubquery && !static_cast<const BoundCallSubquery&>(*part->clauses.back()).unit;
  if (!part->has_result && (needs_result || (!rows_only && (reading || call_with_rows || open_call)))) {
    return error("InvalidClauseComposition",
                 "a query cannot end with " + std::string(clause_word(end.kind)) + "; add RETURN", end.span);
  }
  for (size_t i = carried_before; i < carried_.size(); ++i) {
    Carried& c = carried_[i];
    if (c.frame != frame_) continue;
    std::vector<Slot>& slots = c.projection->carried;
    slots.assign(frame_->imports.begin() + static_cast<ptrdiff_t>(c.imports_before), frame_->imports.end());
    std::sort(slots.begin(), slots.end());
    slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  }
  carried_.resize(carried_before);
  return Status();
}

Status Binder::bind_clause(const ast::Clause& clause, bool last, BoundPart* part, std::vector<Variable>* columns) {
  switch (clause.kind) {
    case ast::ClauseKind::kMatch: return bind_match(ast::as<ast::Match>(clause), part);
    case ast::ClauseKind::kUnwind: return bind_unwind(ast::as<ast::Unwind>(clause), part);
    case ast::ClauseKind::kWith: return bind_projection(ast::as<ast::Projection>(clause), false, part, columns);
    case ast::ClauseKind::kReturn: return bind_projection(ast::as<ast::Projection>(clause), true, part, columns);
    case ast::ClauseKind::kCallProcedure:
      return bind_call_procedure(ast::as<ast::CallProcedure>(clause), part, columns);
    case ast::ClauseKind::kCallSubquery: return bind_call_subquery(ast::as<ast::CallSubquery>(clause), part);
    case ast::ClauseKind::kLoadCsv: return bind_load_csv(ast::as<ast::LoadCsv>(clause), part);
    case ast::ClauseKind::kFinish:
      if (!last) return error("InvalidClauseComposition", "FINISH must be the last clause", clause.span);
      return Status();
    default: return bind_update_clause(clause, &part->clauses);
  }
}

// --- reading clauses ------------------------------------------------------------------------------------------------

Status Binder::bind_match(const ast::Match& match, BoundPart* part) {
  auto out = std::make_unique<BoundMatch>();
  out->offset = match.span.offset;
  out->length = match.span.length;
  out->optional = match.optional;
  out->pattern.repeatable = match.repeatable_elements;
  LORA_TRY(bind_match_pattern(match.patterns, match.where, &out->pattern, &out->introduces, true, match.optional));
  if (match.repeatable_elements) LORA_TRY(check_repeatable(out->pattern, match.span));
  for (const ast::Hint& hint : match.hints) {
    for (const ast::Name& name : hint.variables) {
      if (find(name.text) == nullptr) return undefined_variable(name.text, name.span);
    }
  }
  part->clauses.push_back(std::move(out));
  return Status();
}

// Without uniqueness a relationship of variable length is a walk, which is not offered.
Status Binder::check_repeatable(const BoundPattern& pattern, ast::Span span) {
  const bool lists = std::any_of(pattern.relationships.begin(), pattern.relationships.end(),
                                 [](const BoundRelationship& r) { return r.variable_length; });
  if (lists || !pattern.quantified.empty() || pattern.selection != nullptr) {
    return Status::compile_time(
        ErrorCode::kUnsupported, "SyntaxError", "UnexpectedSyntax",
        "REPEATABLE ELEMENTS is not offered with relationships of variable length or path selectors", span.offset);
  }
  return Status();
}

Status Binder::bind_unwind(const ast::Unwind& unwind, BoundPart* part) {
  auto out = std::make_unique<BoundUnwind>();
  out->offset = unwind.span.offset;
  out->length = unwind.span.length;
  LORA_ASSIGN(out->list, bind_expr(*unwind.list));
  if (never(out->list->types, kListType)) {
    return error("InvalidArgumentType", "UNWIND takes a list; write `[x]` for a single value", unwind.list->span);
  }
  const std::string_view name = unwind.variable.text;
  if (find(name) != nullptr) return already_bound(name, unwind.variable.span);
  Variable v;
  v.name = arena_.text(name);
  v.slot = out->element = new_slot();
  v.types = surely(out->list->types, kListType) ? elements_of(*out->list) : kAnyType;
  if (surely(v.types, kNodeType)) v.kind = VariableKind::kNode;
  if (surely(v.types, kRelationshipType)) v.kind = VariableKind::kRelationship;
  scope_->add(v);
  out->introduces.push_back({v.name, v.slot, v.kind, v.types, true});
  part->clauses.push_back(std::move(out));
  return Status();
}

Status Binder::bind_load_csv(const ast::LoadCsv& c, BoundPart* part) {
  auto out = std::make_unique<BoundLoadCsv>();
  out->offset = c.span.offset;
  out->length = c.span.length;
  LORA_ASSIGN(out->url, bind_expr(*c.url));
  if (never(out->url->types, kStringType)) {
    return error("InvalidArgumentType", "LOAD CSV takes the file's name as a string", c.url->span);
  }
  LORA_ASSIGN(out->separator, bind_optional(c.field_terminator));
  if (find(c.variable.text) != nullptr) return already_bound(c.variable.text, c.variable.span);
  Variable v;
  v.name = arena_.text(c.variable.text);
  v.slot = out->row = new_slot();
  v.types = c.with_headers ? kMapType : kListType;
  v.elements = c.with_headers ? kAnyType : kStringType | kNullType;
  v.nullable = false;
  scope_->add(v);
  out->headers = c.with_headers;
  out->introduces.push_back({v.name, v.slot, v.kind, v.types, false});
  part->clauses.push_back(std::move(out));
  return Status();
}

// --- CALL -----------------------------------------------------------------------------------------------------------

Status Binder::bind_call_procedure(const ast::CallProcedure& c, BoundPart* part, std::vector<Variable>* columns) {
  auto out = std::make_unique<BoundProcedureCall>();
  out->offset = c.span.offset;
  out->length = c.span.length;
  out->optional = c.optional;
  const std::string name(c.name.text);
  const ProcedureSignature* p = nullptr;
  if (options_.procedures != nullptr) p = arena_.keep(options_.procedures->find_procedure(name));
  if (p == nullptr && options_.procedures != nullptr && options_.procedures->is_planned(name)) {
    return Status::compile_time(ErrorCode::kUnsupported, "ProcedureError", "ProcedureNotFound",
                                "the procedure `" + name + "` is not offered yet", c.name.span.offset);
  }
  if (p == nullptr) {
    std::string nearest = options_.procedures == nullptr ? std::string() : options_.procedures->nearest_procedure(name);
    if (!nearest.empty()) nearest = "; did you mean `" + nearest + "`?";
    return Status::compile_time(ErrorCode::kSemantic, "ProcedureError", "ProcedureNotFound",
                                "unknown procedure `" + name + "`" + nearest, c.name.span.offset);
  }
  out->procedure = p;
  const bool standalone = c.standalone && frame_->outer == nullptr;

  // --- arguments ---
  if (!c.has_arguments) {
    if (!standalone && !p->args.empty()) {
      return error("InvalidArgumentPassingMode",
                   "only a standalone CALL takes its arguments from parameters; write them in parentheses",
                   c.name.span);
    }
    for (const ProcedureSignature::Field& field : p->args) {
      if (field.optional) break;
      Expr* e = make(ExprKind::kParameter, c.name.span);
      e->text = arena_.text(field.name);
      if (parameters_.insert(e->text).second) statement_->parameters.emplace_back(e->text);
      out->args.push_back(e);
    }
  } else {
    Restore<AggregateSink*> no_aggregates(aggregates_, nullptr);
    for (const ast::Expr* arg : c.args) {
      LORA_ASSIGN(Expr * bound, bind_expr(*arg));
      out->args.push_back(bound);
    }
    size_t required = 0;
    for (const ProcedureSignature::Field& field : p->args) required += field.optional ? 0 : 1;
    if (out->args.size() < required || out->args.size() > p->args.size()) {
      return error("InvalidNumberOfArguments",
                   "procedure " + quoted(p->name) + " takes " + std::to_string(p->args.size()) +
                       (p->args.size() == 1 ? " argument" : " arguments") + ", not " + std::to_string(out->args.size()),
                   c.span);
    }
    for (size_t i = 0; i < out->args.size(); ++i) {
      TypeSet allowed = p->args[i].types;
      if ((allowed & kFloatType) != 0) allowed |= kIntegerType;  // an integer is assignable to a float
      if (!never(out->args[i]->types, allowed)) continue;
      return error("InvalidArgumentType",
                   "argument " + quoted(p->args[i].name) + " of " + quoted(p->name) + " is a " +
                       std::string(p->args[i].type_name),
                   c.args[i]->span);
    }
  }
  if (p->writes) frame_->writes = true;

  // --- results ---
  auto yield = [&](uint32_t column, std::string_view as, ast::Span span) -> Status {
    if (find(as) != nullptr) return already_bound(as, span);
    Variable v;
    v.name = arena_.text(as);
    v.slot = new_slot();
    v.types = p->columns[column].types;
    if (surely(v.types, kNodeType)) v.kind = VariableKind::kNode;
    if (surely(v.types, kRelationshipType)) v.kind = VariableKind::kRelationship;
    scope_->add(v);
    out->yields.push_back({column, v.slot});
    out->introduces.push_back({v.name, v.slot, v.kind, v.types, true});
    return Status();
  };
  if (c.yield_star && !standalone) {
    return error("UnexpectedSyntax", "`YIELD *` belongs to a standalone CALL; name the columns", c.span);
  }
  if (c.yield_star || (standalone && !c.has_yield)) {
    for (uint32_t i = 0; i < p->columns.size(); ++i) LORA_TRY(yield(i, p->columns[i].name, c.name.span));
  }
  for (const ast::YieldItem& item : c.yields) {
    uint32_t column = 0;
    while (column < p->columns.size() && p->columns[column].name != item.field.text) ++column;
    if (column == p->columns.size()) {
      std::vector<std::string_view> names;
      for (const ProcedureSignature::Field& field : p->columns) names.push_back(field.name);
      return error("UndefinedVariable",
                   "procedure " + quoted(p->name) + " has no column " + quoted(item.field.text) +
                       nearest_hint(item.field.text, names),
                   item.field.span);
    }
    const ast::Name& as = item.alias ? item.alias : item.field;
    LORA_TRY(yield(column, as.text, as.span));
  }
  if (c.where != nullptr) {
    LORA_ASSIGN(Expr * where, bind_condition(*c.where));
    split_conjuncts(where, &out->where);
  }
  if (standalone && !out->yields.empty()) {
    part->has_result = true;
    for (const BoundVariable& v : out->introduces) {
      part->result.push_back(v.slot);
      columns->push_back(*scope_->find_here(v.name));
    }
  }
  part->clauses.push_back(std::move(out));
  return Status();
}

// `WITH a, b` at the start of a CALL body names what comes in. Anything else is an ordinary WITH.
Status Binder::bind_importing_with(const ast::Projection& with, const Scope* import_scope, bool* done) {
  const bool all_plain = std::all_of(with.items.begin(), with.items.end(), [](const ast::ProjectionItem& item) {
    return item.expr->kind == ast::ExprKind::kVariable &&
           (!item.alias || item.alias.text == ast::as<ast::Variable>(*item.expr).name);
  });
  if (!all_plain) return Status();
  if (with.distinct || !with.order_by.empty() || with.skip != nullptr || with.limit != nullptr ||
      with.where != nullptr) {
    return error("InvalidClauseComposition", "an importing WITH takes names only; add a second WITH for the rest",
                 with.span);
  }
  auto import = [&](const Variable& v) {
    frame_->imports.push_back(v.slot);
    scope_->add(v);
  };
  if (with.star) {
    for (const Scope* s = import_scope; s != nullptr; s = s->parent()) {
      for (const Variable& v : s->variables()) {
        if (scope_->find_here(v.name) == nullptr) import(*find_variable(import_scope, frame_->outer, v.name));
      }
    }
  }
  for (const ast::ProjectionItem& item : with.items) {
    const std::string_view name = ast::as<ast::Variable>(*item.expr).name;
    const Variable* v = find_variable(import_scope, frame_->outer, name);
    if (v == nullptr) {
      return error("UndefinedVariable",
                   "variable " + quoted(name) + " is not defined" + variable_hint(import_scope, name), item.span);
    }
    import(*v);
  }
  *done = true;
  return Status();
}

Status Binder::bind_call_subquery(const ast::CallSubquery& c, BoundPart* part) {
  auto out = std::make_unique<BoundCallSubquery>();
  out->offset = c.span.offset;
  out->length = c.span.length;
  out->optional = c.optional;
  if (c.in_transactions != nullptr) {
    const ast::InTransactions& t = *c.in_transactions;
    if (frame_->outer != nullptr) {
      return error("InvalidClauseComposition", "IN TRANSACTIONS cannot stand inside a subquery", t.span);
    }
    if (t.concurrent || t.on_error != ast::OnError::kFail || t.status_variable) {
      return Status::compile_time(ErrorCode::kUnsupported, "SyntaxError", "UnexpectedSyntax",
                                  "CONCURRENT, ON ERROR and REPORT STATUS are not offered", t.span.offset);
    }
    out->in_transactions = true;
    statement_->in_transactions = true;
    if (t.batch_rows != nullptr) {
      LORA_ASSIGN(out->batch_rows, bind_row_count(*t.batch_rows, "IN TRANSACTIONS OF"));
    }
  }
  QueryFrame frame;
  frame.outer = frame_;
  frame.names_required = true;
  const Scope* outer = nullptr;
  const Scope* import_scope = nullptr;
  if (!c.scope_star) frame.around = scope_;
  if (!c.has_scope) {
    import_scope = scope_;
  } else if (c.scope_star) {
    outer = scope_;
  } else {
    Scope* listed = new_scope(nullptr, frame_);
    for (const ast::Name& name : c.scope) {
      const Variable* v = find(name.text);
      if (v == nullptr) return undefined_variable(name.text, name.span);
      listed->add(*v);
    }
    outer = listed;
  }
  out->query = std::make_unique<BoundQuery>();
  std::vector<Variable> columns;
  {
    Restore<AggregateSink*> no_aggregates(aggregates_, nullptr);
    LORA_TRY(bind_query_body(*c.body, &frame, outer, import_scope, false, out->query.get(), &columns));
  }
  out->imports = out->query->imports;
  out->unit = columns.empty();
  for (Variable& v : columns) {
    if (find(v.name) != nullptr) return already_bound(v.name, c.span);
    if (out->optional) v.nullable = true;
    scope_->add(v);
    out->introduces.push_back({v.name, v.slot, v.kind, v.types, v.nullable});
  }
  part->clauses.push_back(std::move(out));
  return Status();
}

}  // namespace lora::cypher
