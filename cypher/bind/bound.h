// The bound query: what the binder makes of a syntax tree and the planner turns into logical operators.
//
// Everything is resolved: variables are slots, expressions are Expr trees in the plan's arena, patterns are graphs,
// projections have their aggregates set apart. Bound structures are short-lived (from binding to the end of planning)
// and use ordinary vectors; the Expr trees, names and texts they point to live in the PlanArena given to bind().
//
// Slots are unique over the whole statement, subqueries included, and written by exactly one clause. A projection that
// only passes a variable on, or gives it another name, keeps its slot: `WITH n AS m` makes no assignment at all.
//
// Threads: values of one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cypher/bind/slot_set.h"
#include "cypher/expr/expression.h"
#include "graph/ids.h"
#include "graph/schema.h"
#include "kv/status.h"

namespace lora::cypher {

struct BoundQuery;
struct BoundStatement;

enum class VariableKind : uint8_t {
  kNode,              // surely a node or null
  kRelationship,      // surely a relationship or null
  kRelationshipList,  // of a variable-length relationship
  kPath,
  kValue,  // anything, entities included
};

struct BoundVariable {
  std::string_view name;  // empty: anonymous
  Slot slot = kNoSlot;
  VariableKind kind = VariableKind::kValue;
  TypeSet types = kAnyType;
  bool nullable = true;  // false: never null (a node of a MATCH that is not optional)
};

struct BoundAssignment {
  Slot slot = kNoSlot;
  Expr* expr = nullptr;
};

// One conjunct of a WHERE or of a pattern's own conditions, with the slots it reads: those of the clause's pattern and
// those from before, never locals of comprehensions. Ascending, without repeats.
struct BoundPredicate {
  Expr* expr = nullptr;
  std::vector<Slot> slots;
  // Of a pattern with a path selector: it says which paths there are to select from (conditions inside the selected
  // pattern; for shortestPath() and allShortestPaths() the clause's WHERE as well). False: it filters what was
  // selected.
  bool before_selection = false;
};

// --- patterns -------------------------------------------------------------------------------------------------------

struct BoundNode {
  Slot slot = kNoSlot;
  std::string_view name;               // as written; empty: anonymous
  bool bound = false;                  // has its value before this clause
  std::vector<const NameRef*> labels;  // all of them: plain labels of the pattern and of top-level `WHERE n:L`;
                                       // anything richer (A|B, !A, %) is a kHasLabels predicate of the pattern
};

enum class PathSelector : uint8_t {
  kAll,             // every path
  kShortest,        // one of the shortest: shortestPath(), ANY SHORTEST, SHORTEST 1
  kAllShortest,     // all of the smallest length: allShortestPaths(), ALL SHORTEST
  kShortestK,       // SHORTEST k: the k shortest, ties broken in any way
  kShortestGroups,  // SHORTEST k GROUPS: all paths of the k smallest lengths
  kAny,             // ANY k: any k paths
};

// A relationship of a pattern, or a variable-length one. `from` and `to` are indexes into BoundPattern::nodes, in the
// order as written; direction is seen from `from`.
struct BoundRelationship {
  Slot slot = kNoSlot;  // relationship, or the list of relationships in order from `from`
  std::string_view name;
  bool bound = false;  // has its value before this clause
  uint32_t from = 0, to = 0;
  Direction direction = Direction::kBoth;
  std::vector<const NameRef*> types;  // any of them; none: any type. Richer type expressions are predicates
  bool variable_length = false;
  uint32_t min_hops = 1, max_hops = 1;  // max UINT32_MAX: no bound. min > max: matches nothing
  // variable_length: every hop must fulfil this (null: no condition). It may read the three hop slots, outer slots and
  // slots of this pattern that are bound. hop_from is the end of the hop that is nearer to `from`, whatever the
  // direction.
  Expr* hop_predicate = nullptr;
  Slot hop_relationship = kNoSlot, hop_from = kNoSlot, hop_to = kNoSlot;
  // Not kAll: this relationship is the only one of its path, a shortest search between its two nodes.
  PathSelector selector = PathSelector::kAll;
  uint32_t k = 1;            // for kShortestK, kShortestGroups, kAny
  Expr* count = nullptr;     // in place of k: a number that is known when the query runs
  bool ends_differ = false;  // shortestPath(), allShortestPaths(): equal ends are an error
};

struct BoundPattern;

// A quantified path group `((a)-[r]->(b)<-[s]-(c) WHERE ...){1,3}` of two or more relationships; groups of one
// relationship are bound as a variable-length BoundRelationship and `derived` lists. Each repetition starts where the
// one before ended. inner.nodes.front() (inner_first) and inner_last stand for the ends of one repetition.
struct BoundQuantifiedPath {
  uint32_t from = 0, to = 0;  // outer nodes (indexes)
  uint32_t min_repeats = 1, max_repeats = UINT32_MAX;
  std::unique_ptr<BoundPattern> inner;  // relationships and predicates of one repetition
  uint32_t inner_first = 0, inner_last = 0;
  struct Group {
    Slot inner = kNoSlot, outer = kNoSlot;    // outer: the list of the inner values, one per repetition
    VariableKind kind = VariableKind::kNode;  // of the inner one
  };
  std::vector<Group> groups;
  // All relationships of all repetitions in order, as a list: what path expressions read.
  Slot relationships = kNoSlot;
};

// A path pattern with a selector over more than one relationship: of all matches of `inner`, for each input row and
// each pair of ends, those that `selector` says. The pattern that holds it has nothing else but predicates.
struct BoundPathSelection {
  PathSelector selector = PathSelector::kAll;
  uint32_t k = 1;
  Expr* count = nullptr;                 // in place of k
  Slot first = kNoSlot, last = kNoSlot;  // the ends
  Slot path = kNoSlot;                   // a derived slot of `inner` that holds the path
  std::unique_ptr<BoundPattern> inner;
};

// The graph of one MATCH: all its comma-separated paths together. No two relationships of it (single ones, those inside
// lists, those of quantified groups, bound ones as well) may be the same: the uniqueness scope is this pattern.
struct BoundPattern {
  bool repeatable = false;       // MATCH REPEATABLE ELEMENTS: no uniqueness
  std::vector<BoundNode> nodes;  // each variable once
  std::vector<BoundRelationship> relationships;
  std::vector<BoundQuantifiedPath> quantified;
  std::unique_ptr<BoundPathSelection> selection;
  // Property maps, inline WHERE, richer label expressions and the clause's WHERE, split at AND. May read derived slots.
  std::vector<BoundPredicate> predicates;
  // Computed from matched slots after matching, in order: path variables (kPath), lists of quantified groups.
  // A predicate that reads one of these slots comes after it.
  std::vector<BoundAssignment> derived;
};

// --- clauses --------------------------------------------------------------------------------------------------------

enum class ClauseKind : uint8_t {
  kMatch,
  kUnwind,
  kProjection,
  kCreate,
  kMerge,
  kSet,
  kRemove,
  kDelete,
  kForeach,
  kProcedureCall,
  kCallSubquery,
  kLoadCsv,
  kSchemaCommand,
  kShow,
};

struct BoundClause {
  ClauseKind kind;
  uint32_t offset = 0, length = 0;  // in the query text
  // Variables new with this clause. In pattern order; anonymous ones included.
  std::vector<BoundVariable> introduces;
  explicit BoundClause(ClauseKind k) : kind(k) {}
  virtual ~BoundClause() = default;
};
using BoundClauses = std::vector<std::unique_ptr<BoundClause>>;

struct BoundMatch : BoundClause {
  BoundMatch() : BoundClause(ClauseKind::kMatch) {}
  bool optional = false;  // no match: one row, introduced slots (and derived ones) null
  BoundPattern pattern;
};

struct BoundUnwind : BoundClause {
  BoundUnwind() : BoundClause(ClauseKind::kUnwind) {}
  Expr* list = nullptr;
  Slot element = kNoSlot;
};

struct BoundSortKey {
  Expr* expr = nullptr;
  bool ascending = true;
};
struct BoundColumn {
  std::string_view name;  // alias, or the text as written
  Slot slot = kNoSlot;
};

// WITH and RETURN. Steps in this order:
//   1. aggregating: group by `keys` (an expr of kSlot with the same slot: passed on), compute `aggregates` (each expr
//      is kAggregate); afterwards only these slots exist. No keys: one group, also for no rows.
//   2. `items`: evaluated on the row, then assigned.
//   3. distinct: by the slots of `columns`; afterwards only these slots exist.
//   4. sort by `order_by`: expressions over all slots that exist now (without distinct and aggregation those of the
//      input as well), 5. `skip`, `limit`, 6. `where` (WITH only).
// Afterwards only the slots of `columns` are visible.
struct BoundProjection : BoundClause {
  BoundProjection() : BoundClause(ClauseKind::kProjection) {}
  bool is_return = false;
  bool distinct = false;
  bool aggregating = false;
  std::vector<BoundAssignment> keys, aggregates;
  std::vector<BoundAssignment> items;  // columns that are not just a slot of before
  std::vector<BoundColumn> columns;    // all, in order; two may share a slot
  std::vector<BoundSortKey> order_by;
  Expr* skip = nullptr;
  Expr* limit = nullptr;
  std::vector<BoundPredicate> where;
  // Inside subqueries, aggregating or distinct: slots of the enclosing query that are read from step 4 on or by later
  // clauses, and so must survive (say by an Apply over Argument). The same value in all rows of one execution.
  std::vector<Slot> carried;
};

struct BoundCreateNode {
  Slot slot = kNoSlot;
  std::string_view name;
  std::vector<const NameRef*> labels;
  std::vector<Expr*> dynamic_labels;  // strings or lists of strings
  Expr* properties = nullptr;         // map, parameter; null pointer: none
};
struct BoundCreateRelationship {
  Slot slot = kNoSlot;
  std::string_view name;
  Slot from = kNoSlot, to = kNoSlot;  // start and end: the direction is already applied
  const NameRef* type = nullptr;
  Expr* dynamic_type = nullptr;
  Expr* properties = nullptr;
};
// Property expressions never read slots that the same pattern creates (the binder splits the clause instead).
struct BoundCreatePattern {
  std::vector<BoundCreateNode> nodes;  // in the order to make them; bound ones are not here
  std::vector<BoundCreateRelationship> relationships;
  std::vector<BoundAssignment> derived;  // path variables, after creating
};
struct BoundCreate : BoundClause {
  BoundCreate() : BoundClause(ClauseKind::kCreate) {}
  BoundCreatePattern pattern;
};

struct BoundSetItem {
  enum class Kind : uint8_t { kProperty, kDynamicProperty, kReplace, kAdd, kLabels } kind = Kind::kProperty;
  Expr* target = nullptr;              // entity
  const NameRef* key = nullptr;        // kProperty
  Expr* dynamic_key = nullptr;         // kDynamicProperty
  Expr* value = nullptr;               // kProperty..kAdd: kReplace is `=`, kAdd is `+=`
  std::vector<const NameRef*> labels;  // kLabels
  std::vector<Expr*> dynamic_labels;
};
struct BoundMerge : BoundClause {
  BoundMerge() : BoundClause(ClauseKind::kMerge) {}
  BoundPattern pattern;       // what to look for; property maps are predicates
  BoundCreatePattern create;  // what to make when there is none (derived: of the pattern alone)
  std::vector<BoundSetItem> on_create, on_match;
};
struct BoundSet : BoundClause {
  BoundSet() : BoundClause(ClauseKind::kSet) {}
  std::vector<BoundSetItem> items;  // in order, each sees what those before did
};
struct BoundRemove : BoundClause {
  BoundRemove() : BoundClause(ClauseKind::kRemove) {}
  std::vector<BoundSetItem> items;  // kProperty, kDynamicProperty, kLabels; no values
};
struct BoundDelete : BoundClause {
  BoundDelete() : BoundClause(ClauseKind::kDelete) {}
  std::vector<Expr*> targets;
  bool detach = false;
};
struct BoundForeach : BoundClause {
  BoundForeach() : BoundClause(ClauseKind::kForeach) {}
  Expr* list = nullptr;
  Slot element = kNoSlot;
  BoundClauses body;  // updating clauses; their variables end with the body
};

// What the binder must know of a procedure. The registry's own row derives from it.
struct ProcedureSignature {
  struct Field {
    std::string_view name;
    TypeSet types = kAnyType;
    std::string_view type_name;  // as shown: "INTEGER?"
    bool optional = false;       // arguments at the end only: may be left out
  };
  std::string_view name;
  std::vector<Field> args;
  std::vector<Field> columns;  // none: a procedure without result
  bool writes = false;
  virtual ~ProcedureSignature() = default;
};
// Finds procedures by name (any case); null pointer when there is none. Plans keep what they found alive.
class ProcedureLookup {
 public:
  virtual ~ProcedureLookup() = default;
  virtual std::shared_ptr<const ProcedureSignature> find_procedure(std::string_view name) const = 0;
  // A procedure of the language that is not offered yet.
  virtual bool is_planned(std::string_view) const { return false; }
  // The nearest known name, or empty; for "did you mean".
  virtual std::string nearest_procedure(std::string_view) const { return {}; }
};
// The same for functions that a program has registered; built-in ones are found before it is asked.
class FunctionLookup {
 public:
  virtual ~FunctionLookup() = default;
  virtual std::shared_ptr<const FunctionSpec> find_function(std::string_view name) const = 0;
  virtual std::string nearest_function(std::string_view) const { return {}; }
};

struct BoundProcedureCall : BoundClause {
  BoundProcedureCall() : BoundClause(ClauseKind::kProcedureCall) {}
  const ProcedureSignature* procedure = nullptr;
  std::vector<Expr*> args;  // implicit ones (standalone call without parentheses) are parameters
  struct Yield {
    uint32_t column = 0;  // of the procedure
    Slot slot = kNoSlot;
  };
  std::vector<Yield> yields;  // columns that are used. A procedure without columns passes each row on once
  bool optional = false;      // OPTIONAL CALL
  std::vector<BoundPredicate> where;
};

struct BoundCallSubquery : BoundClause {
  BoundCallSubquery();
  ~BoundCallSubquery() override;
  std::unique_ptr<BoundQuery> query;  // its output slots are visible afterwards
  bool unit = false;                  // returns nothing: rows pass on unchanged
  bool optional = false;              // OPTIONAL CALL
  bool in_transactions = false;
  Expr* batch_rows = nullptr;  // OF n ROWS; null pointer: the default
  std::vector<Slot> imports;   // outer slots it reads
};

struct BoundLoadCsv : BoundClause {
  BoundLoadCsv() : BoundClause(ClauseKind::kLoadCsv) {}
  Expr* url = nullptr;
  Slot row = kNoSlot;
  bool headers = false;
  Expr* separator = nullptr;
};

struct BoundSchemaCommand : BoundClause {
  BoundSchemaCommand() : BoundClause(ClauseKind::kSchemaCommand) {}
  enum class Action : uint8_t {
    kCreateIndex,
    kDropIndex,
    kCreateConstraint,
    kDropConstraint
  } action = Action::kCreateIndex;
  const graph::IndexDefinition* index = nullptr;            // owned by the arena
  const graph::ConstraintDefinition* constraint = nullptr;  // owned by the arena
  std::string_view name;                                    // drop
  bool if_exists_flag = false;                              // IF NOT EXISTS / IF EXISTS
};

struct BoundShow : BoundClause {
  BoundShow() : BoundClause(ClauseKind::kShow) {}
  enum class What : uint8_t { kIndexes, kConstraints, kFunctions, kProcedures } what = What::kIndexes;
  std::string_view kind_filter;  // "RANGE", "UNIQUE", ...; empty: all
  std::vector<Slot> columns;     // one per column of show_column_names(what), in that order
};
std::span<const std::string_view> show_column_names(BoundShow::What what);

// --- queries --------------------------------------------------------------------------------------------------------

// One branch of a UNION: clauses in order.
struct BoundPart {
  BoundClauses clauses;
  bool has_result = false;   // ends with RETURN (or a standalone CALL or SHOW with columns)
  std::vector<Slot> result;  // one per column of the query
};

struct BoundQuery {
  std::vector<BoundPart> parts;  // one, or the branches of a UNION
  bool union_all = false;
  std::vector<std::string_view> columns;  // none: no result
  std::vector<Slot> output;               // one part: its result; UNION: slots of its own
  std::vector<Slot> imports;              // slots of the enclosing query it reads (subqueries only); ascending
  bool writes = false;                    // updating clauses inside, nested ones included
};

// A subquery used as an expression: the planner plans `query` over an Argument and puts the plan into expr->subplan.
//   kExists: is there a row   kCount: number of rows   kCollect: list of column 0, which is expr->slot
// expr->children hold one kSlot for each of query->imports, so that passes over expressions see what is read.
struct BoundSubquery {
  Expr* expr = nullptr;
  std::unique_ptr<BoundQuery> query;
};

struct BoundStatement {
  enum class Mode : uint8_t { kRun, kExplain, kProfile } mode = Mode::kRun;
  BoundQuery query;
  std::vector<BoundSubquery> subqueries;  // of the whole statement; inner ones before those that hold them
  Slot slot_count = 0;                    // slots given out so far; the planner may go on from here
  SlotSet properties_of;                  // slots of which an expression somewhere reads a property
  std::vector<std::string> parameters;    // names used, without repeats
  bool writes = false;
  bool schema_command = false;
  bool in_transactions = false;  // has CALL { } IN TRANSACTIONS
};

// Appends the slots that `expr` reads from its row to *slots (locals of comprehensions and kLet left out), subqueries
// included; repeats possible.
void collect_slots(const Expr& expr, std::vector<Slot>* slots);

}  // namespace lora::cypher
