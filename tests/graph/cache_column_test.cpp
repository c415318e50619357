// Columns of integers: what they hold, and in how many bytes; when strings and lists lie side by side.
#include "graph/cache/column.h"

#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "graph/cache/entity_block.h"
#include "tests/graph/cache_support.h"

namespace lora::graph::cache {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min(), kMax = std::numeric_limits<int64_t>::max();
constexpr KeyId kKey(3);

// A loader's column.
class Loading {
 public:
  ~Loading() {
    if (column_ != nullptr) free_tree(column_);
  }
  void set(uint32_t row, int64_t value) { set(row, Value::integer(value)); }
  void set(uint32_t row, const Value& value) { column_ = Column::set(nullptr, column_, row, value); }
  const Column& column() const { return *column_; }

 private:
  Column* column_ = nullptr;
};

uint8_t width_of(const std::vector<int64_t>& values) {
  Loading loading;
  for (uint32_t i = 0; i < values.size(); ++i) loading.set(i, values[i]);
  for (uint32_t i = 0; i < values.size(); ++i) EXPECT_EQ(loading.column().integer(i), values[i]) << i;
  return loading.column().integers.width;
}

TEST(Column, IntegersTakeAsManyBytesAsTheyLieApart) {
  EXPECT_EQ(width_of({0}), 1);
  EXPECT_EQ(width_of({kMax}), 1);
  EXPECT_EQ(width_of({kMin}), 1);
  EXPECT_EQ(width_of({1'600'000'000, 1'600'000'255}), 1);
  EXPECT_EQ(width_of({1'600'000'000, 1'600'000'256}), 2);
  EXPECT_EQ(width_of({-30'000, 35'535}), 2);
  EXPECT_EQ(width_of({-30'000, 35'536}), 4);
  EXPECT_EQ(width_of({0, UINT32_MAX}), 4);
  EXPECT_EQ(width_of({-1, UINT32_MAX}), 8);
  EXPECT_EQ(width_of({kMin, kMin + UINT32_MAX}), 4);
  EXPECT_EQ(width_of({kMax, kMax - UINT32_MAX}), 4);
  // Distances are taken modulo 2^64; neighbours in that sense are not close.
  EXPECT_EQ(width_of({kMin, kMax}), 8);
  EXPECT_EQ(width_of({kMax, kMin}), 8);
}

// The kind of a column of texts of these lengths, which holds them.
Column::Kind kind_of(const std::vector<size_t>& lengths) {
  const auto text_of = [&](size_t row) {  // no two are equal
    const std::string number = std::to_string(row) + ' ';
    return number + std::string(lengths[row] - number.size(), 'x');
  };
  Loading loading;
  for (uint32_t row = 0; row < lengths.size(); ++row) loading.set(row, Value::string(text_of(row)));
  for (uint32_t row = 0; row < lengths.size(); ++row) {
    EXPECT_EQ(loading.column().get(row).as_string(), text_of(row)) << row;
  }
  return loading.column().column_kind;
}

TEST(Column, StringsLieSideBySideUnlessTheyAreLong) {
  EXPECT_EQ(kind_of(std::vector<size_t>(EntityBlock::kRows, 255)), Column::Kind::kStrings);
  EXPECT_EQ(kind_of(std::vector<size_t>(EntityBlock::kRows, Column::kStringMax)), Column::Kind::kValues);
  EXPECT_EQ(kind_of(std::vector<size_t>(EntityBlock::kRows, Column::kStringMeanMax + 50)), Column::Kind::kValues);
  // A few long ones among short ones; one that is too long.
  std::vector<size_t> some(EntityBlock::kRows, 200);
  some[0] = some[100] = some[255] = Column::kStringMax;
  EXPECT_EQ(kind_of(some), Column::Kind::kStrings);
  some[200] = Column::kStringMax + 1;
  EXPECT_EQ(kind_of(some), Column::Kind::kValues);
}

TEST(Column, ListsOfOneTypeLieSideBySideUnlessTheyAreLong) {
  const auto kind = [](const std::vector<Value>& lists) {
    Loading loading;
    for (uint32_t row = 0; row < lists.size(); ++row) loading.set(row, lists[row]);
    for (uint32_t row = 0; row < lists.size(); ++row) EXPECT_TRUE(equivalent(loading.column().get(row), lists[row]));
    return loading.column().column_kind;
  };
  const Value numbers = Value::list({Value::integer(1), Value::integer(700)});
  const Value texts = Value::list({Value::string("a"), Value::string("")});
  EXPECT_EQ(kind({numbers, Value::list({}), texts, numbers}), Column::Kind::kLists);
  EXPECT_EQ(kind({numbers, Value::list({Value::integer(1), Value::string("a")})}), Column::Kind::kValues);
  EXPECT_EQ(kind({numbers, Value::integer(1)}), Column::Kind::kValues);
  EXPECT_EQ(kind({Value::list(List(2'000, Value::integer(1)))}), Column::Kind::kLists);
  EXPECT_EQ(kind({Value::list(List(3'000, Value::integer(1)))}), Column::Kind::kValues);
  EXPECT_EQ(kind(std::vector<Value>(20, numbers)), Column::Kind::kLists);
  std::vector<Value> longer;
  for (int i = 0; i < 30; ++i) longer.push_back(Value::list(List(400, Value::integer(i * 1'000))));
  EXPECT_EQ(kind(longer), Column::Kind::kValues);
}

TEST(Column, ConsecutiveIntegersTakeOneByteEachUpAndDown) {
  for (const auto& [first, step] : {std::pair<int64_t, int64_t>{0, 1}, {0, -1}, {kMin, 1}, {kMax, -1}, {70'000, 1}}) {
    std::vector<int64_t> values;
    for (int64_t i = 0; i < EntityBlock::kRows; ++i) values.push_back(first + i * step);
    EXPECT_EQ(width_of(values), 1) << first;
  }
}

TEST(Column, AValueOnItsWayOutDoesNotCountWhenTheColumnIsLaidOutAgain) {
  Loading loading;
  loading.set(0, 5);
  loading.set(1, kMax);
  EXPECT_EQ(loading.column().integers.width, 8);
  Loading narrow;
  narrow.set(0, 5);
  narrow.set(0, 1'000'000'000'000);  // the only row: nothing is far from it
  EXPECT_EQ(narrow.column().integers.width, 1);
  EXPECT_EQ(narrow.column().integers.min, 1'000'000'000'000);
  EXPECT_EQ(narrow.column().integer(0), 1'000'000'000'000);
}

// Bytes of one word; 0: the column is no longer one of words.
uint8_t word_width_of(const std::vector<Value>& values) {
  Loading loading;
  for (uint32_t i = 0; i < values.size(); ++i) loading.set(i, values[i]);
  for (uint32_t i = 0; i < values.size(); ++i) {
    const Value got = loading.column().get(i);
    EXPECT_TRUE(got.type() == values[i].type() && equivalent(got, values[i])) << i;
  }
  return loading.column().column_kind == Column::Kind::kWords ? loading.column().integers.width : 0;
}

TEST(Column, DatesAndTimesOfOneTypeAreKeptLikeIntegers) {
  EXPECT_EQ(word_width_of({Value::date({20'000}), Value::date({20'255})}), 1);
  EXPECT_EQ(word_width_of({Value::date({0}), Value::date({20'255})}), 2);
  EXPECT_EQ(word_width_of({Value::local_time({0}), Value::local_time({UINT32_MAX})}), 4);
  EXPECT_EQ(word_width_of({Value::local_date_time({0, 0}), Value::local_date_time({86'400, 0})}), 8);
  EXPECT_EQ(word_width_of({Value::date_time({0, 0, 3'600, ""}), Value::date_time({0, 1, 3'600, ""})}), 1);
  // Of two types, of two offsets, of a zone, or out of reach.
  EXPECT_EQ(word_width_of({Value::date({1}), Value::local_time({1})}), 0);
  EXPECT_EQ(word_width_of({Value::date({1}), Value::integer(1)}), 0);
  EXPECT_EQ(word_width_of({Value::integer(1), Value::date({1})}), 0);
  EXPECT_EQ(word_width_of({Value::date_time({0, 0, 3'600, ""}), Value::date_time({0, 0, 0, ""})}), 0);
  EXPECT_EQ(word_width_of({Value::date_time({0, 0, 3'600, "Europe/Berlin"})}), 0);
  EXPECT_EQ(word_width_of({Value::local_date_time({0, 0}), Value::local_date_time({int64_t{1} << 40, 0})}), 0);
  EXPECT_EQ(word_width_of({Value::duration({1, 2, 3, 4})}), 0);
}

int64_t random_integer(Random& random, int spread, int64_t around) {
  switch (spread) {
    case 0: return around + static_cast<int64_t>(random.below(100));
    case 1: return around - static_cast<int64_t>(random.below(40'000));
    case 2: return around + static_cast<int64_t>(random.below(uint64_t{1} << 31));
    case 3: return static_cast<int64_t>(random.engine()());
    default:
      return random.chance(50) ? kMin + static_cast<int64_t>(random.below(3))
                               : kMax - static_cast<int64_t>(random.below(3));
  }
}

// Statements on one block: set, remove, roll back, and a pinned version that stays as it was. VersionsFixture checks at
// its end that every byte was counted.
TEST(Column, IntegersAreWhatWasSetThroughVersionsAndRollbacks) {
  Random random(7);
  for (int round = 0; round < 60; ++round) {
    VersionsFixture fixture;
    std::map<uint32_t, int64_t> model, pinned_model;
    const int64_t around = static_cast<int64_t>(random.below(uint64_t{1} << 40)) - (int64_t{1} << 39);
    const Root* pinned = nullptr;
    uint32_t slot = 0;
    const auto check = [&](const Root& root, const std::map<uint32_t, int64_t>& want) {
      const EntityBlock* block = root.find_block(EntityKind::kNode, 0);
      for (uint32_t row = 0; row < EntityBlock::kRows; ++row) {
        const auto it = want.find(row);
        const Value value = block->get(row, kKey);
        ASSERT_EQ(value.is_null(), it == want.end()) << row;
        if (it == want.end()) continue;
        ASSERT_EQ(value.as_integer(), it->second) << row;
      }
    };
    {
      auto context = fixture.versions.begin();
      context->root()->edit_fresh_block(*context, EntityKind::kNode, 0);
      for (uint32_t row = 0; row < EntityBlock::kRows; ++row) {
        ASSERT_TRUE(context->root()->edit_create_node(*context, NodeId(row), {}, {}));
      }
      fixture.commit(std::move(context));
    }
    for (int step = 0; step < 40; ++step) {
      auto context = fixture.versions.begin();
      context->begin_statement();
      std::map<uint32_t, int64_t> next = model;
      const int spread = random.chance(80) ? 0 : static_cast<int>(random.below(5));
      for (uint64_t n = random.below(random.chance(20) ? 200 : 5); n > 0; --n) {
        const auto row = static_cast<uint32_t>(random.below(EntityBlock::kRows));
        const bool remove = random.chance(15);
        const int64_t value = random_integer(random, spread, around);
        ASSERT_TRUE(context->root()->edit_set_property(*context, EntityKind::kNode, row, kKey,
                                                       remove ? Value() : Value::integer(value)));
        if (remove) {
          next.erase(row);
        } else {
          next[row] = value;
        }
      }
      check(*context->root(), next);
      if (HasFatalFailure()) return;
      if (random.chance(20)) {
        context->rollback_statement();
      } else {
        context->finish_statement();
        model = std::move(next);
      }
      check(*context->root(), model);
      fixture.commit(std::move(context));
      if (HasFatalFailure()) return;
      if (random.chance(30)) {
        if (pinned != nullptr) {
          check(*pinned, pinned_model);
          fixture.versions.unpin(slot);
        }
        pinned = fixture.versions.pin(&slot);
        pinned_model = model;
      }
    }
    if (pinned != nullptr) {
      check(*pinned, pinned_model);
      fixture.versions.unpin(slot);
    }
  }
}

}  // namespace
}  // namespace lora::graph::cache
