#include "graph/stats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace lora::graph {
namespace {

TEST(DistinctSketchTest, EstimateIsCloseOverSixDecades) {
  for (uint64_t count : {1, 10, 100, 1'000, 20'000, 500'000}) {
    DistinctSketch sketch;
    for (int round = 0; round < 2; ++round) {
      for (uint64_t i = 0; i < count; ++i) sketch.add("value " + std::to_string(i));
    }
    const auto wanted = static_cast<double>(count);
    EXPECT_NEAR(static_cast<double>(sketch.estimate()), wanted, std::max(1.0, wanted * 0.13)) << count;
  }
}

TEST(DistinctSketchTest, BytesComeBackAndNonsenseIsRefused) {
  DistinctSketch sketch;
  sketch.add("a");
  DistinctSketch back;
  ASSERT_TRUE(back.assign(sketch.bytes()));
  EXPECT_EQ(back.estimate(), 1u);
  EXPECT_FALSE(back.assign("short"));
  EXPECT_FALSE(back.assign(std::string(DistinctSketch::kRegisters, '\xff')));
}

TEST(IndexStatisticsTest, UnknownIsZeroAndDistinctNeverExceedsEntries) {
  IndexStatistics statistics;
  EXPECT_EQ(statistics.distinct(IndexId(1)), 0u);
  DistinctSketch sketch;
  for (int i = 0; i < 100; ++i) sketch.add(std::to_string(i));
  statistics.set_sketch(IndexId(1), sketch, false);
  statistics.set_entries(IndexId(1), 50);
  EXPECT_EQ(statistics.distinct(IndexId(1)), 50u);
  EXPECT_EQ(statistics.take_unsaved().size(), 1u);
  EXPECT_TRUE(statistics.take_unsaved().empty());
}

}  // namespace
}  // namespace lora::graph
