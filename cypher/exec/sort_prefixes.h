// Prefixes of sort keys: the keys of a row, as far as they fit, as one number of 128 bits, so that most comparisons of
// a sort are of two numbers that lie side by side.
//
// Integers and words take as many bits as their column needs, floats 64, strings what is left, which ends the prefix:
// of two rows the one with the smaller prefix comes first, and equal prefixes decide nothing unless is_whole().
#pragma once

#include <cstdint>
#include <vector>

#include "cypher/expr/batch.h"

namespace lora::cypher {

struct SortPrefix {
  uint64_t high = 0, low = 0;
  uint32_t row = 0;
  bool operator<(const SortPrefix& o) const { return high != o.high ? high < o.high : low < o.low; }
  bool same(const SortPrefix& o) const { return high == o.high && low == o.low; }
};

class SortPrefixes {
 public:
  // Looks at `columns`, one for each key, which stay as they are while it lives. ascending[k]: the order of key k.
  SortPrefixes(const std::vector<Column>& columns, const std::vector<bool>& ascending);

  // Not: the first key has values of several types, whose order numbers do not tell.
  bool exist() const { return !fields_.empty(); }
  // Equal prefixes are equal keys.
  bool is_whole() const { return whole_; }
  // Those of the rows from .. last - 1, to prefixes[row].
  void make(size_t from, size_t last, SortPrefix* prefixes) const;

 private:
  using Bits = unsigned __int128;
  struct Field {
    const Column* column = nullptr;
    bool ascending = true;
    uint32_t bits = 0;
    uint64_t least = 0;  // integers and words: of the column
    Bits greatest = 0;   // the greatest code; of integers and words with nulls: theirs
  };

  // False: the column has no codes, or none that fit.
  bool add(const Column& column, bool ascending);
  template <typename Code>
  void append(const Field& field, size_t from, size_t last, Code code, SortPrefix* prefixes) const;

  std::vector<Field> fields_;
  uint32_t left_ = 128;  // bits
  bool whole_ = false;
};

}  // namespace lora::cypher
