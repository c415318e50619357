// Byte codes for keys and values.
//
// Ordered codes: comparing two encodings as unsigned bytes gives the order of the values, and no encoding of a field
// is a proper prefix of another one of the same kind, so concatenated fields sort like tuples (field by field).
//
//   kind    bytes                                            example -> bytes (hex)
//   u8      1                                                7 -> 07
//   u16     2, big endian                                    258 -> 01 02
//   u32     4, big endian                                    1 -> 00 00 00 01
//   u64     8, big endian                                    258 -> 00 00 00 00 00 00 01 02
//   i64     8, big endian with the sign bit flipped          -1 -> 7F FF FF FF FF FF FF FF ; 0 -> 80 00 .. 00
//   f64     8, IEEE bits; sign clear: sign bit flipped,      1.0 -> BF F0 00 00 00 00 00 00
//           sign set: all bits flipped                       -1.0 -> 40 0F FF FF FF FF FF FF
//   bytes   each 00 becomes 00 FF, then 00 00                "a" -> 61 00 00 ; "a\0b" -> 61 00 FF 62 00 00 ; "" -> 00
//   00
//
//   f64 order: -NaN < -inf < ... < -0.0 < +0.0 < ... < +inf < +NaN. The code is exact (every bit pattern comes back);
//   whoever wants 0.0 and -0.0 or all NaN as one key makes them equal first.
//   bytes order: at the first difference a shorter string has its 00 00 against 00 FF or against a byte >= 01.
//
// Unordered codes, for values:
//
//   fixed   u32, u64, little endian                          258 as u32 -> 02 01 00 00
//   varint  7 bits a byte, low first, high bit = more        300 -> AC 02 ; 0 -> 00 ; at most 10 bytes, shortest form
//   only zigzag  varint of (v << 1) ^ (v >> 63)                   -1 -> 01 ; 1 -> 02 ; -2 -> 03 sized   varint length,
//   then the bytes                    "ab" -> 02 61 62
//
// Decoding never reads past its input and never trusts it: every method returns false on bytes that no encoder makes,
// and then leaves the position where it was.
// Threads: free functions; a Decoder belongs to one thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "kv/bytes.h"

namespace lora::kv {

static_assert(std::endian::native == std::endian::little, "words are swapped");

inline constexpr size_t kVarintBytesMax = 10;

// Big-endian words at a place the caller has made; `to` and `from` need no alignment.
inline void store_u16(char* to, uint16_t value) {
  value = __builtin_bswap16(value);
  std::memcpy(to, &value, sizeof(value));
}
inline void store_u32(char* to, uint32_t value) {
  value = __builtin_bswap32(value);
  std::memcpy(to, &value, sizeof(value));
}
inline void store_u64(char* to, uint64_t value) {
  value = __builtin_bswap64(value);
  std::memcpy(to, &value, sizeof(value));
}
inline uint16_t load_u16(const char* from) {
  uint16_t value;
  std::memcpy(&value, from, sizeof(value));
  return __builtin_bswap16(value);
}
inline uint32_t load_u32(const char* from) {
  uint32_t value;
  std::memcpy(&value, from, sizeof(value));
  return __builtin_bswap32(value);
}
inline uint64_t load_u64(const char* from) {
  uint64_t value;
  std::memcpy(&value, from, sizeof(value));
  return __builtin_bswap64(value);
}

// The first eight bytes as a big-endian word, zeros where there are no more: of two byte strings the one with the
// smaller word comes first, and equal words decide nothing.
inline uint64_t leading_u64(ByteView bytes) {
  char word[8] = {};
  if (!bytes.empty()) std::memcpy(word, bytes.data(), bytes.size() < 8 ? bytes.size() : 8);
  return load_u64(word);
}

// The order-preserving images of signed integers and doubles as unsigned words, and back.
inline uint64_t ordered_from_i64(int64_t value) {
  return static_cast<uint64_t>(value) ^ (uint64_t{1} << 63);
}
inline int64_t i64_from_ordered(uint64_t word) {
  return static_cast<int64_t>(word ^ (uint64_t{1} << 63));
}
inline uint64_t ordered_from_f64(double value) {
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  return (bits >> 63) != 0 ? ~bits : bits ^ (uint64_t{1} << 63);
}
inline double f64_from_ordered(uint64_t word) {
  return std::bit_cast<double>((word >> 63) != 0 ? word ^ (uint64_t{1} << 63) : ~word);
}

// Each appends to *out.
inline void encode_u8(std::string* out, uint8_t value) {
  out->push_back(static_cast<char>(value));
}
inline void encode_u16(std::string* out, uint16_t value) {
  char bytes[2];
  store_u16(bytes, value);
  out->append(bytes, sizeof(bytes));
}
inline void encode_u32(std::string* out, uint32_t value) {
  char bytes[4];
  store_u32(bytes, value);
  out->append(bytes, sizeof(bytes));
}
inline void encode_u64(std::string* out, uint64_t value) {
  char bytes[8];
  store_u64(bytes, value);
  out->append(bytes, sizeof(bytes));
}
inline void encode_i64(std::string* out, int64_t value) {
  encode_u64(out, ordered_from_i64(value));
}
inline void encode_f64(std::string* out, double value) {
  encode_u64(out, ordered_from_f64(value));
}
void encode_bytes(std::string* out, ByteView value);

void encode_fixed32(std::string* out, uint32_t value);
void encode_fixed64(std::string* out, uint64_t value);
void encode_varint(std::string* out, uint64_t value);
inline void encode_zigzag(std::string* out, int64_t value) {
  encode_varint(out, (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
}
void encode_sized(std::string* out, ByteView value);

// Writes at `to`, which has room for kVarintBytesMax bytes; returns the byte after the last one written.
inline char* store_varint(char* to, uint64_t value) {
  while (value >= 0x80) {
    *to++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *to++ = static_cast<char>(value);
  return to;
}
constexpr size_t varint_size(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7;
}

// The smallest byte string greater than every string that starts with `prefix`: the exclusive upper bound of a prefix
// scan. Empty when there is none (the prefix is empty or all FF), which CursorOptions reads as "to the end".
std::string prefix_end(ByteView prefix);

// Reads codes from the front of a view it does not own.
class Decoder {
 public:
  explicit Decoder(ByteView input) : at_(input.data()), end_(input.data() + input.size()) {}

  bool u8(uint8_t* value) {
    if (at_ == end_) {
      return false;
    }
    *value = static_cast<uint8_t>(*at_++);
    return true;
  }
  bool u16(uint16_t* value) {
    return word<2>([&] { *value = load_u16(at_); });
  }
  bool u32(uint32_t* value) {
    return word<4>([&] { *value = load_u32(at_); });
  }
  bool u64(uint64_t* value) {
    return word<8>([&] { *value = load_u64(at_); });
  }
  bool i64(int64_t* value) {
    return word<8>([&] { *value = i64_from_ordered(load_u64(at_)); });
  }
  bool f64(double* value) {
    return word<8>([&] { *value = f64_from_ordered(load_u64(at_)); });
  }
  // Replaces *value (keeps its capacity); on failure *value is unspecified.
  bool bytes(std::string* value);

  bool fixed32(uint32_t* value) {
    return word<4>([&] { *value = __builtin_bswap32(load_u32(at_)); });
  }
  bool fixed64(uint64_t* value) {
    return word<8>([&] { *value = __builtin_bswap64(load_u64(at_)); });
  }
  bool varint(uint64_t* value) {
    if (at_ != end_ && static_cast<uint8_t>(*at_) < 0x80) [[likely]] {
      *value = static_cast<uint8_t>(*at_++);
      return true;
    }
    return long_varint(value);
  }
  bool zigzag(int64_t* value) {
    uint64_t word = 0;
    if (!varint(&word)) {
      return false;
    }
    *value = static_cast<int64_t>((word >> 1) ^ (~(word & 1) + 1));
    return true;
  }
  // *value is a view into the input.
  bool sized(ByteView* value);
  // The next `count` bytes as a view into the input.
  bool raw(size_t count, ByteView* value);

  ByteView rest() const { return {at_, static_cast<size_t>(end_ - at_)}; }
  bool done() const { return at_ == end_; }

 private:
  template <size_t kBytes, typename Load>
  bool word(Load&& load) {
    if (static_cast<size_t>(end_ - at_) < kBytes) {
      return false;
    }
    load();
    at_ += kBytes;
    return true;
  }
  bool long_varint(uint64_t* value);

  const char* at_;
  const char* end_;
};

}  // namespace lora::kv
