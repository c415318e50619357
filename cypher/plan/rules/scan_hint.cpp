#include <algorithm>

#include "cypher/plan/rules/rules.h"

namespace lora::cypher {

namespace {

// Evaluating it earlier, or for no row at all, makes no difference.
bool is_plain(const Expr& e) {
  return e.kind == ExprKind::kParameter || e.kind == ExprKind::kLiteral || e.kind == ExprKind::kConstant ||
         e.kind == ExprKind::kSlot;
}

ScanHint hint_of(const Filter& filter, Slot node) {
  for (const Expr* p : filter.predicates) {
    if (p->kind != ExprKind::kCompare || p->ops != "=") continue;
    const Expr* key = p->children[0];
    const Expr* value = p->children[1];
    if (key->kind != ExprKind::kProperty) std::swap(key, value);
    if (key->kind == ExprKind::kProperty && key->children[0]->kind == ExprKind::kSlot &&
        key->children[0]->slot == node && is_plain(*value) &&
        !(value->kind == ExprKind::kSlot && value->slot == node)) {
      return {key->names[0], value};
    }
  }
  return {};
}

}  // namespace

// Filter n.key = value over a scan of n: the scan is told, and gives fewer nodes when it knows which can fit
// (graph/property_hash.h). The filter stays.
LogicalOp* scan_hint(const RuleContext& context, LogicalOp* root) {
  return rewrite_up(context.builder, root, [](LogicalOp* op) {
    if (op->kind != OpKind::kFilter) return op;
    auto* filter = static_cast<Filter*>(op);
    LogicalOp* below = filter->inputs[0];
    if (below->kind == OpKind::kLabelScan) {
      auto* scan = static_cast<LabelScan*>(below);
      scan->hint = hint_of(*filter, scan->node);
    } else if (below->kind == OpKind::kAllNodesScan) {
      auto* scan = static_cast<AllNodesScan*>(below);
      scan->hint = hint_of(*filter, scan->node);
    }
    return op;
  });
}

}  // namespace lora::cypher
