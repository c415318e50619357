// Operator: one step of a running plan, pulled by the step above.
//
// Life:  open, next ... next, open (to start over), next ..., close.
//   open(n)  starts or starts over. An operator opens its inputs itself, when it wants them (Apply opens its right
//   input
//            once per left row). Cheap: it is called once per outer row inside subplans, so it allocates nothing anew.
//   next     gives the next batch of at least one row, or null at the end; after the end it is not called again until
//            opened. `rows_wanted` (1 .. kBatchRowsMax) is a hint: give about that many rows, so that a first row comes
//            at once and a LIMIT does not make its input work ahead. More rows are allowed (at most kBatchRowsMax),
//            fewer too.
//            Where rows are large (ExecState::bound_rows), fewer are asked for than the caller of next() wants.
//   close    drops everything kept (rows, tables, cursors), so that no version or value stays alive in a pooled
//            execution. Small buffers keep their capacity for the next run.
//
// The batch: owned by the operator that made it (this one or one below); until that operator's next call the caller may
// change it in place: compact it, fill columns of its own slots, clear columns. Columns beyond the plan's slot count
// belong to Apply and travel with the rows like live slots.
//
// Errors: the first one ends the run; the caller closes. Cancellation, deadline and memory: every loop that can run
// long calls ExecState::tick() once per batch or per some hundred steps and charges what it keeps.
//
// Threads: one execution, one thread at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cypher/bind/slot_set.h"
#include "cypher/exec/profile.h"
#include "cypher/expr/evaluator.h"
#include "cypher/plan/logical.h"

namespace lora::cypher {

class Operator;
class Execution;

// The outer rows an Argument leaf gives: set by the Apply (or subplan) that owns the right-hand side.
struct ArgumentSource {
  Batch* batch = nullptr;  // null: one row without columns
  size_t row = 0;          // give only this row (copied) ...
  size_t rows = 0;         // ... or so many from it on ...
  bool whole = false;      // ... or the whole batch
  // Apply on whole batches: the rows of the batch that need no more matches (1), by the row number in `row_column`.
  // Operators that multiply rows may leave those out.
  Slot row_column = kNoSlot;
  const std::vector<uint8_t>* done = nullptr;
};

// What the operators of one execution share.
struct ExecState {
  EvalContext context;
  Evaluator evaluator{&context};
  Execution* execution = nullptr;
  uint32_t column_count = 0;  // the plan's slots plus the columns of Applies
  bool profiling = false;
  size_t batch_rows_max = kBatchRowsMax;    // LogicalPlan::batch_rows_max, or fewer: see bound_rows()
  bool checked = false;                     // profiling, or smaller batches than usual
  size_t plan_rows_max = kBatchRowsMax;     // LogicalPlan::batch_rows_max
  const Operator* rows_bound_by = nullptr;  // who made batch_rows_max smaller than that
  std::vector<OperatorCounters> counters;   // by LogicalOp::id
  uint64_t db_hits = 0;                     // running total, counted only when profiling
  uint64_t nested_ns = 0, nested_hits = 0;  // of the next() calls that the running one has made
  uint32_t pins = 0;                        // > 0: somebody holds raw arrays of the reader

  // Rows of large values must not come 2 048 at a time. An operator that makes values says how many bytes a batch of
  // them took; all operators then ask each other for about kBatchBytesWanted at once, until its values get smaller.
  static constexpr uint64_t kBatchBytesWanted = 8 << 20;
  void bound_rows(const Operator* maker, size_t rows, uint64_t bytes) {
    if (bytes > kBatchBytesWanted || rows_bound_by == maker) [[unlikely]] {
      set_rows_bound(maker, rows, bytes);
    }
  }
  void set_rows_bound(const Operator* maker, size_t rows, uint64_t bytes);

  graph::Reader& reader() { return *context.reader; }
  graph::Transaction& transaction() { return *context.transaction; }
  // Also where a statement's writes are held against the query's memory budget.
  Status tick() {
    if (context.transaction != nullptr) {
      LORA_TRY(context.control->check_total(context.transaction->memory_bytes()));
    }
    return context.control->tick();
  }
  Status charge(uint64_t bytes) { return context.control->charge(bytes); }
  void release(uint64_t bytes) { context.control->release(bytes); }
  void count_hits(uint64_t n) {
    if (profiling) [[unlikely]] {
      db_hits += n;
    }
  }
  // Arrays of the reader become invalid, unless somebody holds some. Nobody holds any across calls of an input.
  void unpin() {
    if (pins == 0 && context.reader != nullptr) context.reader->unpin_batch();
  }
  // The reader's failures are sticky: looked at once per batch.
  Status read_status() const {
    if (context.reader == nullptr || context.reader->status().ok()) [[likely]]
      return Status();
    return context.reader->status();
  }
};

// While it lives, arrays of the reader stay valid whatever expressions with subqueries do.
class PinGuard {
 public:
  explicit PinGuard(ExecState* state) : state_(*state) { ++state_.pins; }
  ~PinGuard() { --state_.pins; }
  PinGuard(const PinGuard&) = delete;
  PinGuard& operator=(const PinGuard&) = delete;

 private:
  ExecState& state_;
};

// What operators are built with.
struct BuildContext {
  ExecState* state = nullptr;
  uint32_t slot_count = 0;
  ArgumentSource* argument = nullptr;  // of the innermost right-hand side; null at the top
  std::vector<Slot> row_columns;       // of the Applies around
};

// What the filter above may leave to an operator: nothing; that it gives only rows for which a predicate is true; or
// the same while has_tested() says so, because the predicate's value may be an error, which is the filter's to tell.
enum class TakeOver : uint8_t { kNo, kYes, kTentative };

class Operator {
 public:
  Operator(const BuildContext& build, const LogicalOp* op);
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;
  virtual ~Operator() = default;

  virtual Status open() = 0;
  Status next(size_t rows_wanted, Batch** batch) {
    if (state_.checked || state_.evaluator.stack_low()) [[unlikely]] {
      return next_checked(rows_wanted, batch);
    }
    return do_next(rows_wanted, batch);
  }
  virtual void close() = 0;
  // Asked by the filter above while the plan is built.
  virtual TakeOver take_over(const Expr& /*predicate*/) { return TakeOver::kNo; }
  // Of what was taken over tentatively: whether all rows of the batch given last satisfy it.
  virtual bool has_tested(const Expr& /*predicate*/) const { return false; }
  // The same filter, when nothing is left for it to test: only what is read above it need be given.
  void give_only_to(const Operator& above) {
    more_carried_.assign(above.carried_.begin(), above.carried_.end());
    carried_ = more_carried_;
    live_ = above.live_;
  }

  const LogicalOp* logical() const { return op_; }

 protected:
  virtual Status do_next(size_t rows_wanted, Batch** batch) = 0;

  // Columns that the output must carry on from the input: what is live above, or all.
  std::span<const Slot> carried() const { return carried_; }
  bool is_live(Slot slot) const { return live_.has(slot); }
  // Compacts a batch to these rows; columns that nobody above reads are emptied instead.
  void compact(Batch* batch, const std::vector<uint32_t>& rows) const;
  // Empties an output batch of this operator and gives it its columns.
  void begin_output(Batch* out);
  // For close(): of an output batch, and of rows that were kept, whose memory goes back.
  static void drop(Batch* out) { out->clear(); }
  static void drop_kept(Batch* kept);
  // Appends the carried columns of these rows of `in` to `out`, whose rows so far are `out->rows`; does not count them.
  void carry(const Batch& in, const std::vector<uint32_t>& rows, Batch* out);

  ExecState& state_;

 private:
  Status next_checked(size_t rows_wanted, Batch** batch);

  const LogicalOp* op_;
  std::span<const Slot> carried_;   // of the plan, or more_carried_
  std::vector<Slot> more_carried_;  // where the plan does not say, or columns of Applies are carried as well
  SlotSet live_;                    // those in carried_
  Operator* next_dead_ = nullptr;   // OperatorDelete's

  friend struct OperatorDelete;
};

// Frees an operator and, when it is the outermost, those below it one after the other: the length of a plan does not
// become depth of the stack.
struct OperatorDelete {
  OperatorDelete() = default;
  template <typename T>
  OperatorDelete(std::default_delete<T>) {}  // NOLINT(google-explicit-constructor): what make_unique() gives
  void operator()(Operator* op) const;
};
using OperatorPtr = std::unique_ptr<Operator, OperatorDelete>;

// An operator with one input that gives any number of rows per input row.
class MultiplyingOperator : public Operator {
 public:
  MultiplyingOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : Operator(build, op), input_(std::move(input)), argument_(build.argument) {}
  Status open() override;
  void close() override;

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override;

  // An Apply above has seen enough of row_: what is left of it may be left out.
  bool row_done() const {
    if (argument_ == nullptr || argument_->done == nullptr) return false;
    const Column& rows = (*in_)[argument_->row_column];
    return (*argument_->done)[static_cast<size_t>(rows.integers[row_])] != 0;
  }

  // Further rows of row_.
  void add_parents(size_t count) {
    const size_t before = parents_.size();
    parents_.resize(before + count);  // zeros, which is a scan's only row as a rule
    if (row_ != 0) std::fill_n(parents_.data() + before, count, static_cast<uint32_t>(row_));
  }

  // Goes on with row_ of *in_: appends about `room` values to each column it adds in out_ and the number of the input
  // row to parents_ each time; moves row_ to the next row when one is finished. Returns when `room` is filled or the
  // batch is at its end (row_ == in_->rows).
  virtual Status produce(size_t room) = 0;
  // A new batch is in in_, row_ is 0.
  virtual Status begin_batch() { return Status(); }
  // A new run begins.
  virtual Status begin() { return Status(); }

  OperatorPtr input_;
  Batch* in_ = nullptr;
  size_t row_ = 0;
  Batch out_;
  std::vector<uint32_t> parents_;
  size_t bare_rows_ = 0;  // further rows of produce(), of which nobody reads any column: carried() is empty
  bool ended_ = false;

 private:
  const ArgumentSource* argument_;
};

// Keeps the first rows of a batch.
void truncate(Batch* batch, size_t rows);

// Bytes charged to the query for what an operator keeps; given back by clear() or the destructor.
class MemoryCharge {
 public:
  explicit MemoryCharge(ExecState* state) : state_(*state) {}
  Status add(uint64_t bytes) {
    bytes_ += bytes;
    Status s = state_.charge(bytes);
    if (!s.ok()) bytes_ -= bytes;
    return s;
  }
  void clear() {
    if (bytes_ > 0) state_.release(bytes_);
    bytes_ = 0;
  }
  uint64_t bytes() const { return bytes_; }

 private:
  ExecState& state_;
  uint64_t bytes_ = 0;
};

// A count for SKIP, LIMIT, OF n ROWS: a non-negative integer. Errors as openCypher: NegativeIntegerArgument,
// InvalidArgumentType (both SyntaxError at run time).
Status evaluate_count(ExecState* state, const Expr& expr, std::string_view where, uint64_t* out);
// How many paths a selector takes: `k`, or the value of `count` when it is there, at least 1.
Status evaluate_path_count(ExecState* state, const Expr* count, uint32_t k, uint32_t* out);

// True when the subtree (not its expressions) changes the graph.
bool writes(const LogicalOp* op);

}  // namespace lora::cypher
