// Vectors: making, similarity, distance, norm.
//
// Similarities lie in 0 to 1: cosine (1 + cos) / 2, euclidean 1 / (1 + d^2). Sums are in double precision.
// Errors: code LORA_INVALID_VECTOR (type TypeError, detail InvalidArgumentType or InvalidArgumentValue) for bad
// coordinates, types, dimensions; null arguments give null in the functions that take Values.
// Threads: free functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "graph/value.h"
#include "kv/status.h"

namespace lora::vectors {

inline constexpr size_t kDimensionMax = 4096;

// "FLOAT64", "FLOAT32", "INTEGER", "INTEGER32", "INTEGER16", "INTEGER8".
std::string_view type_name(VectorType type);
// The names above, FLOAT, INT, INT64, INTEGER64, INT32, INT16, INT8, SIGNED INTEGER, without regard to case.
std::optional<VectorType> find_type(std::string_view name);

// vector(values, dimension, type): `values` a list of numbers or its text "[1, 2, 3]". Floats become integers by
// truncation; a coordinate that does not fit into the type, NaN or infinity is an error. An absent dimension is the
// number of values.
Result<Value> make(const Value& values, std::optional<int64_t> dimension, VectorType type);
// Checks what came from outside (a file, a parameter): dimension, ranges, float32 precision.
Status check(const VectorValue& vector);
// The coordinates as numbers of their type.
Value coordinates(const VectorValue& vector);

enum class Metric : uint8_t { kEuclidean, kEuclideanSquared, kManhattan, kCosine, kDot, kHamming };
std::optional<Metric> find_metric(std::string_view name);  // EUCLIDEAN, EUCLIDEAN_SQUARED, ... without regard to case
std::string_view metric_name(Metric metric);

// Distance: COSINE is 1 - cos, DOT the negated dot product, HAMMING the number of differing coordinates.
// Arguments: vectors or lists of numbers, of one dimension. Null when one is null.
Result<Value> distance(const Value& a, const Value& b, Metric metric);
Result<Value> similarity_cosine(const Value& a, const Value& b);
Result<Value> similarity_euclidean(const Value& a, const Value& b);
// EUCLIDEAN: root of the sum of squares; MANHATTAN: sum of absolute values. Other metrics are an error.
Result<Value> norm(const Value& a, Metric metric);

// The arithmetic below it all, for indexes; both spans have the same size.
double dot(std::span<const float> a, std::span<const float> b);
double squared_distance(std::span<const float> a, std::span<const float> b);
// Coordinates of a vector or a list of numbers as doubles or floats; false when it is neither.
bool read_coordinates(const Value& value, std::vector<double>* out);
bool read_coordinates(const Value& value, std::vector<float>* out);

}  // namespace lora::vectors
