// Writes sorted runs on a thread of its own, so that building and compressing tables goes on beside the making of what
// is in them. Table files are of bounded size: one that is larger than a compaction makes would be rewritten as a whole
// by the first that touches it.
//
// Memory: some MiB on their way to the thread. Threads: one calls; the store takes sorted_run() from any.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kv/channel.h"
#include "kv/store.h"

namespace lora::graph {

class RunWriter {
 public:
  explicit RunWriter(kv::Store* store);
  ~RunWriter();  // what was not finished is thrown away
  RunWriter(const RunWriter&) = delete;
  RunWriter& operator=(const RunWriter&) = delete;

  // Ascending keys in each keyspace. May return what an earlier put() has run into.
  Status put(kv::Keyspace space, ByteView key, ByteView value);
  // All runs. Nothing may be called afterwards.
  Result<std::vector<std::unique_ptr<kv::SortedRun>>> finish();

 private:
  struct Entry {
    uint32_t key_bytes, value_bytes;
  };
  struct Block {
    kv::Keyspace space{};
    std::string bytes;
    std::vector<Entry> entries;
  };
  struct Output {
    std::unique_ptr<kv::SortedRun> run;
    uint64_t bytes = 0;
  };

  Status hand_over(Block* block);
  void work();
  Status write(const Block& block);
  void end_run(Output* out);

  kv::Store* store_;
  std::array<Block, kv::kKeyspaceCount> filling_;  // the caller's

  Channel<Block> queue_;

  // The thread's own until it has ended.
  std::array<Output, kv::kKeyspaceCount> outputs_;
  std::vector<std::unique_ptr<kv::SortedRun>> runs_;
  Status failure_;  // or until the queue takes nothing any more
  std::thread thread_;
};

}  // namespace lora::graph
