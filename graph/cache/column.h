// Column: the values of one property key for the 256 entities of a block.
//
// Kinds: integers, words of one type (graph/word.h: dates, times), floats, booleans (bits), strings of at most
// kStringMax bytes and kStringMeanMax in the mean (32-bit entries, a TextPlace, into an arena; equal strings of a block
// share bytes), lists (graph/packed_list.h: their bytes are kept as those of strings are), and generic Values. A value
// that does not fit makes the column generic. A column holds rows 0 .. rows-1; later rows are absent. min/max of
// numbers are bounds, not exact.
//
// Integers and words are kept as their distance from a common base, in 1, 2 or 4 bytes each, in 8 (with the base 0)
// where they lie further apart: the fewest that hold all the column has had since it was last laid out. A value that
// does not fit lays it out again, the base with as much room below the least value as above the greatest.
//
// The arena is shared by successive versions of a column: a version only ever appends behind the bytes that older
// versions know, so copying a string column copies four bytes per row.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string_view>

#include "graph/cache/object.h"
#include "graph/value.h"
#include "graph/word.h"

namespace lora::graph::cache {

struct StringArena {
  std::atomic<uint32_t> references{1};
  uint32_t end = 0;  // bytes used by the newest version; the writer's
  uint32_t capacity = 0;
  char* data() { return reinterpret_cast<char*>(this + 1); }
};

// Where a string lies in its arena. No arena is as long as offsets reach: kRows strings of kStringMax bytes and half as
// much again are less than a megabyte.
struct TextPlace {
  static constexpr uint32_t kLengthBits = 11;
  static constexpr uint32_t kLengthMax = (1u << kLengthBits) - 1;

  uint32_t entry;

  static TextPlace of(size_t offset, size_t length) { return {static_cast<uint32_t>(offset << kLengthBits | length)}; }
  uint32_t offset() const { return entry >> kLengthBits; }
  uint32_t length() const { return entry & kLengthMax; }
  bool operator==(const TextPlace&) const = default;
};

struct Column : Object {
  enum class Kind : uint8_t { kIntegers, kWords, kFloats, kBooleans, kStrings, kLists, kValues };
  static constexpr uint32_t kStringMax = TextPlace::kLengthMax;
  // Longer ones are better shared, as values, than copied by who reads them.
  static constexpr uint32_t kStringMeanMax = 255;

  Kind column_kind;
  uint16_t rows = 0;            // rows in use
  uint16_t capacity = 0;        // rows that fit
  uint16_t present = 0;         // valid rows
  uint16_t shared_strings = 0;  // kStrings, kLists: rows that were found to share bytes
  uint64_t valid_bits[4] = {0, 0, 0, 0};
  union {
    struct {
      int64_t min, max;  // none of them is below base
      int64_t base;
      uint8_t width;  // bytes of one: 1, 2, 4 or 8
      ValueType word_type;
      int32_t word_offset;  // of the WordType
    } integers;             // kIntegers; kWords
    struct {
      double min, max;
    } floats;                  // kFloats, NaN left out
    uint64_t boolean_bits[4];  // kBooleans
    struct {
      StringArena* arena;
      uint32_t arena_used;  // bytes of the arena this version knows
    } strings;              // kStrings, kLists
    uint64_t value_bytes;   // kValues: heap bytes behind the values
  };

  explicit Column(Kind k) : Object(ObjectKind::kColumn), column_kind(k) {}

  bool valid(uint32_t row) const { return (valid_bits[row >> 6] >> (row & 63) & 1) != 0; }
  // What the integers stand for; kNull of those that are no words.
  WordType word_type() const {
    return column_kind == Kind::kWords ? WordType{integers.word_type, integers.word_offset} : WordType();
  }
  // kIntegers and kWords. f(const U* distances), U the unsigned type of the column's width; a value is base + distance,
  // modulo 2^64.
  template <typename F>
  decltype(auto) with_integers(F&& f) const {
    const void* stored = this + 1;
    switch (integers.width) {
      case 1: return f(static_cast<const uint8_t*>(stored));
      case 2: return f(static_cast<const uint16_t*>(stored));
      case 4: return f(static_cast<const uint32_t*>(stored));
      default: return f(static_cast<const uint64_t*>(stored));
    }
  }
  int64_t integer(uint32_t row) const {
    return with_integers(
        [&](const auto* stored) { return static_cast<int64_t>(static_cast<uint64_t>(integers.base) + stored[row]); });
  }
  // Valid row of kBooleans.
  bool boolean(uint32_t row) const { return (boolean_bits[row >> 6] >> (row & 63) & 1) != 0; }
  const double* float_array() const { return reinterpret_cast<const double*>(this + 1); }
  const TextPlace* string_array() const { return reinterpret_cast<const TextPlace*>(this + 1); }
  const Value* value_array() const { return reinterpret_cast<const Value*>(this + 1); }
  static bool has_texts(Kind kind) { return kind == Kind::kStrings || kind == Kind::kLists; }
  // Valid row of a column of strings, or of lists: the packed one. The view lives as long as the column.
  std::string_view string(uint32_t row) const {
    const TextPlace place = string_array()[row];
    return {strings.arena->data() + place.offset(), place.length()};
  }
  // Null when absent.
  Value get(uint32_t row) const;

  // --- writing ---
  // Whether strings of so many bytes, those that share bytes counted once, are short enough for as many rows.
  static bool suits_strings(size_t bytes, size_t rows) {
    constexpr size_t kFewRows = 8;  // they say nothing yet
    return bytes <= (rows + kFewRows) * kStringMeanMax;
  }
  // Sets (null: removes). Returns the column as mine; copies, grows or changes kind as needed and retires what it
  // replaces. Null when no value is left. `context` null: loading; then the column must be unshared.
  static Column* set(WriteContext* context, Column* column, uint32_t row, const Value& value);
  // For loaders: the column with no more memory than its rows need (`column` may be freed).
  static Column* shrink(Column* column);
  // For loaders: whole columns, with values in the rows whose bits are set in `valid` (256 of them, at least one is);
  // they are as set() and shrink() would leave them. The values of a row are at its place in an array of 256.
  static Loaded<Column> of_integers(const uint64_t* valid, const int64_t* values);
  static Loaded<Column> of_words(WordType type, const uint64_t* valid, const int64_t* words);
  static Loaded<Column> of_floats(const uint64_t* valid, const double* values);
  static Loaded<Column> of_booleans(const uint64_t* valid, const uint64_t* bits);
  // Of a row: the text at places[row] of `texts`, which have at most kStringMax bytes, and are 256 at most.
  static Loaded<Column> of_strings(const uint64_t* valid, std::span<const std::string_view> texts,
                                   const uint8_t* places);
};

// Calls f(row) for each bit of the 256 that is set, ascending.
template <typename F>
void for_each_row(const uint64_t* bits, F&& f) {
  for (uint32_t w = 0; w < 4; ++w) {
    if (bits[w] == ~uint64_t{0}) {  // mostly, and loops are simple then
      for (uint32_t row = w * 64; row < w * 64 + 64; ++row) f(row);
      continue;
    }
    for (uint64_t word = bits[w]; word != 0; word &= word - 1) {
      f(w * 64 + static_cast<uint32_t>(std::countr_zero(word)));
    }
  }
}

// Releases what a column owns beside its memory (arena reference, values); for free_object().
void release_column(Column* column);

}  // namespace lora::graph::cache
