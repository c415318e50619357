// Clauses that change the graph. Rows are worked off one after the other: each sees what the ones before it did.
#include <algorithm>

#include "cypher/exec/build.h"
#include "cypher/exec/writer.h"
#include "cypher/expr/operations.h"

namespace lora::cypher {

namespace {

constexpr size_t kTickRows = 64;

class CreateOperator final : public Operator {
 public:
  CreateOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : Operator(build, op),
        input_(std::move(input)),
        pattern_(static_cast<const Create*>(op)->pattern),
        writer_(&state_) {}
  Status open() override {
    LORA_TRY(writer_.check_writable());
    return input_->open();
  }
  void close() override { input_->close(); }

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override {
    LORA_TRY(input_->next(rows_wanted, batch));
    if (*batch == nullptr) return Status();
    Batch& b = **batch;
    RowWriter::prepare(pattern_, &b);
    for (size_t row = 0; row < b.rows; ++row) {
      if (row % kTickRows == 0) LORA_TRY(state_.tick());
      LORA_TRY(writer_.create(pattern_, &b, row, false));
    }
    return state_.read_status();
  }

 private:
  OperatorPtr input_;
  const CreatePattern& pattern_;
  RowWriter writer_;
};

class SetOperator final : public Operator {
 public:
  SetOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : Operator(build, op),
        input_(std::move(input)),
        removes_(op->kind == OpKind::kRemove),
        items_(removes_ ? static_cast<const Remove*>(op)->items : static_cast<const SetProperties*>(op)->items),
        writer_(&state_) {}
  Status open() override {
    LORA_TRY(writer_.check_writable());
    return input_->open();
  }
  void close() override { input_->close(); }

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override {
    LORA_TRY(input_->next(rows_wanted, batch));
    if (*batch == nullptr) return Status();
    for (size_t row = 0; row < (*batch)->rows; ++row) {
      if (row % kTickRows == 0) LORA_TRY(state_.tick());
      LORA_TRY(removes_ ? writer_.remove(items_, **batch, row) : writer_.set(items_, **batch, row));
    }
    return state_.read_status();
  }

 private:
  OperatorPtr input_;
  bool removes_;
  std::span<const SetItem> items_;
  RowWriter writer_;
};

class DeleteOperator final : public Operator {
 public:
  DeleteOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : Operator(build, op), input_(std::move(input)), delete_(*static_cast<const Delete*>(op)), writer_(&state_) {}
  Status open() override {
    LORA_TRY(writer_.check_writable());
    return input_->open();
  }
  void close() override { input_->close(); }

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override {
    LORA_TRY(input_->next(rows_wanted, batch));
    if (*batch == nullptr) return Status();
    Value target;
    for (size_t row = 0; row < (*batch)->rows; ++row) {
      if (row % kTickRows == 0) LORA_TRY(state_.tick());
      for (const Expr* expr : delete_.targets) {
        LORA_TRY(state_.evaluator.evaluate_row(*expr, **batch, row, &target));
        LORA_TRY(remove(target));
      }
    }
    return state_.read_status();
  }

 private:
  Status remove(const Value& v) {
    if (v.is_null()) return Status();
    if (v.is_relationship()) return remove_relationship(v.relationship_id());
    if (v.is_node()) return remove_node(v.node_id());
    if (v.is_path() && !v.is_hydrated()) {
      for (RelId id : v.path_ids().rels) LORA_TRY(remove_relationship(id));
      for (NodeId id : v.path_ids().nodes) LORA_TRY(remove_node(id));
      return Status();
    }
    return type_error("InvalidArgumentType", "`DELETE` works on nodes, relationships and paths, got " + describe(v));
  }
  // What is gone already, also in an earlier portion of IN TRANSACTIONS, may be deleted again.
  Status remove_relationship(RelId id) {
    state_.count_hits(1);
    if (!state_.reader().relationship_exists(id)) return Status();
    LORA_ASSIGN([[maybe_unused]] bool there, state_.transaction().delete_relationship(id));
    return Status();
  }
  Status remove_node(NodeId id) {
    state_.count_hits(1);
    if (!state_.reader().node_exists(id)) return Status();
    if (delete_.detach) {
      uint64_t relationships = 0;
      LORA_ASSIGN([[maybe_unused]] bool there, state_.transaction().detach_delete_node(id, &relationships));
      state_.count_hits(relationships);
      return Status();
    }
    LORA_ASSIGN([[maybe_unused]] bool there, state_.transaction().delete_node(id));
    return Status();
  }

  OperatorPtr input_;
  const Delete& delete_;
  RowWriter writer_;
};

// For each left row: the rows that match, or the one that is made.
class MergeOperator final : public Operator {
 public:
  MergeOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr left)
      : Operator(build, op), left_(std::move(left)), merge_(*static_cast<const Merge*>(op)), writer_(&state_) {
    BuildContext inner = build;
    inner.argument = &source_;
    right_ = build_operator(inner, op->inputs[1]);
  }
  Status open() override {
    LORA_TRY(writer_.check_writable());
    in_ = nullptr;
    row_ = 0;
    ended_ = false;
    return left_->open();
  }
  void close() override {
    in_ = nullptr;
    drop(&out_);
    drop(&made_);
    right_->close();
    left_->close();
  }

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override {
    *batch = nullptr;
    begin_output(&out_);
    while (out_.rows < std::min(rows_wanted, state_.batch_rows_max) && !ended_) {
      if (in_ == nullptr || row_ >= in_->rows) {
        LORA_TRY(left_->next(rows_wanted, &in_));
        row_ = 0;
        if (in_ == nullptr) {
          ended_ = true;
          break;
        }
      }
      if (row_ % kTickRows == 0) LORA_TRY(state_.tick());
      LORA_TRY(merge_row());
      ++row_;
    }
    LORA_TRY(state_.read_status());
    if (out_.rows > 0) *batch = &out_;
    return Status();
  }

 private:
  Status merge_row() {
    source_ = {};
    source_.batch = in_;
    source_.row = row_;
    LORA_TRY(right_->open());
    const size_t first = out_.rows;
    for (;;) {
      Batch* found = nullptr;
      LORA_TRY(right_->next(kBatchRowsMax, &found));
      if (found == nullptr) break;
      append(*found, found->rows);
    }
    if (out_.rows == first) return create_row();
    // Only now: what ON MATCH sets must not change what is found.
    if (!merge_.on_match.empty()) {
      for (size_t row = first; row < out_.rows; ++row) LORA_TRY(writer_.set(merge_.on_match, out_, row));
    }
    return Status();
  }

  Status create_row() {
    begin_output(&made_);
    rows_.assign(1, static_cast<uint32_t>(row_));
    for (Slot slot = 0; slot < in_->columns.size(); ++slot) {
      if ((*in_)[slot].kind != Column::Kind::kEmpty) made_[slot].gather_from((*in_)[slot], rows_);
    }
    made_.rows = 1;
    RowWriter::prepare(merge_.pattern, &made_);
    LORA_TRY(writer_.create(merge_.pattern, &made_, 0, true));
    LORA_TRY(writer_.set(merge_.on_create, made_, 0));
    append(made_, 1);
    return Status();
  }

  // Rows of the right side or the made one, with what they lack from the left row. All columns: ON MATCH reads any.
  void append(const Batch& from, size_t rows) {
    rows_.assign(rows, static_cast<uint32_t>(row_));
    for (Slot slot = 0; slot < out_.columns.size(); ++slot) {
      const bool own = slot < from.columns.size() && from[slot].kind != Column::Kind::kEmpty;
      const bool left = !own && slot < in_->columns.size() && (*in_)[slot].kind != Column::Kind::kEmpty;
      Column& to = out_[slot];
      if (!own && !left) {
        if (to.kind != Column::Kind::kEmpty) to.push_nulls(rows);
        continue;
      }
      if (to.size() < out_.rows) to.push_nulls(out_.rows - to.size());
      if (own) {
        to.append(from[slot]);
      } else {
        to.gather_from((*in_)[slot], rows_);
      }
    }
    out_.rows += rows;
  }

  OperatorPtr left_, right_;
  const Merge& merge_;
  RowWriter writer_;
  ArgumentSource source_;
  Batch* in_ = nullptr;
  size_t row_ = 0;
  bool ended_ = false;
  std::vector<uint32_t> rows_;
  Batch made_, out_;
};

}  // namespace

OperatorPtr make_create(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<CreateOperator>(build, op, std::move(input));
}
OperatorPtr make_set_properties(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<SetOperator>(build, op, std::move(input));
}
OperatorPtr make_delete(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<DeleteOperator>(build, op, std::move(input));
}
OperatorPtr make_merge(const BuildContext& build, const LogicalOp* op) {
  return std::make_unique<MergeOperator>(build, op, build_operator(build, op->inputs[0]));
}

}  // namespace lora::cypher
