// What lora-restore does.
#pragma once

#include <string>

#include "graph/dump.h"
#include "graph/graph.h"
#include "kv/status.h"

namespace lora::tools {

struct RestoreOptions {
  bool force = false;            // replace a database that holds something
  bool check = false;            // restore into a scratch directory, throw that away
  graph::SnapshotCrypto crypto;  // of a snapshot
};

// Makes the database at `path` from a dump ("-": standard input) of any format. The database appears whole or not at
// all: it is made in a directory beside its place and then renamed, or exchanged with the one that was there, whose id
// counters it keeps above. While it runs nobody can open the old one for writing. kConfig for a database that is not
// empty.
Result<graph::DumpCounts> restore_database(const std::string& input, const std::string& path,
                                           const RestoreOptions& options, const graph::DumpPoll& poll);

}  // namespace lora::tools
