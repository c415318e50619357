#include "kv/entry_tree.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <type_traits>

#include "kv/encode.h"

namespace lora::kv {
namespace {

constexpr size_t kVersionBytes = 8;
constexpr size_t kPrefixBytes = 16;

std::string_view internal_key_of(const char* entry) {
  const auto* at = reinterpret_cast<const unsigned char*>(entry);
  uint32_t size = *at & 0x7Fu;
  for (int shift = 7; (*at & 0x80u) != 0; shift += 7) size |= (*++at & 0x7Fu) << shift;
  return {reinterpret_cast<const char*>(at + 1), size};
}

}  // namespace

// Places are in order. In an inner node a place holds the first entry of its child; that of the first child stands for
// everything before the second's and is never compared.
struct EntryTree::Node {
  bool leaf;
  int count;
  std::array<uint64_t, kPlaces> high;
  std::array<uint64_t, kPlaces> low;
  std::array<const char*, kPlaces> entry;

  void insert(int place, uint64_t key_high, uint64_t key_low, const char* at) {
    const auto shift = [&](auto& array) {
      std::copy_backward(array.begin() + place, array.begin() + count, array.begin() + count + 1);
    };
    shift(high);
    shift(low);
    shift(entry);
    ++count;
    high[place] = key_high;
    low[place] = key_low;
    entry[place] = at;
  }
  // The places from `from` on become those of `to`, which is empty.
  void move_tail(int from, Node* to) {
    const auto copy = [&](const auto& array, auto& into) {
      std::copy(array.begin() + from, array.begin() + count, into.begin());
    };
    copy(high, to->high);
    copy(low, to->low);
    copy(entry, to->entry);
    to->count = count - from;
    count = from;
  }
};

struct EntryTree::Leaf : Node {
  static constexpr bool kIsLeaf = true;
  Leaf* next;
};

struct EntryTree::Inner : Node {
  static constexpr bool kIsLeaf = false;
  std::array<Node*, kPlaces> child;

  // A child and its first entry.
  void insert_child(int place, Node* node) {
    std::copy_backward(child.begin() + place, child.begin() + count, child.begin() + count + 1);
    insert(place, node->high[0], node->low[0], node->entry[0]);
    child[place] = node;
  }
};

class EntryTree::Reading {
 public:
  explicit Reading(const EntryTree& tree)
      : lock_(tree.frozen_.load(std::memory_order_acquire) ? nullptr : &tree.lock_) {
    if (lock_ != nullptr) lock_->lock();
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() {
    if (lock_ != nullptr) lock_->unlock();
  }

 private:
  SpinLock* const lock_;
};

EntryTree::Target EntryTree::Target::of_internal_key(std::string_view internal_key) {
  Target out;
  out.user_key = internal_key.substr(0, internal_key.size() - kVersionBytes);
  std::memcpy(&out.version, internal_key.data() + out.user_key.size(), kVersionBytes);
  if (out.user_key.size() >= kPrefixBytes) {
    out.high = load_u64(out.user_key.data());
    out.low = load_u64(out.user_key.data() + 8);
  } else {
    std::array<char, kPrefixBytes> padded{};
    std::memcpy(padded.data(), out.user_key.data(), out.user_key.size());
    out.high = load_u64(padded.data());
    out.low = load_u64(padded.data() + 8);
  }
  return out;
}

EntryTree::Target EntryTree::Target::of_entry(const char* entry) {
  return of_internal_key(internal_key_of(entry));
}

// Whether the entry at `place` comes before the target, or is it.
bool EntryTree::before(const Node& node, int place, const Target& target, bool or_equal) {
  if (node.high[place] != target.high) return node.high[place] < target.high;
  if (node.low[place] != target.low) return node.low[place] < target.low;
  const std::string_view internal_key = internal_key_of(node.entry[place]);
  const std::string_view user_key = internal_key.substr(0, internal_key.size() - kVersionBytes);
  if (const int order = user_key.compare(target.user_key); order != 0) return order < 0;
  uint64_t version;
  std::memcpy(&version, user_key.data() + user_key.size(), kVersionBytes);
  return version > target.version || (or_equal && version == target.version);
}

// The first place from `from` on whose entry does not come before the target (and is not it).
int EntryTree::rank(const Node& node, int from, const Target& target, bool or_equal) {
  int low = from;
  for (int left = node.count - from; left > 0;) {
    const int half = left / 2;
    if (before(node, low + half, target, or_equal)) {
      low += half + 1;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  return low;
}

// The leaf with the last entry before the target (or that is it), the first leaf if there is none.
const EntryTree::Leaf* EntryTree::leaf_of(const Target& target, bool or_equal) const {
  const Node* node = root_;
  while (!node->leaf) node = static_cast<const Inner*>(node)->child[rank(*node, 1, target, or_equal) - 1];
  return static_cast<const Leaf*>(node);
}

EntryTree::~EntryTree() {
  if (root_ != nullptr) free(root_);
}

void EntryTree::free(Node* node) {
  if (node->leaf) {
    delete static_cast<Leaf*>(node);
    return;
  }
  auto* inner = static_cast<Inner*>(node);
  for (int i = 0; i < inner->count; ++i) free(inner->child[i]);
  delete inner;
}

template <typename NodeOfKind>
NodeOfKind* EntryTree::make() {
  auto* node = new NodeOfKind;
  node->leaf = NodeOfKind::kIsLeaf;
  node->count = 0;
  bytes_.store(bytes_.load(std::memory_order_relaxed) + sizeof(NodeOfKind), std::memory_order_release);
  return node;
}

// A full child of `parent`, which has room, becomes two.
void EntryTree::split(Inner* parent, int child) {
  const auto halve = [&](auto* left) {
    auto* right = make<std::remove_pointer_t<decltype(left)>>();
    constexpr int kHalf = kPlaces / 2;
    if constexpr (std::remove_pointer_t<decltype(left)>::kIsLeaf) {
      right->next = left->next;
      left->next = right;
    } else {
      std::copy(left->child.begin() + kHalf, left->child.end(), right->child.begin());
    }
    left->move_tail(kHalf, right);
    parent->insert_child(child + 1, right);
  };
  Node* const full = parent->child[child];
  full->leaf ? halve(static_cast<Leaf*>(full)) : halve(static_cast<Inner*>(full));
}

void EntryTree::insert(const char* entry) {
  const Target target = Target::of_entry(entry);
  const std::lock_guard lock(lock_);
  if (root_ == nullptr) {
    auto* leaf = make<Leaf>();
    leaf->next = nullptr;
    root_ = leaf;
  }
  if (root_->count == kPlaces) {
    auto* root = make<Inner>();
    root->insert_child(0, root_);
    root_ = root;
  }
  // Full nodes are split on the way down, so that there is always room for what a split below brings.
  Node* node = root_;
  while (!node->leaf) {
    auto* inner = static_cast<Inner*>(node);
    int at = rank(*inner, 1, target, true) - 1;
    Node* child = inner->child[at];
    if (child->count == kPlaces) {
      if (child->leaf && before(*child, kPlaces - 1, target, true)) {
        // Ascending keys fill their leaves. Not where the next leaf has room: keys that descend towards this one, as
        // the newer versions of the next leaf's first key do, would each get a leaf.
        Leaf* const next = static_cast<Leaf*>(child)->next;
        if (next == nullptr || next->count == kPlaces) {
          auto* leaf = make<Leaf>();
          leaf->next = next;
          leaf->insert(0, target.high, target.low, entry);
          static_cast<Leaf*>(child)->next = leaf;
          inner->insert_child(at + 1, leaf);
          return;
        }
      }
      split(inner, at);
      if (before(*inner, at + 1, target, true)) ++at;
      child = inner->child[at];
    }
    node = child;
  }
  node->insert(rank(*node, 0, target, true), target.high, target.low, entry);
}

void EntryTree::copy(const Node& leaf, int from, int to, Run* run) {
  run->count = to - from;
  std::copy_n(leaf.entry.begin() + from, run->count, run->entries.begin());
}

void EntryTree::ascend(const Target& from, Bound bound, Run* run) const {
  run->count = 0;
  if (empty()) return;
  const Reading reading(*this);
  const Leaf* leaf = leaf_of(from, true);
  int place = rank(*leaf, 0, from, bound == Bound::kExclusive);
  if (place == leaf->count) {
    leaf = leaf->next;
    place = 0;
  }
  if (leaf == nullptr) return;
  copy(*leaf, place, leaf->count, run);
}

void EntryTree::descend(const Target& from, Bound bound, Run* run) const {
  run->count = 0;
  if (empty()) return;
  const bool or_equal = bound == Bound::kInclusive;
  const Reading reading(*this);
  const Leaf* leaf = leaf_of(from, or_equal);
  copy(*leaf, 0, rank(*leaf, 0, from, or_equal), run);
}

void EntryTree::first(Run* run) const {
  run->count = 0;
  if (empty()) return;
  const Reading reading(*this);
  const Node* node = root_;
  while (!node->leaf) node = static_cast<const Inner*>(node)->child[0];
  copy(*node, 0, node->count, run);
}

void EntryTree::last(Run* run) const {
  run->count = 0;
  if (empty()) return;
  const Reading reading(*this);
  const Node* node = root_;
  while (!node->leaf) node = static_cast<const Inner*>(node)->child[node->count - 1];
  copy(*node, 0, node->count, run);
}

}  // namespace lora::kv
