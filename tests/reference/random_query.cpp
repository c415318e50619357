#include "tests/reference/random_query.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "tests/reference/reference_values.h"

namespace lora::reference {

namespace {

enum class Type {
  kInt,
  kFloat,
  kString,
  kBool,
  kDate,
  kMoment,  // a local date time
  kDuration,
  kPoint,
  kAny,
  kNode,
  kRel,
  kPath,
  kInts,
  kNodes,
  kRels,
  kBag,
  kMap,  // `a` is an integer, `b` a string
};

struct Variable {
  std::string name;
  Type type;
};
using Scope = std::vector<Variable>;

bool is_scalar(Type t) {
  return t <= Type::kAny;
}

class Generator {
 public:
  explicit Generator(Random& random) : r_(random) {}

  std::string read() {
    if (r_.percent(8)) return unions();
    Scope scope;
    std::string text = clauses(&scope, 1 + r_.below(3));
    return text + returns(scope);
  }

  MatchAndPredicate partition() {
    Scope scope;
    MatchAndPredicate out;
    if (r_.percent(30)) out.match = clauses(&scope, 1);
    out.match += "MATCH " + patterns(&scope, &scope);
    out.predicate = boolean(scope, 3);
    std::string items;
    for (const Variable& v : scope) items += (items.empty() ? "" : ", ") + v.name;
    out.result = items.empty() ? "1 AS one" : items;
    return out;
  }

  std::string write();

 private:
  // --- clauses ---

  std::string unions() {
    const size_t columns = 1 + r_.below(2);
    static constexpr Type kTypes[] = {Type::kInt, Type::kString, Type::kAny, Type::kNode};
    std::vector<Type> types;
    for (size_t i = 0; i < columns; ++i) types.push_back(r_.pick(kTypes));
    const std::string joint = r_.percent(50) ? "UNION " : "UNION ALL ";
    std::string text;
    for (size_t part = 0; part < 2 + r_.below(2); ++part) {
      Scope scope;
      text += (part > 0 ? joint : "") + clauses(&scope, 1 + r_.below(2)) + "RETURN ";
      for (size_t i = 0; i < columns; ++i) {
        text += (i > 0 ? ", " : "") + expression(scope, types[i], 1) + " AS u" + std::to_string(i);
      }
      text += " ";
    }
    return text;
  }

  std::string clauses(Scope* scope, size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) {
      const uint64_t dice = r_.below(100);
      if (i == 0 || dice < 40) {
        text += i == 0 && dice < 8 ? unwind(scope) : match(scope);
      } else if (dice < 55) {
        text += optional_match(scope);
      } else if (dice < 63) {
        text += unwind(scope);
      } else if (dice < 90) {
        text += with(scope);
      } else {
        text += call(scope);
      }
    }
    return text;
  }

  std::string match(Scope* scope) {
    Scope before = *scope;
    std::string text = "MATCH " + patterns(scope, &before) + " ";
    if (r_.percent(45)) text += "WHERE " + where(*scope, r_.percent(50) ? 1 : 3) + " ";
    return text;
  }

  std::string optional_match(Scope* scope) {
    Scope before = *scope;
    std::string text = "OPTIONAL MATCH " + patterns(scope, &before) + " ";
    if (r_.percent(45)) text += "WHERE " + where(*scope, 2) + " ";
    return text;
  }

  std::string unwind(Scope* scope) {
    const std::string name = fresh("x");
    std::string list;
    Type type = Type::kInt;
    const uint64_t dice = r_.below(5);
    const std::vector<std::string> bags = names(*scope, Type::kBag);
    const std::vector<std::string> nodes = names(*scope, Type::kNodes);
    if (dice == 0 && !bags.empty()) {
      list = r_.pick(bags);
      type = Type::kAny;
    } else if (dice <= 1 && !nodes.empty()) {
      list = r_.pick(nodes);
      type = Type::kNode;
    } else if (dice == 2) {
      list = "[1, 'a', null, 2.5, true, 1.0, 1]";
      type = Type::kAny;
    } else {
      list = ints(*scope, 1);
    }
    scope->push_back({name, type});
    return "UNWIND " + list + " AS " + name + " ";
  }

  std::string call(Scope* scope) {
    if (r_.percent(30)) return call_union(scope);
    Scope inner;
    std::string imports;
    for (const Variable& v : *scope) {
      if (!r_.percent(60)) continue;
      inner.push_back(v);
      imports += (imports.empty() ? "" : ", ") + v.name;
    }
    const bool by_with = r_.percent(40);
    std::string text =
        by_with ? (imports.empty() ? "CALL { " : "CALL { WITH " + imports + " ") : "CALL (" + imports + ") { ";
    text += match(&inner);
    if (r_.percent(30)) text += optional_match(&inner);
    const Type type = r_.percent(50) ? Type::kInt : Type::kAny;
    const std::string name = fresh("y");
    if (r_.percent(45)) {
      text += "RETURN " + aggregate(inner, Type::kInt) + " AS " + name + " ";
      scope->push_back({name, Type::kInt});
    } else {
      text += std::string("RETURN ") + (r_.percent(30) ? "DISTINCT " : "") + expression(inner, type, 2) + " AS " +
              name + " ";
      if (r_.percent(30)) text += "ORDER BY " + name + " LIMIT " + std::to_string(r_.below(4)) + " ";
      scope->push_back({name, type});
    }
    return text + "} ";
  }

  std::string call_union(Scope* scope) {
    const std::string name = fresh("y");
    Scope inner;
    std::string imports;
    for (const Variable& v : *scope) {
      if (!r_.percent(60)) continue;
      inner.push_back(v);
      imports += (imports.empty() ? "" : ", ") + v.name;
    }
    std::string text = "CALL (" + imports + ") { ";
    for (int part = 0; part < 2; ++part) {
      Scope own = inner;
      if (part > 0) text += r_.percent(50) ? "UNION ALL " : "UNION ";
      if (r_.percent(70)) text += match(&own);
      text += "RETURN " + integer(own, 1) + " AS " + name + " ";
    }
    scope->push_back({name, Type::kInt});
    return text + "} ";
  }

  std::string with(Scope* scope) {
    Scope next;
    std::string text = "WITH ";
    const uint64_t dice = r_.below(100);
    if (dice < 40) {
      text += aggregating(*scope, &next);
    } else {
      if (dice < 55) text += "DISTINCT ";
      text += plain_items(*scope, &next);
    }
    const bool sortable = std::all_of(next.begin(), next.end(), [this](const Variable& v) {
      return is_scalar(v.type) || (v.type == Type::kNode && !writing_);
    });
    if (sortable && r_.percent(25)) {
      std::vector<std::string> keys;
      for (const Variable& v : next) keys.push_back(v.name + (r_.percent(30) ? " DESC" : ""));
      for (size_t i = keys.size(); i > 1; --i) std::swap(keys[i - 1], keys[r_.below(i)]);
      text += "ORDER BY ";
      for (size_t i = 0; i < keys.size(); ++i) text += (i > 0 ? ", " : "") + keys[i];
      text += " ";
      if (r_.percent(30)) text += "SKIP " + std::to_string(r_.below(3)) + " ";
      if (r_.percent(80)) text += "LIMIT " + std::to_string(r_.below(6)) + " ";
    }
    if (r_.percent(35)) text += "WHERE " + where(next, 2) + " ";
    *scope = std::move(next);
    return text;
  }

  std::string plain_items(const Scope& scope, Scope* next) {
    std::string text;
    for (const Variable& v : scope) {
      if (!r_.percent(70)) continue;
      text += (text.empty() ? "" : ", ") + v.name;
      next->push_back(v);
    }
    const size_t more = text.empty() ? 1 : r_.below(2);
    for (size_t i = 0; i < more; ++i) {
      const Type type = any_type(scope);
      const std::string name = fresh("w");
      text += (text.empty() ? "" : ", ") + expression(scope, type, 2) + " AS " + name;
      next->push_back({name, type});
    }
    return text + " ";
  }

  std::string aggregating(const Scope& scope, Scope* next) {
    std::string text;
    const auto add = [&](const std::string& expr, const std::string& name, Type type) {
      text += (text.empty() ? "" : ", ") + expr + (expr == name ? "" : " AS " + name);
      next->push_back({name, type});
    };
    const size_t keys = r_.below(3);
    for (size_t i = 0; i < keys; ++i) {
      if (r_.percent(40)) {
        std::vector<Variable> plain;
        for (const Variable& v : scope) {
          if (v.type != Type::kBag && !has(*next, v.name)) plain.push_back(v);
        }
        if (!plain.empty()) {
          const Variable& v = r_.pick(plain);
          add(v.name, v.name, v.type);
          continue;
        }
      }
      const Type type = r_.percent(50) ? Type::kInt : r_.percent(50) ? Type::kAny : Type::kString;
      add(expression(scope, type, 1), fresh("k"), type);
    }
    const size_t aggregates = 1 + r_.below(2);
    for (size_t i = 0; i < aggregates; ++i) {
      const uint64_t dice = r_.below(10);
      if (dice < 5) {
        std::string expr = aggregate(scope, Type::kInt);
        if (r_.percent(20)) expr = "(" + expr + " + " + aggregate(scope, Type::kInt) + ")";
        if (r_.percent(15)) expr = "coalesce(" + expr + ", 0) * 2";
        // A grouping key beside an aggregate.
        for (const Variable& v : *next) {
          if (v.type == Type::kInt && has(scope, v.name) && r_.percent(40)) expr = v.name + " + " + expr;
        }
        add(expr, fresh("g"), Type::kInt);
      } else if (dice < 7) {
        add(aggregate(scope, Type::kAny), fresh("g"), Type::kAny);
      } else if (dice < 8) {
        add(aggregate(scope, Type::kFloat), fresh("g"), Type::kFloat);
      } else {
        add(aggregate(scope, Type::kBag), fresh("g"), Type::kBag);
      }
    }
    return text + " ";
  }

  std::string aggregate(const Scope& scope, Type type) {
    const std::string distinct = r_.percent(30) ? "DISTINCT " : "";
    switch (type) {
      case Type::kInt:
        switch (r_.below(6)) {
          case 0: return "count(*)";
          case 1: return "count(" + distinct + anything(scope) + ")";
          case 2: return "sum(" + distinct + integer(scope, 1) + ")";
          case 3: return "min(" + integer(scope, 1) + ")";
          case 4: return "max(" + integer(scope, 1) + ")";
          default: return "size(collect(" + distinct + anything(scope) + "))";
        }
      case Type::kFloat:
        return r_.percent(50) ? "avg(" + distinct + integer(scope, 1) + ")" : "sum(" + distinct + real(scope, 1) + ")";
      case Type::kAny: return (r_.percent(50) ? "min(" : "max(") + any(scope, 1) + ")";
      default: return "collect(" + distinct + any(scope, 1) + ")";
    }
  }

  std::string returns(const Scope& scope) {
    Scope out;
    std::string text = "RETURN ";
    const uint64_t dice = r_.below(100);
    bool simple = false;
    if (dice < 35) {
      text += aggregating(scope, &out);
    } else if (dice < 40 && !scope.empty()) {
      text += "* ";
      out = scope;
    } else {
      if (dice < 55) {
        text += "DISTINCT ";
      } else {
        simple = true;
      }
      text += plain_items(scope, &out);
    }
    std::vector<std::string> keys;
    for (const Variable& v : out) {
      if (is_scalar(v.type) || (v.type == Type::kNode && !writing_) || v.type == Type::kInts) keys.push_back(v.name);
    }
    if (simple) {
      for (const Variable& v : scope) {
        if (v.type == Type::kNode && !has(out, v.name)) keys.push_back(v.name + ".i");
      }
    }
    if (!keys.empty() && r_.percent(35)) {
      text += "ORDER BY " + r_.pick(keys) + (r_.percent(30) ? " DESC" : "");
      if (r_.percent(40)) text += ", " + r_.pick(keys) + (r_.percent(30) ? " DESC" : "");
      text += " ";
    }
    if (r_.percent(12)) text += "SKIP " + std::to_string(r_.below(4)) + " ";
    if (r_.percent(25)) text += "LIMIT " + std::to_string(r_.below(6)) + " ";
    return text;
  }

  // --- patterns ---

  // `scope` gets the new variables; expressions inside may use those of `before`.
  std::string patterns(Scope* scope, const Scope* before) {
    const Scope known = *before;
    if (r_.percent(4)) return shortest(scope);
    std::string text = pattern(scope, known);
    while (r_.percent(18)) text += ", " + pattern(scope, known);
    return text;
  }

  std::string shortest(Scope* scope) {
    const std::string a = fresh("n"), b = fresh("n"), p = fresh("p");
    const bool all = r_.percent(50);
    std::string text = "(" + a + labels(40) + "), (" + b + labels(40) + ") WHERE " + a + " <> " + b + " MATCH ";
    static constexpr std::string_view kArrows[][2] = {{"-", "->"}, {"<-", "-"}, {"-", "-"}};
    const auto& arrow = r_.pick(kArrows);
    text += p + " = " + (all ? "allShortestPaths((" : "shortestPath((") + a + ")" + std::string(arrow[0]) + "[" +
            types(40) + "*" + (r_.percent(40) ? "..3" : "") + "]" + std::string(arrow[1]) + "(" + b + "))";
    scope->push_back({a, Type::kNode});
    scope->push_back({b, Type::kNode});
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

  std::string pattern(Scope* scope, const Scope& known) {
    std::string text;
    const bool named = r_.percent(8);
    const std::string path = named ? fresh("p") : "";
    if (named) text = path + " = ";
    static constexpr size_t kHops[] = {0, 0, 1, 1, 1, 1, 1, 2, 2, 3};
    const size_t hops = r_.pick(kHops);
    text += node(scope, known, true);
    for (size_t i = 0; i < hops; ++i) {
      if (r_.percent(4)) {
        text += group(scope, known);
        text += node(scope, known, true);
        continue;
      }
      text += relationship(scope, known);
      text += node(scope, known, true);
    }
    if (named) scope->push_back({path, Type::kPath});
    return text;
  }

  std::string node(Scope* scope, const Scope& known, bool reuse) {
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

  std::string relationship(Scope* scope, const Scope& known) {
    std::string name;
    std::string inside;
    std::string length;
    if (r_.percent(12)) {
      static constexpr std::string_view kLengths[] = {"*", "*1..2", "*0..1", "*2", "*..2", "*0..", "*2..3"};
      length = r_.pick(kLengths);
    }
    const std::vector<std::string> rels = names(known, Type::kRel);
    Type type = length.empty() ? Type::kRel : Type::kRels;
    if (length.empty() && !rels.empty() && r_.percent(6)) {
      name = r_.pick(rels);
      if (used_rels_.end() != std::find(used_rels_.begin(), used_rels_.end(), name)) name.clear();
      if (!name.empty()) used_rels_.push_back(name);
    } else if (r_.percent(45)) {
      name = fresh("r");
      scope->push_back({name, type});
    }
    inside = name + types(30) + length;
    if (r_.percent(4)) inside += " " + property_map(known);
    if (type == Type::kRel && !name.empty() && r_.percent(6)) {
      Scope inner = known;
      if (!has(inner, name)) inner.push_back({name, Type::kRel});
      inside += " WHERE " + where(inner, 1);
    }
    if (!inside.empty() || r_.percent(30)) inside = "[" + inside + "]";
    switch (r_.below(3)) {
      case 0: return "-" + inside + "->";
      case 1: return "<-" + inside + "-";
      default: return "-" + inside + "-";
    }
  }

  std::string group(Scope* scope, const Scope& known) {
    static constexpr std::string_view kTimes[] = {"{1,2}", "{0,1}", "{2}", "+", "*", "{0,2}"};
    const std::string a = fresh("n"), b = fresh("n"), r = fresh("r");
    std::string text = "((" + a + labels(25) + ")" + (r_.percent(50) ? "-" : "<-") + "[" + r + types(40) + "]";
    text += r_.percent(50) ? "-" : text[text.find(")") + 1] == '<' ? "-" : "->";
    text += "(" + b + labels(25) + ")";
    if (r_.percent(30)) {
      Scope inner = known;
      inner.push_back({a, Type::kNode});
      inner.push_back({b, Type::kNode});
      inner.push_back({r, Type::kRel});
      text += " WHERE " + where(inner, 1);
    }
    scope->push_back({a, Type::kNodes});
    scope->push_back({b, Type::kNodes});
    scope->push_back({r, Type::kRels});
    return text + ")" + std::string(r_.pick(kTimes));
  }

  std::string labels(uint64_t percent) {
    if (!r_.percent(percent)) return "";
    return ":" + label_expression();
  }
  std::string label_expression() {
    static constexpr std::string_view kForms[] = {"A",   "B",   "C",      "A",        "B", "A&B", "A|B", "!A",
                                                  "A|C", "A:B", "!(A|B)", "(A|B)&!C", "%", "!%",  "Z",   "B&!A"};
    return std::string(r_.pick(kForms));
  }
  std::string types(uint64_t percent) {
    if (!r_.percent(percent)) return "";
    static constexpr std::string_view kForms[] = {"R", "S", "T", "R", "S", "R|S", "S|T", "!R", "Q", "!(R|S)", "R|Q"};
    return ":" + std::string(r_.pick(kForms));
  }

  std::string property_map(const Scope& scope) {
    switch (r_.below(8)) {
      case 6: return "{d: " + date(scope, 0) + "}";
      case 7: return r_.percent(50) ? "{t: " + moment(scope, 0) + "}" : "{p: " + point(scope) + "}";
      case 5: return "{u: " + integer(scope, 0) + "}";
      case 0: return "{i: " + integer(scope, 0) + "}";
      case 1: return "{s: " + string(scope, 0) + "}";
      case 2: return "{m: " + any(scope, 0) + "}";
      case 3: return "{j: " + integer(scope, 0) + ", b: true}";
      default: return "{j: " + integer(scope, 0) + "}";
    }
  }

  // --- expressions ---

  static bool has(const Scope& scope, const std::string& name) {
    return std::any_of(scope.begin(), scope.end(), [&](const Variable& v) { return v.name == name; });
  }
  static std::vector<std::string> names(const Scope& scope, Type type) {
    std::vector<std::string> out;
    for (const Variable& v : scope) {
      if (v.type == type) out.push_back(v.name);
    }
    return out;
  }
  std::string fresh(const char* prefix) { return prefix + std::to_string(counter_++); }
  // A variable of the type, or nothing.
  std::string variable(const Scope& scope, Type type) {
    const std::vector<std::string> all = names(scope, type);
    return all.empty() ? "" : r_.pick(all);
  }
  std::string entity(const Scope& scope) {
    const std::string n = variable(scope, Type::kNode);
    const std::string r = variable(scope, Type::kRel);
    return n.empty() || (!r.empty() && r_.percent(30)) ? r : n;
  }

  Type any_type(const Scope& scope) {
    static constexpr Type kTypes[] = {Type::kInt,   Type::kInt,     Type::kFloat, Type::kString, Type::kBool,
                                      Type::kAny,   Type::kInts,    Type::kBag,   Type::kNode,   Type::kDate,
                                      Type::kMap,   Type::kAny,     Type::kInt,   Type::kNode,   Type::kMoment,
                                      Type::kPoint, Type::kDuration};
    const Type type = r_.pick(kTypes);
    return type == Type::kNode && variable(scope, Type::kNode).empty() ? Type::kAny : type;
  }

  std::string expression(const Scope& scope, Type type, int depth) {
    switch (type) {
      case Type::kInt: return integer(scope, depth);
      case Type::kFloat: return real(scope, depth);
      case Type::kString: return string(scope, depth);
      case Type::kBool: return boolean(scope, depth);
      case Type::kInts: return ints(scope, depth);
      case Type::kBag: return bag(scope, depth);
      case Type::kDate: return date(scope, depth);
      case Type::kMoment: return moment(scope, depth);
      case Type::kDuration: return duration(scope, depth);
      case Type::kPoint: return point(scope);
      case Type::kMap: return map(scope, depth);
      case Type::kNode: {
        const std::string n = variable(scope, Type::kNode);
        return n.empty() ? "null" : n;
      }
      default: return any(scope, depth);
    }
  }

  // A scalar, an entity or a path: whatever may be counted.
  std::string anything(const Scope& scope) {
    const uint64_t dice = r_.below(4);
    if (dice == 0 && !entity(scope).empty()) return entity(scope);
    const std::string p = variable(scope, Type::kPath);
    if (dice == 1 && !p.empty()) return p;
    return any(scope, 1);
  }

  std::string any(const Scope& scope, int depth) {
    if (r_.percent(20)) {
      switch (r_.below(6)) {
        case 0: return date(scope, depth);
        case 1: return moment(scope, depth);
        case 2: return duration(scope, depth);
        case 3: return point(scope);
        case 4: return r_.percent(50) ? "$any" : "$none";
        default: return zoned(scope, depth);
      }
    }
    switch (r_.below(depth > 0 ? 8 : 5)) {
      case 0: {
        const std::string v = variable(scope, Type::kAny);
        if (!v.empty()) return v;
        [[fallthrough]];
      }
      case 1:
      case 2: {
        const std::string e = entity(scope);
        if (!e.empty()) return e + ".m";
        [[fallthrough]];
      }
      case 3: {
        static constexpr std::string_view kLiterals[] = {"1",      "1.0", "'a'", "true",  "null",      "2.5",
                                                         "[1, 2]", "-1",  "'1'", "false", "[1, null]", "0"};
        return std::string(r_.pick(kLiterals));
      }
      case 4: return integer(scope, depth - 1);
      case 5: return string(scope, depth - 1);
      case 6: return real(scope, depth - 1);
      default:
        return "CASE WHEN " + boolean(scope, depth - 1) + " THEN " + any(scope, depth - 1) +
               (r_.percent(60) ? " ELSE " + any(scope, depth - 1) : "") + " END";
    }
  }

  std::string integer(const Scope& scope, int depth) {
    if (depth <= 0 || r_.percent(45)) {
      const uint64_t dice = r_.below(10);
      const std::string v = variable(scope, Type::kInt);
      if (dice < 3 && !v.empty()) return v;
      const std::string e = entity(scope);
      if (dice < 8 && !e.empty()) return e + (r_.percent(60) ? ".i" : r_.percent(80) ? ".j" : ".u");
      if (dice == 8 && r_.percent(20)) return "null";
      static constexpr std::string_view kLiterals[] = {"0", "1", "2", "3", "-1", "5", "$two", "$minus"};
      return std::string(r_.pick(kLiterals));
    }
    if (r_.percent(18)) {
      switch (r_.below(5)) {
        case 0: return date(scope, depth - 1) + (r_.percent(40) ? ".day" : r_.percent(50) ? ".month" : ".year");
        case 1: return moment(scope, depth - 1) + (r_.percent(50) ? ".hour" : ".day");
        case 2: return duration(scope, depth - 1) + (r_.percent(50) ? ".days" : ".months");
        case 3: return "duration.inDays(" + date(scope, depth - 1) + ", " + date(scope, depth - 1) + ").days";
        default: return map(scope, depth - 1) + (r_.percent(50) ? ".a" : "['a']");
      }
    }
    switch (r_.below(15)) {
      case 0: return "(" + integer(scope, depth - 1) + " + " + integer(scope, depth - 1) + ")";
      case 1: return "(" + integer(scope, depth - 1) + " - " + integer(scope, depth - 1) + ")";
      case 2: return "(" + integer(scope, depth - 1) + " * " + (r_.percent(50) ? "2" : "-1") + ")";
      case 3:
        return "(" + integer(scope, depth - 1) + (r_.percent(50) ? " / " : " % ") + (r_.percent(50) ? "2" : "-3") + ")";
      case 4: return "abs(" + integer(scope, depth - 1) + ")";
      case 5: return "size(" + string(scope, depth - 1) + ")";
      case 6: return "size(" + ints(scope, depth - 1) + ")";
      case 7: return "coalesce(" + integer(scope, depth - 1) + ", " + integer(scope, depth - 1) + ")";
      case 8: return "head(" + ints(scope, depth - 1) + ")";
      case 9: return ints(scope, depth - 1) + "[" + (r_.percent(50) ? "0" : "-1") + "]";
      case 10:
        return "CASE " + integer(scope, depth - 1) + " WHEN " + integer(scope, depth - 1) + " THEN " +
               integer(scope, depth - 1) + " ELSE " + integer(scope, depth - 1) + " END";
      case 11: {
        const std::string x = fresh("z"), s = fresh("z");
        return "reduce(" + s + " = 0, " + x + " IN " + ints(scope, depth - 1) + " | " + s + " + " + x + ")";
      }
      case 12: return count_subquery(scope);
      case 13: {
        const std::string p = variable(scope, Type::kPath);
        if (!p.empty()) return "length(" + p + ")";
        const std::string b = variable(scope, Type::kBag);
        return b.empty() ? "toInteger(" + real(scope, depth - 1) + ")" : "size(" + b + ")";
      }
      default: {
        const std::string e = entity(scope);
        const std::string rels = variable(scope, Type::kRels);
        if (!rels.empty() && r_.percent(50)) return "size(" + rels + ")";
        return e.empty()                     ? "sign(" + integer(scope, depth - 1) + ")"
               : !writing_ && r_.percent(50) ? "id(" + e + ")"
                                             : "size(keys(" + e + "))";
      }
    }
  }

  std::string real(const Scope& scope, int depth) {
    const std::string e = entity(scope);
    const std::string v = variable(scope, Type::kFloat);
    if (!v.empty() && r_.percent(30)) return v;
    if (!e.empty() && r_.percent(60)) return e + ".f";
    if (depth <= 0 || r_.percent(40)) {
      static constexpr std::string_view kLiterals[] = {"0.5", "1.0", "-1.5", "2.0", "0.0", "$half"};
      return std::string(r_.pick(kLiterals));
    }
    if (r_.percent(30)) {
      return r_.percent(50) ? point(scope) + ".x" : "point.distance(" + point(scope) + ", " + point(scope) + ")";
    }
    switch (r_.below(4)) {
      case 0: return "(" + real(scope, depth - 1) + " + " + integer(scope, depth - 1) + ")";
      case 1: return "(" + real(scope, depth - 1) + " * 2)";
      case 2: return "toFloat(" + integer(scope, depth - 1) + ")";
      default: return "floor(" + real(scope, depth - 1) + ")";
    }
  }

  std::string string(const Scope& scope, int depth) {
    if (depth <= 0 || r_.percent(50)) {
      const std::string v = variable(scope, Type::kString);
      if (!v.empty() && r_.percent(30)) return v;
      const std::string rel = variable(scope, Type::kRel);
      if (!rel.empty() && r_.percent(20)) return "type(" + rel + ")";
      const std::string e = entity(scope);
      if (!e.empty() && r_.percent(70)) return e + ".s";
      static constexpr std::string_view kLiterals[] = {"'a'", "'b'", "'ab'", "''", "'abc'", "'B'", "null", "$text"};
      return std::string(r_.pick(kLiterals));
    }
    if (r_.percent(6)) return map(scope, depth - 1) + ".b";
    switch (r_.below(7)) {
      case 0: return "(" + string(scope, depth - 1) + " + " + string(scope, depth - 1) + ")";
      case 1: return "toUpper(" + string(scope, depth - 1) + ")";
      case 2: return "toLower(" + string(scope, depth - 1) + ")";
      case 3: return "substring(" + string(scope, depth - 1) + ", 1)";
      case 4: return "coalesce(" + string(scope, depth - 1) + ", 'c')";
      case 5: return "left(" + string(scope, depth - 1) + ", 1)";
      default: return "toString(" + integer(scope, depth - 1) + ")";
    }
  }

  std::string ints(const Scope& scope, int depth) {
    const std::string v = variable(scope, Type::kInts);
    if (!v.empty() && r_.percent(30)) return v;
    const std::string e = entity(scope);
    if (!e.empty() && r_.percent(35)) return e + ".l";
    if (depth <= 0 || r_.percent(30)) {
      static constexpr std::string_view kLiterals[] = {"[1, 2, 3]", "[]",          "[2]",  "[1, null, 2]",
                                                       "[3, 1, 1]", "range(0, 3)", "$list"};
      return std::string(r_.pick(kLiterals));
    }
    switch (r_.below(7)) {
      case 0: return "[" + integer(scope, depth - 1) + ", " + integer(scope, depth - 1) + "]";
      case 1: return "(" + ints(scope, depth - 1) + " + " + ints(scope, depth - 1) + ")";
      case 2: {
        const std::string x = fresh("z");
        Scope inner = scope;
        inner.push_back({x, Type::kInt});
        return "[" + x + " IN " + ints(scope, depth - 1) +
               (r_.percent(60) ? " WHERE " + boolean(inner, depth - 1) : "") +
               (r_.percent(60) ? " | " + integer(inner, depth - 1) : "") + "]";
      }
      case 3: return "tail(" + ints(scope, depth - 1) + ")";
      case 4: return "reverse(" + ints(scope, depth - 1) + ")";
      case 5: return ints(scope, depth - 1) + (r_.percent(50) ? "[1..]" : "[..-1]");
      default: {
        const std::string nodes = variable(scope, Type::kNodes);
        const std::string p = variable(scope, Type::kPath);
        const std::string x = fresh("z");
        if (!nodes.empty()) return "[" + x + " IN " + nodes + " | " + x + ".i]";
        if (!p.empty()) return "[" + x + " IN nodes(" + p + ") | " + x + ".i]";
        const std::string rels = variable(scope, Type::kRels);
        if (!rels.empty()) return "[" + x + " IN " + rels + " | " + x + ".j]";
        return "[1, " + integer(scope, depth - 1) + "]";
      }
    }
  }

  // Temporal values, points and maps: a variable, a property, a literal, or made of others.
  std::string simple(const Scope& scope, Type type, const char* property, std::span<const std::string_view> literals) {
    const std::string v = variable(scope, type);
    if (!v.empty() && r_.percent(40)) return v;
    const std::string e = entity(scope);
    if (!e.empty() && r_.percent(65)) return e + property;
    return std::string(literals[r_.below(literals.size())]);
  }
  std::string date(const Scope& scope, int depth) {
    static constexpr std::string_view kLiterals[] = {"date('2024-01-31')", "date('2024-02-29')", "date('1969-12-31')",
                                                     "$day", "date('2024-01-31')"};
    if (depth <= 0 || r_.percent(50)) return simple(scope, Type::kDate, ".d", kLiterals);
    return "(" + date(scope, depth - 1) + (r_.percent(50) ? " + " : " - ") + duration(scope, depth - 1) + ")";
  }
  std::string moment(const Scope& scope, int depth) {
    static constexpr std::string_view kLiterals[] = {"localdatetime('2024-01-31T00:00')",
                                                     "localdatetime('1969-12-31T23:30')", "$moment"};
    if (depth <= 0 || r_.percent(50)) return simple(scope, Type::kMoment, ".t", kLiterals);
    return "(" + moment(scope, depth - 1) + (r_.percent(50) ? " + " : " - ") + duration(scope, depth - 1) + ")";
  }
  // Times of day, what has an offset, and points on the globe.
  std::string zoned(const Scope& scope, int depth) {
    static constexpr std::string_view kLiterals[] = {"datetime('2024-01-31T12:00+02:00')",
                                                     "datetime('2024-01-31T10:00Z')",
                                                     "datetime('2023-12-31T23:30-01:00')",
                                                     "time('10:00+01:00')",
                                                     "time('23:30-01:00')",
                                                     "localtime('12:30')",
                                                     "localtime('23:59:59')",
                                                     "time('09:00Z')"};
    if (r_.percent(10)) return "point({longitude: 4.5, latitude: 52})";
    const std::string text(r_.pick(kLiterals));
    if (depth <= 0 || r_.percent(50)) return text;
    return "(" + text + (r_.percent(50) ? " + " : " - ") + duration(scope, depth - 1) + ")";
  }
  std::string duration(const Scope& scope, int depth) {
    static constexpr std::string_view kLiterals[] = {"duration('P1M')",
                                                     "duration('P1D')",
                                                     "duration('P1M1D')",
                                                     "duration('PT36H30M')",
                                                     "duration('P-2D')",
                                                     "duration('P1Y')",
                                                     "$span",
                                                     "duration('PT-1H')",
                                                     "null"};
    const std::string v = variable(scope, Type::kDuration);
    if (!v.empty() && r_.percent(40)) return v;
    if (depth <= 0 || r_.percent(55)) return std::string(r_.pick(kLiterals));
    if (r_.percent(40)) return "(" + duration(scope, depth - 1) + " * " + (r_.percent(50) ? "2" : "-1") + ")";
    return "(" + duration(scope, depth - 1) + (r_.percent(50) ? " + " : " - ") + duration(scope, depth - 1) + ")";
  }
  std::string point(const Scope& scope) {
    static constexpr std::string_view kLiterals[] = {"point({x: 0, y: 0})", "point({x: 1.5, y: -2})", "$place",
                                                     "point({x: 1, y: null})"};
    return simple(scope, Type::kPoint, ".p", kLiterals);
  }
  std::string map(const Scope& scope, int depth) {
    const std::string v = variable(scope, Type::kMap);
    if (!v.empty() && r_.percent(50)) return v;
    const std::string e = entity(scope);
    if (!e.empty() && r_.percent(40)) {
      return e + (r_.percent(50) ? " {.d, a: " + e + ".i, b: " + e + ".s}" : " {.*, a: 1, b: 'x'}");
    }
    if (r_.percent(20)) return "$map";
    return "{a: " + integer(scope, depth - 1) + ", b: " + string(scope, depth - 1) + "}";
  }

  // A list in no particular order.
  std::string bag(const Scope& scope, int depth) {
    const std::string v = variable(scope, Type::kBag);
    if (!v.empty() && r_.percent(40)) return v;
    switch (r_.below(4)) {
      case 0: {
        const std::string n = variable(scope, Type::kNode);
        if (!n.empty()) return "labels(" + n + ")";
        [[fallthrough]];
      }
      case 1: {
        const std::string e = entity(scope);
        if (!e.empty()) return "keys(" + e + ")";
        [[fallthrough]];
      }
      case 2: {
        Scope inner = scope;
        std::string text = "[" + hop_pattern(&inner);
        if (r_.percent(50)) text += " WHERE " + where(inner, std::min(depth, 1));
        return text + " | " + any(inner, 1) + "]";
      }
      default: {
        Scope inner = scope;
        std::string text = "COLLECT { MATCH " + patterns_inside(&inner);
        if (r_.percent(50)) text += " WHERE " + where(inner, std::min(depth, 1));
        return text + " RETURN " + any(inner, 1) + " }";
      }
    }
  }

  // One hop, from a known node mostly; new variables come into the scope.
  std::string hop_pattern(Scope* scope) {
    const Scope known = *scope;
    std::string text;
    const std::string from = variable(*scope, Type::kNode);
    text = from.empty() || r_.percent(15) ? node(scope, known, false) : "(" + from + ")";
    text += relationship(scope, known);
    return text + node(scope, known, r_.percent(30));
  }
  std::string patterns_inside(Scope* scope) {
    if (r_.percent(80)) return hop_pattern(scope);
    const Scope known = *scope;
    return pattern(scope, known);
  }
  // A pattern predicate binds nothing.
  std::string pattern_predicate(const Scope& scope) {
    const std::string from = variable(scope, Type::kNode);
    const std::string to = variable(scope, Type::kNode);
    std::string text = "(" + from + (r_.percent(20) ? labels(100) : "") + ")";
    const std::string inside = "[" + types(60) + (r_.percent(8) ? "*1..2" : "") + "]";
    static constexpr std::string_view kArrows[][2] = {{"-", "->"}, {"<-", "-"}, {"-", "-"}};
    const auto& arrow = r_.pick(kArrows);
    text += std::string(arrow[0]) + inside + std::string(arrow[1]);
    return text + "(" + (r_.percent(30) ? to : "") + labels(30) + ")";
  }

  std::string subquery_body(const Scope& scope) {
    Scope inner = scope;
    const bool whole = r_.percent(40);
    std::string text = (whole ? "MATCH " : "") + patterns_inside(&inner);
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

  std::string count_subquery(const Scope& scope) { return "COUNT { " + subquery_body(scope) + " }"; }

  std::string comparison() {
    static constexpr std::string_view kOps[] = {" = ", " <> ", " < ", " <= ", " > ", " >= ", " = "};
    return std::string(r_.pick(kOps));
  }

  // A predicate behind WHERE: a pattern may stand for its existence there.
  std::string where(const Scope& scope, int depth) {
    const bool outside = bare_patterns_;
    bare_patterns_ = true;
    std::string text = boolean(scope, depth);
    bare_patterns_ = outside;
    return text;
  }

  std::string boolean(const Scope& scope, int depth) {
    const bool bare = bare_patterns_;
    std::string text = boolean_of(scope, depth);
    bare_patterns_ = bare;
    return text;
  }
  std::string boolean_of(const Scope& scope, int depth) {
    if (depth > 0 && r_.percent(35)) {
      switch (r_.below(5)) {
        case 0:
        case 1: return "(" + boolean(scope, depth - 1) + " AND " + boolean(scope, depth - 1) + ")";
        case 2: return "(" + boolean(scope, depth - 1) + " OR " + boolean(scope, depth - 1) + ")";
        case 3: return "NOT (" + boolean(scope, depth - 1) + ")";
        default: return "(" + boolean(scope, depth - 1) + " XOR " + boolean(scope, depth - 1) + ")";
      }
    }
    const int less = std::max(0, depth - 1);
    const bool bare = std::exchange(bare_patterns_, false);
    if (r_.percent(18)) {
      switch (r_.below(7)) {
        case 6: return zoned(scope, less) + comparison() + (r_.percent(30) ? any(scope, less) : zoned(scope, less));
        case 0:
        case 1: return date(scope, less) + comparison() + date(scope, less);
        case 2: return moment(scope, less) + comparison() + moment(scope, less);
        case 3: return point(scope) + comparison() + point(scope);
        case 4:
          if (r_.percent(50)) return duration(scope, less) + comparison() + duration(scope, less);
          return map(scope, less) + (r_.percent(50) ? " = " : " <> ") + map(scope, less);
        default: return "point.withinBBox(" + point(scope) + ", point({x: 0, y: -2}), point({x: 1.5, y: 1}))";
      }
    }
    switch (r_.below(20)) {
      case 0:
      case 1:
      case 2: return integer(scope, less) + comparison() + integer(scope, less);
      case 3: return any(scope, less) + comparison() + any(scope, less);
      case 4: return string(scope, less) + comparison() + string(scope, less);
      case 5: return real(scope, less) + comparison() + integer(scope, less);
      case 6: {
        const std::string e = entity(scope);
        static constexpr std::string_view kKeys[] = {".i", ".s", ".b", ".m", ".l", ".f", ".z"};
        const std::string what = e.empty() ? any(scope, less) : e + std::string(r_.pick(kKeys));
        return what + (r_.percent(50) ? " IS NULL" : " IS NOT NULL");
      }
      case 7: {
        static constexpr std::string_view kOps[] = {" STARTS WITH ", " ENDS WITH ", " CONTAINS "};
        const std::string e = entity(scope);
        const std::string left = r_.percent(30) && !e.empty() ? e + ".m" : string(scope, less);
        return left + std::string(r_.pick(kOps)) + string(scope, less);
      }
      case 8: return integer(scope, less) + " IN " + ints(scope, less);
      case 9: {
        static constexpr std::string_view kLists[] = {"[1, 2, 'a']", "['a', 'b']",  "[null, 1]",
                                                      "[]",          "[1.0, true]", "[2.5, [1, 2], 'ab']"};
        return any(scope, less) + " IN " + std::string(r_.pick(kLists));
      }
      case 10: {
        const std::string n = variable(scope, Type::kNode);
        if (!n.empty()) return "(" + n + ":" + label_expression() + ")";  // a bare `|` separates in a comprehension
        return integer(scope, less) + " < " + integer(scope, less) + " <= " + integer(scope, less);
      }
      case 11: {
        const std::string e = entity(scope);
        const std::string v = variable(scope, Type::kBool);
        if (!v.empty()) return v;
        return e.empty() ? "true" : e + ".b";
      }
      case 12: {
        const std::string a = variable(scope, Type::kNode), b = variable(scope, Type::kNode);
        if (!a.empty()) return a + (r_.percent(50) ? " = " : " <> ") + b;
        return "null";
      }
      case 13:
        if (!variable(scope, Type::kNode).empty()) {
          return bare ? pattern_predicate(scope) : "exists(" + pattern_predicate(scope) + ")";
        }
        [[fallthrough]];
      case 14: return "EXISTS { " + subquery_body(scope) + " }";
      case 15: return count_subquery(scope) + comparison() + std::to_string(r_.below(3));
      case 16: {
        static constexpr std::string_view kQuantifiers[] = {"all", "any", "none", "single"};
        const std::string x = fresh("z");
        Scope inner = scope;
        const std::string bags = variable(scope, Type::kBag);
        const std::string nodes = variable(scope, Type::kNodes);
        std::string list;
        if (!bags.empty() && r_.percent(50)) {
          list = bags;
          inner.push_back({x, Type::kAny});
        } else if (!nodes.empty() && r_.percent(50)) {
          list = nodes;
          inner.push_back({x, Type::kNode});
        } else {
          list = ints(scope, less);
          inner.push_back({x, Type::kInt});
        }
        return std::string(r_.pick(kQuantifiers)) + "(" + x + " IN " + list + " WHERE " + boolean(inner, less) + ")";
      }
      case 17: {
        const std::string b = variable(scope, Type::kBag);
        return b.empty() ? any(scope, less) + " IN " + bag(scope, less) : any(scope, less) + " IN " + b;
      }
      case 18: {
        const std::string a = entity(scope), b = entity(scope);
        static constexpr std::string_view kKeys[] = {".i", ".j", ".s", ".m", ".f", ".l"};
        if (a.empty()) return integer(scope, less) + " < " + integer(scope, less) + " <= " + integer(scope, less);
        return a + std::string(r_.pick(kKeys)) + " = " + b + std::string(r_.pick(kKeys));
      }
      default: return r_.percent(50) ? integer(scope, less) + " = " + integer(scope, less) : "true";
    }
  }

  // --- writes ---

  static constexpr const char* kWrittenKeys[] = {"w", "i", "s", "m", "j"};
  std::string update(Scope* scope, bool* deleted);
  std::string new_node(Scope* scope, const Scope& known, bool name);
  std::string create(Scope* scope);
  std::string merge(Scope* scope);

  Random& r_;
  uint64_t counter_ = 0;
  std::vector<std::string> used_rels_;
  bool bare_patterns_ = false;
  bool writing_ = false;  // the ids of new entities are nobody's promise
};

// Clauses mean whole tables: what a clause writes does not depend on the order of its rows here. One clause sets a key
// on one variable, from constants or from that entity itself; MERGE's actions set constants under keys of their own.
std::string Generator::write() {
  writing_ = true;
  Scope scope;
  std::string text;
  const uint64_t dice = r_.below(100);
  if (dice < 70) {
    text = match(&scope);
    if (r_.percent(20)) text += optional_match(&scope);
  } else if (dice < 85) {
    text = unwind(&scope);
  }
  if (!text.empty() && r_.percent(15)) text += with(&scope);
  bool deleted = false;
  bool ends_reading = false;
  for (size_t i = 0, n = 1 + r_.below(2); i < n && !deleted; ++i) {
    text += update(&scope, &deleted);
    ends_reading = !deleted && r_.percent(20);
    if (ends_reading) text += match(&scope);
  }
  const uint64_t end = r_.below(100);
  if (end < 25 && !ends_reading) return text;
  if (deleted || end < 45) {
    text += "WITH count(*) AS c0 ";
    scope = {{"c0", Type::kInt}};
    if (r_.percent(60)) text += match(&scope);
    return text + returns(scope);
  }
  if (end < 70) return text + returns(scope);
  return text + "RETURN count(*) AS c0";
}

std::string Generator::update(Scope* scope, bool* deleted) {
  const std::string n = variable(*scope, Type::kNode);
  const std::string r = variable(*scope, Type::kRel);
  const std::string e = n.empty() || (!r.empty() && r_.percent(30)) ? r : n;
  switch (e.empty() ? r_.below(5) : r_.below(14)) {
    case 0:
    case 1: return create(scope);
    case 2:
    case 3: return merge(scope);
    case 4: {
      const std::string x = fresh("z");
      Scope inner = *scope;
      inner.push_back({x, Type::kInt});
      std::string body = "CREATE (:F {i: " + integer(inner, 0) + "})";
      if (!n.empty() && r_.percent(50)) body = "SET " + n + "." + r_.pick(kWrittenKeys) + " = " + n + ".i";
      if (!n.empty() && r_.percent(20)) body = "MERGE (" + n + ")-[:R]->(:F)";
      return "FOREACH (" + x + " IN " + ints(*scope, 0) + " | " + body + ") ";
    }
    case 5:
    case 6: {
      const std::string key = r_.pick(kWrittenKeys);
      switch (r_.below(4)) {
        case 0: return "SET " + e + "." + key + " = " + std::to_string(r_.below(4)) + " ";
        case 1: return "SET " + e + "." + key + " = " + e + ".i + 1 ";
        case 2: return "SET " + e + "." + key + " = null ";
        default: return "SET " + e + "." + key + " = " + e + ".s, " + e + ".v = 1 ";
      }
    }
    case 7: return "SET " + e + (r_.percent(70) ? " += " : " = ") + "{j: 1, w: 'x', s: null} ";
    case 8:
      if (n.empty()) return "REMOVE " + e + ".i ";
      return (r_.percent(60) ? "SET " : "REMOVE ") + n + (r_.percent(50) ? ":A " : r_.percent(50) ? ":B:C " : ":D ");
    case 9: return "REMOVE " + e + "." + r_.pick(kWrittenKeys) + " ";
    case 10:
      if (r.empty()) return create(scope);
      *deleted = true;
      return "DELETE " + r + " ";
    case 11:
    case 12:
      *deleted = true;
      if (n.empty()) return "DELETE " + e + " ";
      return "DETACH DELETE " + n + " ";
    default:
      if (!r_.percent(30)) return create(scope);
      *deleted = true;
      return "DELETE " + e + " ";
  }
}

std::string Generator::new_node(Scope* scope, const Scope& known, bool name) {
  static constexpr std::string_view kLabels[] = {":A", ":B", ":A:B", "", ":F"};
  std::string text = "(";
  if (name) {
    text += fresh("n");
    scope->push_back({text.substr(1), Type::kNode});
  }
  text += r_.pick(kLabels);
  if (r_.percent(60)) {
    text += " {i: " + integer(known, 0);
    if (r_.percent(30)) text += ", s: " + string(known, 0);
    text += "}";
  }
  return text + ")";
}

std::string Generator::create(Scope* scope) {
  const Scope known = *scope;
  const auto end = [&] {
    const std::string n = variable(known, Type::kNode);
    return n.empty() || r_.percent(40) ? new_node(scope, known, r_.percent(50)) : "(" + n + ")";
  };
  if (r_.percent(40)) return "CREATE " + new_node(scope, known, r_.percent(60)) + " ";
  std::string text = "CREATE " + end();
  for (size_t i = 0, hops = 1 + r_.below(2); i < hops; ++i) {
    const std::string name = r_.percent(30) ? fresh("r") : "";
    if (!name.empty()) scope->push_back({name, Type::kRel});
    const std::string inside =
        "[" + name + (r_.percent(60) ? ":R" : ":S") + (r_.percent(40) ? " {i: " + integer(known, 0) + "}" : "") + "]";
    text += (r_.percent(60) ? "-" + inside + "->" : "<-" + inside + "-") + end();
  }
  return text + " ";
}

std::string Generator::merge(Scope* scope) {
  const Scope known = *scope;
  const std::string a = variable(known, Type::kNode), b = variable(known, Type::kNode);
  const std::string x = fresh("n");
  std::string value = std::to_string(r_.below(4));
  const std::string i = variable(known, Type::kInt);
  if (!i.empty() && r_.percent(60)) value = "coalesce(" + i + ", 0)";
  if (!a.empty() && r_.percent(30)) value = "coalesce(" + a + ".j, 1)";
  std::string text = "MERGE ";
  std::string target = x;
  if (a.empty() || r_.percent(45)) {
    text += "(" + x + (r_.percent(70) ? ":A" : ":F") + " {" + (r_.percent(60) ? "j: " : "i: ") + value + "})";
    scope->push_back({x, Type::kNode});
  } else {
    const std::string r = fresh("r");
    target = r;
    const std::string inside =
        "[" + r + (r_.percent(70) ? ":R" : ":T") + (r_.percent(30) ? " {i: " + value + "}" : "") + "]";
    // Without a direction between two known nodes, the first row would decide which way a relationship goes.
    const bool both_known = r_.percent(60);
    const uint64_t way = r_.below(both_known ? 2 : 3);
    text += "(" + a + ")" + (way == 1 ? "<-" : "-") + inside + (way == 0 ? "->" : "-");
    if (both_known) {
      text += "(" + b + ")";
    } else {
      text += "(" + x + ":B {j: " + value + "})";
      scope->push_back({x, Type::kNode});
    }
    scope->push_back({r, Type::kRel});
  }
  if (r_.percent(40)) text += " ON CREATE SET " + target + ".w = 1";
  if (r_.percent(40)) text += " ON MATCH SET " + target + ".v = 2";
  return text + " ";
}

}  // namespace

ReferenceGraph random_graph(Random& r) {
  ReferenceGraph graph;
  static constexpr size_t kNodes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  const size_t nodes = r.percent(80) ? 3 + r.below(5) : r.pick(kNodes);
  const auto properties = [&](bool node) {
    Properties p;
    static constexpr double kFloats[] = {-1.5, 0.0, 0.5, 1.0, 2.0, 2.5};
    static constexpr std::string_view kStrings[] = {"", "a", "b", "ab", "abc", "B", "ba"};
    static constexpr int64_t kDays[] = {-1, 19'753, 19'782, 19'783};  // 1969-12-31, 2024-01-31, -02-29, -03-01
    if (r.percent(node ? 75 : 50)) p["i"] = Value::integer(static_cast<int64_t>(r.below(6)) - 1);
    if (r.percent(node ? 70 : 50)) p["j"] = Value::integer(static_cast<int64_t>(r.below(3)));
    if (r.percent(node ? 50 : 20)) p["f"] = Value::floating(r.pick(kFloats));
    if (r.percent(node ? 60 : 30)) p["s"] = Value::string(r.pick(kStrings));
    if (r.percent(node ? 50 : 30)) p["b"] = Value::boolean(r.percent(50));
    if (r.percent(node ? 65 : 30)) {
      switch (r.below(10)) {
        case 6: p["m"] = Value::date({kDays[r.below(4)]}); break;
        case 7:
          p["m"] = Value::date_time({19'753 * 86'400 + 36'000 * static_cast<int64_t>(r.below(2)), 0, 0, {}});
          break;
        case 8: p["m"] = Value::duration({static_cast<int64_t>(r.below(2)), 1, 0, 0}); break;
        case 9: p["m"] = Value::point({Crs::kCartesian, static_cast<double>(r.below(3)), 0.5, 0}); break;
        case 0: p["m"] = Value::integer(static_cast<int64_t>(r.below(3))); break;
        case 1: p["m"] = Value::floating(r.pick(kFloats)); break;
        case 2: p["m"] = Value::string(r.pick(kStrings)); break;
        case 3: p["m"] = Value::boolean(r.percent(50)); break;
        case 4: p["m"] = Value::list({Value::integer(1), Value::integer(2)}); break;
        default: p["m"] = Value::list({Value::string("a"), r.percent(30) ? Value() : Value::floating(1.0)}); break;
      }
    }
    if (r.percent(node ? 40 : 20)) p["d"] = Value::date({kDays[r.below(4)]});
    if (r.percent(node ? 30 : 15)) {
      p["t"] = Value::local_date_time({kDays[r.below(4)] * 86'400 + static_cast<int64_t>(r.below(3)) * 43'000, 0});
    }
    if (r.percent(node ? 30 : 15)) {
      p["p"] = Value::point({Crs::kCartesian, static_cast<double>(r.below(3)), r.pick(kFloats), 0});
    }
    if (r.percent(node ? 40 : 20)) {
      List items;
      for (size_t n = r.below(4); n > 0; --n) items.push_back(Value::integer(static_cast<int64_t>(r.below(4))));
      p["l"] = Value::list(std::move(items));
    }
    return p;
  };
  for (size_t i = 0; i < nodes; ++i) {
    GraphNode node;
    if (r.percent(70)) node.labels.insert("A");
    if (r.percent(50)) node.labels.insert("B");
    if (r.percent(15)) node.labels.insert("C");
    node.properties = properties(true);
    if (r.percent(60)) node.properties["u"] = Value::integer(static_cast<int64_t>(i));
    graph.add_node(std::move(node));
  }
  const size_t relationships = nodes == 0 ? 0 : nodes / 2 + r.below(nodes * 3 / 2 + 1);
  for (size_t i = 0; i < relationships; ++i) {
    GraphRelationship relationship;
    relationship.start = r.below(nodes);
    relationship.end = r.percent(8) ? relationship.start : r.below(nodes);
    relationship.type = r.percent(50) ? "R" : r.percent(80) ? "S" : "T";
    relationship.properties = properties(false);
    graph.add_relationship(std::move(relationship));
  }
  return graph;
}

const Value& parameters() {
  static const Value kParameters = [] {
    List items;
    for (const int i : {1, 3}) items.push_back(Value::integer(i));
    items.emplace(items.begin() + 1);
    std::vector<MapEntry> map, all;
    map.emplace_back(Value::string("a"), Value::integer(1));
    map.emplace_back(Value::string("b"), Value::string("x"));
    const auto add = [&](const char* name, Value value) { all.emplace_back(Value::string(name), std::move(value)); };
    add("two", Value::integer(2));
    add("minus", Value::integer(-1));
    add("half", Value::floating(0.5));
    add("text", Value::string("ab"));
    add("none", Value());
    add("any", Value::boolean(true));
    add("list", Value::list(std::move(items)));
    add("map", Value::map(std::move(map)));
    add("day", Value::date({19'782}));
    add("moment", Value::local_date_time({19'753 * 86'400, 0}));
    add("span", Value::duration({1, 2, 3'600, 0}));
    add("place", Value::point({Crs::kCartesian, 1, 0.5, 0}));
    return Value::map(std::move(all));
  }();
  return kParameters;
}

std::string literal_text(const Value& value) {
  switch (value.type()) {
    case ValueType::kNull: return "null";
    case ValueType::kBoolean: return value.as_boolean() ? "true" : "false";
    case ValueType::kInteger: return std::to_string(value.as_integer());
    case ValueType::kFloat: {
      char text[40];
      std::snprintf(text, sizeof text, "%.17g", value.as_float());
      std::string out = text;
      return out.find_first_of(".en") == std::string::npos ? out + ".0" : out;
    }
    case ValueType::kString: return "'" + std::string(value.as_string()) + "'";
    case ValueType::kList: {
      std::string text = "[";
      for (const Value& item : value.as_list()) text += (text.size() > 1 ? ", " : "") + literal_text(item);
      return text + "]";
    }
    default: return special_literal(value);
  }
}

std::string create_text(const ReferenceGraph& graph) {
  std::string text;
  const auto map = [](const Properties& properties) {
    if (properties.empty()) return std::string();
    std::string out = " {";
    for (const auto& [key, value] : properties) out += (out.size() > 2 ? ", " : "") + key + ": " + literal_text(value);
    return out + "}";
  };
  for (const auto& [id, node] : graph.nodes) {
    text += text.empty() ? "CREATE " : ", ";
    text += "(n" + std::to_string(id);
    for (const std::string& label : node.labels) text += ":" + label;
    text += map(node.properties) + ")";
  }
  for (const auto& [id, r] : graph.relationships) {
    text +=
        ", (n" + std::to_string(r.start) + ")-[:" + r.type + map(r.properties) + "]->(n" + std::to_string(r.end) + ")";
  }
  return text;
}

std::string random_read(Random& random) {
  return Generator(random).read();
}
std::string random_write(Random& random) {
  return Generator(random).write();
}
MatchAndPredicate random_partition(Random& random) {
  return Generator(random).partition();
}

}  // namespace lora::reference
