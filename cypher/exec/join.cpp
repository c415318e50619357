// Hash join (or cartesian product) of two independent inputs, and UNION.
#include <algorithm>
#include <numeric>

#include "cypher/exec/build.h"
#include "cypher/exec/hash_index.h"

namespace lora::cypher {

namespace {

// The right side is read first and kept; each left row meets its matches in their order of arrival.
class HashJoinOperator final : public MultiplyingOperator {
 public:
  HashJoinOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr left, OperatorPtr right)
      : MultiplyingOperator(build, op, std::move(left)),
        right_(std::move(right)),
        join_(*static_cast<const HashJoin*>(op)),
        keys_(join_.right_keys.size()),
        key_columns_(join_.right_keys.size()),
        charge_(&state_) {
    for (const Column& c : key_columns_) key_pointers_.push_back(&c);
  }
  void close() override {
    forget();
    right_->close();
    MultiplyingOperator::close();
  }

 protected:
  Status begin() override {
    forget();
    read_ = false;
    return Status();
  }

  Status begin_batch() override {
    if (!read_) {
      LORA_TRY(right_->open());
      LORA_TRY(read_right());
      read_ = true;
    }
    if (cartesian()) {
      next_ = 0;
      return Status();
    }
    for (size_t k = 0; k < key_columns_.size(); ++k) {
      LORA_TRY(state_.evaluator.evaluate(*join_.left_keys[k], *in_, &key_columns_[k]));
    }
    KeyStore::hash_rows(key_pointers_, in_->rows, &hashes_);
    find_row();
    return Status();
  }

  Status produce(size_t room) override {
    picked_.clear();
    if (cartesian()) {
      multiply(room);
      return Status();
    }
    while (picked_.size() < room && row_ < in_->rows) {
      if (next_ != kNone) {
        take(next_);
        next_ = chain_[next_];
        continue;
      }
      if (++row_ < in_->rows) find_row();
    }
    append_right();
    return Status();
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  bool cartesian() const { return join_.right_keys.empty(); }

  void forget() {
    drop_kept(&kept_);
    keys_.release();
    for (Column& c : key_columns_) c.trim();
    first_ = {};
    last_ = {};
    chain_ = {};
    charge_.clear();
  }

  // Every left row with all right ones.
  void multiply(size_t room) {
    if (kept_.rows == 0) row_ = in_->rows;
    const bool bare = carried().empty();
    for (size_t made = 0; made < room && row_ < in_->rows;) {
      const auto count = static_cast<uint32_t>(std::min<size_t>(room - made, kept_.rows - next_));
      made += count;
      if (bare) {
        bare_rows_ += count;
      } else {
        add_parents(count);
        picked_.resize(picked_.size() + count);
        std::iota(picked_.end() - count, picked_.end(), next_);
      }
      next_ += count;
      if (next_ < kept_.rows) continue;
      ++row_;
      next_ = 0;
    }
    append_right();
  }

  void take(uint32_t kept_row) {
    picked_.push_back(kept_row);
    parents_.push_back(static_cast<uint32_t>(row_));
  }

  // Right columns that the left side does not have; the left ones are carried by the base.
  void append_right() {
    if (picked_.empty()) return;
    for (Slot slot : carried()) {
      const Column& from = kept_[slot];
      if (from.kind == Column::Kind::kEmpty || (*in_)[slot].kind != Column::Kind::kEmpty) continue;
      out_.columns[slot].gather_from(from, picked_);
    }
  }

  // A key that equals nothing, not even itself: null, NaN, or a list or map with one of them inside.
  bool null_key(size_t row) const {
    for (const Column& c : key_columns_) {
      if (c.is_null(row)) return true;
      if (c.kind == Column::Kind::kFloats && c.floats[row] != c.floats[row]) return true;
      if (c.kind != Column::Kind::kValues || c.values[row].is_string()) continue;
      if (equals(c.values[row], c.values[row]) != Ternary::kTrue) return true;
    }
    return false;
  }

  void find_row() {
    next_ = kNone;
    if (null_key(row_)) return;
    const uint32_t entry = keys_.find(key_pointers_, row_, hashes_[row_]);
    if (entry != HashIndex::kNone) next_ = first_[entry];
  }

  Status read_right() {
    begin_output(&kept_);
    Batch* in = nullptr;
    std::vector<uint32_t> rows, entries, added;
    for (;;) {
      LORA_TRY(state_.tick());
      LORA_TRY(right_->next(kBatchRowsMax, &in));
      if (in == nullptr) return Status();
      if (kept_.rows + in->rows >= kNone) return Status::limit("rows", "a join holds at most 2^32 - 1 rows");
      for (size_t k = 0; k < key_columns_.size(); ++k) {
        LORA_TRY(state_.evaluator.evaluate(*join_.right_keys[k], *in, &key_columns_[k]));
      }
      rows.clear();
      for (uint32_t row = 0; row < in->rows; ++row) {
        if (!null_key(row)) rows.push_back(row);
      }
      if (rows.empty()) continue;
      if (rows.size() < in->rows) {
        in->gather(rows);
        for (Column& c : key_columns_) c.gather(rows);
      }
      if (!cartesian()) {
        keys_.find_or_add(key_pointers_, in->rows, &entries, &added);
        first_.resize(keys_.size(), kNone);
        last_.resize(keys_.size(), kNone);
        for (uint32_t i = 0; i < in->rows; ++i) {
          const auto row = static_cast<uint32_t>(kept_.rows + i);
          chain_.push_back(kNone);
          if (first_[entries[i]] == kNone) {
            first_[entries[i]] = row;
          } else {
            chain_[last_[entries[i]]] = row;
          }
          last_[entries[i]] = row;
        }
      }
      LORA_TRY(keep(*in));
    }
  }

  Status keep(const Batch& in) {
    uint64_t bytes = in.rows * 32;
    for (Slot slot : carried()) {
      const Column& c = in[slot];
      if (c.kind == Column::Kind::kEmpty) continue;
      bytes += in.rows * 8;
      for (size_t row = 0; row < in.rows; ++row) bytes += c.row_heap_bytes(row);
      Column& to = kept_[slot];
      if (to.size() < kept_.rows) to.push_nulls(kept_.rows - to.size());
      to.append(c);
    }
    kept_.rows += in.rows;
    return charge_.add(bytes);
  }

  OperatorPtr right_;
  const HashJoin& join_;
  KeyStore keys_;
  std::vector<Column> key_columns_;
  std::vector<const Column*> key_pointers_;
  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> first_, last_, chain_;  // rows of kept_: first and last of an entry, the next of a row
  Batch kept_;
  std::vector<uint32_t> picked_;
  uint32_t next_ = 0;
  bool read_ = false;
  MemoryCharge charge_;
};

// The left input's rows, then the right one's, under common names.
class UnionOperator final : public Operator {
 public:
  UnionOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr left, OperatorPtr right)
      : Operator(build, op), left_(std::move(left)), right_(std::move(right)), union_(*static_cast<const Union*>(op)) {}
  Status open() override {
    on_right_ = false;
    ended_ = false;
    return left_->open();
  }
  void close() override {
    drop(&out_);
    left_->close();
    right_->close();
  }

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override {
    *batch = nullptr;
    if (ended_) return Status();
    Batch* in = nullptr;
    if (!on_right_) {
      LORA_TRY(left_->next(rows_wanted, &in));
      if (in == nullptr) {
        on_right_ = true;
        LORA_TRY(right_->open());
      }
    }
    if (in == nullptr) {
      LORA_TRY(right_->next(rows_wanted, &in));
      if (in == nullptr) {
        ended_ = true;
        return Status();
      }
    }
    const auto slots = on_right_ ? union_.right : union_.left;
    begin_output(&out_);
    for (size_t i = 0; i < slots.size(); ++i) {
      Column& from = (*in)[slots[i]];
      Column& to = out_[union_.output[i]];
      if (from.kind == Column::Kind::kEmpty) {
        to.push_nulls(in->rows);
      } else {
        to.append(from);  // one slot may be under two names
      }
    }
    out_.rows = in->rows;
    *batch = &out_;
    return Status();
  }

 private:
  OperatorPtr left_, right_;
  const Union& union_;
  bool on_right_ = false, ended_ = false;
  Batch out_;
};

}  // namespace

OperatorPtr make_hash_join(const BuildContext& build, const LogicalOp* op) {
  return std::make_unique<HashJoinOperator>(build, op, build_operator(build, op->inputs[0]),
                                            build_operator(build, op->inputs[1]));
}
OperatorPtr make_union(const BuildContext& build, const LogicalOp* op) {
  return std::make_unique<UnionOperator>(build, op, build_operator(build, op->inputs[0]),
                                         build_operator(build, op->inputs[1]));
}

}  // namespace lora::cypher
