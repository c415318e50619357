// Failing disks and power cuts under a graph: what was acknowledged is there, what is there is sound, and versions
// whose sync failed are never seen.
#include <rocksdb/env.h>

#include <random>
#include <thread>

#include "tests/graph/graph_fixture.h"
#include "tests/support/fault_fs.h"

namespace lora::graph {
namespace {

class Disk {
 public:
  explicit Disk(uint64_t seed)
      : env_(rocksdb::NewMemEnv(rocksdb::Env::Default())),
        faults_(std::make_shared<tests::FaultFs>(env_->GetFileSystem(), seed)),
        file_system_(faults_) {}
  GraphOptions options() {
    GraphOptions options;
    options.store.directory = "/disk/graph";
    options.store.file_system = &file_system_;
    options.ingest_keys_min = 200;
    options.block_records_max = 20;
    return options;
  }
  tests::FaultFs& faults() { return *faults_; }

 private:
  std::unique_ptr<rocksdb::Env> env_;
  std::shared_ptr<tests::FaultFs> faults_;
  std::shared_ptr<rocksdb::FileSystem> file_system_;
};

Result<uint64_t> add_pair(Graph& graph) {
  auto t = graph.begin_write(std::chrono::steady_clock::now() + std::chrono::seconds(5), "test", 0, {});
  if (!t.ok()) return t.status();
  const LabelId label = must((*t)->label("L"));
  const NodeId a = must((*t)->create_node(std::vector{label}, {}));
  const NodeId b = must((*t)->create_node(std::vector{label}, {}));
  must((*t)->create_relationship(must((*t)->rel_type("T")), a, b, {}).status());
  return (*t)->commit();
}

TEST(FaultTest, FailedSyncShowsNothingAndMakesTheGraphReadOnly) {
  Disk disk(1);
  auto graph = must(Graph::open(disk.options()));
  must(add_pair(*graph));
  disk.faults().fail_at(2, tests::Fault::kIoError, true);  // the write passes, its sync fails
  const auto failed = add_pair(*graph);
  EXPECT_EQ(failed.status().code(), ErrorCode::kIo) << failed.status().to_string();
  EXPECT_EQ(graph->node_count(), 2u);
  EXPECT_EQ(graph->snapshot().reader()->relationship_count(), 1u);
  EXPECT_FALSE(add_pair(*graph).ok());
  EXPECT_FALSE(graph->health().ok());
  EXPECT_EQ(all(graph->snapshot().reader()->scan_nodes(std::nullopt)).size(), 2u);
}

TEST(FaultTest, WriterOnTopOfALostVersionCannotCommit) {
  Disk disk(2);
  auto graph = must(Graph::open(disk.options()));
  must(add_pair(*graph));
  disk.faults().fail_at(2, tests::Fault::kIoError, true);
  std::thread first([&] { EXPECT_FALSE(add_pair(*graph).ok()); });
  // Whenever this gets the writer, before or after the failure, it must not commit; nor may anything crash.
  auto t = graph->begin_write(std::chrono::steady_clock::now() + std::chrono::seconds(5), "second", 0, {});
  first.join();
  if (t.ok()) {
    const auto created = (*t)->create_node({}, {});
    EXPECT_TRUE(created.ok());
    const auto number = (*t)->commit();
    EXPECT_FALSE(number.ok());
  }
  EXPECT_EQ(graph->node_count(), 2u);
}

TEST(FaultTest, PowerCutsKeepWhatWasAcknowledged) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    Disk disk(seed);
    uint64_t acknowledged = 0;
    for (int round = 0; round < 3; ++round) {
      auto graph = must(Graph::open(disk.options()));
      const uint64_t there = graph->relationship_count();
      EXPECT_GE(there, acknowledged);
      acknowledged = there;
      const VerifyReport report = must(graph->verify(true, {}));
      for (const std::string& error : report.errors) ADD_FAILURE() << error;
      disk.faults().fail_at(1 + random() % 40, tests::Fault::kIoError, true);
      for (int i = 0; i < 30; ++i) {
        if (!add_pair(*graph).ok()) break;
        ++acknowledged;
      }
      disk.faults().cut_power();
      (void)graph->close();
      graph.reset();
      disk.faults().restore();
      disk.faults().fail_at(0, tests::Fault::kIoError, false);
    }
  }
}

}  // namespace
}  // namespace lora::graph
