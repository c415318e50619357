// Opening and closing a graph, versions for readers, and the way to the writer.
#include "graph/graph.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "graph/graph_impl.h"
#include "graph/transaction_impl.h"
#include "kv/contain.h"

namespace lora::graph {

using kv::Keyspace;

namespace {

constexpr uint64_t kCacheBytesMin = 64ull << 20;

uint64_t default_cache_bytes() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  const uint64_t memory = pages > 0 && page > 0 ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(page) : 0;
  return std::max(kCacheBytesMin, memory / 4);
}

// cache_bytes covers the hot form, the store's block cache and its memtables. The hot form answers queries, so it gets
// most; the store's parts have what they need to work, and more only when there is plenty.
struct Split {
  uint64_t hot, block_cache, memtables;
};
Split split_budget(uint64_t bytes, bool in_memory) {
  Split split{};
  split.memtables = std::clamp<uint64_t>(bytes / 8, 4ull << 20, 64ull << 20);
  // In memory the tables are memory already: the cache only saves decompression.
  split.block_cache = in_memory ? std::clamp<uint64_t>(bytes / 64, 1ull << 20, 16ull << 20)
                                : std::clamp<uint64_t>(bytes / 8, 8ull << 20, 1ull << 30);
  // The store's parts have least sizes, which a small budget does not cover: then they come on top of it.
  const uint64_t store = split.memtables + split.block_cache;
  split.hot = std::max<uint64_t>({bytes - std::min(bytes, store), bytes / 4 * 3, 1});
  return split;
}

Status closed_error() {
  return {ErrorCode::kClosed, "the graph is closed"};
}

}  // namespace

Graph::Graph() : impl_(std::make_unique<Impl>()) {}

Graph::~Graph() {
  const Status status = close();
  (void)status;  // who wants to know calls close()
}

// --- reading the stored state ---

Status Graph::Impl::load_catalog(const kv::Snapshot* snapshot, Root* root) {
  Catalog& catalog = this->catalog();
  for (int kind = 0; kind < kTokenKindCount; ++kind) {
    TokenTable& table = catalog.table(static_cast<TokenKind>(kind));
    kv::CursorOptions options;
    options.lower = {kMetaToken, static_cast<char>(kind)};
    options.upper = kv::prefix_end(options.lower);
    options.snapshot = snapshot;
    const std::unique_ptr<kv::Cursor> cursor = store->cursor(Keyspace::kMeta, options);
    uint32_t next = 0;
    for (cursor->seek_first(); cursor->valid(); cursor->next(), ++next) {
      const ByteView name = cursor->value();
      if (cursor->key() != meta_token_key(static_cast<TokenKind>(kind), next) || name.empty() ||
          name.size() > kNameBytesMax) {
        return damaged(Keyspace::kMeta, cursor->key(), "is not the next name of the catalog");
      }
      // A secondary reads the catalog again and again: what it knows is a prefix of what is there.
      if (next < table.size()) {
        if (table.name(next) != name) {
          return damaged(Keyspace::kMeta, cursor->key(), "is not the name it was");
        }
      } else if (table.find(name, table.size()) || !table.add(name)) {
        return damaged(Keyspace::kMeta, cursor->key(), "is a name that another token has");
      }
    }
    LORA_TRY(cursor->status());
    if (next < table.size()) {
      return Status::corruption("names of the catalog are missing");
    }
  }
  root->label_tokens = catalog.labels().size();
  root->type_tokens = catalog.types().size();
  root->key_tokens = catalog.keys().size();

  auto schema = std::make_shared<Schema>();
  schema->catalog = &catalog;
  const auto owner_name = [&](EntityKind entity, uint32_t token, std::string* out) {
    const TokenTable& table = entity == EntityKind::kNode ? catalog.labels() : catalog.types();
    if (token >= table.size()) {
      return false;
    }
    *out = table.name(token);
    return true;
  };
  const auto key_names = [&](const std::vector<KeyId>& keys, std::vector<std::string>* out) {
    out->clear();
    for (KeyId key : keys) {
      if (key.value >= catalog.keys().size()) {
        return false;
      }
      out->emplace_back(catalog.keys().name(key.value));
    }
    return true;
  };
  for (char kind : {kMetaIndex, kMetaConstraint}) {
    kv::CursorOptions options;
    options.lower = {kind};
    options.upper = kv::prefix_end(options.lower);
    options.snapshot = snapshot;
    const std::unique_ptr<kv::Cursor> cursor = store->cursor(Keyspace::kMeta, options);
    for (cursor->seek_first(); cursor->valid(); cursor->next()) {
      const ByteView key = cursor->key();
      const bool sized = key.size() == 5;
      const uint32_t number = sized ? kv::load_u32(key.data() + 1) : 0;
      if (kind == kMetaIndex) {
        IndexInfo info;
        if (!sized || !decode_index_definition(cursor->value(), &info) ||
            !owner_name(info.definition.entity, info.label_or_type, &info.definition.label_or_type) ||
            !key_names(info.keys, &info.definition.keys)) {
          return damaged(Keyspace::kMeta, key, "is not an index definition");
        }
        if (find_index_behaviour(info.definition.kind) == nullptr) {
          return Status::unsupported(
              fmt::format("index `{}` is of a kind that this program does not offer", info.definition.name));
        }
        info.id = IndexId(number);
        schema->indexes.push_back(std::move(info));
      } else {
        ConstraintInfo info;
        if (!sized || !decode_constraint_definition(cursor->value(), &info) ||
            !owner_name(info.definition.entity, info.label_or_type, &info.definition.label_or_type) ||
            !key_names(info.keys, &info.definition.keys) ||
            (info.owned_index.valid() && schema->find_index(info.owned_index) == nullptr)) {
          return damaged(Keyspace::kMeta, key, "is not a constraint definition");
        }
        info.number = number;
        schema->constraints.push_back(std::move(info));
      }
    }
    LORA_TRY(cursor->status());
  }
  root->schema = std::move(schema);
  return Status();
}

Status Graph::Impl::load_counters(const kv::Snapshot* snapshot, Root* root) {
  CommitPayload base;
  CommitPayload newest;
  std::string value;
  LORA_ASSIGN(const bool has_base, store->get(Keyspace::kMeta, kMetaCounterBaseKey, snapshot, &value));
  if (has_base && !decode_commit_payload(value, &base)) {
    return damaged(Keyspace::kMeta, kMetaCounterBaseKey, "is not a counter base");
  }
  LORA_ASSIGN(const std::string payload, store->last_payload(snapshot));
  if (!payload.empty() && !decode_commit_payload(payload, &newest)) {
    return Status::corruption("the commit record's payload is not the graph's counters");
  }
  root->nodes = newest.nodes;
  root->relationships = newest.relationships;
  root->next_node = newest.next_node;
  root->next_relationship = newest.next_relationship;
  root->schema_version = newest.schema_version;
  auto schema = std::make_shared<Schema>(*root->schema);
  schema->version = newest.schema_version;
  schema->next_index = static_cast<uint32_t>(newest.next_index);
  schema->next_constraint = static_cast<uint32_t>(newest.next_constraint);
  for (const IndexInfo& index : schema->indexes) {
    if (index.id.value >= schema->next_index) {
      return Status::corruption(fmt::format("index `{}` has a number that was not given out", index.definition.name));
    }
  }
  root->schema = std::move(schema);

  // Later entries win: the newest payload over the base.
  std::map<CounterKey, uint64_t> values;
  changed_counters.clear();
  for (const CommitPayload* from : {&base, &newest}) {
    for (const CounterEntry& entry : from->counters) {
      const bool label = entry.kind != CounterKind::kRelType && entry.kind != CounterKind::kIndexEntries;
      const bool type = entry.kind != CounterKind::kLabel && entry.kind != CounterKind::kIndexEntries;
      if ((label && entry.label >= root->label_tokens) || (type && entry.type >= root->type_tokens)) {
        return Status::corruption("a counter names a label or type that the catalog does not have");
      }
      const CounterKey key{entry.kind, entry.label, entry.type};
      values[key] = entry.value;
      if (from == &newest) {
        changed_counters.push_back(key);
      }
    }
  }
  std::sort(changed_counters.begin(), changed_counters.end());
  changed_counters.erase(std::unique(changed_counters.begin(), changed_counters.end()), changed_counters.end());
  statistics.clear();
  planned_counters = std::move(values);
  return Status();
}

void Graph::Impl::fill_counters(Root* root) {
  for (const auto& [key, value] : planned_counters) {
    switch (key.kind) {
      case CounterKind::kLabel: root->load_label_count(LabelId(key.label), value); break;
      case CounterKind::kRelType: root->load_type_count(RelTypeId(key.type), value); break;
      case CounterKind::kLabelTypeOut:
        root->load_triple_count(LabelId(key.label), RelTypeId(key.type), Direction::kOut, value);
        break;
      case CounterKind::kLabelTypeIn:
        root->load_triple_count(LabelId(key.label), RelTypeId(key.type), Direction::kIn, value);
        break;
      case CounterKind::kIndexEntries: statistics.set_entries(IndexId(key.label), value); break;
    }
  }
}

Status Graph::Impl::load_root(const kv::Snapshot* snapshot, Root* root) {
  root->store_snapshot = snapshot;
  root->version = store->last_commit();
  if (unwritten != nullptr && versions->tip() != nullptr) {
    root->version = versions->tip()->version + 1;  // the store counts what was written to it
  }
  std::string value;
  LORA_ASSIGN(const bool marked, store->get(Keyspace::kMeta, kMetaFormatKey, snapshot, &value));
  if (marked) {
    LORA_ASSIGN(const uint32_t format, decode_format_value(value));
    root->stored_columns = format >= kFormatVersion2;
    root->stored_heads = format >= kFormatVersion3;
    root->stored_groups = format >= kFormatVersion4;
  } else if (store->last_commit() != 0) {
    return damaged(Keyspace::kMeta, kMetaFormatKey, "is missing: the store holds something, but no graph");
  }
  LORA_TRY(load_catalog(snapshot, root));
  LORA_TRY(load_counters(snapshot, root));
  for (const IndexInfo& index : root->schema->indexes) {
    LORA_ASSIGN(const bool found,
                store->get(Keyspace::kMeta, meta_number_key(kMetaSketch, index.id.value), snapshot, &value));
    DistinctSketch sketch;
    if (found) {
      if (!sketch.assign(value)) {
        return damaged(Keyspace::kMeta, meta_number_key(kMetaSketch, index.id.value), "is not a sketch");
      }
      statistics.set_sketch(index.id, sketch, true);
    }
  }
  root->reserve(root->next_node, root->next_relationship, root->label_tokens, root->type_tokens,
                root->schema->next_index);
  fill_counters(root);
  return Status();
}

Result<std::unique_ptr<Graph>> Graph::open(const GraphOptions& options) {
  std::unique_ptr<Graph> graph(new Graph());
  Impl& in = *graph->impl_;
  in.options = options;
  in.secondary = options.store.secondary;
  const uint64_t budget = options.cache_bytes == 0 ? default_cache_bytes() : options.cache_bytes;
  const bool in_memory = options.store.directory.empty();
  const Split split = split_budget(budget, in_memory);
  in.options.cache_bytes = budget;
  in.options.store.block_cache_bytes = split.block_cache;
  in.options.store.memtable_bytes = split.memtables;
  LORA_ASSIGN(in.store, kv::open_store(in.options.store));
  const kv::Store* store = in.store.get();
  in.versions = std::make_unique<cache::Versions>([store](const kv::Snapshot* snapshot) {
    if (snapshot != nullptr) {
      store->release_snapshot(snapshot);
    }
  });
  // The hashes' share comes off what chunks may take, whether it is used or not; the degrees' when it is.
  in.hashes = std::make_unique<PropertyHashes>(split.hot / 8);
  in.degrees = std::make_unique<DegreeCache>(split.hot / 4);
  in.chunk_bytes = split.hot - split.hot / 8;
  in.budget = std::make_unique<cache::Budget>(in.versions.get(), in.chunk_bytes);
  if (in.options.write_behind_from_bytes == 0) {
    in.options.write_behind_from_bytes = in.chunk_bytes / 2;
  }

  if (in_memory) {
    in.unwritten = std::make_unique<Unwritten>();
  }
  if (in.store->last_commit() == 0 && !graph->read_only()) {
    // A new database: the format mark is the first commit.
    const std::unique_ptr<kv::WriteBatch> batch = in.store->batch();
    batch->put(Keyspace::kMeta, kMetaFormatKey, encode_format_value(kFormatVersion1));
    std::string payload;
    encode_commit_payload(CommitPayload(), &payload);
    LORA_ASSIGN(const uint64_t number, in.store->write(*batch, payload));
    LORA_TRY(in.store->wait_durable(number));
  }
  LORA_TRY(in.open_versions(false, true));
  return graph;
}

Status Graph::Impl::open_versions(bool again, bool new_catalog) {
  if (new_catalog) {
    catalogs.push_back(std::make_unique<Catalog>());
  }
  Root root;
  cache::ReservedTries reserved(root);
  const kv::Snapshot* snapshot = take_store_snapshot();
  Status status = contain([&]() -> Status {
    LORA_TRY(load_root(snapshot, &root));
    root.nothing_stored = unwritten != nullptr && root.nodes == 0 && root.relationships == 0;
    reserved.release();
    if (again) {
      hashes->clear();
      degrees->changed_all(versions->tip()->stamp + 1);  // what comes has this stamp or a later one
      versions->replace(std::move(root));
    } else {
      versions->open(std::move(root));
    }
    if (unwritten != nullptr) {
      const std::lock_guard lock(unwritten->mutex);
      unwritten->reset(*versions->tip());
    }
    return Status();
  });
  if (!status.ok() && snapshot != nullptr) {
    store->release_snapshot(snapshot);
  }
  return status;
}

// --- versions ---

namespace {

// 0 when the graph is closed or all pins are taken.
template <typename Read>
uint64_t published_value(Graph& graph, Read&& read) {
  uint32_t slot = 0;
  cache::Versions* versions = graph.impl()->versions.get();
  const Root* root = versions == nullptr ? nullptr : versions->pin(&slot);
  if (root == nullptr) {
    return 0;
  }
  const uint64_t value = read(*root);
  versions->unpin(slot);
  return value;
}

}  // namespace

Snapshot Graph::snapshot() {
  Snapshot out;
  if (impl_->versions == nullptr) {
    return out;
  }
  out.graph_ = this;
  out.root_ = impl_->versions->pin(&out.slot_);
  return out;
}

Snapshot::Snapshot(Snapshot&& other) noexcept : graph_(other.graph_), root_(other.root_), slot_(other.slot_) {
  other.root_ = nullptr;
}

Snapshot& Snapshot::operator=(Snapshot&& other) noexcept {
  std::swap(graph_, other.graph_);
  std::swap(root_, other.root_);
  std::swap(slot_, other.slot_);
  return *this;
}

Snapshot::~Snapshot() {
  if (root_ != nullptr) {
    graph_->impl()->versions->unpin(slot_);
  }
}

std::unique_ptr<Reader> Snapshot::reader() const {
  return std::unique_ptr<Reader>(new Reader(graph_, root_));
}

Reader Snapshot::read() const {
  return {graph_, root_};
}

uint64_t Snapshot::version() const {
  return root_ == nullptr ? 0 : root_->version;
}

uint64_t Graph::node_count() {
  return published_value(*this, [](const Root& root) { return root.nodes; });
}
uint64_t Graph::relationship_count() {
  return published_value(*this, [](const Root& root) { return root.relationships; });
}
uint64_t Graph::schema_version() {
  return impl_->versions == nullptr ? 0 : impl_->versions->published_schema_version();
}
uint64_t Graph::statistics_epoch() {
  return impl_->statistics_epoch.load(std::memory_order_relaxed);
}

void Graph::Impl::note_counters(const Root& root, const std::vector<CounterKey>& touched) {
  constexpr uint64_t kFactor = 10;
  bool moved = false;
  for (const CounterKey& key : touched) {
    const uint64_t now =
        key.kind == CounterKind::kIndexEntries ? statistics.entries(IndexId(key.label)) : counter_value(root, key);
    uint64_t& planned = planned_counters[key];
    if (now > kFactor * std::max<uint64_t>(planned, 10) || kFactor * now < planned) {
      planned = now;
      moved = true;
    }
  }
  if (moved) {
    statistics_epoch.fetch_add(1, std::memory_order_relaxed);
  }
}

// --- the writer ---

Status Graph::Impl::acquire_writer(std::chrono::steady_clock::time_point deadline, std::string_view owner,
                                   uint64_t owner_token, const std::function<Status()>& poll) {
  const auto fit = [this]() -> Status {
    if (closed.load(std::memory_order_acquire)) {
      return closed_error();
    }
    if (options.store.read_only || secondary) {
      return {ErrorCode::kReadOnly, "the database is open for reading only"};
    }
    if (broken.load(std::memory_order_acquire)) {
      return Status::internal(
          "the database takes no writes until it is opened again, since a load or commit failed half way");
    }
    return store->health();
  };
  LORA_TRY(fit());
  LORA_TRY(writer.acquire(deadline, owner, owner_token, poll));
  WriterHold hold(*this);
  LORA_TRY(fit());
  hold.pass_on();
  return Status();
}

Result<std::unique_ptr<Transaction>> Graph::begin_write(std::chrono::steady_clock::time_point deadline,
                                                        std::string_view owner, uint64_t owner_token,
                                                        const std::function<Status()>& poll) {
  Impl& in = *impl_;
  LORA_TRY(in.acquire_writer(deadline, owner, owner_token, poll));
  WriterHold hold(in);  // until the transaction has it
  std::unique_ptr<Transaction> transaction(new Transaction(this));
  Transaction::Impl& t = *transaction->impl_;
  // First what a rollback needs: the transaction may end right here, without memory.
  for (int kind = 0; kind < kTokenKindCount; ++kind) {
    t.tokens_at_begin[kind] = in.catalog().table(static_cast<TokenKind>(kind)).size();
  }
  t.context = in.versions->begin();
  hold.pass_on();
  Root& root = t.root();
  root.next_node = std::max(root.next_node, in.node_id_floor);
  root.next_relationship = std::max(root.next_relationship, in.relationship_id_floor);
  t.reader = std::unique_ptr<Reader>(new Reader(this, &root));
  t.reader->impl_ = std::make_unique<Reader::Impl>(&in);
  t.reader->impl_->context = t.context.get();
  t.reader->lasting_tokens_ = t.tokens_at_begin;
  return transaction;
}

void Graph::Impl::release_writer() noexcept {
  if (drop_unpublished.exchange(false, std::memory_order_acq_rel)) {
    versions->drop_unpublished();
  }
  writer.release();
}

// --- care ---

Status Graph::sync() {
  if (impl_->closed) {
    return closed_error();
  }
  return impl_->store->sync();
}

Status Graph::checkpoint(bool compact) {
  if (impl_->closed) {
    return closed_error();
  }
  if (!read_only()) {
    LORA_TRY(impl_->save_statistics());
    if (compact) LORA_TRY(impl_->drop_remains(*this));
  }
  return impl_->store->flush(compact);
}

// In memory columns are written by bulk loads and loaded snapshots alone, and the store is seldom asked.
Status Graph::Impl::drop_remains(Graph& graph) {
  if (unwritten != nullptr) {
    return Status();
  }
  std::chrono::seconds wait(0);  // for the writer: who finds it free at first lets others go between
  for (EntityKind kind : {EntityKind::kNode, EntityKind::kRelationship}) {
    for (uint64_t next = 0; next != kNoId;) {
      Result<std::unique_ptr<Transaction>> transaction =
          graph.begin_write(std::chrono::steady_clock::now() + wait, "a checkpoint", 0, {});
      if (!transaction.ok()) {
        return transaction.status().code() == ErrorCode::kTransaction ? Status() : transaction.status();
      }
      wait = std::chrono::seconds(5);
      LORA_ASSIGN(const bool found, (*transaction)->rewrite_blocks(kind, &next));
      if (found) LORA_TRY((*transaction)->commit().status());
    }
  }
  return Status();
}

// Sketches are no part of any transaction: a commit of their own, when the writer is free.
Status Graph::Impl::save_statistics() {
  if (store->in_memory()) {
    return Status();  // nobody will read them
  }
  if (!writer.try_acquire("saving statistics")) {
    return Status();
  }
  const WriterHold hold(*this);
  return contain([this] { return write_statistics(); });
}

Status Graph::Impl::write_statistics() {
  LORA_TRY(store->health());
  const std::vector<IndexStatistics::Saved> saved = statistics.take_unsaved();
  if (!saved.empty()) {
    const std::unique_ptr<kv::WriteBatch> batch = store->batch();
    const Root* tip = versions->tip();
    for (const IndexStatistics::Saved& entry : saved) {
      if (tip->schema->find_index(entry.index) != nullptr) {
        batch->put(Keyspace::kMeta, meta_number_key(kMetaSketch, entry.index.value), entry.sketch.bytes());
      }
    }
    std::string payload;
    encode_commit_payload(make_payload(*tip, statistics, changed_counters), &payload);
    std::unique_ptr<cache::WriteContext> context = versions->begin();
    versions->prepare_commit(*context);
    LORA_ASSIGN(const uint64_t number, store->write(*batch, payload));
    Status status = contain([&]() -> Status {
      versions->commit(std::move(context), number, take_store_snapshot());
      return store->wait_durable(number);
    });
    if (!status.ok()) {
      if (status.code() == ErrorCode::kMemoryLimit) broken.store(true, std::memory_order_release);
      drop_unpublished.store(true, std::memory_order_release);
      return status;
    }
    versions->publish(number);
  }
  return Status();
}

GraphStats Graph::stats() {
  GraphStats out;
  const cache::BudgetStats budget = impl_->budget->stats();
  const cache::VersionsStats versions = impl_->versions->stats();
  out.cache_bytes_used = versions.object_bytes + impl_->hashes->bytes() + impl_->degrees->bytes();
  if (impl_->unwritten != nullptr) {
    out.cache_bytes_used += impl_->unwritten->name_bytes.load(std::memory_order_relaxed);
  }
  out.cache_bytes_limit = impl_->chunk_bytes + impl_->hashes->bytes_max();
  out.retired_bytes = versions.retired_bytes;
  out.chunk_loads = budget.loads;
  out.chunk_evictions = budget.evictions;
  out.open_snapshots = versions.pinned_roots;
  out.commits = impl_->commits.load(std::memory_order_relaxed);
  out.store = impl_->store->stats();
  return out;
}

Status Graph::health() const {
  if (impl_->closed) {
    return closed_error();
  }
  return impl_->store->health();
}

kv::Store& Graph::store() {
  return *impl_->store;
}
const kv::RecoveryReport& Graph::recovery() const {
  return impl_->store->recovery();
}
bool Graph::read_only() const {
  return impl_->options.store.read_only || impl_->options.store.secondary;
}

Status Graph::catch_up() {
  if (!impl_->secondary) {
    return Status::config("only a secondary instance can catch up");
  }
  LORA_TRY(impl_->store->catch_up());
  // The names it knows are a prefix of those there are, unless the writer has loaded a snapshot meanwhile.
  Status status = impl_->open_versions(true, false);
  return status.code() == ErrorCode::kCorruption ? impl_->open_versions(true, true) : status;
}

void Graph::drop_cache() {
  static_cast<void>(impl_->write_all_behind());
  impl_->versions->sweep();
  impl_->degrees->clear();
  impl_->hashes->clear();
  impl_->budget->drop_all();
}

Status Graph::close() {
  Impl& in = *impl_;
  if (in.closed.exchange(true) || in.store == nullptr) {
    return Status();
  }
  Status saved;
  if (in.versions != nullptr && in.versions->published() != nullptr && !read_only() && in.store->health().ok()) {
    saved = in.save_statistics();
  }
  in.budget.reset();
  in.versions.reset();  // gives the store's snapshots back
  if (in.hashes != nullptr) in.hashes->clear();
  if (in.degrees != nullptr) in.degrees->clear();
  Status closed = in.store->close();
  return closed.ok() ? saved : closed;
}

}  // namespace lora::graph
