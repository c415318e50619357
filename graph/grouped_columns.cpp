#include "graph/grouped_columns.h"

#include <algorithm>

namespace lora::graph {

void GroupedColumns::begin(const RootFields& root, EntityKind kind) {
  if (snapshot_ != root.store_snapshot || kind_ != kind) end();
  snapshot_ = root.store_snapshot;
  kind_ = kind;
}

Result<ByteView> GroupedColumns::get(uint64_t index, KeyId key) {
  constexpr size_t kWalksMax = 32;     // of more properties, each is read alone
  constexpr uint64_t kBlocksNear = 8;  // those between may have no such column
  const GroupedKey at = grouped_key(index, key);
  const auto walk = std::ranges::find(walks_, key, &Walk::key);
  if (walk == walks_.end()) {
    if (walks_.size() < kWalksMax) walks_.push_back({key, index, nullptr});
    return get_alone(at);
  }
  const uint64_t before = std::exchange(walk->index, index);
  if (index <= before || index - before > kBlocksNear) return get_alone(at);
  if (walk->cursor == nullptr) {
    kv::CursorOptions options;
    options.lower = kGroupedKeys;
    options.snapshot = snapshot_;
    options.fill_cache = false;
    walk->cursor = store_->cursor(space_of(kind_), options);
    walk->cursor->seek(at);
  }
  if (move_to(walk->cursor.get(), at)) return walk->cursor->value();
  LORA_TRY(walk->cursor->status());
  return damaged(space_of(kind_), at, "is missing");
}

Result<ByteView> GroupedColumns::get_alone(const GroupedKey& key) {
  LORA_ASSIGN(const bool found, store_->get(space_of(kind_), key, snapshot_, &value_));
  if (!found) return damaged(space_of(kind_), key, "is missing");
  return ByteView(value_);
}

bool GroupedColumns::move_to(kv::Cursor* cursor, const GroupedKey& key) {
  constexpr int kStepsBeforeSeek = 4;
  if (!cursor->valid() || cursor->key() > key.view()) cursor->seek(key);
  for (int steps = 0; cursor->valid() && cursor->key() < key.view(); ++steps) {
    steps < kStepsBeforeSeek ? cursor->next() : cursor->seek(key);
  }
  return cursor->valid() && cursor->key() == key.view();
}

}  // namespace lora::graph
