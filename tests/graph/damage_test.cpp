// What the graph says when the store below it holds nonsense, and when it is opened for reading.
#include <random>

#include "graph/layout.h"
#include "tests/graph/graph_fixture.h"

namespace lora::graph {
namespace {

class DamageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    graph_ = must(Graph::open({}));
    Writer writer(*graph_);
    const NodeId a = writer.node({"A"}, {{"x", Value::integer(1)}});
    const NodeId b = writer.node({"A"}, {{"x", Value::integer(2)}});
    writer.relationship(a, "T", b);
    must(writer->create_index({"i", IndexKind::kRange, EntityKind::kNode, "A", {"x"}}).status());
    writer.commit();
    graph_->drop_cache();
  }
  // Below the graph's back.
  void put(kv::Keyspace space, ByteView key, ByteView value) {
    kv::Store& store = graph_->store();
    const auto batch = store.batch();
    batch->put(space, key, value);
    must(store.write(*batch, must(store.last_payload(nullptr))).status());
    reopen_versions();
  }
  void remove(kv::Keyspace space, ByteView key) {
    kv::Store& store = graph_->store();
    const auto batch = store.batch();
    batch->remove(space, key);
    must(store.write(*batch, must(store.last_payload(nullptr))).status());
    reopen_versions();
  }
  // A new version that reads the changed store: any commit.
  void reopen_versions() {
    graph_->drop_cache();
    Writer writer(*graph_);
    must(writer->label("Other" + std::to_string(serial_++)));
    writer.commit();
    graph_->drop_cache();
  }
  std::vector<std::string> errors() { return must(graph_->verify(true, {})).errors; }

  std::unique_ptr<Graph> graph_;
  int serial_ = 0;
};

TEST_F(DamageTest, SoundGraphHasNoErrors) {
  EXPECT_TRUE(errors().empty());
}

TEST_F(DamageTest, DamagedRecordIsNamedAndNothingElseIsLost) {
  put(kv::Keyspace::kNodes, id_key(1), "nonsense");
  const Snapshot snapshot = graph_->snapshot();
  const auto reader = snapshot.reader();
  EXPECT_TRUE(reader->node_property(NodeId(1), reader->find_key("x").value()).is_null());
  EXPECT_EQ(reader->status().code(), ErrorCode::kCorruption);
  EXPECT_NE(reader->status().message().find("nodes key 000000000001"), std::string::npos) << reader->status().message();
  const auto other = snapshot.reader();
  EXPECT_EQ(other->degree(NodeId(0), Direction::kOut, other->find_rel_type("T").value()), 1u);
  EXPECT_TRUE(other->status().ok());
  EXPECT_FALSE(errors().empty());
}

TEST_F(DamageTest, VerifyReportsEachBrokenInvariant) {
  const AdjacencyKey out = adjacency_key(0, Direction::kOut, RelTypeId(0), {});
  std::string old;
  ASSERT_TRUE(must(graph_->store().get(kv::Keyspace::kAdjacency, out, nullptr, &old)));
  remove(kv::Keyspace::kAdjacency, out);
  EXPECT_FALSE(errors().empty()) << "a missing adjacency block";
  put(kv::Keyspace::kAdjacency, out, old);
  EXPECT_TRUE(errors().empty());
  put(kv::Keyspace::kAdjacency, adjacency_key(0, Direction::kIn, RelTypeId(0), {}), old);
  EXPECT_FALSE(errors().empty()) << "an adjacency block too much";
  remove(kv::Keyspace::kAdjacency, adjacency_key(0, Direction::kIn, RelTypeId(0), {}));

  LabelBitmap bits{};
  bits[0] = 1;
  std::string labels;
  encode_label_block(bits.data(), &labels);
  put(kv::Keyspace::kLabels, label_key(LabelId(0), 0), labels);
  EXPECT_FALSE(errors().empty()) << "a label block that lacks a node";
  bits[0] = 3;
  encode_label_block(bits.data(), &labels);
  put(kv::Keyspace::kLabels, label_key(LabelId(0), 0), labels);
  EXPECT_TRUE(errors().empty());

  const auto cursor = graph_->store().cursor(kv::Keyspace::kIndexes, {});
  cursor->seek_first();
  ASSERT_TRUE(cursor->valid());
  const std::string entry(cursor->key());
  remove(kv::Keyspace::kIndexes, entry);
  EXPECT_FALSE(errors().empty()) << "a missing index entry";
  put(kv::Keyspace::kIndexes, entry, {});
  EXPECT_TRUE(errors().empty());
  put(kv::Keyspace::kIndexes, std::string("\0\0\0\x63garbage", 11), {});
  EXPECT_FALSE(errors().empty()) << "an entry of no index";
}

// Random damage anywhere: reads and verify may fail, with a Status; nothing crashes.
TEST_F(DamageTest, RandomDamageNeverCrashes) {
  std::mt19937_64 random(9);
  for (int round = 0; round < 60; ++round) {
    SetUp();
    for (auto space : {kv::Keyspace::kNodes, kv::Keyspace::kRelationships, kv::Keyspace::kAdjacency,
                       kv::Keyspace::kLabels, kv::Keyspace::kIndexes}) {
      const auto cursor = graph_->store().cursor(space, {});
      cursor->seek_first();
      if (!cursor->valid()) continue;
      std::string key(cursor->key());
      std::string value(cursor->value());
      if (random() % 2 == 0 && !value.empty()) {
        value[random() % value.size()] = static_cast<char>(random());
      } else {
        key[random() % key.size()] = static_cast<char>(random());
      }
      kv::Store& store = graph_->store();
      const auto batch = store.batch();
      batch->put(space, key, value);
      must(store.write(*batch, must(store.last_payload(nullptr))).status());
    }
    reopen_versions();
    const Snapshot snapshot = graph_->snapshot();
    const auto reader = snapshot.reader();
    std::vector<Neighbours> segments;
    for (uint64_t id = 0; id < 3; ++id) {
      (void)reader->node_property(NodeId(id), KeyId(0));
      reader->neighbours(NodeId(id), Direction::kOut, RelTypeId(0), &segments);
      reader->neighbours(NodeId(id), Direction::kIn, RelTypeId(0), &segments);
    }
    (void)all(reader->scan_nodes(LabelId(0)));
    (void)all(reader->index_range(IndexId(0), {}, {}));
    (void)graph_->verify(true, {});
    auto t = begin(*graph_);
    (void)t->detach_delete_node(NodeId(0), nullptr);
  }
}

TEST(OpenTest, ReadOnlyAndSecondarySeeTheDataAndRefuseWrites) {
  const TemporaryDirectory directory;
  GraphOptions options;
  options.store.directory = directory.path() + "/graph";
  auto writer_graph = must(Graph::open(options));
  {
    Writer writer(*writer_graph);
    writer.node({"A"});
    writer.commit();
  }
  GraphOptions second = options;
  second.store.secondary = true;
  second.store.secondary_directory = directory.path() + "/second";
  auto secondary = must(Graph::open(second));
  EXPECT_EQ(secondary->node_count(), 1u);
  EXPECT_EQ(secondary->begin_write(std::chrono::steady_clock::now(), "x", 0, {}).status().code(), ErrorCode::kReadOnly);
  {
    Writer writer(*writer_graph);
    writer.node({"B"});
    writer.commit();
  }
  EXPECT_EQ(secondary->node_count(), 1u);
  EXPECT_OK(secondary->catch_up());
  EXPECT_EQ(secondary->node_count(), 2u);
  EXPECT_TRUE(secondary->snapshot().reader()->find_label("B").has_value());
  must(secondary->close());
  secondary.reset();
  must(writer_graph->close());
  writer_graph.reset();
  options.store.read_only = true;
  auto reader_graph = must(Graph::open(options));
  EXPECT_EQ(reader_graph->node_count(), 2u);
  EXPECT_EQ(reader_graph->begin_write(std::chrono::steady_clock::now(), "x", 0, {}).status().code(),
            ErrorCode::kReadOnly);
  EXPECT_EQ(reader_graph->load_snapshot({}, {}, std::chrono::steady_clock::now(), {}).status().code(),
            ErrorCode::kReadOnly);
}

TEST(OpenTest, ClosedGraphSaysSo) {
  auto graph = must(Graph::open({}));
  must(graph->close());
  must(graph->close());
  EXPECT_EQ(graph->begin_write(std::chrono::steady_clock::now(), "x", 0, {}).status().code(), ErrorCode::kClosed);
  EXPECT_EQ(graph->sync().code(), ErrorCode::kClosed);
  EXPECT_EQ(graph->health().code(), ErrorCode::kClosed);
}

}  // namespace
}  // namespace lora::graph
