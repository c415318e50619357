#include "kv/entry_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/kv/make_entry.h"

namespace lora::kv {
namespace {

using Bound = EntryTree::Bound;
using Target = EntryTree::Target;
using tests::internal_key;
using tests::make_entry;
using Key = tests::EntryKey;

struct Order {
  bool operator()(const Key& a, const Key& b) const {
    const int order = a.first.compare(b.first);  // char_traits compares as unsigned
    return order != 0 ? order < 0 : a.second > b.second;
  }
};

class EntryTreeTest : public testing::Test {
 protected:
  using Model = std::map<Key, const char*, Order>;

  void insert(const Key& key) {
    const auto [place, fresh] = model_.try_emplace(key, nullptr);
    if (!fresh) return;
    entries_.push_back(make_entry(key));
    place->second = entries_.back().data();
    tree_.insert(place->second);
  }

  // All entries, step by step from one end as an iterator takes them.
  std::vector<const char*> forward() const {
    std::vector<const char*> out;
    EntryTree::Run run;
    for (tree_.first(&run); run.count > 0;
         tree_.ascend(Target::of_entry(run.entries[run.count - 1]), Bound::kExclusive, &run)) {
      out.insert(out.end(), run.entries.begin(), run.entries.begin() + run.count);
    }
    return out;
  }
  std::vector<const char*> backward() const {
    std::vector<const char*> out;
    EntryTree::Run run;
    for (tree_.last(&run); run.count > 0; tree_.descend(Target::of_entry(run.entries[0]), Bound::kExclusive, &run)) {
      for (int i = run.count; i > 0; --i) out.push_back(run.entries[i - 1]);
    }
    return out;
  }

  void expect_search(const Key& key) const {
    const std::string bytes = internal_key(key);
    const Target target = Target::of_internal_key(bytes);
    const auto at = model_.lower_bound(key);
    const auto behind = model_.upper_bound(key);
    EntryTree::Run run;
    const auto first = [&] { return run.count == 0 ? nullptr : run.entries[0]; };
    const auto last = [&] { return run.count == 0 ? nullptr : run.entries[run.count - 1]; };
    tree_.ascend(target, Bound::kInclusive, &run);
    ASSERT_EQ(first(), at == model_.end() ? nullptr : at->second);
    tree_.ascend(target, Bound::kExclusive, &run);
    ASSERT_EQ(first(), behind == model_.end() ? nullptr : behind->second);
    tree_.descend(target, Bound::kInclusive, &run);
    ASSERT_EQ(last(), behind == model_.begin() ? nullptr : std::prev(behind)->second);
    tree_.descend(target, Bound::kExclusive, &run);
    ASSERT_EQ(last(), at == model_.begin() ? nullptr : std::prev(at)->second);
  }

  void expect_all() const {
    std::vector<const char*> expected;
    for (const auto& [key, entry] : model_) expected.push_back(entry);
    ASSERT_EQ(forward(), expected);
    std::reverse(expected.begin(), expected.end());
    ASSERT_EQ(backward(), expected);
  }

  EntryTree tree_;
  Model model_;
  std::deque<std::string> entries_;
};

TEST_F(EntryTreeTest, AnEmptyTreeHasNothing) {
  EXPECT_TRUE(tree_.empty());
  EXPECT_EQ(tree_.bytes(), 0u);
  expect_search({"a", 1});
  expect_all();
  tree_.freeze();
  expect_search({"a", 1});
  expect_all();
}

TEST_F(EntryTreeTest, TheNewestVersionOfAKeyComesFirst) {
  for (uint64_t version = 1; version <= 500; ++version) insert({"counter", version << 8 | 1});
  insert({"counte", 7});
  insert({"counter0", 7});
  expect_all();
  for (uint64_t version = 0; version <= 501; ++version) expect_search({"counter", version << 8 | 1});
  expect_search({"counter", ~uint64_t{0}});
}

// Padding with zeros must not make two keys one, nor a byte over 127 a small one.
TEST_F(EntryTreeTest, KeysThatShareTheirFirstBytes) {
  const std::string zeros(20, '\0');
  for (size_t size = 0; size <= zeros.size(); ++size) {
    for (const char* end : {"", "\x01", "\x7f", "\x80", "\xff"}) {
      insert({zeros.substr(0, size) + end, 1});
      insert({std::string(size, '\xff') + end, 1});
      insert({std::string(size, 'a') + end, 1});
    }
  }
  insert({std::string(300, 'a'), 1});  // the length takes two bytes
  insert({std::string(299, 'a') + "b", 1});
  expect_all();
  for (const auto& [key, entry] : model_) expect_search(key);
}

TEST_F(EntryTreeTest, AscendingKeysFillTheirNodes) {
  constexpr int kCount = 20'000;
  char key[9] = {};
  for (int i = 0; i < kCount; ++i) {
    std::snprintf(key, sizeof(key), "%08d", i);
    insert({key, 1});
  }
  expect_all();
  EXPECT_LT(tree_.bytes(), kCount * (24 + 4));  // 24 bytes a place
}

TEST_F(EntryTreeTest, DescendingKeys) {
  char key[9] = {};
  for (int i = 20'000; i > 0; --i) {
    std::snprintf(key, sizeof(key), "%08d", i);
    insert({key, 1});
  }
  expect_all();
}

// New versions of a key at the beginning of a leaf lie behind the full leaf before it.
TEST_F(EntryTreeTest, NewVersionsOfALeafsFirstKeyShareLeaves) {
  char key[9] = {};
  for (int i = 0; i < 1'000; ++i) {
    std::snprintf(key, sizeof(key), "%08d", i);
    insert({key, 1});
  }
  const size_t before = tree_.bytes();
  for (uint64_t version = 2; version < 200; ++version) {
    for (int i = EntryTree::kPlaces; i < 1'000; i += EntryTree::kPlaces) {  // the first of their leaves
      std::snprintf(key, sizeof(key), "%08d", i);
      insert({key, version});
    }
  }
  expect_all();
  EXPECT_LT(tree_.bytes() - before, (model_.size() - 1'000) * 100);  // half full, 48 each; a leaf is 1 552
}

TEST_F(EntryTreeTest, LikeAnOrderedMap) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    std::mt19937_64 random(seed);
    // Few bytes and few lengths: many equal prefixes, many versions.
    const uint64_t lengths = 2 + seed * 5;
    const auto any = [&] {
      std::string key(random() % lengths, 'a');
      for (char& byte : key) byte = static_cast<char>(random() % 3 * 127);
      return Key{std::move(key), random() % 50};
    };
    for (int i = 0; i < 4'000; ++i) {
      insert(any());
      if (i % 16 == 0) expect_search(any());
    }
    expect_all();
  }
  tree_.freeze();
  expect_all();
}

// Readers see whole runs in order, and everything that was inserted before they began.
TEST(EntryTree, ReadersBesideAWriter) {
  constexpr uint64_t kCount = 30'000;
  std::vector<std::string> entries;
  for (uint64_t i = 0; i < kCount; ++i) {
    const uint64_t spread = i * 7'919 % kCount;
    entries.push_back(make_entry({"key " + std::to_string(1'000'000 + spread), i << 8 | 1}));
  }
  EntryTree tree;
  std::atomic<uint64_t> inserted{0};
  std::vector<std::thread> readers;
  for (uint64_t seed = 0; seed < 2; ++seed) {
    readers.emplace_back([&, seed] {
      std::mt19937_64 random(seed);
      while (inserted.load() < kCount) {
        const uint64_t count = inserted.load();
        if (count == 0) continue;
        EntryTree::Run run;
        const char* known = entries[random() % count].data();
        tree.ascend(Target::of_entry(known), Bound::kInclusive, &run);
        ASSERT_GT(run.count, 0);
        ASSERT_EQ(run.entries[0], known);
        for (int i = 1; i < run.count; ++i) {
          ASSERT_LT(Target::of_entry(run.entries[i - 1]).user_key, Target::of_entry(run.entries[i]).user_key);
        }
        if (random() % 256 != 0) continue;
        uint64_t seen = 0;
        for (tree.last(&run); run.count > 0; tree.descend(Target::of_entry(run.entries[0]), Bound::kExclusive, &run)) {
          seen += static_cast<uint64_t>(run.count);
        }
        ASSERT_GE(seen, count);
      }
    });
  }
  for (const std::string& entry : entries) {
    tree.insert(entry.data());
    inserted.fetch_add(1);
  }
  tree.freeze();
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace lora::kv
