// SpinLock: for a few instructions that hardly ever meet, on ways where a mutex would be felt. Who waits yields.
//
// For std::lock_guard. Not recursive, not fair; nothing that may block or take long is done while it is held.
#pragma once

#include <atomic>
#include <thread>

namespace lora {

class SpinLock {
 public:
  void lock() {
    while (held_.exchange(true, std::memory_order_acquire)) {
      while (held_.load(std::memory_order_relaxed)) std::this_thread::yield();
    }
  }
  void unlock() { held_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> held_{false};
};

}  // namespace lora
