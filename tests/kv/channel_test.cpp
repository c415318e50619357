#include "kv/channel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

namespace lora {
namespace {

TEST(Channel, GivesItemsInOrderAndThenSaysThatItIsClosed) {
  Channel<int> channel(3);
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(channel.push(10 * round + i));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(channel.pop(), 10 * round + i);
  }
  EXPECT_TRUE(channel.push(7));
  channel.close();
  EXPECT_FALSE(channel.push(8));
  EXPECT_EQ(channel.pop(), 7);
  EXPECT_EQ(channel.pop(), std::nullopt);
  EXPECT_EQ(channel.pop(), std::nullopt);
}

TEST(Channel, LeavesWhatItDoesNotTakeAndFreesWhatIsDiscarded) {
  Channel<std::shared_ptr<int>> channel(2);
  const auto first = std::make_shared<int>(1);
  EXPECT_TRUE(channel.push(std::shared_ptr<int>(first)));
  EXPECT_EQ(first.use_count(), 2);
  channel.discard();
  EXPECT_EQ(first.use_count(), 1);
  std::shared_ptr<int> second = std::make_shared<int>(2);
  EXPECT_FALSE(channel.push(std::move(second)));
  ASSERT_NE(second, nullptr);  // NOLINT(bugprone-use-after-move): it says so
  EXPECT_EQ(channel.pop(), std::nullopt);
}

// Under the thread sanitizer: what was made before push() is there after pop().
TEST(Channel, ThreadsHandItemsOver) {
  constexpr int kItems = 20'000;
  Channel<std::unique_ptr<int>> there(4), back(4);
  std::thread doubles([&] {
    while (auto item = there.pop()) {
      **item *= 2;
      if (!back.push(std::move(*item))) return;
    }
    back.close();
  });
  int waiting = 0, next = 0;
  for (int i = 0; i < kItems; ++i) {
    EXPECT_TRUE(there.push(std::make_unique<int>(i)));
    if (++waiting < 8) continue;  // more than one channel holds
    EXPECT_EQ(**back.pop(), 2 * next++);
    --waiting;
  }
  there.close();
  while (const auto item = back.pop()) EXPECT_EQ(**item, 2 * next++);
  doubles.join();
  EXPECT_EQ(next, kItems);
}

// A push beyond the capacity has not come back while nothing was taken, whatever the threads' turns were.
TEST(Channel, HoldsNoMoreThanItsCapacity) {
  Channel<int> channel(2);
  std::atomic<int> pushed{0};
  std::thread pushes([&] {
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE(channel.push(int{i}));
      ++pushed;
    }
    channel.close();
  });
  for (int i = 0; i < 100; ++i) {
    EXPECT_LE(pushed, i + 2);
    std::this_thread::yield();
    EXPECT_EQ(channel.pop(), i);
  }
  pushes.join();
}

// Often, because now and then a thread waits only after the end.
TEST(Channel, WhoWaitsIsWokenByTheEnd) {
  for (int round = 0; round < 200; ++round) {
    Channel<int> full(1), empty(1);
    EXPECT_TRUE(full.push(1));
    std::atomic<int> started{0};
    std::thread pushes([&] {
      ++started;
      EXPECT_FALSE(full.push(2));
    });
    std::thread pops([&] {
      ++started;
      EXPECT_EQ(empty.pop(), std::nullopt);
    });
    while (started < 2) std::this_thread::yield();
    if (round % 2 == 0) std::this_thread::sleep_for(std::chrono::microseconds(100));
    full.discard();
    empty.close();
    pushes.join();
    pops.join();
  }
}

}  // namespace
}  // namespace lora
