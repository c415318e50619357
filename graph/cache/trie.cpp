#include "graph/cache/trie.h"

#include <algorithm>
#include <memory>
#include <new>

#include "graph/cache/versions.h"

namespace lora::graph::cache {

TrieNode::TrieNode(TrieNode* from, uint8_t c) : Object(ObjectKind::kTrieNode), level(from->level), capacity(c) {
  const uint32_t loads_before = from->loads.load(std::memory_order_acquire);
  uint64_t taken = 0;  // the last slot's bit first: shifting by one is cheaper than by the slot's number
  for (uint32_t i = from->capacity; i-- > 0;) {
    Object* child = from->slots()[i].load(std::memory_order_acquire);
    new (slots() + i) Slot(child);
    taken = taken + taken + (child != nullptr ? 1 : 0);
  }
  clear_from(from->capacity);
  inherited.store(taken, std::memory_order_relaxed);
  if ((from->flags & kStatic) != 0) return;
  from->copied_out.store(taken, std::memory_order_relaxed);
  from->loads_copied.store(loads_before, std::memory_order_relaxed);
}

TrieShape trie_shape_for(uint64_t count) {
  TrieShape shape{0, 4};
  constexpr uint8_t kLevelMax = 9;  // 60 bits
  while (shape.level < kLevelMax && count > (uint64_t{1} << (6 * (shape.level + 1)))) ++shape.level;
  while (shape.capacity < TrieNode::kFanout && count > uint64_t{shape.capacity} << (6 * shape.level)) {
    shape.capacity = static_cast<uint8_t>(shape.capacity * 4);
  }
  return shape;
}

TrieNode* make_trie_node(WriteContext* context, TrieShape shape) {
  const size_t bytes = TrieNode::bytes_of(shape.capacity);
  auto* node = new (allocate(context, bytes)) TrieNode(shape.level, shape.capacity);
  register_object(context, node, bytes);
  return node;
}

namespace {

TrieNode* make_inner_node(WriteContext* context, uint32_t level) {
  return make_trie_node(context, {static_cast<uint8_t>(level), TrieNode::kFanout});
}

// A copy of `node` that is mine, with room for as many slots or more; takes over all slots and retires the old node.
TrieNode* copy_node(WriteContext& context, TrieNode* node, uint8_t capacity) {
  const size_t bytes = TrieNode::bytes_of(capacity);
  auto* copy = new (allocate(&context, bytes)) TrieNode(node, capacity);
  register_object(&context, copy, bytes);
  context.retire(node);
  return copy;
}

// First child chunk at or after index `from` below `node`, whose first index is `base`.
Object* next_below(const TrieNode* node, uint64_t base, uint64_t from, uint64_t* found) {
  const uint32_t shift = 6 * node->level;
  for (uint64_t i = from <= base ? 0 : (from - base) >> shift; i < node->capacity; ++i) {
    Object* child = node->slots()[i].load(std::memory_order_acquire);
    // Known-empty subtrees are shared and endless; a static chunk in a leaf of one's own is an ordinary answer.
    if (child == nullptr || (node->level > 0 && (child->flags & Object::kStatic) != 0)) continue;
    const uint64_t child_base = base + (i << shift);
    if (node->level == 0) {
      *found = child_base;
      return child;
    }
    if (Object* chunk = next_below(static_cast<const TrieNode*>(child), child_base, from, found)) return chunk;
  }
  return nullptr;
}

bool next_span_below(const TrieNode* node, uint64_t base, uint64_t from, TrieSpan* span) {
  const uint32_t shift = 6 * node->level;
  for (uint64_t i = from <= base ? 0 : (from - base) >> shift; i < node->capacity; ++i) {
    const Object* child = node->slots()[i].load(std::memory_order_acquire);
    const uint64_t child_base = base + (i << shift);
    if (child == nullptr || node->level == 0) {
      if (child != nullptr && (child->flags & Object::kStatic) != 0) continue;
      *span = {std::max(from, child_base), child_base + (uint64_t{1} << shift), child != nullptr};
      return true;
    }
    if ((child->flags & Object::kStatic) != 0) continue;
    if (next_span_below(static_cast<const TrieNode*>(child), child_base, from, span)) return true;
  }
  return false;
}

}  // namespace

std::atomic<Object*>* writable_slot(WriteContext& context, TrieNode** root, uint64_t index) {
  if (*root == nullptr) *root = make_trie_node(&context, trie_shape_for(index + 1));
  while (!trie_covers(*root, index)) {
    if ((*root)->capacity < TrieNode::kFanout) {
      *root = copy_node(context, *root, static_cast<uint8_t>((*root)->capacity * 4));
      continue;
    }
    TrieNode* higher = make_trie_node(&context, {static_cast<uint8_t>((*root)->level + 1), 4});
    higher->slots()[0].store(*root, std::memory_order_relaxed);
    higher->inherited.store(1, std::memory_order_relaxed);
    *root = higher;
  }
  TrieNode* node = *root;
  if (!context.mine(node)) *root = node = copy_node(context, node, node->capacity);
  for (uint32_t level = node->level; level > 0; --level) {
    TrieNode::Slot& slot = node->slot_of(index);
    auto* child = static_cast<TrieNode*>(slot.load(std::memory_order_relaxed));
    if (child == nullptr) {
      child = make_inner_node(&context, level - 1);
      slot.store(child, std::memory_order_release);
    } else if (!context.mine(child)) {
      child = copy_node(context, child, child->capacity);
      slot.store(child, std::memory_order_release);
    }
    node = child;
  }
  return &node->slot_of(index);
}

Object* publish_loaded_slot(const Loading& loading, TrieNode** root, uint64_t index, Loaded<Object> loaded) {
  // Freed unless it finds its place; also when there is no memory for the nodes above it.
  Object* const chunk = loaded.get();
  WriteContext* context = loading.context;
  if (*root != nullptr && !trie_covers(*root, index)) return nullptr;
  // The deepest node there is on the path.
  TrieNode* node = *root;
  while (node != nullptr && node->level > 0) {
    Object* child = node->slot_of(index).load(std::memory_order_acquire);
    if (child == nullptr) break;
    node = static_cast<TrieNode*>(child);
  }
  if (node == nullptr || (context != nullptr && context->is_private(node))) {
    if (context == nullptr) return nullptr;
    if (node != nullptr && node->level == 0) {
      if (Object* there = node->slot_of(index).load(std::memory_order_relaxed)) {
        if (there == chunk) static_cast<void>(loaded.release());
        return there;
      }
    }
    context->adopt_tree(loaded.get());
    static_cast<void>(loaded.release());
    writable_slot(*context, root, index)->store(chunk, std::memory_order_release);
    return chunk;
  }
  const auto charge = [&loading](int64_t bytes) {
    if (loading.bytes != nullptr) loading.bytes->fetch_add(bytes, std::memory_order_relaxed);
  };
  while (node->level > 0) {
    TrieNode::Slot& slot = node->slot_of(index);
    Object* child = slot.load(std::memory_order_acquire);
    if (child == nullptr) {
      TrieNode* fresh = make_inner_node(nullptr, node->level - 1u);
      if (slot.compare_exchange_strong(child, fresh, std::memory_order_acq_rel, std::memory_order_acquire)) {
        node->loads.fetch_add(1, std::memory_order_release);
        charge(fresh->bytes);
        child = fresh;
      } else {
        free_object(fresh);
      }
    }
    node = static_cast<TrieNode*>(child);
  }
  // Counted before it can be seen: afterwards an evictor may already have freed it.
  const auto chunk_bytes = static_cast<int64_t>(tree_bytes(chunk));
  chunk->touch();
  Object* there = nullptr;
  if (node->slot_of(index).compare_exchange_strong(there, chunk, std::memory_order_acq_rel,
                                                   std::memory_order_acquire)) {
    node->loads.fetch_add(1, std::memory_order_release);
    charge(chunk_bytes);
    there = chunk;
  }
  if (there == chunk) static_cast<void>(loaded.release());
  return there;
}

Object* publish_loaded_table(const Loading& loading, TrieNode** root, uint64_t token, uint64_t count, uint64_t index,
                             Loaded<Object> chunk) {
  Object* inner = nullptr;
  if (*root != nullptr && trie_covers(*root, token)) {
    if (auto* slot = find_slot(*root, token)) inner = slot->load(std::memory_order_acquire);
  }
  if (inner == nullptr) {
    inner = publish_loaded_slot(loading, root, token, Loaded<Object>(make_trie_node(nullptr, trie_shape_for(count))));
    if (inner == nullptr) return nullptr;
  }
  auto* trie = static_cast<TrieNode*>(inner);
  Object* there = publish_loaded_slot(loading, &trie, index, std::move(chunk));
  if (trie != inner) writable_slot(*loading.context, root, token)->store(trie, std::memory_order_release);
  return there;
}

TrieNode* make_static_trie(Object* below, uint8_t level) {
  auto* node = new (allocate(nullptr, TrieNode::bytes_of(TrieNode::kFanout))) TrieNode(level, TrieNode::kFanout);
  node->flags = Object::kStatic;
  for (uint32_t i = 0; i < TrieNode::kFanout; ++i) node->slots()[i].store(below, std::memory_order_relaxed);
  return node;
}

bool next_span(const TrieNode* root, uint64_t from, TrieSpan* span) {
  if (root == nullptr) {
    *span = {from, ~uint64_t{0}, false};
    return true;
  }
  if (!trie_covers(root, from) || (root->flags & Object::kStatic) != 0) return false;
  return next_span_below(root, 0, from, span);
}

Object* next_resident(const TrieNode* root, uint64_t* index) {
  if (!trie_covers(root, *index) || (root->flags & Object::kStatic) != 0) return nullptr;
  return next_below(root, 0, *index, index);
}

}  // namespace lora::graph::cache
