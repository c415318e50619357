// The generator of random queries, by topic: clauses in random_query.cpp, patterns in random_pattern.cpp, shortest and
// selected paths in random_path.cpp, what may fail in random_failing.cpp, expressions in random_expression.cpp, values
// of the smaller types in random_literal.cpp, clauses that write in random_write.cpp. The rules that keep answers
// independent of the order of rows are in random_query.h.
//
// Threads: a generator belongs to one.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/reference/random_query.h"

namespace lora::reference {

enum class Type {
  kInt,
  kFloat,
  kString,
  kBool,
  kDate,
  kMoment,  // a local date time
  kDuration,
  kPoint,
  kVector,  // of two coordinates, not both 0
  kAny,
  kNode,
  kRel,
  kPath,
  kInts,
  kNodes,
  kRels,
  kBag,
  kMap,  // `a` is an integer, `b` a string
};

struct Variable {
  std::string name;
  Type type;
};
using Scope = std::vector<Variable>;

inline bool is_scalar(Type t) {
  return t <= Type::kAny;
}

class Generator {
 public:
  explicit Generator(Random& random) : r_(random) {}
  std::string read();
  MatchAndPredicate partition();
  std::string write();

 private:
  // --- clauses ---
  std::string unions();
  std::string groups_of_one();
  std::string clauses(Scope* scope, size_t count);
  std::string match(Scope* scope);
  std::string optional_match(Scope* scope);
  std::string unwind(Scope* scope);
  std::string some_of(const Scope& scope, Scope* taken);
  std::string call(Scope* scope);
  std::string call_union(Scope* scope);
  std::string procedure(Scope* scope);
  std::string with(Scope* scope);
  std::string plain_items(const Scope& scope, Scope* next);
  std::string aggregating(const Scope& scope, Scope* next);
  std::string aggregate(const Scope& scope, Type type);
  std::string returns(const Scope& scope);

  // --- patterns ---
  // `scope` gets the new variables; expressions inside may use those of `before`.
  std::string patterns(Scope* scope, const Scope* before);
  std::string shortest(Scope* scope);
  // The length of a shortest path or the number of them, null from a node to itself.
  std::string shortest_length(const std::string& a, const std::string& b);
  std::string selected_way(Scope* scope, const Scope& known, bool named);
  // A path with a selector; WITH and another MATCH behind it unless what is selected is certain.
  std::string selected(Scope* scope, const Scope& known, bool whole_classes);
  std::string pattern(Scope* scope, const Scope& known);
  std::string node(Scope* scope, const Scope& known, bool reuse);
  std::string relationship(Scope* scope, const Scope& known, bool quantified = true);
  std::string group(Scope* scope, const Scope& known);
  std::string labels(uint64_t percent, bool dynamic = true);
  std::string label_expression(bool dynamic = true);
  std::string types(uint64_t percent);
  std::string property_map(const Scope& scope);

  // --- expressions ---
  // Lists in no particular order are not to be told apart.
  static bool has_bag(const Scope& scope) { return !names(scope, Type::kBag).empty(); }
  static bool has(const Scope& scope, const std::string& name);
  static std::vector<std::string> names(const Scope& scope, Type type);
  std::string fresh(const char* prefix) { return prefix + std::to_string(counter_++); }
  // A variable of the type, or nothing.
  std::string variable(const Scope& scope, Type type);
  std::string entity(const Scope& scope);
  Type any_type(const Scope& scope);
  std::string expression(const Scope& scope, Type type, int depth);
  // A scalar, an entity or a path: whatever may be counted.
  std::string anything(const Scope& scope);
  std::string any(const Scope& scope, int depth);
  std::string integer(const Scope& scope, int depth);
  std::string real(const Scope& scope, int depth);
  std::string string(const Scope& scope, int depth);
  std::string ints(const Scope& scope, int depth);
  // Temporal values, points and maps: a variable, a property, a literal, or made of others.
  std::string simple(const Scope& scope, Type type, const char* property, std::span<const std::string_view> literals);
  std::string date(const Scope& scope, int depth);
  std::string moment(const Scope& scope, int depth);
  // Times of day, what has an offset, and points on the globe.
  std::string zoned(const Scope& scope, int depth);
  std::string zoned_moment();
  std::string duration(const Scope& scope, int depth);
  std::string point(const Scope& scope);
  std::string far_distance();  // of two points of one system
  std::string vector(const Scope& scope, int depth);
  std::string vector_number(const Scope& scope, int depth);  // a distance, a norm, a similarity, a coordinate
  std::string map(const Scope& scope, int depth);
  // A list in no particular order.
  std::string bag(const Scope& scope, int depth);
  // One hop, from a known node mostly; new variables come into the scope.
  // A comprehension of patterns knows no quantifiers.
  std::string hop_pattern(Scope* scope, bool quantified = true);
  std::string patterns_inside(Scope* scope);
  // A pattern predicate binds nothing.
  std::string pattern_predicate(const Scope& scope);
  std::string subquery_body(const Scope& scope);
  std::string count_subquery(const Scope& scope) { return "COUNT { " + subquery_body(scope) + " }"; }
  std::string comparison();
  // A predicate behind WHERE: a pattern may stand for its existence there.
  std::string where(const Scope& scope, int depth);
  std::string boolean(const Scope& scope, int depth);
  std::string boolean_of(const Scope& scope, int depth);

  // --- what may fail ---
  std::string raw(const Scope& scope);
  std::string failing_number(const Scope& scope, int depth);
  std::string failing_value(const Scope& scope, int depth);
  std::string failing_condition(const std::string& value);
  std::string failing_source(Scope* scope);
  std::string failing_items(const Scope& scope);
  std::string failing_read();
  std::string failing_write();
  std::string dynamic_write(const std::string& n);
  std::string parameter_predicate(const Scope& scope, int depth);

  // --- writes ---
  static constexpr const char* kWrittenKeys[] = {"w", "i", "s", "m", "j"};
  std::string constrained_write();
  std::string update(Scope* scope, bool* deleted);
  std::string writing_call(Scope* scope, bool* deleted);
  std::string serial_call();
  std::string ordered_call();
  std::string failing_portion();
  std::string in_transactions();
  std::string new_node(Scope* scope, const Scope& known, bool name);
  std::string create(Scope* scope);
  std::string merge(Scope* scope);

  Random& r_;
  uint64_t counter_ = 0;
  std::vector<std::string> used_rels_;
  bool bare_patterns_ = false;
  bool bags_ = true;      // lists in no particular order may be made
  std::string wild_;      // a variable of which no type is known
  bool writing_ = false;  // the ids of new entities are nobody's promise
};

}  // namespace lora::reference
