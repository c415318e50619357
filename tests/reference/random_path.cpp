// Shortest paths and path selectors. Where which path is chosen is nobody's promise, only its length or the number of
// paths goes on. At most one part of a selected path is of variable length: a path is then matched in one way only.
#include "tests/reference/random_generator.h"

namespace lora::reference {

std::string Generator::shortest(Scope* scope) {
  const std::string a = fresh("n"), b = fresh("n"), p = fresh("p");
  const bool all = r_.percent(50);
  const bool listed = all && r_.percent(40);
  const std::string rels = fresh("r");
  std::string text = "(" + a + labels(40) + "), (" + b + labels(40) + ") WHERE " + a + " <> " + b + " MATCH ";
  static constexpr std::string_view kArrows[][2] = {{"-", "->"}, {"<-", "-"}, {"-", "-"}};
  const auto& arrow = r_.pick(kArrows);
  text += p + " = " + (all ? "allShortestPaths((" : "shortestPath((") + a + ")" + std::string(arrow[0]) + "[" +
          (listed ? rels : "") + types(40) + "*" + (r_.percent(40) ? "..3" : "") + "]" + std::string(arrow[1]) + "(" +
          b + "))";
  scope->push_back({a, Type::kNode});
  scope->push_back({b, Type::kNode});
  if (listed) scope->push_back({rels, Type::kRels});
  if (!all) {
    // Which of several shortest paths is nobody's promise: only its length goes on.
    const std::string l = fresh("w");
    std::string carried;
    for (const Variable& v : *scope) carried += v.name + ", ";
    text += " WITH " + carried + "length(" + p + ") AS " + l + " MATCH (" + a + ")";
    scope->push_back({l, Type::kInt});
  } else {
    scope->push_back({p, Type::kPath});
  }
  return text;
}

std::string Generator::shortest_length(const std::string& a, const std::string& b) {
  static constexpr std::string_view kArrows[][2] = {{"-", "->"}, {"<-", "-"}, {"-", "-"}};
  const auto& arrow = r_.pick(kArrows);
  const bool all = r_.percent(40);
  const std::string call = std::string(all ? "allShortestPaths((" : "shortestPath((") + a + ")" +
                           std::string(arrow[0]) + "[" + types(40) + "*" + (r_.percent(30) ? "..2" : "") + "]" +
                           std::string(arrow[1]) + "(" + b + "))";
  return "CASE WHEN " + a + " <> " + b + " THEN " + (all ? "size(" : "length(") + call + ") END";
}

// Between two nodes: what is of variable length, once. Variables of the way are named, and known, when `named`.
std::string Generator::selected_way(Scope* scope, const Scope& known, bool named) {
  static constexpr std::string_view kTimes[] = {"+", "*", "{1,3}", "{0,2}", "{2}", "{,3}", "{2,}"};
  static constexpr std::string_view kLengths[] = {"*", "*1..3", "*0..", "*0..2", "*2", "*..2"};
  static constexpr std::string_view kArrows[][2] = {{"-", "->"}, {"<-", "-"}, {"-", "-"}, {"-", "->"}};
  const auto& arrow = r_.pick(kArrows);
  const std::string left(arrow[0]), right(arrow[1]);
  const std::string times(r_.pick(kTimes));
  const std::string r = fresh("r");
  const auto listed = [&](const std::string& name, Type type) {
    if (named) scope->push_back({name, type});
  };
  const auto inline_where = [&] {
    if (!r_.percent(25)) return std::string();
    Scope inner = known;
    inner.push_back({r, Type::kRel});
    return " WHERE " + where(inner, 1);
  };
  switch (r_.below(5)) {
    case 0: listed(r, Type::kRels); return left + "[" + r + types(50) + std::string(r_.pick(kLengths)) + "]" + right;
    case 1: {
      const std::string x = fresh("n"), y = fresh("n");
      std::string text = "((" + x + labels(25) + ")" + left + "[" + r + types(50) + "]" + right + "(" + y + labels(25);
      text += ")";
      if (r_.percent(30)) {
        Scope inner = known;
        inner.push_back({x, Type::kNode});
        inner.push_back({y, Type::kNode});
        inner.push_back({r, Type::kRel});
        text += " WHERE " + where(inner, 1);
      }
      listed(x, Type::kNodes);
      listed(r, Type::kRels);
      listed(y, Type::kNodes);
      return text + ")" + times;
    }
    case 2: {
      const std::string x = fresh("n"), y = fresh("n");
      listed(x, Type::kNodes);
      listed(y, Type::kNodes);
      return "((" + x + ")" + left + "[" + types(30) + "]" + right + "(" + labels(15) + ")-[" + types(30) + "]-(" + y +
             "))" +
             (r_.percent(50)   ? "{1,2}"
              : r_.percent(50) ? "+"
                               : "{0,1}");
    }
    default: {
      std::string text = left + "[" + r + types(50);
      text += inline_where();
      listed(r, Type::kRels);
      return text + "]" + right + times;
    }
  }
}

std::string Generator::selected(Scope* scope, const Scope& known, bool whole_classes) {
  const std::string a_name = variable(known, Type::kNode), b_name = variable(known, Type::kNode);
  const std::string p = fresh("p");
  const std::string a = !a_name.empty() && r_.percent(35) ? a_name : fresh("n");
  const std::string b = !b_name.empty() && r_.percent(35) ? b_name : fresh("n");
  // What is selected is certain; only the lengths are; only the number of paths is.
  static constexpr std::string_view kWhole[] = {
      "ALL SHORTEST",      "ALL SHORTEST",       "SHORTEST 2 GROUPS",  "SHORTEST 1 GROUPS",
      "SHORTEST 3 GROUPS", "SHORTEST $k GROUPS", "SHORTEST $k GROUPS", "ALL"};
  static constexpr std::string_view kLengths[] = {"SHORTEST 1", "SHORTEST 2", "SHORTEST 3", "SHORTEST $k",
                                                  "ANY SHORTEST"};
  static constexpr std::string_view kNumbers[] = {"ANY", "ANY 2", "ANY $k"};
  const uint64_t form = r_.below(whole_classes ? 4 : 8);
  const std::string selector(form < 4 ? r_.pick(kWhole) : form < 7 ? r_.pick(kLengths) : r_.pick(kNumbers));
  Scope inner = known;
  const auto end = [&](const std::string& name) {
    std::string text = "(" + name + labels(40);
    if (r_.percent(8)) text += " " + property_map(known);
    if (!has(inner, name)) inner.push_back({name, Type::kNode});
    return text + ")";
  };
  std::string way = end(a);
  const uint64_t before = r_.below(10);
  const std::string m = fresh("n");
  const auto stop = [&] {
    inner.push_back({m, Type::kNode});
    return "(" + m + labels(25) + ")";
  };
  const auto hop = [&] { return (r_.percent(50) ? "-[" : "<-[") + types(50) + "]-"; };
  if (before == 0) way += hop() + stop();
  way += selected_way(&inner, known, true);
  if (before == 1) way += stop() + hop();
  way += end(b);
  std::string text = p + " = " + selector + " ";
  text += r_.percent(20) ? "(" + way + " WHERE " + where(inner, 1) + ")" : way;
  if (form < 4) {
    inner.push_back({p, Type::kPath});
    for (const Variable& v : inner) {
      if (!has(*scope, v.name)) scope->push_back(v);
    }
    return text;
  }
  Scope ends = known;
  for (const std::string& name : {a, b}) {
    if (!has(ends, name)) ends.push_back({name, Type::kNode});
  }
  if (r_.percent(40)) text += " WHERE " + where(ends, 1);
  for (const std::string& name : {a, b}) {
    if (!has(*scope, name)) scope->push_back({name, Type::kNode});
  }
  text += " WITH ";
  for (size_t i = 0; i < scope->size(); ++i) text += (i > 0 ? ", " : "") + (*scope)[i].name;
  if (form < 7) {
    const std::string l = fresh("w");
    text += ", length(" + p + ") AS " + l;
    scope->push_back({l, Type::kInt});
  }
  return text + " MATCH (" + a + ")";
}

}  // namespace lora::reference
