// Sorted runs and their atomic ingest.
#include <rocksdb/sst_file_writer.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <thread>

#include "kv/check.h"
#include "kv/rocks_status.h"
#include "kv/rocks_store_impl.h"

namespace lora::kv {
namespace {

using File = rocksdb::ExternalSstFileInfo;

// Tables up to a quarter of what a compaction makes are small.
constexpr uint64_t kMergedTableBytes = 16 << 20;
constexpr uint64_t kSmallTableBytes = kMergedTableBytes / 4;
constexpr size_t kSmallTablesMin = 16;
constexpr uint64_t kIngestsBetweenMerges = 32;
constexpr std::chrono::microseconds kFlushPollInterval(20);

// One table file being written, and deleted again unless an ingest took it.
class RunFile {
 public:
  RunFile(const rocksdb::Options& options, rocksdb::ColumnFamilyHandle* family, std::string path)
      : writer_(rocksdb::EnvOptions(), options, family), path_(std::move(path)), env_(options.env) {}
  ~RunFile() {
    if (created_) {
      env_->DeleteFile(path_).PermitUncheckedError();  // already moved when the ingest succeeded
    }
  }
  RunFile(const RunFile&) = delete;
  RunFile& operator=(const RunFile&) = delete;

  Status open() {
    created_ = true;
    return from_rocks(writer_.Open(path_), "create a sorted run");
  }
  Status put(ByteView key, ByteView value) {
    return from_rocks(writer_.Put(to_slice(key), to_slice(value)), "write a sorted run");
  }
  Status remove(ByteView key) { return from_rocks(writer_.Delete(to_slice(key)), "write a sorted run"); }
  Status remove_range(ByteView first, ByteView last) {
    return from_rocks(writer_.DeleteRange(to_slice(first), to_slice(last)), "write a sorted run");
  }
  Status finish() {
    if (finished_) {
      return Status();
    }
    finished_ = true;
    return from_rocks(writer_.Finish(), "finish a sorted run");
  }
  const std::string& path() const { return path_; }

 private:
  rocksdb::SstFileWriter writer_;
  std::string path_;
  rocksdb::Env* env_;
  bool created_ = false;
  bool finished_ = false;
};

class RocksRun final : public SortedRun {
 public:
  RocksRun(const RocksStore* store, Keyspace space, std::unique_ptr<RunFile> file)
      : store_(store), space_(space), file_(std::move(file)) {}

  Status add(ByteView key, ByteView value) override {
    if (space_ == Keyspace::kMeta && is_reserved_meta_key(key)) {
      return Status::internal("keys of the meta keyspace that are empty or start with byte 00 belong to the store");
    }
    LORA_TRY(file_->put(key, value));
    ++count_;
    return Status();
  }
  uint64_t count() const override { return count_; }

  const RocksStore* store() const { return store_; }
  Keyspace space() const { return space_; }
  RunFile& file() { return *file_; }

 private:
  const RocksStore* store_;
  Keyspace space_;
  std::unique_ptr<RunFile> file_;
  uint64_t count_ = 0;
};

// What a batch amounts to, per keyspace: range removals first, then points (RocksDB applies a file that way).
class BatchContents final : public rocksdb::WriteBatch::Handler {
 public:
  struct Space {
    std::map<std::string, std::optional<std::string>, std::less<>> points;  // no value: removed
    std::vector<std::pair<std::string, std::string>> ranges;
    bool empty() const { return points.empty() && ranges.empty(); }
  };

  explicit BatchContents(const FamilyHandles& families) {
    for (size_t i = 0; i < kKeyspaceCount; ++i) {
      ids_[i] = families[i]->GetID();
    }
  }

  rocksdb::Status PutCF(uint32_t family, const rocksdb::Slice& key, const rocksdb::Slice& value) override {
    space(family).points.insert_or_assign(key.ToString(), value.ToString());
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteCF(uint32_t family, const rocksdb::Slice& key) override {
    space(family).points.insert_or_assign(key.ToString(), std::nullopt);
    return rocksdb::Status::OK();
  }
  rocksdb::Status DeleteRangeCF(uint32_t family, const rocksdb::Slice& first, const rocksdb::Slice& last) override {
    Space& target = space(family);
    target.points.erase(target.points.lower_bound(to_view(first)), target.points.lower_bound(to_view(last)));
    target.ranges.emplace_back(first.ToString(), last.ToString());
    return rocksdb::Status::OK();
  }

  Space& space(uint32_t family) {
    for (size_t i = 0; i < kKeyspaceCount; ++i) {
      if (ids_[i] == family) {
        return spaces_[i];
      }
    }
    LORA_CHECK(false);
  }
  Space& at(size_t i) { return spaces_[i]; }

 private:
  std::array<uint32_t, kKeyspaceCount> ids_{};
  std::array<Space, kKeyspaceCount> spaces_;
};

Status fill(RunFile& file, const BatchContents::Space& contents) {
  for (const auto& [first, last] : contents.ranges) {
    LORA_TRY(file.remove_range(first, last));
  }
  for (const auto& [key, value] : contents.points) {
    LORA_TRY(value ? file.put(key, *value) : file.remove(key));
  }
  return file.finish();
}

// Runs of neighbouring small tables on a keyspace's lowest level, each worth to be one table.
struct SmallTables {
  int level = 0;
  std::vector<std::vector<std::string>> runs;
};

SmallTables small_tables(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family) {
  SmallTables small;
  rocksdb::ColumnFamilyMetaData meta;
  db.GetColumnFamilyMetaData(family, &meta);
  const auto lowest = std::find_if(meta.levels.rbegin(), meta.levels.rend(),
                                   [](const rocksdb::LevelMetaData& level) { return !level.files.empty(); });
  if (lowest == meta.levels.rend() || lowest->level == 0) {
    return small;
  }
  small.level = lowest->level;
  std::vector<std::string> run;
  uint64_t bytes = 0;
  const auto end_run = [&] {
    if (run.size() >= kSmallTablesMin) {
      small.runs.push_back(std::move(run));
    }
    run.clear();
    bytes = 0;
  };
  for (const rocksdb::SstFileMetaData& file : lowest->files) {
    if (file.being_compacted || file.size > kSmallTableBytes || bytes + file.size > kMergedTableBytes) {
      end_run();
    }
    if (!file.being_compacted && file.size <= kSmallTableBytes) {
      run.push_back(file.name);
      bytes += file.size;
    }
  }
  end_run();
  return small;
}

// A flush of RocksDB 7.8 counts as done once the manifest has it. Where the thread of a compaction wrote the manifest
// for it, a keyspace's published version shows the flushed memtable until the flush's own thread gets the mutex, and an
// ingest that comes first is refused. There are no writes meanwhile, so no other flush begins.
void wait_for_flush_threads(rocksdb::DB& db) {
  uint64_t running = 0;
  while (db.GetIntProperty(rocksdb::DB::Properties::kNumRunningFlushes, &running) && running > 0) {
    std::this_thread::sleep_for(kFlushPollInterval);
  }
}

}  // namespace

std::string RocksStore::run_path(uint64_t number) const {
  return path_ + "/" + run_name(number);
}

Result<std::unique_ptr<SortedRun>> RocksStore::sorted_run(Keyspace space) {
  LORA_TRY(check_writable());
  const rocksdb::Options options(make_db_options(options_, environment_.env.get(), in_memory_),
                                 make_family_options(options_, space, cache_, in_memory_));
  auto file = std::make_unique<RunFile>(options, family(space), run_path(next_run_.fetch_add(1)));
  LORA_TRY(file->open());
  return std::unique_ptr<SortedRun>(std::make_unique<RocksRun>(this, space, std::move(file)));
}

// Everything, also the batch and the commit record, goes into table files that one IngestExternalFiles call adds with
// one atomic group of manifest edits: a crash shows all of it or none. Files of one keyspace are listed in the order
// they shall win, the batch's file last.
Result<uint64_t> RocksStore::ingest(std::vector<std::unique_ptr<SortedRun>> runs, WriteBatch& batch, ByteView payload) {
  LORA_TRY(check_writable());
  auto& ours = static_cast<RocksBatch&>(batch);
  if (!ours.fault().ok()) {
    return ours.fault();
  }
  BatchContents contents(families_);
  LORA_TRY(from_rocks(ours.native().Iterate(&contents), "read a batch"));
  const uint64_t number = last_commit() + 1;
  if (!in_memory_) {
    encode_record(number, 0, payload);
    contents.at(0).points.insert_or_assign(std::string(kCommitRecordKey), record_);
  }

  std::array<std::vector<std::string>, kKeyspaceCount> paths;
  for (const std::unique_ptr<SortedRun>& run : runs) {
    auto& ours_run = static_cast<RocksRun&>(*run);
    if (ours_run.store() != this) {
      return Status::internal("a sorted run of another store");
    }
    if (ours_run.count() == 0) {
      continue;
    }
    LORA_TRY(ours_run.file().finish());
    paths[static_cast<size_t>(ours_run.space())].push_back(ours_run.file().path());
  }
  std::vector<std::unique_ptr<RunFile>> batch_files;
  for (size_t i = 0; i < kKeyspaceCount; ++i) {
    if (contents.at(i).empty()) {
      continue;
    }
    const Keyspace space = static_cast<Keyspace>(i);
    const rocksdb::Options options(make_db_options(options_, environment_.env.get(), in_memory_),
                                   make_family_options(options_, space, cache_, in_memory_));
    auto& file =
        batch_files.emplace_back(std::make_unique<RunFile>(options, families_[i], run_path(next_run_.fetch_add(1))));
    LORA_TRY(file->open());
    LORA_TRY(fill(*file, contents.at(i)));
    paths[i].push_back(file->path());
  }

  // Commits that are only in the log must not be younger than what the manifest says.
  LORA_TRY(flush_memtables());
  wait_for_flush_threads(*db_);
  std::vector<rocksdb::IngestExternalFileArg> arguments;
  for (size_t i = 0; i < kKeyspaceCount; ++i) {
    if (paths[i].empty()) {
      continue;
    }
    rocksdb::IngestExternalFileArg& argument = arguments.emplace_back();
    argument.column_family = families_[i];
    argument.external_files = std::move(paths[i]);
    argument.options.move_files = true;
    argument.options.failed_move_fall_back_to_copy = true;
    argument.options.allow_blocking_flush = false;  // there is nothing to flush
    argument.options.snapshot_consistency = true;   // older snapshots do not see it
    argument.options.allow_global_seqno = true;
    argument.options.write_global_seqno = false;  // the manifest has it; the file stays as its checksum says
    argument.options.verify_file_checksum = false;
  }
  rocksdb::Status status;
  {
    const CompactionGate::Ingest gate(&compaction_gate_);
    const std::lock_guard<std::mutex> lock(memory_payload_mutex_);
    memory_payload_.reserve(payload.size());
    try {
      status = arguments.empty() ? rocksdb::Status() : db_->IngestExternalFiles(arguments);
    } catch (const std::exception& error) {
      status = rocksdb::Status::IOError("out of memory", error.what());  // as write_contained()
    }
    if (in_memory_ && status.ok()) {
      memory_payload_.assign(payload);
    }
  }
  if (!status.ok()) {
    return latch(from_rocks(status, "ingest"));
  }
  commits_.fetch_add(1, std::memory_order_relaxed);
  last_commit_.store(number, std::memory_order_release);
  note_durable(number);
  if (--ingests_before_merge_ == 0) {
    ingests_before_merge_ = kIngestsBetweenMerges;
    merge_small_tables();
  }
  return number;
}

// A load by many statements of growing ids leaves a small table for each of them: they overlap nothing, so no
// compaction ever takes them, and thousands of files make opening slow. Neighbours on the lowest level are rewritten as
// one. Not done where that fails: a later call tries again.
void RocksStore::merge_small_tables() {
  if (in_memory_) {
    return;
  }
  const auto something_to_do = [this](rocksdb::ColumnFamilyHandle* family) {
    return !small_tables(*db_, family).runs.empty();
  };
  if (std::none_of(families_.begin(), families_.end(), something_to_do)) {
    return;
  }
  // CompactFiles of RocksDB 7.8 does not look whether a compaction that runs puts its files between those it is given:
  // it aborts on an assertion, or makes tables that overlap. So none may run, from the choice of the files on.
  if (!db_->PauseBackgroundWork().ok()) {
    return;
  }
  for (rocksdb::ColumnFamilyHandle* family : families_) {
    const SmallTables small = small_tables(*db_, family);
    rocksdb::CompactionOptions options;
    options.compression = rocksdb::kDisableCompressionOption;  // as the keyspace says
    options.output_file_size_limit = kMergedTableBytes;
    for (const std::vector<std::string>& run : small.runs) {
      db_->CompactFiles(options, family, run, small.level).PermitUncheckedError();
    }
  }
  db_->ContinueBackgroundWork().PermitUncheckedError();
}

}  // namespace lora::kv
