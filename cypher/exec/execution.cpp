#include "cypher/exec/execution.h"

#include "cypher/exec/build.h"

namespace lora::cypher {

namespace {

// The chain of inputs may not be deeper than the recursion of open() and close() is good for.
constexpr size_t kDepthMax = 4'000;

bool too_deep(const LogicalOp* root) {
  std::vector<std::pair<const LogicalOp*, size_t>> stack{{root, 1}};
  while (!stack.empty()) {
    const auto [op, depth] = stack.back();
    stack.pop_back();
    if (depth > kDepthMax) return true;
    for (const LogicalOp* input : op->inputs) stack.emplace_back(input, depth + 1);
  }
  return false;
}

Status depth_error() {
  return Status::limit(
      "depth", "the query has more than `" + std::to_string(kDepthMax) + "` steps one after the other; split it");
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

// A subquery of an expression: its operators, and the row they start from.
struct Execution::Subplan {
  ArgumentSource source;
  OperatorPtr root;
};

Execution::Execution(std::shared_ptr<const LogicalPlan> plan) : plan_(std::move(plan)) {
  state_.execution = this;
  state_.column_count = plan_->slot_count;
  if (too_deep(plan_->root)) return;  // open() says so
  BuildContext build;
  build.state = &state_;
  build.slot_count = plan_->slot_count;
  root_ = build_operator(build, plan_->root);
  if (plan_->root->kind == OpKind::kProduceResults) {
    output_ = static_cast<const ProduceResults*>(plan_->root)->slots;
  }
}

Execution::~Execution() {
  close();
}

Status Execution::open(const EvalContext& context, bool profiling) {
  if (root_ == nullptr) return depth_error();
  if (open_) close();
  state_.context = context;
  state_.context.subqueries = this;
  state_.evaluator.enter_thread();
  state_.profiling = profiling;
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
  LORA_TRY(root_->next(std::clamp<size_t>(rows_wanted, 1, kBatchRowsMax), batch));
  if (*batch == nullptr) ended_ = true;
  return state_.read_status();
}

void Execution::close() {
  if (!open_) return;
  open_ = false;
  root_->close();
  for (auto& [expr, subplan] : subplans_) {
    if (subplan->root != nullptr) subplan->root->close();
    subplan->source = {};
  }
  state_.evaluator.reset();
  if (state_.context.reader != nullptr) state_.context.reader->unpin_batch();
  state_.context = {};
}

Status Execution::commit_and_continue() {
  if (!commit_hook_) {
    return Status(ErrorCode::kTransaction,
                  "`CALL { } IN TRANSACTIONS` commits by itself, so it cannot run inside a transaction or a stream");
  }
  return commit_hook_(&state_.context);
}

Execution::Subplan& Execution::subplan_of(const Expr& expr) {
  std::unique_ptr<Subplan>& place = subplans_[&expr];
  if (place == nullptr) {
    place = std::make_unique<Subplan>();
    if (too_deep(expr.subplan)) return *place;  // run() says so
    BuildContext build;
    build.state = &state_;
    build.slot_count = plan_->slot_count;
    build.argument = &place->source;
    place->root = build_operator(build, expr.subplan);
  }
  return *place;
}

Result<Value> Execution::run(const Expr& expr, const Batch& outer, size_t row) {
  Subplan& subplan = subplan_of(expr);
  if (subplan.root == nullptr) return depth_error();
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
  size_t wanted = expr.kind == ExprKind::kCount ? kBatchRowsMax : 64;
  for (;;) {
    LORA_TRY(subplan.root->next(wanted, &batch));
    if (batch == nullptr) break;
    wanted = kBatchRowsMax;
    count += static_cast<int64_t>(batch->rows);
    if (expr.kind == ExprKind::kCollect) {
      const Column& c = (*batch)[expr.slot];
      for (size_t i = 0; i < batch->rows; ++i) items.push_back(c.get(i));
    }
  }
  if (expr.kind == ExprKind::kCount) return Value::integer(count);
  return Value::list(std::move(items));
}

}  // namespace lora::cypher
