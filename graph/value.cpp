#include "graph/value.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <new>

#include "graph/packed_list.h"
#include "kv/check.h"

namespace lora {

std::string_view value_type_name(ValueType type) {
  switch (type) {
    case ValueType::kNull: return "NULL";
    case ValueType::kBoolean: return "BOOLEAN";
    case ValueType::kInteger: return "INTEGER";
    case ValueType::kFloat: return "FLOAT";
    case ValueType::kString: return "STRING";
    case ValueType::kList: return "LIST";
    case ValueType::kMap: return "MAP";
    case ValueType::kNode: return "NODE";
    case ValueType::kRelationship: return "RELATIONSHIP";
    case ValueType::kPath: return "PATH";
    case ValueType::kDate: return "DATE";
    case ValueType::kLocalTime: return "LOCAL TIME";
    case ValueType::kTime: return "ZONED TIME";
    case ValueType::kLocalDateTime: return "LOCAL DATETIME";
    case ValueType::kDateTime: return "ZONED DATETIME";
    case ValueType::kDuration: return "DURATION";
    case ValueType::kPoint: return "POINT";
    case ValueType::kVector: return "VECTOR";
    case ValueType::kBinary: return "BINARY";
  }
  return "UNKNOWN";
}

size_t Binary::length() const {
  size_t total = 0;
  for (const std::string& segment : segments) {
    total += segment.size();
  }
  return total;
}

namespace detail {

enum class RepKind : uint8_t {
  kString,
  kList,
  kPackedList,
  kMap,
  kNode,
  kRelationship,
  kPath,
  kPathIds,
  kDateTime,
  kDuration,
  kPoint,
  kVector,
  kBinary,
};

// What every shared representation starts with.
struct ValueRep {
  std::atomic<uint32_t> refs{1};
  const RepKind kind;

  explicit ValueRep(RepKind k) : kind(k) {}
  void retain() { refs.fetch_add(1, std::memory_order_relaxed); }
  // True when the caller held the last reference and must free the representation.
  bool drop() {
    if (refs.load(std::memory_order_acquire) == 1) {
      return true;
    }
    return refs.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
  bool single_owner() const { return refs.load(std::memory_order_acquire) == 1; }
};

template <typename T, RepKind kKind>
struct Boxed : ValueRep {
  T content;
  explicit Boxed(T v) : ValueRep(kKind), content(std::move(v)) {}
};

// The bytes follow the header in the same allocation.
struct StringRep : ValueRep {
  size_t size;
  explicit StringRep(size_t n) : ValueRep(RepKind::kString), size(n) {}
  char* data() { return reinterpret_cast<char*>(this + 1); }
  static StringRep* make(std::string_view first, std::string_view second = {}) {
    const size_t size = first.size() + second.size();
    auto* rep = new (::operator new(sizeof(StringRep) + size)) StringRep(size);
    std::memcpy(rep->data(), first.data(), first.size());
    if (!second.empty()) {
      std::memcpy(rep->data() + first.size(), second.data(), second.size());
    }
    return rep;
  }
};

// Lists and maps: what may nest deeply. A dead one waits in a chain for its turn to be freed.
struct ContainerRep : ValueRep {
  bool entities = false;  // these three: see Value::Extent
  uint16_t levels = 1;
  union {
    uint64_t items_walked;    // the living
    ContainerRep* next_dead;  // the dead
  };
  ContainerRep(RepKind k, size_t count) : ValueRep(k), items_walked(count) {}

  // `child` is one of the contents.
  void measure(const Value& child) {
    if (child.is_list() || child.is_map()) {
      constexpr uint64_t kItemsMax = uint64_t{1} << 62;
      const Value::Extent extent = child.extent();
      levels = static_cast<uint16_t>(std::min<size_t>(std::max<size_t>(levels, extent.levels + 1), UINT16_MAX));
      items_walked = std::min(kItemsMax, items_walked + extent.items);
      entities |= extent.entities;
    } else if (child.is_node() || child.is_relationship() || child.is_path()) {
      entities = true;
    }
  }
};
struct ListRep : ContainerRep {
  List items;
  explicit ListRep(List v) : ContainerRep(RepKind::kList, v.size()), items(std::move(v)) {
    for (const Value& item : items) {
      measure(item);
    }
  }
};
// The bytes follow the header in the same allocation.
struct PackedListRep : ContainerRep {
  std::atomic<List*> unpacked{nullptr};
  const size_t size;  // bytes

  PackedListRep(size_t count, size_t bytes) : ContainerRep(RepKind::kPackedList, count), size(bytes) {}
  ~PackedListRep() { delete unpacked.load(std::memory_order_relaxed); }
  std::string_view bytes() const { return {reinterpret_cast<const char*>(this + 1), size}; }
  static PackedListRep* make(std::string_view bytes) {
    auto* rep = new (::operator new(sizeof(PackedListRep) + bytes.size()))
        PackedListRep(PackedList(bytes).size(), bytes.size());
    std::memcpy(static_cast<void*>(rep + 1), bytes.data(), bytes.size());
    return rep;
  }
  const List& items() {
    if (const List* known = unpacked.load(std::memory_order_acquire); known != nullptr) return *known;
    auto made = std::make_unique<List>(PackedList(bytes()).unpack());
    List* none = nullptr;
    if (unpacked.compare_exchange_strong(none, made.get(), std::memory_order_acq_rel)) return *made.release();
    return *none;  // another thread was first
  }
};
struct MapRep : ContainerRep {
  static constexpr size_t kIndexFrom = 16;  // from so many entries on, lookups use `sorted`
  std::vector<MapEntry> entries;
  std::vector<uint32_t> sorted;  // positions of the entries in key order; empty in small maps
  explicit MapRep(std::vector<MapEntry> v) : ContainerRep(RepKind::kMap, v.size()), entries(std::move(v)) {
    for (const MapEntry& entry : entries) {
      measure(entry.second);
    }
    if (entries.size() < kIndexFrom) {
      return;
    }
    sorted.resize(entries.size());
    for (size_t i = 0; i < sorted.size(); ++i) {
      sorted[i] = static_cast<uint32_t>(i);
    }
    std::sort(sorted.begin(), sorted.end(),
              [this](uint32_t a, uint32_t b) { return entries[a].first.as_string() < entries[b].first.as_string(); });
  }
};
using NodeRep = Boxed<Node, RepKind::kNode>;
using RelationshipRep = Boxed<Relationship, RepKind::kRelationship>;
using PathRep = Boxed<Path, RepKind::kPath>;
using PathIdsRep = Boxed<PathIds, RepKind::kPathIds>;
using DateTimeRep = Boxed<DateTime, RepKind::kDateTime>;
using DurationRep = Boxed<Duration, RepKind::kDuration>;
using PointRep = Boxed<Point, RepKind::kPoint>;
using VectorRep = Boxed<VectorValue, RepKind::kVector>;
using BinaryRep = Boxed<Binary, RepKind::kBinary>;

// Frees dead representations. Children of lists and maps are taken out before their container goes, so that the depth
// of a value does not become depth of the stack.
struct ValueAccess {
  static void take(Value& child, ContainerRep** dead) noexcept {
    if (!child.is_shared()) {
      return;
    }
    ValueRep* rep = child.rep();
    std::memset(child.bytes_, 0, sizeof child.bytes_);
    if (!rep->drop()) {
      return;
    }
    if (rep->kind == RepKind::kList || rep->kind == RepKind::kMap) {
      auto* container = static_cast<ContainerRep*>(rep);
      container->next_dead = *dead;
      *dead = container;
    } else {
      free_leaf(rep);
    }
  }

  static void free(ValueRep* rep) noexcept {
    if (rep->kind != RepKind::kList && rep->kind != RepKind::kMap) {
      free_leaf(rep);
      return;
    }
    auto* dead = static_cast<ContainerRep*>(rep);
    dead->next_dead = nullptr;
    while (dead != nullptr) {
      ContainerRep* container = dead;
      dead = container->next_dead;
      if (container->kind == RepKind::kList) {
        auto* list = static_cast<ListRep*>(container);
        for (Value& item : list->items) {
          take(item, &dead);
        }
        delete list;
      } else {
        auto* map = static_cast<MapRep*>(container);
        for (MapEntry& entry : map->entries) {
          take(entry.first, &dead);
          take(entry.second, &dead);
        }
        delete map;
      }
    }
  }

  // Entities and paths hold values too, but never each other below those: two levels of destructors at most.
  static void free_leaf(ValueRep* rep) noexcept {
    switch (rep->kind) {
      case RepKind::kString:
        static_cast<StringRep*>(rep)->~StringRep();
        ::operator delete(static_cast<void*>(rep));
        return;
      case RepKind::kPackedList:  // its items have no containers
        static_cast<PackedListRep*>(rep)->~PackedListRep();
        ::operator delete(static_cast<void*>(rep));
        return;
      case RepKind::kNode: delete static_cast<NodeRep*>(rep); return;
      case RepKind::kRelationship: delete static_cast<RelationshipRep*>(rep); return;
      case RepKind::kPath: delete static_cast<PathRep*>(rep); return;
      case RepKind::kPathIds: delete static_cast<PathIdsRep*>(rep); return;
      case RepKind::kDateTime: delete static_cast<DateTimeRep*>(rep); return;
      case RepKind::kDuration: delete static_cast<DurationRep*>(rep); return;
      case RepKind::kPoint: delete static_cast<PointRep*>(rep); return;
      case RepKind::kVector: delete static_cast<VectorRep*>(rep); return;
      case RepKind::kBinary: delete static_cast<BinaryRep*>(rep); return;
      case RepKind::kList:
      case RepKind::kMap: break;
    }
    LORA_CHECK(false && "container freed as a leaf");
  }
};

}  // namespace detail

using namespace detail;  // NOLINT: the representation types, only in this file

void Value::add_ref() const noexcept {
  rep()->retain();
}

void Value::release() noexcept {
  ValueRep* dead = rep();
  if (dead->drop()) {
    ValueAccess::free(dead);
  }
}

Value Value::shared(ValueType type, ValueRep* rep) {
  Value result;
  std::memcpy(result.bytes_, &rep, sizeof rep);
  result.bytes_[15] = static_cast<unsigned char>(static_cast<unsigned char>(type) | 0x80);
  return result;
}

Value Value::string(std::string_view text) {
  if (text.size() > kInlineStringMax) {
    return shared(ValueType::kString, StringRep::make(text));
  }
  Value result;
  if (!text.empty()) {
    std::memcpy(result.bytes_, text.data(), text.size());
  }
  result.bytes_[14] = static_cast<unsigned char>(text.size());
  result.bytes_[15] = static_cast<unsigned char>(ValueType::kString);
  return result;
}
Value Value::joined(std::string_view first, std::string_view second) {
  if (first.size() + second.size() > kInlineStringMax) {
    return shared(ValueType::kString, StringRep::make(first, second));
  }
  Value result;
  std::memcpy(result.bytes_, first.data(), first.size());
  std::memcpy(result.bytes_ + first.size(), second.data(), second.size());
  result.bytes_[14] = static_cast<unsigned char>(first.size() + second.size());
  result.bytes_[15] = static_cast<unsigned char>(ValueType::kString);
  return result;
}
Value Value::list(List items) {
  return shared(ValueType::kList, new ListRep(std::move(items)));
}
Value Value::packed_list(std::string_view bytes) {
  return bytes.empty() ? list({}) : shared(ValueType::kList, PackedListRep::make(bytes));
}
Value Value::map(std::vector<MapEntry> entries) {
  return shared(ValueType::kMap, new MapRep(std::move(entries)));
}
Value Value::path(PathIds path) {
  return shared(ValueType::kPath, new PathIdsRep(std::move(path)));
}
Value Value::hydrated(Node node) {
  return shared(ValueType::kNode, new NodeRep(std::move(node)));
}
Value Value::hydrated(Relationship relationship) {
  return shared(ValueType::kRelationship, new RelationshipRep(std::move(relationship)));
}
Value Value::hydrated(Path path) {
  return shared(ValueType::kPath, new PathRep(std::move(path)));
}
Value Value::date_time(DateTime v) {
  return shared(ValueType::kDateTime, new DateTimeRep(std::move(v)));
}
Value Value::duration(Duration v) {
  return shared(ValueType::kDuration, new DurationRep(v));
}
Value Value::point(const Point& v) {
  return shared(ValueType::kPoint, new PointRep(v));
}
Value Value::vector(VectorValue v) {
  return shared(ValueType::kVector, new VectorRep(std::move(v)));
}
Value Value::binary(Binary v) {
  return shared(ValueType::kBinary, new BinaryRep(std::move(v)));
}

bool Value::is_hydrated() const {
  switch (type()) {
    case ValueType::kNode:
    case ValueType::kRelationship: return is_shared();
    case ValueType::kPath: return rep()->kind == RepKind::kPath;
    default: return false;
  }
}

std::string_view Value::as_string() const {
  LORA_DCHECK(is_string());
  if (is_shared()) {
    auto* text = static_cast<StringRep*>(rep());
    return {text->data(), text->size};
  }
  return {reinterpret_cast<const char*>(bytes_), bytes_[14]};
}

const List& Value::as_list() const {
  LORA_DCHECK(is_list());
  if (rep()->kind == RepKind::kPackedList) {
    return static_cast<PackedListRep*>(rep())->items();
  }
  return static_cast<ListRep*>(rep())->items;
}

std::string_view Value::packed() const {
  if (!is_list() || rep()->kind != RepKind::kPackedList) {
    return {};
  }
  return static_cast<PackedListRep*>(rep())->bytes();
}

std::span<const MapEntry> Value::as_map() const {
  LORA_DCHECK(is_map());
  return static_cast<MapRep*>(rep())->entries;
}

const Value* Value::map_find(std::string_view key) const {
  LORA_DCHECK(is_map());
  const auto& map = *static_cast<MapRep*>(rep());
  if (map.sorted.empty()) {
    for (const MapEntry& entry : map.entries) {
      if (entry.first.as_string() == key) {
        return &entry.second;
      }
    }
    return nullptr;
  }
  const auto at = std::lower_bound(map.sorted.begin(), map.sorted.end(), key, [&map](uint32_t i, std::string_view k) {
    return map.entries[i].first.as_string() < k;
  });
  if (at == map.sorted.end() || map.entries[*at].first.as_string() != key) {
    return nullptr;
  }
  return &map.entries[*at].second;
}

NodeId Value::node_id() const {
  LORA_DCHECK(is_node());
  return is_shared() ? static_cast<NodeRep*>(rep())->content.id : NodeId(word());
}
RelId Value::relationship_id() const {
  LORA_DCHECK(is_relationship());
  return is_shared() ? static_cast<RelationshipRep*>(rep())->content.id : RelId(word());
}
const Node& Value::as_node() const {
  LORA_DCHECK(is_node() && is_hydrated());
  return static_cast<NodeRep*>(rep())->content;
}
const Relationship& Value::as_relationship() const {
  LORA_DCHECK(is_relationship() && is_hydrated());
  return static_cast<RelationshipRep*>(rep())->content;
}
const Path& Value::as_path() const {
  LORA_DCHECK(is_path() && is_hydrated());
  return static_cast<PathRep*>(rep())->content;
}
const PathIds& Value::path_ids() const {
  LORA_DCHECK(is_path() && !is_hydrated());
  return static_cast<PathIdsRep*>(rep())->content;
}
const DateTime& Value::as_date_time() const {
  LORA_DCHECK(type() == ValueType::kDateTime);
  return static_cast<DateTimeRep*>(rep())->content;
}
const Duration& Value::as_duration() const {
  LORA_DCHECK(type() == ValueType::kDuration);
  return static_cast<DurationRep*>(rep())->content;
}
const Point& Value::as_point() const {
  LORA_DCHECK(type() == ValueType::kPoint);
  return static_cast<PointRep*>(rep())->content;
}
const VectorValue& Value::as_vector() const {
  LORA_DCHECK(type() == ValueType::kVector);
  return static_cast<VectorRep*>(rep())->content;
}
const Binary& Value::as_binary() const {
  LORA_DCHECK(type() == ValueType::kBinary);
  return static_cast<BinaryRep*>(rep())->content;
}

Value::Extent Value::extent() const {
  if (!is_list() && !is_map()) {
    return {};
  }
  const auto* container = static_cast<ContainerRep*>(rep());
  return {container->levels, container->items_walked, container->entities};
}

// --- walks over nested values ---

namespace {

size_t string_bytes(const std::string& text) {
  static const size_t kInlineCapacity = std::string().capacity();
  return text.capacity() > kInlineCapacity ? text.capacity() + 1 : 0;
}

// Calls visit(child) for every Value directly inside `v`.
template <typename Visit>
void for_each_child(const Value& v, Visit&& visit) {
  const auto properties = [&visit](const std::vector<MapEntry>& entries) {
    for (const MapEntry& entry : entries) {
      visit(entry.first);
      visit(entry.second);
    }
  };
  switch (v.type()) {
    case ValueType::kList:
      if (!v.packed().empty()) {
        return;  // plain values, which own_bytes() counts
      }
      for (const Value& item : v.as_list()) {
        visit(item);
      }
      return;
    case ValueType::kMap:
      for (const MapEntry& entry : v.as_map()) {
        visit(entry.first);
        visit(entry.second);
      }
      return;
    case ValueType::kNode:
      if (v.is_hydrated()) {
        properties(v.as_node().properties);
      }
      return;
    case ValueType::kRelationship:
      if (v.is_hydrated()) {
        properties(v.as_relationship().properties);
      }
      return;
    case ValueType::kPath:
      if (v.is_hydrated()) {
        for (const Node& node : v.as_path().nodes) {
          properties(node.properties);
        }
        for (const Relationship& relationship : v.as_path().rels) {
          properties(relationship.properties);
        }
      }
      return;
    default: return;
  }
}

bool may_have_children(const Value& v) {
  return v.type() >= ValueType::kList && v.type() <= ValueType::kPath;
}

size_t entity_bytes(const Node& node) {
  size_t total = node.labels.capacity() * sizeof(std::string) + node.properties.capacity() * sizeof(MapEntry);
  for (const std::string& label : node.labels) {
    total += string_bytes(label);
  }
  return total;
}
size_t entity_bytes(const Relationship& relationship) {
  return string_bytes(relationship.type) + relationship.properties.capacity() * sizeof(MapEntry);
}

// Of the items of a packed list and the texts behind them, as values.
size_t unpacked_bytes(const PackedList& list) {
  size_t total = list.size() * sizeof(Value);
  if (list.items() == PackedList::Items::kStrings) {
    for (size_t i = 0; i < list.size(); ++i) {
      const size_t size = list.string(i).size();
      total += size > Value::kInlineStringMax ? sizeof(StringRep) + size : 0;
    }
  } else if (list.word_type().type == ValueType::kDateTime) {
    total += list.size() * sizeof(DateTimeRep);
  }
  return total;
}

// Without children.
size_t own_bytes(const Value& v) {
  switch (v.type()) {
    case ValueType::kString: {
      const size_t size = v.as_string().size();
      return size > Value::kInlineStringMax ? sizeof(StringRep) + size : 0;
    }
    case ValueType::kList:
      return v.packed().empty() ? sizeof(ListRep) + v.as_list().capacity() * sizeof(Value)
                                : sizeof(ListRep) + unpacked_bytes(PackedList(v.packed()));
    case ValueType::kMap: {
      const size_t count = v.as_map().size();
      return sizeof(MapRep) + count * sizeof(MapEntry) + (count >= MapRep::kIndexFrom ? count * sizeof(uint32_t) : 0);
    }
    case ValueType::kNode: return v.is_hydrated() ? sizeof(NodeRep) + entity_bytes(v.as_node()) : 0;
    case ValueType::kRelationship:
      return v.is_hydrated() ? sizeof(RelationshipRep) + entity_bytes(v.as_relationship()) : 0;
    case ValueType::kPath: {
      if (!v.is_hydrated()) {
        const PathIds& path = v.path_ids();
        return sizeof(PathIdsRep) + path.nodes.capacity() * sizeof(NodeId) + path.rels.capacity() * sizeof(RelId);
      }
      const Path& path = v.as_path();
      size_t total =
          sizeof(PathRep) + path.nodes.capacity() * sizeof(Node) + path.rels.capacity() * sizeof(Relationship);
      for (const Node& node : path.nodes) {
        total += entity_bytes(node);
      }
      for (const Relationship& relationship : path.rels) {
        total += entity_bytes(relationship);
      }
      return total;
    }
    case ValueType::kDateTime: return sizeof(DateTimeRep) + string_bytes(v.as_date_time().zone);
    case ValueType::kDuration: return sizeof(DurationRep);
    case ValueType::kPoint: return sizeof(PointRep);
    case ValueType::kVector:
      return sizeof(VectorRep) + (v.as_vector().floats.capacity() + v.as_vector().integers.capacity()) * 8;
    case ValueType::kBinary: {
      size_t total = sizeof(BinaryRep) + v.as_binary().segments.capacity() * sizeof(std::string);
      for (const std::string& segment : v.as_binary().segments) {
        total += string_bytes(segment);
      }
      return total;
    }
    default: return 0;
  }
}

bool storable(const Value& v, size_t depth) {
  if (depth > kNestingMax) {
    return false;
  }
  switch (v.type()) {
    case ValueType::kNode:
    case ValueType::kRelationship:
    case ValueType::kPath: return false;
    case ValueType::kList:
      if (!v.packed().empty()) {
        return true;
      }
      return std::all_of(v.as_list().begin(), v.as_list().end(),
                         [depth](const Value& item) { return !item.is_map() && storable(item, depth + 1); });
    case ValueType::kMap:
      return std::all_of(v.as_map().begin(), v.as_map().end(),
                         [depth](const MapEntry& entry) { return storable(entry.second, depth + 1); });
    default: return true;
  }
}

}  // namespace

size_t Value::heap_bytes() const {
  if (!is_shared()) {
    return 0;
  }
  size_t total = own_bytes(*this);
  if (!may_have_children(*this)) {
    return total;
  }
  std::vector<const Value*> todo;
  const auto visit = [&](const Value& child) {
    if (child.is_shared()) {
      total += own_bytes(child);
      if (may_have_children(child)) {
        todo.push_back(&child);
      }
    }
  };
  for_each_child(*this, visit);
  while (!todo.empty()) {
    const Value* next = todo.back();
    todo.pop_back();
    for_each_child(*next, visit);
  }
  return total;
}

bool is_storable(const Value& v) {
  return storable(v, 1);
}

bool deeper_than(const Value& v, size_t levels) {
  if (!may_have_children(v) || ((v.is_node() || v.is_relationship()) && !v.is_hydrated())) {
    return false;
  }
  std::vector<std::pair<const Value*, size_t>> todo{{&v, 1}};
  while (!todo.empty()) {
    const auto [value, level] = todo.back();
    todo.pop_back();
    if (level > levels) {
      return true;
    }
    for_each_child(*value, [&todo, level = level](const Value& child) {
      if (may_have_children(child)) {
        todo.emplace_back(&child, level + 1);
      }
    });
  }
  return false;
}

}  // namespace lora
