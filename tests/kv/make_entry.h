// Entries as RocksDB's memtables hold them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace lora::tests {

using EntryKey = std::pair<std::string, uint64_t>;  // user key; sequence number << 8 | type

inline std::string internal_key(const EntryKey& key) {
  std::string out = key.first;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(key.second >> (8 * i));
  return out;
}

inline std::string make_entry(const EntryKey& key) {
  const std::string internal = internal_key(key);
  std::string out;
  size_t size = internal.size();
  for (; size >= 0x80; size >>= 7) out += static_cast<char>(size | 0x80);
  out += static_cast<char>(size);
  return out + internal + "value";
}

}  // namespace lora::tests
