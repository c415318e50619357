#include "graph/cache/index_tree.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "graph/cache/index_node.h"
#include "graph/cache/versions.h"
#include "graph/ids.h"
#include "kv/check.h"

namespace lora::graph::cache {

namespace {

constexpr uint32_t kFull = IndexNode::kEntries;

IndexNode* allocate_node(WriteContext* context, uint8_t level, uint32_t arena_capacity) {
  const size_t bytes = sizeof(IndexNode) + (level > 0 ? kFull * sizeof(Object*) : 0) + arena_capacity;
  auto* node = new (allocate(context, bytes)) IndexNode(level);
  node->arena_capacity = arena_capacity;
  register_object(context, node, bytes);
  return node;
}

// How many heads are below `head` or, with `or_equal`, not above it. Without branches: which way a search turns is
// anybody's guess.
template <bool or_equal>
uint32_t heads_below(const IndexNode* node, uint32_t first, uint64_t head) {
  const auto below = [=](uint64_t other) -> uint32_t { return or_equal ? other <= head : other < head; };
  const uint64_t* heads = node->heads;
  uint32_t n = node->count - first;
  if (n == 0) return first;
  const uint64_t* from = heads + first;
  while (n > 1) {
    const uint32_t half = n / 2;
    from += half & (0u - below(from[half - 1]));
    n -= half;
  }
  return static_cast<uint32_t>(from - heads) + below(*from);
}

// How the node's common prefix stands to the beginning of `key`: < 0: all its keys are below `key`; 0: heads tell.
// (A key that ends within the prefix counts as zeros there: then heads, or whole keys, tell.)
int compare_prefix(const IndexNode* node, const SearchKey& key) {
  const uint64_t first = key.word_at(0) & IndexNode::mask(node->skip);
  return node->prefix == first ? 0 : node->prefix < first ? -1 : 1;
}

// Key i against `key`, where prefixes and heads are equal: < 0, 0, > 0.
int compare_rest(const IndexNode* node, uint32_t i, const SearchKey& key) {
  // Of two keys one of which has ended, the shorter comes first.
  const size_t decided = size_t{node->skip} + 8, length = node->entries[i].length;
  if (key.size() <= decided || length <= decided) {
    return length < key.size() ? -1 : length > key.size() ? 1 : 0;
  }
  return node->key(i).compare(key.key);
}

// Whether key i begins with `key`.
bool begins_with(const IndexNode* node, uint32_t i, const SearchKey& key) {
  const size_t skip = node->skip;
  const auto shared = static_cast<uint32_t>(std::min(key.size(), skip));
  if (((node->prefix ^ key.word_at(0)) & IndexNode::mask(shared)) != 0) return false;
  if (key.size() <= skip) return true;
  const auto more = static_cast<uint32_t>(std::min<size_t>(key.size() - skip, 8));
  if (((node->heads[i] ^ key.word_at(skip)) & IndexNode::mask(more)) != 0) return false;
  return node->entries[i].length >= key.size() && (key.size() <= skip + 8 || node->key(i).starts_with(key.key));
}

// Of the entries [from, to), whose heads are equal: how many are below `key` or, with `or_equal`, not above it.
template <bool or_equal>
uint32_t keys_below(const IndexNode* node, uint32_t from, uint32_t to, const SearchKey& key) {
  const uint32_t first = from;
  while (from < to) {
    const uint32_t middle = (from + to) / 2;
    const int order = compare_rest(node, middle, key);
    if (or_equal ? order <= 0 : order < 0) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return from - first;
}

// How many of the node's keys are below `key` or, with `or_equal`, not above it. Key 0 of an inner node counts as
// below.
template <bool or_equal>
uint32_t entries_below(const IndexNode* node, const SearchKey& key) {
  const int side = compare_prefix(node, key);
  if (side != 0) return side < 0 ? node->count : 0;
  const uint64_t head = key.word_at(node->skip);
  const uint32_t first = node->level > 0 ? 1 : 0;
  const uint32_t from = heads_below<false>(node, first, head);
  if (from == node->count || node->heads[from] != head) return from;
  const uint32_t next = from + 1;
  const uint32_t to = next == node->count || node->heads[next] != head ? next : heads_below<true>(node, first, head);
  return from + keys_below<or_equal>(node, from, to, key);
}

// First entry that is not below `key`.
uint32_t lower_bound(const IndexNode* node, const SearchKey& key) {
  return entries_below<false>(node, key);
}

// The child that holds, or would hold, `key`: the last one whose key is not above it, else the first.
uint32_t child_for(const IndexNode* node, const SearchKey& key) {
  const uint32_t not_above = entries_below<true>(node, key);
  return not_above == 0 ? 0 : not_above - 1;
}

void set_skip(IndexNode* node, uint32_t skip, uint64_t word) {
  node->skip = static_cast<uint8_t>(skip);
  node->prefix = word & IndexNode::mask(skip);
  for (uint32_t i = 0; i < node->count; ++i) node->heads[i] = node->head_of(node->key(i));
}

// How many bytes the key has in common with the node's prefix.
uint32_t common_bytes(const IndexNode* node, ByteView key) {
  const uint64_t different = (IndexNode::word_at(key, 0) ^ node->prefix) & IndexNode::mask(node->skip);
  const uint32_t common = different == 0 ? node->skip : static_cast<uint32_t>(std::countl_zero(different)) / 8;
  return std::min<uint32_t>(common, static_cast<uint32_t>(std::min<size_t>(key.size(), 8)));
}

// Before a key is put: the prefix is one of it too.
void make_fit(IndexNode* node, ByteView key) {
  if (node->count == 0) {
    set_skip(node, static_cast<uint32_t>(std::min<size_t>(key.size(), 8)), IndexNode::word_at(key, 0));
    return;
  }
  const uint32_t common = common_bytes(node, key);
  if (common < node->skip) set_skip(node, common, node->prefix);
}

// Makes the prefix as long as the keys allow.
void tighten(IndexNode* node) {
  if (node->count == 0) return;
  const uint64_t word = IndexNode::word_at(node->key(0), 0);
  uint32_t skip = static_cast<uint32_t>(std::min<size_t>(node->key(0).size(), 8));
  for (uint32_t i = 1; i < node->count && skip > node->skip; ++i) {
    const uint64_t different = IndexNode::word_at(node->key(i), 0) ^ word;
    const uint32_t common = different == 0 ? 8 : static_cast<uint32_t>(std::countl_zero(different)) / 8;
    skip = std::min({skip, common, static_cast<uint32_t>(std::min<size_t>(node->key(i).size(), 8))});
  }
  if (skip > node->skip) set_skip(node, skip, word);
}

uint64_t id_of(ByteView key) {
  uint64_t id = 0;
  if (key.size() < IndexTree::kIdBytes) return kNoId;
  for (size_t i = key.size() - IndexTree::kIdBytes; i < key.size(); ++i)
    id = id << 8 | static_cast<unsigned char>(key[i]);
  return id;
}

// Appends entries [from, to) of `source` to `node`, whose arena has room.
void append_entries(IndexNode* node, const IndexNode* source, uint32_t from, uint32_t to) {
  const bool alone = node->count == 0;
  if (alone) {
    node->skip = source->skip;
    node->prefix = source->prefix;
  }
  for (uint32_t i = from; i < to; ++i) {
    const ByteView key = source->key(i);
    if (!alone) make_fit(node, key);
    const uint32_t at = node->count++;
    std::memcpy(node->arena() + node->arena_used, key.data(), key.size());
    node->heads[at] = alone ? source->heads[i] : node->head_of(key);
    node->entries[at] = {node->arena_used, static_cast<uint32_t>(key.size())};
    node->arena_used += static_cast<uint32_t>(key.size());
    node->arena_live += static_cast<uint32_t>(key.size());
    if (node->level > 0) node->children()[at] = source->children()[i];
  }
}

// Fills an empty node, whose arena has room, with all that `source` has.
void copy_entries(IndexNode* node, const IndexNode* source) {
  node->skip = source->skip;
  node->prefix = source->prefix;
  node->count = source->count;
  node->arena_used = source->arena_used;
  node->arena_live = source->arena_live;
  const size_t count = source->count;
  std::memcpy(node->heads, source->heads, count * sizeof source->heads[0]);
  std::memcpy(node->entries, source->entries, count * sizeof source->entries[0]);
  if (source->level > 0) std::memcpy(node->children(), source->children(), count * sizeof(Object*));
  std::memcpy(node->arena(), source->arena(), source->arena_used);
}

uint32_t live_bytes(const IndexNode* node, uint32_t from, uint32_t to) {
  uint32_t bytes = 0;
  for (uint32_t i = from; i < to; ++i) bytes += node->entries[i].length;
  return bytes;
}

// One change of a tree: nodes that are not mine are copied on the way.
class TreeEdit {
 public:
  TreeEdit(WriteContext& context, IndexTree* tree) : context_(context), tree_(tree) {}

  IndexNode* make(uint8_t level, uint32_t arena_capacity) {
    IndexNode* node = allocate_node(&context_, level, arena_capacity);
    tree_->node_bytes += node->bytes;
    return node;
  }
  void replace(IndexNode* old, IndexNode* by) {
    tree_->node_bytes -= old->bytes;
    if (context_.mine(old)) {
      context_.replaced(old, by);
    } else {
      context_.retire(old);
    }
  }
  void drop(IndexNode* node) {
    tree_->node_bytes -= node->bytes;
    context_.retire(node);
  }
  // The node as mine with `room` more bytes of arena.
  IndexNode* own(IndexNode* node, uint32_t room) {
    const bool mine = context_.mine(node);
    if (mine && node->arena_used + room <= node->arena_capacity) return node;
    // A little garbage is copied along: that is faster than key by key.
    const bool whole = node->arena_used - node->arena_live <= node->arena_live / 4 + 64;
    const uint32_t needed = (whole ? node->arena_used : node->arena_live) + room;
    IndexNode* copy = make(node->level, mine ? needed + needed / 2 + 32 : needed + 32);
    if (whole) {
      copy_entries(copy, node);
    } else {
      append_entries(copy, node, 0, node->count);
    }
    replace(node, copy);
    return copy;
  }
  // Puts a key (and child) at `at`; the node is mine and has room.
  static void put(IndexNode* node, uint32_t at, ByteView key, Object* child) {
    make_fit(node, key);
    const uint32_t after = node->count - at;
    std::memmove(node->heads + at + 1, node->heads + at, after * sizeof node->heads[0]);
    std::memmove(node->entries + at + 1, node->entries + at, after * sizeof node->entries[0]);
    if (node->level > 0) {
      std::memmove(node->children() + at + 1, node->children() + at, after * sizeof(Object*));
      node->children()[at] = child;
    }
    const auto length = static_cast<uint32_t>(key.size());
    std::memcpy(node->arena() + node->arena_used, key.data(), length);
    node->heads[at] = node->head_of(key);
    node->entries[at] = {node->arena_used, length};
    node->arena_used += length;
    node->arena_live += length;
    ++node->count;
  }
  static void take(IndexNode* node, uint32_t at) {
    const uint32_t after = node->count - at - 1;
    node->arena_live -= node->entries[at].length;
    std::memmove(node->heads + at, node->heads + at + 1, after * sizeof node->heads[0]);
    std::memmove(node->entries + at, node->entries + at + 1, after * sizeof node->entries[0]);
    if (node->level > 0) std::memmove(node->children() + at, node->children() + at + 1, after * sizeof(Object*));
    --node->count;
  }
  // Adds an entry; a full node is split: *right is the new right part.
  IndexNode* add(IndexNode* node, uint32_t at, ByteView key, Object* child, IndexNode** right) {
    const auto length = static_cast<uint32_t>(key.size());
    if (node->count < kFull) {
      node = own(node, length);
      put(node, at, key, child);
      return node;
    }
    const uint32_t keep = at == kFull ? kFull : kFull / 2;  // ascending inserts leave full nodes behind
    IndexNode* r = make(node->level, live_bytes(node, keep, kFull) + length + 64);
    append_entries(r, node, keep, kFull);
    tighten(r);
    *right = r;
    if (keep < kFull) {
      IndexNode* left = make(node->level, live_bytes(node, 0, keep) + length + 64);
      append_entries(left, node, 0, keep);
      tighten(left);
      replace(node, left);
      node = left;
    }
    if (at <= keep && keep < kFull) {
      put(node, at, key, child);
    } else {
      put(r, at - keep, key, child);
    }
    return node;
  }
  IndexNode* insert(IndexNode* node, ByteView key, IndexNode** right) {
    if (node->level == 0) return add(node, lower_bound(node, SearchKey(key)), key, nullptr, right);
    const uint32_t at = child_for(node, SearchKey(key));
    IndexNode* old = node->child(at);
    IndexNode* new_right = nullptr;
    IndexNode* now = insert(old, key, &new_right);
    if (now != old) {
      node = own(node, 0);
      node->children()[at] = now;
    }
    if (new_right != nullptr) node = add(node, at + 1, new_right->key(0), new_right, right);
    return node;
  }
  // The key is there. Null: nothing is left below.
  IndexNode* erase(IndexNode* node, ByteView key) {
    if (node->level == 0) {
      if (node->count == 1) {
        drop(node);
        return nullptr;
      }
      node = own(node, 0);
      take(node, lower_bound(node, SearchKey(key)));
      return node;
    }
    const uint32_t at = child_for(node, SearchKey(key));
    IndexNode* old = node->child(at);
    IndexNode* now = erase(old, key);
    if (now == nullptr) {
      if (node->count == 1) {
        drop(node);
        return nullptr;
      }
      node = own(node, 0);
      take(node, at);
      return node;
    }
    const bool small = now->count < kFull / 4;
    if (now == old && !small) return node;
    node = own(node, 0);
    node->children()[at] = now;
    if (small) merge(node, at);
    return node;
  }

 private:
  // Joins child `at` with a neighbour when both fit comfortably.
  void merge(IndexNode* node, uint32_t at) {
    uint32_t left = at;
    if (at > 0 && node->child(at - 1)->count + node->child(at)->count <= kFull * 3 / 4) {
      left = at - 1;
    } else if (at + 1 >= node->count || node->child(at + 1)->count + node->child(at)->count > kFull * 3 / 4) {
      return;
    }
    IndexNode* a = node->child(left);
    IndexNode* b = node->child(left + 1);
    IndexNode* joined =
        make(a->level, a->arena_live + b->arena_live + 64 + (b->level > 0 ? node->entries[left + 1].length : 0));
    append_entries(joined, a, 0, a->count);
    const uint32_t first = joined->count;
    append_entries(joined, b, 0, b->count);
    // An inner node's own first key may be stale (it counts as lowest); the parent's key for it is a true bound.
    if (b->level > 0) {
      const ByteView bound = node->key(left + 1);
      make_fit(joined, bound);
      std::memcpy(joined->arena() + joined->arena_used, bound.data(), bound.size());
      joined->arena_live += static_cast<uint32_t>(bound.size()) - joined->entries[first].length;
      joined->heads[first] = joined->head_of(bound);
      joined->entries[first] = {joined->arena_used, static_cast<uint32_t>(bound.size())};
      joined->arena_used += static_cast<uint32_t>(bound.size());
    }
    tighten(joined);
    drop(a);
    drop(b);
    node->children()[left] = joined;
    take(node, left + 1);
  }

  WriteContext& context_;
  IndexTree* tree_;
};

}  // namespace

IndexTree* IndexTree::empty() {
  static IndexTree* const shared = [] {
    auto* tree = new (allocate(nullptr, sizeof(IndexTree))) IndexTree;
    tree->flags = kStatic;
    return tree;
  }();
  return shared;
}

IndexTree* IndexTree::make(WriteContext* context) {
  auto* tree = new (allocate(context, sizeof(IndexTree))) IndexTree;
  register_object(context, tree, sizeof(IndexTree));
  return tree;
}

IndexTree* IndexTree::writable(WriteContext& context, IndexTree* tree) {
  if (context.mine(tree)) return tree;
  IndexTree* copy = make(&context);
  copy->root = tree->root;
  copy->entries = tree->entries;
  copy->node_bytes = tree->node_bytes;
  context.retire(tree);
  return copy;
}

bool IndexTree::contains(ByteView key) const {
  const IndexNode* node = root;
  if (node == nullptr) return false;
  const SearchKey search(key);
  while (node->level > 0) node = node->child(child_for(node, search));
  const uint32_t at = lower_bound(node, search);
  return at < node->count && node->key(at) == key;
}

namespace {

// Ids of the entries of a leaf from `at` on that begin with `prefix`. False: they may go on in the next leaf.
bool collect(const IndexNode* leaf, uint32_t at, const SearchKey& prefix, std::vector<uint64_t>* ids) {
  for (; at < leaf->count; ++at) {
    if (!begins_with(leaf, at, prefix)) return true;
    ids->push_back(id_of(leaf->key(at)));
  }
  return false;
}

}  // namespace

void IndexTree::lookup(ByteView prefix, std::vector<uint64_t>* ids) const {
  const IndexNode* node = root;
  if (node == nullptr) return;
  const SearchKey search(prefix);
  while (node->level > 0) node = node->child(child_for(node, search));
  const size_t before = ids->size();
  if (collect(node, lower_bound(node, search), search, ids)) return;
  ids->resize(before);
  Cursor cursor(this);
  for (cursor.seek(prefix); cursor.valid() && cursor.key().starts_with(prefix); cursor.next()) {
    ids->push_back(cursor.id());
  }
}

namespace {
// What a search in the node looks at first.
void fetch(const IndexNode* node) {
  __builtin_prefetch(node);
  for (uint32_t head : {kFull / 4, kFull / 2, kFull * 3 / 4}) __builtin_prefetch(&node->heads[head]);
}
}  // namespace

void IndexTree::lookup_many(std::span<const ByteView> prefixes, std::vector<uint64_t>* ids,
                            std::vector<uint32_t>* ends) const {
  constexpr size_t kAtOnce = 16;
  for (size_t from = 0; from < prefixes.size(); from += kAtOnce) {
    const size_t count = std::min(kAtOnce, prefixes.size() - from);
    SearchKey keys[kAtOnce];
    for (size_t k = 0; k < count; ++k) keys[k] = SearchKey(prefixes[from + k]);
    const IndexNode* node[kAtOnce];
    uint32_t at[kAtOnce];
    std::fill(node, node + count, root);
    for (uint32_t level = root == nullptr ? 0 : root->level; level > 0; --level) {
      for (size_t k = 0; k < count; ++k) {
        node[k] = node[k]->child(child_for(node[k], keys[k]));
        fetch(node[k]);
      }
    }
    for (size_t k = 0; k < count && root != nullptr; ++k) {
      at[k] = lower_bound(node[k], keys[k]);
      if (at[k] < node[k]->count) __builtin_prefetch(&node[k]->entries[at[k]]);
    }
    for (size_t k = 0; k < count && root != nullptr; ++k) {
      if (at[k] < node[k]->count) __builtin_prefetch(node[k]->key(at[k]).data());
    }
    for (size_t k = 0; k < count; ++k) {
      const size_t before = ids->size();
      if (root != nullptr && keys[k].size() > 0 && !collect(node[k], at[k], keys[k], ids)) {
        ids->resize(before);
        lookup(keys[k].key, ids);
      }
      ends->push_back(static_cast<uint32_t>(ids->size()));
    }
  }
}

uint64_t IndexTree::lookup_first(ByteView prefix) const {
  const IndexNode* node = root;
  if (node == nullptr) return kNoId;
  const SearchKey search(prefix);
  while (node->level > 0) node = node->child(child_for(node, search));
  const uint32_t at = lower_bound(node, search);
  if (at < node->count) return begins_with(node, at, search) ? id_of(node->key(at)) : kNoId;
  Cursor cursor(this);  // the first of the next leaf
  cursor.seek(prefix);
  return cursor.valid() && cursor.key().starts_with(prefix) ? cursor.id() : kNoId;
}

bool IndexTree::insert(WriteContext& context, ByteView key) {
  if (contains(key)) return false;
  TreeEdit edit(context, this);
  if (root == nullptr) {
    root = edit.make(0, static_cast<uint32_t>(key.size()) + 64);
    TreeEdit::put(root, 0, key, nullptr);
  } else {
    IndexNode* right = nullptr;
    root = edit.insert(root, key, &right);
    if (right != nullptr) {
      const ByteView left_key = root->key(0), right_key = right->key(0);
      IndexNode* top = edit.make(static_cast<uint8_t>(root->level + 1),
                                 static_cast<uint32_t>(left_key.size() + right_key.size()) + 64);
      TreeEdit::put(top, 0, left_key, root);
      TreeEdit::put(top, 1, right_key, right);
      root = top;
    }
  }
  ++entries;
  return true;
}

bool IndexTree::erase(WriteContext& context, ByteView key) {
  if (!contains(key)) return false;
  TreeEdit edit(context, this);
  root = edit.erase(root, key);
  while (root != nullptr && root->level > 0 && root->count == 1) {
    IndexNode* top = root;
    root = top->child(0);
    edit.drop(top);
  }
  --entries;
  return true;
}

// --- cursor ---

void IndexTree::Cursor::seek(ByteView key) {
  depth_ = 0;
  const IndexNode* node = tree_->root;
  const SearchKey search(key);
  if (node == nullptr) return;
  for (;;) {
    node_[depth_] = node;
    if (node->level == 0) break;
    position_[depth_] = child_for(node, search);
    node = node->child(position_[depth_]);
    ++depth_;
    LORA_DCHECK(depth_ < kDepthMax);
  }
  const uint32_t at = lower_bound(node, search);
  position_[depth_++] = at;
  if (at == node->count) {
    // Beyond this leaf: step over its last entry.
    position_[depth_ - 1] = node->count - 1u;
    next();
  }
}

void IndexTree::Cursor::seek_after(ByteView key) {
  seek(key);
  if (valid() && this->key() == key) next();
}

void IndexTree::Cursor::next() {
  while (depth_ > 0) {
    if (++position_[depth_ - 1] < node_[depth_ - 1]->count) break;
    --depth_;
  }
  if (depth_ == 0) return;
  while (node_[depth_ - 1]->level > 0) {
    node_[depth_] = node_[depth_ - 1]->child(position_[depth_ - 1]);
    position_[depth_] = 0;
    ++depth_;
  }
}

ByteView IndexTree::Cursor::key() const {
  return node_[depth_ - 1]->key(position_[depth_ - 1]);
}

uint64_t IndexTree::Cursor::id() const {
  return id_of(key());
}

// --- builder ---

IndexTreeBuilder::IndexTreeBuilder(WriteContext* context) : context_(context) {}

IndexTreeBuilder::~IndexTreeBuilder() {
  // Only when finish() was not called, or found no memory: nodes made by a context are freed with its statement.
  if (context_ == nullptr) {
    for (IndexNode* node : open_) {
      if (node != nullptr) free_tree(node);
    }
  }
}

void IndexTreeBuilder::push(uint32_t level, ByteView key, Object* child) {
  if (level == open_.size()) open_.push_back(nullptr);
  IndexNode* node = open_[level];
  const auto length = static_cast<uint32_t>(key.size());
  // Nodes are filled to 60 of 64, so that the first inserts afterwards split nothing.
  if (node != nullptr && node->count >= 60) {
    push(level + 1, node->key(0), node);
    open_[level] = node = nullptr;
  }
  if (node == nullptr || node->arena_used + length > node->arena_capacity) {
    const uint32_t used = node == nullptr ? 0 : node->arena_used;
    const uint32_t mean = node == nullptr ? length : used / node->count + 1;
    IndexNode* wider =
        allocate_node(context_, static_cast<uint8_t>(level), std::max(used + used / 2, mean * 60) + length);
    if (node != nullptr) {
      append_entries(wider, node, 0, node->count);
      if (context_ != nullptr) {
        context_->replaced(node, wider);
      } else {
        free_object(node);
      }
    }
    open_[level] = node = wider;
  }
  TreeEdit::put(node, node->count, key, child);
}

bool IndexTreeBuilder::add(ByteView key) {
  if (entries_ > 0 && key <= ByteView(last_)) return false;
  push(0, key, nullptr);
  last_.assign(key);
  ++entries_;
  return true;
}

namespace {
uint64_t bytes_below(const IndexNode* node) {
  uint64_t bytes = node->bytes;
  if (node->level > 0) {
    for (uint32_t i = 0; i < node->count; ++i) bytes += bytes_below(node->child(i));
  }
  return bytes;
}
}  // namespace

IndexTree* IndexTreeBuilder::finish() {
  if (entries_ == 0 && context_ == nullptr) return IndexTree::empty();
  for (uint32_t level = 0; level + 1 < open_.size(); ++level) {
    IndexNode* node = open_[level];
    if (node == nullptr) continue;
    push(level + 1, node->key(0), node);
    open_[level] = nullptr;  // its parent's from here on
  }
  IndexTree* tree = IndexTree::make(context_);
  // Nothing fails from here on.
  if (!open_.empty()) tree->root = open_.back();
  open_.clear();
  tree->entries = entries_;
  if (tree->root != nullptr) tree->node_bytes = bytes_below(tree->root);
  entries_ = 0;
  return tree;
}

}  // namespace lora::graph::cache
