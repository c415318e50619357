// The binder: syntax tree to bound query. Resolves names to slots, checks scopes, clause order, aggregation, argument
// counts and those types that are known before running; everything the openCypher TCK calls a compile time error that
// is not one of the parser's.
#pragma once

#include <memory>

#include "cypher/bind/bound.h"
#include "cypher/syntax/ast.h"

namespace lora::cypher {

struct BindOptions {
  PlanArena* arena = nullptr;                   // takes expressions, names and texts; must outlive the statement
  const ProcedureLookup* procedures = nullptr;  // null pointer: no procedures
};

// Errors: kSemantic, kType (SyntaxError and friends at compile time, with offset and TCK words), kLimit (depth),
// kUnsupported. Never looks at the graph or its schema.
Result<std::unique_ptr<BoundStatement>> bind(const Query& query, const BindOptions& options);

}  // namespace lora::cypher
