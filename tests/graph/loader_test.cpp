#include "graph/loader.h"

#include <numeric>

#include "graph/bulk_load.h"
#include "graph/graph_impl.h"
#include "tests/graph/graph_fixture.h"
#include "tests/support/property_column.h"

namespace lora::graph {
namespace {

using cache::EntityBlock;

TEST(WantedPropertiesTest, KeysAreAddedUntilTheyAreAll) {
  WantedProperties wanted;
  EXPECT_FALSE(wanted.has(KeyId(0)));
  EXPECT_TRUE(wanted.has(WantedProperties()));
  for (uint32_t key = 0; key < 4; ++key) wanted.add(KeyId(key));
  wanted.add(KeyId(3));
  EXPECT_EQ(wanted.keys().size(), 4u);
  EXPECT_TRUE(wanted.has(KeyId(2)));
  EXPECT_FALSE(wanted.has(KeyId(4)));
  EXPECT_FALSE(wanted.has(WantedProperties::all()));
  WantedProperties more(KeyId(4));
  more.add(KeyId(2));
  EXPECT_FALSE(wanted.has(more));
  wanted.add(more);
  EXPECT_TRUE(wanted.has(more));
  for (uint32_t key = 10; key < 30; ++key) wanted.add(KeyId(key));
  EXPECT_TRUE(wanted.is_all());
  EXPECT_TRUE(wanted.has(KeyId(1000)));
  EXPECT_TRUE(wanted.has(WantedProperties::all()));
}

// A bulk load on disk, opened again: 1 000 nodes and as many relationships with the properties a (the id), b (a text)
// and, of every third, c.
class LoaderTest : public DiskGraphTest {
 protected:
  static constexpr uint64_t kEntities = 1000;

  void SetUp() override {
    open();
    {
      const auto load = must(BulkLoad::begin(*graph_, std::chrono::steady_clock::now(), {}));
      const RelTypeId type = must(load->rel_type("T"));
      const KeyId a = must(load->key("a")), b = must(load->key("b")), c = must(load->key("c"));
      const auto properties = [&](uint64_t id) {
        std::vector<Property> out{{a, Value::integer(static_cast<int64_t>(id))}, {b, b_of(id)}};
        if (id % 3 == 0) out.push_back({c, Value::floating(0.5)});
        return out;
      };
      for (uint64_t id = 0; id < kEntities; ++id) must(load->add_node({}, properties(id)));
      for (uint64_t id = 0; id < kEntities; ++id) {
        must(load->add_relationship(type, NodeId(id), NodeId(0), properties(id)));
      }
      must(load->finish({}));
    }
    reopen();
    const Snapshot snapshot = graph_->snapshot();
    const auto reader = snapshot.reader();
    a_ = reader->find_key("a").value();
    b_ = reader->find_key("b").value();
    c_ = reader->find_key("c").value();
  }
  void TearDown() override {
    const VerifyReport report = must(graph_->verify(true, {}));
    if (damaged_) return;
    for (const std::string& error : report.errors) ADD_FAILURE() << error;
  }
  static Value b_of(uint64_t id) { return Value::string("text of " + std::to_string(id)); }

  // Of the newest version; null: not loaded.
  const EntityBlock* block(EntityKind kind, uint64_t index) {
    return graph_->impl()->versions->tip()->find_block(kind, index);
  }
  static std::vector<uint64_t> ids_where(EntityScan scan) {
    std::vector<uint64_t> out;
    uint64_t ids[64];
    while (!scan.done()) out.insert(out.end(), ids, ids + scan.next(ids, std::size(ids)));
    return out;
  }
  // How many have a < limit.
  static size_t scan(Reader& reader, EntityKind kind, KeyId key, int64_t limit) {
    const std::vector<PropertyTest> tests{{key, '<', Value::integer(limit)}};
    const size_t count = ids_where(kind == EntityKind::kNode ? reader.scan_nodes(std::nullopt, tests)
                                                             : reader.scan_relationships(std::nullopt, tests))
                             .size();
    EXPECT_OK(reader.status());
    reader.unpin_batch();
    return count;
  }
  size_t scan(EntityKind kind, KeyId key, int64_t limit) {
    const Snapshot snapshot = graph_->snapshot();
    return scan(*snapshot.reader(), kind, key, limit);
  }
  static PropertyColumn gather(Reader& reader, EntityKind kind, KeyId key) {
    std::vector<uint64_t> ids(kEntities);
    std::iota(ids.begin(), ids.end(), uint64_t{0});
    PropertyColumn column;
    kind == EntityKind::kNode ? reader.gather_node_property(ids, key, &column)
                              : reader.gather_relationship_property(ids, key, &column);
    reader.unpin_batch();
    return column;
  }

  KeyId a_, b_, c_;
  bool damaged_ = false;
};

TEST_F(LoaderTest, AScanLoadsWhatItTestsAndOthersTheRest) {
  for (const EntityKind kind : {EntityKind::kNode, EntityKind::kRelationship}) {
    EXPECT_EQ(scan(kind, a_, 300), 300u);
    for (uint64_t index = 0; index < 4; ++index) {
      EXPECT_TRUE(block(kind, index)->has_loaded(a_));
      EXPECT_FALSE(block(kind, index)->has_loaded(b_));
      EXPECT_FALSE(block(kind, index)->is_whole());
    }
    const EntityBlock* first = block(kind, 0);
    const uint64_t bytes = graph_->impl()->versions->object_bytes();
    {
      const Snapshot snapshot = graph_->snapshot();
      const auto reader = snapshot.reader();
      const PropertyColumn texts = gather(*reader, kind, b_);
      for (uint64_t id = 0; id < kEntities; ++id) ASSERT_EQ(value_of(texts, id).as_string(), b_of(id).as_string());
      EXPECT_OK(reader->status());
    }
    EXPECT_EQ(block(kind, 0), first);
    EXPECT_TRUE(first->has_loaded(b_));
    EXPECT_FALSE(first->is_whole());
    EXPECT_GT(graph_->impl()->versions->object_bytes(), bytes + kEntities * 10);
    {
      // One entity: its block is loaded as a whole, the others are as they were.
      const Snapshot snapshot = graph_->snapshot();
      const auto reader = snapshot.reader();
      std::vector<Property> properties;
      kind == EntityKind::kNode ? reader->node_properties(NodeId(3), &properties)
                                : reader->relationship_properties(RelId(3), &properties);
      ASSERT_EQ(properties.size(), 3u);
      EXPECT_EQ(properties[2].value.as_float(), 0.5);
      reader->unpin_batch();
    }
    EXPECT_TRUE(first->is_whole());
    EXPECT_FALSE(block(kind, 1)->is_whole());
  }
  EXPECT_GT(graph_->impl()->versions->object_bytes(), 0u);
  graph_->drop_cache();
  EXPECT_EQ(block(EntityKind::kNode, 0), nullptr);
}

TEST_F(LoaderTest, WhatHasNoPropertyIsNotAskedForAgain) {
  const KeyId other = [this] {
    Writer writer(*graph_);
    const KeyId key = must(writer->key("not in use"));
    writer.commit();
    return key;
  }();
  EXPECT_EQ(scan(EntityKind::kNode, other, 0), 0u);
  EXPECT_TRUE(block(EntityKind::kNode, 0)->has_loaded(other));
  EXPECT_FALSE(block(EntityKind::kNode, 0)->has_loaded(a_));
}

TEST_F(LoaderTest, WhatIsChangedIsLoadedAsAWhole) {
  for (const bool again : {false, true}) {
    if (again) reopen();
    scan(EntityKind::kNode, a_, 10);
    scan(EntityKind::kRelationship, a_, 10);
    ASSERT_FALSE(block(EntityKind::kNode, 0)->is_whole());
    const int64_t shift = again ? 2000 : 1000;
    {
      Writer writer(*graph_);
      writer.set(NodeId(1), "a", Value::integer(shift));
      must(writer->set_relationship_property(RelId(300), b_, Value()));
      uint64_t deleted = 0;
      must(writer->detach_delete_node(NodeId(again ? 999 : 998), &deleted));
      must(writer->add_label(NodeId(600), must(writer->label("L"))));
      writer.commit();
    }
    for (const bool reopened : {false, true}) {
      if (reopened) reopen();
      const Snapshot snapshot = graph_->snapshot();
      const auto reader = snapshot.reader();
      EXPECT_EQ(reader->node_property(NodeId(1), a_).as_integer(), shift);
      EXPECT_EQ(reader->node_property(NodeId(1), b_).as_string(), b_of(1).as_string());
      EXPECT_EQ(reader->node_property(NodeId(600), c_).as_float(), 0.5);
      EXPECT_TRUE(reader->relationship_property(RelId(300), b_).is_null());
      EXPECT_EQ(reader->relationship_property(RelId(300), a_).as_integer(), 300);
      EXPECT_FALSE(reader->node_exists(NodeId(again ? 999 : 998)));
      EXPECT_EQ(reader->node_property(NodeId(996), c_).as_float(), 0.5);
      EXPECT_OK(reader->status());
      reader->unpin_batch();
    }
  }
}

// A few records stand above columns: some with another value, without one, with a property that no column has.
TEST_F(LoaderTest, RecordsAboveColumnsCount) {
  {
    Writer writer(*graph_);
    for (const uint64_t id : {5u, 300u, 700u}) {
      writer.set(NodeId(id), "a", Value::integer(-1));
      writer.set(NodeId(id + 1), "a", Value());
      writer.set(NodeId(id + 2), "d", Value::boolean(true));
    }
    writer.commit();
  }
  reopen();
  const Snapshot snapshot = graph_->snapshot();
  const auto reader = snapshot.reader();
  const KeyId d = reader->find_key("d").value();
  EXPECT_EQ(scan(*reader, EntityKind::kNode, a_, 0), 3u);
  EXPECT_TRUE(block(EntityKind::kNode, 0)->has_loaded(a_));
  EXPECT_TRUE(block(EntityKind::kNode, 0)->has_loaded(d));  // records are read as a whole
  EXPECT_FALSE(block(EntityKind::kNode, 0)->has_loaded(b_));
  EXPECT_EQ(scan(*reader, EntityKind::kNode, a_, 10), 3u + 8u);
  const PropertyColumn flags = gather(*reader, EntityKind::kNode, d), texts = gather(*reader, EntityKind::kNode, b_);
  for (uint64_t id = 0; id < kEntities; ++id) {
    ASSERT_EQ(value_of(flags, id).is_null(), id != 7 && id != 302 && id != 702) << id;
    ASSERT_EQ(value_of(texts, id).as_string(), b_of(id).as_string());
  }
  EXPECT_OK(reader->status());
}

TEST_F(LoaderTest, AnOldVersionLoadsWhatItHad) {
  const Snapshot before = graph_->snapshot();
  scan(EntityKind::kNode, a_, 10);
  const auto old = before.reader();
  {
    Writer writer(*graph_);
    for (uint64_t id = 0; id < 300; ++id) writer.set(NodeId(id), "b", Value::string("new"));
    writer.commit();
  }
  graph_->drop_cache();
  EXPECT_EQ(scan(*old, EntityKind::kNode, a_, 10), 10u);
  EXPECT_EQ(scan(EntityKind::kNode, a_, 10), 10u);
  // The second block is shared until it was changed; the third is shared still.
  const PropertyColumn then = gather(*old, EntityKind::kNode, b_);
  const Snapshot after = graph_->snapshot();
  const PropertyColumn now = gather(*after.reader(), EntityKind::kNode, b_);
  for (uint64_t id = 0; id < kEntities; ++id) {
    ASSERT_EQ(value_of(then, id).as_string(), b_of(id).as_string());
    ASSERT_EQ(value_of(now, id).as_string(), id < 300 ? "new" : b_of(id).as_string());
  }
  graph_->drop_cache();
}

TEST_F(LoaderTest, AStatementThatIsRolledBackLeavesWhatItLoaded) {
  scan(EntityKind::kNode, a_, 10);
  {
    Writer writer(*graph_);
    must(writer->begin_statement());
    writer.set(NodeId(0), "a", Value::integer(-5));
    EXPECT_EQ(scan(writer->reader(), EntityKind::kNode, a_, 0), 1u);
    static_cast<void>(gather(writer->reader(), EntityKind::kNode, b_));
    writer->rollback_statement();
    must(writer->begin_statement());
    EXPECT_EQ(scan(writer->reader(), EntityKind::kNode, a_, 0), 0u);
    const PropertyColumn texts = gather(writer->reader(), EntityKind::kNode, b_);
    EXPECT_EQ(value_of(texts, 999).as_string(), b_of(999).as_string());
    writer.set(NodeId(999), "c", Value::floating(2));
    must(writer->finish_statement());
    writer->rollback();
  }
  const Snapshot snapshot = graph_->snapshot();
  const PropertyColumn numbers = gather(*snapshot.reader(), EntityKind::kNode, c_);
  EXPECT_EQ(value_of(numbers, 999).as_float(), 0.5);
  EXPECT_EQ(value_of(numbers, 0).as_float(), 0.5);
}

TEST_F(LoaderTest, ADamagedColumnIsAFaultOfWhoWantsIt) {
  damaged_ = true;
  {
    kv::Store& store = graph_->store();
    const auto batch = store.batch();
    std::string bytes;
    const GroupedKey key = grouped_key(1, b_);
    ASSERT_TRUE(must(store.get(kv::Keyspace::kNodes, key, nullptr, &bytes)));
    batch->put(kv::Keyspace::kNodes, key, ByteView(bytes).substr(0, bytes.size() - 1));
    must(store.write(*batch, must(store.last_payload(nullptr))).status());
  }
  reopen();
  EXPECT_EQ(scan(EntityKind::kNode, a_, 300), 300u);
  const Snapshot snapshot = graph_->snapshot();
  const auto reader = snapshot.reader();
  static_cast<void>(gather(*reader, EntityKind::kNode, b_));
  EXPECT_EQ(reader->status().code(), ErrorCode::kCorruption);
  EXPECT_NE(reader->status().message().find("nodes key ffffffffffffff0000000000000000000101"), std::string::npos)
      << reader->status().message();
  EXPECT_FALSE(must(graph_->verify(true, {})).errors.empty());
  // It cannot be changed, and nothing else is lost.
  Writer writer(*graph_);
  EXPECT_EQ(writer->set_node_property(NodeId(300), a_, Value::integer(1)).code(), ErrorCode::kCorruption);
  must(writer->set_node_property(NodeId(700), a_, Value::integer(-1)));
  writer.commit();
  EXPECT_EQ(scan(EntityKind::kNode, a_, 0), 1u);
}

}  // namespace
}  // namespace lora::graph
