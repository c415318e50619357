#include "cypher/memory_return.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <chrono>

namespace lora {

namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kMuch = 4 << 20;
constexpr int kShare = 500;  // of the time that passes, one part goes into it

std::atomic<Clock::rep> due{0};  // since the clock's epoch: not before

}  // namespace

namespace internal {

std::atomic<bool> memory_return_pending{false};

void return_memory_if_due() {
  const Clock::time_point begin = Clock::now();
  if (begin.time_since_epoch().count() < due.load(std::memory_order_relaxed)) return;
  if (!memory_return_pending.exchange(false, std::memory_order_relaxed)) return;  // another thread does it
  return_memory();
  const Clock::time_point end = Clock::now();
  due.store((end + (end - begin) * kShare).time_since_epoch().count(), std::memory_order_relaxed);
}

}  // namespace internal

void return_memory() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

void note_held_memory(uint64_t bytes) {
  if (bytes >= kMuch) internal::memory_return_pending.store(true, std::memory_order_relaxed);
}

}  // namespace lora
