#include <algorithm>

#include "cypher/plan/rules/rules.h"

namespace lora::cypher {

namespace {

void find_lists(const LogicalOp* op, SlotSet* single) {
  for_each_op(
      op,
      [&](const LogicalOp& o) {
        if (o.kind == OpKind::kExpand) single->add(static_cast<const Expand&>(o).relationship);
        if (o.kind == OpKind::kRelationshipScan) single->add(static_cast<const RelationshipScan&>(o).relationship);
        if (o.kind == OpKind::kRelationshipByIdSeek)
          single->add(static_cast<const RelationshipByIdSeek&>(o).relationship);
        return true;
      },
      false);
}

// The node at one end (kOut: start, kIn: end) of a relationship that an operator of this chain has found.
Slot end_of(const LogicalOp* chain, Slot relationship, Direction direction) {
  for (const LogicalOp* op = chain; op != nullptr; op = op->inputs.empty() ? nullptr : op->inputs[0]) {
    Slot start = kNoSlot, end = kNoSlot;
    if (op->kind == OpKind::kExpand && static_cast<const Expand*>(op)->relationship == relationship) {
      const auto& e = *static_cast<const Expand*>(op);
      if (e.direction == Direction::kBoth) return kNoSlot;
      start = e.direction == Direction::kOut ? e.from : e.to;
      end = e.direction == Direction::kOut ? e.to : e.from;
    } else if (op->kind == OpKind::kRelationshipScan &&
               static_cast<const RelationshipScan*>(op)->relationship == relationship) {
      const auto& s = *static_cast<const RelationshipScan*>(op);
      if (s.both_directions) return kNoSlot;
      start = s.from;
      end = s.to;
    } else if (narrows(op->kind)) {
      return kNoSlot;
    } else {
      continue;
    }
    return direction == Direction::kOut ? start : end;
  }
  return kNoSlot;
}

}  // namespace

// Aggregate of nothing but count(*) over a last expansion whose end is not looked at: the sum of degrees, without
// expanding. Exact: the degree leaves out the relationships that the expansion would have had to differ from.
LogicalOp* count_by_degree(const RuleContext& context, LogicalOp* root) {
  PlanBuilder& b = context.builder;
  const AggregateSpec* sum = find_aggregate("sum");
  if (sum == nullptr) return root;
  return rewrite_up(b, root, [&](LogicalOp* op) -> LogicalOp* {
    if (op->kind != OpKind::kAggregate) return op;
    auto* aggregate = static_cast<Aggregate*>(op);
    if (aggregate->aggregates.empty() || aggregate->inputs[0]->kind != OpKind::kExpand) return op;
    const auto* expand = static_cast<const Expand*>(aggregate->inputs[0]);
    if (expand->into || expand->relationship_bound || expand->direction == Direction::kBoth ||
        expand->to_label != nullptr) {
      return op;
    }
    SlotSet single;
    find_lists(expand, &single);
    for (Slot s : expand->differ_from) {
      if (!single.has(s)) return op;
    }
    for (const Assignment& a : aggregate->keys) {
      SlotSet reads;
      expr_reads(a.expr, &reads);
      if (reads.has(expand->to) || (expand->relationship != kNoSlot && reads.has(expand->relationship))) return op;
    }
    for (const Assignment& a : aggregate->aggregates) {
      const Expr& e = *a.expr;
      if (e.aggregate == nullptr || e.aggregate->name != "count" || e.flag || e.children.size() > 1) return op;
      if (e.children.size() == 1) {
        const Expr& x = *e.children[0];
        const bool never_null =
            x.kind == ExprKind::kSlot && (x.slot == expand->to || x.slot == expand->from ||
                                          (expand->relationship != kNoSlot && x.slot == expand->relationship));
        if (!never_null) return op;
      }
    }
    auto* degree = b.make<Degree>();
    degree->from = expand->from;
    degree->degree = b.new_slot();
    degree->direction = expand->direction;
    std::vector<const NameRef*> types;
    for (const NameRef* n : expand->types.names) {
      if (std::none_of(types.begin(), types.end(), [&](const NameRef* o) { return o->name == n->name; }))
        types.push_back(n);
    }
    degree->types.names = b.array(types);
    degree->differ_from = expand->differ_from;
    std::vector<Slot> ends;
    for (Slot s : expand->differ_from) ends.push_back(end_of(expand->inputs[0], s, expand->direction));
    degree->differ_ends = b.array(ends);
    degree->inputs = expand->inputs;
    degree->estimated_rows = expand->inputs[0]->estimated_rows;
    LogicalOp* below = degree;
    if (!aggregate->keys.empty()) {
      // Groups are made of rows: a node without such relationships has none.
      auto* some = b.make<Filter>();
      auto* zero = b.arena().make<Expr>();
      zero->kind = ExprKind::kConstant;
      zero->value = b.arena().value(Value::integer(0));
      zero->types = type_bit(ValueType::kInteger);
      Expr* number = b.slot_expr(degree->degree);
      number->types = type_bit(ValueType::kInteger);
      some->predicates = b.array(std::vector<const Expr*>{b.compare(number, '>', zero)});
      some->inputs = b.inputs({below});
      some->estimated_rows = below->estimated_rows;
      below = some;
    }
    std::vector<Assignment> sums;
    for (const Assignment& a : aggregate->aggregates) {
      Expr* e = b.expr(ExprKind::kAggregate, {b.slot_expr(degree->degree)});
      e->aggregate = sum;
      e->types = type_bit(ValueType::kInteger);
      sums.push_back({a.slot, e});
    }
    aggregate->aggregates = b.array(sums);
    aggregate->inputs = b.inputs({below});
    return aggregate;
  });
}

}  // namespace lora::cypher
