#include "graph/value_codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/support/random_values.h"

namespace lora {
namespace {

using test::identical;
using test::nested_list;
using test::RandomValues;
using test::test_seed;

std::string encoded(const Value& value) {
  std::string bytes;
  EXPECT_TRUE(encode_value(value, &bytes).ok());
  return bytes;
}
std::string key(const Value& value) {
  std::string bytes;
  EXPECT_TRUE(encode_ordered(value, &bytes));
  return bytes;
}
std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    char digits[4];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(c));
    text += digits;
  }
  return text;
}
int sign(int c) {
  return c < 0 ? -1 : c > 0 ? 1 : 0;
}

TEST(ValueCodecTest, BytesAreThoseOfTheTable) {
  EXPECT_EQ(hex(encoded(Value())), "00");
  EXPECT_EQ(hex(encoded(Value::integer(1))), "0302");
  EXPECT_EQ(hex(encoded(Value::string("ab"))), "05026162");
  EXPECT_EQ(hex(encoded(Value::list({Value()}))), "060100");
  std::vector<MapEntry> entries;
  entries.emplace_back(Value::string("a"), Value::boolean(true));
  EXPECT_EQ(hex(encoded(Value::map(entries))), "0701016102");
  EXPECT_EQ(hex(key(Value::string("a"))), "40610000");
  EXPECT_EQ(hex(key(Value::integer(1))), "60bff0000000000000");
}

TEST(ValueCodecTest, RandomValuesComeBackIdentical) {
  const uint64_t seed = test_seed(2);
  SCOPED_TRACE("LORA_TEST_SEED=" + std::to_string(seed));
  RandomValues random(seed);
  std::string all;
  std::vector<Value> values;
  for (int n = 0; n < 5'000; ++n) {
    values.push_back(random.any());
    const auto back = decode_value(encoded(values.back()));
    ASSERT_TRUE(back.ok());
    ASSERT_TRUE(identical(values.back(), *back)) << n;
    ASSERT_TRUE(encode_value(values.back(), &all).ok());
  }
  kv::Decoder in(all);  // self-delimiting
  for (const Value& value : values) {
    const auto back = decode_value(&in);
    ASSERT_TRUE(back.ok() && identical(value, *back));
  }
  EXPECT_TRUE(in.done());
}

TEST(ValueCodecTest, ThousandLevelsPassAndMoreDoNot) {
  const Value deep = nested_list(kNestingMax);
  const auto back = decode_value(encoded(deep));
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(equivalent(deep, *back));
  std::string bytes = "kept";
  const Status status = encode_value(nested_list(kNestingMax + 1), &bytes);
  EXPECT_EQ(status.code(), ErrorCode::kLimit);
  EXPECT_EQ(status.info().detail, "depth");
  EXPECT_EQ(bytes, "kept");
}

TEST(ValueCodecTest, EntitiesHaveNoForm) {
  std::string bytes;
  const Status status = encode_value(Value::list({Value::node(NodeId(1))}), &bytes);
  EXPECT_EQ(status.info().type, "TypeError");
  EXPECT_EQ(status.info().detail, "InvalidPropertyType");
  EXPECT_TRUE(bytes.empty());
}

TEST(ValueCodecTest, DeepDamageIsCorruption) {
  std::string bytes;
  for (int n = 0; n < 1'000'000; ++n) {
    bytes += "\x06\x01";
  }
  EXPECT_EQ(decode_value(bytes).status().code(), ErrorCode::kCorruption);
}

TEST(ValueCodecTest, EveryCutIsCorruption) {
  const uint64_t seed = test_seed(3);
  SCOPED_TRACE("LORA_TEST_SEED=" + std::to_string(seed));
  RandomValues random(seed);
  for (int n = 0; n < 300; ++n) {
    const std::string bytes = encoded(random.any());
    for (size_t size = 0; size < bytes.size(); ++size) {
      ASSERT_EQ(decode_value(ByteView(bytes).substr(0, size)).status().code(), ErrorCode::kCorruption);
    }
    ASSERT_EQ(decode_value(bytes + '\0').status().code(), ErrorCode::kCorruption);
  }
}

TEST(ValueCodecTest, FlippedBytesNeverBreakTheReader) {
  const uint64_t seed = test_seed(4);
  SCOPED_TRACE("LORA_TEST_SEED=" + std::to_string(seed));
  RandomValues random(seed);
  for (int n = 0; n < 20'000; ++n) {
    std::string bytes = encoded(random.any());
    for (uint64_t flips = 1 + random.below(3); flips > 0 && !bytes.empty(); --flips) {
      bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    }
    const auto back = decode_value(bytes);
    if (back.ok()) {  // then it is a value that can be written again
      std::string again;
      ASSERT_TRUE(encode_value(*back, &again).ok());
      (void)hash(*back);
    } else {
      ASSERT_EQ(back.status().code(), ErrorCode::kCorruption);
    }
    Value value;
    kv::Decoder in(bytes);
    if (decode_ordered(&in, &value)) {
      std::string again;
      ASSERT_TRUE(encode_ordered(value, &again));
    }
  }
}

TEST(ValueCodecTest, PartsOutOfRangeAreCorruption) {
  for (const Value& value :
       {Value::local_time({86'400'000'000'000}), Value::time({0, 18 * 3'600 + 1}), Value::date({int64_t{1} << 60}),
        Value::local_date_time({int64_t{1} << 62, 0}), Value::date_time({0, 1'000'000'000, 0, ""}),
        Value::point({Crs::kWgs84, 181, 0, 0}), Value::point({Crs::kCartesian, std::nan(""), 0, 0}),
        Value::vector({VectorType::kFloat32, {}, {}}), Value::vector({VectorType::kFloat64, {INFINITY}, {}})}) {
    EXPECT_EQ(decode_value(encoded(value)).status().code(), ErrorCode::kCorruption);
  }
}

TEST(OrderedKeyTest, KeysSortAsValues) {
  const uint64_t seed = test_seed(5);
  SCOPED_TRACE("LORA_TEST_SEED=" + std::to_string(seed));
  RandomValues random(seed);
  std::vector<std::pair<Value, std::string>> keys;
  for (int n = 0; n < 1'500; ++n) {
    Value value = random.indexable();
    std::string bytes = key(value);
    keys.emplace_back(std::move(value), std::move(bytes));
  }
  for (const auto& [a, a_key] : keys) {
    for (const auto& [b, b_key] : keys) {
      ASSERT_EQ(sign(order(a, b)), sign(a_key.compare(b_key))) << hex(a_key) << ' ' << hex(b_key);
      ASSERT_TRUE(a_key == b_key || !b_key.starts_with(a_key));
    }
  }
}

TEST(OrderedKeyTest, KeysComeBackAsEquivalentValues) {
  const uint64_t seed = test_seed(6);
  SCOPED_TRACE("LORA_TEST_SEED=" + std::to_string(seed));
  RandomValues random(seed);
  for (int n = 0; n < 5'000; ++n) {
    const Value value = random.indexable();
    const std::string bytes = key(value) + "rest";
    kv::Decoder in(bytes);
    Value back;
    ASSERT_TRUE(decode_ordered(&in, &back)) << hex(bytes);
    ASSERT_TRUE(equivalent(value, back)) << hex(bytes);
    ASSERT_EQ(in.rest(), "rest");
  }
}

TEST(OrderedKeyTest, NeighboursOfLargeNumbersStayApart) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const std::vector<Value> ascending = {Value::floating(-0x1.8p63),
                                        Value::integer(std::numeric_limits<int64_t>::min()),
                                        Value::integer(std::numeric_limits<int64_t>::min() + 1),
                                        Value::integer(-(int64_t{1} << 53) - 1),
                                        Value::floating(-0x1p53),
                                        Value::floating(-0.5),
                                        Value::integer(0),
                                        Value::floating(5e-324),
                                        Value::floating(0x1p53),
                                        Value::integer((int64_t{1} << 53) + 1),
                                        Value::integer((int64_t{1} << 53) + 2),
                                        Value::integer(kMax - 1),
                                        Value::integer(kMax),
                                        Value::floating(0x1p63),
                                        Value::floating(INFINITY),
                                        Value::floating(NAN)};
  for (size_t n = 1; n < ascending.size(); ++n) {
    EXPECT_LT(key(ascending[n - 1]), key(ascending[n])) << n;
  }
  EXPECT_EQ(key(Value::integer(int64_t{1} << 62)), key(Value::floating(0x1p62)));
  EXPECT_EQ(key(Value::floating(0.0)), key(Value::floating(-0.0)));
}

TEST(OrderedKeyTest, WhatIsNotIndexableLeavesTheKeyAsItWas) {
  Value deep = Value::list({});
  for (int n = 0; n < 20; ++n) {
    deep = Value::list({deep});
  }
  for (const Value& value :
       {Value(), Value::map({}), Value::node(NodeId(1)), Value::list({Value::integer(1), Value::map({})}),
        Value::vector({VectorType::kFloat64, {1}, {}}), deep}) {
    std::string bytes = "x";
    EXPECT_FALSE(encode_ordered(value, &bytes));
    EXPECT_FALSE(indexable(value));
    EXPECT_EQ(bytes, "x");
  }
}

TEST(OrderedKeyTest, DamagedKeysAreRefused) {
  for (const std::string& bytes : {std::string(), std::string("\x11"), std::string("\x60"), std::string("\x40"),
                                   std::string("\x10\x50"), std::string("\x70"), std::string("\x40x\0\1", 4)}) {
    kv::Decoder in(bytes);
    Value value;
    EXPECT_FALSE(decode_ordered(&in, &value)) << hex(bytes);
  }
  const std::string open(100'000, '\x10');
  kv::Decoder in(open);
  Value value;
  EXPECT_FALSE(decode_ordered(&in, &value));
}

TEST(OrderedKeyTest, RangesHoldTheComparableValues) {
  const uint64_t seed = test_seed(7);
  SCOPED_TRACE("LORA_TEST_SEED=" + std::to_string(seed));
  RandomValues random(seed);
  for (int n = 0; n < 2'000; ++n) {
    const Value a = random.indexable();
    const Value b = random.indexable();
    const OrderedRange range = ordered_range(a.type());
    const std::string bytes = key(b);
    const bool inside = bytes >= range.low && bytes < range.high;
    const bool nan = b.is_float() && std::isnan(b.as_float());
    const bool same_kind = a.type() == b.type() || (a.is_number() && b.is_number());
    ASSERT_EQ(inside, same_kind && !nan);
  }
  std::string prefix;
  encode_ordered_prefix(std::string_view("a\0", 2), &prefix);
  EXPECT_TRUE(key(Value::string(std::string_view("a\0b", 3))).starts_with(prefix));
  EXPECT_FALSE(key(Value::string("a")).starts_with(prefix));
}

}  // namespace
}  // namespace lora
