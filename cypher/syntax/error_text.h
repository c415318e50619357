// Error messages that show the place: line, column, the line itself and a caret.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kv/status.h"

namespace lora::cypher {

// For a Status with an offset into `text`: fills line (from 1) and column (from 1, in code points) and makes the
// message
//
//   expected an expression; found `RETURN`
//   MATCH (n) WHERE RETURN n
//                   ^
//
// with a hint (from "; did you mean" or the last "; ") kept last. Long lines are clipped around the place. A Status
// without an offset, or that was decorated before (line is set), is returned as it is.
Status add_error_context(Status status, std::string_view text);

// Line and column of a byte offset, both from 1; the column counts code points.
void find_line_and_column(std::string_view text, size_t offset, int32_t& line, int32_t& column);

}  // namespace lora::cypher
