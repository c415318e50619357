// Opening and closing: see "recovery" in kv/README.md.
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "kv/check.h"
#include "kv/fork.h"
#include "kv/rocks_log_scan.h"
#include "kv/rocks_status.h"
#include "kv/rocks_store.h"
#include "kv/rocks_store_impl.h"

namespace lora::kv {
namespace {
constexpr const char* kMemoryPath = "/lora";
}  // namespace

// A background flush or compaction that failed for good stops the store like a failed write; compactions pass the gate.
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
  void OnFlushCompleted(rocksdb::DB* db, const rocksdb::FlushJobInfo&) override { store_->fit_block_cache(*db); }
  void OnExternalFileIngested(rocksdb::DB* db, const rocksdb::ExternalFileIngestionInfo&) override {
    store_->fit_block_cache(*db);
  }
  void OnCompactionBegin(rocksdb::DB*, const rocksdb::CompactionJobInfo& job) override {
    store_->compaction_gate_.compaction_begins(job.job_id);
  }
  void OnSubcompactionBegin(const rocksdb::SubcompactionJobInfo& job) override {
    store_->compaction_gate_.merge_begins(job.job_id);
  }
  void OnSubcompactionCompleted(const rocksdb::SubcompactionJobInfo& job) override {
    store_->compaction_gate_.merge_ends(job.job_id);
  }
  // In memory a compaction frees the tables it replaces: up to half of all that is stored, in small pieces. Given back
  // here, on the background thread, and only then: a trim costs the next large write its page faults.
  void OnCompactionCompleted(rocksdb::DB* db, const rocksdb::CompactionJobInfo& job) override {
    store_->compaction_gate_.compaction_ends(job.job_id);
    store_->fit_block_cache(*db);
#ifdef __GLIBC__
    if (store_->in_memory_) {
      ::malloc_trim(0);
    }
#endif
  }

 private:
  RocksStore* store_;
};

Result<std::unique_ptr<Store>> open_rocks_store(const StoreOptions& options) {
  LORA_TRY(check_fork_before_open());
  auto store = std::make_unique<RocksStore>(options, make_rocks_environment(options, options.directory.empty()));
  const Status opened = store->open();
  guard_exit_of_children();
  LORA_TRY(opened);
  return std::unique_ptr<Store>(std::move(store));
}

Result<std::unique_ptr<Store>> open_store(const StoreOptions& options) {
  return open_rocks_store(options);
}

void RocksStore::prepare() {
  listener_ = std::make_shared<Listener>(this);
  environment_.file_system->set_on_failure(
      [this](const rocksdb::IOStatus& status) { static_cast<void>(latch(from_rocks(status, "compact"))); });
  cache_ = make_block_cache(options_, in_memory_);
  path_ = in_memory_ ? kMemoryPath : options_.directory;
  while (path_.size() > 1 && path_.ends_with('/')) {
    path_.pop_back();
  }
}

Status RocksStore::open() {
  prepare();
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
  fit_block_cache(*db);
  return Status();
}

void RocksStore::fit_block_cache(rocksdb::DB& db) {
  uint64_t table_bytes = 0;
  if (db.GetAggregatedIntProperty(rocksdb::DB::Properties::kLiveSstFilesSize, &table_bytes)) {
    cache_->SetCapacity(block_cache_capacity(options_, table_bytes));
  }
}

Status RocksStore::open_memory() {
  if (options_.read_only || options_.secondary) {
    return Status::config("an in-memory store cannot be opened for reading only");
  }
  return open_native(true);
}

// The order of the checks: what can be refused by looking is refused before anything is locked or created.
Status RocksStore::open_disk() {
  if (options_.secondary && options_.secondary_directory.empty()) {
    return Status::config("a secondary store needs a `secondary_directory`");
  }
  const bool writes = !options_.read_only && !options_.secondary;
  LORA_ASSIGN(DirectoryState state, inspect_directory(*environment_.file_system, path_));
  if (state == DirectoryState::kForeign) {
    return Status::config("directory `" + path_ + "` is not empty and holds no LoraDB database; choose another path");
  }
  if (state != DirectoryState::kDatabase && !(writes && options_.create_if_missing)) {
    return {ErrorCode::kNotFound, "there is no database at `" + path_ + "`"};
  }
  if (state == DirectoryState::kMissing) {
    LORA_TRY(make_directories(*environment_.file_system, path_, options_.file_system == nullptr));
  }
  if (options_.file_system == nullptr && !options_.secondary) {
    LORA_ASSIGN(lock_, DirectoryLock::acquire(path_, !writes));
  }
  if (!writes) {
    LORA_TRY(read_format());
    return options_.secondary ? open_secondary() : open_reader();
  }
  // Again under the lock: another process may have finished creating the database meanwhile.
  LORA_ASSIGN(state, inspect_directory(*environment_.file_system, path_));
  LORA_TRY(state == DirectoryState::kDatabase ? open_writer() : create_database());
  LORA_ASSIGN(acked_, AckedFile::open(*environment_.file_system, path_, id_));
  if (recovery_.lost_commits != 0) {
    LORA_TRY(acked_->reset(last_commit()));
  }
  if (options_.sync == SyncLevel::kInterval) {
    interval_thread_ = std::thread([this] { interval_loop(); });
  }
  return Status();
}

Status RocksStore::read_format() {
  const std::string path = path_ + "/" + kFormatFile;
  LORA_ASSIGN(const std::string bytes, read_small_file(*environment_.file_system, path, 4096));
  return decode_format(bytes, path, &id_);
}

// FORMAT.new marks a database that is being created and FORMAT one that is complete. Nobody was promised anything about
// the former, so whatever a crash left of it is removed.
Status RocksStore::create_database() {
  rocksdb::FileSystem& files = *environment_.file_system;
  LORA_TRY(remove_unfinished(files, path_));
  LORA_ASSIGN(id_, make_database_id());
  const std::string made = path_ + "/" + kFormatFileNew;
  LORA_TRY(write_small_file(files, made, encode_format(id_)));
  LORA_TRY(sync_directory(files, path_));
  LORA_TRY(open_native(true));
  const rocksdb::Status status =
      db_->Put(write_options_, family(Keyspace::kMeta), to_slice(kIdentityKey), rocksdb::Slice(id_.data(), id_.size()));
  LORA_TRY(from_rocks(status, "create `" + path_ + "`"));
  // Into a table file: no damage to a log can then take the database's identity.
  LORA_TRY(flush_memtables());
  LORA_TRY(from_rocks(files.RenameFile(made, path_ + "/" + kFormatFile, rocksdb::IOOptions(), nullptr),
                      "create `" + path_ + "`"));
  return sync_directory(files, path_);
}

Status RocksStore::open_writer() {
  LORA_TRY(read_format());
  uint64_t promised = 0;
  LORA_TRY(collect_promises(&promised));
  remove_stale_runs();
  LORA_TRY(open_existing());
  return check_promises(promised);
}

Status RocksStore::open_reader() {
  const uint64_t acked = AckedFile::read(*environment_.file_system, path_, id_);
  LORA_ASSIGN(const LogScan scan, scan_logs(*environment_.file_system->target(), path_));
  LORA_TRY(open_existing());
  return check_promises(std::max(acked, scan.promised));
}

namespace {

// The list of files that the writer keeps: it grows with each flush, before the flushed log is deleted.
Result<std::string> manifest_state(const std::string& directory) {
  std::string name;
  std::ifstream current(directory + "/CURRENT");
  std::getline(current, name);
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(directory + "/" + name, error);
  if (!current || name.empty() || error) {
    return Status::io("cannot read the list of files in `" + directory + "`");
  }
  return name + ":" + std::to_string(size);
}

}  // namespace

// RocksDB reads the list of table files, then the logs. A log that is flushed and deleted in between would leave a hole
// in the middle of the commits, so an open counts only when nothing was flushed while it lasted. (Catching up
// afterwards is no cure: the rest of an old log stays in memory before newer tables.)
Status RocksStore::open_secondary() {
  constexpr int kAttempts = 5;
  constexpr std::chrono::milliseconds kPause{20};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::this_thread::sleep_for(attempt * kPause);
    LORA_ASSIGN(const std::string before, manifest_state(path_));
    LORA_TRY(open_existing());
    LORA_ASSIGN(const std::string after, manifest_state(path_));
    if (before == after) {
      return Status();
    }
    LORA_TRY(close_native());
  }
  return Status::io("the writer of `" + path_ + "` changed its files in the meantime; try again");
}

// RocksDB's recovery rewrites what it has read and deletes the log. Where the log looks damaged, a read-only open finds
// out first what the recovery would keep, so that a refused open leaves every file as it was.
Status RocksStore::collect_promises(uint64_t* promised) {
  const uint64_t acked = AckedFile::read(*environment_.file_system, path_, id_);
  LORA_ASSIGN(const LogScan scan, scan_logs(*environment_.file_system->target(), path_));
  *promised = std::max(acked, scan.promised);
  const bool suspicious = scan.bytes != 0 && (scan.damaged || acked > scan.last_commit);
  if (!suspicious || options_.recover) {
    return Status();
  }
  StoreOptions probe_options = options_;
  probe_options.read_only = true;
  RocksStore probe(probe_options, make_rocks_environment(options_, false));
  return probe.open_probe(id_, *promised);
}

// The caller holds the lock of the directory.
Status RocksStore::open_probe(const DatabaseId& id, uint64_t promised) {
  prepare();
  id_ = id;
  LORA_TRY(open_existing());
  return check_promises(promised);
}

Status RocksStore::open_existing() {
  Status opened = open_native(false);
  if (!opened.ok()) {
    // The format file says that a complete database is here, so whatever RocksDB misses is damage.
    if (opened.code() == ErrorCode::kConfig || opened.code() == ErrorCode::kNotFound) {
      return Status::corruption(opened.message());
    }
    return opened;
  }
  LORA_TRY(load_commit_state());
  std::string id;
  const rocksdb::Status status = db_->Get(read_options(nullptr), family(Keyspace::kMeta), to_slice(kIdentityKey), &id);
  if (!status.ok() && !status.IsNotFound()) {
    return from_rocks(status, "read the database id");
  }
  if (id != ByteView(id_.data(), id_.size())) {
    return Status::corruption("the files of `" + path_ +
                              "` do not belong to its format file; they were mixed with "
                              "those of another database");
  }
  return Status();
}

Status RocksStore::check_promises(uint64_t promised) {
  const uint64_t recovered = last_commit();
  if (promised <= recovered) {
    return Status();
  }
  const uint64_t lost = promised - recovered;
  std::string detail = std::to_string(lost) + (lost == 1 ? " acknowledged commit is" : " acknowledged commits are") +
                       " missing: the log of `" + path_ + "` ends at commit " + std::to_string(recovered) +
                       ", commit " + std::to_string(promised) + " was acknowledged";
  if (!options_.recover) {
    return Status::corruption(detail + "; restore a backup, or open with recovery to go on without them");
  }
  recovery_.lost_commits = lost;
  recovery_.detail = std::move(detail);
  return Status();
}

void RocksStore::remove_files(const std::function<bool(const std::string& name)>& unwanted) const {
  rocksdb::FileSystem& files = *environment_.file_system;
  std::vector<std::string> names;
  if (!files.GetChildren(path_, rocksdb::IOOptions(), &names, nullptr).ok()) {
    return;
  }
  for (const std::string& name : names) {
    if (unwanted(name)) {
      files.DeleteFile(path_ + "/" + name, rocksdb::IOOptions(), nullptr).PermitUncheckedError();
    }
  }
}

void RocksStore::remove_stale_runs() const {
  remove_files(is_run_name);
}

// RocksDB begins a log at every open and deletes old ones at a flush: a store that is opened and closed without a write
// would collect them.
void RocksStore::remove_empty_logs() const {
  remove_files([this](const std::string& name) {
    uint64_t bytes = 0;
    return name.ends_with(".log") &&
           environment_.file_system->GetFileSize(path_ + "/" + name, rocksdb::IOOptions(), &bytes, nullptr).ok() &&
           bytes == 0;
  });
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
  sync_queue_.set_covered(record.number);
  recovery_.last_commit = record.number;
  return Status();
}

Status RocksStore::catch_up() {
  LORA_TRY(check_open());
  if (!options_.secondary) {
    return Status();
  }
  LORA_TRY(from_rocks(db_->TryCatchUpWithPrimary(), "catch up"));
  fit_block_cache(*db_);
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
  if (writer && outcome.ok() && closed.ok()) {
    remove_empty_logs();
  }
  if (acked_ != nullptr) {
    if (outcome.ok() && closed.ok()) {
      closed = acked_->sync();
    }
    const Status acked = acked_->close();
    if (closed.ok()) {
      closed = acked;
    }
    acked_.reset();
  }
  lock_.reset();
  // Memory goes back now, not when the handle does.
  cache_.reset();
  return outcome.ok() ? closed : outcome;
}

}  // namespace lora::kv
