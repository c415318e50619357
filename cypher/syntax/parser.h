// The parser: query text to syntax tree.
//
// Hand-written recursive descent over a token array with matched brackets. Linear in the text: every decision is made
// from a bounded number of tokens or from one look at the matching bracket. Depth is bounded (kDepthMax levels, or
// 64 KiB of stack left), and so is the text (kTextMax).
//
// Errors: kParse with type "SyntaxError", phase "compile time", the TCK's detail and the byte offset; kLimit with
// detail "depth" or "text size". The message is one line; add_error_context() (error_text.h) adds the place and the
// caret.
//
// Threads: pure functions.
#pragma once

#include <cstddef>
#include <string_view>

#include "cypher/syntax/ast.h"
#include "kv/status.h"

namespace lora::cypher {

struct Normalized;  // normalize.h

inline constexpr size_t kTextMax = 16u << 20;
inline constexpr uint32_t kDepthMax = 1000;

// Parses one statement (a trailing `;` is fine). The text is copied into the Query.
Result<Query> parse(std::string_view text);

// The same, with the literals that `normalized` (made from this very text) took out as StrippedLiteral nodes.
Result<Query> parse(std::string_view text, const Normalized& normalized);

// A type written as text: the string form of a type argument ("LIST<INTEGER NOT NULL>"). Allocates in `arena`, which
// must outlive the result.
Result<const ast::TypeRef*> parse_type(std::string_view text, Arena& arena);

// Whether argument number `index` of the function `name` (any case) is a type, so that `INTEGER` there is no variable.
bool takes_type_argument(std::string_view name, size_t index);
// Whether that type has to be known when the plan is made, also where it is written as text.
bool needs_type_argument(std::string_view name, size_t index);
// Whether the last argument of the function `name` (any case) may be the bare word of a metric: `EUCLIDEAN`.
bool takes_metric(std::string_view name);

}  // namespace lora::cypher
