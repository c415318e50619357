// Dates, date times, times of day, durations and points, with a calendar of their own that counts years and months one
// by one. Text forms are those that the generator writes.
#include <cmath>
#include <cstdio>

#include "tests/reference/reference_values.h"

namespace lora::reference {

namespace {

constexpr int64_t kDay = 86'400;
constexpr int64_t kNano = 1'000'000'000;

struct Civil {
  int64_t year, month, day;
};

bool leap(int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}
int64_t days_of(int64_t year, int64_t month) {
  static constexpr int64_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && leap(year) ? 29 : kDays[month - 1];
}
int64_t days_of(int64_t year) {
  return leap(year) ? 366 : 365;
}

int64_t day_number(Civil c) {
  if (std::abs(c.year) > 20'000) throw NotCompared("far away dates");
  int64_t days = c.day - 1;
  for (int64_t y = 1970; y < c.year; ++y) days += days_of(y);
  for (int64_t y = c.year; y < 1970; ++y) days -= days_of(y);
  for (int64_t m = 1; m < c.month; ++m) days += days_of(c.year, m);
  return days;
}

Civil civil(int64_t days) {
  if (std::abs(days) > 7'000'000) throw NotCompared("far away dates");
  Civil c{1970, 1, 1};
  for (; days < 0; --c.year) days += days_of(c.year - 1);
  for (; days >= days_of(c.year); ++c.year) days -= days_of(c.year);
  for (; days >= days_of(c.year, c.month); ++c.month) days -= days_of(c.year, c.month);
  c.day += days;
  return c;
}

int64_t floor_divide(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}
int64_t floor_rest(int64_t a, int64_t b) {
  return a - floor_divide(a, b) * b;
}

// Months first, which may shorten the day; then days.
int64_t moved(int64_t days, const Duration& by) {
  Civil c = civil(days);
  const int64_t months = c.year * 12 + c.month - 1 + by.months;
  c.year = floor_divide(months, 12);
  c.month = floor_rest(months, 12) + 1;
  if (std::abs(c.year) > 20'000) throw NotCompared("far away dates");
  c.day = std::min(c.day, days_of(c.year, c.month));
  return day_number(c) + by.days;
}

Duration times(const Duration& d, int64_t factor) {
  const auto total = static_cast<__int128>(d.seconds * kNano + d.nanos) * factor;
  Duration out{d.months * factor, d.days * factor, 0, 0};
  out.nanos = static_cast<int32_t>(((total % kNano) + kNano) % kNano);
  out.seconds = static_cast<int64_t>((total - out.nanos) / kNano);
  return out;
}

Duration sum(const Duration& a, const Duration& b) {
  const int64_t nanos = int64_t{a.nanos} + b.nanos;
  return {a.months + b.months, a.days + b.days, a.seconds + b.seconds + nanos / kNano,
          static_cast<int32_t>(nanos % kNano)};
}

// A year has 365.2425 days.
long double rough_seconds(const Duration& d) {
  return static_cast<long double>(d.months) * 2'629'746 + static_cast<long double>(d.days) * kDay +
         static_cast<long double>(d.seconds) + static_cast<long double>(d.nanos) / kNano;
}

// --- zones ---

// Rules since 2007; before that, the reference knows nothing.
struct Zone {
  const char* name;
  int32_t standard, summer;  // offsets in seconds
  int64_t begins, ends;      // of summer time: seconds of the day in UTC
  int first_month, last_month;
  int first_sunday, last_sunday;  // 1: the first of the month, 2: the second, 0: the last
};
constexpr Zone kZones[] = {{"Europe/Berlin", 3'600, 7'200, 3'600, 3'600, 3, 10, 0, 0},
                           {"America/New_York", -18'000, -14'400, 25'200, 21'600, 3, 11, 2, 1}};

int64_t sunday(int64_t year, int64_t month, int which) {
  int64_t day = day_number({year, month, which == 0 ? days_of(year, month) : 7 * which});
  // 1970-01-01 was a Thursday. The n-th Sunday is the last one up to the 7n-th day.
  while (floor_rest(day + 4, 7) != 0) --day;
  return day;
}

const Zone& zone_of(std::string_view name) {
  for (const Zone& zone : kZones) {
    if (name == zone.name) return zone;
  }
  throw NotCompared("a zone without a table");
}

int32_t offset_at(const Zone& zone, int64_t utc_seconds) {
  const int64_t year = civil(floor_divide(utc_seconds, kDay)).year;
  if (year < 2007 || year > 2037) throw NotCompared("a zone before 2007 or after 2037");
  const int64_t begin = sunday(year, zone.first_month, zone.first_sunday) * kDay + zone.begins;
  const int64_t end = sunday(year, zone.last_month, zone.last_sunday) * kDay + zone.ends;
  return utc_seconds >= begin && utc_seconds < end ? zone.summer : zone.standard;
}

// The instant of a time on the wall. When it comes twice, with the offset `preferred` or else the earlier one; when it
// is left out, as much later as is left out.
struct Instant {
  int64_t seconds;
  int32_t offset;
};
Instant instant_of(const Zone& zone, int64_t local, std::optional<int32_t> preferred) {
  const bool summer = offset_at(zone, local - zone.summer) == zone.summer;
  const bool standard = offset_at(zone, local - zone.standard) == zone.standard;
  int32_t offset = summer ? zone.summer : zone.standard;
  if (summer && standard && preferred == zone.standard) offset = zone.standard;
  return {local - offset, offset_at(zone, local - offset)};
}

Value zoned(int64_t local, int32_t nanos, std::string_view name, std::optional<int32_t> preferred) {
  const Instant at = instant_of(zone_of(name), local, preferred);
  return Value::date_time({at.seconds, nanos, at.offset, std::string(name)});
}

Value shifted(const Value& at, const Duration& by) {
  switch (at.type()) {
    case ValueType::kDate:
      // The time of a duration counts in whole days.
      return Value::date({moved(at.as_date().days, by) + by.seconds / kDay});
    case ValueType::kLocalTime: {
      const int64_t nanos = at.as_local_time().nanos + (by.seconds % kDay) * kNano + by.nanos;
      return Value::local_time({floor_rest(nanos, kDay * kNano)});
    }
    case ValueType::kLocalDateTime: {
      const LocalDateTime t = at.as_local_date_time();
      const int64_t nanos = int64_t{t.nanos} + by.nanos;
      const int64_t seconds = moved(floor_divide(t.seconds, kDay), by) * kDay + floor_rest(t.seconds, kDay);
      return Value::local_date_time({seconds + by.seconds + nanos / kNano, static_cast<int32_t>(nanos % kNano)});
    }
    case ValueType::kTime: {
      const Time t = at.as_time();
      const int64_t nanos = t.nanos + (by.seconds % kDay) * kNano + by.nanos;
      return Value::time({floor_rest(nanos, kDay * kNano), t.offset_seconds});
    }
    case ValueType::kDateTime: {
      const DateTime& t = at.as_date_time();
      const LocalDateTime local{t.seconds + t.offset_seconds, t.nanos};
      if (!t.zone.empty()) {
        // Months and days move the time on the wall, the rest moves the instant.
        if (by.months != 0 && by.days != 0) {
          const int64_t days = moved(floor_divide(local.seconds, kDay), {by.months, 0, 0, 0});
          const int64_t between = days * kDay + floor_rest(local.seconds, kDay);
          const Instant stop = instant_of(zone_of(t.zone), between, t.offset_seconds);
          if (stop.seconds + stop.offset != between) throw NotCompared("a step that stops where no time is");
        }
        const Value walked = shifted(Value::local_date_time(local), {by.months, by.days, 0, 0});
        const DateTime moved =
            zoned(walked.as_local_date_time().seconds, t.nanos, t.zone, t.offset_seconds).as_date_time();
        const int64_t nanos = int64_t{t.nanos} + by.nanos;
        const int64_t seconds = moved.seconds + by.seconds + nanos / kNano;
        return Value::date_time(
            {seconds, static_cast<int32_t>(nanos % kNano), offset_at(zone_of(t.zone), seconds), t.zone});
      }
      const LocalDateTime moved = shifted(Value::local_date_time(local), by).as_local_date_time();
      return Value::date_time({moved.seconds - t.offset_seconds, moved.nanos, t.offset_seconds, {}});
    }
    default: throw NotCompared("arithmetic of a temporal type");
  }
}

Value date_of(const char* text) {
  Civil c{};
  const std::string_view whole(text);
  if (whole.size() < 10 || (whole.size() > 10 && whole[10] != 'T')) throw Failure("no date");
  if (std::sscanf(text, "%ld-%ld-%ld", &c.year, &c.month, &c.day) != 3) throw NotCompared("a form of a date");
  if (c.month < 1 || c.month > 12 || c.day < 1 || c.day > days_of(c.year, c.month)) throw Failure("no such date");
  return Value::date({day_number(c)});
}

int64_t utc(const Time& t) {
  return t.nanos - t.offset_seconds * kNano;
}

int64_t seconds_of(const char* text) {
  int64_t hour = 0, minute = 0, second = 0;
  if (std::sscanf(text, "%ld:%ld:%ld", &hour, &minute, &second) < 2) throw NotCompared("a form of a time");
  return hour * 3600 + minute * 60 + second;
}

// `+02:00` at the end of a clock; Z and nothing are UTC.
int32_t offset_of(const std::string& clock) {
  const size_t sign = clock.find_first_of("+-");
  if (sign == std::string::npos) return 0;
  const int64_t offset = seconds_of(clock.c_str() + sign + 1);
  return static_cast<int32_t>(clock[sign] == '-' ? -offset : offset);
}

Value duration_of(const char* text) {
  Duration d;
  bool time = false;
  for (const char* at = text + 1; *at != '\0';) {
    if (*at == 'T') {
      time = true;
      ++at;
      continue;
    }
    char* unit = nullptr;
    const int64_t n = std::strtoll(at, &unit, 10);
    switch (*unit) {
      case 'Y': d.months += 12 * n; break;
      case 'M': (time ? d.seconds : d.months) += (time ? 60 : 1) * n; break;
      case 'W': d.days += 7 * n; break;
      case 'D': d.days += n; break;
      case 'H': d.seconds += 3600 * n; break;
      case 'S': d.seconds += n; break;
      default: throw NotCompared("a form of a duration");
    }
    at = unit + 1;
  }
  return Value::duration(d);
}

std::string two(int64_t n) {
  return (n < 10 ? "0" : "") + std::to_string(n);
}
std::string offset_text(int32_t offset) {
  const int64_t minutes = std::abs(offset) / 60;
  return offset == 0 ? "Z" : (offset < 0 ? "-" : "+") + two(minutes / 60) + ":" + two(minutes % 60);
}
std::string date_text(int64_t days) {
  const Civil c = civil(days);
  return std::to_string(c.year) + "-" + two(c.month) + "-" + two(c.day);
}
std::string time_text(int64_t seconds) {
  return two(seconds / 3600) + ":" + two(seconds / 60 % 60) + ":" + two(seconds % 60);
}
std::string moment_text(int64_t seconds) {
  return date_text(floor_divide(seconds, kDay)) + "T" + time_text(floor_rest(seconds, kDay));
}

}  // namespace

bool is_special(const Value& v) {
  return v.is_temporal() || v.type() == ValueType::kPoint || v.type() == ValueType::kVector;
}

std::optional<Value> special_call(const std::string& name, const std::vector<Value>& a) {
  const bool text = a.size() == 1 && a[0].is_string();
  const std::string given(text ? a[0].as_string() : "");
  if (name == "date" && text) return date_of(given.c_str());
  if (name == "localtime" && text) return Value::local_time({seconds_of(given.c_str()) * kNano});
  if (name == "time" && text) return Value::time({seconds_of(given.c_str()) * kNano, offset_of(given)});
  if (name == "duration" && text) return duration_of(given.c_str());
  if ((name == "localdatetime" || name == "datetime") && text) {
    const size_t t = given.find('T');
    std::string clock = given.substr(t + 1);
    std::string zone;
    if (const size_t bracket = clock.find('['); bracket != std::string::npos) {
      zone = clock.substr(bracket + 1, clock.size() - bracket - 2);
      clock.resize(bracket);
    }
    const int64_t local = date_of(given.c_str()).as_date().days * kDay + seconds_of(clock.c_str());
    if (name == "localdatetime") return Value::local_date_time({local, 0});
    const int32_t offset = offset_of(clock);
    if (!zone.empty()) {
      const bool given_offset = clock.find_first_of("+-") != std::string::npos;
      const Value v = zoned(local, 0, zone, given_offset ? std::optional(offset) : std::nullopt);
      if (given_offset && v.as_date_time().offset_seconds != offset) throw Failure("no such offset");
      return v;
    }
    return Value::date_time({local - offset, 0, offset, {}});
  }
  if (a.size() == 1 && a[0].type() == ValueType::kDateTime) {
    const DateTime& at = a[0].as_date_time();
    const int64_t local = at.seconds + at.offset_seconds;
    if (name == "date") return Value::date({floor_divide(local, kDay)});
    if (name == "localdatetime") return Value::local_date_time({local, at.nanos});
    if (name == "localtime") return Value::local_time({floor_rest(local, kDay) * kNano + at.nanos});
    if (name == "datetime") return a[0];
  }
  if (name == "datetime" && a.size() == 1 && a[0].is_map()) {
    // `{datetime: x, timezone: 'Europe/Berlin'}`: the instant in another zone.
    const auto& entries = a[0].as_map();
    if (entries.size() != 2) throw NotCompared("parts of a datetime");
    const DateTime* from = nullptr;
    std::string name_of_zone;
    for (const auto& [key, value] : entries) {
      if (value.is_null()) throw NotCompared("parts of a datetime");
      if (key.as_string() == "datetime" && value.type() == ValueType::kDateTime) from = &value.as_date_time();
      if (key.as_string() == "timezone" && value.is_string()) name_of_zone = value.as_string();
    }
    if (from == nullptr || name_of_zone.empty()) throw NotCompared("parts of a datetime");
    return Value::date_time(
        {from->seconds, from->nanos, offset_at(zone_of(name_of_zone), from->seconds), name_of_zone});
  }
  if (std::optional<Value> of_points = point_call(name, a)) return of_points;
  if (std::optional<Value> of_vectors = vector_call(name, a)) return of_vectors;
  if (name == "duration.indays" && a.size() == 2) {
    if (a[0].type() != ValueType::kDate || a[1].type() != ValueType::kDate) throw NotCompared("days between others");
    return Value::duration({0, a[1].as_date().days - a[0].as_date().days, 0, 0});
  }
  return std::nullopt;
}

Value special_part(const Value& v, std::string_view key) {
  const auto number = [](int64_t n) { return Value::integer(n); };
  if (v.type() == ValueType::kPoint) return point_part(v, key);
  if (v.type() == ValueType::kVector) throw Failure("a vector has no parts");
  if (v.type() == ValueType::kDuration) {
    if (key == "months") return number(v.as_duration().months);
    if (key == "days") return number(v.as_duration().days);
    if (key == "seconds") return number(v.as_duration().seconds);
  }
  if (v.type() == ValueType::kDate || v.type() == ValueType::kLocalDateTime) {
    const bool date = v.type() == ValueType::kDate;
    const Civil c = civil(date ? v.as_date().days : floor_divide(v.as_local_date_time().seconds, kDay));
    if (key == "year") return number(c.year);
    if (key == "month") return number(c.month);
    if (key == "day") return number(c.day);
    if (!date && key == "hour") return number(floor_rest(v.as_local_date_time().seconds, kDay) / 3600);
    if (!date && key == "minute") return number(floor_rest(v.as_local_date_time().seconds, kDay) / 60 % 60);
  }
  if (v.type() == ValueType::kDateTime) {
    const DateTime& at = v.as_date_time();
    if (key == "epochSeconds") return number(at.seconds);
    if (key == "offsetMinutes") return number(at.offset_seconds / 60);
    if (key == "timezone" && !at.zone.empty()) return Value::string(at.zone);
    if (key == "timezone" || key == "offset") return Value::string(offset_text(at.offset_seconds));
    if (key != "a") return special_part(Value::local_date_time({at.seconds + at.offset_seconds, at.nanos}), key);
  }
  if (v.type() == ValueType::kTime) {
    if (key == "hour") return number(v.as_time().nanos / kNano / 3600);
    if (key == "offset") return Value::string(offset_text(v.as_time().offset_seconds));
  }
  if (key == "a") throw Failure("no such part");
  throw NotCompared("a part of a temporal value or a point");
}

std::optional<int> special_order(const Value& a, const Value& b) {
  const auto sign = [](auto x, auto y) { return x < y ? -1 : y < x ? 1 : 0; };
  switch (a.type()) {
    case ValueType::kDate: return sign(a.as_date().days, b.as_date().days);
    case ValueType::kTime: return sign(utc(a.as_time()), utc(b.as_time()));
    case ValueType::kLocalTime: return sign(a.as_local_time().nanos, b.as_local_time().nanos);
    case ValueType::kLocalDateTime: {
      const LocalDateTime x = a.as_local_date_time(), y = b.as_local_date_time();
      return sign(std::pair(x.seconds, x.nanos), std::pair(y.seconds, y.nanos));
    }
    case ValueType::kDateTime: {
      const DateTime &x = a.as_date_time(), &y = b.as_date_time();
      return sign(std::pair(x.seconds, x.nanos), std::pair(y.seconds, y.nanos));
    }
    case ValueType::kDuration: {
      const int order = sign(rough_seconds(a.as_duration()), rough_seconds(b.as_duration()));
      if (order == 0 && special_key(a) != special_key(b)) throw NotCompared("the order of durations of one length");
      return order;
    }
    case ValueType::kPoint: return point_order(a, b);
    case ValueType::kVector: return vector_order(a, b);
    default: return std::nullopt;
  }
}

std::string special_key(const Value& v) {
  switch (v.type()) {
    case ValueType::kDate: return "date " + date_text(v.as_date().days);
    case ValueType::kTime: return "time " + std::to_string(utc(v.as_time()));
    case ValueType::kLocalTime: return "localtime " + std::to_string(v.as_local_time().nanos);
    case ValueType::kLocalDateTime:
      return "localdatetime " + std::to_string(v.as_local_date_time().seconds) + "." +
             std::to_string(v.as_local_date_time().nanos);
    // Of equal instants with different offsets, any may stand for all.
    case ValueType::kDateTime:
      return "datetime " + std::to_string(v.as_date_time().seconds) + "." + std::to_string(v.as_date_time().nanos);
    case ValueType::kDuration: {
      const Duration d = v.as_duration();
      return "duration " + std::to_string(d.months) + " " + std::to_string(d.days) + " " + std::to_string(d.seconds) +
             "." + std::to_string(d.nanos);
    }
    case ValueType::kPoint: {
      const Point p = v.as_point();
      return "point " + std::to_string(static_cast<int>(p.crs)) + " " + std::to_string(p.x + 0.0) + " " +
             std::to_string(p.y + 0.0) + " " + std::to_string(p.z + 0.0);
    }
    case ValueType::kVector: return vector_key(v);
    default: throw NotCompared("a key of a type that the reference does not know");
  }
}

std::optional<Value> special_arithmetic(cypher::ast::ChainOp op, const Value& a, const Value& b) {
  using cypher::ast::ChainOp;
  const bool durations = a.type() == ValueType::kDuration && b.type() == ValueType::kDuration;
  if (!is_special(a) && !is_special(b)) return std::nullopt;
  if (op == ChainOp::kAdd || op == ChainOp::kSubtract) {
    const int64_t factor = op == ChainOp::kAdd ? 1 : -1;
    if (durations) return Value::duration(sum(a.as_duration(), times(b.as_duration(), factor)));
    if (a.is_temporal() && b.type() == ValueType::kDuration) return shifted(a, times(b.as_duration(), factor));
    if (op == ChainOp::kAdd && a.type() == ValueType::kDuration && b.is_temporal()) return shifted(b, a.as_duration());
    if (a.is_string() || b.is_string()) throw NotCompared("text of a value");
  }
  if (op == ChainOp::kMultiply && a.type() == ValueType::kDuration && b.is_integer()) {
    return Value::duration(times(a.as_duration(), b.as_integer()));
  }
  if (op == ChainOp::kMultiply && a.is_integer() && b.type() == ValueType::kDuration) {
    return Value::duration(times(b.as_duration(), a.as_integer()));
  }
  if ((op == ChainOp::kMultiply && (a.is_float() || b.is_float())) || (op == ChainOp::kDivide && b.is_number())) {
    if (a.type() == ValueType::kDuration || b.type() == ValueType::kDuration) throw NotCompared("parts of a duration");
  }
  throw Failure("type");
}

std::string special_literal(const Value& v) {
  switch (v.type()) {
    case ValueType::kDate: return "date('" + date_text(v.as_date().days) + "')";
    case ValueType::kLocalTime: return "localtime('" + time_text(v.as_local_time().nanos / kNano) + "')";
    case ValueType::kLocalDateTime: return "localdatetime('" + moment_text(v.as_local_date_time().seconds) + "')";
    case ValueType::kDateTime: {
      const DateTime& at = v.as_date_time();
      return "datetime('" + moment_text(at.seconds + at.offset_seconds) + offset_text(at.offset_seconds) +
             (at.zone.empty() ? "" : "[" + at.zone + "]") + "')";
    }
    case ValueType::kDuration: {
      const Duration d = v.as_duration();
      return "duration('P" + std::to_string(d.months) + "M" + std::to_string(d.days) + "DT" +
             std::to_string(d.seconds) + "S')";
    }
    case ValueType::kPoint: return point_literal(v);
    case ValueType::kVector: return vector_literal(v);
    default: return "?";
  }
}

}  // namespace lora::reference
