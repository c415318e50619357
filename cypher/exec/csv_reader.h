// Reads CSV records (RFC 4180, any one-byte separator): quoted fields may hold separators, line ends and doubled
// quotes. Lines end with \n or \r\n. A byte order mark at the start is skipped.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kv/status.h"

namespace lora::cypher {

class CsvReader {
 public:
  // `url`: a path below `import_dir`, or the same as file:///path. Errors: kIo when it cannot be read,
  // kConfig when import_dir is empty, kIo for anything outside of it.
  static Result<std::unique_ptr<CsvReader>> open(std::string_view import_dir, std::string_view url, char separator);

  // Any file. kIo when it cannot be read.
  static Result<std::unique_ptr<CsvReader>> open_path(std::string path, char separator);

  // The next record's fields; *more = false at the end. kLimit for a field beyond 16 MiB, kIo for an unclosed quote and
  // for bytes that are not UTF-8.
  Status next(std::vector<std::string>* fields, bool* more);
  uint64_t line() const { return line_; }  // where the next record begins
  const std::string& path() const { return path_; }

 private:
  CsvReader() = default;
  void refill();
  int get();
  bool whole_line(std::vector<std::string>* fields, bool* ascii);
  Status slow_record(int c, std::vector<std::string>* fields);
  Status check_text(const std::vector<std::string>& fields, uint64_t line) const;
  Status quoted_field(std::string* field);

  struct Close {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  std::unique_ptr<std::FILE, Close> file_;
  std::string path_;
  char separator_ = ',';
  uint64_t line_ = 1;
  std::vector<char> buffer_;
  size_t at_ = 0, end_ = 0;
};

}  // namespace lora::cypher
