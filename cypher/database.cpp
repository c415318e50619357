// Opening, running single statements, plans, counts, closing. Transactions and streams have files of their own, and so
// have snapshot files.
#include "cypher/database.h"

#include <unistd.h>

#include <algorithm>

#include "cypher/database_impl.h"
#include "cypher/database_name.h"

namespace lora {

using cypher::Loan;
using cypher::LogicalPlan;
using cypher::PreparedQuery;

namespace {

constexpr uint64_t kGiB = 1ull << 30;

uint64_t memory_of_machine() {
  const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(size) : 4 * kGiB;
}

Status check_options(const DatabaseOptions& o, bool named) {
  if (!named) {
    if (o.read_only) return Status::config("`read_only` needs a database name; an in-memory database starts empty");
    if (o.recover) return Status::config("`on_corruption` needs a database name; an in-memory database has no files");
    if (o.database_dir != ".") {
      return Status::config("`database_dir` is `" + o.database_dir + "`, but there is no database name");
    }
    if (!o.create_if_missing) return Status::config("`create_if_missing=false` needs a database name");
  }
  if (o.sync == SyncLevel::kInterval && o.sync_interval_ms == 0) {
    return Status::config(
        "`sync_interval_ms` must be at least `1` with `sync=\"interval\"`; use `sync=\"commit\"` to sync each commit");
  }
  if (o.read_only && o.recover) {
    return Status::config("`read_only` and `on_corruption=\"recover\"` do not fit together; recovery changes files");
  }
  return Status();
}

graph::GraphOptions graph_options(const DatabaseOptions& o, const std::string& directory) {
  graph::GraphOptions g;
  g.store.directory = directory;
  g.store.create_if_missing = o.create_if_missing && !o.read_only;
  g.store.read_only = o.read_only;
  g.store.sync = o.sync;
  g.store.sync_interval_ms = o.sync_interval_ms;
  g.store.recover = o.recover;
  g.cache_bytes = o.cache_bytes;
  return g;
}

}  // namespace

Params make_params(std::vector<std::pair<std::string, Value>> entries) {
  if (entries.empty()) return Value();
  std::vector<MapEntry> map;
  map.reserve(entries.size());
  for (auto& [name, value] : entries) {
    Value key = Value::string(name);
    const auto same = std::find_if(map.begin(), map.end(),
                                   [&key](const MapEntry& e) { return e.first.as_string() == key.as_string(); });
    if (same != map.end()) {
      same->second = std::move(value);  // the last one counts
    } else {
      map.emplace_back(std::move(key), std::move(value));
    }
  }
  return Value::map(std::move(map));
}

Database::Database() = default;

namespace {

// Before an instruction is used that the processor does not have, which would end the process.
Status check_processor() {
#if defined(__x86_64__) && defined(__POPCNT__)
  if (!__builtin_cpu_supports("popcnt") || !__builtin_cpu_supports("sse4.2")) {
    return Status::config("this build is for processors with SSE4.2 and POPCNT (x86-64-v2); see `LORA_MARCH`");
  }
#endif
  return Status();
}

}  // namespace

// `path`: empty in memory.
Result<std::unique_ptr<Database>> Database::open_path(std::string path, const DatabaseOptions& options) {
  LORA_TRY(check_processor());
  std::unique_ptr<Database> db(new Database());
  db->impl_ = std::make_shared<Impl>(options);
  if (db->impl_->options.query_memory_bytes == 0) {
    db->impl_->options.query_memory_bytes = std::min(kGiB, memory_of_machine() / 4);
  }
  LORA_ASSIGN(db->impl_->graph, graph::Graph::open(graph_options(options, path)));
  db->impl_->path = std::move(path);
  return db;
}

Result<std::unique_ptr<Database>> Database::open(std::string_view name, const DatabaseOptions& options) {
  return contain_call([&]() -> Result<std::unique_ptr<Database>> {
    LORA_TRY(check_options(options, true));
    LORA_ASSIGN(std::string path, cypher::resolve_database_path(name, options.database_dir));
    return open_path(std::move(path), options);
  });
}

Result<std::unique_ptr<Database>> Database::in_memory(const DatabaseOptions& options) {
  return contain_call([&]() -> Result<std::unique_ptr<Database>> {
    LORA_TRY(check_options(options, false));
    return open_path({}, options);
  });
}

Database::~Database() {
  if (impl_ == nullptr) return;
  if (impl_->forked()) {
    // Files, locks and threads are the parent's: the child touches and frees nothing.
    new std::shared_ptr<Impl>(std::move(impl_));
    return;
  }
  if (impl_->graph != nullptr) (void)close();
}

// --- single statements ---

namespace {

// Runs a prepared statement in a transaction of its own.
Status run_write(DatabaseCore& db, std::string_view text, std::shared_ptr<const PreparedQuery>* query,
                 const Params& params, const QueryOptions& options, QueryControl* control, size_t lane, bool profiling,
                 QueryResult* result, uint64_t* rows, std::vector<OperatorMetrics>* metrics) {
  if (db.options.read_only) return cypher::read_only_refusal();
  std::vector<std::unique_ptr<graph::Transaction>> transactions;  // IN TRANSACTIONS: one after the other
  LORA_ASSIGN(std::unique_ptr<graph::Transaction> first, db.begin_write(text, options, control));
  transactions.push_back(std::move(first));
  if (transactions.back()->reader().schema_version() != (*query)->prepared->plan().schema_version) {
    LORA_ASSIGN(*query, db.prepare(text, &transactions.back()->reader(), lane));
  }
  LORA_TRY(transactions.back()->begin_statement());
  Loan execution(*(*query)->prepared, lane);
  if ((*query)->prepared->plan().in_transactions) {
    execution->set_commit_hook([&](cypher::EvalContext* context) -> Status {
      LORA_TRY(transactions.back()->finish_statement());
      LORA_TRY(transactions.back()->commit().status());
      LORA_ASSIGN(std::unique_ptr<graph::Transaction> next, db.begin_write(text, options, control));
      transactions.push_back(std::move(next));
      LORA_TRY(transactions.back()->begin_statement());
      context->transaction = transactions.back().get();
      context->reader = &transactions.back()->reader();
      return Status();
    });
  }
  LORA_TRY(execution->open(
      cypher::make_context(db, **query, params, control, &transactions.back()->reader(), transactions.back().get(), 0),
      profiling));
  LORA_TRY(cypher::drain(*execution, *control, result, rows));
  if (metrics != nullptr) {
    const auto counters = execution->counters();
    for (uint32_t i = 0; i < counters.size(); ++i) {
      metrics->push_back({i, counters[i].rows, counters[i].db_hits, counters[i].elapsed_ns, counters[i].next_calls});
    }
  }
  execution.give_back();
  graph::Transaction& last = *transactions.back();
  LORA_TRY(last.finish_statement());
  if (!last.changed()) {
    last.rollback();
    return Status();
  }
  LORA_TRY(last.commit().status());
  if ((*query)->prepared->plan().schema_command) return_memory();  // of entries that were sorted for an index
  return Status();
}

Status run_read(DatabaseCore& db, std::string_view text, std::shared_ptr<const PreparedQuery>* query,
                const Params& params, QueryControl* control, size_t lane, bool profiling, QueryResult* result,
                uint64_t* rows, std::vector<OperatorMetrics>* metrics) {
  const graph::Snapshot snapshot = db.graph->snapshot();
  graph::Reader reader = snapshot.read();
  if (reader.schema_version() != (*query)->prepared->plan().schema_version) {
    LORA_ASSIGN(*query, db.prepare(text, &reader, lane));
  }
  Loan execution(*(*query)->prepared, lane);
  LORA_TRY(execution->open(cypher::make_context(db, **query, params, control, &reader, nullptr, 0), profiling));
  LORA_TRY(cypher::drain(*execution, *control, result, rows));
  if (metrics != nullptr) {
    const auto counters = execution->counters();
    for (uint32_t i = 0; i < counters.size(); ++i) {
      metrics->push_back({i, counters[i].rows, counters[i].db_hits, counters[i].elapsed_ns, counters[i].next_calls});
    }
  }
  return Status();
}

Result<QueryResult> run_statement(DatabaseCore& db, std::string_view query, const Params& params,
                                  const QueryOptions& options) {
  QueryControl control;
  db.start_control(&control, options);
  CallScope call(db, &control);
  LORA_TRY(call.status());
  LORA_ASSIGN(std::shared_ptr<const PreparedQuery> prepared, db.prepare(query, nullptr, call.lane()));
  const LogicalPlan& plan = prepared->prepared->plan();
  if (plan.mode == LogicalPlan::Mode::kExplain) {
    const graph::Snapshot snapshot = db.graph->snapshot();
    const std::unique_ptr<graph::Reader> reader = snapshot.reader();
    LORA_ASSIGN(const std::shared_ptr<const LogicalPlan> exact, db.compile_exact(query, *reader));
    return cypher::explain_rows(*exact, *reader);
  }
  LORA_TRY(cypher::check_parameters(plan, params, options));
  QueryResult result;
  result.columns = plan.columns;
  uint64_t rows = 0;
  Status status =
      plan.writes
          ? run_write(db, query, &prepared, params, options, &control, call.lane(), false, &result, &rows, nullptr)
          : run_read(db, query, &prepared, params, &control, call.lane(), false, &result, &rows, nullptr);
  if (!status.ok()) return cypher::decorate(std::move(status), query, prepared->own_text);
  return result;
}

Result<Plan> explain_statement(DatabaseCore& db, std::string_view query, const Params& params) {
  CallScope call(db, nullptr);
  LORA_TRY(call.status());
  if (!params.is_null() && !params.is_map()) {
    return Status(ErrorCode::kInvalidParams, "the parameters must be a map of names to values");
  }
  const graph::Snapshot snapshot = db.graph->snapshot();
  const std::unique_ptr<graph::Reader> reader = snapshot.reader();
  LORA_ASSIGN(const std::shared_ptr<const LogicalPlan> plan, db.compile_exact(query, *reader));
  return cypher::describe(*plan, query, *reader);
}

Result<Profile> profile_statement(DatabaseCore& db, std::string_view query, const Params& params,
                                  const QueryOptions& options) {
  QueryControl control;
  db.start_control(&control, options);
  CallScope call(db, &control);
  LORA_TRY(call.status());
  Profile profile;
  auto prepared = std::make_shared<PreparedQuery>();
  {
    const graph::Snapshot snapshot = db.graph->snapshot();
    const std::unique_ptr<graph::Reader> reader = snapshot.reader();
    LORA_ASSIGN(std::shared_ptr<const LogicalPlan> plan, db.compile_exact(query, *reader));
    profile.plan = cypher::describe(*plan, query, *reader);
    prepared->prepared = std::make_shared<cypher::PreparedPlan>(std::move(plan));
  }
  const std::shared_ptr<cypher::PreparedPlan> planned = prepared->prepared;
  LORA_TRY(cypher::check_parameters(planned->plan(), params, options));
  std::shared_ptr<const PreparedQuery> running = prepared;
  const auto begin = std::chrono::steady_clock::now();
  Status status = planned->plan().writes ? run_write(db, query, &running, params, options, &control, call.lane(), true,
                                                     nullptr, &profile.total_rows, &profile.operators)
                                         : run_read(db, query, &running, params, &control, call.lane(), true, nullptr,
                                                    &profile.total_rows, &profile.operators);
  profile.total_elapsed_ns = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begin).count());
  if (!status.ok()) return cypher::decorate(std::move(status), query, true);
  if (running->prepared != planned) {
    // The schema changed in between: describe what ran.
    const graph::Snapshot snapshot = db.graph->snapshot();
    profile.plan = cypher::describe(running->prepared->plan(), query, *snapshot.reader());
  }
  profile.mutated = profile.plan.mutating;
  return profile;
}

}  // namespace

Result<QueryResult> Database::execute(std::string_view query, const Params& params, const QueryOptions& options) {
  return contain_call([&] { return run_statement(*impl_, query, params, options); });
}

Result<Plan> Database::explain(std::string_view query, const Params& params) {
  return contain_call([&] { return explain_statement(*impl_, query, params); });
}

Result<Profile> Database::profile(std::string_view query, const Params& params, const QueryOptions& options) {
  return contain_call([&] { return profile_statement(*impl_, query, params, options); });
}

namespace {

void write_short(const PlanNode& node, std::string* out) {
  *out += node.op;
  const bool shows_pattern =
      node.op.starts_with("Expand") || node.op.starts_with("VarLength") || node.op == "ShortestPath";
  if (shows_pattern) *out += "[" + node.details + "]";
  if (node.children.empty()) {
    if (!node.details.empty()) *out += "(" + node.details + ")";
    return;
  }
  *out += "(";
  for (size_t i = 0; i < node.children.size(); ++i) {
    if (i != 0) *out += ", ";
    write_short(node.children[i], out);
  }
  *out += ")";
}

}  // namespace

std::string Plan::short_form() const {
  std::string out;
  const PlanNode* top = &tree;
  if (top->op == "ProduceResults" && top->children.size() == 1) top = &top->children[0];
  write_short(*top, &out);
  return out;
}

// --- the rest of the handle ---

Status Database::clear(const QueryOptions& options) {
  return write_call(*impl_, options, [&](QueryControl& control) -> Status {
    LORA_ASSIGN(const std::unique_ptr<graph::Transaction> transaction,
                impl_->begin_write("clear()", options, &control));
    LORA_TRY(transaction->begin_statement());
    LORA_TRY(transaction->clear());
    LORA_TRY(transaction->finish_statement());
    return transaction->commit().status();
  });
}

namespace {

// A call that neither runs long nor waits: `body` gets the graph.
template <typename Body>
auto short_call(DatabaseCore& db, Body&& body) -> decltype(body(*db.graph)) {
  return contain_call([&]() -> decltype(body(*db.graph)) {
    CallScope call(db, nullptr);
    LORA_TRY(call.status());
    return body(*db.graph);
  });
}

}  // namespace

Result<uint64_t> Database::node_count() const {
  return short_call(*impl_, [](graph::Graph& g) -> Result<uint64_t> { return g.node_count(); });
}

Result<uint64_t> Database::relationship_count() const {
  return short_call(*impl_, [](graph::Graph& g) -> Result<uint64_t> { return g.relationship_count(); });
}

void Database::interrupt() {
  if (!impl_->forked()) impl_->stop_calls(ErrorCode::kInterrupted);
}

Status Database::sync() {
  return short_call(*impl_, [](graph::Graph& g) { return g.sync(); });
}

Status Database::checkpoint(bool compact) {
  return short_call(*impl_, [compact](graph::Graph& g) { return g.checkpoint(compact); });
}

Result<graph::VerifyReport> Database::verify(bool full) {
  return contain_call([&]() -> Result<graph::VerifyReport> {
    QueryControl control;
    CallScope call(*impl_, &control);
    LORA_TRY(call.status());
    return impl_->graph->verify(full, [&control] { return control.check(); });
  });
}

Result<graph::GraphStats> Database::stats() {
  return short_call(*impl_, [](graph::Graph& g) -> Result<graph::GraphStats> { return g.stats(); });
}

Database::CacheStats Database::plan_cache_stats() const {
  if (impl_->forked()) return {};
  return {impl_->cache.hits(), impl_->cache.misses(), impl_->cache.entries()};
}

// --- what the program registers ---

namespace {

// Plans made before a change are out of date; dropping them frees what only they still hold.
Status change_extensions(DatabaseCore& db, const std::function<Status(cypher::ExtensionSet& extensions)>& change) {
  return contain_call([&]() -> Status {
    CallScope call(db, nullptr);
    LORA_TRY(call.status());
    LORA_TRY(change(db.extensions));
    db.cache.clear();
    return Status();
  });
}

}  // namespace

Status Database::register_function(std::string_view signature, ScalarCallable callable,
                                   const CallableOptions& options) {
  return change_extensions(*impl_, [&](cypher::ExtensionSet& extensions) {
    return extensions.add_function(signature, std::move(callable), options);
  });
}

Status Database::register_procedure(std::string_view signature, ProcedureCallable callable,
                                    const CallableOptions& options) {
  return change_extensions(*impl_, [&](cypher::ExtensionSet& extensions) {
    return extensions.add_procedure(signature, std::move(callable), options);
  });
}

Status Database::register_procedure(std::string_view signature, const std::vector<std::string>& columns,
                                    std::vector<List> rows, const CallableOptions& options) {
  return change_extensions(*impl_, [&](cypher::ExtensionSet& extensions) {
    return extensions.add_procedure(signature, columns, std::move(rows), options);
  });
}

Status Database::unregister_function(std::string_view name) {
  return change_extensions(*impl_, [&](cypher::ExtensionSet& extensions) { return extensions.drop_function(name); });
}

Status Database::unregister_procedure(std::string_view name) {
  return change_extensions(*impl_, [&](cypher::ExtensionSet& extensions) { return extensions.drop_procedure(name); });
}

void Database::set_planner_switches(bool rules, bool cost_based, uint32_t rules_off) {
  if (impl_->forked()) return;
  impl_->plan_rules_off.store(rules ? rules_off : ~uint32_t{0});
  impl_->plan_by_cost.store(cost_based);
  impl_->cache.clear();
}

void Database::set_batch_rows_max(size_t rows) {
  impl_->batch_rows_max.store(std::clamp<size_t>(rows, 1, cypher::kBatchRowsMax));
  impl_->cache.clear();
}

const std::string& Database::path() const {
  return impl_->path;
}
bool Database::closed() const {
  return impl_->closed();
}
Status Database::close() {
  return contain_call([&] { return impl_->close(); });
}
graph::Graph& Database::graph() {
  return *impl_->graph;
}

}  // namespace lora
