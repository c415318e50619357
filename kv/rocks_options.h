// How the store sets RocksDB up. Every choice is explained beside it in rocks_options.cpp.
#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/options.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "kv/rocks_log_files.h"
#include "kv/store.h"

namespace lora::kv {

// What stands between RocksDB and the file system.
//
// OPTIONS files are refused: RocksDB writes one after every column family it creates, 95 % of the cost of a first open;
// it accepts that the file cannot be written (fail_if_options_file_error is off), and nothing here reads it back.
//
// After freeze() no table, log or manifest is deleted any more. When RocksDB fails to sync its manifest it deletes the
// files the last record names, although that record may be on the disk: the next open would miss them. Files kept for
// nothing are removed by the next open.
//
// A compaction whose output turns out empty (only range removals went in) ends the process in a build with assertions
// when writing that output fails. So failures of compaction outputs are not shown to the compaction: they go to
// `on_failure`, and from then on every write of a manifest fails, so that nothing of the compaction comes to count.
//
// Logs of stores whose commits are synced are written ahead with zeros (WrittenLog); all are read up to such zeros, and
// synced before the next one is made.
//
// Files on the system's disk are their owner's alone (mode 0600), whatever the umask; where the file system has no
// modes they are what it makes of them.
class GuardedFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  enum class Target : uint8_t { kMemory, kGiven, kSystem };  // given: by StoreOptions::file_system

  enum class Logs : uint8_t { kPlain, kPrepared, kFollowed };  // rocks_log_files.h; followed: another process writes

  GuardedFileSystem(const std::shared_ptr<rocksdb::FileSystem>& target, Target kind, Logs logs);
  static const char* kClassName() { return "LoraGuardedFileSystem"; }
  const char* Name() const override { return kClassName(); }

  void freeze() { frozen_.store(true, std::memory_order_release); }
  // Set before the database is opened; called from background threads.
  void set_on_failure(std::function<void(const rocksdb::IOStatus&)> on_failure) { on_failure_ = std::move(on_failure); }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                      rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus GetFileSize(const std::string& path, const rocksdb::IOOptions& options, uint64_t* bytes,
                                rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus LockFile(const std::string& path, const rocksdb::IOOptions& options, rocksdb::FileLock** lock,
                             rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override;

 private:
  friend class CompactionOutput;
  friend class GuardedManifest;
  void absorb(const rocksdb::IOStatus& status);
  void keep_private(const std::string& path) const;
  rocksdb::IOStatus check_manifest() const;

  const Target kind_;
  const Logs logs_;
  OpenLogs open_logs_;
  std::function<void(const rocksdb::IOStatus&)> on_failure_;
  std::atomic<bool> frozen_{false};
  std::atomic<bool> absorbed_{false};
};

// The file system and environment one store runs on; outlives its database.
struct RocksEnvironment {
  std::shared_ptr<GuardedFileSystem> file_system;
  std::unique_ptr<rocksdb::Env> memory;  // in memory only: holds the files
  std::unique_ptr<rocksdb::Env> env;     // what RocksDB is given
};

// `in_memory`: a new, empty memory environment. Otherwise the default file system or options.file_system.
RocksEnvironment make_rocks_environment(const StoreOptions& options, bool in_memory);

// Name of a keyspace's column family: "default" for kMeta, else its own name.
const char* keyspace_name(Keyspace space);

rocksdb::DBOptions make_db_options(const StoreOptions& options, rocksdb::Env* env, bool in_memory);
rocksdb::ColumnFamilyOptions make_family_options(const StoreOptions& options, Keyspace space,
                                                 const std::shared_ptr<rocksdb::Cache>& cache, bool in_memory);
std::shared_ptr<rocksdb::Cache> make_block_cache(const StoreOptions& options, bool in_memory);
// How much of StoreOptions::block_cache_bytes is used while the tables are `table_bytes` long.
uint64_t block_cache_capacity(const StoreOptions& options, uint64_t table_bytes);

}  // namespace lora::kv
