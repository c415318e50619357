#include "graph/property_hash.h"

#include <algorithm>
#include <bit>
#include <mutex>
#include <utility>

#include "kv/contain.h"

namespace lora::graph {

namespace {

constexpr uint64_t kEmpty = ~uint64_t{0};
constexpr uint32_t kScansBefore = 2;  // scans of a key before a table for it
constexpr std::chrono::seconds kScansWithin{10};
constexpr uint64_t kNodesMin = 256;  // a scan of fewer is as quick as a lookup
constexpr size_t kRunMax = 512;      // slots that one lookup or insertion may look at
constexpr size_t kSlotBytes = sizeof(uint64_t) + sizeof(uint32_t);

uint32_t short_hash(const Value& value) {
  const uint64_t h = hash(value);
  return static_cast<uint32_t>(h ^ (h >> 32));
}

// Slots are a power of two; the high bits of a multiplication spread what the low bits of the hash lack.
size_t first_slot(uint32_t hash, size_t slots) {
  return static_cast<size_t>((hash * uint64_t{0x9e3779b97f4a7c15}) >> (64 - std::countr_zero(slots)));
}

}  // namespace

bool PropertyHashes::candidates(uint64_t version, KeyId key, const Value& value, std::vector<uint64_t>* ids) const {
  if (!wanted()) {
    return false;
  }
  const std::shared_lock lock(mutex_);
  const auto it = tables_.find(key.value);
  if (it == tables_.end() || !it->second.ready || version < it->second.version) {
    return false;
  }
  if (value.is_null()) {
    return true;  // equal to nothing
  }
  const Table& table = it->second;
  const uint32_t wanted_hash = short_hash(value);
  const size_t mask = table.ids.size() - 1;
  const size_t before = ids->size();
  for (size_t slot = first_slot(wanted_hash, table.ids.size()); table.ids[slot] != kEmpty; slot = (slot + 1) & mask) {
    if (table.hashes[slot] == wanted_hash) {
      ids->push_back(table.ids[slot]);
    }
  }
  const auto begin = ids->begin() + static_cast<std::ptrdiff_t>(before);
  std::sort(begin, ids->end());
  ids->erase(std::unique(begin, ids->end()), ids->end());
  return true;
}

bool PropertyHashes::scan_pays(KeyId key, uint64_t nodes) {
  if (nodes < kNodesMin) {
    return false;
  }
  const std::unique_lock lock(mutex_);
  Scans& scans = scans_[key.value];
  const Clock::time_point now = Clock::now();
  if (scans.refused) {
    return false;
  }
  if (now - scans.last > kScansWithin) {
    scans.count = 0;
  }
  scans.last = now;
  return scans.count++ >= kScansBefore;
}

uint64_t PropertyHashes::begin(uint64_t version, KeyId key, uint64_t nodes) {
  const std::unique_lock lock(mutex_);
  if (tables_.contains(key.value)) {
    return 0;
  }
  const size_t slots = std::bit_ceil(std::max<uint64_t>(nodes * 10 / 7 + 1, 1024));
  if (slots * kSlotBytes > bytes_max_) {
    scans_[key.value].refused = true;
    return 0;
  }
  while (bytes() + slots * kSlotBytes > bytes_max_) {
    erase(std::min_element(tables_.begin(), tables_.end(),
                           [](const auto& a, const auto& b) { return a.second.number < b.second.number; }));
  }
  Table table;
  table.version = version;
  table.number = last_number_ + 1;
  table.ids.assign(slots, kEmpty);
  table.hashes.resize(slots);
  tables_.emplace(key.value, std::move(table));
  bytes_.fetch_add(slots * kSlotBytes, std::memory_order_relaxed);
  tables_count_.store(static_cast<uint32_t>(tables_.size()), std::memory_order_relaxed);
  return ++last_number_;
}

bool PropertyHashes::fill(KeyId key, uint64_t number, std::span<const uint64_t> ids, std::span<const Value> values) {
  const std::unique_lock lock(mutex_);
  const auto it = find(key, number);
  if (it == tables_.end()) {
    return false;
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    if (!values[i].is_null() && !insert(it->second, short_hash(values[i]), ids[i])) {
      scans_[key.value].refused = true;
      erase(it);
      return false;
    }
  }
  return true;
}

void PropertyHashes::finish(KeyId key, uint64_t number) {
  const std::unique_lock lock(mutex_);
  if (const auto it = find(key, number); it != tables_.end()) {
    it->second.ready = true;
    it->second.filled = it->second.count;
  }
}

void PropertyHashes::drop(KeyId key, uint64_t number) {
  const std::unique_lock lock(mutex_);
  if (const auto it = find(key, number); it != tables_.end()) {
    erase(it);
  }
}

void PropertyHashes::add(KeyId key, const Value& value, uint64_t id) {
  const std::unique_lock lock(mutex_);
  const auto it = tables_.find(key.value);
  if (it == tables_.end() || value.is_null()) {
    return;
  }
  Table& table = it->second;
  // Most of a table that has grown so far may be stale: the next scans make a new one.
  const bool stale = table.ready && table.count > 4 * table.filled + 4096;
  if (stale || !insert(table, short_hash(value), id)) {
    erase(it);
  }
}

void PropertyHashes::clear() {
  const std::unique_lock lock(mutex_);
  while (!tables_.empty()) {
    erase(tables_.begin());
  }
  scans_.clear();
}

bool PropertyHashes::insert(Table& table, uint32_t hash, uint64_t id) {
  if ((table.count + 1) * 10 > table.ids.size() * 7) {
    if (bytes() + table.ids.size() * kSlotBytes > bytes_max_) {
      return false;
    }
    const Status grown = contain([&] {
      resize(table, table.ids.size() * 2);
      return Status();
    });
    if (!grown.ok()) {
      return false;
    }
  }
  const size_t mask = table.ids.size() - 1;
  size_t slot = first_slot(hash, table.ids.size());
  for (size_t steps = 0; table.ids[slot] != kEmpty; slot = (slot + 1) & mask) {
    if ((table.ids[slot] == id && table.hashes[slot] == hash) || ++steps > kRunMax) {
      return steps <= kRunMax;
    }
  }
  table.ids[slot] = id;
  table.hashes[slot] = hash;
  ++table.count;
  return true;
}

void PropertyHashes::resize(Table& table, size_t slots) {
  std::vector<uint64_t> ids(slots, kEmpty);
  std::vector<uint32_t> hashes(slots);
  const size_t mask = slots - 1;
  for (size_t i = 0; i < table.ids.size(); ++i) {
    if (table.ids[i] == kEmpty) {
      continue;
    }
    size_t slot = first_slot(table.hashes[i], slots);
    while (ids[slot] != kEmpty) {
      slot = (slot + 1) & mask;
    }
    ids[slot] = table.ids[i];
    hashes[slot] = table.hashes[i];
  }
  bytes_.fetch_add((slots - table.ids.size()) * kSlotBytes, std::memory_order_relaxed);
  table.ids = std::move(ids);
  table.hashes = std::move(hashes);
}

std::map<uint32_t, PropertyHashes::Table>::iterator PropertyHashes::find(KeyId key, uint64_t number) {
  const auto it = tables_.find(key.value);
  return it != tables_.end() && it->second.number == number ? it : tables_.end();
}

void PropertyHashes::erase(std::map<uint32_t, Table>::iterator table) {
  bytes_.fetch_sub(table->second.ids.size() * kSlotBytes, std::memory_order_relaxed);
  tables_.erase(table);
  tables_count_.store(static_cast<uint32_t>(tables_.size()), std::memory_order_relaxed);
}

}  // namespace lora::graph
