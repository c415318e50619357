// Root: one version of the in-memory form. Reached by a pin (published versions) or owned by the open transaction
// (private root). Copying one is copying a handful of pointers.
//
// Reading: find_*() answers the chunk, T::empty(), or null = not loaded: the caller loads the chunk from
// `store_snapshot` and hands it over with publish_*(), which returns the chunk to use. Both need an access epoch
// (Versions::enter).
//
// Writing (the private root; all of it under Versions::structure()): the edit functions below find the chunk, copy what
// is not mine, and put it back. They need the chunk to be resident: they answer false when it is not loaded; load,
// publish with the context, and call again. For ids that never existed nothing needs to be loaded: see fresh_*().
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "graph/cache/entity_block.h"
#include "graph/cache/index_tree.h"
#include "graph/cache/label_chunk.h"
#include "graph/cache/topology.h"
#include "graph/cache/trie.h"
#include "graph/schema.h"

namespace lora::kv {
class Snapshot;
}
namespace lora::graph::cache {
class Versions;
}

namespace lora::graph::cache {

// 64 counters: of eight labels, or seven and none, with four types, or three and none, in both directions (root.cpp).
struct CounterPage : Object {
  uint64_t values[64];
  CounterPage() : Object(ObjectKind::kCounterPage) {
    for (uint64_t& v : values) v = 0;
  }
  static CounterPage* empty();
  static CounterPage* make(WriteContext* context);
  static CounterPage* writable(WriteContext& context, CounterPage* page);
};

}  // namespace lora::graph::cache

namespace lora::graph {

// What the next version takes over: plain values, copied as a whole.
struct RootFields {
  // Catalog and schema as of this version.
  std::shared_ptr<const Schema> schema;
  uint64_t schema_version = 0;
  uint32_t label_tokens = 0, type_tokens = 0, key_tokens = 0;
  // Exact totals and limits.
  uint64_t nodes = 0, relationships = 0;
  uint64_t next_node = 0, next_relationship = 0;
  // The point in time of the store that chunks not loaded come from. A private root has its base's.
  const kv::Snapshot* store_snapshot = nullptr;
  uint64_t stored_stamp = 0;                     // it has everything that was made up to this stamp
  bool stored_columns = false;                   // the store may have columns beside records
  bool stored_heads = false;                     // and heads in place of records
  bool stored_groups = false;                    // and columns of theirs by their property
  bool nothing_stored = false;                   // of a committed version: it has nothing of it, all is in memory
  std::atomic<int64_t>* object_bytes = nullptr;  // Versions': what loaded objects are charged to; set by open()

  cache::Trie<cache::EntityBlock> node_blocks, relationship_blocks;
  cache::Table<cache::LabelChunk> labels;       // by label
  cache::Table<cache::TopologyChunk> topology;  // by topology_token(type, direction)
  cache::Trie<cache::IndexTree> indexes;        // by index id
  // Counters are always resident and never evicted.
  cache::Trie<cache::CounterPage> counts;
};

using AllTries = std::array<cache::TrieNode*, 6>;
AllTries tries_of(const RootFields& root);  // null: nothing of it yet

struct Root : RootFields {
  uint64_t stamp = 0;    // of the last statement in it
  uint64_t version = 0;  // commit number; 0 while private

  static uint64_t topology_token(RelTypeId type, Direction direction) {
    return uint64_t{type.value} * 2 + static_cast<uint64_t>(direction);
  }

  // --- reading: null = not loaded ---
  const cache::EntityBlock* find_block(EntityKind kind, uint64_t index) const {
    return (kind == EntityKind::kNode ? node_blocks : relationship_blocks).find(index);
  }
  const cache::LabelChunk* find_label_chunk(LabelId label, uint64_t index) const {
    return labels.find(label.value, index);
  }
  cache::Trie<cache::TopologyChunk> find_topology(RelTypeId type, Direction direction) const {
    return topology.find(topology_token(type, direction));
  }
  const cache::TopologyChunk* find_topology_chunk(RelTypeId type, Direction direction, uint64_t index) const {
    return topology.find(topology_token(type, direction), index);
  }
  const cache::IndexTree* find_index(IndexId index) const { return indexes.find(index.value); }

  // --- loading; `context` when the open transaction reads its private root, else null. With a context they take
  // Versions::structure() themselves. ---
  const cache::EntityBlock* publish_block(cache::WriteContext* context, EntityKind kind, uint64_t index,
                                          cache::Loaded<cache::EntityBlock> block) const;
  const cache::LabelChunk* publish_label_chunk(cache::WriteContext* context, LabelId label, uint64_t index,
                                               cache::Loaded<cache::LabelChunk> chunk) const;
  const cache::TopologyChunk* publish_topology_chunk(cache::WriteContext* context, RelTypeId type, Direction direction,
                                                     uint64_t index, cache::Loaded<cache::TopologyChunk> chunk) const;
  const cache::IndexTree* publish_index(cache::WriteContext* context, IndexId index,
                                        cache::Loaded<cache::IndexTree> tree) const;

  // --- counters ---
  uint64_t label_count(LabelId label) const;
  uint64_t type_count(RelTypeId type) const;
  // Relationships of `type` whose start (kOut) or end (kIn) carries `label`.
  uint64_t triple_count(LabelId label, RelTypeId type, Direction direction) const;

  // --- before the first version is published. Sizing, from the stored limits (tries then cover all stored ids), then
  // the counters that are not zero. Owned by a ReservedTries until Versions has them. ---
  void reserve(uint64_t node_limit, uint64_t relationship_limit, uint32_t label_tokens, uint32_t type_tokens,
               uint32_t index_limit);
  void load_label_count(LabelId label, uint64_t count);
  void load_type_count(RelTypeId type, uint64_t count);
  void load_triple_count(LabelId label, RelTypeId type, Direction direction, uint64_t count);
  uint64_t node_block_count() const { return next_node / cache::EntityBlock::kRows + 1; }

  // --- writing. false: a chunk that is needed is not loaded, or not as a whole; nothing was changed. ---
  bool edit_create_node(cache::WriteContext& context, NodeId id, std::span<const LabelId> labels,
                        std::span<const Property> properties);
  bool edit_create_relationship(cache::WriteContext& context, RelId id, RelTypeId type, NodeId start, NodeId end,
                                std::span<const Property> properties);
  bool edit_set_property(cache::WriteContext& context, EntityKind kind, uint64_t id, KeyId key, const Value& value);
  bool edit_set_labels(cache::WriteContext& context, NodeId id, std::span<const LabelId> labels);
  bool edit_erase(cache::WriteContext& context, EntityKind kind, uint64_t id);
  // The block becomes the transaction's own, without a change.
  bool edit_block(cache::WriteContext& context, EntityKind kind, uint64_t index);
  bool edit_label(cache::WriteContext& context, LabelId label, NodeId id, bool value);
  bool edit_connect(cache::WriteContext& context, RelTypeId type, Direction direction, NodeId node, uint64_t neighbour,
                    uint64_t relationship, cache::TouchedBlocks* touched);
  // Of many new pairs of one chunk, sorted, those that TopologyChunk::merge() takes.
  bool edit_connect_many(cache::WriteContext& context, RelTypeId type, Direction direction, uint64_t index,
                         std::span<const cache::NewPair> pairs, uint64_t* left);
  // *found = false: the pair was not in the list.
  bool edit_disconnect(cache::WriteContext& context, RelTypeId type, Direction direction, NodeId node,
                       uint64_t neighbour, uint64_t relationship, cache::TouchedBlocks* touched, bool* found);
  // The tree as mine, to insert into and erase from; null when not loaded.
  cache::IndexTree* edit_index(cache::WriteContext& context, IndexId index);
  // A new index (made by IndexTreeBuilder(&context)); or, with null, forgets a dropped one.
  void put_index(cache::WriteContext& context, IndexId index, cache::IndexTree* tree);
  // A label or type that is new to the store: known to be empty for all ids given out, so that nothing is looked for
  // there until something of it has been evicted.
  void edit_fresh_label(cache::WriteContext& context, LabelId label);
  void edit_fresh_type(cache::WriteContext& context, RelTypeId type);
  // The absent chunk becomes a known-empty one (fresh ids: nothing in the store yet).
  void edit_fresh_block(cache::WriteContext& context, EntityKind kind, uint64_t index);
  void edit_fresh_label_chunk(cache::WriteContext& context, LabelId label, uint64_t index);
  void edit_fresh_topology_chunk(cache::WriteContext& context, RelTypeId type, Direction direction, uint64_t index);
  void add_label_count(cache::WriteContext& context, LabelId label, int64_t delta);
  void add_type_count(cache::WriteContext& context, RelTypeId type, int64_t delta);
  void add_triple_count(cache::WriteContext& context, LabelId label, RelTypeId type, Direction direction,
                        int64_t delta);
  // Transaction::clear(): all nodes, relationships, labels, adjacency and counters gone; index trees become empty
  // (known, not absent). Limits, catalog and schema stay. Known-empty: reads find nothing without the store.
  void edit_clear(cache::WriteContext& context);
};

namespace cache {

// Frees what has been reserved and loaded for a root unless a version gets it. The root stays where it is.
class ReservedTries {
 public:
  explicit ReservedTries(const Root& root) : root_(&root) {}
  ~ReservedTries();
  ReservedTries(const ReservedTries&) = delete;
  ReservedTries& operator=(const ReservedTries&) = delete;
  void release() { root_ = nullptr; }

 private:
  const Root* root_;
};

}  // namespace cache

}  // namespace lora::graph
