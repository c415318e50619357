// Which node a CSV id means: ids are text, unique within a group.
//
// Memory: 8 to 16 bytes an id beside its bytes. Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lora::tools {

class IdTable {
 public:
  // False: the id is there already. Nodes are 0 to 2^32 - 2.
  bool add(std::string_view id, uint32_t node);
  std::optional<uint32_t> find(std::string_view id) const;
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    uint64_t begin;
    uint32_t bytes;
    uint32_t node;
  };
  struct Slot {
    uint32_t entry = 0;  // its number + 1; 0: free
    uint32_t code = 0;   // upper half of the hash
  };
  // The slot of the id, or the free one where it belongs.
  size_t slot_of(std::string_view id, uint64_t hash) const;
  void grow();

  std::vector<Slot> slots_;  // a power of two, at most three quarters in use
  std::vector<Entry> entries_;
  std::string bytes_;
};

}  // namespace lora::tools
