#include "graph/catalog.h"

#include <bit>
#include <functional>

namespace lora::graph {

namespace {

uint64_t hash_name(std::string_view name) {
  // std::hash of libstdc++ is a good murmur; the multiplication spreads it where it is not.
  return static_cast<uint64_t>(std::hash<std::string_view>()(name)) * 0x9e3779b97f4a7c15ull;
}

}  // namespace

TokenTable::TokenTable() {
  hashes_.push_back(std::make_unique<Hash>(7));
  hash_.store(hashes_.back().get(), std::memory_order_release);
}

TokenTable::~TokenTable() {
  for (auto& piece : pieces_) {
    delete[] piece.load(std::memory_order_relaxed);
  }
}

const TokenTable::Entry& TokenTable::entry(uint32_t id) const {
  const uint64_t place = uint64_t{id} + (1u << kFirstBits);
  const auto piece = static_cast<uint32_t>(std::bit_width(place)) - 1 - kFirstBits;
  return pieces_[piece].load(std::memory_order_acquire)[place - std::bit_floor(place)];
}

TokenTable::Entry& TokenTable::make_entry(uint32_t id) {
  const uint64_t place = uint64_t{id} + (1u << kFirstBits);
  const auto piece = static_cast<uint32_t>(std::bit_width(place)) - 1 - kFirstBits;
  Entry* entries = pieces_[piece].load(std::memory_order_relaxed);
  if (entries == nullptr) {
    entries = new Entry[size_t{1} << (piece + kFirstBits)];
    pieces_[piece].store(entries, std::memory_order_release);
  }
  return entries[place - (uint64_t{1} << (piece + kFirstBits))];
}

std::optional<uint32_t> TokenTable::find(std::string_view name, uint32_t limit) const {
  const uint64_t code = hash_name(name);
  const Hash* hash = hash_.load(std::memory_order_acquire);
  for (uint32_t i = static_cast<uint32_t>(code) & hash->mask;; i = (i + 1) & hash->mask) {
    const uint64_t slot = hash->slots[i].load(std::memory_order_acquire);
    if (slot == 0) {
      return std::nullopt;
    }
    const uint32_t id = static_cast<uint32_t>(slot) - 1;
    // The limit is checked before the entry is looked at: one beyond it may be changing right now.
    if (static_cast<uint32_t>(slot) != kGone && (slot >> 32) == (code >> 32) && id < limit &&
        entry(id).text() == name) {
      return id;
    }
  }
}

void TokenTable::insert(Hash* hash, uint64_t code, uint32_t id) {
  uint32_t i = static_cast<uint32_t>(code) & hash->mask;
  uint64_t slot = 0;
  while ((slot = hash->slots[i].load(std::memory_order_relaxed)) != 0 && static_cast<uint32_t>(slot) != kGone) {
    i = (i + 1) & hash->mask;
  }
  hash->used += slot == 0 ? 1 : 0;
  hash->slots[i].store((code >> 32 << 32) | (id + 1), std::memory_order_release);
}

void TokenTable::grow() {
  uint32_t bits = 7;
  while ((uint64_t{1} << bits) < uint64_t{size_} * 4) {
    ++bits;
  }
  auto larger = std::make_unique<Hash>(bits);
  for (uint32_t id = 0; id < size_; ++id) {
    insert(larger.get(), hash_name(entry(id).text()), id);
  }
  hashes_.push_back(std::move(larger));
  hash_.store(hashes_.back().get(), std::memory_order_release);
}

std::optional<uint32_t> TokenTable::add(std::string_view name) {
  constexpr uint32_t kTokensMax = kGone - 1;
  if (size_ >= kTokensMax) {
    return std::nullopt;
  }
  Hash* hash = hash_.load(std::memory_order_relaxed);
  if ((uint64_t{hash->used} + 1) * 2 > uint64_t{hash->mask} + 1) {
    grow();
    hash = hash_.load(std::memory_order_relaxed);
  }
  Entry& entry = make_entry(size_);
  entry.name.assign(name);
  entry.value = Value::string(name);
  insert(hash, hash_name(name), size_);
  return size_++;
}

void TokenTable::truncate(uint32_t size) {
  Hash* hash = hash_.load(std::memory_order_relaxed);
  while (size_ > size) {
    const uint32_t id = --size_;
    Entry& gone = make_entry(id);
    const uint64_t code = hash_name(gone.text());
    uint32_t i = static_cast<uint32_t>(code) & hash->mask;
    while (static_cast<uint32_t>(hash->slots[i].load(std::memory_order_relaxed)) != id + 1) {
      i = (i + 1) & hash->mask;
    }
    hash->slots[i].store((code >> 32 << 32) | kGone, std::memory_order_release);
    gone.name = std::string();
    gone.value = Value();
  }
}

}  // namespace lora::graph
