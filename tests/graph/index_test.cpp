#include "graph/index.h"

#include <cmath>
#include <random>
#include <string>

#include "tests/graph/graph_fixture.h"

namespace lora::graph {
namespace {

INSTANTIATE_TEST_SUITE_P(Stores, GraphTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Disk" : "Memory"; });

IndexId index_of(Graph& graph, std::string_view name) {
  return graph.snapshot().reader()->schema().find_index(name)->id;
}

TEST_P(GraphTest, RangesAndPrefixesStayWithinTheirType) {
  {
    Writer writer(graph());
    must(writer->create_index({"i", IndexKind::kRange, EntityKind::kNode, "N", {"v"}}).status());
    writer.node({"N"}, {{"v", Value::integer(1)}});              // 0
    writer.node({"N"}, {{"v", Value::floating(1.5)}});           // 1
    writer.node({"N"}, {{"v", Value::integer(2)}});              // 2
    writer.node({"N"}, {{"v", Value::string("ab")}});            // 3
    writer.node({"N"}, {{"v", Value::string("abc")}});           // 4
    writer.node({"N"}, {{"v", Value::string("b")}});             // 5
    writer.node({"N"}, {{"v", Value::floating(std::nan(""))}});  // 6
    writer.node({"N"}, {{"v", Value::boolean(true)}});           // 7
    writer.node({"N"});                                          // 8
    writer.node({"M"}, {{"v", Value::integer(1)}});              // 9
    writer.commit();
  }
  const IndexId i = index_of(graph(), "i");
  for (int round = 0; round < 2; ++round) {
    {
      const Snapshot snapshot = graph().snapshot();
      const auto reader = snapshot.reader();
      using Ids = std::vector<uint64_t>;
      EXPECT_EQ(all(reader->index_range(i, {{Value::integer(1)}, false}, {})), (Ids{1, 2}));
      EXPECT_EQ(all(reader->index_range(i, {{Value::floating(1.0)}, true}, {{Value::integer(2)}, false})), (Ids{0, 1}));
      EXPECT_EQ(all(reader->index_range(i, {}, {{Value::floating(1.5)}, true})), (Ids{0, 1}));
      EXPECT_EQ(all(reader->index_range(i, {{Value::string("ab")}, false}, {})), (Ids{4, 5}));
      EXPECT_EQ(all(reader->index_prefix(i, "ab")), (Ids{3, 4}));
      EXPECT_EQ(all(reader->index_prefix(i, "")), (Ids{3, 4, 5}));
      EXPECT_TRUE(all(reader->index_range(i, {{Value()}, true}, {})).empty());
      EXPECT_TRUE(all(reader->index_range(i, {{Value::integer(3)}, true}, {{Value::integer(2)}, true})).empty());
      Ids out;
      reader->index_lookup(i, std::vector{Value::floating(1.0)}, &out);
      EXPECT_EQ(out, (Ids{0})) << "1 = 1.0";
      out.clear();
      reader->index_lookup(i, std::vector{Value::floating(std::nan(""))}, &out);
      EXPECT_TRUE(out.empty()) << "NaN equals nothing";
      EXPECT_EQ(reader->index_entry_count(i), 8u);
      EXPECT_OK(reader->status());
    }
    reopen();
  }
}

TEST_P(GraphTest, ValuesWithoutOrderAreFoundByComparing) {
  Writer writer(graph());
  must(writer->create_index({"i", IndexKind::kRange, EntityKind::kNode, "N", {"v"}}).status());
  const Value map = Value::map({{Value::string("a"), Value::integer(1)}});
  const NodeId id = writer.node({"N"}, {{"v", map}});
  writer.node({"N"}, {{"v", Value::integer(1)}});
  std::vector<uint64_t> out;
  writer->reader().index_lookup(writer->reader().schema().find_index("i")->id, std::vector{map}, &out);
  EXPECT_EQ(out, std::vector{id.value});
}

TEST_P(GraphTest, UniqueConstraintHoldsAtEveryWrite) {
  Writer writer(graph());
  must(writer->create_constraint({"c", ConstraintKind::kUnique, EntityKind::kNode, "N", {"v"}}));
  const NodeId a = writer.node({"N"}, {{"v", Value::string("x")}});
  const NodeId b = writer.node({"N"}, {{"v", Value::string("y")}});
  const NodeId c = writer.node({}, {{"v", Value::string("x")}});
  const KeyId v = must(writer->key("v"));
  const LabelId n = must(writer->label("N"));
  const auto refused = [&](const Status& status) {
    EXPECT_EQ(status.code(), ErrorCode::kUniqueConstraint);
    EXPECT_NE(status.message().find("`N`"), std::string::npos) << status.message();
    EXPECT_NE(status.message().find("x"), std::string::npos) << status.message();
    writer->rollback_statement();
  };
  must(writer->begin_statement());
  refused(writer->set_node_property(b, v, Value::string("x")));
  must(writer->begin_statement());
  refused(writer->add_label(c, n).status());
  must(writer->begin_statement());
  refused(writer->create_node(std::vector{n}, writer.properties({{"v", Value::string("x")}})).status());
  // Freed by a change in the same statement.
  must(writer->begin_statement());
  must(writer->set_node_property(a, v, Value::string("z")));
  must(writer->set_node_property(b, v, Value::string("x")));
  must(writer->finish_statement());
  must(writer->begin_statement());
  must(writer->detach_delete_node(b, nullptr));
  EXPECT_TRUE(must(writer->add_label(c, n)));
  must(writer->finish_statement());
  writer.commit();
  reopen();
  const Snapshot snapshot = graph().snapshot();
  std::vector<uint64_t> out;
  snapshot.reader()->index_lookup(index_of(graph(), "c"), std::vector{Value::string("x")}, &out);
  EXPECT_EQ(out, std::vector{c.value});
}

TEST_P(GraphTest, IndexIsBuiltOverWhatIsThereAndADuplicateIsNamed) {
  Writer writer(graph());
  for (int i = 0; i < 100; ++i) writer.node({"N"}, {{"v", Value::integer(i % 60)}});
  must(writer->create_index({"i", IndexKind::kRange, EntityKind::kNode, "N", {"v"}}).status());
  EXPECT_EQ(all(writer->reader().index_range(writer->reader().schema().find_index("i")->id, {}, {})).size(), 100u);
  must(writer->begin_statement());
  must(writer->drop_index("i"));
  const Status status = writer->create_constraint({"c", ConstraintKind::kUnique, EntityKind::kNode, "N", {"v"}});
  EXPECT_EQ(status.code(), ErrorCode::kUniqueConstraint);
  writer->rollback_statement();
  EXPECT_NE(writer->reader().schema().find_index("i"), nullptr);
  writer.commit();
  const Snapshot snapshot = graph().snapshot();
  EXPECT_NEAR(static_cast<double>(snapshot.reader()->index_distinct_count(index_of(graph(), "i"))), 60, 6);
}

// Kinds of values, zeros, empty texts, texts with a long beginning in common: an index that is built over what is there
// holds what one holds that saw it come, in the same order.
TEST_P(GraphTest, AnIndexBuiltLaterIsTheOneThatWasThere) {
  Writer writer(graph());
  must(writer->create_index({"before", IndexKind::kRange, EntityKind::kNode, "N", {"v"}}).status());
  must(writer->create_index({"pairs", IndexKind::kRange, EntityKind::kNode, "N", {"v", "w"}}).status());
  std::mt19937_64 random(11);
  const auto value = [&]() -> Value {
    const auto pick = static_cast<int64_t>(random() % 50);
    switch (random() % 8) {
      case 0: return Value::integer(pick - 25);
      case 1: return Value::integer((pick - 25) << 50);
      case 2: return Value::floating(static_cast<double>(pick) / 8 - 3);
      case 3: return Value::string(std::string(static_cast<size_t>(pick % 20), 'a'));
      case 4: return Value::string("all of these begin alike " + std::to_string(pick));
      case 5: return Value::string(std::string("\0\xff\0", 3) + std::to_string(pick));
      case 6: return Value::boolean(pick % 2 == 0);
      default: return Value::string(std::string(static_cast<size_t>(pick * 20), 'x'));
    }
  };
  for (int i = 0; i < 3'000; ++i) writer.node({"N"}, {{"v", value()}, {"w", value()}});
  writer.node({"N"});
  must(writer->begin_statement());
  const auto entries = [&](const char* name) {
    const IndexId id = writer->reader().schema().find_index(name)->id;
    std::vector<std::vector<uint64_t>> out;  // the order within each kind of value
    out.push_back(all(writer->reader().index_range(id, {{Value::integer(INT64_MIN)}, true}, {})));
    out.push_back(all(writer->reader().index_range(id, {{Value::string("")}, true}, {})));
    out.push_back(all(writer->reader().index_prefix(id, "all of")));
    out.push_back(all(writer->reader().index_range(id, {{Value::boolean(false)}, true}, {})));
    return out;
  };
  for (const char* name : {"before", "pairs"}) {
    const auto expected = entries(name);
    EXPECT_EQ(expected[0].size() + expected[1].size() + expected[3].size(), 3'000u);
    EXPECT_GT(expected[2].size(), 100u);
    must(writer->drop_index(name));
    must(writer
             ->create_index({name, IndexKind::kRange, EntityKind::kNode, "N",
                             name[0] == 'b' ? std::vector<std::string>{"v"} : std::vector<std::string>{"v", "w"}})
             .status());
    EXPECT_EQ(entries(name), expected) << name;
  }
  writer.commit();
  EXPECT_TRUE(must(graph().verify(true, {})).errors.empty());
}

// Nodes that are not in memory are read as they are stored, beside those of blocks that are, or that the same
// transaction has changed.
TEST_P(GraphTest, AnIndexIsBuiltOverNodesThatAreNotInMemory) {
  constexpr int kNodes = 4'000;
  std::vector<NodeId> nodes;
  {
    Writer writer(graph());
    for (int i = 0; i < kNodes; ++i) {
      const Value number = Value::integer(i);
      nodes.push_back(i % 3 != 0   ? writer.node({}, {{"v", number}})
                      : i % 6 != 0 ? writer.node({"N"}, {{"v", number}})
                                   : writer.node({"N"}, {{"a", Value::string("x")}, {"v", number}, {"z", number}}));
    }
    writer.commit();
  }
  graph().drop_cache();
  {
    const Snapshot snapshot = graph().snapshot();
    const auto reader = snapshot.reader();
    for (size_t i = 1000; i < 1600; ++i)
      reader->node_property(nodes[i], *reader->find_key("v"));  // some of them are loaded
  }
  Writer writer(graph());
  writer.set(nodes[3000], "v", Value::integer(-1));
  must(writer->begin_statement());
  must(writer->delete_node(nodes[3300]).status());
  must(writer->create_index({"i", IndexKind::kRange, EntityKind::kNode, "N", {"v"}}).status());
  must(writer->create_index({"p", IndexKind::kRange, EntityKind::kNode, "N", {"z", "a"}}).status());
  const auto ids_of = [&](const char* name) {
    return all(writer->reader().index_range(writer->reader().schema().find_index(name)->id, {}, {}));
  };
  std::vector<uint64_t> expected{nodes[3000].value}, pairs;
  for (int i = 0; i < kNodes; i += 3) {
    const uint64_t id = nodes[static_cast<size_t>(i)].value;
    if (i != 3000 && i != 3300) expected.push_back(id);
    if (i % 6 == 0 && i != 3300) pairs.push_back(id);
  }
  EXPECT_EQ(ids_of("i"), expected);
  EXPECT_EQ(ids_of("p"), pairs);
  must(writer->finish_statement());
  writer.commit();
  EXPECT_TRUE(must(graph().verify(true, {})).errors.empty());
}

TEST_P(GraphTest, SchemaChangesAreRefusedForGoodReasons) {
  Writer writer(graph());
  const auto code = [&](const IndexDefinition& d) { return writer->create_index(d).status().code(); };
  must(writer->create_index({"i", IndexKind::kRange, EntityKind::kNode, "N", {"v"}}).status());
  EXPECT_EQ(code({"i", IndexKind::kRange, EntityKind::kNode, "M", {"v"}}), ErrorCode::kConstraint) << "name taken";
  EXPECT_EQ(code({"j", IndexKind::kRange, EntityKind::kNode, "N", {"v"}}), ErrorCode::kConstraint) << "the same again";
  EXPECT_EQ(code({"j", IndexKind::kRange, EntityKind::kNode, "N", {}}), ErrorCode::kInvalidParams);
  EXPECT_EQ(code({"j", IndexKind::kRange, EntityKind::kNode, "N", {"a", "a"}}), ErrorCode::kConstraint);
  for (IndexKind kind :
       {IndexKind::kText, IndexKind::kPoint, IndexKind::kVector, IndexKind::kFulltext, IndexKind::kLookup}) {
    EXPECT_EQ(code({"j", kind, EntityKind::kNode, "N", {"w"}}), ErrorCode::kUnsupported);
  }
  EXPECT_EQ(writer->create_constraint({"c", ConstraintKind::kNotNull, EntityKind::kNode, "N", {"w"}}).code(),
            ErrorCode::kUnsupported);
  must(writer->create_constraint({"", ConstraintKind::kUnique, EntityKind::kNode, "N", {"w"}}));
  const std::string name = writer->reader().schema().constraints[0].definition.name;
  EXPECT_FALSE(name.empty());
  EXPECT_EQ(writer->drop_index(name).code(), ErrorCode::kConstraint) << "an index of a constraint";
  EXPECT_EQ(writer->drop_index("none").code(), ErrorCode::kNotFound);
  EXPECT_EQ(writer->drop_constraint("none").code(), ErrorCode::kNotFound);
  must(writer->drop_constraint(name));
  const Value large = Value::string(std::string(kIndexEntryBytesMax + 1, 'x'));
  const auto node =
      writer->create_node(std::vector{must(writer->label("N"))}, std::vector{Property{must(writer->key("v")), large}});
  EXPECT_EQ(node.status().code(), ErrorCode::kLimit);
}

}  // namespace
}  // namespace lora::graph
