// Functions of nodes, relationships and paths. Entities are bare ids or, as parameters, hydrated values.
#include <string>

#include "cypher/functions/families.h"

namespace lora::cypher {

namespace {

Status deleted_entity(std::string_view what) {
  return Status::runtime(ErrorCode::kNotFound, "EntityNotFound", "DeletedEntityAccess",
                         "the " + std::string(what) + " was deleted in this transaction");
}

// The reader's own failure, if it had one, goes before "not there".
Status check_node(EvalContext& context, NodeId id) {
  const bool exists = context.reader->node_exists(id);
  LORA_TRY(context.reader->status());
  return exists ? Status() : deleted_entity("node");
}

Status check_relationship(EvalContext& context, RelId id) {
  const bool exists = context.reader->relationship_exists(id);
  LORA_TRY(context.reader->status());
  return exists ? Status() : deleted_entity("relationship");
}

int64_t entity_id(const Value& v) {
  return static_cast<int64_t>(v.is_node() ? v.node_id().value : v.relationship_id().value);
}

Status id(EvalContext&, std::span<const Value> args, Value* out) {
  *out = Value::integer(entity_id(args[0]));
  return Status();
}

Status element_id(EvalContext&, std::span<const Value> args, Value* out) {
  *out = Value::string(std::to_string(entity_id(args[0])));
  return Status();
}

Status labels(EvalContext& context, std::span<const Value> args, Value* out) {
  if (args[0].is_hydrated()) {
    List names;
    for (const std::string& name : args[0].as_node().labels) names.push_back(Value::string(name));
    *out = Value::list(std::move(names));
    return Status();
  }
  LORA_TRY(check_node(context, args[0].node_id()));
  std::vector<LabelId> ids;
  context.reader->labels(args[0].node_id(), &ids);
  List names;
  names.reserve(ids.size());
  for (LabelId label : ids) names.push_back(Value::string(context.reader->label_name(label)));
  *out = Value::list(std::move(names));
  return context.reader->status();
}

Status has_label(EvalContext& context, std::span<const Value> args, Value* out) {
  Value names;
  LORA_TRY(labels(context, args.first(1), &names));
  bool found = false;
  for (const Value& name : names.as_list()) found = found || name.as_string() == args[1].as_string();
  *out = Value::boolean(found);
  return Status();
}

Status type(EvalContext& context, std::span<const Value> args, Value* out) {
  if (args[0].is_hydrated()) {
    *out = Value::string(args[0].as_relationship().type);
    return Status();
  }
  const auto record = context.reader->relationship(args[0].relationship_id());
  LORA_TRY(context.reader->status());
  if (!record) return deleted_entity("relationship");
  *out = Value::string(context.reader->rel_type_name(record->type));
  return Status();
}

template <bool start>
Status end_node(EvalContext& context, std::span<const Value> args, Value* out) {
  if (args[0].is_hydrated()) {
    const Relationship& r = args[0].as_relationship();
    *out = Value::node(start ? r.start : r.end);
    return Status();
  }
  const auto record = context.reader->relationship(args[0].relationship_id());
  LORA_TRY(context.reader->status());
  if (!record) return deleted_entity("relationship");
  *out = Value::node(start ? record->start : record->end);
  return Status();
}

// Properties of a node or relationship, or the map itself, as entries.
Status entries_of(EvalContext& context, const Value& v, std::vector<MapEntry>* out) {
  if (v.is_map()) {
    out->assign(v.as_map().begin(), v.as_map().end());
    return Status();
  }
  if (v.is_hydrated()) {
    *out = v.is_node() ? v.as_node().properties : v.as_relationship().properties;
    return Status();
  }
  std::vector<graph::Property> properties;
  if (v.is_node()) {
    LORA_TRY(check_node(context, v.node_id()));
    context.reader->node_properties(v.node_id(), &properties);
  } else {
    LORA_TRY(check_relationship(context, v.relationship_id()));
    context.reader->relationship_properties(v.relationship_id(), &properties);
  }
  out->reserve(properties.size());
  for (graph::Property& p : properties) out->emplace_back(context.reader->key_name_value(p.key), std::move(p.value));
  return context.reader->status();
}

Status properties(EvalContext& context, std::span<const Value> args, Value* out) {
  std::vector<MapEntry> entries;
  LORA_TRY(entries_of(context, args[0], &entries));
  *out = Value::map(std::move(entries));
  return Status();
}

Status keys(EvalContext& context, std::span<const Value> args, Value* out) {
  std::vector<MapEntry> entries;
  LORA_TRY(entries_of(context, args[0], &entries));
  List names;
  names.reserve(entries.size());
  for (MapEntry& entry : entries) names.push_back(std::move(entry.first));
  *out = Value::list(std::move(names));
  return Status();
}

Status nodes(EvalContext&, std::span<const Value> args, Value* out) {
  List result;
  if (args[0].is_hydrated()) {
    for (const Node& n : args[0].as_path().nodes) result.push_back(Value::hydrated(n));
  } else {
    for (NodeId n : args[0].path_ids().nodes) result.push_back(Value::node(n));
  }
  *out = Value::list(std::move(result));
  return Status();
}

Status relationships(EvalContext&, std::span<const Value> args, Value* out) {
  List result;
  if (args[0].is_hydrated()) {
    for (const Relationship& r : args[0].as_path().rels) result.push_back(Value::hydrated(r));
  } else {
    for (RelId r : args[0].path_ids().rels) result.push_back(Value::relationship(r));
  }
  *out = Value::list(std::move(result));
  return Status();
}

Status length(EvalContext&, std::span<const Value> args, Value* out) {
  *out = Value::integer(
      static_cast<int64_t>(args[0].is_hydrated() ? args[0].as_path().rels.size() : args[0].path_ids().rels.size()));
  return Status();
}

template <bool first>
Status path_end(EvalContext& context, std::span<const Value> args, Value* out) {
  Value all;
  LORA_TRY(nodes(context, args, &all));
  *out = first ? all.as_list().front() : all.as_list().back();
  return Status();
}

}  // namespace

std::span<const FunctionSpec> entity_functions() {
  constexpr auto kReads = Purity::kReadsGraph;
  constexpr auto kNull = NullRule::kNullIfAnyNull;
  constexpr std::string_view kCategory = "Entity";
  constexpr TypeSet kKeyed = kEntityTypes | kMapType;
  static const std::vector<FunctionSpec> table = {
      {"id",
       {"node.id", "edge.id", "value.id"},
       {{"entity", kEntityTypes}},
       1,
       1,
       kIntegerType,
       Purity::kPure,
       kNull,
       kCategory,
       "The id of a node or relationship.",
       "id(null)",
       "null",
       id},
      {"elementId",
       {},
       {{"entity", kEntityTypes}},
       1,
       1,
       kStringType,
       Purity::kPure,
       kNull,
       kCategory,
       "The id of a node or relationship, as text.",
       "elementId(null)",
       "null",
       element_id},
      {"labels",
       {"node.labels"},
       {{"node", kNodeType}},
       1,
       1,
       kListType,
       kReads,
       kNull,
       kCategory,
       "The labels of a node.",
       "labels(null)",
       "null",
       labels},
      {"node.has_label",
       {},
       {{"node", kNodeType}, {"label", kStringType}},
       2,
       2,
       kBooleanType,
       kReads,
       kNull,
       kCategory,
       "Whether a node carries a label.",
       "node.has_label(null, 'A')",
       "null",
       has_label},
      {"type",
       {"edge.type"},
       {{"relationship", kRelationshipType}},
       1,
       1,
       kStringType,
       kReads,
       kNull,
       kCategory,
       "The type of a relationship.",
       "type(null)",
       "null",
       type},
      {"startNode",
       {"edge.start"},
       {{"relationship", kRelationshipType}},
       1,
       1,
       kNodeType,
       kReads,
       kNull,
       kCategory,
       "The node a relationship starts from.",
       "startNode(null)",
       "null",
       end_node<true>},
      {"endNode",
       {"edge.end"},
       {{"relationship", kRelationshipType}},
       1,
       1,
       kNodeType,
       kReads,
       kNull,
       kCategory,
       "The node a relationship ends at.",
       "endNode(null)",
       "null",
       end_node<false>},
      {"properties",
       {"node.properties", "edge.properties", "value.properties"},
       {{"input", kKeyed}},
       1,
       1,
       kMapType,
       kReads,
       kNull,
       kCategory,
       "The properties of a node, relationship or map, as a map.",
       "properties({a: 1})",
       "{a: 1}",
       properties},
      {"keys",
       {"node.keys", "edge.keys", "map.keys", "value.keys"},
       {{"input", kKeyed}},
       1,
       1,
       kListType,
       kReads,
       kNull,
       kCategory,
       "The property names of a node, relationship or map.",
       "keys({a: 1, b: 2})",
       "['a', 'b']",
       keys},
      {"nodes",
       {"path.nodes"},
       {{"path", kPathType}},
       1,
       1,
       kListType,
       Purity::kPure,
       kNull,
       kCategory,
       "The nodes of a path, in order.",
       "nodes(null)",
       "null",
       nodes},
      {"relationships",
       {"rels", "path.edges"},
       {{"path", kPathType}},
       1,
       1,
       kListType,
       Purity::kPure,
       kNull,
       kCategory,
       "The relationships of a path, in order.",
       "relationships(null)",
       "null",
       relationships},
      {"length",
       {"path.length"},
       {{"path", kPathType}},
       1,
       1,
       kIntegerType,
       Purity::kPure,
       kNull,
       kCategory,
       "The number of relationships of a path.",
       "length(null)",
       "null",
       length},
      {"path.first",
       {},
       {{"path", kPathType}},
       1,
       1,
       kNodeType,
       Purity::kPure,
       kNull,
       kCategory,
       "The first node of a path.",
       "path.first(null)",
       "null",
       path_end<true>},
      {"path.last",
       {},
       {{"path", kPathType}},
       1,
       1,
       kNodeType,
       Purity::kPure,
       kNull,
       kCategory,
       "The last node of a path.",
       "path.last(null)",
       "null",
       path_end<false>},
  };
  return table;
}

}  // namespace lora::cypher
