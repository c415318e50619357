#include "graph/run_writer.h"

#include <random>
#include <vector>

#include "tests/kv/store_fixture.h"

namespace lora::graph {
namespace {

using kv::Keyspace;

std::string numbered(uint64_t i) {
  std::string key = std::to_string(i);
  return std::string(10 - key.size(), '0') + key;
}

class RunWriterTest : public testing::TestWithParam<size_t> {
 protected:
  std::unique_ptr<kv::Store> store_ = kv::make_store(kv::Kind::kRocksMemory, "");
};

// Runs of both keyspaces are filled in turns, and one is larger than what two threads may hold.
TEST_P(RunWriterTest, ManyRunsHoldWhatWasPut) {
  constexpr uint64_t kEntries = 1'500;
  std::mt19937_64 random(3);
  const std::string bytes(64 << 10, 'x');
  kv::Entries nodes, lists;
  RunWriter writer(store_.get(), GetParam());
  for (uint64_t i = 0; i < kEntries; ++i) {
    const std::string key = numbered(i), value = key + bytes.substr(random() % bytes.size() / 8);
    nodes.emplace(key, value);
    EXPECT_STATUS_OK(writer.put(Keyspace::kNodes, key, value));
    if (i % 7 != 0) continue;
    lists.emplace(key, key);
    EXPECT_STATUS_OK(writer.put(Keyspace::kAdjacency, key, key));
  }
  Result<std::vector<std::unique_ptr<kv::SortedRun>>> runs = writer.finish();
  ASSERT_TRUE(runs.ok()) << runs.status().to_string();
  EXPECT_EQ(runs->size(), 4u);  // 90 MiB of nodes, and the lists
  uint64_t count = 0;
  for (const auto& run : *runs) count += run->count();
  EXPECT_EQ(count, nodes.size() + lists.size());
  ASSERT_TRUE(store_->ingest(*std::move(runs), *store_->batch(), {}).ok());
  EXPECT_TRUE(kv::all(*store_, Keyspace::kNodes) == nodes);
  EXPECT_TRUE(kv::all(*store_, Keyspace::kAdjacency) == lists);
}

TEST_P(RunWriterTest, NothingMakesNoRuns) {
  RunWriter writer(store_.get(), GetParam());
  Result<std::vector<std::unique_ptr<kv::SortedRun>>> runs = writer.finish();
  ASSERT_TRUE(runs.ok());
  EXPECT_TRUE(runs->empty());
}

// A key that does not ascend, in the first run or in one that another thread writes.
TEST_P(RunWriterTest, AFailureIsToldAndEndsIt) {
  const std::string value(256 << 10, 'v');
  for (const uint64_t wrong : {10u, 200u, 330u}) {
    RunWriter writer(store_.get(), GetParam());
    Status status;
    for (uint64_t i = 0; i < 400 && status.ok(); ++i) {
      status = writer.put(Keyspace::kNodes, numbered(i == wrong ? 0 : i), value);
    }
    if (status.ok()) status = writer.finish().status();
    EXPECT_FALSE(status.ok()) << wrong;
  }
}

TEST_P(RunWriterTest, WhatIsNotFinishedIsThrownAway) {
  const std::string value(256 << 10, 'v');
  for (const uint64_t entries : {1u, 10u, 300u}) {
    RunWriter writer(store_.get(), GetParam());
    for (uint64_t i = 0; i < entries; ++i) EXPECT_STATUS_OK(writer.put(Keyspace::kNodes, numbered(i), value));
  }
  EXPECT_TRUE(kv::all(*store_, Keyspace::kNodes).empty());
}

INSTANTIATE_TEST_SUITE_P(Threads, RunWriterTest, testing::Values(1, 2, 3));

}  // namespace
}  // namespace lora::graph
