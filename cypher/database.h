// Database: the front door of the C++ library. Opens an in-memory or a named, durable property graph and runs Cypher.
//
// Threads: a Database may be shared by any number of threads; readers run side by side, writers queue. A Transaction or
// QueryStream is used by one thread at a time and may move between threads. close() may be called from any thread,
// also while queries run (they end with kClosed).
// Errors: every call that can fail returns Status or Result; codes and texts as kv/status.h. Nothing throws: memory
// that cannot be had is kMemoryLimit. (RocksDB does not survive it everywhere: what fails inside of it may still end
// the process. `query_memory_bytes` and `cache_bytes` are there to stay away from that.) A statement is atomic: after
// an error nothing of it stays, and the handle goes on working.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cypher/import/import_options.h"
#include "cypher/procedures/callable.h"
#include "graph/graph.h"
#include "graph/value.h"
#include "kv/status.h"

namespace lora {

using kv::SyncLevel;

struct DatabaseOptions {
  std::string database_dir = ".";  // where `<name>.loradb` lives
  bool create_if_missing = true;
  bool read_only = false;
  SyncLevel sync = SyncLevel::kCommit;
  uint32_t sync_interval_ms = 100;
  uint64_t cache_bytes = 0;          // 0: a quarter of memory, at least 64 MiB
  uint32_t busy_timeout_ms = 5'000;  // longest wait for the writer
  uint64_t query_timeout_ms = 0;     // 0: none
  uint64_t query_memory_bytes = 0;   // 0: 1 GiB or a quarter of memory, the smaller
  std::string import_dir;            // for LOAD CSV; empty: refused
  bool recover = false;              // on_corruption = "recover"
};

// Parameters by name, without the `$`. A map Value, or null for none.
using Params = Value;
Params make_params(std::vector<std::pair<std::string, Value>> entries);

// Rows are stored one after the other: row r, column c is values[r * columns.size() + c]. Entities are hydrated.
struct QueryResult {
  std::vector<std::string> columns;
  std::vector<Value> values;
  size_t row_count = 0;
  const Value& at(size_t row, size_t column) const { return values[row * columns.size() + column]; }
};

struct QueryOptions {
  std::optional<std::chrono::milliseconds> timeout;  // shorter of this and query_timeout_ms counts
  // Names the caller for "who holds the writer" and lets a self-deadlock fail at once; 0: the calling thread.
  uint64_t owner_token = 0;
  // Polled a few times per second while the query runs or waits (e.g. for signals); not OK stops it with that status.
  std::function<Status()> poll;
  // Set from another thread to stop this call with kInterrupted.
  const std::atomic<bool>* cancel = nullptr;
  // The caller knows that all text in the parameters is UTF-8; otherwise it is looked at (kInvalidParams).
  bool params_are_utf8 = false;
};

// One node of an explained plan.
struct PlanNode {
  uint32_t id = 0;
  std::string op;  // "NodeByLabelScan", ...
  std::string details;
  double estimated_rows = 0;
  std::vector<PlanNode> children;
};
struct Plan {
  std::string query;
  bool mutating = false;
  std::vector<std::string> result_columns;
  PlanNode tree;
  // Physical shape in one line, for tests: "Project(Filter(NodeByLabelScan(n:Person)))".
  std::string short_form() const;
};
struct OperatorMetrics {
  uint32_t id = 0;
  uint64_t rows = 0, db_hits = 0, elapsed_ns = 0, next_calls = 0;
};
struct Profile {
  Plan plan;
  uint64_t total_elapsed_ns = 0, total_rows = 0;
  bool mutated = false;
  std::vector<OperatorMetrics> operators;
};

// What a statement changed; all zero for reads.
struct UpdateCounts {
  uint64_t nodes_created = 0, nodes_deleted = 0, relationships_created = 0, relationships_deleted = 0;
  uint64_t properties_set = 0, labels_added = 0, labels_removed = 0;
};

// Rows one batch at a time; pins a version. A writing stream commits when exhausted, rolls back when closed early.
class QueryStream {
 public:
  ~QueryStream();  // closes
  const std::vector<std::string>& columns() const;
  // Appends the next rows (row-major, hydrated) to *values; *rows = how many; 0 = the end (committed). Batches grow
  // from 1 row to 2 048 so that the first row comes at once.
  Status next(std::vector<Value>* values, size_t* rows);
  // Early end: rolls back what a writing stream did. Idempotent, safe from any thread.
  void close();

 private:
  friend class Database;
  friend class Transaction;
  QueryStream();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

enum class AccessMode : uint8_t { kReadWrite, kReadOnly };

// An explicit transaction. Reads its own writes. An error undoes that statement only. Destroying it rolls back.
class Transaction {
 public:
  ~Transaction();
  Result<QueryResult> execute(std::string_view query, const Params& params = {}, const QueryOptions& options = {});
  Status commit();
  Status rollback();  // idempotent
  bool open() const;

 private:
  friend class Database;
  Transaction();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct Statement {
  std::string query;
  Params params;
};

class Database {
 public:
  // Name without directory part or ".loradb" is enough; rules in CONTRACT (kDatabaseName). Opens or creates
  // `<database_dir>/<name>.loradb`. kLocked names the holder.
  static Result<std::unique_ptr<Database>> open(std::string_view name, const DatabaseOptions& options = {});
  static Result<std::unique_ptr<Database>> in_memory(const DatabaseOptions& options = {});
  ~Database();  // close()

  Result<QueryResult> execute(std::string_view query, const Params& params = {}, const QueryOptions& options = {});
  Result<std::unique_ptr<QueryStream>> stream(std::string_view query, const Params& params = {},
                                              const QueryOptions& options = {});
  Result<std::unique_ptr<Transaction>> begin(AccessMode mode = AccessMode::kReadWrite,
                                             const QueryOptions& options = {});
  // All or nothing.
  Result<std::vector<QueryResult>> transaction(std::span<const Statement> statements,
                                               AccessMode mode = AccessMode::kReadWrite,
                                               const QueryOptions& options = {});
  Result<Plan> explain(std::string_view query, const Params& params = {});
  Result<Profile> profile(std::string_view query, const Params& params = {}, const QueryOptions& options = {});

  Result<graph::SnapshotFileMeta> save_snapshot(const graph::SnapshotSaveOptions& options, const graph::ByteSink& sink);
  // Atomic: temporary file, fsync, rename, directory fsync. The file behind a symbolic link is replaced and keeps its
  // mode; a device or pipe is written to as it is.
  Result<graph::SnapshotFileMeta> save_snapshot_file(const std::string& path,
                                                     const graph::SnapshotSaveOptions& options = {});
  Result<graph::SnapshotFileMeta> load_snapshot(const graph::SnapshotCrypto& crypto, const graph::ByteSource& source,
                                                const QueryOptions& options = {});
  Result<graph::SnapshotFileMeta> load_snapshot_file(const std::string& path, const graph::SnapshotCrypto& crypto = {},
                                                     const QueryOptions& options = {});

  // Adds the nodes and relationships of CSV files, all or nothing: in one transaction, or faster where the database is
  // on disk and never held anything. Relationships name nodes of the same call. Errors: cypher/import/import_csv.h.
  Result<ImportCounts> import_csv(const ImportOptions& files, const QueryOptions& options = {});

  Status clear(const QueryOptions& options = {});
  Result<uint64_t> node_count() const;  // kClosed, kForked
  Result<uint64_t> relationship_count() const;
  // Stops the queries running now with kInterrupted.
  void interrupt();
  Status sync();
  // `compact`: the files as well; what was deleted or removed is in none of them then, unless a transaction is open.
  Status checkpoint(bool compact = false);
  Result<graph::VerifyReport> verify(bool full = true);
  Result<graph::GraphStats> stats();
  // Query text and plan statistics for tests and tools.
  struct CacheStats {
    uint64_t hits = 0, misses = 0, entries = 0;
  };
  CacheStats plan_cache_stats() const;
  const std::string& path() const;  // empty: in memory
  bool closed() const;
  // Refuses new calls, interrupts running ones (kClosed), closes streams, rolls back open transactions, waits for all
  // to leave, flushes, releases the lock. Idempotent; from any thread, also from inside a stream's own loop.
  Status close();

  // Functions and procedures of the program, for statements of this handle; signatures and rules: callable.h. One of
  // the same name is replaced. Statements that begin afterwards use the new one; running ones finish with what they
  // have. Errors: kSemantic for a signature that cannot be read, a name without namespace or in a built-in one, a table
  // that does not fit; kInvalidParams for an empty callable.
  Status register_function(std::string_view signature, ScalarCallable callable, const CallableOptions& options = {});
  Status register_procedure(std::string_view signature, ProcedureCallable callable,
                            const CallableOptions& options = {});
  // A procedure that answers from a table: `columns` names its arguments and results, in the order of the rows' values;
  // a call gives the results of those rows whose arguments equal the call's.
  Status register_procedure(std::string_view signature, const std::vector<std::string>& columns, std::vector<List> rows,
                            const CallableOptions& options = {});
  // kNotFound: none of this name is registered.
  Status unregister_function(std::string_view name);
  Status unregister_procedure(std::string_view name);

  // For differential tests: the rewrite rules, and costs with indexes, off or on. Answers must be the same. Bit n of
  // `rules_off`: without rule number n of cypher/plan/planner.h.
  void set_planner_switches(bool rules, bool cost_based, uint32_t rules_off = 0);
  // For the same tests: the most rows that operators ask of each other, 1 to 2 048 (the default).
  void set_batch_rows_max(size_t rows);

  // The graph below, for tools in this repository (dump, restore, verify). Not part of the stable interface.
  graph::Graph& graph();

 private:
  Database();
  struct Impl;
  static Result<std::unique_ptr<Database>> open_path(std::string path, const DatabaseOptions& options);
  std::shared_ptr<Impl> impl_;
};

}  // namespace lora
