// Power cuts, failing and full disks, and the group commit. LORA_TEST_SEED repeats a run.
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>

#include "tests/kv/memory_disk.h"

namespace lora::kv {
namespace {

namespace fs = std::filesystem;
constexpr Keyspace kN = Keyspace::kNodes;

uint64_t seed_of_run() {
  const char* text = std::getenv("LORA_TEST_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device()();
}

using State = std::array<Entries, kKeyspaceCount>;

State state_of(const Store& store) {
  State state;
  for (size_t i = 0; i < kKeyspaceCount; ++i) {
    state[i] = all(store, static_cast<Keyspace>(i));
  }
  return state;
}

// Random work that remembers the state after every commit and which commits were acknowledged.
class Workload {
 public:
  explicit Workload(uint64_t seed) : random_(seed) { history_[0] = State(); }

  // Does one thing; false once the store has failed.
  bool step(Store& store) {
    const uint64_t kind = random_() % 20;
    const uint64_t would_be = store.last_commit() + 1;
    State next = history_.at(store.last_commit());
    const auto batch = store.batch();
    Result<uint64_t> number = uint64_t{0};
    if (kind == 0) {
      return store.flush(random_() % 4 == 0).ok();
    }
    if (kind == 1) {
      next = State();
      number = store.clear(std::to_string(store.last_commit() + 1));
    } else if (kind == 2) {
      const size_t space = 1 + random_() % (kKeyspaceCount - 1);
      Entries entries;
      for (uint64_t i = random_() % 30; i > 0; --i) {
        entries[key()] = value();
      }
      Result<std::unique_ptr<SortedRun>> run = store.sorted_run(static_cast<Keyspace>(space));
      if (!run.ok()) {
        return false;
      }
      for (const auto& [key, value] : entries) {
        if (!(*run)->add(key, value).ok()) {
          return false;
        }
        next[space][key] = value;
      }
      change(*batch, next);
      std::vector<std::unique_ptr<SortedRun>> runs;
      runs.push_back(std::move(run).value());
      number = store.ingest(std::move(runs), *batch, std::to_string(store.last_commit() + 1));
      if (number.ok()) {
        acknowledged_ = *number;  // durable on return
      }
    } else {
      change(*batch, next);
      number = store.write(*batch, std::to_string(store.last_commit() + 1));
    }
    if (!number.ok()) {
      attempted_[would_be] = std::move(next);
      return false;
    }
    history_[*number] = std::move(next);
    if (kind == 1) {
      acknowledged_ = *number;
    }
    if (random_() % 3 == 0) {
      if (!store.wait_durable(*number).ok()) {
        return false;
      }
      acknowledged_ = *number;
    }
    return true;
  }

  // After a crash: the store holds exactly one of the states there were, not older than what was acknowledged.
  void check(const Store& store) {
    const uint64_t last = store.last_commit();
    ASSERT_GE(last, acknowledged_);
    const bool known = history_.contains(last);
    // A commit that failed may be there or not.
    ASSERT_TRUE(known || attempted_.contains(last)) << last;
    const State expected = known ? history_.at(last) : attempted_.at(last);
    ASSERT_TRUE(state_of(store) == expected) << "at commit " << last;
    ASSERT_EQ(*store.last_payload(nullptr), last == 0 ? "" : std::to_string(last));
    history_[last] = expected;
    history_.erase(history_.upper_bound(last), history_.end());
    history_.erase(history_.begin(), history_.find(last));
    attempted_.clear();
    acknowledged_ = last;  // recovery has made it durable
  }

  uint64_t acknowledged() const { return acknowledged_; }

 private:
  std::string key() { return std::string("\x01").append(std::to_string(random_() % 60)); }
  std::string value() { return std::string(random_() % 200, static_cast<char>('a' + random_() % 26)); }
  void change(WriteBatch& batch, State& next) {
    for (uint64_t left = random_() % 6; left > 0; --left) {
      const size_t space = random_() % kKeyspaceCount;
      const std::string first = key();
      if (random_() % 4 == 0) {
        batch.remove(static_cast<Keyspace>(space), first);
        next[space].erase(first);
      } else {
        const std::string bytes = value();
        batch.put(static_cast<Keyspace>(space), first, bytes);
        next[space][first] = bytes;
      }
    }
  }

  std::mt19937_64 random_;
  std::map<uint64_t, State> history_;
  std::map<uint64_t, State> attempted_;
  uint64_t acknowledged_ = 0;
};

// A failed flush sleeps a second in a thread of the pool that all stores share: let many sleep at once.
void widen_thread_pools() {
  rocksdb::Env::Default()->SetBackgroundThreads(16, rocksdb::Env::LOW);
  rocksdb::Env::Default()->SetBackgroundThreads(16, rocksdb::Env::HIGH);
}

void power_loss_rounds(uint64_t seed, int rounds) {
  SCOPED_TRACE("LORA_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  MemoryDisk disk(seed);
  Workload work(seed);
  for (int round = 0; round < rounds && !testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    // The power may also go while the store opens.
    if (random() % 8 == 0) {
      disk.faults().fail_at(1 + random() % 60, tests::Fault::kIoError, true);
    }
    StoreOptions options = disk.options();
    options.memtable_bytes = 64 << 10;
    Result<std::unique_ptr<Store>> opened = open_store(options);
    if (opened.ok()) {
      work.check(**opened);
      const uint64_t steps = random() % 40;
      for (uint64_t i = 0; i < steps && work.step(**opened); ++i) {
      }
    } else {
      ASSERT_NE(opened.status().code(), ErrorCode::kCorruption) << opened.status().to_string();
      ASSERT_GT(disk.faults().injected(), 0u) << opened.status().to_string();
    }
    disk.faults().cut_power();
    opened = Status::io("closed");
    disk.faults().restore();
  }
}

TEST(PowerLoss, KeepsEveryAcknowledgedCommitAndNoHalfOne) {
  widen_thread_pools();
  const uint64_t seed = seed_of_run();
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 8; ++t) {
    threads.emplace_back([seed, t] { power_loss_rounds(seed + t, 25); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

TEST(PowerLoss, ALyingDiskIsCaught) {
  const uint64_t seed = seed_of_run();
  SCOPED_TRACE("LORA_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  int lost = 0;
  int caught = 0;
  // The store itself notices one cut in some twenty: the others take its notes too.
  for (int round = 0; round < 50 || (caught == 0 && round < 1'000); ++round) {
    MemoryDisk disk(seed + static_cast<uint64_t>(round));
    auto store = must_open(disk.options());
    disk.faults().set_sync_lies(true);
    uint64_t acknowledged = 0;
    for (uint64_t i = 2 + random() % 20; i > 0; --i) {
      const uint64_t number = put(*store, kN, std::string("k").append(std::to_string(i)), std::string(2'000, 'v'));
      if (store->wait_durable(number).ok()) {
        acknowledged = number;
      }
    }
    disk.faults().cut_power();
    store.reset();
    disk.faults().set_sync_lies(false);
    disk.faults().restore();
    StoreOptions reading = disk.options();
    reading.recover = true;
    const auto after = must_open(reading);
    ASSERT_NE(after, nullptr);
    if (after->last_commit() < acknowledged) {
      ++lost;  // what the test above would have failed on
      caught += after->recovery().lost_commits != 0 ? 1 : 0;
    }
  }
  EXPECT_GT(lost, 30);
  EXPECT_GT(caught, 0);
}

// A script of every kind of write; stops at the first failure and returns it.
Status script(Store& store) {
  for (int i = 0; i < 4; ++i) {
    const auto batch = store.batch();
    batch->put(kN, "k" + std::to_string(i), std::string(50, 'v'));
    LORA_ASSIGN(const uint64_t number, store.write(*batch, "p"));
    LORA_TRY(store.wait_durable(number));
  }
  LORA_TRY(store.flush(false));
  LORA_ASSIGN(std::unique_ptr<SortedRun> run, store.sorted_run(kN));
  LORA_TRY(run->add("r", "run"));
  std::vector<std::unique_ptr<SortedRun>> runs;
  runs.push_back(std::move(run));
  LORA_TRY(store.ingest(std::move(runs), *store.batch(), "p").status());
  LORA_TRY(store.flush(true));
  LORA_TRY(store.clear("p").status());
  return store.sync();
}

// Runs the script with its k-th operation failing, reopens; false when the script has no k operations.
bool sweep_one(tests::Fault fault, bool from_then_on, uint64_t k) {
  SCOPED_TRACE("operation " + std::to_string(k) + (from_then_on ? " and all after it" : "") +
               (fault == tests::Fault::kDiskFull ? ", disk full" : ", io error"));
  MemoryDisk disk(k);
  uint64_t commits = 0;
  {
    auto store = must_open(disk.options());
    put(*store, kN, "before", "1");
    EXPECT_STATUS_OK(store->sync());
    disk.faults().fail_at(k, fault, from_then_on);
    const Status outcome = script(*store);
    if (!outcome.ok()) {
      EXPECT_EQ(outcome.code(), fault == tests::Fault::kDiskFull ? ErrorCode::kDiskFull : ErrorCode::kIo)
          << outcome.to_string();
    }
    if (!store->health().ok()) {
      // Latched: the first failure again, and reads go on.
      const auto batch = store->batch();
      EXPECT_EQ(store->write(*batch, "").status().code(), store->health().code());
      EXPECT_EQ(store->sync().code(), store->health().code());
      std::string value;
      EXPECT_STATUS_OK(store->get(kN, "before", nullptr, &value).status());
      EXPECT_STATUS_OK(store->cursor(kN, {})->status());
    }
    commits = store->last_commit();
    static_cast<void>(store->close());
  }
  const bool reached = disk.faults().injected() > 0;
  disk.faults().fail_at(0, fault, false);
  const auto again = must_open(disk.options());
  if (again != nullptr) {
    EXPECT_GE(again->last_commit(), commits);
    EXPECT_LE(again->last_commit(), commits + 1);
    EXPECT_STATUS_OK(again->verify_checksums(true));
  }
  return reached;
}

TEST(FaultSweep, EveryFailingOperationIsATypedErrorAndLosesNothing) {
  widen_thread_pools();
  std::atomic<uint64_t> next{1};
  std::atomic<uint64_t> longest{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&] {
      while (true) {
        const uint64_t k = next++;
        bool reached = false;
        for (const tests::Fault fault : {tests::Fault::kIoError, tests::Fault::kDiskFull}) {
          for (const bool from_then_on : {false, true}) {
            reached = sweep_one(fault, from_then_on, k) || reached;
          }
        }
        if (!reached) {
          return;
        }
        longest = std::max<uint64_t>(longest, k);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_GT(longest, 40u);
}

TEST(DiskFull, StopsWritesKeepsReadsAndGoesOnAfterReopening) {
  MemoryDisk disk(1);
  uint64_t acknowledged = 0;
  {
    const auto store = must_open(disk.options());
    disk.faults().limit_bytes(200 << 10);
    Status failure;
    for (int i = 0; i < 10000 && failure.ok(); ++i) {
      const auto batch = store->batch();
      batch->put(kN, std::string("k").append(std::to_string(i)), std::string(1000, static_cast<char>('a' + i % 26)));
      const Result<uint64_t> number = store->write(*batch, "");
      failure = number.ok() ? store->wait_durable(*number) : number.status();
      acknowledged += failure.ok() ? 1 : 0;
    }
    EXPECT_EQ(failure.code(), ErrorCode::kDiskFull) << failure.to_string();
    EXPECT_EQ(store->health().code(), ErrorCode::kDiskFull);
    EXPECT_GT(acknowledged, 50u);
    const auto batch = store->batch();
    EXPECT_EQ(store->write(*batch, "").status().code(), ErrorCode::kDiskFull);
    EXPECT_EQ(get(*store, kN, "k0"), std::string(1000, 'a'));
    EXPECT_GE(all(*store, kN).size(), acknowledged);
    EXPECT_EQ(store->close().code(), ErrorCode::kDiskFull);
  }
  disk.faults().limit_bytes(0);
  const auto store = must_open(disk.options());
  EXPECT_GE(store->last_commit(), acknowledged);
  EXPECT_GT(put(*store, kN, "more", "1"), acknowledged);
}

// In a process of its own: a file size limit makes real writes fail with EFBIG, at any place in RocksDB.
TEST(DiskFullDeathTest, AFileSizeLimitNeverAborts) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  const auto body = [] {
    tests::TempDirectory directory;
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {300 << 10, 300 << 10};
    setrlimit(RLIMIT_FSIZE, &limit);
    StoreOptions options;
    options.directory = directory / "db";
    options.sync = SyncLevel::kOff;
    options.memtable_bytes = 1 << 20;
    std::mt19937_64 random(1);
    auto opened = open_store(options);
    if (!opened.ok()) {
      _exit(2);
    }
    Status failure;
    std::string value(1000, '\0');
    for (int i = 0; i < 20000 && failure.ok(); ++i) {
      for (char& c : value) {
        c = static_cast<char>(random());
      }
      const auto batch = (*opened)->batch();
      batch->put(kN, "k" + std::to_string(i), value);
      failure = (*opened)->write(*batch, "").status();
    }
    std::string read;
    const bool reads = (*opened)->get(kN, "k0", nullptr, &read).ok();
    static_cast<void>((*opened)->close());
    _exit(failure.code() == ErrorCode::kDiskFull && reads ? 0 : 3);
  };
  EXPECT_EXIT(body(), testing::ExitedWithCode(0), "");
}

TEST(GroupCommit, SixteenThreadsShareSyncsAndEveryAcknowledgedCommitIsKept) {
  tests::TempDirectory directory;
  StoreOptions options;
  options.directory = directory / "db";
  const auto store = must_open(options);
  std::mutex writer;
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        uint64_t number = 0;
        {
          const std::lock_guard<std::mutex> lock(writer);
          const auto batch = store->batch();
          batch->put(kN, std::to_string(t) + "/" + std::to_string(i), "v");
          const Result<uint64_t> written = store->write(*batch, "");
          number = written.ok() ? *written : 0;
        }
        failures += number != 0 && store->wait_durable(number).ok() ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(store->last_commit(), 800u);
  EXPECT_LT(store->stats().syncs, 600u);
  EXPECT_GT(store->stats().syncs, 0u);
  EXPECT_EQ(all(*store, kN).size(), 800u);
}

TEST(GroupCommit, ALoneWriterSyncsOncePerCommit) {
  MemoryDisk disk(1);
  const auto store = must_open(disk.options());
  for (uint64_t i = 1; i <= 5; ++i) {
    EXPECT_STATUS_OK(store->wait_durable(put(*store, kN, "k", "v")));
    EXPECT_EQ(store->stats().syncs, i);
  }
}

TEST(GroupCommit, WaitingForACommitThatWasNeverWrittenIsAnError) {
  MemoryDisk disk(1);
  const auto store = must_open(disk.options());
  put(*store, kN, "k", "v");
  EXPECT_EQ(store->wait_durable(2).code(), ErrorCode::kInternal);
}

TEST(SyncLevels, OffNeverSyncsAndIntervalSyncsByItself) {
  MemoryDisk disk(1);
  StoreOptions options = disk.options();
  options.sync = SyncLevel::kOff;
  {
    const auto store = must_open(options);
    EXPECT_STATUS_OK(store->wait_durable(put(*store, kN, "k", "v")));
    EXPECT_EQ(store->stats().syncs, 0u);
    EXPECT_STATUS_OK(store->sync());
    EXPECT_EQ(store->stats().syncs, 1u);
  }
  options.sync = SyncLevel::kInterval;
  options.sync_interval_ms = 2;
  {
    const auto store = must_open(options);
    EXPECT_STATUS_OK(store->wait_durable(put(*store, kN, "k", "v2")));
    for (int i = 0; i < 500 && store->stats().syncs == 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    EXPECT_EQ(store->stats().syncs, 1u);
    disk.faults().cut_power();
  }
  disk.faults().restore();
  EXPECT_EQ(get(*must_open(disk.options()), kN, "k"), "v2");
}

}  // namespace
}  // namespace lora::kv
