#include "cypher/functions/query_control.h"

#include <string>

namespace lora::cypher {

Status QueryControl::slow_tick() {
  const uint8_t stop = stop_.load(std::memory_order_relaxed);
  if (stop != 0) {
    const auto code = static_cast<ErrorCode>(stop);
    return {code,
            code == ErrorCode::kClosed ? "the database was closed while the query ran" : "the query was interrupted"};
  }
  if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
    return {ErrorCode::kInterrupted, "the query was interrupted"};
  }
  if (outer != nullptr) {
    Status status = outer->check();
    if (!status.ok()) return status;
  }
  if (!deadline && !poll) {
    return Status();
  }
  const Clock::time_point now = Clock::now();
  if (deadline && now >= *deadline) {
    return {ErrorCode::kTimeout, "the query ran longer than its timeout"};
  }
  if (poll && now - last_poll_ >= std::chrono::milliseconds(50)) {
    last_poll_ = now;
    return poll();
  }
  return Status();
}

Status QueryControl::over_budget(uint64_t bytes) {
  memory_bytes_ -= bytes;
  return {ErrorCode::kMemoryLimit, "the query needs more than its memory budget of `" +
                                       std::to_string(memory_bytes_max) +
                                       "` bytes; raise `query_memory_bytes` or return less at once"};
}

}  // namespace lora::cypher
