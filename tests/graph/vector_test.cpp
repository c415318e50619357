#include "graph/vector.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace lora::vectors {
namespace {

Value n(int64_t v) {
  return Value::integer(v);
}
Value x(double v) {
  return Value::floating(v);
}
Value floats(std::vector<double> values) {
  List items;
  for (const double d : values) {
    items.push_back(x(d));
  }
  return Value::list(std::move(items));
}
double number(const Result<Value>& result) {
  EXPECT_TRUE(result.ok()) << result.status().to_string();
  return result.ok() ? result->as_float() : -99;
}

TEST(VectorTest, IsMadeFromListsAndText) {
  const auto v = make(Value::list({n(1), x(2.9), x(-3.9)}), 3, VectorType::kInteger8);
  ASSERT_TRUE(v.ok());
  EXPECT_EQ(v->as_vector().integers, (std::vector<int64_t>{1, 2, -3}));
  const auto t = make(Value::string(" [1, 2.5,-3e2 ] "), std::nullopt, VectorType::kFloat64);
  ASSERT_TRUE(t.ok());
  EXPECT_EQ(t->as_vector().floats, (std::vector<double>{1, 2.5, -300}));
  const auto narrow = make(floats({0.1}), 1, VectorType::kFloat32);
  EXPECT_EQ(narrow->as_vector().floats[0], static_cast<double>(0.1f));
  EXPECT_TRUE(make(Value(), 3, VectorType::kFloat32)->is_null());
}

TEST(VectorTest, WrongContentsAreInvalid) {
  const auto code = [](const Value& values, std::optional<int64_t> dimension, VectorType type) {
    return make(values, dimension, type).status().code();
  };
  EXPECT_EQ(code(Value::list({}), std::nullopt, VectorType::kFloat64), ErrorCode::kInvalidVector);
  EXPECT_EQ(code(floats({1, 2}), 3, VectorType::kFloat64), ErrorCode::kInvalidVector);
  EXPECT_EQ(code(floats({1, 2}), -2, VectorType::kFloat64), ErrorCode::kInvalidVector);
  EXPECT_EQ(code(floats(std::vector<double>(4'097, 1.0)), 4'097, VectorType::kFloat64), ErrorCode::kInvalidVector);
  EXPECT_EQ(code(floats({128}), 1, VectorType::kInteger8), ErrorCode::kInvalidVector);
  EXPECT_EQ(code(floats({0x1p63}), 1, VectorType::kInteger64), ErrorCode::kInvalidVector);
  EXPECT_EQ(code(floats({NAN}), 1, VectorType::kInteger64), ErrorCode::kInvalidVector);
  EXPECT_EQ(code(floats({NAN}), 1, VectorType::kFloat64), ErrorCode::kInvalidVector);
  EXPECT_EQ(code(floats({1e39}), 1, VectorType::kFloat32), ErrorCode::kInvalidVector);
  EXPECT_EQ(code(Value::list({Value()}), 1, VectorType::kFloat32), ErrorCode::kInvalidVector);
  EXPECT_EQ(code(n(1), 1, VectorType::kFloat32), ErrorCode::kInvalidVector);
  for (const char* text : {"", "[", "1,2", "[1,]", "[1 2]", "[a]", "[1]x", "[,1]", "[nan]"}) {
    EXPECT_EQ(code(Value::string(text), std::nullopt, VectorType::kFloat64), ErrorCode::kInvalidVector) << text;
  }
  EXPECT_FALSE(check({VectorType::kFloat32, {0.1}, {}}).ok());
  EXPECT_FALSE(check({VectorType::kInteger8, {}, {200}}).ok());
  EXPECT_TRUE(check({VectorType::kInteger8, {}, {-128}}).ok());
}

TEST(VectorTest, NamesOfTypesAndMetricsComeBack) {
  for (const VectorType type : {VectorType::kFloat64, VectorType::kFloat32, VectorType::kInteger64,
                                VectorType::kInteger32, VectorType::kInteger16, VectorType::kInteger8}) {
    EXPECT_EQ(find_type(type_name(type)), type);
  }
  EXPECT_EQ(find_type("float32"), VectorType::kFloat32);
  EXPECT_EQ(find_type("DOUBLE"), std::nullopt);
  for (const Metric metric : {Metric::kEuclidean, Metric::kEuclideanSquared, Metric::kManhattan, Metric::kCosine,
                              Metric::kDot, Metric::kHamming}) {
    EXPECT_EQ(find_metric(metric_name(metric)), metric);
  }
  EXPECT_EQ(find_metric("cosine"), Metric::kCosine);
  EXPECT_EQ(find_metric("L2"), std::nullopt);
}

TEST(VectorTest, DistancesOfEachMetric) {
  const Value a = floats({1, 2, 3});
  const Value b = *make(Value::list({n(4), n(6), n(3)}), 3, VectorType::kInteger16);
  EXPECT_DOUBLE_EQ(number(distance(a, b, Metric::kEuclidean)), 5);
  EXPECT_DOUBLE_EQ(number(distance(a, b, Metric::kEuclideanSquared)), 25);
  EXPECT_DOUBLE_EQ(number(distance(a, b, Metric::kManhattan)), 7);
  EXPECT_DOUBLE_EQ(number(distance(a, b, Metric::kDot)), -25);
  EXPECT_DOUBLE_EQ(number(distance(a, b, Metric::kHamming)), 2);
  EXPECT_DOUBLE_EQ(number(distance(a, b, Metric::kCosine)), 1 - 25 / (std::sqrt(14.0) * std::sqrt(61.0)));
  EXPECT_TRUE(distance(a, Value(), Metric::kDot)->is_null());
}

TEST(VectorTest, SimilaritiesLieBetweenZeroAndOne) {
  EXPECT_DOUBLE_EQ(number(similarity_cosine(floats({1, 0}), floats({1, 0}))), 1);
  EXPECT_DOUBLE_EQ(number(similarity_cosine(floats({1, 0}), floats({-2, 0}))), 0);
  EXPECT_DOUBLE_EQ(number(similarity_cosine(floats({1, 0}), floats({0, 5}))), 0.5);
  EXPECT_DOUBLE_EQ(number(similarity_euclidean(floats({0, 0}), floats({0, 0}))), 1);
  EXPECT_DOUBLE_EQ(number(similarity_euclidean(floats({0, 0}), floats({0, 2}))), 0.2);
}

TEST(VectorTest, WrongOperandsAreInvalid) {
  EXPECT_EQ(distance(floats({1}), floats({1, 2}), Metric::kDot).status().code(), ErrorCode::kInvalidVector);
  EXPECT_EQ(distance(floats({1}), Value::string("[1]"), Metric::kDot).status().code(), ErrorCode::kInvalidVector);
  EXPECT_EQ(distance(floats({}), floats({}), Metric::kDot).status().code(), ErrorCode::kInvalidVector);
  EXPECT_EQ(similarity_cosine(floats({0, 0}), floats({1, 0})).status().code(), ErrorCode::kInvalidVector);
  EXPECT_EQ(similarity_cosine(floats({1e200, 0}), floats({1e200, 0})).status().code(), ErrorCode::kInvalidVector);
  EXPECT_EQ(similarity_cosine(Value::list({Value()}), floats({1})).status().code(), ErrorCode::kInvalidVector);
  EXPECT_EQ(norm(floats({1}), Metric::kDot).status().code(), ErrorCode::kInvalidVector);
}

TEST(VectorTest, Norms) {
  EXPECT_DOUBLE_EQ(number(norm(floats({3, -4}), Metric::kEuclidean)), 5);
  EXPECT_DOUBLE_EQ(number(norm(floats({3, -4}), Metric::kManhattan)), 7);
}

TEST(VectorTest, SpansOfEverySizeAgreeWithThePlainSum) {
  for (size_t size = 0; size < 20; ++size) {
    std::vector<float> a, b;
    double dots = 0, squares = 0;
    for (size_t i = 0; i < size; ++i) {
      a.push_back(static_cast<float>(i) + 1);
      b.push_back(2 - static_cast<float>(i));
      dots += static_cast<double>(a[i]) * b[i];
      squares += (static_cast<double>(a[i]) - b[i]) * (a[i] - b[i]);
    }
    EXPECT_DOUBLE_EQ(dot(a, b), dots);
    EXPECT_DOUBLE_EQ(squared_distance(a, b), squares);
  }
}

}  // namespace
}  // namespace lora::vectors
