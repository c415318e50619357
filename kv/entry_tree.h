// EntryTree: the entries of one memtable in order: a B+-tree for one writer and any number of readers.
//
// An entry is a memtable's (RocksDB, MemTable::Add; the layout is part of its interface):
//   varint32 length of the internal key | user key | 8 bytes little endian: sequence number << 8 | type | anything
// Order: user keys by their bytes, unsigned; then the larger of the last 8 bytes first (the newest version).
//
// Against RocksDB's skip list: every place of a node holds the first 16 bytes of its user key, so a search touches
// three or four nodes and hardly any entry, where a skip list follows a pointer into another entry for each of some
// twenty comparisons.
//
// Entries are never removed and outlive the tree, which owns its nodes alone.
// Threads: insert() and freeze() by one thread at a time; the rest from any thread beside it, each into a Run of its
// own. Readers take a spin lock for one search; after freeze() none.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kv/spin_lock.h"

namespace lora::kv {

class EntryTree {
 public:
  static constexpr int kPlaces = 64;

  EntryTree() = default;
  ~EntryTree();
  EntryTree(const EntryTree&) = delete;
  EntryTree& operator=(const EntryTree&) = delete;

  // Where a search goes to: an internal key.
  struct Target {
    uint64_t high = 0;  // first bytes of the user key, big endian, zeros behind its end
    uint64_t low = 0;
    std::string_view user_key;
    uint64_t version = 0;  // the last 8 bytes

    static Target of_internal_key(std::string_view internal_key);  // at least 8 bytes
    static Target of_entry(const char* entry);
  };

  // Neighbours in the tree, copied so that a step needs no lock. Entries inserted later may be missing between them: a
  // reader's snapshot does not show those.
  struct Run {
    std::array<const char*, kPlaces> entries;
    int count = 0;  // 0: there is none
  };

  enum class Bound : uint8_t { kInclusive, kExclusive };

  // No entry of the same internal key is in the tree. Throws std::bad_alloc; the tree is then as it was.
  void insert(const char* entry);
  // No insert() follows.
  void freeze() { frozen_.store(true, std::memory_order_release); }

  // The first entry at (kInclusive) or behind the target, and some that follow it.
  void ascend(const Target& from, Bound bound, Run* run) const;
  // The last entry at (kInclusive) or before the target, as the last of `run`, and some before it.
  void descend(const Target& from, Bound bound, Run* run) const;
  void first(Run* run) const;
  void last(Run* run) const;

  bool empty() const { return bytes() == 0; }
  size_t bytes() const { return bytes_.load(std::memory_order_acquire); }  // of all nodes

 private:
  struct Node;
  struct Leaf;
  struct Inner;
  class Reading;

  static bool before(const Node& node, int place, const Target& target, bool or_equal);
  static int rank(const Node& node, int from, const Target& target, bool or_equal);
  const Leaf* leaf_of(const Target& target, bool or_equal) const;
  static void copy(const Node& leaf, int from, int to, Run* run);
  static void free(Node* node);
  template <typename NodeOfKind>
  NodeOfKind* make();
  void split(Inner* parent, int child);

  mutable SpinLock lock_;
  std::atomic<bool> frozen_{false};
  std::atomic<size_t> bytes_{0};
  Node* root_ = nullptr;
};

}  // namespace lora::kv
