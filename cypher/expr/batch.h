// Batch: up to 2 048 rows of typed columns, the unit that operators pass on.
//
// A plan numbers its variables with slots, unique over the whole plan (sub-plans included); a batch has one column per
// slot, and an operator fills the columns of its own slots. Columns of slots that nobody reads any more may be empty.
// All filled columns of a batch have size() rows. Rows are dense: a filter compacts.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/ids.h"
#include "graph/texts.h"
#include "graph/value.h"
#include "graph/word.h"

namespace lora::cypher {

using Slot = uint32_t;
inline constexpr Slot kNoSlot = ~Slot{0};
inline constexpr size_t kBatchRowsMax = 2048;

// One column in one of eight forms. kNodes/kRelationships hold raw ids, kNoId = null. Integers, words, floats,
// strings and lists have a null mask that is empty when nothing is null. Vectors that the kind does not use are empty.
//
// kWords (graph/word.h: booleans, dates, times, all of one type) and kStrings are what reading properties gives; such a
// value that comes as a Value stays one, unless it is added to such a column. kLists (graph/packed_list.h) is what the
// kernels read lists as, and flatten; it never leaves the evaluator.
class Column {
 public:
  enum class Kind : uint8_t { kEmpty, kValues, kNodes, kRelationships, kIntegers, kWords, kFloats, kStrings, kLists };

  Kind kind = Kind::kEmpty;
  WordType word_type;  // kWords
  std::vector<Value> values;
  std::vector<uint64_t> ids;
  std::vector<int64_t> integers;  // kIntegers; kWords: the words
  std::vector<double> floats;
  Texts texts;                 // kStrings; kLists: packed ones
  std::vector<uint8_t> nulls;  // kIntegers, kWords, kFloats, kStrings, kLists: empty, or 1 = null

  // One kind and, of words, one type.
  bool is_like(const Column& other) const {
    return kind == other.kind && (kind != Kind::kWords || word_type == other.word_type);
  }
  size_t size() const;
  bool is_null(size_t row) const;
  Value get(size_t row) const;  // boxed
  void clear();                 // kEmpty, capacity kept
  void trim();                  // clear(), and gives back memory beyond that of one batch
  void reset(Kind k);           // empty column of a kind, capacity kept; not of words
  void reset_words(WordType type);
  void push(const Value& v);  // any value: the column turns into kValues when v does not fit its kind
  void push_nulls(size_t count);
  void push_from(const Column& other, size_t row);
  void to_values();  // in place: kValues
  void truncate(size_t rows);
  // Keeps the rows named by `rows` (ascending or not, repeats allowed): this[i] = this[rows[i]].
  void gather(const std::vector<uint32_t>& rows);
  void gather_from(const Column& other, const std::vector<uint32_t>& rows);  // appends
  void append(const Column& other);
  void append_rows(const Column& other, size_t from, size_t count);
  size_t heap_bytes() const;
  // Bytes of this row's value beyond a fixed 16: what keeping it costs. Of words, as if they had become Values, which
  // they do where they are kept together with others.
  size_t row_heap_bytes(size_t row) const {
    switch (kind) {
      case Kind::kValues: return values[row].heap_bytes();
      case Kind::kStrings: return texts.entries[row].length;
      case Kind::kWords: return word_heap_bytes();
      default: return 0;
    }
  }
  // What its rows take beyond 16 bytes each as Values.
  size_t boxed_heap_bytes() const {
    return kind == Kind::kValues || kind == Kind::kStrings ? heap_bytes()
           : kind == Kind::kWords                          ? size() * word_heap_bytes()
                                                           : 0;
  }

 private:
  size_t word_heap_bytes() const;
  // Before `count` rows without or with nulls are added to a typed column whose null mask may be needed.
  void push_null_flags(size_t count, bool null);
};

struct Batch {
  std::vector<Column> columns;  // by slot
  size_t rows = 0;

  explicit Batch(size_t slot_count = 0) : columns(slot_count) {}
  void clear() {
    for (Column& c : columns) c.clear();
    rows = 0;
  }
  // Only the number of rows counts.
  void clear_to(size_t row_count) {
    clear();
    rows = row_count;
  }
  Column& operator[](Slot s) { return columns[s]; }
  const Column& operator[](Slot s) const { return columns[s]; }
  // Compacts every filled column to these rows.
  void gather(const std::vector<uint32_t>& rows_kept);
};

}  // namespace lora::cypher
