// Estimates for the planner, from the graph's exact counters.
//
// An empty or nearly empty graph must not give plans that are bad once it has filled: counts of scans have a floor.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "cypher/expr/expression.h"
#include "cypher/plan/logical.h"
#include "graph/graph.h"

namespace lora::cypher {

// Labels that a slot's node surely has, as far as patterns said so.
using LabelsBySlot = std::unordered_map<Slot, std::vector<const NameRef*>>;

class Statistics {
 public:
  Statistics(graph::Reader* reader, const LabelsBySlot* labels) : reader_(*reader), labels_(*labels) {}

  graph::Reader& reader() const { return reader_; }
  double node_count() const;
  double label_count(const NameRef* label) const;
  // Nodes that carry all of these labels (independence assumed); no labels: all nodes.
  double nodes_with(std::span<const NameRef* const> labels) const;
  double label_selectivity(std::span<const NameRef* const> labels) const;
  // Relationships of any of these types in a direction (kBoth: both) of one node with these labels.
  double degree(std::span<const NameRef* const> labels, std::span<const NameRef* const> types,
                Direction direction) const;
  // Share of such relationships whose other end has these labels.
  double end_selectivity(std::span<const NameRef* const> end_labels, std::span<const NameRef* const> types,
                         Direction direction) const;
  // A label that all nodes at this end of relationships of this type have, by the counters: the rarest; null: none.
  // `direction`: kOut for their start nodes.
  std::optional<LabelId> implied_label(const NameRef* type, Direction direction) const;
  double degree(LabelId label, std::span<const NameRef* const> types, Direction direction) const;
  double relationship_count(std::span<const NameRef* const> types) const;
  // Rows of one equality lookup in an index.
  double index_matches(const graph::IndexInfo& index) const;
  double index_entries(const graph::IndexInfo& index) const;
  double selectivity(const Expr& predicate) const;
  // About how many elements a list expression has.
  double list_size(const Expr& list) const;

 private:
  double counted(const NameRef* label, const NameRef* type, Direction direction) const;
  graph::Reader& reader_;
  const LabelsBySlot& labels_;
};

}  // namespace lora::cypher
