#include "cypher/exec/property_codes.h"

#include <algorithm>

namespace lora::cypher {

namespace {
constexpr uint32_t kAsked = HashIndex::kNone - 1;  // its number comes with the next read
}

void Repeats::look_at(const std::vector<uint64_t>& ids) {
  for (uint64_t id : ids) {
    if ((id * 0x9e3779b97f4a7c15ull) >> 59 != 0 || id == kNoId) [[likely]]
      continue;
    highest_ = std::max(highest_, id);
    ++drawn_;
    bool added = false;
    seen_.find_or_add(
        mix_hash(id), [&](uint32_t e) { return ids_[e] == id; }, &added);
    if (added) ids_.push_back(id);
  }
}

bool PropertyCodes::number(const Column& values) {
  if (values.kind != Column::Kind::kStrings) return false;
  texts_.find_or_add({&values}, values.size(), &entries_, &added_);
  for (uint32_t row : added_) text_bytes_ += 32 + values.row_heap_bytes(row);
  return true;
}

bool PropertyCodes::encode_values(const Column& values, Column* codes) {
  if (!number(values)) return false;
  codes->reset(Column::Kind::kIntegers);
  codes->integers.assign(entries_.begin(), entries_.end());
  return true;
}

void PropertyCodes::decode(const Column& codes, Column* values) const {
  const std::vector<uint32_t> entries(codes.integers.begin(), codes.integers.end());
  values->gather_from(texts_.part(0), entries);
}

Status PropertyCodes::encode(const Batch& batch, uint64_t ids_max, Column* codes, bool* fits) {
  constexpr uint64_t kIdsMax = uint64_t{1} << 28;  // an array of at most 2 GiB
  const Slot slot = node_slot(expr_);
  const Column& nodes = batch[slot];
  *fits = false;
  if (nodes.kind != Column::Kind::kNodes) return Status();
  uint64_t highest = 0;
  for (uint64_t id : nodes.ids) highest = std::max(highest, id == kNoId ? 0 : id);
  if (highest >= std::min(ids_max, kIdsMax)) return Status();
  if (highest >= by_node_.size()) {
    const size_t size = std::max<size_t>(highest + 1, by_node_.size() * 2);
    const QueryControl& control = *state_.context.control;
    const uint64_t left = control.memory_bytes_max - std::min(control.memory_bytes_max, control.memory_bytes());
    if (size * sizeof(uint32_t) > left / 8) return Status();
    by_node_.resize(size, HashIndex::kNone);
  }
  codes->reset(Column::Kind::kIntegers);
  codes->integers.resize(batch.rows);
  int64_t* out = codes->integers.data();
  missing_.clear();
  for (size_t row = 0; row < batch.rows; ++row) {
    const uint64_t id = nodes.ids[row];
    const uint32_t code = id == kNoId ? of_null_ : by_node_[id];
    out[row] = code;
    if (code == HashIndex::kNone) missing_.push_back(static_cast<uint32_t>(row));
  }
  sub_[slot].reset(Column::Kind::kNodes);
  for (size_t i = 0; i < missing_.size(); ++i) {
    const uint64_t id = nodes.ids[missing_[i]];
    if ((id == kNoId ? of_null_ : by_node_[id]) == HashIndex::kNone) ask_for(id);
    if (i + 1 < missing_.size() && sub_[slot].ids.size() < kBatchRowsMax) continue;
    sub_.rows = sub_[slot].ids.size();
    if (sub_.rows == 0) break;
    LORA_TRY(state_.evaluator.evaluate(expr_, sub_, &read_));
    if (!number(read_)) return Status();
    for (size_t j = 0; j < sub_.rows; ++j) {
      const uint64_t asked = sub_[slot].ids[j];
      (asked == kNoId ? of_null_ : by_node_[asked]) = entries_[j];
    }
    sub_[slot].ids.clear();
  }
  for (uint32_t row : missing_) out[row] = nodes.ids[row] == kNoId ? of_null_ : by_node_[nodes.ids[row]];
  *fits = true;
  return Status();
}

// Nodes are read much faster in the order of their ids than one here and one there, and others of the same stretch will
// be asked for as well. (Where the transaction has deleted nodes, reading one that no row has could be an error.)
void PropertyCodes::ask_for(uint64_t id) {
  constexpr uint64_t kStretch = 256;
  std::vector<uint64_t>& ids = sub_[node_slot(expr_)].ids;
  if (id == kNoId || !neighbours_ || state_.context.transaction != nullptr) {
    ids.push_back(id);
    if (id == kNoId)
      of_null_ = kAsked;
    else
      by_node_[id] = kAsked;
    return;
  }
  const uint64_t first = id / kStretch * kStretch, last = std::min<uint64_t>(first + kStretch, by_node_.size());
  for (uint64_t i = first; i < last; ++i) {
    if (by_node_[i] != HashIndex::kNone) continue;
    ids.push_back(i);
    by_node_[i] = kAsked;
  }
}

}  // namespace lora::cypher
