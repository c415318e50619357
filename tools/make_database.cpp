#include "tools/make_database.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "cypher/database_name.h"
#include "tools/stream_files.h"

namespace lora::tools {

namespace fs = std::filesystem;

namespace {

constexpr const char* kScratchName = "made";

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

Status keep_counters(graph::Graph& graph, const OldDatabase& old) {
  LORA_ASSIGN(const std::unique_ptr<graph::Transaction> transaction,
              graph.begin_write(std::chrono::steady_clock::now() + std::chrono::seconds(5), "restore", 0, {}));
  LORA_TRY(transaction->begin_statement());
  LORA_TRY(transaction->skip_ids(old.next_node, old.next_relationship));
  LORA_TRY(transaction->finish_statement());
  return transaction->commit().status();
}

Result<graph::DumpCounts> make_in(const std::string& directory, const OldDatabase& old, const FillDatabase& fill) {
  DatabaseOptions options;
  options.database_dir = directory;
  options.sync = SyncLevel::kOff;  // close() syncs what is to be renamed
  LORA_ASSIGN(const std::unique_ptr<Database> database, Database::open(kScratchName, options));
  LORA_ASSIGN(const graph::DumpCounts counts, fill(*database));
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

Result<graph::DumpCounts> try_to_make_database(const FillDatabase& fill) {
  std::error_code error;
  const fs::path temporary = fs::temp_directory_path(error);
  if (error) {
    return Status::io("there is no temporary directory: " + error.message());
  }
  LORA_ASSIGN(const std::unique_ptr<ScratchDirectory> scratch,
              ScratchDirectory::create(temporary.string(), "lora-check-"));
  return make_in(scratch->path(), {}, fill);
}

Result<graph::DumpCounts> make_database(const std::string& path, const std::string& scratch_prefix, bool force,
                                        const FillDatabase& fill) {
  const fs::path given(path);
  LORA_TRY(cypher::resolve_database_path(given.filename().string(),
                                         given.has_parent_path() ? given.parent_path().string() : ".")
               .status());
  // The directory behind a symbolic link is replaced. Absolute first: what is not there yet stays as it was given.
  std::error_code error;
  const fs::path real = fs::weakly_canonical(fs::absolute(given), error);
  if (error) {
    return Status::io("cannot look at `" + path + "`: " + error.message());
  }
  LORA_ASSIGN(const OldDatabase old, open_old(real.string(), force));
  const std::string parent = real.parent_path().string();
  LORA_ASSIGN(const std::unique_ptr<ScratchDirectory> scratch, ScratchDirectory::create(parent, scratch_prefix));
  LORA_ASSIGN(const graph::DumpCounts counts, make_in(scratch->path(), old, fill));
  const std::string made = scratch->path() + "/" + kScratchName + ".loradb";
  LORA_TRY(sync_directory(scratch->path()));
  LORA_TRY(put_in_place(made, real.string(), old.graph != nullptr));
  LORA_TRY(sync_directory(parent));
  return counts;
}

}  // namespace lora::tools
