// CSV records, and which files may be read at all.
#include "cypher/exec/csv_reader.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

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
  EXPECT_EQ(records("\xef"), "LORA_IO");  // the beginning of a mark
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

TEST_F(CsvReaderTest, TextThatIsNotUtf8IsRefused) {
  EXPECT_EQ(records("a,\xc3\xa9\n"), "a|\xc3\xa9;");
  for (const char* bad :
       {"\xff", "a,\xff\n", "a,\xc3", "\"\xc3\n\"", "a,b\n\xed\xa0\x80,c", "\xc0\x80", "\xf4\x90\x80\x80"}) {
    EXPECT_EQ(records(bad), "LORA_IO") << bad;
  }
}

// Records that end anywhere in the buffer, in every spelling.
TEST_F(CsvReaderTest, ReadsBackWhatWasWritten) {
  std::mt19937_64 random(11);
  std::vector<std::vector<std::string>> wanted;
  std::string text;
  while (text.size() < 3u << 20) {
    std::vector<std::string> record(1 + random() % 5);
    bool empty = true;
    for (std::string& field : record) {
      const size_t size = random() % 200 == 0 ? random() % 600'000 : random() % 12;
      for (size_t i = 0; i < size; ++i) field.push_back("ab, \"\n\r;x1"[random() % 10]);
      const bool plain = field.find_first_of(",\"\n\r") == std::string::npos;
      if (!plain || random() % 4 == 0) {
        text += '"';
        for (char c : field) text += c == '"' ? std::string("\"\"") : std::string(1, c);
        text += '"';
        empty = false;
      } else {
        text += field;
        empty = empty && field.empty();
      }
      text += &field == &record.back() ? "" : ",";
    }
    if (record.size() == 1 && empty) text += "\"\"";  // an empty line is no record
    text += random() % 2 == 0 ? "\n" : "\r\n";
    wanted.push_back(std::move(record));
  }
  write("import/data.csv", text);
  auto reader = open("data.csv");
  ASSERT_TRUE(reader.ok());
  std::vector<std::string> fields;
  bool more = false;
  for (const std::vector<std::string>& record : wanted) {
    ASSERT_TRUE((*reader)->next(&fields, &more).ok());
    ASSERT_TRUE(more);
    ASSERT_TRUE(fields == record) << "before line " << (*reader)->line();
  }
  ASSERT_TRUE((*reader)->next(&fields, &more).ok());
  EXPECT_FALSE(more);
}

}  // namespace
}  // namespace lora::cypher
