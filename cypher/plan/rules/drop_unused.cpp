#include <algorithm>

#include "cypher/plan/rules/rules.h"

namespace lora::cypher {

namespace {

// Leaving it out is not noticed: no errors, no effects.
bool is_harmless(const Expr& e) {
  bool yes = true;
  for_each_expr(&e, [&](const Expr& x) {
    switch (x.kind) {
      case ExprKind::kConstant:
      case ExprKind::kLiteral:
      case ExprKind::kSlot:
      case ExprKind::kPath: break;
      default: yes = false;
    }
    return yes;
  });
  return yes;
}

}  // namespace

// Projections of values that nobody reads (mostly path variables), and relationship variables of expansions.
LogicalOp* drop_unused(const RuleContext& context, LogicalOp* root) {
  PlanBuilder& b = context.builder;
  // Dropping an expression may leave others unread: until nothing changes, at most once per level of such chains.
  for (int round = 0; round < 4; ++round) {
    bool changed = false;
    const LiveSlots live = compute_live(root, context.top);
    root = rewrite_up(b, root, [&](LogicalOp* op) -> LogicalOp* {
      const auto found = live.find(op);
      if (found == live.end()) return op;
      const SlotSet& above = found->second;
      if (op->kind == OpKind::kProjection) {
        auto* p = static_cast<Projection*>(op);
        std::vector<Assignment> kept;
        for (const Assignment& a : p->items) {
          if (above.has(a.slot) || !is_harmless(*a.expr)) kept.push_back(a);
        }
        if (kept.size() == p->items.size()) return op;
        changed = true;
        if (kept.empty()) return p->inputs[0];
        p->items = b.array(kept);
      } else if (op->kind == OpKind::kExpand) {
        auto* e = static_cast<Expand*>(op);
        if (!e->relationship_bound && e->relationship != kNoSlot && !above.has(e->relationship)) {
          e->relationship = kNoSlot;
          changed = true;
        }
      }
      return op;
    });
    if (!changed) break;
  }
  return root;
}

}  // namespace lora::cypher
