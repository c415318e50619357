#include "tests/reference/random_generator.h"

#include <algorithm>
#include <utility>

namespace lora::reference {

bool Generator::has(const Scope& scope, const std::string& name) {
  return std::any_of(scope.begin(), scope.end(), [&](const Variable& v) { return v.name == name; });
}

std::vector<std::string> Generator::names(const Scope& scope, Type type) {
  std::vector<std::string> out;
  for (const Variable& v : scope) {
    if (v.type == type) out.push_back(v.name);
  }
  return out;
}

std::string Generator::variable(const Scope& scope, Type type) {
  const std::vector<std::string> all = names(scope, type);
  return all.empty() ? "" : r_.pick(all);
}

std::string Generator::entity(const Scope& scope) {
  const std::string n = variable(scope, Type::kNode);
  const std::string r = variable(scope, Type::kRel);
  return n.empty() || (!r.empty() && r_.percent(30)) ? r : n;
}

Type Generator::any_type(const Scope& scope) {
  static constexpr Type kTypes[] = {Type::kInt,   Type::kInt,      Type::kFloat, Type::kString, Type::kBool,
                                    Type::kAny,   Type::kInts,     Type::kBag,   Type::kNode,   Type::kDate,
                                    Type::kMap,   Type::kAny,      Type::kInt,   Type::kNode,   Type::kMoment,
                                    Type::kPoint, Type::kDuration, Type::kVector};
  const Type type = r_.pick(kTypes);
  return type == Type::kNode && variable(scope, Type::kNode).empty() ? Type::kAny : type;
}

std::string Generator::expression(const Scope& scope, Type type, int depth) {
  switch (type) {
    case Type::kInt: return integer(scope, depth);
    case Type::kFloat: return r_.percent(15) ? far_distance() : real(scope, depth);
    case Type::kString: return string(scope, depth);
    case Type::kBool: return boolean(scope, depth);
    case Type::kInts: return ints(scope, depth);
    case Type::kBag: return bag(scope, depth);
    case Type::kDate: return date(scope, depth);
    case Type::kMoment: return moment(scope, depth);
    case Type::kDuration: return duration(scope, depth);
    case Type::kPoint: return point(scope);
    case Type::kVector: return vector(scope, depth);
    case Type::kMap: return map(scope, depth);
    case Type::kNode: {
      const std::string n = variable(scope, Type::kNode);
      return n.empty() ? "null" : n;
    }
    default: return any(scope, depth);
  }
}

std::string Generator::anything(const Scope& scope) {
  const uint64_t dice = r_.below(4);
  if (dice == 0 && !entity(scope).empty()) return entity(scope);
  const std::string p = variable(scope, Type::kPath);
  if (dice == 1 && !p.empty()) return p;
  return any(scope, 1);
}

std::string Generator::any(const Scope& scope, int depth) {
  if (r_.percent(20)) {
    switch (r_.below(7)) {
      case 0: return date(scope, depth);
      case 1: return moment(scope, depth);
      case 2: return duration(scope, depth);
      case 3: return point(scope);
      case 4: return r_.percent(50) ? "$any" : "$none";
      case 5: return vector(scope, depth);
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
      if (!e.empty())
        return e + (r_.percent(6)   ? "[$key]"
                    : r_.percent(4) ? (r_.percent(60)   ? "['m']"
                                       : r_.percent(50) ? "[$none]"
                                                        : "[null]")
                                    : ".m");
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

std::string Generator::integer(const Scope& scope, int depth) {
  if (depth <= 0 || r_.percent(45)) {
    const uint64_t dice = r_.below(10);
    const std::string v = variable(scope, Type::kInt);
    if (dice < 3 && !v.empty()) return v;
    const std::string group = variable(scope, r_.percent(50) ? Type::kNodes : Type::kRels);
    if (dice < 6 && !group.empty()) {
      static constexpr std::string_view kItems[][2] = {
          {"head(", ").i"}, {"last(", ").j"}, {"", "[0].j"}, {"", "[-1].i"}};
      const auto& item = r_.pick(kItems);
      return std::string(item[0]) + group + std::string(item[1]);
    }
    const std::string e = entity(scope);
    if (dice < 8 && !e.empty()) return e + (r_.percent(60) ? ".i" : r_.percent(80) ? ".j" : ".u");
    if (dice == 8 && r_.percent(20)) return "null";
    static constexpr std::string_view kLiterals[] = {"0", "1", "2", "3", "-1", "5", "$two", "$minus"};
    return std::string(r_.pick(kLiterals));
  }
  if (r_.percent(18)) {
    switch (r_.below(6)) {
      case 5: return "vector_dimension_count(" + vector(scope, depth - 1) + ")";
      case 0: return date(scope, depth - 1) + (r_.percent(40) ? ".day" : r_.percent(50) ? ".month" : ".year");
      case 1: return moment(scope, depth - 1) + (r_.percent(50) ? ".hour" : ".day");
      case 2: return duration(scope, depth - 1) + (r_.percent(50) ? ".days" : ".months");
      case 3: {
        static constexpr std::string_view kParts[] = {".hour", ".day", ".epochSeconds", ".offsetMinutes", ".minute"};
        if (r_.percent(50)) return zoned_moment() + std::string(r_.pick(kParts));
        return "duration.inDays(" + date(scope, depth - 1) + ", " + date(scope, depth - 1) + ").days";
      }
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
      const std::string from = variable(scope, Type::kNode), to = variable(scope, Type::kNode);
      if (from != to && r_.percent(50)) return shortest_length(from, to);
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

std::string Generator::real(const Scope& scope, int depth) {
  const std::string e = entity(scope);
  const std::string v = variable(scope, Type::kFloat);
  if (!v.empty() && r_.percent(30)) return v;
  if (!e.empty() && r_.percent(60)) return e + ".f";
  if (depth <= 0 || r_.percent(40)) {
    static constexpr std::string_view kLiterals[] = {"0.5", "1.0", "-1.5", "2.0", "0.0", "$half"};
    return std::string(r_.pick(kLiterals));
  }
  if (r_.percent(30)) {
    static constexpr std::string_view kParts[] = {".x", ".y", ".z", ".longitude", ".latitude", ".height"};
    if (r_.percent(50)) return point(scope) + std::string(r_.pick(kParts));
    if (r_.percent(40)) return vector_number(scope, depth - 1);
    return r_.percent(30) ? far_distance() : "point.distance(" + point(scope) + ", " + point(scope) + ")";
  }
  switch (r_.below(4)) {
    case 0: return "(" + real(scope, depth - 1) + " + " + integer(scope, depth - 1) + ")";
    case 1: return "(" + real(scope, depth - 1) + " * 2)";
    case 2: return "toFloat(" + integer(scope, depth - 1) + ")";
    default: return "floor(" + real(scope, depth - 1) + ")";
  }
}

std::string Generator::string(const Scope& scope, int depth) {
  if (depth <= 0 || r_.percent(50)) {
    const std::string v = variable(scope, Type::kString);
    if (!v.empty() && r_.percent(30)) return v;
    const std::string rel = variable(scope, Type::kRel);
    if (!rel.empty() && r_.percent(20)) return "type(" + rel + ")";
    const std::string e = entity(scope);
    if (!e.empty() && r_.percent(70)) return e + ".s";
    static constexpr std::string_view kLiterals[] = {"'a'", "'b'",  "'ab'",  "''", "'abc'",
                                                     "'B'", "null", "$text", "'é'"};
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

std::string Generator::ints(const Scope& scope, int depth) {
  const std::string v = variable(scope, Type::kInts);
  if (!v.empty() && r_.percent(30)) return v;
  const std::string e = entity(scope);
  if (!e.empty() && r_.percent(35)) return e + ".l";
  if (depth <= 0 || r_.percent(30)) {
    static constexpr std::string_view kLiterals[] = {"[1, 2, 3]", "[]",          "[2]",  "[1, null, 2]",
                                                     "[3, 1, 1]", "range(0, 3)", "$list"};
    return std::string(r_.pick(kLiterals));
  }
  switch (r_.below(8)) {
    case 7:
      if (r_.percent(25)) return "toIntegerList(" + vector(scope, depth - 1) + ")";
      [[fallthrough]];
    case 0: return "[" + integer(scope, depth - 1) + ", " + integer(scope, depth - 1) + "]";
    case 1: return "(" + ints(scope, depth - 1) + " + " + ints(scope, depth - 1) + ")";
    case 2: {
      const std::string x = fresh("z");
      Scope inner = scope;
      inner.push_back({x, Type::kInt});
      return "[" + x + " IN " + ints(scope, depth - 1) + (r_.percent(60) ? " WHERE " + boolean(inner, depth - 1) : "") +
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
      if (!p.empty() && r_.percent(50)) return "[" + x + " IN nodes(" + p + ") | " + x + ".i]";
      const std::string rels = variable(scope, Type::kRels);
      if (!p.empty()) return "[" + x + " IN relationships(" + p + ") | " + x + ".j]";
      if (!rels.empty()) return "[" + x + " IN " + rels + " | " + x + ".j]";
      return "[1, " + integer(scope, depth - 1) + "]";
    }
  }
}

std::string Generator::bag(const Scope& scope, int depth) {
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
      std::string text = "[" + hop_pattern(&inner, false);
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

std::string Generator::comparison() {
  static constexpr std::string_view kOps[] = {" = ", " <> ", " < ", " <= ", " > ", " >= ", " = "};
  return std::string(r_.pick(kOps));
}

std::string Generator::where(const Scope& scope, int depth) {
  const bool outside = bare_patterns_;
  bare_patterns_ = true;
  std::string text = boolean(scope, depth);
  bare_patterns_ = outside;
  return text;
}

std::string Generator::boolean(const Scope& scope, int depth) {
  const bool bare = bare_patterns_;
  std::string text = boolean_of(scope, depth);
  bare_patterns_ = bare;
  return text;
}

std::string Generator::boolean_of(const Scope& scope, int depth) {
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
  if (r_.percent(8)) return parameter_predicate(scope, less);
  if (r_.percent(18)) {
    switch (r_.below(8)) {
      case 7:
        if (r_.percent(40)) return vector_number(scope, less) + comparison() + real(scope, less);
        if (r_.percent(20)) return vector(scope, less) + " IN [" + vector(scope, 0) + ", " + any(scope, 0) + "]";
        return vector(scope, less) + comparison() + vector(scope, 0);
      case 6: return zoned(scope, less) + comparison() + (r_.percent(30) ? any(scope, less) : zoned(scope, less));
      case 0:
      case 1:
        if (r_.percent(25)) return zoned_moment() + comparison() + zoned_moment();
        if (r_.percent(15)) return "date(" + zoned_moment() + ")" + comparison() + date(scope, less);
        return date(scope, less) + comparison() + date(scope, less);
      case 2:
        if (r_.percent(15)) return "localdatetime(" + zoned_moment() + ")" + comparison() + moment(scope, less);
        return moment(scope, less) + comparison() + moment(scope, less);
      case 3: return point(scope) + comparison() + point(scope);
      case 4:
        if (r_.percent(50)) return duration(scope, less) + comparison() + duration(scope, less);
        return map(scope, less) + (r_.percent(50) ? " = " : " <> ") + map(scope, less);
      default: {
        static constexpr std::string_view kBoxes[] = {
            "point({x: 0, y: -2}), point({x: 1.5, y: 1})",
            "point({x: 0, y: -2}), point({x: 1.5, y: 1})",
            "point({x: 0, y: 0, z: -2}), point({x: 1.5, y: 1, z: 2})",
            "point({longitude: 170, latitude: -20}), point({longitude: -170, latitude: 20})",
            "point({longitude: 0, latitude: 0}), point({longitude: 10, latitude: 52})",
            "point({longitude: 0, latitude: 0, height: 0}), point({longitude: 10, latitude: 60, height: 50})"};
        return "point.withinBBox(" + point(scope) + ", " + std::string(r_.pick(kBoxes)) + ")";
      }
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
      static constexpr std::string_view kRegexes[] = {"'a.*'",   "'[ab]+'",    "'.*b'",     "'a|b|é'",   "'(ab)?c?'",
                                                      "''",      "'.'",        "'(?i)A.*'", "'a{1,2}b'", "'(?i)é'",
                                                      "'[^a]*'", "'.+(a|b)?'", "'日.?'",    "'(a|b)*c'", "$text"};
      if (r_.percent(25)) return left + " =~ " + std::string(r_.pick(kRegexes));
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
      const std::string list = variable(scope, Type::kNodes);
      if (!a.empty() && !list.empty() && r_.percent(60)) return a + " IN " + list;
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
      } else if (!variable(scope, Type::kRels).empty() && r_.percent(50)) {
        list = variable(scope, Type::kRels);
        inner.push_back({x, Type::kRel});
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

}  // namespace lora::reference
