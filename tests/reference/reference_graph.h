// The graph of the reference evaluator: standard containers, whole copies, nothing clever.
//
// Threads: plain data.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "graph/value.h"

namespace lora::reference {

using Properties = std::map<std::string, Value>;  // never holds a null

struct GraphNode {
  std::set<std::string> labels;
  Properties properties;
};

struct GraphRelationship {
  uint64_t start = 0, end = 0;
  std::string type;
  Properties properties;
};

struct ReferenceGraph {
  std::map<uint64_t, GraphNode> nodes;
  std::map<uint64_t, GraphRelationship> relationships;
  uint64_t next_node = 0, next_relationship = 0;

  uint64_t add_node(GraphNode node) {
    nodes.emplace(next_node, std::move(node));
    return next_node++;
  }
  uint64_t add_relationship(GraphRelationship relationship) {
    relationships.emplace(next_relationship, std::move(relationship));
    return next_relationship++;
  }
};

}  // namespace lora::reference
