// Operator: one step of a running plan, pulled by the step above.
//
// Life:  open, next ... next, open (to start over), next ..., close.
//   open(n)  starts or starts over. An operator opens its inputs itself, when it wants them (Apply opens its right input
//            once per left row). Cheap: it is called once per outer row inside subplans, so it allocates nothing anew.
//   next     gives the next batch of at least one row, or null at the end; after the end it is not called again until
//            opened. `rows_wanted` (1 .. kBatchRowsMax) is a hint: give about that many rows, so that a first row comes
//            at once and a LIMIT does not make its input work ahead. More rows are allowed (at most kBatchRowsMax),
//            fewer too.
//   close    drops everything kept (rows, tables, cursors), so that no version or value stays alive in a pooled
//            execution. Small buffers keep their capacity for the next run.
//
// The batch: owned by the operator that made it (this one or one below); until that operator's next call the caller may
// change it in place: compact it, fill columns of its own slots, clear columns. Columns beyond the plan's slot count
// belong to Apply and travel with the rows like live slots.
//
// Errors: the first one ends the run; the caller closes. Cancellation, deadline and memory: every loop that can run long
// calls ExecState::tick() once per batch or per some hundred steps and charges what it keeps.
//
// Threads: one execution, one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cypher/exec/profile.h"
#include "cypher/expr/evaluator.h"
#include "cypher/plan/logical.h"

namespace lora::cypher {

class Operator;
class Execution;

// The outer rows an Argument leaf gives: set by the Apply (or subplan) that owns the right-hand side.
struct ArgumentSource {
  Batch* batch = nullptr;   // null: one row without columns
  size_t row = 0;           // give only this row (copied) ...
  bool whole = false;       // ... or the whole batch, itself
};

// What the operators of one execution share.
struct ExecState {
  EvalContext context;
  Evaluator evaluator{&context};
  Execution* execution = nullptr;
  uint32_t slot_count = 0;    // of the plan
  uint32_t column_count = 0;  // slot_count plus the columns of batched Applies
  bool profiling = false;
  std::vector<OperatorCounters> counters;  // by LogicalOp::id
  uint64_t db_hits = 0;                    // running total, counted only when profiling
  uint64_t nested_ns = 0, nested_hits = 0;  // of the next() calls made by the one that is running

  graph::Reader& reader() { return *context.reader; }
  Status tick() { return context.control->tick(); }
  Status charge(uint64_t bytes) { return context.control->charge(bytes); }
  void release(uint64_t bytes) { context.control->release(bytes); }
  void count_hits(uint64_t n) {
    if (profiling) [[unlikely]] {
      db_hits += n;
    }
  }
};

class Operator {
 public:
  Operator(ExecState* state, const LogicalOp* op) : state_(*state), op_(op) {}
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;
  virtual ~Operator() = default;

  virtual Status open() = 0;
  Status next(size_t rows_wanted, Batch** batch) {
    if (state_.profiling) [[unlikely]] {
      return next_profiled(rows_wanted, batch);
    }
    return do_next(rows_wanted, batch);
  }
  virtual void close() = 0;

  const LogicalOp* logical() const { return op_; }

 protected:
  virtual Status do_next(size_t rows_wanted, Batch** batch) = 0;

  ExecState& state_;

 private:
  Status next_profiled(size_t rows_wanted, Batch** batch);

  const LogicalOp* op_;
};

using OperatorPtr = std::unique_ptr<Operator>;

}  // namespace lora::cypher
