#include <gtest/gtest.h>

#include <thread>

#include "cypher/database.h"

namespace lora {
namespace {

using namespace std::chrono_literals;

constexpr const char* kEndless = "UNWIND range(1, 1000000000000) AS x WITH x WHERE x < 0 RETURN x";

class SessionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    DatabaseOptions options;
    options.busy_timeout_ms = 200;
    auto db = Database::in_memory(options);
    ASSERT_TRUE(db.ok()) << db.status().to_string();
    db_ = std::move(db).value();
  }
  void run(const std::string& query) {
    const auto result = db_->execute(query);
    ASSERT_TRUE(result.ok()) << query << "\n" << result.status().to_string();
  }
  uint64_t nodes() { return db_->node_count().ok() ? *db_->node_count() : 999; }
  std::unique_ptr<Transaction> begin(AccessMode mode = AccessMode::kReadWrite) {
    auto t = db_->begin(mode);
    EXPECT_TRUE(t.ok()) << t.status().to_string();
    return t.ok() ? std::move(t).value() : nullptr;
  }
  std::unique_ptr<QueryStream> stream(const std::string& query) {
    auto s = db_->stream(query);
    EXPECT_TRUE(s.ok()) << s.status().to_string();
    return s.ok() ? std::move(s).value() : nullptr;
  }
  // Reads the stream to its end; how many rows.
  static size_t drain(QueryStream& s) {
    size_t all = 0;
    for (;;) {
      std::vector<Value> values;
      size_t rows = 0;
      const Status status = s.next(&values, &rows);
      EXPECT_TRUE(status.ok()) << status.to_string();
      if (rows == 0 || !status.ok()) return all;
      EXPECT_EQ(values.size(), rows * s.columns().size());
      all += rows;
    }
  }
  std::unique_ptr<Database> db_;
};

// --- transactions ---

TEST_F(SessionsTest, TransactionReadsItsOwnWritesAndOthersDoNot) {
  auto t = begin();
  ASSERT_TRUE(t->execute("CREATE (:A)").ok());
  EXPECT_EQ(t->execute("MATCH (n:A) RETURN count(*) AS c")->at(0, 0).as_integer(), 1);
  EXPECT_EQ(nodes(), 0u);
  ASSERT_TRUE(t->commit().ok());
  EXPECT_EQ(nodes(), 1u);
  EXPECT_FALSE(t->open());
  EXPECT_EQ(t->execute("RETURN 1").status().code(), ErrorCode::kTransaction);
  EXPECT_EQ(t->commit().code(), ErrorCode::kTransaction);
  EXPECT_TRUE(t->rollback().ok());
}

TEST_F(SessionsTest, RollbackAndDestructionUndo) {
  auto t = begin();
  ASSERT_TRUE(t->execute("CREATE (:A)").ok());
  ASSERT_TRUE(t->rollback().ok());
  ASSERT_TRUE(t->rollback().ok());
  begin()->execute("CREATE (:A)").ok();
  EXPECT_EQ(nodes(), 0u);
  run("CREATE (:A)");
}

// Plans are kept and remember names by their numbers; the numbers of names that were taken back go to others.
TEST_F(SessionsTest, NamesThatWereRolledBackAreForgottenByPlans) {
  const std::string create = "CREATE (n:Gone {gone: 1 / $x})-[r:GONE]->() RETURN n, r";
  const std::string match = "MATCH (n:Gone)-[r:GONE]->() WHERE n.gone = 1 RETURN n, r";
  const Params one = make_params({{"x", Value::integer(1)}}), zero = make_params({{"x", Value::integer(0)}});
  {
    auto t = std::move(*db_->begin());
    ASSERT_TRUE(t->execute(create, one).ok());
    ASSERT_EQ(t->execute(match)->row_count, 1u);
    ASSERT_TRUE(t->rollback().ok());
  }
  EXPECT_EQ(db_->execute(create, zero).status().code(), ErrorCode::kArithmetic);
  ASSERT_TRUE(db_->execute("CREATE (:Other {other: 1})-[:OTHER]->()").ok());
  EXPECT_EQ(db_->execute(match)->row_count, 0u);
  EXPECT_EQ(db_->execute("MATCH (n) REMOVE n.gone RETURN n.other")->row_count, 2u);
  EXPECT_EQ(db_->execute("MATCH (n:Other {other: 1})-[:OTHER]->() RETURN n")->row_count, 1u);
  const auto made = db_->execute(create, one);
  ASSERT_TRUE(made.ok()) << made.status().to_string();
  const Node& node = made->at(0, 0).as_node();
  EXPECT_EQ(node.labels, std::vector<std::string>{"Gone"});
  EXPECT_EQ(node.properties.at(0).first.as_string(), "gone");
  EXPECT_EQ(made->at(0, 1).as_relationship().type, "GONE");
  EXPECT_EQ(db_->execute(match)->row_count, 1u);
  EXPECT_TRUE(db_->verify()->errors.empty());
}

TEST_F(SessionsTest, ErrorUndoesThatStatementOnly) {
  auto t = begin();
  ASSERT_TRUE(t->execute("CREATE (:A {x: 1})").ok());
  EXPECT_FALSE(t->execute("UNWIND [1, 0] AS x CREATE (:A {x: 1 / x})").ok());
  EXPECT_FALSE(t->execute("this is no query").ok());
  ASSERT_TRUE(t->execute("CREATE (:A {x: 2})").ok());
  ASSERT_TRUE(t->commit().ok());
  EXPECT_EQ(nodes(), 2u);
}

TEST_F(SessionsTest, ReadOnlyTransactionPinsAVersionAndRefusesWrites) {
  run("CREATE (:A)");
  auto t = begin(AccessMode::kReadOnly);
  run("CREATE (:A)");
  EXPECT_EQ(t->execute("MATCH (n) RETURN count(*) AS c")->at(0, 0).as_integer(), 1);
  EXPECT_EQ(t->execute("CREATE (:A)").status().code(), ErrorCode::kReadOnly);
  EXPECT_TRUE(t->commit().ok());
}

TEST_F(SessionsTest, SecondWriterOfTheSameThreadFailsAtOnce) {
  auto t = begin();
  const auto begin_time = std::chrono::steady_clock::now();
  EXPECT_EQ(db_->execute("CREATE (:A)").status().code(), ErrorCode::kTransaction);
  EXPECT_EQ(db_->begin().status().code(), ErrorCode::kTransaction);
  EXPECT_LT(std::chrono::steady_clock::now() - begin_time, 150ms);
  EXPECT_TRUE(db_->execute("MATCH (n) RETURN n").ok()) << "readers never wait";
}

TEST_F(SessionsTest, WriterOfAnotherThreadWaitsForItsTimeOnly) {
  auto t = begin();
  std::thread([&] {
    const auto begin_time = std::chrono::steady_clock::now();
    const auto result = db_->execute("CREATE (:A)");
    EXPECT_EQ(result.status().code(), ErrorCode::kTransaction);
    EXPECT_NE(result.status().message().find("transaction"), std::string::npos) << result.status().message();
    EXPECT_GE(std::chrono::steady_clock::now() - begin_time, 150ms);
  }).join();
}

TEST_F(SessionsTest, TransactionListIsAllOrNothing) {
  const std::vector<Statement> bad{{"CREATE (:A)", {}}, {"RETURN 1 / 0", {}}};
  EXPECT_FALSE(db_->transaction(bad).ok());
  EXPECT_EQ(nodes(), 0u);
  const std::vector<Statement> good{{"CREATE (:A {x: $x})", make_params({{"x", Value::integer(7)}})},
                                    {"MATCH (a:A) RETURN a.x AS x", {}}};
  const auto results = db_->transaction(good);
  ASSERT_TRUE(results.ok()) << results.status().to_string();
  EXPECT_EQ((*results)[1].at(0, 0).as_integer(), 7);
  EXPECT_EQ(db_->transaction(good, AccessMode::kReadOnly).status().code(), ErrorCode::kReadOnly);
}

TEST_F(SessionsTest, CallInTransactionsCommitsByItself) {
  run("UNWIND range(1, 25) AS i CALL { WITH i CREATE (:A {x: i}) } IN TRANSACTIONS OF 10 ROWS");
  EXPECT_EQ(nodes(), 25u);
  auto t = begin();
  EXPECT_EQ(t->execute("UNWIND [1] AS i CALL { CREATE (:A) } IN TRANSACTIONS").status().code(),
            ErrorCode::kTransaction);
}

// --- streams ---

TEST_F(SessionsTest, StreamGivesRowsOfItsVersion) {
  run("UNWIND range(1, 5000) AS i CREATE (:A {x: i})");
  auto s = stream("MATCH (n:A) RETURN n.x AS x, n");
  EXPECT_EQ(s->columns(), (std::vector<std::string>{"x", "n"}));
  std::vector<Value> values;
  size_t rows = 0;
  ASSERT_TRUE(s->next(&values, &rows).ok());
  EXPECT_GE(rows, 1u);
  run("CREATE (:A {x: 0})");
  EXPECT_EQ(rows + drain(*s), 5000u);
  EXPECT_EQ(drain(*s), 0u);
}

TEST_F(SessionsTest, FirstRowOfAnEndlessStreamComesAtOnce) {
  auto s = stream("UNWIND range(1, 1000000000000) AS x RETURN x");
  std::vector<Value> values;
  size_t rows = 0;
  ASSERT_TRUE(s->next(&values, &rows).ok());
  EXPECT_LE(rows, 2048u);
  EXPECT_EQ(values[0].as_integer(), 1);
  s->close();
  ASSERT_TRUE(s->next(&values, &rows).ok());
  EXPECT_EQ(rows, 0u);
  s->close();
}

TEST_F(SessionsTest, WritingStreamCommitsAtItsEnd) {
  {
    auto s = stream("UNWIND range(1, 100) AS i CREATE (n:A {x: i}) RETURN n.x AS x");
    EXPECT_EQ(nodes(), 0u);
    EXPECT_EQ(drain(*s), 100u);
    EXPECT_EQ(nodes(), 100u);
  }
  {
    auto s = stream("UNWIND range(1, 100) AS i CREATE (n:A {x: i}) RETURN n.x AS x");
    std::vector<Value> values;
    size_t rows = 0;
    ASSERT_TRUE(s->next(&values, &rows).ok());
    s->close();
    EXPECT_EQ(nodes(), 100u);
  }
  run("CREATE (:A)");
}

TEST_F(SessionsTest, WritingStreamHoldsTheWriter) {
  auto s = stream("UNWIND range(1, 10) AS i CREATE (n:A) RETURN n");
  EXPECT_EQ(db_->execute("CREATE (:B)").status().code(), ErrorCode::kTransaction);
  s.reset();
  run("CREATE (:B)");
}

TEST_F(SessionsTest, StreamErrorEndsTheStream) {
  auto s = stream("UNWIND [1, 2, 0, 3] AS x CREATE (:A) RETURN 10 / x AS y");
  Status status;
  for (int i = 0; i < 10 && status.ok(); ++i) {
    std::vector<Value> values;
    size_t rows = 0;
    status = s->next(&values, &rows);
    if (rows == 0 && status.ok()) break;
  }
  EXPECT_EQ(status.code(), ErrorCode::kArithmetic);
  EXPECT_EQ(nodes(), 0u);
  EXPECT_EQ(drain(*s), 0u);
}

TEST_F(SessionsTest, StreamIsClosedFromAnotherThread) {
  auto s = stream(kEndless);
  std::thread closer([&] {
    std::this_thread::sleep_for(50ms);
    s->close();
  });
  std::vector<Value> values;
  size_t rows = 0;
  EXPECT_EQ(s->next(&values, &rows).code(), ErrorCode::kInterrupted);
  closer.join();
}

// --- interrupt and close ---

TEST_F(SessionsTest, InterruptStopsWhatRunsNow) {
  std::thread other([&] {
    std::this_thread::sleep_for(50ms);
    db_->interrupt();
  });
  EXPECT_EQ(db_->execute(kEndless).status().code(), ErrorCode::kInterrupted);
  other.join();
  run("RETURN 1");
}

TEST_F(SessionsTest, CloseStopsQueriesAndEndsSessions) {
  auto t = begin();
  ASSERT_TRUE(t->execute("CREATE (:A)").ok());
  auto reader = begin(AccessMode::kReadOnly);
  auto s = stream("MATCH (n) RETURN n");
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] { EXPECT_EQ(db_->execute(kEndless).status().code(), ErrorCode::kClosed); });
  }
  std::this_thread::sleep_for(50ms);
  EXPECT_TRUE(db_->close().ok());
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(db_->closed());
  EXPECT_TRUE(db_->close().ok());
  EXPECT_EQ(db_->execute("RETURN 1").status().code(), ErrorCode::kClosed);
  EXPECT_EQ(db_->node_count().status().code(), ErrorCode::kClosed);
  EXPECT_EQ(db_->begin().status().code(), ErrorCode::kClosed);
  EXPECT_EQ(db_->stream("RETURN 1").status().code(), ErrorCode::kClosed);
  EXPECT_EQ(t->execute("RETURN 1").status().code(), ErrorCode::kClosed);
  EXPECT_EQ(t->commit().code(), ErrorCode::kClosed);
  EXPECT_TRUE(t->rollback().ok());
  std::vector<Value> values;
  size_t rows = 0;
  EXPECT_EQ(s->next(&values, &rows).code(), ErrorCode::kClosed);
  s->close();
}

TEST_F(SessionsTest, CloseFromInsideAStreamsLoop) {
  run("UNWIND range(1, 5000) AS i CREATE (:A {x: i})");
  auto s = stream("MATCH (n:A) RETURN n.x");
  std::vector<Value> values;
  size_t rows = 0;
  ASSERT_TRUE(s->next(&values, &rows).ok());
  EXPECT_TRUE(db_->close().ok());
  EXPECT_EQ(s->next(&values, &rows).code(), ErrorCode::kClosed);
}

TEST_F(SessionsTest, CloseFromInsideAPollDoesNotWaitForItself) {
  QueryOptions options;
  bool called = false;
  options.poll = [&] {
    if (!called) {
      called = true;
      EXPECT_TRUE(db_->close().ok());
    }
    return Status();
  };
  EXPECT_EQ(db_->execute(kEndless, {}, options).status().code(), ErrorCode::kClosed);
  EXPECT_TRUE(called);
  EXPECT_EQ(db_->execute("RETURN 1").status().code(), ErrorCode::kClosed);
  EXPECT_TRUE(db_->close().ok());
}

TEST_F(SessionsTest, ManyThreadsCloseAtOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (;;) {
        const auto r = db_->execute("CREATE (n:A) RETURN n");
        if (!r.ok()) {
          EXPECT_TRUE(r.status().code() == ErrorCode::kClosed || r.status().code() == ErrorCode::kTransaction)
              << r.status().to_string();
          if (r.status().code() == ErrorCode::kClosed) return;
        }
      }
    });
  }
  std::this_thread::sleep_for(50ms);
  std::thread a([&] { EXPECT_TRUE(db_->close().ok()); }), b([&] { EXPECT_TRUE(db_->close().ok()); });
  a.join();
  b.join();
  for (std::thread& t : threads) t.join();
}

TEST_F(SessionsTest, SessionOutlivesItsDatabase) {
  auto t = begin();
  auto s = stream("RETURN 1");
  db_.reset();
  EXPECT_EQ(t->execute("RETURN 1").status().code(), ErrorCode::kClosed);
  s.reset();
  t.reset();
}

}  // namespace
}  // namespace lora
