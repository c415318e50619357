// The stores that the contract tests run on, and short verbs to use one.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kv/memory_store.h"
#include "kv/store.h"
#include "tests/support/temp_directory.h"

namespace lora::kv {

enum class Kind { kRocksMemory, kRocksDisk, kModel };

inline std::string kind_name(const testing::TestParamInfo<Kind>& info) {
  switch (info.param) {
    case Kind::kRocksMemory: return "RocksMemory";
    case Kind::kRocksDisk: return "RocksDisk";
    case Kind::kModel: return "Model";
  }
  return "";
}

// Opens or fails the test.
inline std::unique_ptr<Store> must_open(const StoreOptions& options) {
  Result<std::unique_ptr<Store>> opened = open_store(options);
  EXPECT_TRUE(opened.ok()) << opened.status().to_string();
  return opened.ok() ? std::move(opened).value() : nullptr;
}

inline std::unique_ptr<Store> make_store(Kind kind, const std::string& directory) {
  if (kind == Kind::kModel) {
    return make_memory_store();
  }
  StoreOptions options;
  if (kind == Kind::kRocksDisk) {
    options.directory = directory;
  }
  return must_open(options);
}

#define EXPECT_STATUS_OK(expression)                              \
  do {                                                            \
    const ::lora::Status expect_status = (expression);            \
    EXPECT_TRUE(expect_status.ok()) << expect_status.to_string(); \
  } while (0)

// One put as one commit; its number.
inline uint64_t put(Store& store, Keyspace space, ByteView key, ByteView value, ByteView payload = {}) {
  const std::unique_ptr<WriteBatch> batch = store.batch();
  batch->put(space, key, value);
  const Result<uint64_t> number = store.write(*batch, payload);
  EXPECT_TRUE(number.ok()) << number.status().to_string();
  return number.ok() ? *number : 0;
}

// The value, or "-" when there is none.
inline std::string get(const Store& store, Keyspace space, ByteView key, const Snapshot* snapshot = nullptr) {
  std::string value;
  const Result<bool> found = store.get(space, key, snapshot, &value);
  EXPECT_TRUE(found.ok()) << found.status().to_string();
  return found.ok() && *found ? value : "-";
}

using Entries = std::map<std::string, std::string>;

inline Entries all(const Store& store, Keyspace space, const CursorOptions& options = {}) {
  Entries entries;
  const std::unique_ptr<Cursor> cursor = store.cursor(space, options);
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    entries.emplace(cursor->key(), cursor->value());
  }
  EXPECT_STATUS_OK(cursor->status());
  return entries;
}

}  // namespace lora::kv
