// Functions of numbers.
#include <cmath>
#include <numbers>
#include <string>

#include "cypher/functions/families.h"

namespace lora::cypher {

namespace {

using Real = double (*)(double);

// What a row of a function of one float has.
struct RealBodies {
  ScalarFunction function;
  Real typed;
};

template <Real body>
constexpr RealBodies real{[](EvalContext&, std::span<const Value> args, Value* out) {
                            *out = Value::floating(body(args[0].as_number()));
                            return Status();
                          },
                          body};

double cot(double x) {
  return 1.0 / std::tan(x);
}
double coth(double x) {
  return 1.0 / std::tanh(x);
}
double haversin(double x) {
  const double s = std::sin(x / 2);
  return s * s;
}
double to_degrees(double x) {
  return x * (180.0 / std::numbers::pi);
}
double to_radians(double x) {
  return x * (std::numbers::pi / 180.0);
}

Status atan2(EvalContext&, std::span<const Value> args, Value* out) {
  *out = Value::floating(std::atan2(args[0].as_number(), args[1].as_number()));
  return Status();
}

bool abs_integer(int64_t x, int64_t* out) {
  if (x == INT64_MIN) return false;
  *out = x < 0 ? -x : x;
  return true;
}

Status abs(EvalContext&, std::span<const Value> args, Value* out) {
  if (!args[0].is_integer()) {
    *out = Value::floating(std::fabs(args[0].as_float()));
    return Status();
  }
  int64_t positive;
  if (!abs_integer(args[0].as_integer(), &positive)) return overflow_error("abs()");
  *out = Value::integer(positive);
  return Status();
}

bool sign_integer(int64_t x, int64_t* out) {
  *out = x > 0 ? 1 : x < 0 ? -1 : 0;
  return true;
}

Status sign(EvalContext&, std::span<const Value> args, Value* out) {
  const double v = args[0].as_number();
  *out = Value::integer(v > 0 ? 1 : v < 0 ? -1 : 0);
  return Status();
}

Status is_nan(EvalContext&, std::span<const Value> args, Value* out) {
  *out = Value::boolean(args[0].is_float() && std::isnan(args[0].as_float()));
  return Status();
}

Status pi(EvalContext&, std::span<const Value>, Value* out) {
  *out = Value::floating(std::numbers::pi);
  return Status();
}

Status e(EvalContext&, std::span<const Value>, Value* out) {
  *out = Value::floating(std::numbers::e);
  return Status();
}

// xorshift64*: enough for rand(); seeded per statement.
Status rand(EvalContext& context, std::span<const Value>, Value* out) {
  uint64_t x = context.random_state | 1;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  context.random_state = x;
  *out = Value::floating(static_cast<double>((x * 0x2545F4914F6CDD1DULL) >> 11) * 0x1.0p-53);
  return Status();
}

// Half values go away from zero at precision 0 for HALF_UP with negative numbers going up, as Neo4j: round(-1.5) =
// -1.0.
double round_half_up(double x) {
  return std::isfinite(x) && std::fabs(x) < 4503599627370496.0 ? std::floor(x + 0.5) : x;
}

Status round(EvalContext&, std::span<const Value> args, Value* out) {
  const double v = args[0].as_number();
  if (args.size() == 1) {
    *out = Value::floating(round_half_up(v));
    return Status();
  }
  const int64_t precision = args[1].as_integer();
  if (precision < 0 || precision > 300) return number_out_of_range("the precision of `round()` must be 0 to 300");
  const std::string mode = args.size() > 2 ? std::string(args[2].as_string()) : "HALF_UP";
  if (!std::isfinite(v)) {
    *out = Value::floating(v);
    return Status();
  }
  // Decimal digits decide, not the binary fraction: print enough digits and round the text.
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = v * scale;
  if (!std::isfinite(scaled) || std::fabs(scaled) >= 4503599627370496.0) {
    *out = Value::floating(v);
    return Status();
  }
  const double low = std::floor(scaled);
  const double fraction = scaled - low;
  const bool half = std::fabs(fraction - 0.5) < 1e-9;
  double result = 0;
  if (mode == "CEILING") {
    result = std::ceil(scaled);
  } else if (mode == "FLOOR") {
    result = low;
  } else if (mode == "UP") {
    result = scaled < 0 ? low : std::ceil(scaled);
  } else if (mode == "DOWN") {
    result = std::trunc(scaled);
  } else if (mode == "HALF_UP") {
    result = half ? (scaled < 0 ? low : low + 1) : std::floor(scaled + 0.5);
  } else if (mode == "HALF_DOWN") {
    result = half ? (scaled < 0 ? low + 1 : low) : std::floor(scaled + 0.5);
  } else if (mode == "HALF_EVEN") {
    result = half ? (std::fmod(low, 2.0) == 0 ? low : low + 1) : std::floor(scaled + 0.5);
  } else {
    return Status::runtime(
        ErrorCode::kType, "ArgumentError", "InvalidArgumentValue",
        "unknown rounding mode `" + mode + "`; use UP, DOWN, CEILING, FLOOR, HALF_UP, HALF_DOWN or HALF_EVEN");
  }
  *out = Value::floating(result / scale);
  return Status();
}

}  // namespace

std::span<const FunctionSpec> math_functions() {
  constexpr auto kPure = Purity::kPure;
  constexpr auto kNull = NullRule::kNullIfAnyNull;
  static constexpr std::string_view kCategory = "Math";
  const auto real_row = [](std::string_view name, std::vector<std::string_view> aliases, std::string_view description,
                           std::string_view example, std::string_view result, const RealBodies& bodies) {
    return with_typed({.of_float = bodies.typed}, {name,
                                                   std::move(aliases),
                                                   {{"x", kNumberTypes}},
                                                   1,
                                                   1,
                                                   kFloatType,
                                                   kPure,
                                                   kNull,
                                                   kCategory,
                                                   description,
                                                   example,
                                                   result,
                                                   bodies.function});
  };
  static const std::vector<FunctionSpec> table = {
      with_typed({.of_float = std::fabs, .of_integer = abs_integer}, {"abs",
                                                                      {"math.abs"},
                                                                      {{"x", kNumberTypes}},
                                                                      1,
                                                                      1,
                                                                      kNumberTypes,
                                                                      kPure,
                                                                      kNull,
                                                                      kCategory,
                                                                      "The absolute value.",
                                                                      "abs(-3)",
                                                                      "3",
                                                                      abs}),
      with_typed({.of_integer = sign_integer}, {"sign",
                                                {"math.sign"},
                                                {{"x", kNumberTypes}},
                                                1,
                                                1,
                                                kIntegerType,
                                                kPure,
                                                kNull,
                                                kCategory,
                                                "-1, 0 or 1: the sign of a number.",
                                                "sign(-0.5)",
                                                "-1",
                                                sign}),
      with_typed({.of_float = round_half_up},
                 {"round",
                  {"math.round"},
                  {{"x", kNumberTypes}, {"precision", kIntegerType}, {"mode", kStringType}},
                  1,
                  3,
                  kFloatType,
                  kPure,
                  kNull,
                  kCategory,
                  "Rounds to `precision` decimals (default 0, half up).",
                  "round(3.141592, 3)",
                  "3.142",
                  round}),
      real_row("ceil", {"math.ceil", "ceiling"}, "The smallest integer not below, as a float.", "ceil(0.1)", "1.0",
               real<std::ceil>),
      real_row("floor", {"math.floor"}, "The largest integer not above, as a float.", "floor(0.9)", "0.0",
               real<std::floor>),
      real_row("sqrt", {"math.sqrt"}, "The square root.", "sqrt(256)", "16.0", real<std::sqrt>),
      real_row("exp", {"math.exp"}, "e to the power of x.", "exp(0)", "1.0", real<std::exp>),
      real_row("log", {"ln", "math.log", "math.ln"}, "The natural logarithm.", "log(1)", "0.0", real<std::log>),
      real_row("log10", {"math.log10"}, "The logarithm to base 10.", "log10(1000)", "3.0", real<std::log10>),
      real_row("sin", {"math.sin"}, "The sine of an angle in radians.", "sin(0)", "0.0", real<std::sin>),
      real_row("cos", {"math.cos"}, "The cosine of an angle in radians.", "cos(0)", "1.0", real<std::cos>),
      real_row("tan", {"math.tan"}, "The tangent of an angle in radians.", "tan(0)", "0.0", real<std::tan>),
      real_row("cot", {"math.cot"}, "The cotangent of an angle in radians.", "round(cot(0.5), 3)", "1.83", real<cot>),
      real_row("asin", {"math.asin"}, "The arcsine, in radians.", "asin(0)", "0.0", real<std::asin>),
      real_row("acos", {"math.acos"}, "The arccosine, in radians.", "acos(1)", "0.0", real<std::acos>),
      real_row("atan", {"math.atan"}, "The arctangent, in radians.", "atan(0)", "0.0", real<std::atan>),
      real_row("sinh", {"math.sinh"}, "The hyperbolic sine.", "sinh(0)", "0.0", real<std::sinh>),
      real_row("cosh", {"math.cosh"}, "The hyperbolic cosine.", "cosh(0)", "1.0", real<std::cosh>),
      real_row("tanh", {"math.tanh"}, "The hyperbolic tangent.", "tanh(0)", "0.0", real<std::tanh>),
      real_row("coth", {"math.coth"}, "The hyperbolic cotangent.", "round(coth(1), 3)", "1.313", real<coth>),
      real_row("haversin", {}, "Half the versine of an angle in radians.", "haversin(0)", "0.0", real<haversin>),
      real_row("degrees", {"math.degrees"}, "Radians to degrees.", "degrees(pi())", "180.0", real<to_degrees>),
      real_row("radians", {"math.radians"}, "Degrees to radians.", "radians(180) = pi()", "true", real<to_radians>),
      {"atan2",
       {"math.atan2"},
       {{"y", kNumberTypes}, {"x", kNumberTypes}},
       2,
       2,
       kFloatType,
       kPure,
       kNull,
       kCategory,
       "The angle of the point (x, y), in radians.",
       "atan2(0, 1)",
       "0.0",
       atan2},
      {"isNaN",
       {"number.is_nan"},
       {{"x", kNumberTypes}},
       1,
       1,
       kBooleanType,
       kPure,
       kNull,
       kCategory,
       "Whether a number is NaN.",
       "isNaN(0.0 / 0.0)",
       "true",
       is_nan},
      {"pi",
       {"math.pi"},
       {},
       0,
       0,
       kFloatType,
       kPure,
       kNull,
       kCategory,
       "The number pi.",
       "round(pi(), 2)",
       "3.14",
       pi},
      {"e",
       {"math.e"},
       {},
       0,
       0,
       kFloatType,
       kPure,
       kNull,
       kCategory,
       "The base of the natural logarithm.",
       "round(e(), 2)",
       "2.72",
       e},
      {"rand",
       {"math.random"},
       {},
       0,
       0,
       kFloatType,
       Purity::kVolatile,
       kNull,
       kCategory,
       "A random float, at least 0 and below 1.",
       "0 <= rand() AND rand() < 1",
       "true",
       rand},
  };
  return table;
}

}  // namespace lora::cypher
