#include "graph/stored_columns.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "graph/value_codec.h"
#include "kv/encode.h"

namespace lora::graph {

using cache::Column;
using cache::EntityBlock;
using cache::for_each_row;
using kv::Keyspace;

namespace {

enum Form : uint8_t { kBooleans = 0, kIntegers = 1, kFloats = 2, kTexts = 3, kValues = 4 };

constexpr size_t kWords = EntityBlock::kRows / 64;
static_assert(kColumnRows == EntityBlock::kRows);

size_t count_of(const uint64_t* bits) {
  size_t count = 0;
  for (size_t w = 0; w < kWords; ++w) count += static_cast<size_t>(std::popcount(bits[w]));
  return count;
}

// How many rows below `row` have a value.
size_t place_of(const uint64_t* bits, uint32_t row) {
  size_t place = 0;
  for (size_t w = 0; w < row / 64; ++w) place += static_cast<size_t>(std::popcount(bits[w]));
  return place + static_cast<size_t>(std::popcount(bits[row / 64] & ((uint64_t{1} << (row % 64)) - 1)));
}

void put_words(const uint64_t* words, std::string* out) {
  for (size_t w = 0; w < kWords; ++w) kv::encode_fixed64(out, words[w]);
}

// Little endian.
char* store_low_bytes(uint64_t number, size_t width, char* to) {
  for (size_t i = 0; i < width; ++i) *to++ = static_cast<char>(number >> (8 * i));
  return to;
}
uint64_t low_bytes(const char* from, size_t width) {
  uint64_t number = 0;
  for (size_t i = 0; i < width; ++i) number |= uint64_t{static_cast<uint8_t>(from[i])} << (8 * i);
  return number;
}

// f(T()), T the unsigned type of so many bytes.
template <typename F>
void with_width(size_t bytes, F&& f) {
  switch (bytes) {
    case 1: f(uint8_t{}); break;
    case 2: f(uint16_t{}); break;
    case 4: f(uint32_t{}); break;
    default: f(uint64_t{}); break;
  }
}

void encode_integers(const Column& column, std::string* out) {
  int64_t least = std::numeric_limits<int64_t>::max(), greatest = std::numeric_limits<int64_t>::min();
  for_each_row(column.valid_bits, [&](uint32_t row) {
    least = std::min(least, column.integer(row));
    greatest = std::max(greatest, column.integer(row));
  });
  const auto base = static_cast<uint64_t>(least);
  const uint64_t span = static_cast<uint64_t>(greatest) - base;
  const size_t width = span <= 0xff ? 1 : span <= 0xffff ? 2 : span <= 0xffffffff ? 4 : 8;
  kv::encode_zigzag(out, least);
  kv::encode_u8(out, static_cast<uint8_t>(width));
  const size_t before = out->size();
  out->resize(before + column.present * width);
  char* to = out->data() + before;
  for_each_row(column.valid_bits, [&](uint32_t row) {
    to = store_low_bytes(static_cast<uint64_t>(column.integer(row)) - base, width, to);
  });
}

// Equal strings of a column mostly share their bytes; those that do are written once.
void encode_texts(const Column& column, std::string* out) {
  constexpr size_t kSlots = 2 * EntityBlock::kRows;
  uint16_t slots[kSlots] = {};  // 1 + the place in `distinct`; 0: free
  uint32_t distinct[EntityBlock::kRows];
  uint8_t place[EntityBlock::kRows];
  size_t count = 0, rows = 0;
  for_each_row(column.valid_bits, [&](uint32_t row) {
    const uint32_t entry = column.string_array()[row];
    size_t slot = (entry * 0x9e3779b1u) >> 23;
    static_assert(kSlots == 512);
    while (slots[slot] != 0 && distinct[slots[slot] - 1] != entry) slot = (slot + 1) % kSlots;
    if (slots[slot] == 0) {
      distinct[count] = entry;
      slots[slot] = static_cast<uint16_t>(++count);
    }
    place[rows++] = static_cast<uint8_t>(slots[slot] - 1);
  });
  kv::encode_varint(out, count);
  for (size_t i = 0; i < count; ++i) {
    kv::encode_sized(out, {column.strings.arena->data() + (distinct[i] >> 8), distinct[i] & 255});
  }
  out->append(reinterpret_cast<const char*>(place), rows);
}

}  // namespace

Status encode_column(const Column* column, uint64_t written, std::string* out) {
  out->clear();
  kv::encode_varint(out, written);
  constexpr uint64_t kNoRows[kWords] = {};
  if (column == nullptr || column->present == 0) {
    kv::encode_u8(out, kBooleans);
    put_words(kNoRows, out);
    put_words(kNoRows, out);
    return Status();
  }
  const auto begin = [&](Form form) {
    kv::encode_u8(out, form);
    put_words(column->valid_bits, out);
  };
  switch (column->column_kind) {
    case Column::Kind::kBooleans: {
      begin(kBooleans);
      uint64_t bits[kWords];
      for (size_t w = 0; w < kWords; ++w) bits[w] = column->boolean_bits[w] & column->valid_bits[w];
      put_words(bits, out);
      break;
    }
    case Column::Kind::kIntegers:
      begin(kIntegers);
      encode_integers(*column, out);
      break;
    case Column::Kind::kFloats:
      begin(kFloats);
      for_each_row(column->valid_bits,
                   [&](uint32_t row) { kv::encode_fixed64(out, std::bit_cast<uint64_t>(column->float_array()[row])); });
      break;
    case Column::Kind::kStrings:
      begin(kTexts);
      encode_texts(*column, out);
      break;
    case Column::Kind::kValues: {
      begin(kValues);
      std::string bytes;
      Status status;
      for_each_row(column->valid_bits, [&](uint32_t row) {
        if (!status.ok()) return;
        bytes.clear();
        status = encode_value(column->value_array()[row], &bytes);
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
  if (!in.varint(&written_) || !in.u8(&form_)) return false;
  for (uint64_t& word : valid_) {
    if (!in.fixed64(&word)) return false;
  }
  return parse_values(&in, count_of(valid_)) && in.done();
}

bool StoredColumn::parse_values(kv::Decoder* in, size_t count) {
  const auto take = [&](size_t bytes) { return in->raw(bytes, &packed_); };
  switch (form_) {
    case kBooleans: return take(kWords * 8);
    case kIntegers:
      return count != 0 && in->zigzag(&base_) && in->u8(&width_) &&
             (width_ == 1 || width_ == 2 || width_ == 4 || width_ == 8) && take(count * width_);
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
  if ((valid_[row / 64] >> (row % 64) & 1) == 0) return Value();
  const size_t place = place_of(valid_, row);
  switch (form_) {
    case kBooleans: return Value::boolean((low_bytes(packed_.data() + row / 64 * 8, 8) >> (row % 64) & 1) != 0);
    case kIntegers:
      return Value::integer(
          static_cast<int64_t>(static_cast<uint64_t>(base_) + low_bytes(packed_.data() + place * width_, width_)));
    case kFloats: return Value::floating(std::bit_cast<double>(low_bytes(packed_.data() + place * 8, 8)));
    case kTexts: return Value::string(texts_[static_cast<uint8_t>(packed_[place])]);
    default: return values_[place];
  }
}

bool StoredColumn::is_within(const uint64_t* rows) const {
  uint64_t all = 0, outside = 0;
  for (size_t w = 0; w < kWords; ++w) {
    all |= valid_[w];
    outside |= valid_[w] & ~rows[w];
  }
  return all != 0 && outside == 0;
}

void StoredColumn::put(const uint64_t* rows, cache::EntityBlockBuilder* builder) const {
  uint64_t valid[kWords];
  for (size_t w = 0; w < kWords; ++w) valid[w] = valid_[w] & rows[w];
  if (count_of(valid) == 0) return;
  if (form_ == kValues || builder->has_column(key_) ||
      std::any_of(texts_.begin(), texts_.end(), [](const auto& text) { return text.size() > Column::kStringMax; })) {
    for_each_row(valid, [&](uint32_t row) { builder->set_property(row, key_, get(row)); });
    return;
  }
  // By row, from the values one behind the other.
  const auto spread = [this](auto* out, auto&& value) {
    size_t place = 0;
    for_each_row(valid_, [&](uint32_t row) { out[row] = value(place++); });
  };
  switch (form_) {
    case kBooleans: {
      uint64_t bits[kWords];
      for (size_t w = 0; w < kWords; ++w) bits[w] = low_bytes(packed_.data() + w * 8, 8);
      builder->put_column(key_, Column::of_booleans(valid, bits));
      break;
    }
    case kIntegers: {
      int64_t values[EntityBlock::kRows];
      with_width(width_, [&](auto unsigned_of_width) {
        using T = decltype(unsigned_of_width);
        spread(values, [&](size_t place) {
          return static_cast<int64_t>(static_cast<uint64_t>(base_) +
                                      low_bytes(packed_.data() + place * sizeof(T), sizeof(T)));
        });
      });
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

void StoredColumns::clear() {
  count_ = 0;
  index_ = kNone;
}

Status StoredColumns::add(const RootFields& root, Keyspace space, ByteView key, ByteView value) {
  uint64_t first = 0;
  KeyId property;
  if (count_ == columns_.size()) {
    columns_.emplace_back();
    left_out_.emplace_back();
  }
  if (!parse_column_key(key, &first, &property) || property.value >= root.key_tokens ||
      !columns_[count_].parse(property, value)) {
    return damaged(space, key, "is not a column");
  }
  left_out_[count_] = Rows{};
  ++count_;
  return Status();
}

Status StoredColumns::load(const kv::Store& store, const RootFields& root, EntityKind kind, uint64_t index) {
  clear();
  if (!root.stored_columns) return Status();
  const Keyspace space = space_of(kind);
  const uint64_t first = index * EntityBlock::kRows;
  kv::CursorOptions options;
  options.lower = column_key(first, KeyId(0)).string();
  options.upper = id_bound(first + 1);
  options.snapshot = root.store_snapshot;
  options.fill_cache = false;
  const std::unique_ptr<kv::Cursor> cursor = store.cursor(space, options);
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    LORA_TRY(add(root, space, cursor->key(), cursor->value()));
  }
  LORA_TRY(cursor->status());
  index_ = index;
  return Status();
}

Status StoredColumns::move_to(const kv::Store& store, const RootFields& root, EntityKind kind, uint64_t index) {
  if (index == index_) return Status();
  Status status = load(store, root, kind, index);
  index_ = index;
  return status;
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
    left_out_[i].bits[row / 64] |= uint64_t{1} << (row % 64);
    const KeyId key = columns_[i].key();
    const auto place =
        std::find_if(properties->begin(), properties->end(), [&](const auto& p) { return p.key == key; });
    if (place != properties->end()) properties->erase(place);
  }
}

void StoredColumns::put(cache::EntityBlockBuilder* builder) const {
  for (size_t i = 0; i < count_; ++i) columns_[i].put(left_out_[i].bits, builder);
}

namespace {

constexpr uint64_t kColumnsBytesMax = 4 << 20;  // of a block

// About what the values take in the store.
uint64_t stored_bytes(const Column& column) {
  switch (column.column_kind) {
    case Column::Kind::kBooleans: return EntityBlock::kRows / 8;
    case Column::Kind::kIntegers: return uint64_t{column.present} * column.integers.width;
    case Column::Kind::kFloats: return uint64_t{column.present} * sizeof(double);
    case Column::Kind::kStrings: return uint64_t{column.present} + column.strings.arena_used;
    case Column::Kind::kValues: return uint64_t{column.present} * 16 + column.value_bytes;
  }
  return 0;
}

}  // namespace

bool ColumnChanges::fit(const EntityBlock& block) {
  constexpr uint64_t kValuesOfColumnMin = 4;  // of fewer, records are smaller
  uint64_t bytes = 0, values = 0;
  for (const EntityBlock::ColumnSlot& slot : block.columns()) {
    bytes += stored_bytes(*slot.column);
    values += slot.column->present;
  }
  return bytes <= kColumnsBytesMax && values >= kValuesOfColumnMin * block.column_count;
}

bool ColumnChanges::find(const EntityBlock& before, const EntityBlock& now, size_t rows) {
  // What an entry of the store costs beside its bytes; of a record, the flatbuffer's own as well.
  constexpr uint64_t kEntryBytes = 128, kRecordBytes = kEntryBytes + 64;
  columns.clear();
  if (!std::equal(std::begin(now.exists_bits), std::end(now.exists_bits), std::begin(before.exists_bits)) ||
      now.label_sets != before.label_sets || now.ends != before.ends || now.count == 0) {
    return false;
  }
  const auto was = before.columns(), is = now.columns();
  uint64_t column_bytes = 0, all_bytes = 0;
  for (size_t i = 0, j = 0; i < was.size() || j < is.size();) {
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
