// What a run keeps to: memory budgets, interruption, effects under LIMIT, depth, reuse after errors.
#include <gtest/gtest.h>

#include <thread>

#include "cypher/database.h"

namespace lora {
namespace {

class RunTest : public ::testing::Test {
 protected:
  void open(uint64_t memory_bytes = 0) {
    DatabaseOptions options;
    options.query_memory_bytes = memory_bytes;
    auto db = Database::in_memory(options);
    ASSERT_TRUE(db.ok()) << db.status().to_string();
    db_ = std::move(db).value();
  }
  Status status(const std::string& query) { return db_->execute(query).status(); }
  int64_t number(const std::string& query) {
    auto result = db_->execute(query);
    EXPECT_TRUE(result.ok()) << query << "\n" << result.status().to_string();
    return result.ok() && !result->values.empty() && result->values[0].is_integer() ? result->values[0].as_integer()
                                                                                    : -1;
  }
  std::unique_ptr<Database> db_;
};

TEST_F(RunTest, EverythingThatKeepsRowsKeepsToTheMemoryBudget) {
  open(4 << 20);
  for (const char* query : {"UNWIND range(1, 5000000) AS x RETURN collect(x) AS l",
                            "UNWIND range(1, 5000000) AS x WITH x ORDER BY x DESC RETURN count(*)",
                            "UNWIND range(1, 5000000) AS x WITH DISTINCT x RETURN count(*)",
                            "UNWIND range(1, 5000000) AS x RETURN count(DISTINCT x)",
                            "UNWIND range(1, 5000000) AS x WITH x, count(*) AS c RETURN sum(c)",
                            "UNWIND range(1, 5000000) AS x RETURN x"}) {
    EXPECT_EQ(status(query).code(), ErrorCode::kMemoryLimit) << query;
    EXPECT_EQ(number("RETURN 1"), 1);
  }
}

// A plan that is kept has counted all it used down to nothing when it is run again, however the last run ended.
TEST_F(RunTest, TheBudgetOfAPlanIsWholeAtEachRun) {
  constexpr uint64_t kBudget = 256 << 10;
  constexpr int kRuns = 1500;  // so a run may not keep more than 175 bytes
  open(kBudget);
  ASSERT_TRUE(status("CREATE RANGE INDEX FOR (n:N) ON (n.i)").ok());
  ASSERT_TRUE(status("UNWIND range(1, 30) AS i CREATE (:N {i: i, s: 'name ' + (i % 7), g: i % 3})").ok());
  ASSERT_TRUE(status("MATCH (a:N), (b:N) WHERE b.i IN [a.i + 1, a.i + 5] CREATE (a)-[:R {w: a.i % 4}]->(b)").ok());
  for (const char* query : {
           "MATCH (n:N) RETURN count(DISTINCT n.s) AS c, count(DISTINCT n) AS d",
           "MATCH (n:N) RETURN n.g AS g, count(DISTINCT n.s) AS c, collect(DISTINCT n.i) AS l, sum(DISTINCT n.i) AS s",
           "MATCH (n:N) RETURN n.s AS s, n.g AS g, avg(n.i) AS a, min(n.s) AS m, collect(n.s) AS l",
           "MATCH (n:N) RETURN percentileCont(n.i, 0.5) AS p, stDev(n.i) AS d, collect(n) AS l",
           "MATCH (n:N) RETURN n.s AS s, count(*) AS c ORDER BY c DESC, s LIMIT 3",
           "MATCH (n:N) RETURN DISTINCT n.s AS s, n.g AS g",
           "MATCH (n:N) RETURN n.s AS s ORDER BY n.s DESC, n.i SKIP 2",
           "MATCH (n:N) RETURN n.s AS s ORDER BY n.s LIMIT 4",
           "MATCH (a:N), (b:N) WHERE a.g = b.i RETURN a.s AS s, b.s AS t",
           "MATCH (a:N)-[:R]->(b)-[:R]->(c) WHERE NOT (a)-[:R]->(c) RETURN DISTINCT a, c",
           "MATCH (a:N {i: 1})-[:R*1..4]->(b) RETURN count(*) AS c, count(DISTINCT b) AS d",
           "MATCH p = (a:N {i: 1})-[:R*1..3]->(b) RETURN p LIMIT 3",
           "MATCH p = ALL SHORTEST (a:N {i: 1})-[:R]->+(b:N {i: 12}) RETURN length(p) AS l",
           "MATCH p = SHORTEST 2 GROUPS (a:N {i: 1})-[:R]->+(b:N) WHERE b.i < 7 RETURN b.i AS i, length(p) AS l",
           "MATCH p = shortestPath((a:N {i: 1})-[:R*]->(b:N {i: 20})) RETURN length(p) AS l",
           "MATCH (a:N) ((x)-[r:R]->(y) WHERE r.w < 3){1,3} (b) RETURN count(*) AS c",
           "MATCH (a:N) OPTIONAL MATCH (a)-[r:R {w: 9}]->(b) RETURN a.i AS i, b IS NULL AS n",
           "MATCH (a:N) RETURN a.i AS i, [(a)-[r:R]->(b) | b.s] AS l, COUNT { (a)--() } AS c",
           "MATCH (a:N) WHERE EXISTS { (a)-[:R]->(b) WHERE b.i > a.i + 3 } RETURN collect(a.i) AS l",
           "MATCH (a:N) RETURN a.i AS i, COLLECT { MATCH (a)-[:R]->(b) RETURN b.s ORDER BY b.i DESC } AS l",
           "MATCH (a:N) RETURN a.i AS i, COLLECT { MATCH (b:N) RETURN DISTINCT b.s } AS l LIMIT 2",
           "MATCH (a:N) CALL (a) { MATCH (a)-[:R]->(b) RETURN b ORDER BY b.i LIMIT 1 } RETURN a.i AS i, b.i AS j",
           "MATCH (a:N) CALL (a) { MATCH (a)-[:R]->(b) RETURN count(DISTINCT b.s) AS c } RETURN sum(c) AS c",
           "MATCH (a:N) RETURN a.s AS s UNION MATCH (b:N) RETURN b.s AS s",
           "UNWIND [3, 1, 2, 3] AS i MATCH (n:N {i: i}) RETURN n.s AS s",
           "MATCH (n:N) WITH n.s AS s, collect(n) AS l UNWIND l AS m RETURN s, m.i AS i ORDER BY i LIMIT 5",
           "RETURN reduce(t = [], x IN range(1, 50) | t + x) AS l, [x IN range(1, 50) WHERE x % 2 = 0 | '' + x] AS m",
           "MATCH (n:N) WITH collect(n.s) AS l RETURN size(l) AS c, [x IN l | toUpper(x)] AS m",
           "MATCH (n:N) WITH n ORDER BY n.i LIMIT 20 SET n.t = n.s + '!' RETURN count(n) AS c",
           "MATCH (n:N) WITH n LIMIT 3 FOREACH (x IN [1, 2] | SET n.u = x)",
           "MERGE (n:N {i: 5}) ON MATCH SET n.v = 1 RETURN n.v AS v",
           "CREATE (n:T {s: 'text'}) WITH n DETACH DELETE n RETURN count(*) AS c",
       }) {
    for (int run = 0; run < kRuns; ++run) {
      const Status s = status(query);
      ASSERT_TRUE(s.ok()) << query << "\nrun " << run << ": " << s.to_string();
    }
  }
  // Runs that were given up halfway.
  for (const char* query : {"MATCH (a:N), (b:N) RETURN DISTINCT a.i AS i, b.i AS j, count(DISTINCT a.s) AS c",
                            "MATCH (a:N), (b:N) RETURN DISTINCT a, b, a.s AS s",
                            "MATCH (a:N), (b:N) RETURN a.i AS i, b.i AS j ORDER BY i + j, j",
                            "MATCH p = (a:N)-[:R*1..3]->(b) RETURN p, COLLECT { MATCH (a)--(c) RETURN c } AS l"}) {
    for (int run = 0; run < kRuns; ++run) {
      auto stream = db_->stream(query);
      ASSERT_TRUE(stream.ok()) << query << "\nrun " << run << ": " << stream.status().to_string();
      std::vector<Value> values;
      size_t rows = 0;
      const Status s = (*stream)->next(&values, &rows);
      ASSERT_TRUE(s.ok()) << query << "\nrun " << run << ": " << s.to_string();
    }
  }
  // Runs that failed, by the budget and by a value.
  for (int run = 0; run < 50; ++run) {
    ASSERT_EQ(status("UNWIND range(1, 100000) AS x RETURN count(DISTINCT x) AS c").code(), ErrorCode::kMemoryLimit);
    auto few = db_->execute("UNWIND range(1, $n) AS x RETURN count(DISTINCT toString(x) + x / ($n - x)) AS c",
                            make_params({{"n", Value::integer(500)}}));
    ASSERT_EQ(few.status().code(), ErrorCode::kArithmetic) << few.status().to_string();
  }
}

TEST_F(RunTest, WhatStreamsNeedsNoMemory) {
  open(4 << 20);
  EXPECT_EQ(number("UNWIND range(1, 5000000) AS x RETURN count(x)"), 5000000);
  EXPECT_EQ(number("UNWIND range(1, 5000000) AS x WITH x ORDER BY x DESC LIMIT 3 RETURN min(x)"), 4999998);
  EXPECT_EQ(number("UNWIND range(1, 1000000000000) AS x WITH x LIMIT 5 RETURN sum(x)"), 15);
}

TEST_F(RunTest, LongLoopsAreInterrupted) {
  open();
  for (const char* query :
       {"UNWIND range(1, 1000000000000) AS x RETURN count(x)",
        "UNWIND range(1, 1000000000000) AS x WITH x WHERE x < 0 RETURN x",
        "UNWIND range(1, 1000000) AS x UNWIND range(1, 1000000) AS y RETURN sum(x * y)",
        "RETURN reduce(s = 0, x IN range(1, 3000000) | s + reduce(t = 0, y IN range(1, 1000) | t + 1))"}) {
    QueryOptions options;
    options.timeout = std::chrono::milliseconds(60);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(db_->execute(query, {}, options).status().code(), ErrorCode::kTimeout) << query;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10)) << query;
  }
}

TEST_F(RunTest, PathsWithoutEndAreInterrupted) {
  open();
  ASSERT_TRUE(status("UNWIND range(1, 12) AS i CREATE (:N {i: i})").ok());
  ASSERT_TRUE(status("MATCH (a:N), (b:N) WHERE a <> b CREATE (a)-[:R]->(b)").ok());
  QueryOptions options;
  options.timeout = std::chrono::milliseconds(60);
  EXPECT_EQ(db_->execute("MATCH (a:N {i: 1})-[*]->(b) RETURN count(*)", {}, options).status().code(),
            ErrorCode::kTimeout);
}

TEST_F(RunTest, LimitLeavesOutRowsNotEffects) {
  open();
  ASSERT_TRUE(status("UNWIND range(1, 5000) AS x CREATE (n:A {x: x}) RETURN n LIMIT 1").ok());
  EXPECT_EQ(number("MATCH (n:A) RETURN count(*)"), 5000);
  ASSERT_TRUE(status("UNWIND range(1, 10) AS x CREATE (n:B {x: x}) RETURN n LIMIT 0").ok());
  EXPECT_EQ(number("MATCH (n:B) RETURN count(*)"), 10);
  ASSERT_TRUE(status("MATCH (n:B) SET n.y = 1 RETURN n.y SKIP 3 LIMIT 2").ok());
  EXPECT_EQ(number("MATCH (n:B) RETURN sum(n.y)"), 10);
}

TEST_F(RunTest, PlansOfManyStepsAreALimitNotACrash) {
  open();
  std::string query = "WITH 0 AS x ";
  for (int i = 0; i < 20'000; ++i) query += "UNWIND [x] AS x" + std::to_string(i) + " ";
  query += "RETURN x";
  const Status s = status(query);
  if (!s.ok()) {
    EXPECT_EQ(s.code(), ErrorCode::kLimit) << s.to_string();
  }
  EXPECT_EQ(number("RETURN 1"), 1);
}

TEST_F(RunTest, AnErrorLeavesTheCachedPlanUsable) {
  open();
  const auto run = [&](Value v) {
    return db_->execute("UNWIND [1, 2, 3] AS x RETURN x / $d AS q", make_params({{"d", v}}));
  };
  EXPECT_TRUE(run(Value::integer(1)).ok());
  EXPECT_EQ(run(Value::integer(0)).status().code(), ErrorCode::kArithmetic);
  const auto again = run(Value::integer(1));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->row_count, 3u);
}

TEST_F(RunTest, MergeOfARowSeesWhatTheRowsBeforeMade) {
  open();
  ASSERT_TRUE(status("UNWIND [1, 2, 1, 2, 1] AS x MERGE (n:M {x: x}) ON CREATE SET n.made = 1 ON MATCH SET n.met = "
                     "coalesce(n.met, 0) + 1")
                  .ok());
  EXPECT_EQ(number("MATCH (n:M) RETURN count(*)"), 2);
  EXPECT_EQ(number("MATCH (n:M) RETURN sum(n.met)"), 3);
  const Status s = status("MERGE (n:M {x: null})");
  EXPECT_EQ(s.info().detail, "MergeReadOwnWrites");
}

TEST_F(RunTest, CallInTransactionsCommitsInBatches) {
  open();
  ASSERT_TRUE(status("UNWIND range(1, 10) AS x CALL { WITH x CREATE (:T {x: x}) } IN TRANSACTIONS OF 3 ROWS").ok());
  EXPECT_EQ(number("MATCH (n:T) RETURN count(*)"), 10);
  // Rows of committed batches stay when a later one fails.
  const Status s =
      status("UNWIND range(1, 10) AS x CALL { WITH x CREATE (:U {x: 1 / (8 - x)}) } IN TRANSACTIONS OF 3 ROWS");
  EXPECT_EQ(s.code(), ErrorCode::kArithmetic);
  EXPECT_EQ(number("MATCH (n:U) RETURN count(*)"), 6);
}

TEST_F(RunTest, ExistsIsLeftAtItsFirstRow) {
  open();
  ASSERT_TRUE(status("CREATE INDEX FOR (p:P) ON (p.x)").ok());
  ASSERT_TRUE(status("UNWIND range(1, 10000) AS x CREATE (:P {x: x, y: x})-[:R {z: x}]->(:Q {x: x})").ok());
  for (const char* query :
       {"MATCH (q:Q) WHERE q.x <= 50 AND EXISTS { MATCH (p:P) WHERE p.y > q.x } RETURN q.x",
        "MATCH (q:Q) WHERE q.x <= 50 AND EXISTS { MATCH (p:P) WHERE p.x > q.x } RETURN q.x",
        "MATCH (q:Q) WHERE q.x <= 50 AND EXISTS { MATCH ()-[r:R]->() WHERE r.z > q.x } RETURN q.x",
        "MATCH (q:Q) WHERE q.x <= 50 AND EXISTS { MATCH (p)-[:R]->(n) WHERE n.x > q.x } RETURN q.x",
        "MATCH (q:Q) WHERE q.x <= 50 AND EXISTS { MATCH (p) WHERE p.x > q.x } RETURN q.x",
        "MATCH (q:Q) WHERE q.x <= 50 RETURN q.x, EXISTS { MATCH (p:P) WHERE p.y > q.x } AS e",
        "MATCH (q:Q) WHERE q.x <= 50 RETURN q.x, EXISTS { MATCH (p:P) WHERE p.x > q.x } AS e",
        "MATCH (q:Q) WHERE q.x <= 50 RETURN q.x, EXISTS { MATCH ()-[r:R]->() WHERE r.z > q.x } AS e"}) {
    const auto profile = db_->profile(query);
    ASSERT_TRUE(profile.ok()) << query << ": " << profile.status().to_string();
    EXPECT_EQ(profile->total_rows, 50u) << query;
    uint64_t hits = 0;
    for (const OperatorMetrics& m : profile->operators) hits = std::max(hits, m.db_hits);
    EXPECT_LT(hits, 40'000u) << query << ": the first 50 rows times all that may match are 500 000";
  }
  // Batches with rows that match nothing, rows that match once and rows that match often.
  for (const char* inner : {"MATCH (p:P) WHERE p.y > q.x + 9500", "MATCH (p:P) WHERE p.x > q.x + 9500",
                            "MATCH ()-[r:R]->() WHERE r.z > q.x + 9500", "MATCH (p:P) WHERE p.x = q.x + 9500",
                            "MATCH (p:P)-[:R]->(n:Q) WHERE p.x > q.x + 9500",
                            "MATCH (p:P) WHERE p.x IN [q.x + 9500, q.x + 9499] AND p.x > 9500 AND q.x < 500",
                            "MATCH (p:P) WHERE id(p) > 0 AND p.y > q.x + 9500"}) {
    const std::string exists = std::string("EXISTS { ") + inner + " }";
    const int64_t matching = std::string(inner).find("p.x = ") != std::string::npos ? 500 : 499;
    EXPECT_EQ(number("MATCH (q:Q) WHERE q.x <= 600 AND " + exists + " RETURN count(*)"), matching) << inner;
    EXPECT_EQ(number("MATCH (q:Q) WHERE q.x <= 600 AND NOT " + exists + " RETURN count(*)"), 600 - matching) << inner;
    EXPECT_EQ(number("MATCH (q:Q) WHERE q.x <= 600 WITH " + exists + " AS e WHERE e RETURN count(*)"), matching)
        << inner;
  }
}

TEST_F(RunTest, ProfileCountsRowsPerOperator) {
  open();
  ASSERT_TRUE(status("UNWIND range(1, 100) AS x CREATE (:P {x: x})").ok());
  const auto most = [&](const std::string& query, uint64_t* hits) {
    const auto profile = db_->profile(query);
    EXPECT_TRUE(profile.ok()) << profile.status().to_string();
    EXPECT_EQ(profile->total_rows, 10u);
    uint64_t rows = *hits = 0;
    for (const OperatorMetrics& m : profile->operators) {
      rows = std::max(rows, m.rows);
      *hits = std::max(*hits, m.db_hits);
      EXPECT_GT(m.next_calls, 0u);
    }
    return rows;
  };
  uint64_t hits = 0;
  EXPECT_EQ(most("MATCH (n:P) WHERE n.x + 0 > 90 RETURN n.x", &hits), 100u);
  EXPECT_EQ(hits, 100u);
  // The scan tests what it has looked at: it gives ten rows of a hundred.
  EXPECT_EQ(most("MATCH (n:P) WHERE n.x > 90 RETURN n.x", &hits), 10u);
  EXPECT_EQ(hits, 100u);
}

TEST_F(RunTest, StreamsGiveTheFirstRowAtOnce) {
  open();
  auto stream = db_->stream("UNWIND range(1, 1000000000000) AS x RETURN x");
  ASSERT_TRUE(stream.ok());
  std::vector<Value> values;
  size_t rows = 0;
  ASSERT_TRUE((*stream)->next(&values, &rows).ok());
  EXPECT_EQ(rows, 1u);
  size_t most = 0;
  for (int i = 0; i < 10; ++i) {
    values.clear();
    ASSERT_TRUE((*stream)->next(&values, &rows).ok());
    most = std::max(most, rows);
  }
  EXPECT_EQ(most, 2048u);
  (*stream)->close();
}

}  // namespace
}  // namespace lora
