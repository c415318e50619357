#include "kv/rocks_log_scan.h"

#include <fstream>

#include "kv/commit_record.h"
#include "tests/kv/store_fixture.h"

namespace lora::kv {
namespace {

namespace fs = std::filesystem;

LogScan scan(const std::string& directory) {
  Result<LogScan> scanned = scan_logs(*rocksdb::FileSystem::Default(), directory);
  EXPECT_TRUE(scanned.ok()) << scanned.status().to_string();
  return scanned.ok() ? *scanned : LogScan();
}

// A directory with one log of `commits` commits, of which `synced` were synced, as a killed process leaves it.
class LogScanTest : public testing::Test {
 protected:
  void fill(uint64_t commits, uint64_t synced, size_t value_bytes) {
    StoreOptions options;
    options.directory = directory_ / "db";
    const auto store = must_open(options);
    for (uint64_t i = 1; i <= commits; ++i) {
      const uint64_t number =
          put(*store, Keyspace::kNodes, std::string("k").append(std::to_string(i)), std::string(value_bytes, 'v'));
      if (i == synced) {
        EXPECT_STATUS_OK(store->wait_durable(number));
      }
    }
    fs::create_directory(copy());
    for (const auto& entry : fs::directory_iterator(options.directory)) {
      if (entry.path().extension() == ".log") {
        fs::copy(entry.path(), copy());
        cut_zeros(copy() / entry.path().filename());
      }
    }
  }
  // Without what is written ahead of the records.
  static void cut_zeros(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string content(std::istreambuf_iterator<char>(file), {});
    fs::resize_file(path, content.find_last_not_of('\0') + 1);
  }
  fs::path copy() const { return directory_ / "copy"; }
  std::string log() const {
    for (const auto& entry : fs::directory_iterator(copy())) {
      return entry.path().string();
    }
    return "";
  }
  tests::TempDirectory directory_;
};

TEST(Crc32c, MatchesTheCheckValueOfTheStandard) {
  EXPECT_EQ(crc32c(0, "123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(0, ""), 0u);
  EXPECT_EQ(crc32c(crc32c(0, "12345"), "6789"), 0xE3069283u);
}

TEST(CommitRecord, ComesBackAndDamageIsSeen) {
  CommitRecord record;
  record.number = 5;
  record.durable_upto = 4;
  record.payload = "p";
  std::string bytes;
  encode_commit_record(record, &bytes);
  EXPECT_EQ(bytes.size(), 34u);
  CommitRecord back;
  ASSERT_TRUE(decode_commit_record(bytes, &back));
  EXPECT_EQ(back.number, 5u);
  EXPECT_EQ(back.durable_upto, 4u);
  EXPECT_EQ(back.payload, "p");
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string damaged = bytes;
    damaged[i / 8] = static_cast<char>(damaged[i / 8] ^ (1 << (i % 8)));
    EXPECT_FALSE(decode_commit_record(damaged, &back)) << i;
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_commit_record(ByteView(bytes).substr(0, size), &back)) << size;
  }
}

TEST_F(LogScanTest, ReadsCommitsThatSpanBlocks) {
  fill(20, 15, 10000);
  const LogScan found = scan(copy());
  EXPECT_EQ(found.last_commit, 20u);
  EXPECT_EQ(found.promised, 15u);
  EXPECT_FALSE(found.damaged);
  EXPECT_EQ(found.bytes, fs::file_size(log()));
}

TEST_F(LogScanTest, ReadsWhatIsBehindADamagedBlock) {
  fill(40, 30, 10000);
  std::fstream file(log(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(33000);
  file.put('\x55');
  file.close();
  const LogScan found = scan(copy());
  EXPECT_TRUE(found.damaged);
  EXPECT_EQ(found.last_commit, 40u);
  EXPECT_EQ(found.promised, 30u);
}

TEST_F(LogScanTest, ATornTailIsDamageAndZerosAreNot) {
  fill(3, 2, 100);
  const auto size = fs::file_size(log());
  fs::resize_file(log(), size + 100000);
  EXPECT_FALSE(scan(copy()).damaged);
  EXPECT_EQ(scan(copy()).last_commit, 3u);
  fs::resize_file(log(), size - 1);
  EXPECT_TRUE(scan(copy()).damaged);
  EXPECT_EQ(scan(copy()).last_commit, 2u);
}

TEST_F(LogScanTest, APayloadThatLooksLikeARecordDoesNotFoolIt) {
  StoreOptions options;
  options.directory = directory_ / "db";
  const auto store = must_open(options);
  CommitRecord record;
  record.number = 1000;
  record.durable_upto = 999;
  std::string inner;
  encode_commit_record(record, &inner);
  const std::string fake =
      std::string("\x01\x07") + std::string(kCommitRecordKey) + std::string(1, static_cast<char>(inner.size())) + inner;
  put(*store, Keyspace::kNodes, "k", fake, fake + fake);
  const LogScan found = scan(options.directory);
  EXPECT_EQ(found.last_commit, 1u);
  EXPECT_EQ(found.promised, 0u);
}

}  // namespace
}  // namespace lora::kv
