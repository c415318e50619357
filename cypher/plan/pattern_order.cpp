// The order within a piece: which steps are possible, what each costs and gives, and the cheapest sequence of them.
#include <algorithm>
#include <bit>
#include <tuple>

#include "cypher/plan/pattern_planner_impl.h"

namespace lora::cypher::pattern {

// Makes `batch_edges` (and the nodes at them) the bits of masks. `available`: slots there before.
void PatternPlanner::start_batch(const std::vector<uint32_t>& component, const std::vector<uint32_t>& edges,
                                 const SlotSet& available) {
  available_ = available;
  batch_edges_ = edges;
  batch_nodes_.clear();
  auto add = [&](uint32_t n) {
    if (std::find(batch_nodes_.begin(), batch_nodes_.end(), n) == batch_nodes_.end()) batch_nodes_.push_back(n);
  };
  for (uint32_t e : edges) {
    add(edges_[e].from);
    add(edges_[e].to);
  }
  // Nodes without relationships: the piece itself, or what a hop predicate of the piece reads.
  for (uint32_t n : component) {
    const bool alone =
        std::none_of(edges_.begin(), edges_.end(), [&](const PatternEdge& e) { return e.from == n || e.to == n; });
    if (alone && !nodes_[n].bound && batch_nodes_.size() < kMaskBits) add(n);
  }
  node_bit_.assign(nodes_.size(), -1);
  for (size_t i = 0; i < batch_nodes_.size(); ++i) node_bit_[batch_nodes_[i]] = static_cast<int>(i);
  slot_bits_.clear();
  for (uint32_t i = 0; i < batch_nodes_.size(); ++i) slot_bits_.push_back({nodes_[batch_nodes_[i]].slot, i, false});
  for (uint32_t i = 0; i < edges.size(); ++i) {
    if (!edges_[edges[i]].rel->bound) slot_bits_.push_back({edges_[edges[i]].rel->slot, i, true});
  }
  // The first of each slot counts: the node, or the last relationship.
  std::sort(slot_bits_.begin(), slot_bits_.end(), [](const SlotBit& a, const SlotBit& b) {
    return std::tuple(a.slot, a.edge, b.bit) < std::tuple(b.slot, b.edge, a.bit);
  });
  nodes_tested_ = false;
  for (Predicate& p : predicates_) {
    if (p.applied || p.late || p.derived) {
      p.possible = false;
      continue;
    }
    p.possible = masks_of(p.slots, &p.nodes, &p.edges);
    if (p.nodes == 0 && p.edges == 0) p.possible = false;  // nothing of this batch in it
    nodes_tested_ |= p.possible && p.edges == 0 && __builtin_popcountll(p.nodes) == 1;
  }
}

bool PatternPlanner::masks_of(const SlotSet& slots, Mask* nodes, Mask* edges) const {
  *nodes = *edges = 0;
  bool possible = true;
  slots.for_each([&](Slot s) {
    if (!possible || available_.has(s)) return;
    const auto found = std::lower_bound(slot_bits_.begin(), slot_bits_.end(), s,
                                        [](const SlotBit& bit, Slot slot) { return bit.slot < slot; });
    if (found == slot_bits_.end() || found->slot != s) {
      possible = false;
    } else {
      *(found->edge ? edges : nodes) |= Mask{1} << found->bit;
    }
  });
  return possible;
}

bool PatternPlanner::available_in(const SlotSet& slots, const State& at) const {
  Mask nodes, edges;
  return masks_of(slots, &nodes, &edges) && (nodes & ~at.nodes) == 0 && (edges & ~at.edges) == 0;
}

State PatternPlanner::initial(double rows) const {
  State s;
  s.rows = rows;
  for (size_t i = 0; i < batch_nodes_.size(); ++i) {
    if (nodes_[batch_nodes_[i]].bound) s.nodes |= Mask{1} << i;
  }
  return s;
}

Solution PatternPlanner::solve(double rows) {
  const State start = initial(rows);
  if (!b_.input().cost_based) return solve_as_written(start);
  if (batch_edges_.size() <= kDpRelationshipsMax) return solve_dynamic(start);
  return solve_greedy(start);
}

bool PatternPlanner::done(const State& s) const {
  return s.edges == low_bits(batch_edges_.size()) && s.nodes == low_bits(batch_nodes_.size());
}

namespace {

constexpr uint32_t kNoEntry = UINT32_MAX;

// A state that can be reached, and the cheapest way to it.
struct Entry {
  State state;
  uint32_t previous = kNoEntry;
  uint32_t next = kNoEntry;  // in the same layer
  Step step;
};

// Finds entries by what is bound and solved.
class EntryTable {
 public:
  explicit EntryTable(const std::vector<Entry>* entries) : entries_(*entries), slots_(kFirstSlots, kNoEntry) {}

  // The entry's place in the list; kNoEntry: there was none, and the next one to be put there is taken to be it.
  uint32_t find_or_add(const State& state) {
    if (++asked_ > slots_.size() / 2) grow();
    uint32_t& slot = slot_of(state);
    if (slot != kNoEntry) {
      --asked_;
      return slot;
    }
    slot = static_cast<uint32_t>(entries_.size());
    return kNoEntry;
  }

 private:
  static constexpr size_t kFirstSlots = 32;

  uint32_t& slot_of(const State& state) {
    uint64_t hash = (state.nodes * 0x9e3779b97f4a7c15ull ^ state.edges) * 0x9e3779b97f4a7c15ull;
    for (size_t at = hash >> 32;; ++at) {
      uint32_t& slot = slots_[at & (slots_.size() - 1)];
      if (slot == kNoEntry) return slot;
      const State& there = entries_[slot].state;
      if (there.nodes == state.nodes && there.edges == state.edges) return slot;
    }
  }
  void grow() {
    slots_.assign(slots_.size() * 4, kNoEntry);
    for (uint32_t i = 0; i < entries_.size(); ++i) slot_of(entries_[i].state) = i;
  }

  const std::vector<Entry>& entries_;
  std::vector<uint32_t> slots_;
  size_t asked_ = 0;  // entries that are in
};

}  // namespace

Solution PatternPlanner::solve_dynamic(const State& start) {
  std::vector<Entry> entries;
  entries.reserve(16);
  EntryTable table(&entries);
  // Every step sets at least one bit: states are worked off by their number of bits. Lists of entries, the newest
  // first.
  std::vector<uint32_t> layers(batch_nodes_.size() + batch_edges_.size() + 1, kNoEntry);
  auto add = [&](const State& state, uint32_t previous, Step&& step) {
    uint32_t& layer =
        layers[static_cast<size_t>(__builtin_popcountll(state.nodes) + __builtin_popcountll(state.edges))];
    entries.push_back({state, previous, layer, std::move(step)});
    layer = static_cast<uint32_t>(entries.size() - 1);
  };
  table.find_or_add(start);
  add(start, kNoEntry, Step());
  std::vector<Step> steps;
  for (const uint32_t& layer : layers) {
    for (uint32_t at = layer; at != kNoEntry; at = entries[at].next) {
      const State state = entries[at].state;
      if (done(state)) continue;
      steps.clear();
      possible_steps(state, &steps);
      for (Step& step : steps) {
        const State next = after(state, step);
        const uint32_t known = table.find_or_add(next);
        if (known == kNoEntry) {
          add(next, at, std::move(step));
        } else if (next.cost < entries[known].state.cost) {
          entries[known].state = next;
          entries[known].previous = at;
          entries[known].step = std::move(step);
        }
      }
    }
  }
  Solution solution;
  uint32_t end = layers.back();  // nothing but the state with all bits set
  if (end == kNoEntry) return solve_greedy(start);
  solution.end = entries[end].state;
  for (uint32_t at = end; entries[at].previous != kNoEntry; at = entries[at].previous) {
    solution.steps.push_back(std::move(entries[at].step));
  }
  std::reverse(solution.steps.begin(), solution.steps.end());
  return solution;
}

Solution PatternPlanner::solve_greedy(const State& start) {
  Solution solution;
  State state = start;
  std::vector<Step> steps;
  while (!done(state)) {
    steps.clear();
    possible_steps(state, &steps);
    if (steps.empty()) {
      solution.complete = false;
      break;
    }
    size_t best = 0;
    State best_state;
    for (size_t i = 0; i < steps.size(); ++i) {
      const State next = after(state, steps[i]);
      if (i == 0 || next.rows < best_state.rows || (next.rows == best_state.rows && next.cost < best_state.cost)) {
        best = i;
        best_state = next;
      }
    }
    state = best_state;
    solution.steps.push_back(std::move(steps[best]));
  }
  solution.end = state;
  return solution;
}

Solution PatternPlanner::solve_as_written(const State& start) {
  Solution solution;
  State state = start;
  while (!done(state)) {
    Step step;
    for (uint32_t i = 0; i < batch_edges_.size() && step.kind == Step::Kind::kNone; ++i) {
      if ((state.edges >> i) & 1) continue;
      edge_steps(state, i, &step);
    }
    if (step.kind == Step::Kind::kNone) {
      for (uint32_t i = 0; i < batch_nodes_.size(); ++i) {
        if ((state.nodes >> i) & 1) continue;
        step.kind = Step::Kind::kLeaf;
        step.index = i;
        step.access = Access();
        step.access.rows = stats_.node_count();
        break;
      }
    }
    if (step.kind == Step::Kind::kNone) {
      solution.complete = false;
      break;
    }
    state = after(state, step);
    solution.steps.push_back(std::move(step));
  }
  solution.end = state;
  return solution;
}

// The first step that solves edge `i` from what is bound, if there is one.
void PatternPlanner::edge_steps(const State& s, uint32_t i, Step* out) const {
  std::vector<Step> steps;
  expand_steps(s, i, &steps);
  if (!steps.empty()) *out = steps.front();
}

void PatternPlanner::expand_steps(const State& s, uint32_t i, std::vector<Step>* out) const {
  const PatternEdge& e = edges_[batch_edges_[i]];
  if (!is_there(e)) return;
  const bool left = has_node(s, e.from), right = has_node(s, e.to);
  for (Slot slot : e.outer_reads) {
    SlotSet one;
    one.add(slot);
    if (!available_in(one, s)) return;
  }
  Step step;
  step.index = i;
  if (e.rel->selector != PathSelector::kAll) {
    if (left && right) {
      step.kind = Step::Kind::kShortest;
      out->push_back(step);
    }
    return;
  }
  if (left && right) {
    step.kind = Step::Kind::kInto;
    // Walk from the end where there is less to walk.
    step.from_left = direction_degree(e, true) <= direction_degree(e, false);
    out->push_back(step);
    return;
  }
  step.kind = Step::Kind::kExpand;
  if (left) {
    step.from_left = true;
    out->push_back(step);
  }
  if (right) {
    step.from_left = false;
    out->push_back(step);
  }
}

void PatternPlanner::possible_steps(const State& s, std::vector<Step>* out) {
  for (uint32_t i = 0; i < batch_edges_.size(); ++i) {
    if (((s.edges >> i) & 1) == 0) expand_steps(s, i, out);
  }
  const bool can_expand = !out->empty();
  const bool start = s.nodes == 0;
  for (uint32_t i = 0; i < batch_nodes_.size(); ++i) {
    if ((s.nodes >> i) & 1) continue;
    Step step;
    step.kind = Step::Kind::kLeaf;
    step.index = i;
    step.access = best_access(nodes_[batch_nodes_[i]], s);
    if (can_expand && step.access.rows > kCheapLeafRows) continue;
    out->push_back(std::move(step));
  }
  for (uint32_t i = 0; i < batch_edges_.size(); ++i) {
    if ((s.edges >> i) & 1) continue;
    relationship_leaves(s, i, start, out);
  }
}

bool PatternPlanner::has_node(const State& s, uint32_t node) const {
  return node_bit_[node] >= 0 && ((s.nodes >> node_bit_[node]) & 1) != 0;
}

double PatternPlanner::direction_degree(const PatternEdge& e, bool from_left) const {
  const Direction d = from_left ? e.rel->direction : reverse(e.rel->direction);
  return node_degree(from_left ? e.from : e.to, e.rel->types, d);
}

std::span<const NameRef* const> PatternPlanner::labels_of(uint32_t node) const {
  const auto it = b_.labels().find(nodes_[node].slot);
  if (it == b_.labels().end()) return {};
  return it->second;
}

// Relationships that one node has, as seen from it.
double PatternPlanner::node_degree(uint32_t node, const std::vector<const NameRef*>& types, Direction d) const {
  if (nodes_[node].implied) return stats_.degree(*nodes_[node].implied, types, d);
  return stats_.degree(labels_of(node), types, d);
}

// Nodes that it may be.
double PatternPlanner::population(uint32_t node) const {
  if (nodes_[node].implied)
    return std::max(1.0, static_cast<double>(stats_.reader().node_count(*nodes_[node].implied)));
  return std::max(1.0, stats_.nodes_with(labels_of(node)));
}

State PatternPlanner::after(const State& s, const Step& step) const {
  State n = s;
  double work = 0;
  switch (step.kind) {
    case Step::Kind::kNone: break;
    case Step::Kind::kLeaf: {
      const PatternNode& node = nodes_[batch_nodes_[step.index]];
      n.nodes |= Mask{1} << step.index;
      work = s.rows * std::max(step.access.cost, step.access.rows);
      n.rows = s.rows * step.access.rows;
      for (const NameRef* l : node.labels) {
        if (l != step.access.label) n.rows *= stats_.label_selectivity(std::span(&l, 1));
      }
      break;
    }
    case Step::Kind::kRelationshipLeaf: {
      const PatternEdge& e = edges_[batch_edges_[step.index]];
      n.edges |= Mask{1} << step.index;
      n.nodes |= node_mask(e.from) | node_mask(e.to);
      work = s.rows * step.access.cost;
      n.rows = s.rows * step.access.rows * stats_.end_selectivity(nodes_[e.to].labels, e.rel->types, e.rel->direction) *
               stats_.end_selectivity(nodes_[e.from].labels, e.rel->types, reverse(e.rel->direction));
      break;
    }
    case Step::Kind::kExpand:
    case Step::Kind::kInto: {
      const PatternEdge& e = edges_[batch_edges_[step.index]];
      n.edges |= Mask{1} << step.index;
      const uint32_t from = step.from_left ? e.from : e.to, to = step.from_left ? e.to : e.from;
      const Direction d = step.from_left ? e.rel->direction : reverse(e.rel->direction);
      double per_row = e.rel->bound ? 1 : node_degree(from, e.rel->types, d);
      double walked = per_row;
      if (e.rel->variable_length) walked = per_row = hops(per_row, *e.rel);
      if (step.kind == Step::Kind::kExpand) {
        n.nodes |= node_mask(to);
        per_row *= stats_.end_selectivity(nodes_[to].labels, e.rel->types, d);
        // Looking at labels costs, and a last hop without is counted by degrees.
        work = s.rows * (1.5 + walked * (nodes_[to].labels.empty() ? 1.0 : 1.3));
      } else {
        per_row /= population(to);
        work = s.rows * (e.rel->variable_length ? 2 + walked : 3);
      }
      n.rows = s.rows * std::max(per_row, 1e-9);
      break;
    }
    case Step::Kind::kShortest:
      n.edges |= Mask{1} << step.index;
      work = s.rows * 100;
      break;
  }
  n.cost += work + n.rows * 0.2;
  // Relationships of a node's list are records here and there.
  const double edge_read = !nodes_tested_ && step.kind == Step::Kind::kExpand ? kFarRead : 0.5;
  bool edges_tested = false;
  for (uint32_t i = 0; i < predicates_.size(); ++i) {
    const Predicate& p = predicates_[i];
    if (!p.possible || (p.nodes & ~n.nodes) != 0 || (p.edges & ~n.edges) != 0) continue;
    if ((p.nodes & ~s.nodes) == 0 && (p.edges & ~s.edges) == 0) continue;  // was applied before
    if (std::find(step.access.consumed.begin(), step.access.consumed.end(), i) != step.access.consumed.end()) continue;
    const bool new_edge = (p.edges & ~s.edges) != 0;
    edges_tested |= new_edge;
    n.cost += n.rows * (new_edge ? edge_read : 0.5);
    const bool ranged = std::any_of(step.access.uses.begin(), step.access.uses.end(),
                                    [&](const Sargable* x) { return x->predicate == i; });
    if (!ranged) n.rows *= p.selectivity;
  }
  const Mask found = n.edges & ~s.edges;
  if (found != 0 && !edges_tested) {
    const BoundRelationship& rel = *edges_[batch_edges_[static_cast<size_t>(std::countr_zero(found))]].rel;
    if (!rel.bound && !rel.variable_length && b_.reads_property_of(rel.slot)) n.cost += n.rows * edge_read;
  }
  return n;
}

double PatternPlanner::hops(double degree, const BoundRelationship& r) {
  constexpr uint32_t kHopsConsidered = 6;
  constexpr double kMost = 1e12;
  double sum = 0, level = 1;
  const uint32_t last = std::min(r.max_hops, std::max(r.min_hops, kHopsConsidered));
  for (uint32_t h = 0; h <= last && level < kMost; ++h) {
    if (h >= r.min_hops) sum += level;
    level *= degree;
  }
  return std::clamp(sum, 0.01, kMost);
}

}  // namespace lora::cypher::pattern
