#include "tests/cypher/plan_fixture.h"

namespace lora::test {
namespace {

using PlannerTest = PlanTest;

TEST_F(PlannerTest, ReturnOfAConstantIsAProjectionOfOneRow) {
  EXPECT_EQ(plan("RETURN 1 AS x"), "Projection(Argument)");
}

TEST_F(PlannerTest, LabelIsScannedByLabel) {
  EXPECT_EQ(plan("MATCH (n:Person) RETURN n"), "NodeByLabelScan(n:Person)");
  EXPECT_EQ(plan("MATCH (n) RETURN n"), "AllNodesScan(n)");
}

TEST_F(PlannerTest, EqualityOnAUniqueKeyIsASeekWithoutAFilter) {
  fill();
  EXPECT_EQ(plan("MATCH (n:Person {id: 7}) RETURN n"), "NodeIndexSeek(n:Person(id = 7))");
  EXPECT_EQ(plan("MATCH (n:Person) WHERE n.id = $id RETURN n"), "NodeIndexSeek(n:Person(id = $id))");
  EXPECT_EQ(plan("MATCH (n:Person) WHERE 7 = n.id RETURN n"), "NodeIndexSeek(n:Person(id = 7))");
  EXPECT_EQ(plan("MATCH (n:Person) WHERE n.id IN [1, 2] RETURN n"), "NodeIndexSeek(n:Person(id IN [1, 2]))");
}

TEST_F(PlannerTest, SeekIsPreferredOnAnEmptyGraphToo) {
  run("CREATE INDEX person_name FOR (p:Person) ON (p.name)");
  run("CREATE (:Person {name: 'a'})");
  EXPECT_EQ(plan("MATCH (n:Person {name: 'a'}) RETURN n"), "NodeIndexSeek(n:Person(name = 'a'))");
}

TEST_F(PlannerTest, RangeOnAnIndexedKeyKeepsItsFilter) {
  fill();
  EXPECT_EQ(plan("MATCH (n:Person) WHERE n.name STARTS WITH 'name1' RETURN n"),
            "Filter(NodeIndexSeekByRange(n:Person(name STARTS WITH 'name1')))");
  EXPECT_EQ(plan("MATCH (n:Person) WHERE n.id > 990 AND n.id < 995 RETURN n"),
            "Filter(NodeIndexSeekByRange(n:Person(id > 990 AND id < 995)))");
}

TEST_F(PlannerTest, IdIsSought) {
  EXPECT_EQ(plan("MATCH (n) WHERE id(n) = 3 RETURN n"), "NodeByIdSeek(n WHERE id(n) = 3)");
  EXPECT_EQ(plan("MATCH ()-[r]->() WHERE id(r) = 3 RETURN r"), "DirectedRelationshipByIdSeek(()-[r]->() WHERE id = 3)");
}

TEST_F(PlannerTest, ExpansionStartsAtTheSelectiveEnd) {
  fill();
  EXPECT_EQ(plan("MATCH (a:Person)-[r:KNOWS]->(b:Person {id: 3}) RETURN a, r"),
            "Expand(All)[(b)<-[r:KNOWS]-(a:Person)](NodeIndexSeek(b:Person(id = 3)))");
}

TEST_F(PlannerTest, TwoUniqueEndsAreBothSoughtAndTheirListsIntersected) {
  fill();
  const std::string p = plan("MATCH (a:Person {id: 1})-[r:LIVES_IN]->(c)<-[s:LIVES_IN]-(b:Person {id: 6}) RETURN c");
  EXPECT_NE(p.find("Expand(Intersect)"), std::string::npos) << p;
  EXPECT_NE(p.find("NodeIndexSeek(NodeIndexSeek("), std::string::npos) << p;
}

TEST_F(PlannerTest, BoundNodeIsExpandedFrom) {
  fill();
  EXPECT_EQ(plan("MATCH (a:Person {id: 1}) MATCH (a)-[:KNOWS]->(b) RETURN b"),
            "Expand(All)[(a)-[:KNOWS]->(b)](NodeIndexSeek(a:Person(id = 1)))");
}

TEST_F(PlannerTest, UnwoundKeysAreSoughtRowByRow) {
  fill();
  EXPECT_EQ(plan("UNWIND $rows AS r MATCH (a:Person {id: r.src}), (b:Person {id: r.dst}) RETURN a, b"),
            "NodeIndexSeek(NodeIndexSeek(Unwind(Argument)))");
}

TEST_F(PlannerTest, PiecesWithoutConnectionAreJoinedOnEquality) {
  fill();
  const std::string p = plan("MATCH (a:Person), (b:Person) WHERE a.age = b.age RETURN a, b");
  EXPECT_NE(p.find("ValueHashJoin("), std::string::npos) << p;
}

TEST_F(PlannerTest, OptionalMatchIsApplied) {
  fill();
  EXPECT_EQ(plan("MATCH (a:City) OPTIONAL MATCH (a)-[:X]->(b) RETURN a, b"),
            "OptionalApply(NodeByLabelScan(a:City), Expand(All)[(a)-[:X]->(b)](Argument))");
}

TEST_F(PlannerTest, SortWithLimitIsATop) {
  EXPECT_EQ(plan("MATCH (n:City) RETURN n.name AS x ORDER BY x LIMIT 3"),
            "Limit(Top(Projection(NodeByLabelScan(n:City))))");
}

TEST_F(PlannerTest, UnknownNamesPlan) {
  EXPECT_EQ(number("MATCH (n:Nobody)-[:NOTHING]->(m {nope: 1}) RETURN count(*)"), 0);
}

TEST_F(PlannerTest, ThousandsOfClausesAreALimitNotACrash) {
  std::string query = "UNWIND [1] AS x";
  for (int i = 0; i < 20'000; ++i) query += " WITH x UNWIND [1] AS x" + std::to_string(i);
  query += " RETURN x";
  const auto result = db_->execute(query);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), ErrorCode::kLimit) << result.status().to_string();
}

TEST_F(PlannerTest, LongPatternsArePlannedGreedily) {
  run("UNWIND range(0, 29) AS i CREATE (:L {i: i})");
  run("MATCH (a:L), (b:L) WHERE b.i = a.i + 1 CREATE (a)-[:N]->(b)");
  std::string query = "MATCH (n0:L {i: 0})";
  for (int i = 1; i <= 25; ++i) query += "-[:N]->(n" + std::to_string(i) + ")";
  EXPECT_EQ(number(query + " RETURN n25.i"), 25);
}

TEST_F(PlannerTest, MoreThanSixtyRelationshipsArePlannedInPieces) {
  run("UNWIND range(0, 99) AS i CREATE (:L {i: i})");
  run("MATCH (a:L), (b:L) WHERE b.i = a.i + 1 CREATE (a)-[:N]->(b)");
  std::string query = "MATCH (n0:L {i: 0})";
  for (int i = 1; i <= 90; ++i) query += "-[:N]->(n" + std::to_string(i) + ")";
  EXPECT_EQ(number(query + " RETURN n90.i"), 90);
}

TEST_F(PlannerTest, RelationshipsOfOneMatchDifferAlsoAcrossPieces) {
  run("CREATE (:A)-[:T]->(:B)");
  EXPECT_EQ(number("MATCH (a)-[r]->(b), (c)-[s]->(d) RETURN count(*)"), 0);
  EXPECT_EQ(number("MATCH (a)-[r]->(b) MATCH (c)-[s]->(d) RETURN count(*)"), 1);
}

TEST_F(PlannerTest, RelationshipBoundBeforeIsFollowed) {
  run("CREATE (:A {x: 1})-[:T]->(:B {x: 2})");
  EXPECT_EQ(number("MATCH ()-[r]->() MATCH (a)-[r]->(b) RETURN a.x * 10 + b.x"), 12);
  EXPECT_EQ(number("MATCH ()-[r]->() MATCH (a)-[r]-(b) RETURN count(*)"), 2);
  EXPECT_EQ(number("MATCH (a:B)-[r]-() MATCH (a)<-[r]-(b) RETURN b.x"), 1);
}

TEST_F(PlannerTest, AlternativesOfOneKeyAreOneSeek) {
  fill();
  EXPECT_EQ(plan("MATCH (n:Person) WHERE n.id = 1 OR n.id = 2 RETURN n"), "NodeIndexSeek(n:Person(id IN [1, 2]))");
  EXPECT_EQ(number("MATCH (n:Person) WHERE n.id = 1 OR n.id = 2 OR n.id = 1 RETURN count(*)"), 2);
  EXPECT_EQ(plan("MATCH (n:Person) WHERE n.id = 1 OR n.name = 'a' RETURN n"), "Filter(NodeByLabelScan(n:Person))");
}

TEST_F(PlannerTest, ElementIdIsSought) {
  run("CREATE (:A), (:A)");
  const std::string p = plan("MATCH (n) WHERE elementId(n) = '1' RETURN n");
  EXPECT_TRUE(p.starts_with("Filter(NodeByIdSeek(n WHERE id(n) = toIntegerOrNull('1')")) << p;
  EXPECT_EQ(number("MATCH (n) WHERE elementId(n) = '1' RETURN count(*)"), 1);
  EXPECT_EQ(number("MATCH (n) WHERE elementId(n) = '01' RETURN count(*)"), 0);
  EXPECT_EQ(number("MATCH (n) WHERE elementId(n) = 'x' RETURN count(*)"), 0);
}

TEST_F(PlannerTest, QuantifiedGroupsOfSeveralRelationshipsRepeat) {
  run("CREATE (:N {i: 0})-[:R]->(:M)-[:S]->(:N {i: 1})-[:R]->(:M)-[:S]->(:N {i: 2})-[:R]->(:M)-[:S]->(:N {i: 3})");
  const std::string group = "((x)-[r:R]->(y)-[s:S]->(z))";
  EXPECT_EQ(number("MATCH (a:N {i: 0}) " + group + "{1,3} (b:N) RETURN count(*)"), 3);
  EXPECT_EQ(number("MATCH (a:N {i: 0}) " + group + "{0,2} (b:N) RETURN sum(b.i)"), 3);
  EXPECT_EQ(number("MATCH (a:N {i: 0}) " + group + "+ (b:N {i: 3}) RETURN size(x) * 100 + size(r) * 10 + size(z)"),
            333);
  EXPECT_EQ(number("MATCH (b:N {i: 3}) MATCH (a:N) " + group + "{2} (b) RETURN a.i"), 1);
  EXPECT_EQ(number("MATCH (b:N {i: 3}) MATCH (a:N) " + group + "{2} (b) RETURN reduce(s = 0, n IN z | s * 10 + n.i)"),
            23);
  EXPECT_EQ(number("MATCH p = (a:N {i: 0}) " + group + "{3} (b) RETURN length(p)"), 6);
  EXPECT_EQ(number("MATCH (a:N {i: 0}) ((x)-[:R]->(y)-[:S]->(z) WHERE z.i < 2)+ (b) RETURN count(*)"), 1);
  EXPECT_EQ(number("MATCH (a:N {i: 0}), (b:N {i: 2}) MATCH (a) " + group + "* (b) RETURN count(*)"), 1);
}

TEST_F(PlannerTest, RepetitionsOfAGroupShareNoRelationship) {
  run("CREATE (a:N)-[:R]->(b:M)-[:R]->(a)");
  EXPECT_EQ(number("MATCH (a:N) ((x)-[:R]->(y)-[:R]->(z)){1,5} (b) RETURN count(*)"), 1);
  EXPECT_EQ(number("MATCH (a:N) ((x)-[:R]-(y)-[:R]-(z)){1,5} (b) RETURN count(*)"), 2);
  EXPECT_EQ(number("MATCH (a:N)-[:R]->(m) ((x)-[:R]->(y)-[:R]->(z)){1,5} (b) RETURN count(*)"), 0);
}

TEST_F(PlannerTest, SelectedPathOverSeveralRelationshipsSearchesTheOneOfVariableLength) {
  const std::string fixed = plan("MATCH p = SHORTEST 1 (a:A)-[:R]->(b)-[:S]->+(c:B) RETURN length(p) AS l");
  EXPECT_NE(fixed.find("PathSelection("), std::string::npos) << fixed;
  EXPECT_NE(fixed.find("ShortestPath[(b)-[:S*1..]->(c)]"), std::string::npos) << fixed;
  // A condition on the whole of it must see every path.
  const std::string whole =
      plan("MATCH p = SHORTEST 1 ((a:A)-[:R]->(b)-[s:S]->+(c:B) WHERE size(s) > 2) RETURN length(p) AS l");
  EXPECT_NE(whole.find("PathSelection("), std::string::npos) << whole;
  EXPECT_EQ(whole.find("ShortestPath"), std::string::npos) << whole;
}

TEST_F(PlannerTest, ConditionOnEachRelationshipOfAShortestPathIsAskedHopByHop) {
  const std::string each =
      plan("MATCH p = shortestPath((a:A)-[:R*]->(b:B)) WHERE all(r IN relationships(p) WHERE r.w > 1) RETURN p");
  EXPECT_NE(each.find("ShortestPath[(a)-[:R*1..]->(b)]"), std::string::npos) << each;
  EXPECT_EQ(each.find("Filter"), std::string::npos) << each;
  const std::string path = plan("MATCH p = shortestPath((a:A)-[:R*]->(b:B)) WHERE length(p) > 1 RETURN p");
  EXPECT_NE(path.find("WHERE length(p) > 1]"), std::string::npos) << path;
}

}  // namespace
}  // namespace lora::test
