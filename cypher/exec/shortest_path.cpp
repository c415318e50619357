// Shortest paths between two bound nodes.
//
// The usual case (different ends, one path or all of the smallest length) is a breadth-first search from both ends that
// always grows the smaller frontier; every node remembers all hops by which it is reached in the fewest steps. A
// shortest walk between different nodes repeats nothing, so relationship uniqueness holds by itself. Other cases (a
// smallest length that is longer than the distance, k paths, a way back to the same node) try lengths one after the
// other: a depth-first walk without repeated relationships, cut off by the distance to the target. So do conditions on
// the whole path, which may rule out any number of shorter paths.
#include <algorithm>
#include <unordered_map>

#include "cypher/exec/build.h"
#include "cypher/exec/hops.h"
#include "cypher/expr/operations.h"

namespace lora::cypher {

namespace {

constexpr size_t kTickEvery = 256;
constexpr uint32_t kNoEdge = UINT32_MAX;

// One side of the search.
struct Side {
  struct Reached {
    uint32_t depth = 0;
    uint32_t first_edge = kNoEdge;
  };
  struct Edge {  // a hop on a shortest way back to this side's end
    uint64_t node = 0, relationship = 0;
    uint32_t next = kNoEdge;
  };
  std::unordered_map<uint64_t, Reached> nodes;
  std::vector<Edge> edges;
  std::vector<uint64_t> frontier, next;
  uint32_t depth = 0;

  void start(uint64_t node) {
    nodes.clear();
    edges.clear();
    nodes[node] = {0, kNoEdge};
    frontier.assign(1, node);
    depth = 0;
  }
  void add_edge(Reached* to, uint64_t node, uint64_t relationship) {
    edges.push_back({node, relationship, to->first_edge});
    to->first_edge = static_cast<uint32_t>(edges.size() - 1);
  }
  void release() {
    nodes = {};
    edges = {};
    frontier = {};
    next = {};
  }
};

class ShortestPathOperator final : public MultiplyingOperator {
 public:
  ShortestPathOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : MultiplyingOperator(build, op, std::move(input)),
        shortest_(*static_cast<const ShortestPath*>(op)),
        hops_(&state_, {shortest_.direction, shortest_.types, shortest_.hop_predicate, shortest_.hop_relationship,
                        shortest_.hop_from, shortest_.hop_to}),
        charge_(&state_) {}

  void close() override {
    hops_.close();
    forward_.release();
    backward_.release();
    distance_ = {};
    paths_ = {};
    candidate_.clear();
    charge_.clear();
    MultiplyingOperator::close();
  }

 protected:
  Status begin() override {
    hops_.begin_run();
    searched_ = false;
    return evaluate_path_count(&state_, shortest_.count, shortest_.k, &k_);
  }

  Status produce(size_t room) override {
    PinGuard pin(&state_);
    while (row_ < in_->rows && parents_.size() < room) {
      if (!searched_) {
        LORA_TRY(search());
        searched_ = true;
        at_ = 0;
      }
      while (at_ < paths_.size() && parents_.size() < room) give(std::move(paths_[at_++]));
      if (at_ == paths_.size()) {
        searched_ = false;
        ++row_;
      }
    }
    return Status();
  }

 private:
  bool wanted(Slot slot) const { return slot != kNoSlot && is_live(slot); }

  void give(PathIds path) {
    if (wanted(shortest_.relationships)) {
      List list;
      list.reserve(path.rels.size());
      for (RelId r : path.rels) list.push_back(Value::relationship(r));
      out_.columns[shortest_.relationships].push(Value::list(std::move(list)));
    }
    if (wanted(shortest_.path)) out_.columns[shortest_.path].push(Value::path(std::move(path)));
    parents_.push_back(static_cast<uint32_t>(row_));
  }

  Status keep(PathIds path) {
    if (!shortest_.conditions.empty()) {
      bool fulfilled = false;
      LORA_TRY(check_conditions(path, &fulfilled));
      if (!fulfilled) return Status();
    }
    LORA_TRY(charge_.add(sizeof(PathIds) + path.nodes.size() * 16));
    paths_.push_back(std::move(path));
    return Status();
  }

  // The row with this path's relationships, as one row of its own.
  Status check_conditions(const PathIds& path, bool* fulfilled) {
    *fulfilled = false;
    if (candidate_.columns.size() < state_.column_count) candidate_.columns.resize(state_.column_count);
    candidate_.clear();
    for (Slot slot = 0; slot < in_->columns.size(); ++slot) {
      if ((*in_)[slot].kind != Column::Kind::kEmpty) candidate_[slot].push_from((*in_)[slot], row_);
    }
    candidate_.rows = 1;
    List list;
    for (RelId r : path.rels) list.push_back(Value::relationship(r));
    const auto fill = [&](Slot slot, const Value& value) {
      candidate_[slot].clear();
      candidate_[slot].push(value);
    };
    fill(shortest_.relationships, Value::list(std::move(list)));
    for (const Assignment& a : shortest_.derived) {
      LORA_TRY(state_.evaluator.evaluate(*a.expr, candidate_, &derived_));
      fill(a.slot, derived_.get(0));
    }
    for (const Expr* condition : shortest_.conditions) {
      LORA_TRY(state_.evaluator.filter(*condition, candidate_, &fulfilling_));
      LORA_TRY(state_.read_status());
      if (fulfilling_.empty()) return Status();
    }
    *fulfilled = true;
    return Status();
  }

  Status tick() { return ++steps_ % kTickEvery == 0 ? state_.tick() : Status(); }

  Status search() {
    paths_.clear();
    charge_.clear();
    from_ = node_at((*in_)[shortest_.from], row_);
    to_ = node_at((*in_)[shortest_.to], row_);
    if (from_ == kNoId || to_ == kNoId || shortest_.min_hops > shortest_.max_hops) return Status();
    if (shortest_.ends_differ && from_ == to_) {
      return Status::runtime(
          ErrorCode::kSemantic, "ArgumentError", "InvalidArgumentValue",
          "`shortestPath()` and `allShortestPaths()` take two different nodes, but both ends are the same "
          "node; leave such rows out with WHERE a <> b, or use SHORTEST 1");
    }
    hops_.begin_row(in_, row_);
    if (k_ > 1 || !shortest_.conditions.empty()) return search_by_length();
    if (from_ == to_) {
      if (shortest_.min_hops == 0) return keep({{NodeId(from_)}, {}});
      return search_by_length();
    }
    LORA_TRY(search_both_ends());
    // The shortest path may be too short for the pattern; a longer one may not.
    if (!paths_.empty() && paths_[0].rels.size() < shortest_.min_hops) {
      paths_.clear();
      return search_by_length();
    }
    return Status();
  }

  // --- from both ends ---

  Status search_both_ends() {
    forward_.start(from_);
    backward_.start(to_);
    meetings_.clear();
    while (meetings_.empty() && uint64_t{forward_.depth} + backward_.depth < shortest_.max_hops) {
      if (forward_.frontier.empty() || backward_.frontier.empty()) return Status();
      const bool grow_forward = forward_.frontier.size() <= backward_.frontier.size();
      LORA_TRY(grow(grow_forward ? &forward_ : &backward_, grow_forward ? backward_ : forward_, !grow_forward));
    }
    for (const Meeting& m : meetings_) {
      LORA_TRY(build_paths(m));
      if (!shortest_.all && !paths_.empty()) break;
    }
    return Status();
  }

  struct Meeting {  // a hop that joins both sides: forward node, relationship, backward node
    uint64_t from, relationship, to;
  };

  Status grow(Side* side, const Side& other, bool backward) {
    side->next.clear();
    const uint32_t depth = ++side->depth;
    for (uint64_t node : side->frontier) {
      LORA_TRY(tick());
      found_.clear();
      LORA_TRY(hops_.collect(node, backward, &found_));
      for (const Hop& hop : found_) {
        if (other.nodes.contains(hop.node)) {
          meetings_.push_back(backward ? Meeting{hop.node, hop.relationship, node}
                                       : Meeting{node, hop.relationship, hop.node});
          if (!shortest_.all) return Status();
          continue;
        }
        if (!meetings_.empty()) continue;  // this level is the last one
        const auto [place, added] = side->nodes.try_emplace(hop.node, Side::Reached{depth, kNoEdge});
        if (added) side->next.push_back(hop.node);
        if (added || (shortest_.all && place->second.depth == depth)) {
          side->add_edge(&place->second, node, hop.relationship);
        }
      }
    }
    LORA_TRY(charge_.add(side->next.size() * 80));
    std::swap(side->frontier, side->next);
    return Status();
  }

  // All ways from `node` back to the side's end, as hops in that order; `visit` may end it with an error or stop().
  template <typename Visit>
  Status walk_back(const Side& side, uint64_t node, Visit visit) {
    struct Step {
      uint64_t node;
      uint32_t edge;
    };
    std::vector<Step> stack{{node, side.nodes.at(node).first_edge}};
    std::vector<Hop> way;
    if (stack[0].edge == kNoEdge) return visit(way);
    while (!stack.empty()) {
      LORA_TRY(tick());
      Step& top = stack.back();
      if (top.edge == kNoEdge) {
        stack.pop_back();
        if (!way.empty()) way.pop_back();
        continue;
      }
      const Side::Edge& edge = side.edges[top.edge];
      top.edge = edge.next;
      way.push_back({edge.node, edge.relationship});
      const uint32_t deeper = side.nodes.at(edge.node).first_edge;
      if (deeper == kNoEdge) {
        LORA_TRY(visit(way));
        way.pop_back();
        if (!shortest_.all) return Status();
        continue;
      }
      stack.push_back({edge.node, deeper});
    }
    return Status();
  }

  Status build_paths(const Meeting& m) {
    return walk_back(forward_, m.from, [&](const std::vector<Hop>& head) {
      return walk_back(backward_, m.to, [&](const std::vector<Hop>& tail) {
        PathIds path;
        path.nodes.reserve(head.size() + tail.size() + 2);
        path.rels.reserve(head.size() + tail.size() + 1);
        for (size_t i = head.size(); i-- > 0;) {
          path.nodes.push_back(NodeId(head[i].node));
          path.rels.push_back(RelId(head[i].relationship));
        }
        path.nodes.push_back(NodeId(m.from));
        path.rels.push_back(RelId(m.relationship));
        path.nodes.push_back(NodeId(m.to));
        for (const Hop& hop : tail) {
          path.rels.push_back(RelId(hop.relationship));
          path.nodes.push_back(NodeId(hop.node));
        }
        return keep(std::move(path));
      });
    });
  }

  // --- length by length ---

  Status search_by_length() {
    LORA_TRY(find_distances());
    const auto start = distance_.find(from_);
    if (start == distance_.end()) return Status();
    uint64_t length = std::max<uint64_t>(shortest_.min_hops, from_ == to_ ? 0 : start->second);
    bool cut_off = true;
    uint32_t lengths = 0;  // that had paths
    for (; cut_off && length <= shortest_.max_hops; ++length) {
      const size_t before = paths_.size();
      cut_off = false;
      LORA_TRY(walk_length(static_cast<uint32_t>(length), &cut_off));
      if (paths_.size() > before) ++lengths;
      if (enough() || (shortest_.all && lengths >= std::max(k_, 1u))) break;
    }
    return Status();
  }

  bool enough() const { return !shortest_.all && paths_.size() >= k_; }

  // Hops to the target, from every node that reaches it within max_hops.
  Status find_distances() {
    distance_.clear();
    distance_[to_] = 0;
    std::vector<uint64_t> frontier{to_}, next;
    for (uint32_t depth = 1; depth <= shortest_.max_hops && !frontier.empty(); ++depth) {
      next.clear();
      for (uint64_t node : frontier) {
        LORA_TRY(tick());
        found_.clear();
        LORA_TRY(hops_.collect(node, true, &found_));
        for (const Hop& hop : found_) {
          if (distance_.try_emplace(hop.node, depth).second) next.push_back(hop.node);
        }
      }
      LORA_TRY(charge_.add(next.size() * 48));
      std::swap(frontier, next);
    }
    return Status();
  }

  // All walks of exactly this length, until enough. *cut_off: longer ones may exist.
  Status walk_length(uint32_t length, bool* cut_off) {
    struct Frame {
      size_t begin, at;
    };
    if (length == 0) {
      *cut_off = true;
      return from_ == to_ ? keep({{NodeId(from_)}, {}}) : Status();
    }
    std::vector<Hop> pool, path;
    std::vector<Frame> frames;
    LORA_TRY(hops_.collect(from_, false, &pool));
    frames.push_back({0, 0});
    while (!frames.empty()) {
      LORA_TRY(tick());
      if (frames.back().at == pool.size()) {
        pool.resize(frames.back().begin);
        frames.pop_back();
        if (!path.empty()) path.pop_back();
        continue;
      }
      const Hop hop = pool[frames.back().at++];
      const auto distance = distance_.find(hop.node);
      if (distance == distance_.end()) continue;
      const bool repeated =
          std::any_of(path.begin(), path.end(), [&](const Hop& h) { return h.relationship == hop.relationship; });
      if (repeated) continue;
      const size_t depth = path.size() + 1;
      if (depth + distance->second > length) {
        *cut_off = true;
        continue;
      }
      if (depth == length) {
        path.push_back(hop);
        LORA_TRY(keep_walk(path));
        path.pop_back();
        *cut_off = true;
        if (enough()) return Status();
        continue;
      }
      path.push_back(hop);
      const size_t begin = pool.size();
      LORA_TRY(hops_.collect(hop.node, false, &pool));
      frames.push_back({begin, begin});
    }
    return Status();
  }

  Status keep_walk(const std::vector<Hop>& hops) {
    PathIds path;
    path.nodes.push_back(NodeId(from_));
    for (const Hop& hop : hops) {
      path.rels.push_back(RelId(hop.relationship));
      path.nodes.push_back(NodeId(hop.node));
    }
    return keep(std::move(path));
  }

  const ShortestPath& shortest_;
  uint32_t k_ = 1;
  HopFinder hops_;
  Side forward_, backward_;
  std::vector<Meeting> meetings_;
  std::unordered_map<uint64_t, uint32_t> distance_;
  std::vector<Hop> found_;
  std::vector<PathIds> paths_;
  Batch candidate_;  // for conditions on whole paths
  Column derived_;
  std::vector<uint32_t> fulfilling_;
  uint64_t from_ = kNoId, to_ = kNoId;
  size_t at_ = 0;
  size_t steps_ = 0;
  bool searched_ = false;
  MemoryCharge charge_;
};

}  // namespace

OperatorPtr make_shortest_path(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<ShortestPathOperator>(build, op, std::move(input));
}

}  // namespace lora::cypher
