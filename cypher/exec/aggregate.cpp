// Aggregation by a hash table of groups, and DISTINCT.
//
// Counts, sums, averages and extremes of numbers are kept in the table itself (NumberState) and fed column by column;
// other values and other functions go to AggregateState objects.
#include <algorithm>
#include <cmath>

#include "cypher/exec/build.h"
#include "cypher/exec/hash_index.h"

namespace lora::cypher {

namespace {

enum class Fast : uint8_t { kNone, kCountAll, kCount, kSum, kAverage, kMin, kMax };

Fast fast_kind(const Expr& e) {
  const std::string_view name = e.aggregate->name;
  if (name == "count") return e.children.empty() ? Fast::kCountAll : Fast::kCount;
  if (name == "sum") return Fast::kSum;
  if (name == "avg") return Fast::kAverage;
  if (name == "min") return Fast::kMin;
  if (name == "max") return Fast::kMax;
  return Fast::kNone;
}

struct GroupState {
  uint64_t count = 0;
  int64_t integer = 0;  // sum of the integers; the extreme when !any_float
  double floating = 0;  // sum of the floats; the extreme when any_float
  bool any_float = false;
  bool any_integer = false;
  std::unique_ptr<AggregateState> state;  // from the first value on that is no number
};

// One aggregate of the RETURN or WITH, over all groups.
class AggregateColumn {
 public:
  AggregateColumn(ExecState* state, const Assignment& item)
      : state_(*state), expr_(*item.expr), slot_(item.slot), fast_(fast_kind(*item.expr)), seen_(2) {
    args_.resize(expr_.children.size());
  }
  Slot slot() const { return slot_; }
  // Reads its argument from an earlier one that has the same: both are plain properties or slots.
  void share(const AggregateColumn& earlier) {
    if (shared_ != nullptr || args_.size() != 1 || earlier.args_.size() != 1 || earlier.shared_ != nullptr) return;
    if (same_plain(*expr_.children[0], *earlier.expr_.children[0])) shared_ = &earlier.args_[0];
  }

  void clear() {
    groups_.clear();
    seen_.release();
    for (Column& c : args_) c.trim();
    boxed_.clear();
    state_bytes_ = 0;
  }
  size_t heap_bytes() const { return groups_.capacity() * sizeof(GroupState) + state_bytes_ + seen_bytes_; }

  Status add(Batch& batch, const std::vector<uint32_t>& groups, size_t group_count) {
    if (groups_.size() < group_count) groups_.resize(group_count);
    if (fast_ == Fast::kCountAll) {
      for (uint32_t g : groups) ++groups_[g].count;
      return Status();
    }
    for (size_t i = 0; i < args_.size() && shared_ == nullptr; ++i) {
      LORA_TRY(state_.evaluator.evaluate(*expr_.children[i], batch, &args_[i]));
    }
    if (expr_.flag) return add_distinct(groups);
    switch (first().kind) {
      case Column::Kind::kIntegers:
        if (fast_ != Fast::kNone) return add_integers(groups);
        break;
      case Column::Kind::kFloats:
        if (fast_ != Fast::kNone) return add_floats(groups);
        break;
      default: break;
    }
    if (fast_ == Fast::kCount) {
      for (size_t row = 0; row < groups.size(); ++row) groups_[groups[row]].count += first().is_null(row) ? 0 : 1;
      return Status();
    }
    for (size_t row = 0; row < groups.size(); ++row) LORA_TRY(add_row(row, groups[row]));
    return Status();
  }

  // count(*) of rows that have no other columns to read.
  void count_rows(size_t rows) {
    if (groups_.empty()) groups_.resize(1);
    groups_[0].count += rows;
  }
  bool counts_all() const { return fast_ == Fast::kCountAll; }

  Status finish(size_t group, Value* out) {
    if (groups_.size() <= group) groups_.resize(group + 1);
    GroupState& g = groups_[group];
    if (g.state == nullptr) {
      switch (fast_) {
        case Fast::kCountAll:
        case Fast::kCount: *out = Value::integer(static_cast<int64_t>(g.count)); return Status();
        case Fast::kSum:
          *out = g.any_float ? Value::floating(g.floating + static_cast<double>(g.integer)) : Value::integer(g.integer);
          return Status();
        case Fast::kAverage:
          if (g.count == 0) {
            *out = Value();
            return Status();
          }
          if (std::isfinite(g.floating)) {
            *out = Value::floating(g.floating / static_cast<double>(g.count));
            return Status();
          }
          *out = Value::floating(g.floating);
          return Status();
        case Fast::kMin:
        case Fast::kMax:
          *out = g.count == 0 ? Value() : g.any_float ? Value::floating(g.floating) : Value::integer(g.integer);
          return Status();
        case Fast::kNone: break;
      }
      g.state = expr_.aggregate->make();
    }
    LORA_ASSIGN(*out, g.state->finish(state_.context));
    return Status();
  }

 private:
  static bool same_plain(const Expr& a, const Expr& b) {
    if (a.kind != b.kind) return false;
    if (a.kind == ExprKind::kSlot) return a.slot == b.slot;
    return a.kind == ExprKind::kProperty && a.names[0]->name == b.names[0]->name &&
           a.children[0]->kind == ExprKind::kSlot && same_plain(*a.children[0], *b.children[0]);
  }
  const Column& first() const { return shared_ != nullptr ? *shared_ : args_[0]; }

  Status overflow() const {
    return Status::runtime(ErrorCode::kArithmetic, "ArithmeticError", "IntegerOverflow",
                           "integer overflow in `sum()`; integers have 64 bits");
  }

  Status add_integer(GroupState& g, int64_t v) {
    switch (fast_) {
      case Fast::kSum:
        if (__builtin_add_overflow(g.integer, v, &g.integer)) return overflow();
        break;
      case Fast::kAverage: g.floating += static_cast<double>(v); break;
      case Fast::kMin:
        if (g.any_float) return add_boxed(g, Value::integer(v));
        if (g.count == 0 || v < g.integer) g.integer = v;
        break;
      case Fast::kMax:
        if (g.any_float) return add_boxed(g, Value::integer(v));
        if (g.count == 0 || v > g.integer) g.integer = v;
        break;
      default: break;
    }
    ++g.count;
    g.any_integer = true;
    return Status();
  }

  Status add_float(GroupState& g, double v) {
    switch (fast_) {
      case Fast::kSum:
      case Fast::kAverage:
        // Averages that leave the range of floats are the AggregateState's business.
        if (fast_ == Fast::kAverage && !std::isfinite(g.floating + v)) return add_boxed(g, Value::floating(v));
        g.floating += v;
        g.any_float = true;
        break;
      case Fast::kMin:
        if (g.any_integer) return add_boxed(g, Value::floating(v));
        // NaN comes after all other numbers.
        if (g.count == 0 || v < g.floating || std::isnan(g.floating)) g.floating = v;
        g.any_float = true;
        break;
      case Fast::kMax:
        if (g.any_integer) return add_boxed(g, Value::floating(v));
        if (g.count == 0 || v > g.floating || std::isnan(v)) g.floating = v;
        g.any_float = true;
        break;
      default: break;
    }
    ++g.count;
    return Status();
  }

  // One group and no nulls: straight loops over the column. False: not for these.
  bool add_integers_at_once(GroupState& g, const std::vector<int64_t>& values) {
    if (values.empty() || g.state != nullptr || ((fast_ == Fast::kMin || fast_ == Fast::kMax) && g.any_float))
      return false;
    switch (fast_) {
      case Fast::kSum: {
        // An overflow on the way that is taken back later is none; a real one is found row by row.
        __int128 sum = g.integer;
        for (int64_t v : values) sum += v;
        if (sum > INT64_MAX || sum < INT64_MIN) return false;
        g.integer = static_cast<int64_t>(sum);
        break;
      }
      case Fast::kAverage:
        for (int64_t v : values) g.floating += static_cast<double>(v);
        break;
      case Fast::kMin: {
        const int64_t least = *std::min_element(values.begin(), values.end());
        if (g.count == 0 || least < g.integer) g.integer = least;
        break;
      }
      case Fast::kMax: {
        const int64_t most = *std::max_element(values.begin(), values.end());
        if (g.count == 0 || most > g.integer) g.integer = most;
        break;
      }
      default: break;
    }
    g.count += values.size();
    g.any_integer = true;
    return true;
  }

  bool add_floats_at_once(GroupState& g, const std::vector<double>& values) {
    if (g.state != nullptr || (fast_ != Fast::kSum && fast_ != Fast::kAverage && fast_ != Fast::kCount)) return false;
    if (fast_ != Fast::kCount) {
      double sum = g.floating;
      for (double v : values) sum += v;
      if (fast_ == Fast::kAverage && !std::isfinite(sum)) return false;
      g.floating = sum;
      g.any_float = true;
    }
    g.count += values.size();
    return true;
  }

  Status add_integers(const std::vector<uint32_t>& groups) {
    const Column& c = first();
    if (groups_.size() == 1 && c.nulls.empty() && add_integers_at_once(groups_[0], c.integers)) return Status();
    for (size_t row = 0; row < groups.size(); ++row) {
      if (!c.nulls.empty() && c.nulls[row] != 0) continue;
      GroupState& g = groups_[groups[row]];
      if (g.state != nullptr) {
        LORA_TRY(add_boxed(g, Value::integer(c.integers[row])));
      } else {
        LORA_TRY(add_integer(g, c.integers[row]));
      }
    }
    return Status();
  }

  Status add_floats(const std::vector<uint32_t>& groups) {
    const Column& c = first();
    if (groups_.size() == 1 && c.nulls.empty() && !c.floats.empty() && add_floats_at_once(groups_[0], c.floats)) {
      return Status();
    }
    for (size_t row = 0; row < groups.size(); ++row) {
      if (!c.nulls.empty() && c.nulls[row] != 0) continue;
      GroupState& g = groups_[groups[row]];
      if (g.state != nullptr) {
        LORA_TRY(add_boxed(g, Value::floating(c.floats[row])));
      } else {
        LORA_TRY(add_float(g, c.floats[row]));
      }
    }
    return Status();
  }

  // Hands a group over to an AggregateState, with what the fast state stands for so far.
  Status make_state(GroupState& g) {
    g.state = expr_.aggregate->make();
    if (g.count == 0 || fast_ == Fast::kNone) return Status();
    boxed_.assign(1, Value());
    if (fast_ == Fast::kAverage) {
      // The same number `count` times has the same mean.
      boxed_[0] = Value::floating(g.floating / static_cast<double>(g.count));
      for (uint64_t i = 0; i < g.count; ++i) LORA_TRY(g.state->add(state_.context, boxed_));
      return Status();
    }
    if (g.any_integer || (fast_ == Fast::kSum && g.integer != 0)) {
      boxed_[0] = Value::integer(g.integer);
      LORA_TRY(g.state->add(state_.context, boxed_));
    }
    if (g.any_float) {
      boxed_[0] = Value::floating(g.floating);
      LORA_TRY(g.state->add(state_.context, boxed_));
    }
    return Status();
  }

  Status add_boxed(GroupState& g, const Value& v) {
    if (g.state == nullptr) LORA_TRY(make_state(g));
    boxed_.assign(1, v);
    return feed(g);
  }

  Status feed(GroupState& g) {
    const size_t before = g.state->heap_bytes();
    LORA_TRY(g.state->add(state_.context, boxed_));
    state_bytes_ += g.state->heap_bytes() - before;
    return Status();
  }

  Status add_row(size_t row, uint32_t group) {
    if (first().is_null(row)) return Status();
    GroupState& g = groups_[group];
    const Value value = first().get(row);
    if (g.state == nullptr) {
      if (fast_ == Fast::kCount) {
        ++g.count;
        return Status();
      }
      if (fast_ != Fast::kNone && value.is_integer()) return add_integer(g, value.as_integer());
      if (fast_ != Fast::kNone && value.is_float()) return add_float(g, value.as_float());
      LORA_TRY(make_state(g));
    }
    boxed_.clear();
    boxed_.push_back(value);
    for (size_t i = 1; i < args_.size(); ++i) boxed_.push_back(args_[i].get(row));
    return feed(g);
  }

  // Each value once per group.
  Status add_distinct(const std::vector<uint32_t>& groups) {
    group_numbers_.reset(Column::Kind::kIntegers);
    for (uint32_t g : groups) group_numbers_.integers.push_back(g);
    const size_t before = seen_.size();
    seen_.find_or_add({&group_numbers_, &first()}, groups.size(), &entries_, &added_);
    if (seen_.size() > before) {
      for (uint32_t row : added_) seen_bytes_ += 64 + first().get(row).heap_bytes();
    }
    for (uint32_t row : added_) LORA_TRY(add_row(row, groups[row]));
    return Status();
  }

  ExecState& state_;
  const Expr& expr_;
  Slot slot_;
  Fast fast_;
  std::vector<GroupState> groups_;
  std::vector<Column> args_;
  const Column* shared_ = nullptr;  // another's argument in place of args_[0]
  List boxed_;
  KeyStore seen_;
  Column group_numbers_;
  std::vector<uint32_t> entries_, added_;
  size_t state_bytes_ = 0, seen_bytes_ = 0;
};

class AggregateOperator final : public Operator {
 public:
  AggregateOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : Operator(build, op),
        input_(std::move(input)),
        aggregate_(*static_cast<const Aggregate*>(op)),
        keys_(aggregate_.keys.size()),
        key_columns_(aggregate_.keys.size()),
        charge_(&state_) {
    columns_.reserve(aggregate_.aggregates.size());
    for (const Assignment& a : aggregate_.aggregates) columns_.emplace_back(&state_, a);
    for (size_t i = 1; i < columns_.size(); ++i) {
      for (size_t j = 0; j < i; ++j) columns_[i].share(columns_[j]);
    }
    for (const Column& c : key_columns_) key_pointers_.push_back(&c);
  }

  Status open() override {
    forget();
    built_ = false;
    at_ = 0;
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
    if (!built_) {
      LORA_TRY(read_input());
      built_ = true;
    }
    const size_t count = std::min(rows_wanted, group_count_ - at_);
    if (count == 0) return Status();
    begin_output(&out_);
    for (size_t k = 0; k < aggregate_.keys.size(); ++k) {
      Column& out = out_[aggregate_.keys[k].slot];
      for (size_t i = 0; i < count; ++i) out.push_from(keys_.part(k), at_ + i);
    }
    Value v;
    for (AggregateColumn& c : columns_) {
      for (size_t i = 0; i < count; ++i) {
        LORA_TRY(c.finish(at_ + i, &v));
        out_[c.slot()].push(v);
      }
    }
    out_.rows = count;
    at_ += count;
    *batch = &out_;
    return Status();
  }

 private:
  void forget() {
    keys_.release();
    for (Column& c : key_columns_) c.trim();
    for (AggregateColumn& c : columns_) c.clear();
    charge_.clear();
    group_count_ = 0;
    key_bytes_ = 0;
  }

  Status read_input() {
    const bool counts_only = aggregate_.keys.empty() && columns_.size() == 1 && columns_[0].counts_all();
    Batch* in = nullptr;
    for (;;) {
      LORA_TRY(state_.tick());
      LORA_TRY(input_->next(kBatchRowsMax, &in));
      if (in == nullptr) break;
      if (counts_only) {
        columns_[0].count_rows(in->rows);
        continue;
      }
      LORA_TRY(find_groups(*in));
      for (AggregateColumn& c : columns_) LORA_TRY(c.add(*in, groups_, group_count_));
      LORA_TRY(state_.read_status());
      LORA_TRY(charge());
    }
    // Without keys there is one group, even of nothing.
    if (aggregate_.keys.empty()) group_count_ = 1;
    return Status();
  }

  Status find_groups(Batch& in) {
    if (aggregate_.keys.empty()) {
      groups_.assign(in.rows, 0);
      group_count_ = 1;
      return Status();
    }
    for (size_t k = 0; k < aggregate_.keys.size(); ++k) {
      const Expr& expr = *aggregate_.keys[k].expr;
      if (expr.kind == ExprKind::kSlot && in[expr.slot].kind != Column::Kind::kEmpty) {
        key_pointers_[k] = &in[expr.slot];
      } else {
        LORA_TRY(state_.evaluator.evaluate(expr, in, &key_columns_[k]));
        key_pointers_[k] = &key_columns_[k];
      }
    }
    keys_.find_or_add(key_pointers_, in.rows, &groups_, &added_);
    group_count_ = keys_.size();
    for (uint32_t row : added_) {
      key_bytes_ += 24;
      for (const Column* c : key_pointers_) {
        key_bytes_ += sizeof(Value);
        if (c->kind == Column::Kind::kValues) key_bytes_ += c->values[row].heap_bytes();
      }
    }
    return Status();
  }

  Status charge() {
    size_t bytes = key_bytes_;
    for (const AggregateColumn& c : columns_) bytes += c.heap_bytes();
    return bytes > charge_.bytes() ? charge_.add(bytes - charge_.bytes()) : Status();
  }

  OperatorPtr input_;
  const Aggregate& aggregate_;
  KeyStore keys_;
  std::vector<Column> key_columns_;
  std::vector<const Column*> key_pointers_;
  std::vector<AggregateColumn> columns_;
  std::vector<uint32_t> groups_, added_;
  size_t group_count_ = 0;
  size_t key_bytes_ = 0;
  size_t at_ = 0;
  bool built_ = false;
  MemoryCharge charge_;
  Batch out_;
};

// Streams: a row is given when its key is met first.
class DistinctOperator final : public Operator {
 public:
  DistinctOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : Operator(build, op),
        input_(std::move(input)),
        distinct_(*static_cast<const Distinct*>(op)),
        keys_(distinct_.slots.size()),
        charge_(&state_) {}
  Status open() override {
    keys_.release();
    charge_.clear();
    return input_->open();
  }
  void close() override {
    keys_.release();
    charge_.clear();
    input_->close();
  }

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override {
    for (;;) {
      LORA_TRY(state_.tick());
      LORA_TRY(input_->next(rows_wanted, batch));
      if (*batch == nullptr) return Status();
      Batch& b = **batch;
      key_pointers_.clear();
      for (Slot s : distinct_.slots) key_pointers_.push_back(&b[s]);
      keys_.find_or_add(key_pointers_, b.rows, &entries_, &added_);
      uint64_t bytes = 0;
      for (uint32_t row : added_) {
        bytes += 24;
        for (const Column* c : key_pointers_) {
          bytes += sizeof(Value);
          if (c->kind == Column::Kind::kValues) bytes += c->values[row].heap_bytes();
        }
      }
      LORA_TRY(charge_.add(bytes));
      // The key columns are the output; nothing else may be read above.
      if (added_.size() < b.rows) b.gather(added_);
      if (b.rows > 0) return Status();
      rows_wanted = kBatchRowsMax;
    }
  }

 private:
  OperatorPtr input_;
  const Distinct& distinct_;
  KeyStore keys_;
  std::vector<const Column*> key_pointers_;
  std::vector<uint32_t> entries_, added_;
  MemoryCharge charge_;
};

}  // namespace

OperatorPtr make_aggregate(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<AggregateOperator>(build, op, std::move(input));
}
OperatorPtr make_distinct(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<DistinctOperator>(build, op, std::move(input));
}

}  // namespace lora::cypher
