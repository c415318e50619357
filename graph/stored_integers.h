// What columns and heads in the store have in common (layout.h): bits of a block's rows, and integers of such rows in
// as few bytes as their range needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "graph/cache/entity_block.h"
#include "kv/bytes.h"
#include "kv/encode.h"

namespace lora::graph {

inline constexpr size_t kRowWords = cache::EntityBlock::kRows / 64;

// A bit per row of a block.
struct RowBits {
  uint64_t words[kRowWords] = {};

  bool has(uint32_t row) const { return (words[row / 64] >> (row % 64) & 1) != 0; }
  void set(uint32_t row) { words[row / 64] |= uint64_t{1} << (row % 64); }
  size_t count() const;
  // How many rows below `row` are set.
  size_t place_of(uint32_t row) const;
  // The first set row at or after `row`; kRows: none.
  uint32_t next(uint32_t row) const;

  void encode(std::string* out) const;  // appends
  bool parse(kv::Decoder* in);
};

// How the distances from the least value lie in their bytes, one behind the other.
enum class Packing : uint8_t {
  kBytes,  // 1, 2, 4 or 8 each, little endian: columns of format version 2
  kBits,   // 0 to 64 each, from the lowest bit of the first byte on: nothing is left that a compressor would have to
           // find
};

// Appends `values` by row, of the rows that are set, at least one, in kBits: zigzag the least, u8 width, the distances.
template <typename T>  // int64_t or uint64_t
void encode_integers(const RowBits& rows, const T* values, std::string* out);

// Such integers, decoded. The bytes they were parsed from must stay.
class StoredIntegers {
 public:
  // So many of them. False: damaged.
  bool parse(kv::Decoder* in, size_t count, Packing packing);
  int64_t at(size_t place) const;
  // Into out[row], for each row that is set, one behind the other.
  template <typename T>
  void spread(const RowBits& rows, T* out) const;

 private:
  uint64_t base_ = 0;
  uint8_t bits_ = 0;
  ByteView bytes_;
};

// Little endian.
inline uint64_t low_bytes(const char* from, size_t width) {
  uint64_t number = 0;
  for (size_t i = 0; i < width; ++i) number |= uint64_t{static_cast<uint8_t>(from[i])} << (8 * i);
  return number;
}

}  // namespace lora::graph
