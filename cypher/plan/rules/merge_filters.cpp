#include "cypher/plan/rules/rules.h"

namespace lora::cypher {

// Filter(Filter(x)) -> Filter(x): the lower one's predicates first.
LogicalOp* merge_filters(const RuleContext& context, LogicalOp* root) {
  return rewrite_up(context.builder, root, [&](LogicalOp* op) -> LogicalOp* {
    if (op->kind != OpKind::kFilter || op->inputs[0]->kind != OpKind::kFilter) return op;
    auto* upper = static_cast<Filter*>(op);
    auto* lower = static_cast<Filter*>(op->inputs[0]);
    std::vector<const Expr*> all(lower->predicates.begin(), lower->predicates.end());
    all.insert(all.end(), upper->predicates.begin(), upper->predicates.end());
    upper->predicates = context.builder.array(all);
    upper->inputs = lower->inputs;
    return upper;
  });
}

}  // namespace lora::cypher
