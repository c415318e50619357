#include "graph/list_inserts.h"

#include <algorithm>

#include "graph/cache/topology.h"

namespace lora::graph {

void ListInserts::add(RelTypeId type, NodeId start, NodeId end, RelId id) {
  if (last_ == nullptr || last_type_ != type.value) {
    last_ = &types_[type.value];
    last_type_ = type.value;
  }
  const auto order = static_cast<uint32_t>(relationships_.size());
  relationships_.push_back(id.value);
  last_->out.emplace_back(start.value, end.value, order);
  last_->in.emplace_back(end.value, start.value, order);
}

void ListInserts::sort(std::vector<End>* ends) {
  if (ends->empty()) return;
  const auto chunk_of = [](const End& end) { return cache::TopologyChunk::index_of(end.node()); };
  uint64_t low = ~uint64_t{0}, high = 0;
  for (const End& end : *ends) {
    low = std::min(low, chunk_of(end));
    high = std::max(high, chunk_of(end));
  }
  if (high - low >= ends->size()) {  // few for each chunk
    std::sort(ends->begin(), ends->end());
    return;
  }
  // Dealt out to the chunks first: each part is small then.
  std::vector<uint32_t> places(high - low + 2);
  for (const End& end : *ends) ++places[chunk_of(end) - low + 1];
  for (size_t i = 1; i < places.size(); ++i) places[i] += places[i - 1];
  std::vector<End> dealt(ends->size());
  for (const End& end : *ends) dealt[places[chunk_of(end) - low]++] = end;
  uint32_t from = 0;
  for (size_t i = 0; i + 1 < places.size(); ++i) {  // now the end of each part
    std::sort(dealt.begin() + from, dealt.begin() + places[i]);
    from = places[i];
  }
  ends->swap(dealt);
}

void ListInserts::clear() noexcept {
  types_.clear();
  last_ = nullptr;
  relationships_.clear();
}

}  // namespace lora::graph
