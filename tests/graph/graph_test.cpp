#include "graph/graph.h"

#include "tests/graph/graph_fixture.h"

namespace lora::graph {
namespace {

INSTANTIATE_TEST_SUITE_P(Stores, GraphTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Disk" : "Memory"; });

TEST_P(GraphTest, NewGraphIsEmpty) {
  const Snapshot snapshot = graph().snapshot();
  const auto reader = snapshot.reader();
  EXPECT_EQ(reader->node_count(), 0u);
  EXPECT_EQ(reader->relationship_count(), 0u);
  EXPECT_FALSE(reader->find_label("Person"));
  EXPECT_TRUE(all(reader->scan_nodes(std::nullopt)).empty());
  EXPECT_OK(reader->status());
}

TEST_P(GraphTest, WhatIsCommittedIsThereAfterReopening) {
  Writer writer(graph());
  const NodeId ann = writer.node({"Person"}, {{"name", Value::string("Ann")}, {"age", Value::integer(30)}});
  const NodeId bob = writer.node({"Person", "Admin"}, {{"name", Value::string("Bob with a rather long name")}});
  const RelId knows = writer.relationship(ann, "KNOWS", bob, {{"since", Value::integer(1999)}});
  writer.commit();
  for (int round = 0; round < 2; ++round) {
    {
      const Snapshot snapshot = graph().snapshot();
      const auto reader = snapshot.reader();
      EXPECT_EQ(reader->node_count(), 2u);
      EXPECT_EQ(reader->relationship_count(), 1u);
      const LabelId person = reader->find_label("Person").value();
      const LabelId admin = reader->find_label("Admin").value();
      const RelTypeId type = reader->find_rel_type("KNOWS").value();
      const KeyId name = reader->find_key("name").value();
      const KeyId age = reader->find_key("age").value();
      EXPECT_EQ(reader->node_count(person), 2u);
      EXPECT_EQ(reader->node_count(admin), 1u);
      EXPECT_EQ(reader->relationship_count(type), 1u);
      EXPECT_EQ(reader->relationship_count(person, type, Direction::kOut), 1u);
      EXPECT_EQ(reader->relationship_count(admin, type, Direction::kOut), 0u);
      EXPECT_EQ(reader->relationship_count(admin, type, Direction::kIn), 1u);
      EXPECT_EQ(all(reader->scan_nodes(std::nullopt)), (std::vector<uint64_t>{ann.value, bob.value}));
      EXPECT_EQ(all(reader->scan_nodes(admin)), (std::vector<uint64_t>{bob.value}));
      EXPECT_EQ(all(reader->scan_relationships(type)), (std::vector<uint64_t>{knows.value}));
      EXPECT_EQ(reader->node_property(ann, name).as_string(), "Ann");
      EXPECT_EQ(reader->node_property(ann, age).as_integer(), 30);
      EXPECT_TRUE(reader->node_property(bob, age).is_null());
      EXPECT_EQ(reader->relationship_property(knows, reader->find_key("since").value()).as_integer(), 1999);
      EXPECT_EQ(reader->degree(ann, Direction::kOut, type), 1u);
      EXPECT_EQ(reader->degree(ann, Direction::kIn, type), 0u);
      EXPECT_EQ(list_of(*reader, bob, Direction::kIn, type),
                (std::vector<std::pair<uint64_t, uint64_t>>{{ann.value, knows.value}}));
      const auto record = reader->relationship(knows);
      ASSERT_TRUE(record);
      EXPECT_EQ(record->start, ann);
      EXPECT_EQ(record->end, bob);
      EXPECT_OK(reader->status());
    }
    reopen();
  }
}

TEST_P(GraphTest, SnapshotKeepsItsVersion) {
  NodeId id;
  {
    Writer writer(graph());
    id = writer.node({"A"}, {{"x", Value::integer(1)}});
    writer.commit();
  }
  const Snapshot before = graph().snapshot();
  {
    Writer writer(graph());
    writer.set(id, "x", Value::integer(2));
    writer.node({"A"});
    writer.commit();
  }
  const auto old_reader = before.reader();
  const auto new_reader = graph().snapshot().reader();
  const KeyId x = old_reader->find_key("x").value();
  EXPECT_EQ(old_reader->node_property(id, x).as_integer(), 1);
  EXPECT_EQ(old_reader->node_count(), 1u);
  EXPECT_EQ(all(old_reader->scan_nodes(old_reader->find_label("A"))).size(), 1u);
  const Snapshot after = graph().snapshot();
  EXPECT_EQ(after.reader()->node_property(id, x).as_integer(), 2);
  EXPECT_EQ(after.reader()->node_count(), 2u);
  graph().drop_cache();
  EXPECT_EQ(before.reader()->node_property(id, x).as_integer(), 1);
  EXPECT_EQ(after.reader()->node_property(id, x).as_integer(), 2);
}

TEST_P(GraphTest, RolledBackWorkLeavesNothing) {
  {
    Writer writer(graph());
    writer.node({"A"});
    writer.commit();
  }
  {
    Writer writer(graph());
    const NodeId a = writer.node({"B"}, {{"y", Value::integer(1)}});
    writer.relationship(a, "T", a);
  }
  const Snapshot snapshot = graph().snapshot();
  const auto reader = snapshot.reader();
  EXPECT_EQ(reader->node_count(), 1u);
  EXPECT_FALSE(reader->find_label("B"));
  EXPECT_FALSE(reader->find_rel_type("T"));
  Writer writer(graph());
  EXPECT_EQ(writer.node().value, 2u) << "ids are not given out again";
}

TEST_P(GraphTest, StatementRollsBackAlone) {
  Writer writer(graph());
  must(writer->begin_statement());
  const NodeId a = writer.node({"A"}, {{"x", Value::integer(1)}});
  must(writer->finish_statement());
  must(writer->begin_statement());
  const NodeId b = writer.node({"A"}, {{"x", Value::integer(2)}});
  writer.relationship(a, "T", b);
  writer.set(a, "x", Value::integer(3));
  writer->rollback_statement();
  EXPECT_FALSE(writer->reader().node_exists(b));
  EXPECT_EQ(writer->reader().node_property(a, writer->reader().find_key("x").value()).as_integer(), 1);
  EXPECT_EQ(writer->reader().degree(a, Direction::kOut, writer->reader().find_rel_type("T").value()), 0u);
  writer.commit();
  reopen();
  const Snapshot snapshot = graph().snapshot();
  EXPECT_EQ(snapshot.reader()->node_count(), 1u);
  EXPECT_EQ(snapshot.reader()->relationship_count(), 0u);
}

TEST_P(GraphTest, ANewTypeOrLabelIsNotLookedForInTheStore) {
  constexpr uint64_t kNodes = 10'000;
  {
    Writer writer(graph());
    for (uint64_t i = 0; i < kNodes; ++i) writer.node();
    writer.commit();
  }
  const uint64_t loads = graph().stats().chunk_loads;
  for (const uint64_t first : {1, 4'000, 9'000, 12'000}) {  // the last ones beside nodes that came after the type
    Writer writer(graph());
    for (int i = 0; first >= kNodes && i < 3'000; ++i) writer.node();
    writer.relationship(NodeId(first), "T", NodeId(first / 2));
    writer.commit();
  }
  {
    Writer writer(graph());
    must(writer->add_label(NodeId(5'000), must(writer->label("L"))));
    writer.commit();
  }
  const auto check = [&] {
    const Snapshot snapshot = graph().snapshot();
    const auto reader = snapshot.reader();
    const RelTypeId type = reader->find_rel_type("T").value();
    for (const uint64_t node : {1, 2'000, 4'000, 4'500, 6'000, 9'000, 12'000}) {
      const uint64_t out = reader->degree(NodeId(node), Direction::kOut, type);
      EXPECT_EQ(out + reader->degree(NodeId(node), Direction::kIn, type), 1u) << node;
    }
    uint64_t out = 0, in = 0;
    for (uint64_t node = 0; node < kNodes + 3'000; ++node) {
      out += reader->degree(NodeId(node), Direction::kOut, type);
      in += reader->degree(NodeId(node), Direction::kIn, type);
    }
    EXPECT_EQ(out, 4u);
    EXPECT_EQ(in, 4u);
    EXPECT_EQ(all(reader->scan_nodes(reader->find_label("L"))), std::vector<uint64_t>{5'000});
  };
  check();
  EXPECT_LE(graph().stats().chunk_loads, loads + 1) << "the node whose label changed may have to be read";
  reopen();  // gone from memory, the chunks are looked for again
  check();
  EXPECT_GT(graph().stats().chunk_loads, loads + 1);
}

TEST_P(GraphTest, ATypeThatWasUndoneAndLookedForGivesItsIdAway) {
  NodeId a;
  {
    Writer writer(graph());
    a = writer.node({"A"});
    writer.relationship(a, "S", a);
    writer.commit();
  }
  {
    Writer writer(graph());
    must(writer->begin_statement());
    writer.relationship(a, "T", a);
    writer->rollback_statement();
    const RelTypeId undone = writer->reader().find_rel_type("T").value();
    EXPECT_EQ(writer->reader().degree(a, Direction::kOut, undone), 0u);
  }
  {
    Writer writer(graph());
    writer.relationship(a, "U", a);
    writer.commit();
  }
  for (int i = 0; i < 2; ++i) {
    {
      const Snapshot snapshot = graph().snapshot();
      const auto reader = snapshot.reader();
      EXPECT_FALSE(reader->find_rel_type("T"));
      EXPECT_EQ(reader->degree(a, Direction::kOut, reader->find_rel_type("U").value()), 1u);
      EXPECT_EQ(reader->degree(a, Direction::kIn, reader->find_rel_type("S").value()), 1u);
    }
    reopen();
  }
}

// Names outlive the statement that made them, in a transaction that goes on; the places that it had made for them in
// the tables of lists and labels do not. However many the tables have room for.
TEST_P(GraphTest, NamesOfAnUndoneStatementCanBeUsedLater) {
  const auto name = [](char kind, int i) { return std::string(1, kind) + std::to_string(i); };
  int made = 0;
  for (const int more : {1, 3, 4, 12, 47}) {
    NodeId a, b;
    {
      Writer writer(*graph_);
      must(writer->begin_statement());
      for (int i = made; i < made + more; ++i) {
        a = writer.node({name('L', i).c_str()});
        b = writer.node();
        writer.relationship(a, name('T', i).c_str(), b);
      }
      writer->rollback_statement();
      must(writer->begin_statement());
      a = writer.node();
      b = writer.node();
      must(writer->finish_statement());
      writer.commit();
    }
    if (more % 2 == 0) reopen();
    Writer writer(*graph_);
    for (int i = made; i < made + more; ++i) {
      must(writer->begin_statement());
      const NodeId labelled = writer.node({name('L', i).c_str()});
      writer.relationship(a, name('T', i).c_str(), b);
      must(writer->finish_statement());
      EXPECT_EQ(all(writer->reader().scan_nodes(must(writer->label(name('L', i))))),
                std::vector<uint64_t>{labelled.value});
      EXPECT_EQ(writer->reader().degree(b, Direction::kIn, must(writer->rel_type(name('T', i)))), 1u);
    }
    writer.commit();
    made += more;
  }
  EXPECT_TRUE(must(graph_->verify(true, {})).errors.empty());
}

TEST_P(GraphTest, DeletingAConnectedNodeFailsAtTheStatementsEnd) {
  Writer writer(graph());
  const NodeId a = writer.node({"A"});
  const NodeId b = writer.node({"A"});
  const RelId r = writer.relationship(a, "T", b);
  must(writer->begin_statement());
  EXPECT_TRUE(must(writer->delete_node(a)));
  const Status status = writer->finish_statement();
  EXPECT_EQ(status.code(), ErrorCode::kForeignKey);
  EXPECT_EQ(status.info().detail, "DeleteConnectedNode");
  writer->rollback_statement();
  must(writer->begin_statement());
  EXPECT_TRUE(must(writer->delete_node(a)));
  EXPECT_TRUE(must(writer->delete_relationship(r)));
  EXPECT_FALSE(must(writer->delete_relationship(r)));
  EXPECT_TRUE(writer->node_deleted(a));
  EXPECT_EQ(writer->set_node_property(a, must(writer->key("x")), Value::integer(1)).info().detail,
            "DeletedEntityAccess");
  EXPECT_TRUE(writer->reader().relationship(r)->deleted);
  must(writer->finish_statement());
  writer.commit();
  const Snapshot snapshot = graph().snapshot();
  const auto reader = snapshot.reader();
  EXPECT_EQ(reader->node_count(), 1u);
  EXPECT_EQ(reader->relationship_count(reader->find_label("A"), std::nullopt, Direction::kIn), 0u);
  EXPECT_EQ(reader->relationship_count(reader->find_label("A"), std::nullopt, Direction::kOut), 0u);
}

TEST_P(GraphTest, SecondWriterTimesOutAndNamesTheFirst) {
  auto first = must(graph().begin_write(std::chrono::steady_clock::now(), "importer", 7, {}));
  const auto soon = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
  const auto second = graph().begin_write(soon, "second", 8, {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), ErrorCode::kTransaction);
  EXPECT_NE(second.status().message().find("importer"), std::string::npos);
  const auto far = std::chrono::steady_clock::now() + std::chrono::hours(1);
  EXPECT_EQ(graph().begin_write(far, "same", 7, {}).status().code(), ErrorCode::kTransaction);
  const auto cancelled = graph().begin_write(far, "other", 9, [] { return Status(ErrorCode::kInterrupted, "stop"); });
  EXPECT_EQ(cancelled.status().code(), ErrorCode::kInterrupted);
  first.reset();
  EXPECT_TRUE(graph().begin_write(far, "other", 9, {}).ok());
}

}  // namespace
}  // namespace lora::graph
