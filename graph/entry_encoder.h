// What names stand for in a version, as entries of the store (layout.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/cache/root.h"
#include "graph/changes.h"
#include "graph/grouped_columns.h"
#include "graph/record.h"
#include "graph/stored_columns.h"
#include "graph/stored_heads.h"
#include "kv/bytes.h"
#include "kv/status.h"
#include "kv/store.h"

namespace lora::graph {

class EntryOutput {
 public:
  virtual ~EntryOutput() = default;
  virtual Status put(kv::Keyspace space, ByteView key, ByteView value) = 0;
  virtual void remove(kv::Keyspace space, ByteView key) = 0;
  // What follows is of another kind.
  virtual Status end_of_kind() { return Status(); }
};

// Memory that small commits find again.
struct EncoderBuffers {
  RecordEncoder encoder;
  std::vector<Property> properties;
  std::string bytes;
  struct Told {
    const cache::EntityBlock* block;
    cache::EntityBlock::Stored stored;
    bool lists = false;         // its columns have been written as well,
    std::vector<KeyId> listed;  // and the head lists these
  };
  std::vector<Told> told;
};

// One thread. Chunks must stay while it works: Versions::structure() held, or an access epoch.
class EntryEncoder {
 public:
  // What `root` lacks is removed from a store that holds `stored`. `cleared`: there is nothing of it any more.
  EntryEncoder(bool cleared, const Root& root, const StoredState& stored, EncoderBuffers& buffers, EntryOutput& out)
      : cleared_(cleared),
        root_(root),
        stored_(stored),
        out_(out),
        encoder_(buffers.encoder),
        properties_(buffers.properties),
        bytes_(buffers.bytes),
        told_(buffers.told) {
    told_.clear();
  }

  // The store's commit that the entries will be, and the version that the store holds: when it is known, columns and
  // heads may be written in place of records. Both must live as long as the encoder. Without a commit it is for files.
  struct Commit {
    const kv::Store& store;
    uint64_t number;
    const Root* before;  // null: not known; else the root is a transaction's, begun on it
    const Changes& changes;
    uint64_t block_records_max;
  };
  void write_for(const Commit* commit) { commit_ = commit; }
  // How many entries entities() will write, about.
  uint64_t count_entities(EntityKind kind, const std::vector<uint64_t>& ids);
  bool columns_written() const { return columns_written_; }
  bool groups_written() const { return groups_written_; }
  // When all is encoded, and will be written: tells the blocks of the transaction what the store has of them then
  // (EntityBlock::Stored). Not before: what is thrown away may be encoded again.
  void tell_blocks() const;

  // Names are sorted and unique; entries come in the order of their keys, those behind kGroupedKeys in an order of
  // their own.
  Status entities(EntityKind kind, const std::vector<uint64_t>& ids);
  Status adjacency(const std::vector<DirtyBlock>& blocks);
  Status labels(const std::vector<DirtyLabel>& labels);
  Status index(const IndexInfo& info, const std::vector<std::string>& entries);
  Status whole_index(const IndexInfo& info);

 private:
  // Calls visit(block, its index, its first name, behind its last) for each block that is there.
  template <typename Visit>
  Status for_each_block(EntityKind kind, const std::vector<uint64_t>& ids, Visit&& visit) const;
  bool is_known() const { return commit_ != nullptr && commit_->before != nullptr; }
  bool as_columns(EntityKind kind, uint64_t index, const cache::EntityBlock& block, size_t rows);
  bool as_head(const cache::EntityBlock& block, std::span<const uint64_t> ids) const;
  // Nothing is stored of ids from here on.
  uint64_t stored_limit(EntityKind kind) const {
    return cleared_ ? 0 : kind == EntityKind::kNode ? stored_.next_node : stored_.next_relationship;
  }
  Status records(EntityKind kind, const cache::EntityBlock& block, std::span<const uint64_t> ids);
  Status columns(EntityKind kind, uint64_t index, const cache::EntityBlock& block);
  Status head(EntityKind kind, uint64_t index, const cache::EntityBlock& block, std::vector<KeyId> columns,
              const cache::EntityBlock::Stored& stored);
  Status put_grouped(EntityKind kind, uint64_t index, KeyId key);
  Status record(EntityKind kind, const cache::EntityBlock& block, uint64_t id, uint64_t written);
  bool is_due(EntityKind kind, uint64_t index, const cache::EntityBlock& block, bool columns_pay) const;
  bool is_asked_for(EntityKind kind, uint64_t index) const;
  Status read_parts(EntityKind kind, uint64_t index);
  Status read_records(EntityKind kind, uint64_t index, const cache::EntityBlock& block);
  template <typename Visit>  // bool (ByteView key, ByteView value); false: damaged
  Status for_each_key(EntityKind kind, ByteView lower, uint64_t end, Visit&& visit) const;
  Status whole_block(EntityKind kind, uint64_t index, const cache::EntityBlock& block);

  const bool cleared_;
  const Root& root_;
  const StoredState& stored_;
  EntryOutput& out_;
  RecordEncoder& encoder_;
  std::vector<Property>& properties_;
  std::string& bytes_;
  std::vector<EncoderBuffers::Told>& told_;
  const Commit* commit_ = nullptr;
  bool columns_written_ = false, groups_written_ = false;
  ColumnChanges changed_;
  // What the store has of a block.
  struct {
    RowBits records;
    std::vector<KeyId> columns;  // that no head lists
    bool head = false;
    std::vector<KeyId> listed;
  } parts_;
  HeadEncoder head_;
  StoredHead stored_head_;
  GroupedColumnsBuffer grouped_;
};

}  // namespace lora::graph
