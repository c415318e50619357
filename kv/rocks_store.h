// kv::Store over RocksDB: on disk, or on a memory environment when the directory is empty.
//
// StoreOptions::file_system, for tests, points at a std::shared_ptr<rocksdb::FileSystem>: every file of the database
// goes through it (not the flock on LOCK.holder, which is skipped then).
#pragma once

#include <memory>

#include "kv/store.h"

namespace lora::kv {

Result<std::unique_ptr<Store>> open_rocks_store(const StoreOptions& options);

}  // namespace lora::kv
