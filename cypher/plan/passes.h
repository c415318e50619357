// The passes over a whole plan that follow clause planning. Each takes the root and gives the new root.
#pragma once

#include <unordered_map>
#include <vector>

#include "cypher/plan/builder.h"

namespace lora::cypher {

// Gives slots of the Argument back to operators above an aggregation (DISTINCT, UNION) that had dropped them, and to
// `top`, what is needed of the last rows: there the stream is applied to a fresh Argument row.
LogicalOp* restore_arguments(PlanBuilder& builder, LogicalOp* root, const SlotSet& argument, const SlotSet& top);

// Sets Eager barriers so that no clause sees what a later clause wrote, and each sees all that earlier ones wrote.
// `slot_types`: what a slot may hold, by slot; missing: anything.
LogicalOp* insert_barriers(PlanBuilder& builder, LogicalOp* root, const std::vector<TypeSet>& slot_types);

// Slots of each operator's output that are read above it. `top`: those read of the root's output.
using LiveSlots = std::unordered_map<const LogicalOp*, SlotSet>;
LiveSlots compute_live(const LogicalOp* root, const SlotSet& top);
// From the top down: `rewrite` gets each operator and the slots of its output that are read above, and gives the
// operator to stand in its place (itself: as it is, perhaps with less in it; another one is asked about again).
LogicalOp* rewrite_down(PlanBuilder& builder, LogicalOp* op, const SlotSet& above,
                        FunctionRef<LogicalOp*(LogicalOp*, const SlotSet&)> rewrite);
// Writes them into the operators.
void set_live(PlanBuilder& builder, LogicalOp* root, const SlotSet& top);

// Every slot is there where it is read, inputs fit, slots are in range; kInternal otherwise.
Status validate(const LogicalOp* root, const SlotSet& argument, Slot slot_count);

}  // namespace lora::cypher
