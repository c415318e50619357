#include "kv/processors.h"

#ifdef __linux__
#include <sched.h>
#endif

#include <algorithm>
#include <thread>

namespace lora {

size_t usable_processors() {
#ifdef __linux__
  cpu_set_t set;  // std::thread::hardware_concurrency() tells what the machine has
  if (sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<size_t>(std::max(CPU_COUNT(&set), 1));
#endif
  return std::max(std::thread::hardware_concurrency(), 1u);
}

}  // namespace lora
