#include "cypher/functions/query_control.h"

#include <gtest/gtest.h>

namespace lora::cypher {
namespace {

constexpr uint64_t kMiB = 1 << 20;

TEST(QueryControlTest, WhatIsChargedTellsTheTime) {
  for (const bool kept : {false, true}) {
    QueryControl control;
    control.deadline = QueryControl::Clock::now() - std::chrono::seconds(1);
    const auto charge = [&](uint64_t bytes) { return kept ? control.charge(bytes) : control.charge_made(bytes); };
    uint64_t charged = 0;
    Status status;
    while (status.ok() && charged < 1024 * kMiB) {
      status = charge(kMiB);
      charged += kMiB;
    }
    EXPECT_EQ(status.code(), ErrorCode::kTimeout);
    EXPECT_LE(charged, 32 * kMiB);
    EXPECT_EQ(control.memory_bytes(), kept ? charged - kMiB : 0) << "what is refused is not charged";
    EXPECT_EQ(charge(200 * kMiB).code(), ErrorCode::kTimeout);
  }
}

TEST(QueryControlTest, SmallChargesAddUp) {
  QueryControl control;
  int polls = 0;
  control.poll = [&polls] {
    ++polls;
    return Status(ErrorCode::kInterrupted, "stop");
  };
  Status status;
  for (int i = 0; i < 100'000 && status.ok(); ++i) status = control.charge(1000);
  EXPECT_EQ(status.code(), ErrorCode::kInterrupted);
  EXPECT_EQ(polls, 1);
}

TEST(QueryControlTest, TheBudgetComesFirst) {
  QueryControl control;
  control.deadline = QueryControl::Clock::now() - std::chrono::seconds(1);
  control.memory_bytes_max = 10 * kMiB;
  EXPECT_TRUE(control.charge(10 * kMiB).ok());
  EXPECT_EQ(control.charge(10 * kMiB).code(), ErrorCode::kMemoryLimit);
}

}  // namespace
}  // namespace lora::cypher
