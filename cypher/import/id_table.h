// Which node a CSV id means: ids are text, unique within a group.
//
// Memory: 21 to 43 bytes an id; 16 more and its bytes for one of more than 8 bytes. Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lora::cypher {

class IdTable {
 public:
  static constexpr uint64_t kNodesMax = (uint64_t{1} << 32) - 1;

  // False: the id is there already. Nodes are 0 to kNodesMax - 1; ids are shorter than 2^32 bytes.
  bool add(std::string_view id, uint32_t node);
  std::optional<uint32_t> find(std::string_view id) const;
  // It will be looked for soon: brings its place near, so that many lookups wait together.
  void expect(std::string_view id) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[home_of(word_of(id))]);
  }

 private:
  // A short id lies in its slot, so that looking it up touches one line of memory.
  struct Slot {
    uint64_t word = 0;    // the bytes of a short id, the hash of a long one
    uint32_t number = 0;  // 0: free; else 1 + the node of a short id, 1 + the entry of a long one
    uint32_t bytes = 0;   // of the id
  };
  struct LongId {
    uint64_t begin;
    uint32_t node;
  };
  static constexpr size_t kShortBytes = 8;

  static uint64_t word_of(std::string_view id);
  size_t home_of(uint64_t word) const;
  // The slot of the id, or the free one where it belongs.
  size_t slot_of(std::string_view id, uint64_t word) const;
  void grow();

  std::vector<Slot> slots_;  // a power of two, at most three quarters in use
  size_t used_ = 0;
  std::vector<LongId> long_ids_;
  std::string long_bytes_;
};

}  // namespace lora::cypher
