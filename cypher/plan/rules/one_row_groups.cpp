#include <vector>

#include "cypher/plan/rules/rules.h"

namespace lora::cypher {

namespace {

// The node that each row of this chain has another one of: it scans, and only drops rows afterwards. kNoSlot: none.
Slot scanned_once(const LogicalOp* op) {
  for (;; op = op->inputs[0]) {
    const bool starts = op->inputs.empty() || op->inputs[0]->kind == OpKind::kArgument;
    switch (op->kind) {
      case OpKind::kLabelScan: return starts ? static_cast<const LabelScan*>(op)->node : kNoSlot;
      case OpKind::kAllNodesScan: return starts ? static_cast<const AllNodesScan*>(op)->node : kNoSlot;
      case OpKind::kFilter:
      case OpKind::kDegree:
      case OpKind::kProjection:
      case OpKind::kSemiApply: break;
      default: return kNoSlot;
    }
  }
}

// A count, which is never null; types tell nothing of nulls.
bool is_count(const LogicalOp* rows, const Expr& e) {
  if (e.kind == ExprKind::kCount) return true;
  if (e.kind != ExprKind::kSlot) return false;
  for (const LogicalOp* op = rows;; op = op->inputs[0]) {
    if (op->kind == OpKind::kDegree && static_cast<const Degree*>(op)->degree == e.slot) return true;
    if (op->inputs.empty()) return false;
  }
}

// What the aggregate is for a group of one of these rows; null: not known.
const Expr* of_one_row(PlanBuilder& b, const LogicalOp* rows, const Expr& e) {
  // The sum of a null is 0.
  if (e.aggregate == find_aggregate("sum") && e.children.size() == 1 && is_count(rows, *e.children[0])) {
    return e.children[0];
  }
  if (e.aggregate == find_aggregate("count") && e.children.empty()) {
    Expr* one = b.arena().make<Expr>();
    one->kind = ExprKind::kConstant;
    one->value = b.arena().value(Value::integer(1));
    one->types = type_bit(ValueType::kInteger);
    return one;
  }
  return nullptr;
}

}  // namespace

// Groups by a node that every row has another one of: each row is a group.
LogicalOp* one_row_groups(const RuleContext& context, LogicalOp* root) {
  PlanBuilder& b = context.builder;
  return rewrite_up(b, root, [&](LogicalOp* op) -> LogicalOp* {
    if (op->kind != OpKind::kAggregate) return op;
    const auto& aggregate = *static_cast<const Aggregate*>(op);
    if (aggregate.keys.empty()) return op;
    const Slot node = scanned_once(op->inputs[0]);
    bool by_node = false;
    std::vector<Assignment> items;
    for (const Assignment& key : aggregate.keys) {
      const bool plain = key.expr->kind == ExprKind::kSlot;
      by_node = by_node || (plain && node != kNoSlot && key.expr->slot == node);
      if (!plain || key.expr->slot != key.slot) items.push_back(key);
    }
    if (!by_node) return op;
    for (const Assignment& a : aggregate.aggregates) {
      const Expr* value = of_one_row(b, op->inputs[0], *a.expr);
      if (value == nullptr) return op;
      items.push_back({a.slot, value});
    }
    auto* projection = b.make<Projection>();
    projection->items = b.array(items);
    projection->inputs = op->inputs;
    projection->estimated_rows = op->inputs[0]->estimated_rows;
    return projection;
  });
}

}  // namespace lora::cypher
