#include <algorithm>

#include "cypher/plan/rules/rules.h"

namespace lora::cypher {

namespace {

// A property of an entity: reading it cannot fail, and it costs more than carrying the entity on.
bool may_wait(const Expr& e) {
  return e.kind == ExprKind::kProperty && e.children[0]->kind == ExprKind::kSlot &&
         (e.children[0]->types & ~kEntityTypes) == 0;
}

bool writes_below(const LogicalOp* op) {
  bool found = false;
  for_each_op(op, [&found](const LogicalOp& o) {
    found = found || is_write(o.kind);
    return !found;
  });
  return found;
}

}  // namespace

// Top(Projection(x)) -> Projection(Top(Projection(x))): properties that the order does not ask for are read of the rows
// that are left.
LogicalOp* late_projection(const RuleContext& context, LogicalOp* root) {
  PlanBuilder& b = context.builder;
  return rewrite_up(b, root, [&b](LogicalOp* op) -> LogicalOp* {
    if (op->kind != OpKind::kSort || op->inputs[0]->kind != OpKind::kProjection) return op;
    auto* sort = static_cast<Sort*>(op);
    auto* projection = static_cast<Projection*>(op->inputs[0]);
    if (sort->limit == nullptr || sort->estimated_rows * 4 > projection->estimated_rows) return op;
    SlotSet in_order, assigned;
    for (const SortKey& key : sort->keys) expr_reads(key.expr, &in_order);
    for (const Assignment& item : projection->items) assigned.add(item.slot);
    std::vector<Assignment> now, later;
    for (const Assignment& item : projection->items) {
      const bool waits =
          may_wait(*item.expr) && !in_order.has(item.slot) && !assigned.has(item.expr->children[0]->slot);
      (waits ? later : now).push_back(item);
    }
    if (later.empty() || writes_below(projection)) return op;
    if (now.empty()) {
      sort->inputs = projection->inputs;
    } else {
      projection->items = b.array(now);
    }
    auto* late = b.make<Projection>();
    late->items = b.array(later);
    late->estimated_rows = sort->estimated_rows;
    late->inputs = b.inputs({sort});
    return late;
  });
}

}  // namespace lora::cypher
