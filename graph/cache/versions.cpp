#include "graph/cache/versions.h"

#include <algorithm>
#include <new>

#include "graph/cache/trie.h"
#include "graph/cache/versions_impl.h"
#include "kv/check.h"
#include "kv/contain.h"

namespace lora::graph::cache {

namespace {

// Where this thread looks for a free slot first. Threads start apart, so that they do not share cache lines' owners.
std::atomic<uint32_t> next_thread{0};
struct SlotHints {
  bool given = false;
  uint32_t pin = 0, access = 0;
};
constinit thread_local SlotHints thread_hints;

// Asked for once in a call: finding a thread's variables is a call itself in a shared library.
SlotHints& slot_hints() {
  SlotHints& hints = thread_hints;
  if (!hints.given) [[unlikely]] {
    hints.given = true;
    hints.pin = hints.access = next_thread.fetch_add(1, std::memory_order_relaxed) % 64;
  }
  return hints;
}

// Frees what a reader has loaded below a slot that nobody else knows.
uint64_t free_loaded(Object* object) {
  if ((object->flags & Object::kLoaded) == 0) return 0;
  if (object->kind != ObjectKind::kTrieNode) return free_tree(object);
  uint64_t bytes = 0;
  static_cast<TrieNode*>(object)->for_each_child([&](uint32_t, Object* child) { bytes += free_loaded(child); });
  return bytes + free_object(object);
}

// Frees an object that no live root reaches. A trie node takes along what was loaded into it after it was copied.
uint64_t free_retired(const RetiredObject& entry, PiecePool* pool = nullptr) {
  if (entry.tree) return free_tree(entry.object);
  uint64_t bytes = 0;
  if (entry.object->kind == ObjectKind::kTrieNode) {
    auto* node = static_cast<TrieNode*>(entry.object);
    const uint64_t taken = node->copied_out.load(std::memory_order_relaxed);
    if (node->loads.load(std::memory_order_acquire) != node->loads_copied.load(std::memory_order_relaxed)) {
      node->for_each_child([&](uint32_t i, Object* child) {
        if ((taken >> i & 1) == 0) bytes += free_loaded(child);
      });
    }
  }
  return bytes + free_object(entry.object, pool);
}

}  // namespace

uint64_t free_epoch_retired(const std::vector<EpochRetired>& objects) {
  uint64_t bytes = 0;
  for (const EpochRetired& e : objects) bytes += e.tree ? free_tree(e.object) : free_object(e.object);
  return bytes;
}

// --- WriteContext ---

WriteContext::WriteContext(Versions* versions)
    : versions_(versions), pieces_(&versions->impl_->pieces), base_(versions->tip()) {
  stamp_ = first_stamp_ = ++versions->impl_->last_stamp;
  static_cast<RootFields&>(root_) = *base_;
  root_.stamp = stamp_;
  root_.version = 0;
}

WriteContext::~WriteContext() {
  if (committed_) return;
  auto lock = versions_->structure();
  // The transaction's reader is gone, and nobody else has ever seen what it made: no epoch to wait for. This also runs
  // when memory has run out, so it must not need any.
  report_bytes();
  uint64_t bytes = 0;
  for (Object* object : made_) {
    if (object != nullptr) bytes += free_object(object);
  }
  for (Object* object : discarded_) bytes += free_object(object);
  // What it discarded on the way waited for its reader, in the main.
  std::vector<EpochRetired> free_now;
  {
    std::lock_guard lock_roots(versions_->impl_->mutex);
    versions_->impl_->context = nullptr;
    versions_->impl_->collect_epochs(&free_now);
  }
  bytes += free_epoch_retired(free_now);
  versions_->object_bytes_.fetch_sub(static_cast<int64_t>(bytes), std::memory_order_relaxed);
}

void WriteContext::made(Object* object) noexcept {
  LORA_DCHECK(made_.size() < made_.capacity());
  object->created = stamp_;
  object->log = static_cast<uint32_t>(made_.size());
  made_.push_back(object);
  bytes_ += object->bytes;
  unreported_bytes_ += object->bytes;
}

void WriteContext::grew(Object* object, int64_t bytes) {
  object->bytes = static_cast<uint32_t>(object->bytes + bytes);
  bytes_ += static_cast<uint64_t>(bytes);
  unreported_bytes_ += bytes;
}

void WriteContext::discard(Object* object) {
  discarded_.push_back(object);  // first what may fail
  bytes_ -= object->bytes;
  discarded_bytes_ += object->bytes;
  if (discarded_bytes_ > (1 << 20)) flush_discarded();
}

// Never fails: without memory the objects wait for the next time.
void WriteContext::flush_discarded() {
  report_bytes();
  if (discarded_.empty()) return;
  Versions::Impl& impl = *versions_->impl_;
  std::vector<EpochRetired> free_now;
  static_cast<void>(contain([&] {
    std::lock_guard lock(impl.mutex);
    const size_t needed = impl.epoch_retired.size() + discarded_.size();
    if (needed > impl.epoch_retired.capacity()) {
      impl.epoch_retired.reserve(std::max(needed, impl.epoch_retired.capacity() * 2));  // all or none
    }
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const uint64_t epoch = versions_->epoch_.fetch_add(1, std::memory_order_seq_cst);
    for (Object* object : discarded_) impl.epoch_retired.push_back({object, epoch, false, 0});
    discarded_.clear();
    discarded_bytes_ = 0;
    impl.collect_epochs(&free_now);
    return Status();
  }));
  versions_->object_bytes_.fetch_sub(static_cast<int64_t>(free_epoch_retired(free_now)), std::memory_order_relaxed);
}

void WriteContext::report_bytes() {
  if (unreported_bytes_ == 0) return;
  versions_->object_bytes_.fetch_add(unreported_bytes_, std::memory_order_relaxed);
  unreported_bytes_ = 0;
}

void WriteContext::replaced(Object* mine, Object* by) {
  const uint32_t log = mine->log;
  discard(mine);
  // `by` was logged last; it takes the older place, so that the list does not grow with every move.
  made_[log] = by;
  if (by->log + 1 == made_.size()) {
    made_.pop_back();
  } else {
    made_[by->log] = nullptr;
  }
  by->log = log;
}

void WriteContext::retire(Object* object) {
  if ((object->flags & Object::kStatic) != 0) return;
  if (mine(object)) {
    const uint32_t log = object->log;
    discard(object);  // may fail, and may free it
    made_[log] = nullptr;
    return;
  }
  retired_.push_back({object, object->created, stamp_, false});
}

void WriteContext::retire_tree(Object* object) {
  if ((object->flags & Object::kStatic) != 0) return;
  retired_.push_back({object, 0, stamp_, true});
  ++pending_trees_;
}

void WriteContext::adopt_tree(Object* object) {
  if ((object->flags & Object::kStatic) != 0) return;
  std::vector<Object*> all{object};
  for (size_t i = 0; i < all.size(); ++i) {
    for_each_part(all[i], [&all](Object* part) {
      if ((part->flags & Object::kStatic) == 0) all.push_back(part);
    });
  }
  make_room(all.size());  // all or none
  for (Object* part : all) {
    part->flags &= static_cast<uint8_t>(~Object::kLoaded);
    made(part);
  }
}

void WriteContext::begin_statement() {
  auto lock = versions_->structure();
  if (in_statement_) finish_locked();
  stamp_ = ++versions_->impl_->last_stamp;
  root_.stamp = stamp_;
  savepoint_ = root_;
  made_mark_ = made_.size();
  retired_mark_ = retired_.size();
  bytes_mark_ = bytes_;
  in_statement_ = true;
}

void WriteContext::finish_locked() {
  // All or nothing: a statement that finds no memory here is rolled back.
  discarded_.reserve(discarded_.size() + retired_.size() - retired_mark_);
  // What this transaction had made before and has now replaced was never visible to anybody else.
  size_t kept = retired_mark_;
  for (size_t i = retired_mark_; i < retired_.size(); ++i) {
    RetiredObject& entry = retired_[i];
    if (!entry.tree && is_private(entry.object)) {
      made_[entry.object->log] = nullptr;
      bytes_ -= entry.object->bytes;
      discarded_.push_back(entry.object);
      discarded_bytes_ += entry.object->bytes;
    } else {
      retired_[kept++] = entry;
    }
  }
  retired_.resize(kept);
  in_statement_ = false;
  savepoint_ = Root();
  flush_discarded();
}

void WriteContext::finish_statement() {
  auto lock = versions_->structure();
  if (in_statement_) finish_locked();
}

void WriteContext::rollback_locked() {
  for (size_t i = retired_mark_; i < retired_.size(); ++i) pending_trees_ -= retired_[i].tree ? 1 : 0;
  retired_.resize(retired_mark_);
  for (size_t i = made_mark_; i < made_.size(); ++i) {
    if (made_[i] != nullptr) discarded_.push_back(made_[i]);
  }
  made_.resize(made_mark_);
  bytes_ = bytes_mark_;
  in_statement_ = false;
  flush_discarded();
}

void WriteContext::rollback_statement() {
  auto lock = versions_->structure();
  if (!in_statement_) return;
  discarded_.reserve(discarded_.size() + made_.size() - made_mark_);  // all or none
  root_ = savepoint_;
  savepoint_ = Root();
  rollback_locked();
  // A new stamp: nothing made before may count as made by what follows.
  stamp_ = ++versions_->impl_->last_stamp;
  root_.stamp = stamp_;
}

// --- Versions ---

Versions::Versions(std::function<void(const kv::Snapshot*)> release) : impl_(std::make_unique<Impl>()) {
  impl_->release = std::move(release);
}

Versions::~Versions() {
  if (tip_.load() == nullptr) return;
  drop_unpublished();
  uint64_t bytes = free_epoch_retired(impl_->epoch_retired);
  for (const RetiredObject& e : impl_->queue) bytes += free_retired(e);
  for (const LiveRoot& live : impl_->roots) {
    for (const RetiredObject& e : live.retired) bytes += free_retired(e);
  }
  for (TrieNode* trie : tries_of(*published_.load())) {
    if (trie != nullptr) bytes += free_tree(trie);
  }
  while (!impl_->roots.empty()) impl_->release_snapshot(impl_->take_newest());
  object_bytes_.fetch_sub(static_cast<int64_t>(bytes), std::memory_order_relaxed);
  LORA_DCHECK(object_bytes_.load() == 0);
}

void Versions::open(Root root) {
  ReservedTries reserved(root);
  auto owned = std::make_unique<Root>(std::move(root));
  std::lock_guard lock(impl_->mutex);
  impl_->roots.reserve(impl_->roots.size() + 1);
  // Nothing fails from here on.
  owned->object_bytes = &object_bytes_;
  owned->stamp = owned->stored_stamp = ++impl_->last_stamp;
  reserved.release();
  for (const TrieNode* trie : tries_of(*owned)) {
    if (trie != nullptr) object_bytes_.fetch_add(static_cast<int64_t>(tree_bytes(trie)), std::memory_order_relaxed);
  }
  tip_.store(owned.get(), std::memory_order_seq_cst);
  set_published(owned.get());
  impl_->roots.push_back({std::move(owned), {}, {}});
}

void Versions::replace(Root root) {
  ReservedTries reserved(root);
  drop_unpublished();
  auto structure_lock = structure();
  std::vector<RetiredObject> old;  // all that may fail comes before open()
  for (TrieNode* trie : tries_of(*published())) {
    if (trie != nullptr) old.push_back({trie, 0, 0, true});
  }
  reserved.release();  // open() sees to them
  open(std::move(root));
  std::lock_guard lock(impl_->mutex);
  for (RetiredObject& entry : old) entry.retired = impl_->last_stamp;
  // As what a commit has replaced.
  const auto opened = std::find_if(impl_->roots.rbegin(), impl_->roots.rend(),
                                   [this](const LiveRoot& live) { return live.root.get() == published(); });
  LORA_DCHECK(opened != impl_->roots.rend());
  opened->retired = std::move(old);
  impl_->sweep_at = 0;
}

const Root* Versions::pin(uint32_t* slot) {
  SlotHints& hints = slot_hints();
  const uint32_t at = impl_->pins.claim(hints.pin);
  if (at == SlotArray<PinSlot>::kNone) return nullptr;
  hints.pin = at;
  std::atomic<const Root*>& place = impl_->pins[at].root;
  const Root* root = published_.load(std::memory_order_acquire);
  for (;;) {
    // seq_cst: the writer publishes, then reads the slots; we fill the slot, then read what is published.
    place.store(root, std::memory_order_seq_cst);
    const Root* again = published_.load(std::memory_order_seq_cst);
    if (again == root) break;
    root = again;
  }
  *slot = at;
  return root;
}

void Versions::unpin(uint32_t slot) {
  PinSlot& place = impl_->pins[slot];
  const bool old = place.root.load(std::memory_order_relaxed) != published_.load(std::memory_order_relaxed);
  place.root.store(nullptr, std::memory_order_release);
  place.used.store(false, std::memory_order_release);
  if (old) [[unlikely]]
    sweep();
}

AccessSlot* Versions::claim_access() {
  SlotHints& hints = slot_hints();
  const uint32_t at = impl_->access.claim(hints.access);
  if (at == SlotArray<AccessSlot>::kNone) return nullptr;
  hints.access = at;
  return &impl_->access[at];
}

void Versions::release_access(AccessSlot* slot) {
  leave(slot);
  slot->used.store(false, std::memory_order_release);
}

std::unique_ptr<WriteContext> Versions::begin() {
  auto lock = structure();
  std::lock_guard lock_roots(impl_->mutex);  // its base is the tip, and stays
  std::unique_ptr<WriteContext> context(new WriteContext(this));
  // Nobody waits for spare memory.
  if (std::unique_lock lock_spare(impl_->spare_mutex, std::try_to_lock); lock_spare.owns_lock()) {
    impl_->pieces.take_all(impl_->spare_pieces);
    context->retired_.swap(impl_->spare_retired);
  }
  context->made_.swap(impl_->spare_made);
  impl_->context = context.get();
  return context;
}

void Versions::prepare_commit(WriteContext& context) {
  auto structure_lock = structure();
  if (context.in_statement_) context.finish_locked();
  context.flush_discarded();
  if (context.committed_root_ == nullptr) context.committed_root_ = std::make_unique<Root>();
  std::lock_guard lock(impl_->mutex);
  if (impl_->roots.size() == impl_->roots.capacity()) impl_->roots.reserve(impl_->roots.size() * 2 + 4);
}

const Root* Versions::commit(std::unique_ptr<WriteContext> context, uint64_t version, const kv::Snapshot* snapshot) {
  const uint64_t stamp = context->root()->stamp;
  return commit_reading(std::move(context), version, snapshot, stamp, false);
}

const Root* Versions::commit_behind(std::unique_ptr<WriteContext> context, uint64_t version, bool cleared) {
  const Root* before = tip();
  return commit_reading(std::move(context), version, before->store_snapshot, before->stored_stamp,
                        before->nothing_stored || cleared);
}

const Root* Versions::commit_reading(std::unique_ptr<WriteContext> context, uint64_t version,
                                     const kv::Snapshot* snapshot, uint64_t stored_stamp, bool nothing_stored) {
  prepare_commit(*context);
  auto structure_lock = structure();
  WriteContext& c = *context;
  LiveRoot live;
  live.root = std::move(c.committed_root_);
  *live.root = std::move(c.root_);
  live.root->version = version;
  live.root->store_snapshot = snapshot;
  live.root->stored_stamp = stored_stamp;
  live.root->nothing_stored = nothing_stored;
  live.made = std::move(c.made_);
  live.retired = std::move(c.retired_);
  c.committed_ = true;
  const Root* root = live.root.get();
  std::lock_guard lock(impl_->mutex);
  impl_->context = nullptr;
  tip_.store(live.root.get(), std::memory_order_release);
  impl_->roots.push_back(std::move(live));
  return root;
}

std::unique_ptr<Root> Versions::prepare_renewal() {
  auto copy = std::make_unique<Root>(*tip());
  std::lock_guard lock(impl_->mutex);
  if (impl_->roots.size() == impl_->roots.capacity()) impl_->roots.reserve(impl_->roots.size() * 2 + 4);
  return copy;
}

void Versions::renew(std::unique_ptr<Root> copy, const kv::Snapshot* snapshot, uint64_t stored_stamp) {
  copy->store_snapshot = snapshot;
  copy->stored_stamp = stored_stamp;
  copy->nothing_stored = false;
  Garbage garbage;
  {
    std::lock_guard lock(impl_->mutex);
    LORA_DCHECK(impl_->roots.back().root->stamp == copy->stamp && impl_->roots.back().root.get() == published());
    const uint64_t stamp = copy->stamp;
    tip_.store(copy.get(), std::memory_order_release);
    set_published(copy.get());
    impl_->roots.push_back({std::move(copy), {}, {}});
    impl_->collect(stamp, published(), &garbage);
  }
  free_garbage(&garbage);
}

void Versions::publish(uint64_t version) {
  Garbage garbage;
  {
    std::lock_guard lock(impl_->mutex);
    const Root* before = published_.load(std::memory_order_relaxed);
    Root* newest = nullptr;
    for (LiveRoot& live : impl_->roots) {
      if (live.root->stamp > before->stamp && live.root->version <= version) newest = live.root.get();
    }
    if (newest == nullptr) return;
    set_published(newest);
    impl_->collect(before->stamp, newest, &garbage);
  }
  free_garbage(&garbage);
}

// One version after the other, the newest first: its nodes point into older ones, never the other way round.
void Versions::drop_unpublished() noexcept {
  auto structure_lock = structure();
  for (;;) {
    LiveRoot newest;
    {
      std::lock_guard lock(impl_->mutex);
      Root* published = published_.load(std::memory_order_relaxed);
      tip_.store(published, std::memory_order_release);
      if (impl_->roots.back().root.get() == published) return;
      newest = impl_->take_newest();
    }
    free_dropped(&newest);
  }
}

void Versions::free_dropped(LiveRoot* live) noexcept {
  uint64_t bytes = 0;
  // First what was loaded into the version's own nodes: one node has it, the others that know it have inherited it.
  for (Object* object : live->made) {
    if (object == nullptr || object->kind != ObjectKind::kTrieNode) continue;
    auto* node = static_cast<TrieNode*>(object);
    const uint64_t inherited = node->inherited.load(std::memory_order_relaxed);
    node->for_each_child([&](uint32_t i, Object* child) {
      if ((inherited >> i & 1) == 0) bytes += free_loaded(child);
    });
  }
  for (Object* object : live->made) {
    if (object != nullptr) bytes += free_object(object);
  }
  object_bytes_.fetch_sub(static_cast<int64_t>(bytes), std::memory_order_relaxed);
  impl_->release_snapshot(*live);
}

void Versions::sweep() {
  Garbage garbage;
  {
    std::unique_lock lock(impl_->mutex, std::try_to_lock);
    if (!lock.owns_lock()) return;
    const Root* published = published_.load(std::memory_order_relaxed);
    impl_->collect(published->stamp, published, &garbage);
  }
  free_garbage(&garbage);
}

void Versions::free_garbage(Garbage* garbage) {
  uint64_t bytes = free_epoch_retired(garbage->epoch_retired);
  constexpr size_t kCommitMax = 256;  // what a short transaction replaces; the memory of more is not worth keeping
  const bool has_trees =
      std::any_of(garbage->retired.begin(), garbage->retired.end(), [](const RetiredObject& e) { return e.tree; });
  if (garbage->retired.size() <= kCommitMax && !has_trees) {
    std::lock_guard lock(impl_->spare_mutex);
    for (const RetiredObject& e : garbage->retired) bytes += free_retired(e, &impl_->spare_pieces);
    Impl::keep_list(&garbage->retired, &impl_->spare_retired);
  } else {
    for (const RetiredObject& e : garbage->retired) bytes += free_retired(e);
  }
  if (bytes != 0) object_bytes_.fetch_sub(static_cast<int64_t>(bytes), std::memory_order_relaxed);
  for (const LiveRoot& live : garbage->dead) impl_->release_snapshot(live);
}

VersionsStats Versions::stats() {
  VersionsStats stats;
  stats.object_bytes = object_bytes();
  std::lock_guard lock(impl_->mutex);
  for (const RetiredObject& e : impl_->queue) stats.retired_bytes += e.tree ? 0 : e.object->bytes;
  for (const EpochRetired& e : impl_->epoch_retired) stats.retired_bytes += e.tree ? 0 : e.object->bytes;
  stats.live_roots = impl_->roots.size();
  impl_->pins.for_each([&stats](PinSlot& slot) {
    if (slot.root.load(std::memory_order_relaxed) != nullptr) ++stats.pinned_roots;
  });
  return stats;
}

}  // namespace lora::graph::cache
