#include "graph/cache/entity_block.h"

#include <array>
#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "tests/graph/cache_support.h"
#include "tests/support/property_column.h"

namespace lora::graph::cache {
namespace {

struct Entity {
  std::set<uint32_t> labels;
  uint32_t type = 0;
  uint64_t start = 0, end = 0;
  std::map<uint32_t, Value> properties;
};
using Model = std::map<uint64_t, Entity>;

// Short or long, of numbers, texts or words; now and then of several types.
Value random_list(Random& random) {
  const uint64_t kind = random.below(5);
  List items;
  for (uint64_t left = random.below(random.chance(5) ? 400 : 8); left > 0; --left) {
    switch (random.chance(2) ? 4 : kind) {
      case 0: items.push_back(Value::integer(static_cast<int64_t>(random.below(300)))); break;
      case 1: items.push_back(Value::floating(static_cast<double>(random.below(300)) / 8)); break;
      case 2: items.push_back(Value::string(std::string(random.below(20), 'x'))); break;
      case 3: items.push_back(Value::date({static_cast<int64_t>(random.below(300))})); break;
      default: items.push_back(Value::integer(static_cast<int64_t>(random.engine()()))); break;
    }
  }
  return Value::list(std::move(items));
}

Value random_value(Random& random, uint32_t key) {
  // Most keys have one type; now and then another one comes along and the column becomes generic.
  const uint64_t kind = random.chance(key < 6 || key == 7 ? 1 : 30) ? random.below(15) : key;
  switch (kind) {
    case 0: return Value::integer(static_cast<int64_t>(random.engine()()));
    case 1: return Value::floating(static_cast<double>(random.below(1000)) / 8);
    case 2: return Value::boolean(random.chance(50));
    case 3: return Value::string("city " + std::to_string(random.below(20)));
    case 4:
      return Value::string(std::string(random.below(random.chance(10) ? Column::kStringMax + 1 : 256),
                                       static_cast<char>('a' + random.below(26))));
    case 5: return Value::string(std::to_string(random.engine()()) + " unique and long");
    // Around the length from which on strings are values of their own.
    case 6: return Value::string(std::string(Column::kStringMax - 20 + random.below(40), 'z'));
    case 7: return random_list(random);
    case 8: return Value::list({Value::integer(1), Value::string("a list's string of some length")});
    default: return random_word(random, kind - 9);
  }
}

class EntityModelTest : public ::testing::Test {
 protected:
  static void check(const Root& root, EntityKind kind, const Model& model, uint64_t limit) {
    for (uint64_t id = 0; id < limit; ++id) {
      const EntityBlock* block = root.find_block(kind, EntityBlock::index_of(id));
      ASSERT_NE(block, nullptr);
      const uint32_t row = EntityBlock::row_of(id);
      const auto it = model.find(id);
      ASSERT_EQ(block->exists(row), it != model.end()) << id;
      if (it == model.end()) {
        ASSERT_TRUE(block->labels(row).empty());
        std::vector<Property> none;
        block->properties(row, &none);
        ASSERT_TRUE(none.empty());
        continue;
      }
      const Entity& want = it->second;
      if (kind == EntityKind::kNode) {
        std::set<uint32_t> labels;
        for (LabelId l : block->labels(row)) labels.insert(l.value);
        ASSERT_EQ(labels, want.labels) << id;
        for (uint32_t l = 0; l < 6; ++l) ASSERT_EQ(block->has_label(row, LabelId(l)), want.labels.count(l) != 0);
      } else {
        ASSERT_EQ(block->type(row).value, want.type);
        ASSERT_EQ(block->start(row).value, want.start);
        ASSERT_EQ(block->end(row).value, want.end);
      }
      std::vector<Property> have;
      block->properties(row, &have);
      ASSERT_EQ(have.size(), want.properties.size());
      size_t i = 0;
      for (const auto& [key, value] : want.properties) {
        ASSERT_EQ(have[i].key.value, key);
        ASSERT_TRUE(equivalent(have[i].value, value) && have[i].value.type() == value.type());
        ASSERT_TRUE(equivalent(block->get(row, KeyId(key)), value));
        ++i;
      }
    }
  }
  static void check_gather(const Root& root, EntityKind kind, const Model& model, uint64_t limit, Random& random) {
    for (uint32_t key = 0; key < 14; ++key) {
      // At random, and with runs of consecutive ids as scans give them.
      std::vector<uint64_t> ids;
      for (int i = 0; i < 700; ++i) ids.push_back(random.chance(5) ? kNoId : random.below(limit));
      for (int run = 0; run < 3; ++run) {
        const uint64_t first = random.below(limit), last = std::min(limit, first + random.below(700));
        for (uint64_t id = first; id < last; ++id) ids.push_back(id);
      }
      PropertyColumn column;
      column.values.resize(7);
      // Some blocks are not said to stay.
      const uint64_t passing = random.below(4);
      Gatherer(KeyId(key), &column)
          .run(
              ids,
              [&](std::span<const uint64_t> of_block, bool) {
                return root.find_block(kind, EntityBlock::index_of(of_block.front()));
              },
              [&](uint64_t index) { return index % 4 == passing ? nullptr : root.find_block(kind, index); });
      for (size_t i = 0; i < ids.size(); ++i) {
        Value want;
        if (const auto it = model.find(ids[i]); it != model.end()) {
          if (const auto p = it->second.properties.find(key); p != it->second.properties.end()) want = p->second;
        }
        const Value have = value_of(column, i);
        ASSERT_TRUE(have.type() == want.type() && equivalent(have, want)) << key;
      }
    }
  }

  // So many in a hundred relationships begin where the one before began, or end where it ended.
  void run(EntityKind kind, int steps, uint64_t salt, uint32_t same_start = 0, uint32_t same_end = 0) {
    Random random(salt);
    VersionsFixture fixture;
    Model model;
    uint64_t next_id = 0;
    const Root* pinned = nullptr;
    Model pinned_model;
    uint64_t pinned_limit = 0;
    uint32_t slot = 0;
    for (int step = 0; step < steps;) {
      auto context = fixture.versions.begin();
      Root* root = context->root();
      Model transaction = model;
      uint64_t limit = next_id;
      for (uint64_t statements = 1 + random.below(3); statements > 0; --statements) {
        const Model before = transaction;
        context->begin_statement();
        for (uint64_t n = 1 + random.below(random.chance(10) ? 300 : 12); n > 0; --n, ++step) {
          const uint64_t what = random.below(100);
          auto it = transaction.empty() ? transaction.end() : transaction.lower_bound(random.below(limit));
          if (it == transaction.end() || what < 40) {
            if (random.chance(3)) limit += random.below(5);  // ids of rolled back creations stay unused
            const uint64_t id = limit++;
            for (uint64_t i = EntityBlock::index_of(id == 0       ? 0
                                                    : id - 5 < id ? id - 5
                                                                  : 0);
                 i <= EntityBlock::index_of(id); ++i) {
              if (root->find_block(kind, i) == nullptr) root->edit_fresh_block(*context, kind, i);
            }
            Entity e;
            std::vector<Property> properties;
            for (uint32_t key = 0; key < 8; ++key) {
              if (random.chance(60)) e.properties[key] = random_value(random, key);
            }
            for (const auto& [key, value] : e.properties) properties.push_back({KeyId(key), value});
            properties.push_back({KeyId(99), Value()});
            if (kind == EntityKind::kNode) {
              std::vector<LabelId> labels;
              if (random.chance(80)) e.labels.insert(0);
              if (random.chance(10)) e.labels.insert(static_cast<uint32_t>(random.below(6)));
              for (uint32_t l : e.labels) labels.push_back(LabelId(l));
              ASSERT_TRUE(root->edit_create_node(*context, NodeId(id), labels, properties));
            } else {
              e.type = random.chance(95) ? 3 : static_cast<uint32_t>(random.below(5));
              const auto end = [&random] {  // of one byte at first, then of more and more
                return random.below(200) + (random.chance(1) ? uint64_t{1} << (8 + random.below(39)) : 0);
              };
              const auto last = transaction.rbegin();
              const bool first = last == transaction.rend();
              e.start = !first && random.chance(same_start) ? last->second.start : end();
              e.end = !first && random.chance(same_end) ? last->second.end : end();
              ASSERT_TRUE(root->edit_create_relationship(*context, RelId(id), RelTypeId(e.type), NodeId(e.start),
                                                         NodeId(e.end), properties));
            }
            transaction[id] = std::move(e);
          } else if (what < 80) {
            const auto key = static_cast<uint32_t>(random.below(8));
            const Value value = random.chance(30) ? Value() : random_value(random, key);
            ASSERT_TRUE(root->edit_set_property(*context, kind, it->first, KeyId(key), value));
            if (value.is_null())
              it->second.properties.erase(key);
            else
              it->second.properties[key] = value;
          } else if (what < 90 && kind == EntityKind::kNode) {
            std::vector<LabelId> labels;
            it->second.labels.clear();
            for (uint32_t l = 0; l < 6; ++l) {
              if (random.chance(30)) it->second.labels.insert(l);
            }
            for (uint32_t l : it->second.labels) labels.push_back(LabelId(l));
            ASSERT_TRUE(root->edit_set_labels(*context, NodeId(it->first), labels));
          } else {
            ASSERT_TRUE(root->edit_erase(*context, kind, it->first));
            transaction.erase(it);
          }
        }
        if (random.chance(20)) {
          context->rollback_statement();
          transaction = before;
          for (uint64_t i = 0; i <= EntityBlock::index_of(limit); ++i) {
            if (root->find_block(kind, i) == nullptr) root->edit_fresh_block(*context, kind, i);
          }
        } else {
          context->finish_statement();
        }
        if (random.chance(10)) check(*root, kind, transaction, limit);
        if (HasFatalFailure()) return;
      }
      if (random.chance(15)) continue;
      model = std::move(transaction);
      next_id = limit;
      fixture.commit(std::move(context));
      if (random.chance(10)) {
        check(*fixture.versions.published(), kind, model, next_id);
        check_gather(*fixture.versions.published(), kind, model, next_id, random);
        if (pinned != nullptr) {
          check(*pinned, kind, pinned_model, pinned_limit);
          fixture.versions.unpin(slot);
          pinned = nullptr;
        } else {
          pinned = fixture.versions.pin(&slot);
          pinned_model = model;
          pinned_limit = next_id;
        }
        if (HasFatalFailure()) return;
      }
    }
    if (pinned != nullptr) fixture.versions.unpin(slot);
    // What a loader builds from the same data is the same.
    for (uint64_t index = 0; index <= EntityBlock::index_of(next_id); ++index) {
      EntityBlockBuilder builder;
      for (auto it = model.lower_bound(index * 256); it != model.end() && it->first < (index + 1) * 256; ++it) {
        std::vector<Property> properties;
        for (const auto& [key, value] : it->second.properties) properties.push_back({KeyId(key), value});
        std::vector<LabelId> labels;
        for (uint32_t l : it->second.labels) labels.push_back(LabelId(l));
        const uint32_t row = EntityBlock::row_of(it->first);
        if (kind == EntityKind::kNode)
          builder.add_node(row, labels, properties);
        else
          builder.add_relationship(row, RelTypeId(it->second.type), NodeId(it->second.start), NodeId(it->second.end),
                                   properties);
      }
      const Loaded<EntityBlock> block = builder.finish();
      const EntityBlock* there = fixture.versions.published()->find_block(kind, index);
      for (uint32_t row = 0; there != nullptr && row < 256; ++row) {
        ASSERT_EQ(block->exists(row), there->exists(row));
        if (kind == EntityKind::kRelationship && there->exists(row)) {
          ASSERT_EQ(block->type(row), there->type(row));
          ASSERT_EQ(block->start(row), there->start(row));
          ASSERT_EQ(block->end(row), there->end(row));
        }
        std::vector<Property> a, b;
        block->properties(row, &a);
        there->properties(row, &b);
        ASSERT_EQ(a.size(), b.size());
        for (size_t i = 0; i < a.size(); ++i) ASSERT_TRUE(a[i].key == b[i].key && equivalent(a[i].value, b[i].value));
      }
    }
  }
};

TEST_F(EntityModelTest, NodesAgreeWithMaps) {
  run(EntityKind::kNode, 6000, 1);
}
TEST_F(EntityModelTest, RelationshipsAgreeWithMaps) {
  run(EntityKind::kRelationship, 6000, 2);
}

TEST_F(EntityModelTest, RelationshipsInRunsAgreeWithMaps) {
  run(EntityKind::kRelationship, 6000, 3, 95, 0);
  run(EntityKind::kRelationship, 3000, 4, 0, 80);
  run(EntityKind::kRelationship, 3000, 5, 99, 99);
}

TEST(EntityBlockTest, BlockOfOneLabelSetHasNoRowTable) {
  EntityBlockBuilder builder;
  const std::vector<LabelId> person{LabelId(4)};
  for (uint32_t row = 0; row < 256; ++row) builder.add_node(row, person, {});
  const Loaded<EntityBlock> block = builder.finish();
  EXPECT_TRUE(block->label_sets->uniform);
  EXPECT_TRUE(block->has_label(255, LabelId(4)));
  EXPECT_LT(tree_bytes(block.get()), 512u);
}

TEST(EntityBlockTest, AllRowsMayHaveDistinctLabelSets) {
  VersionsFixture fixture;
  auto context = fixture.versions.begin();
  context->root()->edit_fresh_block(*context, EntityKind::kNode, 0);
  for (uint32_t round = 0; round < 3; ++round) {
    for (uint32_t row = 0; row < 256; ++row) {
      const std::vector<LabelId> labels{LabelId(row + round), LabelId(1000 + round)};
      if (round == 0)
        ASSERT_TRUE(context->root()->edit_create_node(*context, NodeId(row), labels, {}));
      else
        ASSERT_TRUE(context->root()->edit_set_labels(*context, NodeId(row), labels));
    }
  }
  const EntityBlock* block = context->root()->find_block(EntityKind::kNode, 0);
  for (uint32_t row = 0; row < 256; ++row) {
    EXPECT_TRUE(block->has_label(row, LabelId(row + 2)));
    EXPECT_FALSE(block->has_label(row, LabelId(1001)));
  }
}

// Columns that are not loaded: a block knows that there are such, takes each once, and gives all of them back.
TEST(EntityBlockTest, ColumnsAreLoadedLater) {
  const auto build = [](std::span<const uint32_t> loaded) {
    EntityBlockBuilder builder;
    for (uint32_t row = 0; row < 256; ++row) builder.add_node(row, {}, {});
    for (const uint32_t key : {4u, 2u, 9u}) {
      if (std::ranges::find(loaded, key) == loaded.end()) {
        builder.put_unloaded(KeyId(key));
        builder.put_unloaded(KeyId(key));
      } else {
        for (uint32_t row = 0; row < 256; ++row) builder.set_property(row, KeyId(key), Value::integer(row * key));
      }
    }
    return builder.finish();
  };
  const Loaded<EntityBlock> block = build(std::array{2u});
  EXPECT_FALSE(block->is_whole());
  EXPECT_TRUE(block->has_loaded(KeyId(2)));
  EXPECT_TRUE(block->has_loaded(KeyId(3)));  // there is nothing
  EXPECT_FALSE(block->has_loaded(KeyId(4)));
  EXPECT_EQ(block->column(KeyId(3)), nullptr);
  EXPECT_EQ(block->find_column(KeyId(9)), nullptr);
  const Column* two = block->column(KeyId(2));
  const uint64_t bytes = tree_bytes(block.get());
  {
    const Loaded<EntityBlock> again = build(std::array{2u, 9u});
    const uint64_t taken = EntityBlock::take_columns(block.get(), again.get());
    EXPECT_EQ(tree_bytes(block.get()), bytes + taken);
    EXPECT_GT(taken, 0u);
    EXPECT_EQ(EntityBlock::take_columns(block.get(), again.get()), 0u);
    EXPECT_EQ(EntityBlock::take_columns(block.get(), EntityBlock::empty()), 0u);
  }
  EXPECT_EQ(block->column(KeyId(2)), two);
  EXPECT_EQ(block->get(255, KeyId(9)).as_integer(), 255 * 9);
  EXPECT_FALSE(block->is_whole());
  const Loaded<EntityBlock> whole = build(std::array{2u, 4u, 9u});
  EXPECT_GT(EntityBlock::take_columns(block.get(), whole.get()), 0u);
  EXPECT_TRUE(block->is_whole());
  std::vector<Property> properties;
  block->properties(7, &properties);
  ASSERT_EQ(properties.size(), 3u);
  for (const Property& property : properties) EXPECT_EQ(property.value.as_integer(), 7 * property.key.value);
}

// Several threads complete a block at once: each finds what it asked for, whoever has put it there.
TEST(EntityBlockTest, ThreadsCompleteABlockTogether) {
  constexpr uint32_t kColumns = 3;
  for (int round = 0; round < 300; ++round) {
    const auto build = [](bool loaded) {
      EntityBlockBuilder builder;
      builder.add_node(0, {}, {});
      for (uint32_t key = 0; key < kColumns; ++key) {
        loaded ? builder.set_property(0, KeyId(key), Value::integer(key)) : builder.put_unloaded(KeyId(key));
      }
      return builder.finish();
    };
    const Loaded<EntityBlock> block = build(false);
    std::array<Loaded<EntityBlock>, 2> from{build(true), build(true)};
    std::atomic<int> ready{0};
    std::atomic<uint64_t> bytes{0};
    const uint64_t before = tree_bytes(block.get());
    const auto complete = [&](int i) {
      ++ready;
      while (ready.load() < 2) std::this_thread::yield();
      bytes += EntityBlock::take_columns(block.get(), from[static_cast<size_t>(i)].get());
      EXPECT_TRUE(block->is_whole());
    };
    std::thread other(complete, 1);
    complete(0);
    other.join();
    ASSERT_EQ(tree_bytes(block.get()), before + bytes.load());
    for (uint32_t key = 0; key < kColumns; ++key) ASSERT_EQ(block->get(0, KeyId(key)).as_integer(), key);
    // As it is when one has put the last column and has not come to say so.
    block->lacks_columns.store(true);
    EXPECT_EQ(EntityBlock::take_columns(block.get(), build(true).get()), 0u);
    EXPECT_TRUE(block->is_whole());
    if (HasFailure()) return;
  }
}

// A version that lacks columns is no version to change: it must be loaded as a whole first.
TEST(EntityBlockTest, EditsWantWholeBlocks) {
  VersionsFixture fixture;
  EntityBlockBuilder builder;
  builder.add_node(0, {}, {});
  builder.put_unloaded(KeyId(1));
  auto context = fixture.versions.begin();
  Root& root = *context->root();
  root.edit_fresh_block(*context, EntityKind::kNode, 1);
  EXPECT_TRUE(root.edit_block(*context, EntityKind::kNode, 1));
  const Loaded<EntityBlock> block = builder.finish();
  root.node_blocks.set(*context, 0, block.get());
  EXPECT_FALSE(root.edit_block(*context, EntityKind::kNode, 0));
  EXPECT_FALSE(root.edit_set_property(*context, EntityKind::kNode, 0, KeyId(1), Value::integer(1)));
  EXPECT_FALSE(root.edit_erase(*context, EntityKind::kNode, 0));
  EXPECT_FALSE(root.edit_create_node(*context, NodeId(5), {}, {}));
  EXPECT_EQ(root.find_block(EntityKind::kNode, 0), block.get());
}

TEST(EntityBlockTest, EqualStringsShareBytes) {
  EntityBlockBuilder shared, distinct;
  for (uint32_t row = 0; row < 256; ++row) {
    const std::vector<Property> same{{KeyId(0), Value::string("a city with a rather long name")}};
    const std::vector<Property> own{
        {KeyId(0), Value::string("a person with a long name " + std::to_string(1000 + row))}};
    shared.add_node(row, {}, same);
    distinct.add_node(row, {}, own);
  }
  EXPECT_LT(tree_bytes(shared.finish().get()), 2000u);
  EXPECT_GT(tree_bytes(distinct.finish().get()), 256u * 30);
}

// Relationships that were created node by node: their starts are kept as runs once the block is full, or when it is
// loaded.
TEST(EntityBlockTest, StartsInRunsTakeFewBytes) {
  constexpr uint64_t kPerNode = 10, kWide = 1 << 20;
  EntityBlockBuilder loaded;
  VersionsFixture fixture;
  auto context = fixture.versions.begin();
  context->root()->edit_fresh_block(*context, EntityKind::kRelationship, 0);
  for (uint32_t row = 0; row < 256; ++row) {
    const NodeId start(kWide + row / kPerNode), end(kWide + row * 77 % 256);
    loaded.add_relationship(row, RelTypeId(1), start, end, {});
    context->root()->edit_create_relationship(*context, RelId(row), RelTypeId(1), start, end, {});
  }
  const Loaded<EntityBlock> block = loaded.finish();
  for (const EntityBlock* made :
       {static_cast<const EntityBlock*>(block.get()), context->root()->find_block(EntityKind::kRelationship, 0)}) {
    EXPECT_LT(made->ends->bytes, sizeof(RelationshipEnds) + 256 * 3 + 26 * 3 + 64);
    for (uint32_t row = 0; row < 256; ++row) {
      EXPECT_EQ(made->start(row).value, kWide + row / kPerNode);
      EXPECT_EQ(made->end(row).value, kWide + row * 77 % 256);
    }
  }
}

TEST(EntityBlockTest, RowsAreAddedToALoadedBlockWithRuns) {
  EntityBlockBuilder builder;
  for (uint32_t row = 0; row < 100; ++row) builder.add_relationship(row, RelTypeId(1), NodeId(7), NodeId(row), {});
  VersionsFixture fixture;
  auto context = fixture.versions.begin();
  const Loaded<EntityBlock> loaded = builder.finish();  // still there when the statement is given up
  ASSERT_NE(loaded->ends->start_runs, 0);
  EntityBlock* block = loaded.get();
  for (uint32_t row = 100; row < 256; ++row) {
    block = EntityBlock::create_relationship(context.get(), block, row, RelTypeId(row % 2), NodeId(7 + row / 200 * 300),
                                             NodeId(row), {});
  }
  EXPECT_EQ(block->ends->start_runs, 2);
  for (uint32_t row = 0; row < 256; ++row) {
    EXPECT_EQ(block->start(row).value, row < 200 ? 7 : 307);
    EXPECT_EQ(block->end(row).value, row);
    EXPECT_EQ(block->type(row).value, row < 100 ? 1 : row % 2);
  }
}

TEST(EntityBlockTest, ErasedRelationshipKeepsItsEnds) {
  VersionsFixture fixture;
  auto context = fixture.versions.begin();
  context->root()->edit_fresh_block(*context, EntityKind::kRelationship, 0);
  context->root()->edit_create_relationship(*context, RelId(3), RelTypeId(1), NodeId(10), NodeId(11), {});
  context->root()->edit_erase(*context, EntityKind::kRelationship, 3);
  const EntityBlock* block = context->root()->find_block(EntityKind::kRelationship, 0);
  EXPECT_FALSE(block->exists(3));
  EXPECT_EQ(block->start(3).value, 10u);
  EXPECT_EQ(block->end(3).value, 11u);
}

}  // namespace
}  // namespace lora::graph::cache
