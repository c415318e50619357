// Quantified groups of several relationships: ((x)-[r]->(y)<-[s]-(z) WHERE ...){min,max}.
//
// Depth first over repetitions: the right-hand side gives all repetitions that start at a node, each is tried in turn.
// What a repetition found is kept while it is on the path; no relationship occurs twice in a path (exact).
#include <algorithm>
#include <unordered_set>

#include "cypher/exec/adjacency.h"
#include "cypher/exec/build.h"

namespace lora::cypher {

namespace {

class RepeatOperator final : public MultiplyingOperator {
 public:
  RepeatOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : MultiplyingOperator(build, op, std::move(input)),
        repeat_(*static_cast<const Repeat*>(op)),
        differ_(repeat_.differ_from) {
    BuildContext inner = build;
    inner.argument = &source_;
    right_ = build_operator(inner, op->inputs[1]);
  }

  void close() override {
    right_->close();
    start_over();
    frames_ = {};
    argument_.clear();
    MultiplyingOperator::close();
  }

 protected:
  Status begin() override {
    start_over();
    return Status();
  }

  Status produce(size_t room) override {
    while (row_ < in_->rows && parents_.size() < room) {
      if (!running_) {
        if (!start_row()) {
          ++row_;
          continue;
        }
        running_ = true;
        if (repeat_.min_repeats == 0 && (!repeat_.into || start_ == target_)) emit(start_);
        if (repeat_.max_repeats > 0) LORA_TRY(push_frame(start_));
        continue;
      }
      if (frames_.empty()) {
        start_over();
        ++row_;
        continue;
      }
      LORA_TRY(state_.tick());
      LORA_TRY(step());
    }
    return Status();
  }

 private:
  struct Repetition {
    uint64_t end = kNoId;
    List relationships;  // in the order of the pattern
    List groups;
  };
  struct Frame {
    std::vector<Repetition> repetitions;
    size_t at = 0;  // the next one to try; at - 1 is on the path while a deeper frame exists
    uint64_t bytes = 0;
  };

  void start_over() {
    for (const Frame& f : frames_) state_.release(f.bytes);
    frames_.clear();
    path_.clear();
    used_.clear();
    running_ = false;
  }

  // Sets up row_; false: nothing starts there.
  bool start_row() {
    start_ = node_at((*in_)[repeat_.from], row_);
    if (start_ == kNoId || repeat_.min_repeats > repeat_.max_repeats) return false;
    target_ = kNoId;
    if (repeat_.into) {
      target_ = node_at((*in_)[repeat_.to], row_);
      if (target_ == kNoId) return false;
    }
    if (!differ_.empty()) differ_.select(*in_, row_);
    if (argument_.columns.size() < state_.column_count) argument_.columns.resize(state_.column_count);
    argument_.clear();
    for (size_t slot = 0; slot < in_->columns.size(); ++slot) {
      const Column& c = in_->columns[slot];
      if (c.kind != Column::Kind::kEmpty) argument_.columns[slot].push_from(c, row_);
    }
    argument_.rows = 1;
    source_ = {};
    source_.batch = &argument_;
    return true;
  }

  // All repetitions that start at `node`.
  Status push_frame(uint64_t node) {
    Column& from = argument_[repeat_.inner_from];
    from.reset(Column::Kind::kNodes);
    from.ids.push_back(node);
    Frame frame;
    LORA_TRY(right_->open());
    for (;;) {
      Batch* batch = nullptr;
      LORA_TRY(right_->next(kBatchRowsMax, &batch));
      if (batch == nullptr) break;
      for (size_t row = 0; row < batch->rows; ++row) {
        Repetition r;
        r.end = node_at((*batch)[repeat_.inner_to], row);
        if (r.end == kNoId) continue;
        for (Slot slot : repeat_.inner_relationships) {
          const Value v = (*batch)[slot].get(row);
          if (v.is_list()) {
            r.relationships.insert(r.relationships.end(), v.as_list().begin(), v.as_list().end());
          } else {
            r.relationships.push_back(v);
          }
        }
        for (const Repeat::Group& g : repeat_.groups) r.groups.push_back((*batch)[g.inner].get(row));
        frame.bytes += sizeof(Repetition) + (r.relationships.size() + r.groups.size()) * sizeof(Value);
        frame.repetitions.push_back(std::move(r));
      }
    }
    LORA_TRY(state_.charge(frame.bytes));
    frames_.push_back(std::move(frame));
    return Status();
  }

  // The relationships of `r` are new on this path; then they are on it.
  bool take(const Repetition& r) {
    size_t taken = 0;
    for (const Value& v : r.relationships) {
      const uint64_t id = v.relationship_id().value;
      if (!differ_.holds(id) || !used_.insert(id).second) break;
      ++taken;
    }
    if (taken == r.relationships.size()) {
      path_.push_back(&r);
      return true;
    }
    for (size_t i = 0; i < taken; ++i) used_.erase(r.relationships[i].relationship_id().value);
    return false;
  }
  void give_back() {
    for (const Value& v : path_.back()->relationships) used_.erase(v.relationship_id().value);
    path_.pop_back();
  }

  Status step() {
    Frame& frame = frames_.back();
    const size_t depth = frames_.size();
    if (path_.size() == depth) give_back();  // back from a deeper frame
    if (frame.at == frame.repetitions.size()) {
      state_.release(frame.bytes);
      frames_.pop_back();
      return Status();
    }
    const Repetition& r = frame.repetitions[frame.at++];
    if (!take(r)) return Status();
    if (depth >= repeat_.min_repeats && (!repeat_.into || r.end == target_)) emit(r.end);
    if (depth < repeat_.max_repeats) return push_frame(r.end);
    return Status();  // given back by the next step
  }

  void emit(uint64_t end) {
    if (!repeat_.into && is_live(repeat_.to)) {
      Column& c = out_.columns[repeat_.to];
      if (c.kind == Column::Kind::kEmpty) c.reset(Column::Kind::kNodes);
      c.ids.push_back(end);
    }
    std::vector<const Repetition*> order(path_.begin(), path_.end());
    if (repeat_.reversed) std::reverse(order.begin(), order.end());
    if (is_live(repeat_.relationships)) {
      List all;
      for (const Repetition* r : order) all.insert(all.end(), r->relationships.begin(), r->relationships.end());
      out_.columns[repeat_.relationships].push(Value::list(std::move(all)));
    }
    for (size_t g = 0; g < repeat_.groups.size(); ++g) {
      if (!is_live(repeat_.groups[g].outer)) continue;
      List list;
      for (const Repetition* r : order) list.push_back(r->groups[g]);
      out_.columns[repeat_.groups[g].outer].push(Value::list(std::move(list)));
    }
    parents_.push_back(static_cast<uint32_t>(row_));
  }

  const Repeat& repeat_;
  DifferFrom differ_;
  OperatorPtr right_;
  ArgumentSource source_;
  Batch argument_;
  std::vector<Frame> frames_;  // moved, not copied: what path_ points to lies in the frames' own arrays
  std::vector<const Repetition*> path_;
  std::unordered_set<uint64_t> used_;
  uint64_t start_ = 0, target_ = kNoId;
  bool running_ = false;
};

}  // namespace

OperatorPtr make_repeat(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<RepeatOperator>(build, op, std::move(input));
}

}  // namespace lora::cypher
