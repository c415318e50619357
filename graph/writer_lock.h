// The one writer of a graph: a lock with a deadline, a holder that can be named, and a poll for cancellation.
//
// Fair enough: who has waited longer than kBargeTime gets it next; before that a running thread may take it again
// (handing over on every release would cost a context switch per commit). Threads: any; release() by any thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <ctime>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "kv/status.h"

namespace lora::graph {

class WriterLock {
 public:
  using Clock = std::chrono::steady_clock;
  // kTransaction naming the holder when it is not free until `deadline`, or at once when the holder has the same
  // non-zero token. `poll` (may be empty) is called every kPollTime; its failure ends the wait.
  Status acquire(Clock::time_point deadline, std::string_view owner, uint64_t owner_token,
                 const std::function<Status()>& poll);
  bool try_acquire(std::string_view owner);
  // Never fails.
  void release();

 private:
  struct Waiter {
    std::condition_variable wake;
    Clock::time_point since;
    bool granted = false;
    bool called = false;  // notified since it last slept
  };
  static constexpr std::chrono::milliseconds kPollTime{10};
  static constexpr std::chrono::milliseconds kBargeTime{2};
  static constexpr std::chrono::microseconds kYieldTime{50};

  void take(std::string_view owner, uint64_t owner_token) noexcept;  // holds mutex_
  Status busy(bool by_itself) const;  // holds mutex_; the caller is the holder itself or not

  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<Waiter>> waiters_;  // shared: release() notifies without the mutex
  bool held_ = false;
  std::string owner_;
  uint64_t owner_token_ = 0;
  pid_t owner_thread_ = 0;  // as the system numbers threads: what debuggers show
  Clock::time_point since_;
};

}  // namespace lora::graph
