// What created relationships are still to put into the lists of their ends: put off until somebody reads lists or the
// statement ends, so that a load sorts many ends and changes each chunk once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "graph/graph.h"

namespace lora::graph {

// One thread at a time.
class ListInserts {
 public:
  // Relationships that are kept at most (40 bytes each with both ends) in a graph of so many nodes: what bounds memory,
  // and how long the one who reads lists waits. The more nodes, the fewer of them meet in a chunk, which is moved as a
  // whole each time.
  static size_t most(uint64_t nodes) { return std::clamp<uint64_t>(nodes, 1 << 17, 1 << 20); }

  // An end: `neighbour` and `relationship` go into the list of `node`. Ordered as the lists are.
  class End {
   public:
    End() = default;
    End(uint64_t node, uint64_t neighbour, uint32_t order)
        : high_(node << 16 | neighbour >> 32), low_(neighbour << 32 | order) {}
    uint64_t node() const { return high_ >> 16; }
    uint64_t neighbour() const { return (high_ & 0xffff) << 32 | low_ >> 32; }
    uint32_t order() const { return static_cast<uint32_t>(low_); }  // in which the relationships came
    friend auto operator<=>(const End&, const End&) = default;

   private:
    uint64_t high_ = 0, low_ = 0;
  };
  // The ends of one type, in the order they came.
  struct OfType {
    std::vector<End> out, in;
  };

  // Relationship ids ascend. After a failure (no memory) only clear() is of use.
  void add(RelTypeId type, NodeId start, NodeId end, RelId id);
  bool empty() const { return relationships_.empty(); }
  size_t size() const { return relationships_.size(); }
  size_t bytes() const { return relationships_.size() * 40; }
  std::map<uint32_t, OfType>& types() { return types_; }
  // The same ends in the order of the lists.
  static void sort(std::vector<End>* ends);
  RelId relationship(const End& end) const { return RelId(relationships_[end.order()]); }
  void clear() noexcept;

 private:
  std::map<uint32_t, OfType> types_;
  OfType* last_ = nullptr;  // where the last one was added
  uint32_t last_type_ = 0;
  std::vector<uint64_t> relationships_;
};

}  // namespace lora::graph
