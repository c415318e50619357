#include "tests/reference/reference_eval.h"

#include <algorithm>
#include <cmath>

namespace lora::reference {

using ast::ExprKind;

Ternary Reference::truth(const ast::Expr& expr, Row& row) {
  const Value v = eval(expr, row);
  if (v.is_null()) return Ternary::kNull;
  if (!v.is_boolean()) throw Failure("a predicate that is no boolean");
  return ternary(v.as_boolean());
}

Value Reference::eval(const ast::Expr& expr, Row& row) {
  step();
  if (auto it = aggregates_.find(&expr); it != aggregates_.end()) return it->second;
  switch (expr.kind) {
    case ExprKind::kLiteral: return eval_literal(ast::as<ast::Literal>(expr), row);
    case ExprKind::kVariable: {
      const Value* v = row.find(ast::as<ast::Variable>(expr).name);
      if (v == nullptr) throw NotCompared("a variable that is not in scope");
      return *v;
    }
    case ExprKind::kList: {
      List items;
      for (const ast::Expr* item : ast::as<ast::ListLiteral>(expr).items) items.push_back(eval(*item, row));
      return Value::list(std::move(items));
    }
    case ExprKind::kMap: {
      std::vector<MapEntry> entries;
      for (const ast::MapEntry& entry : ast::as<ast::MapLiteral>(expr).entries) {
        entries.emplace_back(Value::string(entry.key.text), eval(*entry.value, row));
      }
      return Value::map(std::move(entries));
    }
    case ExprKind::kParameter: return property(parameters_, ast::as<ast::Parameter>(expr).name);
    case ExprKind::kMapProjection: return eval_map_projection(ast::as<ast::MapProjection>(expr), row);
    case ExprKind::kProperty: {
      const auto& e = ast::as<ast::Property>(expr);
      return property(eval(*e.base, row), e.key.text);
    }
    case ExprKind::kIndex: {
      const auto& e = ast::as<ast::Index>(expr);
      const Value base = eval(*e.base, row);
      return eval_index(base, eval(*e.index, row));
    }
    case ExprKind::kSlice: return eval_slice(ast::as<ast::Slice>(expr), row);
    case ExprKind::kChain: return eval_chain(ast::as<ast::Chain>(expr), row);
    case ExprKind::kComparison: return eval_comparison(ast::as<ast::Comparison>(expr), row);
    case ExprKind::kPredicate: return eval_predicate(ast::as<ast::Predicate>(expr), row);
    case ExprKind::kUnary: {
      const auto& e = ast::as<ast::Unary>(expr);
      if (e.op == ast::UnaryOp::kNot) return to_value(negate(truth(*e.operand, row)));
      const Value v = eval(*e.operand, row);
      if (v.is_null()) return v;
      if (v.type() == ValueType::kDuration && e.op != ast::UnaryOp::kPlus) {
        return arithmetic(ast::ChainOp::kMultiply, v, Value::integer(-1));
      }
      if (!v.is_number()) throw Failure("type");
      if (e.op == ast::UnaryOp::kPlus) return v;
      if (v.is_float()) return Value::floating(-v.as_float());
      return arithmetic(ast::ChainOp::kSubtract, Value::integer(0), v);
    }
    case ExprKind::kNullTest: {
      const auto& e = ast::as<ast::NullTest>(expr);
      return Value::boolean(eval(*e.operand, row).is_null() != e.negated);
    }
    case ExprKind::kLabelTest: {
      const auto& e = ast::as<ast::LabelTest>(expr);
      return to_value(test_labels(*e.labels, eval(*e.operand, row), row));
    }
    case ExprKind::kFunctionCall:
      if (is_aggregate(expr)) throw NotCompared("an aggregate where none may be");
      return call(ast::as<ast::FunctionCall>(expr), row);
    case ExprKind::kCase: return eval_case(ast::as<ast::Case>(expr), row);
    case ExprKind::kListComprehension: return eval_list_comprehension(ast::as<ast::ListComprehension>(expr), row);
    case ExprKind::kQuantifier: return eval_quantifier(ast::as<ast::Quantifier>(expr), row);
    case ExprKind::kReduce: return eval_reduce(ast::as<ast::Reduce>(expr), row);
    case ExprKind::kPatternComprehension:
      return eval_pattern_comprehension(ast::as<ast::PatternComprehension>(expr), row);
    case ExprKind::kPatternPredicate: {
      const ast::PathPattern* pattern = ast::as<ast::PatternPredicate>(expr).pattern;
      if (pattern->shortest != ast::ShortestFunction::kNone) {
        std::vector<PathIds> paths;
        match(
            {&pattern, 1}, false, row, [](Row&) { return true; }, nullptr, &paths);
        if (pattern->shortest == ast::ShortestFunction::kShortestPath) {
          return paths.empty() ? Value() : Value::path(paths.front());
        }
        List items;
        for (const PathIds& path : paths) items.push_back(Value::path(path));
        return Value::list(std::move(items));
      }
      bool found = false;
      match({&pattern, 1}, false, row, [&](Row&) {
        found = true;
        return false;
      });
      return Value::boolean(found);
    }
    case ExprKind::kSubquery: return eval_subquery(ast::as<ast::Subquery>(expr), row);
    default: throw NotCompared("a kind of expression");
  }
}

Value Reference::eval_literal(const ast::Literal& e, Row& row) {
  switch (e.literal) {
    case ast::LiteralKind::kNull: return Value();
    case ast::LiteralKind::kBoolean: return Value::boolean(e.boolean);
    case ast::LiteralKind::kInteger: return Value::integer(e.integer);
    case ast::LiteralKind::kFloat:
      if (e.word) {
        if (const Value* v = row.find(e.text)) return *v;
      }
      return Value::floating(e.floating);
    case ast::LiteralKind::kString: return Value::string(e.text);
  }
  throw NotCompared("literal");
}

Value Reference::eval_chain(const ast::Chain& e, Row& row) {
  const bool logic = e.ops[0] <= ast::ChainOp::kAnd;
  if (!logic) {
    Value sum = eval(*e.operands[0], row);
    for (size_t i = 0; i < e.ops.size(); ++i) sum = arithmetic(e.ops[i], sum, eval(*e.operands[i + 1], row));
    return sum;
  }
  Ternary sum = truth(*e.operands[0], row);
  for (size_t i = 0; i < e.ops.size(); ++i) {
    // What decides ends the chain: an error to the right of it does not count.
    const Ternary decides = e.ops[i] == ast::ChainOp::kAnd ? Ternary::kFalse : Ternary::kTrue;
    if (e.ops[i] != ast::ChainOp::kXor && sum == decides) return to_value(sum);
    const Ternary next = truth(*e.operands[i + 1], row);
    if (e.ops[i] == ast::ChainOp::kXor) {
      sum = sum == Ternary::kNull || next == Ternary::kNull ? Ternary::kNull : ternary(sum != next);
    } else if (next == decides || sum == Ternary::kNull) {
      sum = next == decides ? next : Ternary::kNull;
    } else {
      sum = next;
    }
  }
  return to_value(sum);
}

Value Reference::eval_comparison(const ast::Comparison& e, Row& row) {
  bool null_seen = false;
  Value left = eval(*e.operands[0], row);
  for (size_t i = 0; i < e.ops.size(); ++i) {
    Value right = eval(*e.operands[i + 1], row);
    const Ternary t = compare_values(e.ops[i], left, right);
    if (t == Ternary::kFalse) return Value::boolean(false);
    null_seen |= t == Ternary::kNull;
    left = std::move(right);
  }
  return null_seen ? Value() : Value::boolean(true);
}

Value Reference::eval_predicate(const ast::Predicate& e, Row& row) {
  const Value left = eval(*e.left, row);
  const Value right = eval(*e.right, row);
  if (e.op == ast::PredicateOp::kIn) {
    if (right.is_null()) return Value();
    if (!right.is_list()) throw Failure("IN wants a list");
    bool null_seen = false;
    for (const Value& item : right.as_list()) {
      const Ternary t = equal(left, item);
      if (t == Ternary::kTrue) return Value::boolean(true);
      null_seen |= t == Ternary::kNull;
    }
    return null_seen ? Value() : Value::boolean(false);
  }
  if (!left.is_string() || !right.is_string()) return Value();
  const std::string_view a = left.as_string();
  const std::string_view b = right.as_string();
  switch (e.op) {
    case ast::PredicateOp::kRegex: return Value::boolean(matches(a, b));
    case ast::PredicateOp::kStartsWith: return Value::boolean(a.substr(0, b.size()) == b);
    case ast::PredicateOp::kEndsWith: return Value::boolean(a.size() >= b.size() && a.substr(a.size() - b.size()) == b);
    default: return Value::boolean(a.find(b) != std::string_view::npos);
  }
}

Value Reference::eval_index(const Value& base, const Value& index) {
  if (base.is_null() || index.is_null()) return Value();
  if (base.is_list()) {
    if (!index.is_integer()) throw Failure("type");
    const auto size = static_cast<int64_t>(base.as_list().size());
    int64_t i = index.as_integer();
    if (i < 0) i += size;
    return i >= 0 && i < size ? base.as_list()[static_cast<size_t>(i)] : Value();
  }
  if (!base.is_map() && !base.is_node() && !base.is_relationship()) throw Failure("type");
  if (!index.is_string()) throw Failure("type");
  return property(base, index.as_string());
}

Value Reference::eval_slice(const ast::Slice& e, Row& row) {
  const Value base = eval(*e.base, row);
  const Value from = e.from == nullptr ? Value::integer(0) : eval(*e.from, row);
  const Value to = e.to == nullptr ? Value::integer(INT64_MAX) : eval(*e.to, row);
  if (base.is_null() || from.is_null() || to.is_null()) return Value();
  if (!base.is_list() || !from.is_integer() || !to.is_integer()) throw Failure("type");
  const auto size = static_cast<int64_t>(base.as_list().size());
  int64_t a = from.as_integer();
  int64_t b = to.as_integer();
  if (a < 0) a = std::max<int64_t>(0, a + size);
  if (b < 0) b += size;
  b = std::min(b, size);
  List items;
  for (int64_t i = a; i < b; ++i) items.push_back(base.as_list()[static_cast<size_t>(i)]);
  return Value::list(std::move(items));
}

Value Reference::eval_case(const ast::Case& e, Row& row) {
  for (const ast::CaseBranch& branch : e.branches) {
    for (const ast::CaseTest& test : branch.tests) {
      bool taken = false;
      if (e.subject == nullptr || test.kind == ast::CaseTestKind::kPartial) {
        taken = truth(*test.expr, row) == Ternary::kTrue;
      } else {
        const Value subject = eval(*e.subject, row);
        taken = equal(subject, eval(*test.expr, row)) == Ternary::kTrue;
      }
      if (taken) return eval(*branch.result, row);
    }
  }
  return e.otherwise == nullptr ? Value() : eval(*e.otherwise, row);
}

Value Reference::eval_list_comprehension(const ast::ListComprehension& e, Row& row) {
  const Value list = eval(*e.list, row);
  if (list.is_null()) return list;
  if (!list.is_list()) throw Failure("type");
  List items;
  for (const Value& item : list.as_list()) {
    row.push(e.variable.text, item);
    if (is_true(e.where, row)) items.push_back(e.result == nullptr ? item : eval(*e.result, row));
    row.pop();
  }
  return Value::list(std::move(items));
}

Value Reference::eval_quantifier(const ast::Quantifier& e, Row& row) {
  const Value list = eval(*e.list, row);
  if (list.is_null()) return list;
  if (!list.is_list()) throw Failure("type");
  size_t yes = 0, no = 0, unknown = 0;
  for (const Value& item : list.as_list()) {
    row.push(e.variable.text, item);
    const Ternary t = truth(*e.where, row);
    row.pop();
    (t == Ternary::kTrue ? yes : t == Ternary::kFalse ? no : unknown) += 1;
  }
  switch (e.quantifier) {
    case ast::QuantifierKind::kAll:
      return no > 0 ? Value::boolean(false) : unknown > 0 ? Value() : Value::boolean(true);
    case ast::QuantifierKind::kAny:
      return yes > 0 ? Value::boolean(true) : unknown > 0 ? Value() : Value::boolean(false);
    case ast::QuantifierKind::kNone:
      return yes > 0 ? Value::boolean(false) : unknown > 0 ? Value() : Value::boolean(true);
    default: return yes > 1 ? Value::boolean(false) : unknown > 0 ? Value() : Value::boolean(yes == 1);
  }
}

Value Reference::eval_reduce(const ast::Reduce& e, Row& row) {
  const Value list = eval(*e.list, row);
  Value sum = eval(*e.init, row);
  if (list.is_null()) return list;
  if (!list.is_list()) throw Failure("type");
  for (const Value& item : list.as_list()) {
    row.push(e.accumulator.text, sum);
    row.push(e.variable.text, item);
    sum = eval(*e.step, row);
    row.pop();
    row.pop();
  }
  return sum;
}

Value Reference::eval_map_projection(const ast::MapProjection& e, Row& row) {
  const Value base = eval(*e.base, row);
  if (base.is_null()) return base;
  std::map<std::string, Value> entries;
  for (const ast::MapProjectionEntry& entry : e.entries) {
    const std::string name(entry.name.text);
    switch (entry.kind) {
      case ast::ProjectionEntryKind::kProperty: entries[name] = property(base, name); break;
      case ast::ProjectionEntryKind::kAllProperties: {
        const Value all = base.is_map() ? base : properties_map(base);
        for (const auto& [key, value] : all.as_map()) entries[std::string(key.as_string())] = value;
        break;
      }
      case ast::ProjectionEntryKind::kEntry: entries[name] = eval(*entry.value, row); break;
      case ast::ProjectionEntryKind::kVariable: {
        const Value* v = row.find(name);
        if (v == nullptr) throw NotCompared("a variable that is not in scope");
        entries[name] = *v;
        break;
      }
    }
  }
  std::vector<MapEntry> out;
  for (const auto& [key, value] : entries) out.emplace_back(Value::string(key), value);
  return Value::map(std::move(out));
}

Value Reference::eval_subquery(const ast::Subquery& e, Row& row) {
  // Aggregates of the clause around mean nothing inside.
  std::map<const ast::Expr*, Value> outside;
  outside.swap(aggregates_);
  Projected projected;
  const Rows rows = run_body(*e.body, row, row, &projected);
  aggregates_.swap(outside);
  if (e.subquery == ast::SubqueryKind::kExists) return Value::boolean(!rows.empty());
  if (e.subquery == ast::SubqueryKind::kCount) return Value::integer(static_cast<int64_t>(rows.size()));
  List items;
  for (const Row& r : rows) items.push_back(r.get(projected.names.at(0)));
  return Value::list(std::move(items));
}

Value Reference::eval_pattern_comprehension(const ast::PatternComprehension& e, Row& row) {
  List items;
  match({&e.pattern, 1}, false, row, [&](Row& found) {
    if (is_true(e.where, found)) items.push_back(eval(*e.result, found));
    return true;
  });
  return Value::list(std::move(items));
}

const Properties& Reference::properties_of(const Value& entity) {
  if (entity.is_node()) {
    const auto it = graph_.nodes.find(entity.node_id().value);
    if (it == graph_.nodes.end()) throw Failure("deleted");
    return it->second.properties;
  }
  const auto it = graph_.relationships.find(entity.relationship_id().value);
  if (it == graph_.relationships.end()) throw Failure("deleted");
  return it->second.properties;
}

Value Reference::properties_map(const Value& entity) {
  std::vector<MapEntry> entries;
  for (const auto& [key, value] : properties_of(entity)) entries.emplace_back(Value::string(key), value);
  return Value::map(std::move(entries));
}

Value Reference::property(const Value& base, std::string_view key) {
  if (base.is_null()) return base;
  if (base.is_map()) {
    for (const auto& [name, value] : base.as_map()) {
      if (name.as_string() == key) return value;
    }
    return Value();
  }
  if (!base.is_node() && !base.is_relationship()) {
    if (is_special(base)) return special_part(base, key);
    throw Failure("type");
  }
  const Properties& properties = properties_of(base);
  const auto it = properties.find(std::string(key));
  return it == properties.end() ? Value() : it->second;
}

// What `$(...)` names where something is written: a string or a list of strings.
std::vector<std::string> Reference::dynamic_names(const ast::LabelExpr& labels, Row& row) {
  const Value v = eval(*labels.expr, row);
  std::vector<std::string> names;
  for (const Value& name : v.is_list() ? v.as_list() : List{v}) {
    if (!name.is_string()) throw Failure("a name that is no text");
    names.emplace_back(name.as_string());
  }
  return names;
}

namespace {

// The first of the two that comes up decides; what is unknown comes second.
Ternary all_of(const std::vector<Ternary>& parts) {
  const auto is_there = [&](Ternary t) { return std::find(parts.begin(), parts.end(), t) != parts.end(); };
  return is_there(Ternary::kFalse) ? Ternary::kFalse : is_there(Ternary::kNull) ? Ternary::kNull : Ternary::kTrue;
}
Ternary any_of(std::vector<Ternary> parts) {
  for (Ternary& t : parts) t = negate(t);
  return negate(all_of(parts));
}

}  // namespace

// `name IN labels(n)` for each name, a value that is no list being the only one: whether a null is one of the labels is
// unknown, unless there are none.
Ternary Reference::has_dynamic(const ast::LabelExpr& labels, const std::set<std::string>& names, Row& row) {
  const Value v = eval(*labels.expr, row);
  std::vector<Ternary> tests;
  for (const Value& name : v.is_list() ? v.as_list() : List{v}) {
    if (!name.is_null() && !name.is_string()) throw Failure("a name that is no text");
    if (name.is_null()) {
      tests.push_back(names.empty() ? Ternary::kFalse : Ternary::kNull);
    } else {
      tests.push_back(ternary(names.contains(std::string(name.as_string()))));
    }
  }
  return labels.any ? any_of(tests) : all_of(tests);
}

Ternary Reference::has_labels(const ast::LabelExpr& labels, const std::set<std::string>& names, Row& row) {
  switch (labels.kind) {
    case ast::LabelExprKind::kName: return ternary(names.contains(std::string(labels.name.text)));
    case ast::LabelExprKind::kWildcard: return ternary(!names.empty());
    case ast::LabelExprKind::kNot: return negate(has_labels(*labels.parts[0], names, row));
    case ast::LabelExprKind::kAnd:
    case ast::LabelExprKind::kOr: {
      std::vector<Ternary> parts;
      for (const ast::LabelExpr* part : labels.parts) parts.push_back(has_labels(*part, names, row));
      return labels.kind == ast::LabelExprKind::kAnd ? all_of(parts) : any_of(parts);
    }
    case ast::LabelExprKind::kDynamic: return has_dynamic(labels, names, row);
    default: throw NotCompared("a kind of label");
  }
}

Ternary Reference::test_labels(const ast::LabelExpr& labels, const Value& entity, Row& row) {
  if (entity.is_null()) return Ternary::kNull;
  if (entity.is_node()) {
    const auto it = graph_.nodes.find(entity.node_id().value);
    if (it == graph_.nodes.end()) throw Failure("deleted");
    return has_labels(labels, it->second.labels, row);
  }
  if (!entity.is_relationship()) throw Failure("type");
  const auto it = graph_.relationships.find(entity.relationship_id().value);
  if (it == graph_.relationships.end()) throw Failure("deleted");
  return has_labels(labels, {it->second.type}, row);
}

}  // namespace lora::reference
