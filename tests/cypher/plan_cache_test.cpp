#include "cypher/plan_cache.h"

#include <gtest/gtest.h>

#include <thread>

#include "cypher/database.h"

namespace lora {
namespace {

TEST(PlanCacheTest, LevelsAreBounded) {
  cypher::PlanCache cache;
  for (int i = 0; i < 20'000; ++i) {
    cache.put_key("key" + std::to_string(i),
                  std::make_shared<cypher::PreparedPlan>(std::make_shared<cypher::LogicalPlan>()));
  }
  EXPECT_LE(cache.entries(), 4096u);
  EXPECT_GT(cache.entries(), 2000u);
  EXPECT_NE(cache.find_key("key19999"), nullptr);
}

TEST(PlanCacheTest, UsedEntriesOutliveUnusedOnes) {
  cypher::PlanCache cache;
  const auto plan = std::make_shared<cypher::LogicalPlan>();
  cache.put_key("hot", std::make_shared<cypher::PreparedPlan>(plan));
  for (int i = 0; i < 20'000; ++i) {
    cache.put_key("key" + std::to_string(i), std::make_shared<cypher::PreparedPlan>(plan));
    ASSERT_NE(cache.find_key("hot"), nullptr) << i;
  }
}

class CachedDatabaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto db = Database::in_memory();
    ASSERT_TRUE(db.ok()) << db.status().to_string();
    db_ = std::move(db).value();
  }
  QueryResult run(const std::string& query, const Params& params = {}) {
    auto result = db_->execute(query, params);
    EXPECT_TRUE(result.ok()) << query << "\n" << result.status().to_string();
    return result.ok() ? std::move(result).value() : QueryResult();
  }
  std::unique_ptr<Database> db_;
};

TEST_F(CachedDatabaseTest, RepeatedTextIsPlannedOnce) {
  run("RETURN 1 AS x");
  const auto before = db_->plan_cache_stats();
  for (int i = 0; i < 10; ++i) run("RETURN 1 AS x");
  const auto after = db_->plan_cache_stats();
  EXPECT_EQ(after.misses, before.misses);
  EXPECT_EQ(after.hits, before.hits + 10);
}

TEST_F(CachedDatabaseTest, TextsThatDifferInLiteralsShareAPlan) {
  run("CREATE (:A {x: 1}), (:A {x: 2})");
  EXPECT_EQ(run("MATCH (n:A {x: 1}) RETURN n.x AS x").at(0, 0).as_integer(), 1);
  const auto before = db_->plan_cache_stats();
  EXPECT_EQ(run("MATCH (n:A {x: 2}) RETURN n.x AS x").at(0, 0).as_integer(), 2);
  EXPECT_EQ(db_->plan_cache_stats().misses, before.misses);
  // A literal of another class is another plan.
  EXPECT_EQ(run("MATCH (n:A {x: '2'}) RETURN n.x AS x").row_count, 0u);
}

TEST_F(CachedDatabaseTest, LiteralsNamedByColumnsAreNotShared) {
  EXPECT_EQ(run("RETURN 1").columns[0], "1");
  EXPECT_EQ(run("RETURN 2").columns[0], "2");
  EXPECT_EQ(run("RETURN 2").at(0, 0).as_integer(), 2);
}

TEST_F(CachedDatabaseTest, SchemaChangeMakesNewPlans) {
  run("UNWIND range(1, 100) AS i CREATE (:A {x: i})");
  const std::string query = "MATCH (n:A {x: 7}) RETURN count(*) AS c";
  EXPECT_EQ(run(query).at(0, 0).as_integer(), 1);
  run("CREATE INDEX a_x FOR (n:A) ON (n.x)");
  EXPECT_EQ(run(query).at(0, 0).as_integer(), 1);
  run("DROP INDEX a_x");
  EXPECT_EQ(run(query).at(0, 0).as_integer(), 1);
}

TEST_F(CachedDatabaseTest, SchemaChangeInATransactionIsItsOwn) {
  run("UNWIND range(1, 100) AS i CREATE (:A {x: i})");
  const std::string query = "MATCH (n:A {x: 7}) RETURN count(*) AS c";
  run(query);
  {
    auto t = db_->begin();
    ASSERT_TRUE(t.ok());
    ASSERT_TRUE((*t)->execute("CREATE INDEX a_x FOR (n:A) ON (n.x)").ok());
    EXPECT_EQ((*t)->execute(query)->at(0, 0).as_integer(), 1);
    EXPECT_EQ(run(query).at(0, 0).as_integer(), 1);
  }
  EXPECT_EQ(run(query).at(0, 0).as_integer(), 1);
}

TEST_F(CachedDatabaseTest, UnknownNamesAreFoundOnceTheyExist) {
  const std::string query = "MATCH (n:Later {k: 1})-[:REL]->(m) RETURN count(*) AS c";
  EXPECT_EQ(run(query).at(0, 0).as_integer(), 0);
  run("CREATE (:Later {k: 1})-[:REL]->()");
  EXPECT_EQ(run(query).at(0, 0).as_integer(), 1);
}

TEST_F(CachedDatabaseTest, ErrorsOfSharedPlansShowNoPlaceOfAnotherText) {
  ASSERT_FALSE(db_->execute("WITH 10 AS x RETURN x / 0 AS y").ok());
  const auto second = db_->execute("WITH   1234567   AS x RETURN x / 0 AS y");
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), ErrorCode::kArithmetic);
}

TEST_F(CachedDatabaseTest, OnePlanRunsInManyThreads) {
  run("UNWIND range(1, 1000) AS i CREATE (:A {x: i})");
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const int64_t x = (i * 7 + t) % 1000 + 1;
        const auto r =
            db_->execute("MATCH (n:A) WHERE n.x = $x RETURN n.x AS x", make_params({{"x", Value::integer(x)}}));
        if (!r.ok() || r->row_count != 1 || r->at(0, 0).as_integer() != x) ++wrong;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
}  // namespace lora
