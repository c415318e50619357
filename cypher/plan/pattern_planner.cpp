// One MATCH pattern from its start to its end: its connected pieces one after the other, joins between them, path
// selectors.
#include <algorithm>

#include "cypher/plan/pattern_planner_impl.h"

namespace lora::cypher::pattern {

bool overlapping_types(const BoundRelationship& a, const BoundRelationship& b) {
  if (a.types.empty() || b.types.empty()) return true;
  for (const NameRef* x : a.types) {
    for (const NameRef* y : b.types) {
      if (x->name == y->name) return true;
    }
  }
  return false;
}

PatternPlanner::PatternPlanner(PlanBuilder& builder, const BoundPattern& pattern, const SlotSet& argument_slots,
                               Stream* stream)
    : b_(builder), stats_(builder.statistics()), pattern_(pattern), argument_slots_(argument_slots), stream_(*stream) {}

Status PatternPlanner::run() {
  LORA_TRY(collect());
  if (pattern_.selection != nullptr) return run_selection(*pattern_.selection);
  bound_filters();
  apply_ready(&stream_, nullptr);
  std::vector<std::vector<uint32_t>> components = find_components();
  while (!components.empty()) {
    LORA_TRY(next_component(&components));
  }
  finish();
  return Status();
}

// All matches of the selected path for one row of the stream, then the best of them.
Status PatternPlanner::run_selection(const BoundPathSelection& selection) {
  apply_ready(&stream_, nullptr);
  const bool one_row = stream_.op == nullptr;
  Stream right = one_row ? Stream() : b_.argument(stream_.slots);
  LORA_TRY(plan_pattern(b_, *selection.inner, stream_.slots, &right));
  auto* op = b_.make<PathSelection>();
  op->first = selection.first;
  op->last = selection.last;
  op->path = selection.path;
  op->k = selection.k;
  op->count = selection.count;
  switch (selection.selector) {
    case PathSelector::kAllShortest:
    case PathSelector::kShortestGroups: op->groups = true; break;
    default: break;
  }
  b_.push(&right, op, right.rows);
  if (one_row) {
    stream_ = std::move(right);
  } else {
    SlotSet slots = right.slots;
    b_.push(&stream_, b_.make<Apply>(), right, stream_.rows * std::max(1.0, right.rows));
    stream_.slots.add(slots);
  }
  finish();
  return Status();
}

// Nodes that were there before: their labels are filters.
void PatternPlanner::bound_filters() {
  std::vector<const Expr*> filters;
  for (const PatternNode& n : nodes_) {
    if (n.bound && !n.labels.empty()) filters.push_back(b_.has_labels(n.slot, n.labels));
  }
  b_.filter(&stream_, filters);
  // A bound node without relationships must still be a node; one with them is checked by its expansion.
  std::vector<const Expr*> not_null;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const bool used =
        std::any_of(edges_.begin(), edges_.end(), [&](const PatternEdge& e) { return e.from == i || e.to == i; });
    if (nodes_[i].bound && !used && nodes_[i].labels.empty()) {
      not_null.push_back(b_.expr(ExprKind::kIsNotNull, {b_.slot_expr(nodes_[i].slot)}));
    }
  }
  b_.filter(&stream_, not_null);
}

std::vector<std::vector<uint32_t>> PatternPlanner::find_components() {
  std::vector<uint32_t> group(nodes_.size());
  for (uint32_t i = 0; i < group.size(); ++i) group[i] = i;
  auto root = [&](uint32_t i) {
    while (group[i] != i) i = group[i] = group[group[i]];
    return i;
  };
  for (const PatternEdge& e : edges_) {
    group[root(e.from)] = root(e.to);
    // A hop predicate may read variables of another piece.
    for (Slot s : e.outer_reads) {
      for (uint32_t i = 0; i < nodes_.size(); ++i) {
        if (nodes_[i].slot == s) group[root(i)] = root(e.from);
      }
      for (const PatternEdge& other : edges_) {
        if (other.rel->slot == s) group[root(other.from)] = root(e.from);
      }
    }
  }
  // All pieces that hang on rows so far are one: their order is up to the costs.
  std::optional<uint32_t> bound;
  for (uint32_t i = 0; i < nodes_.size(); ++i) {
    if (!nodes_[i].bound) continue;
    if (bound) {
      group[root(i)] = root(*bound);
    } else {
      bound = i;
    }
  }
  std::vector<std::vector<uint32_t>> out;
  std::vector<size_t> place(nodes_.size());  // in `out`, by root
  for (uint32_t i = 0; i < nodes_.size(); ++i) {
    if (root(i) != i) continue;
    place[i] = out.size();
    out.emplace_back();
  }
  for (uint32_t i = 0; i < nodes_.size(); ++i) out[place[root(i)]].push_back(i);
  return out;
}

bool PatternPlanner::has_bound_node(const std::vector<uint32_t>& component) const {
  return std::any_of(component.begin(), component.end(), [&](uint32_t n) { return nodes_[n].bound; });
}

Status PatternPlanner::next_component(std::vector<std::vector<uint32_t>>* components) {
  // Pieces with bound nodes first; then the one that makes the fewest rows.
  size_t best = 0;
  double best_rows = 0;
  for (size_t i = 0; i < components->size(); ++i) {
    const std::vector<uint32_t>& c = (*components)[i];
    if (has_bound_node(c)) {
      best = i;
      break;
    }
    if (components->size() == 1 || !b_.input().cost_based) break;
    std::vector<std::vector<uint32_t>> batches = edge_batches(c);
    start_batch(c, batches.front(), stream_.slots);
    const Solution s = solve(1);
    if (i == 0 || s.end.rows < best_rows) {
      best = i;
      best_rows = s.end.rows;
    }
  }
  const std::vector<uint32_t> component = std::move((*components)[best]);
  components->erase(components->begin() + static_cast<ptrdiff_t>(best));

  std::vector<std::vector<uint32_t>> batches = edge_batches(component);
  const bool join_possible = !has_bound_node(component) && stream_.op != nullptr &&
                             stream_.op->kind != OpKind::kArgument && !stream_.writes && b_.input().cost_based &&
                             batches.size() == 1;
  if (join_possible && stream_.rows > kCheapLeafRows) {
    start_batch(component, batches.front(), stream_.slots);
    const Solution chained = solve(stream_.rows);
    start_batch(component, batches.front(), argument_slots_);
    const Solution apart = solve(1);
    if (apart.complete && chained.end.cost > kJoinCostMin &&
        apart.end.cost + apart.end.rows * 2 + stream_.rows + chained.end.rows < chained.end.cost) {
      return join(apart);
    }
  }
  for (const std::vector<uint32_t>& batch : batches) {
    start_batch(component, batch, stream_.slots);
    const Solution solution = solve(stream_.rows);
    if (!solution.complete) {
      return Status::unsupported(
          "the conditions inside these quantified relationships read each other's relationships");
    }
    LORA_TRY(emit_all(solution, &stream_));
  }
  return Status();
}

// The relationships of a piece, breadth first from the bound nodes (or the first), at most kBatchRelationshipsMax in
// each batch.
std::vector<std::vector<uint32_t>> PatternPlanner::edge_batches(const std::vector<uint32_t>& component) const {
  std::vector<uint32_t> queue;
  queue.reserve(component.size());
  std::vector<bool> seen_node(nodes_.size(), false), seen_edge(edges_.size(), false);
  for (uint32_t n : component) {
    if (nodes_[n].bound) {
      queue.push_back(n);
      seen_node[n] = true;
    }
  }
  if (queue.empty()) {
    queue.push_back(component.front());
    seen_node[component.front()] = true;
  }
  std::vector<std::vector<uint32_t>> batches(1);
  std::vector<bool> in_batch(nodes_.size(), false);  // ends of the running batch's relationships
  size_t batch_nodes = 0;
  const auto add_end = [&](uint32_t n) {
    batch_nodes += in_batch[n] ? 0 : 1;
    in_batch[n] = true;
    if (!seen_node[n]) queue.push_back(n);
    seen_node[n] = true;
  };
  size_t at = 0;
  const auto take_reached = [&] {
    for (; at < queue.size(); ++at) {
      for (uint32_t e = 0; e < edges_.size(); ++e) {
        if (seen_edge[e] || (edges_[e].from != queue[at] && edges_[e].to != queue[at])) continue;
        seen_edge[e] = true;
        if (batches.back().size() == kBatchRelationshipsMax || batch_nodes + 2 > kBatchNodesMax) {
          batches.emplace_back();
          in_batch.assign(nodes_.size(), false);
          batch_nodes = 0;
        }
        batches.back().push_back(e);
        add_end(edges_[e].from);
        add_end(edges_[e].to);
      }
    }
  };
  take_reached();
  // Pieces that are tied to it only by what hop predicates read.
  for (uint32_t n : component) {
    if (seen_node[n]) continue;
    seen_node[n] = true;
    queue.push_back(n);
    take_reached();
  }
  return batches;
}

// Plans the current batch apart from the rows so far and joins both.
Status PatternPlanner::join(const Solution& apart) {
  Stream right;
  const bool top = argument_slots_.empty();
  if (!top) right = b_.argument(argument_slots_);
  right.slots = argument_slots_;
  // Uniqueness against relationships of the left side is checked after the join.
  std::vector<bool> solved_left = solved_;
  solved_.assign(solved_.size(), false);
  LORA_TRY(emit_all(apart, &right));
  auto* op = b_.make<HashJoin>();
  std::vector<const Expr*> left_keys, right_keys;
  double rows = stream_.rows * right.rows;
  for (Predicate& p : predicates_) {
    if (p.applied || p.late || p.derived || p.expr->kind != ExprKind::kCompare || p.expr->ops != "=") continue;
    const Expr* a = p.expr->children[0];
    const Expr* b = p.expr->children[1];
    for (int turn = 0; turn < 2; ++turn, std::swap(a, b)) {
      SlotSet ra, rb;
      expr_reads(a, &ra);
      expr_reads(b, &rb);
      SlotSet b_own = rb;
      for (Slot s : argument_slots_.to_vector()) b_own.remove(s);
      if (ra.empty() || b_own.empty() || !stream_.slots.has_all(ra) || !right.slots.has_all(rb)) continue;
      left_keys.push_back(a);
      right_keys.push_back(b);
      rows = std::max(1.0, rows / std::max(stream_.rows, right.rows));
      break;
    }
  }
  op->left_keys = b_.array(left_keys);
  op->right_keys = b_.array(right_keys);
  SlotSet right_slots = right.slots;
  b_.push(&stream_, op, right, rows);
  stream_.slots.add(right_slots);
  std::vector<const Expr*> checks;
  for (uint32_t i = 0; i < edges_.size(); ++i) {
    if (!solved_[i]) continue;
    for (uint32_t k = 0; k < edges_.size(); ++k) {
      if (solved_left[k] && !pattern_.repeatable && overlapping_types(*edges_[i].rel, *edges_[k].rel) &&
          edges_[i].rel->selector == PathSelector::kAll && edges_[k].rel->selector == PathSelector::kAll) {
        checks.push_back(differs(i, edges_[k].rel->slot));
      }
    }
  }
  for (uint32_t i = 0; i < edges_.size(); ++i) solved_[i] = solved_[i] || solved_left[i];
  apply_ready(&stream_, &checks);
  return Status();
}

// Derived slots, then the predicates that waited for them.
void PatternPlanner::finish() {
  b_.project(&stream_, pattern_.derived);
  std::vector<const Expr*> rest;
  for (Predicate& p : predicates_) {
    if (p.applied) continue;
    p.applied = true;
    rest.push_back(p.expr);
  }
  b_.filter(&stream_, rest);
}

}  // namespace lora::cypher::pattern

namespace lora::cypher {

Status plan_pattern(PlanBuilder& builder, const BoundPattern& pattern, const SlotSet& argument_slots, Stream* stream) {
  return pattern::PatternPlanner(builder, pattern, argument_slots, stream).run();
}

}  // namespace lora::cypher
