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

std::vector<const NameRef*> without_repeats(std::span<const NameRef* const> names) {
  std::vector<const NameRef*> out;
  for (const NameRef* n : names) {
    if (std::none_of(out.begin(), out.end(), [&](const NameRef* o) { return o->name == n->name; })) out.push_back(n);
  }
  return out;
}

// What both selections mean; false: nothing.
bool common_types(PlanBuilder& b, const TypeSelection& x, const TypeSelection& y, TypeSelection* out) {
  if (x.names.empty() || y.names.empty()) {
    *out = x.names.empty() ? y : x;
    return true;
  }
  std::vector<const NameRef*> names;
  for (const NameRef* n : without_repeats(x.names)) {
    if (std::any_of(y.names.begin(), y.names.end(), [&](const NameRef* o) { return o->name == n->name; }))
      names.push_back(n);
  }
  out->names = b.array(names);
  return !names.empty();
}

// Where the rows below an aggregation that only counts them are made, from the top down: how many rows each remaining
// row stands for.
class RowCounter {
 public:
  RowCounter(PlanBuilder& builder, Aggregate* aggregate) : b_(builder), aggregate_(*aggregate) {
    for (const Assignment& a : aggregate->keys) expr_reads(a.expr, &key_reads_);
  }

  void run() {
    if (aggregate_.aggregates.empty()) return;
    top_ = aggregate_.inputs[0];
    const bool last = take_last_hop();
    const bool first = take_first_hop();
    if (last || first) finish();
  }

 private:
  // All aggregates are count(*) or count of something that the hop never gives as null.
  bool only_counts(const Expand& hop) const {
    for (const Assignment& a : aggregate_.aggregates) {
      const Expr& e = *a.expr;
      if (e.aggregate == nullptr || e.aggregate->name != "count" || e.flag || e.children.size() > 1) return false;
      if (e.children.empty()) continue;
      const Expr& x = *e.children[0];
      const bool never_null =
          x.kind == ExprKind::kSlot &&
          (x.slot == hop.to || x.slot == hop.from || (hop.relationship != kNoSlot && x.slot == hop.relationship));
      if (!never_null) return false;
    }
    return true;
  }
  bool is_key(const Expand& hop, Slot node) const {
    return key_reads_.has(node) || (hop.relationship != kNoSlot && key_reads_.has(hop.relationship));
  }
  static bool is_plain(const Expand& hop) {
    return !hop.into && !hop.relationship_bound && hop.direction != Direction::kBoth;
  }

  Degree* make_degree(Slot from, Direction direction, const TypeSelection& types, const NameRef* to_label) {
    auto* degree = b_.make<Degree>();
    degree->from = from;
    degree->degree = b_.new_slot();
    degree->direction = direction;
    degree->types.names = b_.array(without_repeats(types.names));
    degree->to_label = to_label;
    return degree;
  }
  // Puts it on top of what is there.
  Slot add(Degree* degree) {
    degree->inputs = b_.inputs({top_});
    degree->estimated_rows = top_->estimated_rows;
    top_ = degree;
    return degree->degree;
  }

  // A last expansion whose end is not looked at: its degree. Exact: the degree leaves out the relationships that the
  // expansion would have had to differ from.
  bool take_last_hop() {
    if (top_->kind != OpKind::kExpand) return false;
    const auto& hop = *static_cast<const Expand*>(top_);
    if (!is_plain(hop) || !only_counts(hop) || is_key(hop, hop.to)) return false;
    SlotSet single;
    find_lists(&hop, &single);
    for (Slot s : hop.differ_from) {
      if (!single.has(s)) return false;
    }
    last_ = make_degree(hop.from, hop.direction, hop.types, hop.to_label);
    last_->differ_from = hop.differ_from;
    std::vector<Slot> ends;
    for (Slot s : hop.differ_from) ends.push_back(end_of(hop.inputs[0], s, hop.direction));
    last_->differ_ends = b_.array(ends);
    top_ = hop.inputs[0];
    add(last_);
    return true;
  }

  // A scan of nodes that nobody looks at and a hop from each to a node from which everything else goes on: a scan of
  // those, and their degrees the other way. After take_last_hop() the pairs of relationships that are the same one are
  // taken off: those that the two hops have in common.
  bool take_first_hop() {
    LogicalOp* below = last_ != nullptr ? last_->inputs[0] : top_;
    std::vector<Filter*> filters;
    for (; below->kind == OpKind::kFilter; below = below->inputs[0]) filters.push_back(static_cast<Filter*>(below));
    if (below->kind != OpKind::kExpand) return false;
    const auto& hop = *static_cast<const Expand*>(below);
    if (!is_plain(hop) || !hop.differ_from.empty() || is_key(hop, hop.from)) return false;
    if (last_ == nullptr ? !only_counts(hop) : last_->from != hop.to) return false;
    const LogicalOp& scan = *hop.inputs[0];
    const NameRef* label = nullptr;
    if (scan.kind == OpKind::kLabelScan && static_cast<const LabelScan&>(scan).node == hop.from) {
      label = static_cast<const LabelScan&>(scan).label;
    } else if (scan.kind != OpKind::kAllNodesScan || static_cast<const AllNodesScan&>(scan).node != hop.from) {
      return false;
    }
    for (const Filter* f : filters) {
      SlotSet reads;
      for (const Expr* e : f->predicates) {
        if (!is_deterministic(e)) return false;
        expr_reads(e, &reads);
      }
      if (reads.has(hop.from) || (hop.relationship != kNoSlot && reads.has(hop.relationship))) return false;
    }
    if (!pays(hop, scan, label)) return false;

    Degree* same = nullptr;
    const Direction back = reverse(hop.direction);
    if (last_ != nullptr && !last_->differ_from.empty()) {
      if (last_->differ_from.size() != 1 || last_->differ_from[0] != hop.relationship) return false;
      TypeSelection types;
      if (common_types(b_, hop.types, last_->types, &types)) {
        // What both hops may be is seen from the node in the middle: all on its one side, or only self loops there.
        const NameRef* other = last_->to_label;
        const NameRef* wanted = label;
        const bool loops = last_->direction != back;
        if (loops && hop.to_label != nullptr) {
          if (label != nullptr && label->name == hop.to_label->name) wanted = nullptr;
          if (other != nullptr && other->name == hop.to_label->name) other = nullptr;
        }
        if (wanted != nullptr && other != nullptr && wanted->name != other->name) return false;
        same = make_degree(hop.to, back, types, wanted != nullptr ? wanted : other);
        same->loops = loops;
      }
      last_->differ_from = {};
      last_->differ_ends = {};
    }
    LogicalOp* nodes;
    if (hop.to_label != nullptr) {
      auto* o = b_.make<LabelScan>();
      o->node = hop.to;
      o->label = hop.to_label;
      nodes = o;
    } else {
      auto* o = b_.make<AllNodesScan>();
      o->node = hop.to;
      nodes = o;
    }
    nodes->inputs = scan.inputs;
    nodes->estimated_rows = scanned_rows_;
    top_ = nodes;
    for (size_t i = filters.size(); i-- > 0;) {
      filters[i]->inputs = b_.inputs({top_});
      filters[i]->estimated_rows = std::min(filters[i]->estimated_rows, top_->estimated_rows);
      top_ = filters[i];
    }
    first_ = make_degree(hop.to, back, hop.types, label);
    add(first_);
    if (last_ != nullptr) add(last_);
    if (same != nullptr) same_ = add(same);
    return true;
  }

  // The scan of the hop's ends must be no more work than the hop.
  bool pays(const Expand& hop, const LogicalOp& scan, const NameRef* label) {
    if (!b_.input().cost_based) return false;
    const Statistics& stats = b_.statistics();
    const double runs = scan.inputs.empty() ? 1 : scan.inputs[0]->estimated_rows;
    scanned_rows_ = (hop.to_label != nullptr ? stats.label_count(hop.to_label) : stats.node_count()) * runs;
    if (scanned_rows_ > hop.estimated_rows) return false;
    if (label == nullptr) return true;
    // Unless all these relationships come from such nodes, the others are looked at, too.
    return stats.relationship_count(hop.types.names) * runs <= hop.estimated_rows * 4;
  }

  void finish() {
    Slot rows = last_ != nullptr ? last_->degree : first_->degree;
    if (first_ != nullptr && last_ != nullptr) {
      Expr* product = arithmetic({slot(first_->degree), slot(last_->degree)}, "*");
      if (same_ != kNoSlot) product = arithmetic({product, slot(same_)}, "-");
      auto* projection = b_.make<Projection>();
      rows = b_.new_slot();
      projection->items = b_.array(std::vector<Assignment>{{rows, product}});
      projection->inputs = b_.inputs({top_});
      projection->estimated_rows = top_->estimated_rows;
      top_ = projection;
    }
    if (!aggregate_.keys.empty()) {
      // Groups are made of rows: a node without such relationships has none.
      auto* some = b_.make<Filter>();
      auto* zero = b_.arena().make<Expr>();
      zero->kind = ExprKind::kConstant;
      zero->value = b_.arena().value(Value::integer(0));
      zero->types = type_bit(ValueType::kInteger);
      some->predicates = b_.array(std::vector<const Expr*>{b_.compare(slot(rows), '>', zero)});
      some->inputs = b_.inputs({top_});
      some->estimated_rows = top_->estimated_rows;
      top_ = some;
    }
    std::vector<Assignment> sums;
    for (const Assignment& a : aggregate_.aggregates) {
      Expr* e = b_.expr(ExprKind::kAggregate, {slot(rows)});
      e->aggregate = find_aggregate("sum");
      e->types = type_bit(ValueType::kInteger);
      sums.push_back({a.slot, e});
    }
    aggregate_.aggregates = b_.array(sums);
    aggregate_.inputs = b_.inputs({top_});
  }

  Expr* slot(Slot s) {
    Expr* e = b_.slot_expr(s);
    e->types = type_bit(ValueType::kInteger);
    return e;
  }
  Expr* arithmetic(const std::vector<Expr*>& children, std::string_view ops) {
    Expr* e = b_.expr(ExprKind::kArithmetic, children);
    e->ops = b_.arena().text(ops);
    e->types = type_bit(ValueType::kInteger);
    return e;
  }

  PlanBuilder& b_;
  Aggregate& aggregate_;
  SlotSet key_reads_;
  LogicalOp* top_ = nullptr;
  Degree* last_ = nullptr;
  Degree* first_ = nullptr;
  Slot same_ = kNoSlot;
  double scanned_rows_ = 0;
};

}  // namespace

// Aggregate of nothing but count(*): hops whose far end is not looked at are counted by degrees, without expanding.
LogicalOp* count_by_degree(const RuleContext& context, LogicalOp* root) {
  PlanBuilder& b = context.builder;
  if (find_aggregate("sum") == nullptr) return root;
  return rewrite_up(b, root, [&](LogicalOp* op) -> LogicalOp* {
    if (op->kind == OpKind::kAggregate) RowCounter(b, static_cast<Aggregate*>(op)).run();
    return op;
  });
}

}  // namespace lora::cypher
