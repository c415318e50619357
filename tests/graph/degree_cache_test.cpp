#include "graph/degree_cache.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace lora::graph {
namespace {

using Degrees = std::array<uint32_t, DegreeCache::kNodes>;

Degrees all(uint32_t degree) {
  Degrees degrees;
  degrees.fill(degree);
  return degrees;
}

TEST(DegreeCache, AnswersWhatWasInserted) {
  DegreeCache cache(1 << 20);
  EXPECT_EQ(cache.find(1, 2, 3, 10), std::nullopt);
  Degrees degrees = all(5);
  degrees[63] = 7;
  cache.insert(1, 2, 10, degrees.data());
  EXPECT_EQ(cache.find(1, 2, 3, 10), 5u);
  EXPECT_EQ(cache.find(1, 2, 63, 10), 7u);
  EXPECT_EQ(cache.find(1, 3, 3, 10), std::nullopt);
  EXPECT_EQ(cache.find(0, 2, 3, 10), std::nullopt);
  cache.insert(1, 2, 10, all(6).data());
  EXPECT_EQ(cache.find(1, 2, 3, 10), 6u);
}

TEST(DegreeCache, AChangeIsSeenByTheVersionsItIsIn) {
  DegreeCache cache(1 << 20);
  cache.insert(1, 2, 10, all(5).data());
  cache.changed(1, 2, 20);
  EXPECT_EQ(cache.find(1, 2, 0, 20), std::nullopt);
  EXPECT_EQ(cache.find(1, 2, 0, 10), std::nullopt);
  cache.insert(1, 2, 10, all(5).data());  // by a reader of the older version: too late
  EXPECT_EQ(cache.find(1, 2, 0, 20), std::nullopt);
  cache.insert(1, 2, 20, all(6).data());
  EXPECT_EQ(cache.find(1, 2, 0, 20), 6u);
  EXPECT_EQ(cache.find(1, 2, 0, 25), 6u);
  EXPECT_EQ(cache.find(1, 2, 0, 10), std::nullopt) << "an older version has the older degrees";
  EXPECT_TRUE(cache.accepts(1, 2, 20));
  EXPECT_FALSE(cache.accepts(1, 2, 10));
  cache.changed_all(30);
  EXPECT_EQ(cache.find(1, 2, 0, 30), std::nullopt);
  cache.insert(1, 2, 25, all(6).data());
  EXPECT_EQ(cache.find(1, 2, 0, 30), std::nullopt);
  cache.insert(1, 2, 30, all(0).data());
  EXPECT_EQ(cache.find(1, 2, 0, 31), 0u);
  cache.clear();
  EXPECT_EQ(cache.find(1, 2, 0, 31), std::nullopt);
}

TEST(DegreeCache, StaysWithinItsBytes) {
  DegreeCache cache(100'000);
  for (uint64_t i = 0; i < 10'000; ++i) cache.insert(i % 3, i, 1, all(static_cast<uint32_t>(i)).data());
  EXPECT_LE(cache.bytes(), cache.bytes_max());
  EXPECT_LE(cache.bytes_max(), 100'000u);
  uint64_t known = 0;
  for (uint64_t i = 0; i < 10'000; ++i) {
    if (const auto degree = cache.find(i % 3, i, 9, 1)) {
      EXPECT_EQ(*degree, i);
      ++known;
    }
  }
  EXPECT_GT(known, 200u);
  EXPECT_EQ(DegreeCache(0).bytes(), 0u);
}

// A chunk's degree is the stamp of its last change. Readers leave and take what their version says, and must never see
// more than it, or less.
TEST(DegreeCache, ReadersBesideAWriterSeeTheirVersion) {
  DegreeCache cache(1 << 20);
  std::atomic<uint64_t> published{1};
  std::atomic<bool> stop{false};
  const auto read = [&] {
    while (!stop) {
      const uint64_t stamp = published.load();
      // Only the newest version knows the degree without asking: the one that was changed last.
      if (const auto degree = cache.find(0, 0, 1, stamp)) {
        EXPECT_EQ(*degree, stamp);
      } else {
        cache.insert(0, 0, stamp, all(static_cast<uint32_t>(stamp)).data());
      }
    }
  };
  std::thread first(read), second(read);
  for (uint64_t stamp = 2; stamp < 30'000; ++stamp) {
    cache.changed(0, 0, stamp);
    published = stamp;
  }
  stop = true;
  first.join();
  second.join();
}

}  // namespace
}  // namespace lora::graph
