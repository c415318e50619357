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

IndexNode* allocate_node(WriteContext* context, uint8_t level, uint32_t tails_capacity) {
  const size_t bytes = sizeof(IndexNode) + (level > 0 ? kFull * sizeof(Object*) : 0) + tails_capacity;
  auto* node = new (allocate(context, bytes)) IndexNode(level);
  node->tails_capacity = tails_capacity;
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
  const size_t decided = size_t{node->skip} + 8, length = node->key_size(i);
  if (key.size() <= decided || length <= decided) {
    return length < key.size() ? -1 : length > key.size() ? 1 : 0;
  }
  return node->tail(i).compare(key.key.substr(decided));
}

// Whether key i begins with `key`.
bool begins_with(const IndexNode* node, uint32_t i, const SearchKey& key) {
  const size_t skip = node->skip;
  const auto shared = static_cast<uint32_t>(std::min(key.size(), skip));
  if (((node->prefix ^ key.word_at(0)) & IndexNode::mask(shared)) != 0) return false;
  if (key.size() <= skip) return true;
  const auto more = static_cast<uint32_t>(std::min<size_t>(key.size() - skip, 8));
  if (((node->heads[i] ^ key.word_at(skip)) & IndexNode::mask(more)) != 0) return false;
  return node->head_size(i) >= more && (key.size() <= skip + 8 || node->tail(i).starts_with(key.key.substr(skip + 8)));
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

// The id at the end of key i; kNoId when the key is shorter than an id.
uint64_t id_of(const IndexNode* node, uint32_t i) {
  constexpr uint64_t kMask = (uint64_t{1} << (8 * IndexTree::kIdBytes)) - 1;
  const ByteView tail = node->tail(i);
  if (tail.size() >= 8) return kv::load_u64(tail.data() + tail.size() - 8) & kMask;
  if (node->key_size(i) < IndexTree::kIdBytes) return kNoId;
  // The last bytes of prefix and head, then those of the tail.
  const uint32_t in_head = node->head_size(i);
  uint64_t id = in_head == 8 ? node->heads[i] : 0;
  if (in_head < 8) {
    id = node->skip == 0 ? 0 : node->prefix >> (64 - 8 * node->skip);
    if (in_head > 0) id = id << (8 * in_head) | node->heads[i] >> (64 - 8 * in_head);
  }
  for (char byte : tail) id = id << 8 | static_cast<unsigned char>(byte);
  return id & kMask;
}

std::string key_of(const IndexNode* node, uint32_t i) {
  std::string key;
  node->append_key(i, &key);
  return key;
}

// Puts a key, and the child of an inner node, at `at`. The key fits the prefix, its tail fits the room there is.
void put(IndexNode* node, uint32_t at, ByteView key, Object* child) {
  const uint32_t after = node->count - at, begin = node->tail_begin(at), used = node->tails_used();
  const ByteView tail = node->tail_of(key);
  const auto in_head = static_cast<uint32_t>(std::min<size_t>(key.size() - node->skip, 8));
  const auto length = static_cast<uint32_t>(tail.size());
  if (length != 0) {
    std::memmove(node->tails() + begin + length, node->tails() + begin, used - begin);
    std::memcpy(node->tails() + begin, tail.data(), length);
  }
  std::memmove(node->heads + at + 1, node->heads + at, after * sizeof node->heads[0]);
  std::memmove(node->ends + at + 1, node->ends + at, after * sizeof node->ends[0]);
  if (node->level > 0) {
    std::memmove(node->children() + at + 1, node->children() + at, after * sizeof(Object*));
    node->children()[at] = child;
  }
  ++node->count;
  node->heads[at] = IndexNode::word_at(key, node->skip);
  node->ends[at] = (begin + length) << 4 | (8 - in_head);
  for (uint32_t i = at + 1; i < node->count && length != 0; ++i) node->ends[i] += length << 4;
}

// Takes entry `at` out.
void take(IndexNode* node, uint32_t at) {
  const uint32_t after = node->count - at - 1, end = node->tail_end(at), length = end - node->tail_begin(at);
  if (length != 0) {
    std::memmove(node->tails() + end - length, node->tails() + end, node->tails_used() - end);
    for (uint32_t i = at + 1; i < node->count; ++i) node->ends[i] -= length << 4;
  }
  std::memmove(node->heads + at, node->heads + at + 1, after * sizeof node->heads[0]);
  std::memmove(node->ends + at, node->ends + at + 1, after * sizeof node->ends[0]);
  if (node->level > 0) std::memmove(node->children() + at, node->children() + at + 1, after * sizeof(Object*));
  --node->count;
}

// Fills an empty node of the same level, in which there is room, with all that `source` has.
void copy_entries(IndexNode* node, const IndexNode* source) {
  node->skip = source->skip;
  node->prefix = source->prefix;
  node->count = source->count;
  const size_t count = source->count;
  std::memcpy(node->heads, source->heads, count * sizeof source->heads[0]);
  std::memcpy(node->ends, source->ends, count * sizeof source->ends[0]);
  if (source->level > 0) std::memcpy(node->children(), source->children(), count * sizeof(Object*));
  std::memcpy(node->tails(), source->tails(), source->tails_used());
}

}  // namespace

// The entries of nodes that are to be laid out, whole keys in their order.
class IndexEntries {
 public:
  static constexpr uint32_t kMax = kFull + 1;

  uint32_t count() const { return count_; }
  ByteView key(uint32_t i) const { return ByteView(bytes_).substr(begin(i), ends_[i] - begin(i)); }
  Object* child(uint32_t i) const { return children_[i]; }
  void clear() {
    bytes_.clear();
    count_ = 0;
  }
  void add(ByteView key, Object* child) {
    bytes_.append(key);
    added(child);
  }
  // Entries [from, to) of a node.
  void add(const IndexNode* node, uint32_t from, uint32_t to) {
    for (uint32_t i = from; i < to; ++i) {
      node->append_key(i, &bytes_);
      added(node->level > 0 ? node->children()[i] : nullptr);
    }
  }
  // A node of entries [from, to), at least one, with the longest prefix they allow and `spare` bytes where there are
  // tails.
  IndexNode* lay_out(WriteContext* context, uint8_t level, uint32_t from, uint32_t to, uint32_t spare) const {
    const uint64_t word = IndexNode::word_at(key(from), 0);
    uint64_t different = 0;
    size_t shortest = IndexNode::kSkipMax;
    for (uint32_t i = from; i < to; ++i) {
      different |= IndexNode::word_at(key(i), 0) ^ word;
      shortest = std::min(shortest, key(i).size());
    }
    const size_t common = different == 0 ? 8 : static_cast<size_t>(std::countl_zero(different)) / 8;
    const size_t skip = std::min(shortest, common);
    size_t tails = 0;
    for (uint32_t i = from; i < to; ++i) tails += key(i).size() - std::min(key(i).size(), skip + 8);
    IndexNode* node = allocate_node(context, level, static_cast<uint32_t>(tails == 0 ? 0 : tails + spare));
    node->skip = static_cast<uint8_t>(skip);
    node->prefix = word & IndexNode::mask(node->skip);
    for (uint32_t i = from; i < to; ++i) put(node, i - from, key(i), children_[i]);
    return node;
  }

 private:
  size_t begin(uint32_t i) const { return i == 0 ? 0 : ends_[i - 1]; }
  void added(Object* child) {
    ends_[count_] = bytes_.size();
    children_[count_++] = child;
  }
  std::string bytes_;
  size_t ends_[kMax];
  Object* children_[kMax];
  uint32_t count_ = 0;
};

namespace {

// One change of a tree: nodes that are not mine are copied on the way.
class TreeEdit {
 public:
  TreeEdit(WriteContext& context, IndexTree* tree) : context_(context), tree_(tree) {}

  // A node of entries [from, to) of `entries`.
  IndexNode* make(const IndexEntries& entries, uint8_t level, uint32_t from, uint32_t to) {
    return made(entries.lay_out(&context_, level, from, to, kSpare));
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
  // The node as mine with room for `room` more bytes of tails.
  IndexNode* own(IndexNode* node, size_t room) {
    const bool mine = context_.mine(node);
    const uint32_t needed = node->tails_used() + static_cast<uint32_t>(room);
    if (mine && needed <= node->tails_capacity) return node;
    const uint32_t spare = needed == 0 ? 0 : mine ? needed / 2 + kSpare : kSpare;
    IndexNode* copy = made(allocate_node(&context_, node->level, needed + spare));
    copy_entries(copy, node);
    replace(node, copy);
    return copy;
  }
  // Adds an entry; a full node is split: *right is the new right part.
  IndexNode* add(IndexNode* node, uint32_t at, ByteView key, Object* child, IndexNode** right) {
    if (node->count < kFull && node->fits(key)) {
      node = own(node, node->tail_of(key).size());
      put(node, at, key, child);
      return node;
    }
    IndexEntries entries;
    if (at == kFull) {  // ascending inserts leave full nodes behind
      entries.add(key, child);
      *right = make(entries, node->level, 0, 1);
      return node;
    }
    entries.add(node, 0, at);
    entries.add(key, child);
    entries.add(node, at, node->count);
    const uint32_t count = entries.count();
    const uint32_t keep = count <= kFull ? count : at <= kFull / 2 ? kFull / 2 + 1 : kFull / 2;
    if (keep < count) *right = make(entries, node->level, keep, count);
    IndexNode* left = make(entries, node->level, 0, keep);
    replace(node, left);
    return left;
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
    if (new_right != nullptr) node = add(node, at + 1, key_of(new_right, 0), new_right, right);
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
    IndexEntries entries;
    entries.add(a, 0, a->count);
    // An inner node's own first key may be stale (it counts as lowest); the parent's key for it is a true bound.
    if (b->level > 0) entries.add(key_of(node, left + 1), b->child(0));
    entries.add(b, b->level > 0 ? 1 : 0, b->count);
    IndexNode* joined = make(entries, a->level, 0, entries.count());
    drop(a);
    drop(b);
    node->children()[left] = joined;
    take(node, left + 1);
  }

  static constexpr uint32_t kSpare = 32;

  IndexNode* made(IndexNode* node) {
    tree_->node_bytes += node->bytes;
    return node;
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
  return at < node->count && node->key_size(at) == key.size() && begins_with(node, at, search);
}

namespace {

// Ids of the entries of a leaf from `at` on that begin with `prefix`. False: they may go on in the next leaf.
bool collect(const IndexNode* leaf, uint32_t at, const SearchKey& prefix, std::vector<uint64_t>* ids) {
  for (; at < leaf->count; ++at) {
    if (!begins_with(leaf, at, prefix)) return true;
    ids->push_back(id_of(leaf, at));
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
  for (cursor.seek(prefix); cursor.begins_with(search); cursor.next()) ids->push_back(cursor.id());
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
      if (at[k] < node[k]->count) __builtin_prefetch(&node[k]->ends[at[k]]);
    }
    for (size_t k = 0; k < count && root != nullptr; ++k) {
      if (at[k] >= node[k]->count) continue;
      const ByteView tail = node[k]->tail(at[k]);
      if (!tail.empty()) __builtin_prefetch(tail.data());
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
  if (at < node->count) return begins_with(node, at, search) ? id_of(node, at) : kNoId;
  Cursor cursor(this);  // the first of the next leaf
  cursor.seek(prefix);
  return cursor.begins_with(search) ? cursor.id() : kNoId;
}

bool IndexTree::insert(WriteContext& context, ByteView key) {
  if (contains(key)) return false;
  TreeEdit edit(context, this);
  IndexEntries top;
  if (root == nullptr) {
    top.add(key, nullptr);
    root = edit.make(top, 0, 0, 1);
  } else {
    IndexNode* right = nullptr;
    root = edit.insert(root, key, &right);
    if (right != nullptr) {
      top.add(key_of(root, 0), root);
      top.add(key_of(right, 0), right);
      root = edit.make(top, static_cast<uint8_t>(root->level + 1), 0, 2);
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

ByteView IndexTree::Cursor::key() {
  key_.clear();
  node_[depth_ - 1]->append_key(position_[depth_ - 1], &key_);
  return key_;
}

uint64_t IndexTree::Cursor::id() const {
  return id_of(node_[depth_ - 1], position_[depth_ - 1]);
}

bool IndexTree::Cursor::begins_with(const SearchKey& prefix) const {
  return valid() && cache::begins_with(node_[depth_ - 1], position_[depth_ - 1], prefix);
}

size_t IndexTree::Cursor::take_below(ByteView to, uint64_t* ids, size_t max, std::string* last) {
  const SearchKey end(to);
  size_t taken = 0;
  while (taken < max && valid()) {
    const IndexNode* leaf = node_[depth_ - 1];
    uint32_t& at = position_[depth_ - 1];
    const uint32_t below = to.empty() ? leaf->count : lower_bound(leaf, end);
    if (at >= below) break;
    const auto count = static_cast<uint32_t>(std::min<size_t>(below - at, max - taken));
    for (uint32_t i = 0; i < count; ++i) ids[taken++] = id_of(leaf, at + i);
    at += count - 1;
    if (taken == max) last->assign(key());
    next();
  }
  return taken;
}

// --- builder ---

IndexTreeBuilder::IndexTreeBuilder(WriteContext* context) : context_(context) {}

IndexTreeBuilder::~IndexTreeBuilder() {
  // Only when finish() was not called, or found no memory: nodes made by a context are freed with its statement.
  if (context_ != nullptr) return;
  for (const std::unique_ptr<IndexEntries>& entries : open_) {
    for (uint32_t i = 0; i < entries->count(); ++i) {
      if (entries->child(i) != nullptr) free_tree(entries->child(i));
    }
  }
}

void IndexTreeBuilder::push(uint32_t level, ByteView key, Object* child) {
  // Nodes are filled to 60 of 64, so that the first inserts afterwards split nothing.
  constexpr uint32_t kFilled = 60;
  if (level == open_.size()) open_.push_back(std::make_unique<IndexEntries>());
  if (open_[level]->count() == kFilled) {
    const std::string first(open_[level]->key(0));
    Loaded<IndexNode> owned;
    IndexNode* node = close(level, &owned);
    push(level + 1, first, node);
    static_cast<void>(owned.release());  // its parent's from here on
  }
  open_[level]->add(key, child);
}

IndexNode* IndexTreeBuilder::close(uint32_t level, Loaded<IndexNode>* owned) {
  IndexEntries& entries = *open_[level];
  IndexNode* node = entries.lay_out(context_, static_cast<uint8_t>(level), 0, entries.count(), 0);
  *owned = own_loaded(context_, node);
  entries.clear();
  node_bytes_ += node->bytes;
  return node;
}

bool IndexTreeBuilder::add(ByteView key) {
  if (entries_ > 0 && key <= ByteView(last_)) return false;
  push(0, key, nullptr);
  last_.assign(key);
  ++entries_;
  return true;
}

IndexTree* IndexTreeBuilder::finish() {
  if (entries_ == 0 && context_ == nullptr) return IndexTree::empty();
  Loaded<IndexNode> owned;
  IndexNode* root = nullptr;
  for (uint32_t level = 0; level < open_.size(); ++level) {
    if (root != nullptr) {
      push(level, key_of(root, 0), root);
      static_cast<void>(owned.release());
    }
    root = open_[level]->count() == 0 ? nullptr : close(level, &owned);
  }
  IndexTree* tree = IndexTree::make(context_);
  // Nothing fails from here on.
  tree->root = root;
  tree->entries = entries_;
  tree->node_bytes = node_bytes_;
  static_cast<void>(owned.release());
  open_.clear();
  entries_ = node_bytes_ = 0;
  return tree;
}

}  // namespace lora::graph::cache
