// Logical operators: the plan as the planner makes it, rules rewrite it, explain prints it and exec builds it.
//
// Plain structs in the PlanArena. Rows flow from inputs up. Every operator names the slots it adds; all slots of its
// inputs pass through unless it says otherwise (Aggregate, Distinct, Projection with `narrow`, Union).
// An Argument leaf of a right-hand side gives the one row of the left-hand side that is being applied.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cypher/expr/batch.h"
#include "cypher/expr/expression.h"
#include "graph/schema.h"

namespace lora::cypher {

struct ProcedureSignature;  // cypher/bind/bound.h

enum class OpKind : uint8_t {
  kArgument,      // leaf: one row (empty at the top of a plan, the outer row in an Apply or subplan)
  kAllNodesScan,  // leaf-like: for each input row all nodes
  kLabelScan,
  kNodeByIdSeek,
  kIndexSeek,  // equality on all `values`
  kIndexRangeScan,
  kRelationshipScan,  // all relationships of a type with their ends
  kRelationshipByIdSeek,
  kExpand,
  kVarExpand,
  kShortestPath,
  kPathSelection,
  kFilter,
  kProjection,
  kAggregate,
  kDistinct,
  kSort,  // with limit: top k
  kSkip,
  kLimit,
  kUnwind,
  kEager,
  kApply,      // for each row of left: rows of right; `optional`: one row with nulls when right has none
  kSemiApply,  // keeps rows of left for which right has a row (anti: has none)
  kHashJoin,
  kUnion,
  kCreate,
  kMerge,
  kSetProperties,
  kRemove,
  kDelete,
  kForeach,
  kProcedureCall,
  kLoadCsv,
  kCallSubquery,  // CALL { } : unit subqueries and IN TRANSACTIONS; returning ones too
  kSchemaCommand,
  kShow,
  kProduceResults,  // top of every plan with or without columns
  kCountStore,      // leaf: one row with a number from the exact counters (rule: count_store)
  kRepeat,          // quantified group of several relationships
  kDegree,          // per row: how many relationships of a node fit, without expanding (rule: count_by_degree)
  kIntersect,       // nodes that are neighbours of two bound nodes (rule: intersect_hops)
};

struct LogicalOp {
  OpKind kind;
  uint32_t id = 0;  // 0-based in pre-order, set at the end of planning
  double estimated_rows = 1;
  std::span<LogicalOp* const> inputs;  // 0, 1 or 2 (left, right)
  std::string_view details;            // for explain: "n:Person", "(a)-[r:KNOWS]->(b)"
  std::span<const Slot> live;          // slots that operators above still read; empty span with live_known = false: all
  bool live_known = false;
  explicit LogicalOp(OpKind k) : kind(k) {}
};

// Relationship types of a pattern: names of an OR; empty: any. Unresolvable (unknown) names match nothing.
struct TypeSelection {
  std::span<const NameRef* const> names;
};

// What a filter above a scan will ask of `key`: the scan may leave out nodes that cannot fit. Cannot fail, and reads
// nothing of the node. Null: nothing is asked.
struct ScanHint {
  const NameRef* key = nullptr;
  const Expr* value = nullptr;
};

struct AllNodesScan : LogicalOp {
  AllNodesScan() : LogicalOp(OpKind::kAllNodesScan) {}
  Slot node = kNoSlot;
  ScanHint hint;
};
struct LabelScan : LogicalOp {
  LabelScan() : LogicalOp(OpKind::kLabelScan) {}
  Slot node = kNoSlot;
  const NameRef* label = nullptr;
  ScanHint hint;
};
struct NodeByIdSeek : LogicalOp {  // id(n) = expr, or id(n) IN expr (a list)
  NodeByIdSeek() : LogicalOp(OpKind::kNodeByIdSeek) {}
  Slot node = kNoSlot;
  const Expr* id = nullptr;
  bool many = false;
};
struct IndexSeek : LogicalOp {
  IndexSeek() : LogicalOp(OpKind::kIndexSeek) {}
  Slot node = kNoSlot;  // or relationship, by the index's entity kind
  IndexId index;
  std::span<const Expr* const> values;  // one per indexed key
  bool many = false;                    // values[0] is a list: seek each distinct element (one-key index)
  // relationship indexes: ends are filled as well
  Slot from = kNoSlot, to = kNoSlot;
};
struct IndexRangeScan : LogicalOp {
  IndexRangeScan() : LogicalOp(OpKind::kIndexRangeScan) {}
  Slot node = kNoSlot;
  IndexId index;
  const Expr* lower = nullptr;
  const Expr* upper = nullptr;
  bool lower_inclusive = false, upper_inclusive = false;
  const Expr* prefix = nullptr;  // STARTS WITH
};
struct RelationshipScan : LogicalOp {
  RelationshipScan() : LogicalOp(OpKind::kRelationshipScan) {}
  Slot relationship = kNoSlot, from = kNoSlot, to = kNoSlot;
  TypeSelection types;
  bool both_directions = false;  // undirected pattern: each relationship twice, a self loop once
};
struct RelationshipByIdSeek : LogicalOp {
  RelationshipByIdSeek() : LogicalOp(OpKind::kRelationshipByIdSeek) {}
  Slot relationship = kNoSlot, from = kNoSlot, to = kNoSlot;
  const Expr* id = nullptr;
  bool many = false;
  bool both_directions = false;
};
struct Expand : LogicalOp {
  Expand() : LogicalOp(OpKind::kExpand) {}
  Slot from = kNoSlot, relationship = kNoSlot, to = kNoSlot;  // relationship kNoSlot: not needed
  Direction direction = Direction::kOut;                      // as seen from `from`; kBoth: a self loop once
  TypeSelection types;
  bool into = false;                  // `to` is bound already: only relationships between the two
  bool relationship_bound = false;    // `relationship` is bound already: check it is one of these
  const NameRef* to_label = nullptr;  // cheap label test while expanding (not with into)
  std::span<const Slot> differ_from;  // relationship slots (single or list) of the same MATCH it must differ from
};
struct VarExpand : LogicalOp {
  VarExpand() : LogicalOp(OpKind::kVarExpand) {}
  Slot from = kNoSlot, relationships = kNoSlot, to = kNoSlot;  // relationships: list value, in order from `from`
  Direction direction = Direction::kOut;
  TypeSelection types;
  uint32_t min_hops = 1, max_hops = UINT32_MAX;
  bool into = false;
  bool relationships_bound = false;     // the list variable is bound already: follow it
  const Expr* hop_predicate = nullptr;  // over hop_relationship / hop_from / hop_to (slots set per hop)
  Slot hop_relationship = kNoSlot, hop_from = kNoSlot, hop_to = kNoSlot;
  std::span<const Slot> differ_from;
  bool distinct_ends = false;  // only the set of end nodes matters: breadth-first, valid for min <= 1
  bool reversed_list = false;  // planner walks from the pattern's right end: give the list reversed
};
struct Assignment {
  Slot slot = kNoSlot;
  const Expr* expr = nullptr;
};
struct ShortestPath : LogicalOp {  // both ends bound
  ShortestPath() : LogicalOp(OpKind::kShortestPath) {}
  Slot from = kNoSlot, to = kNoSlot, relationships = kNoSlot, path = kNoSlot;
  Direction direction = Direction::kOut;
  TypeSelection types;
  uint32_t min_hops = 1, max_hops = UINT32_MAX;
  bool all = false;  // all paths of the k smallest lengths; false: k shortest paths
  uint32_t k = 1;
  const Expr* count = nullptr;  // in place of k: a number that is known when the query runs
  bool ends_differ = false;     // equal ends are an error
  // Only paths that fulfil all of these count. They may read `relationships` and the slots of `derived`, which are
  // computed in order for each path; none of these slots but `relationships` and `path` is in the output.
  std::span<const Assignment> derived;
  std::span<const Expr* const> conditions;
  const Expr* hop_predicate = nullptr;
  Slot hop_relationship = kNoSlot, hop_from = kNoSlot, hop_to = kNoSlot;
};
// Of the input's rows, for each pair of ends, those with the shortest paths. Reads all input first.
struct PathSelection : LogicalOp {
  PathSelection() : LogicalOp(OpKind::kPathSelection) {}
  Slot first = kNoSlot, last = kNoSlot, path = kNoSlot;
  bool groups = false;  // all paths of the k smallest lengths; false: k shortest paths
  uint32_t k = 1;
  const Expr* count = nullptr;  // in place of k
};
struct Filter : LogicalOp {
  Filter() : LogicalOp(OpKind::kFilter) {}
  std::span<const Expr* const> predicates;  // all must be true; cheap ones first
};
struct Projection : LogicalOp {
  Projection() : LogicalOp(OpKind::kProjection) {}
  std::span<const Assignment> items;  // all evaluated on the input row, then assigned
};
struct Aggregate : LogicalOp {  // output slots: keys and aggregates only
  Aggregate() : LogicalOp(OpKind::kAggregate) {}
  std::span<const Assignment> keys;
  std::span<const Assignment> aggregates;  // each expr is a kAggregate
};
struct Distinct : LogicalOp {
  Distinct() : LogicalOp(OpKind::kDistinct) {}
  std::span<const Slot> slots;
};
struct SortKey {
  const Expr* expr = nullptr;
  bool ascending = true;
};
struct Sort : LogicalOp {
  Sort() : LogicalOp(OpKind::kSort) {}
  std::span<const SortKey> keys;
  const Expr* skip = nullptr;  // with limit: keeps skip + limit rows (Skip/Limit stay above)
  const Expr* limit = nullptr;
};
struct Skip : LogicalOp {
  Skip() : LogicalOp(OpKind::kSkip) {}
  const Expr* count = nullptr;  // evaluated once; not a non-negative integer: TCK errors
};
struct Limit : LogicalOp {
  Limit() : LogicalOp(OpKind::kLimit) {}
  const Expr* count = nullptr;
};
struct Unwind : LogicalOp {
  Unwind() : LogicalOp(OpKind::kUnwind) {}
  const Expr* list = nullptr;  // range(...) streams; null: no rows; a non-list: one row
  Slot element = kNoSlot;
};
struct Eager : LogicalOp {  // reads all input before giving the first row
  Eager() : LogicalOp(OpKind::kEager) {}
};
struct Apply : LogicalOp {
  Apply() : LogicalOp(OpKind::kApply) {}
  bool optional = false;
  std::span<const Slot> nulls;  // optional: slots set to null when right has no row
};
struct SemiApply : LogicalOp {
  SemiApply() : LogicalOp(OpKind::kSemiApply) {}
  bool anti = false;
};
struct HashJoin : LogicalOp {  // inputs independent of each other; right is the build side
  HashJoin() : LogicalOp(OpKind::kHashJoin) {}
  std::span<const Expr* const> left_keys, right_keys;  // none: cartesian product. Null keys never match
};
struct Union : LogicalOp {
  Union() : LogicalOp(OpKind::kUnion) {}
  std::span<const Slot> left, right, output;
  bool all = false;  // false: DISTINCT is done by a Distinct above
};

struct CreateNode {
  Slot slot = kNoSlot;
  std::span<const NameRef* const> labels;
  std::span<const Expr* const> dynamic_labels;  // strings or lists of strings
  const Expr* properties = nullptr;             // map, or null pointer
};
struct CreateRelationship {
  Slot slot = kNoSlot, from = kNoSlot, to = kNoSlot;
  const NameRef* type = nullptr;
  const Expr* dynamic_type = nullptr;
  const Expr* properties = nullptr;
};
struct CreatePattern {
  std::span<const CreateNode> nodes;  // in the order to make them
  std::span<const CreateRelationship> relationships;
};
struct Create : LogicalOp {
  Create() : LogicalOp(OpKind::kCreate) {}
  CreatePattern pattern;
};
struct SetItem {
  enum class Kind : uint8_t { kProperty, kDynamicProperty, kReplace, kAdd, kLabels } kind = Kind::kProperty;
  const Expr* target = nullptr;            // entity
  const NameRef* key = nullptr;            // kProperty
  const Expr* dynamic_key = nullptr;       // kDynamicProperty
  const Expr* value = nullptr;             // kProperty..kAdd: kReplace is `=`, kAdd is `+=`; map or entity
  std::span<const NameRef* const> labels;  // kLabels
  std::span<const Expr* const> dynamic_labels;
};
struct SetProperties : LogicalOp {
  SetProperties() : LogicalOp(OpKind::kSetProperties) {}
  std::span<const SetItem> items;
};
struct Remove : LogicalOp {  // same items: kProperty, kDynamicProperty (value unused), kLabels
  Remove() : LogicalOp(OpKind::kRemove) {}
  std::span<const SetItem> items;
};
struct Delete : LogicalOp {
  Delete() : LogicalOp(OpKind::kDelete) {}
  std::span<const Expr* const> targets;  // nodes, relationships, paths (lists of them: TypeError as TCK)
  bool detach = false;
};
struct Merge : LogicalOp {  // inputs: left rows, right = match plan over Argument
  Merge() : LogicalOp(OpKind::kMerge) {}
  CreatePattern pattern;  // made when the right side has no row; null properties: error
  std::span<const SetItem> on_create, on_match;
};
struct Foreach : LogicalOp {  // inputs: left rows, right = body over Argument; left rows pass on
  Foreach() : LogicalOp(OpKind::kForeach) {}
  const Expr* list = nullptr;
  Slot element = kNoSlot;
};
struct ProcedureCall : LogicalOp {
  ProcedureCall() : LogicalOp(OpKind::kProcedureCall) {}
  const ProcedureSignature* procedure = nullptr;  // the registry's row derives from it
  std::span<const Expr* const> args;
  struct Yield {
    uint32_t column = 0;  // of the procedure
    Slot slot = kNoSlot;
  };
  std::span<const Yield> yields;
  bool unit = false;  // no columns: left rows pass on once each
  bool writes = false;
};
struct LoadCsv : LogicalOp {
  LoadCsv() : LogicalOp(OpKind::kLoadCsv) {}
  const Expr* url = nullptr;
  Slot row = kNoSlot;
  bool headers = false;
  const Expr* separator = nullptr;
};
struct CallSubquery : LogicalOp {  // inputs: left, right over Argument
  CallSubquery() : LogicalOp(OpKind::kCallSubquery) {}
  bool unit = false;  // body returns nothing: left rows pass on unchanged
  // Of a unit body: no step reads or overwrites what another one writes, so that many rows may go through it together,
  // step by step, to the same effect (of two errors another one may come first). Found by insert_barriers().
  bool rows_independent = false;
  bool in_transactions = false;
  const Expr* batch_rows = nullptr;  // OF n ROWS; default 1000
};
struct SchemaCommand : LogicalOp {
  SchemaCommand() : LogicalOp(OpKind::kSchemaCommand) {}
  enum class Action : uint8_t {
    kCreateIndex,
    kDropIndex,
    kCreateConstraint,
    kDropConstraint
  } action = Action::kCreateIndex;
  const graph::IndexDefinition* index = nullptr;  // owned by the arena
  const graph::ConstraintDefinition* constraint = nullptr;
  std::string_view name;        // drop
  bool if_exists_flag = false;  // IF NOT EXISTS / IF EXISTS
};
struct Show : LogicalOp {  // rows of a catalog listing; columns in the order of show_columns()
  Show() : LogicalOp(OpKind::kShow) {}
  enum class What : uint8_t { kIndexes, kConstraints, kFunctions, kProcedures } what = What::kIndexes;
  std::string_view kind_filter;   // "RANGE", "UNIQUE", ...; empty: all
  std::span<const Slot> columns;  // one slot per column
};
struct ProduceResults : LogicalOp {
  ProduceResults() : LogicalOp(OpKind::kProduceResults) {}
  std::span<const std::string_view> names;
  std::span<const Slot> slots;  // none: a statement without RETURN; it is run to its end, no rows
};
// ((x)-[r]->(y)<-[s]-(z) WHERE ...){min,max}: right = one repetition over an Argument that has the left row's slots and
// `inner_from`, the node where it starts; it gives `inner_to`, where the next one starts. No relationship occurs twice.
struct Repeat : LogicalOp {
  Repeat() : LogicalOp(OpKind::kRepeat) {}
  Slot from = kNoSlot, to = kNoSlot;
  bool into = false;  // `to` is bound: only repetitions that end there
  uint32_t min_repeats = 1, max_repeats = UINT32_MAX;
  Slot inner_from = kNoSlot, inner_to = kNoSlot;
  std::span<const Slot> inner_relationships;  // single ones or lists, in the order of the pattern as written
  Slot relationships = kNoSlot;               // list: all of all repetitions, in the order of the pattern as written
  struct Group {
    Slot inner = kNoSlot, outer = kNoSlot;  // outer: list of the inner values, one per repetition
  };
  std::span<const Group> groups;
  std::span<const Slot> differ_from;
  bool reversed = false;  // walked from the pattern's right end: lists are given reversed
};
// Leaf: one row, `count` = nodes (with `label`) or relationships (of any of `types`, whose start (kOut) or end (kIn)
// node has `label`; kBoth only without a label: each relationship counts twice, a self loop once, so it is never
// planned).
struct CountStore : LogicalOp {
  CountStore() : LogicalOp(OpKind::kCountStore) {}
  Slot count = kNoSlot;
  bool relationships = false;
  const NameRef* label = nullptr;         // null: any
  TypeSelection types;                    // relationships only; empty: any
  Direction direction = Direction::kOut;  // which end has the label
};
// Adds `degree`: the number of relationships of `from` in `direction` (kOut or kIn, never kBoth) of these types, those
// in `differ_from` (single relationship slots) left out. A null `from` gives 0.
struct Degree : LogicalOp {
  Degree() : LogicalOp(OpKind::kDegree) {}
  Slot from = kNoSlot, degree = kNoSlot;
  Direction direction = Direction::kOut;
  TypeSelection types;
  const NameRef* to_label = nullptr;  // only relationships whose other end carries it
  bool loops = false;                 // only self loops; never with differ_from
  std::span<const Slot> differ_from;
  // As many as differ_from: the node at that end (kOut: start, kIn: end) of each relationship, kNoSlot when not known.
  // A relationship whose end is another node than `from` needs no look.
  std::span<const Slot> differ_ends;
};
// Expand(All) from `from` to `to`, then Expand(Into) between `to` and `other`, in one: adds the nodes `to` that are
// neighbours of both, once per pair of relationships, and these. `from` and `other` may be the same node.
struct Intersect : LogicalOp {
  Intersect() : LogicalOp(OpKind::kIntersect) {}
  Slot from = kNoSlot, to = kNoSlot, other = kNoSlot;
  struct Side {
    Slot relationship = kNoSlot;  // kNoSlot: not needed
    Direction direction = Direction::kOut;
    TypeSelection types;
    std::span<const Slot> differ_from;
  };
  Side first;           // as seen from `from`
  Side second;          // as seen from `other`; never with first.relationship in differ_from, but:
  bool differ = false;  // the two relationships must differ
  const NameRef* to_label = nullptr;
};

// A finished plan: immutable, shared by executions.
struct LogicalPlan {
  PlanArena arena;
  LogicalOp* root = nullptr;
  uint32_t slot_count = 0;
  uint32_t op_count = 0;
  size_t depth = 0;           // see plan_depth()
  bool has_subplans = false;  // in expressions
  bool calls = false;         // functions, casts or procedures, some of which ask for the time or for chance
  bool writes = false;        // needs a write transaction
  bool schema_command = false;
  bool in_transactions = false;  // CALL { } IN TRANSACTIONS: manages its own transactions
  std::vector<std::string> columns;
  enum class Mode : uint8_t { kRun, kExplain, kProfile } mode = Mode::kRun;
  // What operators ask of each other at most; smaller than usual only in differential tests.
  size_t batch_rows_max = kBatchRowsMax;
  uint64_t schema_version = 0;
  uint64_t statistics_epoch = 0;
  uint64_t extensions_version = 0;           // of what the program has registered; set by who calls the binder
  std::vector<std::string> parameters;       // names used, for ParameterMissing before anything runs
  std::vector<std::string_view> slot_names;  // by slot, for explain; empty: anonymous. May be shorter than slot_count
};

// The static column names of SHOW listings.
std::span<const std::string_view> show_columns(Show::What what);

}  // namespace lora::cypher
