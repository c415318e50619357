#include "cypher/plan/rules/rules.h"

namespace lora::cypher {

// Filter with EXISTS { } or NOT EXISTS { } as a whole conjunct -> SemiApply, which works on batches of rows.
LogicalOp* exists_to_semi_apply(const RuleContext& context, LogicalOp* root) {
  PlanBuilder& b = context.builder;
  return rewrite_up(b, root, [&](LogicalOp* op) -> LogicalOp* {
    if (op->kind != OpKind::kFilter) return op;
    auto* filter = static_cast<Filter*>(op);
    std::vector<const Expr*> rest;
    std::vector<SemiApply*> applies;
    for (const Expr* p : filter->predicates) {
      const bool anti = p->kind == ExprKind::kNot && p->children[0]->kind == ExprKind::kExists;
      const Expr* exists = anti ? p->children[0] : p;
      if (exists->kind != ExprKind::kExists || exists->subplan == nullptr) {
        rest.push_back(p);
        continue;
      }
      auto* apply = b.make<SemiApply>();
      apply->anti = anti;
      apply->inputs = b.inputs({nullptr, const_cast<LogicalOp*>(exists->subplan)});
      applies.push_back(apply);
    }
    if (applies.empty()) return op;
    LogicalOp* below = filter->inputs[0];
    if (!rest.empty()) {
      filter->predicates = b.array(rest);
      below = filter;
    }
    for (SemiApply* apply : applies) {
      apply->inputs = b.inputs({below, apply->inputs[1]});
      apply->estimated_rows = filter->estimated_rows;
      below = apply;
    }
    return below;
  });
}

}  // namespace lora::cypher
