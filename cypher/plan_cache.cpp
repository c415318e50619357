#include "cypher/plan_cache.h"

#include <algorithm>
#include <new>

namespace lora::cypher {

void IdleExecutions::add(PreparedPlan* plan) {
  PreparedPlan::Idle dropped;  // freed without the lock
  std::lock_guard lock(mutex_);
  if (plan->listed_) {  // another thread was first
    plan->keeps_.store(PreparedPlan::Keeps::kAll, std::memory_order_relaxed);
    return;
  }
  if (plans_.size() < kPlansMax) {
    plans_.push_back(plan);
  } else {
    while (plans_[hand_]->used_.exchange(false, std::memory_order_relaxed)) hand_ = (hand_ + 1) % kPlansMax;
    PreparedPlan& other = *plans_[hand_];
    other.listed_ = false;
    other.keeps_.store(PreparedPlan::Keeps::kNext, std::memory_order_relaxed);
    dropped = other.take_idle();
    plans_[hand_] = plan;
    hand_ = (hand_ + 1) % kPlansMax;
  }
  plan->listed_ = true;
  plan->keeps_.store(PreparedPlan::Keeps::kAll, std::memory_order_relaxed);
}

void IdleExecutions::remove(PreparedPlan* plan) {
  std::lock_guard lock(mutex_);
  if (!plan->listed_) return;
  *std::find(plans_.begin(), plans_.end(), plan) = plans_.back();
  plans_.pop_back();
  if (hand_ >= plans_.size()) hand_ = 0;
}

PreparedPlan::~PreparedPlan() {
  if (all_ != nullptr) all_->remove(this);
  for (Slot& slot : slots_) delete slot.idle.load(std::memory_order_acquire);
}

PreparedPlan::Idle PreparedPlan::take_idle() {
  Idle idle;
  for (size_t lane = 0; lane < kLanes; ++lane) {
    idle.of_lanes[lane].reset(slots_[lane].idle.exchange(nullptr, std::memory_order_acq_rel));
  }
  std::lock_guard lock(mutex_);
  idle.others.swap(idle_);
  return idle;
}

std::unique_ptr<Execution> PreparedPlan::take(size_t lane) {
  if (!used_.load(std::memory_order_relaxed)) used_.store(true, std::memory_order_relaxed);
  std::unique_ptr<Execution> taken(slots_[lane].idle.exchange(nullptr, std::memory_order_acq_rel));
  if (taken == nullptr) {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      taken = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (taken == nullptr) {
    taken = std::make_unique<Execution>(plan_);
    std::lock_guard lock(mutex_);
    idle_.reserve(kIdleMax);  // giving it back must not fail
  }
  taken->lane = lane;
  return taken;
}

void PreparedPlan::give_back(std::unique_ptr<Execution> execution) {
  if (Keeps keeps = keeps_.load(std::memory_order_relaxed); keeps != Keeps::kAll) [[unlikely]] {
    if (keeps == Keeps::kNothing && keeps_.compare_exchange_strong(keeps, Keeps::kNext, std::memory_order_relaxed)) {
      return;
    }
    all_->add(this);
  }
  Execution* none = nullptr;
  if (slots_[execution->lane].idle.compare_exchange_strong(none, execution.get(), std::memory_order_acq_rel)) {
    static_cast<void>(execution.release());  // the slot owns it now
    return;
  }
  std::lock_guard lock(mutex_);
  if (idle_.size() < std::min(kIdleMax, idle_.capacity())) idle_.push_back(std::move(execution));
}

template <typename T>
std::shared_ptr<T> PlanCache::Level<T>::find(std::string_view text, size_t hash) {
  Shard& shard = shards_[(hash >> 48) % kShards];
  std::lock_guard lock(shard.mutex);
  const auto it = shard.index.find(text, hash);
  if (it == shard.index.end()) return nullptr;
  Entry& entry = *shard.entries[it->second];
  entry.used = true;
  return entry.object;
}

template <typename T>
void PlanCache::Level<T>::put(std::string_view text, std::shared_ptr<T> object) {
  if (text.size() > kTextBytesMax / 4) return;
  const size_t hash = TextHash()(text);
  Shard& shard = shards_[(hash >> 48) % kShards];
  std::vector<std::unique_ptr<Entry>> dropped;
  std::lock_guard lock(shard.mutex);
  if (const auto it = shard.index.find(text, hash); it != shard.index.end()) {
    shard.entries[it->second]->object.swap(object);
    return;
  }
  while (!shard.entries.empty() &&
         (shard.entries.size() >= kEntriesMax || shard.text_bytes + text.size() > kTextBytesMax)) {
    dropped.push_back(take_one(&shard));
  }
  auto entry = std::make_unique<Entry>();
  entry->text.assign(text);
  entry->object = std::move(object);
  // In both or in none, also when memory runs out.
  shard.entries.push_back(nullptr);
  try {
    shard.index.emplace(std::string_view(entry->text), shard.entries.size() - 1);
  } catch (...) {
    shard.entries.pop_back();
    throw;
  }
  shard.text_bytes += text.size();
  shard.entries.back() = std::move(entry);
}

// The lock is held.
template <typename T>
std::unique_ptr<typename PlanCache::Level<T>::Entry> PlanCache::Level<T>::take_one(Shard* shard) {
  for (;;) {
    if (shard->hand >= shard->entries.size()) shard->hand = 0;
    Entry& entry = *shard->entries[shard->hand];
    if (entry.used) {
      entry.used = false;
      ++shard->hand;
      continue;
    }
    shard->index.erase(std::string_view(entry.text));
    shard->text_bytes -= entry.text.size();
    std::unique_ptr<Entry> taken = std::move(shard->entries[shard->hand]);
    if (shard->hand + 1 != shard->entries.size()) {
      shard->entries[shard->hand] = std::move(shard->entries.back());
      shard->index[std::string_view(shard->entries[shard->hand]->text)] = shard->hand;
    }
    shard->entries.pop_back();
    return taken;
  }
}

template <typename T>
void PlanCache::Level<T>::clear() {
  for (Shard& shard : shards_) {
    std::vector<std::unique_ptr<Entry>> dropped;
    std::lock_guard lock(shard.mutex);
    shard.index.clear();
    shard.entries.swap(dropped);
    shard.hand = 0;
    shard.text_bytes = 0;
  }
}

template <typename T>
size_t PlanCache::Level<T>::size() const {
  size_t n = 0;
  for (const Shard& shard : shards_) {
    std::lock_guard lock(shard.mutex);
    n += shard.entries.size();
  }
  return n;
}

std::shared_ptr<const PreparedQuery> PlanCache::find_text(std::string_view text, const PlanVersions& wanted,
                                                          size_t lane) {
  const size_t hash = TextHash()(text);
  Lane& own = lanes_[lane];
  {
    std::lock_guard lock(own.mutex);
    LanePlace* const set = own.set_of(hash);
    for (LanePlace* place = set; place != set + kLaneWays; ++place) {
      const std::shared_ptr<const LaneEntry>& entry = place->entry;
      if (entry == nullptr || place->hash != hash || entry->text != text) continue;
      if (!wanted.fit(entry->query->prepared->plan())) break;
      place->used = true;
      ++own.hits;
      return std::shared_ptr<const PreparedQuery>(entry, entry->query.get());
    }
  }
  const uint64_t clears = clears_.load(std::memory_order_acquire);
  std::shared_ptr<const PreparedQuery> found = texts_.find(text, hash);
  if (found == nullptr || !wanted.fit(found->prepared->plan())) return nullptr;
  count_hit(lane);
  if (text.size() <= kLaneTextMax) put_lane(text, hash, found, lane, clears);
  return found;
}

void PlanCache::put_lane(std::string_view text, size_t hash, std::shared_ptr<const PreparedQuery> query, size_t lane,
                         uint64_t clears) {
  std::shared_ptr<const LaneEntry> entry;  // in the end, what was there before
  try {
    entry = std::make_shared<LaneEntry>(text, std::move(query));
  } catch (const std::bad_alloc&) {
    return;  // the text has been found all the same
  }
  Lane& own = lanes_[lane];
  std::lock_guard lock(own.mutex);
  // clear() may have emptied the lanes since the query was found; it counts before it does.
  if (clears_.load(std::memory_order_acquire) != clears) return;
  LanePlace* const set = own.set_of(hash);
  LanePlace* const end = set + kLaneWays;
  LanePlace* place = std::find_if(
      set, end, [&](const LanePlace& p) { return p.entry != nullptr && p.hash == hash && p.entry->text == text; });
  if (place == end) {
    place = std::find_if(set, end, [](const LanePlace& p) { return p.entry == nullptr; });
  }
  if (place == end) {
    uint8_t& hand = own.hands[hash % kLaneSets];
    place = set + hand;
    hand = static_cast<uint8_t>((hand + 1) % kLaneWays);
    if (place->used) {
      place->used = false;  // another time
      return;
    }
  }
  place->entry.swap(entry);
  place->hash = hash;
  place->used = false;
}

void PlanCache::put_text(std::string_view text, std::shared_ptr<const PreparedQuery> query) {
  texts_.put(text, std::move(query));
}
std::shared_ptr<PreparedPlan> PlanCache::find_key(std::string_view key) {
  return keys_.find(key, TextHash()(key));
}
void PlanCache::put_key(std::string_view key, std::shared_ptr<PreparedPlan> prepared) {
  keys_.put(key, std::move(prepared));
}
void PlanCache::clear() {
  texts_.clear();
  keys_.clear();
  // In this order: who knows the new number finds nothing of before in the levels; what others find they may not put,
  // or put before their lane is emptied.
  clears_.fetch_add(1, std::memory_order_acq_rel);
  for (Lane& lane : lanes_) {
    decltype(lane.places) dropped;
    std::lock_guard lock(lane.mutex);
    lane.places.swap(dropped);
  }
}
uint64_t PlanCache::sum(uint64_t Lane::*counter) const {
  uint64_t n = 0;
  for (Lane& lane : lanes_) {
    std::lock_guard lock(lane.mutex);
    n += lane.*counter;
  }
  return n;
}
uint64_t PlanCache::entries() const {
  return keys_.size();
}

}  // namespace lora::cypher
