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

void unpack_ids(const void* array, uint32_t width, size_t from, size_t count, uint64_t* out) {
  with_packed_ids(static_cast<const char*>(array) + from * width, width, [=](auto ids) {
    for (size_t i = unpack_fours(ids, count, out); i < count; ++i) out[i] = ids[i];
  });
}

}  // namespace lora::graph
