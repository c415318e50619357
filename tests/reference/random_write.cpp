#include "tests/reference/random_generator.h"

namespace lora::reference {

// Clauses mean whole tables: what a clause writes does not depend on the order of its rows here. One clause sets a key
// on one variable, from constants or from that entity itself; MERGE's actions set constants under keys of their own.
std::string Generator::write() {
  if (r_.percent(8)) return failing_write();
  if (r_.percent(8)) return constrained_write();
  if (r_.percent(4)) return in_transactions();
  if (r_.percent(6)) return serial_call();
  if (r_.percent(4)) return ordered_call();
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
    const bool calls = r_.percent(12);
    const size_t before = scope.size();
    text += calls ? writing_call(&scope, &deleted) : update(&scope, &deleted);
    ends_reading = calls && scope.size() > before;
    if (deleted || !r_.percent(20)) continue;
    ends_reading = true;
    text += r_.percent(85) ? match(&scope) : procedure(&scope);
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

// Writes that may break a constraint: `u` of :A is unique. Constraints are checked at each write, so only such clauses
// as break one in whatever order the rows come: what has a value keeps it or gets the one value of the clause.
std::string Generator::constrained_write() {
  writing_ = true;
  Scope scope;
  std::string text = match(&scope);
  if (r_.percent(40)) {
    scope.clear();
    text = unwind(&scope);
  }
  const std::string n = variable(scope, Type::kNode);
  static constexpr std::string_view kValues[] = {"0", "1", "2", "7", "8", "9", "$two", "'x'", "1.0", "null", "[1]"};
  const std::string value(r_.pick(kValues));
  const std::string end = r_.percent(50) ? "" : "RETURN count(*) AS c0";
  switch (n.empty() ? r_.below(4) : r_.below(8)) {
    case 0: return text + "CREATE (:A {u: " + integer(scope, 0) + "}) " + end;
    case 1: return text + "CREATE (:C:A {s: 'x', u: " + integer(scope, 0) + "}) " + end;
    case 2: return text + "MERGE (m:A {u: " + std::to_string(r_.below(10)) + "}) SET m.v = 1 " + end;
    case 3: return text + "MERGE (m:A {u: " + std::to_string(r_.below(10)) + ", j: 1}) " + end;
    case 4: return text + "SET " + n + (r_.percent(50) ? ":A " : ":A:B ") + end;
    case 5: return text + "SET " + n + ".u = " + value + " " + end;
    case 6: return text + "SET " + n + (r_.percent(50) ? " += " : " = ") + "{u: " + value + "} " + end;
    default: return text + "SET " + n + ":A:B, " + n + ".u = " + value + " " + end;
  }
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
        case 0:
          if (r_.percent(25)) return "SET " + e + ".q = " + (r_.percent(70) ? "vector([1, 3], 2, INTEGER8) " : "null ");
          return "SET " + e + "." + key + " = " + std::to_string(r_.below(4)) + " ";
        case 1: return "SET " + e + "." + key + " = " + e + ".i + 1 ";
        case 2: return "SET " + e + "." + key + " = null ";
        default:
          if (r_.percent(25)) return "SET " + e + "." + key + " = " + e + ".q ";
          return "SET " + e + "." + key + " = " + e + ".s, " + e + ".v = 1 ";
      }
    }
    case 7: return "SET " + e + (r_.percent(70) ? " += " : " = ") + "{j: 1, w: 'x', s: null} ";
    case 8:
      if (n.empty()) return "REMOVE " + e + ".i ";
      return (r_.percent(60) ? "SET " : "REMOVE ") + n + (r_.percent(50) ? ":A " : r_.percent(50) ? ":B:C " : ":D ");
    case 9:
      if (r_.percent(30)) return (r_.percent(50) ? "SET " + e + "[$written] = 2 " : "REMOVE " + e + "[$written] ");
      if (!n.empty() && r_.percent(30)) {
        return (r_.percent(50) ? "SET " : "REMOVE ") + n + ":$(" + (r_.percent(50) ? "$label) " : "$labels) ");
      }
      return "REMOVE " + e + "." + r_.pick(kWrittenKeys) + " ";
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

// A subquery that writes: it reads nothing that it writes but what it imports, so each row does the same in whatever
// order they come.
std::string Generator::writing_call(Scope* scope, bool* deleted) {
  Scope inner;
  const std::string imports = some_of(*scope, &inner);
  const std::string n = variable(inner, Type::kNode);
  std::string text = r_.percent(60) || imports.empty() ? "CALL (" + imports + ") { " : "CALL { WITH " + imports + " ";
  const std::string x = fresh("z");
  switch (r_.below(n.empty() ? 5 : 11)) {
    case 0:
    case 1: text += create(&inner); break;
    case 2: text += merge(&inner); break;
    case 3: text += "FOREACH (" + x + " IN " + ints(inner, 0) + " | CREATE (:F {i: " + x + "})) "; break;
    case 4: text += "MATCH (" + x + ":A) CREATE (:F {i: " + x + ".j}) "; break;
    case 5: text += "SET " + n + " += {j: 1, w: 'x', s: null} "; break;
    case 6: text += (r_.percent(60) ? "SET " : "REMOVE ") + n + (r_.percent(50) ? ":A " : ":B:C "); break;
    case 7: text += "SET " + n + "." + r_.pick(kWrittenKeys) + " = " + std::to_string(r_.below(4)) + " "; break;
    case 8: text += "MATCH (" + n + ")-[:S]-(" + x + ") SET " + x + ".w = 1 "; break;
    case 9: text += "MATCH (" + n + ")-[:S]->(" + x + ") MERGE (" + x + ")-[:R]->(:F {i: 1}) "; break;
    default: *deleted = true; text += "DETACH DELETE " + n + " ";
  }
  if (r_.percent(35)) {
    const std::string y = fresh("y");
    text += "RETURN count(*) AS " + y + " ";
    scope->push_back({y, Type::kInt});
  }
  return text + "} ";
}

// Each row sees what the rows before it have written: which row comes when is nobody's promise, what all of them
// together do and give is certain. `@` stands for a node.
std::string Generator::serial_call() {
  static constexpr std::string_view kCounting[] = {
      "CREATE (:F) WITH 1 AS one MATCH (f:F) RETURN count(f) AS y",
      "MATCH (b:B) WITH count(b) AS y CREATE (:B {i: y}) RETURN y",
      "MERGE (f:F {i: 1}) ON CREATE SET f.w = 1 ON MATCH SET f.w = f.w + 1 RETURN f.w AS y",
      "MATCH (a:A) SET a.w = coalesce(a.w, 0) + 1 RETURN sum(a.w) AS y",
      "OPTIONAL MATCH (a:A {i: 1}) SET a.i = 7 RETURN count(a) AS y",
      "OPTIONAL MATCH (a:A)-[r]-() WITH a, count(r) AS y DETACH DELETE a RETURN sum(y) AS y",
      "UNWIND [1, 2] AS x MERGE (f:F {i: x}) WITH count(f) AS c MATCH (f:F) WITH c, count(*) AS d RETURN c + d AS y"};
  static constexpr std::string_view kUnit[] = {"MATCH (a:A) SET a.w = coalesce(a.w, 0) + 1",
                                               "MERGE (f:F {i: 1}) ON CREATE SET f.w = 1 ON MATCH SET f.w = f.w + 1",
                                               "MATCH (b:B) WITH count(b) AS c CREATE (:B {i: c})",
                                               "OPTIONAL MATCH (f:F) WITH f WHERE f IS NULL CREATE (:F)",
                                               "MATCH (b:B) CALL (b) { SET b.w = coalesce(b.w, 0) + 1 }",
                                               "MATCH ()-[r:R]->() SET r.w = coalesce(r.w, 0) + 1",
                                               "WITH 1 AS one WHERE COUNT { (:F) } < 2 CREATE (:F)"};
  static constexpr std::string_view kOfNode[] = {
      "SET @.w = coalesce(@.w, 0) + 1",
      "WITH @ WHERE @.w IS NULL SET @.w = 1 CREATE (:F)",
      "WITH @ WHERE @.i > 0 SET @.i = @.i - 1",
      "WITH @ WHERE @:A REMOVE @:A CREATE (:F)",
      "WITH @ WHERE NOT (@)-[:T]->() CREATE (@)-[:T]->(:F)",
      "MATCH (@)--(m) SET m.w = coalesce(m.w, 0) + 1",
      "MATCH (@)-[q]-(m:B) WITH m, count(q) AS c SET m.w = coalesce(m.w, 0) + c",
      "MATCH (m:A {j: @.j}) SET m.w = coalesce(m.w, 0) + 1",
      "MATCH (m:B) WHERE m.s = @.s SET m.w = coalesce(m.w, 0) + 1",
      "MERGE (@)-[:T]->(f:F) ON CREATE SET f.w = 1 ON MATCH SET f.w = f.w + 1",
      "MATCH (@)-[:S]->(m) MERGE (m)-[:T]->(f:F) ON CREATE SET f.w = 1 ON MATCH SET f.w = f.w + 1",
      "MATCH (@)-[q:R]->(m) DELETE q CREATE (@)-[:T]->(m)",
      "MATCH (@)-[q]->() DELETE q",
      "FOREACH (x IN CASE WHEN @.w IS NULL THEN [1] ELSE [] END | SET @.w = 1 CREATE (:F))",
      "CALL (@) { SET @.w = coalesce(@.w, 0) + 1 }",
      "MERGE (f:F {i: coalesce(@.j, 0)}) ON CREATE SET f.w = 1 ON MATCH SET f.w = f.w + 1",
      "OPTIONAL MATCH (@)-[:T]->(f) WITH @, count(f) AS c CREATE (@)-[:T]->(:F {i: c})"};
  writing_ = true;
  Scope scope;
  std::string text = r_.percent(80) ? match(&scope) : unwind(&scope);
  const std::string n = variable(scope, Type::kNode);
  const bool counting = r_.percent(30);
  const bool of_node = !counting && !n.empty() && r_.percent(75);
  std::string body;
  for (const char c : counting ? r_.pick(kCounting) : of_node ? r_.pick(kOfNode) : r_.pick(kUnit)) {
    body += c == '@' ? n : std::string(1, c);
  }
  text += "CALL (" + (of_node ? n : "") + ") { " + body + " } ";
  if (r_.percent(30)) text += "IN TRANSACTIONS OF " + std::to_string(1 + r_.below(3)) + " ROWS ";
  if (counting) return text + (r_.percent(60) ? "RETURN y" : "RETURN sum(y) AS y, count(*) AS c0");
  if (r_.percent(40)) return text;
  return text + "WITH count(*) AS c0 MATCH (m) RETURN count(*) AS a, sum(m.w) AS b, c0";
}

// Rows of a list have its order: what one overwrites of another is certain.
std::string Generator::ordered_call() {
  static constexpr std::string_view kOfNumbers[] = {
      "MATCH (a:A {j: x}) SET a.w = 'first' WITH x MATCH (b:A {j: x + 1}) SET b.w = 'second'",
      "OPTIONAL MATCH (a:A {j: x}) SET a:F WITH x MATCH (b:A {j: x + 1}) REMOVE b:F",
      "OPTIONAL MATCH (a:A {j: x}) SET a += {w: 1} WITH x MATCH (b:A {j: x + 1}) SET b = {j: x + 1}",
      "OPTIONAL MATCH (a:A {j: x}) DETACH DELETE a WITH DISTINCT x CREATE (:A {j: x + 1})",
      "MERGE (f:F {i: x}) ON CREATE SET f.w = x WITH x MATCH (g:F {i: x - 1}) DETACH DELETE g",
      "MATCH (a:A) SET a.w = x SET a.v = coalesce(a.v, 0) * 2 + a.w",
      "MATCH ()-[r]->(b {j: x}) SET r.w = x WITH x MATCH ({j: x + 1})-[s]->() SET s.w = -x",
      "FOREACH (z IN [x, x + 1] | MERGE (f:F {i: z}) SET f.w = x) WITH x MATCH (f:F {i: x - 1}) SET f.w = 9"};
  static constexpr std::string_view kLists[] = {"range(0, 2)", "[2, 1, 0]", "[0, 1, 0, 2]", "[1, 1, 2]",
                                                "[0, 1, 2, 1]"};
  static constexpr std::string_view kOfNodes[] = {
      "SET n.w = 1 SET m.w = 2",
      "SET n.w = m.i SET m.w = n.i",
      "SET n:F REMOVE m:F",
      "REMOVE m:A SET n:A",
      "SET n.w = 1 REMOVE m.w",
      "SET n += {w: 1} SET m = {j: 1}",
      "SET n.w = 1 WITH n, m WHERE m.i > 0 SET m.w = 2",
      "MERGE (n)-[:T]->(m) SET n.w = 1 REMOVE m.w",
      "CREATE (n)-[:T]->(:F) SET m.w = 2 SET n.w = null",
      "FOREACH (z IN [1, 2] | SET n.w = z) SET m.w = 3",
      "MATCH (n)-[r]->() SET r.w = 1 WITH DISTINCT m MATCH (m)<-[s]-() SET s.w = 2",
      "OPTIONAL MATCH (n)-[r]-() SET r.w = n.i SET n.w = 4 WITH DISTINCT m SET m.w = 5"};
  writing_ = true;
  std::string text = "UNWIND " + std::string(r_.pick(kLists)) + " AS x CALL (x) { " + std::string(r_.pick(kOfNumbers));
  if (r_.percent(60)) {
    text = "MATCH (a) WITH a ORDER BY id(a)" + std::string(r_.percent(30) ? " DESC " : " ") +
           "WITH collect(a) AS ns UNWIND range(0, size(ns) - 2) AS i WITH ns[i] AS n, ns[i + 1] AS m CALL (n, m) { " +
           std::string(r_.pick(kOfNodes));
  }
  text += " }";
  if (r_.percent(30)) text += " IN TRANSACTIONS OF " + std::to_string(1 + r_.below(3)) + " ROWS";
  return text + (r_.percent(60) ? "" : " RETURN count(*) AS c0");
}

// What a failing portion has done is undone, what those before it have done stays.
std::string Generator::failing_portion() {
  static constexpr std::string_view kBodies[] = {
      "CREATE (:F {i: 6 / (x - 3)})",
      "MATCH (a:A) SET a.w = 6 / (x - 2)",
      "MATCH (a:A) SET a.w = coalesce(a.w, 0) + 6 / (x - 3)",
      "MERGE (f:F {i: x % 2}) ON MATCH SET f.w = 6 / (4 - x)",
      "CREATE (f:F) WITH f, x MATCH (n:F) WITH f, x, count(n) AS c SET f.i = 6 / (c - 3)",
      "MATCH (b:B) WHERE b.i = x - 2 DETACH DELETE b WITH x CREATE (:F {i: 6 / (x - 3)})",
      "FOREACH (z IN range(1, x) | CREATE (:F {i: 6 / (z - 3)}))",
      "MATCH ()-[r:R]->() WITH x, collect(r) AS rs FOREACH (r IN rs | DELETE r) CREATE (:F {i: 6 / (2 - x)})",
      "CREATE (:F {i: x + $big})"};
  writing_ = true;
  static constexpr std::string_view kLists[] = {"range(1, 5)", "[1, 2, 4, 3, 5]", "[4, 5]", "[-1, 0, 1]", "$list"};
  return "UNWIND " + std::string(r_.pick(kLists)) + " AS x CALL (x) { " + std::string(r_.pick(kBodies)) +
         " } IN TRANSACTIONS OF " + std::to_string(1 + r_.below(3)) + " ROWS" +
         (r_.percent(50) ? "" : " RETURN count(*) AS c0");
}

std::string Generator::in_transactions() {
  if (r_.percent(30)) return failing_portion();
  writing_ = true;
  Scope scope;
  std::string text = r_.percent(75) ? match(&scope) : unwind(&scope);
  if (r_.percent(15)) text += with(&scope);
  bool deleted = false;
  const size_t before = scope.size();
  text += writing_call(&scope, &deleted) + "IN TRANSACTIONS ";
  if (r_.percent(70)) text += "OF " + std::to_string(1 + r_.below(3)) + " ROWS ";
  const uint64_t end = scope.size() > before ? 1 + r_.below(2) : r_.below(3);
  return end == 0 ? text : text + (deleted || end == 1 ? "RETURN count(*) AS c0" : returns(scope));
}

std::string Generator::new_node(Scope* scope, const Scope& known, bool name) {
  static constexpr std::string_view kLabels[] = {":A", ":B", ":A:B", "", ":F", ":$($label)"};
  std::string text = "(";
  if (name) {
    text += fresh("n");
    scope->push_back({text.substr(1), Type::kNode});
  }
  text += r_.pick(kLabels);
  if (r_.percent(60)) {
    text += " {i: " + integer(known, 0);
    if (r_.percent(30)) text += ", s: " + string(known, 0);
    if (r_.percent(10)) text += ", q: " + vector(known, 0);
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
    const std::string inside = "[" + name +
                               (r_.percent(60)   ? ":R"
                                : r_.percent(90) ? ":S"
                                                 : ":$($type)") +
                               (r_.percent(40) ? " {i: " + integer(known, 0) + "}" : "") + "]";
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
    const std::string inside = "[" + r +
                               (r_.percent(70)   ? ":R"
                                : r_.percent(80) ? ":T"
                                                 : ":$($type)") +
                               (r_.percent(30) ? " {i: " + value + "}" : "") + "]";
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

}  // namespace lora::reference
