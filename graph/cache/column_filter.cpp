#include "graph/cache/column_filter.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>

#include "graph/packed_list.h"

namespace lora::graph::cache {

namespace {

constexpr size_t kWords = 4;
constexpr size_t kRows = kWords * 64;

void keep_none(uint64_t* rows) {
  std::fill(rows, rows + kWords, 0);
}

template <typename Test>
void keep_each(uint64_t* rows, Test test) {
  for (size_t w = 0; w < kWords; ++w) {
    for (uint64_t left = rows[w]; left != 0; left &= left - 1) {
      const auto row = static_cast<uint32_t>(w * 64 + static_cast<size_t>(std::countr_zero(left)));
      if (!test(row)) rows[w] &= ~(left & -left);
    }
  }
}

// `test` for all rows 0 .. count - 1, wanted or not: a loop without branches. `outside`: those that fail are kept.
template <typename T, typename Test>
void keep_all(const T* values, size_t count, bool outside, uint64_t* rows, Test test) {
  alignas(16) uint8_t passed[kRows];
  for (size_t i = 0; i < count; ++i) passed[i] = test(values[i]) ? 1 : 0;
  for (size_t i = count; i % 64 != 0; ++i) passed[i] = 0;
  for (size_t w = 0; w < kWords; ++w) {
    uint64_t word = 0;
    for (size_t i = 0; i < 64 && w * 64 < count; i += 8) {
      uint64_t eight;  // one byte each, to one bit each
      std::memcpy(&eight, passed + w * 64 + i, 8);
      word |= (eight * 0x0102040810204080u >> 56) << i;
    }
    rows[w] &= outside ? ~word : word;
  }
}

// The integers that satisfy a comparison with a number: those from low to high, or (`outside`) all others.
struct IntegerRange {
  int64_t low = 1, high = 0;
  bool outside = false;
};

constexpr int64_t kMin = std::numeric_limits<int64_t>::min(), kMax = std::numeric_limits<int64_t>::max();

IntegerRange range_of(char op, int64_t c) {
  switch (op) {
    case '=': return {c, c};
    case '!': return {c, c, true};
    case '<': return c == kMin ? IntegerRange{} : IntegerRange{kMin, c - 1};
    case '>': return c == kMax ? IntegerRange{} : IntegerRange{c + 1, kMax};
    case 'l': return {kMin, c};
    default: return {c, kMax};
  }
}

IntegerRange range_of(char op, double d) {
  constexpr double kBeyond = 9223372036854775808.0;  // 2^63, the first float above all integers
  if (op == '=' || op == '!') {
    const bool integer = d >= -kBeyond && d < kBeyond && std::trunc(d) == d;
    IntegerRange range = integer ? range_of('=', static_cast<int64_t>(d)) : IntegerRange{};
    range.outside = op == '!';
    return range;
  }
  if (std::isnan(d)) return {};
  const bool below = op == '<' || op == 'l';
  if (d >= kBeyond) return below ? IntegerRange{kMin, kMax} : IntegerRange{};
  if (d < -kBeyond) return below ? IntegerRange{} : IntegerRange{kMin, kMax};
  // -kBeyond <= d < kBeyond, and so are floor(d) and, unless it is kBeyond, ceil(d).
  const double floor = std::floor(d);
  const auto whole = static_cast<int64_t>(floor);
  if (floor == d) return range_of(op, whole);
  return range_of(below ? 'l' : '>', whole);
}

void test_integers(const Column& column, const IntegerRange& range, uint64_t* rows) {
  const bool none = range.low > range.high || column.integers.max < range.low || column.integers.min > range.high;
  const bool all = column.integers.min >= range.low && column.integers.max <= range.high;
  if (none || all) {
    if (none != range.outside) keep_none(rows);
    return;
  }
  const int64_t least = std::max(range.low, column.integers.min);
  const uint64_t low = static_cast<uint64_t>(least) - static_cast<uint64_t>(column.integers.base);
  const uint64_t width =
      static_cast<uint64_t>(std::min(range.high, column.integers.max)) - static_cast<uint64_t>(least);
  column.with_integers([&](const auto* distances) {
    // In the distances' own type, of which processors compare two to sixteen at a time.
    using Distance = std::remove_const_t<std::remove_pointer_t<decltype(distances)>>;
    const auto from = static_cast<Distance>(low), reach = static_cast<Distance>(width);
    keep_all(distances, column.rows, range.outside, rows,
             [=](Distance x) { return static_cast<Distance>(x - from) <= reach; });
  });
}

void test_floats(const Column& column, char op, double c, uint64_t* rows) {
  const double min = column.floats.min, max = column.floats.max;
  const double* values = column.float_array();
  const size_t count = column.rows;
  switch (op) {
    case '=':
      if (!(min <= c && c <= max)) return keep_none(rows);
      return keep_all(values, count, false, rows, [c](double x) { return x == c; });
    case '!': return keep_all(values, count, false, rows, [c](double x) { return x != c; });
    case '<':
      if (!(min < c)) return keep_none(rows);
      return keep_all(values, count, false, rows, [c](double x) { return x < c; });
    case '>':
      if (!(max > c)) return keep_none(rows);
      return keep_all(values, count, false, rows, [c](double x) { return x > c; });
    case 'l':
      if (!(min <= c)) return keep_none(rows);
      return keep_all(values, count, false, rows, [c](double x) { return x <= c; });
    default:
      if (!(max >= c)) return keep_none(rows);
      return keep_all(values, count, false, rows, [c](double x) { return x >= c; });
  }
}

// Keeps the rows for which a comparison holds that gives this sign; `sign(row)` is below, at or above 0.
template <typename Sign>
void keep_ordered(char op, uint64_t* rows, Sign sign) {
  switch (op) {
    case '=': return keep_each(rows, [&](uint32_t row) { return sign(row) == 0; });
    case '!': return keep_each(rows, [&](uint32_t row) { return sign(row) != 0; });
    case '<': return keep_each(rows, [&](uint32_t row) { return sign(row) < 0; });
    case '>': return keep_each(rows, [&](uint32_t row) { return sign(row) > 0; });
    case 'l': return keep_each(rows, [&](uint32_t row) { return sign(row) <= 0; });
    default: return keep_each(rows, [&](uint32_t row) { return sign(row) >= 0; });
  }
}

void test_strings(const Column& column, char op, std::string_view c, uint64_t* rows) {
  if (op == '=' || op == '!') {
    const bool wanted = op == '=';
    const TextPlace* places = column.string_array();
    const char* bytes = column.strings.arena->data();
    keep_each(rows, [&](uint32_t row) {
      const TextPlace place = places[row];
      const bool same =
          place.length() == c.size() && (c.empty() || std::memcmp(bytes + place.offset(), c.data(), c.size()) == 0);
      return same == wanted;
    });
    return;
  }
  keep_ordered(op, rows, [&](uint32_t row) {
    const std::string_view text = column.string(row);
    if (text.empty() || c.empty() || text[0] == c[0]) return text.compare(c);
    return static_cast<unsigned char>(text[0]) < static_cast<unsigned char>(c[0]) ? -1 : 1;
  });
}

// `=` and `<>` of lists with a packed one: where items are of one type, no floats, the bytes tell.
template <typename Each>
void test_lists(const Column& column, char op, std::string_view c, uint64_t* rows, Each each) {
  const PackedList list(c);
  const bool wanted = op == '=';
  keep_each(rows, [&](uint32_t row) {
    const std::string_view text = column.string(row);
    const PackedList own(text);
    const bool alike = own.items() == list.items() && own.word_type() == list.word_type();
    if (own.size() != list.size()) return !wanted;
    if (!alike || own.items() == PackedList::Items::kFloats) return each(row);
    return (text == c) == wanted;
  });
}

// What is kept of rows that are false and of those that are true: all or none.
void test_booleans(const Column& column, char op, const Value& value, uint64_t* rows) {
  const bool truths = compare_values(op, Value::boolean(true), value) == Ternary::kTrue;
  const bool falsehoods = compare_values(op, Value::boolean(false), value) == Ternary::kTrue;
  for (size_t w = 0; w < kWords; ++w) {
    rows[w] &= (truths ? column.boolean_bits[w] : 0) | (falsehoods ? ~column.boolean_bits[w] : 0);
  }
}

// Where the types alone decide: any value of the column's kind tells it for all.
void test_kind(const Value& any, char op, const Value& value, uint64_t* rows) {
  if (compare_values(op, any, value) != Ternary::kTrue) keep_none(rows);
}

}  // namespace

void filter_column(const Column* column, char op, const Value& value, uint64_t* rows) {
  if (op == 'n') {
    for (size_t w = 0; w < kWords && column != nullptr; ++w) rows[w] &= ~column->valid_bits[w];
    return;
  }
  if (column == nullptr || (op != 'v' && value.is_null())) return keep_none(rows);
  for (size_t w = 0; w < kWords; ++w) rows[w] &= column->valid_bits[w];
  if (op == 'v') return;
  const Value* values = column->column_kind == Column::Kind::kValues ? column->value_array() : nullptr;
  const auto keeps = [&](uint32_t row) {
    const Ternary kept =
        values != nullptr ? compare_values(op, values[row], value) : compare_values(op, column->get(row), value);
    return kept == Ternary::kTrue;
  };
  const auto each = [&] { keep_each(rows, keeps); };
  constexpr int kFewRows = 8;
  int left = 0;
  for (size_t w = 0; w < kWords; ++w) left += std::popcount(rows[w]);
  if (left <= kFewRows) return each();
  switch (column->column_kind) {
    case Column::Kind::kIntegers:
      if (value.is_integer()) return test_integers(*column, range_of(op, value.as_integer()), rows);
      if (value.is_float()) return test_integers(*column, range_of(op, value.as_float()), rows);
      return test_kind(Value::integer(0), op, value, rows);
    case Column::Kind::kFloats: {
      if (value.is_float()) return test_floats(*column, op, value.as_float(), rows);
      if (!value.is_integer()) return test_kind(Value::floating(0), op, value, rows);
      const auto number = static_cast<double>(value.as_integer());
      if (compare_exact(value.as_integer(), number) == 0) return test_floats(*column, op, number, rows);
      break;
    }
    case Column::Kind::kStrings:
      if (value.is_string()) return test_strings(*column, op, value.as_string(), rows);
      return test_kind(Value::string(""), op, value, rows);
    case Column::Kind::kWords: {
      // Times of other places are in order with these by what UTC they are, which words say.
      int64_t word = 0;
      const ValueType type = column->word_type().type;
      if (value.type() != type) return test_kind(from_word({type, 0}, 0), op, value, rows);
      if (word_of(value, &word)) return test_integers(*column, range_of(op, word), rows);
      break;
    }
    case Column::Kind::kBooleans: return test_booleans(*column, op, value, rows);
    case Column::Kind::kLists: {
      std::string packed;
      if ((op != '=' && op != '!') || !PackedList::pack(value, Column::kStringMax, &packed)) break;
      return test_lists(*column, op, packed, rows, keeps);
    }
    case Column::Kind::kValues: break;
  }
  each();
}

}  // namespace lora::graph::cache
