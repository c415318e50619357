#include "cypher/exec/sort_prefixes.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "kv/encode.h"

namespace lora::cypher {

namespace {

using Bits = unsigned __int128;

constexpr uint32_t kBits = 128, kFloatBits = 64, kTextBitsMin = 8;

uint32_t width_of(Bits v) {
  const auto high = static_cast<uint64_t>(v >> 64), low = static_cast<uint64_t>(v);
  return static_cast<uint32_t>(high != 0 ? 64 + std::bit_width(high) : std::bit_width(low));
}

Bits all_ones(uint32_t bits) {
  return bits == 0 ? 0 : ~Bits{0} >> (kBits - bits);
}

// In ORDER BY's order: NaN after all other numbers, null after NaN.
uint64_t code_of(double number) {
  constexpr uint64_t kNaN = std::numeric_limits<uint64_t>::max() - 1;
  if (std::isnan(number)) return kNaN;
  const double v = number == 0 ? 0.0 : number;  // zeros are equal
  const auto bits = std::bit_cast<uint64_t>(v);
  return (bits >> 63) != 0 ? ~bits : bits | uint64_t{1} << 63;
}

Bits code_of(std::string_view text) {
  return Bits{kv::leading_u64(text)} << 64 | (text.size() > 8 ? kv::leading_u64(text.substr(8)) : 0);
}

}  // namespace

SortPrefixes::SortPrefixes(const std::vector<Column>& columns, const std::vector<bool>& ascending) {
  for (size_t k = 0; k < columns.size(); ++k) {
    if (!add(columns[k], ascending[k])) return;
    if (columns[k].kind == Column::Kind::kStrings || columns[k].kind == Column::Kind::kValues) return;
  }
  whole_ = true;
}

bool SortPrefixes::add(const Column& column, bool ascending) {
  Field field{.column = &column, .ascending = ascending};
  switch (column.kind) {
    case Column::Kind::kIntegers:
    case Column::Kind::kWords: {
      int64_t least = std::numeric_limits<int64_t>::max(), most = std::numeric_limits<int64_t>::min();
      bool any = false, nulls = false;
      for (size_t i = 0; i < column.integers.size(); ++i) {
        if (!column.nulls.empty() && column.nulls[i] != 0) {
          nulls = true;
          continue;
        }
        any = true;
        least = std::min(least, column.integers[i]);
        most = std::max(most, column.integers[i]);
      }
      if (any) field.least = static_cast<uint64_t>(least);
      field.greatest = Bits{any ? static_cast<uint64_t>(most) - static_cast<uint64_t>(least) : 0} + (nulls ? 1 : 0);
      field.bits = width_of(field.greatest);
      break;
    }
    case Column::Kind::kFloats:
      field.bits = kFloatBits;
      field.greatest = all_ones(kFloatBits);
      break;
    case Column::Kind::kValues:
      if (!std::all_of(column.values.begin(), column.values.end(),
                       [](const Value& v) { return v.is_null() || v.is_string(); })) {
        return false;
      }
      [[fallthrough]];
    case Column::Kind::kStrings:
      if (left_ < kTextBitsMin) return false;
      field.bits = left_;
      field.greatest = all_ones(left_);
      break;
    default: return false;
  }
  if (field.bits > left_) return false;
  left_ -= field.bits;
  fields_.push_back(field);
  return true;
}

template <typename Code>
void SortPrefixes::append(const Field& field, size_t from, size_t last, Code code, SortPrefix* prefixes) const {
  const auto put = [&](auto get) {
    for (size_t row = from; row < last; ++row) {
      SortPrefix& p = prefixes[row];
      const Bits before = Bits{p.high} << 64 | p.low;
      const Bits own = field.ascending ? get(row) : field.greatest - get(row);
      const Bits both = field.bits == kBits ? own : before << field.bits | own;
      p.high = static_cast<uint64_t>(both >> 64);
      p.low = static_cast<uint64_t>(both);
    }
  };
  if (field.column->kind != Column::Kind::kValues && field.column->nulls.empty()) {
    put([&](size_t row) { return Bits{code(row)}; });
  } else {
    // Null comes last. A string of nothing but 0xff bytes, no UTF-8, would only tie with it.
    put([&](size_t row) { return field.column->is_null(row) ? field.greatest : Bits{code(row)}; });
  }
}

void SortPrefixes::make(size_t from, size_t last, SortPrefix* prefixes) const {
  for (size_t row = from; row < last; ++row) prefixes[row] = {0, 0, static_cast<uint32_t>(row)};
  for (const Field& field : fields_) {
    const Column& c = *field.column;
    const uint32_t cut = kBits - field.bits;
    switch (c.kind) {
      case Column::Kind::kFloats:
        append(
            field, from, last, [&](size_t row) { return code_of(c.floats[row]); }, prefixes);
        break;
      case Column::Kind::kStrings:
        append(
            field, from, last, [&](size_t row) { return code_of(c.texts[row]) >> cut; }, prefixes);
        break;
      case Column::Kind::kValues:
        append(
            field, from, last, [&](size_t row) { return code_of(c.values[row].as_string()) >> cut; }, prefixes);
        break;
      default:
        append(
            field, from, last, [&](size_t row) { return static_cast<uint64_t>(c.integers[row]) - field.least; },
            prefixes);
        break;
    }
  }
}

}  // namespace lora::cypher
