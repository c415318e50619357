// Hashes of properties without an index: complete for every version that they answer for.
#include "graph/property_hash.h"

#include <random>
#include <thread>

#include "tests/graph/graph_fixture.h"

namespace lora::graph {
namespace {

constexpr KeyId kKey(3);

std::vector<uint64_t> ask(const PropertyHashes& hashes, uint64_t version, const Value& value, bool expected = true) {
  std::vector<uint64_t> ids;
  EXPECT_EQ(hashes.candidates(version, kKey, value, &ids), expected);
  return ids;
}

TEST(PropertyHashTest, AnswersFromItsVersionOnOnceItIsFinished) {
  PropertyHashes hashes(1 << 20);
  const uint64_t number = hashes.begin(7, kKey, 100);
  ASSERT_NE(number, 0u);
  EXPECT_EQ(hashes.begin(7, kKey, 100), 0u);  // one builder
  hashes.add(kKey, Value::string("new"), 90);
  const uint64_t ids[] = {5, 6, 7};
  const Value values[] = {Value::string("a"), Value::integer(1), Value()};
  EXPECT_TRUE(hashes.fill(kKey, number, ids, values));
  ask(hashes, 7, Value::string("a"), false);
  hashes.finish(kKey, number);
  EXPECT_EQ(ask(hashes, 7, Value::string("a")), std::vector<uint64_t>{5});
  EXPECT_EQ(ask(hashes, 9, Value::floating(1.0)), std::vector<uint64_t>{6});  // equal to the integer
  EXPECT_EQ(ask(hashes, 9, Value::string("new")), std::vector<uint64_t>{90});
  EXPECT_TRUE(ask(hashes, 9, Value::string("none")).empty());
  EXPECT_TRUE(ask(hashes, 9, Value()).empty());
  ask(hashes, 6, Value::string("a"), false);
  hashes.add(kKey, Value::string("a"), 2);
  hashes.add(kKey, Value::string("a"), 2);
  EXPECT_EQ(ask(hashes, 9, Value::string("a")), (std::vector<uint64_t>{2, 5}));
  hashes.clear();
  ask(hashes, 9, Value::string("a"), false);
  EXPECT_EQ(hashes.bytes(), 0u);
}

TEST(PropertyHashTest, BuilderOfATableThatIsGoneDoesNotFinishAnother) {
  PropertyHashes hashes(1 << 20);
  const uint64_t first = hashes.begin(1, kKey, 10);
  hashes.clear();
  const uint64_t second = hashes.begin(2, kKey, 10);
  ASSERT_NE(second, 0u);
  const uint64_t id = 1;
  const Value value = Value::integer(1);
  EXPECT_FALSE(hashes.fill(kKey, first, {&id, 1}, {&value, 1}));
  hashes.finish(kKey, first);
  ask(hashes, 2, value, false);
}

TEST(PropertyHashTest, GrowsAndKeepsToItsBytes) {
  PropertyHashes hashes(200'000);
  const uint64_t number = hashes.begin(1, kKey, 10);
  for (uint64_t id = 0; id < 2000; ++id) {
    const Value value = Value::integer(static_cast<int64_t>(id));
    EXPECT_TRUE(hashes.fill(kKey, number, {&id, 1}, {&value, 1}));
  }
  hashes.finish(kKey, number);
  for (uint64_t id = 2000; id < 5000; ++id) hashes.add(kKey, Value::integer(static_cast<int64_t>(id)), id);
  EXPECT_EQ(ask(hashes, 1, Value::integer(4999)), std::vector<uint64_t>{4999});
  for (uint64_t id = 5000; id < 50'000; ++id) hashes.add(kKey, Value::integer(static_cast<int64_t>(id)), id);
  EXPECT_LE(hashes.bytes(), 200'000u);
  EXPECT_EQ(hashes.begin(1, KeyId(4), 1'000'000), 0u);  // never fits
}

TEST(PropertyHashTest, ColumnOfFewValuesIsGivenUp) {
  PropertyHashes hashes(1 << 24);
  EXPECT_FALSE(hashes.scan_pays(kKey, 10'000));
  EXPECT_FALSE(hashes.scan_pays(kKey, 10'000));
  EXPECT_TRUE(hashes.scan_pays(kKey, 10'000));
  const uint64_t number = hashes.begin(1, kKey, 10'000);
  std::vector<uint64_t> ids(10'000);
  std::vector<Value> values(10'000, Value::string("same"));
  for (uint64_t i = 0; i < ids.size(); ++i) ids[i] = i;
  EXPECT_FALSE(hashes.fill(kKey, number, ids, values));
  EXPECT_FALSE(hashes.scan_pays(kKey, 10'000));
  EXPECT_EQ(hashes.bytes(), 0u);
}

// --- through a graph ---

class PropertyHashGraphTest : public ::testing::Test {
 protected:
  void SetUp() override {
    graph_ = must(Graph::open({}));
    auto t = begin();
    label_ = must(t->label("L"));
    key_ = must(t->key("name"));
    const LabelId labels[] = {label_};
    for (int i = 0; i < 1000; ++i) {
      const Property property{key_, Value::integer(i % 300)};
      must(t->create_node(labels, {&property, 1}));
    }
    must(t->commit());
  }
  std::unique_ptr<Transaction> begin() {
    return must(graph_->begin_write(std::chrono::steady_clock::now() + std::chrono::seconds(5), "test", 0, {}));
  }
  // Asks until there is a hash.
  void build() {
    const Snapshot snapshot = graph_->snapshot();
    const auto reader = snapshot.reader();
    std::vector<uint64_t> ids;
    bool found = false;
    for (int i = 0; i < 4 && !found; ++i) found = reader->property_candidates(key_, Value::integer(1), &ids);
    ASSERT_TRUE(found);
  }
  // Every node with the value is among the candidates, and all candidates exist.
  void check(Reader& reader, int64_t value, bool must_answer) {
    std::vector<uint64_t> ids;
    const bool answered = reader.property_candidates(key_, Value::integer(value), &ids);
    if (must_answer) {
      EXPECT_TRUE(answered);
    }
    if (!answered) return;
    for (uint64_t id : ids) EXPECT_TRUE(reader.node_exists(NodeId(id)));
    EntityScan scan = reader.scan_nodes(std::nullopt);
    uint64_t batch[256];
    for (size_t count = 0; (count = scan.next(batch, 256)) != 0;) {
      for (size_t i = 0; i < count; ++i) {
        if (equals(reader.node_property(NodeId(batch[i]), key_), Value::integer(value)) == Ternary::kTrue) {
          EXPECT_TRUE(std::binary_search(ids.begin(), ids.end(), batch[i])) << batch[i];
        }
      }
    }
  }

  std::unique_ptr<Graph> graph_;
  LabelId label_;
  KeyId key_;
};

TEST_F(PropertyHashGraphTest, RandomWritesAndRollbacksLoseNoNode) {
  const Snapshot before = graph_->snapshot();
  build();
  std::mt19937_64 random(42);
  for (int step = 0; step < 60; ++step) {
    auto t = begin();
    for (int i = 0; i < 5; ++i) {
      const NodeId node(random() % 1000);
      const Value value = Value::integer(static_cast<int64_t>(random() % 300));
      switch (random() % 4) {
        case 0: {
          const LabelId labels[] = {label_};
          const Property property{key_, value};
          must(t->create_node(labels, {&property, 1}));
          break;
        }
        case 1:
          if (t->reader().node_exists(node)) must(t->delete_node(node));
          break;
        default:
          if (t->reader().node_exists(node)) must(t->set_node_property(node, key_, value));
      }
    }
    check(t->reader(), static_cast<int64_t>(random() % 300), true);  // its own writes
    if (random() % 3 == 0) {
      t->rollback();
    } else {
      must(t->commit());
    }
    const Snapshot now = graph_->snapshot();
    check(*now.reader(), static_cast<int64_t>(random() % 300), true);
    check(*before.reader(), static_cast<int64_t>(random() % 300), true);
  }
}

TEST_F(PropertyHashGraphTest, ReaderOfAnOlderVersionScans) {
  const Snapshot old = graph_->snapshot();
  auto t = begin();
  must(t->set_node_property(NodeId(1), key_, Value::integer(77'777)));
  must(t->commit());
  build();
  std::vector<uint64_t> ids;
  EXPECT_FALSE(old.reader()->property_candidates(key_, Value::integer(1), &ids));
}

TEST_F(PropertyHashGraphTest, WriterBesideABuilderLosesNothing) {
  std::thread writer([&] {
    std::mt19937_64 random(1);
    for (int i = 0; i < 300; ++i) {
      auto t = begin();
      must(t->set_node_property(NodeId(random() % 1000), key_, Value::integer(static_cast<int64_t>(random() % 300))));
      must(t->commit());
    }
  });
  for (int i = 0; i < 100; ++i) {
    const Snapshot now = graph_->snapshot();
    check(*now.reader(), i % 300, false);
  }
  writer.join();
  build();
  const Snapshot now = graph_->snapshot();
  for (int64_t value = 0; value < 300; value += 7) check(*now.reader(), value, true);
}

}  // namespace
}  // namespace lora::graph
