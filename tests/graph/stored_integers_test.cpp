#include "graph/stored_integers.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace lora::graph {
namespace {

using cache::EntityBlock;

TEST(RowBitsTest, CountPlaceAndNext) {
  RowBits rows;
  EXPECT_EQ(rows.count(), 0u);
  EXPECT_EQ(rows.next(0), EntityBlock::kRows);
  for (const uint32_t row : {0u, 63u, 64u, 200u, 255u}) rows.set(row);
  EXPECT_EQ(rows.count(), 5u);
  EXPECT_TRUE(rows.has(200));
  EXPECT_FALSE(rows.has(201));
  EXPECT_EQ(rows.place_of(0), 0u);
  EXPECT_EQ(rows.place_of(64), 2u);
  EXPECT_EQ(rows.place_of(255), 4u);
  EXPECT_EQ(rows.next(0), 0u);
  EXPECT_EQ(rows.next(1), 63u);
  EXPECT_EQ(rows.next(65), 200u);
  EXPECT_EQ(rows.next(255), 255u);
  EXPECT_EQ(rows.next(256), EntityBlock::kRows);
  std::string bytes;
  rows.encode(&bytes);
  RowBits again;
  kv::Decoder in(bytes);
  ASSERT_TRUE(again.parse(&in) && in.done());
  for (uint32_t row = 0; row < EntityBlock::kRows; ++row) ASSERT_EQ(again.has(row), rows.has(row));
}

// Every width, of full blocks and of some rows.
TEST(StoredIntegersTest, WhatIsEncodedComesBack) {
  std::mt19937_64 random(7);
  for (size_t bits = 0; bits <= 64; ++bits) {
    for (const uint32_t step : {1u, 3u, 255u}) {
      RowBits rows;
      int64_t values[EntityBlock::kRows] = {};
      const uint64_t mask = bits == 0 ? 0 : ~uint64_t{0} >> (64 - bits);
      const uint64_t base = bits == 64 ? uint64_t{1} << 63 : random() >> 1 & ~mask;
      for (uint32_t row = 0; row < EntityBlock::kRows; row += step) {
        rows.set(row);
        values[row] = static_cast<int64_t>(base + (row == 0 ? 0 : row == 255 ? mask : random() & mask));
      }
      std::string bytes;
      encode_integers(rows, values, &bytes);
      kv::Decoder in(bytes);
      StoredIntegers integers;
      ASSERT_TRUE(integers.parse(&in, rows.count(), Packing::kBits) && in.done()) << bits;
      int64_t spread[EntityBlock::kRows] = {};
      integers.spread(rows, spread);
      size_t place = 0;
      for (uint32_t row = 0; row < EntityBlock::kRows; ++row) {
        ASSERT_EQ(spread[row], values[row]) << bits << " bits, row " << row;
        if (rows.has(row)) {
          ASSERT_EQ(integers.at(place++), values[row]) << bits << " bits, row " << row;
        }
      }
      ASSERT_LE(bytes.size(), 11 + (rows.count() * bits + 7) / 8);
      // One byte less, and a width that there is not.
      if (bits != 0) {
        kv::Decoder cut(ByteView(bytes).substr(0, bytes.size() - 1));
        EXPECT_FALSE(integers.parse(&cut, rows.count(), Packing::kBits));
      }
    }
  }
  std::string wide("\x00\x41", 2);
  wide.append(1000, 'x');
  kv::Decoder in(wide);
  StoredIntegers integers;
  EXPECT_FALSE(integers.parse(&in, 2, Packing::kBits));
}

}  // namespace
}  // namespace lora::graph
