// What commits have changed and the store is still to be told.
//
// Dirty things are named, not copied: when they are written, each is encoded from the version that is written. A name
// too many is harmless (an unchanged thing is written again, one that does not exist is removed), so a rolled-back
// statement or transaction may leave names behind.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "graph/cache/root.h"
#include "graph/format.h"
#include "graph/layout.h"

namespace lora::graph {

// A set in a vector: appended cheaply, made unique when it has doubled. One of the last `kRecent` is not added again.
template <typename T, size_t kRecent = 1>
class DirtyList {
 public:
  void add(const T& item) {
    for (size_t i = 1; i <= kRecent && i <= items_.size(); ++i) {
      if (items_[items_.size() - i] == item) {
        return;
      }
    }
    items_.push_back(item);
    if (items_.size() >= compact_at_) [[unlikely]] {
      sort();
      compact_at_ = std::max<size_t>(4096, items_.size() * 2);
    }
  }
  void add_all(const DirtyList& other) {
    for (const T& item : other.items_) {
      add(item);
    }
  }
  // Sorted, unique.
  const std::vector<T>& sort() {
    if (!std::is_sorted(items_.begin(), items_.end())) {
      sort_runs();
      mark_ = ~size_t{0};
    }
    const auto last = std::unique(items_.begin(), items_.end());
    if (last != items_.end()) {
      items_.erase(last, items_.end());
      mark_ = ~size_t{0};
    }
    return items_;
  }
  // Moves up to `count` of the last ones to *to. Of a list that is sorted and has no statement.
  void take_last(uint64_t count, DirtyList* to) {
    to->items_.reserve(to->items_.size() + std::min<uint64_t>(count, items_.size()));
    for (; count > 0 && !items_.empty(); --count) {
      to->items_.push_back(items_.back());
      items_.pop_back();
    }
  }
  void begin_statement() { mark_ = items_.size(); }
  void rollback_statement() {
    if (mark_ < items_.size()) {
      items_.resize(mark_);
    }
  }
  void clear() {
    items_.clear();
    mark_ = ~size_t{0};
  }
  const std::vector<T>& items() const { return items_; }  // in any order, some perhaps twice
  bool empty() const { return items_.empty(); }
  size_t size() const { return items_.size(); }
  size_t bytes() const { return items_.capacity() * sizeof(T); }

 private:
  // Bulk inserts bring their items in long ascending runs, behind those that have been sorted before.
  void sort_runs() {
    constexpr size_t kFew = 4096, kRunLength = 64;
    std::vector<size_t> ends;
    if (items_.size() >= kFew) {
      ends.push_back(0);
      while (ends.back() < items_.size() && ends.size() <= items_.size() / kRunLength) {
        ends.push_back(static_cast<size_t>(std::is_sorted_until(at(ends.back()), items_.end()) - items_.begin()));
      }
    }
    if (ends.empty() || ends.back() < items_.size()) {
      std::sort(items_.begin(), items_.end());
      return;
    }
    // Neighbours in pairs, then pairs of those.
    for (size_t step = 1; step + 1 < ends.size(); step *= 2) {
      for (size_t i = 0; i + step < ends.size(); i += 2 * step) {
        const size_t last = std::min(i + 2 * step, ends.size() - 1);
        std::inplace_merge(at(ends[i]), at(ends[i + step]), at(ends[last]));
      }
    }
  }
  auto at(size_t index) { return items_.begin() + static_cast<ptrdiff_t>(index); }

  std::vector<T> items_;
  size_t compact_at_ = 4096;
  size_t mark_ = ~size_t{0};  // length when the statement began; all ones: the order has changed since
};

struct DirtyBlock {  // in the order of adjacency keys
  uint64_t node;
  uint8_t direction;
  uint32_t type;
  cache::BlockKey first;
  friend auto operator<=>(const DirtyBlock&, const DirtyBlock&) = default;
};
struct DirtyLabel {
  uint32_t label;
  uint64_t block;
  friend auto operator<=>(const DirtyLabel&, const DirtyLabel&) = default;
};
// Entries of one index that were put in or taken out: values | id, as in the hot tree.
struct DirtyIndex {
  std::vector<std::string> entries;
  size_t mark = 0;  // length when the statement began

  // Sorted, unique. Not during a statement.
  const std::vector<std::string>& sort();
};
struct CounterKey {
  CounterKind kind = CounterKind::kLabel;
  uint32_t label = 0;
  uint32_t type = 0;
  friend auto operator<=>(const CounterKey&, const CounterKey&) = default;
};

// A relationship counts for its type, and for a label of each end: these come in turns.
using DirtyCounters = DirtyList<CounterKey, 4>;

// One thread at a time.
struct Changes {
  DirtyList<uint64_t> nodes, relationships;
  DirtyList<DirtyBlock> blocks;
  DirtyList<DirtyLabel> labels;
  DirtyCounters counters;
  std::map<uint32_t, DirtyIndex> indexes;
  size_t index_bytes = 0;
  // Blocks of which something is named and which are to be written as a whole, ascending: checkpoint's.
  std::vector<uint64_t> whole_node_blocks, whole_relationship_blocks;
  bool cleared = false;  // everything that was stored before goes

  void begin_statement();
  void rollback_statement();
  void add_entry(uint32_t index, std::string entry);
  // Takes over the names of `other`; not whether it has cleared. Without memory some of them are here twice or not at
  // all, and `other` keeps what is not here. Not during a statement.
  void take_names(Changes& other);
  // Entries of the store that are named, about.
  uint64_t keys() const;
  uint64_t bytes() const;
  void clear();
  void clear_names();  // counters stay, and whether it has cleared

 private:
  void compact_entries();

  bool cleared_before_statement_ = false;
  size_t compact_entries_at_ = 4096;
};

// What the store holds, as far as writing changes to it must know.
struct StoredState {
  std::shared_ptr<const Schema> schema;
  uint64_t next_node = 0, next_relationship = 0;
  std::array<uint32_t, kTokenKindCount> tokens{};

  static StoredState of(const Root& root) {
    return {
        root.schema, root.next_node, root.next_relationship, {root.label_tokens, root.type_tokens, root.key_tokens}};
  }
};

}  // namespace lora::graph
