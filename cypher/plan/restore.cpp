#include "cypher/plan/passes.h"

namespace lora::cypher {

namespace {

// `op` for each row of the argument, which stays.
LogicalOp* beside_argument(PlanBuilder& b, LogicalOp* op, const SlotSet& argument) {
  auto* apply = b.make<Apply>();
  apply->estimated_rows = op->estimated_rows;
  Stream left = b.argument(argument);
  apply->inputs = b.inputs({left.op, op});
  return apply;
}

// Rewrites `op` and what is below; *output gets the slots it gives.
LogicalOp* restore(PlanBuilder& b, LogicalOp* op, const SlotSet& argument, SlotSet* output) {
  SlotSet available, right_out;
  if (!op->inputs.empty()) {
    b.set_input(op, 0, restore(b, op->inputs[0], argument, &available));

    SlotSet reads;
    if (op->kind != OpKind::kUnion && op->kind != OpKind::kHashJoin) {
      own_reads(*op, &reads);
      if (op->inputs.size() == 2 && right_is_applied(op->kind)) subtree_reads(op->inputs[1], &reads);
      if (const Slot extra = argument_extra(*op); extra != kNoSlot) reads.remove(extra);
    } else if (op->kind == OpKind::kUnion) {
      for (Slot s : static_cast<const Union*>(op)->left) reads.add(s);
    }
    bool missing = false;
    reads.for_each([&](Slot s) { missing |= !available.has(s) && argument.has(s); });
    if (missing) {
      b.set_input(op, 0, beside_argument(b, op->inputs[0], argument));
      available.add(argument);
    }
    if (op->inputs.size() == 2) {
      SlotSet right_argument = right_is_applied(op->kind) ? available : argument;
      right_argument.add(argument_extra(*op));
      b.set_input(op, 1, restore(b, op->inputs[1], right_argument, &right_out));
      if (op->kind == OpKind::kUnion) {
        bool lost = false;
        for (Slot s : static_cast<const Union*>(op)->right) lost |= !right_out.has(s) && argument.has(s);
        if (lost) b.set_input(op, 1, beside_argument(b, op->inputs[1], argument));
      }
    }
  }
  OpUse use;
  op_use(*op, &use);
  op_output(*op, use, argument, available, right_out, output);
  return op;
}

// True when something at or below `op` that runs for each row of an outer one may lose that row's variables: it keeps
// to columns of its own, or it has rows that do not start from the Argument. At the top there is nothing to bring back.
bool may_lose(const LogicalOp& op, bool applied) {
  if (applied &&
      (narrows(op.kind) || op.kind == OpKind::kHashJoin || (op.inputs.empty() && op.kind != OpKind::kArgument))) {
    return true;
  }
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    if (may_lose(*op.inputs[i], applied || (i == 1 && right_is_applied(op.kind)))) return true;
  }
  return false;
}

}  // namespace

LogicalOp* restore_arguments(PlanBuilder& builder, LogicalOp* root, const SlotSet& argument, const SlotSet& top) {
  if (!may_lose(*root, !argument.empty())) return root;
  SlotSet output;
  root = restore(builder, root, argument, &output);
  bool lost = false;
  top.for_each([&](Slot s) { lost |= !output.has(s) && argument.has(s); });
  return lost ? beside_argument(builder, root, argument) : root;
}

}  // namespace lora::cypher
