// `x IN list` for long lists that are the same for all rows: the list is hashed when it is first met.
#pragma once

#include <unordered_map>
#include <unordered_set>

#include "cypher/expr/expression.h"

namespace lora::cypher {

class ConstantLists {
 public:
  static constexpr size_t kItemsMin = 16;

  // As in_list(); `expr` is the key of the cache, `list` what it was when last seen.
  Status contains(const Expr& expr, const Value& x, const Value& list, Value* out);
  void clear() { sets_.clear(); }

 private:
  struct Set {
    Value list;             // keeps the list alive, so that its address names it
    bool hashable = false;  // only booleans, integers, floats (no NaN), strings and nulls
    bool has_null = false;
    std::unordered_set<Value, ValueHash, ValueEquivalent> items;
  };
  static void build(const Value& list, Set* set);

  std::unordered_map<const Expr*, Set> sets_;
};

}  // namespace lora::cypher
