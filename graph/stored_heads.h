// Heads in the store: which of a block of 256 entities exist, and what they are beside their properties, as one entry
// (layout.h).
//
// Beside columns a record of each entity holds little, and there are many of them: bulk loads write a head and columns
// for a block, without records, and so do snapshots that are loaded and, on disk, commits that would leave a block many
// records (EntryEncoder). A record that is written later stands above the head; an empty one says that its entity does
// not exist any more.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "graph/cache/root.h"
#include "graph/ids.h"
#include "graph/layout.h"
#include "graph/record.h"
#include "graph/stored_integers.h"
#include "kv/store.h"

namespace lora::graph {

// A head that is being made. One thread; keeps its memory.
class HeadEncoder {
 public:
  void clear();
  // Rows ascend. Labels ascend.
  void add_node(uint32_t row, std::span<const LabelId> labels);
  void add_relationship(uint32_t row, RelTypeId type, NodeId start, NodeId end);
  // Replaces *out. At least one row was added.
  void finish(std::string* out) const;
  // The same, with the keys of the columns that there are, ascending.
  void finish(std::span<const KeyId> columns, std::string* out) const;
  // All of that for a block, which has at least one row: replaces *out.
  void encode(EntityKind kind, const cache::EntityBlock& block, std::span<const KeyId> columns, std::string* out);

 private:
  void add_kind(uint32_t row, std::span<const uint32_t> tokens);

  RowBits rows_;
  std::vector<std::vector<uint32_t>> kinds_;  // kind_count_ of them
  size_t kind_count_ = 0;
  std::string places_;
  bool relationships_ = false;
  uint64_t starts_[cache::EntityBlock::kRows], ends_[cache::EntityBlock::kRows];
};

// A decoded one.
class StoredHead {
 public:
  StoredHead() = default;
  StoredHead(const StoredHead&) = delete;
  StoredHead& operator=(const StoredHead&) = delete;

  // There is none: no row exists.
  void clear();
  // Of the block of `key`. kCorruption.
  Status parse(const RootFields& root, EntityKind kind, ByteView key, ByteView value);
  // Reads that of block `index` as of the root's store snapshot; clear(), when there is none.
  Status load(const kv::Store& store, const RootFields& root, EntityKind kind, uint64_t index);

  bool is_there() const { return there_; }
  // Does it list the block's columns, and which?
  bool is_grouped() const { return grouped_; }
  std::span<const KeyId> columns() const { return columns_; }  // ascending; empty unless it is grouped
  const RowBits& rows() const { return rows_; }
  // Of a row that exists: what its record would hold, without properties.
  void get(uint32_t row, StoredNode* out) const;
  void get(uint32_t row, StoredRelationship* out) const;
  // For a block that is being loaded, before any other row: the rows whose bits are set, which exist.
  void put(const RowBits& rows, cache::EntityBlockBuilder* builder) const;

 private:
  bool parse_value(const RootFields& root, EntityKind kind, uint64_t first);
  bool parse_columns(const RootFields& root, kv::Decoder* in);
  std::span<const uint32_t> kind(size_t i) const {
    return std::span(tokens_).subspan(kind_starts_[i], kind_starts_[i + 1] - kind_starts_[i]);
  }
  std::span<const uint32_t> kind_of(uint32_t row) const;

  bool there_ = false;
  bool grouped_ = false;
  std::vector<KeyId> columns_;
  EntityKind entities_ = EntityKind::kNode;
  RowBits rows_;
  std::string bytes_;                  // what has been parsed; the views are of it
  std::vector<uint32_t> kind_starts_;  // of each in tokens_, and the end
  std::vector<uint32_t> tokens_;
  ByteView places_;                                                               // empty: all of one kind
  uint64_t starts_[cache::EntityBlock::kRows], ends_[cache::EntityBlock::kRows];  // by row
};

}  // namespace lora::graph
