// Packed lists say what the lists they were made from say.
#include "graph/packed_list.h"

#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <string>
#include <thread>
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

Ternary ternary_or(Ternary a, Ternary b) {
  if (a == Ternary::kTrue || b == Ternary::kTrue) return Ternary::kTrue;
  return a == Ternary::kNull || b == Ternary::kNull ? Ternary::kNull : Ternary::kFalse;
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
    EXPECT_EQ(to_text(Value::list(packed.unpack())), to_text(list));
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

// As a value a packed list does what the list does.
TEST(PackedList, ValuesOfBothFormsAgree) {
  std::string bytes;
  std::vector<Value> boxed = some_lists(), packed;
  for (const Value& list : boxed) {
    ASSERT_TRUE(PackedList::pack(list, kBytesMax, &bytes));
    packed.push_back(Value::packed_list(bytes));
    EXPECT_EQ(packed.back().packed(), bytes);
    EXPECT_TRUE(list.packed().empty());
  }
  for (size_t i = 0; i < boxed.size(); ++i) {
    const Value copy = packed[i];
    EXPECT_EQ(copy.type(), ValueType::kList);
    EXPECT_TRUE(is_storable(copy));
    EXPECT_EQ(copy.extent().levels, boxed[i].extent().levels);
    EXPECT_EQ(copy.extent().items, boxed[i].extent().items);
    EXPECT_FALSE(copy.extent().entities);
    EXPECT_EQ(hash(copy), hash(boxed[i])) << to_text(boxed[i]);
    List exact(boxed[i].as_list().begin(), boxed[i].as_list().end());
    exact.shrink_to_fit();
    const size_t before = copy.heap_bytes();
    EXPECT_EQ(before, Value::list(exact).heap_bytes()) << to_text(boxed[i]);
    for (size_t k = 0; k < boxed.size(); ++k) {
      for (const Value& other : {boxed[k], packed[k]}) {
        EXPECT_EQ(equals(copy, other), equals(boxed[i], boxed[k]));
        EXPECT_EQ(equivalent(copy, other), equivalent(boxed[i], boxed[k]));
        EXPECT_EQ(order(copy, other), order(boxed[i], boxed[k]));
        EXPECT_EQ(order(other, copy), order(boxed[k], boxed[i]));
        for (const char op : {'=', '!', '<', '>', 'l', 'g'}) {
          EXPECT_EQ(compare_values(op, copy, other), compare_values(op, boxed[i], boxed[k]));
        }
      }
    }
    const ListItems items(copy), same(boxed[i]);
    ASSERT_EQ(items.size(), same.size());
    Value box, none;
    for (size_t k = 0; k < items.size(); ++k) {
      EXPECT_EQ(to_text(items.get(k, &box)), to_text(same.get(k, &none)));
    }
    EXPECT_EQ(to_text(copy), to_text(boxed[i]));  // unpacks it
    EXPECT_EQ(&copy.as_list(), &packed[i].as_list());
    EXPECT_EQ(copy.heap_bytes(), before);
  }
}

TEST(PackedList, ContainsWhatEqualsAnItem) {
  std::vector<Value> wanted = {Value(),
                               Value::integer(kMax),
                               Value::integer(127),
                               Value::floating(127),
                               Value::floating(0.5),
                               Value::floating(std::numeric_limits<double>::quiet_NaN()),
                               Value::floating(std::numeric_limits<double>::infinity()),
                               Value::integer(0),
                               Value::string(""),
                               Value::string("x"),
                               Value::list({}),
                               Value::boolean(true),
                               Value::date({0}),
                               Value::time({3'600'000'000'005, 0}),
                               Value::date_time({0, 7, 0, "Europe/London"}),
                               Value::date_time({kMax, 0, 0, ""})};
  std::string bytes;
  for (const Value& list : some_lists()) {
    ASSERT_TRUE(PackedList::pack(list, kBytesMax, &bytes));
    for (const Value& x : wanted) {
      Ternary expected = Ternary::kFalse;
      for (const Value& item : list.as_list()) expected = ternary_or(expected, equals(x, item));
      EXPECT_EQ(PackedList(bytes).contains(x), expected) << to_text(x) << " in " << to_text(list);
    }
  }
}

TEST(PackedList, ThreadsUnpackOneListTogether) {
  List texts;
  for (int i = 0; i < 200; ++i) texts.push_back(Value::string("a text of some length " + std::to_string(i)));
  std::string bytes;
  ASSERT_TRUE(PackedList::pack(Value::list(texts), kBytesMax, &bytes));
  for (int round = 0; round < 200; ++round) {
    const Value list = Value::packed_list(bytes);
    std::vector<std::thread> threads;
    std::atomic<size_t> right{0};
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([copy = list, &texts, &right] {
        right += copy.as_list().size() == texts.size() && equivalent(copy.as_list().back(), texts.back()) ? 1 : 0;
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(right, 4u);
  }
}

TEST(PackedList, NothingIsTheEmptyList) {
  EXPECT_EQ(PackedList({}).size(), 0u);
  EXPECT_EQ(PackedList({}).items(), PackedList::Items::kNone);
}

}  // namespace
}  // namespace lora
