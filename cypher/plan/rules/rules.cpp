#include "cypher/plan/rules/rules.h"

#include <array>

#include "cypher/plan/planner.h"

namespace lora::cypher {

namespace {

struct Rule {
  std::string_view name;
  OpKinds about;  // it changes nothing where a plan has none of these
  LogicalOp* (*apply)(const RuleContext&, LogicalOp*);
};

constexpr Rule kRules[] = {
    // One Filter where several stand on each other: the rules below look at one operator only.
    {"merge_filters", kind_bit(OpKind::kFilter), merge_filters},
    // What nobody reads goes first: the counting rules ask whether a slot is still needed.
    {"drop_unused", kind_bit(OpKind::kProjection) | kind_bit(OpKind::kExpand), drop_unused},
    // Then what is left of lists, before the counting rules: it makes counts.
    {"count_collected", kind_bit(OpKind::kAggregate), count_collected},
    // Whole counts before counts by degree: they replace more.
    {"count_store", kind_bit(OpKind::kAggregate), count_store},
    {"count_by_degree", kind_bit(OpKind::kAggregate), count_by_degree},
    // What the counts by degree leave is often one row for each node.
    {"one_row_groups", kind_bit(OpKind::kAggregate), one_row_groups},
    {"distinct_ends", kind_bit(OpKind::kVarExpand), distinct_ends},
    // On what is still a scan with its filter.
    {"scan_hint", kind_bit(OpKind::kLabelScan) | kind_bit(OpKind::kAllNodesScan), scan_hint},
    // After the counting rules, which look for expansions and need no relationship one by one.
    {"scan_relationships", kind_bit(OpKind::kAllNodesScan), scan_relationships},
    {"intersect_hops", kind_bit(OpKind::kExpand), intersect_hops},
    // After the counting rules, which look for an aggregation's projection right below.
    {"late_projection", kind_bit(OpKind::kSort), late_projection},
    // Last: it takes predicates out of Filters, which hides them from the others.
    {"exists_to_semi_apply", kind_bit(OpKind::kFilter), exists_to_semi_apply},
};

}  // namespace

LogicalOp* rewrite_up(PlanBuilder& builder, LogicalOp* op, FunctionRef<LogicalOp*(LogicalOp*)> rewrite) {
  for (size_t i = 0; i < op->inputs.size(); ++i) {
    builder.set_input(op, i, rewrite_up(builder, op->inputs[i], rewrite));
  }
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
    if ((builder.input().rules_off >> i & 1) != 0 || (kinds_below(*root) & rule.about) == 0) continue;
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
