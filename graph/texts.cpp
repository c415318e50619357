#include "graph/texts.h"

namespace lora {

namespace {

// `to` has kPad bytes behind the text, `from` too.
inline void copy_padded(char* to, const char* from, size_t length) {
  if (length <= Texts::kPad) {
    std::memcpy(to, from, Texts::kPad);
  } else {
    std::memcpy(to, from, length);
  }
}

}  // namespace

bool Texts::append_from(const Texts& other, const uint32_t* rows, size_t count) {
  size_t bytes = 0;
  const auto again = [&](size_t i) { return i > 0 && other.entries[rows[i]] == other.entries[rows[i - 1]]; };
  for (size_t i = 0; i < count; ++i) bytes += again(i) ? 0 : other.entries[rows[i]].length;
  if (!fits(bytes)) return false;
  const size_t base = entries.size();
  entries.resize(base + count);
  if (bytes == 0) return true;
  char* to = room(bytes);
  auto at = static_cast<uint32_t>(used_);
  Entry* out = entries.data() + base;
  for (size_t i = 0; i < count; ++i) {
    if (again(i)) {
      out[i] = out[i - 1];
      continue;
    }
    const Entry from = other.entries[rows[i]];
    copy_padded(to, other.bytes() + from.offset, from.length);
    out[i] = {at, from.length};
    to += from.length;
    at += from.length;
  }
  used_ = at;
  return true;
}

bool Texts::append(const Texts& other) {
  if (!fits(other.used_)) return false;
  char* to = room(other.used_);
  if (other.used_ > 0) std::memcpy(to, other.bytes(), other.used_);
  const size_t base = entries.size();
  entries.resize(base + other.entries.size());
  for (size_t i = 0; i < other.entries.size(); ++i) {
    entries[base + i] = {other.entries[i].offset + static_cast<uint32_t>(used_), other.entries[i].length};
  }
  used_ += other.used_;
  return true;
}

void Texts::tidy() {
  constexpr size_t kWasteMin = 4096;
  if (used_ < kWasteMin) return;
  size_t live = 0;
  for (const Entry& e : entries) live += e.length;
  if (live * 2 + kWasteMin > used_) return;
  std::vector<char> packed(live + kPad);
  uint32_t at = 0;
  for (Entry& e : entries) {
    if (e.length > 0) std::memcpy(packed.data() + at, bytes_.data() + e.offset, e.length);
    e.offset = at;
    at += e.length;
  }
  bytes_ = std::move(packed);
  used_ = live;
}

}  // namespace lora
