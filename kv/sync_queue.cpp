#include "kv/sync_queue.h"

#include <sched.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace lora::kv {

namespace {

// Waiting costs processor time; threads that are about to commit do so within this.
constexpr std::chrono::nanoseconds kGatherMax = std::chrono::microseconds(200);

}  // namespace

SyncQueue::Turn SyncQueue::wait(uint64_t number) {
  // Each thread sleeps at most once at a time.
  thread_local const std::shared_ptr<Place> place = std::make_shared<Place>();
  while (true) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (covered_.load(std::memory_order_relaxed) >= number) return Turn::kCovered;
      if (stopped_) return Turn::kStopped;
      if (!led_) {
        led_ = true;
        return Turn::kLeads;
      }
      place->number = number;
      place->call = Call::kNone;
      waiting_.push_back(place);
      waiting_count_.store(waiting_.size(), std::memory_order_relaxed);
    }
    std::unique_lock<std::mutex> sleep(place->mutex);
    place->wake.wait(sleep, [&] { return place->call != Call::kNone; });
    if (place->call == Call::kCovered) return Turn::kCovered;
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
  std::vector<std::pair<std::shared_ptr<Place>, Call>> woken;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    led_ = false;
    stopped_ = stopped_ || stopped;
    if (covered > covered_.load(std::memory_order_relaxed)) covered_.store(covered, std::memory_order_release);
    std::deque<std::shared_ptr<Place>> left;
    bool leader = false;
    size_t group = 1;
    for (std::shared_ptr<Place>& place : waiting_) {
      const bool done = place->number <= covered;
      if (done) ++group;
      if (done || stopped_ || !leader) {
        leader = leader || !done;
        woken.emplace_back(std::move(place), done ? Call::kCovered : Call::kLook);
      } else {
        left.push_back(std::move(place));
      }
    }
    waiting_ = std::move(left);
    waiting_count_.store(waiting_.size(), std::memory_order_relaxed);
    if (took.count() > 0) {
      last_group_ = group;
      usual_ = usual_.count() == 0 ? took : (usual_ * 7 + took) / 8;
    }
  }
  for (const auto& [place, call] : woken) {
    {
      const std::lock_guard<std::mutex> lock(place->mutex);
      place->call = call;
    }
    place->wake.notify_one();  // without the mutex, which the woken thread takes first
  }
}

}  // namespace lora::kv
