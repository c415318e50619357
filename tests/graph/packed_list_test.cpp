// Packed lists say what the lists they were made from say.
#include "graph/packed_list.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "graph/text.h"

namespace lora {
namespace {

constexpr size_t kBytesMax = 65'535;
constexpr int64_t kMin = std::numeric_limits<int64_t>::min(), kMax = std::numeric_limits<int64_t>::max();

Value integers(const std::vector<int64_t>& items) {
  List list;
  for (int64_t v : items) list.push_back(Value::integer(v));
  return Value::list(std::move(list));
}

std::vector<Value> some_lists() {
  std::vector<Value> lists = {Value::list({})};
  for (const std::vector<int64_t>& items : std::vector<std::vector<int64_t>>{{0},
                                                                             {-128, 127},
                                                                             {-129},
                                                                             {128, 0},
                                                                             {-32'768, 32'767},
                                                                             {32'768},
                                                                             {-2'147'483'648, 2'147'483'647},
                                                                             {2'147'483'648, -1},
                                                                             {kMin, kMax, 0}}) {
    lists.push_back(integers(items));
  }
  lists.push_back(Value::list({Value::floating(-0.0), Value::floating(std::numeric_limits<double>::infinity()),
                               Value::floating(std::numeric_limits<double>::quiet_NaN())}));
  lists.push_back(Value::list({Value::string("")}));
  lists.push_back(Value::list({Value::string(""), Value::string("\xc3\xa4"), Value::string(std::string(1'000, 'x'))}));
  lists.push_back(Value::list({Value::boolean(true), Value::boolean(false)}));
  lists.push_back(Value::list({Value::date({0}), Value::date({-1'000'000})}));
  lists.push_back(Value::list({Value::local_time({86'399'999'999'999})}));
  lists.push_back(Value::list({Value::time({5, -3'600}), Value::time({0, -3'600})}));
  lists.push_back(Value::list({Value::local_date_time({1'700'000'000, 999'999'999})}));
  lists.push_back(Value::list({Value::date_time({0, 7, 64'800, ""})}));
  return lists;
}

TEST(PackedList, ListsComeBack) {
  std::string bytes;
  for (const Value& list : some_lists()) {
    ASSERT_TRUE(PackedList::pack(list, kBytesMax, &bytes)) << to_text(list);
    const PackedList packed(bytes);
    EXPECT_EQ(to_text(packed.unpack()), to_text(list));
    EXPECT_EQ(packed.unpack().type(), ValueType::kList);
    ASSERT_EQ(packed.size(), list.as_list().size());
    std::vector<int64_t> numbers;
    const bool integral = packed.items() == PackedList::Items::kIntegers || packed.items() == PackedList::Items::kWords;
    if (integral) packed.each_integer([&](auto v) { numbers.push_back(v); });
    for (size_t i = 0; i < packed.size(); ++i) {
      EXPECT_EQ(to_text(packed.get(i)), to_text(list.as_list()[i]));
      EXPECT_EQ(packed.get(i).type(), list.as_list()[i].type());
      if (integral) {
        EXPECT_EQ(packed.integer(i), numbers[i]);
      }
    }
  }
}

TEST(PackedList, EqualListsOfIntegersHaveEqualBytes) {
  std::string a, b;
  ASSERT_TRUE(PackedList::pack(integers({1, -2, 300}), kBytesMax, &a));
  ASSERT_TRUE(PackedList::pack(integers({1, -2, 300}), kBytesMax, &b));
  EXPECT_EQ(a, b);
  EXPECT_EQ(a.size(), 7u);  // the form, and two bytes each
  ASSERT_TRUE(PackedList::pack(integers({1, -2, 301}), kBytesMax, &b));
  EXPECT_NE(a, b);
}

TEST(PackedList, OtherValuesAreRefused) {
  std::string bytes = "what was there";
  for (const Value& value :
       {Value(), Value::integer(1), Value::string("ab"), Value::list({Value()}),
        Value::list({Value::integer(1), Value()}), Value::list({Value::integer(1), Value::floating(1)}),
        Value::list({Value::string("a"), Value::boolean(true)}), Value::list({Value::list({Value::integer(1)})}),
        Value::list({Value::duration({1, 0, 0, 0})}), Value::list({Value::date({1}), Value::local_time({1})}),
        Value::list({Value::time({0, 0}), Value::time({0, 3'600})}),
        Value::list({Value::date_time({0, 0, 3'600, "Europe/Berlin"})}),
        Value::list({Value::floating(1), Value::integer(1)}), Value::list({Value::point({})})}) {
    EXPECT_FALSE(PackedList::pack(value, kBytesMax, &bytes)) << to_text(value);
  }
}

TEST(PackedList, SoManyBytesAndNoMore) {
  std::string bytes;
  for (const Value& list : some_lists()) {
    ASSERT_TRUE(PackedList::pack(list, kBytesMax, &bytes));
    const size_t size = bytes.size();
    EXPECT_TRUE(PackedList::pack(list, size, &bytes)) << to_text(list);
    if (size > 1) {
      EXPECT_FALSE(PackedList::pack(list, size - 1, &bytes)) << to_text(list);
    }
  }
  EXPECT_FALSE(PackedList::pack(Value::list(List(70'000, Value::string(""))), kBytesMax, &bytes));
  EXPECT_FALSE(PackedList::pack(Value::list({Value::string(std::string(70'000, 'x'))}), kBytesMax, &bytes));
  EXPECT_TRUE(PackedList::pack(Value::list({Value::string(std::string(65'000, 'x'))}), kBytesMax, &bytes));
}

TEST(PackedList, NothingIsTheEmptyList) {
  EXPECT_EQ(PackedList({}).size(), 0u);
  EXPECT_EQ(PackedList({}).items(), PackedList::Items::kNone);
}

}  // namespace
}  // namespace lora
