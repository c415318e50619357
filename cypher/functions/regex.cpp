#include "cypher/functions/regex.h"

#include <re2/re2.h>

#include <string>

namespace lora::cypher {

namespace {

constexpr size_t kPatternBytesMax = 64 << 10;
constexpr int64_t kProgramBytesMax = 4 << 20;
constexpr uint64_t kWorkMax = uint64_t{1} << 28;

}  // namespace

Status compile_regex(std::string_view pattern, std::unique_ptr<re2::RE2>* out) {
  if (pattern.size() > kPatternBytesMax) {
    return Status::limit("value size", "the regular expression has `" + std::to_string(pattern.size()) +
                                           "` bytes; the limit is `" + std::to_string(kPatternBytesMax) + "`");
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kProgramBytesMax);
  *out = std::make_unique<re2::RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  if ((*out)->ok()) return Status();
  return Status::runtime(ErrorCode::kType, "TypeError", "InvalidArgumentValue",
                         "`" + std::string(pattern.substr(0, 200)) + "` is not a regular expression: " +
                             (*out)->error() + "; look-around and back-references are not supported");
}

Status check_regex_work(const re2::RE2& regex, std::string_view text, size_t groups) {
  const uint64_t steps = static_cast<uint64_t>(regex.ProgramSize()) * (groups + 1);
  if (text.size() <= kWorkMax / steps) return Status();
  return Status::limit("value size", "the regular expression may take too long on a text of `" +
                                         std::to_string(text.size()) + "` bytes; it has `" + std::to_string(steps) +
                                         "` steps, and the product is limited to `" + std::to_string(kWorkMax) + "`");
}

}  // namespace lora::cypher
