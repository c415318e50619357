// IndexNode: one node of an IndexTree. For the files of this folder only.
//
// One piece of memory: header, heads, entries, children (inner nodes only), key bytes. `heads[i]` is the first eight
// bytes of key i as a big-endian number, missing bytes zero: comparing heads decides unless they are equal.
// An inner node's key i is a lower bound of what is below child i; key 0 counts as below everything.
#pragma once

#include <cstdint>
#include <cstring>

#include "graph/cache/object.h"
#include "kv/bytes.h"

namespace lora::graph::cache {

struct IndexNode : Object {
  static constexpr uint32_t kEntries = 64;
  struct Entry {
    uint32_t offset, length;
  };
  uint8_t level = 0;  // 0: leaf
  uint16_t count = 0;
  uint32_t arena_used = 0;  // bytes of the arena in use, garbage included
  uint32_t arena_live = 0;  // bytes that entries point to
  uint32_t arena_capacity = 0;
  uint64_t heads[kEntries];
  Entry entries[kEntries];

  explicit IndexNode(uint8_t l) : Object(ObjectKind::kIndexNode), level(l) {}
  Object** children() { return reinterpret_cast<Object**>(this + 1); }
  Object* const* children() const { return reinterpret_cast<Object* const*>(this + 1); }
  IndexNode* child(uint32_t i) const { return static_cast<IndexNode*>(children()[i]); }
  char* arena() { return reinterpret_cast<char*>(this + 1) + (level > 0 ? kEntries * sizeof(Object*) : 0); }
  const char* arena() const { return const_cast<IndexNode*>(this)->arena(); }
  ByteView key(uint32_t i) const { return {arena() + entries[i].offset, entries[i].length}; }

  static uint64_t head_of(ByteView key) {
    unsigned char bytes[8] = {};
    std::memcpy(bytes, key.data(), key.size() < 8 ? key.size() : 8);
    uint64_t head;
    std::memcpy(&head, bytes, 8);
    return __builtin_bswap64(head);  // little-endian machines; see the static_assert in index_tree.cpp
  }
};

}  // namespace lora::graph::cache
