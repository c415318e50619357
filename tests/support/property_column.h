// What a gathered column says, value by value.
#pragma once

#include "graph/graph.h"

namespace lora::graph {

inline Value value_of(const PropertyColumn& column, size_t i) {
  using Kind = PropertyColumn::Kind;
  if (column.kind == Kind::kValues) return column.values.at(i);
  if (!column.nulls.empty() && column.nulls.at(i) != 0) return Value();
  switch (column.kind) {
    case Kind::kIntegers: return Value::integer(column.integers.at(i));
    case Kind::kWords: return from_word(column.word_type, column.integers.at(i));
    case Kind::kFloats: return Value::floating(column.floats.at(i));
    case Kind::kLists: return Value::packed_list(column.texts[i]);
    default: return Value::string(column.texts[i]);
  }
}

}  // namespace lora::graph
