// Commits of in-memory graphs, which the store is told of later. Random work against a model: model_test; memory that
// runs out: load_memory_test.
#include <gtest/gtest.h>

#include "graph/graph_impl.h"
#include "tests/graph/graph_fixture.h"

namespace lora::graph {
namespace {

uint64_t stored(Graph& graph, kv::Keyspace space) {
  const std::unique_ptr<kv::Cursor> cursor = graph.store().cursor(space, {});
  uint64_t count = 0;
  for (cursor->seek_first(); cursor->valid(); cursor->next()) ++count;
  return count;
}

// Written when `keys_max` keys have changed, from the first byte on.
std::unique_ptr<Graph> open_behind(uint64_t keys_max) {
  GraphOptions options;
  options.write_behind_from_bytes = 1;
  options.unwritten_keys_max = keys_max;
  return must(Graph::open(options));
}
// Not written until somebody needs the store.
std::unique_ptr<Graph> open_unwritten() {
  return must(Graph::open({}));
}

void evict_all(Graph& graph) {
  graph.impl()->budget->drop_all();  // not what the store does not have
}

TEST(WriteBehind, CommitsAreWrittenTogether) {
  const std::unique_ptr<Graph> graph = open_behind(100);
  uint64_t version = 0;
  {
    Writer writer(*graph);
    writer.node();
    version = writer.commit();
  }
  must(graph->stored_snapshot());      // from now on it has what commits are compared with
  for (uint64_t i = 0; i < 40; ++i) {  // a key each, and the label's block
    Writer writer(*graph);
    writer.node({"L"}, {{"x", Value::integer(static_cast<int64_t>(i))}});
    const uint64_t committed = writer.commit();
    EXPECT_GT(committed, version);
    version = committed;
  }
  EXPECT_EQ(stored(*graph, kv::Keyspace::kNodes), 1u);
  EXPECT_EQ(graph->node_count(), 41u);
  for (uint64_t i = 0; i < 80; ++i) {
    Writer writer(*graph);
    writer.node({"L"});
    writer.commit();
  }
  EXPECT_EQ(stored(*graph, kv::Keyspace::kNodes), 100u);
  EXPECT_TRUE(must(graph->verify(true, {})).errors.empty());
  EXPECT_EQ(stored(*graph, kv::Keyspace::kNodes), 121u);
  EXPECT_EQ(stored(*graph, kv::Keyspace::kLabels), 1u);
}

TEST(WriteBehind, ALargeCommitIsWrittenAtOnce) {
  const std::unique_ptr<Graph> graph = open_behind(100);
  Writer writer(*graph);
  for (int i = 0; i < 200; ++i) writer.node({"L"});
  writer.commit();
  EXPECT_EQ(stored(*graph, kv::Keyspace::kNodes), 200u);
}

// With room in the budget the store is not used at all; a snapshot is saved from memory.
TEST(WriteBehind, NothingIsWrittenWhileThereIsRoom) {
  const std::unique_ptr<Graph> graph = open_unwritten();
  for (int i = 0; i < 3; ++i) {
    Writer writer(*graph);
    if (i == 1) must(writer->create_index({"i", IndexKind::kRange, EntityKind::kNode, "L", {"x"}}).status());
    if (i == 2) must(writer->clear());
    for (int k = 0; k < 2'000; ++k) writer.node({"L"}, {{"x", Value::integer(k)}});
    writer.commit();
    const std::unique_ptr<Graph> other = must(Graph::open({}));
    must(load(*other, save(*graph)).status());
    EXPECT_EQ(other->node_count(), graph->node_count());
    EXPECT_TRUE(must(other->verify(true, {})).errors.empty());
  }
  EXPECT_EQ(stored(*graph, kv::Keyspace::kNodes), 0u);
  must(graph->checkpoint(true));
  EXPECT_EQ(stored(*graph, kv::Keyspace::kNodes), 0u);
}

// What was left until half of the budget was used is written in parts, beside commits that change it.
TEST(WriteBehind, WhatWasLeftIsWrittenInParts) {
  const std::unique_ptr<Graph> graph = open_unwritten();
  constexpr int64_t kNodes = 5'000;
  {
    Writer writer(*graph);
    NodeId before = writer.node();
    for (int64_t i = 0; i < kNodes; ++i) {
      const NodeId node = writer.node({"L"}, {{"x", Value::integer(i)}});
      writer.relationship(before, i % 2 == 0 ? "T" : "U", node);
      before = node;
    }
    must(writer->create_index({"i", IndexKind::kRange, EntityKind::kNode, "L", {"x"}}).status());
    writer.commit();
  }
  graph->impl()->options.write_behind_from_bytes = 1;
  graph->impl()->options.unwritten_keys_max = 1'000;
  uint64_t parts = 0, last = 0;
  int64_t changed = 0;
  for (; graph->impl()->unwritten->all || graph->impl()->unwritten->writing.has_value(); ++changed) {
    ASSERT_LT(changed, kNodes);
    Writer writer(*graph);
    writer.set(NodeId(static_cast<uint64_t>(kNodes - changed)), "x", Value::integer(-1 - changed));
    must(writer->delete_relationship(RelId(static_cast<uint64_t>(changed))));
    writer.commit();
    evict_all(*graph);
    const uint64_t now = stored(*graph, kv::Keyspace::kNodes) + stored(*graph, kv::Keyspace::kRelationships) +
                         stored(*graph, kv::Keyspace::kAdjacency) + stored(*graph, kv::Keyspace::kIndexes);
    parts += now != std::exchange(last, now);
  }
  EXPECT_GT(parts, 10u);
  EXPECT_GT(changed, 100);
  evict_all(*graph);
  EXPECT_TRUE(must(graph->verify(true, {})).errors.empty());
  graph->drop_cache();
  const Snapshot snapshot = graph->snapshot();
  const auto reader = snapshot.reader();
  const KeyId x = *reader->find_key("x");
  int64_t negative = 0;
  for (const uint64_t id : all(reader->scan_nodes(reader->find_label("L")))) {
    negative += reader->node_property(NodeId(id), x).as_integer() < 0;
  }
  EXPECT_EQ(negative, changed);
  EXPECT_EQ(graph->relationship_count(), static_cast<uint64_t>(kNodes - changed));
  EXPECT_OK(reader->status());
}

// A clear() in the middle of it: what has been written goes, what has not is not.
TEST(WriteBehind, AClearEndsWhatIsBeingWritten) {
  const std::unique_ptr<Graph> graph = open_unwritten();
  {
    Writer writer(*graph);
    for (int i = 0; i < 5'000; ++i) writer.node({"L"}, {{"x", Value::integer(i)}});
    writer.commit();
  }
  graph->impl()->options.write_behind_from_bytes = 1;
  graph->impl()->options.unwritten_keys_max = 1'000;
  for (int i = 0; stored(*graph, kv::Keyspace::kNodes) == 0; ++i) {
    ASSERT_LT(i, 1'000);
    Writer writer(*graph);
    writer.node();
    writer.commit();
  }
  ASSERT_TRUE(graph->impl()->unwritten->writing.has_value());
  graph->impl()->options.write_behind_from_bytes = ~uint64_t{0};
  {
    Writer writer(*graph);
    must(writer->clear());
    writer.node({"M"}, {{"x", Value::integer(7)}});
    writer.commit();
  }
  evict_all(*graph);
  const std::unique_ptr<Graph> other = must(Graph::open({}));
  must(load(*other, save(*graph)).status());
  EXPECT_EQ(other->node_count(), 1u);
  EXPECT_TRUE(must(graph->verify(true, {})).errors.empty());
  graph->drop_cache();
  EXPECT_EQ(graph->node_count(), 1u);
  EXPECT_EQ(stored(*graph, kv::Keyspace::kNodes), 1u);
}

TEST(WriteBehind, NothingIsEvictedBeforeItIsWritten) {
  const std::unique_ptr<Graph> graph = open_unwritten();
  Writer writer(*graph);
  const NodeId a = writer.node({"L"}, {{"x", Value::integer(1)}});
  writer.relationship(a, "T", writer.node());
  writer.commit();
  evict_all(*graph);
  const Snapshot snapshot = graph->snapshot();
  const auto reader = snapshot.reader();
  EXPECT_EQ(reader->node_property(a, *reader->find_key("x")).as_integer(), 1);
  EXPECT_EQ(reader->degree(a, Direction::kOut, *reader->find_rel_type("T")), 1u);
  EXPECT_OK(reader->status());
}

// Chunks that clear() has emptied are shared and have no stamp: read anew, they would be what the store still holds.
TEST(WriteBehind, EvictionDoesNotUndoAClear) {
  const std::unique_ptr<Graph> graph = open_unwritten();
  {
    Writer writer(*graph);
    for (int i = 0; i < 2'000; ++i) writer.node({"L"}, {{"x", Value::integer(i)}});
    writer.commit();
  }
  graph->drop_cache();  // written and gone
  {
    Writer writer(*graph);
    must(writer->clear());
    writer.node({"M"});  // its neighbours in the trie are empty chunks in a node of its own
    writer.commit();
  }
  evict_all(*graph);
  const auto count = [&] {
    const Snapshot snapshot = graph->snapshot();
    const auto reader = snapshot.reader();
    return all(reader->scan_nodes(std::nullopt)).size();
  };
  EXPECT_EQ(count(), 1u);
  graph->drop_cache();
  EXPECT_EQ(count(), 1u);
  EXPECT_TRUE(must(graph->verify(true, {})).errors.empty());
}

// A version that was pinned before the store had its changes goes on reading them after it has newer ones.
TEST(WriteBehind, APinnedVersionKeepsWhatItsStoreSnapshotLacks) {
  const std::unique_ptr<Graph> graph = open_unwritten();
  NodeId node;
  {
    Writer writer(*graph);
    node = writer.node({}, {{"x", Value::integer(1)}});
    writer.commit();
  }
  must(graph->stored_snapshot());
  Writer(*graph).set(node, "x", Value::integer(0));  // rolled back
  {
    Writer writer(*graph);
    writer.set(node, "x", Value::integer(2));
    writer.commit();
  }
  const Snapshot two = graph->snapshot();
  must(graph->stored_snapshot());
  evict_all(*graph);
  const auto x = [&](const Snapshot& snapshot) {
    const auto reader = snapshot.reader();
    return reader->node_property(node, *reader->find_key("x")).as_integer();
  };
  EXPECT_EQ(x(two), 2);
  {
    Writer writer(*graph);
    writer.set(node, "x", Value::integer(3));
    writer.commit();
  }
  graph->drop_cache();
  EXPECT_EQ(x(two), 2);
  EXPECT_EQ(x(graph->snapshot()), 3);
}

TEST(WriteBehind, SavingBesideAnOpenTransactionTakesWhatIsCommitted) {
  const std::unique_ptr<Graph> graph = open_unwritten();
  {
    Writer writer(*graph);
    writer.node({"Committed"});
    writer.commit();
  }
  Writer open(*graph);
  open.node({"Open"});
  const std::string file = save(*graph);
  evict_all(*graph);
  EXPECT_EQ(graph->node_count(), 1u);
  open.commit();
  EXPECT_EQ(graph->node_count(), 2u);
  EXPECT_TRUE(must(graph->verify(true, {})).errors.empty());

  const std::unique_ptr<Graph> other = must(Graph::open({}));
  must(load(*other, file).status());
  EXPECT_EQ(other->node_count(), 1u);
  const Snapshot snapshot = other->snapshot();
  EXPECT_TRUE(snapshot.reader()->find_label("Committed").has_value());
  EXPECT_FALSE(snapshot.reader()->find_label("Open").has_value());
}

// What is loaded replaces also what the store has not been told.
TEST(WriteBehind, ALoadReplacesCommitsThatWereNotWritten) {
  const std::unique_ptr<Graph> source = open_unwritten();
  Writer(*source).commit();
  const std::string file = save(*source);
  const std::unique_ptr<Graph> graph = open_unwritten();
  uint64_t version = 0;
  {
    Writer writer(*graph);
    writer.node({"L"}, {{"x", Value::integer(1)}});
    version = writer.commit();
  }
  must(load(*graph, file).status());
  EXPECT_GT(graph->snapshot().version(), version);
  graph->drop_cache();
  EXPECT_EQ(graph->node_count(), 0u);
  EXPECT_EQ(stored(*graph, kv::Keyspace::kNodes), 0u);
  EXPECT_TRUE(must(graph->verify(true, {})).errors.empty());
}

}  // namespace
}  // namespace lora::graph
