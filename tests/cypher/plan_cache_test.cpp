#include "cypher/plan_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

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

void run_once(cypher::PreparedPlan* prepared, size_t lane = 0) {
  prepared->give_back(prepared->take(lane));
}

TEST(PlanCacheTest, ExecutionsAreKeptFromTheSecondRunOn) {
  const auto all = std::make_shared<cypher::IdleExecutions>();
  const auto plan = std::make_shared<const cypher::LogicalPlan>();
  cypher::PreparedPlan prepared(plan, all), of_nobody(plan);
  const long held = plan.use_count();  // each execution holds it, too
  run_once(&prepared);
  EXPECT_EQ(plan.use_count(), held);
  run_once(&prepared);
  EXPECT_EQ(plan.use_count(), held + 1);
  run_once(&prepared);
  EXPECT_EQ(plan.use_count(), held + 1);
  run_once(&prepared, 1);
  EXPECT_EQ(plan.use_count(), held + 2);
  run_once(&of_nobody);
  EXPECT_EQ(plan.use_count(), held + 3);
}

TEST(PlanCacheTest, PlansThatKeepExecutionsAreBounded) {
  constexpr size_t kMax = cypher::IdleExecutions::kPlansMax;
  const auto all = std::make_shared<cypher::IdleExecutions>();
  const auto plan = std::make_shared<const cypher::LogicalPlan>();
  std::vector<std::unique_ptr<cypher::PreparedPlan>> plans;
  cypher::PreparedPlan hot(plan, all);
  run_once(&hot);
  run_once(&hot);
  for (size_t i = 0; i < 3 * kMax; ++i) {
    plans.push_back(std::make_unique<cypher::PreparedPlan>(plan, all));
    const long held = plan.use_count();
    run_once(plans.back().get());
    run_once(plans.back().get());
    EXPECT_EQ(plan.use_count(), held + (i + 1 < kMax ? 1 : 0)) << i;  // another one's was let go
    run_once(&hot);
  }
  EXPECT_TRUE(hot.keeps_executions());
  const auto keeps = [&] {
    return std::count_if(plans.begin(), plans.end(), [](const auto& p) { return p->keeps_executions(); });
  };
  EXPECT_EQ(keeps(), kMax - 1);
  // One that had to let go keeps the next one again; what ends makes room.
  EXPECT_FALSE(plans[0]->keeps_executions());
  run_once(plans[0].get());
  EXPECT_TRUE(plans[0]->keeps_executions());
  plans.erase(plans.begin() + 1, plans.end());
  for (size_t i = 0; i < kMax - 2; ++i) {
    plans.push_back(std::make_unique<cypher::PreparedPlan>(plan, all));
    run_once(plans.back().get());
    run_once(plans.back().get());
  }
  EXPECT_EQ(keeps(), kMax - 1);
  EXPECT_TRUE(hot.keeps_executions());
}

TEST(PlanCacheTest, ThreadsRunPlansWhileOthersLetGoOfExecutions) {
  const auto all = std::make_shared<cypher::IdleExecutions>();
  const auto plan = std::make_shared<const cypher::LogicalPlan>();
  const auto shared = std::make_shared<cypher::PreparedPlan>(plan, all);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 2 * cypher::IdleExecutions::kPlansMax; ++i) {
        cypher::PreparedPlan own(plan, all);
        run_once(&own, t);
        run_once(&own, t);
        run_once(shared.get(), t % 2);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  run_once(shared.get());
  EXPECT_TRUE(shared->keeps_executions());
}

std::shared_ptr<cypher::PreparedQuery> query_of(uint64_t schema) {
  auto plan = std::make_shared<cypher::LogicalPlan>();
  plan->schema_version = schema;
  auto query = std::make_shared<cypher::PreparedQuery>();
  query->prepared = std::make_shared<cypher::PreparedPlan>(std::move(plan));
  return query;
}

// Puts one that only the cache holds, for as long as it does.
std::weak_ptr<const cypher::LogicalPlan> put_watched(cypher::PlanCache* cache, const std::string& text) {
  std::shared_ptr<cypher::PreparedQuery> query = query_of(0);
  std::weak_ptr<const cypher::LogicalPlan> watched = query->prepared->plan_ptr();
  cache->put_text(text, std::move(query));
  return watched;
}

TEST(PlanCacheTest, TextsAreFoundWithPlansOfTheVersionsWanted) {
  cypher::PlanCache cache;
  cypher::PlanVersions first, second;
  first.schema = 1;
  second.schema = 2;
  cache.put_text("RETURN 1", query_of(1));
  for (size_t lane = 0; lane < cypher::kLanes; ++lane) {
    for (int i = 0; i < 3; ++i) {  // the first of them is asked of all lanes, the next ones of this one
      const auto found = cache.find_text("RETURN 1", first, lane);
      ASSERT_NE(found, nullptr);
      EXPECT_EQ(found->prepared->plan().schema_version, 1u);
      EXPECT_EQ(cache.find_text("RETURN 1", second, lane), nullptr);
      EXPECT_EQ(cache.find_text("RETURN 2", first, lane), nullptr);
    }
  }
  // A lane that holds the older one finds the newer one.
  cache.put_text("RETURN 1", query_of(2));
  for (int i = 0; i < 3; ++i) {
    const auto found = cache.find_text("RETURN 1", second, 3);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->prepared->plan().schema_version, 2u);
  }
}

TEST(PlanCacheTest, ManyTextsMeetInALane) {
  cypher::PlanCache cache;
  std::vector<std::shared_ptr<const cypher::PreparedQuery>> queries;
  for (int i = 0; i < 500; ++i) {
    queries.push_back(query_of(0));
    cache.put_text("text" + std::to_string(i), queries.back());
  }
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 500; ++i) {
      const auto found = cache.find_text("text" + std::to_string(i), {}, 0);
      ASSERT_EQ(found.get(), queries[static_cast<size_t>(i)].get()) << i;
    }
  }
}

TEST(PlanCacheTest, ClearDropsWhatLanesHold) {
  cypher::PlanCache cache;
  const std::weak_ptr<const cypher::LogicalPlan> plan = put_watched(&cache, "RETURN 1");
  for (size_t lane = 0; lane < cypher::kLanes; ++lane) {
    for (int i = 0; i < 2; ++i) ASSERT_NE(cache.find_text("RETURN 1", {}, lane), nullptr);
  }
  EXPECT_FALSE(plan.expired());
  cache.clear();
  EXPECT_TRUE(plan.expired());
  EXPECT_EQ(cache.find_text("RETURN 1", {}, 0), nullptr);
}

TEST(PlanCacheTest, ClearIsCompleteBesideReaders) {
  cypher::PlanCache cache;
  std::atomic<bool> done{false};
  std::array<std::atomic<uint64_t>, 3> rounds{};
  std::vector<std::thread> readers;
  for (size_t lane = 0; lane < rounds.size(); ++lane) {
    readers.emplace_back([&, lane] {
      while (!done) {
        static_cast<void>(cache.find_text("RETURN 1", {}, lane));
        rounds[lane].fetch_add(1);
      }
    });
  }
  const auto one_round_more = [&] {
    for (std::atomic<uint64_t>& count : rounds) {
      for (const uint64_t before = count; count < before + 2;) std::this_thread::yield();
    }
  };
  int kept = 0;
  for (int i = 0; i < 300; ++i) {
    const std::weak_ptr<const cypher::LogicalPlan> plan = put_watched(&cache, "RETURN 1");
    cache.clear();
    one_round_more();  // whoever was inside has come out
    kept += plan.expired() ? 0 : 1;
  }
  done = true;
  for (std::thread& t : readers) t.join();
  EXPECT_EQ(kept, 0);
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

// The plan is the last to hold it, in a lane of each thread that has run the text.
TEST_F(CachedDatabaseTest, WhatIsUnregisteredIsFreedAtOnce) {
  auto held = std::make_shared<int>(7);
  const std::weak_ptr<int> alive = held;
  ASSERT_TRUE(db_->register_function("own.seven() :: INTEGER",
                                     [held = std::move(held)](CallContext&, std::span<const Value>) -> Result<Value> {
                                       return Value::integer(*held);
                                     })
                  .ok());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < 3; ++i) EXPECT_EQ(run("RETURN own.seven() AS x").at(0, 0).as_integer(), 7);
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_FALSE(alive.expired());
  ASSERT_TRUE(db_->unregister_function("own.seven").ok());
  EXPECT_TRUE(alive.expired());
  EXPECT_FALSE(db_->execute("RETURN own.seven() AS x").ok());
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
