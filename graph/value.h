// Value: any Cypher value in 16 bytes.
//
// Small values (null, boolean, integer, float, entity ids, date, times, strings up to 14 bytes) live inside; the rest
// points to a shared immutable representation with an atomic reference count. Copying never fails and costs at most one
// increment.
//
// Three different notions, never mixed:
//   * equality (`=`): three-valued, null when a null decides; 1 = 1.0; NaN <> NaN.         equals()
//   * equivalence (DISTINCT, grouping, UNION): null ~ null, NaN ~ NaN, 1 ~ 1.0.             equivalent(), hash()
//   * orderability (ORDER BY, min, max): total over all values, openCypher 9 order:         order()
//     map < node < relationship < list < path < string < boolean < number < null (ascending), with point, temporal,
//     vector and binary types between list/path and string as Neo4j 5 has them; NaN after all other numbers.
//   * comparability (`<`): three-valued; null across types.                                 compare_less() and kin
//
// Entities inside the engine are bare ids. A *hydrated* node, relationship or path carries labels, type and properties
// as of a version; it is what leaves the engine. id() answers for both.
//
// Threads: a Value belongs to one thread at a time; copies may be used in several.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graph/ids.h"
#include "kv/status.h"

namespace lora {

enum class ValueType : uint8_t {
  kNull = 0,
  kBoolean,
  kInteger,
  kFloat,
  kString,
  kList,
  kMap,
  kNode,
  kRelationship,
  kPath,
  kDate,
  kLocalTime,
  kTime,
  kLocalDateTime,
  kDateTime,
  kDuration,
  kPoint,
  kVector,
  kBinary,
};
// Cypher's name: "INTEGER", "LIST", "ZONED DATETIME", ...
std::string_view value_type_name(ValueType type);

class Value;
using List = std::vector<Value>;
// Insertion order is kept; keys are string Values, unique.
using MapEntry = std::pair<Value, Value>;

// Days since 1970-01-01 (proleptic Gregorian). Years -999 999 999 to 999 999 999.
struct Date {
  int64_t days = 0;
};
struct LocalTime {
  int64_t nanos = 0;  // since midnight, 0 .. 86 400 * 10^9 - 1
};
struct Time {
  int64_t nanos = 0;           // local time of day
  int32_t offset_seconds = 0;  // east of UTC, +-18 h
};
struct LocalDateTime {
  int64_t seconds = 0;  // since 1970-01-01T00:00:00, local
  int32_t nanos = 0;
};
struct DateTime {
  int64_t seconds = 0;  // since the epoch, UTC
  int32_t nanos = 0;
  int32_t offset_seconds = 0;
  std::string zone;  // IANA name; empty: only an offset
};
struct Duration {
  int64_t months = 0;
  int64_t days = 0;
  int64_t seconds = 0;
  int32_t nanos = 0;  // 0 .. 10^9 - 1; the sign is in seconds
};
enum class Crs : uint16_t { kCartesian = 7203, kCartesian3D = 9157, kWgs84 = 4326, kWgs84_3D = 4979 };
struct Point {
  Crs crs = Crs::kCartesian;
  double x = 0, y = 0, z = 0;
  bool is_3d() const { return crs == Crs::kCartesian3D || crs == Crs::kWgs84_3D; }
  bool geographic() const { return crs == Crs::kWgs84 || crs == Crs::kWgs84_3D; }
};
enum class VectorType : uint8_t { kFloat64, kFloat32, kInteger64, kInteger32, kInteger16, kInteger8 };
// 1 to 4096 coordinates of one type; `floats` for the float types, `integers` for the others.
struct VectorValue {
  VectorType type = VectorType::kFloat64;
  std::vector<double> floats;
  std::vector<int64_t> integers;
  size_t dimension() const { return type <= VectorType::kFloat32 ? floats.size() : integers.size(); }
  double at(size_t i) const { return type <= VectorType::kFloat32 ? floats[i] : static_cast<double>(integers[i]); }
};
struct Binary {
  std::vector<std::string> segments;
  size_t length() const;
};
// Hydrated entities.
struct Node {
  NodeId id;
  std::vector<std::string> labels;
  std::vector<MapEntry> properties;
};
struct Relationship {
  RelId id;
  NodeId start, end;
  std::string type;
  std::vector<MapEntry> properties;
};
// An engine path: nodes.size() == rels.size() + 1. A relationship may be walked against its direction.
struct PathIds {
  std::vector<NodeId> nodes;
  std::vector<RelId> rels;
};
struct Path {
  std::vector<Node> nodes;
  std::vector<Relationship> rels;
};

namespace detail {
struct ValueRep;     // graph/value.cpp
struct ValueAccess;  // graph/value.cpp: frees nested values
}  // namespace detail

class Value {
 public:
  static constexpr size_t kInlineStringMax = 14;

  Value() noexcept { std::memset(bytes_, 0, sizeof bytes_); }
  Value(const Value& other) noexcept {
    std::memcpy(bytes_, other.bytes_, sizeof bytes_);
    if (is_shared()) add_ref();
  }
  Value(Value&& other) noexcept {
    std::memcpy(bytes_, other.bytes_, sizeof bytes_);
    std::memset(other.bytes_, 0, sizeof other.bytes_);
  }
  Value& operator=(const Value& other) noexcept {
    Value copy(other);
    swap(copy);
    return *this;
  }
  Value& operator=(Value&& other) noexcept {
    Value moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~Value() {
    if (is_shared()) release();
  }
  void swap(Value& other) noexcept {
    unsigned char t[16];
    std::memcpy(t, bytes_, 16);
    std::memcpy(bytes_, other.bytes_, 16);
    std::memcpy(other.bytes_, t, 16);
  }

  // --- making ---
  static Value null() { return Value(); }
  static Value boolean(bool v) { return scalar(ValueType::kBoolean, v ? 1 : 0); }
  static Value integer(int64_t v) { return scalar(ValueType::kInteger, static_cast<uint64_t>(v)); }
  static Value floating(double v) {
    uint64_t bits;
    std::memcpy(&bits, &v, 8);
    return scalar(ValueType::kFloat, bits);
  }
  static Value string(std::string_view text);  // UTF-8, copied
  static Value joined(std::string_view first, std::string_view second);
  static Value list(List items);
  // Of what PackedList::pack() has written (graph/packed_list.h), copied: one allocation, whatever the items.
  static Value packed_list(std::string_view bytes);
  static Value map(std::vector<MapEntry> entries);  // keys unique string Values; order kept
  static Value node(NodeId id) { return scalar(ValueType::kNode, id.value); }
  static Value relationship(RelId id) { return scalar(ValueType::kRelationship, id.value); }
  static Value path(PathIds path);
  static Value hydrated(Node node);
  static Value hydrated(Relationship relationship);
  static Value hydrated(Path path);
  static Value date(Date v) { return scalar(ValueType::kDate, static_cast<uint64_t>(v.days)); }
  static Value local_time(LocalTime v) { return scalar(ValueType::kLocalTime, static_cast<uint64_t>(v.nanos)); }
  static Value time(Time v) {
    Value r = scalar(ValueType::kTime, static_cast<uint64_t>(v.nanos));
    std::memcpy(r.bytes_ + 8, &v.offset_seconds, 4);
    return r;
  }
  static Value local_date_time(LocalDateTime v) {
    Value r = scalar(ValueType::kLocalDateTime, static_cast<uint64_t>(v.seconds));
    std::memcpy(r.bytes_ + 8, &v.nanos, 4);
    return r;
  }
  static Value date_time(DateTime v);
  static Value duration(Duration v);
  static Value point(const Point& v);
  static Value vector(VectorValue v);
  static Value binary(Binary v);

  // --- asking ---
  ValueType type() const { return static_cast<ValueType>(bytes_[15] & 0x1f); }
  bool is_null() const { return bytes_[15] == 0; }
  bool is_boolean() const { return type() == ValueType::kBoolean; }
  bool is_integer() const { return type() == ValueType::kInteger; }
  bool is_float() const { return type() == ValueType::kFloat; }
  bool is_number() const { return is_integer() || is_float(); }
  bool is_string() const { return type() == ValueType::kString; }
  bool is_list() const { return type() == ValueType::kList; }
  bool is_map() const { return type() == ValueType::kMap; }
  bool is_node() const { return type() == ValueType::kNode; }
  bool is_relationship() const { return type() == ValueType::kRelationship; }
  bool is_path() const { return type() == ValueType::kPath; }
  bool is_temporal() const { return type() >= ValueType::kDate && type() <= ValueType::kDuration; }
  // A node, relationship or path that carries its contents.
  bool is_hydrated() const;

  // --- reading: the type must fit (checked in debug builds) ---
  bool as_boolean() const { return bytes_[0] != 0; }
  int64_t as_integer() const { return static_cast<int64_t>(word()); }
  double as_float() const {
    double v;
    std::memcpy(&v, bytes_, 8);
    return v;
  }
  double as_number() const { return is_integer() ? static_cast<double>(as_integer()) : as_float(); }
  // A view into this Value (inline) or its representation: valid while this Value is neither changed, moved nor
  // destroyed.
  std::string_view as_string() const;
  // A packed list is unpacked when this is first asked for (and may find no memory then); see ListItems.
  const List& as_list() const;
  // The bytes of a packed list; nothing of any other value.
  std::string_view packed() const;
  std::span<const MapEntry> as_map() const;
  // The value of `key`, or null pointer.
  const Value* map_find(std::string_view key) const;
  NodeId node_id() const;         // bare or hydrated
  RelId relationship_id() const;  // bare or hydrated
  const Node& as_node() const;    // hydrated only
  const Relationship& as_relationship() const;
  const Path& as_path() const;
  const PathIds& path_ids() const;  // bare paths only
  Date as_date() const { return {static_cast<int64_t>(word())}; }
  LocalTime as_local_time() const { return {static_cast<int64_t>(word())}; }
  Time as_time() const {
    Time v;
    v.nanos = static_cast<int64_t>(word());
    std::memcpy(&v.offset_seconds, bytes_ + 8, 4);
    return v;
  }
  LocalDateTime as_local_date_time() const {
    LocalDateTime v;
    v.seconds = static_cast<int64_t>(word());
    std::memcpy(&v.nanos, bytes_ + 8, 4);
    return v;
  }
  const DateTime& as_date_time() const;
  const Duration& as_duration() const;
  const Point& as_point() const;
  const VectorValue& as_vector() const;
  const Binary& as_binary() const;

  // How deep and how large a list or map is when everything in it is walked, each shared part as often as it occurs:
  // sixty steps of [l, l] take little memory and have 2^60 items. Constant time. Entities and scalars: no levels, no
  // items.
  struct Extent {
    size_t levels = 0;      // [] has one; counted up to 65 535
    uint64_t items = 0;     // at all levels; counted up to 2^62
    bool entities = false;  // there are nodes, relationships or paths among them
  };
  Extent extent() const;

  // Heap bytes behind this value, shared parts counted fully (for memory budgets), packed lists as if unpacked. Does
  // not recurse deeper than the value's own nesting; values are at most 1 000 levels deep.
  size_t heap_bytes() const;

 private:
  friend struct detail::ValueAccess;
  static Value scalar(ValueType type, uint64_t word) {
    Value r;
    std::memcpy(r.bytes_, &word, 8);
    r.bytes_[15] = static_cast<unsigned char>(type);
    return r;
  }
  static Value shared(ValueType type, detail::ValueRep* rep);
  uint64_t word() const {
    uint64_t w;
    std::memcpy(&w, bytes_, 8);
    return w;
  }
  // Bit 7 of the tag: bytes 0..7 hold a counted pointer.
  bool is_shared() const { return (bytes_[15] & 0x80) != 0; }
  detail::ValueRep* rep() const {
    detail::ValueRep* p;
    std::memcpy(&p, bytes_, sizeof p);
    return p;
  }
  void add_ref() const noexcept;
  void release() noexcept;  // frees nested values without recursion deeper than a fixed bound

  // [0..7] word or pointer, [8..13] more (inline string bytes, offset, nanos), [14] inline string length,
  // [15] type, bit 7 = shared. An inline string uses bytes 0..13.
  alignas(8) unsigned char bytes_[16];
};
static_assert(sizeof(Value) == 16);

// --- three-valued logic and relations ---

enum class Ternary : uint8_t { kFalse = 0, kTrue = 1, kNull = 2 };
inline Ternary ternary(bool v) {
  return v ? Ternary::kTrue : Ternary::kFalse;
}
inline Value to_value(Ternary t) {
  return t == Ternary::kNull ? Value() : Value::boolean(t == Ternary::kTrue);
}

Ternary equals(const Value& a, const Value& b);   // Cypher `=`
bool equivalent(const Value& a, const Value& b);  // DISTINCT, grouping
uint64_t hash(const Value& v);                    // equivalent values hash alike
int order(const Value& a, const Value& b);        // < 0, 0, > 0; ORDER BY ascending
// Cypher `<`: empty when the result is null. The int is the sign of a - b. NaN compares false to all: `unordered` then.
struct Comparison {
  bool is_null = false;
  bool unordered = false;  // comparable types, but no order holds (NaN): <, <=, >, >= are all false
  int sign = 0;
};
Comparison compare(const Value& a, const Value& b);
// a op b; op: '=' '!' (<>) '<' '>' 'l' (<=) 'g' (>=).
Ternary compare_values(char op, const Value& a, const Value& b);

struct ValueHash {
  size_t operator()(const Value& v) const { return hash(v); }
};
struct ValueEquivalent {
  bool operator()(const Value& a, const Value& b) const { return equivalent(a, b); }
};

// Exact comparison of an integer with a float on one number line; `d` is not NaN.
int compare_exact(int64_t i, double d);

// True for values that may be stored as a property: no nodes, relationships or paths at any level, no list that holds a
// map. Null counts as storable (inside lists and maps; on its own it removes the property).
bool is_storable(const Value& v);

// Limit of nesting for values of the engine. Functions here are safe on deeper values (they never overflow the stack);
// beyond twice this depth equality, order and hash look at identity instead of contents.
inline constexpr size_t kNestingMax = 1000;
// True when lists, maps and entities' properties nest more than `levels` deep; a scalar has 0 levels, [] has 1.
bool deeper_than(const Value& v, size_t levels);

}  // namespace lora
