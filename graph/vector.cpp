#include "graph/vector.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

namespace lora::vectors {
namespace {

Status invalid(std::string_view detail, std::string message) {
  return Status::runtime(ErrorCode::kInvalidVector, "TypeError", detail, std::move(message));
}
Status invalid_type(std::string message) {
  return invalid("InvalidArgumentType", std::move(message));
}
Status invalid_value(std::string message) {
  return invalid("InvalidArgumentValue", std::move(message));
}

std::string upper_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') {
      c = static_cast<char>(c & ~0x20);
    }
  }
  return result;
}

bool is_float_type(VectorType type) {
  return type <= VectorType::kFloat32;
}

struct IntegerRange {
  int64_t low, high;
};
IntegerRange range_of(VectorType type) {
  switch (type) {
    case VectorType::kInteger8: return {-128, 127};
    case VectorType::kInteger16: return {-32'768, 32'767};
    case VectorType::kInteger32: return {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
    default: return {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
  }
}

Status out_of_range(VectorType type, size_t at) {
  return invalid_value("coordinate " + std::to_string(at) + " does not fit into `" + std::string(type_name(type)) +
                       "`");
}

Status append_coordinate(VectorValue* vector, const Value& value, size_t at) {
  if (!value.is_number()) {
    return invalid_type("coordinate " + std::to_string(at) + " is of type " +
                        std::string(value_type_name(value.type())) + "; a vector holds numbers");
  }
  if (is_float_type(vector->type)) {
    double number = value.as_number();
    if (vector->type == VectorType::kFloat32) {
      if (std::fabs(number) > static_cast<double>(std::numeric_limits<float>::max())) {
        return out_of_range(vector->type, at);
      }
      number = static_cast<double>(static_cast<float>(number));
    }
    if (!std::isfinite(number)) {
      return invalid_value("coordinate " + std::to_string(at) + " is not finite");
    }
    vector->floats.push_back(number);
    return Status();
  }
  int64_t number = 0;
  if (value.is_integer()) {
    number = value.as_integer();
  } else {
    const double whole = std::trunc(value.as_float());
    if (!(whole >= -0x1p63 && whole < 0x1p63)) {
      return out_of_range(vector->type, at);
    }
    number = static_cast<int64_t>(whole);
  }
  const IntegerRange range = range_of(vector->type);
  if (number < range.low || number > range.high) {
    return out_of_range(vector->type, at);
  }
  vector->integers.push_back(number);
  return Status();
}

// "[1, 2.5, -3e2]"
Result<List> parse_list(std::string_view text) {
  const auto blank = [&text] {
    while (!text.empty() && (text[0] == ' ' || text[0] == '\t' || text[0] == '\n' || text[0] == '\r')) {
      text.remove_prefix(1);
    }
  };
  const auto bad = [whole = text] {
    return invalid_value("`" + std::string(whole.substr(0, 100)) +
                         "` is not a list of numbers; write it as [1, 2.5, 3]");
  };
  List items;
  blank();
  if (text.empty() || text[0] != '[') {
    return bad();
  }
  text.remove_prefix(1);
  blank();
  while (!text.empty() && text[0] != ']') {
    int64_t integer = 0;
    double number = 0;
    const char* end = text.data() + text.size();
    const auto as_integer = std::from_chars(text.data(), end, integer);
    const auto as_float = std::from_chars(text.data(), end, number);
    if (as_float.ec != std::errc()) {
      return bad();
    }
    const bool whole = as_integer.ec == std::errc() && as_integer.ptr == as_float.ptr;
    items.push_back(whole ? Value::integer(integer) : Value::floating(number));
    if (items.size() > kDimensionMax) {
      break;
    }
    text.remove_prefix(static_cast<size_t>(as_float.ptr - text.data()));
    blank();
    if (!text.empty() && text[0] == ',') {
      text.remove_prefix(1);
      blank();
      if (!text.empty() && text[0] == ']') {
        return bad();
      }
    } else if (text.empty() || text[0] != ']') {
      return bad();
    }
  }
  if (items.size() <= kDimensionMax) {
    if (text.empty()) {
      return bad();
    }
    text.remove_prefix(1);
    blank();
    if (!text.empty()) {
      return bad();
    }
  }
  return items;
}

Status check_dimension(size_t count) {
  if (count >= 1 && count <= kDimensionMax) {
    return Status();
  }
  return invalid_value("a vector cannot have " + std::to_string(count) + " coordinates; the dimension is 1 to " +
                       std::to_string(kDimensionMax));
}

}  // namespace

std::string_view type_name(VectorType type) {
  switch (type) {
    case VectorType::kFloat64: return "FLOAT64";
    case VectorType::kFloat32: return "FLOAT32";
    case VectorType::kInteger64: return "INTEGER";
    case VectorType::kInteger32: return "INTEGER32";
    case VectorType::kInteger16: return "INTEGER16";
    case VectorType::kInteger8: return "INTEGER8";
  }
  return "UNKNOWN";
}

std::optional<VectorType> find_type(std::string_view name) {
  const std::string key = upper_case(name);
  if (key == "FLOAT64" || key == "FLOAT") return VectorType::kFloat64;
  if (key == "FLOAT32") return VectorType::kFloat32;
  if (key == "INTEGER" || key == "INTEGER64" || key == "INT" || key == "INT64" || key == "SIGNED INTEGER") {
    return VectorType::kInteger64;
  }
  if (key == "INTEGER32" || key == "INT32") return VectorType::kInteger32;
  if (key == "INTEGER16" || key == "INT16") return VectorType::kInteger16;
  if (key == "INTEGER8" || key == "INT8") return VectorType::kInteger8;
  return std::nullopt;
}

Result<Value> make(const Value& values, std::optional<int64_t> dimension, VectorType type) {
  if (values.is_null()) {
    return Value();
  }
  List parsed;
  const List* items = nullptr;
  if (values.is_string()) {
    LORA_ASSIGN(parsed, parse_list(values.as_string()));
    items = &parsed;
  } else if (values.is_list()) {
    items = &values.as_list();
  } else if (values.type() == ValueType::kVector) {
    parsed = coordinates(values.as_vector()).as_list();
    items = &parsed;
  } else {
    return invalid_type("a vector is made from a list of numbers, not from a value of type " +
                        std::string(value_type_name(values.type())));
  }
  LORA_TRY(check_dimension(items->size()));
  if (dimension && *dimension != static_cast<int64_t>(items->size())) {
    return invalid_value("the dimension is `" + std::to_string(*dimension) + "`, but there are " +
                         std::to_string(items->size()) + " values");
  }
  VectorValue vector;
  vector.type = type;
  for (size_t i = 0; i < items->size(); ++i) {
    LORA_TRY(append_coordinate(&vector, (*items)[i], i));
  }
  return Value::vector(std::move(vector));
}

Status check(const VectorValue& vector) {
  LORA_TRY(check_dimension(vector.dimension()));
  for (size_t i = 0; i < vector.floats.size() && is_float_type(vector.type); ++i) {
    const double d = vector.floats[i];
    if (!std::isfinite(d)) {
      return invalid_value("coordinate " + std::to_string(i) + " is not finite");
    }
    if (vector.type == VectorType::kFloat32 && (std::fabs(d) > static_cast<double>(std::numeric_limits<float>::max()) ||
                                                static_cast<double>(static_cast<float>(d)) != d)) {
      return out_of_range(vector.type, i);
    }
  }
  const IntegerRange range = range_of(vector.type);
  for (size_t i = 0; i < vector.integers.size() && !is_float_type(vector.type); ++i) {
    if (vector.integers[i] < range.low || vector.integers[i] > range.high) {
      return out_of_range(vector.type, i);
    }
  }
  return Status();
}

Value coordinates(const VectorValue& vector) {
  List items;
  items.reserve(vector.dimension());
  if (is_float_type(vector.type)) {
    for (const double d : vector.floats) {
      items.push_back(Value::floating(d));
    }
  } else {
    for (const int64_t i : vector.integers) {
      items.push_back(Value::integer(i));
    }
  }
  return Value::list(std::move(items));
}

namespace {
struct MetricName {
  std::string_view name;
  Metric metric;
};
constexpr MetricName kMetrics[] = {{"EUCLIDEAN", Metric::kEuclidean},
                                   {"EUCLIDEAN_SQUARED", Metric::kEuclideanSquared},
                                   {"MANHATTAN", Metric::kManhattan},
                                   {"COSINE", Metric::kCosine},
                                   {"DOT", Metric::kDot},
                                   {"HAMMING", Metric::kHamming}};
}  // namespace

std::optional<Metric> find_metric(std::string_view name) {
  const std::string key = upper_case(name);
  for (const auto& [known, metric] : kMetrics) {
    if (known == key) {
      return metric;
    }
  }
  return std::nullopt;
}

std::string_view metric_name(Metric metric) {
  return kMetrics[static_cast<size_t>(metric)].name;
}

namespace {

template <typename Number>
bool read_into(const Value& value, std::vector<Number>* out) {
  out->clear();
  if (value.type() == ValueType::kVector) {
    const VectorValue& vector = value.as_vector();
    out->reserve(vector.dimension());
    for (size_t i = 0; i < vector.dimension(); ++i) {
      out->push_back(static_cast<Number>(vector.at(i)));
    }
    return true;
  }
  if (!value.is_list()) {
    return false;
  }
  out->reserve(value.as_list().size());
  for (const Value& item : value.as_list()) {
    if (!item.is_number()) {
      return false;
    }
    out->push_back(static_cast<Number>(item.as_number()));
  }
  return true;
}

// Two operands as doubles; empty() when one is null.
struct Operands {
  std::vector<double> a, b;
};

Status not_a_vector(const Value& value) {
  return invalid_type("a value of type " + std::string(value_type_name(value.type())) +
                      " is not a vector or a list of numbers");
}

Result<Operands> operands(const Value& a, const Value& b) {
  Operands both;
  if (!read_into(a, &both.a)) return not_a_vector(a);
  if (!read_into(b, &both.b)) return not_a_vector(b);
  if (both.a.size() != both.b.size()) {
    return invalid_value("the vectors have different dimensions, `" + std::to_string(both.a.size()) + "` and `" +
                         std::to_string(both.b.size()) + "`");
  }
  LORA_TRY(check_dimension(both.a.size()));
  return both;
}

double dot_of(const Operands& v) {
  double sum = 0;
  for (size_t i = 0; i < v.a.size(); ++i) {
    sum += v.a[i] * v.b[i];
  }
  return sum;
}

double squared_of(const Operands& v) {
  double sum = 0;
  for (size_t i = 0; i < v.a.size(); ++i) {
    sum += (v.a[i] - v.b[i]) * (v.a[i] - v.b[i]);
  }
  return sum;
}

double length_of(const std::vector<double>& v) {
  double sum = 0;
  for (const double d : v) {
    sum += d * d;
  }
  return std::sqrt(sum);
}

// Without an angle when one vector is all zero (or too large to square).
std::optional<double> cosine_of(const Operands& v) {
  const double lengths = length_of(v.a) * length_of(v.b);
  const double cosine = dot_of(v) / lengths;
  if (lengths == 0 || !std::isfinite(cosine)) {
    return std::nullopt;
  }
  return std::clamp(cosine, -1.0, 1.0);
}

Status no_angle() {
  return invalid_value("cosine needs vectors with a finite length greater than 0");
}

}  // namespace

Result<Value> distance(const Value& a, const Value& b, Metric metric) {
  if (a.is_null() || b.is_null()) {
    return Value();
  }
  LORA_ASSIGN(const Operands v, operands(a, b));
  double result = 0;
  switch (metric) {
    case Metric::kEuclidean: result = std::sqrt(squared_of(v)); break;
    case Metric::kEuclideanSquared: result = squared_of(v); break;
    case Metric::kManhattan:
      for (size_t i = 0; i < v.a.size(); ++i) {
        result += std::fabs(v.a[i] - v.b[i]);
      }
      break;
    case Metric::kCosine: {
      const std::optional<double> cosine = cosine_of(v);
      if (!cosine) {
        return no_angle();
      }
      result = 1 - *cosine;
      break;
    }
    case Metric::kDot: result = -dot_of(v); break;
    case Metric::kHamming:
      for (size_t i = 0; i < v.a.size(); ++i) {
        result += v.a[i] != v.b[i] ? 1 : 0;
      }
      break;
  }
  return Value::floating(result);
}

Result<Value> similarity_cosine(const Value& a, const Value& b) {
  if (a.is_null() || b.is_null()) {
    return Value();
  }
  LORA_ASSIGN(const Operands v, operands(a, b));
  const std::optional<double> cosine = cosine_of(v);
  if (!cosine) {
    return no_angle();
  }
  return Value::floating((1 + *cosine) / 2);
}

Result<Value> similarity_euclidean(const Value& a, const Value& b) {
  if (a.is_null() || b.is_null()) {
    return Value();
  }
  LORA_ASSIGN(const Operands v, operands(a, b));
  return Value::floating(1 / (1 + squared_of(v)));
}

Result<Value> norm(const Value& a, Metric metric) {
  if (a.is_null()) {
    return Value();
  }
  std::vector<double> v;
  if (!read_into(a, &v)) {
    return not_a_vector(a);
  }
  switch (metric) {
    case Metric::kEuclidean: return Value::floating(length_of(v));
    case Metric::kManhattan: {
      double sum = 0;
      for (const double d : v) {
        sum += std::fabs(d);
      }
      return Value::floating(sum);
    }
    default:
      return invalid_value("`" + std::string(metric_name(metric)) + "` is not a norm; use EUCLIDEAN or MANHATTAN");
  }
}

// Four sums let the compiler use wide registers without changing the order of additions per lane.
double dot(std::span<const float> a, std::span<const float> b) {
  double sums[4] = {};
  size_t i = 0;
  for (; i + 4 <= a.size(); i += 4) {
    for (size_t lane = 0; lane < 4; ++lane) {
      sums[lane] += static_cast<double>(a[i + lane]) * b[i + lane];
    }
  }
  for (; i < a.size(); ++i) {
    sums[0] += static_cast<double>(a[i]) * b[i];
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

double squared_distance(std::span<const float> a, std::span<const float> b) {
  double sums[4] = {};
  size_t i = 0;
  for (; i + 4 <= a.size(); i += 4) {
    for (size_t lane = 0; lane < 4; ++lane) {
      const double d = static_cast<double>(a[i + lane]) - b[i + lane];
      sums[lane] += d * d;
    }
  }
  for (; i < a.size(); ++i) {
    const double d = static_cast<double>(a[i]) - b[i];
    sums[0] += d * d;
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

bool read_coordinates(const Value& value, std::vector<double>* out) {
  return read_into(value, out);
}
bool read_coordinates(const Value& value, std::vector<float>* out) {
  return read_into(value, out);
}

}  // namespace lora::vectors
