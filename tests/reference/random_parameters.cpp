// Values of parameters.
#include <limits>
#include <span>

#include "tests/reference/random_query.h"

namespace lora::reference {

namespace {

constexpr int64_t kDays[] = {-1, 19'753, 19'782, 19'783};  // 1969-12-31, 2024-01-31, -02-29, -03-01
constexpr std::string_view kTexts[] = {"ab", "a", "", "b", "B", "abc", "é", "éa", "日本"};
constexpr double kFloats[] = {0.5, -1.5, 0.0, 1.0, 2.0, 2.5};

Value map_of(Value a, Value b) {
  std::vector<MapEntry> entries;
  if (!a.is_null()) entries.emplace_back(Value::string("a"), std::move(a));
  if (!b.is_null()) entries.emplace_back(Value::string("b"), std::move(b));
  return Value::map(std::move(entries));
}

Value small(Random& r) {
  return Value::integer(static_cast<int64_t>(r.below(7)) - 2);
}

Value integers(Random& r) {
  List items;
  for (size_t n = r.below(4); n > 0; --n) items.push_back(r.percent(15) ? Value() : small(r));
  return Value::list(std::move(items));
}

Value vector(VectorType type, double x, double y) {
  VectorValue v;
  v.type = type;
  if (type == VectorType::kInteger8) {
    v.integers = {static_cast<int64_t>(x), static_cast<int64_t>(y)};
  } else {
    v.floats = {x, y};
  }
  return Value::vector(std::move(v));
}

Value anything(Random& r, bool nested) {
  switch (r.below(nested ? 11 : 13)) {
    case 0:
    case 1: return small(r);
    case 2: return Value::floating(r.pick(kFloats));
    case 3: return r.percent(80) ? Value::floating(2.0) : Value::floating(std::numeric_limits<double>::quiet_NaN());
    case 4:
    case 5: return Value::string(r.pick(kTexts));
    case 6: return Value::boolean(r.percent(50));
    case 7: return Value();
    case 8: return r.percent(50) ? Value::date({r.pick(kDays)}) : Value::local_date_time({r.pick(kDays) * 86'400, 0});
    case 9:
      if (r.percent(50)) return Value::duration({static_cast<int64_t>(r.below(2)), 1, 0, 0});
      return Value::point({Crs::kCartesian, static_cast<double>(r.below(3)), 0.5, 0});
    case 10: return vector(VectorType::kFloat64, static_cast<double>(r.below(2)), 1);
    case 11: return integers(r);
    default: return map_of(small(r), Value::string(r.pick(kTexts)));
  }
}

Value mixed(Random& r) {
  List items;
  for (size_t n = r.below(4); n > 0; --n) items.push_back(anything(r, true));
  return Value::list(std::move(items));
}

}  // namespace

std::vector<Value> random_parameters(Random& r, size_t sets) {
  std::vector<Value> out;
  for (size_t i = 0; i < sets; ++i) {
    std::vector<MapEntry> all;
    const auto add = [&](const char* name, Value value) {
      const bool null = i > 0 && r.percent(10);
      all.emplace_back(Value::string(name), null ? Value() : std::move(value));
    };
    add("two", i == 0 ? Value::integer(2) : small(r));
    add("minus", i == 0 ? Value::integer(-1) : small(r));
    add("half", Value::floating(r.pick(kFloats)));
    add("text", Value::string(r.pick(kTexts)));
    add("any", anything(r, false));
    add("mixed", mixed(r));
    add("list", integers(r));
    add("map", i > 0 && r.percent(20) ? map_of(Value(), Value()) : map_of(small(r), Value::string(r.pick(kTexts))));
    add("day", Value::date({r.pick(kDays)}));
    add("moment", Value::local_date_time({r.pick(kDays) * 86'400 + static_cast<int64_t>(r.below(3)) * 43'000, 0}));
    add("span",
        Value::duration({static_cast<int64_t>(r.below(3)) - 1, 2, static_cast<int64_t>(r.below(3)) * 3'600, 0}));
    add("place", Value::point({Crs::kCartesian, static_cast<double>(r.below(3)), r.pick(kFloats), 0}));
    add("vector",
        vector(r.percent(50) ? VectorType::kInteger8 : VectorType::kFloat32, static_cast<double>(r.below(3)), 1));
    add("wild", anything(r, false));
    add("zero", Value::integer(static_cast<int64_t>(r.below(2))));
    add("big", Value::integer(std::numeric_limits<int64_t>::max() - static_cast<int64_t>(r.below(2))));
    // Names, never null.
    static constexpr std::string_view kLabels[] = {"A", "B", "C", "Z"}, kTypes[] = {"R", "S", "T", "Q"},
                                      kKeys[] = {"i", "j", "s", "m", "b", "z"}, kWritten[] = {"w", "i", "m", "j"};
    const auto names = [&](std::span<const std::string_view> of) {
      List items;
      for (size_t n = r.below(3); n > 0; --n) items.push_back(Value::string(of[r.below(of.size())]));
      return Value::list(std::move(items));
    };
    const auto fixed = [&](const char* name, Value v) { all.emplace_back(Value::string(name), std::move(v)); };
    fixed("label", Value::string(r.pick(kLabels)));
    fixed("labels", names(kLabels));
    fixed("type", Value::string(r.pick(kTypes)));
    fixed("types", names(kTypes));
    // Names and nulls.
    List nulls = names(kLabels).as_list();
    if (r.percent(70)) nulls.emplace_back();
    fixed("nulls", Value::list(std::move(nulls)));
    fixed("k", Value::integer(1 + static_cast<int64_t>(r.below(3))));
    fixed("key", Value::string(r.pick(kKeys)));
    fixed("written", Value::string(r.pick(kWritten)));
    all.emplace_back(Value::string("none"), Value());
    out.push_back(Value::map(std::move(all)));
  }
  return out;
}

}  // namespace lora::reference
