#include "kv/encode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace lora::kv {
namespace {

std::string hex(ByteView bytes) {
  static const char* digits = "0123456789ABCDEF";
  std::string text;
  for (const char c : bytes) {
    text += digits[static_cast<uint8_t>(c) >> 4];
    text += digits[static_cast<uint8_t>(c) & 15];
  }
  return text;
}

template <typename Encode>
std::string encoded(Encode&& encode) {
  std::string out;
  encode(&out);
  return out;
}

std::string random_bytes(std::mt19937_64& random) {
  // Few distinct bytes, so that shared prefixes and escapes are common.
  static const char alphabet[] = {'\x00', '\x01', 'a', '\xFE', '\xFF'};
  std::string bytes(random() % 6, '\0');
  for (char& c : bytes) {
    c = alphabet[random() % 5];
  }
  return bytes;
}

TEST(Encode, MatchesTheExamplesInTheHeader) {
  EXPECT_EQ(hex(encoded([](auto* o) { encode_u8(o, 7); })), "07");
  EXPECT_EQ(hex(encoded([](auto* o) { encode_u16(o, 258); })), "0102");
  EXPECT_EQ(hex(encoded([](auto* o) { encode_u32(o, 1); })), "00000001");
  EXPECT_EQ(hex(encoded([](auto* o) { encode_u64(o, 258); })), "0000000000000102");
  EXPECT_EQ(hex(encoded([](auto* o) { encode_i64(o, -1); })), "7FFFFFFFFFFFFFFF");
  EXPECT_EQ(hex(encoded([](auto* o) { encode_i64(o, 0); })), "8000000000000000");
  EXPECT_EQ(hex(encoded([](auto* o) { encode_f64(o, 1.0); })), "BFF0000000000000");
  EXPECT_EQ(hex(encoded([](auto* o) { encode_f64(o, -1.0); })), "400FFFFFFFFFFFFF");
  EXPECT_EQ(hex(encoded([](auto* o) { encode_bytes(o, "a"); })), "610000");
  EXPECT_EQ(hex(encoded([](auto* o) { encode_bytes(o, ByteView("a\0b", 3)); })), "6100FF620000");
  EXPECT_EQ(hex(encoded([](auto* o) { encode_bytes(o, ""); })), "0000");
  EXPECT_EQ(hex(encoded([](auto* o) { encode_fixed32(o, 258); })), "02010000");
  EXPECT_EQ(hex(encoded([](auto* o) { encode_varint(o, 300); })), "AC02");
  EXPECT_EQ(hex(encoded([](auto* o) { encode_zigzag(o, -2); })), "03");
  EXPECT_EQ(hex(encoded([](auto* o) { encode_sized(o, "ab"); })), "026162");
}

TEST(Encode, OrderOfIntegersIsKept) {
  std::mt19937_64 random(1);
  std::vector<int64_t> values = {std::numeric_limits<int64_t>::min(), -1, 0, 1, std::numeric_limits<int64_t>::max()};
  for (int i = 0; i < 200; ++i) {
    values.push_back(static_cast<int64_t>(random() >> (random() % 64)) * (random() % 2 == 0 ? 1 : -1));
  }
  for (const int64_t a : values) {
    const std::string code_a = encoded([&](auto* o) { encode_i64(o, a); });
    int64_t back = 0;
    ASSERT_TRUE(Decoder(code_a).i64(&back));
    EXPECT_EQ(back, a);
    for (const int64_t b : values) {
      EXPECT_EQ(code_a < encoded([&](auto* o) { encode_i64(o, b); }), a < b);
    }
  }
}

TEST(Encode, OrderOfDoublesIsKeptAndEveryBitComesBack) {
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> ascending = {-nan,
                                         -inf,
                                         std::numeric_limits<double>::lowest(),
                                         -2.5,
                                         -1.0,
                                         -1e-300,
                                         -std::numeric_limits<double>::denorm_min(),
                                         -0.0,
                                         0.0,
                                         std::numeric_limits<double>::denorm_min(),
                                         1e-300,
                                         1.0,
                                         2.5,
                                         std::numeric_limits<double>::max(),
                                         inf,
                                         nan};
  std::string before;
  for (const double value : ascending) {
    const std::string code = encoded([&](auto* o) { encode_f64(o, value); });
    EXPECT_LT(before, code);
    double back = 0;
    ASSERT_TRUE(Decoder(code).f64(&back));
    EXPECT_EQ(std::bit_cast<uint64_t>(back), std::bit_cast<uint64_t>(value));
    before = code;
  }
}

TEST(Encode, LeadingWordsHaveTheOrderOfTheirBytes) {
  EXPECT_EQ(leading_u64("ab"), 0x6162000000000000u);
  EXPECT_EQ(leading_u64("\xff\x01\x02\x03\x04\x05\x06\x07more"), 0xff01020304050607u);
  EXPECT_EQ(leading_u64(ByteView()), 0u);
  std::mt19937_64 random(5);
  std::vector<std::string> texts;
  for (int i = 0; i < 300; ++i) {
    std::string text(random() % 12, '\0');
    for (char& c : text) c = static_cast<char>(random() % 3 - 1);
    texts.push_back(text);
  }
  for (const std::string& a : texts) {
    for (const std::string& b : texts) {
      if (leading_u64(a) < leading_u64(b)) EXPECT_LT(a, b);
    }
  }
}

TEST(Encode, TuplesSortFieldByField) {
  std::mt19937_64 random(2);
  using Tuple = std::tuple<std::string, std::string, uint32_t>;
  std::vector<std::pair<Tuple, std::string>> made;
  for (int i = 0; i < 600; ++i) {
    Tuple tuple(random_bytes(random), random_bytes(random), static_cast<uint32_t>(random() % 3));
    std::string code;
    encode_bytes(&code, std::get<0>(tuple));
    encode_bytes(&code, std::get<1>(tuple));
    encode_u32(&code, std::get<2>(tuple));
    made.emplace_back(std::move(tuple), std::move(code));
  }
  // Strings compare as unsigned bytes, like std::string does.
  for (const auto& [tuple_a, code_a] : made) {
    for (const auto& [tuple_b, code_b] : made) {
      ASSERT_EQ(tuple_a < tuple_b, code_a < code_b) << hex(code_a) << " " << hex(code_b);
    }
  }
}

TEST(Encode, BytesComeBackAndLeaveTheRest) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 2000; ++i) {
    const std::string first = random_bytes(random);
    const std::string second = random_bytes(random);
    std::string code;
    encode_bytes(&code, first);
    encode_bytes(&code, second);
    code += "tail";
    Decoder in(code);
    std::string back;
    ASSERT_TRUE(in.bytes(&back));
    EXPECT_EQ(back, first);
    ASSERT_TRUE(in.bytes(&back));
    EXPECT_EQ(back, second);
    EXPECT_EQ(in.rest(), "tail");
  }
}

TEST(Encode, VarintsComeBackAndHaveTheirSize) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 5000; ++i) {
    const uint64_t value = i == 0 ? ~uint64_t{0} : random() >> (random() % 64);
    const std::string code = encoded([&](auto* o) { encode_varint(o, value); });
    EXPECT_EQ(code.size(), varint_size(value));
    uint64_t back = 0;
    Decoder in(code);
    ASSERT_TRUE(in.varint(&back));
    EXPECT_EQ(back, value);
    EXPECT_TRUE(in.done());
    const auto number = static_cast<int64_t>(value);
    int64_t signed_back = 0;
    const std::string signed_code = encoded([&](auto* o) { encode_zigzag(o, number); });
    ASSERT_TRUE(Decoder(signed_code).zigzag(&signed_back));
    EXPECT_EQ(signed_back, number);
  }
}

TEST(Encode, PrefixEndBoundsExactlyThePrefix) {
  EXPECT_EQ(prefix_end("ab"), "ac");
  EXPECT_EQ(prefix_end("a\xFF"), "b");
  EXPECT_EQ(prefix_end("\xFF\xFF"), "");
  EXPECT_EQ(prefix_end(""), "");
  std::mt19937_64 random(5);
  for (int i = 0; i < 3000; ++i) {
    const std::string prefix = random_bytes(random);
    const std::string key = random_bytes(random);
    const std::string end = prefix_end(prefix);
    EXPECT_EQ(key.starts_with(prefix), key >= prefix && (end.empty() || key < end));
  }
}

TEST(Decode, TruncatedInputIsRefusedAndTheDecoderStays) {
  uint64_t word = 0;
  std::string bytes;
  ByteView view;
  Decoder empty("");
  uint8_t byte = 0;
  EXPECT_FALSE(empty.u8(&byte));
  EXPECT_FALSE(empty.varint(&word));
  Decoder seven("1234567");
  EXPECT_FALSE(seven.u64(&word));
  EXPECT_EQ(seven.rest(), "1234567");
  Decoder unterminated(ByteView("a\0\xFF", 3));
  EXPECT_FALSE(unterminated.bytes(&bytes));
  EXPECT_EQ(unterminated.rest().size(), 3u);
  Decoder half_mark(ByteView("a\0", 2));
  EXPECT_FALSE(half_mark.bytes(&bytes));
  Decoder open_varint("\x80");
  EXPECT_FALSE(open_varint.varint(&word));
  EXPECT_EQ(open_varint.rest().size(), 1u);
  Decoder too_long(
      ByteView("\x05"
               "abc",
               4));
  EXPECT_FALSE(too_long.sized(&view));
  EXPECT_EQ(too_long.rest().size(), 4u);
}

TEST(Decode, CodesThatNoEncoderMakesAreRefused) {
  uint64_t word = 0;
  std::string bytes;
  EXPECT_FALSE(Decoder(ByteView("\x80\x00", 2)).varint(&word)) << "longer than needed";
  EXPECT_FALSE(Decoder("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02").varint(&word)) << "over 64 bits";
  EXPECT_FALSE(Decoder("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x80\x01").varint(&word)) << "eleven bytes";
  EXPECT_FALSE(Decoder(ByteView("a\0\x01", 3)).bytes(&bytes)) << "unknown escape";
}

}  // namespace
}  // namespace lora::kv
