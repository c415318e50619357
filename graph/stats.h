// Statistics of indexes for the planner: entries (exact, as of the last commit) and distinct values (estimate).
//
// The estimate is a HyperLogLog sketch: 1 024 one-byte registers, standard error about 3.3 %. A sketch cannot forget:
// after deletions it is an upper estimate until the index is read anew. It is made when an index is built or its tree
// is loaded, and saved at checkpoint and close.
//
// Threads: DistinctSketch: one. IndexStatistics: any.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "graph/ids.h"
#include "kv/bytes.h"

namespace lora::graph {

class DistinctSketch {
 public:
  static constexpr uint32_t kBits = 10;
  static constexpr size_t kRegisters = size_t{1} << kBits;

  void add(ByteView value);
  uint64_t estimate() const;
  ByteView bytes() const { return {reinterpret_cast<const char*>(registers_.data()), registers_.size()}; }
  // False for bytes that are no sketch.
  bool assign(ByteView bytes);

 private:
  std::array<uint8_t, kRegisters> registers_{};
};

class IndexStatistics {
 public:
  uint64_t entries(IndexId index) const;
  uint64_t distinct(IndexId index) const;  // 0: unknown; never more than entries()
  void set_entries(IndexId index, uint64_t entries);
  // Replaces the sketch.
  void set_sketch(IndexId index, const DistinctSketch& sketch, bool saved);
  bool has_sketch(IndexId index) const;
  // Values that a commit has added.
  void add(IndexId index, const std::vector<ByteView>& values);
  // Notes that `index` is about to be asked for about `rows` entries while its tree is not in memory. True when reading
  // the whole index into a tree has become cheaper than going on asking the store: then the count starts anew.
  bool tree_pays(IndexId index, uint64_t rows);
  void forget(IndexId index);
  void clear();
  struct Saved {
    IndexId index;
    DistinctSketch sketch;
  };
  // Sketches that have changed since they were last taken for saving.
  std::vector<Saved> take_unsaved();

 private:
  struct Entry {
    uint64_t entries = 0;
    uint64_t asked = 0;  // what the store's answers have cost since the tree was last built, in entries read
    std::unique_ptr<DistinctSketch> sketch;
    bool unsaved = false;
  };
  mutable std::mutex mutex_;
  std::map<uint32_t, Entry> entries_;
};

}  // namespace lora::graph
