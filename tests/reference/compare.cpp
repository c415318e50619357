#include "tests/reference/compare.h"

#include <algorithm>
#include <cmath>

namespace lora::reference {

namespace {

std::vector<MapEntry> entries_of(const Properties& properties) {
  std::vector<MapEntry> out;
  for (const auto& [key, value] : properties) out.emplace_back(Value::string(key), value);
  return out;
}

Node whole_node(uint64_t id, const ReferenceGraph& graph) {
  Node node;
  node.id = NodeId(id);
  if (const auto it = graph.nodes.find(id); it != graph.nodes.end()) {
    node.labels.assign(it->second.labels.begin(), it->second.labels.end());
    node.properties = entries_of(it->second.properties);
  }
  return node;
}

Relationship whole_relationship(uint64_t id, const ReferenceGraph& graph) {
  Relationship r;
  r.id = RelId(id);
  if (const auto it = graph.relationships.find(id); it != graph.relationships.end()) {
    r.start = NodeId(it->second.start);
    r.end = NodeId(it->second.end);
    r.type = it->second.type;
    r.properties = entries_of(it->second.properties);
  }
  return r;
}

std::string joined(std::vector<std::string> parts, bool sort) {
  if (sort) std::sort(parts.begin(), parts.end());
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

class Text {
 public:
  Text(const TextRules& rules, const EntityNames* names) : rules_(rules), names_(names) {}

  std::string of(const Value& v) const {
    switch (v.type()) {
      case ValueType::kNull: return "null";
      case ValueType::kBoolean: return v.as_boolean() ? "true" : "false";
      case ValueType::kInteger: return std::to_string(v.as_integer());
      case ValueType::kFloat: {
        const double d = v.as_float();
        if (std::isnan(d)) return "NaN";
        if (d == std::trunc(d) && std::fabs(d) < 1e15) {
          return std::to_string(static_cast<int64_t>(d)) + (rules_.numbers_alike ? "" : ".0");
        }
        char text[40];
        std::snprintf(text, sizeof text, rules_.distances ? "%.9g" : "%.12g", d);
        return text;
      }
      case ValueType::kString: return "'" + std::string(v.as_string()) + "'";
      case ValueType::kList: {
        std::vector<std::string> parts;
        for (const Value& item : v.as_list()) parts.push_back(of(item));
        return "[" + joined(std::move(parts), rules_.lists_are_bags) + "]";
      }
      case ValueType::kMap: return map(v.as_map());
      case ValueType::kNode: return node(v.as_node());
      case ValueType::kRelationship: return relationship(v.as_relationship());
      case ValueType::kPath: {
        std::string text = "<";
        for (size_t i = 0; i < v.as_path().nodes.size(); ++i) {
          if (i > 0) text += "-" + relationship(v.as_path().rels[i - 1]) + "-";
          text += node(v.as_path().nodes[i]);
        }
        return text + ">";
      }
      case ValueType::kDateTime: {
        // Of equal instants in different zones, any may stand for all.
        const DateTime& at = v.as_date_time();
        return special_key(v) + (rules_.numbers_alike ? "" : " " + std::to_string(at.offset_seconds) + " " + at.zone);
      }
      default: return is_special(v) ? special_key(v) : "?";
    }
  }

  std::string map(std::span<const MapEntry> entries) const {
    std::vector<std::string> parts;
    for (const auto& [key, value] : entries) parts.push_back(std::string(key.as_string()) + ": " + of(value));
    return "{" + joined(std::move(parts), true) + "}";
  }
  std::string labels(const std::vector<std::string>& labels) const {
    std::vector<std::string> parts;
    for (const std::string& label : labels) parts.push_back(":" + label);
    return joined(std::move(parts), true);
  }
  std::string node(const Node& n) const {
    return "(" + names_->node(n.id.value) + " " + labels(n.labels) + " " + map(n.properties) + ")";
  }
  std::string relationship(const Relationship& r) const {
    return "[" + names_->relationship(r.id.value) + " :" + r.type + " " + map(r.properties) + "]";
  }

 private:
  const TextRules& rules_;
  const EntityNames* names_;
};

}  // namespace

Value hydrate(const Value& value, const ReferenceGraph& graph) {
  switch (value.type()) {
    case ValueType::kNode: return Value::hydrated(whole_node(value.node_id().value, graph));
    case ValueType::kRelationship: return Value::hydrated(whole_relationship(value.relationship_id().value, graph));
    case ValueType::kPath: {
      Path path;
      for (NodeId n : value.path_ids().nodes) path.nodes.push_back(whole_node(n.value, graph));
      for (RelId r : value.path_ids().rels) path.rels.push_back(whole_relationship(r.value, graph));
      return Value::hydrated(std::move(path));
    }
    case ValueType::kList: {
      List items;
      for (const Value& item : value.as_list()) items.push_back(hydrate(item, graph));
      return Value::list(std::move(items));
    }
    case ValueType::kMap: {
      std::vector<MapEntry> entries;
      for (const auto& [key, item] : value.as_map()) entries.emplace_back(key, hydrate(item, graph));
      return Value::map(std::move(entries));
    }
    default: return value;
  }
}

EntityNames::EntityNames(const ReferenceGraph& before, const ReferenceGraph& after) {
  const TextRules strict;
  const Text text(strict, this);
  std::map<uint64_t, std::string> contents;
  for (const auto& [id, n] : after.nodes) {
    const Node whole = whole_node(id, after);
    contents[id] = text.labels(whole.labels) + " " + text.map(whole.properties);
    nodes_[id] = id < before.next_node ? "#" + std::to_string(id) : contents[id];
  }
  const auto digest = [](const std::string& long_text) {
    return "new" + std::to_string(std::hash<std::string>()(long_text));
  };
  std::map<uint64_t, std::string> what;  // of relationships
  for (const auto& [id, r] : after.relationships) what[id] = r.type + text.map(entries_of(r.properties));
  // New nodes look alike when their neighbours, and those of these, look alike.
  for (int round = 0; round < 4; ++round) {
    std::map<uint64_t, std::string> next = nodes_;
    std::map<uint64_t, std::vector<std::string>> around;
    for (const auto& [rel, r] : after.relationships) {
      if (r.start >= before.next_node) around[r.start].push_back(">" + what[rel] + nodes_[r.end]);
      if (r.end >= before.next_node) around[r.end].push_back("<" + what[rel] + nodes_[r.start]);
    }
    for (const auto& [id, n] : after.nodes) {
      if (id >= before.next_node) next[id] = digest(contents[id] + joined(std::move(around[id]), true));
    }
    nodes_ = std::move(next);
  }
  std::vector<std::string> all;
  for (const auto& [id, n] : after.nodes) all.push_back("(" + nodes_[id] + " " + contents[id] + ")");
  for (const auto& [id, r] : after.relationships) {
    const std::string ends = nodes_[r.start] + " -> " + nodes_[r.end];
    relationships_[id] = id < before.next_relationship ? "#" + std::to_string(id) : digest(ends + what[id]);
    all.push_back("[" + relationships_[id] + " " + ends + " " + what[id] + "]");
  }
  std::sort(all.begin(), all.end());
  for (const std::string& line : all) text_ += line + "\n";
}

const std::string& EntityNames::node(uint64_t id) const {
  static const std::string kDeleted = "deleted";
  const auto it = nodes_.find(id);
  return it == nodes_.end() ? kDeleted : it->second;
}
const std::string& EntityNames::relationship(uint64_t id) const {
  static const std::string kDeleted = "deleted";
  const auto it = relationships_.find(id);
  return it == relationships_.end() ? kDeleted : it->second;
}
std::string EntityNames::graph_text() const {
  return text_;
}

TextRules::TextRules(std::string_view text) {
  std::string query(text);
  std::erase(query, ' ');
  const auto says = [&](std::string_view word) { return query.find(word) != std::string::npos; };
  lists_are_bags = says("collect(") || says("COLLECT") || says("keys(") || says("labels(") || says("[(");
  distances = says("distance(");
  numbers_alike = says("DISTINCT") || says("UNION") || says("collect(") || says("count(") || says("min(") ||
                  says("max(") || says("sum(") || says("avg(");
}

std::string difference(const QueryResult& rows, const EntityNames& row_names, const Outcome& expected,
                       const ReferenceGraph& graph, const EntityNames& expected_names, std::string_view query) {
  const TextRules rules(query);
  size_t total = 0;
  for (const auto& rows_of_class : expected.classes) total += rows_of_class.size();
  const size_t count = std::min(total - std::min(total, expected.skip), expected.limit);
  std::vector<size_t> order;  // the reference's column for each of the engine's
  if (total > 0 && !expected.columns.empty()) {
    if (rows.columns.size() != expected.columns.size()) return "the columns differ";
    for (const std::string& column : rows.columns) {
      const auto it = std::find(expected.columns.begin(), expected.columns.end(), column);
      if (it == expected.columns.end()) return "no column `" + column + "` is expected";
      order.push_back(static_cast<size_t>(it - expected.columns.begin()));
    }
  }
  const Text ours(rules, &row_names);
  const Text theirs(rules, &expected_names);
  std::vector<std::string> got;
  for (size_t r = 0; r < rows.row_count; ++r) {
    std::string line;
    for (size_t c = 0; c < rows.columns.size(); ++c) line += "| " + ours.of(rows.at(r, c)) + " ";
    got.push_back(std::move(line));
  }
  std::string why;
  if (got.size() != count) why = std::to_string(got.size()) + " rows instead of " + std::to_string(count);
  size_t begin = 0;
  std::string listing;
  for (const auto& rows_of_class : expected.classes) {
    std::vector<std::string> wanted;
    for (const auto& values : rows_of_class) {
      std::string line;
      for (const size_t c : order) line += "| " + theirs.of(hydrate(values[c], graph)) + " ";
      wanted.push_back(std::move(line));
    }
    const size_t end = begin + wanted.size();
    std::sort(wanted.begin(), wanted.end());
    for (const std::string& line : wanted) listing += "  " + line + "\n";
    const size_t from = std::min(got.size(), std::max(begin, expected.skip) - expected.skip);
    size_t to = end <= expected.skip ? 0 : std::min(end - expected.skip, expected.limit);
    to = std::max(from, std::min(to, got.size()));
    std::vector<std::string> part(got.begin() + static_cast<ptrdiff_t>(from), got.begin() + static_cast<ptrdiff_t>(to));
    std::sort(part.begin(), part.end());
    if (why.empty() && !std::includes(wanted.begin(), wanted.end(), part.begin(), part.end())) {
      why = "the rows differ";
    }
    begin = end;
  }
  if (why.empty()) return why;
  why += "\nexpected (before SKIP and LIMIT):\n" + listing + "got:\n";
  for (const std::string& line : got) why += "  " + line + "\n";
  return why;
}

}  // namespace lora::reference
