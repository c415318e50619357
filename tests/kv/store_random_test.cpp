// Random work on RocksDB and on the ordered-map model side by side. LORA_TEST_SEED repeats a run.
#include <cstdlib>
#include <random>
#include <thread>

#include "tests/kv/store_fixture.h"

namespace lora::kv {
namespace {

uint64_t seed_of_run() {
  const char* text = std::getenv("LORA_TEST_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device()();
}

class Pair {
 public:
  Pair(Kind kind, uint64_t seed) : random_(seed), options_(), model_(make_memory_store()) {
    if (kind == Kind::kRocksDisk) {
      options_.directory = directory_ / "db";
      options_.sync = SyncLevel::kOff;
    }
    options_.memtable_bytes = 256 << 10;  // many flushes and compactions
    real_ = must_open(options_);
  }
  ~Pair() { release_snapshots(); }

  void step() {
    switch (random_() % 16) {
      case 0: ingest(); break;
      case 1: take_snapshot(); break;
      case 2: release_one_snapshot(); break;
      case 3: EXPECT_STATUS_OK(real_->flush(random_() % 8 == 0)); break;
      case 4:
        if (random_() % 20 == 0) {
          EXPECT_EQ(*real_->clear("c"), *model_->clear("c"));
        }
        break;
      case 5:
        if (!options_.directory.empty() && random_() % 10 == 0) {
          reopen();
        }
        break;
      case 6: compare_cursor(); break;
      default: write(); break;
    }
  }

  void compare_all() {
    for (size_t i = 0; i < kKeyspaceCount; ++i) {
      const Keyspace space = static_cast<Keyspace>(i);
      ASSERT_EQ(all(*real_, space), all(*model_, space));
      for (const auto& [real, model] : snapshots_) {
        CursorOptions real_options;
        real_options.snapshot = real;
        CursorOptions model_options;
        model_options.snapshot = model;
        ASSERT_EQ(all(*real_, space, real_options), all(*model_, space, model_options));
      }
    }
    ASSERT_EQ(*real_->last_payload(nullptr), *model_->last_payload(nullptr));
    ASSERT_EQ(real_->last_commit(), model_->last_commit());
  }

 private:
  std::string key() { return std::string("\x01").append(std::to_string(random_() % 300)); }
  Keyspace space() { return static_cast<Keyspace>(random_() % kKeyspaceCount); }
  std::string value() { return std::string(random_() % 400, static_cast<char>('a' + random_() % 26)); }

  void fill(WriteBatch& real, WriteBatch& model) {
    for (uint64_t left = random_() % 12; left > 0; --left) {
      const Keyspace where = space();
      const std::string first = key();
      switch (random_() % 8) {
        case 0: {
          const std::string last = key();
          real.remove_range(where, first, last);
          model.remove_range(where, first, last);
          break;
        }
        case 1:
        case 2:
          real.remove(where, first);
          model.remove(where, first);
          break;
        default: {
          const std::string bytes = value();
          real.put(where, first, bytes);
          model.put(where, first, bytes);
        }
      }
    }
  }

  void write() {
    const auto real = real_->batch();
    const auto model = model_->batch();
    fill(*real, *model);
    const std::string payload = value();
    ASSERT_EQ(*real_->write(*real, payload), *model_->write(*model, payload));
  }

  void ingest() {
    std::vector<std::unique_ptr<SortedRun>> real_runs;
    std::vector<std::unique_ptr<SortedRun>> model_runs;
    for (uint64_t left = random_() % 4; left > 0; --left) {
      const Keyspace where = space();
      Entries entries;
      for (uint64_t i = random_() % 60; i > 0; --i) {
        entries[key()] = value();
      }
      real_runs.push_back(*real_->sorted_run(where));
      model_runs.push_back(*model_->sorted_run(where));
      for (const auto& [key, value] : entries) {
        EXPECT_STATUS_OK(real_runs.back()->add(key, value));
        EXPECT_STATUS_OK(model_runs.back()->add(key, value));
      }
    }
    const auto real = real_->batch();
    const auto model = model_->batch();
    fill(*real, *model);
    const Result<uint64_t> number = real_->ingest(std::move(real_runs), *real, "i");
    ASSERT_TRUE(number.ok()) << number.status().to_string();
    ASSERT_EQ(*number, *model_->ingest(std::move(model_runs), *model, "i"));
  }

  void compare_cursor() {
    const Keyspace where = space();
    CursorOptions range;
    if (random_() % 2 == 0) {
      range.lower = key();
    }
    if (random_() % 2 == 0) {
      range.upper = key();
    }
    const auto real = real_->cursor(where, range);
    const auto model = model_->cursor(where, range);
    const std::string at = key();
    switch (random_() % 3) {
      case 0:
        real->seek_first();
        model->seek_first();
        break;
      case 1:
        real->seek(at);
        model->seek(at);
        break;
      default: real->seek_for_prev(at); model->seek_for_prev(at);
    }
    for (int i = 0; i < 50; ++i) {
      ASSERT_EQ(real->valid(), model->valid());
      if (!real->valid()) {
        break;
      }
      ASSERT_EQ(real->key(), model->key());
      ASSERT_EQ(real->value(), model->value());
      if (random_() % 2 == 0) {
        real->next();
        model->next();
      } else {
        real->prev();
        model->prev();
      }
    }
  }

  void take_snapshot() {
    if (snapshots_.size() < 4) {
      snapshots_.emplace_back(real_->snapshot(), model_->snapshot());
    }
  }
  void release_one_snapshot() {
    if (!snapshots_.empty()) {
      real_->release_snapshot(snapshots_.back().first);
      model_->release_snapshot(snapshots_.back().second);
      snapshots_.pop_back();
    }
  }
  void release_snapshots() {
    while (!snapshots_.empty()) {
      release_one_snapshot();
    }
  }
  void reopen() {
    release_snapshots();
    EXPECT_STATUS_OK(real_->close());
    real_ = must_open(options_);
  }

  tests::TempDirectory directory_;
  std::mt19937_64 random_;
  StoreOptions options_;
  std::unique_ptr<Store> real_;
  std::unique_ptr<Store> model_;
  std::vector<std::pair<const Snapshot*, const Snapshot*>> snapshots_;
};

class StoreRandomTest : public testing::TestWithParam<Kind> {};
INSTANTIATE_TEST_SUITE_P(Stores, StoreRandomTest, testing::Values(Kind::kRocksMemory, Kind::kRocksDisk), kind_name);

TEST_P(StoreRandomTest, BehavesLikeAnOrderedMap) {
  const uint64_t seed = seed_of_run();
  SCOPED_TRACE("LORA_TEST_SEED=" + std::to_string(seed));
  Pair pair(GetParam(), seed);
  for (int round = 0; round < 60 && !testing::Test::HasFailure(); ++round) {
    for (int i = 0; i < 25; ++i) {
      pair.step();
    }
    pair.compare_all();
  }
}

// A flush counts as done before the keyspace shows it, where a compaction wrote the manifest for it; an ingest must
// wait for that. Several stores at once, so that threads wait for a processor where they otherwise would not.
TEST_P(StoreRandomTest, IngestsFollowFlushesThatCompactionsInstall) {
  constexpr int kStores = 4;
  constexpr int kRounds = 60;
  tests::TempDirectory directory;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kStores; ++thread) {
    StoreOptions options;
    options.memtable_bytes = 256 << 10;
    if (GetParam() == Kind::kRocksDisk) {
      options.directory = directory / ("db" + std::to_string(thread));
      options.sync = SyncLevel::kOff;
    }
    threads.emplace_back([options] {
      const std::unique_ptr<Store> store = must_open(options);
      const std::string value(2000, 'v');
      for (int round = 0; round < kRounds && !testing::Test::HasFailure(); ++round) {
        std::vector<std::unique_ptr<SortedRun>> runs;
        for (size_t i = 0; i < kKeyspaceCount; ++i) {
          const Keyspace space = static_cast<Keyspace>(i);
          for (int k = 0; k < 40; ++k) {
            put(*store, space, std::string("\x01").append(std::to_string((round * 7 + k) % 100)), value);
          }
          runs.push_back(*store->sorted_run(space));
          EXPECT_STATUS_OK(runs.back()->add("\x01", value));
          EXPECT_STATUS_OK(runs.back()->add("\x02", value));
        }
        const std::unique_ptr<WriteBatch> batch = store->batch();
        const Result<uint64_t> number = store->ingest(std::move(runs), *batch, "i");
        EXPECT_TRUE(number.ok()) << "round " << round << ": " << number.status().to_string();
      }
      EXPECT_STATUS_OK(store->close());
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

}  // namespace
}  // namespace lora::kv
