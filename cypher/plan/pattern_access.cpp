// Access paths: the cheapest way to find one node or one relationship directly.
#include <algorithm>

#include "cypher/expr/operations.h"
#include "cypher/plan/pattern_planner_impl.h"

namespace lora::cypher::pattern {

Access PatternPlanner::best_access(const PatternNode& node, const State& s) const {
  Access best;
  best.kind = Access::Kind::kAllNodes;
  best.rows = stats_.node_count();
  best.cost = best.rows;
  int best_rank = 9;  // what to prefer whatever the counts of the moment say
  auto consider = [&](Access a, int rank) {
    if (rank < best_rank || (rank == best_rank && a.cost < best.cost)) {
      best = std::move(a);
      best_rank = rank;
    }
  };
  for (const NameRef* l : node.labels) {
    Access a;
    a.kind = Access::Kind::kLabel;
    a.label = l;
    a.rows = stats_.label_count(l);
    a.cost = a.rows;
    consider(std::move(a), 8);
  }
  for (const Sargable& x : sargables_) {
    if (x.slot != node.slot || x.key != nullptr || !available_in(x.value_slots, s)) continue;
    Access a;
    a.kind = Access::Kind::kIdSeek;
    a.uses.push_back(&x);
    if (x.exact) a.consumed.push_back(x.predicate);
    a.rows = x.op == Sargable::Op::kIn ? stats_.list_size(*x.value) : 1;
    a.cost = 1 + a.rows;
    consider(std::move(a), x.op == Sargable::Op::kIn ? 3 : 0);
  }
  for (const NameRef* l : node.labels) {
    const auto id = resolve_label(stats_.reader(), *l);
    if (!id) continue;
    for (const graph::IndexInfo& index : stats_.reader().schema().indexes) {
      if (index.definition.kind != graph::IndexKind::kRange || index.definition.entity != graph::EntityKind::kNode ||
          index.label_or_type != id->value) {
        continue;
      }
      Access a;
      a.label = l;
      if (!index_access(index, node.slot, s, &a)) continue;
      const bool seek = a.kind == Access::Kind::kIndexSeek;
      const bool unique = index.unique && seek && a.uses[0]->op == Sargable::Op::kEqual;
      // A range is compared with the scans by cost.
      consider(std::move(a), unique ? 1 : seek ? 4 : 8);
    }
  }
  return best;
}

const Sargable* PatternPlanner::find_sargable(Slot slot, std::string_view key, Sargable::Op op, const State& s) const {
  for (const Sargable& x : sargables_) {
    if (x.slot == slot && x.key != nullptr && x.op == op && x.key->name == key && !predicates_[x.predicate].applied &&
        available_in(x.value_slots, s)) {
      return &x;
    }
  }
  return nullptr;
}

bool PatternPlanner::index_access(const graph::IndexInfo& index, Slot slot, const State& s, Access* a) const {
  using Op = Sargable::Op;
  const std::vector<std::string>& keys = index.definition.keys;
  a->index = &index;
  bool all = true;
  for (const std::string& key : keys) {
    const Sargable* x = find_sargable(slot, key, Op::kEqual, s);
    if (x == nullptr && keys.size() == 1) x = find_sargable(slot, key, Op::kIn, s);
    if (x == nullptr) {
      all = false;
      break;
    }
    a->uses.push_back(x);
  }
  if (all) {
    a->kind = Access::Kind::kIndexSeek;
    for (const Sargable* x : a->uses) a->consumed.push_back(x->predicate);
    a->rows = stats_.index_matches(index);
    if (a->uses[0]->op == Op::kIn) a->rows *= stats_.list_size(*a->uses[0]->value);
    a->cost = 2 + a->rows * 1.5;
    return true;
  }
  a->uses.clear();
  if (keys.size() != 1) return false;
  if (const Sargable* prefix = find_sargable(slot, keys[0], Op::kPrefix, s)) {
    a->uses.push_back(prefix);
    a->rows = stats_.index_entries(index) * 0.1;
  } else {
    const Sargable* lower = find_sargable(slot, keys[0], Op::kGreater, s);
    if (lower == nullptr) lower = find_sargable(slot, keys[0], Op::kGreaterEqual, s);
    const Sargable* upper = find_sargable(slot, keys[0], Op::kLess, s);
    if (upper == nullptr) upper = find_sargable(slot, keys[0], Op::kLessEqual, s);
    if (lower == nullptr && upper == nullptr) return false;
    if (lower != nullptr) a->uses.push_back(lower);
    if (upper != nullptr) a->uses.push_back(upper);
    a->rows = stats_.index_entries(index) * (lower != nullptr && upper != nullptr ? 0.09 : 0.3);
  }
  a->kind = Access::Kind::kIndexRange;
  a->cost = 3 + a->rows * 1.5;
  return true;
}

// Ways to bind edge `i` and both its ends at once, while neither end is bound.
void PatternPlanner::relationship_leaves(const State& s, uint32_t i, bool start, std::vector<Step>* out) {
  const PatternEdge& e = edges_[batch_edges_[i]];
  if (e.rel->variable_length || e.rel->selector != PathSelector::kAll || e.from == e.to || !is_there(e)) return;
  if (has_node(s, e.from) || has_node(s, e.to)) return;
  Step step;
  step.kind = Step::Kind::kRelationshipLeaf;
  step.index = i;
  const bool both = e.rel->direction == Direction::kBoth;
  if (e.rel->bound) {
    step.access.kind = Access::Kind::kIdSeek;
    step.access.rows = both ? 2 : 1;
    step.access.cost = 2;
    out->push_back(std::move(step));
    return;
  }
  for (const Sargable& x : sargables_) {
    if (x.slot != e.rel->slot || x.key != nullptr || !available_in(x.value_slots, s)) continue;
    step.access.kind = Access::Kind::kIdSeek;
    step.access.uses = {&x};
    if (x.exact) step.access.consumed = {x.predicate};
    step.access.rows = (x.op == Sargable::Op::kIn ? stats_.list_size(*x.value) : 1) * (both ? 2 : 1);
    step.access.cost = 2 + step.access.rows;
    out->push_back(step);
    return;
  }
  if (!both && e.rel->types.size() == 1) {
    const auto type = resolve_rel_type(stats_.reader(), *e.rel->types[0]);
    for (const graph::IndexInfo& index : stats_.reader().schema().indexes) {
      if (!type || index.definition.kind != graph::IndexKind::kRange ||
          index.definition.entity != graph::EntityKind::kRelationship || index.label_or_type != type->value) {
        continue;
      }
      Access a;
      if (!index_access(index, e.rel->slot, s, &a) || a.kind != Access::Kind::kIndexSeek) continue;
      step.access = std::move(a);
      out->push_back(step);
    }
  }
  if (!start) return;
  // A scan of all relationships pays when the ends say nothing, or when what is asked of the relationships lets few
  // through: their properties lie side by side there, and only of what is left the ends are looked at. Where nodes are
  // tested, their scan costs next to nothing (whole blocks, or a hash of the values) and leaves few to expand.
  Step scan;
  scan.kind = Step::Kind::kRelationshipLeaf;
  scan.index = i;
  scan.access.kind = Access::Kind::kAllNodes;
  const double relationships = std::max(stats_.relationship_count(e.rel->types), 1.0);
  double share = 1, tests = 0;
  for (const Predicate& p : predicates_) {
    if (nodes_tested_ || !p.possible || p.nodes != 0 || p.edges != Mask{1} << i) continue;
    share *= p.selectivity;
    tests = 0.5;
  }
  const double others = std::max(stats_.relationship_count({}) - relationships, 0.0);
  scan.access.rows = relationships * (both ? 2 : 1);
  scan.access.cost = relationships * tests + scan.access.rows * share * 3 + others * 0.1;
  out->push_back(std::move(scan));
}

}  // namespace lora::cypher::pattern
