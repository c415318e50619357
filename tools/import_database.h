// What lora-import does: CSV files into a new database.
#pragma once

#include <string>

#include "cypher/import/import_options.h"
#include "graph/dump.h"
#include "kv/status.h"

namespace lora::tools {

// Makes the database at `path`, whole or not at all (see make_database.h); `force`: also in place of one that holds
// something. Errors: those of import_csv().
Result<ImportCounts> import_database(const std::string& path, const ImportOptions& options, bool force,
                                     const graph::DumpPoll& poll);

}  // namespace lora::tools
