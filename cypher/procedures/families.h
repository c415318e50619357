// The tables of procedures, one per family file; registry.cpp joins them.
#pragma once

#include "cypher/procedures/procedure.h"

namespace lora::cypher {

std::span<const ProcedureSpec> catalog_procedures();

}  // namespace lora::cypher
