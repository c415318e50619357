// Explicit transactions: sessions that hold the writer, or a version.
#include "cypher/database_impl.h"

namespace lora {

using cypher::Loan;
using cypher::LogicalPlan;
using cypher::PreparedQuery;

class TransactionSession final : public Session {
 public:
  TransactionSession(std::shared_ptr<DatabaseCore> database, AccessMode mode)
      : Session(std::move(database)), mode_(mode) {}
  ~TransactionSession() override {
    if (database_->forked()) {
      // The parent's: nothing is released here.
      (void)transaction_.release();
      (void)reader_.release();
      new graph::Snapshot(std::move(snapshot_));
      return;
    }
    release();
  }

  Status start(const QueryOptions& options) {
    QueryControl control;
    database_->start_control(&control, options);
    CallScope call(*database_, &control);
    LORA_TRY(call.status());
    Status status = contain([&] { return acquire(options, &control); });
    if (!status.ok()) release();  // while close() still waits for this call
    return status;
  }

  Result<QueryResult> execute(std::string_view text, const Params& params, const QueryOptions& options) {
    QueryControl control;
    database_->start_control(&control, options);
    CallScope call(*database_, &control);
    LORA_TRY(call.status());
    Use use(*this);
    LORA_TRY(use.status());
    LORA_TRY(check_open());
    Running running(this, &control);
    graph::Reader& reader = transaction_ != nullptr ? transaction_->reader() : *reader_;
    LORA_ASSIGN(const std::shared_ptr<const PreparedQuery> prepared, database_->prepare(text, &reader, call.lane()));
    const LogicalPlan& plan = prepared->prepared->plan();
    if (plan.mode == LogicalPlan::Mode::kExplain) {
      LORA_ASSIGN(const std::shared_ptr<const LogicalPlan> exact, database_->compile_exact(text, reader));
      return cypher::explain_rows(*exact, reader);
    }
    LORA_TRY(cypher::check_parameters(plan, params, options));
    if (plan.writes && transaction_ == nullptr) return cypher::read_only_refusal();
    QueryResult result;
    result.columns = plan.columns;
    Status status = plan.writes ? run_write(*prepared, params, &control, call.lane(), &result)
                                : run(*prepared, params, &control, call.lane(), reader, &result);
    if (!status.ok()) return cypher::decorate(std::move(status), text, prepared->own_text);
    return result;
  }

  Status commit() {
    CallScope call(*database_, nullptr);
    LORA_TRY(call.status());
    Use use(*this);
    LORA_TRY(use.status());
    LORA_TRY(check_open());
    open_.store(false, std::memory_order_release);
    Status status;
    if (transaction_ != nullptr && transaction_->changed()) {
      status = contain([&] { return transaction_->commit().status(); });
    }
    release();
    return status;
  }

  bool open() const { return open_.load(std::memory_order_acquire) && !database_->forked(); }

 private:
  Status acquire(const QueryOptions& options, QueryControl* control) {
    if (mode_ == AccessMode::kReadOnly) {
      snapshot_ = database_->graph->snapshot();
      reader_ = snapshot_.reader();
    } else {
      if (database_->options.read_only) {
        return Status(
            ErrorCode::kReadOnly,
            "a read-write transaction needs a database that is not read-only; begin one with the mode `read_only`");
      }
      LORA_ASSIGN(transaction_, database_->begin_write("a transaction", options, control));
    }
    epoch_nanos_ = cypher::now_nanos();
    LORA_TRY(database_->add_session(this));
    registered_ = true;
    open_.store(true, std::memory_order_release);
    return Status();
  }

  // While a statement runs: stop() finds its control.
  struct Running {
    Running(TransactionSession* s, QueryControl* control) : session(s) {
      std::lock_guard lock(session->control_mutex_);
      session->control_ = control;
      if (session->end_asked_.load(std::memory_order_acquire)) control->request_stop(ErrorCode::kInterrupted);
    }
    ~Running() {
      std::lock_guard lock(session->control_mutex_);
      session->control_ = nullptr;
    }
    TransactionSession* session;
  };

  Status check_open() const {
    if (open_.load(std::memory_order_acquire)) return Status();
    LORA_TRY(database_->check_open());
    return {ErrorCode::kTransaction, "the transaction has ended; begin a new one"};
  }

  Status run(const PreparedQuery& prepared, const Params& params, QueryControl* control, size_t lane,
             graph::Reader& reader, QueryResult* result) {
    Loan execution(*prepared.prepared, lane);
    LORA_TRY(execution->open(
        cypher::make_context(*database_, prepared, params, control, &reader, transaction_.get(), epoch_nanos_)));
    uint64_t rows = 0;
    return cypher::drain(*execution, *control, result, &rows);
  }

  Status run_write(const PreparedQuery& prepared, const Params& params, QueryControl* control, size_t lane,
                   QueryResult* result) {
    Status status = contain([&]() -> Status {
      LORA_TRY(transaction_->begin_statement());
      LORA_TRY(run(prepared, params, control, lane, transaction_->reader(), result));
      return transaction_->finish_statement();
    });
    if (status.ok()) return status;
    const Status undone = contain([&] {
      transaction_->rollback_statement();
      return Status();
    });
    if (!undone.ok()) release();  // half a statement: the transaction cannot go on
    return status;
  }

  void release() override {
    open_.store(false, std::memory_order_release);
    if (transaction_ != nullptr) transaction_->rollback();
    transaction_.reset();
    reader_.reset();
    snapshot_ = graph::Snapshot();
  }

  void stop(ErrorCode why) override {
    std::lock_guard lock(control_mutex_);
    if (control_ != nullptr) control_->request_stop(why);
  }

  const AccessMode mode_;
  std::atomic<bool> open_{false};
  graph::Snapshot snapshot_;
  std::unique_ptr<graph::Reader> reader_;
  std::unique_ptr<graph::Transaction> transaction_;
  int64_t epoch_nanos_ = 0;
  std::mutex control_mutex_;
  QueryControl* control_ = nullptr;
};

struct Transaction::Impl {
  std::shared_ptr<TransactionSession> session;
};

Transaction::Transaction() = default;
Transaction::~Transaction() {
  if (impl_ != nullptr) impl_->session->end(ErrorCode::kInterrupted);
}
Result<QueryResult> Transaction::execute(std::string_view query, const Params& params, const QueryOptions& options) {
  return contain_call([&] { return impl_->session->execute(query, params, options); });
}
Status Transaction::commit() {
  return contain_call([&] { return impl_->session->commit(); });
}
Status Transaction::rollback() {
  impl_->session->end(ErrorCode::kInterrupted);
  return Status();
}
bool Transaction::open() const {
  return impl_->session->open();
}

Result<std::unique_ptr<Transaction>> Database::begin(AccessMode mode, const QueryOptions& options) {
  return contain_call([&]() -> Result<std::unique_ptr<Transaction>> {
    std::unique_ptr<Transaction> transaction(new Transaction());
    auto impl = std::make_unique<Transaction::Impl>();
    impl->session = std::make_shared<TransactionSession>(impl_, mode);
    LORA_TRY(impl->session->start(options));
    transaction->impl_ = std::move(impl);
    return transaction;
  });
}

Result<std::vector<QueryResult>> Database::transaction(std::span<const Statement> statements, AccessMode mode,
                                                       const QueryOptions& options) {
  return contain_call([&]() -> Result<std::vector<QueryResult>> {
    LORA_ASSIGN(const std::unique_ptr<Transaction> transaction, begin(mode, options));
    std::vector<QueryResult> results;
    results.reserve(statements.size());
    for (const Statement& statement : statements) {
      LORA_ASSIGN(QueryResult result, transaction->execute(statement.query, statement.params, options));
      results.push_back(std::move(result));
    }
    LORA_TRY(transaction->commit());
    return results;
  });
}

}  // namespace lora
