// Snapshots of a database: to and from bytes, and as files that appear whole or not at all.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cypher/database_impl.h"

namespace lora {

namespace {

constexpr size_t kFileBufferBytes = 1 << 20;

Status file_error(const std::string& what, const std::string& path, int error) {
  const bool full = error == ENOSPC || error == EDQUOT;
  return {full ? ErrorCode::kDiskFull : ErrorCode::kIo, "cannot " + what + " `" + path + "`: " + std::strerror(error)};
}

class File {
 public:
  File() = default;
  explicit File(int fd) : fd_(fd) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { (void)close(); }
  int fd() const { return fd_; }
  void reset(int fd) {
    (void)close();
    fd_ = fd;
  }
  int close() {
    const int fd = fd_;
    fd_ = -1;
    return fd >= 0 ? ::close(fd) : 0;
  }

 private:
  int fd_ = -1;
};

Status write_all(int fd, const char* bytes, size_t size, const std::string& path) {
  while (size > 0) {
    const ssize_t n = ::write(fd, bytes, size);
    if (n < 0) {
      if (errno == EINTR) continue;
      return file_error("write", path, errno);
    }
    bytes += n;
    size -= static_cast<size_t>(n);
  }
  return Status();
}

// Removes the temporary file unless it was renamed.
struct Leftover {
  std::string path;
  ~Leftover() {
    if (!path.empty()) ::unlink(path.c_str());
  }
};

}  // namespace

Result<graph::SnapshotFileMeta> Database::save_snapshot(const graph::SnapshotSaveOptions& options,
                                                        const graph::ByteSink& sink) {
  return contain_call([&]() -> Result<graph::SnapshotFileMeta> {
    DatabaseCore& db = *impl_;
    QueryControl control;
    CallScope call(db, &control);
    LORA_TRY(call.status());
    return db.graph->save_snapshot(options, sink, [&control] { return control.check(); });
  });
}

namespace {

Result<graph::SnapshotFileMeta> write_to(Database& database, int fd, const std::string& path,
                                         const graph::SnapshotSaveOptions& options) {
  std::string buffer;
  const graph::ByteSink sink = [&](ByteView bytes) -> Status {
    if (buffer.size() + bytes.size() > kFileBufferBytes) {
      LORA_TRY(write_all(fd, buffer.data(), buffer.size(), path));
      buffer.clear();
      if (bytes.size() >= kFileBufferBytes) return write_all(fd, bytes.data(), bytes.size(), path);
    }
    buffer.append(bytes.data(), bytes.size());
    return Status();
  };
  LORA_ASSIGN(const graph::SnapshotFileMeta meta, database.save_snapshot(options, sink));
  LORA_TRY(write_all(fd, buffer.data(), buffer.size(), path));
  return meta;
}

// A device or a pipe is written to, never replaced by a file.
Result<graph::SnapshotFileMeta> save_to_device(Database& database, const std::string& path,
                                               const graph::SnapshotSaveOptions& options) {
  File file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.fd() < 0) return file_error("open", path, errno);
  LORA_ASSIGN(const graph::SnapshotFileMeta meta, write_to(database, file.fd(), path, options));
  if (file.close() != 0) return file_error("close", path, errno);
  return meta;
}

Result<graph::SnapshotFileMeta> save_to_path(Database& database, const std::string& path,
                                             const graph::SnapshotSaveOptions& options) {
  if (path.empty() || path.find('\0') != std::string::npos) {
    return Status(ErrorCode::kInvalidParams, "the path of a snapshot file must not be empty or hold a null byte");
  }
  struct stat there;
  const bool exists = ::stat(path.c_str(), &there) == 0;
  if (exists && S_ISDIR(there.st_mode)) return file_error("write", path, EISDIR);
  if (exists && !S_ISREG(there.st_mode)) return save_to_device(database, path, options);
  // The file behind a symbolic link is replaced, not the link.
  std::error_code error;
  const std::string target = exists ? std::filesystem::canonical(path, error).string() : path;
  if (error) return file_error("look at", path, error.value());
  std::filesystem::path directory = std::filesystem::path(target).parent_path();
  if (directory.empty()) directory = ".";

  Leftover leftover;
  File file;
  for (uint64_t attempt = 0;; ++attempt) {
    std::string candidate = target + ".tmp-" + std::to_string(::getpid()) + "-" +
                            std::to_string(cypher::now_nanos() + static_cast<int64_t>(attempt));
    const int fd = ::open(candidate.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST && attempt < 100) continue;
    if (fd < 0) return file_error("create", candidate, errno);
    leftover.path = std::move(candidate);
    file.reset(fd);
    break;
  }
  // Who may read the old file may read the new one, and nobody else.
  if (exists && ::fchmod(file.fd(), there.st_mode & 07777) != 0) return file_error("set the mode of", target, errno);
  LORA_ASSIGN(const graph::SnapshotFileMeta meta, write_to(database, file.fd(), leftover.path, options));
  if (::fsync(file.fd()) != 0) return file_error("sync", leftover.path, errno);
  if (file.close() != 0) return file_error("close", leftover.path, errno);
  if (::rename(leftover.path.c_str(), target.c_str()) != 0) return file_error("rename to", target, errno);
  leftover.path.clear();
  const File dir(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (dir.fd() < 0) return file_error("open", directory.string(), errno);
  if (::fsync(dir.fd()) != 0 && errno != EINVAL && errno != ENOTSUP)
    return file_error("sync", directory.string(), errno);
  return meta;
}

}  // namespace

Result<graph::SnapshotFileMeta> Database::save_snapshot_file(const std::string& path,
                                                             const graph::SnapshotSaveOptions& options) {
  return contain_call([&]() -> Result<graph::SnapshotFileMeta> {
    LORA_TRY(impl_->check_open());
    return save_to_path(*this, path, options);
  });
}

Result<graph::SnapshotFileMeta> Database::load_snapshot(const graph::SnapshotCrypto& crypto,
                                                        const graph::ByteSource& source, const QueryOptions& options) {
  return write_call(*impl_, options, [&](QueryControl& control) {
    const uint64_t token = options.owner_token != 0 ? options.owner_token : this_thread_token();
    return impl_->graph->load_snapshot(
        crypto, source, impl_->writer_deadline(options), [&control] { return control.check(); }, token);
  });
}

namespace {

Result<graph::SnapshotFileMeta> load_from_path(Database& database, const std::string& path,
                                               const graph::SnapshotCrypto& crypto, const QueryOptions& options) {
  if (path.empty() || path.find('\0') != std::string::npos) {
    return Status(ErrorCode::kInvalidParams, "the path of a snapshot file must not be empty or hold a null byte");
  }
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() < 0) return file_error("open", path, errno);
  struct stat info;
  if (::fstat(file.fd(), &info) != 0) return file_error("look at", path, errno);
  if (S_ISDIR(info.st_mode)) return file_error("read", path, EISDIR);
  const graph::ByteSource source = [&](char* buffer, size_t size, size_t* read) -> Status {
    for (;;) {
      const ssize_t n = ::read(file.fd(), buffer, size);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return file_error("read", path, errno);
      *read = static_cast<size_t>(n);
      return Status();
    }
  };
  return database.load_snapshot(crypto, source, options);
}

}  // namespace

Result<graph::SnapshotFileMeta> Database::load_snapshot_file(const std::string& path,
                                                             const graph::SnapshotCrypto& crypto,
                                                             const QueryOptions& options) {
  return contain_call([&]() -> Result<graph::SnapshotFileMeta> {
    LORA_TRY(impl_->check_open());
    return load_from_path(*this, path, crypto, options);
  });
}

}  // namespace lora
