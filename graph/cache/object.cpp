#include "graph/cache/object.h"

#include <new>

#include "graph/cache/column.h"
#include "graph/cache/entity_block.h"
#include "graph/cache/index_node.h"
#include "graph/cache/index_tree.h"
#include "graph/cache/piece_pool.h"
#include "graph/cache/topology.h"
#include "graph/cache/trie.h"
#include "graph/cache/versions.h"

namespace lora::graph::cache {

void* allocate(WriteContext* context, size_t bytes) {
  const size_t rounded = PiecePool::rounded(bytes);
  if (context != nullptr) {
    context->make_room();
    if (void* piece = context->take_piece(rounded)) return piece;
  }
  return ::operator new(rounded);
}

void register_object(WriteContext* context, Object* object, size_t bytes) {
  object->bytes = static_cast<uint32_t>(bytes);
  const size_t memory = context == nullptr ? PiecePool::rounded(bytes) : context->piece_bytes(bytes);
  object->units = memory <= PiecePool::kMost ? static_cast<uint16_t>(memory / PiecePool::kUnit) : 0;
  if (context != nullptr) {
    context->made(object);
  } else {
    object->flags |= Object::kLoaded;
  }
}

void for_each_part(const Object* object, const std::function<void(Object*)>& f) {
  switch (object->kind) {
    case ObjectKind::kTrieNode: {
      static_cast<const TrieNode*>(object)->for_each_child([&f](uint32_t, Object* child) { f(child); });
      return;
    }
    case ObjectKind::kEntityBlock: {
      const auto* block = static_cast<const EntityBlock*>(object);
      if (block->label_sets != nullptr) f(block->label_sets);
      if (block->ends != nullptr) f(block->ends);
      for (uint32_t i = 0; i < block->column_count; ++i) {
        Column* column = block->column_at(i);
        if (column != nullptr && (column->flags & Object::kStatic) == 0) f(column);
      }
      return;
    }
    case ObjectKind::kTopologyChunk: {
      const auto* chunk = static_cast<const TopologyChunk*>(object);
      const int hubs = std::popcount(chunk->hub_mask);
      for (int i = 0; i < hubs; ++i) f(chunk->hubs()[i]);
      return;
    }
    case ObjectKind::kHub: {
      const auto* hub = static_cast<const Hub*>(object);
      for (uint32_t i = 0; i < hub->count; ++i) f(hub->pages()[i]);
      return;
    }
    case ObjectKind::kHubPage: {
      const auto* page = static_cast<const HubPage*>(object);
      for (uint32_t i = 0; i < page->count; ++i) f(page->block()[i]);
      return;
    }
    case ObjectKind::kIndexTree: {
      const auto* tree = static_cast<const IndexTree*>(object);
      if (tree->root != nullptr) f(tree->root);
      return;
    }
    case ObjectKind::kIndexNode: {
      const auto* node = static_cast<const IndexNode*>(object);
      if (node->level > 0) {
        for (uint32_t i = 0; i < node->count; ++i) f(node->child(i));
      }
      return;
    }
    case ObjectKind::kColumn:
    case ObjectKind::kLabelSets:
    case ObjectKind::kRelationshipEnds:
    case ObjectKind::kHubBlock:
    case ObjectKind::kLabelChunk:
    case ObjectKind::kCounterPage: return;
  }
}

uint64_t free_object(Object* object, PiecePool* pool) {
  if ((object->flags & Object::kStatic) != 0) return 0;
  const uint64_t bytes = object->bytes;
  // Only columns own something beside their memory; the other kinds are trivially destructible.
  if (object->kind == ObjectKind::kColumn) release_column(static_cast<Column*>(object));
  const size_t memory = size_t{object->units} * PiecePool::kUnit;
  if (pool == nullptr || !pool->give(object, memory)) ::operator delete(object);
  return bytes;
}

uint64_t free_tree(Object* object) {
  if ((object->flags & Object::kStatic) != 0) return 0;
  uint64_t bytes = 0;
  for_each_part(object, [&bytes](Object* part) { bytes += free_tree(part); });
  return bytes + free_object(object);
}

uint64_t tree_bytes(const Object* object) {
  if ((object->flags & Object::kStatic) != 0) return 0;
  uint64_t bytes = object->bytes;
  for_each_part(object, [&bytes](Object* part) { bytes += tree_bytes(part); });
  return bytes;
}

}  // namespace lora::graph::cache
