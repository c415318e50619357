#include "cypher/plan/passes.h"

namespace lora::cypher {

namespace {

// Rewrites `op` and what is below; *output gets the slots it gives.
LogicalOp* restore(PlanBuilder& b, LogicalOp* op, const SlotSet& argument, SlotSet* output) {
  SlotSet available, right_out;
  if (!op->inputs.empty()) {
    std::vector<LogicalOp*> inputs(op->inputs.begin(), op->inputs.end());
    inputs[0] = restore(b, inputs[0], argument, &available);

    SlotSet reads;
    OpUse use;
    op_use(*op, &use);
    if (op->kind != OpKind::kUnion && op->kind != OpKind::kHashJoin) {
      for (Slot s : use.reads) reads.add(s);
      for (const Expr* e : use.exprs) expr_reads(e, &reads);
      for (Slot s : use.locals) reads.remove(s);
      for (Slot s : use.adds) reads.remove(s);
      if (inputs.size() == 2 && right_is_applied(op->kind)) subtree_reads(inputs[1], &reads);
      if (const Slot extra = argument_extra(*op); extra != kNoSlot) reads.remove(extra);
    } else if (op->kind == OpKind::kUnion) {
      for (Slot s : static_cast<const Union*>(op)->left) reads.add(s);
    }
    bool missing = false;
    for (Slot s : reads.to_vector()) missing |= !available.has(s) && argument.has(s);
    if (missing) {
      auto* apply = b.make<Apply>();
      apply->estimated_rows = inputs[0]->estimated_rows;
      Stream left = b.argument(argument);
      apply->inputs = b.inputs({left.op, inputs[0]});
      inputs[0] = apply;
      available.add(argument);
    }
    if (inputs.size() == 2) {
      SlotSet right_argument = right_is_applied(op->kind) ? available : argument;
      right_argument.add(argument_extra(*op));
      inputs[1] = restore(b, inputs[1], right_argument, &right_out);
      if (op->kind == OpKind::kUnion) {
        bool lost = false;
        for (Slot s : static_cast<const Union*>(op)->right) lost |= !right_out.has(s) && argument.has(s);
        if (lost) {
          auto* apply = b.make<Apply>();
          apply->estimated_rows = inputs[1]->estimated_rows;
          Stream left = b.argument(argument);
          apply->inputs = b.inputs({left.op, inputs[1]});
          inputs[1] = apply;
        }
      }
    }
    op->inputs = b.array(inputs);
  }
  op_output(*op, argument, available, right_out, output);
  return op;
}

}  // namespace

LogicalOp* restore_arguments(PlanBuilder& builder, LogicalOp* root, const SlotSet& argument) {
  if (argument.empty()) return root;
  SlotSet output;
  return restore(builder, root, argument, &output);
}

}  // namespace lora::cypher
