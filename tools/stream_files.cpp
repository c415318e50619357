#include "tools/stream_files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>

#include "tools/progress.h"

namespace lora::tools {

namespace fs = std::filesystem;

namespace {

constexpr size_t kBufferBytes = 1u << 20;
constexpr int kNamesTried = 100;

Status write_all(int fd, ByteView bytes, const std::string& path) {
  while (!bytes.empty()) {
    // Before each piece: a signal that ends a blocked write may show as a short write, not as EINTR.
    LORA_TRY(check_interrupted());
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      return file_error("write", path, errno);
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return Status();
}

std::string parent_of(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

Status exists_error(const std::string& path) {
  return Status::config("`" + path + "` exists; use --force to replace it");
}

}  // namespace

Status file_error(std::string_view what, std::string_view path, int error) {
  const bool full = error == ENOSPC || error == EDQUOT;
  return {full              ? ErrorCode::kDiskFull
          : error == ENOENT ? ErrorCode::kNotFound
                            : ErrorCode::kIo,
          "cannot " + std::string(what) + " `" + std::string(path) + "`: " + std::strerror(error)};
}

Status sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return file_error("open", path, errno);
  }
  const int synced = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  // Some file systems cannot sync a directory.
  return synced == 0 || error == EINVAL || error == ENOTSUP ? Status() : file_error("sync", path, error);
}

Result<std::unique_ptr<OutputFile>> OutputFile::create(const std::string& path, bool force) {
  std::unique_ptr<OutputFile> file(new OutputFile());
  file->force_ = force;
  if (path == "-") {
    file->path_ = "standard output";
    file->fd_ = ::dup(STDOUT_FILENO);
    return file->fd_ < 0 ? Result<std::unique_ptr<OutputFile>>(file_error("write", "standard output", errno))
                         : Result<std::unique_ptr<OutputFile>>(std::move(file));
  }
  file->path_ = path;
  struct stat info;
  std::optional<mode_t> mode;  // of the file that is replaced
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) {
      return file_error("write", path, EISDIR);
    }
    if (!S_ISREG(info.st_mode)) {
      file->fd_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
      if (file->fd_ < 0) {
        return file_error("open", path, errno);
      }
      return file;
    }
    if (!force) {
      return exists_error(path);
    }
    // The file behind a symbolic link is replaced, not the link.
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    if (!error) {
      file->path_ = real.string();
    }
    mode = info.st_mode & 07777;
  }
  for (int attempt = 0; attempt < kNamesTried; ++attempt) {
    std::string name = file->path_ + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(attempt);
    file->fd_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file->fd_ >= 0) {
      file->temporary_ = std::move(name);
      if (mode.has_value() && ::fchmod(file->fd_, *mode) != 0) {
        return file_error("set the mode of", path, errno);
      }
      return file;
    }
    if (errno != EEXIST) {
      return file_error("create", name, errno);
    }
  }
  return file_error("create", file->path_ + ".tmp", EEXIST);
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
  if (!temporary_.empty()) {
    ::unlink(temporary_.c_str());
  }
}

Status OutputFile::write(ByteView bytes) {
  if (buffer_.size() + bytes.size() > kBufferBytes) {
    LORA_TRY(write_all(fd_, buffer_, path_));
    buffer_.clear();
    if (bytes.size() >= kBufferBytes) {
      return write_all(fd_, bytes, path_);
    }
  }
  buffer_.append(bytes);
  return Status();
}

Status OutputFile::finish() {
  LORA_TRY(write_all(fd_, buffer_, path_));
  buffer_.clear();
  if (!temporary_.empty() && ::fsync(fd_) != 0) {
    return file_error("sync", path_, errno);
  }
  const int closed = ::close(fd_);
  fd_ = -1;
  if (closed != 0) {
    return file_error("close", path_, errno);
  }
  if (temporary_.empty()) {
    return Status();
  }
  if (force_) {
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
      return file_error("rename to", path_, errno);
    }
  } else if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) {
      return exists_error(path_);
    }
    // The file system knows no such rename: a link does not replace either.
    if (::link(temporary_.c_str(), path_.c_str()) != 0) {
      return errno == EEXIST ? exists_error(path_) : file_error("rename to", path_, errno);
    }
    ::unlink(temporary_.c_str());
  }
  temporary_.clear();
  return sync_directory(parent_of(path_));
}

Result<std::unique_ptr<InputFile>> InputFile::open(const std::string& path) {
  std::unique_ptr<InputFile> file(new InputFile());
  if (path == "-") {
    file->path_ = "standard input";
    file->fd_ = STDIN_FILENO;
    return file;
  }
  file->path_ = path;
  file->fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file->fd_ < 0) {
    return file_error("open", path, errno);
  }
  file->owned_ = true;
  return file;
}

InputFile::~InputFile() {
  if (owned_) {
    ::close(fd_);
  }
}

Result<size_t> InputFile::read_file(char* buffer, size_t size) {
  for (;;) {
    const ssize_t got = ::read(fd_, buffer, size);
    if (got >= 0) {
      return static_cast<size_t>(got);
    }
    if (errno != EINTR) {
      return file_error("read", path_, errno);
    }
    LORA_TRY(check_interrupted());
  }
}

Result<ByteView> InputFile::peek(size_t size) {
  while (ahead_.size() < size) {
    const size_t before = ahead_.size();
    ahead_.resize(size);
    Result<size_t> got = read_file(ahead_.data() + before, size - before);
    ahead_.resize(before + (got.ok() ? *got : 0));
    LORA_TRY(got.status());
    if (*got == 0) {
      break;
    }
  }
  return ByteView(ahead_).substr(0, size);
}

Status InputFile::read(char* buffer, size_t size, size_t* read) {
  if (!ahead_.empty()) {
    *read = std::min(size, ahead_.size());
    std::memcpy(buffer, ahead_.data(), *read);
    ahead_.erase(0, *read);
    return Status();
  }
  LORA_ASSIGN(*read, read_file(buffer, size));
  return Status();
}

Result<std::unique_ptr<ScratchDirectory>> ScratchDirectory::create(const std::string& parent,
                                                                   const std::string& prefix) {
  std::string name = (fs::path(parent) / (prefix + "XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr) {
    return file_error("create a directory in", parent, errno);
  }
  return std::unique_ptr<ScratchDirectory>(new ScratchDirectory(std::move(name)));
}

ScratchDirectory::~ScratchDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace lora::tools
