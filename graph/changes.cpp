#include "graph/changes.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace lora::graph {

const std::vector<std::string>& DirtyIndex::sort() {
  std::sort(entries.begin(), entries.end());
  entries.erase(std::unique(entries.begin(), entries.end()), entries.end());
  return entries;
}

void Changes::begin_statement() {
  nodes.begin_statement();
  relationships.begin_statement();
  blocks.begin_statement();
  labels.begin_statement();
  counters.begin_statement();
  for (auto& [id, dirty] : indexes) {
    dirty.mark = dirty.entries.size();
  }
  cleared_before_statement_ = cleared;
}

void Changes::rollback_statement() {
  nodes.rollback_statement();
  relationships.rollback_statement();
  blocks.rollback_statement();
  labels.rollback_statement();
  counters.rollback_statement();
  for (auto& [id, dirty] : indexes) {
    while (dirty.entries.size() > dirty.mark) {
      index_bytes -= dirty.entries.back().size() + sizeof(std::string);
      dirty.entries.pop_back();
    }
  }
  cleared = cleared_before_statement_;
}

void Changes::add_entry(uint32_t index, std::string entry) {
  const size_t bytes = entry.size() + sizeof(std::string);
  indexes[index].entries.push_back(std::move(entry));
  index_bytes += bytes;
}

void Changes::take_names(Changes& other) {
  if (keys() == 0 && counters.empty()) {
    std::swap(nodes, other.nodes);
    std::swap(relationships, other.relationships);
    std::swap(blocks, other.blocks);
    std::swap(labels, other.labels);
    std::swap(counters, other.counters);
    std::swap(indexes, other.indexes);
    std::swap(index_bytes, other.index_bytes);
    return;
  }
  nodes.add_all(other.nodes);
  relationships.add_all(other.relationships);
  blocks.add_all(other.blocks);
  labels.add_all(other.labels);
  counters.add_all(other.counters);
  for (auto& [id, dirty] : other.indexes) {
    std::vector<std::string>& mine = indexes[id].entries;
    const size_t needed = mine.size() + dirty.entries.size();
    if (needed > mine.capacity()) {
      mine.reserve(std::max(needed, mine.capacity() * 2));
    }
    std::move(dirty.entries.begin(), dirty.entries.end(), std::back_inserter(mine));
    dirty.entries.clear();
  }
  index_bytes += std::exchange(other.index_bytes, 0);
  compact_entries();
}

void Changes::compact_entries() {
  size_t entries = 0;
  for (const auto& [id, dirty] : indexes) {
    entries += dirty.entries.size();
  }
  if (entries < compact_entries_at_) {
    return;
  }
  entries = index_bytes = 0;
  for (auto& [id, dirty] : indexes) {
    for (const std::string& entry : dirty.sort()) {
      index_bytes += entry.size() + sizeof(std::string);
    }
    entries += dirty.entries.size();
  }
  compact_entries_at_ = std::max<size_t>(4096, entries * 2);
}

uint64_t Changes::keys() const {
  uint64_t keys = nodes.size() + relationships.size() + blocks.size() + labels.size();
  for (const auto& [id, dirty] : indexes) {
    keys += dirty.entries.size();
  }
  return keys;
}

uint64_t Changes::bytes() const {
  return nodes.bytes() + relationships.bytes() + blocks.bytes() + labels.bytes() + index_bytes;
}

void Changes::clear() {
  clear_names();
  counters.clear();
  cleared = false;
}

void Changes::clear_names() {
  nodes.clear();
  relationships.clear();
  blocks.clear();
  labels.clear();
  indexes.clear();
  index_bytes = 0;
  whole_node_blocks.clear();
  whole_relationship_blocks.clear();
}

}  // namespace lora::graph
