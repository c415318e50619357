#include "tools/dump_database.h"

#include "graph/graph.h"
#include "tools/database_path.h"
#include "tools/stream_files.h"

namespace lora::tools {

namespace {

Status verify(graph::Graph& graph, const std::function<Status()>& poll) {
  LORA_ASSIGN(const graph::VerifyReport report, graph.verify(true, poll));
  if (report.errors.empty()) {
    return Status();
  }
  return Status::corruption("the database is damaged: " + report.errors.front() +
                            (report.errors.size() > 1 ? "; lora-verify shows the rest" : ""));
}

Result<graph::DumpCounts> write(graph::Graph& graph, DumpFormat format, const graph::ByteSink& sink,
                                const graph::DumpPoll& poll) {
  const graph::Snapshot snapshot = graph.snapshot();
  const std::unique_ptr<graph::Reader> reader = snapshot.reader();
  switch (format) {
    case DumpFormat::kJsonLines: return graph::dump_json_lines(*reader, sink, poll);
    case DumpFormat::kCypher: return graph::dump_script(*reader, sink, poll);
    case DumpFormat::kSnapshot: break;
  }
  graph::DumpCounts counts;
  counts.constraints = reader->schema().constraints.size();
  for (const graph::IndexInfo& index : reader->schema().indexes) {
    counts.indexes += index.owning_constraint.empty() ? 1 : 0;
  }
  const graph::ByteSink counting = [&](ByteView bytes) {
    counts.bytes += bytes.size();
    return sink(bytes);
  };
  LORA_ASSIGN(const graph::SnapshotFileMeta meta,
              graph.save_snapshot({}, counting, [&] { return poll ? poll(counts) : Status(); }));
  counts.nodes = counts.nodes_total = meta.node_count;
  counts.relationships = counts.relationships_total = meta.relationship_count;
  return counts;
}

}  // namespace

Result<graph::DumpCounts> dump_database(const std::string& path, const DumpOptions& options,
                                        const graph::DumpPoll& poll) {
  LORA_ASSIGN(const std::unique_ptr<OpenedDatabase> database, OpenedDatabase::open(path));
  LORA_ASSIGN(const std::unique_ptr<OutputFile> file, OutputFile::create(options.output, options.force));
  if (options.check) {
    LORA_TRY(verify(database->graph(), [&] { return poll ? poll({}) : Status(); }));
  }
  LORA_ASSIGN(const graph::DumpCounts counts,
              write(
                  database->graph(), options.format, [&](ByteView bytes) { return file->write(bytes); }, poll));
  LORA_TRY(file->finish());
  return counts;
}

}  // namespace lora::tools
