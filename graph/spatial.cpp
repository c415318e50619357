#include "graph/spatial.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string>

#include "graph/text.h"

namespace lora::spatial {
namespace {

Status argument_error(std::string message) {
  return Status::runtime(ErrorCode::kType, "ArgumentError", "InvalidArgumentValue", std::move(message));
}
Status type_error(std::string message) {
  return Status::runtime(ErrorCode::kType, "TypeError", "InvalidArgumentType", std::move(message));
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c | 0x20);
    }
  }
  return result;
}

double radians(double degrees) {
  return degrees * (std::numbers::pi / 180.0);
}

std::string number_text(double value) {
  std::string text;
  append_float(&text, value);
  return text;
}

}  // namespace

std::string_view crs_name(Crs crs) {
  switch (crs) {
    case Crs::kCartesian: return "cartesian";
    case Crs::kCartesian3D: return "cartesian-3D";
    case Crs::kWgs84: return "WGS-84-2D";
    case Crs::kWgs84_3D: return "WGS-84-3D";
  }
  return "unknown";
}

std::optional<Crs> find_crs(std::string_view name) {
  const std::string key = lower_case(name);
  if (key == "cartesian" || key == "cartesian-2d") return Crs::kCartesian;
  if (key == "cartesian-3d") return Crs::kCartesian3D;
  if (key == "wgs-84" || key == "wgs-84-2d") return Crs::kWgs84;
  if (key == "wgs-84-3d") return Crs::kWgs84_3D;
  return std::nullopt;
}

std::optional<Crs> find_crs(int64_t srid) {
  for (const Crs crs : {Crs::kCartesian, Crs::kCartesian3D, Crs::kWgs84, Crs::kWgs84_3D}) {
    if (static_cast<int64_t>(crs) == srid) {
      return crs;
    }
  }
  return std::nullopt;
}

Result<Value> make_point(Crs crs, double x, double y, double z) {
  Point point{crs, x, y, z};
  if (!point.is_3d()) {
    point.z = 0;
  }
  for (const double coordinate : {point.x, point.y, point.z}) {
    if (!std::isfinite(coordinate)) {
      return argument_error("a point cannot have the coordinate `" + number_text(coordinate) +
                            "`; coordinates are finite");
    }
  }
  if (point.geographic()) {
    if (point.y < -90 || point.y > 90) {
      return argument_error("latitude `" + number_text(point.y) + "` is not in -90 to 90");
    }
    if (point.x < -180 || point.x > 180) {
      point.x = std::remainder(point.x, 360.0);
    }
  }
  return Value::point(point);
}

namespace {

// A point's map, read: each axis under one of its names.
struct Axes {
  std::array<const Value*, 3> values{};
  bool geographic_names = false;
  bool plain_names = false;
  const Value* crs = nullptr;
  const Value* srid = nullptr;
};

Result<Axes> read_axes(const Value& map) {
  struct Name {
    std::string_view name;
    size_t axis;
    bool geographic;
  };
  static constexpr Name kNames[] = {{"x", 0, false},        {"y", 1, false},       {"z", 2, false},
                                    {"longitude", 0, true}, {"latitude", 1, true}, {"height", 2, true},
                                    {"lon", 0, true},       {"lat", 1, true}};
  Axes axes;
  for (const auto& [name, value] : map.as_map()) {
    const std::string key = lower_case(name.as_string());
    if (key == "crs" || key == "srid") {
      (key == "crs" ? axes.crs : axes.srid) = &value;
      continue;
    }
    for (const Name& known : kNames) {
      if (known.name != key) {
        continue;
      }
      if (axes.values[known.axis] != nullptr) {
        return argument_error("a point's coordinate is given twice; `" + std::string(name.as_string()) +
                              "` is one of them");
      }
      axes.values[known.axis] = &value;
      (known.geographic ? axes.geographic_names : axes.plain_names) = true;
    }
  }
  return axes;
}

Result<Crs> crs_of(const Axes& axes, bool three) {
  std::optional<Crs> crs;
  if (axes.crs != nullptr && !axes.crs->is_null()) {
    if (!axes.crs->is_string()) {
      return type_error("`crs` must be a string");
    }
    crs = find_crs(axes.crs->as_string());
    if (!crs) {
      return argument_error("`" + std::string(axes.crs->as_string()) +
                            "` is not a coordinate system; use cartesian, cartesian-3D, WGS-84-2D or WGS-84-3D");
    }
  }
  if (axes.srid != nullptr && !axes.srid->is_null()) {
    if (!axes.srid->is_integer()) {
      return type_error("`srid` must be an integer");
    }
    const std::optional<Crs> by_srid = find_crs(axes.srid->as_integer());
    if (!by_srid) {
      return argument_error("`" + std::to_string(axes.srid->as_integer()) +
                            "` is not a coordinate system; use 7203, 9157, 4326 or 4979");
    }
    if (crs && *crs != *by_srid) {
      return argument_error("`crs` and `srid` name different coordinate systems");
    }
    crs = by_srid;
  }
  if (!crs) {
    const bool geographic = axes.geographic_names;
    return geographic ? (three ? Crs::kWgs84_3D : Crs::kWgs84) : (three ? Crs::kCartesian3D : Crs::kCartesian);
  }
  const Point probe{*crs};
  if (probe.is_3d() != three) {
    return argument_error("coordinate system `" + std::string(crs_name(*crs)) + "` has " + (probe.is_3d() ? "3" : "2") +
                          " coordinates, but " + (three ? "3" : "2") + " are given");
  }
  if (!probe.geographic() && axes.geographic_names) {
    return argument_error("coordinate system `" + std::string(crs_name(*crs)) + "` has no longitude and latitude");
  }
  return *crs;
}

}  // namespace

Result<Value> point_from_map(const Value& map) {
  if (map.is_null() || map.type() == ValueType::kPoint) {
    return map;
  }
  if (!map.is_map()) {
    return type_error("a point is made from a map, not from a value of type " +
                      std::string(value_type_name(map.type())));
  }
  LORA_ASSIGN(const Axes axes, read_axes(map));
  if (axes.values[0] == nullptr || axes.values[1] == nullptr) {
    return argument_error("a point needs `x` and `y` or `longitude` and `latitude`");
  }
  std::array<double, 3> numbers{};
  for (size_t i = 0; i < 3; ++i) {
    const Value* value = axes.values[i];
    if (value == nullptr) {
      continue;
    }
    if (value->is_null()) {
      return Value();
    }
    if (!value->is_number()) {
      return type_error("a point's coordinates are numbers, not values of type " +
                        std::string(value_type_name(value->type())));
    }
    numbers[i] = value->as_number();
  }
  LORA_ASSIGN(const Crs crs, crs_of(axes, axes.values[2] != nullptr));
  return make_point(crs, numbers[0], numbers[1], numbers[2]);
}

Result<Value> component(const Value& value, std::string_view name) {
  const Point& point = value.as_point();
  const std::string key = lower_case(name);
  if (key == "x") return Value::floating(point.x);
  if (key == "y") return Value::floating(point.y);
  if (key == "z") return point.is_3d() ? Value::floating(point.z) : Value();
  if (key == "longitude") return point.geographic() ? Value::floating(point.x) : Value();
  if (key == "latitude") return point.geographic() ? Value::floating(point.y) : Value();
  if (key == "height") return point.geographic() && point.is_3d() ? Value::floating(point.z) : Value();
  if (key == "crs") return Value::string(crs_name(point.crs));
  if (key == "srid") return Value::integer(static_cast<int64_t>(point.crs));
  return argument_error("a point has no component `" + std::string(name) +
                        "`; use x, y, z, longitude, latitude, height, crs or srid");
}

double distance(const Point& a, const Point& b) {
  if (!a.geographic()) {
    return a.is_3d() ? std::hypot(a.x - b.x, a.y - b.y, a.z - b.z) : std::hypot(a.x - b.x, a.y - b.y);
  }
  const double half_y = std::sin(radians(b.y - a.y) / 2);
  const double half_x = std::sin(radians(b.x - a.x) / 2);
  const double h = half_y * half_y + std::cos(radians(a.y)) * std::cos(radians(b.y)) * half_x * half_x;
  const double angle = 2 * std::asin(std::sqrt(std::min(1.0, h)));
  if (!a.is_3d()) {
    return angle * kEarthRadius;
  }
  return std::hypot(angle * (kEarthRadius + (a.z + b.z) / 2), a.z - b.z);
}

namespace {

Status check_points(std::string_view function, std::initializer_list<const Value*> values) {
  for (const Value* value : values) {
    if (value->type() != ValueType::kPoint && !value->is_null()) {
      return type_error(std::string(function) + " takes points, not values of type " +
                        std::string(value_type_name(value->type())));
    }
  }
  return Status();
}

}  // namespace

Result<Value> distance(const Value& a, const Value& b) {
  LORA_TRY(check_points("distance", {&a, &b}));
  if (a.is_null() || b.is_null() || a.as_point().crs != b.as_point().crs) {
    return Value();
  }
  return Value::floating(distance(a.as_point(), b.as_point()));
}

Result<Value> within_bbox(const Value& point, const Value& lower_left, const Value& upper_right) {
  LORA_TRY(check_points("withinBBox", {&point, &lower_left, &upper_right}));
  if (point.is_null() || lower_left.is_null() || upper_right.is_null()) {
    return Value();
  }
  const Point& p = point.as_point();
  const Point& low = lower_left.as_point();
  const Point& high = upper_right.as_point();
  if (p.crs != low.crs || p.crs != high.crs) {
    return Value();
  }
  const bool crosses = p.geographic() && low.x > high.x;
  const bool in_x = crosses ? p.x >= low.x || p.x <= high.x : p.x >= low.x && p.x <= high.x;
  const bool in_y = p.y >= low.y && p.y <= high.y;
  const bool in_z = !p.is_3d() || (p.z >= low.z && p.z <= high.z);
  return Value::boolean(in_x && in_y && in_z);
}

}  // namespace lora::spatial
