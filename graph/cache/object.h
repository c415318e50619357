// Object: what every versioned piece of the in-memory form begins with.
//
// An object is written by one thread (the writer, or the loader that makes it) until it becomes reachable for others;
// from then on it never changes, except for the atomics marked so (child slots of trie nodes, the CLOCK bit).
// "Mine" = created by the statement that is running: only such objects are changed in place; all others are copied.
//
// Three origins:
//   made     by a WriteContext: `created` is the statement's stamp, `log` its place in the context's list of made
//   objects loaded   from the store by any thread: created = 0, kLoaded set; valid for all roots that share its trie
//   node static   the shared empty chunks: created = 0, kStatic set; never freed, never retired
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace lora::graph::cache {

class PiecePool;
class WriteContext;

enum class ObjectKind : uint8_t {
  kTrieNode,
  kEntityBlock,
  kColumn,
  kLabelSets,
  kRelationshipEnds,
  kTopologyChunk,
  kHub,
  kHubPage,
  kHubBlock,
  kLabelChunk,
  kCounterPage,
  kIndexTree,
  kIndexNode,
};

struct Object {
  static constexpr uint32_t kNoLog = ~uint32_t{0};
  static constexpr uint8_t kStatic = 1;
  static constexpr uint8_t kLoaded = 2;

  uint64_t created = 0;   // stamp of the statement that made it; 0: loaded or static
  uint32_t bytes = 0;     // heap bytes of this object alone, without its parts
  uint32_t log = kNoLog;  // place in WriteContext's made list; only meaningful in the transaction that made it
  ObjectKind kind;
  uint8_t flags = 0;
  mutable std::atomic<uint8_t> touched{0};  // CLOCK bit: set by readers, cleared by the evictor
  uint16_t units = 0;                       // its memory in units of eight bytes; 0: more than a pool keeps

  explicit Object(ObjectKind k) : kind(k) {}
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  // Readers call this once per chunk they look at. A store only when the bit is clear, so the line stays shared.
  void touch() const {
    if (touched.load(std::memory_order_relaxed) == 0) touched.store(1, std::memory_order_relaxed);
  }
};

// Memory for an object plus its arrays in one piece, and room to register it; throws std::bad_alloc when the system has
// none. Given back with ::operator delete.
void* allocate(WriteContext* context, size_t bytes);

// Registers a new object: with `context` as made by its current statement, without as loaded. Does not fail.
void register_object(WriteContext* context, Object* object, size_t bytes);

// Calls f for each direct part of a chunk (columns of a block, hubs of a topology chunk, pages, blocks, tree nodes).
// Trie nodes answer with their non-null slots.
void for_each_part(const Object* object, const std::function<void(Object*)>& f);

// Frees the memory of one object, not of its parts; returns its bytes. Static objects are left alone. `pool`: may keep
// the memory.
uint64_t free_object(Object* object, PiecePool* pool = nullptr);
// Frees the object and everything below it; returns the bytes. Only for what nobody else can reach.
uint64_t free_tree(Object* object);
// Bytes of the object and everything below it.
uint64_t tree_bytes(const Object* object);

struct FreeTree {
  void operator()(Object* object) const noexcept { free_tree(object); }
};
// The owner of what a loader makes, with everything below it, until it has its place in a trie: memory may run out on
// every step of the way. Static objects are left alone.
template <typename T>
using Loaded = std::unique_ptr<T, FreeTree>;
// The same on ways that statements go as well. What a statement makes is its context's from the beginning, which frees
// it when the statement fails: there is nothing to own.
template <typename T>
Loaded<T> own_loaded(const WriteContext* context, T* object) {
  return Loaded<T>(context == nullptr ? object : nullptr);
}

}  // namespace lora::graph::cache
