// From dirty names to one atomic write.
#include <algorithm>

#include "graph/changes.h"
#include "graph/entry_encoder.h"
#include "graph/graph_impl.h"
#include "kv/contain.h"

namespace lora::graph {

using cache::TopologyChunk;
using kv::Keyspace;

namespace {

// RocksDB's batches end at 4 GiB, and memory has to hold them.
constexpr size_t kBatchBytesMax = 256 << 20;
// What is more than memtables take together, but not less than this, goes into runs when it can.
constexpr size_t kBatchBytesOfRuns = 4 << 20;

}  // namespace

uint64_t counter_value(const Root& root, const CounterKey& key) {
  switch (key.kind) {
    case CounterKind::kLabel: return root.label_count(LabelId(key.label));
    case CounterKind::kRelType: return root.type_count(RelTypeId(key.type));
    case CounterKind::kLabelTypeOut: return root.triple_count(LabelId(key.label), RelTypeId(key.type), Direction::kOut);
    case CounterKind::kLabelTypeIn: return root.triple_count(LabelId(key.label), RelTypeId(key.type), Direction::kIn);
    case CounterKind::kIndexEntries: return 0;  // IndexStatistics has these
  }
  return 0;
}

namespace {

// Entries go into the batch, or, when there are many, into one sorted run per keyspace. Entries of a keyspace must then
// come in key order, which the sorted names give; removals always go to the batch, which the store writes after the
// runs.
class StoreOutput final : public EntryOutput {
 public:
  StoreOutput(kv::Store& store, kv::WriteBatch& batch) : store_(store), batch_(batch) {}
  // Before the first entry. The batch takes about `batch_bytes_max` bytes; what is more fails, and makes it full().
  void begin(bool runs, size_t batch_bytes_max) {
    use_runs_ = runs;
    batch_bytes_max_ = batch_bytes_max;
  }

  Status put(Keyspace space, ByteView key, ByteView value) override {
    if (!use_runs_) {
      if (batch_.byte_size() + value.size() > batch_bytes_max_) [[unlikely]] {
        full_ = true;
        return Status::limit("batch size", "too much for one batch");
      }
      batch_.put(space, key, value);
      return Status();
    }
    if (space != run_space_) LORA_TRY(end_of_kind());
    run_space_ = space;
    // Columns by their property come in between, and are a run of their own.
    std::unique_ptr<kv::SortedRun>& run = key.starts_with(kGroupedKeys) ? grouped_run_ : run_;
    if (run == nullptr) {
      LORA_ASSIGN(run, store_.sorted_run(space));
    }
    return run->add(key, value);
  }
  void remove(Keyspace space, ByteView key) override { batch_.remove(space, key); }
  Status end_of_kind() override {
    for (std::unique_ptr<kv::SortedRun>* run : {&run_, &grouped_run_}) {
      if (*run != nullptr && (*run)->count() != 0) runs_.push_back(std::move(*run));
      run->reset();
    }
    return Status();
  }
  bool full() const { return full_; }
  bool has_runs() const { return !runs_.empty(); }
  std::vector<std::unique_ptr<kv::SortedRun>> take_runs() { return std::move(runs_); }

 private:
  kv::Store& store_;
  kv::WriteBatch& batch_;
  bool use_runs_ = false;
  size_t batch_bytes_max_ = 0;
  bool full_ = false;
  std::unique_ptr<kv::SortedRun> run_, grouped_run_;
  Keyspace run_space_ = Keyspace::kMeta;
  std::vector<std::unique_ptr<kv::SortedRun>> runs_;
};

// The writer's buffers, for one commit. They are kept for the next one when it stands and was small; what memory that
// ran out, or another failure, has left in them is not used again.
class BorrowedBuffers {
 public:
  explicit BorrowedBuffers(Graph::Impl* graph) : slot_(graph->buffers) {
    if (slot_ == nullptr) {
      auto made = std::make_unique<CommitBuffers>();
      made->batch = graph->store->batch();
      slot_ = std::move(made);
    }
  }
  ~BorrowedBuffers() {
    if (!kept_) slot_.reset();
  }
  void keep() {
    constexpr size_t kKeptBytesMax = 64 << 10;
    EncoderBuffers& encoder = slot_->encoder;
    kept_ = slot_->batch->byte_size() <= kKeptBytesMax && encoder.bytes.capacity() <= kKeptBytesMax &&
            encoder.encoder.largest() <= kKeptBytesMax;
    slot_->batch->clear();
    encoder.properties.clear();
  }
  BorrowedBuffers(const BorrowedBuffers&) = delete;
  BorrowedBuffers& operator=(const BorrowedBuffers&) = delete;
  CommitBuffers* operator->() { return slot_.get(); }
  CommitBuffers& operator*() { return *slot_; }

 private:
  std::unique_ptr<CommitBuffers>& slot_;
  bool kept_ = false;
};

// Definitions that are new, gone or changed.
void put_schema(const Schema& before, const Schema& now, kv::WriteBatch& batch) {
  for (const IndexInfo& index : now.indexes) {
    if (before.find_index(index.id) == nullptr) {
      batch.put(Keyspace::kMeta, meta_number_key(kMetaIndex, index.id.value), encode_index_definition(index));
    }
  }
  for (const IndexInfo& index : before.indexes) {
    if (now.find_index(index.id) == nullptr) {
      batch.remove(Keyspace::kMeta, meta_number_key(kMetaIndex, index.id.value));
      batch.remove(Keyspace::kMeta, meta_number_key(kMetaSketch, index.id.value));
      const IndexPrefix prefix = index_prefix(index.id);
      batch.remove_range(Keyspace::kIndexes, prefix, kv::prefix_end(prefix));
    }
  }
  const auto find = [](const Schema& schema, uint32_t number) {
    return std::any_of(schema.constraints.begin(), schema.constraints.end(),
                       [&](const ConstraintInfo& c) { return c.number == number; });
  };
  for (const ConstraintInfo& constraint : now.constraints) {
    if (!find(before, constraint.number)) {
      batch.put(Keyspace::kMeta, meta_number_key(kMetaConstraint, constraint.number),
                encode_constraint_definition(constraint));
    }
  }
  for (const ConstraintInfo& constraint : before.constraints) {
    if (!find(now, constraint.number)) {
      batch.remove(Keyspace::kMeta, meta_number_key(kMetaConstraint, constraint.number));
    }
  }
}

void remove_all(kv::WriteBatch& batch) {
  // No key of these keyspaces is longer than an index entry; all begin below a run of FF.
  const std::string end(64, '\xff');
  for (Keyspace space :
       {Keyspace::kNodes, Keyspace::kRelationships, Keyspace::kAdjacency, Keyspace::kLabels, Keyspace::kIndexes}) {
    batch.remove_range(space, ByteView("\x00", 1), end);
  }
}

}  // namespace

CommitPayload make_payload(const Root& root, const IndexStatistics& statistics, const std::vector<CounterKey>& keys) {
  CommitPayload payload;
  payload.next_node = root.next_node;
  payload.next_relationship = root.next_relationship;
  payload.nodes = root.nodes;
  payload.relationships = root.relationships;
  payload.schema_version = root.schema_version;
  payload.next_index = root.schema->next_index;
  payload.next_constraint = root.schema->next_constraint;
  payload.counters.reserve(keys.size());
  for (const CounterKey& key : keys) {
    const uint64_t value =
        key.kind == CounterKind::kIndexEntries ? statistics.entries(IndexId(key.label)) : counter_value(root, key);
    payload.counters.push_back({key.kind, key.label, key.type, value});
  }
  return payload;
}

std::vector<CounterKey> all_counters(const Root& root, const IndexStatistics& statistics) {
  std::vector<CounterKey> keys;
  for (uint32_t l = 0; l < root.label_tokens; ++l) {
    if (root.label_count(LabelId(l)) != 0) {
      keys.push_back({CounterKind::kLabel, l, 0});
    }
  }
  for (uint32_t t = 0; t < root.type_tokens; ++t) {
    if (root.type_count(RelTypeId(t)) == 0) {
      continue;
    }
    keys.push_back({CounterKind::kRelType, 0, t});
    for (uint32_t l = 0; l < root.label_tokens; ++l) {
      for (Direction direction : {Direction::kOut, Direction::kIn}) {
        if (root.triple_count(LabelId(l), RelTypeId(t), direction) != 0) {
          keys.push_back({direction == Direction::kOut ? CounterKind::kLabelTypeOut : CounterKind::kLabelTypeIn, l, t});
        }
      }
    }
  }
  for (const IndexInfo& index : root.schema->indexes) {
    if (statistics.entries(index.id) != 0) {
      keys.push_back({CounterKind::kIndexEntries, index.id.value, 0});
    }
  }
  return keys;
}

Result<uint64_t> Graph::Impl::write_changes(Changes& changes, const Root& now, const StoredState& before,
                                            const Root* replaced,
                                            const std::function<void(bool columns, bool groups)>& ready) {
  BorrowedBuffers buffers(this);
  kv::WriteBatch* const batch = buffers->batch.get();
  const std::vector<uint64_t>& node_ids = changes.nodes.sort();
  const std::vector<uint64_t>& relationship_ids = changes.relationships.sort();
  const std::vector<DirtyBlock>& dirty_blocks = changes.blocks.sort();
  const std::vector<DirtyLabel>& dirty_labels = changes.labels.sort();
  for (auto& [id, dirty] : changes.indexes) {
    dirty.sort();
  }
  const bool cleared = changes.cleared;
  const EntryEncoder::Commit commit{*store, store->last_commit() + 1, replaced, changes, options.block_records_max};
  uint64_t keys = changes.keys();
  const bool schema_changed = now.schema != before.schema;
  if (schema_changed) {
    for (const IndexInfo& info : now.schema->indexes) {
      const cache::IndexTree* tree = now.find_index(info.id);
      keys += before.schema->find_index(info.id) == nullptr && tree != nullptr ? tree->entries : 0;
    }
  }
  bool columns_written = false, groups_written = false;
  // The batch is written after the runs, so a clear() in it would take the runs' entries with it: clear() and what
  // is written with it go through the batch.
  std::optional<StoreOutput> out;
  const auto encode = [&](bool as_runs) -> Status {
    out.emplace(*store, *batch);
    if (cleared) {
      remove_all(*batch);
    }
    EntryEncoder encoder(cleared, now, before, buffers->encoder, *out);
    encoder.write_for(&commit);
    if (!as_runs && keys > options.ingest_keys_min && !cleared) {
      const uint64_t entities = encoder.count_entities(EntityKind::kNode, node_ids) +
                                encoder.count_entities(EntityKind::kRelationship, relationship_ids);
      as_runs = keys - node_ids.size() - relationship_ids.size() + entities > options.ingest_keys_min;
    }
    out->begin(as_runs, cleared   ? ~size_t{0}
                        : as_runs ? kBatchBytesMax
                        : options.batch_bytes_max != 0
                            ? options.batch_bytes_max
                            : std::max<size_t>(kBatchBytesOfRuns, options.store.memtable_bytes));
    LORA_TRY(encoder.entities(EntityKind::kNode, node_ids));
    LORA_TRY(encoder.entities(EntityKind::kRelationship, relationship_ids));
    LORA_TRY(encoder.adjacency(dirty_blocks));
    LORA_TRY(encoder.labels(dirty_labels));
    for (const IndexInfo& info : now.schema->indexes) {  // ascending ids: key order
      if (before.schema->find_index(info.id) == nullptr) {
        LORA_TRY(encoder.whole_index(info));
      } else if (const auto it = changes.indexes.find(info.id.value); it != changes.indexes.end()) {
        LORA_TRY(encoder.index(info, it->second.entries));
      }
    }
    columns_written = encoder.columns_written();
    groups_written = encoder.groups_written();
    LORA_TRY(out->end_of_kind());
    encoder.tell_blocks();
    return Status();
  };
  Status encoded = encode(false);
  if (out->full()) {
    batch->clear();
    encoded = encode(true);
  }
  LORA_TRY(encoded);
  if ((groups_written && !now.stored_groups) || (columns_written && !now.stored_heads)) {
    batch->put(Keyspace::kMeta, kMetaFormatKey,
               encode_format_value(groups_written ? kFormatVersion4 : kFormatVersion3));
  }
  std::vector<std::pair<IndexId, uint64_t>> new_entries;  // exact numbers after this commit
  for (const IndexInfo& info : now.schema->indexes) {
    const auto it = changes.indexes.find(info.id.value);
    const bool changed = cleared || before.schema->find_index(info.id) == nullptr ||
                         (it != changes.indexes.end() && !it->second.entries.empty());
    const cache::IndexTree* tree = changed ? now.find_index(info.id) : nullptr;
    if (tree != nullptr) {
      new_entries.emplace_back(info.id, tree->entries);
      changes.counters.add({CounterKind::kIndexEntries, info.id.value, 0});
    }
  }

  const StoredState after = StoredState::of(now);
  for (int kind = 0; kind < kTokenKindCount; ++kind) {
    const TokenTable& table = now.schema->catalog->table(static_cast<TokenKind>(kind));
    for (uint32_t id = before.tokens[kind]; id < after.tokens[kind]; ++id) {
      batch->put(Keyspace::kMeta, meta_token_key(static_cast<TokenKind>(kind), id), table.name(id));
    }
  }
  if (schema_changed) {
    put_schema(*before.schema, *now.schema, *batch);
  }

  // Counters: those that differ from the stored base, or a new base.
  struct OldEntries {
    IndexStatistics& statistics;
    std::vector<std::pair<IndexId, uint64_t>> counts;
    ~OldEntries() {
      for (const auto& [id, count] : counts) statistics.set_entries(id, count);
    }
  } old_entries{statistics, {}};  // go back unless the write succeeds
  for (const auto& [id, count] : new_entries) {
    old_entries.counts.emplace_back(id, statistics.entries(id));
    statistics.set_entries(id, count);
  }
  const std::vector<CounterKey>& touched = changes.counters.sort();
  std::vector<CounterKey> differ;
  std::set_union(changed_counters.begin(), changed_counters.end(), touched.begin(), touched.end(),
                 std::back_inserter(differ));
  std::string payload;
  if (differ.size() > kPayloadCountersMax) {
    std::string base_bytes;
    encode_commit_payload(make_payload(now, statistics, all_counters(now, statistics)), &base_bytes);
    batch->put(Keyspace::kMeta, kMetaCounterBaseKey, base_bytes);
    differ.clear();
  }
  encode_commit_payload(make_payload(now, statistics, differ), &payload);

  // Here the write can still fail; what follows it must not.
  ready(columns_written, groups_written);
  Result<uint64_t> number =
      out->has_runs() ? store->ingest(out->take_runs(), *batch, payload) : store->write(*batch, payload);
  if (!number.ok()) {
    return number;
  }
  buffers.keep();
  old_entries.counts.clear();
  changed_counters = std::move(differ);
  return number;
}

Status Graph::Impl::write_removal(const Root& now) {
  const std::unique_ptr<kv::WriteBatch> batch = store->batch();
  remove_all(*batch);
  // A new base: nobody knows any more which counters were not zero before.
  std::string bytes;
  encode_commit_payload(make_payload(now, statistics, all_counters(now, statistics)), &bytes);
  batch->put(Keyspace::kMeta, kMetaCounterBaseKey, bytes);
  encode_commit_payload(make_payload(now, statistics, {}), &bytes);
  LORA_TRY(store->write(*batch, bytes).status());
  changed_counters.clear();
  return Status();
}

void Graph::Impl::note_degrees(const Changes& changes, uint64_t stamp) {
  if (changes.cleared) {
    degrees->changed_all(stamp);
    return;
  }
  uint64_t token = kNoId, index = kNoId;
  for (const DirtyBlock& block : changes.blocks.items()) {
    const uint64_t next_token = Root::topology_token(RelTypeId(block.type), static_cast<Direction>(block.direction));
    const uint64_t next_index = TopologyChunk::index_of(block.node);
    if (next_token == token && next_index == index) continue;
    token = next_token;
    index = next_index;
    degrees->changed(token, index, stamp);
  }
}

// The planner's sketches are estimates: a commit that finds no memory for them is none the less one.
void Graph::Impl::note_changes(const Root& now, Changes& changes) {
  static_cast<void>(contain([&]() -> Status {
    note_counters(now, changes.counters.sort());
    std::vector<ByteView> values;
    for (const auto& [id, dirty] : changes.indexes) {
      const cache::IndexTree* tree = now.find_index(IndexId(id));
      values.clear();
      for (const std::string& entry : dirty.entries) {
        if (tree != nullptr && tree->contains(entry)) {
          values.emplace_back(entry.data(), entry.size() - kIdBytes);
        }
      }
      statistics.add(IndexId(id), values);
    }
    return Status();
  }));
}

}  // namespace lora::graph
