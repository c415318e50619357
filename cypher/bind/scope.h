// Scopes: which variable names are visible where, and which belong to an enclosing query.
//
// A QueryFrame stands for one query whose rows are its own: the statement, the body of a CALL { }, of EXISTS / COUNT /
// COLLECT, of a pattern predicate or comprehension. Looking up a variable of an outer frame records it as an import of
// every frame between.
//
// Scopes form a chain through `parent`; a name in an inner scope hides the outer one. Within a query the clauses share
// one scope until a WITH puts a new one in its place; comprehensions push small ones.
//
// Threads: values of one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cypher/bind/bound.h"

namespace lora::cypher {

struct Variable {
  std::string_view name;
  Slot slot = kNoSlot;
  VariableKind kind = VariableKind::kValue;
  TypeSet types = kAnyType;
  TypeSet elements = kAnyType;  // of lists
  bool nullable = true;
};

class Scope;

struct QueryFrame {
  QueryFrame* outer = nullptr;
  std::vector<Slot> imports;  // in the order of use, repeats kept
  bool writes = false;
  // In a CALL body columns must have names; in a nested query of any kind IN TRANSACTIONS is refused.
  bool names_required = false;
  // For hints only: scopes that a WITH left behind, and the scope around a CALL body that does not see it.
  std::vector<const Scope*> left;
  const Scope* around = nullptr;
};

class Scope {
 public:
  Scope(const Scope* parent, QueryFrame* frame, size_t size = 0) : parent_(parent), frame_(frame) {
    variables_.reserve(size);
  }

  const Scope* parent() const { return parent_; }
  QueryFrame* frame() const { return frame_; }
  // In this scope alone.
  const Variable* find_here(std::string_view name) const;
  // Adds or replaces.
  void add(const Variable& variable);
  const std::vector<Variable>& variables() const { return variables_; }

 private:
  static constexpr size_t kLinearMax = 8;  // from here on by hash

  const Scope* parent_;
  QueryFrame* frame_;
  std::vector<Variable> variables_;
  std::unordered_map<std::string_view, uint32_t> by_name_;
};

// Along the chain from `scope`; null pointer when there is none. Records the use as an import of the frames from
// `frame` outward up to the variable's own.
const Variable* find_variable(const Scope* scope, QueryFrame* frame, std::string_view name);

// `text`, for messages.
std::string quoted(std::string_view text);
// "; did you mean `name`?" for the visible name that is nearest; that properties are written `n.name` when `n` is the
// only entity; or empty.
std::string variable_hint(const Scope* scope, std::string_view name);
// The candidate that `name` was probably meant to be, without regard to case; empty when none is near.
std::string_view nearest_name(std::string_view name, const std::vector<std::string_view>& candidates);
// "; did you mean `name`?" for any list of names, or empty.
std::string nearest_hint(std::string_view name, const std::vector<std::string_view>& candidates);

}  // namespace lora::cypher
