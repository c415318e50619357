#include "cypher/expr/constant_lists.h"

#include <cmath>

#include "cypher/expr/operations.h"

namespace lora::cypher {

namespace {

// Types for which equality and equivalence agree.
bool is_plain(const Value& v) {
  return v.is_boolean() || v.is_integer() || v.is_string() || (v.is_float() && !std::isnan(v.as_float()));
}

}  // namespace

void ConstantLists::build(const Value& list, Set* set) {
  set->list = list;
  set->items.clear();
  set->has_null = false;
  set->hashable = false;
  for (const Value& item : list.as_list()) {
    if (item.is_null()) {
      set->has_null = true;
      continue;
    }
    if (!is_plain(item)) {
      set->items.clear();
      return;
    }
    set->items.insert(item);
  }
  set->hashable = true;
}

Status ConstantLists::contains(const Expr& expr, const Value& x, const Value& list, Value* out) {
  if (!is_plain(x)) return in_list(x, list, out);
  Set& set = sets_[&expr];
  if (!set.list.is_list() || &set.list.as_list() != &list.as_list()) build(list, &set);
  if (!set.hashable) return in_list(x, list, out);
  if (set.items.find(x) != set.items.end()) {
    *out = Value::boolean(true);
  } else {
    *out = set.has_null ? Value() : Value::boolean(false);
  }
  return Status();
}

}  // namespace lora::cypher
