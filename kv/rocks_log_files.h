// Write-ahead log files whose end is written ahead with zeros, and reading them.
//
// A sync after an append has to write the file's new size and blocks as well: a commit of the file system's journal, a
// third to a half of its time. Where the blocks are there and written already, it writes the bytes alone. So
// WrittenLog keeps up to 256 KiB of zeros behind the records, written a piece at a time.
//
// What is behind the records is then no longer the end of the file, and after a crash of the system later pages may be
// there while earlier ones are zeros. RocksDB's reader skips zeros and would go on behind them, so that commits were
// missing in the middle: LogReader ends the file at the first record header of zeros. It is used for all logs; one
// without zeros reads as it is.
//
// A log may lose what was appended last, but never while a later log is there: before a new one is made, those before
// it are synced (OpenLogs), whatever the store's commits wait for.
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace lora::kv {

class WrittenLog;

// The logs that are being written. Threads: any.
class OpenLogs {
 public:
  void add(WrittenLog* log);
  void remove(WrittenLog* log);
  // Waits until all that was appended is on the disk.
  rocksdb::IOStatus sync();
  // How long a log is without its zeros; nothing: it is not being written.
  std::optional<uint64_t> size(const std::string& path) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, WrittenLog*> logs_;
};

// A new log. With `ahead`, `files` must write where the file's last append ended, whatever the file's size, as POSIX
// does; without room for zeros, or without random writes, it is an ordinary log then. `files` and `logs` must outlive
// it. Threads: as FSWritableFile.
class WrittenLog final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  static constexpr uint64_t kAheadMin = 16 << 10, kAhead = 256 << 10;

  WrittenLog(std::unique_ptr<rocksdb::FSWritableFile>&& target, rocksdb::FileSystem* files, std::string path,
             bool ahead, OpenLogs* logs);
  ~WrittenLog() override;

  const std::string& path() const { return path_; }
  uint64_t size() const { return written_.load(std::memory_order_relaxed); }

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo& verification,
                           rocksdb::IODebugContext* context) override;
  // Cuts the zeros off.
  rocksdb::IOStatus Close(const rocksdb::IOOptions& options, rocksdb::IODebugContext* context) override;

 private:
  void prepare(uint64_t size);

  rocksdb::FileSystem* files_;
  std::string path_;
  OpenLogs* logs_;
  std::unique_ptr<rocksdb::FSRandomRWFile> zeros_;
  std::atomic<uint64_t> written_{0};  // bytes of records
  uint64_t prepared_ = 0;             // size of the file, with zeros
  bool plain_;                        // no more zeros
};

// The records of a log, to RocksDB and in order. `follow`: the log is being written by another process, so a record
// that is not whole yet is the end for now; what comes later is read by later calls.
class LogReader final : public rocksdb::FSSequentialFile {
 public:
  LogReader(std::unique_ptr<rocksdb::FSRandomAccessFile>&& file, bool follow)
      : file_(std::move(file)), follow_(follow) {}

  rocksdb::IOStatus Read(size_t n, const rocksdb::IOOptions& options, rocksdb::Slice* result, char* scratch,
                         rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus Skip(uint64_t n) override;

 private:
  // How many of the bytes at position_ belong to records.
  size_t records_in(const char* bytes, size_t size);

  std::unique_ptr<rocksdb::FSRandomAccessFile> file_;
  const bool follow_;
  uint64_t position_ = 0;
  uint64_t header_ = 0;  // of the next record: not below position_
  bool raw_ = false;     // no records are told apart any more
};

}  // namespace lora::kv
