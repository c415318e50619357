#include "graph/cache/root.h"

#include <cstring>
#include <new>

#include "graph/cache/versions.h"

namespace lora::graph {

namespace cache {

CounterPage* CounterPage::empty() {
  static CounterPage* const shared = [] {
    auto* page = new (allocate(nullptr, sizeof(CounterPage))) CounterPage;
    page->flags = kStatic;
    return page;
  }();
  return shared;
}

CounterPage* CounterPage::make(WriteContext* context) {
  auto* page = new (allocate(context, sizeof(CounterPage))) CounterPage;
  register_object(context, page, sizeof(CounterPage));
  return page;
}

CounterPage* CounterPage::writable(WriteContext& context, CounterPage* page) {
  if (context.mine(page)) return page;
  CounterPage* copy = make(&context);
  std::memcpy(copy->values, page->values, sizeof copy->values);
  context.retire(page);
  return copy;
}

}  // namespace cache

using namespace cache;  // NOLINT: this file is the cache's front

namespace {

// Where a counter is. A statement changes counters of few labels with few types: they lie on one page, and such pages
// in one node of the trie, because the page's number interleaves the bits of both (Morton order). Nodes of a label
// count as its relationships of no type, relationships of a type as those with no label.
struct CounterPlace {
  uint64_t page;
  uint32_t at;
};

uint64_t spread_bits(uint64_t x) {
  if (x <= 1) [[likely]]
    return x;
  x = (x | x << 16) & 0x0000ffff0000ffff;
  x = (x | x << 8) & 0x00ff00ff00ff00ff;
  x = (x | x << 4) & 0x0f0f0f0f0f0f0f0f;
  x = (x | x << 2) & 0x3333333333333333;
  return (x | x << 1) & 0x5555555555555555;
}

// Numbers from 1, 0: none.
CounterPlace counter_place(uint64_t label, uint64_t type, Direction direction) {
  return {spread_bits(label / 8) << 1 | spread_bits(type / 4),
          static_cast<uint32_t>((label % 8 * 4 + type % 4) * 2 + static_cast<uint32_t>(direction))};
}
CounterPlace place_of(LabelId label) {
  return counter_place(uint64_t{label.value} + 1, 0, Direction::kOut);
}
CounterPlace place_of(RelTypeId type) {
  return counter_place(0, uint64_t{type.value} + 1, Direction::kOut);
}
CounterPlace place_of(LabelId label, RelTypeId type, Direction direction) {
  return counter_place(uint64_t{label.value} + 1, uint64_t{type.value} + 1, direction);
}

uint64_t counter(const Trie<CounterPage>& counts, CounterPlace place) {
  const CounterPage* page = counts.find(place.page);
  return page == nullptr ? 0 : page->values[place.at];
}

void add_to_counter(WriteContext& context, Trie<CounterPage>* counts, CounterPlace place, int64_t delta) {
  CounterPage* page = counts->edit(context, place.page);
  if (page == nullptr) counts->set(context, place.page, page = CounterPage::make(&context));
  page->values[place.at] += static_cast<uint64_t>(delta);
}

// The counter's page belongs to its trie before it is filled.
void load_counter(Trie<CounterPage>* counts, CounterPlace place, uint64_t count) {
  CounterPage* page = counts->find(place.page);
  if (page == nullptr) {
    page = counts->publish_loaded(Loading(), place.page, Loaded<CounterPage>(CounterPage::make(nullptr)));
  }
  page->values[place.at] = count;
}

}  // namespace

// --- loading ---
// Without a context publishing changes slots, never the root itself. With one the root is the transaction's own, and
// the evictor may be looking at it.
namespace {
std::unique_lock<std::recursive_mutex> lock_for(WriteContext* context) {
  return context == nullptr ? std::unique_lock<std::recursive_mutex>() : context->versions()->structure();
}
}  // namespace

const EntityBlock* Root::publish_block(WriteContext* context, EntityKind kind, uint64_t index,
                                       Loaded<EntityBlock> block) const {
  auto lock = lock_for(context);
  auto* self = const_cast<Root*>(this);
  return (kind == EntityKind::kNode ? self->node_blocks : self->relationship_blocks)
      .publish_loaded({context, object_bytes}, index, std::move(block));
}

const LabelChunk* Root::publish_label_chunk(WriteContext* context, LabelId label, uint64_t index,
                                            Loaded<LabelChunk> chunk) const {
  auto lock = lock_for(context);
  return const_cast<Root*>(this)->labels.publish_loaded({context, object_bytes}, label.value,
                                                        next_node / LabelChunk::kRows + 1, index, std::move(chunk));
}

const TopologyChunk* Root::publish_topology_chunk(WriteContext* context, RelTypeId type, Direction direction,
                                                  uint64_t index, Loaded<TopologyChunk> chunk) const {
  auto lock = lock_for(context);
  return const_cast<Root*>(this)->topology.publish_loaded({context, object_bytes}, topology_token(type, direction),
                                                          next_node / TopologyChunk::kNodes + 1, index,
                                                          std::move(chunk));
}

const IndexTree* Root::publish_index(WriteContext* context, IndexId index, Loaded<IndexTree> tree) const {
  auto lock = lock_for(context);
  return const_cast<Root*>(this)->indexes.publish_loaded({context, object_bytes}, index.value, std::move(tree));
}

// --- counters ---

uint64_t Root::label_count(LabelId label) const {
  return counter(counts, place_of(label));
}

uint64_t Root::type_count(RelTypeId type) const {
  return counter(counts, place_of(type));
}

uint64_t Root::triple_count(LabelId label, RelTypeId type, Direction direction) const {
  return counter(counts, place_of(label, type, direction));
}

void Root::add_label_count(WriteContext& context, LabelId label, int64_t delta) {
  add_to_counter(context, &counts, place_of(label), delta);
}

void Root::add_type_count(WriteContext& context, RelTypeId type, int64_t delta) {
  add_to_counter(context, &counts, place_of(type), delta);
}

void Root::add_triple_count(WriteContext& context, LabelId label, RelTypeId type, Direction direction, int64_t delta) {
  add_to_counter(context, &counts, place_of(label, type, direction), delta);
}

// --- sizing ---

void Root::reserve(uint64_t node_limit, uint64_t relationship_limit, uint32_t label_tokens_limit,
                   uint32_t type_tokens_limit, uint32_t index_limit) {
  const auto make = [](uint64_t count) { return Loaded<TrieNode>(make_trie_node(nullptr, trie_shape_for(count + 1))); };
  Loaded<TrieNode> tries[] = {make(node_limit / EntityBlock::kRows),
                              make(relationship_limit / EntityBlock::kRows),
                              make(label_tokens_limit),
                              make(uint64_t{type_tokens_limit} * 2),
                              make(index_limit),
                              make(counter_place(label_tokens_limit, type_tokens_limit, Direction::kOut).page)};
  node_blocks.root = tries[0].release();
  relationship_blocks.root = tries[1].release();
  labels.root = tries[2].release();
  topology.root = tries[3].release();
  indexes.root = tries[4].release();
  counts.root = tries[5].release();
}

void Root::load_label_count(LabelId label, uint64_t count) {
  load_counter(&counts, place_of(label), count);
}

void Root::load_type_count(RelTypeId type, uint64_t count) {
  load_counter(&counts, place_of(type), count);
}

void Root::load_triple_count(LabelId label, RelTypeId type, Direction direction, uint64_t count) {
  load_counter(&counts, place_of(label, type, direction), count);
}

AllTries tries_of(const RootFields& root) {
  return {root.node_blocks.root, root.relationship_blocks.root, root.labels.root, root.topology.root, root.indexes.root,
          root.counts.root};
}

namespace cache {

ReservedTries::~ReservedTries() {
  if (root_ == nullptr) return;
  for (TrieNode* trie : tries_of(*root_)) {
    if (trie != nullptr) free_tree(trie);
  }
}

}  // namespace cache

// --- writing ---

namespace {

// Null: not loaded, or not all of it.
EntityBlock* find_whole(const Trie<EntityBlock>& blocks, uint64_t index) {
  EntityBlock* block = blocks.find(index);
  return block == nullptr || !block->is_whole() ? nullptr : block;
}

}  // namespace

bool Root::edit_create_node(WriteContext& context, NodeId id, std::span<const LabelId> node_labels,
                            std::span<const Property> properties) {
  const uint64_t index = EntityBlock::index_of(id.value);
  EntityBlock* block = find_whole(node_blocks, index);
  if (block == nullptr) return false;
  EntityBlock* now = EntityBlock::create_node(&context, block, EntityBlock::row_of(id.value), node_labels, properties);
  if (now != block) node_blocks.set(context, index, now);
  return true;
}

bool Root::edit_create_relationship(WriteContext& context, RelId id, RelTypeId type, NodeId start, NodeId end,
                                    std::span<const Property> properties) {
  const uint64_t index = EntityBlock::index_of(id.value);
  EntityBlock* block = find_whole(relationship_blocks, index);
  if (block == nullptr) return false;
  EntityBlock* now =
      EntityBlock::create_relationship(&context, block, EntityBlock::row_of(id.value), type, start, end, properties);
  if (now != block) relationship_blocks.set(context, index, now);
  return true;
}

bool Root::edit_set_property(WriteContext& context, EntityKind kind, uint64_t id, KeyId key, const Value& value) {
  Trie<EntityBlock>& blocks = kind == EntityKind::kNode ? node_blocks : relationship_blocks;
  const uint64_t index = EntityBlock::index_of(id);
  EntityBlock* block = find_whole(blocks, index);
  if (block == nullptr) return false;
  EntityBlock* now = EntityBlock::set_property(&context, block, EntityBlock::row_of(id), key, value);
  if (now != block) blocks.set(context, index, now);
  return true;
}

bool Root::edit_set_labels(WriteContext& context, NodeId id, std::span<const LabelId> node_labels) {
  const uint64_t index = EntityBlock::index_of(id.value);
  EntityBlock* block = find_whole(node_blocks, index);
  if (block == nullptr) return false;
  EntityBlock* now = EntityBlock::set_labels(&context, block, EntityBlock::row_of(id.value), node_labels);
  if (now != block) node_blocks.set(context, index, now);
  return true;
}

bool Root::edit_erase(WriteContext& context, EntityKind kind, uint64_t id) {
  Trie<EntityBlock>& blocks = kind == EntityKind::kNode ? node_blocks : relationship_blocks;
  const uint64_t index = EntityBlock::index_of(id);
  EntityBlock* block = find_whole(blocks, index);
  if (block == nullptr) return false;
  EntityBlock* now = EntityBlock::erase(&context, block, EntityBlock::row_of(id));
  if (now != block) blocks.set(context, index, now);
  return true;
}

bool Root::edit_block(WriteContext& context, EntityKind kind, uint64_t index) {
  Trie<EntityBlock>& blocks = kind == EntityKind::kNode ? node_blocks : relationship_blocks;
  EntityBlock* block = find_whole(blocks, index);
  if (block == nullptr) return false;
  EntityBlock* now = EntityBlock::writable(context, block);
  if (now != block) blocks.set(context, index, now);
  return true;
}

bool Root::edit_label(WriteContext& context, LabelId label, NodeId id, bool value) {
  LabelChunk* chunk = labels.edit(context, label.value, LabelChunk::index_of(id.value));
  if (chunk == nullptr) return false;
  chunk->set(LabelChunk::row_of(id.value), value);
  return true;
}

bool Root::edit_connect(WriteContext& context, RelTypeId type, Direction direction, NodeId node, uint64_t neighbour,
                        uint64_t relationship, TouchedBlocks* touched) {
  const uint64_t token = topology_token(type, direction), index = TopologyChunk::index_of(node.value);
  TopologyChunk* chunk = topology.find(token, index);
  if (chunk == nullptr) return false;
  TopologyChunk* now =
      TopologyChunk::insert(context, chunk, TopologyChunk::row_of(node.value), neighbour, relationship, touched);
  if (now != chunk) topology.set(context, token, index, now);
  return true;
}

bool Root::edit_connect_many(WriteContext& context, RelTypeId type, Direction direction, uint64_t index,
                             std::span<const NewPair> pairs, uint64_t* left) {
  const uint64_t token = topology_token(type, direction);
  TopologyChunk* chunk = topology.find(token, index);
  if (chunk == nullptr) return false;
  TopologyChunk* now = TopologyChunk::merge(context, chunk, pairs, left);
  if (now != chunk) topology.set(context, token, index, now);
  return true;
}

bool Root::edit_disconnect(WriteContext& context, RelTypeId type, Direction direction, NodeId node, uint64_t neighbour,
                           uint64_t relationship, TouchedBlocks* touched, bool* found) {
  const uint64_t token = topology_token(type, direction), index = TopologyChunk::index_of(node.value);
  TopologyChunk* chunk = topology.find(token, index);
  if (chunk == nullptr) return false;
  TopologyChunk* now =
      TopologyChunk::erase(context, chunk, TopologyChunk::row_of(node.value), neighbour, relationship, touched, found);
  if (now != chunk) topology.set(context, token, index, now);
  return true;
}

IndexTree* Root::edit_index(WriteContext& context, IndexId index) {
  return indexes.edit(context, index.value);
}

void Root::put_index(WriteContext& context, IndexId index, IndexTree* tree) {
  if (IndexTree* old = indexes.find(index.value)) context.retire_tree(old);
  indexes.set(context, index.value, tree);
}

void Root::edit_fresh_block(WriteContext& context, EntityKind kind, uint64_t index) {
  (kind == EntityKind::kNode ? node_blocks : relationship_blocks).set(context, index, EntityBlock::empty());
}

void Root::edit_fresh_label_chunk(WriteContext& context, LabelId label, uint64_t index) {
  labels.set(context, label.value, index, LabelChunk::empty());
}

void Root::edit_fresh_topology_chunk(WriteContext& context, RelTypeId type, Direction direction, uint64_t index) {
  topology.set(context, topology_token(type, direction), index, TopologyChunk::empty());
}

namespace {

TrieNode* empty_labels(uint64_t next_node) {
  return empty_trie<LabelChunk>(trie_shape_for(next_node / LabelChunk::kRows + 1).level);
}

TrieNode* empty_topology(uint64_t next_node) {
  return empty_trie<TopologyChunk>(trie_shape_for(next_node / TopologyChunk::kNodes + 1).level);
}

}  // namespace

void Root::edit_fresh_label(WriteContext& context, LabelId label) {
  labels.set_trie(context, label.value, empty_labels(next_node));
}

void Root::edit_fresh_type(WriteContext& context, RelTypeId type) {
  for (const Direction direction : {Direction::kOut, Direction::kIn}) {
    topology.set_trie(context, topology_token(type, direction), empty_topology(next_node));
  }
}

void Root::edit_clear(WriteContext& context) {
  for (TrieNode* trie : tries_of(*this)) {
    if (trie != nullptr) context.retire_tree(trie);
  }
  const auto known_empty = [&context](TrieNode* inner, uint64_t tokens) {
    TrieNode* table = make_trie_node(&context, trie_shape_for(tokens + 1));
    for (uint64_t token = 0; token < tokens; ++token) {
      writable_slot(context, &table, token)->store(inner, std::memory_order_relaxed);
    }
    return table;
  };
  node_blocks.root = empty_trie<EntityBlock>(trie_shape_for(next_node / EntityBlock::kRows + 1).level);
  relationship_blocks.root = empty_trie<EntityBlock>(trie_shape_for(next_relationship / EntityBlock::kRows + 1).level);
  labels.root = known_empty(empty_labels(next_node), label_tokens);
  topology.root = known_empty(empty_topology(next_node), uint64_t{type_tokens} * 2);
  indexes.root = empty_trie<IndexTree>(2);
  counts.root = nullptr;
  nodes = relationships = 0;
}

}  // namespace lora::graph
