// Values as JSON without loss, for dumps: one line of text, read back to the same value of the same type.
//
//   null, boolean, integer, string, list    as in JSON; an integer has no point and no exponent
//   float                                   a number with a point or an exponent; {"kind": "float", "value": "NaN"}
//                                           (or "Infinity", "-Infinity") where JSON has none
//   map                                     an object, keys in order; a map that has a key "kind":
//                                           {"kind": "map", "entries": [["kind", 1], ["a", 2]]}
//   temporal                                {"kind": "date", "iso": "2024-01-31"}; kinds date, localtime, time,
//                                           localdatetime, datetime, duration
//   point                                   {"kind": "point", "srid": 9157, "x": 1.0, "y": 2.0, "z": 3.0}
//   vector                                  {"kind": "vector", "coordinateType": "FLOAT32", "values": [1.0, 2.0]}
//   binary                                  {"kind": "binary", "segments": ["00ff", ""]} in hexadecimal digits
//
// Threads: free functions.
#pragma once

#include <string>
#include <string_view>

#include "graph/value.h"
#include "kv/status.h"

namespace lora {

// Appends the JSON of a storable value. Errors (out is then unspecified): TypeError for nodes, relationships and paths;
// LIMIT depth.
Status append_json(std::string* out, const Value& value);
Result<std::string> to_json(const Value& value);

// Reads JSON text: the forms above. Errors: LORA_PARSE with the place, for text that is not JSON, integers beyond 64
// bits, objects with a "kind" that are none of the above; LIMIT depth beyond `levels_max` levels of nesting.
Result<Value> from_json(std::string_view text, size_t levels_max = kNestingMax);

// A JSON string with quotes.
void append_json_string(std::string* out, std::string_view text);

}  // namespace lora
