// ORDER BY: keeps all rows, or the first k, and gives them in order. Equal keys keep their order of arrival.
//
// Rows are kept as columns; sorted is a permutation. With a limit, rows behind the worst of the best k seen so far are
// dropped as they come, and the buffer is cut back to k rows whenever it has grown to twice that.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "cypher/exec/build.h"
#include "cypher/exec/sort_prefixes.h"
#include "kv/encode.h"
#include "kv/stoppable.h"

namespace lora::cypher {

namespace {

// ORDER BY's order on two places of columns.
int order_at(const Column& a, size_t i, const Column& b, size_t j) {
  const auto sign = [](auto x, auto y) { return x < y ? -1 : x > y ? 1 : 0; };
  // Of columns of one kind of plain values: null comes last.
  const auto plain = [&](auto order_of_both) {
    const bool null_a = !a.nulls.empty() && a.nulls[i] != 0, null_b = !b.nulls.empty() && b.nulls[j] != 0;
    return null_a || null_b ? sign(null_a, null_b) : order_of_both();
  };
  if (a.is_like(b)) {
    switch (a.kind) {
      case Column::Kind::kEmpty: return 0;
      case Column::Kind::kValues: return order(a.values[i], b.values[j]);
      case Column::Kind::kIntegers:
      case Column::Kind::kWords: return plain([&] { return sign(a.integers[i], b.integers[j]); });
      case Column::Kind::kFloats:
        if (std::isnan(a.floats[i]) || std::isnan(b.floats[j])) break;
        return plain([&] { return sign(a.floats[i], b.floats[j]); });
      case Column::Kind::kStrings: return plain([&] { return a.texts[i].compare(b.texts[j]); });
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
      if (has_worst_) {
        pick_better(in->rows);
      } else {
        picked_.resize(in->rows);
        std::iota(picked_.begin(), picked_.end(), 0u);
      }
      LORA_TRY(keep_rows(*in));
      if (keep_ < UINT32_MAX / 4 && rows_.rows >= 2 * keep_ + kBatchRowsMax) LORA_TRY(cut_back());
    }
    return Status();
  }

  // The new rows that come before the worst one kept.
  void pick_better(size_t rows) {
    const Column &key = new_keys_[0], &kept = keys_[0];
    const bool ascending = sort_.keys[0].ascending;
    // Rows whose first key is already too late go in a tight loop. Where that cannot be told, the comparison of whole
    // keys tells.
    const auto pick = [&](auto behind) {
      constexpr uint32_t kAtOnce = 8;  // mostly there is none among them
      picked_.resize(rows);
      size_t count = 0;
      uint32_t row = 0;
      const auto pick_to = [&](uint32_t end) {
        for (; row < end; ++row) {
          picked_[count] = row;
          count += behind(row) ? 0 : 1;
        }
      };
      while (row + kAtOnce <= rows) {
        bool all = true;
        for (uint32_t i = 0; i < kAtOnce; ++i) all &= behind(row + i);
        if (all) {
          row += kAtOnce;
        } else {
          pick_to(row + kAtOnce);
        }
      }
      pick_to(static_cast<uint32_t>(rows));
      picked_.resize(count);
    };
    // Null comes last, so it is behind all that is kept in ascending order; in descending order it comes first.
    const uint8_t* nulls = key.nulls.empty() ? nullptr : key.nulls.data();
    const bool worst_null = kept.is_null(worst_);
    const auto pick_by = [&](auto value, auto worst) {  // `value` of a null row: any
      if (ascending) {
        pick([&](uint32_t row) { return value(row) > worst; });
      } else if (nulls == nullptr) {
        pick([&](uint32_t row) { return value(row) < worst; });
      } else {
        pick([&](uint32_t row) { return nulls[row] == 0 && value(row) < worst; });
      }
    };
    const bool same_kind = key.is_like(kept) && !worst_null;
    if (same_kind && (key.kind == Column::Kind::kIntegers || key.kind == Column::Kind::kWords)) {
      pick_by([&](uint32_t row) { return key.integers[row]; }, kept.integers[worst_]);
    } else if (same_kind && key.kind == Column::Kind::kFloats && !std::isnan(kept.floats[worst_])) {
      pick_by([&](uint32_t row) { return key.floats[row]; }, kept.floats[worst_]);
    } else if (same_kind && key.kind == Column::Kind::kStrings) {
      pick_by([&](uint32_t row) { return kv::leading_u64(key.texts[row]); }, kv::leading_u64(kept.texts[worst_]));
    } else if (worst_null && !ascending && key.kind != Column::Kind::kEmpty) {
      pick([&](uint32_t row) { return !key.is_null(row); });
    } else {
      picked_.resize(rows);
      std::iota(picked_.begin(), picked_.end(), 0u);
    }
    std::erase_if(picked_, [&](uint32_t row) { return compare_keys(new_keys_, row, keys_, worst_) >= 0; });
  }

  Status keep_rows(const Batch& in) {
    if (picked_.empty()) return Status();
    if (rows_.rows + picked_.size() >= UINT32_MAX) return Status::limit("rows", "a sort holds at most 2^32 - 1 rows");
    LORA_TRY(charge_.add(bytes_of(in, new_keys_, picked_)));
    carry(in, picked_, &rows_);
    for (size_t k = 0; k < keys_.size(); ++k) keys_[k].gather_from(new_keys_[k], picked_);
    rows_.rows += picked_.size();
    return Status();
  }

  // Of the rows' own values and sort keys. Keys share what is behind them with the values, as a rule; strings of
  // string columns are copies.
  uint64_t bytes_of(const Batch& batch, const std::vector<Column>& keys, const std::vector<uint32_t>& rows) const {
    uint64_t bytes = 0;
    const auto add = [&](const Column& c, bool shared) {
      const bool boxed = c.kind == Column::Kind::kValues || c.kind == Column::Kind::kWords;  // words may be
      bytes += rows.size() * (boxed ? sizeof(Value) : 8);
      if (c.kind != Column::Kind::kStrings && (!boxed || shared)) return;
      for (uint32_t row : rows) bytes += c.row_heap_bytes(row);
    };
    for (Slot slot : carried()) {
      if (batch[slot].kind != Column::Kind::kEmpty) add(batch[slot], false);
    }
    for (const Column& c : keys) add(c, true);
    return bytes;
  }

  // Keeps the best keep_ rows, in order of arrival.
  Status cut_back() {
    const auto k = static_cast<ptrdiff_t>(keep_);
    order_.resize(rows_.rows);
    std::iota(order_.begin(), order_.end(), 0u);
    LORA_TRY(
        stoppable([this] { return state_.tick(); }, [this](uint32_t i, uint32_t j) { return before(i, j); },
                  [&](auto less) { std::nth_element(order_.begin(), order_.begin() + (k - 1), order_.end(), less); },
                  comparisons_per_tick()));
    const uint32_t worst = order_[static_cast<size_t>(k - 1)];
    order_.resize(static_cast<size_t>(k));
    std::sort(order_.begin(), order_.end());
    worst_ = static_cast<size_t>(std::lower_bound(order_.begin(), order_.end(), worst) - order_.begin());
    has_worst_ = true;
    charge_.clear();
    LORA_TRY(charge_.add(bytes_of(rows_, keys_, order_)));
    rows_.gather(order_);
    for (Column& c : keys_) c.gather(order_);
    return Status();
  }

  Status put_in_order() {
    order_.resize(rows_.rows);
    std::iota(order_.begin(), order_.end(), 0u);
    bool done = false;
    LORA_TRY(order_by_prefix(&done));
    return done ? Status() : arrange_stoppable(order_, [this](uint32_t i, uint32_t j) { return before(i, j); });
  }

  // Puts the first keep_ of `items` in order and drops the others. Rows that a SKIP above drops need not be in order
  // among themselves.
  template <typename T, typename Less>
  void arrange(std::vector<T>& items, const Less& less) {
    if (items.size() > keep_) {
      std::nth_element(items.begin(), items.begin() + static_cast<ptrdiff_t>(keep_), items.end(), less);
      items.resize(keep_);
    }
    auto first = items.begin();
    if (skip_ > 0 && skip_ < items.size()) {
      first += static_cast<ptrdiff_t>(skip_);
      std::nth_element(items.begin(), first, items.end(), less);
    }
    std::sort(first, items.end(), less);
  }
  template <typename T, typename Less>
  Status arrange_stoppable(std::vector<T>& items, const Less& before) {
    return stoppable([this] { return state_.tick(); }, before, [&](auto less) { arrange(items, less); },
                     comparisons_per_tick());
  }
  // Lists may be long, and comparing two of them take as long as a thousand comparisons of numbers.
  uint32_t comparisons_per_tick() const {
    const bool boxed =
        std::any_of(keys_.begin(), keys_.end(), [](const Column& c) { return c.kind == Column::Kind::kValues; });
    return boxed ? 32 : 1024;
  }

  // Compares prefixes of the keys, and whole keys only where these tie. Not done: there are none.
  Status order_by_prefix(bool* done) {
    if (order_.size() < kPrefixRowsMin) return Status();
    std::vector<bool> ascending;
    for (const SortKey& key : sort_.keys) ascending.push_back(key.ascending);
    const SortPrefixes made(keys_, ascending);
    if (!made.exist()) return Status();
    std::vector<SortPrefix> prefixes(order_.size());
    constexpr size_t kRowsOfATick = 1 << 14;
    for (size_t from = 0; from < prefixes.size(); from += kRowsOfATick) {
      LORA_TRY(state_.tick());
      made.make(from, std::min(prefixes.size(), from + kRowsOfATick), prefixes.data());
    }
    const bool whole = made.is_whole();
    const auto less = [this, whole](const SortPrefix& a, const SortPrefix& b) {
      if (!a.same(b)) return a < b;
      return whole ? a.row < b.row : before(a.row, b.row);
    };
    // Looking at the clock makes cheap comparisons a tenth slower; so few rows of them take some 20 ms at most.
    constexpr size_t kRowsAtOnce = 1 << 18;
    if (whole && prefixes.size() <= kRowsAtOnce) {
      arrange(prefixes, less);
    } else {
      LORA_TRY(arrange_stoppable(prefixes, less));
    }
    order_.resize(prefixes.size());
    for (size_t i = 0; i < prefixes.size(); ++i) order_[i] = prefixes[i].row;
    *done = true;
    return Status();
  }

  static constexpr size_t kPrefixRowsMin = 64;

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
