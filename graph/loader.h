// Builds chunks of the in-memory form from the store, as of a root's store snapshot, and reads single entities and
// lists when a chunk is not worth loading. All that comes from the store is checked; damage is kCorruption naming the
// key.
//
// Threads: a Loader is used by one thread at a time; it keeps scratch space from call to call.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph/cache/root.h"
#include "graph/layout.h"
#include "graph/record.h"
#include "graph/stored_columns.h"
#include "kv/store.h"

namespace lora::graph {

class Loader {
 public:
  explicit Loader(const kv::Store* store) : store_(store) {}

  // Each returns a chunk as loaded, to be published, or the shared empty one. What is read for them alone takes no
  // place in the block cache: it is there twice otherwise.
  Result<cache::Loaded<cache::EntityBlock>> block(const RootFields& root, EntityKind kind, uint64_t index);
  Result<cache::Loaded<cache::LabelChunk>> label_chunk(const RootFields& root, LabelId label, uint64_t index);
  Result<cache::Loaded<cache::TopologyChunk>> topology(const RootFields& root, RelTypeId type, Direction direction,
                                                       uint64_t index);
  Result<cache::Loaded<cache::IndexTree>> index(const RootFields& root, const IndexInfo& info);

  // One entity or list, straight from the store. False: absent.
  Result<bool> node(const RootFields& root, NodeId id, StoredNode* out);
  Result<bool> relationship(const RootFields& root, RelId id, StoredRelationship* out);
  // Appends the whole list.
  Status list(const RootFields& root, NodeId node, Direction direction, RelTypeId type,
              std::vector<uint64_t>* neighbours, std::vector<uint64_t>* relationships);

 private:
  const kv::Store* store_;
  std::string value_;
  struct Decoded {
    StoredNode node;
    StoredRelationship relationship;
  };
  static Status decode(const RootFields& root, EntityKind kind, ByteView key, ByteView record, Decoded* out);
  void add(EntityKind kind, uint32_t row, Decoded* entity, cache::EntityBlockBuilder* builder);

  Decoded first_, other_;
  StoredColumns columns_;
  std::vector<uint64_t> neighbours_, relationships_;
};

// Reads stored nodes in the order of their ids, past the in-memory form and without a place in the block cache: for
// walks over all of them. As of the root's store snapshot.
class StoredNodes {
 public:
  StoredNodes(const kv::Store* store, const RootFields& root) : store_(store), root_(root) {}
  // The properties with these keys, which are the same in each call, of a node whose id is above the last one asked
  // for, ascending.
  Status properties(NodeId id, std::span<const KeyId> keys, std::vector<Property>* out);

 private:
  const kv::Store* store_;
  const RootFields& root_;
  void advance(ByteView key);
  Status enter(uint64_t block, std::span<const KeyId> keys);

  std::unique_ptr<kv::Cursor> cursor_;  // at the next node, once one was asked for
  uint64_t block_ = ~uint64_t{0};       // whose columns and first record are at hand
  StoredColumns columns_;
  std::string first_record_;  // empty: there is none
};

TokenLimits token_limits(const RootFields& root);
// Splits an index entry's key and value into the hot form's key (values, then id). False: damaged.
bool decode_index_entry(const IndexInfo& info, ByteView key, ByteView value, std::string* entry);

}  // namespace lora::graph
