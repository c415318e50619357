// Strong ids. Nodes and relationships have separate id spaces, 0 to 2^48 - 1, dense, ascending, never reused.
// Labels, relationship types and property keys are small integers from the catalog ("tokens").
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace lora {

template <typename Tag, typename Int>
struct Id {
  Int value = static_cast<Int>(-1);
  constexpr Id() = default;
  constexpr explicit Id(Int v) : value(v) {}
  constexpr bool valid() const { return value != static_cast<Int>(-1); }
  friend constexpr auto operator<=>(const Id&, const Id&) = default;
};

using NodeId = Id<struct NodeTag, uint64_t>;
using RelId = Id<struct RelTag, uint64_t>;
using LabelId = Id<struct LabelTag, uint32_t>;
using RelTypeId = Id<struct RelTypeTag, uint32_t>;
using KeyId = Id<struct KeyTag, uint32_t>;
using IndexId = Id<struct IndexTag, uint32_t>;

inline constexpr uint64_t kIdMax = (uint64_t{1} << 48) - 1;
// In columns of raw ids: no entity (null).
inline constexpr uint64_t kNoId = ~uint64_t{0};

enum class Direction : uint8_t { kOut = 0, kIn = 1, kBoth = 2 };
constexpr Direction reverse(Direction d) {
  return d == Direction::kOut ? Direction::kIn : d == Direction::kIn ? Direction::kOut : Direction::kBoth;
}

}  // namespace lora

template <typename Tag, typename Int>
struct std::hash<lora::Id<Tag, Int>> {
  size_t operator()(const lora::Id<Tag, Int>& id) const noexcept { return std::hash<Int>()(id.value); }
};
