// Budget: keeps the in-memory form below `cache_bytes` by evicting clean chunks.
//
// Evictable: entity blocks, topology chunks, label chunks, whole index trees. Never: what the open transaction made or
// changed, counters, trie nodes, and a chunk of which a pinned older version shares parts that cannot be told apart.
// An evicted chunk is unlinked from all live roots and freed when no reader batch can hold it (Versions' epochs).
// CLOCK: a hand walks the chunks of the tip; a chunk touched since the hand last came by is spared once.
//
// Work is done by whoever loads, a bounded piece per load; there is no thread. The writer never waits for it.
// Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "graph/cache/versions.h"

namespace lora::graph::cache {

enum class ChunkFamily : uint8_t { kNodes = 0, kRelationships = 1, kTopology = 2, kLabels = 3, kIndexes = 4 };

struct BudgetStats {
  uint64_t limit_bytes = 0;
  uint64_t used_bytes = 0;  // all objects, retired ones too
  uint64_t loads = 0, evictions = 0;
};

class Budget {
 public:
  // `limit_bytes`: for all objects of `versions`. 0: no limit.
  Budget(Versions* versions, uint64_t limit_bytes);

  // After a chunk has been loaded and published: counts it and, over the limit, evicts some. The chunk just loaded may
  // be read until the caller leaves its access epoch, even when it is evicted again at once. `structure_held`: by the
  // writer in the middle of a write call; then nothing is evicted, so that what it has loaded stays linked. True: as
  // make_room().
  bool loaded(bool structure_held = false);
  // Evicts without a load; the writer calls it after a write call or at the end of a statement (`structure_held`: it
  // still holds Versions::structure(), nothing it needs afterwards must be relied on to be resident). True: it is still
  // over the limit, and chunks that the store does not have yet stood in the way.
  bool make_room(bool structure_held = false);

  // Under pressure a single point read need not load a whole chunk. False: read the entity or list straight from the
  // store this time. True: load the chunk (there is room, or this chunk was asked for lately).
  // token: as Table's, 0 for blocks.
  bool should_load(ChunkFamily family, uint64_t token, uint64_t index);

  // Nearly all of the limit is used: what is loaded now drives something else out.
  bool is_tight() const {
    const uint64_t limit = limit_.load(std::memory_order_relaxed);
    return limit != 0 && versions_->object_bytes() >= limit - limit / 16;
  }

  // So much has been evicted under readers that may still look at it that a chunk which is loaded now would only add to
  // it: read what is asked for alone, and keep it apart.
  bool is_overhung();

  // Evicts everything that may be evicted, static empties too. For tests; waits for the writer's current call.
  void drop_all();

  void set_limit(uint64_t bytes) { limit_.store(bytes, std::memory_order_relaxed); }
  BudgetStats stats() const;

 private:
  struct Hand {
    ChunkFamily family = ChunkFamily::kNodes;
    uint64_t token = 0;
    uint64_t index = 0;
  };
  // Requires structure(). Examines up to `steps` chunks until `target` bytes are reached; returns evicted bytes.
  uint64_t turn(uint64_t target, uint32_t steps, bool all);
  bool evict(ChunkFamily family, uint64_t token, uint64_t index, Object* chunk);
  Object* step(const Root* root);

  static constexpr uint32_t kRecent = 4096;
  Versions* versions_;
  std::atomic<uint64_t> limit_;
  std::atomic<uint64_t> loads_{0}, evictions_{0};
  std::atomic<uint32_t> overhung_asked_{0};
  std::atomic<uint32_t> turn_number_{1};
  std::atomic<uint64_t> recent_[kRecent];  // fingerprints of point reads, with the turn
  Hand hand_;                              // under structure()
  bool unwritten_ = false;  // under structure(): the last turn has met a chunk that must be written first
};

}  // namespace lora::graph::cache
