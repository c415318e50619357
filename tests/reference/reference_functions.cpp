// Functions and aggregates of the reference evaluator.
#include <algorithm>
#include <cmath>

#include "tests/reference/reference_eval.h"

namespace lora::reference {

namespace {

std::string lower(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::u32string letters(const Value& v) {
  if (!v.is_string()) throw Failure("type");
  return code_points(v.as_string());
}

int64_t whole(const Value& v) {
  if (!v.is_integer()) throw Failure("type");
  return v.as_integer();
}

double number(const Value& v) {
  if (!v.is_number()) throw Failure("type");
  return v.as_number();
}

const List& list(const Value& v) {
  if (!v.is_list()) throw Failure("type");
  return v.as_list();
}

// A text that holds a number, of the forms that the generator makes: `12`, `-1`, `a1.5`.
std::optional<double> parsed(std::string_view text) {
  const std::string copy(text);
  char* end = nullptr;
  const double d = std::strtod(copy.c_str(), &end);
  if (copy.empty() || *end != '\0') return std::nullopt;
  return d;
}

Value range(int64_t from, int64_t to, int64_t by) {
  if (by == 0) throw Failure("range by 0");
  List items;
  for (int64_t i = from; by > 0 ? i <= to : i >= to; i += by) {
    items.push_back(Value::integer(i));
    if (items.size() > 10'000) throw NotCompared("too much work");
  }
  return Value::list(std::move(items));
}

constexpr std::string_view kAggregates[] = {"count", "sum", "avg", "min", "max", "collect"};

}  // namespace

bool Reference::is_aggregate(const ast::Expr& expr) {
  if (expr.kind == ast::ExprKind::kCountStar) return true;
  const auto* call = ast::find<ast::FunctionCall>(&expr);
  if (call == nullptr) return false;
  const std::string name = lower(call->name.text);
  return std::find(std::begin(kAggregates), std::end(kAggregates), name) != std::end(kAggregates);
}

Value Reference::call(const ast::FunctionCall& e, Row& row) {
  const std::string name = lower(e.name.text);
  if (name == "coalesce") {
    for (const ast::Expr* arg : e.args) {
      Value v = eval(*arg, row);
      if (!v.is_null()) return v;
    }
    return Value();
  }
  std::vector<Value> a;
  for (const ast::Expr* arg : e.args) {
    const bool type = arg->kind == ast::ExprKind::kTypeLiteral;  // of the coordinates of a vector
    a.push_back(type ? Value::string(text(arg->span)) : eval(*arg, row));
  }
  if (name == "exists")
    return Value::boolean(a.size() == 1 && !(a[0].is_null() || (a[0].is_boolean() && !a[0].as_boolean())));
  if (name == "nullif" && a.size() == 2) return equal(a[0], a[1]) == Ternary::kTrue ? Value() : a[0];
  for (const Value& v : a) {
    if (v.is_null()) return Value();  // every function below is null when an argument is
  }
  if (std::optional<Value> special = special_call(name, a)) return *special;
  const auto wants = [&](size_t low, size_t high) {
    if (a.size() < low || a.size() > high) throw NotCompared("arguments of " + name);
  };
  if (name == "size") {
    wants(1, 1);
    if (a[0].is_string()) return Value::integer(static_cast<int64_t>(letters(a[0]).size()));
    if (a[0].is_map()) return Value::integer(static_cast<int64_t>(a[0].as_map().size()));
    return Value::integer(static_cast<int64_t>(list(a[0]).size()));
  }
  if (name == "head" || name == "last") {
    wants(1, 1);
    const List& items = list(a[0]);
    return items.empty() ? Value() : name == "head" ? items.front() : items.back();
  }
  if (name == "tail") {
    wants(1, 1);
    const List& items = list(a[0]);
    return Value::list(items.empty() ? List() : List(items.begin() + 1, items.end()));
  }
  if (name == "reverse") {
    wants(1, 1);
    if (a[0].is_string()) {
      const std::u32string text = letters(a[0]);
      return Value::string(utf8(std::u32string(text.rbegin(), text.rend())));
    }
    return Value::list(List(list(a[0]).rbegin(), list(a[0]).rend()));
  }
  if (name == "range") {
    wants(2, 3);
    return range(whole(a[0]), whole(a[1]), a.size() == 3 ? whole(a[2]) : 1);
  }
  if (name == "toupper" || name == "tolower") {
    wants(1, 1);
    std::u32string text = letters(a[0]);
    for (char32_t& c : text) c = in_case(c, name == "toupper");
    return Value::string(utf8(text));
  }
  if (name == "substring") {
    wants(2, 3);
    const std::u32string text = letters(a[0]);
    if (whole(a[1]) < 0 || (a.size() == 3 && whole(a[2]) < 0)) throw Failure("negative");
    if (static_cast<size_t>(whole(a[1])) >= text.size()) return Value::string("");
    const size_t length = a.size() == 3 ? static_cast<size_t>(whole(a[2])) : std::u32string::npos;
    return Value::string(utf8(text.substr(static_cast<size_t>(whole(a[1])), length)));
  }
  if (name == "left" || name == "right") {
    wants(2, 2);
    const std::u32string text = letters(a[0]);
    if (whole(a[1]) < 0) throw Failure("negative");
    const size_t n = std::min(text.size(), static_cast<size_t>(whole(a[1])));
    return Value::string(utf8(name == "left" ? text.substr(0, n) : text.substr(text.size() - n)));
  }
  if (name == "replace") {
    wants(3, 3);
    if (!a[0].is_string() || !a[1].is_string() || !a[2].is_string()) throw Failure("type");
    if (a[1].as_string().empty()) throw NotCompared("replacing nothing");
    std::string text(a[0].as_string());
    const std::string from(a[1].as_string()), to(a[2].as_string());
    for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
      text.replace(at, from.size(), to);
    }
    return Value::string(text);
  }
  if (name == "trim") {
    wants(1, 1);
    if (!a[0].is_string()) throw Failure("type");
    std::string_view text = a[0].as_string();
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return Value::string(text);
  }
  if (name == "split") {
    wants(2, 2);
    if (!a[0].is_string() || !a[1].is_string()) throw Failure("type");
    const std::string_view by = a[1].as_string();
    if (by.empty()) throw NotCompared("splitting by nothing");
    std::string_view text = a[0].as_string();
    List items;
    for (size_t at = text.find(by); at != std::string_view::npos; at = text.find(by)) {
      items.push_back(Value::string(text.substr(0, at)));
      text.remove_prefix(at + by.size());
    }
    items.push_back(Value::string(text));
    return Value::list(std::move(items));
  }
  if (name == "abs") {
    wants(1, 1);
    if (a[0].is_integer()) {
      return whole(a[0]) < 0 ? arithmetic(ast::ChainOp::kSubtract, Value::integer(0), a[0]) : a[0];
    }
    return Value::floating(std::fabs(number(a[0])));
  }
  if (name == "sign") {
    wants(1, 1);
    return Value::integer(number(a[0]) > 0 ? 1 : number(a[0]) < 0 ? -1 : 0);
  }
  if (name == "floor" || name == "ceil") {
    wants(1, 1);
    return Value::floating(name == "floor" ? std::floor(number(a[0])) : std::ceil(number(a[0])));
  }
  if (name == "tointeger") {
    wants(1, 1);
    if (a[0].is_integer()) return a[0];
    if (a[0].is_boolean()) return Value::integer(a[0].as_boolean() ? 1 : 0);
    const std::optional<double> d = a[0].is_string() ? parsed(a[0].as_string()) : number(a[0]);
    if (!d) return Value();
    if (!(std::fabs(*d) < 1e15)) throw NotCompared("toInteger of large floats");
    return Value::integer(static_cast<int64_t>(*d));
  }
  if (name == "tofloat") {
    wants(1, 1);
    if (!a[0].is_string()) return Value::floating(number(a[0]));
    const std::optional<double> d = parsed(a[0].as_string());
    return d ? Value::floating(*d) : Value();
  }
  if (name == "toboolean") {
    wants(1, 1);
    if (a[0].is_boolean()) return a[0];
    if (a[0].is_integer()) return Value::boolean(a[0].as_integer() != 0);
    if (!a[0].is_string()) throw Failure("type");
    const std::string text = lower(a[0].as_string());
    return text == "true" || text == "false" ? Value::boolean(text == "true") : Value();
  }
  if (name == "tostring") {
    wants(1, 1);
    if (a[0].is_string()) return a[0];
    if (a[0].is_integer()) return Value::string(std::to_string(a[0].as_integer()));
    if (a[0].is_boolean()) return Value::string(a[0].as_boolean() ? "true" : "false");
    throw NotCompared("toString of other types");
  }
  if (name == "isempty") {
    wants(1, 1);
    if (a[0].is_string()) return Value::boolean(a[0].as_string().empty());
    if (a[0].is_map()) return Value::boolean(a[0].as_map().empty());
    return Value::boolean(list(a[0]).empty());
  }
  // --- entities ---
  wants(1, 1);
  const Value& v = a[0];
  if (name == "id") {
    if (v.is_node()) return Value::integer(static_cast<int64_t>(v.node_id().value));
    if (v.is_relationship()) return Value::integer(static_cast<int64_t>(v.relationship_id().value));
    throw Failure("type");
  }
  if (name == "labels") {
    if (!v.is_node()) throw Failure("type");
    const auto it = graph_.nodes.find(v.node_id().value);
    if (it == graph_.nodes.end()) throw Failure("deleted");
    List items;
    for (const std::string& label : it->second.labels) items.push_back(Value::string(label));
    return Value::list(std::move(items));
  }
  if (name == "keys" || name == "properties") {
    if (!v.is_map() && !v.is_node() && !v.is_relationship()) throw Failure("type");
    Value map = v.is_map() ? v : properties_map(v);
    if (name == "properties") return map;
    List items;
    for (const auto& [key, value] : map.as_map()) items.push_back(key);
    return Value::list(std::move(items));
  }
  if (name == "type" || name == "startnode" || name == "endnode") {
    if (!v.is_relationship()) throw Failure("type");
    const auto it = graph_.relationships.find(v.relationship_id().value);
    if (it == graph_.relationships.end()) throw NotCompared("type of a deleted relationship");
    if (name == "type") return Value::string(it->second.type);
    return Value::node(NodeId(name == "startnode" ? it->second.start : it->second.end));
  }
  if (name == "length" || name == "nodes" || name == "relationships") {
    if (!v.is_path()) throw Failure("type");
    if (name == "length") return Value::integer(static_cast<int64_t>(v.path_ids().rels.size()));
    List items;
    if (name == "nodes") {
      for (NodeId n : v.path_ids().nodes) items.push_back(Value::node(n));
    } else {
      for (RelId r : v.path_ids().rels) items.push_back(Value::relationship(r));
    }
    return Value::list(std::move(items));
  }
  throw NotCompared("function " + name);
}

Value Reference::aggregate(const ast::Expr& expr, Rows& group) {
  if (expr.kind == ast::ExprKind::kCountStar) return Value::integer(static_cast<int64_t>(group.size()));
  const auto& e = ast::as<ast::FunctionCall>(expr);
  if (e.args.size() != 1) throw NotCompared("arguments of an aggregate");
  const std::string name = lower(e.name.text);
  List values;
  std::set<std::string> seen;
  for (Row& row : group) {
    Value v = eval(*e.args[0], row);
    if (v.is_null()) continue;
    if (e.distinct && !seen.insert(equivalence_key(v)).second) continue;
    values.push_back(std::move(v));
  }
  if (name == "count") return Value::integer(static_cast<int64_t>(values.size()));
  if (name == "collect") return Value::list(std::move(values));
  if (name == "min" || name == "max") {
    Value best;
    for (const Value& v : values) {
      const int c = best.is_null() ? 0 : sort_order(v, best);
      if (best.is_null() || (name == "min" ? c < 0 : c > 0)) best = v;
    }
    return best;
  }
  Value sum = Value::integer(0);
  for (const Value& v : values) {
    if (!v.is_number() && v.type() != ValueType::kDuration) throw Failure("type");
  }
  for (const Value& v : values) {
    if (!v.is_number()) throw NotCompared("the sum of durations");
    sum = arithmetic(ast::ChainOp::kAdd, sum, v);
  }
  if (name == "sum") return sum;
  if (values.empty()) return Value();
  return Value::floating(sum.as_number() / static_cast<double>(values.size()));
}

}  // namespace lora::reference
