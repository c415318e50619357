// IndexNode: one node of an IndexTree. For the files of this folder only.
//
// One piece of memory: header, heads, ends, children (inner nodes only), tails. All keys of a node begin with the same
// `skip` bytes (at most eight: `prefix`), `heads[i]` is the eight bytes of key i behind them as a big-endian number,
// missing bytes zero, and its tail is what follows those: nothing in many an index. No byte is kept twice. Comparing
// heads decides unless they are equal, and they seldom are. Tails lie in the order of their keys without gaps.
// An inner node's key i is a lower bound of what is below child i; key 0 counts as below everything.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "graph/cache/object.h"
#include "kv/bytes.h"
#include "kv/encode.h"

namespace lora::graph::cache {

// A key that is searched for: its first sixteen bytes, zeros behind, at a fixed place, so that words of it are loads.
struct SearchKey {
  ByteView key;
  char bytes[16] = {};

  SearchKey() = default;
  explicit SearchKey(ByteView k) : key(k) { std::memcpy(bytes, k.data(), k.size() < 16 ? k.size() : 16); }
  size_t size() const { return key.size(); }
  uint64_t word_at(size_t from) const { return kv::load_u64(bytes + from); }  // from <= 8
};

struct IndexNode : Object {
  static constexpr uint32_t kEntries = 64;
  static constexpr uint32_t kSkipMax = 8;

  uint8_t level = 0;  // 0: leaf
  uint8_t skip = 0;   // not always as long as it could be
  uint16_t count = 0;
  uint32_t tails_capacity = 0;  // bytes
  uint64_t prefix = 0;          // as word_at(), zeros behind the first `skip` bytes
  uint64_t heads[kEntries];
  uint32_t ends[kEntries];  // where tail i ends, times 16, plus how many of the eight bytes of its head key i lacks

  explicit IndexNode(uint8_t l) : Object(ObjectKind::kIndexNode), level(l) {}
  Object** children() { return reinterpret_cast<Object**>(this + 1); }
  Object* const* children() const { return reinterpret_cast<Object* const*>(this + 1); }
  IndexNode* child(uint32_t i) const { return static_cast<IndexNode*>(children()[i]); }
  char* tails() { return reinterpret_cast<char*>(this + 1) + (level > 0 ? kEntries * sizeof(Object*) : 0); }
  const char* tails() const { return const_cast<IndexNode*>(this)->tails(); }

  uint32_t tail_end(uint32_t i) const { return ends[i] >> 4; }
  uint32_t tail_begin(uint32_t i) const { return i == 0 ? 0 : tail_end(i - 1); }
  uint32_t tails_used() const { return tail_begin(count); }
  ByteView tail(uint32_t i) const { return {tails() + tail_begin(i), tail_end(i) - tail_begin(i)}; }
  uint32_t head_size(uint32_t i) const { return 8 - (ends[i] & 15); }
  size_t key_size(uint32_t i) const { return size_t{skip} + head_size(i) + tail_end(i) - tail_begin(i); }
  void append_key(uint32_t i, std::string* out) const {
    char bytes[16];
    kv::store_u64(bytes, prefix);
    kv::store_u64(bytes + skip, heads[i]);
    out->append(bytes, skip + head_size(i)).append(tail(i));
  }

  // What of a key that begins with the prefix is its tail.
  ByteView tail_of(ByteView key) const { return key.substr(std::min(key.size(), size_t{skip} + 8)); }
  // Does the key begin with the prefix?
  bool fits(ByteView key) const { return key.size() >= skip && ((word_at(key, 0) ^ prefix) & mask(skip)) == 0; }
  // The first `bytes` bytes of a word.
  static uint64_t mask(uint32_t bytes) { return bytes == 0 ? 0 : ~uint64_t{0} << (64 - bytes * 8); }
  // Eight bytes of the key from `from` on, big-endian; zeros where it has ended.
  static uint64_t word_at(ByteView key, size_t from) {
    return kv::leading_u64(from < key.size() ? key.substr(from) : ByteView());
  }
};

}  // namespace lora::graph::cache
