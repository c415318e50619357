#include "cypher/exec/hash_index.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>

namespace lora::cypher {

namespace {

constexpr uint64_t kNullHash = 0x9ae16a3b2f90404full;
constexpr uint64_t kNodeSalt = 0xc3a5c85c97cb3127ull;
constexpr uint64_t kRelationshipSalt = 0xb492b66fbe98f273ull;
constexpr uint64_t kWordSalt = 0x8ebc6af09c88c6e3ull;
constexpr size_t kRecentCount = 256;

uint64_t hash_integer(int64_t v) {
  return mix_hash(static_cast<uint64_t>(v));
}

// Of a word (graph/word.h). Times are equal wherever their clocks are.
uint64_t hash_word(ValueType type, int64_t word) {
  return mix_hash(static_cast<uint64_t>(word) ^ (kWordSalt + static_cast<uint64_t>(type)));
}

uint64_t hash_float(double v) {
  // Whole numbers hash like the integer they equal.
  if (v >= -9223372036854775808.0 && v < 9223372036854775808.0) {
    const auto whole = static_cast<int64_t>(v);
    if (static_cast<double>(whole) == v) return hash_integer(whole);
  }
  if (std::isnan(v)) return mix_hash(0x7ff8000000000000ull);
  uint64_t bits;
  std::memcpy(&bits, &v, 8);
  return mix_hash(bits);
}

// Both halves of a 128-bit product, of two words made odd or salted so that zeros do not erase each other.
uint64_t fold(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a ^ 0xa0761d6478bd642full) * (b ^ 0xe7037ed1a0b428dbull);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

constexpr uint64_t kLengthFactor = 0x9e3779b97f4a7c15ull;

// 0 to 8 bytes as a word.
uint64_t load_bytes(const char* p, size_t count) {
  uint64_t word = 0;
  if (count >= 4) {
    uint32_t low, high;
    std::memcpy(&low, p, 4);
    std::memcpy(&high, p + count - 4, 4);
    return low | static_cast<uint64_t>(high) << ((count - 4) * 8);
  }
  for (size_t i = 0; i < count; ++i) word |= static_cast<uint64_t>(static_cast<uint8_t>(p[i])) << (i * 8);
  return word;
}

uint64_t hash_at(const Column& c, size_t row) {
  switch (c.kind) {
    case Column::Kind::kEmpty: return kNullHash;
    case Column::Kind::kValues: return hash_value(c.values[row]);
    case Column::Kind::kNodes: return c.ids[row] == kNoId ? kNullHash : mix_hash(c.ids[row] ^ kNodeSalt);
    case Column::Kind::kRelationships:
      return c.ids[row] == kNoId ? kNullHash : mix_hash(c.ids[row] ^ kRelationshipSalt);
    case Column::Kind::kIntegers: return c.is_null(row) ? kNullHash : hash_integer(c.integers[row]);
    case Column::Kind::kWords: return c.is_null(row) ? kNullHash : hash_word(c.word_type.type, c.integers[row]);
    case Column::Kind::kFloats: return c.is_null(row) ? kNullHash : hash_float(c.floats[row]);
    case Column::Kind::kStrings: return c.is_null(row) ? kNullHash : hash_text(c.texts[row]);
    case Column::Kind::kLists: return hash_value(c.get(row));
  }
  return kNullHash;
}

// The same 16 bytes: the same inline value or the same shared one.
bool same_bits(const Value& a, const Value& b) {
  return std::memcmp(&a, &b, sizeof(Value)) == 0;
}

// The same text? Both have Texts::kPad bytes behind them, so that short ones are compared as words.
bool same_text(const Texts& a, size_t i, const Texts& b, size_t j) {
  static_assert(std::endian::native == std::endian::little);
  const Texts::Entry x = a.entries[i], y = b.entries[j];
  if (x.length != y.length) return false;
  if (x.length == 0) return true;
  const char* p = a.bytes() + x.offset;
  const char* q = b.bytes() + y.offset;
  if (x.length > 16) return std::memcmp(p, q, x.length) == 0;
  uint64_t v, w;
  std::memcpy(&v, p, 8);
  std::memcpy(&w, q, 8);
  if (x.length <= 8) return (v ^ w) << (64 - x.length * 8) == 0;
  uint64_t v2, w2;
  std::memcpy(&v2, p + x.length - 8, 8);
  std::memcpy(&w2, q + x.length - 8, 8);
  return ((v ^ w) | (v2 ^ w2)) == 0;
}

bool has_integers(const Column& key) {
  return key.kind == Column::Kind::kIntegers || key.kind == Column::Kind::kWords;
}

bool suits_array(const Column& key) {
  return key.kind == Column::Kind::kNodes || key.kind == Column::Kind::kRelationships || has_integers(key);
}

// A key of such a column as a place in an array: ids, integers and words; negative ones are far away. kNoId: null.
uint64_t place_of(int64_t integer) {
  const auto place = static_cast<uint64_t>(integer);
  return place == kNoId ? kNoId - 1 : place;
}
uint64_t place_of(const Column& key, size_t row) {
  if (!has_integers(key)) return key.ids[row];
  if (key.is_null(row)) return kNoId;
  return place_of(key.integers[row]);
}

// The highest place; 0 for nulls.
uint64_t highest_place(const Column& key) {
  uint64_t highest = 0;
  if (has_integers(key) && key.nulls.empty()) {
    for (int64_t v : key.integers) highest = std::max(highest, static_cast<uint64_t>(v));
    return highest;
  }
  for (size_t row = 0; row < key.size(); ++row) {
    const uint64_t place = place_of(key, row);
    highest = std::max(highest, place == kNoId ? 0 : place);
  }
  return highest;
}

// A number that is whole and below `limit`, as an integer or as a float.
std::optional<size_t> whole_number(const Value& v, size_t limit) {
  if (!v.is_number() || !(v.as_number() >= 0 && v.as_number() < static_cast<double>(limit))) return std::nullopt;
  const auto whole = static_cast<size_t>(v.as_number());
  if (static_cast<double>(whole) != v.as_number()) return std::nullopt;
  return whole;
}

// NaN is the same as NaN.
bool same_float(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

size_t recent_place(const Value& v) {
  uint64_t words[2];
  std::memcpy(words, &v, sizeof words);
  return (mix_hash(words[0] ^ (words[1] * 0x9e3779b97f4a7c15ull)) >> 7) % kRecentCount;
}

}  // namespace

uint64_t hash_text(std::string_view text) {
  const char* p = text.data();
  size_t left = text.size();
  uint64_t h = left * kLengthFactor;
  uint64_t words[2];
  for (; left > 16; left -= 16, p += 16) {
    std::memcpy(words, p, 16);
    h = fold(h ^ words[0], words[1]);
  }
  // The rest, at most 16 bytes, as two words with zeros behind.
  if (left >= 8) {
    std::memcpy(&words[0], p, 8);
    words[1] = left == 8 ? 0 : load_bytes(p + 8, left - 8);
  } else {
    words[0] = load_bytes(p, left);
    words[1] = 0;
  }
  return fold(h ^ words[0], words[1]);
}

uint64_t hash_value(const Value& v) {
  switch (v.type()) {
    case ValueType::kNull: return kNullHash;
    case ValueType::kInteger: return hash_integer(v.as_integer());
    case ValueType::kFloat: return hash_float(v.as_float());
    case ValueType::kNode: return mix_hash(v.node_id().value ^ kNodeSalt);
    case ValueType::kRelationship: return mix_hash(v.relationship_id().value ^ kRelationshipSalt);
    case ValueType::kString: return hash_text(v.as_string());
    default: {
      int64_t word = 0;
      return word_of(v, &word) ? hash_word(v.type(), word) : hash(v);
    }
  }
}

bool equal_at(const Column& a, size_t row_a, const Column& b, size_t row_b) {
  if (a.is_like(b)) {
    switch (a.kind) {
      case Column::Kind::kEmpty: return true;
      case Column::Kind::kValues:
        return same_bits(a.values[row_a], b.values[row_b]) || equivalent(a.values[row_a], b.values[row_b]);
      case Column::Kind::kNodes:
      case Column::Kind::kRelationships: return a.ids[row_a] == b.ids[row_b];
      case Column::Kind::kIntegers:
      case Column::Kind::kWords: {
        const bool null_a = a.is_null(row_a), null_b = b.is_null(row_b);
        return null_a || null_b ? null_a && null_b : a.integers[row_a] == b.integers[row_b];
      }
      case Column::Kind::kFloats: {
        const bool null_a = a.is_null(row_a), null_b = b.is_null(row_b);
        if (null_a || null_b) return null_a && null_b;
        return same_float(a.floats[row_a], b.floats[row_b]);
      }
      case Column::Kind::kStrings: {
        const bool null_a = a.is_null(row_a), null_b = b.is_null(row_b);
        return null_a || null_b ? null_a && null_b : same_text(a.texts, row_a, b.texts, row_b);
      }
      case Column::Kind::kLists: break;  // equal ones may be packed in other ways
    }
  }
  return equivalent(a.get(row_a), b.get(row_b));
}

void HashIndex::clear() {
  if (hashes_.empty()) return;
  slots_.assign(slots_.size(), Slot{});
  hashes_.clear();
}

void HashIndex::release() {
  slots_ = {};
  hashes_ = {};
}

void HashIndex::grow() {
  size_t size = slots_.empty() ? 64 : slots_.size() * 2;
  if (size < kSparseSlots) size *= 4;
  slots_.assign(size, Slot{});
  const size_t mask = size - 1;
  for (uint32_t entry = 0; entry < hashes_.size(); ++entry) {
    size_t i = hashes_[entry] & mask;
    while (slots_[i].entry != kNone) i = (i + 1) & mask;
    slots_[i] = {static_cast<uint32_t>(hashes_[entry] >> 32), entry};
  }
}

void KeyStore::clear() {
  for (Column& c : columns_) c.clear();
  size_ = 0;
  index_.clear();
  recent_.clear();
  short_.clear();
  recent_words_.clear();
  short_rows_ = 0;
  by_id_.clear();
  null_entry_ = HashIndex::kNone;
  by_id_closed_ = false;
  by_pair_.clear();
  by_pair_closed_ = false;
  most_[0] = most_[1] = 0;
}

void KeyStore::release() {
  for (Column& c : columns_) c.trim();
  recent_.clear();
  short_ = {};
  recent_words_ = {};
  if (size_ > kBatchRowsMax) {
    index_.release();
    by_id_ = {};
    by_pair_ = {};
  } else {
    index_.clear();
    by_id_.clear();
    by_pair_.clear();
  }
  size_ = 0;
  null_entry_ = HashIndex::kNone;
  by_id_closed_ = by_pair_closed_ = false;
  most_[0] = most_[1] = 0;
}

size_t KeyStore::heap_bytes() const {
  size_t bytes = index_.heap_bytes() + (by_id_.capacity() + by_pair_.capacity()) * sizeof(uint32_t);
  for (const Column& c : columns_) bytes += c.heap_bytes();
  return bytes;
}

void KeyStore::hash_rows(const std::vector<const Column*>& keys, size_t rows, std::vector<uint64_t>* hashes) {
  hashes->resize(rows);
  uint64_t* out = hashes->data();
  for (size_t k = 0; k < keys.size(); ++k) {
    const Column& c = *keys[k];
    const auto run = [&](auto hash_of) {
      if (k == 0) {
        for (size_t i = 0; i < rows; ++i) out[i] = hash_of(i);
      } else {
        for (size_t i = 0; i < rows; ++i) out[i] = mix_hash(out[i] * 31 + hash_of(i));
      }
    };
    // The commonest kinds without a switch per row.
    if (c.kind == Column::Kind::kIntegers && c.nulls.empty()) {
      run([&](size_t i) { return hash_integer(c.integers[i]); });
    } else if (c.kind == Column::Kind::kWords && c.nulls.empty()) {
      run([&](size_t i) { return hash_word(c.word_type.type, c.integers[i]); });
    } else if (c.kind == Column::Kind::kFloats && c.nulls.empty()) {
      run([&](size_t i) { return hash_float(c.floats[i]); });
    } else if (c.kind == Column::Kind::kStrings && c.nulls.empty()) {
      run([&](size_t i) { return hash_text(c.texts[i]); });
    } else {
      run([&](size_t i) { return hash_at(c, i); });
    }
  }
  if (keys.empty()) std::fill(hashes->begin(), hashes->end(), 1);
}

bool KeyStore::same(const std::vector<const Column*>& keys, size_t row, uint32_t entry) const {
  for (size_t k = 0; k < keys.size(); ++k) {
    if (!equal_at(*keys[k], row, columns_[k], entry)) return false;
  }
  return true;
}

void KeyStore::add(const std::vector<const Column*>& keys, size_t row) {
  for (size_t k = 0; k < keys.size(); ++k) {
    if (keys[k]->kind == Column::Kind::kEmpty) {
      columns_[k].push(Value());
    } else {
      columns_[k].push_from(*keys[k], row);
    }
  }
  ++size_;
}

void KeyStore::find_or_add(const std::vector<const Column*>& keys, size_t rows, std::vector<uint32_t>* entries,
                           std::vector<uint32_t>* added_rows) {
  entries->resize(rows);
  added_rows->clear();
  if (keys.size() == 1) {
    if (suits_array(*keys[0]) && find_by_id(*keys[0], entries, added_rows)) return;
  }
  if (!by_id_.empty()) close_by_id();
  if (keys.size() == 1) {
    const Column& key = *keys[0];
    const Column& kept = columns_[0];
    if (key.kind == Column::Kind::kValues) return find_boxed(keys, rows, entries, added_rows);
    if (key.kind == Column::Kind::kStrings && find_short(keys, rows, entries, added_rows)) return;
    hash_rows(keys, rows, &hashes_);
    // Keys and entries of one kind, and no nulls anywhere: compared without a look at kinds.
    const bool same_kind = size_ == 0 || kept.is_like(key);
    if (same_kind && key.nulls.empty() && kept.nulls.empty()) {
      if (has_integers(key)) {
        const auto same = [&](size_t row, uint32_t e) { return key.integers[row] == kept.integers[e]; };
        return find_hashed(keys, rows, same, entries, added_rows);
      }
      if (key.kind == Column::Kind::kFloats) {
        const auto same = [&](size_t row, uint32_t e) { return same_float(key.floats[row], kept.floats[e]); };
        return find_hashed(keys, rows, same, entries, added_rows);
      }
      if (key.kind == Column::Kind::kStrings) {
        // Adding may turn the kept column into another kind.
        const auto same = [&](size_t row, uint32_t e) {
          if (kept.kind != Column::Kind::kStrings) return equal_at(key, row, kept, e);
          return same_text(key.texts, row, kept.texts, e);
        };
        return find_hashed(keys, rows, same, entries, added_rows);
      }
    }
  } else {
    if (keys.size() == 2 && find_by_pair(keys, rows, entries, added_rows)) return;
    if (!by_pair_.empty()) close_by_pair();
    hash_rows(keys, rows, &hashes_);
  }
  find_hashed(
      keys, rows, [&](size_t row, uint32_t e) { return same(keys, row, e); }, entries, added_rows);
}

template <typename Same>
void KeyStore::find_hashed(const std::vector<const Column*>& keys, size_t rows, Same same,
                           std::vector<uint32_t>* entries, std::vector<uint32_t>* added_rows) {
  constexpr size_t kAhead = 8;
  const bool fetch = index_.large();
  const uint64_t* hashes = hashes_.data();
  uint32_t* out = entries->data();
  for (size_t row = 0; row < rows; ++row) {
    if (fetch && row + kAhead < rows) index_.prefetch(hashes[row + kAhead]);
    bool added = false;
    out[row] = index_.find_or_add(
        hashes[row], [&](uint32_t e) { return same(row, e); }, &added);
    if (added) {
      add(keys, row);
      added_rows->push_back(static_cast<uint32_t>(row));
    }
  }
}

bool KeyStore::find_short(const std::vector<const Column*>& keys, size_t rows, std::vector<uint32_t>* entries,
                          std::vector<uint32_t>* added_rows) {
  static_assert(std::endian::native == std::endian::little && Texts::kPad >= 8);
  constexpr uint32_t kLengthMax = 7;  // the length goes into the highest byte
  constexpr uint64_t kNullWord = uint64_t{0xfe} << 56;
  const Column& key = *keys[0];
  if (key.texts.used() == 0 || short_.size() != size_) return false;
  words_.resize(rows);
  hashes_.resize(rows);
  const char* bytes = key.texts.bytes();
  uint32_t longest = 0;
  for (size_t row = 0; row < rows; ++row) {
    const Texts::Entry text = key.texts.entries[row];
    longest = std::max(longest, text.length);
    uint64_t word;
    std::memcpy(&word, bytes + text.offset, 8);
    const uint32_t length = std::min(text.length, kLengthMax);
    word &= (uint64_t{1} << (length * 8)) - 1;
    words_[row] = word | uint64_t{length} << 56;
    hashes_[row] = fold((length * kLengthFactor) ^ word, 0);  // as hash_text()
  }
  if (longest > kLengthMax) return false;
  for (size_t row = 0; row < key.nulls.size(); ++row) {
    if (key.nulls[row] == 0) continue;
    words_[row] = kNullWord;
    hashes_[row] = kNullHash;
  }
  short_rows_ += rows;
  if (recent_words_.empty() && short_rows_ > kRecentWords) recent_words_.resize(kRecentWords);
  for (size_t row = 0; row < rows; ++row) {
    const uint64_t word = words_[row];
    RecentWord* recent = recent_words_.empty() ? nullptr : &recent_words_[(hashes_[row] >> 40) % kRecentWords];
    if (recent != nullptr && recent->word == word) [[likely]] {
      (*entries)[row] = recent->entry;
      continue;
    }
    bool added = false;
    const uint32_t entry = index_.find_or_add(
        hashes_[row], [&](uint32_t e) { return short_[e] == word; }, &added);
    (*entries)[row] = entry;
    if (recent != nullptr) *recent = {word, entry};
    if (added) {
      add(keys, row);
      short_.push_back(word);
      added_rows->push_back(static_cast<uint32_t>(row));
    }
  }
  return true;
}

void KeyStore::find_boxed(const std::vector<const Column*>& keys, size_t rows, std::vector<uint32_t>* entries,
                          std::vector<uint32_t>* added_rows) {
  if (recent_.empty()) recent_.resize(kRecentCount);
  for (size_t row = 0; row < rows; ++row) {
    const Value& v = keys[0]->values[row];
    Recent& recent = recent_[recent_place(v)];
    if (recent.entry != HashIndex::kNone && same_bits(recent.value, v)) {
      (*entries)[row] = recent.entry;
      continue;
    }
    bool added = false;
    const uint32_t entry = index_.find_or_add(
        hash_value(v), [&](uint32_t e) { return same(keys, row, e); }, &added);
    if (added) {
      add(keys, row);
      added_rows->push_back(static_cast<uint32_t>(row));
    }
    recent.value = v;
    recent.entry = entry;
    (*entries)[row] = entry;
  }
}

bool KeyStore::open_by_id(const Column& key) {
  constexpr size_t kRowsMin = 256;  // below, a small hash table is as good
  constexpr size_t kIdsPerKey = 8;  // the array takes no more than a hash table would
  if (by_id_closed_ || (size_ > 0 && !columns_[0].is_like(key))) return false;
  uint64_t highest = highest_place(key);
  const size_t count = size_ + key.size();
  if (highest < by_id_.size()) return true;
  if (count < kRowsMin || highest >= count * kIdsPerKey || highest >= HashIndex::kNone) return false;
  if (!by_id_.empty() || size_ == 0) {
    by_id_.resize(std::max<size_t>(highest + 1, by_id_.size() * 2), HashIndex::kNone);
    return true;
  }
  // From the hash table to the array.
  highest = std::max(highest, highest_place(columns_[0]));
  if (highest >= count * kIdsPerKey || highest >= HashIndex::kNone) return false;
  by_id_.assign(highest + 1, HashIndex::kNone);
  for (uint32_t e = 0; e < size_; ++e) {
    const uint64_t place = place_of(columns_[0], e);
    (place == kNoId ? null_entry_ : by_id_[place]) = e;
  }
  index_.release();
  return true;
}

void KeyStore::close_by_id() {
  by_id_closed_ = true;
  by_id_ = {};
  null_entry_ = HashIndex::kNone;
  index_all();
}

void KeyStore::index_all() {
  std::vector<const Column*> parts;
  for (const Column& c : columns_) parts.push_back(&c);
  hash_rows(parts, size_, &hashes_);
  for (size_t e = 0; e < size_; ++e) {
    bool added = false;
    index_.find_or_add(
        hashes_[e], [](uint32_t) { return false; }, &added);
  }
}

bool KeyStore::open_by_pair(const Column& a, const Column& b) {
  constexpr size_t kPlacesMin = 4096;
  constexpr size_t kPlacesPerKey = 8;  // the array takes no more than a hash table would
  if (by_pair_closed_) return false;
  for (size_t k = 0; k < 2; ++k) {
    const Column& c = k == 0 ? a : b;
    if (c.kind != Column::Kind::kIntegers || !c.nulls.empty()) {
      by_pair_closed_ = true;  // what was there before is not looked at again
      return false;
    }
    for (int64_t v : c.integers) most_[k] = std::max(most_[k], static_cast<uint64_t>(v));  // negative: very large
  }
  const size_t height_now = by_pair_.size() / pair_width_;
  if (most_[1] < pair_width_ && most_[0] < height_now) return true;
  const size_t places = std::max(kPlacesMin, (size_ + a.integers.size()) * kPlacesPerKey);
  if (most_[0] >= places || most_[1] >= places) return false;
  const size_t width = std::bit_ceil(most_[1] + 1), height = std::bit_ceil(most_[0] + 1);
  if (width * height > places) return false;
  by_pair_.assign(width * height, HashIndex::kNone);
  pair_width_ = width;
  for (uint32_t e = 0; e < size_; ++e) {
    const auto first = static_cast<size_t>(columns_[0].integers[e]);
    const auto second = static_cast<size_t>(columns_[1].integers[e]);
    by_pair_[first * width + second] = e;
  }
  index_.release();
  return true;
}

void KeyStore::close_by_pair() {
  by_pair_closed_ = true;
  by_pair_ = {};
  index_all();
}

bool KeyStore::find_by_pair(const std::vector<const Column*>& keys, size_t rows, std::vector<uint32_t>* entries,
                            std::vector<uint32_t>* added_rows) {
  if (!open_by_pair(*keys[0], *keys[1])) return false;
  const int64_t* a = keys[0]->integers.data();
  const int64_t* b = keys[1]->integers.data();
  uint32_t* out = entries->data();
  for (size_t row = 0; row < rows; ++row) {
    uint32_t& place = by_pair_[static_cast<size_t>(a[row]) * pair_width_ + static_cast<size_t>(b[row])];
    if (place == HashIndex::kNone) {
      place = static_cast<uint32_t>(size_);
      add(keys, row);
      added_rows->push_back(static_cast<uint32_t>(row));
    }
    out[row] = place;
  }
  return true;
}

bool KeyStore::find_by_id(const Column& key, std::vector<uint32_t>* entries, std::vector<uint32_t>* added_rows) {
  if (!open_by_id(key)) return false;
  uint32_t* out = entries->data();
  const size_t rows = key.size();
  for (size_t row = 0; row < rows; ++row) {
    const uint64_t at = place_of(key, row);
    uint32_t& place = at == kNoId ? null_entry_ : by_id_[at];
    if (place == HashIndex::kNone) {
      place = static_cast<uint32_t>(size_++);
      columns_[0].push_from(key, row);
      added_rows->push_back(static_cast<uint32_t>(row));
    }
    out[row] = place;
  }
  return true;
}

uint32_t KeyStore::find(const std::vector<const Column*>& keys, size_t row, uint64_t hash) const {
  if (!by_id_.empty()) {
    const Column& key = *keys[0];
    const auto entry_at = [this](uint64_t place) {
      return place == kNoId ? null_entry_ : place < by_id_.size() ? by_id_[place] : HashIndex::kNone;
    };
    if (key.is_like(columns_[0])) return entry_at(place_of(key, row));
    // Another kind of column may hold the same keys as values, numbers also as floats.
    const Value v = key.get(row);
    if (v.is_null()) return null_entry_;
    if (columns_[0].kind == Column::Kind::kNodes) return v.is_node() ? entry_at(v.node_id().value) : HashIndex::kNone;
    if (columns_[0].kind == Column::Kind::kRelationships) {
      return v.is_relationship() ? entry_at(v.relationship_id().value) : HashIndex::kNone;
    }
    if (columns_[0].kind == Column::Kind::kWords) {
      int64_t word = 0;
      if (v.type() != columns_[0].word_type.type || !word_of(v, &word)) return HashIndex::kNone;
      return entry_at(place_of(word));
    }
    const std::optional<size_t> number = whole_number(v, by_id_.size());
    return number ? by_id_[*number] : HashIndex::kNone;
  }
  if (!by_pair_.empty()) {
    const std::optional<size_t> first = whole_number(keys[0]->get(row), by_pair_.size());
    const std::optional<size_t> second = whole_number(keys[1]->get(row), pair_width_);
    if (!first || !second) return HashIndex::kNone;
    const size_t place = *first * pair_width_ + *second;
    return place < by_pair_.size() ? by_pair_[place] : HashIndex::kNone;
  }
  return index_.find(hash, [&](uint32_t e) { return same(keys, row, e); });
}

}  // namespace lora::cypher
