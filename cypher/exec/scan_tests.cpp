#include "cypher/exec/scan_tests.h"

#include <algorithm>

#include "cypher/expr/constant_lists.h"
#include "cypher/expr/operations.h"

namespace lora::cypher {

namespace {

bool is_property_of(const Expr& e, Slot entity) {
  return e.kind == ExprKind::kProperty && e.children[0]->kind == ExprKind::kSlot && e.children[0]->slot == entity;
}

// Something that has one value for a row of the scan's input.
bool is_given(const Expr& e, Slot entity, std::initializer_list<Slot> others) {
  const auto before_scan = [&](const Expr& x) {
    return x.kind == ExprKind::kSlot && x.slot != entity &&
           std::find(others.begin(), others.end(), x.slot) == others.end();
  };
  switch (e.kind) {
    case ExprKind::kConstant:
    case ExprKind::kLiteral:
    case ExprKind::kParameter: return true;
    case ExprKind::kProperty:
      // Of an entity, which cannot fail: a test must not raise what a filter before it would have kept away.
      return before_scan(*e.children[0]) && (e.children[0]->types & ~kEntityTypes) == 0;
    default: return before_scan(e);
  }
}

}  // namespace

TakeOver ScanTests::take(const Expr& predicate, Slot entity, std::initializer_list<Slot> others) {
  const auto& parts = predicate.children;
  if (predicate.kind == ExprKind::kIsNull || predicate.kind == ExprKind::kIsNotNull) {
    if (!is_property_of(*parts[0], entity)) return TakeOver::kNo;
    wanted_.push_back({parts[0]->names[0], predicate.kind == ExprKind::kIsNull ? 'n' : 'v', nullptr});
    return TakeOver::kYes;
  }
  if (predicate.kind != ExprKind::kCompare) return TakeOver::kNo;
  const size_t before = wanted_.size();
  const auto is_value = [&](const Expr& e) { return is_given(e, entity, others) || is_given_value(e); };
  bool tentative = false;
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    const Expr &left = *parts[i], &right = *parts[i + 1];
    if (is_property_of(left, entity) && is_value(right)) {
      wanted_.push_back({left.names[0], predicate.ops[i], &right});
    } else if (is_value(left) && is_property_of(right, entity)) {
      wanted_.push_back({right.names[0], mirrored(predicate.ops[i]), &left});
    } else {
      wanted_.resize(before);
      return TakeOver::kNo;
    }
    tentative |= !is_given(*wanted_.back().value, entity, others);
  }
  for (size_t i = before; i < wanted_.size() && tentative; ++i) wanted_[i].tentative = &predicate;
  return tentative ? TakeOver::kTentative : TakeOver::kYes;
}

void ScanTests::start() {
  for (Wanted& wanted : wanted_) wanted.failed = false;
}

bool ScanTests::has_tested(const Expr& predicate) const {
  return std::none_of(wanted_.begin(), wanted_.end(),
                      [&](const Wanted& wanted) { return wanted.tentative == &predicate && wanted.failed; });
}

bool ScanTests::begin(ExecState* state, Batch& in, size_t row, std::vector<graph::PropertyTest>* tests) {
  failure_ = Status();
  tests->clear();
  values_.assign(wanted_.size(), Value());
  for (size_t i = 0; i < wanted_.size(); ++i) {
    if (wanted_[i].value == nullptr) continue;
    failure_ = state->evaluator.evaluate_row(*wanted_[i].value, in, row, &values_[i]);
    if (failure_.ok()) continue;
    if (wanted_[i].tentative == nullptr) return true;
    failure_ = Status();
    // All of the predicate is the filter's: what another part of it left out might be what comes to the error.
    for (Wanted& part : wanted_) part.failed |= part.tentative == wanted_[i].tentative;
  }
  bool possible = true;
  for (size_t i = 0; i < wanted_.size(); ++i) {
    const Wanted& wanted = wanted_[i];
    if (wanted.failed) continue;
    // A null satisfies no comparison.
    possible = possible && (wanted.value == nullptr || !values_[i].is_null());
    const std::optional<KeyId> key = resolve_key(state->reader(), *wanted.key);
    if (key) {
      tests->push_back({*key, wanted.op, std::move(values_[i])});
    } else if (wanted.op != 'n') {
      possible = false;  // a property that nothing has
    }
  }
  return possible;
}

}  // namespace lora::cypher
