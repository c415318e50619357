// One handle in many threads: readers beside a writer, streams, interrupts, closing while others work.
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <string>
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

TEST(Concurrency, AStreamThatCloseOvertakesSaysClosed) {
  for (int round = 0; round < 100; ++round) {
    auto db = open_memory();
    ASSERT_TRUE(db->execute("UNWIND range(1, 10) AS i CREATE (:N {i: i})").ok());
    std::atomic<int> running{0};
    std::vector<std::thread> readers;
    for (int r = 0; r < 2; ++r) {
      readers.emplace_back([&] {
        ++running;
        for (;;) {
          auto stream = db->stream("MATCH (n:N) RETURN n");
          if (!stream.ok()) {
            EXPECT_EQ(stream.status().code(), ErrorCode::kClosed);
            return;
          }
          std::vector<Value> values;
          size_t rows = 1;
          while (rows > 0) {
            const Status status = (*stream)->next(&values, &rows);
            if (status.ok()) continue;
            EXPECT_EQ(status.code(), ErrorCode::kClosed) << status.to_string();
            return;
          }
        }
      });
    }
    while (running < 2) std::this_thread::yield();
    EXPECT_TRUE(db->close().ok());
    for (std::thread& t : readers) t.join();
  }
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

// An import has a thread of its own that reads ahead.
TEST(Concurrency, AnImportBesideReadersIsSeenAsAWhole) {
  const tests::TempDirectory directory;
  constexpr int kNodes = 3'000;
  std::ofstream nodes(directory / "n.csv"), relationships(directory / "r.csv");
  nodes << "id:ID,name,x:int\n";
  relationships << ":START_ID,:END_ID,since:int\n";
  for (int i = 0; i < kNodes; ++i) {
    nodes << i << ",a name that is no short string " << i << ',' << i << '\n';
    relationships << i << ',' << (i * 7) % kNodes << ',' << i << '\n';
  }
  nodes.close();
  relationships.close();
  ImportOptions files;
  files.nodes = {{{"N"}, directory / "n.csv"}};
  files.relationships = {{{"R"}, directory / "r.csv"}};
  auto db = open_memory();
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop) {
      const int64_t seen = integer(*db, "MATCH (n:N)-[r:R]->() RETURN count(r)");
      EXPECT_EQ(seen % kNodes, 0);
    }
  });
  for (int round = 0; round < 3; ++round) {
    const auto counts = db->import_csv(files);
    ASSERT_TRUE(counts.ok()) << counts.status().to_string();
    EXPECT_EQ(counts->relationships, kNodes);
  }
  stop = true;
  reader.join();
  EXPECT_EQ(
      integer(*db, "MATCH (n:N)-[r:R]->(m) WHERE r.since = n.x AND n.name ENDS WITH toString(n.x) RETURN count(*)"),
      3 * kNodes);
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

// Writers, schema changes, eviction, checkpoints, snapshots, streams and callables on one handle. Every transfer keeps
// the sum, every pair its two ends; a reader that saw half a statement would see another number.
class MixedWork : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    DatabaseOptions options;
    if (GetParam()) options.database_dir = directory_.path();
    options.busy_timeout_ms = 120'000;
    options.cache_bytes = 1 << 20;
    options.sync = SyncLevel::kInterval;
    options.sync_interval_ms = 5;
    auto opened = GetParam() ? Database::open("mixed", options) : Database::in_memory(options);
    ASSERT_TRUE(opened.ok()) << opened.status().to_string();
    db_ = std::move(*opened);
    ASSERT_TRUE(db_->execute("UNWIND range(0, 1999) AS i CREATE (:Account {i: i, money: 100, name: 'n' + i})").ok());
  }

  QueryResult rows(std::string_view query, const Params& params = {}) {
    auto result = db_->execute(query, params);
    EXPECT_TRUE(result.ok()) << query << ": " << result.status().to_string();
    return result.ok() ? std::move(*result) : QueryResult{};
  }
  static Params param(int64_t i) { return make_params({{"i", Value::integer(i)}}); }

  tests::TempDirectory directory_;
  std::unique_ptr<Database> db_;
};

TEST_P(MixedWork, EveryReaderSeesWholeStatements) {
  constexpr int64_t kRounds = 150;
  std::atomic<int> writing{3};
  std::vector<std::thread> threads;
  const auto write = [&](auto&& round) {
    threads.emplace_back([&, round] {
      for (int64_t i = 0; i < kRounds; ++i) round(i);
      --writing;
    });
  };
  const auto meanwhile = [&](auto&& round) {
    threads.emplace_back([&, round] {
      for (int64_t i = 0; i == 0 || writing > 0; ++i) round(i);
    });
  };

  write([this](int64_t i) {
    rows("MATCH (a:Account {i: $i}), (b:Account {i: $i + 77}) SET a.money = a.money - 1, b.money = b.money + 1",
         param(i * 11 % 1900));
  });
  write([this](int64_t i) {
    rows("CREATE (:Pair {i: $i})-[:WITH {w: $i}]->(:Pair {i: $i})", param(i));
    if (i % 3 == 2) rows("MATCH (p:Pair {i: $i}) DETACH DELETE p", param(i - 1));
  });
  write([this](int64_t i) {
    if (i % 2 == 0) {
      rows("CREATE INDEX accounts IF NOT EXISTS FOR (a:Account) ON (a.i)");
      rows("CREATE CONSTRAINT names IF NOT EXISTS FOR (a:Account) REQUIRE a.name IS UNIQUE");
    } else {
      rows("DROP INDEX accounts IF EXISTS");
      rows("DROP CONSTRAINT names IF EXISTS");
    }
    const std::string number = std::to_string(i);  // names that are new, beside readers that evict
    rows("MERGE (n:Label" + number + " {key" + number + ": 1}) CREATE (n)-[:TYPE" + number + "]->(n)");
    auto transaction = db_->begin();
    ASSERT_TRUE(transaction.ok()) << transaction.status().to_string();
    EXPECT_TRUE((*transaction)->execute("MATCH (a:Account) WHERE a.i < 50 SET a.money = 0, a:Poor").ok());
    EXPECT_FALSE((*transaction)->execute("MATCH (a:Poor) SET a.x = 1 / (a.i - 49)").ok());
    EXPECT_TRUE((*transaction)->rollback().ok());
  });

  meanwhile([this](int64_t) {
    const QueryResult sum = rows("MATCH (a:Account) RETURN sum(a.money), count(*)");
    EXPECT_EQ(sum.at(0, 0).as_integer(), 200'000);
    EXPECT_EQ(sum.at(0, 1).as_integer(), 2'000);
    const QueryResult pairs = rows("MATCH (p:Pair) WITH count(*) AS ends MATCH ()-[w:WITH]->() RETURN ends, count(w)");
    if (pairs.row_count > 0) {
      EXPECT_EQ(pairs.at(0, 0).as_integer(), 2 * pairs.at(0, 1).as_integer());
    }
  });
  meanwhile([this](int64_t i) {
    EXPECT_EQ(rows("MATCH (a:Account) WHERE a.name = 'n' + $i RETURN a.i", param(i % 2000)).at(0, 0).as_integer(),
              i % 2000);
    EXPECT_EQ(rows("MATCH (a:Account {i: $i}) RETURN a.name", param(i % 2000)).row_count, 1u);
    auto stream = db_->stream("MATCH (a:Account) RETURN a.money ORDER BY a.i");
    ASSERT_TRUE(stream.ok()) << stream.status().to_string();
    int64_t sum = 0;
    size_t count = 1;
    std::vector<Value> values;
    while (count > 0) {
      values.clear();
      ASSERT_TRUE((*stream)->next(&values, &count).ok());
      for (const Value& value : values) sum += value.as_integer();
      if (i % 4 == 3) break;  // left early
    }
    if (i % 4 != 3) {
      EXPECT_EQ(sum, 200000);
    }
  });
  meanwhile([this](int64_t i) {
    switch (i % 5) {
      case 0: db_->graph().drop_cache(); break;
      case 1: EXPECT_TRUE(db_->checkpoint(i % 2 == 0).ok()); break;
      case 2: {
        size_t bytes = 0;
        const auto saved = db_->save_snapshot({}, [&bytes](ByteView part) {
          bytes += part.size();
          return Status();
        });
        EXPECT_TRUE(saved.ok()) << saved.status().to_string();
        EXPECT_GT(bytes, 1000u);
        break;
      }
      case 3: {
        const auto report = db_->verify();
        ASSERT_TRUE(report.ok()) << report.status().to_string();
        EXPECT_TRUE(report->errors.empty()) << report->errors.front();
        break;
      }
      default:
        EXPECT_TRUE(db_->stats().ok());
        EXPECT_TRUE(db_->register_function("my.twice(x :: INTEGER) :: INTEGER",
                                           [](CallContext&, std::span<const Value> args) {
                                             return Result<Value>(Value::integer(2 * args[0].as_integer()));
                                           })
                        .ok());
        EXPECT_EQ(rows("RETURN my.twice(21)").at(0, 0).as_integer(), 42);
    }
  });

  for (std::thread& thread : threads) thread.join();
  const auto report = db_->verify();
  ASSERT_TRUE(report.ok()) << report.status().to_string();
  EXPECT_TRUE(report->errors.empty());
  EXPECT_EQ(rows("MATCH (p:Pair) RETURN count(*)").at(0, 0).as_integer(), 2 * (kRounds - kRounds / 3));
  EXPECT_EQ(rows("MATCH (n) WHERE NOT n:Account AND NOT n:Pair RETURN count(*)").at(0, 0).as_integer(), kRounds);
  EXPECT_EQ(rows("MATCH (n)-->(n) RETURN count(*)").at(0, 0).as_integer(), kRounds);
  if (GetParam()) {
    ASSERT_TRUE(db_->close().ok());
    DatabaseOptions options;
    options.database_dir = directory_.path();
    auto again = Database::open("mixed", options);
    ASSERT_TRUE(again.ok()) << again.status().to_string();
    db_ = std::move(*again);
    EXPECT_EQ(rows("MATCH (a:Account) RETURN sum(a.money)").at(0, 0).as_integer(), 200'000);
  }
}

INSTANTIATE_TEST_SUITE_P(Concurrency, MixedWork, testing::Bool(),
                         [](const auto& info) { return info.param ? "Disk" : "Memory"; });

}  // namespace lora
