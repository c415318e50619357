// Relationships whose ends are put into lists later: nobody can see that they are late.
#include "graph/list_inserts.h"

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <span>
#include <tuple>

#include "tests/graph/graph_fixture.h"

namespace lora::graph {
namespace {

using End = ListInserts::End;

constexpr uint64_t kMany = 40;  // more than a statement puts into lists at once

TEST(ListInsertsTest, AnEndKeepsIdsOfAllSizes) {
  for (uint64_t node : {uint64_t{0}, uint64_t{1} << 31, kIdMax}) {
    for (uint64_t neighbour : {uint64_t{0}, (uint64_t{1} << 32) + 5, kIdMax}) {
      const End end(node, neighbour, ~uint32_t{0} - 1);
      EXPECT_EQ(end.node(), node);
      EXPECT_EQ(end.neighbour(), neighbour);
      EXPECT_EQ(end.order(), ~uint32_t{0} - 1);
    }
  }
}

TEST(ListInsertsTest, EndsAreSortedLikeLists) {
  std::mt19937_64 random(7);
  for (const uint64_t nodes : {uint64_t{1}, uint64_t{200}, uint64_t{5000}, kIdMax}) {
    for (const size_t count : {size_t{0}, size_t{1}, size_t{3}, size_t{3000}}) {
      std::vector<End> ends, expected;
      for (uint32_t i = 0; i < count; ++i) ends.emplace_back(random() % nodes, random() % nodes, i);
      expected = ends;
      std::sort(expected.begin(), expected.end(), [](const End& a, const End& b) {
        return std::tuple(a.node(), a.neighbour(), a.order()) < std::tuple(b.node(), b.neighbour(), b.order());
      });
      ListInserts::sort(&ends);
      EXPECT_TRUE(ends == expected) << nodes << " nodes, " << count << " ends";
    }
  }
}

TEST(ListInsertsTest, RelationshipsAreFoundByTheirOrder) {
  ListInserts inserts;
  EXPECT_TRUE(inserts.empty());
  inserts.add(RelTypeId(3), NodeId(1), NodeId(2), RelId(70));
  inserts.add(RelTypeId(0), NodeId(2), NodeId(2), RelId(90));
  inserts.add(RelTypeId(3), NodeId(5), NodeId(1), RelId(91));
  EXPECT_EQ(inserts.size(), 3u);
  ASSERT_EQ(inserts.types().size(), 2u);
  const ListInserts::OfType& three = inserts.types().at(3);
  ASSERT_EQ(three.out.size(), 2u);
  EXPECT_EQ(three.out[1].node(), 5u);
  EXPECT_EQ(inserts.relationship(three.out[1]), RelId(91));
  EXPECT_EQ(inserts.relationship(three.in[0]), RelId(70));
  inserts.clear();
  EXPECT_TRUE(inserts.empty());
  EXPECT_TRUE(inserts.types().empty());
}

// A statement that has made `kMany` relationships from one node to others, and has not ended.
class PutOffTest : public ::testing::Test {
 protected:
  PutOffTest() {
    {
      Writer writer(*graph_);
      hub_ = writer.node({"Hub"});
      for (uint64_t i = 0; i < kMany; ++i) others_.push_back(writer.node({"Other"}));
      type_ = must(writer->rel_type("R"));
      label_ = must(writer->label("Hub"));
      writer.commit();
    }
    transaction_ = begin(*graph_);
    must(transaction_->begin_statement());
    for (NodeId other : others_) rels_.push_back(must(transaction_->create_relationship(type_, hub_, other, {})));
  }
  Reader& reader() { return transaction_->reader(); }
  uint64_t committed_degree() {
    const Snapshot snapshot = graph_->snapshot();
    return snapshot.reader()->degree(hub_, Direction::kOut, type_);
  }

  std::unique_ptr<Graph> graph_ = must(Graph::open({}));
  NodeId hub_;
  std::vector<NodeId> others_;
  std::vector<RelId> rels_;
  RelTypeId type_;
  LabelId label_;
  std::unique_ptr<Transaction> transaction_;
};

TEST_F(PutOffTest, EachWayToReadListsSeesThem) {
  const std::function<uint64_t(Reader&)> ways[] = {
      [&](Reader& r) { return r.degree(hub_, Direction::kOut, type_); },
      [&](Reader& r) {
        const uint64_t ids[] = {hub_.value};
        int64_t degree = 0;
        r.add_degrees(ids, Direction::kOut, type_, &degree);
        return static_cast<uint64_t>(degree);
      },
      [&](Reader& r) { return list_of(r, hub_, Direction::kOut, type_).size(); },
      [&](Reader& r) {
        uint64_t found = 0;
        std::vector<uint64_t> ids;
        for (NodeId other : others_) {
          ids.clear();
          r.relationships_between(other, hub_, Direction::kIn, type_, &ids);
          found += ids.size();
        }
        return found;
      },
      [&](Reader& r) {
        std::vector<RelTypeId> types;
        r.adjacent_types(hub_, Direction::kOut, &types);
        return types.size() * kMany;
      },
  };
  for (const auto& way : ways) {
    EXPECT_EQ(way(reader()), kMany);
    transaction_->rollback_statement();
    EXPECT_EQ(reader().degree(hub_, Direction::kOut, type_), 0u);
    must(transaction_->begin_statement());
    for (NodeId other : others_) must(transaction_->create_relationship(type_, hub_, other, {}).status());
  }
  const NodeId loop = hub_;
  for (uint64_t i = 0; i < kMany; ++i) must(transaction_->create_relationship(type_, loop, loop, {}).status());
  const uint64_t ids[] = {loop.value};
  int64_t loops = 0;
  reader().add_loops(ids, type_, &loops);
  EXPECT_EQ(loops, static_cast<int64_t>(kMany));
}

// Types that change, and ends with more labels than a call adds up by itself.
TEST_F(PutOffTest, SeveralInOneCallAreAsOneAfterTheOther) {
  must(transaction_->finish_statement());
  must(transaction_->begin_statement());
  const RelTypeId types[] = {type_, must(transaction_->rel_type("S")), must(transaction_->rel_type("T"))};
  std::vector<LabelId> labels;
  for (int i = 0; i < 12; ++i) labels.push_back(must(transaction_->label("L" + std::to_string(i))));
  std::vector<NodeId> nodes;
  for (size_t i = 0; i < 6; ++i) {
    nodes.push_back(must(transaction_->create_node(std::span(labels).first(labels.size() - i), {})));
  }
  const Property property{must(transaction_->key("p")), Value::integer(7)};
  std::mt19937_64 random(11);
  std::vector<NewRelationship> some;
  const auto fill = [&](size_t count) {
    some.clear();
    while (some.size() < count) {
      some.push_back({types[random() % 3], nodes[random() % 6], nodes[random() % 6], {}});
      if (random() % 2 == 0) some.back().properties = {&property, 1};
    }
  };
  std::map<std::tuple<LabelId, RelTypeId, Direction>, uint64_t> expected;
  for (const size_t count : {0, 1, 3, 40, 200}) {
    fill(count);
    size_t made = 1;
    must(transaction_->create_relationships(some, &made));
    ASSERT_EQ(made, count);
    for (const NewRelationship& each : some) {
      for (const Direction direction : {Direction::kOut, Direction::kIn}) {
        const NodeId node = direction == Direction::kOut ? each.start : each.end;
        const auto has = labels.size() - static_cast<size_t>(std::ranges::find(nodes, node) - nodes.begin());
        for (size_t i = 0; i < has; ++i) ++expected[{labels[i], each.type, direction}];
      }
    }
    for (const auto& [key, relationships] : expected) {
      const auto& [label, type, direction] = key;
      ASSERT_EQ(reader().relationship_count(label, type, direction), relationships);
    }
  }
  must(transaction_->finish_statement());
  const uint64_t before = reader().relationship_count();
  must(transaction_->begin_statement());
  fill(50);
  some[33].end = NodeId(1'000'000);
  size_t made = 0;
  EXPECT_EQ(transaction_->create_relationships(some, &made).code(), ErrorCode::kNotFound);
  EXPECT_EQ(made, 33u);
  transaction_->rollback_statement();
  EXPECT_EQ(reader().relationship_count(), before);
  must(transaction_->commit().status());
  const VerifyReport report = must(graph_->verify(true, {}));
  for (const std::string& error : report.errors) ADD_FAILURE() << error;
}

TEST_F(PutOffTest, TheStatementsEndTheNextOneAndTheCommitSeeThem) {
  must(transaction_->finish_statement());
  must(transaction_->begin_statement());
  transaction_->rollback_statement();
  // Without a statement, then with one that is undone.
  for (NodeId other : others_) must(transaction_->create_relationship(type_, hub_, other, {}).status());
  must(transaction_->begin_statement());
  for (NodeId other : others_) must(transaction_->create_relationship(type_, hub_, other, {}).status());
  transaction_->rollback_statement();
  for (NodeId other : others_) must(transaction_->create_relationship(type_, other, hub_, {}).status());
  must(transaction_->commit().status());
  EXPECT_EQ(committed_degree(), 2 * kMany);
  const VerifyReport report = must(graph_->verify(true, {}));
  for (const std::string& error : report.errors) ADD_FAILURE() << error;
}

TEST_F(PutOffTest, DeletesLabelsAndClearSeeThem) {
  bool deleted = must(transaction_->delete_relationship(rels_[kMany - 1]));
  EXPECT_TRUE(deleted);
  // The count of relationships by label of their start is that of the lists.
  for (NodeId other : others_) must(transaction_->create_relationship(type_, hub_, other, {}).status());
  must(transaction_->remove_label(hub_, label_).status());
  must(transaction_->add_label(hub_, label_).status());
  EXPECT_EQ(reader().relationship_count(label_, type_, Direction::kOut), 2 * kMany - 1);
  for (NodeId other : others_) must(transaction_->create_relationship(type_, hub_, other, {}).status());
  uint64_t gone = 0;
  EXPECT_TRUE(must(transaction_->detach_delete_node(others_[3], &gone)));
  EXPECT_EQ(gone, 3u);
  must(transaction_->finish_statement());
  must(transaction_->begin_statement());
  for (uint64_t i = 0; i < kMany; ++i) must(transaction_->create_relationship(type_, hub_, others_[0], {}).status());
  EXPECT_TRUE(must(transaction_->delete_node(others_[0])));
  EXPECT_EQ(transaction_->finish_statement().code(), ErrorCode::kForeignKey);
  transaction_->rollback_statement();
  must(transaction_->begin_statement());
  for (NodeId other : {others_[0], others_[1]}) {
    for (uint64_t i = 0; i < kMany; ++i) must(transaction_->create_relationship(type_, hub_, other, {}).status());
  }
  must(transaction_->clear());
  const NodeId fresh = must(transaction_->create_node({}, {}));
  EXPECT_EQ(reader().degree(fresh, Direction::kOut, type_), 0u);
  EXPECT_EQ(reader().degree(hub_, Direction::kOut, type_), 0u);
  must(transaction_->finish_statement());
  must(transaction_->commit().status());
  EXPECT_EQ(committed_degree(), 0u);
  const VerifyReport report = must(graph_->verify(true, {}));
  for (const std::string& error : report.errors) ADD_FAILURE() << error;
}

TEST(ListInsertsTest, LargeGraphsKeepMore) {
  EXPECT_EQ(ListInserts::most(0), size_t{1} << 17);
  EXPECT_EQ(ListInserts::most(100'000), size_t{1} << 17);
  EXPECT_EQ(ListInserts::most(1'000'000), 1'000'000u);
  EXPECT_EQ(ListInserts::most(uint64_t{1} << 40), size_t{1} << 20);
}

TEST_F(PutOffTest, ALoadOfMoreThanAreKeptIsWhole) {
  const size_t count = ListInserts::most(kMany) + 100;
  for (size_t i = 0; i < count; ++i) {
    must(transaction_->create_relationship(type_, others_[i % kMany], hub_, {}).status());
  }
  EXPECT_LT(transaction_->memory_bytes(), uint64_t{200} << 20);
  must(transaction_->finish_statement());
  EXPECT_EQ(reader().degree(hub_, Direction::kIn, type_), count);
  EXPECT_EQ(reader().degree(hub_, Direction::kOut, type_), kMany);
  transaction_->rollback();
  EXPECT_EQ(committed_degree(), 0u);
}

}  // namespace
}  // namespace lora::graph
