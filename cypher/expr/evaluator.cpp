// The row path: every kind of expression, one row at a time. Kinds have functions of their own so that the frame of the
// recursive eval() stays small.
#include "cypher/expr/evaluator.h"

#include <algorithm>

#include "cypher/expr/constant_lists.h"
#include "cypher/expr/operations.h"
#include "cypher/expr/regex_cache.h"
#include "cypher/syntax/stack_guard.h"

namespace lora::cypher {

namespace {

Status too_deep() {
  return Status::limit("depth", "the expression is nested too deeply for the stack of this thread; write it flatter");
}

// Keys of a map projection or literal: a shared string value where the graph knows the name.
Value key_value(const EvalContext& context, const NameRef& name) {
  if (context.reader != nullptr && name.name.size() > Value::kInlineStringMax) {
    const std::optional<KeyId> id = resolve_key(*context.reader, name);
    if (id) return context.reader->key_name_value(*id);
  }
  return Value::string(name.name);
}

void put_entry(std::vector<MapEntry>* entries, Value key, Value value) {
  const std::string_view text = key.as_string();
  for (MapEntry& e : *entries) {
    if (e.first.as_string() == text) {
      e.second = std::move(value);
      return;
    }
  }
  entries->emplace_back(std::move(key), std::move(value));
}

}  // namespace

Evaluator::Evaluator(EvalContext* context) : context_(context) {
  enter_thread();
}
Evaluator::~Evaluator() = default;

void Evaluator::enter_thread() {
  const uintptr_t floor = detail::stack_floor;
  stack_floor_ = floor != 0 ? floor : detail::find_stack_floor();
}

void Evaluator::reset() {
  for (Slot slot : active_locals_) {
    locals_[slot] = Value();
    local_set_[slot] = 0;
  }
  active_locals_.clear();
  for (auto& column : scratch_) column->trim();
  scratch_used_ = 0;
  masks_used_ = 0;
  properties_.values.clear();
  if (properties_.texts.capacity_bytes() > kBatchRowsMax * 16) properties_.texts.release();
  forget_properties();
  gave_up_.clear();
  if (constant_lists_ != nullptr) constant_lists_->clear();
}

void Evaluator::forget_properties() {
  for (size_t i = 0; i < read_used_; ++i) read_[i]->column.clear();
  read_used_ = 0;
  same_batch_ = false;
}

Status Evaluator::in_constant_list(const Expr& expr, const Value& x, const Value& list, Value* out) {
  if (!list.is_list() || list.as_list().size() < ConstantLists::kItemsMin) return in_list(x, list, out);
  return lists().contains(expr, x, list, out);
}

bool Evaluator::kernels_pay(const Expr& expr) const {
  const auto at = std::find_if(gave_up_.begin(), gave_up_.end(), [&](const auto& g) { return g.first == &expr; });
  return at == gave_up_.end() || at->second < kGiveUpsMax;
}

bool Evaluator::count_give_up(const Expr& expr) {
  auto at = std::find_if(gave_up_.begin(), gave_up_.end(), [&](const auto& g) { return g.first == &expr; });
  if (at == gave_up_.end()) at = gave_up_.insert(at, {&expr, 0});
  ++at->second;
  return false;
}

ConstantLists& Evaluator::lists() {
  if (constant_lists_ == nullptr) constant_lists_ = std::make_unique<ConstantLists>();
  return *constant_lists_;
}

RegexCache& Evaluator::regexes() {
  if (regexes_ == nullptr) regexes_ = std::make_unique<RegexCache>();
  return *regexes_;
}

Status Evaluator::given_list(const Expr& expr, Value* out) {
  if (const Value* made = lists().made(expr)) {
    *out = *made;
    return Status();
  }
  LORA_TRY(eval_list(expr, no_columns_, 0, out));
  lists().keep(expr, *out);
  return Status();
}

Evaluator::Local::Local(Evaluator* evaluator, Slot slot) : evaluator_(evaluator), slot_(slot) {
  if (slot >= evaluator->locals_.size()) {
    evaluator->locals_.resize(slot + 1);
    evaluator->local_set_.resize(slot + 1);
  }
  hidden_set_ = evaluator->local_set_[slot] != 0;
  hidden_ = std::move(evaluator->locals_[slot]);
  evaluator->local_set_[slot] = 1;
  evaluator->active_locals_.push_back(slot);
}

Evaluator::Local::~Local() {
  evaluator_->locals_[slot_] = std::move(hidden_);
  evaluator_->local_set_[slot_] = hidden_set_ ? 1 : 0;
  evaluator_->active_locals_.pop_back();
}

Result<Value> Evaluator::evaluate_row(const Expr& expr, const Batch& batch, size_t row) {
  Value out;
  LORA_TRY(evaluate_row(expr, batch, row, &out));
  return out;
}

Status Evaluator::evaluate_row(const Expr& expr, const Batch& batch, size_t row, Value* out) {
  const MadeScope made(context_->control);
  return eval(expr, batch, row, out);
}

Status Evaluator::test_row(const Expr& expr, const Batch& batch, size_t row, bool* out) {
  const MadeScope made(context_->control);
  Ternary t;
  LORA_TRY(eval_truth(expr, batch, row, "in a predicate", &t));
  *out = t == Ternary::kTrue;
  return Status();
}

Status Evaluator::evaluate_constant(const Expr& expr, Value* out) {
  const MadeScope made(context_->control);
  return eval(expr, no_columns_, 0, out);
}

namespace {

// The innermost expression that failed is the place of the error.
void add_place(const Expr& expr, Status* status) {
  ErrorInfo& info = status->mutable_info();
  if (info.offset < 0 && expr.length > 0 && info.phase == "runtime") info.offset = expr.offset;
}

}  // namespace

Status Evaluator::eval(const Expr& expr, const Batch& batch, size_t row, Value* out) {
  switch (expr.kind) {
    case ExprKind::kConstant: *out = *expr.value; return Status();
    case ExprKind::kLiteral: *out = context_->literals[expr.index]; return Status();
    case ExprKind::kSlot: return eval_slot(expr.slot, batch, row, out);
    case ExprKind::kParameter: return eval_parameter(expr, out);
    default: break;
  }
  if (stack_low()) [[unlikely]]
    return too_deep();
  Status status = eval_node(expr, batch, row, out);
  if (!status.ok()) [[unlikely]] {
    add_place(expr, &status);
  }
  return status;
}

Status Evaluator::eval_node(const Expr& expr, const Batch& batch, size_t row, Value* out) {
  switch (expr.kind) {
    case ExprKind::kProperty:
      LORA_TRY(eval(*expr.children[0], batch, row, out));
      return property_of(*context_, *out, *expr.names[0], out);
    case ExprKind::kArithmetic: return eval_arithmetic(expr, batch, row, out);
    case ExprKind::kAnd:
    case ExprKind::kOr:
    case ExprKind::kXor: return eval_logic(expr, batch, row, out);
    case ExprKind::kCompare: return eval_compare(expr, batch, row, out);
    case ExprKind::kNegate:
    case ExprKind::kNot:
    case ExprKind::kIsNull:
    case ExprKind::kIsNotNull:
    case ExprKind::kHasLabels:
    case ExprKind::kIsType:
    case ExprKind::kIsNotType:
    case ExprKind::kCast:
    case ExprKind::kTryCast: return eval_unary(expr, batch, row, out);
    case ExprKind::kIndex:
    case ExprKind::kIn:
    case ExprKind::kStartsWith:
    case ExprKind::kEndsWith:
    case ExprKind::kContains:
    case ExprKind::kRegex: return eval_binary(expr, batch, row, out);
    case ExprKind::kSlice: return eval_slice(expr, batch, row, out);
    case ExprKind::kList: return eval_list(expr, batch, row, out);
    case ExprKind::kMap: return eval_map(expr, batch, row, out);
    case ExprKind::kMapProjection: return eval_map_projection(expr, batch, row, out);
    case ExprKind::kCase: return eval_case(expr, batch, row, out);
    case ExprKind::kLet: {
      Local local(this, expr.slot);
      Value v;
      LORA_TRY(eval(*expr.children[0], batch, row, &v));
      local.set(std::move(v));
      return eval(*expr.children[1], batch, row, out);
    }
    case ExprKind::kFunction: return eval_function(expr, batch, row, out);
    case ExprKind::kListComprehension: return eval_list_comprehension(expr, batch, row, out);
    case ExprKind::kQuantifier: return eval_quantifier(expr, batch, row, out);
    case ExprKind::kReduce: return eval_reduce(expr, batch, row, out);
    case ExprKind::kPath: return eval_path(expr, batch, row, out);
    case ExprKind::kExists:
    case ExprKind::kCount:
    case ExprKind::kCollect: {
      LORA_ASSIGN(*out, context_->subqueries->run(expr, batch, row));
      return Status();
    }
    default: return Status::internal("an aggregate outside of an aggregation");
  }
}

Status Evaluator::eval_slot(Slot slot, const Batch& batch, size_t row, Value* out) {
  if (is_local(slot)) {
    *out = locals_[slot];
  } else if (slot < batch.columns.size()) {
    *out = batch.columns[slot].get(row);
  } else {
    *out = Value();
  }
  return Status();
}

Status Evaluator::eval_parameter(const Expr& expr, Value* out) {
  const Value* found = context_->params.is_map() ? context_->params.map_find(expr.text) : nullptr;
  if (found == nullptr) {
    return Status::runtime(ErrorCode::kParameterMissing, "ParameterMissing", "MissingParameter",
                           "parameter `$" + std::string(expr.text) + "` is missing");
  }
  *out = *found;
  return Status();
}

Status Evaluator::eval_truth(const Expr& expr, const Batch& batch, size_t row, std::string_view where, Ternary* out) {
  Value v;
  LORA_TRY(eval(expr, batch, row, &v));
  return truth_of(v, where, out);
}

Status Evaluator::eval_arithmetic(const Expr& expr, const Batch& batch, size_t row, Value* out) {
  Value left;
  LORA_TRY(eval(*expr.children[0], batch, row, &left));
  Made made(context_->control);
  const size_t steps = expr.ops.size();
  for (size_t i = 0; i < steps; ++i) {
    made.settle([&left] { return left.heap_bytes(); });
    Value right;
    LORA_TRY(eval(*expr.children[i + 1], batch, row, &right));
    if (i + 1 < steps && Joining::takes(left)) {
      LORA_TRY(charge_joined(*context_, left, Value()));
      Joining joining(left);
      while (joining.add(expr.ops[i], right)) {
        LORA_TRY(charge_joined(*context_, right, Value()));
        if (++i == steps) break;
        LORA_TRY(eval(*expr.children[i + 1], batch, row, &right));
      }
      left = joining.finish();
      LORA_TRY(check_extent(*context_, left));
      if (i == steps) break;
    }
    Value result;
    LORA_TRY(charge_joined(*context_, left, right));
    LORA_TRY(arithmetic(expr.ops[i], left, right, &result));
    LORA_TRY(check_extent(*context_, result));
    left = std::move(result);
  }
  *out = std::move(left);
  return Status();
}

Status Evaluator::eval_logic(const Expr& expr, const Batch& batch, size_t row, Value* out) {
  const ExprKind kind = expr.kind;
  const std::string_view where = kind == ExprKind::kAnd  ? "beside `AND`"
                                 : kind == ExprKind::kOr ? "beside `OR`"
                                                         : "beside `XOR`";
  Ternary result = kind == ExprKind::kAnd ? Ternary::kTrue : Ternary::kFalse;
  for (const Expr* child : expr.children) {
    Ternary t;
    LORA_TRY(eval_truth(*child, batch, row, where, &t));
    if (kind == ExprKind::kAnd) {
      result = ternary_and(result, t);
      if (result == Ternary::kFalse) break;
    } else if (kind == ExprKind::kOr) {
      result = ternary_or(result, t);
      if (result == Ternary::kTrue) break;
    } else {
      result = ternary_xor(result, t);
    }
  }
  *out = to_value(result);
  return Status();
}

Status Evaluator::eval_compare(const Expr& expr, const Batch& batch, size_t row, Value* out) {
  Ternary result = Ternary::kTrue;
  Value left;
  LORA_TRY(eval(*expr.children[0], batch, row, &left));
  for (size_t i = 0; i < expr.ops.size(); ++i) {
    Value right;
    LORA_TRY(eval(*expr.children[i + 1], batch, row, &right));
    result = ternary_and(result, compare_values(expr.ops[i], left, right));
    if (result == Ternary::kFalse) break;
    left = std::move(right);
  }
  *out = to_value(result);
  return Status();
}

Status Evaluator::eval_unary(const Expr& expr, const Batch& batch, size_t row, Value* out) {
  Value v;
  LORA_TRY(eval(*expr.children[0], batch, row, &v));
  switch (expr.kind) {
    case ExprKind::kNegate: return negate(v, out);
    case ExprKind::kNot: {
      Ternary t;
      LORA_TRY(truth_of(v, "after `NOT`", &t));
      *out = to_value(ternary_not(t));
      return Status();
    }
    case ExprKind::kIsNull: *out = Value::boolean(v.is_null()); return Status();
    case ExprKind::kIsNotNull: *out = Value::boolean(!v.is_null()); return Status();
    case ExprKind::kHasLabels: return has_labels(*context_, v, *expr.labels, out);
    case ExprKind::kIsType: *out = Value::boolean(is_of_type(v, *expr.type)); return Status();
    case ExprKind::kIsNotType: *out = Value::boolean(!is_of_type(v, *expr.type)); return Status();
    default: return cast_value(*context_, v, *expr.type, expr.kind == ExprKind::kTryCast, out);
  }
}

Status Evaluator::eval_binary(const Expr& expr, const Batch& batch, size_t row, Value* out) {
  Value x, y;
  LORA_TRY(eval(*expr.children[0], batch, row, &x));
  const bool given = expr.kind == ExprKind::kIn && is_given_list(*expr.children[1]);
  LORA_TRY(given ? given_list(*expr.children[1], &y) : eval(*expr.children[1], batch, row, &y));
  switch (expr.kind) {
    case ExprKind::kIndex: return element_at(*context_, x, y, out);
    case ExprKind::kIn: {
      const bool constant = given || is_given(*expr.children[1]);
      return constant ? in_constant_list(expr, x, y, out) : in_list(x, y, out);
    }
    case ExprKind::kRegex: return eval_regex(x, y, out);
    default: *out = text_test(expr.kind, x, y); return Status();
  }
}

Status Evaluator::eval_slice(const Expr& expr, const Batch& batch, size_t row, Value* out) {
  Value list, from, to;
  LORA_TRY(eval(*expr.children[0], batch, row, &list));
  if (expr.children[1] != nullptr) LORA_TRY(eval(*expr.children[1], batch, row, &from));
  if (expr.children[2] != nullptr) LORA_TRY(eval(*expr.children[2], batch, row, &to));
  return slice(list, expr.children[1] != nullptr ? &from : nullptr, expr.children[2] != nullptr ? &to : nullptr, out);
}

Status Evaluator::eval_list(const Expr& expr, const Batch& batch, size_t row, Value* out) {
  List items;
  LORA_TRY(charge_made(list_bytes(expr.children.size())));
  items.reserve(expr.children.size());
  for (const Expr* child : expr.children) {
    Value v;
    LORA_TRY(eval(*child, batch, row, &v));
    items.push_back(std::move(v));
  }
  *out = Value::list(std::move(items));
  return check_extent(*context_, *out);
}

Status Evaluator::eval_map(const Expr& expr, const Batch& batch, size_t row, Value* out) {
  std::vector<MapEntry> entries;
  LORA_TRY(charge_made(expr.children.size() * sizeof(MapEntry) + kContainerBytes));
  entries.reserve(expr.children.size());
  for (size_t i = 0; i < expr.children.size(); ++i) {
    Value v;
    LORA_TRY(eval(*expr.children[i], batch, row, &v));
    put_entry(&entries, key_value(*context_, *expr.names[i]), std::move(v));
  }
  *out = Value::map(std::move(entries));
  return check_extent(*context_, *out);
}

Status Evaluator::eval_map_projection(const Expr& expr, const Batch& batch, size_t row, Value* out) {
  Value subject;
  LORA_TRY(eval(*expr.children[0], batch, row, &subject));
  if (subject.is_null()) {
    *out = Value();
    return Status();
  }
  std::vector<MapEntry> entries;
  if (expr.flag || (!subject.is_map() && !subject.is_node() && !subject.is_relationship())) {
    Value all;
    LORA_TRY(properties_map(*context_, subject, &all));
    entries.assign(all.as_map().begin(), all.as_map().end());
  }
  for (size_t i = 1; i < expr.children.size(); ++i) {
    Value v;
    LORA_TRY(eval(*expr.children[i], batch, row, &v));
    put_entry(&entries, key_value(*context_, *expr.names[i - 1]), std::move(v));
  }
  *out = Value::map(std::move(entries));
  return check_extent(*context_, *out);
}

Status Evaluator::eval_case(const Expr& expr, const Batch& batch, size_t row, Value* out) {
  const size_t pairs = expr.children.size() / 2;
  for (size_t i = 0; i < pairs; ++i) {
    Ternary t;
    LORA_TRY(eval_truth(*expr.children[2 * i], batch, row, "after `WHEN`", &t));
    if (t == Ternary::kTrue) return eval(*expr.children[2 * i + 1], batch, row, out);
  }
  if (expr.flag) return eval(*expr.children.back(), batch, row, out);
  *out = Value();
  return Status();
}

Status Evaluator::eval_function(const Expr& expr, const Batch& batch, size_t row, Value* out) {
  constexpr size_t kInlineArgs = 4;
  size_t count = expr.children.size();
  const bool first_not_null = expr.function->null_rule == NullRule::kFirstNotNull;
  Value inline_args[kInlineArgs];
  std::vector<Value> more_args;
  Value* args = inline_args;
  if (count > kInlineArgs) {
    more_args.resize(count);
    args = more_args.data();
  }
  for (size_t i = 0; i < count; ++i) {
    LORA_TRY(eval(*expr.children[i], batch, row, &args[i]));
    if (first_not_null && !args[i].is_null()) count = i + 1;
  }
  Value result;
  Status status = call_function(*context_, *expr.function, {args, count}, &result);
  if (!status.ok()) [[unlikely]] {
    // Somebody else's function: say which call it was.
    if (expr.function->body != nullptr && status.info().offset < 0) status.mutable_info().offset = expr.offset;
    return status;
  }
  *out = std::move(result);
  return Status();
}

namespace {

Status list_error(std::string_view where, const Value& v) {
  return type_error("InvalidArgumentType", "expected a list in " + std::string(where) + ", got " + describe(v));
}

constexpr size_t kTickEvery = 256;

}  // namespace

Status Evaluator::eval_list_comprehension(const Expr& expr, const Batch& batch, size_t row, Value* out) {
  Value list;
  LORA_TRY(eval(*expr.children[0], batch, row, &list));
  if (list.is_null()) {
    *out = Value();
    return Status();
  }
  if (!list.is_list()) return list_error("a list comprehension", list);
  const Expr* where = expr.children[1];
  const Expr* map = expr.children[2];
  List result;
  Local local(this, expr.slot);
  size_t steps = 0;
  Made made(context_->control);
  for (const Value& item : list.as_list()) {
    if (++steps % kTickEvery == 0 && context_->control != nullptr) LORA_TRY(context_->control->tick());
    LORA_TRY(charge_made(sizeof(Value)));
    made.settle([&result] {
      uint64_t bytes = result.size() * sizeof(Value);
      for (const Value& v : result) bytes += v.heap_bytes();
      return bytes;
    });
    local.set(item);
    if (where != nullptr) {
      Ternary t;
      LORA_TRY(eval_truth(*where, batch, row, "after `WHERE`", &t));
      if (t != Ternary::kTrue) continue;
    }
    if (map == nullptr) {
      result.push_back(item);
    } else {
      Value v;
      LORA_TRY(eval(*map, batch, row, &v));
      result.push_back(std::move(v));
    }
  }
  *out = Value::list(std::move(result));
  return check_extent(*context_, *out);
}

Status Evaluator::eval_quantifier(const Expr& expr, const Batch& batch, size_t row, Value* out) {
  Value list;
  LORA_TRY(eval(*expr.children[0], batch, row, &list));
  *out = Value();
  if (list.is_null()) return Status();
  if (!list.is_list()) return list_error("a quantifier", list);
  size_t matched = 0, unknown = 0, failed = 0;
  Local local(this, expr.slot);
  size_t steps = 0;
  for (const Value& item : list.as_list()) {
    if (++steps % kTickEvery == 0 && context_->control != nullptr) LORA_TRY(context_->control->tick());
    local.set(item);
    const MadeScope made(context_->control);
    Ternary t;
    LORA_TRY(eval_truth(*expr.children[1], batch, row, "in a quantifier", &t));
    matched += t == Ternary::kTrue ? 1 : 0;
    unknown += t == Ternary::kNull ? 1 : 0;
    failed += t == Ternary::kFalse ? 1 : 0;
    if (expr.op == 'a' ? failed > 0 : expr.op == 's' ? matched > 1 : matched > 0) break;
  }
  bool known = unknown == 0;
  bool result = false;
  switch (expr.op) {
    case 'a':
      known |= failed > 0;
      result = failed == 0;
      break;
    case 'y':
      known |= matched > 0;
      result = matched > 0;
      break;
    case 'n':
      known |= matched > 0;
      result = matched == 0;
      break;
    default:
      known |= matched > 1;
      result = matched == 1;
      break;
  }
  if (known) *out = Value::boolean(result);
  return Status();
}

namespace {

// Does `expr` surely not read `slot`? Looks only some levels deep.
bool surely_without(const Expr* expr, Slot slot, int levels) {
  if (expr == nullptr) return true;
  if (levels == 0 || (expr->kind == ExprKind::kSlot && expr->slot == slot)) return false;
  for (const Expr* child : expr->children) {
    if (!surely_without(child, slot, levels - 1)) return false;
  }
  return true;
}

}  // namespace

Status Evaluator::eval_reduce(const Expr& expr, const Batch& batch, size_t row, Value* out) {
  Value accumulator, list;
  LORA_TRY(eval(*expr.children[0], batch, row, &accumulator));
  LORA_TRY(eval(*expr.children[1], batch, row, &list));
  if (list.is_null()) {
    *out = Value();
    return Status();
  }
  if (!list.is_list()) return list_error("`reduce()`", list);
  Local element(this, expr.slot);
  Local sum(this, expr.slot2);
  size_t steps = 0;
  Made made(context_->control);
  // `list + x`, where x does not ask for the list: it grows in place.
  const Expr& body = *expr.children[2];
  std::optional<Joining> joining;
  if (body.kind == ExprKind::kArithmetic && body.ops.size() == 1 && body.children[0]->kind == ExprKind::kSlot &&
      body.children[0]->slot == expr.slot2 && Joining::takes(accumulator) &&
      surely_without(body.children[1], expr.slot2, 8)) {
    LORA_TRY(charge_joined(*context_, accumulator, Value()));
    joining.emplace(accumulator);
  }
  sum.set(std::move(accumulator));
  for (const Value& item : list.as_list()) {
    if (++steps % kTickEvery == 0 && context_->control != nullptr) LORA_TRY(context_->control->tick());
    element.set(item);
    if (joining) {
      Value more;
      LORA_TRY(eval(*body.children[1], batch, row, &more));
      if (joining->add(body.ops[0], more)) {
        LORA_TRY(charge_joined(*context_, more, Value()));
        continue;
      }
      sum.set(joining->finish());
      joining.reset();
    }
    Value next;
    LORA_TRY(eval(*expr.children[2], batch, row, &next));
    made.settle([&next] { return next.heap_bytes(); });
    sum.set(std::move(next));
  }
  if (joining) {
    *out = joining->finish();
    return check_extent(*context_, *out);
  }
  *out = locals_[expr.slot2];
  return Status();
}

namespace {

// Follows one relationship from the path's last node.
Status walk(EvalContext& context, const Value& relationship, PathIds* path) {
  if (!relationship.is_relationship()) {
    return type_error("InvalidArgumentType", "expected a relationship in a path, got " + describe(relationship));
  }
  const std::optional<graph::RelationshipRecord> record = context.reader->relationship(relationship.relationship_id());
  if (!record) return deleted_access_error(relationship);
  const NodeId at = path->nodes.back();
  path->rels.push_back(relationship.relationship_id());
  path->nodes.push_back(record->start == at ? record->end : record->start);
  return Status();
}

}  // namespace

Status Evaluator::eval_path(const Expr& expr, const Batch& batch, size_t row, Value* out) {
  PathIds path;
  *out = Value();
  bool walked_list = false;
  for (size_t i = 0; i < expr.children.size(); ++i) {
    Value v;
    LORA_TRY(eval(*expr.children[i], batch, row, &v));
    if (v.is_null()) return Status();
    if (i % 2 == 0) {
      if (!v.is_node()) return type_error("InvalidArgumentType", "expected a node in a path, got " + describe(v));
      if (walked_list) {
        walked_list = false;  // the list led here already
      } else {
        path.nodes.push_back(v.node_id());
      }
      continue;
    }
    if (v.is_list()) {
      for (const Value& relationship : v.as_list()) {
        if (relationship.is_null()) return Status();
        LORA_TRY(walk(*context_, relationship, &path));
      }
      walked_list = true;
      continue;
    }
    if (!v.is_relationship()) {
      return type_error("InvalidArgumentType", "expected a relationship in a path, got " + describe(v));
    }
    path.rels.push_back(v.relationship_id());
  }
  *out = Value::path(std::move(path));
  return Status();
}

Status Evaluator::eval_regex(const Value& text, const Value& pattern, Value* out) {
  *out = Value();
  if (!text.is_string() || !pattern.is_string()) return Status();
  bool matches = false;
  LORA_TRY(regexes().full_match(pattern.as_string(), text.as_string(), &matches));
  *out = Value::boolean(matches);
  return Status();
}

}  // namespace lora::cypher
