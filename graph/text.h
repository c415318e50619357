// Text of values: what toString() gives, and Cypher literals.
//
// Floats: shortest digits that read back to the same float; plain notation with at least one digit after the point for
// 1e-3 <= |x| < 1e7, otherwise d.dddE<exponent> (1.0E10, 2.5E-5); NaN, Infinity, -Infinity.
// Temporals: canonical ISO text. Points: point({x: 1.0, y: 2.0, crs: 'cartesian'}).
// Threads: free functions.
#pragma once

#include <string>
#include <string_view>

#include "graph/value.h"
#include "kv/status.h"

namespace lora {

// toString()'s text of a boolean, number, string, temporal value or point; of any other value a readable text with
// strings quoted (lists, maps, bare entities as (id) and [id]), cut off below 1 000 levels of nesting.
void append_text(std::string* out, const Value& value);
std::string to_text(const Value& value);
void append_float(std::string* out, double value);

// A Cypher expression that evaluates to an equal value of the same type: strings escaped, floats exact (NaN as
// (0.0 / 0.0), infinities as (1.0 / 0.0), (-1.0 / 0.0)), temporals as date('...'), points as point({...}), vectors as
// vector([...], n, TYPE), binary as bytes.hex_decode('...') for one segment. Errors: TypeError for nodes, relationships
// and paths; LIMIT when nested more than 1 000 levels.
Status append_literal(std::string* out, const Value& value);
Result<std::string> to_literal(const Value& value);

// Whether these bytes are UTF-8: no surrogates, nothing overlong, nothing cut off. All text of the engine is; it is
// looked at where it comes in.
bool is_utf8(std::string_view bytes);
// Whether all bytes are below 128.
bool is_ascii(std::string_view bytes);

// 'text' with the escapes of Cypher; `name` as it is when it is a plain identifier, otherwise in backticks.
void append_quoted(std::string* out, std::string_view text);
void append_name(std::string* out, std::string_view name);

}  // namespace lora
