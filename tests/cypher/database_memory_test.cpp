// Memory that cannot be had: allocation after allocation fails, once each, in statements of every kind. Whatever fails,
// the call ends with kMemoryLimit (or does without), nothing of a statement stays, and the handle goes on working.
//
// RocksDB and RE2 do not survive failing allocations, and the time zone library leaks the directory it reads: those
// with one of them on the stack are left out.
#include <dlfcn.h>
#include <execinfo.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "cypher/database.h"
#include "tests/support/temp_directory.h"

namespace {

// Of this thread only: which allocation fails. RocksDB's threads are not concerned.
struct Failing {
  bool armed = false;
  int64_t skip = 0;      // allocations of at least bytes_min that pass first
  size_t bytes_min = 0;  // smaller ones pass
  bool lasting = false;  // all later ones fail too
  int64_t failed = 0;
};
thread_local Failing failing;

bool foreign_on_stack() {
  void* frames[256];
  const int count = ::backtrace(frames, 256);
  for (int i = 0; i < count; ++i) {
    Dl_info info;
    if (::dladdr(frames[i], &info) == 0 || info.dli_fname == nullptr) continue;
    for (const char* foreign : {"librocksdb", "libre2", "libdate-tz"}) {
      if (std::strstr(info.dli_fname, foreign) != nullptr) return true;
    }
  }
  return false;
}

bool fails(size_t bytes) {
  if (!failing.armed || bytes < failing.bytes_min) [[likely]]
    return false;
  if (failing.skip > 0) {
    --failing.skip;
    return false;
  }
  failing.armed = false;  // what the look at the stack allocates does not count
  const bool ours = !foreign_on_stack();
  failing.armed = !ours || failing.lasting;
  failing.failed += ours;
  return ours;
}

}  // namespace

[[gnu::noinline]] void* operator new(size_t bytes) {
  void* got = fails(bytes) ? nullptr : std::malloc(bytes > 0 ? bytes : 1);
  if (got == nullptr) throw std::bad_alloc();
  return got;
}
[[gnu::noinline]] void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return fails(bytes) ? nullptr : std::malloc(bytes > 0 ? bytes : 1);
}
[[gnu::noinline]] void* operator new(size_t bytes, std::align_val_t alignment) {
  const auto align = static_cast<size_t>(alignment);
  void* got = fails(bytes) ? nullptr : std::aligned_alloc(align, (bytes + align - 1) / align * align);
  if (got == nullptr) throw std::bad_alloc();
  return got;
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
  std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, size_t) noexcept {
  std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept {
  std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, size_t, std::align_val_t) noexcept {
  std::free(p);
}

namespace lora {
namespace {

class MemoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_FALSE(foreign_on_stack());  // loads what backtrace() needs
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

  bool on_disk_ = false;
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
