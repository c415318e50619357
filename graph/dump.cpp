// Writing JSON lines.
#include "graph/dump.h"

#include <fmt/format.h>

#include <iterator>

#include "graph/dump_walk.h"
#include "graph/index.h"
#include "graph/json.h"

namespace lora::graph {

namespace {

void append_field(std::string* out, std::string_view name, std::string_view text) {
  fmt::format_to(std::back_inserter(*out), "\"{}\":", name);
  append_json_string(out, text);
}

template <typename Names>
void append_names(std::string* out, std::string_view field, const Names& names) {
  fmt::format_to(std::back_inserter(*out), "\"{}\":[", field);
  for (size_t i = 0; i < names.size(); ++i) {
    *out += i == 0 ? "" : ",";
    append_json_string(out, names[i]);
  }
  *out += ']';
}

template <typename Definition>
void append_definition(std::string* out, std::string_view what, std::string_view kind, const Definition& definition) {
  fmt::format_to(std::back_inserter(*out), "{{\"{}\":{{", what);
  append_field(out, "name", definition.name);
  *out += ',';
  append_field(out, "type", kind);
  *out += ',';
  append_field(out, "entity", definition.entity == EntityKind::kNode ? "node" : "relationship");
  *out += ',';
  append_field(out, "on", definition.label_or_type);
  *out += ',';
  append_names(out, "keys", definition.keys);
  *out += "}}\n";
}

// As append_json() of a map, but each value may use all levels of nesting.
Status append_properties(std::string* out, const std::vector<NamedProperty>& properties) {
  bool pairs = false;
  for (const auto& [name, value] : properties) {
    pairs = pairs || name == "kind";
  }
  *out += pairs ? "\"properties\":{\"kind\":\"map\",\"entries\":[" : "\"properties\":{";
  bool first = true;
  for (const auto& [name, value] : properties) {
    *out += first ? "" : ",";
    first = false;
    *out += pairs ? "[" : "";
    append_json_string(out, name);
    *out += pairs ? ',' : ':';
    LORA_TRY(append_json(out, value));
    *out += pairs ? "]" : "";
  }
  *out += pairs ? "]}" : "}";
  return Status();
}

}  // namespace

Result<DumpCounts> dump_json_lines(Reader& reader, const ByteSink& sink, const DumpPoll& poll) {
  DumpWalk walk(reader, poll);
  DumpOutput output(sink);
  std::string& text = output.text();
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "{},\"version\":{},\"nodes\":{},\"relationships\":{},\"nextNode\":{},\"nextRelationship\":{}}}\n",
                 kJsonLinesStart, kJsonLinesVersion, walk.counts().nodes_total, walk.counts().relationships_total,
                 reader.node_id_limit().value, reader.relationship_id_limit().value);
  for (const ConstraintDefinition* constraint : walk.constraints()) {
    append_definition(&text, "constraint", constraint_kind_name(constraint->kind), *constraint);
  }
  for (const IndexDefinition* index : walk.indexes()) {
    append_definition(&text, "index", index_kind_name(index->kind), *index);
  }
  LORA_TRY(walk.nodes([&](const NamedNode& node) {
    fmt::format_to(out, "{{\"node\":{},", node.id.value);
    append_names(&text, "labels", node.labels);
    text += ',';
    LORA_TRY(append_properties(&text, node.properties));
    text += "}\n";
    return output.flush_if_large();
  }));
  LORA_TRY(walk.relationships([&](const NamedRelationship& relationship) {
    fmt::format_to(out, "{{\"relationship\":{},", relationship.id.value);
    append_field(&text, "type", relationship.type);
    fmt::format_to(out, ",\"start\":{},\"end\":{},", relationship.start.value, relationship.end.value);
    LORA_TRY(append_properties(&text, relationship.properties));
    text += "}\n";
    return output.flush_if_large();
  }));
  const uint64_t checksum = output.checksum();
  fmt::format_to(out, "{{\"done\":{{\"nodes\":{},\"relationships\":{},\"xxh3\":\"{:016x}\"}}}}\n", walk.counts().nodes,
                 walk.counts().relationships, checksum);
  LORA_TRY(output.flush());
  return walk.counts();
}

}  // namespace lora::graph
