#include "kv/compaction_gate.h"

namespace lora::kv {

void CompactionGate::compaction_begins(int job) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !ingesting_; });
  install_.push_back(job);
}

void CompactionGate::merge_begins(int job) {
  const std::lock_guard lock(mutex_);
  if (std::erase(install_, job) > 0) {
    begun_.push_back(job);
    changed_.notify_all();
  }
}

void CompactionGate::merge_ends(int job) {
  std::unique_lock lock(mutex_);
  // A job that did not begin here runs on the thread of the writer, which does not ingest meanwhile.
  if (std::erase(begun_, job) > 0) {
    changed_.wait(lock, [this] { return !ingesting_; });
    install_.push_back(job);
  }
}

void CompactionGate::compaction_ends(int job) {
  const std::lock_guard lock(mutex_);
  std::erase(begun_, job);
  std::erase(install_, job);
  changed_.notify_all();
}

void CompactionGate::close() {
  std::unique_lock lock(mutex_);
  ingesting_ = true;
  changed_.wait(lock, [this] { return install_.empty(); });
}

void CompactionGate::open() {
  const std::lock_guard lock(mutex_);
  ingesting_ = false;
  changed_.notify_all();
}

}  // namespace lora::kv
