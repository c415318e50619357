#include <algorithm>
#include <iterator>

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

// Projections of values that nobody reads (mostly path variables), and relationship variables of expansions. What only
// they read is dropped, too: it stands below.
LogicalOp* drop_unused(const RuleContext& context, LogicalOp* root) {
  PlanBuilder& b = context.builder;
  return rewrite_down(b, root, context.top, [&](LogicalOp* op, const SlotSet& above) -> LogicalOp* {
    if (op->kind == OpKind::kProjection) {
      auto* p = static_cast<Projection*>(op);
      const auto unused = [&](const Assignment& a) { return !above.has(a.slot) && is_harmless(*a.expr); };
      if (std::none_of(p->items.begin(), p->items.end(), unused)) return op;
      std::vector<Assignment> kept;
      std::remove_copy_if(p->items.begin(), p->items.end(), std::back_inserter(kept), unused);
      if (kept.empty()) return p->inputs[0];
      p->items = b.array(kept);
    } else if (op->kind == OpKind::kExpand) {
      auto* e = static_cast<Expand*>(op);
      if (!e->relationship_bound && !above.has(e->relationship)) e->relationship = kNoSlot;
    }
    return op;
  });
}

}  // namespace lora::cypher
