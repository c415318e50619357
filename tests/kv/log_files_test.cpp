#include "kv/rocks_log_files.h"

#include <rocksdb/env.h>

#include <fstream>

#include "kv/encode.h"
#include "kv/rocks_log_scan.h"
#include "tests/kv/store_fixture.h"

namespace lora::kv {
namespace {

const rocksdb::IOOptions kNo;

uint32_t masked(uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

// A whole record as RocksDB writes it.
std::string record(const std::string& bytes) {
  std::string out(7, '\0');
  const uint32_t crc = masked(crc32c(0, "\x01" + bytes));
  for (int i = 0; i < 4; ++i) out[static_cast<size_t>(i)] = static_cast<char>(crc >> (8 * i));
  out[4] = static_cast<char>(bytes.size());
  out[5] = static_cast<char>(bytes.size() >> 8);
  out[6] = 1;
  return out + bytes;
}

class LogFilesTest : public testing::Test {
 protected:
  rocksdb::FileSystem& files() { return *rocksdb::FileSystem::Default(); }
  std::string path() const { return directory_ / "1.log"; }
  void put(const std::string& content) { std::ofstream(path(), std::ios::binary) << content; }
  std::string content() {
    std::ifstream file(path(), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  std::unique_ptr<WrittenLog> log() {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    EXPECT_TRUE(files().NewWritableFile(path(), rocksdb::FileOptions(), &file, nullptr).ok());
    return std::make_unique<WrittenLog>(std::move(file), &files(), path(), true, &logs_);
  }
  std::unique_ptr<LogReader> reader(bool follow) {
    std::unique_ptr<rocksdb::FSRandomAccessFile> file;
    EXPECT_TRUE(files().NewRandomAccessFile(path(), rocksdb::FileOptions(), &file, nullptr).ok());
    return std::make_unique<LogReader>(std::move(file), follow);
  }
  // The next bytes, read by blocks as RocksDB does.
  static std::string read(LogReader& reader, size_t at = 0) {
    std::string out;
    std::string scratch(kLogBlockBytes, '\0');
    for (;;) {
      rocksdb::Slice got;
      const size_t wanted = kLogBlockBytes - (at + out.size()) % kLogBlockBytes;
      EXPECT_TRUE(reader.Read(wanted, kNo, &got, scratch.data(), nullptr).ok());
      out.append(got.data(), got.size());
      if (got.size() < wanted) return out;
    }
  }

  tests::TempDirectory directory_;
  OpenLogs logs_;
};

TEST_F(LogFilesTest, RecordsLieBeforeZerosUntilTheLogIsClosed) {
  std::string expected;
  {
    const auto written = log();
    EXPECT_EQ(logs_.size(path()), 0u);
    EXPECT_EQ(content(), "") << "a log without records stays empty";
    for (int i = 0; i < 3'000; ++i) {
      const std::string bytes = record(std::string(static_cast<size_t>(i % 400), static_cast<char>('a' + i % 26)));
      ASSERT_TRUE(written->Append(bytes, kNo, nullptr).ok());
      expected += bytes;
      ASSERT_EQ(logs_.size(path()), expected.size());
      if (i % 500 == 0) {
        const std::string now = content();
        ASSERT_GT(now.size(), expected.size());
        ASSERT_LE(now.size(), expected.size() + WrittenLog::kAhead);
        ASSERT_TRUE(now.starts_with(expected));
        ASSERT_EQ(now.find_first_not_of('\0', expected.size()), std::string::npos);
      }
    }
    ASSERT_TRUE(written->Sync(kNo, nullptr).ok());
    ASSERT_TRUE(written->Close(kNo, nullptr).ok());
    EXPECT_EQ(content(), expected);
  }
  EXPECT_EQ(logs_.size(path()), std::nullopt);
}

TEST_F(LogFilesTest, TheFileEndsAtTheFirstHeaderOfZeros) {
  const std::string some = record("one") + record("two");
  for (const bool follow : {false, true}) {
    put(some + std::string(100, '\0') + record("three"));
    EXPECT_EQ(read(*reader(follow)), some);
    put(std::string(100, '\0') + some);
    EXPECT_EQ(read(*reader(follow)), "");
    put(some);
    EXPECT_EQ(read(*reader(follow)), some);
    // A block ends with less than a header.
    const std::string block = record(std::string(kLogBlockBytes - 7 - 5, 'x')) + std::string(5, '\0');
    ASSERT_EQ(block.size(), kLogBlockBytes);
    put(block + record("next") + std::string(50'000, '\0') + record("lost"));
    EXPECT_EQ(read(*reader(follow)), block + record("next"));
    put("");
    EXPECT_EQ(read(*reader(follow)), "");
  }
}

TEST_F(LogFilesTest, DamageIsLeftToTheReaderButHiddenFromFollowers) {
  std::string damaged = record("one") + record("two") + record("three");
  damaged[record("one").size() + 9] ^= 1;
  put(damaged);
  EXPECT_EQ(read(*reader(false)), damaged);
  EXPECT_EQ(read(*reader(true)), record("one"));
  // A length that leaves the block.
  std::string endless = record("one") + record("two");
  endless[record("one").size() + 5] = '\xff';
  put(endless + std::string(40'000, 'z'));
  EXPECT_TRUE(read(*reader(false)) == endless + std::string(40'000, 'z'));
  EXPECT_EQ(read(*reader(true)), record("one"));
  // Torn.
  put(record("one") + record("two").substr(0, 8));
  EXPECT_EQ(read(*reader(false)), record("one") + record("two").substr(0, 8));
  EXPECT_EQ(read(*reader(true)), record("one"));
}

TEST_F(LogFilesTest, AFollowerReadsOnWhereItStopped) {
  const auto written = log();
  ASSERT_TRUE(written->Append(record("first"), kNo, nullptr).ok());
  const auto following = reader(true);
  std::string seen = read(*following);
  std::string expected = record("first");
  EXPECT_EQ(seen, expected);
  for (int i = 0; i < 200; ++i) {
    const std::string next = record(std::string(500, static_cast<char>('a' + i % 26)));
    if (expected.size() % kLogBlockBytes + next.size() > kLogBlockBytes) {
      const size_t rest = kLogBlockBytes - expected.size() % kLogBlockBytes;
      const std::string fill = rest < 7 ? std::string(rest, '\0') : record(std::string(rest - 7, '#'));
      ASSERT_TRUE(written->Append(fill, kNo, nullptr).ok());
      expected += fill;
    }
    // In two halves: the first one is no record yet.
    ASSERT_TRUE(written->Append(next.substr(0, 100), kNo, nullptr).ok());
    seen += read(*following, seen.size());
    ASSERT_EQ(seen, expected);
    ASSERT_TRUE(written->Append(next.substr(100), kNo, nullptr).ok());
    expected += next;
    seen += read(*following, seen.size());
    ASSERT_EQ(seen, expected) << i;
  }
}

// The store's file system syncs the log before the next one is made.
TEST_F(LogFilesTest, OpenLogsAreSyncedTogether) {
  struct Counting final : rocksdb::FSWritableFileOwnerWrapper {
    using rocksdb::FSWritableFileOwnerWrapper::FSWritableFileOwnerWrapper;
    rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
      ++*syncs;
      return *fails ? rocksdb::IOStatus::IOError("no") : target()->Sync(options, context);
    }
    int* syncs = nullptr;
    bool* fails = nullptr;
  };
  int syncs = 0;
  bool fails = false;
  const auto make = [&](const std::string& name) {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    EXPECT_TRUE(files().NewWritableFile(directory_ / name, rocksdb::FileOptions(), &file, nullptr).ok());
    auto counting = std::make_unique<Counting>(std::move(file));
    counting->syncs = &syncs;
    counting->fails = &fails;
    return std::make_unique<WrittenLog>(std::move(counting), &files(), directory_ / name, false, &logs_);
  };
  const auto one = make("1.log");
  auto two = make("2.log");
  EXPECT_TRUE(logs_.sync().ok());
  EXPECT_EQ(syncs, 0) << "empty logs";
  ASSERT_TRUE(one->Append(record("x"), kNo, nullptr).ok());
  ASSERT_TRUE(two->Append(record("y"), kNo, nullptr).ok());
  EXPECT_TRUE(logs_.sync().ok());
  EXPECT_EQ(syncs, 2);
  ASSERT_TRUE(two->Close(kNo, nullptr).ok());
  two.reset();
  EXPECT_TRUE(logs_.sync().ok());
  EXPECT_EQ(syncs, 3);
  fails = true;
  EXPECT_FALSE(logs_.sync().ok());
}

TEST_F(LogFilesTest, WithoutRandomWritesItIsAnOrdinaryLog) {
  class Refusing final : public rocksdb::FileSystemWrapper {
   public:
    using rocksdb::FileSystemWrapper::FileSystemWrapper;
    const char* Name() const override { return "Refusing"; }
    rocksdb::IOStatus NewRandomRWFile(const std::string&, const rocksdb::FileOptions&,
                                      std::unique_ptr<rocksdb::FSRandomRWFile>*, rocksdb::IODebugContext*) override {
      return rocksdb::IOStatus::NotSupported("no");
    }
  };
  Refusing refusing(rocksdb::FileSystem::Default());
  std::unique_ptr<rocksdb::FSWritableFile> file;
  ASSERT_TRUE(files().NewWritableFile(path(), rocksdb::FileOptions(), &file, nullptr).ok());
  WrittenLog plain(std::move(file), &refusing, path(), true, &logs_);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(plain.Append(record("x"), kNo, nullptr).ok());
  EXPECT_EQ(content().size(), record("x").size() * 10);
  ASSERT_TRUE(plain.Close(kNo, nullptr).ok());
}

}  // namespace
}  // namespace lora::kv
