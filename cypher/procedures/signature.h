// Declared signatures: "my.find(name :: STRING?, n :: INTEGER) :: (id :: INTEGER, score :: FLOAT?)".
//
// Grammar: name "(" fields ")" [ "::" result ]. name: parts of letters, digits and `_`, joined by dots. fields: any
// number of `name :: TYPE`, comma between. result: a TYPE for a function; `(fields)`, `()` or VOID (also left out) for
// a procedure. TYPE: as parse_type() reads it, and `?` at its end: null is allowed. A `?` further inside stands for
// what is allowed there anyway.
//
// Threads: immutable once read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cypher/expr/expression.h"

namespace lora::cypher {

struct DeclaredField {
  std::string name;   // empty for the result of a function
  std::string shown;  // the type as written
  const TypeExpr* type = nullptr;
  bool nullable = false;

  // What the binder may rely on. For arguments an integer passes where a float is declared.
  TypeSet argument_types() const;
  TypeSet result_types() const;
};

struct DeclaredSignature {
  enum class Kind : uint8_t { kFunction, kProcedure };

  std::string name;
  std::vector<DeclaredField> args;
  std::vector<DeclaredField> results;  // of a function: exactly one
  std::string text;                    // all of it, in one spelling
  PlanArena arena;                     // holds the types

  // Errors: kSemantic with the place in words and, for types, the parser's reason.
  Status read(std::string_view text, Kind kind);
};

// Makes *value one of the declared type: an integer becomes a float where only floats fit, {kind: 'node', id} the node,
// also inside lists. Entities come out bare. False: it is none, or an entity of the version that `reader` reads does
// not exist; *value may have changed.
bool fit(const DeclaredField& field, graph::Reader& reader, Value* value);

}  // namespace lora::cypher
