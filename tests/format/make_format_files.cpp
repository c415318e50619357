// Makes the files that format_test.cpp opens: make_format_files DIRECTORY (it is replaced). See README.md.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cypher/database.h"
#include "graph/bulk_load.h"
#include "graph/dump.h"

namespace fs = std::filesystem;
using namespace lora;

namespace {

void must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.to_string().c_str());
  std::exit(1);
}
template <typename T>
T must(Result<T> result) {
  must(result.status());
  return std::move(result).value();
}

VectorValue floats(VectorType type, std::vector<double> values) {
  return {.type = type, .floats = std::move(values)};
}
VectorValue integers(VectorType type, std::vector<int64_t> values) {
  return {.type = type, .integers = std::move(values)};
}

// Every type of value, and the edges of each.
void create_values(Database& db) {
  const auto text = [](std::string_view s) { return Value::string(s); };
  const auto number = [](int64_t i) { return Value::integer(i); };
  std::vector<std::pair<std::string, Value>> values;
  const auto add = [&](const char* name, Value value) { values.emplace_back(name, std::move(value)); };
  add("true", Value::boolean(true));
  add("false", Value::boolean(false));
  add("zero", number(0));
  add("least", number(INT64_MIN));
  add("greatest", number(INT64_MAX));
  add("odd", number((int64_t{1} << 53) + 1));
  add("float", Value::floating(0.1));
  add("whole", Value::floating(3.0));
  add("minusZero", Value::floating(-0.0));
  add("infinite", Value::floating(std::numeric_limits<double>::infinity()));
  add("notANumber", Value::floating(std::numeric_limits<double>::quiet_NaN()));
  add("tiny", Value::floating(5e-324));
  add("empty", text(""));
  add("short", text("a \"short\" one"));
  add("unicode", text("\u00e4 \u6f22 \U0001f600"));
  add("zeroByte", text(std::string_view("a\0b", 3)));
  add("long", text(std::string(300, 'l')));
  add("list", Value::list({number(1), Value::floating(1.0), text("x"), Value(), Value::list({Value::boolean(true)})}));
  add("emptyList", Value::list({}));
  add("map", Value::map({{text("b"), number(1)}, {text("a"), Value::map({{text("deep"), Value::list({number(2)})}})}}));
  add("emptyMap", Value::map({}));
  add("date", Value::date({19'723}));
  add("earlyDate", Value::date({-719'529}));
  add("localTime", Value::local_time({86'399'999'999'999}));
  add("time", Value::time({3'600'000'000'000, -5 * 3600 - 1800}));
  add("localDateTime", Value::local_date_time({1'704'067'200, 123'456'789}));
  add("dateTime", Value::date_time({1'704'067'200, 5, 7200, ""}));
  add("zoned", Value::date_time({1'704'067'200, 0, 3600, "Europe/Berlin"}));
  add("duration", Value::duration({14, 3, 5, 600'000'000}));
  add("minusDuration", Value::duration({-1, -2, -4, 500'000'000}));
  add("cartesian", Value::point({Crs::kCartesian, 1.5, -2.5, 0}));
  add("cartesian3D", Value::point({Crs::kCartesian3D, 1, 2, 3}));
  add("wgs84", Value::point({Crs::kWgs84, 13.4, 52.5, 0}));
  add("wgs84_3D", Value::point({Crs::kWgs84_3D, 13.4, 52.5, 34}));
  add("vectorFloat64", Value::vector(floats(VectorType::kFloat64, {0.5, -1})));
  add("vectorFloat32", Value::vector(floats(VectorType::kFloat32, {0.25, 2})));
  add("vectorInteger", Value::vector(integers(VectorType::kInteger64, {INT64_MIN, 7})));
  add("vectorInteger32", Value::vector(integers(VectorType::kInteger32, {-100'000, 100'000})));
  add("vectorInteger16", Value::vector(integers(VectorType::kInteger16, {-300, 300})));
  add("vectorInteger8", Value::vector(integers(VectorType::kInteger8, {-128, 127})));
  add("binary", Value::binary({{std::string("\x00\xff\x10", 3), "second"}}));
  // Each on a node of its own, all on one node, and all on a relationship.
  List each;
  std::vector<MapEntry> all;
  for (const auto& [name, value] : values) {
    each.push_back(Value::map({{text("name"), text(name)}, {text("value"), value}}));
    all.emplace_back(text(name), value);
  }
  must(db.execute("UNWIND $each AS v CREATE (n:Value {name: v.name}) SET n.value = v.value",
                  make_params({{"each", Value::list(std::move(each))}}))
           .status());
  must(db.execute("CREATE (a:All)-[r:ALL]->(:End) SET a = $all, r = $all",
                  make_params({{"all", Value::map(std::move(all))}}))
           .status());
}

void create_schema(Database& db) {
  const auto run = [&db](const char* query) { must(db.execute(query).status()); };
  run("CREATE CONSTRAINT person_email FOR (p:Person) REQUIRE p.email IS UNIQUE");
  run("CREATE INDEX person_name_age FOR (p:Person) ON (p.name, p.age)");
  run("CREATE INDEX value_value FOR (v:Value) ON (v.value)");
  run("CREATE INDEX knows_since FOR ()-[k:KNOWS]-() ON (k.since)");
  run("CREATE INDEX to_drop FOR (p:Person) ON (p.dropped)");
}

void create_content(Database& db) {
  const auto run = [&db](const char* query) { must(db.execute(query).status()); };
  create_values(db);
  run("UNWIND range(0, 39) AS i CREATE (p:Person {email: 'p' + toString(i) + '@example.org', name: 'N' + "
      "toString(i % 7), age: i}) FOREACH (_ IN CASE WHEN i % 5 = 0 THEN [1] ELSE [] END | SET p:Admin)");
  run("MATCH (a:Person), (b:Person) WHERE b.age = a.age + 1 OR b.age = a.age * 2 CREATE (a)-[:KNOWS {since: 1990 + "
      "b.age}]->(b)");
  run("MATCH (a:Person {age: 3}) CREATE (a)-[:KNOWS {since: 1}]->(a), (a)-[:KNOWS]->(a)");
  // A node with more relationships than one block holds, in both directions and in two types.
  run("CREATE (:Hub {name: 'hub'}) WITH 1 AS one UNWIND range(1, 40) AS i CREATE (:Spoke {n: i})");
  run("UNWIND range(0, 339) AS i MATCH (h:Hub), (s:Spoke {n: i % 40 + 1}) CREATE (h)-[:HAS]->(s)");
  run("MATCH (h:Hub), (s:Spoke) WHERE s.n % 5 = 0 CREATE (s)-[:OF {n: s.n}]->(h)");
  run("CREATE (:`strange name``s` {`key with space`: 1})-[:`TYPE \u00e4`]->()");
}

// All of `from`, which has no gaps in its ids, as a bulk load writes it: columns and heads.
void bulk_load(Database& from, Database& to) {
  const std::unique_ptr<graph::BulkLoad> load =
      must(graph::BulkLoad::begin(to.graph(), std::chrono::steady_clock::now(), {}));
  const graph::Snapshot snapshot = from.graph().snapshot();
  const std::unique_ptr<graph::Reader> reader = snapshot.reader();
  std::vector<LabelId> labels;
  std::vector<graph::Property> properties;
  const auto loaded_properties = [&] {
    for (graph::Property& property : properties) property.key = must(load->key(reader->key_name(property.key)));
    std::ranges::sort(properties, {}, &graph::Property::key);
  };
  for (uint64_t id = 0; id < reader->node_id_limit().value; ++id) {
    reader->labels(NodeId(id), &labels);
    for (LabelId& label : labels) label = must(load->label(reader->label_name(label)));
    std::ranges::sort(labels);
    reader->node_properties(NodeId(id), &properties);
    loaded_properties();
    must(load->add_node(labels, properties).status());
  }
  for (uint64_t id = 0; id < reader->relationship_id_limit().value; ++id) {
    const graph::RelationshipRecord record = *reader->relationship(RelId(id));
    reader->relationship_properties(RelId(id), &properties);
    loaded_properties();
    const RelTypeId type = must(load->rel_type(reader->rel_type_name(record.type)));
    must(load->add_relationship(type, record.start, record.end, properties).status());
  }
  must(reader->status());
  must(load->finish({}));
}

void change_content(Database& db) {
  const auto run = [&db](const char* query) { must(db.execute(query).status()); };
  // The second generation of tables: changes of what the first holds.
  run("DROP INDEX to_drop");
  run("MATCH (s:Spoke) WHERE s.n > 38 DETACH DELETE s");
  run("MATCH (p:Person) WHERE p.age IN [7, 8] DETACH DELETE p");
  run("MATCH (p:Person) WHERE p.age > 35 SET p.age = p.age + 100, p.changed = true");
  run("MATCH (p:Admin) WHERE p.age < 12 REMOVE p:Admin");
  // Columns, of each form.
  run("MATCH (p:Person) SET p.score = p.age * 1.5, p.kind = 'kind ' + toString(p.age % 3), p.even = p.age % 2 = 0, "
      "p.pair = [p.age, p.name]");
  run("MATCH ()-[k:KNOWS]->() SET k.weight = k.since * 1000000000");
  run("MATCH (:Hub)-[r:HAS]->(s) SET r.n = s.n - 50");
  must(db.checkpoint());

  // These commits stay in the log.
  run("CREATE (:Person:Late {email: 'late@example.org', name: 'Late'})-[:NEW_TYPE {newKey: 'in the "
      "log'}]->(:NewLabel)");
  run("MATCH (p:Person {email: 'p1@example.org'}) SET p.name = 'Renamed', p.age = null");
  run("MATCH (h:Hub)-[r:HAS]->(s) WHERE s.n = 10 DELETE r");
  run("MATCH (s:Spoke) SET s.logged = CASE WHEN s.n % 4 = 0 THEN NULL ELSE s.n + 1000 END");
  run("MATCH (p:Person {email: 'p9@example.org'}) DETACH DELETE p");
  run("CREATE (n:Skipped)");  // the highest id of all is one that is gone
  run("MATCH (n:Skipped) DELETE n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_format_files DIRECTORY\n");
    return 2;
  }
  const fs::path out = argv[1];
  const fs::path work = out.string() + ".work";
  fs::remove_all(out);
  fs::remove_all(work);
  fs::create_directories(out / "database");
  DatabaseOptions options;
  options.database_dir = work.string();
  options.cache_bytes = 64u << 20;
  const std::unique_ptr<Database> db = must(Database::open("v", options));
  {
    const std::unique_ptr<Database> first = must(Database::in_memory());
    create_content(*first);
    bulk_load(*first, *db);
  }
  create_schema(*db);
  must(db->checkpoint(true));
  change_content(*db);
  must(db->save_snapshot_file(out / "zstd.snapshot").status());
  graph::SnapshotSaveOptions save;
  save.codec = graph::SnapshotSaveOptions::Codec::kGzip;
  save.crypto.kind = graph::SnapshotCrypto::Kind::kKey;
  save.crypto.key_id = "format";
  save.crypto.key = std::string(32, 'k');
  must(db->save_snapshot_file(out / "gzip-key.snapshot", save).status());
  std::ofstream lines(out / "content.jsonl", std::ios::binary);
  {
    const graph::Snapshot snapshot = db->graph().snapshot();
    must(graph::dump_json_lines(*snapshot.reader(),
                                [&lines](ByteView bytes) {
                                  lines.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
                                  return Status();
                                },
                                {})
             .status());
  }
  must(db->sync());
  // While it is open, as a killed process leaves it. Not the locks: they name this machine.
  for (const fs::directory_entry& entry : fs::directory_iterator(db->path())) {
    if (entry.path().filename().string().starts_with("LOCK")) continue;
    fs::copy_file(entry.path(), out / "database" / entry.path().filename());
  }
  must(db->close());
  fs::remove_all(work);
  return lines.flush() ? 0 : 1;
}
