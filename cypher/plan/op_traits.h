// What every operator reads, evaluates, adds and changes: the one table that generic passes (live slots, validation,
// eager barriers, explain) go by, so that only a pass with something special to say names an operator.
//
// To add an operator: its struct in logical.h, its cases here, one file in exec/.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "cypher/plan/logical.h"

namespace lora::cypher {

// Neo4j's names: "NodeByLabelScan", "Expand(All)", "Top", ...
std::string_view op_name(const LogicalOp& op);

// How many inputs the operator has.
struct InputRange {
  uint8_t min = 0, max = 0;
};
InputRange op_inputs(OpKind kind);

// The right input starts from an Argument that gives the left input's row (Apply and its kin).
bool right_is_applied(OpKind kind);
// The slot that the Argument of an applied right input has besides those of the left row; kNoSlot: none.
Slot argument_extra(const LogicalOp& op);
// Output slots are only those in adds(); the input's are gone.
bool narrows(OpKind kind);
bool is_write(OpKind kind);

struct OpUse {
  std::vector<const Expr*> exprs;  // evaluated by the operator itself (no null pointers)
  std::vector<Slot> reads;         // slots read directly, without an expression
  std::vector<Slot> adds;          // slots that it fills (with a narrowing operator: all of its output)
  std::vector<Slot> locals;        // filled while evaluating, never in its output (hop slots)
};
void op_use(const LogicalOp& op, OpUse* use);

// Visits `op` and everything below it, subplans of expressions too; parents first. False from the visitor: not deeper.
void for_each_op(const LogicalOp* op, const std::function<bool(const LogicalOp&)>& visit, bool subplans = true);
// Visits `expr` and all below it, not into subplans; parents first. False: not deeper.
void for_each_expr(const Expr* expr, const std::function<bool(const Expr&)>& visit);

// A set of slots of one plan.
class SlotSet {
 public:
  void add(Slot s) {
    if (s == kNoSlot) return;
    if (s / 64 >= words_.size()) words_.resize(s / 64 + 1);
    words_[s / 64] |= uint64_t{1} << (s % 64);
  }
  void remove(Slot s) {
    if (s / 64 < words_.size()) words_[s / 64] &= ~(uint64_t{1} << (s % 64));
  }
  bool has(Slot s) const { return s / 64 < words_.size() && ((words_[s / 64] >> (s % 64)) & 1) != 0; }
  void add(const SlotSet& other) {
    if (other.words_.size() > words_.size()) words_.resize(other.words_.size());
    for (size_t i = 0; i < other.words_.size(); ++i) words_[i] |= other.words_[i];
  }
  bool has_all(const SlotSet& other) const {
    for (size_t i = 0; i < other.words_.size(); ++i) {
      if ((other.words_[i] & ~(i < words_.size() ? words_[i] : 0)) != 0) return false;
    }
    return true;
  }
  bool intersects(const SlotSet& other) const {
    for (size_t i = 0; i < other.words_.size() && i < words_.size(); ++i) {
      if ((other.words_[i] & words_[i]) != 0) return true;
    }
    return false;
  }
  bool empty() const {
    for (uint64_t w : words_) {
      if (w != 0) return false;
    }
    return true;
  }
  std::vector<Slot> to_vector() const {
    std::vector<Slot> out;
    for (size_t i = 0; i < words_.size(); ++i) {
      for (uint64_t w = words_[i]; w != 0; w &= w - 1) out.push_back(static_cast<Slot>(i * 64 + __builtin_ctzll(w)));
    }
    return out;
  }

 private:
  std::vector<uint64_t> words_;
};

// Slots of the row that the expression (with its subplans) reads; its own local variables are left out.
void expr_reads(const Expr* expr, SlotSet* out);
// What a whole subtree reads from the row of its Argument.
void subtree_reads(const LogicalOp* op, SlotSet* out);
// Slots in the output of `op`, given those of its inputs and those that an Argument gives here.
void op_output(const LogicalOp& op, const SlotSet& argument, const SlotSet& left, const SlotSet& right, SlotSet* out);

// The expression gives the same answer whenever it is evaluated on a row of this statement: no rand(), no randomUUID().
bool is_deterministic(const Expr* expr);
// Depends on nothing of the row: constants, literals, parameters and functions of them.
bool is_row_independent(const Expr* expr);

}  // namespace lora::cypher
