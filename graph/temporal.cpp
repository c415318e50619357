// Calendar, zones, components, construction and truncation. Text is in temporal_text.cpp, durations in
// temporal_duration.cpp.
#include "graph/temporal.h"

#include <algorithm>
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

namespace {

Status check_range(std::string_view what, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) {
    return Status();
  }
  return argument_error(std::string(what) + " `" + std::to_string(value) + "` is not in " + std::to_string(low) +
                        " to " + std::to_string(high));
}

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

int day_of_quarter(int64_t days) {
  const CivilDate date = civil_from_days(days);
  return static_cast<int>(days - days_from_civil(date.year, quarter_of(date.month) * 3 - 2, 1)) + 1;
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

std::optional<int64_t> date_component(int64_t days, std::string_view name) {
  const CivilDate date = civil_from_days(days);
  if (name == "year") return date.year;
  if (name == "quarter") return quarter_of(date.month);
  if (name == "month") return date.month;
  if (name == "day") return date.day;
  if (name == "week") return week_of(days).week;
  if (name == "weekyear") return week_of(days).year;
  if (name == "dayofweek" || name == "weekday") return day_of_week(days);
  if (name == "ordinalday" || name == "dayofyear") return ordinal_day(days);
  if (name == "dayofquarter") return day_of_quarter(days);
  return std::nullopt;
}

std::optional<int64_t> time_component(int64_t nanos, std::string_view name) {
  const int64_t seconds = nanos / kNanosPerSecond;
  const int64_t fraction = nanos % kNanosPerSecond;
  if (name == "hour") return seconds / 3'600;
  if (name == "minute") return seconds / 60 % 60;
  if (name == "second") return seconds % 60;
  if (name == "millisecond") return fraction / 1'000'000;
  if (name == "microsecond") return fraction / 1'000;
  if (name == "nanosecond") return fraction;
  return std::nullopt;
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
  std::optional<int64_t> found;
  if (parts.has_date) {
    found = date_component(parts.days, key);
  }
  if (!found && parts.has_time) {
    found = time_component(parts.nanos, key);
  }
  if (found) {
    return Value::integer(*found);
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

// --- construction ---

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
    while (field < kFieldCount && lower_case(kFieldNames[field]) != key) {
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
