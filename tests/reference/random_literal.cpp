#include "tests/reference/random_generator.h"

#include <algorithm>

namespace lora::reference {

std::string Generator::simple(const Scope& scope, Type type, const char* property,
                              std::span<const std::string_view> literals) {
  const std::string v = variable(scope, type);
  if (!v.empty() && r_.percent(40)) return v;
  const std::string e = entity(scope);
  if (!e.empty() && r_.percent(65)) return e + property;
  return std::string(literals[r_.below(literals.size())]);
}

std::string Generator::date(const Scope& scope, int depth) {
  static constexpr std::string_view kLiterals[] = {"date('2024-01-31')", "date('2024-02-29')", "date('1969-12-31')",
                                                   "$day", "date('2024-01-31')"};
  if (depth <= 0 || r_.percent(50)) return simple(scope, Type::kDate, ".d", kLiterals);
  return "(" + date(scope, depth - 1) + (r_.percent(50) ? " + " : " - ") + duration(scope, depth - 1) + ")";
}

std::string Generator::moment(const Scope& scope, int depth) {
  static constexpr std::string_view kLiterals[] = {"localdatetime('2024-01-31T00:00')",
                                                   "localdatetime('1969-12-31T23:30')", "$moment"};
  if (depth <= 0 || r_.percent(50)) return simple(scope, Type::kMoment, ".t", kLiterals);
  return "(" + moment(scope, depth - 1) + (r_.percent(50) ? " + " : " - ") + duration(scope, depth - 1) + ")";
}

std::string Generator::zoned(const Scope& scope, int depth) {
  static constexpr std::string_view kLiterals[] = {"datetime('2024-01-31T12:00+02:00')",
                                                   "datetime('2024-01-31T10:00Z')",
                                                   "datetime('2023-12-31T23:30-01:00')",
                                                   "time('10:00+01:00')",
                                                   "time('23:30-01:00')",
                                                   "localtime('12:30')",
                                                   "localtime('23:59:59')",
                                                   "time('09:00Z')"};
  if (r_.percent(10)) return "point({longitude: 4.5, latitude: 52})";
  const std::string text = r_.percent(45) ? zoned_moment() : std::string(r_.pick(kLiterals));
  if (depth <= 0 || r_.percent(50)) return text;
  return "(" + text + (r_.percent(50) ? " + " : " - ") + duration(scope, depth - 1) + ")";
}

// A date time with an offset or in a zone, about where the zones change their offsets among others.
std::string Generator::zoned_moment() {
  static constexpr std::string_view kLiterals[] = {"2024-03-31T01:30[Europe/Berlin]",
                                                   "2024-03-30T02:30[Europe/Berlin]",
                                                   "2024-03-31T02:30[Europe/Berlin]",
                                                   "2024-10-27T02:30[Europe/Berlin]",
                                                   "2024-10-27T02:30+01:00[Europe/Berlin]",
                                                   "2024-10-28T02:15[Europe/Berlin]",
                                                   "2024-01-31T12:00[Europe/Berlin]",
                                                   "2024-02-29T02:30[Europe/Berlin]",
                                                   "2024-03-10T02:30[America/New_York]",
                                                   "2024-03-09T12:00[America/New_York]",
                                                   "2024-11-03T01:30[America/New_York]",
                                                   "2024-11-03T01:30-05:00[America/New_York]",
                                                   "2024-01-31T06:00[America/New_York]",
                                                   "2024-07-04T23:30[America/New_York]",
                                                   "2024-01-31T12:00+02:00",
                                                   "2024-01-31T10:00Z",
                                                   "2024-10-27T01:30Z"};
  const std::string text = "datetime('" + std::string(r_.pick(kLiterals)) + "')";
  if (!r_.percent(15)) return text;
  return "datetime({datetime: " + text + ", timezone: '" +
         (r_.percent(50) ? "Europe/Berlin'})" : "America/New_York'})");
}

std::string Generator::duration(const Scope& scope, int depth) {
  static constexpr std::string_view kLiterals[] = {"duration('P1M')",
                                                   "duration('P1D')",
                                                   "duration('P1M1D')",
                                                   "duration('PT36H30M')",
                                                   "duration('P-2D')",
                                                   "duration('P1Y')",
                                                   "$span",
                                                   "duration('PT-1H')",
                                                   "null"};
  const std::string v = variable(scope, Type::kDuration);
  if (!v.empty() && r_.percent(40)) return v;
  if (depth <= 0 || r_.percent(55)) return std::string(r_.pick(kLiterals));
  if (r_.percent(40)) return "(" + duration(scope, depth - 1) + " * " + (r_.percent(50) ? "2" : "-1") + ")";
  return "(" + duration(scope, depth - 1) + (r_.percent(50) ? " + " : " - ") + duration(scope, depth - 1) + ")";
}

std::string Generator::point(const Scope& scope) {
  static constexpr std::string_view kLiterals[] = {"point({x: 0, y: 0})", "point({x: 1.5, y: -2})", "$place",
                                                   "point({x: 1, y: null})"};
  static constexpr std::string_view kFar[] = {"point({x: 1, y: 0.5, z: 2})",
                                              "point({x: 0, y: 0, z: -1.5})",
                                              "point({longitude: 4.5, latitude: 52})",
                                              "point({longitude: -73.9, latitude: 40.7})",
                                              "point({longitude: 179.5, latitude: -10})",
                                              "point({longitude: -179.5, latitude: 10})",
                                              "point({longitude: 4.5, latitude: 52, height: 100})",
                                              "point({longitude: 5.5, latitude: 51, height: 0})"};
  if (r_.percent(25)) return std::string(r_.pick(kFar));
  return simple(scope, Type::kPoint, ".p", kLiterals);
}

std::string Generator::far_distance() {
  static constexpr std::string_view kGlobe[] = {"{longitude: 4.5, latitude: 52}", "{longitude: -73.9, latitude: 40.7}",
                                                "{longitude: 179.5, latitude: -10}", "{longitude: 0, latitude: 90}",
                                                "{longitude: -179.5, latitude: 10}"};
  static constexpr std::string_view kHigh[] = {"{longitude: 4.5, latitude: 52, height: 100}",
                                               "{longitude: 5.5, latitude: 51, height: 0}",
                                               "{longitude: -120, latitude: -33.5, height: 2500}"};
  static constexpr std::string_view kSpace[] = {"{x: 1, y: 0.5, z: 2}", "{x: 0, y: 0, z: -1.5}", "{x: 3, y: 4, z: 2}"};
  const std::span<const std::string_view> systems[] = {kGlobe, kHigh, kSpace};
  const auto system = systems[r_.below(3)];
  const auto one = [&] { return "point(" + std::string(system[r_.below(system.size())]) + ")"; };
  const std::string a = one(), b = one();
  return "point.distance(" + a + ", " + b + ")";
}

std::string Generator::vector(const Scope& scope, int depth) {
  static constexpr std::string_view kLiterals[] = {
      "vector([1, 2], 2, INTEGER8)",  "vector([1, 2.5], 2, FLOAT)",      "vector([1, 0.1], 2, FLOAT32)",
      "vector('[1, 2]', 2, INTEGER)", "vector([1.0, 2.0], 2, FLOAT64)",  "vector([-1.9, 300], 2, INTEGER16)",
      "vector([0, -1], 2, FLOAT32)",  "vector([2, 1], 2, 'INTEGER32')",  "$vector",
      "vector([1, 2], 2, INTEGER)",   "vector('[ 0.5,-1e1 ]', 2, FLOAT)"};
  if (depth <= 0 || r_.percent(65)) return simple(scope, Type::kVector, ".q", kLiterals);
  static constexpr std::string_view kTypes[] = {"FLOAT", "FLOAT32", "INTEGER", "FLOAT64"};
  return "vector([coalesce(" + integer(scope, depth - 1) + ", 2), 1], 2, " + std::string(r_.pick(kTypes)) + ")";
}

std::string Generator::vector_number(const Scope& scope, int depth) {
  static constexpr std::string_view kMetrics[] = {"EUCLIDEAN", "EUCLIDEAN_SQUARED", "MANHATTAN", "COSINE", "DOT",
                                                  "HAMMING"};
  const std::string v = vector(scope, depth);
  const std::string w = r_.percent(15) ? "[1, 2.5]" : vector(scope, 0);
  switch (r_.below(5)) {
    case 0:
      return std::string(r_.percent(50) ? "vector_distance(" : "vector.distance(") + v + ", " + w + ", " +
             std::string(r_.pick(kMetrics)) + ")";
    case 1: return "vector.similarity.cosine(" + v + ", " + w + ")";
    case 2: return "vector.similarity.euclidean(" + w + ", " + v + ")";
    case 3: return "vector_norm(" + v + (r_.percent(50) ? ", EUCLIDEAN)" : ", MANHATTAN)");
    default: return "toFloatList(" + v + ")[" + (r_.percent(50) ? "0]" : "-1]");
  }
}

std::string Generator::map(const Scope& scope, int depth) {
  const std::string v = variable(scope, Type::kMap);
  if (!v.empty() && r_.percent(50)) return v;
  const std::string e = entity(scope);
  if (!e.empty() && r_.percent(40)) {
    return e + (r_.percent(50) ? " {.d, a: " + e + ".i, b: " + e + ".s}" : " {.*, a: 1, b: 'x'}");
  }
  if (r_.percent(20)) return "$map";
  return "{a: " + integer(scope, depth - 1) + ", b: " + string(scope, depth - 1) + "}";
}

}  // namespace lora::reference
