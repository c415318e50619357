#include "cypher/exec/writer.h"

#include <algorithm>

#include "cypher/expr/operations.h"

namespace lora::cypher {

namespace {

Status merge_null_error(std::string_view key) {
  return Status::runtime(ErrorCode::kSemantic, "SemanticError", "MergeReadOwnWrites",
                         "`MERGE` cannot use null for property `" + std::string(key) + "`; null is never found again");
}

Status not_an_entity(std::string_view clause, const Value& v) {
  return type_error("InvalidArgumentType",
                    "`" + std::string(clause) + "` works on nodes and relationships, got " + describe(v));
}

}  // namespace

Status RowWriter::check_writable() const {
  if (state_.context.transaction != nullptr) return Status();
  return Status(ErrorCode::kReadOnly, "the query writes, but the transaction is read-only");
}

Result<KeyId> RowWriter::key_of(const NameRef& name) {
  const std::optional<KeyId> known = resolve_key(state_.reader(), name);
  if (known) return *known;
  return state_.transaction().key(name.name);
}

Status RowWriter::add_property(std::string_view key, const NameRef* name, Value value, bool merge) {
  if (value.is_null()) return merge ? merge_null_error(key) : Status();
  KeyId id;
  if (name != nullptr) {
    LORA_ASSIGN(id, key_of(*name));
  } else {
    LORA_ASSIGN(id, state_.transaction().key(key));
  }
  for (graph::Property& p : properties_) {
    if (p.key == id) {
      p.value = std::move(value);
      return Status();
    }
  }
  properties_.push_back({id, std::move(value)});
  return Status();
}

Status RowWriter::properties_of(const Expr* expr, const Batch& batch, size_t row, bool merge) {
  properties_.clear();
  if (expr == nullptr) return Status();
  Value v;
  if (expr->kind == ExprKind::kMap) {
    // The usual `{key: value, ...}`: no map is made.
    for (size_t i = 0; i < expr->children.size(); ++i) {
      LORA_TRY(state_.evaluator.evaluate_row(*expr->children[i], batch, row, &v));
      LORA_TRY(add_property(expr->names[i]->name, expr->names[i], std::move(v), merge));
    }
    return Status();
  }
  LORA_TRY(state_.evaluator.evaluate_row(*expr, batch, row, &v));
  if (v.is_null()) return Status();
  if (v.is_node() || v.is_relationship()) {
    Value map;
    LORA_TRY(properties_map(state_.context, v, &map));
    v = std::move(map);
  }
  if (!v.is_map()) return type_error("InvalidArgumentType", "properties are a map, got " + describe(v));
  for (const MapEntry& e : v.as_map()) LORA_TRY(add_property(e.first.as_string(), nullptr, e.second, merge));
  return Status();
}

Status RowWriter::dynamic_names(const Expr& expr, const Batch& batch, size_t row, std::string_view what,
                                std::vector<std::string>* out) {
  Value v;
  LORA_TRY(state_.evaluator.evaluate_row(expr, batch, row, &v));
  const auto take = [&](const Value& name) -> Status {
    if (!name.is_string()) {
      return type_error("InvalidArgumentType", std::string(what) + " is a string, got " + describe(name));
    }
    out->emplace_back(name.as_string());
    return Status();
  };
  if (!v.is_list()) return take(v);
  for (const Value& name : v.as_list()) LORA_TRY(take(name));
  return Status();
}

Status RowWriter::dynamic_key(const Expr& expr, const Batch& batch, size_t row, std::string* out) {
  Value v;
  LORA_TRY(state_.evaluator.evaluate_row(expr, batch, row, &v));
  if (!v.is_string()) return type_error("InvalidArgumentType", "a property key is a string, got " + describe(v));
  *out = v.as_string();
  return Status();
}

Status RowWriter::label_ids(std::span<const NameRef* const> names, std::span<const Expr* const> dynamic,
                            const Batch& batch, size_t row, bool create) {
  labels_.clear();
  for (const NameRef* name : names) {
    const std::optional<LabelId> known = resolve_label(state_.reader(), *name);
    if (known) {
      labels_.push_back(*known);
    } else if (create) {
      LORA_ASSIGN(LabelId made, state_.transaction().label(name->name));
      labels_.push_back(made);
    }
  }
  if (dynamic.empty()) return Status();
  names_.clear();
  for (const Expr* expr : dynamic) LORA_TRY(dynamic_names(*expr, batch, row, "a label", &names_));
  for (const std::string& name : names_) {
    const std::optional<LabelId> known = state_.reader().find_label(name);
    if (known) {
      labels_.push_back(*known);
    } else if (create) {
      LORA_ASSIGN(LabelId made, state_.transaction().label(name));
      labels_.push_back(made);
    }
  }
  return Status();
}

void RowWriter::prepare(const CreatePattern& pattern, Batch* batch) {
  const auto nulls = [&](Slot slot, Column::Kind kind) {
    if (slot == kNoSlot) return;
    (*batch)[slot].reset(kind);
    (*batch)[slot].ids.assign(batch->rows, kNoId);
  };
  for (const CreateNode& n : pattern.nodes) nulls(n.slot, Column::Kind::kNodes);
  for (const CreateRelationship& r : pattern.relationships) nulls(r.slot, Column::Kind::kRelationships);
}

Status RowWriter::create(const CreatePattern& pattern, Batch* batch, size_t row, bool merge) {
  nodes_.clear();
  for (const CreateNode& n : pattern.nodes) {
    LORA_TRY(properties_of(n.properties, *batch, row, merge));
    LORA_TRY(label_ids(n.labels, n.dynamic_labels, *batch, row, true));
    LORA_ASSIGN(NodeId id, state_.transaction().create_node(labels_, properties_));
    nodes_.push_back(id.value);
    if (n.slot != kNoSlot) (*batch)[n.slot].ids[row] = id.value;
    state_.count_hits(1 + labels_.size() + properties_.size());
  }
  for (const CreateRelationship& r : pattern.relationships) {
    LORA_TRY(create_relationship(pattern, r, batch, row, merge));
  }
  return Status();
}

Status RowWriter::end_of(const CreatePattern& pattern, Slot slot, const Batch& batch, size_t row, NodeId* out) {
  for (size_t i = 0; i < pattern.nodes.size(); ++i) {
    if (pattern.nodes[i].slot == slot) {
      *out = NodeId(nodes_[i]);
      return Status();
    }
  }
  const Value v = batch[slot].get(row);
  if (v.is_node()) {
    *out = v.node_id();
    return Status();
  }
  return type_error("InvalidArgumentType", "a relationship needs a node at each end, got " + describe(v));
}

Status RowWriter::create_relationship(const CreatePattern& pattern, const CreateRelationship& r, Batch* batch,
                                      size_t row, bool merge) {
  NodeId from, to;
  LORA_TRY(end_of(pattern, r.from, *batch, row, &from));
  LORA_TRY(end_of(pattern, r.to, *batch, row, &to));
  std::optional<RelTypeId> type;
  if (r.type != nullptr) {
    type = resolve_rel_type(state_.reader(), *r.type);
    if (!type) {
      LORA_ASSIGN(type, state_.transaction().rel_type(r.type->name));
    }
  } else {
    names_.clear();
    LORA_TRY(dynamic_names(*r.dynamic_type, *batch, row, "a relationship type", &names_));
    if (names_.size() != 1) {
      return type_error("InvalidArgumentType",
                        "a relationship has exactly one type, got `" + std::to_string(names_.size()) + "`");
    }
    LORA_ASSIGN(type, state_.transaction().rel_type(names_[0]));
  }
  LORA_TRY(properties_of(r.properties, *batch, row, merge));
  LORA_ASSIGN(RelId id, state_.transaction().create_relationship(*type, from, to, properties_));
  if (r.slot != kNoSlot) (*batch)[r.slot].ids[row] = id.value;
  state_.count_hits(1 + properties_.size());
  return Status();
}

Status RowWriter::set_property(const Value& target, KeyId key, const Value& value) {
  state_.count_hits(1);
  return target.is_node() ? state_.transaction().set_node_property(target.node_id(), key, value)
                          : state_.transaction().set_relationship_property(target.relationship_id(), key, value);
}

Status RowWriter::set_map(const SetItem& item, const Value& target, const Value& value) {
  // A missing map must not empty the entity.
  if (value.is_null()) {
    return type_error("InvalidArgumentType", "`SET` takes properties from a map, node or relationship, got null");
  }
  Value map;
  LORA_TRY(properties_map(state_.context, value, &map));
  if (item.kind == SetItem::Kind::kAdd) {
    for (const MapEntry& e : map.as_map()) {
      if (e.second.is_null()) {
        const std::optional<KeyId> known = state_.reader().find_key(e.first.as_string());
        if (known) LORA_TRY(set_property(target, *known, Value()));
        continue;
      }
      LORA_ASSIGN(KeyId key, state_.transaction().key(e.first.as_string()));
      LORA_TRY(set_property(target, key, e.second));
    }
    return Status();
  }
  properties_.clear();
  for (const MapEntry& e : map.as_map()) LORA_TRY(add_property(e.first.as_string(), nullptr, e.second, false));
  state_.count_hits(properties_.size());
  return target.is_node() ? state_.transaction().replace_node_properties(target.node_id(), properties_)
                          : state_.transaction().replace_relationship_properties(target.relationship_id(), properties_);
}

Status RowWriter::set_item(const SetItem& item, const Value& target, const Batch& batch, size_t row) {
  if (!target.is_node() && (item.kind == SetItem::Kind::kLabels || !target.is_relationship())) {
    return not_an_entity("SET", target);
  }
  if (item.kind == SetItem::Kind::kLabels) {
    LORA_TRY(label_ids(item.labels, item.dynamic_labels, batch, row, true));
    for (LabelId label : labels_) {
      LORA_ASSIGN([[maybe_unused]] bool added, state_.transaction().add_label(target.node_id(), label));
      state_.count_hits(1);
    }
    return Status();
  }
  Value value;
  LORA_TRY(state_.evaluator.evaluate_row(*item.value, batch, row, &value));
  if (item.kind == SetItem::Kind::kReplace || item.kind == SetItem::Kind::kAdd) return set_map(item, target, value);
  if (item.kind == SetItem::Kind::kProperty) {
    if (value.is_null()) {
      const std::optional<KeyId> known = resolve_key(state_.reader(), *item.key);
      return known ? set_property(target, *known, value) : check_not_deleted(state_.context, target);
    }
    LORA_ASSIGN(KeyId key, key_of(*item.key));
    return set_property(target, key, value);
  }
  std::string name;
  LORA_TRY(dynamic_key(*item.dynamic_key, batch, row, &name));
  LORA_ASSIGN(KeyId key, state_.transaction().key(name));
  return set_property(target, key, value);
}

Status RowWriter::set(std::span<const SetItem> items, const Batch& batch, size_t row) {
  Value target;
  for (const SetItem& item : items) {
    LORA_TRY(state_.evaluator.evaluate_row(*item.target, batch, row, &target));
    if (target.is_null()) continue;
    LORA_TRY(set_item(item, target, batch, row));
  }
  return Status();
}

Status RowWriter::remove(std::span<const SetItem> items, const Batch& batch, size_t row) {
  Value target;
  for (const SetItem& item : items) {
    LORA_TRY(state_.evaluator.evaluate_row(*item.target, batch, row, &target));
    if (target.is_null()) continue;
    if (!target.is_node() && (item.kind == SetItem::Kind::kLabels || !target.is_relationship())) {
      return not_an_entity("REMOVE", target);
    }
    LORA_TRY(check_not_deleted(state_.context, target));
    if (item.kind == SetItem::Kind::kLabels) {
      LORA_TRY(label_ids(item.labels, item.dynamic_labels, batch, row, false));
      for (LabelId label : labels_) {
        LORA_ASSIGN([[maybe_unused]] bool removed, state_.transaction().remove_label(target.node_id(), label));
        state_.count_hits(1);
      }
      continue;
    }
    if (item.kind == SetItem::Kind::kProperty) {
      const std::optional<KeyId> known = resolve_key(state_.reader(), *item.key);
      if (known) LORA_TRY(set_property(target, *known, Value()));
      continue;
    }
    std::string name;
    LORA_TRY(dynamic_key(*item.dynamic_key, batch, row, &name));
    const std::optional<KeyId> known = state_.reader().find_key(name);
    if (known) LORA_TRY(set_property(target, *known, Value()));
  }
  return Status();
}

}  // namespace lora::cypher
