// Functions in words: what SHOW FUNCTIONS prints of a row, and the reference document, both made of the registry.
#pragma once

#include <string>

#include "cypher/functions/function.h"

namespace lora::cypher {

// "INTEGER | FLOAT", "ANY"
std::string type_text(TypeSet types);
// "round(x :: INTEGER | FLOAT, [precision :: INTEGER], [mode :: STRING]) :: FLOAT"
std::string signature_text(const FunctionSpec& function);
std::string signature_text(const AggregateSpec& function);

// REFERENCE.md: every function by category, with its other names, what it does and its example.
std::string function_reference();

}  // namespace lora::cypher
