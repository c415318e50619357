// Lines of a text dump, with the checksum of all that stands before the current one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "graph/graph.h"

namespace lora::graph {

class DumpLines {
 public:
  // `source` must live as long as this.
  explicit DumpLines(const ByteSource& source);
  ~DumpLines();

  // The next line without its end, valid until the next call. False: there is none. kLimit for lines of more than 4 GiB
  // (the first one: 64 KiB), and what the source says.
  Result<bool> next(std::string_view* line);
  uint64_t number() const { return number_; }  // of the current line, from 1
  uint64_t checksum() const;                   // XXH3 of all bytes before the current line

 private:
  Result<size_t> read_more();

  struct Hash;
  const ByteSource& source_;
  std::string buffer_;
  size_t at_ = 0, next_ = 0;  // begin of the current line and of the one after it
  uint64_t number_ = 0;
  std::unique_ptr<Hash> hash_;
};

}  // namespace lora::graph
