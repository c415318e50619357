// Kernels of comparisons, `IN` and tests of texts.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "cypher/expr/constant_lists.h"
#include "cypher/expr/kernel_parts.h"
#include "cypher/expr/operations.h"
#include "cypher/expr/regex_cache.h"

namespace lora::cypher {

namespace {

bool apply_order(char op, int sign) {
  switch (op) {
    case '=': return sign == 0;
    case '!': return sign != 0;
    case '<': return sign < 0;
    case '>': return sign > 0;
    case 'l': return sign <= 0;
    default: return sign >= 0;
  }
}

// out[i] = a[i] op b[i]; a step of 0 repeats a constant.
template <typename T>
void compare_typed(char op, const T* a, size_t a_step, const T* b, size_t b_step, size_t n, uint8_t* out) {
  auto run = [&](auto test) {
    if (a_step != 0 && b_step != 0) {
      for (size_t i = 0; i < n; ++i) out[i] = test(a[i], b[i]) ? 1 : 0;
    } else if (a_step != 0) {
      const T constant = *b;
      for (size_t i = 0; i < n; ++i) out[i] = test(a[i], constant) ? 1 : 0;
    } else {
      const T constant = *a;
      for (size_t i = 0; i < n; ++i) out[i] = test(constant, b[i]) ? 1 : 0;
    }
  };
  switch (op) {
    case '=': run([](T x, T y) { return x == y; }); break;
    case '!': run([](T x, T y) { return x != y; }); break;
    case '<': run([](T x, T y) { return x < y; }); break;
    case '>': run([](T x, T y) { return x > y; }); break;
    case 'l': run([](T x, T y) { return x <= y; }); break;
    default: run([](T x, T y) { return x >= y; }); break;
  }
}

void compare_texts(char op, const Texts& a, std::string_view b, uint8_t* out) {
  const size_t n = a.size();
  if (op == '=' || op == '!') {
    const uint8_t equal = op == '=' ? 1 : 0;
    for (size_t i = 0; i < n; ++i) {
      const Texts::Entry e = a.entries[i];
      const bool same =
          e.length == b.size() && (b.empty() || std::memcmp(a.bytes() + e.offset, b.data(), b.size()) == 0);
      out[i] = same ? equal : equal ^ 1;
    }
    return;
  }
  for (size_t i = 0; i < n; ++i) out[i] = apply_order(op, a[i].compare(b)) ? 1 : 0;
}

// Does `text`, behind which Texts::kPad bytes may be read, contain `wanted` (not empty)? Places where its first and its
// last byte fit are looked for 16 at a time.
bool contains(std::string_view text, std::string_view wanted) {
  if (wanted.size() > text.size()) return false;
#if defined(__SSE2__)
  const __m128i first = _mm_set1_epi8(wanted.front()), last = _mm_set1_epi8(wanted.back());
  const size_t places = text.size() - wanted.size() + 1;
  for (size_t at = 0; at < places; at += 16) {
    const char* p = text.data() + at;
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + wanted.size() - 1));
    const __m128i both = _mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, last));
    auto hits = static_cast<uint32_t>(_mm_movemask_epi8(both));
    if (places - at < 16) hits &= (1u << (places - at)) - 1;
    for (; hits != 0; hits &= hits - 1) {
      if (std::memcmp(p + std::countr_zero(hits), wanted.data(), wanted.size()) == 0) return true;
    }
  }
  return false;
#else
  return text.find(wanted) != std::string_view::npos;
#endif
}

}  // namespace

bool Kernels::compare_chain(const Expr& expr, std::vector<uint8_t>* out) {
  ScratchScope scope(evaluator_);
  Operand left;
  if (!operand(*expr.children[0], &left)) return false;
  std::vector<uint8_t>* step = out;
  if (expr.ops.size() > 1) {
    step = scratch_mask();
    step->resize(rows_);
  }
  for (size_t i = 0; i < expr.ops.size(); ++i) {
    Operand right;
    if (!operand(*expr.children[i + 1], &right)) return false;
    if (!compare_step(expr.ops[i], left, right, (i == 0 ? out : step)->data())) return false;
    if (i > 0) {
      for (size_t r = 0; r < rows_; ++r) {
        (*out)[r] =
            static_cast<uint8_t>(ternary_and(static_cast<Ternary>((*out)[r]), static_cast<Ternary>((*step)[r])));
      }
    }
    left = std::move(right);
  }
  return true;
}

bool Kernels::compare_step(char op, const Operand& a, const Operand& b, uint8_t* out) {
  auto all = [&](Column::Kind kind, ValueType type) {
    auto fits = [&](const Operand& x) {
      return x.column != nullptr ? x.column->kind == kind : x.constant.type() == type;
    };
    return fits(a) && fits(b) && (a.column != nullptr || b.column != nullptr);
  };
  auto null_rows = [&] {
    for (const Operand* x : {&a, &b}) {
      if (x->column != nullptr) null_out(x->column->nulls, out);
    }
  };
  const size_t sa = a.column != nullptr ? 1 : 0, sb = b.column != nullptr ? 1 : 0;
  if (all(Column::Kind::kIntegers, ValueType::kInteger)) {
    const int64_t ca = sa != 0 ? 0 : a.constant.as_integer(), cb = sb != 0 ? 0 : b.constant.as_integer();
    compare_typed(op, sa != 0 ? a.column->integers.data() : &ca, sa, sb != 0 ? b.column->integers.data() : &cb, sb,
                  rows_, out);
    null_rows();
    return true;
  }
  if (compare_words(op, a, b, out)) {
    null_rows();
    return true;
  }
  if (all(Column::Kind::kFloats, ValueType::kFloat)) {
    const double ca = sa != 0 ? 0 : a.constant.as_float(), cb = sb != 0 ? 0 : b.constant.as_float();
    compare_typed(op, sa != 0 ? a.column->floats.data() : &ca, sa, sb != 0 ? b.column->floats.data() : &cb, sb, rows_,
                  out);
    null_rows();
    return true;
  }
  if (sa != sb && compare_with_constant(sa != 0 ? op : mirrored(op), sa != 0 ? *a.column : *b.column,
                                        sa != 0 ? b.constant : a.constant, out)) {
    return true;
  }
  if (sa != 0 && sb != 0 && a.column->kind == Column::Kind::kStrings && b.column->kind == Column::Kind::kStrings) {
    const Texts &x = a.column->texts, &y = b.column->texts;
    for (size_t i = 0; i < rows_; ++i) out[i] = apply_order(op, x[i].compare(y[i])) ? 1 : 0;
    null_rows();
    return true;
  }
  if (sa != 0 && sb != 0 && is_entity_column(*a.column) && a.column->kind == b.column->kind &&
      (op == '=' || op == '!')) {
    const uint64_t* x = a.column->ids.data();
    const uint64_t* y = b.column->ids.data();
    for (size_t i = 0; i < rows_; ++i) {
      out[i] = x[i] == kNoId || y[i] == kNoId ? kMaskNull : (x[i] == y[i]) == (op == '=') ? 1 : 0;
    }
    return true;
  }
  // Text against one text: the commonest filter.
  if (sa != 0 && sb == 0 && a.column->kind == Column::Kind::kValues && b.constant.is_string()) {
    const std::string_view wanted = b.constant.as_string();
    for (size_t i = 0; i < rows_; ++i) {
      const Value& v = a.column->values[i];
      if (!v.is_string()) {
        out[i] = static_cast<uint8_t>(compare_values(op, v, b.constant));
        continue;
      }
      const std::string_view text = v.as_string();
      if (op == '=' || op == '!') {
        out[i] = (text == wanted) == (op == '=') ? 1 : 0;
      } else {
        out[i] = apply_order(op, text.compare(wanted)) ? 1 : 0;
      }
    }
    return true;
  }
  Value box_a, box_b;
  for (size_t i = 0; i < rows_; ++i) {
    const Value& x = sa != 0 ? value_at(*a.column, i, &box_a) : a.constant;
    const Value& y = sb != 0 ? value_at(*b.column, i, &box_b) : b.constant;
    out[i] = static_cast<uint8_t>(compare_values(op, x, y));
  }
  return true;
}

// Words with words of their type. Times of several places are compared by what UTC they are, which words say.
bool Kernels::compare_words(char op, const Operand& a, const Operand& b, uint8_t* out) {
  const Operand* const both[] = {&a, &b};
  ValueType types[2];
  int64_t constants[2];
  const int64_t* words[2];
  size_t steps[2];
  for (size_t i = 0; i < 2; ++i) {
    const Column* column = both[i]->column;
    if (column != nullptr ? column->kind != Column::Kind::kWords : !word_of(both[i]->constant, &constants[i])) {
      return false;
    }
    types[i] = column != nullptr ? column->word_type.type : both[i]->constant.type();
    words[i] = column != nullptr ? column->integers.data() : &constants[i];
    steps[i] = column != nullptr ? 1 : 0;
  }
  if (types[0] != types[1] || (steps[0] == 0 && steps[1] == 0)) return false;
  compare_typed(op, words[0], steps[0], words[1], steps[1], rows_, out);
  return true;
}

// Typed columns against one value of another type, and strings against one string.
bool Kernels::compare_with_constant(char op, const Column& column, const Value& constant, uint8_t* out) {
  if (constant.is_null() || (constant.is_float() && std::isnan(constant.as_float()))) return false;
  switch (column.kind) {
    case Column::Kind::kIntegers:
      if (!constant.is_float()) return false;
      for (size_t i = 0; i < rows_; ++i) {
        out[i] = apply_order(op, compare_exact(column.integers[i], constant.as_float())) ? 1 : 0;
      }
      break;
    case Column::Kind::kFloats: {
      constexpr int64_t kExact = int64_t{1} << 53;  // integers up to here are floats
      if (!constant.is_integer() || constant.as_integer() > kExact || constant.as_integer() < -kExact) return false;
      const auto number = static_cast<double>(constant.as_integer());
      compare_typed(op, column.floats.data(), 1, &number, 0, rows_, out);
      break;
    }
    case Column::Kind::kStrings:
      if (constant.is_string()) {
        compare_texts(op, column.texts, constant.as_string(), out);
      } else {
        // Only the types decide.
        std::fill(out, out + rows_, static_cast<uint8_t>(compare_values(op, Value::string(""), constant)));
      }
      break;
    default: return false;
  }
  null_out(column.nulls, out);
  return true;
}

bool Kernels::list_test(const Expr& expr, std::vector<uint8_t>* out) {
  ScratchScope scope(evaluator_);
  Operand x, list;
  if (!operand(*expr.children[0], &x) || !operand(*expr.children[1], &list)) return false;
  if (x.column != nullptr && list.column == nullptr && list.constant.is_list() &&
      evaluator_.lists().contains(expr, *x.column, list.constant, out->data())) {
    return true;
  }
  if (list.column != nullptr && list.column->kind == Column::Kind::kLists) return in_packed(x, *list.column, out);
  Value box, list_box, result;
  for (size_t i = 0; i < rows_; ++i) {
    const Value& v = x.column != nullptr ? value_at(*x.column, i, &box) : x.constant;
    const Status s = list.column != nullptr ? in_list(v, value_at(*list.column, i, &list_box), &result)
                                            : evaluator_.in_constant_list(expr, v, list.constant, &result);
    if (!s.ok()) return false;
    (*out)[i] = result.is_null() ? kMaskNull : result.as_boolean() ? kMaskTrue : 0;
  }
  return true;
}

bool Kernels::text(const Expr& expr, std::vector<uint8_t>* out) {
  ScratchScope scope(evaluator_);
  Operand x, y;
  if (!operand(*expr.children[0], &x) || !operand(*expr.children[1], &y)) return false;
  if (x.column != nullptr && x.column->kind == Column::Kind::kStrings && y.column == nullptr &&
      y.constant.is_string()) {
    const std::string_view wanted = y.constant.as_string();
    const Texts& texts = x.column->texts;
    const auto run = [&](auto test) {
      for (size_t i = 0; i < rows_; ++i) (*out)[i] = test(texts[i]) ? kMaskTrue : 0;
    };
    if (wanted.empty()) {
      std::fill(out->begin(), out->end(), kMaskTrue);
    } else if (expr.kind == ExprKind::kStartsWith) {
      run([&](std::string_view s) { return s.starts_with(wanted); });
    } else if (expr.kind == ExprKind::kEndsWith) {
      run([&](std::string_view s) { return s.ends_with(wanted); });
    } else {
      run([&](std::string_view s) { return contains(s, wanted); });
    }
    null_out(x.column->nulls, out->data());
    return true;
  }
  if (x.column != nullptr && x.column->kind == Column::Kind::kValues && y.column == nullptr && y.constant.is_string()) {
    const std::string_view wanted = y.constant.as_string();
    const auto run = [&](auto test) {
      for (size_t i = 0; i < rows_; ++i) {
        const Value& v = x.column->values[i];
        (*out)[i] = v.is_string() ? (test(v.as_string()) ? kMaskTrue : 0) : kMaskNull;
      }
    };
    switch (expr.kind) {
      case ExprKind::kStartsWith: run([&](std::string_view s) { return s.starts_with(wanted); }); break;
      case ExprKind::kEndsWith: run([&](std::string_view s) { return s.ends_with(wanted); }); break;
      default: run([&](std::string_view s) { return s.find(wanted) != std::string_view::npos; }); break;
    }
    return true;
  }
  Value box_x, box_y;
  for (size_t i = 0; i < rows_; ++i) {
    const Value& a = x.column != nullptr ? value_at(*x.column, i, &box_x) : x.constant;
    const Value& b = y.column != nullptr ? value_at(*y.column, i, &box_y) : y.constant;
    const Value result = text_test(expr.kind, a, b);
    (*out)[i] = result.is_null() ? kMaskNull : result.as_boolean() ? kMaskTrue : 0;
  }
  return true;
}

bool Kernels::regex(const Expr& expr, std::vector<uint8_t>* out) {
  ScratchScope scope(evaluator_);
  Operand x, pattern;
  if (!operand(*expr.children[0], &x) || !operand(*expr.children[1], &pattern)) return false;
  if (x.column == nullptr || pattern.column != nullptr || !pattern.constant.is_string()) return false;
  const bool texts = x.column->kind == Column::Kind::kStrings;
  if (!texts && x.column->kind != Column::Kind::kValues) return false;
  RegexCache& regexes = evaluator_.regexes();
  for (size_t i = 0; i < rows_; ++i) {
    if (x.column->is_null(i) || (!texts && !x.column->values[i].is_string())) {
      (*out)[i] = kMaskNull;
      continue;
    }
    QueryControl* control = evaluator_.context_->control;
    if (control != nullptr && !control->tick().ok()) return false;
    const std::string_view subject = texts ? x.column->texts[i] : x.column->values[i].as_string();
    bool matches = false;
    if (!regexes.full_match(pattern.constant.as_string(), subject, &matches).ok()) return false;
    (*out)[i] = matches ? kMaskTrue : 0;
  }
  return true;
}

}  // namespace lora::cypher
