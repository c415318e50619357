// The contract of kv/store.h, on every store.
#include "kv/store.h"

#include "tests/kv/store_fixture.h"

namespace lora::kv {
namespace {

constexpr Keyspace kN = Keyspace::kNodes;

class StoreTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    store_ = make_store(GetParam(), directory_ / "db");
    ASSERT_NE(store_, nullptr);
  }
  Store& store() { return *store_; }
  std::unique_ptr<SortedRun> run(Keyspace space, const Entries& entries) {
    Result<std::unique_ptr<SortedRun>> made = store().sorted_run(space);
    EXPECT_TRUE(made.ok()) << made.status().to_string();
    for (const auto& [key, value] : entries) {
      EXPECT_STATUS_OK((*made)->add(key, value));
    }
    return std::move(made).value();
  }
  uint64_t ingest(std::vector<std::unique_ptr<SortedRun>> runs, WriteBatch& batch, ByteView payload) {
    const Result<uint64_t> number = store().ingest(std::move(runs), batch, payload);
    EXPECT_TRUE(number.ok()) << number.status().to_string();
    return number.ok() ? *number : 0;
  }

  tests::TempDirectory directory_;
  std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(Stores, StoreTest, testing::Values(Kind::kRocksMemory, Kind::kRocksDisk, Kind::kModel),
                         kind_name);

TEST_P(StoreTest, NewStoreIsEmpty) {
  for (size_t i = 0; i < kKeyspaceCount; ++i) {
    EXPECT_TRUE(all(store(), static_cast<Keyspace>(i)).empty());
  }
  EXPECT_EQ(store().last_commit(), 0u);
  EXPECT_EQ(*store().last_payload(nullptr), "");
  EXPECT_STATUS_OK(store().health());
}

TEST_P(StoreTest, KeyspacesAreApart) {
  for (size_t i = 0; i < kKeyspaceCount; ++i) {
    put(store(), static_cast<Keyspace>(i), "key", std::to_string(i));
  }
  for (size_t i = 0; i < kKeyspaceCount; ++i) {
    EXPECT_EQ(get(store(), static_cast<Keyspace>(i), "key"), std::to_string(i));
  }
}

TEST_P(StoreTest, LaterEntriesOfABatchWin) {
  const auto batch = store().batch();
  batch->put(kN, "a", "1");
  batch->put(kN, "a", "2");
  batch->put(kN, "b", "1");
  batch->remove(kN, "b");
  batch->put(kN, "c", "1");
  batch->remove_range(kN, "c", "d");
  batch->put(kN, "d", "1");
  batch->remove_range(kN, "d", "e");
  batch->put(kN, "d", "2");
  ASSERT_TRUE(store().write(*batch, "").ok());
  EXPECT_EQ(all(store(), kN), (Entries{{"a", "2"}, {"d", "2"}}));
}

TEST_P(StoreTest, CommitNumbersAscendByOneAndCarryThePayload) {
  EXPECT_EQ(put(store(), kN, "a", "1", "first"), 1u);
  EXPECT_EQ(*store().last_payload(nullptr), "first");
  EXPECT_EQ(put(store(), kN, "a", "2", std::string("\0second", 7)), 2u);
  EXPECT_EQ(*store().last_payload(nullptr), std::string("\0second", 7));
  EXPECT_EQ(store().last_commit(), 2u);
  EXPECT_STATUS_OK(store().wait_durable(2));
  EXPECT_STATUS_OK(store().sync());
}

TEST_P(StoreTest, AnEmptyBatchIsACommitToo) {
  const auto batch = store().batch();
  EXPECT_EQ(*store().write(*batch, "p"), 1u);
  EXPECT_EQ(*store().last_payload(nullptr), "p");
}

TEST_P(StoreTest, ABatchIsTheSameAfterItWasWritten) {
  const auto batch = store().batch();
  batch->put(kN, "a", "1");
  ASSERT_TRUE(store().write(*batch, "p").ok());
  EXPECT_EQ(batch->count(), 1u);
  batch->put(kN, "b", "1");
  EXPECT_EQ(*store().write(*batch, "q"), 2u);
  EXPECT_EQ(all(store(), kN), (Entries{{"a", "1"}, {"b", "1"}}));
  batch->clear();
  EXPECT_EQ(batch->count(), 0u);
}

TEST_P(StoreTest, SnapshotsDoNotMove) {
  put(store(), kN, "a", "1", "p1");
  const Snapshot* before = store().snapshot();
  put(store(), kN, "a", "2", "p2");
  put(store(), kN, "b", "2");
  EXPECT_EQ(get(store(), kN, "a", before), "1");
  EXPECT_EQ(get(store(), kN, "b", before), "-");
  EXPECT_EQ(*store().last_payload(before), "p1");
  CursorOptions at;
  at.snapshot = before;
  EXPECT_EQ(all(store(), kN, at), (Entries{{"a", "1"}}));
  EXPECT_STATUS_OK(store().flush(true));
  EXPECT_EQ(get(store(), kN, "a", before), "1");
  store().release_snapshot(before);
  EXPECT_EQ(get(store(), kN, "a"), "2");
}

TEST_P(StoreTest, ACursorKeepsTheStateItWasMadeIn) {
  put(store(), kN, "a", "1");
  const auto cursor = store().cursor(kN, {});
  put(store(), kN, "b", "1");
  size_t seen = 0;
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    ++seen;
  }
  EXPECT_EQ(seen, 1u);
}

TEST_P(StoreTest, CursorsStayWithinTheirBounds) {
  for (const char* key : {"a", "b", "c", "d", "e"}) {
    put(store(), kN, key, key);
  }
  CursorOptions range;
  range.lower = "b";
  range.upper = "d";
  EXPECT_EQ(all(store(), kN, range), (Entries{{"b", "b"}, {"c", "c"}}));
  const auto cursor = store().cursor(kN, range);
  cursor->seek("a");
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->key(), "b");
  cursor->prev();
  EXPECT_FALSE(cursor->valid());
  cursor->seek_for_prev("z");
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->key(), "c");
  cursor->next();
  EXPECT_FALSE(cursor->valid());
  cursor->seek_for_prev("a");
  EXPECT_FALSE(cursor->valid());
  cursor->seek("bb");
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->key(), "c");
  cursor->seek("d");
  EXPECT_FALSE(cursor->valid());
  EXPECT_STATUS_OK(cursor->status());
}

TEST_P(StoreTest, EmptyAndInvertedRangesHaveNothing) {
  put(store(), kN, "b", "1");
  for (const auto& [lower, upper] : {std::pair("b", "b"), std::pair("c", "a")}) {
    CursorOptions range;
    range.lower = lower;
    range.upper = upper;
    EXPECT_TRUE(all(store(), kN, range).empty());
    const auto cursor = store().cursor(kN, range);
    cursor->seek("b");
    EXPECT_FALSE(cursor->valid());
    cursor->seek_for_prev("b");
    EXPECT_FALSE(cursor->valid());
  }
  const auto batch = store().batch();
  batch->remove_range(kN, "c", "a");
  ASSERT_TRUE(store().write(*batch, "").ok());
  EXPECT_EQ(get(store(), kN, "b"), "1");
}

TEST_P(StoreTest, KeysAndValuesAreAnyBytes) {
  const std::string key("\x00\xFF\x00", 3);
  const std::string value("\x00v\x00", 3);
  put(store(), kN, key, value);
  put(store(), kN, "", "empty key");
  put(store(), kN, "k", "");
  EXPECT_EQ(get(store(), kN, key), value);
  EXPECT_EQ(get(store(), kN, ""), "empty key");
  EXPECT_EQ(get(store(), kN, "k"), "");
}

TEST_P(StoreTest, ReservedMetaKeysAreRefusedAndHidden) {
  put(store(), Keyspace::kMeta, "\x01", "mine");
  for (const ByteView key : {ByteView("\0x", 2), ByteView("", 0)}) {
    const auto batch = store().batch();
    batch->put(Keyspace::kMeta, key, "v");
    EXPECT_EQ(store().write(*batch, "").status().code(), ErrorCode::kInternal);
    EXPECT_EQ(get(store(), Keyspace::kMeta, key), "-");
  }
  EXPECT_EQ(get(store(), Keyspace::kMeta, ByteView("\0commit", 7)), "-");
  EXPECT_EQ(all(store(), Keyspace::kMeta), (Entries{{"\x01", "mine"}}));
  const auto cursor = store().cursor(Keyspace::kMeta, {});
  cursor->seek("");
  ASSERT_TRUE(cursor->valid());
  EXPECT_EQ(cursor->key(), "\x01");
  const auto batch = store().batch();
  batch->remove_range(Keyspace::kMeta, "", "\xFF");
  ASSERT_TRUE(store().write(*batch, "still here").ok());
  EXPECT_EQ(*store().last_payload(nullptr), "still here");
  EXPECT_TRUE(all(store(), Keyspace::kMeta).empty());
}

TEST_P(StoreTest, MultiGetAnswersKeyByKey) {
  put(store(), kN, "a", "1");
  put(store(), kN, "c", "3");
  const Snapshot* before = store().snapshot();
  put(store(), kN, "b", "2");
  const std::vector<ByteView> keys = {"c", "b", "a", "c"};
  std::vector<std::optional<std::string>> values = {"stale"};
  EXPECT_STATUS_OK(store().multi_get(kN, keys, before, &values));
  EXPECT_EQ(values, (std::vector<std::optional<std::string>>{"3", std::nullopt, "1", "3"}));
  store().release_snapshot(before);
  EXPECT_STATUS_OK(store().multi_get(kN, {}, nullptr, &values));
  EXPECT_TRUE(values.empty());
}

TEST_P(StoreTest, IngestReplacesAndTheBatchComesAfterIt) {
  put(store(), kN, "a", "old");
  put(store(), kN, "b", "old");
  put(store(), kN, "c", "old");
  std::vector<std::unique_ptr<SortedRun>> runs;
  runs.push_back(run(kN, {{"a", "run"}, {"d", "run"}, {"e", "run"}}));
  runs.push_back(run(Keyspace::kLabels, {{"l", "run"}}));
  runs.push_back(run(Keyspace::kIndexes, {}));
  const auto batch = store().batch();
  batch->remove(kN, "b");
  batch->remove(kN, "d");
  batch->put(kN, "e", "batch");
  batch->put(Keyspace::kMeta, "m", "batch");
  EXPECT_EQ(ingest(std::move(runs), *batch, "ingested"), 4u);
  EXPECT_EQ(all(store(), kN), (Entries{{"a", "run"}, {"c", "old"}, {"e", "batch"}}));
  EXPECT_EQ(get(store(), Keyspace::kLabels, "l"), "run");
  EXPECT_EQ(get(store(), Keyspace::kMeta, "m"), "batch");
  EXPECT_EQ(*store().last_payload(nullptr), "ingested");
  EXPECT_EQ(put(store(), kN, "a", "newer"), 5u);
  EXPECT_EQ(get(store(), kN, "a"), "newer");
}

TEST_P(StoreTest, RunsOfOneKeyspaceMayOverlapAndTheLaterOneWins) {
  std::vector<std::unique_ptr<SortedRun>> runs;
  runs.push_back(run(kN, {{"a", "1"}, {"c", "1"}, {"e", "1"}}));
  runs.push_back(run(kN, {{"b", "2"}, {"c", "2"}, {"d", "2"}}));
  const auto batch = store().batch();
  batch->remove_range(kN, "d", "f");
  batch->put(kN, "dd", "3");
  ingest(std::move(runs), *batch, "");
  EXPECT_EQ(all(store(), kN), (Entries{{"a", "1"}, {"b", "2"}, {"c", "2"}, {"dd", "3"}}));
}

TEST_P(StoreTest, SnapshotsDoNotSeeALaterIngest) {
  put(store(), kN, "a", "old");
  const Snapshot* before = store().snapshot();
  std::vector<std::unique_ptr<SortedRun>> runs;
  runs.push_back(run(kN, {{"a", "run"}, {"b", "run"}}));
  ingest(std::move(runs), *store().batch(), "");
  EXPECT_EQ(get(store(), kN, "a", before), "old");
  EXPECT_EQ(get(store(), kN, "b", before), "-");
  EXPECT_EQ(get(store(), kN, "a"), "run");
  store().release_snapshot(before);
}

TEST_P(StoreTest, ASortedRunWantsAscendingKeys) {
  Result<std::unique_ptr<SortedRun>> made = store().sorted_run(kN);
  ASSERT_TRUE(made.ok());
  EXPECT_STATUS_OK((*made)->add("b", ""));
  EXPECT_FALSE((*made)->add("a", "").ok());
  EXPECT_FALSE((*made)->add("b", "").ok());
  EXPECT_EQ((*made)->count(), 1u);
}

TEST_P(StoreTest, ClearLeavesTheCommitNumbers) {
  for (size_t i = 0; i < kKeyspaceCount; ++i) {
    put(store(), static_cast<Keyspace>(i),
        "\x01"
        "a",
        "1");
    put(store(), static_cast<Keyspace>(i), "\xFF\xFF\xFF", "1");
  }
  const Snapshot* before = store().snapshot();
  EXPECT_EQ(*store().clear("cleared"), 2 * kKeyspaceCount + 1);
  for (size_t i = 0; i < kKeyspaceCount; ++i) {
    EXPECT_TRUE(all(store(), static_cast<Keyspace>(i)).empty()) << i;
  }
  EXPECT_EQ(get(store(), kN, "\xFF\xFF\xFF", before), "1");
  store().release_snapshot(before);
  EXPECT_EQ(*store().last_payload(nullptr), "cleared");
  EXPECT_EQ(put(store(), kN, "a", "2"), 2 * kKeyspaceCount + 2);
  EXPECT_EQ(all(store(), kN), (Entries{{"a", "2"}}));
  EXPECT_STATUS_OK(store().flush(true));
  EXPECT_TRUE(store().clear("").ok());
  EXPECT_TRUE(store().clear("").ok());
  EXPECT_TRUE(all(store(), kN).empty());
}

TEST_P(StoreTest, ChecksumsOfAHealthyStoreAreFine) {
  for (int i = 0; i < 500; ++i) {
    put(store(), kN, "key" + std::to_string(i), std::string(100, 'v'));
  }
  EXPECT_STATUS_OK(store().flush(false));
  EXPECT_STATUS_OK(store().verify_checksums(false));
  EXPECT_STATUS_OK(store().verify_checksums(true));
}

TEST_P(StoreTest, AClosedStoreSaysSo) {
  const auto batch = store().batch();
  put(store(), kN, "a", "1");
  EXPECT_STATUS_OK(store().close());
  EXPECT_STATUS_OK(store().close());
  std::string value;
  EXPECT_EQ(store().get(kN, "a", nullptr, &value).status().code(), ErrorCode::kClosed);
  EXPECT_EQ(store().write(*batch, "").status().code(), ErrorCode::kClosed);
  EXPECT_EQ(store().flush(false).code(), ErrorCode::kClosed);
}

}  // namespace
}  // namespace lora::kv
