// What lora-dump does.
#pragma once

#include <string>

#include "graph/dump.h"
#include "kv/status.h"

namespace lora::tools {

enum class DumpFormat { kSnapshot, kJsonLines, kCypher };

struct DumpOptions {
  DumpFormat format = DumpFormat::kSnapshot;
  std::string output = "-";  // a file, or "-" for standard output
  bool force = false;        // replace the file
  bool check = false;        // verify what is dumped first; a damaged database is kCorruption, and there is no file
};

// Dumps the database at `path`, also while another process writes it.
Result<graph::DumpCounts> dump_database(const std::string& path, const DumpOptions& options,
                                        const graph::DumpPoll& poll);

}  // namespace lora::tools
