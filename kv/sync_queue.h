// Group commit: threads that wait for an fsync. One of them leads and syncs for all that wrote before it.
//
// Each waiting thread sleeps on a place of its own, so that the end of an fsync wakes those it covers and one new
// leader, not everybody. A leader that follows a group of several first waits for as many again, for at most half of
// what an fsync takes, and 200 us: threads that were just released are about to commit again, and one fsync then covers
// them all. A single thread never waits.
//
// Threads: any. The queue outlives all calls.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

namespace lora::kv {

class SyncQueue {
 public:
  enum class Turn {
    kCovered,  // the commit is on disk
    kStopped,  // a leader failed
    kLeads,    // this thread has the lead and must call finish()
  };

  // Highest commit known to be on disk.
  uint64_t covered() const { return covered_.load(std::memory_order_acquire); }
  // Without waiters: at open, and in memory where nothing is synced.
  void set_covered(uint64_t number) { covered_.store(number, std::memory_order_release); }

  // Until commit `number` is covered, or this thread leads.
  Turn wait(uint64_t number);
  // For the leader, before it decides what to sync.
  void gather();
  // Ends the lead. `covered`: the highest commit that is on disk now. `took`: the fsync, zero if there was none.
  // `stopped`: it failed; nobody waits any more.
  void finish(uint64_t covered, std::chrono::nanoseconds took, bool stopped);

 private:
  enum class Call : uint8_t {
    kNone,
    kCovered,  // nothing more to look at
    kLook,     // lead, or fail
  };
  // A thread's own, shared with who wakes it.
  struct Place {
    uint64_t number = 0;
    std::mutex mutex;
    std::condition_variable wake;
    Call call = Call::kNone;
  };

  std::mutex mutex_;
  std::deque<std::shared_ptr<Place>> waiting_;  // in the order of arrival
  bool led_ = false;
  bool stopped_ = false;
  std::atomic<uint64_t> covered_{0};
  std::atomic<size_t> waiting_count_{0};
  size_t last_group_ = 0;              // threads that the last fsync covered
  std::chrono::nanoseconds usual_{0};  // what an fsync takes, a moving average
};

}  // namespace lora::kv
