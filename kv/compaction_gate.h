// Keeps compactions from changing the levels while sorted runs are ingested.
//
// IngestExternalFiles of RocksDB 7.8 counts the files of a level in a keyspace's newest version but reads them through
// the published one. A compaction whose manifest edits went in with another thread's leaves the two apart until it gets
// the mutex; an ingest that comes first aborts on an assertion, or reads past the end without one. So an ingest waits
// for the compactions that are about to install what they made, and those that come later wait for the ingest. A
// compaction that still merges goes on beside it.
//
// What a job may do is told by RocksDB's events: one that moves files without reading them (or drops them) installs
// right after it has begun; the others have sub-compactions first.
//
// Threads: the events from RocksDB's background threads, without its mutex; one ingest at a time.
#pragma once

#include <condition_variable>
#include <mutex>
#include <vector>

namespace lora::kv {

class CompactionGate {
 public:
  // While it lives no compaction installs.
  class Ingest {
   public:
    explicit Ingest(CompactionGate* gate) : gate_(gate) { gate_->close(); }
    ~Ingest() { gate_->open(); }
    Ingest(const Ingest&) = delete;
    Ingest& operator=(const Ingest&) = delete;

   private:
    CompactionGate* gate_;
  };

  void compaction_begins(int job);
  void merge_begins(int job);
  void merge_ends(int job);
  void compaction_ends(int job);

 private:
  void close();
  void open();

  std::mutex mutex_;
  std::condition_variable changed_;
  bool ingesting_ = false;
  std::vector<int> begun_;    // jobs that merge
  std::vector<int> install_;  // jobs that may install now
};

}  // namespace lora::kv
