#include "tests/reference/reference_values.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lora::reference {

using cypher::ast::ChainOp;
using cypher::ast::CompareOp;

namespace {

// 64 bits of mantissa hold every integer and every double exactly.
static_assert(std::numeric_limits<long double>::digits >= 64);
long double exact(const Value& v) {
  return v.is_integer() ? static_cast<long double>(v.as_integer()) : static_cast<long double>(v.as_float());
}

bool is_nan(const Value& v) {
  return v.is_float() && std::isnan(v.as_float());
}

std::vector<std::pair<std::string, Value>> sorted_entries(const Value& map) {
  std::vector<std::pair<std::string, Value>> entries;
  for (const auto& [key, value] : map.as_map()) entries.emplace_back(std::string(key.as_string()), value);
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return entries;
}

bool same_path(const Value& a, const Value& b) {
  return a.path_ids().nodes == b.path_ids().nodes && a.path_ids().rels == b.path_ids().rels;
}

int type_rank(const Value& v) {
  switch (v.type()) {
    case ValueType::kMap: return 0;
    case ValueType::kNode: return 1;
    case ValueType::kRelationship: return 2;
    case ValueType::kList: return 3;
    case ValueType::kPath: return 4;
    case ValueType::kPoint: return 5;
    case ValueType::kVector: return 6;
    case ValueType::kDateTime: return 7;
    case ValueType::kLocalDateTime: return 8;
    case ValueType::kDate: return 9;
    case ValueType::kTime: return 10;
    case ValueType::kLocalTime: return 11;
    case ValueType::kDuration: return 12;
    case ValueType::kString: return 13;
    case ValueType::kBoolean: return 14;
    case ValueType::kInteger:
    case ValueType::kFloat: return 15;
    case ValueType::kNull: return 16;
    default: throw NotCompared("a type without an order here");
  }
}

template <typename T>
int three_way(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

// The outcome of `<` and its kin: null, unordered (NaN), or a sign.
struct Sign {
  enum Kind { kNull, kUnordered, kSign } kind;
  int sign = 0;
};

Sign comparable(const Value& a, const Value& b) {
  if (a.is_null() || b.is_null()) return {Sign::kNull};
  if (a.is_number() && b.is_number()) {
    if (is_nan(a) || is_nan(b)) return {Sign::kUnordered};
    return {Sign::kSign, three_way(exact(a), exact(b))};
  }
  if (a.type() != b.type()) return {Sign::kNull};
  switch (a.type()) {
    case ValueType::kString: return {Sign::kSign, three_way(a.as_string(), b.as_string())};
    case ValueType::kBoolean: return {Sign::kSign, three_way(a.as_boolean(), b.as_boolean())};
    case ValueType::kDate:
    case ValueType::kTime:
    case ValueType::kLocalTime:
    case ValueType::kLocalDateTime:
    case ValueType::kDateTime: return {Sign::kSign, *special_order(a, b)};
    case ValueType::kList: {
      const List& x = a.as_list();
      const List& y = b.as_list();
      // The first items that are not equal decide, also behind equal ones of a type without an order.
      for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
        if (equal(x[i], y[i]) == Ternary::kTrue) continue;
        const Sign s = comparable(x[i], y[i]);
        if (s.kind != Sign::kSign || s.sign != 0) return s;
      }
      return {Sign::kSign, three_way(x.size(), y.size())};
    }
    default: return {Sign::kNull};
  }
}

int64_t whole(ChainOp op, int64_t a, int64_t b) {
  int64_t out = 0;
  switch (op) {
    case ChainOp::kAdd:
      if (__builtin_add_overflow(a, b, &out)) throw Failure("overflow");
      return out;
    case ChainOp::kSubtract:
      if (__builtin_sub_overflow(a, b, &out)) throw Failure("overflow");
      return out;
    case ChainOp::kMultiply:
      if (__builtin_mul_overflow(a, b, &out)) throw Failure("overflow");
      return out;
    case ChainOp::kDivide:
      if (b == 0) throw Failure("division by zero");
      if (b == -1) return whole(ChainOp::kSubtract, 0, a);
      return a / b;
    case ChainOp::kModulo:
      if (b == 0) throw Failure("division by zero");
      return b == -1 ? 0 : a % b;
    default: throw NotCompared("operator");
  }
}

double real(ChainOp op, double a, double b) {
  switch (op) {
    case ChainOp::kAdd: return a + b;
    case ChainOp::kSubtract: return a - b;
    case ChainOp::kMultiply: return a * b;
    case ChainOp::kDivide: return a / b;
    case ChainOp::kModulo: return std::fmod(a, b);
    case ChainOp::kPower: return std::pow(a, b);
    default: throw NotCompared("operator");
  }
}

}  // namespace

Ternary equal(const Value& a, const Value& b) {
  if (a.is_null() || b.is_null()) return Ternary::kNull;
  if (a.is_number() && b.is_number()) {
    return ternary(!is_nan(a) && !is_nan(b) && exact(a) == exact(b));
  }
  if (a.type() != b.type()) return Ternary::kFalse;
  bool null_seen = false;
  switch (a.type()) {
    case ValueType::kBoolean: return ternary(a.as_boolean() == b.as_boolean());
    case ValueType::kString: return ternary(a.as_string() == b.as_string());
    case ValueType::kNode: return ternary(a.node_id() == b.node_id());
    case ValueType::kRelationship: return ternary(a.relationship_id() == b.relationship_id());
    case ValueType::kPath: return ternary(same_path(a, b));
    case ValueType::kList: {
      if (a.as_list().size() != b.as_list().size()) return Ternary::kFalse;
      for (size_t i = 0; i < a.as_list().size(); ++i) {
        const Ternary t = equal(a.as_list()[i], b.as_list()[i]);
        if (t == Ternary::kFalse) return t;
        null_seen |= t == Ternary::kNull;
      }
      return null_seen ? Ternary::kNull : Ternary::kTrue;
    }
    case ValueType::kMap: {
      const auto x = sorted_entries(a);
      const auto y = sorted_entries(b);
      if (x.size() != y.size()) return Ternary::kFalse;
      for (size_t i = 0; i < x.size(); ++i) {
        if (x[i].first != y[i].first) return Ternary::kFalse;
      }
      for (size_t i = 0; i < x.size(); ++i) {
        const Ternary t = equal(x[i].second, y[i].second);
        if (t == Ternary::kFalse) return t;
        null_seen |= t == Ternary::kNull;
      }
      return null_seen ? Ternary::kNull : Ternary::kTrue;
    }
    default: return ternary(special_key(a) == special_key(b));
  }
}

std::string equivalence_key(const Value& v) {
  switch (v.type()) {
    case ValueType::kNull: return "null";
    case ValueType::kBoolean: return v.as_boolean() ? "true" : "false";
    case ValueType::kInteger: return std::to_string(v.as_integer());
    case ValueType::kFloat: {
      const double d = v.as_float();
      if (std::isnan(d)) return "NaN";
      if (d == std::trunc(d) && std::fabs(d) < 9.2e18) return std::to_string(static_cast<int64_t>(d));
      char text[40];
      std::snprintf(text, sizeof text, "%a", d);
      return text;
    }
    case ValueType::kString: return "'" + std::to_string(v.as_string().size()) + ":" + std::string(v.as_string()) + "'";
    case ValueType::kNode: return "n" + std::to_string(v.node_id().value);
    case ValueType::kRelationship: return "r" + std::to_string(v.relationship_id().value);
    case ValueType::kPath: {
      std::string text = "<";
      for (NodeId n : v.path_ids().nodes) text += "n" + std::to_string(n.value) + " ";
      for (RelId r : v.path_ids().rels) text += "r" + std::to_string(r.value) + " ";
      return text + ">";
    }
    case ValueType::kList: {
      std::string text = "[";
      for (const Value& item : v.as_list()) text += equivalence_key(item) + ",";
      return text + "]";
    }
    case ValueType::kMap: {
      std::string text = "{";
      for (const auto& [key, value] : sorted_entries(v)) text += key + ":" + equivalence_key(value) + ",";
      return text + "}";
    }
    default: return special_key(v);
  }
}

int sort_order(const Value& a, const Value& b) {
  if (const int by_type = three_way(type_rank(a), type_rank(b)); by_type != 0) return by_type;
  switch (a.type()) {
    case ValueType::kNull: return 0;
    case ValueType::kBoolean: return three_way(a.as_boolean(), b.as_boolean());
    case ValueType::kString: return three_way(a.as_string(), b.as_string());
    case ValueType::kNode: return three_way(a.node_id().value, b.node_id().value);
    case ValueType::kRelationship: return three_way(a.relationship_id().value, b.relationship_id().value);
    case ValueType::kInteger:
    case ValueType::kFloat:
      if (is_nan(a) || is_nan(b)) return three_way(is_nan(a), is_nan(b));
      return three_way(exact(a), exact(b));
    case ValueType::kList: {
      const List& x = a.as_list();
      const List& y = b.as_list();
      for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
        if (const int c = sort_order(x[i], y[i]); c != 0) return c;
      }
      return three_way(x.size(), y.size());
    }
    default:
      if (const std::optional<int> order = special_order(a, b)) return *order;
      throw NotCompared("the order within maps and paths is nobody's promise");
  }
}

Ternary compare_values(CompareOp op, const Value& a, const Value& b) {
  if (op == CompareOp::kEqual) return equal(a, b);
  if (op == CompareOp::kNotEqual) return negate(equal(a, b));
  const Sign s = comparable(a, b);
  if (s.kind == Sign::kNull) return Ternary::kNull;
  if (s.kind == Sign::kUnordered) return Ternary::kFalse;
  switch (op) {
    case CompareOp::kLess: return ternary(s.sign < 0);
    case CompareOp::kLessEqual: return ternary(s.sign <= 0);
    case CompareOp::kGreater: return ternary(s.sign > 0);
    default: return ternary(s.sign >= 0);
  }
}

namespace {

// What joins a text. Long floats are left to others.
std::string text_of(const Value& v) {
  if (v.is_integer()) return std::to_string(v.as_integer());
  if (v.is_boolean()) return v.as_boolean() ? "true" : "false";
  if (!v.is_float()) throw Failure("type");
  const double d = v.as_float();
  if (std::isnan(d) || std::fabs(d) > 1e6 || d * 100 != std::trunc(d * 100)) throw NotCompared("text of a float");
  char text[40];
  std::snprintf(text, sizeof text, "%.2f", d);
  std::string out = text;
  return out.back() == '0' ? out.substr(0, out.size() - 1) : out;
}

}  // namespace

Value arithmetic(ChainOp op, const Value& a, const Value& b) {
  const bool joins = op == ChainOp::kAdd || op == ChainOp::kConcat;
  if (joins && (a.is_list() || b.is_list())) {
    // `[1] + null` is null; a list and anything else is the list with that element.
    if (a.is_null() || b.is_null()) return Value();
    if (op == ChainOp::kConcat && !(a.is_list() && b.is_list())) throw Failure("type");
    List items;
    if (a.is_list())
      items = a.as_list();
    else
      items.push_back(a);
    if (b.is_list())
      items.insert(items.end(), b.as_list().begin(), b.as_list().end());
    else
      items.push_back(b);
    return Value::list(std::move(items));
  }
  if (a.is_null() || b.is_null()) return Value();
  if (joins && a.is_string() && b.is_string()) {
    return Value::string(std::string(a.as_string()) + std::string(b.as_string()));
  }
  if (op == ChainOp::kConcat) throw Failure("type");
  if (std::optional<Value> special = special_arithmetic(op, a, b)) return *special;
  if (op == ChainOp::kAdd && (a.is_string() || b.is_string())) {
    const std::string text = text_of(a.is_string() ? b : a);
    return Value::string(a.is_string() ? std::string(a.as_string()) + text : text + std::string(b.as_string()));
  }
  if (!a.is_number() || !b.is_number()) throw Failure("type");
  if (a.is_integer() && b.is_integer() && op != ChainOp::kPower) {
    return Value::integer(whole(op, a.as_integer(), b.as_integer()));
  }
  return Value::floating(real(op, a.as_number(), b.as_number()));
}

}  // namespace lora::reference
