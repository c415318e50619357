#include "graph/packed_ids.h"

#ifdef __SSSE3__
#include <tmmintrin.h>
#endif

namespace lora::graph {

namespace {

// As many as four at once are unpacked; answers how many. Reads up to four bytes behind the array.
size_t unpack_fours(PackedIds<3> ids, size_t count, uint64_t* out) {
#ifdef __SSSE3__
  const __m128i low = _mm_setr_epi8(0, 1, 2, -1, -1, -1, -1, -1, 3, 4, 5, -1, -1, -1, -1, -1);
  const __m128i high = _mm_setr_epi8(6, 7, 8, -1, -1, -1, -1, -1, 9, 10, 11, -1, -1, -1, -1, -1);
  static_assert(kPackedIdSlack >= 4);
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const __m128i four = _mm_loadu_si128(reinterpret_cast<const __m128i*>(ids.first + i * 3));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), _mm_shuffle_epi8(four, low));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i + 2), _mm_shuffle_epi8(four, high));
  }
  return i;
#else
  static_cast<void>(ids), static_cast<void>(count), static_cast<void>(out);
  return 0;
#endif
}
template <uint32_t kWidth>
size_t unpack_fours(PackedIds<kWidth>, size_t, uint64_t*) {
  return 0;
}

}  // namespace

void pack_ids(const uint64_t* ids, size_t count, uint32_t width, void* array) {
  char* const to = static_cast<char*>(array);
  // Whole words, each over the upper bytes of the one before, as long as they end within the array.
  size_t i = 0;
  for (; (i * width) + sizeof(uint64_t) <= count * width; ++i) std::memcpy(to + i * width, ids + i, sizeof(uint64_t));
  for (; i < count; ++i) put_packed_id(to, width, i, ids[i]);
}

void unpack_ids(const void* array, uint32_t width, size_t from, size_t count, uint64_t* out) {
  with_packed_ids(static_cast<const char*>(array) + from * width, width, [=](auto ids) {
    for (size_t i = unpack_fours(ids, count, out); i < count; ++i) out[i] = ids[i];
  });
}

}  // namespace lora::graph
