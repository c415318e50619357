// DegreeCache: degrees of nodes whose lists are not in memory.
//
// A graph larger than its budget is asked for degrees far more often than for the lists behind them (the last hop of a
// count, EXISTS, the order of an intersection), and a degree is 4 bytes where a list is hundreds. So once memory is
// tight, a chunk of 64 nodes that is read for a degree leaves its degrees here.
//
// Not versioned. An entry was right for the version it was read from; `changed` says since when a chunk may be another
// one. A reader may use and leave entries as long as nothing has changed after its own version. The writer calls
// changed() before a version that differs can be seen, so an entry is never older than the newest change.
//
// Memory: 264 bytes a chunk, at most `bytes_max` (and at least room for 64), taken when it is first needed. Older
// entries of the same set go first. Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

namespace lora::graph {

class DegreeCache {
 public:
  static constexpr uint32_t kNodes = 64;  // of a topology chunk

  explicit DegreeCache(uint64_t bytes_max);
  ~DegreeCache();
  DegreeCache(const DegreeCache&) = delete;
  DegreeCache& operator=(const DegreeCache&) = delete;

  // Degree of the chunk's node `row` in the version with `stamp`. Nothing: not known.
  std::optional<uint32_t> find(uint64_t token, uint64_t index, uint32_t row, uint64_t stamp) const;
  // Would what a version with this stamp holds be kept? Not once it has changed since.
  bool accepts(uint64_t token, uint64_t index, uint64_t stamp) const;
  // What the version with `stamp` holds. Without memory nothing is kept.
  void insert(uint64_t token, uint64_t index, uint64_t stamp, const uint32_t* degrees);

  // The writer, before a version with `stamp` is published: a chunk, or all of them, are others from now on.
  void changed(uint64_t token, uint64_t index, uint64_t stamp);
  void changed_all(uint64_t stamp);
  // Forgets what is known.
  void clear();

  uint64_t bytes_max() const { return sets_max_ * kSetBytes; }
  uint64_t bytes() const {
    return table_.load(std::memory_order_relaxed) == nullptr
               ? 0
               : sets_max_ * sizeof(void*) + sets_made_.load(std::memory_order_relaxed) * sizeof(Set);
  }

 private:
  static constexpr uint32_t kWays = 4, kBuckets = 256;
  static constexpr uint64_t kNone = ~uint64_t{0};
  struct Entry {
    uint64_t token = kNone, index = 0;
    std::array<uint32_t, kNodes> degrees;
  };
  struct Set {
    std::mutex mutex;
    uint32_t next = 0;  // the entry that goes next
    std::array<Entry, kWays> entries;
    Entry* find(uint64_t token, uint64_t index);
  };
  static constexpr uint64_t kSetBytes = sizeof(Set) + sizeof(void*);

  std::atomic<uint64_t>& changed_at(uint64_t hash) const { return changed_[hash % kBuckets]; }
  // Null: none yet.
  std::atomic<Set*>* place(uint64_t hash) const;

  const uint64_t sets_max_;
  std::atomic<std::atomic<Set*>*> table_{nullptr};  // sets_max_ of them, made with the first entry
  std::atomic<uint64_t> sets_made_{0};
  mutable std::array<std::atomic<uint64_t>, kBuckets> changed_{};  // highest stamp of a change, by hash
};

}  // namespace lora::graph
