// Packed lists: lists whose items are all integers, all floats, all strings or all words of one type (graph/word.h), in
// one run of bytes, so that many of them lie side by side without an allocation each, and are read as arrays.
//
// In memory only; numbers are in the processor's byte order, nowhere aligned.
//   u8 form, then
//     0                 nothing: the empty list
//     1, 2, 4, 8        integers of so many bytes each, signed, the fewest that hold all
//     17, 18, 20, 24    u8 ValueType, i32 seconds (a WordType), words of 1, 2, 4, 8 bytes each
//     32                floats, 8 bytes each
//     33                u16 count, per string u16 where its bytes end, the bytes of all
// Lists of equal bytes are equal, item by item of one type; the reverse holds but for floats that are equal and of
// other bits.
//
// Threads: views and free functions, callable from any thread. No errors.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "graph/value.h"
#include "graph/word.h"

namespace lora {

// A view of what pack() has written.
class PackedList {
 public:
  enum class Items : uint8_t { kNone, kIntegers, kWords, kFloats, kStrings };

  explicit PackedList(std::string_view bytes);  // of nothing: the empty list

  // Replaces *out. False: not a list of such items, nulls included, or it would take more than `bytes_max` bytes (at
  // most 65 535).
  static bool pack(const Value& list, size_t bytes_max, std::string* out);

  Items items() const { return items_; }
  WordType word_type() const { return word_type_; }  // kWords
  size_t size() const { return size_; }
  List unpack() const;

  // --- one item, below size() ---
  Value get(size_t i) const;
  int64_t integer(size_t i) const;  // kIntegers; kWords: the word
  double floating(size_t i) const {
    double v;
    std::memcpy(&v, data_ + i * sizeof v, sizeof v);
    return v;
  }
  // `x IN list`.
  Ternary contains(const Value& x) const;
  std::string_view string(size_t i) const {
    const size_t begin = i == 0 ? 0 : end(i - 1);
    return {data_ + size_ * sizeof(uint16_t) + begin, end(i) - begin};
  }

  // --- all of them ---
  // kIntegers, kWords. f(T) per item, T the signed type of their width.
  template <typename F>
  void each_integer(F&& f) const {
    switch (width_) {
      case 1: return each<int8_t>(f);
      case 2: return each<int16_t>(f);
      case 4: return each<int32_t>(f);
      default: return each<int64_t>(f);
    }
  }

 private:
  template <typename T, typename F>
  void each(F& f) const {
    for (size_t i = 0; i < size_; ++i) {
      T v;
      std::memcpy(&v, data_ + i * sizeof v, sizeof v);
      f(v);
    }
  }
  size_t end(size_t i) const {
    uint16_t v;
    std::memcpy(&v, data_ + i * sizeof v, sizeof v);
    return v;
  }

  Items items_ = Items::kNone;
  uint8_t width_ = 1;  // bytes of an integer or word
  WordType word_type_;
  uint32_t size_ = 0;
  const char* data_ = nullptr;  // of numbers the first; of strings where the first ends
};

// The items of a list, packed or not, as they are. A view: the list must stay.
class ListItems {
 public:
  explicit ListItems(const Value& list)
      : items_(list.packed().empty() ? &list.as_list() : nullptr), packed_(list.packed()) {}
  size_t size() const { return items_ != nullptr ? items_->size() : packed_.size(); }
  // Item i, below size(); *box is where one of a packed list is made.
  const Value& get(size_t i, Value* box) const {
    if (items_ != nullptr) return (*items_)[i];
    *box = packed_.get(i);
    return *box;
  }

 private:
  const List* items_;
  PackedList packed_;
};

}  // namespace lora
