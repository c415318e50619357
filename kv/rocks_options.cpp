#include "kv/rocks_options.h"

#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "kv/rocks_memtable.h"

namespace lora::kv {
namespace {

constexpr uint64_t kMiB = 1 << 20;

std::string_view name_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return std::string_view(path).substr(slash == std::string::npos ? 0 : slash + 1);
}

// RocksDB's own log file can end the process: in a build with assertions a full disk trips one in its writer.
class SilentLogger : public rocksdb::Logger {
 public:
  SilentLogger() : rocksdb::Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
  void LogHeader(const char*, va_list) override {}
  size_t GetLogFileSize() const override { return 0; }
};

}  // namespace

// Only compactions ask for these priorities; flushes write with IO_HIGH, logs and sorted runs with none.
class CompactionOutput final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  CompactionOutput(std::unique_ptr<rocksdb::FSWritableFile>&& target, GuardedFileSystem* files)
      : rocksdb::FSWritableFileOwnerWrapper(std::move(target)), files_(files) {}

  void SetIOPriority(rocksdb::Env::IOPriority priority) override {
    compaction_ = priority == rocksdb::Env::IO_LOW || priority == rocksdb::Env::IO_USER;
    target()->SetIOPriority(priority);
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* context) override {
    return shown(target()->Append(data, options, context));
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo& verification,
                           rocksdb::IODebugContext* context) override {
    return shown(target()->Append(data, options, verification, context));
  }
  rocksdb::IOStatus Flush(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
    return shown(target()->Flush(options, context));
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
    return shown(target()->Sync(options, context));
  }
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
    return shown(target()->Fsync(options, context));
  }
  rocksdb::IOStatus RangeSync(uint64_t offset, uint64_t bytes, const rocksdb::IOOptions& options,
                              rocksdb::IODebugContext* context) override {
    return shown(target()->RangeSync(offset, bytes, options, context));
  }
  rocksdb::IOStatus Close(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
    return shown(target()->Close(options, context));
  }

 private:
  rocksdb::IOStatus shown(rocksdb::IOStatus status) {
    if (status.ok() || !compaction_) {
      return status;
    }
    files_->absorb(status);
    return rocksdb::IOStatus::OK();
  }
  GuardedFileSystem* files_;
  bool compaction_ = false;
};

class GuardedManifest final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  GuardedManifest(std::unique_ptr<rocksdb::FSWritableFile>&& target, const GuardedFileSystem* files)
      : rocksdb::FSWritableFileOwnerWrapper(std::move(target)), files_(files) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* context) override {
    rocksdb::IOStatus status = files_->check_manifest();
    return status.ok() ? target()->Append(data, options, context) : status;
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo& verification,
                           rocksdb::IODebugContext* context) override {
    rocksdb::IOStatus status = files_->check_manifest();
    return status.ok() ? target()->Append(data, options, verification, context) : status;
  }

 private:
  const GuardedFileSystem* files_;
};

GuardedFileSystem::GuardedFileSystem(const std::shared_ptr<rocksdb::FileSystem>& target, Target kind, Logs logs)
    : rocksdb::FileSystemWrapper(target), kind_(kind), logs_(logs) {}

void GuardedFileSystem::absorb(const rocksdb::IOStatus& status) {
  absorbed_.store(true, std::memory_order_release);
  if (on_failure_) {
    on_failure_(status);
  }
}

rocksdb::IOStatus GuardedFileSystem::check_manifest() const {
  return absorbed_.load(std::memory_order_acquire) ? rocksdb::IOStatus::IOError("stopped after a failed compaction")
                                                   : rocksdb::IOStatus::OK();
}

void GuardedFileSystem::keep_private(const std::string& path) const {
  if (kind_ == Target::kSystem) static_cast<void>(::chmod(path.c_str(), 0600));
}

rocksdb::IOStatus GuardedFileSystem::GetFileSize(const std::string& path, const rocksdb::IOOptions& options,
                                                 uint64_t* bytes, rocksdb::IODebugContext* context) {
  if (const std::optional<uint64_t> written = open_logs_.size(path)) {
    *bytes = *written;
    return rocksdb::IOStatus::OK();
  }
  return target()->GetFileSize(path, options, bytes, context);
}

rocksdb::IOStatus GuardedFileSystem::LockFile(const std::string& path, const rocksdb::IOOptions& options,
                                              rocksdb::FileLock** lock, rocksdb::IODebugContext* context) {
  rocksdb::IOStatus status = target()->LockFile(path, options, lock, context);
  if (status.ok()) keep_private(path);
  return status;
}

rocksdb::IOStatus GuardedFileSystem::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                                     std::unique_ptr<rocksdb::FSWritableFile>* file,
                                                     rocksdb::IODebugContext* context) {
  const std::string_view name = name_of(path);
  if (name.starts_with("OPTIONS-")) {
    return rocksdb::IOStatus::NotSupported("no OPTIONS files");
  }
  if (name.ends_with(".log") && kind_ != Target::kMemory) {
    if (rocksdb::IOStatus synced = open_logs_.sync(); !synced.ok()) return synced;
  }
  rocksdb::IOStatus status = target()->NewWritableFile(path, options, file, context);
  if (!status.ok()) return status;
  keep_private(path);
  if (kind_ != Target::kMemory) {  // files in memory cannot fail and need no guards
    if (name.ends_with(".sst")) {
      *file = std::make_unique<CompactionOutput>(std::move(*file), this);
    } else if (name.starts_with("MANIFEST-")) {
      *file = std::make_unique<GuardedManifest>(std::move(*file), this);
    } else if (name.ends_with(".log")) {
      *file = std::make_unique<WrittenLog>(std::move(*file), target(), path, logs_ == Logs::kPrepared, &open_logs_);
    }
  }
  return status;
}

rocksdb::IOStatus GuardedFileSystem::NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                                       std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                                       rocksdb::IODebugContext* context) {
  if (!path.ends_with(".log")) return target()->NewSequentialFile(path, options, file, context);
  std::unique_ptr<rocksdb::FSRandomAccessFile> log;
  rocksdb::IOStatus status = target()->NewRandomAccessFile(path, options, &log, context);
  if (status.ok()) *file = std::make_unique<LogReader>(std::move(log), logs_ == Logs::kFollowed);
  return status;
}

rocksdb::IOStatus GuardedFileSystem::DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                                                rocksdb::IODebugContext* context) {
  if (frozen_.load(std::memory_order_acquire)) {
    const std::string_view name = name_of(path);
    if (name.ends_with(".sst") || name.ends_with(".log") || name.starts_with("MANIFEST-")) {
      return rocksdb::IOStatus::OK();
    }
  }
  return target()->DeleteFile(path, options, context);
}

RocksEnvironment make_rocks_environment(const StoreOptions& options, bool in_memory) {
  RocksEnvironment made;
  std::shared_ptr<rocksdb::FileSystem> base;
  GuardedFileSystem::Target kind = GuardedFileSystem::Target::kSystem;
  if (in_memory) {
    kind = GuardedFileSystem::Target::kMemory;
    made.memory.reset(rocksdb::NewMemEnv(rocksdb::Env::Default()));
    base = made.memory->GetFileSystem();
  } else if (options.file_system != nullptr) {
    kind = GuardedFileSystem::Target::kGiven;
    base = *static_cast<std::shared_ptr<rocksdb::FileSystem>*>(options.file_system);
  } else {
    base = rocksdb::FileSystem::Default();
  }
  using Logs = GuardedFileSystem::Logs;
  const Logs logs = options.secondary                    ? Logs::kFollowed
                    : options.sync == SyncLevel::kCommit ? Logs::kPrepared
                                                         : Logs::kPlain;
  made.file_system = std::make_shared<GuardedFileSystem>(base, kind, logs);
  made.env = rocksdb::NewCompositeEnv(made.file_system);
  return made;
}

const char* keyspace_name(Keyspace space) {
  switch (space) {
    case Keyspace::kMeta: return "default";
    case Keyspace::kNodes: return "nodes";
    case Keyspace::kRelationships: return "relationships";
    case Keyspace::kAdjacency: return "adjacency";
    case Keyspace::kLabels: return "labels";
    case Keyspace::kIndexes: return "indexes";
  }
  return "default";
}

std::shared_ptr<rocksdb::Cache> make_block_cache(const StoreOptions& options, bool in_memory) {
  rocksdb::LRUCacheOptions cache;
  cache.capacity = block_cache_capacity(options, 0);
  // Shards cost memory and time at open; the graph's in-memory form takes the hot reads, so contention here is low.
  cache.num_shard_bits = in_memory ? 0 : 3;
  cache.high_pri_pool_ratio = 0.5;  // index and filter blocks stay when a scan passes through
  return rocksdb::NewLRUCache(cache);
}

// Blocks of data are of use only until what lies in them has been loaded into the graph's in-memory form, which is
// smaller: without a bound they were three times the graph. Indexes and filters are up to a tenth of the tables.
uint64_t block_cache_capacity(const StoreOptions& options, uint64_t table_bytes) {
  constexpr uint64_t kLeast = 8 * kMiB;
  return std::min(options.block_cache_bytes, std::max(kLeast, table_bytes / 8));
}

rocksdb::DBOptions make_db_options(const StoreOptions& options, rocksdb::Env* env, bool in_memory) {
  static const std::shared_ptr<rocksdb::Logger> silent = std::make_shared<SilentLogger>();
  rocksdb::DBOptions db;
  db.env = env;
  db.info_log = silent;
  db.info_log_level = rocksdb::InfoLogLevel::FATAL_LEVEL;  // not even formatted
  db.create_if_missing = false;  // the caller decides: an existing database never loses its CURRENT silently
  db.create_missing_column_families = false;

  // Statistics threads and dumps would only cost.
  db.stats_dump_period_sec = 0;
  db.stats_persist_period_sec = 0;
  db.skip_stats_update_on_db_open = true;
  db.max_file_opening_threads = in_memory ? 1 : 2;
  // One writer at a time comes through the graph's lock: the machinery for parallel memtable writes only costs.
  db.allow_concurrent_memtable_write = false;
  db.enable_write_thread_adaptive_yield = false;
  // One flush and one compaction beside the application.
  db.max_background_jobs = 2;
  db.max_subcompactions = 1;  // the compaction gate counts on it
  // All keyspaces together; the largest memtable is flushed when they pass it. The trees' nodes, which take half as
  // much as small entries do, are not counted.
  db.db_write_buffer_size = options.memtable_bytes / 3 * 2;
  // Flushed by close() where a log exists; in memory there is nothing to keep.
  db.avoid_flush_during_shutdown = true;
  // After an error the store is latched: RocksDB must not resume behind its back.
  db.max_bgerror_resume_count = 0;

  if (in_memory) {
    db.paranoid_checks = false;  // no disk under it that could rot
    db.skip_checking_sst_file_sizes_on_db_open = true;
    db.max_open_files = 64;
    db.table_cache_numshardbits = 0;
    db.manifest_preallocation_size = 4096;
    db.write_dbid_to_manifest = false;
    return db;
  }

  // Every flush cuts all keyspaces at one commit. So a damaged log can always be cut back to a prefix: no keyspace is
  // ever ahead of another, and an old log is gone as soon as one flush has passed it.
  db.atomic_flush = true;
  // A torn tail ends the log; what that may cost is judged by the store (commit numbers and the ACKED file).
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  db.paranoid_checks = true;
  // A log file that was synced and is now missing or short is an error, not an empty log. Off when the user has asked
  // to open in spite of losses.
  db.track_and_verify_wals_in_manifest = !options.recover;
  // Bounds the time of the replay at open (about 0.5 us a put).
  db.max_total_wal_size = 64 * kMiB;
  // Table files go to the disk as they are written, so that the fsync at their end is short and commits do not queue
  // behind it.
  db.bytes_per_sync = 1 * kMiB;
  db.manifest_preallocation_size = 64 << 10;  // default 4 MiB a database
  db.keep_log_file_num = 1;
  db.db_host_id = "";  // the name of the machine is nobody's business who gets the files
  // Read-only views must not lose files that the writer deletes later: they hold all of them open.
  db.max_open_files = options.read_only || options.secondary ? -1 : 512;
  db.table_cache_numshardbits = 3;
  return db;
}

rocksdb::ColumnFamilyOptions make_family_options(const StoreOptions& options, Keyspace space,
                                                 const std::shared_ptr<rocksdb::Cache>& cache, bool in_memory) {
  rocksdb::ColumnFamilyOptions family;
  const bool points = space == Keyspace::kMeta || space == Keyspace::kNodes || space == Keyspace::kRelationships;

  family.memtable_factory = std::make_shared<TreeMemtableFactory>();
  // Several small memtables stay in the processor's cache better than one (2 % of a single write). In memory, where
  // they are filled in the background and a flush costs no sync, smaller ones still.
  family.write_buffer_size = std::max<uint64_t>(options.memtable_bytes / (in_memory ? 16 : 4), 64 << 10);
  family.max_write_buffer_number = 4;
  // Memory is taken in these pieces: an empty in-memory database should be small and quick to make.
  family.arena_block_size = in_memory ? 16 << 10 : 64 << 10;
  family.level0_file_num_compaction_trigger = 4;
  family.level0_slowdown_writes_trigger = 24;
  family.level0_stop_writes_trigger = 48;
  family.max_bytes_for_level_base = 64 * kMiB;
  family.target_file_size_base = 16 * kMiB;
  family.level_compaction_dynamic_level_bytes = true;  // keeps space at about 1.1 times the data
  // No clock decides about compactions: an idle database stays idle.
  family.ttl = 0;
  family.periodic_compaction_seconds = 0;
  family.report_bg_io_stats = false;
  family.force_consistency_checks = true;

  rocksdb::BlockBasedTableOptions table;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;  // every flipped bit in a table is found, at a fraction of CRC32C's cost
  table.block_cache = cache;
  // What is read of a graph larger than its memory are single lists and seeks, and most of their time is the unpacking
  // of a block: small ones take a third less, for 2 % more on the disk. In memory large ones save more bytes. Records
  // on disk, which zstd packs, take a tenth less in large ones, and neither scans nor single reads are slower.
  table.block_size = points != in_memory ? 16 << 10 : 4 << 10;
  if (points) {
    // Records are read by exact key: hashed lookup inside a block, and a filter that spares files without the key.
    table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.whole_key_filtering = true;
  }
  if (in_memory) {
    family.compression = rocksdb::kLZ4Compression;
    family.bottommost_compression = rocksdb::kDisableCompressionOption;
    family.paranoid_file_checks = false;
  } else {
    // Lists and index entries are what single reads unpack: LZ4 does that in a third of the time. The rest, most of the
    // data and rarely rewritten, is smaller with zstd.
    const bool lists = space == Keyspace::kAdjacency || space == Keyspace::kIndexes;
    family.compression = rocksdb::kLZ4Compression;
    family.bottommost_compression = lists ? rocksdb::kLZ4Compression : rocksdb::kZSTD;
    family.bottommost_compression_opts.enabled = true;
    // zstd that leaves literals as they are: reading records for the first time takes a tenth less than with level 1,
    // in 18 % more space (LZ4: as much less again, in 40 % more). Columns are as large either way.
    family.bottommost_compression_opts.level = -3;
    // Index and filter blocks count against the cache, so memory stays within block_cache_bytes.
    table.cache_index_and_filter_blocks = true;
    table.pin_l0_filter_and_index_blocks_in_cache = true;
  }
  family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return family;
}

}  // namespace lora::kv
