#include "kv/rocks_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <utility>
#include <vector>

#include "kv/commit_record.h"
#include "kv/encode.h"
#include "kv/rocks_status.h"

namespace lora::kv {
namespace {

constexpr ByteView kMagic("LORAKV\r\n", 8);
constexpr ByteView kRustDatabaseMagic("LORADB2\0", 8);
constexpr ByteView kRustColumnsMagic("LORACOL1", 8);
constexpr size_t kFormatBytes = 40;
constexpr size_t kAckedSlotBytes = 32;
constexpr uint64_t kAckedSlotOffset[2] = {0, 512};

ByteView id_view(const DatabaseId& id) {
  return {id.data(), id.size()};
}

void seal(std::string* bytes) {
  encode_fixed64(bytes, checksum64(*bytes));
}

bool is_sealed(ByteView bytes) {
  Decoder tail(bytes.substr(bytes.size() - sizeof(uint64_t)));
  uint64_t checksum = 0;
  return tail.fixed64(&checksum) && checksum == checksum64(bytes.substr(0, bytes.size() - sizeof(uint64_t)));
}

std::string holder_text() {
  char host[256] = "unknown";
  if (gethostname(host, sizeof(host)) == 0) {
    host[sizeof(host) - 1] = '\0';
  }
  char since[32] = "";
  const time_t now = std::time(nullptr);
  struct tm utc = {};
  if (gmtime_r(&now, &utc) != nullptr) {
    std::strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", &utc);
  }
  return "pid=" + std::to_string(getpid()) + " host=" + host + " since=" + since + "\n";
}

// One printable line from a file that anybody may have written.
std::string read_holder(int fd) {
  char buffer[400];
  const ssize_t size = pread(fd, buffer, sizeof(buffer), 0);
  std::string text;
  for (ssize_t i = 0; i < size && buffer[i] != '\n'; ++i) {
    text.push_back(buffer[i] >= ' ' && buffer[i] <= '~' ? buffer[i] : '?');
  }
  return text.empty() ? "a read-only store" : text;
}

}  // namespace

Result<DatabaseId> make_database_id() {
  DatabaseId id;
  if (getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) {
    return from_errno(errno, "make a database id");
  }
  return id;
}

std::string encode_format(const DatabaseId& id) {
  std::string bytes(kMagic);
  encode_fixed32(&bytes, kStoreFormatVersion);
  encode_fixed32(&bytes, 0);
  bytes.append(id_view(id));
  seal(&bytes);
  return bytes;
}

Status decode_format(ByteView bytes, const std::string& path, DatabaseId* id) {
  Decoder in(bytes);
  ByteView magic;
  uint32_t version = 0;
  uint32_t flags = 0;
  if (!in.raw(kMagic.size(), &magic) || magic != kMagic || !in.fixed32(&version)) {
    return Status::corruption("`" + path + "` is not the format file of a LoraDB database");
  }
  if (version > kStoreFormatVersion) {
    return {ErrorCode::kFormatVersion, "`" + path + "` has storage format " + std::to_string(version) +
                                           ", this library reads up to " + std::to_string(kStoreFormatVersion) +
                                           "; open it with a newer version of LoraDB"};
  }
  ByteView id_bytes;
  if (version == 0 || bytes.size() != kFormatBytes || !is_sealed(bytes) || !in.fixed32(&flags) ||
      !in.raw(id->size(), &id_bytes)) {
    return Status::corruption("the format file `" + path + "` is damaged");
  }
  id_bytes.copy(id->data(), id->size());
  return Status();
}

Result<std::string> read_small_file(rocksdb::FileSystem& files, const std::string& path, size_t limit) {
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  const std::string doing = "read `" + path + "`";
  rocksdb::IOStatus status = files.NewSequentialFile(path, rocksdb::FileOptions(), &file, nullptr);
  if (!status.ok()) {
    return status.IsPathNotFound() || status.IsNotFound() ? Status(ErrorCode::kNotFound, doing + ": no such file")
                                                          : from_rocks(status, doing);
  }
  std::string bytes(limit, '\0');
  size_t size = 0;
  while (size < limit) {
    rocksdb::Slice got;
    status = file->Read(limit - size, rocksdb::IOOptions(), &got, bytes.data() + size, nullptr);
    if (!status.ok()) {
      return from_rocks(status, doing);
    }
    if (got.empty()) {
      break;
    }
    if (got.data() != bytes.data() + size) {
      bytes.replace(size, got.size(), got.data(), got.size());
    }
    size += got.size();
  }
  bytes.resize(size);
  return bytes;
}

Status write_small_file(rocksdb::FileSystem& files, const std::string& path, ByteView bytes) {
  const std::string doing = "write `" + path + "`";
  std::unique_ptr<rocksdb::FSWritableFile> file;
  LORA_TRY(from_rocks(files.NewWritableFile(path, rocksdb::FileOptions(), &file, nullptr), doing));
  const rocksdb::IOOptions options;
  rocksdb::IOStatus status = file->Append(rocksdb::Slice(bytes.data(), bytes.size()), options, nullptr);
  if (status.ok()) {
    status = file->Sync(options, nullptr);
  }
  const rocksdb::IOStatus closed = file->Close(options, nullptr);
  return from_rocks(status.ok() ? closed : status, doing);
}

Status sync_directory(rocksdb::FileSystem& files, const std::string& path) {
  std::unique_ptr<rocksdb::FSDirectory> directory;
  const std::string doing = "sync directory `" + path + "`";
  LORA_TRY(from_rocks(files.NewDirectory(path, rocksdb::IOOptions(), &directory, nullptr), doing));
  return from_rocks(directory->FsyncWithDirOptions(rocksdb::IOOptions(), nullptr, rocksdb::DirFsyncOptions()), doing);
}

Result<DirectoryState> inspect_directory(rocksdb::FileSystem& files, const std::string& path) {
  const rocksdb::IOOptions options;
  const rocksdb::IOStatus exists = files.FileExists(path, options, nullptr);
  if (exists.IsNotFound() || exists.IsPathNotFound()) {
    return DirectoryState::kMissing;
  }
  LORA_TRY(from_rocks(exists, "look at `" + path + "`"));
  bool is_directory = false;
  if (files.IsDirectory(path, options, &is_directory, nullptr).ok() && !is_directory) {
    LORA_ASSIGN(const std::string start, read_small_file(files, path, 8));
    if (start == kRustDatabaseMagic || start == kRustColumnsMagic) {
      return Status(ErrorCode::kFormatVersion,
                    "`" + path +
                        "` was written by the Rust version of LoraDB, whose files this version does not read; "
                        "export its graph there as Cypher or rows and load that here");
    }
    return Status::config("`" + path + "` is a file; a database is a directory");
  }
  std::vector<std::string> names;
  LORA_TRY(from_rocks(files.GetChildren(path, options, &names, nullptr), "list `" + path + "`"));
  bool unfinished = false;
  bool others = false;
  for (const std::string& name : names) {
    if (name == kFormatFile) {
      return DirectoryState::kDatabase;
    }
    unfinished = unfinished || name == kFormatFileNew;
    others = others || !(name == "." || name == ".." || name == kHolderFile || name == "lost+found");
  }
  return unfinished || !others ? DirectoryState::kEmpty : DirectoryState::kForeign;
}

Status make_directories(rocksdb::FileSystem& files, const std::string& path, bool system) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (!files.FileExists(part, rocksdb::IOOptions(), nullptr).ok()) {
      if (system) {
        if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
          return from_errno(errno, "create directory `" + part + "`");
        }
      } else {
        LORA_TRY(from_rocks(files.CreateDirIfMissing(part, rocksdb::IOOptions(), nullptr),
                            "create directory `" + part + "`"));
      }
      const size_t parent = part.rfind('/');
      LORA_TRY(sync_directory(files, parent == std::string::npos ? "." : parent == 0 ? "/" : part.substr(0, parent)));
    }
    if (slash == std::string::npos) {
      return Status();
    }
  }
}

Status remove_unfinished(rocksdb::FileSystem& files, const std::string& directory) {
  std::vector<std::string> names;
  LORA_TRY(from_rocks(files.GetChildren(directory, rocksdb::IOOptions(), &names, nullptr), "list `" + directory + "`"));
  for (const std::string& name : names) {
    // Never anything that RocksDB or this store would not have made.
    const bool ours = name == "CURRENT" || name == "IDENTITY" || name == kFormatFileNew || name == kAckedFile ||
                      name.starts_with("MANIFEST-") || name.ends_with(".dbtmp") || name.ends_with(".log") ||
                      name.ends_with(".sst") || is_run_name(name);
    if (ours) {
      LORA_TRY(from_rocks(files.DeleteFile(directory + "/" + name, rocksdb::IOOptions(), nullptr),
                          "remove `" + directory + "/" + name + "`"));
    }
  }
  return Status();
}

std::string run_name(uint64_t number) {
  return "run-" + std::to_string(number) + ".new";
}

bool is_run_name(ByteView name) {
  return name.starts_with("run-") && name.ends_with(".new");
}

uint64_t AckedFile::read(rocksdb::FileSystem& files, const std::string& directory, const DatabaseId& id) {
  const Result<std::string> bytes =
      read_small_file(files, directory + "/" + kAckedFile, kAckedSlotOffset[1] + kAckedSlotBytes);
  if (!bytes.ok()) {
    return 0;
  }
  uint64_t highest = 0;
  for (const uint64_t offset : kAckedSlotOffset) {
    if (bytes->size() < offset + kAckedSlotBytes) {
      continue;
    }
    const ByteView slot = ByteView(*bytes).substr(offset, kAckedSlotBytes);
    Decoder in(slot);
    ByteView slot_id;
    uint64_t commit = 0;
    if (is_sealed(slot) && in.raw(id.size(), &slot_id) && slot_id == id_view(id) && in.fixed64(&commit)) {
      highest = std::max(highest, commit);
    }
  }
  return highest;
}

Result<std::unique_ptr<AckedFile>> AckedFile::open(rocksdb::FileSystem& files, const std::string& directory,
                                                   const DatabaseId& id) {
  const std::string path = directory + "/" + kAckedFile;
  if (!files.FileExists(path, rocksdb::IOOptions(), nullptr).ok()) {
    std::unique_ptr<rocksdb::FSWritableFile> created;
    LORA_TRY(
        from_rocks(files.NewWritableFile(path, rocksdb::FileOptions(), &created, nullptr), "create `" + path + "`"));
    // Full size at once, so that a full disk cannot fail a later write.
    const std::string empty(kAckedSlotOffset[1] + kAckedSlotBytes, '\0');
    LORA_TRY(from_rocks(created->Append(empty, rocksdb::IOOptions(), nullptr), "create `" + path + "`"));
    LORA_TRY(from_rocks(created->Close(rocksdb::IOOptions(), nullptr), "create `" + path + "`"));
  }
  auto made = std::make_unique<AckedFile>();
  made->id_ = id;
  LORA_TRY(
      from_rocks(files.NewRandomRWFile(path, rocksdb::FileOptions(), &made->file_, nullptr), "open `" + path + "`"));
  return made;
}

Status AckedFile::write(uint64_t commit) {
  std::string slot;
  slot.reserve(kAckedSlotBytes);
  slot.append(id_view(id_));
  encode_fixed64(&slot, commit);
  seal(&slot);
  return from_rocks(file_->Write(kAckedSlotOffset[turn_++ % 2], slot, rocksdb::IOOptions(), nullptr), "write ACKED");
}

Status AckedFile::reset(uint64_t commit) {
  LORA_TRY(write(commit));
  LORA_TRY(write(commit));
  return sync();
}

Status AckedFile::sync() {
  return from_rocks(file_->Sync(rocksdb::IOOptions(), nullptr), "sync ACKED");
}

Status AckedFile::close() {
  if (file_ == nullptr) {
    return Status();
  }
  Status closed = from_rocks(file_->Close(rocksdb::IOOptions(), nullptr), "close ACKED");
  file_.reset();
  return closed;
}

Result<std::unique_ptr<DirectoryLock>> DirectoryLock::acquire(const std::string& directory, bool shared) {
  const std::string path = directory + "/" + kHolderFile;
  const int flags = (shared ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC | O_NOFOLLOW;
  const int fd = ::open(path.c_str(), flags, 0600);
  if (fd < 0) {
    if (shared && errno == ENOENT) {
      return std::unique_ptr<DirectoryLock>(new DirectoryLock(-1, true));
    }
    return from_errno(errno, "open lock file `" + path + "`");
  }
  if (flock(fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
    const int error = errno;
    const std::string holder = read_holder(fd);
    ::close(fd);
    if (error != EWOULDBLOCK) {
      return from_errno(error, "lock `" + path + "`");
    }
    return Status(ErrorCode::kLocked,
                  "database `" + directory + "` is already open, held by " + holder + "; close it there first");
  }
  std::unique_ptr<DirectoryLock> lock(new DirectoryLock(fd, shared));
  if (!shared) {
    const std::string text = holder_text();
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
      return from_errno(errno, "write lock file `" + path + "`");
    }
  }
  return lock;
}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) {
    // No writer is left to name. Best effort: the text is advice, the lock is the truth.
    if (!shared_ && ftruncate(fd_, 0) != 0) {
      errno = 0;
    }
    // Explicitly: a forked child may still hold the descriptor.
    flock(fd_, LOCK_UN);
    ::close(fd_);
  }
}

}  // namespace lora::kv
