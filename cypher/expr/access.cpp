#include "cypher/expr/operations.h"
#include "graph/temporal.h"

namespace lora::cypher {

namespace {

constexpr uint32_t kUnresolved = UINT32_MAX;

// Looks a name up once and remembers its id, if that outlives the transaction.
template <typename IdType, typename Find>
std::optional<IdType> resolve(const graph::Reader& reader, const NameRef& name, Find find) {
  const uint32_t known = name.id.load(std::memory_order_relaxed);
  if (known != kUnresolved) [[likely]]
    return IdType(known);
  const std::optional<IdType> found = find(name.name);
  if (found && reader.is_lasting(*found)) name.id.store(found->value, std::memory_order_relaxed);
  return found;
}

Status no_properties(const Value& object, std::string_view key) {
  return type_error("InvalidArgumentType", "`" + std::string(key) + "` is read from " + describe(object) +
                                               "; only maps, nodes, relationships, temporal values and points have "
                                               "properties");
}

Value find_entry(std::span<const MapEntry> entries, std::string_view key) {
  for (const MapEntry& e : entries) {
    if (e.first.as_string() == key) return e.second;
  }
  return Value();
}

Status point_field(const Value& object, std::string_view key, Value* out) {
  const Point& p = object.as_point();
  const bool geographic = p.geographic();
  if (key == "x" || (geographic && key == "longitude")) {
    *out = Value::floating(p.x);
  } else if (key == "y" || (geographic && key == "latitude")) {
    *out = Value::floating(p.y);
  } else if (p.is_3d() && (key == "z" || (geographic && key == "height"))) {
    *out = Value::floating(p.z);
  } else if (key == "srid") {
    *out = Value::integer(static_cast<int64_t>(p.crs));
  } else if (key == "crs") {
    switch (p.crs) {
      case Crs::kCartesian: *out = Value::string("cartesian"); break;
      case Crs::kCartesian3D: *out = Value::string("cartesian-3D"); break;
      case Crs::kWgs84: *out = Value::string("WGS-84-2D"); break;
      case Crs::kWgs84_3D: *out = Value::string("WGS-84-3D"); break;
    }
  } else {
    *out = Value();
  }
  return Status();
}

// Values without tokens: maps, temporal values, points, hydrated entities.
Status field_of_value(const Value& object, std::string_view key, Value* out) {
  switch (object.type()) {
    case ValueType::kMap: {
      const Value* found = object.map_find(key);
      Value v = found == nullptr ? Value() : *found;
      *out = std::move(v);
      return Status();
    }
    case ValueType::kNode: {
      Value v = find_entry(object.as_node().properties, key);
      *out = std::move(v);
      return Status();
    }
    case ValueType::kRelationship: {
      Value v = find_entry(object.as_relationship().properties, key);
      *out = std::move(v);
      return Status();
    }
    case ValueType::kPoint: return point_field(object, key, out);
    default: break;
  }
  if (object.is_temporal()) {
    LORA_ASSIGN(*out, temporal::component(object, key));
    return Status();
  }
  return no_properties(object, key);
}

Status entity_property(EvalContext& context, const Value& object, std::optional<KeyId> key, Value* out) {
  Value v;
  if (key) {
    v = object.is_node() ? context.reader->node_property(object.node_id(), *key)
                         : context.reader->relationship_property(object.relationship_id(), *key);
  }
  if (v.is_null() && context.transaction != nullptr) LORA_TRY(check_not_deleted(context, object));
  *out = std::move(v);
  return Status();
}

bool is_bare_entity(const Value& v) {
  return (v.is_node() || v.is_relationship()) && !v.is_hydrated();
}

}  // namespace

std::optional<LabelId> resolve_label(const graph::Reader& reader, const NameRef& name) {
  return resolve<LabelId>(reader, name, [&](std::string_view text) { return reader.find_label(text); });
}

std::optional<RelTypeId> resolve_rel_type(const graph::Reader& reader, const NameRef& name) {
  return resolve<RelTypeId>(reader, name, [&](std::string_view text) { return reader.find_rel_type(text); });
}

std::optional<KeyId> resolve_key(const graph::Reader& reader, const NameRef& name) {
  return resolve<KeyId>(reader, name, [&](std::string_view text) { return reader.find_key(text); });
}

Status deleted_access_error(const Value& entity) {
  return Status::runtime(ErrorCode::kNotFound, "EntityNotFound", "DeletedEntityAccess",
                         describe(entity) + " has been deleted in this transaction");
}

Status check_not_deleted(EvalContext& context, const Value& entity) {
  if (context.transaction == nullptr) return Status();
  const bool deleted = entity.is_node() ? context.transaction->node_deleted(entity.node_id())
                                        : context.transaction->relationship_deleted(entity.relationship_id());
  return deleted ? deleted_access_error(entity) : Status();
}

Status property_of(EvalContext& context, const Value& object, const NameRef& key, Value* out) {
  if (object.is_null()) {
    *out = Value();
    return Status();
  }
  if (is_bare_entity(object)) return entity_property(context, object, resolve_key(*context.reader, key), out);
  return field_of_value(object, key.name, out);
}

Status property_by_name(EvalContext& context, const Value& object, std::string_view key, Value* out) {
  if (object.is_null()) {
    *out = Value();
    return Status();
  }
  if (is_bare_entity(object)) return entity_property(context, object, context.reader->find_key(key), out);
  return field_of_value(object, key, out);
}

Status properties_map(EvalContext& context, const Value& object, Value* out) {
  if (object.is_null() || object.is_map()) {
    Value same = object;
    *out = std::move(same);
    return Status();
  }
  if (is_bare_entity(object)) {
    LORA_TRY(check_not_deleted(context, object));
    std::vector<graph::Property> properties;
    if (object.is_node()) {
      context.reader->node_properties(object.node_id(), &properties);
    } else {
      context.reader->relationship_properties(object.relationship_id(), &properties);
    }
    std::vector<MapEntry> entries;
    entries.reserve(properties.size());
    for (graph::Property& p : properties) {
      entries.emplace_back(context.reader->key_name_value(p.key), std::move(p.value));
    }
    *out = Value::map(std::move(entries));
    return Status();
  }
  if (object.is_node()) {
    *out = Value::map(object.as_node().properties);
    return Status();
  }
  if (object.is_relationship()) {
    *out = Value::map(object.as_relationship().properties);
    return Status();
  }
  return type_error("InvalidArgumentType", "expected a map, node or relationship, got " + describe(object));
}

namespace {

bool node_matches(graph::Reader& reader, NodeId id, const LabelExpr& e) {
  switch (e.kind) {
    case LabelExpr::Kind::kLeaf: {
      const std::optional<LabelId> label = resolve_label(reader, *e.name);
      return label && reader.has_label(id, *label);
    }
    case LabelExpr::Kind::kWildcard: {
      std::vector<LabelId> labels;
      reader.labels(id, &labels);
      return !labels.empty();
    }
    case LabelExpr::Kind::kAnd:
      for (const LabelExpr* child : e.children) {
        if (!node_matches(reader, id, *child)) return false;
      }
      return true;
    case LabelExpr::Kind::kOr:
      for (const LabelExpr* child : e.children) {
        if (node_matches(reader, id, *child)) return true;
      }
      return false;
    case LabelExpr::Kind::kNot: return !node_matches(reader, id, *e.children[0]);
  }
  return false;
}

bool type_matches(const graph::Reader& reader, RelTypeId type, const LabelExpr& e) {
  switch (e.kind) {
    case LabelExpr::Kind::kLeaf: {
      const std::optional<RelTypeId> wanted = resolve_rel_type(reader, *e.name);
      return wanted && *wanted == type;
    }
    case LabelExpr::Kind::kWildcard: return true;
    case LabelExpr::Kind::kAnd:
      for (const LabelExpr* child : e.children) {
        if (!type_matches(reader, type, *child)) return false;
      }
      return true;
    case LabelExpr::Kind::kOr:
      for (const LabelExpr* child : e.children) {
        if (type_matches(reader, type, *child)) return true;
      }
      return false;
    case LabelExpr::Kind::kNot: return !type_matches(reader, type, *e.children[0]);
  }
  return false;
}

}  // namespace

Status has_labels(EvalContext& context, const Value& entity, const LabelExpr& labels, Value* out) {
  if (entity.is_null()) {
    *out = Value();
    return Status();
  }
  bool result;
  if (entity.is_node()) {
    result = node_matches(*context.reader, entity.node_id(), labels);
    if (!result && context.transaction != nullptr) LORA_TRY(check_not_deleted(context, entity));
  } else if (entity.is_relationship()) {
    const std::optional<graph::RelationshipRecord> record = context.reader->relationship(entity.relationship_id());
    result = record && type_matches(*context.reader, record->type, labels);
  } else {
    return type_error("InvalidArgumentType", "labels are tested on nodes and relationships, got " + describe(entity));
  }
  *out = Value::boolean(result);
  return Status();
}

}  // namespace lora::cypher
