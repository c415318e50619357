#include "kv/sync_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace lora::kv {
namespace {

using Turn = SyncQueue::Turn;
constexpr std::chrono::microseconds kSync{100};

TEST(SyncQueueTest, OneThreadAlwaysLeadsAndNeverGathers) {
  SyncQueue queue;
  for (uint64_t n = 1; n <= 3; ++n) {
    ASSERT_EQ(queue.wait(n), Turn::kLeads);
    const auto begin = std::chrono::steady_clock::now();
    queue.gather();
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
    queue.finish(n, std::chrono::hours(1), false);
    EXPECT_EQ(queue.covered(), n);
    EXPECT_EQ(queue.wait(n), Turn::kCovered);
  }
}

TEST(SyncQueueTest, WhatIsCoveredNeverFalls) {
  SyncQueue queue;
  queue.set_covered(7);
  EXPECT_EQ(queue.wait(7), Turn::kCovered);
  ASSERT_EQ(queue.wait(8), Turn::kLeads);
  queue.finish(0, {}, false);
  EXPECT_EQ(queue.covered(), 7u);
}

TEST(SyncQueueTest, AFailureEndsEveryWaitForGood) {
  SyncQueue queue;
  ASSERT_EQ(queue.wait(1), Turn::kLeads);
  std::atomic<int> stopped{0};
  std::vector<std::thread> threads;
  for (uint64_t n = 1; n <= 4; ++n) {
    threads.emplace_back([&, n] { stopped += queue.wait(n) == Turn::kStopped; });
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  queue.finish(0, kSync, true);
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(stopped, 4);
  EXPECT_EQ(queue.wait(9), Turn::kStopped);
  EXPECT_EQ(queue.wait(0), Turn::kCovered);
}

// Every thread writes (takes the next number), then waits for it or leads. A lead is held by one thread at a time, and
// nobody returns before a lead that began after its write has ended.
TEST(SyncQueueTest, EveryWaitEndsCoveredByALeadThatBeganAfterIt) {
  SyncQueue queue;
  constexpr int kThreads = 8;
  constexpr uint64_t kEach = 400;
  std::atomic<uint64_t> written{0}, leads{0};
  std::atomic<int> leading{0}, wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (uint64_t i = 0; i < kEach; ++i) {
        const uint64_t number = ++written;
        const Turn turn = queue.wait(number);
        if (turn == Turn::kLeads) {
          wrong += ++leading != 1;
          queue.gather();
          const uint64_t target = written;
          std::this_thread::sleep_for(kSync);
          ++leads;
          --leading;
          queue.finish(target, kSync, false);
        } else {
          wrong += turn != Turn::kCovered;
        }
        wrong += queue.covered() < number;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(queue.covered(), kThreads * kEach);
  EXPECT_LT(leads, kThreads * kEach);
}

}  // namespace
}  // namespace lora::kv
