#include "kv/fork.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <limits>
#include <mutex>

namespace lora::kv {

namespace {

constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

std::atomic<uint64_t> forks{0};
std::atomic<uint64_t> opened_in{kNever};  // the generation of the first opening

struct ForkWatch {
  ForkWatch() {
    pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
  }
} fork_watch;

#ifdef __GLIBC__
void leave_child(int status, void*) {
  if (opened_in.load(std::memory_order_relaxed) == fork_generation()) return;
  std::fflush(nullptr);
  _exit(status);
}
#endif

}  // namespace

uint64_t fork_generation() {
  return forks.load(std::memory_order_relaxed);
}

Status forked_status() {
  return {ErrorCode::kForked,
          "this process was forked after its parent had opened a database; start it by other means (multiprocessing: "
          "`spawn` or `forkserver`), or open databases only after the fork"};
}

Status check_fork_before_open() {
  const uint64_t here = fork_generation();
  uint64_t first = kNever;
  if (opened_in.compare_exchange_strong(first, here, std::memory_order_relaxed) || first == here) return Status();
  return forked_status();
}

void guard_exit_of_children() {
#ifdef __GLIBC__
  // Functions registered for exit run in reverse order: this one before the destructors of the static objects that the
  // opening has made.
  static std::once_flag once;
  std::call_once(once, [] { on_exit(leave_child, nullptr); });
#endif
}

}  // namespace lora::kv
