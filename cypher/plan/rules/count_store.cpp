#include <algorithm>

#include "cypher/plan/rules/rules.h"

namespace lora::cypher {

namespace {

bool starts_once(const LogicalOp* op) {
  return op->inputs.empty() || op->inputs[0]->kind == OpKind::kArgument;
}

// count(*), or count(x) of a slot that is never null here. Gives the slot, kNoSlot for count(*).
bool is_plain_count(const Expr& e, Slot* counted, bool* distinct) {
  if (e.kind != ExprKind::kAggregate || e.aggregate == nullptr || e.aggregate->name != "count") return false;
  *counted = kNoSlot;
  *distinct = e.flag;
  if (e.children.empty()) return true;
  if (e.children.size() != 1 || e.children[0]->kind != ExprKind::kSlot) return false;
  *counted = e.children[0]->slot;
  return true;
}

std::vector<const NameRef*> without_repeats(std::span<const NameRef* const> names) {
  std::vector<const NameRef*> out;
  for (const NameRef* n : names) {
    if (std::none_of(out.begin(), out.end(), [&](const NameRef* o) { return o->name == n->name; })) out.push_back(n);
  }
  return out;
}

}  // namespace

// MATCH (n[:L]) RETURN count(*) and MATCH ([:L])-[:T]->([:L]) RETURN count(*), with at most one label: a counter.
LogicalOp* count_store(const RuleContext& context, LogicalOp* root) {
  PlanBuilder& b = context.builder;
  return rewrite_up(b, root, [&](LogicalOp* op) -> LogicalOp* {
    if (op->kind != OpKind::kAggregate) return op;
    auto* aggregate = static_cast<Aggregate*>(op);
    Slot counted = kNoSlot;
    bool distinct = false;
    if (!aggregate->keys.empty() || aggregate->aggregates.size() != 1 ||
        !is_plain_count(*aggregate->aggregates[0].expr, &counted, &distinct)) {
      return op;
    }
    const LogicalOp* below = aggregate->inputs[0];
    auto* store = b.make<CountStore>();
    store->count = aggregate->aggregates[0].slot;
    store->estimated_rows = 1;
    if (below->kind == OpKind::kAllNodesScan && starts_once(below)) {
      if (counted != kNoSlot && counted != static_cast<const AllNodesScan*>(below)->node) return op;
      return store;
    }
    if (below->kind == OpKind::kLabelScan && starts_once(below)) {
      const auto* scan = static_cast<const LabelScan*>(below);
      if (counted != kNoSlot && counted != scan->node) return op;
      store->label = scan->label;
      return store;
    }
    store->relationships = true;
    const NameRef* checked = nullptr;
    Slot checked_slot = kNoSlot;
    if (below->kind == OpKind::kFilter && below->inputs[0]->kind == OpKind::kRelationshipScan) {
      const auto* filter = static_cast<const Filter*>(below);
      if (filter->predicates.size() != 1) return op;
      const Expr& p = *filter->predicates[0];
      if (p.kind != ExprKind::kHasLabels || p.labels->kind != LabelExpr::Kind::kLeaf ||
          p.children[0]->kind != ExprKind::kSlot) {
        return op;
      }
      checked = p.labels->name;
      checked_slot = p.children[0]->slot;
      below = below->inputs[0];
    }
    if (below->kind == OpKind::kRelationshipScan && starts_once(below)) {
      const auto* scan = static_cast<const RelationshipScan*>(below);
      if (scan->both_directions) return op;
      const bool ends = counted == scan->from || counted == scan->to;
      if (counted != kNoSlot && counted != scan->relationship && (distinct || !ends)) return op;
      if (checked != nullptr) {
        if (checked_slot != scan->from && checked_slot != scan->to) return op;
        store->label = checked;
        store->direction = checked_slot == scan->from ? Direction::kOut : Direction::kIn;
      }
      store->types.names = b.array(without_repeats(scan->types.names));
      return store;
    }
    if (below->kind != OpKind::kExpand) return op;
    const auto* expand = static_cast<const Expand*>(below);
    if (expand->into || expand->relationship_bound || !expand->differ_from.empty() ||
        expand->direction == Direction::kBoth) {
      return op;
    }
    const LogicalOp* start = expand->inputs[0];
    if (!starts_once(start)) return op;
    const NameRef* from_label = nullptr;
    Slot from = kNoSlot;
    if (start->kind == OpKind::kAllNodesScan) {
      from = static_cast<const AllNodesScan*>(start)->node;
    } else if (start->kind == OpKind::kLabelScan) {
      from = static_cast<const LabelScan*>(start)->node;
      from_label = static_cast<const LabelScan*>(start)->label;
    }
    if (from == kNoSlot || from != expand->from || (from_label != nullptr && expand->to_label != nullptr)) return op;
    const bool ends = counted == expand->from || counted == expand->to;
    if (counted != kNoSlot && counted != expand->relationship && (distinct || !ends)) return op;
    store->types.names = b.array(without_repeats(expand->types.names));
    if (from_label != nullptr) {
      store->label = from_label;
      store->direction = expand->direction;
    } else if (expand->to_label != nullptr) {
      store->label = expand->to_label;
      store->direction = reverse(expand->direction);
    }
    return store;
  });
}

}  // namespace lora::cypher
