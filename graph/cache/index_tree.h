// IndexTree: the entries of one property index in order: a path-copied B+tree over byte strings.
//
// An entry is `encoded values | id (6 bytes, big-endian)`, for unique indexes too: looking a value up is a search for
// the entries that begin with the encoded values (the encoding is self-delimiting). Keys compare as unsigned bytes.
// A node is one piece of memory: what its keys begin with, eight bytes of each key as a number (searched first), what
// is left of the keys, and children. Whole trees are loaded and evicted, never parts: a null slot in Root::indexes
// means "ask the store".
//
// Threads: as object.h. A Cursor reads one tree; it must not be used after the reader has left its access epoch (the
// tree may be evicted then): remember the last key and seek again.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/cache/object.h"
#include "kv/bytes.h"

namespace lora::graph::cache {

struct IndexNode;
struct SearchKey;
class IndexEntries;

struct IndexTree : Object {
  static constexpr size_t kIdBytes = 6;
  IndexNode* root = nullptr;  // null: no entries
  uint64_t entries = 0;
  uint64_t node_bytes = 0;  // of all nodes

  IndexTree() : Object(ObjectKind::kIndexTree) {}
  static IndexTree* empty();
  static IndexTree* make(WriteContext* context);
  static IndexTree* writable(WriteContext& context, IndexTree* tree);

  // --- reading ---
  bool contains(ByteView key) const;
  // Ids of the entries that begin with `prefix`, ascending, appended.
  void lookup(ByteView prefix, std::vector<uint64_t>* ids) const;
  // The same for many prefixes, side by side: the memory that one waits for is fetched while others are looked at. The
  // ids of prefixes[i] end at (*ends)[i], those of the next begin there. (An empty prefix has none.)
  void lookup_many(std::span<const ByteView> prefixes, std::vector<uint64_t>* ids, std::vector<uint32_t>* ends) const;
  // Id of the first entry that begins with `prefix`; kNoId: none. For unique checks.
  uint64_t lookup_first(ByteView prefix) const;

  class Cursor {
   public:
    explicit Cursor(const IndexTree* tree) : tree_(tree) {}
    void seek(ByteView key);        // first entry >= key
    void seek_after(ByteView key);  // first entry > key
    void next();
    bool valid() const { return depth_ > 0; }
    ByteView key();       // lives until the next call of the cursor
    uint64_t id() const;  // the last six bytes
    // Is there an entry, and does it begin with `prefix`?
    bool begins_with(const SearchKey& prefix) const;
    // The ids of up to `max` entries, from this one on, that are below `to` (empty: all there are); goes behind them.
    // *last: the last of these entries when there are `max` of them.
    size_t take_below(ByteView to, uint64_t* ids, size_t max, std::string* last);

   private:
    static constexpr uint32_t kDepthMax = 16;
    const IndexTree* tree_;
    const IndexNode* node_[kDepthMax];
    uint32_t position_[kDepthMax];
    uint32_t depth_ = 0;
    std::string key_;
  };

  // --- writing, on a tree that is mine (Trie::edit) ---
  bool insert(WriteContext& context, ByteView key);  // false: it was there
  bool erase(WriteContext& context, ByteView key);   // false: it was not there
};

// From ascending, distinct keys (add() answers false otherwise, and leaves the key out).
class IndexTreeBuilder {
 public:
  // `context` null: loading; else the tree is made by the running statement (index creation).
  explicit IndexTreeBuilder(WriteContext* context);
  ~IndexTreeBuilder();
  IndexTreeBuilder(const IndexTreeBuilder&) = delete;
  IndexTreeBuilder& operator=(const IndexTreeBuilder&) = delete;
  bool add(ByteView key);
  // The tree: the statement's, or the caller's to free. Resets the builder.
  IndexTree* finish();
  Loaded<IndexTree> finish_loaded() { return Loaded<IndexTree>(finish()); }

 private:
  void push(uint32_t level, ByteView key, Object* child);
  // The node of what is open of a level; *owned when it is not a statement's.
  IndexNode* close(uint32_t level, Loaded<IndexNode>* owned);

  WriteContext* context_;
  std::vector<std::unique_ptr<IndexEntries>> open_;  // of each level what is not in a node yet
  std::string last_;
  uint64_t entries_ = 0, node_bytes_ = 0;
};

}  // namespace lora::graph::cache
