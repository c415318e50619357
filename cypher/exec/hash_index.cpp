#include "cypher/exec/hash_index.h"

#include <cmath>
#include <cstring>

namespace lora::cypher {

namespace {

constexpr uint64_t kNullHash = 0x9ae16a3b2f90404full;
constexpr uint64_t kNodeSalt = 0xc3a5c85c97cb3127ull;
constexpr uint64_t kRelationshipSalt = 0xb492b66fbe98f273ull;
constexpr size_t kRecentCount = 256;

uint64_t hash_integer(int64_t v) {
  return mix_hash(static_cast<uint64_t>(v));
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

uint64_t hash_at(const Column& c, size_t row) {
  switch (c.kind) {
    case Column::Kind::kEmpty: return kNullHash;
    case Column::Kind::kValues: return hash_value(c.values[row]);
    case Column::Kind::kNodes: return c.ids[row] == kNoId ? kNullHash : mix_hash(c.ids[row] ^ kNodeSalt);
    case Column::Kind::kRelationships:
      return c.ids[row] == kNoId ? kNullHash : mix_hash(c.ids[row] ^ kRelationshipSalt);
    case Column::Kind::kIntegers: return c.is_null(row) ? kNullHash : hash_integer(c.integers[row]);
    case Column::Kind::kFloats: return c.is_null(row) ? kNullHash : hash_float(c.floats[row]);
  }
  return kNullHash;
}

// The same 16 bytes: the same inline value or the same shared one.
bool same_bits(const Value& a, const Value& b) {
  return std::memcmp(&a, &b, sizeof(Value)) == 0;
}

size_t recent_place(const Value& v) {
  uint64_t words[2];
  std::memcpy(words, &v, sizeof words);
  return (mix_hash(words[0] ^ (words[1] * 0x9e3779b97f4a7c15ull)) >> 7) % kRecentCount;
}

}  // namespace

uint64_t hash_value(const Value& v) {
  switch (v.type()) {
    case ValueType::kNull: return kNullHash;
    case ValueType::kInteger: return hash_integer(v.as_integer());
    case ValueType::kFloat: return hash_float(v.as_float());
    case ValueType::kNode: return mix_hash(v.node_id().value ^ kNodeSalt);
    case ValueType::kRelationship: return mix_hash(v.relationship_id().value ^ kRelationshipSalt);
    case ValueType::kString: {
      const std::string_view text = v.as_string();
      if (text.size() > 16) return hash(v);
      uint64_t words[2] = {};
      std::memcpy(words, text.data(), text.size());
      return mix_hash(words[0] ^ mix_hash(words[1] + (text.size() << 56)));
    }
    default: return hash(v);
  }
}

bool equal_at(const Column& a, size_t row_a, const Column& b, size_t row_b) {
  if (a.kind == b.kind) {
    switch (a.kind) {
      case Column::Kind::kEmpty: return true;
      case Column::Kind::kValues:
        return same_bits(a.values[row_a], b.values[row_b]) || equivalent(a.values[row_a], b.values[row_b]);
      case Column::Kind::kNodes:
      case Column::Kind::kRelationships: return a.ids[row_a] == b.ids[row_b];
      case Column::Kind::kIntegers: {
        const bool null_a = a.is_null(row_a), null_b = b.is_null(row_b);
        return null_a || null_b ? null_a && null_b : a.integers[row_a] == b.integers[row_b];
      }
      case Column::Kind::kFloats: {
        const bool null_a = a.is_null(row_a), null_b = b.is_null(row_b);
        if (null_a || null_b) return null_a && null_b;
        const double x = a.floats[row_a], y = b.floats[row_b];
        return x == y || (std::isnan(x) && std::isnan(y));
      }
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
  const size_t size = slots_.empty() ? 64 : slots_.size() * 2;
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
  index_.clear();
  recent_.clear();
}

void KeyStore::release() {
  for (Column& c : columns_) c.trim();
  recent_.clear();
  if (index_.size() > kBatchRowsMax) {
    index_.release();
  } else {
    index_.clear();
  }
}

size_t KeyStore::heap_bytes() const {
  size_t bytes = index_.heap_bytes();
  for (const Column& c : columns_) bytes += c.heap_bytes();
  return bytes;
}

void KeyStore::hash_rows(const std::vector<const Column*>& keys, size_t rows, std::vector<uint64_t>* hashes) {
  hashes->resize(rows);
  uint64_t* out = hashes->data();
  for (size_t k = 0; k < keys.size(); ++k) {
    const Column& c = *keys[k];
    for (size_t i = 0; i < rows; ++i) {
      const uint64_t h = hash_at(c, i);
      out[i] = k == 0 ? h : mix_hash(out[i] * 31 + h);
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
}

void KeyStore::find_or_add(const std::vector<const Column*>& keys, size_t rows, std::vector<uint32_t>* entries,
                           std::vector<uint32_t>* added_rows) {
  entries->resize(rows);
  added_rows->clear();
  const bool boxed = keys.size() == 1 && keys[0]->kind == Column::Kind::kValues;
  if (boxed) {
    if (recent_.empty()) recent_.resize(kRecentCount);
  } else {
    hash_rows(keys, rows, &hashes_);
  }
  for (size_t row = 0; row < rows; ++row) {
    Recent* recent = nullptr;
    uint64_t hash;
    if (boxed) {
      const Value& v = keys[0]->values[row];
      recent = &recent_[recent_place(v)];
      if (recent->entry != HashIndex::kNone && same_bits(recent->value, v)) {
        (*entries)[row] = recent->entry;
        continue;
      }
      hash = hash_value(v);
    } else {
      hash = hashes_[row];
    }
    bool added = false;
    const uint32_t entry = index_.find_or_add(
        hash, [&](uint32_t e) { return same(keys, row, e); }, &added);
    if (added) {
      add(keys, row);
      added_rows->push_back(static_cast<uint32_t>(row));
    }
    if (recent != nullptr) {
      recent->value = keys[0]->values[row];
      recent->entry = entry;
    }
    (*entries)[row] = entry;
  }
}

uint32_t KeyStore::find(const std::vector<const Column*>& keys, size_t row, uint64_t hash) const {
  return index_.find(hash, [&](uint32_t e) { return same(keys, row, e); });
}

}  // namespace lora::cypher
