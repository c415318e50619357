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
