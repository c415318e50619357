// What all expanding operators share: which relationship types a pattern means, and exact relationship uniqueness.
#pragma once

#include <span>
#include <vector>

#include "cypher/exec/operator.h"
#include "cypher/expr/operations.h"

namespace lora::cypher {

// The types of a pattern as ids. Names not in use yet are looked up again at each refresh().
class TypeIds {
 public:
  explicit TypeIds(const TypeSelection& selection) : selection_(selection) {}

  void refresh(const graph::Reader& reader) {
    if (any() || ids_.size() == selection_.names.size()) return;
    ids_.clear();
    for (const NameRef* name : selection_.names) {
      const std::optional<RelTypeId> id = resolve_rel_type(reader, *name);
      if (!id) continue;
      bool known = false;
      for (RelTypeId have : ids_) known |= have == *id;
      if (!known) ids_.push_back(*id);
    }
  }
  void forget() { ids_.clear(); }
  bool any() const { return selection_.names.empty(); }
  // The types to look at on one side of a node.
  std::span<const RelTypeId> of(graph::Reader& reader, NodeId node, Direction direction) {
    if (!any()) return ids_;
    scratch_.clear();
    reader.adjacent_types(node, direction, &scratch_);
    return scratch_;
  }
  bool contains(RelTypeId type) const {
    if (any()) return true;
    for (RelTypeId id : ids_) {
      if (id == type) return true;
    }
    return false;
  }
  std::span<const RelTypeId> ids() const { return ids_; }

 private:
  TypeSelection selection_;
  std::vector<RelTypeId> ids_;
  std::vector<RelTypeId> scratch_;
};

// One direction kept as up to two: kBoth is kOut, then kIn without self loops (they are in both lists).
inline size_t side_count(Direction d) { return d == Direction::kBoth ? 2 : 1; }
inline Direction side(Direction d, size_t i) { return d == Direction::kBoth ? (i == 0 ? Direction::kOut : Direction::kIn) : d; }

// Does a relationship differ from those that other slots of the same MATCH hold, in one row?
class DifferFrom {
 public:
  explicit DifferFrom(std::span<const Slot> slots) : slots_(slots) {}
  bool empty() const { return slots_.empty(); }
  // Makes `row` of `batch` the row to compare with.
  void select(const Batch& batch, size_t row) {
    ids_.clear();
    for (Slot slot : slots_) {
      const Column& c = batch[slot];
      if (c.kind == Column::Kind::kRelationships) {
        if (c.ids[row] != kNoId) ids_.push_back(c.ids[row]);
        continue;
      }
      if (c.kind != Column::Kind::kValues) continue;
      const Value& v = c.values[row];
      if (v.is_relationship()) {
        ids_.push_back(v.relationship_id().value);
      } else if (v.is_list()) {
        for (const Value& item : v.as_list()) {
          if (item.is_relationship()) ids_.push_back(item.relationship_id().value);
        }
      }
    }
  }
  bool holds(uint64_t relationship) const {
    for (uint64_t id : ids_) {
      if (id == relationship) return false;
    }
    return true;
  }
  std::span<const uint64_t> ids() const { return ids_; }

 private:
  std::span<const Slot> slots_;
  std::vector<uint64_t> ids_;
};

}  // namespace lora::cypher
