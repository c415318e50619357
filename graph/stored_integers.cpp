#include "graph/stored_integers.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

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

template <typename T>
void encode_integers(const RowBits& rows, const T* values, std::string* out) {
  int64_t least = std::numeric_limits<int64_t>::max(), greatest = std::numeric_limits<int64_t>::min();
  for_each_row(rows.words, [&](uint32_t row) {
    least = std::min(least, static_cast<int64_t>(values[row]));
    greatest = std::max(greatest, static_cast<int64_t>(values[row]));
  });
  const auto base = static_cast<uint64_t>(least);
  const auto bits = static_cast<size_t>(std::bit_width(static_cast<uint64_t>(greatest) - base));
  kv::encode_zigzag(out, least);
  kv::encode_u8(out, static_cast<uint8_t>(bits));
  const size_t before = out->size();
  out->resize(before + (rows.count() * bits + 7) / 8);
  char* to = out->data() + before;
  uint64_t open = 0;  // bits that do not fill a byte yet: so many
  size_t open_bits = 0;
  for_each_row(rows.words, [&](uint32_t row) {
    uint64_t distance = static_cast<uint64_t>(values[row]) - base;
    for (size_t left = bits; left > 0;) {
      const size_t taken = std::min<size_t>(left, 8 - open_bits);
      open |= (distance & ((uint64_t{1} << taken) - 1)) << open_bits;
      distance >>= taken;
      left -= taken;
      open_bits += taken;
      if (open_bits == 8) {
        *to++ = static_cast<char>(open);
        open = open_bits = 0;
      }
    }
  });
  if (open_bits != 0) *to = static_cast<char>(open);
}
template void encode_integers(const RowBits& rows, const int64_t* values, std::string* out);
template void encode_integers(const RowBits& rows, const uint64_t* values, std::string* out);

bool StoredIntegers::parse(kv::Decoder* in, size_t count, Packing packing) {
  int64_t base = 0;
  uint8_t width = 0;
  if (count == 0 || !in->zigzag(&base) || !in->u8(&width)) return false;
  if (packing == Packing::kBytes ? width > 8 || !std::has_single_bit(width) : width > 64) return false;
  base_ = static_cast<uint64_t>(base);
  bits_ = static_cast<uint8_t>(packing == Packing::kBytes ? width * 8 : width);
  return in->raw((count * bits_ + 7) / 8, &bytes_);
}

namespace {

uint64_t low_bits(size_t bits) {
  return bits == 0 ? 0 : ~uint64_t{0} >> (64 - bits);
}

uint64_t load_word(const char* from) {
  static_assert(std::endian::native == std::endian::little);
  uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// `bits` bits from bit `at` on; some of the word that they are in may be behind the bytes.
inline uint64_t bits_at(ByteView bytes, size_t at, size_t bits) {
  const size_t first = at / 8, shift = at % 8;
  constexpr size_t kWord = sizeof(uint64_t);
  const size_t there = bytes.size() - first;
  if (there > kWord) [[likely]] {
    uint64_t number = load_word(bytes.data() + first) >> shift;
    if (shift + bits > 64) number |= low_bytes(bytes.data() + first + kWord, 1) << (64 - shift);
    return number & low_bits(bits);
  }
  return low_bytes(bytes.data() + first, there) >> shift & low_bits(bits);
}

}  // namespace

int64_t StoredIntegers::at(size_t place) const {
  return static_cast<int64_t>(bits_ == 0 ? base_ : base_ + bits_at(bytes_, place * bits_, bits_));
}

template <typename T>
void StoredIntegers::spread(const RowBits& rows, T* out) const {
  const uint64_t base = base_;
  const size_t bits = bits_;
  if (bits == 0) {
    for_each_row(rows.words, [&](uint32_t row) { out[row] = static_cast<T>(base); });
    return;
  }
  // Of full blocks, those whose words lie within the bytes, in one go.
  size_t at = 0;
  constexpr size_t kNarrow = 57;  // with the bits before it in its first byte still within a word
  if (bits <= kNarrow && rows.count() == EntityBlock::kRows) {
    const uint64_t mask = low_bits(bits);
    const char* const bytes = bytes_.data();
    const size_t last = bytes_.size() * 8 - 64;  // there are more than 64 bits: 256 values
    uint32_t row = 0;
    for (; row < EntityBlock::kRows && at <= last; ++row, at += bits) {
      out[row] = static_cast<T>(base + (load_word(bytes + at / 8) >> (at % 8) & mask));
    }
    for (; row < EntityBlock::kRows; ++row, at += bits) out[row] = static_cast<T>(base + bits_at(bytes_, at, bits));
    return;
  }
  for_each_row(rows.words, [&](uint32_t row) {
    out[row] = static_cast<T>(base + bits_at(bytes_, at, bits));
    at += bits;
  });
}
template void StoredIntegers::spread(const RowBits& rows, int64_t* out) const;
template void StoredIntegers::spread(const RowBits& rows, uint64_t* out) const;

}  // namespace lora::graph
