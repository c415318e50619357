#include "graph/cache/piece_pool.h"

#include <bit>
#include <new>

// Under the address sanitizer a kept piece is as forbidden as a freed one, but for its link.
#if defined(__has_feature)
#define LORA_HAS_FEATURE(name) __has_feature(name)
#else
#define LORA_HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || LORA_HAS_FEATURE(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define LORA_FORBID(from, bytes) ASAN_POISON_MEMORY_REGION(from, bytes)
#define LORA_ALLOW(from, bytes) ASAN_UNPOISON_MEMORY_REGION(from, bytes)
#else
#define LORA_FORBID(from, bytes) static_cast<void>(0)
#define LORA_ALLOW(from, bytes) static_cast<void>(0)
#endif

namespace lora::graph::cache {

uint32_t PiecePool::class_below(size_t bytes) {
  const auto doubling = static_cast<uint32_t>(std::bit_width(bytes)) - 1;
  return (doubling - 6) * 8 + static_cast<uint32_t>(bytes >> (doubling - 3) & 7);
}

// Of 1 KiB and more a commit seldom has many.
uint32_t PiecePool::kept_of(uint32_t at) {
  return at < class_below(1024) ? 32 : 8;
}

PiecePool::~PiecePool() {
  for (Class& c : classes_) {
    for (; c.count != 0; --c.count) {
      Piece* const piece = c.first;
      c.first = piece->next;
      LORA_ALLOW(piece, piece->size);
      ::operator delete(piece);
    }
  }
}

void* PiecePool::take(size_t bytes, size_t* size) noexcept {
  if (bytes < kLeast || bytes > kMost) return nullptr;
  // Of its own class the newest may be large enough, as it is for objects that all have one size; of the next one each.
  const uint32_t own = class_below(bytes);
  for (uint64_t left = filled_ & uint64_t{3} << own; left != 0; left &= left - 1) {
    const auto at = static_cast<uint32_t>(std::countr_zero(left));
    Class& c = classes_[at];
    Piece* const piece = c.first;
    if (piece->size < bytes) continue;
    *size = piece->size;
    c.first = piece->next;
    if (--c.count == 0) filled_ &= ~(uint64_t{1} << at);
    LORA_ALLOW(piece, *size);
    return piece;
  }
  return nullptr;
}

bool PiecePool::give(void* piece, size_t size) noexcept {
  if (size < kLeast || size > kMost) return false;
  const uint32_t at = class_below(size);
  Class& c = classes_[at];
  if (c.count >= kept_of(at)) return false;
  auto* made = new (piece) Piece{c.first, size};
  c.first = made;
  if (c.count++ == 0) c.last = made;
  filled_ |= uint64_t{1} << at;
  LORA_FORBID(made + 1, size - sizeof(Piece));
  return true;
}

void PiecePool::take_all(PiecePool& other) noexcept {
  for (uint64_t left = other.filled_; left != 0; left &= left - 1) {
    const auto at = static_cast<uint32_t>(std::countr_zero(left));
    Class& from = other.classes_[at];
    Class& to = classes_[at];
    if (to.count == 0) {
      to = from;
    } else {
      from.last->next = to.first;
      to.first = from.first;
      to.count += from.count;
    }
    from = Class();
    for (; to.count > kept_of(at); --to.count) {
      Piece* const piece = to.first;
      to.first = piece->next;
      LORA_ALLOW(piece, piece->size);
      ::operator delete(piece);
    }
  }
  filled_ |= other.filled_;
  other.filled_ = 0;
}

}  // namespace lora::graph::cache
