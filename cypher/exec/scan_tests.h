// ScanTests: the comparisons of a scanned entity's properties that a filter leaves to the scan below it, which tests
// them on whole blocks of the stored columns.
//
// Taken are `n.key op value` (either way round, chains of them) and `n.key IS [NOT] NULL`, where the value is a
// constant, a parameter, a variable of the rows below, or there a property of an entity: nothing that can fail where
// the filter's other predicates would have kept it away. What is computed of constants and parameters alone
// (`date('2020-01-01')`, `$x + 1`) may fail: it is taken tentatively.
#pragma once

#include <initializer_list>
#include <vector>

#include "cypher/exec/operator.h"

namespace lora::cypher {

class ScanTests {
 public:
  // Whether the scan of `entity` tests this predicate. `others`: what else the scan gives (a relationship's ends).
  TakeOver take(const Expr& predicate, Slot entity, std::initializer_list<Slot> others = {});
  bool empty() const { return wanted_.empty(); }
  // A run begins.
  void start();
  // Of what was taken tentatively: its value could be had, in this run so far.
  bool has_tested(const Expr& predicate) const;

  // What the graph has to test for this row of the scan's input. False: nothing can satisfy it. A value that cannot be
  // had is no error yet: if there is an entity, as the filter would have found, it is what failure() says.
  bool begin(ExecState* state, Batch& in, size_t row, std::vector<graph::PropertyTest>* tests);
  const Status& failure() const { return failure_; }

 private:
  struct Wanted {
    const NameRef* key;
    char op;
    const Expr* value;                // null with 'n' and 'v'
    const Expr* tentative = nullptr;  // the predicate, if it was taken tentatively
    bool failed = false;              // of a tentative one
  };
  std::vector<Wanted> wanted_;
  std::vector<Value> values_;  // of begin()
  Status failure_;
};

}  // namespace lora::cypher
