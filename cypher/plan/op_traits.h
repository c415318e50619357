// What every operator reads, evaluates, adds and changes: the one table that generic passes (live slots, validation,
// eager barriers, explain) go by, so that only a pass with something special to say names an operator.
//
// To add an operator: its struct in logical.h, its cases here, one file in exec/.
#pragma once

#include <array>
#include <string_view>
#include <type_traits>
#include <vector>

#include "cypher/bind/slot_set.h"
#include "cypher/plan/logical.h"

namespace lora::cypher {

// A callable that is borrowed for the length of a call: no copy, no allocation.
template <typename Signature>
class FunctionRef;
template <typename R, typename... Args>
class FunctionRef<R(Args...)> {
 public:
  template <typename F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef>)
  FunctionRef(F&& f)  // NOLINT(google-explicit-constructor): used as an argument only
      : object_(const_cast<void*>(static_cast<const void*>(&f))), call_([](void* object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(static_cast<Args>(args)...);
        }) {}
  R operator()(Args... args) const { return call_(object_, static_cast<Args>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

// A list of a few small items, which needs no allocation up to N of them.
template <typename T, size_t N>
class SmallList {
 public:
  void push_back(T item) {
    if (!more_.empty()) {
      more_.push_back(item);
    } else if (size_ < N) {
      few_[size_++] = item;
    } else {
      more_.reserve(N * 4);
      more_.assign(few_.begin(), few_.end());
      more_.push_back(item);
    }
  }
  size_t size() const { return more_.empty() ? size_ : more_.size(); }
  bool empty() const { return size() == 0; }
  const T* begin() const { return more_.empty() ? few_.data() : more_.data(); }
  const T* end() const { return begin() + size(); }
  T operator[](size_t i) const { return begin()[i]; }

 private:
  std::array<T, N> few_;  // the first size_ are set
  size_t size_ = 0;
  std::vector<T> more_;
};

// Neo4j's names: "NodeByLabelScan", "Expand(All)", "Top", ...
std::string_view op_name(const LogicalOp& op);

// How many inputs the operator has.
struct InputRange {
  uint8_t min = 0, max = 0;
};
InputRange op_inputs(OpKind kind);

// The right input starts from an Argument that gives the left input's row (Apply and its kin).
bool right_is_applied(OpKind kind);
// Gives every row from one row of its first input, in that one's order. (Right sides of Apply and SemiApply see one
// row, or one batch, of the left side at a time.)
bool is_row_wise_step(OpKind kind);
// The slot that the Argument of an applied right input has besides those of the left row; kNoSlot: none.
Slot argument_extra(const LogicalOp& op);
// Output slots are only those in adds(); the input's are gone.
bool narrows(OpKind kind);
bool is_write(OpKind kind);

struct OpUse {
  SmallList<const Expr*, 12> exprs;  // evaluated by the operator itself (no null pointers)
  SmallList<Slot, 12> reads;         // slots read directly, without an expression
  SmallList<Slot, 12> adds;          // slots that it fills (with a narrowing operator: all of its output)
  SmallList<Slot, 4> locals;         // filled while evaluating, never in its output (hop slots)
};
void op_use(const LogicalOp& op, OpUse* use);

// The bit of a kind in a set of kinds.
using OpKinds = uint64_t;
constexpr OpKinds kind_bit(OpKind kind) {
  static_assert(static_cast<unsigned>(OpKind::kIntersect) < 64, "OpKind grew beyond the bits of OpKinds");
  return OpKinds{1} << static_cast<unsigned>(kind);
}
// The kinds of `op` and of everything below it, without subplans of expressions.
OpKinds kinds_below(const LogicalOp* op);
// Visits `op` and everything below it, subplans of expressions too; parents first. False from the visitor: not deeper.
void for_each_op(const LogicalOp* op, FunctionRef<bool(const LogicalOp&)> visit, bool subplans = true);
// How many steps deep the recursion of a pass over a whole plan gets: the longest way from `op` down, where one into a
// right input or a subplan counts as kInnerSteps.
inline constexpr size_t kInnerSteps = 3;
size_t plan_depth(const LogicalOp* op);
// Visits `expr` and all below it, not into subplans; parents first. False: not deeper.
void for_each_expr(const Expr* expr, FunctionRef<bool(const Expr&)> visit);

// Slots of the row that the expression (with its subplans) reads; its own local variables are left out.
void expr_reads(const Expr* expr, SlotSet* out);
// What an operator reads from the rows of its inputs. Patterns of updating clauses may read what they made before: that
// is left out. `use`: of the operator, for callers that have it already.
void own_reads(const LogicalOp& op, const OpUse& use, SlotSet* out);
void own_reads(const LogicalOp& op, SlotSet* out);
// What a whole subtree reads from the row of its Argument.
void subtree_reads(const LogicalOp* op, SlotSet* out);
// Slots in the output of `op`, given those of its inputs and those that an Argument gives here.
void op_output(const LogicalOp& op, const OpUse& use, const SlotSet& argument, const SlotSet& left,
               const SlotSet& right, SlotSet* out);

// The expression gives the same answer whenever it is evaluated on a row of this statement: no rand(), no randomUUID().
bool is_deterministic(const Expr* expr);
// Depends on nothing of the row: constants, literals, parameters and functions of them.
bool is_row_independent(const Expr* expr);

}  // namespace lora::cypher
