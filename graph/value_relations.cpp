// Equality, equivalence, hash, orderability and comparability of values: the four relations of value.h.
// Each walks its values recursively, with small frames and a bound (kWalkMax) below which identity decides.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "graph/packed_list.h"
#include "graph/value.h"
#include "kv/check.h"

namespace lora {
namespace {

constexpr int kWalkMax = 2 * static_cast<int>(kNestingMax);
constexpr int64_t kNanosPerSecond = 1'000'000'000;

template <typename T>
int sign_of(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

int sign_of_text(std::string_view a, std::string_view b) {
  const int c = a.compare(b);
  return c < 0 ? -1 : c > 0 ? 1 : 0;
}

// Neither is NaN.
int compare_numbers(const Value& a, const Value& b) {
  if (a.is_integer()) {
    return b.is_integer() ? sign_of(a.as_integer(), b.as_integer()) : compare_exact(a.as_integer(), b.as_float());
  }
  return b.is_integer() ? -compare_exact(b.as_integer(), a.as_float()) : sign_of(a.as_float(), b.as_float());
}

bool is_nan(const Value& v) {
  return v.is_float() && std::isnan(v.as_float());
}

// Floats with NaN as the greatest number, equal to itself.
int order_floats(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) {
    return sign_of(std::isnan(a), std::isnan(b));
  }
  return sign_of(a, b);
}

int64_t utc_nanos(const Time& v) {
  return v.nanos - v.offset_seconds * kNanosPerSecond;
}

int order_instants(int64_t as, int32_t an, int64_t bs, int32_t bn) {
  return as != bs ? sign_of(as, bs) : sign_of(an, bn);
}

bool same_duration(const Duration& a, const Duration& b) {
  return a.months == b.months && a.days == b.days && a.seconds == b.seconds && a.nanos == b.nanos;
}

// Average length in nanoseconds: a month is 30.436875 days.
__int128 average_nanos(const Duration& v) {
  const __int128 seconds =
      static_cast<__int128>(v.months) * 2'629'746 + static_cast<__int128>(v.days) * 86'400 + v.seconds;
  return seconds * kNanosPerSecond + v.nanos;
}

int order_durations(const Duration& a, const Duration& b) {
  if (const int c = sign_of(average_nanos(a), average_nanos(b)); c != 0) {
    return c;
  }
  if (a.months != b.months) {
    return sign_of(a.months, b.months);
  }
  return sign_of(a.days, b.days);
}

int order_points(const Point& a, const Point& b) {
  if (a.crs != b.crs) {
    return sign_of(static_cast<uint16_t>(a.crs), static_cast<uint16_t>(b.crs));
  }
  if (const int c = order_floats(a.x, b.x); c != 0) {
    return c;
  }
  if (const int c = order_floats(a.y, b.y); c != 0) {
    return c;
  }
  return a.is_3d() ? order_floats(a.z, b.z) : 0;
}

int order_vectors(const VectorValue& a, const VectorValue& b) {
  if (a.type != b.type) {
    return sign_of(a.type, b.type);
  }
  if (a.dimension() != b.dimension()) {
    return sign_of(a.dimension(), b.dimension());
  }
  for (size_t i = 0; i < a.floats.size(); ++i) {
    if (const int c = order_floats(a.floats[i], b.floats[i]); c != 0) {
      return c;
    }
  }
  for (size_t i = 0; i < a.integers.size(); ++i) {
    if (const int c = sign_of(a.integers[i], b.integers[i]); c != 0) {
      return c;
    }
  }
  return 0;
}

// The bytes of a binary value without regard to its segments.
class BinaryBytes {
 public:
  explicit BinaryBytes(const Binary& binary) : segments_(binary.segments) { skip_empty(); }
  bool done() const { return segment_ == segments_.size(); }
  std::string_view front() const { return std::string_view(segments_[segment_]).substr(at_); }
  void advance(size_t count) {
    at_ += count;
    skip_empty();
  }

 private:
  void skip_empty() {
    while (segment_ < segments_.size() && at_ == segments_[segment_].size()) {
      ++segment_;
      at_ = 0;
    }
  }
  const std::vector<std::string>& segments_;
  size_t segment_ = 0;
  size_t at_ = 0;
};

int order_binaries(const Binary& a, const Binary& b) {
  BinaryBytes left(a), right(b);
  while (!left.done() && !right.done()) {
    const size_t count = std::min(left.front().size(), right.front().size());
    if (const int c = sign_of_text(left.front().substr(0, count), right.front().substr(0, count)); c != 0) {
      return c;
    }
    left.advance(count);
    right.advance(count);
  }
  return sign_of(!left.done(), !right.done());
}

// Ids of a path, bare or hydrated.
size_t path_length(const Value& path) {
  return path.is_hydrated() ? path.as_path().rels.size() : path.path_ids().rels.size();
}
size_t path_nodes(const Value& path) {
  return path.is_hydrated() ? path.as_path().nodes.size() : path.path_ids().nodes.size();
}
uint64_t path_node(const Value& path, size_t i) {
  return path.is_hydrated() ? path.as_path().nodes[i].id.value : path.path_ids().nodes[i].value;
}
uint64_t path_relationship(const Value& path, size_t i) {
  return path.is_hydrated() ? path.as_path().rels[i].id.value : path.path_ids().rels[i].value;
}

// Node by node and relationship by relationship from the start; a path sorts before its continuations.
int order_paths(const Value& a, const Value& b) {
  const size_t nodes = std::min(path_nodes(a), path_nodes(b));
  const size_t rels = std::min(path_length(a), path_length(b));
  for (size_t i = 0; i < nodes; ++i) {
    if (const int c = sign_of(path_node(a, i), path_node(b, i)); c != 0) {
      return c;
    }
    if (i < rels) {
      if (const int c = sign_of(path_relationship(a, i), path_relationship(b, i)); c != 0) {
        return c;
      }
    }
  }
  if (const int c = sign_of(path_nodes(a), path_nodes(b)); c != 0) {
    return c;
  }
  return sign_of(path_length(a), path_length(b));
}

// Equal types without parts that may be null: where equality is two-valued and agrees with equivalence but for NaN.
// Numbers, lists, maps are not handled here.
bool same_scalar(const Value& a, const Value& b) {
  switch (a.type()) {
    case ValueType::kNull: return true;
    case ValueType::kBoolean: return a.as_boolean() == b.as_boolean();
    case ValueType::kString: return a.as_string() == b.as_string();
    case ValueType::kNode: return a.node_id() == b.node_id();
    case ValueType::kRelationship: return a.relationship_id() == b.relationship_id();
    case ValueType::kPath: return order_paths(a, b) == 0;
    case ValueType::kDate: return a.as_date().days == b.as_date().days;
    case ValueType::kLocalTime: return a.as_local_time().nanos == b.as_local_time().nanos;
    case ValueType::kTime: return utc_nanos(a.as_time()) == utc_nanos(b.as_time());
    case ValueType::kLocalDateTime:
      return a.as_local_date_time().seconds == b.as_local_date_time().seconds &&
             a.as_local_date_time().nanos == b.as_local_date_time().nanos;
    case ValueType::kDateTime:
      return a.as_date_time().seconds == b.as_date_time().seconds && a.as_date_time().nanos == b.as_date_time().nanos;
    case ValueType::kDuration: return same_duration(a.as_duration(), b.as_duration());
    case ValueType::kPoint: return order_points(a.as_point(), b.as_point()) == 0;
    case ValueType::kVector: return order_vectors(a.as_vector(), b.as_vector()) == 0;
    case ValueType::kBinary:
      return a.as_binary().length() == b.as_binary().length() && order_binaries(a.as_binary(), b.as_binary()) == 0;
    default: return false;
  }
}

bool has_nan(const Value& v) {
  if (v.type() == ValueType::kPoint) {
    const Point& p = v.as_point();
    return std::isnan(p.x) || std::isnan(p.y) || (p.is_3d() && std::isnan(p.z));
  }
  if (v.type() == ValueType::kVector) {
    const auto& floats = v.as_vector().floats;
    return std::any_of(floats.begin(), floats.end(), [](double d) { return std::isnan(d); });
  }
  return false;
}

// Two containers below the walk bound: the same contents by identity, or different.
bool same_identity(const Value& a, const Value& b) {
  if (!a.is_list()) {
    return a.as_map().data() == b.as_map().data();
  }
  if (a.packed().empty() != b.packed().empty()) {
    return false;
  }
  return a.packed().empty() ? &a.as_list() == &b.as_list() : a.packed().data() == b.packed().data();
}

Ternary equals_at(const Value& a, const Value& b, int depth);

// Do packed bytes alone say that two lists are the same? Floats may be NaN.
bool same_packed(const Value& a, const Value& b) {
  return !a.packed().empty() && a.packed() == b.packed() &&
         PackedList(a.packed()).items() != PackedList::Items::kFloats;
}

Ternary equal_lists(const Value& list_a, const Value& list_b, int depth) {
  if (same_packed(list_a, list_b)) {
    return Ternary::kTrue;
  }
  const ListItems a(list_a), b(list_b);
  if (a.size() != b.size()) {
    return Ternary::kFalse;
  }
  Ternary result = Ternary::kTrue;
  Value box_a, box_b;
  for (size_t i = 0; i < a.size(); ++i) {
    const Ternary item = equals_at(a.get(i, &box_a), b.get(i, &box_b), depth);
    if (item == Ternary::kFalse) {
      return item;
    }
    if (item == Ternary::kNull) {
      result = item;
    }
  }
  return result;
}

Ternary equal_maps(const Value& a, const Value& b, int depth) {
  if (a.as_map().size() != b.as_map().size()) {
    return Ternary::kFalse;
  }
  // A key that is missing decides before any null does.
  Ternary result = Ternary::kTrue;
  for (const auto& [key, value] : a.as_map()) {
    const Value* other = b.map_find(key.as_string());
    if (other == nullptr) {
      return Ternary::kFalse;
    }
    const Ternary item = equals_at(value, *other, depth);
    if (item == Ternary::kFalse) {
      return item;
    }
    if (item == Ternary::kNull) {
      result = item;
    }
  }
  return result;
}

Ternary equals_at(const Value& a, const Value& b, int depth) {
  if (a.is_null() || b.is_null()) {
    return Ternary::kNull;
  }
  if (a.is_number() && b.is_number()) {
    return ternary(!is_nan(a) && !is_nan(b) && compare_numbers(a, b) == 0);
  }
  if (a.type() != b.type()) {
    return Ternary::kFalse;
  }
  if (a.is_list() || a.is_map()) {
    if (depth >= kWalkMax) {
      return ternary(same_identity(a, b));
    }
    return a.is_list() ? equal_lists(a, b, depth + 1) : equal_maps(a, b, depth + 1);
  }
  return ternary(same_scalar(a, b) && !has_nan(a));
}

bool equivalent_at(const Value& a, const Value& b, int depth) {
  if (a.is_number() && b.is_number()) {
    if (is_nan(a) || is_nan(b)) {
      return is_nan(a) && is_nan(b);
    }
    return compare_numbers(a, b) == 0;
  }
  if (a.type() != b.type()) {
    return false;
  }
  if (a.is_list()) {
    if (same_identity(a, b) || same_packed(a, b)) {
      return true;
    }
    const ListItems x(a), y(b);
    if (depth >= kWalkMax || x.size() != y.size()) {
      return false;
    }
    Value box_x, box_y;
    for (size_t i = 0; i < x.size(); ++i) {
      if (!equivalent_at(x.get(i, &box_x), y.get(i, &box_y), depth + 1)) {
        return false;
      }
    }
    return true;
  }
  if (a.is_map()) {
    if (same_identity(a, b) && a.as_map().size() == b.as_map().size()) {
      return true;
    }
    if (depth >= kWalkMax || a.as_map().size() != b.as_map().size()) {
      return false;
    }
    for (const auto& [key, value] : a.as_map()) {
      const Value* other = b.map_find(key.as_string());
      if (other == nullptr || !equivalent_at(value, *other, depth + 1)) {
        return false;
      }
    }
    return true;
  }
  return same_scalar(a, b);
}

// --- hash ---

uint64_t mix(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}
uint64_t combine(uint64_t seed, uint64_t word) {
  return mix(seed * 0x9e3779b97f4a7c15ULL + word + 0x632be59bd9b4e019ULL);
}
uint64_t tag(ValueType type) {
  return 0x9e3779b97f4a7c15ULL * (static_cast<uint64_t>(type) + 1);
}
uint64_t hash_integer(int64_t v) {
  return combine(tag(ValueType::kInteger), static_cast<uint64_t>(v));
}
uint64_t hash_float(double v) {
  if (v >= -0x1p63 && v < 0x1p63 && v == std::trunc(v)) {
    return hash_integer(static_cast<int64_t>(v));
  }
  return combine(tag(ValueType::kFloat), std::isnan(v) ? 1 : std::bit_cast<uint64_t>(v));
}

// No list or map. Apart from hash_at(), whose frame must stay small: this one is large.
[[gnu::noinline]] uint64_t hash_leaf(const Value& v) {
  const uint64_t seed = tag(v.type());
  switch (v.type()) {
    case ValueType::kNull: return seed;
    case ValueType::kBoolean: return combine(seed, v.as_boolean() ? 1 : 0);
    case ValueType::kInteger: return hash_integer(v.as_integer());
    case ValueType::kFloat: return hash_float(v.as_float());
    case ValueType::kString: return XXH3_64bits(v.as_string().data(), v.as_string().size());
    case ValueType::kNode: return combine(seed, v.node_id().value);
    case ValueType::kRelationship: return combine(seed, v.relationship_id().value);
    case ValueType::kPath: {
      uint64_t h = combine(seed, path_length(v));
      for (size_t i = 0; i < path_nodes(v); ++i) {
        h = combine(h, path_node(v, i));
      }
      for (size_t i = 0; i < path_length(v); ++i) {
        h = combine(h, path_relationship(v, i));
      }
      return h;
    }
    case ValueType::kDate: return combine(seed, static_cast<uint64_t>(v.as_date().days));
    case ValueType::kLocalTime: return combine(seed, static_cast<uint64_t>(v.as_local_time().nanos));
    case ValueType::kTime: return combine(seed, static_cast<uint64_t>(utc_nanos(v.as_time())));
    case ValueType::kLocalDateTime: {
      const LocalDateTime t = v.as_local_date_time();
      return combine(combine(seed, static_cast<uint64_t>(t.seconds)), static_cast<uint64_t>(t.nanos));
    }
    case ValueType::kDateTime: {
      const DateTime& t = v.as_date_time();
      return combine(combine(seed, static_cast<uint64_t>(t.seconds)), static_cast<uint64_t>(t.nanos));
    }
    case ValueType::kDuration: {
      const Duration& d = v.as_duration();
      uint64_t h = combine(seed, static_cast<uint64_t>(d.months));
      h = combine(h, static_cast<uint64_t>(d.days));
      h = combine(h, static_cast<uint64_t>(d.seconds));
      return combine(h, static_cast<uint64_t>(d.nanos));
    }
    case ValueType::kPoint: {
      const Point& p = v.as_point();
      uint64_t h = combine(seed, static_cast<uint64_t>(p.crs));
      h = combine(h, hash_float(p.x));
      h = combine(h, hash_float(p.y));
      return p.is_3d() ? combine(h, hash_float(p.z)) : h;
    }
    case ValueType::kVector: {
      const VectorValue& vector = v.as_vector();
      uint64_t h = combine(seed, static_cast<uint64_t>(vector.type));
      for (const double d : vector.floats) {
        h = combine(h, hash_float(d));
      }
      for (const int64_t i : vector.integers) {
        h = combine(h, static_cast<uint64_t>(i));
      }
      return h;
    }
    case ValueType::kBinary: {
      XXH3_state_t state;
      XXH3_64bits_reset(&state);
      for (const std::string& segment : v.as_binary().segments) {
        XXH3_64bits_update(&state, segment.data(), segment.size());
      }
      return combine(seed, XXH3_64bits_digest(&state));
    }
    case ValueType::kList:
    case ValueType::kMap: break;
  }
  return seed;
}

uint64_t hash_at(const Value& v, int depth) {
  const uint64_t seed = tag(v.type());
  switch (v.type()) {
    case ValueType::kList: {
      const ListItems items(v);
      uint64_t h = combine(seed, items.size());
      if (depth < kWalkMax) {
        Value box;
        for (size_t i = 0; i < items.size(); ++i) {
          h = combine(h, hash_at(items.get(i, &box), depth + 1));
        }
      }
      return h;
    }
    case ValueType::kMap: {
      uint64_t sum = 0;  // the order of keys does not count
      if (depth < kWalkMax) {
        for (const auto& [key, value] : v.as_map()) {
          sum += combine(hash_at(key, depth + 1), hash_at(value, depth + 1));
        }
      }
      return combine(combine(seed, v.as_map().size()), sum);
    }
    default: return hash_leaf(v);
  }
}

// --- order ---

int rank(ValueType type) {
  switch (type) {
    case ValueType::kMap: return 0;
    case ValueType::kNode: return 1;
    case ValueType::kRelationship: return 2;
    case ValueType::kList: return 3;
    case ValueType::kPath: return 4;
    case ValueType::kPoint: return 5;
    case ValueType::kVector: return 6;
    case ValueType::kBinary: return 7;
    case ValueType::kDateTime: return 8;
    case ValueType::kLocalDateTime: return 9;
    case ValueType::kDate: return 10;
    case ValueType::kTime: return 11;
    case ValueType::kLocalTime: return 12;
    case ValueType::kDuration: return 13;
    case ValueType::kString: return 14;
    case ValueType::kBoolean: return 15;
    case ValueType::kInteger:
    case ValueType::kFloat: return 16;
    case ValueType::kNull: return 17;
  }
  return 18;
}

int order_at(const Value& a, const Value& b, int depth);

std::vector<const MapEntry*> sorted_entries(const Value& map) {
  std::vector<const MapEntry*> entries;
  entries.reserve(map.as_map().size());
  for (const MapEntry& entry : map.as_map()) {
    entries.push_back(&entry);
  }
  std::sort(entries.begin(), entries.end(),
            [](const MapEntry* x, const MapEntry* y) { return x->first.as_string() < y->first.as_string(); });
  return entries;
}

// By size, then by the sorted keys, then by the values in key order.
int order_maps(const Value& a, const Value& b, int depth) {
  if (const int c = sign_of(a.as_map().size(), b.as_map().size()); c != 0) {
    return c;
  }
  const auto x = sorted_entries(a);
  const auto y = sorted_entries(b);
  for (size_t i = 0; i < x.size(); ++i) {
    if (const int c = sign_of_text(x[i]->first.as_string(), y[i]->first.as_string()); c != 0) {
      return c;
    }
  }
  for (size_t i = 0; i < x.size(); ++i) {
    if (const int c = order_at(x[i]->second, y[i]->second, depth); c != 0) {
      return c;
    }
  }
  return 0;
}

int order_lists(const Value& list_a, const Value& list_b, int depth) {
  const ListItems a(list_a), b(list_b);
  const size_t count = std::min(a.size(), b.size());
  Value box_a, box_b;
  for (size_t i = 0; i < count; ++i) {
    if (const int c = order_at(a.get(i, &box_a), b.get(i, &box_b), depth); c != 0) {
      return c;
    }
  }
  return sign_of(a.size(), b.size());
}

// Equal ranks.
int order_within(const Value& a, const Value& b, int depth) {
  switch (a.type()) {
    case ValueType::kNull: return 0;
    case ValueType::kBoolean: return sign_of(a.as_boolean(), b.as_boolean());
    case ValueType::kInteger:
    case ValueType::kFloat:
      if (is_nan(a) || is_nan(b)) {
        return sign_of(is_nan(a), is_nan(b));
      }
      return compare_numbers(a, b);
    case ValueType::kString: return sign_of_text(a.as_string(), b.as_string());
    case ValueType::kList: return depth < kWalkMax ? order_lists(a, b, depth + 1) : sign_of(&a.as_list(), &b.as_list());
    case ValueType::kMap:
      return depth < kWalkMax ? order_maps(a, b, depth + 1) : sign_of(a.as_map().data(), b.as_map().data());
    case ValueType::kNode: return sign_of(a.node_id(), b.node_id());
    case ValueType::kRelationship: return sign_of(a.relationship_id(), b.relationship_id());
    case ValueType::kPath: return order_paths(a, b);
    case ValueType::kDate: return sign_of(a.as_date().days, b.as_date().days);
    case ValueType::kLocalTime: return sign_of(a.as_local_time().nanos, b.as_local_time().nanos);
    case ValueType::kTime: return sign_of(utc_nanos(a.as_time()), utc_nanos(b.as_time()));
    case ValueType::kLocalDateTime: {
      const LocalDateTime x = a.as_local_date_time(), y = b.as_local_date_time();
      return order_instants(x.seconds, x.nanos, y.seconds, y.nanos);
    }
    case ValueType::kDateTime: {
      const DateTime &x = a.as_date_time(), &y = b.as_date_time();
      return order_instants(x.seconds, x.nanos, y.seconds, y.nanos);
    }
    case ValueType::kDuration: return order_durations(a.as_duration(), b.as_duration());
    case ValueType::kPoint: return order_points(a.as_point(), b.as_point());
    case ValueType::kVector: return order_vectors(a.as_vector(), b.as_vector());
    case ValueType::kBinary: return order_binaries(a.as_binary(), b.as_binary());
  }
  return 0;
}

int order_at(const Value& a, const Value& b, int depth) {
  const int ra = rank(a.type()), rb = rank(b.type());
  return ra != rb ? sign_of(ra, rb) : order_within(a, b, depth);
}

// --- comparability ---

constexpr Comparison kNullComparison{true, false, 0};
constexpr Comparison kUnorderedComparison{false, true, 0};

Comparison compare_at(const Value& a, const Value& b, int depth) {
  if (a.is_null() || b.is_null()) {
    return kNullComparison;
  }
  if (a.is_number() && b.is_number()) {
    if (is_nan(a) || is_nan(b)) {
      return kUnorderedComparison;
    }
    return {false, false, compare_numbers(a, b)};
  }
  if (a.type() != b.type()) {
    return kNullComparison;
  }
  switch (a.type()) {
    case ValueType::kBoolean:
    case ValueType::kString:
    case ValueType::kDate:
    case ValueType::kLocalTime:
    case ValueType::kTime:
    case ValueType::kLocalDateTime:
    case ValueType::kDateTime: return {false, false, order_within(a, b, depth)};
    case ValueType::kList: {
      if (depth >= kWalkMax) {
        return kNullComparison;
      }
      const ListItems x(a), y(b);
      const size_t count = std::min(x.size(), y.size());
      Value box_x, box_y;
      for (size_t i = 0; i < count; ++i) {
        const Value &p = x.get(i, &box_x), &q = y.get(i, &box_y);
        const Ternary same = equals_at(p, q, depth + 1);
        if (same == Ternary::kTrue) {
          continue;
        }
        return same == Ternary::kNull ? kNullComparison : compare_at(p, q, depth + 1);
      }
      return {false, false, sign_of(x.size(), y.size())};
    }
    default: return kNullComparison;  // durations, points, maps, entities, vectors, binaries have no order
  }
}

}  // namespace

int compare_exact(int64_t i, double d) {
  LORA_DCHECK(!std::isnan(d));
  if (d >= 0x1p63) {
    return -1;
  }
  if (d < -0x1p63) {
    return 1;
  }
  const auto whole = static_cast<int64_t>(d);  // toward zero
  if (i != whole) {
    return i < whole ? -1 : 1;
  }
  const double fraction = d - static_cast<double>(whole);  // exact: where there is a fraction, |d| < 2^53
  return fraction > 0 ? -1 : fraction < 0 ? 1 : 0;
}

Ternary equals(const Value& a, const Value& b) {
  return equals_at(a, b, 0);
}
bool equivalent(const Value& a, const Value& b) {
  return equivalent_at(a, b, 0);
}
uint64_t hash(const Value& v) {
  return hash_at(v, 0);
}
int order(const Value& a, const Value& b) {
  return order_at(a, b, 0);
}
Comparison compare(const Value& a, const Value& b) {
  return compare_at(a, b, 0);
}

Ternary compare_values(char op, const Value& a, const Value& b) {
  if (op == '=' || op == '!') {
    const Ternary equal = equals(a, b);
    return op == '=' || equal == Ternary::kNull ? equal : ternary(equal == Ternary::kFalse);
  }
  const Comparison c = compare(a, b);
  if (c.is_null) return Ternary::kNull;
  if (c.unordered) return Ternary::kFalse;
  switch (op) {
    case '<': return ternary(c.sign < 0);
    case '>': return ternary(c.sign > 0);
    case 'l': return ternary(c.sign <= 0);
    default: return ternary(c.sign >= 0);
  }
}

}  // namespace lora
