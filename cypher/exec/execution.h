// Execution: a plan made runnable. Built once from a plan, run any number of times, one run at a time.
//
//   Execution e(plan);                       // operators and their buffers; keep it in a pool beside the cached plan
//   e.open(context);  // then next() until it gives null; then close()
//
// A run never copies the plan; opening, running and closing a small plan again allocates nothing. After close() nothing
// of the run stays: no values, no cursors, no version.
//
// Rows: next() gives batches of at least one row; the columns of output_slots() hold them, in column order. Values are
// the engine's own (bare entities): the caller hydrates them. Batches grow from 1 row to 2 048. A statement without
// columns gives no rows: the first next() runs it to its end. Writes are complete when next() has given the end.
// The batch is valid until the next call of next(), close() or open().
//
// Errors: what operators and expressions raise. After an error the run must be closed; the execution can be opened
// again. Threads: one thread at a time; may move between threads between calls.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "cypher/exec/operator.h"
#include "cypher/exec/profile.h"
#include "cypher/plan/logical.h"

namespace lora::cypher {

// CALL { } IN TRANSACTIONS: commits the context's transaction, begins the next one and puts its reader and transaction
// into the context. Empty hook: such plans fail with kTransaction.
using CommitHook = std::function<Status(EvalContext* context)>;

class Execution final : private SubqueryRunner {
 public:
  explicit Execution(std::shared_ptr<const LogicalPlan> plan);
  size_t lane = 0;  // PreparedPlan's: where it is given back to
  ~Execution() override;

  // Starts a run. The context is copied; what it points to must live until close(). `subqueries` is set by this class.
  Status open(const EvalContext& context, bool profiling = false);
  Status next(Batch** batch);
  // As next(), but asks for about `rows_wanted` rows whatever came before.
  Status next(size_t rows_wanted, Batch** batch);
  void close();

  const LogicalPlan& plan() const { return *plan_; }
  const std::shared_ptr<const LogicalPlan>& plan_ptr() const { return plan_; }
  std::span<const Slot> output_slots() const { return output_; }
  bool is_open() const { return open_; }
  // By operator id (LogicalOp::id); empty unless the last run was opened with profiling. Valid until the next open().
  std::span<const OperatorCounters> counters() const { return state_.counters; }
  // The running context; IN TRANSACTIONS changes its reader and transaction.
  const EvalContext& context() const { return state_.context; }

  void set_commit_hook(CommitHook hook) { commit_hook_ = std::move(hook); }
  // For CallSubquery.
  Status commit_and_continue();

 private:
  struct Subplan;
  Result<Value> run(const Expr& expr, const Batch& outer, size_t row) override;
  Result<Value> run(Subplan& subplan, const Expr& expr, const Batch& outer, size_t row);
  Result<bool> run_batch(const Expr& expr, ExprKind as, Batch& outer, Column* out) override;
  void build();
  void build_subplans();
  Status collect_batch(Subplan& subplan, const Expr& expr, ExprKind as, Batch& outer, Column* out);
  bool count_degrees(Subplan& subplan, ExprKind as, const Batch& outer, Column* out);

  std::shared_ptr<const LogicalPlan> plan_;
  ExecState state_;
  OperatorPtr root_;  // null until it is opened
  std::span<const Slot> output_;
  bool open_ = false;
  bool ended_ = false;
  size_t rows_wanted_ = 1;
  CommitHook commit_hook_;
  std::unordered_map<const Expr*, std::unique_ptr<Subplan>> subplans_;
};

}  // namespace lora::cypher
