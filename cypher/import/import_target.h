// Where an import puts its entities.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>

#include "graph/graph.h"

namespace lora::cypher {

// Destroyed without finish(): the graph stays as it was. One thread at a time.
class ImportTarget {
 public:
  virtual ~ImportTarget() = default;
  virtual Result<LabelId> label(std::string_view name) = 0;
  virtual Result<RelTypeId> rel_type(std::string_view name) = 0;
  virtual Result<KeyId> key(std::string_view name) = 0;
  // Labels and keys ascending and once each; no value is null.
  virtual Status add_node(std::span<const LabelId> labels, std::span<const graph::Property> properties) = 0;
  // Ends: which of the added nodes, from 0 on. After a failure *added of them have been.
  virtual Status add_relationships(std::span<const graph::NewRelationship> relationships, size_t* added) = 0;
  // Makes it all visible, and durable as the graph's commits are.
  virtual Status finish(const std::function<Status()>& poll) = 0;
};

// See import_csv() for which one.
Result<std::unique_ptr<ImportTarget>> make_import_target(graph::Graph& graph, bool in_memory,
                                                         std::chrono::steady_clock::time_point deadline,
                                                         uint64_t owner_token, const std::function<Status()>& poll);

}  // namespace lora::cypher
