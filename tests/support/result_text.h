// Text of results for comparing with what a test expects: entities as patterns, everything else as Cypher literals.
#pragma once

#include <string>

#include "graph/value.h"

namespace lora::test {

// null, 1, 1.0, 'text', [1, 2], {a: 1}, (:A:B {x: 1}), [:T {x: 1}], <(:A)-[:T]->(:B)>, date('2024-01-01').
// Labels and map keys are sorted. Entities must be hydrated.
std::string result_text(const Value& value);

}  // namespace lora::test
