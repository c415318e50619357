#include <vector>

#include "cypher/plan/rules/rules.h"

namespace lora::cypher {

namespace {

bool is_collect(const Expr& e) {
  return e.kind == ExprKind::kAggregate && e.aggregate == find_aggregate("collect");
}

// size(slot): the list is asked for nothing but its length.
bool is_size_of(const Expr& e, Slot slot) {
  return e.kind == ExprKind::kFunction && e.function == find_function("size") && e.children.size() == 1 &&
         e.children[0]->kind == ExprKind::kSlot && e.children[0]->slot == slot;
}

// All of the plan reads `slot` in calls of size() only, and one operator fills it. Gives these calls.
bool is_only_counted(const LogicalOp* root, Slot slot, std::vector<const Expr*>* calls) {
  bool yes = true;
  size_t fillers = 0;
  for_each_op(root, [&](const LogicalOp& op) {
    OpUse use;
    op_use(op, &use);
    for (Slot read : use.reads) yes = yes && read != slot;
    for (Slot added : use.adds) fillers += added == slot;
    for (const Expr* expr : use.exprs) {
      for_each_expr(expr, [&](const Expr& e) {
        if (is_size_of(e, slot)) {
          calls->push_back(&e);
          return false;
        }
        yes = yes && (e.kind != ExprKind::kSlot || e.slot != slot);
        return yes;
      });
    }
    return yes;
  });
  return yes && fillers == 1;
}

}  // namespace

// collect(x) AS xs, of which only size(xs) is read -> count(x) AS xs, and xs. The plan is not finished and its own, so
// the calls are changed where they stand, for all who share them.
LogicalOp* count_collected(const RuleContext& context, LogicalOp* root) {
  PlanBuilder& b = context.builder;
  return rewrite_up(b, root, [&](LogicalOp* op) -> LogicalOp* {
    if (op->kind != OpKind::kAggregate) return op;
    auto* aggregate = static_cast<Aggregate*>(op);
    std::vector<Assignment> items(aggregate->aggregates.begin(), aggregate->aggregates.end());
    bool changed = false;
    for (Assignment& item : items) {
      std::vector<const Expr*> calls;
      if (!is_collect(*item.expr) || context.top.has(item.slot) || !is_only_counted(root, item.slot, &calls)) continue;
      auto* count = b.make<Expr>();
      *count = *item.expr;
      count->aggregate = find_aggregate("count");
      count->types = count->aggregate->result;
      item.expr = count;
      for (const Expr* call : calls) {
        auto* read = const_cast<Expr*>(call);
        read->kind = ExprKind::kSlot;
        read->slot = item.slot;
        read->children = {};
        read->function = nullptr;
      }
      changed = true;
    }
    if (changed) aggregate->aggregates = b.array(items);
    return op;
  });
}

}  // namespace lora::cypher
