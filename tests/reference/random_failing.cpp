// Queries that may fail at run time: wrong types, overflow, division by zero, bad arguments.
//
// Cypher leaves open in which order conditions are tried, when a LIMIT or an EXISTS has seen enough, and whether a
// value that nobody reads is worked out at all. So an expression that may fail stands only where every row that reaches
// its clause works it out whole:
// * in a column that the result shows, sorts by or aggregates, also by way of a WITH all of whose columns are shown,
// and
//   no clause after it cuts or drops rows but by that column itself;
// * in WHERE as the only condition on a single node (a dynamic label is one, too) or a row of UNWIND, and then it reads
// that node or row;
// * in what a clause writes.
// Inside of it, CASE, coalesce() and a comprehension's WHERE decide what is worked out: that is promised, and
// generated. AND, OR, quantifiers and chained comparisons promise no order: nothing under them may fail.
#include "tests/reference/random_generator.h"

namespace lora::reference {

// A value of any type, of which nothing is known before the query runs.
std::string Generator::raw(const Scope& scope) {
  const std::string e = entity(scope);
  static constexpr std::string_view kKeys[] = {".m", ".m", ".m", ".i", ".s", ".l", ".b", ".d", ".f", ".q"};
  if (!wild_.empty() && has(scope, wild_) && r_.percent(60)) return wild_;
  if (e.empty() || r_.percent(25)) return r_.percent(70) ? "$wild" : "$any";
  return e + std::string(r_.pick(kKeys));
}

// A number, or a failure.
std::string Generator::failing_number(const Scope& scope, int depth) {
  const std::string e = entity(scope);
  const auto divisor = [&]() -> std::string {
    if (e.empty() || r_.percent(10)) return "$zero";
    return r_.percent(60) ? e + ".j" : r_.percent(50) ? e + ".i" : "(" + e + ".i - 1)";
  };
  const int less = depth - 1;
  switch (r_.below(depth > 0 ? 8 : 3)) {
    case 0: return "(" + integer(scope, 0) + (r_.percent(60) ? " / " : " % ") + divisor() + ")";
    case 1: {
      static constexpr std::string_view kOps[] = {" + ", " - ", " * "};
      return (r_.percent(60) ? "($big" : "(9223372036854775807") + std::string(r_.pick(kOps)) + integer(scope, 0) + ")";
    }
    case 2: return "(6 / " + divisor() + ")";
    case 3: {
      const std::string x = fresh("z"), s = fresh("z");
      return "reduce(" + s + " = 0, " + x + " IN " + ints(scope, 0) + " | " + s + " + 6 / " + x + ")";
    }
    case 4: {
      const std::string d = divisor();
      return "CASE WHEN " + d + " <> 0 THEN 6 / " + d + (r_.percent(50) ? " ELSE 0" : "") + " END";
    }
    case 5: return "coalesce(" + integer(scope, 0) + ", " + failing_number(scope, less) + ")";
    case 6: return "(" + failing_number(scope, less) + (r_.percent(50) ? " + " : " * ") + integer(scope, 0) + ")";
    default: return "CASE WHEN " + boolean(scope, 1) + " THEN " + failing_number(scope, less) + " ELSE 1 END";
  }
}

// A value of any type, or a failure. Operands whose type is known before the query runs are of the right type: what
// cannot work fails without any row.
std::string Generator::failing_value(const Scope& scope, int depth) {
  const int less = depth - 1;
  switch (r_.below(depth > 0 ? 21 : 15)) {
    case 13:
      switch (r_.below(5)) {
        case 0: return "vector(" + raw(scope) + ", 2, " + (r_.percent(50) ? "INTEGER8)" : "FLOAT32)");
        case 1: return "vector([" + raw(scope) + ", 1], 2, " + (r_.percent(50) ? "INTEGER16)" : "FLOAT)");
        case 2: return "vector([1, 2], " + raw(scope) + ", INTEGER)";
        case 3: return "vector([127 + " + integer(scope, 0) + "], 1, INTEGER8)";
        default: return "vector([$big, " + integer(scope, 0) + "], 2, " + (r_.percent(50) ? "INTEGER32)" : "INTEGER)");
      }
    case 14: {
      static constexpr std::string_view kFunctions[] = {"vector.similarity.cosine(", "vector.similarity.euclidean(",
                                                        "vector_distance("};
      const std::string name(r_.pick(kFunctions));
      if (r_.percent(25)) return "vector_dimension_count(" + raw(scope) + ")";
      if (r_.percent(25)) return "vector_norm(" + raw(scope) + ", EUCLIDEAN)";
      return name + raw(scope) + ", " + (r_.percent(50) ? raw(scope) : vector(scope, 0)) +
             (name == "vector_distance(" ? ", COSINE)" : ")");
    }
    case 0:
    case 1: return failing_number(scope, less);
    case 2: {
      static constexpr std::string_view kOps[] = {" + ", " - ", " * ", " / ", " % ", " || "};
      const std::string_view op = r_.pick(kOps);
      const std::string left = raw(scope);
      return "(" + left + std::string(op) + (r_.percent(60) || op == " || " ? raw(scope) : "2") + ")";
    }
    case 3: return raw(scope) + "[" + (r_.percent(50) ? raw(scope) : r_.percent(50) ? "0" : "'a'") + "]";
    case 4: return raw(scope) + ".a";
    case 5:
    case 6: {
      static constexpr std::string_view kFunctions[] = {
          "size",      "head",    "last",      "tail",  "reverse", "toUpper", "toLower",   "abs",
          "sign",      "floor",   "ceil",      "keys",  "isEmpty", "trim",    "toInteger", "toFloat",
          "toBoolean", "toFloat", "toInteger", "range", "split",   "replace", "toBoolean", "length"};
      const std::string_view name = r_.pick(kFunctions);
      std::string text = std::string(name) + "(";
      if (name == "range") return text + "0, " + raw(scope) + ")";
      text += raw(scope);
      if (name == "split") text += ", 'b'";
      if (name == "replace") text += ", 'a', 'b'";
      return text + ")";
    }
    case 7: {
      static constexpr std::string_view kFunctions[] = {"substring", "left", "right"};
      const std::string name(r_.pick(kFunctions));
      if (r_.percent(40)) return name + "('abc', " + integer(scope, 0) + ")";
      return name + "(" + (r_.percent(50) ? "'abc', " + raw(scope) : raw(scope) + ", 1") + ")";
    }
    case 8:
      return r_.percent(40)   ? "(NOT " + raw(scope) + ")"
             : r_.percent(50) ? "(true XOR " + raw(scope) + ")"
                              : "(-" + raw(scope) + ")";
    case 9: return "(" + integer(scope, 0) + " IN " + raw(scope) + ")";
    case 10: {
      const std::string x = fresh("z");
      if (r_.percent(30)) return "[" + x + " IN " + raw(scope) + " | " + x + "]";
      return "[" + x + " IN " + ints(scope, 0) + (r_.percent(60) ? " WHERE " + x + " <> 0" : "") + " | 6 / " + x + "]";
    }
    case 11:
      if (r_.percent(50)) return "range(0, 3, " + integer(scope, 0) + ")";
      return "date('2024-0' + toString(" + integer(scope, 0) + ") + '-01')";
    case 12:
      if (r_.percent(50)) return raw(scope) + "[" + (r_.percent(50) ? "0" : raw(scope)) + "..]";
      return "point({x: " + raw(scope) + ", y: 1})";
    case 15: return "[" + failing_value(scope, less) + ", " + failing_value(scope, less) + "]";
    case 16: return "{a: " + failing_value(scope, less) + ", b: " + any(scope, 0) + "}";
    case 17:
      return "CASE WHEN " + boolean(scope, 1) + " THEN " + failing_value(scope, less) +
             (r_.percent(60) ? " ELSE " + failing_value(scope, less) : "") + " END";
    case 18:
      return "CASE " + raw(scope) + " WHEN 1 THEN " + failing_value(scope, less) + " WHEN 'a' THEN " + any(scope, 0) +
             " ELSE " + failing_value(scope, less) + " END";
    case 19: return "coalesce(" + raw(scope) + ", " + failing_value(scope, less) + ")";
    default: {
      if (!bags_) return failing_number(scope, less);
      Scope inner = scope;
      const bool comprehension = r_.percent(50);
      const std::string hop = hop_pattern(&inner, !comprehension);
      if (comprehension) return "[" + hop + " | " + failing_value(inner, less) + "]";
      return "COLLECT { MATCH " + hop + " RETURN " + failing_value(inner, less) + " AS e }";
    }
  }
}

// A condition that reads the variable, and may fail.
std::string Generator::failing_condition(const std::string& value) {
  switch (r_.below(8)) {
    case 0: return value;
    case 1: return "NOT " + value;
    case 2: return "(" + value + " XOR true)";
    case 3: return "1 IN " + value;
    case 4: return "6 / " + value + comparison() + "2";
    case 5: return value + " * 2" + comparison() + "2";
    case 6: return value + "[0] = 1";
    default: return "toInteger(" + value + ")" + comparison() + "1";
  }
}

// Rows to work on; no WITH or RETURN behind them may drop any.
std::string Generator::failing_source(Scope* scope) {
  wild_.clear();
  const uint64_t dice = r_.below(100);
  if (dice < 10) {
    wild_ = fresh("x");
    scope->push_back({wild_, Type::kAny});
    return "UNWIND $mixed AS " + wild_ + " " +
           (r_.percent(40) ? "WITH " + wild_ + " WHERE " + failing_condition(wild_) + " " : "");
  }
  if (dice < 30) {
    const std::string n = fresh("n");
    scope->push_back({n, Type::kNode});
    static constexpr std::string_view kKeys[] = {".m", ".m", ".i", ".j", ".l", ".b", ".s"};
    return "MATCH (" + n + labels(60, false) + ") WHERE " + failing_condition(n + std::string(r_.pick(kKeys))) + " ";
  }
  return clauses(scope, 1 + r_.below(2));
}

std::string Generator::failing_items(const Scope& scope) {
  const uint64_t form = r_.below(9);
  bags_ = form != 2 && form != 5;
  std::string value = r_.percent(35) ? failing_number(scope, 2) : failing_value(scope, 2);
  bags_ = true;
  switch (form) {
    case 0: return "count(" + value + ") AS a";
    case 1: return "max(" + failing_number(scope, 1) + ") AS a, count(*) AS c";
    case 2: return value + " AS a, count(*) AS c";
    case 3: return "collect(" + value + ") AS a";
    case 4: return (r_.percent(50) ? "sum(" : "avg(") + raw(scope) + ") AS a";
    case 5: return "DISTINCT " + value + " AS a, " + any(scope, 0) + " AS b";
    case 6: return "sum($big) AS a";
    default: return value + " AS a" + (r_.percent(40) ? ", " + any(scope, 0) + " AS b" : "");
  }
}

std::string Generator::failing_read() {
  Scope scope;
  const uint64_t form = r_.below(10);
  if (form == 9) {
    static constexpr std::string_view kSelectors[] = {"SHORTEST $wild", "ANY $wild", "SHORTEST $wild GROUPS"};
    return "MATCH p = " + std::string(r_.pick(kSelectors)) + " (a" + labels(50, false) + ")-[:R|S]->+(b" +
           labels(50, false) + ") RETURN count(length(p)) AS a";
  }
  // A LIMIT of 0 looks at no row.
  std::string text = form == 5 ? clauses(&scope, 1) : failing_source(&scope);
  switch (form) {
    case 0: {
      const std::string f = fresh("w");
      return text + "WITH " + failing_number(scope, 2) + " AS " + f + " WHERE " + f + comparison() + "1 RETURN " + f +
             " AS a ORDER BY a";
    }
    case 1: return text + "WITH " + failing_items(scope) + " RETURN *";
    case 2: {
      std::string imports;
      for (const Variable& v : scope) imports += (imports.empty() ? "" : ", ") + v.name;
      const std::string y = fresh("y");
      return text + "CALL (" + imports + ") { RETURN " + failing_value(scope, 2) + " AS " + y + " } RETURN " + y;
    }
    case 3: {
      Scope other;
      bags_ = false;
      text += "RETURN " + failing_value(scope, 2) + " AS a ";
      bags_ = true;
      text += r_.percent(50) ? "UNION " : "UNION ALL ";
      return text + failing_source(&other) + "RETURN " + failing_number(other, 1) + " AS a";
    }
    case 4: return text + "RETURN " + any(scope, 1) + " AS a, 1 AS b ORDER BY " + failing_number(scope, 1);
    case 5: return text + "RETURN count(*) AS a" + (r_.percent(50) ? " LIMIT $wild" : " SKIP $wild");
    case 6: {
      const std::string x = fresh("x");
      return text + "UNWIND " + (r_.percent(50) ? raw(scope) : "[1, " + failing_value(scope, 1) + "]") + " AS " + x +
             " RETURN " + x + " AS a";
    }
    default: return text + "RETURN " + failing_items(scope);
  }
}

std::string Generator::failing_write() {
  writing_ = true;
  Scope scope;
  std::string text = r_.percent(40) ? match(&scope) : failing_source(&scope);
  const std::string n = variable(scope, Type::kNode);
  const std::string end = r_.percent(50) ? "" : "RETURN count(*) AS c0";
  // Without subqueries: what another row has written is not for this one to see.
  if (r_.percent(25)) return text + dynamic_write(n) + end;
  const uint64_t form = n.empty() ? r_.below(4) : r_.below(8);
  const Scope seen = form == 4 ? Scope{{n, Type::kNode}} : scope;
  const std::string value = r_.percent(50) ? failing_number(seen, 0) : failing_value(seen, 0);
  switch (form) {
    case 0:
    case 1: return text + "CREATE (:F {i: " + value + "}) " + end;
    case 2: return text + "MERGE (:F {i: " + value + "}) " + end;
    case 3: return text + "FOREACH (x IN " + raw(scope) + " | CREATE (:F)) " + end;
    case 4: return text + "SET " + n + ".w = " + value + " " + end;
    case 5: return text + "SET " + n + (r_.percent(50) ? " += " : " = ") + "$wild " + end;
    case 6: return text + "DELETE " + (r_.percent(50) ? "$wild " : n + ".m ") + end;
    default: return text + "CREATE (" + n + ")-[:R {i: " + value + "}]->(:F) " + end;
  }
}

// Names that come as values, some of which are none.
std::string Generator::dynamic_write(const std::string& n) {
  static constexpr std::string_view kNames[] = {"$none", "$nulls", "$labels", "$types", "$wild", "$label"};
  const std::string name(r_.pick(kNames));
  switch (r_.below(n.empty() ? 2 : 8)) {
    case 0: return "CREATE (:F:$(" + name + ")) ";
    case 1: return "MERGE (:F:$(" + name + ")) ";
    case 2: return "SET " + n + ":$(" + name + ") ";
    case 3: return "REMOVE " + n + ":$(" + name + ") ";
    case 4: return "SET " + n + (r_.percent(50) ? "[$none] = 1 " : "[$wild] = 1 ");
    case 5: return "REMOVE " + n + (r_.percent(50) ? "[$none] " : "[$wild] ");
    case 6: return "CREATE (" + n + ")-[:$(" + name + ")]->(:F) ";
    default: return "MERGE (" + n + ")-[:$(" + name + ")]->(" + n + ") ";
  }
}

// Parameters of any type beside properties, which may have an index.
std::string Generator::parameter_predicate(const Scope& scope, int depth) {
  const std::string e = entity(scope);
  static constexpr std::string_view kKeys[] = {".i", ".j", ".u", ".s", ".m", ".m", ".f",
                                               ".d", ".t", ".p", ".l", ".b", ".q"};
  const std::string value = e.empty() ? any(scope, depth) : e + std::string(r_.pick(kKeys));
  static constexpr std::string_view kStrings[] = {" STARTS WITH ", " ENDS WITH ", " CONTAINS "};
  switch (r_.below(6)) {
    case 0: return value + " IN $mixed";
    case 1: return value + " IN [$any, $two, " + integer(scope, 0) + "]";
    case 2: return value + std::string(r_.pick(kStrings)) + "$any";
    case 3: return "$any" + comparison() + value;
    default: return value + comparison() + "$any";
  }
}

}  // namespace lora::reference
