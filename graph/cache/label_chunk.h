// LabelChunk: which of 4096 consecutive nodes carry a label. A bitmap and its count. The same 4096 ids are one stored
// label block.
#pragma once

#include <bit>
#include <cstdint>

#include "graph/cache/object.h"

namespace lora::graph::cache {

struct LabelChunk : Object {
  static constexpr uint32_t kRows = 4096;
  static uint64_t index_of(uint64_t node) { return node / kRows; }
  static uint32_t row_of(uint64_t node) { return static_cast<uint32_t>(node % kRows); }

  uint32_t count = 0;
  uint64_t bits[kRows / 64];

  LabelChunk() : Object(ObjectKind::kLabelChunk) {
    for (uint64_t& word : bits) word = 0;
  }
  static LabelChunk* empty();
  // `context` null: for a loader, which then calls set() and publishes.
  static LabelChunk* make(WriteContext* context);
  static LabelChunk* writable(WriteContext& context, LabelChunk* chunk);

  bool get(uint32_t row) const { return (bits[row >> 6] >> (row & 63) & 1) != 0; }
  // On a chunk that is mine or not yet published. False: nothing changed.
  bool set(uint32_t row, bool value) {
    const uint64_t bit = uint64_t{1} << (row & 63);
    if (((bits[row >> 6] & bit) != 0) == value) return false;
    bits[row >> 6] ^= bit;
    count += value ? 1 : -1;
    return true;
  }
  // First set row >= `row`; kRows: none.
  uint32_t next(uint32_t row) const {
    if (row >= kRows) return kRows;
    uint32_t w = row >> 6;
    uint64_t word = bits[w] & (~uint64_t{0} << (row & 63));
    while (word == 0) {
      if (++w == kRows / 64) return kRows;
      word = bits[w];
    }
    return w * 64 + static_cast<uint32_t>(std::countr_zero(word));
  }
};

}  // namespace lora::graph::cache
