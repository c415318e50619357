// SlotSet: which of a statement's slots.
//
// Threads: values of one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "cypher/expr/batch.h"

namespace lora::cypher {

// A set of slots of one statement: without allocations as long as they are small.
class SlotSet {
 public:
  void add(Slot s) {
    if (s == kNoSlot) return;
    grow(s / 64 + 1);
    word(s / 64) |= uint64_t{1} << (s % 64);
  }
  void remove(Slot s) {
    if (s / 64 < size()) word(s / 64) &= ~(uint64_t{1} << (s % 64));
  }
  void remove(const SlotSet& other) {
    const size_t words = std::min(size(), other.size());
    for (size_t i = 0; i < words; ++i) word(i) &= ~other.at(i);
  }
  void keep(const SlotSet& other) {
    for (size_t i = 0; i < size(); ++i) word(i) &= other.at(i);
  }
  bool has(Slot s) const { return ((at(s / 64) >> (s % 64)) & 1) != 0; }
  void add(const SlotSet& other) {
    grow(other.size());
    for (size_t i = 0; i < other.size(); ++i) word(i) |= other.at(i);
  }
  bool has_all(const SlotSet& other) const {
    for (size_t i = 0; i < other.size(); ++i) {
      if ((other.at(i) & ~at(i)) != 0) return false;
    }
    return true;
  }
  bool intersects(const SlotSet& other) const {
    for (size_t i = 0; i < size(); ++i) {
      if ((other.at(i) & at(i)) != 0) return true;
    }
    return false;
  }
  bool empty() const {
    for (size_t i = 0; i < size(); ++i) {
      if (at(i) != 0) return false;
    }
    return true;
  }
  // f(slot), ascending.
  template <typename F>
  void for_each(F f) const {
    for (size_t i = 0; i < size(); ++i) {
      for (uint64_t w = at(i); w != 0; w &= w - 1) f(static_cast<Slot>(i * 64 + __builtin_ctzll(w)));
    }
  }
  std::vector<Slot> to_vector() const {
    std::vector<Slot> out;
    for_each([&](Slot s) { out.push_back(s); });
    return out;
  }

 private:
  static constexpr size_t kFew = 2;
  size_t size() const { return kFew + more_.size(); }
  void grow(size_t words) {
    if (words > size()) more_.resize(words - kFew);
  }
  uint64_t& word(size_t i) { return i < kFew ? few_[i] : more_[i - kFew]; }
  uint64_t at(size_t i) const { return i < kFew ? few_[i] : i < size() ? more_[i - kFew] : 0; }

  uint64_t few_[kFew] = {0, 0};
  std::vector<uint64_t> more_;
};

}  // namespace lora::cypher
