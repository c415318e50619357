#include "cypher/import/record_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "graph/text.h"
#include "tests/support/temp_directory.h"

namespace lora::cypher {
namespace {

// With and without a thread that reads ahead, whatever the machine has.
class RecordReaderTest : public ::testing::TestWithParam<bool> {
 protected:
  struct All {
    std::vector<std::string> records;  // line, ends, values
    uint64_t skipped = 0;
    Status status;
    size_t batches = 0, batch_bytes = 0, held_bytes = 0;  // the largest; all that its slots keep
  };

  std::unique_ptr<CsvReader> open(const std::string& text) {
    const std::string path = directory_ / ("file" + std::to_string(++files_));
    std::ofstream(path, std::ios::binary) << text;
    auto opened = CsvReader::open_path(path, ',');
    EXPECT_TRUE(opened.ok());
    return std::move(*opened);
  }

  // All of a file, or `batches_max` of its batches.
  All read(const std::string& text, bool relationships, size_t batches_max = SIZE_MAX) {
    const auto csv = open(text);
    std::vector<std::string> names;
    bool more = false;
    EXPECT_TRUE(csv->next(&names, &more).ok());
    auto columns = parse_import_header(names, relationships);
    EXPECT_TRUE(columns.ok()) << columns.status().to_string();
    auto format = ImportFormat::of(std::move(*columns), &ids_);
    EXPECT_TRUE(format.ok()) << format.status().to_string();
    for (uint32_t i = 0; i < format->columns.size(); ++i) {
      if (!format->columns[i].name.empty()) format->properties.emplace_back(KeyId(i), i);
    }
    All all;
    RecordReader reader(*csv, *format, options_, ids_, GetParam());
    std::unique_ptr<ImportBatch> batch;
    do {
      batch = reader.next(std::move(batch));
      ++all.batches;
      all.batch_bytes = std::max(all.batch_bytes, batch->bytes);
      size_t held = 0;
      for (const ImportRecord& record : batch->records) {
        for (const std::string& field : record.fields) held += field.capacity();
      }
      all.held_bytes = std::max(all.held_bytes, held);
      all.skipped += batch->skipped;
      for (size_t i = 0; i < batch->count; ++i) {
        const ImportRecord& record = batch->records[i];
        std::string text = std::to_string(record.line) + ":";
        if (relationships) text += std::to_string(record.start) + "-" + std::to_string(record.end);
        for (const graph::Property& p : record.values) text += "," + to_text(p.value).substr(0, 20);
        all.records.push_back(std::move(text));
      }
      all.status = batch->status;
    } while (!batch->last && batch->status.ok() && all.batches < batches_max);
    return all;
  }

  static std::string nodes(int count) {
    std::string text = "id:ID,x:int\n";
    for (int i = 0; i < count; ++i) text += "n" + std::to_string(i) + "," + std::to_string(i * 3) + "\n";
    return text;
  }

  tests::TempDirectory directory_;
  ImportOptions options_;
  ImportIds ids_;
  int files_ = 0;
};

TEST_P(RecordReaderTest, GivesEachRecordOnceAndInOrder) {
  int id = 0;
  for (const int count : {0, 1, 15, 16, 17, 255, 256, 257, 512, 5'000}) {
    std::string text = "id:ID,x:int,name\n";
    for (int i = 0; i < count; ++i) text += "n" + std::to_string(++id) + "," + std::to_string(i) + ",\"a, b\"\n";
    const All all = read(text, false);
    ASSERT_TRUE(all.status.ok()) << all.status.to_string();
    ASSERT_EQ(all.records.size(), static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
      EXPECT_EQ(all.records[i],
                std::to_string(i + 2) + ":,n" + std::to_string(id - count + i + 1) + "," + std::to_string(i) + ",a, b");
    }
  }
  EXPECT_EQ(ids_.nodes, static_cast<uint32_t>(id));
  EXPECT_EQ(ids_.groups[""].find("n1"), 0u);
  EXPECT_EQ(ids_.groups[""].find("n" + std::to_string(id)), static_cast<uint32_t>(id) - 1);
}

TEST_P(RecordReaderTest, LooksEndsUpAndCountsWhatDangles) {
  ASSERT_TRUE(read(nodes(3'000), false).status.ok());
  std::string text = ":START_ID,:END_ID,since:int\n";
  for (int i = 0; i < 6'000; ++i) text += "n" + std::to_string(i) + ",n" + std::to_string(i / 2) + ",7\n";
  const All strict = read(text, true);
  EXPECT_EQ(strict.status.code(), ErrorCode::kNotFound);
  EXPECT_NE(strict.status.message().find("`, line `3002`: no node has the id `n3000`"), std::string::npos)
      << strict.status.message();
  EXPECT_EQ(strict.records.size(), 3'000u);
  options_.skip_dangling = true;
  const All all = read(text, true);
  ASSERT_TRUE(all.status.ok()) << all.status.to_string();
  EXPECT_EQ(all.skipped, 3'000u);
  ASSERT_EQ(all.records.size(), 3'000u);
  EXPECT_EQ(all.records[2'999], "3001:2999-1499,7");
}

TEST_P(RecordReaderTest, TheRecordsBeforeAWrongOneComeWithItsError) {
  std::string text = nodes(2'000);
  text += "n5,1\nn9999,z\n";
  const All all = read(text, false);
  EXPECT_EQ(all.status.code(), ErrorCode::kUniqueConstraint);
  EXPECT_NE(all.status.message().find("line `2002`"), std::string::npos) << all.status.message();
  EXPECT_EQ(all.records.size(), 2'000u);
}

// What is read ahead is bounded in bytes, too, and is not kept for smaller records.
TEST_P(RecordReaderTest, LargeRecordsMakeSmallBatches) {
  constexpr size_t kLarge = 100'000, kMiB = 1 << 20;
  std::string text = "id:ID,body\n";
  for (int i = 0; i < 300; ++i) text += "n" + std::to_string(i) + "," + std::string(kLarge, 'x') + "\n";
  for (int i = 300; i < 3'000; ++i) text += "n" + std::to_string(i) + ",small\n";
  const All all = read(text, false);
  ASSERT_TRUE(all.status.ok()) << all.status.to_string();
  EXPECT_EQ(all.records.size(), 3'000u);
  EXPECT_EQ(all.records[299], "301:,n299," + std::string(20, 'x'));
  EXPECT_EQ(all.records[2'999], "3001:,n2999,small");
  EXPECT_LT(all.batch_bytes, kMiB + kLarge + 10);
  EXPECT_LT(all.held_bytes, 3 * kMiB);
}

TEST_P(RecordReaderTest, MayEndBeforeTheFile) {
  const std::string text = nodes(20'000);
  for (const size_t batches : {1, 2, 3, 7}) {
    ids_ = ImportIds();
    EXPECT_EQ(read(text, false, batches).batches, batches);
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, RecordReaderTest, ::testing::Bool(),
                         [](const auto& kind) { return kind.param ? "Ahead" : "Inline"; });

}  // namespace
}  // namespace lora::cypher
