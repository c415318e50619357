// Compiled regular expressions (RE2: linear time, no look-around, no back-references), a few per evaluator.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kv/status.h"

namespace re2 {
class RE2;
}

namespace lora::cypher {

class RegexCache {
 public:
  RegexCache();
  ~RegexCache();
  // The whole of `text` must match. kType/InvalidArgumentValue for a pattern that does not compile or is too large.
  Status full_match(std::string_view pattern, std::string_view text, bool* matches);

 private:
  static constexpr size_t kEntriesMax = 16;
  static constexpr int64_t kProgramBytesMax = 4 << 20;
  static constexpr size_t kPatternBytesMax = 64 << 10;

  Status compile(std::string_view pattern, re2::RE2** out);

  struct Entry {
    std::string pattern;
    std::unique_ptr<re2::RE2> regex;
  };
  std::vector<Entry> entries_;  // most recently used last
};

}  // namespace lora::cypher
