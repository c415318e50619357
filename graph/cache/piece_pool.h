// PiecePool: memory of freed objects, kept for the next ones of about their size.
//
// A commit replaces some tens of objects of 50 bytes to a few KiB and frees as many, which is what a general allocator
// is slowest at. Pieces are kept by size, eight classes to a doubling, the last one in first: it is still in the
// processor's cache. Of each class a few are kept, some 100 KiB in all in practice.
//
// Threads: one at a time; see Versions, which hands one pool to the open transaction and collects freed pieces in
// another.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lora::graph::cache {

class PiecePool {
 public:
  static constexpr size_t kUnit = 8, kLeast = 64, kMost = 8192;
  static size_t rounded(size_t bytes) { return (bytes + kUnit - 1) / kUnit * kUnit; }

  PiecePool() = default;
  ~PiecePool();
  PiecePool(const PiecePool&) = delete;
  PiecePool& operator=(const PiecePool&) = delete;

  // A piece of at least `bytes`, at most a quarter more, and its size; null: there is none.
  void* take(size_t bytes, size_t* size) noexcept;
  // Memory from ::operator new of `size` bytes, nothing in it any more. False: it is not kept.
  bool give(void* piece, size_t size) noexcept;
  // Takes over the pieces of `other`, and frees what is too much then.
  void take_all(PiecePool& other) noexcept;

 private:
  struct Piece {
    Piece* next;
    size_t size;
  };
  struct Class {
    uint32_t count = 0;
    Piece* first = nullptr;  // as count has them
    Piece* last = nullptr;
  };
  static constexpr size_t kClasses = 7 * 8 + 1;
  static uint32_t class_below(size_t bytes);  // whose least size is not above `bytes`
  static uint32_t kept_of(uint32_t at);       // how many pieces of a class are kept

  uint64_t filled_ = 0;  // bit: the class has pieces
  Class classes_[kClasses];
};

}  // namespace lora::graph::cache
