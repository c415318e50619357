// CSV files to a database: what is read, what is refused, and that a failed import leaves nothing.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cypher/database.h"
#include "graph/text.h"
#include "tests/support/temp_directory.h"
#include "tools/import_database.h"

namespace lora::tools {
namespace {

namespace fs = std::filesystem;

class ImportTest : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(directory_ / name, std::ios::binary) << text;
    return directory_ / name;
  }
  std::string database() const { return directory_ / "db.loradb"; }
  Result<ImportCounts> import(const ImportOptions& options, bool force = false) {
    return import_database(database(), options, force, {});
  }
  // "CODE: message" of one file of nodes, and of relationships beside fit nodes.
  std::string nodes_error(const std::string& text) {
    ImportOptions options;
    options.nodes = {{{"N"}, file("n.csv", text)}};
    const auto counts = import(options);
    return counts.ok() ? "imported" : counts.status().to_string();
  }
  std::string relationships_error(const std::string& text) {
    ImportOptions options;
    options.nodes = {{{"N"}, file("n.csv", "id:ID\na\nb\n")}};
    options.relationships = {{{"R"}, file("r.csv", text)}};
    const auto counts = import(options);
    return counts.ok() ? "imported" : counts.status().to_string();
  }
  // Each row's values, separated by blanks.
  std::string answer(const std::string& query) {
    DatabaseOptions options;
    options.database_dir = directory_.path();
    const auto database = Database::open("db", options);
    if (!database.ok()) return database.status().to_string();
    const auto result = (*database)->execute(query);
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
  bool left_over() {
    for (const auto& entry : fs::directory_iterator(directory_.path())) {
      if (entry.path().extension() != ".csv") return true;
    }
    return false;
  }

  tests::TempDirectory directory_;
};

TEST_F(ImportTest, NodesLabelsTypesAndProperties) {
  ImportOptions options;
  options.nodes = {
      {{"Person"},
       file("people.csv",
            "id:ID(Person){id-type:int},name,:LABEL,born:date,tags:string[],note:IGNORE\n"
            "1,Ada,Author;Person,1815-12-10,maths;poems,x\n"
            "2,\"Grace, B.\",,1906-12-09,,y\n"
            "3,,,,,\n")},
      {{}, file("places.csv", "key:ID(Place),:LABEL\n1,City\n2,\n")},
  };
  options.relationships = {
      {{"KNOWS"}, file("knows.csv", ":START_ID(Person),:END_ID(Person),since:int\n1,2,1950\n2,1,\n1,1,3\n")},
      {{}, file("lives.csv", ":START_ID(Person),:END_ID(Place),:TYPE\n1,1,LIVES_IN\n2,2,`odd`\n")},
  };
  const auto counts = import(options);
  ASSERT_TRUE(counts.ok()) << counts.status().to_string();
  EXPECT_EQ(counts->nodes, 5u);
  EXPECT_EQ(counts->relationships, 5u);
  EXPECT_EQ(answer("MATCH (n:Person) RETURN n.id, n.name, labels(n), n.born, n.tags, n.note ORDER BY n.id"),
            "1 Ada ['Person', 'Author'] 1815-12-10 ['maths', 'poems'] null\n"
            "2 Grace, B. ['Person'] 1906-12-09 null null\n"
            "3 null ['Person'] null null null\n");
  EXPECT_EQ(answer("MATCH (n) WHERE NOT n:Person RETURN n.key, labels(n) ORDER BY n.key"), "1 ['City']\n2 []\n");
  EXPECT_EQ(answer("MATCH (a)-[r:KNOWS]->(b) RETURN a.id, b.id, r.since ORDER BY a.id, b.id"),
            "1 1 3\n1 2 1950\n2 1 null\n");
  EXPECT_EQ(answer("MATCH (a)-[r:LIVES_IN]->(b) RETURN a.name, b.key"), "Ada 1\n");
  EXPECT_EQ(answer("MATCH ()-[r]->() RETURN type(r), count(*) ORDER BY type(r)"), "KNOWS 3\nLIVES_IN 1\n`odd` 1\n");
  // A database like any other: writes, an index, another start.
  EXPECT_EQ(answer("CREATE CONSTRAINT person_id FOR (p:Person) REQUIRE p.id IS UNIQUE"), "");
  EXPECT_EQ(answer("MATCH (p:Person {id: 1}) CREATE (p)-[:KNOWS]->(q:Person {id: 4}) RETURN q.id"), "4\n");
  EXPECT_EQ(answer("MATCH (p:Person {id: 1})-[:KNOWS]->(q) RETURN count(q)"), "3\n");
}

TEST_F(ImportTest, OtherSeparators) {
  ImportOptions options;
  options.separator = '\t';
  options.list_separator = '|';
  options.nodes = {{{"N"}, file("n.csv", "id:ID\txs:int[]\na,b\t1|2\n")}};
  ASSERT_TRUE(import(options).ok());
  EXPECT_EQ(answer("MATCH (n:N) RETURN n.id, n.xs"), "a,b [1, 2]\n");
}

TEST_F(ImportTest, WrongFilesAreRefusedByLineAndLeaveNothing) {
  const std::pair<const char*, const char*> nodes[] = {
      {"", "LORA_PARSE"},
      {"id:ID,id\n", "`, line `1`: two columns are named `id`"},
      {":ID,:ID\n", "`, line `1`: a file of nodes has at most one `:ID`"},
      {":START_ID\n", "LORA_PARSE"},
      {"a:what\n1\n", "column `a:what`: `what` is no type"},
      {"id:ID,n:int\n1,2\n3,x\n", "`, line `3`: column `n`: `x` is not an integer"},
      {"id:ID,n:int\n1\n", "`, line `2`: there are 1 fields for 2 columns"},
      {"id:ID\n1\n1\n", "LORA_UNIQUE_CONSTRAINT: "},
      {"id:ID\n1\n1\n", "`, line `3`: another node has the id `1`"},
      {"id:ID,x\n,1\n", "the id is empty"},
      {"id:ID,x\n\"1\n", "LORA_IO"},
      {"id:ID,x\n1,\xff\n", "the text is not UTF-8"},
      {":LABEL\n;\n", "LORA_LIMIT"},
  };
  for (const auto& [text, error] : nodes) {
    EXPECT_NE(nodes_error(text).find(error), std::string::npos) << text << "\n" << nodes_error(text);
    EXPECT_FALSE(left_over()) << text;
  }
  const std::pair<const char*, const char*> relationships[] = {
      {":START_ID\na\n", "LORA_PARSE"},
      {":START_ID,:END_ID\na,b\nb,c\n", "LORA_NOT_FOUND: "},
      {":START_ID,:END_ID\na,b\nb,c\n", "`, line `3`: no node has the id `c`"},
      {":START_ID(X),:END_ID\na,b\n", "no file of nodes has a column `:ID(X)`"},
      {":START_ID,:END_ID,:ID\n", "LORA_PARSE"},
  };
  for (const auto& [text, error] : relationships) {
    EXPECT_NE(relationships_error(text).find(error), std::string::npos) << text << "\n" << relationships_error(text);
    EXPECT_FALSE(left_over()) << text;
  }
  ImportOptions missing;
  missing.nodes = {{{}, directory_ / "none.csv"}};
  EXPECT_EQ(import(missing).status().code(), ErrorCode::kIo);
  missing.nodes = {{{}, directory_.path()}};
  EXPECT_EQ(import(missing).status().code(), ErrorCode::kIo);
  missing.nodes = {{{}, file("n.csv", "id:ID\n1\n")}};
  missing.relationships = {{{}, file("r.csv", ":START_ID,:END_ID\n1,1\n")}};
  EXPECT_NE(import(missing).status().message().find("relationships need a type"), std::string::npos);
  EXPECT_FALSE(left_over());
}

TEST_F(ImportTest, DanglingRelationshipsCanBeLeftOut) {
  ImportOptions options;
  options.nodes = {{{"N"}, file("n.csv", "id:ID\na\nb\n")}};
  options.relationships = {{{"R"}, file("r.csv", ":START_ID,:END_ID\na,b\na,x\ny,b\nb,a\n")}};
  options.skip_dangling = true;
  const auto counts = import(options);
  ASSERT_TRUE(counts.ok()) << counts.status().to_string();
  EXPECT_EQ(counts->skipped, 2u);
  EXPECT_EQ(answer("MATCH (a)-[:R]->(b) RETURN a.id, b.id ORDER BY a.id"), "a b\nb a\n");
}

TEST_F(ImportTest, ADatabaseThatHoldsSomethingIsReplacedOnlyByForce) {
  answer("CREATE (:Old)");
  ImportOptions options;
  options.nodes = {{{"New"}, file("n.csv", "id:ID\na\n")}};
  EXPECT_EQ(import(options).status().code(), ErrorCode::kConfig);
  EXPECT_EQ(answer("MATCH (n) RETURN labels(n)"), "['Old']\n");
  ASSERT_TRUE(import(options, true).ok());
  EXPECT_EQ(answer("MATCH (n) RETURN labels(n)"), "['New']\n");
  EXPECT_EQ(answer("CREATE (n:Newer) RETURN id(n) > 0"), "true\n");
}

TEST_F(ImportTest, APollThatFailsStopsItAndLeavesNothing) {
  std::string text = "id:ID\n";
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i) + "\n";
  ImportOptions options;
  options.nodes = {{{"N"}, file("n.csv", text)}};
  const auto counts = import_database(database(), options, false, [](const graph::DumpCounts& so_far) {
    return so_far.nodes > 10'000 ? Status(ErrorCode::kInterrupted, "stop") : Status();
  });
  EXPECT_EQ(counts.status().code(), ErrorCode::kInterrupted);
  EXPECT_FALSE(left_over());
}

TEST_F(ImportTest, TheProgram) {
  const auto run = [&](const std::string& arguments) {
    const int status = std::system(
        (std::string(LORA_IMPORT_TOOL) + " " + arguments + " >" + directory_.path() + "/out.csv 2>&1").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  };
  const std::string nodes = file("n.csv", "id:ID{id-type:int},name\n1,Ada\n2,Bob\n");
  const std::string relationships = file("r.csv", ":START_ID,:END_ID\n1,2\n");
  const std::string db = directory_ / "db";
  EXPECT_EQ(run(""), 2);
  EXPECT_EQ(run(db), 2);
  EXPECT_EQ(run(db + " --nodes"), 2);
  EXPECT_EQ(run(db + " --nodes A=" + nodes + " --separator ab"), 2);
  EXPECT_EQ(run(db + " --nodes A=" + directory_.path() + "/none.csv"), 1);
  EXPECT_EQ(run(db + " --nodes A=" + nodes + " --list-separator ,"), 2);
  EXPECT_EQ(run(db + " --relationships R=" + relationships), 2);
  EXPECT_EQ(run(db + " --nodes A=" + nodes + " --relationships =" + relationships), 1);
  EXPECT_EQ(run(db + " --nodes A:B=" + nodes + " --relationships R=" + relationships), 0);
  EXPECT_EQ(run(db + " --nodes A:B=" + nodes), 1);
  EXPECT_EQ(run(db + " --nodes A:B=" + nodes + " --relationships R=" + relationships + " --force"), 0);
  EXPECT_EQ(answer("MATCH (a:A:B {id: 1})-[:R]->(b) RETURN b.name"), "Bob\n");
  const std::string tabs = file("t.csv", "id:ID\tname\n1\tAda\n");
  EXPECT_EQ(run(db + " --nodes T=" + tabs + " --separator '\\t' --force"), 0);
  EXPECT_EQ(answer("MATCH (t:T) RETURN t.id, t.name"), "1 Ada\n");
}

}  // namespace
}  // namespace lora::tools
