// SpinLock: for short work that hardly ever meets, on ways where a mutex would be felt. Who waits yields, and sleeps
// when that does not help: a waiter of higher priority than the owner would keep it from ever running.
//
// For std::lock_guard. Not recursive, not fair; nothing that waits for others is done while it is held.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>

namespace lora {

class SpinLock {
 public:
  void lock() {
    if (held_.exchange(true, std::memory_order_acquire)) [[unlikely]]
      wait();
  }
  void unlock() { held_.store(false, std::memory_order_release); }

 private:
  [[gnu::noinline]] void wait() {
    do {
      for (int turn = 0; held_.load(std::memory_order_relaxed); ++turn) {
        if (turn < 64) {
          std::this_thread::yield();
        } else {
          std::this_thread::sleep_for(std::chrono::microseconds(50));
        }
      }
    } while (held_.exchange(true, std::memory_order_acquire));
  }

  std::atomic<bool> held_{false};
};

}  // namespace lora
