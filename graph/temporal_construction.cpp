// Temporal values from maps, texts and other values, and their truncation.
#include <algorithm>
#include <array>
#include <utility>

#include "graph/temporal.h"
#include "graph/temporal_parts.h"
#include "graph/time_zone.h"

namespace lora::temporal {

namespace {

enum Field : uint8_t {
  kYear,
  kQuarter,
  kMonth,
  kWeek,
  kDay,
  kDayOfWeek,
  kOrdinalDay,
  kDayOfQuarter,
  kHour,
  kMinute,
  kSecond,
  kMillisecond,
  kMicrosecond,
  kNanosecond,
  kEpochSeconds,
  kEpochMillis,
  kFieldCount,
};
constexpr std::array<std::string_view, kFieldCount> kFieldNames = {
    "year", "quarter", "month",  "week",        "day",         "dayOfWeek",  "ordinalDay",   "dayOfQuarter",
    "hour", "minute",  "second", "millisecond", "microsecond", "nanosecond", "epochSeconds", "epochMillis"};

// A map of components, read.
struct Fields {
  std::array<std::optional<int64_t>, kFieldCount> numbers;
  std::optional<Parts> date, time;  // bases
  std::optional<Zone> zone;

  const std::optional<int64_t>& operator[](Field field) const { return numbers[field]; }
  bool any(Field first, Field last) const {
    return std::any_of(numbers.begin() + first, numbers.begin() + last + 1,
                       [](const auto& n) { return n.has_value(); });
  }
  bool any_date() const { return any(kYear, kDayOfQuarter); }
  bool any_time() const { return any(kHour, kNanosecond); }
};

Result<Parts> base_of(const Value& value, std::string_view key, bool date, bool time) {
  if (value.is_temporal() && value.type() != ValueType::kDuration) {
    Parts parts = parts_of(value);
    if ((!date || parts.has_date) && (!time || parts.has_time)) {
      return parts;
    }
  }
  return type_error("`" + std::string(key) + "` cannot be taken from a value of type " +
                    std::string(value_type_name(value.type())));
}

Result<Fields> read_fields(ValueType type, const Value& map) {
  Fields fields;
  for (const auto& [name, value] : map.as_map()) {
    std::string key = lower_case(name.as_string());
    if (key == "timezone") {
      if (!value.is_string()) {
        return type_error("`timezone` must be a string, not a value of type " +
                          std::string(value_type_name(value.type())));
      }
      LORA_ASSIGN(fields.zone, parse_zone(value.as_string()));
      continue;
    }
    if (key == "date") {
      LORA_ASSIGN(fields.date, base_of(value, key, true, false));
      continue;
    }
    if (key == "time") {
      LORA_ASSIGN(fields.time, base_of(value, key, false, true));
      continue;
    }
    if (key == "datetime") {
      LORA_ASSIGN(fields.date, base_of(value, key, true, true));
      fields.time = fields.date;
      continue;
    }
    if (key == "weekday") {
      key = "dayofweek";
    } else if (key == "dayofyear") {
      key = "ordinalday";
    }
    size_t field = 0;
    while (field < kFieldCount && !same_name(kFieldNames[field], key)) {
      ++field;
    }
    if (field == kFieldCount) {
      return argument_error("`" + std::string(name.as_string()) + "` is not a component of a " +
                            std::string(type_word(type)));
    }
    if (!value.is_integer()) {
      return type_error("`" + std::string(name.as_string()) + "` must be an integer, not a value of type " +
                        std::string(value_type_name(value.type())));
    }
    fields.numbers[field] = value.as_integer();
  }
  return fields;
}

Status needs(Field larger, Field smaller) {
  return argument_error("`" + std::string(kFieldNames[smaller]) + "` needs `" + std::string(kFieldNames[larger]) + "`");
}

Result<int64_t> date_from(const Fields& fields, const std::optional<int64_t>& base) {
  const bool week = fields[kWeek] || fields[kDayOfWeek];
  const bool quarter = fields[kQuarter] || fields[kDayOfQuarter];
  const bool ordinal = fields[kOrdinalDay].has_value();
  const bool calendar = fields[kMonth] || fields[kDay];
  if (week + quarter + ordinal + calendar > 1) {
    return argument_error(
        "components of different calendars in one date; use month and day, week and dayOfWeek, quarter and "
        "dayOfQuarter, "
        "or ordinalDay");
  }
  if (!base && !fields[kYear]) {
    return argument_error("`year` is missing");
  }
  const CivilDate old = base ? civil_from_days(*base) : CivilDate{1, 1, 1};
  const int64_t year = fields[kYear].value_or(old.year);
  if (week) {
    if (!base && !fields[kWeek]) {
      return needs(kWeek, kDayOfWeek);
    }
    const WeekDate from = base ? week_of(*base) : WeekDate{year, 1, 1};
    return days_from_week(fields[kYear].value_or(from.year), fields[kWeek].value_or(from.week),
                          fields[kDayOfWeek].value_or(from.day));
  }
  if (quarter) {
    if (!base && !fields[kQuarter]) {
      return needs(kQuarter, kDayOfQuarter);
    }
    return days_from_quarter(year, fields[kQuarter].value_or(quarter_of(old.month)),
                             fields[kDayOfQuarter].value_or(base ? day_of_quarter(*base) : 1));
  }
  if (ordinal) {
    return days_from_ordinal(year, *fields[kOrdinalDay]);
  }
  if (!base && fields[kDay] && !fields[kMonth]) {
    return needs(kMonth, kDay);
  }
  const int64_t month = fields[kMonth].value_or(old.month);
  int64_t day = fields[kDay].value_or(old.day);
  if (!fields[kDay] && month >= 1 && month <= 12 && year >= -kYearMax && year <= kYearMax) {
    day = std::min<int64_t>(day, days_in_month(year, static_cast<int>(month)));  // 29 February in another year
  }
  return days_from_calendar(year, month, day);
}

// Nanoseconds of the second from what is given of milli-, micro- and nanoseconds.
Result<int64_t> fraction_from(const Fields& fields) {
  const bool milli = fields[kMillisecond].has_value();
  const bool micro = fields[kMicrosecond].has_value();
  const int64_t ms = fields[kMillisecond].value_or(0);
  const int64_t us = fields[kMicrosecond].value_or(0);
  const int64_t ns = fields[kNanosecond].value_or(0);
  LORA_TRY(check_range("millisecond", ms, 0, 999));
  LORA_TRY(check_range("microsecond", us, 0, milli ? 999 : 999'999));
  LORA_TRY(check_range("nanosecond", ns, 0, micro ? 999 : milli ? 999'999 : 999'999'999));
  return ms * 1'000'000 + us * 1'000 + ns;
}

Result<int64_t> time_from(const Fields& fields, const std::optional<int64_t>& base) {
  const bool fraction = fields.any(kMillisecond, kNanosecond);
  if (!base) {
    if (fields[kMinute] && !fields[kHour]) return needs(kHour, kMinute);
    if (fields[kSecond] && !fields[kMinute]) return needs(kMinute, kSecond);
    if (fraction && !fields[kSecond])
      return needs(kSecond, fields[kMillisecond] ? kMillisecond : fields[kMicrosecond] ? kMicrosecond : kNanosecond);
  }
  const int64_t old = base.value_or(0);
  const int64_t hour = fields[kHour].value_or(old / kNanosPerSecond / 3'600);
  const int64_t minute = fields[kMinute].value_or(old / kNanosPerSecond / 60 % 60);
  const int64_t second = fields[kSecond].value_or(old / kNanosPerSecond % 60);
  LORA_TRY(check_range("hour", hour, 0, 23));
  LORA_TRY(check_range("minute", minute, 0, 59));
  LORA_TRY(check_range("second", second, 0, 59));
  int64_t nanos = old % kNanosPerSecond;
  if (fraction) {
    LORA_ASSIGN(nanos, fraction_from(fields));
  }
  return (hour * 3'600 + minute * 60 + second) * kNanosPerSecond + nanos;
}

bool wants_date(ValueType type) {
  return type == ValueType::kDate || type == ValueType::kLocalDateTime || type == ValueType::kDateTime;
}
bool wants_time(ValueType type) {
  return type != ValueType::kDate;
}
bool wants_zone(ValueType type) {
  return type == ValueType::kTime || type == ValueType::kDateTime;
}

// A time of day has no date to ask a named zone for its offset: the offset of now is used.
Status fix_offset(Zone* zone, int64_t now_seconds) {
  if (!zone->name.empty()) {
    LORA_ASSIGN(zone->offset, time_zone::offset_at(zone->name, now_seconds));
    zone->name.clear();
  }
  return Status();
}

// Gives the parts another zone: the same instant if they have one, the same wall otherwise.
Result<Parts> in_zone(ValueType type, Parts parts, Zone zone, int64_t now_seconds) {
  if (type == ValueType::kTime) {
    LORA_TRY(fix_offset(&zone, now_seconds));
  }
  if (!parts.has_zone) {
    parts.has_zone = true;
    parts.zone = std::move(zone);
    return parts;
  }
  if (type == ValueType::kTime) {
    parts.nanos = floor_mod(parts.nanos + (zone.offset - parts.zone.offset) * kNanosPerSecond, kNanosPerDay);
    parts.zone = std::move(zone);
    return parts;
  }
  LORA_TRY(check_date(parts.days));
  LORA_ASSIGN(const int64_t seconds, instant_of(parts, true));
  return parts_at(seconds, parts.nanos_of_second(), std::move(zone));
}

Result<Value> from_epoch_fields(const Fields& fields) {
  if (fields.any_date() || fields.any(kHour, kSecond) || fields.date || fields.time ||
      (fields[kEpochSeconds] && fields[kEpochMillis])) {
    return argument_error("`epochSeconds` and `epochMillis` stand alone, with `nanosecond` and `timezone` only");
  }
  LORA_ASSIGN(const int64_t nanos, fraction_from(fields));
  int64_t seconds = fields[kEpochSeconds].value_or(0);
  int64_t extra = nanos;
  if (fields[kEpochMillis]) {
    seconds = floor_div(*fields[kEpochMillis], 1'000);
    extra += floor_mod(*fields[kEpochMillis], 1'000) * 1'000'000;
    seconds += extra / kNanosPerSecond;
    extra %= kNanosPerSecond;
  }
  LORA_ASSIGN(const Parts parts, parts_at(seconds, static_cast<int32_t>(extra), fields.zone.value_or(Zone{})));
  return build(ValueType::kDateTime, parts, true);
}

Result<Value> from_map(ValueType type, const Value& map, int64_t now_seconds) {
  LORA_ASSIGN(const Fields fields, read_fields(type, map));
  if (fields[kEpochSeconds] || fields[kEpochMillis]) {
    if (type != ValueType::kDateTime) {
      return argument_error("`epochSeconds` and `epochMillis` make a datetime, not a " + std::string(type_word(type)));
    }
    return from_epoch_fields(fields);
  }
  if (!wants_date(type) && (fields.any_date() || (fields.date && !fields.time))) {
    return argument_error("a " + std::string(type_word(type)) + " has no date");
  }
  if (!wants_time(type) && (fields.any_time() || (fields.time && !fields.date))) {
    return argument_error("a " + std::string(type_word(type)) + " has no time");
  }
  if (!wants_zone(type) && fields.zone) {
    return argument_error("a " + std::string(type_word(type)) + " has no `timezone`");
  }
  Parts parts;
  if (wants_date(type)) {
    parts.has_date = true;
    LORA_ASSIGN(parts.days, date_from(fields, fields.date ? std::optional(fields.date->days) : std::nullopt));
  }
  if (wants_time(type)) {
    if (!wants_date(type) && !fields.time && !fields[kHour]) {
      return argument_error("`hour` is missing");
    }
    parts.has_time = true;
    LORA_ASSIGN(parts.nanos, time_from(fields, fields.time ? std::optional(fields.time->nanos) : std::nullopt));
  }
  if (wants_zone(type)) {
    if (fields.time && fields.time->has_zone) {
      parts.has_zone = true;
      parts.zone = fields.time->zone;
      if (type == ValueType::kTime) {
        parts.zone.name.clear();
      }
    }
    if (fields.zone || !parts.has_zone) {
      LORA_ASSIGN(parts, in_zone(type, std::move(parts), fields.zone.value_or(Zone{}), now_seconds));
    }
  }
  return build(type, parts, true);
}

// What `type` takes of another temporal value.
Result<Value> project(ValueType type, const Value& value) {
  Parts parts = parts_of(value);
  const bool fits = (!wants_date(type) || parts.has_date) && (wants_date(type) || parts.has_time);
  if (value.type() == ValueType::kDuration || !fits) {
    return type_error("a " + std::string(type_word(type)) + " cannot be taken from a value of type " +
                      std::string(value_type_name(value.type())));
  }
  if (type == ValueType::kTime) {
    parts.zone.name.clear();
  }
  return build(type, parts, true);
}

Result<Value> duration_from_map(const Value& map) {
  Amount months, days, seconds, nanos;
  for (const auto& [name, value] : map.as_map()) {
    const std::string key = lower_case(name.as_string());
    struct Unit {
      std::string_view name;
      Amount* amount;
      int64_t factor;
    };
    const Unit kUnits[] = {{"years", &months, 12},
                           {"quarters", &months, 3},
                           {"months", &months, 1},
                           {"weeks", &days, 7},
                           {"days", &days, 1},
                           {"hours", &seconds, 3'600},
                           {"minutes", &seconds, 60},
                           {"seconds", &seconds, 1},
                           {"milliseconds", &nanos, 1'000'000},
                           {"microseconds", &nanos, 1'000},
                           {"nanoseconds", &nanos, 1}};
    const auto* unit =
        std::find_if(std::begin(kUnits), std::end(kUnits), [&key](const Unit& u) { return u.name == key; });
    if (unit == std::end(kUnits)) {
      return argument_error("`" + std::string(name.as_string()) + "` is not a component of a duration");
    }
    if (!value.is_number()) {
      return type_error("`" + std::string(name.as_string()) + "` must be a number, not a value of type " +
                        std::string(value_type_name(value.type())));
    }
    LORA_TRY(add_amount(unit->amount, value, unit->factor));
  }
  LORA_ASSIGN(const Duration duration, duration_from(months, days, seconds, nanos));
  return Value::duration(duration);
}

}  // namespace

Result<Value> make(ValueType type, const Value& argument, int64_t now_seconds) {
  if (argument.is_null()) {
    return Value();
  }
  if (argument.is_string()) {
    return parse(type, argument.as_string());
  }
  if (argument.type() == type) {
    return argument;
  }
  if (type == ValueType::kDuration) {
    if (argument.is_map()) {
      return duration_from_map(argument);
    }
  } else if (argument.is_map()) {
    return from_map(type, argument, now_seconds);
  } else if (argument.is_temporal()) {
    return project(type, argument);
  }
  return type_error("a " + std::string(type_word(type)) + " cannot be made from a value of type " +
                    std::string(value_type_name(argument.type())));
}

// --- truncation ---

namespace {

// Largest first.
enum class Unit : uint8_t {
  kMillennium,
  kCentury,
  kDecade,
  kYear,
  kWeekYear,
  kQuarter,
  kMonth,
  kWeek,
  kDay,
  kHour,
  kMinute,
  kSecond,
  kMillisecond,
  kMicrosecond,
};

std::optional<Unit> find_unit(std::string_view name) {
  static constexpr std::array<std::string_view, 14> kNames = {
      "millennium", "century", "decade", "year",   "weekyear", "quarter",     "month",
      "week",       "day",     "hour",   "minute", "second",   "millisecond", "microsecond"};
  const std::string key = lower_case(name);
  const auto at = std::find(kNames.begin(), kNames.end(), key);
  if (at == kNames.end()) {
    return std::nullopt;
  }
  return static_cast<Unit>(at - kNames.begin());
}

int64_t truncate_date(int64_t days, Unit unit) {
  const CivilDate date = civil_from_days(days);
  switch (unit) {
    case Unit::kMillennium: return days_from_civil(date.year - floor_mod(date.year, 1'000), 1, 1);
    case Unit::kCentury: return days_from_civil(date.year - floor_mod(date.year, 100), 1, 1);
    case Unit::kDecade: return days_from_civil(date.year - floor_mod(date.year, 10), 1, 1);
    case Unit::kYear: return days_from_civil(date.year, 1, 1);
    case Unit::kWeekYear: return first_monday(week_of(days).year);
    case Unit::kQuarter: return days_from_civil(date.year, quarter_of(date.month) * 3 - 2, 1);
    case Unit::kMonth: return days_from_civil(date.year, date.month, 1);
    case Unit::kWeek: return days - (day_of_week(days) - 1);
    default: return days;
  }
}

int64_t truncate_time(int64_t nanos, Unit unit) {
  switch (unit) {
    case Unit::kHour: return nanos - nanos % (3'600 * kNanosPerSecond);
    case Unit::kMinute: return nanos - nanos % (60 * kNanosPerSecond);
    case Unit::kSecond: return nanos - nanos % kNanosPerSecond;
    case Unit::kMillisecond: return nanos - nanos % 1'000'000;
    case Unit::kMicrosecond: return nanos - nanos % 1'000;
    default: return 0;
  }
}

}  // namespace

Result<Value> truncate(ValueType type, std::string_view unit_name, const Value& value, const Value& map,
                       int64_t now_seconds) {
  if (value.is_null()) {
    return Value();
  }
  const std::optional<Unit> unit = find_unit(unit_name);
  if (!unit) {
    return argument_error(
        "`" + std::string(unit_name) +
        "` is not a unit of time; use millennium, century, decade, year, weekYear, quarter, month, week, "
        "day, hour, minute, second, millisecond or microsecond");
  }
  const bool fits = value.is_temporal() && value.type() != ValueType::kDuration;
  Parts parts = parts_of(value);
  if (!fits || (wants_date(type) ? !parts.has_date : !parts.has_time)) {
    return type_error("a " + std::string(type_word(type)) + " cannot be truncated from a value of type " +
                      std::string(value_type_name(value.type())));
  }
  const bool small = *unit > Unit::kDay;
  if ((type == ValueType::kDate && small) || (!wants_date(type) && *unit < Unit::kDay) || (small && !parts.has_time)) {
    return argument_error("a " + std::string(type_word(type)) + " cannot be truncated to `" + std::string(unit_name) +
                          "` from a value of type " + std::string(value_type_name(value.type())));
  }
  if (wants_date(type)) {
    parts.days = truncate_date(parts.days, *unit);
  }
  parts.nanos = truncate_time(parts.nanos, *unit);
  if (!parts.has_zone) {
    parts.zone = Zone{};
  }
  if (type == ValueType::kTime) {
    parts.zone.name.clear();
  }
  if (map.is_null()) {
    return build(type, parts, true);
  }
  if (!map.is_map()) {
    return type_error("the components after truncation must be a map, not a value of type " +
                      std::string(value_type_name(map.type())));
  }
  LORA_ASSIGN(Fields fields, read_fields(type, map));
  if (fields.date || fields.time || fields[kEpochSeconds] || fields[kEpochMillis]) {
    return argument_error("truncation takes components and `timezone` only");
  }
  if ((!wants_date(type) && fields.any_date()) || (!wants_time(type) && fields.any_time()) ||
      (!wants_zone(type) && fields.zone)) {
    return argument_error("the map has components that a " + std::string(type_word(type)) + " does not have");
  }
  // What truncation left of the fraction stays, unless it is named again.
  if (fields.any(kMillisecond, kNanosecond)) {
    if (*unit >= Unit::kMillisecond && !fields[kMillisecond]) {
      fields.numbers[kMillisecond] = parts.nanos % kNanosPerSecond / 1'000'000;
    }
    if (*unit == Unit::kMicrosecond && !fields[kMicrosecond]) {
      fields.numbers[kMicrosecond] = parts.nanos % 1'000'000 / 1'000;
    }
  }
  if (wants_date(type)) {
    LORA_ASSIGN(parts.days, date_from(fields, parts.days));
  }
  if (wants_time(type)) {
    LORA_ASSIGN(parts.nanos, time_from(fields, parts.nanos));
  }
  if (fields.zone) {  // the wall stays, the instant changes
    parts.zone = *fields.zone;
    if (type == ValueType::kTime) {
      LORA_TRY(fix_offset(&parts.zone, now_seconds));
    }
  }
  return build(type, parts, true);
}

}  // namespace lora::temporal
