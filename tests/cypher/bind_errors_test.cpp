// Every compile time error of the binder: the query, openCypher's words for it, and the place it points to.
#include <gtest/gtest.h>

#include "cypher/bind/binder.h"
#include "cypher/syntax/parser.h"

namespace lora::cypher {
namespace {

class Procedures : public ProcedureLookup {
 public:
  Procedures() {
    p_.name = "test.proc";
    p_.args = {{"in", type_bit(ValueType::kFloat), "FLOAT", false}};
    p_.columns = {{"a", kAnyType, "ANY", false}, {"b", kAnyType, "ANY", false}};
  }
  std::shared_ptr<const ProcedureSignature> find_procedure(std::string_view name) const override {
    return {std::shared_ptr<void>(), name == p_.name ? &p_ : nullptr};
  }
  std::string nearest_procedure(std::string_view) const override { return "test.proc"; }

 private:
  ProcedureSignature p_;
};

struct Case {
  const char* query;  // `^` marks the place; it is taken out
  const char* detail;
  const char* type = "SyntaxError";
};

Status bind_status(std::string_view text) {
  auto query = parse(text);
  if (!query.ok()) return query.status();
  static const Procedures kProcedures;
  PlanArena arena;
  BindOptions options;
  options.arena = &arena;
  options.procedures = &kProcedures;
  return bind(*query, options).status();
}

class BindErrors : public ::testing::TestWithParam<Case> {};

TEST_P(BindErrors, NamesDetailAndPlace) {
  const Case& c = GetParam();
  std::string query = c.query;
  const size_t place = query.find('^');
  ASSERT_NE(place, std::string::npos);
  query.erase(place, 1);
  const Status status = bind_status(query);
  ASSERT_FALSE(status.ok()) << query;
  EXPECT_EQ(status.info().detail, c.detail) << query << "\n" << status.message();
  EXPECT_EQ(status.info().type, c.type) << query;
  EXPECT_EQ(status.info().phase, "compile time") << query;
  EXPECT_EQ(status.info().offset, static_cast<int64_t>(place)) << query << "\n" << status.message();
}

constexpr Case kVariables[] = {
    {"RETURN ^foo", "UndefinedVariable"},
    {"MATCH (n) WHERE ^m.x = 1 RETURN n", "UndefinedVariable"},
    {"MATCH (n) WITH n.x AS x RETURN ^n", "UndefinedVariable"},
    {"MATCH (n) WHERE (n)-[^r]->() RETURN n", "UndefinedVariable"},
    {"MATCH (n) WHERE (n)-->(^m) RETURN n", "UndefinedVariable"},
    {"MATCH (n) RETURN [x IN n.l | x + ^y]", "UndefinedVariable"},
    {"MATCH (n) RETURN [x IN n.l | x] + ^x", "UndefinedVariable"},
    {"CREATE (a {x: ^b.x})", "UndefinedVariable"},
    {"CREATE (a {x: ^a.x})", "UndefinedVariable"},
    {"MERGE (a {x: 1})-[:R]->(b {x: ^a.x})", "UndefinedVariable"},
    {"MATCH (n) SET ^m.x = 1", "UndefinedVariable"},
    {"MATCH (n) DELETE ^m", "UndefinedVariable"},
    {"MATCH (n) CALL { WITH ^m RETURN 1 AS x } RETURN x", "UndefinedVariable"},
    {"MATCH (n) CALL (^m) { RETURN 1 AS x } RETURN x", "UndefinedVariable"},
    {"MATCH (n) CALL { RETURN ^n.x AS x } RETURN x", "UndefinedVariable"},
    {"FOREACH (x IN [1] | CREATE (a)) CREATE (b {v: ^x})", "UndefinedVariable"},
    {"MATCH (n) RETURN DISTINCT n.x ORDER BY ^n.y", "UndefinedVariable"},
    {"MATCH (n) RETURN count(n) AS c ORDER BY ^n.y", "UndefinedVariable"},
    {"MATCH (n) WITH count(n) AS c ORDER BY ^sum(n.y) RETURN c", "UndefinedVariable"},
    {"MATCH (n) WITH DISTINCT n.x AS x WHERE ^n.y RETURN x", "UndefinedVariable"},
    {"CALL test.proc(1) YIELD ^c RETURN c", "UndefinedVariable"},
    {"CALL test.proc(1) RETURN ^a", "UndefinedVariable"},
    {"MATCH () ^RETURN *", "NoVariablesInScope"},
    {"RETURN 1 AS a, ^2 AS a", "ColumnNameConflict"},
    {"MATCH (n) RETURN *, ^n", "ColumnNameConflict"},
    {"MATCH (a) WITH a, ^count(*) RETURN a", "NoExpressionAlias"},
    {"CALL { RETURN ^1 } RETURN 2", "NoExpressionAlias"},
    {"MATCH (a) CREATE (^a)", "VariableAlreadyBound"},
    {"MATCH (a) CREATE (^a:X)-[:R]->()", "VariableAlreadyBound"},
    {"CREATE (n)-[:T]->(), (^n {x: 1})-[:T]->()", "VariableAlreadyBound"},
    {"MATCH ()-[r]->() CREATE ()-[^r:T]->()", "VariableAlreadyBound"},
    {"MATCH (a) MERGE (^a)", "VariableAlreadyBound"},
    {"MATCH (a) MERGE (a)-[:R]->(^a:B)", "VariableAlreadyBound"},
    {"MATCH (a)-[r]->(b) MERGE (a)-[^r:T]->(b)", "VariableAlreadyBound"},
    {"MATCH (p) MATCH ^p = ()--() RETURN p", "VariableAlreadyBound"},
    {"MATCH ^p = (p)--() RETURN p", "VariableAlreadyBound"},
    {"WITH 1 AS p MATCH ^p = ()--() RETURN p", "VariableAlreadyBound"},
    {"WITH 1 AS x UNWIND [1] AS ^x RETURN x", "VariableAlreadyBound"},
    {"WITH 1 AS a CALL test.proc(1) YIELD ^a RETURN a", "VariableAlreadyBound"},
    {"CALL test.proc(1) YIELD a, b AS ^a RETURN a", "VariableAlreadyBound"},
    {"WITH 1 AS x ^CALL { RETURN 2 AS x } RETURN x", "VariableAlreadyBound"},
    {"MATCH (a) MATCH ((^a)-[r]->(b))+ RETURN a", "VariableAlreadyBound"},
    {"MATCH ()-[r]->() MATCH (^r) RETURN r", "VariableTypeConflict"},
    {"MATCH ()-[^r]-(r) RETURN r", "VariableTypeConflict"},
    {"MATCH (r)-[^r]-() RETURN r", "VariableTypeConflict"},
    {"MATCH r = ()--(), (^r) RETURN r", "VariableTypeConflict"},
    {"MATCH ()-[r]-() MATCH ()-[^r*]-() RETURN r", "VariableTypeConflict"},
    {"WITH 'x' AS n MATCH (^n) RETURN n", "VariableTypeConflict"},
    {"MATCH (n) WITH [n] AS l MATCH (^l)-->() RETURN l", "VariableTypeConflict"},
    {"WITH {x: 1} AS r MATCH ()-[^r]-() RETURN r", "VariableTypeConflict"},
    {"MATCH ()-[r]->()-[^r]->() RETURN r", "RelationshipUniquenessViolation"},
    {"MATCH ()-[r]->(), ()-[^r]->() RETURN r", "RelationshipUniquenessViolation"},
};
INSTANTIATE_TEST_SUITE_P(Variables, BindErrors, ::testing::ValuesIn(kVariables));

constexpr Case kAggregation[] = {
    {"MATCH (n) WHERE ^count(n) > 1 RETURN n", "InvalidAggregation"},
    {"MATCH (n) RETURN [x IN [1] | ^count(*)]", "InvalidAggregation"},
    {"MATCH (n) RETURN n.x ORDER BY ^max(n.y)", "InvalidAggregation"},
    {"MATCH (n) WITH n, count(*) AS c WHERE ^count(*) > 1 RETURN c", "InvalidAggregation"},
    {"MATCH (n) RETURN n, count(*) ORDER BY ^max(n.x)", "InvalidAggregation"},
    {"MATCH (n) SET n.x = ^count(*)", "InvalidAggregation"},
    {"MATCH (n) CALL test.proc(^count(n)) YIELD a RETURN a", "InvalidAggregation"},
    {"UNWIND ^collect(1) AS x RETURN x", "InvalidAggregation"},
    {"RETURN count(^count(*))", "NestedAggregation"},
    {"RETURN ^count(rand())", "NonConstantExpression"},
    {"MATCH (a) RETURN ^a.x + count(*)", "AmbiguousAggregationExpression"},
    {"MATCH (a), (b) RETURN a.x + b.x, ^a.x + b.x + count(*)", "AmbiguousAggregationExpression"},
    {"MATCH (a), (b) WITH a.x + b.x AS g, count(*) AS c ORDER BY ^a.x + b.x + count(*) RETURN c",
     "AmbiguousAggregationExpression"},
    {"MATCH (n) RETURN n LIMIT ^n.x", "NonConstantExpression"},
    {"MATCH (n) RETURN n SKIP ^n.x", "NonConstantExpression"},
    {"MATCH (n) RETURN n SKIP ^-1", "NegativeIntegerArgument"},
    {"MATCH (n) RETURN n LIMIT ^1.5", "InvalidArgumentType"},
    {"MATCH (n) RETURN n LIMIT ^'1'", "InvalidArgumentType"},
};
INSTANTIATE_TEST_SUITE_P(Aggregation, BindErrors, ::testing::ValuesIn(kAggregation));

constexpr Case kTypes[] = {
    {"RETURN ^123 AND true", "InvalidArgumentType"},
    {"RETURN true OR ^'a'", "InvalidArgumentType"},
    {"RETURN NOT ^[]", "InvalidArgumentType"},
    {"RETURN 1 IN ^'a'", "InvalidArgumentType"},
    {"RETURN none(x IN ['a'] WHERE ^x % 2 = 0)", "InvalidArgumentType"},
    {"MATCH (n) WHERE ^n RETURN n", "InvalidArgumentType"},
    {"MATCH p = ()--() RETURN p.^x", "InvalidArgumentType"},
    {"MATCH p = ()--() RETURN size(^p)", "InvalidArgumentType"},
    {"MATCH (n) RETURN type(^n)", "InvalidArgumentType"},
    {"MATCH (n) RETURN length(^n)", "InvalidArgumentType"},
    {"RETURN properties(^1)", "InvalidArgumentType"},
    {"RETURN -^'a'", "InvalidArgumentType"},
    {"MATCH (n) DELETE ^1 + 1", "InvalidArgumentType"},
    {"MATCH (n) DELETE ^n:A", "InvalidDelete"},
    {"WITH 1 AS x SET ^x.y = 1", "InvalidArgumentType"},
    {"MATCH (n) SET n = ^1", "InvalidArgumentType"},
    {"WITH 1 AS x RETURN x.^y", "InvalidArgumentType", "TypeError"},
    {"WITH [1] AS x RETURN x.^y", "InvalidArgumentType", "TypeError"},
    {"WITH 1 AS x RETURN ^x[0]", "InvalidArgumentType", "TypeError"},
    {"WITH [1] AS x RETURN x[^'a']", "", "TypeError"},
    {"WITH 1 AS x RETURN ^x:A", "InvalidArgumentType"},
    {"FOREACH (x IN ^1 | CREATE ())", "InvalidArgumentType"},
    {"CALL test.proc(^'a')", "InvalidArgumentType"},
    {"RETURN toUpper(^1)", "InvalidArgumentType"},
};
INSTANTIATE_TEST_SUITE_P(Types, BindErrors, ::testing::ValuesIn(kTypes));

constexpr Case kCalls[] = {
    {"RETURN ^foo(1)", "UnknownFunction"},
    {"RETURN ^toUpper()", "InvalidNumberOfArguments"},
    {"RETURN ^size('a', 'b')", "InvalidNumberOfArguments"},
    {"RETURN ^collect(1, 2)", "InvalidNumberOfArguments"},
    {"^CALL test.proc(1, 2) YIELD a RETURN a", "InvalidNumberOfArguments"},
    {"^CALL test.proc YIELD a RETURN a", "InvalidArgumentPassingMode"},
    {"CALL ^test.pro(1)", "ProcedureNotFound", "ProcedureError"},
    {"RETURN 1 AS a UNION ^RETURN 2 AS b", "DifferentColumnsInUnion"},
    {"RETURN 1 AS a UNION ^RETURN 2 AS a, 3 AS b", "DifferentColumnsInUnion"},
    {"RETURN ^COLLECT { RETURN 1 AS a, 2 AS b }", "InvalidClauseComposition"},
    {"MATCH (n) WHERE n.x RETURN ^shortestPath((n)-->()-->(n))", "UnexpectedSyntax"},
};
INSTANTIATE_TEST_SUITE_P(Calls, BindErrors, ::testing::ValuesIn(kCalls));

TEST(BindHints, NameTheNearestVariableAndFunction) {
  EXPECT_NE(bind_status("MATCH (person) RETURN persn.name").message().find("did you mean `person`?"),
            std::string::npos);
  EXPECT_NE(bind_status("RETURN toUper('a')").message().find("did you mean `toUpper`?"), std::string::npos);
  EXPECT_NE(bind_status("CALL test.pro(1)").message().find("did you mean `test.proc`?"), std::string::npos);
  EXPECT_EQ(bind_status("MATCH (person) RETURN xyz").message().find("did you mean"), std::string::npos);
}

// Types that are only known while running are not the binder's business.
TEST(BindAccepts, WhatMayBeRightAtRunTime) {
  for (const char* query : {
           "MATCH (n) WHERE n.flag RETURN n",
           "MATCH (n) WITH n.x AS m MATCH (m)-->() RETURN m",
           "WITH null AS n MATCH (n) RETURN n",
           "RETURN null AND true, NOT null, null.x, null[0], 1 IN null",
           "RETURN [x IN [1, 'a'] | x % 2]",
           "WITH [1, 2.0, null] AS l RETURN [x IN l | x ^ 2]",
           "RETURN [1] + 'a' + null, 'a' + 1, date('2020-01-01') - duration('P1D'), 2 * duration('P1D')",
           "RETURN {a: 1}.a, {a: 1}['a'], [1, 2][0..1], $p.x, $p[0], $p AND true",
           "MATCH (n) RETURN n LIMIT toInteger(1.7) + $p",
           "MATCH (n) DELETE n.x, $p, head([n])",
           "MATCH (n) RETURN CASE WHEN n.x THEN 1 ELSE 'a' END + 1",
           "RETURN range(1.5, true), toInteger([]), reduce(s = '', x IN [1] | s + x) + 1",
           "MATCH (n) RETURN n, count(*) ORDER BY n.x, labels(n)",
           "MATCH (n) WITH n ORDER BY n.x RETURN collect(n.x)[0..3]",
           "MATCH (a)-[r]->(b) WITH r AS x, r AS y MATCH ()-[x]->(), ()-[y]->() RETURN x",
           "RETURN COUNT { RETURN 1 AS a, 2 AS b }, EXISTS { MATCH (n) }",
       }) {
    const Status status = bind_status(query);
    EXPECT_TRUE(status.ok()) << query << "\n" << status.to_string();
  }
}

}  // namespace
}  // namespace lora::cypher
