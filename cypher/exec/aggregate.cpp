// Aggregation by a hash table of groups, and DISTINCT.
//
// Counts, sums, averages and extremes of numbers are kept in the table itself (NumberState) and fed column by column;
// the lists of collect() beside it; other values and other functions go to AggregateState objects.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <type_traits>

#include "cypher/exec/build.h"
#include "cypher/exec/hash_index.h"
#include "cypher/exec/property_codes.h"

namespace lora::cypher {

namespace {

enum class Fast : uint8_t { kNone, kCountAll, kCount, kSum, kAverage, kMin, kMax, kCollect };

Fast fast_kind(const Expr& e) {
  const std::string_view name = e.aggregate->name;
  if (name == "count") return e.children.empty() ? Fast::kCountAll : Fast::kCount;
  if (name == "sum") return Fast::kSum;
  if (name == "avg") return Fast::kAverage;
  if (name == "min") return Fast::kMin;
  if (name == "max") return Fast::kMax;
  if (name == "collect") return Fast::kCollect;
  return Fast::kNone;
}

struct GroupState {
  uint64_t count = 0;
  int64_t integer = 0;  // sum of the integers; the extreme when !any_float (the word of one, when words are compared)
  double floating = 0;  // sum of the floats; the extreme when any_float
  bool any_float = false;
  bool any_integer = false;
};

// One aggregate of the RETURN or WITH, over all groups.
class AggregateColumn {
 public:
  // `grouped`: there may be more than one group.
  AggregateColumn(ExecState* state, const Assignment& item, bool grouped)
      : state_(*state),
        expr_(*item.expr),
        slot_(item.slot),
        fast_(fast_kind(*item.expr)),
        grouped_(grouped),
        seen_(grouped ? 2 : 1) {
    args_.resize(expr_.children.size());
  }
  Slot slot() const { return slot_; }
  // Reads its argument from an earlier one that has the same: both are plain properties or slots.
  void share(const AggregateColumn& earlier) {
    if (shared_ != nullptr || args_.size() != 1 || earlier.args_.size() != 1 || earlier.shared_ != nullptr) return;
    if (same_plain(*expr_.children[0], *earlier.expr_.children[0])) shared_ = &earlier.args_[0];
  }

  void clear() {
    const bool large = groups_.size() > kBatchRowsMax;
    groups_.clear();
    if (large) groups_.shrink_to_fit();
    states_.clear();
    states_.shrink_to_fit();
    lists_ = {};
    seen_.release();
    for (Column& c : args_) c.trim();
    boxed_.clear();
    words_.reset();
    words_refused_ = false;
    state_bytes_ = seen_bytes_ = 0;
  }
  size_t heap_bytes() const {
    return groups_.capacity() * sizeof(GroupState) + lists_.capacity() * sizeof(List) +
           states_.capacity() * sizeof(states_[0]) + state_bytes_ + seen_bytes_;
  }

  Status add(Batch& batch, const std::vector<uint32_t>& groups, size_t group_count) {
    if (groups_.size() < group_count) groups_.resize(group_count);
    if (fast_ == Fast::kCountAll) {
      for (uint32_t g : groups) ++groups_[g].count;
      return Status();
    }
    for (size_t i = 0; i < args_.size() && shared_ == nullptr; ++i) {
      LORA_TRY(state_.evaluator.evaluate(*expr_.children[i], batch, &args_[i]));
    }
    if (fast_ == Fast::kCollect && lists_.size() < group_count) lists_.resize(group_count);
    if (expr_.flag) return add_distinct(groups);
    if (fast_ == Fast::kCollect) {
      for (size_t row = 0; row < groups.size(); ++row) collect_row(row, groups[row]);
      return Status();
    }
    switch (first().kind) {
      case Column::Kind::kIntegers:
        if (takes_numbers()) return add_integers(groups);
        break;
      case Column::Kind::kFloats:
        if (takes_numbers()) return add_floats(groups);
        if (fast_ == Fast::kNone && groups_.size() == 1 && args_.size() == 1 && first().nulls.empty()) {
          if (state_of(0) == nullptr) LORA_TRY(make_state(0));
          if (state_of(0)->add_floats(first().floats)) return Status();
        }
        break;
      case Column::Kind::kWords:
        if (is_extreme() && takes_words(first().word_type)) return add_integers(groups);
        break;
      case Column::Kind::kStrings:
        if (is_extreme() && groups_.size() < groups.size()) return add_texts(groups);
        break;
      default: break;
    }
    if (fast_ == Fast::kCount) {
      const Column& c = first();
      const bool complete = (c.kind == Column::Kind::kStrings || c.kind == Column::Kind::kWords) && c.nulls.empty();
      for (size_t row = 0; row < groups.size(); ++row) {
        groups_[groups[row]].count += complete || !c.is_null(row) ? 1 : 0;
      }
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

  // The results of the groups from .. from + count - 1, appended.
  Status finish(size_t from, size_t count, Column* out) {
    if (groups_.size() < from + count) groups_.resize(from + count);
    if (states_.empty() && (fast_ == Fast::kCountAll || fast_ == Fast::kCount)) {
      if (out->kind == Column::Kind::kEmpty) out->reset(Column::Kind::kIntegers);
      for (size_t i = from; i < from + count; ++i) out->integers.push_back(static_cast<int64_t>(groups_[i].count));
      return Status();
    }
    if (states_.empty() && fast_ == Fast::kSum && out->kind == Column::Kind::kEmpty &&
        std::none_of(groups_.begin() + static_cast<ptrdiff_t>(from),
                     groups_.begin() + static_cast<ptrdiff_t>(from + count),
                     [](const GroupState& g) { return g.any_float; })) {
      out->reset(Column::Kind::kIntegers);
      for (size_t i = from; i < from + count; ++i) out->integers.push_back(groups_[i].integer);
      return Status();
    }
    Value v;
    for (size_t i = from; i < from + count; ++i) {
      LORA_TRY(finish(i, &v));
      out->push(v);
    }
    return Status();
  }

 private:
  static bool same_plain(const Expr& a, const Expr& b) {
    if (a.kind != b.kind) return false;
    if (a.kind == ExprKind::kSlot) return a.slot == b.slot;
    return a.kind == ExprKind::kProperty && a.names[0]->name == b.names[0]->name &&
           a.children[0]->kind == ExprKind::kSlot && same_plain(*a.children[0], *b.children[0]);
  }
  // The state object of a group; null while numbers are enough.
  AggregateState* state_of(size_t group) const { return group < states_.size() ? states_[group].get() : nullptr; }
  AggregateState* new_state(size_t group) {
    if (states_.size() <= group) states_.resize(std::max(group + 1, groups_.size()));
    states_[group] = expr_.aggregate->make();
    return states_[group].get();
  }

  Status finish(size_t group, Value* out) {
    const GroupState& g = groups_[group];
    AggregateState* state = state_of(group);
    if (state == nullptr) {
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
          *out = g.count == 0 ? Value() : g.any_float ? Value::floating(g.floating) : extreme_integer(g);
          return Status();
        case Fast::kCollect:
          *out = Value::list(group < lists_.size() ? std::move(lists_[group]) : List());
          return check_extent(state_.context, *out);
        case Fast::kNone: break;
      }
      state = new_state(group);
    }
    LORA_ASSIGN(*out, state->finish(state_.context));
    return Status();
  }

  bool is_extreme() const { return fast_ == Fast::kMin || fast_ == Fast::kMax; }
  bool takes_numbers() const { return fast_ != Fast::kNone && !words_; }
  // May extremes be kept as words of this type? Then all that are kept so are, and what is not of it goes to
  // AggregateState objects.
  bool takes_words(WordType type) {
    if (words_) return *words_ == type;
    if (words_refused_) return false;
    words_refused_ = !states_.empty() ||
                     std::any_of(groups_.begin(), groups_.end(), [](const GroupState& g) { return g.count > 0; });
    if (!words_refused_) words_ = type;
    return !words_refused_;
  }
  Value extreme_integer(const GroupState& g) const {
    return words_ ? from_word(*words_, g.integer) : Value::integer(g.integer);
  }

  const Column& first() const { return shared_ != nullptr ? *shared_ : args_[0]; }

  Status overflow() const {
    return Status::runtime(ErrorCode::kArithmetic, "ArithmeticError", "IntegerOverflow",
                           "integer overflow in `sum()`; integers have 64 bits");
  }

  Status add_integer(uint32_t group, int64_t v) {
    GroupState& g = groups_[group];
    switch (fast_) {
      case Fast::kSum:
        if (__builtin_add_overflow(g.integer, v, &g.integer)) return overflow();
        break;
      case Fast::kAverage: g.floating += static_cast<double>(v); break;
      case Fast::kMin:
        if (g.any_float) return add_boxed(group, Value::integer(v));
        if (g.count == 0 || v < g.integer) g.integer = v;
        break;
      case Fast::kMax:
        if (g.any_float) return add_boxed(group, Value::integer(v));
        if (g.count == 0 || v > g.integer) g.integer = v;
        break;
      default: break;
    }
    ++g.count;
    g.any_integer = true;
    return Status();
  }

  Status add_float(uint32_t group, double v) {
    GroupState& g = groups_[group];
    switch (fast_) {
      case Fast::kSum:
      case Fast::kAverage:
        // Averages that leave the range of floats are the AggregateState's business.
        if (fast_ == Fast::kAverage && !std::isfinite(g.floating + v)) return add_boxed(group, Value::floating(v));
        g.floating += v;
        g.any_float = true;
        break;
      case Fast::kMin:
        if (g.any_integer) return add_boxed(group, Value::floating(v));
        // NaN comes after all other numbers.
        if (g.count == 0 || v < g.floating || std::isnan(g.floating)) g.floating = v;
        g.any_float = true;
        break;
      case Fast::kMax:
        if (g.any_integer) return add_boxed(group, Value::floating(v));
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
    if (values.empty() || state_of(0) != nullptr || (is_extreme() && g.any_float)) return false;
    switch (fast_) {
      case Fast::kSum: {
        // An overflow on the way that is taken back later is none; a real one is found row by row.
        __int128 sum = g.integer;
        for (int64_t v : values) sum += v;
        if (sum > INT64_MAX || sum < INT64_MIN) return false;
        g.integer = static_cast<int64_t>(sum);
        break;
      }
      case Fast::kAverage: {
        __int128 sum = 0;
        for (int64_t v : values) sum += v;
        g.floating += static_cast<double>(sum);
        break;
      }
      case Fast::kMin: {
        const int64_t least = *extreme_of(values, false);
        if (g.count == 0 || least < g.integer) g.integer = least;
        break;
      }
      case Fast::kMax: {
        const int64_t most = *extreme_of(values, true);
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
    if (values.empty() || state_of(0) != nullptr) return false;
    switch (fast_) {
      case Fast::kSum:
      case Fast::kAverage: {
        const double sum = sum_of(g.floating, values);
        if (fast_ == Fast::kAverage && !std::isfinite(sum)) return false;
        g.floating = sum;
        g.any_float = true;
        break;
      }
      case Fast::kMin:
      case Fast::kMax: {
        // NaN, which comes after all numbers, is left to the loop by row.
        if (g.any_integer || (g.count > 0 && std::isnan(g.floating))) return false;
        std::optional<double> extreme = extreme_of(values, fast_ == Fast::kMax);
        if (!extreme) return false;
        // Of zeros of both signs the first one counts.
        if (*extreme == 0) extreme = *std::find(values.begin(), values.end(), 0.0);
        if (g.count == 0 || (fast_ == Fast::kMax ? *extreme > g.floating : *extreme < g.floating))
          g.floating = *extreme;
        g.any_float = true;
        break;
      }
      default: break;
    }
    g.count += values.size();
    return true;
  }

  // Independent chains, so that a step need not wait for the one before.
  static constexpr size_t kLanes = 4;

  // None: a NaN is among them.
  template <typename T>
  static std::optional<T> extreme_of(const std::vector<T>& values, bool greatest) {
    T best[kLanes];
    std::fill(best, best + kLanes, values[0]);
    bool any_nan = false;
    const auto run = [&](auto better) {
      size_t i = 0;
      for (; i + kLanes <= values.size(); i += kLanes) {
        for (size_t k = 0; k < kLanes; ++k) {
          const T v = values[i + k];
          best[k] = better(v, best[k]) ? v : best[k];
          any_nan |= v != v;
        }
      }
      for (; i < values.size(); ++i) {
        best[0] = better(values[i], best[0]) ? values[i] : best[0];
        any_nan |= values[i] != values[i];
      }
      for (size_t k = 1; k < kLanes; ++k) best[0] = better(best[k], best[0]) ? best[k] : best[0];
    };
    if (greatest) {
      run([](T a, T b) { return a > b; });
    } else {
      run([](T a, T b) { return a < b; });
    }
    return any_nan ? std::nullopt : std::optional<T>(best[0]);
  }

  // Few are added in their order, and those whose parts are too large for one.
  static double sum_of(double from, const std::vector<double>& values) {
    constexpr size_t kFew = 64;
    if (values.size() >= kFew) {
      double lanes[kLanes] = {};
      size_t i = 0;
      for (; i + kLanes <= values.size(); i += kLanes) {
        for (size_t k = 0; k < kLanes; ++k) lanes[k] += values[i + k];
      }
      double sum = from + ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]));
      for (; i < values.size(); ++i) sum += values[i];
      if (std::isfinite(sum)) return sum;
    }
    for (double v : values) from += v;
    return from;
  }

  // Adds to the float sums of groups, none of which has a state object.
  template <typename T>
  void sum_rows(const std::vector<uint32_t>& groups, const std::vector<T>& values, const std::vector<uint8_t>& nulls) {
    GroupState* all = groups_.data();
    for (size_t row = 0; row < groups.size(); ++row) {
      if (!nulls.empty() && nulls[row] != 0) continue;
      GroupState& g = all[groups[row]];
      g.floating += static_cast<double>(values[row]);
      ++g.count;
      (std::is_integral_v<T> ? g.any_integer : g.any_float) = true;
    }
  }

  Status add_integers(const std::vector<uint32_t>& groups) {
    const Column& c = first();
    if (groups_.size() == 1 && c.nulls.empty() && add_integers_at_once(groups_[0], c.integers)) return Status();
    if (fast_ == Fast::kAverage && states_.empty()) {
      sum_rows(groups, c.integers, c.nulls);
      return Status();
    }
    if (fast_ == Fast::kSum && states_.empty()) {
      GroupState* all = groups_.data();
      for (size_t row = 0; row < groups.size(); ++row) {
        if (!c.nulls.empty() && c.nulls[row] != 0) continue;
        GroupState& g = all[groups[row]];
        if (__builtin_add_overflow(g.integer, c.integers[row], &g.integer)) return overflow();
        ++g.count;
        g.any_integer = true;
      }
      return Status();
    }
    for (size_t row = 0; row < groups.size(); ++row) {
      if (!c.nulls.empty() && c.nulls[row] != 0) continue;
      const uint32_t group = groups[row];
      if (state_of(group) != nullptr) {
        LORA_TRY(add_boxed(group, c.get(row)));
      } else {
        LORA_TRY(add_integer(group, c.integers[row]));
      }
    }
    return Status();
  }

  Status add_floats(const std::vector<uint32_t>& groups) {
    const Column& c = first();
    if (groups_.size() == 1 && c.nulls.empty() && add_floats_at_once(groups_[0], c.floats)) return Status();
    if (fast_ == Fast::kSum && states_.empty()) {
      sum_rows(groups, c.floats, c.nulls);
      return Status();
    }
    for (size_t row = 0; row < groups.size(); ++row) {
      if (!c.nulls.empty() && c.nulls[row] != 0) continue;
      const uint32_t group = groups[row];
      if (state_of(group) != nullptr) {
        LORA_TRY(add_boxed(group, Value::floating(c.floats[row])));
      } else {
        LORA_TRY(add_float(group, c.floats[row]));
      }
    }
    return Status();
  }

  // Extremes: of each group's texts the least or greatest only.
  Status add_texts(const std::vector<uint32_t>& groups) {
    const Column& c = first();
    best_rows_.assign(groups_.size(), kNoRow);
    for (uint32_t row = 0; row < groups.size(); ++row) {
      if (!c.nulls.empty() && c.nulls[row] != 0) continue;
      uint32_t& best = best_rows_[groups[row]];
      const bool better =
          best == kNoRow || (fast_ == Fast::kMin ? c.texts[row] < c.texts[best] : c.texts[row] > c.texts[best]);
      best = better ? row : best;
    }
    for (uint32_t group = 0; group < best_rows_.size(); ++group) {
      if (best_rows_[group] != kNoRow) LORA_TRY(add_row(best_rows_[group], group));
    }
    return Status();
  }

  // Hands a group over to an AggregateState, with what the fast state stands for so far.
  Status make_state(uint32_t group) {
    AggregateState* state = new_state(group);
    const GroupState& g = groups_[group];
    if (g.count == 0 || fast_ == Fast::kNone) return Status();
    boxed_.assign(1, Value());
    if (fast_ == Fast::kAverage) {
      // The same number `count` times has the same mean.
      boxed_[0] = Value::floating(g.floating / static_cast<double>(g.count));
      for (uint64_t i = 0; i < g.count; ++i) LORA_TRY(state->add(state_.context, boxed_));
      return Status();
    }
    if (g.any_integer || (fast_ == Fast::kSum && g.integer != 0)) {
      boxed_[0] = is_extreme() ? extreme_integer(g) : Value::integer(g.integer);
      LORA_TRY(state->add(state_.context, boxed_));
    }
    if (g.any_float) {
      boxed_[0] = Value::floating(g.floating);
      LORA_TRY(state->add(state_.context, boxed_));
    }
    return Status();
  }

  Status add_boxed(uint32_t group, const Value& v) {
    if (state_of(group) == nullptr) LORA_TRY(make_state(group));
    boxed_.assign(1, v);
    return feed(group);
  }

  Status feed(uint32_t group) {
    AggregateState* state = state_of(group);
    const size_t before = state->heap_bytes();
    LORA_TRY(state->add(state_.context, boxed_));
    state_bytes_ += state->heap_bytes() - before;
    return Status();
  }

  void collect_row(size_t row, uint32_t group) {
    const Column& c = first();
    if (c.is_null(row)) return;
    List& list = lists_[group];
    list.push_back(c.get(row));
    state_bytes_ += sizeof(Value);
    if (c.kind == Column::Kind::kValues || c.kind == Column::Kind::kStrings || c.kind == Column::Kind::kWords) {
      state_bytes_ += list.back().heap_bytes();
    }
  }

  Status add_row(size_t row, uint32_t group) {
    if (first().is_null(row)) return Status();
    if (fast_ == Fast::kCollect) {
      collect_row(row, group);
      return Status();
    }
    Value value = first().get(row);
    if (state_of(group) == nullptr) {
      if (fast_ == Fast::kCount) {
        ++groups_[group].count;
        return Status();
      }
      if (takes_numbers() && value.is_integer()) return add_integer(group, value.as_integer());
      if (takes_numbers() && value.is_float()) return add_float(group, value.as_float());
      LORA_TRY(make_state(group));
    }
    boxed_.clear();
    boxed_.push_back(std::move(value));
    for (size_t i = 1; i < args_.size(); ++i) boxed_.push_back(args_[i].get(row));
    return feed(group);
  }

  // Each value once per group.
  Status add_distinct(const std::vector<uint32_t>& groups) {
    keys_.clear();
    if (grouped_) {
      group_numbers_.reset(Column::Kind::kIntegers);
      group_numbers_.integers.assign(groups.begin(), groups.end());
      keys_.push_back(&group_numbers_);
    }
    keys_.push_back(&first());
    const size_t before = seen_.size();
    seen_.find_or_add(keys_, groups.size(), &entries_, &added_);
    if (seen_.size() > before) {
      for (uint32_t row : added_) seen_bytes_ += 64 + first().row_heap_bytes(row);
    }
    for (uint32_t row : added_) LORA_TRY(add_row(row, groups[row]));
    return Status();
  }

  ExecState& state_;
  const Expr& expr_;
  Slot slot_;
  Fast fast_;
  bool grouped_;
  std::vector<GroupState> groups_;
  // By group, from the first value on that is no number; empty while there is none.
  std::vector<std::unique_ptr<AggregateState>> states_;
  std::vector<List> lists_;  // of collect(), by group
  std::vector<Column> args_;
  std::optional<WordType> words_;  // of extremes: what GroupState::integer stands for, once a word came first
  bool words_refused_ = false;     // something else came first
  static constexpr uint32_t kNoRow = UINT32_MAX;
  std::vector<uint32_t> best_rows_;  // of each group in a batch
  const Column* shared_ = nullptr;   // another's argument in place of args_[0]
  List boxed_;
  KeyStore seen_;
  Column group_numbers_;
  std::vector<const Column*> keys_;
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
    for (const Assignment& a : aggregate_.aggregates) columns_.emplace_back(&state_, a, !aggregate_.keys.empty());
    for (size_t i = 1; i < columns_.size(); ++i) {
      for (size_t j = 0; j < i; ++j) columns_[i].share(columns_[j]);
    }
    for (const Column& c : key_columns_) key_pointers_.push_back(&c);
    codings_.resize(aggregate_.keys.size());
    const bool may_change = writes(op);
    for (size_t k = 0; k < codings_.size(); ++k) {
      codings_[k].possible = !may_change && PropertyCodes::suits(*aggregate_.keys[k].expr);
    }
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
    picked_.resize(count);
    std::iota(picked_.begin(), picked_.end(), static_cast<uint32_t>(at_));
    for (size_t k = 0; k < aggregate_.keys.size(); ++k) {
      const Slot slot = aggregate_.keys[k].slot;
      if (!is_live(slot)) continue;
      if (codings_[k].codes != nullptr) {
        picked_codes_.reset(Column::Kind::kIntegers);
        picked_codes_.gather_from(keys_.part(k), picked_);
        codings_[k].codes->decode(picked_codes_, &out_[slot]);
      } else {
        out_[slot].gather_from(keys_.part(k), picked_);
      }
    }
    for (AggregateColumn& c : columns_) LORA_TRY(c.finish(at_, count, &out_[c.slot()]));
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
    rows_read_ = batches_read_ = 0;
    rows_to_check_ = kBatchesOfFirstCheck * state_.plan_rows_max;
    for (KeyCoding& coding : codings_) {
      coding.codes.reset();
      coding.repeats.clear();
      coding.closed = false;
    }
  }

  // --- numbers in place of a key's texts ---

  struct KeyCoding {
    bool possible = false;  // by its expression
    bool closed = false;    // in this run it had values that are no texts
    Repeats repeats;
    std::unique_ptr<PropertyCodes> codes;  // not null: the store's key is the number
  };
  static constexpr size_t kBatchesOfFirstCheck = 8;

  // Takes `column` for the k-th key in the store, whose entries keep their numbers.
  void exchange_keys(size_t k, const Column& column) {
    KeyStore fresh(aggregate_.keys.size());
    std::vector<const Column*> parts;
    for (size_t j = 0; j < aggregate_.keys.size(); ++j) parts.push_back(j == k ? &column : &keys_.part(j));
    std::vector<uint32_t> entries, added;
    fresh.find_or_add(parts, keys_.size(), &entries, &added);
    keys_ = std::move(fresh);
  }
  void open_coding(size_t k) {
    auto codes = std::make_unique<PropertyCodes>(&state_, *aggregate_.keys[k].expr, codings_[k].repeats.dense());
    Column column;
    if (!codes->encode_values(keys_.part(k), &column)) {
      codings_[k].closed = true;
      return;
    }
    exchange_keys(k, column);
    codings_[k].codes = std::move(codes);
  }
  void close_coding(size_t k) {
    Column column;
    codings_[k].codes->decode(keys_.part(k), &column);
    for (size_t i = 0; i < keys_.size(); ++i) key_bytes_ += column.row_heap_bytes(i);
    exchange_keys(k, column);
    codings_[k].codes.reset();
    codings_[k].closed = true;
  }

  // The array of numbers by id may have so many places: as many bytes as some rows in a hash table would take.
  uint64_t ids_max() const { return rows_read_ * 8; }

  // After more and more rows: keys whose nodes come again and again get numbers.
  void look_for_repeats(const Batch& in) {
    rows_read_ += in.rows;
    const bool check = rows_read_ >= rows_to_check_;
    if (check) rows_to_check_ *= 2;
    if (++batches_read_ % 4 != 1 && !check) return;
    for (size_t k = 0; k < codings_.size(); ++k) {
      KeyCoding& coding = codings_[k];
      if (!coding.possible || coding.closed || coding.codes != nullptr) continue;
      const Column& nodes = in[PropertyCodes::node_slot(*aggregate_.keys[k].expr)];
      if (nodes.kind != Column::Kind::kNodes) {
        coding.closed = true;
        continue;
      }
      coding.repeats.look_at(nodes.ids);
      if (check && coding.repeats.many() && coding.repeats.highest() < ids_max()) open_coding(k);
    }
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
      if (codings_[k].codes != nullptr) {
        bool fits = false;
        LORA_TRY(codings_[k].codes->encode(in, ids_max(), &key_columns_[k], &fits));
        key_pointers_[k] = &key_columns_[k];
        if (fits) continue;
        close_coding(k);
      }
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
        key_bytes_ += sizeof(Value) + c->row_heap_bytes(row);
      }
    }
    look_for_repeats(in);
    return Status();
  }

  Status charge() {
    size_t bytes = key_bytes_;
    for (const KeyCoding& coding : codings_) bytes += coding.codes != nullptr ? coding.codes->heap_bytes() : 0;
    for (const AggregateColumn& c : columns_) bytes += c.heap_bytes();
    return bytes > charge_.bytes() ? charge_.add(bytes - charge_.bytes()) : Status();
  }

  OperatorPtr input_;
  const Aggregate& aggregate_;
  KeyStore keys_;
  std::vector<Column> key_columns_;
  std::vector<const Column*> key_pointers_;
  std::vector<AggregateColumn> columns_;
  std::vector<uint32_t> groups_, added_, picked_;
  size_t group_count_ = 0;
  size_t key_bytes_ = 0;
  std::vector<KeyCoding> codings_;  // by key
  size_t rows_read_ = 0, batches_read_ = 0, rows_to_check_ = 0;
  Column picked_codes_;
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
          bytes += sizeof(Value) + c->row_heap_bytes(row);
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
