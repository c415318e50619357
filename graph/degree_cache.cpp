#include "graph/degree_cache.h"

#include <algorithm>
#include <new>

namespace lora::graph {

namespace {

// Neighbouring chunks follow each other, so that the sets fill evenly.
uint64_t hash_of(uint64_t token, uint64_t index) {
  const uint64_t h = (token + 1) * 0x9e3779b97f4a7c15ull;
  return ((h ^ (h >> 29)) >> 8) + index;
}

}  // namespace

DegreeCache::DegreeCache(uint64_t bytes_max) : sets_max_(std::max<uint64_t>(bytes_max / kSetBytes, 16)) {}

DegreeCache::~DegreeCache() {
  std::atomic<Set*>* table = table_.load(std::memory_order_acquire);
  if (table == nullptr) return;
  for (uint64_t i = 0; i < sets_max_; ++i) delete table[i].load(std::memory_order_acquire);
  delete[] table;
}

DegreeCache::Entry* DegreeCache::Set::find(uint64_t token, uint64_t index) {
  for (Entry& entry : entries) {
    if (entry.token == token && entry.index == index) return &entry;
  }
  return nullptr;
}

std::atomic<DegreeCache::Set*>* DegreeCache::place(uint64_t hash) const {
  std::atomic<Set*>* table = table_.load(std::memory_order_seq_cst);
  return table == nullptr ? nullptr : &table[hash % sets_max_];
}

std::optional<uint32_t> DegreeCache::find(uint64_t token, uint64_t index, uint32_t row, uint64_t stamp) const {
  const uint64_t hash = hash_of(token, index);
  const std::atomic<Set*>* at = place(hash);
  Set* set = at == nullptr ? nullptr : at->load(std::memory_order_acquire);
  if (set == nullptr) return std::nullopt;
  const std::lock_guard lock(set->mutex);
  const Entry* entry = set->find(token, index);
  if (entry == nullptr || changed_at(hash).load(std::memory_order_seq_cst) > stamp) return std::nullopt;
  return entry->degrees[row];
}

bool DegreeCache::accepts(uint64_t token, uint64_t index, uint64_t stamp) const {
  return changed_at(hash_of(token, index)).load(std::memory_order_seq_cst) <= stamp;
}

void DegreeCache::insert(uint64_t token, uint64_t index, uint64_t stamp, const uint32_t* degrees) {
  const uint64_t hash = hash_of(token, index);
  if (place(hash) == nullptr) {
    auto* fresh = new (std::nothrow) std::atomic<Set*>[sets_max_]();
    std::atomic<Set*>* none = nullptr;
    if (fresh == nullptr) return;
    if (!table_.compare_exchange_strong(none, fresh, std::memory_order_seq_cst)) delete[] fresh;
  }
  std::atomic<Set*>& at = *place(hash);
  Set* set = at.load(std::memory_order_acquire);
  if (set == nullptr) {
    Set* fresh = new (std::nothrow) Set;
    if (fresh == nullptr) return;
    if (at.compare_exchange_strong(set, fresh, std::memory_order_acq_rel)) {
      set = fresh;
      sets_made_.fetch_add(1, std::memory_order_relaxed);
    } else {
      delete fresh;
    }
  }
  const std::lock_guard lock(set->mutex);
  // The writer notes a change first and looks for the set then; here it is the other way round. So one of both sees
  // what the other has done.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (changed_at(hash).load(std::memory_order_seq_cst) > stamp) return;
  Entry* entry = set->find(token, index);
  if (entry == nullptr) entry = &set->entries[set->next++ % kWays];
  entry->token = token;
  entry->index = index;
  std::copy_n(degrees, kNodes, entry->degrees.begin());
}

void DegreeCache::changed(uint64_t token, uint64_t index, uint64_t stamp) {
  const uint64_t hash = hash_of(token, index);
  changed_at(hash).store(stamp, std::memory_order_seq_cst);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::atomic<Set*>* at = place(hash);
  Set* set = at == nullptr ? nullptr : at->load(std::memory_order_seq_cst);
  if (set == nullptr) return;
  const std::lock_guard lock(set->mutex);
  if (Entry* entry = set->find(token, index)) entry->token = kNone;
}

void DegreeCache::changed_all(uint64_t stamp) {
  for (auto& changed : changed_) changed.store(stamp, std::memory_order_seq_cst);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  clear();
}

void DegreeCache::clear() {
  std::atomic<Set*>* table = table_.load(std::memory_order_seq_cst);
  if (table == nullptr) return;
  for (uint64_t i = 0; i < sets_max_; ++i) {
    Set* set = table[i].load(std::memory_order_seq_cst);
    if (set == nullptr) continue;
    const std::lock_guard lock(set->mutex);
    for (Entry& entry : set->entries) entry.token = kNone;
  }
}

}  // namespace lora::graph
