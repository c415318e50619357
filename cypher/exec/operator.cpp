#include "cypher/exec/operator.h"

#include <algorithm>
#include <chrono>

#include "cypher/expr/operations.h"

namespace lora::cypher {

Operator::Operator(const BuildContext& build, const LogicalOp* op) : state_(*build.state), op_(op) {
  if (op != nullptr && op->live_known) {
    carried_ = op->live;
  } else {
    for (Slot s = 0; s < build.slot_count; ++s) more_carried_.push_back(s);
    carried_ = more_carried_;
  }
  if (!build.row_columns.empty()) {
    if (more_carried_.empty()) more_carried_.assign(carried_.begin(), carried_.end());
    more_carried_.insert(more_carried_.end(), build.row_columns.begin(), build.row_columns.end());
    carried_ = more_carried_;
  }
  for (Slot s : carried_) live_.add(s);
}

void Operator::compact(Batch* batch, const std::vector<uint32_t>& rows) const {
  if (rows.size() < batch->rows) {
    for (Slot slot = 0; slot < batch->columns.size(); ++slot) {
      Column& c = batch->columns[slot];
      if (c.kind == Column::Kind::kEmpty) continue;
      if (is_live(slot)) {
        c.gather(rows);
      } else {
        c.clear();
      }
    }
  }
  batch->rows = rows.size();
}

void Operator::begin_output(Batch* out) {
  if (out->columns.size() < state_.column_count) [[unlikely]] {
    out->columns.resize(state_.column_count);
  }
  out->clear();
}

void Operator::drop_kept(Batch* kept) {
  for (Column& c : kept->columns) c.trim();
  kept->rows = 0;
}

void Operator::carry(const Batch& in, const std::vector<uint32_t>& rows, Batch* out) {
  for (Slot slot : carried_) {
    const Column& from = in.columns[slot];
    Column& to = out->columns[slot];
    if (from.kind == Column::Kind::kEmpty && to.kind == Column::Kind::kEmpty) continue;
    if (&from == &to || to.size() > out->rows) continue;  // a column that this operator adds
    if (to.size() < out->rows) to.push_nulls(out->rows - to.size());
    if (from.kind == Column::Kind::kEmpty) {
      to.push_nulls(rows.size());
    } else {
      to.gather_from(from, rows);
    }
  }
}

void OperatorDelete::operator()(Operator* op) const {
  static thread_local Operator** waiting = nullptr;
  op->next_dead_ = waiting != nullptr ? *waiting : nullptr;
  if (waiting != nullptr) {
    *waiting = op;
    return;
  }
  Operator* dead = op;
  waiting = &dead;
  while (dead != nullptr) {
    Operator* next = dead;
    dead = next->next_dead_;
    delete next;
  }
  waiting = nullptr;
}

void ExecState::set_rows_bound(const Operator* maker, size_t rows, uint64_t bytes) {
  const uint64_t row_bytes = std::max<uint64_t>(1, bytes / std::max<size_t>(1, rows));
  const auto fit = static_cast<size_t>(std::clamp<uint64_t>(kBatchBytesWanted / row_bytes, 1, plan_rows_max));
  if (fit < batch_rows_max) {
    batch_rows_max = fit;
    rows_bound_by = maker;
  } else if (rows_bound_by == maker) {
    batch_rows_max = std::min(fit, batch_rows_max * 4);  // not at once: a batch of few rows says little
    if (batch_rows_max == plan_rows_max) rows_bound_by = nullptr;
  }
  checked = profiling || batch_rows_max < kBatchRowsMax;
}

Status Operator::next_checked(size_t rows_wanted, Batch** batch) {
  if (state_.evaluator.stack_low()) {
    return Status::limit("depth", "the plan has too many steps for the stack of this thread; split the query");
  }
  rows_wanted = std::min(rows_wanted, state_.batch_rows_max);
  if (!state_.profiling) return do_next(rows_wanted, batch);
  const uint64_t outer_ns = state_.nested_ns, outer_hits = state_.nested_hits;
  state_.nested_ns = 0;
  state_.nested_hits = 0;
  const uint64_t hits_before = state_.db_hits;
  const auto begin = std::chrono::steady_clock::now();
  Status s = do_next(rows_wanted, batch);
  const auto total_ns = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begin).count());
  const uint64_t total_hits = state_.db_hits - hits_before;
  if (op_ != nullptr && op_->id < state_.counters.size()) {
    OperatorCounters& counters = state_.counters[op_->id];
    counters.next_calls += 1;
    counters.elapsed_ns += total_ns - std::min(total_ns, state_.nested_ns);
    counters.db_hits += total_hits - std::min(total_hits, state_.nested_hits);
    if (s.ok() && *batch != nullptr) counters.rows += (*batch)->rows;
  }
  state_.nested_ns = outer_ns + total_ns;
  state_.nested_hits = outer_hits + total_hits;
  return s;
}

Status MultiplyingOperator::open() {
  in_ = nullptr;
  row_ = 0;
  parents_.clear();
  ended_ = false;
  LORA_TRY(input_->open());
  return begin();
}

void MultiplyingOperator::close() {
  in_ = nullptr;
  drop(&out_);
  input_->close();
}

Status MultiplyingOperator::do_next(size_t rows_wanted, Batch** batch) {
  *batch = nullptr;
  if (ended_) return Status();
  begin_output(&out_);
  state_.unpin();
  while (out_.rows < std::min(rows_wanted, state_.batch_rows_max)) {
    if (in_ == nullptr || row_ >= in_->rows) {
      LORA_TRY(input_->next(rows_wanted, &in_));
      if (in_ == nullptr) {
        ended_ = true;
        break;
      }
      row_ = 0;
      LORA_TRY(begin_batch());
    }
    LORA_TRY(state_.tick());
    parents_.clear();
    bare_rows_ = 0;
    LORA_TRY(produce(rows_wanted - out_.rows));
    out_.rows += bare_rows_;
    if (!parents_.empty()) {
      carry(*in_, parents_, &out_);
      out_.rows += parents_.size();
    }
  }
  LORA_TRY(state_.read_status());
  if (out_.rows > 0) *batch = &out_;
  return Status();
}

void truncate(Batch* batch, size_t rows) {
  if (rows >= batch->rows) return;
  for (Column& c : batch->columns) c.truncate(rows);
  batch->rows = rows;
}

Status evaluate_count(ExecState* state, const Expr& expr, std::string_view where, uint64_t* out) {
  Value v;
  LORA_TRY(state->evaluator.evaluate_constant(expr, &v));
  if (!v.is_integer()) {
    return Status::runtime(ErrorCode::kSemantic, "SyntaxError", "InvalidArgumentType",
                           std::string(where) + " needs a non-negative integer, got " + describe(v));
  }
  if (v.as_integer() < 0) {
    return Status::runtime(ErrorCode::kSemantic, "SyntaxError", "NegativeIntegerArgument",
                           std::string(where) + " needs a non-negative integer, got " + describe(v));
  }
  *out = static_cast<uint64_t>(v.as_integer());
  return Status();
}

Status evaluate_path_count(ExecState* state, const Expr* count, uint32_t k, uint32_t* out) {
  *out = k;
  if (count == nullptr) return Status();
  Value v;
  LORA_TRY(state->evaluator.evaluate_constant(*count, &v));
  if (!v.is_integer() || v.as_integer() < 1) {
    return Status::runtime(ErrorCode::kSemantic, "SyntaxError",
                           v.is_integer() ? "NegativeIntegerArgument" : "InvalidArgumentType",
                           "the number of paths is a positive integer, got " + describe(v));
  }
  *out = static_cast<uint32_t>(std::min<int64_t>(v.as_integer(), UINT32_MAX));
  return Status();
}

bool writes(const LogicalOp* op) {
  switch (op->kind) {
    case OpKind::kCreate:
    case OpKind::kMerge:
    case OpKind::kSetProperties:
    case OpKind::kRemove:
    case OpKind::kDelete:
    case OpKind::kSchemaCommand: return true;
    default: break;
  }
  return std::any_of(op->inputs.begin(), op->inputs.end(), [](const LogicalOp* input) { return writes(input); });
}

}  // namespace lora::cypher
