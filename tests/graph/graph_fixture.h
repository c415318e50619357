// A graph for a test: in memory, or in a directory that disappears with the fixture; with verbs that read aloud.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "tests/support/must.h"

namespace lora::graph {

#define ASSERT_OK(expr)                                           \
  do {                                                            \
    const ::lora::Status& assert_status = (expr);                 \
    ASSERT_TRUE(assert_status.ok()) << assert_status.to_string(); \
  } while (0)
#define EXPECT_OK(expr)                                           \
  do {                                                            \
    const ::lora::Status& expect_status = (expr);                 \
    EXPECT_TRUE(expect_status.ok()) << expect_status.to_string(); \
  } while (0)

using tests::must;

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "lora-graph-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::unique_ptr<Transaction> begin(Graph& graph, uint64_t token = 0) {
  return must(graph.begin_write(std::chrono::steady_clock::now() + std::chrono::seconds(5), "test", token, {}));
}

// Names instead of tokens.
using Properties = std::initializer_list<std::pair<const char*, Value>>;

class Writer {
 public:
  explicit Writer(Graph& graph) : transaction_(begin(graph)) {}
  Transaction& operator*() { return *transaction_; }
  Transaction* operator->() { return transaction_.get(); }

  std::vector<Property> properties(Properties list) {
    std::vector<Property> out;
    for (const auto& [name, value] : list) {
      out.push_back({must(transaction_->key(name)), value});
    }
    return out;
  }
  NodeId node(std::initializer_list<const char*> labels = {}, Properties list = {}) {
    std::vector<LabelId> ids;
    for (const char* label : labels) {
      ids.push_back(must(transaction_->label(label)));
    }
    return must(transaction_->create_node(ids, properties(list)));
  }
  RelId relationship(NodeId start, const char* type, NodeId end, Properties list = {}) {
    return must(transaction_->create_relationship(must(transaction_->rel_type(type)), start, end, properties(list)));
  }
  void set(NodeId id, const char* key, const Value& value) {
    must(transaction_->set_node_property(id, must(transaction_->key(key)), value));
  }
  uint64_t commit() { return must(transaction_->commit()); }

 private:
  std::unique_ptr<Transaction> transaction_;
};

inline std::vector<uint64_t> all(EntityScan scan) {
  std::vector<uint64_t> out;
  uint64_t ids[100];
  for (size_t n = 0; (n = scan.next(ids, 100)) != 0;) {
    out.insert(out.end(), ids, ids + n);
  }
  return out;
}
inline std::vector<uint64_t> all(IndexScan scan) {
  std::vector<uint64_t> out;
  uint64_t ids[7];
  for (size_t n = 0; (n = scan.next(ids, 7)) != 0;) {
    out.insert(out.end(), ids, ids + n);
  }
  return out;
}

inline std::vector<std::pair<uint64_t, uint64_t>> list_of(Reader& reader, NodeId node, Direction direction,
                                                          RelTypeId type) {
  std::vector<Neighbours> segments;
  reader.neighbours(node, direction, type, &segments);
  std::vector<std::pair<uint64_t, uint64_t>> out;
  for (const Neighbours& segment : segments) {
    for (uint32_t i = 0; i < segment.count; ++i) {
      out.emplace_back(segment.neighbour(i), segment.relationship(i));
    }
  }
  return out;
}

// Snapshot files as strings.
inline std::string save(Graph& graph, const SnapshotSaveOptions& options = {}) {
  std::string out;
  must(graph.save_snapshot(options,
                           [&](ByteView bytes) {
                             out.append(bytes);
                             return Status();
                           },
                           {}));
  return out;
}

inline Result<SnapshotFileMeta> load(Graph& graph, const std::string& file, const SnapshotCrypto& crypto = {}) {
  size_t at = 0;
  const ByteSource source = [&](char* buffer, size_t size, size_t* read) {
    *read = std::min({size, file.size() - at, size_t{4099}});
    std::copy_n(file.data() + at, *read, buffer);
    at += *read;
    return Status();
  };
  return graph.load_snapshot(crypto, source, std::chrono::steady_clock::now() + std::chrono::seconds(5), {});
}

// Both kinds of store: TEST_P with GetParam() == true on disk.
class GraphTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override { open(); }
  void open() {
    GraphOptions options = options_;
    if (GetParam()) {
      options.store.directory = directory_.path() + "/graph";
    }
    graph_ = must(Graph::open(options));
  }
  // On disk: closes and opens again. In memory: forgets the in-memory form, so that the store answers.
  void reopen() {
    if (GetParam()) {
      must(graph_->close());
      graph_.reset();
      open();
    } else {
      graph_->drop_cache();
    }
  }
  Graph& graph() { return *graph_; }

  TemporaryDirectory directory_;
  GraphOptions options_;
  std::unique_ptr<Graph> graph_;
};

// On disk.
class DiskGraphTest : public ::testing::Test {
 protected:
  void open() {
    GraphOptions options = options_;
    options.store.directory = directory_.path() + "/graph";
    graph_ = must(Graph::open(options));
  }
  void reopen() {
    must(graph_->close());
    graph_.reset();
    open();
  }
  Graph& graph() { return *graph_; }

  TemporaryDirectory directory_;
  GraphOptions options_;
  std::unique_ptr<Graph> graph_;
};

}  // namespace lora::graph
