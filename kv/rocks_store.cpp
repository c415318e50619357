#include "kv/rocks_store.h"

#include <rocksdb/convenience.h>
#include <rocksdb/version.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "kv/check.h"
#include "kv/rocks_status.h"
#include "kv/rocks_store_impl.h"

// Present only in RocksDB libraries built with assertions; a weak reference tells whether it is there.
extern "C" __attribute__((weak)) void* _ZN7rocksdb9SyncPoint11GetInstanceEv();

namespace lora::kv {
namespace {

constexpr size_t kBatchBytesMax = size_t{2} << 30;  // RocksDB's log cannot carry 4 GiB in one record

class RocksCursor final : public Cursor {
 public:
  RocksCursor(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family, rocksdb::ReadOptions read,
              const CursorOptions& options, bool hide_reserved)
      : lower_bytes_(options.lower), upper_bytes_(options.upper) {
    if (hide_reserved && lower_bytes_ < kMetaFirstKey) {
      lower_bytes_ = kMetaFirstKey;
    }
    if (!lower_bytes_.empty()) {
      lower_ = to_slice(lower_bytes_);
      read.iterate_lower_bound = &lower_;
    }
    if (!upper_bytes_.empty()) {
      upper_ = to_slice(upper_bytes_);
      read.iterate_upper_bound = &upper_;
      // RocksDB's iterators assume lower <= upper.
      empty_ = upper_bytes_ <= lower_bytes_;
    }
    read.fill_cache = options.fill_cache;
    read.readahead_size = options.readahead_bytes;
    iterator_.reset(db->NewIterator(read, family));
  }

  void seek_first() override {
    if (!empty_) {
      iterator_->SeekToFirst();
    }
  }
  void seek(ByteView key) override {
    if (!empty_) {
      iterator_->Seek(to_slice(key < ByteView(lower_bytes_) ? ByteView(lower_bytes_) : key));
    }
  }
  void seek_for_prev(ByteView key) override {
    if (empty_) {
      return;
    }
    // At or past the upper bound RocksDB goes to the last key below it.
    iterator_->SeekForPrev(to_slice(key));
  }
  void next() override { iterator_->Next(); }
  void prev() override { iterator_->Prev(); }
  bool valid() const override { return iterator_->Valid(); }
  ByteView key() const override { return to_view(iterator_->key()); }
  ByteView value() const override { return to_view(iterator_->value()); }
  Status status() const override {
    const rocksdb::Status status = iterator_->status();
    return status.ok() ? Status() : from_rocks(status, "read");
  }

 private:
  std::string lower_bytes_;
  std::string upper_bytes_;
  rocksdb::Slice lower_;
  rocksdb::Slice upper_;
  bool empty_ = false;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

// What cursor() gives when there is nothing to walk: the store is closed.
class FailedCursor final : public Cursor {
 public:
  explicit FailedCursor(Status status) : status_(std::move(status)) {}
  void seek_first() override {}
  void seek(ByteView) override {}
  void seek_for_prev(ByteView) override {}
  void next() override {}
  void prev() override {}
  bool valid() const override { return false; }
  ByteView key() const override { return {}; }
  ByteView value() const override { return {}; }
  Status status() const override { return status_; }

 private:
  Status status_;
};

// A secondary store has no snapshots (RocksDB gives none): everybody reads the state of the last catch_up().
const Snapshot* secondary_snapshot() {
  static const char token = 0;
  return reinterpret_cast<const Snapshot*>(&token);
}

}  // namespace

void RocksBatch::note(const rocksdb::Status& status) {
  if (!status.ok() && fault_.ok()) {
    fault_ = from_rocks(status, "add to a batch");
  }
}

void RocksBatch::put(Keyspace space, ByteView key, ByteView value) {
  if (space == Keyspace::kMeta && is_reserved_meta_key(key)) [[unlikely]] {
    fault_ = Status::internal("keys of the meta keyspace that are empty or start with byte 00 belong to the store");
    return;
  }
  note(native_.Put(family(space), to_slice(key), to_slice(value)));
}

void RocksBatch::remove(Keyspace space, ByteView key) {
  if (space == Keyspace::kMeta && is_reserved_meta_key(key)) [[unlikely]] {
    fault_ = Status::internal("keys of the meta keyspace that are empty or start with byte 00 belong to the store");
    return;
  }
  note(native_.Delete(family(space), to_slice(key)));
}

void RocksBatch::remove_range(Keyspace space, ByteView first, ByteView last) {
  if (space == Keyspace::kMeta && first < kMetaFirstKey) {
    first = kMetaFirstKey;
  }
  if (first < last) {
    note(native_.DeleteRange(family(space), to_slice(first), to_slice(last)));
  }
}

void RocksBatch::clear() {
  native_.Clear();
  fault_ = Status();
}

RocksStore::RocksStore(StoreOptions options, RocksEnvironment environment)
    : options_(std::move(options)), in_memory_(options_.directory.empty()), environment_(std::move(environment)) {
  write_options_.sync = false;
  write_options_.disableWAL = in_memory_;
}

RocksStore::~RocksStore() {
  static_cast<void>(close());
}

rocksdb::ReadOptions RocksStore::read_options(const Snapshot* snapshot) const {
  rocksdb::ReadOptions read;
  read.verify_checksums = !in_memory_;
  if (snapshot != nullptr && !options_.secondary) {
    read.snapshot = to_native(snapshot);
  }
  return read;
}

const rocksdb::Snapshot* RocksStore::to_native(const Snapshot* snapshot) const {
  return in_memory_ ? reinterpret_cast<const MemorySnapshot*>(snapshot)->native
                    : reinterpret_cast<const rocksdb::Snapshot*>(snapshot);
}

Status RocksStore::check_open() const {
  return db_ != nullptr ? Status() : Status(ErrorCode::kClosed, "the store is closed");
}

Status RocksStore::check_writable() const {
  LORA_TRY(check_open());
  if (options_.read_only || options_.secondary) {
    return {ErrorCode::kReadOnly, "the store is open for reading only"};
  }
  return failed_.load(std::memory_order_acquire) ? health() : Status();
}

Status RocksStore::health() const {
  if (!failed_.load(std::memory_order_acquire)) return Status();
  const std::lock_guard<std::mutex> lock(health_mutex_);
  return health_;
}

Status RocksStore::latch(Status failure) const {
  const std::lock_guard<std::mutex> lock(health_mutex_);
  if (health_.ok()) {
    environment_.file_system->freeze();
    health_ = std::move(failure);
    failed_.store(true, std::memory_order_release);
  }
  return health_;
}

Result<bool> RocksStore::get(Keyspace space, ByteView key, const Snapshot* snapshot, std::string* value) const {
  LORA_TRY(check_open());
  if (space == Keyspace::kMeta && is_reserved_meta_key(key)) {
    return false;
  }
  rocksdb::PinnableSlice pinned(value);
  const rocksdb::Status status = db_->Get(read_options(snapshot), family(space), to_slice(key), &pinned);
  if (status.ok()) {
    if (pinned.IsPinned()) {
      value->assign(pinned.data(), pinned.size());
    }
    return true;
  }
  if (status.IsNotFound()) {
    return false;
  }
  return from_rocks(status, "read");
}

Status RocksStore::multi_get(Keyspace space, std::span<const ByteView> keys, const Snapshot* snapshot,
                             std::vector<std::optional<std::string>>* values) const {
  LORA_TRY(check_open());
  values->clear();
  values->resize(keys.size());
  std::vector<rocksdb::Slice> slices;
  slices.reserve(keys.size());
  for (const ByteView key : keys) {
    slices.push_back(to_slice(key));
  }
  std::vector<rocksdb::PinnableSlice> found(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  db_->MultiGet(read_options(snapshot), family(space), keys.size(), slices.data(), found.data(), statuses.data());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].ok()) {
      if (space != Keyspace::kMeta || !is_reserved_meta_key(keys[i])) {
        (*values)[i].emplace(found[i].data(), found[i].size());
      }
    } else if (!statuses[i].IsNotFound()) {
      return from_rocks(statuses[i], "read");
    }
  }
  return Status();
}

std::unique_ptr<Cursor> RocksStore::cursor(Keyspace space, const CursorOptions& options) const {
  if (Status open = check_open(); !open.ok()) {
    return std::make_unique<FailedCursor>(std::move(open));
  }
  return std::make_unique<RocksCursor>(db_.get(), family(space), read_options(options.snapshot), options,
                                       space == Keyspace::kMeta);
}

const Snapshot* RocksStore::snapshot() const {
  if (db_ == nullptr) {
    return nullptr;
  }
  if (options_.secondary) {
    return secondary_snapshot();
  }
  if (!in_memory_) {
    const auto* taken = reinterpret_cast<const Snapshot*>(db_->GetSnapshot());
    open_snapshots_.fetch_add(1, std::memory_order_relaxed);
    return taken;
  }
  auto snapshot = std::make_unique<MemorySnapshot>();
  const std::lock_guard<std::mutex> lock(memory_payload_mutex_);
  snapshot->payload = memory_payload_;
  snapshot->native = db_->GetSnapshot();  // last: what fails before it leaves nothing open
  open_snapshots_.fetch_add(1, std::memory_order_relaxed);
  return reinterpret_cast<const Snapshot*>(snapshot.release());
}

void RocksStore::release_snapshot(const Snapshot* snapshot) const {
  if (snapshot == nullptr || options_.secondary) {
    return;
  }
  if (db_ != nullptr) {
    open_snapshots_.fetch_sub(1, std::memory_order_relaxed);
    db_->ReleaseSnapshot(to_native(snapshot));
  }
  if (in_memory_) {
    delete reinterpret_cast<const MemorySnapshot*>(snapshot);
  }
}

std::unique_ptr<WriteBatch> RocksStore::batch() const {
  return std::make_unique<RocksBatch>(&families_);
}

void RocksStore::encode_record(uint64_t number, uint64_t checksum, ByteView payload) {
  CommitRecord record;
  record.number = number;
  record.durable_upto = sync_queue_.covered();
  record.batch_checksum = checksum;
  record.payload = payload;
  encode_commit_record(record, &record_);
}

// RocksDB is not made for memory that runs out: nobody knows what an exception leaves behind, so it counts as a failed
// write, and the store takes no more.
rocksdb::Status RocksStore::write_contained(rocksdb::WriteBatch& batch) {
  try {
    return db_->Write(write_options_, &batch);
  } catch (const std::exception& error) {
    return rocksdb::Status::IOError("out of memory", error.what());
  }
}

Result<uint64_t> RocksStore::write(WriteBatch& batch, ByteView payload) {
  LORA_TRY(check_writable());
  auto& ours = static_cast<RocksBatch&>(batch);
  if (!ours.fault().ok()) {
    return ours.fault();
  }
  rocksdb::WriteBatch& native = ours.native();
  if (native.GetDataSize() + payload.size() > kBatchBytesMax) {
    return Status::limit("transaction size", "a batch of " + std::to_string(native.GetDataSize()) +
                                                 " bytes is over the limit of " + std::to_string(kBatchBytesMax));
  }
  const uint64_t number = last_commit_.load(std::memory_order_relaxed) + 1;
  rocksdb::Status status;
  if (in_memory_) {
    const std::lock_guard<std::mutex> lock(memory_payload_mutex_);
    memory_payload_.reserve(payload.size());
    status = write_contained(native);
    if (status.ok()) {
      memory_payload_.assign(payload);
    }
  } else {
    // The first 12 bytes are the sequence number and the count, which RocksDB changes.
    encode_record(number, checksum64(ByteView(native.Data()).substr(12)), payload);
    native.SetSavePoint();
    status = native.Put(family(Keyspace::kMeta), to_slice(kCommitRecordKey), record_);
    if (status.ok()) {
      status = write_contained(native);
    }
    native.RollbackToSavePoint().PermitUncheckedError();
  }
  if (!status.ok()) {
    return latch(from_rocks(status, "write commit"));
  }
  commits_.fetch_add(1, std::memory_order_relaxed);
  if (in_memory_) {
    sync_queue_.set_covered(number);
  }
  last_commit_.store(number, std::memory_order_release);
  return number;
}

Status RocksStore::wait_durable(uint64_t number) {
  if (in_memory_ || options_.sync != SyncLevel::kCommit) {
    return check_open();
  }
  if (sync_queue_.covered() >= number) {
    return Status();
  }
  LORA_TRY(check_writable());
  return sync_upto(number);
}

Status RocksStore::sync() {
  LORA_TRY(check_writable());
  return in_memory_ ? Status() : sync_upto(last_commit());
}

Status RocksStore::sync_upto(uint64_t number) {
  switch (sync_queue_.wait(number)) {
    case SyncQueue::Turn::kCovered: return Status();
    case SyncQueue::Turn::kStopped: return health();
    case SyncQueue::Turn::kLeads: break;
  }
  // Never sync again after a failure: what the system then reports says nothing about the bytes it dropped.
  if (failed_.load(std::memory_order_acquire)) {
    sync_queue_.finish(0, {}, true);
    return health();
  }
  sync_queue_.gather();
  const uint64_t target = last_commit();
  const auto begin = std::chrono::steady_clock::now();
  Status outcome = from_rocks(db_->SyncWAL(), "sync the log");
  syncs_.fetch_add(1, std::memory_order_relaxed);
  if (outcome.ok() && acked_ != nullptr) {
    outcome = acked_->write(target);
  }
  if (!outcome.ok()) {
    outcome = latch(std::move(outcome));
  }
  sync_queue_.finish(outcome.ok() ? target : 0, std::chrono::steady_clock::now() - begin, !outcome.ok());
  if (outcome.ok() && target < number) {
    return Status::internal("waited for commit " + std::to_string(number) + ", which was never written");
  }
  return outcome;
}

void RocksStore::note_durable(uint64_t number) {
  // The lead, for the ACKED file.
  if (sync_queue_.wait(number) != SyncQueue::Turn::kLeads) {
    return;
  }
  if (acked_ != nullptr) {
    static_cast<void>(acked_->write(number));  // late is safe
  }
  sync_queue_.finish(number, {}, false);
}

void RocksStore::interval_loop() {
  std::unique_lock<std::mutex> lock(interval_mutex_);
  const auto interval = std::chrono::milliseconds(std::max<uint32_t>(options_.sync_interval_ms, 1));
  while (!interval_wake_.wait_for(lock, interval, [this] { return interval_stop_; })) {
    lock.unlock();
    const uint64_t last = last_commit();
    if (last > sync_queue_.covered() && !failed_.load(std::memory_order_acquire)) {
      static_cast<void>(sync_upto(last));  // a failure is latched and shows in health() and in the next write
    }
    lock.lock();
  }
}

Result<std::string> RocksStore::last_payload(const Snapshot* snapshot) const {
  LORA_TRY(check_open());
  if (in_memory_) {
    if (snapshot != nullptr) {
      return reinterpret_cast<const MemorySnapshot*>(snapshot)->payload;
    }
    const std::lock_guard<std::mutex> lock(memory_payload_mutex_);
    return memory_payload_;
  }
  std::string buffer;
  Result<CommitRecord> record = read_commit_record(read_options(snapshot), &buffer);
  if (!record.ok()) {
    return std::move(record).status();
  }
  return std::string(record->payload);
}

Status RocksStore::flush_memtables() {
  rocksdb::FlushOptions options;
  options.wait = true;
  options.allow_write_stall = true;
  const std::vector<rocksdb::ColumnFamilyHandle*> families(families_.begin(), families_.end());
  const uint64_t covered = last_commit();
  const rocksdb::Status status = db_->Flush(options, families);
  if (!status.ok()) {
    return latch(from_rocks(status, "flush"));
  }
  note_durable(covered);
  return Status();
}

Status RocksStore::flush(bool compact) {
  LORA_TRY(check_writable());
  LORA_TRY(flush_memtables());
  if (compact) {
    rocksdb::CompactRangeOptions options;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    for (rocksdb::ColumnFamilyHandle* family : families_) {
      const rocksdb::Status status = db_->CompactRange(options, family, nullptr, nullptr);
      if (!status.ok()) {
        return latch(from_rocks(status, "compact"));
      }
    }
  }
  return Status();
}

Result<uint64_t> RocksStore::clear(ByteView payload) {
  LORA_TRY(check_writable());
  RocksBatch removal(&families_);
  std::array<std::string, kKeyspaceCount> last_keys;
  for (size_t i = 0; i < kKeyspaceCount; ++i) {
    const Keyspace space = static_cast<Keyspace>(i);
    rocksdb::ReadOptions read = read_options(nullptr);
    read.fill_cache = false;
    const std::unique_ptr<rocksdb::Iterator> last(db_->NewIterator(read, family(space)));
    last->SeekToLast();
    if (!last->status().ok()) {
      return from_rocks(last->status(), "clear");
    }
    if (!last->Valid() || (space == Keyspace::kMeta && is_reserved_meta_key(to_view(last->key())))) {
      continue;
    }
    // There is no key above all keys, so the last one goes by itself.
    last_keys[i] = last->key().ToString();
    removal.remove_range(space, {}, last_keys[i]);
    removal.remove(space, last_keys[i]);
  }
  LORA_ASSIGN(const uint64_t number, write(removal, payload));
  // The tombstones reach the files before any file is dropped; then whole files go without being read.
  LORA_TRY(flush_memtables());
  if (open_snapshots_.load(std::memory_order_relaxed) == 0) {
    for (size_t i = 0; i < kKeyspaceCount; ++i) {
      if (last_keys[i].empty()) {
        continue;
      }
      const rocksdb::Slice begin = to_slice(i == 0 ? kMetaFirstKey : ByteView());
      const rocksdb::Slice end(last_keys[i]);
      const rocksdb::Status status = rocksdb::DeleteFilesInRange(db_.get(), families_[i], &begin, &end);
      if (!status.ok()) {
        return latch(from_rocks(status, "clear"));
      }
    }
  }
  return number;
}

Status RocksStore::verify_checksums(bool full) const {
  LORA_TRY(check_open());
  if (!full) {
    // Footer and index blocks of every table: opening one verifies them.
    rocksdb::ReadOptions read = read_options(nullptr);
    for (rocksdb::ColumnFamilyHandle* family : families_) {
      const std::unique_ptr<rocksdb::Iterator> iterator(db_->NewIterator(read, family));
      iterator->SeekToFirst();
      LORA_TRY(from_rocks(iterator->status(), "verify"));
      iterator->SeekToLast();
      LORA_TRY(from_rocks(iterator->status(), "verify"));
    }
    return Status();
  }
  if (options_.secondary) {
    // VerifyChecksum opens each file by its name, and the writer may have removed files that this view still reads.
    rocksdb::ReadOptions read = read_options(nullptr);
    read.fill_cache = false;
    for (rocksdb::ColumnFamilyHandle* family : families_) {
      const std::unique_ptr<rocksdb::Iterator> iterator(db_->NewIterator(read, family));
      for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
      }
      LORA_TRY(from_rocks(iterator->status(), "verify"));
    }
    return Status();
  }
  rocksdb::ReadOptions read;
  read.verify_checksums = true;
  return from_rocks(db_->VerifyChecksum(read), "verify");
}

StoreStats RocksStore::stats() const {
  StoreStats stats;
  stats.assertions = &_ZN7rocksdb9SyncPoint11GetInstanceEv != nullptr;
  stats.engine = "RocksDB " + rocksdb::GetRocksVersionAsString(true);
  stats.commits = commits_.load(std::memory_order_relaxed);
  stats.syncs = syncs_.load(std::memory_order_relaxed);
  if (db_ == nullptr) {
    return stats;
  }
  db_->GetAggregatedIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &stats.memtable_bytes);
  db_->GetAggregatedIntProperty(rocksdb::DB::Properties::kLiveSstFilesSize, &stats.table_bytes);
  stats.block_cache_bytes = cache_->GetUsage();
  rocksdb::VectorLogPtr logs;
  if (!in_memory_ && db_->GetSortedWalFiles(logs).ok()) {
    for (const auto& log : logs) {
      stats.wal_bytes += log->SizeFileBytes();
    }
  }
  return stats;
}

}  // namespace lora::kv
