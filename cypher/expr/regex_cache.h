// Compiled regular expressions (cypher/functions/regex.h), a few per evaluator.
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
  // The whole of `text` must match. Errors: those of compile_regex() and check_regex_work().
  Status full_match(std::string_view pattern, std::string_view text, bool* matches);

 private:
  static constexpr size_t kEntriesMax = 16;

  Status compile(std::string_view pattern, re2::RE2** out);

  struct Entry {
    std::string pattern;
    std::unique_ptr<re2::RE2> regex;
  };
  std::vector<Entry> entries_;  // most recently used last
};

}  // namespace lora::cypher
