// Points of the reference evaluator: in the plane, in space and on a sphere.
#include <cmath>
#include <numbers>

#include "tests/reference/reference_values.h"

namespace lora::reference {

namespace {

constexpr double kEarthRadius = 6'371'000;  // metres

bool is_globe(Crs crs) {
  return crs == Crs::kWgs84 || crs == Crs::kWgs84_3D;
}
bool is_space(Crs crs) {
  return crs == Crs::kCartesian3D || crs == Crs::kWgs84_3D;
}

Value point_of(const Value& map) {
  Point p;
  bool globe = false, space = false;
  for (const auto& [key, value] : map.as_map()) {
    if (value.is_null()) return Value();
    if (!value.is_number() || !std::isfinite(value.as_number())) throw Failure("type");
    const std::string_view name = key.as_string();
    globe |= name == "longitude" || name == "latitude" || name == "height";
    if (name == "x" || name == "longitude") {
      p.x = value.as_number();
    } else if (name == "y" || name == "latitude") {
      p.y = value.as_number();
    } else if (name == "z" || name == "height") {
      space = true;
      p.z = value.as_number();
    } else {
      throw NotCompared("a key of a point");
    }
  }
  if (globe && std::fabs(p.y) > 90) throw Failure("latitude");
  if (globe && std::fabs(p.x) > 180) throw NotCompared("longitudes beyond 180");
  p.crs = globe ? (space ? Crs::kWgs84_3D : Crs::kWgs84) : space ? Crs::kCartesian3D : Crs::kCartesian;
  return Value::point(p);
}

struct Vector3 {
  double x, y, z;
};

Vector3 on_sphere(const Point& p) {
  const double longitude = p.x * std::numbers::pi / 180, latitude = p.y * std::numbers::pi / 180;
  return {std::cos(latitude) * std::cos(longitude), std::cos(latitude) * std::sin(longitude), std::sin(latitude)};
}

// By the angle between two vectors from the centre; heights are added to the radius by their mean.
double distance(const Point& p, const Point& q) {
  const double rise = p.z - q.z;
  if (!is_globe(p.crs)) return std::sqrt((p.x - q.x) * (p.x - q.x) + (p.y - q.y) * (p.y - q.y) + rise * rise);
  const Vector3 a = on_sphere(p), b = on_sphere(q);
  const Vector3 cross = {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
  const double sine = std::sqrt(cross.x * cross.x + cross.y * cross.y + cross.z * cross.z);
  const double way = std::atan2(sine, a.x * b.x + a.y * b.y + a.z * b.z) * (kEarthRadius + (p.z + q.z) / 2);
  return std::sqrt(way * way + rise * rise);
}

const Point& point(const Value& v) {
  if (v.type() != ValueType::kPoint) throw Failure("type");
  return v.as_point();
}

}  // namespace

std::optional<Value> point_call(const std::string& name, const std::vector<Value>& a) {
  if (name == "point" && a.size() == 1 && a[0].is_map()) return point_of(a[0]);
  if (name == "point.distance" && a.size() == 2) {
    const Point &p = point(a[0]), &q = point(a[1]);
    return p.crs == q.crs ? Value::floating(distance(p, q)) : Value();
  }
  if (name == "point.withinbbox" && a.size() == 3) {
    const Point &p = point(a[0]), &low = point(a[1]), &high = point(a[2]);
    if (p.crs != low.crs || p.crs != high.crs) return Value();
    // A box on the globe may go over the 180th meridian.
    const bool over = is_globe(p.crs) && low.x > high.x;
    const bool x = over ? !(p.x < low.x && p.x > high.x) : p.x >= low.x && p.x <= high.x;
    return Value::boolean(x && p.y >= low.y && p.y <= high.y && p.z >= low.z && p.z <= high.z);
  }
  return std::nullopt;
}

// Parts that the system of a point does not have are null.
Value point_part(const Value& v, std::string_view key) {
  const Point& p = v.as_point();
  if (key == "x") return Value::floating(p.x);
  if (key == "y") return Value::floating(p.y);
  if (key == "z") return is_space(p.crs) ? Value::floating(p.z) : Value();
  if (key == "longitude") return is_globe(p.crs) ? Value::floating(p.x) : Value();
  if (key == "latitude") return is_globe(p.crs) ? Value::floating(p.y) : Value();
  if (key == "height") return p.crs == Crs::kWgs84_3D ? Value::floating(p.z) : Value();
  if (key == "srid") {
    return Value::integer(is_globe(p.crs) ? (is_space(p.crs) ? 4979 : 4326) : is_space(p.crs) ? 9157 : 7203);
  }
  if (key == "crs") {
    const std::string system = is_globe(p.crs) ? "WGS-84" : "cartesian";
    return Value::string(system + (is_space(p.crs) ? "-3D" : is_globe(p.crs) ? "-2D" : ""));
  }
  return Value();
}

// By number of the system, then by coordinates.
int point_order(const Value& a, const Value& b) {
  const Point &p = a.as_point(), &q = b.as_point();
  const auto key = [&](const Point& at, const Value& v) {
    return std::tuple(point_part(v, "srid").as_integer(), at.x, at.y, at.z);
  };
  const auto x = key(p, a), y = key(q, b);
  return x < y ? -1 : y < x ? 1 : 0;
}

std::string point_literal(const Value& v) {
  const Point& p = v.as_point();
  const bool globe = is_globe(p.crs);
  std::string text = std::string(globe ? "point({longitude: " : "point({x: ") + std::to_string(p.x) +
                     (globe ? ", latitude: " : ", y: ") + std::to_string(p.y);
  if (is_space(p.crs)) text += (globe ? ", height: " : ", z: ") + std::to_string(p.z);
  return text + "})";
}

}  // namespace lora::reference
