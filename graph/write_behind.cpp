#include "graph/write_behind.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "graph/graph_impl.h"
#include "kv/contain.h"

namespace lora::graph {

namespace {

// For each name that a commit adds. So what half of the budget was left with is written before the rest is full.
constexpr uint64_t kWrittenForOne = 4;
// Names that are made and written at a time.
constexpr uint64_t kPartMax = 200'000;
// Names that are left while there is room: to sort them must not take long.
constexpr uint64_t kNamesMax = 32'768;
// A commit that finds the budget full of what is unwritten writes so many at least.
constexpr uint64_t kStuckPart = 32'768;
// A reader that finds it so.
constexpr uint64_t kReaderPart = 4096;

uint64_t chunks_of(const Changes& changes) {
  return changes.nodes.size() / 64 + changes.relationships.size() / 64 + changes.blocks.size() / 16;
}

}  // namespace

NamesToWrite::NamesToWrite(Changes names) : left_(std::move(names)) {
  left_.nodes.sort();
  left_.relationships.sort();
  left_.blocks.sort();
  left_.labels.sort();
  part_.counters = std::move(left_.counters);
}

NamesToWrite::NamesToWrite(VersionWalk walk, DirtyCounters counters) : walk_(std::move(walk)) {
  part_.counters = std::move(counters);
}

Changes& NamesToWrite::next(const Root& root, uint64_t keys_max) {
  if (in_part_) {
    return part_;
  }
  uint64_t named = part_.keys();  // an attempt before may have ended without memory
  if (walk_.has_value()) {
    while (named < keys_max && walk_->next(root, keys_max - named, &part_)) {
      named = part_.keys();
    }
    if (named < keys_max) {
      walk_.reset();
    }
  } else {
    const auto room = [&] { return keys_max - std::min(keys_max, part_.keys()); };
    left_.nodes.take_last(room(), &part_.nodes);
    left_.relationships.take_last(room(), &part_.relationships);
    left_.blocks.take_last(room(), &part_.blocks);
    left_.labels.take_last(room(), &part_.labels);
    for (auto& [id, dirty] : left_.indexes) {
      std::vector<std::string>& taken = part_.indexes[id].entries;
      const size_t count = std::min<uint64_t>(room(), dirty.entries.size());
      taken.reserve(taken.size() + count);
      std::move(dirty.entries.end() - static_cast<ptrdiff_t>(count), dirty.entries.end(), std::back_inserter(taken));
      dirty.entries.resize(dirty.entries.size() - count);
    }
  }
  in_part_ = true;
  return part_;
}

void NamesToWrite::written() {
  part_.clear();
  in_part_ = false;
  had_part_ = true;
}

uint64_t NamesToWrite::bytes() const {
  return left_.bytes() + part_.bytes();
}

bool NamesToWrite::done() const {
  return had_part_ && !in_part_ && !walk_.has_value() && left_.keys() == 0;
}

void Unwritten::add_names(Changes& of_transaction) {
  if (all || of_transaction.cleared) {
    changes.counters.add_all(of_transaction.counters);
  } else {
    changes.take_names(of_transaction);
  }
}

void Unwritten::committed(bool cleared) noexcept {
  behind = true;
  if (!cleared) {
    return;
  }
  outdated = outdated || !all;
  all = true;
  changes.clear_names();
  writing.reset();
}

void Unwritten::note_bytes() noexcept {
  name_bytes.store(changes.bytes() + (writing.has_value() ? writing->bytes() : 0), std::memory_order_relaxed);
}

void Unwritten::reset(const Root& root) {
  behind = outdated = false;
  all = root.nothing_stored;
  changes.clear();
  writing.reset();
  owed = 0;
  note_bytes();
  stored = StoredState::of(root);
}

Status Graph::Impl::write_some_behind(uint64_t keys) {
  Unwritten& u = *unwritten;
  u.note_bytes();
  const bool stuck = budget->make_room();
  const uint64_t object_bytes = versions->object_bytes();
  const uint64_t before = std::exchange(u.object_bytes, object_bytes);
  if (!stuck && !u.writing.has_value() && u.changes.keys() < kNamesMax &&
      object_bytes + u.name_bytes.load(std::memory_order_relaxed) < options.write_behind_from_bytes) {
    return Status();
  }
  const uint64_t enough = options.unwritten_keys_max;
  if (enough == 0) {
    return write_behind();
  }
  // A few large values drive out as much as many small ones.
  const Root& tip = *versions->tip();
  const uint64_t entity_bytes = object_bytes / (tip.nodes + tip.relationships + 1) + 1;
  const uint64_t grown = object_bytes - std::min(object_bytes, before);
  u.owed += std::max(keys, grown / entity_bytes) * kWrittenForOne;
  if (stuck) {
    u.owed = std::max(u.owed, kStuckPart);
  }
  if (!u.writing.has_value()) {
    if (!stuck && (u.all ? u.owed : u.changes.keys()) < enough) {
      return Status();
    }
    LORA_TRY(begin_writing_behind());
  }
  while (u.owed >= enough && u.writing.has_value()) {
    const uint64_t keys_max = std::min(u.owed, kPartMax);
    LORA_TRY(write_names_behind(keys_max));
    u.owed -= std::min(u.owed, keys_max);
  }
  return Status();
}

Status Graph::Impl::write_behind() {
  return contain([&]() -> Status {
    while (unwritten->behind) {
      if (!unwritten->writing.has_value()) {
        LORA_TRY(begin_writing_behind());
      }
      while (unwritten->writing.has_value()) {
        LORA_TRY(write_names_behind(kPartMax));
      }
    }
    return Status();
  });
}

Status Graph::Impl::begin_writing_behind() {
  Unwritten& u = *unwritten;
  const Root& tip = *versions->tip();
  if (u.outdated) {
    LORA_TRY(write_removal(tip));
    u.outdated = false;
    u.stored.next_node = u.stored.next_relationship = 0;
  }
  if (u.all) {
    std::vector<IndexId> indexes;  // others are new to the store, which gets them as a whole
    for (const IndexInfo& info : u.stored.schema->indexes) {
      if (tip.schema->find_index(info.id) != nullptr) {
        indexes.push_back(info.id);
      }
    }
    for (const CounterKey& key : all_counters(tip, statistics)) {
      u.changes.counters.add(key);
    }
    u.writing.emplace(VersionWalk(std::move(indexes)), std::move(u.changes.counters));
    u.all = false;
  } else {
    u.writing.emplace(std::move(u.changes));
  }
  u.changes = Changes();
  u.writing_stamp = tip.stamp;
  u.chunks = 0;
  return Status();
}

Status Graph::Impl::write_names_behind(uint64_t keys_max) {
  Unwritten& u = *unwritten;
  const Root& tip = *versions->tip();
  {
    const auto no_eviction = versions->structure();
    Changes& part = u.writing->next(tip, keys_max);
    u.chunks += chunks_of(part);
    LORA_TRY(write_changes(part, tip, u.stored, nullptr, [](bool, bool) {}).status());
  }
  u.stored = StoredState::of(tip);
  u.writing->written();
  if (!u.writing->done()) {
    return Status();
  }
  // Without memory from here on, the next attempt writes an empty part.
  std::unique_ptr<Root> renewed = versions->prepare_renewal();
  versions->renew(std::move(renewed), take_store_snapshot(), u.writing_stamp);
  u.writing.reset();
  u.owed = 0;
  u.note_bytes();
  u.behind = versions->tip()->stamp != u.writing_stamp;
  make_room_for(u.chunks);
  return Status();
}

Status Graph::Impl::write_all_behind() {
  if (unwritten == nullptr) {
    return Status();
  }
  const std::lock_guard lock(unwritten->mutex);
  return write_behind();
}

void Graph::Impl::chunk_loaded() {
  if (budget->loaded() && unwritten != nullptr) [[unlikely]] {
    const std::unique_lock lock(unwritten->mutex, std::try_to_lock);
    if (lock.owns_lock() && unwritten->behind) {
      static_cast<void>(contain([&]() -> Status {
        if (!unwritten->writing.has_value()) {
          LORA_TRY(begin_writing_behind());
        }
        return write_names_behind(kReaderPart);
      }));
    }
  }
}

Result<Snapshot> Graph::stored_snapshot() {
  if (impl_->unwritten == nullptr) {
    return snapshot();
  }
  const std::lock_guard lock(impl_->unwritten->mutex);
  LORA_TRY(impl_->write_behind());
  return snapshot();
}

// One call of the budget looks at 256 chunks; a large commit has made more.
void Graph::Impl::make_room_for(uint64_t changed_chunks) {
  for (uint64_t done = 0; done <= changed_chunks * 2; done += 256) {
    budget->make_room();
  }
}

}  // namespace lora::graph
