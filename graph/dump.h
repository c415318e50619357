// Dumps as text: a graph as JSON lines (ids and counters kept, no loss), or as a script of Cypher statements (equal up
// to ids). tools/README.md describes both formats for readers of such files. The binary form is Graph::save_snapshot.
//
// Order: ascending ids; labels, properties, indexes and constraints by name. Equal graphs with equal ids give equal
// bytes, also when their catalogs were filled in different orders (but for maps, whose keys keep their order). Memory:
// one batch of entities, whatever the size of the graph. Nothing of the graph is locked. Damage: entities that the
// counters know of and nobody finds are kCorruption, not a smaller dump. Threads: a call uses its Reader or Graph from
// the calling thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "graph/graph.h"

namespace lora::graph {

// The first bytes of each format, to tell one from another.
inline constexpr std::string_view kJsonLinesStart = "{\"format\":\"lora-jsonl\"";
inline constexpr std::string_view kScriptStart = "// LoraDB Cypher dump, version ";
inline constexpr uint32_t kJsonLinesVersion = 1;
inline constexpr uint32_t kScriptVersion = 1;

// How far a dump or restore has come, or what it did.
struct DumpCounts {
  uint64_t nodes = 0, relationships = 0;              // done
  uint64_t nodes_total = 0, relationships_total = 0;  // as the counters or the file's first line say
  uint64_t indexes = 0, constraints = 0;
  uint64_t bytes = 0;  // of a snapshot, which is not counted by entities while it is written or read
};

// Called every few thousand entities; not OK ends the work with that status. May be empty.
using DumpPoll = std::function<Status(const DumpCounts&)>;

// Writes all that `reader` sees. kLimit from dump_script for an entity whose statement would be longer than the parser
// takes (see kStatementBytesMax).
Result<DumpCounts> dump_json_lines(Reader& reader, const ByteSink& sink, const DumpPoll& poll);
Result<DumpCounts> dump_script(Reader& reader, const ByteSink& sink, const DumpPoll& poll);

// Longest statement of a script.
inline constexpr size_t kStatementBytesMax = 15u << 20;

// Reads JSON lines into a graph without nodes, relationships, indexes and constraints (kConfig otherwise), in
// transactions of bounded size: after an error the graph holds a part, and whoever called throws it away.
// kCorruption for a file that is cut off or whose checksum differs, kParse with the line for one that is not in the
// format, kFormatVersion for a newer one, and the errors of creating what the lines say.
Result<DumpCounts> restore_json_lines(Graph& graph, const ByteSource& source, const DumpPoll& poll);

}  // namespace lora::graph
