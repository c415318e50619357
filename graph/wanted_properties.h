// Which properties of entities somebody will look at.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "graph/cache/entity_block.h"
#include "graph/ids.h"

namespace lora::graph {

// Those of some keys, or all.
class WantedProperties {
 public:
  WantedProperties() = default;  // none
  explicit WantedProperties(KeyId key) { add(key); }
  static WantedProperties all() {
    WantedProperties wanted;
    wanted.all_ = true;
    return wanted;
  }

  bool is_all() const { return all_; }
  std::span<const KeyId> keys() const { return {keys_.data(), count_}; }  // unless all
  bool has(KeyId key) const { return all_ || std::ranges::find(keys(), key) != keys().end(); }
  bool has(const WantedProperties& other) const {
    return all_ || (!other.all_ && std::ranges::all_of(other.keys(), [this](KeyId key) { return has(key); }));
  }
  void add(KeyId key) {
    if (has(key)) return;
    if (count_ == keys_.size()) {
      all_ = true;
    } else {
      keys_[count_++] = key;
    }
  }
  void add(const WantedProperties& other) {
    all_ |= other.all_;
    for (const KeyId key : other.keys()) add(key);
  }
  // Has the block what is wanted, as far as it is there?
  bool are_loaded(const cache::EntityBlock& block) const {
    return block.is_whole() ||
           (!all_ && std::ranges::all_of(keys(), [&block](KeyId key) { return block.has_loaded(key); }));
  }

 private:
  bool all_ = false;
  uint8_t count_ = 0;
  std::array<KeyId, 6> keys_;  // of more, all
};

}  // namespace lora::graph
