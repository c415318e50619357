// How many rows to ask of a plan that runs under many outer rows and whose answer is only whether each has any.
#pragma once

#include <algorithm>
#include <cstddef>

#include "cypher/expr/batch.h"

namespace lora::cypher {

// Large steps while each row that comes is a new outer row's, small ones where many come for the same (a scan under
// each): these are work for nothing.
class AskSize {
 public:
  // `left`: outer rows that have none yet.
  size_t rows(size_t left) const { return std::min(std::max(left, kMin), size_); }
  // `found`: outer rows that have their first among the `rows` that came.
  void answered(size_t rows, size_t found) {
    if (found * 4 < rows) {
      size_ = std::max<size_t>(size_ / 4, kMin);
    } else if (found * 2 >= rows && rows >= size_) {
      size_ = std::min(size_ * 4, kBatchRowsMax);
    }
  }

 private:
  // With fewer, filters would go through a scan in too small steps.
  static constexpr size_t kMin = 64;
  size_t size_ = kBatchRowsMax;
};

}  // namespace lora::cypher
