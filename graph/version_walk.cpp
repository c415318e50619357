#include "graph/version_walk.h"

#include <algorithm>
#include <functional>

namespace lora::graph {

using cache::EntityBlock;
using cache::IndexTree;
using cache::LabelChunk;
using cache::TopologyChunk;

bool VersionWalk::next(const Root& root, uint64_t keys_max, Changes* names) {
  for (; kind_ != Kind::kEnd; kind_ = static_cast<Kind>(static_cast<uint8_t>(kind_) + 1), index_ = token_ = 0) {
    bool found = false;
    switch (kind_) {
      case Kind::kNodes: found = next_rows(root.node_blocks, keys_max, &names->nodes); break;
      case Kind::kRelationships: found = next_rows(root.relationship_blocks, keys_max, &names->relationships); break;
      case Kind::kAdjacency: found = next_lists(root, keys_max, &names->blocks); break;
      case Kind::kLabels: found = next_labels(root, keys_max, &names->labels); break;
      case Kind::kIndexes: found = next_entries(root, keys_max, names); break;
      case Kind::kEnd: break;
    }
    if (found) return true;
  }
  return false;
}

bool VersionWalk::next_rows(const cache::Trie<EntityBlock>& blocks, uint64_t keys_max, DirtyList<uint64_t>* ids) {
  uint64_t named = 0;
  blocks.for_each_resident(index_, [&](uint64_t index, const EntityBlock* block) {
    for (uint32_t row = 0; row < EntityBlock::kRows; ++row) {
      if (!block->exists(row)) continue;
      ids->add(index * EntityBlock::kRows + row);
      ++named;
    }
    index_ = index + 1;
    return named < keys_max;
  });
  return named != 0;
}

bool VersionWalk::next_lists(const Root& root, uint64_t keys_max, DirtyList<DirtyBlock>* blocks) {
  const auto place_of = [&](uint64_t token, uint64_t from, Place* place) {
    const cache::TrieNode* trie = root.topology.find(token).root;
    *place = {from, token};
    return trie != nullptr && cache::next_resident(trie, &place->index) != nullptr;
  };
  if (!placed_) {
    root.topology.for_each_trie([&](uint64_t token, cache::Trie<TopologyChunk>) {
      Place place;
      if (place_of(token, 0, &place)) places_.push_back(place);
    });
    std::make_heap(places_.begin(), places_.end(), std::greater<>());
    placed_ = true;
  }
  uint64_t named = 0;
  while (!places_.empty()) {
    if (named >= keys_max && places_.front().index != index_) break;  // all types of a chunk's nodes come together
    const auto [index, token] = places_.front();
    index_ = index;
    if (const TopologyChunk* chunk = root.topology.find(token, index)) {
      const auto direction = static_cast<uint8_t>(token % 2);
      const auto type = static_cast<uint32_t>(token / 2);
      for (uint32_t row = 0; row < TopologyChunk::kNodes; ++row) {
        chunk->for_each_block(row, [&](cache::BlockKey first, const Neighbours&) {
          blocks->add({index * TopologyChunk::kNodes + row, direction, type, first});
          ++named;
        });
      }
    }
    std::pop_heap(places_.begin(), places_.end(), std::greater<>());
    if (place_of(token, index + 1, &places_.back())) {
      std::push_heap(places_.begin(), places_.end(), std::greater<>());
    } else {
      places_.pop_back();
    }
  }
  return named != 0;
}

bool VersionWalk::next_labels(const Root& root, uint64_t keys_max, DirtyList<DirtyLabel>* labels) {
  uint64_t named = 0;
  for (; named < keys_max && token_ < root.label_tokens; ++token_, index_ = 0) {
    root.labels.find(token_).for_each_resident(index_, [&](uint64_t index, const LabelChunk* chunk) {
      if (chunk->count != 0) {
        labels->add({static_cast<uint32_t>(token_), index});
        ++named;
      }
      index_ = index + 1;
      return named < keys_max;
    });
    if (named >= keys_max) break;
  }
  return named != 0;
}

bool VersionWalk::next_entries(const Root& root, uint64_t keys_max, Changes* names) {
  uint64_t named = 0;
  for (; index_ < indexes_.size(); ++index_, entry_.clear()) {
    const IndexTree* tree = root.find_index(indexes_[index_]);
    if (tree == nullptr) continue;
    IndexTree::Cursor cursor(tree);
    if (entry_.empty()) {
      cursor.seek("");
    } else {
      cursor.seek_after(entry_);
    }
    for (; cursor.valid(); cursor.next()) {
      if (named >= keys_max) return true;
      names->add_entry(indexes_[index_].value, std::string(cursor.key()));
      entry_.assign(cursor.key());
      ++named;
    }
  }
  return named != 0;
}

}  // namespace lora::graph
