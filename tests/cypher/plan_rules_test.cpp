#include <algorithm>

#include "tests/cypher/plan_fixture.h"

namespace lora::test {
namespace {

using RulesTest = PlanTest;

std::string all_details(const PlanNode& node) {
  std::string details = node.details + "\n";
  for (const PlanNode& child : node.children) details += all_details(child);
  return details;
}

TEST_F(RulesTest, CountsOfNodesComeFromTheCounters) {
  fill();
  EXPECT_EQ(plan("MATCH (n) RETURN count(*)"), "NodeCountFromCountStore(count(()))");
  EXPECT_EQ(plan("MATCH (n:Person) RETURN count(n)"), "NodeCountFromCountStore(count((:Person)))");
  EXPECT_EQ(number("MATCH (n:Person) RETURN count(n)"), 1000);
  EXPECT_EQ(number("MATCH (n) RETURN count(DISTINCT n)"), 1005);
  EXPECT_EQ(number("MATCH (n:Nobody) RETURN count(*)"), 0);
}

TEST_F(RulesTest, CountsOfRelationshipsComeFromTheCounters) {
  fill();
  EXPECT_EQ(plan("MATCH ()-[r:KNOWS]->() RETURN count(r)"), "RelationshipCountFromCountStore(count(()-[:KNOWS]->()))");
  EXPECT_EQ(number("MATCH ()-[r:KNOWS]->() RETURN count(r)"), 1000);
  EXPECT_EQ(plan("MATCH (:Person)-[:LIVES_IN]->() RETURN count(*)"),
            "RelationshipCountFromCountStore(count((:Person)-[:LIVES_IN]->()))");
  EXPECT_EQ(number("MATCH (:Person)-[:LIVES_IN]->() RETURN count(*)"), 1000);
  EXPECT_EQ(number("MATCH (:City)-[:LIVES_IN]->() RETURN count(*)"), 0);
  EXPECT_EQ(number("MATCH (:City)<-[:LIVES_IN|KNOWS|LIVES_IN]-() RETURN count(*)"), 1000);
}

TEST_F(RulesTest, UndirectedCountsAreNotTakenFromTheCounters) {
  run("CREATE (a:A)-[:T]->(a), (a)-[:T]->(:A)");
  EXPECT_EQ(number("MATCH ()-[r:T]-() RETURN count(r)"), 3);
  EXPECT_EQ(number("MATCH ()-[r:T]->() RETURN count(r)"), 2);
}

TEST_F(RulesTest, FiltersKeepCountsFromTheCounters) {
  fill();
  EXPECT_EQ(number("MATCH (n:Person) WHERE n.age < 10 RETURN count(*)"), 130);
  EXPECT_EQ(number("MATCH (n:Person) RETURN count(n.nope)"), 0);
}

TEST_F(RulesTest, ListsThatAreOnlyCountedAreCounts) {
  fill();
  const auto counts = [this](std::string_view query) {
    const auto plan = db_->explain(query);
    EXPECT_TRUE(plan.ok()) << plan.status().to_string();
    const std::string details = plan.ok() ? all_details(plan->tree) : "";
    EXPECT_NE(details.find("collect(") != std::string::npos, details.find("count(") != std::string::npos) << details;
    return details.find("collect(") == std::string::npos;
  };
  EXPECT_TRUE(counts("MATCH (n:Person) RETURN size(collect(n.name)) AS c"));
  EXPECT_TRUE(counts("MATCH (n:Person) WITH n.age AS age, collect(n.name) AS names RETURN age, size(names) AS c"));
  EXPECT_TRUE(
      counts("MATCH (n:Person) WITH n.age AS age, collect(DISTINCT n.name) AS names WHERE size(names) > 1 "
             "RETURN age ORDER BY size(names) + 1"));
  EXPECT_FALSE(counts("MATCH (n:Person) WITH n.age AS age, collect(n.name) AS names RETURN age, size(names), names"));
  EXPECT_FALSE(counts("MATCH (n:Person) WITH collect(n.name) AS names RETURN size(names), names[0]"));
  EXPECT_FALSE(counts("MATCH (n:Person) WITH collect(n.name) AS names WITH DISTINCT names RETURN size(names)"));
  EXPECT_FALSE(
      counts("MATCH (n:Person) WITH collect(n.name) AS names RETURN size(names), "
             "COLLECT { UNWIND names AS x RETURN x } AS xs"));
  // A count like any other: its hops become degrees.
  EXPECT_EQ(plan("MATCH (a:Person {id: 1})-[:KNOWS]->(b) WITH collect(b) AS bs RETURN size(bs)"),
            "Projection(EagerAggregation(Degree(NodeIndexSeek(a:Person(id = 1)))))");
}

TEST_F(RulesTest, LastHopIsCountedByDegree) {
  fill();
  EXPECT_EQ(plan("MATCH (a:Person {id: 1})-[:KNOWS]->(b) RETURN count(*)"),
            "EagerAggregation(Degree(NodeIndexSeek(a:Person(id = 1))))");
  EXPECT_EQ(number("MATCH (a:Person {id: 1})-[:KNOWS]->(b) RETURN count(*)"), 1);
  EXPECT_EQ(number("MATCH (a)-[:KNOWS]->()-[:KNOWS]->() RETURN count(*)"), 1000);
}

TEST_F(RulesTest, CountByDegreeLeavesOutTheRelationshipWalkedBefore) {
  run("CREATE (a:A {x: 1})-[:T]->(a), (a)-[:T]->(b:A {x: 2})");
  // Paths of two different relationships: loop then out. Not the loop twice.
  EXPECT_EQ(number("MATCH (a)-[:T]->(b)-[:T]->(c) RETURN count(*)"), 1);
  EXPECT_EQ(number("MATCH (a)<-[:T]-(b)<-[:T]-(c) RETURN count(*)"), 1);
}

TEST_F(RulesTest, CountByDegreeMakesNoGroupForNodesWithoutRelationships) {
  run("CREATE (a:A {x: 1})-[:T]->(:B), (a)-[:T]->(:B), (:A {x: 2})");
  const auto result = db_->execute("MATCH (a:A)-[:T]->(b) RETURN a.x AS x, count(*) AS c");
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(result->row_count, 1u);
  EXPECT_EQ(result->at(0, 1).as_integer(), 2);
  EXPECT_EQ(number("MATCH (a:Nope)-[:T]->(b) RETURN count(b)"), 0);
}

TEST_F(RulesTest, AGroupForEachScannedNodeIsItsRow) {
  fill();
  run("MATCH (a:Person), (b:Person) WHERE b.id = (a.id + 2) % 1000 CREATE (a)-[:KNOWS]->(b)");
  run("MATCH (a:Person {id: 7}), (b:Person {id: 10}) CREATE (a)-[:KNOWS]->(b)");
  const auto groups = [&](const std::string& query) {
    return plan(query).find("EagerAggregation") != std::string::npos;
  };
  EXPECT_FALSE(groups("MATCH (p:Person)-[:KNOWS]->(x) WITH p, count(*) AS d RETURN p.id, d"));
  EXPECT_FALSE(groups("MATCH (p:Person) WHERE p.age > 7 RETURN p AS q, count(*) AS n"));
  EXPECT_FALSE(groups("MATCH (p) WHERE EXISTS { (p)-[:KNOWS]->() } WITH p, p.age AS age, count(*) AS n RETURN age, n"));
  EXPECT_EQ(number("MATCH (p:Person)-[:KNOWS]->(x) WITH p, count(*) AS d WHERE d = 3 RETURN sum(p.id * d)"), 21);
  EXPECT_EQ(number("MATCH (p:Person) WITH p, count(*) AS n RETURN sum(n)"), 1000);
  // Several rows of one node, or a key that several nodes share.
  EXPECT_TRUE(groups("MATCH (p:Person), (c:City) WITH p, count(*) AS n RETURN n"));
  EXPECT_TRUE(groups("UNWIND [1, 2] AS i MATCH (p:Person) WITH p, count(*) AS n RETURN n"));
  EXPECT_TRUE(groups("MATCH (p:Person) RETURN p.age, count(*) AS n"));
  EXPECT_TRUE(groups("MATCH (p:Person) WITH p, collect(p.name) AS names RETURN names"));
  EXPECT_TRUE(groups("MATCH (p:Person) WITH p, sum(p.age) AS s RETURN s"));
  EXPECT_EQ(number("UNWIND [1, 2] AS i MATCH (p:Person) WITH p, count(*) AS n RETURN sum(n * n)"), 4000);
}

TEST_F(RulesTest, FirstHopFromNodesThatNobodyLooksAtIsCountedByDegree) {
  fill();
  run("MATCH (a:Person), (b:Person) WHERE b.id = (a.id + 2) % 1000 CREATE (a)-[:KNOWS]->(b)");
  EXPECT_EQ(plan("MATCH (a:Person)-[:KNOWS]->(b)-[:KNOWS]->(c) RETURN count(*)"),
            "EagerAggregation(Projection(Degree(Degree(Degree(AllNodesScan(b))))))");
  EXPECT_EQ(number("MATCH (a:Person)-[:KNOWS]->(b)-[:KNOWS]->(c) RETURN count(*)"), 4000);
  EXPECT_EQ(number("MATCH (a:City)-[:KNOWS]->(b)-[:KNOWS]->(c) RETURN count(*)"), 0);
  // No relationship can be of both types, so none is taken off.
  EXPECT_EQ(number("MATCH (a:Person)-[:KNOWS]->(b:Person)-[:LIVES_IN]->(c) RETURN count(*)"), 2000);
  // Somebody looks at the first node, or at the first relationship.
  for (const char* query : {"MATCH (a:Person)-[:KNOWS]->(b)-[:KNOWS]->(c) WHERE a.age > 3 RETURN count(*)",
                            "MATCH (a:Person)-[:KNOWS]->(b)-[:KNOWS]->(c) RETURN a.id, count(*)",
                            "MATCH (a:Person)-[:KNOWS]->(b)-[:KNOWS]->(c) WHERE a.id <> b.id RETURN count(*)",
                            "MATCH (a:Person)-[:KNOWS]->(b)-[:KNOWS]->(c)-[:KNOWS]->(d) RETURN count(*)"}) {
    EXPECT_NE(plan(query).find("Expand(All)"), std::string::npos) << plan(query);
  }
  EXPECT_EQ(plan("MATCH (a:Person)-[r:KNOWS]->(b)-[:KNOWS]->(c) WHERE r.since > 3 RETURN count(*)"),
            "EagerAggregation(Degree(Filter(DirectedRelationshipTypeScan((a)-[r:KNOWS]->(b)))))");
}

TEST_F(RulesTest, HopOutOfFewNodesIsNotTurnedRound) {
  fill();
  run("MATCH (a:Person {id: 1}), (b:Person {id: 7}) SET a:Rare CREATE (a)-[:KNOWS]->(b)");
  EXPECT_NE(plan("MATCH (a:Rare)-[:KNOWS]->(b)-[:KNOWS]->(c) RETURN count(*)").find("NodeByLabelScan(a:Rare)"),
            std::string::npos);
  EXPECT_EQ(number("MATCH (a:Rare)-[:KNOWS]->(b)-[:KNOWS]->(c) RETURN count(*)"), 2);
}

TEST_F(RulesTest, RelationshipsWithoutTheirEndsAreScanned) {
  fill();
  EXPECT_EQ(plan("MATCH ()-[r:KNOWS]->() WHERE r.since > 10 RETURN count(*)"),
            "EagerAggregation(Filter(DirectedRelationshipTypeScan(()-[r:KNOWS]->())))");
  EXPECT_EQ(number("MATCH ()-[r:KNOWS]->() WHERE r.since > 10 RETURN count(*)"), 989);
  for (const char* step : {"2", "3", "4", "5", "6"}) {
    run(std::string("MATCH (a:Person), (b:Person) WHERE b.id = (a.id + ") + step +
        ") % 1000 CREATE (a)-[:KNOWS {since: 5}]->(b)");
  }
  EXPECT_EQ(number("MATCH ()-[r:KNOWS]->() WHERE r.since > 10 RETURN count(*)"), 989);
  EXPECT_EQ(number("MATCH ()-[r:KNOWS]-() WHERE r.since > 10 RETURN count(*)"), 2 * 989);
  const std::string two =
      plan("MATCH ()-[r:KNOWS]->()-[s:KNOWS]->() WHERE r.since > 10 AND s.since > 10 RETURN count(*)");
  EXPECT_NE(two.find("Expand(All)"), std::string::npos) << two;
}

TEST_F(RulesTest, RelationshipsWhosePropertiesAreReadAreScannedWithTheirEnds) {
  fill();
  run("MATCH (a:Person {id: 5}), (b:Person {id: 7}) SET a:Rare CREATE (a)-[:KNOWS {since: 2000}]->(b)");
  for (const char* step : {"2", "3", "4"}) {
    run(std::string("MATCH (a:Person), (b:Person) WHERE b.id = (a.id + ") + step +
        ") % 1000 CREATE (a)-[:KNOWS {since: 0}]->(b)");
  }
  EXPECT_NE(plan("MATCH (a:Person)-[r:KNOWS]->(b:Person) RETURN a.age, b.age, r").find("Expand"), std::string::npos);
  for (const char* query : {"MATCH (a:Person)-[r:KNOWS]->(b:Person) RETURN sum(r.since)",
                            "MATCH (a:Person)-[r:KNOWS]->(b:Person) WITH b, r AS s RETURN b.age, max(s.since)",
                            "MATCH (a:Person)-[r:KNOWS]->(b:Person) RETURN a.id ORDER BY r.since"}) {
    EXPECT_NE(plan(query).find("DirectedRelationshipTypeScan((a)-[r:KNOWS]->(b))"), std::string::npos) << plan(query);
  }
  EXPECT_EQ(number("MATCH (a:Person)-[r:KNOWS]->(b:Person) RETURN sum(r.since)"), 999 * 500 + 2000);
  // Few are walked, or a node is tested.
  for (const char* query : {"MATCH (a:Rare)-[r:KNOWS]->(b:Person) RETURN sum(r.since)",
                            "MATCH (a:Person {age: 3})-[r:KNOWS]->(b:Person) RETURN sum(r.since)",
                            "MATCH (a:Person {id: 3})-[r:KNOWS]->(b:Person) RETURN sum(r.since)",
                            "MATCH (a:Person) WITH a LIMIT 3 MATCH (a)-[r:KNOWS]->(b:Person) RETURN sum(r.since)"}) {
    EXPECT_EQ(plan(query).find("RelationshipTypeScan"), std::string::npos) << query << ": " << plan(query);
  }
  EXPECT_EQ(number("MATCH (a:Rare)-[r:KNOWS]->(b:Person) RETURN sum(r.since)"), 2005);
}

TEST_F(RulesTest, RelationshipsThatAreTestedAreScannedWithTheirEnds) {
  fill();
  run("MATCH (a:Person {id: 5}), (b:Person {id: 7}) CREATE (a)-[:KNOWS {since: 2000}]->(:Robot)-[:KNOWS {since: "
      "3000}]->(b)");
  const char* labelled = "MATCH (a:Person)-[r:KNOWS]->(b:Person) WHERE r.since > 10 RETURN count(*)";
  EXPECT_EQ(plan(labelled), "EagerAggregation(Filter(DirectedRelationshipTypeScan((a)-[r:KNOWS]->(b))))");
  EXPECT_EQ(number(labelled), 989);
  EXPECT_EQ(number("MATCH (a:Person)-[r:KNOWS]->() WHERE r.since > 10 RETURN count(*)"), 990);
  EXPECT_EQ(number("MATCH ()-[r:KNOWS]->(b:Person) WHERE r.since > 10 RETURN count(*)"), 990);
  EXPECT_EQ(number("MATCH (a:Robot)-[r:KNOWS]->(b) WHERE r.since > 10 RETURN b.id"), 7);
  EXPECT_EQ(number("MATCH (a:Person)-[r:KNOWS]-(b:Person) WHERE r.since > 10 RETURN count(*)"), 2 * 989);
  EXPECT_EQ(number("MATCH (a:Person)-[r:KNOWS]-(b:Robot) WHERE r.since > 10 RETURN count(*)"), 2);
  EXPECT_EQ(number("MATCH (a:Nobody)-[r:KNOWS]->(b) WHERE r.since > 10 RETURN count(*)"), 0);
  EXPECT_EQ(number("MATCH (a:Person&!Robot)-[r:KNOWS]->(b:Robot|City) WHERE r.since > 10 RETURN count(*)"), 1);
  EXPECT_EQ(number("MATCH (a)-[r:KNOWS]->(b) WHERE r.since > a.age AND r.since > 1000 RETURN count(*)"), 1);
  // Counters tell how many have such ends, not each label by itself.
  const auto explained = db_->explain("MATCH (a:Person)-[r:KNOWS]->(b:Person) WHERE r.since > 10 RETURN r");
  ASSERT_TRUE(explained.ok());
  ASSERT_EQ(explained->tree.children.size(), 1u);
  EXPECT_EQ(explained->tree.children[0].op, "Filter");
  EXPECT_NEAR(explained->tree.children[0].estimated_rows, 0.3 * 1000, 5);
  // Where nodes are tested, too, these are found first: few are left to expand.
  for (const char* query :
       {"MATCH (a:Person {age: 7})-[r:KNOWS]->(b:Person) WHERE r.since > 10 RETURN count(*)",
        "MATCH (a:Person)-[r:KNOWS]->(b:Person) WHERE b.age < 3 AND r.since > 10 RETURN count(*)"}) {
    EXPECT_NE(plan(query).find("NodeByLabelScan"), std::string::npos) << plan(query);
  }
  // From one node its list is walked.
  const std::string one = plan("MATCH (a:Person {id: 5})-[r:KNOWS]->(b:Person) WHERE r.since > 10 RETURN count(*)");
  EXPECT_NE(one.find("Expand(All)"), std::string::npos) << one;
}

TEST_F(RulesTest, HopsBetweenTwoBoundNodesAreIntersected) {
  fill();
  EXPECT_NE(
      plan("MATCH (a:Person)-[:KNOWS]->(b)-[:KNOWS]->(c)-[:KNOWS]->(a) RETURN count(*)").find("Expand(Intersect)"),
      std::string::npos);
  // A filter between the hops goes above.
  const std::string query =
      "MATCH (a:Person {id: 1}), (b:Person {id: 3}) MATCH (a)-[:KNOWS]->(m)-[:KNOWS]->(b) WHERE m.age = 2 RETURN m.id";
  EXPECT_NE(plan(query).find("Filter(Expand(Intersect)"), std::string::npos) << plan(query);
  EXPECT_EQ(number(query), 2);
  // A bound relationship is followed, and a hop from a node to itself has no second end.
  EXPECT_EQ(plan("MATCH (x)-[r:KNOWS]->(y) WITH r, x MATCH (x)-[:KNOWS]->(m)-[r]->(x) RETURN m").find("Intersect"),
            std::string::npos);
  EXPECT_EQ(plan("MATCH (a:Person)-[:KNOWS]->(b)-[:KNOWS]->(b) RETURN b").find("Intersect"), std::string::npos);
}

TEST_F(RulesTest, ExistsInWhereBecomesASemiApply) {
  fill();
  const std::string p = plan("MATCH (c:City) WHERE EXISTS { (c)<-[:LIVES_IN]-() } AND c.name <> 'city1' RETURN c");
  EXPECT_TRUE(p.starts_with("SemiApply(Filter(NodeByLabelScan(c:City)), ")) << p;
  const std::string n = plan("MATCH (c:City) WHERE NOT (c)<-[:LIVES_IN]-() RETURN c");
  EXPECT_TRUE(n.starts_with("AntiSemiApply(NodeByLabelScan(c:City), ")) << n;
}

TEST_F(RulesTest, DistinctEndsOfVariableLengthAreSearchedOnce) {
  const std::string p = plan("MATCH (a:A)-[:T*1..5]->(b) RETURN DISTINCT b");
  EXPECT_NE(p.find("VarLengthExpand(Pruning)"), std::string::npos) << p;
  EXPECT_EQ(plan("MATCH (a:A)-[r:T*1..5]->(b) RETURN DISTINCT b, size(r) AS s").find("Pruning"), std::string::npos);
  EXPECT_EQ(plan("MATCH (a:A)-[:T*2..5]->(b) RETURN DISTINCT b").find("Pruning"), std::string::npos);
  EXPECT_EQ(plan("MATCH (a:A)-[:T*1..5]-(b) RETURN DISTINCT b").find("Pruning"), std::string::npos);
}

TEST_F(RulesTest, PropertiesThatTheOrderDoesNotAskForAreReadBehindTop) {
  fill();
  const auto waits = [&](const std::string& query) {
    const std::string p = plan(query);
    const size_t first = p.find("Projection");
    EXPECT_NE(p.find("Top"), std::string::npos) << p;
    return first < p.find("Top");
  };
  EXPECT_TRUE(waits("MATCH (p:Person) RETURN p.id AS id, p.age AS a ORDER BY a LIMIT 3"));
  EXPECT_TRUE(waits("MATCH (p:Person) RETURN p.id AS id ORDER BY p.age SKIP 1 LIMIT 3"));
  EXPECT_TRUE(waits("MATCH (p:Person) WITH p, p.id AS id ORDER BY p.age LIMIT 3 SET p.id = id + 1000000"));
  // The order asks for it, all rows are kept, it may fail, or the entity may be gone.
  EXPECT_FALSE(waits("MATCH (p:Person) RETURN p.age AS a ORDER BY a LIMIT 3"));
  EXPECT_FALSE(waits("MATCH (p:Person) RETURN p.id AS id, p.age AS a ORDER BY a LIMIT 1000000"));
  EXPECT_FALSE(waits("MATCH (p:Person) RETURN 1 / p.id AS id, p.age AS a ORDER BY a LIMIT 3"));
  EXPECT_FALSE(waits("UNWIND $maps AS p RETURN p.id AS id, p.age AS a ORDER BY a LIMIT 3"));
  EXPECT_FALSE(waits("MATCH (p:Person) DETACH DELETE p RETURN p.id AS id, 1 AS a ORDER BY a LIMIT 3"));
}

TEST_F(RulesTest, UnusedPathIsNotBuilt) {
  EXPECT_EQ(plan("MATCH p = (a:A)-[:T]->(b) RETURN b"), "Expand(All)[(a)-[:T]->(b)](NodeByLabelScan(a:A))");
}

TEST_F(RulesTest, UnusedExpressionThatMayFailIsKept) {
  EXPECT_FALSE(db_->execute("UNWIND [0] AS z WITH 1 / z AS x RETURN 1").ok());
}

TEST_F(RulesTest, ScansUnderAnEqualityGiveOnlyNodesThatCanFitOnceTheyWereAskedAFewTimes) {
  fill();
  const auto scanned = [&](const std::string& query) -> uint64_t {
    uint64_t most = 0;
    for (int i = 0; i < 5; ++i) {
      const auto profile = db_->profile(query);
      EXPECT_TRUE(profile.ok()) << query;
      if (!profile.ok()) return 0;
      most = 0;
      for (const OperatorMetrics& op : profile->operators) most = std::max(most, op.db_hits);
    }
    return most;
  };
  EXPECT_EQ(scanned("MATCH (p:Person) WHERE p.age = 5 RETURN count(*)"), 13u);
  EXPECT_EQ(scanned("MATCH (p:Person {age: 6}) WHERE p.nope IS NULL RETURN count(*)"), 13u);
  // Not a plain value, not an equality, not of this node: the whole label.
  EXPECT_EQ(scanned("MATCH (p:Person) WHERE p.age = p.id % 80 RETURN count(*)"), 1000u);
  EXPECT_EQ(scanned("MATCH (p:Person) WHERE p.age < 5 RETURN count(*)"), 1000u);
  EXPECT_EQ(scanned("MATCH (p:Person) WHERE p.age = 5 OR p.age = 6 RETURN count(*)"), 1000u);
}

}  // namespace
}  // namespace lora::test
