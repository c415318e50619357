// db.*: what is in the database.
#include "cypher/procedures/families.h"

namespace lora::cypher {

namespace {

constexpr TypeSet kString = type_bit(ValueType::kString);
constexpr TypeSet kList = type_bit(ValueType::kList);
constexpr TypeSet kInteger = type_bit(ValueType::kInteger);

// Bodies give all their rows at once: there are few.
using GiveRow = std::function<Status(List row)>;
using Body = Status (*)(EvalContext& context, std::span<const Value> args, const GiveRow& give);

Status labels(EvalContext& context, std::span<const Value>, const GiveRow& give) {
  const graph::Reader& reader = *context.reader;
  for (uint32_t i = 0; i < reader.label_token_count(); ++i) {
    if (reader.node_count(LabelId(i)) == 0) continue;
    LORA_TRY(give({Value::string(reader.label_name(LabelId(i)))}));
  }
  return Status();
}

Status relationship_types(EvalContext& context, std::span<const Value>, const GiveRow& give) {
  const graph::Reader& reader = *context.reader;
  for (uint32_t i = 0; i < reader.rel_type_token_count(); ++i) {
    if (reader.relationship_count(RelTypeId(i)) == 0) continue;
    LORA_TRY(give({Value::string(reader.rel_type_name(RelTypeId(i)))}));
  }
  return Status();
}

Status property_keys(EvalContext& context, std::span<const Value>, const GiveRow& give) {
  const graph::Reader& reader = *context.reader;
  for (uint32_t i = 0; i < reader.key_token_count(); ++i) {
    LORA_TRY(give({Value::string(reader.key_name(KeyId(i)))}));
  }
  return Status();
}

Value entry_map(std::vector<std::pair<std::string_view, Value>> entries) {
  std::vector<MapEntry> out;
  for (auto& [key, value] : entries) out.emplace_back(Value::string(key), std::move(value));
  return Value::map(std::move(out));
}

// One row: labels as nodes, and for each relationship type the labels that it starts from and leads to. Plain maps: the
// picture holds no entity of the graph.
Status visualization(EvalContext& context, std::span<const Value>, const GiveRow& give) {
  const graph::Reader& reader = *context.reader;
  List nodes, relationships;
  for (uint32_t l = 0; l < reader.label_token_count(); ++l) {
    const uint64_t count = reader.node_count(LabelId(l));
    if (count == 0) continue;
    nodes.push_back(entry_map({{"label", Value::string(reader.label_name(LabelId(l)))},
                               {"count", Value::integer(static_cast<int64_t>(count))}}));
  }
  for (uint32_t t = 0; t < reader.rel_type_token_count(); ++t) {
    const uint64_t count = reader.relationship_count(RelTypeId(t));
    if (count == 0) continue;
    List from, to;
    for (uint32_t l = 0; l < reader.label_token_count(); ++l) {
      const Value name = Value::string(reader.label_name(LabelId(l)));
      if (reader.relationship_count(LabelId(l), RelTypeId(t), Direction::kOut) > 0) from.push_back(name);
      if (reader.relationship_count(LabelId(l), RelTypeId(t), Direction::kIn) > 0) to.push_back(name);
    }
    relationships.push_back(entry_map({{"type", Value::string(reader.rel_type_name(RelTypeId(t)))},
                                       {"count", Value::integer(static_cast<int64_t>(count))},
                                       {"from", Value::list(std::move(from))},
                                       {"to", Value::list(std::move(to))}}));
  }
  return give({Value::list(std::move(nodes)), Value::list(std::move(relationships))});
}

Status info(EvalContext& context, std::span<const Value>, const GiveRow& give) {
  const graph::Reader& reader = *context.reader;
  const auto number = [](uint64_t v) { return Value::integer(static_cast<int64_t>(v)); };
  return give({number(reader.node_count()), number(reader.relationship_count()), number(reader.label_token_count()),
               number(reader.rel_type_token_count()), number(reader.key_token_count()),
               number(reader.schema().indexes.size()), number(reader.schema().constraints.size())});
}

ProcedureSpec make(std::string_view name, std::vector<ProcedureSignature::Field> columns, std::string_view description,
                   Body body) {
  ProcedureSpec spec;
  spec.name = name;
  spec.columns = std::move(columns);
  spec.description = description;
  spec.open = [body](EvalContext& context, std::span<const Value> args) -> Result<NextRow> {
    auto rows = std::make_shared<std::vector<List>>();
    LORA_TRY(body(context, args, [&](List row) {
      rows->push_back(std::move(row));
      return (rows->size() & 255) == 0 ? context.control->tick() : Status();
    }));
    return NextRow([rows, at = size_t{0}](EvalContext&, List* row) mutable -> Result<bool> {
      if (at == rows->size()) return false;
      *row = std::move((*rows)[at++]);
      return true;
    });
  };
  return spec;
}

}  // namespace

std::span<const ProcedureSpec> catalog_procedures() {
  static const std::vector<ProcedureSpec> table = [] {
    std::vector<ProcedureSpec> rows;
    rows.push_back(make("db.info",
                        {{"nodeCount", kInteger, "INTEGER"},
                         {"relationshipCount", kInteger, "INTEGER"},
                         {"labelCount", kInteger, "INTEGER"},
                         {"relationshipTypeCount", kInteger, "INTEGER"},
                         {"propertyKeyCount", kInteger, "INTEGER"},
                         {"indexCount", kInteger, "INTEGER"},
                         {"constraintCount", kInteger, "INTEGER"}},
                        "How much of everything the database holds.", info));
    rows.push_back(make("db.labels", {{"label", kString, "STRING"}}, "The labels that nodes carry.", labels));
    rows.push_back(make("db.propertyKeys", {{"propertyKey", kString, "STRING"}},
                        "The property keys that were ever used.", property_keys));
    rows.push_back(make("db.relationshipTypes", {{"relationshipType", kString, "STRING"}},
                        "The types that relationships have.", relationship_types));
    rows.push_back(make("db.schema.visualization",
                        {{"nodes", kList, "LIST<MAP>"}, {"relationships", kList, "LIST<MAP>"}},
                        "Labels, and which of them each relationship type joins.", visualization));
    return rows;
  }();
  return table;
}

}  // namespace lora::cypher
