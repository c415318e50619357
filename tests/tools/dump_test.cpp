// Dump, restore, compare: random graphs in every format; wrong files; where it goes.
#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <set>

#include "tests/support/random_values.h"
#include "tests/tools/dump_fixture.h"

namespace lora::tools {
namespace {

using graph::Property;
using graph::Reader;

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

}  // namespace
}  // namespace lora::tools
