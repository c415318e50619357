// Columns in the store: the values of one property of a block of 256 entities, as one entry (layout.h).
//
// A record is written whole, also when one property of it has changed. A transaction that changes properties of many
// entities of a block writes the columns that have changed in place of the records: fewer entries, and none of the
// bytes that stayed. What a record holds for the key of a column counts only when it was written later than that.
// There is at most one column of a block and key. What columns keep of entities that are gone, and records of what a
// column stands above, goes when the block is written as a whole (EntryEncoder).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graph/cache/entity_block.h"
#include "graph/cache/root.h"
#include "graph/layout.h"
#include "graph/stored_heads.h"
#include "graph/stored_integers.h"
#include "graph/wanted_properties.h"
#include "kv/store.h"

namespace lora::graph {

// Of a stored column: replaces *out. `column` null: no row has a value. `written`: the commit it is written by.
// kLimit: a value is too large.
Status encode_column(const cache::Column* column, uint64_t written, std::string* out);

// A decoded one. Immutable once parsed.
class StoredColumn {
 public:
  StoredColumn() = default;
  StoredColumn(StoredColumn&&) = default;
  StoredColumn& operator=(StoredColumn&&) = default;
  // False: damaged.
  bool parse(KeyId key, ByteView bytes);
  KeyId key() const { return key_; }
  uint64_t written() const { return written_; }
  // Null when the row has none.
  Value get(uint32_t row) const;
  // Has it values, and only of rows whose bits are set?
  bool is_within(const RowBits& rows) const;
  // For a block that is being loaded: sets the values of the rows whose bits are set.
  void put(const RowBits& rows, cache::EntityBlockBuilder* builder) const;

 private:
  bool parse_values(kv::Decoder* in, size_t count);
  bool put_words(const RowBits& rows, cache::EntityBlockBuilder* builder) const;

  KeyId key_;
  uint64_t written_ = 0;
  uint8_t form_ = 0;
  RowBits valid_;
  StoredIntegers integers_;
  std::vector<char> bytes_;              // what has been parsed; the views are of it
  ByteView packed_;                      // of what has a fixed width: the values, one behind the other
  std::vector<std::string_view> texts_;  // the distinct ones
  std::vector<Value> values_;
};

// The columns of one block.
class StoredColumns {
 public:
  // Reads those that are wanted of block `index`, whose head this is, as of the root's store snapshot; none of a root
  // that has no columns. kCorruption.
  Status load(const kv::Store& store, const RootFields& root, EntityKind kind, uint64_t index, const StoredHead& head,
              const WantedProperties& wanted);
  // Instead, for who walks over the block's keys anyway: clear(), then add() with the value of each column, whose key
  // in the store is `at`.
  void clear() { count_ = 0; }
  Status add(const RootFields& root, kv::Keyspace space, ByteView at, KeyId key, ByteView value);
  std::span<const StoredColumn> columns() const { return {columns_.data(), count_}; }
  // That of a column of block `index` in the store.
  std::string key_of(uint64_t index, KeyId key) const;
  // Puts what columns hold for a row in place of what its record, of commit `written` (0: before all columns), does.
  void apply(uint32_t row, uint64_t written, std::vector<Property>* properties) const;
  // The same for a block that is being loaded: what columns stand above is left out of a row's properties, and put
  // there in the end.
  void leave_out(uint32_t row, uint64_t written, std::vector<Property>* properties);
  // The same of all rows whose bits are set, which have no records.
  void leave_out(const RowBits& rows);
  void put(cache::EntityBlockBuilder* builder) const;

 private:
  bool grouped_ = false;  // as the head says
  size_t count_ = 0;
  std::vector<StoredColumn> columns_;  // count_ of them; more keep their memory
  std::vector<RowBits> left_out_;      // by column
  std::string value_;
};

// What of the entities of a block must be written, when `now` has been made from `before`.
struct ColumnChanges {
  struct Changed {
    KeyId key;
    const cache::Column* column;  // null: no row has a value any more
  };
  std::vector<Changed> columns;  // ascending keys

  // Finds the columns that differ. False: other things have changed, too (entities, labels), or the records of `rows`
  // entities are less to write than the columns.
  bool find(const cache::EntityBlock& before, const cache::EntityBlock& now, size_t rows);
  // About what the columns of a block take in the store.
  static uint64_t bytes_of(const cache::EntityBlock& block);
  // Are all columns of a block small enough, and full enough, to be written as such?
  static bool fit(const cache::EntityBlock& block);
};

}  // namespace lora::graph
