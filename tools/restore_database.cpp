#include "tools/restore_database.h"

#include "cypher/database.h"
#include "tools/make_database.h"
#include "tools/script.h"
#include "tools/stream_files.h"

namespace lora::tools {

namespace {

constexpr size_t kPeekBytes = 64;

Result<graph::DumpCounts> load_snapshot(Database& database, InputFile& input, const graph::SnapshotCrypto& crypto,
                                        const graph::DumpPoll& poll) {
  graph::DumpCounts counts;
  QueryOptions options;
  options.poll = [&] { return poll ? poll(counts) : Status(); };
  const graph::ByteSource file = input.source();
  const graph::ByteSource source = [&](char* buffer, size_t size, size_t* read) {
    LORA_TRY(options.poll());
    LORA_TRY(file(buffer, size, read));
    counts.bytes += *read;
    return Status();
  };
  LORA_TRY(database.load_snapshot(crypto, source, options).status());
  const graph::Snapshot snapshot = database.graph().snapshot();
  const std::unique_ptr<graph::Reader> reader = snapshot.reader();
  counts.nodes = counts.nodes_total = reader->node_count();
  counts.relationships = counts.relationships_total = reader->relationship_count();
  counts.constraints = reader->schema().constraints.size();
  for (const graph::IndexInfo& index : reader->schema().indexes) {
    counts.indexes += index.owning_constraint.empty() ? 1 : 0;
  }
  return counts;
}

// By content: the first bytes of a text dump; anything else must be a snapshot, which says what is wrong with it.
bool looks_like_script(ByteView start) {
  if (start.starts_with(graph::kScriptStart)) {
    return true;
  }
  // Written by hand: text that begins with a comment or a word.
  while (!start.empty() &&
         (start.front() == ' ' || start.front() == '\n' || start.front() == '\r' || start.front() == '\t')) {
    start.remove_prefix(1);
  }
  if (start.starts_with("//") || start.starts_with("/*")) {
    return true;
  }
  for (std::string_view word : {"CREATE ", "MERGE ", "MATCH ", "UNWIND ", "WITH "}) {
    bool same = start.size() >= word.size();
    for (size_t i = 0; same && i < word.size(); ++i) {
      same = (start[i] & ~0x20) == (word[i] & ~0x20);
    }
    if (same) {
      return true;
    }
  }
  return false;
}

Result<graph::DumpCounts> fill(Database& database, InputFile& input, const RestoreOptions& options,
                               const graph::DumpPoll& poll) {
  LORA_ASSIGN(const ByteView start, input.peek(kPeekBytes));
  if (start.empty()) {
    return Status::corruption("the file is empty");
  }
  if (start.front() == '{') {
    return graph::restore_json_lines(database.graph(), input.source(), poll);
  }
  if (looks_like_script(start)) {
    return run_script(database, input.source(), poll);
  }
  return load_snapshot(database, input, options.crypto, poll);
}

}  // namespace

Result<graph::DumpCounts> restore_database(const std::string& input, const std::string& path,
                                           const RestoreOptions& options, const graph::DumpPoll& poll) {
  LORA_ASSIGN(const std::unique_ptr<InputFile> file, InputFile::open(input));
  const FillDatabase from_file = [&](Database& database) { return fill(database, *file, options, poll); };
  return options.check ? try_to_make_database(from_file)
                       : make_database(path, ".lora-restore-", options.force, from_file);
}

}  // namespace lora::tools
