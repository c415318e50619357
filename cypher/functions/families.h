// The tables of functions, one per family file; registry.cpp joins them.
#pragma once

#include <span>

#include "cypher/functions/function.h"

namespace lora::cypher {

std::span<const FunctionSpec> bytes_functions();
std::span<const FunctionSpec> calendar_functions();
std::span<const FunctionSpec> collection_functions();
std::span<const FunctionSpec> conversion_functions();
std::span<const FunctionSpec> encoding_functions();
std::span<const FunctionSpec> entity_functions();
std::span<const FunctionSpec> list_functions();
std::span<const FunctionSpec> map_functions();
std::span<const FunctionSpec> math_functions();
std::span<const FunctionSpec> number_functions();
std::span<const FunctionSpec> spatial_functions();
std::span<const FunctionSpec> string_functions();
std::span<const FunctionSpec> temporal_functions();
std::span<const FunctionSpec> text_functions();
std::span<const FunctionSpec> value_functions();
std::span<const FunctionSpec> vector_functions();
std::span<const AggregateSpec> aggregate_functions();

// Errors that many functions share, in openCypher's words.
Status argument_type_error(std::string_view function, const Value& value);  // TypeError, InvalidArgumentValue
Status number_out_of_range(std::string message);                            // ArgumentError, NumberOutOfRange
Status overflow_error(std::string_view operation);                          // ArithmeticError

// A row with other bodies beside its function.
inline FunctionSpec with_typed(TypedBodies typed, FunctionSpec row) {
  row.typed = typed;
  return row;
}

// How many characters (code points) a text has.
int64_t code_points(std::string_view text);

inline constexpr TypeSet kStringType = type_bit(ValueType::kString);
inline constexpr TypeSet kIntegerType = type_bit(ValueType::kInteger);
inline constexpr TypeSet kFloatType = type_bit(ValueType::kFloat);
inline constexpr TypeSet kBooleanType = type_bit(ValueType::kBoolean);
inline constexpr TypeSet kListType = type_bit(ValueType::kList);
inline constexpr TypeSet kMapType = type_bit(ValueType::kMap);
inline constexpr TypeSet kNodeType = type_bit(ValueType::kNode);
inline constexpr TypeSet kRelationshipType = type_bit(ValueType::kRelationship);
inline constexpr TypeSet kPathType = type_bit(ValueType::kPath);
inline constexpr TypeSet kPointType = type_bit(ValueType::kPoint);
inline constexpr TypeSet kDurationType = type_bit(ValueType::kDuration);
inline constexpr TypeSet kVectorType = type_bit(ValueType::kVector);
inline constexpr TypeSet kInstantTypes = type_bit(ValueType::kDate) | type_bit(ValueType::kLocalTime) |
                                         type_bit(ValueType::kTime) | type_bit(ValueType::kLocalDateTime) |
                                         type_bit(ValueType::kDateTime);
inline constexpr TypeSet kTemporalTypes = kInstantTypes | kDurationType;

}  // namespace lora::cypher
