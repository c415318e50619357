// What the cache tests share: a database of versions without a store, and a random source whose seed is printed.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>

#include "graph/cache/budget.h"
#include "graph/cache/versions.h"
#include "graph/value.h"

namespace lora::graph::cache {

// LORA_SEED overrides; printed so that a failure can be run again.
inline uint64_t test_seed() {
  const char* text = std::getenv("LORA_SEED");
  const uint64_t seed = text != nullptr ? std::strtoull(text, nullptr, 10) : 20261122;
  ::testing::Test::RecordProperty("seed", std::to_string(seed));
  return seed;
}

class Random {
 public:
  explicit Random(uint64_t salt = 0) : engine_(test_seed() + salt * 7919) {}
  uint64_t below(uint64_t limit) { return std::uniform_int_distribution<uint64_t>(0, limit - 1)(engine_); }
  bool chance(uint32_t percent) { return below(100) < percent; }
  std::mt19937_64& engine() { return engine_; }

 private:
  std::mt19937_64 engine_;
};

// Dates and times (graph/word.h), and some of the same types that are no words. `kind` below 6: of one type (and, of
// times and datetimes, mostly of one offset).
inline Value random_word(Random& random, uint64_t kind) {
  const auto near = static_cast<int64_t>(random.below(400)) - 200;
  const int32_t offset = random.chance(95) ? 7200 : -3600;
  switch (kind) {
    case 0: return Value::date({near});
    case 1: return Value::date({random.chance(90) ? near * 1'000'000 : near});
    case 2: return Value::local_time({(near + 200) * 100'000'000'000});
    case 3: return Value::time({(near + 200) * 100'000'000'000, offset});
    case 4:
      // The last ones are beyond what nanoseconds reach.
      return Value::local_date_time({random.chance(95) ? near * 86'400 : near * 1'000'000'000, 5});
    default: {
      const bool zoned = random.chance(3);
      const int64_t seconds = random.chance(97) ? near * 1'000 : near * 1'000'000'000;
      return Value::date_time({seconds, 999'999'999, zoned ? 3600 : offset, zoned ? "Europe/Berlin" : ""});
    }
  }
}

// Versions over nothing: every commit has no store snapshot; a commit is published at once.
struct VersionsFixture {
  VersionsFixture() : versions([](const kv::Snapshot*) {}) {
    Root root;
    root.reserve(1000, 1000, 4, 4, 4);
    versions.open(std::move(root));
  }
  void commit(std::unique_ptr<WriteContext> context, bool publish = true) {
    versions.commit(std::move(context), ++version, nullptr);
    if (publish) versions.publish(version);
  }
  Versions versions;
  uint64_t version = 0;
};

}  // namespace lora::graph::cache
