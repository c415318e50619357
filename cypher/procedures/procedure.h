// Procedures: one row per procedure, registered like functions. The row is the only place that knows a procedure: the
// binder resolves names and checks arguments with it, exec calls it, SHOW PROCEDURES prints it.
//
// To add one: write its body in a family's file and add a row to that file's table.
//
// Threads: the built-in rows are immutable. A ProcedureSet may be asked by any number of threads; add_table() may run
// beside them.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cypher/bind/bound.h"
#include "cypher/functions/function.h"

namespace lora::cypher {

// Takes one row: a value per column of the procedure.
using RowSink = std::function<Status(List row)>;

struct ProcedureSpec : ProcedureSignature {
  std::string_view description;  // one sentence
  // args: as many as `args`; left-out optional ones are null.
  std::function<Status(EvalContext& context, std::span<const Value> args, const RowSink& give)> run;
};

// "db.labels() :: (label :: STRING)"
std::string signature_text(const ProcedureSignature& procedure);

// The built-in procedures, by name.
std::span<const ProcedureSpec* const> built_in_procedures();

// What one database offers: the built-in ones and tables that were registered.
class ProcedureSet final : public ProcedureLookup {
 public:
  const ProcedureSignature* find(std::string_view name) const override;
  bool is_planned(std::string_view name) const override;
  std::string nearest(std::string_view name) const override;

  // A procedure that answers from a table: columns are first the arguments, then the results; a call gives the rows
  // whose arguments equal the call's. `signature`: "my.proc(in :: INTEGER?) :: (out :: STRING?)"; "() :: VOID" or "()"
  // after the name for none. Replaces one of the same name (plans made with the old one go on using it).
  // Errors: kSemantic for a signature that cannot be read or that does not fit the columns.
  Status add_table(std::string_view signature, const std::vector<std::string>& columns, std::vector<List> rows);
  void drop_tables();

 private:
  mutable std::mutex mutex_;
  std::deque<std::unique_ptr<ProcedureSpec>> tables_;  // never freed while the set lives: plans point to them
  std::vector<const ProcedureSpec*> current_;
};

}  // namespace lora::cypher
