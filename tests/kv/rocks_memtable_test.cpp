#include "kv/rocks_memtable.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>

#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace lora::kv {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// A database that keeps everything in memtables, with the tree or with RocksDB's own.
class Memtables {
 public:
  explicit Memtables(bool tree) : env_(rocksdb::NewMemEnv(rocksdb::Env::Default())) {
    rocksdb::Options options;
    options.env = env_.get();
    options.create_if_missing = true;
    options.allow_concurrent_memtable_write = false;
    options.arena_block_size = 4 << 10;  // no large block that hides what is counted
    if (tree) options.memtable_factory = std::make_shared<TreeMemtableFactory>();
    rocksdb::DB* db = nullptr;
    const rocksdb::Status opened = rocksdb::DB::Open(options, "/db", &db);
    EXPECT_TRUE(opened.ok()) << opened.ToString();
    db_.reset(db);
  }
  ~Memtables() {
    for (const rocksdb::Snapshot* snapshot : snapshots_) db_->ReleaseSnapshot(snapshot);
  }

  rocksdb::DB& db() { return *db_; }
  void snapshot() { snapshots_.push_back(db_->GetSnapshot()); }
  size_t snapshots() const { return snapshots_.size(); }

  rocksdb::ReadOptions at(size_t snapshot) const {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot < snapshots_.size() ? snapshots_[snapshot] : nullptr;
    return options;
  }
  std::string get(const std::string& key, size_t snapshot) {
    std::string value;
    const rocksdb::Status status = db_->Get(at(snapshot), key, &value);
    return status.ok() ? value : status.ToString();
  }
  Pairs walk(size_t snapshot, const std::string& from, bool forward) {
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(at(snapshot)));
    Pairs out;
    const auto take = [&] { out.emplace_back(it->key().ToString(), it->value().ToString()); };
    if (forward) {
      for (from.empty() ? it->SeekToFirst() : it->Seek(from); it->Valid(); it->Next()) take();
    } else {
      for (from.empty() ? it->SeekToLast() : it->SeekForPrev(from); it->Valid(); it->Prev()) take();
    }
    EXPECT_TRUE(it->status().ok());
    return out;
  }

 private:
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<const rocksdb::Snapshot*> snapshots_;
};

TEST(RocksMemtable, LikeRocksDBsOwn) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Memtables tree(true);
    Memtables list(false);
    const auto key = [&] { return std::to_string(random() % 3'000); };
    for (int round = 0; round < 400; ++round) {
      rocksdb::WriteBatch batch;
      for (uint64_t left = random() % 30; left > 0; --left) {
        const std::string first = key();
        switch (random() % 16) {
          case 0: {
            const std::string last = key();
            if (first < last && random() % 4 == 0) batch.DeleteRange(first, last);
            break;
          }
          case 1:
          case 2:
          case 3: batch.Delete(first); break;
          default: batch.Put(first, std::string(random() % 100, 'v') + std::to_string(round));
        }
      }
      for (Memtables* each : {&tree, &list}) ASSERT_TRUE(each->db().Write({}, &batch).ok());
      if (random() % 40 == 0) {
        tree.snapshot();
        list.snapshot();
      }
      if (random() % 60 == 0) {
        for (Memtables* each : {&tree, &list}) ASSERT_TRUE(each->db().Flush({}).ok());
      }
      const size_t snapshot = random() % (tree.snapshots() + 1);
      for (int i = 0; i < 10; ++i) {
        const std::string one = key();
        ASSERT_EQ(tree.get(one, snapshot), list.get(one, snapshot)) << one;
      }
      if (round % 20 == 0) {
        const std::string from = random() % 3 == 0 ? "" : key();
        ASSERT_EQ(tree.walk(snapshot, from, true), list.walk(snapshot, from, true)) << from;
        ASSERT_EQ(tree.walk(snapshot, from, false), list.walk(snapshot, from, false)) << from;
      }
    }
  }
}

// One iterator that turns round between its steps, while entries are inserted around it.
TEST(RocksMemtable, AnIteratorThatTurnsShowsItsSnapshot) {
  Memtables tree(true);
  const auto key = [](int i) { return std::to_string(10'000 + i); };
  for (int i = 0; i < 1'000; i += 2) ASSERT_TRUE(tree.db().Put({}, key(i), "old").ok());
  const std::unique_ptr<rocksdb::Iterator> it(tree.db().NewIterator({}));
  it->Seek(key(500));
  std::mt19937_64 random(5);
  int at = 500;
  for (int step = 0; step < 5'000; ++step) {
    ASSERT_TRUE(it->Valid());
    ASSERT_EQ(it->key().ToString(), key(at));
    ASSERT_EQ(it->value().ToString(), "old");
    ASSERT_TRUE(tree.db().Put({}, key(static_cast<int>(random() % 1'000)), "new").ok());
    if (at > 0 && (at == 998 || random() % 2 == 0)) {
      it->Prev();
      at -= 2;
    } else {
      it->Next();
      at += 2;
    }
  }
}

TEST(RocksMemtable, CountsItsNodes) {
  Memtables tree(true);
  uint64_t bytes = 0, entries = 0;
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(tree.db().Put({}, std::to_string(10'000 + i), "v").ok());
  ASSERT_TRUE(tree.db().GetIntProperty("rocksdb.cur-size-all-mem-tables", &bytes));
  ASSERT_TRUE(tree.db().GetIntProperty("rocksdb.num-entries-active-mem-table", &entries));
  EXPECT_EQ(entries, 10'000u);
  constexpr uint64_t kEntryBytes = 1 + 5 + 8 + 1 + 1, kPlaceBytes = 24;
  EXPECT_GT(bytes, entries * (kEntryBytes + kPlaceBytes));
}

}  // namespace
}  // namespace lora::kv
