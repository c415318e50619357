// CSV files into a database that is open: in memory, new on disk, and one that holds something. What files may hold is
// tested with lora-import (tests/tools/import_test.cpp).
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <random>
#include <thread>

#include "cypher/database.h"
#include "cypher/import/id_table.h"
#include "cypher/import/import_csv.h"
#include "cypher/import/import_header.h"
#include "graph/text.h"
#include "tests/support/temp_directory.h"

namespace lora::cypher {
namespace {

TEST(ImportHeader, ReadsTheNotation) {
  const auto column = [](std::string_view text) {
    const Result<ImportColumn> c = parse_import_column(text);
    if (!c.ok()) return std::string(error_code_name(c.status().code()));
    return c->name + "/" + std::to_string(static_cast<int>(c->role)) + "/" + c->group + "/" +
           std::string(value_type_name(c->type)) + (c->list ? "[]" : "");
  };
  EXPECT_EQ(column("name"), "name/0//STRING");
  EXPECT_EQ(column("age:int"), "age/0//INTEGER");
  EXPECT_EQ(column("age:LONG"), "age/0//INTEGER");
  EXPECT_EQ(column("tags:string[]"), "tags/0//STRING[]");
  EXPECT_EQ(column("at:localdatetime"), "at/0//LOCAL DATETIME");
  EXPECT_EQ(column(":ID"), "/1//STRING");
  EXPECT_EQ(column("key:ID(Person)"), "key/1/Person/STRING");
  EXPECT_EQ(column("key:ID(Person){id-type:int}"), "key/1/Person/INTEGER");
  EXPECT_EQ(column("key:ID{id-type: long}"), "key/1//INTEGER");
  EXPECT_EQ(column(":LABEL"), "/2//STRING");
  EXPECT_EQ(column(":START_ID(Person)"), "/3/Person/STRING");
  EXPECT_EQ(column(":END_ID"), "/4//STRING");
  EXPECT_EQ(column(":TYPE"), "/5//STRING");
  EXPECT_EQ(column("x:IGNORE"), "/6//STRING");
  for (const char* wrong : {"", ":", ":int", "a:", "a:text", "a:int[", "a:ID(", "a:ID(x)y", "a:ID{id-type:what}",
                            ":LABEL(x)", ":TYPE[]", "a:int[][]", "a:START"}) {
    EXPECT_EQ(column(wrong), "LORA_PARSE") << wrong;
  }
}

TEST(ImportHeader, ReadsValues) {
  const auto value = [](std::string_view column, std::string_view text) {
    const Result<Value> v = parse_import_value(*parse_import_column(column), text, ';');
    return v.ok() ? to_text(*v) : std::string(error_code_name(v.status().code()));
  };
  EXPECT_EQ(value("a", "x y"), "x y");
  EXPECT_EQ(value("a", ""), "null");
  EXPECT_EQ(value("a:int", "-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(value("a:int", "+7"), "7");
  EXPECT_EQ(value("a:float", "1e3"), "1000.0");
  EXPECT_EQ(value("a:boolean", "TRUE"), "true");
  EXPECT_EQ(value("a:date", "2024-02-29"), "2024-02-29");
  EXPECT_EQ(value("a:int[]", "1;2;3"), "[1, 2, 3]");
  EXPECT_EQ(value("a:string[]", "x;;y"), "['x', '', 'y']");
  for (const auto& [column, text] : std::initializer_list<std::pair<const char*, const char*>>{
           {"a:int", "9223372036854775808"},
           {"a:int", "1.5"},
           {"a:int", " 1"},
           {"a:int", "+"},
           {"a:int", "+-5"},
           {"a:int", "-+5"},
           {"a:float", "+-5.0"},
           {"a:int", "1x"},
           {"a:float", "one"},
           {"a:float", "1e999"},
           {"a:boolean", "yes"},
           {"a:int[]", "1;"},
       }) {
    EXPECT_EQ(value(column, text), "LORA_PARSE") << column << " " << text;
  }
  EXPECT_FALSE(parse_import_value(*parse_import_column("a:date"), "2023-02-29", ';').ok());
}

TEST(IdTable, FindsWhatWasAdded) {
  IdTable table;
  EXPECT_FALSE(table.find("a").has_value());
  std::mt19937_64 random(3);
  std::map<std::string, uint32_t> model;
  for (uint32_t i = 0; i < 50'000; ++i) {
    std::string id = std::to_string(random() % 40'000);
    if (random() % 3 == 0) id += "-a longer id";
    if (random() % 50 == 0) id = std::string(random() % 10, '\0');  // zeros are bytes like others
    const bool fresh = model.emplace(id, i).second;
    EXPECT_EQ(table.add(id, i), fresh) << id;
  }
  for (const auto& [id, node] : model) EXPECT_EQ(table.find(id), node) << id;
  EXPECT_FALSE(table.find("40001").has_value());
  EXPECT_FALSE(table.find("40001-a longer id").has_value());
}

enum class Kind : uint8_t { kMemory, kNew, kFilled, kFilledMemory };

class ImportIntoTest : public ::testing::TestWithParam<Kind> {
 protected:
  ImportIntoTest() {
    open();
    if (!filled()) return;
    run("CREATE (:Old {id: 'a'})-[:OLD]->(:Old {id: 'x'})");
    run("CREATE CONSTRAINT FOR (n:Old) REQUIRE n.id IS UNIQUE");
  }
  bool filled() const { return GetParam() == Kind::kFilled || GetParam() == Kind::kFilledMemory; }
  bool on_disk() const { return GetParam() == Kind::kNew || GetParam() == Kind::kFilled; }
  void open() {
    database_.reset();
    DatabaseOptions options;
    options.busy_timeout_ms = 50;
    if (on_disk()) options.database_dir = directory_.path();
    auto opened = on_disk() ? Database::open("db", options) : Database::in_memory(options);
    ASSERT_TRUE(opened.ok()) << opened.status().to_string();
    database_ = std::move(*opened);
  }
  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(directory_ / name, std::ios::binary) << text;
    return directory_ / name;
  }
  // Each row's values, separated by blanks; or the error.
  std::string run(const std::string& query) {
    const auto result = database_->execute(query);
    if (!result.ok()) return result.status().to_string();
    std::string out;
    for (size_t row = 0; row < result->row_count; ++row) {
      for (size_t column = 0; column < result->columns.size(); ++column) {
        out += (column > 0 ? " " : "") + to_text(result->at(row, column));
      }
      out += "\n";
    }
    return out;
  }
  // Nothing but what the fixture has made, and sound.
  void expect_as_before() {
    EXPECT_EQ(run("MATCH (n) RETURN count(n)"), filled() ? "2\n" : "0\n");
    EXPECT_EQ(run("MATCH ()-[r]->() RETURN count(r)"), filled() ? "1\n" : "0\n");
    expect_sound();
  }
  void expect_sound() {
    const auto report = database_->verify();
    ASSERT_TRUE(report.ok()) << report.status().to_string();
    for (const std::string& error : report->errors) ADD_FAILURE() << error;
  }

  tests::TempDirectory directory_;
  std::unique_ptr<Database> database_;
};

TEST_P(ImportIntoTest, AddsNodesAndRelationships) {
  ImportOptions options;
  std::string people = "id:ID,name,:LABEL,age:int\n", knows = ":START_ID,:END_ID,since:int\n";
  constexpr int kPeople = 1'000;
  for (int i = 0; i < kPeople; ++i) {
    people += "a" + std::to_string(i) + ",name " + std::to_string(i) + (i % 2 == 0 ? ",Even," : ",,") +
              (i % 3 == 0 ? "" : std::to_string(i)) + "\n";
    for (int k = 1; k <= 5; ++k) {
      knows += "a" + std::to_string(i) + ",a" + std::to_string((i * k + k) % kPeople) + "," + std::to_string(k) + "\n";
    }
  }
  options.nodes = {{{"Person"}, file("people.csv", people)}};
  options.relationships = {{{"KNOWS"}, file("knows.csv", knows)}};
  const auto counts = database_->import_csv(options);
  ASSERT_TRUE(counts.ok()) << counts.status().to_string();
  EXPECT_EQ(counts->nodes, 1'000u);
  EXPECT_EQ(counts->relationships, 5'000u);
  EXPECT_EQ(counts->skipped, 0u);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(run("MATCH (p:Person) RETURN count(p), count(p.age), sum(p.age)"), "1000 666 332667\n");
    EXPECT_EQ(run("MATCH (p:Even) RETURN count(p)"), "500\n");
    EXPECT_EQ(run("MATCH (:Person {id: 'a7'})-[r:KNOWS]->(p) RETURN p.id, r.since, p.name ORDER BY r.since"),
              "a8 1 name 8\na16 2 name 16\na24 3 name 24\na32 4 name 32\na40 5 name 40\n");
    EXPECT_EQ(run("MATCH (:Even)-[r:KNOWS]->() RETURN count(r)"), "2500\n");
    EXPECT_EQ(run("MATCH (n:Old)-[r]->(m) RETURN n.id, type(r), m.id"), filled() ? "a OLD x\n" : "");
    expect_sound();
    if (on_disk()) open();
  }
  // Again: a database that holds something now.
  const auto more = database_->import_csv(options);
  ASSERT_TRUE(more.ok()) << more.status().to_string();
  EXPECT_EQ(run("MATCH (p:Person)-[r]->() RETURN count(r), count(DISTINCT p)"), "10000 2000\n");
  expect_sound();
}

TEST_P(ImportIntoTest, AWrongFileChangesNothing) {
  const std::string nodes = file("n.csv", "id:ID,n:int\na,1\nb,2\n");
  const std::pair<const char*, const char*> wrong[] = {
      {":START_ID,:END_ID\na,b\na,c\n", "`, line `3`: no node has the id `c`"},
      {":START_ID,:END_ID,x:int\na,b,1\nb,a,z\n", "`, line `3`: column `x`: `z` is not an integer"},
      {":START_ID\na\n", "LORA_PARSE"},
  };
  for (const auto& [text, error] : wrong) {
    ImportOptions options;
    options.nodes = {{{"N"}, nodes}};
    options.relationships = {{{"R"}, file("r.csv", text)}};
    const auto counts = database_->import_csv(options);
    EXPECT_NE(counts.status().to_string().find(error), std::string::npos) << counts.status().to_string();
    expect_as_before();
  }
  ImportOptions options;
  options.nodes = {{{"N"}, nodes}, {{"N"}, directory_ / "none.csv"}};
  EXPECT_EQ(database_->import_csv(options).status().code(), ErrorCode::kIo);
  expect_as_before();
  EXPECT_EQ(run("CREATE (n:N) RETURN n.id"), "null\n");
}

TEST_P(ImportIntoTest, ConstraintsHold) {
  run("CREATE CONSTRAINT FOR (n:N) REQUIRE n.key IS UNIQUE");
  ImportOptions options;
  options.nodes = {{{"N"}, file("n.csv", "id:ID,key\n1,k\n2,l\n3,k\n")}};
  const auto counts = database_->import_csv(options);
  EXPECT_EQ(counts.status().code(), ErrorCode::kUniqueConstraint) << counts.status().to_string();
  EXPECT_NE(counts.status().message().find("`, line `4`: "), std::string::npos) << counts.status().to_string();
  expect_as_before();
  options.nodes = {{{"N"}, file("n.csv", "id:ID,key\n1,k\n2,l\n3,m\n")}};
  ASSERT_TRUE(database_->import_csv(options).ok());
  EXPECT_EQ(run("MATCH (n:N {key: 'l'}) RETURN n.id"), "2\n");
  expect_sound();
}

// Relationships are added several at a time: the first wrong line is the one to tell.
TEST_P(ImportIntoTest, ConstraintsOfRelationshipsHoldWithTheirLines) {
  run("CREATE CONSTRAINT FOR ()-[r:R]-() REQUIRE r.key IS UNIQUE");
  ImportOptions options;
  options.nodes = {{{"N"}, file("n.csv", "id:ID\n1\n2\n")}};
  const std::string good = "1,2,a\n2,1,b\n";
  const std::pair<std::string, const char*> wrong[] = {
      {good + "1,1,a\n", "`, line `4`: "},
      {good + "1,1,a\n2,2\n", "`, line `4`: "},
      {good + "2,2\n1,1,a\n", "`, line `4`: there are 2 fields"},
      {good + "7,2,a\n2,2,c\n2,1,b\n1,2,d\n", "`, line `6`: "},
  };
  for (const auto& [text, error] : wrong) {
    options.relationships = {{{"R"}, file("r.csv", ":START_ID,:END_ID,key\n" + text)}};
    options.skip_dangling = true;
    const auto counts = database_->import_csv(options);
    EXPECT_NE(counts.status().message().find(error), std::string::npos) << counts.status().to_string();
    expect_as_before();
  }
  options.relationships = {{{"R"}, file("r.csv", ":START_ID,:END_ID,key\n" + good)}};
  ASSERT_TRUE(database_->import_csv(options).ok());
  EXPECT_EQ(run("MATCH (:N)-[r:R]->(m) RETURN r.key, m.id ORDER BY r.key"), "a 2\nb 1\n");
  expect_sound();
}

// Files that are read ahead: what is wrong is told as if they were not.
TEST_P(ImportIntoTest, TheFirstWrongLineOfALargeFileIsTheOneToTell) {
  run("CREATE CONSTRAINT FOR (n:N) REQUIRE n.key IS UNIQUE");
  run("CREATE CONSTRAINT FOR ()-[r:R]-() REQUIRE r.key IS UNIQUE");
  constexpr int kLines = 6'000;
  using Lines = std::map<int, std::string>;
  const auto text = [&](std::string_view header, const Lines& other, const auto& usual) {
    std::string out(header);
    for (int line = 2; line <= kLines; ++line) {
      const auto found = other.find(line);
      out += (found != other.end() ? found->second : usual(std::to_string(line))) + "\n";
    }
    return out;
  };
  const auto nodes = [&](const Lines& other) {
    return text("id:ID,key,x:int\n", other, [](const std::string& i) { return "n" + i + ",k" + i + "," + i; });
  };
  const auto relationships = [&](const Lines& other) {
    return text(":START_ID,:END_ID,key,:TYPE\n", other,
                [](const std::string& i) { return "n" + i + ",n2,k" + i + (i == "9" ? ",S" : ",R"); });
  };
  struct Case {
    bool of_nodes;
    Lines lines;
    const char* error;  // none: imported
  };
  const Case cases[] = {
      {true, {{5'000, "n5000,k5000,z"}}, "`, line `5000`: column `x`: `z` is not an integer"},
      {true, {{4'000, "n4000,k4000"}, {4'001, "x,y,z"}}, "`, line `4000`: there are 2 fields for 3 columns"},
      {true, {{3'000, "n30,k3000,1"}}, "`, line `3000`: another node has the id `n30`"},
      {true, {{3'000, ",k3000,1"}}, "`, line `3000`: the id is empty"},
      {true, {{3'000, "n3000,k2,1"}, {3'001, "n3001,k3001,z"}}, "`, line `3000`: "},
      {true, {{3'001, "n3001,k2,1"}, {3'000, "n3000,k3000,z"}}, "`, line `3000`: column `x`"},
      {true, {{3'000, "n3000,k2,1"}, {3'500, "\"open"}}, "`, line `3000`: "},
      {true, {{3'000, "n3000,\xff,1"}}, "`, line `3000`: the text is not UTF-8"},
      {false, {{5'999, "n1,n2,k1,R"}}, "`, line `5999`: no node has the id `n1`"},
      {false, {{5'000, "n5,n6,k2,R"}, {5'001, "n5,n6"}}, "`, line `5000`: "},
      {false, {{5'001, "n5,n6,k2,R"}, {5'000, "n5,n6,k5000,"}}, "`, line `5000`: the type is empty"},
      {false, {{5'000, "n5,n6,k2,S"}}, nullptr},
  };
  for (const Case& each : cases) {
    ImportOptions options;
    options.nodes = {{{"N"}, file("n.csv", nodes(each.of_nodes ? each.lines : Lines()))}};
    options.relationships = {{{}, file("r.csv", relationships(each.of_nodes ? Lines() : each.lines))}};
    const auto counts = database_->import_csv(options);
    if (each.error == nullptr) {
      ASSERT_TRUE(counts.ok()) << counts.status().to_string();
      EXPECT_EQ(counts->nodes, kLines - 1u);
      EXPECT_EQ(counts->relationships, kLines - 1u);
      continue;
    }
    EXPECT_NE(counts.status().to_string().find(each.error), std::string::npos)
        << each.error << " is not in " << counts.status().to_string();
    expect_as_before();
  }
  EXPECT_EQ(run("MATCH (:N)-[r:S]->(m) RETURN r.key, m.id ORDER BY r.key"), "k2 n6\nk9 n2\n");
  // The sum of 2 to 6 000 without 9 and 5 000.
  EXPECT_EQ(run("MATCH (a:N)-[:R]->(:N {id: 'n2'}) RETURN count(a), sum(a.x)"), "5997 17997990\n");
  expect_sound();
}

TEST_P(ImportIntoTest, DanglingRelationshipsOfALargeFileAreCounted) {
  std::string nodes = ":ID,x:int\n", relationships = ":START_ID,:END_ID\n";
  uint64_t dangling = 0;
  for (int i = 0; i < 5'000; ++i) {
    nodes += std::to_string(i) + "," + std::to_string(i) + "\n";
    relationships += std::to_string(i) + "," + std::to_string(i * 7 % 10'000) + "\n";
    if (i * 7 % 10'000 >= 5'000) ++dangling;
  }
  ImportOptions options;
  options.nodes = {{{"N"}, file("n.csv", nodes)}};
  options.relationships = {{{"R"}, file("r.csv", relationships)}};
  options.skip_dangling = true;
  const auto counts = database_->import_csv(options);
  ASSERT_TRUE(counts.ok()) << counts.status().to_string();
  EXPECT_EQ(counts->relationships, 5'000 - dangling);
  EXPECT_EQ(counts->skipped, dangling);
  EXPECT_EQ(run("MATCH (a:N)-[:R]->(b:N) WHERE a.x * 7 % 10000 = b.x RETURN count(*)"),
            std::to_string(5'000 - dangling) + "\n");
  expect_sound();
}

// Whatever was read ahead by then.
TEST_P(ImportIntoTest, APollEndsTheReadingOfALargeFile) {
  std::string nodes = ":ID,x:int\n";
  for (int i = 0; i < 30'000; ++i) nodes += std::to_string(i) + "," + std::to_string(i) + "\n";
  ImportOptions options;
  options.nodes = {{{"N"}, file("n.csv", nodes)}};
  for (int polls : {2, 3, 5}) {
    int left = polls;
    const auto ends = [&](const ImportCounts&) {
      return left-- > 0 ? Status() : Status(ErrorCode::kInterrupted, "enough");
    };
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    const auto counts = import_csv(database_->graph(), options, !on_disk(), deadline, 0, ends);
    EXPECT_EQ(counts.status().code(), ErrorCode::kInterrupted);
    EXPECT_EQ(left, -1);
    expect_as_before();
  }
}

TEST_P(ImportIntoTest, OfAnotherHoldersTimeAndOfCallsThatEnd) {
  ImportOptions options;
  options.nodes = {{{"N"}, file("n.csv", "id:ID\n1\n")}};
  {
    auto transaction = database_->begin();
    ASSERT_TRUE(transaction.ok());
    ASSERT_TRUE((*transaction)->execute("CREATE (:Other)").ok());
    ErrorCode code = ErrorCode::kOk;
    std::thread([&] { code = database_->import_csv(options).status().code(); }).join();
    EXPECT_EQ(code, ErrorCode::kTransaction);
  }
  std::atomic<bool> cancel{true};
  QueryOptions stopped;
  stopped.cancel = &cancel;
  EXPECT_EQ(database_->import_csv(options, stopped).status().code(), ErrorCode::kInterrupted);
  expect_as_before();
  ASSERT_TRUE(database_->close().ok());
  EXPECT_EQ(database_->import_csv(options).status().code(), ErrorCode::kClosed);
}

std::string name_of(const ::testing::TestParamInfo<Kind>& kind) {
  constexpr const char* kNames[] = {"Memory", "New", "Filled", "FilledMemory"};
  return kNames[static_cast<size_t>(kind.param)];
}

INSTANTIATE_TEST_SUITE_P(Databases, ImportIntoTest,
                         ::testing::Values(Kind::kMemory, Kind::kNew, Kind::kFilled, Kind::kFilledMemory), name_of);

}  // namespace
}  // namespace lora::cypher
