#include "graph/packed_ids.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace lora::graph {
namespace {

TEST(PackedIds, WidthsAreTheBytesOfTheLargest) {
  EXPECT_EQ(packed_id_width(0), 1u);
  for (uint32_t bytes = 1; bytes < 8; ++bytes) {
    const uint64_t above = uint64_t{1} << (8 * bytes);
    EXPECT_EQ(packed_id_width(above - 1), bytes);
    EXPECT_EQ(packed_id_width(above), bytes + 1);
  }
  EXPECT_EQ(packed_id_width(~uint64_t{0}), 8u);
}

// In exactly the memory that is promised: the address sanitizer sees any byte beyond.
TEST(PackedIds, OfAnyWidthComeBackAndLeaveTheOthers) {
  std::mt19937_64 random(7);
  for (uint32_t width = 1; width <= 8; ++width) {
    constexpr size_t kIds = 50;
    std::vector<char> memory(kIds * width + kPackedIdSlack, '\x5a');
    std::vector<uint64_t> model(kIds, 0);
    for (size_t i = 0; i < kIds; ++i) put_packed_id(memory.data(), width, i, 0);
    for (int step = 0; step < 1'000; ++step) {
      const size_t at = random() % kIds;
      model[at] = random() >> (64 - 8 * width);
      if (random() % 4 == 0) model[at] = ~uint64_t{0} >> (64 - 8 * width);
      put_packed_id(memory.data(), width, at, model[at]);
    }
    for (size_t i = 0; i < kIds; ++i) EXPECT_EQ(packed_id(memory.data(), width, i), model[i]) << width << " " << i;
    with_packed_ids(memory.data(), width, [&](auto ids) {
      for (size_t i = 0; i < kIds; ++i) EXPECT_EQ(ids[i], model[i]) << width << " " << i;
    });
    for (const size_t count : {0, 1, 2, 7, 8, 9, 50}) {
      std::vector<char> packed(count * width + kPackedIdSlack, '\x5a');
      pack_ids(model.data(), count, width, packed.data());
      for (size_t i = 0; i < count; ++i) EXPECT_EQ(packed_id(packed.data(), width, i), model[i]) << width << " " << i;
      for (size_t i = count * width; i < packed.size(); ++i) EXPECT_EQ(packed[i], '\x5a') << width << " of " << count;
    }
    for (size_t from : {0, 1, 2, 3, 45, 47, 50}) {
      const size_t count = kIds - from;
      std::vector<uint64_t> out(count);
      unpack_ids(memory.data(), width, from, count, out.data());
      EXPECT_TRUE(std::equal(out.begin(), out.end(), model.begin() + static_cast<std::ptrdiff_t>(from))) << width;
    }
    for (size_t i = kIds * width; i < memory.size(); ++i) EXPECT_EQ(memory[i], '\x5a');
  }
}

}  // namespace
}  // namespace lora::graph
