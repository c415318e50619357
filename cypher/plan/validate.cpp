#include <string>

#include "cypher/plan/passes.h"

namespace lora::cypher {

namespace {

Status broken(const LogicalOp& op, const std::string& what) {
  return Status::internal("the plan is broken at `" + std::string(op_name(op)) + "`: " + what);
}

Status out_of_range(const LogicalOp& op, Slot slot) {
  return broken(op, "slot " + std::to_string(slot) + " is out of range");
}

Status check(const LogicalOp* op, const SlotSet& argument, Slot slot_count, SlotSet* output) {
  const InputRange range = op_inputs(op->kind);
  if (op->inputs.size() < range.min || op->inputs.size() > range.max) {
    return broken(*op, "it has " + std::to_string(op->inputs.size()) + " inputs");
  }
  SlotSet available, right_out;
  if (!op->inputs.empty()) {
    LORA_TRY(check(op->inputs[0], argument, slot_count, &available));
  }
  if (op->inputs.size() == 2) {
    SlotSet right_argument = right_is_applied(op->kind) ? available : argument;
    right_argument.add(argument_extra(*op));
    LORA_TRY(check(op->inputs[1], right_argument, slot_count, &right_out));
  }
  OpUse use;
  op_use(*op, &use);
  SlotSet readable = available;
  if (op->kind == OpKind::kHashJoin || op->kind == OpKind::kUnion || op->kind == OpKind::kMerge)
    readable.add(right_out);
  for (Slot s : use.locals) readable.add(s);
  if (op->kind == OpKind::kMerge) {
    for (Slot s : use.adds) readable.add(s);
  }
  SlotSet reads;
  for (Slot s : use.reads) reads.add(s);
  for (const Expr* e : use.exprs) expr_reads(e, &reads);
  if (!readable.has_all(reads)) {
    reads.remove(readable);
    return broken(*op, "slot " + std::to_string(reads.to_vector().front()) + " is read but not there");
  }
  for (Slot s : use.adds) {
    if (s >= slot_count) return out_of_range(*op, s);
  }
  for (Slot s : use.locals) {
    if (s >= slot_count) return out_of_range(*op, s);
  }
  op_output(*op, use, argument, available, right_out, output);
  return Status();
}

}  // namespace

Status validate(const LogicalOp* root, const SlotSet& argument, Slot slot_count) {
  SlotSet output;
  return check(root, argument, slot_count, &output);
}

}  // namespace lora::cypher
