#include "graph/json.h"

#include <gtest/gtest.h>

#include "tests/support/random_values.h"

namespace lora {
namespace {

using test::identical;
using test::nested_list;
using test::RandomValues;
using test::test_seed;

std::string json(const Value& value) {
  const auto text = to_json(value);
  return text.ok() ? *text : text.status().to_string();
}

TEST(JsonTest, FormsAreThoseOfTheTable) {
  EXPECT_EQ(json(Value::integer(1)), "1");
  EXPECT_EQ(json(Value::floating(1)), "1.0");
  EXPECT_EQ(json(Value::string("a\"\\\n\x01")), "\"a\\\"\\\\\\n\\u0001\"");
  EXPECT_EQ(json(Value::date({0})), R"({"kind":"date","iso":"1970-01-01"})");
  EXPECT_EQ(json(Value::binary({{std::string("\0\xff", 2), ""}})), R"({"kind":"binary","segments":["00ff",""]})");
  EXPECT_EQ(json(Value::point({Crs::kCartesian3D, 1, 2, 3})),
            R"({"kind":"point","srid":9157,"x":1.0,"y":2.0,"z":3.0})");
  std::vector<MapEntry> entries;
  entries.emplace_back(Value::string("kind"), Value::integer(1));
  EXPECT_EQ(json(Value::map(entries)), R"({"kind":"map","entries":[["kind",1]]})");
}

TEST(JsonTest, RandomValuesComeBackIdentical) {
  const uint64_t seed = test_seed(12);
  SCOPED_TRACE("LORA_TEST_SEED=" + std::to_string(seed));
  RandomValues random(seed);
  for (int n = 0; n < 5'000; ++n) {
    const Value value = random.any();
    const std::string text = json(value);
    const auto back = from_json(text);
    ASSERT_TRUE(back.ok()) << text << ' ' << back.status().to_string();
    ASSERT_TRUE(identical(value, *back)) << text;
  }
}

TEST(JsonTest, WhatIsNoValueIsRefused) {
  for (const char* text : {"",
                           "{",
                           "[1,]",
                           "nul",
                           "'a'",
                           "1 2",
                           "{\"a\":}",
                           "\"\xff\"",
                           "NaN",
                           "9223372036854775808",
                           "-9223372036854775809",
                           "99999999999999999999999999",
                           "[1",
                           "{\"kind\":\"house\"}",
                           "{\"kind\":1}",
                           "{\"kind\":\"date\"}",
                           "{\"kind\":\"point\",\"srid\":7203,\"x\":1}",
                           "{\"kind\":\"point\",\"srid\":1}",
                           "{\"kind\":\"binary\",\"segments\":[\"0\"]}",
                           "{\"kind\":\"binary\",\"segments\":[\"zz\"]}",
                           "{\"kind\":\"float\",\"value\":\"one\"}",
                           "{\"kind\":\"map\",\"entries\":[[1,2]]}",
                           "{\"kind\":\"vector\",\"coordinateType\":\"COMPLEX\",\"values\":[1]}"}) {
    EXPECT_EQ(from_json(text).status().code(), ErrorCode::kParse) << text;
  }
  EXPECT_FALSE(from_json("{\"kind\":\"date\",\"iso\":\"yesterday\"}").ok());
  EXPECT_FALSE(from_json("{\"kind\":\"vector\",\"coordinateType\":\"INTEGER8\",\"values\":[300]}").ok());
}

TEST(JsonTest, RepeatedKeysKeepTheLastValue) {
  const auto value = from_json(R"({"a":1,"b":2,"a":3,"c":4,"a":5})");
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(json(*value), R"({"a":5,"b":2,"c":4})");
}

TEST(JsonTest, DepthIsLimited) {
  const auto back = from_json(json(nested_list(kNestingMax)));
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(equivalent(*back, nested_list(kNestingMax)));
  EXPECT_EQ(to_json(nested_list(kNestingMax + 1)).status().code(), ErrorCode::kLimit);
  EXPECT_EQ(from_json(std::string(kNestingMax + 1, '[') + std::string(kNestingMax + 1, ']')).status().code(),
            ErrorCode::kLimit);
  EXPECT_EQ(from_json(std::string(1'000'000, '[')).status().code(), ErrorCode::kLimit);
}

TEST(JsonTest, EntitiesHaveNoForm) {
  EXPECT_EQ(to_json(Value::node(NodeId(1))).status().info().type, "TypeError");
}

}  // namespace
}  // namespace lora
