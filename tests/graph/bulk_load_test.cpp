#include "graph/bulk_load.h"

#include <algorithm>
#include <random>
#include <string>

#include "graph/dump.h"
#include "tests/graph/graph_fixture.h"
#include "tests/support/random_values.h"

namespace lora::graph {
namespace {

std::string lines(Graph& graph) {
  std::string out;
  const Snapshot snapshot = graph.snapshot();
  const std::unique_ptr<Reader> reader = snapshot.reader();
  must(dump_json_lines(*reader,
                       [&](ByteView bytes) {
                         out.append(bytes);
                         return Status();
                       },
                       {})
           .status());
  return out;
}

std::unique_ptr<BulkLoad> bulk(Graph& graph) {
  return must(BulkLoad::begin(graph, std::chrono::steady_clock::now() + std::chrono::seconds(5), {}));
}

class BulkLoadTest : public GraphTest {
 protected:
  void expect_sound() {
    const VerifyReport report = must(graph_->verify(true, {}));
    EXPECT_TRUE(report.errors.empty()) << report.errors.front();
  }
};

// The same entities through a transaction and through a bulk load: equal dumps, byte for byte.
TEST_P(BulkLoadTest, MakesWhatATransactionMakes) {
  const uint64_t seed = test::test_seed(20261125);
  SCOPED_TRACE("LORA_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  test::RandomValues values(seed);
  const std::unique_ptr<Graph> other = must(Graph::open({}));
  const std::unique_ptr<Transaction> transaction = begin(*other);
  const std::unique_ptr<BulkLoad> load = bulk(*graph_);
  constexpr uint64_t kNodes = 5'000;  // more than one block of labels
  const auto properties = [&](auto& to) {
    std::vector<Property> out;
    for (const char* name : {"a", "b", "c"}) {
      const KeyId key = must(to.key(name));
      out.push_back({key, Value()});
    }
    return out;
  };
  const auto fill = [&](std::vector<Property>& slots) {
    for (Property& slot : slots) {
      slot.value = random() % 3 == 0 ? Value() : values.scalar(1 + random() % 12);
    }
  };
  const auto present = [](std::vector<Property> slots) {
    std::erase_if(slots, [](const Property& slot) { return slot.value.is_null(); });
    return slots;
  };
  auto slots = properties(*load);
  must(transaction->begin_statement());
  const auto same_slots = properties(*transaction);
  for (size_t i = 0; i < slots.size(); ++i) {
    ASSERT_EQ(slots[i].key, same_slots[i].key);
  }
  std::vector<LabelId> labels;
  for (const char* name : {"A", "B", "C"}) {
    labels.push_back(must(load->label(name)));
    ASSERT_EQ(must(transaction->label(name)), labels.back());
  }
  for (uint64_t i = 0; i < kNodes; ++i) {
    std::vector<LabelId> some;
    for (LabelId label : labels) {
      if (random() % 3 == 0) {
        some.push_back(label);
      }
    }
    fill(slots);
    EXPECT_EQ(must(load->add_node(some, present(slots))).value, i);
    EXPECT_EQ(must(transaction->create_node(some, present(slots))).value, i);
  }
  // A hub with several blocks, parallel relationships and loops among them.
  std::vector<RelTypeId> types;
  for (const char* name : {"R", "S"}) {
    types.push_back(must(load->rel_type(name)));
    ASSERT_EQ(must(transaction->rel_type(name)), types.back());
  }
  for (uint64_t i = 0; i < 12'000; ++i) {
    const NodeId start(random() % 4 == 0 ? 7 : random() % kNodes);
    const NodeId end(random() % 8 == 0 ? 7 : random() % 50 == 0 ? start.value : random() % kNodes);
    const RelTypeId type = types[random() % 2];
    fill(slots);
    EXPECT_EQ(must(load->add_relationship(type, start, end, present(slots))).value, i);
    EXPECT_EQ(must(transaction->create_relationship(type, start, end, present(slots))).value, i);
  }
  must(transaction->finish_statement());
  must(transaction->commit().status());
  EXPECT_EQ(graph_->node_count(), 0u);
  ASSERT_OK(load->finish({}));
  EXPECT_EQ(graph_->node_count(), kNodes);
  EXPECT_TRUE(lines(*graph_) == lines(*other));
  expect_sound();

  // It is a graph like any other afterwards: also over a restart.
  {
    Writer writer(*graph_);
    const NodeId fresh = writer.node({"A"}, {{"a", Value::integer(1)}});
    EXPECT_EQ(fresh.value, kNodes);
    writer.relationship(fresh, "R", NodeId(7));
    writer.relationship(NodeId(7), "R", NodeId(3));
    writer.commit();
  }
  expect_sound();
  if (GetParam()) {
    const std::string before = lines(*graph_);
    graph_.reset();
    open();
    EXPECT_TRUE(lines(*graph_) == before);
    expect_sound();
  }
}

TEST_P(BulkLoadTest, NothingIsAGraphToo) {
  ASSERT_OK(bulk(*graph_)->finish({}));
  EXPECT_EQ(graph_->node_count(), 0u);
  expect_sound();
}

TEST_P(BulkLoadTest, OneThatIsGivenUpLeavesNothing) {
  {
    const std::unique_ptr<BulkLoad> load = bulk(*graph_);
    const LabelId label = must(load->label("A"));
    must(load->add_node({&label, 1}, {}).status());
    EXPECT_EQ(graph_->begin_write(std::chrono::steady_clock::now(), "test", 0, {}).status().code(),
              ErrorCode::kTransaction);
  }
  {
    const std::unique_ptr<BulkLoad> load = bulk(*graph_);
    must(load->add_node({}, {}).status());
    const Status stopped = load->finish([] { return Status(ErrorCode::kInterrupted, "stop"); });
    EXPECT_EQ(stopped.code(), ErrorCode::kInterrupted);
  }
  // While the lists of the other half of the relationships are made: all of the first half are of one node. What a poll
  // throws passes, and ends no process.
  for (const bool throws : {false, true}) {
    const std::unique_ptr<BulkLoad> load = bulk(*graph_);
    const RelTypeId type = must(load->rel_type("R"));
    constexpr uint64_t kNodes = 200'000;
    for (uint64_t i = 0; i < kNodes; ++i) must(load->add_node({}, {}).status());
    for (uint64_t i = 1; i < kNodes; ++i) must(load->add_relationship(type, NodeId(0), NodeId(i), {}).status());
    int polls = 0;
    const auto third = [&] {
      if (++polls < 3) return Status();
      if (throws) throw 42;
      return Status(ErrorCode::kInterrupted, "stop");
    };
    if (throws) {
      EXPECT_THROW(static_cast<void>(load->finish(third)), int);
    } else {
      EXPECT_EQ(load->finish(third).code(), ErrorCode::kInterrupted);
    }
    EXPECT_EQ(polls, 3);
  }
  EXPECT_EQ(graph_->node_count(), 0u);
  expect_sound();
  ASSERT_OK(bulk(*graph_)->finish({}));
}

TEST_P(BulkLoadTest, RefusesWhatDoesNotFit) {
  {
    const std::unique_ptr<BulkLoad> load = bulk(*graph_);
    const RelTypeId type = must(load->rel_type("R"));
    must(load->add_node({}, {}).status());
    EXPECT_EQ(load->add_relationship(type, NodeId(0), NodeId(1), {}).status().code(), ErrorCode::kNotFound);
    EXPECT_EQ(load->add_relationship(type, NodeId(1), NodeId(0), {}).status().code(), ErrorCode::kNotFound);
    EXPECT_EQ(load->key("").status().code(), ErrorCode::kLimit);
    EXPECT_EQ(load->key(std::string(65'536, 'x')).status().code(), ErrorCode::kLimit);
  }
  {
    Writer writer(*graph_);
    writer.node({"A"});
    writer.commit();
  }
  const auto again = BulkLoad::begin(*graph_, std::chrono::steady_clock::now(), {});
  EXPECT_EQ(again.status().code(), ErrorCode::kConfig);
  // And the writer is free.
  Writer writer(*graph_);
  writer.node({"A"});
  writer.commit();
}

INSTANTIATE_TEST_SUITE_P(Stores, BulkLoadTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Disk" : "Memory"; });

}  // namespace
}  // namespace lora::graph
