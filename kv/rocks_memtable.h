// Memtables whose entries lie in an EntryTree instead of a skip list: for stores with one writer at a time.
//
// Needs DBOptions::allow_concurrent_memtable_write = false and the bytewise comparator without timestamps. An iterator
// shows what was there when it was made, and perhaps less of what came later: no tailing iterators. Nor inplace
// updates, mempurge, merge operators that read, or sizes of memtables by key range (GetApproximateSizes takes them for
// empty).
//
// Entries lie in the memtable's arena, nodes (25 to 50 bytes an entry) beside it: RocksDB counts both for a memtable's
// size (write_buffer_size), but only arenas for that of all together (db_write_buffer_size).
#pragma once

#include <rocksdb/memtablerep.h>

namespace lora::kv {

class TreeMemtableFactory final : public rocksdb::MemTableRepFactory {
 public:
  static const char* kClassName() { return "LoraTreeMemtable"; }
  const char* Name() const override { return kClassName(); }

  using rocksdb::MemTableRepFactory::CreateMemTableRep;
  rocksdb::MemTableRep* CreateMemTableRep(const rocksdb::MemTableRep::KeyComparator& comparator,
                                          rocksdb::Allocator* allocator, const rocksdb::SliceTransform* transform,
                                          rocksdb::Logger* logger) override;
};

}  // namespace lora::kv
