#include "graph/changes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace lora::graph {
namespace {

// Ascending runs of all lengths, as bulk inserts bring them, and single items in any order.
TEST(DirtyListTest, LikeASet) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    std::mt19937_64 random(seed);
    const uint64_t longest = uint64_t{1} << seed;
    DirtyList<uint64_t, 2> list;
    std::set<uint64_t> model;
    while (model.size() < 30'000) {
      uint64_t item = random() % 100'000;
      for (uint64_t left = 1 + random() % longest; left > 0; --left, item += random() % 8) {
        list.add(item);
        model.insert(item);
      }
      if (random() % 1'000 == 0) {
        ASSERT_TRUE(std::ranges::equal(list.sort(), model)) << seed;
      }
    }
    ASSERT_TRUE(std::ranges::equal(list.sort(), model)) << seed;
    ASSERT_TRUE(std::ranges::equal(list.sort(), model)) << seed;
  }
}

TEST(DirtyListTest, AStatementIsTakenBackUnlessTheOrderHasChanged) {
  DirtyList<int> list;
  for (int item : {5, 3, 4}) list.add(item);
  list.begin_statement();
  list.add(9);
  list.rollback_statement();
  EXPECT_EQ(list.items(), (std::vector<int>{5, 3, 4}));
  list.begin_statement();
  list.add(1);
  list.sort();
  list.rollback_statement();  // marks too much, never too little
  EXPECT_EQ(list.items(), (std::vector<int>{1, 3, 4, 5}));
}

}  // namespace
}  // namespace lora::graph
