#include "graph/value.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <thread>

#include "tests/support/random_values.h"

namespace lora {
namespace {

using test::identical;
using test::nested_list;
using test::RandomValues;
using test::test_seed;

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
const double kNan = std::numeric_limits<double>::quiet_NaN();
const double kInfinity = std::numeric_limits<double>::infinity();

Value i(int64_t v) {
  return Value::integer(v);
}
Value f(double v) {
  return Value::floating(v);
}
Value s(std::string_view v) {
  return Value::string(v);
}
Value list(List items) {
  return Value::list(std::move(items));
}
Value map(std::vector<std::pair<std::string, Value>> entries) {
  std::vector<MapEntry> result;
  for (auto& [key, value] : entries) {
    result.emplace_back(s(key), std::move(value));
  }
  return Value::map(std::move(result));
}

TEST(ValueTest, StringsOfAllLengthsComeBack) {
  for (size_t length = 0; length < 40; ++length) {
    const std::string text(length, 'x');
    const Value v = s(text);
    const Value copy = v;
    EXPECT_EQ(copy.as_string(), text);
    EXPECT_TRUE(v.is_string());
  }
  EXPECT_EQ(s(std::string_view("a\0b", 3)).as_string().size(), 3u);
}

TEST(ValueTest, DefaultIsNull) {
  EXPECT_TRUE(Value().is_null());
  EXPECT_FALSE(Value::boolean(false).is_null());
  EXPECT_FALSE(i(0).is_null());
  EXPECT_FALSE(s("").is_null());
  EXPECT_FALSE(list({}).is_null());
}

TEST(ValueTest, MovedFromIsNull) {
  Value a = s("a text of more than fourteen bytes");
  const Value b = std::move(a);
  EXPECT_TRUE(a.is_null());  // NOLINT: that is the claim
  EXPECT_EQ(b.as_string(), "a text of more than fourteen bytes");
}

TEST(ValueTest, JoinedStringsAreThoseOfTheirParts) {
  const std::string text = "0123456789abcdefghij";
  for (size_t n = 0; n <= text.size(); ++n) {
    for (size_t at = 0; at <= n; ++at) {
      const Value joined =
          Value::joined(std::string_view(text).substr(0, at), std::string_view(text).substr(at, n - at));
      EXPECT_EQ(joined.as_string(), std::string_view(text).substr(0, n));
      EXPECT_TRUE(equivalent(joined, s(text.substr(0, n))));
    }
  }
}

TEST(ValueTest, ExtentCountsSharedPartsAsOftenAsTheyOccur) {
  EXPECT_EQ(i(1).extent().levels, 0u);
  EXPECT_EQ(i(1).extent().items, 0u);
  EXPECT_EQ(list({}).extent().levels, 1u);
  EXPECT_EQ(list({}).extent().items, 0u);
  const Value both = list({list({i(1), i(2)}), map({{"a", list({i(3)})}}), s("x")});
  EXPECT_EQ(both.extent().levels, 3u);
  EXPECT_EQ(both.extent().items, 3u + 2 + 1 + 1);
  EXPECT_FALSE(both.extent().entities);
  EXPECT_TRUE(list({i(1), map({{"a", list({Value::node(NodeId(1))})}})}).extent().entities);
  Value laughs = list({i(1)});
  for (int n = 0; n < 40; ++n) laughs = list({laughs, laughs});
  EXPECT_EQ(laughs.extent().levels, 41u);
  EXPECT_EQ(laughs.extent().items, 3 * (uint64_t{1} << 40) - 2);
  for (int n = 0; n < 100'000; ++n) laughs = map({{"a", laughs}, {"b", laughs}});
  EXPECT_EQ(laughs.extent().levels, 65'535u);
  EXPECT_EQ(laughs.extent().items, uint64_t{1} << 62);
}

TEST(ValueTest, FreesHundredThousandLevels) {
  Value deep = nested_list(100'000);
  for (int n = 0; n < 1'000; ++n) {
    deep = map({{"k", std::move(deep)}});
  }
  EXPECT_TRUE(deeper_than(deep, 100'999));
  EXPECT_FALSE(deeper_than(deep, 101'000));
  const Value copy = deep;
  deep = Value();
  EXPECT_TRUE(copy.is_map());
}

TEST(ValueTest, WalksOfTooDeepValuesDoNotOverflowTheStack) {
  const Value a = nested_list(100'000);
  const Value b = nested_list(100'000);
  EXPECT_TRUE(equivalent(a, a));
  EXPECT_EQ(order(a, a), 0);
  EXPECT_EQ(hash(a), hash(b));
  EXPECT_NE(equals(a, b), Ternary::kNull);
  EXPECT_EQ(order(a, b), -order(b, a));
  EXPECT_GT(a.heap_bytes(), 100'000u * sizeof(Value));
  EXPECT_FALSE(is_storable(a));
}

TEST(ValueTest, ThousandLevelsCompareByContents) {
  const Value a = nested_list(kNestingMax);
  const Value b = nested_list(kNestingMax);
  EXPECT_EQ(equals(a, b), Ternary::kTrue);
  EXPECT_TRUE(equivalent(a, b));
  EXPECT_EQ(hash(a), hash(b));
  EXPECT_EQ(order(a, nested_list(kNestingMax - 1)), 1);
  EXPECT_TRUE(is_storable(a));
}

TEST(ValueTest, CopiesMayBeDroppedInManyThreads) {
  const Value shared = list({s("a text of more than fourteen bytes"), i(1)});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([copy = shared]() mutable {
      for (int n = 0; n < 10'000; ++n) {
        Value own = copy;
        Value other = own;
        own = Value();
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(shared.as_list().size(), 2u);
}

TEST(ValueTest, MapsFindKeysAtEverySize) {
  for (size_t size : {0u, 1u, 5u, 15u, 16u, 17u, 300u}) {
    std::vector<MapEntry> entries;
    for (size_t n = 0; n < size; ++n) {
      entries.emplace_back(s("key" + std::to_string((n * 7919) % size)), i(static_cast<int64_t>(n)));
    }
    const Value v = Value::map(entries);
    for (const auto& [key, value] : entries) {
      ASSERT_NE(v.map_find(key.as_string()), nullptr);
    }
    EXPECT_EQ(v.map_find("kez"), nullptr);
    EXPECT_EQ(v.map_find(""), nullptr);
    EXPECT_EQ(v.as_map().size(), size);
  }
}

TEST(ValueTest, HydratedAndBareEntitiesAreTheSame) {
  Node node;
  node.id = NodeId(7);
  node.labels = {"A"};
  node.properties.emplace_back(s("p"), nested_list(3));
  const Value hydrated = Value::hydrated(node);
  EXPECT_TRUE(hydrated.is_hydrated());
  EXPECT_FALSE(Value::node(NodeId(7)).is_hydrated());
  EXPECT_EQ(hydrated.node_id(), NodeId(7));
  EXPECT_EQ(equals(hydrated, Value::node(NodeId(7))), Ternary::kTrue);
  EXPECT_EQ(hash(hydrated), hash(Value::node(NodeId(7))));
  EXPECT_EQ(equals(hydrated, Value::relationship(RelId(7))), Ternary::kFalse);

  Path path;
  path.nodes = {node, node};
  path.rels.push_back({RelId(3), NodeId(7), NodeId(7), "T", {}});
  const Value whole = Value::hydrated(path);
  const Value ids = Value::path({{NodeId(7), NodeId(7)}, {RelId(3)}});
  EXPECT_EQ(equals(whole, ids), Ternary::kTrue);
  EXPECT_EQ(hash(whole), hash(ids));
  EXPECT_EQ(order(whole, ids), 0);
  EXPECT_TRUE(deeper_than(hydrated, 3));
}

TEST(ValueTest, HeapBytesCountContents) {
  EXPECT_EQ(i(5).heap_bytes(), 0u);
  EXPECT_EQ(s("short").heap_bytes(), 0u);
  EXPECT_GE(s(std::string(1'000, 'x')).heap_bytes(), 1'000u);
  EXPECT_GE(list({s(std::string(1'000, 'x')), s(std::string(500, 'y'))}).heap_bytes(), 1'500u);
}

TEST(ValueEqualityTest, NullsDecideNothing) {
  EXPECT_EQ(equals(Value(), Value()), Ternary::kNull);
  EXPECT_EQ(equals(Value(), i(1)), Ternary::kNull);
  EXPECT_EQ(equals(list({Value()}), list({i(1)})), Ternary::kNull);
  EXPECT_EQ(equals(list({i(1), i(2)}), list({i(1)})), Ternary::kFalse);
  EXPECT_EQ(equals(list({list({i(1)}), list({i(2)})}), list({list({i(1)}), list({Value()})})), Ternary::kNull);
  EXPECT_EQ(equals(list({list({i(1)}), list({i(2), i(3)})}), list({list({i(1)}), list({Value()})})), Ternary::kFalse);
  EXPECT_EQ(equals(list({Value(), i(1)}), list({Value(), i(2)})), Ternary::kFalse);
}

TEST(ValueEqualityTest, MapsNeedTheSameKeys) {
  EXPECT_EQ(equals(map({}), map({})), Ternary::kTrue);
  EXPECT_EQ(equals(map({{"k", Value()}}), map({})), Ternary::kFalse);
  EXPECT_EQ(equals(map({{"k", i(1)}}), map({{"k", i(1)}, {"l", Value()}})), Ternary::kFalse);
  EXPECT_EQ(equals(map({{"k", Value()}}), map({{"k", Value()}})), Ternary::kNull);
  EXPECT_EQ(equals(map({{"k", i(1)}, {"l", i(2)}}), map({{"l", f(2)}, {"k", i(1)}})), Ternary::kTrue);
  EXPECT_EQ(equals(map({{"k", i(1)}, {"l", Value()}}), map({{"k", i(2)}, {"l", Value()}})), Ternary::kFalse);
}

TEST(ValueEqualityTest, TypesDoNotMix) {
  EXPECT_EQ(equals(i(1), s("1")), Ternary::kFalse);
  EXPECT_EQ(equals(i(1), Value::boolean(true)), Ternary::kFalse);
  EXPECT_EQ(equals(list({}), map({})), Ternary::kFalse);
  EXPECT_EQ(equals(f(kNan), s("a")), Ternary::kFalse);
}

TEST(ValueEqualityTest, NumbersAreOneExactLine) {
  EXPECT_EQ(equals(i(1), f(1.0)), Ternary::kTrue);
  EXPECT_EQ(equals(i((int64_t{1} << 53) + 1), f(0x1p53)), Ternary::kFalse);
  EXPECT_EQ(equals(i(kMax), f(0x1p63)), Ternary::kFalse);
  EXPECT_EQ(equals(i(kMin), f(-0x1p63)), Ternary::kTrue);
  EXPECT_EQ(equals(f(0.0), f(-0.0)), Ternary::kTrue);
  EXPECT_EQ(equals(f(kNan), f(kNan)), Ternary::kFalse);
  EXPECT_EQ(compare_exact(kMax, 0x1p63), -1);
  EXPECT_EQ(compare_exact(kMin, -kInfinity), 1);
  EXPECT_EQ(compare_exact(0, -0.5), 1);
  EXPECT_EQ(compare_exact(-1, -0.5), -1);
  EXPECT_EQ(compare_exact(0, 5e-324), -1);
}

TEST(ValueEqualityTest, EquivalenceTakesNullsAndNanAsEqual) {
  EXPECT_TRUE(equivalent(Value(), Value()));
  EXPECT_TRUE(equivalent(f(kNan), f(kNan)));
  EXPECT_TRUE(equivalent(list({Value(), f(kNan)}), list({Value(), f(kNan)})));
  EXPECT_TRUE(equivalent(i(1), f(1)));
  EXPECT_EQ(hash(i(1)), hash(f(1)));
  EXPECT_EQ(hash(f(0.0)), hash(f(-0.0)));
  EXPECT_EQ(hash(map({{"a", i(1)}, {"b", i(2)}})), hash(map({{"b", i(2)}, {"a", f(1)}})));
  EXPECT_FALSE(equivalent(Value(), i(0)));
}

TEST(ValueEqualityTest, ZonedValuesAreEqualAtOneInstant) {
  const Value a = Value::date_time({1'000, 5, 0, ""});
  const Value b = Value::date_time({1'000, 5, 3'600, "Europe/Berlin"});
  EXPECT_EQ(equals(a, b), Ternary::kTrue);
  EXPECT_EQ(hash(a), hash(b));
  const Value t = Value::time({3'600'000'000'000, 3'600});
  EXPECT_EQ(equals(t, Value::time({0, 0})), Ternary::kTrue);
  EXPECT_EQ(equals(Value::date({1}), Value::local_date_time({86'400, 0})), Ternary::kFalse);
}

TEST(ValueEqualityTest, DurationsAreEqualPartByPart) {
  EXPECT_EQ(equals(Value::duration({0, 1, 0, 0}), Value::duration({0, 0, 86'400, 0})), Ternary::kFalse);
  EXPECT_NE(order(Value::duration({0, 1, 0, 0}), Value::duration({0, 0, 86'400, 0})), 0);
  EXPECT_EQ(equals(Value::duration({0, 1, 2, 3}), Value::duration({0, 1, 2, 3})), Ternary::kTrue);
}

TEST(ValueEqualityTest, BinaryIsItsBytes) {
  EXPECT_EQ(equals(Value::binary({{"ab", "", "c"}}), Value::binary({{"a", "bc"}})), Ternary::kTrue);
  EXPECT_EQ(hash(Value::binary({{"ab", "", "c"}})), hash(Value::binary({{"a", "bc"}})));
  EXPECT_LT(order(Value::binary({{"ab"}}), Value::binary({{"a", "bc"}})), 0);
}

TEST(ValueComparisonTest, ListsCompareByTheFirstDifference) {
  const auto at_least = [](const Value& a, const Value& b) -> std::string {
    const Comparison c = compare(a, b);
    return c.is_null ? "null" : c.unordered ? "false" : c.sign >= 0 ? "true" : "false";
  };
  EXPECT_EQ(at_least(list({i(1), i(0)}), list({i(1)})), "true");
  EXPECT_EQ(at_least(list({i(1), Value()}), list({i(1)})), "true");
  EXPECT_EQ(at_least(list({i(1), i(2)}), list({i(1), Value()})), "null");
  EXPECT_EQ(at_least(list({i(1), s("a")}), list({i(1), Value()})), "null");
  EXPECT_EQ(at_least(list({i(1), i(2)}), list({i(3), Value()})), "false");
}

TEST(ValueComparisonTest, OnlyOneTypeAndNumbersCompare) {
  EXPECT_TRUE(compare(i(1), s("a")).is_null);
  EXPECT_TRUE(compare(Value(), i(1)).is_null);
  EXPECT_TRUE(compare(f(kNan), s("a")).is_null);
  EXPECT_TRUE(compare(f(kNan), f(kNan)).unordered);
  EXPECT_EQ(compare(i(1), f(3.14)).sign, -1);
  EXPECT_TRUE(compare(map({}), map({})).is_null);
  EXPECT_TRUE(compare(Value::node(NodeId(1)), Value::node(NodeId(2))).is_null);
  EXPECT_TRUE(compare(Value::point({}), Value::point({})).is_null);
  EXPECT_TRUE(compare(Value::duration({1, 0, 0, 0}), Value::duration({2, 0, 0, 0})).is_null);
  EXPECT_EQ(compare(Value::boolean(false), Value::boolean(true)).sign, -1);
  EXPECT_EQ(compare(Value::date({1}), Value::date({2})).sign, -1);
  EXPECT_TRUE(compare(Value::date({1}), Value::local_date_time({0, 0})).is_null);
}

TEST(ValueOrderTest, TypesFollowOpenCypher) {
  const std::vector<Value> ascending = {map({{"a", s("map")}}),
                                        Value::node(NodeId(0)),
                                        Value::relationship(RelId(0)),
                                        list({s("list")}),
                                        Value::path({{NodeId(0)}, {}}),
                                        s("text"),
                                        Value::boolean(false),
                                        Value::boolean(true),
                                        f(1.5),
                                        i(2),
                                        f(kInfinity),
                                        f(kNan),
                                        Value()};
  for (size_t a = 0; a < ascending.size(); ++a) {
    for (size_t b = 0; b < ascending.size(); ++b) {
      EXPECT_EQ(order(ascending[a], ascending[b]), a < b ? -1 : a > b ? 1 : 0) << a << ' ' << b;
    }
  }
}

TEST(ValueOrderTest, ListsFollowOpenCypher) {
  const std::vector<Value> ascending = {list({}),
                                        list({s("a")}),
                                        list({s("a"), i(1)}),
                                        list({i(1)}),
                                        list({i(1), s("a")}),
                                        list({i(1), Value()}),
                                        list({Value(), i(1)}),
                                        list({Value(), i(2)})};
  EXPECT_TRUE(std::is_sorted(ascending.begin(), ascending.end(),
                             [](const Value& a, const Value& b) { return order(a, b) < 0; }));
}

TEST(ValueOrderTest, RelationsAgreeOnRandomValues) {
  const uint64_t seed = test_seed(1);
  SCOPED_TRACE("LORA_TEST_SEED=" + std::to_string(seed));
  RandomValues random(seed);
  std::vector<Value> values;
  for (int n = 0; n < 400; ++n) {
    values.push_back(random.any());
  }
  for (const Value& a : values) {
    ASSERT_TRUE(equivalent(a, a));
    ASSERT_EQ(order(a, a), 0);
    for (const Value& b : values) {
      const int sign = order(a, b);
      ASSERT_EQ(sign, -order(b, a));
      ASSERT_EQ(sign == 0, equivalent(a, b));
      if (sign == 0) {
        ASSERT_EQ(hash(a), hash(b));
      }
      const Ternary same = equals(a, b);
      ASSERT_EQ(same, equals(b, a));
      if (same == Ternary::kTrue) {
        ASSERT_EQ(sign, 0);
      }
      const Comparison c = compare(a, b);
      const Comparison reverse = compare(b, a);
      ASSERT_EQ(c.is_null, reverse.is_null);
      ASSERT_EQ(c.sign, -reverse.sign);
      if (!c.is_null && !c.unordered) {
        ASSERT_EQ(c.sign, sign);
      }
    }
  }
  // Transitive: sorting leaves no pair out of order.
  std::sort(values.begin(), values.end(), [](const Value& a, const Value& b) { return order(a, b) < 0; });
  for (size_t a = 0; a < values.size(); ++a) {
    for (size_t b = a; b < values.size(); ++b) {
      ASSERT_LE(order(values[a], values[b]), 0);
    }
  }
}

TEST(ValueStorableTest, EntitiesAndListsOfMapsAreNot) {
  EXPECT_FALSE(is_storable(Value::node(NodeId(1))));
  EXPECT_FALSE(is_storable(Value::path({{NodeId(0)}, {}})));
  EXPECT_FALSE(is_storable(list({Value::relationship(RelId(1))})));
  EXPECT_FALSE(is_storable(list({map({})})));
  EXPECT_FALSE(is_storable(list({list({map({})})})));
  EXPECT_FALSE(is_storable(map({{"a", list({map({})})}})));
  EXPECT_FALSE(is_storable(map({{"a", Value::node(NodeId(1))}})));
  EXPECT_FALSE(is_storable(nested_list(kNestingMax + 1)));
}

TEST(ValueStorableTest, MixedListsNullsAndNestedMapsAre) {
  EXPECT_TRUE(is_storable(list({i(1), s("a"), Value(), list({f(1)})})));
  EXPECT_TRUE(is_storable(map({{"a", map({{"b", Value()}})}})));
  EXPECT_TRUE(is_storable(Value::binary({{"x"}})));
  EXPECT_TRUE(is_storable(Value()));
}

}  // namespace
}  // namespace lora
