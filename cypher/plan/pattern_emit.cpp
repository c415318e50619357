// From the chosen steps to operators, and the predicates that can be tested after each.
#include <algorithm>

#include "cypher/expr/operations.h"
#include "cypher/plan/pattern_planner_impl.h"

namespace lora::cypher::pattern {

namespace {

// The id of what a bound variable of a pattern holds. Unlike `id()` it does not take a node: when the variable's type
// is known at run time only, a node's id would find some relationship.
Status relationship_id(EvalContext&, std::span<const Value> args, Value* out) {
  if (!args[0].is_relationship()) {
    return type_error("InvalidArgumentType", "expected a relationship in a pattern, got " + describe(args[0]));
  }
  *out = Value::integer(static_cast<int64_t>(args[0].relationship_id().value));
  return Status();
}

const FunctionSpec& relationship_id_function() {
  static const FunctionSpec spec = [] {
    FunctionSpec f = *find_function("id");
    f.args = {{"relationship", kAnyType}};
    f.function = relationship_id;
    return f;
  }();
  return spec;
}

}  // namespace

Status PatternPlanner::emit_all(const Solution& solution, Stream* stream) {
  State state = initial(stream->rows);
  for (const Step& step : solution.steps) {
    const State next = after(state, step);
    LORA_TRY(emit(step, stream));
    if (step.kind == Step::Kind::kRelationshipLeaf) {
      // The counters know how many of these relationships have such ends; the filter, of each label alone.
      stream->op->estimated_rows = stream->rows = next.rows;
    }
    state.nodes = next.nodes;
    state.edges = next.edges;
    state.rows = stream->rows;
  }
  return Status();
}

Status PatternPlanner::emit(const Step& step, Stream* stream) {
  std::vector<const Expr*> checks;
  switch (step.kind) {
    case Step::Kind::kNone: return Status();
    case Step::Kind::kLeaf: emit_leaf(batch_nodes_[step.index], step.access, stream, &checks); break;
    case Step::Kind::kRelationshipLeaf:
      emit_relationship_leaf(batch_edges_[step.index], step.access, stream, &checks);
      break;
    case Step::Kind::kExpand:
    case Step::Kind::kInto:
      if (edges_[batch_edges_[step.index]].quantified != nullptr) {
        LORA_TRY(emit_repeat(batch_edges_[step.index], step, stream, &checks));
      } else {
        emit_expand(batch_edges_[step.index], step, stream, &checks);
      }
      break;
    case Step::Kind::kShortest: emit_shortest(batch_edges_[step.index], stream, &checks); break;
  }
  apply_ready(stream, &checks);
  return Status();
}

// Adds "carries the labels of node `n` but for `known`" to the checks.
void PatternPlanner::label_check(uint32_t n, const NameRef* known, std::vector<const Expr*>* checks) {
  std::vector<const NameRef*> rest;
  for (const NameRef* l : nodes_[n].labels) {
    if (l != known) rest.push_back(l);
  }
  if (!rest.empty()) checks->push_back(b_.has_labels(nodes_[n].slot, rest));
}

void PatternPlanner::emit_leaf(uint32_t n, const Access& access, Stream* stream, std::vector<const Expr*>* checks) {
  const double rows = stream->rows * access.rows;
  const Slot slot = nodes_[n].slot;
  for (uint32_t p : access.consumed) predicates_[p].applied = true;
  switch (access.kind) {
    case Access::Kind::kAllNodes: {
      auto* op = b_.make<AllNodesScan>();
      op->node = slot;
      b_.push(stream, op, rows);
      break;
    }
    case Access::Kind::kLabel: {
      auto* op = b_.make<LabelScan>();
      op->node = slot;
      op->label = access.label;
      b_.push(stream, op, rows);
      break;
    }
    case Access::Kind::kIdSeek: {
      auto* op = b_.make<NodeByIdSeek>();
      op->node = slot;
      op->id = access.uses[0]->value;
      op->many = access.uses[0]->op == Sargable::Op::kIn;
      b_.push(stream, op, rows);
      break;
    }
    case Access::Kind::kIndexSeek: {
      auto* op = b_.make<IndexSeek>();
      op->node = slot;
      fill_seek(access, op);
      b_.push(stream, op, rows);
      break;
    }
    case Access::Kind::kIndexRange: {
      auto* op = b_.make<IndexRangeScan>();
      op->node = slot;
      op->index = access.index->id;
      for (const Sargable* x : access.uses) {
        switch (x->op) {
          case Sargable::Op::kPrefix: op->prefix = x->value; break;
          case Sargable::Op::kGreater: op->lower = x->value; break;
          case Sargable::Op::kGreaterEqual:
            op->lower = x->value;
            op->lower_inclusive = true;
            break;
          case Sargable::Op::kLess: op->upper = x->value; break;
          case Sargable::Op::kLessEqual:
            op->upper = x->value;
            op->upper_inclusive = true;
            break;
          default: break;
        }
      }
      b_.push(stream, op, rows);
      break;
    }
  }
  nodes_[n].bound = true;
  label_check(n, access.label, checks);
}

void PatternPlanner::fill_seek(const Access& access, IndexSeek* op) {
  op->index = access.index->id;
  std::vector<const Expr*> values;
  for (const Sargable* x : access.uses) values.push_back(x->value);
  op->values = b_.array(values);
  op->many = access.uses[0]->op == Sargable::Op::kIn;
}

void PatternPlanner::emit_relationship_leaf(uint32_t i, const Access& access, Stream* stream,
                                            std::vector<const Expr*>* checks) {
  const PatternEdge& e = edges_[i];
  const BoundRelationship& r = *e.rel;
  const double rows = stream->rows * access.rows;
  for (uint32_t p : access.consumed) predicates_[p].applied = true;
  const bool in = r.direction == Direction::kIn;
  const Slot from = nodes_[in ? e.to : e.from].slot, to = nodes_[in ? e.from : e.to].slot;
  switch (access.kind) {
    case Access::Kind::kIdSeek: {
      auto* op = b_.make<RelationshipByIdSeek>();
      op->from = from;
      op->to = to;
      op->both_directions = r.direction == Direction::kBoth;
      if (r.bound) {
        auto* id = b_.arena().make<Expr>();
        id->kind = ExprKind::kFunction;
        id->function = &relationship_id_function();
        id->children = b_.arena().array(std::vector<Expr*>{b_.slot_expr(r.slot)});
        id->types = type_bit(ValueType::kInteger);
        op->id = id;
        op->relationship = b_.new_slot();
      } else {
        op->id = access.uses[0]->value;
        op->many = access.uses[0]->op == Sargable::Op::kIn;
        op->relationship = r.slot;
      }
      b_.push(stream, op, rows);
      if (!r.types.empty()) checks->push_back(b_.has_labels(r.slot, r.types, true));
      break;
    }
    case Access::Kind::kIndexSeek: {
      auto* op = b_.make<IndexSeek>();
      op->node = r.slot;
      op->from = from;
      op->to = to;
      fill_seek(access, op);
      b_.push(stream, op, rows);
      break;
    }
    default: {
      auto* op = b_.make<RelationshipScan>();
      op->relationship = r.slot;
      op->from = from;
      op->to = to;
      op->types.names = b_.array(r.types);
      op->both_directions = r.direction == Direction::kBoth;
      b_.push(stream, op, rows);
    }
  }
  nodes_[e.from].bound = nodes_[e.to].bound = true;
  label_check(e.from, nullptr, checks);
  label_check(e.to, nullptr, checks);
  for (Slot other : differ_from(i)) checks->push_back(differs(i, other));
  mark_solved(i);
}

// Relationship slots solved so far that edge `i` might be the same as.
std::vector<Slot> PatternPlanner::differ_from(uint32_t i) const {
  std::vector<Slot> out;
  if (pattern_.repeatable) return out;
  for (uint32_t k = 0; k < edges_.size(); ++k) {
    if (k == i || !solved_[k] || !overlapping_types(*edges_[k].rel, *edges_[i].rel)) continue;
    if (edges_[k].rel->selector != PathSelector::kAll || edges_[i].rel->selector != PathSelector::kAll) continue;
    // Both bound to the same variable is the same relationship twice: it differs from itself never.
    out.push_back(edges_[k].rel->slot);
  }
  return out;
}

const BoundRelationship* PatternPlanner::edge_of_slot(Slot slot) const {
  for (const PatternEdge& e : edges_) {
    if (e.rel->slot == slot) return e.rel;
  }
  return nullptr;
}

// "edge i is not (in) `other`" as an expression, where no expansion can check it.
const Expr* PatternPlanner::differs(uint32_t i, Slot other) {
  const BoundRelationship& a = *edges_[i].rel;
  const BoundRelationship* o = edge_of_slot(other);
  Expr* left = b_.slot_expr(a.slot);
  Expr* right = b_.slot_expr(other);
  if (!a.variable_length && !o->variable_length) return b_.compare(left, '!', right);
  if (!a.variable_length) return b_.expr(ExprKind::kNot, {b_.expr(ExprKind::kIn, {left, right})});
  if (!o->variable_length) return b_.expr(ExprKind::kNot, {b_.expr(ExprKind::kIn, {right, left})});
  const Slot element = b_.new_slot();
  Expr* none = b_.expr(ExprKind::kQuantifier, {left, b_.expr(ExprKind::kIn, {b_.slot_expr(element), right})});
  none->slot = element;
  none->op = 'n';
  return none;
}

void PatternPlanner::emit_expand(uint32_t i, const Step& step, Stream* stream, std::vector<const Expr*>* checks) {
  const PatternEdge& e = edges_[i];
  const BoundRelationship& r = *e.rel;
  const uint32_t from = step.from_left ? e.from : e.to, to = step.from_left ? e.to : e.from;
  const Direction d = step.from_left ? r.direction : reverse(r.direction);
  const bool into = step.kind == Step::Kind::kInto;
  const std::vector<Slot> differ = differ_from(i);
  double per_row = r.bound ? 1 : node_degree(from, r.types, d);
  if (r.variable_length) {
    per_row = hops(per_row, r);
    if (into) per_row /= population(to);
    if (r.min_hops > r.max_hops) b_.filter(stream, {b_.boolean(false)});
    auto* op = b_.make<VarExpand>();
    op->from = nodes_[from].slot;
    op->to = nodes_[to].slot;
    op->relationships = r.slot;
    op->direction = d;
    op->types.names = b_.array(r.types);
    op->min_hops = r.min_hops;
    op->max_hops = r.max_hops;
    op->into = into;
    op->relationships_bound = r.bound;
    op->hop_predicate = r.hop_predicate;
    op->hop_relationship = r.hop_relationship;
    op->hop_from = step.from_left ? r.hop_from : r.hop_to;
    op->hop_to = step.from_left ? r.hop_to : r.hop_from;
    op->differ_from = b_.array(differ);
    op->reversed_list = !step.from_left;
    b_.push(stream, op, stream->rows * per_row);
    if (!into) {
      nodes_[to].bound = true;
      label_check(to, nullptr, checks);
    }
  } else {
    if (into) per_row /= population(to);
    auto* op = b_.make<Expand>();
    op->from = nodes_[from].slot;
    op->to = nodes_[to].slot;
    op->relationship = r.slot;
    op->direction = d;
    op->types.names = b_.array(r.types);
    op->into = into;
    op->relationship_bound = r.bound;
    op->differ_from = b_.array(differ);
    const NameRef* to_label = nullptr;
    if (!into && !nodes_[to].labels.empty()) {
      to_label = nodes_[to].labels.front();
      for (const NameRef* l : nodes_[to].labels) {
        if (stats_.label_count(l) < stats_.label_count(to_label)) to_label = l;
      }
      op->to_label = to_label;
      per_row *= stats_.end_selectivity(std::span(&to_label, 1), r.types, d);
    }
    b_.push(stream, op, stream->rows * per_row);
    if (!into) {
      nodes_[to].bound = true;
      label_check(to, to_label, checks);
    }
  }
  mark_solved(i);
}

Status PatternPlanner::emit_repeat(uint32_t i, const Step& step, Stream* stream, std::vector<const Expr*>* checks) {
  const PatternEdge& e = edges_[i];
  const BoundQuantifiedPath& q = *e.quantified;
  const uint32_t from = step.from_left ? e.from : e.to, to = step.from_left ? e.to : e.from;
  const bool into = step.kind == Step::Kind::kInto;
  const uint32_t inner_from = step.from_left ? q.inner_first : q.inner_last;
  const uint32_t inner_to = step.from_left ? q.inner_last : q.inner_first;
  const std::vector<Slot> differ = differ_from(i);
  if (q.min_repeats > q.max_repeats) b_.filter(stream, {b_.boolean(false)});
  auto* op = b_.make<Repeat>();
  op->from = nodes_[from].slot;
  op->to = nodes_[to].slot;
  op->into = into;
  op->min_repeats = q.min_repeats;
  op->max_repeats = q.max_repeats;
  op->inner_from = q.inner->nodes[inner_from].slot;
  op->inner_to = q.inner->nodes[inner_to].slot;
  op->relationships = q.relationships;
  op->reversed = !step.from_left;
  op->differ_from = b_.array(differ);
  std::vector<Slot> inner_relationships;
  for (const BoundRelationship& r : q.inner->relationships) inner_relationships.push_back(r.slot);
  for (const BoundQuantifiedPath& n : q.inner->quantified) inner_relationships.push_back(n.relationships);
  op->inner_relationships = b_.array(inner_relationships);
  std::vector<Repeat::Group> groups;
  for (const BoundQuantifiedPath::Group& g : q.groups) groups.push_back({g.inner, g.outer});
  op->groups = b_.array(groups);
  SlotSet inner_slots = stream->slots;
  inner_slots.add(op->inner_from);
  Stream right = b_.argument(inner_slots);
  LORA_TRY(plan_pattern(b_, *q.inner, inner_slots, &right));
  b_.push(stream, op, right, stream->rows * std::max(1.0, right.rows * 2));
  if (!into) {
    nodes_[to].bound = true;
    label_check(to, nullptr, checks);
  }
  mark_solved(i);
  return Status();
}

// all(x IN relationships(p) WHERE c) and none(...) ask something of each relationship of the searched path: c, as a
// hop predicate, or null. Then the search need not look at whole paths.
Expr* PatternPlanner::condition_of_each_hop(const Expr& e, const BoundRelationship& r, const SlotSet& own) {
  if (e.kind != ExprKind::kQuantifier || (e.op != 'a' && e.op != 'n') || r.hop_relationship == kNoSlot) return nullptr;
  const Expr* list = e.children[0];
  const bool of_path = list->kind == ExprKind::kFunction && list->function->name == "relationships";
  if (of_path) list = list->children[0];
  if (list->kind != ExprKind::kSlot || !(of_path ? own.has(list->slot) : list->slot == r.slot)) return nullptr;
  SlotSet reads;
  expr_reads(e.children[1], &reads);
  reads.remove(e.slot);
  if (reads.intersects(own)) return nullptr;
  Expr* let = b_.expr(ExprKind::kLet, {b_.slot_expr(r.hop_relationship), e.children[1]});
  let->slot = e.slot;
  return e.op == 'n' ? b_.expr(ExprKind::kNot, {let}) : let;
}

void PatternPlanner::emit_shortest(uint32_t i, Stream* stream, std::vector<const Expr*>*) {
  const PatternEdge& e = edges_[i];
  const BoundRelationship& r = *e.rel;
  if (r.min_hops > r.max_hops) b_.filter(stream, {b_.boolean(false)});
  auto* op = b_.make<ShortestPath>();
  op->from = nodes_[e.from].slot;
  op->to = nodes_[e.to].slot;
  op->relationships = r.slot;
  op->direction = r.direction;
  op->types.names = b_.array(r.types);
  op->min_hops = r.min_hops;
  op->max_hops = r.max_hops;
  op->all = r.selector == PathSelector::kAllShortest || r.selector == PathSelector::kShortestGroups;
  op->k = r.k;
  op->count = r.count;
  op->ends_differ = r.ends_differ;
  std::vector<Assignment> derived, used;
  const SlotSet own = path_slots(r, &derived);
  SlotSet readable = stream->slots, wanted;
  readable.add(r.slot);
  for (const Assignment& a : derived) {
    SlotSet reads;
    expr_reads(a.expr, &reads);
    if (readable.has_all(reads)) readable.add(a.slot);
  }
  std::vector<const Expr*> conditions;
  Expr* hop_predicate = r.hop_predicate;
  for (Predicate& p : predicates_) {
    if (p.applied || !is_path_condition(p, own) || !readable.has_all(p.slots)) continue;
    p.applied = true;
    if (Expr* each = condition_of_each_hop(*p.expr, r, own)) {
      hop_predicate = hop_predicate == nullptr ? each : b_.expr(ExprKind::kAnd, {hop_predicate, each});
      continue;
    }
    conditions.push_back(p.expr);
    wanted.add(p.slots);
  }
  for (size_t i = derived.size(); i-- > 0;) {
    if (!wanted.has(derived[i].slot)) continue;
    expr_reads(derived[i].expr, &wanted);
    used.insert(used.begin(), derived[i]);
  }
  op->derived = b_.array(used);
  op->conditions = b_.array(conditions);
  op->hop_predicate = hop_predicate;
  op->hop_relationship = r.hop_relationship;
  op->hop_from = r.hop_from;
  op->hop_to = r.hop_to;
  b_.push(stream, op, stream->rows);
  mark_solved(i);
}

// Filters by `checks` and all predicates whose slots are there; cheap ones first.
void PatternPlanner::apply_ready(Stream* stream, std::vector<const Expr*>* checks) {
  struct Ready {
    const Expr* expr;
    int weight;
  };
  std::vector<Ready> ready;
  if (checks != nullptr) {
    for (const Expr* e : *checks) ready.push_back({e, 0});
  }
  for (Predicate& p : predicates_) {
    if (p.applied || p.late || p.derived || !stream->slots.has_all(p.slots)) continue;
    p.applied = true;
    ready.push_back({p.expr, weight(*p.expr)});
  }
  std::stable_sort(ready.begin(), ready.end(), [](const Ready& a, const Ready& b) { return a.weight < b.weight; });
  std::vector<const Expr*> exprs;
  for (const Ready& r : ready) exprs.push_back(r.expr);
  b_.filter(stream, exprs);
}

int PatternPlanner::weight(const Expr& e) {
  int w = 1;
  for_each_expr(&e, [&](const Expr& x) {
    switch (x.kind) {
      case ExprKind::kExists:
      case ExprKind::kCount:
      case ExprKind::kCollect: w += 1000; break;
      case ExprKind::kRegex:
      case ExprKind::kListComprehension:
      case ExprKind::kQuantifier:
      case ExprKind::kReduce: w += 50; break;
      case ExprKind::kFunction: w += 10; break;
      case ExprKind::kProperty: w += 3; break;
      default: w += 1;
    }
    return true;
  });
  return w;
}

}  // namespace lora::cypher::pattern
