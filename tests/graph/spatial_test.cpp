#include "graph/spatial.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "graph/text.h"

namespace lora::spatial {
namespace {

Value n(int64_t v) {
  return Value::integer(v);
}
Value x(double v) {
  return Value::floating(v);
}
Value s(std::string_view v) {
  return Value::string(v);
}
Result<Value> from(std::vector<std::pair<std::string_view, Value>> entries) {
  std::vector<MapEntry> result;
  for (auto& [key, value] : entries) {
    result.emplace_back(s(key), std::move(value));
  }
  return point_from_map(Value::map(std::move(result)));
}
std::string text_of(const Result<Value>& result) {
  return result.ok() ? to_text(*result) : result.status().info().type + " " + result.status().info().detail;
}
const std::string kBadArgument = "ArgumentError InvalidArgumentValue";
const std::string kBadType = "TypeError InvalidArgumentType";

Value wgs(double longitude, double latitude) {
  return *make_point(Crs::kWgs84, longitude, latitude);
}
double metres(const Value& a, const Value& b) {
  return distance(a, b)->as_float();
}

TEST(PointTest, MapsInAllSpellings) {
  EXPECT_EQ(text_of(from({{"x", n(1)}, {"y", x(2.5)}})), "point({x: 1.0, y: 2.5, crs: 'cartesian'})");
  EXPECT_EQ(text_of(from({{"x", n(1)}, {"y", n(2)}, {"z", n(3)}})),
            "point({x: 1.0, y: 2.0, z: 3.0, crs: 'cartesian-3D'})");
  EXPECT_EQ(text_of(from({{"longitude", n(12)}, {"latitude", n(56)}})), "point({x: 12.0, y: 56.0, crs: 'WGS-84-2D'})");
  EXPECT_EQ(text_of(from({{"LATITUDE", n(56)}, {"Longitude", n(12)}, {"height", n(7)}})),
            "point({x: 12.0, y: 56.0, z: 7.0, crs: 'WGS-84-3D'})");
  EXPECT_EQ(text_of(from({{"x", n(12)}, {"y", n(56)}, {"srid", n(4326)}})),
            "point({x: 12.0, y: 56.0, crs: 'WGS-84-2D'})");
  EXPECT_EQ(text_of(from({{"x", n(12)}, {"y", n(56)}, {"crs", s("wgs-84")}})),
            "point({x: 12.0, y: 56.0, crs: 'WGS-84-2D'})");
  EXPECT_EQ(text_of(from({{"x", n(1)}, {"y", n(2)}, {"z", n(3)}, {"crs", s("WGS-84-3D")}})),
            "point({x: 1.0, y: 2.0, z: 3.0, crs: 'WGS-84-3D'})");
  EXPECT_EQ(text_of(from({{"x", n(1)}, {"y", Value()}})), "null");
  EXPECT_EQ(text_of(point_from_map(Value())), "null");
}

TEST(PointTest, WrongMapsAreRefused) {
  EXPECT_EQ(text_of(from({{"x", n(1)}})), kBadArgument);
  EXPECT_EQ(text_of(from({{"x", n(1)}, {"y", s("2")}})), kBadType);
  EXPECT_EQ(text_of(from({{"x", n(1)}, {"y", n(2)}, {"crs", s("moon")}})), kBadArgument);
  EXPECT_EQ(text_of(from({{"x", n(1)}, {"y", n(2)}, {"srid", n(1)}})), kBadArgument);
  EXPECT_EQ(text_of(from({{"x", n(1)}, {"y", n(2)}, {"srid", s("4326")}})), kBadType);
  EXPECT_EQ(text_of(from({{"x", n(1)}, {"y", n(2)}, {"crs", s("cartesian-3D")}})), kBadArgument);
  EXPECT_EQ(text_of(from({{"x", n(1)}, {"y", n(2)}, {"z", n(2)}, {"crs", s("cartesian")}})), kBadArgument);
  EXPECT_EQ(text_of(from({{"longitude", n(1)}, {"latitude", n(2)}, {"crs", s("cartesian")}})), kBadArgument);
  EXPECT_EQ(text_of(from({{"x", n(1)}, {"longitude", n(1)}, {"y", n(2)}})), kBadArgument);
  EXPECT_EQ(text_of(from({{"x", n(1)}, {"y", n(2)}, {"crs", s("cartesian")}, {"srid", n(4326)}})), kBadArgument);
  EXPECT_EQ(text_of(from({{"longitude", n(1)}, {"latitude", n(91)}})), kBadArgument);
  EXPECT_EQ(text_of(from({{"x", x(NAN)}, {"y", n(1)}})), kBadArgument);
  EXPECT_EQ(text_of(from({{"x", x(INFINITY)}, {"y", n(1)}})), kBadArgument);
  EXPECT_EQ(text_of(point_from_map(n(1))), kBadType);
}

TEST(PointTest, LongitudesWrap) {
  EXPECT_EQ(wgs(190, 0).as_point().x, -170);
  EXPECT_EQ(wgs(-190, 0).as_point().x, 170);
  EXPECT_EQ(wgs(180, 0).as_point().x, 180);
  EXPECT_EQ(wgs(-180, 0).as_point().x, -180);
}

TEST(PointTest, ComponentsOfEachSystem) {
  const Value p = *make_point(Crs::kWgs84_3D, 1, 2, 3);
  EXPECT_EQ(text_of(component(p, "longitude")), "1.0");
  EXPECT_EQ(text_of(component(p, "latitude")), "2.0");
  EXPECT_EQ(text_of(component(p, "height")), "3.0");
  EXPECT_EQ(text_of(component(p, "z")), "3.0");
  EXPECT_EQ(text_of(component(p, "srid")), "4979");
  EXPECT_EQ(text_of(component(p, "crs")), "WGS-84-3D");
  const Value flat = *make_point(Crs::kCartesian, 1, 2);
  EXPECT_EQ(text_of(component(flat, "longitude")), "null");
  EXPECT_EQ(text_of(component(flat, "z")), "null");
  EXPECT_EQ(text_of(component(flat, "w")), kBadArgument);
}

TEST(DistanceTest, CartesianIsEuclidean) {
  EXPECT_DOUBLE_EQ(metres(*make_point(Crs::kCartesian, 0, 0), *make_point(Crs::kCartesian, 3, 4)), 5);
  EXPECT_DOUBLE_EQ(metres(*make_point(Crs::kCartesian3D, 0, 0, 0), *make_point(Crs::kCartesian3D, 2, 3, 6)), 7);
}

TEST(DistanceTest, GeographicIsTheGreatCircle) {
  EXPECT_DOUBLE_EQ(metres(wgs(0, 0), wgs(180, 0)), std::numbers::pi * kEarthRadius);
  EXPECT_NEAR(metres(wgs(0, 90), wgs(0, -90)), std::numbers::pi * kEarthRadius, 1e-6);
  EXPECT_NEAR(metres(wgs(12.564590, 55.672874), wgs(12.994341, 55.611784)), 27'825, 30);
  EXPECT_NEAR(metres(wgs(179.5, 0), wgs(-179.5, 0)), kEarthRadius * std::numbers::pi / 180, 1e-6);
  EXPECT_EQ(metres(wgs(1, 1), wgs(1, 1)), 0);
  EXPECT_DOUBLE_EQ(metres(*make_point(Crs::kWgs84_3D, 1, 1, 0), *make_point(Crs::kWgs84_3D, 1, 1, 100)), 100);
}

TEST(DistanceTest, NullsAndOtherSystemsGiveNull) {
  EXPECT_TRUE(distance(wgs(0, 0), *make_point(Crs::kCartesian, 0, 0))->is_null());
  EXPECT_TRUE(distance(wgs(0, 0), Value())->is_null());
  EXPECT_EQ(text_of(distance(wgs(0, 0), n(1))), kBadType);
}

TEST(BoxTest, EdgesBelongToTheBox) {
  const Value low = *make_point(Crs::kCartesian, 0, 0);
  const Value high = *make_point(Crs::kCartesian, 10, 10);
  EXPECT_EQ(text_of(within_bbox(*make_point(Crs::kCartesian, 10, 0), low, high)), "true");
  EXPECT_EQ(text_of(within_bbox(*make_point(Crs::kCartesian, 10.1, 0), low, high)), "false");
  EXPECT_EQ(text_of(within_bbox(*make_point(Crs::kCartesian, 5, 5), high, low)), "false");
  EXPECT_EQ(text_of(within_bbox(wgs(5, 5), low, high)), "null");
  EXPECT_EQ(text_of(within_bbox(Value(), low, high)), "null");
  EXPECT_EQ(text_of(within_bbox(low, low, n(1))), kBadType);
}

TEST(BoxTest, MayCrossTheAntimeridian) {
  EXPECT_EQ(text_of(within_bbox(wgs(179, 0), wgs(170, -10), wgs(-170, 10))), "true");
  EXPECT_EQ(text_of(within_bbox(wgs(-175, 0), wgs(170, -10), wgs(-170, 10))), "true");
  EXPECT_EQ(text_of(within_bbox(wgs(0, 0), wgs(170, -10), wgs(-170, 10))), "false");
  EXPECT_EQ(text_of(within_bbox(wgs(179, 11), wgs(170, -10), wgs(-170, 10))), "false");
}

}  // namespace
}  // namespace lora::spatial
