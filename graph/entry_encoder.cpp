#include "graph/entry_encoder.h"

#include <algorithm>
#include <bit>

#include "graph/layout.h"

namespace lora::graph {

using cache::EntityBlock;
using cache::LabelChunk;
using cache::TopologyChunk;
using kv::Keyspace;

namespace {

constexpr size_t kDeadColumnsMax = 8;  // of a block, beside those that are alive

}  // namespace

template <typename Visit>
Status EntryEncoder::for_each_block(EntityKind kind, const std::vector<uint64_t>& ids, Visit&& visit) const {
  for (size_t i = 0; i < ids.size();) {
    const uint64_t index = EntityBlock::index_of(ids[i]);
    size_t end = i + 1;
    while (end < ids.size() && EntityBlock::index_of(ids[end]) == index) ++end;
    // Not loaded, or as it was: not changed after all (its statement was rolled back). What lacks columns is as it was.
    const EntityBlock* block = root_.find_block(kind, index);
    if (block != nullptr && block->is_whole() && (!is_known() || block->created > commit_->before->stamp)) {
      LORA_TRY(visit(*block, index, std::span(ids).subspan(i, end - i)));
    }
    i = end;
  }
  return Status();
}

// Of few rows records are written: columns make those that come later larger.
bool EntryEncoder::as_columns(EntityKind kind, uint64_t index, const EntityBlock& block, size_t rows) {
  constexpr size_t kRowsMin = 8;
  if (!is_known() || cleared_ || rows < kRowsMin) return false;
  const EntityBlock* before = commit_->before->find_block(kind, index);
  return before != nullptr && changed_.find(*before, block, rows);
}

// A block of many records, when it gets more of them: those of older databases stay until much of a block changes. As a
// whole it costs its bytes: no more than the records when these are of half of its entities, else small ones only.
//
// Heads come only to blocks that the transaction has made: another version may have been read without one, and where
// both share the block in memory, it would have none for either.
bool EntryEncoder::as_head(const EntityBlock& block, std::span<const uint64_t> ids) const {
  constexpr uint64_t kBytesOfRecord = 256;
  if (!is_known() || block.count == 0) return false;
  RowBits records;
  std::copy_n(block.stored.records, kRowWords, records.words);
  const size_t before = records.count();
  for (const uint64_t id : ids) records.set(EntityBlock::row_of(id));
  const size_t count = records.count();
  const bool many = 2 * ids.size() >= block.count;
  if (count < commit_->block_records_max || (count == before && !many)) return false;
  return ColumnChanges::fit(block) && (many || ColumnChanges::bytes_of(block) <= count * kBytesOfRecord);
}

uint64_t EntryEncoder::count_entities(EntityKind kind, const std::vector<uint64_t>& ids) {
  if (!is_known() || cleared_) return ids.size();
  uint64_t count = 0;
  static_cast<void>(for_each_block(
      kind, ids, [&](const EntityBlock& block, uint64_t index, std::span<const uint64_t> rows) -> Status {
        count += as_columns(kind, index, block, rows.size()) ? changed_.columns.size()
                 : as_head(block, rows)                      ? block.columns().size() + 1
                                                             : rows.size();
        return Status();
      }));
  return count;
}

Status EntryEncoder::entities(EntityKind kind, const std::vector<uint64_t>& ids) {
  const bool beside_columns = root_.stored_columns && commit_ != nullptr && !cleared_;
  const auto write = [&](const EntityBlock& block, uint64_t index, std::span<const uint64_t> rows) -> Status {
    const bool columns_pay = as_columns(kind, index, block, rows.size());
    if ((commit_ != nullptr && is_asked_for(kind, index)) || (!columns_pay && as_head(block, rows))) {
      LORA_TRY(read_parts(kind, index));
      return whole_block(kind, index, block);
    }
    if (beside_columns && is_due(kind, index, block, columns_pay)) {
      LORA_TRY(read_parts(kind, index));
      const size_t columns = parts_.columns.size() + parts_.listed.size();
      if ((!columns_pay && (columns != 0 || parts_.head)) || columns > block.columns().size() + kDeadColumnsMax) {
        return whole_block(kind, index, block);
      }
    }
    return columns_pay ? columns(kind, index, block) : records(kind, block, rows);
  };
  LORA_TRY(for_each_block(kind, ids, write));
  LORA_TRY(grouped_.flush([&](ByteView key, ByteView value) { return out_.put(space_of(kind), key, value); }));
  return out_.end_of_kind();
}

Status EntryEncoder::records(EntityKind kind, const EntityBlock& block, std::span<const uint64_t> ids) {
  const uint64_t written = commit_ != nullptr && root_.stored_columns ? commit_->number : 0;
  EntityBlock::Stored stored = block.stored;
  for (uint64_t id : ids) {
    const uint32_t row = EntityBlock::row_of(id);
    if (!block.exists(row)) {
      if (block.stored.head) {
        LORA_TRY(out_.put(space_of(kind), id_key(id), {}));
      } else if (id < stored_limit(kind)) {
        out_.remove(space_of(kind), id_key(id));
      }
    } else {
      properties_.clear();
      block.properties(row, &properties_);
      LORA_TRY(record(kind, block, id, written));
    }
    stored.records[row / 64] |= uint64_t{1} << (row % 64);
  }
  if (is_known()) told_.push_back({&block, stored, false, {}});
  return Status();
}

// With `properties_`.
Status EntryEncoder::record(EntityKind kind, const EntityBlock& block, uint64_t id, uint64_t written) {
  const uint32_t row = EntityBlock::row_of(id);
  LORA_ASSIGN(const ByteView bytes,
              kind == EntityKind::kNode
                  ? encoder_.node(block.labels(row), properties_, written)
                  : encoder_.relationship(block.type(row), block.start(row), block.end(row), properties_, written));
  return out_.put(space_of(kind), id_key(id), bytes);
}

// Those that as_columns() has found.
Status EntryEncoder::columns(EntityKind kind, uint64_t index, const EntityBlock& block) {
  const EntityBlock* before = is_known() ? commit_->before->find_block(kind, index) : nullptr;
  const auto is_listed = [&](KeyId key) {
    uint32_t place;
    return (block.find(key, &place) && block.slots()[place].listed) ||
           (before != nullptr && before->find(key, &place) && before->slots()[place].listed);
  };
  bool listed = true;
  for (const ColumnChanges::Changed& changed : changed_.columns) {
    LORA_TRY(encode_column(changed.column, commit_->number, &bytes_));
    if (block.stored.grouped) {
      LORA_TRY(put_grouped(kind, index, changed.key));
      listed &= is_listed(changed.key);
    } else {
      LORA_TRY(out_.put(space_of(kind), column_key(index * EntityBlock::kRows, changed.key), bytes_));
    }
    columns_written_ = true;
  }
  if (listed) return Status();
  LORA_TRY(read_parts(kind, index));
  std::vector<KeyId> keys;
  for (const ColumnChanges::Changed& changed : changed_.columns) parts_.columns.push_back(changed.key);
  std::ranges::sort(parts_.columns);
  std::ranges::set_union(parts_.columns, parts_.listed, std::back_inserter(keys));
  return head(kind, index, block, std::move(keys), block.stored);
}

// With `bytes_`.
Status EntryEncoder::put_grouped(EntityKind kind, uint64_t index, KeyId key) {
  groups_written_ = true;
  return grouped_.add(index, key, bytes_,
                      [&](ByteView at, ByteView value) { return out_.put(space_of(kind), at, value); });
}

// Of the block as it is; `columns` ascend.
Status EntryEncoder::head(EntityKind kind, uint64_t index, const EntityBlock& block, std::vector<KeyId> columns,
                          const EntityBlock::Stored& stored) {
  head_.encode(kind, block, columns, &bytes_);
  columns_written_ = groups_written_ = true;
  if (is_known()) told_.push_back({&block, stored, true, std::move(columns)});
  return out_.put(space_of(kind), column_key(index * EntityBlock::kRows, kHeadKey), bytes_);
}

bool EntryEncoder::is_asked_for(EntityKind kind, uint64_t index) const {
  const Changes& changes = commit_->changes;
  const std::vector<uint64_t>& asked =
      kind == EntityKind::kNode ? changes.whole_node_blocks : changes.whole_relationship_blocks;
  return std::binary_search(asked.begin(), asked.end(), index);
}

// Columns and heads keep what deleted entities had, and columns that no entity has a value in stay; records keep what a
// column stands above. So a block that has such parts is written as a whole when half of its entities have gone, and
// when it may have many dead columns; and when it was asked for, by a checkpoint that has found such remains.
bool EntryEncoder::is_due(EntityKind kind, uint64_t index, const EntityBlock& block, bool columns_pay) const {
  if (columns_pay) {
    return std::any_of(changed_.columns.begin(), changed_.columns.end(),
                       [](const ColumnChanges::Changed& changed) { return changed.column == nullptr; });
  }
  if (block.count == 0) return true;
  const EntityBlock* before = commit_->before == nullptr ? nullptr : commit_->before->find_block(kind, index);
  // Has the count passed 128, 64, 32 ..?
  const auto width = [](uint32_t count) { return std::bit_width(count - 1); };
  return before != nullptr && block.count < before->count && width(block.count) < width(before->count);
}

// What the store has of a block, as of now: the version's snapshot may lack what was written behind.
Status EntryEncoder::read_parts(EntityKind kind, uint64_t index) {
  parts_.columns.clear();
  parts_.listed.clear();
  parts_.head = false;
  const uint64_t first = index * EntityBlock::kRows;
  if (!root_.stored_columns || first >= stored_limit(kind)) return Status();
  Status fault;
  LORA_TRY(for_each_key(kind, column_key(first, KeyId(0)), first + 1, [&](ByteView key, ByteView value) {
    uint64_t id = 0;
    KeyId property;
    if (!parse_column_key(key, &id, &property)) return false;
    if (property == kHeadKey) {
      parts_.head = true;
      fault = stored_head_.parse(root_, kind, key, value);
      parts_.listed.assign(stored_head_.columns().begin(), stored_head_.columns().end());
    } else {
      parts_.columns.push_back(property);
    }
    return true;
  }));
  return fault;
}

Status EntryEncoder::read_records(EntityKind kind, uint64_t index, const EntityBlock& block) {
  parts_.records = {};
  if (is_known()) {
    std::copy_n(block.stored.records, kRowWords, parts_.records.words);
    return Status();
  }
  const uint64_t first = index * EntityBlock::kRows;
  return for_each_key(kind, id_key(first), first + EntityBlock::kRows, [&](ByteView key, ByteView) {
    uint64_t id = 0;
    KeyId property;
    if (!parse_id_key(key, &id)) return parse_column_key(key, &id, &property);
    parts_.records.set(EntityBlock::row_of(id));
    return true;
  });
}

// From `lower` up to the keys of `end`.
template <typename Visit>
Status EntryEncoder::for_each_key(EntityKind kind, ByteView lower, uint64_t end, Visit&& visit) const {
  kv::CursorOptions options;
  options.lower = std::string(lower);
  options.upper = id_bound(end);
  options.fill_cache = false;
  const std::unique_ptr<kv::Cursor> cursor = commit_->store.cursor(space_of(kind), options);
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    if (!visit(cursor->key(), cursor->value()))
      return damaged(space_of(kind), cursor->key(), "is neither a record nor a column");
  }
  return cursor->status();
}

// In place of `parts_`: a head (where there was one) or records without properties, and columns; or, where properties
// are large, records alone.
Status EntryEncoder::whole_block(EntityKind kind, uint64_t index, const EntityBlock& block) {
  const Keyspace space = space_of(kind);
  const uint64_t first = index * EntityBlock::kRows;
  LORA_TRY(read_records(kind, index, block));
  const bool as_columns = block.count != 0 && ColumnChanges::fit(block);
  const bool with_head = as_columns && (parts_.head || is_known());  // as_head()
  for (uint32_t row = 0; row < EntityBlock::kRows; ++row) {
    if (parts_.records.has(row) && (with_head || !block.exists(row))) out_.remove(space, id_key(first + row));
  }
  for (const KeyId key : parts_.columns) {
    if (with_head || !as_columns || block.column(key) == nullptr) out_.remove(space, column_key(first, key));
  }
  for (const KeyId key : parts_.listed) {
    if (!with_head || block.column(key) == nullptr) out_.remove(space, grouped_key(index, key));
  }
  if (parts_.head && !with_head) out_.remove(space, column_key(first, kHeadKey));
  for (uint32_t row = 0; row < EntityBlock::kRows; ++row) {
    if (block.exists(row) && !with_head) {
      properties_.clear();
      if (!as_columns) block.properties(row, &properties_);
      LORA_TRY(record(kind, block, first + row, 0));
    }
    if (row != 0 || !as_columns) continue;
    std::vector<KeyId> keys;
    for (const EntityBlock::ColumnSlot& slot : block.columns()) {
      LORA_TRY(encode_column(slot.column, commit_->number, &bytes_));
      LORA_TRY(with_head ? put_grouped(kind, index, slot.key) : out_.put(space, column_key(first, slot.key), bytes_));
      keys.push_back(slot.key);
      columns_written_ = true;
    }
    if (with_head) LORA_TRY(head(kind, index, block, std::move(keys), {.head = true, .grouped = true}));
  }
  if (is_known() && !with_head) {
    EntityBlock::Stored stored;
    std::copy_n(block.exists_bits, kRowWords, stored.records);
    told_.push_back({&block, stored, true, {}});
  }
  return Status();
}

void EntryEncoder::tell_blocks() const {
  for (const EncoderBuffers::Told& told : told_) {
    told.block->stored = told.stored;
    if (told.lists) EntityBlock::set_listed(const_cast<EntityBlock*>(told.block), told.listed);
  }
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
