// LORA_CHECK (always) and LORA_DCHECK (debug builds): for our own bugs, never reachable by user
// input or by a damaged file. A failed check prints where and ends the process.
#pragma once

namespace lora {
[[noreturn]] void check_failed(const char* expression, const char* file, int line);
}  // namespace lora

#define LORA_CHECK(condition) \
  (static_cast<bool>(condition) ? static_cast<void>(0) : ::lora::check_failed(#condition, __FILE__, __LINE__))

#ifdef NDEBUG
#define LORA_DCHECK(condition) static_cast<void>(sizeof(static_cast<bool>(condition)))
#else
#define LORA_DCHECK(condition) LORA_CHECK(condition)
#endif
