#include "graph/stored_entities.h"

#include <algorithm>
#include <utility>

namespace lora::graph {

using cache::EntityBlock;
using kv::Keyspace;

TokenLimits token_limits(const RootFields& root) {
  return {root.label_tokens, root.type_tokens, root.key_tokens};
}

Status decode_entity(const RootFields& root, ByteView key, ByteView record, StoredNode* out) {
  return decode_node(key, record, token_limits(root), out);
}

Status decode_entity(const RootFields& root, ByteView key, ByteView record, StoredRelationship* out) {
  LORA_TRY(decode_relationship(key, record, token_limits(root), out));
  if (out->start.value >= root.next_node || out->end.value >= root.next_node) {
    return damaged(Keyspace::kRelationships, key, "has an end beyond the ids given out");
  }
  return Status();
}

void StoredEntities::begin(const RootFields& root, EntityKind kind, const Range& range) {
  root_ = &root;
  kind_ = kind;
  range_ = range;
  leave_block();
  forget_parts();
  failed_ = false;
  stop_ = kNoId;
  kv::CursorOptions options;
  options.lower = id_key(root.stored_columns ? range.first - EntityBlock::row_of(range.first) : range.first).string();
  options.upper = id_bound(range.end);
  options.snapshot = root.store_snapshot;
  options.fill_cache = false;
  options.readahead_bytes = range.readahead_bytes;
  grouped_.begin(root, kind);
  wanted_ = WantedProperties::all();
  cursor_ = store_->cursor(space_of(kind), options);
  cursor_->seek_first();
  least_ = range.first;
}

void StoredEntities::go_on_until(uint64_t id, const WantedProperties& wanted) {
  wanted_ = wanted;
  stop_ = id > kIdMax ? kNoId : id;
  leave_block();
  forget_parts();
}

void StoredEntities::forget_parts() {
  record_rows_ = {};
  columns_.clear();
  head_.clear();
}

void StoredEntities::leave_block() {
  block_ = kNoId;
  row_ = 0;
  first_state_ = First::kNone;
}

Status StoredEntities::decode(ByteView key, ByteView record, Decoded* out, bool* exists) {
  *exists = true;
  uint64_t id = 0;
  if (!parse_id_key(key, &id) || id >= limit()) {
    return damaged(space_of(kind_), key, "is beyond the ids given out");
  }
  if (root_->stored_heads && record.empty()) {
    *exists = false;
    return Status();
  }
  if (kind_ == EntityKind::kRelationship) return decode_entity(*root_, key, record, &out->relationship);
  if (range_.keys == nullptr) return decode_entity(*root_, key, record, &out->node);
  return decode_node_properties(key, record, token_limits(*root_), *range_.keys, &out->node.properties,
                                &out->node.written);
}

Status StoredEntities::note_part(ByteView key, KeyId property, ByteView value) {
  if (root_->stored_heads && property == kHeadKey) return head_.parse(*root_, kind_, key, value);
  if (range_.keys != nullptr && !is_wanted(property)) return Status();
  return columns_.add(*root_, space_of(kind_), key, property, value);
}

bool StoredEntities::is_wanted(KeyId property) const {
  return range_.keys != nullptr ? std::ranges::find(*range_.keys, property) != range_.keys->end()
                                : wanted_.has(property);
}

// The block that the cursor has come to: its first record, its columns and its head. A fault is told, and the walk goes
// on without what is damaged.
Status StoredEntities::enter() {
  uint64_t id = 0;
  KeyId property;
  const bool record = parse_id_key(cursor_->key(), &id);
  if (!record && !(root_->stored_columns && parse_column_key(cursor_->key(), &id, &property))) {
    Status fault = damaged(space_of(kind_), cursor_->key(), "is neither a record nor a column");
    cursor_->next();
    return fault;
  }
  block_ = EntityBlock::index_of(id);
  forget_parts();
  if (!root_->stored_columns) return Status();
  Status fault;
  const auto note = [&fault](Status status) {
    if (fault.ok()) fault = std::move(status);
  };
  if (record && EntityBlock::row_of(id) == 0) {
    bool exists = false;
    const Status status = decode(cursor_->key(), cursor_->value(), &first_, &exists);
    first_state_ = exists && status.ok() ? First::kThere : First::kGone;
    note(status);
    cursor_->next();
  }
  uint64_t first = 0;
  for (; cursor_->valid() && parse_column_key(cursor_->key(), &first, &property) &&
         EntityBlock::index_of(first) == block_;
       cursor_->next()) {
    note(first >= limit() ? damaged(space_of(kind_), cursor_->key(), "is beyond the ids given out")
                          : note_part(cursor_->key(), property, cursor_->value()));
  }
  for (const KeyId key : head_.columns()) {
    if (!is_wanted(key)) continue;
    const Result<ByteView> value = grouped_.get(block_, key);
    note(value.ok() ? columns_.add(*root_, space_of(kind_), grouped_key(block_, key), key, *value) : value.status());
  }
  return fault;
}

Result<bool> StoredEntities::next() {
  for (;;) {
    if (block_ == kNoId) {
      if (!cursor_->valid()) {
        if (!std::exchange(failed_, true)) LORA_TRY(cursor_->status());
        return false;
      }
      if (stop_ != kNoId && cursor_->key() >= ByteView(id_key(stop_))) return false;
      LORA_TRY(enter());
      if (block_ == kNoId) continue;
    }
    if (block_ == EntityBlock::index_of(least_) && row_ < EntityBlock::row_of(least_)) {
      row_ = EntityBlock::row_of(least_);
      first_state_ = First::kNone;
      move_to(least_);
    }
    uint32_t record_row = EntityBlock::kRows;
    uint64_t record_id = 0;
    if (first_state_ != First::kNone) {
      record_row = 0;
    } else if (cursor_->valid() && parse_id_key(cursor_->key(), &record_id) &&
               EntityBlock::index_of(record_id) == block_) {
      record_row = EntityBlock::row_of(record_id);
    }
    const uint32_t row = range_.blocks ? record_row : std::min(record_row, head_.rows().next(row_));
    if (row == EntityBlock::kRows) {
      leave_block();
      continue;
    }
    row_ = row + 1;
    id_ = block_ * EntityBlock::kRows + row;
    current_ = &other_;
    if (record_row == row) {
      record_rows_.set(row);
      bool exists = false;
      if (first_state_ != First::kNone) {
        exists = first_state_ == First::kThere;
        first_state_ = First::kNone;
        current_ = &first_;
      } else {
        const Status status = decode(cursor_->key(), cursor_->value(), &other_, &exists);
        cursor_->next();
        LORA_TRY(status);
      }
      if (!exists) continue;
    } else if (kind_ == EntityKind::kNode) {
      head_.get(row, &other_.node);
    } else {
      head_.get(row, &other_.relationship);
    }
    return true;
  }
}

void StoredEntities::skip_to(uint64_t id) {
  least_ = id;
  if (block_ == EntityBlock::index_of(id)) return;  // next() skips its rows
  leave_block();
  // Columns and heads lie at the beginning of a block.
  move_to(root_->stored_columns ? id - EntityBlock::row_of(id) : id);
}

void StoredEntities::move_to(uint64_t id) {
  constexpr int kStepsBeforeSeek = 16;
  const IdKey key = id_key(id);
  for (int steps = 0; cursor_->valid() && cursor_->key() < ByteView(key); ++steps) {
    steps < kStepsBeforeSeek ? cursor_->next() : cursor_->seek(key);
  }
}

RowBits StoredEntities::left_to_head() const {
  RowBits left = head_.rows();
  for (size_t w = 0; w < kRowWords; ++w) left.words[w] &= ~record_rows_.words[w];
  return left;
}

void StoredEntities::apply() {
  columns_.apply(EntityBlock::row_of(id_), written(), &properties());
}

}  // namespace lora::graph
