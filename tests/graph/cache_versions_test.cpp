#include "graph/cache/versions.h"

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <thread>

#include "tests/graph/cache_support.h"

namespace lora::graph::cache {
namespace {

constexpr KeyId kKey(0);
constexpr RelTypeId kType(0);

// A store in miniature: the state of a version is a table of numbers; chunks are built from it.
struct State {
  static constexpr uint32_t kBlocks = 96;
  std::array<int64_t, kBlocks> value{};  // property of all rows of entity block b
  std::array<uint32_t, kBlocks>
      degree{};  // neighbours 0 .. degree-1 of node b * 64, by relationships of the same number
  bool cleared = false;
};

const kv::Snapshot* as_snapshot(const State* state) {
  return reinterpret_cast<const kv::Snapshot*>(state);
}
const State& state_of(const Root& root) {
  return *reinterpret_cast<const State*>(root.store_snapshot);
}

Loaded<EntityBlock> load_block(const State& state, uint64_t b) {
  EntityBlockBuilder builder;
  if (b < State::kBlocks && state.value[b] != 0) {
    for (uint32_t row = 0; row < 40; ++row) {
      const std::vector<Property> properties{{kKey, Value::integer(state.value[b])},
                                             {KeyId(1), Value::string("text " + std::to_string(row))}};
      builder.add_node(row, std::vector<LabelId>{LabelId(1)}, properties);
    }
  }
  return builder.finish();
}

Loaded<TopologyChunk> load_topology(const State& state, uint64_t b) {
  TopologyBuilder builder;
  for (uint32_t from = 0; b < State::kBlocks && from < state.degree[b]; from += 256) {
    std::vector<uint64_t> ids;
    for (uint32_t i = from; i < std::min(from + 256, state.degree[b]); ++i) ids.push_back(i);
    EXPECT_TRUE(builder.add_block(0, from == 0 ? BlockKey{} : BlockKey{from, from}, ids, ids));
  }
  return builder.finish();
}

class Database {
 public:
  explicit Database(uint64_t limit)
      : versions([this](const kv::Snapshot* s) {
          delete reinterpret_cast<const State*>(s);
          open_states.fetch_sub(1);
        }),
        budget(&versions, limit) {
    auto* state = new State;
    for (uint32_t b = 0; b < State::kBlocks; ++b) {
      state->value[b] = b + 1;
      state->degree[b] = b * 7;
    }
    open_states = 1;
    Root root;
    root.next_node = State::kBlocks * 256;
    root.reserve(root.next_node, 0, 4, 4, 4);
    root.store_snapshot = as_snapshot(state);
    versions.open(std::move(root));
  }
  // The reader's side of loading.
  const EntityBlock* block(const Root* root, WriteContext* context, uint64_t b, bool structure_held = false) {
    const EntityBlock* found = root->find_block(EntityKind::kNode, b);
    if (found == nullptr) {
      found = root->publish_block(context, EntityKind::kNode, b, load_block(state_of(*root), b));
      budget.loaded(structure_held);
    }
    found->touch();
    return found;
  }
  const TopologyChunk* topology(const Root* root, WriteContext* context, uint64_t b, bool structure_held = false) {
    const TopologyChunk* found = root->find_topology_chunk(kType, Direction::kOut, b);
    if (found == nullptr) {
      found = root->publish_topology_chunk(context, kType, Direction::kOut, b, load_topology(state_of(*root), b));
      budget.loaded(structure_held);
    }
    found->touch();
    return found;
  }
  // Everything a reader can see of block b agrees with the state.
  bool agrees(const Root* root, WriteContext* context, const State& state, uint64_t b) {
    const EntityBlock* e = block(root, context, b);
    if (e->exists(3) != (state.value[b] != 0)) return false;
    if (state.value[b] != 0) {
      const Value v = e->get(3, kKey);
      if (!v.is_integer() || v.as_integer() != state.value[b] || e->get(5, KeyId(1)).as_string() != "text 5")
        return false;
    }
    const TopologyChunk* t = topology(root, context, b);
    uint64_t sum = 0, count = 0;
    t->for_each_segment(0, [&](const Neighbours& s) {
      for (uint32_t i = 0; i < s.count; ++i) sum += s.neighbour(i);
      count += s.count;
    });
    const uint64_t n = state.degree[b];
    return t->degree(0) == n && count == n && sum == (n == 0 ? 0 : n * (n - 1) / 2);
  }
  void set_value(WriteContext& context, State* state, uint64_t b, int64_t v) {
    auto lock = versions.structure();
    block(context.root(), &context, b, true);
    for (uint32_t row = 0; row < 40; ++row) {
      ASSERT_TRUE(
          context.root()->edit_set_property(context, EntityKind::kNode, b * 256 + row, kKey, Value::integer(v)));
    }
    state->value[b] = v;
  }
  void add_edges(WriteContext& context, State* state, uint64_t b, uint32_t count) {
    auto lock = versions.structure();
    topology(context.root(), &context, b, true);
    for (uint32_t i = 0; i < count; ++i) {
      TouchedBlocks touched;
      const uint64_t id = state->degree[b]++;
      ASSERT_TRUE(context.root()->edit_connect(context, kType, Direction::kOut, NodeId(b * 64), id, id, &touched));
    }
  }
  void remove_edges(WriteContext& context, State* state, uint64_t b, uint32_t count) {
    auto lock = versions.structure();
    topology(context.root(), &context, b, true);
    for (uint32_t i = 0; i < count && state->degree[b] > 0; ++i) {
      TouchedBlocks touched;
      bool found = false;
      const uint64_t id = --state->degree[b];
      ASSERT_TRUE(
          context.root()->edit_disconnect(context, kType, Direction::kOut, NodeId(b * 64), id, id, &touched, &found));
      ASSERT_TRUE(found);
    }
  }
  uint64_t commit(std::unique_ptr<WriteContext> context, const State& state) {
    open_states.fetch_add(1);
    versions.commit(std::move(context), ++commits, as_snapshot(new State(state)));
    return commits;
  }

  std::atomic<int> open_states{0};
  uint64_t commits = 0;
  Versions versions;
  Budget budget;
};

struct Access {
  explicit Access(Versions* v) : versions(v), slot(v->claim_access()) { versions->enter(slot); }
  ~Access() { versions->release_access(slot); }
  Versions* versions;
  AccessSlot* slot;
};

TEST(TrieTest, AgreesWithAMapOverTheWholeIdSpace) {
  Random random(1);
  VersionsFixture fixture;
  std::map<uint64_t, uint32_t> model, pinned_model;
  const Root* pinned = nullptr;
  uint32_t slot = 0;
  const LabelId label(0);
  for (int transaction = 0; transaction < 120; ++transaction) {
    auto context = fixture.versions.begin();
    auto mine = model;
    for (int statement = 0; statement < 2; ++statement) {
      const auto before = mine;
      context->begin_statement();
      for (uint64_t n = random.below(20); n > 0; --n) {
        const uint64_t index = random.below(uint64_t{1} << (1 + random.below(48)));
        if (context->root()->find_label_chunk(label, index) == nullptr) {
          context->root()->edit_fresh_label_chunk(*context, label, index);
        }
        const auto row = static_cast<uint32_t>(random.below(4096));
        // LabelChunk::index_of() of an id; ids reach 2^48, so the trie is driven directly for higher indexes.
        LabelChunk* chunk = context->root()->labels.edit(*context, label.value, index);
        if (chunk == nullptr || chunk == LabelChunk::empty()) {
          chunk = LabelChunk::make(context.get());
          context->root()->labels.set(*context, label.value, index, chunk);
        }
        ASSERT_TRUE(context->mine(chunk));
        if (const auto it = mine.find(index); it != mine.end()) chunk->set(it->second, false);
        chunk->set(row, true);
        mine[index] = row;
      }
      if (random.chance(25)) {
        context->rollback_statement();
        mine = before;
      } else {
        context->finish_statement();
      }
    }
    const auto check = [&](const Root& root, const std::map<uint64_t, uint32_t>& want) {
      auto it = want.begin();
      root.labels.find(label.value).for_each_resident(0, [&](uint64_t index, LabelChunk* chunk) {
        if (chunk->count == 0) return true;
        EXPECT_NE(it, want.end());
        if (it == want.end()) return false;
        EXPECT_EQ(index, it->first);
        EXPECT_EQ(chunk->next(0), it->second);
        ++it;
        return true;
      });
      ASSERT_EQ(it, want.end());
    };
    check(*context->root(), mine);
    if (random.chance(20)) continue;
    model = mine;
    fixture.commit(std::move(context));
    check(*fixture.versions.published(), model);
    if (random.chance(20)) {
      if (pinned != nullptr) {
        check(*pinned, pinned_model);
        fixture.versions.unpin(slot);
      }
      pinned = fixture.versions.pin(&slot);
      pinned_model = model;
    }
  }
  if (pinned != nullptr) fixture.versions.unpin(slot);
}

TEST(TrieTest, IndexBeyondTheHeightIsKnownToBeEmpty) {
  VersionsFixture fixture;
  const Root* root = fixture.versions.published();
  EXPECT_EQ(root->find_block(EntityKind::kNode, 0), nullptr) << "not loaded";
  EXPECT_EQ(root->find_block(EntityKind::kNode, uint64_t{1} << 40), EntityBlock::empty());
  EXPECT_EQ(root->publish_block(nullptr, EntityKind::kNode, uint64_t{1} << 40, load_block(State{}, 0)),
            EntityBlock::empty());
}

TEST(VersionsTest, PinnedReaderSeesItsVersionWhileTheWriterGoesOn) {
  Database db(0);
  State state = state_of(*db.versions.published());
  uint32_t slot = 0;
  const Root* pinned = db.versions.pin(&slot);
  const State pinned_state = state;
  for (int round = 0; round < 50; ++round) {
    auto context = db.versions.begin();
    db.set_value(*context, &state, 5, 1000 + round);
    db.add_edges(*context, &state, 5, 20);
    db.versions.publish(db.commit(std::move(context), state));
  }
  Access access(&db.versions);
  EXPECT_TRUE(db.agrees(pinned, nullptr, pinned_state, 5));
  EXPECT_TRUE(db.agrees(db.versions.published(), nullptr, state, 5));
  // Only the pinned and the newest version are alive, and so are their store snapshots.
  EXPECT_EQ(db.open_states, 2);
  db.versions.unpin(slot);
  EXPECT_EQ(db.open_states, 1);
  EXPECT_EQ(db.versions.stats().retired_bytes, 0u);
}

TEST(VersionsTest, LongReaderHoldsOneCopyNotEveryVersion) {
  Database db(0);
  State state = state_of(*db.versions.published());
  uint32_t slot = 0;
  db.versions.pin(&slot);
  uint64_t after_ten = 0;
  for (int round = 0; round < 1000; ++round) {
    auto context = db.versions.begin();
    db.set_value(*context, &state, 7, round + 1);
    db.versions.publish(db.commit(std::move(context), state));
    if (round == 10) after_ten = db.versions.object_bytes();
  }
  EXPECT_LT(db.versions.object_bytes(), after_ten + 20'000);
  db.versions.unpin(slot);
}

TEST(VersionsTest, ChunkLoadedIntoAnOldNodeDiesWithIt) {
  Database db(0);
  State state = state_of(*db.versions.published());
  uint32_t slot = 0;
  const Root* old = db.versions.pin(&slot);
  auto context = db.versions.begin();
  db.set_value(*context, &state, 1, 77);
  // The writer has copied the trie node; these loads go into the old one.
  Access access(&db.versions);
  db.block(old, nullptr, 2);
  db.versions.publish(db.commit(std::move(context), state));
  const EntityBlock* in_old = db.block(old, nullptr, 3);
  EXPECT_EQ(old->find_block(EntityKind::kNode, 3), in_old);
  EXPECT_EQ(db.versions.published()->find_block(EntityKind::kNode, 3), nullptr);
  db.versions.unpin(slot);  // a leak would be reported by the address sanitizer, a wrong count by the destructor
}

TEST(VersionsTest, RolledBackStatementLeavesNothing) {
  Database db(0);
  State state = state_of(*db.versions.published());
  auto context = db.versions.begin();
  context->begin_statement();
  db.set_value(*context, &state, 4, 40);
  db.add_edges(*context, &state, 4, 300);
  context->finish_statement();
  const uint64_t bytes = context->bytes();
  const State kept = state;
  for (int i = 0; i < 3; ++i) {
    context->begin_statement();
    db.set_value(*context, &state, 4, 41);
    db.set_value(*context, &state, 9, 90);
    db.add_edges(*context, &state, 4, 300);
    db.remove_edges(*context, &state, 60, 300);
    context->rollback_statement();
    state = kept;
    EXPECT_EQ(context->bytes(), bytes);
  }
  Access access(&db.versions);
  for (uint64_t b : {4, 9, 60}) EXPECT_TRUE(db.agrees(context->root(), context.get(), state, b));
  context.reset();
  EXPECT_TRUE(db.agrees(db.versions.published(), nullptr, state_of(*db.versions.published()), 4));
}

TEST(VersionsTest, ManyStatementsKeepOneVersionEach) {
  Database db(0);
  State state = state_of(*db.versions.published());
  auto context = db.versions.begin();
  uint64_t after_ten = 0;
  for (int i = 0; i < 500; ++i) {
    context->begin_statement();
    db.set_value(*context, &state, 4, i + 1);
    context->finish_statement();
    if (i == 10) after_ten = context->bytes();
  }
  EXPECT_LE(context->bytes(), after_ten + 1000);
  db.versions.publish(db.commit(std::move(context), state));
}

TEST(VersionsTest, UnpublishedCommitsAreTheBaseOfTheNextAndCanBeDropped) {
  Database db(0);
  const State before = state_of(*db.versions.published());
  State state = before;
  for (int i = 0; i < 3; ++i) {
    auto context = db.versions.begin();
    {
      Access access(&db.versions);
      ASSERT_TRUE(db.agrees(context->root(), context.get(), state, 10));
    }
    db.set_value(*context, &state, 10, 500 + i);
    db.add_edges(*context, &state, 70, 400);
    db.commit(std::move(context), state);
    // Somebody reads the new tip's own nodes before it is published (the next transaction does).
    Access access(&db.versions);
    db.block(db.versions.tip(), nullptr, 11);
  }
  uint32_t slot = 0;
  const Root* published = db.versions.pin(&slot);
  EXPECT_EQ(published->version, 0u);
  db.versions.unpin(slot);
  db.versions.publish(1);
  EXPECT_EQ(db.versions.published()->version, 1u);
  db.versions.drop_unpublished();
  EXPECT_EQ(db.versions.tip(), db.versions.published());
  Access access(&db.versions);
  EXPECT_TRUE(db.agrees(db.versions.published(), nullptr, state_of(*db.versions.published()), 10));
  EXPECT_EQ(state_of(*db.versions.published()).value[10], 500);
}

TEST(VersionsTest, ClearedGraphIsKnownToBeEmpty) {
  Database db(0);
  State state = state_of(*db.versions.published());
  uint32_t slot = 0;
  const Root* pinned = db.versions.pin(&slot);
  Access access(&db.versions);
  ASSERT_TRUE(db.agrees(pinned, nullptr, state, 20));
  auto context = db.versions.begin();
  context->begin_statement();
  db.set_value(*context, &state, 20, 1);
  {
    auto lock = db.versions.structure();
    context->root()->label_tokens = 4;
    context->root()->type_tokens = 4;
    context->root()->edit_clear(*context);
  }
  context->finish_statement();
  const Root* root = context->root();
  EXPECT_EQ(root->find_block(EntityKind::kNode, 20), EntityBlock::empty());
  EXPECT_EQ(root->find_label_chunk(LabelId(1), 0), LabelChunk::empty());
  EXPECT_EQ(root->find_topology_chunk(kType, Direction::kOut, 20), TopologyChunk::empty());
  EXPECT_EQ(root->find_index(IndexId(2)), IndexTree::empty());
  db.budget.drop_all();  // refuses: the open transaction holds the old trees
  State empty;
  {
    auto lock = db.versions.structure();
    TouchedBlocks touched;
    ASSERT_TRUE(context->root()->edit_connect(*context, kType, Direction::kOut, NodeId(64), 0, 0, &touched));
    empty.degree[1] = 1;
  }
  db.versions.publish(db.commit(std::move(context), empty));
  db.budget.drop_all();
  EXPECT_TRUE(db.agrees(db.versions.published(), nullptr, empty, 1));
  EXPECT_TRUE(db.agrees(db.versions.published(), nullptr, empty, 20));
  EXPECT_TRUE(db.agrees(pinned, nullptr, state_of(*pinned), 20));
  db.versions.unpin(slot);
}

TEST(BudgetTest, EvictionKeepsTheFormBelowItsLimitAndAnswersStayRight) {
  Database db(200'000);
  State state = state_of(*db.versions.published());
  Access access(&db.versions);
  for (int round = 0; round < 5; ++round) {
    for (uint64_t b = 0; b < State::kBlocks; ++b) {
      ASSERT_TRUE(db.agrees(db.versions.published(), nullptr, state, b));
      db.versions.leave(access.slot);
      db.versions.enter(access.slot);
    }
  }
  EXPECT_GT(db.budget.stats().evictions, 100u);
  EXPECT_LT(db.versions.object_bytes(), 260'000u);
}

// There is never a moment without a reader inside its epoch.
TEST(BudgetTest, EvictionGoesOnWhileReadersTakeTurns) {
  Database db(200'000);
  State state = state_of(*db.versions.published());
  Access first(&db.versions), second(&db.versions);
  for (int round = 0; round < 5; ++round) {
    for (uint64_t b = 0; b < State::kBlocks; ++b) {
      AccessSlot* const next = b % 2 == 0 ? first.slot : second.slot;
      db.versions.leave(next);
      db.versions.enter(next);
      ASSERT_TRUE(db.agrees(db.versions.published(), nullptr, state, b));
    }
  }
  EXPECT_LT(db.versions.object_bytes(), 300'000u);
}

TEST(BudgetTest, IsOverhungByWhatABatchStillHolds) {
  Database db(1);
  EXPECT_FALSE(db.budget.is_overhung());
  uint32_t slot = 0;
  const Root* root = db.versions.pin(&slot);
  Access access(&db.versions);
  // Blocks come and go, and none of them may be freed.
  uint64_t loads = 0;
  for (; !db.budget.is_overhung() && loads < 30'000; ++loads) db.block(root, nullptr, loads % State::kBlocks);
  EXPECT_TRUE(db.budget.is_overhung());
  EXPECT_GT(loads, State::kBlocks);
  EXPECT_LT(db.versions.object_bytes(), uint64_t{10} << 20);
  db.versions.leave(access.slot);
  int asked = 0;
  while (db.budget.is_overhung() && asked < 100) ++asked;
  EXPECT_LT(asked, 20);
  db.versions.unpin(slot);
}

TEST(BudgetTest, ChunkHeldByABatchIsFreedOnlyAfterTheBatch) {
  Database db(0);
  Access access(&db.versions);
  const EntityBlock* held = db.block(db.versions.published(), nullptr, 8);
  db.budget.drop_all();
  EXPECT_EQ(db.versions.published()->find_block(EntityKind::kNode, 8), nullptr);
  EXPECT_EQ(held->get(3, kKey).as_integer(), 9);  // the address sanitizer would object
  const uint64_t before = db.versions.object_bytes();
  db.versions.leave(access.slot);
  db.versions.sweep();
  EXPECT_LT(db.versions.object_bytes(), before);
}

TEST(BudgetTest, WhatTheOpenTransactionChangedIsNotEvicted) {
  Database db(0);
  State state = state_of(*db.versions.published());
  auto context = db.versions.begin();
  context->begin_statement();
  db.set_value(*context, &state, 30, 3000);
  db.add_edges(*context, &state, 30, 500);
  db.budget.drop_all();
  Access access(&db.versions);
  EXPECT_NE(context->root()->find_block(EntityKind::kNode, 30), nullptr);
  EXPECT_TRUE(db.agrees(context->root(), context.get(), state, 30));
  context->rollback_statement();
  EXPECT_TRUE(db.agrees(context->root(), context.get(), state_of(*db.versions.published()), 30));
}

TEST(BudgetTest, EvictingANewVersionSparesWhatAnOldReaderShares) {
  Database db(0);
  State state = state_of(*db.versions.published());
  {
    Access access(&db.versions);
    for (uint64_t b = 0; b < State::kBlocks; ++b) ASSERT_TRUE(db.agrees(db.versions.published(), nullptr, state, b));
  }
  uint32_t slot = 0;
  const Root* pinned = db.versions.pin(&slot);
  const State pinned_state = state;
  auto context = db.versions.begin();
  for (uint64_t b = 0; b < State::kBlocks; b += 2) {
    db.set_value(*context, &state, b, 9000 + static_cast<int64_t>(b));
    db.add_edges(*context, &state, b, 3);
  }
  db.versions.publish(db.commit(std::move(context), state));
  db.budget.drop_all();
  Access access(&db.versions);
  for (uint64_t b = 0; b < State::kBlocks; ++b) {
    ASSERT_TRUE(db.agrees(pinned, nullptr, pinned_state, b));
    ASSERT_TRUE(db.agrees(db.versions.published(), nullptr, state, b));
  }
  db.versions.unpin(slot);
}

TEST(BudgetTest, UnderPressureTheSecondTouchLoads) {
  Database db(100);
  EXPECT_FALSE(db.budget.should_load(ChunkFamily::kTopology, 3, 17));
  EXPECT_TRUE(db.budget.should_load(ChunkFamily::kTopology, 3, 17));
  EXPECT_FALSE(db.budget.should_load(ChunkFamily::kTopology, 4, 17));
  db.budget.set_limit(0);
  EXPECT_TRUE(db.budget.should_load(ChunkFamily::kNodes, 0, 1));
}

// Readers pin, load, read and unpin while a writer commits, rolls back, and everybody evicts.
TEST(VersionsConcurrencyTest, ReadersWriterAndEvictionAgree) {
  Database db(150'000);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> reads{0}, wrong{0};
  const auto reader = [&](uint64_t salt) {
    Random random(salt);
    uint32_t old_slot = 0;
    const Root* old = nullptr;
    AccessSlot* slot = db.versions.claim_access();
    uint64_t n = 0;
    while (!stop.load(std::memory_order_relaxed)) {
      uint32_t pin = 0;
      const Root* root = db.versions.pin(&pin);
      const State& state = state_of(*root);
      for (int batch = 0; batch < 3; ++batch) {
        db.versions.enter(slot);
        for (int i = 0; i < 10; ++i, ++n) {
          if (!db.agrees(root, nullptr, state, random.below(State::kBlocks))) wrong.fetch_add(1);
          if (old != nullptr && !db.agrees(old, nullptr, state_of(*old), random.below(State::kBlocks)))
            wrong.fetch_add(1);
        }
        db.versions.leave(slot);
      }
      if (old != nullptr && random.chance(10)) {
        db.versions.unpin(old_slot);
        old = nullptr;
      }
      if (old == nullptr) {
        old = root;  // kept for a while
        old_slot = pin;
      } else {
        db.versions.unpin(pin);
      }
    }
    if (old != nullptr) db.versions.unpin(old_slot);
    db.versions.release_access(slot);
    reads.fetch_add(n);
  };
  std::thread evictor([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      db.budget.drop_all();
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
  });
  std::vector<std::thread> readers;
  for (uint64_t i = 0; i < 3; ++i) readers.emplace_back(reader, 100 + i);
  Random random(99);
  State state = state_of(*db.versions.published());
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  uint64_t commits = 0, published = 0;
  AccessSlot* slot = db.versions.claim_access();
  while (std::chrono::steady_clock::now() < end) {
    auto context = db.versions.begin();
    State mine = state;
    for (int statement = 0; statement < 2; ++statement) {
      const State before = mine;
      context->begin_statement();
      db.versions.enter(slot);
      for (int i = 0; i < 4; ++i) {
        const uint64_t b = random.below(State::kBlocks);
        db.set_value(*context, &mine, b, static_cast<int64_t>(1 + random.below(1000000)));
        if (random.chance(50))
          db.add_edges(*context, &mine, random.below(State::kBlocks), static_cast<uint32_t>(random.below(30)));
        else
          db.remove_edges(*context, &mine, random.below(State::kBlocks), static_cast<uint32_t>(random.below(30)));
      }
      for (int i = 0; i < 3; ++i) {
        if (!db.agrees(context->root(), context.get(), mine, random.below(State::kBlocks))) wrong.fetch_add(1);
      }
      db.versions.leave(slot);
      db.budget.make_room();
      if (random.chance(20)) {
        context->rollback_statement();
        mine = before;
      } else {
        context->finish_statement();
      }
    }
    if (random.chance(10)) continue;
    state = mine;
    const uint64_t number = db.commit(std::move(context), state);
    ++commits;
    if (random.chance(70)) {
      db.versions.publish(number);
      published = number;
    }
  }
  db.versions.publish(db.commits);
  stop = true;
  for (auto& t : readers) t.join();
  evictor.join();
  db.versions.release_access(slot);
  EXPECT_EQ(wrong.load(), 0u);
  EXPECT_GT(reads.load(), 100u);
  EXPECT_GT(commits, 10u);
  EXPECT_GT(published, 0u);
  db.versions.sweep();
  EXPECT_EQ(db.open_states.load(), 1);
}

// Many versions share one leaf, so that an eviction meets the same slot once for each of them, and readers load into it
// meanwhile. ~Versions counts the bytes: nothing that was loaded may be lost.
TEST(VersionsConcurrencyTest, ASlotThatVersionsShareIsEmptiedOnce) {
  Database db(0);
  State state = state_of(*db.versions.published());
  std::vector<uint32_t> pins;
  constexpr uint64_t kChanged = 80;  // not below the leaf that the readers load into
  for (int i = 0; i < 200; ++i) {
    pins.emplace_back();
    static_cast<void>(db.versions.pin(&pins.back()));
    auto context = db.versions.begin();
    db.set_value(*context, &state, kChanged, 1000 + i);
    db.versions.publish(db.commit(std::move(context), state));
  }
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> wrong{0};
  std::vector<std::thread> readers;
  for (uint64_t salt = 0; salt < 2; ++salt) {
    readers.emplace_back([&, salt] {
      Random random(salt);
      AccessSlot* slot = db.versions.claim_access();
      const Root* root = db.versions.published();
      while (!stop.load(std::memory_order_relaxed)) {
        db.versions.enter(slot);
        for (int i = 0; i < 100; ++i) wrong += db.agrees(root, nullptr, state, random.below(4)) ? 0 : 1;
        db.versions.leave(slot);
      }
      db.versions.release_access(slot);
    });
  }
  while (db.budget.stats().evictions < 20'000) db.budget.drop_all();
  stop = true;
  for (auto& t : readers) t.join();
  EXPECT_EQ(wrong.load(), 0u);
  for (uint32_t pin : pins) db.versions.unpin(pin);
  db.versions.sweep();
  db.budget.drop_all();
  // The one chunk that is neither loaded nor evicted belongs to nobody: only trie nodes are left.
  EXPECT_LT(db.versions.object_bytes(), 20u * TrieNode::bytes_of(TrieNode::kFanout));
}

TEST(VersionsConcurrencyTest, PinsNeverGiveAFreedRoot) {
  VersionsFixture fixture;
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> wrong{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      uint64_t last = 0;
      while (!stop.load(std::memory_order_relaxed)) {
        uint32_t slot = 0;
        const Root* root = fixture.versions.pin(&slot);
        if (root->version < last || root->nodes != root->version * 3) wrong.fetch_add(1);
        last = root->version;
        fixture.versions.unpin(slot);
      }
    });
  }
  for (uint64_t i = 1; i <= 20000; ++i) {
    auto context = fixture.versions.begin();
    context->root()->nodes = i * 3;
    fixture.commit(std::move(context));
  }
  stop = true;
  for (auto& t : readers) t.join();
  EXPECT_EQ(wrong.load(), 0u);
}

}  // namespace
}  // namespace lora::graph::cache
