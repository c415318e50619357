// Plan-cache keys: one pass over a query text that takes out the literals a plan does not depend on.
//
// `MATCH (n:P {id: 42}) RETURN n.name` and `... {id: 43} ...` have the same key,
// `MATCH (n:P {id: ?i}) RETURN n.name`, and the values 42 and 43. Markers keep the class of the value (?i ?f ?s ?b), so
// a plan can rely on it. White space and comments do not count, except where a column is named as written.
//
// Not taken out: null; numbers in variable-length bounds and quantifiers, SHORTEST k, OF n ROWS, types; the items of
// RETURN without AS (their text names the column); everything in schema commands; what does not parse as a literal.
// Where the pass is not sure, it keeps the text: a key may be too fine, never too coarse.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "graph/value.h"

namespace lora::cypher {

struct Normalized {
  std::string key;
  std::vector<Value> values;      // integers, floats, strings and booleans, in the order of the text
  std::vector<uint32_t> offsets;  // where each stands in the text
};

// Always gives a key, also for text that does not parse (the parser will say so). Texts with equal keys have equal
// plans once parse(text, normalized) left Query::key_is_exact true.
Normalized normalize(std::string_view text);
// The same into `out`, whose capacity is reused.
void normalize(std::string_view text, Normalized& out);

}  // namespace lora::cypher
