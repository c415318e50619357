// Memory of freed objects that is used again.
#include "graph/cache/piece_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <new>
#include <random>
#include <utility>
#include <vector>

namespace lora::graph::cache {
namespace {

bool keep(PiecePool& pool, size_t size) {
  void* piece = ::operator new(size);
  const bool kept = pool.give(piece, size);
  if (!kept) ::operator delete(piece);
  return kept;
}

TEST(PiecePool, TheLastPieceOfASizeComesFirst) {
  PiecePool pool;
  size_t size = 0;
  EXPECT_EQ(pool.take(560, &size), nullptr);
  void* first = ::operator new(560);
  void* second = ::operator new(560);
  ASSERT_TRUE(pool.give(first, 560));
  ASSERT_TRUE(pool.give(second, 560));
  EXPECT_EQ(pool.take(560, &size), second);
  EXPECT_EQ(size, 560u);
  EXPECT_EQ(pool.take(552, &size), first);
  EXPECT_EQ(size, 560u) << "the whole piece, so that nothing of it is forgotten";
  EXPECT_EQ(pool.take(560, &size), nullptr);
  ::operator delete(first);
  ::operator delete(second);
}

TEST(PiecePool, PiecesAreLargeEnoughAndNotMuchLarger) {
  PiecePool pool;
  std::mt19937_64 random(3);
  std::map<void*, size_t> taken;
  for (int i = 0; i < 20'000; ++i) {
    const size_t bytes = PiecePool::rounded(1 + random() % (random() % 2 == 0 ? 400 : 9'000));
    if (random() % 2 == 0) {
      size_t size = 0;
      void* piece = pool.take(bytes, &size);
      if (piece == nullptr) {
        piece = ::operator new(bytes);
        size = bytes;
      }
      ASSERT_GE(size, bytes);
      ASSERT_LE(size, bytes + bytes / 4 + 16);
      std::memset(piece, i, size);  // the sanitizer tells whether all of it may be used
      ASSERT_TRUE(taken.emplace(piece, size).second);
    } else if (!taken.empty()) {
      const auto at = taken.begin();
      if (!pool.give(at->first, at->second)) ::operator delete(at->first);
      taken.erase(at);
    }
  }
  for (const auto& [piece, size] : taken) ::operator delete(piece);
}

TEST(PiecePool, KeepsAFewOfEachSizeAndNothingLarge) {
  PiecePool pool;
  EXPECT_FALSE(keep(pool, PiecePool::kLeast - PiecePool::kUnit));
  EXPECT_TRUE(keep(pool, PiecePool::kLeast));
  EXPECT_TRUE(keep(pool, PiecePool::kMost));
  EXPECT_FALSE(keep(pool, PiecePool::kMost + PiecePool::kUnit));
  int small = 0, large = 0;
  for (int i = 0; i < 1'000; ++i) {
    small += keep(pool, 200) ? 1 : 0;
    large += keep(pool, 5'000) ? 1 : 0;
  }
  EXPECT_EQ(small, 32);
  EXPECT_EQ(large, 8);
}

TEST(PiecePool, TakesOverTheOthersPieces) {
  PiecePool pool, other;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(keep(i == 0 ? pool : other, 300));
  ASSERT_TRUE(keep(other, 4'000));
  pool.take_all(other);
  size_t size = 0;
  EXPECT_EQ(other.take(300, &size), nullptr);
  for (const size_t bytes : {300, 300, 300, 4'000}) {
    void* piece = pool.take(bytes, &size);
    ASSERT_NE(piece, nullptr) << bytes;
    ::operator delete(piece);
  }
  EXPECT_EQ(pool.take(300, &size), nullptr);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 100; ++i) keep(other, i % 2 == 0 ? 300 : 4'000);
    pool.take_all(other);
  }
  for (const auto& [bytes, kept] : {std::pair<size_t, int>{300, 32}, {4'000, 8}}) {
    int count = 0;
    for (void* piece = nullptr; (piece = pool.take(bytes, &size)) != nullptr; ++count) ::operator delete(piece);
    EXPECT_EQ(count, kept) << "what is taken over is limited, too";
  }
  pool.take_all(other);  // nothing in either
  EXPECT_EQ(pool.take(4'000, &size), nullptr);
}

}  // namespace
}  // namespace lora::graph::cache
