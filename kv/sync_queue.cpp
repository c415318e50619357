#include "kv/sync_queue.h"

#include <sched.h>

#include <algorithm>
#include <utility>

namespace lora::kv {

namespace {

// Waiting costs processor time; threads that are about to commit do so within this.
constexpr std::chrono::nanoseconds kGatherMax = std::chrono::microseconds(200);

}  // namespace

SyncQueue::Turn SyncQueue::wait(uint64_t number) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    if (covered_.load(std::memory_order_relaxed) >= number) return Turn::kCovered;
    if (stopped_) return Turn::kStopped;
    if (!led_) {
      led_ = true;
      return Turn::kLeads;
    }
    std::unique_ptr<Place> place;
    if (free_.empty()) {
      place = std::make_unique<Place>();
    } else {
      place = std::move(free_.back());
      free_.pop_back();
    }
    place->number = number;
    waiting_.push_back(place.get());
    waiting_count_.store(waiting_.size(), std::memory_order_relaxed);
    lock.unlock();
    {
      std::unique_lock<std::mutex> sleep(place->mutex);
      place->wake.wait(sleep, [&] { return place->woken; });
      place->woken = false;
    }
    lock.lock();
    free_.push_back(std::move(place));
  }
}

void SyncQueue::gather() {
  if (last_group_ < 2) return;  // the leader's own, see finish()
  const auto until = std::chrono::steady_clock::now() + std::min(usual_ / 2, kGatherMax);
  while (waiting_count_.load(std::memory_order_relaxed) + 1 < last_group_ && std::chrono::steady_clock::now() < until) {
    sched_yield();
  }
}

void SyncQueue::finish(uint64_t covered, std::chrono::nanoseconds took, bool stopped) {
  std::vector<Place*> woken;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    led_ = false;
    stopped_ = stopped_ || stopped;
    if (covered > covered_.load(std::memory_order_relaxed)) covered_.store(covered, std::memory_order_release);
    std::deque<Place*> left;
    bool leader = false;
    size_t group = 1;
    for (Place* place : waiting_) {
      const bool done = stopped_ || place->number <= covered;
      if (done) ++group;
      if (done || !leader) {
        leader = leader || !done;
        woken.push_back(place);
      } else {
        left.push_back(place);
      }
    }
    waiting_ = std::move(left);
    waiting_count_.store(waiting_.size(), std::memory_order_relaxed);
    if (took.count() > 0) {
      last_group_ = group;
      usual_ = usual_.count() == 0 ? took : (usual_ * 7 + took) / 8;
    }
  }
  for (Place* place : woken) {
    const std::lock_guard<std::mutex> lock(place->mutex);
    place->woken = true;
    place->wake.notify_one();
  }
}

}  // namespace lora::kv
