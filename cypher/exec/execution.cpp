#include "cypher/exec/execution.h"

#include <optional>
#include <utility>

#include "cypher/exec/adjacency.h"
#include "cypher/exec/ask_size.h"
#include "cypher/exec/build.h"
#include "cypher/plan/op_traits.h"
#include "cypher/syntax/stack_guard.h"

namespace lora::cypher {

namespace {

// The chain of inputs may not be deeper than the recursion of open(), close() and the rest is good for.
constexpr size_t kDepthMax = 4'000;
constexpr size_t kStepFrameBytes = 256;
constexpr size_t kBuildFrameBytes = 1'100;

Status depth_error() {
  return Status::limit(
      "depth", "the query has more than `" + std::to_string(kDepthMax) + "` steps one after the other; split it");
}

Status stack_error() {
  return Status::limit("depth", "the plan has too many steps for the stack of this thread; split the query");
}

// The top: result columns are never empty; a statement without columns runs to its end at once.
class ProduceResultsOperator final : public Operator {
 public:
  ProduceResultsOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : Operator(build, op), input_(std::move(input)), produce_(*static_cast<const ProduceResults*>(op)) {}
  Status open() override { return input_->open(); }
  void close() override { input_->close(); }

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override {
    if (produce_.slots.empty()) {
      do {
        LORA_TRY(input_->next(kBatchRowsMax, batch));
      } while (*batch != nullptr);
      return Status();
    }
    LORA_TRY(input_->next(rows_wanted, batch));
    if (*batch == nullptr) return Status();
    for (Slot slot : produce_.slots) {
      Column& c = (**batch)[slot];
      if (c.kind == Column::Kind::kEmpty) c.push_nulls((*batch)->rows);
    }
    return Status();
  }

 private:
  OperatorPtr input_;
  const ProduceResults& produce_;
};

}  // namespace

OperatorPtr make_produce_results(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<ProduceResultsOperator>(build, op, std::move(input));
}

// A subquery of an expression: its operators, and the rows they start from. Twice where possible: for one row, which
// may end at its first result, and for whole batches.
struct Execution::Subplan {
  ArgumentSource source, batch_source;
  OperatorPtr root, batch_root;
  Slot row_column = kNoSlot;
  const Expand* hop = nullptr;  // the whole subplan is this one plain hop
  // Nothing of the outer row is in it, and no row can change what it finds: it is run once.
  bool same_for_all = false;
  std::optional<Value> answer;
  MemoryCharge answer_charge;
  std::vector<uint8_t> seen;
  AskSize ask;  // of the batches, for EXISTS
  std::vector<List> lists;

  explicit Subplan(ExecState* state) : answer_charge(state) {}
  void close() {
    answer.reset();
    answer_charge.clear();
    if (root != nullptr) root->close();
    if (batch_root != nullptr) batch_root->close();
    source = {};
    batch_source = {};
    lists.clear();
  }
};

Execution::Execution(std::shared_ptr<const LogicalPlan> plan) : plan_(std::move(plan)) {
  state_.execution = this;
  state_.column_count = plan_->slot_count;
}

// The first time it is opened, on a thread whose stack is large enough for the recursion.
void Execution::build() {
  BuildContext build;
  build.state = &state_;
  build.slot_count = plan_->slot_count;
  root_ = build_operator(build, plan_->root);
  if (plan_->has_subplans) build_subplans();
  if (plan_->root->kind == OpKind::kProduceResults) {
    output_ = static_cast<const ProduceResults*>(plan_->root)->slots;
  }
}

Execution::~Execution() {
  close();
}

Status Execution::open(const EvalContext& context, bool profiling) {
  if (plan_->depth > kDepthMax) return depth_error();
  if (plan_->depth > levels_left(root_ == nullptr ? kBuildFrameBytes : kStepFrameBytes)) return stack_error();
  if (root_ == nullptr) build();
  if (open_) close();
  state_.context = context;
  state_.context.subqueries = this;
  state_.evaluator.enter_thread();
  state_.profiling = profiling;
  state_.batch_rows_max = state_.plan_rows_max = plan_->batch_rows_max;
  state_.rows_bound_by = nullptr;
  state_.checked = profiling || state_.batch_rows_max < kBatchRowsMax;
  state_.pins = 0;
  if (profiling) {
    state_.counters.assign(plan_->op_count, {});
    state_.db_hits = state_.nested_hits = state_.nested_ns = 0;
  } else {
    state_.counters.clear();
  }
  open_ = true;
  ended_ = false;
  rows_wanted_ = 1;
  return root_->open();
}

Status Execution::next(Batch** batch) {
  const size_t rows = rows_wanted_;
  rows_wanted_ = std::min(rows * 4, kBatchRowsMax);
  return next(rows, batch);
}

Status Execution::next(size_t rows_wanted, Batch** batch) {
  *batch = nullptr;
  if (!open_ || ended_) return Status();
  state_.evaluator.enter_thread();
  state_.unpin();
  LORA_TRY(state_.tick());
  const Status status = root_->next(std::clamp<size_t>(rows_wanted, 1, kBatchRowsMax), batch);
  if (state_.context.reader != nullptr) state_.context.reader->rest();
  LORA_TRY(status);
  if (*batch == nullptr) ended_ = true;
  return state_.read_status();
}

void Execution::close() {
  if (!open_) return;
  open_ = false;
  root_->close();
  for (auto& [expr, subplan] : subplans_) {
    subplan->close();
  }
  state_.evaluator.reset();
  if (state_.context.reader != nullptr) {
    state_.context.reader->unpin_batch();
    state_.context.reader->rest();
  }
  state_.context = {};
}

Status Execution::commit_and_continue() {
  if (!commit_hook_) {
    return Status(ErrorCode::kTransaction,
                  "`CALL { } IN TRANSACTIONS` commits by itself, so it cannot run inside a transaction or a stream");
  }
  return commit_hook_(&state_.context);
}

namespace {

// The hop of a subplan that is nothing but one, from its Argument, whose results can be counted by the degree. Rows are
// only counted, so projections on the way do not matter.
const Expand* plain_hop(const LogicalOp* op) {
  while (op->kind == OpKind::kProjection && op->inputs.size() == 1) op = op->inputs[0];
  if (op->kind != OpKind::kExpand || op->inputs.size() != 1 || op->inputs[0]->kind != OpKind::kArgument) return nullptr;
  const auto* hop = static_cast<const Expand*>(op);
  const bool plain = !hop->into && !hop->relationship_bound && hop->to_label == nullptr && hop->differ_from.empty();
  return plain ? hop : nullptr;
}

}  // namespace

namespace {

// Whether the subquery gives every row the same answer. A procedure may do anything.
bool gives_one_answer(const Expr& expr, const LogicalOp* whole_plan) {
  if (!expr.children.empty() || writes(whole_plan) || !is_deterministic(&expr)) return false;
  bool calls = false;
  for_each_op(expr.subplan, [&calls](const LogicalOp& op) {
    calls = calls || op.kind == OpKind::kProcedureCall;
    return !calls;
  });
  return !calls;
}

}  // namespace

// All at once, so that the number of columns is known before the first batch is made.
void Execution::build_subplans() {
  for_each_op(plan_->root, [&](const LogicalOp& op) {
    OpUse use;
    op_use(op, &use);
    for (const Expr* top : use.exprs) {
      for_each_expr(top, [&](const Expr& expr) {
        if (expr.subplan == nullptr) return true;
        std::unique_ptr<Subplan>& place = subplans_[&expr];
        if (place != nullptr) return true;
        place = std::make_unique<Subplan>(&state_);
        place->same_for_all = gives_one_answer(expr, plan_->root);
        BuildContext build;
        build.state = &state_;
        build.slot_count = plan_->slot_count;
        build.argument = &place->source;
        place->root = build_operator(build, expr.subplan);
        place->hop = plain_hop(expr.subplan);
        if (is_row_wise(expr.subplan)) {
          place->row_column = static_cast<Slot>(state_.column_count++);
          build.argument = &place->batch_source;
          build.row_columns.push_back(place->row_column);
          place->batch_root = build_operator(build, expr.subplan);
        }
        return true;
      });
    }
    return true;
  });
}

Result<Value> Execution::run(const Expr& expr, const Batch& outer, size_t row) {
  const auto found = subplans_.find(&expr);
  if (found == subplans_.end()) return Status::internal("a subquery that was not planned");
  Subplan& subplan = *found->second;
  if (!subplan.same_for_all) return run(subplan, expr, outer, row);
  if (!subplan.answer) {
    LORA_ASSIGN(Value answer, run(subplan, expr, outer, row));
    LORA_TRY(subplan.answer_charge.add(answer.heap_bytes()));
    subplan.answer = std::move(answer);
  }
  return *subplan.answer;
}

Result<Value> Execution::run(Subplan& subplan, const Expr& expr, const Batch& outer, size_t row) {
  // The Argument copies the row and changes nothing.
  subplan.source.batch = const_cast<Batch*>(&outer);
  subplan.source.row = row;
  LORA_TRY(subplan.root->open());
  Batch* batch = nullptr;
  if (expr.kind == ExprKind::kExists) {
    LORA_TRY(subplan.root->next(1, &batch));
    return Value::boolean(batch != nullptr);
  }
  int64_t count = 0;
  List items;
  MemoryCharge charge(&state_);
  Status status;
  size_t wanted = expr.kind == ExprKind::kCount ? kBatchRowsMax : 64;
  for (;;) {
    status = subplan.root->next(wanted, &batch);
    if (!status.ok() || batch == nullptr) break;
    wanted = kBatchRowsMax;
    count += static_cast<int64_t>(batch->rows);
    if (expr.kind != ExprKind::kCollect) continue;
    const Column& c = (*batch)[expr.slot];
    status = charge.add(batch->rows * sizeof(Value) + c.boxed_heap_bytes());
    if (!status.ok()) break;
    for (size_t i = 0; i < batch->rows; ++i) items.push_back(c.get(i));
  }
  charge.clear();
  if (!status.ok()) return status;
  if (expr.kind == ExprKind::kCount) return Value::integer(count);
  Value list = Value::list(std::move(items));
  LORA_TRY(check_extent(state_.context, list));
  return list;
}

Result<bool> Execution::run_batch(const Expr& expr, ExprKind as, Batch& outer, Column* out) {
  const auto found = subplans_.find(&expr);
  if (found == subplans_.end()) return false;
  Subplan& subplan = *found->second;
  if (subplan.same_for_all) return false;  // row by row, it is run for the first one
  if (as != ExprKind::kCollect && subplan.hop != nullptr && count_degrees(subplan, as, outer, out)) return true;
  if (subplan.batch_root == nullptr || subplan.row_column >= outer.columns.size()) return false;
  Column& numbers = outer[subplan.row_column];
  numbers.reset(Column::Kind::kIntegers);
  numbers.integers.resize(outer.rows);
  for (size_t i = 0; i < outer.rows; ++i) numbers.integers[i] = static_cast<int64_t>(i);
  const Status status = collect_batch(subplan, expr, as, outer, out);
  numbers.clear();
  if (!status.ok()) return status;
  return true;
}

Status Execution::collect_batch(Subplan& subplan, const Expr& expr, ExprKind as, Batch& outer, Column* out) {
  subplan.batch_source = {};
  subplan.batch_source.batch = &outer;
  subplan.batch_source.whole = true;
  subplan.batch_source.row_column = subplan.row_column;
  subplan.seen.assign(outer.rows, 0);
  if (as == ExprKind::kExists) subplan.batch_source.done = &subplan.seen;
  out->reset(Column::Kind::kIntegers);
  if (as == ExprKind::kCollect) {
    subplan.lists.clear();
    subplan.lists.resize(outer.rows);
  } else {
    out->integers.assign(outer.rows, 0);
  }
  LORA_TRY(subplan.batch_root->open());
  MemoryCharge charge(&state_);
  Status status;
  size_t left = outer.rows;
  while (left > 0) {
    Batch* batch = nullptr;
    status = subplan.batch_root->next(as == ExprKind::kExists ? subplan.ask.rows(left) : kBatchRowsMax, &batch);
    if (!status.ok() || batch == nullptr) break;
    const std::vector<int64_t>& rows = (*batch)[subplan.row_column].integers;
    if (as == ExprKind::kCollect) {
      const Column& c = (*batch)[expr.slot];
      status = charge.add(batch->rows * sizeof(Value) + c.boxed_heap_bytes());
      if (!status.ok()) break;
      for (size_t i = 0; i < batch->rows; ++i) subplan.lists[static_cast<size_t>(rows[i])].push_back(c.get(i));
    } else if (as == ExprKind::kCount) {
      for (int64_t row : rows) ++out->integers[static_cast<size_t>(row)];
    } else {
      size_t found = 0;
      for (int64_t row : rows) found += std::exchange(subplan.seen[static_cast<size_t>(row)], uint8_t{1}) == 0;
      left -= found;
      subplan.ask.answered(batch->rows, found);
    }
  }
  charge.clear();
  LORA_TRY(status);
  if (as == ExprKind::kCount) return Status();
  out->reset(Column::Kind::kValues);
  for (size_t row = 0; row < outer.rows; ++row) {
    out->values.push_back(as == ExprKind::kExists ? Value::boolean(subplan.seen[row] != 0)
                                                  : Value::list(std::move(subplan.lists[row])));
    LORA_TRY(check_extent(state_.context, out->values.back()));
  }
  return Status();
}

bool Execution::count_degrees(Subplan& subplan, ExprKind as, const Batch& outer, Column* out) {
  const Expand& hop = *subplan.hop;
  // A self loop is in both lists of its node.
  if (hop.direction == Direction::kBoth && as != ExprKind::kExists) return false;
  const Column& from = outer[hop.from];
  if (from.kind != Column::Kind::kNodes) return false;
  TypeIds types(hop.types);
  graph::Reader& reader = state_.reader();
  types.refresh(reader);
  out->reset(as == ExprKind::kCount ? Column::Kind::kIntegers : Column::Kind::kValues);
  for (uint64_t node : from.ids) {
    uint64_t degree = 0;
    for (size_t s = 0; node != kNoId && s < side_count(hop.direction); ++s) {
      const Direction direction = side(hop.direction, s);
      for (RelTypeId type : types.of(reader, NodeId(node), direction)) {
        state_.count_hits(1);
        degree += reader.degree(NodeId(node), direction, type);
      }
    }
    if (as == ExprKind::kCount) {
      out->integers.push_back(static_cast<int64_t>(degree));
    } else {
      out->values.push_back(Value::boolean(degree > 0));
    }
  }
  return true;
}

}  // namespace lora::cypher
