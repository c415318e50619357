// Evaluates bound expressions over batches.
//
// Threads: an Evaluator belongs to one execution of a plan, so to one thread at a time.
#pragma once

#include "cypher/expr/batch.h"
#include "cypher/expr/expression.h"

namespace lora::cypher {

class Evaluator {
 public:
  explicit Evaluator(EvalContext* context) : context_(context) {}

  // One value per row of `batch` into *out (overwritten). Fast kernels for slots, properties of entity columns,
  // comparisons and arithmetic on typed columns, AND/OR; row by row otherwise.
  // Errors: what the expression raises, kLimit for nesting, tick() failures.
  Status evaluate(const Expr& expr, Batch& batch, Column* out);

  // Rows of `batch` for which the predicate is true, ascending, into *rows. A value that is neither boolean nor null is
  // a runtime TypeError.
  Status filter(const Expr& expr, Batch& batch, std::vector<uint32_t>* rows);

  // One row. Local variables (comprehensions, kLet) are written into the batch's column of their slot at `row`... see
  // the implementation: locals live in a side frame, never in the batch.
  Result<Value> evaluate_row(const Expr& expr, const Batch& batch, size_t row);

  EvalContext& context() { return *context_; }

 private:
  EvalContext* context_;
  std::vector<Value> locals_;  // values of comprehension variables, by slot
  std::vector<uint8_t> local_set_;
};

}  // namespace lora::cypher
