// Words stand for values: there and back, in the same order, equal where the values are.
#include "graph/word.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "graph/temporal.h"
#include "graph/text.h"

namespace lora {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min(), kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kNanos = 1'000'000'000;

std::vector<Value> some_words() {
  std::vector<Value> values = {Value::boolean(false),
                               Value::boolean(true),
                               Value::date({0}),
                               Value::date({-1}),
                               Value::date({temporal::days_from_civil(temporal::kYearMax, 12, 31)}),
                               Value::date({temporal::days_from_civil(-temporal::kYearMax, 1, 1)}),
                               Value::local_time({0}),
                               Value::local_time({temporal::kNanosPerDay - 1})};
  for (const int32_t offset : {0, 1, -1, 7'200, temporal::kOffsetMax, -temporal::kOffsetMax}) {
    values.push_back(Value::time({0, offset}));
    values.push_back(Value::time({temporal::kNanosPerDay - 1, offset}));
    for (const int64_t seconds : {int64_t{0}, int64_t{-1}, kMax / kNanos, kMin / kNanos}) {
      values.push_back(Value::date_time({seconds, 0, offset, ""}));
      values.push_back(Value::date_time({seconds, 7, offset, ""}));
    }
  }
  for (const int64_t seconds : {int64_t{0}, int64_t{-1}, int64_t{1'700'000'000}, kMax / kNanos, kMin / kNanos}) {
    values.push_back(Value::local_date_time({seconds, 0}));
    values.push_back(Value::local_date_time({seconds, 1}));
  }
  return values;
}

TEST(Word, ValuesComeBack) {
  for (const Value& value : some_words()) {
    WordType type;
    int64_t word = 0, alone = 0;
    ASSERT_TRUE(to_word(value, &type, &word)) << to_text(value);
    EXPECT_TRUE(word_of(value, &alone));
    EXPECT_EQ(alone, word);
    EXPECT_EQ(type.type, value.type());
    EXPECT_EQ(to_text(from_word(type, word)), to_text(value));
  }
}

TEST(Word, EqualityAndOrderAreThoseOfTheValues) {
  const std::vector<Value> values = some_words();
  for (const Value& a : values) {
    for (const Value& b : values) {
      if (a.type() != b.type()) continue;
      int64_t x = 0, y = 0;
      ASSERT_TRUE(word_of(a, &x) && word_of(b, &y));
      EXPECT_EQ(equals(a, b) == Ternary::kTrue, x == y) << to_text(a) << " and " << to_text(b);
      EXPECT_EQ(equivalent(a, b), x == y) << to_text(a) << " and " << to_text(b);
      EXPECT_EQ(compare(a, b).sign, x < y ? -1 : x > y ? 1 : 0) << to_text(a) << " and " << to_text(b);
      EXPECT_EQ(order(a, b), x < y ? -1 : x > y ? 1 : 0) << to_text(a) << " and " << to_text(b);
    }
  }
}

TEST(Word, OtherValuesHaveNone) {
  WordType type;
  int64_t word = 0;
  for (const Value& value : {Value(), Value::integer(1), Value::floating(1), Value::string("x"), Value::list({}),
                             Value::duration({1, 2, 3, 4}), Value::node(NodeId(1))}) {
    EXPECT_FALSE(word_of(value, &word)) << to_text(value);
    EXPECT_FALSE(to_word(value, &type, &word)) << to_text(value);
  }
  // Beyond 64 bits of nanoseconds.
  for (const int64_t seconds : {kMax / kNanos + 1, kMin / kNanos - 1, int64_t{100'000'000'000}}) {
    EXPECT_FALSE(word_of(Value::local_date_time({seconds, 0}), &word)) << seconds;
    EXPECT_FALSE(word_of(Value::date_time({seconds, 0, 0, ""}), &word)) << seconds;
  }
  // Of a named zone: equal to one of an offset, but another value.
  const Value zoned = Value::date_time({1'000, 0, 3'600, "Europe/Berlin"});
  EXPECT_FALSE(to_word(zoned, &type, &word));
  ASSERT_TRUE(word_of(zoned, &word));
  EXPECT_EQ(word, 1'000 * kNanos);
}

TEST(Word, ComponentsOfManyAreThoseOfEach) {
  const std::vector<Value> values = some_words();
  size_t whole = 0;
  for (const char* name : {"year",       "quarter",       "month",        "week",        "weekYear",     "day",
                           "ordinalDay", "dayOfYear",     "dayOfWeek",    "weekDay",     "dayOfQuarter", "hour",
                           "minute",     "second",        "millisecond",  "MicroSecond", "nanosecond",   "timezone",
                           "offset",     "offsetMinutes", "epochSeconds", "epochMillis", "nothing",      ""}) {
    for (const Value& value : values) {
      WordType type;
      int64_t word = 0, component = 0;
      ASSERT_TRUE(to_word(value, &type, &word));
      if (!temporal::components(type, {&word, 1}, name, &component)) continue;
      ++whole;
      const Result<Value> one = temporal::component(value, name);
      ASSERT_TRUE(one.ok()) << name << " of " << to_text(value);
      EXPECT_TRUE(one->is_integer() && one->as_integer() == component)
          << name << " of " << to_text(value) << ": " << component << ", not " << to_text(*one);
    }
  }
  EXPECT_GT(whole, 300u);
  // A row that has no such component makes none of the others wrong: it is left to who asks one by one.
  int64_t components[2];
  const int64_t words[] = {0, kMax};
  EXPECT_FALSE(temporal::components({ValueType::kDateTime, 3'600}, words, "hour", components));
  EXPECT_FALSE(temporal::components({ValueType::kBoolean, 0}, words, "year", components));
}

}  // namespace
}  // namespace lora
