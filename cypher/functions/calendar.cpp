// The namespace `temporal`, but for what is Cypher's own under another name.
//
// Patterns: yyyy yy MMMM MMM MM M dd d DDD (day of the year) EEEE EEE HH H mm m ss s S... (fraction) X (offset or Z)
// VV (zone); text in single quotes, and what is no letter, stands for itself.
#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <string>

#include "cypher/functions/row.h"
#include "graph/temporal.h"

namespace lora::cypher {

namespace {

Status assign(Result<Value>&& result, Value* out) {
  LORA_ASSIGN(*out, std::move(result));
  return Status();
}

constexpr std::array<std::string_view, 12> kMonths = {"January",   "February", "March",    "April",
                                                      "May",       "June",     "July",     "August",
                                                      "September", "October",  "November", "December"};
constexpr std::array<std::string_view, 7> kDays = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                   "Friday", "Saturday", "Sunday"};

// A letter of a pattern, so many times; or text.
struct Piece {
  char letter = 0;  // 0: text
  size_t count = 0;
  std::string text;
};

Result<std::vector<Piece>> read_pattern(std::string_view pattern) {
  constexpr std::string_view kLetters = "yMdDEHmsSXV";
  std::vector<Piece> pieces;
  for (size_t i = 0; i < pattern.size();) {
    const char c = pattern[i];
    if (c == '\'') {
      const size_t close = pattern.find('\'', i + 1);
      if (close == std::string_view::npos) {
        return bad_argument("the pattern `" + std::string(pattern) + "` has a `'` without its pair");
      }
      const std::string_view quoted = pattern.substr(i + 1, close - i - 1);
      pieces.push_back({0, 0, quoted.empty() ? "'" : std::string(quoted)});
      i = close + 1;
    } else if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      if (kLetters.find(c) == std::string_view::npos) {
        return bad_argument("unknown letter `" + std::string(1, c) + "` in the pattern `" + std::string(pattern) +
                            "`; put text in single quotes");
      }
      size_t count = 0;
      while (i + count < pattern.size() && pattern[i + count] == c) ++count;
      pieces.push_back({c, count, {}});
      i += count;
    } else {
      pieces.push_back({0, 0, std::string(1, c)});
      ++i;
    }
  }
  return pieces;
}

std::string padded(int64_t v, size_t width) {
  std::string digits = std::to_string(v < 0 ? -v : v);
  if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
  return (v < 0 ? "-" : "") + digits;
}

Status number_of(const Value& v, std::string_view component, int64_t* out) {
  LORA_ASSIGN(const Value part, temporal::component(v, component));
  *out = part.as_integer();
  return Status();
}

Status append_piece(const Value& v, const Piece& piece, std::string* out) {
  int64_t n = 0;
  switch (piece.letter) {
    case 0: *out += piece.text; return Status();
    case 'y':
      LORA_TRY(number_of(v, "year", &n));
      *out += piece.count == 2 ? padded((n % 100 + 100) % 100, 2) : padded(n, piece.count);
      return Status();
    case 'M':
      LORA_TRY(number_of(v, "month", &n));
      if (piece.count >= 3) {
        const std::string_view name = kMonths[static_cast<size_t>(n - 1)];
        *out += piece.count == 3 ? name.substr(0, 3) : name;
      } else {
        *out += padded(n, piece.count);
      }
      return Status();
    case 'd': LORA_TRY(number_of(v, "day", &n)); break;
    case 'D': LORA_TRY(number_of(v, "ordinalDay", &n)); break;
    case 'E': {
      LORA_TRY(number_of(v, "dayOfWeek", &n));
      const std::string_view name = kDays[static_cast<size_t>(n - 1)];
      *out += piece.count <= 3 ? name.substr(0, 3) : name;
      return Status();
    }
    case 'H': LORA_TRY(number_of(v, "hour", &n)); break;
    case 'm': LORA_TRY(number_of(v, "minute", &n)); break;
    case 's': LORA_TRY(number_of(v, "second", &n)); break;
    case 'S': {
      LORA_TRY(number_of(v, "nanosecond", &n));
      std::string digits = padded(n, 9);
      digits.resize(std::max<size_t>(piece.count, 9), '0');
      *out += digits.substr(0, piece.count);
      return Status();
    }
    case 'X': {
      LORA_ASSIGN(const Value offset, temporal::component(v, "offset"));
      *out += offset.as_string();
      return Status();
    }
    default: {
      LORA_ASSIGN(const Value zone, temporal::component(v, "timezone"));
      *out += zone.as_string();
      return Status();
    }
  }
  *out += padded(n, piece.count);
  return Status();
}

Status format_as(const Value& v, std::string_view pattern, std::string* out) {
  LORA_ASSIGN(const std::vector<Piece> pieces, read_pattern(pattern));
  for (const Piece& piece : pieces) LORA_TRY(append_piece(v, piece, out));
  return Status();
}

Status format(EvalContext& context, Args args, Value* out) {
  std::string text;
  if (args.size() == 1) {
    text = temporal::to_text(args[0]);
  } else {
    if (args[0].type() == ValueType::kDuration) return bad_argument("a duration has no pattern; leave it out");
    LORA_TRY(format_as(args[0], args[1].as_string(), &text));
  }
  return give_text(context, text, out);
}

// --- reading by a pattern ---

// The components that a text has by a pattern, as a map for temporal::make().
class PatternReader {
 public:
  PatternReader(std::string_view text, std::string_view pattern) : text_(text), rest_(text), pattern_(pattern) {}

  Status read() {
    LORA_ASSIGN(const std::vector<Piece> pieces, read_pattern(pattern_));
    for (size_t i = 0; i < pieces.size(); ++i) {
      // Digits follow at once: then a number takes no more than its letters.
      const bool crowded = i + 1 < pieces.size() && pieces[i + 1].letter != 0;
      if (!take(pieces[i], crowded)) return mismatch();
    }
    return rest_.empty() ? Status() : mismatch();
  }
  Value components() { return Value::map(entries_); }
  bool has_date() const { return has("year"); }
  bool has_time() const { return has("hour"); }
  bool has_zone() const { return has("timezone"); }

 private:
  bool has(std::string_view key) const {
    return std::any_of(entries_.begin(), entries_.end(), [&](const MapEntry& e) { return e.first.as_string() == key; });
  }
  Status mismatch() const {
    return bad_argument("`" + std::string(text_) + "` does not fit the pattern `" + std::string(pattern_) + "`");
  }
  void put(std::string_view key, Value v) {
    if (!has(key)) entries_.emplace_back(Value::string(key), std::move(v));
  }
  std::optional<int64_t> number(size_t most) {
    size_t n = 0;
    int64_t v = 0;
    while (n < rest_.size() && n < most && rest_[n] >= '0' && rest_[n] <= '9') v = v * 10 + (rest_[n++] - '0');
    if (n == 0) return std::nullopt;
    rest_.remove_prefix(n);
    return v;
  }
  // The index of the name that the text goes on with, by its first three letters or whole.
  template <size_t N>
  std::optional<int64_t> name(const std::array<std::string_view, N>& names, bool whole) {
    for (size_t i = 0; i < N; ++i) {
      const std::string_view n = whole ? names[i] : names[i].substr(0, 3);
      if (rest_.size() < n.size()) continue;
      const bool same = std::equal(n.begin(), n.end(), rest_.begin(), [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
      });
      if (!same) continue;
      rest_.remove_prefix(n.size());
      return static_cast<int64_t>(i) + 1;
    }
    return std::nullopt;
  }
  bool take_number(std::string_view key, size_t most) {
    const auto v = number(most);
    if (v) put(key, Value::integer(*v));
    return v.has_value();
  }

  bool take(const Piece& piece, bool crowded) {
    switch (piece.letter) {
      case 0:
        if (!rest_.starts_with(piece.text)) return false;
        rest_.remove_prefix(piece.text.size());
        return true;
      case 'y': {
        const bool negative = rest_.starts_with('-');
        if (negative) rest_.remove_prefix(1);
        auto v = number(crowded || piece.count == 2 ? piece.count : 9);
        if (!v) return false;
        if (piece.count == 2) *v += *v < 70 ? 2000 : 1900;
        put("year", Value::integer(negative ? -*v : *v));
        return true;
      }
      case 'M': {
        if (piece.count < 3) return take_number("month", 2);
        const auto v = name(kMonths, piece.count > 3);
        if (v) put("month", Value::integer(*v));
        return v.has_value();
      }
      case 'd': return take_number("day", 2);
      case 'D': return take_number("ordinalDay", 3);
      case 'E': return name(kDays, piece.count > 3).has_value();
      case 'H': return take_number("hour", 2);
      case 'm': return take_number("minute", 2);
      case 's': return take_number("second", 2);
      case 'S': {
        const size_t before = rest_.size();
        auto v = number(std::min<size_t>(piece.count, 9));
        if (!v) return false;
        for (size_t digits = before - rest_.size(); digits < 9; ++digits) *v *= 10;
        put("nanosecond", Value::integer(*v));
        return true;
      }
      default: {  // X and V: up to what cannot belong to a zone
        size_t n = 0;
        while (n < rest_.size() && (std::isalnum(static_cast<unsigned char>(rest_[n])) != 0 ||
                                    std::string_view("+-:/_").find(rest_[n]) != std::string_view::npos)) {
          ++n;
        }
        if (n == 0) return false;
        put("timezone", Value::string(rest_.substr(0, n)));
        rest_.remove_prefix(n);
        return true;
      }
    }
  }

  std::string_view text_, rest_, pattern_;
  std::vector<MapEntry> entries_;
};

struct Kind {
  std::string_view name;
  ValueType type;
};
constexpr Kind kKinds[] = {{"date", ValueType::kDate},
                           {"time", ValueType::kTime},
                           {"datetime", ValueType::kDateTime},
                           {"local_time", ValueType::kLocalTime},
                           {"localtime", ValueType::kLocalTime},
                           {"local_datetime", ValueType::kLocalDateTime},
                           {"localdatetime", ValueType::kLocalDateTime},
                           {"duration", ValueType::kDuration}};

Status find_kind(std::string_view name, ValueType* out) {
  for (const Kind& kind : kKinds) {
    const bool same = std::equal(name.begin(), name.end(), kind.name.begin(), kind.name.end(),
                                 [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
    if (!same) continue;
    *out = kind.type;
    return Status();
  }
  return bad_argument("unknown kind `" + std::string(name) +
                      "`; use date, time, datetime, local_time, local_datetime or duration");
}

int64_t now_seconds(const EvalContext& context) {
  return context.statement_epoch_nanos / temporal::kNanosPerSecond;
}

// The kind that the components make: with the most that there is.
Status read_by_pattern(EvalContext& context, std::string_view text, std::string_view pattern,
                       std::optional<ValueType> type, Value* out) {
  PatternReader reader(text, pattern);
  LORA_TRY(reader.read());
  if (!type) {
    type = reader.has_date()   ? reader.has_zone()   ? ValueType::kDateTime
                                 : reader.has_time() ? ValueType::kLocalDateTime
                                                     : ValueType::kDate
           : reader.has_zone() ? ValueType::kTime
                               : ValueType::kLocalTime;
  }
  if (*type == ValueType::kDuration) return bad_argument("a duration has no pattern; leave it out");
  return assign(temporal::make(*type, reader.components(), now_seconds(context)), out);
}

Status parse(EvalContext& context, Args args, Value* out) {
  std::optional<ValueType> type;
  if (args.size() > 1) {
    ValueType found = ValueType::kDate;
    LORA_TRY(find_kind(args[1].as_string(), &found));
    type = found;
  }
  if (args.size() > 2) return read_by_pattern(context, args[0].as_string(), args[2].as_string(), type, out);
  if (type) return assign(temporal::parse(*type, args[0].as_string()), out);
  // The first kind whose text it is.
  for (ValueType t : {ValueType::kDate, ValueType::kLocalDateTime, ValueType::kDateTime, ValueType::kLocalTime,
                      ValueType::kTime, ValueType::kDuration}) {
    Result<Value> parsed = temporal::parse(t, args[0].as_string());
    if (!parsed.ok()) continue;
    *out = std::move(*parsed);
    return Status();
  }
  return bad_argument("`" + std::string(args[0].as_string()) + "` is no temporal value");
}

Status reformat(EvalContext& context, Args args, Value* out) {
  Value v;
  LORA_TRY(read_by_pattern(context, args[0].as_string(), args[1].as_string(), std::nullopt, &v));
  std::string text;
  LORA_TRY(format_as(v, args[2].as_string(), &text));
  return give_text(context, text, out);
}

// --- amounts ---

struct Unit {
  std::string_view name;
  int64_t nanos;
};
constexpr int64_t kSecond = temporal::kNanosPerSecond;
constexpr Unit kUnits[] = {{"nanosecond", 1},           {"ns", 1},
                           {"microsecond", 1'000},      {"us", 1'000},
                           {"millisecond", 1'000'000},  {"ms", 1'000'000},
                           {"second", kSecond},         {"s", kSecond},
                           {"minute", 60 * kSecond},    {"m", 60 * kSecond},
                           {"hour", 3'600 * kSecond},   {"h", 3'600 * kSecond},
                           {"day", 86'400 * kSecond},   {"d", 86'400 * kSecond},
                           {"week", 604'800 * kSecond}, {"w", 604'800 * kSecond}};

Status find_unit(std::string_view name, int64_t* nanos) {
  std::string low(name);
  for (char& c : low) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const Unit& unit : kUnits) {
    if (low != unit.name && low != std::string(unit.name) + "s") continue;
    *nanos = unit.nanos;
    return Status();
  }
  return bad_argument("unknown unit `" + std::string(name) +
                      "`; use nanoseconds, microseconds, milliseconds, seconds, minutes, hours, days or weeks");
}

// An integer where the amount comes out even.
Status convert(EvalContext&, Args args, Value* out) {
  int64_t from = 0, to = 0;
  LORA_TRY(find_unit(args[1].as_string(), &from));
  LORA_TRY(find_unit(args[2].as_string(), &to));
  int64_t nanos = 0;
  if (args[0].is_integer() && !__builtin_mul_overflow(args[0].as_integer(), from, &nanos) && nanos % to == 0) {
    *out = Value::integer(nanos / to);
  } else {
    *out = Value::floating(args[0].as_number() * (static_cast<double>(from) / static_cast<double>(to)));
  }
  return Status();
}

// --- components ---

std::span<const std::string_view> component_names(ValueType type) {
  static constexpr std::string_view kDateTime[] = {"year",       "quarter",   "month",  "week",         "day",
                                                   "ordinalDay", "dayOfWeek", "hour",   "minute",       "second",
                                                   "nanosecond", "timezone",  "offset", "epochSeconds", "epochMillis"};
  static constexpr std::string_view kTime[] = {"hour", "minute", "second", "nanosecond", "timezone", "offset"};
  static constexpr std::string_view kDuration[] = {
      "years", "monthsOfYear", "days", "hours", "minutesOfHour", "secondsOfMinute", "nanosecondsOfSecond"};
  const std::span<const std::string_view> all(kDateTime), time(kTime);
  switch (type) {
    case ValueType::kDate: return all.first(7);
    case ValueType::kLocalDateTime: return all.first(11);
    case ValueType::kDateTime: return all;
    case ValueType::kLocalTime: return time.first(4);
    case ValueType::kTime: return time;
    default: return kDuration;
  }
}

Status fields(EvalContext&, Args args, Value* out) {
  std::vector<MapEntry> entries;
  for (std::string_view name : component_names(args[0].type())) {
    LORA_ASSIGN(Value v, temporal::component(args[0], name));
    entries.emplace_back(Value::string(name), std::move(v));
  }
  *out = Value::map(std::move(entries));
  return Status();
}

}  // namespace

std::span<const FunctionSpec> calendar_functions() {
  const RowMaker row("Temporal");
  const ArgSpec text{"text", kStringType}, value{"value", kTemporalTypes}, instant{"value", kInstantTypes};
  static const std::vector<FunctionSpec> table = {
      row("temporal.parse", {text, {"kind", kStringType}, {"pattern", kStringType}}, 1, kTemporalTypes,
          "The temporal value of a text, of any kind or of one; with a pattern as of `temporal.format`.",
          "temporal.parse('31.01.2024', 'date', 'dd.MM.yyyy')", "date('2024-01-31')", parse),
      row("temporal.format", {value, {"pattern", kStringType}}, 1, kStringType,
          "A temporal value as ISO text, or by a pattern like `yyyy-MM-dd HH:mm`.",
          "temporal.format(date('2024-01-31'), 'EEE, d MMMM yyyy')", "'Wed, 31 January 2024'", format),
      row("temporal.reformat", {text, {"from", kStringType}, {"to", kStringType}}, 3, kStringType,
          "A temporal text of one pattern by another.", "temporal.reformat('31.01.2024', 'dd.MM.yyyy', 'yyyy-MM-dd')",
          "'2024-01-31'", reformat),
      row("temporal.convert", {{"amount", kNumberTypes}, {"from", kStringType}, {"to", kStringType}}, 3, kNumberTypes,
          "An amount of time in another unit.", "temporal.convert(90, 'minutes', 'hours')", "1.5", convert),
      row("temporal.add", {value, {"duration", kDurationType}}, 2, kTemporalTypes, "A temporal value so much later.",
          "temporal.add(date('2024-01-31'), duration('P1M'))", "date('2024-02-29')",
          [](EvalContext&, Args a, Value* out) { return assign(temporal::add(a[0], a[1]), out); }),
      row("temporal.get", {value, {"component", kStringType}}, 2, kIntegerType | kStringType,
          "A component of a temporal value, by its name.", "temporal.get(date('2024-01-31'), 'month')", "1",
          [](EvalContext&, Args a, Value* out) { return assign(temporal::component(a[0], a[1].as_string()), out); }),
      row("temporal.fields", {value}, 1, kMapType, "The main components of a temporal value.",
          "temporal.fields(localtime('10:30'))", "{hour: 10, minute: 30, second: 0, nanosecond: 0}", fields),
      row("temporal.truncate", {{"unit", kStringType}, instant}, 2, kInstantTypes,
          "A temporal value cut down to a unit, of the same kind.", "temporal.truncate('month', date('2024-01-31'))",
          "date('2024-01-01')",
          [](EvalContext& c, Args a, Value* out) {
            return assign(temporal::truncate(a[1].type(), a[0].as_string(), a[1], Value(), now_seconds(c)), out);
          }),
  };
  return table;
}

}  // namespace lora::cypher
