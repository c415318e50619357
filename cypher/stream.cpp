// Streams: rows one batch at a time, from a pinned version or from a transaction that lasts as long as the stream.
#include "cypher/database_impl.h"

namespace lora {

using cypher::Loan;
using cypher::LogicalPlan;
using cypher::PreparedQuery;
using std::chrono::steady_clock;

class StreamSession final : public Session {
 public:
  StreamSession(std::shared_ptr<DatabaseCore> database, std::string_view text)
      : Session(std::move(database)), text_(text) {}
  ~StreamSession() override {
    if (database_->forked()) {
      (void)execution_.release();
      (void)transaction_.release();
      (void)reader_.release();
      new graph::Snapshot(std::move(snapshot_));
      return;
    }
    release();
  }

  Status start(const Params& params, const QueryOptions& options) {
    database_->start_control(&control_, options);
    const OuterControl outer(&control_);
    CallScope call(*database_, &control_);
    LORA_TRY(call.status());
    Status status = contain([&] { return acquire(params, options, call.lane()); });
    if (!status.ok()) release();  // while close() still waits for this call
    return status;
  }

  const std::vector<std::string>& columns() const { return columns_; }

  Status next(std::vector<Value>* values, size_t* rows) {
    *rows = 0;
    if (database_->forked()) return database_->check_open();
    CallScope call(*database_, &control_);
    Use use(*this);
    LORA_TRY(use.status());
    LORA_TRY(call.status());
    if (execution_ == nullptr) return Status();  // ended, closed or failed before
    const OuterControl outer(&control_);
    run_clock();
    const size_t before = values->size();
    Status status = contain([&] { return fetch(values, rows); });
    pause_clock();
    if (status.ok() && *rows > 0) return status;
    if (!status.ok()) {
      values->resize(before);
      *rows = 0;
    }
    release();
    return cypher::decorate(std::move(status), text_, prepared_->own_text);
  }

 private:
  Status acquire(const Params& params, const QueryOptions& options, size_t lane) {
    LORA_ASSIGN(prepared_, database_->prepare(text_, nullptr, lane));
    if (prepared_->prepared->plan().mode == LogicalPlan::Mode::kExplain) return start_explain(lane);
    LORA_TRY(cypher::check_parameters(prepared_->prepared->plan(), params, options));
    if (prepared_->prepared->plan().writes) {
      if (database_->options.read_only) return cypher::read_only_refusal();
      LORA_ASSIGN(transaction_, database_->begin_write(text_, options, &control_));
      LORA_TRY(transaction_->begin_statement());
    } else {
      snapshot_ = database_->graph->snapshot();
      reader_ = snapshot_.reader();
    }
    graph::Reader& reader = transaction_ != nullptr ? transaction_->reader() : *reader_;
    if (reader.schema_version() != prepared_->prepared->plan().schema_version) {
      LORA_ASSIGN(prepared_, database_->prepare(text_, &reader, lane));
    }
    columns_ = prepared_->prepared->plan().columns;
    execution_ = std::make_unique<Loan>(*prepared_->prepared, lane);
    Status opened =
        (*execution_)
            ->open(cypher::make_context(*database_, *prepared_, params, &control_, &reader, transaction_.get(), 0));
    if (!opened.ok()) return cypher::decorate(std::move(opened), text_, prepared_->own_text);
    pause_clock();
    LORA_TRY(database_->add_session(this));
    registered_ = true;
    return Status();
  }

  Status start_explain(size_t lane) {
    const graph::Snapshot snapshot = database_->graph->snapshot();
    const std::unique_ptr<graph::Reader> reader = snapshot.reader();
    LORA_ASSIGN(const std::shared_ptr<const LogicalPlan> exact, database_->compile_exact(text_, *reader));
    QueryResult lines = cypher::explain_rows(*exact, *reader);
    // The lines are a constant: a stream over them is a stream over an unwound list.
    std::vector<Value> list;
    for (size_t r = 0; r < lines.row_count; ++r) {
      std::vector<MapEntry> row;
      for (size_t c = 0; c < lines.columns.size(); ++c)
        row.emplace_back(Value::string(lines.columns[c]), lines.at(r, c));
      list.push_back(Value::map(std::move(row)));
    }
    text_ =
        "UNWIND $lines AS l RETURN l.operator AS operator, l.details AS details, l.estimated_rows AS estimated_rows, "
        "l.id AS id";
    LORA_ASSIGN(prepared_, database_->prepare(text_, nullptr, lane));
    snapshot_ = database_->graph->snapshot();
    reader_ = snapshot_.reader();
    columns_ = prepared_->prepared->plan().columns;
    execution_ = std::make_unique<Loan>(*prepared_->prepared, lane);
    LORA_TRY(
        (*execution_)
            ->open(cypher::make_context(*database_, *prepared_, make_params({{"lines", Value::list(std::move(list))}}),
                                        &control_, reader_.get(), nullptr, 0)));
    LORA_TRY(database_->add_session(this));
    registered_ = true;
    return Status();
  }

  // At the end of a writing stream: the commit.
  Status fetch(std::vector<Value>* values, size_t* rows) {
    cypher::Execution& execution = **execution_;
    cypher::Batch* batch = nullptr;
    LORA_TRY(execution.next(&batch));
    if (batch != nullptr) {
      const uint64_t held = control_.memory_bytes();
      LORA_TRY(cypher::append_rows(*batch, execution.output_slots(), *execution.context().reader, control_, values));
      control_.release(control_.memory_bytes() - held);  // the caller's from now on
      *rows = batch->rows;
      return Status();
    }
    execution_.reset();
    if (transaction_ == nullptr) return Status();
    LORA_TRY(transaction_->finish_statement());
    return transaction_->changed() ? transaction_->commit().status() : Status();
  }

  // The timeout counts the time the stream works, not the time its reader takes.
  void run_clock() {
    if (left_) control_.deadline = steady_clock::now() + *left_;
  }
  void pause_clock() {
    if (!control_.deadline) return;
    left_ = *control_.deadline - steady_clock::now();
    control_.deadline.reset();
  }

  void release() override {
    execution_.reset();
    if (transaction_ != nullptr) transaction_->rollback();
    transaction_.reset();
    reader_.reset();
    snapshot_ = graph::Snapshot();
  }

  void stop(ErrorCode why) override { control_.request_stop(why); }

  std::string text_;
  QueryControl control_;
  std::optional<steady_clock::duration> left_;
  std::shared_ptr<const PreparedQuery> prepared_;
  std::vector<std::string> columns_;
  graph::Snapshot snapshot_;
  std::unique_ptr<graph::Reader> reader_;
  std::unique_ptr<graph::Transaction> transaction_;
  std::unique_ptr<Loan> execution_;
};

struct QueryStream::Impl {
  std::shared_ptr<StreamSession> session;
};

QueryStream::QueryStream() = default;
QueryStream::~QueryStream() {
  if (impl_ != nullptr) close();
}
const std::vector<std::string>& QueryStream::columns() const {
  return impl_->session->columns();
}
Status QueryStream::next(std::vector<Value>* values, size_t* rows) {
  return contain_call([&] { return impl_->session->next(values, rows); });
}
void QueryStream::close() {
  impl_->session->end(ErrorCode::kInterrupted);
}

Result<std::unique_ptr<QueryStream>> Database::stream(std::string_view query, const Params& params,
                                                      const QueryOptions& options) {
  return contain_call([&]() -> Result<std::unique_ptr<QueryStream>> {
    std::unique_ptr<QueryStream> stream(new QueryStream());
    auto impl = std::make_unique<QueryStream::Impl>();
    impl->session = std::make_shared<StreamSession>(impl_, query);
    LORA_TRY(impl->session->start(params, options));
    stream->impl_ = std::move(impl);
    return stream;
  });
}

}  // namespace lora
