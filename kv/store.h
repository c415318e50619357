// The ordered byte store under the graph. Small on purpose: a networked ordered store could stand
// behind it one day, and nothing above this folder knows RocksDB.
//
// Keys are ordered as unsigned bytes, within one of a few keyspaces (column families).
//
// What is atomic: one WriteBatch, over all keyspaces; one ingest() of sorted runs likewise.
// What is durable when: write() puts a batch into the write-ahead log (in the operating system's hands: a killed
//   process loses nothing, a power cut may) and gives it the next commit number; wait_durable(n) returns after an
//   fsync that covers commit n. Many threads may wait: one leader syncs for all that wrote before it, the others are
//   woken by it. An in-memory store has no log; wait_durable returns at once.
// The commit record: every batch carries one record, written by the store under its own key of kMeta: commit number,
//   checksum of the batch, the highest commit number known durable then, and the caller's `payload`. Recovery uses it
//   to tell a torn tail (commits nobody was promised: dropped) from damage (an acknowledged commit is missing:
//   kCorruption, or a report when `recover` is set).
// Threads: every method may be called from any thread, but write() and ingest() from one at a time (the graph's writer
//   lock). Views, cursors and batches belong to one thread at a time.
// After a failed write or sync the store takes no further writes: each returns the first failure's code. Reads go on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kv/bytes.h"
#include "kv/status.h"

namespace lora::kv {

enum class Keyspace : uint8_t {
  kMeta = 0,       // catalog, format, commit record: few, small, point access
  kNodes,          // node records by id: point access and range scans
  kRelationships,  // relationship records by id: point access and range scans
  kAdjacency,      // adjacency blocks by (node, direction, type, first neighbour): short range scans
  kLabels,         // label membership blocks by (label, block): range scans
  kIndexes,        // property index entries by (index, encoded values, id): seeks and range scans
};
inline constexpr size_t kKeyspaceCount = 6;

enum class SyncLevel : uint8_t {
  kCommit,    // wait_durable() fsyncs
  kInterval,  // a background thread fsyncs every sync_interval_ms; wait_durable() returns at once
  kOff,       // the log is written, never synced but at close, checkpoint and sync()
};

struct StoreOptions {
  std::string directory;  // empty: in memory
  bool create_if_missing = true;
  bool read_only = false;           // never creates or changes a file; kLocked when a writer has the directory open
  bool secondary = false;           // private read-only view of a directory that another process writes (lora-dump)
  std::string secondary_directory;  // where a secondary instance may put its own info files; required with `secondary`
  SyncLevel sync = SyncLevel::kCommit;
  uint32_t sync_interval_ms = 100;
  uint64_t block_cache_bytes = 32ull << 20;  // at most; less while the tables are small
  uint64_t memtable_bytes = 16ull << 20;     // all keyspaces together
  bool recover = false;  // on_corruption="recover": open although acknowledged commits are missing, and report it
  // For tests: a rocksdb::FileSystem wrapper, passed as std::shared_ptr<rocksdb::FileSystem>* behind void
  // (see kv/rocks_store.h); null: the default file system.
  void* file_system = nullptr;
};

// What recovery found; all zero after a clean close.
struct RecoveryReport {
  uint64_t last_commit = 0;   // highest commit number present
  uint64_t lost_commits = 0;  // acknowledged commits that are missing (only with StoreOptions::recover)
  std::string detail;         // one sentence, empty when nothing was lost
};

struct StoreStats {
  uint64_t memtable_bytes = 0;
  uint64_t block_cache_bytes = 0;  // in use
  uint64_t table_bytes = 0;        // live sorted files; for an in-memory store they are memory
  uint64_t wal_bytes = 0;
  uint64_t commits = 0;     // commits written by this handle
  uint64_t syncs = 0;       // WAL fsyncs made by this handle
  bool assertions = false;  // the RocksDB library was built with assertions
  std::string engine;       // "RocksDB 7.8.3"
};

class Snapshot;  // opaque: a pinned point in time of the store

// Keys and values to be written together. Later entries win over earlier ones.
class WriteBatch {
 public:
  virtual ~WriteBatch() = default;
  virtual void put(Keyspace space, ByteView key, ByteView value) = 0;
  virtual void remove(Keyspace space, ByteView key) = 0;
  // Deletes [first, last).
  virtual void remove_range(Keyspace space, ByteView first, ByteView last) = 0;
  virtual void clear() = 0;
  virtual size_t count() const = 0;
  virtual size_t byte_size() const = 0;
};

// Walks [lower, upper) of one keyspace in key order. Holds its snapshot. key() and value() are views into
// the cursor, valid until the next move. A cursor must not outlive its Store.
class Cursor {
 public:
  virtual ~Cursor() = default;
  virtual void seek_first() = 0;
  virtual void seek(ByteView key) = 0;           // first entry >= key
  virtual void seek_for_prev(ByteView key) = 0;  // last entry <= key
  virtual void next() = 0;
  virtual void prev() = 0;
  virtual bool valid() const = 0;
  virtual ByteView key() const = 0;
  virtual ByteView value() const = 0;
  // OK while valid() is true or the range has ended; otherwise what stopped the walk.
  virtual Status status() const = 0;
};

struct CursorOptions {
  std::string lower;                   // inclusive; empty: from the start
  std::string upper;                   // exclusive; empty: to the end
  const Snapshot* snapshot = nullptr;  // null: the latest state
  bool fill_cache = true;              // false for long scans
  size_t readahead_bytes = 0;
};

// A sorted run: entries appended in strictly ascending key order, then handed to Store::ingest().
class SortedRun {
 public:
  virtual ~SortedRun() = default;
  virtual Status add(ByteView key, ByteView value) = 0;
  virtual uint64_t count() const = 0;
};

class Store {
 public:
  virtual ~Store() = default;  // closes without throwing; call close() first to learn of a failure

  // Value of `key` at `snapshot` (null: latest). Empty optional: no such key. *value keeps its capacity.
  virtual Result<bool> get(Keyspace space, ByteView key, const Snapshot* snapshot, std::string* value) const = 0;
  // One entry per key: present or not.
  virtual Status multi_get(Keyspace space, std::span<const ByteView> keys, const Snapshot* snapshot,
                           std::vector<std::optional<std::string>>* values) const = 0;
  virtual std::unique_ptr<Cursor> cursor(Keyspace space, const CursorOptions& options) const = 0;

  // A pinned point in time; released with release_snapshot(). Costs about 0.1 us. Any thread.
  virtual const Snapshot* snapshot() const = 0;
  virtual void release_snapshot(const Snapshot* snapshot) const = 0;

  virtual std::unique_ptr<WriteBatch> batch() const = 0;
  // Writes the batch and its commit record (see above); returns its commit number. kReadOnly, kIo, kDiskFull.
  // The entries are in the log and visible to new snapshots on return, not yet durable.
  virtual Result<uint64_t> write(WriteBatch& batch, ByteView payload) = 0;
  // After it: commit `number` and all before it are on disk (kCommit), or returns at once (kInterval, kOff).
  virtual Status wait_durable(uint64_t number) = 0;
  // fsyncs the log whatever the sync level: all commits so far are on disk.
  virtual Status sync() = 0;

  // Sorted runs for a large write. Every run belongs to one keyspace; entries replace older ones of the same key;
  // `batch` (removals, small entries) is written with the commit record after the ingest. On return everything is
  // durable (no log is involved). A crash in between leaves either nothing or everything visible after recovery.
  virtual Result<std::unique_ptr<SortedRun>> sorted_run(Keyspace space) = 0;
  virtual Result<uint64_t> ingest(std::vector<std::unique_ptr<SortedRun>> runs, WriteBatch& batch,
                                  ByteView payload) = 0;

  // Payload of the newest commit record; empty when nothing was ever written.
  virtual Result<std::string> last_payload(const Snapshot* snapshot) const = 0;
  virtual uint64_t last_commit() const = 0;
  virtual const RecoveryReport& recovery() const = 0;

  // Memtables to sorted files, so that reopening replays nothing; `compact`: one full compaction as well.
  virtual Status flush(bool compact) = 0;
  // Deletes everything but the commit record, durably like a commit; keeps commit numbers ascending.
  virtual Result<uint64_t> clear(ByteView payload) = 0;
  // Checks checksums of all files (full: reads every block).
  virtual Status verify_checksums(bool full) const = 0;
  // For a secondary store: move the view to what the writer has written by now.
  virtual Status catch_up() = 0;
  virtual StoreStats stats() const = 0;
  virtual bool in_memory() const = 0;
  // Not OK once a write or sync has failed: the store is then read-only.
  virtual Status health() const = 0;

  // Syncs, flushes, releases the lock. All cursors and snapshots must be gone. Idempotent.
  virtual Status close() = 0;
};

// Opens or creates. kNotFound, kLocked (names holder's pid, host, since when), kFormatVersion, kCorruption, kIo,
// kDiskFull, kConfig. In memory: at most 1 ms.
Result<std::unique_ptr<Store>> open_store(const StoreOptions& options);

}  // namespace lora::kv
