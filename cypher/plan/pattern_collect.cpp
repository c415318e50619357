// What there is to plan: nodes, relationships and predicates of a bound pattern, and what predicates offer for lookups.
#include <algorithm>
#include <unordered_map>

#include "cypher/plan/pattern_planner_impl.h"

namespace lora::cypher::pattern {

Status PatternPlanner::collect() {
  std::unordered_map<Slot, uint32_t> by_slot;
  node_of_.reserve(pattern_.nodes.size());
  for (const BoundNode& n : pattern_.nodes) {
    auto [it, fresh] = by_slot.try_emplace(n.slot, static_cast<uint32_t>(nodes_.size()));
    if (fresh) {
      PatternNode node;
      node.slot = n.slot;
      nodes_.push_back(std::move(node));
    }
    PatternNode& node = nodes_[it->second];
    node.bound |= n.bound || stream_.slots.has(n.slot);
    for (const NameRef* l : n.labels) {
      const bool there =
          std::any_of(node.labels.begin(), node.labels.end(), [&](const NameRef* x) { return x->name == l->name; });
      if (!there) node.labels.push_back(l);
    }
    node_of_.push_back(it->second);
    b_.name_slot(n.slot, n.name);
  }
  for (const BoundRelationship& r : pattern_.relationships) {
    PatternEdge e;
    e.rel = &r;
    e.from = node_of_[r.from];
    e.to = node_of_[r.to];
    if (r.hop_predicate != nullptr) {
      SlotSet reads;
      expr_reads(r.hop_predicate, &reads);
      reads.remove(r.hop_relationship);
      reads.remove(r.hop_from);
      reads.remove(r.hop_to);
      e.outer_reads = reads.to_vector();
    }
    edges_.push_back(std::move(e));
    b_.name_slot(r.slot, r.name);
  }
  for (const BoundQuantifiedPath& q : pattern_.quantified) collect_group(q);
  solved_.assign(edges_.size(), false);
  SlotSet derived;
  for (const BoundAssignment& a : pattern_.derived) derived.add(a.slot);
  for (const BoundPredicate& p : pattern_.predicates) {
    Predicate x;
    x.expr = p.expr;
    for (Slot s : p.slots) x.slots.add(s);
    x.derived = x.slots.intersects(derived);
    x.late = !is_deterministic(p.expr);
    x.before_selection = p.before_selection;
    add_predicate(std::move(x));
  }
  // Labels of patterns help estimates of predicates, too; a node that is bound may be null, but then no row remains.
  for (const PatternNode& n : nodes_) {
    if (!n.labels.empty()) {
      auto& known = b_.labels()[n.slot];
      known.insert(known.end(), n.labels.begin(), n.labels.end());
    }
  }
  for (Predicate& p : predicates_) p.selectivity = stats_.selectivity(*p.expr);
  for (PatternEdge& e : edges_) wait_for_path_conditions(&e);
  if (b_.input().cost_based) imply_labels();
  return Status();
}

// The slots that a search along `r` fills or that can be computed from them: its list, paths with it. `derived`: how.
SlotSet PatternPlanner::path_slots(const BoundRelationship& r, std::vector<Assignment>* derived) const {
  SlotSet own;
  own.add(r.slot);
  for (const BoundAssignment& a : pattern_.derived) {
    SlotSet reads;
    expr_reads(a.expr, &reads);
    if (!reads.intersects(own)) continue;
    own.add(a.slot);
    if (derived != nullptr) derived->push_back({a.slot, a.expr});
  }
  return own;
}

bool PatternPlanner::is_path_condition(const Predicate& p, const SlotSet& path_slots) {
  return p.before_selection && !p.late && p.slots.intersects(path_slots);
}

// A search is told the conditions on its whole path, so it comes after what else these read.
void PatternPlanner::wait_for_path_conditions(PatternEdge* e) {
  if (e->rel->selector == PathSelector::kAll) return;
  std::vector<Assignment> derived;
  const SlotSet own = path_slots(*e->rel, &derived);
  SlotSet reads;
  for (const Predicate& p : predicates_) {
    if (is_path_condition(p, own)) reads.add(p.slots);
  }
  if (reads.empty()) return;
  for (const Assignment& a : derived) expr_reads(a.expr, &reads);
  for (Slot s : reads.to_vector()) {
    const bool matched =
        std::any_of(nodes_.begin(), nodes_.end(), [&](const PatternNode& n) { return n.slot == s; }) ||
        std::any_of(edges_.begin(), edges_.end(), [&](const PatternEdge& x) { return x.rel->slot == s; });
    if (matched && !own.has(s)) e->outer_reads.push_back(s);
  }
}

// Estimates only: nodes without labels that are ends of a relationship type that always has one label there.
void PatternPlanner::imply_labels() {
  for (const PatternEdge& e : edges_) {
    const BoundRelationship& r = *e.rel;
    if (r.types.size() != 1 || r.variable_length || r.direction == Direction::kBoth) continue;
    for (const bool left : {true, false}) {
      PatternNode& n = nodes_[left ? e.from : e.to];
      if (n.implied || !labels_of(left ? e.from : e.to).empty()) continue;
      n.implied = stats_.implied_label(r.types[0], left ? r.direction : reverse(r.direction));
    }
  }
}

// A group is planned as one edge, like a variable-length relationship of any of its types.
void PatternPlanner::collect_group(const BoundQuantifiedPath& q) {
  BoundRelationship& r = stand_ins_.emplace_back();
  r.slot = q.relationships;
  r.from = q.from;
  r.to = q.to;
  r.variable_length = true;
  r.min_hops = q.min_repeats;
  r.max_hops = q.max_repeats;
  bool any = q.inner->quantified.size() > 0;
  for (const BoundRelationship& inner : q.inner->relationships) {
    any |= inner.types.empty();
    r.types.insert(r.types.end(), inner.types.begin(), inner.types.end());
  }
  if (any) r.types.clear();
  PatternEdge e;
  e.rel = &r;
  e.quantified = &q;
  e.from = node_of_[q.from];
  e.to = node_of_[q.to];
  SlotSet reads, own;
  pattern_slots(*q.inner, &own);
  for (const BoundPredicate& p : q.inner->predicates) {
    for (Slot s : p.slots) reads.add(s);
  }
  for (const BoundRelationship& inner : q.inner->relationships) {
    if (inner.hop_predicate != nullptr) expr_reads(inner.hop_predicate, &reads);
    for (Slot s : {inner.hop_relationship, inner.hop_from, inner.hop_to}) own.add(s);
  }
  for (Slot s : reads.to_vector()) {
    if (!own.has(s)) e.outer_reads.push_back(s);
  }
  edges_.push_back(std::move(e));
}

void PatternPlanner::pattern_slots(const BoundPattern& p, SlotSet* out) {
  for (const BoundNode& n : p.nodes) out->add(n.slot);
  for (const BoundRelationship& r : p.relationships) out->add(r.slot);
  for (const BoundAssignment& a : p.derived) out->add(a.slot);
  for (const BoundQuantifiedPath& q : p.quantified) {
    out->add(q.relationships);
    for (const BoundQuantifiedPath::Group& g : q.groups) out->add(g.outer);
  }
}

void PatternPlanner::add_predicate(Predicate p) {
  const auto index = static_cast<uint32_t>(predicates_.size());
  if (!p.derived && !p.late) add_sargables(*p.expr, index);
  predicates_.push_back(std::move(p));
}

void PatternPlanner::add_sargables(const Expr& e, uint32_t predicate) {
  if (e.kind == ExprKind::kCompare) {
    for (size_t i = 0; i < e.ops.size(); ++i) {
      add_comparison(*e.children[i], e.ops[i], *e.children[i + 1], predicate, e.ops.size() > 1);
    }
  } else if (e.kind == ExprKind::kIn) {
    add_sargable(*e.children[0], Sargable::Op::kIn, e.children[1], predicate);
  } else if (e.kind == ExprKind::kStartsWith) {
    add_sargable(*e.children[0], Sargable::Op::kPrefix, e.children[1], predicate);
  } else if (e.kind == ExprKind::kOr) {
    add_alternatives(e, predicate);
  }
}

// n.k = a OR n.k = b is n.k IN [a, b].
void PatternPlanner::add_alternatives(const Expr& e, uint32_t predicate) {
  std::vector<Expr*> values;
  const Expr* target = nullptr;
  for (Expr* c : e.children) {
    if (c->kind != ExprKind::kCompare || c->ops != "=") return;
    Expr* key = c->children[0];
    Expr* value = c->children[1];
    if (key->kind != ExprKind::kProperty) std::swap(key, value);
    if (key->kind != ExprKind::kProperty || key->children[0]->kind != ExprKind::kSlot) return;
    if (target != nullptr &&
        (target->children[0]->slot != key->children[0]->slot || target->names[0]->name != key->names[0]->name)) {
      return;
    }
    target = key;
    values.push_back(value);
  }
  if (target == nullptr) return;
  Expr* list = b_.expr(ExprKind::kList, values);
  list->types = type_bit(ValueType::kList);
  add_sargable(*target, Sargable::Op::kIn, list, predicate);
}

void PatternPlanner::add_comparison(const Expr& left, char op, const Expr& right, uint32_t predicate, bool chained) {
  using Op = Sargable::Op;
  switch (op) {
    case '=':
      if (chained) return;
      add_sargable(left, Op::kEqual, &right, predicate);
      add_sargable(right, Op::kEqual, &left, predicate);
      return;
    case '<':
      add_sargable(left, Op::kLess, &right, predicate);
      add_sargable(right, Op::kGreater, &left, predicate);
      return;
    case 'l':
      add_sargable(left, Op::kLessEqual, &right, predicate);
      add_sargable(right, Op::kGreaterEqual, &left, predicate);
      return;
    case '>':
      add_sargable(left, Op::kGreater, &right, predicate);
      add_sargable(right, Op::kLess, &left, predicate);
      return;
    case 'g':
      add_sargable(left, Op::kGreaterEqual, &right, predicate);
      add_sargable(right, Op::kLessEqual, &left, predicate);
      return;
    default: return;
  }
}

void PatternPlanner::add_sargable(const Expr& target, Sargable::Op op, const Expr* value, uint32_t predicate) {
  Sargable s;
  s.op = op;
  s.predicate = predicate;
  s.value = value;
  if (target.kind == ExprKind::kProperty && target.children[0]->kind == ExprKind::kSlot) {
    s.slot = target.children[0]->slot;
    s.key = target.names[0];
  } else if (target.kind == ExprKind::kFunction && target.function->name == "id" && target.children.size() == 1 &&
             target.children[0]->kind == ExprKind::kSlot && (op == Sargable::Op::kEqual || op == Sargable::Op::kIn)) {
    s.slot = target.children[0]->slot;
  } else if (target.kind == ExprKind::kFunction && target.function->name == "elementId" &&
             target.children.size() == 1 && target.children[0]->kind == ExprKind::kSlot && op == Sargable::Op::kEqual &&
             find_function("toIntegerOrNull") != nullptr) {
    // An element id is the id's digits; other texts of the same number ("07") are left to the filter.
    s.slot = target.children[0]->slot;
    Expr* number = b_.expr(ExprKind::kFunction, {const_cast<Expr*>(value)});
    number->function = find_function("toIntegerOrNull");
    number->types = type_bit(ValueType::kInteger);
    s.value = value = number;
    s.exact = false;
  } else {
    return;
  }
  if (!is_deterministic(value)) return;
  expr_reads(value, &s.value_slots);
  if (s.value_slots.has(s.slot)) return;
  sargables_.push_back(std::move(s));
}

}  // namespace lora::cypher::pattern
