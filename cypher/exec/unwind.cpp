// UNWIND: range() is counted out without a list; lists of a batch are flattened where kernels can; others are walked in
// place.
#include "cypher/exec/build.h"
#include "cypher/expr/operations.h"

namespace lora::cypher {

namespace {

class UnwindOperator final : public MultiplyingOperator {
 public:
  UnwindOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : MultiplyingOperator(build, op, std::move(input)), unwind_(*static_cast<const Unwind*>(op)), charge_(&state_) {
    const Expr& list = *unwind_.list;
    is_range_ = list.kind == ExprKind::kFunction && list.function == find_function("range") &&
                (list.children.size() == 2 || list.children.size() == 3);
  }
  void close() override {
    list_ = Value();
    lists_ = FlatLists();
    charge_.clear();
    MultiplyingOperator::close();
  }

 protected:
  Status begin() override {
    started_ = false;
    return Status();
  }

  Status begin_batch() override {
    started_ = false;
    item_ = 0;
    charge_.clear();
    // What would be too much at once goes list by list: items may share what is behind them.
    flat_ = !is_range_ && state_.evaluator.flatten(*unwind_.list, *in_, &lists_) &&
            charge_.add(lists_.items.heap_bytes()).ok();
    if (!flat_) lists_ = FlatLists();
    return Status();
  }

  Status produce(size_t room) override {
    Column& out = out_.columns[unwind_.element];
    if (flat_) {
      produce_flat(room, &out);
      return Status();
    }
    while (room > 0 && row_ < in_->rows) {
      if (!started_) {
        LORA_TRY(start());
        started_ = true;
      }
      const auto count = static_cast<size_t>(std::min<uint64_t>(room, left_));
      if (counting_) {
        count_out(count, &out);
      } else if (list_.is_list()) {
        const List& items = list_.as_list();
        for (size_t i = 0; i < count; ++i) out.push(items[at_ + i]);
      } else if (count > 0) {
        out.push(list_);
      }
      at_ += count;
      left_ -= count;
      room -= count;
      parents_.insert(parents_.end(), count, static_cast<uint32_t>(row_));
      if (left_ == 0) {
        list_ = Value();
        started_ = false;
        ++row_;
      }
    }
    return Status();
  }

 private:
  void produce_flat(size_t room, Column* out) {
    const size_t first = item_, last = std::min<size_t>(first + room, lists_.ends.back());
    if (first < last) out->append_rows(lists_.items, first, last - first);
    for (; row_ < in_->rows; ++row_) {
      const size_t end = std::min<size_t>(lists_.ends[row_], last);
      add_parents(end - item_);
      item_ = end;
      if (end < lists_.ends[row_]) break;
    }
  }

  Status start() {
    at_ = 0;
    left_ = 0;
    counting_ = false;
    if (is_range_) return start_range();
    LORA_TRY(state_.evaluator.evaluate_row(*unwind_.list, *in_, row_, &list_));
    left_ = list_.is_list() ? list_.as_list().size() : list_.is_null() ? 0 : 1;
    return Status();
  }

  // Arguments that are not fine go to the function itself, which knows the errors.
  Status start_range() {
    const Expr& call = *unwind_.list;
    Value args[3] = {Value(), Value(), Value::integer(1)};
    for (size_t i = 0; i < call.children.size(); ++i) {
      LORA_TRY(state_.evaluator.evaluate_row(*call.children[i], *in_, row_, &args[i]));
    }
    const int64_t step = args[2].is_integer() ? args[2].as_integer() : 0;
    if (!args[0].is_integer() || !args[1].is_integer() || step == 0) {
      LORA_TRY(state_.evaluator.evaluate_row(call, *in_, row_, &list_));
      left_ = list_.is_list() ? list_.as_list().size() : list_.is_null() ? 0 : 1;
      return Status();
    }
    first_ = args[0].as_integer();
    step_ = step;
    const int64_t last = args[1].as_integer();
    counting_ = true;
    if (step > 0 ? first_ > last : first_ < last) return Status();
    const uint64_t distance = step > 0 ? static_cast<uint64_t>(last) - static_cast<uint64_t>(first_)
                                       : static_cast<uint64_t>(first_) - static_cast<uint64_t>(last);
    const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : uint64_t{0} - static_cast<uint64_t>(step);
    const uint64_t steps = distance / stride;
    left_ = steps == UINT64_MAX ? steps : steps + 1;
    return Status();
  }

  void count_out(size_t count, Column* out) {
    if (out->kind == Column::Kind::kEmpty) out->reset(Column::Kind::kIntegers);
    const uint64_t base = static_cast<uint64_t>(first_) + at_ * static_cast<uint64_t>(step_);
    if (out->kind != Column::Kind::kIntegers || !out->nulls.empty()) {
      for (size_t i = 0; i < count; ++i) {
        out->push(Value::integer(static_cast<int64_t>(base + i * static_cast<uint64_t>(step_))));
      }
      return;
    }
    const size_t old = out->integers.size();
    out->integers.resize(old + count);
    int64_t* to = out->integers.data() + old;
    for (size_t i = 0; i < count; ++i) to[i] = static_cast<int64_t>(base + i * static_cast<uint64_t>(step_));
  }

  const Unwind& unwind_;
  bool is_range_ = false;
  bool started_ = false;
  bool counting_ = false;
  bool flat_ = false;
  FlatLists lists_;
  MemoryCharge charge_;  // of lists_
  size_t item_ = 0;      // the next one of lists_
  Value list_;
  uint64_t at_ = 0;
  uint64_t left_ = 0;
  int64_t first_ = 0, step_ = 1;
};

}  // namespace

OperatorPtr make_unwind(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<UnwindOperator>(build, op, std::move(input));
}

}  // namespace lora::cypher
