// Standard algorithms over many elements, inside something that may be stopped.
#pragma once

#include <cstdint>
#include <utility>

#include "kv/status.h"

namespace lora {

// Runs algorithm(compare), where `compare` is `less` and calls tick() on every `comparisons`th comparison. What tick()
// fails with ends the algorithm and is returned; the elements are then in no order, and some may be lost. A standard
// algorithm has no way out but an exception: the one used here goes no further than this function.
//
//   LORA_TRY(stoppable(tick, less, [&](auto compare) { std::sort(rows.begin(), rows.end(), compare); }));
template <typename Tick, typename Less, typename Algorithm>
Status stoppable(const Tick& tick, const Less& less, const Algorithm& algorithm, uint32_t comparisons = 1024) {
  struct Stop {
    Status status;
  };
  uint32_t left = comparisons;
  try {
    algorithm([&](const auto& a, const auto& b) {
      if (--left == 0) [[unlikely]] {
        left = comparisons;
        Status status = tick();
        if (!status.ok()) throw Stop{std::move(status)};
      }
      return less(a, b);
    });
  } catch (Stop& stop) {
    return std::move(stop.status);
  }
  return Status();
}

}  // namespace lora
