#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <new>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "kv/entry_tree.h"
#include "tests/kv/make_entry.h"
#include "tests/support/failing_allocations.h"

namespace lora::kv {
namespace {

using Target = EntryTree::Target;

// An insert that gets no memory for its nodes has not been; the next one may be.
TEST(EntryTreeMemory, InsertsWithoutMemory) {
  tests::prepare_failing();
  EntryTree tree;
  std::deque<std::string> entries;
  std::mt19937_64 random(3);
  int failed = 0;
  for (int i = 0; i < 10'000; ++i) {
    entries.push_back(tests::make_entry({std::to_string(random()), 1}));
    bool inserted = false;
    for (int64_t skip = 0; skip <= 1 && !inserted; ++skip) {  // a split may need memory for two nodes
      tests::failing = {true, skip, 0, false, 0};
      try {
        tree.insert(entries.back().data());
        inserted = true;
      } catch (const std::bad_alloc&) {
        ++failed;
      }
      tests::failing.armed = false;
    }
    if (!inserted) tree.insert(entries.back().data());
  }
  EXPECT_GT(failed, 200);

  std::vector<std::string_view> expected;
  for (const std::string& entry : entries) expected.push_back(Target::of_entry(entry.data()).user_key);
  std::ranges::sort(expected);
  std::vector<std::string_view> found;
  EntryTree::Run run;
  for (tree.first(&run); run.count > 0;
       tree.ascend(Target::of_entry(run.entries[run.count - 1]), EntryTree::Bound::kExclusive, &run)) {
    for (int i = 0; i < run.count; ++i) found.push_back(Target::of_entry(run.entries[i]).user_key);
  }
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace lora::kv
