#include "graph/stored_columns.h"

#include <algorithm>
#include <bit>

#include "graph/value_codec.h"
#include "kv/encode.h"

namespace lora::graph {

using cache::Column;
using cache::EntityBlock;
using cache::for_each_row;
using cache::TextPlace;
using kv::Keyspace;

namespace {

enum Form : uint8_t { kBooleans = 0, kByteIntegers = 1, kFloats = 2, kTexts = 3, kValues = 4, kIntegers = 5 };

static_assert(kColumnRows == EntityBlock::kRows);

RowBits rows_of(const Column& column) {
  RowBits rows;
  std::copy_n(column.valid_bits, kRowWords, rows.words);
  return rows;
}

// Equal strings of a column mostly share their bytes; those that do are written once.
void encode_texts(const Column& column, std::string* out) {
  constexpr size_t kSlots = 2 * EntityBlock::kRows;
  uint16_t slots[kSlots] = {};  // 1 + the place in `distinct`; 0: free
  TextPlace distinct[EntityBlock::kRows];
  uint8_t place[EntityBlock::kRows];
  size_t count = 0, rows = 0;
  for_each_row(column.valid_bits, [&](uint32_t row) {
    const TextPlace text = column.string_array()[row];
    size_t slot = (text.entry * 0x9e3779b1u) >> 23;
    static_assert(kSlots == 512);
    while (slots[slot] != 0 && distinct[slots[slot] - 1] != text) slot = (slot + 1) % kSlots;
    if (slots[slot] == 0) {
      distinct[count] = text;
      slots[slot] = static_cast<uint16_t>(++count);
    }
    place[rows++] = static_cast<uint8_t>(slots[slot] - 1);
  });
  kv::encode_varint(out, count);
  for (size_t i = 0; i < count; ++i) {
    kv::encode_sized(out, {column.strings.arena->data() + distinct[i].offset(), distinct[i].length()});
  }
  out->append(reinterpret_cast<const char*>(place), rows);
}

}  // namespace

Status encode_column(const Column* column, uint64_t written, std::string* out) {
  out->clear();
  kv::encode_varint(out, written);
  if (column == nullptr || column->present == 0) {
    kv::encode_u8(out, kBooleans);
    RowBits().encode(out);
    RowBits().encode(out);
    return Status();
  }
  const auto begin = [&](Form form) {
    kv::encode_u8(out, form);
    rows_of(*column).encode(out);
  };
  switch (column->column_kind) {
    case Column::Kind::kBooleans: {
      begin(kBooleans);
      RowBits bits = rows_of(*column);
      for (size_t w = 0; w < kRowWords; ++w) bits.words[w] &= column->boolean_bits[w];
      bits.encode(out);
      break;
    }
    case Column::Kind::kIntegers: {
      begin(kIntegers);
      int64_t values[EntityBlock::kRows];
      for_each_row(column->valid_bits, [&](uint32_t row) { values[row] = column->integer(row); });
      encode_integers(rows_of(*column), values, out);
      break;
    }
    case Column::Kind::kFloats:
      begin(kFloats);
      for_each_row(column->valid_bits,
                   [&](uint32_t row) { kv::encode_fixed64(out, std::bit_cast<uint64_t>(column->float_array()[row])); });
      break;
    case Column::Kind::kStrings:
      begin(kTexts);
      encode_texts(*column, out);
      break;
    case Column::Kind::kWords:
    case Column::Kind::kLists:
    case Column::Kind::kValues: {
      begin(kValues);
      std::string bytes;
      Status status;
      for_each_row(column->valid_bits, [&](uint32_t row) {
        if (!status.ok()) return;
        bytes.clear();
        status = encode_value(column->get(row), &bytes);
        kv::encode_sized(out, bytes);
      });
      LORA_TRY(status);
      break;
    }
  }
  return Status();
}

bool StoredColumn::parse(KeyId key, ByteView bytes) {
  key_ = key;
  packed_ = {};
  texts_.clear();
  values_.clear();
  bytes_.assign(bytes.begin(), bytes.end());
  kv::Decoder in({bytes_.data(), bytes_.size()});
  return in.varint(&written_) && in.u8(&form_) && valid_.parse(&in) && parse_values(&in, valid_.count()) && in.done();
}

bool StoredColumn::parse_values(kv::Decoder* in, size_t count) {
  const auto take = [&](size_t bytes) { return in->raw(bytes, &packed_); };
  switch (form_) {
    case kBooleans: return take(kRowWords * 8);
    case kByteIntegers: return integers_.parse(in, count, Packing::kBytes);
    case kIntegers: return integers_.parse(in, count, Packing::kBits);
    case kFloats: return take(count * 8);
    case kTexts: {
      uint64_t distinct = 0;
      if (!in->varint(&distinct) || distinct > count) return false;
      for (uint64_t i = 0; i < distinct; ++i) {
        ByteView text;
        if (!in->sized(&text)) return false;
        texts_.emplace_back(text);
      }
      return take(count) && std::all_of(packed_.begin(), packed_.end(),
                                        [&](char place) { return static_cast<uint8_t>(place) < distinct; });
    }
    case kValues:
      for (size_t i = 0; i < count; ++i) {
        ByteView bytes;
        if (!in->sized(&bytes)) return false;
        Result<Value> value = decode_value(bytes);
        if (!value.ok() || value->is_null() || !is_storable(*value)) return false;
        values_.push_back(std::move(*value));
      }
      return true;
    default: return false;
  }
}

Value StoredColumn::get(uint32_t row) const {
  if (!valid_.has(row)) return Value();
  const size_t place = valid_.place_of(row);
  switch (form_) {
    case kBooleans: return Value::boolean((low_bytes(packed_.data() + row / 64 * 8, 8) >> (row % 64) & 1) != 0);
    case kByteIntegers:
    case kIntegers: return Value::integer(integers_.at(place));
    case kFloats: return Value::floating(std::bit_cast<double>(low_bytes(packed_.data() + place * 8, 8)));
    case kTexts: return Value::string(texts_[static_cast<uint8_t>(packed_[place])]);
    default: return values_[place];
  }
}

bool StoredColumn::is_within(const RowBits& rows) const {
  uint64_t all = 0, outside = 0;
  for (size_t w = 0; w < kRowWords; ++w) {
    all |= valid_.words[w];
    outside |= valid_.words[w] & ~rows.words[w];
  }
  return all != 0 && outside == 0;
}

void StoredColumn::put(const RowBits& rows, cache::EntityBlockBuilder* builder) const {
  RowBits both = valid_;
  for (size_t w = 0; w < kRowWords; ++w) both.words[w] &= rows.words[w];
  const uint64_t* const valid = both.words;
  if (both.count() == 0) return;
  size_t text_bytes = 0, longest = 0;
  for (const auto& text : texts_) {
    text_bytes += text.size();
    longest = std::max(longest, text.size());
  }
  if (form_ == kValues && !builder->has_column(key_) && put_words(both, builder)) return;
  if (form_ == kValues || builder->has_column(key_) || longest > Column::kStringMax ||
      !Column::suits_strings(text_bytes, both.count())) {
    for_each_row(valid, [&](uint32_t row) { builder->set_property(row, key_, get(row)); });
    return;
  }
  // By row, from the values one behind the other.
  const auto spread = [this](auto* out, auto&& value) {
    size_t place = 0;
    for_each_row(valid_.words, [&](uint32_t row) { out[row] = value(place++); });
  };
  switch (form_) {
    case kBooleans: {
      uint64_t bits[kRowWords];
      for (size_t w = 0; w < kRowWords; ++w) bits[w] = low_bytes(packed_.data() + w * 8, 8);
      builder->put_column(key_, Column::of_booleans(valid, bits));
      break;
    }
    case kByteIntegers:
    case kIntegers: {
      int64_t values[EntityBlock::kRows];
      integers_.spread(valid_, values);
      builder->put_column(key_, Column::of_integers(valid, values));
      break;
    }
    case kFloats: {
      double values[EntityBlock::kRows];
      spread(values, [&](size_t place) { return std::bit_cast<double>(low_bytes(packed_.data() + place * 8, 8)); });
      builder->put_column(key_, Column::of_floats(valid, values));
      break;
    }
    default: {
      uint8_t places[EntityBlock::kRows];
      spread(places, [&](size_t place) { return static_cast<uint8_t>(packed_[place]); });
      builder->put_column(key_, Column::of_strings(valid, texts_, places));
      break;
    }
  }
}

// Values that are all words of one type.
bool StoredColumn::put_words(const RowBits& rows, cache::EntityBlockBuilder* builder) const {
  int64_t words[EntityBlock::kRows];
  WordType common;
  bool all = true;
  size_t place = 0;
  for_each_row(valid_.words, [&](uint32_t row) {
    WordType type;
    all = all && to_word(values_[place], &type, &words[row]) && type.type != ValueType::kBoolean &&
          (place == 0 || type == common);
    common = type;
    ++place;
  });
  if (all) builder->put_column(key_, Column::of_words(common, rows.words, words));
  return all;
}

Status StoredColumns::add(const RootFields& root, Keyspace space, ByteView at, KeyId key, ByteView value) {
  if (count_ == columns_.size()) {
    columns_.emplace_back();
    left_out_.emplace_back();
  }
  StoredColumn& column = columns_[count_];
  if (key.value >= root.key_tokens || !column.parse(key, value)) {
    return damaged(space, at, "is not a column");
  }
  grouped_ = at.size() == GroupedKey().view().size();
  left_out_[count_] = {};
  ++count_;
  return Status();
}

Status StoredColumns::load(const kv::Store& store, const RootFields& root, EntityKind kind, uint64_t index,
                           const StoredHead& head, const WantedProperties& wanted) {
  clear();
  if (!root.stored_columns) return Status();
  const Keyspace space = space_of(kind);
  const uint64_t first = index * EntityBlock::kRows;
  if (head.is_grouped()) {
    for (const KeyId key : head.columns()) {
      if (!wanted.has(key)) continue;
      const GroupedKey at = grouped_key(index, key);
      LORA_ASSIGN(const bool found, store.get(space, at, root.store_snapshot, &value_));
      if (!found) return damaged(space, at, "is missing");
      LORA_TRY(add(root, space, at, key, value_));
    }
    return Status();
  }
  if (!wanted.is_all()) {
    for (const KeyId key : wanted.keys()) {
      const ColumnKey at = column_key(first, key);
      LORA_ASSIGN(const bool found, store.get(space, at, root.store_snapshot, &value_));
      if (found) LORA_TRY(add(root, space, at, key, value_));
    }
    return Status();
  }
  kv::CursorOptions options;
  options.lower = column_key(first, KeyId(0)).string();
  options.upper = column_key(first, kHeadKey).string();
  options.snapshot = root.store_snapshot;
  options.fill_cache = false;
  const std::unique_ptr<kv::Cursor> cursor = store.cursor(space, options);
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    uint64_t id = 0;
    KeyId key;
    if (!parse_column_key(cursor->key(), &id, &key)) return damaged(space, cursor->key(), "is not a column");
    LORA_TRY(add(root, space, cursor->key(), key, cursor->value()));
  }
  return cursor->status();
}

void StoredColumns::apply(uint32_t row, uint64_t written, std::vector<Property>* properties) const {
  for (const StoredColumn& column : columns()) {
    if (written >= column.written()) continue;
    Value value = column.get(row);
    const auto place = std::lower_bound(properties->begin(), properties->end(), column.key(),
                                        [](const Property& p, KeyId key) { return p.key < key; });
    const bool there = place != properties->end() && place->key == column.key();
    if (value.is_null()) {
      if (there) properties->erase(place);
    } else if (there) {
      place->value = std::move(value);
    } else {
      properties->insert(place, {column.key(), std::move(value)});
    }
  }
}

void StoredColumns::leave_out(uint32_t row, uint64_t written, std::vector<Property>* properties) {
  for (size_t i = 0; i < count_; ++i) {
    if (written >= columns_[i].written()) continue;
    left_out_[i].set(row);
    const KeyId key = columns_[i].key();
    const auto place =
        std::find_if(properties->begin(), properties->end(), [&](const auto& p) { return p.key == key; });
    if (place != properties->end()) properties->erase(place);
  }
}

void StoredColumns::leave_out(const RowBits& rows) {
  for (size_t i = 0; i < count_; ++i) {
    for (size_t w = 0; w < kRowWords; ++w) left_out_[i].words[w] |= rows.words[w];
  }
}

std::string StoredColumns::key_of(uint64_t index, KeyId key) const {
  return grouped_ ? grouped_key(index, key).string() : column_key(index * EntityBlock::kRows, key).string();
}

void StoredColumns::put(cache::EntityBlockBuilder* builder) const {
  for (size_t i = 0; i < count_; ++i) columns_[i].put(left_out_[i], builder);
}

namespace {

// Of a block. A single value is read with its column: of large properties records are better.
constexpr uint64_t kColumnsBytesMax = 128 << 10;

// About what the values take in the store.
uint64_t stored_bytes(const Column& column) {
  switch (column.column_kind) {
    case Column::Kind::kBooleans: return EntityBlock::kRows / 8;
    case Column::Kind::kIntegers: return uint64_t{column.present} * column.integers.width;
    case Column::Kind::kFloats: return uint64_t{column.present} * sizeof(double);
    case Column::Kind::kStrings:
    case Column::Kind::kLists: return uint64_t{column.present} + column.strings.arena_used;
    case Column::Kind::kWords: return uint64_t{column.present} * 16;
    case Column::Kind::kValues: return uint64_t{column.present} * 16 + column.value_bytes;
  }
  return 0;
}

}  // namespace

uint64_t ColumnChanges::bytes_of(const EntityBlock& block) {
  uint64_t bytes = 0;
  for (const EntityBlock::ColumnSlot& slot : block.columns()) bytes += stored_bytes(*slot.column);
  return bytes;
}

bool ColumnChanges::fit(const EntityBlock& block) {
  constexpr uint64_t kValuesOfColumnMin = 4;  // of fewer, records are smaller
  uint64_t values = 0;
  for (const EntityBlock::ColumnSlot& slot : block.columns()) values += slot.column->present;
  return bytes_of(block) <= kColumnsBytesMax && values >= kValuesOfColumnMin * block.column_count;
}

bool ColumnChanges::find(const EntityBlock& before, const EntityBlock& now, size_t rows) {
  // What an entry of the store costs beside its bytes; of a record, the flatbuffer's own as well.
  constexpr uint64_t kEntryBytes = 128, kRecordBytes = kEntryBytes + 64;
  columns.clear();
  if (!before.is_whole()) return false;  // it has come from the store again: all columns are other objects
  if (!std::equal(std::begin(now.exists_bits), std::end(now.exists_bits), std::begin(before.exists_bits)) ||
      now.label_sets != before.label_sets || now.ends != before.ends || now.count == 0) {
    return false;
  }
  const auto was = before.columns(), is = now.columns();
  uint64_t column_bytes = 0, all_bytes = 0;
  for (size_t i = 0, j = 0; i < was.size() || j < is.size();) {
    if (i < was.size() && was[i].column->present == 0) {  // it was found to be empty
      ++i;
      continue;
    }
    const bool gone = j == is.size() || (i < was.size() && was[i].key < is[j].key);
    const Column* column = gone ? nullptr : is[j].column;
    const uint64_t bytes = gone ? 2 * EntityBlock::kRows / 8 : stored_bytes(*column);
    all_bytes += gone ? 0 : bytes;
    const bool both = !gone && i < was.size() && was[i].key == is[j].key;
    if (!both || was[i].column != column) {
      column_bytes += kEntryBytes + bytes;
      columns.push_back({gone ? was[i].key : is[j].key, column});
    }
    i += gone || both ? 1 : 0;
    j += gone ? 0 : 1;
  }
  return column_bytes <= kColumnsBytesMax && column_bytes <= rows * (kRecordBytes + all_bytes / now.count);
}

}  // namespace lora::graph
