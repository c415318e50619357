#include "graph/catalog.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace lora::graph {
namespace {

TEST(TokenTableTest, NamesAndIdsFindEachOther) {
  TokenTable table;
  for (uint32_t i = 0; i < 10'000; ++i) ASSERT_EQ(table.add("name" + std::to_string(i)), i);
  for (uint32_t i = 0; i < 10'000; ++i) {
    ASSERT_EQ(table.find("name" + std::to_string(i), table.size()), i);
    ASSERT_EQ(table.name(i), "name" + std::to_string(i));
  }
  EXPECT_FALSE(table.find("other", table.size()));
  EXPECT_EQ(table.name_value(77).as_string(), "name77");
}

TEST(TokenTableTest, TokensBeyondTheLimitAreNotSeen) {
  TokenTable table;
  table.add("a");
  table.add("b");
  EXPECT_FALSE(table.find("b", 1));
  EXPECT_TRUE(table.find("b", 2));
}

TEST(TokenTableTest, TruncatedTokensAreForgottenAndTheirIdsUsedAgain) {
  TokenTable table;
  table.add("stays");
  for (int round = 0; round < 1'000; ++round) {
    ASSERT_EQ(table.add("x" + std::to_string(round)), 1u);
    table.truncate(1);
    ASSERT_FALSE(table.find("x" + std::to_string(round), 5));
    ASSERT_EQ(table.find("stays", 1), 0u);
  }
}

TEST(TokenTableTest, ReadersBesideTheWriterSeeWhatIsBelowTheirLimit) {
  TokenTable table;
  std::atomic<uint32_t> published{0};
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop.load()) {
      const uint32_t limit = published.load(std::memory_order_acquire);
      for (uint32_t i = limit > 50 ? limit - 50 : 0; i < limit; ++i) {
        ASSERT_EQ(table.find("t" + std::to_string(i), limit), i);
      }
      ASSERT_FALSE(table.find("gone" + std::to_string(limit), limit));
    }
  });
  for (uint32_t i = 0; i < 5'000; ++i) {
    table.add("gone" + std::to_string(i));
    table.truncate(i);
    table.add("t" + std::to_string(i));
    published.store(i + 1, std::memory_order_release);
  }
  stop = true;
  reader.join();
}

}  // namespace
}  // namespace lora::graph
