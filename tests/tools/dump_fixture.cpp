#include "tests/tools/dump_fixture.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

#include "tests/support/random_values.h"

namespace lora::tools {

using graph::Property;
using graph::Reader;

namespace {

template <typename Definition>
std::string definition_text(const char* what, const Definition& d) {
  std::string text = std::string(what) + " " + d.name + " " + std::to_string(static_cast<int>(d.kind)) + " " +
                     std::to_string(static_cast<int>(d.entity)) + " " + d.label_or_type;
  for (const std::string& key : d.keys) {
    text += " " + key;
  }
  return text;
}

// A script writes a binary value's bytes, not how they are cut into segments.
Value one_segment(const Value& value) {
  if (value.type() == ValueType::kBinary) {
    Binary joined;
    joined.segments.emplace_back();
    for (const std::string& segment : value.as_binary().segments) {
      joined.segments[0] += segment;
    }
    return Value::binary(std::move(joined));
  }
  if (value.is_list()) {
    List items;
    for (const Value& item : value.as_list()) {
      items.push_back(one_segment(item));
    }
    return Value::list(std::move(items));
  }
  if (value.is_map()) {
    std::vector<MapEntry> entries;
    for (const auto& [key, item] : value.as_map()) {
      entries.emplace_back(key, one_segment(item));
    }
    return Value::map(std::move(entries));
  }
  return value;
}

void expect_same_entities(const std::map<uint64_t, Entity>& a, const std::map<uint64_t, Entity>& b, bool exact) {
  ASSERT_EQ(a.size(), b.size());
  for (auto i = a.begin(), j = b.begin(); i != a.end(); ++i, ++j) {
    ASSERT_EQ(i->first, j->first);
    ASSERT_EQ(i->second.labels, j->second.labels) << i->first;
    ASSERT_EQ(i->second.start, j->second.start) << i->first;
    ASSERT_EQ(i->second.end, j->second.end) << i->first;
    ASSERT_EQ(i->second.properties.size(), j->second.properties.size()) << i->first;
    for (auto p = i->second.properties.begin(), q = j->second.properties.begin(); p != i->second.properties.end();
         ++p, ++q) {
      ASSERT_EQ(p->first, q->first) << i->first;
      const Value x = exact ? p->second : one_segment(p->second);
      const Value y = exact ? q->second : one_segment(q->second);
      ASSERT_TRUE(test::identical(x, y)) << "entity " << i->first << " property " << p->first << " of type "
                                         << value_type_name(x.type()) << " and " << value_type_name(y.type());
    }
  }
}

// Entities by their property "uid" instead of their ids.
Content by_uid(const Content& content) {
  Content out;
  out.schema = content.schema;
  std::map<uint64_t, uint64_t> uids;
  for (const auto& [id, node] : content.nodes) {
    uids[id] = static_cast<uint64_t>(node.properties.at("uid").as_integer());
    out.nodes[uids[id]] = node;
  }
  for (const auto& [id, relationship] : content.relationships) {
    Entity entity = relationship;
    entity.start = uids.at(entity.start);
    entity.end = uids.at(entity.end);
    out.relationships[static_cast<uint64_t>(entity.properties.at("uid").as_integer())] = std::move(entity);
  }
  return out;
}

constexpr const char* kLabels[] = {"Person", "City", "a b", "MATCH", "\u00e9t\u00e9", "`quoted`", "new\nline", "U"};
constexpr const char* kKeys[] = {"name", "kind", "a b", "\u4e2d", "`", "value", "n", "RETURN"};
constexpr const char* kTypes[] = {"KNOWS", "lives in", "CREATE", "`"};

}  // namespace

std::unique_ptr<Graph> open_graph(const std::string& path) {
  graph::GraphOptions options;
  options.store.directory = path;
  options.store.sync = kv::SyncLevel::kOff;
  options.cache_bytes = 64u << 20;
  return must(Graph::open(options));
}

std::unique_ptr<graph::Transaction> begin(Graph& graph) {
  return must(graph.begin_write(std::chrono::steady_clock::now() + std::chrono::seconds(5), "test", 0, {}));
}

Content read_content(Graph& graph) {
  Content content;
  const graph::Snapshot snapshot = graph.snapshot();
  const std::unique_ptr<Reader> reader = snapshot.reader();
  std::vector<Property> properties;
  std::vector<LabelId> labels;
  uint64_t ids[64];
  const auto named = [&](Entity* entity) {
    for (const Property& p : properties) {
      entity->properties.emplace(reader->key_name(p.key), p.value);
    }
  };
  graph::EntityScan nodes = reader->scan_nodes(std::nullopt);
  for (size_t n = 0; (n = nodes.next(ids, 64)) != 0;) {
    for (size_t i = 0; i < n; ++i) {
      Entity& entity = content.nodes[ids[i]];
      reader->labels(NodeId(ids[i]), &labels);
      for (LabelId label : labels) {
        entity.labels.emplace(reader->label_name(label));
      }
      reader->node_properties(NodeId(ids[i]), &properties);
      named(&entity);
    }
  }
  graph::EntityScan relationships = reader->scan_relationships(std::nullopt);
  for (size_t n = 0; (n = relationships.next(ids, 64)) != 0;) {
    for (size_t i = 0; i < n; ++i) {
      Entity& entity = content.relationships[ids[i]];
      const auto record = reader->relationship(RelId(ids[i]));
      entity.labels.emplace(reader->rel_type_name(record->type));
      entity.start = record->start.value;
      entity.end = record->end.value;
      reader->relationship_properties(RelId(ids[i]), &properties);
      named(&entity);
    }
  }
  for (const graph::IndexInfo& index : reader->schema().indexes) {
    content.schema.insert(definition_text(index.owning_constraint.empty() ? "index" : "owned", index.definition));
  }
  for (const graph::ConstraintInfo& constraint : reader->schema().constraints) {
    content.schema.insert(definition_text("constraint", constraint.definition));
  }
  content.next_node = reader->node_id_limit().value;
  content.next_relationship = reader->relationship_id_limit().value;
  EXPECT_TRUE(reader->status().ok()) << reader->status().to_string();
  EXPECT_EQ(content.nodes.size(), reader->node_count());
  EXPECT_EQ(content.relationships.size(), reader->relationship_count());
  return content;
}

void expect_same(const Content& a, const Content& b, bool same_ids) {
  ASSERT_EQ(a.schema, b.schema);
  if (same_ids) {
    EXPECT_EQ(a.next_node, b.next_node);
    EXPECT_EQ(a.next_relationship, b.next_relationship);
    expect_same_entities(a.nodes, b.nodes, true);
    expect_same_entities(a.relationships, b.relationships, true);
  } else {
    const Content x = by_uid(a), y = by_uid(b);
    expect_same_entities(x.nodes, y.nodes, false);
    expect_same_entities(x.relationships, y.relationships, false);
  }
}

void fill(Graph& graph, uint64_t seed, int size) {
  test::RandomValues random(seed);
  int64_t uid = 0;
  const auto properties = [&](graph::Transaction& tx) {
    std::vector<Property> out{{must(tx.key("uid")), Value::integer(uid++)}};
    for (uint64_t i = random.below(4); i > 0; --i) {
      Value value = random.any();
      if (is_storable(value)) {
        out.push_back({must(tx.key(kKeys[random.below(std::size(kKeys))])), std::move(value)});
      }
    }
    return out;
  };
  std::vector<NodeId> nodes;
  std::vector<RelId> relationships;
  {
    const auto tx = begin(graph);
    must(tx->begin_statement());
    must(tx->create_index({"by_name", graph::IndexKind::kRange, graph::EntityKind::kNode, "Person", {"name"}}));
    must(tx->create_index({"two keys", graph::IndexKind::kRange, graph::EntityKind::kNode, "a b", {"a b", "kind"}}));
    must(tx->create_index({"of_rel", graph::IndexKind::kRange, graph::EntityKind::kRelationship, "CREATE", {"value"}}));
    must(tx->create_constraint({"unique_uid", graph::ConstraintKind::kUnique, graph::EntityKind::kNode, "U", {"uid"}}));
    must(tx->finish_statement());
    must(tx->commit());
  }
  for (int round = 0; round < 4; ++round) {
    const auto tx = begin(graph);
    must(tx->begin_statement());
    for (int i = 0; i < size / 4; ++i) {
      std::set<LabelId> labels;
      for (uint64_t n = random.below(4); n > 0; --n) {
        labels.insert(must(tx->label(kLabels[random.below(std::size(kLabels))])));
      }
      nodes.push_back(must(tx->create_node(std::vector<LabelId>(labels.begin(), labels.end()), properties(*tx))));
    }
    for (int i = 0; i < size / 2 && !nodes.empty(); ++i) {
      const NodeId start = nodes[random.below(nodes.size())];
      const NodeId end = random.below(10) == 0 ? start : nodes[random.below(nodes.size())];
      const RelTypeId type = must(tx->rel_type(kTypes[random.below(std::size(kTypes))]));
      relationships.push_back(must(tx->create_relationship(type, start, end, properties(*tx))));
    }
    // Gaps between the ids.
    for (int i = 0; i < size / 40; ++i) {
      const size_t at = random.below(relationships.size());
      must(tx->delete_relationship(relationships[at]));
      const size_t node = random.below(nodes.size());
      must(tx->detach_delete_node(nodes[node], nullptr));
      nodes.erase(nodes.begin() + static_cast<std::ptrdiff_t>(node));
      std::erase_if(relationships, [&](RelId id) { return !tx->reader().relationship_exists(id); });
    }
    must(tx->finish_statement());
    if (round == 2) {
      must(tx->skip_ids(NodeId(5'000), RelId(9'000)));
    }
    must(tx->commit());
  }
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}
void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}
std::set<std::string> names_in(const std::string& directory) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

pid_t start(std::vector<std::string> arguments, const std::string& output, const std::string& errors) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    if ((!output.empty() && std::freopen(output.c_str(), "w", stdout) == nullptr) ||
        (!errors.empty() && std::freopen(errors.c_str(), "w", stderr) == nullptr)) {
      _exit(126);
    }
    execv(argv[0], argv.data());
    _exit(127);
  }
  return child;
}

int exit_code_of(pid_t program) {
  int status = 0;
  waitpid(program, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int run(std::vector<std::string> arguments, const std::string& output, const std::string& errors) {
  return exit_code_of(start(std::move(arguments), output, errors));
}

}  // namespace lora::tools
