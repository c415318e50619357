#include "tests/support/fault_fs.h"

#include <algorithm>
#include <utility>

namespace lora::tests {
namespace {

const rocksdb::IOOptions kNoOptions;

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string without_trailing_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') {
    path.pop_back();
  }
  return path;
}

}  // namespace

class FaultWritableFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultWritableFile(std::unique_ptr<rocksdb::FSWritableFile>&& target, FaultFs* files, std::string path)
      : rocksdb::FSWritableFileOwnerWrapper(std::move(target)), files_(files), path_(std::move(path)) {}

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* context) override {
    rocksdb::IOStatus status = files_->step(files_->growth(path_, data.size()));
    if (status.ok()) {
      status = write(data, options, context);
    }
    if (status.ok()) {
      files_->on_append(path_, data.size());
    }
    return status;
  }
  rocksdb::IOStatus Truncate(uint64_t size, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* context) override {
    rocksdb::IOStatus status = files_->step();
    if (status.ok()) {
      status = target()->Truncate(size, options, context);
    }
    if (status.ok()) {
      const std::lock_guard<std::mutex> lock(files_->mutex_);
      files_->files_[path_].extended = files_->files_[path_].extended_synced = 0;
    }
    return status;
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext* context) override {
    return Append(data, options, context);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
    return sync([&] { return target()->Sync(options, context); });
  }
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
    return sync([&] { return target()->Fsync(options, context); });
  }
  // Keeps nothing for sure, so the model ignores it.
  rocksdb::IOStatus RangeSync(uint64_t, uint64_t, const rocksdb::IOOptions&, rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::OK();
  }
  // RocksDB asks this before it syncs the log beside a writer.
  bool IsSyncThreadSafe() const override { return true; }

 private:
  template <typename Call>
  rocksdb::IOStatus sync(Call&& call) {
    rocksdb::IOStatus status = files_->step();
    if (status.ok()) {
      status = call();
    }
    if (status.ok()) {
      files_->on_sync(path_);
    }
    return status;
  }
  // Where the last append ended, as POSIX does it: a memory file system appends to the end of the file.
  rocksdb::IOStatus write(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* context) {
    uint64_t at = 0, extended = 0;
    {
      const std::lock_guard<std::mutex> lock(files_->mutex_);
      at = files_->files_[path_].size;
      extended = files_->files_[path_].extended;
    }
    if (extended <= at) {
      return target()->Append(data, options, context);
    }
    if (at_ == nullptr) {
      rocksdb::IOStatus opened = files_->target()->NewRandomRWFile(path_, rocksdb::FileOptions(), &at_, context);
      if (!opened.ok()) {
        return opened;
      }
    }
    return at_->Write(at, data, options, context);
  }
  FaultFs* files_;
  std::string path_;
  std::unique_ptr<rocksdb::FSRandomRWFile> at_;
};

class FaultRandomRwFile final : public rocksdb::FSRandomRWFileOwnerWrapper {
 public:
  FaultRandomRwFile(std::unique_ptr<rocksdb::FSRandomRWFile>&& target, FaultFs* files, std::string path)
      : rocksdb::FSRandomRWFileOwnerWrapper(std::move(target)), files_(files), path_(std::move(path)) {}

  rocksdb::IOStatus Write(uint64_t offset, const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* context) override {
    rocksdb::IOStatus status = files_->step(data.size());
    if (!status.ok()) {
      return status;
    }
    std::string before(data.size(), '\0');
    rocksdb::Slice got;
    if (target()->Read(offset, data.size(), options, &got, before.data(), context).ok()) {
      before.assign(got.data(), got.size());
    }
    status = target()->Write(offset, data, options, context);
    if (status.ok()) {
      const std::lock_guard<std::mutex> lock(files_->mutex_);
      FaultFs::FileState& file = files_->files_[path_];
      if (path_.ends_with(".log") && offset >= file.size) {
        file.extended = std::max(file.extended, offset + data.size());
      } else {
        file.random_writes.push_back({offset, std::move(before)});
      }
    }
    return status;
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
    rocksdb::IOStatus status = files_->step();
    if (status.ok()) {
      status = target()->Sync(options, context);
    }
    if (status.ok()) {
      files_->on_sync(path_);
    }
    return status;
  }
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
    return Sync(options, context);
  }

 private:
  FaultFs* files_;
  std::string path_;
};

class FaultDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  FaultDirectory(std::unique_ptr<rocksdb::FSDirectory>&& target, FaultFs* files, std::string path)
      : rocksdb::FSDirectoryWrapper(std::move(target)), files_(files), path_(std::move(path)) {}

  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override {
    return sync([&] { return rocksdb::FSDirectoryWrapper::Fsync(options, context); });
  }
  rocksdb::IOStatus FsyncWithDirOptions(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context,
                                        const rocksdb::DirFsyncOptions& sync_options) override {
    return sync([&] { return rocksdb::FSDirectoryWrapper::FsyncWithDirOptions(options, context, sync_options); });
  }

 private:
  template <typename Call>
  rocksdb::IOStatus sync(Call&& call) {
    rocksdb::IOStatus status = files_->step();
    if (status.ok()) {
      status = call();
    }
    if (status.ok()) {
      files_->on_directory_sync(path_);
    }
    return status;
  }
  FaultFs* files_;
  std::string path_;
};

FaultFs::FaultFs(const std::shared_ptr<rocksdb::FileSystem>& base, uint64_t seed)
    : rocksdb::FileSystemWrapper(base), random_(seed) {}

void FaultFs::cut_power() {
  cut_ = true;
}

void FaultFs::fail_at(uint64_t k, Fault fault, bool from_then_on) {
  operations_ = 0;
  fault_ = fault;
  from_then_on_ = from_then_on;
  fail_at_ = k;
}

void FaultFs::limit_bytes(uint64_t bytes) {
  bytes_left_ = bytes;
  limited_ = bytes != 0;
}

rocksdb::IOStatus FaultFs::step(uint64_t bytes) {
  if (cut_) {
    return rocksdb::IOStatus::IOError("the power is cut");
  }
  const uint64_t number = ++operations_;
  const uint64_t at = fail_at_;
  if (at != 0 && (number == at || (from_then_on_ && number > at))) {
    ++injected_;
    return fault_ == Fault::kDiskFull ? rocksdb::IOStatus::NoSpace("injected") : rocksdb::IOStatus::IOError("injected");
  }
  if (limited_ && bytes != 0) {
    uint64_t left = bytes_left_;
    do {
      if (left < bytes) {
        ++injected_;
        return rocksdb::IOStatus::NoSpace("the test's disk is full");
      }
    } while (!bytes_left_.compare_exchange_weak(left, left - bytes));
  }
  return rocksdb::IOStatus::OK();
}

void FaultFs::on_append(const std::string& path, uint64_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  files_[path].size += bytes;
}

void FaultFs::on_sync(const std::string& path) {
  ++syncs_;
  if (sync_lies_) {
    return;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  FileState& file = files_[path];
  file.synced = file.size;
  file.extended_synced = file.extended;
  file.random_writes.clear();
}

uint64_t FaultFs::growth(const std::string& path, uint64_t bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const FileState& file = files_[path];
  const uint64_t end = file.size + bytes;
  return end > file.extended ? std::min(bytes, end - file.extended) : 0;
}

// Of a file with zeros ahead.
void FaultFs::lose_pages(const FileState& file, std::string* content) {
  constexpr uint64_t kPage = 4096, kSector = 512;
  for (uint64_t page = file.synced / kPage * kPage; page < file.size; page += kPage) {
    const uint64_t from = std::max(page, file.synced),
                   to = std::min<uint64_t>({page + kPage, file.size, content->size()});
    if (from >= to) {
      break;
    }
    uint64_t kept = to;
    switch (random_() % 4) {
      case 0:
      case 1: kept = from; break;
      case 2: kept = std::min(to, std::max(from, page + random_() % (kPage / kSector + 1) * kSector)); break;
      default: break;
    }
    std::fill(content->begin() + static_cast<ptrdiff_t>(kept), content->begin() + static_cast<ptrdiff_t>(to), '\0');
  }
  // The new length is there or not, if nobody has waited for it.
  if (file.extended > file.extended_synced && random_() % 2 == 0) {
    const uint64_t least = std::max(file.synced, file.extended_synced);
    content->resize(std::min<uint64_t>(content->size(), least + random_() % (file.extended - least + 1)));
  }
}

void FaultFs::on_directory_sync(const std::string& directory) {
  ++syncs_;
  if (sync_lies_) {
    return;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  std::erase_if(changes_, [&](const DirectoryChange& change) { return change.directory == directory; });
}

bool FaultFs::read_all(const std::string& path, std::string* content) {
  uint64_t size = 0;
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  if (!target()->GetFileSize(path, kNoOptions, &size, nullptr).ok() ||
      !target()->NewSequentialFile(path, rocksdb::FileOptions(), &file, nullptr).ok()) {
    return false;
  }
  content->clear();
  std::string scratch(std::max<uint64_t>(size, 1), '\0');
  while (content->size() < size) {
    rocksdb::Slice got;
    if (!file->Read(size - content->size(), kNoOptions, &got, scratch.data(), nullptr).ok() || got.empty()) {
      break;
    }
    content->append(got.data(), got.size());
  }
  return true;
}

void FaultFs::write_all(const std::string& path, const std::string& content) {
  std::unique_ptr<rocksdb::FSWritableFile> file;
  target()->DeleteFile(path, kNoOptions, nullptr).PermitUncheckedError();
  if (target()->NewWritableFile(path, rocksdb::FileOptions(), &file, nullptr).ok()) {
    file->Append(content, kNoOptions, nullptr).PermitUncheckedError();
    file->Close(kNoOptions, nullptr).PermitUncheckedError();
  }
}

// Called before the base file system makes the change, with mutex_ held.
void FaultFs::change_directory(Entry entry, const std::string& path, const std::string& from) {
  DirectoryChange change;
  change.entry = entry;
  change.directory = directory_of(path);
  change.path = path;
  change.from = from;
  change.had_previous = read_all(path, &change.replaced);
  if (const auto known = files_.find(path); known != files_.end()) {
    change.previous = known->second;
  } else {
    change.previous.size = change.previous.synced = change.replaced.size();
  }
  changes_.push_back(std::move(change));
}

rocksdb::IOStatus FaultFs::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                                           rocksdb::IODebugContext* context) {
  rocksdb::IOStatus status = step();
  if (!status.ok()) {
    return status;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  change_directory(Entry::kCreated, path, {});
  std::unique_ptr<rocksdb::FSWritableFile> made;
  status = target()->NewWritableFile(path, options, &made, context);
  if (!status.ok()) {
    changes_.pop_back();
    return status;
  }
  files_[path] = FileState();
  *file = std::make_unique<FaultWritableFile>(std::move(made), this, path);
  return status;
}

rocksdb::IOStatus FaultFs::ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                              std::unique_ptr<rocksdb::FSWritableFile>* file,
                                              rocksdb::IODebugContext* context) {
  rocksdb::IOStatus status = step();
  if (!status.ok()) {
    return status;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  std::unique_ptr<rocksdb::FSWritableFile> made;
  status = target()->ReopenWritableFile(path, options, &made, context);
  if (status.ok()) {
    if (!files_.contains(path)) {
      // Not made through this file system: taken as safe on the disk.
      FileState& known = files_[path];
      if (target()->GetFileSize(path, kNoOptions, &known.size, nullptr).ok()) {
        known.synced = known.size;
      }
    }
    *file = std::make_unique<FaultWritableFile>(std::move(made), this, path);
  }
  return status;
}

rocksdb::IOStatus FaultFs::NewRandomRWFile(const std::string& path, const rocksdb::FileOptions& options,
                                           std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                                           rocksdb::IODebugContext* context) {
  rocksdb::IOStatus status = step();
  if (!status.ok()) {
    return status;
  }
  std::unique_ptr<rocksdb::FSRandomRWFile> made;
  status = target()->NewRandomRWFile(path, options, &made, context);
  if (status.ok()) {
    *file = std::make_unique<FaultRandomRwFile>(std::move(made), this, path);
  }
  return status;
}

rocksdb::IOStatus FaultFs::NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                        std::unique_ptr<rocksdb::FSDirectory>* directory,
                                        rocksdb::IODebugContext* context) {
  std::unique_ptr<rocksdb::FSDirectory> made;
  rocksdb::IOStatus status = target()->NewDirectory(path, options, &made, context);
  if (status.ok()) {
    *directory = std::make_unique<FaultDirectory>(std::move(made), this, without_trailing_slash(path));
  }
  return status;
}

rocksdb::IOStatus FaultFs::DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                                      rocksdb::IODebugContext* context) {
  rocksdb::IOStatus status = step();
  if (!status.ok()) {
    return status;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  change_directory(Entry::kDeleted, path, {});
  status = target()->DeleteFile(path, options, context);
  if (status.ok()) {
    files_.erase(path);
  } else {
    changes_.pop_back();
  }
  return status;
}

rocksdb::IOStatus FaultFs::RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                                      rocksdb::IODebugContext* context) {
  rocksdb::IOStatus status = step();
  if (!status.ok()) {
    return status;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  change_directory(Entry::kRenamed, to, from);
  status = target()->RenameFile(from, to, options, context);
  if (!status.ok()) {
    changes_.pop_back();
    return status;
  }
  if (const auto known = files_.find(from); known != files_.end()) {
    files_[to] = known->second;
    files_.erase(from);
  }
  return status;
}

rocksdb::IOStatus FaultFs::LinkFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                                    rocksdb::IODebugContext* context) {
  rocksdb::IOStatus status = step();
  if (!status.ok()) {
    return status;
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  change_directory(Entry::kLinked, to, from);
  status = target()->LinkFile(from, to, options, context);
  if (!status.ok()) {
    changes_.pop_back();
    return status;
  }
  if (const auto known = files_.find(from); known != files_.end()) {
    files_[to] = known->second;
  }
  return status;
}

void FaultFs::undo(const DirectoryChange& change) {
  if (change.entry == Entry::kRenamed) {
    std::string content;
    if (read_all(change.path, &content)) {
      write_all(change.from, content);
      files_[change.from] = files_[change.path];
    }
  }
  if (change.had_previous) {
    write_all(change.path, change.replaced);
    files_[change.path] = change.previous;
  } else {
    target()->DeleteFile(change.path, kNoOptions, nullptr).PermitUncheckedError();
    files_.erase(change.path);
  }
}

void FaultFs::restore() {
  const std::lock_guard<std::mutex> lock(mutex_);
  const size_t kept = changes_.empty() ? 0 : random_() % (changes_.size() + 1);
  while (changes_.size() > kept) {
    undo(changes_.back());
    changes_.pop_back();
  }
  changes_.clear();
  for (auto& [path, file] : files_) {
    std::string content;
    if (!read_all(path, &content)) {
      continue;
    }
    const std::string before = content;
    for (auto write = file.random_writes.rbegin(); write != file.random_writes.rend(); ++write) {
      if (random_() % 2 == 0 && write->offset + write->before.size() <= content.size()) {
        content.replace(write->offset, write->before.size(), write->before);
      }
    }
    file.random_writes.clear();
    if (file.extended > file.size) {
      lose_pages(file, &content);
    } else if (file.size > file.synced) {
      const uint64_t survives = file.synced + random_() % (file.size - file.synced + 1);
      if (survives < content.size()) {
        content.resize(survives);
      }
    }
    file.size = file.synced = content.size();
    file.extended = file.extended_synced = 0;
    if (content != before) {
      write_all(path, content);
    }
  }
  cut_ = false;
  fail_at_ = 0;
  limited_ = false;
}

}  // namespace lora::tests
