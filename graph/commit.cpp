// From a transaction to a published version.
//
// With a log (on disk): encode, Store::write (or ingest), store snapshot, new tip, writer released, wait_durable,
// publish. A failure up to the write leaves nothing behind; a failed sync drops all versions that were not published.
// Memory that runs out before the write rolls back; after it, what was written cannot be shown, and the graph takes no
// writes until it is opened again.
//
// In memory: new tip, publish, writer released. The store is written behind, see Unwritten in changes.h.
#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "graph/transaction_impl.h"
#include "kv/contain.h"

namespace lora::graph {

namespace {

// The write stands, but showing it takes some hundred bytes more: without them the handle is lost, so they are asked
// for during a second.
Status take_snapshot_patiently(const Graph::Impl& graph, const kv::Snapshot** snapshot) {
  for (int attempt = 0;; ++attempt) {
    Status status = contain([&] {
      *snapshot = graph.take_store_snapshot();
      return Status();
    });
    if (status.code() != ErrorCode::kMemoryLimit || attempt == 100) return status;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

// Objects that commits may have made are an eighth of the budget at most before the store is written.
constexpr uint64_t kUnwrittenShare = 8;
// One batch holds 2 GiB at most; from here on the store gets sorted runs, however few keys they have.
constexpr uint64_t kLargeBytes = 256 << 20;

uint64_t chunks_of(const Changes& changes) {
  return changes.nodes.size() / 64 + changes.relationships.size() / 64 + changes.blocks.size() / 16;
}

}  // namespace

Result<uint64_t> Transaction::commit() {
  Impl& in = *impl_;
  LORA_TRY(in.check_open());
  Status status = in.check_dangling();
  if (status.ok()) {
    status = in.check_size();
  }
  if (status.ok()) {
    status = in.reader->status();
  }
  if (!status.ok()) {
    rollback();
    return status;
  }
  if (in.in_statement) {
    in.context->finish_statement();
    in.in_statement = false;
  }
  if (!in.changed()) {
    const uint64_t version = in.base().version;
    rollback();
    return version;
  }
  Result<uint64_t> number = in.shared->unwritten != nullptr ? in.commit_behind() : in.commit_through();
  if (!number.ok()) {
    rollback();
  }
  return number;
}

// A failure with `context` still there has left nothing behind.
Result<uint64_t> Transaction::Impl::commit_through() {
  Impl& in = *this;
  Graph::Impl& shared = *in.shared;
  Result<uint64_t> number = contain([&]() -> Result<uint64_t> {
    const Impl::Scope scope(in);
    StoredState before = StoredState::of(in.base());
    std::copy(std::begin(in.tokens_at_begin), std::end(in.tokens_at_begin), before.tokens.begin());
    return shared.write_changes(in.changes, in.root(), before, false,
                                [&] { shared.versions->prepare_commit(*in.context); });
  });
  if (!number.ok()) {
    return number;
  }
  shared.note_degrees(in.changes, in.root().stamp);
  shared.note_changes(in.root(), in.changes);
  const uint64_t changed_chunks = chunks_of(in.changes);
  in.reader.reset();
  const kv::Snapshot* snapshot = nullptr;
  Status durable = take_snapshot_patiently(shared, &snapshot);
  if (durable.ok()) {
    durable = contain([&] {
      shared.versions->commit(std::move(in.context), *number, snapshot);
      return Status();
    });
  }
  if (durable.ok()) {
    shared.commits.fetch_add(1, std::memory_order_relaxed);
  } else {
    shared.broken.store(true, std::memory_order_release);
  }
  in.end();
  if (durable.ok()) {
    durable = contain([&] { return shared.store->wait_durable(*number); });
    if (durable.code() == ErrorCode::kMemoryLimit) shared.broken.store(true, std::memory_order_release);
  }
  if (!durable.ok()) {
    shared.drop_unpublished.store(true, std::memory_order_release);
    // The next holder of the writer drops what was not published; if it is free, that is us.
    if (shared.writer.try_acquire("recovery from a failed sync")) {
      shared.release_writer();
    }
    return durable;
  }
  // Everybody sees it. What follows is care of the cache, which can wait for memory.
  static_cast<void>(contain([&] {
    shared.versions->publish(*number);
    // What was written may be evicted from now on.
    shared.make_room_for(changed_chunks);
    return Status();
  }));
  return *number;
}

// As above. Nothing fails once the version is the tip.
Result<uint64_t> Transaction::Impl::commit_behind() {
  Graph::Impl& graph = *shared;
  Unwritten& unwritten = *graph.unwritten;
  const uint64_t version = base().version + 1;
  const uint64_t made_bytes = context->bytes();
  const std::lock_guard lock(unwritten.mutex);
  const Root* before = graph.versions->tip();  // published, so it is there until `version` is
  LORA_TRY(contain([&] {
    graph.versions->prepare_commit(*context);
    graph.note_degrees(changes, root().stamp);
    graph.note_changes(root(), changes);
    unwritten.changes.take_names(changes);
    return Status();
  }));
  unwritten.changes.cleared |= changes.cleared;
  unwritten.commits += 1;
  unwritten.made_bytes += made_bytes;
  reader.reset();
  const Root* now = graph.versions->commit_behind(std::move(context), version);
  graph.commits.fetch_add(1, std::memory_order_relaxed);
  static_cast<void>(contain([&] {
    std::vector<CounterKey> grown;
    const auto no_eviction = graph.versions->structure();
    for (const IndexInfo& info : now->schema->indexes) {
      const cache::IndexTree* tree = now->find_index(info.id);
      if (tree != nullptr && tree != before->find_index(info.id)) {
        graph.statistics.set_entries(info.id, tree->entries);
        grown.push_back({CounterKind::kIndexEntries, info.id.value, 0});
      }
    }
    graph.note_counters(*now, grown);
    return Status();
  }));
  graph.versions->publish(version);
  end();
  // The commit stands; what follows can wait for memory, and for the next one.
  static_cast<void>(contain([&]() -> Status {
    return graph.write_behind_is_due() || graph.budget->make_room() ? graph.write_behind() : Status();
  }));
  return version;
}

// --- writing behind ---

bool Graph::Impl::write_behind_is_due() const {
  return unwritten->changes.keys() >= options.unwritten_keys_max ||
         unwritten->made_bytes >= budget->stats().limit_bytes / kUnwrittenShare;
}

Status Graph::Impl::write_behind() {
  if (unwritten->commits == 0) {
    return Status();
  }
  const uint64_t changed_chunks = chunks_of(unwritten->changes);
  return contain([&]() -> Status {
    Changes& changes = unwritten->changes;
    const Root& tip = *versions->tip();
    std::unique_ptr<Root> renewed = versions->prepare_renewal();
    if (changes.cleared) {
      // By itself, so that a load after it goes the way of large commits. Nobody looks at the store in between.
      LORA_TRY(write_removal(tip));
      changes.cleared = false;
      unwritten->stored.next_node = unwritten->stored.next_relationship = 0;
    }
    {
      const auto no_eviction = versions->structure();
      const bool large = unwritten->made_bytes > kLargeBytes;
      LORA_TRY(write_changes(changes, tip, unwritten->stored, large, [] {}).status());
    }
    // Without memory for the snapshot there is nothing to write next time, but a version to renew.
    changes = Changes();
    unwritten->stored = StoredState::of(tip);
    unwritten->made_bytes = 0;
    versions->renew(std::move(renewed), take_store_snapshot());
    unwritten->commits = 0;
    make_room_for(changed_chunks);
    return Status();
  });
}

void Graph::Impl::chunk_loaded() {
  if (budget->loaded() && unwritten != nullptr) [[unlikely]] {
    const std::unique_lock lock(unwritten->mutex, std::try_to_lock);
    if (lock.owns_lock()) {
      static_cast<void>(write_behind());
    }
  }
}

Status Graph::Impl::write_all_behind() {
  if (unwritten == nullptr) {
    return Status();
  }
  const std::lock_guard lock(unwritten->mutex);
  return write_behind();
}

Result<Snapshot> Graph::stored_snapshot() {
  if (impl_->unwritten == nullptr) {
    return snapshot();
  }
  const std::lock_guard lock(impl_->unwritten->mutex);
  LORA_TRY(impl_->write_behind());
  return snapshot();
}

// One call of the budget looks at 256 chunks; a large commit has made more.
void Graph::Impl::make_room_for(uint64_t changed_chunks) {
  for (uint64_t done = 0; done <= changed_chunks * 2; done += 256) {
    budget->make_room();
  }
}

void Transaction::Impl::end() {
  if (context != nullptr) {
    // Names that only this transaction knew are forgotten; ids it gave out are not given out again.
    shared->node_id_floor = std::max(shared->node_id_floor, root().next_node);
    shared->relationship_id_floor = std::max(shared->relationship_id_floor, root().next_relationship);
    for (int kind = 0; kind < kTokenKindCount; ++kind) {
      shared->catalog().table(static_cast<TokenKind>(kind)).truncate(tokens_at_begin[kind]);
    }
    reader.reset();
    context.reset();
    shared->versions->sweep();  // its base may have been renewed, and lived only for it
  }
  shared->release_writer();
}

void Transaction::rollback() {
  if (impl_->context != nullptr) {
    impl_->end();
  }
}

}  // namespace lora::graph
