// Allocations that fail on demand, in the calling thread only. A test program that includes failing_allocations.cpp
// replaces operator new; RocksDB's own threads are not concerned.
//
// RocksDB and RE2 do not survive failing allocations, and the time zone library leaks the directory it reads: those
// with one of them on the stack are left out.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lora::tests {

// Which allocation fails.
struct Failing {
  bool armed = false;
  int64_t skip = 0;      // allocations of at least bytes_min that pass first
  size_t bytes_min = 0;  // smaller ones pass
  bool lasting = false;  // all later ones fail too
  int64_t failed = 0;
};
extern thread_local Failing failing;

// Before the first one fails: loads what looking at the stack needs.
void prepare_failing();

// How many pieces of memory this thread has taken and not given back (less those that it gave back for others).
int64_t live_allocations();

}  // namespace lora::tests
