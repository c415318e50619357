// Opens the databases and snapshot files of every format version that is kept beside this file; see README.md.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "cypher/database.h"
#include "graph/dump.h"
#include "graph/layout.h"
#include "kv/commit_record.h"
#include "kv/encode.h"
#include "kv/store.h"
#include "tests/support/result_text.h"
#include "tests/support/temp_directory.h"

namespace lora {
namespace {

namespace fs = std::filesystem;

const char* const kFolders[] = {"v1", "v2", "v3", "v4"};

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream bytes;
  bytes << in.rdbuf();
  EXPECT_TRUE(in) << path;
  return bytes.str();
}
void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string json_lines(Database& db) {
  std::string text;
  const graph::Snapshot snapshot = db.graph().snapshot();
  const auto dumped = graph::dump_json_lines(*snapshot.reader(),
                                             [&](ByteView bytes) {
                                               text += bytes;
                                               return Status();
                                             },
                                             {});
  EXPECT_TRUE(dumped.ok()) << dumped.status().to_string();
  return text;
}

class FormatTest : public ::testing::TestWithParam<const char*> {
 protected:
  fs::path kept(const std::string& name) const { return fs::path(LORA_FORMAT_DIR) / GetParam() / name; }
  void SetUp() override { copy_database(); }
  void copy_database() {
    fs::remove_all(place_);
    fs::copy(kept("database"), place_);
  }

  Result<std::unique_ptr<Database>> open(bool read_only = false) {
    DatabaseOptions options;
    options.database_dir = directory_.path();
    options.create_if_missing = false;
    options.read_only = read_only;
    options.cache_bytes = 64u << 20;
    return Database::open("kept", options);
  }
  std::unique_ptr<Database> must_open(bool read_only = false) {
    auto db = open(read_only);
    EXPECT_TRUE(db.ok()) << db.status().to_string();
    return db.ok() ? std::move(*db) : nullptr;
  }
  static std::string answer(Database& db, const std::string& query) {
    const auto result = db.execute(query);
    if (!result.ok()) return result.status().to_string();
    std::string text;
    for (const Value& value : result->values) text += (text.empty() ? "" : ", ") + test::result_text(value);
    return text;
  }
  void expect_kept_content(Database& db) {
    const auto report = db.verify(true);
    ASSERT_TRUE(report.ok()) << report.status().to_string();
    for (const std::string& error : report->errors) ADD_FAILURE() << error;
    EXPECT_TRUE(json_lines(db) == read_file(kept("content.jsonl"))) << json_lines(db);
  }
  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> all;
    for (const fs::directory_entry& entry : fs::directory_iterator(place_)) {
      all[entry.path().filename()] = read_file(entry.path());
    }
    return all;
  }
  // What a database with this damage says: the code of the failed opening, "verify" when only verify() finds it, or
  // "sound".
  std::string damage_report() {
    const auto db = open();
    if (!db.ok()) return std::string(error_code_name(db.status().code()));
    const auto report = (*db)->verify(true);
    if (!report.ok()) return std::string(error_code_name(report.status().code()));
    if (!report->errors.empty()) return "verify";
    return json_lines(**db) == read_file(kept("content.jsonl")) ? "sound" : "changed";
  }

  const tests::TempDirectory directory_;
  const fs::path place_ = directory_ / "kept.loradb";
};

INSTANTIATE_TEST_SUITE_P(Versions, FormatTest, ::testing::ValuesIn(kFolders),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(FormatTest, ADatabaseOpensWithAllItHolds) {
  {
    const auto db = must_open();
    ASSERT_NE(db, nullptr);
    expect_kept_content(*db);
  }
  // Once more from tables alone, and then it is written to.
  const auto db = must_open();
  ASSERT_NE(db, nullptr);
  expect_kept_content(*db);
  EXPECT_EQ(answer(*db, "CREATE (p:Person {email: 'new@example.org'}) RETURN id(p)"), "129");
  EXPECT_EQ(db->execute("CREATE (:Person {email: 'p10@example.org'})").status().code(), ErrorCode::kUniqueConstraint);
  EXPECT_TRUE(db->checkpoint(true).ok());
  EXPECT_TRUE(db->verify(true)->errors.empty());
}

// Records, of these empty ones, columns, heads, columns by their property: each folder has what its version brought.
TEST_P(FormatTest, HoldsWhatItsVersionBrought) {
  const auto db = must_open(true);
  ASSERT_NE(db, nullptr);
  std::map<std::string, int> parts;
  const auto cursor = db->graph().store().cursor(kv::Keyspace::kNodes, {});
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    if (cursor->key().starts_with(graph::kGroupedKeys)) {
      ++parts["grouped"];
      continue;
    }
    const bool record = cursor->key().size() == graph::kIdBytes;
    const bool head = !record && cursor->key().ends_with("\xff\xff\xff\xff");
    ++parts[record ? (cursor->value().empty() ? "empty" : "record") : head ? "head" : "column"];
  }
  const std::string version = GetParam();
  EXPECT_GT(parts["record"], 0);
  EXPECT_TRUE(parts["column"] > 0 || version < "v2" || version >= "v4");
  EXPECT_EQ(parts["grouped"] > 0, version >= "v4");
  EXPECT_EQ(parts["head"] > 0, version >= "v3");
  EXPECT_EQ(parts["empty"] > 0, version >= "v3");
}

TEST_P(FormatTest, AReadOnlyOpeningChangesNoFile) {
  const std::map<std::string, std::string> before = files();
  {
    const auto db = must_open(true);
    ASSERT_NE(db, nullptr);
    expect_kept_content(*db);
  }
  EXPECT_TRUE(files() == before);
}

// The same without the engine's dump: values as they print, counts, names.
TEST_P(FormatTest, ValuesAndCountsAreThoseThatWereWritten) {
  const auto db = must_open(true);
  ASSERT_NE(db, nullptr);
  const std::pair<const char*, const char*> kValues[] = {
      {"true", "true"},
      {"false", "false"},
      {"zero", "0"},
      {"least", "-9223372036854775808"},
      {"greatest", "9223372036854775807"},
      {"odd", "9007199254740993"},
      {"float", "0.1"},
      {"whole", "3.0"},
      {"minusZero", "-0.0"},
      {"infinite", "Infinity"},
      {"notANumber", "NaN"},
      {"tiny", "5.0E-324"},
      {"empty", "''"},
      {"short", "'a \"short\" one'"},
      {"unicode", "'\u00e4 \u6f22 \U0001f600'"},
      {"list", "[1, 1.0, 'x', null, [true]]"},
      {"emptyList", "[]"},
      {"map", "{a: {deep: [2]}, b: 1}"},
      {"emptyMap", "{}"},
      {"date", "date('2024-01-01')"},
      {"earlyDate", "date('-0001-12-31')"},
      {"localTime", "localtime('23:59:59.999999999')"},
      {"time", "time('01:00-05:30')"},
      {"localDateTime", "localdatetime('2024-01-01T00:00:00.123456789')"},
      {"dateTime", "datetime('2024-01-01T02:00:00.000000005+02:00')"},
      {"zoned", "datetime('2024-01-01T01:00+01:00[Europe/Berlin]')"},
      {"duration", "duration('P1Y2M3DT5.6S')"},
      {"minusDuration", "duration('P-1M-2DT-3.5S')"},
  };
  for (const auto& [name, text] : kValues) {
    SCOPED_TRACE(name);
    EXPECT_EQ(answer(*db, std::string("MATCH (v:Value {name: '") + name + "'}) RETURN v.value"), text);
    EXPECT_EQ(answer(*db, std::string("MATCH (a:All)-[r:ALL]->() RETURN a.`") + name + "`, r.`" + name + "`"),
              std::string(text) + ", " + text);
  }
  const auto value = [&](const std::string& name, const std::string& expression) {
    return answer(*db, "MATCH (a:All) WITH a.`" + name + "` AS v RETURN " + expression);
  };
  EXPECT_EQ(value("long", "v = '" + std::string(300, 'l') + "'"), "true");
  EXPECT_EQ(value("zeroByte", "size(v), split(v, 'b')[1]"), "3, ''");
  EXPECT_EQ(value("cartesian", "v.x, v.y, v.srid"), "1.5, -2.5, 7203");
  EXPECT_EQ(value("cartesian3D", "v.x, v.y, v.z, v.srid"), "1.0, 2.0, 3.0, 9157");
  EXPECT_EQ(value("wgs84", "v.longitude, v.latitude, v.srid"), "13.4, 52.5, 4326");
  EXPECT_EQ(value("wgs84_3D", "v.longitude, v.latitude, v.height, v.srid"), "13.4, 52.5, 34.0, 4979");
  const QueryResult all = std::move(*db->execute("MATCH (a:All) RETURN a"));
  const Node& node = all.at(0, 0).as_node();
  EXPECT_EQ(node.properties.size(), 41u);
  const auto property = [&](std::string_view name) {
    for (const auto& [key, v] : node.properties) {
      if (key.as_string() == name) return v;
    }
    return Value();
  };
  const auto vector = [&](const char* name, VectorType type) {
    const Value v = property(name);
    EXPECT_EQ(v.type(), ValueType::kVector) << name;
    EXPECT_EQ(v.as_vector().type, type) << name;
    return v.as_vector();
  };
  EXPECT_EQ(vector("vectorFloat64", VectorType::kFloat64).floats, (std::vector<double>{0.5, -1}));
  EXPECT_EQ(vector("vectorFloat32", VectorType::kFloat32).floats, (std::vector<double>{0.25, 2}));
  EXPECT_EQ(vector("vectorInteger", VectorType::kInteger64).integers, (std::vector<int64_t>{INT64_MIN, 7}));
  EXPECT_EQ(vector("vectorInteger32", VectorType::kInteger32).integers, (std::vector<int64_t>{-100'000, 100'000}));
  EXPECT_EQ(vector("vectorInteger16", VectorType::kInteger16).integers, (std::vector<int64_t>{-300, 300}));
  EXPECT_EQ(vector("vectorInteger8", VectorType::kInteger8).integers, (std::vector<int64_t>{-128, 127}));
  EXPECT_EQ(property("binary").as_binary().segments, (std::vector<std::string>{{"\x00\xff\x10", 3}, "second"}));

  const std::pair<const char*, const char*> kAnswers[] = {
      {"MATCH (p:Person) RETURN count(*), sum(p.age)", "38, 1155"},
      {"MATCH (p:Admin) RETURN count(*), min(p.age)", "5, 15"},
      {"MATCH (p:Person {name: 'N3', age: 24}) RETURN p.email", "'p24@example.org'"},
      {"MATCH (p:Person {email: 'p1@example.org'}) RETURN p.name, p.age", "'Renamed', null"},
      {"MATCH (p:Person {email: 'p9@example.org'}) RETURN p", ""},
      {"MATCH ()-[k:KNOWS {since: 1}]->(p) RETURN p.age", "3"},
      {"MATCH (p:Person {age: 3})-[k:KNOWS]->(p) RETURN count(k)", "2"},
      {"MATCH (:Hub)-[r:HAS]->(s) RETURN count(r), sum(s.n)", "315, 6048"},
      {"MATCH (h:Hub)<-[r:OF]-(s) RETURN count(r), sum(r.n - s.n)", "7, 0"},
      {"MATCH (:Late)-[r:NEW_TYPE]->(:NewLabel) RETURN r.newKey", "'in the log'"},
      {"MATCH (n:`strange name``s`)-[r]->() RETURN n.`key with space`, type(r)", "1, 'TYPE \u00e4'"},
      {"SHOW CONSTRAINTS YIELD name RETURN name", "'person_email'"},
      {"SHOW INDEXES YIELD name RETURN name ORDER BY name",
       "'knows_since', 'person_email', 'person_name_age', 'value_value'"},
      {"MATCH (v:Value) WHERE v.value > 9007199254740992 RETURN v.name ORDER BY v.name",
       "'greatest', 'infinite', 'odd'"},
  };
  for (const auto& [query, text] : kAnswers) {
    EXPECT_EQ(answer(*db, query), text) << query;
  }
  EXPECT_EQ(*db->node_count(), 123u);

  const std::pair<const char*, const char*> kOfColumns[] = {
      {"MATCH (p:Person) RETURN count(p.score), sum(p.score), count(DISTINCT p.kind)", "37, 1734.0, 3"},
      {"MATCH (p:Person) WHERE p.even RETURN count(*)", "19"},
      {"MATCH (p:Person {email: 'p1@example.org'}) RETURN p.score, p.pair", "1.5, [1, 'N1']"},
      {"MATCH ()-[k:KNOWS]->() RETURN max(k.weight), count(k.weight) = count(k.since)", "2029000000000, true"},
      {"MATCH (:Hub)-[r:HAS]->(s) RETURN sum(r.n - s.n)", "-15750"},
      {"MATCH (s:Spoke) RETURN count(s.logged), sum(s.logged - s.n)", "29, 29000"},
  };
  for (const auto& [query, text] : kOfColumns) {
    if (std::string_view(GetParam()) != "v1") {
      EXPECT_EQ(answer(*db, query), text) << query;
    }
  }
}

TEST_P(FormatTest, SnapshotFilesLoad) {
  graph::SnapshotCrypto key;
  key.kind = graph::SnapshotCrypto::Kind::kKey;
  key.key = std::string(32, 'k');
  for (const bool encrypted : {false, true}) {
    SCOPED_TRACE(encrypted);
    const auto db = std::move(*Database::in_memory({.cache_bytes = 64u << 20}));
    const auto meta = db->load_snapshot_file(kept(encrypted ? "gzip-key.snapshot" : "zstd.snapshot"),
                                             encrypted ? key : graph::SnapshotCrypto());
    ASSERT_TRUE(meta.ok()) << meta.status().to_string();
    EXPECT_EQ(meta->format_version, 1u);
    EXPECT_EQ(meta->node_count, 123u);
    expect_kept_content(*db);
  }
}

// The control: these tests would notice.
TEST_P(FormatTest, AFlippedByteIsReported) {
  for (const auto& [name, bytes] : files()) {
    // Two copies of the ACKED slot, and RocksDB's own id that nothing depends on.
    if (name == "ACKED" || name == "IDENTITY") continue;
    for (int part = 1; part < 4; ++part) {
      std::string damaged = bytes;
      // Manifests and logs have room at their end that was reserved.
      const size_t used = damaged.find_last_not_of('\0') + 1;
      const size_t at = used * static_cast<size_t>(part) / 4;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
      copy_database();
      write_file(place_ / name, damaged);
      const std::string report = damage_report();
      EXPECT_TRUE(report == "LORA_CORRUPTION" || report == "LORA_FORMAT_VERSION" || report == "verify")
          << name << " at " << at << ": " << report;
    }
  }
  const std::string snapshot = read_file(kept("zstd.snapshot"));
  for (int part = 1; part < 8; ++part) {
    std::string damaged = snapshot;
    damaged[damaged.size() * static_cast<size_t>(part) / 8] ^= 0x10;
    write_file(directory_ / "damaged.snapshot", damaged);
    const auto db = std::move(*Database::in_memory({.cache_bytes = 64u << 20}));
    EXPECT_EQ(db->load_snapshot_file(directory_ / "damaged.snapshot").status().code(), ErrorCode::kCorruption);
    EXPECT_EQ(*db->node_count(), 0u);
  }
}

TEST_P(FormatTest, ANewerVersionIsRefusedAndLeftAlone) {
  // The store's own mark.
  std::string format = read_file(place_ / "FORMAT");
  format[8] = 99;
  std::string sealed = format.substr(0, 32);
  kv::encode_fixed64(&sealed, kv::checksum64(sealed));
  write_file(place_ / "FORMAT", sealed);
  const std::map<std::string, std::string> before = files();
  for (const bool read_only : {false, true}) {
    EXPECT_EQ(open(read_only).status().code(), ErrorCode::kFormatVersion);
  }
  std::map<std::string, std::string> after = files();
  after.erase("LOCK.holder");
  EXPECT_TRUE(after == before);

  // The graph's mark inside the store.
  copy_database();
  {
    kv::StoreOptions options;
    options.directory = place_;
    const auto store = std::move(*kv::open_store(options));
    const auto batch = store->batch();
    batch->put(kv::Keyspace::kMeta, graph::kMetaFormatKey, graph::encode_format_value(99));
    const auto payload = store->last_payload(nullptr);
    ASSERT_TRUE(store->write(*batch, *payload).ok());
    ASSERT_TRUE(store->close().ok());
  }
  const Status status = open().status();
  EXPECT_EQ(status.code(), ErrorCode::kFormatVersion);
  EXPECT_NE(status.message().find("99"), std::string::npos) << status.message();

  std::string snapshot = read_file(kept("zstd.snapshot"));
  snapshot[8] = 99;
  write_file(directory_ / "newer.snapshot", snapshot);
  const auto db = std::move(*Database::in_memory({.cache_bytes = 64u << 20}));
  EXPECT_EQ(db->load_snapshot_file(directory_ / "newer.snapshot").status().code(), ErrorCode::kFormatVersion);
}

}  // namespace
}  // namespace lora
