#include "graph/loader.h"

#include <utility>

#include "graph/value_codec.h"

namespace lora::graph {

using cache::EntityBlock;
using cache::IndexTree;
using cache::LabelChunk;
using cache::Loaded;
using cache::TopologyChunk;
using kv::Keyspace;

Result<Loaded<EntityBlock>> Loader::block(const RootFields& root, EntityKind kind, uint64_t index,
                                          const WantedProperties& wanted) {
  const uint64_t first = index * EntityBlock::kRows;
  if (first >= (kind == EntityKind::kNode ? root.next_node : root.next_relationship)) {
    return Loaded<EntityBlock>(EntityBlock::empty());
  }
  cache::EntityBlockBuilder builder;
  BlockWalk& walk = walk_to(root, kind, index, wanted);
  StoredEntities& entities = walk.entities;
  StoredColumns& columns = entities.columns();
  size_t records = 0;
  for (;; ++records) {
    LORA_ASSIGN(const bool more, entities.next());
    if (!more) break;
    if (records == records_.size()) records_.emplace_back();
    Record& record = records_[records];
    record.row = EntityBlock::row_of(entities.id());
    columns.leave_out(record.row, entities.written(), &entities.properties());
    if (kind == EntityKind::kNode) {
      std::swap(record.node, entities.node());
    } else {
      std::swap(record.relationship, entities.relationship());
    }
  }
  walk.next = index + 1;
  // What comes as a whole comes first: once a column has a value, others are put to it one by one.
  const RowBits left = entities.left_to_head();
  columns.leave_out(left);
  entities.head().put(left, &builder);
  const bool nodes = kind == EntityKind::kNode;
  for (size_t i = 0; i < records; ++i) {
    const StoredRelationship& relationship = records_[i].relationship;
    nodes ? builder.add_node(records_[i].row, records_[i].node.labels, {})
          : builder.add_relationship(records_[i].row, relationship.type, relationship.start, relationship.end, {});
  }
  // What is not wanted has not been read.
  const std::span<const KeyId> listed = entities.head().columns();
  const auto is_left_out = [&](KeyId key) { return !wanted.has(key) && std::ranges::binary_search(listed, key); };
  columns.put(&builder);
  for (size_t i = 0; i < records; ++i) {
    std::vector<Property>& properties = nodes ? records_[i].node.properties : records_[i].relationship.properties;
    for (const Property& p : properties) {
      if (!is_left_out(p.key)) builder.set_property(records_[i].row, p.key, p.value);
    }
    properties.clear();  // they may be large
  }
  for (const KeyId key : listed) {
    if (is_left_out(key) && left.count() + records != 0) builder.put_unloaded(key);
  }
  EntityBlock::Stored stored{.head = entities.head().is_there(), .grouped = entities.head().is_grouped()};
  std::copy_n(entities.record_rows().words, kRowWords, stored.records);
  const bool has_records = entities.record_rows().count() != 0;
  builder.set_stored(stored, listed, stored.grouped && !has_records ? root.stored_stamp : 0);
  return builder.finish();
}

Status Loader::complete(const RootFields& root, EntityKind kind, uint64_t index, const WantedProperties& wanted,
                        const EntityBlock* block) {
  LORA_ASSIGN(const Loaded<EntityBlock> again, is_as_loaded(root, *block) ? columns(root, kind, index, wanted, *block)
                                                                          : this->block(root, kind, index, wanted));
  if (!std::ranges::equal(again->exists_bits, block->exists_bits)) {
    return damaged(space_of(kind), id_key(index * EntityBlock::kRows), "begins a block of other entities than before");
  }
  const uint64_t bytes = EntityBlock::take_columns(block, again.get());
  if (root.object_bytes != nullptr) {
    root.object_bytes->fetch_add(static_cast<int64_t>(bytes), std::memory_order_relaxed);
  }
  if (wanted.are_loaded(*block)) return Status();
  return damaged(space_of(kind), id_key(index * EntityBlock::kRows), "has lost a column");
}

// Is the block in the store of the root what it was where it was loaded from: a head and columns? In memory a stamp
// does not say all of a store that is written in parts.
bool Loader::is_as_loaded(const RootFields& root, const EntityBlock& block) const {
  return block.loaded_at != 0 && block.loaded_at == root.stored_stamp && !store_->in_memory();
}

// A block of the same rows, with what is wanted of the columns that `of` lacks.
Result<Loaded<EntityBlock>> Loader::columns(const RootFields& root, EntityKind kind, uint64_t index,
                                            const WantedProperties& wanted, const EntityBlock& of) {
  RowBits rows;
  std::copy_n(of.exists_bits, kRowWords, rows.words);
  cache::EntityBlockBuilder builder;
  builder.put_nodes(rows.words, {std::span<const LabelId>()}, nullptr);
  grouped_.begin(root, kind);
  columns_.clear();
  for (uint32_t i = 0; i < of.column_count; ++i) {
    const KeyId key = of.slots()[i].key;
    if (!wanted.has(key)) {
      builder.put_unloaded(key);
    } else if (of.column_at(i) == nullptr) {
      LORA_ASSIGN(const ByteView bytes, grouped_.get(index, key));
      LORA_TRY(columns_.add(root, space_of(kind), grouped_key(index, key), key, bytes));
    }
  }
  columns_.leave_out(rows);
  columns_.put(&builder);
  return builder.finish();
}

// The second of two blocks in a row: there will be more.
Loader::BlockWalk& Loader::walk_to(const RootFields& root, EntityKind kind, uint64_t index,
                                   const WantedProperties& wanted) {
  constexpr uint64_t kBlocksAhead = 1024;
  bool goes_on = walks_[last_walk_].goes_on(root, kind, index);
  if (!goes_on) {
    last_walk_ = 1 - last_walk_;  // the one that has been there, or the one that was not used last
    goes_on = walks_[last_walk_].goes_on(root, kind, index);
  }
  BlockWalk& walk = walks_[last_walk_];
  if (!goes_on || index >= walk.stop) {
    walk.root = &root;
    walk.snapshot = root.store_snapshot;
    walk.kind = kind;
    walk.stop = index + (goes_on ? kBlocksAhead : 1);
    walk.entities.begin(root, kind,
                        {.first = index * EntityBlock::kRows, .end = walk.stop * EntityBlock::kRows, .blocks = true});
  }
  walk.next = kNoId;  // until this one has been read to its end
  walk.entities.go_on_until((index + 1) * EntityBlock::kRows, wanted);
  return walk;
}

Status StoredNodes::properties(NodeId id, std::vector<Property>* out) {
  out->clear();
  if (!std::exchange(begun_, true)) {
    entities_.begin(root_, EntityKind::kNode, {.first = id.value, .end = root_.next_node, .keys = &keys_});
    LORA_ASSIGN(more_, entities_.next());
  }
  if (more_ && entities_.id() < id.value) {
    entities_.skip_to(id.value);
    LORA_ASSIGN(more_, entities_.next());
  }
  if (more_ && entities_.id() == id.value) {
    entities_.apply();
    out->swap(entities_.properties());
  }
  return Status();
}

Result<Loaded<LabelChunk>> Loader::label_chunk(const RootFields& root, LabelId label, uint64_t index) {
  const LabelKey key = label_key(label, index);
  LORA_ASSIGN(const bool found, store_->get(Keyspace::kLabels, key, root.store_snapshot, &value_));
  if (!found) {
    return Loaded<LabelChunk>(LabelChunk::empty());
  }
  LabelBitmap bits;
  if (!decode_label_block(value_, bits.data())) {
    return damaged(Keyspace::kLabels, key, "is not a label block");
  }
  Loaded<LabelChunk> chunk(LabelChunk::make(nullptr));
  for (uint32_t word = 0; word < bits.size(); ++word) {
    chunk->bits[word] = bits[word];
    chunk->count += static_cast<uint32_t>(std::popcount(bits[word]));
  }
  const uint64_t last = index * kLabelBlockIds + (kLabelBlockIds - 1);
  if (last >= root.next_node && chunk->next(static_cast<uint32_t>(root.next_node > index * kLabelBlockIds
                                                                      ? root.next_node - index * kLabelBlockIds
                                                                      : 0)) != LabelChunk::kRows) {
    return damaged(Keyspace::kLabels, key, "holds ids beyond those given out");
  }
  return chunk;
}

namespace {

// Decodes one block under the cursor into scratch. The pairs must lie below the id limits.
Status take_block(const RootFields& root, const AdjacencyAddress& address, ByteView key, ByteView value,
                  std::vector<uint64_t>* neighbours, std::vector<uint64_t>* relationships) {
  const size_t from = neighbours->size();
  if (!decode_adjacency_block(address, value, neighbours, relationships)) {
    return damaged(Keyspace::kAdjacency, key, "is not an adjacency block");
  }
  if (neighbours->back() >= root.next_node) {
    return damaged(Keyspace::kAdjacency, key, "has a neighbour beyond the ids given out");
  }
  for (size_t i = from; i < relationships->size(); ++i) {
    if ((*relationships)[i] >= root.next_relationship) {
      return damaged(Keyspace::kAdjacency, key, "has a relationship beyond the ids given out");
    }
  }
  return Status();
}

}  // namespace

Result<Loaded<TopologyChunk>> Loader::topology(const RootFields& root, RelTypeId type, Direction direction,
                                               uint64_t index) {
  const uint64_t first = index * TopologyChunk::kNodes;
  if (first >= root.next_node) {
    return Loaded<TopologyChunk>(TopologyChunk::empty());
  }
  AdjacencyListPrefix wanted = adjacency_list_prefix(first, direction, type);
  kv::Cursor* const cursor = cursor_at(root, type, direction, index, wanted);
  cache::TopologyBuilder builder;
  // Lists of other types and directions lie between: a few are stepped over, more are jumped over.
  constexpr int kStepsBeforeSeek = 6;
  int steps = 0;
  const std::string end = id_bound(first + TopologyChunk::kNodes);
  while (cursor->valid() && (end.empty() || cursor->key() < ByteView(end))) {
    const ByteView key = cursor->key();
    AdjacencyAddress at;
    if (!parse_adjacency_key(key, &at) || at.node < first) {
      return damaged(Keyspace::kAdjacency, key, "is not an adjacency key");
    }
    if (at.direction == direction && at.type == type) {
      neighbours_.clear();
      relationships_.clear();
      LORA_TRY(take_block(root, at, key, cursor->value(), &neighbours_, &relationships_));
      if (!builder.add_block(cache::TopologyChunk::row_of(at.node), {at.first.neighbour, at.first.relationship},
                             neighbours_, relationships_)) {
        return damaged(Keyspace::kAdjacency, key, "overlaps the block before it");
      }
      steps = 0;
      cursor->next();
      continue;
    }
    // Behind this node's list: the next candidate is the next node's.
    const bool behind = at.direction > direction || (at.direction == direction && at.type > type);
    const uint64_t node = at.node + (behind ? 1 : 0);
    if (node >= first + TopologyChunk::kNodes) {
      break;
    }
    if (++steps > kStepsBeforeSeek) {
      wanted = adjacency_list_prefix(node, direction, type);
      cursor->seek(wanted);
      steps = 0;
    } else {
      cursor->next();
    }
  }
  LORA_TRY(cursor->status());
  lists_.next = index + 1;
  return builder.finish();
}

kv::Cursor* Loader::cursor_at(const RootFields& root, RelTypeId type, Direction direction, uint64_t index,
                              ByteView place) {
  constexpr uint64_t kChunksAhead = 64;
  const bool goes_on = lists_.root == &root && lists_.snapshot == root.store_snapshot && lists_.type == type &&
                       lists_.direction == direction && lists_.next == index;
  if (!goes_on || index >= lists_.end) {
    const uint64_t end = index + (goes_on ? kChunksAhead : 1);
    kv::CursorOptions options;
    options.lower = id_key(index * TopologyChunk::kNodes).string();
    options.upper = id_bound(end * TopologyChunk::kNodes);
    options.snapshot = root.store_snapshot;
    options.fill_cache = root.type_tokens > 1;  // lists of all types lie together: others may be asked for next
    lists_ = {&root, root.store_snapshot, type, direction, kNoId, end, store_->cursor(Keyspace::kAdjacency, options)};
    lists_.cursor->seek(place);
  } else if (lists_.cursor->valid() && lists_.cursor->key() < place) {
    lists_.cursor->seek(place);
  }
  lists_.next = kNoId;  // until this one has been read to its end
  return lists_.cursor.get();
}

bool decode_index_entry(const IndexInfo& info, ByteView key, ByteView value, std::string* entry) {
  constexpr size_t kPrefix = 4;
  if (key.size() <= kPrefix) {
    return false;
  }
  entry->assign(key.data() + kPrefix, key.size() - kPrefix);
  if (info.unique) {
    if (value.size() != kIdBytes) {
      return false;
    }
    entry->append(value);
  } else if (!value.empty() || entry->size() <= kIdBytes) {
    return false;
  }
  kv::Decoder in({entry->data(), entry->size() - kIdBytes});
  Value part;
  for (size_t i = 0; i < info.keys.size(); ++i) {
    if (!decode_ordered(&in, &part)) {
      return false;
    }
  }
  return in.done();
}

Result<Loaded<IndexTree>> Loader::index(const RootFields& root, const IndexInfo& info) {
  const IndexPrefix prefix = index_prefix(info.id);
  kv::CursorOptions options;
  options.lower = prefix.string();
  options.upper = kv::prefix_end(prefix);
  options.snapshot = root.store_snapshot;
  options.readahead_bytes = 1u << 20;
  options.fill_cache = false;
  const std::unique_ptr<kv::Cursor> cursor = store_->cursor(Keyspace::kIndexes, options);
  const uint64_t limit = info.definition.entity == EntityKind::kNode ? root.next_node : root.next_relationship;
  cache::IndexTreeBuilder builder(nullptr);
  std::string entry;
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    if (!decode_index_entry(info, cursor->key(), cursor->value(), &entry) ||
        load_id(entry.data() + entry.size() - kIdBytes) >= limit || !builder.add(entry)) {
      return damaged(Keyspace::kIndexes, cursor->key(), "is not an entry of its index");
    }
  }
  LORA_TRY(cursor->status());
  return builder.finish_loaded();
}

Result<Loaded<EntityBlock>> Loader::rows(const RootFields& root, EntityKind kind, uint64_t index,
                                         std::span<const uint64_t> ids, const WantedProperties& wanted) {
  const bool nodes = kind == EntityKind::kNode;
  std::vector<Property>& properties = nodes ? node_.properties : relationship_.properties;
  cache::EntityBlockBuilder builder;
  head_state_ = HeadState::kNotRead;
  head_.clear();
  if (root.stored_groups) LORA_TRY(read_head(root, kind, index));
  LORA_TRY(columns_.load(*store_, root, kind, index, head_, wanted));
  uint64_t last = kNoId;
  for (const uint64_t id : ids) {
    if (id == std::exchange(last, id)) continue;
    LORA_ASSIGN(const bool found, nodes ? read(root, kind, id, &node_) : read(root, kind, id, &relationship_));
    const uint32_t row = EntityBlock::row_of(id);
    if (!found || builder.has_row(row)) continue;
    std::erase_if(properties, [&](const Property& p) { return !wanted.has(p.key); });
    columns_.leave_out(row, nodes ? node_.written : relationship_.written, &properties);
    if (nodes) {
      builder.add_node(row, node_.labels, properties);
    } else {
      builder.add_relationship(row, relationship_.type, relationship_.start, relationship_.end, properties);
    }
  }
  columns_.put(&builder);
  return builder.finish();
}

// One entity, without its columns: by its record, else by the head of its block. False: absent.
template <typename Entity>
Result<bool> Loader::read(const RootFields& root, EntityKind kind, uint64_t id, Entity* out) {
  if (id >= (kind == EntityKind::kNode ? root.next_node : root.next_relationship)) return false;
  const IdKey key = id_key(id);
  LORA_ASSIGN(const bool found, store_->get(space_of(kind), key, root.store_snapshot, &value_));
  if (found) {
    if (root.stored_heads && value_.empty()) return false;
    LORA_TRY(decode_entity(root, key, value_, out));
    return true;
  }
  if (!root.stored_heads) return false;
  if (head_state_ == HeadState::kNotRead) LORA_TRY(read_head(root, kind, EntityBlock::index_of(id)));
  const uint32_t row = EntityBlock::row_of(id);
  if (!head_.rows().has(row)) return false;
  head_.get(row, out);
  return true;
}

Status Loader::read_head(const RootFields& root, EntityKind kind, uint64_t index) {
  LORA_TRY(head_.load(*store_, root, kind, index));
  head_state_ = HeadState::kRead;
  return Status();
}

Result<bool> Loader::has_head(const RootFields& root, EntityKind kind, uint64_t index) {
  StoredHead head;
  LORA_TRY(head.load(*store_, root, kind, index));
  return head.is_there();
}

Result<bool> Loader::exists(const RootFields& root, EntityKind kind, uint64_t id) {
  head_state_ = HeadState::kNotRead;
  return kind == EntityKind::kNode ? read(root, kind, id, &node_) : read(root, kind, id, &relationship_);
}

Status Loader::list(const RootFields& root, NodeId node, Direction direction, RelTypeId type,
                    std::vector<uint64_t>* neighbours, std::vector<uint64_t>* relationships) {
  if (node.value >= root.next_node) {
    return Status();
  }
  const AdjacencyListPrefix prefix = adjacency_list_prefix(node.value, direction, type);
  kv::CursorOptions options;
  options.lower = prefix.string();
  options.upper = kv::prefix_end(prefix);
  options.snapshot = root.store_snapshot;
  const std::unique_ptr<kv::Cursor> cursor = store_->cursor(Keyspace::kAdjacency, options);
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    AdjacencyAddress at;
    if (!parse_adjacency_key(cursor->key(), &at)) {
      return damaged(Keyspace::kAdjacency, cursor->key(), "is not an adjacency key");
    }
    if (!neighbours->empty() && at.first <= PairPlace{neighbours->back(), relationships->back()}) {
      return damaged(Keyspace::kAdjacency, cursor->key(), "overlaps the block before it");
    }
    LORA_TRY(take_block(root, at, cursor->key(), cursor->value(), neighbours, relationships));
  }
  return cursor->status();
}

}  // namespace lora::graph
