// Bound expressions: what the binder makes of syntax, what plans hold and the evaluator runs.
//
// One plain struct with generic children, so that passes (slot use, purity, rewriting, printing) are one loop and only
// who has something special to say looks at `kind`. Expressions and all they point to live in the PlanArena of their
// plan, are immutable once planned, and are shared by all executions of the plan, in any number of threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cypher/expr/batch.h"
#include "cypher/functions/function.h"
#include "graph/graph.h"
#include "graph/value.h"

namespace lora::cypher {

struct LogicalOp;  // cypher/plan/logical.h

// A label, relationship type or property key by name. Its id is looked up when first needed and then remembered: ids of
// committed names never change. A name not in use, or only in the open transaction, is looked up again next time.
struct NameRef {
  std::string_view name;  // in the arena
  mutable std::atomic<uint32_t> id{UINT32_MAX};
};

// `:A|B`, `:A&!B`, `:%` over labels (or types). kLeaf: `name`.
struct LabelExpr {
  enum class Kind : uint8_t { kLeaf, kWildcard, kAnd, kOr, kNot } kind = Kind::kLeaf;
  const NameRef* name = nullptr;
  std::span<LabelExpr* const> children;
};

// A type argument: `INTEGER`, `LIST<STRING NOT NULL>`, `A | B`, ...
struct TypeExpr {
  TypeSet types = 0;  // union of plain types
  bool not_null = false;
  bool any_property = false;            // PROPERTY VALUE
  std::span<TypeExpr* const> elements;  // for LIST<...>: one element type; for unions of lists: several
  uint32_t vector_dimension = 0;        // VECTOR<T>(n); 0: any
  int8_t vector_type = -1;              // VectorType, -1: any
  std::string_view text;                // canonical name
};

enum class ExprKind : uint8_t {
  kConstant,    // value
  kLiteral,     // index: a stripped literal, EvalContext::literals[index]
  kParameter,   // text: name without `$`
  kSlot,        // slot
  kProperty,    // [object], name: object.key of node, relationship, map, temporal, point
  kIndex,       // [object, index]: list[i], map['k'], node['k']
  kSlice,       // [list, from, to]; from or to may be null pointers
  kArithmetic,  // left-associative chain: children[0] ops[0] children[1] ops[1] children[2] ...; ops + - * / % ^ and
                // `||` as '&'
  kNegate,      // [x]
  kAnd,
  kOr,
  kXor,      // n-ary
  kNot,      // [x]
  kCompare,  // chain: children[0] ops[0] children[1] ...; ops '=' '!'(<>) '<' '>' 'l'(<=) 'g'(>=)
  kIsNull,
  kIsNotNull,
  kIn,  // [x, list]
  kStartsWith,
  kEndsWith,
  kContains,
  kRegex,      // [x, y]
  kHasLabels,  // [entity], labels: `n:A&B`, also for relationship types
  kIsType,
  kIsNotType,  // [x], type
  kCast,
  kTryCast,            // [x], type
  kList,               // children
  kMap,                // children are values, names are keys
  kMapProjection,      // [subject, values...]; names: keys of children[1..]; flag: `.*` present
  kCase,               // searched: [when1, then1, when2, then2, ..., else?]; flag: has else.
                       // The simple form is bound to this with equality on a slot that kLet sets.
  kLet,                // [value, body], slot: evaluates value once into slot, then body
  kFunction,           // function, children
  kListComprehension,  // [list, where?, map?], slot; children may hold null pointers for the optional ones
  kQuantifier,         // [list, where], slot, op: 'a'(all) 'y'(any) 'n'(none) 's'(single)
  kReduce,             // [init, list, body], slot = element, slot2 = accumulator
  kPath,               // children alternate node, relationship (or list of relationships), node, ...: builds a path
  kExists,
  kCount,
  kCollect,    // subplan: EXISTS { }, COUNT { }, COLLECT { } (slot = collected column)
               // and pattern comprehension (kCollect) and pattern predicate (kExists)
               // children: one kSlot for each outer slot that the subplan reads, locals of comprehensions included
  kAggregate,  // aggregate, children, flag: DISTINCT. Only inside Aggregate operators' lists; count(*) has no children.
};

struct Expr {
  ExprKind kind = ExprKind::kConstant;
  bool flag = false;
  char op = 0;
  TypeSet types = kAnyType;         // what the value can be, null aside
  uint32_t offset = 0, length = 0;  // place in the query text
  std::span<Expr* const> children;
  std::string_view ops;                   // kArithmetic, kCompare: one char per step
  std::span<const NameRef* const> names;  // kMap, kMapProjection; kProperty: one
  Slot slot = kNoSlot, slot2 = kNoSlot;
  uint32_t index = 0;
  const Value* value = nullptr;  // kConstant
  std::string_view text;         // kParameter: name
  const FunctionSpec* function = nullptr;
  const AggregateSpec* aggregate = nullptr;
  const LabelExpr* labels = nullptr;
  const TypeExpr* type = nullptr;
  const LogicalOp* subplan = nullptr;  // kExists, kCount, kCollect: leaf is an Argument operator
};

// Owns everything of one plan. Objects made by make() with non-trivial destructors must be NameRef or Value.
class PlanArena {
 public:
  PlanArena() = default;
  PlanArena(const PlanArena&) = delete;
  PlanArena& operator=(const PlanArena&) = delete;

  template <typename T, typename... Args>
  T* make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T>, "use value() or owned() for types with destructors");
    return new (memory_.allocate(sizeof(T), alignof(T))) T{std::forward<Args>(args)...};
  }
  const Value* value(Value v) {
    values_.push_back(std::move(v));
    return &values_.back();
  }
  const NameRef* name(std::string_view text) {
    NameRef* ref = &names_.emplace_back();
    ref->name = this->text(text);
    return ref;
  }
  std::string_view text(std::string_view t) {
    if (t.empty()) return {};
    char* p = static_cast<char*>(memory_.allocate(t.size(), 1));
    std::memcpy(p, t.data(), t.size());
    return {p, t.size()};
  }
  template <typename T>
  std::span<T> array(const std::vector<T>& items) {
    return array(std::span<const T>(items));
  }
  template <typename T>
  std::span<T> array(std::span<const T> items) {
    static_assert(std::is_trivially_destructible_v<T>);
    if (items.empty()) return {};
    T* p = static_cast<T*>(memory_.allocate(sizeof(T) * items.size(), alignof(T)));
    for (size_t i = 0; i < items.size(); ++i) new (p + i) T(items[i]);
    return {p, items.size()};
  }
  // Keeps any object alive as long as the plan.
  template <typename T, typename... Args>
  T* owned(Args&&... args) {
    auto holder = std::make_shared<T>(std::forward<Args>(args)...);
    T* raw = holder.get();
    owned_.push_back(std::move(holder));
    return raw;
  }
  // The same for an object that others share.
  template <typename T>
  const T* keep(std::shared_ptr<const T> object) {
    const T* raw = object.get();
    owned_.push_back(std::move(object));
    return raw;
  }

 private:
  std::pmr::monotonic_buffer_resource memory_;
  std::deque<Value> values_;
  std::deque<NameRef> names_;
  std::vector<std::shared_ptr<const void>> owned_;
};

// Runs subplans for expressions; implemented by exec.
class SubqueryRunner {
 public:
  virtual ~SubqueryRunner() = default;
  // `outer` row `row` is what the subplan's Argument sees. kExists: boolean; kCount: integer; kCollect: list.
  virtual Result<Value> run(const Expr& expr, const Batch& outer, size_t row) = 0;
  // The same for all rows of `outer` at once into *out; `as` is what to make of the rows (kExists, kCount, kCollect).
  // False: this subplan is run row by row only.
  virtual Result<bool> run_batch(const Expr& /*expr*/, ExprKind /*as*/, Batch& /*outer*/, Column* /*out*/) {
    return false;
  }
};

}  // namespace lora::cypher
