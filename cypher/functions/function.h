// Functions: one row per function. The row is the only place that knows a function: the binder resolves names and
// checks arguments with it, the evaluator calls it, SHOW FUNCTIONS and the reference documentation print it, and a test
// runs its example.
//
// To add a scalar function: write its body in the family's file and add a row to the family's table. Nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cypher/functions/query_control.h"
#include "graph/graph.h"
#include "graph/value.h"

namespace lora::cypher {

// What expressions and functions may look at while a statement runs. One thread at a time.
struct EvalContext {
  QueryControl* control = nullptr;
  graph::Reader* reader = nullptr;            // the version read; sees the statement's own writes in a transaction
  graph::Transaction* transaction = nullptr;  // null in read-only statements
  Value params;                               // map or null
  std::span<const Value> literals;            // values of stripped literals, by index
  int64_t statement_epoch_nanos = 0;          // the clock that date(), timestamp()... read: fixed per statement
  int64_t transaction_epoch_nanos = 0;
  uint64_t random_state = 0;                       // for rand(), randomUUID(); seeded per statement
  class SubqueryRunner* subqueries = nullptr;      // runs EXISTS/COUNT/COLLECT and pattern comprehensions (exec)
  std::string_view import_dir;                     // for LOAD CSV
  const class ExtensionSet* extensions = nullptr;  // what the program registered, for SHOW (procedures/extensions.h)
};

// Static types, as a set of bits; the binder refuses a call when an argument's known types and the row's are disjoint.
using TypeSet = uint32_t;
constexpr TypeSet type_bit(ValueType t) {
  return TypeSet{1} << static_cast<uint32_t>(t);
}
inline constexpr TypeSet kAnyType = (TypeSet{1} << 19) - 1;
inline constexpr TypeSet kNumberTypes = type_bit(ValueType::kInteger) | type_bit(ValueType::kFloat);
inline constexpr TypeSet kEntityTypes = type_bit(ValueType::kNode) | type_bit(ValueType::kRelationship);

enum class Purity : uint8_t {
  kPure,        // same arguments, same answer: may be folded at compile time
  kReadsGraph,  // depends on the version read
  kStatement,   // fixed within a statement (clock, parameters)
  kVolatile,    // new value at each call (rand, randomUUID)
};
enum class NullRule : uint8_t {
  kNullIfAnyNull,  // not called when an argument is null; the answer is null
  kCalled,         // called with nulls
  kFirstNotNull,   // called with nulls; what stands behind the first argument that is not null is not even evaluated
};

// Functions whose second argument is a type: the binder turns their calls into operators.
enum class TypeCall : uint8_t {
  kNone,
  kIs,       // x IS :: T
  kCast,     // CAST(x AS T)
  kTryCast,  // TRY_CAST(x AS T)
  kCanCast,  // TRY_CAST(x AS T) IS NOT NULL
};

// Arguments are as many as the row allows. Must not keep views of them. Errors: TCK words for TCK functions.
using ScalarFunction = Status (*)(EvalContext& context, std::span<const Value> args, Value* out);

// The body of a function that a program has registered: more than a plain C++ function.
class FunctionBody {
 public:
  virtual ~FunctionBody() = default;
  virtual Status call(EvalContext& context, std::span<const Value> args, Value* out) const = 0;
};

// The same function for values of one type, none of them null: what whole columns are put through without a Value for
// each row. Null pointers where there is none. False, and an error: `function` says what is wrong.
struct TypedBodies {
  double (*of_float)(double) = nullptr;  // of integers, too, where the next one is missing
  bool (*of_integer)(int64_t x, int64_t* out) = nullptr;
  int64_t (*measure)(std::string_view text) = nullptr;
  std::string (*convert)(std::string_view text) = nullptr;
  std::string (*spell)(int64_t x) = nullptr;
  // A piece of a text; `more` are the arguments behind it, as many and of such types as the row allows.
  Status (*piece)(std::string_view text, std::span<const Value> more, std::string_view* out) = nullptr;

  bool any() const { return of_float || of_integer || measure || convert || spell || piece; }
};

struct ArgSpec {
  std::string_view name;
  TypeSet types = kAnyType;
};

struct FunctionSpec {
  std::string_view name;                  // as shown: "toUpper", "string.upper"
  std::vector<std::string_view> aliases;  // other names, same function; lookups ignore case
  std::vector<ArgSpec> args;              // the first min_args are required
  uint8_t min_args = 0;
  uint8_t max_args = 0;  // 255: any number (the last ArgSpec repeats)
  TypeSet result = kAnyType;
  Purity purity = Purity::kPure;
  NullRule null_rule = NullRule::kNullIfAnyNull;
  std::string_view category;        // "String", "Math", ...
  std::string_view description;     // one sentence
  std::string_view example;         // an expression, e.g. "toUpper('abc')"
  std::string_view example_result;  // Cypher literal it equals; empty: only that it runs
  ScalarFunction function = nullptr;
  const FunctionBody* body = nullptr;    // instead of `function`; checks its arguments itself
  TypeCall type_call = TypeCall::kNone;  // instead of both
  TypedBodies typed;                     // beside `function`
};

// Calls a function as its row says: applies the null rule, checks argument types (runtime TypeError,
// InvalidArgumentValue), then runs it. The evaluator calls nothing else.
Status call_function(EvalContext& context, const FunctionSpec& spec, std::span<const Value> args, Value* out);

// Whoever makes a list or map from values asks this before anybody walks it, so that every walk over a value ends and
// its recursion is bounded: kLimit (depth) beyond kNestingMax levels or what the stack of this thread is good for,
// kMemoryLimit when its items, shared parts as often as they occur, are over the query's memory budget.
Status check_large_extent(EvalContext& context, const Value::Extent& extent);
inline Status check_extent(EvalContext& context, const Value& v) {
  constexpr uint64_t kFewLevels = 64, kFewItems = 4096;
  const Value::Extent extent = v.extent();
  if (extent.levels <= kFewLevels && extent.items <= kFewItems) [[likely]]
    return Status();
  return check_large_extent(context, extent);
}

// --- aggregates ---

// The state of one group. Created by the spec, fed row by row, asked once.
class AggregateState {
 public:
  virtual ~AggregateState() = default;
  // args as many as the spec's; nulls of the first argument are already left out (but for count(*), which has none).
  virtual Status add(EvalContext& context, std::span<const Value> args) = 0;
  // The same for so many floats, in any order, of an aggregate of one argument; false: none was added.
  virtual bool add_floats(std::span<const double> /*values*/) { return false; }
  virtual Result<Value> finish(EvalContext& context) = 0;
  // Heap bytes held, for the memory budget; cheap.
  virtual size_t heap_bytes() const { return 0; }
};

struct AggregateSpec {
  std::string_view name;
  std::vector<std::string_view> aliases;
  std::vector<ArgSpec> args;
  uint8_t min_args = 1;
  uint8_t max_args = 1;
  TypeSet result = kAnyType;
  std::string_view category;
  std::string_view description;
  std::string_view example;                             // a whole query
  std::string_view example_result;                      // literal of the single value it returns
  std::unique_ptr<AggregateState> (*make)() = nullptr;  // none: collect(), whose lists the operator keeps
};

// --- lookup; names in any case; null when there is none ---
const FunctionSpec* find_function(std::string_view name);
const AggregateSpec* find_aggregate(std::string_view name);
std::span<const FunctionSpec* const> all_functions();
std::span<const AggregateSpec* const> all_aggregates();
// The nearest known name, or empty; for "did you mean".
std::string_view nearest_function(std::string_view name);

}  // namespace lora::cypher
