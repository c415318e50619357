#include "cypher/import/id_table.h"

#include <bit>
#include <cstring>
#include <functional>
#include <utility>

namespace lora::cypher {

uint64_t IdTable::word_of(std::string_view id) {
  if (id.size() > kShortBytes) return std::hash<std::string_view>()(id);
  uint64_t word = 0;
  std::memcpy(&word, id.data(), id.size());
  return word;
}

// The upper bits of a product, which depend on all bits of the word (Knuth's multiplicative hashing).
size_t IdTable::home_of(uint64_t word) const {
  return (word * 0x9e3779b97f4a7c15u) >> (64 - std::countr_zero(slots_.size()));
}

size_t IdTable::slot_of(std::string_view id, uint64_t word) const {
  for (size_t at = home_of(word);; at = (at + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[at];
    if (slot.number == 0) return at;
    if (slot.word != word || slot.bytes != id.size()) continue;
    if (id.size() <= kShortBytes ||
        std::string_view(long_bytes_).substr(long_ids_[slot.number - 1].begin, slot.bytes) == id) {
      return at;
    }
  }
}

void IdTable::grow() {
  const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.empty() ? 1024 : slots_.size() * 2));
  for (const Slot& slot : old) {
    if (slot.number == 0) continue;
    size_t at = home_of(slot.word);
    while (slots_[at].number != 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = slot;
  }
}

bool IdTable::add(std::string_view id, uint32_t node) {
  if ((used_ + 1) * 4 > slots_.size() * 3) grow();
  const uint64_t word = word_of(id);
  Slot& slot = slots_[slot_of(id, word)];
  if (slot.number != 0) return false;
  slot = {word, node + 1, static_cast<uint32_t>(id.size())};
  if (id.size() > kShortBytes) {
    long_ids_.push_back({long_bytes_.size(), node});
    long_bytes_.append(id);
    slot.number = static_cast<uint32_t>(long_ids_.size());
  }
  ++used_;
  return true;
}

std::optional<uint32_t> IdTable::find(std::string_view id) const {
  if (slots_.empty()) return std::nullopt;
  const Slot& slot = slots_[slot_of(id, word_of(id))];
  if (slot.number == 0) return std::nullopt;
  return id.size() <= kShortBytes ? slot.number - 1 : long_ids_[slot.number - 1].node;
}

}  // namespace lora::cypher
