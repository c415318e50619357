// Temporal functions: constructors with their clocks, truncation, durations between.
#include "graph/temporal.h"

#include <chrono>
#include <string>
#include <utility>

#include "cypher/functions/families.h"

namespace lora::cypher {

namespace {

constexpr int64_t kNanosPerSecond = temporal::kNanosPerSecond;

int64_t floor_divide(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a % b < 0) != (b < 0) ? 1 : 0);
}

enum class Clock { kStatement, kTransaction, kRealtime };

int64_t now_nanos(const EvalContext& context, Clock clock) {
  switch (clock) {
    case Clock::kStatement: return context.statement_epoch_nanos;
    case Clock::kTransaction: return context.transaction_epoch_nanos;
    case Clock::kRealtime: break;
  }
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Status assign(Result<Value>&& result, Value* out) {
  LORA_ASSIGN(*out, std::move(result));
  return Status();
}

Status current(const EvalContext& context, ValueType type, Clock clock, std::string_view zone, Value* out) {
  const int64_t nanos = now_nanos(context, clock);
  const int64_t seconds = floor_divide(nanos, kNanosPerSecond);
  return assign(temporal::from_instant(type, seconds, static_cast<int32_t>(nanos - seconds * kNanosPerSecond), zone),
                out);
}

// date(), date('...'), date({...}), date(other); {timezone: ...} alone is the clock in that zone.
template <ValueType type>
Status construct(EvalContext& context, std::span<const Value> args, Value* out) {
  if (args.empty()) return current(context, type, Clock::kStatement, "", out);
  if (args[0].is_map() && args[0].as_map().size() == 1) {
    const Value* zone = args[0].map_find("timezone");
    if (zone != nullptr && zone->is_string()) return current(context, type, Clock::kStatement, zone->as_string(), out);
  }
  return assign(temporal::make(type, args[0], floor_divide(context.statement_epoch_nanos, kNanosPerSecond)), out);
}

template <ValueType type, Clock clock>
Status read_clock(EvalContext& context, std::span<const Value> args, Value* out) {
  return current(context, type, clock, args.empty() ? std::string_view() : args[0].as_string(), out);
}

template <ValueType type>
Status truncate(EvalContext& context, std::span<const Value> args, Value* out) {
  if (args[0].is_null() || args[1].is_null()) {
    *out = Value();
    return Status();
  }
  const Value fields = args.size() > 2 ? args[2] : Value();
  return assign(temporal::truncate(type, args[0].as_string(), args[1], fields,
                                   floor_divide(context.statement_epoch_nanos, kNanosPerSecond)),
                out);
}

Status from_epoch(EvalContext&, std::span<const Value> args, Value* out) {
  return assign(temporal::from_epoch(args[0].as_integer(), args[1].as_integer()), out);
}

Status from_epoch_millis(EvalContext&, std::span<const Value> args, Value* out) {
  return assign(temporal::from_epoch_millis(args[0].as_integer()), out);
}

template <Result<Value> (*function)(const Value&, const Value&)>
Status between(EvalContext&, std::span<const Value> args, Value* out) {
  return assign(function(args[0], args[1]), out);
}

// temporal.now(kind)
Status now(EvalContext& context, std::span<const Value> args, Value* out) {
  const std::string_view kind = args.empty() ? "datetime" : args[0].as_string();
  static constexpr std::pair<std::string_view, ValueType> kKinds[] = {{"date", ValueType::kDate},
                                                                      {"time", ValueType::kTime},
                                                                      {"datetime", ValueType::kDateTime},
                                                                      {"local_time", ValueType::kLocalTime},
                                                                      {"local_datetime", ValueType::kLocalDateTime}};
  for (const auto& [name, type] : kKinds) {
    if (name == kind) return current(context, type, Clock::kStatement, "", out);
  }
  return Status::runtime(
      ErrorCode::kType, "ArgumentError", "InvalidArgumentValue",
      "unknown kind `" + std::string(kind) + "`; use date, time, datetime, local_time or local_datetime");
}

Status today(EvalContext& context, std::span<const Value>, Value* out) {
  return current(context, ValueType::kDate, Clock::kStatement, "", out);
}

Status timestamp(EvalContext& context, std::span<const Value>, Value* out) {
  *out = Value::integer(floor_divide(context.statement_epoch_nanos, 1'000'000));
  return Status();
}

Status timezone(EvalContext&, std::span<const Value>, Value* out) {
  *out = Value::string("Z");
  return Status();
}

struct TypeNames {
  std::string_view constructor, truncate, statement, transaction, realtime, description, example, result;
  std::string_view truncate_example, truncate_result;  // cut down to the day or hour
  std::string_view clock_example;                      // for all clocks: is true
};

template <ValueType type>
void add_type(std::vector<FunctionSpec>* table, const TypeNames& n) {
  constexpr std::string_view kCategory = "Temporal";
  constexpr auto kNull = NullRule::kNullIfAnyNull;
  const TypeSet result = type_bit(type);
  table->push_back({n.constructor,
                    {},
                    {{"input", kStringType | kMapType | kInstantTypes}},
                    0,
                    1,
                    result,
                    Purity::kStatement,
                    kNull,
                    kCategory,
                    n.description,
                    n.example,
                    n.result,
                    construct<type>});
  table->push_back({n.truncate,
                    {},
                    {{"unit", kStringType}, {"value", kInstantTypes}, {"fields", kMapType}},
                    2,
                    3,
                    result,
                    Purity::kPure,
                    NullRule::kCalled,
                    kCategory,
                    "Cuts a temporal value down to a unit; `fields` then sets smaller components.",
                    n.truncate_example,
                    n.truncate_result,
                    truncate<type>});
  const auto clock = [&](std::string_view name, std::string_view description, Purity purity, ScalarFunction function) {
    table->push_back({name,
                      {},
                      {{"timezone", kStringType}},
                      0,
                      1,
                      result,
                      purity,
                      kNull,
                      kCategory,
                      description,
                      n.clock_example,
                      "true",
                      function});
  };
  clock(n.statement, "The time at which the statement started.", Purity::kStatement,
        read_clock<type, Clock::kStatement>);
  clock(n.transaction, "The time at which the transaction started.", Purity::kStatement,
        read_clock<type, Clock::kTransaction>);
  clock(n.realtime, "The time of this call.", Purity::kVolatile, read_clock<type, Clock::kRealtime>);
}

}  // namespace

std::span<const FunctionSpec> temporal_functions() {
  static const std::vector<FunctionSpec> table = [] {
    constexpr std::string_view kCategory = "Temporal";
    constexpr auto kPure = Purity::kPure;
    constexpr auto kNull = NullRule::kNullIfAnyNull;
    std::vector<FunctionSpec> t;
    add_type<ValueType::kDate>(
        &t, {"date", "date.truncate", "date.statement", "date.transaction", "date.realtime",
             "A date: today, or from text, components or another temporal value.", "date('2024-02-29')",
             "date('2024-02-29')", "date.truncate('month', date('2024-02-29'))", "date('2024-02-01')",
             "date.statement() = date.transaction() AND date.realtime() > date('2024-01-01')"});
    add_type<ValueType::kLocalTime>(
        &t,
        {"localtime", "localtime.truncate", "localtime.statement", "localtime.transaction", "localtime.realtime",
         "A time of day without a zone: now, or from text, components or another temporal value.", "localtime('10:30')",
         "localtime('10:30')", "localtime.truncate('hour', localtime('10:30'))", "localtime('10:00')",
         "localtime.statement() = localtime.transaction() AND localtime.realtime() >= localtime('00:00')"});
    add_type<ValueType::kTime>(
        &t, {"time", "time.truncate", "time.statement", "time.transaction", "time.realtime",
             "A time of day with an offset: now, or from text, components or another value.", "time('10:30+01:00')",
             "time('10:30+01:00')", "time.truncate('hour', time('10:30Z'))", "time('10:00Z')",
             "time.statement() = time.transaction() AND time.realtime() >= time('00:00Z')"});
    add_type<ValueType::kLocalDateTime>(
        &t, {"localdatetime", "localdatetime.truncate", "localdatetime.statement", "localdatetime.transaction",
             "localdatetime.realtime",
             "A date and time without a zone: now, or from text, components or another temporal value.",
             "localdatetime('2024-02-29T10:30')", "localdatetime('2024-02-29T10:30')",
             "localdatetime.truncate('day', localdatetime('2024-02-29T10:30'))", "localdatetime('2024-02-29T00:00')",
             "localdatetime.statement() = localdatetime.transaction() AND "
             "localdatetime.realtime() > localdatetime('2024-01-01T00:00')"});
    add_type<ValueType::kDateTime>(
        &t, {"datetime", "datetime.truncate", "datetime.statement", "datetime.transaction", "datetime.realtime",
             "A date and time with a zone: now, or from text, components or another temporal value.",
             "datetime('2024-02-29T10:30Z')", "datetime('2024-02-29T10:30Z')",
             "datetime.truncate('day', datetime('2024-02-29T10:30Z'))", "datetime('2024-02-29T00:00Z')",
             "datetime.statement() = datetime.transaction() AND datetime.realtime() > datetime('2024-01-01T00:00Z')"});
    t.push_back({"duration",
                 {},
                 {{"input", kStringType | kMapType | kDurationType}},
                 1,
                 1,
                 kDurationType,
                 kPure,
                 kNull,
                 kCategory,
                 "A duration from text or components.",
                 "duration({hours: 30})",
                 "duration('PT30H')",
                 construct<ValueType::kDuration>});
    t.push_back({"datetime.fromepoch",
                 {},
                 {{"seconds", kIntegerType}, {"nanoseconds", kIntegerType}},
                 2,
                 2,
                 type_bit(ValueType::kDateTime),
                 kPure,
                 kNull,
                 kCategory,
                 "The instant so long after 1970 (UTC).",
                 "datetime.fromepoch(0, 0)",
                 "datetime('1970-01-01T00:00Z')",
                 from_epoch});
    t.push_back({"datetime.fromepochmillis",
                 {},
                 {{"milliseconds", kIntegerType}},
                 1,
                 1,
                 type_bit(ValueType::kDateTime),
                 kPure,
                 kNull,
                 kCategory,
                 "The instant so long after 1970 (UTC).",
                 "datetime.fromepochmillis(0)",
                 "datetime('1970-01-01T00:00Z')",
                 from_epoch_millis});
    const std::vector<ArgSpec> two = {{"from", kInstantTypes}, {"to", kInstantTypes}};
    t.push_back({"duration.between",
                 {"temporal.between"},
                 two,
                 2,
                 2,
                 kDurationType,
                 kPure,
                 kNull,
                 kCategory,
                 "The time between two temporal values, in months, days and seconds.",
                 "duration.between(date('2024-01-01'), date('2024-02-03'))",
                 "duration('P1M2D')",
                 between<temporal::between>});
    t.push_back({"duration.inMonths",
                 {},
                 two,
                 2,
                 2,
                 kDurationType,
                 kPure,
                 kNull,
                 kCategory,
                 "The whole months between two temporal values.",
                 "duration.inMonths(date('2024-01-01'), date('2024-02-03'))",
                 "duration('P1M')",
                 between<temporal::in_months>});
    t.push_back({"duration.inDays",
                 {"temporal.in_days"},
                 two,
                 2,
                 2,
                 kDurationType,
                 kPure,
                 kNull,
                 kCategory,
                 "The whole days between two temporal values.",
                 "duration.inDays(date('2024-01-01'), date('2024-02-03'))",
                 "duration('P33D')",
                 between<temporal::in_days>});
    t.push_back({"duration.inSeconds",
                 {},
                 two,
                 2,
                 2,
                 kDurationType,
                 kPure,
                 kNull,
                 kCategory,
                 "The time between two temporal values, in seconds.",
                 "duration.inSeconds(localtime('10:00'), localtime('10:30'))",
                 "duration('PT30M')",
                 between<temporal::in_seconds>});
    t.push_back({"temporal.now",
                 {},
                 {{"kind", kStringType}},
                 0,
                 1,
                 kInstantTypes,
                 Purity::kStatement,
                 kNull,
                 kCategory,
                 "The time at which the statement started: datetime, date, time, local_time or local_datetime.",
                 "temporal.now('date') = date()",
                 "true",
                 now});
    t.push_back({"temporal.today",
                 {},
                 {},
                 0,
                 0,
                 type_bit(ValueType::kDate),
                 Purity::kStatement,
                 kNull,
                 kCategory,
                 "The date at which the statement started.",
                 "temporal.today() = date()",
                 "true",
                 today});
    t.push_back({"timestamp",
                 {"temporal.timestamp"},
                 {},
                 0,
                 0,
                 kIntegerType,
                 Purity::kStatement,
                 kNull,
                 kCategory,
                 "Milliseconds since 1970 (UTC), when the statement started.",
                 "timestamp() > 0",
                 "true",
                 timestamp});
    t.push_back({"timezone",
                 {"temporal.timezone"},
                 {},
                 0,
                 0,
                 kStringType,
                 kPure,
                 kNull,
                 kCategory,
                 "The zone that temporal values get when none is given.",
                 "timezone()",
                 "'Z'",
                 timezone});
    return t;
  }();
  return table;
}

}  // namespace lora::cypher
