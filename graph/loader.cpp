#include "graph/loader.h"

#include "graph/value_codec.h"

namespace lora::graph {

using cache::EntityBlock;
using cache::IndexTree;
using cache::LabelChunk;
using cache::Loaded;
using cache::TopologyChunk;
using kv::Keyspace;

TokenLimits token_limits(const RootFields& root) {
  return {root.label_tokens, root.type_tokens, root.key_tokens};
}

Result<Loaded<EntityBlock>> Loader::block(const RootFields& root, EntityKind kind, uint64_t index) {
  const bool nodes = kind == EntityKind::kNode;
  const Keyspace space = space_of(kind);
  const uint64_t first = index * EntityBlock::kRows;
  const uint64_t limit = nodes ? root.next_node : root.next_relationship;
  if (first >= limit) {
    return Loaded<EntityBlock>(EntityBlock::empty());
  }
  kv::CursorOptions options;
  options.lower = id_key(first).string();
  options.upper = id_bound(first + EntityBlock::kRows);
  options.snapshot = root.store_snapshot;
  options.fill_cache = false;
  const std::unique_ptr<kv::Cursor> cursor = store_->cursor(space, options);
  cache::EntityBlockBuilder builder;
  columns_.clear();
  // The columns' keys come behind the first row's: it is added last.
  bool first_row = false;
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    const ByteView key = cursor->key();
    if (root.stored_columns && key.size() != kIdBytes) {
      LORA_TRY(columns_.add(root, space, key, cursor->value()));
      continue;
    }
    uint64_t id = 0;
    if (!parse_id_key(key, &id) || id >= limit) {
      return damaged(space, key, "is beyond the ids given out");
    }
    const uint32_t row = EntityBlock::row_of(id);
    const bool last = root.stored_columns && row == 0;
    LORA_TRY(decode(root, kind, key, cursor->value(), last ? &first_ : &other_));
    if (last) {
      first_row = true;
    } else {
      add(kind, row, &other_, &builder);
    }
  }
  LORA_TRY(cursor->status());
  if (first_row) {
    add(kind, 0, &first_, &builder);
  }
  columns_.put(&builder);
  return builder.finish();
}

Status Loader::decode(const RootFields& root, EntityKind kind, ByteView key, ByteView record, Decoded* out) {
  if (kind == EntityKind::kNode) {
    return decode_node(key, record, token_limits(root), &out->node);
  }
  LORA_TRY(decode_relationship(key, record, token_limits(root), &out->relationship));
  if (out->relationship.start.value >= root.next_node || out->relationship.end.value >= root.next_node) {
    return damaged(kv::Keyspace::kRelationships, key, "has an end beyond the ids given out");
  }
  return Status();
}

void Loader::add(EntityKind kind, uint32_t row, Decoded* entity, cache::EntityBlockBuilder* builder) {
  if (kind == EntityKind::kNode) {
    StoredNode& node = entity->node;
    columns_.leave_out(row, node.written, &node.properties);
    builder->add_node(row, node.labels, node.properties);
  } else {
    StoredRelationship& relationship = entity->relationship;
    columns_.leave_out(row, relationship.written, &relationship.properties);
    builder->add_relationship(row, relationship.type, relationship.start, relationship.end, relationship.properties);
  }
}

void StoredNodes::advance(ByteView key) {
  constexpr int kStepsBeforeSeek = 16;
  for (int steps = 0; cursor_->valid() && cursor_->key() < key; ++steps) {
    steps < kStepsBeforeSeek ? cursor_->next() : cursor_->seek(key);
  }
}

// Columns lie behind the record of their block's first node.
Status StoredNodes::enter(uint64_t block, std::span<const KeyId> keys) {
  block_ = block;
  const uint64_t first = block * EntityBlock::kRows;
  columns_.clear();
  first_record_.clear();
  const auto first_key = id_key(first);
  advance(first_key);
  if (cursor_->valid() && cursor_->key() == ByteView(first_key)) {
    first_record_ = cursor_->value();
    cursor_->next();
  }
  uint64_t id = 0;
  KeyId key;
  for (; cursor_->valid() && parse_column_key(cursor_->key(), &id, &key) && id == first; cursor_->next()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) continue;
    LORA_TRY(columns_.add(root_, Keyspace::kNodes, cursor_->key(), cursor_->value()));
  }
  return cursor_->status();
}

Status StoredNodes::properties(NodeId id, std::span<const KeyId> keys, std::vector<Property>* out) {
  out->clear();
  if (cursor_ == nullptr) {
    kv::CursorOptions options;
    options.upper = id_bound(root_.next_node);
    options.snapshot = root_.store_snapshot;
    options.fill_cache = false;
    cursor_ = store_->cursor(Keyspace::kNodes, options);
    const uint64_t begin = root_.stored_columns ? id.value - EntityBlock::row_of(id.value) : id.value;
    cursor_->seek(id_key(begin));
  }
  const uint32_t row = EntityBlock::row_of(id.value);
  if (root_.stored_columns && block_ != EntityBlock::index_of(id.value)) {
    LORA_TRY(enter(EntityBlock::index_of(id.value), keys));
  }
  const auto key = id_key(id.value);
  ByteView record = first_record_;
  if (row != 0 || !root_.stored_columns) {
    advance(key);
    LORA_TRY(cursor_->status());
    record = cursor_->valid() && cursor_->key() == ByteView(key) ? cursor_->value() : ByteView();
  }
  if (record.empty()) {
    return Status();
  }
  uint64_t written = 0;
  LORA_TRY(decode_node_properties(key, record, token_limits(root_), keys, out, &written));
  columns_.apply(row, written, out);
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
  kv::CursorOptions options;
  options.lower = id_key(first).string();
  options.upper = id_bound(first + TopologyChunk::kNodes);
  options.snapshot = root.store_snapshot;
  options.fill_cache = root.type_tokens > 1;  // lists of all types lie together: others may be asked for next
  const std::unique_ptr<kv::Cursor> cursor = store_->cursor(Keyspace::kAdjacency, options);
  cache::TopologyBuilder builder;
  // Lists of other types and directions lie between: a few are stepped over, more are jumped over.
  constexpr int kStepsBeforeSeek = 6;
  int steps = 0;
  uint64_t node = first;
  AdjacencyListPrefix wanted = adjacency_list_prefix(node, direction, type);
  cursor->seek(wanted);
  while (cursor->valid()) {
    const ByteView key = cursor->key();
    AdjacencyAddress at;
    if (!parse_adjacency_key(key, &at) || at.node < first || at.node >= first + TopologyChunk::kNodes) {
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
    node = at.node + (behind ? 1 : 0);
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
  return builder.finish();
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

Result<bool> Loader::node(const RootFields& root, NodeId id, StoredNode* out) {
  if (id.value >= root.next_node) {
    return false;
  }
  const IdKey key = id_key(id.value);
  LORA_ASSIGN(const bool found, store_->get(Keyspace::kNodes, key, root.store_snapshot, &value_));
  if (found) {
    LORA_TRY(decode_node(key, value_, token_limits(root), out));
    LORA_TRY(columns_.load(*store_, root, EntityKind::kNode, EntityBlock::index_of(id.value)));
    columns_.apply(EntityBlock::row_of(id.value), out->written, &out->properties);
  }
  return found;
}

Result<bool> Loader::relationship(const RootFields& root, RelId id, StoredRelationship* out) {
  if (id.value >= root.next_relationship) {
    return false;
  }
  const IdKey key = id_key(id.value);
  LORA_ASSIGN(const bool found, store_->get(Keyspace::kRelationships, key, root.store_snapshot, &value_));
  if (found) {
    LORA_TRY(decode_relationship(key, value_, token_limits(root), out));
    LORA_TRY(columns_.load(*store_, root, EntityKind::kRelationship, EntityBlock::index_of(id.value)));
    columns_.apply(EntityBlock::row_of(id.value), out->written, &out->properties);
  }
  return found;
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
