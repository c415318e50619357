#include "cypher/expr/regex_cache.h"

#include <re2/re2.h>

#include <algorithm>

#include "cypher/functions/regex.h"

namespace lora::cypher {

RegexCache::RegexCache() = default;
RegexCache::~RegexCache() = default;

Status RegexCache::compile(std::string_view pattern, re2::RE2** out) {
  if (!entries_.empty() && entries_.back().pattern == pattern) [[likely]] {
    *out = entries_.back().regex.get();
    return Status();
  }
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].pattern == pattern) {
      std::rotate(entries_.begin() + static_cast<ptrdiff_t>(i), entries_.begin() + static_cast<ptrdiff_t>(i) + 1,
                  entries_.end());
      *out = entries_.back().regex.get();
      return Status();
    }
  }
  std::unique_ptr<re2::RE2> regex;
  LORA_TRY(compile_regex(pattern, &regex));
  if (entries_.size() == kEntriesMax) entries_.erase(entries_.begin());
  entries_.push_back({std::string(pattern), std::move(regex)});
  *out = entries_.back().regex.get();
  return Status();
}

Status RegexCache::full_match(std::string_view pattern, std::string_view text, bool* matches) {
  re2::RE2* regex = nullptr;
  LORA_TRY(compile(pattern, &regex));
  LORA_TRY(check_regex_work(*regex, text, 0));
  *matches = re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *regex);
  return Status();
}

}  // namespace lora::cypher
