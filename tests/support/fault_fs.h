// A file system for crash and fault tests: it passes everything through to a base file system (a memory one or the
// real one) and knows which bytes and which directory entries would survive a power cut.
//
// Use:   auto faults = std::make_shared<FaultFs>(base, seed);
//        std::shared_ptr<rocksdb::FileSystem> file_system = faults;
//        options.file_system = &file_system;       // must outlive open_store()
//        ... write ...
//        faults->cut_power();                      // from here on every call fails: nothing reaches "the disk"
//        store.reset();                            // close it in this state
//        faults->restore();                        // undo what was not synced; the next open sees the disk after the
//        cut
//
// Model of the disk: fsync of a file keeps its bytes; of what was appended later a random prefix survives. Creations,
// renames, links and deletions are kept by an fsync of their directory; of later ones a random prefix (in order)
// survives. Random writes (ACKED) survive one by one with probability one half. A file that random writes have made
// longer than what was appended (a log with zeros ahead) keeps its length; of unsynced appends each page of 4 KiB
// survives, or not, on its own: the rest are the zeros that were there. Threads: any.
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace lora::tests {

enum class Fault : uint8_t { kIoError, kDiskFull };

class FaultFs final : public rocksdb::FileSystemWrapper {
 public:
  FaultFs(const std::shared_ptr<rocksdb::FileSystem>& base, uint64_t seed);

  static const char* kClassName() { return "LoraFaultFs"; }
  const char* Name() const override { return kClassName(); }

  // Every later call that changes something fails, until restore().
  void cut_power();
  // Applies the power cut to the base file system and lets calls through again. No file may be open for writing.
  void restore();
  // A control for the tests: fsync returns OK and keeps nothing.
  void set_sync_lies(bool lies) { sync_lies_ = lies; }
  // The k-th changing call from now (1: the next one) fails, and with `from_then_on` all after it. 0: never.
  void fail_at(uint64_t k, Fault fault, bool from_then_on);
  // Changing calls (append, sync, create, rename, link, delete, directory sync) since the last fail_at().
  uint64_t operations() const { return operations_; }
  uint64_t injected() const { return injected_; }
  uint64_t syncs() const { return syncs_; }
  // Appends fail with "no space" once this many bytes were appended from now. 0: no limit.
  void limit_bytes(uint64_t bytes);

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus NewRandomRWFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>* file,
                                    rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* context) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* context) override;

 private:
  friend class FaultWritableFile;
  friend class FaultRandomRwFile;
  friend class FaultDirectory;

  struct RandomWrite {
    uint64_t offset;
    std::string before;
  };
  struct FileState {
    uint64_t size = 0;  // of what was appended
    uint64_t synced = 0;
    uint64_t extended = 0;         // where random writes end
    uint64_t extended_synced = 0;  // the same when the file was last synced
    std::vector<RandomWrite> random_writes;
  };
  enum class Entry : uint8_t { kCreated, kRenamed, kLinked, kDeleted };
  struct DirectoryChange {
    Entry entry;
    std::string directory;
    std::string path;      // of the entry that appeared, or was deleted
    std::string from;      // kRenamed
    std::string replaced;  // content of what `path` was before, if it was
    bool had_previous = false;
    FileState previous;
  };

  // OK to go on, or the injected fault. `bytes`: how many are about to be appended.
  rocksdb::IOStatus step(uint64_t bytes = 0);
  void on_append(const std::string& path, uint64_t bytes);
  // How many bytes of an append need room on the disk.
  uint64_t growth(const std::string& path, uint64_t bytes);
  void lose_pages(const FileState& file, std::string* content);
  void on_sync(const std::string& path);
  void on_directory_sync(const std::string& directory);
  void change_directory(Entry entry, const std::string& path, const std::string& from);
  bool read_all(const std::string& path, std::string* content);
  void write_all(const std::string& path, const std::string& content);
  void undo(const DirectoryChange& change);

  std::mutex mutex_;
  std::mt19937_64 random_;
  std::map<std::string, FileState> files_;
  std::vector<DirectoryChange> changes_;
  std::atomic<bool> cut_{false};
  std::atomic<bool> sync_lies_{false};
  std::atomic<uint64_t> operations_{0};
  std::atomic<uint64_t> injected_{0};
  std::atomic<uint64_t> syncs_{0};
  std::atomic<uint64_t> fail_at_{0};
  std::atomic<bool> from_then_on_{false};
  std::atomic<Fault> fault_{Fault::kIoError};
  std::atomic<uint64_t> bytes_left_{0};
  std::atomic<bool> limited_{false};
};

}  // namespace lora::tests
