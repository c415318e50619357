// The files of a database directory that are ours, beside RocksDB's:
//
//   FORMAT (40 bytes, written once; FORMAT.new while the database is being created)
//   offset size  field
//   0      8     magic            "LORAKV\r\n"
//   8      4     format version   little endian, now 1
//   12     4     flags            little endian, 0
//   16     16    database id      random, the same as under kIdentityKey inside the store
//   32     8     checksum         XXH3-64 of bytes 0..31, little endian
//
//   ACKED (two slots of 32 bytes at offsets 0 and 512, written in turn, never fsynced but at close: a stale ACKED
//   promises less than was kept, which is safe; a torn slot leaves the other)
//   0      16    database id
//   16     8     highest commit number known to be on disk, little endian
//   24     8     checksum         XXH3-64 of bytes 0..23, little endian
//
//   LOCK.holder (text; flock'ed exclusively by a writer, shared by read-only stores)
//   "pid=4711 host=box since=2026-11-22T08:12:10Z\n"; empty while no writer has the directory
#pragma once

#include <rocksdb/file_system.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "kv/bytes.h"
#include "kv/status.h"

namespace lora::kv {

inline constexpr uint32_t kStoreFormatVersion = 1;
inline constexpr const char* kFormatFile = "FORMAT";
inline constexpr const char* kFormatFileNew = "FORMAT.new";
inline constexpr const char* kAckedFile = "ACKED";
inline constexpr const char* kHolderFile = "LOCK.holder";

using DatabaseId = std::array<char, 16>;

Result<DatabaseId> make_database_id();

std::string encode_format(const DatabaseId& id);
// kFormatVersion for a newer version, kCorruption for anything else that encode_format() did not make.
Status decode_format(ByteView bytes, const std::string& path, DatabaseId* id);

// Whole small files through a rocksdb::FileSystem. kNotFound when there is none; at most `limit` bytes are read.
Result<std::string> read_small_file(rocksdb::FileSystem& files, const std::string& path, size_t limit);
// Written and fsynced, replacing what was there.
Status write_small_file(rocksdb::FileSystem& files, const std::string& path, ByteView bytes);
Status sync_directory(rocksdb::FileSystem& files, const std::string& path);

enum class DirectoryState : uint8_t {
  kMissing,   // nothing there
  kEmpty,     // a directory without files, or with what a crash left of a database being created
  kDatabase,  // has a FORMAT file
  kForeign,   // has files, none of which says that they are ours
};
// kFormatVersion for a file of the Rust LoraDB, kConfig for another file at `path`.
Result<DirectoryState> inspect_directory(rocksdb::FileSystem& files, const std::string& path);
// Creates the directory and its parents, each synced into its parent. `system`: by the system's calls, with mode 0700.
Status make_directories(rocksdb::FileSystem& files, const std::string& path, bool system);
// Removes the files of a database whose creation did not finish.
Status remove_unfinished(rocksdb::FileSystem& files, const std::string& directory);
// "run-7.new": a sorted run that was not ingested.
std::string run_name(uint64_t number);
bool is_run_name(ByteView name);

// The ACKED file of a writer. Threads: one at a time.
class AckedFile {
 public:
  // Highest acknowledged commit; 0 when there is no file, no valid slot or another database's id.
  static uint64_t read(rocksdb::FileSystem& files, const std::string& directory, const DatabaseId& id);
  static Result<std::unique_ptr<AckedFile>> open(rocksdb::FileSystem& files, const std::string& directory,
                                                 const DatabaseId& id);

  Status write(uint64_t commit);
  // Both slots, synced: after a recovery that lost acknowledged commits their numbers are used again.
  Status reset(uint64_t commit);
  Status sync();
  Status close();

 private:
  std::unique_ptr<rocksdb::FSRandomRWFile> file_;
  DatabaseId id_{};
  uint64_t turn_ = 0;
};

// Who has a directory open. A writer excludes everybody, readers only writers; a second store of the same process is
// refused like one of another process (flock belongs to the open file, not to the process).
class DirectoryLock {
 public:
  // kLocked names the holder. `shared` needs no write access and passes when there is no lock file.
  static Result<std::unique_ptr<DirectoryLock>> acquire(const std::string& directory, bool shared);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  DirectoryLock(int fd, bool shared) : fd_(fd), shared_(shared) {}
  int fd_;  // -1: there was no lock file to hold
  bool shared_;
};

}  // namespace lora::kv
