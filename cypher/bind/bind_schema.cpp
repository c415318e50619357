// Schema commands and SHOW.
#include <algorithm>

#include "cypher/bind/binder_state.h"

namespace lora::cypher {

namespace {

graph::IndexKind index_kind(ast::IndexKind kind) {
  switch (kind) {
    case ast::IndexKind::kRange: return graph::IndexKind::kRange;
    case ast::IndexKind::kText: return graph::IndexKind::kText;
    case ast::IndexKind::kPoint: return graph::IndexKind::kPoint;
    case ast::IndexKind::kLookup: return graph::IndexKind::kLookup;
    case ast::IndexKind::kVector: return graph::IndexKind::kVector;
    case ast::IndexKind::kFulltext: return graph::IndexKind::kFulltext;
  }
  return graph::IndexKind::kRange;
}

graph::ConstraintKind constraint_kind(ast::ConstraintKind kind) {
  switch (kind) {
    case ast::ConstraintKind::kUnique: return graph::ConstraintKind::kUnique;
    case ast::ConstraintKind::kNotNull: return graph::ConstraintKind::kNotNull;
    case ast::ConstraintKind::kKey: return graph::ConstraintKind::kKey;
    case ast::ConstraintKind::kType: return graph::ConstraintKind::kType;
  }
  return graph::ConstraintKind::kUnique;
}

Status unsupported(std::string message, uint32_t offset) {
  return Status::compile_time(ErrorCode::kUnsupported, "SyntaxError", "UnexpectedSyntax", std::move(message), offset);
}

graph::EntityKind entity_kind(bool on_relationships) {
  return on_relationships ? graph::EntityKind::kRelationship : graph::EntityKind::kNode;
}

}  // namespace

Status Binder::bind_schema() {
  const ast::Statement& s = query_.statement;
  auto out = std::make_unique<BoundSchemaCommand>();
  out->offset = s.span.offset;
  out->length = s.span.length;
  auto keys_of = [&](ast::List<ast::Name> names, std::vector<std::string>* keys) -> Status {
    for (const ast::Name& name : names) {
      if (std::find(keys->begin(), keys->end(), name.text) != keys->end()) {
        return error("UnexpectedSyntax", "property " + quoted(name.text) + " is named twice", name.span);
      }
      keys->emplace_back(name.text);
    }
    return Status();
  };
  const ast::Expr* name_parameter = nullptr;
  switch (s.kind) {
    case ast::StatementKind::kCreateIndex: {
      const ast::CreateIndex& c = *s.create_index;
      out->action = BoundSchemaCommand::Action::kCreateIndex;
      out->if_exists_flag = c.if_not_exists;
      name_parameter = c.name_parameter;
      if (c.or_replace) return unsupported("OR REPLACE is not offered; drop the index first", s.span.offset);
      if (c.kind == ast::IndexKind::kVector || c.kind == ast::IndexKind::kFulltext) {
        return unsupported("vector and fulltext indexes are not offered yet", s.span.offset);
      }
      auto* definition = arena_.owned<graph::IndexDefinition>();
      definition->name = std::string(c.name.text);
      definition->kind = index_kind(c.kind);
      definition->entity = entity_kind(c.on_relationships);
      if (!c.labels_or_types.empty()) definition->label_or_type = std::string(c.labels_or_types[0].text);
      LORA_TRY(keys_of(c.properties, &definition->keys));
      out->index = definition;
      break;
    }
    case ast::StatementKind::kCreateConstraint: {
      const ast::CreateConstraint& c = *s.create_constraint;
      out->action = BoundSchemaCommand::Action::kCreateConstraint;
      out->if_exists_flag = c.if_not_exists;
      name_parameter = c.name_parameter;
      if (c.or_replace) return unsupported("OR REPLACE is not offered; drop the constraint first", s.span.offset);
      if (c.kind == ast::ConstraintKind::kType)
        return unsupported("type constraints are not offered yet", s.span.offset);
      auto* definition = arena_.owned<graph::ConstraintDefinition>();
      definition->name = std::string(c.name.text);
      definition->kind = constraint_kind(c.kind);
      definition->entity = entity_kind(c.on_relationships);
      definition->label_or_type = std::string(c.label_or_type.text);
      LORA_TRY(keys_of(c.properties, &definition->keys));
      out->constraint = definition;
      break;
    }
    case ast::StatementKind::kDropIndex:
    case ast::StatementKind::kDropConstraint:
      out->action = s.kind == ast::StatementKind::kDropIndex ? BoundSchemaCommand::Action::kDropIndex
                                                             : BoundSchemaCommand::Action::kDropConstraint;
      out->name = arena_.text(s.drop->name.text);
      out->if_exists_flag = s.drop->if_exists;
      name_parameter = s.drop->name_parameter;
      break;
    default: return Status::internal("no schema command");
  }
  if (name_parameter != nullptr) {
    return unsupported("the name of an index or constraint cannot be a parameter", name_parameter->span.offset);
  }
  statement_->schema_command = true;
  frame_->writes = true;
  statement_->query.parts.emplace_back();
  statement_->query.parts[0].clauses.push_back(std::move(out));
  return Status();
}

Status Binder::bind_show(const ast::Show& show) {
  static constexpr BoundShow::What kWhat[] = {BoundShow::What::kIndexes, BoundShow::What::kConstraints,
                                              BoundShow::What::kFunctions, BoundShow::What::kProcedures};
  auto out = std::make_unique<BoundShow>();
  out->offset = query_.statement.span.offset;
  out->length = query_.statement.span.length;
  out->what = kWhat[static_cast<size_t>(show.kind)];
  out->kind_filter = show.filter == "ALL" ? std::string_view() : arena_.text(show.filter);
  const std::span<const std::string_view> names = show_column_names(out->what);
  for (size_t i = 0; i < names.size(); ++i) out->columns.push_back(new_slot());

  // The columns that are visible from here on: all, or those that YIELD names.
  std::vector<Variable> visible;
  auto add = [&](size_t column, std::string_view as, ast::Span span) -> Status {
    if (scope_->find_here(as) != nullptr) return already_bound(as, span);
    Variable v;
    v.name = arena_.text(as);
    v.slot = out->columns[column];
    scope_->add(v);
    visible.push_back(v);
    out->introduces.push_back({v.name, v.slot, v.kind, v.types, true});
    return Status();
  };
  if (!show.has_yield || show.yield_star) {
    for (size_t i = 0; i < names.size(); ++i) LORA_TRY(add(i, names[i], {out->offset, out->length}));
  }
  for (const ast::YieldItem& item : show.yields) {
    const auto it = std::find(names.begin(), names.end(), item.field.text);
    if (it == names.end()) {
      return error(
          "UndefinedVariable",
          "SHOW has no column " + quoted(item.field.text) + nearest_hint(item.field.text, {names.begin(), names.end()}),
          item.field.span);
    }
    const ast::Name& as = item.alias ? item.alias : item.field;
    LORA_TRY(add(static_cast<size_t>(it - names.begin()), as.text, as.span));
  }
  BoundPart part;
  part.clauses.push_back(std::move(out));

  // YIELD ... ORDER BY ... SKIP ... LIMIT ... WHERE is a WITH of the visible columns.
  auto projection = std::make_unique<BoundProjection>();
  projection->is_return = show.ret == nullptr;
  for (const Variable& v : visible) projection->columns.push_back({v.name, v.slot});
  for (const ast::SortItem& item : show.order_by) {
    BoundSortKey key;
    LORA_ASSIGN(key.expr, bind_expr(*item.expr));
    key.ascending = !item.descending;
    projection->order_by.push_back(key);
  }
  if (show.skip != nullptr) {
    LORA_ASSIGN(projection->skip, bind_row_count(*show.skip, "SKIP"));
  }
  if (show.limit != nullptr) {
    LORA_ASSIGN(projection->limit, bind_row_count(*show.limit, "LIMIT"));
  }
  if (show.where != nullptr) {
    LORA_ASSIGN(Expr * where, bind_condition(*show.where));
    split_conjuncts(where, &projection->where);
  }
  part.clauses.push_back(std::move(projection));
  std::vector<Variable> columns = visible;
  if (show.ret != nullptr) {
    LORA_TRY(bind_projection(*show.ret, true, &part, &columns));
  } else {
    part.has_result = true;
    for (const Variable& v : visible) part.result.push_back(v.slot);
  }
  BoundQuery& query = statement_->query;
  for (const Variable& v : columns) query.columns.push_back(v.name);
  query.output = part.result;
  query.parts.push_back(std::move(part));
  return Status();
}

}  // namespace lora::cypher
