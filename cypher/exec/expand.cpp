// One hop: from a bound node to its neighbours, between two bound nodes, or along a bound relationship; and degrees.
#include <algorithm>

#include "cypher/exec/adjacency.h"
#include "cypher/exec/build.h"
#include "cypher/exec/hops.h"

namespace lora::cypher {

namespace {

uint64_t relationship_at(const Column& c, size_t row) {
  if (c.kind == Column::Kind::kRelationships) return c.ids[row];
  if (c.kind == Column::Kind::kValues && c.values[row].is_relationship()) return c.values[row].relationship_id().value;
  return kNoId;
}

// A pattern's relationship that is bound to something else than a relationship.
Status check_relationships(const Column& c) {
  if (c.kind == Column::Kind::kEmpty || c.kind == Column::Kind::kRelationships) return Status();
  for (size_t row = 0; row < c.size(); ++row) {
    const Value v = c.get(row);
    if (v.is_null() || v.is_relationship()) continue;
    return type_error("InvalidArgumentType", "expected a relationship in a pattern, got " + describe(v));
  }
  return Status();
}

class ExpandOperator : public MultiplyingOperator {
 public:
  ExpandOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : MultiplyingOperator(build, op, std::move(input)),
        expand_(*static_cast<const Expand*>(op)),
        types_(expand_.types),
        label_(expand_.to_label),
        differ_(expand_.differ_from),
        relationship_wanted_(expand_.relationship != kNoSlot && is_live(expand_.relationship)),
        to_wanted_(is_live(expand_.to)) {}

 protected:
  Status begin() override {
    types_.forget();
    return Status();
  }
  Status begin_batch() override {
    walk_.start();
    ahead_.start();
    return check_nodes((*in_)[expand_.from]);
  }

  Status produce(size_t room) override {
    graph::Reader& reader = state_.reader();
    types_.refresh(reader);
    if (!label_.refresh(reader, types_, expand_.direction)) {
      row_ = in_->rows;
      return Status();
    }
    keep_to_ = to_wanted_ || label_.tested();
    keep_relationship_ = relationship_wanted_;
    Column& to = out_.columns[expand_.to];
    if (keep_to_ && to.kind == Column::Kind::kEmpty) to.reset(Column::Kind::kNodes);
    if (keep_relationship_) {
      Column& r = out_.columns[expand_.relationship];
      if (r.kind == Column::Kind::kEmpty) r.reset(Column::Kind::kRelationships);
    }
    const Column& from = (*in_)[expand_.from];
    size_t budget = room;
    while (row_ < in_->rows) {
      ahead_.reach(reader, types_, expand_.direction, from, row_);
      const uint64_t node = node_at(from, row_);
      if (node == kNoId || row_done()) {
        next_row();
        continue;
      }
      if (!differ_.empty()) differ_.select(*in_, row_);
      const bool done = walk_.go_on(reader, types_, NodeId(node), expand_.direction, &budget,
                                    [&](const graph::Neighbours& segment, uint32_t begin, uint32_t count,
                                        bool skip_loops) { take(segment, begin, count, node, skip_loops); });
      if (!done) break;  // full
      next_row();
      if (budget == 0) break;
    }
    if (label_.tested()) filter_label(label_.id());
    return Status();
  }

  void next_row() {
    ++row_;
    walk_.start();
  }

  // Appends pairs [begin, begin + count) of a segment.
  void take(const graph::Neighbours& segment, uint32_t begin, uint32_t count, uint64_t node, bool skip_loops) {
    state_.count_hits(count);
    std::vector<uint64_t>& to = out_.columns[expand_.to].ids;
    const bool compare = !differ_.empty() && !differ_.ids().empty();
    const auto parent = static_cast<uint32_t>(row_);
    if (!compare && !skip_loops) {
      parents_.resize(parents_.size() + count, parent);
      if (keep_to_) append_neighbours(segment, begin, count, &to);
      if (keep_relationship_) {
        append_relationships(segment, begin, count, &out_.columns[expand_.relationship].ids);
      }
      return;
    }
    for (uint32_t i = begin; i < begin + count; ++i) {
      const uint64_t neighbour = segment.neighbour(i);
      if (skip_loops && neighbour == node) continue;
      const uint64_t relationship = segment.relationship(i);
      if (compare && !differ_.holds(relationship)) continue;
      parents_.push_back(parent);
      if (keep_to_) to.push_back(neighbour);
      if (keep_relationship_) out_.columns[expand_.relationship].ids.push_back(relationship);
    }
  }

  // Drops what was produced and does not carry the label.
  void filter_label(LabelId label) {
    if (parents_.empty()) return;
    std::vector<uint64_t>& to = out_.columns[expand_.to].ids;
    const size_t base = to.size() - parents_.size();
    keep_.resize(parents_.size());
    state_.reader().test_label({to.data() + base, parents_.size()}, label, keep_.data());
    std::vector<uint64_t>* relationships = keep_relationship_ ? &out_.columns[expand_.relationship].ids : nullptr;
    size_t kept = 0;
    for (size_t i = 0; i < parents_.size(); ++i) {
      if (keep_[i] == 0) continue;
      to[base + kept] = to[base + i];
      if (relationships != nullptr) (*relationships)[base + kept] = (*relationships)[base + i];
      parents_[kept++] = parents_[i];
    }
    parents_.resize(kept);
    to.resize(base + kept);
    if (relationships != nullptr) relationships->resize(base + kept);
  }

  const Expand& expand_;
  TypeIds types_;
  EndLabel label_;
  DifferFrom differ_;
  bool relationship_wanted_, to_wanted_;
  bool keep_to_ = false, keep_relationship_ = false;
  ListWalk walk_;
  ListsAhead ahead_;
  std::vector<uint8_t> keep_;
};

// Relationships between two bound nodes.
class ExpandIntoOperator final : public MultiplyingOperator {
 public:
  ExpandIntoOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : MultiplyingOperator(build, op, std::move(input)),
        expand_(*static_cast<const Expand*>(op)),
        types_(expand_.types),
        differ_(expand_.differ_from),
        relationship_wanted_(expand_.relationship != kNoSlot && is_live(expand_.relationship)) {}

  void close() override {
    marks_.trim();
    MultiplyingOperator::close();
  }

 protected:
  Status begin() override {
    types_.forget();
    return Status();
  }
  Status begin_batch() override {
    run_end_ = 0;
    LORA_TRY(check_nodes((*in_)[expand_.from]));
    return check_nodes((*in_)[expand_.to]);
  }

  Status produce(size_t room) override {
    graph::Reader& reader = state_.reader();
    types_.refresh(reader);
    const Column& from = (*in_)[expand_.from];
    const Column& to = (*in_)[expand_.to];
    Column* out = nullptr;
    if (relationship_wanted_) {
      out = &out_.columns[expand_.relationship];
      if (out->kind == Column::Kind::kEmpty) out->reset(Column::Kind::kRelationships);
    }
    size_t steps = 0;
    marked_ = kNoId;  // what was marked may have changed since
    run_end_ = 0;
    for (; row_ < in_->rows && parents_.size() < room; ++row_) {
      if (++steps % 1024 == 0) LORA_TRY(state_.tick());
      const uint64_t a = node_at(from, row_), b = node_at(to, row_);
      if (a == kNoId || b == kNoId) continue;
      if (ruled_out(from, to, a, b)) continue;
      found_.clear();
      find(NodeId(a), NodeId(b));
      if (found_.empty()) continue;
      if (!differ_.empty()) {
        differ_.select(*in_, row_);
        std::erase_if(found_, [&](uint64_t id) { return !differ_.holds(id); });
      }
      parents_.insert(parents_.end(), found_.size(), static_cast<uint32_t>(row_));
      if (out != nullptr) out->ids.insert(out->ids.end(), found_.begin(), found_.end());
    }
    return Status();
  }

 private:
  // Many rows in a row often have one end in common: then its neighbours are marked once, and a row whose other end is
  // not marked costs one bit test. True: surely no relationship.
  bool ruled_out(const Column& from, const Column& to, uint64_t a, uint64_t b) {
    if (marked_ != kNoId && run_end_ > row_) return !marks_.has(marked_is_to_ ? a : b);
    marked_ = kNoId;
    if (run_end_ > row_) return false;
    // The next run of rows, seen from both ends.
    const size_t last = std::min(in_->rows, row_ + kBatchRowsMax);
    size_t to_end = row_ + 1, from_end = row_ + 1;
    while (to_end < last && node_at(to, to_end) == b) ++to_end;
    while (from_end < last && node_at(from, from_end) == a) ++from_end;
    run_end_ = std::max(to_end, from_end);
    if (run_end_ - row_ < kRunMin) {
      run_end_ = row_ + 1;
      return false;
    }
    marked_is_to_ = to_end >= from_end;
    marked_ = marked_is_to_ ? b : a;
    mark(NodeId(marked_), marked_is_to_ ? reverse(expand_.direction) : expand_.direction, run_end_ - row_);
    return marked_ != kNoId && !marks_.has(marked_is_to_ ? a : b);
  }

  void mark(NodeId node, Direction wanted, size_t rows) {
    graph::Reader& reader = state_.reader();
    uint64_t degree = 0;
    for (size_t s = 0; s < side_count(wanted); ++s) {
      for (RelTypeId type : types_.of(reader, node, side(wanted, s)))
        degree += reader.degree(node, side(wanted, s), type);
    }
    if (degree > rows * kMarkedPerRowMax) {  // a hub met by few rows: searching its list is cheaper
      marked_ = kNoId;
      return;
    }
    marks_.reset(reader.node_id_limit().value + 1, reader.node_count());
    for (size_t s = 0; s < side_count(wanted); ++s) {
      for (RelTypeId type : types_.of(reader, node, side(wanted, s))) {
        segments_.clear();
        reader.neighbours(node, side(wanted, s), type, &segments_);
        for (const graph::Neighbours& segment : segments_) {
          state_.count_hits(segment.count);
          segment.with_neighbours([&](auto ids) {
            for (uint32_t i = 0; i < segment.count; ++i) marks_.add(ids[i]);
          });
        }
      }
    }
  }

  void find(NodeId a, NodeId b) {
    graph::Reader& reader = state_.reader();
    for (size_t s = 0; s < side_count(expand_.direction); ++s) {
      const Direction direction = side(expand_.direction, s);
      if (s == 1 && a == b) break;  // self loops were in the first list
      for (RelTypeId type : types_.of(reader, a, direction)) {
        state_.count_hits(1);
        reader.relationships_between(a, b, direction, type, &found_);
      }
    }
  }

  const Expand& expand_;
  TypeIds types_;
  DifferFrom differ_;
  static constexpr size_t kRunMin = 12;
  static constexpr size_t kMarkedPerRowMax = 32;

  bool relationship_wanted_;
  std::vector<uint64_t> found_;
  NodeSet marks_;  // neighbours of marked_, valid for rows before run_end_
  uint64_t marked_ = kNoId;
  bool marked_is_to_ = false;
  size_t run_end_ = 0;
  std::vector<graph::Neighbours> segments_;
};

// The relationship is bound already: it must fit the pattern, and gives the other end.
class FollowOperator final : public MultiplyingOperator {
 public:
  FollowOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : MultiplyingOperator(build, op, std::move(input)),
        expand_(*static_cast<const Expand*>(op)),
        types_(expand_.types),
        differ_(expand_.differ_from) {}

 protected:
  Status begin() override {
    types_.forget();
    return Status();
  }
  Status begin_batch() override {
    LORA_TRY(check_relationships((*in_)[expand_.relationship]));
    return check_nodes((*in_)[expand_.from]);
  }

  Status produce(size_t) override {
    graph::Reader& reader = state_.reader();
    types_.refresh(reader);
    std::optional<LabelId> label;
    if (expand_.to_label != nullptr) {
      label = resolve_label(reader, *expand_.to_label);
      if (!label) {
        row_ = in_->rows;
        return Status();
      }
    }
    for (; row_ < in_->rows; ++row_) {
      const uint64_t a = node_at((*in_)[expand_.from], row_);
      const uint64_t r = relationship_at((*in_)[expand_.relationship], row_);
      if (a == kNoId || r == kNoId) continue;
      const std::optional<graph::RelationshipRecord> record = reader.relationship(RelId(r));
      state_.count_hits(1);
      if (!record || record->deleted || !types_.contains(record->type)) continue;
      if (!differ_.empty()) {
        differ_.select(*in_, row_);
        if (!differ_.holds(r)) continue;
      }
      const uint64_t start = record->start.value, end = record->end.value;
      uint64_t b = kNoId;
      if (expand_.direction != Direction::kIn && start == a) b = end;
      if (b == kNoId && expand_.direction != Direction::kOut && end == a) b = start;
      if (b == kNoId) continue;
      if (expand_.into) {
        if (node_at((*in_)[expand_.to], row_) != b) continue;
      } else {
        if (label && !reader.has_label(NodeId(b), *label)) continue;
        Column& to = out_.columns[expand_.to];
        if (to.kind == Column::Kind::kEmpty) to.reset(Column::Kind::kNodes);
        to.ids.push_back(b);
      }
      parents_.push_back(static_cast<uint32_t>(row_));
    }
    return Status();
  }

 private:
  const Expand& expand_;
  TypeIds types_;
  DifferFrom differ_;
};

// How many relationships of a node fit; a column in place.
class DegreeOperator final : public Operator {
 public:
  DegreeOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : Operator(build, op),
        input_(std::move(input)),
        degree_(*static_cast<const Degree*>(op)),
        types_(degree_.types),
        label_(degree_.to_label),
        differ_(degree_.differ_from) {
    for (Slot slot : degree_.differ_ends) ends_known_ &= slot != kNoSlot;
    ends_known_ &= degree_.differ_ends.size() == degree_.differ_from.size();
  }
  Status open() override {
    types_.forget();
    return input_->open();
  }
  void close() override { input_->close(); }

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override {
    LORA_TRY(input_->next(rows_wanted, batch));
    if (*batch == nullptr) return Status();
    LORA_TRY(state_.tick());
    state_.unpin();
    const Batch& in = **batch;
    const Column& from = in[degree_.from];
    LORA_TRY(check_nodes(from));
    std::span<const uint64_t> nodes = from.ids;
    if (from.kind != Column::Kind::kNodes) {
      nodes_.resize(in.rows);
      for (size_t row = 0; row < in.rows; ++row) nodes_[row] = node_at(from, row);
      nodes = nodes_;
    }
    Column& out = (**batch)[degree_.degree];
    out.reset(Column::Kind::kIntegers);
    out.integers.assign(in.rows, 0);
    LORA_TRY(count(nodes, out.integers.data()));
    if (!differ_.empty()) {
      for (size_t row = 0; row < in.rows; ++row) {
        if (out.integers[row] != 0 && may_be_own(in, row, nodes[row]))
          leave_out(in, row, nodes[row], &out.integers[row]);
      }
    }
    return state_.read_status();
  }

 private:
  Status count(std::span<const uint64_t> nodes, int64_t* out) {
    graph::Reader& reader = state_.reader();
    types_.refresh(reader);
    if (!label_.refresh(reader, types_, degree_.direction)) return Status();
    if (!types_.any()) {
      for (RelTypeId type : types_.ids()) LORA_TRY(count(nodes, type, out));
      return Status();
    }
    for (uint32_t t = 0; t < reader.rel_type_token_count(); ++t) {
      if (reader.relationship_count(RelTypeId(t)) != 0) LORA_TRY(count(nodes, RelTypeId(t), out));
    }
    return Status();
  }

  Status count(std::span<const uint64_t> nodes, RelTypeId type, int64_t* out) {
    graph::Reader& reader = state_.reader();
    state_.count_hits(nodes.size());
    if (degree_.loops) {
      loops_.assign(nodes.size(), 0);
      reader.add_loops(nodes, type, loops_.data());
      for (size_t row = 0; row < nodes.size(); ++row) {
        if (loops_[row] == 0) continue;
        if (!label_.tested() || reader.has_label(NodeId(nodes[row]), label_.id())) out[row] += loops_[row];
      }
      return Status();
    }
    if (!label_.tested()) {
      reader.add_degrees(nodes, degree_.direction, type, out);
      return Status();
    }
    size_t steps = 0;
    for (size_t row = 0; row < nodes.size(); ++row) {
      if (nodes[row] == kNoId) continue;
      reader.neighbours(NodeId(nodes[row]), degree_.direction, type, &segments_);
      for (const graph::Neighbours& segment : segments_) {
        steps += segment.count;
        state_.count_hits(segment.count);
        ends_.clear();
        append_neighbours(segment, 0, segment.count, &ends_);
        keep_.resize(segment.count);
        reader.test_label(ends_, label_.id(), keep_.data());
        out[row] += std::count(keep_.begin(), keep_.end(), uint8_t{1});
      }
      if (steps >= kBatchRowsMax) {
        steps = 0;
        LORA_TRY(state_.tick());
      }
    }
    return Status();
  }

  // Takes from *total what the row's relationship must differ from.
  void leave_out(const Batch& in, size_t row, uint64_t node, int64_t* total) {
    graph::Reader& reader = state_.reader();
    differ_.select(in, row);
    const auto ids = differ_.ids();
    for (size_t i = 0; i < ids.size(); ++i) {
      const auto here = ids.begin() + static_cast<ptrdiff_t>(i);
      if (std::find(ids.begin(), here, ids[i]) != here) continue;
      const std::optional<graph::RelationshipRecord> record = reader.relationship(RelId(ids[i]));
      if (!record || record->deleted || !types_.contains(record->type)) continue;
      const bool out = degree_.direction == Direction::kOut;
      if ((out ? record->start : record->end).value != node) continue;
      if (label_.tested() && !reader.has_label(out ? record->end : record->start, label_.id())) continue;
      --*total;
    }
  }

  // Most relationships surely hang on another node.
  bool may_be_own(const Batch& in, size_t row, uint64_t node) const {
    if (!ends_known_) return true;
    for (Slot end : degree_.differ_ends) {
      if (node_at(in[end], row) == node) return true;
    }
    return false;
  }

  OperatorPtr input_;
  bool ends_known_ = true;
  const Degree& degree_;
  TypeIds types_;
  EndLabel label_;
  DifferFrom differ_;
  std::vector<uint64_t> nodes_, ends_;
  std::vector<int64_t> loops_;
  std::vector<uint8_t> keep_;
  std::vector<graph::Neighbours> segments_;
};

}  // namespace

OperatorPtr make_expand(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  const auto& expand = *static_cast<const Expand*>(op);
  if (expand.relationship_bound) return std::make_unique<FollowOperator>(build, op, std::move(input));
  if (expand.into) return std::make_unique<ExpandIntoOperator>(build, op, std::move(input));
  return std::make_unique<ExpandOperator>(build, op, std::move(input));
}

OperatorPtr make_degree(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<DegreeOperator>(build, op, std::move(input));
}

}  // namespace lora::cypher
