// Opening what a crash or a rotten disk has left: torn tails open silently, lost acknowledged commits never do.
#include <algorithm>
#include <random>

#include "tests/kv/memory_disk.h"

namespace lora::kv {
namespace {

using Image = MemoryDisk::Image;

// The newest one: those before it are removed in the background.
std::string log_of(const Image& image) {
  for (auto file = image.rbegin(); file != image.rend(); ++file) {
    if (file->first.ends_with(".log") && !file->second.empty()) {
      return file->first;
    }
  }
  ADD_FAILURE() << "no log";
  return "";
}

// Without the zeros that are written ahead: as the log's records are.
void cut_zeros(Image* image) {
  for (auto& [name, content] : *image) {
    if (name.ends_with(".log")) {
      content.resize(content.find_last_not_of('\0') + 1);
    }
  }
}

class RecoveryTest : public testing::Test {
 protected:
  // Commit i: counts up in two keyspaces, adds a key, says i in its payload.
  static void commit(Store& store) {
    const std::string i = std::to_string(store.last_commit() + 1);
    const auto batch = store.batch();
    batch->put(Keyspace::kNodes, "n", i);
    batch->put(Keyspace::kIndexes, "n", i);
    batch->put(Keyspace::kNodes, "k" + i, i);
    EXPECT_TRUE(store.write(*batch, i).ok());
  }

  // The disk of a process killed after `commits`, of which the first `acknowledged` were waited for; its log as it is,
  // or without the zeros behind its records.
  Image killed_after(uint64_t commits, uint64_t acknowledged, bool zeros = false) {
    const auto store = must_open(disk_.options());
    Image image;
    for (uint64_t i = 1; i <= commits; ++i) {
      commit(*store);
      if (i <= acknowledged) {
        EXPECT_STATUS_OK(store->wait_durable(i));
      }
      if (i == acknowledged) {
        Image now = disk_.image();
        cut_zeros(&now);
        acknowledged_bytes_ = now.at(log_of(now)).size();
      }
    }
    image = disk_.image();
    EXPECT_EQ(image.at(log_of(image)).back(), '\0') << "the log is not written ahead";
    if (!zeros) {
      cut_zeros(&image);
    }
    return image;
  }

  // Exactly the first last_commit() commits are there.
  static void expect_prefix(Store& store) {
    const uint64_t last = store.last_commit();
    const std::string n = last == 0 ? "-" : std::to_string(last);
    EXPECT_EQ(get(store, Keyspace::kNodes, "n"), n);
    EXPECT_EQ(get(store, Keyspace::kIndexes, "n"), n);
    EXPECT_EQ(*store.last_payload(nullptr), last == 0 ? "" : n);
    EXPECT_EQ(all(store, Keyspace::kNodes).size(), last == 0 ? 0 : last + 1);
    for (uint64_t i = 1; i <= last; ++i) {
      EXPECT_EQ(get(store, Keyspace::kNodes, "k" + std::to_string(i)), std::to_string(i));
    }
  }

  MemoryDisk disk_{7};
  size_t acknowledged_bytes_ = 0;
};

TEST_F(RecoveryTest, AKilledProcessLosesNothing) {
  for (const bool zeros : {true, false}) {
    MemoryDisk::Image none;
    disk_.put_back(none);
    disk_.put_back(killed_after(20, 0, zeros));
    const auto store = must_open(disk_.options());
    EXPECT_EQ(store->last_commit(), 20u);
    expect_prefix(*store);
  }
}

// Where a log is written ahead, later pages may reach the disk before earlier ones.
TEST_F(RecoveryTest, APageThatIsMissingEndsTheLog) {
  constexpr uint64_t kCommits = 400, kAcknowledged = 150;
  const Image image = killed_after(kCommits, kAcknowledged, true);
  const std::string log = log_of(image);
  size_t records = image.at(log).find_last_not_of('\0') + 1;
  std::mt19937_64 random(11);
  size_t lost = 0;
  for (int round = 0; round < 60; ++round) {
    Image holed = image;
    // A page behind what was acknowledged, or what of it is; another one often, too.
    for (int pages = 1 + static_cast<int>(random() % 2); pages > 0; --pages) {
      const size_t page = (acknowledged_bytes_ + random() % (records - acknowledged_bytes_)) / 4096 * 4096;
      const size_t from = std::max(page, acknowledged_bytes_);
      std::fill_n(holed[log].begin() + static_cast<ptrdiff_t>(from), page + 4096 - from, '\0');
    }
    disk_.put_back(holed);
    const auto store = must_open(disk_.options());
    ASSERT_NE(store, nullptr);
    EXPECT_GE(store->last_commit(), kAcknowledged);
    EXPECT_EQ(store->recovery().lost_commits, 0u);
    expect_prefix(*store);
    lost += store->last_commit() < kCommits;
    commit(*store);
    expect_prefix(*store);
  }
  EXPECT_EQ(lost, 60u);
  // Of what was acknowledged: never silently.
  for (size_t page = 0; page + 4096 < acknowledged_bytes_; page += 4096) {
    Image holed = image;
    std::fill_n(holed[log].begin() + static_cast<ptrdiff_t>(page), 4096, '\0');
    disk_.put_back(holed);
    EXPECT_EQ(open_store(disk_.options()).status().code(), ErrorCode::kCorruption) << "page at " << page;
  }
}

TEST_F(RecoveryTest, ATornTailOpensAtEveryCutWithAnExactPrefix) {
  const Image image = killed_after(14, 8);
  const std::string log = log_of(image);
  const std::string& content = image.at(log);
  std::mt19937_64 random(1);
  ASSERT_LT(acknowledged_bytes_, content.size());
  for (size_t cut = acknowledged_bytes_; cut <= content.size(); ++cut) {
    for (const int tail : {0, 1, 2}) {
      if (tail != 0 && cut % 4 != 0) {
        continue;
      }
      Image torn = image;
      torn[log].resize(cut);
      for (size_t i = 0; tail != 0 && i < 200; ++i) {
        torn[log].push_back(tail == 1 ? '\0' : static_cast<char>(random()));
      }
      disk_.put_back(torn);
      const auto store = must_open(disk_.options());
      ASSERT_NE(store, nullptr) << "cut at " << cut << " of " << content.size() << ", tail " << tail;
      EXPECT_GE(store->last_commit(), 8u);
      EXPECT_EQ(store->recovery().lost_commits, 0u);
      expect_prefix(*store);
    }
  }
}

TEST_F(RecoveryTest, WritesGoOnAfterATornTail) {
  Image torn = killed_after(10, 5);
  const std::string log = log_of(torn);
  torn[log].resize(torn[log].size() - 3);
  disk_.put_back(torn);
  {
    const auto store = must_open(disk_.options());
    ASSERT_EQ(store->last_commit(), 9u);
    commit(*store);
    EXPECT_STATUS_OK(store->wait_durable(10));
  }
  const auto store = must_open(disk_.options());
  EXPECT_EQ(store->last_commit(), 10u);
  expect_prefix(*store);
}

TEST_F(RecoveryTest, AcknowledgedCommitsCutOffAreReported) {
  const Image image = killed_after(12, 12);
  const std::string log = log_of(image);
  for (size_t cut = 1; cut < image.at(log).size(); cut += 11) {
    Image torn = image;
    torn[log].resize(cut);
    disk_.put_back(torn);
    const Status status = open_store(disk_.options()).status();
    ASSERT_EQ(status.code(), ErrorCode::kCorruption) << cut << " " << status.to_string();
    StoreOptions reading = disk_.options();
    reading.read_only = true;
    EXPECT_EQ(open_store(reading).status().code(), ErrorCode::kCorruption);
    Image after = disk_.image();
    EXPECT_TRUE(after == torn) << "a refused open must not change a file, cut at " << cut;
  }
}

TEST_F(RecoveryTest, AFlippedBitInTheLogIsNeverASilentLoss) {
  const Image image = killed_after(20, 20);
  const std::string log = log_of(image);
  std::mt19937_64 random(3);
  size_t reported = 0;
  for (size_t at = 0; at < image.at(log).size(); at += 3) {
    Image flipped = image;
    flipped[log][at] = static_cast<char>(flipped[log][at] ^ (1 << (random() % 8)));
    disk_.put_back(flipped);
    Result<std::unique_ptr<Store>> opened = open_store(disk_.options());
    if (!opened.ok()) {
      ASSERT_EQ(opened.status().code(), ErrorCode::kCorruption) << at << " " << opened.status().to_string();
      EXPECT_NE(opened.status().message().find("missing"), std::string::npos) << opened.status().to_string();
      ++reported;
      continue;
    }
    ASSERT_EQ((*opened)->last_commit(), 20u) << at;
    expect_prefix(**opened);
  }
  EXPECT_GT(reported, 100u);
}

TEST_F(RecoveryTest, TheLogItselfTellsWhatWasAcknowledged) {
  Image image = killed_after(20, 20);
  const std::string log = log_of(image);
  image[kAckedFile] = "";  // as after a power cut: it is never synced
  image[log][200] = static_cast<char>(image[log][200] ^ 1);
  disk_.put_back(image);
  const Status status = open_store(disk_.options()).status();
  EXPECT_EQ(status.code(), ErrorCode::kCorruption) << status.to_string();
}

TEST_F(RecoveryTest, RecoverOpensTheIntactPrefixAndReportsTheLoss) {
  Image image = killed_after(20, 20);
  const std::string log = log_of(image);
  image[log][image[log].size() / 2] = static_cast<char>(image[log][image[log].size() / 2] ^ 1);
  disk_.put_back(image);
  StoreOptions options = disk_.options();
  options.recover = true;
  {
    const auto store = must_open(options);
    ASSERT_NE(store, nullptr);
    EXPECT_LT(store->last_commit(), 20u);
    EXPECT_EQ(store->recovery().last_commit, store->last_commit());
    EXPECT_EQ(store->recovery().lost_commits, 20 - store->last_commit());
    EXPECT_NE(store->recovery().detail.find(std::to_string(store->recovery().lost_commits)), std::string::npos);
    expect_prefix(*store);
    commit(*store);
  }
  const auto store = must_open(disk_.options());
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(store->recovery().lost_commits, 0u);
  expect_prefix(*store);
}

TEST_F(RecoveryTest, ADeletedLogIsALoss) {
  Image image = killed_after(5, 5);
  image.erase(log_of(image));
  disk_.put_back(image);
  EXPECT_EQ(open_store(disk_.options()).status().code(), ErrorCode::kCorruption);
  StoreOptions options = disk_.options();
  options.recover = true;
  const auto store = must_open(options);
  ASSERT_NE(store, nullptr);
  EXPECT_EQ(store->recovery().lost_commits, 5u);
}

TEST_F(RecoveryTest, FlippedBitsInTheOtherFilesAreFoundOrHarmless) {
  {
    const auto store = must_open(disk_.options());
    for (int i = 0; i < 300; ++i) {
      commit(*store);
    }
    EXPECT_STATUS_OK(store->flush(true));
    commit(*store);
    EXPECT_STATUS_OK(store->close());
  }
  const Image image = disk_.image();
  std::mt19937_64 random(5);
  std::map<std::string, int> found;
  for (const auto& [name, content] : image) {
    for (int trial = 0; trial < 60 && !content.empty(); ++trial) {
      Image flipped = image;
      const size_t at = random() % content.size();
      flipped[name][at] = static_cast<char>(flipped[name][at] ^ (1 << (random() % 8)));
      disk_.put_back(flipped);
      Result<std::unique_ptr<Store>> opened = open_store(disk_.options());
      if (!opened.ok()) {
        const ErrorCode code = opened.status().code();
        EXPECT_TRUE(code == ErrorCode::kCorruption || code == ErrorCode::kFormatVersion) << opened.status().to_string();
        ++found[name];
      } else if (!(*opened)->verify_checksums(true).ok()) {
        ++found[name];
      } else {
        EXPECT_EQ((*opened)->last_commit(), 301u) << name << " " << at;
        expect_prefix(**opened);
      }
      if (HasFailure()) {
        return;
      }
    }
  }
  for (const auto& [name, content] : image) {
    if (name.ends_with(".sst")) {
      EXPECT_GT(found[name], 45) << name;  // the rest hit bytes that nobody reads
    }
  }
}

}  // namespace
}  // namespace lora::kv
