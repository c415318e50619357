// Which slots are still needed: from the top down, so that operators carry and fill no more than that.
#include "cypher/plan/passes.h"

namespace lora::cypher {

namespace {

// What the right input must give, given what is read above `op`.
SlotSet right_needed(const LogicalOp& op, const OpUse& use, const SlotSet& above) {
  SlotSet needed;
  switch (op.kind) {
    case OpKind::kUnion:
      for (Slot s : static_cast<const Union&>(op).right) needed.add(s);
      break;
    case OpKind::kHashJoin:
      needed = above;
      for (const Expr* e : static_cast<const HashJoin&>(op).right_keys) expr_reads(e, &needed);
      break;
    case OpKind::kSemiApply:
    case OpKind::kForeach: break;
    case OpKind::kCallSubquery:
      if (!static_cast<const CallSubquery&>(op).unit) needed = above;
      break;
    case OpKind::kRepeat: {
      const auto& r = static_cast<const Repeat&>(op);
      needed.add(r.inner_to);
      for (Slot s : r.inner_relationships) needed.add(s);
      for (const Repeat::Group& g : r.groups) needed.add(g.inner);
      break;
    }
    case OpKind::kMerge:
      // ON MATCH items read what the right-hand side found; what is created is found there as well.
      needed = above;
      for (Slot s : use.reads) needed.add(s);
      for (const Expr* e : use.exprs) expr_reads(e, &needed);
      for (Slot s : use.adds) needed.add(s);
      break;
    default: needed = above;
  }
  return needed;
}

// The same for the only or left input.
SlotSet left_needed(const LogicalOp& op, const OpUse& use, const SlotSet& above) {
  SlotSet needed;
  if (op.kind == OpKind::kUnion) {
    for (Slot s : static_cast<const Union&>(op).left) needed.add(s);
    return needed;
  }
  if (op.kind == OpKind::kHashJoin) {
    needed = above;
    for (const Expr* e : static_cast<const HashJoin&>(op).left_keys) expr_reads(e, &needed);
    return needed;
  }
  if (!narrows(op.kind)) {
    needed = above;
    if (op.kind != OpKind::kMerge) {
      for (Slot s : use.adds) needed.remove(s);
    }
  }
  own_reads(op, use, &needed);
  if (op.inputs.size() == 2) {
    // Applied right-hand sides read their left row.
    subtree_reads(op.inputs[1], &needed);
    if (const Slot extra = argument_extra(op); extra != kNoSlot) needed.remove(extra);
  }
  return needed;
}

void compute(const LogicalOp* op, const SlotSet& above, LiveSlots* live) {
  (*live)[op].add(above);
  if (op->inputs.empty()) return;
  SlotSet left, right;
  {
    OpUse use;
    op_use(*op, &use);
    left = left_needed(*op, use, above);
    if (op->inputs.size() == 2) right = right_needed(*op, use, above);
  }
  compute(op->inputs[0], left, live);
  if (op->inputs.size() == 2) compute(op->inputs[1], right, live);
}

// `argument`: what an Argument gives here; null: at the top, whatever is read from it. *output gets what `op` gives.
void annotate(PlanBuilder& b, LogicalOp* op, const SlotSet& above, const SlotSet* argument, SlotSet* output) {
  OpUse use;
  op_use(*op, &use);
  SlotSet left_out, right_out;
  if (!op->inputs.empty()) {
    annotate(b, op->inputs[0], left_needed(*op, use, above), argument, &left_out);
    if (op->inputs.size() == 2) {
      const SlotSet needed = right_needed(*op, use, above);
      if (right_is_applied(op->kind)) {
        SlotSet row = left_out;
        row.add(argument_extra(*op));
        annotate(b, op->inputs[1], needed, &row, &right_out);
      } else {
        annotate(b, op->inputs[1], needed, argument, &right_out);
      }
    }
  }
  op_output(*op, use, argument != nullptr ? *argument : above, left_out, right_out, output);
  SlotSet live = above;
  live.keep(*output);
  op->live = b.slots(live);
  op->live_known = true;
}

}  // namespace

LiveSlots compute_live(const LogicalOp* root, const SlotSet& top) {
  LiveSlots live;
  compute(root, top, &live);
  return live;
}

LogicalOp* rewrite_down(PlanBuilder& builder, LogicalOp* op, const SlotSet& above,
                        FunctionRef<LogicalOp*(LogicalOp*, const SlotSet&)> rewrite) {
  for (LogicalOp* better = rewrite(op, above); better != op; better = rewrite(op, above)) op = better;
  if (op->inputs.empty()) return op;
  OpUse use;
  op_use(*op, &use);
  // The right input first: what it no longer reads the left one need not give.
  if (op->inputs.size() == 2) {
    builder.set_input(op, 1, rewrite_down(builder, op->inputs[1], right_needed(*op, use, above), rewrite));
  }
  builder.set_input(op, 0, rewrite_down(builder, op->inputs[0], left_needed(*op, use, above), rewrite));
  return op;
}

void set_live(PlanBuilder& builder, LogicalOp* root, const SlotSet& top) {
  SlotSet output;
  annotate(builder, root, top, nullptr, &output);
}

}  // namespace lora::cypher
