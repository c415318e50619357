#include "graph/cache/budget.h"

#include <algorithm>

#include "graph/cache/entity_block.h"
#include "graph/cache/versions_impl.h"
#include "kv/contain.h"

namespace lora::graph::cache {

namespace {

uint64_t fingerprint(ChunkFamily family, uint64_t token, uint64_t index) {
  uint64_t h = (static_cast<uint64_t>(family) + 1) * 0x9e3779b97f4a7c15ull;
  h = (h ^ token) * 0xbf58476d1ce4e5b9ull;
  h = (h ^ (h >> 29) ^ index) * 0x94d049bb133111ebull;
  return h ^ (h >> 32);
}

// The slot of a chunk in a root; null when the root has no place for it. Slots in shared static nodes are not given.
std::atomic<Object*>* slot_of(const RootFields& root, ChunkFamily family, uint64_t token, uint64_t index,
                              TrieNode** leaf) {
  TrieNode* trie = nullptr;
  switch (family) {
    case ChunkFamily::kNodes: trie = root.node_blocks.root; break;
    case ChunkFamily::kRelationships: trie = root.relationship_blocks.root; break;
    case ChunkFamily::kTopology: trie = root.topology.find(token).root; break;
    case ChunkFamily::kLabels: trie = root.labels.find(token).root; break;
    case ChunkFamily::kIndexes: trie = root.indexes.root; break;
  }
  if (trie == nullptr || !trie_covers(trie, index)) return nullptr;
  auto* slot = find_slot(trie, index, leaf);
  return slot == nullptr || ((*leaf)->flags & Object::kStatic) != 0 ? nullptr : slot;
}

// Takes `chunk` out of a slot. Versions share leaves, so the same slot may come up again: by then a reader may have
// loaded the next chunk into it, which stays. (`chunk` is not freed before all slots are done, so its address is its
// own.)
void unlink(std::atomic<Object*>* slot, TrieNode* leaf, uint64_t index, Object* chunk) {
  if (!slot->compare_exchange_strong(chunk, nullptr, std::memory_order_acq_rel, std::memory_order_relaxed)) return;
  const uint64_t bit = uint64_t{1} << (index & 63);
  leaf->copied_out.fetch_and(~bit, std::memory_order_relaxed);
  leaf->inherited.fetch_and(~bit, std::memory_order_relaxed);
}

void add_parts(const Object* object, std::vector<Object*>* out) {
  for_each_part(object, [out](Object* part) {
    out->push_back(part);
    add_parts(part, out);
  });
}

template <typename T>
void room_for(std::vector<T>* list, size_t more) {
  if (list->capacity() - list->size() < more) list->reserve(std::max(list->size() + more, list->capacity() * 2));
}

}  // namespace

Budget::Budget(Versions* versions, uint64_t limit_bytes) : versions_(versions), limit_(limit_bytes) {
  for (auto& entry : recent_) entry.store(0, std::memory_order_relaxed);
}

bool Budget::loaded(bool structure_held) {
  loads_.fetch_add(1, std::memory_order_relaxed);
  return !structure_held && make_room();
}

bool Budget::make_room(bool structure_held) {
  const uint64_t limit = limit_.load(std::memory_order_relaxed);
  if (limit == 0 || versions_->object_bytes() <= limit) return false;
  std::unique_lock lock(versions_->structure_, std::defer_lock);
  if (!structure_held && !lock.try_lock()) return false;
  constexpr uint32_t kSteps = 256;
  turn(limit - limit / 64, kSteps, false);
  return unwritten_ && versions_->object_bytes() > limit;
}

bool Budget::should_load(ChunkFamily family, uint64_t token, uint64_t index) {
  if (!is_tight()) return true;
  const uint64_t print = fingerprint(family, token, index);
  std::atomic<uint64_t>& place = recent_[print % kRecent];
  const uint64_t turn = turn_number_.load(std::memory_order_relaxed) & 0xffff;
  const uint64_t before = place.load(std::memory_order_relaxed);
  if ((before >> 16) == (print >> 16) && ((turn - (before & 0xffff)) & 0xffff) <= 1) return true;
  place.store((print & ~uint64_t{0xffff}) | turn, std::memory_order_relaxed);
  return false;
}

void Budget::drop_all() {
  std::lock_guard lock(versions_->structure_);
  hand_ = Hand();
  turn(0, ~uint32_t{0}, true);
  hand_ = Hand();
}

bool Budget::is_overhung() {
  constexpr uint64_t kLeast = 8 << 20, kMost = 32 << 20;
  const uint64_t limit = limit_.load(std::memory_order_relaxed);
  const auto overhung = [&] {
    return versions_->impl_->evicted_bytes.load(std::memory_order_relaxed) > std::clamp(limit / 8, kLeast, kMost);
  };
  if (limit == 0 || versions_->object_bytes() <= limit || !overhung()) return false;
  // The readers may have left. Finding out costs a walk over all that they hold.
  constexpr uint32_t kBetweenWalks = 16;
  if (overhung_asked_.fetch_add(1, std::memory_order_relaxed) % kBetweenWalks == 0) make_room();
  return overhung();
}

BudgetStats Budget::stats() const {
  return {limit_.load(std::memory_order_relaxed), versions_->object_bytes(), loads_.load(std::memory_order_relaxed),
          evictions_.load(std::memory_order_relaxed)};
}

// The chunk at the hand or the next one after it; null at the end of the circle (the hand is then at its start).
Object* Budget::step(const Root* root) {
  for (;;) {
    switch (hand_.family) {
      case ChunkFamily::kNodes:
      case ChunkFamily::kRelationships:
      case ChunkFamily::kIndexes: {
        const TrieNode* trie = hand_.family == ChunkFamily::kNodes           ? root->node_blocks.root
                               : hand_.family == ChunkFamily::kRelationships ? root->relationship_blocks.root
                                                                             : root->indexes.root;
        if (trie != nullptr) {
          if (Object* chunk = next_resident(trie, &hand_.index)) return chunk;
        }
        break;
      }
      case ChunkFamily::kTopology:
      case ChunkFamily::kLabels: {
        const TrieNode* table = hand_.family == ChunkFamily::kTopology ? root->topology.root : root->labels.root;
        while (table != nullptr) {
          const uint64_t before = hand_.token;
          Object* trie = next_resident(table, &hand_.token);
          if (trie == nullptr) break;
          if (hand_.token != before) hand_.index = 0;
          if (Object* chunk = next_resident(static_cast<TrieNode*>(trie), &hand_.index)) return chunk;
          ++hand_.token;
          hand_.index = 0;
        }
        break;
      }
    }
    hand_.token = hand_.index = 0;
    if (hand_.family == ChunkFamily::kIndexes) {
      hand_.family = ChunkFamily::kNodes;
      return nullptr;
    }
    hand_.family = static_cast<ChunkFamily>(static_cast<uint8_t>(hand_.family) + 1);
  }
}

// Under structure() and the roots mutex.
bool Budget::evict(ChunkFamily family, uint64_t token, uint64_t index, Object* chunk) {
  Versions::Impl& impl = *versions_->impl_;
  const Root* published = versions_->published_.load(std::memory_order_relaxed);
  const Root* tip = versions_->tip_.load(std::memory_order_relaxed);
  if (chunk->created > published->stamp) return false;  // a failed sync may still take it back
  struct Place {
    std::atomic<Object*>* slot;
    TrieNode* leaf;
  };
  const bool is_static = (chunk->flags & Object::kStatic) != 0;
  std::vector<Place> places;
  std::vector<Object*> other_versions;
  bool unwritten = false;  // some version could not read it from its store snapshot
  const auto look = [&](const Root& root) {
    TrieNode* leaf = nullptr;
    auto* slot = slot_of(root, family, token, index, &leaf);
    if (slot == nullptr) return true;
    Object* there = slot->load(std::memory_order_acquire);
    if (there == chunk) {
      unwritten = unwritten || chunk->created > root.stored_stamp;
      places.push_back({slot, leaf});
    } else if (there != nullptr && (there->flags & Object::kStatic) == 0) {
      other_versions.push_back(there);
      return false;
    }
    return true;
  };
  if (impl.context != nullptr) {
    // What the open transaction has copied from, it may still go back to.
    if (!look(*impl.context->root())) return false;
    if (impl.context->in_statement_ && !look(impl.context->savepoint_)) return false;
    other_versions.clear();
  }
  for (const LiveRoot& live : impl.roots) {
    look(*live.root);
    // What a static one stands for has no stamp: a commit may have emptied it.
    unwritten = unwritten || (is_static && live.root->stored_stamp < live.root->stamp);
  }
  unwritten_ = unwritten_ || unwritten;
  if (unwritten || (family == ChunkFamily::kIndexes && !other_versions.empty())) return false;
  // Older versions that live readers hold share some of the parts: these parts die with them. A block that lacks
  // columns shares nothing, and those that are still put into it go with it.
  const bool lacks = chunk->kind == ObjectKind::kEntityBlock && !static_cast<const EntityBlock*>(chunk)->is_whole();
  const bool whole = other_versions.empty() || lacks;
  std::vector<Object*> shared, parts;
  if (!is_static && !whole) {
    for (const Object* other : other_versions) add_parts(other, &shared);
    std::sort(shared.begin(), shared.end());
    add_parts(chunk, &parts);
  }
  room_for(&impl.queue, parts.size());
  room_for(&impl.epoch_retired, parts.size() + 1);
  // Nothing fails from here on.
  for (const Place& place : places) unlink(place.slot, place.leaf, index, chunk);
  if (is_static) return true;
  const auto leave = [&impl](Object* object, bool tree) {
    const uint64_t bytes = tree ? tree_bytes(object) : object->bytes;
    impl.evicted_bytes += bytes;
    impl.epoch_retired.push_back({object, 0, tree, bytes});
  };
  for (Object* part : parts) {
    if (std::binary_search(shared.begin(), shared.end(), part)) {
      impl.queue.push_back({part, part->created, tip->stamp + 1, false});
    } else {
      leave(part, false);
    }
  }
  leave(chunk, whole);
  return true;
}

uint64_t Budget::turn(uint64_t target, uint32_t steps, bool all) {
  Versions::Impl& impl = *versions_->impl_;
  std::vector<EpochRetired> free_now;
  uint64_t evicted = 0;
  unwritten_ = false;
  {
    std::lock_guard lock(impl.mutex);
    // Trees that the open transaction has dropped still hold chunks of the tip.
    if (impl.context != nullptr && impl.context->pending_trees_ != 0) return 0;
    const Root* tip = versions_->tip_.load(std::memory_order_relaxed);
    impl.collect_epochs(&free_now);
    const size_t kept = impl.epoch_retired.size();
    // Bytes on their way out count as gone.
    const auto used = [&] {
      const uint64_t bytes = versions_->object_bytes();
      return bytes - std::min(bytes, impl.evicted_bytes.load());
    };
    // Without memory the turn ends early.
    static_cast<void>(contain([&] {
      bool wrapped = false;
      while (steps-- > 0 && (all || used() > target)) {
        Object* chunk = step(tip);
        if (chunk == nullptr) {
          turn_number_.fetch_add(1, std::memory_order_relaxed);
          if (all || wrapped) break;
          wrapped = true;
          continue;
        }
        const Hand at = hand_;
        ++hand_.index;
        if (!all && (chunk->flags & Object::kStatic) != 0) continue;
        if (!all && chunk->touched.exchange(0, std::memory_order_relaxed) != 0) continue;
        const uint64_t bytes_before = impl.evicted_bytes;
        if (!evict(at.family, at.token, at.index, chunk)) continue;
        evictions_.fetch_add(1, std::memory_order_relaxed);
        evicted += impl.evicted_bytes - bytes_before;
      }
      return Status();
    }));
    // Everything is unlinked; whoever enters an epoch from now on does not find it.
    if (impl.epoch_retired.size() > kept) {
      std::atomic_thread_fence(std::memory_order_seq_cst);
      const uint64_t epoch = versions_->epoch_.fetch_add(1, std::memory_order_seq_cst);
      for (size_t i = kept; i < impl.epoch_retired.size(); ++i) impl.epoch_retired[i].epoch = epoch;
      impl.collect_epochs(&free_now);
    }
  }
  const uint64_t bytes = free_epoch_retired(free_now);
  if (bytes != 0) versions_->object_bytes_.fetch_sub(static_cast<int64_t>(bytes), std::memory_order_relaxed);
  return evicted;
}

}  // namespace lora::graph::cache
