// Calendar, zones and components.
#include "graph/temporal.h"

#include <array>
#include <limits>
#include <utility>

#include "graph/temporal_parts.h"
#include "graph/time_zone.h"

namespace lora::temporal {

// --- errors ---

Status argument_error(std::string message) {
  return Status::runtime(ErrorCode::kType, "ArgumentError", "InvalidArgumentValue", std::move(message));
}
Status type_error(std::string message) {
  return Status::runtime(ErrorCode::kType, "TypeError", "InvalidArgumentType", std::move(message));
}
Status range_error(std::string message) {
  return Status::runtime(ErrorCode::kArithmetic, "ArithmeticError", "NumberOutOfRange", std::move(message));
}

std::string_view type_word(ValueType type) {
  switch (type) {
    case ValueType::kDate: return "date";
    case ValueType::kLocalTime: return "local time";
    case ValueType::kTime: return "time";
    case ValueType::kLocalDateTime: return "local datetime";
    case ValueType::kDateTime: return "datetime";
    case ValueType::kDuration: return "duration";
    default: return "value";
  }
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c | 0x20);
    }
  }
  return result;
}

// --- calendar ---
// Days are counted in 400-year eras of 146 097 days that start on 1 March, so that a leap day ends its year.

int64_t days_from_civil(int64_t year, int month, int day) {
  const int64_t y = month <= 2 ? year - 1 : year;
  const int64_t era = floor_div(y, 400);
  const int64_t year_of_era = y - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146'097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719'468;
}

CivilDate civil_from_days(int64_t days) {
  const int64_t shifted = days + 719'468;
  const int64_t era = floor_div(shifted, 146'097);
  const int64_t day_of_era = shifted - era * 146'097;
  const int64_t year_of_era = (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted_month = (5 * day_of_year + 2) / 153;
  CivilDate date;
  date.day = static_cast<int>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  date.month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
  return date;
}

int days_in_month(int64_t year, int month) {
  static constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[static_cast<size_t>(month - 1)];
}

int day_of_week(int64_t days) {
  return static_cast<int>(floor_mod(days + 3, 7)) + 1;
}

int64_t first_monday(int64_t week_year) {
  const int64_t fourth = days_from_civil(week_year, 1, 4);  // always in week 1
  return fourth - (day_of_week(fourth) - 1);
}

int weeks_in(int64_t week_year) {
  return static_cast<int>((first_monday(week_year + 1) - first_monday(week_year)) / 7);
}

WeekDate week_of(int64_t days) {
  const int day = day_of_week(days);
  const int64_t thursday = days - day + 4;
  const int64_t year = civil_from_days(thursday).year;
  return {year, static_cast<int>((days - first_monday(year)) / 7) + 1, day};
}

Status check_range(std::string_view what, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) {
    return Status();
  }
  return argument_error(std::string(what) + " `" + std::to_string(value) + "` is not in " + std::to_string(low) +
                        " to " + std::to_string(high));
}

int day_of_quarter(int64_t days) {
  const CivilDate date = civil_from_days(days);
  return static_cast<int>(days - days_from_civil(date.year, quarter_of(date.month) * 3 - 2, 1)) + 1;
}

namespace {

Status check_year(int64_t year) {
  return check_range("year", year, -kYearMax, kYearMax);
}

int64_t day_min() {
  static const int64_t kDay = days_from_civil(-kYearMax, 1, 1);
  return kDay;
}
int64_t day_max() {
  static const int64_t kDay = days_from_civil(kYearMax, 12, 31);
  return kDay;
}

int quarter_length(int64_t year, int quarter) {
  const int month = quarter * 3 - 2;
  return days_in_month(year, month) + days_in_month(year, month + 1) + days_in_month(year, month + 2);
}

int ordinal_day(int64_t days) {
  return static_cast<int>(days - days_from_civil(civil_from_days(days).year, 1, 1)) + 1;
}

}  // namespace

Status check_date(int64_t days) {
  if (days >= day_min() && days <= day_max()) {
    return Status();
  }
  return range_error("the date is outside the years -999999999 to 999999999");
}

Result<int64_t> days_from_calendar(int64_t year, int64_t month, int64_t day) {
  LORA_TRY(check_year(year));
  LORA_TRY(check_range("month", month, 1, 12));
  LORA_TRY(check_range("day", day, 1, days_in_month(year, static_cast<int>(month))));
  return days_from_civil(year, static_cast<int>(month), static_cast<int>(day));
}

Result<int64_t> days_from_week(int64_t week_year, int64_t week, int64_t day) {
  LORA_TRY(check_year(week_year));
  LORA_TRY(check_range("week", week, 1, weeks_in(week_year)));
  LORA_TRY(check_range("dayOfWeek", day, 1, 7));
  const int64_t days = first_monday(week_year) + (week - 1) * 7 + day - 1;
  LORA_TRY(check_date(days));
  return days;
}

Result<int64_t> days_from_quarter(int64_t year, int64_t quarter, int64_t day) {
  LORA_TRY(check_year(year));
  LORA_TRY(check_range("quarter", quarter, 1, 4));
  LORA_TRY(check_range("dayOfQuarter", day, 1, quarter_length(year, static_cast<int>(quarter))));
  return days_from_civil(year, static_cast<int>(quarter) * 3 - 2, 1) + day - 1;
}

Result<int64_t> days_from_ordinal(int64_t year, int64_t day) {
  LORA_TRY(check_year(year));
  LORA_TRY(check_range("ordinalDay", day, 1, 337 + days_in_month(year, 2)));
  return days_from_civil(year, 1, 1) + day - 1;
}

// --- taking apart and putting together ---

namespace {

void set_wall(Parts* parts, int64_t local_seconds, int32_t nanos) {
  parts->days = floor_div(local_seconds, kSecondsPerDay);
  parts->nanos = floor_mod(local_seconds, kSecondsPerDay) * kNanosPerSecond + nanos;
}

}  // namespace

Parts parts_of(const Value& value) {
  Parts parts;
  switch (value.type()) {
    case ValueType::kDate:
      parts.has_date = true;
      parts.days = value.as_date().days;
      break;
    case ValueType::kLocalTime:
      parts.has_time = true;
      parts.nanos = value.as_local_time().nanos;
      break;
    case ValueType::kTime:
      parts.has_time = parts.has_zone = true;
      parts.nanos = value.as_time().nanos;
      parts.zone.offset = value.as_time().offset_seconds;
      break;
    case ValueType::kLocalDateTime: {
      parts.has_date = parts.has_time = true;
      const LocalDateTime v = value.as_local_date_time();
      set_wall(&parts, v.seconds, v.nanos);
      break;
    }
    case ValueType::kDateTime: {
      parts.has_date = parts.has_time = parts.has_zone = true;
      const DateTime& v = value.as_date_time();
      set_wall(&parts, v.seconds + v.offset_seconds, v.nanos);
      parts.zone = {v.offset_seconds, v.zone};
      break;
    }
    default: break;
  }
  return parts;
}

namespace {

struct Instant {
  int64_t seconds = 0;
  int32_t offset = 0;
};

Result<Instant> resolve(const Parts& parts, bool keep_offset) {
  const int64_t local = parts.local_seconds();
  if (parts.zone.name.empty()) {
    return Instant{local - parts.zone.offset, parts.zone.offset};
  }
  LORA_ASSIGN(const time_zone::LocalOffset found, time_zone::offset_of_local(parts.zone.name, local));
  if (found.gap) {
    const int64_t seconds = local - found.offset;
    LORA_ASSIGN(const int32_t offset, time_zone::offset_at(parts.zone.name, seconds));
    return Instant{seconds, offset};
  }
  const int32_t offset = keep_offset && found.other == parts.zone.offset ? found.other : found.offset;
  return Instant{local - offset, offset};
}

}  // namespace

Result<int64_t> instant_of(const Parts& parts, bool keep_offset) {
  LORA_ASSIGN(const Instant instant, resolve(parts, keep_offset));
  return instant.seconds;
}

Result<Value> build(ValueType type, const Parts& parts, bool keep_offset) {
  switch (type) {
    case ValueType::kDate: LORA_TRY(check_date(parts.days)); return Value::date({parts.days});
    case ValueType::kLocalTime: return Value::local_time({parts.nanos});
    case ValueType::kTime: return Value::time({parts.nanos, parts.zone.offset});
    case ValueType::kLocalDateTime:
      LORA_TRY(check_date(parts.days));
      return Value::local_date_time({parts.local_seconds(), parts.nanos_of_second()});
    case ValueType::kDateTime: {
      LORA_TRY(check_date(parts.days));
      LORA_ASSIGN(const Instant instant, resolve(parts, keep_offset));
      return Value::date_time({instant.seconds, parts.nanos_of_second(), instant.offset, parts.zone.name});
    }
    default: return Status::internal("not a point in time");
  }
}

Result<Parts> parts_at(int64_t seconds, int32_t nanos, Zone zone) {
  // Instants of dates in range, and a day's leeway for offsets.
  if (seconds < (day_min() - 1) * kSecondsPerDay || seconds > (day_max() + 2) * kSecondsPerDay) {
    return range_error("the date is outside the years -999999999 to 999999999");
  }
  Parts parts;
  parts.has_date = parts.has_time = parts.has_zone = true;
  if (!zone.name.empty()) {
    LORA_ASSIGN(zone.offset, time_zone::offset_at(zone.name, seconds));
  }
  set_wall(&parts, seconds + zone.offset, nanos);
  parts.zone = std::move(zone);
  return parts;
}

Result<Value> from_instant(ValueType type, int64_t seconds, int32_t nanos, std::string_view zone) {
  Zone where;
  if (!zone.empty()) {
    LORA_ASSIGN(where, parse_zone(zone));
  }
  LORA_ASSIGN(const Parts parts, parts_at(seconds, nanos, std::move(where)));
  return build(type, parts, true);
}

Result<Value> from_epoch(int64_t seconds, int64_t nanos) {
  int64_t total = 0;
  if (__builtin_add_overflow(seconds, floor_div(nanos, kNanosPerSecond), &total)) {
    return range_error("the date is outside the years -999999999 to 999999999");
  }
  return from_instant(ValueType::kDateTime, total, static_cast<int32_t>(floor_mod(nanos, kNanosPerSecond)), "");
}

Result<Value> from_epoch_millis(int64_t millis) {
  return from_epoch(floor_div(millis, 1'000), floor_mod(millis, 1'000) * 1'000'000);
}

// --- components ---

namespace {

// A component that is a whole number, of days since 1970-01-01 or of nanoseconds since midnight.
using ComponentOf = int64_t (*)(int64_t);

// Null: dates have no such component.
ComponentOf date_component(std::string_view name) {
  if (name == "year") return [](int64_t days) { return civil_from_days(days).year; };
  if (name == "quarter") return [](int64_t days) -> int64_t { return quarter_of(civil_from_days(days).month); };
  if (name == "month") return [](int64_t days) -> int64_t { return civil_from_days(days).month; };
  if (name == "day") return [](int64_t days) -> int64_t { return civil_from_days(days).day; };
  if (name == "week") return [](int64_t days) -> int64_t { return week_of(days).week; };
  if (name == "weekyear") return [](int64_t days) { return week_of(days).year; };
  if (name == "dayofweek" || name == "weekday") return [](int64_t days) -> int64_t { return day_of_week(days); };
  if (name == "ordinalday" || name == "dayofyear") return [](int64_t days) -> int64_t { return ordinal_day(days); };
  if (name == "dayofquarter") return [](int64_t days) -> int64_t { return day_of_quarter(days); };
  return nullptr;
}

// The same of times.
ComponentOf time_component(std::string_view name) {
  if (name == "hour") return [](int64_t nanos) { return nanos / (3'600 * kNanosPerSecond); };
  if (name == "minute") return [](int64_t nanos) { return nanos / (60 * kNanosPerSecond) % 60; };
  if (name == "second") return [](int64_t nanos) { return nanos / kNanosPerSecond % 60; };
  if (name == "millisecond") return [](int64_t nanos) { return nanos % kNanosPerSecond / 1'000'000; };
  if (name == "microsecond") return [](int64_t nanos) { return nanos % kNanosPerSecond / 1'000; };
  if (name == "nanosecond") return [](int64_t nanos) { return nanos % kNanosPerSecond; };
  return nullptr;
}

Status no_component(ValueType type, std::string_view name) {
  return argument_error("a " + std::string(type_word(type)) + " has no component `" + std::string(name) + "`");
}

Result<Value> seconds_as(const Duration& d, int64_t per_second, std::string_view name) {
  const __int128 total = static_cast<__int128>(d.seconds) * per_second + d.nanos / (kNanosPerSecond / per_second);
  if (total < std::numeric_limits<int64_t>::min() || total > std::numeric_limits<int64_t>::max()) {
    return range_error("`" + std::string(name) + "` of the duration does not fit into 64 bits");
  }
  return Value::integer(static_cast<int64_t>(total));
}

Result<Value> duration_component(const Duration& d, std::string_view name) {
  const std::string key = lower_case(name);
  if (key == "milliseconds") return seconds_as(d, 1'000, name);
  if (key == "microseconds") return seconds_as(d, 1'000'000, name);
  if (key == "nanoseconds") return seconds_as(d, kNanosPerSecond, name);
  const std::pair<std::string_view, int64_t> kParts[] = {
      {"years", d.months / 12},
      {"quarters", d.months / 3},
      {"months", d.months},
      {"weeks", d.days / 7},
      {"days", d.days},
      {"hours", d.seconds / 3'600},
      {"minutes", d.seconds / 60},
      {"seconds", d.seconds},
      {"quartersofyear", d.months / 3 % 4},
      {"monthsofquarter", d.months % 3},
      {"monthsofyear", d.months % 12},
      {"daysofweek", d.days % 7},
      {"minutesofhour", d.seconds / 60 % 60},
      {"secondsofminute", d.seconds % 60},
      {"millisecondsofsecond", d.nanos / 1'000'000},
      {"microsecondsofsecond", d.nanos / 1'000},
      {"nanosecondsofsecond", d.nanos},
  };
  for (const auto& [part, value] : kParts) {
    if (part == key) {
      return Value::integer(value);
    }
  }
  return no_component(ValueType::kDuration, name);
}

}  // namespace

Result<Value> component(const Value& value, std::string_view name) {
  if (value.type() == ValueType::kDuration) {
    return duration_component(value.as_duration(), name);
  }
  if (!value.is_temporal()) {
    return type_error("a value of type " + std::string(value_type_name(value.type())) + " has no temporal components");
  }
  const std::string key = lower_case(name);
  const Parts parts = parts_of(value);
  if (const ComponentOf of = parts.has_date ? date_component(key) : nullptr; of != nullptr) {
    return Value::integer(of(parts.days));
  }
  if (const ComponentOf of = parts.has_time ? time_component(key) : nullptr; of != nullptr) {
    return Value::integer(of(parts.nanos));
  }
  if (parts.has_zone) {
    if (key == "timezone" && !parts.zone.name.empty()) return Value::string(parts.zone.name);
    if (key == "timezone" || key == "offset") return Value::string(offset_text(parts.zone.offset));
    if (key == "offsetminutes") return Value::integer(parts.zone.offset / 60);
    if (key == "offsetseconds") return Value::integer(parts.zone.offset);
  }
  if (value.type() == ValueType::kDateTime) {
    const DateTime& v = value.as_date_time();
    if (key == "epochseconds") return Value::integer(v.seconds);
    if (key == "epochmillis") {
      int64_t millis = 0;
      if (__builtin_mul_overflow(v.seconds, int64_t{1'000}, &millis) ||
          __builtin_add_overflow(millis, v.nanos / 1'000'000, &millis)) {
        return range_error("`epochMillis` does not fit into 64 bits");
      }
      return Value::integer(millis);
    }
  }
  return no_component(value.type(), name);
}

bool components(WordType type, std::span<const int64_t> words, std::string_view name, int64_t* out) {
  const bool dated =
      type.type == ValueType::kDate || type.type == ValueType::kLocalDateTime || type.type == ValueType::kDateTime;
  const bool timed =
      type.type != ValueType::kDate && (dated || type.type == ValueType::kLocalTime || type.type == ValueType::kTime);
  const std::string key = lower_case(name);
  const ComponentOf of_days = dated ? date_component(key) : nullptr;
  const ComponentOf of_nanos = timed && of_days == nullptr ? time_component(key) : nullptr;
  if (of_days == nullptr && of_nanos == nullptr) return false;
  const int64_t offset = type.offset_seconds * kNanosPerSecond;  // what clocks there are ahead of UTC
  for (size_t i = 0; i < words.size(); ++i) {
    int64_t local = 0;
    if (__builtin_add_overflow(words[i], offset, &local)) return false;
    if (of_nanos != nullptr) {
      out[i] = of_nanos(floor_mod(local, kNanosPerDay));
    } else {
      out[i] = of_days(timed ? floor_div(local, kNanosPerDay) : local);
    }
  }
  return true;
}

}  // namespace lora::temporal
