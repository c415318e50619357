#include "cypher/expr/regex_cache.h"

#include <re2/re2.h>

#include <algorithm>

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
  if (pattern.size() > kPatternBytesMax) {
    return Status::limit("value size", "the regular expression has `" + std::to_string(pattern.size()) +
                                           "` bytes; the limit is `" + std::to_string(kPatternBytesMax) + "`");
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kProgramBytesMax);
  auto regex = std::make_unique<re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if (!regex->ok()) {
    return Status::runtime(ErrorCode::kType, "TypeError", "InvalidArgumentValue",
                           "`" + std::string(pattern.substr(0, 200)) + "` is not a regular expression: " +
                               regex->error() + "; look-around and back-references are not supported");
  }
  if (entries_.size() == kEntriesMax) entries_.erase(entries_.begin());
  entries_.push_back({std::string(pattern), std::move(regex)});
  *out = entries_.back().regex.get();
  return Status();
}

Status RegexCache::full_match(std::string_view pattern, std::string_view text, bool* matches) {
  re2::RE2* regex = nullptr;
  LORA_TRY(compile(pattern, &regex));
  *matches = re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *regex);
  return Status();
}

}  // namespace lora::cypher
