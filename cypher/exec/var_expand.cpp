// Variable-length patterns.
//
// Paths are walked depth first with an explicit stack and given as they are found, so the number of paths does not
// matter to memory. No relationship occurs twice in a path (exact). The hops of the nodes on the current path are
// copied
// (`pool_`): the reader's arrays do not outlive a batch. Where only the set of end nodes matters, breadth first
// instead.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "cypher/exec/build.h"
#include "cypher/exec/hops.h"

namespace lora::cypher {

namespace {

constexpr size_t kTickEvery = 256;

// The relationships of the current path; a hash set beside the list when it is long.
class PathRelationships {
 public:
  void clear() {
    list_.clear();
    set_.clear();
  }
  bool has(uint64_t id) const {
    if (list_.size() <= kShort) return std::find(list_.begin(), list_.end(), id) != list_.end();
    return set_.contains(id);
  }
  void push(uint64_t id) {
    list_.push_back(id);
    if (list_.size() == kShort + 1) {
      set_.insert(list_.begin(), list_.end());
    } else if (list_.size() > kShort) {
      set_.insert(id);
    }
  }
  void pop() {
    if (list_.size() > kShort + 1) {
      set_.erase(list_.back());
    } else if (list_.size() == kShort + 1) {
      set_.clear();
    }
    list_.pop_back();
  }
  const std::vector<uint64_t>& list() const { return list_; }

 private:
  static constexpr size_t kShort = 24;
  std::vector<uint64_t> list_;
  std::unordered_set<uint64_t> set_;
};

HopPattern hop_pattern(const VarExpand& v) {
  return {v.direction, v.types, v.hop_predicate, v.hop_relationship, v.hop_from, v.hop_to};
}

class VarExpandOperator : public MultiplyingOperator {
 public:
  VarExpandOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : MultiplyingOperator(build, op, std::move(input)),
        var_(*static_cast<const VarExpand*>(op)),
        hops_(&state_, hop_pattern(var_)),
        differ_(var_.differ_from),
        list_wanted_(!var_.relationships_bound && is_live(var_.relationships)),
        to_wanted_(!var_.into && is_live(var_.to)) {}

  void close() override {
    hops_.close();
    pool_ = {};
    frames_ = {};
    path_.clear();
    MultiplyingOperator::close();
  }

 protected:
  Status begin() override {
    hops_.begin_run();
    running_ = false;
    return Status();
  }

  // Sets up row_; false: nothing starts there.
  bool start_row() {
    start_ = node_at((*in_)[var_.from], row_);
    if (start_ == kNoId || var_.min_hops > var_.max_hops) return false;
    target_ = kNoId;
    if (var_.into) {
      target_ = node_at((*in_)[var_.to], row_);
      if (target_ == kNoId) return false;
    }
    hops_.begin_row(in_, row_);
    if (!differ_.empty()) differ_.select(*in_, row_);
    return true;
  }

  void emit(uint64_t end, const std::vector<uint64_t>& relationships) {
    if (to_wanted_) {
      Column& c = out_.columns[var_.to];
      if (c.kind == Column::Kind::kEmpty) c.reset(Column::Kind::kNodes);
      c.ids.push_back(end);
    }
    if (list_wanted_) {
      List list;
      list.reserve(relationships.size());
      for (uint64_t id : relationships) list.push_back(Value::relationship(RelId(id)));
      if (var_.reversed_list) std::reverse(list.begin(), list.end());
      out_.columns[var_.relationships].push(Value::list(std::move(list)));
    }
    parents_.push_back(static_cast<uint32_t>(row_));
  }

  Status produce(size_t room) override {
    PinGuard pin(&state_);
    size_t steps = 0;
    while (row_ < in_->rows && parents_.size() < room) {
      if (!running_) {
        if (!start_row()) {
          ++row_;
          continue;
        }
        running_ = true;
        path_.clear();
        frames_.clear();
        pool_.clear();
        if (var_.min_hops == 0 && (!var_.into || start_ == target_)) emit(start_, path_.list());
        if (var_.max_hops > 0) LORA_TRY(push_frame(start_));
        continue;
      }
      if (frames_.empty()) {
        running_ = false;
        ++row_;
        continue;
      }
      if (++steps % kTickEvery == 0) LORA_TRY(state_.tick());
      LORA_TRY(step(room));
    }
    return Status();
  }

  const VarExpand& var_;
  HopFinder hops_;
  DifferFrom differ_;
  bool list_wanted_, to_wanted_;
  uint64_t start_ = 0, target_ = kNoId;

 private:
  struct Frame {
    size_t begin, at, end;  // hops in pool_
  };

  Status push_frame(uint64_t node) {
    const size_t begin = pool_.size();
    LORA_TRY(hops_.collect(node, false, &pool_));
    frames_.push_back({begin, begin, pool_.size()});
    return Status();
  }

  // Works on the top frame until it goes deeper, ends, or the output is full.
  Status step(size_t room) {
    const size_t depth = frames_.size();  // of the nodes these hops lead to
    const bool deeper = depth < var_.max_hops;
    while (frames_.back().at < frames_.back().end) {
      if (parents_.size() >= room) return Status();
      const Hop hop = pool_[frames_.back().at++];
      if (path_.has(hop.relationship) || !differ_.holds(hop.relationship)) continue;
      const bool hit = depth >= var_.min_hops && (!var_.into || hop.node == target_);
      if (!deeper) {
        if (!hit) continue;
        path_.push(hop.relationship);
        emit(hop.node, path_.list());
        path_.pop();
        continue;
      }
      path_.push(hop.relationship);
      if (hit) emit(hop.node, path_.list());
      return push_frame(hop.node);
    }
    pool_.resize(frames_.back().begin);
    frames_.pop_back();
    if (!frames_.empty()) path_.pop();
    return Status();
  }

  std::vector<Hop> pool_;
  std::vector<Frame> frames_;
  PathRelationships path_;
  bool running_ = false;
};

// The list of relationships is bound: follow it.
class FollowListOperator final : public VarExpandOperator {
 public:
  using VarExpandOperator::VarExpandOperator;

 protected:
  Status produce(size_t) override {
    for (; row_ < in_->rows; ++row_) {
      const Value list = (*in_)[var_.relationships].get(row_);
      if (!list.is_list() || !start_row()) continue;
      const List& items = list.as_list();
      if (items.size() < var_.min_hops || items.size() > var_.max_hops) continue;
      uint64_t at = start_;
      bool fits = true;
      seen_.clear();
      for (size_t i = 0; i < items.size() && fits; ++i) {
        const Value& item = items[var_.reversed_list ? items.size() - 1 - i : i];
        fits = item.is_relationship() && differ_.holds(item.relationship_id().value) &&
               std::find(seen_.begin(), seen_.end(), item.relationship_id().value) == seen_.end();
        if (!fits) break;
        seen_.push_back(item.relationship_id().value);
        LORA_TRY(hops_.follow(at, item.relationship_id().value, &fits, &at));
      }
      if (fits && (!var_.into || at == target_)) emit(at, seen_);
    }
    return Status();
  }

 private:
  std::vector<uint64_t> seen_;
};

// Breadth first: each end node once per input row.
//
// A path from the start back to itself needs a closed walk without a repeated relationship. Each node remembers by
// which relationship its shortest path left the start; a hop between nodes of different such branches closes a walk of
// the length of both paths and the hop. The shortest of these is the shortest way back, in undirected patterns too.
class ReachOperator final : public VarExpandOperator {
 public:
  ReachOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : VarExpandOperator(build, op, std::move(input)), charge_(&state_) {}
  void close() override {
    seen_.trim();
    reached_ = {};
    frontier_ = {};
    next_ = {};
    branch_.clear();
    charge_.clear();
    VarExpandOperator::close();
  }

 protected:
  Status begin() override {
    searched_ = false;
    return VarExpandOperator::begin();
  }

  Status produce(size_t room) override {
    PinGuard pin(&state_);
    static const std::vector<uint64_t> kNoRelationships;
    while (row_ < in_->rows && parents_.size() < room) {
      if (!searched_) {
        if (!start_row()) {
          ++row_;
          continue;
        }
        LORA_TRY(search());
        searched_ = true;
        at_ = 0;
      }
      while (at_ < reached_.size() && parents_.size() < room) {
        const uint64_t node = reached_[at_++];
        if (!var_.into || node == target_) emit(node, kNoRelationships);
      }
      if (at_ == reached_.size()) {
        searched_ = false;
        ++row_;
      }
    }
    return Status();
  }

 private:
  Status search() {
    reached_.clear();
    charge_.clear();
    seen_.reset(state_.reader().node_id_limit().value + 1, state_.reader().node_count());
    const bool undirected = var_.direction == Direction::kBoth;
    bool back = var_.min_hops == 0;  // the start is an end
    seen_.add(start_);
    if (back) reached_.push_back(start_);
    branch_.clear();
    frontier_.assign(1, start_);
    size_t steps = 0;
    for (uint32_t depth = 1; depth <= var_.max_hops && !frontier_.empty(); ++depth) {
      next_.clear();
      for (uint64_t node : frontier_) {
        if (++steps % kTickEvery == 0) LORA_TRY(state_.tick());
        found_.clear();
        LORA_TRY(hops_.collect(node, false, &found_));
        for (const Hop& hop : found_) {
          if (!differ_.holds(hop.relationship)) continue;
          if (undirected && !back) back = closes(node, hop, depth);
          if (hop.node == start_) {
            if (!undirected) back = true;
            continue;
          }
          if (!seen_.add(hop.node)) continue;
          if (undirected)
            branch_[hop.node] = {node == start_ ? hop.relationship : branch_[node].first, depth, hop.relationship};
          next_.push_back(hop.node);
        }
      }
      reached_.insert(reached_.end(), next_.begin(), next_.end());
      LORA_TRY(charge_.add(next_.size() * (undirected ? 72 : 16)));
      std::swap(frontier_, next_);
    }
    if (back && var_.min_hops > 0) reached_.push_back(start_);
    return Status();
  }

  struct Branch {
    uint64_t first = 0;  // the relationship that left the start
    uint32_t depth = 0;
    uint64_t last = 0;  // the relationship that led here
  };

  // Does this hop close a walk around the start, within max_hops?
  bool closes(uint64_t node, const Hop& hop, uint32_t depth) {
    if (hop.node == node) return node == start_;  // a self loop at the start; others lead nowhere new
    const bool from_start = node == start_;
    if (hop.node == start_) return !from_start && branch_[node].first != hop.relationship;
    const auto other = branch_.find(hop.node);
    if (other == branch_.end()) return false;
    const uint64_t own_branch = from_start ? hop.relationship : branch_[node].first;
    if (own_branch == other->second.first) return false;
    // depth - 1 hops to `node`, this one, and other's way back.
    return uint64_t{depth} + other->second.depth <= var_.max_hops;
  }

  NodeSet seen_;
  std::vector<uint64_t> reached_, frontier_, next_;
  std::vector<Hop> found_;
  std::unordered_map<uint64_t, Branch> branch_;  // undirected patterns only
  size_t at_ = 0;
  bool searched_ = false;
  MemoryCharge charge_;
};

}  // namespace

OperatorPtr make_var_expand(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  const auto& var = *static_cast<const VarExpand*>(op);
  if (var.relationships_bound) return std::make_unique<FollowListOperator>(build, op, std::move(input));
  if (var.distinct_ends && var.min_hops <= 1) return std::make_unique<ReachOperator>(build, op, std::move(input));
  return std::make_unique<VarExpandOperator>(build, op, std::move(input));
}

}  // namespace lora::cypher
