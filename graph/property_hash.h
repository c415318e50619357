// PropertyHashes: which nodes may have a value under a key, for equality filters on properties without an index.
//
// A filter that scans for `n.key = value` again and again pays for a hash over the whole column after a few times. The
// hash is made for such a key by itself, in memory only, and is not versioned: it only ever gains entries. What it
// gives are candidates, a superset of the nodes with that value in any version since it was begun; who asks compares
// them with the values of the version it reads. So a value that was changed, or written by a transaction that rolled
// back, costs a comparison and nothing else.
//
// Complete for a version: a table is begun while no transaction is open and the last commit is published (`version`);
// from then on every write of a node's property under the key is added by the writer, and what was there before by
// whoever builds it. Readers of older versions get no answer and scan.
//
// A column of few values is not worth it: a table with a long run of equal hashes is given up, and its key is not tried
// again until clear().
//
// Memory: 12 bytes a slot, at most 7/10 full, all tables together at most `bytes_max`; the oldest go first.
// Threads: any. Readers share a lock, held for the length of one lookup.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <shared_mutex>
#include <span>
#include <vector>

#include "graph/ids.h"
#include "graph/value.h"

namespace lora::graph {

class PropertyHashes {
 public:
  explicit PropertyHashes(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  // Appends the ids of nodes that may have `value` under `key` in `version`, ascending, each once. False: no table.
  bool candidates(uint64_t version, KeyId key, const Value& value, std::vector<uint64_t>* ids) const;

  // A scan of `nodes` nodes for a value of `key` is about to happen. True: make a table (begin, fill, finish) now.
  bool scan_pays(KeyId key, uint64_t nodes);
  // The caller holds the writer and `version` is both the last commit and published. Gives the table's number; 0:
  // someone else builds one, or there is no room. From here on add() is wanted.
  uint64_t begin(uint64_t version, KeyId key, uint64_t nodes);
  // What `version` holds, in any order and any pieces. values[i] is that of ids[i]. False: given up.
  bool fill(KeyId key, uint64_t number, std::span<const uint64_t> ids, std::span<const Value> values);
  void finish(KeyId key, uint64_t number);  // candidates() answers from now on
  void drop(KeyId key, uint64_t number);

  // The writer sets `key` of node `id`.
  bool wanted() const { return tables_count_.load(std::memory_order_relaxed) != 0; }
  void add(KeyId key, const Value& value, uint64_t id);

  // Keys have other meanings from now on, or all nodes are gone.
  void clear();
  uint64_t bytes_max() const { return bytes_max_; }
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Table {
    uint64_t version = 0;
    bool ready = false;
    uint64_t number = 0;  // ascending with age
    size_t count = 0;
    size_t filled = 0;  // count when it was finished
    std::vector<uint64_t> ids;
    std::vector<uint32_t> hashes;
  };
  struct Scans {
    uint32_t count = 0;
    bool refused = false;
    Clock::time_point last;
  };

  // False: a run too long, or no room to grow.
  bool insert(Table& table, uint32_t hash, uint64_t id);
  void resize(Table& table, size_t slots);
  std::map<uint32_t, Table>::iterator find(KeyId key, uint64_t number);
  void erase(std::map<uint32_t, Table>::iterator table);

  const uint64_t bytes_max_;
  mutable std::shared_mutex mutex_;
  std::map<uint32_t, Table> tables_;
  std::map<uint32_t, Scans> scans_;
  uint64_t last_number_ = 0;
  std::atomic<uint32_t> tables_count_{0};
  std::atomic<uint64_t> bytes_{0};
};

}  // namespace lora::graph
