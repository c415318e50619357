// Cuts the power under a graph: unsynced bytes are dropped at a random byte. Acknowledged commits must survive, and the
// graph must verify. The control turns fsync into a lie and must be caught.
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <string>

#include "graph/graph.h"
#include "tests/support/fault_fs.h"

namespace lora::graph {

namespace {

int rounds() {
  const char* scale = std::getenv("LORA_TEST_SCALE");
  const std::string text = scale != nullptr ? scale : "";
  return text == "small" ? 30 : text == "large" ? 5000 : 200;
}

uint64_t seed() {
  const char* text = std::getenv("LORA_TEST_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device()();
}

struct Outcome {
  bool lost = false;    // an acknowledged commit is missing, or the open reported so
  std::string problem;  // anything that must never happen
};

// One life of a database: open, check what earlier lives were promised, write, lose power.
class Machine {
 public:
  explicit Machine(uint64_t seed)
      : random_(seed),
        env_(rocksdb::NewMemEnv(rocksdb::Env::Default())),
        faults_(std::make_shared<tests::FaultFs>(env_->GetFileSystem(), seed)),
        file_system_(faults_) {}

  tests::FaultFs& faults() { return *faults_; }

  Outcome live() {
    Outcome outcome;
    GraphOptions options;
    options.store.directory = "/disk/db";
    options.store.file_system = &file_system_;
    options.cache_bytes = 64 << 20;
    options.ingest_keys_min = 400;
    options.block_records_max = 20;
    auto opened = Graph::open(options);
    if (!opened.ok()) {
      if (opened.status().code() == ErrorCode::kCorruption) {
        outcome.lost = true;
      } else {
        outcome.problem = opened.status().to_string();
      }
      return outcome;
    }
    Graph& graph = **opened;
    const uint64_t nodes = graph.node_count();
    outcome.lost = nodes < acknowledged_nodes_;
    if (nodes > 0 && graph.relationship_count() != nodes - 1) outcome.problem = "half a transaction";
    auto report = graph.verify(true, {});
    if (!report.ok()) {
      outcome.problem = report.status().to_string();
    } else if (!report->errors.empty()) {
      outcome.problem = report->errors[0];
    }
    acknowledged_nodes_ = nodes;
    const uint64_t steps = random_() % 12;
    for (uint64_t i = 0; outcome.problem.empty() && i < steps; ++i) {
      // A large transaction takes the sorted-run path.
      const uint64_t count = random_() % 6 == 0 ? 300 : 1 + random_() % 3;
      const Status status = add_nodes(graph, count);
      if (!status.ok()) outcome.problem = status.to_string();
      if (random_() % 5 == 0 && !graph.checkpoint(false).ok()) outcome.problem = "checkpoint failed";
    }
    faults_->cut_power();
    opened->reset();
    faults_->restore();
    return outcome;
  }

 private:
  // A chain: every new node hangs on the one before it.
  Status add_nodes(Graph& graph, uint64_t count) {
    LORA_ASSIGN(auto transaction,
                graph.begin_write(std::chrono::steady_clock::now() + std::chrono::seconds(5), "test", 0, {}));
    LORA_TRY(transaction->begin_statement());
    LORA_ASSIGN(const LabelId label, transaction->label("N"));
    LORA_ASSIGN(const RelTypeId type, transaction->rel_type("NEXT"));
    LORA_ASSIGN(const KeyId key, transaction->key("n"));
    uint64_t nodes = acknowledged_nodes_;
    for (uint64_t i = 0; i < count; ++i, ++nodes) {
      const Property property{key, Value::integer(static_cast<int64_t>(nodes))};
      LORA_ASSIGN(const NodeId id, transaction->create_node({&label, 1}, {&property, 1}));
      if (nodes > 0) {
        NodeId last;
        EntityScan scan = transaction->reader().scan_nodes(label);
        if (last_.valid() && transaction->reader().node_exists(last_)) {
          last = last_;
        } else {
          uint64_t ids[256];
          for (size_t n = scan.next(ids, 256); n > 0; n = scan.next(ids, 256)) {
            for (size_t k = 0; k < n; ++k) {
              if (NodeId(ids[k]) != id) last = NodeId(ids[k]);
            }
          }
        }
        LORA_ASSIGN(const RelId made, transaction->create_relationship(type, last, id, {}));
        (void)made;
      }
      last_ = id;
    }
    LORA_TRY(transaction->finish_statement());
    LORA_ASSIGN(const uint64_t number, transaction->commit());
    (void)number;
    acknowledged_nodes_ = nodes;
    return Status();
  }

  std::mt19937_64 random_;
  std::unique_ptr<rocksdb::Env> env_;
  std::shared_ptr<tests::FaultFs> faults_;
  std::shared_ptr<rocksdb::FileSystem> file_system_;
  uint64_t acknowledged_nodes_ = 0;
  NodeId last_;
};

}  // namespace

TEST(PowerLoss, AcknowledgedCommitsSurvive) {
  const uint64_t run_seed = seed();
  SCOPED_TRACE("LORA_TEST_SEED=" + std::to_string(run_seed));
  Machine machine(run_seed);
  const int count = rounds();
  for (int round = 0; round < count; ++round) {
    const Outcome outcome = machine.live();
    ASSERT_EQ(outcome.problem, "") << "round " << round;
    ASSERT_FALSE(outcome.lost) << "round " << round;
  }
}

TEST(PowerLoss, ALyingSyncIsCaught) {
  const uint64_t run_seed = seed();
  SCOPED_TRACE("LORA_TEST_SEED=" + std::to_string(run_seed));
  int caught = 0;
  for (uint64_t i = 0; i < 10; ++i) {
    Machine machine(run_seed + i);
    machine.faults().set_sync_lies(true);
    for (int round = 0; round < 6; ++round) {
      const Outcome outcome = machine.live();
      if (outcome.lost || !outcome.problem.empty()) {
        ++caught;
        break;
      }
    }
  }
  EXPECT_GE(caught, 8) << "the power-loss test would not notice a lost commit";
}

}  // namespace lora::graph
