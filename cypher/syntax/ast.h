// The syntax tree of one Cypher statement, as the parser leaves it: names are text, nothing is resolved.
//
// Memory: every node and every string lives in the arena of the Query that owns it; nodes are plain, trivially
// destructible structs and immutable after parsing. Pointers and views stay valid as long as the Query (also when it is
// moved). A null pointer means "not written" and is said so at each field that can be null.
//
// Shape: chains of one precedence level (`a AND b AND ...`, `1 + 2 - 3`, `a < b <= c`) are one node with many operands.
// Every other nesting is bounded: Expr::height is at most kHeightMax, so a walk may recurse (one level a node) without
// a check of its own where its frames are small; larger frames should look at stack_low() (stack_guard.h).
//
// Positions: Span counts bytes in Query::text.
//
// Threads: immutable; share freely.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "cypher/syntax/arena.h"

namespace lora::cypher::ast {

inline constexpr uint32_t kHeightMax = 1000;

struct Span {
  uint32_t offset = 0;
  uint32_t length = 0;
  uint32_t end() const { return offset + length; }
};

// A list in the arena.
template <typename T>
using List = std::span<const T>;

// An identifier, decoded (back quotes removed). False when not written.
struct Name {
  std::string_view text;
  Span span;
  explicit operator bool() const { return span.length != 0; }
};

struct Expr;
struct LabelExpr;
struct PathPattern;
struct QueryBody;
struct Clause;
struct TypeRef;

// ---------------------------------------------------------------------------------------------------------------------
// Expressions. Kinds and structs correspond one to one: `as<Chain>(expr)` (checked in debug builds),
// `find<Chain>(expr)`.

enum class ExprKind : uint8_t {
  kLiteral,
  kStrippedLiteral,
  kParameter,
  kVariable,
  kList,
  kMap,
  kMapProjection,
  kProperty,
  kIndex,
  kSlice,
  kChain,
  kComparison,
  kPredicate,
  kUnary,
  kNullTest,
  kNormalizedTest,
  kTypeTest,
  kLabelTest,
  kCast,
  kTypeLiteral,
  kFunctionCall,
  kCountStar,
  kCase,
  kListComprehension,
  kPatternComprehension,
  kQuantifier,
  kReduce,
  kPatternPredicate,
  kSubquery,
};

struct Expr {
  ExprKind kind;
  bool parenthesized = false;  // written in parentheses (span is without them)
  uint16_t height = 1;         // levels of this tree, subqueries included
  Span span;
};

enum class LiteralKind : uint8_t { kNull, kBoolean, kInteger, kFloat, kString };

// A sign directly before a number belongs to the literal (`-1`, `-9223372036854775808`).
struct Literal : Expr {
  static constexpr ExprKind kKind = ExprKind::kLiteral;
  LiteralKind literal;
  bool boolean = false;
  // `INF`, `INFINITY`, `NAN` written as a bare word: `text` holds the word, and a variable of that name in scope wins.
  bool word = false;
  int64_t integer = 0;
  double floating = 0;
  std::string_view text;  // kString: decoded
};

// A literal that the plan-cache key leaves open (normalize.h): value number `index` of the execution. Its class is part
// of the key and thus known: kBoolean, kInteger, kFloat or kString, never negative.
struct StrippedLiteral : Expr {
  static constexpr ExprKind kKind = ExprKind::kStrippedLiteral;
  LiteralKind literal;
  uint32_t index;
};

struct Parameter : Expr {  // $name, $`name`, $1
  static constexpr ExprKind kKind = ExprKind::kParameter;
  std::string_view name;
};

struct Variable : Expr {
  static constexpr ExprKind kKind = ExprKind::kVariable;
  std::string_view name;
  bool quoted;  // written in back quotes
};

struct ListLiteral : Expr {
  static constexpr ExprKind kKind = ExprKind::kList;
  List<const Expr*> items;
};

struct MapEntry {
  Name key;
  const Expr* value;
};
struct MapLiteral : Expr {
  static constexpr ExprKind kKind = ExprKind::kMap;
  List<MapEntry> entries;  // as written, duplicates included
};

enum class ProjectionEntryKind : uint8_t {
  kProperty,       // .name        -> name
  kAllProperties,  // .*
  kEntry,          // name: value
  kVariable,       // name         -> name: name
};
struct MapProjectionEntry {
  ProjectionEntryKind kind;
  Name name;          // not for kAllProperties
  const Expr* value;  // kEntry only, else null
};
struct MapProjection : Expr {  // base {.a, .*, k: v, x}
  static constexpr ExprKind kKind = ExprKind::kMapProjection;
  const Expr* base;  // a Variable
  List<MapProjectionEntry> entries;
};

struct Property : Expr {  // base.key
  static constexpr ExprKind kKind = ExprKind::kProperty;
  const Expr* base;
  Name key;
};
struct Index : Expr {  // base[index]: list item, or property by name
  static constexpr ExprKind kKind = ExprKind::kIndex;
  const Expr* base;
  const Expr* index;
};
struct Slice : Expr {  // base[from..to]
  static constexpr ExprKind kKind = ExprKind::kSlice;
  const Expr* base;
  const Expr* from;  // may be null
  const Expr* to;    // may be null
};

// Left-associative chain: operands.size() == ops.size() + 1, at least two operands. All operators are of one level:
// kOr | kXor | kAnd | {kAdd, kSubtract, kConcat} | {kMultiply, kDivide, kModulo} | kPower.
enum class ChainOp : uint8_t {
  kOr,
  kXor,
  kAnd,
  kAdd,
  kSubtract,
  kConcat,  // ||
  kMultiply,
  kDivide,
  kModulo,
  kPower,
};
struct Chain : Expr {
  static constexpr ExprKind kKind = ExprKind::kChain;
  List<const Expr*> operands;
  List<ChainOp> ops;
};

// a < b <= c means a < b AND b <= c (b evaluated once). `!=` is kNotEqual too.
enum class CompareOp : uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };
struct Comparison : Expr {
  static constexpr ExprKind kKind = ExprKind::kComparison;
  List<const Expr*> operands;
  List<CompareOp> ops;
};

enum class PredicateOp : uint8_t { kIn, kStartsWith, kEndsWith, kContains, kRegex };
struct Predicate : Expr {
  static constexpr ExprKind kKind = ExprKind::kPredicate;
  PredicateOp op;
  const Expr* left;
  const Expr* right;
};

enum class UnaryOp : uint8_t { kNot, kPlus, kMinus };
struct Unary : Expr {
  static constexpr ExprKind kKind = ExprKind::kUnary;
  UnaryOp op;
  const Expr* operand;
};

struct NullTest : Expr {  // IS NULL, IS NOT NULL
  static constexpr ExprKind kKind = ExprKind::kNullTest;
  const Expr* operand;
  bool negated;
};

enum class NormalForm : uint8_t { kNfc, kNfd, kNfkc, kNfkd };
struct NormalizedTest : Expr {  // IS [NOT] [NFC | NFD | NFKC | NFKD] NORMALIZED
  static constexpr ExprKind kKind = ExprKind::kNormalizedTest;
  const Expr* operand;
  NormalForm form;
  bool negated;
};

struct TypeTest : Expr {  // IS [NOT] :: T, IS [NOT] TYPED T
  static constexpr ExprKind kKind = ExprKind::kTypeTest;
  const Expr* operand;
  const TypeRef* type;
  bool negated;
};

struct LabelTest : Expr {  // n:A&!B, r:KNOWS
  static constexpr ExprKind kKind = ExprKind::kLabelTest;
  const Expr* operand;
  const LabelExpr* labels;
};

enum class CastForm : uint8_t { kCast, kTryCast, kColons };
struct Cast : Expr {  // CAST(x AS T), TRY_CAST(x AS T), x::T (binds like a property access; same as CAST)
  static constexpr ExprKind kKind = ExprKind::kCast;
  CastForm form;
  const Expr* operand;
  const TypeRef* type;
};

// A type as an argument: cast.to(x, LIST<INTEGER>), vector(xs, 3, FLOAT32). Only where the function takes a type
// (takes_type_argument() in parser.h); elsewhere a single word is a Variable.
struct TypeLiteral : Expr {
  static constexpr ExprKind kKind = ExprKind::kTypeLiteral;
  const TypeRef* type;
};

struct FunctionCall : Expr {  // also exists(n.p), point({...}), shortestPath is a PatternPredicate
  static constexpr ExprKind kKind = ExprKind::kFunctionCall;
  Name name;  // with its namespaces, joined by `.`: "duration.between"; as written in case
  bool distinct;
  List<const Expr*> args;
};
struct CountStar : Expr {  // count(*)
  static constexpr ExprKind kKind = ExprKind::kCountStar;
};

// `CASE WHEN c THEN r ... END` (subject null), or `CASE s WHEN a, b THEN r ... END`.
enum class CaseTestKind : uint8_t {
  kValue,    // generic form: a condition; simple form: s = value
  kPartial,  // simple form: `> 3`, `IS NULL`, `STARTS WITH 'a'`: `expr` is the whole test; its leftmost operand is the
             // node Case::subject itself (the same pointer)
};
struct CaseTest {
  CaseTestKind kind;
  const Expr* expr;
};
struct CaseBranch {
  List<CaseTest> tests;  // at least one; any of them selects the branch
  const Expr* result;
};
struct Case : Expr {
  static constexpr ExprKind kKind = ExprKind::kCase;
  const Expr* subject;  // may be null
  List<CaseBranch> branches;
  const Expr* otherwise;  // may be null
};

struct ListComprehension : Expr {  // [variable IN list WHERE where | result]
  static constexpr ExprKind kKind = ExprKind::kListComprehension;
  Name variable;
  const Expr* list;
  const Expr* where;   // may be null
  const Expr* result;  // may be null
};
struct PatternComprehension : Expr {  // [path = pattern WHERE where | result]; the path variable is in the pattern
  static constexpr ExprKind kKind = ExprKind::kPatternComprehension;
  const PathPattern* pattern;
  const Expr* where;  // may be null
  const Expr* result;
};
enum class QuantifierKind : uint8_t { kAll, kAny, kNone, kSingle };
struct Quantifier : Expr {  // all(variable IN list WHERE where)
  static constexpr ExprKind kKind = ExprKind::kQuantifier;
  QuantifierKind quantifier;
  Name variable;
  const Expr* list;
  const Expr* where;
};
struct Reduce : Expr {  // reduce(accumulator = init, variable IN list | step)
  static constexpr ExprKind kKind = ExprKind::kReduce;
  Name accumulator;
  const Expr* init;
  Name variable;
  const Expr* list;
  const Expr* step;
};

// A path pattern as an expression: `(a)-->(b)` (true when it exists; as an argument of exists() or size() too), or
// shortestPath((a)-[*]-(b)) and allShortestPaths(...) (pattern->shortest), which give a path or a list of paths.
struct PatternPredicate : Expr {
  static constexpr ExprKind kKind = ExprKind::kPatternPredicate;
  const PathPattern* pattern;
};

enum class SubqueryKind : uint8_t { kExists, kCount, kCollect };
struct Subquery : Expr {  // EXISTS { ... }, COUNT { ... }, COLLECT { ... }
  static constexpr ExprKind kKind = ExprKind::kSubquery;
  SubqueryKind subquery;
  // A bare pattern `{ (a)-->(b) WHERE ... }` is a body of one Match clause without a Return.
  const QueryBody* body;
};

// ---------------------------------------------------------------------------------------------------------------------
// Types: `IS :: LIST<STRING NOT NULL> | INTEGER`, `VECTOR<FLOAT32>(3)`.

enum class TypeName : uint8_t {
  kAny,
  kNothing,
  kNull,
  kBoolean,
  kInteger,
  kFloat,
  kNumber,  // INTEGER | FLOAT
  kString,
  kDate,
  kLocalTime,
  kZonedTime,
  kLocalDateTime,
  kZonedDateTime,
  kDuration,
  kPoint,
  kVector,
  kBinary,
  kNode,
  kRelationship,
  kMap,
  kPath,
  kList,
  kPropertyValue,
  // Coordinate types, in VECTOR<...> and as a type argument.
  kFloat64,
  kFloat32,
  kInteger64,
  kInteger32,
  kInteger16,
  kInteger8,
  kUnion,
};
struct TypeRef {
  Span span;
  TypeName name;
  bool not_null = false;
  const TypeRef* element = nullptr;  // LIST<element>, VECTOR<element>; null when not given
  int64_t dimension = -1;            // VECTOR(n); -1: not given
  List<const TypeRef*> members;      // kUnion: at least two
};

// ---------------------------------------------------------------------------------------------------------------------
// Patterns.

enum class LabelExprKind : uint8_t {
  kName,
  kDynamic,   // $(expr), $any(expr), $all(expr)
  kWildcard,  // %
  kNot,       // !x: one part
  kAnd,       // a & b; also a:b (colons)
  kOr,        // a | b
};
struct LabelExpr {
  Span span;
  LabelExprKind kind;
  // kAnd: written with colons (`:A:B`). kOr: written `|:` as in `[:A|:B]` at least once.
  bool colons = false;
  bool any = false;              // kDynamic: $any(...)
  Name name;                     // kName
  const Expr* expr = nullptr;    // kDynamic: string or list of strings
  List<const LabelExpr*> parts;  // kNot: 1; kAnd, kOr: 2 or more
};

// Bounds of a variable-length relationship (`*`, `*2`, `*1..3`, `*..5`) or a quantifier (`+`, `*`, `{2}`, `{1,3}`,
// `{,4}`). -1: not given. `+` is min 1; the quantifier `*` is min 0; `{n}` has min == max; `*n` too.
struct Repeat {
  Span span;
  int64_t min = -1;
  int64_t max = -1;
};

enum class ElementKind : uint8_t { kNode, kRelationship, kGroup };
struct PatternElement {
  ElementKind kind;
  Span span;
};
struct NodePattern : PatternElement {
  static constexpr ElementKind kKind = ElementKind::kNode;
  Name variable;            // may be absent
  const LabelExpr* labels;  // may be null
  const Expr* properties;   // MapLiteral or Parameter; may be null
  const Expr* where;        // may be null
};
enum class Direction : uint8_t { kOut, kIn, kBoth };  // -->, <--, -- and <-->
struct RelationshipPattern : PatternElement {
  static constexpr ElementKind kKind = ElementKind::kRelationship;
  Direction direction;
  bool both_arrows;  // kBoth written `<-->`: an error in CREATE and MERGE as `--` is
  Name variable;
  // May be null. In CREATE and MERGE it is a name or a dynamic label, or null if there is a variable: the binder then
  // reports VariableAlreadyBound or NoSingleRelationshipType.
  const LabelExpr* types;
  const Expr* properties;    // MapLiteral or Parameter; may be null
  const Expr* where;         // may be null
  const Repeat* length;      // `[*1..3]`: the variable is a list of relationships; may be null
  const Repeat* quantifier;  // `-[r]->{1,3}`, `-->+`; may be null. At most one of the two.
};
// ((a)-[r]->(b) WHERE ...){1,3}, or the same without a quantifier (just parentheses).
struct GroupPattern : PatternElement {
  static constexpr ElementKind kKind = ElementKind::kGroup;
  const PathPattern* pattern;  // may carry a path variable
  const Expr* where;           // may be null
  const Repeat* quantifier;    // may be null
};

enum class PathSelector : uint8_t {
  kNone,
  kAll,             // ALL [PATHS]
  kAny,             // ANY [k] [PATHS]
  kAnyShortest,     // ANY SHORTEST (k == 1)
  kAllShortest,     // ALL SHORTEST
  kShortest,        // SHORTEST [k] [PATHS]
  kShortestGroups,  // SHORTEST [k] GROUPS
};
enum class ShortestFunction : uint8_t { kNone, kShortestPath, kAllShortestPaths };

struct PathPattern {
  Span span;
  Name variable;  // p = ...
  PathSelector selector = PathSelector::kNone;
  // SHORTEST k, ANY k: an integer Literal or a Parameter; null: 1.
  const Expr* selector_count = nullptr;
  // The whole pattern is the argument of shortestPath() or allShortestPaths().
  ShortestFunction shortest = ShortestFunction::kNone;
  // As written, left to right: nodes and relationships alternate, but a group may stand next to a node or another group
  // and relationships only stand between nodes. Starts and ends with a node or a group. At least one.
  List<const PatternElement*> elements;
};

// ---------------------------------------------------------------------------------------------------------------------
// Clauses.

enum class ClauseKind : uint8_t {
  kMatch,
  kUnwind,
  kWith,
  kReturn,
  kCreate,
  kMerge,
  kSet,
  kRemove,
  kDelete,
  kForeach,
  kCallProcedure,
  kCallSubquery,
  kLoadCsv,
  kFinish,
};
struct Clause {
  ClauseKind kind;
  Span span;
};

enum class HintKind : uint8_t { kIndex, kScan, kJoin };
struct Hint {  // USING [RANGE | TEXT | POINT] INDEX [SEEK] v:L(p), USING SCAN v:L, USING JOIN ON v, w
  Span span;
  HintKind kind;
  List<Name> variables;
  Name label;
  List<Name> properties;
};

struct Match : Clause {
  static constexpr ClauseKind kKind = ClauseKind::kMatch;
  bool optional;
  bool repeatable_elements;  // MATCH REPEATABLE ELEMENTS: a relationship may occur more than once
  List<const PathPattern*> patterns;
  List<Hint> hints;
  const Expr* where;  // may be null
};

struct Unwind : Clause {
  static constexpr ClauseKind kKind = ClauseKind::kUnwind;
  const Expr* list;
  Name variable;
};

struct ProjectionItem {
  Span span;  // with the alias
  const Expr* expr;
  Name alias;             // may be absent
  std::string_view text;  // the expression exactly as written, trimmed: the column name without an alias
};
struct SortItem {
  Span span;
  const Expr* expr;
  bool descending;
};
struct Projection : Clause {  // WITH and RETURN (kind tells which); YIELD ... RETURN of SHOW too
  static constexpr ClauseKind kKind = ClauseKind::kReturn;
  bool distinct;
  bool star;  // `*`, before the items
  List<ProjectionItem> items;
  List<SortItem> order_by;
  const Expr* skip;   // may be null (OFFSET is the same)
  const Expr* limit;  // may be null
  const Expr* where;  // WITH only; may be null
};

struct Create : Clause {
  static constexpr ClauseKind kKind = ClauseKind::kCreate;
  List<const PathPattern*> patterns;
};

enum class SetKind : uint8_t {
  kProperty,  // target.key = value, target[expr] = value: `target` is a Property or an Index
  kReplace,   // target = map: `target` is a Variable
  kMerge,     // target += map: `target` is a Variable
  kLabels,    // target:A:B: `target` is a Variable
};
struct SetItem {
  Span span;
  SetKind kind;
  const Expr* target;
  const Expr* value;        // null for kLabels
  const LabelExpr* labels;  // kLabels only: a name, a dynamic label or a kAnd of those
};
struct Set : Clause {
  static constexpr ClauseKind kKind = ClauseKind::kSet;
  List<SetItem> items;
};

struct RemoveItem {
  Span span;
  const Expr* target;       // Property or Index; with labels: a Variable
  const LabelExpr* labels;  // null: a property
};
struct Remove : Clause {
  static constexpr ClauseKind kKind = ClauseKind::kRemove;
  List<RemoveItem> items;
};

struct MergeAction {
  Span span;
  bool on_create;  // else ON MATCH
  List<SetItem> items;
};
struct Merge : Clause {
  static constexpr ClauseKind kKind = ClauseKind::kMerge;
  const PathPattern* pattern;
  List<MergeAction> actions;
};

struct Delete : Clause {
  static constexpr ClauseKind kKind = ClauseKind::kDelete;
  bool detach;
  List<const Expr*> targets;
};

struct Foreach : Clause {
  static constexpr ClauseKind kKind = ClauseKind::kForeach;
  Name variable;
  const Expr* list;
  List<const Clause*> body;  // updating clauses only, at least one
};

struct YieldItem {
  Span span;
  Name field;
  Name alias;  // may be absent
};
struct CallProcedure : Clause {
  static constexpr ClauseKind kKind = ClauseKind::kCallProcedure;
  bool optional;
  Name name;  // namespaces joined by `.`
  // `CALL p` without parentheses: arguments are taken from the parameters of that name (a standalone call only).
  bool has_arguments;
  List<const Expr*> args;
  bool standalone;  // the only clause of the statement
  bool has_yield;   // also for `YIELD -`, which has no items
  bool yield_star;  // YIELD * (a standalone call only)
  List<YieldItem> yields;
  const Expr* where;  // YIELD ... WHERE; may be null
};

enum class OnError : uint8_t { kFail, kContinue, kBreak };
struct InTransactions {
  Span span;
  bool concurrent;
  const Expr* concurrency;  // IN n CONCURRENT TRANSACTIONS; may be null
  const Expr* batch_rows;   // OF n ROWS; null: the default
  OnError on_error;
  Name status_variable;  // REPORT STATUS AS s; may be absent
};
struct CallSubquery : Clause {
  static constexpr ClauseKind kKind = ClauseKind::kCallSubquery;
  bool optional;
  bool has_scope;  // CALL (x, y) { } or CALL (*) { }; without: an importing WITH may start each part of the body
  bool scope_star;
  List<Name> scope;
  const QueryBody* body;
  const InTransactions* in_transactions;  // may be null
};

struct LoadCsv : Clause {
  static constexpr ClauseKind kKind = ClauseKind::kLoadCsv;
  bool with_headers;
  const Expr* url;
  Name variable;
  const Expr* field_terminator;  // a string Literal; may be null
};

struct Finish : Clause {
  static constexpr ClauseKind kKind = ClauseKind::kFinish;
};

struct SingleQuery {
  Span span;
  List<const Clause*> clauses;  // at least one
};
// Parts joined by UNION or UNION ALL; never mixed.
struct QueryBody {
  Span span;
  List<const SingleQuery*> parts;  // at least one
  bool union_all;                  // with two or more parts
};

// ---------------------------------------------------------------------------------------------------------------------
// Schema commands and SHOW.

enum class IndexKind : uint8_t { kRange, kText, kPoint, kLookup, kVector, kFulltext };
struct CreateIndex {
  IndexKind kind;
  Name name;                   // may be absent
  const Expr* name_parameter;  // CREATE INDEX $name; may be null
  bool if_not_exists;
  bool or_replace;
  bool on_relationships;
  Name variable;
  List<Name> labels_or_types;  // one; FULLTEXT: one or more; LOOKUP: none
  List<Name> properties;       // LOOKUP: none
  const Expr* options;         // MapLiteral or Parameter; may be null
};

enum class ConstraintKind : uint8_t {
  kUnique,
  kNotNull,
  kKey,  // NODE KEY, RELATIONSHIP KEY
  kType,
};
struct CreateConstraint {
  ConstraintKind kind;
  Name name;
  const Expr* name_parameter;
  bool if_not_exists;
  bool or_replace;
  bool on_relationships;
  Name variable;
  Name label_or_type;
  List<Name> properties;
  const TypeRef* type;  // kType only
  const Expr* options;  // may be null
};

struct DropSchema {  // DROP INDEX name, DROP CONSTRAINT name
  Name name;
  const Expr* name_parameter;  // may be null
  bool if_exists;
};

enum class ShowKind : uint8_t { kIndexes, kConstraints, kFunctions, kProcedures };
struct Show {
  ShowKind kind;
  // kIndexes: "ALL", "RANGE", "TEXT", "POINT", "LOOKUP", "VECTOR", "FULLTEXT".
  // kConstraints: "ALL", "UNIQUE", "NODE UNIQUE", "RELATIONSHIP UNIQUE", "EXISTENCE", "NODE EXISTENCE",
  //   "RELATIONSHIP EXISTENCE", "KEY", "NODE KEY", "RELATIONSHIP KEY", "PROPERTY TYPE", "NODE PROPERTY TYPE",
  //   "RELATIONSHIP PROPERTY TYPE".
  // kFunctions: "ALL", "BUILT IN", "USER DEFINED". kProcedures: "ALL".
  std::string_view filter;
  bool has_yield;
  bool yield_star;
  List<YieldItem> yields;
  List<SortItem> order_by;  // of YIELD
  const Expr* skip;
  const Expr* limit;
  const Expr* where;      // may stand without YIELD
  const Projection* ret;  // RETURN; only with YIELD; may be null
};

// ---------------------------------------------------------------------------------------------------------------------

enum class StatementKind : uint8_t {
  kQuery,
  kCreateIndex,
  kCreateConstraint,
  kDropIndex,
  kDropConstraint,
  kShow,
};
enum class StatementMode : uint8_t { kNormal, kExplain, kProfile };

struct Statement {
  StatementKind kind = StatementKind::kQuery;
  StatementMode mode = StatementMode::kNormal;
  Span span;
  // The one that `kind` names is set, the others are null.
  const QueryBody* query = nullptr;
  const CreateIndex* create_index = nullptr;
  const CreateConstraint* create_constraint = nullptr;
  const DropSchema* drop = nullptr;  // kDropIndex, kDropConstraint
  const Show* show = nullptr;
};

template <typename T>
const T& as(const Expr& e) {
  return static_cast<const T&>(e);
}
template <typename T>
const T* find(const Expr* e) {
  return e != nullptr && e->kind == T::kKind ? static_cast<const T*>(e) : nullptr;
}
template <typename T>
const T& as(const PatternElement& e) {
  return static_cast<const T&>(e);
}
template <typename T>
const T* find(const PatternElement* e) {
  return e != nullptr && e->kind == T::kKind ? static_cast<const T*>(e) : nullptr;
}
// A With is a Projection of kind kWith: use as<Projection>.
template <typename T>
const T& as(const Clause& c) {
  return static_cast<const T&>(c);
}

}  // namespace lora::cypher::ast

namespace lora::cypher {

// A parsed statement with everything it points to. Movable; pointers into it survive the move.
struct Query {
  Arena arena;
  std::string_view text;  // the whole query text, in the arena
  ast::Statement statement;
  uint32_t stripped_count = 0;  // StrippedLiterals are numbered 0 .. stripped_count - 1
  // False: the text was parsed with stripped literals, but one of them is needed at compile time, so the plan must not
  // be kept under the stripped key.
  bool key_is_exact = true;
  uint64_t steps = 0;  // work of the parser; grows linearly with the text (for tests)
};

}  // namespace lora::cypher
