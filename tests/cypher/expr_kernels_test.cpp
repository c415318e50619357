// Kernels answer exactly like the row path, whatever the columns hold.
#include <random>

#include "cypher/expr/kernels.h"
#include "expr_fixture.h"
#include "graph/packed_list.h"

namespace lora::cypher::testing {
namespace {

class KernelTest : public ExprTest {
 protected:
  // Columns of one kind, with or without nulls, or of mixed values.
  Column random_column(size_t rows) {
    Column c;
    const int kind = static_cast<int>(random_() % 10);
    if (kind / 2 == 3) c.reset(Column::Kind::kStrings);
    const WordType words = word_type();
    if (kind / 2 == 4) c.reset_words(words);
    for (size_t i = 0; i < rows; ++i) {
      const bool null = kind % 2 == 1 && random_() % 4 == 0;
      if (null) {
        c.push(Value());
        continue;
      }
      switch (kind / 2) {
        case 0: c.push(Value::integer(small())); break;
        case 1:
          c.push(random_() % 8 == 0 ? Value::floating(0.0 / 0.0) : Value::floating(static_cast<double>(small()) / 2));
          break;
        case 2: c.push(any_value()); break;
        case 3: c.push(Value::string(text())); break;
        default: c.push(from_word(words, words.type == ValueType::kBoolean ? std::abs(small()) % 2 : small())); break;
      }
    }
    return c;
  }
  WordType word_type() {
    static constexpr ValueType kTypes[] = {ValueType::kBoolean, ValueType::kBoolean,       ValueType::kDate,
                                           ValueType::kDate,    ValueType::kLocalDateTime, ValueType::kDateTime};
    const ValueType type = kTypes[random_() % std::size(kTypes)];
    return {type, type == ValueType::kDateTime ? static_cast<int32_t>(random_() % 2) * 3'600 : 0};
  }
  std::string text() {
    std::string t(random_() % 3 == 0 ? random_() % 40 : random_() % 3, ' ');
    for (char& c : t) c = static_cast<char>('a' + random_() % 3);
    for (size_t more = random_() % 6 == 0 ? random_() % 12 : 0; more > 0; --more) {
      t.insert(random_() % 2 == 0 ? 0 : t.size(), "\u00e4");
    }
    return t;
  }
  int64_t small() { return static_cast<int64_t>(random_() % 7) - 3; }
  Value any_value() {
    switch (random_() % 8) {
      case 0: return Value::integer(small());
      case 1: return Value::floating(static_cast<double>(small()) / 2);
      case 2: return Value::string(std::string(1, static_cast<char>('a' + random_() % 3)));
      case 3: return Value::boolean(random_() % 2 == 0);
      case 4: return Value::list({Value::integer(small())});
      case 5: return Value::date({small()});
      case 6: return from_word({ValueType::kDateTime, 0}, small());
      default: return Value();
    }
  }

  // A column of lists: packed or boxed, of items of one type or of several, some null, now and then with another value.
  Column random_lists(size_t rows) {
    Column c;
    const int kind = static_cast<int>(random_() % 7);
    const bool nulls = random_() % 3 == 0, packed = random_() % 3 != 0, mixed = random_() % 8 == 0;
    const bool lengthy = random_() % 8 == 0;
    const WordType words = word_type();
    c.reset(packed ? Column::Kind::kLists : Column::Kind::kValues);
    std::string bytes;
    for (size_t i = 0; i < rows; ++i) {
      if (nulls && random_() % 4 == 0) {
        c.push_nulls(1);
        continue;
      }
      List items;
      const int of = mixed ? static_cast<int>(random_() % 7) : kind;
      for (size_t left = random_() % 3 == 0 ? 0 : random_() % (lengthy ? 150 : 6); left > 0; --left) {
        switch (of) {
          case 0: items.push_back(Value::integer(small())); break;
          case 1: items.push_back(Value::floating(static_cast<double>(small()) / 2)); break;
          case 2: items.push_back(Value::string(text())); break;
          case 3: items.push_back(from_word(words, words.type == ValueType::kBoolean ? 1 : small())); break;
          case 4: items.push_back(Value::integer(small() * 1'000'000'000'000)); break;
          case 5: items.push_back(Value::string(std::string(random_() % 400, 'a'))); break;
          default: items.push_back(packed ? Value::integer(small() * 100) : any_value()); break;
        }
      }
      const Value list = Value::list(std::move(items));
      if (!packed) {
        c.push(random_() % 200 == 0 ? any_value() : list);
      } else if (PackedList::pack(list, 4'000, &bytes)) {
        if (!c.nulls.empty()) c.nulls.push_back(0);
        c.texts.push(bytes);
      } else {
        c.push_nulls(1);
      }
    }
    return c;
  }

  // `lists`: the first column is of lists.
  void compare_paths(const std::string& text, int rounds, bool lists = false) {
    const Bound bound = bind_text(text);
    ASSERT_NE(bound.expr, nullptr) << text << ": " << bound.error;
    ASSERT_TRUE(Kernels::simple(*bound.expr)) << text;
    for (int round = 0; round < rounds; ++round) {
      const size_t rows = 3 + random_() % 40;
      Batch batch(bound.slot_count);
      for (Slot s : bound.slots) {
        batch[s] = lists && s == bound.slots[0] ? random_lists(rows) : random_column(rows);
      }
      batch.rows = rows;
      Column out;
      const Status all = evaluator_.evaluate(*bound.expr, batch, &out);
      bool any_error = false;
      for (size_t row = 0; row < rows; ++row) {
        Value v;
        const Status one = evaluator_.evaluate_row(*bound.expr, batch, row, &v);
        any_error |= !one.ok();
        if (!all.ok() || !one.ok()) continue;
        ASSERT_EQ(shown(out.get(row)), shown(v)) << text << " row " << row << " seed " << kSeed;
      }
      ASSERT_EQ(all.ok(), !any_error) << text << " " << all.to_string();
    }
  }

  static constexpr uint32_t kSeed = 4711;
  std::mt19937 random_{kSeed};
};

TEST_F(KernelTest, LongTextsThatFunctionsGiveBackAreShared) {
  const Bound bound = bind_text("toString(a)");
  ASSERT_NE(bound.expr, nullptr) << bound.error;
  for (const size_t long_from : {size_t{0}, size_t{3}, size_t{9}}) {
    Batch batch(bound.slot_count);
    Column& column = batch[bound.slots[0]];
    column.reset(Column::Kind::kValues);
    for (size_t i = 0; i < 9; ++i) column.push(Value::string(std::string(i < long_from ? i : 5'000, 'x')));
    batch.rows = 9;
    Column out;
    ASSERT_TRUE(evaluator_.evaluate(*bound.expr, batch, &out).ok());
    EXPECT_EQ(out.kind, long_from == 9 ? Column::Kind::kStrings : Column::Kind::kValues);
    for (size_t i = 0; i < 9; ++i) {
      EXPECT_TRUE(equivalent(out.get(i), column.values[i])) << i;
      if (i >= long_from) {
        EXPECT_EQ(out.values[i].as_string().data(), column.values[i].as_string().data()) << i;
      }
    }
  }
}

TEST_F(KernelTest, AgreeWithTheRowPathOnRandomColumns) {
  for (const char* text : {"a + b",
                           "a - b",
                           "a * b",
                           "a / b",
                           "a % b",
                           "a.year",
                           "a.hour",
                           "a.nanosecond",
                           "a IN [date('1970-01-01'), date('1969-12-31')]",
                           "a IN [true, null]",
                           "a IN [date('1970-01-01'), duration('P1D')]",
                           "a IN [false, []]",
                           "NOT a IN [datetime('1970-01-01T00:00Z'), datetime('9999-12-31T00:00Z')]",
                           "a < date('1970-01-02')",
                           "coalesce(a, b, date('1970-01-01'))",
                           "CASE WHEN b > c THEN a ELSE date('1970-01-01') END",
                           "a + b * c",
                           "a + 1",
                           "2.5 * a",
                           "-a",
                           "a = b",
                           "a <> b",
                           "a < b",
                           "a <= b",
                           "a > b",
                           "a >= b",
                           "a < b < c",
                           "a = 1",
                           "a < 1.5",
                           "1.5 < a",
                           "2 <> a",
                           "a <= 1",
                           "a > -0.5",
                           "a <> [1]",
                           "'b' < a",
                           "a <> 'b'",
                           "a = 2 OR a = 'b'",
                           "a = 'b'",
                           "a >= 'b'",
                           "a IS NULL",
                           "a IS NOT NULL",
                           "a < b AND b < c",
                           "a < b OR b < c",
                           "a < b XOR b < c",
                           "NOT a < b",
                           "a IN [1, 2, 'a']",
                           "a IN [1, null]",
                           "a STARTS WITH 'a'",
                           "a STARTS WITH ''",
                           "a ENDS WITH 'ab'",
                           "a ENDS WITH b",
                           "a CONTAINS 'c'",
                           "a CONTAINS 'aba'",
                           "a CONTAINS ''",
                           "a CONTAINS 'abcabcabcabcabcabc'",
                           "a CONTAINS b",
                           "a = b OR a + b > 0",
                           "a AND b",
                           "NOT a",
                           "a",
                           "1",
                           "a < 1 AND 10 / a > 1",
                           "a ^ 2 > b",
                           "a IN [-3, -2, -1, 0, 2, 3, 10, 11, 12]",
                           "a IN [-3, 1, 0, 5, 6, 7, 8, 9, 900000000000, null]",
                           "a IN [1, 2]",
                           "a IN ['a', 'ab', 'abcabcabc']",
                           "a IN ['', null]",
                           "a IN ['a', 'b', 'c', 'ab', 'ac', 'ba', 'bc', 'ca', 'cb']",
                           "NOT a IN [1, 2, 3]",
                           "a IN []",
                           "a IN [1, [2]]",
                           "CASE WHEN a < 0 THEN 'low' WHEN a = 0 THEN null ELSE 'a longer text of the rest' END",
                           "CASE WHEN a > b THEN a ELSE b END",
                           "CASE WHEN a > 0 THEN 1 ELSE 0 END",
                           "CASE WHEN a > 0 THEN 1.5 WHEN b > 0 THEN 2.5 END",
                           "CASE WHEN a IS NULL THEN 1 WHEN b < 0 THEN 2.5 ELSE 'c' END",
                           "CASE WHEN a > 0 THEN 10 / a ELSE a END",
                           "CASE WHEN a < 1 THEN a ELSE c + 1 END",
                           "CASE WHEN a THEN b ELSE c END",
                           "CASE a + 1 WHEN 1 THEN 'one' WHEN b THEN 'two' ELSE c END",
                           "CASE a WHEN 1 THEN b WHEN 'a' THEN c END",
                           "CASE WHEN a = 1 THEN true ELSE b = 1 END",
                           "CASE WHEN a = b THEN CASE WHEN c = 1 THEN 1 ELSE 2 END ELSE 3 END",
                           "CASE WHEN CASE WHEN a = 1 THEN true END THEN b ELSE a IN [2, 3] END",
                           "CASE WHEN a > 0 THEN toUpper(b) ELSE b END",
                           "abs(a)",
                           "sign(a)",
                           "round(a)",
                           "floor(a) + sqrt(b)",
                           "abs(a) > 1 AND b > 0",
                           "-9223372036854775807 - abs(a)",
                           "abs(a - 9223372036854775807)",
                           "size(a)",
                           "char_length(a)",
                           "toUpper(a)",
                           "toLower(a)",
                           "trim(a)",
                           "trim(a, 'a')",
                           "ltrim(a, b)",
                           "rtrim(a)",
                           "substring(a, 1)",
                           "substring(a, b)",
                           "substring(a, 1, 2)",
                           "left(a, 2)",
                           "left(a, -1)",
                           "right(a, 1)",
                           "left(a, null)",
                           "toString(a)",
                           "toString(a) = '1' OR b = 2",
                           "toUpper(a) = 'AB' AND b > 0",
                           "a =~ 'a.*'",
                           "a =~ b",
                           "a =~ '('",
                           "NOT a =~ '[ab]+'",
                           "size(toUpper(a)) + size(b)",
                           "coalesce(a, b)",
                           "replace(a, 'a', 'b')",
                           "split(a, 'b')",
                           "toInteger(a)",
                           "toFloat(a) + toInteger(b)",
                           "a + b + c",
                           "a.x",
                           "a.year + b",
                           "[a, b][0].x",
                           "a ^ b",
                           "a % b + 0.5 % c",
                           "-a + -b",
                           "a < toInteger('1') OR b",
                           "a IN split('a,b', ',')",
                           "a + toInteger('x')",
                           "a = left('abc', -1)",
                           "a || b",
                           "'x' + a + 'a text of more bytes than a few' + b",
                           "[a, b]",
                           "[a, 1, [b]]",
                           "[a, b][0]",
                           "[a, b, c][b]",
                           "a[0]",
                           "a['x']",
                           "size([a, b]) + c"}) {
    compare_paths(text, 40);
  }
}

TEST_F(KernelTest, ListsAgreeWithTheRowPath) {
  for (const char* text : {"a",
                           "a[0]",
                           "a[-1]",
                           "a[b]",
                           "a[7]",
                           "a IS NULL",
                           "a = [1, 2]",
                           "a + b",
                           "size(a)",
                           "size(a) > b",
                           "head(a)",
                           "coalesce(a, b)",
                           "CASE WHEN b > 0 THEN a ELSE b END",
                           "b IN a",
                           "1 IN a",
                           "'a' IN a",
                           "1.0 IN a",
                           "-0.5 IN a",
                           "0.0 / 0.0 IN a",
                           "9223372036854775807 IN a",
                           "[] IN a",
                           "localdatetime('1970-01-01T00:00:00.000000001') IN a",
                           "datetime('9999-12-31T00:00Z') IN a",
                           "b > 0 AND any(x IN a WHERE x > 0)",
                           "b > 0 OR NOT all(x IN a WHERE x > c)",
                           "b > 0 AND any(x IN a WHERE 10 / x > 1) OR c",
                           "single(x IN a WHERE x = b) AND size(a) > 1",
                           "null IN a",
                           "true IN a",
                           "date('1970-01-02') IN a",
                           "datetime('1970-01-01T00:00Z') IN a",
                           "NOT b IN a OR c",
                           "[x IN a]",
                           "[x IN a | 1]",
                           "[x IN a | x + 1]",
                           "[x IN a | x + b]",
                           "[x IN a WHERE x > 0]",
                           "[x IN a WHERE x > 0 | x * 2 + c]",
                           "[x IN a WHERE x <> b | x || b]",
                           "[x IN a WHERE x STARTS WITH 'a' | toUpper(x)]",
                           "[x IN a | 10 / x]",
                           "[x IN a WHERE x]",
                           "[x IN [y IN a WHERE y > 0 | y + 1] | x * 2]",
                           "[x IN a | size([y IN a WHERE y = x])]",
                           "[x IN a | any(y IN a WHERE y > x)]",
                           "[x IN a | null]",
                           "[x IN b | x]",
                           "[x IN [1, 2, 3] WHERE x > b | x]",
                           "[x IN null | x + b]",
                           "[x IN [] WHERE x > b]",
                           "[x IN a | x][0]",
                           "[x IN a WHERE x > 0][b]",
                           "size([x IN a WHERE x > 0])",
                           "size([x IN a | 1 / x])",
                           "size([x IN a WHERE x.year = 1970])",
                           "any(x IN a WHERE x > 0)",
                           "all(x IN a WHERE x > 0)",
                           "none(x IN a WHERE x > 0)",
                           "single(x IN a WHERE x > 0)",
                           "all(x IN a WHERE x = b)",
                           "any(x IN a WHERE 10 / x > 1)",
                           "none(x IN a WHERE x IS NULL)",
                           "any(x IN a WHERE x STARTS WITH 'a') AND b > 0",
                           "any(x IN a WHERE x IN [1, 2, 'a'])",
                           "any(x IN a WHERE CASE x WHEN 1 THEN true ELSE false END)",
                           "CASE WHEN any(x IN a WHERE x = 1) THEN 1 ELSE size(a) END",
                           "reduce(s = 0, x IN a | s + x)",
                           "reduce(s = 0.5, x IN a | s + x * 2)",
                           "reduce(s = b, x IN a | s + x)",
                           "reduce(s = '', x IN a | s + x)",
                           "reduce(s = 0, x IN a | CASE WHEN x > s THEN x ELSE s END)",
                           "reduce(s = 1, x IN a | s * x + b)",
                           "reduce(s = 9223372036854775807, x IN a | s + x)",
                           "reduce(s = true, x IN a | s AND x > 0)",
                           "reduce(s = 0, x IN a | s + size([y IN a WHERE y = x]))",
                           "reduce(s = null, x IN a | s + x)",
                           "reduce(s = 0, x IN a | s + 10 / x)",
                           "reduce(s = 0, x IN [1, 2, 3] | s + x * b)"}) {
    compare_paths(text, 60, true);
  }
  for (const char* text :
       {"split(a, 'b')[0]", "split(a, 'b')[b]", "size(split(a, 'b'))", "size(split(a, ''))",
        "[x IN split(a, 'a') WHERE size(x) > 1 | x + 'c']", "any(x IN split(a, 'aa') WHERE x = '')", "split(a, b)[0]",
        "size(split(a, ['a', 'b']))", "reduce(s = 0, x IN split(a, 'a') | s + size(x))"}) {
    compare_paths(text, 60);
  }
}

// What the test above compares is not the row path with itself.
TEST_F(KernelTest, ListsOfNumbersAreLeftToKernels) {
  for (const bool packed : {true, false}) {
    for (const char* text : {"a[0]", "size(a)", "1 IN a", "b IN a", "[x IN a WHERE x > b | x * 2]", "[x IN a | x][b]",
                             "size([x IN a WHERE x > 0])", "any(x IN a WHERE x = b)", "reduce(s = 0, x IN a | s + x)",
                             "reduce(s = b, x IN a | s + x * b)"}) {
      const Bound bound = bind_text(text);
      ASSERT_NE(bound.expr, nullptr) << text;
      Batch batch(bound.slot_count);
      for (size_t row = 0; row < 40; ++row) {
        const Value list = Value::list(List(row % 7, Value::integer(static_cast<int64_t>(row))));
        batch[bound.slots[0]].push(list);
        if (bound.slots[1] != kNoSlot) batch[bound.slots[1]].push(Value::integer(static_cast<int64_t>(row % 3)));
      }
      if (packed) {
        Column& lists = batch[bound.slots[0]];
        Column made;
        made.reset(Column::Kind::kLists);
        std::string bytes;
        for (const Value& list : lists.values) {
          ASSERT_TRUE(PackedList::pack(list, 4'000, &bytes));
          made.texts.push(bytes);
        }
        lists = std::move(made);
      }
      batch.rows = 40;
      Column out;
      EXPECT_TRUE(Kernels(&evaluator_, batch).column(*bound.expr, &out)) << text << (packed ? " packed" : " boxed");
      EXPECT_EQ(out.size(), 40u) << text;
    }
  }
}

// Columns of texts that are all null or empty have no bytes at all.
TEST_F(KernelTest, ColumnsOfNoText) {
  for (const char* text :
       {"a IN ['a', 'b']", "a + b", "a + b IN ['', 'x']", "a + b = 'x' OR a CONTAINS 'x'", "toUpper(a)", "size(a + b)",
        "CASE WHEN b IS NULL THEN a ELSE b END", "a + b IN ['1', '2', '3', '4', '5', '6', '7', '8', '9']"}) {
    const Bound bound = bind_text(text);
    ASSERT_TRUE(Kernels::simple(*bound.expr)) << text;
    for (const Value& only : {Value(), Value::string("")}) {
      Batch batch(bound.slot_count);
      for (Slot s : bound.slots) {
        if (s == kNoSlot) continue;
        batch[s].reset(Column::Kind::kStrings);
        for (int i = 0; i < 20; ++i) batch[s].push(only);
      }
      batch.rows = 20;
      Column out;
      ASSERT_TRUE(evaluator_.evaluate(*bound.expr, batch, &out).ok()) << text;
      Value one;
      ASSERT_TRUE(evaluator_.evaluate_row(*bound.expr, batch, 7, &one).ok()) << text;
      for (size_t row = 0; row < 20; ++row) EXPECT_EQ(shown(out.get(row)), shown(one)) << text;
    }
  }
}

// Tests of one row after the other give back what they charge for values that nobody keeps.
TEST_F(KernelTest, MasksLeaveNothingCharged) {
  const Bound bound = bind_text("toUpper(a) = 'X' OR a + 'b' = 'c'");
  Batch batch(bound.slot_count);
  batch[bound.slots[0]].reset(Column::Kind::kStrings);
  for (int i = 0; i < 20; ++i) batch[bound.slots[0]].push(Value::string("some text"));
  batch.rows = 20;
  std::vector<uint8_t> mask;
  ASSERT_TRUE(evaluator_.cheap_mask(*bound.expr, batch, &mask));
  EXPECT_EQ(count_true(mask), 0u);
  EXPECT_EQ(control_.made_bytes(), 0u);
}

TEST_F(KernelTest, FilterKeepsOnlyTrueRows) {
  const Bound bound = bind_text("a > 1");
  Batch batch(bound.slot_count);
  for (int i = 0; i < 5; ++i) batch[bound.slots[0]].push(i == 3 ? Value() : Value::integer(i));
  batch.rows = 5;
  std::vector<uint32_t> rows;
  ASSERT_TRUE(evaluator_.filter(*bound.expr, batch, &rows).ok());
  EXPECT_EQ(rows, (std::vector<uint32_t>{2, 4}));
}

TEST_F(KernelTest, ErrorsBehindADecidedOperandDoNotShow) {
  const Bound bound = bind_text("a <> 0 AND 10 / a > 1");
  Batch batch(bound.slot_count);
  for (int i = 0; i < 8; ++i) batch[bound.slots[0]].push(Value::integer(i));
  batch.rows = 8;
  std::vector<uint32_t> rows;
  const Status s = evaluator_.filter(*bound.expr, batch, &rows);
  ASSERT_TRUE(s.ok()) << s.to_string();
  EXPECT_EQ(rows, (std::vector<uint32_t>{1, 2, 3, 4, 5}));
}

TEST_F(KernelTest, FilterRefusesWhatIsNotBoolean) {
  const Bound bound = bind_text("a");
  Batch batch(bound.slot_count);
  for (int i = 0; i < 5; ++i) batch[bound.slots[0]].push(Value::integer(i));
  batch.rows = 5;
  std::vector<uint32_t> rows;
  EXPECT_EQ(error_text(evaluator_.filter(*bound.expr, batch, &rows)), "TypeError:InvalidArgumentType");
}

}  // namespace
}  // namespace lora::cypher::testing
