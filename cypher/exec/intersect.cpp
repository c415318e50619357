// Common neighbours of two bound nodes: one hop away from each of them.
#include <algorithm>

#include "cypher/exec/adjacency.h"
#include "cypher/exec/build.h"
#include "cypher/exec/hops.h"

namespace lora::cypher {

namespace {

// Rows that follow each other often have one end in common. Its neighbours are marked once for all of them, and of the
// other end's neighbours those with a mark are taken: one bit test each. Where no run of rows has an end in common, or
// one list is far longer than the other, the shorter list is walked and looked up in the longer one.
class IntersectOperator final : public MultiplyingOperator {
 public:
  IntersectOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : MultiplyingOperator(build, op, std::move(input)),
        op_(*static_cast<const Intersect*>(op)),
        sides_{Side(op_.first, op_.from), Side(op_.second, op_.other)},
        label_(op_.to_label),
        to_wanted_(is_live(op_.to)) {
    for (Side& s : sides_) s.wanted = s.op.relationship != kNoSlot && is_live(s.op.relationship);
  }

  void close() override {
    marks_.trim();
    ends_ = {};
    MultiplyingOperator::close();
  }

 protected:
  Status begin() override {
    for (Side& s : sides_) s.types.forget();
    return Status();
  }
  Status begin_batch() override {
    begin_row();
    for (Side& s : sides_) {
      s.ahead.start();
      LORA_TRY(check_nodes((*in_)[s.slot]));
    }
    return Status();
  }

  Status produce(size_t room) override {
    graph::Reader& reader = state_.reader();
    for (Side& s : sides_) s.types.refresh(reader);
    if (!label_.refresh(reader, sides_[0].types, op_.first.direction)) {
      row_ = in_->rows;
      return Status();
    }
    if (to_wanted_) open_column(op_.to, Column::Kind::kNodes);
    for (const Side& s : sides_) {
      if (s.wanted) open_column(s.op.relationship, Column::Kind::kRelationships);
    }
    // What was marked may have changed since.
    marked_ = kNoId;
    run_end_ = 0;
    size_t steps = 0;
    while (row_ < in_->rows) {
      if (!found_ends_) {
        const uint64_t a = node_at((*in_)[op_.from], row_), b = node_at((*in_)[op_.other], row_);
        if (a == kNoId || b == kNoId || row_done()) {
          next_row();
          continue;
        }
        find_ends(a, b, &steps);
        found_ends_ = true;
        if (steps >= kBatchRowsMax) {
          steps = 0;
          LORA_TRY(state_.tick());
        }
      }
      if (!give(room)) return Status();
      next_row();
      if (parents_.size() >= room) return Status();
    }
    return Status();
  }

 private:
  struct Side {
    Side(const Intersect::Side& o, Slot s) : op(o), slot(s), types(o.types), differ(o.differ_from) {}
    const Intersect::Side& op;
    Slot slot;  // its bound node
    TypeIds types;
    DifferFrom differ;
    ListsAhead ahead;
    bool wanted = false;
    std::vector<uint64_t> found;  // relationships to the end at hand
  };

  void open_column(Slot slot, Column::Kind kind) {
    if (out_.columns[slot].kind == Column::Kind::kEmpty) out_.columns[slot].reset(kind);
  }

  void next_row() {
    ++row_;
    begin_row();
  }
  void begin_row() {
    found_ends_ = false;
    ends_.clear();
    end_ = 0;
    pair_ = 0;
  }

  uint64_t degree(Side& side, uint64_t node) {
    graph::Reader& reader = state_.reader();
    uint64_t sum = 0;
    for (size_t s = 0; s < side_count(side.op.direction); ++s) {
      const Direction direction = lora::cypher::side(side.op.direction, s);
      for (RelTypeId type : side.types.of(reader, NodeId(node), direction)) {
        sum += reader.degree(NodeId(node), direction, type);
      }
    }
    return sum;
  }

  // segments_ and their sum, when a pattern is of one type and has a direction.
  bool collect_lists(Side& side, uint64_t node, uint64_t* count) {
    if (side.op.direction == Direction::kBoth || side.types.any() || side.types.ids().size() != 1) return false;
    state_.reader().neighbours(NodeId(node), side.op.direction, side.types.ids()[0], &segments_);
    for (const graph::Neighbours& segment : segments_) *count += segment.count;
    return true;
  }

  // f(segment) for all lists of a node; one that is on both sides of a node without a direction comes twice.
  template <typename F>
  void for_each_list(Side& side, uint64_t node, F f) {
    graph::Reader& reader = state_.reader();
    for (size_t s = 0; s < side_count(side.op.direction); ++s) {
      const Direction direction = lora::cypher::side(side.op.direction, s);
      for (RelTypeId type : side.types.of(reader, NodeId(node), direction)) {
        reader.neighbours(NodeId(node), direction, type, &segments_);
        for (const graph::Neighbours& segment : segments_) {
          state_.count_hits(segment.count);
          f(segment);
        }
      }
    }
  }

  // Fills ends_ with the common neighbours of a and b, each once.
  void find_ends(uint64_t a, uint64_t b, size_t* steps) {
    if (run_end_ <= row_) start_run(a, b);
    if (marked_ != kNoId) {
      Side& other = sides_[1 - marked_side_];
      other.ahead.reach(state_.reader(), other.types, other.op.direction, (*in_)[other.slot], row_);
      const uint64_t node = marked_side_ == 0 ? b : a;
      if (marked_count_ == 0) return;
      uint64_t there = 0;
      if (collect_lists(other, node, &there)) {
        // The common case: one list, which is found once.
        if (there == 0) return;
        if (there <= marked_count_ * kLongerMin) {
          *steps += there;
          state_.count_hits(there);
          for (const graph::Neighbours& segment : segments_) take_marked(segment);
          clean_up();
          return;
        }
      } else if (there = degree(other, node); there <= marked_count_ * kLongerMin) {
        *steps += there;
        for_each_list(other, node, [&](const graph::Neighbours& segment) { take_marked(segment); });
        clean_up();
        return;
      }
    }
    const uint64_t degree_a = degree(sides_[0], a), degree_b = degree(sides_[1], b);
    if (degree_a == 0 || degree_b == 0) return;
    const size_t shorter = degree_a <= degree_b ? 0 : 1;
    Side& longer = sides_[1 - shorter];
    const uint64_t from = shorter == 0 ? a : b, into = shorter == 0 ? b : a;
    *steps += std::min(degree_a, degree_b);
    for_each_list(sides_[shorter], from,
                  [&](const graph::Neighbours& segment) { append_neighbours(segment, 0, segment.count, &ends_); });
    clean_up();
    std::erase_if(ends_, [&](uint64_t end) {
      between(longer, into, end);
      return longer.found.empty();
    });
  }

  void take_marked(const graph::Neighbours& segment) {
    segment.with_neighbours([&](auto ids) {
      for (uint32_t i = 0; i < segment.count; ++i) {
        if (marks_.has(ids[i])) [[unlikely]]
          ends_.push_back(ids[i]);
      }
    });
  }

  // Several relationships to one end, or several lists, gave it several times.
  void clean_up() {
    if (ends_.size() > 1) {
      std::sort(ends_.begin(), ends_.end());
      ends_.erase(std::unique(ends_.begin(), ends_.end()), ends_.end());
    }
    if (!label_.tested() || ends_.empty()) return;
    keep_.resize(ends_.size());
    state_.reader().test_label(ends_, label_.id(), keep_.data());
    size_t kept = 0;
    for (size_t i = 0; i < ends_.size(); ++i) {
      if (keep_[i] != 0) ends_[kept++] = ends_[i];
    }
    ends_.resize(kept);
  }

  // The run of rows from here that have an end in common; it is marked if that pays.
  void start_run(uint64_t a, uint64_t b) {
    const Column& from = (*in_)[op_.from];
    const Column& other = (*in_)[op_.other];
    size_t from_end = row_ + 1, other_end = row_ + 1;
    while (from_end < in_->rows && node_at(from, from_end) == a) ++from_end;
    while (other_end < in_->rows && node_at(other, other_end) == b) ++other_end;
    run_end_ = std::max(from_end, other_end);
    const size_t common = from_end >= other_end ? 0 : 1;
    const uint64_t node = common == 0 ? a : b;
    if (marked_ == node && marked_side_ == common) return;
    marked_ = kNoId;
    const size_t run = run_end_ - row_;
    if (run < kRunMin) return;
    const uint64_t count = degree(sides_[common], node);
    if (count > run * kMarkedPerRowMax) return;  // a hub met by few rows: searching its list is cheaper
    marked_ = node;
    marked_side_ = common;
    marked_count_ = count;
    marks_.reset(state_.reader().node_id_limit().value + 1, state_.reader().node_count());
    for_each_list(sides_[common], node, [&](const graph::Neighbours& segment) {
      segment.with_neighbours([&](auto ids) {
        for (uint32_t i = 0; i < segment.count; ++i) marks_.add(ids[i]);
      });
    });
  }

  // side.found: the relationships between the side's bound node and an end.
  void between(Side& side, uint64_t node, uint64_t end) {
    graph::Reader& reader = state_.reader();
    side.found.clear();
    for (size_t s = 0; s < side_count(side.op.direction); ++s) {
      if (s == 1 && node == end) break;  // self loops were in the first list
      const Direction direction = lora::cypher::side(side.op.direction, s);
      for (RelTypeId type : side.types.of(reader, NodeId(node), direction)) {
        state_.count_hits(1);
        reader.relationships_between(NodeId(node), NodeId(end), direction, type, &side.found);
      }
    }
  }

  // Gives the pairs of relationships of the ends found; false: room is filled and there are more.
  bool give(size_t room) {
    for (; end_ < ends_.size(); ++end_, pair_ = 0) {
      for (Side& s : sides_) {
        between(s, node_at((*in_)[s.slot], row_), ends_[end_]);
        if (s.differ.empty()) continue;
        s.differ.select(*in_, row_);
        std::erase_if(s.found, [&](uint64_t id) { return !s.differ.holds(id); });
      }
      const std::vector<uint64_t>& second = sides_[1].found;
      const uint64_t pairs = uint64_t{sides_[0].found.size()} * second.size();
      for (; pair_ < pairs; ++pair_) {
        if (parents_.size() >= room) return false;
        const uint64_t r = sides_[0].found[pair_ / second.size()], s = second[pair_ % second.size()];
        if (op_.differ && r == s) continue;
        parents_.push_back(static_cast<uint32_t>(row_));
        if (to_wanted_) out_.columns[op_.to].ids.push_back(ends_[end_]);
        if (sides_[0].wanted) out_.columns[op_.first.relationship].ids.push_back(r);
        if (sides_[1].wanted) out_.columns[op_.second.relationship].ids.push_back(s);
      }
    }
    return true;
  }

  static constexpr size_t kRunMin = 4;
  static constexpr size_t kMarkedPerRowMax = 32;
  static constexpr uint64_t kLongerMin = 32;  // so much longer than the marked list: searched, not walked

  const Intersect& op_;
  Side sides_[2];
  EndLabel label_;
  bool to_wanted_;
  NodeSet marks_;  // neighbours of marked_, for rows before run_end_
  uint64_t marked_ = kNoId, marked_count_ = 0;
  size_t marked_side_ = 0;
  size_t run_end_ = 0;
  std::vector<graph::Neighbours> segments_;
  std::vector<uint8_t> keep_;
  // Of the row at hand: common neighbours, and how far they are given.
  bool found_ends_ = false;
  std::vector<uint64_t> ends_;
  size_t end_ = 0;
  uint64_t pair_ = 0;
};

}  // namespace

OperatorPtr make_intersect(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<IntersectOperator>(build, op, std::move(input));
}

}  // namespace lora::cypher
