#include "cypher/expr/kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "cypher/expr/operations.h"

namespace lora::cypher {

namespace {

constexpr auto kTrue = static_cast<uint8_t>(Ternary::kTrue);
constexpr auto kNull = static_cast<uint8_t>(Ternary::kNull);

bool is_entity_column(const Column& c) {
  return c.kind == Column::Kind::kNodes || c.kind == Column::Kind::kRelationships;
}

// A value of an operand without a copy where it has one.
const Value& value_at(const Column& c, size_t row, Value* box) {
  if (c.kind == Column::Kind::kValues) return c.values[row];
  *box = c.get(row);
  return *box;
}

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

void null_out(const std::vector<uint8_t>& nulls, uint8_t* out) {
  for (size_t i = 0; i < nulls.size(); ++i) {
    if (nulls[i] != 0) out[i] = kNull;
  }
}

template <typename T>
void float_step(char op, const T& at, size_t n, double* out) {
  switch (op) {
    case '+':
      for (size_t i = 0; i < n; ++i) out[i] = at(i).first + at(i).second;
      break;
    case '-':
      for (size_t i = 0; i < n; ++i) out[i] = at(i).first - at(i).second;
      break;
    case '*':
      for (size_t i = 0; i < n; ++i) out[i] = at(i).first * at(i).second;
      break;
    default:
      for (size_t i = 0; i < n; ++i) out[i] = at(i).first / at(i).second;
      break;
  }
}

}  // namespace

// Gives back the scratch taken since it was made.
class Kernels::ScratchScope {
 public:
  explicit ScratchScope(Evaluator& e) : e_(e), columns_(e.scratch_used_), masks_(e.masks_used_) {}
  ~ScratchScope() {
    e_.scratch_used_ = columns_;
    e_.masks_used_ = masks_;
  }

 private:
  Evaluator& e_;
  size_t columns_, masks_;
};

Column* Kernels::scratch_column() {
  if (evaluator_.scratch_used_ == evaluator_.scratch_.size()) {
    evaluator_.scratch_.push_back(std::make_unique<Column>());
  }
  Column* c = evaluator_.scratch_[evaluator_.scratch_used_++].get();
  c->clear();
  return c;
}

std::vector<uint8_t>* Kernels::scratch_mask() {
  if (evaluator_.masks_used_ == evaluator_.masks_.size()) {
    evaluator_.masks_.push_back(std::make_unique<std::vector<uint8_t>>());
  }
  return evaluator_.masks_[evaluator_.masks_used_++].get();
}

namespace {

bool is_id_call(const Expr& expr) {
  static const FunctionSpec* const id = find_function("id");
  return expr.function == id && expr.children.size() == 1 && expr.children[0]->kind == ExprKind::kSlot;
}

}  // namespace

bool Kernels::simple(const Expr& expr, bool costly_allowed) {
  switch (expr.kind) {
    case ExprKind::kConstant:
    case ExprKind::kLiteral:
    case ExprKind::kParameter:
    case ExprKind::kSlot: return true;
    case ExprKind::kProperty: return expr.children[0]->kind == ExprKind::kSlot;
    case ExprKind::kHasLabels: return expr.children[0]->kind == ExprKind::kSlot;
    case ExprKind::kExists:
    case ExprKind::kCount:
    case ExprKind::kCollect: return costly_allowed;
    case ExprKind::kFunction:
      if (is_id_call(expr)) return true;
      // One that the program registered runs row by row: what it does there must not happen twice.
      if (expr.function->body != nullptr || expr.function->purity == Purity::kVolatile) return false;
      if (!costly_allowed || expr.children.empty()) return false;
      for (const Expr* child : expr.children) {
        if (!simple(*child)) return false;
      }
      return true;
    case ExprKind::kAnd:
    case ExprKind::kOr:
      for (const Expr* child : expr.children) {
        if (!simple(*child, false)) return false;
      }
      return true;
    case ExprKind::kArithmetic:
    case ExprKind::kNegate:
    case ExprKind::kXor:
    case ExprKind::kNot:
    case ExprKind::kCompare:
    case ExprKind::kIsNull:
    case ExprKind::kIsNotNull:
    case ExprKind::kIn:
    case ExprKind::kStartsWith:
    case ExprKind::kEndsWith:
    case ExprKind::kContains:
      for (const Expr* child : expr.children) {
        if (!simple(*child, costly_allowed)) return false;
      }
      return true;
    default: return false;
  }
}

bool Kernels::operand(const Expr& expr, Operand* out) {
  switch (expr.kind) {
    case ExprKind::kConstant: out->constant = *expr.value; return true;
    case ExprKind::kLiteral: out->constant = evaluator_.context_->literals[expr.index]; return true;
    case ExprKind::kParameter: return evaluator_.eval_parameter(expr, &out->constant).ok();
    case ExprKind::kSlot: {
      if (evaluator_.is_local(expr.slot) || expr.slot >= batch_.columns.size()) return false;
      const Column& c = batch_.columns[expr.slot];
      if (c.kind == Column::Kind::kEmpty) return false;
      out->column = &c;
      return true;
    }
    case ExprKind::kProperty:
      if (evaluator_.same_batch_) return read_once(expr, &out->column);
      [[fallthrough]];
    default: {
      Column* c = scratch_column();
      if (!column(expr, c)) return false;
      out->column = c;
      return true;
    }
  }
}

bool Kernels::read_once(const Expr& expr, const Column** out) {
  auto& read = evaluator_.read_;
  for (size_t i = 0; i < evaluator_.read_used_; ++i) {
    const Expr& known = *read[i]->expr;
    if (known.children[0]->slot == expr.children[0]->slot && known.names[0]->name == expr.names[0]->name) {
      *out = &read[i]->column;
      return true;
    }
  }
  if (evaluator_.read_used_ == read.size()) read.push_back(std::make_unique<Evaluator::ReadProperty>());
  Evaluator::ReadProperty& place = *read[evaluator_.read_used_];
  if (!property(expr, &place.column)) {
    place.column.clear();
    return false;
  }
  place.expr = &expr;
  ++evaluator_.read_used_;
  *out = &place.column;
  return true;
}

bool Kernels::column(const Expr& expr, Column* out) {
  switch (expr.kind) {
    case ExprKind::kConstant:
    case ExprKind::kLiteral:
    case ExprKind::kParameter:
    case ExprKind::kSlot: {
      Operand x;
      if (!operand(expr, &x)) return false;
      out->clear();
      if (x.column != nullptr) {
        out->append(*x.column);
      } else {
        for (size_t i = 0; i < rows_; ++i) out->push(x.constant);
      }
      return true;
    }
    case ExprKind::kProperty: return property(expr, out);
    case ExprKind::kFunction: return is_id_call(expr) ? entity_ids(expr, out) : function(expr, out);
    case ExprKind::kExists:
    case ExprKind::kCount:
    case ExprKind::kCollect: return subquery(expr, expr.kind, out);
    case ExprKind::kArithmetic: return arithmetic_chain(expr, out);
    case ExprKind::kNegate: return negated(expr, out);
    default: {
      ScratchScope scope(evaluator_);
      std::vector<uint8_t>* truth = scratch_mask();
      if (!mask(expr, truth)) return false;
      out->reset(Column::Kind::kValues);
      out->values.reserve(rows_);
      for (size_t i = 0; i < rows_; ++i) out->values.push_back(to_value(static_cast<Ternary>((*truth)[i])));
      return true;
    }
  }
}

bool Kernels::property(const Expr& expr, Column* out) {
  const Slot slot = expr.children[0]->slot;
  if (evaluator_.is_local(slot) || slot >= batch_.columns.size()) return false;
  const Column& entities = batch_.columns[slot];
  if (!is_entity_column(entities)) return false;
  EvalContext& context = *evaluator_.context_;
  // Reading a deleted entity is an error that the row path raises.
  if (context.transaction != nullptr &&
      context.transaction->counts().nodes_deleted + context.transaction->counts().relationships_deleted > 0) {
    return false;
  }
  const std::optional<KeyId> key = resolve_key(*context.reader, *expr.names[0]);
  if (!key) {
    out->reset(Column::Kind::kValues);
    out->values.resize(rows_);
    return true;
  }
  graph::PropertyColumn& read = evaluator_.properties_;
  if (entities.kind == Column::Kind::kNodes) {
    context.reader->gather_node_property(entities.ids, *key, &read);
  } else {
    context.reader->gather_relationship_property(entities.ids, *key, &read);
  }
  out->clear();
  std::swap(out->nulls, read.nulls);
  switch (read.kind) {
    case graph::PropertyColumn::Kind::kValues:
      out->kind = Column::Kind::kValues;
      std::swap(out->values, read.values);
      break;
    case graph::PropertyColumn::Kind::kIntegers:
      out->kind = Column::Kind::kIntegers;
      std::swap(out->integers, read.integers);
      break;
    case graph::PropertyColumn::Kind::kFloats:
      out->kind = Column::Kind::kFloats;
      std::swap(out->floats, read.floats);
      break;
    case graph::PropertyColumn::Kind::kStrings:
      out->kind = Column::Kind::kStrings;
      std::swap(out->texts, read.texts);
      break;
  }
  return out->size() == rows_;
}

// id() of a slot: the column itself.
bool Kernels::entity_ids(const Expr& expr, Column* out) {
  const Slot slot = expr.children[0]->slot;
  if (evaluator_.is_local(slot) || slot >= batch_.columns.size()) return false;
  const Column& entities = batch_.columns[slot];
  if (!is_entity_column(entities)) return false;
  out->reset(Column::Kind::kIntegers);
  out->integers.resize(rows_);
  bool any_null = false;
  for (size_t i = 0; i < rows_; ++i) {
    out->integers[i] = static_cast<int64_t>(entities.ids[i]);
    any_null |= entities.ids[i] == kNoId;
  }
  if (any_null) {
    out->nulls.resize(rows_);
    for (size_t i = 0; i < rows_; ++i) out->nulls[i] = entities.ids[i] == kNoId ? 1 : 0;
  }
  return true;
}

bool Kernels::subquery(const Expr& expr, ExprKind as, Column* out) {
  if (!evaluator_.active_locals_.empty() || evaluator_.context_->subqueries == nullptr) return false;
  const Result<bool> done = evaluator_.context_->subqueries->run_batch(expr, as, batch_, out);
  return done.ok() && *done;
}

bool Kernels::function(const Expr& expr, Column* out) {
  static const FunctionSpec* const size = find_function("size");
  if (expr.function == size && expr.children[0]->kind == ExprKind::kCollect) {
    return subquery(*expr.children[0], ExprKind::kCount, out);  // the list is only counted
  }
  constexpr size_t kArgsMax = 4;
  const size_t count = expr.children.size();
  if (count > kArgsMax) return false;
  ScratchScope scope(evaluator_);
  Operand operands[kArgsMax];
  for (size_t i = 0; i < count; ++i) {
    if (!operand(*expr.children[i], &operands[i])) return false;
  }
  const FunctionSpec& spec = *expr.function;
  EvalContext& context = *evaluator_.context_;
  Made made(context.control);
  Value args[kArgsMax], result;
  for (size_t i = 0; i < count; ++i) {
    if (operands[i].column == nullptr) args[i] = operands[i].constant;
  }
  out->clear();
  for (size_t row = 0; row < rows_; ++row) {
    bool any_null = false;
    for (size_t i = 0; i < count; ++i) {
      if (operands[i].column != nullptr) args[i] = operands[i].column->get(row);
      any_null |= args[i].is_null();
      const ArgSpec& arg = spec.args[std::min(i, spec.args.size() - 1)];
      if ((type_bit(args[i].type()) & arg.types) == 0 && !args[i].is_null()) return false;
      if (!check_extent(context, args[i]).ok()) return false;
    }
    if (any_null && spec.null_rule == NullRule::kNullIfAnyNull) {
      out->push(Value());
      continue;
    }
    if (context.control != nullptr && !context.control->tick().ok()) return false;
    if (!spec.function(context, {args, count}, &result).ok() || !check_extent(context, result).ok()) return false;
    out->push(result);
    made.settle([out] { return out->heap_bytes(); });
  }
  return true;
}

bool Kernels::arithmetic_chain(const Expr& expr, Column* out) {
  ScratchScope scope(evaluator_);
  Operand left;
  if (!operand(*expr.children[0], &left)) return false;
  for (size_t i = 0; i < expr.ops.size(); ++i) {
    Operand right;
    if (!operand(*expr.children[i + 1], &right)) return false;
    Column* result = i + 1 == expr.ops.size() ? out : scratch_column();
    if (!arithmetic_step(expr.ops[i], left, right, result)) return false;
    // A long chain that joins texts or lists would copy them at each step; row by row it does not.
    constexpr size_t kJoinStepsMax = 8;
    if (expr.ops.size() > kJoinStepsMax && result->kind == Column::Kind::kValues) return false;
    left.column = result;
    left.constant = Value();
  }
  return true;
}

bool Kernels::arithmetic_step(char op, const Operand& a, const Operand& b, Column* out) {
  out->clear();
  auto is_integers = [](const Operand& x) {
    return x.column != nullptr ? x.column->kind == Column::Kind::kIntegers : x.constant.is_integer();
  };
  auto is_numbers = [](const Operand& x) {
    return x.column != nullptr ? x.column->kind == Column::Kind::kIntegers || x.column->kind == Column::Kind::kFloats
                               : x.constant.is_number();
  };
  auto merge_nulls = [&] {
    for (const Operand* x : {&a, &b}) {
      if (x->column == nullptr || x->column->nulls.empty()) continue;
      out->nulls.resize(rows_, 0);
      for (size_t i = 0; i < rows_; ++i) out->nulls[i] |= x->column->nulls[i];
    }
  };
  if (is_integers(a) && is_integers(b) && op != '^' && op != '&') {
    out->kind = Column::Kind::kIntegers;
    merge_nulls();
    out->integers.resize(rows_);
    const int64_t ca = a.column != nullptr ? 0 : a.constant.as_integer();
    const int64_t cb = b.column != nullptr ? 0 : b.constant.as_integer();
    const int64_t* pa = a.column != nullptr ? a.column->integers.data() : &ca;
    const int64_t* pb = b.column != nullptr ? b.column->integers.data() : &cb;
    const size_t sa = a.column != nullptr ? 1 : 0, sb = b.column != nullptr ? 1 : 0;
    for (size_t i = 0; i < rows_; ++i) {
      if (!integer_arithmetic(op, pa[i * sa], pb[i * sb], &out->integers[i]) &&
          (out->nulls.empty() || out->nulls[i] == 0)) {
        return false;
      }
    }
    return true;
  }
  if (is_numbers(a) && is_numbers(b) && (op == '+' || op == '-' || op == '*' || op == '/')) {
    out->kind = Column::Kind::kFloats;
    merge_nulls();
    out->floats.resize(rows_);
    auto number = [](const Operand& x, size_t i) {
      if (x.column == nullptr) return x.constant.as_number();
      return x.column->kind == Column::Kind::kFloats ? x.column->floats[i] : static_cast<double>(x.column->integers[i]);
    };
    float_step(
        op, [&](size_t i) { return std::pair<double, double>(number(a, i), number(b, i)); }, rows_, out->floats.data());
    return true;
  }
  EvalContext& context = *evaluator_.context_;
  Made made(context.control);
  Value box_a, box_b, result;
  for (size_t i = 0; i < rows_; ++i) {
    const Value& x = a.column != nullptr ? value_at(*a.column, i, &box_a) : a.constant;
    const Value& y = b.column != nullptr ? value_at(*b.column, i, &box_b) : b.constant;
    made.settle([out] { return out->heap_bytes(); });
    if (!charge_joined(context, x, y).ok() || !arithmetic(op, x, y, &result).ok() ||
        !check_extent(context, result).ok()) {
      return false;
    }
    out->push(result);
  }
  return true;
}

bool Kernels::negated(const Expr& expr, Column* out) {
  ScratchScope scope(evaluator_);
  Operand x;
  if (!operand(*expr.children[0], &x)) return false;
  out->clear();
  Value box, result;
  for (size_t i = 0; i < rows_; ++i) {
    if (!negate(x.column != nullptr ? value_at(*x.column, i, &box) : x.constant, &result).ok()) return false;
    out->push(result);
  }
  return true;
}

bool Kernels::mask(const Expr& expr, std::vector<uint8_t>* out) {
  out->resize(rows_);
  switch (expr.kind) {
    case ExprKind::kAnd:
    case ExprKind::kOr:
    case ExprKind::kXor:
    case ExprKind::kNot: return logic(expr, out);
    case ExprKind::kCompare: return compare_chain(expr, out);
    case ExprKind::kIsNull:
    case ExprKind::kIsNotNull: return null_test(expr, out);
    case ExprKind::kHasLabels: return label_test(expr, out);
    case ExprKind::kIn: return list_test(expr, out);
    case ExprKind::kStartsWith:
    case ExprKind::kEndsWith:
    case ExprKind::kContains: return text(expr, out);
    default: break;
  }
  ScratchScope scope(evaluator_);
  Operand x;
  if (!operand(expr, &x)) return false;
  Value box;
  for (size_t i = 0; i < rows_; ++i) {
    const Value& v = x.column != nullptr ? value_at(*x.column, i, &box) : x.constant;
    if (v.is_null()) {
      (*out)[i] = kNull;
    } else if (v.is_boolean()) {
      (*out)[i] = v.as_boolean() ? 1 : 0;
    } else {
      return false;
    }
  }
  return true;
}

bool Kernels::logic(const Expr& expr, std::vector<uint8_t>* out) {
  if (!mask(*expr.children[0], out)) return false;
  uint8_t* a = out->data();
  if (expr.kind == ExprKind::kNot) {
    for (size_t i = 0; i < rows_; ++i) a[i] = a[i] == kNull ? kNull : a[i] ^ 1;
    return true;
  }
  ScratchScope scope(evaluator_);
  std::vector<uint8_t>* more = scratch_mask();
  for (size_t c = 1; c < expr.children.size(); ++c) {
    if (!mask(*expr.children[c], more)) return false;
    const uint8_t* b = more->data();
    // Codes: false 0, true 1, null 2.
    switch (expr.kind) {
      case ExprKind::kAnd:
        for (size_t i = 0; i < rows_; ++i) a[i] = a[i] == 0 || b[i] == 0 ? 0 : (a[i] | b[i]) > 1 ? 2 : 1;
        break;
      case ExprKind::kOr:
        for (size_t i = 0; i < rows_; ++i) a[i] = a[i] == 1 || b[i] == 1 ? 1 : (a[i] | b[i]) > 1 ? 2 : 0;
        break;
      default:
        for (size_t i = 0; i < rows_; ++i) a[i] = (a[i] | b[i]) > 1 ? 2 : a[i] ^ b[i];
        break;
    }
  }
  return true;
}

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
      out[i] = x[i] == kNoId || y[i] == kNoId ? kNull : (x[i] == y[i]) == (op == '=') ? 1 : 0;
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

bool Kernels::null_test(const Expr& expr, std::vector<uint8_t>* out) {
  ScratchScope scope(evaluator_);
  Operand x;
  if (!operand(*expr.children[0], &x)) return false;
  const bool wanted = expr.kind == ExprKind::kIsNull;
  if (x.column != nullptr && !is_entity_column(*x.column) && x.column->kind != Column::Kind::kValues &&
      x.column->nulls.empty()) {
    std::fill(out->begin(), out->end(), wanted ? 0 : 1);
    return true;
  }
  for (size_t i = 0; i < rows_; ++i) {
    const bool null = x.column != nullptr ? x.column->is_null(i) : x.constant.is_null();
    (*out)[i] = null == wanted ? 1 : 0;
  }
  return true;
}

bool Kernels::label_leaves(const Column& nodes, const LabelExpr& labels, uint8_t* out) {
  if (labels.kind == LabelExpr::Kind::kLeaf) {
    graph::Reader& reader = *evaluator_.context_->reader;
    const std::optional<LabelId> label = resolve_label(reader, *labels.name);
    if (!label) {
      std::fill(out, out + rows_, 0);
    } else {
      reader.test_label(nodes.ids, *label, out);
    }
    return true;
  }
  if (labels.kind != LabelExpr::Kind::kAnd && labels.kind != LabelExpr::Kind::kOr) return false;
  if (!label_leaves(nodes, *labels.children[0], out)) return false;
  ScratchScope scope(evaluator_);
  std::vector<uint8_t>* more = scratch_mask();
  more->resize(rows_);
  for (size_t c = 1; c < labels.children.size(); ++c) {
    if (!label_leaves(nodes, *labels.children[c], more->data())) return false;
    for (size_t i = 0; i < rows_; ++i) {
      out[i] = labels.kind == LabelExpr::Kind::kAnd ? out[i] & (*more)[i] : out[i] | (*more)[i];
    }
  }
  return true;
}

bool Kernels::label_test(const Expr& expr, std::vector<uint8_t>* out) {
  const Slot slot = expr.children[0]->slot;
  if (evaluator_.is_local(slot) || slot >= batch_.columns.size()) return false;
  const Column& nodes = batch_.columns[slot];
  if (nodes.kind != Column::Kind::kNodes) return false;
  const graph::Transaction* transaction = evaluator_.context_->transaction;
  if (transaction != nullptr && transaction->counts().nodes_deleted > 0) return false;
  if (!label_leaves(nodes, *expr.labels, out->data())) return false;
  for (size_t i = 0; i < rows_; ++i) {
    if (nodes.ids[i] == kNoId) (*out)[i] = kNull;
  }
  return true;
}

bool Kernels::list_test(const Expr& expr, std::vector<uint8_t>* out) {
  ScratchScope scope(evaluator_);
  Operand x, list;
  if (!operand(*expr.children[0], &x) || !operand(*expr.children[1], &list)) return false;
  Value box, list_box, result;
  for (size_t i = 0; i < rows_; ++i) {
    const Value& v = x.column != nullptr ? value_at(*x.column, i, &box) : x.constant;
    const Status s = list.column != nullptr ? in_list(v, value_at(*list.column, i, &list_box), &result)
                                            : evaluator_.in_constant_list(expr, v, list.constant, &result);
    if (!s.ok()) return false;
    (*out)[i] = result.is_null() ? kNull : result.as_boolean() ? kTrue : 0;
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
      for (size_t i = 0; i < rows_; ++i) (*out)[i] = test(texts[i]) ? kTrue : 0;
    };
    if (wanted.empty()) {
      std::fill(out->begin(), out->end(), kTrue);
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
        (*out)[i] = v.is_string() ? (test(v.as_string()) ? kTrue : 0) : kNull;
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
    (*out)[i] = result.is_null() ? kNull : result.as_boolean() ? kTrue : 0;
  }
  return true;
}

// --- Evaluator's batch calls ---

namespace {
// Below this the row path is cheaper than setting up kernels.
constexpr size_t kKernelRowsMin = 3;
}  // namespace

Status Evaluator::evaluate(const Expr& expr, Batch& batch, Column* out) {
  MadeScope made(context_->control);
  if (batch.rows >= kKernelRowsMin && Kernels::simple(expr) && Kernels(this, batch).column(expr, out)) {
    return Status();
  }
  out->clear();
  Value v;
  made.forget();
  for (size_t row = 0; row < batch.rows; ++row) {
    if (context_->control != nullptr) LORA_TRY(context_->control->tick());
    LORA_TRY(eval(expr, batch, row, &v));
    out->push(v);
    made.settle([out] { return out->heap_bytes(); });
  }
  return Status();
}

size_t count_true(const std::vector<uint8_t>& mask) {
  size_t count = 0;
  for (uint8_t truth : mask) count += truth == kTrue ? 1 : 0;
  return count;
}

void select_true(const std::vector<uint8_t>& mask, std::vector<uint32_t>* rows) {
  rows->resize(mask.size());
  uint32_t* to = rows->data();
  size_t kept = 0, i = 0;
  for (; i + 8 <= mask.size(); i += 8) {
    uint64_t eight;
    std::memcpy(&eight, mask.data() + i, 8);
    if ((eight & 0x0101010101010101ull) == 0) continue;
    for (size_t k = 0; k < 8; ++k) {
      to[kept] = static_cast<uint32_t>(i + k);
      kept += mask[i + k] == kTrue ? 1 : 0;
    }
  }
  for (; i < mask.size(); ++i) {
    to[kept] = static_cast<uint32_t>(i);
    kept += mask[i] == kTrue ? 1 : 0;
  }
  rows->resize(kept);
}

bool Evaluator::cheap_mask(const Expr& expr, Batch& batch, std::vector<uint8_t>* out) {
  return batch.rows >= kKernelRowsMin && Kernels::simple(expr, false) && Kernels(this, batch).mask(expr, out);
}

Status Evaluator::filter(const Expr& expr, Batch& batch, std::vector<uint32_t>* rows) {
  rows->clear();
  MadeScope made(context_->control);
  const Kernels::ScratchScope scope(*this);
  std::vector<uint8_t>* mask = nullptr;  // its own: a subquery in the predicate filters with this evaluator, too
  if (batch.rows >= kKernelRowsMin && Kernels::simple(expr)) {
    Kernels kernels(this, batch);
    mask = kernels.scratch_mask();
    if (!kernels.mask(expr, mask)) mask = nullptr;
  }
  if (mask != nullptr) {
    select_true(*mask, rows);
    return Status();
  }
  made.forget();
  for (size_t row = 0; row < batch.rows; ++row) {
    if (context_->control != nullptr) LORA_TRY(context_->control->tick());
    bool keep = false;
    LORA_TRY(test_row(expr, batch, row, &keep));
    if (keep) rows->push_back(static_cast<uint32_t>(row));
  }
  return Status();
}

}  // namespace lora::cypher
