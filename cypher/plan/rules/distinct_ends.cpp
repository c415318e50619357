#include <optional>

#include "cypher/plan/rules/rules.h"

namespace lora::cypher {

// DISTINCT over rows in which a variable-length expansion's relationships are not looked at: each start needs each end
// only once, so a breadth-first search does. Right for at most one hop as the minimum: whatever is reached by a walk is
// reached by a shortest walk, and that repeats no relationship. Without a direction a minimum of one is left out, since
// there and back over one relationship is a walk but no path.
LogicalOp* distinct_ends(const RuleContext& context, LogicalOp* root) {
  PlanBuilder& b = context.builder;
  std::optional<LiveSlots> live;  // found out when needed first; marking an expansion changes nothing of it
  const auto mark = [&](LogicalOp* op) {
    // Down through operators that treat each row by itself, to the expansion.
    while (op->kind == OpKind::kFilter || op->kind == OpKind::kProjection) {
      if (op->inputs.empty()) return;
      OpUse use;
      op_use(*op, &use);
      for (const Expr* e : use.exprs) {
        if (!is_deterministic(e)) return;
      }
      op = op->inputs[0];
    }
    if (op->kind != OpKind::kVarExpand) return;
    auto* v = static_cast<VarExpand*>(op);
    if (!live) live = compute_live(root, context.top);
    const auto above = live->find(op);
    if (v->into || v->relationships_bound || !v->differ_from.empty() || v->min_hops > 1 || above == live->end() ||
        above->second.has(v->relationships)) {
      return;
    }
    if (v->direction == Direction::kBoth && v->min_hops == 1) return;
    v->distinct_ends = true;
  };
  return rewrite_up(b, root, [&](LogicalOp* op) -> LogicalOp* {
    if (op->kind == OpKind::kDistinct) mark(op->inputs[0]);
    if (op->kind == OpKind::kSemiApply) mark(op->inputs[1]);
    if (op->kind == OpKind::kAggregate) {
      const auto* aggregate = static_cast<const Aggregate*>(op);
      bool only_distinct = true;
      for (const Assignment& a : aggregate->aggregates) {
        const bool order_free =
            a.expr->aggregate != nullptr && (a.expr->aggregate->name == "count" || a.expr->aggregate->name == "min" ||
                                             a.expr->aggregate->name == "max");
        const bool insensitive = a.expr->aggregate != nullptr && a.expr->aggregate->name != "count" && order_free;
        only_distinct &= order_free && !a.expr->children.empty() && (a.expr->flag || insensitive);
      }
      if (only_distinct) mark(op->inputs[0]);
    }
    return op;
  });
}

}  // namespace lora::cypher
