// The specification of what the graph keeps in the store, and the only code that builds or parses its keys and blocks.
// Record values (kNodes, kRelationships) are flatbuffers: record.fbs. Integers in keys are big endian, so that keys
// sort like tuples of numbers; `id` is 6 bytes (0 to 2^48 - 1). Varint, zigzag and sized are those of kv/encode.h.
//
// kMeta (the store owns keys that start with 00)
//   key                              value
//   01                               fixed32 magic "LORG", fixed32 format version
//   02 | kind 1 | token 4            the token's name, 1 to 65 535 bytes; kind: 0 label, 1 relationship type, 2 key
//   03 | index 4                     index definition (below)
//   04 | constraint's number 4       constraint definition (below)
//   05                               counter base: a commit payload (below) with every counter that is not zero
//   06 | index 4                     sketch of distinct values: 1 024 registers (stats.h)
//   Example: label 5 is "Person": 02 00 00000005 -> 50 65 72 73 6F 6E
//
// kNodes, kRelationships
//   id 6                             NodeRecord, RelationshipRecord
//   Example: node 258: 00 00 00 00 01 02
//   id 6 | key's token 4             since format version 2: a column (stored_columns.h), what the 256 entities from id
//                                    on, a multiple of 256, have for the key; what does not exist has nothing
//   It stands in place of what their records hold, but for records whose `written` is not below the column's.
//   value: varint the commit that has written it, u8 form, 4 fixed64 bits of the rows that have a value, then their
//   values, in the order of the rows
//     0 booleans  4 fixed64: a bit per row of the 256
//     1 integers  zigzag base, u8 width (1, 2, 4 or 8), per value its distance from the base in so many bytes, little
//                 endian; at least one. Since version 3 not written any more
//     2 floats    fixed64 each
//     3 strings   varint count, so many sized strings, per value a byte: which of them
//     4 values    per value sized value_codec's encoding
//     5 integers  since version 3: zigzag base, u8 width (0 to 64), per value its distance from the base in so many
//                 bits, from the lowest bit of the first byte on; at least one. Behind the last: zero bits
//   Example: key 3, written by commit 9, row 0 is 7 and row 2 is 8:
//     000000000100 00000003 -> 09 05 05 00.. (8) 00.. (8) 00.. (8) 00.. (7) 0E 01 02
//
//   id 6 | FFFFFFFF                  since format version 3: a head (stored_heads.h): which of these entities exist,
//                                    and what they are beside their properties
//   An entity is what its record says, if it has one; an empty record: it does not exist; none: what the head says,
//   with the properties of columns alone.
//   value: 4 fixed64 bits of the rows that exist; varint count of kinds, per kind varint count and so many ascending
//   varints (a node's labels; of relationships one, the type); with more than one kind, per row a byte: which of them;
//   of relationships the starts, then the ends, like the integers of form 5. Rows are those that exist, in their order.
//   Since version 4 there may follow: varint count and so many ascending varints, the keys whose columns of this block
//   there are, under the keys below; such a block has no others.
//   Example: nodes 0 and 2 have the labels 4 and 5:
//     000000000000 FFFFFFFF -> 05 00.. (7) 00.. (8) 00.. (8) 00.. (8) 01 02 04 05
//
//   FFFFFFFFFFFFFF | id 6 | key's token 4 | block 1
//                                    since format version 4: a column of a block whose head says that it is there; id:
//                                    of the first entity of 64 blocks, a multiple of 16 384; block: which of them. So
//                                    what is read for one property lies together. Value as above
//   Example: key 3 of the block from node 16640 on:
//     FFFFFFFFFFFFFF 000000004000 00000003 01 -> 09 05 05 00.. (8) 00.. (8) 00.. (8) 00.. (7) 0E 01 02
//
// kAdjacency: one side of the relationships of one node, one direction, one type, in blocks of at most 256 pairs
//   node 6 | direction 1 | type 4 | first neighbour 6 | first relationship 6
//   direction: 0 the node is the start, 1 the node is the end. A list's pairs are sorted by (neighbour, relationship).
//   A block holds the pairs from its key's (first neighbour, first relationship) up to the next block's; the first
//   block of a list has zeros there. Blocks are never empty. value: varint count, then per pair: varint neighbour -
//   previous neighbour (the first: - 0), zigzag relationship - previous relationship (the first: - 0). Nothing may
//   follow. Example: node 1, out, type 2, pairs (3,7) (3,9) (10,8):
//     000000000001 00 00000002 000000000000 000000000000 -> 03 | 03 0E | 00 04 | 07 01
//
// kLabels: which nodes carry a label, in blocks of 4 096 ids; an empty block has no key
//   label 4 | block 6 (id >> 12)
//   value: u8 form, then one of (the encoder takes a short one, the bitmap where both others take over 127 bytes; a
//   reader takes any)
//     1 array    varint count, then per id: varint distance to the previous one - 1 (the first: offset in the block)
//     2 runs     varint count of runs, then per run: varint gap since the end of the last run, varint length - 1
//     3 bitmap   512 bytes; id i of the block is bit i % 8 of byte i / 8
//   Example: label 5, ids 4096, 4097, 4099 (block 1): 00000005 000000000001 -> 01 03 00 00 01
//
// kIndexes: one entry per indexed entity
//   plain:  index 4 | values | id 6  -> empty        unique: index 4 | values -> id 6
//   values: value_codec's ordered encoding, one per indexed key; no encoding is a prefix of another
//
// Commit payload (inside kv's commit record): the counters of the graph. All exact.
//   u8 version 1, varint next node id, varint next relationship id, varint node count, varint relationship count,
//   varint schema version, varint next index id, varint next constraint number,
//   varint count of counters, then per counter: u8 kind, [varint label], [varint type], varint value
//     kind 0: nodes with label; 1: relationships of type; 2 (3): relationships of type whose start (end) carries label;
//     4: entries of an index (its id in the place of the label)
//   Counters that differ from the counter base only: the newest payload's value wins over the base. When more than
//   kPayloadCountersMax differ, the commit writes a new base.
//
// Index definition: u8 version 1, u8 kind, u8 entity, u8 flags (1: unique), fixed32 label or type, sized name, sized
//   owning constraint, varint key count, per key varint key token.
// Constraint definition: u8 version 1, u8 kind, u8 entity, fixed32 label or type, fixed32 owned index, sized name,
//   varint key count, per key varint key token.
//
// Decoders check everything, also what only our own mistakes could break: order, ranges, lengths, nothing left over.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "graph/format.h"
#include "graph/ids.h"
#include "graph/schema.h"
#include "kv/bytes.h"
#include "kv/encode.h"
#include "kv/status.h"
#include "kv/store.h"

namespace lora::graph {

inline constexpr size_t kIdBytes = 6;
inline constexpr size_t kAdjacencyKeyBytes = 23;
inline constexpr size_t kAdjacencyListPrefixBytes = 11;  // node, direction, type
inline constexpr size_t kLabelKeyBytes = 10;
inline constexpr uint32_t kAdjacencyBlockMax = 256;
inline constexpr uint32_t kColumnRows = 256;
inline constexpr uint32_t kLabelBlockShift = 12;
inline constexpr uint32_t kLabelBlockIds = 1u << kLabelBlockShift;
inline constexpr size_t kLabelBitmapBytes = kLabelBlockIds / 8;
inline constexpr size_t kPayloadCountersMax = 64;

// A key built in place, without allocation.
template <size_t kBytes>
struct FixedKey {
  std::array<char, kBytes> bytes;
  operator ByteView() const { return {bytes.data(), kBytes}; }  // NOLINT: implicit on purpose
  ByteView view() const { return {bytes.data(), kBytes}; }
  std::string string() const { return std::string(bytes.data(), kBytes); }
};
using IdKey = FixedKey<kIdBytes>;
using AdjacencyKey = FixedKey<kAdjacencyKeyBytes>;
using AdjacencyListPrefix = FixedKey<kAdjacencyListPrefixBytes>;
using LabelKey = FixedKey<kLabelKeyBytes>;
using IndexPrefix = FixedKey<4>;

inline void store_id(char* to, uint64_t id) {
  kv::store_u16(to, static_cast<uint16_t>(id >> 32));
  kv::store_u32(to + 2, static_cast<uint32_t>(id));
}
inline uint64_t load_id(const char* from) {
  return (static_cast<uint64_t>(kv::load_u16(from)) << 32) | kv::load_u32(from + 2);
}

// Behind the keys of all ids: columns by their property.
inline constexpr ByteView kGroupedKeys("\xff\xff\xff\xff\xff\xff\xff", 7);
inline constexpr uint64_t kGroupBlocks = 64;
using GroupedKey = FixedKey<kGroupedKeys.size() + kIdBytes + 4 + 1>;
using ColumnKey = FixedKey<kIdBytes + 4>;
inline constexpr KeyId kHeadKey{~uint32_t{0}};  // in the place of a column's property key

inline IdKey id_key(uint64_t id) {
  IdKey key;
  store_id(key.bytes.data(), id);
  return key;
}
bool parse_id_key(ByteView key, uint64_t* id);
inline kv::Keyspace space_of(EntityKind kind) {
  return kind == EntityKind::kNode ? kv::Keyspace::kNodes : kv::Keyspace::kRelationships;
}
// `first`: id of the block's first entity.
ColumnKey column_key(uint64_t first, KeyId key);
// False also for an id with which no block begins.
bool parse_column_key(ByteView key, uint64_t* first, KeyId* property);
// Of block `index`.
GroupedKey grouped_key(uint64_t index, KeyId key);
bool parse_grouped_key(ByteView key, uint64_t* index, KeyId* property);
// The end of a range of ids as a cursor's upper bound: the key of `id`, or what is behind the last one.
inline std::string id_bound(uint64_t id) {
  return id > kIdMax ? std::string(kGroupedKeys) : id_key(id).string();
}

// The place of a pair in a list; a block's key holds the place where it begins.
struct PairPlace {
  uint64_t neighbour = 0;
  uint64_t relationship = 0;
  friend auto operator<=>(const PairPlace&, const PairPlace&) = default;
};
struct AdjacencyAddress {
  uint64_t node = 0;
  Direction direction = Direction::kOut;
  RelTypeId type;
  PairPlace first;
};
AdjacencyListPrefix adjacency_list_prefix(uint64_t node, Direction direction, RelTypeId type);
AdjacencyKey adjacency_key(uint64_t node, Direction direction, RelTypeId type, PairPlace first);
bool parse_adjacency_key(ByteView key, AdjacencyAddress* out);
// First key of a node's lists (also the end of those of node - 1).
inline IdKey adjacency_node_prefix(uint64_t node) {
  return id_key(node);
}

// Appends to *out. `neighbour(i)` and `relationship(i)` give pair i; count is 1 to kAdjacencyBlockMax.
template <typename Neighbour, typename Relationship>
void encode_adjacency_block(uint32_t count, Neighbour&& neighbour, Relationship&& relationship, std::string* out) {
  const size_t begin = out->size();
  out->resize(begin + kv::kVarintBytesMax * (1 + 2 * static_cast<size_t>(count)));
  char* to = kv::store_varint(out->data() + begin, count);
  uint64_t last_neighbour = 0;
  uint64_t last_relationship = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t n = neighbour(i);
    const uint64_t r = relationship(i);
    const int64_t distance = static_cast<int64_t>(r - last_relationship);
    to = kv::store_varint(to, n - last_neighbour);
    to = kv::store_varint(to, (static_cast<uint64_t>(distance) << 1) ^ static_cast<uint64_t>(distance >> 63));
    last_neighbour = n;
    last_relationship = r;
  }
  out->resize(static_cast<size_t>(to - out->data()));
}
// Appends the pairs. False unless the bytes are exactly one block whose pairs ascend strictly and lie in
// [address.first, end of the id space].
bool decode_adjacency_block(const AdjacencyAddress& address, ByteView bytes, std::vector<uint64_t>* neighbours,
                            std::vector<uint64_t>* relationships);

LabelKey label_key(LabelId label, uint64_t block);
bool parse_label_key(ByteView key, LabelId* label, uint64_t* block);
using LabelBitmap = std::array<uint64_t, kLabelBlockIds / 64>;
// Replaces *out. The bitmap must not be empty.
void encode_label_block(const uint64_t* bitmap, std::string* out);
// False for bytes that are no block, or an empty one. Whether another form were shorter is not checked.
bool decode_label_block(ByteView bytes, uint64_t* bitmap);

inline IndexPrefix index_prefix(IndexId index) {
  IndexPrefix key;
  kv::store_u32(key.bytes.data(), index.value);
  return key;
}

// --- kMeta ---
inline constexpr ByteView kMetaFormatKey("\x01", 1);
inline constexpr ByteView kMetaCounterBaseKey("\x05", 1);
inline constexpr char kMetaToken = 0x02;
inline constexpr char kMetaIndex = 0x03;
inline constexpr char kMetaConstraint = 0x04;
inline constexpr char kMetaSketch = 0x06;

std::string meta_token_key(TokenKind kind, uint32_t token);
std::string meta_number_key(char table, uint32_t number);  // tables 03, 04 and 06
std::string encode_format_value(uint32_t version);
// The version. kCorruption for bytes that are no format value, kFormatVersion for versions this program does not know.
Result<uint32_t> decode_format_value(ByteView value);

enum class CounterKind : uint8_t { kLabel = 0, kRelType = 1, kLabelTypeOut = 2, kLabelTypeIn = 3, kIndexEntries = 4 };
struct CounterEntry {
  CounterKind kind;
  uint32_t label = 0;  // not for kRelType; the index of kIndexEntries
  uint32_t type = 0;   // not for kLabel and kIndexEntries
  uint64_t value = 0;
};
struct CommitPayload {
  uint64_t next_node = 0;
  uint64_t next_relationship = 0;
  uint64_t nodes = 0;
  uint64_t relationships = 0;
  uint64_t schema_version = 0;
  uint64_t next_index = 0;
  uint64_t next_constraint = 0;
  std::vector<CounterEntry> counters;
};
void encode_commit_payload(const CommitPayload& payload, std::string* out);  // replaces *out
bool decode_commit_payload(ByteView bytes, CommitPayload* out);

// Label, type and key names inside definitions are left to the catalog; only tokens are stored.
std::string encode_index_definition(const IndexInfo& index);
bool decode_index_definition(ByteView bytes, IndexInfo* out);
std::string encode_constraint_definition(const ConstraintInfo& constraint);
bool decode_constraint_definition(ByteView bytes, ConstraintInfo* out);

// "kNodes key 00 00 ..": what a corruption message names.
std::string describe_key(kv::Keyspace space, ByteView key);
Status damaged(kv::Keyspace space, ByteView key, std::string_view what);

}  // namespace lora::graph
