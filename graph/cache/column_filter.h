// Tests one property of all rows of a block at once, in place: what a scan leaves out costs neither an id nor a copy.
#pragma once

#include <cstdint>

#include "graph/cache/column.h"

namespace lora::graph::cache {

// Clears the bits of the rows whose property does not satisfy `op value`. `rows`: 256 bits, row 0 first. `op` as of
// compare_values(), where a null result does not satisfy; or 'n': IS NULL, 'v': IS NOT NULL (`value` is not read).
// `column` null: no row has the property.
void filter_column(const Column* column, char op, const Value& value, uint64_t* rows);

// Are its values compared one by one?
inline bool is_filtered_by_rows(const Column* column) {
  return column != nullptr && (Column::has_texts(column->column_kind) || column->column_kind == Column::Kind::kValues);
}

}  // namespace lora::graph::cache
