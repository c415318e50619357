#include "cypher/database.h"

#include <gtest/gtest.h>
#include <filesystem>
#include <fstream>

#include "tests/support/temp_directory.h"

namespace lora {
namespace {

class DatabaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto db = Database::in_memory();
    ASSERT_TRUE(db.ok()) << db.status().to_string();
    db_ = std::move(db).value();
  }
  QueryResult run(const std::string& query, const Params& params = {}) { return run(*db_, query, params); }
  static QueryResult run(Database& db, const std::string& query, const Params& params = {}) {
    auto result = db.execute(query, params);
    EXPECT_TRUE(result.ok()) << query << "\n" << result.status().to_string();
    return result.ok() ? std::move(result).value() : QueryResult();
  }
  int64_t number(const std::string& query, const Params& params = {}) {
    const QueryResult r = run(query, params);
    EXPECT_EQ(r.values.size(), 1u) << query;
    return r.values.size() == 1 && r.values[0].is_integer() ? r.values[0].as_integer() : -1;
  }
  ErrorInfo error(const std::string& query, const Params& params = {}, const QueryOptions& options = {}) {
    const auto result = db_->execute(query, params, options);
    EXPECT_FALSE(result.ok()) << query;
    return result.status().info();
  }
  std::unique_ptr<Database> db_;
};

TEST_F(DatabaseTest, CreatesMatchesAndReturns) {
  const QueryResult none =
      run("CREATE (:Person {name: 'Ann', age: 30})-[:KNOWS {since: 2010}]->(:Person {name: 'Bob'})");
  EXPECT_TRUE(none.columns.empty());
  EXPECT_EQ(none.row_count, 0u);
  const QueryResult r = run("MATCH (a:Person)-[k:KNOWS]->(b) RETURN a.name, k, b");
  EXPECT_EQ(r.columns, (std::vector<std::string>{"a.name", "k", "b"}));
  ASSERT_EQ(r.row_count, 1u);
  EXPECT_EQ(r.at(0, 0).as_string(), "Ann");
  ASSERT_TRUE(r.at(0, 1).is_hydrated());
  EXPECT_EQ(r.at(0, 1).as_relationship().type, "KNOWS");
  ASSERT_TRUE(r.at(0, 2).is_hydrated());
  EXPECT_EQ(r.at(0, 2).as_node().labels, std::vector<std::string>{"Person"});
}

TEST_F(DatabaseTest, ColumnsAreThereWithoutRows) {
  const QueryResult r = run("MATCH (n:Nobody) RETURN n.x, count(*)");
  EXPECT_EQ(r.columns, (std::vector<std::string>{"n.x", "count(*)"}));
  EXPECT_EQ(r.row_count, 0u);
}

TEST_F(DatabaseTest, EntitiesInListsAndMapsAreHydrated) {
  run("CREATE (:A {x: 1})");
  const QueryResult r = run("MATCH (n:A) RETURN collect(n) AS l, {n: n} AS m");
  EXPECT_TRUE(r.at(0, 0).as_list()[0].is_hydrated());
  EXPECT_TRUE(r.at(0, 1).map_find("n")->is_hydrated());
}

TEST_F(DatabaseTest, ParametersAreUsed) {
  EXPECT_EQ(number("RETURN $a + $b AS x", make_params({{"a", Value::integer(40)}, {"b", Value::integer(2)}})), 42);
}

TEST_F(DatabaseTest, MissingParameterIsToldBeforeAnythingRuns) {
  const ErrorInfo e = error("CREATE (:A) WITH 1 AS x RETURN $missing");
  EXPECT_EQ(e.code, ErrorCode::kParameterMissing);
  EXPECT_EQ(e.type, "ParameterMissing");
  EXPECT_NE(e.message.find("`$missing`"), std::string::npos) << e.message;
  EXPECT_EQ(*db_->node_count(), 0u);
  EXPECT_TRUE(db_->explain("RETURN $missing").ok());
}

TEST_F(DatabaseTest, ParametersMustBeAMap) {
  EXPECT_EQ(error("RETURN 1", Value::integer(1)).code, ErrorCode::kInvalidParams);
}

TEST_F(DatabaseTest, ErrorShowsLineColumnAndCaret) {
  const ErrorInfo e = error("MATCH (n)\nRETURN m");
  EXPECT_EQ(e.code, ErrorCode::kSemantic);
  EXPECT_EQ(e.type, "SyntaxError");
  EXPECT_EQ(e.detail, "UndefinedVariable");
  EXPECT_EQ(e.line, 2);
  EXPECT_EQ(e.column, 8);
  EXPECT_NE(e.message.find("\n  RETURN m\n         ^"), std::string::npos) << e.message;
}

TEST_F(DatabaseTest, FailedStatementLeavesNothing) {
  EXPECT_EQ(error("UNWIND [1, 2, 0] AS x CREATE (:A {x: 10 / x})").code, ErrorCode::kArithmetic);
  EXPECT_EQ(*db_->node_count(), 0u);
  run("CREATE (:A)");
  EXPECT_EQ(*db_->node_count(), 1u);
}

TEST_F(DatabaseTest, DeletingAConnectedNodeFailsAtTheEndOfTheStatement) {
  run("CREATE (:A)-[:T]->(:B)");
  EXPECT_EQ(error("MATCH (a:A) DELETE a").code, ErrorCode::kForeignKey);
  EXPECT_EQ(*db_->node_count(), 2u);
  run("MATCH (a:A)-[r]->() DELETE a, r");
  EXPECT_EQ(*db_->node_count(), 1u);
}

TEST_F(DatabaseTest, CountsAndClear) {
  run("CREATE (:A)-[:T]->(:B)");
  EXPECT_EQ(*db_->node_count(), 2u);
  EXPECT_EQ(*db_->relationship_count(), 1u);
  ASSERT_TRUE(db_->clear().ok());
  EXPECT_EQ(*db_->node_count(), 0u);
  EXPECT_EQ(*db_->relationship_count(), 0u);
  const QueryResult r = run("CREATE (n:A) RETURN id(n) AS id");
  EXPECT_GE(r.at(0, 0).as_integer(), 2) << "ids are never given out again";
}

TEST_F(DatabaseTest, ExplainNeverRuns) {
  const auto plan = db_->explain("CREATE (n:A) RETURN n");
  ASSERT_TRUE(plan.ok());
  EXPECT_TRUE(plan->mutating);
  EXPECT_EQ(plan->result_columns, std::vector<std::string>{"n"});
  EXPECT_EQ(plan->tree.op, "ProduceResults");
  EXPECT_EQ(*db_->node_count(), 0u);
  const QueryResult lines = run("EXPLAIN CREATE (n:A) RETURN n");
  EXPECT_EQ(lines.columns[0], "operator");
  EXPECT_GT(lines.row_count, 1u);
  EXPECT_EQ(*db_->node_count(), 0u);
  EXPECT_FALSE(db_->explain("MATCH (n) RETURN n")->mutating);
}

TEST_F(DatabaseTest, ProfileRunsAndCounts) {
  run("UNWIND range(1, 100) AS i CREATE (:A {x: i})");
  const auto profile = db_->profile("MATCH (n:A) WHERE n.x > 50 RETURN n");
  ASSERT_TRUE(profile.ok()) << profile.status().to_string();
  EXPECT_EQ(profile->total_rows, 50u);
  EXPECT_FALSE(profile->mutated);
  EXPECT_GE(profile->operators.size(), 3u);
  EXPECT_EQ(profile->operators[0].rows, 50u);
  const auto write = db_->profile("CREATE (:B)");
  ASSERT_TRUE(write.ok());
  EXPECT_TRUE(write->mutated);
  EXPECT_EQ(*db_->node_count(), 101u);
  EXPECT_EQ(run("PROFILE MATCH (n:B) RETURN n").row_count, 1u);
}

TEST_F(DatabaseTest, TimeoutStopsAQuery) {
  QueryOptions options;
  options.timeout = std::chrono::milliseconds(30);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(error("UNWIND range(1, 1000000000000) AS x WITH x WHERE x < 0 RETURN x", {}, options).code,
            ErrorCode::kTimeout);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST_F(DatabaseTest, MemoryBudgetStopsAQuery) {
  DatabaseOptions options;
  options.query_memory_bytes = 4 << 20;
  auto db = Database::in_memory(options);
  ASSERT_TRUE(db.ok());
  EXPECT_EQ((*db)->execute("UNWIND range(1, 10000000) AS x RETURN x").status().code(), ErrorCode::kMemoryLimit);
  EXPECT_EQ((*db)->execute("UNWIND range(1, 10000000) AS x RETURN collect(x)").status().code(),
            ErrorCode::kMemoryLimit);
  EXPECT_TRUE((*db)->execute("UNWIND range(1, 1000) AS x RETURN x").ok());
}

TEST_F(DatabaseTest, CancelFlagAndPollStopAQuery) {
  std::atomic<bool> cancel{true};
  QueryOptions options;
  options.cancel = &cancel;
  EXPECT_EQ(error("UNWIND range(1, 1000000000000) AS x WITH x WHERE x < 0 RETURN x", {}, options).code,
            ErrorCode::kInterrupted);
  QueryOptions polled;
  polled.poll = [] { return Status(ErrorCode::kInterrupted, "from the poll"); };
  EXPECT_EQ(error("UNWIND range(1, 1000000000000) AS x WITH x WHERE x < 0 RETURN x", {}, polled).code,
            ErrorCode::kInterrupted);
}

TEST_F(DatabaseTest, OptionsThatDoNotFitAreRefused) {
  DatabaseOptions read_only;
  read_only.read_only = true;
  EXPECT_EQ(Database::in_memory(read_only).status().code(), ErrorCode::kConfig);
  DatabaseOptions directory;
  directory.database_dir = "/tmp/somewhere";
  EXPECT_EQ(Database::in_memory(directory).status().code(), ErrorCode::kConfig);
  DatabaseOptions interval;
  interval.sync = SyncLevel::kInterval;
  interval.sync_interval_ms = 0;
  EXPECT_EQ(Database::in_memory(interval).status().code(), ErrorCode::kConfig);
}

TEST_F(DatabaseTest, NamedDatabaseKeepsItsGraph) {
  const tests::TempDirectory dir;
  DatabaseOptions options;
  options.database_dir = dir / "new/place";
  {
    auto db = Database::open("team/app", options);
    ASSERT_TRUE(db.ok()) << db.status().to_string();
    EXPECT_EQ((*db)->path(), dir / "new/place/team/app.loradb");
    run(**db, "CREATE (:A {x: 1})");
    EXPECT_EQ(Database::open("team/app", options).status().code(), ErrorCode::kLocked);
    ASSERT_TRUE((*db)->close().ok());
  }
  auto db = Database::open("team/app.loradb", options);
  ASSERT_TRUE(db.ok()) << db.status().to_string();
  EXPECT_EQ(run(**db, "MATCH (n:A) RETURN n.x AS x").at(0, 0).as_integer(), 1);
}

TEST_F(DatabaseTest, ReadOnlyRefusesChangesByThePlan) {
  const tests::TempDirectory dir;
  DatabaseOptions options;
  options.database_dir = dir.path();
  {
    auto db = Database::open("app", options);
    ASSERT_TRUE(db.ok()) << db.status().to_string();
    run(**db, "CREATE (:A {x: 1})");
  }
  options.read_only = true;
  auto db = Database::open("app", options);
  ASSERT_TRUE(db.ok()) << db.status().to_string();
  EXPECT_EQ(run(**db, "MATCH (n:A) RETURN n.x AS x").at(0, 0).as_integer(), 1);
  // Also when nothing would match.
  EXPECT_EQ((*db)->execute("MATCH (n:Nobody) SET n.x = 1").status().code(), ErrorCode::kReadOnly);
  EXPECT_EQ((*db)->begin().status().code(), ErrorCode::kReadOnly);
  EXPECT_EQ((*db)->clear().code(), ErrorCode::kReadOnly);
  EXPECT_TRUE((*db)->begin(AccessMode::kReadOnly).ok());
}

TEST_F(DatabaseTest, SnapshotFileGoesThereAndBack) {
  const tests::TempDirectory dir;
  run("CREATE (:A {x: 1})-[:T {y: 2}]->(:B)");
  const auto saved = db_->save_snapshot_file(dir / "s.bin");
  ASSERT_TRUE(saved.ok()) << saved.status().to_string();
  EXPECT_EQ(saved->node_count, 2u);
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) files += entry.exists();
  EXPECT_EQ(files, 1u) << "no temporary file stays";
  auto other = Database::in_memory();
  ASSERT_TRUE(other.ok());
  run(**other, "CREATE (:Gone)");
  const auto loaded = (*other)->load_snapshot_file(dir / "s.bin");
  ASSERT_TRUE(loaded.ok()) << loaded.status().to_string();
  EXPECT_EQ(run(**other, "MATCH (a:A)-[t:T]->(:B) RETURN a.x * 10 + t.y AS n").at(0, 0).as_integer(), 12);
  EXPECT_EQ(*(*other)->node_count(), 2u);
}

TEST_F(DatabaseTest, SnapshotFileErrorsNameThePath) {
  const tests::TempDirectory dir;
  const auto missing = db_->load_snapshot_file(dir / "missing.bin");
  EXPECT_EQ(missing.status().code(), ErrorCode::kIo);
  EXPECT_NE(missing.status().message().find(dir / "missing.bin"), std::string::npos);
  EXPECT_EQ(db_->save_snapshot_file(dir / "no/such/place.bin").status().code(), ErrorCode::kIo);
  EXPECT_EQ(db_->save_snapshot_file(dir.path()).status().code(), ErrorCode::kIo);
  EXPECT_EQ(db_->load_snapshot_file(dir.path()).status().code(), ErrorCode::kIo);
  std::ofstream(dir / "junk.bin") << "this is no snapshot at all, but long enough to have a header of some kind";
  run("CREATE (:A)");
  EXPECT_FALSE(db_->load_snapshot_file(dir / "junk.bin").ok());
  EXPECT_EQ(*db_->node_count(), 1u);
}

TEST_F(DatabaseTest, FailedSaveKeepsTheOldFile) {
  const tests::TempDirectory dir;
  run("CREATE (:A)");
  ASSERT_TRUE(db_->save_snapshot_file(dir / "s.bin").ok());
  const auto size = std::filesystem::file_size(dir / "s.bin");
  graph::SnapshotSaveOptions bad;
  bad.crypto.kind = graph::SnapshotCrypto::Kind::kKey;
  bad.crypto.key = "too short";
  EXPECT_FALSE(db_->save_snapshot_file(dir / "s.bin", bad).ok());
  EXPECT_EQ(std::filesystem::file_size(dir / "s.bin"), size);
}

TEST_F(DatabaseTest, VerifyStatsSyncCheckpoint) {
  run("CREATE (:A)-[:T]->(:B)");
  const auto report = db_->verify();
  ASSERT_TRUE(report.ok()) << report.status().to_string();
  EXPECT_TRUE(report->errors.empty()) << report->errors[0];
  EXPECT_TRUE(db_->stats().ok());
  EXPECT_TRUE(db_->sync().ok());
  EXPECT_TRUE(db_->checkpoint().ok());
}

TEST_F(DatabaseTest, RelationshipsAreTheSameByTheirBlocksAndByLists) {
  run("UNWIND range(0, 599) AS i CREATE (n:N {id: i}) FOREACH (x IN CASE i % 2 WHEN 0 THEN [1] ELSE [] END | SET "
      "n:Even) FOREACH (x IN CASE i % 3 WHEN 0 THEN [1] ELSE [] END | SET n:Third)");
  for (int part = 0; part < 30; ++part) {  // small statements: records
    run("MATCH (a:N), (b:N) WHERE a.id % 30 = " + std::to_string(part) +
        " AND b.id IN [a.id, (a.id * 3 + 1) % 600, (a.id * 3 + 5) % 600] CREATE (a)-[:T]->(b), (b)-[:U]->(a)");
  }
  run("MATCH (a:N)-[r]->() WHERE a.id % 97 = 5 DELETE r");
  int scans = 0;
  for (const char* query : {
           "MATCH (a)-[r:T]->(b) WHERE id(r) >= 0 RETURN sum(a.id * 7 + b.id + id(r))",
           "MATCH (a)-[r:T]-(b) WHERE id(r) >= 0 RETURN sum(a.id * 7 + b.id + id(r))",
           "MATCH (a)-[r:T|U]->(b) WHERE id(r) >= 0 RETURN sum(a.id * 7 + b.id)",
           "MATCH (a)-[r]-(b) WHERE id(r) >= 0 RETURN sum(a.id * 7 + b.id)",
           "MATCH (a:Third)-[r:T]->(b:Even) WHERE id(r) >= 0 RETURN sum(a.id * 7 + b.id)",
           "MATCH (a:Even)-[r:U]-(b:Even) WHERE id(r) >= 0 RETURN sum(a.id * 7 + b.id)",
       }) {
    const QueryResult plan = run(std::string("EXPLAIN ") + query);
    for (size_t row = 0; row < plan.row_count; ++row) {
      scans += plan.at(row, 0).as_string().find("RelationshipTypeScan") != std::string::npos ||
               plan.at(row, 0).as_string().find("RelationshipsScan") != std::string::npos;
    }
    db_->graph().drop_cache();
    const int64_t by_lists = number(query);
    run("MATCH ()-[r]->() RETURN count(r.nothing)");  // all blocks are in memory
    EXPECT_EQ(number(query), by_lists) << query;
  }
  EXPECT_EQ(scans, 6);
}

// Lists that turn out to be empty once their chunk is loaded used to shift the place where a walk went on.
TEST_F(DatabaseTest, AListWalkedInPiecesIsWholeWhateverIsLoadedMeanwhile) {
  run("CREATE (:A)-[:First]->(:B)");
  run("CREATE (h:Hub) WITH h UNWIND range(1, 5000) AS i CREATE (h)-[:Second]->(:S), (h)<-[:Third]-(:S)");
  for (const char* query : {"MATCH (:Hub)-[r]->(s) RETURN r", "MATCH (:Hub)<-[r]-(s) RETURN r",
                            "MATCH (:Hub)-[r:Third|First|Second]->(s) RETURN r"}) {
    SCOPED_TRACE(query);
    db_->graph().drop_cache();
    EXPECT_EQ(run(query).row_count, 5000u);
  }
  db_->graph().drop_cache();
  EXPECT_EQ(run("MATCH (:Hub)-[r]-(s) RETURN DISTINCT r").row_count, 10000u);
}

TEST_F(DatabaseTest, ManyInMemoryDatabasesOpenQuickly) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 50; ++i) {
    auto db = Database::in_memory();
    ASSERT_TRUE(db.ok());
    run(**db, "CREATE (:A)");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

}  // namespace
}  // namespace lora
