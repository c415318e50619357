// `x IN list` for lists that are the same for all rows: made once, and hashed when they are first met.
#pragma once

#include <unordered_map>
#include <unordered_set>

#include "cypher/expr/batch.h"
#include "cypher/expr/expression.h"

namespace lora::cypher {

// `1`, `$x`: what no row changes.
inline bool is_given(const Expr& expr) {
  return expr.kind == ExprKind::kConstant || expr.kind == ExprKind::kLiteral || expr.kind == ExprKind::kParameter;
}
// `date() - duration({days: $x})`: computed of what no row changes, always with the same outcome in a run. It may be an
// error.
bool is_given_value(const Expr& expr);
// `[1, $x, date('2020-01-01')]`: a list of such.
inline bool is_given_list(const Expr& expr) {
  return expr.kind == ExprKind::kList && is_given_value(expr);
}

class ConstantLists {
 public:
  static constexpr size_t kItemsMin = 16;

  // As in_list(); `expr` is the key of the cache, `list` what it was when last seen.
  Status contains(const Expr& expr, const Value& x, const Value& list, Value* out);
  // The same for a whole column, as Ternary codes. False: not for this column and list, nothing is written.
  bool contains(const Expr& expr, const Column& x, const Value& list, uint8_t* out);

  // Lists made from expressions that no row changes.
  const Value* made(const Expr& expr) const;
  void keep(const Expr& expr, Value list) { made_.emplace(&expr, std::move(list)); }

  void clear() {
    sets_.clear();
    made_.clear();
  }

 private:
  // A few: compared one after the other. Near each other: a bit for each. Else a table with free places between.
  class Integers {
   public:
    void build(std::vector<int64_t> items);
    void test(const std::vector<int64_t>& column, uint8_t* out) const;

   private:
    static constexpr size_t kFew = 8;
    size_t place(int64_t x) const { return static_cast<uint64_t>(x) * 0x9e3779b97f4a7c15ull >> shift_; }

    std::vector<int64_t> items_;  // ascending, none twice
    int64_t low_ = 0;             // of the first bit
    std::vector<uint64_t> bits_;
    std::vector<int64_t> table_;  // `free_` where nothing is
    int64_t free_ = 0;
    int shift_ = 0;
  };
  class Strings {
   public:
    void build(std::vector<std::string_view> items);
    void test(const Texts& column, uint8_t* out) const;

   private:
    static constexpr size_t kFew = 8;
    std::vector<std::string_view> items_;  // of the list
    std::unordered_set<std::string_view> set_;
  };
  struct Set {
    Value list;             // keeps the list alive, so that its address names it
    bool hashable = false;  // only booleans, integers, floats (no NaN), strings, other words and nulls
    bool has_null = false;
    bool all_integers = false, all_strings = false;  // nulls aside
    ValueType words = ValueType::kNull;              // not kNull: all are words of this type, nulls aside
    Integers integers;                               // or the words
    Strings strings;
    std::unordered_set<Value, ValueHash, ValueEquivalent> items;
  };
  static void build(const Value& list, Set* set);
  const Set& set_of(const Expr& expr, const Value& list);

  std::unordered_map<const Expr*, Set> sets_;
  std::unordered_map<const Expr*, Value> made_;
};

}  // namespace lora::cypher
