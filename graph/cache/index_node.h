// IndexNode: one node of an IndexTree. For the files of this folder only.
//
// One piece of memory: header, heads, entries, children (inner nodes only), key bytes. All keys of a node begin with
// the same `skip` bytes (at most eight: they are kept in `prefix`), and `heads[i]` is the eight bytes of key i behind
// them as a big-endian number, missing bytes zero: comparing heads decides unless they are equal, and they seldom are.
// An inner node's key i is a lower bound of what is below child i; key 0 counts as below everything.
#pragma once

#include <cstdint>
#include <cstring>

#include "graph/cache/object.h"
#include "kv/bytes.h"
#include "kv/encode.h"

namespace lora::graph::cache {

struct IndexNode : Object {
  static constexpr uint32_t kEntries = 64;
  struct Entry {
    uint32_t offset, length;
  };
  uint8_t level = 0;  // 0: leaf
  uint8_t skip = 0;   // not always as long as it could be
  uint16_t count = 0;
  uint32_t arena_used = 0;  // bytes of the arena in use, garbage included
  uint32_t arena_live = 0;  // bytes that entries point to
  uint32_t arena_capacity = 0;
  uint64_t prefix = 0;  // as word_at(), zeros behind the first `skip` bytes
  uint64_t heads[kEntries];
  Entry entries[kEntries];

  explicit IndexNode(uint8_t l) : Object(ObjectKind::kIndexNode), level(l) {}
  Object** children() { return reinterpret_cast<Object**>(this + 1); }
  Object* const* children() const { return reinterpret_cast<Object* const*>(this + 1); }
  IndexNode* child(uint32_t i) const { return static_cast<IndexNode*>(children()[i]); }
  char* arena() { return reinterpret_cast<char*>(this + 1) + (level > 0 ? kEntries * sizeof(Object*) : 0); }
  const char* arena() const { return const_cast<IndexNode*>(this)->arena(); }
  ByteView key(uint32_t i) const { return {arena() + entries[i].offset, entries[i].length}; }

  uint64_t head_of(ByteView key) const { return word_at(key, skip); }
  // The first `bytes` bytes of a word.
  static uint64_t mask(uint32_t bytes) { return bytes == 0 ? 0 : ~uint64_t{0} << (64 - bytes * 8); }
  // Eight bytes of the key from `from` on, big-endian; zeros where it has ended.
  static uint64_t word_at(ByteView key, size_t from) {
    return kv::leading_u64(from < key.size() ? key.substr(from) : ByteView());
  }
};

// A key that is searched for: its first sixteen bytes, zeros behind, at a fixed place, so that words of it are loads.
struct SearchKey {
  ByteView key;
  char bytes[16] = {};

  SearchKey() = default;
  explicit SearchKey(ByteView k) : key(k) { std::memcpy(bytes, k.data(), k.size() < 16 ? k.size() : 16); }
  size_t size() const { return key.size(); }
  uint64_t word_at(size_t from) const { return kv::load_u64(bytes + from); }  // from <= 8
};

}  // namespace lora::graph::cache
