// Saving a pinned version into a snapshot file, and replacing the graph by one.
//
// Loading streams the file into sorted runs, which the store does not show yet, and checks on the way everything that
// verify checks: each entry by itself, and the sections against each other (records with adjacency, labels, index
// entries and counters), by counts and sums of hashes. Only when all of it holds, one ingest replaces what was there:
// old keys that the file does not have are removed in the same atomic write. Files have records alone; blocks of many
// entities are put into the store as heads and columns (stored_heads.h).
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <map>

#include "graph/entry_encoder.h"
#include "graph/graph_impl.h"
#include "graph/index.h"
#include "graph/run_writer.h"
#include "graph/snapshot_file.h"
#include "graph/value_codec.h"
#include "graph/version_walk.h"
#include "kv/check.h"
#include "kv/contain.h"

namespace lora::graph {

using kv::Keyspace;

// --- saving ---

namespace {

// What one version holds, into a snapshot file: from the store, or from memory when the store has nothing of it.
class Saving {
  static constexpr size_t kReadaheadBytes = 1 << 20;
  static constexpr uint64_t kStepsBetweenPolls = 1024;

 public:
  Saving(Graph::Impl& graph, const Root& root, SnapshotFileWriter& writer, const std::function<Status()>& poll)
      : graph_(graph), root_(root), writer_(writer), poll_(poll) {}

  Status run() {
    LORA_TRY(root_.nothing_stored ? names_from_memory() : names_from_store());
    // Entries of indexes are not versioned counters: whoever reads the file counts them.
    std::vector<CounterKey> keys = all_counters(root_, graph_.statistics);
    std::erase_if(keys, [](const CounterKey& key) { return key.kind == CounterKind::kIndexEntries; });
    std::string payload;
    encode_commit_payload(make_payload(root_, graph_.statistics, keys), &payload);
    LORA_TRY(writer_.add(SnapshotSection::kCounters, {}, payload));
    return root_.nothing_stored ? entities_from_memory() : entities_from_store();
  }

 private:
  Status names_from_store() {
    const auto table = [](char c) { return std::string(1, c); };
    LORA_TRY(copy(SnapshotSection::kNames, Keyspace::kMeta, table(kMetaToken), table(kMetaToken + 1)));
    return copy(SnapshotSection::kDefinitions, Keyspace::kMeta, table(kMetaIndex), table(kMetaConstraint + 1));
  }

  Status entities_from_store() {
    LORA_TRY(records(EntityKind::kNode, SnapshotSection::kNodes));
    LORA_TRY(records(EntityKind::kRelationship, SnapshotSection::kRelationships));
    LORA_TRY(copy(SnapshotSection::kAdjacency, Keyspace::kAdjacency, {}, {}));
    LORA_TRY(copy(SnapshotSection::kLabels, Keyspace::kLabels, {}, {}));
    return copy(SnapshotSection::kIndexes, Keyspace::kIndexes, {}, {});
  }

  // Files have no columns and heads: what these hold goes into records, which do not say when they were written.
  Status records(EntityKind kind, SnapshotSection section) {
    const Keyspace space = space_of(kind);
    if (!root_.stored_columns) return copy(section, space, {}, {});
    StoredEntities entities(graph_.store.get());
    entities.begin(root_, kind, {.readahead_bytes = kReadaheadBytes});
    RecordEncoder encoder;
    for (uint64_t steps = 1;; ++steps) {
      LORA_ASSIGN(const bool more, entities.next());
      if (!more) return Status();
      entities.apply();
      const StoredRelationship& relationship = entities.relationship();
      LORA_ASSIGN(const ByteView record, kind == EntityKind::kNode
                                             ? encoder.node(entities.node().labels, entities.properties())
                                             : encoder.relationship(relationship.type, relationship.start,
                                                                    relationship.end, entities.properties()));
      LORA_TRY(writer_.add(section, id_key(entities.id()), record));
      if (steps % kStepsBetweenPolls == 0 && poll_) LORA_TRY(poll_());
    }
  }

  Status copy(SnapshotSection section, Keyspace space, std::string lower, std::string upper) {
    return walk(space, std::move(lower), std::move(upper),
                [&](ByteView key, ByteView value) { return writer_.add(section, key, value); });
  }

  template <typename Visit>
  Status walk(Keyspace space, std::string lower, std::string upper, Visit&& visit) {
    kv::CursorOptions range;
    range.lower = std::move(lower);
    range.upper = std::move(upper);
    range.snapshot = root_.store_snapshot;
    range.fill_cache = false;
    range.readahead_bytes = kReadaheadBytes;
    const std::unique_ptr<kv::Cursor> cursor = graph_.store->cursor(space, range);
    uint64_t steps = 0;
    for (cursor->seek_first(); cursor->valid(); cursor->next()) {
      LORA_TRY(visit(cursor->key(), cursor->value()));
      if (++steps % kStepsBetweenPolls == 0 && poll_) {
        LORA_TRY(poll_());
      }
    }
    return cursor->status();
  }

  Status names_from_memory() {
    const Schema& schema = *root_.schema;
    const std::array<uint32_t, kTokenKindCount> tokens = StoredState::of(root_).tokens;
    for (int kind = 0; kind < kTokenKindCount; ++kind) {
      const TokenTable& table = schema.catalog->table(static_cast<TokenKind>(kind));
      for (uint32_t id = 0; id < tokens[kind]; ++id) {
        LORA_TRY(
            writer_.add(SnapshotSection::kNames, meta_token_key(static_cast<TokenKind>(kind), id), table.name(id)));
      }
    }
    std::map<std::string, std::string> definitions;
    for (const IndexInfo& index : schema.indexes) {
      definitions.emplace(meta_number_key(kMetaIndex, index.id.value), encode_index_definition(index));
    }
    for (const ConstraintInfo& constraint : schema.constraints) {
      definitions.emplace(meta_number_key(kMetaConstraint, constraint.number),
                          encode_constraint_definition(constraint));
    }
    for (const auto& [key, value] : definitions) {
      LORA_TRY(writer_.add(SnapshotSection::kDefinitions, key, value));
    }
    return Status();
  }

  Status entities_from_memory() {
    class Output final : public EntryOutput {
     public:
      explicit Output(SnapshotFileWriter& writer) : writer_(writer) {}
      Status put(Keyspace space, ByteView key, ByteView value) override {
        return writer_.add(section_of(space), key, value);
      }
      void remove(Keyspace, ByteView) override { LORA_DCHECK(false); }  // the version has all that is named

     private:
      static SnapshotSection section_of(Keyspace space) {
        switch (space) {
          case Keyspace::kNodes: return SnapshotSection::kNodes;
          case Keyspace::kRelationships: return SnapshotSection::kRelationships;
          case Keyspace::kAdjacency: return SnapshotSection::kAdjacency;
          case Keyspace::kLabels: return SnapshotSection::kLabels;
          default: return SnapshotSection::kIndexes;
        }
      }
      SnapshotFileWriter& writer_;
    };
    constexpr uint64_t kNamesMax = 4096;
    // Chunks of the version stay, but empty ones that readers have made may go.
    struct Access {
      cache::Versions& versions;
      cache::AccessSlot* slot = versions.claim_access();
      ~Access() {
        if (slot != nullptr) versions.release_access(slot);
      }
      void enter_anew() {
        versions.leave(slot);
        versions.enter(slot);
      }
    } access{*graph_.versions};
    if (access.slot == nullptr) {
      return Status::limit("readers", "too many readers are open");
    }
    std::vector<IndexId> indexes;
    for (const IndexInfo& info : root_.schema->indexes) {
      indexes.push_back(info.id);
    }
    const StoredState nothing;
    EncoderBuffers buffers;
    Output out(writer_);
    EntryEncoder encoder(true, root_, nothing, buffers, out);
    VersionWalk walk(std::move(indexes));
    Changes names;
    for (;;) {
      names.clear();
      access.enter_anew();
      if (!walk.next(root_, kNamesMax, &names)) {
        return Status();
      }
      LORA_TRY(encoder.entities(EntityKind::kNode, names.nodes.sort()));
      LORA_TRY(encoder.entities(EntityKind::kRelationship, names.relationships.sort()));
      LORA_TRY(encoder.adjacency(names.blocks.sort()));
      LORA_TRY(encoder.labels(names.labels.sort()));
      for (const IndexInfo& info : root_.schema->indexes) {
        if (const auto it = names.indexes.find(info.id.value); it != names.indexes.end()) {
          LORA_TRY(encoder.index(info, it->second.entries));
        }
      }
      if (poll_) {
        LORA_TRY(poll_());
      }
    }
  }

  Graph::Impl& graph_;
  const Root& root_;
  SnapshotFileWriter& writer_;
  const std::function<Status()>& poll_;
};

}  // namespace

Result<SnapshotFileMeta> Graph::save_snapshot(const SnapshotSaveOptions& options, const ByteSink& sink,
                                              const std::function<Status()>& poll) {
  Impl& in = *impl_;
  if (in.closed) {
    return Status(ErrorCode::kClosed, "the graph is closed");
  }
  Snapshot pinned = snapshot();
  if (pinned.root_ != nullptr && !pinned.root_->nothing_stored) {
    LORA_ASSIGN(pinned, stored_snapshot());
  }
  if (pinned.root_ == nullptr) {
    return Status::limit("readers", "too many readers are open");
  }
  const Root& root = *pinned.root_;
  SnapshotFileMeta meta;
  meta.format_version = kSnapshotVersion;
  meta.node_count = root.nodes;
  meta.relationship_count = root.relationships;
  if (!in.store->in_memory()) {
    meta.wal_lsn = root.version;
  }
  SnapshotFileWriter writer(sink);
  LORA_TRY(writer.begin(meta, options));
  LORA_TRY(Saving(in, root, writer, poll).run());
  LORA_TRY(writer.finish());
  return meta;
}

// --- loading ---

namespace {

Status wrong(std::string what) {
  return Status::corruption("snapshot file: " + std::move(what));
}

struct SetSum {
  uint64_t count = 0, sum = 0;
  void add(ByteView bytes) {
    ++count;
    sum += XXH3_64bits(bytes.data(), bytes.size());
  }
  void add(uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    const uint64_t words[4] = {a, b, c, d};
    add({reinterpret_cast<const char*>(words), sizeof(words)});
  }
  friend bool operator==(const SetSum&, const SetSum&) = default;
};

// Old keys that are not in the file: removed one by one, or as ranges where no new key lies between.
class Replacement {
 public:
  // Of the keys below kGroupedKeys, or of the others.
  Replacement(kv::Store& store, kv::WriteBatch& batch, Keyspace space, bool grouped) : batch_(batch), space_(space) {
    kv::CursorOptions options;
    const bool entities = space == Keyspace::kNodes || space == Keyspace::kRelationships;
    if (entities) (grouped ? options.lower : options.upper) = kGroupedKeys;
    options.fill_cache = false;
    options.readahead_bytes = 1u << 20;
    cursor_ = store.cursor(space, options);
    cursor_->seek_first();
  }
  void put(ByteView key) {
    while (cursor_->valid() && cursor_->key() < key) {
      remove();
    }
    flush();
    if (cursor_->valid() && cursor_->key() == key) {
      cursor_->next();
    }
  }
  Status finish() {
    while (cursor_->valid()) {
      remove();
    }
    flush();
    return cursor_->status();
  }

 private:
  void remove() {
    if (first_.empty()) {
      first_.assign(cursor_->key());
    }
    last_.assign(cursor_->key());
    cursor_->next();
  }
  void flush() {
    if (first_.empty()) {
      return;
    }
    if (first_ == last_) {
      batch_.remove(space_, first_);
    } else {
      batch_.remove_range(space_, first_, last_ + '\0');
    }
    first_.clear();
  }

  kv::WriteBatch& batch_;
  Keyspace space_;
  std::unique_ptr<kv::Cursor> cursor_;
  std::string first_, last_;
};

class SnapshotLoad {
 public:
  SnapshotLoad(Graph::Impl& shared, kv::WriteBatch& batch)
      : shared_(shared), batch_(batch), runs_(shared.store.get()), grouped_runs_(shared.store.get(), 1) {}

  Status run(SnapshotFileReader& reader, const SnapshotFileMeta& meta, const std::function<Status()>& poll) {
    SnapshotFileReader::Entry entry;
    uint64_t steps = 0;
    while (true) {
      LORA_TRY(reader.next(&entry));
      LORA_TRY(enter(entry.section));
      if (entry.section == SnapshotSection::kEnd) {
        break;
      }
      LORA_TRY(take(entry));
      if (++steps % 1024 == 0 && poll) {
        LORA_TRY(poll());
      }
    }
    if (!has_counters_) {
      return wrong("has no counters");
    }
    if (meta.node_count != payload_.nodes || meta.relationship_count != payload_.relationships) {
      return wrong("the header's counts are not the counters'");
    }
    return check_sets();
  }

  Result<std::vector<std::unique_ptr<kv::SortedRun>>> finish_runs() {
    LORA_ASSIGN(std::vector<std::unique_ptr<kv::SortedRun>> all, runs_.finish());
    LORA_ASSIGN(std::vector<std::unique_ptr<kv::SortedRun>> grouped, grouped_runs_.finish());
    std::move(grouped.begin(), grouped.end(), std::back_inserter(all));
    return all;
  }
  bool heads_written() const { return heads_written_; }
  CommitPayload& payload() { return payload_; }

 private:
  // Sections come in order: finishes the one before and starts the next.
  Status enter(SnapshotSection section) {
    if (section == section_ && started_) {
      return Status();
    }
    LORA_TRY(end_block());
    if (replacement_ != nullptr) {
      LORA_TRY(grouped_.flush([this](ByteView key, ByteView value) { return put_grouped(key, value); }));
      LORA_TRY(replacement_->finish());
      replacement_.reset();
      if (grouped_replacement_ != nullptr) LORA_TRY(grouped_replacement_->finish());
      grouped_replacement_.reset();
    }
    // Keyspaces whose sections were empty lose what they hold.
    for (auto next = static_cast<int>(SnapshotSection::kNodes); next <= static_cast<int>(SnapshotSection::kIndexes);
         ++next) {
      const auto passed = static_cast<SnapshotSection>(next);
      if (passed < section && passed > section_) {
        for (const bool grouped : {false, true}) {
          if (grouped && passed > SnapshotSection::kRelationships) break;
          Replacement gone(*shared_.store, batch_, space_of(passed), grouped);
          LORA_TRY(gone.finish());
        }
      }
    }
    if (section >= SnapshotSection::kNodes && section <= SnapshotSection::kIndexes) {
      if (!has_counters_) {
        return wrong("has no counters");
      }
      replacement_ = std::make_unique<Replacement>(*shared_.store, batch_, space_of(section), false);
      if (section <= SnapshotSection::kRelationships) {
        grouped_replacement_ = std::make_unique<Replacement>(*shared_.store, batch_, space_of(section), true);
      }
    }
    section_ = section;
    started_ = true;
    return Status();
  }
  static Keyspace space_of(SnapshotSection section) {
    switch (section) {
      case SnapshotSection::kNodes: return Keyspace::kNodes;
      case SnapshotSection::kRelationships: return Keyspace::kRelationships;
      case SnapshotSection::kAdjacency: return Keyspace::kAdjacency;
      case SnapshotSection::kLabels: return Keyspace::kLabels;
      default: return Keyspace::kIndexes;
    }
  }

  Status take(const SnapshotFileReader::Entry& entry) {
    switch (entry.section) {
      case SnapshotSection::kNames: LORA_TRY(name(entry)); return meta(entry);
      case SnapshotSection::kDefinitions: LORA_TRY(definition(entry)); return meta(entry);
      case SnapshotSection::kCounters: return counters(entry);
      case SnapshotSection::kNodes: LORA_TRY(node(entry)); return keep(entry);
      case SnapshotSection::kRelationships: LORA_TRY(relationship(entry)); return keep(entry);
      case SnapshotSection::kAdjacency: LORA_TRY(adjacency(entry)); break;
      case SnapshotSection::kLabels: LORA_TRY(labels(entry)); break;
      case SnapshotSection::kIndexes: LORA_TRY(index(entry)); break;
      case SnapshotSection::kEnd: break;
    }
    return put(entry.key, entry.value);
  }
  Status put(ByteView key, ByteView value) {
    replacement_->put(key);
    return runs_.put(space_of(section_), key, value);
  }
  Status put_grouped(ByteView key, ByteView value) {
    grouped_replacement_->put(key);
    return grouped_runs_.put(space_of(section_), key, value);
  }
  // The entity that was decoded, in a block of many as a head and columns.
  Status keep(const SnapshotFileReader::Entry& entry) {
    constexpr size_t kKeptBytesMax = 256 << 10;  // more is hardly ever kept as columns
    const uint64_t id = load_id(entry.key.data());
    const uint64_t index = cache::EntityBlock::index_of(id);
    if (index != kept_.index) {
      LORA_TRY(end_block());
      kept_.index = index;
    }
    if (kept_.as_records) return put(entry.key, entry.value);
    kept_.bytes.append(entry.value);
    kept_.records.push_back({id, kept_.bytes.size()});
    if (kept_.bytes.size() > kKeptBytesMax) {
      kept_.as_records = true;
      static_cast<void>(kept_.block.finish());
      return put_records();
    }
    const uint32_t row = cache::EntityBlock::row_of(id);
    if (section_ == SnapshotSection::kNodes) {
      kept_.block.add_node(row, node_.labels, node_.properties);
    } else {
      kept_.block.add_relationship(row, relationship_.type, relationship_.start, relationship_.end,
                                   relationship_.properties);
    }
    return Status();
  }
  Status end_block() {
    const uint64_t first = std::exchange(kept_.index, kNoId) * cache::EntityBlock::kRows;
    kept_.as_records = false;
    if (kept_.records.empty()) return Status();
    const cache::Loaded<cache::EntityBlock> block = kept_.block.finish();
    if (kept_.records.size() < shared_.options.block_records_max || !ColumnChanges::fit(*block)) return put_records();
    kept_.records.clear();
    kept_.bytes.clear();
    heads_written_ = true;
    std::vector<KeyId> columns;
    for (const cache::EntityBlock::ColumnSlot& slot : block->columns()) {
      constexpr uint64_t kWritten = 1;  // before all that is written later
      LORA_TRY(encode_column(slot.column, kWritten, &bytes_));
      LORA_TRY(grouped_.add(cache::EntityBlock::index_of(first), slot.key, bytes_,
                            [this](ByteView key, ByteView value) { return put_grouped(key, value); }));
      columns.push_back(slot.key);
    }
    const EntityKind kind = section_ == SnapshotSection::kNodes ? EntityKind::kNode : EntityKind::kRelationship;
    head_.encode(kind, *block, columns, &bytes_);
    return put(column_key(first, kHeadKey), bytes_);
  }
  Status put_records() {
    size_t begin = 0;
    for (const auto& [id, end] : kept_.records) {
      LORA_TRY(put(id_key(id), ByteView(kept_.bytes).substr(begin, end - begin)));
      begin = end;
    }
    kept_.records.clear();
    kept_.bytes.clear();
    return Status();
  }
  Status meta(const SnapshotFileReader::Entry& entry) {
    batch_.put(Keyspace::kMeta, entry.key, entry.value);
    return Status();
  }

  Status name(const SnapshotFileReader::Entry& entry) {
    if (entry.key.size() != 6 || static_cast<uint8_t>(entry.key[1]) >= kTokenKindCount) {
      return wrong("a name's key is none");
    }
    const auto kind = static_cast<TokenKind>(entry.key[1]);
    TokenTable& table = names_.table(kind);
    if (entry.key != meta_token_key(kind, table.size()) || entry.value.empty() || entry.value.size() > kNameBytesMax ||
        table.find(entry.value, table.size()) || !table.add(entry.value)) {
      return wrong("a name is out of order, empty, too long or there twice");
    }
    limits_ = {names_.labels().size(), names_.types().size(), names_.keys().size()};
    return Status();
  }

  Status definition(const SnapshotFileReader::Entry& entry) {
    if (entry.key.size() != 5) {
      return wrong("a definition's key is none");
    }
    const uint32_t number = kv::load_u32(entry.key.data() + 1);
    const auto fits = [&](EntityKind entity, uint32_t owner, const std::vector<KeyId>& keys) {
      return owner < (entity == EntityKind::kNode ? limits_.labels : limits_.types) &&
             std::all_of(keys.begin(), keys.end(), [&](KeyId key) { return key.value < limits_.keys; });
    };
    const auto taken = [&](const std::string& name) {
      return schema_.find_index(name) != nullptr || schema_.find_constraint(name) != nullptr;
    };
    if (entry.key[0] == kMetaIndex) {
      IndexInfo info;
      if (!decode_index_definition(entry.value, &info) ||
          !fits(info.definition.entity, info.label_or_type, info.keys) || taken(info.definition.name)) {
        return wrong("an index definition is none, or its name is there twice");
      }
      if (find_index_behaviour(info.definition.kind) == nullptr) {
        return Status::unsupported(fmt::format("the snapshot has an index of kind {}, which is not offered",
                                               index_kind_name(info.definition.kind)));
      }
      info.id = IndexId(number);
      schema_.indexes.push_back(std::move(info));
    } else if (entry.key[0] == kMetaConstraint) {
      ConstraintInfo info;
      if (!decode_constraint_definition(entry.value, &info) ||
          !fits(info.definition.entity, info.label_or_type, info.keys)) {
        return wrong("a constraint definition is none");
      }
      if (info.definition.kind != ConstraintKind::kUnique) {
        return Status::unsupported("the snapshot has a constraint of a kind that is not offered");
      }
      info.number = number;
      const IndexInfo* owned = schema_.find_index(info.owned_index);
      if (owned == nullptr || !owned->unique || owned->owning_constraint != info.definition.name ||
          owned->label_or_type != info.label_or_type || owned->keys != info.keys ||
          schema_.find_constraint(info.definition.name) != nullptr) {
        return wrong("a constraint does not have its index");
      }
      schema_.constraints.push_back(std::move(info));
    } else {
      return wrong("a definition's key is none");
    }
    return Status();
  }

  Status counters(const SnapshotFileReader::Entry& entry) {
    if (has_counters_ || !entry.key.empty() || !decode_commit_payload(entry.value, &payload_)) {
      return wrong("the counters are none");
    }
    for (const CounterEntry& counter : payload_.counters) {
      const CounterKey key{counter.kind, counter.label, counter.type};
      const bool typed = counter.kind != CounterKind::kLabel;
      const bool labelled = counter.kind != CounterKind::kRelType;
      if (counter.kind == CounterKind::kIndexEntries || (labelled && counter.label >= limits_.labels) ||
          (typed && counter.type >= limits_.types) || counter.value == 0 ||
          !declared_.emplace(key, counter.value).second) {
        return wrong("a counter is unknown, zero or there twice");
      }
    }
    for (const IndexInfo& info : schema_.indexes) {
      if (info.id.value >= payload_.next_index) {
        return wrong("an index has a number that was not given out");
      }
      if (info.unique && std::none_of(schema_.constraints.begin(), schema_.constraints.end(),
                                      [&](const ConstraintInfo& c) { return c.owned_index == info.id; })) {
        return wrong("a unique index has no constraint");
      }
    }
    for (const ConstraintInfo& info : schema_.constraints) {
      if (info.number >= payload_.next_constraint) {
        return wrong("a constraint has a number that was not given out");
      }
    }
    has_counters_ = true;
    return Status();
  }

  template <typename HasOwner>
  Status expect_entries(EntityKind kind, uint64_t id, const std::vector<Property>& properties, HasOwner&& has_owner) {
    for (const IndexInfo& info : schema_.indexes) {
      if (info.definition.entity != kind || !has_owner(info.label_or_type)) {
        continue;
      }
      bool indexed = false;
      const auto value = [&](KeyId key) {
        const auto it =
            std::find_if(properties.begin(), properties.end(), [&](const Property& p) { return p.key == key; });
        return it == properties.end() ? Value() : it->value;
      };
      LORA_TRY(find_index_behaviour(info.definition.kind)->encode(info, value, &bytes_, &indexed));
      if (indexed) {
        const size_t size = bytes_.size();
        bytes_.resize(size + kIdBytes);
        store_id(bytes_.data() + size, id);
        expected_[info.id.value].add(bytes_);
      }
    }
    return Status();
  }

  Status node(const SnapshotFileReader::Entry& entry) {
    uint64_t id = 0;
    if (!parse_id_key(entry.key, &id) || id >= payload_.next_node) {
      return wrong("a node's id was not given out");
    }
    LORA_TRY(decode_node(entry.key, entry.value, limits_, &node_));
    if (node_.written != 0) {
      return wrong("a node's record names a commit");
    }
    const auto [it, fresh] = label_sets_.emplace(node_.labels, static_cast<uint32_t>(label_sets_.size()));
    if (fresh) {
      label_set_list_.push_back(&it->first);
    }
    nodes_.push_back({id, it->second});
    for (LabelId label : node_.labels) {
      counted_[{CounterKind::kLabel, label.value, 0}] += 1;
      node_labels_.add(label.value, id, 0, 0);
    }
    return expect_entries(EntityKind::kNode, id, node_.properties, [&](uint32_t label) {
      return std::binary_search(node_.labels.begin(), node_.labels.end(), LabelId(label));
    });
  }

  Status relationship(const SnapshotFileReader::Entry& entry) {
    uint64_t id = 0;
    if (!parse_id_key(entry.key, &id) || id >= payload_.next_relationship) {
      return wrong("a relationship's id was not given out");
    }
    LORA_TRY(decode_relationship(entry.key, entry.value, limits_, &relationship_));
    if (relationship_.written != 0) {
      return wrong("a relationship's record names a commit");
    }
    ++relationships_;
    counted_[{CounterKind::kRelType, 0, relationship_.type.value}] += 1;
    records_.add(id, relationship_.type.value, relationship_.start.value, relationship_.end.value);
    return expect_entries(EntityKind::kRelationship, id, relationship_.properties,
                          [&](uint32_t type) { return type == relationship_.type.value; });
  }

  Status adjacency(const SnapshotFileReader::Entry& entry) {
    AdjacencyAddress at;
    if (!parse_adjacency_key(entry.key, &at) || at.type.value >= limits_.types) {
      return wrong("an adjacency block's key is none");
    }
    // Nodes and blocks both ascend by id.
    while (node_at_ < nodes_.size() && nodes_[node_at_].id < at.node) {
      ++node_at_;
    }
    if (node_at_ == nodes_.size() || nodes_[node_at_].id != at.node) {
      return wrong("an adjacency block belongs to no node");
    }
    const bool same_list =
        any_block_ && at.node == block_.node && at.direction == block_.direction && at.type == block_.type;
    if (same_list ? at.first <= last_pair_ : at.first != PairPlace{}) {
      return wrong("adjacency blocks of a list overlap or lack the first");
    }
    neighbours_.clear();
    relationship_ids_.clear();
    if (!decode_adjacency_block(at, entry.value, &neighbours_, &relationship_ids_)) {
      return wrong("an adjacency block is none");
    }
    any_block_ = true;
    block_ = at;
    last_pair_ = {neighbours_.back(), relationship_ids_.back()};
    const bool out = at.direction == Direction::kOut;
    for (size_t i = 0; i < neighbours_.size(); ++i) {
      lists_[out ? 0 : 1].add(relationship_ids_[i], at.type.value, out ? at.node : neighbours_[i],
                              out ? neighbours_[i] : at.node);
    }
    for (LabelId label : *label_set_list_[nodes_[node_at_].label_set]) {
      counted_[{out ? CounterKind::kLabelTypeOut : CounterKind::kLabelTypeIn, label.value, at.type.value}] +=
          neighbours_.size();
    }
    return Status();
  }

  Status labels(const SnapshotFileReader::Entry& entry) {
    LabelId label;
    uint64_t block = 0;
    LabelBitmap bits;
    if (!parse_label_key(entry.key, &label, &block) || label.value >= limits_.labels ||
        !decode_label_block(entry.value, bits.data())) {
      return wrong("a label block is none");
    }
    for (uint64_t word = 0; word < bits.size(); ++word) {
      for (uint64_t b = bits[word]; b != 0; b &= b - 1) {
        const uint64_t id = (block << kLabelBlockShift) + word * 64 + static_cast<uint64_t>(std::countr_zero(b));
        block_labels_.add(label.value, id, 0, 0);
      }
    }
    return Status();
  }

  Status index(const SnapshotFileReader::Entry& entry) {
    const IndexId id(entry.key.size() >= 4 ? kv::load_u32(entry.key.data()) : ~uint32_t{0});
    const IndexInfo* info = schema_.find_index(id);
    if (info == nullptr || !decode_index_entry(*info, entry.key, entry.value, &bytes_)) {
      return wrong("an index entry is none");
    }
    found_[id.value].add(bytes_);
    return Status();
  }

  Status check_sets() {
    if (nodes_.size() != payload_.nodes || relationships_ != payload_.relationships) {
      return wrong("there are more or fewer nodes or relationships than counted");
    }
    if (!(lists_[0] == records_) || !(lists_[1] == records_)) {
      return wrong("adjacency and relationship records differ");
    }
    if (!(node_labels_ == block_labels_)) {
      return wrong("label blocks and node records differ");
    }
    if (counted_ != declared_) {
      return wrong("counters differ from what was counted");
    }
    for (const IndexInfo& info : schema_.indexes) {
      if (!(expected_[info.id.value] == found_[info.id.value])) {
        return wrong(fmt::format("entries of index `{}` differ from the entities", info.definition.name));
      }
      if (const uint64_t entries = found_[info.id.value].count; entries != 0) {
        payload_.counters.push_back({CounterKind::kIndexEntries, info.id.value, 0, entries});
      }
    }
    return Status();
  }

  struct KnownNode {
    uint64_t id;
    uint32_t label_set;
  };

  Graph::Impl& shared_;
  kv::WriteBatch& batch_;
  SnapshotSection section_ = SnapshotSection::kNames;
  bool started_ = false;
  std::unique_ptr<Replacement> replacement_, grouped_replacement_;
  RunWriter runs_, grouped_runs_;
  GroupedColumnsBuffer grouped_;

  Catalog names_;
  TokenLimits limits_;
  Schema schema_;
  CommitPayload payload_;
  bool has_counters_ = false;
  std::map<CounterKey, uint64_t> declared_, counted_;
  std::map<std::vector<LabelId>, uint32_t> label_sets_;
  std::vector<const std::vector<LabelId>*> label_set_list_;
  std::vector<KnownNode> nodes_;
  size_t node_at_ = 0;
  uint64_t relationships_ = 0;
  SetSum records_, lists_[2], node_labels_, block_labels_;
  std::map<uint32_t, SetSum> expected_, found_;
  bool any_block_ = false;
  AdjacencyAddress block_;
  PairPlace last_pair_;
  StoredNode node_;
  StoredRelationship relationship_;
  // The entities of a block whose last one is still to come.
  struct {
    uint64_t index = kNoId;
    bool as_records = false;  // it is too large: they have gone as they are
    cache::EntityBlockBuilder block;
    std::vector<std::pair<uint64_t, size_t>> records;  // ids, and where their bytes end
    std::string bytes;
  } kept_;
  HeadEncoder head_;
  bool heads_written_ = false;
  std::vector<uint64_t> neighbours_, relationship_ids_;
  std::string bytes_;
};

}  // namespace

Status Graph::Impl::replace_by_snapshot(const SnapshotCrypto& crypto, const ByteSource& source,
                                        const std::function<Status()>& poll, SnapshotFileMeta* meta) {
  SnapshotFileReader reader(source);
  LORA_TRY(reader.begin(crypto, meta));
  LORA_TRY(write_all_behind());
  const std::unique_ptr<kv::WriteBatch> batch = store->batch();
  // What the graph keeps in kMeta goes; the file's names and definitions come (later entries win).
  {
    kv::CursorOptions options;
    options.lower = std::string(1, kMetaToken);
    const std::unique_ptr<kv::Cursor> cursor = store->cursor(Keyspace::kMeta, options);
    for (cursor->seek_first(); cursor->valid(); cursor->next()) {
      batch->remove(Keyspace::kMeta, cursor->key());
    }
    LORA_TRY(cursor->status());
  }
  SnapshotLoad load(*this, *batch);
  LORA_TRY(load.run(reader, *meta, poll));
  if (load.heads_written()) batch->put(Keyspace::kMeta, kMetaFormatKey, encode_format_value(kFormatVersion4));
  // Ids are the file's; limits and versions never go back.
  const Root& tip = *versions->tip();
  CommitPayload payload = std::move(load.payload());
  payload.next_node = std::max({payload.next_node, tip.next_node, node_id_floor});
  payload.next_relationship = std::max({payload.next_relationship, tip.next_relationship, relationship_id_floor});
  payload.schema_version = std::max(payload.schema_version, tip.schema_version) + 1;
  std::string bytes;
  encode_commit_payload(payload, &bytes);
  batch->put(Keyspace::kMeta, kMetaCounterBaseKey, bytes);
  payload.counters.clear();
  encode_commit_payload(payload, &bytes);
  LORA_ASSIGN(std::vector<std::unique_ptr<kv::SortedRun>> runs, load.finish_runs());
  LORA_ASSIGN(const uint64_t number, store->ingest(std::move(runs), *batch, bytes));
  commits.fetch_add(1, std::memory_order_relaxed);
  statistics_epoch.fetch_add(1, std::memory_order_relaxed);
  Status status = contain([&] { return open_versions(true, true); });
  if (!status.ok()) {
    broken.store(true, std::memory_order_release);
    return status;
  }
  return store->wait_durable(number);
}

Result<SnapshotFileMeta> Graph::load_snapshot(const SnapshotCrypto& crypto, const ByteSource& source,
                                              std::chrono::steady_clock::time_point deadline,
                                              const std::function<Status()>& poll, uint64_t owner_token) {
  Impl& in = *impl_;
  LORA_TRY(in.acquire_writer(deadline, "loading a snapshot", owner_token, poll));
  const WriterHold hold(in);
  SnapshotFileMeta meta;
  LORA_TRY(contain([&] { return in.replace_by_snapshot(crypto, source, poll, &meta); }));
  return meta;
}

}  // namespace lora::graph
