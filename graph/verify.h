// Verify: walks all that is stored of one version and reports every broken invariant (up to kVerifyErrorsMax).
//
// Checked always: file checksums; catalog and definitions; every record, label block, adjacency block and index entry
// can be decoded and lies within limits; relationships' ends exist; adjacency of both directions says exactly what the
// relationship records say; blocks of a list ascend, do not overlap, and begin with the zero block; label blocks say
// what the node records say; index entries are exactly those of the entities; all counters. Checked by `full` as well:
// checksums of every file block; the in-memory form gives the same answers as the store.
//
// Memory: one bit per node id, one label block per label. Sets are compared by count and by the sum of 64-bit hashes;
// only when these differ are single entries looked for. Runs on a pinned version beside a writer.
#pragma once

#include <functional>

#include "graph/graph.h"

namespace lora::graph {

inline constexpr size_t kVerifyErrorsMax = 100;

}  // namespace lora::graph
