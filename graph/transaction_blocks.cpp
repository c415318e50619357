// Rewriting what columns and records have left behind of each other.
#include "graph/transaction_impl.h"

namespace lora::graph {

using cache::EntityBlock;

// Nothing remains in a block of records alone, nor in one that whole_block() has written.
Result<bool> Transaction::Impl::has_remains(EntityKind kind, uint64_t index) {
  const uint64_t first = index * EntityBlock::kRows;
  kv::CursorOptions options;
  options.lower = id_key(first).string();
  options.upper = id_bound(first + EntityBlock::kRows);
  options.snapshot = base().store_snapshot;
  options.fill_cache = false;
  const std::unique_ptr<kv::Cursor> cursor = shared->store->cursor(space_of(kind), options);
  StoredColumns columns;
  StoredNode node;
  StoredRelationship relationship;
  uint64_t rows[EntityBlock::kRows / 64] = {};
  bool full_records = false;
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    uint64_t id = 0;
    if (!parse_id_key(cursor->key(), &id)) {
      LORA_TRY(columns.add(base(), space_of(kind), cursor->key(), cursor->value()));
      continue;
    }
    const uint32_t row = EntityBlock::row_of(id);
    rows[row / 64] |= uint64_t{1} << (row % 64);
    if (kind == EntityKind::kNode) {
      LORA_TRY(decode_node(cursor->key(), cursor->value(), token_limits(base()), &node));
      full_records |= node.written != 0 || !node.properties.empty();
    } else {
      LORA_TRY(decode_relationship(cursor->key(), cursor->value(), token_limits(base()), &relationship));
      full_records |= relationship.written != 0 || !relationship.properties.empty();
    }
  }
  LORA_TRY(cursor->status());
  return std::any_of(columns.columns().begin(), columns.columns().end(),
                     [&](const StoredColumn& column) { return full_records || !column.is_within(rows); });
}

Result<bool> Transaction::rewrite_blocks(EntityKind kind, uint64_t* next) {
  constexpr size_t kFoundMax = 64;        // what they hold is in memory together
  constexpr uint64_t kLookedAtMax = 256;  // others want to write, and to load chunks
  Impl& in = *impl_;
  LORA_TRY(in.check_open());
  const Impl::Scope scope(in);
  const bool nodes = kind == EntityKind::kNode;
  const uint64_t ids = nodes ? in.base().next_node : in.base().next_relationship;
  const uint64_t blocks = in.base().stored_columns ? (ids + EntityBlock::kRows - 1) / EntityBlock::kRows : 0;
  const uint64_t end = std::min(*next + kLookedAtMax, blocks);
  std::vector<uint64_t>& whole = nodes ? in.changes.whole_node_blocks : in.changes.whole_relationship_blocks;
  for (; *next < end && whole.size() < kFoundMax; ++*next) {
    LORA_ASSIGN(const bool remains, in.has_remains(kind, *next));
    if (!remains) {
      continue;
    }
    LORA_TRY(in.block(kind, *next).status());
    (nodes ? in.changes.nodes : in.changes.relationships).add(*next * EntityBlock::kRows);
    whole.push_back(*next);
  }
  if (*next >= blocks) *next = kNoId;
  return !whole.empty();
}

}  // namespace lora::graph
