#include "graph/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "tests/support/random_values.h"

namespace lora {
namespace {

using test::nested_list;
using test::RandomValues;
using test::test_seed;

std::string float_text(double value) {
  std::string text;
  append_float(&text, value);
  return text;
}
std::string literal(const Value& value) {
  const auto text = to_literal(value);
  return text.ok() ? *text : text.status().to_string();
}

TEST(TextTest, FloatsHaveAPointAndFewDigits) {
  EXPECT_EQ(float_text(1.0), "1.0");
  EXPECT_EQ(float_text(-0.0), "-0.0");
  EXPECT_EQ(float_text(0.1), "0.1");
  EXPECT_EQ(float_text(2.3), "2.3");
  EXPECT_EQ(float_text(100), "100.0");
  EXPECT_EQ(float_text(9'999'999), "9999999.0");
  EXPECT_EQ(float_text(1e7), "1.0E7");
  EXPECT_EQ(float_text(1.5e10), "1.5E10");
  EXPECT_EQ(float_text(0.001), "0.001");
  EXPECT_EQ(float_text(0.00012), "1.2E-4");
  EXPECT_EQ(float_text(5e-324), "5.0E-324");
  EXPECT_EQ(float_text(1.7976931348623157e308), "1.7976931348623157E308");
  EXPECT_EQ(float_text(-123.456), "-123.456");
  EXPECT_EQ(float_text(NAN), "NaN");
  EXPECT_EQ(float_text(-INFINITY), "-Infinity");
}

TEST(TextTest, FloatsReadBackToTheSameBits) {
  const uint64_t seed = test_seed(11);
  SCOPED_TRACE("LORA_TEST_SEED=" + std::to_string(seed));
  RandomValues random(seed);
  for (int n = 0; n < 50'000; ++n) {
    const double value = random.number();
    if (std::isfinite(value)) {
      const std::string text = float_text(value);
      ASSERT_EQ(std::bit_cast<uint64_t>(std::strtod(text.c_str(), nullptr)), std::bit_cast<uint64_t>(value)) << text;
      ASSERT_NE(text.find('.'), std::string::npos);
    }
  }
}

TEST(TextTest, ReadableTextOfEachType) {
  EXPECT_EQ(to_text(Value::string("it's")), "it's");
  EXPECT_EQ(to_text(Value::boolean(true)), "true");
  EXPECT_EQ(to_text(Value::integer(std::numeric_limits<int64_t>::min())), "-9223372036854775808");
  EXPECT_EQ(to_text(Value::list({Value::integer(1), Value::string("it's"), Value()})), "[1, 'it\\'s', null]");
  EXPECT_EQ(to_text(Value::date({0})), "1970-01-01");
  EXPECT_EQ(to_text(Value::point({Crs::kCartesian, 1, 2, 0})), "point({x: 1.0, y: 2.0, crs: 'cartesian'})");
  Node node{NodeId(1), {"A", "B c"}, {}};
  node.properties.emplace_back(Value::string("p"), Value::integer(1));
  const Node other{NodeId(2), {}, {}};
  EXPECT_EQ(to_text(Value::hydrated(node)), "(:A:`B c` {p: 1})");
  EXPECT_EQ(to_text(Value::node(NodeId(4))), "(4)");
  Path path{{node, other}, {{RelId(0), NodeId(2), NodeId(1), "T", {}}}};
  EXPECT_EQ(to_text(Value::hydrated(path)), "(:A:`B c` {p: 1})<-[:T]-()");
}

TEST(TextTest, LiteralsAreCypher) {
  EXPECT_EQ(literal(Value::string("a'b\\c\n\x01\u00e9\U0001F600")), "'a\\'b\\\\c\\n\\u0001\u00e9\U0001F600'");
  EXPECT_EQ(literal(Value::floating(NAN)), "(0.0 / 0.0)");
  EXPECT_EQ(literal(Value::floating(-INFINITY)), "(-1.0 / 0.0)");
  EXPECT_EQ(literal(Value::date({0})), "date('1970-01-01')");
  EXPECT_EQ(literal(Value::date_time({0, 0, 3'600, "Europe/Berlin"})),
            "datetime('1970-01-01T01:00+01:00[Europe/Berlin]')");
  EXPECT_EQ(literal(Value::duration({1, 0, 0, 0})), "duration('P1M')");
  EXPECT_EQ(literal(Value::vector({VectorType::kInteger8, {}, {1, -2}})), "vector([1, -2], 2, INTEGER8)");
  EXPECT_EQ(literal(Value::vector({VectorType::kFloat32, {1.5}, {}})), "vector([1.5], 1, FLOAT32)");
  EXPECT_EQ(literal(Value::binary({{"a", std::string("\0\xff", 2)}})), "bytes.hex_decode('6100ff')");
  std::vector<MapEntry> entries;
  entries.emplace_back(Value::string("a b`"), Value::list({}));
  entries.emplace_back(Value::string("c"), Value());
  EXPECT_EQ(literal(Value::map(entries)), "{`a b```: [], c: null}");
}

// The code point that `bytes` spells, in one way only; none else.
bool one_code_point(std::string_view bytes) {
  const auto at = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(bytes[i])); };
  if (bytes.size() == 1) return at(0) < 0x80;
  for (size_t i = 1; i < bytes.size(); ++i) {
    if (at(i) >> 6 != 2) return false;
  }
  if (bytes.size() == 2) return at(0) >> 5 == 6 && ((at(0) & 31) << 6) >= 0x80;
  if (bytes.size() == 3) {
    const uint32_t point = (at(0) & 15) << 12 | (at(1) & 63) << 6 | (at(2) & 63);
    return at(0) >> 4 == 14 && point >= 0x800 && (point < 0xD800 || point > 0xDFFF);
  }
  const uint32_t point = (at(0) & 7) << 18 | (at(1) & 63) << 12 | (at(2) & 63) << 6 | (at(3) & 63);
  return at(0) >> 3 == 30 && point >= 0x10000 && point <= 0x10FFFF;
}

bool is_utf8_by_parts(std::string_view bytes) {
  if (bytes.empty()) return true;
  for (size_t n = 1; n <= std::min<size_t>(4, bytes.size()); ++n) {
    if (one_code_point(bytes.substr(0, n)) && is_utf8_by_parts(bytes.substr(n))) return true;
  }
  return false;
}

TEST(TextTest, AsciiIsLookedAtByteForByte) {
  for (size_t size = 0; size < 40; ++size) {
    const std::string text(size, '\x7f');
    EXPECT_TRUE(is_ascii(text)) << size;
    for (size_t at = 0; at < size; ++at) {
      std::string other = text;
      other[at] = '\x80';
      EXPECT_FALSE(is_ascii(other)) << size << ' ' << at;
    }
  }
}

TEST(TextTest, Utf8IsWhatSpellsCodePoints) {
  const std::string bytes{
      "\x00\x41\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xff", 24};
  size_t good = 0;
  for (char a : bytes) {
    for (char b : bytes) {
      for (char c : bytes) {
        for (char d : bytes) {
          const std::string text{a, b, c, d};
          for (size_t n = 0; n <= 4; ++n) {
            const std::string_view part = std::string_view(text).substr(0, n);
            ASSERT_EQ(is_utf8(part), is_utf8_by_parts(part)) << testing::PrintToString(part);
          }
          // Behind and before what is looked at eight bytes at a time.
          ASSERT_EQ(is_utf8("12345678" + text), is_utf8(text));
          ASSERT_EQ(is_utf8(text + "123456789"), is_utf8(text));
          good += is_utf8(text);
        }
      }
    }
  }
  EXPECT_GT(good, 100u);
}

TEST(TextTest, EntitiesHaveNoLiteral) {
  EXPECT_EQ(to_literal(Value::list({Value::node(NodeId(1))})).status().info().type, "TypeError");
}

TEST(TextTest, DeepValuesAreCutOrRefused) {
  const Value deep = nested_list(5'000);
  EXPECT_LT(to_text(deep).size(), 2'100u);
  EXPECT_EQ(to_literal(deep).status().code(), ErrorCode::kLimit);
  EXPECT_EQ(literal(nested_list(kNestingMax)).size(), 2 * kNestingMax);
}

}  // namespace
}  // namespace lora
