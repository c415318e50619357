// Columns keep their values through every way of filling, cutting and gathering.
#include "cypher/expr/batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "graph/packed_list.h"
#include "graph/text.h"

namespace lora::cypher {
namespace {

void expect_equal(const Column& c, const List& model) {
  ASSERT_EQ(c.size(), c.kind == Column::Kind::kEmpty ? 0 : model.size());
  for (size_t i = 0; i < c.size(); ++i) {
    ASSERT_TRUE(equivalent(c.get(i), model[i])) << i;
    ASSERT_EQ(c.is_null(i), model[i].is_null()) << i;
  }
}

TEST(ColumnTest, TypedByItsFirstValueAndBoxedByTheFirstThatDoesNotFit) {
  Column c;
  c.push(Value::integer(1));
  EXPECT_EQ(c.kind, Column::Kind::kIntegers);
  c.push(Value());
  EXPECT_EQ(c.kind, Column::Kind::kIntegers);
  EXPECT_TRUE(c.is_null(1));
  c.push(Value::string("x"));
  EXPECT_EQ(c.kind, Column::Kind::kValues);
  expect_equal(c, {Value::integer(1), Value(), Value::string("x")});
}

TEST(ColumnTest, NodesAndRelationshipsAreIdsWithANullId) {
  Column c;
  c.push(Value::node(NodeId(7)));
  c.push(Value());
  EXPECT_EQ(c.kind, Column::Kind::kNodes);
  EXPECT_EQ(c.ids[1], kNoId);
  c.push(Value::relationship(RelId(7)));
  EXPECT_EQ(c.kind, Column::Kind::kValues);
  EXPECT_TRUE(c.get(2).is_relationship());
}

TEST(ColumnTest, ClearLeavesNothingBehind) {
  Column c;
  c.push(Value::floating(1));
  c.push(Value());
  c.clear();
  EXPECT_EQ(c.size(), 0u);
  c.push(Value::floating(2));
  EXPECT_FALSE(c.is_null(0));
}

TEST(ColumnTest, GatherRepeatsAndReorders) {
  Column c;
  for (int i = 0; i < 4; ++i) c.push(i == 2 ? Value() : Value::integer(i));
  c.gather({3, 2, 2, 0});
  expect_equal(c, {Value::integer(3), Value(), Value(), Value::integer(0)});
}

TEST(ColumnTest, WordsStayAmongThoseOfTheirType) {
  const WordType type{ValueType::kDateTime, 3'600};
  Column c, other;
  c.reset_words(type);
  c.push(from_word(type, 5));
  c.push(Value());
  other.append(c);
  other.push_from(c, 0);
  EXPECT_EQ(other.kind, Column::Kind::kWords);
  expect_equal(other, {from_word(type, 5), Value(), from_word(type, 5)});
  EXPECT_EQ(to_text(other.get(2)), "1970-01-01T01:00:00.000000005+01:00");
  // What keeping them costs is told before one of another offset makes them Values.
  const size_t each = c.row_heap_bytes(0);
  EXPECT_EQ(each, from_word(type, 5).heap_bytes());
  EXPECT_EQ(c.boxed_heap_bytes(), 2 * each);
  other.push(from_word({ValueType::kDateTime, 0}, 5));
  EXPECT_EQ(other.kind, Column::Kind::kValues);
  EXPECT_EQ(other.row_heap_bytes(0), each);
  Column dates;
  dates.reset_words({ValueType::kDate, 0});
  dates.push(Value::date({7}));
  EXPECT_EQ(dates.row_heap_bytes(0), 0u);
  dates.push(Value::integer(7));
  EXPECT_EQ(dates.kind, Column::Kind::kValues);
  expect_equal(dates, {Value::date({7}), Value::integer(7)});
}

TEST(ColumnTest, AgreesWithAListUnderRandomChanges) {
  std::mt19937 random(99);
  const auto any = [&]() -> Value {
    switch (random() % 5) {
      case 0: return Value();
      case 1: return Value::floating(static_cast<double>(random() % 9));
      case 2: return Value::string("some text that does not fit inside " + std::to_string(random() % 9));
      case 3: return Value::node(NodeId(random() % 9));
      default: return Value::integer(static_cast<int64_t>(random() % 9));
    }
  };
  for (int round = 0; round < 300; ++round) {
    const bool one_kind = round % 2 == 0;
    const bool texts = round % 4 == 1;
    const bool words = round % 8 == 3;
    const auto offset = [&](bool same) {
      return WordType{ValueType::kDateTime, same || random() % 30 != 0 ? 3'600 : 0};
    };
    const auto next = [&] {
      if (texts && random() % 5 != 0) {
        // Long ones too, so that gathering leaves bytes behind.
        return Value::string(std::string(random() % 8 == 0 ? random() % 3000 : random() % 20, 'x') +
                             std::to_string(random() % 9));
      }
      if (texts && random() % 20 != 0) return Value();
      if (words) {
        return random() % 6 == 0 ? Value() : from_word(offset(round % 16 == 3), static_cast<int64_t>(random() % 9));
      }
      return one_kind && random() % 5 != 0 ? Value::integer(static_cast<int64_t>(random() % 9))
             : one_kind                    ? Value()
                                           : any();
    };
    Column c, other;
    List model, other_model;
    for (size_t i = random() % 20; i-- > 0;) other_model.push_back(next());
    if (texts) {
      c.reset(Column::Kind::kStrings);
      other.reset(Column::Kind::kStrings);
    }
    if (words) {
      c.reset_words(offset(true));
      other.reset_words(offset(round % 16 == 3));
    }
    for (const Value& v : other_model) other.push(v);
    for (int step = 0; step < 30; ++step) {
      switch (random() % 8) {
        case 6: {
          if (other_model.empty()) break;
          std::vector<uint32_t> rows;
          for (size_t i = random() % 10; i-- > 0;) rows.push_back(static_cast<uint32_t>(random() % other_model.size()));
          c.gather_from(other, rows);
          for (uint32_t r : rows) model.push_back(other_model[r]);
          break;
        }
        case 0:
        case 1: {
          const Value v = next();
          c.push(v);
          model.push_back(v);
          break;
        }
        case 2:
          c.append(other);
          model.insert(model.end(), other_model.begin(), other_model.end());
          break;
        case 3: {
          if (other_model.empty()) break;
          const size_t row = random() % other_model.size();
          c.push_from(other, row);
          model.push_back(other_model[row]);
          break;
        }
        case 4: {
          if (model.empty()) break;
          std::vector<uint32_t> rows;
          List gathered;
          for (size_t i = random() % 10; i-- > 0;) rows.push_back(static_cast<uint32_t>(random() % model.size()));
          if (random() % 2 == 0) {
            std::sort(rows.begin(), rows.end());
            rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
          }
          for (uint32_t r : rows) gathered.push_back(model[r]);
          c.gather(rows);
          model = gathered;
          break;
        }
        case 5: {
          const size_t keep = model.size() / 2 + model.size() / 4;
          c.truncate(keep);
          if (model.size() > keep) model.resize(keep);
          break;
        }
        default:
          if (model.empty()) break;
          c.push_nulls(2);
          model.resize(model.size() + 2);
          break;
      }
      if (model.empty()) c.clear();
      expect_equal(c, model);
      if (HasFatalFailure()) return;
    }
  }
}

// Rows that were multiplied and are multiplied again: the text of a run of them lies there once.
TEST(ColumnTest, TextsThatLieInOnePlaceAreCopiedOnce) {
  Column text;
  text.reset(Column::Kind::kStrings);
  text.push(Value::string(std::string(1'000, 'x')));
  text.push(Value::string(std::string(500, 'y')));
  Column repeated, again;
  repeated.gather_from(text, {0, 0, 0, 1, 1, 0});
  EXPECT_EQ(repeated.texts.used(), 2'500u);
  again.gather_from(repeated, {0, 1, 2, 2, 3, 4, 5, 0});
  EXPECT_EQ(again.texts.used(), 3'500u);
  ASSERT_EQ(again.size(), 8u);
  for (const size_t row : {0, 1, 2, 3, 6, 7}) EXPECT_EQ(again.texts[row], std::string(1'000, 'x')) << row;
  for (const size_t row : {4, 5}) EXPECT_EQ(again.texts[row], std::string(500, 'y')) << row;
}

// Packed lists become values that are shared where rows are.
TEST(ColumnTest, PackedListsBecomeValues) {
  std::string bytes;
  ASSERT_TRUE(PackedList::pack(Value::list({Value::integer(1), Value::integer(2)}), 100, &bytes));
  Column lists;
  lists.reset(Column::Kind::kLists);
  ASSERT_TRUE(lists.texts.push(bytes));
  lists.push_nulls(1);
  Column repeated;
  repeated.gather_from(lists, {0, 0, 1, 1, 0});
  EXPECT_EQ(repeated.get(1).as_list().size(), 2u);
  EXPECT_TRUE(repeated.is_null(2));
  repeated.to_values();
  ASSERT_EQ(repeated.kind, Column::Kind::kValues);
  ASSERT_EQ(repeated.size(), 5u);
  EXPECT_EQ(repeated.values[0].packed().data(), repeated.values[1].packed().data());
  EXPECT_TRUE(repeated.values[2].is_null() && repeated.values[3].is_null());
  EXPECT_TRUE(equivalent(repeated.values[4], Value::list({Value::integer(1), Value::integer(2)})));
}

}  // namespace
}  // namespace lora::cypher
