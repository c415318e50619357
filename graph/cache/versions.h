// Versions: which roots live, who reads them, and when old objects may be freed. WriteContext: the open transaction's
// side of it.
//
// Pins. A reader of a version holds a hazard slot (one cache line) with the root's address: load the published root,
// store it, load again, retry when it has changed. No lock, no counter. The writer never looks through a slot's pointer
// (for a moment it may be one of a freed root); it looks the address up in its own list of live roots.
//
// Retiring. An object of the newest root that a commit replaces is retired with the stamp of the statement that did so.
// It is freed when no live root has created <= root.stamp < retired. Live: published, newer than published, or pinned.
//
// Access epochs. Eviction frees chunks of live roots. A reader is inside an epoch from enter() until leave(); an
// evicted chunk is unlinked at once and freed when every reader that was inside at that time has left.
//
// Order of versions: tip (the last commit, perhaps not durable yet; the next transaction starts from it) and published
// (what new snapshots get). commit() makes a new tip; publish(n) moves published to the newest tip with version <= n.
//
// Locks: structure() is held by the writer during each write call, and by the evictor (which only tries it). The roots
// mutex inside is held briefly. pin, unpin, enter and leave take none.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "graph/cache/object.h"
#include "graph/cache/piece_pool.h"
#include "graph/cache/root.h"

namespace lora::graph::cache {

class Budget;
class Versions;
struct LiveRoot;

// A reader's place for access epochs; one per Reader, used by one thread at a time.
struct alignas(64) AccessSlot {
  std::atomic<uint64_t> epoch{0};  // 0: outside
  std::atomic<bool> used{false};
};

struct RetiredObject {
  Object* object;
  uint64_t created;
  uint64_t retired;  // stamp
  bool tree;         // with everything below
};

// The open transaction: stamps, what it made, what it replaced, its private root and the savepoint.
// Made by Versions::begin(); one at a time (the graph's writer lock). One thread at a time.
//
//   auto context = versions.begin();
//   context->begin_statement(); { auto lock = versions.structure(); context->root()->edit_...(*context, ...); }
//   context->finish_statement();   or rollback_statement();
//   versions.commit(std::move(context), commit_number, store_snapshot);   or destroy it, its reader first: rolls back
class WriteContext {
 public:
  ~WriteContext();
  WriteContext(const WriteContext&) = delete;
  WriteContext& operator=(const WriteContext&) = delete;

  // Same address for the whole transaction; its contents go back with a rolled back statement.
  Root* root() { return &root_; }
  const Root* root() const { return &root_; }
  const Root* base() const { return base_; }
  uint64_t stamp() const { return stamp_; }
  uint64_t first_stamp() const { return first_stamp_; }
  // Bytes of all objects that this transaction has made and that are still alive.
  uint64_t bytes() const { return bytes_; }
  Versions* versions() const { return versions_; }

  // Each takes Versions::structure() itself. Statements do not nest; writes outside of one belong to a first, implicit
  // statement that cannot be rolled back alone. Batch arrays handed out before rollback stay readable until the reader
  // leaves its epoch.
  void begin_statement();
  void finish_statement();
  void rollback_statement();

  // --- for the structures of this folder ---
  bool mine(const Object* object) const { return object->created >= stamp_; }
  bool is_private(const Object* object) const { return object->created >= first_stamp_; }
  // Room for `objects` more in the list of made ones, so that nothing stands between its memory and its registration.
  void make_room(size_t objects = 1) {
    if (made_.capacity() - made_.size() < objects)
      made_.reserve(std::max(made_.size() + objects, made_.capacity() * 2));
  }
  void* take_piece(size_t bytes) noexcept { return pieces_->take(bytes, &piece_bytes_); }
  // Of the object of `bytes` that was allocated last.
  size_t piece_bytes(size_t bytes) noexcept {
    return std::max(PiecePool::rounded(bytes), std::exchange(piece_bytes_, 0));
  }
  void made(Object* object) noexcept;        // registers, into the room made; called by register_object
  void grew(Object* object, int64_t bytes);  // an object that is mine changed its size in place
  void replaced(Object* mine, Object* by);   // `by` is registered; `mine` is gone from the root
  void retire(Object* object);               // gone from the root; mine or not
  void retire_tree(Object* object);          // with everything below it
  void adopt_tree(Object* object);           // a loaded object that only this transaction will see: made; all or none

 private:
  friend class Versions;
  friend class Budget;
  explicit WriteContext(Versions* versions);
  void finish_locked();
  void rollback_locked();
  void report_bytes();
  void discard(Object* object);
  void flush_discarded();

  Versions* versions_;
  PiecePool* pieces_;
  size_t piece_bytes_ = 0;  // of the piece taken last, until it is registered
  const Root* base_;
  Root root_;
  Root savepoint_;
  bool in_statement_ = false;
  bool committed_ = false;
  uint64_t stamp_, first_stamp_;
  uint64_t bytes_ = 0;
  std::vector<Object*> made_;  // null: gone again
  std::vector<RetiredObject> retired_;
  std::vector<Object*> discarded_;  // mine, unreachable, perhaps still read in this batch
  uint64_t discarded_bytes_ = 0;
  size_t made_mark_ = 0, retired_mark_ = 0;  // at begin_statement
  uint64_t bytes_mark_ = 0;
  std::unique_ptr<Root> committed_root_;  // room for root_, from Versions::prepare_commit()
  int64_t unreported_bytes_ = 0;          // not yet added to Versions' counter
  uint32_t pending_trees_ = 0;            // tree entries in retired_: no eviction meanwhile
};

struct VersionsStats {
  uint64_t object_bytes = 0;   // all objects: reachable, retired, private
  uint64_t retired_bytes = 0;  // waiting for readers
  uint64_t live_roots = 0, pinned_roots = 0;
};

class Versions {
 public:
  // `release`: gives a store snapshot back; called when the last root that has it is freed. Any thread.
  explicit Versions(std::function<void(const kv::Snapshot*)> release);
  // No pins, contexts or access slots in use. Frees everything.
  ~Versions();
  Versions(const Versions&) = delete;
  Versions& operator=(const Versions&) = delete;

  // First version: `root` (reserved; its fields moved in) is published and tip at once. Once. Without memory what was
  // reserved is freed, and nothing has happened.
  void open(Root root);
  // Throws everything away and starts again from `root` (load_snapshot, catch_up). No open transaction. Pinned versions
  // go on.
  void replace(Root root);

  // --- readers: any thread, no locks ---
  // The published root, pinned in *slot. Null when 2^20 pins are held.
  const Root* pin(uint32_t* slot);
  void unpin(uint32_t slot);
  AccessSlot* claim_access();             // null when 2^20 are claimed
  void release_access(AccessSlot* slot);  // leaves first
  void enter(AccessSlot* slot) {
    if (slot->epoch.load(std::memory_order_relaxed) != 0) return;
    slot->epoch.store(epoch_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
  }
  void leave(AccessSlot* slot) { slot->epoch.store(0, std::memory_order_release); }
  const Root* published() const { return published_.load(std::memory_order_acquire); }
  // Of the published root, or of one before it: a pinned one may have a newer one already.
  uint64_t published_schema_version() const { return published_schema_version_.load(std::memory_order_acquire); }

  // --- the writer (the graph's writer lock) ---
  const Root* tip() const { return tip_.load(std::memory_order_acquire); }
  std::unique_ptr<WriteContext> begin();
  // Takes the memory that commit() needs, while the transaction can still fail.
  void prepare_commit(WriteContext& context);
  // The private root becomes the tip: a version `version` that reads from `snapshot` (taken over). Not published yet.
  const Root* commit(std::unique_ptr<WriteContext> context, uint64_t version, const kv::Snapshot* snapshot);
  // The same, but the store does not have it yet: it reads from the snapshot of the tip before it, and what the
  // transaction has made is not evicted. `cleared`: it has nothing in common with the tip. Does not fail after
  // prepare_commit().
  const Root* commit_behind(std::unique_ptr<WriteContext> context, uint64_t version, bool cleared);
  // The tip, which must be published, reads from `snapshot` (taken over), which has all of it that was made up to
  // `stored_stamp`, from now on: what new pins get is prepare_renewal()'s copy of it. No commit in between; any thread.
  // renew() does not fail.
  std::unique_ptr<Root> prepare_renewal();
  void renew(std::unique_ptr<Root> copy, const kv::Snapshot* snapshot, uint64_t stored_stamp);
  // Any thread: everything with version <= `version` may be seen. Does not fail: without memory, what may be freed
  // waits for the next time.
  void publish(uint64_t version);
  // After a failed sync: the tip goes back to the published root; what came after is freed. Needs no memory.
  void drop_unpublished() noexcept;
  // Recursive: the writer may hold it around several calls that take it themselves.
  std::unique_lock<std::recursive_mutex> structure() { return std::unique_lock<std::recursive_mutex>(structure_); }

  // Frees what may be freed. Called by publish() when the queue has doubled, by unpin() of an old root; never blocks
  // for long. Any thread.
  void sweep();

  // Bytes of all objects alive; atomic, changed by loads and per statement, never by readers.
  uint64_t object_bytes() const { return static_cast<uint64_t>(object_bytes_.load(std::memory_order_relaxed)); }
  VersionsStats stats();

 private:
  friend class WriteContext;
  friend class Budget;
  struct Impl;
  struct Garbage;
  const Root* commit_reading(std::unique_ptr<WriteContext> context, uint64_t version, const kv::Snapshot* snapshot,
                             uint64_t stored_stamp, bool nothing_stored);
  void free_garbage(Garbage* garbage);
  void free_dropped(LiveRoot* live) noexcept;

  void set_published(Root* root) {
    published_.store(root, std::memory_order_seq_cst);
    if (published_schema_version_.load(std::memory_order_relaxed) != root->schema_version) {
      published_schema_version_.store(root->schema_version, std::memory_order_release);
    }
  }

  std::atomic<Root*> published_{nullptr};
  std::atomic<uint64_t> published_schema_version_{0};
  std::atomic<Root*> tip_{nullptr};
  std::atomic<uint64_t> epoch_{1};
  std::atomic<int64_t> object_bytes_{0};
  std::recursive_mutex structure_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lora::graph::cache
