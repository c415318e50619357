// Leaves: the outer row, and nodes and relationships by scan, id or index. Each gives its rows once per input row.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "cypher/exec/adjacency.h"
#include "cypher/exec/build.h"
#include "cypher/exec/scan_tests.h"
#include "cypher/expr/operations.h"
#include "kv/stoppable.h"

namespace lora::cypher {

namespace {

template <typename Op>
const Op& as(const LogicalOp* op) {
  return *static_cast<const Op*>(op);
}

class ArgumentOperator final : public Operator {
 public:
  ArgumentOperator(const BuildContext& build, const LogicalOp* op) : Operator(build, op), source_(build.argument) {}

  Status open() override {
    done_ = false;
    return Status();
  }
  void close() override { drop(&out_); }

 protected:
  Status do_next(size_t, Batch** batch) override {
    *batch = nullptr;
    if (done_) return Status();
    done_ = true;
    begin_output(&out_);
    if (source_ != nullptr && source_->whole) {
      // A copy: the Apply goes on to read its left rows.
      for (Slot slot : carried()) {
        if (slot < source_->batch->columns.size()) out_.columns[slot].append(source_->batch->columns[slot]);
      }
      out_.rows = source_->batch->rows;
      *batch = &out_;
      return Status();
    }
    if (source_ != nullptr && source_->rows != 0) {
      copy_rows(*source_->batch, source_->row, source_->rows);
      *batch = &out_;
      return Status();
    }
    if (source_ != nullptr && source_->batch != nullptr) copy_row(*source_->batch, source_->row);
    out_.rows = 1;
    *batch = &out_;
    return Status();
  }

 private:
  void copy_rows(const Batch& outer, size_t row, size_t rows) {
    numbers_.resize(rows);
    std::iota(numbers_.begin(), numbers_.end(), static_cast<uint32_t>(row));
    for (Slot slot : carried()) {
      if (slot < outer.columns.size() && outer.columns[slot].kind != Column::Kind::kEmpty) {
        out_.columns[slot].gather_from(outer.columns[slot], numbers_);
      }
    }
    add_locals(rows);
    out_.rows = rows;
  }

  void copy_row(const Batch& outer, size_t row) {
    for (Slot slot : carried()) {
      if (slot < outer.columns.size() && outer.columns[slot].kind != Column::Kind::kEmpty) {
        out_.columns[slot].push_from(outer.columns[slot], row);
      }
    }
    add_locals(1);
  }

  // Variables of comprehensions around a subquery.
  void add_locals(size_t rows) {
    state_.evaluator.for_each_local([&](Slot slot, const Value& v) {
      if (slot < out_.columns.size()) {
        out_.columns[slot].clear();
        for (size_t i = 0; i < rows; ++i) out_.columns[slot].push(v);
      }
    });
  }

  ArgumentSource* source_;
  Batch out_;
  std::vector<uint32_t> numbers_;
  bool done_ = false;
};

// The next ids of a scan with these tests; *more: there may be others.
Status scan_next(ExecState* state, const ScanTests& tests, graph::EntityScan* scan, uint64_t* out, size_t room,
                 size_t* got, bool* more) {
  LORA_TRY(state->tick());
  const uint64_t before = scan->looked_at();
  *got = scan->next(out, room);
  state->count_hits(scan->looked_at() - before);
  *more = tests.empty() ? *got == room : !scan->done();
  return Status();
}

class NodeScanOperator final : public MultiplyingOperator {
 public:
  NodeScanOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : MultiplyingOperator(build, op, std::move(input)) {
    if (op->kind == OpKind::kLabelScan) {
      label_ = as<LabelScan>(op).label;
      node_ = as<LabelScan>(op).node;
      hint_ = as<LabelScan>(op).hint;
    } else {
      node_ = as<AllNodesScan>(op).node;
      hint_ = as<AllNodesScan>(op).hint;
    }
  }
  TakeOver take_over(const Expr& predicate) override { return tests_.take(predicate, node_); }
  bool has_tested(const Expr& predicate) const override { return tests_.has_tested(predicate); }
  void close() override {
    scan_ = {};
    MultiplyingOperator::close();
  }

 protected:
  Status begin() override {
    scanning_ = false;
    tests_.start();
    return Status();
  }
  Status produce(size_t room) override {
    Column& nodes = out_.columns[node_];
    const bool bare = carried().empty();
    if (!bare && nodes.kind == Column::Kind::kEmpty) nodes.reset(Column::Kind::kNodes);
    while (room > 0 && row_ < in_->rows) {
      if (row_done()) {
        scanning_ = false;
        ++row_;
        continue;
      }
      if (!scanning_) {
        std::optional<LabelId> label;
        if (label_ != nullptr) {
          label = resolve_label(state_.reader(), *label_);
          if (!label) {  // not in use: no nodes
            row_ = in_->rows;
            return Status();
          }
        }
        std::vector<graph::PropertyTest> tests;
        if (!tests_.begin(&state_, *in_, row_, &tests)) {
          ++row_;
          continue;
        }
        LORA_TRY(find_candidates(label));
        if (narrowed_) {
          state_.count_hits(candidates_.size());
          state_.reader().test_entities(graph::EntityKind::kNode, tests, &candidates_);
        } else {
          scan_ = state_.reader().scan_nodes(label, std::move(tests));
        }
        scanning_ = true;
      }
      const size_t old = nodes.ids.size();
      size_t got = 0;
      if (narrowed_) {
        got = std::min(room, candidates_.size() - next_candidate_);
        const auto from = candidates_.begin() + static_cast<std::ptrdiff_t>(next_candidate_);
        if (!bare) nodes.ids.insert(nodes.ids.end(), from, from + static_cast<std::ptrdiff_t>(got));
        next_candidate_ += got;
        scanning_ = got == room;
      } else if (bare) {
        LORA_TRY(scan_next(&state_, tests_, &scan_, nullptr, room, &got, &scanning_));
      } else {
        nodes.ids.resize(old + room);
        LORA_TRY(scan_next(&state_, tests_, &scan_, nodes.ids.data() + old, room, &got, &scanning_));
        nodes.ids.resize(old + got);
      }
      if (got > 0) LORA_TRY(tests_.failure());
      if (bare) {
        bare_rows_ += got;
      } else {
        add_parents(got);
      }
      if (!scanning_) ++row_;
      room -= got;
    }
    return Status();
  }

 private:
  // For row_: narrowed_ and candidates_, if the graph knows which nodes can have the value that the filter wants.
  Status find_candidates(std::optional<LabelId> label) {
    narrowed_ = false;
    if (hint_.key == nullptr) return Status();
    graph::Reader& reader = state_.reader();
    const std::optional<KeyId> key = resolve_key(reader, *hint_.key);
    if (!key) return Status();
    Value value;
    LORA_TRY(state_.evaluator.evaluate_row(*hint_.value, *in_, row_, &value));
    candidates_.clear();
    next_candidate_ = 0;
    narrowed_ = reader.property_candidates(*key, value, &candidates_);
    if (narrowed_ && label) {
      keep_.resize(candidates_.size());
      reader.test_label(candidates_, *label, keep_.data());
      size_t kept = 0;
      for (size_t i = 0; i < candidates_.size(); ++i) {
        if (keep_[i] != 0) candidates_[kept++] = candidates_[i];
      }
      candidates_.resize(kept);
    }
    return Status();
  }

  const NameRef* label_ = nullptr;
  Slot node_;
  ScanHint hint_;
  ScanTests tests_;
  graph::EntityScan scan_;
  bool scanning_ = false;
  bool narrowed_ = false;
  std::vector<uint64_t> candidates_;
  std::vector<uint8_t> keep_;
  size_t next_candidate_ = 0;
};

// Rows whose entities are listed in memory: found once per input row, then given in pieces.
class ListedOperator : public MultiplyingOperator {
 public:
  using MultiplyingOperator::MultiplyingOperator;

 protected:
  Status begin() override {
    listed_ = false;
    return Status();
  }
  // Fills found_ for this row of *in_.
  virtual Status find(size_t row) = 0;
  // Appends the entity to the added columns; how many rows it gave.
  virtual size_t give(uint64_t id) = 0;

  Status produce(size_t room) final {
    size_t given = 0;
    while (row_ < in_->rows) {
      if (row_done()) {
        listed_ = false;
        ++row_;
        continue;
      }
      if (!listed_) {
        found_.clear();
        LORA_TRY(find(row_));
        state_.count_hits(found_.size() + 1);
        listed_ = true;
        at_ = 0;
      }
      while (at_ < found_.size()) {
        if (given >= room) return Status();
        const size_t rows = give(found_[at_++]);
        add_parents(rows);
        given += rows;
      }
      listed_ = false;
      ++row_;
      if (given >= room) return Status();
    }
    return Status();
  }
  void push_id(Slot slot, Column::Kind kind, uint64_t id) {
    if (slot == kNoSlot) return;
    Column& c = out_.columns[slot];
    if (c.kind == Column::Kind::kEmpty) c.reset(kind);
    c.ids.push_back(id);
  }
  // Ids named by a value or, with `many`, by the elements of a list: each once. Nothing else matches.
  Status ids_of(const Expr& expr, bool many, size_t row) {
    Value v;
    LORA_TRY(state_.evaluator.evaluate_row(expr, *in_, row, &v));
    const auto take = [&](const Value& id) {
      double whole = 0;
      if (id.is_integer() && id.as_integer() >= 0) {
        found_.push_back(static_cast<uint64_t>(id.as_integer()));
      } else if (id.is_float() && id.as_float() >= 0 && id.as_float() < 281474976710656.0 &&
                 std::modf(id.as_float(), &whole) == 0) {
        found_.push_back(static_cast<uint64_t>(whole));
      }
    };
    if (!many) {
      take(v);
    } else if (v.is_list()) {
      for (const Value& id : v.as_list()) take(id);
      LORA_TRY(stoppable([this] { return state_.tick(); }, std::less<>(),
                         [&](auto less) { std::sort(found_.begin(), found_.end(), less); }));
      found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
    } else if (!v.is_null()) {
      return type_error("InvalidArgumentType", "`IN` needs a list on its right, got " + describe(v));
    }
    return Status();
  }

  std::vector<uint64_t> found_;

 private:
  size_t at_ = 0;
  bool listed_ = false;
};

class NodeByIdSeekOperator final : public ListedOperator {
 public:
  NodeByIdSeekOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : ListedOperator(build, op, std::move(input)), seek_(as<NodeByIdSeek>(op)) {}

 protected:
  Status find(size_t row) override {
    LORA_TRY(ids_of(*seek_.id, seek_.many, row));
    std::erase_if(found_, [&](uint64_t id) { return !state_.reader().node_exists(NodeId(id)); });
    return Status();
  }
  size_t give(uint64_t id) override {
    push_id(seek_.node, Column::Kind::kNodes, id);
    return 1;
  }

 private:
  const NodeByIdSeek& seek_;
};

class RelationshipByIdSeekOperator final : public ListedOperator {
 public:
  RelationshipByIdSeekOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : ListedOperator(build, op, std::move(input)), seek_(as<RelationshipByIdSeek>(op)) {}

 protected:
  Status find(size_t row) override { return ids_of(*seek_.id, seek_.many, row); }
  size_t give(uint64_t id) override {
    const std::optional<graph::RelationshipRecord> record = state_.reader().relationship(RelId(id));
    if (!record || record->deleted) return 0;
    push(id, record->start.value, record->end.value);
    if (!seek_.both_directions || record->start == record->end) return 1;
    push(id, record->end.value, record->start.value);
    return 2;
  }

 private:
  void push(uint64_t id, uint64_t from, uint64_t to) {
    push_id(seek_.relationship, Column::Kind::kRelationships, id);
    push_id(seek_.from, Column::Kind::kNodes, from);
    push_id(seek_.to, Column::Kind::kNodes, to);
  }

  const RelationshipByIdSeek& seek_;
};

Status missing_index(IndexId id) {
  return Status(ErrorCode::kNotFound,
                "index `" + std::to_string(id.value) + "` of this plan is gone; run the query again");
}

class IndexSeekOperator final : public ListedOperator {
 public:
  IndexSeekOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : ListedOperator(build, op, std::move(input)), seek_(as<IndexSeek>(op)), values_(seek_.values.size()) {}
  void close() override {
    for (Value& v : values_) v = Value();
    batch_values_.trim();
    looked_up_ = false;
    ListedOperator::close();
  }

 protected:
  Status begin() override {
    const graph::IndexInfo* info = state_.reader().schema().find_index(seek_.index);
    if (info == nullptr) return missing_index(seek_.index);
    relationships_ = info->definition.entity == graph::EntityKind::kRelationship;
    unique_ = info->unique;
    looked_up_ = false;
    return ListedOperator::begin();
  }
  // The rows of a batch are looked up together. (Not where one row may find many: they would have to be kept.)
  Status begin_batch() override {
    looked_up_ = false;
    if (!unique_ || seek_.many || values_.size() != 1 || in_->rows < kRowsTogetherMin) return Status();
    // What fails is raised row by row, should the row be asked for.
    if (!state_.evaluator.evaluate(*seek_.values[0], *in_, &batch_values_).ok()) return Status();
    batch_values_.to_values();
    batch_found_.clear();
    batch_ends_.clear();
    looked_up_ = state_.reader().index_lookup_many(seek_.index, batch_values_.values, &batch_found_, &batch_ends_);
    return Status();
  }
  Status find(size_t row) override {
    if (looked_up_) {
      found_.assign(batch_found_.begin() + (row == 0 ? 0 : batch_ends_[row - 1]),
                    batch_found_.begin() + batch_ends_[row]);
      return Status();
    }
    for (size_t i = 0; i < values_.size(); ++i) {
      LORA_TRY(state_.evaluator.evaluate_row(*seek_.values[i], *in_, row, &values_[i]));
    }
    if (!seek_.many) {
      look_up();
      return Status();
    }
    const Value list = values_[0];
    if (list.is_null()) return Status();
    if (!list.is_list()) {
      return type_error("InvalidArgumentType", "`IN` needs a list on its right, got " + describe(list));
    }
    for (const Value& v : list.as_list()) {
      values_[0] = v;
      look_up();
    }
    if (list.as_list().size() > 1) {
      LORA_TRY(stoppable([this] { return state_.tick(); }, std::less<>(),
                         [&](auto less) { std::sort(found_.begin(), found_.end(), less); }));
      found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
    }
    return Status();
  }
  size_t give(uint64_t id) override {
    if (!relationships_) {
      push_id(seek_.node, Column::Kind::kNodes, id);
      return 1;
    }
    const std::optional<graph::RelationshipRecord> record = state_.reader().relationship(RelId(id));
    if (!record || record->deleted) return 0;
    push_id(seek_.node, Column::Kind::kRelationships, id);
    push_id(seek_.from, Column::Kind::kNodes, record->start.value);
    push_id(seek_.to, Column::Kind::kNodes, record->end.value);
    return 1;
  }

 private:
  void look_up() {
    for (const Value& v : values_) {
      // Equality with null, and NaN with itself, never holds.
      if (v.is_null() || (v.is_float() && v.as_float() != v.as_float())) return;
    }
    state_.reader().index_lookup(seek_.index, values_, &found_);
  }

  static constexpr size_t kRowsTogetherMin = 4;

  const IndexSeek& seek_;
  std::vector<Value> values_;
  bool relationships_ = false, unique_ = false;
  bool looked_up_ = false;  // the rows of *in_ are in batch_found_
  Column batch_values_;
  std::vector<uint64_t> batch_found_;
  std::vector<uint32_t> batch_ends_;
};

class IndexRangeScanOperator final : public MultiplyingOperator {
 public:
  IndexRangeScanOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : MultiplyingOperator(build, op, std::move(input)), range_(as<IndexRangeScan>(op)) {}
  void close() override {
    scan_ = {};
    MultiplyingOperator::close();
  }

 protected:
  Status begin() override {
    scanning_ = false;
    const graph::IndexInfo* info = state_.reader().schema().find_index(range_.index);
    if (info == nullptr) return missing_index(range_.index);
    kind_ = info->definition.entity == graph::EntityKind::kRelationship ? Column::Kind::kRelationships
                                                                        : Column::Kind::kNodes;
    return Status();
  }
  Status produce(size_t room) override {
    Column& entities = out_.columns[range_.node];
    if (entities.kind == Column::Kind::kEmpty) entities.reset(kind_);
    while (room > 0 && row_ < in_->rows) {
      if (row_done()) {
        scanning_ = false;
        ++row_;
        continue;
      }
      if (!scanning_) {
        bool nothing = false;
        LORA_TRY(start(&nothing));
        if (nothing) {
          ++row_;
          continue;
        }
        scanning_ = true;
      }
      const size_t old = entities.ids.size();
      entities.ids.resize(old + room);
      const size_t got = scan_.next(entities.ids.data() + old, room);
      entities.ids.resize(old + got);
      add_parents(got);
      state_.count_hits(got);
      if (got < room) {
        scanning_ = false;
        ++row_;
      }
      room -= got;
    }
    return Status();
  }

 private:
  // *nothing: a bound compares to nothing (null, NaN).
  Status bound_of(const Expr* expr, bool inclusive, graph::IndexBound* bound, bool* nothing) {
    bound->values.clear();
    bound->inclusive = inclusive;
    if (expr == nullptr) return Status();
    Value v;
    LORA_TRY(state_.evaluator.evaluate_row(*expr, *in_, row_, &v));
    if (v.is_null() || (v.is_float() && v.as_float() != v.as_float())) *nothing = true;
    bound->values.push_back(std::move(v));
    return Status();
  }
  Status start(bool* nothing) {
    if (range_.prefix != nullptr) {
      Value prefix;
      LORA_TRY(state_.evaluator.evaluate_row(*range_.prefix, *in_, row_, &prefix));
      if (!prefix.is_string()) {
        *nothing = true;
        return Status();
      }
      scan_ = state_.reader().index_prefix(range_.index, prefix.as_string());
      return Status();
    }
    LORA_TRY(bound_of(range_.lower, range_.lower_inclusive, &lower_, nothing));
    LORA_TRY(bound_of(range_.upper, range_.upper_inclusive, &upper_, nothing));
    if (!*nothing) scan_ = state_.reader().index_range(range_.index, lower_, upper_);
    return Status();
  }

  const IndexRangeScan& range_;
  graph::IndexScan scan_;
  graph::IndexBound lower_, upper_;
  Column::Kind kind_ = Column::Kind::kNodes;
  bool scanning_ = false;
};

// By id: block by block. Where the blocks would have to be read, as single records, and only the ends are wanted, the
// lists of all nodes are walked.
class RelationshipScanOperator final : public MultiplyingOperator {
 public:
  RelationshipScanOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : MultiplyingOperator(build, op, std::move(input)), scan_op_(as<RelationshipScan>(op)), types_(scan_op_.types) {}
  TakeOver take_over(const Expr& predicate) override {
    if (take_label(predicate)) return TakeOver::kYes;
    return tests_.take(predicate, scan_op_.relationship, {scan_op_.from, scan_op_.to});
  }
  bool has_tested(const Expr& predicate) const override { return tests_.has_tested(predicate); }
  void close() override {
    scan_ = {};
    MultiplyingOperator::close();
  }

 protected:
  Status begin() override {
    scanning_ = false;
    tests_.start();
    type_ = 0;
    types_.forget();
    types_.refresh(state_.reader());
    relationship_wanted_ = is_live(scan_op_.relationship);
    from_wanted_ = is_live(scan_op_.from);
    to_wanted_ = is_live(scan_op_.to);
    by_node_ = choose_by_node();
    return Status();
  }

  Status produce(size_t room) override {
    types_.refresh(state_.reader());
    if (!refresh_labels()) {
      row_ = in_->rows;
      return Status();
    }
    open_column(relationship_wanted_, scan_op_.relationship, Column::Kind::kRelationships);
    open_column(from_wanted_, scan_op_.from, Column::Kind::kNodes);
    open_column(to_wanted_, scan_op_.to, Column::Kind::kNodes);
    return by_node_ ? produce_by_node(room) : produce_by_id(room);
  }

 private:
  // A label that one of the ends must carry.
  struct WantedLabel {
    EndLabel label;
    bool at_start;
  };

  bool take_label(const Expr& predicate) {
    if (predicate.kind != ExprKind::kHasLabels || predicate.labels->kind != LabelExpr::Kind::kLeaf) return false;
    const Expr& end = *predicate.children[0];
    if (end.kind != ExprKind::kSlot || (end.slot != scan_op_.from && end.slot != scan_op_.to)) return false;
    labels_.push_back({EndLabel(predicate.labels->name), end.slot == scan_op_.from});
    return true;
  }

  // False: no relationship has ends like that.
  bool refresh_labels() {
    bool possible = true;
    labels_tested_ = false;
    for (WantedLabel& wanted : labels_) {
      const Direction one_way = wanted.at_start ? Direction::kIn : Direction::kOut;
      possible = possible &&
                 wanted.label.refresh(state_.reader(), types_, scan_op_.both_directions ? Direction::kBoth : one_way);
      labels_tested_ |= wanted.label.tested();
    }
    return possible;
  }

  bool choose_by_node() {
    if ((!from_wanted_ && !to_wanted_) || !tests_.empty()) return false;
    uint64_t relationships = 0;
    if (types_.any()) relationships = state_.reader().relationship_count();
    for (RelTypeId type : types_.ids()) relationships += state_.reader().relationship_count(type);
    // A record costs about as much as seven nodes.
    return relationships > state_.reader().node_count() / 7 && !state_.reader().has_near_relationship_blocks();
  }

  void open_column(bool wanted, Slot slot, Column::Kind kind) {
    if (wanted && out_.columns[slot].kind == Column::Kind::kEmpty) out_.columns[slot].reset(kind);
  }

  // --- by id ---

  Status produce_by_id(size_t room) {
    const bool ends = from_wanted_ || to_wanted_ || scan_op_.both_directions || labels_tested_;
    const bool bare = carried().empty() && !ends;
    std::vector<uint64_t>& ids = relationship_wanted_ && !ends ? out_.columns[scan_op_.relationship].ids : ids_;
    while (parents_.size() + bare_rows_ < room && row_ < in_->rows) {
      if (row_done() || (!scanning_ && !start_type())) {
        scanning_ = false;
        type_ = 0;
        ++row_;
        continue;
      }
      const size_t rows = std::min(room - parents_.size() - bare_rows_, kBatchRowsMax);
      const size_t ask = scan_op_.both_directions ? (rows + 1) / 2 : rows;
      size_t got = 0;
      if (bare) {
        LORA_TRY(scan_next(&state_, tests_, &scan_, nullptr, ask, &got, &scanning_));
        if (got > 0) LORA_TRY(tests_.failure());
        bare_rows_ += got;
        continue;
      }
      const size_t old = &ids == &ids_ ? 0 : ids.size();
      ids.resize(old + ask);
      LORA_TRY(scan_next(&state_, tests_, &scan_, ids.data() + old, ask, &got, &scanning_));
      ids.resize(old + got);
      if (got > 0) LORA_TRY(tests_.failure());
      if (ends) {
        LORA_TRY(state_.tick());
        give_ends();
      } else {
        add_parents(got);
      }
    }
    return Status();
  }

  // The next type's scan; false: no more types.
  bool start_type() {
    const size_t count = types_.any() ? 1 : types_.ids().size();
    if (type_ == count) return false;
    std::vector<graph::PropertyTest> tests;
    if (!tests_.begin(&state_, *in_, row_, &tests)) return false;
    const auto type = types_.any() ? std::nullopt : std::optional<RelTypeId>(types_.ids()[type_]);
    scan_ = state_.reader().scan_relationships(type, std::move(tests));
    ++type_;
    return scanning_ = true;
  }

  // ids_ with their ends, as far as these carry the labels.
  void give_ends() {
    starts_.resize(ids_.size());
    ends_.resize(ids_.size());
    state_.reader().relationship_ends(ids_, starts_.data(), ends_.data());
    if (labels_tested_) test_labels(starts_, ends_, &fits_);
    if (!labels_tested_ && !scan_op_.both_directions &&
        std::find(starts_.begin(), starts_.end(), kNoId) == starts_.end()) {
      return push_all();
    }
    for (size_t i = 0; i < ids_.size(); ++i) {
      if (starts_[i] != kNoId && (!labels_tested_ || fits_[i] != 0)) push(ids_[i], starts_[i], ends_[i]);
    }
    if (!scan_op_.both_directions) return;
    if (labels_tested_) test_labels(ends_, starts_, &fits_);
    for (size_t i = 0; i < ids_.size(); ++i) {
      if (starts_[i] == ends_[i] || (labels_tested_ && fits_[i] == 0)) continue;
      push(ids_[i], ends_[i], starts_[i]);
    }
  }

  // fits[i]: the pair i carries the labels. Nothing that is not there does.
  void test_labels(const std::vector<uint64_t>& from, const std::vector<uint64_t>& to, std::vector<uint8_t>* fits) {
    fits->assign(from.size(), 1);
    carries_.resize(from.size());
    for (const WantedLabel& wanted : labels_) {
      if (!wanted.label.tested()) continue;
      state_.reader().test_label(wanted.at_start ? from : to, wanted.label.id(), carries_.data());
      for (size_t i = 0; i < from.size(); ++i) (*fits)[i] &= carries_[i];
    }
  }

  void push(uint64_t id, uint64_t from, uint64_t to) {
    if (relationship_wanted_) out_.columns[scan_op_.relationship].ids.push_back(id);
    if (from_wanted_) out_.columns[scan_op_.from].ids.push_back(from);
    if (to_wanted_) out_.columns[scan_op_.to].ids.push_back(to);
    parents_.push_back(static_cast<uint32_t>(row_));
  }

  // ids_ with their ends.
  void push_all() {
    const auto append = [&](bool wanted, Slot slot, const std::vector<uint64_t>& ids) {
      if (!wanted) return;
      std::vector<uint64_t>& to = out_.columns[slot].ids;
      to.insert(to.end(), ids.begin(), ids.end());
    };
    append(relationship_wanted_, scan_op_.relationship, ids_);
    append(from_wanted_, scan_op_.from, starts_);
    append(to_wanted_, scan_op_.to, ends_);
    add_parents(ids_.size());
  }

  // --- by node ---

  Status produce_by_node(size_t room) {
    const Direction direction = scan_op_.both_directions ? Direction::kBoth : Direction::kOut;
    size_t budget = room;
    while (budget > 0 && row_ < in_->rows) {
      if (row_done()) {
        scanning_ = false;
        ++row_;
        continue;
      }
      if (!scanning_) {
        scan_ = state_.reader().scan_nodes(std::nullopt);
        scanning_ = true;
        ids_.clear();
        node_ = 0;
      }
      if (node_ == ids_.size()) {
        ids_.resize(kNodesAtOnce);
        ids_.resize(scan_.next(ids_.data(), ids_.size()));
        node_ = 0;
        walk_.start();
        if (ids_.empty()) {
          scanning_ = false;
          ++row_;
          continue;
        }
        LORA_TRY(state_.tick());
      }
      const uint64_t node = ids_[node_];
      const bool done = walk_.go_on(state_.reader(), types_, NodeId(node), direction, &budget,
                                    [&](const graph::Neighbours& segment, uint32_t begin, uint32_t count,
                                        bool skip_loops) { take(segment, begin, count, node, skip_loops); });
      if (!done) break;
      ++node_;
      walk_.start();
    }
    return Status();
  }

  void take(const graph::Neighbours& segment, uint32_t begin, uint32_t count, uint64_t node, bool skip_loops) {
    state_.count_hits(count);
    starts_.assign(count, node);
    ends_.clear();
    append_neighbours(segment, begin, count, &ends_);
    if (labels_tested_) test_labels(starts_, ends_, &fits_);
    for (uint32_t i = 0; i < count; ++i) {
      if ((skip_loops && ends_[i] == node) || (labels_tested_ && fits_[i] == 0)) continue;
      push(relationship_wanted_ ? segment.relationship(begin + i) : kNoId, node, ends_[i]);
    }
  }

  static constexpr size_t kNodesAtOnce = 512;

  const RelationshipScan& scan_op_;
  TypeIds types_;
  ScanTests tests_;
  std::vector<WantedLabel> labels_;
  bool labels_tested_ = false;
  graph::EntityScan scan_;
  std::vector<uint64_t> ids_;  // relationships, or nodes when walking by node
  std::vector<uint64_t> starts_, ends_;
  std::vector<uint8_t> fits_, carries_;
  size_t node_ = 0;
  ListWalk walk_;
  size_t type_ = 0;
  bool scanning_ = false;
  bool by_node_ = false;
  bool relationship_wanted_ = false, from_wanted_ = false, to_wanted_ = false;
};

// Fills one column of the input's batch in place.
class CountStoreOperator final : public Operator {
 public:
  CountStoreOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : Operator(build, op), input_(std::move(input)), count_(as<CountStore>(op)) {}
  Status open() override { return input_->open(); }
  void close() override { input_->close(); }

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override {
    LORA_TRY(input_->next(rows_wanted, batch));
    if (*batch == nullptr) return Status();
    Column& out = (**batch)[count_.count];
    out.reset(Column::Kind::kIntegers);
    out.integers.assign((*batch)->rows, static_cast<int64_t>(count()));
    state_.count_hits(1);
    return Status();
  }

 private:
  uint64_t count() {
    graph::Reader& reader = state_.reader();
    std::optional<LabelId> label;
    if (count_.label != nullptr) {
      label = resolve_label(reader, *count_.label);
      if (!label) return 0;
    }
    if (!count_.relationships) return label ? reader.node_count(*label) : reader.node_count();
    if (count_.types.names.empty()) {
      return label ? reader.relationship_count(label, std::nullopt, count_.direction) : reader.relationship_count();
    }
    uint64_t total = 0;
    std::vector<RelTypeId> seen;
    for (const NameRef* name : count_.types.names) {
      const std::optional<RelTypeId> type = resolve_rel_type(reader, *name);
      if (!type || std::find(seen.begin(), seen.end(), *type) != seen.end()) continue;
      seen.push_back(*type);
      total += label ? reader.relationship_count(label, type, count_.direction) : reader.relationship_count(*type);
    }
    return total;
  }

  OperatorPtr input_;
  const CountStore& count_;
};

}  // namespace

OperatorPtr make_argument(const BuildContext& build, const LogicalOp* op) {
  return std::make_unique<ArgumentOperator>(build, op);
}
OperatorPtr make_node_scan(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<NodeScanOperator>(build, op, std::move(input));
}
OperatorPtr make_node_by_id_seek(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<NodeByIdSeekOperator>(build, op, std::move(input));
}
OperatorPtr make_index_seek(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<IndexSeekOperator>(build, op, std::move(input));
}
OperatorPtr make_index_range_scan(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<IndexRangeScanOperator>(build, op, std::move(input));
}
OperatorPtr make_relationship_scan(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<RelationshipScanOperator>(build, op, std::move(input));
}
OperatorPtr make_relationship_by_id_seek(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<RelationshipByIdSeekOperator>(build, op, std::move(input));
}
OperatorPtr make_count_store(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<CountStoreOperator>(build, op, std::move(input));
}

}  // namespace lora::cypher
