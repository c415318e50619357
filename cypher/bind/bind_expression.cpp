// Expressions: names to slots, operators and calls to Expr trees, static types.
//
// Types are sets: an operand is refused when every type it can have is wrong. What is only known while running is left
// to the evaluator.
#include <algorithm>
#include <limits>

#include "cypher/bind/binder_state.h"
#include "cypher/syntax/parser.h"
#include "cypher/syntax/stack_guard.h"

namespace lora::cypher {

// --- building blocks ------------------------------------------------------------------------------------------------

Expr* Binder::make(ExprKind kind, ast::Span span, TypeSet types) {
  Expr* e = arena_.make<Expr>();
  e->kind = kind;
  e->offset = span.offset;
  e->length = span.length;
  e->types = types;
  return e;
}

Expr* Binder::make(ExprKind kind, ast::Span span, TypeSet types, const std::vector<Expr*>& children) {
  Expr* e = make(kind, span, types);
  e->children = arena_.array(children);
  return e;
}

Expr* Binder::constant(Value value, ast::Span span) {
  Expr* e = make(ExprKind::kConstant, span, type_bit(value.type()));
  e->value = arena_.value(std::move(value));
  return e;
}

Expr* Binder::slot_expr(Slot slot, TypeSet types, ast::Span span) {
  Expr* e = make(ExprKind::kSlot, span, types);
  e->slot = slot;
  return e;
}

Expr* Binder::slot_expr(const Variable& v, ast::Span span) {
  Expr* e = slot_expr(v.slot, v.types, span);
  if (v.elements != kAnyType) set_elements(e, v.elements);
  return e;
}

Expr* Binder::property_expr(Expr* object, std::string_view key, ast::Span span) {
  Expr* e = make(ExprKind::kProperty, span, kAnyType, {object});
  e->names = arena_.array(std::vector<const NameRef*>{arena_.name(key)});
  if (object->kind == ExprKind::kSlot) statement_->properties_of.add(object->slot);
  return e;
}

Expr* Binder::compare(char op, Expr* left, Expr* right, ast::Span span) {
  Expr* e = make(ExprKind::kCompare, span, kBooleanType, {left, right});
  e->ops = arena_.text(std::string_view(&op, 1));
  return e;
}

Expr* Binder::conjunction(Expr* a, Expr* b) {
  if (a == nullptr) return b;
  if (b == nullptr) return a;
  return make(ExprKind::kAnd, {a->offset, a->length}, kBooleanType, {a, b});
}

Expr* Binder::call(std::string_view function, const std::vector<Expr*>& args, ast::Span span) {
  const FunctionSpec* spec = find_function(function);
  Expr* e = make(ExprKind::kFunction, span, spec->result, args);
  e->function = spec;
  return e;
}

TypeSet Binder::elements_of(const Expr& list) const {
  auto it = elements_.find(&list);
  return it == elements_.end() ? kAnyType : it->second;
}

// --- dispatch -------------------------------------------------------------------------------------------------------

Result<Expr*> Binder::bind_optional(const ast::Expr* e) {
  if (e == nullptr) return static_cast<Expr*>(nullptr);
  return bind_expr(*e);
}

Result<Expr*> Binder::bind_condition(const ast::Expr& e) {
  LORA_ASSIGN(Expr * out, bind_expr(e, true));
  if (never(out->types, kBooleanType)) {
    return error("InvalidArgumentType", "a condition must be a boolean", e.span);
  }
  return out;
}

Result<Expr*> Binder::bind_expr(const ast::Expr& e, bool predicate) {
  if (stack_low()) return depth_error();
  if (&e == case_subject_) return arena_.make<Expr>(*case_value_);
  switch (e.kind) {
    case ast::ExprKind::kLiteral: return bind_literal(ast::as<ast::Literal>(e));
    case ast::ExprKind::kStrippedLiteral: {
      const auto& literal = ast::as<ast::StrippedLiteral>(e);
      static constexpr TypeSet kClasses[] = {kNullType, kBooleanType, kIntegerType, kFloatType, kStringType};
      Expr* out = make(ExprKind::kLiteral, e.span, kClasses[static_cast<size_t>(literal.literal)]);
      out->index = literal.index;
      return out;
    }
    case ast::ExprKind::kParameter: {
      Expr* out = make(ExprKind::kParameter, e.span);
      out->text = arena_.text(ast::as<ast::Parameter>(e).name);
      if (parameters_.insert(out->text).second) statement_->parameters.emplace_back(out->text);
      return out;
    }
    case ast::ExprKind::kVariable: return bind_variable(ast::as<ast::Variable>(e).name, e.span);
    case ast::ExprKind::kList: return bind_list(ast::as<ast::ListLiteral>(e));
    case ast::ExprKind::kMap: return bind_map(ast::as<ast::MapLiteral>(e));
    case ast::ExprKind::kMapProjection: return bind_map_projection(ast::as<ast::MapProjection>(e));
    case ast::ExprKind::kProperty: return bind_property(ast::as<ast::Property>(e));
    case ast::ExprKind::kIndex: return bind_index(ast::as<ast::Index>(e));
    case ast::ExprKind::kSlice: return bind_slice(ast::as<ast::Slice>(e));
    case ast::ExprKind::kChain: return bind_chain(ast::as<ast::Chain>(e));
    case ast::ExprKind::kComparison: return bind_comparison(ast::as<ast::Comparison>(e));
    case ast::ExprKind::kPredicate: return bind_predicate(ast::as<ast::Predicate>(e));
    case ast::ExprKind::kUnary: return bind_unary(ast::as<ast::Unary>(e));
    case ast::ExprKind::kNullTest: {
      const auto& test = ast::as<ast::NullTest>(e);
      LORA_ASSIGN(Expr * operand, bind_expr(*test.operand));
      return make(test.negated ? ExprKind::kIsNotNull : ExprKind::kIsNull, e.span, kBooleanType, {operand});
    }
    case ast::ExprKind::kNormalizedTest: return bind_normalized_test(ast::as<ast::NormalizedTest>(e));
    case ast::ExprKind::kTypeTest: {
      const auto& test = ast::as<ast::TypeTest>(e);
      LORA_ASSIGN(Expr * operand, bind_expr(*test.operand));
      LORA_ASSIGN(const TypeExpr* type, bind_type(*test.type));
      Expr* out = make(test.negated ? ExprKind::kIsNotType : ExprKind::kIsType, e.span, kBooleanType, {operand});
      out->type = type;
      return out;
    }
    case ast::ExprKind::kLabelTest: return bind_label_test(ast::as<ast::LabelTest>(e));
    case ast::ExprKind::kCast: return bind_cast(ast::as<ast::Cast>(e));
    case ast::ExprKind::kTypeLiteral: {
      LORA_ASSIGN(const TypeExpr* type, bind_type(*ast::as<ast::TypeLiteral>(e).type));
      return constant(Value::string(type->text), e.span);
    }
    case ast::ExprKind::kFunctionCall: return bind_call(ast::as<ast::FunctionCall>(e));
    case ast::ExprKind::kCountStar: return bind_aggregate(*find_aggregate("count"), "count", false, {}, e.span);
    case ast::ExprKind::kCase: return bind_case(ast::as<ast::Case>(e));
    case ast::ExprKind::kListComprehension: return bind_list_comprehension(ast::as<ast::ListComprehension>(e));
    case ast::ExprKind::kPatternComprehension: return bind_pattern_comprehension(ast::as<ast::PatternComprehension>(e));
    case ast::ExprKind::kQuantifier: return bind_quantifier(ast::as<ast::Quantifier>(e));
    case ast::ExprKind::kReduce: return bind_reduce(ast::as<ast::Reduce>(e));
    case ast::ExprKind::kPatternPredicate: return bind_pattern_predicate(ast::as<ast::PatternPredicate>(e), predicate);
    case ast::ExprKind::kSubquery: return bind_subquery(ast::as<ast::Subquery>(e));
  }
  return Status::internal("unknown kind of expression");
}

// --- leaves and literals --------------------------------------------------------------------------------------------

Result<Expr*> Binder::bind_literal(const ast::Literal& e) {
  if (e.word) {
    if (const Variable* v = find(text_of(e.span))) return slot_expr(*v, e.span);
  }
  switch (e.literal) {
    case ast::LiteralKind::kNull: return constant(Value::null(), e.span);
    case ast::LiteralKind::kBoolean: return constant(Value::boolean(e.boolean), e.span);
    case ast::LiteralKind::kInteger: return constant(Value::integer(e.integer), e.span);
    case ast::LiteralKind::kFloat: return constant(Value::floating(e.floating), e.span);
    case ast::LiteralKind::kString: return constant(Value::string(e.text), e.span);
  }
  return Status::internal("unknown kind of literal");
}

Result<Expr*> Binder::bind_variable(std::string_view name, ast::Span span) {
  const Variable* v = find(name);
  if (v == nullptr) return undefined_variable(name, span);
  return slot_expr(*v, span);
}

Result<Expr*> Binder::bind_list(const ast::ListLiteral& e) {
  std::vector<Expr*> items;
  items.reserve(e.items.size());
  TypeSet elements = 0;
  bool all_constant = true;
  for (const ast::Expr* item : e.items) {
    LORA_ASSIGN(Expr * bound, bind_expr(*item));
    elements |= bound->types;
    all_constant = all_constant && bound->kind == ExprKind::kConstant;
    items.push_back(bound);
  }
  Expr* out;
  if (all_constant) {
    List values;
    values.reserve(items.size());
    for (const Expr* item : items) values.push_back(*item->value);
    out = constant(Value::list(std::move(values)), e.span);
  } else {
    out = make(ExprKind::kList, e.span, kListType, items);
  }
  set_elements(out, elements);
  return out;
}

Result<Expr*> Binder::bind_map(const ast::MapLiteral& e) {
  std::vector<Expr*> values;
  std::vector<std::string_view> keys;
  std::unordered_map<std::string_view, size_t> places;
  bool all_constant = true;
  for (const ast::MapEntry& entry : e.entries) {
    LORA_ASSIGN(Expr * value, bind_expr(*entry.value));
    all_constant = all_constant && value->kind == ExprKind::kConstant;
    auto [it, fresh] = places.emplace(entry.key.text, values.size());
    if (fresh) {
      keys.push_back(entry.key.text);
      values.push_back(value);
    } else {
      values[it->second] = value;  // the last of equal keys counts
    }
  }
  if (all_constant) {
    std::vector<MapEntry> entries;
    entries.reserve(values.size());
    for (size_t i = 0; i < values.size(); ++i) entries.emplace_back(Value::string(keys[i]), *values[i]->value);
    return constant(Value::map(std::move(entries)), e.span);
  }
  std::vector<const NameRef*> names;
  for (std::string_view key : keys) names.push_back(arena_.name(key));
  Expr* out = make(ExprKind::kMap, e.span, kMapType, values);
  out->names = arena_.array(names);
  return out;
}

Result<Expr*> Binder::bind_map_projection(const ast::MapProjection& e) {
  LORA_ASSIGN(Expr * subject, bind_expr(*e.base));
  if (never(subject->types, kEntityTypes | kMapType)) {
    return error("InvalidArgumentType", "a map projection takes a node, a relationship or a map", e.base->span);
  }
  std::vector<Expr*> children{subject};
  std::vector<const NameRef*> names;
  bool all = false;
  for (const ast::MapProjectionEntry& entry : e.entries) {
    Expr* value = nullptr;
    switch (entry.kind) {
      case ast::ProjectionEntryKind::kAllProperties: all = true; continue;
      case ast::ProjectionEntryKind::kProperty:
        value = property_expr(arena_.make<Expr>(*subject), entry.name.text, entry.name.span);
        break;
      case ast::ProjectionEntryKind::kEntry: {
        LORA_ASSIGN(value, bind_expr(*entry.value));
        break;
      }
      case ast::ProjectionEntryKind::kVariable: {
        LORA_ASSIGN(value, bind_variable(entry.name.text, entry.name.span));
        break;
      }
    }
    names.push_back(arena_.name(entry.name.text));
    children.push_back(value);
  }
  Expr* out = make(ExprKind::kMapProjection, e.span, kMapType, children);
  out->names = arena_.array(names);
  out->flag = all;
  return out;
}

// --- access ---------------------------------------------------------------------------------------------------------

Result<Expr*> Binder::bind_property(const ast::Property& e) {
  LORA_ASSIGN(Expr * object, bind_expr(*e.base));
  constexpr TypeSet kHasProperties = kEntityTypes | kMapType | kTemporalTypes | kPointType;
  if (never(object->types, kHasProperties)) {
    std::string message = quoted(text_of(e.base->span)) + " has no properties";
    // openCypher counts paths among the syntax errors and plain values among the type errors.
    if (surely(object->types, kPathType)) {
      message += "; its parts are `nodes(p)` and `relationships(p)`";
      return error("InvalidArgumentType", std::move(message), e.key.span);
    }
    if (surely(object->types, kListType))
      message += "; it is a list, of which one element has them, as in `list[0].key`";
    return type_error("InvalidArgumentType", std::move(message), e.key.span);
  }
  return property_expr(object, e.key.text, e.span);
}

Result<Expr*> Binder::bind_index(const ast::Index& e) {
  LORA_ASSIGN(Expr * object, bind_expr(*e.base));
  LORA_ASSIGN(Expr * index, bind_expr(*e.index));
  if (never(object->types, kListType | kMapType | kEntityTypes)) {
    return type_error("InvalidArgumentType", quoted(text_of(e.base->span)) + " is neither list nor map", e.base->span);
  }
  if (surely(object->types, kListType) && never(index->types, kIntegerType)) {
    return type_error("", "the index of a list must be an integer", e.index->span);
  }
  const bool list = surely(object->types, kListType);
  return make(ExprKind::kIndex, e.span, list ? elements_of(*object) | kNullType : kAnyType, {object, index});
}

Result<Expr*> Binder::bind_slice(const ast::Slice& e) {
  LORA_ASSIGN(Expr * list, bind_expr(*e.base));
  LORA_ASSIGN(Expr * from, bind_optional(e.from));
  LORA_ASSIGN(Expr * to, bind_optional(e.to));
  Expr* out = make(ExprKind::kSlice, e.span, kListType, {list, from, to});
  set_elements(out, elements_of(*list));
  return out;
}

// --- operators ------------------------------------------------------------------------------------------------------

namespace {

char op_char(ast::ChainOp op) {
  switch (op) {
    case ast::ChainOp::kAdd: return '+';
    case ast::ChainOp::kSubtract: return '-';
    case ast::ChainOp::kConcat: return '&';
    case ast::ChainOp::kMultiply: return '*';
    case ast::ChainOp::kDivide: return '/';
    case ast::ChainOp::kModulo: return '%';
    case ast::ChainOp::kPower: return '^';
    default: return 0;
  }
}

char op_char(ast::CompareOp op) {
  switch (op) {
    case ast::CompareOp::kEqual: return '=';
    case ast::CompareOp::kNotEqual: return '!';
    case ast::CompareOp::kLess: return '<';
    case ast::CompareOp::kLessEqual: return 'l';
    case ast::CompareOp::kGreater: return '>';
    case ast::CompareOp::kGreaterEqual: return 'g';
  }
  return '=';
}

// What an operand of an arithmetic operator can be at all.
TypeSet operand_types(char op) {
  switch (op) {
    case '-': return kNumberTypes | kTemporalTypes;
    case '*':
    case '/': return kNumberTypes | kDurationType;
    case '%':
    case '^': return kNumberTypes;
    default: return kAnyType;  // + and || take nearly everything
  }
}

TypeSet result_types(char op, TypeSet a, TypeSet b) {
  if (op == '^') return kFloatType;
  const bool numbers = surely(a, kNumberTypes) && surely(b, kNumberTypes);
  if (numbers && op != '&') {
    if (surely(a, kFloatType) || surely(b, kFloatType)) return kFloatType;
    return surely(a, kIntegerType) && surely(b, kIntegerType) ? kIntegerType : kNumberTypes;
  }
  if (op == '%') return kNumberTypes;
  if (op == '+' || op == '&') {
    if (surely(a, kListType) || surely(b, kListType)) return kListType;
    constexpr TypeSet kScalars = kNumberTypes | kStringType | kBooleanType;
    if ((surely(a, kStringType) && surely(b, kScalars)) || (surely(b, kStringType) && surely(a, kScalars))) {
      return kStringType;
    }
  }
  return kAnyType;
}

}  // namespace

Result<Expr*> Binder::bind_chain(const ast::Chain& e) {
  std::vector<Expr*> operands;
  operands.reserve(e.operands.size());
  const ast::ChainOp first = e.ops[0];
  if (first == ast::ChainOp::kOr || first == ast::ChainOp::kXor || first == ast::ChainOp::kAnd) {
    const std::string_view word = first == ast::ChainOp::kOr ? "OR" : first == ast::ChainOp::kXor ? "XOR" : "AND";
    for (const ast::Expr* operand : e.operands) {
      LORA_ASSIGN(Expr * bound, bind_expr(*operand, true));
      if (never(bound->types, kBooleanType)) {
        return error("InvalidArgumentType", "an operand of " + quoted(word) + " must be a boolean", operand->span);
      }
      operands.push_back(bound);
    }
    const ExprKind kind = first == ast::ChainOp::kOr    ? ExprKind::kOr
                          : first == ast::ChainOp::kXor ? ExprKind::kXor
                                                        : ExprKind::kAnd;
    return make(kind, e.span, kBooleanType, operands);
  }
  std::string ops;
  TypeSet types = 0;
  TypeSet elements = 0;
  for (size_t i = 0; i < e.operands.size(); ++i) {
    LORA_ASSIGN(Expr * bound, bind_expr(*e.operands[i]));
    if (i > 0) ops.push_back(op_char(e.ops[i - 1]));
    const char op = op_char(e.ops[i == 0 ? 0 : i - 1]);
    if (never(bound->types, operand_types(op))) {
      const char shown[2] = {op, 0};
      return error("InvalidArgumentType", quoted(shown) + " does not take " + quoted(text_of(e.operands[i]->span)),
                   e.operands[i]->span);
    }
    // A list gives its elements, anything else becomes one; what may be either may do both.
    elements |= bound->types & ~kListType;
    if (!never(bound->types, kListType)) elements |= elements_of(*bound);
    types = i == 0 ? bound->types : result_types(op, types, bound->types);
    operands.push_back(bound);
  }
  Expr* out = make(ExprKind::kArithmetic, e.span, types, operands);
  out->ops = arena_.text(ops);
  if (surely(types, kListType)) set_elements(out, elements);
  return out;
}

Result<Expr*> Binder::bind_comparison(const ast::Comparison& e) {
  std::vector<Expr*> operands;
  std::string ops;
  for (const ast::Expr* operand : e.operands) {
    LORA_ASSIGN(Expr * bound, bind_expr(*operand));
    operands.push_back(bound);
  }
  for (ast::CompareOp op : e.ops) ops.push_back(op_char(op));
  Expr* out = make(ExprKind::kCompare, e.span, kBooleanType, operands);
  out->ops = arena_.text(ops);
  return out;
}

Result<Expr*> Binder::bind_predicate(const ast::Predicate& e) {
  LORA_ASSIGN(Expr * left, bind_expr(*e.left));
  LORA_ASSIGN(Expr * right, bind_expr(*e.right));
  ExprKind kind = ExprKind::kIn;
  switch (e.op) {
    case ast::PredicateOp::kIn:
      if (never(right->types, kListType)) {
        return error("InvalidArgumentType", "`IN` takes a list on its right", e.right->span);
      }
      break;
    case ast::PredicateOp::kStartsWith: kind = ExprKind::kStartsWith; break;
    case ast::PredicateOp::kEndsWith: kind = ExprKind::kEndsWith; break;
    case ast::PredicateOp::kContains: kind = ExprKind::kContains; break;
    case ast::PredicateOp::kRegex: kind = ExprKind::kRegex; break;
  }
  return make(kind, e.span, kBooleanType, {left, right});
}

Result<Expr*> Binder::bind_unary(const ast::Unary& e) {
  LORA_ASSIGN(Expr * operand, bind_expr(*e.operand, e.op == ast::UnaryOp::kNot));
  if (e.op == ast::UnaryOp::kNot) {
    if (never(operand->types, kBooleanType)) {
      return error("InvalidArgumentType", "`NOT` takes a boolean", e.operand->span);
    }
    return make(ExprKind::kNot, e.span, kBooleanType, {operand});
  }
  if (never(operand->types, kNumberTypes | kDurationType)) {
    return error("InvalidArgumentType", "a sign takes a number", e.operand->span);
  }
  if (e.op == ast::UnaryOp::kPlus) return operand;
  return make(ExprKind::kNegate, e.span, surely(operand->types, kNumberTypes) ? operand->types : kAnyType, {operand});
}

Result<Expr*> Binder::bind_normalized_test(const ast::NormalizedTest& e) {
  static constexpr std::string_view kForms[] = {"NFC", "NFD", "NFKC", "NFKD"};
  LORA_ASSIGN(Expr * operand, bind_expr(*e.operand));
  const Slot local = new_slot();
  Expr* form = constant(Value::string(kForms[static_cast<size_t>(e.form)]), e.span);
  Expr* normal = call("normalize", {slot_expr(local, operand->types, e.span), form}, e.span);
  Expr* test = compare(e.negated ? '!' : '=', slot_expr(local, operand->types, e.span), normal, e.span);
  if (!surely(operand->types, kStringType)) {
    // What is no string is neither normalised nor not.
    auto* is_string = make(ExprKind::kIsType, e.span, kBooleanType, {slot_expr(local, operand->types, e.span)});
    auto* type = arena_.make<TypeExpr>();
    type->types = kStringType;
    type->text = "STRING";
    is_string->type = type;
    test = make(ExprKind::kCase, e.span, kBooleanType, {is_string, test});
  }
  Expr* out = make(ExprKind::kLet, e.span, kBooleanType, {operand, test});
  out->slot = local;
  return out;
}

Result<Expr*> Binder::bind_label_test(const ast::LabelTest& e) {
  LORA_ASSIGN(Expr * operand, bind_expr(*e.operand));
  if (never(operand->types, kEntityTypes)) {
    return error("InvalidArgumentType", "only nodes and relationships have labels and types", e.operand->span);
  }
  return label_condition(operand, *e.labels);
}

Result<Expr*> Binder::bind_cast(const ast::Cast& e) {
  LORA_ASSIGN(Expr * operand, bind_expr(*e.operand));
  LORA_ASSIGN(const TypeExpr* type, bind_type(*e.type));
  const bool lenient = e.form == ast::CastForm::kTryCast;
  Expr* out = make(lenient ? ExprKind::kTryCast : ExprKind::kCast, e.span, type->types | kNullType, {operand});
  out->type = type;
  return out;
}

// --- calls ----------------------------------------------------------------------------------------------------------

Status Binder::check_arguments(std::string_view name, std::span<const ArgSpec> specs, size_t min, size_t max,
                               const std::vector<Expr*>& args, ast::Span span) const {
  constexpr size_t kAnyNumber = 255;
  if (args.size() < min || (max != kAnyNumber && args.size() > max)) {
    const std::string low = std::to_string(min), high = std::to_string(max);
    const std::string wants = min == max ? low : max == kAnyNumber ? "at least " + low : low + " to " + high;
    const bool one = min == 1 && (max == 1 || max == kAnyNumber);
    return error("InvalidNumberOfArguments",
                 quoted(std::string(name) + "()") + " takes " + wants + (one ? " argument" : " arguments") + ", not " +
                     std::to_string(args.size()),
                 span);
  }
  for (size_t i = 0; i < args.size() && !specs.empty(); ++i) {
    const ArgSpec& spec = specs[std::min(i, specs.size() - 1)];
    if (!never(args[i]->types, spec.types)) continue;
    return error("InvalidArgumentType",
                 quoted(std::string(name) + "()") + " does not take " +
                     quoted(query_.text.substr(args[i]->offset, args[i]->length)),
                 {args[i]->offset, args[i]->length});
  }
  return Status();
}

namespace {

bool is_word(std::string_view name, std::string_view word) {
  return name.size() == word.size() && std::equal(name.begin(), name.end(), word.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
         });
}

}  // namespace

Result<Expr*> Binder::bind_call(const ast::FunctionCall& e) {
  const std::string_view name = e.name.text;
  if (const AggregateSpec* aggregate = find_aggregate(name)) {
    return bind_aggregate(*aggregate, name, e.distinct, e.args, e.span);
  }
  const bool exists = is_word(name, "exists");
  if (exists && e.args.size() == 1 && e.args[0]->kind == ast::ExprKind::kPatternPredicate) {
    return bind_expr(*e.args[0], true);
  }
  const FunctionSpec* function = find_function(name);
  if (function == nullptr && !exists && options_.functions != nullptr) {
    function = arena_.keep(options_.functions->find_function(name));
  }
  if (function == nullptr && !exists) {
    std::string nearest(nearest_function(name));
    if (nearest.empty() && options_.functions != nullptr) nearest = options_.functions->nearest_function(name);
    std::string hint = nearest.empty() ? std::string() : "; did you mean " + quoted(nearest) + "?";
    return error("UnknownFunction", "unknown function " + quoted(name) + hint, e.name.span);
  }
  if (e.distinct) {
    return error("InvalidArgumentType", "`DISTINCT` belongs to aggregates, " + quoted(name) + " is none", e.name.span);
  }
  std::vector<Expr*> args;
  args.reserve(e.args.size());
  for (const ast::Expr* arg : e.args) {
    LORA_ASSIGN(Expr * bound, bind_expr(*arg));
    args.push_back(bound);
  }
  if (exists) {
    if (args.size() != 1) {
      return error("InvalidNumberOfArguments", "`exists()` takes 1 argument, not " + std::to_string(args.size()),
                   e.span);
    }
    return make(ExprKind::kIsNotNull, e.span, kBooleanType, args);
  }
  LORA_TRY(check_arguments(name, function->args, function->min_args, function->max_args, args, e.span));
  if (function->type_call != TypeCall::kNone) return bind_type_call(*function, args, e.span);
  TypeSet types = function->result;
  if (is_word(name, "coalesce")) {
    types = 0;
    for (const Expr* arg : args) types |= arg->types;
  } else if ((is_word(name, "head") || is_word(name, "last")) && surely(args[0]->types, kListType)) {
    types = elements_of(*args[0]) | kNullType;
  }
  Expr* out = make(ExprKind::kFunction, e.span, types, args);
  out->function = function;
  if (is_word(name, "nodes")) set_elements(out, kNodeType);
  if (is_word(name, "relationships")) set_elements(out, kRelationshipType);
  if (is_word(name, "labels") || is_word(name, "keys") || is_word(name, "split")) set_elements(out, kStringType);
  if (is_word(name, "range")) set_elements(out, kIntegerType);
  if (is_word(name, "tail")) set_elements(out, elements_of(*args[0]));
  return out;
}

// type.is(x, T), cast.to(x, T) and kin: T is a type, bare or as a text that is written out.
Result<Expr*> Binder::bind_type_call(const FunctionSpec& function, const std::vector<Expr*>& args, ast::Span span) {
  const ast::Span place{args[1]->offset, args[1]->length};
  if (args[1]->kind != ExprKind::kConstant || !args[1]->value->is_string()) {
    return error("InvalidArgumentType",
                 quoted(std::string(function.name) + "()") + " needs a type that is written out, like `INTEGER`",
                 place);
  }
  const std::string_view text = args[1]->value->as_string();
  Arena syntax;
  auto parsed = parse_type(text, syntax);
  if (!parsed.ok()) return error("InvalidArgumentType", quoted(text) + " is no type", place);
  auto type = make_type(**parsed, text, arena_);
  if (!type.ok()) return error("InvalidArgumentType", quoted(text) + " is no type", place);
  const bool is = function.type_call == TypeCall::kIs;
  const ExprKind kind = is                                      ? ExprKind::kIsType
                        : function.type_call == TypeCall::kCast ? ExprKind::kCast
                                                                : ExprKind::kTryCast;
  Expr* out = make(kind, span, is ? kBooleanType : (*type)->types | kNullType, {args[0]});
  out->type = *type;
  if (function.type_call == TypeCall::kCanCast) out = make(ExprKind::kIsNotNull, span, kBooleanType, {out});
  return out;
}

Result<Expr*> Binder::bind_aggregate(const AggregateSpec& spec, std::string_view name, bool distinct,
                                     ast::List<const ast::Expr*> arguments, ast::Span span) {
  if (inside_aggregate_) {
    return error("NestedAggregation", quoted(std::string(name) + "()") + " stands inside another aggregate", span);
  }
  if (aggregates_ == nullptr) {
    return error("InvalidAggregation",
                 quoted(std::string(name) + "()") + " cannot be used here; aggregate in WITH or RETURN", span);
  }
  AggregateSink& sink = *aggregates_;
  sink.used = true;
  std::vector<Expr*> args;
  bool counts_rows = false;  // the argument is never null
  {
    Restore<bool> inside(inside_aggregate_, true);
    Restore<Scope*> scope(scope_, sink.argument_scope != nullptr ? const_cast<Scope*>(sink.argument_scope) : scope_);
    for (const ast::Expr* arg : arguments) {
      LORA_ASSIGN(Expr * bound, bind_expr(*arg));
      args.push_back(bound);
    }
    if (is_word(name, "count") && !distinct && args.size() == 1 && arguments[0]->kind == ast::ExprKind::kVariable) {
      const Variable* v = find(ast::as<ast::Variable>(*arguments[0]).name);
      counts_rows = v != nullptr && !v->nullable;
    }
  }
  const bool star = arguments.empty() && is_word(name, "count") && text_of(span).find('*') != std::string_view::npos;
  if (!star) {
    const size_t min_args = std::max<size_t>(spec.min_args, 1);  // only `count(*)` has none
    LORA_TRY(check_arguments(name, spec.args, min_args, spec.max_args, args, span));
  }
  for (const Expr* arg : args) {
    if (has_random(*arg)) {
      return error("NonConstantExpression", "a random function cannot be used inside an aggregate", span);
    }
  }
  TypeSet types = spec.result;
  if ((is_word(name, "min") || is_word(name, "max")) && !args.empty()) types = args[0]->types | kNullType;
  Expr* aggregate = make(ExprKind::kAggregate, span, types, args);
  aggregate->aggregate = &spec;
  aggregate->flag = distinct;
  Slot slot = sink.known->find(*aggregate);
  if (slot == kNoSlot && sink.frozen) {
    std::vector<Slot> read;
    collect_slots(*aggregate, &read);
    for (Slot s : read) {
      if (!sink.hidden->has(s)) continue;
      return error("UndefinedVariable",
                   quoted(text_of(span)) + " is not projected, and its variables are not visible here", span);
    }
    return error("InvalidAggregation", quoted(text_of(span)) + " is not among the projected aggregates", span);
  }
  if (slot == kNoSlot) {
    slot = new_slot();
    sink.known->add(slot, aggregate);
    if (counts_rows) {
      aggregate = make(ExprKind::kAggregate, span, types, {});
      aggregate->aggregate = &spec;
    }
    sink.list->push_back({slot, aggregate});
  }
  Expr* out = slot_expr(slot, types, span);
  if (spec.name == "collect" && !args.empty()) set_elements(out, args[0]->types);
  return out;
}

// --- CASE -----------------------------------------------------------------------------------------------------------

Result<Expr*> Binder::bind_case(const ast::Case& e) {
  Expr* subject = nullptr;    // what tests compare with: cheap to evaluate again
  Expr* evaluated = nullptr;  // the subject itself, when a kLet has to keep it
  Slot local = kNoSlot;
  if (e.subject != nullptr) {
    LORA_ASSIGN(subject, bind_expr(*e.subject));
    const bool cheap = subject->kind == ExprKind::kSlot || subject->kind == ExprKind::kConstant ||
                       subject->kind == ExprKind::kLiteral || subject->kind == ExprKind::kParameter;
    if (!cheap) {
      evaluated = subject;
      local = new_slot();
      subject = slot_expr(local, evaluated->types, e.subject->span);
    }
  }
  std::vector<Expr*> children;
  TypeSet types = 0;
  for (const ast::CaseBranch& branch : e.branches) {
    std::vector<Expr*> tests;
    for (const ast::CaseTest& test : branch.tests) {
      Expr* bound = nullptr;
      if (e.subject == nullptr) {
        LORA_ASSIGN(bound, bind_condition(*test.expr));
      } else if (test.kind == ast::CaseTestKind::kPartial) {
        Restore<const ast::Expr*> node(case_subject_, e.subject);
        Restore<Expr*> value(case_value_, subject);
        LORA_ASSIGN(bound, bind_expr(*test.expr));
      } else {
        LORA_ASSIGN(Expr * value, bind_expr(*test.expr));
        bound = compare('=', arena_.make<Expr>(*subject), value, test.expr->span);
      }
      tests.push_back(bound);
    }
    children.push_back(tests.size() == 1 ? tests[0] : make(ExprKind::kOr, e.span, kBooleanType, tests));
    LORA_ASSIGN(Expr * result, bind_expr(*branch.result));
    types |= result->types;
    children.push_back(result);
  }
  LORA_ASSIGN(Expr * otherwise, bind_optional(e.otherwise));
  if (otherwise != nullptr) {
    types |= otherwise->types;
    children.push_back(otherwise);
  } else {
    types |= kNullType;
  }
  Expr* out = make(ExprKind::kCase, e.span, types, children);
  out->flag = otherwise != nullptr;
  if (evaluated == nullptr) return out;
  Expr* let = make(ExprKind::kLet, e.span, types, {evaluated, out});
  let->slot = local;
  return let;
}

// --- comprehensions -------------------------------------------------------------------------------------------------

namespace {

Variable local_variable(std::string_view name, Slot slot, TypeSet types) {
  Variable v;
  v.name = name;
  v.slot = slot;
  v.types = types;
  if (surely(types, kNodeType)) v.kind = VariableKind::kNode;
  if (surely(types, kRelationshipType)) v.kind = VariableKind::kRelationship;
  return v;
}

}  // namespace

Result<Expr*> Binder::bind_list_comprehension(const ast::ListComprehension& e) {
  LORA_ASSIGN(Expr * list, bind_expr(*e.list));
  if (never(list->types, kListType)) {
    return error("InvalidArgumentType", "a list comprehension runs over a list", e.list->span);
  }
  const Variable element = local_variable(e.variable.text, new_slot(), elements_of(*list));
  Scope* inner = new_scope(scope_, frame_);
  inner->add(element);
  Restore<Scope*> scope(scope_, inner);
  Restore<AggregateSink*> no_aggregates(aggregates_, nullptr);
  Expr* where = nullptr;
  if (e.where != nullptr) {
    LORA_ASSIGN(where, bind_condition(*e.where));
  }
  LORA_ASSIGN(Expr * result, bind_optional(e.result));
  Expr* out = make(ExprKind::kListComprehension, e.span, kListType, {list, where, result});
  out->slot = element.slot;
  set_elements(out, result != nullptr ? result->types : element.types);
  return out;
}

Result<Expr*> Binder::bind_quantifier(const ast::Quantifier& e) {
  static constexpr char kOps[] = {'a', 'y', 'n', 's'};
  LORA_ASSIGN(Expr * list, bind_expr(*e.list));
  if (never(list->types, kListType)) {
    return error("InvalidArgumentType", "a quantifier runs over a list", e.list->span);
  }
  const Variable element = local_variable(e.variable.text, new_slot(), elements_of(*list));
  Scope* inner = new_scope(scope_, frame_);
  inner->add(element);
  Restore<Scope*> scope(scope_, inner);
  Restore<AggregateSink*> no_aggregates(aggregates_, nullptr);
  LORA_ASSIGN(Expr * where, bind_condition(*e.where));
  Expr* out = make(ExprKind::kQuantifier, e.span, kBooleanType, {list, where});
  out->slot = element.slot;
  out->op = kOps[static_cast<size_t>(e.quantifier)];
  return out;
}

Result<Expr*> Binder::bind_reduce(const ast::Reduce& e) {
  LORA_ASSIGN(Expr * init, bind_expr(*e.init));
  LORA_ASSIGN(Expr * list, bind_expr(*e.list));
  if (never(list->types, kListType)) {
    return error("InvalidArgumentType", "`reduce()` runs over a list", e.list->span);
  }
  const Variable element = local_variable(e.variable.text, new_slot(), elements_of(*list));
  // The accumulator may change its type from step to step.
  const Variable accumulator = local_variable(e.accumulator.text, new_slot(), kAnyType);
  Scope* inner = new_scope(scope_, frame_);
  inner->add(accumulator);
  inner->add(element);
  Restore<Scope*> scope(scope_, inner);
  Restore<AggregateSink*> no_aggregates(aggregates_, nullptr);
  LORA_ASSIGN(Expr * step, bind_expr(*e.step));
  Expr* out = make(ExprKind::kReduce, e.span, init->types | step->types, {init, list, step});
  out->slot = element.slot;
  out->slot2 = accumulator.slot;
  return out;
}

}  // namespace lora::cypher
