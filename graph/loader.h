// Builds chunks of the in-memory form from the store, as of a root's store snapshot, and reads single entities and
// lists when a chunk is not worth loading. All that comes from the store is checked; damage is kCorruption naming the
// key.
//
// Threads: a Loader is used by one thread at a time; it keeps scratch space from call to call.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graph/cache/root.h"
#include "graph/layout.h"
#include "graph/record.h"
#include "graph/stored_columns.h"
#include "graph/stored_entities.h"
#include "graph/wanted_properties.h"
#include "kv/store.h"

namespace lora::graph {

class Loader {
 public:
  explicit Loader(const kv::Store* store)
      : store_(store), walks_{BlockWalk(store), BlockWalk(store)}, grouped_(store) {}

  // Each returns a chunk as loaded, to be published, or the shared empty one. What is read for them alone takes no
  // place in the block cache: it is there twice otherwise. Blocks, and chunks of lists, that are asked for one after
  // the other are read with one cursor, which holds what it sees of the store until rest().
  // A block whose head lists its columns is loaded with those that are wanted, others as a whole.
  Result<cache::Loaded<cache::EntityBlock>> block(const RootFields& root, EntityKind kind, uint64_t index,
                                                  const WantedProperties& wanted);
  // For a published block of the root: loads what is wanted and it lacks.
  Status complete(const RootFields& root, EntityKind kind, uint64_t index, const WantedProperties& wanted,
                  const cache::EntityBlock* block);
  Result<cache::Loaded<cache::LabelChunk>> label_chunk(const RootFields& root, LabelId label, uint64_t index);
  Result<cache::Loaded<cache::TopologyChunk>> topology(const RootFields& root, RelTypeId type, Direction direction,
                                                       uint64_t index);
  Result<cache::Loaded<cache::IndexTree>> index(const RootFields& root, const IndexInfo& info);

  void rest() {
    for (BlockWalk& walk : walks_) walk.end();
    grouped_.end();
    lists_ = {};
  }
  // A block with these entities of block `index` alone, as far as they exist; the shared empty one when none does.
  Result<cache::Loaded<cache::EntityBlock>> rows(const RootFields& root, EntityKind kind, uint64_t index,
                                                 std::span<const uint64_t> ids, const WantedProperties& wanted);
  Result<bool> exists(const RootFields& root, EntityKind kind, uint64_t id);
  // Whether block `index` is stored with one (graph/stored_heads.h).
  Result<bool> has_head(const RootFields& root, EntityKind kind, uint64_t index);
  // Appends the whole list.
  Status list(const RootFields& root, NodeId node, Direction direction, RelTypeId type,
              std::vector<uint64_t>* neighbours, std::vector<uint64_t>* relationships);

 private:
  template <typename Entity>
  Result<bool> read(const RootFields& root, EntityKind kind, uint64_t id, Entity* out);
  // For chunk `index`, at or behind `place`.
  kv::Cursor* cursor_at(const RootFields& root, RelTypeId type, Direction direction, uint64_t index, ByteView place);

  // Over blocks, one after the other.
  struct BlockWalk {
    explicit BlockWalk(const kv::Store* store) : entities(store) {}
    bool goes_on(const RootFields& at, EntityKind of, uint64_t index) const {
      return root == &at && snapshot == at.store_snapshot && kind == of && next == index;
    }
    void end() {
      root = nullptr;
      entities.end();
    }
    StoredEntities entities;
    const RootFields* root = nullptr;  // null: nothing
    const kv::Snapshot* snapshot = nullptr;
    EntityKind kind = EntityKind::kNode;
    uint64_t next = 0, stop = 0;  // block
  };
  BlockWalk& walk_to(const RootFields& root, EntityKind kind, uint64_t index, const WantedProperties& wanted);
  bool is_as_loaded(const RootFields& root, const cache::EntityBlock& block) const;
  Result<cache::Loaded<cache::EntityBlock>> columns(const RootFields& root, EntityKind kind, uint64_t index,
                                                    const WantedProperties& wanted, const cache::EntityBlock& of);
  Status read_head(const RootFields& root, EntityKind kind, uint64_t index);  // into head_

  const kv::Store* store_;
  std::string value_;
  // Two, since who scans over blocks may ask for more of those behind.
  std::array<BlockWalk, 2> walks_;
  size_t last_walk_ = 0;
  struct Record {
    uint32_t row = 0;
    StoredNode node;
    StoredRelationship relationship;
  };
  std::vector<Record> records_;  // of the block that is being loaded
  struct Lists {
    const RootFields* root = nullptr;  // null: nothing
    const kv::Snapshot* snapshot = nullptr;
    RelTypeId type;
    Direction direction = Direction::kOut;
    uint64_t next = 0, end = 0;  // chunk
    std::unique_ptr<kv::Cursor> cursor;
  } lists_;
  GroupedColumns grouped_;
  StoredColumns columns_;
  StoredNode node_;
  StoredRelationship relationship_;
  StoredHead head_;
  enum class HeadState : uint8_t { kNotRead, kRead } head_state_ = HeadState::kNotRead;  // of the block that is read
  std::vector<uint64_t> neighbours_, relationships_;
};

// Reads properties of stored nodes in the order of their ids: for walks over all of them.
class StoredNodes {
 public:
  // The properties with these keys are read. As of the root's store snapshot; the root must stay.
  StoredNodes(const kv::Store* store, const RootFields& root, std::vector<KeyId> keys)
      : root_(root), keys_(std::move(keys)), entities_(store) {}
  // Of a node whose id is above the last one asked for, ascending keys; none of a node that is not there.
  Status properties(NodeId id, std::vector<Property>* out);

 private:
  const RootFields& root_;
  std::vector<KeyId> keys_;
  StoredEntities entities_;
  bool begun_ = false;
  bool more_ = true;  // the walk is at an entity that was not asked for yet, or has not begun
};

// Splits an index entry's key and value into the hot form's key (values, then id). False: damaged.
bool decode_index_entry(const IndexInfo& info, ByteView key, ByteView value, std::string* entry);

}  // namespace lora::graph
