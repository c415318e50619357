// Any bytes as statements (a blank line stands between two of them) on a small prepared graph, with a deadline and a
// memory budget for each. The first line `BEGIN` runs them all in one transaction, which is rolled back. Traps when
//   * an error has the code kInternal or kCorruption,
//   * a failed statement, or a transaction that was rolled back, leaves something behind,
//   * the counters differ from what a scan finds, or the graph is not sound (verify),
//   * the handle stops answering.
// What an input commits is taken back before the next one, so that inputs repeat alone.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "cypher/database.h"
#include "tests/support/result_text.h"

namespace {

using namespace lora;

constexpr size_t kStatementsMax = 8;
constexpr uint64_t kBudgetBytes = 4 << 20;
constexpr std::chrono::milliseconds kDeadline(8);
// What is deleted slows the store down, and names are kept for good: a new database from time to time is cheaper.
constexpr uint64_t kRestoredMax = 250;
constexpr uint64_t kEntitiesMax = 200;

constexpr std::string_view kSchema[] = {
    "CREATE INDEX person_born FOR (p:Person) ON (p.born)",
    "CREATE INDEX knows_since FOR ()-[k:KNOWS]-() ON (k.since)",
    "CREATE CONSTRAINT city_name FOR (c:City) REQUIRE c.name IS UNIQUE",
};
constexpr std::string_view kEntities =
    R"(CREATE (a:Person {name: 'Ada', born: 1815, x: 1}), (b:Person:Admin {name: 'Bob', born: 1912, x: 2.5}),
         (c:Person {name: 'Eve', born: 1930, tags: ['a', 'b']}), (d:City {name: 'Oslo', at: point({x: 1, y: 2})}),
         (e:City {name: 'Rome', since: date('2020-02-29')}), (f {text: 'no label'}),
         (a)-[:KNOWS {since: 2001}]->(b), (b)-[:KNOWS {since: 2005}]->(c), (c)-[:KNOWS]->(a), (a)-[:KNOWS]->(a),
         (a)-[:LIVES_IN {from: 1}]->(d), (b)-[:LIVES_IN]->(e), (c)-[:LIVES_IN]->(e), (f)-[:R]->(d))";

struct Prepared {
  std::unique_ptr<Database> db;
  std::string state;
  // Of the graph in the prepared state.
  uint64_t version = 0, schema_version = 0;
  uint64_t restored = 0;  // times
};

std::string_view current_input;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "%s\ninput: %.*s\n", what.c_str(), static_cast<int>(current_input.size()), current_input.data());
  __builtin_trap();
}

void require(bool condition, const char* what, const Status& status = Status()) {
  if (!condition) fail(std::string(what) + (status.ok() ? "" : ": " + status.to_string()));
}

// Entities, indexes and constraints as text, never empty. `run` is a database or a transaction.
template <typename Runner>
std::string state_of(Runner& run) {
  std::string text = "graph\n";
  for (const std::string_view query :
       {"MATCH (n) RETURN id(n), n", "MATCH (a)-[r]->(b) RETURN id(r), id(a), id(b), r",
        "SHOW INDEXES YIELD name, type, labelsOrTypes, properties", "SHOW CONSTRAINTS YIELD name, type, properties"}) {
    const auto result = run.execute(query);
    if (result.status().code() == ErrorCode::kMemoryLimit) {
      text += "more than the budget lets read\n";
      continue;
    }
    require(result.ok(), "the state cannot be read", result.status());
    std::vector<std::string> rows(result->row_count);
    for (size_t r = 0; r < result->row_count; ++r) {
      for (size_t c = 0; c < result->columns.size(); ++c) rows[r] += test::result_text(result->at(r, c)) + " ";
    }
    std::sort(rows.begin(), rows.end());
    for (const std::string& row : rows) (text += row) += '\n';
  }
  return text;
}

uint64_t count_of(Database& db, std::string_view query) {
  const auto result = db.execute(query);
  require(result.ok() && result->row_count == 1, "the handle has stopped answering", result.status());
  return static_cast<uint64_t>(result->at(0, 0).as_integer());
}

// Number of the last commit.
uint64_t version_of(Database& db) {
  return db.graph().snapshot().version();
}

void require_sound(Database& db) {
  const auto report = db.verify(true);
  require(report.ok(), "verify fails", report.status());
  if (!report->errors.empty()) fail("not sound: " + report->errors.front());
}

void run(Database& db, std::string_view statement) {
  const auto done = db.execute(statement);
  require(done.ok(), "the graph cannot be prepared", done.status());
}

void note(Prepared* prepared) {
  prepared->state = state_of(*prepared->db);
  prepared->version = version_of(*prepared->db);
  prepared->schema_version = prepared->db->graph().schema_version();
}

void open(Prepared* prepared) {
  DatabaseOptions options;
  options.cache_bytes = 64 << 20;
  options.query_memory_bytes = kBudgetBytes;
  auto opened = Database::in_memory(options);
  require(opened.ok(), "no database", opened.status());
  prepared->db = std::move(*opened);
  prepared->restored = 0;
  for (const std::string_view statement : kSchema) run(*prepared->db, statement);
  run(*prepared->db, kEntities);
  note(prepared);
}

// Takes back what was committed: a few changes by ordinary writes, anything more by a new database.
void restore(Prepared* prepared) {
  Database& db = *prepared->db;
  if (++prepared->restored < kRestoredMax && db.graph().schema_version() == prepared->schema_version &&
      *db.node_count() <= kEntitiesMax && *db.relationship_count() <= kEntitiesMax) {
    run(db, "MATCH (n) DETACH DELETE n");
    run(db, kEntities);
    note(prepared);
    return;
  }
  require(db.close().ok(), "close fails");
  open(prepared);
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> statements;
  while (!text.empty() && statements.size() < kStatementsMax) {
    const size_t end = std::min(text.find("\n\n"), text.size());
    if (end > 0) statements.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return statements;
}

Params parameters() {
  return make_params({{"a", Value::integer(1)},
                      {"s", Value::string("Ada")},
                      {"list", Value::list({Value::integer(1), Value::null(), Value::floating(2.5)})},
                      {"map", make_params({{"name", Value::string("Ada")}, {"born", Value::integer(1815)}})},
                      {"none", Value::null()}});
}

// CALL { } IN TRANSACTIONS keeps the parts that were done.
bool commits_by_parts(Database& db, std::string_view statement) {
  const auto plan = db.explain(statement, parameters());
  return plan.ok() && plan->short_form().find("TransactionApply") != std::string::npos;
}

// Runs one after the other; one that fails while it runs must leave the state as it was.
template <typename Runner>
void run_all(Prepared& prepared, Runner& run, const std::vector<std::string_view>& statements) {
  constexpr bool in_transaction = std::is_same_v<Runner, Transaction>;
  static const Params params = parameters();
  QueryOptions options;
  options.timeout = kDeadline;
  std::string state = prepared.state;  // empty: may have changed since it was read
  uint64_t version = prepared.version;
  for (const std::string_view statement : statements) {
    if (state.empty()) state = state_of(run);
    const auto result = run.execute(statement, params, options);
    const Status status = result.status();
    require(status.code() != ErrorCode::kInternal && status.code() != ErrorCode::kCorruption, "an error of the engine",
            status);
    const uint64_t now = version_of(*prepared.db);
    if (status.ok()) {
      require(result->values.size() == result->row_count * result->columns.size(), "rows and columns differ");
      if (in_transaction || now != version) state.clear();
    } else if (now != version) {
      require(commits_by_parts(*prepared.db, statement), "a failed statement has committed", status);
      state.clear();
    } else if (status.info().phase != "compile time") {
      if (const std::string after = state_of(run); after != state) {
        fail("a failed statement (" + status.to_string() + ") has changed the graph\nbefore:\n" + state + "after:\n" +
             after);
      }
    }
    version = now;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Prepared& prepared = *new Prepared;  // outlives what the store's library destroys when the process ends
  std::string_view text(reinterpret_cast<const char*>(data), size);
  current_input = text;
  if (prepared.db == nullptr) open(&prepared);
  Database& db = *prepared.db;
  const bool transaction = text.starts_with("BEGIN\n");
  if (transaction) text.remove_prefix(6);
  const std::vector<std::string_view> statements = split(text);
  if (transaction) {
    auto begun = db.begin();
    require(begun.ok(), "no transaction", begun.status());
    run_all(prepared, **begun, statements);
    require((*begun)->rollback().ok(), "rollback fails");
  } else {
    run_all(prepared, db, statements);
  }
  require(count_of(db, "RETURN 1") == 1, "the handle has stopped answering");
  if (version_of(db) != prepared.version) {
    require(!transaction, "a transaction that was rolled back has committed");
    require(count_of(db, "MATCH (n) RETURN count(n.x) + count(*) - count(n.x)") == *db.node_count(),
            "the counter of nodes is wrong");
    require(count_of(db, "MATCH ()-[r]->() WITH r, 1 AS one RETURN sum(one)") == *db.relationship_count(),
            "the counter of relationships is wrong");
    require_sound(db);
    restore(&prepared);
  } else if (transaction) {
    require_sound(db);
    if (state_of(db) != prepared.state) fail("a transaction that was rolled back has left something");
  }
  return 0;
}
