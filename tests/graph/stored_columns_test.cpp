#include "graph/stored_columns.h"

#include <limits>
#include <map>
#include <random>

#include "graph/bulk_load.h"
#include "tests/graph/graph_fixture.h"

namespace lora::graph {
namespace {

using cache::EntityBlock;

// A block of 256 nodes, some without the property 1, whose values are value(row).
template <typename F>
cache::Loaded<EntityBlock> block_of(F&& value) {
  cache::EntityBlockBuilder builder;
  for (uint32_t row = 0; row < EntityBlock::kRows; ++row) {
    std::vector<Property> properties;
    if (const Value v = value(row); !v.is_null()) properties.push_back({KeyId(1), v});
    builder.add_node(row, {}, properties);
  }
  return builder.finish();
}

std::string encoded(const cache::Column* column) {
  std::string bytes;
  must(encode_column(column, 300, &bytes));
  return bytes;
}

const std::map<std::string, std::function<Value(uint32_t)>>& kinds() {
  static const std::map<std::string, std::function<Value(uint32_t)>> kinds = {
      {"small integers", [](uint32_t row) { return Value::integer(1000 + row); }},
      {"negative ones", [](uint32_t row) { return Value::integer(-int64_t{row} * 300); }},
      {"of 4 bytes", [](uint32_t row) { return Value::integer(int64_t{row} << 23); }},
      {"all there are",
       [](uint32_t row) {
         return Value::integer(row % 2 == 0 ? std::numeric_limits<int64_t>::min() + row
                                            : std::numeric_limits<int64_t>::max() - row);
       }},
      {"floats", [](uint32_t row) { return Value::floating(row == 0 ? -0.0 : 1.0 / row); }},
      {"booleans", [](uint32_t row) { return Value::boolean(row % 3 == 0); }},
      {"dates", [](uint32_t row) { return Value::date({int64_t{row} - 100}); }},
      {"datetimes",
       [](uint32_t row) {
         return Value::date_time({row, 5, 7'200, ""});
       }},
      {"datetimes of two offsets",
       [](uint32_t row) {
         return Value::date_time({row, 5, row == 200 ? 3'600 : 7'200, ""});
       }},
      {"times and booleans", [](uint32_t row) { return row < 9 ? Value::boolean(true) : Value::local_time({row}); }},
      {"few texts", [](uint32_t row) { return Value::string("text " + std::to_string(row % 5)); }},
      {"many texts", [](uint32_t row) { return Value::string(std::to_string(row * 7919)); }},
      {"long texts", [](uint32_t row) { return Value::string(std::string(row * 9, 'x')); }},
      {"lists",
       [](uint32_t row) {
         return Value::list({Value::integer(row), Value::string("a")});
       }},
      {"mixed", [](uint32_t row) { return row % 2 == 0 ? Value::integer(row) : Value::string("b"); }},
      {"every third", [](uint32_t row) { return row % 3 == 1 ? Value::integer(row) : Value(); }},
      {"one", [](uint32_t row) { return row == 255 ? Value::string("last") : Value(); }},
  };
  return kinds;
}

TEST(StoredColumnTest, EveryKindOfValueComesBack) {
  for (const auto& [name, value] : kinds()) {
    const auto block = block_of(value);
    StoredColumn column;
    ASSERT_TRUE(column.parse(KeyId(1), encoded(block->column(KeyId(1))))) << name;
    EXPECT_EQ(column.written(), 300u);
    for (uint32_t row = 0; row < EntityBlock::kRows; ++row) {
      const Value wanted = value(row), got = column.get(row);
      ASSERT_EQ(got.type(), wanted.type()) << name << ", row " << row;
      ASSERT_TRUE(equivalent(got, wanted)) << name << ", row " << row;
    }
  }
}

TEST(StoredColumnTest, LoadingPutsWholeColumnsIntoBlocks) {
  for (const auto& [name, value] : kinds()) {
    const auto block = block_of(value);
    StoredColumn column;
    ASSERT_TRUE(column.parse(KeyId(1), encoded(block->column(KeyId(1)))));
    // Into all rows; into some, the others have nothing; into some, the others have a value of their own.
    for (const int way : {0, 1, 2}) {
      cache::EntityBlockBuilder builder;
      RowBits rows;
      const auto chosen = [&](uint32_t row) { return way == 0 || row % 7 < 4; };
      for (uint32_t row = 0; row < EntityBlock::kRows; ++row) {
        std::vector<Property> properties{{KeyId(0), Value::integer(row)}, {KeyId(2), Value::string("z")}};
        if (chosen(row)) {
          rows.set(row);
        } else if (way == 2) {
          properties.insert(properties.begin() + 1, {KeyId(1), Value::integer(-1)});
        }
        builder.add_node(row, {}, properties);
      }
      column.put(rows, &builder);
      const auto made = builder.finish();
      for (uint32_t row = 0; row < EntityBlock::kRows; ++row) {
        const Value wanted = chosen(row) ? value(row) : way == 2 ? Value::integer(-1) : Value();
        const Value got = made->get(row, KeyId(1));
        ASSERT_EQ(got.type(), wanted.type()) << name << ", row " << row << ", way " << way;
        ASSERT_TRUE(equivalent(got, wanted)) << name << ", row " << row << ", way " << way;
        ASSERT_EQ(made->get(row, KeyId(0)).as_integer(), row);
      }
      const cache::Column* column_made = made->column(KeyId(1));
      if (column_made == nullptr) continue;
      uint32_t present = 0;
      for (uint32_t row = 0; row < EntityBlock::kRows; ++row) present += column_made->valid(row) ? 1 : 0;
      EXPECT_EQ(column_made->present, present) << name;
      EXPECT_LE(column_made->rows, column_made->capacity) << name;
    }
  }
}

TEST(StoredColumnTest, AColumnWithoutValues) {
  StoredColumn column;
  ASSERT_TRUE(column.parse(KeyId(1), encoded(nullptr)));
  for (uint32_t row = 0; row < EntityBlock::kRows; ++row) ASSERT_TRUE(column.get(row).is_null());
}

TEST(StoredColumnTest, TheExampleOfTheLayout) {
  const auto block = block_of([](uint32_t row) {
    return row == 0 ? Value::integer(7) : row == 2 ? Value::integer(8) : Value();
  });
  std::string bytes;
  must(encode_column(block->column(KeyId(1)), 9, &bytes));
  EXPECT_EQ(bytes, std::string("\x09\x05\x05", 3) + std::string(31, '\0') + std::string("\x0e\x01\x02", 3));
  // The same as version 2 has it.
  StoredColumn column;
  ASSERT_TRUE(column.parse(
      KeyId(1), std::string("\x09\x01\x05", 3) + std::string(31, '\0') + std::string("\x0e\x01\x00\x01", 4)));
  EXPECT_EQ(column.get(0).as_integer(), 7);
  EXPECT_TRUE(column.get(1).is_null());
  EXPECT_EQ(column.get(2).as_integer(), 8);
  for (const char* width : {"\x00", "\x03", "\x09", "\x10"}) {
    EXPECT_FALSE(column.parse(KeyId(1), std::string("\x09\x01\x05", 3) + std::string(31, '\0') + "\x0e" +
                                            std::string(width, 1) + std::string(64, '\0')));
  }
}

TEST(StoredColumnTest, DamagedBytesAreRefusedOrDecode) {
  std::mt19937 random(1);
  for (const auto& [name, value] : kinds()) {
    const auto block = block_of(value);
    const std::string good = encoded(block->column(KeyId(1)));
    for (size_t cut = 0; cut < good.size(); cut += 1 + good.size() / 200) {
      StoredColumn column;
      EXPECT_FALSE(column.parse(KeyId(1), good.substr(0, cut))) << name << ", cut at " << cut;
    }
    EXPECT_FALSE(StoredColumn().parse(KeyId(1), good + "x")) << name;
    for (int i = 0; i < 2000; ++i) {
      std::string bad = good;
      for (size_t changes = 1 + random() % 3; changes > 0; --changes) {
        bad[random() % std::min<size_t>(bad.size(), i % 2 == 0 ? 60 : bad.size())] = static_cast<char>(random());
      }
      StoredColumn column;
      if (!column.parse(KeyId(1), bad)) continue;
      for (uint32_t row = 0; row < EntityBlock::kRows; ++row) static_cast<void>(column.get(row));
    }
  }
}

// --- in a graph on disk ---

class StoredColumnsTest : public DiskGraphTest {
 protected:
  static constexpr int kNodes = 700;

  void SetUp() override {
    options_.block_records_max = ~uint64_t{0};  // columns beside records, as bulk changes leave them
    open();
    Writer writer(graph());
    for (int i = 0; i < kNodes; ++i) {
      writer.node({"A"}, {{"x", Value::integer(i)}, {"text", Value::string("some text of node " + std::to_string(i))}});
    }
    writer.commit();
  }
  // Sets x of all nodes.
  template <typename F>
  void set_all(F&& value) {
    Writer writer(graph());
    const KeyId key = must(writer->key("x"));
    for (uint64_t id : all(writer->reader().scan_nodes(std::nullopt)))
      must(writer->set_node_property(NodeId(id), key, value(id)));
    writer.commit();
  }
  Value x_of(uint64_t id) {
    const Snapshot snapshot = graph().snapshot();
    return x_of(*snapshot.reader(), id);
  }
  static Value x_of(Reader& reader, uint64_t id) {
    Value value = reader.node_property(NodeId(id), reader.find_key("x").value());
    EXPECT_OK(reader.status());
    reader.unpin_batch();
    return value;
  }
  // The keys of the nodes' keyspace: records, columns.
  std::pair<int, int> stored() {
    std::pair<int, int> counts;
    const auto cursor = graph().store().cursor(kv::Keyspace::kNodes, {});
    for (cursor->seek_first(); cursor->valid(); cursor->next()) {
      ++(cursor->key().size() == kIdBytes ? counts.first : counts.second);
    }
    return counts;
  }
  uint32_t format() {
    std::string value;
    EXPECT_TRUE(must(graph().store().get(kv::Keyspace::kMeta, kMetaFormatKey, nullptr, &value)));
    return must(decode_format_value(value));
  }
  void expect_sound() {
    const VerifyReport report = must(graph().verify(true, {}));
    for (const std::string& error : report.errors) ADD_FAILURE() << error;
  }
};

TEST_F(StoredColumnsTest, ManyChangesOfOnePropertyAreColumns) {
  EXPECT_EQ(format(), kFormatVersion1);
  const auto record = [this] {
    std::string value;
    EXPECT_TRUE(must(graph().store().get(kv::Keyspace::kNodes, id_key(300), nullptr, &value)));
    return value;
  };
  const std::string before = record();
  set_all([](uint64_t id) { return Value::integer(static_cast<int64_t>(id) * 2); });
  EXPECT_EQ(stored(), (std::pair{kNodes, 3}));
  EXPECT_EQ(record(), before);
  EXPECT_EQ(format(), kFormatVersion3);
  for (const bool again : {false, true}) {
    if (again) reopen();
    graph().drop_cache();
    for (uint64_t id : {0, 255, 256, 699}) EXPECT_EQ(x_of(id).as_integer(), static_cast<int64_t>(id) * 2) << id;
    expect_sound();
  }
  // The same property again takes the same places.
  set_all([](uint64_t) { return Value::string("y"); });
  EXPECT_EQ(stored(), (std::pair{kNodes, 3}));
  graph().drop_cache();
  EXPECT_EQ(x_of(257).as_string(), "y");
}

TEST_F(StoredColumnsTest, FewChangesAreRecords) {
  Writer writer(graph());
  for (uint64_t id = 0; id < 6; ++id) {
    must(writer->set_node_property(NodeId(id), must(writer->key("x")), Value::integer(1)));
    must(writer->set_node_property(NodeId(600 + id), must(writer->key("x")), Value::integer(1)));
  }
  writer.commit();
  EXPECT_EQ(stored(), (std::pair{kNodes, 0}));
  EXPECT_EQ(format(), kFormatVersion1);
}

TEST_F(StoredColumnsTest, WhatIsWrittenLaterCounts) {
  set_all([](uint64_t) { return Value::integer(1); });
  {
    Writer writer(graph());
    must(writer->set_node_property(NodeId(5), must(writer->key("x")), Value::integer(2)));
    must(writer->set_node_property(NodeId(6), must(writer->key("x")), Value()));
    must(writer->set_node_property(NodeId(7), must(writer->key("text")), Value::string("new")));
    writer.node({}, {{"x", Value::integer(3)}});
    writer.commit();
  }
  const auto expect = [this](int64_t five) {
    EXPECT_EQ(x_of(5).as_integer(), five);
    EXPECT_EQ(x_of(7).as_integer(), 1);
    EXPECT_EQ(x_of(8).as_integer(), 1);
    EXPECT_TRUE(x_of(6).is_null());
    EXPECT_EQ(x_of(kNodes).as_integer(), 3);
  };
  expect(2);
  reopen();
  expect(2);
  expect_sound();
  set_all([](uint64_t id) { return id == 6 ? Value() : Value::integer(id == kNodes ? 3 : 1); });
  reopen();
  expect(1);
  set_all([](uint64_t) { return Value(); });  // in none of them any more
  reopen();
  for (uint64_t id : {5, 8, kNodes}) EXPECT_TRUE(x_of(id).is_null());
  expect_sound();
}

TEST_F(StoredColumnsTest, APinnedVersionKeepsWhatItHad) {
  const Snapshot before = graph().snapshot();
  set_all([](uint64_t) { return Value::integer(-1); });
  const Snapshot between = graph().snapshot();
  set_all([](uint64_t) { return Value::integer(-2); });
  graph().drop_cache();
  EXPECT_EQ(x_of(*before.reader(), 256).as_integer(), 256);
  EXPECT_EQ(x_of(*between.reader(), 256).as_integer(), -1);
  EXPECT_EQ(x_of(256).as_integer(), -2);
}

TEST_F(StoredColumnsTest, ColumnsGoWithTheLastEntity) {
  set_all([](uint64_t) { return Value::integer(1); });
  Writer writer(graph());
  for (uint64_t id = 256; id < 512; ++id) {
    uint64_t deleted = 0;
    must(writer->detach_delete_node(NodeId(id), &deleted));
  }
  writer.commit();
  EXPECT_EQ(stored(), (std::pair{kNodes - 256, 2}));
  {
    Writer rest(graph());
    must(rest->clear());
    rest.commit();
  }
  EXPECT_EQ(stored(), (std::pair{0, 0}));
}

Value secret(uint64_t id) {
  std::string text = "secret ";
  std::mt19937_64 random(id);
  for (int i = 0; i < 40; ++i) text.push_back(static_cast<char>('a' + random() % 26));
  return Value::string(text);
}

TEST_F(StoredColumnsTest, CompactionLeavesNothingOfWhatWasRemoved) {
  // Entries that hold the secret of a node; a compaction leaves no others in files.
  const auto kept = [this](uint64_t id) {
    int count = 0;
    const auto cursor = graph().store().cursor(kv::Keyspace::kNodes, {});
    for (cursor->seek_first(); cursor->valid(); cursor->next()) {
      count += cursor->value().find(secret(id).as_string()) != ByteView::npos ? 1 : 0;
    }
    return count;
  };
  set_all([](uint64_t id) { return secret(id); });
  must(graph().checkpoint(true));
  EXPECT_GT(kept(3), 0);
  EXPECT_GT(kept(600), 0);
  {
    Writer writer(graph());
    const KeyId key = must(writer->key("x"));
    uint64_t deleted = 0;
    must(writer->detach_delete_node(NodeId(3), &deleted));
    for (uint64_t id = 512; id < kNodes; ++id) must(writer->set_node_property(NodeId(id), key, Value()));
    writer.commit();
  }
  must(graph().checkpoint(true));
  EXPECT_EQ(kept(3), 0);
  EXPECT_EQ(kept(600), 0);
  EXPECT_GT(kept(5), 0);
  for (const bool again : {false, true}) {
    if (again) reopen();
    graph().drop_cache();
    EXPECT_EQ(x_of(5).as_string(), secret(5).as_string());
    EXPECT_TRUE(x_of(600).is_null());
    expect_sound();
  }
  set_all([](uint64_t) { return Value(); });
  must(graph().checkpoint(true));
  EXPECT_EQ(kept(5), 0);
  EXPECT_EQ(stored(), (std::pair{0, 6})) << "heads, and columns of `text` alone";
  expect_sound();
}

TEST_F(StoredColumnsTest, BlocksThatLoseHalfOfTheirEntitiesAreWrittenAnew) {
  set_all([](uint64_t id) { return secret(id); });
  const auto bytes = [this] {
    const KeyId x = graph().snapshot().reader()->find_key("x").value();
    std::string alone, grouped;
    const bool is_alone = must(graph().store().get(kv::Keyspace::kNodes, column_key(0, x), nullptr, &alone));
    EXPECT_NE(must(graph().store().get(kv::Keyspace::kNodes, grouped_key(0, x), nullptr, &grouped)), is_alone);
    return is_alone ? alone.size() : grouped.size();
  };
  const size_t before = bytes();
  for (uint64_t id = 1; id < 200; ++id) {
    Writer writer(graph());
    uint64_t deleted = 0;
    must(writer->detach_delete_node(NodeId(id), &deleted));
    writer.commit();
  }
  EXPECT_LT(bytes(), before / 2);
  graph().drop_cache();
  EXPECT_EQ(x_of(0).as_string(), secret(0).as_string());
  EXPECT_EQ(x_of(255).as_string(), secret(255).as_string());
  expect_sound();
}

TEST_F(StoredColumnsTest, KeysThatComeAndGoLeaveFewColumns) {
  for (int i = 0; i < 40; ++i) {
    for (const bool set : {true, false}) {
      Writer writer(graph());
      const KeyId key = must(writer->key("once" + std::to_string(i)));
      for (uint64_t id = 0; id < 256; ++id) {
        must(writer->set_node_property(NodeId(id), key, set ? Value::integer(i) : Value()));
      }
      writer.commit();
    }
  }
  EXPECT_LT(stored().second, 20);
  graph().drop_cache();
  EXPECT_EQ(x_of(17).as_integer(), 17);
  expect_sound();
}

TEST_F(StoredColumnsTest, BulkLoadsWriteThem) {
  TemporaryDirectory elsewhere;
  GraphOptions options;
  options.store.directory = elsewhere.path() + "/graph";
  graph_ = must(Graph::open(options));
  {
    const auto load = must(BulkLoad::begin(graph(), std::chrono::steady_clock::now(), {}));
    const KeyId x = must(load->key("x")), text = must(load->key("text"));
    const RelTypeId type = must(load->rel_type("T"));
    const LabelId label = must(load->label("A"));
    for (int i = 0; i < kNodes; ++i) {
      // In the second block a text that is too large for columns.
      const Property properties[] = {{x, Value::integer(i)},
                                     {text, Value::string(std::string(i == 300 ? 2 << 20 : 5, 'x'))}};
      must(load->add_node(std::span(&label, 1), properties));
    }
    for (int i = 0; i < kNodes; ++i) {
      const Property since{x, Value::floating(i)};
      must(load->add_relationship(type, NodeId(static_cast<uint64_t>(i)), NodeId(0), std::span(&since, 1)));
    }
    must(load->finish({}));
  }
  EXPECT_EQ(stored(), (std::pair{256, 6}));
  EXPECT_EQ(format(), kFormatVersion4);
  for (uint64_t id : {0, 255, 256, 299, 300, 301, 511, 512, 699})
    EXPECT_EQ(x_of(id).as_integer(), static_cast<int64_t>(id));
  expect_sound();
  must(graph().checkpoint(true));
  EXPECT_EQ(stored(), (std::pair{256, 6}));
  {
    Writer writer(graph());
    must(writer->set_node_property(NodeId(700 - 1), must(writer->key("x")), Value::integer(-1)));
    writer.commit();
  }
  graph().drop_cache();
  EXPECT_EQ(x_of(699).as_integer(), -1);
  EXPECT_EQ(x_of(698).as_integer(), 698);
  const Snapshot snapshot = graph().snapshot();
  const auto reader = snapshot.reader();
  EXPECT_EQ(reader->relationship_property(RelId(600), reader->find_key("x").value()).as_float(), 600);
  expect_sound();
}

TEST_F(StoredColumnsTest, InMemoryBulkLoadsWriteThemAsWell) {
  graph_ = must(Graph::open({}));
  {
    const auto load = must(BulkLoad::begin(graph(), std::chrono::steady_clock::now(), {}));
    const KeyId x = must(load->key("x"));
    for (int i = 0; i < kNodes; ++i) {
      const Property property{x, Value::integer(i)};
      must(load->add_node({}, std::span(&property, 1)));
    }
    must(load->finish({}));
  }
  EXPECT_EQ(stored(), (std::pair{0, 6}));
  {
    Writer writer(graph());
    must(writer->set_node_property(NodeId(5), must(writer->key("x")), Value::integer(-5)));
    must(writer->set_node_property(NodeId(6), must(writer->key("x")), Value()));
    writer.commit();
  }
  graph().drop_cache();  // written behind, and read again
  EXPECT_EQ(x_of(5).as_integer(), -5);
  EXPECT_TRUE(x_of(6).is_null());
  EXPECT_EQ(x_of(7).as_integer(), 7);
  const std::unique_ptr<Graph> other = must(Graph::open({}));
  must(load(*other, save(graph())).status());
  EXPECT_EQ(x_of(*other->snapshot().reader(), 5).as_integer(), -5);
  {
    Writer writer(graph());
    for (uint64_t id = 0; id < 512; ++id) {
      uint64_t deleted = 0;
      must(writer->detach_delete_node(NodeId(id), &deleted));
    }
    writer.commit();
  }
  graph().drop_cache();
  EXPECT_EQ(stored(), (std::pair{0, 2}));
  EXPECT_EQ(x_of(600).as_integer(), 600);
  expect_sound();
}

TEST_F(StoredColumnsTest, OneDeletionInAFullBlockWritesOneEntry) {
  set_all([](uint64_t) { return Value::integer(1); });
  const auto record_of = [this](uint64_t id) {
    std::string value;
    EXPECT_TRUE(must(graph().store().get(kv::Keyspace::kNodes, id_key(id), nullptr, &value)));
    return value;
  };
  const std::string before = record_of(100);
  Writer writer(graph());
  uint64_t deleted = 0;
  must(writer->detach_delete_node(NodeId(0), &deleted));
  writer.commit();
  EXPECT_EQ(record_of(100), before);
  EXPECT_EQ(stored(), (std::pair{kNodes - 1, 3}));
}

TEST_F(StoredColumnsTest, SnapshotFilesHaveRecordsAlone) {
  set_all([](uint64_t id) { return Value::integer(static_cast<int64_t>(id) + 5); });
  {
    Writer writer(graph());
    must(writer->set_node_property(NodeId(9), must(writer->key("x")), Value::integer(99)));
    writer.commit();
  }
  const std::string file = save(graph());
  TemporaryDirectory elsewhere;
  GraphOptions options;
  options.store.directory = elsewhere.path() + "/graph";
  const std::unique_ptr<Graph> other = must(Graph::open(options));
  must(load(*other, file).status());
  {
    const Snapshot snapshot = other->snapshot();
    EXPECT_EQ(x_of(*snapshot.reader(), 600).as_integer(), 605);
    EXPECT_EQ(x_of(*snapshot.reader(), 9).as_integer(), 99);
  }
  EXPECT_TRUE(must(other->verify(true, {})).errors.empty());
  // And over a graph that has columns: its own count no more.
  must(load(graph(), file).status());
  EXPECT_EQ(stored(), (std::pair{kNodes, 0}));
  EXPECT_EQ(x_of(9).as_integer(), 99);
  set_all([](uint64_t) { return Value::integer(7); });
  reopen();
  EXPECT_EQ(x_of(9).as_integer(), 7);
  expect_sound();
}

TEST_F(StoredColumnsTest, WithoutMemorySingleReadsAndIndexesSeeThem) {
  set_all([](uint64_t id) { return Value::integer(static_cast<int64_t>(id % 10)); });
  options_.cache_bytes = 1;
  reopen();
  EXPECT_EQ(x_of(321).as_integer(), 1);
  Writer writer(graph());
  const IndexId index = must(writer->create_index({"i", IndexKind::kRange, EntityKind::kNode, "A", {"x"}}));
  writer.commit();
  const Snapshot snapshot = graph().snapshot();
  const auto reader = snapshot.reader();
  std::vector<uint64_t> found;
  const Value wanted[] = {Value::integer(4)};
  reader->index_lookup(index, wanted, &found);
  EXPECT_EQ(found.size(), kNodes / 10u);
  EXPECT_OK(reader->status());
  expect_sound();
}

TEST_F(StoredColumnsTest, DamageIsNamed) {
  set_all([](uint64_t) { return Value::integer(1); });
  const auto put = [this](ByteView key, ByteView value) {
    const auto batch = graph().store().batch();
    batch->put(kv::Keyspace::kNodes, key, value);
    must(graph().store().write(*batch, must(graph().store().last_payload(nullptr))).status());
    reopen();
  };
  const KeyId x = graph().snapshot().reader()->find_key("x").value();
  put(column_key(256, x), "nonsense");
  {
    const Snapshot snapshot = graph().snapshot();
    const auto reader = snapshot.reader();
    reader->node_property(NodeId(300), x);
    EXPECT_EQ(reader->status().code(), ErrorCode::kCorruption);
    EXPECT_NE(reader->status().message().find("is not a column"), std::string::npos) << reader->status().to_string();
  }
  EXPECT_FALSE(must(graph().verify(false, {})).errors.empty());
  std::string bytes;
  must(encode_column(nullptr, 1 << 30, &bytes));
  put(column_key(256, x), bytes);
  const std::vector<std::string> errors = must(graph().verify(false, {})).errors;
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_NE(errors[0].find("still to come"), std::string::npos) << errors[0];
}

TEST_F(StoredColumnsTest, OldProgramsAreRefusedOnlyFromTheFirstColumnOn) {
  reopen();
  EXPECT_EQ(format(), kFormatVersion1);
  set_all([](uint64_t) { return Value::integer(1); });
  reopen();
  EXPECT_EQ(format(), kFormatVersion3);
}

}  // namespace
}  // namespace lora::graph
