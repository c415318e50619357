// filter_column() against compare_values(), value by value.
#include "graph/cache/column_filter.h"

#include <cmath>
#include <limits>
#include <vector>

#include "graph/cache/entity_block.h"
#include "graph/text.h"
#include "tests/graph/cache_support.h"

namespace lora::graph::cache {
namespace {

constexpr char kOperators[] = {'=', '!', '<', '>', 'l', 'g'};
constexpr int64_t kMin = std::numeric_limits<int64_t>::min(), kMax = std::numeric_limits<int64_t>::max();

struct Column256 {
  Column* column = nullptr;
  ~Column256() {
    if (column != nullptr) free_tree(column);
  }
  void set(uint32_t row, const Value& value) { column = Column::set(nullptr, column, row, value); }
  Value get(uint32_t row) const { return column == nullptr || row >= column->rows ? Value() : column->get(row); }
};

Value random_integer(Random& random, int spread) {
  switch (spread) {
    case 0: return Value::integer(static_cast<int64_t>(random.below(7)) - 3);
    case 1: return Value::integer((int64_t{1} << 53) - 4 + static_cast<int64_t>(random.below(9)));
    case 2:
      return Value::integer(random.chance(50) ? kMin + static_cast<int64_t>(random.below(3))
                                              : kMax - static_cast<int64_t>(random.below(3)));
    case 3: return Value::integer(static_cast<int64_t>(random.engine()()));
    default: return Value::integer(static_cast<int64_t>(random.below(uint64_t{1} << 33)) - 5);
  }
}

Value random_float(Random& random, int spread) {
  static const double kSpecial[] = {std::nan(""),
                                    HUGE_VAL,
                                    -HUGE_VAL,
                                    -0.0,
                                    0.0,
                                    9223372036854775808.0,
                                    -9223372036854775808.0,
                                    9007199254740992.0,
                                    9007199254740994.0,
                                    1e300,
                                    -1e300,
                                    0.5,
                                    -2.5};
  if (spread == 0) return Value::floating(static_cast<double>(random.below(13)) / 2 - 3);
  return Value::floating(kSpecial[random.below(std::size(kSpecial))]);
}

Value random_text(Random& random) {
  static const char* const kTexts[] = {
      "", "a", "b", "ab", "abc", "B", "\xc3\xa4", "\xff", "a longer text than fits inline"};
  return Value::string(kTexts[random.below(std::size(kTexts))]);
}

Value random_value(Random& random) {
  switch (random.below(10)) {
    case 0:
    case 1: return random_integer(random, static_cast<int>(random.below(5)));
    case 2:
    case 3: return random_float(random, static_cast<int>(random.below(2)));
    case 4: return random_text(random);
    case 5: return Value::boolean(random.chance(50));
    case 6:
      if (random.chance(50))
        return Value::list(List(random.below(3), random.chance(50) ? Value::integer(1) : Value::floating(1)));
      return Value::list({Value::integer(1), random.chance(30) ? Value() : Value::string("x")});
    case 7:
    case 8: return random_word(random, random.below(6));
    default: return Value();
  }
}

bool keeps(char op, const Value& property, const Value& value) {
  if (op == 'n' || op == 'v') return property.is_null() == (op == 'n');
  return compare_values(op, property, value) == Ternary::kTrue;
}

void check(const Column256& column, char op, const Value& value, Random& random) {
  uint64_t before[4], rows[4];
  const bool few = random.chance(20);
  for (size_t w = 0; w < 4; ++w) {
    before[w] = rows[w] = few ? uint64_t{1} << random.below(64) : random.chance(40) ? ~uint64_t{0} : random.engine()();
  }
  filter_column(column.column, op, value, rows);
  for (uint32_t row = 0; row < EntityBlock::kRows; ++row) {
    const bool asked = (before[row / 64] >> (row % 64) & 1) != 0;
    const bool want = asked && keeps(op, column.get(row), value);
    ASSERT_EQ((rows[row / 64] >> (row % 64) & 1) != 0, want)
        << "row " << row << " of " << (column.column == nullptr ? 0 : column.column->rows) << ": "
        << to_text(column.get(row)) << " " << op << " " << to_text(value);
  }
}

TEST(ColumnFilter, KeepsWhatComparingEachValueKeeps) {
  Random random(1);
  for (int round = 0; round < 600; ++round) {
    // A kind of column: numbers of one spread, texts, booleans, and with some all kinds of values.
    const uint64_t kind = random.below(16);
    const int spread = static_cast<int>(random.below(5));
    const uint32_t rows =
        random.chance(50) ? EntityBlock::kRows : 1 + static_cast<uint32_t>(random.below(EntityBlock::kRows));
    const uint32_t missing = random.chance(50) ? 0 : static_cast<uint32_t>(random.below(100));
    Column256 column;
    for (uint32_t row = 0; row < rows; ++row) {
      if (random.chance(missing)) continue;
      if (kind < 4) column.set(row, random_integer(random, spread));
      if (kind >= 4 && kind < 6) column.set(row, random_float(random, spread % 2));
      if (kind >= 6 && kind < 8) column.set(row, random_text(random));
      if (kind == 8) column.set(row, Value::boolean(random.chance(50)));
      if (kind == 9) column.set(row, random_value(random));
      if (kind > 9) column.set(row, random_word(random, kind - 10));
    }
    // Bounds that are wider than what is there.
    for (uint32_t i = 0; i < 3 && column.column != nullptr && random.chance(30); ++i) {
      const auto row = static_cast<uint32_t>(random.below(rows));
      const Value old = column.get(row);
      if (old.is_null()) continue;
      column.set(row, random_integer(random, 3));
      if (random.chance(50)) column.set(row, old);
    }
    for (int i = 0; i < 12; ++i) {
      const Value value = random.chance(50)               ? column.get(static_cast<uint32_t>(random.below(rows)))
                          : kind > 9 && random.chance(60) ? random_word(random, kind - 10)
                                                          : random_value(random);
      check(column, kOperators[random.below(std::size(kOperators))], value, random);
      if (HasFatalFailure()) return;
    }
    check(column, 'n', Value(), random);
    check(column, 'v', Value(), random);
    if (HasFatalFailure()) return;
  }
}

TEST(ColumnFilter, WithoutTheColumnAllPropertiesAreNull) {
  uint64_t rows[4] = {1, 2, 3, ~uint64_t{0}};
  filter_column(nullptr, 'n', Value(), rows);
  EXPECT_EQ(rows[3], ~uint64_t{0});
  filter_column(nullptr, '!', Value::integer(1), rows);
  for (uint64_t word : rows) EXPECT_EQ(word, 0u);
}

}  // namespace
}  // namespace lora::graph::cache
