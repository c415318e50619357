// Right-hand sides run once per left row: Apply, SemiApply, FOREACH, CALL { }.
//
// Where every row of the right side comes from one row of its Argument, in order (is_row_wise), a whole batch of left
// rows runs through it at once; a hidden column says which left row a result belongs to.
#include <algorithm>
#include <numeric>

#include "cypher/exec/adjacency.h"
#include "cypher/exec/ask_size.h"
#include "cypher/exec/build.h"
#include "cypher/exec/execution.h"
#include "cypher/expr/operations.h"

namespace lora::cypher {

namespace {

class ApplyOperator : public Operator {
 public:
  ApplyOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr left, bool optional,
                std::span<const Slot> nulls)
      : Operator(build, op), left_(std::move(left)), optional_(optional), nulls_(nulls) {
    const LogicalOp* right = op->inputs[1];
    batched_ = is_row_wise(right);
    BuildContext inner = build;
    inner.argument = &source_;
    if (batched_) {
      row_column_ = static_cast<Slot>(build.state->column_count++);
      inner.row_columns.push_back(row_column_);
    }
    right_ = build_operator(inner, right);
  }

  Status open() override {
    in_ = nullptr;
    ended_ = false;
    running_ = false;
    return left_->open();
  }
  void close() override {
    in_ = nullptr;
    drop(&out_);
    right_->close();
    left_->close();
  }

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override {
    return batched_ ? next_batched(rows_wanted, batch) : next_by_row(rows_wanted, batch);
  }

 private:
  // --- a batch of left rows at a time ---

  Status next_batched(size_t rows_wanted, Batch** batch) {
    *batch = nullptr;
    for (;;) {
      if (in_ == nullptr) {
        if (ended_) return Status();
        LORA_TRY(left_->next(rows_wanted, &in_));
        if (in_ == nullptr) {
          ended_ = true;
          return Status();
        }
        number_rows();
        LORA_TRY(right_->open());
        next_row_ = 0;
      }
      Batch* result = nullptr;
      LORA_TRY(right_->next(rows_wanted, &result));
      if (result == nullptr) {
        Batch* left = in_;
        in_ = nullptr;
        if (!optional_ || next_row_ >= left->rows) continue;
        begin_output(&out_);
        for (; next_row_ < left->rows; ++next_row_) push_unmatched(*left, next_row_);
        *batch = &out_;
        return Status();
      }
      add_left_columns(result);
      *batch = optional_ ? with_unmatched(result) : result;
      return Status();
    }
  }

  void number_rows() {
    Column& numbers = (*in_)[row_column_];
    numbers.reset(Column::Kind::kIntegers);
    numbers.integers.resize(in_->rows);
    for (size_t i = 0; i < in_->rows; ++i) numbers.integers[i] = static_cast<int64_t>(i);
    source_ = {};
    source_.batch = in_;
    source_.whole = true;
    source_.row_column = row_column_;
  }

  // Columns of the left side that the right side has not carried.
  void add_left_columns(Batch* result) {
    bool have_rows = false;
    for (Slot slot : carried()) {
      Column& to = (*result)[slot];
      const Column& from = (*in_)[slot];
      if (to.kind != Column::Kind::kEmpty || from.kind == Column::Kind::kEmpty) continue;
      if (!have_rows) {
        rows_.clear();
        for (int64_t n : (*result)[row_column_].integers) rows_.push_back(static_cast<uint32_t>(n));
        have_rows = true;
      }
      to.gather_from(from, rows_);
    }
  }

  // Puts left rows without a match where they belong.
  Batch* with_unmatched(Batch* result) {
    const std::vector<int64_t>& numbers = (*result)[row_column_].integers;
    bool gap = false;
    size_t expected = next_row_;
    for (int64_t n : numbers) {
      const auto row = static_cast<size_t>(n);
      gap |= row > expected;
      expected = std::max(expected, row + 1);
    }
    if (!gap) {
      next_row_ = expected;
      return result;
    }
    begin_output(&out_);
    for (size_t i = 0; i < result->rows; ++i) {
      const auto row = static_cast<size_t>(numbers[i]);
      for (; next_row_ < row; ++next_row_) push_unmatched(*in_, next_row_);
      next_row_ = std::max(next_row_, row + 1);
      push_row(*result, i);
    }
    return &out_;
  }

  void push_row(const Batch& from, size_t row) {
    for (Slot slot : carried()) {
      const Column& c = from[slot];
      Column& to = out_[slot];
      if (c.kind == Column::Kind::kEmpty) {
        if (to.kind != Column::Kind::kEmpty) to.push_nulls(1);
        continue;
      }
      if (to.size() < out_.rows) to.push_nulls(out_.rows - to.size());
      to.push_from(c, row);
    }
    ++out_.rows;
  }

  void push_unmatched(const Batch& left, size_t row) {
    for (Slot slot : carried()) {
      const Column& c = left[slot];
      Column& to = out_[slot];
      const bool null = c.kind == Column::Kind::kEmpty || std::find(nulls_.begin(), nulls_.end(), slot) != nulls_.end();
      if (null) {
        if (to.kind != Column::Kind::kEmpty) to.push_nulls(1);
        continue;
      }
      if (to.size() < out_.rows) to.push_nulls(out_.rows - to.size());
      to.push_from(c, row);
    }
    for (Slot slot : nulls_) {
      // What nobody reads above is left empty: matched rows would not fill it.
      if (!is_live(slot)) continue;
      Column& to = out_[slot];
      if (to.size() <= out_.rows) to.push_nulls(out_.rows + 1 - to.size());
    }
    ++out_.rows;
  }

  // --- one left row at a time ---

  Status next_by_row(size_t rows_wanted, Batch** batch) {
    *batch = nullptr;
    begin_output(&out_);
    while (out_.rows < std::min(rows_wanted, state_.batch_rows_max)) {
      if (!running_) {
        if (ended_) break;
        if (in_ == nullptr || row_ >= in_->rows) {
          LORA_TRY(left_->next(rows_wanted, &in_));
          row_ = 0;
          if (in_ == nullptr) {
            ended_ = true;
            break;
          }
        }
        source_ = {};
        source_.batch = in_;
        source_.row = row_;
        LORA_TRY(right_->open());
        running_ = true;
        matched_ = false;
      }
      LORA_TRY(state_.tick());
      Batch* result = nullptr;
      LORA_TRY(right_->next(rows_wanted, &result));
      if (result == nullptr) {
        if (optional_ && !matched_) push_unmatched(*in_, row_);
        running_ = false;
        ++row_;
        continue;
      }
      matched_ = true;
      repeat_left_row(result);
      if (out_.rows == 0 && result->rows >= rows_wanted) {
        *batch = result;
        return Status();
      }
      append(*result);
    }
    if (out_.rows > 0) *batch = &out_;
    return Status();
  }

  void repeat_left_row(Batch* result) {
    bool have_rows = false;
    for (Slot slot : carried()) {
      Column& to = (*result)[slot];
      const Column& from = (*in_)[slot];
      if (to.kind != Column::Kind::kEmpty || from.kind == Column::Kind::kEmpty) continue;
      if (!have_rows) rows_.assign(result->rows, static_cast<uint32_t>(row_));
      have_rows = true;
      to.gather_from(from, rows_);
    }
  }

  void append(const Batch& result) {
    for (Slot slot : carried()) {
      const Column& c = result[slot];
      Column& to = out_[slot];
      if (c.kind == Column::Kind::kEmpty) {
        if (to.kind != Column::Kind::kEmpty) to.push_nulls(result.rows);
        continue;
      }
      if (to.size() < out_.rows) to.push_nulls(out_.rows - to.size());
      to.append(c);
    }
    out_.rows += result.rows;
  }

  OperatorPtr left_, right_;
  bool optional_;
  std::span<const Slot> nulls_;
  bool batched_;
  Slot row_column_ = kNoSlot;
  ArgumentSource source_;
  Batch* in_ = nullptr;
  Batch out_;
  std::vector<uint32_t> rows_;
  size_t next_row_ = 0;  // batched: the first left row not given yet
  size_t row_ = 0;       // by row
  bool running_ = false, matched_ = false, ended_ = false;
};

// How many operators on the way down multiply rows.
size_t multiplying(const LogicalOp* op) {
  size_t count = 0;
  for (; op != nullptr; op = op->inputs.empty() ? nullptr : op->inputs[0]) {
    switch (op->kind) {
      case OpKind::kArgument:
      case OpKind::kFilter:
      case OpKind::kProjection:
      case OpKind::kDegree: break;
      default: ++count; break;
    }
  }
  return count;
}

class SemiApplyOperator final : public Operator {
 public:
  SemiApplyOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr left)
      : Operator(build, op), left_(std::move(left)), anti_(static_cast<const SemiApply*>(op)->anti) {
    const LogicalOp* right = op->inputs[1];
    // Longer right sides are left at their first row, so they run row by row.
    batched_ = is_row_wise(right) && multiplying(right) <= 1;
    BuildContext inner = build;
    inner.argument = &source_;
    if (batched_) {
      row_column_ = static_cast<Slot>(build.state->column_count++);
      inner.row_columns.push_back(row_column_);
    }
    right_ = build_operator(inner, right);
  }

  Status open() override {
    ask_ = AskSize();
    return left_->open();
  }
  void close() override {
    right_->close();
    left_->close();
  }

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override {
    size_t ask = rows_wanted;
    for (;;) {
      LORA_TRY(left_->next(ask, batch));
      if (*batch == nullptr) return Status();
      Batch& in = **batch;
      seen_.assign(in.rows, 0);
      LORA_TRY(batched_ ? test_batch(in) : test_rows(in));
      rows_.clear();
      for (uint32_t row = 0; row < in.rows; ++row) {
        if ((seen_[row] != 0) != anti_) rows_.push_back(row);
      }
      if (!rows_.empty()) {
        compact(&in, rows_);
        return Status();
      }
      ask = std::min(ask * 4, kBatchRowsMax);
    }
  }

 private:
  Status test_batch(Batch& in) {
    Column& numbers = in[row_column_];
    numbers.reset(Column::Kind::kIntegers);
    numbers.integers.resize(in.rows);
    for (size_t i = 0; i < in.rows; ++i) numbers.integers[i] = static_cast<int64_t>(i);
    source_ = {};
    source_.batch = &in;
    source_.whole = true;
    source_.row_column = row_column_;
    source_.done = &seen_;
    LORA_TRY(right_->open());
    size_t left = in.rows;
    while (left > 0) {
      Batch* result = nullptr;
      LORA_TRY(right_->next(ask_.rows(left), &result));
      if (result == nullptr) break;
      size_t matched = 0;
      for (int64_t n : (*result)[row_column_].integers) {
        matched += seen_[static_cast<size_t>(n)] == 0 ? 1 : 0;
        seen_[static_cast<size_t>(n)] = 1;
      }
      left -= matched;
      ask_.answered(result->rows, matched);
    }
    numbers.clear();
    return Status();
  }

  Status test_rows(Batch& in) {
    for (size_t row = 0; row < in.rows; ++row) {
      if ((row & 63) == 0) LORA_TRY(state_.tick());
      source_ = {};
      source_.batch = &in;
      source_.row = row;
      LORA_TRY(right_->open());
      Batch* result = nullptr;
      LORA_TRY(right_->next(1, &result));
      seen_[row] = result != nullptr ? 1 : 0;
    }
    return Status();
  }

  OperatorPtr left_, right_;
  bool anti_;
  bool batched_;
  AskSize ask_;
  Slot row_column_ = kNoSlot;
  ArgumentSource source_;
  std::vector<uint8_t> seen_;
  std::vector<uint32_t> rows_;
};

// Has the node any relationship? The right side is one plain hop.
class DegreeSemiApplyOperator final : public Operator {
 public:
  DegreeSemiApplyOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr left)
      : Operator(build, op),
        left_(std::move(left)),
        anti_(static_cast<const SemiApply*>(op)->anti),
        hop_(*static_cast<const Expand*>(op->inputs[1])),
        types_(hop_.types) {}

  static bool fits(const LogicalOp* right) {
    if (right->kind != OpKind::kExpand || right->inputs.size() != 1) return false;
    const auto& hop = *static_cast<const Expand*>(right);
    return right->inputs[0]->kind == OpKind::kArgument && !hop.into && !hop.relationship_bound &&
           hop.to_label == nullptr && hop.differ_from.empty();
  }

  Status open() override {
    types_.forget();
    return left_->open();
  }
  void close() override { left_->close(); }

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override {
    size_t ask = rows_wanted;
    for (;;) {
      LORA_TRY(left_->next(ask, batch));
      if (*batch == nullptr) return Status();
      LORA_TRY(state_.tick());
      Batch& in = **batch;
      types_.refresh(state_.reader());
      rows_.clear();
      for (uint32_t row = 0; row < in.rows; ++row) {
        const Value boxed = in[hop_.from].kind == Column::Kind::kNodes ? Value() : in[hop_.from].get(row);
        const NodeId node(in[hop_.from].kind == Column::Kind::kNodes ? in[hop_.from].ids[row]
                          : boxed.is_node()                          ? boxed.node_id().value
                                                                     : kNoId);
        if ((node.value != kNoId && has_any(node)) != anti_) rows_.push_back(row);
      }
      LORA_TRY(state_.read_status());
      if (!rows_.empty()) {
        compact(&in, rows_);
        return Status();
      }
      ask = std::min(ask * 4, kBatchRowsMax);
    }
  }

 private:
  bool has_any(NodeId node) {
    graph::Reader& reader = state_.reader();
    for (size_t s = 0; s < side_count(hop_.direction); ++s) {
      const Direction direction = side(hop_.direction, s);
      for (RelTypeId type : types_.of(reader, node, direction)) {
        state_.count_hits(1);
        if (reader.degree(node, direction, type) > 0) return true;
      }
    }
    return false;
  }

  OperatorPtr left_;
  bool anti_;
  const Expand& hop_;
  TypeIds types_;
  std::vector<uint32_t> rows_;
};

// Runs a right-hand side to its end for its effects.
Status drain(Operator* op) {
  LORA_TRY(op->open());
  for (;;) {
    Batch* batch = nullptr;
    LORA_TRY(op->next(kBatchRowsMax, &batch));
    if (batch == nullptr) return Status();
  }
}

class ForeachOperator final : public Operator {
 public:
  ForeachOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr left)
      : Operator(build, op), left_(std::move(left)), foreach_(*static_cast<const Foreach*>(op)) {
    BuildContext inner = build;
    inner.argument = &source_;
    right_ = build_operator(inner, op->inputs[1]);
  }
  Status open() override { return left_->open(); }
  void close() override {
    drop(&row_batch_);
    right_->close();
    left_->close();
  }

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override {
    LORA_TRY(left_->next(rows_wanted, batch));
    if (*batch == nullptr) return Status();
    for (size_t row = 0; row < (*batch)->rows; ++row) LORA_TRY(run_row(**batch, row));
    return Status();
  }

 private:
  Status run_row(const Batch& in, size_t row) {
    Value list;
    LORA_TRY(state_.evaluator.evaluate_row(*foreach_.list, in, row, &list));
    if (list.is_null()) return Status();
    if (!list.is_list()) return type_error("InvalidArgumentType", "`FOREACH` needs a list, got " + describe(list));
    begin_output(&row_batch_);
    for (Slot slot = 0; slot < in.columns.size(); ++slot) {
      if (in[slot].kind != Column::Kind::kEmpty) row_batch_[slot].push_from(in[slot], row);
    }
    row_batch_.rows = 1;
    source_ = {};
    source_.batch = &row_batch_;
    for (const Value& element : list.as_list()) {
      LORA_TRY(state_.tick());
      Column& c = row_batch_[foreach_.element];
      c.clear();
      c.push(element);
      LORA_TRY(drain(right_.get()));
    }
    return Status();
  }

  OperatorPtr left_, right_;
  const Foreach& foreach_;
  ArgumentSource source_;
  Batch row_batch_;
};

// A subquery without result: left rows pass on once each.
class UnitSubqueryOperator final : public Operator {
 public:
  UnitSubqueryOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr left)
      : Operator(build, op), left_(std::move(left)), together_(static_cast<const CallSubquery*>(op)->rows_independent) {
    BuildContext inner = build;
    inner.argument = &source_;
    right_ = build_operator(inner, op->inputs[1]);
  }
  Status open() override { return left_->open(); }
  void close() override {
    right_->close();
    left_->close();
  }

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override {
    LORA_TRY(left_->next(rows_wanted, batch));
    if (*batch == nullptr) return Status();
    const size_t step = together_ ? (*batch)->rows : 1;
    for (size_t row = 0; row < (*batch)->rows; row += step) {
      LORA_TRY(state_.tick());
      source_ = {};
      source_.batch = *batch;
      source_.row = row;
      if (step > 1) source_.rows = step;
      LORA_TRY(drain(right_.get()));
    }
    return Status();
  }

 private:
  OperatorPtr left_, right_;
  const bool together_;
  ArgumentSource source_;
};

// CALL { } IN TRANSACTIONS: commits after every n left rows. A batch's results are given after its commit.
class TransactionsOperator final : public Operator {
 public:
  TransactionsOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr left)
      : Operator(build, op), left_(std::move(left)), call_(*static_cast<const CallSubquery*>(op)), charge_(&state_) {
    BuildContext inner = build;
    inner.argument = &source_;
    right_ = build_operator(inner, op->inputs[1]);
  }
  Status open() override {
    forget();
    batch_rows_ = 1000;
    if (call_.batch_rows != nullptr) {
      LORA_TRY(evaluate_count(&state_, *call_.batch_rows, "`OF n ROWS`", &batch_rows_));
      if (batch_rows_ == 0) {
        return Status::runtime(ErrorCode::kSemantic, "SyntaxError", "NegativeIntegerArgument",
                               "`OF n ROWS` needs a positive integer, got `0`");
      }
    }
    return left_->open();
  }
  void close() override {
    forget();
    drop(&out_);
    right_->close();
    left_->close();
  }

 protected:
  Status do_next(size_t, Batch** batch) override {
    *batch = nullptr;
    for (;;) {
      if (given_ < results_.size()) {
        *batch = &results_[given_++];
        return Status();
      }
      if (ended_) return Status();
      results_.clear();
      given_ = 0;
      charge_.clear();
      LORA_TRY(run_group());
    }
  }

 private:
  void forget() {
    results_.clear();
    given_ = 0;
    in_ = nullptr;
    row_ = 0;
    ended_ = false;
    charge_.clear();
  }

  Status run_group() {
    uint64_t rows = 0;
    while (rows < batch_rows_) {
      if (in_ == nullptr || row_ >= in_->rows) {
        LORA_TRY(left_->next(kBatchRowsMax, &in_));
        row_ = 0;
        if (in_ == nullptr) {
          ended_ = true;
          break;
        }
      }
      LORA_TRY(state_.tick());
      source_ = {};
      source_.batch = in_;
      source_.row = row_;
      size_t step = 1;
      if (call_.unit) {
        if (call_.rows_independent)
          step = static_cast<size_t>(std::min<uint64_t>(in_->rows - row_, batch_rows_ - rows));
        if (step > 1) source_.rows = step;
        LORA_TRY(drain(right_.get()));
        LORA_TRY(keep(nullptr, step));
      } else {
        LORA_TRY(right_->open());
        for (;;) {
          Batch* result = nullptr;
          LORA_TRY(right_->next(kBatchRowsMax, &result));
          if (result == nullptr) break;
          LORA_TRY(keep(result, result->rows));
        }
      }
      row_ += step;
      rows += step;
    }
    right_->close();
    return rows > 0 ? state_.execution->commit_and_continue() : Status();
  }

  // The `rows` results of one left row, or (null pointer) so many left rows from it on.
  Status keep(const Batch* result, size_t rows) {
    if (results_.empty() || results_.back().rows + rows > kBatchRowsMax) results_.emplace_back(state_.column_count);
    Batch& to = results_.back();
    uint64_t bytes = 0;
    rows_.assign(rows, static_cast<uint32_t>(row_));
    if (result == nullptr) std::iota(rows_.begin(), rows_.end(), static_cast<uint32_t>(row_));
    for (Slot slot : carried()) {
      const bool from_right = result != nullptr && (*result)[slot].kind != Column::Kind::kEmpty;
      const Column& from = from_right ? (*result)[slot] : (*in_)[slot];
      if (from.kind == Column::Kind::kEmpty && to[slot].kind == Column::Kind::kEmpty) continue;
      if (to[slot].size() < to.rows) to[slot].push_nulls(to.rows - to[slot].size());
      if (from.kind == Column::Kind::kEmpty) {
        to[slot].push_nulls(rows);
      } else if (from_right) {
        to[slot].append(from);
      } else {
        to[slot].gather_from(from, rows_);
      }
      bytes += rows * sizeof(Value);
    }
    to.rows += rows;
    return charge_.add(bytes);
  }

  OperatorPtr left_, right_;
  const CallSubquery& call_;
  ArgumentSource source_;
  Batch* in_ = nullptr;
  size_t row_ = 0;
  uint64_t batch_rows_ = 1000;
  std::vector<Batch> results_;
  size_t given_ = 0;
  std::vector<uint32_t> rows_;
  bool ended_ = false;
  MemoryCharge charge_;
  Batch out_;
};

// Does it keep cursors into the graph between calls? Then IN TRANSACTIONS must read it to its end before the first
// commit.
bool reads_graph(const LogicalOp* op) {
  switch (op->kind) {
    case OpKind::kArgument:
    case OpKind::kUnwind:
    case OpKind::kLoadCsv:
    case OpKind::kProjection:
    case OpKind::kFilter:
    case OpKind::kSort:
    case OpKind::kAggregate:
    case OpKind::kDistinct:
    case OpKind::kLimit:
    case OpKind::kSkip: break;
    default: return true;
  }
  return std::any_of(op->inputs.begin(), op->inputs.end(), [](const LogicalOp* input) { return reads_graph(input); });
}

}  // namespace

OperatorPtr make_apply(const BuildContext& build, const LogicalOp* op) {
  const auto& apply = *static_cast<const Apply*>(op);
  return std::make_unique<ApplyOperator>(build, op, build_operator(build, op->inputs[0]), apply.optional, apply.nulls);
}

OperatorPtr make_semi_apply(const BuildContext& build, const LogicalOp* op) {
  if (DegreeSemiApplyOperator::fits(op->inputs[1])) {
    return std::make_unique<DegreeSemiApplyOperator>(build, op, build_operator(build, op->inputs[0]));
  }
  return std::make_unique<SemiApplyOperator>(build, op, build_operator(build, op->inputs[0]));
}

OperatorPtr make_foreach(const BuildContext& build, const LogicalOp* op) {
  return std::make_unique<ForeachOperator>(build, op, build_operator(build, op->inputs[0]));
}

OperatorPtr make_call_subquery(const BuildContext& build, const LogicalOp* op) {
  const auto& call = *static_cast<const CallSubquery*>(op);
  OperatorPtr left = build_operator(build, op->inputs[0]);
  if (call.in_transactions) {
    if (reads_graph(op->inputs[0])) left = make_eager(build, nullptr, std::move(left));
    return std::make_unique<TransactionsOperator>(build, op, std::move(left));
  }
  if (call.unit) return std::make_unique<UnitSubqueryOperator>(build, op, std::move(left));
  return std::make_unique<ApplyOperator>(build, op, std::move(left), false, std::span<const Slot>());
}

}  // namespace lora::cypher
