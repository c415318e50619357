#include <fmt/format.h>

#include <cmath>

#include "cypher/expr/operations.h"
#include "graph/temporal.h"
#include "graph/text.h"

namespace lora::cypher {

Status type_error(std::string_view detail, std::string message) {
  return Status::runtime(ErrorCode::kType, "TypeError", detail, std::move(message));
}

std::string describe(const Value& v) {
  constexpr size_t kTextMax = 60;
  switch (v.type()) {
    case ValueType::kNull: return "null";
    case ValueType::kNode: return "node `" + std::to_string(v.node_id().value) + "`";
    case ValueType::kRelationship: return "relationship `" + std::to_string(v.relationship_id().value) + "`";
    case ValueType::kList:
    case ValueType::kMap:
    case ValueType::kPath:
    case ValueType::kVector:
    case ValueType::kBinary: return "a " + std::string(value_type_name(v.type()));
    default: break;
  }
  std::string text = to_text(v);
  if (text.size() > kTextMax) {
    size_t cut = kTextMax;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;  // not inside a code point
    text.resize(cut);
    text += "...";
  }
  return std::string(value_type_name(v.type())) + " `" + text + "`";
}

namespace {

std::string_view op_text(char op) {
  switch (op) {
    case '+': return "+";
    case '-': return "-";
    case '*': return "*";
    case '/': return "/";
    case '%': return "%";
    case '^': return "^";
    default: return "||";
  }
}

}  // namespace

Status operand_error(std::string_view op, const Value& a, const Value& b) {
  return type_error("InvalidArgumentType",
                    "operator `" + std::string(op) + "` does not work on " + describe(a) + " and " + describe(b));
}

double float_arithmetic(char op, double a, double b) {
  switch (op) {
    case '+': return a + b;
    case '-': return a - b;
    case '*': return a * b;
    case '/': return a / b;
    case '%': return std::fmod(a, b);
    default: return std::pow(a, b);
  }
}

bool integer_arithmetic(char op, int64_t a, int64_t b, int64_t* out) {
  switch (op) {
    case '+': return !__builtin_add_overflow(a, b, out);
    case '-': return !__builtin_sub_overflow(a, b, out);
    case '*': return !__builtin_mul_overflow(a, b, out);
    case '/':
      if (b == 0 || (b == -1 && a == INT64_MIN)) return false;
      *out = a / b;
      return true;
    default:
      if (b == 0) return false;
      *out = b == -1 ? 0 : a % b;
      return true;
  }
}

Status integer_error(char op, int64_t a, int64_t b) {
  if ((op == '/' || op == '%') && b == 0) {
    return Status::runtime(ErrorCode::kArithmetic, "ArithmeticError", "DivisionByZero",
                           fmt::format("`{} {} 0`: division by zero", a, op));
  }
  return Status::runtime(ErrorCode::kArithmetic, "ArithmeticError", "IntegerOverflow",
                         fmt::format("`{} {} {}` overflows 64 bits; use floats for larger numbers", a, op, b));
}

namespace {

// What `+` puts behind or before a string, in `*text` or, a number or boolean, in `*made`. Entities, lists, temporal
// values have no text here.
bool text_beside(const Value& v, std::string* made, std::string_view* text) {
  if (v.is_string()) {
    *text = v.as_string();
  } else if (v.is_number() || v.is_boolean()) {
    *made = to_text(v);
    *text = *made;
  } else {
    return false;
  }
  return true;
}

Value concatenate(std::span<const Value> a, std::span<const Value> b) {
  List items;
  items.reserve(a.size() + b.size());
  items.insert(items.end(), a.begin(), a.end());
  items.insert(items.end(), b.begin(), b.end());
  return Value::list(std::move(items));
}

// A list as its items, everything else as the one item it is.
std::span<const Value> items_of(const Value& v) {
  return v.is_list() ? std::span<const Value>(v.as_list()) : std::span<const Value>(&v, 1);
}

Status plus(const Value& a, const Value& b, Value* out) {
  if (a.is_list() || b.is_list()) {
    *out = concatenate(items_of(a), items_of(b));
    return Status();
  }
  if (a.is_string() || b.is_string()) {
    std::string made;  // one of both at most
    std::string_view first, second;
    if (!text_beside(a, &made, &first) || !text_beside(b, &made, &second)) return operand_error("+", a, b);
    *out = Value::joined(first, second);
    return Status();
  }
  if (a.is_temporal() && b.is_temporal()) {
    LORA_ASSIGN(*out, temporal::add(a, b));
    return Status();
  }
  return operand_error("+", a, b);
}

// Bytes that `v` adds to a string or list that it is joined to.
size_t joined_bytes(const Value& v) {
  return v.is_string() ? v.as_string().size() : v.is_list() ? v.as_list().size() * sizeof(Value) : 0;
}

}  // namespace

Status charge_joined(EvalContext& context, const Value& a, const Value& b) {
  return context.control != nullptr ? context.control->charge_made(joined_bytes(a) + joined_bytes(b)) : Status();
}

Joining::Joining(const Value& first) : list_(first.is_list()) {
  if (list_) {
    items_ = first.as_list();
  } else {
    text_ = first.as_string();
  }
}

bool Joining::add(char op, const Value& v) {
  if (v.is_null() || (op != '+' && op != '&')) return false;
  if (list_) {
    if (op == '&' && !v.is_list()) return false;
    const std::span<const Value> more = items_of(v);
    items_.insert(items_.end(), more.begin(), more.end());
    return true;
  }
  if (op == '&' && !v.is_string()) return false;
  std::string made;
  std::string_view more;
  if (!text_beside(v, &made, &more)) return false;
  text_ += more;
  return true;
}

Value Joining::finish() {
  return list_ ? Value::list(std::move(items_)) : Value::string(text_);
}

Status arithmetic(char op, const Value& a, const Value& b, Value* out) {
  if (a.is_integer() && b.is_integer() && op != '^' && op != '&') [[likely]] {
    int64_t result;
    if (!integer_arithmetic(op, a.as_integer(), b.as_integer(), &result)) {
      return integer_error(op, a.as_integer(), b.as_integer());
    }
    *out = Value::integer(result);
    return Status();
  }
  if (a.is_null() || b.is_null()) {
    *out = Value();
    return Status();
  }
  if (a.is_number() && b.is_number() && op != '&') {
    *out = Value::floating(float_arithmetic(op, a.as_number(), b.as_number()));
    return Status();
  }
  switch (op) {
    case '+': return plus(a, b, out);
    case '-':
      if (a.is_temporal() && b.is_temporal()) {
        LORA_ASSIGN(*out, temporal::subtract(a, b));
        return Status();
      }
      break;
    case '*':
    case '/': {
      const bool duration_first = a.type() == ValueType::kDuration && b.is_number();
      if (duration_first && op == '/') {
        LORA_ASSIGN(*out, temporal::divide(a, b));
        return Status();
      }
      if (op == '*' && (duration_first || (a.is_number() && b.type() == ValueType::kDuration))) {
        LORA_ASSIGN(*out, duration_first ? temporal::multiply(a, b) : temporal::multiply(b, a));
        return Status();
      }
      break;
    }
    case '&':
      if (a.is_string() && b.is_string()) {
        *out = Value::joined(a.as_string(), b.as_string());
        return Status();
      }
      if (a.is_list() && b.is_list()) {
        *out = concatenate(a.as_list(), b.as_list());
        return Status();
      }
      break;
    default: break;
  }
  return operand_error(op_text(op), a, b);
}

Status negate(const Value& a, Value* out) {
  if (a.is_integer()) {
    if (a.as_integer() == INT64_MIN) return integer_error('-', 0, a.as_integer());
    *out = Value::integer(-a.as_integer());
  } else if (a.is_float()) {
    *out = Value::floating(-a.as_float());
  } else if (a.is_null()) {
    *out = Value();
  } else if (a.type() == ValueType::kDuration) {
    LORA_ASSIGN(*out, temporal::multiply(a, Value::integer(-1)));
  } else {
    return type_error("InvalidArgumentType", "only numbers and durations can be negated, got " + describe(a));
  }
  return Status();
}

}  // namespace lora::cypher
