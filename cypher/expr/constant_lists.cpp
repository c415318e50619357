#include "cypher/expr/constant_lists.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "cypher/expr/operations.h"

namespace lora::cypher {

namespace {

// Types for which equality and equivalence agree.
bool is_plain(const Value& v) {
  int64_t word = 0;
  return v.is_integer() || v.is_string() || (v.is_float() && !std::isnan(v.as_float())) || word_of(v, &word);
}

// The first up to eight bytes of a text behind which as many may be read.
uint64_t first_word(const char* text, size_t length) {
  uint64_t word;
  std::memcpy(&word, text, sizeof word);
  return length >= sizeof word ? word : word & ((uint64_t{1} << (8 * length)) - 1);
}

}  // namespace

bool is_given_value(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kConstant:
    case ExprKind::kLiteral:
    case ExprKind::kParameter: return true;
    case ExprKind::kFunction: {
      // What a function that the program registered does must not happen more often than asked for.
      const FunctionSpec& function = *expr.function;
      const bool same = function.purity == Purity::kPure || function.purity == Purity::kStatement;
      if (!same || function.body != nullptr) return false;
      break;
    }
    case ExprKind::kArithmetic:
    case ExprKind::kNegate:
    case ExprKind::kList:
    case ExprKind::kMap: break;
    default: return false;
  }
  return std::all_of(expr.children.begin(), expr.children.end(),
                     [](const Expr* part) { return is_given_value(*part); });
}

void ConstantLists::Integers::build(std::vector<int64_t> items) {
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
  items_ = std::move(items);
  bits_.clear();
  table_.clear();
  if (items_.size() <= kFew) return;
  low_ = items_.front();
  constexpr uint64_t kBitsAlways = uint64_t{1} << 16, kBitsEach = 64;
  const uint64_t span = static_cast<uint64_t>(items_.back()) - static_cast<uint64_t>(low_);
  if (span < kBitsAlways || span / kBitsEach < items_.size()) {
    bits_.resize(span / 64 + 1);
    for (int64_t item : items_) {
      const uint64_t bit = static_cast<uint64_t>(item) - static_cast<uint64_t>(low_);
      bits_[bit / 64] |= uint64_t{1} << (bit % 64);
    }
    return;
  }
  free_ = 0;
  while (std::binary_search(items_.begin(), items_.end(), free_)) ++free_;
  const size_t places = std::bit_ceil(2 * items_.size());
  shift_ = 64 - std::countr_zero(places);
  table_.assign(places, free_);
  for (int64_t item : items_) {
    size_t at = place(item);
    while (table_[at] != free_) at = (at + 1) & (places - 1);
    table_[at] = item;
  }
}

void ConstantLists::Integers::test(const std::vector<int64_t>& column, uint8_t* out) const {
  const size_t n = column.size();
  if (items_.size() <= kFew) {
    std::fill(out, out + n, 0);
    for (int64_t item : items_) {
      for (size_t i = 0; i < n; ++i) out[i] |= column[i] == item ? 1 : 0;
    }
    return;
  }
  if (!bits_.empty()) {
    const uint64_t span = static_cast<uint64_t>(items_.back()) - static_cast<uint64_t>(low_);
    for (size_t i = 0; i < n; ++i) {
      const uint64_t bit = static_cast<uint64_t>(column[i]) - static_cast<uint64_t>(low_);
      out[i] = bit <= span ? bits_[bit / 64] >> (bit % 64) & 1 : 0;
    }
    return;
  }
  for (size_t i = 0; i < n; ++i) {
    size_t at = place(column[i]);
    while (table_[at] != free_ && table_[at] != column[i]) at = (at + 1) & (table_.size() - 1);
    out[i] = table_[at] == column[i] && column[i] != free_ ? 1 : 0;
  }
}

void ConstantLists::Strings::build(std::vector<std::string_view> items) {
  items_ = std::move(items);
  set_.clear();
  if (items_.size() > kFew) set_.insert(items_.begin(), items_.end());
}

void ConstantLists::Strings::test(const Texts& column, uint8_t* out) const {
  const size_t n = column.size();
  if (items_.size() > kFew) {
    for (size_t i = 0; i < n; ++i) out[i] = set_.find(column[i]) != set_.end() ? 1 : 0;
    return;
  }
  static_assert(Texts::kPad >= sizeof(uint64_t));
  uint64_t words[kFew] = {};
  for (size_t k = 0; k < items_.size(); ++k) {
    char padded[8] = {};
    items_[k].copy(padded, sizeof padded);
    words[k] = first_word(padded, items_[k].size());
  }
  for (size_t i = 0; i < n; ++i) {
    const std::string_view text = column[i];
    const uint64_t word = first_word(text.data(), text.size());
    uint8_t found = 0;
    for (size_t k = 0; k < items_.size() && found == 0; ++k) {
      found = word == words[k] && text.size() == items_[k].size() &&
                      (text.size() <= 8 || std::memcmp(text.data(), items_[k].data(), text.size()) == 0)
                  ? 1
                  : 0;
    }
    out[i] = found;
  }
}

void ConstantLists::build(const Value& list, Set* set) {
  set->list = list;
  set->items.clear();
  set->has_null = false;
  set->hashable = false;
  set->all_integers = set->all_strings = false;
  set->words = ValueType::kNull;
  std::vector<int64_t> integers, words;
  std::vector<std::string_view> strings;
  ValueType words_are = ValueType::kNull;
  size_t plain = 0;
  for (const Value& item : list.as_list()) {
    if (item.is_null()) {
      set->has_null = true;
      continue;
    }
    if (!is_plain(item)) {
      set->items.clear();
      return;
    }
    ++plain;
    if (item.is_integer()) integers.push_back(item.as_integer());
    if (item.is_string()) strings.push_back(item.as_string());
    if (int64_t word = 0; word_of(item, &word) && (words.empty() || item.type() == words_are)) {
      words_are = item.type();
      words.push_back(word);
    }
    set->items.insert(item);
  }
  set->hashable = true;
  set->all_integers = !integers.empty() && integers.size() == plain;
  set->all_strings = !strings.empty() && strings.size() == plain;
  if (!words.empty() && words.size() == plain) set->words = words_are;
  if (set->all_integers) set->integers.build(std::move(integers));
  if (set->words != ValueType::kNull) set->integers.build(std::move(words));
  if (set->all_strings) set->strings.build(std::move(strings));
}

const ConstantLists::Set& ConstantLists::set_of(const Expr& expr, const Value& list) {
  Set& set = sets_[&expr];
  if (!set.list.is_list() || &set.list.as_list() != &list.as_list()) build(list, &set);
  return set;
}

const Value* ConstantLists::made(const Expr& expr) const {
  const auto at = made_.find(&expr);
  return at != made_.end() ? &at->second : nullptr;
}

Status ConstantLists::contains(const Expr& expr, const Value& x, const Value& list, Value* out) {
  if (!is_plain(x)) return in_list(x, list, out);
  const Set& set = set_of(expr, list);
  if (!set.hashable) return in_list(x, list, out);
  if (set.items.find(x) != set.items.end()) {
    *out = Value::boolean(true);
  } else {
    *out = set.has_null ? Value() : Value::boolean(false);
  }
  return Status();
}

bool ConstantLists::contains(const Expr& expr, const Column& x, const Value& list, uint8_t* out) {
  const bool integers = x.kind == Column::Kind::kIntegers, words = x.kind == Column::Kind::kWords;
  if (!integers && !words && x.kind != Column::Kind::kStrings) return false;
  const Set& set = set_of(expr, list);
  if (words ? set.words != x.word_type.type : integers ? !set.all_integers : !set.all_strings) return false;
  if (integers || words) {
    set.integers.test(x.integers, out);
  } else {
    set.strings.test(x.texts, out);
  }
  constexpr auto kNull = static_cast<uint8_t>(Ternary::kNull);
  if (set.has_null) {
    for (size_t i = 0; i < x.size(); ++i) out[i] = out[i] == 0 ? kNull : out[i];
  }
  for (size_t i = 0; i < x.nulls.size(); ++i) out[i] = x.nulls[i] != 0 ? kNull : out[i];
  return true;
}

}  // namespace lora::cypher
