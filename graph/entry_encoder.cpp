#include "graph/entry_encoder.h"

#include "graph/layout.h"

namespace lora::graph {

using cache::EntityBlock;
using cache::LabelChunk;
using cache::TopologyChunk;
using kv::Keyspace;

Status EntryEncoder::entities(EntityKind kind, const std::vector<uint64_t>& ids) {
  const bool nodes = kind == EntityKind::kNode;
  const Keyspace space = nodes ? Keyspace::kNodes : Keyspace::kRelationships;
  const uint64_t stored_limit = cleared_ ? 0 : nodes ? stored_.next_node : stored_.next_relationship;
  for (uint64_t id : ids) {
    const EntityBlock* block = root_.find_block(kind, EntityBlock::index_of(id));
    if (block == nullptr) {
      continue;  // not loaded: not changed after all (its statement was rolled back)
    }
    const uint32_t row = EntityBlock::row_of(id);
    const IdKey key = id_key(id);
    if (!block->exists(row)) {
      if (id < stored_limit) {
        out_.remove(space, key);
      }
      continue;
    }
    properties_.clear();
    block->properties(row, &properties_);
    LORA_ASSIGN(const ByteView record,
                nodes ? encoder_.node(block->labels(row), properties_)
                      : encoder_.relationship(block->type(row), block->start(row), block->end(row), properties_));
    LORA_TRY(out_.put(space, key, record));
  }
  return out_.end_of_kind();
}

Status EntryEncoder::adjacency(const std::vector<DirtyBlock>& blocks) {
  for (const DirtyBlock& dirty : blocks) {
    const auto direction = static_cast<Direction>(dirty.direction);
    const RelTypeId type(dirty.type);
    const TopologyChunk* chunk = root_.find_topology_chunk(type, direction, TopologyChunk::index_of(dirty.node));
    if (chunk == nullptr) {
      continue;
    }
    const AdjacencyKey key =
        adjacency_key(dirty.node, direction, type, {dirty.first.neighbour, dirty.first.relationship});
    Neighbours pairs;
    if (!chunk->find_block(TopologyChunk::row_of(dirty.node), dirty.first, &pairs)) {
      if (dirty.node < stored_.next_node && !cleared_) {
        out_.remove(Keyspace::kAdjacency, key);
      }
      continue;
    }
    bytes_.clear();
    encode_adjacency_block(
        pairs.count, [&](uint32_t i) { return pairs.neighbour(i); }, [&](uint32_t i) { return pairs.relationship(i); },
        &bytes_);
    LORA_TRY(out_.put(Keyspace::kAdjacency, key, bytes_));
  }
  return out_.end_of_kind();
}

Status EntryEncoder::labels(const std::vector<DirtyLabel>& labels) {
  for (const DirtyLabel& dirty : labels) {
    const LabelChunk* chunk = root_.find_label_chunk(LabelId(dirty.label), dirty.block);
    if (chunk == nullptr) {
      continue;
    }
    const LabelKey key = label_key(LabelId(dirty.label), dirty.block);
    if (chunk->count == 0) {
      out_.remove(Keyspace::kLabels, key);
      continue;
    }
    encode_label_block(chunk->bits, &bytes_);
    LORA_TRY(out_.put(Keyspace::kLabels, key, bytes_));
  }
  return out_.end_of_kind();
}

Status EntryEncoder::index(const IndexInfo& info, const std::vector<std::string>& entries) {
  const cache::IndexTree* tree = root_.find_index(info.id);
  if (tree == nullptr) {
    return Status();
  }
  std::string key = index_prefix(info.id).string();
  ByteView last;
  for (const std::string& entry : entries) {
    const ByteView values(entry.data(), entry.size() - kIdBytes);
    key.resize(4);
    if (info.unique) {
      if (!last.empty() && last == values) {
        continue;
      }
      last = values;
      key.append(values);
      const uint64_t id = tree->lookup_first(values);
      if (id == kNoId) {
        out_.remove(Keyspace::kIndexes, key);
      } else {
        LORA_TRY(out_.put(Keyspace::kIndexes, key, id_key(id)));
      }
    } else {
      key.append(entry);
      if (tree->contains(entry)) {
        LORA_TRY(out_.put(Keyspace::kIndexes, key, {}));
      } else {
        out_.remove(Keyspace::kIndexes, key);
      }
    }
  }
  return Status();
}

Status EntryEncoder::whole_index(const IndexInfo& info) {
  const cache::IndexTree* tree = root_.find_index(info.id);
  if (tree == nullptr) {
    return Status::internal("a new index has no tree");
  }
  std::string key = index_prefix(info.id).string();
  cache::IndexTree::Cursor cursor(tree);
  for (cursor.seek(""); cursor.valid(); cursor.next()) {
    const ByteView entry = cursor.key();
    key.resize(4);
    key.append(info.unique ? entry.substr(0, entry.size() - kIdBytes) : entry);
    LORA_TRY(out_.put(Keyspace::kIndexes, key, info.unique ? entry.substr(entry.size() - kIdBytes) : ByteView()));
  }
  return Status();
}

}  // namespace lora::graph
