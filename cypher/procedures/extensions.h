// What one database offers besides what is built in: functions and procedures that the program registered, and the
// lookup of procedures for the binder (registered and built-in ones).
//
// Lifetime: plans keep the rows they were bound to; a row that is replaced or dropped lives until the last of them is
// gone. version() changes with every change, so that plans made before can be told.
//
// Threads: any. The callables themselves are neither called nor freed under a lock of this class.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "cypher/bind/bound.h"
#include "cypher/procedures/callable.h"
#include "cypher/procedures/procedure.h"

namespace lora::cypher {

class ExtensionSet final : public ProcedureLookup, public FunctionLookup {
 public:
  std::shared_ptr<const ProcedureSignature> find_procedure(std::string_view name) const override;
  bool is_planned(std::string_view name) const override;
  std::string nearest_procedure(std::string_view name) const override;
  std::shared_ptr<const FunctionSpec> find_function(std::string_view name) const override;
  std::string nearest_function(std::string_view name) const override;

  // Replaces one of the same name (in any case). Errors: kSemantic for a signature that cannot be read or a name in a
  // built-in namespace, kInvalidParams for an empty callable.
  Status add_procedure(std::string_view signature, ProcedureCallable callable, const CallableOptions& options);
  // A procedure that answers from a table: `columns` names the arguments and results in the order of the rows' values;
  // a call gives the rows whose arguments are equivalent to the call's. Also kSemantic: columns that are not the
  // signature's, rows of another width or with values of other types.
  Status add_procedure(std::string_view signature, const std::vector<std::string>& columns, std::vector<List> rows,
                       const CallableOptions& options);
  Status add_function(std::string_view signature, ScalarCallable callable, const CallableOptions& options);
  // kNotFound: none of this name is registered.
  Status drop_procedure(std::string_view name);
  Status drop_function(std::string_view name);
  void clear();

  // By name.
  std::vector<std::shared_ptr<const ProcedureSpec>> procedures() const;
  std::vector<std::shared_ptr<const FunctionSpec>> functions() const;
  // As declared: "my.twice(x :: INTEGER) :: INTEGER". For functions of this class only.
  static std::string_view signature_of(const FunctionSpec& function);
  static std::string_view result_of(const FunctionSpec& function);

  uint64_t version() const { return version_.load(std::memory_order_acquire); }

 private:
  template <typename Spec>
  using Rows = std::map<std::string, std::shared_ptr<const Spec>, std::less<>>;  // by name in lower case
  template <typename Spec>
  void put(Rows<Spec>* rows, std::shared_ptr<const Spec> row);
  template <typename Spec>
  Status drop(Rows<Spec>* rows, std::string_view name, std::string_view what);

  mutable std::mutex mutex_;
  Rows<ProcedureSpec> procedures_;
  Rows<FunctionSpec> functions_;
  std::atomic<uint64_t> version_{0};
};

// While a callable runs, on this thread. Scopes nest: a callable may ask the database something that calls another one.
class CallableScope {
 public:
  explicit CallableScope(const EvalContext& context);
  ~CallableScope();
  CallableScope(const CallableScope&) = delete;
  CallableScope& operator=(const CallableScope&) = delete;

  // Whether this thread is in a callable of `set`.
  static bool inside(const ExtensionSet& set);
  // The control of the statement that called the callable this thread is in, of any set; null: it is in none.
  static QueryControl* control_around();

 private:
  const ExtensionSet* set_;
  QueryControl* control_;
  const CallableScope* outer_;
};

}  // namespace lora::cypher
