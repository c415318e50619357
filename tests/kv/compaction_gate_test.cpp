#include "kv/compaction_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

namespace lora::kv {
namespace {

// True when `work` was still waiting after a while and ended once `release` had run.
template <typename Work, typename Release>
bool waits_for(Work work, Release release) {
  std::atomic<bool> done{false};
  std::thread thread([&] {
    work();
    done = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const bool waited = !done;
  release();
  thread.join();
  return waited;
}

TEST(CompactionGate, AnIngestWaitsForAJobThatMayInstall) {
  CompactionGate gate;
  gate.compaction_begins(1);
  std::optional<CompactionGate::Ingest> ingest;
  EXPECT_TRUE(waits_for([&] { ingest.emplace(&gate); }, [&] { gate.compaction_ends(1); }));
}

TEST(CompactionGate, AnIngestGoesOnBesideAMerge) {
  CompactionGate gate;
  gate.compaction_begins(1);
  gate.merge_begins(1);
  { const CompactionGate::Ingest ingest(&gate); }
  gate.merge_ends(1);
  std::optional<CompactionGate::Ingest> ingest;
  EXPECT_TRUE(waits_for([&] { ingest.emplace(&gate); }, [&] { gate.compaction_ends(1); }));
}

TEST(CompactionGate, JobsWaitForAnIngest) {
  CompactionGate gate;
  gate.compaction_begins(1);
  gate.merge_begins(1);
  std::optional<CompactionGate::Ingest> ingest(&gate);
  EXPECT_TRUE(waits_for([&] { gate.merge_ends(1); }, [&] { ingest.reset(); }));
  gate.compaction_ends(1);
  ingest.emplace(&gate);
  EXPECT_TRUE(waits_for([&] { gate.compaction_begins(2); }, [&] { ingest.reset(); }));
  gate.compaction_ends(2);
}

TEST(CompactionGate, AMergeThatDidNotBeginAsACompactionHoldsNothing) {
  CompactionGate gate;
  gate.merge_begins(7);
  gate.merge_ends(7);
  const CompactionGate::Ingest ingest(&gate);
  gate.merge_begins(8);
  gate.merge_ends(8);
}

TEST(CompactionGate, AJobThatEndsWithoutMergingLeavesNothing) {
  CompactionGate gate;
  gate.compaction_begins(1);
  gate.merge_begins(1);
  gate.compaction_ends(1);
  const CompactionGate::Ingest ingest(&gate);
}

}  // namespace
}  // namespace lora::kv
