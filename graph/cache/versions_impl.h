// The inside of Versions, for versions.cpp and budget.cpp only.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "graph/cache/versions.h"
#include "kv/contain.h"

namespace lora::graph::cache {

// Slots that threads claim and give back without a lock: pieces of 64, made as needed, never freed before the end.
template <typename Slot>
class SlotArray {
 public:
  static constexpr uint32_t kPiece = 64;
  static constexpr uint32_t kPieces = (1u << 20) / kPiece;
  static constexpr uint32_t kNone = ~uint32_t{0};

  ~SlotArray() {
    for (auto& piece : pieces_) delete[] piece.load(std::memory_order_relaxed);
  }
  uint32_t claim(uint32_t hint) {
    // The place this thread had last, then its piece, then all pieces.
    if (Slot* piece = pieces_[hint / kPiece % kPieces].load(std::memory_order_acquire)) {
      const uint32_t from = hint % kPiece;
      for (uint32_t i = 0; i < kPiece; ++i) {
        const uint32_t at = (from + i) % kPiece;
        if (take(piece[at])) return hint / kPiece % kPieces * kPiece + at;
      }
    }
    for (uint32_t p = 0; p < kPieces; ++p) {
      Slot* piece = pieces_[p].load(std::memory_order_acquire);
      if (piece == nullptr) {
        auto* fresh = new Slot[kPiece];
        if (pieces_[p].compare_exchange_strong(piece, fresh, std::memory_order_acq_rel, std::memory_order_acquire)) {
          piece = fresh;
        } else {
          delete[] fresh;
        }
      }
      for (uint32_t i = 0; i < kPiece; ++i) {
        if (take(piece[i])) return p * kPiece + i;
      }
    }
    return kNone;
  }
  Slot& operator[](uint32_t i) { return pieces_[i / kPiece].load(std::memory_order_acquire)[i % kPiece]; }
  template <typename F>
  void for_each(F&& f) {
    // Pieces are made in order, so the first missing one is the end.
    for (auto& p : pieces_) {
      Slot* piece = p.load(std::memory_order_acquire);
      if (piece == nullptr) return;
      for (uint32_t i = 0; i < kPiece; ++i) f(piece[i]);
    }
  }

 private:
  static bool take(Slot& slot) {
    return !slot.used.load(std::memory_order_relaxed) && !slot.used.exchange(true, std::memory_order_acquire);
  }
  std::atomic<Slot*> pieces_[kPieces] = {};
};

struct alignas(64) PinSlot {
  std::atomic<const Root*> root{nullptr};
  std::atomic<bool> used{false};
};

struct EpochRetired {
  Object* object;
  uint64_t epoch;
  bool tree;
  uint64_t evicted_bytes;  // 0: it was not evicted
};

// A committed root with what must happen when it is published (retired) or dropped (made). Neighbours may have one
// store snapshot in common (Versions::commit_behind): the last of them to go has it, the others forget it when they go.
struct LiveRoot {
  std::unique_ptr<Root> root;
  std::vector<Object*> made;
  std::vector<RetiredObject> retired;
};

// What is freed once the lock is given back.
struct Versions::Garbage {
  std::vector<RetiredObject> retired;
  std::vector<EpochRetired> epoch_retired;
  std::vector<LiveRoot> dead;
};

struct Versions::Impl {
  std::function<void(const kv::Snapshot*)> release;
  SlotArray<PinSlot> pins;
  SlotArray<AccessSlot> access;

  std::mutex mutex;                  // below
  std::vector<LiveRoot> roots;       // ascending stamps; pinned ones, published, unpublished
  std::vector<RetiredObject> queue;  // retired by published commits, still visible to some live root when added
  size_t sweep_at = 64;              // queue size that starts the next sweep
  std::vector<EpochRetired> epoch_retired;
  size_t epoch_sweep_at = 256;
  std::atomic<uint64_t> evicted_bytes{0};  // of evicted chunks in epoch_retired; changed under mutex
  WriteContext* context = nullptr;         // set under structure() and mutex, read under either
  uint64_t last_stamp = 0;                 // the writer's

  PiecePool pieces;  // the open transaction's
  // Memory of transactions that are over, for the next one.
  std::mutex spare_mutex;  // below
  PiecePool spare_pieces;
  std::vector<RetiredObject> spare_retired;

  std::vector<Object*> spare_made;  // under mutex

  // Only of short transactions, which are what it is for.
  template <typename T>
  static void keep_list(std::vector<T>* list, std::vector<T>* spare) {
    constexpr size_t kKept = 1024;
    list->clear();
    if (spare->capacity() == 0 && list->capacity() <= kKept) spare->swap(*list);
    *list = {};
  }
  void release_snapshot(const LiveRoot& gone) const noexcept {
    if (gone.root->store_snapshot != nullptr && release) release(gone.root->store_snapshot);
  }
  static void forget_shared(const LiveRoot& gone, const LiveRoot& stays) {
    if (gone.root->store_snapshot == stays.root->store_snapshot) gone.root->store_snapshot = nullptr;
  }
  // Under mutex, unless nobody else is left.
  LiveRoot take_newest() noexcept {
    LiveRoot newest = std::move(roots.back());
    roots.pop_back();
    if (!roots.empty()) forget_shared(newest, roots.back());
    return newest;
  }
  // Stamps of the live roots, ascending; forgets the others (into *dead). Under mutex. A root that a renewed one has
  // taken the place of is not alive unless somebody still has it.
  void collect_live(const Root* published, std::vector<uint64_t>* stamps, std::vector<LiveRoot>* dead) {
    stamps->reserve(roots.size());
    dead->reserve(dead->size() + roots.size());  // nothing fails while roots move
    if (roots.size() == 1) {                     // the usual case: no look at the slots is needed
      stamps->push_back(roots[0].root->stamp);
      return;
    }
    std::vector<const Root*> pinned;
    pins.for_each([&pinned](PinSlot& slot) {
      if (const Root* root = slot.root.load(std::memory_order_seq_cst)) pinned.push_back(root);
    });
    std::sort(pinned.begin(), pinned.end());
    size_t kept = 0;
    for (LiveRoot& live : roots) {
      const bool alive = live.root->stamp > published->stamp || live.root.get() == published ||
                         (context != nullptr && context->base() == live.root.get()) ||
                         std::binary_search(pinned.begin(), pinned.end(), live.root.get());
      if (alive) {
        stamps->push_back(live.root->stamp);
        if (&roots[kept] != &live) roots[kept] = std::move(live);
        ++kept;
      } else {
        dead->push_back(std::move(live));
      }
    }
    roots.resize(kept);
    for (auto gone = dead->begin(); gone != dead->end(); ++gone) {
      for (const LiveRoot& live : roots) forget_shared(*gone, live);
      if (std::next(gone) != dead->end()) forget_shared(*gone, *std::next(gone));
    }
  }
  // The commits that have become visible hand over what they replaced. Without memory they keep it, and with it their
  // place in `roots` (see collect), until the next time.
  void hand_over(uint64_t published_stamp) {
    for (LiveRoot& live : roots) {
      if (live.root->stamp > published_stamp) return;
      if (live.retired.empty() && live.made.empty()) continue;
      if (queue.empty()) {
        queue.swap(live.retired);
      } else {
        queue.insert(queue.end(), live.retired.begin(), live.retired.end());
      }
      live.retired = {};
      keep_list(&live.made, &spare_made);
    }
  }
  // Moves what nobody can see any more to *garbage, as far as there is memory for it. `before`: the stamp that was
  // published before `published`. Under mutex.
  void collect(uint64_t before, const Root* published, Garbage* garbage) {
    static_cast<void>(contain([&] {
      const size_t old = queue.size();
      hand_over(published->stamp);
      std::vector<uint64_t> stamps;
      collect_live(published, &stamps, &garbage->dead);
      // The root published before usually dies here; it held nothing in the queue. An older one that was pinned did.
      const bool unpinned = std::any_of(garbage->dead.begin(), garbage->dead.end(),
                                        [=](const LiveRoot& live) { return live.root->stamp < before; });
      const bool all = unpinned || old >= sweep_at;
      const auto from = all ? queue.begin() : queue.begin() + static_cast<ptrdiff_t>(old);
      const auto split = std::partition(from, queue.end(), [&](const RetiredObject& e) { return visible(e, stamps); });
      if (split == queue.begin()) {
        garbage->retired.swap(queue);
      } else {
        garbage->retired.assign(split, queue.end());
        queue.erase(split, queue.end());
      }
      if (all) sweep_at = std::max<size_t>(64, queue.size() * 2);
      if (epoch_retired.size() >= epoch_sweep_at || before == published->stamp) collect_epochs(&garbage->epoch_retired);
      return Status();
    }));
  }
  static bool visible(const RetiredObject& entry, const std::vector<uint64_t>& stamps) {
    const auto it = std::lower_bound(stamps.begin(), stamps.end(), entry.tree ? 0 : entry.created);
    return it != stamps.end() && *it < entry.retired;
  }
  uint64_t oldest_epoch() {
    uint64_t oldest = ~uint64_t{0};
    access.for_each([&oldest](AccessSlot& slot) {
      const uint64_t epoch = slot.epoch.load(std::memory_order_acquire);
      if (epoch != 0 && epoch < oldest) oldest = epoch;
    });
    return oldest;
  }
  // Moves what no reader batch can hold to *out; without memory it stays for the next time. Under mutex.
  void collect_epochs(std::vector<EpochRetired>* out) {
    if (epoch_retired.empty()) return;
    const uint64_t oldest = oldest_epoch();
    const auto split = std::partition(epoch_retired.begin(), epoch_retired.end(),
                                      [oldest](const EpochRetired& e) { return e.epoch >= oldest; });
    const Status moved = contain([&] {
      out->insert(out->end(), split, epoch_retired.end());
      return Status();
    });
    if (!moved.ok()) return;
    for (auto e = split; e != epoch_retired.end(); ++e) evicted_bytes -= e->evicted_bytes;
    epoch_retired.erase(split, epoch_retired.end());
    epoch_sweep_at = std::max<size_t>(256, epoch_retired.size() * 2);
  }
};

// Frees an object that no reader can hold any more; returns its bytes.
uint64_t free_epoch_retired(const std::vector<EpochRetired>& objects);

}  // namespace lora::graph::cache
