// Rewrite rules: each takes a whole plan and gives an equal, cheaper one. One file a rule; the order is in rules.cpp.
//
// To add a rule: rules/NAME.cpp, its declaration here, one line in rules.cpp that says why it stands there and which
// operators it is about (without them in a plan it is not asked).
#pragma once

#include "cypher/plan/passes.h"

namespace lora::cypher {

struct RuleContext {
  PlanBuilder& builder;
  const SlotSet& argument;  // what the plan's Argument leaves give
  const SlotSet& top;       // slots read of the root's output
};

// Applies all rules in order. In debug builds the plan is validated after each.
Status apply_rules(PlanBuilder& builder, const SlotSet& argument, const SlotSet& top, LogicalOp** root);

// Rebuilds the plan from the leaves up: `rewrite` gives the replacement of each operator (mostly itself).
LogicalOp* rewrite_up(PlanBuilder& builder, LogicalOp* op, FunctionRef<LogicalOp*(LogicalOp*)> rewrite);

LogicalOp* merge_filters(const RuleContext& context, LogicalOp* root);
LogicalOp* exists_to_semi_apply(const RuleContext& context, LogicalOp* root);
LogicalOp* drop_unused(const RuleContext& context, LogicalOp* root);
LogicalOp* count_collected(const RuleContext& context, LogicalOp* root);
LogicalOp* count_store(const RuleContext& context, LogicalOp* root);
LogicalOp* count_by_degree(const RuleContext& context, LogicalOp* root);
LogicalOp* one_row_groups(const RuleContext& context, LogicalOp* root);
LogicalOp* scan_hint(const RuleContext& context, LogicalOp* root);
LogicalOp* scan_relationships(const RuleContext& context, LogicalOp* root);
LogicalOp* intersect_hops(const RuleContext& context, LogicalOp* root);
LogicalOp* distinct_ends(const RuleContext& context, LogicalOp* root);
LogicalOp* late_projection(const RuleContext& context, LogicalOp* root);

}  // namespace lora::cypher
