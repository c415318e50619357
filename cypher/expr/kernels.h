// Column kernels: the fast path of Evaluator for simple expressions.
//
// A kernel either does the whole batch or gives up (false), leaving no trace; then the row path answers, with the
// errors and the short cuts that the order of rows and operands demands. So kernels never report an error.
#pragma once

#include <initializer_list>

#include "cypher/expr/evaluator.h"

namespace lora::cypher {

class Kernels {
 public:
  // What an expression may cost. Cheap: a few instructions a row; lists: what comprehensions, quantifiers and reduce()
  // do besides. Beside AND and OR nothing costs more (functions, subqueries): there the row path may leave out the
  // second operand. Lists are evaluated there for the rows that need it alone.
  enum class Cost : uint8_t { kCheap, kLists, kAll };
  // Kinds that kernels know, all the way down; nothing volatile.
  static bool simple(const Expr& expr, Cost allowed = Cost::kAll);

  Kernels(Evaluator* evaluator, Batch& batch) : evaluator_(*evaluator), batch_(batch), rows_(batch.rows) {}

  bool column(const Expr& expr, Column* out);
  // One Ternary per row.
  bool mask(const Expr& expr, std::vector<uint8_t>* out);

  bool flatten(const Expr& expr, FlatLists* out);

  // Scratch in use, given back by ScratchScope.
  class ScratchScope;
  class OtherBatch;
  Column* scratch_column();
  std::vector<uint8_t>* scratch_mask();

 private:
  // A column, or one value for all rows.
  struct Operand {
    const Column* column = nullptr;
    Value constant;
  };

  bool operand(const Expr& expr, Operand* out);
  // Has the open transaction deleted anything? Reading what is gone is an error that the row path raises.
  bool reads_deleted() const;
  const Column* entity_column(Slot slot) const;
  bool property(const Expr& expr, Column* out);
  bool fields(const Expr& expr, Column* out);
  bool read_once(const Expr& expr, const Column** out);
  void entity_ids(const Column& entities, Column* out);
  // id(), type() and labels() of a slot, which may stand where nothing costly may.
  static bool is_entity_call(const Expr& expr);
  bool entity_call(const Expr& expr, Column* out);
  bool type_names(const Column& relationships, Column* out);
  template <typename Visit, typename NullRow>
  bool each_label_set(const Column& nodes, Visit visit, NullRow null_row);
  bool label_lists(const Column& nodes, Column* out);
  bool label_names(const Column& nodes, int64_t index, Column* out);
  bool function(const Expr& expr, Column* out);
  bool typed_function(const FunctionSpec& spec, const Column& x, std::span<const Value> more, Column* out);
  bool with_local(const Expr& expr, Column* out);
  bool choice(const Expr& expr, Column* out);
  bool first_not_null(const Expr& expr, Column* out);
  // out: of each row the result of its branch; `taken`: how many rows each branch has. `nulls`: columns may give nulls
  // to rows that take them.
  bool take_results(const std::vector<uint8_t>& branch, const std::vector<size_t>& taken,
                    const std::vector<Operand>& results, bool nulls, Column* out);
  bool lists(const Expr& expr, Column* out);
  bool elements(const Expr& expr, Column* out);
  // Of lists (kernel_lists.cpp).
  static bool is_flattened(const Expr& expr);
  bool flatten_column(const Column& lists, FlatLists* out);
  bool flatten_packed(const Column& lists, FlatLists* out);
  bool flatten_boxed(const Column& lists, FlatLists* out);
  bool flatten_constant(const Value& list, FlatLists* out);
  bool flatten_split(const Expr& expr, FlatLists* out);
  bool flatten_comprehension(const Expr& expr, FlatLists* out);
  // For what is evaluated on other rows than those of this batch: the slots that the expressions (null pointers are
  // left out) read of it. False: not all of them are columns.
  bool outer_slots(std::initializer_list<const Expr*> exprs, std::vector<Slot>* slots);
  // Appends these rows of the slots. False: no memory for them.
  bool repeat(const std::vector<Slot>& slots, const std::vector<uint32_t>& rows, Batch* inner);
  // visit(kernels, batch, first) for the items, so many at once, in slot `slot` of a batch that has what `bodies` read.
  template <typename Visit>
  bool each_window(FlatLists* lists, Slot slot, std::initializer_list<const Expr*> bodies, Visit visit);
  bool comprehension(const Expr& expr, Column* out);
  bool quantifier(const Expr& expr, std::vector<uint8_t>* out);
  bool quantify_column(const Expr& expr, const Column& lists, size_t limit, std::vector<uint8_t>* out);
  // Appends the truth of each item.
  bool test_items(const Expr& expr, FlatLists* lists, std::vector<uint8_t>* truth);
  bool reduction(const Expr& expr, Column* out);
  bool list_sizes(const Expr& expr, Column* out);
  bool sizes_of(const Column& lists, Column* out);
  bool element_of_packed(const Column& lists, const Operand& index, Column* out);
  bool element_of_flat(const FlatLists& lists, const Operand& index, Column* out);
  bool in_packed(const Operand& x, const Column& lists, std::vector<uint8_t>* out);
  bool subquery(const Expr& expr, ExprKind as, Column* out);
  bool arithmetic_chain(const Expr& expr, Column* out);
  bool arithmetic_step(char op, const Operand& a, const Operand& b, Column* out);
  bool join_texts(const Operand& a, const Operand& b, Column* out);
  bool negated(const Expr& expr, Column* out);
  bool compare_chain(const Expr& expr, std::vector<uint8_t>* out);
  bool compare_step(char op, const Operand& a, const Operand& b, uint8_t* out);
  bool compare_words(char op, const Operand& a, const Operand& b, uint8_t* out);
  bool compare_with_constant(char op, const Column& column, const Value& constant, uint8_t* out);
  bool logic(const Expr& expr, std::vector<uint8_t>* out);
  bool undecided_mask(const Expr& expr, uint8_t decided, const std::vector<uint8_t>& truth, std::vector<uint8_t>* out);
  bool null_test(const Expr& expr, std::vector<uint8_t>* out);
  bool label_test(const Expr& expr, std::vector<uint8_t>* out);
  bool label_leaves(const Column& nodes, const LabelExpr& labels, uint8_t* out);
  bool list_test(const Expr& expr, std::vector<uint8_t>* out);
  bool text(const Expr& expr, std::vector<uint8_t>* out);
  bool regex(const Expr& expr, std::vector<uint8_t>* out);

  Evaluator& evaluator_;
  Batch& batch_;
  size_t rows_;
  std::vector<std::pair<Slot, Operand>> locals_;  // of kLet, innermost last
};

}  // namespace lora::cypher
