#include "graph/stored_heads.h"

#include <algorithm>

#include "kv/encode.h"

namespace lora::graph {

using cache::EntityBlock;

void HeadEncoder::clear() {
  rows_ = {};
  kind_count_ = 0;
  places_.clear();
  relationships_ = false;
}

void HeadEncoder::add_node(uint32_t row, std::span<const LabelId> labels) {
  static_assert(sizeof(LabelId) == sizeof(uint32_t));
  uint32_t tokens[8];
  if (labels.size() <= std::size(tokens)) {
    std::ranges::transform(labels, tokens, [](LabelId label) { return label.value; });
    add_kind(row, {tokens, labels.size()});
    return;
  }
  std::vector<uint32_t> many;
  many.reserve(labels.size());
  for (const LabelId label : labels) many.push_back(label.value);
  add_kind(row, many);
}

void HeadEncoder::add_relationship(uint32_t row, RelTypeId type, NodeId start, NodeId end) {
  relationships_ = true;
  starts_[row] = start.value;
  ends_[row] = end.value;
  add_kind(row, {&type.value, 1});
}

void HeadEncoder::add_kind(uint32_t row, std::span<const uint32_t> tokens) {
  rows_.set(row);
  // Mostly that of the row before.
  size_t place = places_.empty() ? 0 : static_cast<uint8_t>(places_.back());
  if (place >= kind_count_ || !std::ranges::equal(kinds_[place], tokens)) {
    place = 0;
    while (place < kind_count_ && !std::ranges::equal(kinds_[place], tokens)) ++place;
  }
  if (place == kind_count_) {
    if (kind_count_ == kinds_.size()) kinds_.emplace_back();
    kinds_[kind_count_++].assign(tokens.begin(), tokens.end());
  }
  places_.push_back(static_cast<char>(place));
}

void HeadEncoder::encode(EntityKind kind, const EntityBlock& block, std::span<const KeyId> columns, std::string* out) {
  clear();
  cache::for_each_row(block.exists_bits, [&](uint32_t row) {
    if (kind == EntityKind::kNode) {
      add_node(row, block.labels(row));
    } else {
      add_relationship(row, block.type(row), block.start(row), block.end(row));
    }
  });
  finish(columns, out);
}

void HeadEncoder::finish(std::span<const KeyId> columns, std::string* out) const {
  finish(out);
  kv::encode_varint(out, columns.size());
  for (const KeyId key : columns) kv::encode_varint(out, key.value);
}

void HeadEncoder::finish(std::string* out) const {
  out->clear();
  rows_.encode(out);
  kv::encode_varint(out, kind_count_);
  for (size_t i = 0; i < kind_count_; ++i) {
    kv::encode_varint(out, kinds_[i].size());
    for (const uint32_t token : kinds_[i]) kv::encode_varint(out, token);
  }
  if (kind_count_ > 1) out->append(places_);
  if (relationships_) {
    encode_integers(rows_, starts_, out);
    encode_integers(rows_, ends_, out);
  }
}

void StoredHead::clear() {
  there_ = grouped_ = false;
  columns_.clear();
  rows_ = {};
}

Status StoredHead::parse(const RootFields& root, EntityKind kind, ByteView key, ByteView value) {
  clear();
  uint64_t first = 0;
  KeyId property;
  bytes_.assign(value);
  entities_ = kind;
  if (!parse_column_key(key, &first, &property) || property != kHeadKey || !parse_value(root, kind, first)) {
    clear();
    return damaged(space_of(kind), key, "is not a head");
  }
  there_ = true;
  return Status();
}

bool StoredHead::parse_value(const RootFields& root, EntityKind kind, uint64_t first) {
  const bool nodes = kind == EntityKind::kNode;
  const uint64_t limit = nodes ? root.next_node : root.next_relationship;
  const uint32_t token_limit = nodes ? root.label_tokens : root.type_tokens;
  kv::Decoder in(bytes_);
  uint64_t kinds = 0;
  if (!rows_.parse(&in) || !in.varint(&kinds)) return false;
  const size_t count = rows_.count();
  if (first >= limit ||
      (limit - first < EntityBlock::kRows && rows_.next(static_cast<uint32_t>(limit - first)) != EntityBlock::kRows) ||
      kinds == 0 || kinds > count) {
    return false;
  }
  kind_starts_.assign(1, 0);
  tokens_.clear();
  for (uint64_t i = 0; i < kinds; ++i) {
    uint64_t tokens = 0;
    if (!in.varint(&tokens) || tokens > bytes_.size() || (!nodes && tokens != 1)) return false;
    for (uint64_t t = 0; t < tokens; ++t) {
      uint64_t token = 0;
      if (!in.varint(&token) || token >= token_limit || (t != 0 && token <= tokens_.back())) return false;
      tokens_.push_back(static_cast<uint32_t>(token));
    }
    kind_starts_.push_back(static_cast<uint32_t>(tokens_.size()));
  }
  places_ = {};
  if (kinds > 1 && (!in.raw(count, &places_) ||
                    std::ranges::any_of(places_, [&](char place) { return static_cast<uint8_t>(place) >= kinds; }))) {
    return false;
  }
  for (uint64_t* ids : {starts_, ends_}) {
    if (nodes) break;
    StoredIntegers integers;
    if (!integers.parse(&in, count, Packing::kBits)) return false;
    integers.spread(rows_, ids);
    bool inside = true;
    cache::for_each_row(rows_.words, [&](uint32_t row) { inside &= ids[row] < root.next_node; });
    if (!inside) return false;
  }
  return in.done() || (root.stored_groups && parse_columns(root, &in));
}

bool StoredHead::parse_columns(const RootFields& root, kv::Decoder* in) {
  uint64_t count = 0;
  if (!in->varint(&count) || count > root.key_tokens) return false;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t key = 0;
    if (!in->varint(&key) || key >= root.key_tokens || (i != 0 && key <= columns_.back().value)) return false;
    columns_.emplace_back(static_cast<uint32_t>(key));
  }
  grouped_ = true;
  return in->done();
}

Status StoredHead::load(const kv::Store& store, const RootFields& root, EntityKind kind, uint64_t index) {
  clear();
  const ColumnKey key = column_key(index * EntityBlock::kRows, kHeadKey);
  std::string value;
  LORA_ASSIGN(const bool found, store.get(space_of(kind), key, root.store_snapshot, &value));
  return found ? parse(root, kind, key, value) : Status();
}

std::span<const uint32_t> StoredHead::kind_of(uint32_t row) const {
  return kind(places_.empty() ? 0 : static_cast<uint8_t>(places_[rows_.place_of(row)]));
}

void StoredHead::get(uint32_t row, StoredNode* out) const {
  out->labels.clear();
  for (const uint32_t label : kind_of(row)) out->labels.emplace_back(label);
  out->properties.clear();
  out->written = 0;
}

void StoredHead::get(uint32_t row, StoredRelationship* out) const {
  out->type = RelTypeId(kind_of(row).front());
  out->start = NodeId(starts_[row]);
  out->end = NodeId(ends_[row]);
  out->properties.clear();
  out->written = 0;
}

void StoredHead::put(const RowBits& rows, cache::EntityBlockBuilder* builder) const {
  if (rows.count() == 0) return;
  uint8_t places[EntityBlock::kRows] = {};
  if (!places_.empty()) {
    size_t place = 0;
    cache::for_each_row(rows_.words, [&](uint32_t row) { places[row] = static_cast<uint8_t>(places_[place++]); });
  }
  if (entities_ == EntityKind::kNode) {
    std::vector<LabelId> labels;
    labels.reserve(tokens_.size());
    for (const uint32_t token : tokens_) labels.emplace_back(token);
    std::vector<std::span<const LabelId>> sets;
    for (size_t i = 0; i + 1 < kind_starts_.size(); ++i) {
      sets.push_back(std::span<const LabelId>(labels).subspan(kind_starts_[i], kind(i).size()));
    }
    builder->put_nodes(rows.words, sets, places);
    return;
  }
  uint32_t types[EntityBlock::kRows];
  cache::for_each_row(rows.words, [&](uint32_t row) { types[row] = kind(places[row]).front(); });
  builder->put_relationships(rows.words, types, starts_, ends_);
}

}  // namespace lora::graph
