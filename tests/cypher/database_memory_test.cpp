// Memory that cannot be had: allocation after allocation fails, once each, in statements of every kind. Whatever fails,
// the call ends with kMemoryLimit (or does without), nothing of a statement stays, and the handle goes on working.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "cypher/database.h"
#include "tests/support/failing_allocations.h"
#include "tests/support/temp_directory.h"

namespace lora {
namespace {

using tests::Failing;
using tests::failing;

class MemoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    tests::prepare_failing();
    open();
  }
  void open() {
    db_.reset();
    DatabaseOptions options;
    if (on_disk_) {
      directory_ = std::make_unique<tests::TempDirectory>();
      options.database_dir = directory_->path();
      options.sync = SyncLevel::kOff;
      options.cache_bytes = 64 << 20;
    }
    auto db = on_disk_ ? Database::open("memory", options) : Database::in_memory(options);
    ASSERT_TRUE(db.ok()) << db.status().to_string();
    db_ = std::move(db).value();
    run("UNWIND range(1, 40) AS i CREATE (:A {i: i, t: 'text that is no short string ' + i, l: [i, toString(i)]})");
    run("MATCH (a:A), (b:A) WHERE b.i = a.i * 2 CREATE (a)-[:R {w: a.i}]->(b)");
    run("CREATE INDEX FOR (a:A) ON (a.i)");
    run("CREATE CONSTRAINT FOR (b:B) REQUIRE b.i IS UNIQUE");
    if (wide_) fill_wide();
  }
  // What loads into many columns of all kinds, a hub in both directions, and indexes over numbers and texts.
  void fill_wide() {
    run("UNWIND range(1, 70) AS i CREATE (:W {a: i, b: i * 0.5, c: i % 2 = 0, "
        "  d: i + ' is a text that is no short string, and differs', e: 'a text that is no short string, and is the "
        "same', "
        "  f: CASE WHEN i < 20 THEN i ELSE 'a text that is no short string ' + i END, "
        "  g: CASE WHEN i < 20 THEN 'a text that is no short string ' + i ELSE [i, toString(i)] END, "
        "  h: string.repeat('long', 70) + i, k: [i, 'a text that is no short string ' + i], l: date('2024-01-01'), "
        "  m: CASE WHEN i > 60 THEN point({x: i, y: 1}) END})");
    run("MATCH (hub:W {a: 1}) MATCH (w:W) UNWIND range(1, 5) AS n CREATE (hub)-[:H {n: n}]->(w) CREATE "
        "(w)-[:I]->(hub)");
    run("CREATE INDEX wide_numbers FOR (w:W) ON (w.a)");
    run("CREATE INDEX wide_texts FOR (w:W) ON (w.d)");
    // Loading a snapshot forgets what was counted about the indexes' values, so that loading a tree counts them again.
    std::string bytes;
    const auto saved = db_->save_snapshot({}, [&bytes](std::string_view piece) {
      bytes += piece;
      return Status();
    });
    ASSERT_TRUE(saved.ok()) << saved.status().to_string();
    size_t at = 0;
    const auto loaded = db_->load_snapshot({}, [&](char* to, size_t size, size_t* count) {
      at += * count = bytes.copy(to, size, at);
      return Status();
    });
    ASSERT_TRUE(loaded.ok()) << loaded.status().to_string();
  }
  // Runs the query with nothing loaded; only it meets failing allocations.
  Status execute_cold(const std::string& query) {
    failing.armed = false;
    db_->graph().drop_cache();
    failing.armed = true;
    return db_->execute(query).status();
  }
  void run(const std::string& query) {
    const auto result = db_->execute(query);
    ASSERT_TRUE(result.ok()) << query << result.status().to_string();
  }
  // All there is, as text.
  std::string content() {
    std::string out;
    for (const char* query :
         {"MATCH (n) WITH n ORDER BY labels(n)[0], n.i, n.t RETURN json.encode(collect([labels(n), properties(n)]))",
          "MATCH (a)-[r]->(b) WITH r, a, b ORDER BY a.i, b.i, type(r), r.w "
          "RETURN json.encode(collect([a.i, b.i, type(r), properties(r)]))",
          "SHOW INDEXES YIELD name RETURN json.encode(collect(name))"}) {
      const auto result = db_->execute(query);
      EXPECT_TRUE(result.ok()) << query << result.status().to_string();
      if (result.ok()) out += result->at(0, 0).as_string();
    }
    return out;
  }

  // Makes one allocation of `call` after the other fail: one in `stride` of the first 512, then fewer and fewer.
  // `fresh`: no plan is kept from one call to the next.
  template <typename Call>
  void sweep(const std::string& what, bool fresh, bool writes, Call call, int64_t stride = 1) {
    std::string before = content();
    size_t refused = 0;
    int64_t step = 1;
    for (int64_t skip = 0;; skip += step) {
      step = std::max<int64_t>(stride, skip / 512);
      if (fresh) db_->set_planner_switches(true, true);
      failing = {true, skip, 0, false, 0};
      const Status status = call();
      failing.armed = false;
      const bool reached = failing.failed > 0;
      if (!status.ok()) {
        ++refused;
        ASSERT_EQ(status.code(), ErrorCode::kMemoryLimit) << what << ", allocation " << skip << status.to_string();
      }
      if (writes) {
        if (status.ok()) {
          ASSERT_NO_FATAL_FAILURE(open());
        }
        ASSERT_EQ(content(), before) << what << ", allocation " << skip;
      } else {
        const auto one = db_->execute("RETURN 1");
        ASSERT_TRUE(one.ok()) << what << ", allocation " << skip << one.status().to_string();
      }
      if (!reached) {
        ASSERT_TRUE(status.ok()) << what << status.to_string();
        EXPECT_GT(refused, 0u) << what;
        std::printf("%6lld allocations: %s\n", static_cast<long long>(skip), what.c_str());
        break;
      }
    }
    ASSERT_EQ(content(), before) << what;
    const auto report = db_->verify(true);
    ASSERT_TRUE(report.ok());
    EXPECT_TRUE(report->errors.empty()) << what << report->errors[0];
  }

  bool on_disk_ = false, wide_ = false;
  std::unique_ptr<tests::TempDirectory> directory_;
  std::unique_ptr<Database> db_;
};

TEST_F(MemoryTest, ReadsEndTyped) {
  for (const std::string query :
       {"RETURN 1 + 1", "MATCH (a:A) RETURN a", "MATCH (a:A {i: 7}) RETURN a.t, a.l",
        "MATCH (a)-[r:R]->(b) WHERE a.i > 3 RETURN a, r, b ORDER BY b.i DESC LIMIT 5",
        "MATCH p = (a:A {i: 1})-[*1..4]->(b) RETURN p", "MATCH (a:A) RETURN a.i % 3 AS k, collect(a.t), avg(a.i)",
        "MATCH (a:A) RETURN DISTINCT a.l", "MATCH (a:A), (b:A) WHERE a.i = b.i + 1 RETURN count(*)",
        "MATCH (a:A) WHERE EXISTS { (a)-->(b) WHERE b.i > 10 } RETURN a.i",
        "MATCH (a:A) RETURN [(a)-->(b) | b.i] AS bs",
        "MATCH (a:A) CALL (a) { MATCH (a)-->(b) RETURN count(b) AS c } RETURN a.i, c",
        "MATCH p = SHORTEST 2 (a:A {i: 1})-->+(b:A {i: 32}) RETURN p",
        "UNWIND range(1, 3000) AS x RETURN x, toString(x) + ' and more than is short'",
        "RETURN reduce(s = '', x IN range(1, 50) | s + 'abcdefghijklmnopqrstuvwxyz')",
        "RETURN 'abc' =~ '(a|b)+c', split('a,b,c', ','), {a: [1, 'two']}, date('2024-02-29'), point({x: 1, y: 2})",
        "MATCH (a:A) RETURN a.i AS i UNION MATCH (a:A) RETURN a.i + 1 AS i", "SHOW FUNCTIONS",
        "RETURN datetime('2024-01-01T00:00:00[Europe/Berlin]')", "EXPLAIN MATCH (a:A)-->(b) RETURN b"}) {
    ASSERT_NO_FATAL_FAILURE(sweep("fresh " + query, true, false, [&] { return db_->execute(query).status(); }));
    ASSERT_NO_FATAL_FAILURE(sweep("again " + query, false, false, [&] { return db_->execute(query).status(); }));
  }
}

// Everything is loaded anew by each of them, by readers and by the transaction of a statement that writes.
TEST_F(MemoryTest, LoadsLeaveNothingBehind) {
  wide_ = true;
  ASSERT_NO_FATAL_FAILURE(open());
  const uint64_t loads = db_->graph().stats().chunk_loads;
  for (const std::string query :
       {"MATCH (w:W) RETURN w", "MATCH (w:W {a: 1})-[h:H]->(x) RETURN count(h), max(x.a)",
        "MATCH (w:W {a: 1})<-[h:I]-(x) RETURN count(h)", "MATCH (w:W) WHERE w.a > 5 RETURN count(w.b)",
        "MATCH (w:W) WHERE w.d STARTS WITH '7' RETURN w.d ORDER BY w.d"}) {
    ASSERT_NO_FATAL_FAILURE(sweep(
        "cold " + query, false, false, [&] { return execute_cold(query); }, 5));
  }
  EXPECT_GT(db_->graph().stats().chunk_loads, loads + 500);
  for (const std::string query :
       {"MATCH (w:W {a: 2}) SET w.a = 500, w.d = 'new', w.k = 1", "MATCH (w:W {a: 3}) DETACH DELETE w",
        "MATCH (hub:W {a: 1}), (w:W {a: 9}) CREATE (hub)-[:H]->(w)", "CREATE INDEX more FOR (w:W) ON (w.f)",
        "CREATE INDEX both FOR (w:W) ON (w.b, w.e)"}) {
    ASSERT_NO_FATAL_FAILURE(sweep(
        "cold " + query, false, true, [&] { return execute_cold(query); }, 13));
  }
}

// Opening what is there, and the first loads.
TEST_F(MemoryTest, ReopenedDatabasesLeaveNothingBehind) {
  on_disk_ = wide_ = true;
  ASSERT_NO_FATAL_FAILURE(open());
  DatabaseOptions options;
  options.database_dir = directory_->path();
  options.sync = SyncLevel::kOff;
  const auto reopen = [&]() -> Status {
    LORA_ASSIGN(db_, Database::open("memory", options));
    LORA_TRY(db_->execute("MATCH (w:W) WHERE w.a > 5 RETURN count(w.b)").status());
    return db_->execute("MATCH (w:W {a: 1})-->(x) WHERE x.d STARTS WITH '7' RETURN count(x)").status();
  };
  ASSERT_NO_FATAL_FAILURE(sweep(
      "reopen", false, false,
      [&] {
        const Failing as_asked = failing;
        failing.armed = false;
        db_.reset();
        failing = as_asked;
        const Status status = reopen();
        const Failing after = failing;
        failing.armed = false;
        if (db_ == nullptr) {
          const Status again = reopen();
          EXPECT_TRUE(again.ok()) << again.to_string();
        }
        failing = after;
        return status;
      },
      397));
}

TEST_F(MemoryTest, OtherCallsEndTyped) {
  const std::string query = "MATCH (a:A)-->(b) WHERE a.i > 3 RETURN a, b ORDER BY b.i";
  ASSERT_NO_FATAL_FAILURE(sweep("explain", true, false, [&] { return db_->explain(query).status(); }));
  ASSERT_NO_FATAL_FAILURE(sweep("profile", true, false, [&] { return db_->profile(query).status(); }));
  ASSERT_NO_FATAL_FAILURE(sweep("stream", true, false, [&]() -> Status {
    LORA_ASSIGN(const std::unique_ptr<QueryStream> stream, db_->stream(query));
    std::vector<Value> values;
    for (size_t rows = 1; rows > 0;) LORA_TRY(stream->next(&values, &rows));
    return Status();
  }));
  ASSERT_NO_FATAL_FAILURE(sweep("snapshot", true, false, [&] {
    return db_->save_snapshot({}, [](std::string_view) { return Status(); }).status();
  }));
  ASSERT_NO_FATAL_FAILURE(sweep("verify", true, false, [&] { return db_->verify(true).status(); }));
  ASSERT_NO_FATAL_FAILURE(sweep(
      "open", true, false, [] { return Database::in_memory().status(); }, 199));
}

TEST_F(MemoryTest, WritesLeaveNothingBehind) {
  for (const bool on_disk : {false, true}) {
    on_disk_ = on_disk;
    ASSERT_NO_FATAL_FAILURE(open());
    for (const std::string query :
         {"CREATE (:N {x: 'a text that is no short string', y: [1, 2, 3]})",
          "CREATE (:N {x: string.repeat('a record of some kilobytes', 300), y: range(1, 500)})",
          "MATCH (a:A) SET a.i = a.i + 100, a.z = a.t", "MATCH (a:A {i: 3}) DETACH DELETE a",
          "MATCH (a:A)-[r]->(b) DELETE r",
          "UNWIND range(1, 60) AS i MERGE (b:B {i: i % 7}) ON CREATE SET b.t = 'made' + i",
          "MATCH (a:A) WHERE a.i < 9 CREATE (a)-[:NEW {since: date('2024-01-01')}]->(:B {i: a.i}) RETURN a",
          "MATCH (a:A) FOREACH (x IN range(1, 3) | CREATE (a)-[:F {x: x}]->(:F))", "MATCH (a:A) REMOVE a.t SET a:Other",
          "CREATE INDEX fresh FOR (a:A) ON (a.t)", "DROP CONSTRAINT nothing_of_this IF EXISTS"}) {
      ASSERT_NO_FATAL_FAILURE(sweep(
          query, true, true, [&] { return db_->execute(query).status(); }, on_disk ? 7 : 1));
    }
    ASSERT_NO_FATAL_FAILURE(sweep("clear", false, true, [&] { return db_->clear(); }));
  }
  // What a refused statement left in the files would come back.
  const std::string before = content();
  DatabaseOptions options;
  options.database_dir = directory_->path();
  db_.reset();
  auto again = Database::open("memory", options);
  ASSERT_TRUE(again.ok()) << again.status().to_string();
  db_ = std::move(again).value();
  EXPECT_EQ(content(), before);
  EXPECT_TRUE(db_->verify(true)->errors.empty());
}

// In a transaction the statement alone is undone; what stood before it is committed.
TEST_F(MemoryTest, TransactionsKeepTheirOtherStatements) {
  size_t refused = 0;
  for (int64_t skip = 0;; ++skip) {
    auto begun = db_->begin();
    ASSERT_TRUE(begun.ok()) << begun.status().to_string();
    const std::unique_ptr<Transaction> transaction = std::move(begun).value();
    ASSERT_TRUE(transaction->execute("CREATE (:First {n: " + std::to_string(skip) + "})").ok());
    db_->set_planner_switches(true, true);  // no plan is kept
    failing = {true, skip, 0, false, 0};
    const Status status =
        transaction->execute("MATCH (a:A) SET a.i = -1 CREATE (a)-[:Second]->(:Second {t: a.t})").status();
    failing.armed = false;
    const bool reached = failing.failed > 0;
    if (!status.ok()) {
      ASSERT_EQ(status.code(), ErrorCode::kMemoryLimit) << status.to_string();
      ++refused;
      ASSERT_TRUE(transaction->open());
      const auto seen = transaction->execute("MATCH (n:Second) RETURN count(n)");
      ASSERT_TRUE(seen.ok()) << seen.status().to_string();
      ASSERT_EQ(seen->at(0, 0).as_integer(), 0) << skip;
      ASSERT_TRUE(transaction->commit().ok());
      const auto now = db_->execute("MATCH (n:First {n: " + std::to_string(skip) +
                                    "}) WITH count(n) AS first "
                                    "MATCH (a:A) RETURN first, min(a.i)");
      ASSERT_TRUE(now.ok());
      ASSERT_EQ(now->at(0, 0).as_integer(), 1) << skip;
      ASSERT_EQ(now->at(0, 1).as_integer(), 1) << skip;
    }
    if (!reached) {
      ASSERT_TRUE(status.ok());
      EXPECT_GT(refused, 200u);
      break;
    }
  }
  EXPECT_TRUE(db_->verify(true)->errors.empty());
}

// A machine without memory: small pieces are still found, large ones never.
TEST_F(MemoryTest, LargeAllocationsMayFailForGood) {
  for (const std::string query :
       {"UNWIND range(1, 200000) AS x RETURN collect(x)", "UNWIND range(1, 200000) AS x RETURN x ORDER BY -x",
        "UNWIND range(1, 200000) AS x RETURN DISTINCT toString(x)", "RETURN size(string.repeat('a', 10000000))",
        "UNWIND range(1, 200000) AS x CREATE (:N {x: x, t: 'text of some length ' + x})",
        "UNWIND range(1, 20000) AS x MERGE (:N {x: x % 300})", "RETURN [x IN range(1, 1000000) | x]"}) {
    for (size_t bytes : {size_t{16} << 10, size_t{256} << 10, size_t{1} << 20}) {
      const std::string before = content();
      failing = {true, 0, bytes, true, 0};
      const Status status = db_->execute(query).status();
      failing.armed = false;
      ASSERT_TRUE(status.ok() || status.code() == ErrorCode::kMemoryLimit) << query << status.to_string();
      if (status.ok() && query.find(":N") != std::string::npos) run("MATCH (n:N) DELETE n");
      ASSERT_EQ(content(), before) << query << bytes;
    }
  }
  EXPECT_TRUE(db_->verify(true)->errors.empty());
}

}  // namespace
}  // namespace lora
