#include "graph/value_codec.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "graph/packed_list.h"
#include "graph/spatial.h"
#include "graph/temporal.h"
#include "graph/vector.h"

namespace lora {
namespace {

enum Byte : uint8_t {
  kNull = 0x00,
  kFalse = 0x01,
  kTrue = 0x02,
  kInteger = 0x03,
  kFloat = 0x04,
  kString = 0x05,
  kList = 0x06,
  kMap = 0x07,
  kDate = 0x08,
  kLocalTime = 0x09,
  kTime = 0x0a,
  kLocalDateTime = 0x0b,
  kDateTime = 0x0c,
  kDuration = 0x0d,
  kPoint = 0x0e,
  kVector = 0x0f,
  kBinary = 0x10,
};

void put_float(std::string* out, double value) {
  kv::encode_fixed64(out, std::bit_cast<uint64_t>(value));
}

size_t width_of(VectorType type) {
  switch (type) {
    case VectorType::kFloat64:
    case VectorType::kInteger64: return 8;
    case VectorType::kFloat32:
    case VectorType::kInteger32: return 4;
    case VectorType::kInteger16: return 2;
    case VectorType::kInteger8: return 1;
  }
  return 8;
}

void put_little_endian(std::string* out, uint64_t word, size_t width) {
  for (size_t i = 0; i < width; ++i) {
    out->push_back(static_cast<char>(word >> (8 * i)));
  }
}

void put_vector(std::string* out, const VectorValue& vector) {
  kv::encode_u8(out, static_cast<uint8_t>(vector.type));
  kv::encode_varint(out, vector.dimension());
  const size_t width = width_of(vector.type);
  for (size_t i = 0; i < vector.dimension(); ++i) {
    uint64_t word = 0;
    if (vector.type == VectorType::kFloat64) {
      word = std::bit_cast<uint64_t>(vector.floats[i]);
    } else if (vector.type == VectorType::kFloat32) {
      word = std::bit_cast<uint32_t>(static_cast<float>(vector.floats[i]));
    } else {
      word = static_cast<uint64_t>(vector.integers[i]);
    }
    put_little_endian(out, word, width);
  }
}

Status put(std::string* out, const Value& value, size_t depth);

Status too_deep() {
  return Status::limit("depth", "the value nests more than `" + std::to_string(kNestingMax) + "` levels");
}

Status put_list(std::string* out, const Value& list, size_t depth) {
  if (depth > kNestingMax) {
    return too_deep();
  }
  const ListItems items(list);
  kv::encode_varint(out, items.size());
  Value box;
  for (size_t i = 0; i < items.size(); ++i) {
    LORA_TRY(put(out, items.get(i, &box), depth));
  }
  return Status();
}

Status put_map(std::string* out, std::span<const MapEntry> entries, size_t depth) {
  if (depth > kNestingMax) {
    return too_deep();
  }
  kv::encode_varint(out, entries.size());
  for (const auto& [key, value] : entries) {
    kv::encode_sized(out, key.as_string());
    LORA_TRY(put(out, value, depth));
  }
  return Status();
}

Status put(std::string* out, const Value& value, size_t depth) {
  switch (value.type()) {
    case ValueType::kNull: kv::encode_u8(out, kNull); return Status();
    case ValueType::kBoolean: kv::encode_u8(out, value.as_boolean() ? kTrue : kFalse); return Status();
    case ValueType::kInteger:
      kv::encode_u8(out, kInteger);
      kv::encode_zigzag(out, value.as_integer());
      return Status();
    case ValueType::kFloat:
      kv::encode_u8(out, kFloat);
      put_float(out, value.as_float());
      return Status();
    case ValueType::kString:
      kv::encode_u8(out, kString);
      kv::encode_sized(out, value.as_string());
      return Status();
    case ValueType::kList: kv::encode_u8(out, kList); return put_list(out, value, depth + 1);
    case ValueType::kMap: kv::encode_u8(out, kMap); return put_map(out, value.as_map(), depth + 1);
    case ValueType::kDate:
      kv::encode_u8(out, kDate);
      kv::encode_zigzag(out, value.as_date().days);
      return Status();
    case ValueType::kLocalTime:
      kv::encode_u8(out, kLocalTime);
      kv::encode_varint(out, static_cast<uint64_t>(value.as_local_time().nanos));
      return Status();
    case ValueType::kTime:
      kv::encode_u8(out, kTime);
      kv::encode_varint(out, static_cast<uint64_t>(value.as_time().nanos));
      kv::encode_zigzag(out, value.as_time().offset_seconds);
      return Status();
    case ValueType::kLocalDateTime:
      kv::encode_u8(out, kLocalDateTime);
      kv::encode_zigzag(out, value.as_local_date_time().seconds);
      kv::encode_varint(out, static_cast<uint64_t>(value.as_local_date_time().nanos));
      return Status();
    case ValueType::kDateTime: {
      const DateTime& v = value.as_date_time();
      kv::encode_u8(out, kDateTime);
      kv::encode_zigzag(out, v.seconds);
      kv::encode_varint(out, static_cast<uint64_t>(v.nanos));
      kv::encode_zigzag(out, v.offset_seconds);
      kv::encode_sized(out, v.zone);
      return Status();
    }
    case ValueType::kDuration: {
      const Duration& v = value.as_duration();
      kv::encode_u8(out, kDuration);
      kv::encode_zigzag(out, v.months);
      kv::encode_zigzag(out, v.days);
      kv::encode_zigzag(out, v.seconds);
      kv::encode_varint(out, static_cast<uint64_t>(v.nanos));
      return Status();
    }
    case ValueType::kPoint: {
      const Point& v = value.as_point();
      kv::encode_u8(out, kPoint);
      kv::encode_varint(out, static_cast<uint64_t>(v.crs));
      put_float(out, v.x);
      put_float(out, v.y);
      if (v.is_3d()) {
        put_float(out, v.z);
      }
      return Status();
    }
    case ValueType::kVector:
      kv::encode_u8(out, kVector);
      put_vector(out, value.as_vector());
      return Status();
    case ValueType::kBinary:
      kv::encode_u8(out, kBinary);
      kv::encode_varint(out, value.as_binary().segments.size());
      for (const std::string& segment : value.as_binary().segments) {
        kv::encode_sized(out, segment);
      }
      return Status();
    case ValueType::kNode:
    case ValueType::kRelationship:
    case ValueType::kPath: break;
  }
  return Status::runtime(ErrorCode::kType, "TypeError", "InvalidPropertyType",
                         "a value of type " + std::string(value_type_name(value.type())) + " cannot be stored");
}

Status damaged(const char* what) {
  return Status::corruption(std::string("damaged value: ") + what);
}

bool get_float(kv::Decoder* in, double* value) {
  uint64_t word = 0;
  if (!in->fixed64(&word)) {
    return false;
  }
  *value = std::bit_cast<double>(word);
  return true;
}

// A count of things of at least one byte each.
bool get_count(kv::Decoder* in, size_t* count) {
  uint64_t word = 0;
  if (!in->varint(&word) || word > in->rest().size()) {
    return false;
  }
  *count = word;
  return true;
}

bool get_below(kv::Decoder* in, uint64_t limit, uint64_t* value) {
  return in->varint(value) && *value < limit;
}

bool get_offset(kv::Decoder* in, int32_t* offset) {
  int64_t value = 0;
  if (!in->zigzag(&value) || value < -temporal::kOffsetMax || value > temporal::kOffsetMax) {
    return false;
  }
  *offset = static_cast<int32_t>(value);
  return true;
}

struct DayRange {
  int64_t low = temporal::days_from_civil(-temporal::kYearMax, 1, 1);
  int64_t high = temporal::days_from_civil(temporal::kYearMax, 12, 31);
};
const DayRange& day_range() {
  static const DayRange kRange;
  return kRange;
}
bool valid_days(int64_t days) {
  return days >= day_range().low && days <= day_range().high;
}
bool valid_local(int64_t seconds) {
  return seconds >= day_range().low * temporal::kSecondsPerDay &&
         seconds < (day_range().high + 1) * temporal::kSecondsPerDay;
}
// Only offsets and names that make a local time in range. `seconds` may be anything.
bool valid_instant(int64_t seconds, int32_t offset) {
  int64_t local = 0;
  return !__builtin_add_overflow(seconds, int64_t{offset}, &local) && valid_local(local);
}

// Each of these sets *value and returns true, or returns false on damage.
bool get_temporal(kv::Decoder* in, uint8_t type, Value* value) {
  uint64_t nanos = 0;
  int64_t seconds = 0;
  int32_t offset = 0;
  switch (type) {
    case kDate:
      if (!in->zigzag(&seconds) || !valid_days(seconds)) return false;
      *value = Value::date({seconds});
      return true;
    case kLocalTime:
      if (!get_below(in, temporal::kNanosPerDay, &nanos)) return false;
      *value = Value::local_time({static_cast<int64_t>(nanos)});
      return true;
    case kTime:
      if (!get_below(in, temporal::kNanosPerDay, &nanos) || !get_offset(in, &offset)) return false;
      *value = Value::time({static_cast<int64_t>(nanos), offset});
      return true;
    case kLocalDateTime:
      if (!in->zigzag(&seconds) || !get_below(in, temporal::kNanosPerSecond, &nanos) || !valid_local(seconds))
        return false;
      *value = Value::local_date_time({seconds, static_cast<int32_t>(nanos)});
      return true;
    case kDateTime: {
      ByteView zone;
      if (!in->zigzag(&seconds) || !get_below(in, temporal::kNanosPerSecond, &nanos) || !get_offset(in, &offset) ||
          !in->sized(&zone) || !valid_instant(seconds, offset)) {
        return false;
      }
      *value = Value::date_time({seconds, static_cast<int32_t>(nanos), offset, std::string(zone)});
      return true;
    }
    default: {
      int64_t months = 0, days = 0;
      if (!in->zigzag(&months) || !in->zigzag(&days) || !in->zigzag(&seconds) ||
          !get_below(in, temporal::kNanosPerSecond, &nanos)) {
        return false;
      }
      *value = Value::duration({months, days, seconds, static_cast<int32_t>(nanos)});
      return true;
    }
  }
}

bool valid_point(const Point& p) {
  const bool finite = std::isfinite(p.x) && std::isfinite(p.y) && std::isfinite(p.z);
  return finite && (!p.geographic() || (std::fabs(p.x) <= 180 && std::fabs(p.y) <= 90));
}

bool get_point(kv::Decoder* in, Value* value) {
  uint64_t srid = 0;
  if (!get_below(in, 65'536, &srid)) {
    return false;
  }
  const auto crs = spatial::find_crs(static_cast<int64_t>(srid));
  if (!crs) {
    return false;
  }
  Point point{*crs};
  if (!get_float(in, &point.x) || !get_float(in, &point.y) || (point.is_3d() && !get_float(in, &point.z)) ||
      !valid_point(point)) {
    return false;
  }
  *value = Value::point(point);
  return true;
}

bool get_vector(kv::Decoder* in, Value* value) {
  uint8_t type = 0;
  uint64_t dimension = 0;
  if (!in->u8(&type) || type > static_cast<uint8_t>(VectorType::kInteger8) ||
      !get_below(in, vectors::kDimensionMax + 1, &dimension)) {
    return false;
  }
  VectorValue vector;
  vector.type = static_cast<VectorType>(type);
  const size_t width = width_of(vector.type);
  ByteView bytes;
  if (!in->raw(dimension * width, &bytes)) {
    return false;
  }
  for (size_t i = 0; i < dimension; ++i) {
    uint64_t word = 0;
    for (size_t b = 0; b < width; ++b) {
      word |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i * width + b])) << (8 * b);
    }
    switch (vector.type) {
      case VectorType::kFloat64: vector.floats.push_back(std::bit_cast<double>(word)); break;
      case VectorType::kFloat32:
        vector.floats.push_back(static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(word))));
        break;
      case VectorType::kInteger64: vector.integers.push_back(static_cast<int64_t>(word)); break;
      case VectorType::kInteger32: vector.integers.push_back(static_cast<int32_t>(word)); break;
      case VectorType::kInteger16: vector.integers.push_back(static_cast<int16_t>(word)); break;
      case VectorType::kInteger8: vector.integers.push_back(static_cast<int8_t>(word)); break;
    }
  }
  if (!vectors::check(vector).ok()) {
    return false;
  }
  *value = Value::vector(std::move(vector));
  return true;
}

bool get_binary(kv::Decoder* in, Value* value) {
  size_t count = 0;
  if (!get_count(in, &count)) {
    return false;
  }
  Binary binary;
  for (size_t i = 0; i < count; ++i) {
    ByteView segment;
    if (!in->sized(&segment)) {
      return false;
    }
    binary.segments.emplace_back(segment);
  }
  *value = Value::binary(std::move(binary));
  return true;
}

// Any value but a list or map, whose type has been read.
Result<Value> get_leaf(kv::Decoder* in, uint8_t type) {
  Value value;
  switch (type) {
    case kNull: return value;
    case kFalse:
    case kTrue: return Value::boolean(type == kTrue);
    case kInteger: {
      int64_t integer = 0;
      if (!in->zigzag(&integer)) return damaged("an integer");
      return Value::integer(integer);
    }
    case kFloat: {
      double number = 0;
      if (!get_float(in, &number)) return damaged("a float");
      return Value::floating(number);
    }
    case kString: {
      ByteView text;
      if (!in->sized(&text)) return damaged("a string");
      return Value::string(text);
    }
    case kDate:
    case kLocalTime:
    case kTime:
    case kLocalDateTime:
    case kDateTime:
    case kDuration:
      if (!get_temporal(in, type, &value)) return damaged("a temporal value");
      return value;
    case kPoint:
      if (!get_point(in, &value)) return damaged("a point");
      return value;
    case kVector:
      if (!get_vector(in, &value)) return damaged("a vector");
      return value;
    case kBinary:
      if (!get_binary(in, &value)) return damaged("a binary value");
      return value;
    default: return damaged("an unknown type");
  }
}

// A list or map some of whose items are still to come.
struct Unfinished {
  bool is_map = false;
  size_t missing = 0;
  List items;
  std::vector<MapEntry> entries;
  Value key;  // of the next entry

  bool get_key(kv::Decoder* in) {
    ByteView text;
    if (!in->sized(&text)) {
      return false;
    }
    key = Value::string(text);
    return true;
  }
  void take(Value value) {
    if (is_map) {
      entries.emplace_back(std::move(key), std::move(value));
    } else {
      items.push_back(std::move(value));
    }
    --missing;
  }
  Value finish() { return is_map ? Value::map(std::move(entries)) : Value::list(std::move(items)); }
};

// Without recursion: a stored value may be deeper than the stack of the thread that reads it is good for.
Result<Value> get(kv::Decoder* in) {
  // Room for items, but not much before they have been seen: an item takes a byte at least.
  constexpr size_t kFirstCapacity = 64;
  std::vector<Unfinished> open;
  for (;;) {
    uint8_t type = 0;
    if (!in->u8(&type)) {
      return damaged("it ends too early");
    }
    Value value;
    if (type == kList || type == kMap) {
      if (open.size() >= kNestingMax) return damaged("it nests too deeply");
      Unfinished begun;
      begun.is_map = type == kMap;
      if (!get_count(in, &begun.missing)) return damaged("the length of a list or map");
      if (begun.missing > 0) {
        if (begun.is_map) {
          begun.entries.reserve(std::min(begun.missing, kFirstCapacity));
          if (!begun.get_key(in)) return damaged("a key");
        } else {
          begun.items.reserve(std::min(begun.missing, kFirstCapacity));
        }
        open.push_back(std::move(begun));
        continue;
      }
      value = begun.finish();
    } else {
      LORA_ASSIGN(value, get_leaf(in, type));
    }
    for (;;) {
      if (open.empty()) return value;
      Unfinished& innermost = open.back();
      innermost.take(std::move(value));
      if (innermost.missing > 0) {
        if (innermost.is_map && !innermost.get_key(in)) return damaged("a key");
        break;
      }
      value = innermost.finish();
      open.pop_back();
    }
  }
}

}  // namespace

Status encode_value(const Value& value, std::string* out) {
  const size_t before = out->size();
  Status status = put(out, value, 0);
  if (status.ok() && out->size() - before > kValueBytesMax) {
    status = Status::limit("value size", "the value takes `" + std::to_string(out->size() - before) +
                                             "` bytes; at most " + std::to_string(kValueBytesMax) + " can be stored");
  }
  if (!status.ok()) {
    out->resize(before);
  }
  return status;
}

Result<Value> decode_value(kv::Decoder* in) {
  return get(in);
}

Result<Value> decode_value(ByteView bytes) {
  kv::Decoder in(bytes);
  LORA_ASSIGN(Value value, get(&in));
  if (!in.done()) {
    return damaged("there are bytes after it");
  }
  return value;
}

// --- ordered form ---

namespace {

enum Tag : uint8_t {
  kTagEnd = 0x00,
  kTagList = 0x10,
  kTagPoint = 0x20,
  kTagBinary = 0x28,
  kTagDateTime = 0x30,
  kTagLocalDateTime = 0x31,
  kTagDate = 0x32,
  kTagTime = 0x33,
  kTagLocalTime = 0x34,
  kTagDuration = 0x35,
  kTagString = 0x40,
  kTagFalse = 0x50,
  kTagTrue = 0x51,
  kTagNumber = 0x60,
  kTagNan = 0x61,
  kTagNull = 0x70,
};
constexpr int kOrderedDepthMax = 16;
constexpr int64_t kMonthSeconds = 2'629'746;

// Where floats are more than 1 apart and integers still fit.
bool has_rest(double d) {
  return std::fabs(d) >= 0x1p53 && d >= -0x1p63 && d < 0x1p63;
}

double no_negative_zero(double d) {
  return d == 0 ? 0.0 : d;
}

void put_ordered_number(std::string* out, double d, uint16_t rest) {
  kv::encode_u8(out, kTagNumber);
  kv::encode_f64(out, no_negative_zero(d));
  if (has_rest(d)) {
    kv::encode_u16(out, rest);
  }
}

void put_ordered_integer(std::string* out, int64_t v) {
  auto d = static_cast<double>(v);
  if (compare_exact(v, d) < 0) {
    d = std::nextafter(d, -std::numeric_limits<double>::infinity());
  }
  put_ordered_number(out, d, static_cast<uint16_t>(has_rest(d) ? v - static_cast<int64_t>(d) : 0));
}

__int128 average_nanos(const Duration& v) {
  const __int128 seconds = static_cast<__int128>(v.months) * kMonthSeconds +
                           static_cast<__int128>(v.days) * temporal::kSecondsPerDay + v.seconds;
  return seconds * temporal::kNanosPerSecond + v.nanos;
}

bool put_ordered(const Value& value, std::string* out, int depth) {
  switch (value.type()) {
    case ValueType::kBoolean: kv::encode_u8(out, value.as_boolean() ? kTagTrue : kTagFalse); return true;
    case ValueType::kInteger: put_ordered_integer(out, value.as_integer()); return true;
    case ValueType::kFloat:
      if (std::isnan(value.as_float())) {
        kv::encode_u8(out, kTagNan);
      } else {
        put_ordered_number(out, value.as_float(), 0);
      }
      return true;
    case ValueType::kString:
      kv::encode_u8(out, kTagString);
      kv::encode_bytes(out, value.as_string());
      return true;
    case ValueType::kDate:
      kv::encode_u8(out, kTagDate);
      kv::encode_i64(out, value.as_date().days);
      return true;
    case ValueType::kLocalTime:
      kv::encode_u8(out, kTagLocalTime);
      kv::encode_i64(out, value.as_local_time().nanos);
      return true;
    case ValueType::kTime:
      kv::encode_u8(out, kTagTime);
      kv::encode_i64(out, value.as_time().nanos - value.as_time().offset_seconds * temporal::kNanosPerSecond);
      return true;
    case ValueType::kLocalDateTime:
      kv::encode_u8(out, kTagLocalDateTime);
      kv::encode_i64(out, value.as_local_date_time().seconds);
      kv::encode_u32(out, static_cast<uint32_t>(value.as_local_date_time().nanos));
      return true;
    case ValueType::kDateTime:
      kv::encode_u8(out, kTagDateTime);
      kv::encode_i64(out, value.as_date_time().seconds);
      kv::encode_u32(out, static_cast<uint32_t>(value.as_date_time().nanos));
      return true;
    case ValueType::kDuration: {
      const Duration& v = value.as_duration();
      const __int128 average = average_nanos(v);
      kv::encode_u8(out, kTagDuration);
      kv::encode_i64(out, static_cast<int64_t>(average >> 64));
      kv::encode_u64(out, static_cast<uint64_t>(average));
      kv::encode_i64(out, v.months);
      kv::encode_i64(out, v.days);
      return true;
    }
    case ValueType::kPoint: {
      const Point& v = value.as_point();
      kv::encode_u8(out, kTagPoint);
      kv::encode_u16(out, static_cast<uint16_t>(v.crs));
      kv::encode_f64(out, no_negative_zero(v.x));
      kv::encode_f64(out, no_negative_zero(v.y));
      if (v.is_3d()) {
        kv::encode_f64(out, no_negative_zero(v.z));
      }
      return true;
    }
    case ValueType::kBinary: {
      std::string bytes;
      for (const std::string& segment : value.as_binary().segments) {
        bytes += segment;
      }
      kv::encode_u8(out, kTagBinary);
      kv::encode_bytes(out, bytes);
      return true;
    }
    case ValueType::kList:
      if (depth >= kOrderedDepthMax) {
        return false;
      }
      kv::encode_u8(out, kTagList);
      for (const Value& item : value.as_list()) {
        if (item.is_null()) {
          kv::encode_u8(out, kTagNull);
        } else if (!put_ordered(item, out, depth + 1)) {
          return false;
        }
      }
      kv::encode_u8(out, kTagEnd);
      return true;
    default: return false;
  }
}

bool get_ordered_number(kv::Decoder* in, Value* value) {
  double d = 0;
  uint16_t rest = 0;
  if (!in->f64(&d) || std::isnan(d) || (has_rest(d) && !in->u16(&rest))) {
    return false;
  }
  if (!(d >= -0x1p63 && d < 0x1p63) || d != std::trunc(d)) {
    *value = Value::floating(d);
    return true;
  }
  int64_t integer = 0;
  if (__builtin_add_overflow(static_cast<int64_t>(d), int64_t{rest}, &integer)) {
    return false;
  }
  *value = Value::integer(integer);
  return true;
}

// Some offset with which the time of day is the given UTC nanoseconds, which may lie outside the day.
bool get_ordered_time(kv::Decoder* in, Value* value) {
  constexpr int64_t kSecond = temporal::kNanosPerSecond;
  constexpr int64_t kMargin = temporal::kOffsetMax * kSecond;
  int64_t utc = 0;
  if (!in->i64(&utc) || utc < -kMargin || utc >= temporal::kNanosPerDay + kMargin) {
    return false;
  }
  int64_t offset = 0;
  if (utc < 0) {
    offset = (-utc + kSecond - 1) / kSecond;
  } else if (utc >= temporal::kNanosPerDay) {
    offset = -((utc - temporal::kNanosPerDay) / kSecond + 1);
  }
  *value = Value::time({utc + offset * kSecond, static_cast<int32_t>(offset)});
  return true;
}

bool get_ordered_duration(kv::Decoder* in, Value* value) {
  int64_t high = 0, months = 0, days = 0;
  uint64_t low = 0;
  if (!in->i64(&high) || !in->u64(&low) || !in->i64(&months) || !in->i64(&days)) {
    return false;
  }
  const auto average = static_cast<__int128>((static_cast<unsigned __int128>(static_cast<uint64_t>(high)) << 64) | low);
  __int128 seconds = average / temporal::kNanosPerSecond;
  auto nanos = static_cast<int64_t>(average % temporal::kNanosPerSecond);
  if (nanos < 0) {
    nanos += temporal::kNanosPerSecond;
    --seconds;
  }
  seconds -= static_cast<__int128>(months) * kMonthSeconds + static_cast<__int128>(days) * temporal::kSecondsPerDay;
  if (seconds < std::numeric_limits<int64_t>::min() || seconds > std::numeric_limits<int64_t>::max()) {
    return false;
  }
  *value = Value::duration({months, days, static_cast<int64_t>(seconds), static_cast<int32_t>(nanos)});
  return true;
}

bool get_ordered_instant(kv::Decoder* in, uint8_t tag, Value* value) {
  int64_t seconds = 0;
  uint32_t nanos = 0;
  if (!in->i64(&seconds) || !in->u32(&nanos) || nanos >= temporal::kNanosPerSecond) {
    return false;
  }
  if (tag == kTagDateTime) {
    // A date at the edge of the calendar may lie beyond it in UTC.
    int32_t offset = 0;
    if (!valid_instant(seconds, 0)) {
      offset = seconds < 0 ? temporal::kOffsetMax : -temporal::kOffsetMax;
      if (!valid_instant(seconds, offset)) {
        return false;
      }
    }
    *value = Value::date_time({seconds, static_cast<int32_t>(nanos), offset, {}});
    return true;
  }
  if (!valid_local(seconds)) {
    return false;
  }
  *value = Value::local_date_time({seconds, static_cast<int32_t>(nanos)});
  return true;
}

bool get_ordered_point(kv::Decoder* in, Value* value) {
  uint16_t srid = 0;
  if (!in->u16(&srid)) {
    return false;
  }
  const auto crs = spatial::find_crs(int64_t{srid});
  if (!crs) {
    return false;
  }
  Point point{*crs};
  if (!in->f64(&point.x) || !in->f64(&point.y) || (point.is_3d() && !in->f64(&point.z)) || !valid_point(point)) {
    return false;
  }
  *value = Value::point(point);
  return true;
}

bool get_ordered(kv::Decoder* in, Value* value, int depth) {
  uint8_t tag = 0;
  if (!in->u8(&tag)) {
    return false;
  }
  switch (tag) {
    case kTagFalse:
    case kTagTrue: *value = Value::boolean(tag == kTagTrue); return true;
    case kTagNumber: return get_ordered_number(in, value);
    case kTagNan: *value = Value::floating(std::numeric_limits<double>::quiet_NaN()); return true;
    case kTagString:
    case kTagBinary: {
      std::string bytes;
      if (!in->bytes(&bytes)) {
        return false;
      }
      if (tag == kTagString) {
        *value = Value::string(bytes);
      } else {
        Binary binary;
        binary.segments.push_back(std::move(bytes));
        *value = Value::binary(std::move(binary));
      }
      return true;
    }
    case kTagDate: {
      int64_t days = 0;
      if (!in->i64(&days) || !valid_days(days)) {
        return false;
      }
      *value = Value::date({days});
      return true;
    }
    case kTagLocalTime: {
      int64_t nanos = 0;
      if (!in->i64(&nanos) || nanos < 0 || nanos >= temporal::kNanosPerDay) {
        return false;
      }
      *value = Value::local_time({nanos});
      return true;
    }
    case kTagTime: return get_ordered_time(in, value);
    case kTagDateTime:
    case kTagLocalDateTime: return get_ordered_instant(in, tag, value);
    case kTagDuration: return get_ordered_duration(in, value);
    case kTagPoint: return get_ordered_point(in, value);
    case kTagNull: *value = Value(); return depth > 0;
    case kTagList: {
      if (depth >= kOrderedDepthMax) {
        return false;
      }
      List items;
      while (!in->rest().empty() && in->rest()[0] != kTagEnd) {
        Value item;
        if (!get_ordered(in, &item, depth + 1)) {
          return false;
        }
        items.push_back(std::move(item));
      }
      if (!in->u8(&tag)) {
        return false;
      }
      *value = Value::list(std::move(items));
      return true;
    }
    default: return false;
  }
}

}  // namespace

bool encode_ordered(const Value& value, std::string* out) {
  const size_t before = out->size();
  if (put_ordered(value, out, 0)) {
    return true;
  }
  out->resize(before);
  return false;
}

bool indexable(const Value& value) {
  if (value.is_list()) {
    std::string key;
    return encode_ordered(value, &key);
  }
  switch (value.type()) {
    case ValueType::kNull:
    case ValueType::kMap:
    case ValueType::kVector:
    case ValueType::kNode:
    case ValueType::kRelationship:
    case ValueType::kPath: return false;
    default: return true;
  }
}

bool decode_ordered(kv::Decoder* in, Value* value) {
  return get_ordered(in, value, 0);
}

OrderedRange ordered_range(ValueType type) {
  const auto range = [](uint8_t low, uint8_t high) {
    return OrderedRange{std::string(1, static_cast<char>(low)), std::string(1, static_cast<char>(high + 1))};
  };
  switch (type) {
    case ValueType::kBoolean: return range(kTagFalse, kTagTrue);
    case ValueType::kInteger:
    case ValueType::kFloat: return range(kTagNumber, kTagNumber);
    case ValueType::kString: return range(kTagString, kTagString);
    case ValueType::kDate: return range(kTagDate, kTagDate);
    case ValueType::kLocalTime: return range(kTagLocalTime, kTagLocalTime);
    case ValueType::kTime: return range(kTagTime, kTagTime);
    case ValueType::kLocalDateTime: return range(kTagLocalDateTime, kTagLocalDateTime);
    case ValueType::kDateTime: return range(kTagDateTime, kTagDateTime);
    case ValueType::kDuration: return range(kTagDuration, kTagDuration);
    case ValueType::kPoint: return range(kTagPoint, kTagPoint);
    case ValueType::kBinary: return range(kTagBinary, kTagBinary);
    case ValueType::kList: return range(kTagList, kTagList);
    default: return {};
  }
}

void encode_ordered_prefix(std::string_view prefix, std::string* out) {
  kv::encode_u8(out, kTagString);
  kv::encode_bytes(out, prefix);
  out->resize(out->size() - 2);  // without the terminator
}

}  // namespace lora
