// The in-memory form alone, without a store: what a pin, a neighbour, a property, an insert and a lookup cost.
// 100 000 nodes, 1 000 000 relationships (both directions), six properties a node, one integer index.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "graph/cache/budget.h"
#include "graph/cache/versions.h"

namespace lora::graph::cache {
namespace {

constexpr uint64_t kNodes = 100'000, kEdges = 1'000'000;
constexpr RelTypeId kType(0);
constexpr IndexId kIndex(0);

std::string index_key(uint64_t value, uint64_t id) {
  std::string key("\x05", 1);
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(value >> shift));
  for (int shift = 40; shift >= 0; shift -= 8) key.push_back(static_cast<char>(id >> shift));
  return key;
}

std::vector<Property> person(uint64_t id) {
  return {{KeyId(0), Value::integer(static_cast<int64_t>(id))},
          {KeyId(1), Value::string("person " + std::to_string(id))},
          {KeyId(2), Value::integer(static_cast<int64_t>(id % 90))},
          {KeyId(3), Value::string("city " + std::to_string(id % 50))},
          {KeyId(4), Value::floating(static_cast<double>(id) / 3)},
          {KeyId(5), Value::boolean(id % 2 == 0)}};
}

struct Data {
  Data() : versions([](const kv::Snapshot*) {}) {
    std::mt19937_64 random(1);
    std::vector<std::pair<uint64_t, uint64_t>> out, in;
    // Skewed ends, so that hubs are what relationships point at: about 65 two-hop paths per relationship.
    const auto pick = [&random] {
      const double u = static_cast<double>(random() >> 11) * 0x1.0p-53;
      const auto rank = static_cast<uint64_t>(std::pow(u, 2.5) * kNodes);
      return rank * 48271 % kNodes;
    };
    for (uint64_t r = 0; r < kEdges; ++r) out.push_back({pick(), pick()});
    Root root;
    root.next_node = kNodes;
    root.next_relationship = kEdges;
    root.reserve(kNodes * 2, kEdges * 2, 4, 4, 4);
    for (const Direction direction : {Direction::kOut, Direction::kIn}) {
      std::vector<std::vector<std::pair<uint64_t, uint64_t>>> lists(kNodes);
      for (uint64_t r = 0; r < kEdges; ++r) {
        const auto [a, b] = out[r];
        if (direction == Direction::kOut)
          lists[a].push_back({b, r});
        else
          lists[b].push_back({a, r});
      }
      for (uint64_t chunk = 0; chunk * 64 < kNodes; ++chunk) {
        TopologyBuilder builder;
        for (uint32_t row = 0; row < 64 && chunk * 64 + row < kNodes; ++row) {
          auto& list = lists[chunk * 64 + row];
          std::sort(list.begin(), list.end());
          std::vector<uint64_t> neighbours, relationships;
          for (const auto& [n, r] : list) {
            neighbours.push_back(n);
            relationships.push_back(r);
          }
          for (size_t from = 0; from < list.size(); from += 256) {
            const size_t count = std::min<size_t>(256, list.size() - from);
            builder.add_block(row, from == 0 ? BlockKey{} : BlockKey{list[from].first, list[from].second},
                              std::span(neighbours).subspan(from, count),
                              std::span(relationships).subspan(from, count));
          }
        }
        root.publish_topology_chunk(nullptr, kType, direction, chunk, builder.finish());
      }
    }
    for (uint64_t block = 0; block * 256 < kNodes; ++block) {
      EntityBlockBuilder builder;
      for (uint64_t id = block * 256; id < std::min(kNodes, (block + 1) * 256); ++id) {
        builder.add_node(EntityBlock::row_of(id), std::vector<LabelId>{LabelId(0)}, person(id));
      }
      root.publish_block(nullptr, EntityKind::kNode, block, builder.finish());
    }
    IndexTreeBuilder tree(nullptr);
    for (uint64_t id = 0; id < kNodes; ++id) tree.add(index_key(id, id));
    root.publish_index(nullptr, kIndex, tree.finish_loaded());
    versions.open(std::move(root));
  }
  Versions versions;
  uint64_t version = 0;
};

Data& data() {
  static Data* const made = new Data;
  return *made;
}

std::vector<uint64_t> random_ids(size_t count, uint64_t limit) {
  std::mt19937_64 random(7);
  std::vector<uint64_t> ids(count);
  for (uint64_t& id : ids) id = random() % limit;
  return ids;
}

void BM_Pin(benchmark::State& state) {
  Versions& versions = data().versions;
  for (auto _ : state) {
    uint32_t slot;
    benchmark::DoNotOptimize(versions.pin(&slot));
    versions.unpin(slot);
  }
}
BENCHMARK(BM_Pin)->Threads(1)->Threads(2);

void BM_EnterLeave(benchmark::State& state) {
  Versions& versions = data().versions;
  AccessSlot* slot = versions.claim_access();
  for (auto _ : state) {
    versions.enter(slot);
    versions.leave(slot);
  }
  versions.release_access(slot);
}
BENCHMARK(BM_EnterLeave);

// One node's list: find the chunk from the root, take its segment.
void BM_Neighbours(benchmark::State& state) {
  const Root* root = data().versions.published();
  const auto ids = random_ids(4096, kNodes);
  size_t i = 0;
  for (auto _ : state) {
    const uint64_t id = ids[i++ & 4095];
    const TopologyChunk* chunk = root->find_topology_chunk(kType, Direction::kOut, TopologyChunk::index_of(id));
    chunk->touch();
    benchmark::DoNotOptimize(chunk->list(TopologyChunk::row_of(id)));
  }
}
BENCHMARK(BM_Neighbours);

uint64_t sum_of(const Neighbours& list) {
  return list.with_neighbours([&](auto ids) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < list.count; ++i) sum += ids[i];
    return sum;
  });
}

void BM_TwoHopEnumerate(benchmark::State& state) {
  const Root* root = data().versions.published();
  const auto ids = random_ids(4096, kNodes);
  size_t i = 0;
  uint64_t edges = 0, sum = 0;
  for (auto _ : state) {
    const Trie<TopologyChunk> trie = root->find_topology(kType, Direction::kOut);
    const uint64_t id = ids[i++ & 4095];
    trie.find(TopologyChunk::index_of(id))->for_each_segment(TopologyChunk::row_of(id), [&](const Neighbours& first) {
      for (uint32_t k = 0; k < first.count; ++k) {
        const uint64_t middle = first.neighbour(k);
        const TopologyChunk* chunk = trie.find(TopologyChunk::index_of(middle));
        chunk->touch();
        chunk->for_each_segment(TopologyChunk::row_of(middle), [&](const Neighbours& second) {
          sum += sum_of(second);
          edges += second.count;
        });
      }
    });
  }
  benchmark::DoNotOptimize(sum);
  state.counters["per_edge"] =
      benchmark::Counter(static_cast<double>(edges), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_TwoHopEnumerate);

// Every node, every neighbour, every neighbour of it: the whole graph's two-hop paths.
void BM_TwoHopWholeGraph(benchmark::State& state) {
  const Root* root = data().versions.published();
  uint64_t edges = 0, sum = 0;
  for (auto _ : state) {
    const Trie<TopologyChunk> trie = root->find_topology(kType, Direction::kOut);
    for (uint64_t id = 0; id < kNodes; ++id) {
      trie.find(id / 64)->for_each_segment(id % 64, [&](const Neighbours& first) {
        for (uint32_t k = 0; k < first.count; ++k) {
          const uint64_t middle = first.neighbour(k);
          trie.find(middle / 64)->for_each_segment(middle % 64, [&](const Neighbours& second) {
            sum += sum_of(second);
            edges += second.count;
          });
        }
      });
    }
  }
  benchmark::DoNotOptimize(sum);
  state.counters["per_edge"] =
      benchmark::Counter(static_cast<double>(edges), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_TwoHopWholeGraph)->Unit(benchmark::kMillisecond)->Iterations(5);

void BM_InsertBothDirectionsAndPublish(benchmark::State& state) {
  Data& d = data();
  const auto ids = random_ids(8192, kNodes);
  uint64_t next = kEdges, i = 0;
  uint32_t slot = 0;
  if (state.range(0) != 0) d.versions.pin(&slot);
  for (auto _ : state) {
    const NodeId a(ids[i & 8191]), b(ids[(i * 7 + 13) & 8191]);
    ++i;
    auto context = d.versions.begin();
    {
      auto lock = d.versions.structure();
      TouchedBlocks touched;
      context->root()->edit_connect(*context, kType, Direction::kOut, a, b.value, next, &touched);
      context->root()->edit_connect(*context, kType, Direction::kIn, b, a.value, next, &touched);
      ++next;
    }
    d.versions.commit(std::move(context), ++d.version, nullptr);
    d.versions.publish(d.version);
  }
  if (state.range(0) != 0) d.versions.unpin(slot);
}
// Argument 1: a reader pins the version before.
BENCHMARK(BM_InsertBothDirectionsAndPublish)->Arg(0)->Arg(1)->Iterations(100000);

void BM_AppendToHub(benchmark::State& state) {
  Data& d = data();
  static uint64_t next = 10 * kEdges;
  const auto insert = [&](WriteContext& context) {
    TouchedBlocks touched;
    context.root()->edit_connect(context, kType, Direction::kIn, NodeId(99'000), next % 90'000, next, &touched);
    ++next;
  };
  const uint64_t degree = static_cast<uint64_t>(state.range(0));
  {
    auto context = d.versions.begin();
    auto lock = d.versions.structure();
    while (context->root()->find_topology_chunk(kType, Direction::kIn, 99'000 / 64)->degree(99'000 % 64) < degree)
      insert(*context);
    lock.unlock();
    d.versions.commit(std::move(context), ++d.version, nullptr);
    d.versions.publish(d.version);
  }
  for (auto _ : state) {
    auto context = d.versions.begin();
    {
      auto lock = d.versions.structure();
      insert(*context);
    }
    d.versions.commit(std::move(context), ++d.version, nullptr);
    d.versions.publish(d.version);
  }
}
BENCHMARK(BM_AppendToHub)->Arg(50'000)->Arg(1'000'000)->Iterations(20000);

void BM_AppendNode(benchmark::State& state) {
  Data& d = data();
  static uint64_t id = kNodes;
  const std::vector<LabelId> labels{LabelId(0)};
  const auto properties = person(4711);
  for (auto _ : state) {
    auto context = d.versions.begin();
    {
      auto lock = d.versions.structure();
      Root* root = context->root();
      if (root->find_block(EntityKind::kNode, EntityBlock::index_of(id)) == nullptr) {
        root->edit_fresh_block(*context, EntityKind::kNode, EntityBlock::index_of(id));
      }
      root->edit_create_node(*context, NodeId(id++), labels, properties);
    }
    d.versions.commit(std::move(context), ++d.version, nullptr);
    d.versions.publish(d.version);
  }
}
BENCHMARK(BM_AppendNode)->Iterations(100000);

void BM_BeginCommitPublish(benchmark::State& state) {
  Data& d = data();
  for (auto _ : state) {
    d.versions.commit(d.versions.begin(), ++d.version, nullptr);
    d.versions.publish(d.version);
  }
}
BENCHMARK(BM_BeginCommitPublish);

void BM_PropertyGet(benchmark::State& state) {
  const Root* root = data().versions.published();
  const auto ids = random_ids(4096, kNodes);
  const KeyId key(static_cast<uint32_t>(state.range(0)));
  size_t i = 0;
  for (auto _ : state) {
    const uint64_t id = ids[i++ & 4095];
    const EntityBlock* block = root->find_block(EntityKind::kNode, EntityBlock::index_of(id));
    block->touch();
    benchmark::DoNotOptimize(block->get(EntityBlock::row_of(id), key));
  }
}
BENCHMARK(BM_PropertyGet)->Arg(0)->Arg(1)->Arg(3)->Arg(4);

void BM_Gather2048(benchmark::State& state) {
  const Root* root = data().versions.published();
  std::vector<uint64_t> ids = random_ids(2048, kNodes);
  if (state.range(1) != 0) {
    for (size_t i = 0; i < ids.size(); ++i) ids[i] = 5000 + i;
  }
  PropertyColumn column;
  for (auto _ : state) {
    const auto resident = [root](uint64_t index) { return root->find_block(EntityKind::kNode, index); };
    Gatherer(KeyId(static_cast<uint32_t>(state.range(0))), &column)
        .run(
            ids,
            [&](std::span<const uint64_t> of_block, bool) { return resident(EntityBlock::index_of(of_block.front())); },
            resident);
    benchmark::DoNotOptimize(column.integers.data());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * 2048);
}
// Key (0: integer, 1: string, 4: float); 1: ids in order, 0: at random.
BENCHMARK(BM_Gather2048)->Args({0, 1})->Args({0, 0})->Args({4, 1})->Args({1, 1});

void BM_IndexLookup(benchmark::State& state) {
  const Root* root = data().versions.published();
  const auto ids = random_ids(1 << 16, kNodes);  // many, so that no branch predictor learns the ways to them
  std::vector<std::string> keys;
  for (uint64_t id : ids) keys.push_back(index_key(id, id).substr(0, 9));
  size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(root->find_index(kIndex)->lookup_first(keys[i++ & 0xffff]));
}
BENCHMARK(BM_IndexLookup);

void BM_IndexLookup1024(benchmark::State& state) {
  const Root* root = data().versions.published();
  const auto ids = random_ids(1 << 16, kNodes);
  std::vector<std::string> keys;
  for (uint64_t id : ids) keys.push_back(index_key(id, id).substr(0, 9));
  const std::vector<ByteView> views(keys.begin(), keys.end());
  std::vector<uint64_t> found;
  std::vector<uint32_t> ends;
  size_t i = 0;
  for (auto _ : state) {
    found.clear();
    ends.clear();
    root->find_index(kIndex)->lookup_many(std::span(views).subspan(i, 1024), &found, &ends);
    i = (i + 1024) & 0xffff;
    benchmark::DoNotOptimize(found.data());
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * 1024);
}
BENCHMARK(BM_IndexLookup1024);

void BM_IndexInsertAndPublish(benchmark::State& state) {
  Data& d = data();
  std::mt19937_64 random(3);
  static uint64_t id = 1'000'000;
  for (auto _ : state) {
    auto context = d.versions.begin();
    {
      auto lock = d.versions.structure();
      context->root()->edit_index(*context, kIndex)->insert(*context, index_key(random() % kNodes, id++));
    }
    d.versions.commit(std::move(context), ++d.version, nullptr);
    d.versions.publish(d.version);
  }
}
BENCHMARK(BM_IndexInsertAndPublish)->Iterations(20000);

void BM_Memory(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(data());
  state.counters["bytes"] = static_cast<double>(data().versions.object_bytes());
}
BENCHMARK(BM_Memory)->Iterations(1);

}  // namespace
}  // namespace lora::graph::cache

BENCHMARK_MAIN();
