#include "cypher/expr/operations.h"

namespace lora::cypher {

Value text_test(ExprKind kind, const Value& x, const Value& y) {
  if (!x.is_string() || !y.is_string()) return Value();
  const std::string_view a = x.as_string();
  const std::string_view b = y.as_string();
  switch (kind) {
    case ExprKind::kStartsWith: return Value::boolean(a.starts_with(b));
    case ExprKind::kEndsWith: return Value::boolean(a.ends_with(b));
    default: return Value::boolean(a.find(b) != std::string_view::npos);
  }
}

}  // namespace lora::cypher
