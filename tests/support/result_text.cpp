#include "tests/support/result_text.h"

#include <algorithm>
#include <vector>

#include "graph/text.h"

namespace lora::test {

namespace {

std::string entries_text(std::span<const MapEntry> entries) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : entries) {
    std::string part;
    append_name(&part, key.as_string());
    parts.push_back(part + ": " + result_text(value));
  }
  std::sort(parts.begin(), parts.end());
  std::string text = "{";
  for (size_t i = 0; i < parts.size(); ++i) text += (i > 0 ? ", " : "") + parts[i];
  return text + "}";
}

std::string node_text(const Node& node) {
  std::vector<std::string> labels = node.labels;
  std::sort(labels.begin(), labels.end());
  std::string text = "(";
  for (const std::string& label : labels) text += ":" + label;
  if (!node.properties.empty()) text += (labels.empty() ? "" : " ") + entries_text(node.properties);
  return text + ")";
}

std::string relationship_text(const Relationship& r) {
  return "[:" + r.type + (r.properties.empty() ? "" : " " + entries_text(r.properties)) + "]";
}

std::string path_text(const Path& path) {
  std::string text = "<" + node_text(path.nodes[0]);
  for (size_t i = 0; i < path.rels.size(); ++i) {
    const bool forward = path.rels[i].start == path.nodes[i].id;
    text += (forward ? "-" : "<-") + relationship_text(path.rels[i]) + (forward ? "->" : "-");
    text += node_text(path.nodes[i + 1]);
  }
  return text + ">";
}

}  // namespace

std::string result_text(const Value& value) {
  switch (value.type()) {
    case ValueType::kList: {
      std::string text = "[";
      bool first = true;
      for (const Value& element : value.as_list()) {
        text += (first ? "" : ", ") + result_text(element);
        first = false;
      }
      return text + "]";
    }
    case ValueType::kMap: return entries_text(value.as_map());
    case ValueType::kNode: return node_text(value.as_node());
    case ValueType::kRelationship: return relationship_text(value.as_relationship());
    case ValueType::kPath: return path_text(value.as_path());
    case ValueType::kFloat: return to_text(value);
    default: {
      const Result<std::string> literal = to_literal(value);
      return literal.ok() ? *literal : literal.status().to_string();
    }
  }
}

}  // namespace lora::test
