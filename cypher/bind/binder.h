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
  const FunctionLookup* functions = nullptr;    // registered functions; null pointer: the built-in ones only
};

// Errors: kSemantic, kType (SyntaxError and friends at compile time, with offset and TCK words), kLimit (depth),
// kUnsupported. Never looks at the graph or its schema.
Result<std::unique_ptr<BoundStatement>> bind(const Query& query, const BindOptions& options);

// A type as expressions test it. `source` is the text that the spans of `type` count in; `arena` takes the result.
// Errors: kSemantic for a bad coordinate type or dimension, kLimit.
Result<const TypeExpr*> make_type(const ast::TypeRef& type, std::string_view source, PlanArena& arena);

}  // namespace lora::cypher
