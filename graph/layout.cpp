#include "graph/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace lora::graph {

namespace {

constexpr uint8_t kLabelArray = 1;
constexpr uint8_t kLabelRuns = 2;
constexpr uint8_t kLabelBits = 3;
constexpr uint8_t kPayloadVersion = 1;
constexpr uint8_t kDefinitionVersion = 1;
constexpr size_t kIndexedKeysMax = 64;

// Calls visit(begin, end) for each maximal run of set bits, in order; skips whole words of zeros and of ones.
template <typename Visit>
void for_each_run(const uint64_t* bitmap, Visit&& visit) {
  constexpr uint32_t kWords = kLabelBlockIds / 64;
  uint32_t begin = kLabelBlockIds;  // of the open run; none at first
  for (uint32_t word = 0; word < kWords; ++word) {
    const uint64_t bits = bitmap[word];
    const bool open = begin != kLabelBlockIds;
    if (bits == (open ? ~uint64_t{0} : 0)) {
      continue;
    }
    // Each set bit of `edges` starts or ends a run.
    for (uint64_t edges = bits ^ (bits << 1 | (open ? 1 : 0)); edges != 0; edges &= edges - 1) {
      const uint32_t at = word * 64 + static_cast<uint32_t>(std::countr_zero(edges));
      if (begin == kLabelBlockIds) {
        begin = at;
      } else {
        visit(begin, at);
        begin = kLabelBlockIds;
      }
    }
  }
  if (begin != kLabelBlockIds) {
    visit(begin, kLabelBlockIds);
  }
}

bool has_type(CounterKind kind) {
  return kind != CounterKind::kLabel && kind != CounterKind::kIndexEntries;
}

bool decode_u32(kv::Decoder& in, uint32_t* value) {
  uint64_t wide = 0;
  if (!in.varint(&wide) || wide > UINT32_MAX) {
    return false;
  }
  *value = static_cast<uint32_t>(wide);
  return true;
}

bool decode_keys(kv::Decoder& in, std::vector<KeyId>* keys) {
  uint64_t count = 0;
  if (!in.varint(&count) || count == 0 || count > kIndexedKeysMax) {
    return false;
  }
  keys->clear();
  for (uint64_t i = 0; i < count; ++i) {
    uint32_t key = 0;
    if (!decode_u32(in, &key)) {
      return false;
    }
    keys->push_back(KeyId(key));
  }
  return true;
}

}  // namespace

bool parse_id_key(ByteView key, uint64_t* id) {
  if (key.size() != kIdBytes) {
    return false;
  }
  *id = load_id(key.data());
  return true;
}

ColumnKey column_key(uint64_t first, KeyId key) {
  ColumnKey out;
  store_id(out.bytes.data(), first);
  kv::store_u32(out.bytes.data() + kIdBytes, key.value);
  return out;
}

bool parse_column_key(ByteView key, uint64_t* first, KeyId* property) {
  if (key.size() != kIdBytes + 4) {
    return false;
  }
  *first = load_id(key.data());
  *property = KeyId(kv::load_u32(key.data() + kIdBytes));
  return *first % kColumnRows == 0;
}

GroupedKey grouped_key(uint64_t index, KeyId key) {
  GroupedKey out;
  char* to = std::copy(kGroupedKeys.begin(), kGroupedKeys.end(), out.bytes.data());
  store_id(to, index / kGroupBlocks * kGroupBlocks * kColumnRows);
  kv::store_u32(to + kIdBytes, key.value);
  to[kIdBytes + 4] = static_cast<char>(index % kGroupBlocks);
  return out;
}

bool parse_grouped_key(ByteView key, uint64_t* index, KeyId* property) {
  if (key.size() != kGroupedKeys.size() + kIdBytes + 4 + 1 || !key.starts_with(kGroupedKeys)) {
    return false;
  }
  const char* from = key.data() + kGroupedKeys.size();
  const uint64_t first = load_id(from);
  *property = KeyId(kv::load_u32(from + kIdBytes));
  const auto block = static_cast<uint8_t>(from[kIdBytes + 4]);
  *index = first / kColumnRows + block;
  return first % (kGroupBlocks * kColumnRows) == 0 && block < kGroupBlocks;
}

AdjacencyListPrefix adjacency_list_prefix(uint64_t node, Direction direction, RelTypeId type) {
  AdjacencyListPrefix key;
  store_id(key.bytes.data(), node);
  key.bytes[6] = static_cast<char>(direction);
  kv::store_u32(key.bytes.data() + 7, type.value);
  return key;
}

AdjacencyKey adjacency_key(uint64_t node, Direction direction, RelTypeId type, PairPlace first) {
  AdjacencyKey key;
  store_id(key.bytes.data(), node);
  key.bytes[6] = static_cast<char>(direction);
  kv::store_u32(key.bytes.data() + 7, type.value);
  store_id(key.bytes.data() + 11, first.neighbour);
  store_id(key.bytes.data() + 17, first.relationship);
  return key;
}

bool parse_adjacency_key(ByteView key, AdjacencyAddress* out) {
  if (key.size() != kAdjacencyKeyBytes || static_cast<uint8_t>(key[6]) > 1) {
    return false;
  }
  out->node = load_id(key.data());
  out->direction = static_cast<Direction>(key[6]);
  out->type = RelTypeId(kv::load_u32(key.data() + 7));
  out->first.neighbour = load_id(key.data() + 11);
  out->first.relationship = load_id(key.data() + 17);
  return out->type.valid();
}

bool decode_adjacency_block(const AdjacencyAddress& address, ByteView bytes, std::vector<uint64_t>* neighbours,
                            std::vector<uint64_t>* relationships) {
  kv::Decoder in(bytes);
  uint64_t count = 0;
  if (!in.varint(&count) || count == 0 || count > kAdjacencyBlockMax) {
    return false;
  }
  PairPlace last;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t step = 0;
    int64_t distance = 0;
    if (!in.varint(&step) || !in.zigzag(&distance)) {
      return false;
    }
    PairPlace place{last.neighbour + step, last.relationship + static_cast<uint64_t>(distance)};
    if (step > kIdMax || place.neighbour > kIdMax || place.relationship > kIdMax ||
        (i == 0 ? place < address.first : place <= last)) {
      return false;
    }
    neighbours->push_back(place.neighbour);
    relationships->push_back(place.relationship);
    last = place;
  }
  return in.done();
}

LabelKey label_key(LabelId label, uint64_t block) {
  LabelKey key;
  kv::store_u32(key.bytes.data(), label.value);
  store_id(key.bytes.data() + 4, block);
  return key;
}

bool parse_label_key(ByteView key, LabelId* label, uint64_t* block) {
  if (key.size() != kLabelKeyBytes) {
    return false;
  }
  *label = LabelId(kv::load_u32(key.data()));
  *block = load_id(key.data() + 4);
  return label->valid() && *block <= (kIdMax >> kLabelBlockShift);
}

namespace {

void encode_label_bits(const uint64_t* bitmap, std::string* out) {
  out->push_back(static_cast<char>(kLabelBits));
  out->append(reinterpret_cast<const char*>(bitmap), kLabelBitmapBytes);  // little endian, as the machine
}

// A form of a label block, without its head, as long as that is shorter than the bitmap.
class ShortForm {
 public:
  // Numbers below 2^14 alone: every one of a block is.
  void put(uint32_t number) {
    if (size_ + 2 > bytes_.size()) {
      size_ = bytes_.size() + 1;
      return;
    }
    const uint32_t more = number >= 0x80 ? 1 : 0;
    bytes_[size_] = static_cast<char>((number & 0x7F) | more << 7);
    bytes_[size_ + 1] = static_cast<char>(number >> 7);
    size_ += 1 + more;
  }
  void put_zeros(uint32_t count) {
    if (size_ + count > bytes_.size()) {
      size_ = bytes_.size() + 1;
      return;
    }
    std::memset(bytes_.data() + size_, 0, count);
    size_ += count;
  }
  size_t size() const { return size_; }  // beyond the bitmap's: too long
  ByteView bytes() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, kLabelBitmapBytes> bytes_;
  size_t size_ = 0;
};

}  // namespace

void encode_label_block(const uint64_t* bitmap, std::string* out) {
  out->clear();
  // Where both short forms would take more than a quarter of the bitmap, the walk over the runs costs a commit more
  // than the bytes that it saves.
  uint32_t ids = 0, run_begins = 0;
  uint64_t last = 0;
  for (uint32_t word = 0; word < kLabelBlockIds / 64; ++word) {
    const uint64_t bits = bitmap[word];
    if (bits + 1 <= 1) {  // none or all, as nearly all words of a label whose nodes were made in a row
      ids += bits == 0 ? 0 : 64;
      run_begins += static_cast<uint32_t>(bits & 1 & ~last);
      last = bits & 1;
      continue;
    }
    ids += static_cast<uint32_t>(std::popcount(bits));
    run_begins += static_cast<uint32_t>(std::popcount(bits & ~(bits << 1 | last)));
    last = bits >> 63;
  }
  if (ids >= kLabelBitmapBytes / 4 && run_begins * 2 >= kLabelBitmapBytes / 4) {
    encode_label_bits(bitmap, out);
    return;
  }
  // Both short forms from one walk over the runs. An id that follows its predecessor is a one-byte gap of 0.
  ShortForm array, runs;
  uint32_t next = 0;  // one past the last id
  for_each_run(bitmap, [&](uint32_t begin, uint32_t end) {
    array.put(begin - next);
    array.put_zeros(end - begin - 1);
    runs.put(begin - next);
    runs.put(end - begin - 1);
    next = end;
  });
  const size_t array_bytes = 1 + kv::varint_size(ids) + array.size();
  const size_t run_bytes = 1 + kv::varint_size(run_begins) + runs.size();
  const auto encode = [&](uint8_t form, uint32_t count, const ShortForm& body) {
    out->push_back(static_cast<char>(form));
    kv::encode_varint(out, count);
    out->append(body.bytes());
  };
  if (array_bytes <= run_bytes && array_bytes < kLabelBitmapBytes) {
    encode(kLabelArray, ids, array);
  } else if (run_bytes < kLabelBitmapBytes) {
    encode(kLabelRuns, run_begins, runs);
  } else {
    encode_label_bits(bitmap, out);
  }
}

bool decode_label_block(ByteView bytes, uint64_t* bitmap) {
  std::memset(bitmap, 0, kLabelBitmapBytes);
  kv::Decoder in(bytes);
  uint8_t form = 0;
  uint64_t count = 0;
  if (!in.u8(&form)) {
    return false;
  }
  if (form == kLabelBits) {
    uint64_t any = 0;
    for (uint32_t word = 0; word < kLabelBlockIds / 64; ++word) {
      if (!in.fixed64(&bitmap[word])) {
        return false;
      }
      any |= bitmap[word];
    }
    return in.done() && any != 0;
  }
  if (!in.varint(&count) || count == 0 || count > kLabelBlockIds) {
    return false;
  }
  uint64_t next = 0;
  if (form == kLabelArray) {
    for (uint64_t i = 0; i < count; ++i) {
      uint64_t gap = 0;
      if (!in.varint(&gap) || gap >= kLabelBlockIds || next + gap >= kLabelBlockIds) {
        return false;
      }
      next += gap;
      bitmap[next / 64] |= uint64_t{1} << (next % 64);
      ++next;
    }
    return in.done();
  }
  if (form != kLabelRuns) {
    return false;
  }
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t gap = 0;
    uint64_t length = 0;
    if (!in.varint(&gap) || !in.varint(&length) || gap >= kLabelBlockIds || length >= kLabelBlockIds ||
        next + gap + length >= kLabelBlockIds || (i != 0 && gap == 0)) {
      return false;
    }
    next += gap;
    for (uint64_t end = next + length + 1; next < end; ++next) {
      bitmap[next / 64] |= uint64_t{1} << (next % 64);
    }
  }
  return in.done();
}

std::string meta_token_key(TokenKind kind, uint32_t token) {
  std::string key(1, kMetaToken);
  kv::encode_u8(&key, static_cast<uint8_t>(kind));
  kv::encode_u32(&key, token);
  return key;
}

std::string meta_number_key(char table, uint32_t number) {
  std::string key(1, table);
  kv::encode_u32(&key, number);
  return key;
}

std::string encode_format_value(uint32_t version) {
  std::string value;
  kv::encode_fixed32(&value, kFormatMagic);
  kv::encode_fixed32(&value, version);
  return value;
}

Result<uint32_t> decode_format_value(ByteView value) {
  kv::Decoder in(value);
  uint32_t magic = 0;
  uint32_t version = 0;
  if (!in.fixed32(&magic) || !in.fixed32(&version) || magic != kFormatMagic) {
    return damaged(kv::Keyspace::kMeta, kMetaFormatKey, "is not a graph format mark");
  }
  if (version == 0 || version > kFormatVersion) {
    return Status(
        ErrorCode::kFormatVersion,
        fmt::format("the database has graph format version `{}`, this program knows up to `{}`; open it with a newer "
                    "program",
                    version, kFormatVersion));
  }
  return version;
}

void encode_commit_payload(const CommitPayload& payload, std::string* out) {
  out->clear();
  kv::encode_u8(out, kPayloadVersion);
  for (uint64_t word :
       {payload.next_node, payload.next_relationship, payload.nodes, payload.relationships, payload.schema_version,
        payload.next_index, payload.next_constraint, static_cast<uint64_t>(payload.counters.size())}) {
    kv::encode_varint(out, word);
  }
  for (const CounterEntry& entry : payload.counters) {
    kv::encode_u8(out, static_cast<uint8_t>(entry.kind));
    if (entry.kind != CounterKind::kRelType) {
      kv::encode_varint(out, entry.label);
    }
    if (has_type(entry.kind)) {
      kv::encode_varint(out, entry.type);
    }
    kv::encode_varint(out, entry.value);
  }
}

bool decode_commit_payload(ByteView bytes, CommitPayload* out) {
  kv::Decoder in(bytes);
  uint8_t version = 0;
  uint64_t count = 0;
  if (!in.u8(&version) || version != kPayloadVersion || !in.varint(&out->next_node) ||
      !in.varint(&out->next_relationship) || !in.varint(&out->nodes) || !in.varint(&out->relationships) ||
      !in.varint(&out->schema_version) || !in.varint(&out->next_index) || !in.varint(&out->next_constraint) ||
      !in.varint(&count)) {
    return false;
  }
  if (out->next_node > kIdMax + 1 || out->next_relationship > kIdMax + 1 || out->nodes > out->next_node ||
      out->relationships > out->next_relationship || out->next_index > UINT32_MAX ||
      out->next_constraint > UINT32_MAX || count > in.rest().size()) {
    return false;
  }
  out->counters.clear();
  out->counters.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    CounterEntry entry;
    uint8_t kind = 0;
    if (!in.u8(&kind) || kind > static_cast<uint8_t>(CounterKind::kIndexEntries)) {
      return false;
    }
    entry.kind = static_cast<CounterKind>(kind);
    if ((entry.kind != CounterKind::kRelType && !decode_u32(in, &entry.label)) ||
        (has_type(entry.kind) && !decode_u32(in, &entry.type)) || !in.varint(&entry.value)) {
      return false;
    }
    out->counters.push_back(entry);
  }
  return in.done();
}

std::string encode_index_definition(const IndexInfo& index) {
  std::string out;
  kv::encode_u8(&out, kDefinitionVersion);
  kv::encode_u8(&out, static_cast<uint8_t>(index.definition.kind));
  kv::encode_u8(&out, static_cast<uint8_t>(index.definition.entity));
  kv::encode_u8(&out, index.unique ? 1 : 0);
  kv::encode_fixed32(&out, index.label_or_type);
  kv::encode_sized(&out, index.definition.name);
  kv::encode_sized(&out, index.owning_constraint);
  kv::encode_varint(&out, index.keys.size());
  for (KeyId key : index.keys) {
    kv::encode_varint(&out, key.value);
  }
  return out;
}

bool decode_index_definition(ByteView bytes, IndexInfo* out) {
  kv::Decoder in(bytes);
  uint8_t version = 0;
  uint8_t kind = 0;
  uint8_t entity = 0;
  uint8_t flags = 0;
  ByteView name;
  ByteView owner;
  if (!in.u8(&version) || version != kDefinitionVersion || !in.u8(&kind) || !in.u8(&entity) || !in.u8(&flags) ||
      !in.fixed32(&out->label_or_type) || !in.sized(&name) || !in.sized(&owner) || !decode_keys(in, &out->keys) ||
      !in.done() || kind > static_cast<uint8_t>(IndexKind::kFulltext) || entity > 1 || flags > 1 || name.empty()) {
    return false;
  }
  out->definition.kind = static_cast<IndexKind>(kind);
  out->definition.entity = static_cast<EntityKind>(entity);
  out->definition.name = std::string(name);
  out->unique = flags == 1;
  out->owning_constraint = std::string(owner);
  return true;
}

std::string encode_constraint_definition(const ConstraintInfo& constraint) {
  std::string out;
  kv::encode_u8(&out, kDefinitionVersion);
  kv::encode_u8(&out, static_cast<uint8_t>(constraint.definition.kind));
  kv::encode_u8(&out, static_cast<uint8_t>(constraint.definition.entity));
  kv::encode_fixed32(&out, constraint.label_or_type);
  kv::encode_fixed32(&out, constraint.owned_index.value);
  kv::encode_sized(&out, constraint.definition.name);
  kv::encode_varint(&out, constraint.keys.size());
  for (KeyId key : constraint.keys) {
    kv::encode_varint(&out, key.value);
  }
  return out;
}

bool decode_constraint_definition(ByteView bytes, ConstraintInfo* out) {
  kv::Decoder in(bytes);
  uint8_t version = 0;
  uint8_t kind = 0;
  uint8_t entity = 0;
  uint32_t index = 0;
  ByteView name;
  if (!in.u8(&version) || version != kDefinitionVersion || !in.u8(&kind) || !in.u8(&entity) ||
      !in.fixed32(&out->label_or_type) || !in.fixed32(&index) || !in.sized(&name) || !decode_keys(in, &out->keys) ||
      !in.done() || kind > static_cast<uint8_t>(ConstraintKind::kType) || entity > 1 || name.empty()) {
    return false;
  }
  out->definition.kind = static_cast<ConstraintKind>(kind);
  out->definition.entity = static_cast<EntityKind>(entity);
  out->definition.name = std::string(name);
  out->owned_index = IndexId(index);
  return true;
}

std::string describe_key(kv::Keyspace space, ByteView key) {
  static constexpr std::string_view kNames[] = {"meta", "nodes", "relationships", "adjacency", "labels", "indexes"};
  std::string out = fmt::format("{} key ", kNames[static_cast<size_t>(space)]);
  constexpr size_t kShown = 48;
  for (size_t i = 0; i < key.size() && i < kShown; ++i) {
    out += fmt::format("{:02x}", static_cast<uint8_t>(key[i]));
  }
  if (key.size() > kShown) {
    out += "..";
  }
  return out;
}

Status damaged(kv::Keyspace space, ByteView key, std::string_view what) {
  return Status::corruption(fmt::format("`{}` {}", describe_key(space, key), what));
}

}  // namespace lora::graph
