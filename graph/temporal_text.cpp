// Temporal values from and to ISO 8601 text.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "graph/temporal.h"
#include "graph/temporal_parts.h"
#include "graph/time_zone.h"

namespace lora::temporal {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Reads from the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  bool done() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }
  char peek() const { return rest_.empty() ? '\0' : rest_[0]; }
  bool take(char c) {
    if (peek() != c || rest_.empty()) {
      return false;
    }
    rest_.remove_prefix(1);
    return true;
  }
  size_t digits_ahead() const {
    size_t count = 0;
    while (count < rest_.size() && is_digit(rest_[count])) {
      ++count;
    }
    return count;
  }
  // Exactly `count` digits.
  bool number(size_t count, int64_t* value) {
    if (count == 0 || count > 18 || digits_ahead() < count) {
      return false;
    }
    *value = 0;
    for (size_t i = 0; i < count; ++i) {
      *value = *value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return true;
  }

 private:
  std::string_view rest_;
};

Status bad_text(ValueType type, std::string_view text, std::string_view hint = {}) {
  constexpr size_t kShown = 100;
  std::string shown(text.substr(0, kShown));
  if (text.size() > kShown) {
    shown += "...";
  }
  return argument_error(fmt::format("`{}` is not a {}{}{}", shown, type_word(type), hint.empty() ? "" : "; ", hint));
}

// The forms of temporal.h. An empty result: the text has none of them; an error: it has, with parts out of range.
Result<std::optional<int64_t>> scan_date(std::string_view text) {
  Scanner in(text);
  const std::optional<int64_t> none;
  const bool negative = in.peek() == '-';
  const bool is_signed = in.take('-') || in.take('+');
  int64_t year = 0;
  const size_t year_digits = is_signed ? in.digits_ahead() : 4;
  if (year_digits < 4 || year_digits > 9 || !in.number(year_digits, &year)) {
    return none;
  }
  if (negative) {
    year = -year;
  }
  const auto found = [&in, &none](Result<int64_t> days) -> Result<std::optional<int64_t>> {
    if (!in.done()) {
      return none;
    }
    LORA_ASSIGN(const int64_t value, std::move(days));
    return std::optional(value);
  };
  if (in.done()) {
    return found(days_from_calendar(year, 1, 1));
  }
  const bool dashes = in.take('-');
  if (is_signed && !dashes) {
    return none;
  }
  int64_t first = 0, second = 1;
  if (in.take('W')) {
    if (!in.number(2, &first)) {
      return none;
    }
    if (!in.done() && (in.take('-') != dashes || !in.number(1, &second))) {
      return none;
    }
    return found(days_from_week(year, first, second));
  }
  if (in.take('Q')) {
    if (!in.number(1, &first)) {
      return none;
    }
    if (!in.done() && (in.take('-') != dashes || !in.number(2, &second))) {
      return none;
    }
    return found(days_from_quarter(year, first, second));
  }
  if (in.digits_ahead() == 3) {
    in.number(3, &first);
    return found(days_from_ordinal(year, first));
  }
  if (!in.number(2, &first)) {
    return none;
  }
  if (!in.done() && (in.take('-') != dashes || !in.number(2, &second))) {
    return none;
  }
  return found(days_from_calendar(year, first, second));
}

// A time of day without offset; false when the text has no such form or a part is out of range.
bool scan_time(std::string_view text, int64_t* nanos) {
  Scanner in(text);
  int64_t hour = 0, minute = 0, second = 0, fraction = 0;
  if (!in.number(2, &hour)) {
    return false;
  }
  if (!in.done()) {
    const bool colons = in.take(':');
    if (!in.number(2, &minute)) {
      return false;
    }
    if (!in.done() && (in.take(':') != colons || !in.number(2, &second))) {
      return false;
    }
    if (!in.done()) {
      if (!in.take('.') && !in.take(',')) {
        return false;
      }
      const size_t count = in.digits_ahead();
      if (count > 9 || !in.number(count, &fraction)) {
        return false;
      }
      for (size_t i = count; i < 9; ++i) {
        fraction *= 10;
      }
    }
  }
  if (!in.done() || hour > 23 || minute > 59 || second > 59) {
    return false;
  }
  *nanos = (hour * 3'600 + minute * 60 + second) * kNanosPerSecond + fraction;
  return true;
}

bool scan_offset(std::string_view text, int32_t* seconds) {
  if (text == "Z") {
    *seconds = 0;
    return true;
  }
  Scanner in(text);
  const bool negative = in.peek() == '-';
  if (!in.take('-') && !in.take('+')) {
    return false;
  }
  int64_t h = 0, m = 0, s = 0;
  if (!in.number(2, &h)) {
    return false;
  }
  if (!in.done()) {
    const bool colons = in.take(':');
    if (!in.number(2, &m) || (!in.done() && (in.take(':') != colons || !in.number(2, &s)))) {
      return false;
    }
  }
  const int64_t total = h * 3'600 + m * 60 + s;
  if (!in.done() || m > 59 || s > 59 || total > kOffsetMax) {
    return false;
  }
  *seconds = static_cast<int32_t>(negative ? -total : total);
  return true;
}

// Cuts a time of day with an offset into the two.
size_t offset_start(std::string_view text) {
  return std::min(text.find_first_of("Z+-["), text.size());
}

}  // namespace

Result<Zone> parse_zone(std::string_view text) {
  Zone zone;
  if (scan_offset(text, &zone.offset)) {
    return zone;
  }
  if (text.empty() || text[0] == '+' || text[0] == '-' || is_digit(text[0])) {
    return argument_error(fmt::format("`{}` is not a time zone; use Z, +01:00 or a name such as Europe/Berlin", text));
  }
  LORA_TRY(time_zone::check(text));
  zone.name = text;
  zone.offset = kNoOffset;
  return zone;
}

Result<Value> parse_date(std::string_view text) {
  LORA_ASSIGN(const std::optional<int64_t> days, scan_date(text));
  if (!days) {
    return bad_text(ValueType::kDate, text, "write it as 2015-07-21, 2015-W30-2, 2015-Q3-21 or 2015-202");
  }
  return Value::date({*days});
}

Result<Value> parse_local_time(std::string_view text) {
  int64_t nanos = 0;
  if (!scan_time(text, &nanos)) {
    return bad_text(ValueType::kLocalTime, text, "write it as 21:40:32.142");
  }
  return Value::local_time({nanos});
}

Result<Value> parse_time(std::string_view text) {
  const size_t cut = offset_start(text);
  int64_t nanos = 0;
  int32_t offset = 0;
  if (!scan_time(text.substr(0, cut), &nanos) || (cut < text.size() && !scan_offset(text.substr(cut), &offset))) {
    return bad_text(ValueType::kTime, text, "write it as 21:40:32.142+01:00");
  }
  return Value::time({nanos, offset});
}

namespace {

// DATE or DATE`T`TIME, the time without offset.
Result<Parts> parse_wall(ValueType type, std::string_view date, std::optional<std::string_view> time,
                         std::string_view whole) {
  Parts parts;
  parts.has_date = parts.has_time = true;
  LORA_ASSIGN(const std::optional<int64_t> days, scan_date(date));
  if (!days || (time && !scan_time(*time, &parts.nanos))) {
    return bad_text(type, whole,
                    type == ValueType::kDateTime ? "write it as 2015-07-21T21:40:32.142+01:00[Europe/London]"
                                                 : "write it as 2015-07-21T21:40:32.142");
  }
  parts.days = *days;
  return parts;
}

}  // namespace

Result<Value> parse_local_date_time(std::string_view text) {
  const size_t t = text.find('T');
  const auto time = t == std::string_view::npos ? std::nullopt : std::optional(text.substr(t + 1));
  LORA_ASSIGN(const Parts parts, parse_wall(ValueType::kLocalDateTime, text.substr(0, t), time, text));
  return build(ValueType::kLocalDateTime, parts);
}

Result<Value> parse_date_time(std::string_view text) {
  std::string_view rest = text;
  std::optional<Zone> named;
  if (!rest.empty() && rest.back() == ']') {
    const size_t open = rest.find('[');
    if (open == std::string_view::npos) {
      return bad_text(ValueType::kDateTime, text);
    }
    LORA_ASSIGN(named, parse_zone(rest.substr(open + 1, rest.size() - open - 2)));
    rest = rest.substr(0, open);
  }
  const size_t t = rest.find('T');
  const std::string_view date = rest.substr(0, t);
  std::optional<std::string_view> time;
  std::optional<int32_t> offset;
  if (t != std::string_view::npos) {
    const std::string_view with_offset = rest.substr(t + 1);
    const size_t cut = offset_start(with_offset);
    time = with_offset.substr(0, cut);
    if (cut < with_offset.size()) {
      offset = 0;
      if (!scan_offset(with_offset.substr(cut), &*offset)) {
        return bad_text(ValueType::kDateTime, text, "an offset is Z or between -18:00 and +18:00");
      }
    }
  }
  LORA_ASSIGN(Parts parts, parse_wall(ValueType::kDateTime, date, time, text));
  parts.has_zone = true;
  parts.zone = named.value_or(Zone{offset.value_or(0), {}});
  if (!named || !offset) {
    return build(ValueType::kDateTime, parts);
  }
  if (named->name.empty() ? named->offset == *offset : true) {
    parts.zone.offset = *offset;
    LORA_ASSIGN(Value value, build(ValueType::kDateTime, parts, true));
    if (value.as_date_time().offset_seconds == *offset) {
      return value;
    }
  }
  return bad_text(ValueType::kDateTime, text, "the zone does not have this offset at this time");
}

Result<Value> parse(ValueType type, std::string_view text) {
  switch (type) {
    case ValueType::kDate: return parse_date(text);
    case ValueType::kLocalTime: return parse_local_time(text);
    case ValueType::kTime: return parse_time(text);
    case ValueType::kLocalDateTime: return parse_local_date_time(text);
    case ValueType::kDateTime: return parse_date_time(text);
    case ValueType::kDuration: return parse_duration(text);
    default: return Status::internal("not a temporal type");
  }
}

// --- durations ---

namespace {

// [sign] digits [point digits]; false when there is no number here or it does not fit into 64 bits.
bool scan_amount(Scanner* in, Amount* amount) {
  const bool negative = in->peek() == '-';
  if (!in->take('-')) {
    in->take('+');
  }
  __int128 whole = 0;
  bool any = false;
  for (; is_digit(in->peek()); in->take(in->peek())) {
    whole = whole * 10 + (in->peek() - '0');
    any = true;
    if (whole > (static_cast<__int128>(1) << 63)) {
      return false;
    }
  }
  long double fraction = 0;
  if (any && (in->take('.') || in->take(','))) {
    int64_t digits = 0;
    int64_t scale = 1;
    any = is_digit(in->peek());
    for (; is_digit(in->peek()); in->take(in->peek())) {
      if (scale < 1'000'000'000'000'000'000) {
        digits = digits * 10 + (in->peek() - '0');
        scale *= 10;
      }
    }
    fraction = static_cast<long double>(digits) / static_cast<long double>(scale);
  }
  *amount = {negative ? -whole : whole, negative ? -fraction : fraction};
  return any;
}

void add_scaled(Amount* to, const Amount& amount, int64_t factor) {
  to->whole += amount.whole * factor;
  to->fraction += amount.fraction * static_cast<long double>(factor);
}

// nY nM nW nD T nH nM nS, each at most once and in this order, at least one; nothing after the last.
bool scan_units(Scanner in, Amount* months, Amount* days, Amount* seconds) {
  struct Unit {
    char letter;
    Amount* amount;
    int64_t factor;
  };
  const Unit kUnits[] = {{'Y', months, 12}, {'M', months, 1},      {'W', days, 7},     {'D', days, 1},
                         {'T', nullptr, 0}, {'H', seconds, 3'600}, {'M', seconds, 60}, {'S', seconds, 1}};
  size_t next = 0;
  bool any = false;
  while (!in.done()) {
    if (in.take('T')) {
      if (next > 4 || in.done()) {
        return false;
      }
      next = 5;
      continue;
    }
    Amount amount;
    if (!scan_amount(&in, &amount)) {
      return false;
    }
    const size_t end = next <= 4 ? 4 : std::size(kUnits);
    while (next < end && kUnits[next].letter != in.peek()) {
      ++next;
    }
    if (next == end) {
      return false;
    }
    in.take(in.peek());
    add_scaled(kUnits[next].amount, amount, kUnits[next].factor);
    ++next;
    any = true;
  }
  return any;
}

// YYYY-MM-DDThh:mm:ss or YYYYMMDDThhmmss, the time optional.
bool scan_date_time_duration(std::string_view text, Amount* months, Amount* days, Amount* seconds, Amount* nanos) {
  const size_t t = text.find('T');
  Scanner in(text.substr(0, t));
  int64_t year = 0, month = 0, day = 0, time = 0;
  if (!in.number(4, &year)) {
    return false;
  }
  const bool dashes = in.take('-');
  if (!in.number(2, &month) || in.take('-') != dashes || !in.number(2, &day) || !in.done() || month > 12 || day > 31) {
    return false;
  }
  if (t != std::string_view::npos && !scan_time(text.substr(t + 1), &time)) {
    return false;
  }
  months->whole = year * 12 + month;
  days->whole = day;
  seconds->whole = time / kNanosPerSecond;
  nanos->whole = time % kNanosPerSecond;
  return true;
}

void negate(Amount* amount) {
  *amount = {-amount->whole, -amount->fraction};
}

}  // namespace

Result<Value> parse_duration(std::string_view text) {
  Scanner in(text);
  const bool negative = in.peek() == '-';
  if (!in.take('-')) {
    in.take('+');
  }
  Amount months, days, seconds, nanos;
  if (!in.take('P') || (!scan_date_time_duration(in.rest(), &months, &days, &seconds, &nanos) &&
                        !scan_units(in, &months, &days, &seconds))) {
    return bad_text(ValueType::kDuration, text, "write it as P1Y2M3DT4H5M6.7S");
  }
  if (negative) {
    for (Amount* amount : {&months, &days, &seconds, &nanos}) {
      negate(amount);
    }
  }
  LORA_ASSIGN(const Duration duration, duration_from(months, days, seconds, nanos));
  return Value::duration(duration);
}

// --- printing ---

namespace {

// `number` is not negative and has at most kWidth digits: zeros before it.
template <size_t kWidth>
void put_digits(char* to, int64_t number) {
  for (size_t i = kWidth; i > 0; --i, number /= 10) to[i - 1] = static_cast<char>('0' + number % 10);
}

void append_date(std::string* out, int64_t days) {
  const CivilDate date = civil_from_days(days);
  if (date.year < 0 || date.year > 9'999) {
    fmt::format_to(std::back_inserter(*out), "{}{:04}-{:02}-{:02}", date.year < 0 ? '-' : '+',
                   date.year < 0 ? -date.year : date.year, date.month, date.day);
    return;
  }
  char text[] = "YYYY-MM-DD";
  put_digits<4>(text, date.year);
  put_digits<2>(text + 5, date.month);
  put_digits<2>(text + 8, date.day);
  out->append(text, 10);
}

// .142, without trailing zeros; nothing for 0.
void append_fraction(std::string* out, int64_t nanos) {
  if (nanos == 0) {
    return;
  }
  char text[] = ".nnnnnnnnn";
  put_digits<9>(text + 1, nanos);
  out->append(text, 10);
  out->erase(out->find_last_not_of('0') + 1);
}

void append_time(std::string* out, int64_t nanos) {
  const int64_t seconds = nanos / kNanosPerSecond;
  const int64_t fraction = nanos % kNanosPerSecond;
  char text[] = "HH:MM:SS";
  put_digits<2>(text, seconds / 3'600);
  put_digits<2>(text + 3, seconds / 60 % 60);
  put_digits<2>(text + 6, seconds % 60);
  const bool whole_minutes = seconds % 60 == 0 && fraction == 0;
  out->append(text, whole_minutes ? 5 : 8);
  append_fraction(out, fraction);
}

void append_unit(std::string* out, int64_t count, char unit) {
  if (count != 0) {
    fmt::format_to(std::back_inserter(*out), "{}{}", count, unit);
  }
}

void append_duration(std::string* out, const Duration& d) {
  *out += 'P';
  append_unit(out, d.months / 12, 'Y');
  append_unit(out, d.months % 12, 'M');
  append_unit(out, d.days, 'D');
  if (d.seconds == 0 && d.nanos == 0) {
    if (d.months == 0 && d.days == 0) {
      *out += "T0S";
    }
    return;
  }
  // Seconds and their fraction with one sign.
  int64_t seconds = d.seconds;
  int64_t nanos = d.nanos;
  if (seconds < 0 && nanos > 0) {
    ++seconds;
    nanos -= kNanosPerSecond;
  }
  *out += 'T';
  append_unit(out, seconds / 3'600, 'H');
  append_unit(out, seconds / 60 % 60, 'M');
  if (seconds % 60 != 0 || nanos != 0) {
    if (nanos < 0 && seconds % 60 == 0) {
      *out += '-';
    }
    fmt::format_to(std::back_inserter(*out), "{}", seconds % 60);
    append_fraction(out, nanos < 0 ? -nanos : nanos);
    *out += 'S';
  }
}

}  // namespace

std::string offset_text(int32_t seconds) {
  if (seconds == 0) {
    return "Z";
  }
  const int32_t size = seconds < 0 ? -seconds : seconds;
  std::string text = fmt::format("{}{:02}:{:02}", seconds < 0 ? '-' : '+', size / 3'600, size / 60 % 60);
  if (size % 60 != 0) {
    text += fmt::format(":{:02}", size % 60);
  }
  return text;
}

void append_text(std::string* out, const Value& value) {
  if (value.type() == ValueType::kDuration) {
    append_duration(out, value.as_duration());
    return;
  }
  const Parts parts = parts_of(value);
  if (parts.has_date) {
    append_date(out, parts.days);
  }
  if (parts.has_date && parts.has_time) {
    *out += 'T';
  }
  if (parts.has_time) {
    append_time(out, parts.nanos);
  }
  if (parts.has_zone) {
    *out += offset_text(parts.zone.offset);
    if (!parts.zone.name.empty()) {
      fmt::format_to(std::back_inserter(*out), "[{}]", parts.zone.name);
    }
  }
}

std::string to_text(const Value& value) {
  std::string text;
  append_text(&text, value);
  return text;
}

}  // namespace lora::temporal
