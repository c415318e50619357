// Write-behind of in-memory graphs. Their store is no log, only the place that chunks can be evicted to: commits show
// their version at once and leave names, and as long as the budget has room, and there are not too many names, that is
// all.
//
// From half of the budget on, commits write some of what they have left: each writes several times as many names
// as it adds. What has been left until a certain version is written in parts, each from the newest version there is by
// then: what has changed meanwhile is named again, and not evicted, so that nobody reads the parts that are older. When
// all of it is there, the newest version is renewed: it reads from a new store snapshot, which has everything that was
// made up to that certain version (RootFields::stored_stamp). What was made later is not evicted.
//
// A graph of which the store has nothing (new, or cleared) leaves no names at all: everything is to be written.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>

#include "graph/changes.h"
#include "graph/version_walk.h"

namespace lora::graph {

// What is being written, part by part.
class NamesToWrite {
 public:
  explicit NamesToWrite(Changes names);
  // All that the walk finds, and these counters.
  NamesToWrite(VersionWalk walk, DirtyCounters counters);

  // About `keys_max` names, of the newest version, `root`. They are given again until written() is called.
  Changes& next(const Root& root, uint64_t keys_max);
  void written();
  uint64_t bytes() const;
  // There has been a part, and there is no other.
  bool done() const;

 private:
  std::optional<VersionWalk> walk_;
  Changes left_;
  Changes part_;
  bool in_part_ = false, had_part_ = false;
};

// `mutex` is taken after the writer (if at all: a snapshot can be saved without it) and before Versions::structure().
// While it is held no version is committed.
struct Unwritten {
  std::mutex mutex;
  bool behind = false;  // the newest version is not one that the store holds in full
  // The store has nothing of the newest version: `changes` names only counters.
  bool all = false;
  // The store has entries of before a clear().
  bool outdated = false;
  Changes changes;  // of commits after those that `writing` is about
  std::optional<NamesToWrite> writing;
  uint64_t writing_stamp = 0;  // of the newest version when `writing` began
  uint64_t owed = 0;           // names that commits should have written
  uint64_t chunks = 0;         // that `writing` has written, about
  uint64_t object_bytes = 0;   // after the commit before
  // Of `changes` and `writing`. Any thread.
  std::atomic<uint64_t> name_bytes{0};
  StoredState stored;

  // Before a transaction with these changes is shown; a failure leaves names too many.
  void add_names(Changes& of_transaction);
  // After it. Does not fail.
  void committed(bool cleared) noexcept;
  void note_bytes() noexcept;
  // As for a graph that has been opened as `root`.
  void reset(const Root& root);
};

}  // namespace lora::graph
