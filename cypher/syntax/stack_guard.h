// stack_low(), stack_left(), levels_left(): how recursive code keeps a deep query from overrunning the stack.
//
// Threads: any. The bounds of a thread's stack are looked up once a thread (a few microseconds for the first call, one
// comparison afterwards).
#pragma once

#include <cstddef>
#include <cstdint>

namespace lora::cypher {

// Stack that must remain for leaf work (formatting an error, a library call).
inline constexpr size_t kStackReserveBytes = 64 * 1024;

// How many times as large the address sanitizer may make a frame.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr size_t kFrameFactor = 8;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr size_t kFrameFactor = 8;
#else
inline constexpr size_t kFrameFactor = 1;
#endif
#else
inline constexpr size_t kFrameFactor = 1;
#endif

namespace detail {
// The lowest address that the current thread may use with the reserve left.
extern thread_local uintptr_t stack_floor;  // 0: not looked up yet
uintptr_t find_stack_floor();
}  // namespace detail

// Bytes of this thread's stack that may be used with the reserve left.
inline size_t stack_left() {
  auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  uintptr_t floor = detail::stack_floor;
  if (floor == 0) floor = detail::find_stack_floor();
  return here < floor ? 0 : here - floor;
}

// How deep a recursion may go whose frames take `frame_bytes` where nothing instruments them.
inline size_t levels_left(size_t frame_bytes) {
  return stack_left() / (frame_bytes * kFrameFactor);
}

// True when fewer than kStackReserveBytes of this thread's stack are left.
inline bool stack_low() {
  auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  uintptr_t floor = detail::stack_floor;
  if (floor == 0) [[unlikely]]
    floor = detail::find_stack_floor();
  return here < floor;
}

}  // namespace lora::cypher
