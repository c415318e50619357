// Row-wise steps that work in the batch they are given: filter, projection, skip, limit.
#include "cypher/exec/build.h"

namespace lora::cypher {

namespace {

class FilterOperator final : public Operator {
 public:
  FilterOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : Operator(build, op), input_(std::move(input)) {
    for (const Expr* predicate : static_cast<const Filter*>(op)->predicates) {
      const TakeOver taken = input_->take_over(*predicate);
      if (taken == TakeOver::kTentative) tentative_.push_back(predicate);
      if (taken != TakeOver::kYes) predicates_.push_back(predicate);
    }
    if (predicates_.empty()) input_->give_only_to(*this);
    if (!tentative_.empty()) all_ = predicates_;
  }
  Status open() override { return input_->open(); }
  void close() override { input_->close(); }

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override {
    if (predicates_.empty() && tentative_.empty()) return input_->next(rows_wanted, batch);
    size_t ask = rows_wanted;
    for (;;) {
      LORA_TRY(state_.tick());
      LORA_TRY(input_->next(ask, batch));
      if (*batch == nullptr) return Status();
      if (!tentative_.empty()) leave_out_tested();
      LORA_TRY(filter(**batch));
      if ((*batch)->rows > 0) return Status();
      // A filter that lets little through must not crawl through its input.
      ask = std::min(ask * 4, kBatchRowsMax);
    }
  }

 private:
  void leave_out_tested() {
    predicates_.clear();
    for (const Expr* predicate : all_) {
      const bool tentative = std::find(tentative_.begin(), tentative_.end(), predicate) != tentative_.end();
      if (!tentative || !input_->has_tested(*predicate)) predicates_.push_back(predicate);
    }
  }

  // Predicates over whole columns that cost little are tested on all rows and their masks joined: reading consecutive
  // rows is cheaper than leaving some out, until few are left.
  Status filter(Batch& b) {
    for (size_t i = 0; i < predicates_.size() && b.rows > 0;) {
      const size_t tested = predicates_.size() - i > 1 ? join_cheap(b, &i) : test_cheap(b, &i);
      if (tested == 0) LORA_TRY(state_.evaluator.filter(*predicates_[i++], b, &rows_));
      LORA_TRY(state_.read_status());
      if (i == predicates_.size() && tested > 0 && carried().empty()) {
        // Nobody reads the rows: their number is enough.
        b.clear_to(count_true(mask_));
        return Status();
      }
      if (tested > 0) select_true(mask_, &rows_);
      if (i == predicates_.size()) {
        compact(&b, rows_);
      } else if (rows_.size() < b.rows) {
        b.gather(rows_);
      }
    }
    return Status();
  }

  // Into mask_ what the predicate *i says, if it is cheap: how many were tested (0, 1), *i goes on.
  size_t test_cheap(Batch& b, size_t* i) {
    if (!state_.evaluator.cheap_mask(*predicates_[*i], b, &mask_)) return 0;
    ++*i;
    return 1;
  }
  // The same for as many as possible from *i on.
  size_t join_cheap(Batch& b, size_t* i) {
    Evaluator::SameBatch same(&state_.evaluator);
    size_t tested = test_cheap(b, i);
    while (tested > 0 && *i < predicates_.size() && count_true(mask_) >= b.rows / 4 &&
           state_.evaluator.cheap_mask(*predicates_[*i], b, &more_)) {
      join_masks(mask_.data(), more_.data(), b.rows);
      ++tested;
      ++*i;
    }
    return tested;
  }
  // Codes: false 0, true 1, null 2; only true remains.
  static void join_masks(uint8_t* __restrict mask, const uint8_t* __restrict more, size_t rows) {
    for (size_t row = 0; row < rows; ++row) mask[row] = mask[row] & more[row] & 1;
  }

  OperatorPtr input_;
  // What the input has not taken over; with tentative ones, what it has not tested of the batch at hand.
  std::vector<const Expr*> predicates_;
  std::vector<const Expr*> tentative_;  // what it has taken over tentatively
  std::vector<const Expr*> all_;        // if there are such: those and what it has not taken over, in order
  std::vector<uint32_t> rows_;
  std::vector<uint8_t> mask_, more_;
};

class ProjectionOperator final : public Operator {
 public:
  ProjectionOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : Operator(build, op),
        input_(std::move(input)),
        projection_(*static_cast<const Projection*>(op)),
        results_(projection_.items.size()) {
    for (const auto& item : projection_.items) {
      makes_values_ |= item.expr->kind != ExprKind::kSlot && item.expr->kind != ExprKind::kConstant &&
                       item.expr->kind != ExprKind::kLiteral;
    }
  }
  Status open() override { return input_->open(); }
  void close() override {
    for (Column& c : results_) c.clear();
    ask_ = kFirstAsk;
    input_->close();
  }

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override {
    // The first rows tell how large the values get.
    if (makes_values_ && ask_ < rows_wanted) [[unlikely]] {
      rows_wanted = ask_;
      ask_ *= 8;
    }
    LORA_TRY(input_->next(rows_wanted, batch));
    if (*batch == nullptr) return Status();
    LORA_TRY(state_.tick());
    Batch& b = **batch;
    const uint64_t made_before = state_.context.control->made_bytes_ever();
    for (size_t i = 0; i < results_.size(); ++i) {
      LORA_TRY(state_.evaluator.evaluate(*projection_.items[i].expr, b, &results_[i]));
    }
    if (makes_values_) bound_rows(b.rows, state_.context.control->made_bytes_ever() - made_before);
    for (size_t i = 0; i < results_.size(); ++i) std::swap(b[projection_.items[i].slot], results_[i]);
    return state_.read_status();
  }

 private:
  static constexpr size_t kFirstAsk = 8;

  void bound_rows(size_t rows, uint64_t made) {
    for (const Column& c : results_) {
      if (c.kind == Column::Kind::kStrings) made += c.texts.used();
    }
    state_.bound_rows(this, rows, made);
  }

  OperatorPtr input_;
  const Projection& projection_;
  std::vector<Column> results_;
  bool makes_values_ = false;
  size_t ask_ = kFirstAsk;
};

class SkipOperator final : public Operator {
 public:
  SkipOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : Operator(build, op), input_(std::move(input)), skip_(*static_cast<const Skip*>(op)) {}
  Status open() override {
    LORA_TRY(evaluate_count(&state_, *skip_.count, "`SKIP`", &left_));
    return input_->open();
  }
  void close() override { input_->close(); }

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override {
    for (;;) {
      const size_t ask = left_ > 0 ? kBatchRowsMax : rows_wanted;
      LORA_TRY(input_->next(ask, batch));
      if (*batch == nullptr || left_ == 0) return Status();
      Batch& b = **batch;
      if (b.rows <= left_) {
        left_ -= b.rows;
        continue;
      }
      rows_.clear();
      for (size_t row = left_; row < b.rows; ++row) rows_.push_back(static_cast<uint32_t>(row));
      left_ = 0;
      compact(&b, rows_);
      return Status();
    }
  }

 private:
  OperatorPtr input_;
  const Skip& skip_;
  uint64_t left_ = 0;
  std::vector<uint32_t> rows_;
};

class LimitOperator final : public Operator {
 public:
  LimitOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : Operator(build, op),
        input_(std::move(input)),
        limit_(*static_cast<const Limit*>(op)),
        input_writes_(writes(op)) {}
  Status open() override {
    ended_ = false;
    LORA_TRY(evaluate_count(&state_, *limit_.count, "`LIMIT`", &left_));
    return input_->open();
  }
  void close() override { input_->close(); }

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override {
    *batch = nullptr;
    if (ended_) return Status();
    if (left_ > 0) {
      LORA_TRY(input_->next(static_cast<size_t>(std::min<uint64_t>(rows_wanted, left_)), batch));
      if (*batch == nullptr) {
        ended_ = true;
        return Status();
      }
      if ((*batch)->rows > left_) truncate(*batch, static_cast<size_t>(left_));
      left_ -= (*batch)->rows;
      return Status();
    }
    ended_ = true;
    // A limit leaves out rows, never effects.
    Batch* rest = nullptr;
    while (input_writes_) {
      LORA_TRY(input_->next(kBatchRowsMax, &rest));
      if (rest == nullptr) break;
    }
    return Status();
  }

 private:
  OperatorPtr input_;
  const Limit& limit_;
  bool input_writes_;
  bool ended_ = false;
  uint64_t left_ = 0;
};

}  // namespace

OperatorPtr make_filter(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<FilterOperator>(build, op, std::move(input));
}
OperatorPtr make_projection(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<ProjectionOperator>(build, op, std::move(input));
}
OperatorPtr make_skip(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<SkipOperator>(build, op, std::move(input));
}
OperatorPtr make_limit(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<LimitOperator>(build, op, std::move(input));
}

}  // namespace lora::cypher
