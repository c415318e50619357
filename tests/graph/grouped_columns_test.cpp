#include "graph/grouped_columns.h"

#include <map>

#include "graph/bulk_load.h"
#include "graph/graph_impl.h"
#include "graph/stored_heads.h"
#include "tests/graph/graph_fixture.h"

namespace lora::graph {
namespace {

using cache::EntityBlock;
using kv::Keyspace;

TEST(GroupedKeyTest, TheExampleOfTheLayout) {
  const GroupedKey key = grouped_key(16640 / EntityBlock::kRows, KeyId(3));
  EXPECT_EQ(key.string(), std::string(7, '\xff') + std::string("\0\0\0\0\x40\0", 6) + std::string("\0\0\0\x03\x01", 5));
}

TEST(GroupedKeyTest, KeysLieBehindThoseOfIdsAndComeBack) {
  const uint64_t last = kIdMax / EntityBlock::kRows;
  for (const uint64_t index : {uint64_t{0}, uint64_t{1}, uint64_t{63}, uint64_t{64}, uint64_t{1} << 30, last}) {
    for (const KeyId key : {KeyId(0), KeyId(7), KeyId(0xfffffffe)}) {
      const GroupedKey at = grouped_key(index, key);
      uint64_t index_again = 0;
      KeyId key_again;
      ASSERT_TRUE(parse_grouped_key(at, &index_again, &key_again));
      EXPECT_EQ(index_again, index);
      EXPECT_EQ(key_again, key);
      EXPECT_GT(at.view(), column_key(last * EntityBlock::kRows, kHeadKey).view());
      EXPECT_GT(at.view(), id_key(kIdMax).view());
      EXPECT_GE(at.string(), id_bound(kNoId));
      uint64_t first = 0;
      EXPECT_FALSE(parse_id_key(at, &first));
      EXPECT_FALSE(parse_column_key(at, &first, &key_again));
    }
  }
}

TEST(GroupedKeyTest, OtherKeysAreRefused) {
  const std::string good = grouped_key(70, KeyId(3)).string();
  uint64_t index = 0;
  KeyId key;
  EXPECT_FALSE(parse_grouped_key(ByteView(good).substr(1), &index, &key));
  EXPECT_FALSE(parse_grouped_key(good + "x", &index, &key));
  for (const size_t place : {size_t{0}, size_t{6}, size_t{12}, good.size() - 1}) {
    std::string bad = good;
    bad[place] = static_cast<char>(place < 7 ? 0xfe : place == 12 ? 1 : 64);
    EXPECT_FALSE(parse_grouped_key(bad, &index, &key)) << place;
  }
}

TEST(GroupedColumnsBufferTest, GroupsGoOutInTheOrderOfTheirKeys) {
  std::vector<std::string> keys;
  std::map<std::string, std::string> all;
  const auto put = [&](ByteView key, ByteView value) {
    keys.emplace_back(key);
    EXPECT_TRUE(all.emplace(key, value).second);
    return Status();
  };
  GroupedColumnsBuffer buffer;
  for (uint64_t index = 60; index < 200; index += 3) {
    for (const uint32_t key : {2u, 5u, 9u}) {
      must(buffer.add(index, KeyId(key), std::to_string(index * 10 + key), put));
      EXPECT_LE(keys.size(), index / 64 * 64 * 3);
    }
  }
  must(buffer.flush(put));
  EXPECT_TRUE(std::ranges::is_sorted(keys));
  EXPECT_EQ(keys.size(), 47u * 3);
  EXPECT_EQ(all.at(grouped_key(63, KeyId(5)).string()), "635");
  must(buffer.flush(put));
  EXPECT_EQ(keys.size(), 47u * 3);
}

TEST(HeadTest, SaysWhichColumnsThereAre) {
  RootFields root;
  root.next_node = 256;
  root.label_tokens = 6;
  root.key_tokens = 10;
  root.stored_groups = true;
  HeadEncoder encoder;
  encoder.clear();
  encoder.add_node(0, {});
  std::string alone, listed;
  encoder.finish(&alone);
  const std::vector<KeyId> keys{KeyId(1), KeyId(9)};
  encoder.finish(keys, &listed);
  const ColumnKey at = column_key(0, kHeadKey);
  StoredHead head;
  must(head.parse(root, EntityKind::kNode, at, listed));
  EXPECT_TRUE(head.is_grouped());
  EXPECT_TRUE(std::ranges::equal(head.columns(), keys));
  must(head.parse(root, EntityKind::kNode, at, alone));
  EXPECT_FALSE(head.is_grouped());
  EXPECT_TRUE(head.columns().empty());
  const auto refused = [&](const std::string& bytes) {
    const Status status = head.parse(root, EntityKind::kNode, at, bytes);
    EXPECT_EQ(status.code(), ErrorCode::kCorruption);
    EXPECT_FALSE(head.is_grouped());
  };
  refused(listed + "x");
  refused(listed.substr(0, listed.size() - 1));
  refused(alone + std::string("\x02\x09\x01", 3));  // they do not ascend
  refused(alone + std::string("\x02\x01\x01", 3));
  refused(alone + std::string("\x01\x0a", 2));  // no such key
  root.stored_groups = false;
  refused(listed);
}

// On disk: 156 blocks of nodes, in three groups, with x, and y where the block's number is even; and one block of
// records.
class GroupedColumnsTest : public DiskGraphTest {
 protected:
  static constexpr uint64_t kNodes = 156 * EntityBlock::kRows, kRecords = 100;

  void SetUp() override {
    open();
    const auto load = must(BulkLoad::begin(*graph_, std::chrono::steady_clock::now(), {}));
    const KeyId x = must(load->key("x")), y = must(load->key("y")), z = must(load->key("z"));
    static_cast<void>(z);
    for (uint64_t id = 0; id < kNodes; ++id) {
      std::vector<Property> properties{{x, Value::integer(static_cast<int64_t>(id))}};
      if (EntityBlock::index_of(id) % 2 == 0) properties.push_back({y, Value::string("y" + std::to_string(id))});
      if (EntityBlock::index_of(id) == kRecords) properties[0].value = Value::string(std::string(4000, 'r'));
      must(load->add_node({}, properties));
    }
    must(load->finish({}));
    reopen();
  }
  void reopen() {
    DiskGraphTest::reopen();
    const auto snapshot = graph_->snapshot();
    x_ = snapshot.reader()->find_key("x").value();
    y_ = snapshot.reader()->find_key("y").value();
    z_ = snapshot.reader()->find_key("z").value();
  }
  size_t count_grouped() {
    size_t count = 0;
    kv::CursorOptions options;
    options.lower = kGroupedKeys;
    const auto cursor = graph_->store().cursor(Keyspace::kNodes, options);
    for (cursor->seek_first(); cursor->valid(); cursor->next()) ++count;
    return count;
  }
  void put(ByteView key, const std::optional<std::string>& value) {
    kv::Store& store = graph_->store();
    const auto batch = store.batch();
    value ? batch->put(Keyspace::kNodes, key, *value) : batch->remove(Keyspace::kNodes, key);
    must(store.write(*batch, must(store.last_payload(nullptr))).status());
  }
  std::vector<std::string> errors() { return must(graph_->verify(true, {})).errors; }

  KeyId x_, y_, z_;
};

TEST_F(GroupedColumnsTest, AreFoundInAnyOrder) {
  const uint64_t blocks = kNodes / EntityBlock::kRows;
  EXPECT_EQ(count_grouped(), (blocks - 1) + (blocks / 2 - 1));  // all but those of the block of records
  const Root& root = *graph_->impl()->versions->tip();
  GroupedColumns columns(&graph_->store());
  columns.begin(root, EntityKind::kNode);
  const auto bytes_of = [&](uint64_t index, KeyId key) {
    std::string value;
    EXPECT_TRUE(must(graph_->store().get(Keyspace::kNodes, grouped_key(index, key), nullptr, &value)));
    return value;
  };
  std::vector<std::pair<uint64_t, KeyId>> asked;
  for (uint64_t index = 0; index < 99; ++index) {
    asked.emplace_back(index, x_);
    if (index % 2 == 0) asked.emplace_back(index, y_);
  }
  for (const uint64_t index : {5, 2, 3, 4, 98, 99, 101, 150, 0, 1, 63, 64, 65}) asked.emplace_back(index, x_);
  for (const auto& [index, key] : asked) {
    const Result<ByteView> got = columns.get(index, key);
    ASSERT_TRUE(got.ok()) << got.status().to_string();
    ASSERT_EQ(std::string(*got), bytes_of(index, key)) << index;
  }
  for (const uint64_t index : {uint64_t{1}, kRecords, blocks}) {
    EXPECT_EQ(columns.get(index, y_).status().code(), ErrorCode::kCorruption) << index;
  }
  EXPECT_TRUE(columns.get(2, y_).ok());
  columns.end();
  EXPECT_TRUE(columns.get(2, y_).ok());
  columns.end();
}

// A key that the head of a block does not list: from then on it does; also when records have had it before.
TEST_F(GroupedColumnsTest, NewColumnsAreListed) {
  const size_t before = count_grouped();
  for (const bool many : {false, true}) {
    Writer writer(*graph_);
    for (uint64_t id = 0; id < 600; id += many ? 1 : 100) {
      must(writer->set_node_property(NodeId(id), z_, Value::integer(many ? 2 : 1)));
    }
    writer.commit();
    reopen();
    const auto snapshot = graph_->snapshot();
    const auto reader = snapshot.reader();
    for (const uint64_t id : {0, 100, 255, 300, 500, 599}) {
      const Value value = reader->node_property(NodeId(id), z_);
      ASSERT_EQ(value.is_null(), !many && id % 100 != 0) << id;
      if (!value.is_null()) {
        EXPECT_EQ(value.as_integer(), many ? 2 : 1);
      }
      EXPECT_EQ(reader->node_property(NodeId(id), x_).as_integer(), static_cast<int64_t>(id));
    }
    EXPECT_TRUE(reader->node_property(NodeId(600), z_).is_null());
    EXPECT_EQ(count_grouped(), before + (many ? 3 : 0));
    EXPECT_TRUE(errors().empty());
  }
  // Gone from all: the columns stay, and have no values, until the blocks are written as a whole.
  {
    Writer writer(*graph_);
    for (uint64_t id = 0; id < 600; ++id) must(writer->set_node_property(NodeId(id), z_, Value()));
    writer.commit();
  }
  for (const bool compact : {false, true}) {
    if (compact) must(graph_->checkpoint(true));
    reopen();
    const auto snapshot = graph_->snapshot();
    const auto reader = snapshot.reader();
    const std::vector<PropertyTest> tests{{z_, 'v', Value()}};
    EntityScan scan = reader->scan_nodes(std::nullopt, tests);
    uint64_t ids[10];
    while (!scan.done()) ASSERT_EQ(scan.next(ids, std::size(ids)), 0u);
    EXPECT_TRUE(reader->node_property(NodeId(5), z_).is_null());
    EXPECT_EQ(reader->node_property(NodeId(5), x_).as_integer(), 5);
    EXPECT_EQ(count_grouped(), before + (compact ? 0 : 3));
    EXPECT_TRUE(errors().empty());
  }
}

TEST_F(GroupedColumnsTest, GoWithTheBlockAndWithAll) {
  const size_t before = count_grouped();
  {
    Writer writer(*graph_);
    for (uint64_t id = 512; id < 768; ++id) {
      uint64_t deleted = 0;
      must(writer->detach_delete_node(NodeId(id), &deleted));
    }
    writer.commit();
  }
  EXPECT_EQ(count_grouped(), before - 2);
  EXPECT_TRUE(errors().empty());
  Writer writer(*graph_);
  must(writer->clear());
  writer.commit();
  EXPECT_EQ(count_grouped(), 0u);
  reopen();
  EXPECT_EQ(graph_->snapshot().reader()->node_count(), 0u);
  EXPECT_TRUE(errors().empty());
}

TEST_F(GroupedColumnsTest, ALoadedSnapshotReplacesThem) {
  const std::string file = save(*graph_);
  const size_t before = count_grouped();
  {
    Writer writer(*graph_);
    for (uint64_t id = 0; id < 600; ++id) must(writer->set_node_property(NodeId(id), z_, Value::integer(1)));
    writer.commit();
  }
  EXPECT_GT(count_grouped(), before);
  must(load(*graph_, file).status());
  EXPECT_EQ(count_grouped(), before);
  EXPECT_TRUE(errors().empty());
  const auto small = must(Graph::open({}));
  {
    Writer writer(*small);
    writer.node({}, {{"x", Value::integer(1)}});
    writer.commit();
  }
  must(load(*graph_, save(*small)).status());
  EXPECT_EQ(count_grouped(), 0u);
  EXPECT_TRUE(errors().empty());
}

TEST_F(GroupedColumnsTest, DamageIsNamed) {
  put(grouped_key(3, x_), std::nullopt);
  reopen();
  {
    const auto snapshot = graph_->snapshot();
    const auto reader = snapshot.reader();
    EXPECT_TRUE(reader->node_property(NodeId(3 * 256), x_).is_null());
    EXPECT_EQ(reader->status().code(), ErrorCode::kCorruption);
    EXPECT_NE(reader->status().message().find("is missing"), std::string::npos) << reader->status().message();
    const auto other = snapshot.reader();
    EXPECT_EQ(other->node_property(NodeId(2 * 256), x_).as_integer(), 2 * 256);
    EXPECT_TRUE(other->status().ok());
  }
  ASSERT_FALSE(errors().empty());
  EXPECT_NE(errors().front().find("is missing"), std::string::npos) << errors().front();
  put(grouped_key(3, x_), "nonsense");
  reopen();
  EXPECT_FALSE(errors().empty());
  std::string sound;
  EXPECT_TRUE(must(graph_->store().get(Keyspace::kNodes, grouped_key(2, x_), nullptr, &sound)));
  put(grouped_key(3, x_), sound);
  reopen();
  EXPECT_TRUE(errors().empty());
  // Those that nobody would ever read.
  put(grouped_key(3, z_), sound);
  put(grouped_key(4000, x_), sound);
  put(grouped_key(3, x_).string() + "x", sound);
  reopen();
  EXPECT_EQ(errors().size(), 3u);
}

}  // namespace
}  // namespace lora::graph
