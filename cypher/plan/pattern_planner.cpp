#include "cypher/plan/pattern_planner.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>

#include "cypher/expr/operations.h"

namespace lora::cypher {

namespace {

constexpr size_t kMaskBits = 64;
constexpr size_t kBatchRelationshipsMax = 60;  // relationships and nodes planned together: masks are 64 bits wide
constexpr size_t kBatchNodesMax = 61;
constexpr double kCheapLeafRows = 1.5;
constexpr double kJoinCostMin = 1000;  // below, an estimate of a nearly empty graph must not lead to a join

using Mask = uint64_t;

struct PatternNode {
  Slot slot = kNoSlot;
  bool bound = false;  // before or by now
  std::vector<const NameRef*> labels;
  std::optional<LabelId> implied;  // of a node without labels: what its relationships' other ends tell of it
};

struct PatternEdge {
  const BoundRelationship* rel = nullptr;
  const BoundQuantifiedPath* quantified = nullptr;  // a group: `rel` stands in for all its relationships
  uint32_t from = 0, to = 0;                        // PatternNode indexes
  std::vector<Slot> outer_reads;                    // slots that the hop predicate reads from the row
};

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

// What a predicate offers for finding its node or relationship directly: `slot.key op value`, or `id(slot) op value`.
struct Sargable {
  enum class Op : uint8_t { kEqual, kIn, kLess, kLessEqual, kGreater, kGreaterEqual, kPrefix } op = Op::kEqual;
  uint32_t predicate = 0;
  Slot slot = kNoSlot;
  const NameRef* key = nullptr;  // null: the id
  const Expr* value = nullptr;
  SlotSet value_slots;
  bool exact = true;  // what is found needs no filter by the predicate any more
};

struct Predicate {
  const Expr* expr = nullptr;
  SlotSet slots;
  double selectivity = 1;
  bool late = false;              // only after everything is matched (not deterministic)
  bool derived = false;           // reads a derived slot: after those are computed
  bool before_selection = false;  // see BoundPredicate
  bool applied = false;
  // Within the current batch: what must be bound. Impossible when a needed slot is neither there nor in the batch.
  Mask nodes = 0, edges = 0;
  bool possible = true;
};

struct Access {
  enum class Kind : uint8_t { kAllNodes, kLabel, kIdSeek, kIndexSeek, kIndexRange } kind = Kind::kAllNodes;
  double rows = 0;  // per input row
  double cost = 0;
  const NameRef* label = nullptr;
  const graph::IndexInfo* index = nullptr;
  std::vector<const Sargable*> uses;  // kIdSeek: one; kIndexSeek: by key; kIndexRange: bounds or a prefix
  std::vector<uint32_t> consumed;     // predicates that need no filter any more
};

struct Step {
  enum class Kind : uint8_t { kNone, kLeaf, kRelationshipLeaf, kExpand, kInto, kShortest } kind = Kind::kNone;
  uint32_t index = 0;     // node (kLeaf) or edge
  bool from_left = true;  // kExpand: walks from the pattern's left end
  Access access;          // kLeaf; kRelationshipLeaf: kIndexSeek, kIdSeek, or kAllNodes for a scan
};

struct State {
  Mask nodes = 0, edges = 0;
  double rows = 1, cost = 0;
};

struct Solution {
  std::vector<Step> steps;
  State end;
  bool complete = true;
};

bool overlapping_types(const BoundRelationship& a, const BoundRelationship& b) {
  if (a.types.empty() || b.types.empty()) return true;
  for (const NameRef* x : a.types) {
    for (const NameRef* y : b.types) {
      if (x->name == y->name) return true;
    }
  }
  return false;
}

class PatternPlanner {
 public:
  PatternPlanner(PlanBuilder& builder, const BoundPattern& pattern, const SlotSet& argument_slots, Stream* stream)
      : b_(builder),
        stats_(builder.statistics()),
        pattern_(pattern),
        argument_slots_(argument_slots),
        stream_(*stream) {}

  Status run() {
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

 private:
  // All matches of the selected path for one row of the stream, then the best of them.
  Status run_selection(const BoundPathSelection& selection) {
    apply_ready(&stream_, nullptr);
    const bool one_row = stream_.op == nullptr;
    Stream right = one_row ? Stream() : b_.argument(stream_.slots);
    LORA_TRY(plan_pattern(b_, *selection.inner, stream_.slots, &right));
    auto* op = b_.make<PathSelection>();
    op->first = selection.first;
    op->last = selection.last;
    op->path = selection.path;
    op->k = selection.k;
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

  // --- what is there to plan ---

  Status collect() {
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
  SlotSet path_slots(const BoundRelationship& r, std::vector<Assignment>* derived) const {
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
  static bool is_path_condition(const Predicate& p, const SlotSet& path_slots) {
    return p.before_selection && !p.late && p.slots.intersects(path_slots);
  }

  // A search is told the conditions on its whole path, so it comes after what else these read.
  void wait_for_path_conditions(PatternEdge* e) {
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
  void imply_labels() {
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

  // Relationships that one node has, as seen from it.
  double node_degree(uint32_t node, const std::vector<const NameRef*>& types, Direction d) const {
    if (nodes_[node].implied) return stats_.degree(*nodes_[node].implied, types, d);
    return stats_.degree(labels_of(node), types, d);
  }
  // Nodes that it may be.
  double population(uint32_t node) const {
    if (nodes_[node].implied)
      return std::max(1.0, static_cast<double>(stats_.reader().node_count(*nodes_[node].implied)));
    return std::max(1.0, stats_.nodes_with(labels_of(node)));
  }

  // A group is planned as one edge, like a variable-length relationship of any of its types.
  void collect_group(const BoundQuantifiedPath& q) {
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

  static void pattern_slots(const BoundPattern& p, SlotSet* out) {
    for (const BoundNode& n : p.nodes) out->add(n.slot);
    for (const BoundRelationship& r : p.relationships) out->add(r.slot);
    for (const BoundAssignment& a : p.derived) out->add(a.slot);
    for (const BoundQuantifiedPath& q : p.quantified) {
      out->add(q.relationships);
      for (const BoundQuantifiedPath::Group& g : q.groups) out->add(g.outer);
    }
  }

  void add_predicate(Predicate p) {
    const auto index = static_cast<uint32_t>(predicates_.size());
    if (!p.derived && !p.late) add_sargables(*p.expr, index);
    predicates_.push_back(std::move(p));
  }

  void add_sargables(const Expr& e, uint32_t predicate) {
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
  void add_alternatives(const Expr& e, uint32_t predicate) {
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

  void add_comparison(const Expr& left, char op, const Expr& right, uint32_t predicate, bool chained) {
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

  void add_sargable(const Expr& target, Sargable::Op op, const Expr* value, uint32_t predicate) {
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
               target.children.size() == 1 && target.children[0]->kind == ExprKind::kSlot &&
               op == Sargable::Op::kEqual && find_function("toIntegerOrNull") != nullptr) {
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

  // Nodes that were there before: their labels are filters.
  void bound_filters() {
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

  std::vector<std::vector<uint32_t>> find_components() {
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
    std::map<uint32_t, std::vector<uint32_t>> by_root;
    for (uint32_t i = 0; i < nodes_.size(); ++i) by_root[root(i)].push_back(i);
    std::vector<std::vector<uint32_t>> out;
    for (auto& [r, members] : by_root) out.push_back(std::move(members));
    return out;
  }

  bool has_bound_node(const std::vector<uint32_t>& component) const {
    return std::any_of(component.begin(), component.end(), [&](uint32_t n) { return nodes_[n].bound; });
  }

  // --- one connected piece ---

  Status next_component(std::vector<std::vector<uint32_t>>* components) {
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
  std::vector<std::vector<uint32_t>> edge_batches(const std::vector<uint32_t>& component) const {
    std::vector<uint32_t> queue;
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

  // Makes `batch_edges` (and the nodes at them) the bits of masks. `available`: slots there before.
  void start_batch(const std::vector<uint32_t>& component, const std::vector<uint32_t>& edges,
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
    slot_node_.clear();
    slot_edge_.clear();
    for (size_t i = 0; i < batch_nodes_.size(); ++i) slot_node_[nodes_[batch_nodes_[i]].slot] = Mask{1} << i;
    for (size_t i = 0; i < edges.size(); ++i) {
      if (!edges_[edges[i]].rel->bound) slot_edge_[edges_[edges[i]].rel->slot] = Mask{1} << i;
    }
    for (Predicate& p : predicates_) {
      if (p.applied || p.late || p.derived) {
        p.possible = false;
        continue;
      }
      p.possible = masks_of(p.slots, &p.nodes, &p.edges);
      if (p.nodes == 0 && p.edges == 0) p.possible = false;  // nothing of this batch in it
    }
  }

  bool masks_of(const SlotSet& slots, Mask* nodes, Mask* edges) const {
    *nodes = *edges = 0;
    for (Slot s : slots.to_vector()) {
      if (available_.has(s)) continue;
      if (auto n = slot_node_.find(s); n != slot_node_.end()) {
        *nodes |= n->second;
      } else if (auto e = slot_edge_.find(s); e != slot_edge_.end()) {
        *edges |= e->second;
      } else {
        return false;
      }
    }
    return true;
  }

  bool available_in(const SlotSet& slots, const State& at) const {
    Mask nodes, edges;
    return masks_of(slots, &nodes, &edges) && (nodes & ~at.nodes) == 0 && (edges & ~at.edges) == 0;
  }

  State initial(double rows) const {
    State s;
    s.rows = rows;
    for (size_t i = 0; i < batch_nodes_.size(); ++i) {
      if (nodes_[batch_nodes_[i]].bound) s.nodes |= Mask{1} << i;
    }
    return s;
  }

  // --- solving a batch ---

  Solution solve(double rows) {
    const State start = initial(rows);
    if (!b_.input().cost_based) return solve_as_written(start);
    if (batch_edges_.size() <= kDpRelationshipsMax) return solve_dynamic(start);
    return solve_greedy(start);
  }

  bool done(const State& s) const {
    return s.edges == low_bits(batch_edges_.size()) && s.nodes == low_bits(batch_nodes_.size());
  }
  static Mask low_bits(size_t n) { return n >= 64 ? ~Mask{0} : (Mask{1} << n) - 1; }

  Solution solve_dynamic(const State& start) {
    struct Entry {
      State state;
      size_t previous = 0;
      Step step;
    };
    struct Key {
      Mask nodes, edges;
      bool operator==(const Key&) const = default;
    };
    struct KeyHash {
      size_t operator()(const Key& k) const { return std::hash<Mask>()(k.nodes * 0x9e3779b97f4a7c15ull ^ k.edges); }
    };
    std::vector<Entry> entries{{start, 0, {}}};
    // Every step sets at least one bit: states are worked off by their number of bits.
    const size_t layer_count = batch_nodes_.size() + batch_edges_.size() + 1;
    std::vector<std::unordered_map<Key, size_t, KeyHash>> layers(layer_count);
    auto layer_of = [](const State& s) {
      return static_cast<size_t>(__builtin_popcountll(s.nodes) + __builtin_popcountll(s.edges));
    };
    layers[layer_of(start)][{start.nodes, start.edges}] = 0;
    std::vector<Step> steps;
    for (auto& layer : layers) {
      for (const auto& [key, at] : layer) {
        const State state = entries[at].state;
        if (done(state)) continue;
        steps.clear();
        possible_steps(state, &steps);
        for (Step& step : steps) {
          const State next = after(state, step);
          auto& target = layers[layer_of(next)];
          auto [it, fresh] = target.try_emplace({next.nodes, next.edges}, entries.size());
          if (fresh) {
            entries.push_back({next, at, std::move(step)});
          } else if (next.cost < entries[it->second].state.cost) {
            entries[it->second] = {next, at, std::move(step)};
          }
        }
      }
    }
    Solution solution;
    const State all{low_bits(batch_nodes_.size()), low_bits(batch_edges_.size()), 0, 0};
    const auto& last = layers.back();
    const auto end = last.find({all.nodes, all.edges});
    if (end == last.end()) return solve_greedy(start);
    for (size_t at = end->second; at != 0; at = entries[at].previous) solution.steps.push_back(entries[at].step);
    std::reverse(solution.steps.begin(), solution.steps.end());
    solution.end = entries[end->second].state;
    return solution;
  }

  Solution solve_greedy(const State& start) {
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

  Solution solve_as_written(const State& start) {
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
  void edge_steps(const State& s, uint32_t i, Step* out) const {
    std::vector<Step> steps;
    expand_steps(s, i, &steps);
    if (!steps.empty()) *out = steps.front();
  }

  // A relationship that an earlier clause has found is only there where that clause's rows are: not in what is planned
  // apart for a join.
  bool is_there(const PatternEdge& e) const { return !e.rel->bound || available_.has(e.rel->slot); }

  void expand_steps(const State& s, uint32_t i, std::vector<Step>* out) const {
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

  void possible_steps(const State& s, std::vector<Step>* out) {
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

  // --- finding a node or a relationship directly ---

  Access best_access(const PatternNode& node, const State& s) const {
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
      const auto id = stats_.reader().find_label(l->name);
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

  const Sargable* find_sargable(Slot slot, std::string_view key, Sargable::Op op, const State& s) const {
    for (const Sargable& x : sargables_) {
      if (x.slot == slot && x.key != nullptr && x.op == op && x.key->name == key && !predicates_[x.predicate].applied &&
          available_in(x.value_slots, s)) {
        return &x;
      }
    }
    return nullptr;
  }

  bool index_access(const graph::IndexInfo& index, Slot slot, const State& s, Access* a) const {
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
  void relationship_leaves(const State& s, uint32_t i, bool start, std::vector<Step>* out) {
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
      const auto type = stats_.reader().find_rel_type(e.rel->types[0]->name);
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
    // A scan of all relationships pays only when the ends say nothing.
    Step scan;
    scan.kind = Step::Kind::kRelationshipLeaf;
    scan.index = i;
    scan.access.kind = Access::Kind::kAllNodes;
    scan.access.rows = std::max(stats_.relationship_count(e.rel->types), 1.0) * (both ? 2 : 1);
    scan.access.cost = scan.access.rows * 3;
    out->push_back(std::move(scan));
  }

  // --- what a step costs and gives ---

  bool has_node(const State& s, uint32_t node) const {
    return node_bit_[node] >= 0 && ((s.nodes >> node_bit_[node]) & 1) != 0;
  }
  Mask node_mask(uint32_t node) const { return Mask{1} << node_bit_[node]; }

  double direction_degree(const PatternEdge& e, bool from_left) const {
    const Direction d = from_left ? e.rel->direction : reverse(e.rel->direction);
    return node_degree(from_left ? e.from : e.to, e.rel->types, d);
  }
  std::span<const NameRef* const> labels_of(uint32_t node) const {
    const auto it = b_.labels().find(nodes_[node].slot);
    if (it == b_.labels().end()) return {};
    return it->second;
  }

  State after(const State& s, const Step& step) const {
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
        n.rows = s.rows * step.access.rows *
                 stats_.end_selectivity(nodes_[e.to].labels, e.rel->types, e.rel->direction) *
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
    for (uint32_t i = 0; i < predicates_.size(); ++i) {
      const Predicate& p = predicates_[i];
      if (!p.possible || (p.nodes & ~n.nodes) != 0 || (p.edges & ~n.edges) != 0) continue;
      if ((p.nodes & ~s.nodes) == 0 && (p.edges & ~s.edges) == 0) continue;  // was applied before
      if (std::find(step.access.consumed.begin(), step.access.consumed.end(), i) != step.access.consumed.end())
        continue;
      n.cost += n.rows * 0.5;
      const bool ranged = std::any_of(step.access.uses.begin(), step.access.uses.end(),
                                      [&](const Sargable* x) { return x->predicate == i; });
      if (!ranged) n.rows *= p.selectivity;
    }
    return n;
  }

  static double hops(double degree, const BoundRelationship& r) {
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

  // --- making operators ---

  Status emit_all(const Solution& solution, Stream* stream) {
    State state = initial(stream->rows);
    for (const Step& step : solution.steps) {
      const State next = after(state, step);
      LORA_TRY(emit(step, stream));
      state.nodes = next.nodes;
      state.edges = next.edges;
      state.rows = stream->rows;
    }
    return Status();
  }

  Status emit(const Step& step, Stream* stream) {
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
  void label_check(uint32_t n, const NameRef* known, std::vector<const Expr*>* checks) {
    std::vector<const NameRef*> rest;
    for (const NameRef* l : nodes_[n].labels) {
      if (l != known) rest.push_back(l);
    }
    if (!rest.empty()) checks->push_back(b_.has_labels(nodes_[n].slot, rest));
  }

  void emit_leaf(uint32_t n, const Access& access, Stream* stream, std::vector<const Expr*>* checks) {
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

  void fill_seek(const Access& access, IndexSeek* op) {
    op->index = access.index->id;
    std::vector<const Expr*> values;
    for (const Sargable* x : access.uses) values.push_back(x->value);
    op->values = b_.array(values);
    op->many = access.uses[0]->op == Sargable::Op::kIn;
  }

  void emit_relationship_leaf(uint32_t i, const Access& access, Stream* stream, std::vector<const Expr*>* checks) {
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
  std::vector<Slot> differ_from(uint32_t i) const {
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

  const BoundRelationship* edge_of_slot(Slot slot) const {
    for (const PatternEdge& e : edges_) {
      if (e.rel->slot == slot) return e.rel;
    }
    return nullptr;
  }

  // "edge i is not (in) `other`" as an expression, where no expansion can check it.
  const Expr* differs(uint32_t i, Slot other) {
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

  void emit_expand(uint32_t i, const Step& step, Stream* stream, std::vector<const Expr*>* checks) {
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

  Status emit_repeat(uint32_t i, const Step& step, Stream* stream, std::vector<const Expr*>* checks) {
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
  Expr* condition_of_each_hop(const Expr& e, const BoundRelationship& r, const SlotSet& own) {
    if (e.kind != ExprKind::kQuantifier || (e.op != 'a' && e.op != 'n') || r.hop_relationship == kNoSlot)
      return nullptr;
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

  void emit_shortest(uint32_t i, Stream* stream, std::vector<const Expr*>*) {
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

  void mark_solved(uint32_t i) { solved_[i] = true; }

  // Filters by `checks` and all predicates whose slots are there; cheap ones first.
  void apply_ready(Stream* stream, std::vector<const Expr*>* checks) {
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

  static int weight(const Expr& e) {
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

  // Plans the current batch apart from the rows so far and joins both.
  Status join(const Solution& apart) {
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
  void finish() {
    b_.project(&stream_, pattern_.derived);
    std::vector<const Expr*> rest;
    for (Predicate& p : predicates_) {
      if (p.applied) continue;
      p.applied = true;
      rest.push_back(p.expr);
    }
    b_.filter(&stream_, rest);
  }

  PlanBuilder& b_;
  const Statistics& stats_;
  const BoundPattern& pattern_;
  const SlotSet& argument_slots_;
  Stream& stream_;
  std::vector<PatternNode> nodes_;
  std::vector<uint32_t> node_of_;  // BoundPattern::nodes index -> nodes_ index
  std::vector<PatternEdge> edges_;
  std::deque<BoundRelationship> stand_ins_;  // for groups
  std::vector<bool> solved_;
  std::vector<Predicate> predicates_;
  std::vector<Sargable> sargables_;
  // The batch at hand.
  SlotSet available_;
  std::vector<uint32_t> batch_nodes_, batch_edges_;
  std::vector<int> node_bit_;
  std::unordered_map<Slot, Mask> slot_node_, slot_edge_;
};

}  // namespace

Status plan_pattern(PlanBuilder& builder, const BoundPattern& pattern, const SlotSet& argument_slots, Stream* stream) {
  return PatternPlanner(builder, pattern, argument_slots, stream).run();
}

}  // namespace lora::cypher
