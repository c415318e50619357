// How the store sets RocksDB up. Every choice is explained beside it in rocks_options.cpp.
#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/options.h>

#include <memory>

#include "kv/store.h"

namespace lora::kv {

// The file system and environment one store runs on; outlives its database.
struct RocksEnvironment {
  std::shared_ptr<rocksdb::FileSystem> file_system;  // refuses OPTIONS files
  std::unique_ptr<rocksdb::Env> memory;              // in memory only: holds the files
  std::unique_ptr<rocksdb::Env> env;                 // what RocksDB is given
};

// `in_memory`: a new, empty memory environment. Otherwise the default file system or options.file_system.
RocksEnvironment make_rocks_environment(const StoreOptions& options, bool in_memory);

// Name of a keyspace's column family: "default" for kMeta, else its own name.
const char* keyspace_name(Keyspace space);

rocksdb::DBOptions make_db_options(const StoreOptions& options, rocksdb::Env* env, bool in_memory);
rocksdb::ColumnFamilyOptions make_family_options(const StoreOptions& options, Keyspace space,
                                                 const std::shared_ptr<rocksdb::Cache>& cache, bool in_memory);
std::shared_ptr<rocksdb::Cache> make_block_cache(const StoreOptions& options, bool in_memory);

}  // namespace lora::kv
