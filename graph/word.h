// Words: values of a type whose equality and order are those of one signed integer, so that many of them are kept and
// compared as integers: booleans (0 and 1), dates (days since 1970-01-01), local times (nanoseconds since midnight)
// and, in nanoseconds since 1970-01-01T00:00, times of day, local datetimes and datetimes (both of UTC).
//
// Integers themselves are not among them: they equal floats, words equal values of their own type alone.
//
// Threads: free functions, callable from any thread. No errors.
#pragma once

#include <cstdint>

#include "graph/value.h"

namespace lora {

// What the words of a column stand for: the value's type and, of times and datetimes, how far east of UTC their clocks
// are. kNull: they are no words.
struct WordType {
  ValueType type = ValueType::kNull;
  int32_t offset_seconds = 0;
  friend bool operator==(WordType, WordType) = default;
};

// False: not such a value. Also for datetimes of named zones, and of years that nanoseconds in 64 bits do not reach
// (they do from 1677-09-21T00:12:44 to 2262-04-11T23:47:16).
bool to_word(const Value& value, WordType* type, int64_t* word);
// The word alone, also of datetimes of named zones: of equal values it is the same, and both or none have one.
bool word_of(const Value& value, int64_t* word);
// Undoes to_word().
Value from_word(WordType type, int64_t word);

}  // namespace lora
