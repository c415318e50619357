// What all expanding operators share: which relationship types a pattern means, and exact relationship uniqueness.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "cypher/exec/operator.h"
#include "cypher/expr/operations.h"

namespace lora::cypher {

// The types of a pattern as ids, ascending. Names not in use yet are looked up again at each refresh().
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
    std::sort(ids_.begin(), ids_.end());
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
inline size_t side_count(Direction d) {
  return d == Direction::kBoth ? 2 : 1;
}
inline Direction side(Direction d, size_t i) {
  return d == Direction::kBoth ? (i == 0 ? Direction::kOut : Direction::kIn) : d;
}

// The label that the other ends of relationships must carry. Where the exact counters say that all of them do, nothing
// is to be tested.
class EndLabel {
 public:
  explicit EndLabel(const NameRef* name) : name_(name) {}
  // False: no node carries it. `direction`: from the node towards those ends.
  bool refresh(const graph::Reader& reader, const TypeIds& types, Direction direction) {
    tested_ = false;
    if (name_ == nullptr) return true;
    const std::optional<LabelId> id = resolve_label(reader, *name_);
    if (!id) return false;
    id_ = *id;
    for (size_t s = 0; s < side_count(direction) && !tested_; ++s) {
      const Direction end = reverse(side(direction, s));
      if (types.any()) {
        tested_ = reader.relationship_count(id_, std::nullopt, end) != reader.relationship_count();
        continue;
      }
      for (RelTypeId type : types.ids()) {
        tested_ |= reader.relationship_count(id_, type, end) != reader.relationship_count(type);
      }
    }
    return true;
  }
  bool tested() const { return tested_; }
  LabelId id() const { return id_; }

 private:
  const NameRef* name_;
  LabelId id_;
  bool tested_ = false;
};

// Walks all lists of one node on one or both sides, in pieces: what a full output batch cuts off is gone on with later.
// Nothing of the reader is held in between, only how far it came: as side and type, because which empty lists stand
// among the others changes as chunks are loaded and evicted.
class ListWalk {
 public:
  void start() { go_to(0, RelTypeId(0)); }
  // Calls take(segment, begin, count, skip_loops) for pairs [begin, begin + count) of a segment until the lists are
  // done (true) or *budget pairs are taken (false). skip_loops: self loops were in an earlier list.
  template <typename Take>
  bool go_on(graph::Reader& reader, TypeIds& types, NodeId node, Direction wanted, size_t* budget, Take take) {
    while (side_ < side_count(wanted)) {
      const Direction direction = side(wanted, side_);
      for (RelTypeId type : types.of(reader, node, direction)) {
        if (type < type_) continue;
        if (type != type_) go_to(side_, type);
        segments_.clear();
        reader.neighbours(node, direction, type, &segments_);
        size_t passed = 0;
        for (const graph::Neighbours& segment : segments_) {
          passed += segment.count;
          if (passed <= skip_) continue;
          const auto begin = static_cast<uint32_t>(skip_ - (passed - segment.count));
          const auto count = static_cast<uint32_t>(std::min<size_t>(segment.count - begin, *budget));
          take(segment, begin, count, side_ == 1);
          *budget -= count;
          skip_ += count;
          if (*budget == 0 && skip_ < passed) return false;
        }
        go_to(side_, RelTypeId(type.value + 1));
        if (*budget == 0) return false;  // there may be more lists
      }
      go_to(side_ + 1, RelTypeId(0));
    }
    return true;
  }

 private:
  void go_to(size_t side, RelTypeId type) {
    side_ = side;
    type_ = type;
    skip_ = 0;
  }

  size_t side_ = 0;
  RelTypeId type_{0};  // lists of lower types are finished on this side
  size_t skip_ = 0;    // pairs of the list of type_ that are taken
  std::vector<graph::Neighbours> segments_;
};

// Append ids of pairs [begin, begin + count) of a segment to a column.
inline void append_neighbours(const graph::Neighbours& from, uint32_t begin, uint32_t count,
                              std::vector<uint64_t>* to) {
  const size_t old = to->size();
  to->resize(old + count);
  graph::unpack_ids(from.neighbours, from.neighbour_width, begin, count, to->data() + old);
}
inline void append_relationships(const graph::Neighbours& from, uint32_t begin, uint32_t count,
                                 std::vector<uint64_t>* to) {
  const size_t old = to->size();
  to->resize(old + count);
  graph::unpack_ids(from.relationships, from.relationship_width, begin, count, to->data() + old);
}

// Tells the reader some rows ahead whose lists will be read, so that it need not wait for each of them in turn.
class ListsAhead {
 public:
  void start() { at_ = 0; }
  // Before the lists of `row` are read; `from`: the nodes.
  void reach(graph::Reader& reader, const TypeIds& types, Direction direction, const Column& from, size_t row) {
    if (row < at_) [[likely]]
      return;
    if (from.kind != Column::Kind::kNodes || types.ids().size() != 1 || from.ids.size() < row + kFewest) {
      at_ = from.size();
      return;
    }
    const size_t end = std::min(row + kRows, from.ids.size());
    for (size_t s = 0; s < side_count(direction); ++s) {
      reader.expect_neighbours({from.ids.data() + row, end - row}, side(direction, s), types.ids()[0]);
    }
    at_ = end;
  }

 private:
  static constexpr size_t kRows = 16, kFewest = 8;
  size_t at_ = 0;
};

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

// Node ids of a column that may hold boxed values (after UNWIND, from a collection).
inline uint64_t node_at(const Column& c, size_t row) {
  if (c.kind == Column::Kind::kNodes) return c.ids[row];
  if (c.kind == Column::Kind::kValues && c.values[row].is_node()) return c.values[row].node_id().value;
  return kNoId;
}

inline Status not_a_node(const Value& v) {
  return type_error("InvalidArgumentType", "expected a node at the end of a relationship pattern, got " + describe(v));
}

// A pattern's end that is bound to something else than a node.
inline Status check_nodes(const Column& c) {
  if (c.kind == Column::Kind::kNodes || c.kind == Column::Kind::kEmpty) return Status();
  const size_t n = c.size();
  for (size_t i = 0; i < n; ++i) {
    const Value v = c.get(i);
    if (!v.is_null() && !v.is_node()) return not_a_node(v);
  }
  return Status();
}

}  // namespace lora::cypher
