#include "kv/stoppable.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace lora {
namespace {

std::vector<std::string> shuffled(size_t count) {
  std::vector<std::string> items;
  for (size_t i = 0; i < count; ++i) items.push_back("a text that is no short string " + std::to_string(i));
  std::shuffle(items.begin(), items.end(), std::mt19937(1));
  return items;
}

TEST(StoppableTest, WithoutAStopTheAlgorithmDoesItsWork) {
  std::vector<std::string> items = shuffled(20'000), sorted = items;
  std::sort(sorted.begin(), sorted.end());
  int ticks = 0;
  const auto tick = [&ticks] {
    ++ticks;
    return Status();
  };
  ASSERT_TRUE(stoppable(tick, std::less<>(), [&](auto less) { std::sort(items.begin(), items.end(), less); }).ok());
  EXPECT_EQ(items, sorted);
  EXPECT_GT(ticks, 100);  // some 20 000 * 14 comparisons
}

TEST(StoppableTest, TicksAsOftenAsAsked) {
  std::vector<int> items(1'000);
  std::iota(items.begin(), items.end(), 0);
  int ticks = 0, comparisons = 0;
  const auto tick = [&ticks] {
    ++ticks;
    return Status();
  };
  const auto less = [&comparisons](int a, int b) {
    ++comparisons;
    return a < b;
  };
  const auto sort = [&](auto compare) { std::sort(items.begin(), items.end(), compare); };
  ASSERT_TRUE(stoppable(tick, less, sort, 10).ok());
  EXPECT_EQ(ticks, comparisons / 10);
}

TEST(StoppableTest, AStopEndsEachAlgorithmAtOnce) {
  for (int kind = 0; kind < 3; ++kind) {
    for (int stop_at : {1, 2, 10}) {
      std::vector<std::string> items = shuffled(20'000);
      int ticks = 0;
      const auto tick = [&] {
        return ++ticks == stop_at ? Status(ErrorCode::kInterrupted, "the query was interrupted") : Status();
      };
      const Status status = stoppable(tick, std::less<>(), [&](auto less) {
        if (kind == 0) std::sort(items.begin(), items.end(), less);
        if (kind == 1) std::stable_sort(items.begin(), items.end(), less);
        if (kind == 2) std::nth_element(items.begin(), items.begin() + 10'000, items.end(), less);
      });
      EXPECT_EQ(status.code(), ErrorCode::kInterrupted);
      EXPECT_EQ(status.message(), "the query was interrupted");
      EXPECT_EQ(ticks, stop_at);
      EXPECT_EQ(items.size(), 20'000u);
    }
  }
}

TEST(StoppableTest, OtherExceptionsPass) {
  std::vector<int> items(100);
  std::iota(items.rbegin(), items.rend(), 0);
  const auto bad = [](int, int) -> bool { throw std::bad_alloc(); };
  const auto sort = [&](auto less) { std::sort(items.begin(), items.end(), less); };
  EXPECT_THROW(static_cast<void>(stoppable([] { return Status(); }, bad, sort)), std::bad_alloc);
}

}  // namespace
}  // namespace lora
