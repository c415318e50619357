#include "graph/stored_integers.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <type_traits>

namespace lora::graph {

using cache::EntityBlock;
using cache::for_each_row;

size_t RowBits::count() const {
  size_t count = 0;
  for (const uint64_t word : words) count += static_cast<size_t>(std::popcount(word));
  return count;
}

size_t RowBits::place_of(uint32_t row) const {
  size_t place = 0;
  for (size_t w = 0; w < row / 64; ++w) place += static_cast<size_t>(std::popcount(words[w]));
  return place + static_cast<size_t>(std::popcount(words[row / 64] & ((uint64_t{1} << (row % 64)) - 1)));
}

uint32_t RowBits::next(uint32_t row) const {
  for (; row < EntityBlock::kRows; row = (row / 64 + 1) * 64) {
    const uint64_t word = words[row / 64] >> (row % 64);
    if (word != 0) return row + static_cast<uint32_t>(std::countr_zero(word));
  }
  return EntityBlock::kRows;
}

void RowBits::encode(std::string* out) const {
  for (const uint64_t word : words) kv::encode_fixed64(out, word);
}

bool RowBits::parse(kv::Decoder* in) {
  for (uint64_t& word : words) {
    if (!in->fixed64(&word)) return false;
  }
  return true;
}

namespace {

char* store_low_bytes(uint64_t number, size_t width, char* to) {
  for (size_t i = 0; i < width; ++i) *to++ = static_cast<char>(number >> (8 * i));
  return to;
}

}  // namespace

template <typename T>
void encode_integers(const RowBits& rows, const T* values, Widths widths, std::string* out) {
  int64_t least = std::numeric_limits<int64_t>::max(), greatest = std::numeric_limits<int64_t>::min();
  for_each_row(rows.words, [&](uint32_t row) {
    least = std::min(least, static_cast<int64_t>(values[row]));
    greatest = std::max(greatest, static_cast<int64_t>(values[row]));
  });
  const auto base = static_cast<uint64_t>(least);
  const uint64_t span = static_cast<uint64_t>(greatest) - base;
  size_t width = std::max<size_t>(1, (static_cast<size_t>(std::bit_width(span)) + 7) / 8);
  if (widths == Widths::kPowersOfTwo) width = std::bit_ceil(width);
  kv::encode_zigzag(out, least);
  kv::encode_u8(out, static_cast<uint8_t>(width));
  const size_t before = out->size();
  out->resize(before + rows.count() * width);
  char* to = out->data() + before;
  for_each_row(rows.words,
               [&](uint32_t row) { to = store_low_bytes(static_cast<uint64_t>(values[row]) - base, width, to); });
}
template void encode_integers(const RowBits& rows, const int64_t* values, Widths widths, std::string* out);
template void encode_integers(const RowBits& rows, const uint64_t* values, Widths widths, std::string* out);

bool StoredIntegers::parse(kv::Decoder* in, size_t count, Widths widths) {
  return count != 0 && in->zigzag(&base_) && in->u8(&width_) && width_ != 0 && width_ <= 8 &&
         (widths == Widths::kAny || std::has_single_bit(width_)) && in->raw(count * width_, &bytes_);
}

int64_t StoredIntegers::at(size_t place) const {
  return static_cast<int64_t>(static_cast<uint64_t>(base_) + low_bytes(bytes_.data() + place * width_, width_));
}

template <typename T>
void StoredIntegers::spread(const RowBits& rows, T* out) const {
  const auto with = [&](auto width) {
    constexpr size_t kWidth = decltype(width)::value;
    const char* from = bytes_.data();
    for_each_row(rows.words, [&](uint32_t row) {
      out[row] = static_cast<T>(static_cast<uint64_t>(base_) + low_bytes(from, kWidth));
      from += kWidth;
    });
  };
  switch (width_) {
    case 1: return with(std::integral_constant<size_t, 1>());
    case 2: return with(std::integral_constant<size_t, 2>());
    case 3: return with(std::integral_constant<size_t, 3>());
    case 4: return with(std::integral_constant<size_t, 4>());
    case 5: return with(std::integral_constant<size_t, 5>());
    case 6: return with(std::integral_constant<size_t, 6>());
    case 7: return with(std::integral_constant<size_t, 7>());
    default: return with(std::integral_constant<size_t, 8>());
  }
}
template void StoredIntegers::spread(const RowBits& rows, int64_t* out) const;
template void StoredIntegers::spread(const RowBits& rows, uint64_t* out) const;

}  // namespace lora::graph
