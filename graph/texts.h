// Texts: many strings side by side, without an allocation each.
//
// The bytes of all strings lie in one buffer; strings may share bytes. Behind the last used byte at least kPad more may
// be read (they hold anything), so that loops may load 16 bytes from any place of a string.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace lora {

class Texts {
 public:
  struct Entry {
    uint32_t offset = 0, length = 0;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  static constexpr size_t kPad = 16;
  static constexpr size_t kBytesMax = UINT32_MAX;

  std::vector<Entry> entries;  // the strings; empty ones for rows without a value

  size_t size() const { return entries.size(); }
  size_t used() const { return used_; }
  std::string_view operator[](size_t i) const { return {bytes() + entries[i].offset, entries[i].length}; }
  const char* bytes() const { return bytes_.empty() ? kNothing : bytes_.data(); }  // of empty texts alone, too
  bool fits(size_t more) const { return more <= kBytesMax - used_; }

  // Room for `count` bytes more: where they go. The caller writes them, points entries there, and calls use().
  // Must fit. Moves what was written before.
  char* room(size_t count) {
    if (bytes_.size() < used_ + count + kPad) bytes_.resize(used_ + count + kPad + bytes_.size() / 2);
    return bytes_.data() + used_;
  }
  void use(size_t count) { used_ += count; }

  // False: no room for so much text, nothing has changed.
  bool push(std::string_view text) {
    if (!fits(text.size())) return false;
    char* to = room(text.size());
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    entries.push_back({static_cast<uint32_t>(used_), static_cast<uint32_t>(text.size())});
    used_ += text.size();
    return true;
  }
  // Appends these strings of `other`; neighbours that lie in the same place there share their bytes. False as above.
  bool append_from(const Texts& other, const uint32_t* rows, size_t count);
  bool append(const Texts& other);
  // Gives back bytes that no entry uses, when they are many.
  void tidy();
  void clear() {
    entries.clear();
    used_ = 0;
  }
  void release() { *this = Texts(); }
  size_t heap_bytes() const { return bytes_.capacity() + entries.capacity() * sizeof(Entry); }
  size_t capacity_bytes() const { return bytes_.capacity(); }

 private:
  static constexpr char kNothing[kPad] = {};

  std::vector<char> bytes_;  // all of it may be read; used_ bytes are in use
  size_t used_ = 0;
};

}  // namespace lora
