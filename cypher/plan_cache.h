// Plans kept for reuse, on two levels:
//   by exact text      -> the plan and the text's own literals: a repeated text costs one lookup;
//   by normalised key  -> the plan: a text that differs only in literals is not planned again.
//
// A plan carries the schema version and the statistics epoch it was made for; the caller compares them and replaces
// what is out of date. Each level is bounded by entries and by bytes; what was not used since the hand last came by
// goes first (CLOCK).
//
// Threads: any. Lookups take one of kShards locks for some tens of nanoseconds. Plans are freed outside of the locks:
// they may hold the last reference to what a program has registered, whose end may run the program's code.
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

namespace lora::cypher {

// A plan and its idle executions, so that running it again builds no operators.
class PreparedPlan {
 public:
  explicit PreparedPlan(std::shared_ptr<const LogicalPlan> plan) : plan_(std::move(plan)) {}
  ~PreparedPlan();
  PreparedPlan(const PreparedPlan&) = delete;
  PreparedPlan& operator=(const PreparedPlan&) = delete;

  const LogicalPlan& plan() const { return *plan_; }
  const std::shared_ptr<const LogicalPlan>& plan_ptr() const { return plan_; }

  // An idle execution, or a new one. Give it back closed.
  std::unique_ptr<Execution> take();
  void give_back(std::unique_ptr<Execution> execution);

 private:
  static constexpr size_t kIdleMax = 16;
  // The usual case, without the lock: what a thread gave back it gets again. Threads that exchanged theirs would find
  // all of an execution's memory in another processor's cache, call after call.
  struct alignas(64) Slot {
    std::atomic<Execution*> idle{nullptr};
  };
  static constexpr size_t kSlots = 4;
  static size_t own_slot();

  std::shared_ptr<const LogicalPlan> plan_;
  Slot slots_[kSlots];  // by thread
  std::mutex mutex_;
  std::vector<std::unique_ptr<Execution>> idle_;
};

// What a query text stands for. Immutable.
struct PreparedQuery {
  std::shared_ptr<PreparedPlan> prepared;
  std::vector<Value> literals;  // values of stripped literals
  bool own_text = true;         // planned from this very text: error offsets fit it
};

class PlanCache {
 public:
  std::shared_ptr<const PreparedQuery> find_text(std::string_view text);
  void put_text(std::string_view text, std::shared_ptr<const PreparedQuery> query);
  std::shared_ptr<PreparedPlan> find_key(std::string_view key);
  void put_key(std::string_view key, std::shared_ptr<PreparedPlan> prepared);
  void clear();

  uint64_t hits() const { return hits_.load(std::memory_order_relaxed); }
  uint64_t misses() const { return misses_.load(std::memory_order_relaxed); }
  uint64_t entries() const;
  void count(bool hit) { (hit ? hits_ : misses_).fetch_add(1, std::memory_order_relaxed); }

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
    std::shared_ptr<T> find(std::string_view text);
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

  Level<const PreparedQuery> texts_;
  Level<PreparedPlan> keys_;
  std::atomic<uint64_t> hits_{0}, misses_{0};
};

}  // namespace lora::cypher
