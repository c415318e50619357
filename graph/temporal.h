// Cypher's temporal types: text, components, construction from maps, truncation, durations between, arithmetic.
//
// Calendar: ISO 8601, proleptic Gregorian, years -999 999 999 to 999 999 999; weeks are ISO weeks. Time has
// nanoseconds. A month in a fraction of a month counts 30.436875 days (a 400-year cycle's average); a day 24 hours.
// Fractions move down: months to days, days to seconds, never up. Zones: an offset of +-18 hours (seconds allowed), or
// an IANA name, see time_zone.h. Where a zone's clock repeats an hour the earlier offset is taken unless the text or
// the old value says otherwise; where it skips one, local times in the gap move forward by its length.
//
// Text read (dates): YYYY, YYYY-MM, YYYYMM, YYYY-MM-DD, YYYYMMDD, YYYY-Www, YYYYWww, YYYY-Www-D, YYYYWwwD, YYYY-Qq,
// YYYYQq, YYYY-Qq-DD, YYYYQqDD, YYYY-DDD, YYYYDDD; with a sign the year has up to 9 digits and the dashes are needed.
// Times: HH, HH:MM, HHMM, HH:MM:SS, HHMMSS, a fraction of 1 to 9 digits after `.` or `,`. Offsets: Z, +-HH, +-HH:MM,
// +-HHMM, +-HH:MM:SS, +-HHMMSS; `[Area/City]` after a date and time. Durations: PnYnMnWnDTnHnMnS with signs and
// fractions, PYYYY-MM-DDThh:mm:ss, PYYYYMMDDThhmmss.
//
// Errors: ArgumentError/InvalidArgumentValue (bad text, value out of range, unknown zone or unit), TypeError/
// InvalidArgumentType (a value of the wrong type), ArithmeticError/NumberOutOfRange (a result out of range), all
// runtime. Threads: free functions, callable from any thread. Nothing here reads the clock.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "graph/value.h"
#include "graph/word.h"
#include "kv/status.h"

namespace lora::temporal {

inline constexpr int64_t kYearMax = 999'999'999;
inline constexpr int64_t kNanosPerSecond = 1'000'000'000;
inline constexpr int64_t kSecondsPerDay = 86'400;
inline constexpr int64_t kNanosPerDay = kSecondsPerDay * kNanosPerSecond;
inline constexpr int32_t kOffsetMax = 18 * 3600;

// --- calendar ---

struct CivilDate {
  int64_t year = 1970;
  int month = 1;  // 1 to 12
  int day = 1;    // 1 to 31
};
CivilDate civil_from_days(int64_t days);
int64_t days_from_civil(int64_t year, int month, int day);  // the parts must be a date
int days_in_month(int64_t year, int month);

// --- clock readings: the caller has the instant and decides which clock it is ---

// An instant as a value of `type` (any temporal type but duration) in `zone`: empty, "Z", an offset or an IANA name.
Result<Value> from_instant(ValueType type, int64_t seconds, int32_t nanos, std::string_view zone);
Result<Value> from_epoch(int64_t seconds, int64_t nanos);  // datetime.fromepoch
Result<Value> from_epoch_millis(int64_t millis);           // datetime.fromepochmillis

// --- text ---

Result<Value> parse_date(std::string_view text);
Result<Value> parse_local_time(std::string_view text);
// Without an offset in the text the offset is that of UTC.
Result<Value> parse_time(std::string_view text);
Result<Value> parse_local_date_time(std::string_view text);
Result<Value> parse_date_time(std::string_view text);
Result<Value> parse_duration(std::string_view text);
Result<Value> parse(ValueType type, std::string_view text);

// Canonical text, what toString() gives; parses back to an equal value of the same type.
void append_text(std::string* out, const Value& value);
std::string to_text(const Value& value);

// --- construction: date(x), localtime(x), time(x), localdatetime(x), datetime(x), duration(x) ---

// `argument`: text, a map of components (with `date`, `time`, `datetime` as bases and `timezone`), or another temporal
// value to take parts from; null gives null. Keys are read without regard to case. `now_seconds` (since the epoch, UTC)
// resolves a named zone where a time has no date; a map with only a `timezone` is an error (use from_instant).
Result<Value> make(ValueType type, const Value& argument, int64_t now_seconds = 0);

// TYPE.truncate(unit, value, fields): `fields` is a map or null. Units: millennium, century, decade, year, weekYear,
// quarter, month, week, day, hour, minute, second, millisecond, microsecond (without regard to case).
Result<Value> truncate(ValueType type, std::string_view unit, const Value& value, const Value& fields,
                       int64_t now_seconds = 0);

// --- durations between two temporal values of any kinds (null gives null) ---

Result<Value> between(const Value& from, const Value& to);     // months, days and seconds
Result<Value> in_months(const Value& from, const Value& to);   // whole months only
Result<Value> in_days(const Value& from, const Value& to);     // whole days only
Result<Value> in_seconds(const Value& from, const Value& to);  // seconds and nanoseconds only

// --- components ---

// year, quarter, month, week, weekYear, day, ordinalDay, dayOfYear, dayOfWeek, weekDay, dayOfQuarter, hour, minute,
// second, millisecond, microsecond, nanosecond, timezone, offset, offsetMinutes, offsetSeconds, epochSeconds,
// epochMillis; of durations years, quarters, months, weeks, days, hours, minutes, seconds, milliseconds, microseconds,
// nanoseconds, quartersOfYear, monthsOfQuarter, monthsOfYear, daysOfWeek, minutesOfHour, secondsOfMinute,
// millisecondsOfSecond, microsecondsOfSecond, nanosecondsOfSecond. Without regard to case. An error names the component
// that the type does not have.
Result<Value> component(const Value& value, std::string_view name);
// Of many words of one type (word.h), what component() gives of each: out[i] of words[i]. False: this component is no
// whole number of such values, or a value's is out of range; `out` holds anything then.
bool components(WordType type, std::span<const int64_t> words, std::string_view name, int64_t* out);

// --- arithmetic ---

Result<Value> add(const Value& a, const Value& b);  // duration + duration, temporal + duration, duration + temporal
Result<Value> subtract(const Value& a, const Value& b);  // duration - duration, temporal - duration
Result<Value> multiply(const Value& duration, const Value& number);
Result<Value> divide(const Value& duration, const Value& number);

// A duration from parts that may have any sign: nanos are carried into seconds.
Result<Duration> make_duration(int64_t months, int64_t days, int64_t seconds, int64_t nanos);

}  // namespace lora::temporal

namespace lora {
inline Result<Value> temporal_field(const Value& value, std::string_view name) {
  return temporal::component(value, name);
}
}  // namespace lora
