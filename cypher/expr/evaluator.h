// Evaluates bound expressions over batches.
//
// Two paths with the same answers: kernels over whole columns (kernels.cpp) for what is simple and cannot have effects,
// and a recursive row path (evaluator.cpp) for everything. Where a kernel meets something that its row order decides
// (an error under AND or OR), it gives up and the row path answers.
//
// Threads: an Evaluator belongs to one execution of a plan, so to one thread at a time.
#pragma once

#include <memory>
#include <unordered_map>

#include "cypher/expr/batch.h"
#include "cypher/expr/expression.h"

namespace lora::cypher {

class RegexCache;
class ConstantLists;

// Of masks of Ternary: how many are true, and which.
size_t count_true(const std::vector<uint8_t>& mask);
void select_true(const std::vector<uint8_t>& mask, std::vector<uint32_t>* rows);

// The items of the lists of a batch, one behind the other.
struct FlatLists {
  Column items;
  std::vector<uint32_t> ends;  // of each row: behind its last item, where those of the next row begin
  std::vector<uint8_t> nulls;  // empty, or 1: the row has null in place of a list, and no items

  size_t begin(size_t row) const { return row == 0 ? 0 : ends[row - 1]; }
  size_t size(size_t row) const { return ends[row] - begin(row); }
  bool is_null(size_t row) const { return !nulls.empty() && nulls[row] != 0; }
};

class Evaluator {
 public:
  explicit Evaluator(EvalContext* context);
  ~Evaluator();
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  // One value per row of `batch` into *out (overwritten). Fast kernels for slots, properties of entity columns,
  // comparisons and arithmetic on typed columns, AND/OR; row by row otherwise.
  // Errors: what the expression raises, kLimit for nesting, tick() failures.
  Status evaluate(const Expr& expr, Batch& batch, Column* out);

  // Rows of `batch` for which the predicate is true, ascending, into *rows. A value that is neither boolean nor null is
  // a runtime TypeError.
  Status filter(const Expr& expr, Batch& batch, std::vector<uint32_t>* rows);

  // The predicate's truth per row (a Ternary) into *out when kernels can tell at little cost per row; false otherwise,
  // or where some row's answer may be an error.
  bool cheap_mask(const Expr& expr, Batch& batch, std::vector<uint8_t>* out);

  // The items of the list that the expression gives for each row, when kernels can tell and they are not very many;
  // false otherwise, with anything in *out.
  bool flatten(const Expr& expr, Batch& batch, FlatLists* out);

  // While it lives, the caller leaves the batch it evaluates on as it is: properties that several expressions read are
  // read once.
  class SameBatch {
   public:
    explicit SameBatch(Evaluator* evaluator) : evaluator_(*evaluator) { evaluator_.same_batch_ = true; }
    ~SameBatch() { evaluator_.forget_properties(); }
    SameBatch(const SameBatch&) = delete;
    SameBatch& operator=(const SameBatch&) = delete;

   private:
    Evaluator& evaluator_;
  };

  // One row. Local variables (comprehensions, kLet) live in a side frame, never in the batch.
  Result<Value> evaluate_row(const Expr& expr, const Batch& batch, size_t row);
  Status evaluate_row(const Expr& expr, const Batch& batch, size_t row, Value* out);
  // A predicate on one row: true, or not (false, null). TypeError as filter().
  Status test_row(const Expr& expr, const Batch& batch, size_t row, bool* out);

  // Values of expressions that read no slot (counts, bounds, file names).
  Status evaluate_constant(const Expr& expr, Value* out);

  // Local variables in use: what a subquery sees beside the row. Calls visit(slot, value).
  template <typename Visit>
  void for_each_local(Visit visit) const {
    for (Slot slot : active_locals_) visit(slot, locals_[slot]);
  }

  // The thread that calls has changed (or may have): its stack is the one to watch.
  void enter_thread();
  bool stack_low() const { return reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) < stack_floor_; }

  // Between runs: drops all values kept.
  void reset();

  EvalContext& context() { return *context_; }

 private:
  friend class Kernels;

  class ReadOnce;
  // A comprehension variable while it is in scope; the variable it hides comes back afterwards.
  class Local {
   public:
    Local(Evaluator* evaluator, Slot slot);
    ~Local();
    void set(Value v) { evaluator_->locals_[slot_] = std::move(v); }

   private:
    Evaluator* evaluator_;
    Slot slot_;
    bool hidden_set_;
    Value hidden_;
  };

  Status eval(const Expr& expr, const Batch& batch, size_t row, Value* out);
  Status eval_node(const Expr& expr, const Batch& batch, size_t row, Value* out);
  Status eval_truth(const Expr& expr, const Batch& batch, size_t row, std::string_view where, Ternary* out);
  Status eval_slot(Slot slot, const Batch& batch, size_t row, Value* out);
  Status eval_parameter(const Expr& expr, Value* out);
  Status eval_arithmetic(const Expr& expr, const Batch& batch, size_t row, Value* out);
  Status eval_logic(const Expr& expr, const Batch& batch, size_t row, Value* out);
  Status eval_compare(const Expr& expr, const Batch& batch, size_t row, Value* out);
  Status eval_slice(const Expr& expr, const Batch& batch, size_t row, Value* out);
  Status eval_binary(const Expr& expr, const Batch& batch, size_t row, Value* out);
  Status eval_unary(const Expr& expr, const Batch& batch, size_t row, Value* out);
  Status eval_list(const Expr& expr, const Batch& batch, size_t row, Value* out);
  Status eval_map(const Expr& expr, const Batch& batch, size_t row, Value* out);
  Status eval_map_projection(const Expr& expr, const Batch& batch, size_t row, Value* out);
  Status eval_case(const Expr& expr, const Batch& batch, size_t row, Value* out);
  Status eval_function(const Expr& expr, const Batch& batch, size_t row, Value* out);
  Status eval_list_comprehension(const Expr& expr, const Batch& batch, size_t row, Value* out);
  Status eval_quantifier(const Expr& expr, const Batch& batch, size_t row, Value* out);
  Status eval_reduce(const Expr& expr, const Batch& batch, size_t row, Value* out);
  Status eval_path(const Expr& expr, const Batch& batch, size_t row, Value* out);
  Status eval_regex(const Value& text, const Value& pattern, Value* out);
  // x IN list where the list is the same for all rows: long ones of plain values are hashed once.
  Status in_constant_list(const Expr& expr, const Value& x, const Value& list, Value* out);
  // A list of values that are the same for all rows, made once in a run.
  Status given_list(const Expr& expr, Value* out);
  // Kernels that gave up for an expression again and again are left out for the rest of the run.
  bool kernels_pay(const Expr& expr) const;
  bool count_give_up(const Expr& expr);  // false
  bool unpack_lists(Column* out);
  ConstantLists& lists();
  RegexCache& regexes();
  Status charge_made(uint64_t bytes) {
    return context_->control != nullptr ? context_->control->charge_made(bytes) : Status();
  }
  bool is_local(Slot slot) const { return slot < local_set_.size() && local_set_[slot] != 0; }

  EvalContext* context_;
  uintptr_t stack_floor_ = 0;  // of the thread that runs, with a reserve for leaf work
  std::vector<Value> locals_;  // values of comprehension variables, by slot
  std::vector<uint8_t> local_set_;
  std::vector<Slot> active_locals_;
  std::unique_ptr<RegexCache> regexes_;
  std::unique_ptr<ConstantLists> constant_lists_;
  Batch no_columns_;
  // Scratch of the kernels, one set per nesting level; kept for reuse.
  std::vector<std::unique_ptr<Column>> scratch_;
  size_t scratch_used_ = 0;
  std::vector<std::unique_ptr<std::vector<uint8_t>>> masks_;
  size_t masks_used_ = 0;
  graph::PropertyColumn properties_;
  // Of the batch of SameBatch.
  struct ReadProperty {
    const Expr* expr = nullptr;  // kProperty
    Column column;
  };
  static constexpr uint32_t kGiveUpsMax = 4;
  std::vector<std::pair<const Expr*, uint32_t>> gave_up_;  // how often
  void forget_properties();
  bool same_batch_ = false;
  std::vector<std::unique_ptr<ReadProperty>> read_;
  size_t read_used_ = 0;
};

}  // namespace lora::cypher
