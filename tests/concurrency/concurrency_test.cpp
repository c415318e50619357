// One handle in many threads: readers beside a writer, streams, interrupts, closing while others work.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "cypher/database.h"
#include "tests/support/temp_directory.h"

namespace lora {

namespace {

std::unique_ptr<Database> open_memory() {
  auto opened = Database::in_memory();
  EXPECT_TRUE(opened.ok()) << opened.status().to_string();
  return std::move(*opened);
}

int64_t integer(Database& db, std::string_view query) {
  auto result = db.execute(query);
  EXPECT_TRUE(result.ok()) << result.status().to_string();
  return result.ok() && result->row_count == 1 ? result->at(0, 0).as_integer() : -1;
}

}  // namespace

// Every transfer keeps the sum; a reader that saw half a commit would see another one.
TEST(Concurrency, ReadersNeverSeeHalfACommit) {
  auto db = open_memory();
  ASSERT_TRUE(db->execute("UNWIND range(0, 99) AS i CREATE (:Account {i: i, money: 100})").ok());
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r) {
    readers.emplace_back([&] {
      while (!stop) EXPECT_EQ(integer(*db, "MATCH (a:Account) RETURN sum(a.money)"), 10'000);
    });
  }
  for (int64_t i = 0; i < 300; ++i) {
    auto done =
        db->execute("MATCH (a:Account {i: $a}), (b:Account {i: $b}) SET a.money = a.money - 1, b.money = b.money + 1",
                    make_params({{"a", Value::integer(i % 100)}, {"b", Value::integer((i * 7 + 3) % 100)}}));
    ASSERT_TRUE(done.ok()) << done.status().to_string();
  }
  stop = true;
  for (std::thread& t : readers) t.join();
  EXPECT_EQ(integer(*db, "MATCH (a:Account) RETURN sum(a.money)"), 10'000);
}

TEST(Concurrency, WritersQueueAndNothingIsLost) {
  const tests::TempDirectory directory;
  DatabaseOptions options;
  options.database_dir = directory.path();
  options.busy_timeout_ms = 60'000;
  auto opened = Database::open("writers", options);
  ASSERT_TRUE(opened.ok()) << opened.status().to_string();
  Database& db = **opened;
  constexpr int kThreads = 8, kEach = 50;
  std::vector<std::thread> writers;
  for (int t = 0; t < kThreads; ++t) {
    writers.emplace_back([&db, t] {
      for (int i = 0; i < kEach; ++i) {
        auto done =
            db.execute("CREATE (:N {t: $t, i: $i})", make_params({{"t", Value::integer(t)}, {"i", Value::integer(i)}}));
        EXPECT_TRUE(done.ok()) << done.status().to_string();
      }
    });
  }
  for (std::thread& t : writers) t.join();
  EXPECT_EQ(integer(db, "MATCH (n:N) RETURN count(*)"), kThreads * kEach);
  EXPECT_EQ(integer(db, "MATCH (n:N) WITH DISTINCT n.t AS t, n.i AS i RETURN count(*)"), kThreads * kEach);
}

TEST(Concurrency, AStreamKeepsItsVersionWhileOthersWrite) {
  auto db = open_memory();
  ASSERT_TRUE(db->execute("UNWIND range(1, 5000) AS i CREATE (:N {i: i})").ok());
  auto stream = db->stream("MATCH (n:N) RETURN n.i");
  ASSERT_TRUE(stream.ok());
  std::vector<Value> values;
  size_t rows = 0;
  ASSERT_TRUE((*stream)->next(&values, &rows).ok());
  std::thread writer([&] { EXPECT_TRUE(db->execute("MATCH (n:N) SET n.i = -1").ok()); });
  writer.join();
  while (rows > 0) ASSERT_TRUE((*stream)->next(&values, &rows).ok());
  ASSERT_EQ(values.size(), 5000u);
  for (const Value& v : values) EXPECT_GT(v.as_integer(), 0);
  EXPECT_EQ(integer(*db, "MATCH (n:N {i: -1}) RETURN count(*)"), 5000);
}

TEST(Concurrency, InterruptStopsARunningQuery) {
  auto db = open_memory();
  std::atomic<bool> done{false};
  std::thread runner([&] {
    auto result = db->execute("UNWIND range(1, 1000000000000) AS i WITH i WHERE i < 0 RETURN count(*)");
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.status().code(), ErrorCode::kInterrupted);
    done = true;
  });
  while (!done) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    db->interrupt();
  }
  runner.join();
  EXPECT_EQ(integer(*db, "RETURN 1"), 1);
}

TEST(Concurrency, CloseEndsRunningQueriesStreamsAndTransactions) {
  auto db = open_memory();
  auto stream = db->stream("UNWIND range(1, 1000000000) AS i RETURN i");
  auto transaction = db->begin();
  ASSERT_TRUE(stream.ok() && transaction.ok());
  std::thread runner([&] {
    auto result = db->execute("UNWIND range(1, 1000000000000) AS i WITH i WHERE i < 0 RETURN count(*)");
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.status().code(), ErrorCode::kClosed);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_TRUE(db->close().ok());
  runner.join();
  EXPECT_EQ(db->execute("RETURN 1").status().code(), ErrorCode::kClosed);
  std::vector<Value> values;
  size_t rows = 0;
  EXPECT_EQ((*stream)->next(&values, &rows).code(), ErrorCode::kClosed);
  EXPECT_FALSE((*transaction)->execute("RETURN 1").ok());
  EXPECT_TRUE(db->close().ok());
}

TEST(Concurrency, AWaitingWriterTimesOutAndNamesTheHolder) {
  DatabaseOptions options;
  options.busy_timeout_ms = 50;
  auto opened = Database::in_memory(options);
  ASSERT_TRUE(opened.ok());
  auto transaction = (*opened)->begin();
  ASSERT_TRUE(transaction.ok());
  std::thread other([&] {
    auto result = (*opened)->execute("CREATE (:A)");
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.status().code(), ErrorCode::kTransaction) << result.status().to_string();
  });
  other.join();
  EXPECT_TRUE((*transaction)->rollback().ok());
  EXPECT_TRUE((*opened)->execute("CREATE (:A)").ok());
}

TEST(Concurrency, PlansAreSharedByThreads) {
  auto db = open_memory();
  ASSERT_TRUE(db->execute("UNWIND range(0, 999) AS i CREATE (:N {i: i})").ok());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&db, t] {
      for (int64_t i = 0; i < 200; ++i) {
        auto result = db->execute("MATCH (n:N) WHERE n.i = $i RETURN n.i",
                                  make_params({{"i", Value::integer((i * 5 + t) % 1000)}}));
        ASSERT_TRUE(result.ok()) << result.status().to_string();
        ASSERT_EQ(result->row_count, 1u);
        EXPECT_EQ(result->at(0, 0).as_integer(), (i * 5 + t) % 1000);
      }
    });
  }
  for (std::thread& t : threads) t.join();
}

}  // namespace lora
