// What the graph layer costs, in memory and without a disk in the way. Thread CPU time; one writer thread.
// Arguments: number of nodes that are there before.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace lora::graph {
namespace {

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", result.status().to_string().c_str());
    std::abort();
  }
  return std::move(result).value();
}
void must(const Status& status) {
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.to_string().c_str());
    std::abort();
  }
}

uint64_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  unsigned long total = 0;
  unsigned long resident = 0;
  const int read = file == nullptr ? 0 : std::fscanf(file, "%lu %lu", &total, &resident);
  if (file != nullptr) std::fclose(file);
  return read == 2 ? resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

struct World {
  std::unique_ptr<Graph> graph = must(Graph::open({}));
  LabelId person;
  RelTypeId knows;
  std::vector<KeyId> keys;
  IndexId by_id;
  uint64_t nodes = 0;
  double load_seconds = 0;
  uint64_t resident = 0;

  std::unique_ptr<Transaction> begin() {
    return must(graph->begin_write(std::chrono::steady_clock::now() + std::chrono::seconds(1), "bench", 0, {}));
  }
  std::vector<Property> properties(uint64_t i) {
    return {{keys[0], Value::integer(static_cast<int64_t>(i))},
            {keys[1], Value::string("name of person " + std::to_string(i))},
            {keys[2], Value::integer(static_cast<int64_t>(i % 90))},
            {keys[3], Value::string("city " + std::to_string(i % 50))},
            {keys[4], Value::floating(static_cast<double>(i) * 0.5)},
            {keys[5], Value::boolean(i % 2 == 0)}};
  }

  World(uint64_t node_count, uint64_t relationship_count) {
    const uint64_t before = resident_bytes();
    auto t = begin();
    person = must(t->label("Person"));
    knows = must(t->rel_type("KNOWS"));
    for (const char* name : {"id", "name", "age", "city", "score", "active"}) keys.push_back(must(t->key(name)));
    must(t->create_constraint({"ids", ConstraintKind::kUnique, EntityKind::kNode, "Person", {"id"}}));
    must(t->commit());
    by_id = graph->snapshot().reader()->schema().indexes[0].id;
    const auto start = std::chrono::steady_clock::now();
    std::mt19937_64 random(1);
    t = begin();
    const LabelId labels[] = {person};
    for (uint64_t i = 0; i < node_count; ++i) {
      must(t->create_node(labels, properties(i)).status());
      if (i % 10'000 == 9'999) {  // statements of an import
        must(t->begin_statement());
        must(t->finish_statement());
      }
    }
    for (uint64_t i = 0; i < relationship_count; ++i) {
      must(t->create_relationship(knows, NodeId(random() % node_count), NodeId(random() % node_count), {}).status());
    }
    must(t->commit());
    nodes = node_count;
    load_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    resident = resident_bytes() - before;
  }
};

World& world(uint64_t nodes) {
  // Left alive at exit: RocksDB must not be used once its own statics are gone.
  static auto& current = *new std::unique_ptr<World>;
  if (current == nullptr || current->nodes != nodes) {
    current.reset();
    current = std::make_unique<World>(nodes, nodes * 10);
  }
  return *current;
}

void load(benchmark::State& state) {
  for (auto _ : state) {
    World w(static_cast<uint64_t>(state.range(0)), static_cast<uint64_t>(state.range(0)) * 10);
    state.SetIterationTime(w.load_seconds);
    state.counters["resident_MB"] = static_cast<double>(w.resident) / 1e6;
    state.counters["hot_MB"] = static_cast<double>(w.graph->stats().cache_bytes_used) / 1e6;
  }
}
BENCHMARK(load)->Arg(10'000)->Arg(100'000)->Iterations(1)->UseManualTime()->Unit(benchmark::kMillisecond);

void create_node(benchmark::State& state) {
  World& w = world(static_cast<uint64_t>(state.range(0)));
  const LabelId labels[] = {w.person};
  static uint64_t next = 1'000'000'000;
  const Snapshot reader = state.range(1) != 0 ? w.graph->snapshot() : Snapshot();
  for (auto _ : state) {
    auto t = w.begin();
    must(t->create_node(labels, w.properties(next++)).status());
    must(t->commit());
  }
}
BENCHMARK(create_node)->Args({10'000, 0})->Args({10'000, 1})->Iterations(20'000);

void create_relationship(benchmark::State& state) {
  World& w = world(static_cast<uint64_t>(state.range(0)));
  std::mt19937_64 random(3);
  const Snapshot reader = state.range(1) != 0 ? w.graph->snapshot() : Snapshot();
  for (auto _ : state) {
    auto t = w.begin();
    must(t->create_relationship(w.knows, NodeId(random() % w.nodes), NodeId(random() % w.nodes), {}).status());
    must(t->commit());
  }
}
BENCHMARK(create_relationship)
    ->Args({10'000, 0})
    ->Args({10'000, 1})
    ->Args({100'000, 0})
    ->Args({1'000'000, 0})
    ->Args({1'000'000, 1})
    ->Iterations(20'000);

void set_property(benchmark::State& state) {
  World& w = world(static_cast<uint64_t>(state.range(0)));
  std::mt19937_64 random(4);
  for (auto _ : state) {
    auto t = w.begin();
    must(t->set_node_property(NodeId(random() % w.nodes), w.keys[2],
                              Value::integer(static_cast<int64_t>(random() % 99))));
    must(t->commit());
  }
}
BENCHMARK(set_property)->Arg(1'000'000)->Iterations(20'000);

void unique_lookup(benchmark::State& state) {
  World& w = world(static_cast<uint64_t>(state.range(0)));
  std::mt19937_64 random(5);
  const Snapshot snapshot = w.graph->snapshot();
  const auto reader = snapshot.reader();
  std::vector<uint64_t> out;
  for (auto _ : state) {
    const Value value[] = {Value::integer(static_cast<int64_t>(random() % w.nodes))};
    out.clear();
    reader->index_lookup(w.by_id, value, &out);
    benchmark::DoNotOptimize(out.data());
    reader->unpin_batch();
  }
}
BENCHMARK(unique_lookup)->Arg(1'000'000)->Arg(100'000);

void property(benchmark::State& state) {
  World& w = world(static_cast<uint64_t>(state.range(0)));
  const Snapshot snapshot = w.graph->snapshot();
  const auto reader = snapshot.reader();
  uint64_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(reader->node_property(NodeId(i = (i * 7 + 1) % w.nodes), w.keys[2]));
  }
}
BENCHMARK(property)->Arg(100'000);

void neighbours(benchmark::State& state) {
  World& w = world(static_cast<uint64_t>(state.range(0)));
  const Snapshot snapshot = w.graph->snapshot();
  const auto reader = snapshot.reader();
  std::vector<Neighbours> segments;
  uint64_t i = 0;
  for (auto _ : state) {
    reader->neighbours(NodeId(i = (i * 7 + 1) % w.nodes), Direction::kOut, w.knows, &segments);
    benchmark::DoNotOptimize(segments.data());
  }
}
BENCHMARK(neighbours)->Arg(100'000);

// Per edge of the second hop.
void two_hop(benchmark::State& state) {
  World& w = world(static_cast<uint64_t>(state.range(0)));
  const Snapshot snapshot = w.graph->snapshot();
  const auto reader = snapshot.reader();
  std::vector<Neighbours> first;
  std::vector<Neighbours> second;
  std::mt19937_64 random(6);
  uint64_t edges = 0;
  uint64_t sum = 0;
  for (auto _ : state) {
    reader->neighbours(NodeId(random() % w.nodes), Direction::kOut, w.knows, &first);
    for (const Neighbours& a : first) {
      for (uint32_t i = 0; i < a.count; ++i) {
        reader->neighbours(NodeId(a.neighbour(i)), Direction::kOut, w.knows, &second);
        for (const Neighbours& b : second) {
          edges += b.count;
          for (uint32_t k = 0; k < b.count; ++k) sum += b.neighbour(k);
        }
      }
    }
    reader->unpin_batch();
  }
  benchmark::DoNotOptimize(sum);
  state.counters["per_edge"] =
      benchmark::Counter(static_cast<double>(edges), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(two_hop)->Arg(100'000);

void snapshot_pin(benchmark::State& state) {
  World& w = world(100'000);
  for (auto _ : state) {
    const Snapshot snapshot = w.graph->snapshot();
    benchmark::DoNotOptimize(&snapshot);
  }
}
BENCHMARK(snapshot_pin);

void open_memory(benchmark::State& state) {
  for (auto _ : state) {
    auto graph = must(Graph::open({}));
    benchmark::DoNotOptimize(graph.get());
  }
}
BENCHMARK(open_memory)->Iterations(200)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace lora::graph

BENCHMARK_MAIN();
