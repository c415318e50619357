// Queries through the C++ API, in memory, on the medium graph (LORA_BENCH_PERSONS and LORA_BENCH_KNOWS change it).
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "bench/dataset.h"
#include "cypher/database.h"

namespace lora::bench {

namespace {

size_t setting(const char* name, size_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

uint64_t resident_bytes() {
  std::ifstream in("/proc/self/statm");
  uint64_t size = 0, resident = 0;
  in >> size >> resident;
  return resident * 4096;
}

void must(const Status& status) {
  if (!status.ok()) {
    std::fprintf(stderr, "benchmark: %s\n", status.to_string().c_str());
    std::exit(1);
  }
}

void run(Database& db, std::string_view query, const Params& params = {}) {
  must(db.execute(query, params).status());
}

void load(Database& db, const Dataset& data) {
  run(db, "CREATE CONSTRAINT FOR (p:Person) REQUIRE p.id IS UNIQUE");
  constexpr size_t kBatch = 10'000;
  for (size_t at = 0; at < data.persons.size(); at += kBatch) {
    List rows;
    for (size_t i = at; i < std::min(at + kBatch, data.persons.size()); ++i) {
      const Dataset::Person& p = data.persons[i];
      rows.push_back(make_params({{"id", Value::integer(p.id)},
                                  {"name", Value::string(p.name)},
                                  {"age", Value::integer(p.age)},
                                  {"city", Value::string(p.city)},
                                  {"created", Value::integer(p.created)},
                                  {"score", Value::floating(p.score)}}));
    }
    run(db,
        "UNWIND $rows AS r CREATE (:Person {id: r.id, name: r.name, age: r.age, city: r.city, created: r.created, "
        "score: r.score})",
        make_params({{"rows", Value::list(std::move(rows))}}));
  }
  for (size_t at = 0; at < data.knows.size(); at += kBatch) {
    List rows;
    for (size_t i = at; i < std::min(at + kBatch, data.knows.size()); ++i) {
      const Dataset::Knows& k = data.knows[i];
      rows.push_back(
          make_params({{"a", Value::integer(k.from)}, {"b", Value::integer(k.to)}, {"s", Value::integer(k.since)}}));
    }
    run(db, "UNWIND $rows AS r MATCH (a:Person {id: r.a}), (b:Person {id: r.b}) CREATE (a)-[:KNOWS {since: r.s}]->(b)",
        make_params({{"rows", Value::list(std::move(rows))}}));
  }
}

// One graph for all read benchmarks; made on first use.
Database& medium() {
  static Database* const instance = [] {
    const size_t persons = setting("LORA_BENCH_PERSONS", 100'000), knows = setting("LORA_BENCH_KNOWS", 1'000'000);
    Dataset data = make_dataset(persons, knows);
    const uint64_t before = resident_bytes();
    const auto start = std::chrono::steady_clock::now();
    auto opened = Database::in_memory();
    must(opened.status());
    Database* db = opened->release();
    load(*db, data);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    auto stats = db->stats();
    must(stats.status());
    std::fprintf(
        stderr,
        "loaded %zu persons, %zu knows in %.2f s; resident +%.1f MB (in-memory form %.1f, memtables %.1f, "
        "tables %.1f, block cache %.1f); %s%s\n",
        data.persons.size(), data.knows.size(), seconds, static_cast<double>(resident_bytes() - before) / 1e6,
        static_cast<double>(stats->cache_bytes_used) / 1e6, static_cast<double>(stats->store.memtable_bytes) / 1e6,
        static_cast<double>(stats->store.table_bytes) / 1e6, static_cast<double>(stats->store.block_cache_bytes) / 1e6,
        stats->store.engine.c_str(), stats->store.assertions ? " (built with assertions)" : "");
    return db;
  }();
  return *instance;
}

int64_t person_count() {
  return static_cast<int64_t>(setting("LORA_BENCH_PERSONS", 100'000));
}

// Runs `query` with $id drawn anew each time.
void by_id(benchmark::State& state, const char* query) {
  Database& db = medium();
  std::mt19937_64 random(1);
  int64_t sum = 0;
  for (auto _ : state) {
    auto result = db.execute(
        query,
        make_params({{"id", Value::integer(static_cast<int64_t>(random() % static_cast<uint64_t>(person_count())))}}));
    must(result.status());
    if (result->row_count > 0 && result->at(0, 0).is_integer()) sum += result->at(0, 0).as_integer();
  }
  state.counters["mean"] = benchmark::Counter(static_cast<double>(sum) / static_cast<double>(state.iterations()));
  // For counting queries: time per thing counted.
  state.counters["per_item"] =
      benchmark::Counter(static_cast<double>(sum), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void plain(benchmark::State& state, const char* query) {
  Database& db = medium();
  for (auto _ : state) must(db.execute(query).status());
}

void BM_return_1(benchmark::State& state) {
  auto db = Database::in_memory();
  must(db.status());
  for (auto _ : state) must((*db)->execute("RETURN 1").status());
}
BENCHMARK(BM_return_1);

// What `query` takes beyond finding its node, the two asked in turns: `per_item` is then time per relationship visited.
void beyond_lookup(benchmark::State& state, const char* query) {
  Database& db = medium();
  std::mt19937_64 random(1);
  int64_t sum = 0;
  for (auto _ : state) {
    const auto id = static_cast<int64_t>(random() % static_cast<uint64_t>(person_count()));
    const Value params = make_params({{"id", Value::integer(id)}});
    // Not the same node: its part of the graph would be at hand.
    const Value other = make_params({{"id", Value::integer((id + person_count() / 2) % person_count())}});
    const auto start = std::chrono::steady_clock::now();
    auto found = db.execute("MATCH (p:Person {id: $id}) RETURN count(*) AS n", other);
    const auto middle = std::chrono::steady_clock::now();
    auto result = db.execute(query, params);
    const auto end = std::chrono::steady_clock::now();
    must(found.status());
    must(result.status());
    sum += result->at(0, 0).as_integer();
    state.SetIterationTime(std::chrono::duration<double>((end - middle) - (middle - start)).count());
  }
  state.counters["per_item"] =
      benchmark::Counter(static_cast<double>(sum), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

BENCHMARK_CAPTURE(by_id, lookup_by_id, "MATCH (p:Person {id: $id}) RETURN p.name AS name");
BENCHMARK_CAPTURE(by_id, hop1_count, "MATCH (p:Person {id: $id})-[:KNOWS]->(x) RETURN count(*) AS n");
BENCHMARK_CAPTURE(by_id, hop2_count, "MATCH (p:Person {id: $id})-[:KNOWS]->()-[:KNOWS]->(x) RETURN count(*) AS n");
BENCHMARK_CAPTURE(beyond_lookup, hop2_count,
                  "MATCH (p:Person {id: $id})-[:KNOWS]->()-[:KNOWS]->(x) RETURN count(*) AS n")
    ->UseManualTime();
BENCHMARK_CAPTURE(by_id, hop2_expand_count,
                  "MATCH (p:Person {id: $id})-[:KNOWS]->()-[:KNOWS]->(x) WHERE x.age >= 0 RETURN count(*) AS n");
BENCHMARK_CAPTURE(by_id, hop2_distinct,
                  "MATCH (p:Person {id: $id})-[:KNOWS]->()-[:KNOWS]->(x) RETURN count(DISTINCT x) AS n");
BENCHMARK_CAPTURE(by_id, hop3_count,
                  "MATCH (p:Person {id: $id})-[:KNOWS]->()-[:KNOWS]->()-[:KNOWS]->(x) RETURN count(*) AS n");
BENCHMARK_CAPTURE(plain, count_nodes, "MATCH (n:Person) RETURN count(n) AS n");
BENCHMARK_CAPTURE(plain, count_relationships, "MATCH ()-[r:KNOWS]->() RETURN count(r) AS n");
BENCHMARK_CAPTURE(plain, filter_count, "MATCH (p:Person) WHERE p.age > 60 RETURN count(*) AS n");
BENCHMARK_CAPTURE(plain, group_by_city,
                  "MATCH (p:Person) RETURN p.city AS city, count(*) AS n, avg(p.age) AS a ORDER BY n DESC LIMIT 5");
BENCHMARK_CAPTURE(plain, top10_score, "MATCH (p:Person) RETURN p.name AS name, p.score AS s ORDER BY s DESC LIMIT 10");
BENCHMARK_CAPTURE(plain, return_100k_rows, "MATCH (p:Person) RETURN p.id AS id, p.name AS name, p.age AS age");

// --- writes: a graph of the given size ---

std::unique_ptr<Database> small_graph(int64_t nodes, const DatabaseOptions& options = {}, const char* name = nullptr) {
  auto opened = name != nullptr ? Database::open(name, options) : Database::in_memory(options);
  must(opened.status());
  run(**opened, "CREATE CONSTRAINT FOR (p:Person) REQUIRE p.id IS UNIQUE");
  for (int64_t at = 0; at < nodes; at += 100'000) {
    run(**opened, "UNWIND range($from, $to) AS i CREATE (:Person {id: i, name: 'person ' + i, age: i % 90})",
        make_params({{"from", Value::integer(at)}, {"to", Value::integer(std::min(at + 100'000, nodes) - 1)}}));
  }
  return std::move(*opened);
}

void BM_create_node(benchmark::State& state) {
  auto db = small_graph(10'000);
  int64_t id = 10'000'000;
  for (auto _ : state) {
    run(*db, "CREATE (:Person {id: $id, name: 'somebody', age: 42, city: 'city1', created: 1600000000, score: 1.5})",
        make_params({{"id", Value::integer(id++)}}));
  }
}
BENCHMARK(BM_create_node);

void BM_create_relationship(benchmark::State& state) {
  const int64_t nodes = state.range(0);
  auto db = small_graph(nodes);
  std::unique_ptr<QueryStream> reader;
  if (state.range(1) != 0) {
    auto stream = db->stream("MATCH (p:Person) RETURN p.name");
    must(stream.status());
    reader = std::move(*stream);
    std::vector<Value> values;
    size_t rows = 0;
    must(reader->next(&values, &rows));
  }
  std::mt19937_64 random(7);
  for (auto _ : state) {
    run(*db, "MATCH (a:Person {id: $a}), (b:Person {id: $b}) CREATE (a)-[:KNOWS {since: 2020}]->(b)",
        make_params({{"a", Value::integer(static_cast<int64_t>(random() % static_cast<uint64_t>(nodes)))},
                     {"b", Value::integer(static_cast<int64_t>(random() % static_cast<uint64_t>(nodes)))}}));
  }
}
BENCHMARK(BM_create_relationship)
    ->ArgNames({"nodes", "open_reader"})
    ->Args({10'000, 0})
    ->Args({10'000, 1})
    ->Args({1'000'000, 0})
    ->Args({1'000'000, 1});

void BM_set_property(benchmark::State& state) {
  auto db = small_graph(10'000);
  std::mt19937_64 random(7);
  for (auto _ : state) {
    run(*db, "MATCH (a:Person {id: $a}) SET a.age = 5",
        make_params({{"a", Value::integer(static_cast<int64_t>(random() % 10'000))}}));
  }
}
BENCHMARK(BM_set_property);

// Commits a second on disk with sync=commit, by threads.
void BM_commit_durable(benchmark::State& state) {
  static std::unique_ptr<Database> db;
  static std::string directory;
  if (state.thread_index() == 0) {
    directory = (std::filesystem::temp_directory_path() / ("lora-bench-" + std::to_string(getpid()))).string();
    std::filesystem::remove_all(directory);
    DatabaseOptions options;
    options.database_dir = directory;
    db = small_graph(1000, options, "commit");
  }
  int64_t id = 1'000'000 + state.thread_index() * int64_t{100'000'000};
  for (auto _ : state) run(*db, "CREATE (:Person {id: $id})", make_params({{"id", Value::integer(id++)}}));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
  if (state.thread_index() == 0) {
    if (const auto stats = db->stats(); stats.ok() && stats->store.syncs > 0) {
      state.counters["commits_per_sync"] =
          static_cast<double>(stats->commits) / static_cast<double>(stats->store.syncs);
    }
    db.reset();
    std::filesystem::remove_all(directory);
  }
}
BENCHMARK(BM_commit_durable)->Threads(1)->Threads(16)->UseRealTime();

// From Database::open() to the first answered point query, warm page cache.
void BM_reopen(benchmark::State& state) {
  const std::string directory =
      (std::filesystem::temp_directory_path() / ("lora-reopen-" + std::to_string(getpid()))).string();
  std::filesystem::remove_all(directory);
  DatabaseOptions options;
  options.database_dir = directory;
  options.sync = SyncLevel::kOff;
  {
    auto opened = Database::open("reopen", options);
    must(opened.status());
    load(**opened, make_dataset(static_cast<size_t>(state.range(0)), static_cast<size_t>(state.range(0)) * 10));
    must((*opened)->close());
  }
  for (auto _ : state) {
    auto opened = Database::open("reopen", options);
    must(opened.status());
    auto result = (*opened)->execute("MATCH (p:Person {id: 77}) RETURN p.name AS name");
    must(result.status());
    if (result->row_count != 1) must(Status::internal("no row"));
    state.PauseTiming();
    opened->reset();
    state.ResumeTiming();
  }
  std::filesystem::remove_all(directory);
}
BENCHMARK(BM_reopen)
    ->Arg(10'000)
    ->Arg(static_cast<int64_t>(setting("LORA_BENCH_REOPEN", 100'000)))
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace

}  // namespace lora::bench

BENCHMARK_MAIN();
