// Opening on disk: what is created, refused, locked and left alone.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <sstream>

#include "kv/rocks_files.h"
#include "tests/kv/store_fixture.h"

namespace lora::kv {
namespace {

namespace fs = std::filesystem;
constexpr Keyspace kN = Keyspace::kNodes;

class OpenTest : public testing::Test {
 protected:
  OpenTest() { options_.directory = directory_ / "db"; }

  Status open_status(const StoreOptions& options) { return open_store(options).status(); }
  void create_with(ByteView key, ByteView value) {
    const auto store = must_open(options_);
    put(*store, kN, key, value);
    EXPECT_STATUS_OK(store->close());
  }
  void write_file(const std::string& path, const std::string& content) { std::ofstream(path) << content; }
  std::string file(const char* name) const { return options_.directory + "/" + name; }
  // Names, sizes, modification times and contents of everything in the directory.
  std::string state_of_directory() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator(options_.directory)) {
      std::stringstream text;
      text << entry.file_size() << " " << entry.last_write_time().time_since_epoch().count() << " ";
      text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      files[entry.path().filename()] = text.str();
    }
    std::string all;
    for (const auto& [name, text] : files) {
      all += name + "=" + text + "\n";
    }
    return all;
  }

  tests::TempDirectory directory_;
  StoreOptions options_;
};

TEST_F(OpenTest, WhatWasWrittenIsThereAfterReopening) {
  create_with("a", "1");
  const auto store = must_open(options_);
  EXPECT_EQ(get(*store, kN, "a"), "1");
  EXPECT_EQ(store->last_commit(), 1u);
  EXPECT_EQ(store->recovery().last_commit, 1u);
  EXPECT_EQ(store->recovery().lost_commits, 0u);
  EXPECT_EQ(put(*store, kN, "b", "2"), 2u);
}

TEST_F(OpenTest, MissingParentsAreCreatedForTheOwnerOnly) {
  options_.directory = directory_ / "x/y/z/";
  create_with("a", "1");
  for (const char* part : {"x", "x/y", "x/y/z"}) {
    struct stat info = {};
    ASSERT_EQ(stat((directory_ / part).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u) << part;
  }
}

TEST_F(OpenTest, NothingIsCreatedWithoutLeave) {
  for (const bool empty_directory : {false, true}) {
    if (empty_directory) {
      fs::create_directory(options_.directory);
    }
    StoreOptions options = options_;
    options.create_if_missing = false;
    EXPECT_EQ(open_status(options).code(), ErrorCode::kNotFound);
    options.create_if_missing = true;
    options.read_only = true;
    EXPECT_EQ(open_status(options).code(), ErrorCode::kNotFound);
    EXPECT_EQ(fs::exists(options_.directory), empty_directory);
  }
  EXPECT_TRUE(fs::is_empty(options_.directory));
}

TEST_F(OpenTest, AForeignDirectoryIsRefusedAndLeftAlone) {
  fs::create_directory(options_.directory);
  write_file(file("thesis.txt"), "precious");
  const std::string before = state_of_directory();
  EXPECT_EQ(open_status(options_).code(), ErrorCode::kConfig);
  EXPECT_EQ(state_of_directory(), before);
}

TEST_F(OpenTest, AFileIsRefused) {
  write_file(options_.directory, "hello");
  EXPECT_EQ(open_status(options_).code(), ErrorCode::kConfig);
  write_file(options_.directory, "");
  EXPECT_EQ(open_status(options_).code(), ErrorCode::kConfig);
}

TEST_F(OpenTest, FilesOfTheRustVersionAreNamedWithTheWayOut) {
  for (const std::string& magic : {std::string("LORADB2\0more", 12), std::string("LORACOL1")}) {
    write_file(options_.directory, magic);
    const Status status = open_status(options_);
    EXPECT_EQ(status.code(), ErrorCode::kFormatVersion);
    EXPECT_NE(status.message().find("export"), std::string::npos) << status.message();
  }
}

TEST_F(OpenTest, ANewerFormatIsRefused) {
  create_with("a", "1");
  std::string bytes = encode_format(DatabaseId{});
  bytes[8] = 2;
  write_file(file(kFormatFile), bytes);
  const Status status = open_status(options_);
  EXPECT_EQ(status.code(), ErrorCode::kFormatVersion);
  EXPECT_NE(status.message().find("format 2"), std::string::npos) << status.message();
}

TEST_F(OpenTest, ADamagedFormatFileIsCorruption) {
  create_with("a", "1");
  std::ifstream in(file(kFormatFile), std::ios::binary);
  const std::string good((std::istreambuf_iterator<char>(in)), {});
  ASSERT_EQ(good.size(), 40u);
  for (const size_t at : {0u, 13u, 16u, 31u, 39u}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 4);
    write_file(file(kFormatFile), bad);
    EXPECT_EQ(open_status(options_).code(), ErrorCode::kCorruption) << at;
  }
  write_file(file(kFormatFile), good.substr(0, 20));
  EXPECT_EQ(open_status(options_).code(), ErrorCode::kCorruption);
  write_file(file(kFormatFile), "");
  EXPECT_EQ(open_status(options_).code(), ErrorCode::kCorruption);
  write_file(file(kFormatFile), good);
  EXPECT_STATUS_OK(open_status(options_));
}

TEST_F(OpenTest, FilesOfTwoDatabasesDoNotMix) {
  create_with("a", "1");
  const std::string mine = options_.directory;
  options_.directory = directory_ / "other";
  create_with("a", "2");
  fs::copy_file(file(kFormatFile), mine + "/" + kFormatFile, fs::copy_options::overwrite_existing);
  options_.directory = mine;
  EXPECT_EQ(open_status(options_).code(), ErrorCode::kCorruption);
}

TEST_F(OpenTest, AMissingFileOfRocksDbIsCorruptionAndNotANewDatabase) {
  create_with("a", "1");
  const std::string saved = directory_ / "saved";
  fs::copy(options_.directory, saved, fs::copy_options::recursive);
  for (const auto& entry : fs::directory_iterator(saved)) {
    const std::string name = entry.path().filename();
    if (name == "CURRENT" || name.starts_with("MANIFEST") || name.ends_with(".sst")) {
      fs::remove_all(options_.directory);
      fs::copy(saved, options_.directory, fs::copy_options::recursive);
      fs::remove(options_.directory + "/" + name);
      const Status status = open_status(options_);
      EXPECT_EQ(status.code(), ErrorCode::kCorruption) << name << ": " << status.to_string();
    }
  }
}

TEST_F(OpenTest, AnUnfinishedCreationIsStartedAgain) {
  create_with("a", "1");
  fs::rename(file(kFormatFile), file(kFormatFileNew));
  write_file(file("MANIFEST-000001"), "torn");
  const auto store = must_open(options_);
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(get(*store, kN, "a"), "-");
  EXPECT_EQ(store->last_commit(), 0u);
  EXPECT_FALSE(fs::exists(file(kFormatFileNew)));
}

TEST_F(OpenTest, StaleSortedRunsAreRemoved) {
  create_with("a", "1");
  write_file(file("run-3.new"), "left by a crash");
  must_open(options_);
  EXPECT_FALSE(fs::exists(file("run-3.new")));
}

TEST_F(OpenTest, ASecondStoreInTheProcessIsLockedOut) {
  const auto store = must_open(options_);
  for (const bool read_only : {false, true}) {
    StoreOptions second = options_;
    second.read_only = read_only;
    const Status status = open_status(second);
    EXPECT_EQ(status.code(), ErrorCode::kLocked);
    EXPECT_NE(status.message().find("pid=" + std::to_string(getpid())), std::string::npos) << status.message();
    EXPECT_NE(status.message().find("since=20"), std::string::npos) << status.message();
    EXPECT_NE(status.message().find("host="), std::string::npos) << status.message();
  }
  put(*store, kN, "a", "1");
  EXPECT_STATUS_OK(store->close());
  const auto again = must_open(options_);
  EXPECT_EQ(get(*again, kN, "a"), "1");
}

TEST_F(OpenTest, AnotherProcessIsLockedOut) {
  create_with("a", "1");
  int ready[2];
  int done[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(done), 0);
  const pid_t child = fork();
  if (child == 0) {
    // Only async-signal-safe work and the lock itself: other threads of the parent do not exist here.
    const auto lock = DirectoryLock::acquire(options_.directory, false);
    char byte = lock.ok() ? 'y' : 'n';
    if (write(ready[1], &byte, 1) != 1 || read(done[0], &byte, 1) != 1) {
      _exit(1);
    }
    _exit(0);
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, 'y');
  const Status status = open_status(options_);
  EXPECT_EQ(status.code(), ErrorCode::kLocked);
  EXPECT_NE(status.message().find("pid=" + std::to_string(child)), std::string::npos) << status.message();
  ASSERT_EQ(write(done[1], "x", 1), 1);
  int ended = 0;
  waitpid(child, &ended, 0);
  EXPECT_STATUS_OK(open_status(options_));
}

TEST_F(OpenTest, ReadOnlyChangesNoFileAndShares) {
  {
    const auto store = must_open(options_);
    put(*store, kN, "a", "1", "p");
    // Leave the log unflushed, as a killed process would: copy the directory while it is open.
    EXPECT_STATUS_OK(store->sync());
    put(*store, kN, "b", "2");
    fs::copy(options_.directory, directory_ / "copy", fs::copy_options::recursive);
  }
  options_.directory = directory_ / "copy";
  StoreOptions options = options_;
  options.read_only = true;
  const std::string before = state_of_directory();
  {
    const auto first = must_open(options);
    const auto second = must_open(options);
    ASSERT_NE(first, nullptr);
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(get(*first, kN, "a"), "1");
    EXPECT_EQ(get(*second, kN, "b"), "2");
    EXPECT_EQ(*second->last_payload(nullptr), "");
    const auto batch = first->batch();
    batch->put(kN, "c", "3");
    EXPECT_EQ(first->write(*batch, "").status().code(), ErrorCode::kReadOnly);
    EXPECT_EQ(first->clear("").status().code(), ErrorCode::kReadOnly);
    EXPECT_EQ(first->flush(true).code(), ErrorCode::kReadOnly);
    EXPECT_EQ(first->sorted_run(kN).status().code(), ErrorCode::kReadOnly);
    EXPECT_EQ(open_status(options_).code(), ErrorCode::kLocked) << "a writer beside readers";
    EXPECT_STATUS_OK(first->close());
  }
  EXPECT_EQ(state_of_directory(), before);
  EXPECT_STATUS_OK(open_status(options_));
}

TEST_F(OpenTest, ASecondaryFollowsALiveWriter) {
  const auto writer = must_open(options_);
  put(*writer, kN, "a", "1", "p1");
  StoreOptions options = options_;
  options.secondary = true;
  EXPECT_EQ(open_status(options).code(), ErrorCode::kConfig) << "no secondary_directory";
  options.secondary_directory = directory_ / "secondary";
  const auto reader = must_open(options);
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(get(*reader, kN, "a"), "1");
  put(*writer, kN, "b", "2", "p2");
  EXPECT_EQ(get(*reader, kN, "b"), "-");
  EXPECT_STATUS_OK(reader->catch_up());
  EXPECT_EQ(get(*reader, kN, "b"), "2");
  EXPECT_EQ(reader->last_commit(), 2u);
  EXPECT_EQ(*reader->last_payload(nullptr), "p2");
  const Snapshot* snapshot = reader->snapshot();
  EXPECT_EQ(get(*reader, kN, "b", snapshot), "2");
  reader->release_snapshot(snapshot);
  EXPECT_STATUS_OK(writer->flush(true));
  put(*writer, kN, "c", "3");
  EXPECT_STATUS_OK(reader->catch_up());
  EXPECT_EQ(get(*reader, kN, "c"), "3");
  const auto batch = reader->batch();
  EXPECT_EQ(reader->write(*batch, "").status().code(), ErrorCode::kReadOnly);
}

TEST_F(OpenTest, ACleanCloseLeavesNoLog) {
  create_with("a", "1");
  for (const auto& entry : fs::directory_iterator(options_.directory)) {
    if (entry.path().extension() == ".log") {
      EXPECT_EQ(entry.file_size(), 0u);
    }
  }
}

TEST_F(OpenTest, OpeningWithoutWritingLeavesNoFiles) {
  create_with("a", "1");
  const auto files = [this] {
    size_t count = 0;
    for (const auto& entry : fs::directory_iterator(options_.directory)) count += entry.exists();
    return count;
  };
  ASSERT_TRUE(must_open(options_)->close().ok());
  const size_t before = files();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(must_open(options_)->close().ok());
  EXPECT_LE(files(), before);
  const auto store = must_open(options_);
  std::string value;
  ASSERT_TRUE(store->get(kN, "a", nullptr, &value).ok());
  EXPECT_EQ(value, "1");
}

// Statement `number` of a load by growing ids.
void ingest_hundred(Store& store, int number) {
  Result<std::unique_ptr<SortedRun>> run = store.sorted_run(kN);
  ASSERT_TRUE(run.ok());
  for (int k = 0; k < 100; ++k) {
    const std::string key = std::to_string(10'000'000 + number * 1000 + k);
    ASSERT_TRUE((*run)->add(key, "value of " + key).ok());
  }
  std::vector<std::unique_ptr<SortedRun>> runs;
  runs.push_back(std::move(*run));
  ASSERT_TRUE(store.ingest(std::move(runs), *store.batch(), "p").ok());
}

TEST_F(OpenTest, FilesAreTheOwnersAlone) {
  const mode_t before = ::umask(0);
  {
    const auto store = must_open(options_);
    put(*store, kN, "a", "1");
    ingest_hundred(*store, 1);
    size_t files = 0;
    for (const auto& entry : fs::directory_iterator(options_.directory)) {
      struct stat info = {};
      ASSERT_EQ(stat(entry.path().c_str(), &info), 0);
      EXPECT_EQ(info.st_mode & 0777, 0600u) << entry.path();
      ++files;
    }
    EXPECT_GE(files, 8u);  // logs, tables, manifest and our own
    EXPECT_STATUS_OK(store->close());
  }
  ::umask(before);
}

size_t table_count(const std::string& directory) {
  size_t tables = 0;
  for (const auto& entry : fs::directory_iterator(directory)) tables += entry.path().extension() == ".sst";
  return tables;
}

TEST_F(OpenTest, ManyIngestsLeaveFewTables) {
  const auto store = must_open(options_);
  for (int i = 0; i < 200; ++i) ingest_hundred(*store, i);
  EXPECT_LT(table_count(options_.directory), 100u);
  for (const int id : {0, 77'050, 199'099}) {
    const std::string key = std::to_string(10'000'000 + id);
    std::string value;
    ASSERT_TRUE(store->get(kN, key, nullptr, &value).ok()) << key;
    EXPECT_EQ(value, "value of " + key);
  }
}

TEST_F(OpenTest, ManyOpensWithAnIngestEachLeaveFewTables) {
  for (int i = 0; i < 50; ++i) {
    const auto store = must_open(options_);
    ingest_hundred(*store, i);
    ASSERT_TRUE(store->close().ok());
  }
  EXPECT_LT(table_count(options_.directory), 30u);
}

TEST_F(OpenTest, StatsNameTheEngine) {
  const auto store = must_open(options_);
  const uint64_t number = put(*store, kN, "a", "1");
  EXPECT_STATUS_OK(store->wait_durable(number));
  EXPECT_STATUS_OK(store->wait_durable(number));
  const StoreStats stats = store->stats();
  EXPECT_TRUE(stats.engine.starts_with("RocksDB ")) << stats.engine;
  EXPECT_EQ(stats.commits, 1u);
  EXPECT_EQ(stats.syncs, 1u);
  EXPECT_GT(stats.wal_bytes, 0u);
  EXPECT_GT(stats.memtable_bytes, 0u);
}

// The option is an upper bound: a small database keeps few blocks in memory, however often it is read.
TEST_F(OpenTest, TheBlockCacheGrowsWithTheTables) {
  constexpr uint64_t kMiB = 1 << 20;
  options_.block_cache_bytes = 1024 * kMiB;
  options_.sync = SyncLevel::kOff;
  std::mt19937_64 random(5);
  std::string value(4096, ' ');
  uint64_t next = 0;
  const auto grow = [&](Store& store, uint64_t bytes) {
    for (uint64_t wanted = next + bytes / value.size(); next < wanted;) {
      const std::unique_ptr<WriteBatch> batch = store.batch();
      for (int i = 0; i < 256; ++i, ++next) {
        for (char& c : value) c = static_cast<char>(random());
        batch->put(kN, std::to_string(1'000'000 + next), value);
      }
      ASSERT_TRUE(store.write(*batch, "").ok());
    }
    ASSERT_TRUE(store.flush(true).ok());
  };
  const auto read_all = [&](Store& store) {
    const std::unique_ptr<Cursor> cursor = store.cursor(kN, {});
    uint64_t count = 0;
    for (cursor->seek_first(); cursor->valid(); cursor->next()) ++count;
    EXPECT_EQ(count, next);
    return store.stats().block_cache_bytes;
  };
  std::unique_ptr<Store> store = must_open(options_);
  grow(*store, 32 * kMiB);
  const uint64_t small = read_all(*store);
  EXPECT_GT(small, 4 * kMiB);
  EXPECT_LT(small, 9 * kMiB);
  grow(*store, 96 * kMiB);
  const uint64_t larger = read_all(*store);
  EXPECT_GT(larger, 12 * kMiB);
  EXPECT_LT(larger, 20 * kMiB);
  EXPECT_STATUS_OK(store->close());
  store = must_open(options_);
  EXPECT_GT(read_all(*store), 12 * kMiB);
  EXPECT_STATUS_OK(store->close());
  options_.block_cache_bytes = 2 * kMiB;
  store = must_open(options_);
  EXPECT_LT(read_all(*store), 3 * kMiB);
}

}  // namespace
}  // namespace lora::kv
