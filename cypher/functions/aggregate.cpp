// Aggregate functions: the state of one group each. DISTINCT is done by the operator, not here.
#include <algorithm>
#include <cmath>
#include <string>

#include "cypher/functions/families.h"
#include "graph/temporal.h"
#include "kv/stoppable.h"

namespace lora::cypher {

namespace {

Status bad_argument(std::string_view function, const Value& v) {
  return argument_type_error(function, v);
}

class Count final : public AggregateState {
 public:
  Status add(EvalContext&, std::span<const Value>) override {
    ++count_;
    return Status();
  }
  Result<Value> finish(EvalContext&) override { return Value::integer(count_); }

 private:
  int64_t count_ = 0;
};

// Integers stay exact until a float comes; durations are summed by themselves.
class Sum final : public AggregateState {
 public:
  Status add(EvalContext&, std::span<const Value> args) override {
    const Value& v = args[0];
    if (v.is_integer()) {
      if (__builtin_add_overflow(integer_, v.as_integer(), &integer_)) return overflow_error("sum()");
    } else if (v.is_float()) {
      float_ += v.as_float();
      any_float_ = true;
    } else if (v.type() == ValueType::kDuration) {
      if (duration_.is_null()) {
        duration_ = v;
      } else {
        LORA_ASSIGN(duration_, add_durations(duration_, v));
      }
      return Status();
    } else {
      return bad_argument("sum", v);
    }
    any_number_ = true;
    return Status();
  }
  Result<Value> finish(EvalContext&) override {
    if (!duration_.is_null()) {
      if (any_number_) return bad_argument("sum", duration_);
      return duration_;
    }
    if (any_float_) return Value::floating(float_ + static_cast<double>(integer_));
    return Value::integer(integer_);
  }

 private:
  static Result<Value> add_durations(const Value& a, const Value& b) { return temporal::add(a, b); }
  int64_t integer_ = 0;
  double float_ = 0;
  bool any_float_ = false;
  bool any_number_ = false;
  Value duration_;
};

class Average final : public AggregateState {
 public:
  Status add(EvalContext&, std::span<const Value> args) override {
    const Value& v = args[0];
    if (v.is_number()) {
      ++count_;
      mean_ += (v.as_number() - mean_) / static_cast<double>(count_);
      sum_ += v.as_number();
      return Status();
    }
    if (v.type() == ValueType::kDuration) {
      ++durations_;
      if (duration_.is_null()) {
        duration_ = v;
        return Status();
      }
      LORA_ASSIGN(duration_, temporal::add(duration_, v));
      return Status();
    }
    return bad_argument("avg", v);
  }
  Result<Value> finish(EvalContext&) override {
    if (durations_ > 0) {
      if (count_ > 0) return bad_argument("avg", duration_);
      return temporal::divide(duration_, Value::integer(durations_));
    }
    if (count_ == 0) return Value();
    // The plain sum is the better answer while it is finite.
    return Value::floating(std::isfinite(sum_) ? sum_ / static_cast<double>(count_) : mean_);
  }

 private:
  int64_t count_ = 0, durations_ = 0;
  double mean_ = 0, sum_ = 0;
  Value duration_;
};

template <bool min>
class Extreme final : public AggregateState {
 public:
  Status add(EvalContext&, std::span<const Value> args) override {
    if (best_.is_null() || (min ? order(args[0], best_) < 0 : order(args[0], best_) > 0)) best_ = args[0];
    return Status();
  }
  Result<Value> finish(EvalContext&) override { return best_; }
  size_t heap_bytes() const override { return best_.heap_bytes(); }

 private:
  Value best_;
};

// Sum of f(value), four at a time.
template <typename F>
double sum_of(std::span<const double> values, F f) {
  double lanes[4] = {};
  size_t i = 0;
  for (; i + 4 <= values.size(); i += 4) {
    for (size_t k = 0; k < 4; ++k) lanes[k] += f(values[i + k]);
  }
  for (; i < values.size(); ++i) lanes[0] += f(values[i]);
  return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

// Welford's method; of many values together the two sums of deviations are joined as Chan, Golub and LeVeque do.
template <bool population>
class Deviation final : public AggregateState {
 public:
  Status add(EvalContext&, std::span<const Value> args) override {
    if (!args[0].is_number()) return bad_argument(population ? "stDevP" : "stDev", args[0]);
    const double v = args[0].as_number();
    ++count_;
    const double delta = v - mean_;
    mean_ += delta / static_cast<double>(count_);
    squares_ += delta * (v - mean_);
    return Status();
  }
  bool add_floats(std::span<const double> values) override {
    if (values.empty()) return true;
    const auto more = static_cast<double>(values.size()), before = static_cast<double>(count_);
    const double mean = sum_of(values, [](double v) { return v; }) / more;
    const double squares = sum_of(values, [mean](double v) { return (v - mean) * (v - mean); });
    if (!std::isfinite(squares)) return false;  // a sum may be too large where no step is
    const double delta = mean - mean_;
    count_ += static_cast<int64_t>(values.size());
    mean_ += delta * (more / (before + more));
    squares_ += squares + delta * delta * (before * (more / (before + more)));
    return true;
  }
  Result<Value> finish(EvalContext&) override {
    const int64_t n = population ? count_ : count_ - 1;
    return Value::floating(n <= 0 ? 0.0 : std::sqrt(squares_ / static_cast<double>(n)));
  }

 private:
  int64_t count_ = 0;
  double mean_ = 0, squares_ = 0;
};

template <bool continuous>
class Percentile final : public AggregateState {
 public:
  Status add(EvalContext&, std::span<const Value> args) override {
    constexpr std::string_view kName = continuous ? "percentileCont" : "percentileDisc";
    if (!args[0].is_number()) return bad_argument(kName, args[0]);
    if (!args[1].is_number()) return bad_argument(kName, args[1]);
    percentile_ = args[1].as_number();
    if (!(percentile_ >= 0.0 && percentile_ <= 1.0)) {
      return number_out_of_range("the percentile must be from 0.0 to 1.0");
    }
    values_.push_back(args[0]);
    return Status();
  }
  Result<Value> finish(EvalContext& context) override {
    if (values_.empty()) return Value();
    const auto count = static_cast<double>(values_.size());
    if (!continuous) {
      const double rank = std::ceil(percentile_ * count);
      const size_t place = rank <= 1 ? 0 : std::min(values_.size() - 1, static_cast<size_t>(rank) - 1);
      LORA_TRY(order_up_to(context, place));
      return values_[place];
    }
    const double position = percentile_ * (count - 1);
    const auto low = static_cast<size_t>(position);
    const size_t high = std::min(low + 1, values_.size() - 1);
    LORA_TRY(order_up_to(context, low));
    if (high > low) LORA_TRY(order_up_to(context, high));
    const double fraction = position - static_cast<double>(low);
    const double a = values_[low].as_number(), b = values_[high].as_number();
    return Value::floating(a + (b - a) * fraction);
  }
  size_t heap_bytes() const override { return values_.size() * sizeof(Value); }

 private:
  // Puts at `place`, behind those that were put so before, what stands there in the order of all.
  Status order_up_to(EvalContext& context, size_t place) {
    const auto at = [this](size_t i) { return values_.begin() + static_cast<std::ptrdiff_t>(i); };
    LORA_TRY(stoppable([&] { return context.control->tick(); },
                       [](const Value& a, const Value& b) { return order(a, b) < 0; },
                       [&](auto less) { std::nth_element(at(ordered_), at(place), values_.end(), less); }));
    ordered_ = place + 1;
    return Status();
  }

  List values_;
  size_t ordered_ = 0;  // nothing behind is less than what stands before
  double percentile_ = 0;
};

template <typename State>
std::unique_ptr<AggregateState> make_state() {
  return std::make_unique<State>();
}

}  // namespace

std::span<const AggregateSpec> aggregate_functions() {
  constexpr std::string_view kCategory = "Aggregating";
  static const std::vector<AggregateSpec> table = {
      {"count",
       {},
       {{"input"}},
       0,
       1,
       kIntegerType,
       kCategory,
       "The number of rows, or of values that are not null.",
       "UNWIND [1, null, 2] AS x RETURN count(x)",
       "2",
       make_state<Count>},
      {"sum",
       {},
       {{"input", kNumberTypes | kDurationType}},
       1,
       1,
       kNumberTypes | kDurationType,
       kCategory,
       "The sum of numbers or durations; 0 of nothing.",
       "UNWIND [1, 2] AS x RETURN sum(x)",
       "3",
       make_state<Sum>},
      {"avg",
       {},
       {{"input", kNumberTypes | kDurationType}},
       1,
       1,
       kFloatType | kDurationType,
       kCategory,
       "The mean of numbers or durations; null of nothing.",
       "UNWIND [1, 2] AS x RETURN avg(x)",
       "1.5",
       make_state<Average>},
      {"min",
       {},
       {{"input"}},
       1,
       1,
       kAnyType,
       kCategory,
       "The smallest value, in the order of ORDER BY.",
       "UNWIND [2, 1] AS x RETURN min(x)",
       "1",
       make_state<Extreme<true>>},
      {"max",
       {},
       {{"input"}},
       1,
       1,
       kAnyType,
       kCategory,
       "The largest value, in the order of ORDER BY.",
       "UNWIND [2, 1] AS x RETURN max(x)",
       "2",
       make_state<Extreme<false>>},
      {"collect",
       {},
       {{"input"}},
       1,
       1,
       kListType,
       kCategory,
       "The values that are not null, as a list.",
       "UNWIND [1, null, 2] AS x RETURN collect(x)",
       "[1, 2]",
       nullptr},
      {"stDev",
       {},
       {{"input", kNumberTypes}},
       1,
       1,
       kFloatType,
       kCategory,
       "The standard deviation of a sample.",
       "UNWIND [1, 3] AS x RETURN round(stDev(x), 3)",
       "1.414",
       make_state<Deviation<false>>},
      {"stDevP",
       {},
       {{"input", kNumberTypes}},
       1,
       1,
       kFloatType,
       kCategory,
       "The standard deviation of a whole population.",
       "UNWIND [1, 3] AS x RETURN stDevP(x)",
       "1.0",
       make_state<Deviation<true>>},
      {"percentileCont",
       {},
       {{"input", kNumberTypes}, {"percentile", kNumberTypes}},
       2,
       2,
       kFloatType,
       kCategory,
       "The percentile (0.0 to 1.0), interpolated between neighbours.",
       "UNWIND [1, 2] AS x RETURN percentileCont(x, 0.5)",
       "1.5",
       make_state<Percentile<true>>},
      {"percentileDisc",
       {},
       {{"input", kNumberTypes}, {"percentile", kNumberTypes}},
       2,
       2,
       kNumberTypes,
       kCategory,
       "The percentile (0.0 to 1.0), as the nearest value that is there.",
       "UNWIND [1, 2, 3, 4] AS x RETURN percentileDisc(x, 0.5)",
       "2",
       make_state<Percentile<false>>},
  };
  return table;
}

}  // namespace lora::cypher
