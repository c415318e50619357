#include "cypher/expr/operations.h"

namespace lora::cypher {

namespace {

bool has_type(const TypeExpr& type, ValueType t) {
  return (type.types & type_bit(t)) != 0;
}

bool vector_fits(const VectorValue& v, const TypeExpr& type) {
  return (type.vector_dimension == 0 || v.dimension() == type.vector_dimension) &&
         (type.vector_type < 0 || static_cast<int8_t>(v.type) == type.vector_type);
}

bool elements_fit(const List& items, std::span<TypeExpr* const> elements) {
  if (elements.empty()) return true;
  // LIST<A> | LIST<B>: one of them must hold for all elements.
  for (const TypeExpr* element : elements) {
    bool all = true;
    for (const Value& item : items) {
      if (!is_of_type(item, *element)) {
        all = false;
        break;
      }
    }
    if (all) return true;
  }
  return false;
}

// The function that converts to `type`, or null pointer. Looked up once.
const FunctionSpec* converter_to(ValueType type) {
  struct Converters {
    const FunctionSpec* by_type[32] = {};
    Converters() {
      const std::pair<ValueType, std::string_view> names[] = {
          {ValueType::kInteger, "toInteger"}, {ValueType::kFloat, "toFloat"},
          {ValueType::kBoolean, "toBoolean"}, {ValueType::kString, "toString"},
          {ValueType::kDate, "date"},         {ValueType::kLocalTime, "localtime"},
          {ValueType::kTime, "time"},         {ValueType::kLocalDateTime, "localdatetime"},
          {ValueType::kDateTime, "datetime"}, {ValueType::kDuration, "duration"},
          {ValueType::kPoint, "point"}};
      for (const auto& [t, name] : names) by_type[static_cast<size_t>(t)] = find_function(name);
    }
  };
  static const Converters converters;
  return converters.by_type[static_cast<size_t>(type)];
}

bool convertible_source(const Value& v, ValueType to) {
  switch (to) {
    case ValueType::kDate:
    case ValueType::kLocalTime:
    case ValueType::kTime:
    case ValueType::kLocalDateTime:
    case ValueType::kDateTime:
      return v.is_string() || v.is_map() || (v.is_temporal() && v.type() != ValueType::kDuration);
    case ValueType::kDuration: return v.is_string() || v.is_map();
    case ValueType::kPoint: return v.is_map();
    default: return !v.is_list() && !v.is_map() && !v.is_node() && !v.is_relationship() && !v.is_path();
  }
}

Status cast_error(const Value& v, const TypeExpr& type) {
  return type_error("InvalidArgumentValue", describe(v) + " cannot be cast to `" + std::string(type.text) + "`");
}

// *done: a conversion was found.
Status convert(EvalContext& context, const Value& v, const TypeExpr& type, Value* out, bool* done) {
  *done = false;
  for (size_t t = 1; t < 19; ++t) {
    const auto to = static_cast<ValueType>(t);
    if (!has_type(type, to)) continue;
    if (to == ValueType::kList && v.is_list() && !type.elements.empty()) {
      List items;
      items.reserve(v.as_list().size());
      bool all = true;
      for (const Value& item : v.as_list()) {
        Value converted;
        const Status s = cast_value(context, item, *type.elements[0], false, &converted);
        if (!s.ok()) {
          all = false;
          break;
        }
        items.push_back(std::move(converted));
      }
      if (all) {
        *out = Value::list(std::move(items));
        *done = true;
        return Status();
      }
      continue;
    }
    const FunctionSpec* converter = converter_to(to);
    if (converter == nullptr || !convertible_source(v, to)) continue;
    Value converted;
    const Status s = converter->function(context, {&v, 1}, &converted);
    if (s.ok() && !converted.is_null()) {
      *out = std::move(converted);
      *done = true;
      return Status();
    }
  }
  return Status();
}

}  // namespace

bool is_of_type(const Value& v, const TypeExpr& type) {
  if (v.is_null()) return !type.not_null;
  if (type.any_property && is_storable(v)) return true;
  if (!has_type(type, v.type())) return false;
  if (v.is_list()) return elements_fit(v.as_list(), type.elements);
  if (v.type() == ValueType::kVector) return vector_fits(v.as_vector(), type);
  return true;
}

Status cast_value(EvalContext& context, const Value& v, const TypeExpr& type, bool lenient, Value* out) {
  if (v.is_null()) {
    *out = Value();
    return type.not_null && !lenient ? cast_error(v, type) : Status();
  }
  if (is_of_type(v, type)) {
    Value same = v;
    *out = std::move(same);
    return Status();
  }
  bool done = false;
  Value converted;
  LORA_TRY(convert(context, v, type, &converted, &done));
  *out = std::move(converted);
  return done || lenient ? Status() : cast_error(v, type);
}

}  // namespace lora::cypher
