// Points: making, components, distance, boxes.
//
// x and y of a geographic point are longitude and latitude in degrees, z its height in metres. Longitudes beyond
// +-180 are wrapped; latitudes must lie in +-90. Coordinates are finite.
// Distance: Euclidean for cartesian points; for geographic ones the great circle on a sphere of radius 6 371 km
// (haversine) in metres, in 3D on the sphere at the mean of the two heights, combined with their difference.
// Errors as in temporal.h. Threads: free functions.
#pragma once

#include <optional>
#include <string_view>

#include "graph/value.h"
#include "kv/status.h"

namespace lora::spatial {

inline constexpr double kEarthRadius = 6'371'000.0;  // metres

// "cartesian", "cartesian-3D", "WGS-84-2D", "WGS-84-3D".
std::string_view crs_name(Crs crs);
// The names above and "WGS-84", without regard to case.
std::optional<Crs> find_crs(std::string_view name);
std::optional<Crs> find_crs(int64_t srid);

// Checks coordinates and wraps the longitude.
Result<Value> make_point(Crs crs, double x, double y, double z = 0);
// point(map): x y z, longitude latitude height (also lon, lat), crs or srid, without regard to case. A null coordinate
// gives null; null gives null.
Result<Value> point_from_map(const Value& map);

// x y z longitude latitude height crs srid, without regard to case; an error for others, null for a coordinate that the
// point's system does not have.
Result<Value> component(const Value& point, std::string_view name);

// Null when one is null or the systems differ. TypeError when one is not a point.
Result<Value> distance(const Value& a, const Value& b);
double distance(const Point& a, const Point& b);  // of one system

// point.withinBBox(point, lower_left, upper_right): edges belong to the box. A geographic box whose left longitude is
// greater than its right one crosses the antimeridian. Null when one is null or the systems differ.
Result<Value> within_bbox(const Value& point, const Value& lower_left, const Value& upper_right);

}  // namespace lora::spatial
