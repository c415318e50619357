// Durations: making, the distance between two values, arithmetic.
#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/temporal.h"
#include "graph/temporal_parts.h"

namespace lora::temporal {
namespace {

constexpr int64_t kSecondsPerMonth = 2'629'746;  // 30.436875 days
constexpr long double kNanoTolerance = 0.1L;     // rounding of binary fractions

Status too_long() {
  return range_error("the duration is out of range");
}

bool fits(__int128 value) {
  return value >= std::numeric_limits<int64_t>::min() && value <= std::numeric_limits<int64_t>::max();
}

Result<Duration> duration_of(__int128 months, __int128 days, __int128 seconds, __int128 nanos) {
  __int128 carry = nanos / kNanosPerSecond;
  __int128 rest = nanos % kNanosPerSecond;
  if (rest < 0) {
    rest += kNanosPerSecond;
    --carry;
  }
  seconds += carry;
  if (!fits(months) || !fits(days) || !fits(seconds)) {
    return too_long();
  }
  return Duration{static_cast<int64_t>(months), static_cast<int64_t>(days), static_cast<int64_t>(seconds),
                  static_cast<int32_t>(rest)};
}

// |fraction| < 1 and both parts of one sign.
void balance(Amount* amount) {
  const long double whole = std::trunc(amount->fraction);
  amount->whole += static_cast<__int128>(whole);
  amount->fraction -= whole;
  if (amount->whole > 0 && amount->fraction < 0) {
    --amount->whole;
    amount->fraction += 1;
  } else if (amount->whole < 0 && amount->fraction > 0) {
    ++amount->whole;
    amount->fraction -= 1;
  }
}

long double drop_fraction(long double value) {
  const long double nearest = std::nearbyint(value);
  return std::fabs(value - nearest) <= kNanoTolerance ? nearest : std::trunc(value);
}

}  // namespace

Status add_amount(Amount* to, const Value& number, int64_t factor) {
  if (number.is_integer()) {
    to->whole += static_cast<__int128>(number.as_integer()) * factor;
    return Status();
  }
  const long double value = static_cast<long double>(number.as_float()) * static_cast<long double>(factor);
  if (!(std::fabs(value) < 0x1p80L)) {  // also NaN and infinities
    return too_long();
  }
  const long double whole = std::trunc(value);
  to->whole += static_cast<__int128>(whole);
  to->fraction += value - whole;
  return Status();
}

Result<Duration> duration_from(Amount months, Amount days, Amount seconds, Amount nanos) {
  if (months.fraction == 0 && days.fraction == 0 && seconds.fraction == 0 && nanos.fraction == 0) {
    return duration_of(months.whole, days.whole, seconds.whole, nanos.whole);
  }
  balance(&months);
  // A fraction of a month in seconds, whole days of it first.
  const long double month_seconds = months.fraction * kSecondsPerMonth;
  const long double month_days = std::trunc(month_seconds / kSecondsPerDay);
  days.whole += static_cast<__int128>(month_days);
  days.fraction += (month_seconds - month_days * kSecondsPerDay) / kSecondsPerDay;
  balance(&days);
  seconds.fraction += days.fraction * kSecondsPerDay;
  const long double whole_seconds = std::trunc(seconds.fraction);
  seconds.whole += static_cast<__int128>(whole_seconds);
  seconds.fraction -= whole_seconds;
  const long double fraction = drop_fraction(seconds.fraction * kNanosPerSecond + nanos.fraction);
  return duration_of(months.whole, days.whole, seconds.whole, nanos.whole + static_cast<__int128>(fraction));
}

Result<Duration> make_duration(int64_t months, int64_t days, int64_t seconds, int64_t nanos) {
  return duration_of(months, days, seconds, nanos);
}

// --- between ---

namespace {

// `days` and nanoseconds of the day after `months`; the day moves back to the month's end where it must.
int64_t plus_months(int64_t days, int64_t months) {
  const CivilDate date = civil_from_days(days);
  const int64_t month = date.year * 12 + (date.month - 1) + months;
  const int64_t year = floor_div(month, 12);
  const int in_year = static_cast<int>(floor_mod(month, 12)) + 1;
  return days_from_civil(year, in_year, std::min(date.day, days_in_month(year, in_year)));
}

int64_t months_between(const Parts& from, const Parts& to) {
  const CivilDate a = civil_from_days(from.days);
  const CivilDate b = civil_from_days(to.days);
  int64_t months = (b.year - a.year) * 12 + (b.month - a.month);
  const auto rest = [](const CivilDate& date, const Parts& parts) { return std::pair(date.day, parts.nanos); };
  if (months > 0 && rest(b, to) < rest(a, from)) {
    --months;
  } else if (months < 0 && rest(b, to) > rest(a, from)) {
    ++months;
  }
  return months;
}

int64_t days_between(const Parts& from, const Parts& to) {
  int64_t days = to.days - from.days;
  if (days > 0 && to.nanos < from.nanos) {
    --days;
  } else if (days < 0 && to.nanos > from.nanos) {
    ++days;
  }
  return days;
}

// Both sides on one line: what one lacks (date, zone) it has from the other.
struct Span {
  Parts from, to;
  bool dates = false;  // both brought a date of their own
  bool zoned = false;
};

Result<Span> span_of(const Value& from, const Value& to) {
  for (const Value* side : {&from, &to}) {
    if (!side->is_temporal() || side->type() == ValueType::kDuration) {
      return type_error("a duration lies between two temporal values, not at a value of type " +
                        std::string(value_type_name(side->type())));
    }
  }
  Span span{parts_of(from), parts_of(to)};
  Parts& a = span.from;
  Parts& b = span.to;
  span.dates = a.has_date && b.has_date;
  span.zoned = a.has_zone || b.has_zone;
  if (!a.has_date) {
    a.days = b.days;
  } else if (!b.has_date) {
    b.days = a.days;
  }
  if (a.has_zone && !b.has_zone) {
    b.zone = a.zone;
  } else if (b.has_zone && !a.has_zone) {
    a.zone = b.zone;
  } else if (span.dates && span.zoned) {
    LORA_ASSIGN(const int64_t instant, instant_of(b, true));
    LORA_ASSIGN(b, parts_at(instant, b.nanos_of_second(), a.zone));
  }
  return span;
}

// Seconds and nanoseconds on the line of instants, or of walls where there is no zone.
Result<Duration> time_between(const Span& span, const Parts& from, __int128 months, __int128 days) {
  int64_t a = from.local_seconds();
  int64_t b = span.to.local_seconds();
  if (span.zoned) {
    LORA_ASSIGN(a, instant_of(from, true));
    LORA_ASSIGN(b, instant_of(span.to, true));
  }
  return duration_of(months, days, b - a, span.to.nanos_of_second() - from.nanos_of_second());
}

}  // namespace

Result<Value> between(const Value& from, const Value& to) {
  if (from.is_null() || to.is_null()) {
    return Value();
  }
  LORA_ASSIGN(const Span span, span_of(from, to));
  Parts start = span.from;
  int64_t months = 0, days = 0;
  if (span.dates) {
    months = months_between(start, span.to);
    start.days = plus_months(start.days, months);
    days = days_between(start, span.to);
    start.days += days;
  }
  LORA_ASSIGN(const Duration duration, time_between(span, start, months, days));
  return Value::duration(duration);
}

Result<Value> in_months(const Value& from, const Value& to) {
  if (from.is_null() || to.is_null()) {
    return Value();
  }
  LORA_ASSIGN(const Span span, span_of(from, to));
  return Value::duration({span.dates ? months_between(span.from, span.to) : 0, 0, 0, 0});
}

Result<Value> in_days(const Value& from, const Value& to) {
  if (from.is_null() || to.is_null()) {
    return Value();
  }
  LORA_ASSIGN(const Span span, span_of(from, to));
  return Value::duration({0, span.dates ? days_between(span.from, span.to) : 0, 0, 0});
}

Result<Value> in_seconds(const Value& from, const Value& to) {
  if (from.is_null() || to.is_null()) {
    return Value();
  }
  LORA_ASSIGN(const Span span, span_of(from, to));
  LORA_ASSIGN(const Duration duration, time_between(span, span.from, 0, 0));
  return Value::duration(duration);
}

// --- arithmetic ---

namespace {

Status date_out_of_range() {
  return range_error("the date is outside the years -999999999 to 999999999");
}

// A date moved by months, then by days.
Result<int64_t> move_date(int64_t days, __int128 months, __int128 more_days) {
  constexpr __int128 kMonthsMax = static_cast<__int128>(kYearMax) * 24 + 24;
  constexpr __int128 kDaysMax = static_cast<__int128>(kYearMax) * 2 * 366;
  if (months < -kMonthsMax || months > kMonthsMax) {
    return date_out_of_range();
  }
  const int64_t moved = plus_months(days, static_cast<int64_t>(months));
  LORA_TRY(check_date(moved));
  if (more_days < -kDaysMax || more_days > kDaysMax) {
    return date_out_of_range();
  }
  LORA_TRY(check_date(moved + static_cast<int64_t>(more_days)));
  return moved + static_cast<int64_t>(more_days);
}

// An amount of seconds too large for any date; keeps the sums below in 64 bits.
constexpr int64_t kSecondsMax = int64_t{1} << 60;

// `sign` is 1 or -1.
Result<Value> move(const Value& value, const Duration& d, int sign) {
  Parts parts = parts_of(value);
  const __int128 seconds = static_cast<__int128>(d.seconds) * sign;
  const int64_t nanos = static_cast<int64_t>(d.nanos) * sign;
  if (!parts.has_date) {
    const auto of_day = static_cast<int64_t>(seconds % kSecondsPerDay);
    parts.nanos = floor_mod(parts.nanos + of_day * kNanosPerSecond + nanos, kNanosPerDay);
    return build(value.type(), parts);
  }
  __int128 days = static_cast<__int128>(d.days) * sign;
  if (!parts.has_time) {
    // Whole days of the time part count; the fraction rounds toward zero.
    const __int128 total = seconds * kNanosPerSecond + nanos;
    days += total / kNanosPerDay;
    LORA_ASSIGN(parts.days, move_date(parts.days, static_cast<__int128>(d.months) * sign, days));
    return build(value.type(), parts);
  }
  const bool dated = d.months != 0 || d.days != 0;
  if (dated) {
    LORA_ASSIGN(parts.days, move_date(parts.days, static_cast<__int128>(d.months) * sign, days));
  }
  if (seconds == 0 && nanos == 0) {
    return build(value.type(), parts, true);
  }
  if (seconds > kSecondsMax || seconds < -kSecondsMax) {
    return date_out_of_range();
  }
  const int64_t fraction = parts.nanos_of_second() + nanos;
  const int64_t shift = static_cast<int64_t>(seconds) + floor_div(fraction, kNanosPerSecond);
  const auto rest = static_cast<int32_t>(floor_mod(fraction, kNanosPerSecond));
  if (!parts.has_zone) {
    const int64_t local = parts.local_seconds() + shift;
    LORA_TRY(check_date(floor_div(local, kSecondsPerDay)));
    return Value::local_date_time({local, rest});
  }
  LORA_ASSIGN(const int64_t instant, instant_of(parts, true));
  LORA_ASSIGN(const Parts moved, parts_at(instant + shift, rest, parts.zone));
  return build(value.type(), moved, true);
}

Status cannot(std::string_view what, const Value& a, const Value& b) {
  return Status::runtime(ErrorCode::kType, "TypeError", "InvalidArgumentType",
                         "cannot " + std::string(what) + " values of type " + std::string(value_type_name(a.type())) +
                             " and " + std::string(value_type_name(b.type())));
}

bool is_duration(const Value& v) {
  return v.type() == ValueType::kDuration;
}
bool is_point_in_time(const Value& v) {
  return v.is_temporal() && !is_duration(v);
}

Result<Value> combine(const Duration& a, const Duration& b, int sign) {
  LORA_ASSIGN(const Duration result,
              duration_of(static_cast<__int128>(a.months) + static_cast<__int128>(b.months) * sign,
                          static_cast<__int128>(a.days) + static_cast<__int128>(b.days) * sign,
                          static_cast<__int128>(a.seconds) + static_cast<__int128>(b.seconds) * sign,
                          static_cast<__int128>(a.nanos) + static_cast<__int128>(b.nanos) * sign));
  return Value::duration(result);
}

// An integral number that a 64-bit integer holds.
bool is_whole(const Value& number, int64_t* whole) {
  if (number.is_integer()) {
    *whole = number.as_integer();
    return true;
  }
  const double d = number.as_float();
  if (!(d >= -0x1p63 && d < 0x1p63) || d != std::trunc(d)) {
    return false;
  }
  *whole = static_cast<int64_t>(d);
  return true;
}

Result<Value> times_whole(const Duration& d, int64_t factor) {
  const __int128 f = factor;
  LORA_ASSIGN(const Duration result, duration_of(d.months * f, d.days * f, d.seconds * f, d.nanos * f));
  return Value::duration(result);
}

// Exact: each unit's remainder moves down as a fraction with the divisor below it.
Result<Value> divide_whole(const Duration& d, int64_t divisor) {
  const __int128 n = divisor;
  const __int128 months = d.months / n;
  // |remainders| < 2^63, times nanoseconds per month < 2^52: below 2^115.
  const __int128 day_nanos =
      d.months % n * kSecondsPerMonth * kNanosPerSecond + static_cast<__int128>(d.days) * kNanosPerDay;
  const __int128 days = day_nanos / (n * kNanosPerDay);
  const __int128 nanos = day_nanos % (n * kNanosPerDay) + static_cast<__int128>(d.seconds) * kNanosPerSecond + d.nanos;
  LORA_ASSIGN(const Duration result, duration_of(months, days, 0, nanos / n));
  return Value::duration(result);
}

Result<Value> times_fraction(const Duration& d, long double factor) {
  Amount months, days, seconds, nanos;
  const auto scale = [factor](Amount* to, int64_t count) -> Status {
    const long double value = static_cast<long double>(count) * factor;
    if (!(std::fabs(value) < 0x1p80L)) {
      return too_long();
    }
    const long double whole = std::trunc(value);
    *to = {static_cast<__int128>(whole), value - whole};
    return Status();
  };
  LORA_TRY(scale(&months, d.months));
  LORA_TRY(scale(&days, d.days));
  LORA_TRY(scale(&seconds, d.seconds));
  LORA_TRY(scale(&nanos, d.nanos));
  LORA_ASSIGN(const Duration result, duration_from(months, days, seconds, nanos));
  return Value::duration(result);
}

}  // namespace

Result<Value> add(const Value& a, const Value& b) {
  if (a.is_null() || b.is_null()) {
    return Value();
  }
  if (is_duration(a) && is_duration(b)) {
    return combine(a.as_duration(), b.as_duration(), 1);
  }
  if (is_point_in_time(a) && is_duration(b)) {
    return move(a, b.as_duration(), 1);
  }
  if (is_duration(a) && is_point_in_time(b)) {
    return move(b, a.as_duration(), 1);
  }
  return cannot("add", a, b);
}

Result<Value> subtract(const Value& a, const Value& b) {
  if (a.is_null() || b.is_null()) {
    return Value();
  }
  if (is_duration(a) && is_duration(b)) {
    return combine(a.as_duration(), b.as_duration(), -1);
  }
  if (is_point_in_time(a) && is_duration(b)) {
    return move(a, b.as_duration(), -1);
  }
  return cannot("subtract", a, b);
}

Result<Value> multiply(const Value& duration, const Value& number) {
  if (duration.is_null() || number.is_null()) {
    return Value();
  }
  if (!is_duration(duration) || !number.is_number()) {
    return cannot("multiply", duration, number);
  }
  int64_t whole = 0;
  return is_whole(number, &whole) ? times_whole(duration.as_duration(), whole)
                                  : times_fraction(duration.as_duration(), number.as_float());
}

Result<Value> divide(const Value& duration, const Value& number) {
  if (duration.is_null() || number.is_null()) {
    return Value();
  }
  if (!is_duration(duration) || !number.is_number()) {
    return cannot("divide", duration, number);
  }
  int64_t whole = 0;
  if (!is_whole(number, &whole)) {
    return times_fraction(duration.as_duration(), 1.0L / number.as_float());
  }
  if (whole == 0) {
    return Status::runtime(ErrorCode::kArithmetic, "ArithmeticError", "DivisionByZero",
                           "division of a duration by zero");
  }
  return divide_whole(duration.as_duration(), whole);
}

}  // namespace lora::temporal
