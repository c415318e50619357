// Files and standard streams that dumps go to and come from.
#pragma once

#include <memory>
#include <string>

#include "graph/graph.h"
#include "kv/status.h"

namespace lora::tools {

// A file that appears whole or not at all: written beside its place under another name, synced, renamed. Standard
// output and files that are no regular ones (pipes, devices) are written directly.
class OutputFile {
 public:
  // "-" is standard output. kConfig when the file is there and `force` is not set.
  static Result<std::unique_ptr<OutputFile>> create(const std::string& path, bool force);
  ~OutputFile();  // removes what finish() has not put in its place
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  Status write(ByteView bytes);
  Status finish();

 private:
  OutputFile() = default;

  std::string path_;       // its place
  std::string temporary_;  // empty: written directly
  std::string buffer_;
  int fd_ = -1;
  bool force_ = false;
};

// Bytes in order, with a look ahead.
class InputFile {
 public:
  // "-" is standard input.
  static Result<std::unique_ptr<InputFile>> open(const std::string& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  // The next bytes without taking them: `size` of them, fewer at the end.
  Result<ByteView> peek(size_t size);
  Status read(char* buffer, size_t size, size_t* read);
  graph::ByteSource source() {
    return [this](char* buffer, size_t size, size_t* got) { return read(buffer, size, got); };
  }

 private:
  InputFile() = default;
  Result<size_t> read_file(char* buffer, size_t size);

  std::string path_;
  int fd_ = -1;
  bool owned_ = false;
  std::string ahead_;
};

Status file_error(std::string_view what, std::string_view path, int error);
// fsync of a directory, so that a rename in it lasts.
Status sync_directory(const std::string& path);

// A directory with a new name, removed with all it holds.
class ScratchDirectory {
 public:
  // In `parent`, its name begins with `prefix`.
  static Result<std::unique_ptr<ScratchDirectory>> create(const std::string& parent, const std::string& prefix);
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit ScratchDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace lora::tools
