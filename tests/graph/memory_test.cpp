// Graphs larger than the memory they may use, hubs, large commits, and readers beside a writer.
#include <algorithm>
#include <atomic>
#include <numeric>
#include <random>
#include <thread>

#include "graph/bulk_load.h"
#include "tests/graph/graph_fixture.h"

namespace lora::graph {
namespace {

INSTANTIATE_TEST_SUITE_P(Stores, GraphTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Disk" : "Memory"; });

void expect_sound(Graph& graph, bool full = true) {
  const VerifyReport report = must(graph.verify(full, {}));
  for (const std::string& error : report.errors) {
    ADD_FAILURE() << error;
  }
}

class SmallMemoryTest : public GraphTest {
 protected:
  void SetUp() override {
    options_.cache_bytes = 10ull << 20;
    GraphTest::SetUp();
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, SmallMemoryTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Disk" : "Memory"; });

TEST_P(SmallMemoryTest, GraphTenTimesTheBudgetWorksWithinIt) {
  constexpr uint64_t kNodes = 60'000;
  constexpr uint64_t kBatch = 3'000;
  LabelId person;
  RelTypeId knows;
  KeyId id_key;
  KeyId text_key;
  {
    Writer writer(graph());
    person = must(writer->label("Person"));
    knows = must(writer->rel_type("KNOWS"));
    id_key = must(writer->key("id"));
    text_key = must(writer->key("text"));
    writer.commit();
  }
  const auto text_of = [](uint64_t i) { return std::string(400, static_cast<char>('a' + i % 26)) + std::to_string(i); };
  for (uint64_t from = 0; from < kNodes; from += kBatch) {
    auto t = begin(graph());
    for (uint64_t i = from; i < from + kBatch; ++i) {
      const Property properties[] = {{id_key, Value::integer(static_cast<int64_t>(i))},
                                     {text_key, Value::string(text_of(i))}};
      const LabelId labels[] = {person};
      ASSERT_EQ(must(t->create_node(labels, properties)).value, i);
      for (uint64_t k = 1; k <= 3 && i > 0; ++k) {
        must(t->create_relationship(knows, NodeId(i), NodeId(i * 7919 * k % i), {}).status());
      }
    }
    must(t->commit());
  }
  const GraphStats built = graph().stats();
  EXPECT_LE(built.cache_bytes_used, built.cache_bytes_limit * 3 / 2);
  const Snapshot snapshot = graph().snapshot();
  const auto reader = snapshot.reader();
  EXPECT_EQ(all(reader->scan_nodes(person)).size(), kNodes);
  std::mt19937_64 random(1);
  std::vector<Neighbours> segments;
  uint64_t most = 0;
  for (int i = 0; i < 3'000; ++i) {
    const uint64_t id = 1 + random() % (kNodes - 1);
    ASSERT_EQ(reader->node_property(NodeId(id), id_key).as_integer(), static_cast<int64_t>(id));
    ASSERT_EQ(reader->node_property(NodeId(id), text_key).as_string(), text_of(id));
    ASSERT_EQ(reader->degree(NodeId(id), Direction::kOut, knows), 3u);
    const auto list = list_of(*reader, NodeId(id), Direction::kOut, knows);
    ASSERT_EQ(list.size(), 3u);
    ASSERT_TRUE(std::is_sorted(list.begin(), list.end()));
    ASSERT_EQ(reader->relationship(RelId(list[0].second))->end.value, list[0].first);
    reader->unpin_batch();
    most = std::max(most, graph().stats().cache_bytes_used);
  }
  // A scan of everything by another road.
  PropertyColumn column;
  uint64_t sum = 0;
  EntityScan scan = reader->scan_nodes(std::nullopt);
  uint64_t ids[2048];
  for (size_t n = 0; (n = scan.next(ids, 2048)) != 0;) {
    reader->gather_node_property({ids, n}, id_key, &column);
    ASSERT_EQ(column.kind, PropertyColumn::Kind::kIntegers);
    for (int64_t v : column.integers) sum += static_cast<uint64_t>(v);
    reader->unpin_batch();
    most = std::max(most, graph().stats().cache_bytes_used);
  }
  EXPECT_EQ(sum, kNodes * (kNodes - 1) / 2);
  EXPECT_OK(reader->status());
  const GraphStats stats = graph().stats();
  EXPECT_GT(stats.chunk_evictions, 100u);
  EXPECT_LE(most, stats.cache_bytes_limit * 3 / 2) << "limit " << stats.cache_bytes_limit;
  expect_sound(graph());
}

// A change of one small value keeps the whole block of 256 rows in memory until it is written.
TEST_P(SmallMemoryTest, SmallChangesOfLargeBlocksStayWithinTheBudget) {
  constexpr uint64_t kNodes = 10'000;  // 4 KiB each
  const auto text_of = [](uint64_t i) {
    return std::to_string(i) + std::string(4096, static_cast<char>('a' + i % 26));
  };
  for (uint64_t from = 0; from < kNodes; from += 500) {
    Writer writer(graph());
    for (uint64_t i = from; i < from + 500; ++i) writer.node({}, {{"text", Value::string(text_of(i))}});
    writer.commit();
  }
  uint64_t most = 0;
  const auto note = [&] { most = std::max(most, graph().stats().cache_bytes_used); };
  for (uint64_t i = 0; i < 400; ++i) {
    Writer writer(graph());
    writer.set(NodeId(i * 256 % kNodes), "flag", Value::integer(static_cast<int64_t>(i)));
    writer.commit();
    note();
  }
  const Snapshot snapshot = graph().snapshot();
  const auto reader = snapshot.reader();
  for (uint64_t id = 0; id < kNodes; id += 32) {
    ASSERT_EQ(reader->node_property(NodeId(id), *reader->find_key("text")).as_string(), text_of(id));
    reader->unpin_batch();
    note();
  }
  const uint64_t limit = graph().stats().cache_bytes_limit;
  EXPECT_LE(most, limit * 3 / 2) << "limit " << limit;
}

// What is evicted under a batch stays until the batch ends: scattered reads of large values must not pile it up.
TEST_P(SmallMemoryTest, OneBatchOfScatteredReadsStaysNearTheBudget) {
  constexpr uint64_t kNodes = 20'000, kRelationships = 60'000, kRows = 2'048;  // 4 KiB a node
  const auto text_of = [](uint64_t i) {
    return std::to_string(i) + std::string(4096, static_cast<char>('a' + i % 26));
  };
  std::mt19937_64 random(3);
  std::vector<std::pair<uint64_t, uint64_t>> ends;
  for (uint64_t from = 0; from < kNodes; from += 500) {
    Writer writer(graph());
    for (uint64_t i = from; i < from + 500; ++i) {
      writer.node({"N"}, {{"text", Value::string(text_of(i))}, {"i", Value::integer(static_cast<int64_t>(i))}});
    }
    writer.commit();
  }
  for (uint64_t from = 0; from < kRelationships; from += 5'000) {
    Writer writer(graph());
    for (uint64_t i = from; i < from + 5'000; ++i) {
      ends.emplace_back(random() % kNodes, random() % kNodes);
      writer.relationship(NodeId(ends.back().first), "T", NodeId(ends.back().second),
                          {{"i", Value::integer(static_cast<int64_t>(i))}});
    }
    writer.commit();
  }
  const Snapshot snapshot = graph().snapshot();
  const auto reader = snapshot.reader();
  const KeyId text = *reader->find_key("text"), number = *reader->find_key("i");
  const RelTypeId type = *reader->find_rel_type("T");
  const LabelId label = *reader->find_label("N");
  uint64_t most = 0;
  PropertyColumn texts, numbers;
  for (int round = 0; round < 2; ++round) {
    std::vector<uint64_t> rels(kRows), starts(kRows), finish(kRows);
    for (uint64_t& id : rels) id = random() % kRelationships;
    reader->relationship_ends(rels, starts.data(), finish.data());
    reader->gather_relationship_property(rels, number, &numbers);
    ASSERT_EQ(numbers.kind, PropertyColumn::Kind::kIntegers);
    for (size_t i = 0; i < kRows; ++i) {
      ASSERT_EQ(std::pair(starts[i], finish[i]), ends[rels[i]]);
      ASSERT_EQ(numbers.integers[i], static_cast<int64_t>(rels[i]));
    }
    for (const std::vector<uint64_t>& ids : {starts, finish}) {
      reader->gather_node_property(ids, text, &texts);
      ASSERT_EQ(texts.kind, PropertyColumn::Kind::kValues);
      for (size_t i = 0; i < kRows; ++i) ASSERT_EQ(texts.values[i].as_string(), text_of(ids[i]));
      reader->gather_node_property(ids, number, &numbers);
      for (size_t i = 0; i < kRows; ++i) ASSERT_EQ(numbers.integers[i], static_cast<int64_t>(ids[i]));
    }
    for (const uint64_t id : starts) {
      ASSERT_TRUE(reader->has_label(NodeId(id), label));
      ASSERT_EQ(reader->node_property(NodeId(id), number).as_integer(), static_cast<int64_t>(id));
      ASSERT_EQ(reader->node_property(NodeId(id), text).as_string(), text_of(id));
      std::vector<Property> all_of_them;
      reader->node_properties(NodeId(id), &all_of_them);
      ASSERT_EQ(all_of_them.size(), 2u);
      ASSERT_GE(list_of(*reader, NodeId(id), Direction::kOut, type).size(), 1u);
    }
    std::vector<uint64_t> tested = finish;
    const PropertyTest low[] = {{number, '<', Value::integer(10'000)}};
    reader->test_entities(EntityKind::kNode, low, &tested);
    ASSERT_EQ(tested.size(),
              static_cast<size_t>(std::ranges::count_if(finish, [](uint64_t id) { return id < 10'000; })));
    most = std::max(most, graph().stats().cache_bytes_used);
    reader->unpin_batch();
  }
  EXPECT_OK(reader->status());
  EXPECT_LE(most, graph().stats().cache_bytes_limit + (uint64_t{16} << 20));
}

TEST_P(GraphTest, HubGrowsShrinksAndSurvives) {
  RelTypeId type;
  NodeId hub;
  constexpr uint64_t kSpokes = 3'000;
  {
    Writer writer(graph());
    hub = writer.node({"Hub"});
    type = must(writer->rel_type("T"));
    for (uint64_t i = 0; i < kSpokes; ++i) writer.node({"Spoke"});
    writer.commit();
  }
  std::vector<uint64_t> order;
  for (uint64_t i = 1; i <= kSpokes; ++i) order.push_back(i);
  std::shuffle(order.begin(), order.end(), std::mt19937_64(2));
  std::vector<std::pair<uint64_t, uint64_t>> wanted;
  for (size_t from = 0; from < order.size(); from += 500) {
    auto t = begin(graph());
    for (size_t i = from; i < from + 500; ++i) {
      wanted.emplace_back(order[i], must(t->create_relationship(type, hub, NodeId(order[i]), {})).value);
    }
    must(t->commit());
  }
  std::sort(wanted.begin(), wanted.end());
  const auto check = [&] {
    const Snapshot snapshot = graph().snapshot();
    const auto reader = snapshot.reader();
    EXPECT_EQ(list_of(*reader, hub, Direction::kOut, type), wanted);
    EXPECT_EQ(reader->degree(hub, Direction::kOut, type), wanted.size());
  };
  check();
  reopen();
  check();
  while (wanted.size() > 20) {
    auto t = begin(graph());
    std::mt19937_64 random(wanted.size());
    for (size_t i = wanted.size() / 2; i > 0; --i) {
      const size_t at = random() % wanted.size();
      EXPECT_TRUE(must(t->delete_relationship(RelId(wanted[at].second))));
      wanted.erase(wanted.begin() + static_cast<long>(at));
    }
    must(t->commit());
    check();
    reopen();
    check();
  }
  expect_sound(graph());
}

TEST_P(GraphTest, LargeCommitGoesThroughSortedRuns) {
  {
    Writer writer(graph());
    must(writer->create_constraint({"u", ConstraintKind::kUnique, EntityKind::kNode, "N", {"i"}}));
    for (int i = 0; i < 30'000; ++i) writer.node({"N"}, {{"i", Value::integer(i)}});
    writer.commit();
  }
  {
    Writer writer(graph());
    const RelTypeId type = must(writer->rel_type("T"));
    for (uint64_t i = 0; i < 15'000; ++i) {
      must(writer->create_relationship(type, NodeId(i), NodeId(29'999 - i), {}).status());
    }
    for (uint64_t i = 20'000; i < 25'000; ++i)
      must(writer->set_node_property(NodeId(i), must(writer->key("i")), Value()));
    writer.commit();
  }
  reopen();
  {
    const Snapshot snapshot = graph().snapshot();
    EXPECT_EQ(snapshot.reader()->index_entry_count(snapshot.reader()->schema().indexes[0].id), 25'000u);
  }
  expect_sound(graph());
  {
    Writer writer(graph());
    must(writer->clear());
    writer.node({"N"}, {{"i", Value::integer(1)}});
    writer.commit();
  }
  reopen();
  const Snapshot snapshot = graph().snapshot();
  EXPECT_EQ(snapshot.reader()->node_count(), 1u);
  expect_sound(graph());
}

TEST_P(GraphTest, TransactionOverItsLimitFailsAndTheGraphGoesOn) {
  must(graph().close());
  graph_.reset();
  options_.transaction_bytes_max = 1 << 20;
  open();
  auto t = begin(graph());
  Status status;
  for (int i = 0; i < 1'000'000 && status.ok(); ++i) status = t->create_node({}, {}).status();
  EXPECT_EQ(status.code(), ErrorCode::kLimit);
  EXPECT_EQ(status.info().detail, "transaction size");
  t.reset();
  Writer writer(graph());
  writer.node({"A"});
  writer.commit();
  EXPECT_EQ(graph().node_count(), 1u);
}

// Two threads call read(random) again and again, beside one that drops the in-memory form, until `write` has ended.
template <typename Read, typename Write>
void write_beside_readers(Graph& graph, Read&& read, Write&& write) {
  std::atomic<bool> stop{false};
  const auto again = [&](uint64_t seed) {
    std::mt19937_64 random(seed);
    while (!stop.load()) read(random);
  };
  std::thread first(again, 1);
  std::thread second(again, 2);
  std::thread dropper([&] {
    while (!stop.load()) {
      graph.drop_cache();
      std::this_thread::sleep_for(std::chrono::milliseconds(3));
    }
  });
  write();
  stop = true;
  first.join();
  second.join();
  dropper.join();
}

TEST_P(GraphTest, ReadersBesideAWriterSeeWholeCommits) {
  // Each commit adds two nodes and one relationship between them, and moves a counter property of node 0.
  RelTypeId type;
  KeyId counter;
  LabelId label;
  {
    Writer writer(graph());
    type = must(writer->rel_type("PAIR"));
    counter = must(writer->key("counter"));
    label = must(writer->label("L"));
    writer.node({"L"}, {{"counter", Value::integer(0)}});
    writer.commit();
  }
  std::atomic<uint64_t> checks{0};
  const auto read = [&](std::mt19937_64& random) {
    const Snapshot snapshot = graph().snapshot();
    const auto reader = snapshot.reader();
    for (int i = 0; i < 3; ++i) {
      const auto n = static_cast<uint64_t>(reader->node_property(NodeId(0), counter).as_integer());
      EXPECT_EQ(reader->node_count(), 1 + 2 * n);
      EXPECT_EQ(reader->relationship_count(), n);
      EXPECT_EQ(all(reader->scan_nodes(label)).size(), 1 + 2 * n);
      if (n > 0) {
        const auto pair = reader->relationship(RelId(random() % n));
        EXPECT_TRUE(pair.has_value());
        EXPECT_EQ(reader->degree(pair->start, Direction::kOut, type), 1u);
        EXPECT_EQ(reader->degree(pair->end, Direction::kIn, type), 1u);
        EXPECT_EQ(reader->find_label("none"), std::nullopt);
      }
      reader->unpin_batch();
      ++checks;
    }
    EXPECT_TRUE(reader->status().ok()) << reader->status().to_string();
  };
  const auto write = [&] {
    // On a busy machine the readers may get their first turn only after 150 commits.
    for (int i = 1; i <= 150 || checks.load() < 30; ++i) {
      Writer writer(graph());
      must(writer->begin_statement());
      const NodeId a = writer.node({"L"});
      const NodeId b = writer.node({"L"});
      writer.relationship(a, "PAIR", b);
      writer.set(NodeId(0), "counter", Value::integer(i));
      if (i % 10 == 0) must(writer->key("new key " + std::to_string(i)).status());
      must(writer->finish_statement());
      if (i % 3 == 0) {
        must(writer->begin_statement());
        writer.node({"Other"});
        writer->rollback_statement();
      }
      writer.commit();
    }
  };
  write_beside_readers(graph(), read, write);
  expect_sound(graph());
}

// Blocks lose their columns again and again, and readers ask for different ones of them, while a writer changes some.
TEST_P(GraphTest, ReadersBesideAWriterLoadDifferentColumns) {
  constexpr uint64_t kNodes = 1500;
  std::vector<KeyId> keys;
  {
    const auto load = must(BulkLoad::begin(graph(), std::chrono::steady_clock::now(), {}));
    for (const char* name : {"a", "b", "c", "d"}) keys.push_back(must(load->key(name)));
    for (uint64_t id = 0; id < kNodes; ++id) {
      std::vector<Property> properties;
      for (const KeyId key : keys) properties.push_back({key, Value::integer(static_cast<int64_t>(id % 7))});
      must(load->add_node({}, properties));
    }
    must(load->finish({}));
  }
  reopen();
  std::atomic<uint64_t> checks{0};
  // All values of a node move together, so that all columns of a version say the same.
  const auto read = [&](std::mt19937_64& random) {
    std::vector<uint64_t> ids(kNodes);
    std::iota(ids.begin(), ids.end(), uint64_t{0});
    const Snapshot snapshot = graph().snapshot();
    const auto reader = snapshot.reader();
    size_t count = SIZE_MAX;
    std::vector<int64_t> values;
    for (int i = 0; i < 3; ++i) {
      const KeyId key = keys[random() % keys.size()];
      const std::vector<PropertyTest> tests{{key, '<', Value::integer(5)}};
      EntityScan scan = reader->scan_nodes(std::nullopt, tests);
      size_t found = 0;
      uint64_t some[200];
      while (!scan.done()) found += scan.next(some, std::size(some));
      EXPECT_TRUE(count == SIZE_MAX || count == found);
      count = found;
      PropertyColumn column;
      reader->gather_node_property(ids, keys[random() % keys.size()], &column);
      EXPECT_TRUE(values.empty() || values == column.integers);
      values = column.integers;
      reader->unpin_batch();
      ++checks;
    }
    EXPECT_TRUE(reader->status().ok()) << reader->status().to_string();
  };
  const auto write = [&] {
    std::mt19937_64 random(3);
    for (int i = 1; i <= 100 || checks.load() < 60; ++i) {
      Writer writer(graph());
      must(writer->begin_statement());
      const uint64_t from = random() % kNodes, to = std::min(kNodes, from + (i % 5 == 0 ? 300 : 3));
      for (uint64_t id = from; id < to; ++id) {
        for (const KeyId key : keys) must(writer->set_node_property(NodeId(id), key, Value::integer(i % 11)));
      }
      i % 4 == 0 ? writer->rollback_statement() : must(writer->finish_statement());
      writer.commit();
    }
  };
  write_beside_readers(graph(), read, write);
  expect_sound(graph());
}

TEST_P(GraphTest, ManyWritersTakeTurns) {
  std::vector<std::thread> threads;
  for (int w = 0; w < 4; ++w) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        Writer writer(graph());
        writer.node({"L"}, {{"x", Value::integer(i)}});
        writer.commit();
        EXPECT_GT(graph().node_count(), 0u);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(graph().node_count(), 80u);
  reopen();
  EXPECT_EQ(graph().node_count(), 80u);
  expect_sound(graph());
}

}  // namespace
}  // namespace lora::graph
