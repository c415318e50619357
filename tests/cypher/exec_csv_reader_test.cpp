// CSV records, and which files may be read at all.
#include "cypher/exec/csv_reader.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace lora::cypher {
namespace {

namespace fs = std::filesystem;

class CsvReaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "lora_csv_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    fs::create_directory(root_ / "import");
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(root_ / name, std::ios::binary) << text;
  }
  Result<std::unique_ptr<CsvReader>> open(const std::string& url, char separator = ',') {
    return CsvReader::open((root_ / "import").string(), url, separator);
  }
  // Records as "a|b;c|d".
  std::string records(const std::string& text, char separator = ',') {
    write("import/data.csv", text);
    auto reader = open("data.csv", separator);
    if (!reader.ok()) return reader.status().to_string();
    std::string out;
    for (;;) {
      std::vector<std::string> fields;
      bool more = false;
      const Status s = (*reader)->next(&fields, &more);
      if (!s.ok()) return std::string(error_code_name(s.code()));
      if (!more) return out;
      for (size_t i = 0; i < fields.size(); ++i) out += (i > 0 ? "|" : "") + fields[i];
      out += ";";
    }
  }

  fs::path root_;
};

TEST_F(CsvReaderTest, SplitsRecordsAndFields) {
  EXPECT_EQ(records("a,b\nc,d\n"), "a|b;c|d;");
  EXPECT_EQ(records("a,b\r\nc,d"), "a|b;c|d;");
  EXPECT_EQ(records("a,,b\n,\n"), "a||b;|;");
  EXPECT_EQ(records("a;b\n", ';'), "a|b;");
}

TEST_F(CsvReaderTest, QuotesProtectSeparatorsLineEndsAndQuotes) {
  EXPECT_EQ(records("\"a,b\",\"c\"\"d\"\n"), "a,b|c\"d;");
  EXPECT_EQ(records("\"two\nlines\",x\n"), "two\nlines|x;");
  EXPECT_EQ(records("\"\",x\n"), "|x;");
}

TEST_F(CsvReaderTest, SkipsTheByteOrderMarkAndEmptyLines) {
  EXPECT_EQ(records("\xef\xbb\xbf"
                    "a,b\n\n\nc,d\n\n"),
            "a|b;c|d;");
  EXPECT_EQ(records(""), "");
  EXPECT_EQ(records("\xef"), "\xef;");
}

TEST_F(CsvReaderTest, LongFilesCrossBuffers) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i) + ",\"x\"\"" + std::to_string(i) + "\"\n";
  write("import/data.csv", text);
  auto reader = open("data.csv");
  ASSERT_TRUE(reader.ok());
  for (int i = 0; i < 20'000; ++i) {
    std::vector<std::string> fields;
    bool more = false;
    ASSERT_TRUE((*reader)->next(&fields, &more).ok());
    ASSERT_TRUE(more);
    ASSERT_EQ(fields, (std::vector<std::string>{std::to_string(i), "x\"" + std::to_string(i)}));
  }
}

TEST_F(CsvReaderTest, UnclosedQuoteIsAnErrorWithItsLine) {
  EXPECT_EQ(records("a,b\n\"c,d\n"), "LORA_IO");
  write("import/data.csv", "a\n\"b");
  auto reader = open("data.csv");
  std::vector<std::string> fields;
  bool more = false;
  ASSERT_TRUE((*reader)->next(&fields, &more).ok());
  EXPECT_NE((*reader)->next(&fields, &more).message().find("line `2`"), std::string::npos);
}

TEST_F(CsvReaderTest, FilesAreFoundBelowTheDirectoryOnly) {
  write("import/data.csv", "a\n");
  write("secret.csv", "x\n");
  EXPECT_TRUE(open("data.csv").ok());
  EXPECT_TRUE(open("/data.csv").ok());
  EXPECT_TRUE(open("file:///data.csv").ok());
  EXPECT_TRUE(open("file:///" + (root_ / "import/data.csv").string()).ok());
  fs::create_symlink(root_ / "secret.csv", root_ / "import/link.csv");
  for (const std::string& url :
       {std::string("../secret.csv"), std::string("file:///../secret.csv"), std::string("link.csv"),
        (root_ / "secret.csv").string(), std::string("%2e%2e/secret.csv"), std::string("file:///%2e%2e/secret.csv"),
        std::string("http://example.org/x.csv"), std::string("none.csv"), std::string(""), std::string("/"),
        std::string("a\0b", 3)}) {
    const auto result = open(url);
    ASSERT_FALSE(result.ok()) << url;
    EXPECT_EQ(result.status().code(), ErrorCode::kIo) << url;
  }
}

TEST_F(CsvReaderTest, WithoutADirectoryItIsOff) {
  EXPECT_EQ(CsvReader::open("", "data.csv", ',').status().code(), ErrorCode::kConfig);
}

}  // namespace
}  // namespace lora::cypher
