// Operators of the expression language on single values: what the evaluator's row path calls and its kernels fall back
// to.
//
// Null rules: an operator gives null when an operand is null, unless its comment says otherwise.
// Errors are openCypher's: TypeError/InvalidArgumentType for operands of the wrong type, ArithmeticError for overflow
// and division by an integer zero.
#pragma once

#include <string>
#include <string_view>

#include "cypher/expr/expression.h"

namespace lora::cypher {

// TypeError at run time; `detail` is empty where openCypher has no word for it.
Status type_error(std::string_view detail, std::string message);
Status operand_error(std::string_view op, const Value& a, const Value& b);
// A value for an error text: shortened, entities by id.
std::string describe(const Value& v);

// --- arithmetic.cpp ---
// op: + - * / % ^ and & for `||`.
Status arithmetic(char op, const Value& a, const Value& b, Value* out);
// Charges what two strings or lists take together, before they are put together.
Status charge_joined(EvalContext& context, const Value& a, const Value& b);
// A list or a text that grows by `+` or `||`: a long chain of them copies each part once. The same values as one step
// of arithmetic() after the other.
class Joining {
 public:
  static bool takes(const Value& first) { return first.is_list() || first.is_string(); }
  explicit Joining(const Value& first);
  // False, with nothing done: this step is none of joining (null, another operator, an operand of another type).
  bool add(char op, const Value& v);
  Value finish();

 private:
  bool list_;
  List items_;
  std::string text_;
};
Status negate(const Value& a, Value* out);
// Exact 64-bit integer arithmetic; false: overflow or division by zero.
bool integer_arithmetic(char op, int64_t a, int64_t b, int64_t* out);
// + - * / %, and power for anything else.
double float_arithmetic(char op, double a, double b);
Status integer_error(char op, int64_t a, int64_t b);

// --- compare.cpp ---
// The comparison with its sides exchanged: `b mirrored(op) a` for `a op b`; op as of compare_values().
char mirrored(char op);
Ternary ternary_and(Ternary a, Ternary b);
Ternary ternary_or(Ternary a, Ternary b);
Ternary ternary_xor(Ternary a, Ternary b);
Ternary ternary_not(Ternary a);
// A boolean or null as a truth value; TypeError otherwise.
Status truth_of(const Value& v, std::string_view where, Ternary* out);

// --- list_ops.cpp ---
inline constexpr size_t kContainerBytes = 64;  // a list or map without its items
inline constexpr size_t list_bytes(size_t items) {
  return kContainerBytes + items * sizeof(Value);
}
Status in_list(const Value& x, const Value& list, Value* out);
// object[index] of lists, maps, nodes and relationships.
Status element_at(EvalContext& context, const Value& object, const Value& index, Value* out);
// list[from..to]; `from` or `to` may be null pointers (open ends); a null Value gives null.
Status slice(const Value& list, const Value* from, const Value* to, Value* out);

// --- access.cpp ---
std::optional<LabelId> resolve_label(const graph::Reader& reader, const NameRef& name);
std::optional<RelTypeId> resolve_rel_type(const graph::Reader& reader, const NameRef& name);
std::optional<KeyId> resolve_key(const graph::Reader& reader, const NameRef& name);
Status deleted_access_error(const Value& entity);
// OK unless the open transaction has deleted the entity.
Status check_not_deleted(EvalContext& context, const Value& entity);
Status property_of(EvalContext& context, const Value& object, const NameRef& key, Value* out);
// The same for a key known at run time only.
Status property_by_name(EvalContext& context, const Value& object, std::string_view key, Value* out);
// All properties of an entity, or the map itself, as a map; null for null.
Status properties_map(EvalContext& context, const Value& object, Value* out);
Status has_labels(EvalContext& context, const Value& entity, const LabelExpr& labels, Value* out);

// --- cast.cpp ---
bool is_of_type(const Value& v, const TypeExpr& type);
// v::T, CAST(v AS T). `lenient` (TRY_CAST): null where there is no conversion.
Status cast_value(EvalContext& context, const Value& v, const TypeExpr& type, bool lenient, Value* out);

// --- text.cpp ---
// kStartsWith, kEndsWith, kContains; null unless both are strings.
Value text_test(ExprKind kind, const Value& x, const Value& y);

}  // namespace lora::cypher
