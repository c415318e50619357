#include "tests/random/graph_model.h"

#include <algorithm>

namespace lora::test {

bool equal(const Plain& a, const Plain& b) {
  if (a.number && b.number) return *a.number == *b.number;
  return a.text == b.text;
}

std::vector<uint64_t> Model::find_nodes(const std::string& label, const std::string& key, const Plain* value) const {
  std::vector<uint64_t> found;
  for (const auto& [id, node] : nodes) {
    if (!label.empty() && !node.labels.contains(label)) continue;
    if (value != nullptr) {
      const auto property = node.properties.find(key);
      if (property == node.properties.end() || !equal(property->second, *value)) continue;
    }
    found.push_back(id);
  }
  return found;
}

std::vector<uint64_t> Model::find_relationships(const std::string& type) const {
  std::vector<uint64_t> found;
  for (const auto& [id, relationship] : relationships) {
    if (type.empty() || relationship.type == type) found.push_back(id);
  }
  return found;
}

bool Model::connected(uint64_t node) const {
  return std::any_of(relationships.begin(), relationships.end(),
                     [&](const auto& r) { return r.second.start == node || r.second.end == node; });
}

void Model::detach_delete(uint64_t node) {
  std::erase_if(relationships, [&](const auto& r) { return r.second.start == node || r.second.end == node; });
  nodes.erase(node);
}

bool Model::has_duplicates() const {
  return std::any_of(schema.begin(), schema.end(),
                     [&](const auto& entry) { return entry.second.unique && has_duplicates(entry.second); });
}

bool Model::has_duplicates(const ModelIndex& constraint) const {
  std::vector<const Properties*> seen;
  for (const uint64_t id : find_nodes(constraint.owner)) {
    const Properties& properties = nodes.at(id).properties;
    // A node that lacks one of the keys is not held against the others.
    if (std::any_of(constraint.keys.begin(), constraint.keys.end(),
                    [&](const std::string& key) { return !properties.contains(key); })) {
      continue;
    }
    for (const Properties* other : seen) {
      if (std::all_of(constraint.keys.begin(), constraint.keys.end(),
                      [&](const std::string& key) { return equal(properties.at(key), other->at(key)); })) {
        return true;
      }
    }
    seen.push_back(&properties);
  }
  return false;
}

std::string properties_text(const Properties& properties) {
  if (properties.empty()) return "";
  std::string text;
  for (const auto& [key, value] : properties) text += (text.empty() ? "{" : ", ") + key + ": " + value.text;
  return text + "}";
}

std::map<uint64_t, std::string> Model::node_texts() const {
  std::map<uint64_t, std::string> texts;
  for (const auto& [id, node] : nodes) {
    std::string text = "(";
    for (const std::string& label : node.labels) text += ":" + label;
    const std::string properties = properties_text(node.properties);
    texts[id] = text + (node.labels.empty() || properties.empty() ? "" : " ") + properties + ")";
  }
  return texts;
}

std::map<uint64_t, std::string> Model::relationship_texts() const {
  std::map<uint64_t, std::string> texts;
  for (const auto& [id, r] : relationships) {
    const std::string properties = properties_text(r.properties);
    texts[id] = std::to_string(r.start) + "-[:" + r.type + (properties.empty() ? "" : " ") + properties + "]->" +
                std::to_string(r.end);
  }
  return texts;
}

std::set<std::string> Model::index_names() const {
  std::set<std::string> names;
  for (const auto& [name, index] : schema) names.insert(name);
  return names;
}

std::set<std::string> Model::constraint_names() const {
  std::set<std::string> names;
  for (const auto& [name, index] : schema) {
    if (index.unique) names.insert(name);
  }
  return names;
}

}  // namespace lora::test
