#include "cypher/plan/rules/rules.h"

#include <array>

#include "cypher/plan/planner.h"

namespace lora::cypher {

namespace {

struct Rule {
  std::string_view name;
  LogicalOp* (*apply)(const RuleContext&, LogicalOp*);
};

constexpr Rule kRules[] = {
    // One Filter where several stand on each other: the rules below look at one operator only.
    {"merge_filters", merge_filters},
    // What nobody reads goes first: the counting rules ask whether a slot is still needed.
    {"drop_unused", drop_unused},
    // Whole counts before counts by degree: they replace more.
    {"count_store", count_store},
    {"count_by_degree", count_by_degree},
    {"distinct_ends", distinct_ends},
    // On what is still a scan with its filter.
    {"scan_hint", scan_hint},
    // After the counting rules, which look for expansions and need no relationship one by one.
    {"scan_relationships", scan_relationships},
    {"intersect_hops", intersect_hops},
    // After the counting rules, which look for an aggregation's projection right below.
    {"late_projection", late_projection},
    // Last: it takes predicates out of Filters, which hides them from the others.
    {"exists_to_semi_apply", exists_to_semi_apply},
};

}  // namespace

LogicalOp* rewrite_up(PlanBuilder& builder, LogicalOp* op, FunctionRef<LogicalOp*(LogicalOp*)> rewrite) {
  bool changed = false;
  std::vector<LogicalOp*> inputs(op->inputs.begin(), op->inputs.end());
  for (LogicalOp*& input : inputs) {
    LogicalOp* better = rewrite_up(builder, input, rewrite);
    changed |= better != input;
    input = better;
  }
  if (changed) op->inputs = builder.array(inputs);
  return rewrite(op);
}

std::span<const std::string_view> rewrite_rule_names() {
  static const auto kNames = [] {
    std::array<std::string_view, std::size(kRules)> names;
    for (size_t i = 0; i < names.size(); ++i) names[i] = kRules[i].name;
    return names;
  }();
  return kNames;
}

Status apply_rules(PlanBuilder& builder, const SlotSet& argument, const SlotSet& top, LogicalOp** root) {
  const RuleContext context{builder, argument, top};
  for (size_t i = 0; i < std::size(kRules); ++i) {
    const Rule& rule = kRules[i];
    if ((builder.input().rules_off >> i & 1) != 0) continue;
    *root = rule.apply(context, *root);
#ifndef NDEBUG
    if (Status s = validate(*root, argument, builder.slot_count()); !s.ok()) {
      s.mutable_info().message += "; after the rule `" + std::string(rule.name) + "`";
      return s;
    }
#endif
  }
  return Status();
}

}  // namespace lora::cypher
