// From a query text to a plan (through the cache), and from a plan to rows.
#include <algorithm>
#include <ctime>

#include "cypher/bind/binder.h"
#include "cypher/bind/scope.h"
#include "cypher/database_impl.h"
#include "cypher/plan/explain.h"
#include "cypher/plan/planner.h"
#include "cypher/syntax/error_text.h"
#include "cypher/syntax/normalize.h"
#include "cypher/syntax/parser.h"
#include "graph/text.h"

namespace lora {

using namespace std::chrono;
using cypher::LogicalPlan;
using cypher::PreparedPlan;
using cypher::PreparedQuery;

namespace {

// Parses nothing: binds and plans a syntax tree for what `reader` sees.
Result<std::shared_ptr<const LogicalPlan>> plan_query(const cypher::Query& query, const DatabaseCore& db,
                                                      graph::Reader& reader, uint64_t statistics_epoch) {
  auto plan = std::make_shared<LogicalPlan>();
  plan->batch_rows_max = db.batch_rows_max.load(std::memory_order_relaxed);
  cypher::BindOptions bind_options;
  bind_options.arena = &plan->arena;
  bind_options.procedures = &db.extensions;
  bind_options.functions = &db.extensions;
  // Before any lookup: a change from here on makes the plan out of date.
  plan->extensions_version = db.extensions.version();
  LORA_ASSIGN(std::unique_ptr<cypher::BoundStatement> bound, cypher::bind(query, bind_options));
  cypher::PlannerInput input;
  input.reader = &reader;
  input.statistics_epoch = statistics_epoch;
  input.rules_off = db.plan_rules_off.load(std::memory_order_relaxed);
  input.cost_based = db.plan_by_cost.load(std::memory_order_relaxed);
  return cypher::make_plan(std::move(*bound), std::move(plan), input);
}

}  // namespace

Result<std::shared_ptr<const PreparedQuery>> DatabaseCore::prepare(std::string_view text, graph::Reader* reader,
                                                                   size_t lane) {
  const uint64_t committed = graph->schema_version();
  const uint64_t wanted = reader != nullptr ? reader->schema_version() : committed;
  if (auto found = cache.find_text(text, {wanted, graph->statistics_epoch(), extensions.version()}, lane)) {
    return found;
  }
  if (reader != nullptr) return compile(text, *reader, wanted == committed, lane);
  const graph::Snapshot snapshot = graph->snapshot();
  const std::unique_ptr<graph::Reader> own = snapshot.reader();
  return compile(text, *own, true, lane);
}

void DatabaseCore::keep_text(std::string_view text, const std::shared_ptr<const PreparedQuery>& query) {
  cache.put_text(text, query);
  // A plan with a row that was dropped meanwhile must not keep it alive until somebody asks for this text again.
  if (query->prepared->plan().extensions_version != extensions.version()) cache.clear();
}

Result<std::shared_ptr<const PreparedQuery>> DatabaseCore::compile(std::string_view text, graph::Reader& reader,
                                                                   bool cacheable, size_t lane) {
  const uint64_t epoch = graph->statistics_epoch();
  cypher::Normalized normalized = cypher::normalize(text);
  if (cacheable) {
    if (auto prepared = cache.find_key(normalized.key)) {
      const cypher::PlanVersions wanted{reader.schema_version(), epoch, extensions.version()};
      if (wanted.fit(prepared->plan())) {
        auto query = std::make_shared<PreparedQuery>();
        query->prepared = std::move(prepared);
        query->literals = std::move(normalized.values);
        query->own_text = false;
        keep_text(text, query);
        cache.count_hit(lane);
        return std::shared_ptr<const PreparedQuery>(std::move(query));
      }
    }
  }
  cache.count_miss(lane);
  auto parsed = cypher::parse(text, normalized);
  if (!parsed.ok()) return cypher::decorate(parsed.status(), text, true);
  auto plan = plan_query(*parsed, *this, reader, epoch);
  if (!plan.ok() && !normalized.values.empty()) {
    // Of literals that were taken out nobody knows whether they are equal, so an expression may not be seen to repeat
    // another one. What is refused is looked at as it is written, for this text alone.
    normalized.values.clear();
    parsed = cypher::parse(text);
    if (!parsed.ok()) return cypher::decorate(parsed.status(), text, true);
    parsed->key_is_exact = false;
    plan = plan_query(*parsed, *this, reader, epoch);
  }
  if (!plan.ok()) return cypher::decorate(plan.status(), text, true);
  auto query = std::make_shared<PreparedQuery>();
  query->prepared = std::make_shared<PreparedPlan>(std::move(plan).value(), cache.idle_executions());
  query->literals = std::move(normalized.values);
  if (cacheable) {
    if (parsed->key_is_exact) cache.put_key(normalized.key, query->prepared);
    keep_text(text, query);
  }
  return std::shared_ptr<const PreparedQuery>(std::move(query));
}

Result<std::shared_ptr<const LogicalPlan>> DatabaseCore::compile_exact(std::string_view text, graph::Reader& reader) {
  auto parsed = cypher::parse(text);
  if (!parsed.ok()) return cypher::decorate(parsed.status(), text, true);
  auto plan = plan_query(*parsed, *this, reader, graph->statistics_epoch());
  if (!plan.ok()) return cypher::decorate(plan.status(), text, true);
  return plan;
}

void DatabaseCore::start_control(QueryControl* control, const QueryOptions& query) const {
  std::optional<milliseconds> timeout = query.timeout;
  if (options.query_timeout_ms != 0) {
    // Beyond a century the clock would overflow: no timeout.
    const milliseconds general(std::min<uint64_t>(options.query_timeout_ms, 100ull * 365 * 86'400'000));
    timeout = timeout ? std::min(*timeout, general) : general;
  }
  if (timeout && *timeout < hours(24 * 365 * 100)) control->deadline = steady_clock::now() + *timeout;
  control->memory_bytes_max = options.query_memory_bytes;
  control->cancel = query.cancel;
  control->outer = cypher::CallableScope::control_around();
  if (query.poll) control->poll = query.poll;
}

steady_clock::time_point DatabaseCore::writer_deadline(const QueryOptions& query) const {
  milliseconds wait(options.busy_timeout_ms);
  if (query.timeout) wait = std::min(wait, *query.timeout);
  return steady_clock::now() + wait;
}

Status DatabaseCore::check_may_write() const {
  if (!cypher::CallableScope::inside(extensions)) return Status();
  return {ErrorCode::kTransaction,
          "a registered function or procedure cannot write to the database whose statement called it; return rows, and "
          "let the statement write them"};
}

Result<std::unique_ptr<graph::Transaction>> DatabaseCore::begin_write(std::string_view what, const QueryOptions& query,
                                                                      QueryControl* control) {
  LORA_TRY(check_may_write());
  const uint64_t token = query.owner_token != 0 ? query.owner_token : this_thread_token();
  // Running out of time here is a matter of who holds the writer, which the lock's own error names.
  const std::function<Status()> poll = [control] {
    Status status = control->check();
    return status.code() == ErrorCode::kTimeout ? Status() : status;
  };
  steady_clock::time_point deadline = writer_deadline(query);
  if (control->deadline) deadline = std::min(deadline, *control->deadline);
  return graph->begin_write(deadline, what.substr(0, 120), token, poll);
}

namespace cypher {

int64_t now_nanos() {
  timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return static_cast<int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

Status read_only_refusal() {
  return {ErrorCode::kReadOnly, "the statement changes the graph, but the database or transaction is read-only"};
}

namespace {
// Of a thread's own number and count: threads count in no common place.
uint64_t random_seed(int64_t now) {
  static constinit thread_local uint64_t count = 0;
  uint64_t z = static_cast<uint64_t>(now) + 0x9e3779b97f4a7c15ull * (++count + (this_thread_token() << 40));
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}
}  // namespace

EvalContext make_context(const DatabaseCore& database, const PreparedQuery& query, const Params& params,
                         QueryControl* control, graph::Reader* reader, graph::Transaction* transaction,
                         int64_t transaction_epoch_nanos) {
  EvalContext context;
  context.control = control;
  context.reader = reader;
  context.transaction = transaction;
  context.params = params;
  context.literals = query.literals;
  // To read the clock is a fiftieth of a small query.
  if (query.prepared->plan().calls) {
    context.statement_epoch_nanos = now_nanos();
    context.random_state = random_seed(context.statement_epoch_nanos);
  }
  context.transaction_epoch_nanos =
      transaction_epoch_nanos != 0 ? transaction_epoch_nanos : context.statement_epoch_nanos;
  context.import_dir = database.options.import_dir;
  context.extensions = &database.extensions;
  return context;
}

namespace {

// What the caller gave instead of the parameter `name`.
std::string given_hint(const std::string& name, const Params& params) {
  if (params.is_null() || params.as_map().size() == 0) return "; none were given";
  if (params.map_find("$" + name) != nullptr) return "; names of parameters are given without the `$`";
  std::vector<std::string_view> given;
  for (const auto& [key, value] : params.as_map()) given.push_back(key.as_string());
  return nearest_hint(name, given);
}

}  // namespace

namespace {

// Texts in lists and maps count; nothing is recursive, since values nest deeply.
bool all_utf8(const Value& value) {
  std::vector<const Value*> left{&value};
  while (!left.empty()) {
    const Value& v = *left.back();
    left.pop_back();
    if (v.is_string()) {
      if (!is_utf8(v.as_string())) return false;
    } else if (v.is_list()) {
      for (const Value& item : v.as_list()) {
        if (!item.is_number() && !item.is_boolean() && !item.is_null()) left.push_back(&item);
      }
    } else if (v.is_map()) {
      for (const auto& [key, item] : v.as_map()) {
        if (!is_utf8(key.as_string())) return false;
        if (!item.is_number() && !item.is_boolean() && !item.is_null()) left.push_back(&item);
      }
    }
  }
  return true;
}

}  // namespace

Status check_parameters(const LogicalPlan& plan, const Params& params, const QueryOptions& options) {
  if (!params.is_null() && !params.is_map()) {
    return {ErrorCode::kInvalidParams, "the parameters must be a map of names to values"};
  }
  if (!options.params_are_utf8 && !params.is_null()) {
    for (const auto& [name, value] : params.as_map()) {
      if (!all_utf8(value)) {
        return {ErrorCode::kInvalidParams,
                "the parameter `$" + std::string(name.as_string()) + "` holds a string that is not UTF-8"};
      }
    }
  }
  for (const std::string& name : plan.parameters) {
    if (params.is_null() || params.map_find(name) == nullptr) {
      return Status::compile_time(ErrorCode::kParameterMissing, "ParameterMissing", "MissingParameter",
                                  "the parameter `$" + name + "` is missing" + given_hint(name, params));
    }
  }
  return Status();
}

Status decorate(Status status, std::string_view text, bool own_text) {
  if (status.ok()) return status;
  if (!own_text && status.info().offset >= 0) status.mutable_info().offset = -1;
  return add_error_context(std::move(status), text);
}

namespace {

bool must_hydrate(const Value& v) {
  return v.is_node() || v.is_relationship() || v.is_path() || v.is_list() || v.is_map();
}

}  // namespace

Status append_rows(const Batch& batch, std::span<const Slot> slots, graph::Reader& reader, QueryControl& control,
                   std::vector<Value>* values) {
  const size_t width = slots.size(), rows = batch.rows, base = values->size();
  values->resize(base + width * rows);
  uint64_t heap = width * rows * sizeof(Value);
  Value* out = values->data() + base;
  for (size_t c = 0; c < width; ++c) {
    const Column& column = batch[slots[c]];
    if (column.kind == Column::Kind::kStrings) {
      for (size_t r = 0; r < rows; ++r) {
        out[r * width + c] = column.get(r);
        if (column.texts.entries[r].length > Value::kInlineStringMax) heap += out[r * width + c].heap_bytes();
      }
      continue;
    }
    for (size_t r = 0; r < rows; ++r) {
      Value& place = out[r * width + c];
      if (column.kind == Column::Kind::kValues) {
        place = column.values[r];
      } else {
        place = column.get(r);
      }
      if (must_hydrate(place)) place = reader.hydrate(place);
      if (!place.is_null() && !place.is_number() && !place.is_boolean()) heap += place.heap_bytes();
    }
  }
  LORA_TRY(control.charge(heap));
  return reader.status();
}

Status drain(Execution& execution, QueryControl& control, QueryResult* result, uint64_t* rows) {
  for (;;) {
    Batch* batch = nullptr;
    LORA_TRY(execution.next(&batch));
    if (batch == nullptr) return Status();
    *rows += batch->rows;
    if (result == nullptr) continue;
    LORA_TRY(append_rows(*batch, execution.output_slots(), *execution.context().reader, control, &result->values));
    result->row_count += batch->rows;
  }
}

namespace {

PlanNode to_node(const ExplainedOp& op) {
  PlanNode node;
  node.id = op.id;
  node.op = op.name;
  node.details = op.details;
  node.estimated_rows = op.estimated_rows;
  for (const ExplainedOp& child : op.children) node.children.push_back(to_node(child));
  return node;
}

void list_rows(const ExplainedOp& op, size_t depth, QueryResult* out) {
  out->values.push_back(Value::string(std::string(depth * 2, ' ') + op.name));
  out->values.push_back(Value::string(op.details));
  out->values.push_back(Value::floating(op.estimated_rows));
  out->values.push_back(Value::integer(op.id));
  ++out->row_count;
  for (const ExplainedOp& child : op.children) list_rows(child, depth + 1, out);
}

}  // namespace

QueryResult explain_rows(const LogicalPlan& plan, const graph::Reader& reader) {
  QueryResult result;
  result.columns = {"operator", "details", "estimated_rows", "id"};
  list_rows(explain(plan, reader), 0, &result);
  return result;
}

Plan describe(const LogicalPlan& plan, std::string_view text, const graph::Reader& reader) {
  Plan out;
  out.query.assign(text);
  out.mutating = plan.writes;
  out.result_columns = plan.columns;
  out.tree = to_node(explain(plan, reader));
  return out;
}

}  // namespace cypher
}  // namespace lora
