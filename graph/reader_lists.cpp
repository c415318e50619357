// Lists of a node's relationships, and degrees.
#include <algorithm>
#include <array>

#include "graph/graph_impl.h"
#include "graph/reader_chunks.h"

namespace lora::graph {

using cache::ChunkFamily;
using cache::TopologyChunk;

// --- chunks ---

const TopologyChunk* ReaderChunks::load_topology(RelTypeId type, Direction direction, uint64_t index) {
  Reader::Impl& in = impl();
  Result<cache::Loaded<TopologyChunk>> loaded = in.loader.topology(*reader_.root_, type, direction, index);
  if (!loaded.ok()) {
    fail(std::move(loaded).status());
    return TopologyChunk::empty();
  }
  const TopologyChunk* chunk =
      reader_.root_->publish_topology_chunk(in.context, type, direction, index, *std::move(loaded));
  in.chunk_loaded();
  return chunk;
}

const Reader::Impl::DirectList* ReaderChunks::direct_list(NodeId node, Direction direction, RelTypeId type) {
  Reader::Impl& in = impl();
  const uint64_t token = Root::topology_token(type, direction);
  const auto [place, is_new] = in.direct_lists.try_emplace({node.value, token});
  Reader::Impl::DirectList& list = place->second;
  if (is_new) {
    Status status = in.loader.list(*reader_.root_, node, direction, type, &list.neighbours, &list.relationships);
    if (!status.ok()) {
      in.direct_lists.erase(place);
      fail(std::move(status));
      return nullptr;
    }
  }
  return &list;
}

const TopologyChunk* ReaderChunks::resident_topology(RelTypeId type, Direction direction, uint64_t index) {
  enter();
  const TopologyChunk* chunk = reader_.root_->find_topology_chunk(type, direction, index);
  if (chunk != nullptr) [[likely]] {
    chunk->touch();
  }
  return chunk;
}

uint64_t ReaderChunks::unloaded_degree(NodeId node, Direction direction, RelTypeId type) {
  Reader::Impl& in = impl();
  const uint64_t index = TopologyChunk::index_of(node.value);
  const uint32_t row = TopologyChunk::row_of(node.value);
  const Root& root = *reader_.root_;
  const uint64_t token = Root::topology_token(type, direction);
  DegreeCache& degrees = *in.graph->degrees;
  // A private version has no stamp that others would know it by.
  if (in.context != nullptr || !in.graph->budget->is_tight() || !degrees.accepts(token, index, root.stamp)) {
    if (const TopologyChunk* chunk = point_topology(type, direction, index)) {
      return chunk->degree(row);
    }
    const Reader::Impl::DirectList* list = direct_list(node, direction, type);
    return list == nullptr ? 0 : list->neighbours.size();
  }
  if (const std::optional<uint32_t> known = degrees.find(token, index, row, root.stamp)) {
    return *known;
  }
  // The 64 of its chunk, without the chunk: it would drive out more than it is worth.
  const Result<cache::Loaded<TopologyChunk>> loaded = in.loader.topology(root, type, direction, index);
  if (!loaded.ok()) {
    fail(loaded.status());
    return 0;
  }
  std::array<uint32_t, TopologyChunk::kNodes> all;
  for (uint32_t r = 0; r < all.size(); ++r) all[r] = (*loaded)->degree(r);
  degrees.insert(token, index, root.stamp, all.data());
  const uint64_t bytes = degrees.bytes();
  in.graph->budget->set_limit(std::max(in.graph->chunk_bytes, bytes + 1) - bytes);
  return (*loaded)->degree(row);
}

const TopologyChunk* ReaderChunks::point_topology(RelTypeId type, Direction direction, uint64_t index) {
  if (const TopologyChunk* chunk = resident_topology(type, direction, index)) [[likely]] {
    return chunk;
  }
  Reader::Impl& in = impl();
  // Reading lists one by one pays while few are kept; a batch with many of them wants the chunks.
  constexpr size_t kDirectListsMax = 64;
  cache::Budget& budget = *in.graph->budget;
  if ((in.direct_lists.size() < kDirectListsMax &&
       !budget.should_load(ChunkFamily::kTopology, Root::topology_token(type, direction), index)) ||
      budget.is_overhung()) {
    return nullptr;
  }
  return load_topology(type, direction, index);
}

uint64_t Reader::degree(NodeId id, Direction direction, RelTypeId type) {
  settle();
  if (id.value >= root_->next_node || type.value >= root_->type_tokens) {
    return 0;
  }
  ReaderChunks chunks(*this);
  const TopologyChunk* chunk = chunks.resident_topology(type, direction, TopologyChunk::index_of(id.value));
  return chunk != nullptr ? chunk->degree(TopologyChunk::row_of(id.value))
                          : chunks.unloaded_degree(id, direction, type);
}

void Reader::add_degrees(std::span<const uint64_t> ids, Direction direction, RelTypeId type, int64_t* degrees) {
  settle();
  if (type.value >= root_->type_tokens) {
    return;
  }
  ReaderChunks chunks(*this);
  uint64_t current = kNoId;
  const TopologyChunk* chunk = nullptr;
  for (size_t i = 0; i < ids.size();) {
    if (ids[i] >= root_->next_node) {
      ++i;
      continue;
    }
    const uint64_t index = TopologyChunk::index_of(ids[i]);
    if (index != current || chunk == nullptr) {
      chunk = chunks.resident_topology(type, direction, index);
      current = index;
    }
    if (chunk == nullptr) [[unlikely]] {
      degrees[i] += static_cast<int64_t>(chunks.unloaded_degree(NodeId(ids[i]), direction, type));
      ++i;
      continue;
    }
    const uint32_t row = TopologyChunk::row_of(ids[i]);
    // The nodes of a scan follow each other: all that are left of the chunk at once.
    if (i + 2 < ids.size() && ids[i + 1] == ids[i] + 1 && ids[i + 2] == ids[i] + 2) {
      const size_t most = std::min<size_t>({TopologyChunk::kNodes - row, ids.size() - i, root_->next_node - ids[i]});
      size_t run = 1;
      while (run < most && ids[i + run] == ids[i] + run) ++run;
      chunk->add_degrees(row, static_cast<uint32_t>(run), degrees + i);
      i += run;
      continue;
    }
    degrees[i] += chunk->degree(row);
    ++i;
  }
}

void Reader::add_loops(std::span<const uint64_t> ids, RelTypeId type, int64_t* loops) {
  settle();
  if (type.value >= root_->type_tokens) {
    return;
  }
  ReaderChunks chunks(*this);
  std::vector<uint64_t> found;
  uint64_t current = kNoId;
  const TopologyChunk* chunk = nullptr;
  bool any = false;  // in `chunk`
  for (size_t i = 0; i < ids.size(); ++i) {
    const uint64_t id = ids[i];
    if (id >= root_->next_node) {
      continue;
    }
    const uint64_t index = TopologyChunk::index_of(id);
    if (index != current || chunk == nullptr) {
      chunk = chunks.point_topology(type, Direction::kOut, index);
      current = index;
      any = chunk == nullptr || chunk->has_loops(index * TopologyChunk::kNodes);
    }
    if (!any) [[likely]] {
      continue;
    }
    found.clear();
    if (chunk != nullptr) {
      chunk->find(TopologyChunk::row_of(id), id, &found);
    } else {
      relationships_between(NodeId(id), NodeId(id), Direction::kOut, type, &found);
    }
    loops[i] += static_cast<int64_t>(found.size());
  }
}

void Reader::neighbours(NodeId id, Direction direction, RelTypeId type, std::vector<Neighbours>* segments) {
  settle();
  segments->clear();
  if (id.value >= root_->next_node || type.value >= root_->type_tokens) {
    return;
  }
  ReaderChunks chunks(*this);
  if (const TopologyChunk* chunk = chunks.point_topology(type, direction, TopologyChunk::index_of(id.value)))
      [[likely]] {
    chunk->segments(TopologyChunk::row_of(id.value), segments);
    return;
  }
  const Reader::Impl::DirectList* list = chunks.direct_list(id, direction, type);
  if (list != nullptr && !list->neighbours.empty()) {
    segments->push_back({list->neighbours.data(), list->relationships.data(),
                         static_cast<uint32_t>(list->neighbours.size()), sizeof(uint64_t), sizeof(uint64_t)});
  }
}

void Reader::expect_neighbours(std::span<const uint64_t> ids, Direction direction, RelTypeId type) {
  settle();
  constexpr size_t kMax = 32;
  ids = ids.first(std::min(ids.size(), kMax));
  if (ids.empty() || type.value >= root_->type_tokens || ids.back() - ids.front() == ids.size() - 1) {
    return;  // nodes in a row share their chunks
  }
  ReaderChunks chunks(*this);
  chunks.enter();
  const cache::Trie<TopologyChunk> trie = root_->find_topology(type, direction);
  const TopologyChunk* found[kMax];
  for (size_t i = 0; i < ids.size(); ++i) {
    const TopologyChunk* chunk = ids[i] < root_->next_node ? trie.find(TopologyChunk::index_of(ids[i])) : nullptr;
    found[i] = chunk;
    if (chunk != nullptr) {
      __builtin_prefetch(&chunk->hub_mask);
      __builtin_prefetch(&chunk->offsets[TopologyChunk::row_of(ids[i])]);
    }
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    if (found[i] == nullptr) {
      continue;
    }
    const uint32_t row = TopologyChunk::row_of(ids[i]);
    if (found[i]->is_hub(row)) {
      __builtin_prefetch(found[i]->hub(row));
      continue;
    }
    const Neighbours list = found[i]->list(row);
    if (list.count != 0) {
      __builtin_prefetch(list.neighbours);
      __builtin_prefetch(list.relationships);
    }
  }
}

void Reader::relationships_between(NodeId from, NodeId to, Direction direction, RelTypeId type,
                                   std::vector<uint64_t>* out) {
  settle();
  if (from.value >= root_->next_node || type.value >= root_->type_tokens) {
    return;
  }
  ReaderChunks chunks(*this);
  if (const TopologyChunk* chunk = chunks.point_topology(type, direction, TopologyChunk::index_of(from.value)))
      [[likely]] {
    chunk->find(TopologyChunk::row_of(from.value), to.value, out);
    return;
  }
  if (const Reader::Impl::DirectList* list = chunks.direct_list(from, direction, type)) {
    const auto& all = list->neighbours;
    for (auto it = std::lower_bound(all.begin(), all.end(), to.value); it != all.end() && *it == to.value; ++it) {
      out->push_back(list->relationships[static_cast<size_t>(it - all.begin())]);
    }
  }
}

void Reader::adjacent_types(NodeId id, Direction direction, std::vector<RelTypeId>* out) {
  settle();
  out->clear();
  if (id.value >= root_->next_node) {
    return;
  }
  ReaderChunks chunks(*this);
  chunks.enter();
  const uint64_t index = TopologyChunk::index_of(id.value);
  const uint32_t row = TopologyChunk::row_of(id.value);
  for (uint32_t t = 0; t < root_->type_tokens; ++t) {
    const RelTypeId type(t);
    if (root_->type_count(type) == 0) {
      continue;
    }
    // A superset is allowed: what is not loaded counts as there.
    const auto degree = [&](Direction d) -> uint64_t {
      const TopologyChunk* chunk = root_->find_topology_chunk(type, d, index);
      return chunk == nullptr ? 1 : chunk->degree(row);
    };
    if ((direction != Direction::kIn && degree(Direction::kOut) != 0) ||
        (direction != Direction::kOut && degree(Direction::kIn) != 0)) {
      out->push_back(type);
    }
  }
}

}  // namespace lora::graph
