#include "graph/cache/topology.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "tests/graph/cache_support.h"

namespace lora::graph::cache {
namespace {

using Pair = std::pair<uint64_t, uint64_t>;
using Model = std::map<uint32_t, std::set<Pair>>;

constexpr RelTypeId kType(0);

// One chunk against sets, through statements, commits and rollbacks; and its stored blocks, kept up to date only from
// the touched keys, against the chunk.
class TopologyModelTest : public ::testing::Test {
 protected:
  using Blocks = std::map<std::pair<uint32_t, BlockKey>, std::vector<Pair>>;

  static std::vector<Pair> pairs_of(const Neighbours& segment) {
    std::vector<Pair> pairs;
    for (uint32_t i = 0; i < segment.count; ++i) pairs.push_back({segment.neighbour(i), segment.relationship(i)});
    return pairs;
  }
  static const TopologyChunk* chunk_of(const Root& root) { return root.find_topology_chunk(kType, Direction::kOut, 0); }

  static void check(const TopologyChunk* chunk, const Model& model) {
    for (uint32_t row = 0; row < TopologyChunk::kNodes; ++row) {
      const auto it = model.find(row);
      const std::vector<Pair> want =
          it == model.end() ? std::vector<Pair>() : std::vector<Pair>(it->second.begin(), it->second.end());
      ASSERT_EQ(chunk->degree(row), want.size()) << "row " << row;
      int64_t sums[TopologyChunk::kNodes] = {};
      chunk->add_degrees(row, TopologyChunk::kNodes - row, sums);
      ASSERT_EQ(sums[0], static_cast<int64_t>(want.size())) << "row " << row;
      std::vector<Pair> have;
      chunk->for_each_segment(row, [&have](const Neighbours& s) {
        ASSERT_GT(s.count, 0u);
        for (const Pair& p : pairs_of(s)) have.push_back(p);
      });
      ASSERT_EQ(have, want) << "row " << row;
      BlockKey last;
      bool first = true;
      chunk->for_each_block(row, [&](BlockKey key, const Neighbours& s) {
        ASSERT_LE(s.count, HubBlock::kPairsMax);
        if (first)
          ASSERT_EQ(key, BlockKey{});
        else
          ASSERT_LT(last, key);
        ASSERT_LE(key, (BlockKey{s.neighbour(0), s.relationship(0)}));
        last = {s.neighbour(s.count - 1), s.relationship(s.count - 1)};
        first = false;
      });
      if (chunk->is_hub(row))
        ASSERT_GT(want.size(), 0u);
      else
        ASSERT_LE(want.size(), TopologyChunk::kListMax);
    }
  }
  // Brings the stored blocks up to date from the keys that were touched, as a commit would.
  static void store(const TopologyChunk* chunk, const std::set<std::pair<uint32_t, BlockKey>>& touched,
                    Blocks* blocks) {
    for (const auto& [row, key] : touched) {
      Neighbours segment;
      if (chunk->find_block(row, key, &segment)) {
        (*blocks)[{row, key}] = pairs_of(segment);
      } else {
        blocks->erase({row, key});
      }
    }
  }
  static void check_blocks(const TopologyChunk* chunk, const Blocks& blocks) {
    Blocks want;
    for (uint32_t row = 0; row < TopologyChunk::kNodes; ++row) {
      chunk->for_each_block(row, [&](BlockKey key, const Neighbours& s) { want[{row, key}] = pairs_of(s); });
    }
    ASSERT_EQ(blocks.size(), want.size());
    ASSERT_TRUE(blocks == want);
  }
  static Loaded<TopologyChunk> build(const Blocks& blocks) {
    TopologyBuilder builder;
    for (const auto& [at, pairs] : blocks) {
      std::vector<uint64_t> neighbours, relationships;
      for (const Pair& p : pairs) {
        neighbours.push_back(p.first);
        relationships.push_back(p.second);
      }
      EXPECT_TRUE(builder.add_block(at.first, at.second, neighbours, relationships));
    }
    return builder.finish();
  }

  // Many pairs at once: those that merge() leaves out one by one, as a transaction does it.
  static void insert_many(WriteContext& context, std::vector<NewPair> pairs,
                          std::set<std::pair<uint32_t, BlockKey>>* touched) {
    std::sort(pairs.begin(), pairs.end(), [](const NewPair& a, const NewPair& b) {
      return std::tie(a.row, a.neighbour, a.relationship) < std::tie(b.row, b.neighbour, b.relationship);
    });
    uint64_t left = 0;
    ASSERT_TRUE(context.root()->edit_connect_many(context, kType, Direction::kOut, 0, pairs, &left));
    for (const NewPair& pair : pairs) {
      TouchedBlocks keys;
      if ((left >> pair.row & 1) != 0) {
        ASSERT_TRUE(context.root()->edit_connect(context, kType, Direction::kOut, NodeId(pair.row), pair.neighbour,
                                                 pair.relationship, &keys));
      } else {
        keys.add(BlockKey{});
      }
      for (uint32_t i = 0; i < keys.count; ++i) touched->insert({pair.row, keys.keys[i]});
    }
  }

  // rows: how many rows are used; grow/shrink phases alternate, so that hubs come and go.
  void run(uint32_t rows, uint64_t neighbours, uint32_t wide_percent, int steps, uint64_t salt) {
    Random random(salt);
    VersionsFixture fixture;
    Model model;
    Blocks blocks;
    uint64_t next_rel = 0, promotions = 0, demotions = 0;
    std::vector<std::pair<const Root*, Model>> pinned;
    std::vector<uint32_t> slots;
    for (int step = 0; step < steps;) {
      auto context = fixture.versions.begin();
      if (chunk_of(*context->root()) == nullptr) {
        context->root()->edit_fresh_topology_chunk(*context, kType, Direction::kOut, 0);
      }
      Model transaction = model;
      std::set<std::pair<uint32_t, BlockKey>> touched;
      for (uint64_t statements = 1 + random.below(3); statements > 0; --statements) {
        Model before = transaction;
        context->begin_statement();
        const bool shrink = (step / 4000) % 2 == 1;
        if (!shrink && rows > 1 && random.chance(rows > 4 ? 20 : 4)) {
          std::vector<NewPair> pairs;
          for (uint64_t n = random.below(random.chance(50) ? 150 : 8); n > 0; --n, ++step) {
            const uint32_t row = static_cast<uint32_t>(random.below(rows));
            const uint64_t neighbour = random.below(neighbours) + (random.chance(wide_percent) ? uint64_t{1} << 33 : 0);
            const uint64_t above = random.chance(wide_percent) ? uint64_t{1} << (16 + 8 * random.below(4)) : 0;
            pairs.push_back({row, neighbour, above + next_rel++});
            transaction[row].insert({neighbour, pairs.back().relationship});
          }
          insert_many(*context, std::move(pairs), &touched);
          check(chunk_of(*context->root()), transaction);
          if (HasFatalFailure()) return;
        }
        for (uint64_t n = 1 + random.below(random.chance(10) ? 600 : 20); n > 0; --n, ++step) {
          const uint32_t row = static_cast<uint32_t>(random.below(rows));
          auto& list = transaction[row];
          TouchedBlocks keys;
          const bool was_hub = chunk_of(*context->root())->is_hub(row);
          if (list.empty() || random.chance(shrink ? 25 : 75)) {
            uint64_t neighbour =
                random.chance(30) && !list.empty() ? list.rbegin()->first + 1 : random.below(neighbours);
            uint64_t rel = next_rel++;
            if (random.chance(wide_percent)) neighbour += uint64_t{1} << 33;
            if (random.chance(wide_percent)) rel += uint64_t{1} << (16 + 8 * random.below(4));  // steps stay below
            list.insert({neighbour, rel});
            ASSERT_TRUE(
                context->root()->edit_connect(*context, kType, Direction::kOut, NodeId(row), neighbour, rel, &keys));
          } else {
            auto it = list.lower_bound({random.below(neighbours), 0});
            if (it == list.end()) it = list.begin();
            bool found = false;
            ASSERT_TRUE(context->root()->edit_disconnect(*context, kType, Direction::kOut, NodeId(row), it->first,
                                                         it->second, &keys, &found));
            ASSERT_TRUE(found);
            list.erase(it);
          }
          for (uint32_t i = 0; i < keys.count; ++i) touched.insert({row, keys.keys[i]});
          ASSERT_GT(keys.count, 0u);
          const bool now_hub = chunk_of(*context->root())->is_hub(row);
          promotions += !was_hub && now_hub;
          demotions += was_hub && !now_hub;
        }
        if (random.chance(20)) {
          context->rollback_statement();
          transaction = std::move(before);
        } else {
          context->finish_statement();
        }
        check(chunk_of(*context->root()), transaction);
        if (HasFatalFailure()) return;
      }
      if (random.chance(15)) continue;  // the transaction rolls back
      store(chunk_of(*context->root()), touched, &blocks);
      model = std::move(transaction);
      fixture.commit(std::move(context));
      check_blocks(chunk_of(*fixture.versions.published()), blocks);
      if (HasFatalFailure()) return;
      if (random.chance(20)) {
        uint32_t slot;
        const Root* root = fixture.versions.pin(&slot);
        pinned.push_back({root, model});
        slots.push_back(slot);
      }
      if (slots.size() > 4) {
        for (size_t i = 0; i < slots.size(); ++i) {
          check(chunk_of(*pinned[i].first), pinned[i].second);
          fixture.versions.unpin(slots[i]);
        }
        slots.clear();
        pinned.clear();
      }
      if (random.chance(10)) {
        const Loaded<TopologyChunk> rebuilt = build(blocks);
        check(rebuilt.get(), model);
        check_blocks(rebuilt.get(), blocks);
        if (HasFatalFailure()) return;
      }
    }
    for (uint32_t slot : slots) fixture.versions.unpin(slot);
    if (rows <= 4) {
      EXPECT_GT(promotions, 0u);
      EXPECT_GT(demotions, 0u);
    }
  }
};

TEST_F(TopologyModelTest, SmallListsAgreeWithSets) {
  run(64, 50, 0, 20000, 1);
}
TEST_F(TopologyModelTest, HubsComeAndGo) {
  run(3, 100000, 0, 60000, 2);
}
TEST_F(TopologyModelTest, OneBigHubSplitsAndMergesBlocks) {
  run(1, 1000000, 0, 80000, 3);
}
TEST_F(TopologyModelTest, ParallelEdgesFillWholeBlocks) {
  run(2, 2, 0, 40000, 4);
}
TEST_F(TopologyModelTest, WideIdsConvertChunksAndBlocks) {
  run(4, 5000, 3, 40000, 5);
}
TEST_F(TopologyModelTest, WideIdsConvertSmallLists) {
  run(64, 200, 1, 20000, 6);
}

TEST(TopologyHubTest, AppendingInOrderFillsBlocksAndPages) {
  VersionsFixture fixture;
  auto context = fixture.versions.begin();
  Root* root = context->root();
  root->edit_fresh_topology_chunk(*context, kType, Direction::kIn, 0);
  constexpr uint64_t kEdges = 100'000;
  for (uint64_t i = 0; i < kEdges; ++i) {
    TouchedBlocks keys;
    root->edit_connect(*context, kType, Direction::kIn, NodeId(7), i, i, &keys);
    ASSERT_EQ(keys.count, 1u);
  }
  const TopologyChunk* chunk = root->find_topology_chunk(kType, Direction::kIn, 0);
  EXPECT_EQ(chunk->degree(7), kEdges);
  uint64_t segments = 0, expected = 0;
  chunk->for_each_segment(7, [&](const Neighbours& s) {
    ++segments;
    for (uint32_t i = 0; i < s.count; ++i) ASSERT_EQ(s.neighbour(i), expected++);
  });
  EXPECT_EQ(expected, kEdges);
  EXPECT_LE(segments, kEdges / 250);
  std::vector<uint64_t> found;
  chunk->find(7, 54321, &found);
  EXPECT_EQ(found, std::vector<uint64_t>{54321});
}

// Degrees are kept in 16 bits; a hub's own count has the rest.
TEST(TopologyHubTest, DegreesBeyondSixteenBits) {
  VersionsFixture fixture;
  auto context = fixture.versions.begin();
  Root* root = context->root();
  root->edit_fresh_topology_chunk(*context, kType, Direction::kOut, 0);
  TouchedBlocks keys;
  root->edit_connect(*context, kType, Direction::kOut, NodeId(3), 1, 2'000'000, &keys);
  constexpr uint64_t kMany = TopologyChunk::kMany;
  const auto expect = [&](uint64_t degree) {
    const TopologyChunk* chunk = root->find_topology_chunk(kType, Direction::kOut, 0);
    ASSERT_EQ(chunk->degree(2), degree);
    int64_t sums[4] = {100, 100, 100, 100};
    chunk->add_degrees(1, 3, sums);
    ASSERT_EQ(sums[0], 100);
    ASSERT_EQ(sums[1], static_cast<int64_t>(100 + degree));
    ASSERT_EQ(sums[2], 101);
    ASSERT_EQ(sums[3], 100);
  };
  for (uint64_t i = 0; i < kMany + 5; ++i) {
    keys = {};
    ASSERT_TRUE(root->edit_connect(*context, kType, Direction::kOut, NodeId(2), i, i, &keys));
    if (i > kMany - 5) expect(i + 1);
  }
  bool found = false;
  for (uint64_t degree = kMany + 5; degree > kMany - 5;) {
    keys = {};
    ASSERT_TRUE(
        root->edit_disconnect(*context, kType, Direction::kOut, NodeId(2), degree - 1, degree - 1, &keys, &found));
    ASSERT_TRUE(found);
    expect(--degree);
  }
}

TEST(TopologyHubTest, FindCollectsParallelEdgesAcrossBlocks) {
  VersionsFixture fixture;
  auto context = fixture.versions.begin();
  Root* root = context->root();
  root->edit_fresh_topology_chunk(*context, kType, Direction::kOut, 0);
  for (uint64_t i = 0; i < 1000; ++i) {
    TouchedBlocks keys;
    root->edit_connect(*context, kType, Direction::kOut, NodeId(0), i % 3, i, &keys);
  }
  std::vector<uint64_t> found;
  root->find_topology_chunk(kType, Direction::kOut, 0)->find(0, 1, &found);
  ASSERT_EQ(found.size(), 333u);
  EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
}

TEST(TopologyBuilderTest, DamagedBlocksAreRefused) {
  TopologyBuilder builder;
  const std::vector<uint64_t> ids{1, 2}, back{2, 1}, one{1}, same{3, 3};
  const std::vector<uint64_t> many(257, 1);
  EXPECT_FALSE(builder.add_block(64, {}, ids, ids));
  EXPECT_FALSE(builder.add_block(0, {}, {}, {}));
  EXPECT_FALSE(builder.add_block(0, {}, many, many));
  EXPECT_FALSE(builder.add_block(0, {}, ids, one));
  EXPECT_FALSE(builder.add_block(0, {}, back, ids));
  EXPECT_FALSE(builder.add_block(0, {}, same, same));
  EXPECT_FALSE(builder.add_block(0, {1, 1}, ids, ids)) << "the first block of a list has the key (0, 0)";
  EXPECT_TRUE(builder.add_block(3, {}, ids, ids));
  EXPECT_FALSE(builder.add_block(3, {2, 2}, same, ids)) << "the key is not above the block before";
  EXPECT_FALSE(builder.add_block(2, {}, ids, ids)) << "rows ascend";
  const std::vector<uint64_t> beyond{kIdMax + 1};
  EXPECT_FALSE(builder.add_block(4, {}, beyond, one));
  EXPECT_EQ(builder.finish()->degree(3), 2u);
  EXPECT_EQ(TopologyBuilder().finish().get(), TopologyChunk::empty());
}

}  // namespace
}  // namespace lora::graph::cache
