// Kernels answer exactly like the row path, whatever the columns hold.
#include <random>

#include "cypher/expr/kernels.h"
#include "expr_fixture.h"

namespace lora::cypher::testing {
namespace {

class KernelTest : public ExprTest {
 protected:
  // Columns of one kind, with or without nulls, or of mixed values.
  Column random_column(size_t rows) {
    Column c;
    const int kind = static_cast<int>(random_() % 8);
    if (kind / 2 == 3) c.reset(Column::Kind::kStrings);
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
        default: c.push(Value::string(text())); break;
      }
    }
    return c;
  }
  std::string text() {
    std::string t(random_() % 3 == 0 ? random_() % 40 : random_() % 3, ' ');
    for (char& c : t) c = static_cast<char>('a' + random_() % 3);
    return t;
  }
  int64_t small() { return static_cast<int64_t>(random_() % 7) - 3; }
  Value any_value() {
    switch (random_() % 6) {
      case 0: return Value::integer(small());
      case 1: return Value::floating(static_cast<double>(small()) / 2);
      case 2: return Value::string(std::string(1, static_cast<char>('a' + random_() % 3)));
      case 3: return Value::boolean(random_() % 2 == 0);
      case 4: return Value::list({Value::integer(small())});
      default: return Value();
    }
  }

  void compare_paths(const std::string& text, int rounds) {
    const Bound bound = bind_text(text);
    ASSERT_NE(bound.expr, nullptr) << text << ": " << bound.error;
    ASSERT_TRUE(Kernels::simple(*bound.expr)) << text;
    for (int round = 0; round < rounds; ++round) {
      const size_t rows = 3 + random_() % 40;
      Batch batch(bound.slot_count);
      for (Slot s : bound.slots) batch[s] = random_column(rows);
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

TEST_F(KernelTest, AgreeWithTheRowPathOnRandomColumns) {
  for (const char* text : {"a + b",
                           "a - b",
                           "a * b",
                           "a / b",
                           "a % b",
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
                           "a ^ 2 > b"}) {
    compare_paths(text, 40);
  }
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
