// Expressions as text, bound and evaluated without a graph. `a`, `b` and `c` are variables with the values given.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cypher/bind/binder.h"
#include "cypher/expr/evaluator.h"
#include "cypher/functions/query_control.h"
#include "cypher/syntax/parser.h"
#include "graph/text.h"

namespace lora::cypher::testing {

class ExprTest : public ::testing::Test {
 protected:
  ExprTest() : evaluator_(&context_) { context_.control = &control_; }

  struct Bound {
    const Expr* expr = nullptr;
    Slot slots[3] = {kNoSlot, kNoSlot, kNoSlot};
    uint32_t slot_count = 0;
    std::string error;
  };

  static std::string error_text(const Status& s) {
    return s.info().detail.empty() ? s.to_string() : s.info().type + ":" + s.info().detail;
  }

  // Null pointer with an error text when it does not bind.
  Bound bind_text(const std::string& text) {
    Bound out;
    auto query = parse("WITH $a AS a, $b AS b, $c AS c RETURN " + text + " AS result");
    if (!query.ok()) {
      out.error = error_text(query.status());
      return out;
    }
    BindOptions options;
    options.arena = &arena_;
    auto statement = bind(*query, options);
    if (!statement.ok()) {
      out.error = error_text(statement.status());
      return out;
    }
    const auto& clauses = (*statement)->query.parts[0].clauses;
    const auto& with = static_cast<const BoundProjection&>(*clauses[0]);
    const auto& result = static_cast<const BoundProjection&>(*clauses[1]);
    for (const BoundAssignment& item : with.items) out.slots[item.expr->text[0] - 'a'] = item.slot;
    out.slot_count = 64;
    if (result.items.empty()) {
      auto* slot = arena_.make<Expr>();
      slot->kind = ExprKind::kSlot;
      slot->slot = result.columns[0].slot;
      out.expr = slot;
    } else {
      out.expr = result.items[0].expr;
    }
    return out;
  }

  // The value as text, or "Type:Detail" of the error. `abc`: one row.
  std::string evaluate(const std::string& text, const std::vector<Value>& abc = {}) {
    const Bound bound = bind_text(text);
    if (bound.expr == nullptr) return bound.error;
    Batch batch(bound.slot_count);
    for (size_t i = 0; i < abc.size(); ++i) batch[bound.slots[i]].push(abc[i]);
    batch.rows = 1;
    Value v;
    const Status s = evaluator_.evaluate_row(*bound.expr, batch, 0, &v);
    return s.ok() ? shown(v) : error_text(s);
  }

  static std::string shown(const Value& v) {
    return v.is_null() ? "null" : v.is_string() ? "'" + to_text(v) + "'" : to_text(v);
  }

  PlanArena arena_;
  QueryControl control_;
  EvalContext context_;
  Evaluator evaluator_;
};

struct Case {
  const char* expr;
  const char* result;
};

}  // namespace lora::cypher::testing
