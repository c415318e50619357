// ORDER BY: keeps all rows, or the first k, and gives them in order. Equal keys keep their order of arrival.
//
// Rows are kept as columns; sorted is a permutation. With a limit, rows behind the worst of the best k seen so far are
// dropped as they come, and the buffer is cut back to k rows whenever it has grown to twice that.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "cypher/exec/build.h"

namespace lora::cypher {

namespace {

// ORDER BY's order on two places of columns.
int order_at(const Column& a, size_t i, const Column& b, size_t j) {
  if (a.kind == b.kind) {
    switch (a.kind) {
      case Column::Kind::kEmpty: return 0;
      case Column::Kind::kValues: return order(a.values[i], b.values[j]);
      case Column::Kind::kIntegers:
        if (a.nulls.empty() && b.nulls.empty()) {
          return a.integers[i] < b.integers[j] ? -1 : a.integers[i] > b.integers[j] ? 1 : 0;
        }
        break;
      case Column::Kind::kFloats:
        if (a.nulls.empty() && b.nulls.empty() && !std::isnan(a.floats[i]) && !std::isnan(b.floats[j])) {
          return a.floats[i] < b.floats[j] ? -1 : a.floats[i] > b.floats[j] ? 1 : 0;
        }
        break;
      default: break;
    }
  }
  return order(a.get(i), b.get(j));
}

class SortOperator final : public Operator {
 public:
  SortOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : Operator(build, op),
        input_(std::move(input)),
        sort_(*static_cast<const Sort*>(op)),
        keys_(sort_.keys.size()),
        new_keys_(sort_.keys.size()),
        charge_(&state_) {}

  Status open() override {
    forget();
    keep_ = UINT64_MAX;
    skip_ = 0;
    sorted_ = false;
    if (sort_.limit != nullptr) {
      LORA_TRY(evaluate_count(&state_, *sort_.limit, "`LIMIT`", &keep_));
      if (sort_.skip != nullptr) LORA_TRY(evaluate_count(&state_, *sort_.skip, "`SKIP`", &skip_));
      keep_ = keep_ > UINT64_MAX - skip_ ? UINT64_MAX : keep_ + skip_;
    }
    return input_->open();
  }
  void close() override {
    forget();
    drop(&out_);
    input_->close();
  }

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override {
    *batch = nullptr;
    if (!sorted_) {
      LORA_TRY(read_input());
      LORA_TRY(put_in_order());
      sorted_ = true;
    }
    const size_t count = std::min(rows_wanted, order_.size() - at_);
    if (count == 0) return Status();
    begin_output(&out_);
    picked_.assign(order_.begin() + static_cast<ptrdiff_t>(at_), order_.begin() + static_cast<ptrdiff_t>(at_ + count));
    carry(rows_, picked_, &out_);
    out_.rows = count;
    at_ += count;
    *batch = &out_;
    return Status();
  }

 private:
  void forget() {
    drop_kept(&rows_);
    for (Column& c : keys_) c.trim();
    for (Column& c : new_keys_) c.trim();
    order_ = {};
    at_ = 0;
    has_worst_ = false;
    charge_.clear();
  }

  int compare_keys(const std::vector<Column>& a, size_t i, const std::vector<Column>& b, size_t j) const {
    for (size_t k = 0; k < sort_.keys.size(); ++k) {
      const int c = order_at(a[k], i, b[k], j);
      if (c != 0) return sort_.keys[k].ascending ? c : -c;
    }
    return 0;
  }

  bool before(uint32_t i, uint32_t j) const {
    const int c = compare_keys(keys_, i, keys_, j);
    return c != 0 ? c < 0 : i < j;
  }

  Status read_input() {
    begin_output(&rows_);
    Batch* in = nullptr;
    for (;;) {
      LORA_TRY(state_.tick());
      LORA_TRY(input_->next(kBatchRowsMax, &in));
      if (in == nullptr) break;
      for (size_t k = 0; k < keys_.size(); ++k) {
        LORA_TRY(state_.evaluator.evaluate(*sort_.keys[k].expr, *in, &new_keys_[k]));
      }
      LORA_TRY(state_.read_status());
      if (keep_ == 0) continue;
      picked_.clear();
      for (uint32_t row = 0; row < in->rows; ++row) {
        if (has_worst_ && compare_keys(new_keys_, row, keys_, worst_) >= 0) continue;
        picked_.push_back(row);
      }
      LORA_TRY(keep_rows(*in));
      if (keep_ < UINT32_MAX / 4 && rows_.rows >= 2 * keep_ + kBatchRowsMax) {
        LORA_TRY(cut_back());
      }
    }
    return Status();
  }

  Status keep_rows(const Batch& in) {
    if (picked_.empty()) return Status();
    if (rows_.rows + picked_.size() >= UINT32_MAX) return Status::limit("rows", "a sort holds at most 2^32 - 1 rows");
    uint64_t bytes = 0;
    const auto count_bytes = [&](const Column& c) {
      bytes += picked_.size() * (c.kind == Column::Kind::kValues ? sizeof(Value) : 8);
      if (c.kind != Column::Kind::kValues) return;
      for (uint32_t row : picked_) bytes += c.values[row].heap_bytes();
    };
    for (Slot slot : carried()) {
      if (in[slot].kind != Column::Kind::kEmpty) count_bytes(in[slot]);
    }
    for (const Column& c : new_keys_) bytes += picked_.size() * (c.kind == Column::Kind::kValues ? sizeof(Value) : 8);
    LORA_TRY(charge_.add(bytes));
    carry(in, picked_, &rows_);
    for (size_t k = 0; k < keys_.size(); ++k) keys_[k].gather_from(new_keys_[k], picked_);
    rows_.rows += picked_.size();
    return Status();
  }

  // Keeps the best keep_ rows, in order of arrival, and gives the memory of the others back.
  Status cut_back() {
    const auto k = static_cast<ptrdiff_t>(keep_);
    order_.resize(rows_.rows);
    std::iota(order_.begin(), order_.end(), 0u);
    std::nth_element(order_.begin(), order_.begin() + (k - 1), order_.end(),
                     [this](uint32_t i, uint32_t j) { return before(i, j); });
    const uint32_t worst = order_[static_cast<size_t>(k - 1)];
    order_.resize(static_cast<size_t>(k));
    std::sort(order_.begin(), order_.end());
    worst_ = static_cast<size_t>(std::lower_bound(order_.begin(), order_.end(), worst) - order_.begin());
    has_worst_ = true;
    rows_.gather(order_);
    for (Column& c : keys_) c.gather(order_);
    uint64_t bytes = 0;
    const auto count_bytes = [&](const Column& c) {
      bytes += c.size() * (c.kind == Column::Kind::kValues ? sizeof(Value) : 8);
      for (const Value& v : c.values) bytes += v.heap_bytes();
    };
    for (Slot slot : carried()) count_bytes(rows_[slot]);
    for (const Column& c : keys_) count_bytes(c);
    charge_.clear();
    return charge_.add(bytes);
  }

  Status put_in_order() {
    order_.resize(rows_.rows);
    std::iota(order_.begin(), order_.end(), 0u);
    const auto less = [this](uint32_t i, uint32_t j) { return before(i, j); };
    if (order_.size() > keep_) {
      std::nth_element(order_.begin(), order_.begin() + static_cast<ptrdiff_t>(keep_), order_.end(), less);
      order_.resize(keep_);
    }
    // Rows that a SKIP above drops need not be in order among themselves.
    size_t first = 0;
    if (skip_ > 0 && skip_ < order_.size()) {
      first = static_cast<size_t>(skip_);
      std::nth_element(order_.begin(), order_.begin() + static_cast<ptrdiff_t>(first), order_.end(), less);
    }
    sort_from(first);
    return Status();
  }

  void sort_from(size_t first) {
    const auto begin = order_.begin() + static_cast<ptrdiff_t>(first);
    // One key of plain numbers: sort pairs instead of following indexes.
    if (keys_.size() == 1 && keys_[0].kind == Column::Kind::kIntegers && keys_[0].nulls.empty()) {
      sort_pairs<int64_t>(begin, keys_[0].integers, sort_.keys[0].ascending);
      return;
    }
    if (keys_.size() == 1 && keys_[0].kind == Column::Kind::kFloats && keys_[0].nulls.empty() &&
        std::none_of(keys_[0].floats.begin(), keys_[0].floats.end(), [](double v) { return std::isnan(v); })) {
      sort_pairs<double>(begin, keys_[0].floats, sort_.keys[0].ascending);
      return;
    }
    std::sort(begin, order_.end(), [this](uint32_t i, uint32_t j) { return before(i, j); });
  }

  template <typename T>
  void sort_pairs(std::vector<uint32_t>::iterator begin, const std::vector<T>& keys, bool ascending) {
    std::vector<std::pair<T, uint32_t>> pairs;
    pairs.reserve(static_cast<size_t>(order_.end() - begin));
    for (auto it = begin; it != order_.end(); ++it) pairs.emplace_back(keys[*it], *it);
    if (ascending) {
      std::sort(pairs.begin(), pairs.end());
    } else {
      std::sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : a.second < b.second;
      });
    }
    for (const auto& p : pairs) *begin++ = p.second;
  }

  OperatorPtr input_;
  const Sort& sort_;
  Batch rows_;
  std::vector<Column> keys_, new_keys_;
  std::vector<uint32_t> order_, picked_;
  uint64_t keep_ = UINT64_MAX, skip_ = 0;
  size_t at_ = 0;
  size_t worst_ = 0;
  bool has_worst_ = false;
  bool sorted_ = false;
  MemoryCharge charge_;
  Batch out_;
};

// Takes in all its input before it gives the first row: what writes above may not be seen by reads below.
class EagerOperator final : public Operator {
 public:
  EagerOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : Operator(build, op), input_(std::move(input)), charge_(&state_) {}
  Status open() override {
    forget();
    return input_->open();
  }
  void close() override {
    forget();
    input_->close();
  }

 protected:
  Status do_next(size_t, Batch** batch) override {
    *batch = nullptr;
    if (!read_) {
      LORA_TRY(read_input());
      read_ = true;
    }
    if (at_ == kept_.size()) return Status();
    *batch = &kept_[at_++];
    return Status();
  }

 private:
  void forget() {
    kept_.clear();
    at_ = 0;
    read_ = false;
    charge_.clear();
  }
  Status read_input() {
    Batch* in = nullptr;
    for (;;) {
      LORA_TRY(state_.tick());
      LORA_TRY(input_->next(kBatchRowsMax, &in));
      if (in == nullptr) return Status();
      Batch copy(state_.column_count);
      uint64_t bytes = 0;
      for (Slot slot : carried()) {
        if ((*in)[slot].kind == Column::Kind::kEmpty) continue;
        copy[slot] = std::move((*in)[slot]);
        (*in)[slot] = Column();
        bytes += copy[slot].heap_bytes();
      }
      copy.rows = in->rows;
      LORA_TRY(charge_.add(bytes));
      kept_.push_back(std::move(copy));
    }
  }

  OperatorPtr input_;
  std::vector<Batch> kept_;
  size_t at_ = 0;
  bool read_ = false;
  MemoryCharge charge_;
};

}  // namespace

OperatorPtr make_sort(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<SortOperator>(build, op, std::move(input));
}
OperatorPtr make_eager(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<EagerOperator>(build, op, std::move(input));
}

}  // namespace lora::cypher
