// Functions of points and vectors.
#include "graph/spatial.h"

#include <string>

#include "cypher/functions/families.h"

namespace lora::cypher {

namespace {

Status assign(Result<Value>&& result, Value* out) {
  LORA_ASSIGN(*out, std::move(result));
  return Status();
}

Status point(EvalContext&, std::span<const Value> args, Value* out) {
  return assign(spatial::point_from_map(args[0]), out);
}

Status distance(EvalContext&, std::span<const Value> args, Value* out) {
  return assign(spatial::distance(args[0], args[1]), out);
}

Status within_bbox(EvalContext&, std::span<const Value> args, Value* out) {
  return assign(spatial::within_bbox(args[0], args[1], args[2]), out);
}

}  // namespace

std::span<const FunctionSpec> spatial_functions() {
  constexpr std::string_view kCategory = "Spatial";
  constexpr auto kPure = Purity::kPure;
  constexpr auto kNull = NullRule::kNullIfAnyNull;
  static const std::vector<FunctionSpec> table = {
      {"point",
       {"geo.point"},
       {{"input", kMapType}},
       1,
       1,
       kPointType,
       kPure,
       kNull,
       kCategory,
       "A point from coordinates: x, y, z, or longitude, latitude, height; crs or srid.",
       "point({x: 1, y: 2}).x",
       "1.0",
       point},
      {"point.distance",
       {"distance", "geo.distance"},
       {{"from", kPointType}, {"to", kPointType}},
       2,
       2,
       kFloatType,
       kPure,
       kNull,
       kCategory,
       "The distance of two points, in metres on Earth; null when their systems differ.",
       "point.distance(point({x: 0, y: 0}), point({x: 3, y: 4}))",
       "5.0",
       distance},
      {"point.withinBBox",
       {"geo.within_bbox"},
       {{"point", kPointType}, {"lowerLeft", kPointType}, {"upperRight", kPointType}},
       3,
       3,
       kBooleanType,
       kPure,
       kNull,
       kCategory,
       "Whether a point lies in a box, edges included.",
       "point.withinBBox(point({x: 1, y: 1}), point({x: 0, y: 0}), point({x: 2, y: 2}))",
       "true",
       within_bbox},
  };
  return table;
}

}  // namespace lora::cypher
