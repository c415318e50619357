// Procedures: one row per procedure, registered like functions. The row is the only place that knows a procedure: the
// binder resolves names and checks arguments with it, exec calls it, SHOW PROCEDURES prints it.
//
// To add a built-in one: write its body in a family's file and add a row to that file's table.
//
// Threads: rows are immutable.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "cypher/bind/bound.h"
#include "cypher/functions/function.h"

namespace lora::cypher {

// The rows of one call. Gives the next one, a value per column, into *row; false: there is none. Destroyed when the
// call ends, also early.
using NextRow = std::function<Result<bool>(EvalContext& context, List* row)>;

struct ProcedureSpec : ProcedureSignature {
  std::string_view description;  // one sentence
  // args: as many as `args`, of their types or null; left-out optional ones are null. Called once per call; what it
  // gives is asked for rows as they are wanted (an empty function: none).
  std::function<Result<NextRow>(EvalContext& context, std::span<const Value> args)> open;
};

// "db.labels() :: (label :: STRING)"
std::string signature_text(const ProcedureSignature& procedure);

// The built-in procedures, by name.
std::span<const ProcedureSpec* const> built_in_procedures();

}  // namespace lora::cypher
