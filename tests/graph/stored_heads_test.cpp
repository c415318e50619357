#include "graph/stored_heads.h"

#include <random>

#include "graph/bulk_load.h"
#include "graph/graph_impl.h"
#include "graph/stored_entities.h"
#include "tests/graph/graph_fixture.h"

namespace lora::graph {
namespace {

using cache::EntityBlock;

RootFields root_of(uint64_t nodes, uint64_t relationships) {
  RootFields root;
  root.next_node = nodes;
  root.next_relationship = relationships;
  root.label_tokens = 10;
  root.type_tokens = 300;
  root.stored_columns = root.stored_heads = true;
  return root;
}

std::vector<LabelId> labels_of(std::initializer_list<uint32_t> tokens) {
  std::vector<LabelId> labels;
  for (const uint32_t token : tokens) labels.emplace_back(token);
  return labels;
}

TEST(StoredHeadTest, NodesComeBack) {
  HeadEncoder encoder;
  const auto row_labels = [](uint32_t row) {
    return row % 3 == 0 ? labels_of({}) : row % 3 == 1 ? labels_of({1}) : labels_of({0, 2, 3, 4, 5, 6, 7, 8, 9});
  };
  for (const bool again : {false, true}) {  // it keeps its memory, and nothing else
    encoder.clear();
    if (!again) encoder.add_node(0, labels_of({7}));
  }
  for (uint32_t row = 2; row < EntityBlock::kRows; row += 5) encoder.add_node(row, row_labels(row));
  std::string bytes;
  encoder.finish(&bytes);
  StoredHead head;
  must(head.parse(root_of(512, 0), EntityKind::kNode, column_key(256, kHeadKey), bytes));
  EXPECT_TRUE(head.is_there());
  StoredNode node;
  for (uint32_t row = 0; row < EntityBlock::kRows; ++row) {
    ASSERT_EQ(head.rows().has(row), row % 5 == 2);
    if (row % 5 != 2) continue;
    node.properties.push_back({KeyId(0), Value::integer(1)});
    head.get(row, &node);
    ASSERT_EQ(node.labels, row_labels(row)) << row;
    ASSERT_TRUE(node.properties.empty());
    ASSERT_EQ(node.written, 0u);
  }
  // All at once, and with a row that comes later.
  for (const bool others : {false, true}) {
    cache::EntityBlockBuilder builder;
    RowBits rows = head.rows();
    if (others) rows.words[0] &= ~(uint64_t{1} << 2);
    head.put(rows, &builder);
    if (others) builder.add_node(2, labels_of({9}), {});
    const auto block = builder.finish();
    EXPECT_EQ(block->count, head.rows().count());
    for (uint32_t row = 0; row < EntityBlock::kRows; ++row) {
      ASSERT_EQ(block->exists(row), row % 5 == 2);
      if (row % 5 != 2) continue;
      const auto labels = block->labels(row);
      ASSERT_EQ(std::vector<LabelId>(labels.begin(), labels.end()),
                others && row == 2 ? labels_of({9}) : row_labels(row));
    }
  }
}

TEST(StoredHeadTest, RelationshipsComeBack) {
  for (const uint64_t spread : {uint64_t{1}, uint64_t{200}, uint64_t{70'000}, uint64_t{1} << 40}) {
    for (const uint32_t types : {1u, 256u}) {
      const auto type_of = [&](uint32_t row) { return row % types + (types == 1 ? 7 : 0); };
      const auto start_of = [&](uint32_t row) { return (uint64_t{row} * 7919) % spread; };
      const auto end_of = [&](uint32_t row) { return kIdMax - 1 - (uint64_t{row} * 104'729) % spread; };
      HeadEncoder encoder;
      encoder.clear();
      for (uint32_t row = 0; row < EntityBlock::kRows; ++row) {
        encoder.add_relationship(row, RelTypeId(type_of(row)), NodeId(start_of(row)), NodeId(end_of(row)));
      }
      std::string bytes;
      encoder.finish(&bytes);
      StoredHead head;
      must(head.parse(root_of(kIdMax, 256), EntityKind::kRelationship, column_key(0, kHeadKey), bytes));
      cache::EntityBlockBuilder builder;
      head.put(head.rows(), &builder);
      const auto block = builder.finish();
      StoredRelationship stored;
      for (uint32_t row = 0; row < EntityBlock::kRows; ++row) {
        head.get(row, &stored);
        ASSERT_EQ(stored.type.value, type_of(row));
        ASSERT_EQ(stored.start.value, start_of(row));
        ASSERT_EQ(stored.end.value, end_of(row));
        ASSERT_EQ(block->type(row), stored.type);
        ASSERT_EQ(block->start(row), stored.start);
        ASSERT_EQ(block->end(row), stored.end);
      }
    }
  }
}

// Some rows as a whole, in runs or not, then others one by one, also between them.
TEST(StoredHeadTest, BlocksOfBothKinds) {
  for (const uint32_t run : {1u, 3u, 64u}) {
    for (const uint32_t types : {1u, 3u}) {
      for (const uint32_t later : {0u, 1u, 100u, 255u}) {  // rows that come later, from the first or from the last on
        for (const bool from_first : {false, true}) {
          const auto is_later = [&](uint32_t row) {
            return from_first ? row < later : row % 2 == 1 && row >= EntityBlock::kRows - later;
          };
          const auto type_of = [&](uint32_t row) { return row % types; };
          const auto start_of = [&](uint32_t row) { return uint64_t{row / run} * 300; };
          const auto end_of = [&](uint32_t row) { return (uint64_t{row} * 7919) % 10'000; };
          uint64_t rows[4] = {}, starts[EntityBlock::kRows], ends[EntityBlock::kRows];
          uint32_t row_types[EntityBlock::kRows];
          for (uint32_t row = 0; row < EntityBlock::kRows; ++row) {
            const bool whole = !is_later(row);
            if (whole) rows[row / 64] |= uint64_t{1} << (row % 64);
            row_types[row] = whole ? type_of(row) : 99;
            starts[row] = whole ? start_of(row) : ~uint64_t{0};
            ends[row] = whole ? end_of(row) : ~uint64_t{0};
          }
          cache::EntityBlockBuilder builder;
          builder.put_relationships(rows, row_types, starts, ends);
          for (uint32_t row = 0; row < EntityBlock::kRows; ++row) {
            if (!is_later(row)) continue;
            builder.add_relationship(row, RelTypeId(type_of(row)), NodeId(start_of(row)), NodeId(end_of(row)), {});
          }
          const auto block = builder.finish();
          ASSERT_EQ(block->count, EntityBlock::kRows);
          ASSERT_EQ(block->rows, EntityBlock::kRows);
          for (uint32_t row = 0; row < EntityBlock::kRows; ++row) {
            ASSERT_EQ(block->type(row).value, type_of(row)) << run << " " << later << " " << row;
            ASSERT_EQ(block->start(row).value, start_of(row)) << run << " " << later << " " << row;
            ASSERT_EQ(block->end(row).value, end_of(row)) << run << " " << later << " " << row;
          }
        }
      }
    }
  }
}

TEST(StoredHeadTest, TheExampleOfTheLayout) {
  HeadEncoder encoder;
  encoder.clear();
  encoder.add_node(0, labels_of({4, 5}));
  encoder.add_node(2, labels_of({4, 5}));
  std::string bytes;
  encoder.finish(&bytes);
  EXPECT_EQ(bytes, std::string("\x05", 1) + std::string(31, '\0') + std::string("\x01\x02\x04\x05"));
  EXPECT_EQ(std::string(column_key(0, kHeadKey).view()), std::string(6, '\0') + "\xff\xff\xff\xff");
}

TEST(StoredHeadTest, DamagedBytesAreRefusedOrDecode) {
  HeadEncoder encoder;
  encoder.clear();
  for (uint32_t row = 0; row < 100; ++row) encoder.add_relationship(row, RelTypeId(row % 3), NodeId(row), NodeId(9));
  std::string sound;
  encoder.finish(&sound);
  const RootFields root = root_of(100, 100);
  const ColumnKey key = column_key(0, kHeadKey);
  StoredHead head;
  must(head.parse(root, EntityKind::kRelationship, key, sound));
  for (size_t size = 0; size < sound.size(); ++size) {
    EXPECT_EQ(head.parse(root, EntityKind::kRelationship, key, sound.substr(0, size)).code(), ErrorCode::kCorruption);
    EXPECT_FALSE(head.is_there());
    EXPECT_EQ(head.rows().count(), 0u);
  }
  EXPECT_FALSE(head.parse(root, EntityKind::kRelationship, key, sound + "x").ok());
  EXPECT_FALSE(head.parse(root, EntityKind::kRelationship, column_key(0, KeyId(3)), sound).ok());
  EXPECT_FALSE(head.parse(root, EntityKind::kNode, key, sound).ok());
  EXPECT_FALSE(head.parse(root_of(99, 100), EntityKind::kRelationship, key, sound).ok()) << "an end beyond the nodes";
  EXPECT_FALSE(head.parse(root_of(100, 99), EntityKind::kRelationship, key, sound).ok()) << "a row beyond the ids";
  std::mt19937_64 random(5);
  size_t refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = sound;
    for (uint64_t n = random() % 3; n < 3; ++n) bytes[random() % bytes.size()] = static_cast<char>(random());
    if (!head.parse(root, EntityKind::kRelationship, key, bytes).ok()) {
      ++refused;
      continue;
    }
    StoredRelationship stored;
    cache::for_each_row(head.rows().words, [&](uint32_t row) {
      head.get(row, &stored);
      ASSERT_LT(stored.start.value, root.next_node);
      ASSERT_LT(stored.type.value, root.type_tokens);
    });
  }
  EXPECT_GT(refused, 10'000u);
}

// A bulk load of kNodes nodes and as many relationships, on disk.
class StoredHeadsTest : public ::testing::Test {
 protected:
  static constexpr int kNodes = 700;

  void SetUp() override {
    options_.store.directory = directory_.path() + "/graph";
    graph_ = must(Graph::open(options_));
    const auto load = must(BulkLoad::begin(graph(), std::chrono::steady_clock::now(), {}));
    const KeyId x = must(load->key("x"));
    const RelTypeId type = must(load->rel_type("T"));
    const LabelId labels[] = {must(load->label("A")), must(load->label("B"))};
    for (int i = 0; i < kNodes; ++i) {
      const Property property{x, Value::integer(i)};
      must(load->add_node(std::span(labels, i % 2 == 0 ? 1 : 2), std::span(&property, 1)));
    }
    for (int i = 0; i < kNodes; ++i) {
      const Property property{x, Value::floating(i)};
      must(load->add_relationship(type, NodeId(static_cast<uint64_t>(i)), NodeId(0), std::span(&property, 1)));
    }
    must(load->finish({}));
  }
  Graph& graph() { return *graph_; }
  void reopen() {
    must(graph().close());
    graph_.reset();
    graph_ = must(Graph::open(options_));
  }
  // Records, of these empty ones, and columns and heads.
  std::array<int, 3> stored(kv::Keyspace space) {
    std::array<int, 3> counts{};
    const auto cursor = graph().store().cursor(space, {});
    for (cursor->seek_first(); cursor->valid(); cursor->next()) {
      const bool record = cursor->key().size() == kIdBytes;
      ++counts[record ? 0 : 2];
      if (record && cursor->value().empty()) ++counts[1];
    }
    return counts;
  }
  std::array<int, 3> nodes() { return stored(kv::Keyspace::kNodes); }
  std::array<int, 3> relationships() { return stored(kv::Keyspace::kRelationships); }
  void remove(uint64_t from, uint64_t to, uint64_t step = 1) {
    Writer writer(graph());
    for (uint64_t id = from; id < to; id += step) {
      uint64_t deleted = 0;
      must(writer->detach_delete_node(NodeId(id), &deleted));
    }
    writer.commit();
  }
  // All but those that are gone; node 1 has x = `one`.
  void expect_nodes(const std::function<bool(uint64_t id)>& gone, int64_t one = 1) {
    for (const bool again : {false, true}) {
      if (again) reopen();
      graph().drop_cache();
      const Snapshot snapshot = graph().snapshot();
      const auto reader = snapshot.reader();
      const KeyId x = *reader->find_key("x");
      const LabelId b = *reader->find_label("B");
      const RelTypeId type = *reader->find_rel_type("T");
      uint64_t count = 0;
      for (uint64_t id = 0; id < kNodes; ++id) {
        const bool there = !gone(id);
        count += there ? 1 : 0;
        ASSERT_EQ(reader->node_exists(NodeId(id)), there) << id;
        ASSERT_EQ(reader->has_label(NodeId(id), b), there && id % 2 == 1) << id;
        const bool relationship = there && !gone(0);
        ASSERT_EQ(reader->relationship(RelId(id)).has_value(), relationship) << id;
        if (relationship) {
          ASSERT_EQ(reader->relationship(RelId(id))->start.value, id);
          ASSERT_EQ(reader->relationship(RelId(id))->type, type);
          ASSERT_EQ(reader->relationship_property(RelId(id), x).as_float(), static_cast<double>(id));
        }
        if (!there) {
          ASSERT_TRUE(reader->node_property(NodeId(id), x).is_null());
          continue;
        }
        ASSERT_EQ(reader->node_property(NodeId(id), x).as_integer(), id == 1 ? one : static_cast<int64_t>(id));
      }
      ASSERT_EQ(reader->node_count(), count);
      ASSERT_EQ(all(reader->scan_nodes(std::nullopt)).size(), count);
      ASSERT_OK(reader->status());
      const VerifyReport report = must(graph().verify(true, {}));
      for (const std::string& error : report.errors) ADD_FAILURE() << error;
    }
  }

  TemporaryDirectory directory_;
  GraphOptions options_;
  std::unique_ptr<Graph> graph_;
};

TEST_F(StoredHeadsTest, BulkLoadsWriteThemInPlaceOfRecords) {
  EXPECT_EQ(nodes(), (std::array{0, 0, 6}));
  EXPECT_EQ(relationships(), (std::array{0, 0, 6}));
  expect_nodes([](uint64_t) { return false; });
}

TEST_F(StoredHeadsTest, RecordsStandAboveThem) {
  Writer writer(graph());
  writer.set(NodeId(1), "x", Value::integer(-1));
  must(writer->add_label(NodeId(4), must(writer->label("C"))));
  writer.commit();
  EXPECT_EQ(nodes(), (std::array{2, 0, 6}));
  expect_nodes([](uint64_t) { return false; }, -1);
  const Snapshot snapshot = graph().snapshot();
  const auto reader = snapshot.reader();
  std::vector<LabelId> labels;
  reader->labels(NodeId(4), &labels);
  EXPECT_EQ(labels.size(), 2u);
}

TEST_F(StoredHeadsTest, ADeletedEntityLeavesAnEmptyRecord) {
  remove(256, 257);
  remove(699, 700);
  EXPECT_EQ(nodes(), (std::array{2, 2, 6}));
  EXPECT_EQ(relationships(), (std::array{2, 2, 6}));
  expect_nodes([](uint64_t id) { return id == 256 || id == 699; });
}

TEST_F(StoredHeadsTest, ADeletedEntityOfARecordLeavesOneAsWell) {
  {
    Writer writer(graph());
    writer.set(NodeId(1), "x", Value::integer(-1));
    writer.commit();
  }
  remove(1, 2);
  expect_nodes([](uint64_t id) { return id == 1; });
  EXPECT_EQ(nodes(), (std::array{1, 1, 6}));
}

TEST_F(StoredHeadsTest, ABlockThatLosesHalfIsWrittenAnewWithAHead) {
  {
    Writer writer(graph());
    writer.set(NodeId(1), "x", Value::integer(-1));
    writer.commit();
  }
  remove(100, 256);
  EXPECT_EQ(nodes(), (std::array{0, 0, 6}));
  expect_nodes([](uint64_t id) { return id >= 100 && id < 256; }, -1);
  remove(50, 51);
  EXPECT_EQ(nodes(), (std::array{1, 1, 6})) << "it has a head still";
  expect_nodes([](uint64_t id) { return (id >= 100 && id < 256) || id == 50; }, -1);
}

TEST_F(StoredHeadsTest, NothingStaysOfABlockThatIsEmptied) {
  remove(256, 512);
  EXPECT_EQ(nodes(), (std::array{0, 0, 4}));
  EXPECT_EQ(relationships(), (std::array{0, 0, 4}));
  expect_nodes([](uint64_t id) { return id >= 256 && id < 512; });
  remove(512, 700);
  remove(0, 256);
  EXPECT_EQ(nodes(), (std::array{0, 0, 0}));
  EXPECT_EQ(relationships(), (std::array{0, 0, 0}));
  expect_nodes([](uint64_t) { return true; });
  Writer writer(graph());
  const NodeId fresh = writer.node({"A"}, {{"x", Value::integer(7)}});
  EXPECT_EQ(fresh.value, uint64_t{kNodes});
  writer.commit();
  reopen();
  EXPECT_EQ(graph().node_count(), 1u);
}

TEST_F(StoredHeadsTest, ACompactingCheckpointLeavesNoRecordBesideThem) {
  {
    Writer writer(graph());
    writer.set(NodeId(1), "x", Value::integer(-1));
    writer.commit();
  }
  remove(300, 310);
  EXPECT_EQ(nodes(), (std::array{11, 10, 6}));
  must(graph().checkpoint(true));
  EXPECT_EQ(nodes(), (std::array{0, 0, 6}));
  EXPECT_EQ(relationships(), (std::array{0, 0, 6}));
  expect_nodes([](uint64_t id) { return id >= 300 && id < 310; }, -1);
}

// Versions share blocks, also what is known of their heads: not this one.
TEST_F(StoredHeadsTest, AHeadComesBackBesideAnOlderVersion) {
  const auto set_texts = [this](const std::string& text) {
    Writer writer(graph());
    for (uint64_t id = 256; id < 512; ++id) writer.set(NodeId(id), "text", Value::string(text));
    writer.commit();
  };
  set_texts(std::string(3000, 't'));  // too large for columns
  must(graph().checkpoint(true));
  EXPECT_EQ(nodes(), (std::array{256, 0, 4}));
  set_texts("z");
  {
    const Snapshot before = graph().snapshot();
    must(graph().checkpoint(true));
    EXPECT_EQ(nodes(), (std::array{0, 0, 7}));
    graph().drop_cache();
    const auto reader = before.reader();
    EXPECT_EQ(reader->node_property(NodeId(300), *reader->find_key("x")).as_integer(), 300);
  }
  remove(300, 301);
  EXPECT_EQ(nodes(), (std::array{1, 1, 7})) << "not an absent record, which the head would stand in for";
  expect_nodes([](uint64_t id) { return id == 300; });
}

TEST_F(StoredHeadsTest, AfterTheLastOfABlockNewOnesAreRecords) {
  Writer writer(graph());
  const NodeId fresh = writer.node({"B"}, {{"x", Value::integer(700)}});
  writer.commit();
  EXPECT_EQ(fresh.value, uint64_t{kNodes});
  EXPECT_EQ(nodes(), (std::array{1, 0, 6}));
  graph().drop_cache();
  const Snapshot snapshot = graph().snapshot();
  const auto reader = snapshot.reader();
  EXPECT_EQ(reader->node_property(fresh, *reader->find_key("x")).as_integer(), 700);
  EXPECT_TRUE(reader->node_exists(NodeId(699)));
}

TEST_F(StoredHeadsTest, APinnedVersionKeepsWhatItHad) {
  const Snapshot before = graph().snapshot();
  remove(256, 512);
  remove(5, 6);
  graph().drop_cache();
  const auto reader = before.reader();
  const KeyId x = *reader->find_key("x");
  for (const uint64_t id : {5, 256, 300, 511}) {
    EXPECT_TRUE(reader->node_exists(NodeId(id)));
    EXPECT_EQ(reader->node_property(NodeId(id), x).as_integer(), static_cast<int64_t>(id));
    EXPECT_EQ(reader->relationship(RelId(id))->start.value, id);
  }
  EXPECT_EQ(all(reader->scan_nodes(std::nullopt)).size(), size_t{kNodes});
}

TEST_F(StoredHeadsTest, WithoutMemorySingleReadsAndIndexesSeeThem) {
  options_.cache_bytes = 1;
  reopen();
  {
    Writer writer(graph());
    writer.set(NodeId(1), "x", Value::integer(-1));
    writer.commit();
  }
  remove(256, 300);
  expect_nodes([](uint64_t id) { return id >= 256 && id < 300; }, -1);
  Writer writer(graph());
  const IndexId index = must(writer->create_index({"i", IndexKind::kRange, EntityKind::kNode, "B", {"x"}}));
  writer.commit();
  const Snapshot snapshot = graph().snapshot();
  const auto reader = snapshot.reader();
  EXPECT_EQ(reader->index_entry_count(index), 350u - 22);
  std::vector<uint64_t> found;
  const Value wanted[] = {Value::integer(-1)};
  reader->index_lookup(index, wanted, &found);
  EXPECT_EQ(found, std::vector<uint64_t>{1});
  EXPECT_OK(reader->status());
}

TEST_F(StoredHeadsTest, SnapshotFilesHaveRecordsAloneAndAreLoadedByBlocks) {
  remove(256, 300);
  {
    Writer writer(graph());  // too much for columns
    for (uint64_t id = 0; id < 256; ++id) writer.set(NodeId(id), "text", Value::string(std::string(3000, 't')));
    writer.commit();
  }
  const std::string file = save(graph());
  for (const uint64_t records_max : {~uint64_t{0}, uint64_t{128}, uint64_t{200}}) {
    TemporaryDirectory elsewhere;
    GraphOptions options;
    options.store.directory = elsewhere.path() + "/graph";
    options.block_records_max = records_max;
    graph_ = must(Graph::open(options));
    options_ = options;
    for (const bool again : {false, true}) {  // over what is there
      must(load(graph(), file).status());
      EXPECT_EQ(nodes(), records_max > 256   ? (std::array{kNodes - 44, 0, 0})
                         : records_max > 188 ? (std::array{256 + 188, 0, 2})
                                             : (std::array{256, 0, 4}))
          << again;
      EXPECT_EQ(save(graph()).size(), file.size());
    }
    expect_nodes([](uint64_t id) { return id >= 256 && id < 300; });
    remove(600, 601);
    expect_nodes([](uint64_t id) { return (id >= 256 && id < 300) || id == 600; });
    graph_.reset();
  }
}

TEST_F(StoredHeadsTest, AClearedGraphHasNone) {
  {
    Writer writer(graph());
    must(writer->clear());
    writer.node({"A"});
    writer.commit();
  }
  EXPECT_EQ(nodes(), (std::array{1, 0, 0}));
  reopen();
  EXPECT_EQ(graph().node_count(), 1u);
}

TEST_F(StoredHeadsTest, DamageIsNamedAndTheRestIsRead) {
  {
    const auto batch = graph().store().batch();
    batch->put(kv::Keyspace::kNodes, column_key(256, kHeadKey), "nonsense");
    must(graph().store().write(*batch, must(graph().store().last_payload(nullptr))).status());
  }
  reopen();
  {
    const Snapshot snapshot = graph().snapshot();
    const auto reader = snapshot.reader();
    EXPECT_TRUE(reader->node_exists(NodeId(3)));
    EXPECT_OK(reader->status());
    EXPECT_FALSE(reader->node_exists(NodeId(300)));
    EXPECT_EQ(reader->status().code(), ErrorCode::kCorruption);
    EXPECT_NE(reader->status().message().find("is not a head"), std::string::npos) << reader->status().to_string();
  }
  const std::vector<std::string> errors = must(graph().verify(false, {})).errors;
  ASSERT_FALSE(errors.empty());
  EXPECT_NE(errors[0].find("is not a head"), std::string::npos) << errors[0];
}

// Blocks of many records, of a graph that is filled by transactions.
class BlockRecordsTest : public StoredHeadsTest {
 protected:
  void SetUp() override {
    options_.store.directory = directory_.path() + "/graph";
    graph_ = must(Graph::open(options_));
    for (int i = 0; i < kNodes; i += 64) fill(i, std::min(i + 64, kNodes));
  }
  void fill(int from, int to) {
    Writer writer(graph());
    for (int i = from; i < to; ++i) {
      const Property node{must(writer->key("x")), Value::integer(i)}, relationship{node.key, Value::floating(i)};
      const LabelId labels[] = {must(writer->label("A")), must(writer->label("B"))};
      const NodeId id = must(writer->create_node(std::span(labels, i % 2 == 0 ? 1 : 2), std::span(&node, 1)));
      must(writer->create_relationship(must(writer->rel_type("T")), id, NodeId(0), std::span(&relationship, 1)));
    }
    writer.commit();
  }
};

TEST_F(BlockRecordsTest, TheyBecomeAHeadAndColumns) {
  // At the 128th and the 256th of a block; the last 60 came when the head had been written.
  EXPECT_EQ(nodes(), (std::array{60, 0, 6}));
  EXPECT_EQ(relationships(), (std::array{60, 0, 6}));
  expect_nodes([](uint64_t) { return false; });
  must(graph().checkpoint(true));
  EXPECT_EQ(nodes(), (std::array{0, 0, 6}));
  expect_nodes([](uint64_t) { return false; });
}

TEST_F(BlockRecordsTest, SingleChangesBecomeColumnsAgain) {
  Snapshot before = graph().snapshot();
  for (uint64_t id = 256; id < 400; ++id) {
    Writer writer(graph());
    writer.set(NodeId(id), "y", Value::string("y"));
    writer.commit();
  }
  EXPECT_EQ(nodes(), (std::array{60 + 144 - 128, 0, 7})) << "a column of y";
  for (uint64_t id = 2; id < 129; ++id) remove(id, id + 1);
  EXPECT_EQ(nodes()[1], 127) << "empty ones are records, too";
  remove(129, 130);
  EXPECT_EQ(nodes()[1], 0);
  {
    graph().drop_cache();
    const auto reader = before.reader();
    for (const uint64_t id : {2, 129, 300}) {
      EXPECT_EQ(reader->node_property(NodeId(id), *reader->find_key("x")).as_integer(), static_cast<int64_t>(id));
      EXPECT_EQ(reader->relationship(RelId(id))->start.value, id);
    }
    EXPECT_FALSE(reader->find_key("y").has_value() &&
                 !reader->node_property(NodeId(300), *reader->find_key("y")).is_null());
    EXPECT_OK(reader->status());
  }
  before = {};
  expect_nodes([](uint64_t id) { return id >= 2 && id < 130; });
}

TEST_F(BlockRecordsTest, ACheckpointFindsThoseOfOtherPrograms) {
  options_.block_records_max = ~uint64_t{0};
  reopen();
  fill(kNodes, kNodes + 256);
  const std::array<int, 3> records = nodes();
  EXPECT_EQ(records[0], 60 + 256);
  options_.block_records_max = 128;
  reopen();
  must(graph().checkpoint(true));
  EXPECT_EQ(nodes(), (std::array{0, 0, 8}));
  EXPECT_EQ(relationships(), (std::array{0, 0, 8}));
  must(graph().checkpoint(true));  // there is nothing left to do
  EXPECT_EQ(nodes(), (std::array{0, 0, 8}));
}

// What was encoded is thrown away then, and encoded again.
TEST_F(BlockRecordsTest, ABatchThatBecomesFullLeavesNoOldRecord) {
  const auto change = [this](uint64_t from, uint64_t to, const char* value) {
    Writer writer(graph());
    const LabelId label = must(writer->label(value));
    for (uint64_t id = from; id < to; ++id) {
      writer.set(NodeId(id), "y", Value::string(value));
      must(writer->add_label(NodeId(id), label));
    }
    for (int i = 0; i < 10; ++i) writer.node({}, {{"text", Value::string(std::string(1000, 't'))}});
    writer.commit();
  };
  for (uint64_t id = 256; id < 256 + 127; ++id) change(id, id + 1, "one");
  const auto expect = [this](uint64_t to, const char* value) {
    for (const bool again : {false, true}) {
      if (again) reopen();
      graph().drop_cache();
      const Snapshot snapshot = graph().snapshot();
      const auto reader = snapshot.reader();
      for (uint64_t id = 256; id < 512; ++id) {
        const bool changed = id < to;
        ASSERT_EQ(reader->has_label(NodeId(id), *reader->find_label(value)), changed) << id;
        const Value y = reader->node_property(NodeId(id), *reader->find_key("y"));
        ASSERT_TRUE(changed ? y.is_string() && y.as_string() == value : y.is_null()) << id;
      }
      const VerifyReport report = must(graph().verify(true, {}));
      for (const std::string& error : report.errors) ADD_FAILURE() << error;
    }
  };
  expect(256 + 127, "one");
  options_.batch_bytes_max = 8000;  // the block is encoded, the ten nodes are too much
  reopen();
  change(256, 256 + 128, "two");
  expect(256 + 128, "two");
  change(256, 512, "three");
  expect(512, "three");
}

TEST_F(BlockRecordsTest, OlderOnesStayUntilMuchOfTheBlockChanges) {
  options_.block_records_max = ~uint64_t{0};
  reopen();
  fill(kNodes, 1024);
  options_.block_records_max = 128;
  reopen();
  const std::array<int, 3> before = nodes();
  const auto set = [this](uint64_t count) {
    Writer writer(graph());
    for (uint64_t id = 768; id < 768 + count; ++id) {
      writer.set(NodeId(id), "x", Value::integer(-1));
      writer.set(NodeId(id), "y", Value::integer(-1));
      must(writer->add_label(NodeId(id), must(writer->label("C"))));
    }
    writer.commit();
  };
  set(1);
  set(100);
  EXPECT_EQ(nodes(), before);
  set(128);
  EXPECT_EQ(nodes(), (std::array{before[0] - 256, 0, before[2] + 3}));
}

TEST_F(BlockRecordsTest, ACheckpointBringsADatabaseOfRecordsIntoBlocks) {
  TemporaryDirectory elsewhere;
  options_ = {};
  options_.store.directory = elsewhere.path() + "/graph";
  options_.block_records_max = ~uint64_t{0};
  graph_ = must(Graph::open(options_));
  fill(0, kNodes);
  EXPECT_EQ(nodes(), (std::array{kNodes, 0, 0}));
  options_.block_records_max = 128;
  reopen();
  EXPECT_FALSE(graph().impl()->versions->tip()->stored_columns);
  must(graph().checkpoint(true));
  EXPECT_EQ(nodes(), (std::array{0, 0, 6}));
  EXPECT_EQ(relationships(), (std::array{0, 0, 6}));
  expect_nodes([](uint64_t) { return false; });
  const uint64_t commits = graph().store().last_commit();
  must(graph().checkpoint(true));
  EXPECT_EQ(graph().store().last_commit(), commits) << "there is nothing left to do";
  graph_.reset();
}

TEST_F(BlockRecordsTest, LargeOnesStay) {
  for (const bool checkpoint : {false, true}) {
    Writer writer(graph());
    for (uint64_t id = 0; id < 256; ++id) writer.set(NodeId(id), "text", Value::string(std::string(3000, 't')));
    writer.commit();
    if (checkpoint) must(graph().checkpoint(true));
    EXPECT_EQ(nodes()[0], checkpoint ? 256 : 256 + 60);
  }
}

TEST_F(BlockRecordsTest, ARolledBackStatementLeavesRecordsAsTheyAre) {
  const std::array<int, 3> stored = nodes();
  {
    Writer writer(graph());
    must(writer->begin_statement());
    for (uint64_t id = 0; id < 256; ++id) writer.set(NodeId(id), "x", Value::integer(-1));
    writer->rollback_statement();
    writer.set(NodeId(300), "x", Value::integer(300));
    writer.commit();
  }
  EXPECT_EQ(nodes(), (std::array{stored[0] + 1, 0, stored[2]}));
  expect_nodes([](uint64_t) { return false; });
}

// The walk below all of this, from any place, with all properties and with some.
TEST_F(StoredHeadsTest, TheWalkSkipsToAnyEntity) {
  {
    Writer writer(graph());
    for (const uint64_t id : {0, 1, 255, 256, 300, 699}) writer.set(NodeId(id), "y", Value::integer(5));
    writer.commit();
  }
  remove(10, 600, 7);
  remove(512, 513);
  const Root& root = *graph().impl()->versions->tip();
  const std::vector<KeyId> y{*graph().snapshot().reader()->find_key("y")};
  const auto walk = [&](uint64_t first, uint64_t step, const std::vector<KeyId>* keys) {
    StoredEntities entities(&graph().store());
    entities.begin(root, EntityKind::kNode, {.first = first, .keys = keys});
    std::vector<std::pair<uint64_t, size_t>> found;
    while (must(entities.next())) {
      entities.apply();
      found.emplace_back(entities.id(), entities.properties().size());
      if (step > 1) entities.skip_to(entities.id() + step);
    }
    return found;
  };
  const auto everything = walk(0, 1, nullptr);
  EXPECT_EQ(everything.size(), graph().node_count());
  EXPECT_EQ(everything[0], (std::pair{uint64_t{0}, size_t{2}}));
  for (const uint64_t first : {0, 1, 5, 10, 255, 256, 300, 301, 511, 512, 698, 699, 700, 5000}) {
    for (const uint64_t step : {1, 2, 9, 100, 256, 300}) {
      std::vector<std::pair<uint64_t, size_t>> wanted, with_y;
      uint64_t least = first;
      for (const auto& [id, properties] : everything) {
        if (id < least) continue;
        wanted.emplace_back(id, properties);
        with_y.emplace_back(id, properties - 1);
        least = id + step;
      }
      EXPECT_EQ(walk(first, step, nullptr), wanted) << first << ", " << step;
      EXPECT_EQ(walk(first, step, &y), with_y) << first << ", " << step;
    }
  }
}

}  // namespace
}  // namespace lora::graph
