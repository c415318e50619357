#include "cypher/expr/operations.h"

namespace lora::cypher {

char mirrored(char op) {
  switch (op) {
    case '<': return '>';
    case '>': return '<';
    case 'l': return 'g';
    case 'g': return 'l';
    default: return op;
  }
}

Ternary ternary_and(Ternary a, Ternary b) {
  if (a == Ternary::kFalse || b == Ternary::kFalse) return Ternary::kFalse;
  return a == Ternary::kNull || b == Ternary::kNull ? Ternary::kNull : Ternary::kTrue;
}

Ternary ternary_or(Ternary a, Ternary b) {
  if (a == Ternary::kTrue || b == Ternary::kTrue) return Ternary::kTrue;
  return a == Ternary::kNull || b == Ternary::kNull ? Ternary::kNull : Ternary::kFalse;
}

Ternary ternary_xor(Ternary a, Ternary b) {
  if (a == Ternary::kNull || b == Ternary::kNull) return Ternary::kNull;
  return ternary(a != b);
}

Ternary ternary_not(Ternary a) {
  return a == Ternary::kNull ? a : ternary(a == Ternary::kFalse);
}

Status truth_of(const Value& v, std::string_view where, Ternary* out) {
  if (v.is_boolean()) {
    *out = ternary(v.as_boolean());
    return Status();
  }
  if (v.is_null()) {
    *out = Ternary::kNull;
    return Status();
  }
  return type_error("InvalidArgumentType", "expected a boolean " + std::string(where) + ", got " + describe(v));
}

}  // namespace lora::cypher
