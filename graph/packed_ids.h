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

// ids[i] is packed_id(first, kWidth, i): for loops, where the compiler should know the width.
template <uint32_t kWidth>
struct PackedIds {
  const char* first;
  uint64_t operator[](size_t i) const {
    if constexpr (kWidth <= 4) {
      uint32_t word = 0;
      std::memcpy(&word, first + i * kWidth, kWidth == 3 ? 4 : kWidth);
      return kWidth == 3 ? word & 0xffffff : word;
    }
    return packed_id(first, kWidth, i);
  }
};

// f(PackedIds<width>) for an array of packed ids.
template <typename F>
decltype(auto) with_packed_ids(const void* array, uint32_t width, F&& f) {
  const auto* const first = static_cast<const char*>(array);
  switch (width) {
    case 1: return f(PackedIds<1>{first});
    case 2: return f(PackedIds<2>{first});
    case 3: return f(PackedIds<3>{first});
    case 4: return f(PackedIds<4>{first});
    case 5: return f(PackedIds<5>{first});
    case 6: return f(PackedIds<6>{first});
    case 7: return f(PackedIds<7>{first});
    default: return f(PackedIds<8>{first});
  }
}

// Writes `count` ids, which fit into `width` bytes, as an array; nothing behind it.
void pack_ids(const uint64_t* ids, size_t count, uint32_t width, void* array);

// ids[from .. from + count - 1] of an array, one after the other from *out on.
void unpack_ids(const void* array, uint32_t width, size_t from, size_t count, uint64_t* out);

}  // namespace lora::graph
