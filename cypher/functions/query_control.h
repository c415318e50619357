// QueryControl: what may stop a running query: cancellation, deadline, memory budget. Every loop that can run long
// calls tick() once per batch (or per some hundred cheap steps) and charges what it keeps. Charging looks at the clock,
// too, so that few steps that make much do not run on.
//
// Threads: request_stop() and `cancel` may come from any thread; the rest belongs to the thread that runs the query.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "kv/status.h"

namespace lora::cypher {

class QueryControl {
 public:
  using Clock = std::chrono::steady_clock;

  QueryControl() = default;
  QueryControl(const QueryControl&) = delete;
  QueryControl& operator=(const QueryControl&) = delete;

  std::optional<Clock::time_point> deadline;
  uint64_t memory_bytes_max = UINT64_MAX;
  const std::atomic<bool>* cancel = nullptr;  // the caller's own flag, may be null
  std::function<Status()> poll;               // may be empty; called at most every 50 ms
  // The statement that waits for this one: it runs a registered function or procedure that asks the database something.
  // What stops it stops this one. Of the same thread; may be null.
  QueryControl* outer = nullptr;

  // Stops the query with `code` (kInterrupted, kClosed). First call wins.
  void request_stop(ErrorCode code) {
    uint8_t none = 0;
    stop_.compare_exchange_strong(none, static_cast<uint8_t>(code), std::memory_order_relaxed);
  }
  bool stop_requested() const { return stop_.load(std::memory_order_relaxed) != 0; }

  // OK, kInterrupted, kClosed, kTimeout. Looks at the clock on every 16th call.
  Status tick() {
    if (stop_.load(std::memory_order_relaxed) != 0 || (cancel != nullptr && cancel->load(std::memory_order_relaxed)) ||
        (++ticks_ & 15) == 0) [[unlikely]] {
      return slow_tick();
    }
    return Status();
  }

  // As tick(), but looks at the clock and the poll now: for waits, not for loops.
  Status check() { return slow_tick(); }

  // Memory the query keeps (sort buffers, hash tables, lists, results). kMemoryLimit when over the budget; what tick()
  // fails with.
  Status charge(uint64_t bytes) {
    memory_bytes_ += bytes;
    if (memory_bytes_ > memory_bytes_most()) memory_bytes_most_.store(memory_bytes_, std::memory_order_relaxed);
    if (memory_bytes_ + made_bytes_ > memory_bytes_max) [[unlikely]] {
      return over_budget(bytes);
    }
    Status status = tick_for(bytes);
    if (!status.ok()) [[unlikely]]
      memory_bytes_ -= bytes;
    return status;
  }
  // kMemoryLimit when what is charged and these `bytes`, kept elsewhere, are over the budget together.
  Status check_total(uint64_t bytes) {
    if (memory_bytes_ + made_bytes_ + bytes > memory_bytes_max) [[unlikely]] {
      return over_budget(0);
    }
    return Status();
  }
  void release(uint64_t bytes) { memory_bytes_ -= bytes < memory_bytes_ ? bytes : memory_bytes_; }
  uint64_t memory_bytes() const { return memory_bytes_; }
  // The most there ever were; for any thread.
  uint64_t memory_bytes_most() const { return memory_bytes_most_.load(std::memory_order_relaxed); }

  // Memory of what expressions make while they are evaluated: functions charge it, and the evaluator forgets it when
  // the expression is done (MadeScope, below). Who keeps a value charges it himself.
  Status charge_made(uint64_t bytes) {
    made_bytes_ += bytes;
    made_bytes_ever_ += bytes;
    if (memory_bytes_ + made_bytes_ > memory_bytes_max) [[unlikely]] {
      return over_budget(0);
    }
    return tick_for(bytes);
  }
  uint64_t made_bytes() const { return made_bytes_; }
  // All that was ever charged so: tells how much a step has made.
  uint64_t made_bytes_ever() const { return made_bytes_ever_; }

 private:
  static constexpr uint64_t kBytesPerTick = 16 << 20;  // some milliseconds of work

  Status tick_for(uint64_t bytes) {
    unticked_bytes_ += bytes;
    if (unticked_bytes_ < kBytesPerTick) [[likely]]
      return Status();
    unticked_bytes_ = 0;
    return slow_tick();
  }
  Status slow_tick();
  Status over_budget(uint64_t bytes);

  std::atomic<uint8_t> stop_{0};
  uint32_t ticks_ = 0;
  uint64_t memory_bytes_ = 0;
  std::atomic<uint64_t> memory_bytes_most_{0};
  uint64_t made_bytes_ = 0;
  uint64_t made_bytes_ever_ = 0;
  uint64_t unticked_bytes_ = 0;  // charged since the clock was looked at for it
  Clock::time_point last_poll_{};

  friend class Made;
};

// What is made while it lives. A loop that makes more than it keeps calls settle() after each step.
class Made {
 public:
  explicit Made(QueryControl* control) : control_(control), before_(control != nullptr ? control->made_bytes_ : 0) {}
  Made(const Made&) = delete;
  Made& operator=(const Made&) = delete;

  // Takes what was dropped off the charge when that may be much: measures what is kept with kept_bytes() each time a
  // quarter of the budget has been charged.
  template <typename KeptBytes>
  void settle(KeptBytes kept_bytes) {
    if (control_ == nullptr) return;
    if (control_->made_bytes_ - before_ - kept_ <= control_->memory_bytes_max / 4) [[likely]]
      return;
    kept_ = kept_bytes();
    control_->made_bytes_ = before_ + kept_;
  }
  void forget() {
    if (control_ != nullptr) control_->made_bytes_ = before_;
    kept_ = 0;
  }

 private:
  QueryControl* control_;
  uint64_t before_;
  uint64_t kept_ = 0;
};

// Forgets at its end.
class MadeScope : public Made {
 public:
  using Made::Made;
  ~MadeScope() { forget(); }
};

}  // namespace lora::cypher
