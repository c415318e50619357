#include "tools/id_table.h"

#include <functional>
#include <utility>

namespace lora::tools {

namespace {

uint64_t hash_of(std::string_view id) {
  return std::hash<std::string_view>()(id);
}

}  // namespace

size_t IdTable::slot_of(std::string_view id, uint64_t hash) const {
  const size_t mask = slots_.size() - 1;
  const auto code = static_cast<uint32_t>(hash >> 32);
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.entry == 0) return at;
    if (slot.code != code) continue;
    const Entry& entry = entries_[slot.entry - 1];
    if (std::string_view(bytes_).substr(entry.begin, entry.bytes) == id) return at;
  }
}

void IdTable::grow() {
  std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.empty() ? 1024 : slots_.size() * 2));
  const size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.entry == 0) continue;
    const Entry& entry = entries_[slot.entry - 1];
    size_t at = hash_of(std::string_view(bytes_).substr(entry.begin, entry.bytes)) & mask;
    while (slots_[at].entry != 0) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

bool IdTable::add(std::string_view id, uint32_t node) {
  if ((entries_.size() + 1) * 4 > slots_.size() * 3) grow();
  const uint64_t hash = hash_of(id);
  Slot& slot = slots_[slot_of(id, hash)];
  if (slot.entry != 0) return false;
  entries_.push_back({bytes_.size(), static_cast<uint32_t>(id.size()), node});
  bytes_.append(id);
  slot = {static_cast<uint32_t>(entries_.size()), static_cast<uint32_t>(hash >> 32)};
  return true;
}

std::optional<uint32_t> IdTable::find(std::string_view id) const {
  if (slots_.empty()) return std::nullopt;
  const Slot& slot = slots_[slot_of(id, hash_of(id))];
  if (slot.entry == 0) return std::nullopt;
  return entries_[slot.entry - 1].node;
}

}  // namespace lora::tools
