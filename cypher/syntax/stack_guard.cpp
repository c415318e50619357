#include "cypher/syntax/stack_guard.h"

#include <pthread.h>

namespace lora::cypher::detail {

thread_local uintptr_t stack_floor = 0;

uintptr_t find_stack_floor() {
  // Where the bounds cannot be had, assume that 256 KiB are left from here.
  uintptr_t floor = reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) - 4 * kStackReserveBytes;
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    void* lowest = nullptr;
    size_t size = 0;
    if (pthread_attr_getstack(&attributes, &lowest, &size) == 0) {
      floor = reinterpret_cast<uintptr_t>(lowest) + kStackReserveBytes;
    }
    pthread_attr_destroy(&attributes);
  }
  stack_floor = floor;
  return floor;
}

}  // namespace lora::cypher::detail
