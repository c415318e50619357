// Functions and procedures that a program registers with a Database: what it writes.
//
//   db.register_function("my.twice(x :: INTEGER) :: INTEGER", [](CallContext&, std::span<const Value> args) {
//     return Result<Value>(Value::integer(2 * args[0].as_integer()));
//   });
//   db.execute("RETURN my.twice(21)");
//
// Signatures: `name.space.name(argument :: TYPE, ...)`, then ` :: TYPE` for a function, ` :: (column :: TYPE, ...)` or
// ` :: VOID` for a procedure. Types are Cypher's (`INTEGER`, `LIST<STRING>`, `NODE`, `INTEGER | FLOAT`, `ANY`); one
// that ends in `?` takes null as well. Names need a namespace, and not one of the built-in functions and procedures.
//
// Arguments come checked: as many as declared, of the declared types (an integer for a FLOAT is made one), nodes,
// relationships and paths hydrated. Results are checked too: kType when they are not what the signature says. A result
// of type NODE or RELATIONSHIP is a Value of that kind or the map {kind: 'node', id: ...}; its id must exist.
//
// Threads: a callable runs on the thread of the statement that calls it; several statements may be in it at once. It
// may read the same Database (it sees the last commit) but not write to it: kTransaction, at once. It may also
// register, unregister (a running statement keeps what it began with) and close() the Database. Errors: a Status that
// is not OK ends the statement, of which nothing stays. What a callable throws becomes one.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "graph/value.h"
#include "kv/status.h"

namespace lora {

namespace cypher {
class QueryControl;
}

// What a callable may ask about the statement that called it. Valid during the call only.
class CallContext {
 public:
  explicit CallContext(cypher::QueryControl* control) : control_(control) {}
  // OK, or why the statement has to stop: kInterrupted, kTimeout, kClosed. For loops that run long: return what it
  // says.
  Status check();

 private:
  cypher::QueryControl* control_;
};

using ScalarCallable = std::function<Result<Value>(CallContext& context, std::span<const Value> args)>;

// Gives the next row, a value per column, into *row; false: there is none. Called as often as rows are wanted, so what
// a LIMIT leaves out is never made. Destroyed when the call ends, also early.
using RowProducer = std::function<Result<bool>(CallContext& context, List* row)>;
// Called once per call with the arguments. A VOID procedure does its work here; its producer may be empty.
using ProcedureCallable = std::function<Result<RowProducer>(CallContext& context, std::span<const Value> args)>;

// A status for a callable that failed: kSemantic at run time, naming it and why.
Status function_failed(std::string_view name, std::string_view why);
Status procedure_failed(std::string_view name, std::string_view why);

struct CallableOptions {
  std::string description;  // for SHOW
  // Functions: the same arguments give the same answer within a statement, so the planner may call it once for many
  // rows, or earlier. Otherwise it is called where and as often as the query says.
  bool deterministic = false;
};

}  // namespace lora
