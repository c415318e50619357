#include "cypher/plan/rules/rules.h"

namespace lora::cypher {

// A hop to a new node, and from there into a bound one: the common neighbours of two bound nodes. Filters between the
// hops go above both.
LogicalOp* intersect_hops(const RuleContext& context, LogicalOp* root) {
  PlanBuilder& b = context.builder;
  return rewrite_up(b, root, [&](LogicalOp* op) -> LogicalOp* {
    if (op->kind != OpKind::kExpand) return op;
    const auto* into = static_cast<const Expand*>(op);
    if (!into->into || into->relationship_bound) return op;
    std::vector<Filter*> filters;
    LogicalOp* below = into->inputs[0];
    while (below->kind == OpKind::kFilter) {
      filters.push_back(static_cast<Filter*>(below));
      for (const Expr* e : filters.back()->predicates) {
        if (!is_deterministic(e)) return op;
      }
      below = below->inputs[0];
    }
    if (below->kind != OpKind::kExpand) return op;
    const auto* hop = static_cast<const Expand*>(below);
    if (hop->into || hop->relationship_bound || (into->from == hop->to) == (into->to == hop->to)) return op;
    auto* both = b.make<Intersect>();
    both->from = hop->from;
    both->to = hop->to;
    both->to_label = hop->to_label;
    both->first = {hop->relationship, hop->direction, hop->types, hop->differ_from};
    both->other = into->from == hop->to ? into->to : into->from;
    both->second = {
        into->relationship, into->from == hop->to ? reverse(into->direction) : into->direction, into->types, {}};
    std::vector<Slot> differ;
    for (Slot s : into->differ_from) {
      if (hop->relationship != kNoSlot && s == hop->relationship) {
        both->differ = true;
      } else {
        differ.push_back(s);
      }
    }
    both->second.differ_from = b.array(differ);
    both->inputs = hop->inputs;
    both->estimated_rows = into->estimated_rows;
    LogicalOp* top = both;
    for (size_t i = filters.size(); i-- > 0;) {
      filters[i]->inputs = b.inputs({top});
      filters[i]->estimated_rows = top->estimated_rows;
      top = filters[i];
    }
    return top;
  });
}

}  // namespace lora::cypher
