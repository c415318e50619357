// Rewriting what columns and records have left behind of each other.
#include "graph/stored_columns.h"
#include "graph/transaction_impl.h"

namespace lora::graph {

using cache::EntityBlock;

// Nothing remains in a block that whole_block() has written as it does now, nor in one of a few records alone.
Result<Transaction::Impl::Remains> Transaction::Impl::remains(EntityKind kind, uint64_t index) {
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
  const bool head = entities.head().is_there();
  const size_t records = entities.record_rows().count();
  if (head ? records != 0 || !entities.head().is_grouped() : records != exist) return Remains::kSome;
  if (std::ranges::any_of(entities.columns().columns(),
                          [&](const StoredColumn& column) { return full_records || !column.is_within(rows); })) {
    return Remains::kSome;
  }
  return !head && records >= shared->options.block_records_max ? Remains::kRecords : Remains::kNone;
}

Result<bool> Transaction::rewrite_blocks(EntityKind kind, uint64_t* next) {
  constexpr size_t kFoundMax = 64;        // what they hold is in memory together
  constexpr uint64_t kLookedAtMax = 256;  // others want to write, and to load chunks
  Impl& in = *impl_;
  LORA_TRY(in.check_open());
  const Impl::Scope scope(in);
  const bool nodes = kind == EntityKind::kNode;
  const uint64_t ids = nodes ? in.base().next_node : in.base().next_relationship;
  const uint64_t blocks = (ids + EntityBlock::kRows - 1) / EntityBlock::kRows;
  const uint64_t end = std::min(*next + kLookedAtMax, blocks);
  std::vector<uint64_t>& whole = nodes ? in.changes.whole_node_blocks : in.changes.whole_relationship_blocks;
  for (; *next < end && whole.size() < kFoundMax; ++*next) {
    LORA_ASSIGN(const Impl::Remains remains, in.remains(kind, *next));
    if (remains == Impl::Remains::kNone) {
      continue;
    }
    LORA_ASSIGN(const EntityBlock* block, in.block(kind, *next));
    if (remains == Impl::Remains::kRecords && !ColumnChanges::fit(*block)) {
      continue;
    }
    in.root().edit_block(*in.context, kind, *next);
    (nodes ? in.changes.nodes : in.changes.relationships).add(*next * EntityBlock::kRows);
    whole.push_back(*next);
  }
  if (*next >= blocks) *next = kNoId;
  return !whole.empty();
}

}  // namespace lora::graph
