// From a transaction to a published version.
//
// With a log (on disk): encode, Store::write (or ingest), store snapshot, new tip, writer released, wait_durable,
// publish. A failure up to the write leaves nothing behind; a failed sync drops all versions that were not published.
// Memory that runs out before the write rolls back; after it, what was written cannot be shown, and the graph takes no
// writes until it is opened again.
//
// In memory: new tip, publish, writer released. The store is written behind (write_behind.h).
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

}  // namespace

Result<uint64_t> Transaction::commit() {
  Impl& in = *impl_;
  LORA_TRY(in.check_open());
  Status status = in.check_lists();
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
    return shared.write_changes(in.changes, in.root(), before, &in.base(), [&](bool columns, bool groups) {
      shared.versions->prepare_commit(*in.context);
      in.root().stored_columns |= columns;
      in.root().stored_heads |= columns;
      in.root().stored_groups |= groups;
    });
  });
  if (!number.ok()) {
    return number;
  }
  shared.note_degrees(in.changes, in.root().stamp);
  shared.note_changes(in.root(), in.changes);
  const uint64_t changed_chunks =
      in.changes.nodes.size() / 64 + in.changes.relationships.size() / 64 + in.changes.blocks.size() / 16;
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
  const uint64_t keys = changes.keys();
  const std::lock_guard lock(unwritten.mutex);
  const Root* before = graph.versions->tip();  // published, so it is there until `version` is
  LORA_TRY(contain([&] {
    graph.versions->prepare_commit(*context);
    graph.note_degrees(changes, root().stamp);
    graph.note_changes(root(), changes);
    unwritten.add_names(changes);
    return Status();
  }));
  unwritten.committed(changes.cleared);
  reader.reset();
  const Root* now = graph.versions->commit_behind(std::move(context), version, changes.cleared);
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
  static_cast<void>(contain([&] { return graph.write_some_behind(keys); }));
  return version;
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
