// Arena: bump allocation for syntax trees. Everything in it is trivially destructible; freeing is a walk over a few
// blocks and never over nodes, so a deep tree costs no stack to drop.
//
// Threads: one at a time while allocating; what is in it may be read from several.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace lora::cypher {

class Arena {
 public:
  Arena() = default;
  Arena(Arena&& other) noexcept { *this = std::move(other); }
  Arena& operator=(Arena&& other) noexcept {
    blocks_ = std::move(other.blocks_);
    next_ = std::exchange(other.next_, nullptr);
    end_ = std::exchange(other.end_, nullptr);
    used_ = std::exchange(other.used_, 0);
    return *this;
  }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  void* allocate(size_t bytes, size_t align = alignof(std::max_align_t)) {
    auto at = (reinterpret_cast<uintptr_t>(next_) + align - 1) & ~(static_cast<uintptr_t>(align) - 1);
    if (next_ == nullptr || at + bytes > reinterpret_cast<uintptr_t>(end_)) [[unlikely]] {
      add_block(bytes + align);
      at = (reinterpret_cast<uintptr_t>(next_) + align - 1) & ~(static_cast<uintptr_t>(align) - 1);
    }
    next_ = reinterpret_cast<char*>(at + bytes);
    return reinterpret_cast<void*>(at);
  }

  template <typename T, typename... Args>
  T* make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T>, "the arena runs no destructors");
    return new (allocate(sizeof(T), alignof(T))) T{std::forward<Args>(args)...};
  }

  // A copy of `text` that lives as long as the arena.
  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* p = static_cast<char*>(allocate(text.size(), 1));
    std::memcpy(p, text.data(), text.size());
    return {p, text.size()};
  }

  // A copy of `items` that lives as long as the arena.
  template <typename T>
  std::span<const T> copy(const T* items, size_t count) {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
    if (count == 0) return {};
    T* p = static_cast<T*>(allocate(count * sizeof(T), alignof(T)));
    std::memcpy(static_cast<void*>(p), items, count * sizeof(T));
    return {p, count};
  }
  template <typename T>
  std::span<const T> copy(const std::vector<T>& items) {
    return copy(items.data(), items.size());
  }

  // Heap bytes held, for memory budgets.
  size_t bytes() const { return used_; }

 private:
  void add_block(size_t at_least) {
    size_t size = blocks_.empty() ? kFirstBlock : kBlock;
    if (used_ > 16 * kBlock) size = 16 * kBlock;
    if (size < at_least) size = at_least;
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
    next_ = blocks_.back().get();
    end_ = next_ + size;
    used_ += size;
  }

  static constexpr size_t kFirstBlock = 4096;
  static constexpr size_t kBlock = 32768;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* next_ = nullptr;
  char* end_ = nullptr;
  size_t used_ = 0;
};

}  // namespace lora::cypher
