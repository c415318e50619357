#include "graph/cache/index_tree.h"

#include <set>

#include "tests/graph/cache_support.h"

namespace lora::graph::cache {
namespace {

std::string id_bytes(uint64_t id) {
  std::string bytes;
  for (int shift = 40; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(id >> shift));
  return bytes;
}

void check(const IndexTree* tree, const std::set<std::string>& model) {
  ASSERT_EQ(tree->entries, model.size());
  IndexTree::Cursor cursor(tree);
  cursor.seek("");
  for (const std::string& key : model) {
    ASSERT_TRUE(cursor.valid());
    ASSERT_EQ(cursor.key(), key);
    cursor.next();
  }
  ASSERT_FALSE(cursor.valid());
}

uint64_t id_at_end(const std::string& key) {
  uint64_t id = 0;
  for (size_t i = key.size() - 6; i < key.size(); ++i) id = id << 8 | static_cast<unsigned char>(key[i]);
  return id;
}

class IndexTreeModelTest : public ::testing::TestWithParam<int> {};

TEST_P(IndexTreeModelTest, AgreesWithASet) {
  const int style = GetParam();
  Random random(static_cast<uint64_t>(style));
  VersionsFixture fixture;
  uint64_t counter = 0;
  const auto random_key = [&] {
    const uint64_t id = random.below(1 << 20);
    switch (style) {
      case 0: return std::string("\x05", 1) + id_bytes(random.below(3000)) + id_bytes(id);
      case 1: return "user_" + std::to_string(random.below(3000)) + id_bytes(id);
      case 4: {  // bytes that end within the prefix, the head and the tail, zeros among them
        std::string key(random.below(24), '\0');
        for (char& byte : key) byte = random.chance(80) ? 'k' : "\0\x01\xff"[random.below(3)];
        return key + id_bytes(random.below(3) << 40 | random.below(300));
      }
      case 2: return std::string(random.below(40), 'a') + id_bytes(random.below(200));  // equal heads, prefixes, zeros
      default: return std::string("\x05", 1) + id_bytes(counter++) + id_bytes(id);      // ascending
    }
  };
  std::set<std::string> model;
  const IndexId index(1);
  {
    auto context = fixture.versions.begin();
    IndexTreeBuilder builder(context.get());
    for (int i = 0; i < 3000; ++i) model.insert(random_key());
    for (const std::string& key : model) ASSERT_TRUE(builder.add(key));
    EXPECT_FALSE(builder.add(*model.rbegin()));
    EXPECT_FALSE(builder.add(""));
    context->root()->put_index(*context, index, builder.finish());
    check(context->root()->find_index(index), model);
    fixture.commit(std::move(context));
  }
  uint32_t slot = 0;
  const Root* pinned = fixture.versions.pin(&slot);
  const std::set<std::string> pinned_model = model;
  for (int transaction = 0; transaction < 150; ++transaction) {
    auto context = fixture.versions.begin();
    std::set<std::string> mine = model;
    const bool shrink = transaction % 50 >= 25;
    for (uint64_t statements = 1 + random.below(3); statements > 0; --statements) {
      const std::set<std::string> before = mine;
      context->begin_statement();
      IndexTree* tree = context->root()->edit_index(*context, index);
      for (uint64_t n = random.below(random.chance(20) ? 2000 : 30); n > 0; --n) {
        if (mine.empty() || random.chance(shrink ? 10 : 70)) {
          const std::string key = random_key();
          ASSERT_EQ(tree->insert(*context, key), mine.insert(key).second);
        } else {
          auto it = mine.lower_bound(random_key());
          if (it == mine.end()) it = mine.begin();
          ASSERT_FALSE(tree->erase(*context, *it + "x"));
          ASSERT_TRUE(tree->erase(*context, *it));
          mine.erase(it);
        }
      }
      if (random.chance(25)) {
        context->rollback_statement();
        mine = before;
      } else {
        context->finish_statement();
      }
      check(context->root()->find_index(index), mine);
      if (HasFatalFailure()) return;
    }
    if (random.chance(20)) continue;
    model = std::move(mine);
    fixture.commit(std::move(context));
    const IndexTree* tree = fixture.versions.published()->find_index(index);
    for (int i = 0; i < 20; ++i) {
      const std::string key = random_key();
      ASSERT_EQ(tree->contains(key), model.count(key) != 0);
      IndexTree::Cursor cursor(tree);
      cursor.seek(key);
      auto it = model.lower_bound(key);
      ASSERT_EQ(cursor.valid(), it != model.end());
      if (it != model.end()) {
        ASSERT_EQ(cursor.key(), *it);
      }
      cursor.seek_after(key);
      it = model.upper_bound(key);
      ASSERT_EQ(cursor.valid(), it != model.end());
      if (it != model.end()) {
        ASSERT_EQ(cursor.key(), *it);
      }
    }
    // Ranges, a few entries at a time, gone on with behind the last one.
    for (int i = 0; i < 5; ++i) {
      const std::string from = random_key(), to = random.chance(20) ? "" : random_key();
      std::vector<uint64_t> expected, ids;
      for (auto it = model.lower_bound(from); it != model.end() && (to.empty() || *it < to); ++it) {
        expected.push_back(id_at_end(*it));
      }
      std::string last;
      for (bool more = true; more;) {
        std::vector<uint64_t> some(1 + random.below(200));
        IndexTree::Cursor cursor(tree);
        last.empty() ? cursor.seek(from) : cursor.seek_after(last);
        const size_t count = cursor.take_below(to, some.data(), some.size(), &last);
        ids.insert(ids.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(count));
        more = count == some.size();
      }
      ASSERT_EQ(ids, expected);
    }
    // Prefixes of all lengths, whole values among them, one by one and together.
    std::vector<std::string> prefixes{"", std::string(1, '\xff')};
    for (int i = 0; i < 40; ++i) {
      const std::string key = random_key();
      prefixes.push_back(random.chance(50) ? key.substr(0, key.size() - 6)
                                           : key.substr(0, random.below(key.size() + 1)));
    }
    std::vector<uint64_t> together;
    std::vector<uint32_t> ends;
    tree->lookup_many(std::vector<ByteView>(prefixes.begin(), prefixes.end()), &together, &ends);
    ASSERT_EQ(ends.size(), prefixes.size());
    for (size_t i = 0; i < prefixes.size(); ++i) {
      const std::string& prefix = prefixes[i];
      std::vector<uint64_t> expected, ids;
      for (auto p = model.lower_bound(prefix); p != model.end() && p->starts_with(prefix); ++p) {
        expected.push_back(id_at_end(*p));
      }
      tree->lookup(prefix, &ids);
      ASSERT_EQ(ids, expected);
      ASSERT_EQ(tree->lookup_first(prefix), expected.empty() ? kNoId : expected[0]);
      ids.assign(together.begin() + (i == 0 ? 0 : ends[i - 1]), together.begin() + ends[i]);
      ASSERT_EQ(ids, prefix.empty() ? std::vector<uint64_t>() : expected);
    }
  }
  check(pinned->find_index(index), pinned_model);
  fixture.versions.unpin(slot);
  // Down to nothing, and up again.
  auto context = fixture.versions.begin();
  IndexTree* tree = context->root()->edit_index(*context, index);
  for (const std::string& key : model) ASSERT_TRUE(tree->erase(*context, key));
  check(tree, {});
  EXPECT_EQ(tree->node_bytes, 0u);
  ASSERT_TRUE(tree->insert(*context, "again"));
  check(tree, {"again"});
}

INSTANTIATE_TEST_SUITE_P(Keys, IndexTreeModelTest, ::testing::Values(0, 1, 2, 3, 4));

TEST(IndexTreeTest, EmptyTreeAnswersNothing) {
  std::vector<uint64_t> ids;
  std::vector<uint32_t> ends;
  IndexTree::empty()->lookup_many(std::vector<ByteView>{"a", "", "b"}, &ids, &ends);
  EXPECT_TRUE(ids.empty());
  EXPECT_EQ(ends, (std::vector<uint32_t>{0, 0, 0}));
  IndexTree::empty()->lookup("a", &ids);
  EXPECT_TRUE(ids.empty());
  EXPECT_EQ(IndexTree::empty()->lookup_first(""), kNoId);
  EXPECT_EQ(IndexTreeBuilder(nullptr).finish(), IndexTree::empty());
}

// What prefix and head of a node hold is not kept once more: a number and its id take twelve bytes and their share of
// the node.
TEST(IndexTreeTest, EntriesOfNumbersTakeFewBytes) {
  IndexTreeBuilder builder(nullptr);
  constexpr uint64_t kCount = 100'000;
  for (uint64_t i = 0; i < kCount; ++i) builder.add("\x05\x80" + id_bytes(i * 3) + id_bytes(i));
  const Loaded<IndexTree> tree = builder.finish_loaded();
  EXPECT_EQ(tree->entries, kCount);
  EXPECT_EQ(tree->node_bytes + sizeof(IndexTree), tree_bytes(tree.get()));
  EXPECT_LT(tree->node_bytes, kCount * 15);
  EXPECT_EQ(tree->lookup_first("\x05\x80" + id_bytes(299'997)), 99'999u);
}

TEST(IndexTreeTest, DroppedIndexIsFreedOnlyWhenNoReaderSeesIt) {
  VersionsFixture fixture;
  auto context = fixture.versions.begin();
  IndexTreeBuilder builder(context.get());
  for (uint64_t i = 0; i < 10000; ++i) builder.add(id_bytes(i) + id_bytes(i));
  context->root()->put_index(*context, IndexId(0), builder.finish());
  fixture.commit(std::move(context));
  uint32_t slot = 0;
  const Root* pinned = fixture.versions.pin(&slot);
  const uint64_t before = fixture.versions.object_bytes();
  context = fixture.versions.begin();
  context->root()->put_index(*context, IndexId(0), nullptr);
  fixture.commit(std::move(context));
  EXPECT_EQ(pinned->find_index(IndexId(0))->lookup_first(id_bytes(77)), 77u);
  EXPECT_GE(fixture.versions.object_bytes(), before);
  fixture.versions.unpin(slot);
  EXPECT_LT(fixture.versions.object_bytes(), before / 10);
}

}  // namespace
}  // namespace lora::graph::cache
