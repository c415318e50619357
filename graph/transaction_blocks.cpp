// Rewriting what columns and records have left behind of each other.
#include "graph/transaction_impl.h"

namespace lora::graph {

using cache::EntityBlock;

// Nothing remains in a block of records alone, nor in one that whole_block() has written.
Result<bool> Transaction::Impl::has_remains(EntityKind kind, uint64_t index) {
  StoredEntities entities(shared->store.get());
  const uint64_t first = index * EntityBlock::kRows;
  entities.begin(base(), kind, {.first = first, .end = first + EntityBlock::kRows});
  RowBits rows;
  size_t exist = 0;
  bool full_records = false;
  for (;;) {
    LORA_ASSIGN(const bool more, entities.next());
    if (!more) break;
    rows.set(EntityBlock::row_of(entities.id()));
    ++exist;
    full_records |= entities.written() != 0 || !entities.properties().empty();
  }
  if (entities.head().is_there() ? entities.records() != 0 : entities.records() != exist) return true;
  return std::ranges::any_of(entities.columns().columns(),
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
