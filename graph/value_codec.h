// Values as bytes: a compact form for records and snapshots, and an order-preserving form for index keys.
//
// Compact form (self-delimiting; "varint", "zigzag", "sized" as in kv/encode.h, numbers little endian):
//
//   byte  value           then
//   00    null
//   01 02 false, true
//   03    integer         zigzag                                         1 -> 03 02
//   04    float           8 bytes IEEE                                   exact, NaN and -0.0 included
//   05    string          sized UTF-8                                    'ab' -> 05 02 61 62
//   06    list            varint count, the items                        [null] -> 06 01 00
//   07    map             varint count, per entry sized key and value    {a: true} -> 07 01 01 61 02
//   08    date            zigzag days
//   09    local time      varint nanos
//   0A    time            varint nanos, zigzag offset seconds
//   0B    local datetime  zigzag seconds, varint nanos
//   0C    datetime        zigzag seconds, varint nanos, zigzag offset seconds, sized zone name
//   0D    duration        zigzag months, zigzag days, zigzag seconds, varint nanos
//   0E    point           varint srid, 2 or 3 floats of 8 bytes
//   0F    vector          u8 VectorType, varint dimension, coordinates of 8, 4, 8, 4, 2, 1 bytes
//   10    binary          varint count, sized segments
//
// Persisted: bytes and VectorType numbers are never renumbered.
//
// Ordered form: comparing two keys as unsigned bytes gives order() of the values, equal keys mean equivalent() values;
// no key is a proper prefix of another, so keys concatenate. Words are big endian, sign bits flipped (kv/encode.h).
//
//   tag   value           then
//   10    list            the keys of the items, then 00
//   20    point           u16 srid, x, y and in 3D z as f64
//   28    binary          bytes, escaped and terminated
//   30    datetime        i64 seconds, u32 nanos (the instant; zone and offset are not kept)
//   31    local datetime  i64 seconds, u32 nanos
//   32    date            i64 days
//   33    time            i64 nanoseconds of the day in UTC (the offset is not kept)
//   34    local time      i64 nanos
//   35    duration        16 bytes average length in nanoseconds, i64 months, i64 days
//   40    string          bytes, escaped and terminated                  'a' -> 40 61 00 00
//   50 51 false, true
//   60    number          f64 d, the greatest float <= the number; if 2^53 <= |d| and -2^63 <= d < 2^63: u16 number - d
//                         1 and 1.0 -> 60 BF F0 00 00 00 00 00 00
//   61    NaN
//   70    null (inside lists only)
//
// Integers and floats lie on one line: d orders all numbers that are not between the same two floats, and between two
// floats only integers beyond 2^53 lie, which the rest orders.
// Not indexable: null, maps, vectors, nodes, relationships, paths, lists that hold such (but null), deeper than 16
// lists. Threads: free functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "graph/value.h"
#include "kv/bytes.h"
#include "kv/encode.h"
#include "kv/status.h"

namespace lora {

// The largest compact form of one property value.
inline constexpr size_t kValueBytesMax = size_t{256} << 20;

// Appends the compact form. On an error (TypeError for nodes, relationships, paths; LIMIT depth; LIMIT value size) *out
// is as before.
Status encode_value(const Value& value, std::string* out);

// Reads one value from the front of `in`. Corruption when the bytes are no value: unknown types, ends too early, parts
// out of range, more than kNestingMax levels. Allocates no more than a constant times the bytes that are there.
// Strings are not checked to be UTF-8.
Result<Value> decode_value(kv::Decoder* in);
// All of `bytes` must be one value.
Result<Value> decode_value(ByteView bytes);

// Appends the ordered form; false when the value is not indexable (*out is then as before).
bool encode_ordered(const Value& value, std::string* out);
bool indexable(const Value& value);

// Reads one ordered key from the front of `in`, as an equivalent value: a whole number in 64 bits is an integer,
// a datetime is in UTC, a time near UTC, a binary value has one segment. False on bytes that are no key.
bool decode_ordered(kv::Decoder* in, Value* value);

// The keys of all values that are comparable with a value of this type, as [low, high); NaN is not among the numbers.
// Empty strings for types without keys.
struct OrderedRange {
  std::string low, high;
};
OrderedRange ordered_range(ValueType type);
// What the keys of all strings that start with `prefix` start with.
void encode_ordered_prefix(std::string_view prefix, std::string* out);

}  // namespace lora
