// TopologyChunk: the relationships of 64 nodes in one direction and one type.
//
// A chunk is one piece of memory: degrees, offsets and two parallel arrays (neighbour, relationship), sorted by
// (neighbour, relationship), both of packed ids. A list that outgrows kListMax leaves the chunk for a Hub: pages of
// sorted blocks of at most 256 pairs. Parallel edges are allowed.
//
// Blocks and the store: a list is stored in blocks keyed by their first pair; the first block of a list has the key
// (0, 0). A hub keeps exactly these blocks; a list inside the chunk is one block with the key (0, 0). Inserting into a
// full block splits it in half (at the end of a list: a new block with the new pair alone); erasing merges small
// blocks. Each edit reports the keys it touched: at commit a key that find_block() still knows is written, any other
// one is removed from the store.
//
// Threads: see object.h. All lookups are const and safe on a published chunk.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "graph/cache/object.h"
#include "graph/graph.h"
#include "graph/packed_ids.h"

namespace lora::graph::cache {

// First pair of a stored block; {0, 0} is a list's first block.
struct BlockKey {
  uint64_t neighbour = 0;
  uint64_t relationship = 0;
  friend auto operator<=>(const BlockKey&, const BlockKey&) = default;
};

// What an insert or erase touched: at most three keys.
struct TouchedBlocks {
  BlockKey keys[3];
  uint32_t count = 0;
  void add(BlockKey key) {
    for (uint32_t i = 0; i < count; ++i) {
      if (keys[i] == key) return;
    }
    keys[count++] = key;
  }
};

// A relationship to be put into the list of one row.
struct NewPair {
  uint32_t row;
  uint64_t neighbour;
  uint64_t relationship;
};

// Bytes of an id in each of the two arrays.
struct PairWidths {
  uint8_t neighbour = 1, relationship = 1;
  // Wide enough also for these ids, or for all that make up these bits.
  PairWidths with(uint64_t neighbours, uint64_t relationships) const {
    return with({packed_id_width(neighbours), packed_id_width(relationships)});
  }
  PairWidths with(PairWidths other) const {
    return {std::max(neighbour, other.neighbour), std::max(relationship, other.relationship)};
  }
  // Of so many pairs, with what packed ids need behind them.
  size_t bytes(size_t pairs) const { return pairs * (size_t{neighbour} + relationship) + kPackedIdSlack; }
  friend bool operator==(PairWidths, PairWidths) = default;
};

// The two arrays of a chunk or block.
struct Pairs {
  char* neighbours;
  char* relationships;
  PairWidths widths;

  void put(size_t at, uint64_t neighbour, uint64_t relationship) const {
    put_packed_id(neighbours, widths.neighbour, at, neighbour);
    put_packed_id(relationships, widths.relationship, at, relationship);
  }
  // `count` pairs of `from`, which may be the same arrays; their ids fit.
  void copy(size_t to, const Pairs& from, size_t from_at, size_t count) const;
  // Moves [at, count) up by one place, or [at + 1, count) down.
  void open_gap(size_t at, size_t count) const { copy(at + 1, *this, at, count - at); }
  void close_gap(size_t at, size_t count) const { copy(at, *this, at + 1, count - at - 1); }
  Neighbours segment(size_t from, uint32_t count) const {
    return {neighbours + from * widths.neighbour, relationships + from * widths.relationship, count, widths.neighbour,
            widths.relationship};
  }
};

struct HubBlock : Object {
  static constexpr uint32_t kPairsMax = 256;  // also the limit of a stored block
  BlockKey first;
  uint16_t count = 0, capacity = 0;
  PairWidths widths;
  HubBlock() : Object(ObjectKind::kHubBlock) {}
  Pairs pairs() {
    char* const first = reinterpret_cast<char*>(this + 1);
    return {first, first + size_t{capacity} * widths.neighbour, widths};
  }
  Neighbours segment() const { return const_cast<HubBlock*>(this)->pairs().segment(0, count); }
};

// Behind the header: uint64_t first[capacity], HubBlock* block[capacity].
struct HubPage : Object {
  static constexpr uint32_t kBlocksMax = 64;
  uint32_t count = 0, capacity = 0;  // blocks
  HubPage() : Object(ObjectKind::kHubPage) {}
  uint64_t* first() { return reinterpret_cast<uint64_t*>(this + 1); }  // first neighbour of each block
  const uint64_t* first() const { return reinterpret_cast<const uint64_t*>(this + 1); }
  HubBlock** block() { return reinterpret_cast<HubBlock**>(first() + capacity); }
  HubBlock* const* block() const { return reinterpret_cast<HubBlock* const*>(first() + capacity); }
};

struct Hub : Object {
  uint32_t count = 0, capacity = 0;  // pages
  uint32_t degree = 0;               // pairs in all of them
  Hub() : Object(ObjectKind::kHub) {}
  HubPage** pages() { return reinterpret_cast<HubPage**>(this + 1); }
  HubPage* const* pages() const { return reinterpret_cast<HubPage* const*>(this + 1); }
};

struct TopologyChunk : Object {
  static constexpr uint32_t kNodes = 64;
  static constexpr uint32_t kListMax = 96;    // longer lists are hubs
  static constexpr uint32_t kListAgain = 64;  // a hub of one block shrinks back at this size

  static uint64_t index_of(uint64_t node) { return node / kNodes; }
  static uint32_t row_of(uint64_t node) { return static_cast<uint32_t>(node % kNodes); }

  uint32_t capacity = 0;      // pairs that fit into the arrays
  uint32_t hub_capacity = 0;  // hub pointers that fit
  uint64_t hub_mask = 0;      // rows whose list is a hub
  PairWidths widths;
  enum class Loops : uint8_t { kUnknown, kNone, kSome };
  mutable std::atomic<Loops> loops{Loops::kUnknown};  // what has_loops() has found
  uint16_t degrees[kNodes];                           // of a hub of kMany or more: kMany
  uint16_t offsets[kNodes + 1];                       // of lists; a hub's is empty
  static constexpr uint16_t kMany = UINT16_MAX;
  static_assert(kNodes * kListMax <= UINT16_MAX);

  TopologyChunk() : Object(ObjectKind::kTopologyChunk) {}
  static TopologyChunk* empty();

  // --- reading ---
  uint32_t degree(uint32_t row) const {
    const uint32_t known = degrees[row];
    return known != kMany ? known : hub(row)->degree;
  }
  // Adds the degrees of rows first .. first + count - 1.
  void add_degrees(uint32_t first, uint32_t count, int64_t* degrees) const;
  bool is_hub(uint32_t row) const { return (hub_mask >> row & 1) != 0; }
  // The list when it is not a hub (then count = 0 and is_hub).
  Neighbours list(uint32_t row) const {
    const uint32_t from = offsets[row], count = offsets[row + 1] - from;
    return const_cast<TopologyChunk*>(this)->pairs().segment(from, count);
  }
  // All segments in order, appended to *out; none for an empty list.
  void segments(uint32_t row, std::vector<Neighbours>* out) const;
  // f(const Neighbours&) per segment in order.
  template <typename F>
  void for_each_segment(uint32_t row, F&& f) const {
    if (!is_hub(row)) [[likely]] {
      const Neighbours all = list(row);
      if (all.count != 0) f(all);
      return;
    }
    const Hub* h = hub(row);
    for (uint32_t p = 0; p < h->count; ++p) {
      const HubPage* page = h->pages()[p];
      for (uint32_t b = 0; b < page->count; ++b) f(page->block()[b]->segment());
    }
  }
  // Relationships between the row's node and `neighbour`, ascending, appended; binary search.
  void find(uint32_t row, uint64_t neighbour, std::vector<uint64_t>* relationships) const;
  bool contains(uint32_t row, uint64_t neighbour, uint64_t relationship) const;
  // Is any of the relationships one from a node to itself? `first_node`: the id of row 0. Looked for once.
  bool has_loops(uint64_t first_node) const {
    const Loops known = loops.load(std::memory_order_relaxed);
    return known == Loops::kUnknown ? find_loops(first_node) : known == Loops::kSome;
  }
  // The stored block with exactly this key, as it is now; false: there is none (any more).
  bool find_block(uint32_t row, BlockKey key, Neighbours* out) const;
  // f(BlockKey, const Neighbours&) for each stored block of the row.
  template <typename F>
  void for_each_block(uint32_t row, F&& f) const {
    if (!is_hub(row)) {
      if (const Neighbours all = list(row); all.count != 0) f(BlockKey{}, all);
      return;
    }
    const Hub* h = hub(row);
    for (uint32_t p = 0; p < h->count; ++p) {
      for (uint32_t b = 0; b < h->pages()[p]->count; ++b) {
        const HubBlock* block = h->pages()[p]->block()[b];
        f(block->first, block->segment());
      }
    }
  }

  bool find_loops(uint64_t first_node) const;

  // --- writing: static, because the chunk may move; put the returned chunk back (Root's edit functions do) ---
  static TopologyChunk* writable(WriteContext& context, TopologyChunk* chunk);
  // The result is mine; `chunk` is retired when it was not. The pair must not be there.
  static TopologyChunk* insert(WriteContext& context, TopologyChunk* chunk, uint32_t row, uint64_t neighbour,
                               uint64_t relationship, TouchedBlocks* touched);
  // Inserts many, sorted by (row, neighbour, relationship), moving each pair of the chunk at most once. Rows whose list
  // is a hub or would become one are left out: the bits of *left. Touches the block {0, 0} of the others.
  static TopologyChunk* merge(WriteContext& context, TopologyChunk* chunk, std::span<const NewPair> pairs,
                              uint64_t* left);
  // *found = false and nothing changed when the pair is not there.
  static TopologyChunk* erase(WriteContext& context, TopologyChunk* chunk, uint32_t row, uint64_t neighbour,
                              uint64_t relationship, TouchedBlocks* touched, bool* found);

  // --- layout: [hub pointers][neighbours][relationships] behind the header ---
  Hub** hubs() { return reinterpret_cast<Hub**>(this + 1); }
  Hub* const* hubs() const { return reinterpret_cast<Hub* const*>(this + 1); }
  uint32_t hub_rank(uint32_t row) const {
    return static_cast<uint32_t>(std::popcount(hub_mask & ((uint64_t{1} << row) - 1)));
  }
  const Hub* hub(uint32_t row) const { return hubs()[hub_rank(row)]; }
  Pairs pairs() {
    char* const first = reinterpret_cast<char*>(hubs() + hub_capacity);
    return {first, first + size_t{capacity} * widths.neighbour, widths};
  }
};

// Builds a chunk from the stored blocks. Rows ascending, blocks of a row in key order, at least one pair each (an
// empty block is left out), each at most HubBlock::kPairsMax pairs, sorted. Anything else: add_block() answers false
// (damage), and the builder stays usable for other blocks.
class TopologyBuilder {
 public:
  TopologyBuilder();
  ~TopologyBuilder();
  TopologyBuilder(const TopologyBuilder&) = delete;
  TopologyBuilder& operator=(const TopologyBuilder&) = delete;
  bool add_block(uint32_t row, BlockKey key, std::span<const uint64_t> neighbours,
                 std::span<const uint64_t> relationships);
  // The chunk as loaded (for publish_loaded); TopologyChunk::empty() when nothing was added. Resets the builder.
  Loaded<TopologyChunk> finish();

 private:
  struct Block {
    uint32_t row;
    BlockKey key;
    uint32_t from, count;
  };
  std::vector<Block> blocks_;
  std::vector<uint64_t> neighbours_, relationships_;
};

}  // namespace lora::graph::cache
