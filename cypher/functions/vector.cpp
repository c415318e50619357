// Functions of vectors.
#include "graph/vector.h"

#include <optional>
#include <string>

#include "cypher/functions/families.h"

namespace lora::cypher {

namespace {

Status assign(Result<Value>&& result, Value* out) {
  LORA_ASSIGN(*out, std::move(result));
  return Status();
}

Status unknown(std::string_view what, std::string_view name, std::string_view known) {
  return Status::runtime(ErrorCode::kInvalidVector, "ArgumentError", "InvalidArgumentValue",
                         "unknown " + std::string(what) + " `" + std::string(name) + "`; use " + std::string(known));
}

// vector(values, dimension, type); the binder hands a bare type name over as text.
Status make(EvalContext&, std::span<const Value> args, Value* out) {
  const std::optional<VectorType> type = vectors::find_type(args[2].as_string());
  if (!type) {
    return unknown("coordinate type", args[2].as_string(),
                   "FLOAT64, FLOAT32, INTEGER, INTEGER32, INTEGER16 or INTEGER8");
  }
  return assign(vectors::make(args[0], args[1].as_integer(), *type), out);
}

Status find_metric(const Value& name, vectors::Metric* metric) {
  const auto found = vectors::find_metric(name.as_string());
  if (!found) {
    return unknown("metric", name.as_string(), "EUCLIDEAN, EUCLIDEAN_SQUARED, MANHATTAN, COSINE, DOT or HAMMING");
  }
  *metric = *found;
  return Status();
}

Status distance(EvalContext&, std::span<const Value> args, Value* out) {
  vectors::Metric metric;
  LORA_TRY(find_metric(args[2], &metric));
  return assign(vectors::distance(args[0], args[1], metric), out);
}

Status norm(EvalContext&, std::span<const Value> args, Value* out) {
  vectors::Metric metric;
  LORA_TRY(find_metric(args[1], &metric));
  return assign(vectors::norm(args[0], metric), out);
}

template <Result<Value> (*function)(const Value&, const Value&)>
Status similarity(EvalContext&, std::span<const Value> args, Value* out) {
  return assign(function(args[0], args[1]), out);
}

Status dimension(EvalContext&, std::span<const Value> args, Value* out) {
  *out = Value::integer(static_cast<int64_t>(args[0].as_vector().dimension()));
  return Status();
}

}  // namespace

std::span<const FunctionSpec> vector_functions() {
  constexpr std::string_view kCategory = "Vector";
  constexpr auto kPure = Purity::kPure;
  constexpr auto kNull = NullRule::kNullIfAnyNull;
  constexpr TypeSet kCoordinates = kVectorType | kListType;
  static const std::vector<FunctionSpec> table = {
      {"vector",
       {},
       {{"values", kListType | kStringType}, {"dimension", kIntegerType}, {"type", kStringType}},
       3,
       3,
       kVectorType,
       kPure,
       kNull,
       kCategory,
       "A vector of coordinates of one type.",
       "vector.dimension(vector([1, 2, 3], 3, 'INTEGER8'))",
       "3",
       make},
      {"vector.dimension",
       {"vector_dimension_count"},
       {{"vector", kVectorType}},
       1,
       1,
       kIntegerType,
       kPure,
       kNull,
       kCategory,
       "The number of coordinates.",
       "vector.dimension(vector([1, 2], 2, 'FLOAT32'))",
       "2",
       dimension},
      {"vector.distance",
       {"vector_distance"},
       {{"a", kCoordinates}, {"b", kCoordinates}, {"metric", kStringType}},
       3,
       3,
       kFloatType,
       kPure,
       kNull,
       kCategory,
       "The distance of two vectors by a metric.",
       "vector.distance([0, 0], [3, 4], 'EUCLIDEAN')",
       "5.0",
       distance},
      {"vector.norm",
       {"vector_norm"},
       {{"vector", kCoordinates}, {"metric", kStringType}},
       2,
       2,
       kFloatType,
       kPure,
       kNull,
       kCategory,
       "The length of a vector by a metric.",
       "vector.norm([3, 4], 'EUCLIDEAN')",
       "5.0",
       norm},
      {"vector.similarity.cosine",
       {},
       {{"a", kCoordinates}, {"b", kCoordinates}},
       2,
       2,
       kFloatType,
       kPure,
       kNull,
       kCategory,
       "How alike two directions are, from 0 to 1.",
       "vector.similarity.cosine([1, 0], [1, 0])",
       "1.0",
       similarity<vectors::similarity_cosine>},
      {"vector.similarity.euclidean",
       {},
       {{"a", kCoordinates}, {"b", kCoordinates}},
       2,
       2,
       kFloatType,
       kPure,
       kNull,
       kCategory,
       "How near two vectors are, from 0 to 1.",
       "vector.similarity.euclidean([1, 0], [1, 0])",
       "1.0",
       similarity<vectors::similarity_euclidean>},
  };
  return table;
}

}  // namespace lora::cypher
