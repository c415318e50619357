#include <algorithm>

#include "tests/cypher/plan_fixture.h"

namespace lora::test {
namespace {

class BarriersTest : public PlanTest {
 protected:
  bool eager(const std::string& query) { return plan(query).find("Eager(") != std::string::npos; }
};

TEST_F(BarriersTest, ScanDoesNotMeetTheNodesItMakes) {
  run("UNWIND range(1, 10) AS i CREATE (:A)");
  run("MATCH (n) CREATE (:A)");
  EXPECT_EQ(number("MATCH (n) RETURN count(*)"), 20);
  run("MATCH (a:A) CREATE (a)-[:T]->(:A)");
  EXPECT_EQ(number("MATCH (n) RETURN count(*)"), 40);
}

// Rows of a unit subquery go through it together only where no step reads or overwrites what another one writes.
TEST_F(BarriersTest, RowsOfASubqueryGoTogetherWhenTheyCannotMeet) {
  run("CREATE INDEX FOR (p:P) ON (p.id)");
  const auto together = [&](const std::string& body) {
    const auto explained = db_->execute("EXPLAIN UNWIND $rows AS r CALL (r) { " + body + " }");
    EXPECT_TRUE(explained.ok()) << body << "\n" << explained.status().to_string();
    return explained.ok() && std::any_of(explained->values.begin(), explained->values.end(), [](const Value& value) {
             return value.is_string() && value.as_string() == "rows together";
           });
  };
  EXPECT_TRUE(together("CREATE (:P {id: r.id})"));
  EXPECT_TRUE(together("MERGE (p:P {id: r.id}) ON CREATE SET p.made = r.now"));
  EXPECT_TRUE(together("MATCH (a:P {id: r.a}) MATCH (b:P {id: r.b}) CREATE (a)-[:T {w: r.w}]->(b)"));
  EXPECT_TRUE(together("MATCH (a:P {id: r.a}) SET a.seen = a.seen + 1"));
  EXPECT_TRUE(together("FOREACH (x IN r.xs | CREATE (:Q {x: x}))"));
  EXPECT_FALSE(together("MATCH (a:P {id: r.a}) CREATE (:P {id: r.b})"));
  EXPECT_FALSE(together("MATCH (a:P {id: r.a}) SET a.id = r.b"));
  EXPECT_FALSE(together("MATCH (a:P {id: r.a}) WHERE a.seen < 3 SET a.seen = a.seen + 1"));
  EXPECT_FALSE(together("MATCH (a:P {id: r.a}) DETACH DELETE a"));
  EXPECT_FALSE(together("MATCH (a:P {id: r.a})-[:T]->(b) CREATE (a)-[:T]->(:Q)"));
  EXPECT_FALSE(together("MATCH (a:P {id: r.a}) SET a.x = 1 SET a.x = a.x + 1"));
  EXPECT_FALSE(together("MERGE (a:P {id: r.a}) MERGE (b:P {id: r.b}) MERGE (a)-[:T]->(b)"));
  EXPECT_FALSE(together("MATCH (a:P {id: r.a}) WITH count(a) AS n CREATE (:Q {n: n})"));
  EXPECT_FALSE(together("MATCH (a:P {id: r.a}) WHERE NOT EXISTS { (a)-[:T]->() } CREATE (a)-[:T]->(:Q)"));
  EXPECT_TRUE(together("CREATE (:Q {x: rand()})"));
  EXPECT_FALSE(together("CREATE (:Q {x: rand()}) CREATE (:R {x: rand()})"));
  EXPECT_TRUE(together("CREATE (q:Q {x: r.x}) SET q.y = r.y"));
  run("CREATE CONSTRAINT FOR (o:Other) REQUIRE o.id IS UNIQUE");
  EXPECT_TRUE(together("MATCH (a:P {id: r.a}) CREATE (a)-[:T]->(q:Q) CREATE (q)-[:U]->(:R)"));
  EXPECT_FALSE(together("CREATE (q:Q {x: r.x}) SET q.y = r.y"));
}

TEST_F(BarriersTest, AnyLabelBesideANamedOneIsAReadOfAll) {
  EXPECT_TRUE(eager("MATCH (a)-[:NEXT]->(b) WHERE a:Q|% SET b:Z"));
  EXPECT_TRUE(eager("MATCH (a)-[:NEXT]->(b) WHERE a:Q AND a:% SET b:Z"));
  EXPECT_FALSE(eager("MATCH (a)-[:NEXT]->(b) WHERE a:Q|R SET b:Z"));
}

TEST_F(BarriersTest, OtherLabelsNeedNoBarrier) {
  EXPECT_TRUE(eager("MATCH (a:A) CREATE (:A)"));
  EXPECT_FALSE(eager("MATCH (a:A) CREATE (:B)"));
  EXPECT_FALSE(eager("MATCH (a:A)-[:T]->(b) CREATE (a)-[:U]->(b)"));
  EXPECT_TRUE(eager("MATCH (a:A)-[:T]->(b) CREATE (a)-[:T]->(b)"));
}

TEST_F(BarriersTest, BulkLoadsStream) {
  run("CREATE CONSTRAINT p_id FOR (p:P) REQUIRE p.id IS UNIQUE");
  EXPECT_FALSE(eager("UNWIND $rows AS r CREATE (n:P {id: r.id})"));
  EXPECT_FALSE(eager("UNWIND $rows AS r MATCH (a:P {id: r.a}), (b:P {id: r.b}) CREATE (a)-[:T {w: r.w}]->(b)"));
  EXPECT_FALSE(eager("UNWIND $rows AS r MERGE (n:P {id: r.id}) SET n.v = r.v"));
  EXPECT_FALSE(eager("UNWIND $rows AS r MATCH (n:P {id: r.id}) SET n.v = r.v"));
}

TEST_F(BarriersTest, OneRowNeedsNoBarrier) {
  run("CREATE CONSTRAINT p_id FOR (p:P) REQUIRE p.id IS UNIQUE");
  EXPECT_FALSE(eager("MATCH (n:P {id: 1}) SET n.id = 2 RETURN n.id"));
  EXPECT_FALSE(eager("MATCH (n) WITH count(*) AS c CREATE (:A {c: c})"));
  EXPECT_FALSE(eager("CREATE (a:A) WITH a MATCH (n) RETURN n"));
}

TEST_F(BarriersTest, SettingWhatAScanOfTheSameNodeFilteredByStreams) {
  EXPECT_FALSE(eager("MATCH (n:A) WHERE n.x > 1 SET n.x = 0"));
  EXPECT_TRUE(eager("MATCH (n:A), (m:A) WHERE m.x > n.x SET n.x = 0"));
}

TEST_F(BarriersTest, ReadsAfterAWriteSeeAllOfIt) {
  run("UNWIND range(1, 3) AS i CREATE (:A {x: i})");
  // Every row sees the nodes that all rows made.
  EXPECT_EQ(number("MATCH (a:A) CREATE (:B) WITH a MATCH (b:B) RETURN count(*)"), 9);
  EXPECT_EQ(number("MATCH (a:A) WITH a ORDER BY a.x SET a.x = 7 WITH a MATCH (b:A) WHERE b.x = 7 RETURN count(*)"), 9);
}

TEST_F(BarriersTest, ReturnedEntitiesShowTheLastWrite) {
  run("CREATE (a:A {x: 0}), (a)-[:T {v: 1}]->(:B), (a)-[:T {v: 2}]->(:B), (a)-[:T {v: 3}]->(:B)");
  const auto result = db_->execute("MATCH (a:A)-[r:T]->() WITH a, r ORDER BY r.v SET a.x = r.v RETURN a.x AS x");
  ASSERT_TRUE(result.ok()) << result.status().to_string();
  for (size_t i = 0; i < result->row_count; ++i) EXPECT_EQ(result->at(i, 0).as_integer(), 3);
}

TEST_F(BarriersTest, DeletionWaitsForTheMatchToEnd) {
  run("CREATE (a)-[:T]->(b)-[:T]->(c)-[:T]->(a)");
  run("MATCH (a)-[r]->(b) DELETE r, a");
  EXPECT_EQ(number("MATCH (n) RETURN count(*)"), 0);
}

TEST_F(BarriersTest, LimitCutsRowsNotWrites) {
  run("UNWIND range(1, 5000) AS i CREATE (:A)");
  run("MATCH (a:A) SET a.done = true RETURN a LIMIT 1");
  EXPECT_EQ(number("MATCH (a:A) WHERE a.done RETURN count(*)"), 5000);
}

TEST_F(BarriersTest, MergeSeesWhatItMadeForEarlierRows) {
  run("UNWIND [1, 1, 2, 2, 1] AS x MERGE (:A {x: x})");
  EXPECT_EQ(number("MATCH (n:A) RETURN count(*)"), 2);
  run("UNWIND [1, 2, 1] AS x MERGE (a:P {x: x}) MERGE (b:P {x: x + 1}) MERGE (a)-[:T]->(b)");
  EXPECT_EQ(number("MATCH (n:P) RETURN count(*)"), 3);
  EXPECT_EQ(number("MATCH (:P)-[r:T]->(:P) RETURN count(r)"), 2);
}

TEST_F(BarriersTest, SubqueriesThatWriteDoNotDisturbTheRowsOutside) {
  run("UNWIND range(1, 10) AS i CREATE (:A)");
  run("MATCH (a:A) CALL { CREATE (:A) }");
  EXPECT_EQ(number("MATCH (n:A) RETURN count(*)"), 20);
  run("MATCH (a:A) FOREACH (i IN [1, 2] | CREATE (:A))");
  EXPECT_EQ(number("MATCH (n:A) RETURN count(*)"), 60);
}

}  // namespace
}  // namespace lora::test
