// Hops of variable-length patterns: the relationships that leave a node and fulfil the pattern's hop predicate.
#pragma once

#include <unordered_set>
#include <vector>

#include "cypher/exec/adjacency.h"

namespace lora::cypher {

struct Hop {
  uint64_t node = 0;
  uint64_t relationship = 0;
};

// What a pattern asks of each hop. The predicate sees the outer row and the hop, as walked from the pattern's `from`.
struct HopPattern {
  Direction direction = Direction::kOut;
  TypeSelection types;
  const Expr* predicate = nullptr;
  Slot relationship = kNoSlot, from = kNoSlot, to = kNoSlot;
};

class HopFinder {
 public:
  HopFinder(ExecState* state, const HopPattern& pattern);

  void begin_run() { types_.forget(); }
  void begin_row(const Batch* in, size_t row) {
    types_.refresh(state_.reader());
    in_ = in;
    row_ = row;
    outer_ready_ = false;
  }
  // Appends the hops that leave `node`; `backward`: those that arrive there (hop.node is where they come from).
  Status collect(uint64_t node, bool backward, std::vector<Hop>* out);
  const TypeIds& types() const { return types_; }
  // One hop against the pattern: type, direction, predicate. *to: where it leads.
  Status follow(uint64_t node, uint64_t relationship, bool* fits, uint64_t* to);
  void close();

 private:
  Status filter(uint64_t node, bool backward, size_t first, std::vector<Hop>* out);
  void make_outer();

  ExecState& state_;
  HopPattern pattern_;
  TypeIds types_;
  std::vector<Slot> outer_slots_;  // of the row, read by the predicate
  bool all_slots_ = false;         // it has a subquery: it may read any
  const Batch* in_ = nullptr;
  size_t row_ = 0;
  bool outer_ready_ = false;
  Batch outer_;  // the outer row, one row
  Batch hops_;
  std::vector<uint32_t> rows_;
  std::vector<graph::Neighbours> segments_;
};

// A set of node ids as a bitmap, emptied in the time of what was added: 125 KB for a million ids.
class NodeSet {
 public:
  // Empties the set. Ids lie below `limit`, and there are `nodes` of them: where ids are that sparse that a bit for
  // each would be waste, the high ones go into a hash set.
  void reset(uint64_t limit, uint64_t nodes);
  // Gives large memory back; the set is empty afterwards.
  void trim();
  bool has(uint64_t id) const {
    return id < dense_limit_ ? (words_[id >> 6] >> (id & 63) & 1) != 0 : sparse_.contains(id);
  }
  // False: it was there.
  bool add(uint64_t id) {
    if (id >= dense_limit_) return sparse_.insert(id).second;
    uint64_t& word = words_[id >> 6];
    const uint64_t bit = uint64_t{1} << (id & 63);
    if ((word & bit) != 0) return false;
    if (word == 0) touched_.push_back(static_cast<uint32_t>(id >> 6));
    word |= bit;
    return true;
  }
  size_t heap_bytes() const { return words_.capacity() * 8 + touched_.capacity() * 4 + sparse_.size() * 32; }

 private:
  std::vector<uint64_t> words_;
  std::vector<uint32_t> touched_;  // words that are not zero
  uint64_t dense_limit_ = 0;       // ids from here on are in sparse_
  std::unordered_set<uint64_t> sparse_;
};

}  // namespace lora::cypher
