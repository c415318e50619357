// A database that appears whole or not at all.
#pragma once

#include <functional>
#include <string>

#include "cypher/database.h"
#include "graph/dump.h"
#include "kv/status.h"

namespace lora::tools {

// Puts content into a new, empty database.
using FillDatabase = std::function<Result<graph::DumpCounts>(Database&)>;

// Makes the database at `path`: filled in a directory beside its place, whose name begins with `scratch_prefix`, then
// renamed, or exchanged with the one that was there, whose id counters it keeps above. While it runs nobody can open
// the old one for writing. kConfig for a database that is not empty, unless `force`.
Result<graph::DumpCounts> make_database(const std::string& path, const std::string& scratch_prefix, bool force,
                                        const FillDatabase& fill);

// The same in the temporary directory, and throws the result away.
Result<graph::DumpCounts> try_to_make_database(const FillDatabase& fill);

}  // namespace lora::tools
