// Inside the temporal types: a value taken apart and put together again. Only graph/temporal*.cpp include this.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "graph/temporal.h"

namespace lora::temporal {

inline constexpr int32_t kNoOffset = INT32_MIN;

// The analyzer loses sight of what a Result holds.
// NOLINTBEGIN(clang-analyzer-core.uninitialized.Assign)

// A fixed offset, or a named zone: then `offset` is kNoOffset from parse_zone, and the one in force from parts_of.
struct Zone {
  int32_t offset = 0;
  std::string name;  // empty: a fixed offset
};

// A date and/or time of day as shown on the wall.
struct Parts {
  bool has_date = false;
  bool has_time = false;
  bool has_zone = false;
  int64_t days = 0;   // since 1970-01-01
  int64_t nanos = 0;  // of the day
  Zone zone;

  int64_t local_seconds() const { return days * kSecondsPerDay + nanos / kNanosPerSecond; }
  int32_t nanos_of_second() const { return static_cast<int32_t>(nanos % kNanosPerSecond); }
};
// NOLINTEND(clang-analyzer-core.uninitialized.Assign)

// Of any temporal value but a duration.
Parts parts_of(const Value& value);
// `type` from the parts it needs; a named zone is resolved. `keep_offset`: in an overlap take zone.offset if it fits.
Result<Value> build(ValueType type, const Parts& parts, bool keep_offset = false);
// The wall at an instant.
Result<Parts> parts_at(int64_t seconds, int32_t nanos, Zone zone);
// The instant of parts with a date and a zone, in seconds (nanoseconds stay as they are).
Result<int64_t> instant_of(const Parts& parts, bool keep_offset);

// "Z", "+01:00", "Europe/Berlin". A name is checked against the database.
Result<Zone> parse_zone(std::string_view text);
std::string offset_text(int32_t seconds);

std::string_view type_word(ValueType type);  // "date", "local time", ...
Status argument_error(std::string message);
Status type_error(std::string message);
Status range_error(std::string message);
Status check_date(int64_t days);  // the years of temporal.h

// A part of a duration with a fraction of the same unit: whole + fraction, |fraction| < 1 after balance().
struct Amount {
  __int128 whole = 0;
  long double fraction = 0;
};
// `number` times `factor`, added to *to.
Status add_amount(Amount* to, const Value& number, int64_t factor);
// Fractions move down; fractions of a nanosecond are dropped (but for the rounding of binary fractions).
Result<Duration> duration_from(Amount months, Amount days, Amount seconds, Amount nanos);

// Component names compare without regard to ASCII case.
std::string lower_case(std::string_view text);
// `lower` is in lower case.
inline bool same_name(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a | 0x20 : a) == b; });
}

inline int64_t floor_div(int64_t a, int64_t b) {
  const int64_t q = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}
inline int64_t floor_mod(int64_t a, int64_t b) {
  const int64_t r = a % b;
  return (r != 0 && (r < 0) != (b < 0)) ? r + b : r;
}

// ISO weeks.
int day_of_week(int64_t days);  // Monday 1 to Sunday 7
struct WeekDate {
  int64_t year = 0;
  int week = 0;
  int day = 0;
};
WeekDate week_of(int64_t days);
int64_t first_monday(int64_t week_year);  // of week 1
int weeks_in(int64_t week_year);
inline int quarter_of(int month) {
  return (month - 1) / 3 + 1;
}
int day_of_quarter(int64_t days);
Status check_range(std::string_view what, int64_t value, int64_t low, int64_t high);
// Each checks the ranges of its parts.
Result<int64_t> days_from_calendar(int64_t year, int64_t month, int64_t day);
Result<int64_t> days_from_week(int64_t week_year, int64_t week, int64_t day);
Result<int64_t> days_from_quarter(int64_t year, int64_t quarter, int64_t day);
Result<int64_t> days_from_ordinal(int64_t year, int64_t day);

}  // namespace lora::temporal
