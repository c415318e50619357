// What the tests of dump and restore share: random databases, what a database holds, programs that are run.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cypher/database.h"
#include "tests/support/must.h"
#include "tests/support/temp_directory.h"
#include "tools/dump_database.h"
#include "tools/restore_database.h"

#define ASSERT_OK(expr)                               \
  do {                                                \
    const ::lora::Status status_ = (expr);            \
    ASSERT_TRUE(status_.ok()) << status_.to_string(); \
  } while (0)

namespace lora::tools {

namespace fs = std::filesystem;
using graph::Graph;
using tests::TempDirectory;

inline constexpr DumpFormat kFormats[] = {DumpFormat::kSnapshot, DumpFormat::kJsonLines, DumpFormat::kCypher};
inline const char* format_name(DumpFormat format) {
  return format == DumpFormat::kSnapshot ? "snapshot" : format == DumpFormat::kJsonLines ? "jsonl" : "cypher";
}

using tests::must;

std::unique_ptr<Graph> open_graph(const std::string& path);
std::unique_ptr<graph::Transaction> begin(Graph& graph);

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
Content read_content(Graph& graph);
void expect_same(const Content& a, const Content& b, bool same_ids);

// Random nodes, relationships, properties and schema, with gaps between the ids.
void fill(Graph& graph, uint64_t seed, int size);

std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& bytes);
std::set<std::string> names_in(const std::string& directory);

// A program that was started, its standard output and errors where the paths say (empty: ours); and its exit code when
// it has ended, -1 when it died.
pid_t start(std::vector<std::string> arguments, const std::string& output, const std::string& errors);
int exit_code_of(pid_t program);
// Both.
int run(std::vector<std::string> arguments, const std::string& output = "/dev/null",
        const std::string& errors = "/dev/null");

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

}  // namespace lora::tools
