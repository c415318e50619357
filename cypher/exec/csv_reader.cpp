#include "cypher/exec/csv_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "graph/text.h"

namespace lora::cypher {

namespace {

constexpr size_t kBufferBytes = 1 << 18;
constexpr size_t kFieldBytesMax = 16 << 20;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

// The file that the url names, made sure to lie below the import directory whatever links there are.
Result<std::filesystem::path> resolve(std::string_view import_dir, std::string_view url) {
  namespace fs = std::filesystem;
  const auto refuse = [&](std::string_view why) {
    return Status::io("cannot load `" + std::string(url) + "`: " + std::string(why));
  };
  if (import_dir.empty()) {
    return Status::config("`LOAD CSV` is off; open the database with the option `import_dir`");
  }
  std::string name;
  if (url.starts_with("file://")) {
    name = percent_decoded(url.substr(7));
  } else if (url.find("://") != std::string_view::npos) {
    return refuse("only files below `import_dir` can be loaded");
  } else {
    name = std::string(url);
  }
  if (name.find('\0') != std::string::npos) return refuse("the name holds a zero byte");
  while (!name.empty() && name.front() == '/') name.erase(name.begin());
  if (name.empty()) return refuse("no file is named");
  std::error_code error;
  const fs::path root = fs::canonical(fs::path(import_dir), error);
  if (error) return refuse("the import directory `" + std::string(import_dir) + "` is not there");
  // An absolute path that lies below the directory is fine as well.
  fs::path path = fs::canonical(root / name, error);
  if (error) path = fs::canonical(fs::path("/" + name), error);
  if (error) return refuse("no such file below `import_dir`");
  const auto [end, unused] = std::mismatch(root.begin(), root.end(), path.begin(), path.end());
  if (end != root.end()) return refuse("it lies outside of `import_dir`");
  if (!fs::is_regular_file(path, error)) return refuse("it is not a file");
  return path;
}

}  // namespace

Result<std::unique_ptr<CsvReader>> CsvReader::open(std::string_view import_dir, std::string_view url, char separator) {
  LORA_ASSIGN(const std::filesystem::path path, resolve(import_dir, url));
  return open_path(path.string(), separator);
}

Result<std::unique_ptr<CsvReader>> CsvReader::open_path(std::string path, char separator) {
  std::unique_ptr<CsvReader> reader(new CsvReader());
  reader->path_ = std::move(path);
  reader->separator_ = separator;
  reader->file_.reset(std::fopen(reader->path_.c_str(), "rb"));
  if (reader->file_ == nullptr) {
    return Status::io("cannot open `" + reader->path_ + "`: " + std::strerror(errno));
  }
  reader->buffer_.resize(kBufferBytes);
  reader->refill();
  if (std::ferror(reader->file_.get()) != 0) {
    return Status::io("cannot read `" + reader->path_ + "`: " + std::strerror(errno));
  }
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (std::string_view(reader->buffer_.data(), reader->end_).starts_with(kByteOrderMark)) {
    reader->at_ = kByteOrderMark.size();
  }
  return reader;
}

// More bytes behind those that are left.
void CsvReader::refill() {
  std::memmove(buffer_.data(), buffer_.data() + at_, end_ - at_);
  end_ -= at_;
  at_ = 0;
  end_ += std::fread(buffer_.data() + end_, 1, buffer_.size() - end_, file_.get());
}

int CsvReader::get() {
  if (at_ == end_) {
    refill();
    if (end_ == 0) return -1;
  }
  return static_cast<unsigned char>(buffer_[at_++]);
}

// After the opening quote; leaves the character after the closing one unread.
Status CsvReader::quoted_field(std::string* field) {
  const uint64_t first_line = line_;
  for (;;) {
    int c = get();
    if (c < 0) {
      return Status::io("`" + path_ + "`, line `" + std::to_string(first_line) + "`: a quoted field is not closed");
    }
    if (c == '"') {
      c = get();
      if (c != '"') {
        if (c >= 0) --at_;
        return Status();
      }
    }
    if (c == '\n') ++line_;
    field->push_back(static_cast<char>(c));
    if (field->size() > kFieldBytesMax) {
      return Status::limit("value size", "`" + path_ + "`, line `" + std::to_string(first_line) +
                                             "`: a field is longer than 16 MiB; is a quote missing?");
    }
  }
}

// Takes a record without quotes that lies in the buffer as a whole.
bool CsvReader::whole_line(std::vector<std::string>* fields, bool* ascii) {
  const char* begin = buffer_.data() + at_;
  const auto* end = static_cast<const char*>(std::memchr(begin, '\n', end_ - at_));
  if (end == nullptr) {
    refill();
    begin = buffer_.data();
    end = static_cast<const char*>(std::memchr(begin, '\n', end_));
    if (end == nullptr) return false;
  }
  if (std::memchr(begin, '"', static_cast<size_t>(end - begin)) != nullptr) return false;
  const char* const next = end + 1;
  if (end != begin && end[-1] == '\r') --end;
  if (end == begin) return false;
  *ascii = is_ascii({begin, static_cast<size_t>(end - begin)});
  size_t count = 0;
  for (const char* from = begin;; ++count) {
    const auto* to = static_cast<const char*>(std::memchr(from, separator_, static_cast<size_t>(end - from)));
    if (count == fields->size()) fields->emplace_back();
    (*fields)[count].assign(from, to == nullptr ? end : to);
    if (to == nullptr) break;
    from = to + 1;
  }
  fields->resize(count + 1);
  at_ = static_cast<size_t>(next - buffer_.data());
  ++line_;
  return true;
}

Status CsvReader::check_text(const std::vector<std::string>& fields, uint64_t line) const {
  if (std::all_of(fields.begin(), fields.end(), is_utf8)) return Status();
  return Status::io("`" + path_ + "`, line `" + std::to_string(line) + "`: the text is not UTF-8");
}

Status CsvReader::next(std::vector<std::string>* fields, bool* more) {
  *more = true;
  uint64_t line = line_;
  if (bool ascii = false; whole_line(fields, &ascii)) return ascii ? Status() : check_text(*fields, line);
  *more = false;
  int c = get();
  while (c == '\n' || c == '\r') {  // empty lines
    if (c == '\n') ++line_;
    c = get();
  }
  if (c < 0) {
    return std::ferror(file_.get()) != 0 ? Status::io("cannot read `" + path_ + "`") : Status();
  }
  *more = true;
  line = line_;
  LORA_TRY(slow_record(c, fields));
  return check_text(*fields, line);
}

// `c`: its first character.
Status CsvReader::slow_record(int c, std::vector<std::string>* fields) {
  fields->clear();
  std::string field;
  bool quoted = false;  // the last character was in quotes
  for (;;) {
    if (c == '"' && field.empty()) {
      LORA_TRY(quoted_field(&field));
      quoted = true;
    } else if (c == separator_) {
      fields->push_back(std::move(field));
      field.clear();
    } else if (c < 0 || c == '\n') {
      if (c == '\n') ++line_;
      if (!quoted && !field.empty() && field.back() == '\r') field.pop_back();
      fields->push_back(std::move(field));
      return Status();
    } else {
      field.push_back(static_cast<char>(c));
      quoted = false;
      if (field.size() > kFieldBytesMax) {
        return Status::limit("value size",
                             "`" + path_ + "`, line `" + std::to_string(line_) + "`: a field is longer than 16 MiB");
      }
    }
    c = get();
  }
}

}  // namespace lora::cypher
