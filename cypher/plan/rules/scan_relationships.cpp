#include <optional>

#include "cypher/plan/rules/rules.h"

namespace lora::cypher {

// All nodes, then the relationships of each, where neither end is looked at: a scan of the relationships alone. It
// gives them in the order of their ids, so that properties read above lie side by side.
LogicalOp* scan_relationships(const RuleContext& context, LogicalOp* root) {
  PlanBuilder& b = context.builder;
  std::optional<LiveSlots> live;  // found out when needed first; replacing an expansion changes nothing of it elsewhere
  return rewrite_up(b, root, [&](LogicalOp* op) -> LogicalOp* {
    if (op->kind != OpKind::kExpand) return op;
    const auto* expand = static_cast<const Expand*>(op);
    if (expand->into || expand->relationship_bound || expand->to_label != nullptr || !expand->differ_from.empty() ||
        expand->inputs[0]->kind != OpKind::kAllNodesScan) {
      return op;
    }
    const auto* nodes = static_cast<const AllNodesScan*>(expand->inputs[0]);
    if (!live) live = compute_live(root, context.top);
    const auto above = live->find(op);
    if (nodes->node != expand->from || above == live->end() || above->second.has(expand->from) ||
        above->second.has(expand->to)) {
      return op;
    }
    auto* scan = b.make<RelationshipScan>();
    const bool in = expand->direction == Direction::kIn;
    scan->relationship = expand->relationship != kNoSlot ? expand->relationship : b.new_slot();
    scan->from = in ? expand->to : expand->from;
    scan->to = in ? expand->from : expand->to;
    scan->types = expand->types;
    scan->both_directions = expand->direction == Direction::kBoth;
    scan->inputs = nodes->inputs;
    scan->estimated_rows = expand->estimated_rows;
    return scan;
  });
}

}  // namespace lora::cypher
