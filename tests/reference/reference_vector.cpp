// Vectors of the reference evaluator. Equal are vectors of one coordinate type with equal coordinates.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <tuple>

#include "tests/reference/reference_values.h"

namespace lora::reference {

namespace {

struct Coordinate {
  std::string_view name;
  VectorType type;
  double low = 0, high = 0;  // of whole numbers
};

constexpr Coordinate kCoordinates[] = {
    {"FLOAT64", VectorType::kFloat64},
    {"FLOAT", VectorType::kFloat64},
    {"FLOAT32", VectorType::kFloat32},
    {"INTEGER", VectorType::kInteger64, -0x1p63, 0x1p63 - 1024},
    {"INT", VectorType::kInteger64, -0x1p63, 0x1p63 - 1024},
    {"INTEGER32", VectorType::kInteger32, -0x1p31, 0x1p31 - 1},
    {"INTEGER16", VectorType::kInteger16, -32'768, 32'767},
    {"INT16", VectorType::kInteger16, -32'768, 32'767},
    {"INTEGER8", VectorType::kInteger8, -128, 127},
    {"INT8", VectorType::kInteger8, -128, 127},
};

bool has_floats(VectorType type) {
  return type == VectorType::kFloat64 || type == VectorType::kFloat32;
}

// `[1, 2.5]`
List numbers_in(std::string_view text) {
  const std::string copy(text);
  const char* at = copy.c_str();
  List items;
  const auto blanks = [&] { at += std::strspn(at, " "); };
  blanks();
  if (*at != '[') throw Failure("no list of numbers");
  do {
    char* end = nullptr;
    const double number = std::strtod(++at, &end);
    if (end == at) throw Failure("no list of numbers");
    items.push_back(Value::floating(number));
    at = end;
    blanks();
  } while (*at == ',');
  if (std::string_view(at) != "]") throw Failure("no list of numbers");
  return items;
}

void add(VectorValue* vector, const Coordinate& kind, const Value& v) {
  if (!v.is_number()) throw Failure("a coordinate that is no number");
  if (kind.type == VectorType::kInteger64 && v.is_integer()) {
    vector->integers.push_back(v.as_integer());
    return;
  }
  const double d = v.as_number();
  if (!std::isfinite(d)) throw Failure("a coordinate that is not finite");
  if (!has_floats(kind.type)) {
    const double whole = std::trunc(d);
    if (whole < kind.low || whole > kind.high) throw Failure("a coordinate out of range");
    vector->integers.push_back(static_cast<int64_t>(whole));
    return;
  }
  const bool narrow = kind.type == VectorType::kFloat32;
  if (narrow && std::fabs(d) > std::numeric_limits<float>::max()) throw Failure("a coordinate out of range");
  vector->floats.push_back(narrow ? static_cast<double>(static_cast<float>(d)) : d);
}

Value vector_of(const Value& values, const Value& dimension, const Value& name) {
  if (!name.is_string() || !dimension.is_integer()) throw Failure("type");
  const auto kind = std::find_if(std::begin(kCoordinates), std::end(kCoordinates),
                                 [&](const Coordinate& c) { return c.name == name.as_string(); });
  if (kind == std::end(kCoordinates)) throw Failure("no type of coordinates");
  if (!values.is_list() && !values.is_string()) throw Failure("type");
  const List items = values.is_list() ? values.as_list() : numbers_in(values.as_string());
  if (items.empty() || items.size() > 4'096) throw Failure("a dimension out of range");
  if (static_cast<int64_t>(items.size()) != dimension.as_integer()) throw Failure("another dimension");
  VectorValue vector;
  vector.type = kind->type;
  for (const Value& item : items) add(&vector, *kind, item);
  return Value::vector(std::move(vector));
}

std::vector<double> numbers(const Value& v) {
  std::vector<double> out;
  if (v.type() == ValueType::kVector) {
    const VectorValue& vector = v.as_vector();
    out = vector.floats;
    for (const int64_t i : vector.integers) out.push_back(static_cast<double>(i));
    return out;
  }
  if (!v.is_list()) throw Failure("type");
  for (const Value& item : v.as_list()) {
    if (!item.is_number()) throw Failure("type");
    out.push_back(item.as_number());
  }
  return out;
}

double length(const std::vector<double>& v) {
  double sum = 0;
  for (const double d : v) sum += d * d;
  return std::sqrt(sum);
}

// Of two vectors of one dimension.
struct Pair {
  std::vector<double> a, b;
  Pair(const Value& x, const Value& y) : a(numbers(x)), b(numbers(y)) {
    if (a.size() != b.size() || a.empty()) throw Failure("dimensions");
  }
  double sum(double (*of)(double, double)) const {
    double total = 0;
    for (size_t i = 0; i < a.size(); ++i) total += of(a[i], b[i]);
    return total;
  }
  double squares() const {
    return sum([](double x, double y) { return (x - y) * (x - y); });
  }
  double dot() const {
    return sum([](double x, double y) { return x * y; });
  }
  double cosine() const {
    const double lengths = length(a) * length(b);
    if (lengths == 0) throw Failure("no angle");
    return std::clamp(dot() / lengths, -1.0, 1.0);
  }
};

double distance(const Pair& pair, std::string_view metric) {
  if (metric == "EUCLIDEAN") return std::sqrt(pair.squares());
  if (metric == "EUCLIDEAN_SQUARED") return pair.squares();
  if (metric == "MANHATTAN") return pair.sum([](double x, double y) { return std::fabs(x - y); });
  if (metric == "COSINE") return 1 - pair.cosine();
  if (metric == "DOT") return -pair.dot();
  if (metric == "HAMMING") return pair.sum([](double x, double y) { return x == y ? 0.0 : 1.0; });
  throw Failure("no metric");
}

double norm(const std::vector<double>& v, std::string_view metric) {
  if (metric == "EUCLIDEAN") return length(v);
  if (metric != "MANHATTAN") throw Failure("no norm");
  double sum = 0;
  for (const double d : v) sum += std::fabs(d);
  return sum;
}

std::string_view text(const Value& v) {
  if (!v.is_string()) throw Failure("type");
  return v.as_string();
}

// -0.0 is 0.0.
double plain(double d) {
  return d == 0 ? 0 : d;
}

}  // namespace

std::optional<Value> vector_call(const std::string& name, const std::vector<Value>& a) {
  if (name == "vector" && a.size() == 3) return vector_of(a[0], a[1], a[2]);
  if ((name == "vector_distance" || name == "vector.distance") && a.size() == 3) {
    return Value::floating(distance(Pair(a[0], a[1]), text(a[2])));
  }
  if ((name == "vector_norm" || name == "vector.norm") && a.size() == 2) {
    return Value::floating(norm(numbers(a[0]), text(a[1])));
  }
  if (name == "vector.similarity.cosine" && a.size() == 2) {
    return Value::floating((1 + Pair(a[0], a[1]).cosine()) / 2);
  }
  if (name == "vector.similarity.euclidean" && a.size() == 2) {
    return Value::floating(1 / (1 + Pair(a[0], a[1]).squares()));
  }
  if (name == "vector_dimension_count" || name == "vector.dimension") {
    if (a.size() != 1 || a[0].type() != ValueType::kVector) throw Failure("type");
    return Value::integer(static_cast<int64_t>(numbers(a[0]).size()));
  }
  if ((name == "tointegerlist" || name == "tofloatlist") && a.size() == 1 && a[0].type() == ValueType::kVector) {
    List items;
    for (const double d : numbers(a[0])) {
      items.push_back(name == "tofloatlist" ? Value::floating(d) : Value::integer(static_cast<int64_t>(d)));
    }
    return Value::list(std::move(items));
  }
  return std::nullopt;
}

// By coordinate type, then by dimension, then by coordinates.
int vector_order(const Value& a, const Value& b) {
  const auto key = [](const Value& v) {
    const VectorValue& vector = v.as_vector();
    return std::tuple(vector.type, vector.floats.size(), vector.integers.size(), vector.floats, vector.integers);
  };
  const auto x = key(a), y = key(b);
  return x < y ? -1 : y < x ? 1 : 0;
}

std::string vector_key(const Value& v) {
  std::string out = "vector " + std::to_string(static_cast<int>(v.as_vector().type));
  char number[40];
  for (const double d : v.as_vector().floats) {
    std::snprintf(number, sizeof number, " %a", plain(d));
    out += number;
  }
  for (const int64_t i : v.as_vector().integers) out += " " + std::to_string(i);
  return out;
}

std::string vector_literal(const Value& v) {
  std::string items;
  char number[40];
  for (const double d : v.as_vector().floats) {
    std::snprintf(number, sizeof number, ", %.17g", d);
    items += number;
  }
  for (const int64_t i : v.as_vector().integers) items += ", " + std::to_string(i);
  const auto kind = std::find_if(std::begin(kCoordinates), std::end(kCoordinates),
                                 [&](const Coordinate& c) { return c.type == v.as_vector().type; });
  return "vector([" + items.substr(2) + "], " + std::to_string(numbers(v).size()) + ", " + std::string(kind->name) +
         ")";
}

}  // namespace lora::reference
