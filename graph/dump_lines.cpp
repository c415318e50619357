#include "graph/dump_lines.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>

namespace lora::graph {

namespace {

constexpr size_t kReadBytes = 256u << 10;
constexpr uint64_t kFirstBytesMax = 64u << 10;
constexpr uint64_t kLineBytesMax = 4ull << 30;

}  // namespace

struct DumpLines::Hash {
  Hash() : state(XXH3_createState()) { XXH3_64bits_reset(state); }
  ~Hash() { XXH3_freeState(state); }
  XXH3_state_t* state;
};

DumpLines::DumpLines(const ByteSource& source) : source_(source), hash_(std::make_unique<Hash>()) {}
DumpLines::~DumpLines() = default;

uint64_t DumpLines::checksum() const {
  return XXH3_64bits_digest(hash_->state);
}

Result<bool> DumpLines::next(std::string_view* line) {
  XXH3_64bits_update(hash_->state, buffer_.data() + at_, next_ - at_);
  at_ = next_;
  ++number_;
  const uint64_t limit = number_ == 1 ? kFirstBytesMax : kLineBytesMax;
  size_t searched = 0;  // bytes of the line without an end
  for (;;) {
    const size_t end = buffer_.find('\n', at_ + searched);
    const size_t length = (end == std::string::npos ? buffer_.size() : end) - at_;
    if (length > limit) {
      return Status::limit("text size", fmt::format("line {} is longer than `{}` bytes", number_, limit));
    }
    if (end != std::string::npos) {
      *line = std::string_view(buffer_).substr(at_, length);
      next_ = end + 1;
      return true;
    }
    searched = length;
    LORA_ASSIGN(const size_t got, read_more());
    if (got == 0) {
      *line = std::string_view(buffer_).substr(at_);
      next_ = buffer_.size();
      return !line->empty();
    }
  }
}

Result<size_t> DumpLines::read_more() {
  buffer_.erase(0, at_);
  at_ = 0;
  const size_t before = buffer_.size();
  const size_t wanted = std::max(kReadBytes, before);  // a long line: twice as much
  buffer_.resize(before + wanted);
  size_t got = 0;
  Status status = source_(buffer_.data() + before, wanted, &got);
  buffer_.resize(before + (status.ok() ? std::min(got, wanted) : 0));
  LORA_TRY(status);
  return got;
}

}  // namespace lora::graph
