// What works on values of many kinds (`value`, `type`, `cast`), and the rest of `node`, `edge` and `vector`.
#include "cypher/functions/row.h"
#include "graph/vector.h"

namespace lora::cypher {

namespace {

Status assign(Result<Value>&& result, Value* out) {
  LORA_ASSIGN(*out, std::move(result));
  return Status();
}

Status similarity(EvalContext&, Args args, Value* out) {
  const auto metric = vectors::find_metric(args.size() > 2 ? args[2].as_string() : "COSINE");
  if (metric == vectors::Metric::kCosine) return assign(vectors::similarity_cosine(args[0], args[1]), out);
  if (metric == vectors::Metric::kEuclidean) return assign(vectors::similarity_euclidean(args[0], args[1]), out);
  return Status::runtime(ErrorCode::kInvalidVector, "ArgumentError", "InvalidArgumentValue",
                         "unknown similarity `" + std::string(args[2].as_string()) + "`; use COSINE or EUCLIDEAN");
}

// The coordinates as a list, of a vector's own type or, converted, of another.
Status coordinates(EvalContext& context, Args args, Value* out) {
  const auto type = vectors::find_type(args[1].as_string());
  if (!type) {
    return Status::runtime(ErrorCode::kInvalidVector, "ArgumentError", "InvalidArgumentValue",
                           "unknown coordinate type `" + std::string(args[1].as_string()) +
                               "`; use FLOAT64, FLOAT32, INTEGER, INTEGER32, INTEGER16 or INTEGER8");
  }
  const Value list = args[0].is_list() ? args[0] : vectors::coordinates(args[0].as_vector());
  LORA_ASSIGN(const Value converted, vectors::make(list, static_cast<int64_t>(list.as_list().size()), *type));
  LORA_TRY(context.control->charge_made(list.as_list().size() * sizeof(Value)));
  *out = vectors::coordinates(converted.as_vector());
  return Status();
}

FunctionSpec turned_into(TypeCall call, FunctionSpec row) {
  row.type_call = call;
  row.null_rule = NullRule::kCalled;
  return row;
}

}  // namespace

std::span<const FunctionSpec> value_functions() {
  const RowMaker row("Value"), vector("Vector");
  constexpr TypeSet kCoordinates = kVectorType | kListType;
  constexpr TypeSet kNullable = type_bit(ValueType::kNull);
  const ArgSpec value{"value"}, type{"type", kStringType};
  static const std::vector<FunctionSpec> table = {
      turned_into(TypeCall::kIs, row("type.is", {value, type}, 2, kBooleanType, "Whether a value is of a type.",
                                     "type.is(1, INTEGER)", "true", nullptr)),
      turned_into(TypeCall::kCast, row("cast.to", {value, type}, 2, kAnyType, "A value as one of another type.",
                                       "cast.to('42', INTEGER)", "42", nullptr)),
      turned_into(TypeCall::kTryCast, row("cast.try", {value, type}, 2, kAnyType,
                                          "A value as one of another type; null where that cannot be.",
                                          "cast.try('x', INTEGER)", "null", nullptr)),
      turned_into(TypeCall::kCanCast, row("cast.can", {value, type}, 2, kBooleanType | kNullable,
                                          "Whether a value can be one of another type; false for null.",
                                          "cast.can('42', 'INTEGER')", "true", nullptr)),
      vector("vector.similarity", {{"a", kCoordinates}, {"b", kCoordinates}, {"metric", kStringType}}, 2, kFloatType,
             "How alike two vectors are, 0 to 1: COSINE (unless given) or EUCLIDEAN.",
             "vector.similarity([1, 0], [0, 1])", "0.5", similarity),
      vector("vector.coordinates", {{"vector", kCoordinates}, type}, 2, kListType,
             "The coordinates as a list, as numbers of a coordinate type.",
             "vector.coordinates(vector([1, 2], 2, FLOAT32), INTEGER)", "[1, 2]", coordinates),
  };
  return table;
}

}  // namespace lora::cypher
