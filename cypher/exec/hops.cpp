#include "cypher/exec/hops.h"

#include <algorithm>

namespace lora::cypher {

namespace {

void slots_of(const Expr& expr, std::vector<Slot>* slots, bool* has_subquery) {
  if (expr.kind == ExprKind::kSlot) slots->push_back(expr.slot);
  if (expr.subplan != nullptr) *has_subquery = true;
  for (const Expr* child : expr.children) {
    if (child != nullptr) slots_of(*child, slots, has_subquery);
  }
}

}  // namespace

HopFinder::HopFinder(ExecState* state, const HopPattern& pattern)
    : state_(*state), pattern_(pattern), types_(pattern.types) {
  if (pattern.predicate != nullptr) {
    slots_of(*pattern.predicate, &outer_slots_, &all_slots_);
    std::erase_if(outer_slots_,
                  [&](Slot s) { return s == pattern.relationship || s == pattern.from || s == pattern.to; });
    std::sort(outer_slots_.begin(), outer_slots_.end());
    outer_slots_.erase(std::unique(outer_slots_.begin(), outer_slots_.end()), outer_slots_.end());
  }
}

void HopFinder::close() {
  for (Batch* b : {&outer_, &hops_}) {
    for (Column& c : b->columns) c.trim();
    b->rows = 0;
  }
  in_ = nullptr;
}

Status HopFinder::collect(uint64_t node, bool backward, std::vector<Hop>* out) {
  graph::Reader& reader = state_.reader();
  const Direction wanted = backward ? reverse(pattern_.direction) : pattern_.direction;
  const size_t first = out->size();
  for (size_t s = 0; s < side_count(wanted); ++s) {
    const Direction direction = side(wanted, s);
    const bool skip_loops = wanted == Direction::kBoth && s == 1;
    for (RelTypeId type : types_.of(reader, NodeId(node), direction)) {
      segments_.clear();
      reader.neighbours(NodeId(node), direction, type, &segments_);
      for (const graph::Neighbours& segment : segments_) {
        state_.count_hits(segment.count);
        segment.with_neighbours([&](auto neighbours) {
          for (uint32_t i = 0; i < segment.count; ++i) {
            if (skip_loops && neighbours[i] == node) continue;
            out->push_back({neighbours[i], segment.relationship(i)});
          }
        });
      }
    }
  }
  if (pattern_.predicate != nullptr && out->size() > first) return filter(node, backward, first, out);
  return Status();
}

void HopFinder::make_outer() {
  if (outer_ready_) return;
  outer_ready_ = true;
  if (outer_.columns.size() < state_.column_count) outer_.columns.resize(state_.column_count);
  outer_.clear();
  const auto copy = [&](Slot slot) {
    if (slot < in_->columns.size() && (*in_)[slot].kind != Column::Kind::kEmpty) {
      outer_[slot].push_from((*in_)[slot], row_);
    }
  };
  if (all_slots_) {
    for (Slot slot = 0; slot < in_->columns.size(); ++slot) copy(slot);
  } else {
    for (Slot slot : outer_slots_) copy(slot);
  }
  outer_.rows = 1;
}

Status HopFinder::filter(uint64_t node, bool backward, size_t first, std::vector<Hop>* out) {
  make_outer();
  if (hops_.columns.size() < state_.column_count) hops_.columns.resize(state_.column_count);
  size_t kept = first;
  // In pieces of a batch: hubs have more.
  for (size_t begin = first; begin < out->size(); begin += kBatchRowsMax) {
    const size_t count = std::min(out->size() - begin, kBatchRowsMax);
    hops_.clear();
    rows_.assign(count, 0);
    for (Slot slot = 0; slot < outer_.columns.size(); ++slot) {
      if (outer_[slot].kind != Column::Kind::kEmpty) hops_[slot].gather_from(outer_[slot], rows_);
    }
    const auto fill = [&](Slot slot, Column::Kind kind, auto id_of) {
      if (slot == kNoSlot) return;
      Column& c = hops_[slot];
      c.reset(kind);
      c.ids.resize(count);
      for (size_t i = 0; i < count; ++i) c.ids[i] = id_of((*out)[begin + i]);
    };
    fill(pattern_.relationship, Column::Kind::kRelationships, [](const Hop& h) { return h.relationship; });
    fill(backward ? pattern_.from : pattern_.to, Column::Kind::kNodes, [](const Hop& h) { return h.node; });
    fill(backward ? pattern_.to : pattern_.from, Column::Kind::kNodes, [&](const Hop&) { return node; });
    hops_.rows = count;
    LORA_TRY(state_.tick());
    LORA_TRY(state_.evaluator.filter(*pattern_.predicate, hops_, &rows_));
    for (uint32_t row : rows_) (*out)[kept++] = (*out)[begin + row];
  }
  out->resize(kept);
  return state_.read_status();
}

Status HopFinder::follow(uint64_t node, uint64_t relationship, bool* fits, uint64_t* to) {
  *fits = false;
  const std::optional<graph::RelationshipRecord> record = state_.reader().relationship(RelId(relationship));
  if (!record || record->deleted || !types_.contains(record->type)) return Status();
  const uint64_t start = record->start.value, end = record->end.value;
  if (pattern_.direction != Direction::kIn && start == node) {
    *to = end;
  } else if (pattern_.direction != Direction::kOut && end == node) {
    *to = start;
  } else {
    return Status();
  }
  *fits = true;
  if (pattern_.predicate == nullptr) return Status();
  std::vector<Hop> one{{*to, relationship}};
  LORA_TRY(filter(node, false, 0, &one));
  *fits = !one.empty();
  return Status();
}

void NodeSet::reset(uint64_t limit, uint64_t nodes) {
  constexpr uint64_t kDenseMin = uint64_t{1} << 20, kBitsPerNodeMax = 64;
  for (uint32_t word : touched_) words_[word] = 0;
  touched_.clear();
  sparse_.clear();
  dense_limit_ = std::min(limit, std::max(kDenseMin, std::min(nodes, kIdMax / kBitsPerNodeMax) * kBitsPerNodeMax));
  const size_t words = static_cast<size_t>((dense_limit_ + 63) / 64);
  if (words_.size() < words) words_.resize(words);
}

void NodeSet::trim() {
  constexpr size_t kKeptWordsMax = 128 << 10;  // 1 MiB
  if (words_.size() > kKeptWordsMax) {
    *this = NodeSet();
  } else {
    reset(0, 0);
  }
}

}  // namespace lora::cypher
