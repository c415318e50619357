// Fork: RocksDB's threads do not survive it, and its locks may be held by threads that a child does not have. A process
// whose parent had opened a store therefore opens none, and uses none that it has inherited: both are kForked at once,
// where they would wait for ever. A child of a process that never opened one is free to.
//
// A forked child that leaves by exit() ends before RocksDB's static objects wait for their threads: what was to run at
// exit since the first opening runs, what was registered before does not (with the GNU C library; elsewhere such a
// child must leave by _exit()). A child that calls exec is not concerned.
// Threads: any.
#pragma once

#include <cstdint>

#include "kv/status.h"

namespace lora::kv {

// How often this process and those it comes from have forked; changes in a child only.
uint64_t fork_generation();

// kForked: what a child is told.
Status forked_status();

// At the begin of each opening: kForked in a child of a process that had opened a store.
Status check_fork_before_open();
// After the first opening, successful or not: from then on exit() in a child is short.
void guard_exit_of_children();

}  // namespace lora::kv
