// Kernels of slots, properties, arithmetic, logic, labels and null tests, and what evaluates a batch.
#include "cypher/expr/kernels.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "cypher/expr/constant_lists.h"
#include "cypher/expr/kernel_parts.h"
#include "cypher/expr/operations.h"
#include "graph/temporal.h"

namespace lora::cypher {

namespace {

// One step of integers, exact; false: a row without null has no answer. A step of 0 repeats a constant.
template <typename Step>
bool integer_step(const int64_t* a, size_t a_step, const int64_t* b, size_t b_step, const std::vector<uint8_t>& nulls,
                  std::vector<int64_t>* out, Step step) {
  const size_t n = out->size();
  int64_t* to = out->data();
  bool failed = false;
  for (size_t i = 0; i < n; ++i) failed |= !step(a[i * a_step], b[i * b_step], &to[i]);
  if (!failed || nulls.empty()) return !failed;
  for (size_t i = 0; i < n; ++i) {
    int64_t ignored;
    if (nulls[i] == 0 && !step(a[i * a_step], b[i * b_step], &ignored)) return false;
  }
  return true;
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
    case '/':
      for (size_t i = 0; i < n; ++i) out[i] = at(i).first / at(i).second;
      break;
    default:
      for (size_t i = 0; i < n; ++i) out[i] = float_arithmetic(op, at(i).first, at(i).second);
      break;
  }
}

}  // namespace

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

bool Kernels::simple(const Expr& expr, Cost allowed) {
  const bool all = allowed == Cost::kAll;
  switch (expr.kind) {
    case ExprKind::kConstant:
    case ExprKind::kLiteral:
    case ExprKind::kParameter:
    case ExprKind::kSlot: return true;
    case ExprKind::kProperty: return expr.children[0]->kind == ExprKind::kSlot || (all && simple(*expr.children[0]));
    case ExprKind::kHasLabels: return expr.children[0]->kind == ExprKind::kSlot;
    case ExprKind::kExists:
    case ExprKind::kCount:
    case ExprKind::kCollect: return all;
    case ExprKind::kFunction:
      if (is_entity_call(expr)) return true;
      // One that the program registered runs row by row: what it does there must not happen twice.
      if (expr.function->body != nullptr || expr.function->purity == Purity::kVolatile) return false;
      if (is_given_value(expr)) return true;
      if (expr.children.empty()) return false;
      if (!all && !expr.function->typed.any() && expr.function->null_rule != NullRule::kFirstNotNull) {
        return false;
      }
      for (const Expr* child : expr.children) {
        if (!simple(*child, allowed)) return false;
      }
      return true;
    case ExprKind::kMap: return is_given_value(expr);
    case ExprKind::kList:
    case ExprKind::kIndex:
      if (is_given_list(expr)) return true;
      if (!all) return false;
      for (const Expr* child : expr.children) {
        if (!simple(*child)) return false;
      }
      return true;
    case ExprKind::kCase:
    case ExprKind::kLet:
      // The row path leaves out what stands behind the first condition that is true.
      for (size_t i = 0; i < expr.children.size(); ++i) {
        if (!simple(*expr.children[i], i == 0 ? allowed : Cost::kCheap)) return false;
      }
      return true;
    case ExprKind::kListComprehension:
    case ExprKind::kQuantifier:
    case ExprKind::kReduce:
      if (allowed == Cost::kCheap) return false;
      // Bodies: what is evaluated for each item.
      for (size_t i = 0; i < expr.children.size(); ++i) {
        const bool is_body = expr.kind == ExprKind::kReduce ? i == 2 : i > 0;
        if (expr.children[i] != nullptr && !simple(*expr.children[i], is_body ? Cost::kLists : allowed)) return false;
      }
      return true;
    case ExprKind::kRegex: return all && simple(*expr.children[0]) && simple(*expr.children[1]);
    case ExprKind::kAnd:
    case ExprKind::kOr:
      for (const Expr* child : expr.children) {
        if (!simple(*child, std::min(allowed, Cost::kLists))) return false;
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
        if (!simple(*child, allowed)) return false;
      }
      return true;
    default: return false;
  }
}

bool Kernels::operand(const Expr& expr, Operand* out) {
  if (evaluator_.stack_low()) [[unlikely]]
    return false;  // the row path says so
  switch (expr.kind) {
    case ExprKind::kConstant: out->constant = *expr.value; return true;
    case ExprKind::kLiteral: out->constant = evaluator_.context_->literals[expr.index]; return true;
    case ExprKind::kParameter: return evaluator_.eval_parameter(expr, &out->constant).ok();
    case ExprKind::kSlot: {
      for (auto local = locals_.rbegin(); local != locals_.rend(); ++local) {
        if (local->first != expr.slot) continue;
        *out = local->second;
        return true;
      }
      if (evaluator_.is_local(expr.slot) || expr.slot >= batch_.columns.size()) return false;
      const Column& c = batch_.columns[expr.slot];
      if (c.kind == Column::Kind::kEmpty) return false;
      out->column = &c;
      return true;
    }
    case ExprKind::kProperty:
      if (evaluator_.same_batch_ && expr.children[0]->kind == ExprKind::kSlot) return read_once(expr, &out->column);
      break;
    case ExprKind::kList:
      if (is_given_list(expr)) return evaluator_.given_list(expr, &out->constant).ok();
      break;
    case ExprKind::kFunction:
    case ExprKind::kArithmetic:
    case ExprKind::kNegate:
    case ExprKind::kMap:
      // The same for all rows: computed once for the batch.
      if (is_given_value(expr)) return evaluator_.eval(expr, evaluator_.no_columns_, 0, &out->constant).ok();
      break;
    default: break;
  }
  Column* c = scratch_column();
  if (!column(expr, c)) return false;
  out->column = c;
  return true;
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
    case ExprKind::kFunction: return (is_entity_call(expr) && entity_call(expr, out)) || function(expr, out);
    case ExprKind::kExists:
    case ExprKind::kCount:
    case ExprKind::kCollect: return subquery(expr, expr.kind, out);
    case ExprKind::kList: return lists(expr, out);
    case ExprKind::kIndex: return elements(expr, out);
    case ExprKind::kListComprehension: return comprehension(expr, out);
    case ExprKind::kReduce: return reduction(expr, out);
    case ExprKind::kCase: return choice(expr, out);
    case ExprKind::kLet: return with_local(expr, out);
    case ExprKind::kArithmetic: return arithmetic_chain(expr, out);
    case ExprKind::kNegate: return negated(expr, out);
    default: {
      ScratchScope scope(evaluator_);
      std::vector<uint8_t>* truth = scratch_mask();
      if (!mask(expr, truth)) return false;
      out->reset_words({ValueType::kBoolean, 0});
      out->integers.resize(rows_);
      bool any_null = false;
      for (size_t i = 0; i < rows_; ++i) {
        out->integers[i] = (*truth)[i] == kMaskTrue ? 1 : 0;
        any_null |= (*truth)[i] == kMaskNull;
      }
      if (!any_null) return true;
      out->nulls.resize(rows_);
      for (size_t i = 0; i < rows_; ++i) out->nulls[i] = (*truth)[i] == kMaskNull ? 1 : 0;
      return true;
    }
  }
}

bool Kernels::reads_deleted() const {
  const graph::Transaction* transaction = evaluator_.context_->transaction;
  return transaction != nullptr &&
         transaction->counts().nodes_deleted + transaction->counts().relationships_deleted > 0;
}

// The column of nodes or relationships of a slot; null: it has none.
const Column* Kernels::entity_column(Slot slot) const {
  if (evaluator_.is_local(slot) || slot >= batch_.columns.size()) return nullptr;
  const Column& column = batch_.columns[slot];
  return is_entity_column(column) ? &column : nullptr;
}

bool Kernels::property(const Expr& expr, Column* out) {
  const Expr& of = *expr.children[0];
  const Column* column = of.kind == ExprKind::kSlot ? entity_column(of.slot) : nullptr;
  if (column == nullptr) return fields(expr, out);
  if (reads_deleted()) return false;
  const Column& entities = *column;
  EvalContext& context = *evaluator_.context_;
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
  switch (read.kind) {
    case graph::PropertyColumn::Kind::kValues:
      out->kind = Column::Kind::kValues;
      std::swap(out->values, read.values);
      break;
    case graph::PropertyColumn::Kind::kIntegers:
      out->kind = Column::Kind::kIntegers;
      std::swap(out->integers, read.integers);
      break;
    case graph::PropertyColumn::Kind::kWords:
      out->reset_words(read.word_type);
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
    case graph::PropertyColumn::Kind::kLists:
      out->kind = Column::Kind::kLists;
      std::swap(out->texts, read.texts);
      break;
  }
  std::swap(out->nulls, read.nulls);
  return out->size() == rows_;
}

// Of maps, temporal values, points, and of entities that are boxed.
bool Kernels::fields(const Expr& expr, Column* out) {
  ScratchScope scope(evaluator_);
  Operand x;
  if (!operand(*expr.children[0], &x)) return false;
  out->clear();
  if (x.column != nullptr && x.column->kind == Column::Kind::kWords) {
    const Column& words = *x.column;
    out->reset(Column::Kind::kIntegers);
    out->integers.resize(rows_);
    if (temporal::components(words.word_type, words.integers, expr.names[0]->name, out->integers.data())) {
      out->nulls = words.nulls;
      return true;
    }
    out->clear();
  }
  Value box, result;
  for (size_t i = 0; i < rows_; ++i) {
    const Value& object = x.column != nullptr ? value_at(*x.column, i, &box) : x.constant;
    if (!property_of(*evaluator_.context_, object, *expr.names[0], &result).ok()) return false;
    out->push(result);
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
    if (expr.ops.size() > kJoinStepsMax &&
        (result->kind == Column::Kind::kValues || result->kind == Column::Kind::kStrings)) {
      return false;
    }
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
  auto is_texts = [](const Operand& x) {
    return x.column != nullptr ? x.column->kind == Column::Kind::kStrings : x.constant.is_string();
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
    const auto run = [&](auto step) { return integer_step(pa, sa, pb, sb, out->nulls, &out->integers, step); };
    switch (op) {
      case '+': return run([](int64_t x, int64_t y, int64_t* sum) { return !__builtin_add_overflow(x, y, sum); });
      case '-': return run([](int64_t x, int64_t y, int64_t* rest) { return !__builtin_sub_overflow(x, y, rest); });
      case '*':
        return run([](int64_t x, int64_t y, int64_t* product) { return !__builtin_mul_overflow(x, y, product); });
      default: return run([op](int64_t x, int64_t y, int64_t* result) { return integer_arithmetic(op, x, y, result); });
    }
  }
  if (is_numbers(a) && is_numbers(b) && op != '&') {
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
  if ((op == '+' || op == '&') && is_texts(a) && is_texts(b)) {
    merge_nulls();
    if (join_texts(a, b, out)) return true;
    out->clear();
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

// False: too much text for one column.
bool Kernels::join_texts(const Operand& a, const Operand& b, Column* out) {
  out->kind = Column::Kind::kStrings;
  Texts& texts = out->texts;
  texts.entries.resize(rows_);
  const auto text = [](const Operand& x, size_t i) {
    return x.column != nullptr ? x.column->texts[i] : x.constant.as_string();
  };
  for (size_t i = 0; i < rows_; ++i) {
    if (!out->nulls.empty() && out->nulls[i] != 0) continue;
    const std::string_view first = text(a, i), second = text(b, i);
    const size_t size = first.size() + second.size();
    if (!texts.fits(size) || !evaluator_.charge_made(size).ok()) return false;
    char* to = texts.room(size);
    first.copy(to, first.size());
    second.copy(to + first.size(), second.size());
    texts.entries[i] = {static_cast<uint32_t>(texts.used()), static_cast<uint32_t>(size)};
    texts.use(size);
  }
  return true;
}

bool Kernels::negated(const Expr& expr, Column* out) {
  ScratchScope scope(evaluator_);
  Operand x;
  if (!operand(*expr.children[0], &x)) return false;
  out->clear();
  if (x.column != nullptr && (x.column->kind == Column::Kind::kIntegers || x.column->kind == Column::Kind::kFloats)) {
    out->append(*x.column);
    for (double& v : out->floats) v = -v;
    for (int64_t& v : out->integers) {
      if (v == INT64_MIN) return false;
      v = -v;
    }
    return true;
  }
  Value box, result;
  for (size_t i = 0; i < rows_; ++i) {
    if (!negate(x.column != nullptr ? value_at(*x.column, i, &box) : x.constant, &result).ok()) return false;
    out->push(result);
  }
  return true;
}

bool Kernels::mask(const Expr& expr, std::vector<uint8_t>* out) {
  if (evaluator_.stack_low()) [[unlikely]]
    return false;
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
    case ExprKind::kRegex: return regex(expr, out);
    case ExprKind::kQuantifier: return quantifier(expr, out);
    default: break;
  }
  ScratchScope scope(evaluator_);
  Operand x;
  if (!operand(expr, &x)) return false;
  if (x.column != nullptr && x.column->kind == Column::Kind::kWords &&
      x.column->word_type.type == ValueType::kBoolean) {
    for (size_t i = 0; i < rows_; ++i) (*out)[i] = static_cast<uint8_t>(x.column->integers[i]);
    null_out(x.column->nulls, out->data());
    return true;
  }
  Value box;
  for (size_t i = 0; i < rows_; ++i) {
    const Value& v = x.column != nullptr ? value_at(*x.column, i, &box) : x.constant;
    if (v.is_null()) {
      (*out)[i] = kMaskNull;
    } else if (v.is_boolean()) {
      (*out)[i] = v.as_boolean() ? 1 : 0;
    } else {
      return false;
    }
  }
  return true;
}

namespace {

// a[i] = a[i] `kind` b[i] without branches. Codes: false 0, true 1, null 2, which alone has the second bit.
void combine(ExprKind kind, const uint8_t* __restrict b, size_t rows, uint8_t* __restrict a) {
  const auto each = [&](auto result) {
    for (size_t i = 0; i < rows; ++i) {
      const uint8_t x = a[i], y = b[i], null = (x | y) >> 1;
      a[i] = result(x, y, null);
    }
  };
  switch (kind) {
    case ExprKind::kAnd:
      each([](uint8_t x, uint8_t y, uint8_t null) {
        const uint8_t any_false = (x == 0) | (y == 0);
        return static_cast<uint8_t>((1 + null) & (any_false - 1));
      });
      break;
    case ExprKind::kOr:
      each([](uint8_t x, uint8_t y, uint8_t null) {
        const uint8_t any_true = (x | y) & 1;
        return static_cast<uint8_t>(any_true | ((null << 1) & (any_true - 1)));
      });
      break;
    default:
      each([](uint8_t x, uint8_t y, uint8_t null) {
        return static_cast<uint8_t>((null << 1) | ((x ^ y) & (null - 1)));
      });
      break;
  }
}

}  // namespace

bool Kernels::logic(const Expr& expr, std::vector<uint8_t>* out) {
  if (!mask(*expr.children[0], out)) return false;
  uint8_t* a = out->data();
  if (expr.kind == ExprKind::kNot) {
    for (size_t i = 0; i < rows_; ++i) a[i] = static_cast<uint8_t>((a[i] ^ 1) - (a[i] >> 1));
    return true;
  }
  ScratchScope scope(evaluator_);
  std::vector<uint8_t>* more = scratch_mask();
  for (size_t c = 1; c < expr.children.size(); ++c) {
    if (expr.kind != ExprKind::kXor) {
      // What decides all rows leaves out the rest, as it does row by row.
      const uint8_t decided = expr.kind == ExprKind::kOr ? kMaskTrue : 0;
      if (std::all_of(a, a + rows_, [decided](uint8_t truth) { return truth == decided; })) return true;
    }
    const Expr& child = *expr.children[c];
    const bool all_rows = expr.kind == ExprKind::kXor || simple(child, Cost::kCheap);
    if (all_rows ? !mask(child, more)
                 : !undecided_mask(child, expr.kind == ExprKind::kOr ? kMaskTrue : 0, *out, more)) {
      return false;
    }
    const uint8_t* b = more->data();
    combine(expr.kind, b, rows_, a);
  }
  return true;
}

// The mask of `expr` where `truth` is not `decided` yet; elsewhere `decided`.
bool Kernels::undecided_mask(const Expr& expr, uint8_t decided, const std::vector<uint8_t>& truth,
                             std::vector<uint8_t>* out) {
  std::vector<uint32_t> rows;
  for (size_t i = 0; i < rows_; ++i) {
    if (truth[i] != decided) rows.push_back(static_cast<uint32_t>(i));
  }
  if (rows.size() * 2 > rows_) return mask(expr, out);
  Batch inner(batch_.columns.size());
  inner.rows = rows.size();
  std::vector<Slot> slots;
  if (!outer_slots({&expr}, &slots) || !repeat(slots, rows, &inner)) return false;
  const OtherBatch other(&evaluator_);
  ScratchScope scope(evaluator_);
  Kernels kernels(&evaluator_, inner);
  std::vector<uint8_t>* some = kernels.scratch_mask();
  if (!kernels.mask(expr, some)) return false;
  out->assign(rows_, decided);
  for (size_t i = 0; i < rows.size(); ++i) (*out)[rows[i]] = (*some)[i];
  return true;
}

bool Kernels::null_test(const Expr& expr, std::vector<uint8_t>* out) {
  ScratchScope scope(evaluator_);
  Operand x;
  if (!operand(*expr.children[0], &x)) return false;
  const bool wanted = expr.kind == ExprKind::kIsNull;
  if (x.column != nullptr && !is_entity_column(*x.column) && x.column->kind != Column::Kind::kValues) {
    const uint8_t of_value = wanted ? 0 : 1;
    const std::vector<uint8_t>& nulls = x.column->nulls;
    if (nulls.empty()) std::fill(out->begin(), out->end(), of_value);
    for (size_t i = 0; i < nulls.size(); ++i) (*out)[i] = nulls[i] ^ of_value;
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
    if (nodes.ids[i] == kNoId) (*out)[i] = kMaskNull;
  }
  return true;
}

// --- Evaluator's batch calls ---

namespace {
// Below this the row path is cheaper than setting up kernels. Builds for tests may set it: with 1, what tests ask of
// one row is asked of kernels.
#ifdef LORA_KERNEL_ROWS_MIN
constexpr size_t kKernelRowsMin = LORA_KERNEL_ROWS_MIN;
#else
constexpr size_t kKernelRowsMin = 3;
#endif
}  // namespace

// While one expression is evaluated, what several of its parts read is read once: where nothing costly is in it, no
// subquery, which would evaluate on other batches meanwhile.
class Evaluator::ReadOnce {
 public:
  ReadOnce(Evaluator* evaluator, const Expr& expr) {
    const bool parts = expr.kind == ExprKind::kCase || expr.kind == ExprKind::kLet || expr.kind == ExprKind::kAnd ||
                       expr.kind == ExprKind::kOr || expr.kind == ExprKind::kArithmetic ||
                       expr.kind == ExprKind::kCompare || expr.kind == ExprKind::kNot;
    if (parts && !evaluator->same_batch_ && Kernels::simple(expr, Kernels::Cost::kCheap)) same_.emplace(evaluator);
  }

 private:
  std::optional<SameBatch> same_;
};

Status Evaluator::evaluate(const Expr& expr, Batch& batch, Column* out) {
  MadeScope made(context_->control);
  if (batch.rows >= kKernelRowsMin && kernels_pay(expr) && Kernels::simple(expr)) {
    const ReadOnce once(this, expr);
    if ((Kernels(this, batch).column(expr, out) && unpack_lists(out)) || count_give_up(expr)) return Status();
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

// Lists leave as values, which stay packed; neighbours that are the same are one. False: no memory for all at once.
bool Evaluator::unpack_lists(Column* out) {
  if (out->kind != Column::Kind::kLists) return true;
  const std::vector<Texts::Entry>& entries = out->texts.entries;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i > 0 && entries[i] == entries[i - 1]) continue;
    if (!charge_made(kContainerBytes + entries[i].length).ok()) return false;
  }
  out->to_values();
  return true;
}

bool Evaluator::flatten(const Expr& expr, Batch& batch, FlatLists* out) {
  const MadeScope made(context_->control);
  return batch.rows >= kKernelRowsMin && kernels_pay(expr) && Kernels::simple(expr) &&
         ((Kernels(this, batch).flatten(expr, out) && unpack_lists(&out->items)) || count_give_up(expr));
}

size_t count_true(const std::vector<uint8_t>& mask) {
  size_t count = 0;
  for (uint8_t truth : mask) count += truth == kMaskTrue ? 1 : 0;
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
      kept += mask[i + k] == kMaskTrue ? 1 : 0;
    }
  }
  for (; i < mask.size(); ++i) {
    to[kept] = static_cast<uint32_t>(i);
    kept += mask[i] == kMaskTrue ? 1 : 0;
  }
  rows->resize(kept);
}

bool Evaluator::cheap_mask(const Expr& expr, Batch& batch, std::vector<uint8_t>* out) {
  const MadeScope made(context_->control);
  if (batch.rows < kKernelRowsMin || !kernels_pay(expr) || !Kernels::simple(expr, Kernels::Cost::kCheap)) return false;
  const ReadOnce once(this, expr);
  return Kernels(this, batch).mask(expr, out) || count_give_up(expr);
}

Status Evaluator::filter(const Expr& expr, Batch& batch, std::vector<uint32_t>* rows) {
  rows->clear();
  MadeScope made(context_->control);
  const Kernels::ScratchScope scope(*this);
  std::vector<uint8_t>* mask = nullptr;  // its own: a subquery in the predicate filters with this evaluator, too
  if (batch.rows >= kKernelRowsMin && kernels_pay(expr) && Kernels::simple(expr)) {
    Kernels kernels(this, batch);
    mask = kernels.scratch_mask();
    if (!kernels.mask(expr, mask) && !count_give_up(expr)) mask = nullptr;
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
