// What a database must hold, kept in containers of the standard library and changed by hand-written rules: the model
// that random statements are compared with. No code of the engine is used here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lora::test {

// A property value as the text of its Cypher literal, in the form in which results are printed. Lists hold no floats
// and no nulls, so that `=` of two values is: numbers by value, all others by text.
struct Plain {
  std::string text;
  std::optional<double> number;
};
bool equal(const Plain& a, const Plain& b);

using Properties = std::map<std::string, Plain>;

struct ModelNode {
  std::set<std::string> labels;
  Properties properties;
};
struct ModelRelationship {
  std::string type;
  uint64_t start = 0, end = 0;
  Properties properties;
};
struct ModelIndex {
  bool on_relationships = false;
  bool unique = false;  // a constraint that owns its index
  std::string owner;    // label or type
  std::vector<std::string> keys;
};

struct Model {
  std::map<uint64_t, ModelNode> nodes;
  std::map<uint64_t, ModelRelationship> relationships;
  std::map<std::string, ModelIndex> schema;  // by name

  // Nodes with the label (empty: any) and, when `value` is given, with an equal property.
  std::vector<uint64_t> find_nodes(const std::string& label, const std::string& key = "",
                                   const Plain* value = nullptr) const;
  std::vector<uint64_t> find_relationships(const std::string& type) const;
  bool connected(uint64_t node) const;
  void detach_delete(uint64_t node);
  // Two nodes that break a uniqueness constraint?
  bool has_duplicates() const;
  bool has_duplicates(const ModelIndex& constraint) const;

  std::map<uint64_t, std::string> node_texts() const;          // "(:A:B {k: 1})"
  std::map<uint64_t, std::string> relationship_texts() const;  // "3-[:T {k: 1}]->4"
  std::set<std::string> index_names() const;                   // the indexes of constraints too
  std::set<std::string> constraint_names() const;
};

std::string properties_text(const Properties& properties);  // "{a: 1, b: 2}", empty for none

}  // namespace lora::test
