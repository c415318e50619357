// Opening and closing: see "recovery" in kv/README.md.
#include <algorithm>

#include "kv/check.h"
#include "kv/rocks_status.h"
#include "kv/rocks_store.h"
#include "kv/rocks_store_impl.h"

namespace lora::kv {
namespace {
constexpr const char* kMemoryPath = "/lora";
}  // namespace

// A background flush or compaction that failed for good stops the store like a failed write.
class RocksStore::Listener final : public rocksdb::EventListener {
 public:
  explicit Listener(RocksStore* store) : store_(store) {}
  static const char* kClassName() { return "LoraListener"; }
  const char* Name() const override { return kClassName(); }

  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    if (status != nullptr && !status->ok()) {
      static_cast<void>(store_->latch(from_rocks(*status, "background write")));
    }
  }

 private:
  RocksStore* store_;
};

Result<std::unique_ptr<Store>> open_rocks_store(const StoreOptions& options) {
  auto store = std::make_unique<RocksStore>(options, make_rocks_environment(options, options.directory.empty()));
  LORA_TRY(store->open());
  return std::unique_ptr<Store>(std::move(store));
}

Result<std::unique_ptr<Store>> open_store(const StoreOptions& options) { return open_rocks_store(options); }

Status RocksStore::open() {
  listener_ = std::make_shared<Listener>(this);
  cache_ = make_block_cache(options_, in_memory_);
  path_ = in_memory_ ? kMemoryPath : options_.directory;
  return in_memory_ ? open_memory() : open_disk();
}

std::vector<rocksdb::ColumnFamilyDescriptor> RocksStore::descriptors() const {
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.reserve(kKeyspaceCount);
  for (size_t i = 0; i < kKeyspaceCount; ++i) {
    const Keyspace space = static_cast<Keyspace>(i);
    families.emplace_back(keyspace_name(space), make_family_options(options_, space, cache_, in_memory_));
  }
  return families;
}

Status RocksStore::open_native(bool create) {
  rocksdb::DBOptions options = make_db_options(options_, environment_.env.get(), in_memory_);
  options.create_if_missing = create;
  options.create_missing_column_families = create;
  options.listeners.push_back(listener_);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  rocksdb::Status status;
  if (options_.secondary) {
    status = rocksdb::DB::OpenAsSecondary(options, path_, options_.secondary_directory, descriptors(), &handles, &db);
  } else if (options_.read_only) {
    status = rocksdb::DB::OpenForReadOnly(options, path_, descriptors(), &handles, &db);
  } else {
    status = rocksdb::DB::Open(options, path_, descriptors(), &handles, &db);
  }
  if (!status.ok()) {
    return from_rocks(status, "open `" + path_ + "`");
  }
  db_.reset(db);
  LORA_CHECK(handles.size() == families_.size());
  std::copy(handles.begin(), handles.end(), families_.begin());
  return Status();
}

Status RocksStore::open_memory() {
  if (options_.read_only || options_.secondary) {
    return Status::config("an in-memory store cannot be opened for reading only");
  }
  return open_native(true);
}

Status RocksStore::open_disk() {
  LORA_TRY(open_native(!options_.read_only && !options_.secondary && options_.create_if_missing));
  LORA_TRY(load_commit_state());
  if (!options_.read_only && !options_.secondary && options_.sync == SyncLevel::kInterval) {
    interval_thread_ = std::thread([this] { interval_loop(); });
  }
  return Status();
}

Result<CommitRecord> RocksStore::read_commit_record(const rocksdb::ReadOptions& options, std::string* buffer) const {
  const rocksdb::Status status = db_->Get(options, family(Keyspace::kMeta), to_slice(kCommitRecordKey), buffer);
  CommitRecord record;
  if (status.IsNotFound()) {
    return record;
  }
  LORA_TRY(from_rocks(status, "read the commit record"));
  if (!decode_commit_record(*buffer, &record)) {
    return Status::corruption("the commit record of `" + path_ + "` is damaged");
  }
  return record;
}

Status RocksStore::load_commit_state() {
  std::string buffer;
  LORA_ASSIGN(const CommitRecord record, read_commit_record(read_options(nullptr), &buffer));
  last_commit_.store(record.number, std::memory_order_release);
  durable_.store(record.number, std::memory_order_release);
  recovery_.last_commit = record.number;
  return Status();
}

Status RocksStore::catch_up() {
  LORA_TRY(check_open());
  if (!options_.secondary) {
    return Status();
  }
  LORA_TRY(from_rocks(db_->TryCatchUpWithPrimary(), "catch up"));
  return load_commit_state();
}

Status RocksStore::close_native() {
  if (db_ == nullptr) {
    return Status();
  }
  // Before Close(): an assertion in RocksDB wants no reference left to a column family.
  for (rocksdb::ColumnFamilyHandle*& handle : families_) {
    if (handle != nullptr) {
      db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
      handle = nullptr;
    }
  }
  const rocksdb::Status closed = db_->Close();
  db_.reset();
  return from_rocks(closed, "close");
}

Status RocksStore::close() {
  if (closed_.exchange(true)) {
    return Status();
  }
  if (interval_thread_.joinable()) {
    {
      const std::lock_guard<std::mutex> lock(interval_mutex_);
      interval_stop_ = true;
    }
    interval_wake_.notify_all();
    interval_thread_.join();
  }
  Status outcome;
  const bool writer = !in_memory_ && !options_.read_only && !options_.secondary;
  if (db_ != nullptr && writer) {
    // After a clean close everything is in table files: no log is left to be torn.
    outcome = failed_.load(std::memory_order_acquire) ? health() : flush_memtables();
  }
  Status closed = close_native();
  return outcome.ok() ? closed : outcome;
}

}  // namespace lora::kv
