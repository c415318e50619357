// Items from one thread to another, a bounded number on their way.
//
// Threads: any. Memory: that of its items; neither push() nor pop() takes any.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace lora {

template <typename T>  // default-constructible; moves throw nothing
class Channel {
 public:
  explicit Channel(size_t capacity) : slots_(capacity) {}  // at least 1

  // Waits for room. False: closed, and `item` is as it was.
  bool push(T&& item) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return count_ < slots_.size() || closed_; });
    if (closed_) return false;
    slots_[(first_ + count_++) % slots_.size()] = std::move(item);
    changed_.notify_all();
    return true;
  }

  // The oldest item; waits for one. None: closed, and all of them were taken.
  std::optional<T> pop() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return count_ != 0 || closed_; });
    if (count_ == 0) return std::nullopt;
    std::optional<T> item(std::exchange(slots_[first_], T()));
    first_ = (first_ + 1) % slots_.size();
    --count_;
    changed_.notify_all();
    return item;
  }

  // Nothing more comes in.
  void close() {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

  // Nor is there anything to take out.
  void discard() {
    std::vector<T> dropped;  // freed without the lock
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    count_ = 0;
    dropped.swap(slots_);
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> slots_;  // a ring; without slots once discarded
  size_t first_ = 0, count_ = 0;
  bool closed_ = false;
};

}  // namespace lora
