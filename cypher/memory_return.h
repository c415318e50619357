// Giving back to the system what statements have let go: the allocator keeps it otherwise, and a process that once
// returned a large result stays large.
//
// Threads: any. All of it is about the process, not one database.
#pragma once

#include <atomic>
#include <cstdint>

namespace lora {

// Gives back what is free now. Takes some 10 ms for 100 MiB.
void return_memory();

// A call is over that held so many bytes at most beside the graph. When that is much, memory is given back with a later
// call (by then its result is gone, too): the first one that comes when giving it back takes less than a five-hundredth
// of the time since it was done last.
void note_held_memory(uint64_t bytes);

namespace internal {
extern std::atomic<bool> memory_return_pending;
void return_memory_if_due();
}  // namespace internal

// At the beginning of a call.
inline void return_noted_memory() {
  if (internal::memory_return_pending.load(std::memory_order_relaxed)) [[unlikely]] {
    internal::return_memory_if_due();
  }
}

}  // namespace lora
