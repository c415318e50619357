#include "tests/reference/random_query.h"
#include "tests/reference/reference_values.h"

namespace lora::reference {

ReferenceGraph random_graph(Random& r) {
  ReferenceGraph graph;
  static constexpr size_t kNodes[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  const size_t nodes = r.percent(80) ? 3 + r.below(5) : r.pick(kNodes);
  // Of one to three coordinates, or of two, not both 0.
  const auto vector = [&](bool plain) {
    static constexpr VectorType kTypes[] = {VectorType::kFloat64, VectorType::kFloat32, VectorType::kInteger8,
                                            VectorType::kInteger64};
    VectorValue v;
    v.type = r.pick(kTypes);
    static constexpr double kNumbers[] = {0.0, 1.0, 2.5, -0.5};
    for (size_t n = plain ? 2 : 1 + r.below(3); n > 0; --n) {
      const double number = plain && n == 1 ? 1 + static_cast<double>(r.below(2)) : r.pick(kNumbers);
      if (v.type == VectorType::kFloat64 || v.type == VectorType::kFloat32) {
        v.floats.push_back(number);
      } else {
        v.integers.push_back(static_cast<int64_t>(number));
      }
    }
    return Value::vector(std::move(v));
  };
  const auto properties = [&](bool node) {
    Properties p;
    static constexpr double kFloats[] = {-1.5, 0.0, 0.5, 1.0, 2.0, 2.5};
    static constexpr std::string_view kStrings[] = {"",   "a", "b",  "ab", "abc",  "B",
                                                    "ba", "é", "aé", "É",  "日本", "😀b"};
    static constexpr int64_t kDays[] = {-1, 19'753, 19'782, 19'783};  // 1969-12-31, 2024-01-31, -02-29, -03-01
    if (r.percent(node ? 75 : 50)) p["i"] = Value::integer(static_cast<int64_t>(r.below(6)) - 1);
    if (r.percent(node ? 70 : 50)) p["j"] = Value::integer(static_cast<int64_t>(r.below(3)));
    if (r.percent(node ? 50 : 20)) p["f"] = Value::floating(r.pick(kFloats));
    if (r.percent(node ? 60 : 30)) p["s"] = Value::string(r.pick(kStrings));
    if (r.percent(node ? 50 : 30)) p["b"] = Value::boolean(r.percent(50));
    if (r.percent(node ? 65 : 30)) {
      switch (r.below(10)) {
        case 6: p["m"] = Value::date({kDays[r.below(4)]}); break;
        case 7:
          if (r.percent(40)) {
            // 2024-10-27T02:30 in Berlin, which comes twice.
            const bool second = r.percent(50);
            p["m"] =
                Value::date_time({1'729'989'000 + (second ? 3'600 : 0), 0, second ? 3'600 : 7'200, "Europe/Berlin"});
            break;
          }
          p["m"] = Value::date_time({19'753 * 86'400 + 36'000 * static_cast<int64_t>(r.below(2)), 0, 0, {}});
          break;
        case 8: p["m"] = Value::duration({static_cast<int64_t>(r.below(2)), 1, 0, 0}); break;
        case 9:
          if (r.percent(30)) {
            p["m"] = Value::point({Crs::kWgs84_3D, 4.5, 52, static_cast<double>(r.below(2))});
            break;
          }
          p["m"] = Value::point({Crs::kCartesian, static_cast<double>(r.below(3)), 0.5, 0});
          break;
        case 0: p["m"] = Value::integer(static_cast<int64_t>(r.below(3))); break;
        case 1: p["m"] = Value::floating(r.pick(kFloats)); break;
        case 2: p["m"] = Value::string(r.pick(kStrings)); break;
        case 3: p["m"] = Value::boolean(r.percent(50)); break;
        case 4:
          if (r.percent(50)) {
            p["m"] = r.percent(70) ? vector(false) : Value::list({vector(true), Value::integer(1)});
            break;
          }
          p["m"] = Value::list({Value::integer(1), Value::integer(2)});
          break;
        default: p["m"] = Value::list({Value::string("a"), r.percent(30) ? Value() : Value::floating(1.0)}); break;
      }
    }
    if (r.percent(node ? 40 : 20)) p["q"] = vector(true);
    if (r.percent(node ? 40 : 20)) p["d"] = Value::date({kDays[r.below(4)]});
    if (r.percent(node ? 30 : 15)) {
      p["t"] = Value::local_date_time({kDays[r.below(4)] * 86'400 + static_cast<int64_t>(r.below(3)) * 43'000, 0});
    }
    if (r.percent(node ? 30 : 15)) {
      static constexpr Crs kSystems[] = {Crs::kCartesian, Crs::kCartesian, Crs::kCartesian, Crs::kCartesian3D,
                                         Crs::kWgs84};
      const Crs crs = r.pick(kSystems);
      const double z = crs == Crs::kCartesian3D ? static_cast<double>(r.below(2)) : 0;
      p["p"] = Value::point({crs, static_cast<double>(r.below(3)), r.pick(kFloats), z});
    }
    if (r.percent(node ? 40 : 20)) {
      List items;
      for (size_t n = r.below(4); n > 0; --n) items.push_back(Value::integer(static_cast<int64_t>(r.below(4))));
      p["l"] = Value::list(std::move(items));
    }
    return p;
  };
  for (size_t i = 0; i < nodes; ++i) {
    GraphNode node;
    if (r.percent(70)) node.labels.insert("A");
    if (r.percent(50)) node.labels.insert("B");
    if (r.percent(15)) node.labels.insert("C");
    node.properties = properties(true);
    if (r.percent(60)) node.properties["u"] = Value::integer(static_cast<int64_t>(i));
    graph.add_node(std::move(node));
  }
  const size_t relationships = nodes == 0 ? 0 : nodes / 2 + r.below(nodes * 3 / 2 + 1);
  for (size_t i = 0; i < relationships; ++i) {
    GraphRelationship relationship;
    relationship.start = r.below(nodes);
    relationship.end = r.percent(8) ? relationship.start : r.below(nodes);
    relationship.type = r.percent(50) ? "R" : r.percent(80) ? "S" : "T";
    relationship.properties = properties(false);
    graph.add_relationship(std::move(relationship));
  }
  return graph;
}

std::string create_text(const ReferenceGraph& graph) {
  std::string text;
  const auto map = [](const Properties& properties) {
    if (properties.empty()) return std::string();
    std::string out = " {";
    for (const auto& [key, value] : properties) out += (out.size() > 2 ? ", " : "") + key + ": " + literal_text(value);
    return out + "}";
  };
  for (const auto& [id, node] : graph.nodes) {
    text += text.empty() ? "CREATE " : ", ";
    text += "(n" + std::to_string(id);
    for (const std::string& label : node.labels) text += ":" + label;
    text += map(node.properties) + ")";
  }
  for (const auto& [id, r] : graph.relationships) {
    text +=
        ", (n" + std::to_string(r.start) + ")-[:" + r.type + map(r.properties) + "]->(n" + std::to_string(r.end) + ")";
  }
  return text;
}

std::string literal_text(const Value& value) {
  switch (value.type()) {
    case ValueType::kNull: return "null";
    case ValueType::kBoolean: return value.as_boolean() ? "true" : "false";
    case ValueType::kInteger: return std::to_string(value.as_integer());
    case ValueType::kFloat: {
      char text[40];
      std::snprintf(text, sizeof text, "%.17g", value.as_float());
      std::string out = text;
      return out.find_first_of(".en") == std::string::npos ? out + ".0" : out;
    }
    case ValueType::kString: return "'" + std::string(value.as_string()) + "'";
    case ValueType::kList: {
      std::string text = "[";
      for (const Value& item : value.as_list()) text += (text.size() > 1 ? ", " : "") + literal_text(item);
      return text + "]";
    }
    default: return special_literal(value);
  }
}

}  // namespace lora::reference
