#include "tests/reference/random_generator.h"

#include <algorithm>

namespace lora::reference {

std::string Generator::patterns(Scope* scope, const Scope* before) {
  const Scope known = *before;
  if (r_.percent(4)) return shortest(scope);
  if (r_.percent(5)) return selected(scope, known, false);
  std::string text = pattern(scope, known);
  while (r_.percent(18)) text += ", " + pattern(scope, known);
  return text;
}

std::string Generator::pattern(Scope* scope, const Scope& known) {
  std::string text;
  const size_t before = scope->size();
  const bool named = r_.percent(12);
  const std::string path = named ? fresh("p") : "";
  static constexpr size_t kHops[] = {0, 0, 1, 1, 1, 1, 1, 2, 2, 3};
  const size_t hops = r_.pick(kHops);
  if (r_.percent(2)) text += group(scope, known);
  text += node(scope, known, true);
  for (size_t i = 0; i < hops; ++i) {
    if (r_.percent(5)) {
      text += group(scope, known);
      if (r_.percent(15)) text += group(scope, known);
      if (i + 1 < hops || r_.percent(80)) text += node(scope, known, true);
      continue;
    }
    text += relationship(scope, known);
    text += node(scope, known, true);
  }
  if (hops > 0 && r_.percent(4)) {
    Scope inner = known;
    inner.insert(inner.end(), scope->begin() + static_cast<ptrdiff_t>(before), scope->end());
    text = "(" + text + " WHERE " + where(inner, 1) + ")";
  }
  if (!named) return text;
  scope->push_back({path, Type::kPath});
  return path + " = " + text;
}

std::string Generator::node(Scope* scope, const Scope& known, bool reuse) {
  std::string name;
  const std::vector<std::string> nodes = names(*scope, Type::kNode);
  if (reuse && !nodes.empty() && r_.percent(30)) {
    name = r_.pick(nodes);
  } else if (r_.percent(75)) {
    name = fresh("n");
  }
  std::string text = "(" + name + labels(22);
  if (r_.percent(6)) text += " " + property_map(known);
  if (!name.empty() && r_.percent(8)) {
    Scope inner = known;
    if (!has(inner, name)) inner.push_back({name, Type::kNode});
    text += " WHERE " + where(inner, 1);
  }
  if (!name.empty() && !has(*scope, name)) scope->push_back({name, Type::kNode});
  return text + ")";
}

std::string Generator::relationship(Scope* scope, const Scope& known, bool quantified) {
  std::string name;
  std::string inside;
  std::string length;
  std::string times;  // behind the arrow
  if (r_.percent(12)) {
    static constexpr std::string_view kLengths[] = {"*", "*1..2", "*0..1", "*2", "*..2", "*0..", "*2..3"};
    static constexpr std::string_view kTimes[] = {"+", "{1,2}", "{0,1}", "{2}", "{,2}", "*"};
    if (!quantified || r_.percent(60)) {
      length = r_.pick(kLengths);
    } else {
      times = r_.pick(kTimes);
    }
  }
  const bool single = length.empty() && times.empty();
  const std::vector<std::string> rels = names(known, Type::kRel);
  Type type = single ? Type::kRel : Type::kRels;
  if (single && !rels.empty() && r_.percent(6)) {
    name = r_.pick(rels);
    if (used_rels_.end() != std::find(used_rels_.begin(), used_rels_.end(), name)) name.clear();
    if (!name.empty()) used_rels_.push_back(name);
  } else if (r_.percent(45)) {
    name = fresh("r");
    scope->push_back({name, type});
  }
  inside = name + types(30) + length;
  if (r_.percent(4)) inside += " " + property_map(known);
  if (length.empty() && !name.empty() && !has(known, name) && r_.percent(single ? 6 : 25)) {
    Scope inner = known;
    inner.push_back({name, Type::kRel});
    inside += " WHERE " + where(inner, 1);
  }
  if (!inside.empty() || r_.percent(30)) inside = "[" + inside + "]";
  switch (r_.below(3)) {
    case 0: return "-" + inside + "->" + times;
    case 1: return "<-" + inside + "-" + times;
    default: return "-" + inside + "-" + times;
  }
}

// One hop, or two.
std::string Generator::group(Scope* scope, const Scope& known) {
  static constexpr std::string_view kTimes[] = {"{1,2}", "{0,1}", "{2}", "{0,2}", "+", "*"};
  static constexpr std::string_view kArrows[][2] = {{"-", "->"}, {"<-", "-"}, {"-", "-"}};
  Scope inside;
  const auto node = [&](bool named) {
    const std::string name = named ? fresh("n") : "";
    if (named) inside.push_back({name, Type::kNode});
    return "(" + name + labels(25) + (r_.percent(6) ? " " + property_map(known) : "") + ")";
  };
  const auto hop = [&](bool named) {
    const std::string name = named ? fresh("r") : "";
    if (named) inside.push_back({name, Type::kRel});
    const auto& arrow = r_.pick(kArrows);
    return std::string(arrow[0]) + "[" + name + types(40) + "]" + std::string(arrow[1]);
  };
  const bool two = r_.percent(30);
  std::string text = "(" + node(true) + hop(true);
  if (two) text += node(r_.percent(50)) + hop(r_.percent(50));
  text += node(true);
  if (r_.percent(30)) {
    Scope inner = known;
    inner.insert(inner.end(), inside.begin(), inside.end());
    text += " WHERE " + where(inner, 1);
  }
  for (const Variable& v : inside) scope->push_back({v.name, v.type == Type::kNode ? Type::kNodes : Type::kRels});
  return text + ")" + std::string(kTimes[r_.below(two ? 4 : 6)]);
}

std::string Generator::labels(uint64_t percent, bool dynamic) {
  if (!r_.percent(percent)) return "";
  return ":" + label_expression(dynamic);
}

std::string Generator::label_expression(bool dynamic) {
  static constexpr std::string_view kForms[] = {"A",   "B",   "C",      "A",        "B", "A&B", "A|B", "!A",
                                                "A|C", "A:B", "!(A|B)", "(A|B)&!C", "%", "!%",  "Z",   "B&!A"};
  static constexpr std::string_view kDynamic[] = {"$($label)",     "$('A')",        "$any($labels)",    "$($labels)",
                                                  "!$($label)",    "A&$($label)",   "$any(['A', 'B'])", "$all($labels)",
                                                  "(A|$($label))", "$($none)",      "!$($none)",        "(A|$($none))",
                                                  "$any($nulls)",  "!$all($nulls)", "$all($nulls)"};
  if (dynamic && r_.percent(6)) return std::string(r_.pick(kDynamic));
  return std::string(r_.pick(kForms));
}

std::string Generator::types(uint64_t percent) {
  if (!r_.percent(percent)) return "";
  static constexpr std::string_view kForms[] = {"R", "S", "T", "R", "S", "R|S", "S|T", "!R", "Q", "!(R|S)", "R|Q"};
  static constexpr std::string_view kDynamic[] = {"$($type)",         "$any($types)", "$('R')",    "!$($type)",
                                                  "$any(['R', 'S'])", "$($none)",     "!$($none)", "$any([null, 'R'])"};
  if (r_.percent(6)) return ":" + std::string(r_.pick(kDynamic));
  return ":" + std::string(r_.pick(kForms));
}

std::string Generator::property_map(const Scope& scope) {
  switch (r_.below(8)) {
    case 6: return "{d: " + date(scope, 0) + "}";
    case 7:
      if (r_.percent(30)) return "{q: " + vector(scope, 0) + "}";
      return r_.percent(50) ? "{t: " + moment(scope, 0) + "}" : "{p: " + point(scope) + "}";
    case 5: return "{u: " + integer(scope, 0) + "}";
    case 0: return "{i: " + integer(scope, 0) + "}";
    case 1: return "{s: " + string(scope, 0) + "}";
    case 2: return "{m: " + any(scope, 0) + "}";
    case 3: return "{j: " + integer(scope, 0) + ", b: true}";
    default: return "{j: " + integer(scope, 0) + "}";
  }
}

std::string Generator::hop_pattern(Scope* scope, bool quantified) {
  const Scope known = *scope;
  std::string text;
  const std::string from = variable(*scope, Type::kNode);
  text = from.empty() || r_.percent(15) ? node(scope, known, false) : "(" + from + ")";
  text += relationship(scope, known, quantified);
  return text + node(scope, known, r_.percent(30));
}

std::string Generator::patterns_inside(Scope* scope) {
  if (r_.percent(80)) return hop_pattern(scope);
  const Scope known = *scope;
  return pattern(scope, known);
}

std::string Generator::pattern_predicate(const Scope& scope) {
  const std::string from = variable(scope, Type::kNode);
  const std::string to = variable(scope, Type::kNode);
  std::string text = "(" + from + (r_.percent(20) ? labels(100) : "") + ")";
  const std::string inside = "[" + types(60) + (r_.percent(8) ? "*1..2" : "") + "]";
  static constexpr std::string_view kArrows[][2] = {{"-", "->"}, {"<-", "-"}, {"-", "-"}};
  const auto& arrow = r_.pick(kArrows);
  text += std::string(arrow[0]) + inside + std::string(arrow[1]);
  return text + "(" + (r_.percent(30) ? to : "") + labels(30) + ")";
}

std::string Generator::subquery_body(const Scope& scope) {
  Scope inner = scope;
  const bool whole = r_.percent(40);
  std::string text =
      (whole ? "MATCH " : "") + (whole && r_.percent(8) ? selected(&inner, scope, true) : patterns_inside(&inner));
  if (r_.percent(55)) text += " WHERE " + where(inner, 1);
  if (whole && r_.percent(30)) {
    Scope next;
    Scope own;  // what the subquery itself has
    for (const Variable& v : inner) {
      if (!has(scope, v.name)) own.push_back(v);
    }
    text += " WITH " + (r_.percent(50) && !own.empty() ? plain_items(own, &next) : aggregating(inner, &next));
    for (const Variable& v : scope) next.push_back(v);
    if (r_.percent(60)) text += "WHERE " + where(next, 1) + " ";
    inner = next;
    text += "RETURN 1 AS one";
  } else if (whole && r_.percent(60)) {
    text += std::string(" RETURN ") + (r_.percent(40) ? "DISTINCT " : "") + any(inner, 1) + " AS e";
  }
  return text;
}

}  // namespace lora::reference
