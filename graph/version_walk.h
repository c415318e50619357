// Names of everything that a version holds, in the order of the store's keys, some at a time.
//
// For a version of which the store has nothing: all its chunks are in memory. Between two calls the version may have
// been followed by another; what has not changed since the first call is then named all the same, once.
//
// Threads: one at a time. A call needs chunks that stay: Versions::structure() held, or an access epoch.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "graph/cache/root.h"
#include "graph/changes.h"

namespace lora::graph {

class VersionWalk {
 public:
  // `indexes`, ascending: those whose entries are named.
  explicit VersionWalk(std::vector<IndexId> indexes) : indexes_(std::move(indexes)) {}

  // Adds the next names to *names: of one kind, about `keys_max` of them (whole chunks). False: there are no more.
  bool next(const Root& root, uint64_t keys_max, Changes* names);

 private:
  enum class Kind : uint8_t { kNodes, kRelationships, kAdjacency, kLabels, kIndexes, kEnd };
  // The chunk of `token` that comes next.
  struct Place {
    uint64_t index;
    uint64_t token;
    friend auto operator<=>(const Place&, const Place&) = default;
  };

  bool next_rows(const cache::Trie<cache::EntityBlock>& blocks, uint64_t keys_max, DirtyList<uint64_t>* ids);
  bool next_lists(const Root& root, uint64_t keys_max, DirtyList<DirtyBlock>* blocks);
  bool next_labels(const Root& root, uint64_t keys_max, DirtyList<DirtyLabel>* labels);
  bool next_entries(const Root& root, uint64_t keys_max, Changes* names);

  std::vector<IndexId> indexes_;
  Kind kind_ = Kind::kNodes;
  uint64_t index_ = 0;         // the next chunk's, or index's place in indexes_
  uint64_t token_ = 0;         // of labels
  bool placed_ = false;        // places_ is filled
  std::vector<Place> places_;  // a heap, the smallest on top
  std::string entry_;          // the last one that was named; empty: none of this index
};

}  // namespace lora::graph
