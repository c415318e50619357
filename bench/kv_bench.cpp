// Costs of the ordered store: opening, commits, reads, group commit. Label of each run: the RocksDB library, and
// whether it was built with assertions (distribution packages are: writes 1.4-1.9x, iteration 1.6x slower). Files go
// under LORA_BENCH_DIR, else the system's temporary directory; "durable" figures are those of that disk.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "kv/encode.h"
#include "kv/store.h"

namespace lora::kv {
namespace {

constexpr uint64_t kKeys = 100000;
const std::string kValue(60, 'v');

class Place {
 public:
  Place() {
    const char* base = std::getenv("LORA_BENCH_DIR");
    std::string pattern =
        std::string(base != nullptr ? base : std::filesystem::temp_directory_path().c_str()) + "/lora-bench-XXXXXX";
    path_ = mkdtemp(pattern.data()) != nullptr ? pattern : "";
  }
  ~Place() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string database() const { return path_ + "/db"; }

 private:
  std::string path_;
};

void require(const Status& status) {
  if (!status.ok()) {
    std::fprintf(stderr, "kv_bench: %s\n", status.to_string().c_str());
    std::exit(1);
  }
}

std::unique_ptr<Store> open(const std::string& directory, SyncLevel sync = SyncLevel::kCommit) {
  StoreOptions options;
  options.directory = directory;
  options.sync = sync;
  Result<std::unique_ptr<Store>> opened = open_store(options);
  require(opened.status());
  return std::move(opened).value();
}

void label(benchmark::State& state, const Store& store) {
  const StoreStats stats = store.stats();
  state.SetLabel(stats.engine + (stats.assertions ? ", with assertions" : ""));
}

std::string key_of(uint64_t id) {
  std::string key;
  encode_u64(&key, id);
  return key;
}

void open_in_memory(benchmark::State& state) {
  for (auto _ : state) {
    const auto store = open("");
    state.PauseTiming();
    require(store->close());
    state.ResumeTiming();
  }
}
BENCHMARK(open_in_memory)->Unit(benchmark::kMicrosecond);

void open_and_close_on_disk(benchmark::State& state) {
  const Place place;
  require(open(place.database())->close());
  for (auto _ : state) {
    require(open(place.database())->close());
  }
}
BENCHMARK(open_and_close_on_disk)->Unit(benchmark::kMicrosecond);

// range(0): puts a commit, in ascending keys over four keyspaces. range(1): 0 in memory, 1 with a log that is not
// synced.
void commit(benchmark::State& state) {
  const Place place;
  const auto store = open(state.range(1) == 0 ? "" : place.database(), SyncLevel::kOff);
  const auto batch = store->batch();
  uint64_t id = 0;
  std::string key;
  for (auto _ : state) {
    batch->clear();
    for (int64_t i = 0; i < state.range(0); ++i) {
      key.clear();
      encode_u64(&key, id++);
      batch->put(static_cast<Keyspace>(1 + i % 4), key, kValue);
    }
    require(store->write(*batch, "0123456789abcdef").status());
  }
  label(state, *store);
}
BENCHMARK(commit)->ArgNames({"puts", "log"})->ArgsProduct({{1, 4}, {0, 1}});

std::unique_ptr<Store> filled() {
  auto store = open("");
  const auto batch = store->batch();
  for (uint64_t id = 0; id < kKeys; ++id) {
    batch->put(Keyspace::kNodes, key_of(id), kValue);
    if (batch->count() == 1000) {
      require(store->write(*batch, "").status());
      batch->clear();
    }
  }
  require(store->flush(true));
  return store;
}

void get(benchmark::State& state) {
  const auto store = filled();
  uint64_t id = 1;
  std::string key;
  std::string value;
  for (auto _ : state) {
    id = (id * 2862933555777941757u + 3037000493u);
    key.clear();
    encode_u64(&key, id % kKeys);
    require(store->get(Keyspace::kNodes, key, nullptr, &value).status());
  }
  label(state, *store);
}
BENCHMARK(get);

void cursor_step(benchmark::State& state) {
  const auto store = filled();
  const auto cursor = store->cursor(Keyspace::kNodes, {});
  cursor->seek_first();
  for (auto _ : state) {
    benchmark::DoNotOptimize(cursor->value().data());
    cursor->next();
    if (!cursor->valid()) {
      cursor->seek_first();
    }
  }
  label(state, *store);
}
BENCHMARK(cursor_step);

void cursor_open_and_seek(benchmark::State& state) {
  const auto store = filled();
  uint64_t id = 1;
  for (auto _ : state) {
    id = (id * 2862933555777941757u + 3037000493u);
    const auto cursor = store->cursor(Keyspace::kNodes, {});
    cursor->seek(key_of(id % kKeys));
    benchmark::DoNotOptimize(cursor->valid());
  }
}
BENCHMARK(cursor_open_and_seek);

void snapshot(benchmark::State& state) {
  const auto store = open("");
  for (auto _ : state) {
    store->release_snapshot(store->snapshot());
  }
}
BENCHMARK(snapshot);

void ingest(benchmark::State& state) {
  uint64_t id = 0;
  const Place place;
  const auto store = open(place.database());
  for (auto _ : state) {
    Result<std::unique_ptr<SortedRun>> run = store->sorted_run(Keyspace::kNodes);
    require(run.status());
    for (uint64_t i = 0; i < kKeys; ++i) {
      require((*run)->add(key_of(id++), kValue));
    }
    std::vector<std::unique_ptr<SortedRun>> runs;
    runs.push_back(std::move(run).value());
    require(store->ingest(std::move(runs), *store->batch(), "").status());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kKeys));
}
BENCHMARK(ingest)->Unit(benchmark::kMillisecond);

// Every thread writes one put under the writer lock and waits, outside it, until its commit is on disk.
class GroupCommit : public benchmark::Fixture {
 public:
  void SetUp(const benchmark::State& state) override {
    if (state.thread_index() == 0) {
      place_ = std::make_unique<Place>();
      store_ = open(place_->database());
    }
  }
  void TearDown(const benchmark::State& state) override {
    if (state.thread_index() == 0) {
      require(store_->close());
      store_.reset();
      place_.reset();
    }
  }

 protected:
  std::unique_ptr<Place> place_;
  std::unique_ptr<Store> store_;
  std::mutex writer_;
};

BENCHMARK_DEFINE_F(GroupCommit, durable)(benchmark::State& state) {
  uint64_t id = static_cast<uint64_t>(state.thread_index()) << 40;
  for (auto _ : state) {
    uint64_t number = 0;
    {
      const std::lock_guard<std::mutex> lock(writer_);
      const auto batch = store_->batch();
      batch->put(Keyspace::kNodes, key_of(id++), kValue);
      const Result<uint64_t> written = store_->write(*batch, "");
      require(written.status());
      number = *written;
    }
    require(store_->wait_durable(number));
  }
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) {
    label(state, *store_);
  }
}
BENCHMARK_REGISTER_F(GroupCommit, durable)->Threads(1)->Threads(4)->Threads(16)->UseRealTime();

}  // namespace
}  // namespace lora::kv

BENCHMARK_MAIN();
