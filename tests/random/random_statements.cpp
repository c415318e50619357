#include "tests/random/random_statements.h"

#include <algorithm>
#include <cstdio>

namespace lora::test {

namespace {

constexpr size_t kNodesFew = 30, kNodesMany = 90;  // the graph breathes between these sizes
constexpr size_t kRelationshipsMany = 400;

std::string number_text(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", number);
  return text;
}

// A pattern for nodes: the words for the query, and whom the model says it finds.
struct Choice {
  std::string label;  // ":L1" or empty
  std::string where;  // "WHERE ..." or empty
  std::vector<uint64_t> ids;
};

void expect_ids(std::vector<uint64_t> expected, std::vector<uint64_t> returned, const char* what) {
  std::sort(expected.begin(), expected.end());
  std::sort(returned.begin(), returned.end());
  if (expected != returned) {
    throw std::string(what) + ": " + std::to_string(returned.size()) + " rows or other ids than the model's " +
        std::to_string(expected.size());
  }
}

}  // namespace

Plain RandomStatements::value(const std::string& key) {
  const auto integer = [](int64_t i) { return Plain{std::to_string(i), static_cast<double>(i)}; };
  const bool plain = key == "k0" || key == "k1";
  switch (below(plain ? 4 : 14)) {
    case 0:
    case 1: return integer(static_cast<int64_t>(below(40)) - 5);
    case 2: {
      const double number = static_cast<double>(below(60)) / 2 - 5;
      return number == 0 ? integer(0) : Plain{number_text(number), number};
    }
    case 3: return {"'s" + std::to_string(below(30)) + "'", {}};
    case 4: return {below(2) == 0 ? "true" : "false", {}};
    case 5: return {"'a string that lies outside " + std::string(below(300), 'x') + "'", {}};
    case 6: return {"'\u00e4\u00f6\u00fc \u6f22\u5b57 " + std::to_string(below(5)) + "'", {}};
    case 7: return {"date('2024-0" + std::to_string(1 + below(9)) + "-11')", {}};
    case 8: return {"[" + std::to_string(below(3)) + ", 'x', true]", {}};
    case 9: return {"[]", {}};
    case 10: return {"{a: " + std::to_string(below(3)) + ", b: ['y', [" + std::to_string(below(9)) + "]]}", {}};
    case 11: return {"duration('P" + std::to_string(1 + below(5)) + "D')", {}};
    case 12: return {"localdatetime('2020-02-29T10:11:1" + std::to_string(below(10)) + "')", {}};
    default: return {std::to_string((int64_t{1} << 53) + static_cast<int64_t>(below(2))), {}};
  }
}

Properties RandomStatements::properties(uint64_t count_max) {
  Properties properties;
  for (uint64_t n = below(count_max + 1); n > 0; --n) {
    const std::string name = key();
    properties[name] = value(name);
  }
  return properties;
}

std::set<std::string> RandomStatements::labels() {
  std::set<std::string> labels;
  for (uint64_t n = below(3); n > 0; --n) labels.insert(label());
  return labels;
}

namespace {

std::string pattern(const std::string& name, const std::set<std::string>& labels, const Properties& properties) {
  std::string text = "(" + name;
  for (const std::string& label : labels) text += ":" + label;
  return text + " " + properties_text(properties) + ")";
}

Choice choose(RandomStatements& random, const Model& model, const std::string& name,
              std::vector<std::pair<std::string, int64_t>>* parameters) {
  Choice choice;
  switch (random.below(5)) {
    case 0:
    case 1: {
      if (model.nodes.empty()) break;
      const auto it = std::next(model.nodes.begin(), static_cast<long>(random.below(model.nodes.size())));
      choice.where = "WHERE id(" + name + ") = $" + name + "_id";
      parameters->emplace_back(name + "_id", static_cast<int64_t>(it->first));
      choice.ids = {it->first};
      return choice;
    }
    case 2: {
      const std::string label = random.label();
      choice.label = ":" + label;
      choice.ids = model.find_nodes(label);
      return choice;
    }
    default: break;
  }
  const std::string label = random.label(), key = random.key();
  Plain value = random.value(key);
  // Mostly a value that is there.
  const std::vector<uint64_t> with_label = model.find_nodes(label);
  if (!with_label.empty()) {
    const Properties& there = model.nodes.at(with_label[random.below(with_label.size())]).properties;
    if (const auto it = there.find(key); it != there.end()) value = it->second;
  }
  choice.label = ":" + label;
  choice.where = "WHERE " + name + "." + key + " = " + value.text;
  choice.ids = model.find_nodes(label, key, &value);
  return choice;
}

}  // namespace

RandomStatement RandomStatements::create_node() {
  ModelNode node{labels(), properties(4)};
  RandomStatement s;
  s.query = "CREATE " + pattern("n", node.labels, node.properties) + " RETURN id(n)";
  s.apply = [node](Model& model, ReturnedIds& ids) { model.nodes[ids.take()] = node; };
  return s;
}

RandomStatement RandomStatements::create_nodes() {
  const std::string name = label();
  const uint64_t first = below(1000), count = 1 + below(20);
  RandomStatement s;
  s.own_transactions = one_in(3);
  const std::string create = "CREATE (n:" + name + " {k2: i, k3: 'text ' + toString(i)})";
  s.query = "UNWIND range($first, $last) AS i " +
            (s.own_transactions
                 ? "CALL { WITH i " + create + " RETURN id(n) AS id } IN TRANSACTIONS OF 3 ROWS RETURN id ORDER BY id"
                 : create + " RETURN id(n)");
  s.parameters = {{"first", static_cast<int64_t>(first)}, {"last", static_cast<int64_t>(first + count - 1)}};
  s.apply = [=](Model& model, ReturnedIds& ids) {
    for (uint64_t i = first; i < first + count; ++i) {
      ModelNode& node = model.nodes[ids.take()];
      node.labels = {name};
      node.properties = {{"k2", {std::to_string(i), static_cast<double>(i)}},
                         {"k3", {"'text " + std::to_string(i) + "'", {}}}};
    }
  };
  return s;
}

RandomStatement RandomStatements::create_relationships(const Model& model) {
  RandomStatement s;
  const Choice a = choose(*this, model, "a", &s.parameters), b = choose(*this, model, "b", &s.parameters);
  const std::string name = type();
  const Properties with = properties(2);
  std::string where = a.where;
  if (!b.where.empty()) where += where.empty() ? b.where : " AND" + b.where.substr(5);
  s.query = "MATCH (a" + a.label + "), (b" + b.label + ") " + where + " WITH a, b ORDER BY id(a), id(b) LIMIT 150 " +
            "CREATE (a)-[r:" + name + " " + properties_text(with) + "]->(b) RETURN id(r)";
  s.apply = [=](Model& m, ReturnedIds& ids) {
    int left = 150;
    for (const uint64_t start : a.ids) {
      for (const uint64_t end : b.ids) {
        if (left-- > 0) m.relationships[ids.take()] = {name, start, end, with};
      }
    }
  };
  return s;
}

RandomStatement RandomStatements::set_properties(const Model& model) {
  RandomStatement s;
  const Choice n = choose(*this, model, "n", &s.parameters);
  const std::string name = key();
  if (one_in(5)) {
    s.query = "MATCH (n" + n.label + ") " + n.where + (one_in(2) ? " REMOVE n." + name : " SET n." + name + " = null");
    s.apply = [=](Model& m, ReturnedIds&) {
      for (const uint64_t id : n.ids) m.nodes[id].properties.erase(name);
    };
    return s;
  }
  const Plain set = value(name);
  s.query = "MATCH (n" + n.label + ") " + n.where + " SET n." + name + " = " + set.text + " RETURN id(n)";
  s.apply = [=](Model& m, ReturnedIds& ids) {
    if (!ids.rehearsal()) expect_ids(n.ids, ids.all(), "SET");
    for (const uint64_t id : n.ids) m.nodes[id].properties[name] = set;
  };
  return s;
}

RandomStatement RandomStatements::replace_properties(const Model& model) {
  RandomStatement s;
  const Choice n = choose(*this, model, "n", &s.parameters);
  const Properties with = properties(3);
  const bool add = one_in(2);
  s.query = "MATCH (n" + n.label + ") " + n.where + " SET n " + (add ? "+=" : "=") + " " +
            (with.empty() ? "{}" : properties_text(with));
  s.apply = [=](Model& m, ReturnedIds&) {
    for (const uint64_t id : n.ids) {
      Properties& properties = m.nodes[id].properties;
      if (!add) properties.clear();
      for (const auto& [name, value] : with) properties[name] = value;
    }
  };
  return s;
}

RandomStatement RandomStatements::change_labels(const Model& model) {
  RandomStatement s;
  const Choice n = choose(*this, model, "n", &s.parameters);
  const std::string name = label();
  const bool add = !one_in(3);
  s.query = "MATCH (n" + n.label + ") " + n.where + (add ? " SET n:" : " REMOVE n:") + name;
  s.apply = [=](Model& m, ReturnedIds&) {
    for (const uint64_t id : n.ids) {
      if (add) {
        m.nodes[id].labels.insert(name);
      } else {
        m.nodes[id].labels.erase(name);
      }
    }
  };
  return s;
}

RandomStatement RandomStatements::merge_node(const Model& model) {
  const std::string name = label(), by = key(), other = by == "k4" ? "k3" : "k4";
  const Plain value_by = value(by), created = value(other), matched = value(other);
  RandomStatement s;
  s.query = "MERGE (n:" + name + " {" + by + ": " + value_by.text + "}) ON CREATE SET n." + other + " = " +
            created.text + " ON MATCH SET n." + other + " = " + matched.text + " RETURN id(n)";
  const std::vector<uint64_t> found = model.find_nodes(name, by, &value_by);
  s.apply = [=](Model& m, ReturnedIds& ids) {
    if (found.empty()) {
      m.nodes[ids.take()] = {{name}, {{by, value_by}, {other, created}}};
      return;
    }
    if (!ids.rehearsal()) expect_ids(found, ids.all(), "MERGE of nodes");
    for (const uint64_t id : found) m.nodes[id].properties[other] = matched;
  };
  return s;
}

RandomStatement RandomStatements::merge_relationship(const Model& model) {
  if (model.nodes.empty()) return create_node();
  const uint64_t a = any_id(model.nodes), b = any_id(model.nodes);
  const std::string name = type();
  std::vector<uint64_t> found;
  for (const auto& [id, r] : model.relationships) {
    if (r.type == name && r.start == a && r.end == b) found.push_back(id);
  }
  RandomStatement s;
  s.parameters = {{"a", static_cast<int64_t>(a)}, {"b", static_cast<int64_t>(b)}};
  s.query = "MATCH (a), (b) WHERE id(a) = $a AND id(b) = $b MERGE (a)-[r:" + name +
            "]->(b) ON CREATE SET r.k2 = 'new' ON MATCH SET r.k2 = coalesce(r.k3, 'old') RETURN id(r)";
  s.apply = [=](Model& m, ReturnedIds& ids) {
    if (found.empty()) {
      m.relationships[ids.take()] = {name, a, b, {{"k2", {"'new'", {}}}}};
      return;
    }
    if (!ids.rehearsal()) expect_ids(found, ids.all(), "MERGE of relationships");
    for (const uint64_t id : found) {
      Properties& properties = m.relationships[id].properties;
      properties["k2"] = properties.contains("k3") ? properties["k3"] : Plain{"'old'", {}};
    }
  };
  return s;
}

RandomStatement RandomStatements::change_relationships(const Model& model) {
  if (model.relationships.empty()) return create_relationships(model);
  RandomStatement s;
  std::vector<uint64_t> found;
  std::string match;
  if (one_in(3)) {
    const std::string name = type();
    match = "MATCH ()-[r:" + name + "]->()";
    found = model.find_relationships(name);
  } else {
    found = {any_id(model.relationships)};
    match = "MATCH ()-[r]->() WHERE id(r) = $r";
    s.parameters = {{"r", static_cast<int64_t>(found[0])}};
  }
  const std::string name = key();
  const bool all = one_in(3);
  const Plain set = value(name);
  s.query = match + (all ? " SET r = {" + name + ": " + set.text + "}" : " SET r." + name + " = " + set.text);
  s.apply = [=](Model& m, ReturnedIds&) {
    for (const uint64_t id : found) {
      Properties& properties = m.relationships[id].properties;
      if (all) properties.clear();
      properties[name] = set;
    }
  };
  return s;
}

RandomStatement RandomStatements::turn_relationship(const Model& model) {
  if (model.relationships.empty()) return create_relationships(model);
  const uint64_t id = any_id(model.relationships);
  const std::string name = type();
  RandomStatement s;
  s.parameters = {{"r", static_cast<int64_t>(id)}};
  s.query = "MATCH (a)-[r]->(b) WHERE id(r) = $r CREATE (b)-[q:" + name + "]->(a) SET q = properties(r) DELETE r " +
            "RETURN id(q)";
  s.apply = [=](Model& m, ReturnedIds& ids) {
    const ModelRelationship old = m.relationships.at(id);
    m.relationships.erase(id);
    m.relationships[ids.take()] = {name, old.end, old.start, old.properties};
  };
  return s;
}

RandomStatement RandomStatements::delete_relationships(const Model& model) {
  if (model.relationships.empty()) return create_relationships(model);
  RandomStatement s;
  if (one_in(4) || model.relationships.size() > kRelationshipsMany) {
    RandomStatement all;
    const Choice a = choose(*this, model, "a", &s.parameters);
    const std::string name = type();
    s.query = "MATCH (a" + a.label + ")-[r:" + name + "]->() " + a.where + " DELETE r";
    s.apply = [=](Model& m, ReturnedIds&) {
      std::erase_if(m.relationships, [&](const auto& r) {
        return r.second.type == name && std::find(a.ids.begin(), a.ids.end(), r.second.start) != a.ids.end();
      });
    };
    return s;
  }
  const uint64_t id = any_id(model.relationships);
  s.parameters = {{"r", static_cast<int64_t>(id)}};
  s.query = "MATCH ()-[r]-() WHERE id(r) = $r DELETE r";
  s.apply = [=](Model& m, ReturnedIds&) { m.relationships.erase(id); };
  return s;
}

RandomStatement RandomStatements::delete_nodes(const Model& model) {
  RandomStatement s;
  Choice n = choose(*this, model, "n", &s.parameters);
  const bool detach = !one_in(3);
  std::string few;
  if (!detach || one_in(2)) {
    few = " WITH n ORDER BY id(n) DESC LIMIT 4";
    if (n.ids.size() > 4) n.ids.erase(n.ids.begin(), n.ids.end() - 4);
  }
  s.query = "MATCH (n" + n.label + ") " + n.where + few + (detach ? " DETACH DELETE n" : " DELETE n");
  if (!detach && std::any_of(n.ids.begin(), n.ids.end(), [&](uint64_t id) { return model.connected(id); })) {
    s.error = ErrorCode::kForeignKey;
  }
  s.apply = [=](Model& m, ReturnedIds&) {
    for (const uint64_t id : n.ids) m.detach_delete(id);
  };
  return s;
}

RandomStatement RandomStatements::change_schema(const Model& model) {
  RandomStatement s;
  if (model.schema.size() >= 3 || (!model.schema.empty() && one_in(4))) {
    const auto it = std::next(model.schema.begin(), static_cast<long>(below(model.schema.size())));
    s.query = (it->second.unique ? "DROP CONSTRAINT " : "DROP INDEX ") + it->first;
    s.apply = [name = it->first](Model& m, ReturnedIds&) { m.schema.erase(name); };
    return s;
  }
  ModelIndex index;
  index.on_relationships = one_in(4);
  index.unique = !index.on_relationships && one_in(2);
  index.owner = index.on_relationships ? type() : label();
  index.keys = {index.unique ? "k" + std::to_string(below(2)) : key()};
  if (one_in(4)) {
    const std::string second = index.unique ? (index.keys[0] == "k0" ? "k1" : "k0") : key();
    if (second != index.keys[0]) index.keys.push_back(second);
  }
  for (const auto& [other_name, other] : model.schema) {
    if (other.on_relationships == index.on_relationships && other.owner == index.owner && other.keys == index.keys) {
      return create_node();  // the same index twice is the scenarios' business
    }
  }
  const std::string name = (index.unique ? "u" : "i") + std::to_string(schema_names_++);
  const std::string target =
      index.on_relationships ? "()-[x:" + index.owner + "]-()" : std::string("(x:" + index.owner + ")");
  std::string keys;
  for (const std::string& k : index.keys) keys += (keys.empty() ? "x." : ", x.") + k;
  s.query = index.unique ? "CREATE CONSTRAINT " + name + " FOR " + target + " REQUIRE (" + keys + ") IS UNIQUE"
                         : "CREATE INDEX " + name + " FOR " + target + " ON (" + keys + ")";
  s.apply = [=](Model& m, ReturnedIds&) { m.schema[name] = index; };
  return s;
}

RandomStatement RandomStatements::fail(const Model& model) {
  RandomStatement s;
  switch (below(6)) {
    case 0:
      s.query = "UNWIND [1, 2, 0] AS x CREATE (:" + label() + " {k3: 10 / x})";
      s.error = ErrorCode::kArithmetic;
      break;
    case 1:
      s.query = "CREATE (n:" + label() + ") SET n.k3 = [{a: 1}]";
      s.error = ErrorCode::kType;
      break;
    case 2:
      s.query = "MATCH (n) DETACH DELETE n WITH count(*) AS c RETURN 1 / (c - c)";
      s.error = ErrorCode::kArithmetic;
      break;
    case 3:
      s.query = "CREATE (n:" + label() + " {k2: 1}) WITH n RETURN nowhere";
      s.error = ErrorCode::kSemantic;
      break;
    case 4:
      s.query = "CREATE (n:" + label() + " {k2: 1}";
      s.error = ErrorCode::kParse;
      break;
    default:
      if (model.schema.empty()) return fail(model);
      s.query = "CREATE INDEX " + model.schema.begin()->first + " FOR (x:Fresh) ON (x.fresh)";
      s.error = ErrorCode::kConstraint;
      break;
  }
  return s;
}

RandomStatement RandomStatements::next(const Model& model) {
  if (model.nodes.size() > kNodesMany || model.relationships.size() > 2 * kRelationshipsMany) {
    return one_in(2) ? delete_nodes(model) : delete_relationships(model);
  }
  if (model.nodes.size() < kNodesFew && one_in(3)) return create_nodes();
  switch (below(20)) {
    case 0: return create_nodes();
    case 1:
    case 2: return create_node();
    case 3:
    case 4:
    case 5: return create_relationships(model);
    case 6:
    case 7: return set_properties(model);
    case 8: return replace_properties(model);
    case 9:
    case 10: return change_labels(model);
    case 11:
    case 12: return merge_node(model);
    case 13: return merge_relationship(model);
    case 14: return change_relationships(model);
    case 15: return turn_relationship(model);
    case 16: return delete_relationships(model);
    case 17: return delete_nodes(model);
    case 18: return change_schema(model);
    default: return fail(model);
  }
}

}  // namespace lora::test
