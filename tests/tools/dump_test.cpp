// Dump, restore, compare: random graphs in every format; wrong files; databases that another process has open.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "cypher/database.h"
#include "tests/support/random_values.h"
#include "tests/support/temp_directory.h"
#include "tools/database_path.h"
#include "tools/dump_database.h"
#include "tools/restore_database.h"

namespace lora::tools {
namespace {

namespace fs = std::filesystem;
using graph::Graph;
using graph::Property;
using graph::Reader;
using tests::TempDirectory;

constexpr DumpFormat kFormats[] = {DumpFormat::kSnapshot, DumpFormat::kJsonLines, DumpFormat::kCypher};
const char* format_name(DumpFormat format) {
  return format == DumpFormat::kSnapshot ? "snapshot" : format == DumpFormat::kJsonLines ? "jsonl" : "cypher";
}

#define ASSERT_OK(expr)                               \
  do {                                                \
    const ::lora::Status status_ = (expr);            \
    ASSERT_TRUE(status_.ok()) << status_.to_string(); \
  } while (0)

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) {
    ADD_FAILURE() << result.status().to_string();
    std::abort();
  }
  return std::move(result).value();
}
void must(const Status& status) {
  if (!status.ok()) {
    ADD_FAILURE() << status.to_string();
    std::abort();
  }
}

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

// --- what a database holds, by names ---

struct Entity {
  std::set<std::string> labels;  // or the type
  uint64_t start = 0, end = 0;
  std::map<std::string, Value> properties;
};
struct Content {
  std::map<uint64_t, Entity> nodes, relationships;
  std::set<std::string> schema;
  uint64_t next_node = 0, next_relationship = 0;
};

template <typename Definition>
std::string definition_text(const char* what, const Definition& d) {
  std::string text = std::string(what) + " " + d.name + " " + std::to_string(static_cast<int>(d.kind)) + " " +
                     std::to_string(static_cast<int>(d.entity)) + " " + d.label_or_type;
  for (const std::string& key : d.keys) {
    text += " " + key;
  }
  return text;
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

// --- random databases ---

constexpr const char* kLabels[] = {"Person", "City", "a b", "MATCH", "\u00e9t\u00e9", "`quoted`", "new\nline", "U"};
constexpr const char* kKeys[] = {"name", "kind", "a b", "\u4e2d", "`", "value", "n", "RETURN"};
constexpr const char* kTypes[] = {"KNOWS", "lives in", "CREATE", "`"};

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

class DumpTest : public ::testing::Test {
 protected:
  std::string db(const std::string& name) const { return directory_ / (name + ".loradb"); }

  std::string make_database(const std::string& name, uint64_t seed, int size) {
    const auto graph = open_graph(db(name));
    fill(*graph, seed, size);
    must(graph->close());
    return db(name);
  }
  std::string dump(const std::string& name, DumpFormat format) {
    DumpOptions options;
    options.format = format;
    options.output = directory_ / (name + "." + format_name(format));
    options.force = true;
    options.check = true;
    must(dump_database(db(name), options, {}));
    return options.output;
  }
  Content content(const std::string& name, bool verified = true) {
    const auto graph = open_graph(db(name));
    if (verified) {
      const auto report = must(graph->verify(true, {}));
      EXPECT_TRUE(report.errors.empty()) << report.errors.front();
    }
    return read_content(*graph);
  }

  TempDirectory directory_;
};

TEST_F(DumpTest, RandomGraphsComeBackEqualInEveryFormat) {
  for (uint64_t round = 0; round < 3; ++round) {
    const uint64_t seed = test::test_seed(1'000) + round;
    SCOPED_TRACE("LORA_TEST_SEED=" + std::to_string(seed));
    const std::string name = "db" + std::to_string(round);
    make_database(name, seed, 240);
    const Content before = content(name);
    for (DumpFormat format : kFormats) {
      SCOPED_TRACE(format_name(format));
      const std::string file = dump(name, format);
      const std::string copy = name + "-" + format_name(format);
      const auto counts = restore_database(file, db(copy), {}, {});
      ASSERT_OK(counts.status());
      EXPECT_EQ(counts->nodes, before.nodes.size());
      EXPECT_EQ(counts->relationships, before.relationships.size());
      EXPECT_EQ(counts->indexes, 3u);
      EXPECT_EQ(counts->constraints, 1u);
      expect_same(before, content(copy), format != DumpFormat::kCypher);
      if (format == DumpFormat::kJsonLines) {
        EXPECT_EQ(read_file(file), read_file(dump(copy, format)));
      }
    }
  }
}

TEST_F(DumpTest, AnEmptyDatabaseAndOneWithoutRelationshipsComeBack) {
  {
    const auto graph = open_graph(db("empty"));
    must(graph->close());
    const auto nodes = open_graph(db("nodes"));
    const auto tx = begin(*nodes);
    must(tx->begin_statement());
    must(tx->create_node({}, {}));
    must(tx->finish_statement());
    must(tx->commit());
  }
  for (const char* name : {"empty", "nodes"}) {
    for (DumpFormat format : kFormats) {
      SCOPED_TRACE(format_name(format));
      const std::string copy = std::string(name) + "-" + format_name(format);
      ASSERT_OK(restore_database(dump(name, format), db(copy), {}, {}).status());
      EXPECT_EQ(content(copy).nodes.size(), content(name).nodes.size());
    }
  }
}

TEST_F(DumpTest, ValuesOfTheDeepestNestingComeBack) {
  {
    const auto graph = open_graph(db("deep"));
    const auto tx = begin(*graph);
    must(tx->begin_statement());
    const std::vector<Property> properties{{must(tx->key("uid")), Value::integer(1)},
                                           {must(tx->key("kind")), test::nested_list(kNestingMax)}};
    const NodeId a = must(tx->create_node({}, properties));
    must(tx->create_relationship(must(tx->rel_type("T")), a, a, properties));
    must(tx->finish_statement());
    must(tx->commit());
  }
  const Content before = content("deep");
  for (DumpFormat format : {DumpFormat::kSnapshot, DumpFormat::kJsonLines}) {
    SCOPED_TRACE(format_name(format));
    const std::string copy = std::string("deep-") + format_name(format);
    ASSERT_OK(restore_database(dump("deep", format), db(copy), {}, {}).status());
    expect_same(before, content(copy), true);
  }
}

TEST_F(DumpTest, DeepValuesComeBackFromAScript) {
  {
    const auto graph = open_graph(db("deep"));
    const auto tx = begin(*graph);
    must(tx->begin_statement());
    const std::vector<Property> properties{{must(tx->key("uid")), Value::integer(1)},
                                           {must(tx->key("v")), test::nested_list(500)}};
    const NodeId a = must(tx->create_node({}, properties));
    must(tx->create_relationship(must(tx->rel_type("T")), a, a, properties));
    must(tx->finish_statement());
    must(tx->commit());
  }
  ASSERT_OK(restore_database(dump("deep", DumpFormat::kCypher), db("copy"), {}, {}).status());
  expect_same(content("deep"), content("copy"), false);
}

// Runs a program; its exit code, -1 when it died.
int run(std::vector<std::string> arguments, const std::string& output = "/dev/null",
        const std::string& errors = "/dev/null") {
  std::vector<char*> argv;
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    if (std::freopen(output.c_str(), "w", stdout) == nullptr || std::freopen(errors.c_str(), "w", stderr) == nullptr) {
      _exit(126);
    }
    execv(argv[0], argv.data());
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// --- wrong files ---

TEST_F(DumpTest, ADamagedFileIsRefusedAndLeavesNothing) {
  make_database("db", test::test_seed(7), 40);
  std::mt19937_64 random(test::test_seed(7));
  const std::string bad = directory_ / "bad";
  for (DumpFormat format : kFormats) {
    SCOPED_TRACE(format_name(format));
    const std::string bytes = read_file(dump("db", format));
    ASSERT_GT(bytes.size(), 100u);
    write_file(bad, bytes);
    const std::set<std::string> before = names_in(directory_.path());
    for (int i = 0; i < 24; ++i) {
      std::string damaged = bytes;
      const bool cut = i % 2 == 0;
      // Both ends are worth a look of their own.
      const size_t at = i < 4   ? static_cast<size_t>(i)
                        : i < 8 ? bytes.size() - static_cast<size_t>(i) - 2
                                : random() % (bytes.size() - 2);
      if (cut) {
        damaged.resize(at);
      } else {
        damaged[at] = static_cast<char>(damaged[at] ^ 1);
      }
      write_file(bad, damaged);
      const Status status = restore_database(bad, db("new"), {}, {}).status();
      ASSERT_FALSE(status.ok()) << (cut ? "cut at " : "changed at ") << at;
      EXPECT_NE(status.code(), ErrorCode::kInternal) << status.to_string();
      EXPECT_FALSE(status.message().empty());
      ASSERT_EQ(names_in(directory_.path()), before);
    }
  }
}

TEST_F(DumpTest, ForeignFilesAreRefused) {
  const auto code_of = [&](const std::string& bytes) {
    write_file(directory_ / "file", bytes);
    const Status status = restore_database(directory_ / "file", db("new"), {}, {}).status();
    EXPECT_FALSE(fs::exists(db("new")));
    return status.code();
  };
  EXPECT_EQ(code_of(""), ErrorCode::kCorruption);
  EXPECT_NE(code_of(std::string("\x89PNG\r\n\x1a\n", 8) + std::string(1'000, '\0')), ErrorCode::kOk);
  EXPECT_EQ(code_of("LORACOL1" + std::string(100, '\0')), ErrorCode::kFormatVersion);
  EXPECT_EQ(code_of("{\"a\": 1}\n"), ErrorCode::kParse);
  EXPECT_EQ(code_of("{\"format\":\"lora-jsonl\",\"version\":2}\n"), ErrorCode::kFormatVersion);
  EXPECT_EQ(code_of("// LoraDB Cypher dump, version 9: 0 nodes, 0 relationships\n"), ErrorCode::kFormatVersion);
  EXPECT_EQ(code_of("CREATE (;"), ErrorCode::kParse);
  EXPECT_EQ(restore_database(directory_ / "missing", db("new"), {}, {}).status().code(), ErrorCode::kNotFound);
}

TEST_F(DumpTest, LinesThatContradictEachOtherAreNamed) {
  const std::string first =
      "{\"format\":\"lora-jsonl\",\"version\":1,\"nodes\":2,\"relationships\":1,\"nextNode\":2,"
      "\"nextRelationship\":1}\n";
  const auto message = [&](const std::string& lines) {
    write_file(directory_ / "file", first + lines);
    return restore_database(directory_ / "file", db("new"), {}, {}).status().to_string();
  };
  const std::string a = "{\"node\":0,\"labels\":[\"A\"],\"properties\":{\"x\":1}}\n";
  EXPECT_NE(message(a + a).find("line 3"), std::string::npos);
  EXPECT_NE(message("{\"relationship\":0,\"type\":\"T\",\"start\":0,\"end\":0}\n").find("LORA_NOT_FOUND: line 2"),
            std::string::npos);
  EXPECT_NE(message("{\"relationship\":0,\"type\":\"T\",\"start\":-1,\"end\":0}\n").find("`start`"), std::string::npos);
  EXPECT_NE(message(a + "{\"done\":{\"nodes\":1,\"relationships\":0}}\n").find("LORA_CORRUPTION"), std::string::npos);
  EXPECT_NE(message("{\"node\":0,\"labels\":\"A\"}\n").find("`labels` must be a list"), std::string::npos);
  EXPECT_NE(message("{\"node\":0,\"properties\":{\"x\":[{\"a\":1}]}}\n").find("LORA_TYPE"), std::string::npos);
  EXPECT_NE(message("{\"something\":0}\n").find("LORA_PARSE: line 2"), std::string::npos);
  EXPECT_FALSE(fs::exists(db("new")));
}

TEST_F(DumpTest, AFileWrittenByHandNeedsNoChecksum) {
  write_file(directory_ / "file",
             "{\"format\":\"lora-jsonl\",\"version\":1,\"nodes\":1,\"relationships\":1,\"nextNode\":0,"
             "\"nextRelationship\":0}\n{\"node\":7}\n{\"relationship\":3,\"type\":\"T\",\"start\":7,\"end\":7}\n"
             "{\"done\":{\"nodes\":1,\"relationships\":1}}");
  ASSERT_OK(restore_database(directory_ / "file", db("new"), {}, {}).status());
  const Content made = content("new");
  EXPECT_TRUE(made.nodes.contains(7));
  EXPECT_EQ(made.next_node, 8u);
  EXPECT_EQ(made.next_relationship, 4u);
}

// A scan used to look at every chunk of ids below the highest, and verify took a bit for each.
TEST_F(DumpTest, IdsFarApartCostOnlyWhatIsThere) {
  const uint64_t ids[] = {0, 5, uint64_t{1} << 40, kIdMax};
  std::string text =
      "{\"format\":\"lora-jsonl\",\"version\":1,\"nodes\":4,\"relationships\":4,\"nextNode\":0,"
      "\"nextRelationship\":0}\n{\"index\":{\"name\":\"i\",\"type\":\"RANGE\",\"entity\":\"node\",\"on\":\"A\","
      "\"keys\":[\"x\"]}}\n";
  for (const uint64_t id : ids) {
    text += "{\"node\":" + std::to_string(id) + ",\"labels\":[\"A\"],\"properties\":{\"x\":" + std::to_string(id % 7) +
            "}}\n";
  }
  for (size_t i = 0; i < 4; ++i) {
    // A ring of the nodes, under the same ids.
    text += "{\"relationship\":" + std::to_string(ids[i]) + ",\"type\":\"T\",\"start\":" + std::to_string(ids[i]) +
            ",\"end\":" + std::to_string(ids[(i + 1) % 4]) + "}\n";
  }
  write_file(directory_ / "file", text + "{\"done\":{\"nodes\":4,\"relationships\":4}}\n");
  const auto begin = std::chrono::steady_clock::now();
  RestoreOptions restore;
  ASSERT_OK(restore_database(directory_ / "file", db("sparse"), restore, {}).status());
  ASSERT_EQ(run({LORA_VERIFY_TOOL, db("sparse")}), 0);

  DatabaseOptions options;
  options.database_dir = directory_.path();
  const auto look = [&](Database& database) {
    const auto number = [&](const std::string& query) {
      const QueryResult result = must(database.execute(query));
      return result.values.size() == 1 && result.values[0].is_integer() ? result.values[0].as_integer() : -1;
    };
    EXPECT_EQ(number("MATCH (n) RETURN count(n.x)"), 4);
    EXPECT_EQ(number("MATCH (n:A) RETURN max(id(n))"), static_cast<int64_t>(kIdMax));
    EXPECT_EQ(number("MATCH (n:A) WHERE n.x = 5 RETURN id(n)"), 5);
    EXPECT_EQ(number("MATCH ()-[r:T]->() RETURN count(id(r))"), 4);
    EXPECT_EQ(number("MATCH ()-[r]->() RETURN max(id(r))"), static_cast<int64_t>(kIdMax));
    EXPECT_EQ(number("MATCH (a {x: 5})-[:T]->(b)-[:T]->(c)-[:T]->(d)-[:T]->(a) RETURN count(*)"), 1);
    EXPECT_EQ(number("MATCH (a {x: 5})-[:T*1..6]->(b) RETURN count(DISTINCT b)"), 4);
    EXPECT_EQ(number("MATCH p = shortestPath((a {x: 5})-[:T*]->(b:A)) WHERE id(b) = 0 RETURN length(p)"), 3);
    const graph::VerifyReport report = must(database.verify(true));
    for (const std::string& error : report.errors) {
      ADD_FAILURE() << error;
    }
  };
  {
    const std::unique_ptr<Database> sparse = must(Database::open("sparse", options));
    look(*sparse);
    sparse->graph().drop_cache();
    look(*sparse);
    // No id is left to give out; what is there can be changed and deleted.
    EXPECT_EQ(sparse->execute("CREATE ()").status().code(), ErrorCode::kLimit);
    const std::unique_ptr<Transaction> tx = must(sparse->begin());
    must(tx->execute("MATCH (n) WHERE id(n) > 5 DETACH DELETE n").status());
    EXPECT_EQ(must(tx->execute("MATCH (n:A) RETURN count(n.x)")).at(0, 0).as_integer(), 2);
    EXPECT_EQ(must(tx->execute("MATCH (n) RETURN count(n.x)")).at(0, 0).as_integer(), 2);
    EXPECT_EQ(must(tx->execute("MATCH ()-[r]->() RETURN count(id(r))")).at(0, 0).as_integer(), 1);
    must(tx->rollback());
    must(sparse->save_snapshot_file(directory_ / "sparse.snapshot").status());
  }
  {
    const std::unique_ptr<Database> loaded = must(Database::in_memory());
    must(loaded->execute("CREATE (:Gone)").status());
    must(loaded->load_snapshot_file(directory_ / "sparse.snapshot").status());
    look(*loaded);
  }
  const Content before = content("sparse");
  for (DumpFormat format : {DumpFormat::kSnapshot, DumpFormat::kJsonLines}) {
    restore.force = true;
    ASSERT_OK(restore_database(dump("sparse", format), db("copy"), restore, {}).status());
    expect_same(before, content("copy"), true);
  }
  const Content script = [&] {
    must(restore_database(dump("sparse", DumpFormat::kCypher), db("dense"), {}, {}).status());
    return content("dense");
  }();
  EXPECT_EQ(script.next_node, 4u);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

// --- where it goes ---

TEST_F(DumpTest, ADatabaseThatHoldsSomethingIsReplacedByForceOnly) {
  make_database("db", 1, 40);
  const std::string file = dump("db", DumpFormat::kJsonLines);
  make_database("other", 2, 80);
  {
    const auto graph = open_graph(db("other"));
    const auto tx = begin(*graph);
    must(tx->skip_ids(NodeId(70'000), RelId(80'000)));
    must(tx->commit());
  }
  const Content other = content("other");
  EXPECT_EQ(restore_database(file, db("other"), {}, {}).status().code(), ErrorCode::kConfig);
  expect_same(other, content("other"), true);

  RestoreOptions options;
  options.force = true;
  const std::set<std::string> before = names_in(directory_.path());
  ASSERT_OK(restore_database(file, db("other"), options, {}).status());
  EXPECT_EQ(names_in(directory_.path()), before);
  Content restored = content("other");
  // An id of the old database is not given out again.
  EXPECT_EQ(restored.next_node, 70'000u);
  EXPECT_EQ(restored.next_relationship, 80'000u);
  const Content original = content("db");
  restored.next_node = original.next_node;
  restored.next_relationship = original.next_relationship;
  expect_same(original, restored, true);
}

TEST_F(DumpTest, ADatabaseInUseIsNotReplaced) {
  make_database("db", 1, 40);
  const std::string file = dump("db", DumpFormat::kJsonLines);
  const auto graph = open_graph(db("other"));
  RestoreOptions options;
  options.force = true;
  EXPECT_EQ(restore_database(file, db("other"), options, {}).status().code(), ErrorCode::kLocked);
  EXPECT_EQ(graph->node_count(), 0u);
}

TEST_F(DumpTest, CheckingAFileWritesNoDatabase) {
  make_database("db", 1, 40);
  RestoreOptions options;
  options.check = true;
  for (DumpFormat format : kFormats) {
    const std::string file = dump("db", format);
    const std::set<std::string> before = names_in(directory_.path());
    ASSERT_OK(restore_database(file, "", options, {}).status());
    EXPECT_EQ(names_in(directory_.path()), before);
  }
}

TEST_F(DumpTest, AnExistingFileIsReplacedByForceOnly) {
  make_database("db", 1, 40);
  write_file(directory_ / "file", "precious");
  DumpOptions options;
  options.output = directory_ / "file";
  EXPECT_EQ(dump_database(db("db"), options, {}).status().code(), ErrorCode::kConfig);
  EXPECT_EQ(read_file(options.output), "precious");
  const std::set<std::string> before = names_in(directory_.path());
  options.force = true;
  options.format = DumpFormat::kJsonLines;
  const auto stop = [](const graph::DumpCounts&) { return Status(ErrorCode::kInterrupted, "stopped"); };
  EXPECT_EQ(dump_database(db("db"), options, stop).status().code(), ErrorCode::kInterrupted);
  EXPECT_EQ(read_file(options.output), "precious");
  ASSERT_OK(dump_database(db("db"), options, {}).status());
  EXPECT_NE(read_file(options.output), "precious");
  EXPECT_EQ(names_in(directory_.path()), before);
}

TEST_F(DumpTest, AnInterruptedRestoreLeavesNothing) {
  make_database("db", 1, 40);
  const auto stop = [](const graph::DumpCounts&) { return Status(ErrorCode::kInterrupted, "stopped"); };
  for (DumpFormat format : kFormats) {
    SCOPED_TRACE(format_name(format));
    const std::string file = dump("db", format);
    const std::set<std::string> before = names_in(directory_.path());
    EXPECT_EQ(restore_database(file, db("new"), {}, stop).status().code(), ErrorCode::kInterrupted);
    EXPECT_EQ(names_in(directory_.path()), before);
  }
}

// --- the programs, and databases that another process has open ---

TEST_F(DumpTest, ADatabaseThatAnotherProcessWritesIsDumpedAsItIs) {
  const auto graph = open_graph(db("live"));
  fill(*graph, 3, 120);
  const Content before = read_content(*graph);
  for (DumpFormat format : kFormats) {
    SCOPED_TRACE(format_name(format));
    const std::string file = directory_ / "live.dump";
    ASSERT_EQ(run({LORA_DUMP_TOOL, db("live"), "--force", "--check", "--format", format_name(format), "-o", file}), 0);
    RestoreOptions options;
    options.force = true;
    ASSERT_OK(restore_database(file, db("copy"), options, {}).status());
    Content copy = content("copy");
    copy.next_node = before.next_node;  // above those of the copy before
    copy.next_relationship = before.next_relationship;
    expect_same(before, copy, format != DumpFormat::kCypher);
  }
  EXPECT_EQ(run({LORA_VERIFY_TOOL, db("live")}), 0);
}

TEST_F(DumpTest, ADatabaseOfAKilledProcessIsDumpedWithAllItsCommits) {
  {
    // Its files as they are while nothing is closed: all commits lie in the log.
    const auto graph = open_graph(db("running"));
    fill(*graph, 9, 120);
    std::error_code error;
    for (int attempt = 0; attempt < 50; ++attempt) {  // a temporary file may go while the copy is made
      fs::remove_all(db("killed"));
      fs::copy(db("running"), db("killed"), fs::copy_options::recursive, error);
      if (!error) {
        break;
      }
    }
    ASSERT_FALSE(error) << error.message();
  }
  const std::string file = directory_ / "killed.jsonl";
  ASSERT_EQ(run({LORA_DUMP_TOOL, db("killed"), "--check", "--format", "jsonl", "-o", file}), 0);
  ASSERT_OK(restore_database(file, db("copy"), {}, {}).status());
  expect_same(content("killed"), content("copy"), true);
}

TEST_F(DumpTest, ADumpBesideARunningWriterIsACutBetweenCommits) {
  const auto graph = open_graph(db("live"));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    // Each commit adds a pair and its relationship, so that any cut has twice as many nodes as relationships.
    for (int n = 0; !stop; ++n) {
      const auto tx = begin(*graph);
      must(tx->begin_statement());
      for (int i = 0; i <= n % 7; ++i) {
        const std::vector<Property> properties{{must(tx->key("n")), Value::integer(n)}};
        const NodeId a = must(tx->create_node({}, properties));
        const NodeId b = must(tx->create_node({}, properties));
        must(tx->create_relationship(must(tx->rel_type("PAIR")), a, b, {}));
      }
      must(tx->finish_statement());
      must(tx->commit());
      if (n % 200 == 199) {
        must(graph->checkpoint(n % 400 == 399));
      }
    }
  });
  uint64_t last = 0;
  for (int i = 0; i < 6; ++i) {
    const std::string file = directory_ / "live.jsonl";
    EXPECT_EQ(run({LORA_DUMP_TOOL, db("live"), "--force", "--check", "--format", "jsonl", "-o", file}, "/dev/null",
                  directory_ / "errors"),
              0)
        << read_file(directory_ / "errors");
    RestoreOptions options;
    options.force = true;
    const auto counts = restore_database(file, db("copy"), options, {});
    EXPECT_TRUE(counts.ok()) << counts.status().to_string();
    if (counts.ok()) {
      EXPECT_EQ(counts->nodes, 2 * counts->relationships);
      EXPECT_GE(counts->nodes, last);
      last = counts->nodes;
    }
  }
  stop = true;
  writer.join();
  EXPECT_GT(last, 0u);
}

TEST_F(DumpTest, ExitCodesAreThoseOfTheReadme) {
  make_database("db", 1, 40);
  const std::string file = directory_ / "file";
  EXPECT_EQ(run({LORA_DUMP_TOOL}), 2);
  EXPECT_EQ(run({LORA_DUMP_TOOL, db("db"), "--format", "xml"}), 2);
  EXPECT_EQ(run({LORA_DUMP_TOOL, "--help"}), 0);
  EXPECT_EQ(run({LORA_DUMP_TOOL, db("missing")}), 1);
  EXPECT_EQ(run({LORA_DUMP_TOOL, directory_ / "db", "-o", file}), 0);  // without the suffix
  EXPECT_EQ(run({LORA_DUMP_TOOL, db("db"), "-o", file}), 1);
  EXPECT_EQ(run({LORA_DUMP_TOOL, db("db"), "--format", "jsonl"}, directory_ / "stdout"), 0);
  EXPECT_TRUE(read_file(directory_ / "stdout").starts_with("{\"format\":\"lora-jsonl\""));
  EXPECT_EQ(run({LORA_RESTORE_TOOL, file}), 2);
  EXPECT_EQ(run({LORA_RESTORE_TOOL, file, "--check"}), 0);
  EXPECT_EQ(run({LORA_RESTORE_TOOL, file, directory_ / "copy"}), 0);
  EXPECT_EQ(run({LORA_RESTORE_TOOL, file, directory_ / "copy"}), 1);
  EXPECT_EQ(run({LORA_RESTORE_TOOL, file, directory_ / "no good name"}), 1);
  EXPECT_EQ(run({LORA_VERIFY_TOOL, db("copy")}), 0);
  EXPECT_EQ(run({LORA_VERIFY_TOOL, db("copy"), "--quick"}), 0);
  EXPECT_EQ(run({LORA_VERIFY_TOOL, db("missing")}), 1);
}

TEST_F(DumpTest, ADatabaseIsRestoredIntoTheCurrentDirectory) {
  make_database("db", 1, 40);
  const std::string file = dump("db", DumpFormat::kSnapshot);
  const fs::path before = fs::current_path();
  fs::current_path(directory_.path());
  const Status status = restore_database(file, database_path("new"), {}, {}).status();
  fs::current_path(before);
  ASSERT_OK(status);
  expect_same(content("db"), content("new"), true);
}

TEST_F(DumpTest, EmptyArgumentsAreWrongArguments) {
  make_database("db", 1, 40);
  const std::string file = dump("db", DumpFormat::kSnapshot);
  EXPECT_EQ(run({LORA_DUMP_TOOL, ""}), 2);
  EXPECT_EQ(run({LORA_DUMP_TOOL, db("db"), "-o", ""}), 2);
  EXPECT_EQ(run({LORA_RESTORE_TOOL, "", db("new")}), 2);
  EXPECT_EQ(run({LORA_RESTORE_TOOL, file, ""}), 2);
  EXPECT_EQ(run({LORA_VERIFY_TOOL, ""}), 2);
}

TEST_F(DumpTest, WhatIsNoDatabaseIsNamed) {
  fs::create_directory(db("empty"));
  write_file(db("file"), "text");
  for (const char* name : {"empty", "file", "missing"}) {
    for (const char* tool : {LORA_DUMP_TOOL, LORA_VERIFY_TOOL}) {
      EXPECT_EQ(run({tool, db(name)}, "/dev/null", directory_ / "errors"), 1);
      EXPECT_NE(read_file(directory_ / "errors").find(db(name)), std::string::npos) << read_file(directory_ / "errors");
    }
  }
  EXPECT_EQ(run({LORA_RESTORE_TOOL, directory_.path(), db("new")}), 1);
  EXPECT_TRUE(fs::is_empty(db("empty")));
  EXPECT_FALSE(fs::exists(db("new")));
}

TEST_F(DumpTest, AFullDeviceAndAClosedPipeAreFailures) {
  make_database("db", 1, 400);
  EXPECT_EQ(run({LORA_DUMP_TOOL, db("db"), "--format", "jsonl"}, "/dev/full", directory_ / "errors"), 1);
  EXPECT_NE(read_file(directory_ / "errors").find("LORA_DISK_FULL"), std::string::npos);
  EXPECT_EQ(run({LORA_DUMP_TOOL, db("db"), "-o", "/dev/full"}), 1);
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  EXPECT_EQ(run({"/bin/sh", "-c",
                 std::string("('") + LORA_DUMP_TOOL + "' '" + db("db") + "' --format jsonl; echo $? >'" +
                     (directory_ / "code") + "') | sleep 0"}),
            0);
  for (int i = 0; i < 100 && read_file(directory_ / "code") != "1\n"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_EQ(read_file(directory_ / "code"), "1\n");
}

TEST_F(DumpTest, AReplacedFileKeepsItsMode) {
  make_database("db", 1, 40);
  write_file(directory_ / "file", "old");
  fs::permissions(directory_ / "file", fs::perms::owner_read | fs::perms::owner_write);
  ASSERT_EQ(run({LORA_DUMP_TOOL, db("db"), "--force", "-o", directory_ / "file"}), 0);
  EXPECT_EQ(fs::status(directory_ / "file").permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

// A program that waits at a pipe whose other end is open and silent, and then gets a signal.
int run_until_signal(std::vector<std::string> arguments, int number) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    execv(argv[0], argv.data());
    _exit(127);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  kill(child, number);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(DumpTest, ASignalMidwayLeavesNothing) {
  make_database("db", 1, 4'000);
  const std::string pipe = directory_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const int held = open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(held, 0);
  const std::set<std::string> before = names_in(directory_.path());
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    EXPECT_EQ(run_until_signal({LORA_RESTORE_TOOL, pipe, db("new")}, number), 1);
    EXPECT_EQ(run_until_signal({LORA_DUMP_TOOL, db("db"), "--format", "jsonl", "-o", pipe}, number), 1);
    char drained[1 << 16];
    EXPECT_GT(read(held, drained, sizeof drained), 0);
  }
  close(held);
  EXPECT_EQ(names_in(directory_.path()), before);
}

TEST_F(DumpTest, ProgressIsShownOnATerminalOnly) {
  make_database("db", 1, 4'000);
  const std::string file = dump("db", DumpFormat::kSnapshot);
  ASSERT_EQ(run({LORA_VERIFY_TOOL, db("db")}, "/dev/null", directory_ / "errors"), 0);
  EXPECT_EQ(read_file(directory_ / "errors"), "");
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(terminal, 0);
  ASSERT_EQ(grantpt(terminal), 0);
  ASSERT_EQ(unlockpt(terminal), 0);
  const std::string name = ptsname(terminal);
  const int kept = open(name.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);  // what is written stays when the program ends
  ASSERT_GE(kept, 0);
  const auto shown = [&](std::vector<std::string> arguments) {
    EXPECT_EQ(run(std::move(arguments), "/dev/null", name), 0);
    char text[1 << 16];
    const ssize_t size = read(terminal, text, sizeof text);
    return std::string(text, size > 0 ? static_cast<size_t>(size) : 0);
  };
  EXPECT_NE(shown({LORA_DUMP_TOOL, db("db"), "--format", "jsonl", "-o", directory_ / "a"}).find("dumping: "),
            std::string::npos);
  EXPECT_NE(shown({LORA_DUMP_TOOL, db("db"), "-o", directory_ / "b"}).find("dumping: "), std::string::npos);
  EXPECT_NE(shown({LORA_RESTORE_TOOL, file, db("new")}).find("restoring: "), std::string::npos);
  EXPECT_NE(shown({LORA_VERIFY_TOOL, db("db")}).find("verifying: "), std::string::npos);
  close(kept);
  close(terminal);
}

TEST_F(DumpTest, ADamagedDatabaseIsReportedAndNotDumped) {
  make_database("db", 1, 400);
  size_t damaged = 0;
  for (const auto& entry : fs::directory_iterator(db("db"))) {
    if (entry.path().extension() == ".sst" && entry.file_size() > 2'000) {
      std::string bytes = read_file(entry.path().string());
      bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 0x40);
      write_file(entry.path().string(), bytes);
      ++damaged;
    }
  }
  ASSERT_GT(damaged, 0u);
  EXPECT_EQ(run({LORA_VERIFY_TOOL, db("db")}), 1);
  EXPECT_EQ(run({LORA_DUMP_TOOL, db("db"), "--check", "-o", directory_ / "file"}), 1);
  EXPECT_FALSE(fs::exists(directory_ / "file"));
}

}  // namespace
}  // namespace lora::tools
