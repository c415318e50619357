// Writes sorted runs on threads of its own, so that building and compressing tables goes on beside the making of what
// is in them. Table files are of bounded size: one that is larger than a compaction makes would be rewritten as a whole
// by the first that touches it.
//
// Each run is one thread's. For two of them to have something to do, the caller must be able to be a whole run ahead.
//
// Memory: what is on its way to the threads, at most a run each (32 MiB and a little), 4 MiB with one thread. Threads:
// one calls; the store takes sorted_run() from any.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kv/channel.h"
#include "kv/processors.h"
#include "kv/store.h"

namespace lora::graph {

class RunWriter {
 public:
  // So many threads keep two processors busy beside the caller.
  static size_t usual_threads() { return usable_processors() > 1 ? 2 : 1; }

  // `threads`: at least 1. Throws std::system_error when one cannot be started.
  explicit RunWriter(kv::Store* store, size_t threads = usual_threads());
  ~RunWriter();  // what was not finished is thrown away
  RunWriter(const RunWriter&) = delete;
  RunWriter& operator=(const RunWriter&) = delete;

  // Ascending keys in each keyspace. May return what an earlier put() has run into.
  Status put(kv::Keyspace space, ByteView key, ByteView value);
  // All runs, as their first keys were put. Nothing may be called afterwards.
  Result<std::vector<std::unique_ptr<kv::SortedRun>>> finish();

 private:
  struct Entry {
    uint32_t key_bytes, value_bytes;
  };
  struct Block {
    kv::Keyspace space{};
    uint64_t run = 0;  // its number
    bool ends_run = false;
    std::string bytes;
    std::vector<Entry> entries;
  };
  struct Filling {
    Block block;
    uint64_t run = 0, run_bytes = 0;  // of the run that the block is a part of; 0 bytes: it begins
  };
  struct Run {
    uint64_t number = 0;
    std::unique_ptr<kv::SortedRun> run;
  };
  // A thread and what it works on, its own until it has ended.
  struct Lane {
    explicit Lane(size_t blocks_max) : queue(blocks_max) {}
    ~Lane();
    void work(kv::Store* store);
    Status write(kv::Store* store, const Block& block);

    Channel<Block> queue;
    std::array<Run, kv::kKeyspaceCount> open;
    std::vector<Run> finished;
    Status failure;  // or until the queue takes nothing any more
    std::thread thread;
  };

  Status hand_over(kv::Keyspace space, bool ends_run);

  std::array<Filling, kv::kKeyspaceCount> filling_;
  uint64_t next_run_ = 0;  // run n is written by lane n modulo their number
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace lora::graph
