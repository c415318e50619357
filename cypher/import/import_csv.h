// CSV files into a graph, without a query for each record.
#pragma once

#include <chrono>
#include <functional>

#include "cypher/import/import_options.h"
#include "graph/graph.h"
#include "kv/status.h"

namespace lora::cypher {

// Adds what the files hold, all or nothing. Errors name file and line: kParse for headers and values,
// kUniqueConstraint for an id that is there twice in its group and for what a constraint refuses, kNotFound for a
// dangling relationship, kIo and kLimit of the files. `poll` is called every few thousand records.
//
// A graph on disk that never held anything is filled by BulkLoad; all others in one transaction, for which
// begin_write() says what `deadline` and `owner_token` are.
using ImportPoll = std::function<Status(const ImportCounts& so_far)>;
Result<ImportCounts> import_csv(graph::Graph& graph, const ImportOptions& options, bool in_memory,
                                std::chrono::steady_clock::time_point deadline, uint64_t owner_token,
                                const ImportPoll& poll);

}  // namespace lora::cypher
