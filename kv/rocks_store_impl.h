// The class behind rocks_store.h; included only by kv/rocks_*.cpp.
//
// Locks: health_mutex_ guards the first failure and is not held across a call into RocksDB; memory_payload_mutex_ is
// held across writes and GetSnapshot() in memory, and nothing else is taken under it; the group sync and the compaction
// gate have their own (sync_queue.h, compaction_gate.h).
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/write_batch.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kv/commit_record.h"
#include "kv/compaction_gate.h"
#include "kv/rocks_files.h"
#include "kv/rocks_options.h"
#include "kv/store.h"
#include "kv/sync_queue.h"

namespace lora::kv {

using FamilyHandles = std::array<rocksdb::ColumnFamilyHandle*, kKeyspaceCount>;

class RocksBatch final : public WriteBatch {
 public:
  explicit RocksBatch(const FamilyHandles* families) : families_(families) {}

  void put(Keyspace space, ByteView key, ByteView value) override;
  void remove(Keyspace space, ByteView key) override;
  void remove_range(Keyspace space, ByteView first, ByteView last) override;
  void clear() override;
  size_t count() const override { return native_.Count(); }
  size_t byte_size() const override { return native_.GetDataSize(); }

  rocksdb::WriteBatch& native() { return native_; }
  // What a put or remove did wrong (a reserved key, a failed append); found out at write().
  const Status& fault() const { return fault_; }

 private:
  rocksdb::ColumnFamilyHandle* family(Keyspace space) const { return (*families_)[static_cast<size_t>(space)]; }
  void note(const rocksdb::Status& status);

  const FamilyHandles* families_;
  rocksdb::WriteBatch native_{1024};
  Status fault_;
};

// What a Snapshot of a store in memory is; on disk it is RocksDB's own.
struct MemorySnapshot {
  const rocksdb::Snapshot* native = nullptr;
  std::string payload;  // of the newest commit then
};

class RocksStore final : public Store {
 public:
  RocksStore(StoreOptions options, RocksEnvironment environment);
  ~RocksStore() override;

  // Opens or creates; the store is of no use when this fails.
  Status open();

  Result<bool> get(Keyspace space, ByteView key, const Snapshot* snapshot, std::string* value) const override;
  Status multi_get(Keyspace space, std::span<const ByteView> keys, const Snapshot* snapshot,
                   std::vector<std::optional<std::string>>* values) const override;
  std::unique_ptr<Cursor> cursor(Keyspace space, const CursorOptions& options) const override;
  const Snapshot* snapshot() const override;
  void release_snapshot(const Snapshot* snapshot) const override;
  std::unique_ptr<WriteBatch> batch() const override;
  Result<uint64_t> write(WriteBatch& batch, ByteView payload) override;
  Status wait_durable(uint64_t number) override;
  Status sync() override;
  Result<std::unique_ptr<SortedRun>> sorted_run(Keyspace space) override;
  Result<uint64_t> ingest(std::vector<std::unique_ptr<SortedRun>> runs, WriteBatch& batch, ByteView payload) override;
  Result<std::string> last_payload(const Snapshot* snapshot) const override;
  uint64_t last_commit() const override { return last_commit_.load(std::memory_order_acquire); }
  const RecoveryReport& recovery() const override { return recovery_; }
  Status flush(bool compact) override;
  Result<uint64_t> clear(ByteView payload) override;
  Status verify_checksums(bool full) const override;
  Status catch_up() override;
  StoreStats stats() const override;
  bool in_memory() const override { return in_memory_; }
  Status health() const override;
  Status close() override;

 private:
  class Listener;

  // rocks_open.cpp
  void prepare();
  Status open_memory();
  Status open_disk();
  Status open_writer();
  Status open_reader();
  Status open_secondary();
  Status open_probe(const DatabaseId& id, uint64_t promised);
  Status create_database();
  Status read_format();
  // *promised: the highest commit that ACKED or the log say was acknowledged; kCorruption when recovery would lose it.
  Status collect_promises(uint64_t* promised);
  // What was promised against what is there; fills recovery_.
  Status check_promises(uint64_t promised);
  Status open_existing();
  Status open_native(bool create);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors() const;
  void fit_block_cache(rocksdb::DB& db);  // to the tables there are; any thread
  Result<CommitRecord> read_commit_record(const rocksdb::ReadOptions& options, std::string* buffer) const;
  Status load_commit_state();

  rocksdb::ReadOptions read_options(const Snapshot* snapshot) const;
  const rocksdb::Snapshot* to_native(const Snapshot* snapshot) const;
  rocksdb::ColumnFamilyHandle* family(Keyspace space) const { return families_[static_cast<size_t>(space)]; }
  Status check_open() const;
  Status check_writable() const;
  // Remembers the first failure; returns what later writes will return.
  Status latch(Status failure) const;
  rocksdb::Status write_contained(rocksdb::WriteBatch& batch);
  Status sync_upto(uint64_t number);
  // After something other than SyncWAL made all commits up to `number` durable.
  void note_durable(uint64_t number);
  Status flush_memtables();
  void interval_loop();
  void encode_record(uint64_t number, uint64_t checksum, ByteView payload);
  Status close_native();
  // Files of the directory by name; what cannot be deleted stays.
  void remove_files(const std::function<bool(const std::string& name)>& unwanted) const;
  void remove_stale_runs() const;
  void remove_empty_logs() const;
  void merge_small_tables();
  std::string run_path(uint64_t number) const;

  const StoreOptions options_;
  const bool in_memory_;
  RocksEnvironment environment_;
  std::string path_;  // of the database as RocksDB sees it
  std::shared_ptr<rocksdb::Cache> cache_;
  CompactionGate compaction_gate_;
  std::shared_ptr<Listener> listener_;
  std::unique_ptr<DirectoryLock> lock_;
  std::unique_ptr<AckedFile> acked_;
  DatabaseId id_;
  std::unique_ptr<rocksdb::DB> db_;
  FamilyHandles families_{};
  RecoveryReport recovery_;

  // The writer's own.
  rocksdb::WriteOptions write_options_;
  std::string record_;
  std::atomic<uint64_t> last_commit_{0};
  std::atomic<uint64_t> commits_{0};
  std::atomic<uint64_t> next_run_{0};
  uint64_t ingests_before_merge_ = 1;  // the first one of each open looks: loads may be an open each
  mutable std::atomic<int64_t> open_snapshots_{0};

  // In memory no commit record is stored, as nothing is ever recovered: a write costs an eighth less.
  mutable std::mutex memory_payload_mutex_;  // held over a write, so that a snapshot takes the payload of its commit
  std::string memory_payload_;

  SyncQueue sync_queue_;
  std::atomic<uint64_t> syncs_{0};

  mutable std::mutex health_mutex_;
  mutable Status health_;
  mutable std::atomic<bool> failed_{false};
  std::atomic<bool> closed_{false};

  std::mutex interval_mutex_;
  std::condition_variable interval_wake_;
  bool interval_stop_ = false;
  std::thread interval_thread_;
};

// Shared by the files of this class.
inline rocksdb::Slice to_slice(ByteView bytes) {
  return {bytes.data(), bytes.size()};
}
inline ByteView to_view(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

}  // namespace lora::kv
