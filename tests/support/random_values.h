// Random values of every storable type, with many edge cases. The same seed gives the same values.
// The seed is taken from LORA_TEST_SEED or fixed, and printed by SCOPED_TRACE at the place of use.
#pragma once

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "graph/temporal.h"
#include "graph/value.h"

namespace lora::test {

inline uint64_t test_seed(uint64_t fallback) {
  const char* text = std::getenv("LORA_TEST_SEED");
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

class RandomValues {
 public:
  explicit RandomValues(uint64_t seed) : random_(seed) {}

  // Any storable value, with lists and maps nested up to `depth`.
  Value any(int depth = 3) {
    const uint64_t kind = below(depth > 0 ? 16 : 14);
    switch (kind) {
      case 14: return list(depth);
      case 15: return map(depth);
      default: return scalar(kind);
    }
  }
  // What an index takes: scalars but vectors, and lists of those and nulls.
  Value indexable(int depth = 2) {
    if (depth > 0 && below(6) == 0) {
      List items;
      for (uint64_t i = below(4); i > 0; --i) {
        items.push_back(below(5) == 0 ? Value() : indexable(depth - 1));
      }
      return Value::list(std::move(items));
    }
    return scalar(1 + below(12));
  }
  Value scalar(uint64_t kind) {
    switch (kind) {
      case 0: return Value();
      case 1: return Value::boolean(below(2) == 0);
      case 2: return Value::integer(integer());
      case 3: return Value::floating(number());
      case 4: return Value::string(text());
      case 5: return Value::date({days()});
      case 6: return Value::local_time({nanos_of_day()});
      case 7: return Value::time({nanos_of_day(), offset()});
      case 8: return Value::local_date_time({days() * 86'400 + range(0, 86'399), fraction()});
      case 9: return zoned();
      case 10: return duration();
      case 11: return point();
      case 12: return binary();
      default: return vector();
    }
  }

  uint64_t below(uint64_t limit) { return random_() % limit; }
  int64_t range(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(below(static_cast<uint64_t>(high - low) + 1));
  }

  int64_t integer() {
    static constexpr int64_t kEdges[] = {0,
                                         1,
                                         -1,
                                         std::numeric_limits<int64_t>::max(),
                                         std::numeric_limits<int64_t>::max() - 1,
                                         std::numeric_limits<int64_t>::min(),
                                         std::numeric_limits<int64_t>::min() + 1,
                                         (int64_t{1} << 53),
                                         (int64_t{1} << 53) + 1,
                                         -(int64_t{1} << 53) - 1};
    switch (below(4)) {
      case 0: return kEdges[below(std::size(kEdges))];
      case 1: return range(-3, 3);
      case 2: return (int64_t{1} << range(50, 62)) + range(-3, 3);
      default: return static_cast<int64_t>(random_());
    }
  }
  double number() {
    static constexpr double kEdges[] = {0.0,
                                        -0.0,
                                        1.0,
                                        -1.0,
                                        0.5,
                                        0x1p53,
                                        -0x1p53,
                                        0x1p63,
                                        -0x1p63,
                                        0x1p62,
                                        5e-324,
                                        1.7e308,
                                        -1.7e308,
                                        1e-3,
                                        1e7,
                                        0.1,
                                        std::numeric_limits<double>::infinity(),
                                        -std::numeric_limits<double>::infinity(),
                                        std::numeric_limits<double>::quiet_NaN()};
    switch (below(4)) {
      case 0: return kEdges[below(std::size(kEdges))];
      case 1: return static_cast<double>(range(-3, 3)) / 2;
      case 2: return static_cast<double>(integer());
      default: return std::bit_cast<double>(random_());
    }
  }
  std::string text() {
    static const std::string kPieces[] = {"a",      "b",      "'",          "\\", "\n", std::string(1, '\0'),
                                          "\u00e9", "\u4e2d", "\U0001F600", " ",  "`",  "\"",
                                          "\x01",   "\x7f"};
    std::string result;
    for (uint64_t i = below(below(10) == 0 ? 40 : 6); i > 0; --i) {
      result += kPieces[below(std::size(kPieces))];
    }
    return result;
  }

 private:
  int64_t days() {
    if (below(10) == 0) {
      return temporal::days_from_civil(below(2) == 0 ? temporal::kYearMax : -temporal::kYearMax, below(2) == 0 ? 1 : 12,
                                       below(2) == 0 ? 1 : 31);
    }
    return below(2) == 0 ? range(-3, 3) : range(-4'000'000, 4'000'000);
  }
  int64_t nanos_of_day() {
    return below(3) == 0 ? range(0, 23) * 3'600 * temporal::kNanosPerSecond : range(0, temporal::kNanosPerDay - 1);
  }
  int32_t fraction() { return below(2) == 0 ? 0 : static_cast<int32_t>(range(0, temporal::kNanosPerSecond - 1)); }
  int32_t offset() {
    return static_cast<int32_t>(below(2) == 0 ? range(-18, 18) * 3'600
                                              : range(-temporal::kOffsetMax, temporal::kOffsetMax));
  }
  Value zoned() {
    const int64_t local = days() * 86'400 + range(0, 86'399);
    if (below(3) == 0) {
      static constexpr const char* kZones[] = {"Europe/Berlin", "America/New_York", "Asia/Kathmandu", "UTC"};
      const auto made = temporal::from_instant(ValueType::kDateTime, range(-5'000'000'000, 5'000'000'000), fraction(),
                                               kZones[below(std::size(kZones))]);
      return made.ok() ? *made : Value();
    }
    const int32_t shift = offset();
    return Value::date_time({local - shift, fraction(), shift, {}});
  }
  Value duration() {
    if (below(8) == 0) {
      return Value::duration({integer(), integer(), integer(), fraction()});
    }
    return Value::duration({range(-20, 20), range(-40, 40), range(-200'000, 200'000), fraction()});
  }
  Value point() {
    const auto coordinate = [this](double limit) { return static_cast<double>(range(-1'000, 1'000)) / 1'000 * limit; };
    switch (below(4)) {
      case 0: return Value::point({Crs::kCartesian, coordinate(1e9), coordinate(1), 0});
      case 1: return Value::point({Crs::kCartesian3D, coordinate(1), coordinate(1), coordinate(1e-3)});
      case 2: return Value::point({Crs::kWgs84, coordinate(180), coordinate(90), 0});
      default: return Value::point({Crs::kWgs84_3D, coordinate(180), coordinate(90), coordinate(10'000)});
    }
  }
  Value binary() {
    Binary result;
    for (uint64_t i = below(3); i > 0; --i) {
      result.segments.push_back(text());
    }
    return Value::binary(std::move(result));
  }
  Value vector() {
    VectorValue result;
    result.type = static_cast<VectorType>(below(6));
    for (uint64_t i = 1 + below(5); i > 0; --i) {
      switch (result.type) {
        case VectorType::kFloat64: result.floats.push_back(static_cast<double>(range(-1'000, 1'000)) / 7); break;
        case VectorType::kFloat32:
          result.floats.push_back(static_cast<double>(static_cast<float>(range(-1'000, 1'000)) / 7.0f));
          break;
        case VectorType::kInteger64: result.integers.push_back(integer()); break;
        case VectorType::kInteger32: result.integers.push_back(static_cast<int32_t>(integer())); break;
        case VectorType::kInteger16: result.integers.push_back(static_cast<int16_t>(integer())); break;
        case VectorType::kInteger8: result.integers.push_back(static_cast<int8_t>(integer())); break;
      }
    }
    return Value::vector(std::move(result));
  }
  Value list(int depth) {
    List items;
    for (uint64_t i = below(5); i > 0; --i) {
      items.push_back(any(depth - 1));
    }
    return Value::list(std::move(items));
  }
  Value map(int depth) {
    static constexpr const char* kKeys[] = {
        "a", "b", "kind", "c d", "", "\u00e9", "a key that is longer than fourteen"};
    std::vector<MapEntry> entries;
    for (const char* key : kKeys) {
      if (below(3) == 0) {
        entries.emplace_back(Value::string(key), any(depth - 1));
      }
    }
    if (below(10) == 0) {
      for (int i = 0; i < 20; ++i) {
        entries.emplace_back(Value::string("k" + std::to_string((i * 7) % 20)), Value::integer(i));
      }
    }
    return Value::map(std::move(entries));
  }

  std::mt19937_64 random_;
};

// The same type and contents in every part: stricter than equivalent(), which takes 1 for 1.0 and any zone for another.
inline bool identical(const Value& a, const Value& b) {
  if (a.type() != b.type() || !equivalent(a, b)) {
    return false;
  }
  switch (a.type()) {
    case ValueType::kFloat:
      return std::bit_cast<uint64_t>(a.as_float()) == std::bit_cast<uint64_t>(b.as_float()) ||
             (a.as_float() != a.as_float() && b.as_float() != b.as_float());
    case ValueType::kTime: return a.as_time().offset_seconds == b.as_time().offset_seconds;
    case ValueType::kDateTime:
      return a.as_date_time().offset_seconds == b.as_date_time().offset_seconds &&
             a.as_date_time().zone == b.as_date_time().zone;
    case ValueType::kBinary: return a.as_binary().segments == b.as_binary().segments;
    case ValueType::kList:
      for (size_t i = 0; i < a.as_list().size(); ++i) {
        if (!identical(a.as_list()[i], b.as_list()[i])) {
          return false;
        }
      }
      return true;
    case ValueType::kMap:
      for (size_t i = 0; i < a.as_map().size(); ++i) {
        if (a.as_map()[i].first.as_string() != b.as_map()[i].first.as_string() ||
            !identical(a.as_map()[i].second, b.as_map()[i].second)) {
          return false;
        }
      }
      return true;
    default: return true;
  }
}

// [[[...]]], `levels` deep.
inline Value nested_list(size_t levels) {
  Value value = Value::list({});
  for (size_t i = 1; i < levels; ++i) {
    List items;
    items.push_back(std::move(value));
    value = Value::list(std::move(items));
  }
  return value;
}

}  // namespace lora::test
