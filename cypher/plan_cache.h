// Plans kept for reuse, on two levels:
//   by exact text      -> the plan and the text's own literals: a repeated text costs one lookup;
//   by normalised key  -> the plan: a text that differs only in literals is not planned again.
//
// A plan carries the versions it was made for; a text is found only with a plan of the versions wanted, and what is out
// of date is replaced. Each level is bounded by entries and by bytes; what was not used since the hand last came by
// goes first (CLOCK).
// Lanes have up to 64 texts each beside that, and keep them while the levels of all may have let them go.
//
// A plan that runs a second time keeps its operators and their buffers, some tens to hundreds of kilobytes where
// batches were full; so many plans do at once (IdleExecutions), and what was not used lately stops first.
//
// Threads: any. A call has a lane, which it shares with few other threads, and finds a text that the lane has run
// before without writing to memory of other lanes: neither a lock of all nor a count of references. Threads that share
// cache lines exchange them in 50 to 200 ns each, which is much of a small statement. Other lookups take one of kShards
// locks. Plans are freed outside of the locks: they may hold the last reference to what a program has registered, whose
// end may run the program's code.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <tsl/robin_map.h>

#include "cypher/exec/execution.h"
#include "cypher/plan/logical.h"
#include "graph/value.h"
#include "kv/spin_lock.h"

namespace lora::cypher {

inline constexpr size_t kLanes = 8;  // a call's: the number of its thread modulo this

class PreparedPlan;

// The plans that keep idle executions, kPlansMax at most (CLOCK). Threads: any.
class IdleExecutions {
 public:
  static constexpr size_t kPlansMax = 512;
  IdleExecutions() { plans_.reserve(kPlansMax); }

 private:
  friend class PreparedPlan;
  void add(PreparedPlan* plan);
  void remove(PreparedPlan* plan);

  std::mutex mutex_;
  std::vector<PreparedPlan*> plans_;
  size_t hand_ = 0;
};

// A plan and its idle executions, so that running it again builds no operators. An execution is kept from the second
// run on: most texts that are new each time never come again.
class PreparedPlan {
 public:
  // `all`: counts those that keep executions; null: kept from the first run on, for plans that nobody else has.
  explicit PreparedPlan(std::shared_ptr<const LogicalPlan> plan, std::shared_ptr<IdleExecutions> all = nullptr)
      : plan_(std::move(plan)), all_(std::move(all)), keeps_(all_ == nullptr ? Keeps::kAll : Keeps::kNothing) {}
  ~PreparedPlan();
  PreparedPlan(const PreparedPlan&) = delete;
  PreparedPlan& operator=(const PreparedPlan&) = delete;

  const LogicalPlan& plan() const { return *plan_; }
  const std::shared_ptr<const LogicalPlan>& plan_ptr() const { return plan_; }

  // An idle execution, or a new one, for a call of this lane. Give it back closed.
  std::unique_ptr<Execution> take(size_t lane);
  void give_back(std::unique_ptr<Execution> execution);
  bool keeps_executions() const { return keeps_.load(std::memory_order_relaxed) == Keeps::kAll; }

 private:
  friend class IdleExecutions;
  static constexpr size_t kIdleMax = 16;
  enum class Keeps : uint8_t { kNothing, kNext, kAll };
  struct Idle {
    std::array<std::unique_ptr<Execution>, kLanes> of_lanes;
    std::vector<std::unique_ptr<Execution>> others;
  };
  Idle take_idle();
  // The usual case, without the lock: what a lane gave back it gets again. Threads that exchanged theirs would find all
  // of an execution's memory in another processor's cache, call after call.
  struct alignas(64) Slot {
    std::atomic<Execution*> idle{nullptr};
  };

  std::shared_ptr<const LogicalPlan> plan_;
  std::shared_ptr<IdleExecutions> all_;
  std::atomic<Keeps> keeps_;
  std::atomic<bool> used_{false};  // since the hand of IdleExecutions last came by
  bool listed_ = false;            // there; under its lock
  Slot slots_[kLanes];
  std::mutex mutex_;
  std::vector<std::unique_ptr<Execution>> idle_;
};

// What a plan depends on beside its text.
struct PlanVersions {
  uint64_t schema = 0, statistics = 0, extensions = 0;
  bool fit(const LogicalPlan& plan) const {
    return plan.schema_version == schema && plan.statistics_epoch == statistics &&
           plan.extensions_version == extensions;
  }
};

// What a query text stands for. Immutable.
struct PreparedQuery {
  std::shared_ptr<PreparedPlan> prepared;
  std::vector<Value> literals;  // values of stripped literals
  bool own_text = true;         // planned from this very text: error offsets fit it
};

class PlanCache {
 public:
  // Null when there is none of these versions; counts a hit when there is one.
  std::shared_ptr<const PreparedQuery> find_text(std::string_view text, const PlanVersions& wanted, size_t lane);
  void put_text(std::string_view text, std::shared_ptr<const PreparedQuery> query);
  std::shared_ptr<PreparedPlan> find_key(std::string_view key);
  void put_key(std::string_view key, std::shared_ptr<PreparedPlan> prepared);
  // For PreparedPlans that go into this cache.
  const std::shared_ptr<IdleExecutions>& idle_executions() const { return idle_executions_; }
  // What is there when it begins is gone when it returns, also from lanes: what is put there later was found later.
  void clear();

  uint64_t hits() const { return sum(&Lane::hits); }
  uint64_t misses() const { return sum(&Lane::misses); }
  uint64_t entries() const;  // distinct texts and keys, without the lanes' own references
  void count_hit(size_t lane) { lanes_[lane].count(&Lane::hits); }
  void count_miss(size_t lane) { lanes_[lane].count(&Lane::misses); }

 private:
  struct TextHash {
    using is_transparent = void;
    size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
  };
  struct TextEqual {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const { return a == b; }
  };
  // One bounded map of text to a shared object.
  template <typename T>
  class Level {
   public:
    std::shared_ptr<T> find(std::string_view text, size_t hash);
    void put(std::string_view text, std::shared_ptr<T> object);
    void clear();
    size_t size() const;

   private:
    static constexpr size_t kShards = 16;
    static constexpr size_t kEntriesMax = 4096 / kShards;
    static constexpr size_t kTextBytesMax = (16u << 20) / kShards;
    struct Entry {
      std::string text;
      std::shared_ptr<T> object;
      bool used = false;
    };
    struct Shard {
      mutable std::mutex mutex;
      tsl::robin_map<std::string_view, size_t, TextHash, TextEqual> index;  // keys point into entries' texts
      std::vector<std::unique_ptr<Entry>> entries;
      size_t hand = 0;
      size_t text_bytes = 0;
    };
    static std::unique_ptr<Entry> take_one(Shard* shard);
    std::array<Shard, kShards> shards_;
  };

  struct LaneEntry {
    LaneEntry(std::string_view t, std::shared_ptr<const PreparedQuery> q) : text(t), query(std::move(q)) {}
    std::string text;
    std::shared_ptr<const PreparedQuery> query;
  };
  // References count in the entry, not in the query, so that lanes do not count in one place.
  struct LanePlace {
    std::shared_ptr<const LaneEntry> entry;
    size_t hash = 0;
    bool used = false;
  };
  static constexpr size_t kLaneSets = 16, kLaneWays = 4;
  struct alignas(64) Lane {
    SpinLock mutex;
    uint64_t hits = 0, misses = 0;
    std::array<uint8_t, kLaneSets> hands{};  // by set: the way that goes next, if it was not used since
    std::array<LanePlace, kLaneSets * kLaneWays> places;

    LanePlace* set_of(size_t hash) { return &places[hash % kLaneSets * kLaneWays]; }
    void count(uint64_t Lane::*counter) {
      std::lock_guard lock(mutex);
      ++(this->*counter);
    }
  };
  static constexpr size_t kLaneTextMax = 4096;  // bytes; longer ones are found in the level of all
  uint64_t sum(uint64_t Lane::*counter) const;
  void put_lane(std::string_view text, size_t hash, std::shared_ptr<const PreparedQuery> query, size_t lane,
                uint64_t clears);

  std::shared_ptr<IdleExecutions> idle_executions_ = std::make_shared<IdleExecutions>();
  Level<const PreparedQuery> texts_;
  Level<PreparedPlan> keys_;
  mutable std::array<Lane, kLanes> lanes_;
  std::atomic<uint64_t> clears_{0};
};

}  // namespace lora::cypher
