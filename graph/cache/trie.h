// Trie: a path-copied radix tree from an index of at most 60 bits to a chunk. Fan-out 64, of the topmost node 4 or 16
// while that is enough; a node knows its level (0: the slots are chunks), so a trie is one pointer and copying it is
// copying that pointer.
//
//   find            any thread that holds the root (pin or own transaction) and is inside an access epoch
//   publish_loaded  any such thread: a chunk loaded from the store of that root goes into the existing node by
//                   compare-and-swap. Right for every root that shares the node: none of them changed this chunk.
//   set, edit       the writer, holding Versions::structure(): nodes not made by the running statement are copied first
//
// A null slot means "not loaded". "Loaded, and there is nothing" is T::empty(), a shared static chunk. An index beyond
// the trie's height has never been written and was beyond the id limit when the trie was made: find() answers empty().
//
// Who owns a chunk? Whatever the newest root reaches is retired explicitly by the writer that replaces it, or unlinked
// by the evictor. A chunk that a reader loads into a node *after* the writer has copied this node is known to that old
// node alone: `copied_out` tells (bits of the slots that the successor has taken over), and freeing the old node frees
// it.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <utility>

#include "graph/cache/object.h"

namespace lora::graph::cache {

struct TrieNode : Object {
  static constexpr uint32_t kFanout = 64;
  using Slot = std::atomic<Object*>;
  const uint8_t level;     // 0: slots hold chunks (or trie roots, in a Table)
  const uint8_t capacity;  // slots: kFanout, of a topmost node perhaps less
  // How many slots a loader has filled; and the same when a successor was copied, read before its slots were. Where
  // both are equal the successor has everything.
  std::atomic<uint32_t> loads{0}, loads_copied{0};
  std::atomic<uint64_t> copied_out{0};  // slots that were set when a successor was copied from this node
  std::atomic<uint64_t> inherited{0};   // slots that this node has from its predecessor

  TrieNode(uint8_t l, uint8_t c) : Object(ObjectKind::kTrieNode), level(l), capacity(c) { clear_from(0); }
  // The successor of `from`, with as many slots or more: has inherited what its slots hold now. Tells `from`.
  TrieNode(TrieNode* from, uint8_t c);
  static size_t bytes_of(uint8_t capacity) { return sizeof(TrieNode) + capacity * sizeof(Slot); }
  Slot* slots() { return reinterpret_cast<Slot*>(this + 1); }
  const Slot* slots() const { return reinterpret_cast<const Slot*>(this + 1); }
  // The slot that leads to an index that is covered.
  Slot& slot_of(uint64_t index) { return slots()[(index >> (6 * level)) & 63]; }
  // f(slot number, child) for each slot that is set.
  template <typename F>
  void for_each_child(F&& f) const {
    for (uint32_t i = 0; i < capacity; ++i) {
      if (Object* child = slots()[i].load(std::memory_order_acquire)) f(i, child);
    }
  }

 private:
  void clear_from(uint32_t i) {
    for (; i < capacity; ++i) new (slots() + i) Slot(nullptr);
  }
};

// Of a trie that holds indexes 0 .. count - 1: levels above the leaves, and slots of its topmost node.
struct TrieShape {
  uint8_t level, capacity;
};
TrieShape trie_shape_for(uint64_t count);
TrieNode* make_trie_node(WriteContext* context, TrieShape shape);

// The walk, type-erased. find_slot: the leaf slot of `index`, or null when a node on the way is missing.
inline std::atomic<Object*>* find_slot(TrieNode* node, uint64_t index, TrieNode** leaf = nullptr) {
  for (uint32_t level = node->level; level > 0; --level) {
    node = static_cast<TrieNode*>(node->slots()[(index >> (6 * level)) & 63].load(std::memory_order_acquire));
    if (node == nullptr) return nullptr;
  }
  if (leaf != nullptr) *leaf = node;
  return &node->slots()[index & 63];
}
inline bool trie_covers(const TrieNode* node, uint64_t index) {
  return index >> (6 * node->level) < node->capacity;
}
// The slot for `index` in a leaf that is mine, on a path that is mine; grows the trie. `root` is changed in place.
std::atomic<Object*>* writable_slot(WriteContext& context, TrieNode** root, uint64_t index);
// Who loads: the open transaction reading its private root (`context`), or any other reader; and the byte counter that
// loaded objects are charged to (null: none).
struct Loading {
  WriteContext* context = nullptr;
  std::atomic<int64_t>* bytes = nullptr;
};
// See Trie::publish_loaded. Null (and `chunk` freed) when the trie does not cover the index.
Object* publish_loaded_slot(const Loading& loading, TrieNode** root, uint64_t index, Loaded<Object> chunk);
// First resident chunk with index >= *index (updates it), or null.
Object* next_resident(const TrieNode* root, uint64_t* index);

// What comes at or after an index and is not known to be empty: a chunk, or a range of indexes that are not loaded.
struct TrieSpan {
  uint64_t first = 0, end = 0;  // [first, end); of a chunk: its index alone
  bool loaded = false;
};
// False: everything from `from` on is known to be empty. A null root is all unloaded.
bool next_span(const TrieNode* root, uint64_t from, TrieSpan* span);

// A static node all of whose slots are `below`. Never freed.
TrieNode* make_static_trie(Object* below, uint8_t level);
// The trie in which every index is known to be empty; one per level and type, shared by all.
template <typename T>
TrieNode* empty_trie(uint8_t level) {
  static TrieNode* const* const levels = [] {
    static TrieNode* made[8];
    Object* below = T::empty();
    for (uint8_t l = 0; l < 8; ++l) {
      if (made[l] == nullptr) made[l] = make_static_trie(below, l);  // not null: memory ran out here before
      below = made[l];
    }
    return made;
  }();
  return levels[level];
}

template <typename T>
class Trie {
 public:
  TrieNode* root = nullptr;

  // The chunk; null when not loaded.
  T* find(uint64_t index) const {
    TrieNode* node = root;
    if (node == nullptr) return nullptr;
    if (!trie_covers(node, index)) return T::empty();
    std::atomic<Object*>* slot = find_slot(node, index);
    return slot == nullptr ? nullptr : static_cast<T*>(slot->load(std::memory_order_acquire));
  }
  // Hands a freshly loaded chunk over. Returns the chunk that is now in place: `chunk`, or the one another thread was
  // first with (`chunk` is freed then). A transaction whose leaf is already private keeps the chunk to itself (as
  // made). A trie that does not cover the index gives T::empty() and frees `chunk`.
  T* publish_loaded(const Loading& loading, uint64_t index, Loaded<T> chunk) {
    Object* there = publish_loaded_slot(loading, &root, index, std::move(chunk));
    return there == nullptr ? T::empty() : static_cast<T*>(there);
  }
  bool next_span(uint64_t from, TrieSpan* span) const { return cache::next_span(root, from, span); }
  // Puts `chunk` (mine). What was there is the caller's to retire.
  void set(WriteContext& context, uint64_t index, T* chunk) {
    writable_slot(context, &root, index)->store(chunk, std::memory_order_release);
  }
  // The chunk as mine: copied (and the old one retired) when it is not. Null when not loaded.
  T* edit(WriteContext& context, uint64_t index) {
    T* chunk = find(index);
    if (chunk == nullptr) return nullptr;
    T* writable = T::writable(context, chunk);
    if (writable != chunk) set(context, index, writable);
    return writable;
  }
  // f(index, T*) for all resident chunks from `first` on, ascending; f returns false to stop.
  template <typename F>
  void for_each_resident(uint64_t first, F&& f) const {
    if (root == nullptr) return;
    for (uint64_t index = first;; ++index) {
      Object* chunk = next_resident(root, &index);
      if (chunk == nullptr || !f(index, static_cast<T*>(chunk))) return;
    }
  }
};

// Table: a trie of tries; the outer index is a token (label, or type * 2 + direction).
template <typename T>
class Table {
 public:
  TrieNode* root = nullptr;

  // The inner trie by value; its root is null when nothing of it was ever loaded or written.
  Trie<T> find(uint64_t token) const {
    Trie<T> trie;
    if (root != nullptr && trie_covers(root, token)) {
      if (auto* slot = find_slot(root, token))
        trie.root = static_cast<TrieNode*>(slot->load(std::memory_order_acquire));
    }
    return trie;
  }
  T* find(uint64_t token, uint64_t index) const { return find(token).find(index); }
  // `count`: how many inner indexes the version can have (sizes a trie that is not there yet). A table that does not
  // cover the token (a token made after this version) gives T::empty() and frees `chunk`.
  T* publish_loaded(const Loading& loading, uint64_t token, uint64_t count, uint64_t index, Loaded<T> chunk);
  void set(WriteContext& context, uint64_t token, uint64_t index, T* chunk) {
    auto* slot = writable_slot(context, &root, token);
    Trie<T> trie{static_cast<TrieNode*>(slot->load(std::memory_order_relaxed))};
    trie.set(context, index, chunk);
    slot->store(trie.root, std::memory_order_release);
  }
  // For a new token. One whose statement was undone may have been looked for in between: then it has an inner trie.
  void set_trie(WriteContext& context, uint64_t token, TrieNode* inner) {
    auto* slot = writable_slot(context, &root, token);
    if (slot->load(std::memory_order_relaxed) == nullptr) slot->store(inner, std::memory_order_release);
  }
  T* edit(WriteContext& context, uint64_t token, uint64_t index) {
    T* chunk = find(token, index);
    if (chunk == nullptr) return nullptr;
    T* writable = T::writable(context, chunk);
    if (writable != chunk) set(context, token, index, writable);
    return writable;
  }
  template <typename F>
  void for_each_trie(F&& f) const {  // f(token, Trie<T>)
    if (root == nullptr) return;
    for (uint64_t token = 0;; ++token) {
      Object* inner = next_resident(root, &token);
      if (inner == nullptr) return;
      f(token, Trie<T>{static_cast<TrieNode*>(inner)});
    }
  }
};

Object* publish_loaded_table(const Loading& loading, TrieNode** root, uint64_t token, uint64_t count, uint64_t index,
                             Loaded<Object> chunk);
template <typename T>
T* Table<T>::publish_loaded(const Loading& loading, uint64_t token, uint64_t count, uint64_t index, Loaded<T> chunk) {
  Object* there = publish_loaded_table(loading, &root, token, count, index, std::move(chunk));
  return there == nullptr ? T::empty() : static_cast<T*>(there);
}

}  // namespace lora::graph::cache
