// Arrays of ids in as many bytes as the largest one needs: 1 to 8 each, little-endian, without gaps.
//
// An id is read as the eight bytes from its first one on, so an array has kPackedIdSlack readable bytes behind it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace lora::graph {

static_assert(std::endian::native == std::endian::little);

inline constexpr size_t kPackedIdSlack = 7;

// Bytes that hold `bits`, the OR of all ids of an array.
inline uint8_t packed_id_width(uint64_t bits) {
  return static_cast<uint8_t>((std::bit_width(bits | 1) + 7) / 8);
}

inline uint64_t packed_id(const void* array, uint32_t width, size_t i) {
  uint64_t word;
  std::memcpy(&word, static_cast<const char*>(array) + i * width, sizeof word);
  return word & ~uint64_t{0} >> (64 - 8 * width);
}

// The id fits into `width` bytes.
inline void put_packed_id(void* array, uint32_t width, size_t i, uint64_t id) {
  char* const to = static_cast<char*>(array) + i * width;
  switch (width) {  // the usual ones without a call
    case 2: std::memcpy(to, &id, 2); break;
    case 3: std::memcpy(to, &id, 2), std::memcpy(to + 2, reinterpret_cast<const char*>(&id) + 2, 1); break;
    case 4: std::memcpy(to, &id, 4); break;
    default: std::memcpy(to, &id, width);
  }
}

}  // namespace lora::graph
