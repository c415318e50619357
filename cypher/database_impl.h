// The inside of Database, shared by its files: the registry of calls and sessions, the plan cache, running statements.
//
// Calls and sessions: a *call* is one call of a user into the library, from entering to leaving, with the QueryControl
// that can stop it. A *session* (transaction, stream) lives over several calls and holds a version or the writer.
// close() stops all calls, ends all sessions, waits until no call is left, then closes the graph. A thread that closes
// from inside one of its own calls (a poll callback) cannot wait for itself: the last call to leave then does the rest.
//
// Lock order: Session::mutex, then sessions_mutex_ or a call shard, then close_mutex_. None is held while the graph
// works, but Session::mutex: that is what makes a session one thread's at a time.
//
// Exceptions: every public call that returns a status runs inside contain_call(), with what must be undone in
// destructors; a session is ended where its own call has failed that way.
//
// Fork: after fork() a child must not touch locks or threads that it did not inherit. Every entry compares the
// process's fork generation first; released handles of the parent are leaked in the child.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "cypher/database.h"
#include "cypher/exec/execution.h"
#include "cypher/functions/query_control.h"
#include "cypher/memory_return.h"
#include "cypher/plan_cache.h"
#include "cypher/procedures/extensions.h"
#include "graph/graph.h"
#include "kv/contain.h"
#include "kv/fork.h"
#include "kv/spin_lock.h"

namespace lora {

using cypher::QueryControl;

// Numbers this thread, from 1: the default owner of writer locks.
uint64_t this_thread_token();

class Session;
class DatabaseCore;

struct ActiveCall {
  QueryControl* control = nullptr;
  ActiveCall* previous = nullptr;
  ActiveCall* next = nullptr;
  ActiveCall* outer = nullptr;  // the call of this thread around this one, of any database
  DatabaseCore* database = nullptr;
  uint32_t lane = 0;  // by thread: of the registry and of the plan cache
};

class DatabaseCore {
 public:
  explicit DatabaseCore(const DatabaseOptions& o) : options(o), born(kv::fork_generation()) {}

  DatabaseOptions options;
  std::string path;
  const uint64_t born;
  std::unique_ptr<graph::Graph> graph;
  cypher::ExtensionSet extensions;
  cypher::PlanCache cache;
  // See Database::set_planner_switches and set_batch_rows_max.
  std::atomic<uint32_t> plan_rules_off{0};
  std::atomic<bool> plan_by_cost{true};
  std::atomic<size_t> batch_rows_max{cypher::kBatchRowsMax};

  bool closed() const { return closing_.load(std::memory_order_acquire); }
  bool forked() const { return kv::fork_generation() != born; }
  Status check_open() const;

  // --- registry ---
  Status enter(ActiveCall* call);  // kForked, kClosed
  void leave(ActiveCall* call);
  Status add_session(Session* session);
  void remove_session(Session* session);
  void stop_calls(ErrorCode code);
  Status close();

  // --- statements ---
  // The plan of a text for what `reader` sees (null: the last version), for a call of this lane of the plan cache.
  Result<std::shared_ptr<const cypher::PreparedQuery>> prepare(std::string_view text, graph::Reader* reader,
                                                               size_t lane);
  // Without the cache, exactly as written.
  Result<std::shared_ptr<const cypher::LogicalPlan>> compile_exact(std::string_view text, graph::Reader& reader);

  // For a call that begins on this thread; the statement whose callable it comes from, if any, becomes `outer`.
  void start_control(QueryControl* control, const QueryOptions& query) const;
  std::chrono::steady_clock::time_point writer_deadline(const QueryOptions& query) const;
  // kTransaction when this thread is in a registered function or procedure of this database.
  Status check_may_write() const;
  Result<std::unique_ptr<graph::Transaction>> begin_write(std::string_view what, const QueryOptions& query,
                                                          QueryControl* control);

 private:
  struct alignas(64) Lane {
    SpinLock mutex;
    ActiveCall* first = nullptr;
    uint32_t count = 0;
  };

  uint64_t active_calls();
  void finish_close();  // closes the graph; once
  Result<std::shared_ptr<const cypher::PreparedQuery>> compile(std::string_view text, graph::Reader& reader,
                                                               bool cacheable, size_t lane);
  // Puts the text into the cache; what has been unregistered meanwhile is not kept alive by it.
  void keep_text(std::string_view text, const std::shared_ptr<const cypher::PreparedQuery>& query);

  std::array<Lane, cypher::kLanes> lanes_;
  std::atomic<bool> closing_{false};
  std::mutex close_mutex_;
  std::condition_variable left_;
  bool deferred_ = false;  // the closing thread could not wait
  bool finishing_ = false;
  std::atomic<bool> closed_{false};
  Status close_status_;
  std::mutex sessions_mutex_;
  std::unordered_set<Session*> sessions_;
};

struct Database::Impl : DatabaseCore {
  using DatabaseCore::DatabaseCore;
};

inline ErrorCode code_of(const Status& status) {
  return status.code();
}
template <typename T>
ErrorCode code_of(const Result<T>& result) {
  return result.ok() ? ErrorCode::kOk : result.status().code();
}

// contain() for a public call. One that ends without memory keeps none.
template <typename Body>
auto contain_call(Body&& body) -> decltype(body()) {
  auto result = contain(body);
  if (code_of(result) == ErrorCode::kMemoryLimit) [[unlikely]] {
    return_memory();
  }
  return result;
}

// A call, while it lasts. Check ok() first.
class CallScope {
 public:
  CallScope(DatabaseCore& database, QueryControl* control) : database_(database) {
    call_.control = control;
    return_noted_memory();
    status_ = database.enter(&call_);
  }
  ~CallScope() {
    if (!status_.ok()) return;
    if (call_.control != nullptr) note_held_memory(call_.control->memory_bytes_most());
    database_.leave(&call_);
  }
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;
  const Status& status() const { return status_; }
  size_t lane() const { return call_.lane; }

 private:
  DatabaseCore& database_;
  ActiveCall call_;
  Status status_;
};

// Ties a control that lives longer than a call (a stream's) to the statement around that call, while it lasts.
class OuterControl {
 public:
  explicit OuterControl(QueryControl* control) : control_(*control) {
    control_.outer = cypher::CallableScope::control_around();
  }
  ~OuterControl() { control_.outer = nullptr; }
  OuterControl(const OuterControl&) = delete;
  OuterControl& operator=(const OuterControl&) = delete;

 private:
  QueryControl& control_;
};

// What transactions and streams have in common. Held by shared_ptr so that close() can end it while its owner lets go.
class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(std::shared_ptr<DatabaseCore> database) : database_(std::move(database)) {}
  virtual ~Session();

  // Ends the session: rolls back, releases. Waits for a call of another thread that is inside; from inside one of its
  // own calls it only asks for the end. Idempotent, any thread.
  void end(ErrorCode why);

 protected:
  // Takes the session for a call; kTransaction when another thread is in it.
  class Use {
   public:
    explicit Use(Session& session);
    ~Use();
    const Status& status() const { return status_; }

   private:
    Session& session_;
    Status status_;
  };

  // With the mutex held, or in the destructor. Idempotent.
  virtual void release() = 0;
  // Asks a running call to stop.
  virtual void stop(ErrorCode why) = 0;

  std::shared_ptr<DatabaseCore> database_;
  std::mutex mutex_;
  std::atomic<std::thread::id> user_{};
  std::atomic<bool> end_asked_{false};
  bool registered_ = false;
  friend class Use;
};

namespace cypher {

// The values that a statement runs with, ready for Execution::open().
EvalContext make_context(const DatabaseCore& database, const PreparedQuery& query, const Params& params,
                         QueryControl* control, graph::Reader* reader, graph::Transaction* transaction,
                         int64_t transaction_epoch_nanos);

// kParameterMissing for the first of the plan's parameters that is not there; kInvalidParams when not a map, or for
// text that is not UTF-8.
Status check_parameters(const LogicalPlan& plan, const Params& params, const QueryOptions& options);

// An execution on loan from the pool of a plan that outlives the loan: closed and given back at the end. One that an
// exception has left is in no state to run again.
class Loan {
 public:
  Loan(PreparedPlan& plan, size_t lane) : plan_(plan), execution_(plan.take(lane)) {}
  ~Loan() {
    if (std::uncaught_exceptions() == 0) give_back();
  }
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  Execution& operator*() { return *execution_; }
  Execution* operator->() { return execution_.get(); }
  void give_back() {
    if (execution_ == nullptr) return;
    execution_->close();
    execution_->set_commit_hook(nullptr);
    plan_.give_back(std::move(execution_));
  }

 private:
  PreparedPlan& plan_;
  std::unique_ptr<Execution> execution_;
};

// Appends the batch's output columns row by row, hydrated, and charges what they hold.
Status append_rows(const Batch& batch, std::span<const Slot> slots, graph::Reader& reader, QueryControl& control,
                   std::vector<Value>* values);

// Runs an opened execution to its end. `result` may be null: rows are counted only.
Status drain(Execution& execution, QueryControl& control, QueryResult* result, uint64_t* rows);

// Gives an error its place in the text; offsets of a plan made from another text do not count.
Status decorate(Status status, std::string_view text, bool own_text);

// The plan as a table, for EXPLAIN as a prefix.
QueryResult explain_rows(const LogicalPlan& plan, const graph::Reader& reader);
Plan describe(const LogicalPlan& plan, std::string_view text, const graph::Reader& reader);

int64_t now_nanos();
Status read_only_refusal();

}  // namespace cypher

// A call that changes the graph without a query; `body` gets its control.
template <typename Body>
auto write_call(DatabaseCore& db, const QueryOptions& options, Body&& body)
    -> decltype(body(std::declval<QueryControl&>())) {
  return contain_call([&]() -> decltype(body(std::declval<QueryControl&>())) {
    QueryControl control;
    db.start_control(&control, options);
    CallScope call(db, &control);
    LORA_TRY(call.status());
    if (db.options.read_only) return cypher::read_only_refusal();
    LORA_TRY(db.check_may_write());
    return body(control);
  });
}

}  // namespace lora
