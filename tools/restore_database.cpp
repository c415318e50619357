#include "tools/restore_database.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "cypher/database.h"
#include "cypher/database_name.h"
#include "tools/script.h"
#include "tools/stream_files.h"

namespace lora::tools {

namespace fs = std::filesystem;

namespace {

constexpr const char* kScratchPrefix = ".lora-restore-";
constexpr const char* kScratchName = "restored";
constexpr size_t kPeekBytes = 64;

// What stands at the place now: nothing, or a database that stays locked against writers as long as this lives.
struct OldDatabase {
  std::unique_ptr<graph::Graph> graph;
  NodeId next_node{0};
  RelId next_relationship{0};
};

Result<OldDatabase> open_old(const std::string& path, bool force) {
  OldDatabase old;
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error)) || (fs::is_directory(path, error) && fs::is_empty(path, error))) {
    return old;
  }
  graph::GraphOptions options;
  options.store.directory = path;
  options.store.create_if_missing = false;
  options.store.read_only = true;
  options.cache_bytes = 64ull << 20;
  Result<std::unique_ptr<graph::Graph>> opened = graph::Graph::open(options);
  if (!opened.ok() && opened.status().code() == ErrorCode::kNotFound) {
    return Status::config("`" + path + "` holds a database that was never completed; remove it first");
  }
  LORA_ASSIGN(old.graph, std::move(opened));
  const graph::Snapshot snapshot = old.graph->snapshot();
  const std::unique_ptr<graph::Reader> reader = snapshot.reader();
  const bool empty = reader->node_count() == 0 && reader->relationship_count() == 0 &&
                     reader->schema().indexes.empty() && reader->schema().constraints.empty();
  if (!empty && !force) {
    return Status::config("database `" + path + "` is not empty; use --force to replace it");
  }
  old.next_node = reader->node_id_limit();
  old.next_relationship = reader->relationship_id_limit();
  return old;
}

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

Status keep_counters(graph::Graph& graph, const OldDatabase& old) {
  LORA_ASSIGN(const std::unique_ptr<graph::Transaction> transaction,
              graph.begin_write(std::chrono::steady_clock::now() + std::chrono::seconds(5), "restore", 0, {}));
  LORA_TRY(transaction->begin_statement());
  LORA_TRY(transaction->skip_ids(old.next_node, old.next_relationship));
  LORA_TRY(transaction->finish_statement());
  return transaction->commit().status();
}

Result<graph::DumpCounts> restore_into(const std::string& directory, InputFile& input, const OldDatabase& old,
                                       const RestoreOptions& options, const graph::DumpPoll& poll) {
  DatabaseOptions database_options;
  database_options.database_dir = directory;
  database_options.sync = SyncLevel::kOff;  // close() syncs what is to be renamed
  LORA_ASSIGN(const std::unique_ptr<Database> database, Database::open(kScratchName, database_options));
  LORA_ASSIGN(const graph::DumpCounts counts, fill(*database, input, options, poll));
  LORA_TRY(keep_counters(database->graph(), old));
  LORA_TRY(database->checkpoint());
  LORA_TRY(database->close());
  return counts;
}

// Puts the new database in the place of what is there; the old one ends up in the scratch directory.
Status put_in_place(const std::string& made, const std::string& path, bool replaces) {
  if (!replaces) {
    if (::rename(made.c_str(), path.c_str()) != 0) {  // also over an empty directory
      return errno == ENOTEMPTY || errno == EEXIST
                 ? Status::config("`" + path + "` has come into being meanwhile; nothing was changed")
                 : file_error("rename to", path, errno);
    }
    return Status();
  }
  if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) == 0) {
    return Status();
  }
  if (errno != EINVAL && errno != ENOSYS) {
    return file_error("rename to", path, errno);
  }
  // The file system cannot exchange: for a moment there is nothing at the place.
  const std::string aside = made + ".old";
  if (::rename(path.c_str(), aside.c_str()) != 0) {
    return file_error("rename", path, errno);
  }
  if (::rename(made.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::rename(aside.c_str(), path.c_str());
    return file_error("rename to", path, error);
  }
  return Status();
}

}  // namespace

Result<graph::DumpCounts> restore_database(const std::string& input, const std::string& path,
                                           const RestoreOptions& options, const graph::DumpPoll& poll) {
  LORA_ASSIGN(const std::unique_ptr<InputFile> file, InputFile::open(input));
  std::error_code error;
  if (options.check) {
    const fs::path temporary = fs::temp_directory_path(error);
    if (error) {
      return Status::io("there is no temporary directory: " + error.message());
    }
    LORA_ASSIGN(const std::unique_ptr<ScratchDirectory> scratch,
                ScratchDirectory::create(temporary.string(), "lora-check-"));
    return restore_into(scratch->path(), *file, {}, options, poll);
  }
  const fs::path given(path);
  LORA_TRY(cypher::resolve_database_path(given.filename().string(),
                                         given.has_parent_path() ? given.parent_path().string() : ".")
               .status());
  // The directory behind a symbolic link is replaced. Absolute first: what is not there yet stays as it was given.
  const fs::path real = fs::weakly_canonical(fs::absolute(given), error);
  if (error) {
    return Status::io("cannot look at `" + path + "`: " + error.message());
  }
  LORA_ASSIGN(const OldDatabase old, open_old(real.string(), options.force));
  const std::string parent = real.parent_path().string();
  LORA_ASSIGN(const std::unique_ptr<ScratchDirectory> scratch, ScratchDirectory::create(parent, kScratchPrefix));
  LORA_ASSIGN(const graph::DumpCounts counts, restore_into(scratch->path(), *file, old, options, poll));
  const std::string made = scratch->path() + "/" + kScratchName + ".loradb";
  LORA_TRY(sync_directory(scratch->path()));
  LORA_TRY(put_in_place(made, real.string(), old.graph != nullptr));
  LORA_TRY(sync_directory(parent));
  return counts;
}

}  // namespace lora::tools
