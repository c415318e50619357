#include "graph/cache/trie.h"

#include <algorithm>
#include <memory>
#include <new>

#include "graph/cache/versions.h"

namespace lora::graph::cache {

uint8_t trie_level_for(uint64_t count) {
  uint8_t level = 0;
  while (level < 7 && count > (uint64_t{1} << (6 * (level + 1)))) ++level;
  return level;
}

TrieNode* make_trie_node(WriteContext* context, uint8_t level) {
  auto* node = new (allocate(context, sizeof(TrieNode))) TrieNode(level);
  register_object(context, node, sizeof(TrieNode));
  return node;
}

namespace {

// A copy of `node` that is mine; takes over all slots and retires the old node.
TrieNode* copy_node(WriteContext& context, TrieNode* node) {
  auto* copy = new (allocate(&context, sizeof(TrieNode))) TrieNode(node);
  register_object(&context, copy, sizeof(TrieNode));
  const uint64_t taken = copy->inherited.load(std::memory_order_relaxed);
  if ((node->flags & Object::kStatic) == 0) node->copied_out.store(taken, std::memory_order_relaxed);
  context.retire(node);
  return copy;
}

// First child chunk at or after index `from` below `node`, whose first index is `base`.
Object* next_below(const TrieNode* node, uint64_t base, uint64_t from, uint64_t* found) {
  const uint32_t shift = 6 * node->level;
  for (uint64_t i = from <= base ? 0 : (from - base) >> shift; i < TrieNode::kFanout; ++i) {
    Object* child = node->slot[i].load(std::memory_order_acquire);
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
  for (uint64_t i = from <= base ? 0 : (from - base) >> shift; i < TrieNode::kFanout; ++i) {
    const Object* child = node->slot[i].load(std::memory_order_acquire);
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
  if (*root == nullptr) *root = make_trie_node(&context, trie_level_for(index + 1));
  while (!trie_covers(*root, index)) {
    TrieNode* higher = make_trie_node(&context, static_cast<uint8_t>((*root)->level + 1));
    higher->slot[0].store(*root, std::memory_order_relaxed);
    higher->inherited.store(1, std::memory_order_relaxed);
    *root = higher;
  }
  TrieNode* node = *root;
  if (!context.mine(node)) *root = node = copy_node(context, node);
  for (uint32_t level = node->level; level > 0; --level) {
    std::atomic<Object*>& slot = node->slot[(index >> (6 * level)) & 63];
    auto* child = static_cast<TrieNode*>(slot.load(std::memory_order_relaxed));
    if (child == nullptr) {
      child = make_trie_node(&context, static_cast<uint8_t>(level - 1));
      slot.store(child, std::memory_order_release);
    } else if (!context.mine(child)) {
      child = copy_node(context, child);
      slot.store(child, std::memory_order_release);
    }
    node = child;
  }
  return &node->slot[index & 63];
}

Object* publish_loaded_slot(const Loading& loading, TrieNode** root, uint64_t index, Loaded<Object> loaded) {
  // Freed unless it finds its place; also when there is no memory for the nodes above it.
  Object* const chunk = loaded.get();
  WriteContext* context = loading.context;
  if (*root != nullptr && !trie_covers(*root, index)) return nullptr;
  // The deepest node there is on the path.
  TrieNode* node = *root;
  while (node != nullptr && node->level > 0) {
    Object* child = node->slot[(index >> (6 * node->level)) & 63].load(std::memory_order_acquire);
    if (child == nullptr) break;
    node = static_cast<TrieNode*>(child);
  }
  if (node == nullptr || (context != nullptr && context->is_private(node))) {
    if (context == nullptr) return nullptr;
    if (node != nullptr && node->level == 0) {
      if (Object* there = node->slot[index & 63].load(std::memory_order_relaxed)) {
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
    std::atomic<Object*>& slot = node->slot[(index >> (6 * node->level)) & 63];
    Object* child = slot.load(std::memory_order_acquire);
    if (child == nullptr) {
      TrieNode* fresh = make_trie_node(nullptr, static_cast<uint8_t>(node->level - 1));
      if (slot.compare_exchange_strong(child, fresh, std::memory_order_acq_rel, std::memory_order_acquire)) {
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
  if (node->slot[index & 63].compare_exchange_strong(there, chunk, std::memory_order_acq_rel,
                                                     std::memory_order_acquire)) {
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
    inner = publish_loaded_slot(loading, root, token, Loaded<Object>(make_trie_node(nullptr, trie_level_for(count))));
    if (inner == nullptr) return nullptr;
  }
  auto* trie = static_cast<TrieNode*>(inner);
  Object* there = publish_loaded_slot(loading, &trie, index, std::move(chunk));
  if (trie != inner) writable_slot(*loading.context, root, token)->store(trie, std::memory_order_release);
  return there;
}

TrieNode* make_static_trie(Object* below, uint8_t level) {
  auto* node = new (allocate(nullptr, sizeof(TrieNode))) TrieNode(level);
  node->flags = Object::kStatic;
  for (auto& slot : node->slot) slot.store(below, std::memory_order_relaxed);
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
