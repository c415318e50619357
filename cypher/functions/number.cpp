// The namespaces `number` and `bits`, and what `math` has beyond Cypher's own functions.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <string>

#include "cypher/functions/row.h"

namespace lora::cypher {

namespace {

Status give(Value v, Value* out) {
  *out = std::move(v);
  return Status();
}

// --- text forms ---

// "1234567" -> "1,234,567"
std::string grouped(std::string_view digits, std::string_view separator) {
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += separator;
    out += digits[i];
  }
  return out;
}

// format(x[, decimals[, separator]])
Status format(EvalContext&, Args args, Value* out) {
  constexpr int64_t kDecimalsMax = 300;
  const int64_t decimals = args.size() > 1 ? args[1].as_integer() : (args[0].is_integer() ? 0 : 2);
  if (decimals < 0 || decimals > kDecimalsMax) {
    return number_out_of_range("the decimals of `number.format()` must be 0 to 300");
  }
  const std::string_view separator = args.size() > 2 ? args[2].as_string() : ",";
  std::string text;
  if (args[0].is_integer()) {
    text = std::to_string(args[0].as_integer());
    if (decimals > 0) text += "." + std::string(static_cast<size_t>(decimals), '0');
  } else {
    const double v = args[0].as_float();
    if (!std::isfinite(v)) return give(Value::string(std::isnan(v) ? "NaN" : v > 0 ? "Infinity" : "-Infinity"), out);
    char buffer[1000];
    const int n = std::snprintf(buffer, sizeof buffer, "%.*f", static_cast<int>(decimals), v);
    text.assign(buffer, static_cast<size_t>(n));
  }
  const bool negative = text.front() == '-';
  if (negative) text.erase(0, 1);
  const size_t point = std::min(text.find('.'), text.size());
  return give(Value::string((negative ? "-" : "") + grouped(text.substr(0, point), separator) + text.substr(point)),
              out);
}

constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuvwxyz";

Status check_base(const Value& base) {
  if (base.as_integer() >= 2 && base.as_integer() <= 36) return Status();
  return number_out_of_range("a base is from 2 to 36, not `" + std::to_string(base.as_integer()) + "`");
}

Status to_base(EvalContext&, Args args, Value* out) {
  LORA_TRY(check_base(args[1]));
  const auto base = static_cast<uint64_t>(args[1].as_integer());
  const int64_t v = args[0].as_integer();
  uint64_t rest = v < 0 ? uint64_t{0} - static_cast<uint64_t>(v) : static_cast<uint64_t>(v);
  std::string text;
  do {
    text += kDigits[rest % base];
    rest /= base;
  } while (rest > 0);
  if (v < 0) text += '-';
  std::reverse(text.begin(), text.end());
  return give(Value::string(text), out);
}

Status from_base(EvalContext&, Args args, Value* out) {
  LORA_TRY(check_base(args[1]));
  const int64_t base = args[1].as_integer();
  std::string_view text = args[0].as_string();
  const bool negative = !text.empty() && text.front() == '-';
  std::string_view digits = text.substr(negative ? 1 : 0);
  int64_t v = 0;
  for (char c : digits) {
    const char low = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    const char* at = std::find(kDigits, kDigits + base, low);
    if (at == kDigits + base) digits = {};
    if (digits.empty()) break;
    // Negative numbers reach one further.
    if (__builtin_mul_overflow(v, base, &v) || __builtin_sub_overflow(v, at - kDigits, &v)) {
      return overflow_error("number.from_base()");
    }
  }
  if (digits.empty()) {
    return bad_argument("`" + std::string(text) + "` is no number to base " + std::to_string(base));
  }
  if (!negative && v == INT64_MIN) return overflow_error("number.from_base()");
  return give(Value::integer(negative ? v : -v), out);
}

struct Numeral {
  int value;
  std::string_view text;
};
constexpr Numeral kNumerals[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"},
                                 {40, "XL"},  {10, "X"},   {9, "IX"},  {5, "V"},    {4, "IV"},  {1, "I"}};
constexpr int kRomanMax = 3999;

std::string roman(int v) {
  std::string out;
  for (const Numeral& n : kNumerals) {
    for (; v >= n.value; v -= n.value) out += n.text;
  }
  return out;
}

Status to_roman(EvalContext&, Args args, Value* out) {
  const int64_t v = args[0].as_integer();
  if (v < 1 || v > kRomanMax) return number_out_of_range("Roman numerals go from 1 to 3999");
  return give(Value::string(roman(static_cast<int>(v))), out);
}

Status from_roman(EvalContext&, Args args, Value* out) {
  std::string text(args[0].as_string());
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  std::string_view rest = text;
  int v = 0;
  for (const Numeral& n : kNumerals) {
    while (v <= kRomanMax && rest.starts_with(n.text)) {
      v += n.value;
      rest.remove_prefix(n.text.size());
    }
  }
  // Only the usual spelling counts.
  if (!rest.empty() || v < 1 || v > kRomanMax || roman(v) != text) {
    return bad_argument("`" + std::string(args[0].as_string()) + "` is no Roman numeral");
  }
  return give(Value::integer(v), out);
}

// --- bits ---

Status shifted(int64_t v, int64_t by, bool left, Value* out) {
  if (by < 0 || by > 63) return number_out_of_range("bits are shifted by 0 to 63 places");
  return give(Value::integer(left ? static_cast<int64_t>(static_cast<uint64_t>(v) << by) : v >> by), out);
}

Status bit_operation(EvalContext&, Args args, Value* out) {
  const int64_t a = args[0].as_integer(), b = args[2].as_integer();
  std::string op(args[1].as_string());
  for (char& c : op) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (op == "and" || op == "&") return give(Value::integer(a & b), out);
  if (op == "or" || op == "|") return give(Value::integer(a | b), out);
  if (op == "xor" || op == "^") return give(Value::integer(a ^ b), out);
  if (op == "<<" || op == "shift_left") return shifted(a, b, true, out);
  if (op == ">>" || op == "shift_right") return shifted(a, b, false, out);
  return bad_argument("unknown bit operation `" + op + "`; use and, or, xor, shift_left or shift_right");
}

// --- math ---

template <bool largest>
Status extreme(EvalContext&, Args args, Value* out) {
  *out = args[0];
  for (const Value& v : args) {
    if (largest ? order(v, *out) > 0 : order(v, *out) < 0) *out = v;
  }
  return Status();
}

Status trunc(EvalContext&, Args args, Value* out) {
  return give(args[0].is_integer() ? args[0] : Value::floating(std::trunc(args[0].as_float())), out);
}

Status gcd(EvalContext&, Args args, Value* out) {
  const auto magnitude = [](int64_t v) {
    return v < 0 ? uint64_t{0} - static_cast<uint64_t>(v) : static_cast<uint64_t>(v);
  };
  const uint64_t g = std::gcd(magnitude(args[0].as_integer()), magnitude(args[1].as_integer()));
  if (g > static_cast<uint64_t>(INT64_MAX)) return overflow_error("math.gcd()");
  return give(Value::integer(static_cast<int64_t>(g)), out);
}

Status lcm(EvalContext& context, Args args, Value* out) {
  Value g;
  LORA_TRY(gcd(context, args, &g));
  int64_t v = 0;
  if (g.as_integer() != 0 &&
      (__builtin_mul_overflow(args[0].as_integer() / g.as_integer(), args[1].as_integer(), &v) || v == INT64_MIN)) {
    return overflow_error("math.lcm()");
  }
  return give(Value::integer(v < 0 ? -v : v), out);
}

Status clamp(EvalContext&, Args args, Value* out) {
  if (order(args[1], args[2]) > 0) return bad_argument("the lower end given to `math.clamp()` is above the upper one");
  return give(order(args[0], args[1]) < 0 ? args[1] : order(args[0], args[2]) > 0 ? args[2] : args[0], out);
}

template <double (*function)(double, double)>
Status real2(EvalContext&, Args args, Value* out) {
  return give(Value::floating(function(args[0].as_number(), args[1].as_number())), out);
}
double power(double x, double y) {
  return std::pow(x, y);
}
double length(double x, double y) {
  return std::hypot(x, y);
}
double log_to_base(double x, double base) {
  return std::log(x) / std::log(base);
}

template <bool (*test)(double)>
Status is(EvalContext&, Args args, Value* out) {
  return give(Value::boolean(test(args[0].as_number())), out);
}
bool is_positive(double v) {
  return v > 0;
}
bool is_negative(double v) {
  return v < 0;
}
bool is_zero(double v) {
  return v == 0;
}
bool is_finite(double v) {
  return std::isfinite(v);
}
bool is_infinite(double v) {
  return std::isinf(v);
}
bool is_whole(double v) {
  return std::isfinite(v) && std::trunc(v) == v;
}

}  // namespace

std::span<const FunctionSpec> number_functions() {
  const RowMaker row("Numeric");
  const RowMaker bits("Bits");
  const ArgSpec x{"x", kNumberTypes}, y{"y", kNumberTypes}, a{"a", kIntegerType}, b{"b", kIntegerType},
      base{"base", kIntegerType}, places{"places", kIntegerType}, text{"text", kStringType};
  static const std::vector<FunctionSpec> table = {
      row("number.format", {x, {"decimals", kIntegerType}, {"separator", kStringType}}, 1, kStringType,
          "A number as text, with so many decimals and its thousands set apart.", "number.format(1234567.891, 2)",
          "'1,234,567.89'", format),
      row("number.to_base", {{"n", kIntegerType}, base}, 2, kStringType, "An integer to a base of 2 to 36.",
          "number.to_base(255, 16)", "'ff'", to_base),
      row("number.from_base", {text, base}, 2, kIntegerType, "The integer that a text to a base stands for.",
          "number.from_base('ff', 16)", "255", from_base),
      row("number.to_roman", {{"n", kIntegerType}}, 1, kStringType, "An integer as a Roman numeral.",
          "number.to_roman(1994)", "'MCMXCIV'", to_roman),
      row("number.from_roman", {text}, 1, kIntegerType, "The integer of a Roman numeral.",
          "number.from_roman('MCMXCIV')", "1994", from_roman),
      row("number.bitop", {a, {"operation", kStringType}, b}, 3, kIntegerType,
          "Two integers bit by bit: and, or, xor, shift_left, shift_right.", "number.bitop(6, 'and', 3)", "2",
          bit_operation),
      row("number.is_integer", {x}, 1, kBooleanType, "Whether a number has no fraction.", "number.is_integer(2.0)",
          "true", is<is_whole>),
      row("number.is_even", {{"n", kIntegerType}}, 1, kBooleanType, "Whether an integer is even.", "number.is_even(4)",
          "true",
          [](EvalContext&, Args v, Value* out) { return give(Value::boolean(v[0].as_integer() % 2 == 0), out); }),
      row("number.is_odd", {{"n", kIntegerType}}, 1, kBooleanType, "Whether an integer is odd.", "number.is_odd(4)",
          "false",
          [](EvalContext&, Args v, Value* out) { return give(Value::boolean(v[0].as_integer() % 2 != 0), out); }),
      row("number.is_positive", {x}, 1, kBooleanType, "Whether a number is above 0.", "number.is_positive(0)", "false",
          is<is_positive>),
      row("number.is_negative", {x}, 1, kBooleanType, "Whether a number is below 0.", "number.is_negative(-1)", "true",
          is<is_negative>),
      row("number.is_zero", {x}, 1, kBooleanType, "Whether a number is 0.", "number.is_zero(0.0)", "true", is<is_zero>),
      row("number.is_finite", {x}, 1, kBooleanType, "Whether a number is neither infinite nor NaN.",
          "number.is_finite(1.0)", "true", is<is_finite>),
      row("number.is_infinite", {x}, 1, kBooleanType, "Whether a number is infinite.", "number.is_infinite(1.0 / 0.0)",
          "true", is<is_infinite>),
      bits("bits.and", {a, b}, 2, kIntegerType, "The bits that both have.", "bits.and(6, 3)", "2",
           [](EvalContext&, Args v, Value* out) {
             return give(Value::integer(v[0].as_integer() & v[1].as_integer()), out);
           }),
      bits("bits.or", {a, b}, 2, kIntegerType, "The bits that one of them has.", "bits.or(6, 3)", "7",
           [](EvalContext&, Args v, Value* out) {
             return give(Value::integer(v[0].as_integer() | v[1].as_integer()), out);
           }),
      bits("bits.xor", {a, b}, 2, kIntegerType, "The bits that exactly one of them has.", "bits.xor(6, 3)", "5",
           [](EvalContext&, Args v, Value* out) {
             return give(Value::integer(v[0].as_integer() ^ v[1].as_integer()), out);
           }),
      bits("bits.not", {a}, 1, kIntegerType, "The other bits.", "bits.not(0)", "-1",
           [](EvalContext&, Args v, Value* out) { return give(Value::integer(~v[0].as_integer()), out); }),
      bits("bits.shift_left", {a, places}, 2, kIntegerType, "The bits moved up; what passes the top is lost.",
           "bits.shift_left(1, 4)", "16",
           [](EvalContext&, Args v, Value* out) { return shifted(v[0].as_integer(), v[1].as_integer(), true, out); }),
      bits("bits.shift_right", {a, places}, 2, kIntegerType, "The bits moved down; the sign stays.",
           "bits.shift_right(-16, 2)", "-4",
           [](EvalContext&, Args v, Value* out) { return shifted(v[0].as_integer(), v[1].as_integer(), false, out); }),
      RowMaker::any_number(row("math.min", {x}, 1, kNumberTypes, "The smallest of the numbers.", "math.min(3, 1, 2)",
                               "1", extreme<false>)),
      RowMaker::any_number(row("math.max", {x}, 1, kNumberTypes, "The largest of the numbers.", "math.max(3, 1, 2)",
                               "3", extreme<true>)),
      row("math.trunc", {x}, 1, kNumberTypes, "A number without its fraction.", "math.trunc(-2.7)", "-2.0", trunc),
      row("math.sigmoid", {x}, 1, kFloatType, "1 / (1 + e^-x).", "math.sigmoid(0)", "0.5",
          [](EvalContext&, Args v, Value* out) {
            return give(Value::floating(1.0 / (1.0 + std::exp(-v[0].as_number()))), out);
          }),
      row("math.pow", {x, y}, 2, kFloatType, "x to the power of y.", "math.pow(2, 10)", "1024.0", real2<power>),
      row("math.hypot", {x, y}, 2, kFloatType, "The length of the vector (x, y).", "math.hypot(3, 4)", "5.0",
          real2<length>),
      row("math.log_base", {x, {"base", kNumberTypes}}, 2, kFloatType, "The logarithm to a base.",
          "round(math.log_base(8, 2), 9)", "3.0", real2<log_to_base>),
      row("math.gcd", {a, b}, 2, kIntegerType, "The greatest common divisor.", "math.gcd(12, 18)", "6", gcd),
      row("math.lcm", {a, b}, 2, kIntegerType, "The least common multiple.", "math.lcm(4, 6)", "12", lcm),
      row("math.clamp", {x, {"low", kNumberTypes}, {"high", kNumberTypes}}, 3, kNumberTypes,
          "A number, or the end of the range that it is beyond.", "math.clamp(12, 0, 10)", "10", clamp),
      row("math.lerp", {{"from", kNumberTypes}, {"to", kNumberTypes}, {"t", kNumberTypes}}, 3, kFloatType,
          "The number at t of the way between two.", "math.lerp(10, 20, 0.5)", "15.0",
          [](EvalContext&, Args v, Value* out) {
            return give(Value::floating(std::lerp(v[0].as_number(), v[1].as_number(), v[2].as_number())), out);
          }),
  };
  return table;
}

}  // namespace lora::cypher
