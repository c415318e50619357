#include "graph/writer_lock.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>

#include "kv/contain.h"

namespace lora::graph {

void WriterLock::take(std::string_view owner, uint64_t owner_token) noexcept {
  thread_local const pid_t this_thread = ::gettid();
  held_ = true;
  owner_.clear();
  static_cast<void>(contain([&] {  // the name is for messages: without memory for it, the holder is unnamed
    owner_.assign(owner);
    return Status();
  }));
  owner_token_ = owner_token;
  owner_thread_ = this_thread;
  since_ = Clock::now();
}

Status WriterLock::busy(bool by_itself) const {
  const auto held_for = std::chrono::duration<double>(Clock::now() - since_).count();
  return {ErrorCode::kTransaction,
          fmt::format("{} a write transaction open: `{}`, begun {:.1f} s ago by thread {}; {}",
                      by_itself ? "this thread or task itself has" : "another thread or task has",
                      owner_.empty() ? "unnamed" : owner_, held_for, owner_thread_,
                      by_itself ? "write through it, or end it first" : "it must be committed or rolled back first")};
}

Status WriterLock::acquire(Clock::time_point deadline, std::string_view owner, uint64_t owner_token,
                           const std::function<Status()>& poll) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (!held_) [[likely]] {
    take(owner, owner_token);
    return Status();
  }
  if (owner_token != 0 && owner_token == owner_token_) {
    return busy(true);
  }
  // Most holders need a few microseconds, less than going to sleep and being woken.
  for (const auto until = Clock::now() + kYieldTime; held_ && Clock::now() < until;) {
    lock.unlock();
    sched_yield();
    lock.lock();
  }
  if (!held_) {
    take(owner, owner_token);
    return Status();
  }
  const auto waiter = std::make_shared<Waiter>();
  waiter->since = Clock::now();
  waiters_.push_back(waiter);
  const auto leave = [&] { waiters_.erase(std::find(waiters_.begin(), waiters_.end(), waiter)); };
  while (true) {
    if (waiter->granted) {  // release() left it held and took us off the list
      take(owner, owner_token);
      return Status();
    }
    if (!held_) {
      leave();
      take(owner, owner_token);
      return Status();
    }
    const auto now = Clock::now();
    if (now >= deadline) {
      leave();
      return busy(false);
    }
    // Without a poll the wait may be long; the wake-up comes from release().
    auto until = poll ? now + kPollTime : now + std::chrono::seconds(1);
    waiter->called = false;
    waiter->wake.wait_until(lock, std::min(until, deadline));
    if (!waiter->granted && held_ && poll) {
      lock.unlock();
      Status status = contain(poll);  // else a waiter that has gone would be granted the lock
      lock.lock();
      if (!status.ok()) {
        if (waiter->granted) {
          lock.unlock();
          release();
        } else {
          leave();
        }
        return status;
      }
    }
  }
}

bool WriterLock::try_acquire(std::string_view owner) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (held_) {
    return false;
  }
  take(owner, 0);
  return true;
}

void WriterLock::release() {
  std::shared_ptr<Waiter> first;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    owner_token_ = 0;
    if (!waiters_.empty()) {
      first = waiters_.front();
    }
    if (first != nullptr && Clock::now() - first->since >= kBargeTime) {
      waiters_.pop_front();
      first->granted = true;  // stays held
    } else {
      held_ = false;
      if (first == nullptr || first->called) {
        return;
      }
    }
    first->called = true;
  }
  first->wake.notify_one();  // without the mutex, which the woken thread takes first
}

}  // namespace lora::graph
