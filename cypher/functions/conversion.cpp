// Conversions between types, and functions about types and nulls.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include "cypher/functions/families.h"
#include "graph/text.h"
#include "graph/vector.h"

namespace lora::cypher {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() &&
         (text.front() == ' ' || text.front() == '\t' || text.front() == '\n' || text.front() == '\r')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\n' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const char c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] + 32) : a[i];
    if (c != b[i]) return false;
  }
  return true;
}

// Takes a `+` away, which from_chars() does not know; a text that it then takes for one without a sign stays wrong.
std::string_view unsigned_plus(std::string_view text) {
  return text.starts_with('+') && text.substr(1, 1).find_first_of("+- ") != 0 ? text.substr(1) : text;
}

// The number written in `text`, which has neither blanks around it nor a `+`; or null.
Value parse_plain_float(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || text.empty()) return Value();
  if (error == std::errc::result_out_of_range) return Value();
  if (error != std::errc()) return Value();
  return Value::floating(value);
}

Value parse_float(std::string_view text) {
  return parse_plain_float(unsigned_plus(trimmed(text)));
}

Value float_to_integer(double v) {
  if (!(v >= -0x1p63 && v < 0x1p63)) return Value();
  return Value::integer(static_cast<int64_t>(v));
}

Value parse_integer(std::string_view text) {
  text = unsigned_plus(trimmed(text));
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end == text.data() + text.size() && !text.empty()) {
    return error == std::errc() ? Value::integer(value) : Value();  // digits only: no detour over a float's 53 bits
  }
  const Value number = parse_plain_float(text);
  return number.is_null() ? Value() : float_to_integer(number.as_float());
}

enum class OnBadType { kError, kNull };

template <OnBadType bad>
Status unsuitable(std::string_view function, const Value& v, Value* out) {
  if constexpr (bad == OnBadType::kNull) {
    *out = Value();
    return Status();
  }
  return argument_type_error(function, v);
}

template <OnBadType bad>
Status to_integer(EvalContext&, std::span<const Value> args, Value* out) {
  const Value& v = args[0];
  switch (v.type()) {
    case ValueType::kInteger: *out = v; return Status();
    case ValueType::kFloat: *out = float_to_integer(v.as_float()); return Status();
    case ValueType::kBoolean: *out = Value::integer(v.as_boolean() ? 1 : 0); return Status();
    case ValueType::kString: *out = parse_integer(v.as_string()); return Status();
    default: return unsuitable<bad>("toInteger", v, out);
  }
}

template <OnBadType bad>
Status to_float(EvalContext&, std::span<const Value> args, Value* out) {
  const Value& v = args[0];
  switch (v.type()) {
    case ValueType::kInteger: *out = Value::floating(static_cast<double>(v.as_integer())); return Status();
    case ValueType::kFloat: *out = v; return Status();
    case ValueType::kString: *out = parse_float(v.as_string()); return Status();
    default: return unsuitable<bad>("toFloat", v, out);
  }
}

template <OnBadType bad>
Status to_boolean(EvalContext&, std::span<const Value> args, Value* out) {
  const Value& v = args[0];
  switch (v.type()) {
    case ValueType::kBoolean: *out = v; return Status();
    case ValueType::kInteger: *out = Value::boolean(v.as_integer() != 0); return Status();
    case ValueType::kString: {
      const std::string_view text = trimmed(v.as_string());
      *out = equals_ignoring_case(text, "true")    ? Value::boolean(true)
             : equals_ignoring_case(text, "false") ? Value::boolean(false)
                                                   : Value();
      return Status();
    }
    default: return unsuitable<bad>("toBoolean", v, out);
  }
}

bool same_integer(int64_t x, int64_t* out) {
  *out = x;
  return true;
}
double same_float(double x) {
  return x;
}
std::string integer_text(int64_t x) {
  return std::to_string(x);
}

template <OnBadType bad>
Status to_string(EvalContext&, std::span<const Value> args, Value* out) {
  const Value& v = args[0];
  if (v.is_string()) {
    *out = v;
    return Status();
  }
  if (v.is_boolean() || v.is_number() || v.is_temporal() || v.type() == ValueType::kPoint) {
    *out = Value::string(to_text(v));
    return Status();
  }
  return unsuitable<bad>("toString", v, out);
}

// The list forms convert element by element; what does not convert becomes null.
template <ScalarFunction convert>
Status each(EvalContext& context, std::span<const Value> args, Value* out) {
  const Value list = args[0].is_list() ? args[0] : vectors::coordinates(args[0].as_vector());
  List result;
  result.reserve(list.as_list().size());
  for (const Value& element : list.as_list()) {
    Value converted;
    if (!element.is_null()) {
      LORA_TRY(convert(context, {&element, 1}, &converted));
    }
    result.push_back(std::move(converted));
  }
  *out = Value::list(std::move(result));
  return Status();
}

Status coalesce(EvalContext&, std::span<const Value> args, Value* out) {
  *out = Value();
  for (const Value& v : args) {
    if (!v.is_null()) {
      *out = v;
      break;
    }
  }
  return Status();
}

Status null_if(EvalContext&, std::span<const Value> args, Value* out) {
  *out = equals(args[0], args[1]) == Ternary::kTrue ? Value() : args[0];
  return Status();
}

// Neo4j's valueType(): the most precise type text, lists with their element types.
std::string type_text(const Value& v, int depth) {
  if (v.is_null()) return "NULL";
  if (v.type() == ValueType::kList) {
    if (v.as_list().empty()) return "LIST<NOTHING> NOT NULL";
    std::vector<std::string> inner;
    bool has_null = false;
    for (const Value& e : v.as_list()) {
      if (e.is_null()) {
        has_null = true;
        continue;
      }
      std::string t = depth > 20 ? "ANY NOT NULL" : type_text(e, depth + 1);
      if (std::find(inner.begin(), inner.end(), t) == inner.end()) inner.push_back(std::move(t));
    }
    if (inner.empty()) return "LIST<NULL> NOT NULL";
    std::sort(inner.begin(), inner.end());
    std::string joined;
    for (std::string& t : inner) {
      if (has_null && t.ends_with(" NOT NULL")) t.resize(t.size() - 9);
      if (!joined.empty()) joined += " | ";
      joined += t;
    }
    return "LIST<" + joined + "> NOT NULL";
  }
  return std::string(value_type_name(v.type())) + " NOT NULL";
}

Status value_type(EvalContext&, std::span<const Value> args, Value* out) {
  *out = Value::string(type_text(args[0], 0));
  return Status();
}

Status exists(EvalContext&, std::span<const Value> args, Value* out) {
  *out = Value::boolean(!args[0].is_null());
  return Status();
}

Status is_null(EvalContext&, std::span<const Value> args, Value* out) {
  *out = Value::boolean(args[0].is_null());
  return Status();
}

}  // namespace

std::span<const FunctionSpec> conversion_functions() {
  using enum OnBadType;
  constexpr std::string_view kCategory = "Conversion";
  static const std::vector<FunctionSpec> table = {
      with_typed(
          {.of_integer = same_integer},
          {"toInteger",
           {"toInt"},
           {{"input"}},
           1,
           1,
           kIntegerType,
           Purity::kPure,
           NullRule::kNullIfAnyNull,
           kCategory,
           "Converts a number, boolean or text to an integer, cutting the fraction; null for text that is no number.",
           "toInteger('42')",
           "42",
           to_integer<kError>}),
      with_typed({.of_integer = same_integer}, {"toIntegerOrNull",
                                                {},
                                                {{"input"}},
                                                1,
                                                1,
                                                kIntegerType,
                                                Purity::kPure,
                                                NullRule::kNullIfAnyNull,
                                                kCategory,
                                                "Like toInteger(), but null for a value of any other type.",
                                                "toIntegerOrNull([])",
                                                "null",
                                                to_integer<kNull>}),
      {"toIntegerList",
       {},
       {{"list", kListType | kVectorType}},
       1,
       1,
       kListType,
       Purity::kPure,
       NullRule::kNullIfAnyNull,
       kCategory,
       "Applies toIntegerOrNull() to every element of a list or vector.",
       "toIntegerList(['1', 2.9, []])",
       "[1, 2, null]",
       each<to_integer<kNull>>},
      with_typed({.of_float = same_float}, {"toFloat",
                                            {},
                                            {{"input"}},
                                            1,
                                            1,
                                            kFloatType,
                                            Purity::kPure,
                                            NullRule::kNullIfAnyNull,
                                            kCategory,
                                            "Converts a number or text to a float; null for text that is no number.",
                                            "toFloat('1.5')",
                                            "1.5",
                                            to_float<kError>}),
      with_typed({.of_float = same_float}, {"toFloatOrNull",
                                            {},
                                            {{"input"}},
                                            1,
                                            1,
                                            kFloatType,
                                            Purity::kPure,
                                            NullRule::kNullIfAnyNull,
                                            kCategory,
                                            "Like toFloat(), but null for a value of any other type.",
                                            "toFloatOrNull(true)",
                                            "null",
                                            to_float<kNull>}),
      {"toFloatList",
       {},
       {{"list", kListType | kVectorType}},
       1,
       1,
       kListType,
       Purity::kPure,
       NullRule::kNullIfAnyNull,
       kCategory,
       "Applies toFloatOrNull() to every element of a list or vector.",
       "toFloatList([1, 'x'])",
       "[1.0, null]",
       each<to_float<kNull>>},
      {"toBoolean",
       {},
       {{"input"}},
       1,
       1,
       kBooleanType,
       Purity::kPure,
       NullRule::kNullIfAnyNull,
       kCategory,
       "Converts 'true' and 'false' (in any case) and integers to a boolean; null for other text.",
       "toBoolean('true')",
       "true",
       to_boolean<kError>},
      {"toBooleanOrNull",
       {},
       {{"input"}},
       1,
       1,
       kBooleanType,
       Purity::kPure,
       NullRule::kNullIfAnyNull,
       kCategory,
       "Like toBoolean(), but null for a value of any other type.",
       "toBooleanOrNull(1.5)",
       "null",
       to_boolean<kNull>},
      {"toBooleanList",
       {},
       {{"list", kListType}},
       1,
       1,
       kListType,
       Purity::kPure,
       NullRule::kNullIfAnyNull,
       kCategory,
       "Applies toBooleanOrNull() to every element.",
       "toBooleanList(['true', 'x'])",
       "[true, null]",
       each<to_boolean<kNull>>},
      with_typed({.spell = integer_text}, {"toString",
                                           {},
                                           {{"input"}},
                                           1,
                                           1,
                                           kStringType,
                                           Purity::kPure,
                                           NullRule::kNullIfAnyNull,
                                           kCategory,
                                           "Text of a number, boolean, temporal value or point.",
                                           "toString(11.5)",
                                           "'11.5'",
                                           to_string<kError>}),
      with_typed({.spell = integer_text}, {"toStringOrNull",
                                           {},
                                           {{"input"}},
                                           1,
                                           1,
                                           kStringType,
                                           Purity::kPure,
                                           NullRule::kNullIfAnyNull,
                                           kCategory,
                                           "Like toString(), but null for a value of any other type.",
                                           "toStringOrNull([1])",
                                           "null",
                                           to_string<kNull>}),
      {"toStringList",
       {},
       {{"list", kListType}},
       1,
       1,
       kListType,
       Purity::kPure,
       NullRule::kNullIfAnyNull,
       kCategory,
       "Applies toStringOrNull() to every element.",
       "toStringList([1, true])",
       "['1', 'true']",
       each<to_string<kNull>>},
      {"coalesce",
       {"value.coalesce"},
       {{"input"}},
       1,
       255,
       kAnyType,
       Purity::kPure,
       NullRule::kFirstNotNull,
       "Scalar",
       "The first argument that is not null; those behind it are not evaluated.",
       "coalesce(null, 2, 3)",
       "2",
       coalesce},
      {"nullIf",
       {},
       {{"value"}, {"other"}},
       2,
       2,
       kAnyType,
       Purity::kPure,
       NullRule::kCalled,
       "Scalar",
       "Null when both arguments are equal, else the first.",
       "nullIf(4, 4)",
       "null",
       null_if},
      {"valueType",
       {"type.of"},
       {{"input"}},
       1,
       1,
       kStringType,
       Purity::kPure,
       NullRule::kCalled,
       "Scalar",
       "The most precise type of a value, as text.",
       "valueType([1, 2])",
       "'LIST<INTEGER NOT NULL> NOT NULL'",
       value_type},
      {"exists",
       {"value.is_not_null"},
       {{"input"}},
       1,
       1,
       kBooleanType,
       Purity::kPure,
       NullRule::kCalled,
       "Predicate",
       "True when the argument is not null.",
       "exists(null)",
       "false",
       exists},
      {"value.is_null",
       {},
       {{"input"}},
       1,
       1,
       kBooleanType,
       Purity::kPure,
       NullRule::kCalled,
       "Predicate",
       "True when the argument is null.",
       "value.is_null(null)",
       "true",
       is_null},
  };
  return table;
}

}  // namespace lora::cypher
