// The columns that heads say are there (stored_heads.h), by block and property.
//
//   GroupedColumns columns(&store);
//   columns.begin(root, EntityKind::kNode);
//   LORA_ASSIGN(const ByteView bytes, columns.get(block, key));
//
// Blocks that follow each other are read with a cursor for each property, others one by one.
// Threads: used by one at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/cache/root.h"
#include "graph/layout.h"
#include "kv/store.h"

namespace lora::graph {

class GroupedColumns {
 public:
  explicit GroupedColumns(const kv::Store* store) : store_(store) {}

  // As of the root's store snapshot, which must stay until end().
  void begin(const RootFields& root, EntityKind kind);
  // Nothing of the store is held any more.
  void end() { walks_.clear(); }
  // What is stored of a column that is said to be there; good until the next call. kCorruption naming the key: there is
  // none.
  Result<ByteView> get(uint64_t index, KeyId key);

 private:
  struct Walk {
    KeyId key;
    uint64_t index;                      // of the block that was asked for last
    std::unique_ptr<kv::Cursor> cursor;  // null: blocks have not followed each other so far
  };
  Result<ByteView> get_alone(const GroupedKey& key);
  static bool move_to(kv::Cursor* cursor, const GroupedKey& key);

  const kv::Store* store_;
  const kv::Snapshot* snapshot_ = nullptr;
  EntityKind kind_ = EntityKind::kNode;
  std::vector<Walk> walks_;
  std::string value_;
};

// Columns that are written block by block, until a group of blocks is complete: then they go out in the order of their
// keys.
class GroupedColumnsBuffer {
 public:
  // Blocks ascend. put(key, value) -> Status: of groups before.
  template <typename Put>
  Status add(uint64_t index, KeyId key, ByteView bytes, Put&& put) {
    if (!entries_.empty() && group_ != index / kGroupBlocks) LORA_TRY(flush(put));
    group_ = index / kGroupBlocks;
    entries_.emplace_back(grouped_key(index, key).string(), bytes);
    return Status();
  }
  template <typename Put>
  Status flush(Put&& put) {
    std::ranges::sort(entries_);
    for (const auto& [key, bytes] : entries_) LORA_TRY(put(key, bytes));
    entries_.clear();
    return Status();
  }

 private:
  uint64_t group_ = 0;
  std::vector<std::pair<std::string, std::string>> entries_;
};

}  // namespace lora::graph
