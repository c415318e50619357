// Which slots are still needed: from the top down, so that operators carry and fill no more than that.
#include "cypher/plan/passes.h"

namespace lora::cypher {

namespace {

void compute(const LogicalOp* op, const SlotSet& above, LiveSlots* live) {
  (*live)[op].add(above);
  OpUse use;
  op_use(*op, &use);
  SlotSet reads;
  own_reads(*op, &reads);
  SlotSet needed;  // of the (left) input
  if (!narrows(op->kind)) {
    needed = above;
    for (Slot s : use.adds) needed.remove(s);
  }
  needed.add(reads);
  if (op->inputs.empty()) return;
  if (op->inputs.size() == 1) {
    compute(op->inputs[0], needed, live);
    return;
  }
  const LogicalOp* left = op->inputs[0];
  const LogicalOp* right = op->inputs[1];
  switch (op->kind) {
    case OpKind::kUnion: {
      const auto& u = static_cast<const Union&>(*op);
      SlotSet l, r;
      for (Slot s : u.left) l.add(s);
      for (Slot s : u.right) r.add(s);
      compute(left, l, live);
      compute(right, r, live);
      return;
    }
    case OpKind::kHashJoin: {
      const auto& j = static_cast<const HashJoin&>(*op);
      SlotSet l = above, r = above;
      for (const Expr* e : j.left_keys) expr_reads(e, &l);
      for (const Expr* e : j.right_keys) expr_reads(e, &r);
      compute(left, l, live);
      compute(right, r, live);
      return;
    }
    default: {
      // Applied right-hand sides read their left row.
      subtree_reads(right, &needed);
      if (const Slot extra = argument_extra(*op); extra != kNoSlot) needed.remove(extra);
      SlotSet right_needed;
      switch (op->kind) {
        case OpKind::kSemiApply:
        case OpKind::kForeach: break;
        case OpKind::kCallSubquery:
          if (!static_cast<const CallSubquery*>(op)->unit) right_needed = above;
          break;
        case OpKind::kRepeat: {
          const auto& r = static_cast<const Repeat&>(*op);
          right_needed.add(r.inner_to);
          for (Slot s : r.inner_relationships) right_needed.add(s);
          for (const Repeat::Group& g : r.groups) right_needed.add(g.inner);
          break;
        }
        case OpKind::kMerge: {
          // ON MATCH items read what the right-hand side found; what is created is found there as well.
          right_needed = above;
          SlotSet all;
          for (Slot s : use.reads) all.add(s);
          for (const Expr* e : use.exprs) expr_reads(e, &all);
          for (Slot s : use.adds) all.add(s);
          right_needed.add(all);
          needed.add(above);
          break;
        }
        default: right_needed = above;
      }
      compute(left, needed, live);
      compute(right, right_needed, live);
    }
  }
}

void annotate(PlanBuilder& b, LogicalOp* op, const LiveSlots& live, const SlotSet& argument, SlotSet* output) {
  SlotSet left_out, right_out;
  if (!op->inputs.empty()) {
    annotate(b, op->inputs[0], live, argument, &left_out);
    if (op->inputs.size() == 2) {
      SlotSet right_argument = right_is_applied(op->kind) ? left_out : argument;
      right_argument.add(argument_extra(*op));
      annotate(b, op->inputs[1], live, right_argument, &right_out);
    }
  }
  op_output(*op, argument, left_out, right_out, output);
  std::vector<Slot> slots;
  const auto it = live.find(op);
  if (it != live.end()) {
    for (Slot s : it->second.to_vector()) {
      if (output->has(s)) slots.push_back(s);
    }
  }
  op->live = b.array(slots);
  op->live_known = true;
}

}  // namespace

LiveSlots compute_live(const LogicalOp* root, const SlotSet& top) {
  LiveSlots live;
  compute(root, top, &live);
  return live;
}

void set_live(PlanBuilder& builder, LogicalOp* root, const SlotSet& top) {
  const LiveSlots live = compute_live(root, top);
  // What an Argument gives is found out by what is read from it, so any slot counts as available here.
  SlotSet argument;
  for (const auto& [op, slots] : live) argument.add(slots);
  SlotSet output;
  annotate(builder, root, live, argument, &output);
}

}  // namespace lora::cypher
