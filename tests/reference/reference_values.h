// What values mean to the reference evaluator: equality, equivalence, orderability, comparability, arithmetic.
// Written anew from openCypher's definitions; calls nothing of the engine but Value's accessors.
//
// Threads: pure functions. Errors: Failure is thrown where Cypher raises a runtime error.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "cypher/syntax/ast.h"
#include "graph/value.h"

namespace lora::reference {

// A runtime error of the query.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// The reference does not know this form, or the work is beyond its budget: the query is not compared.
struct NotCompared : std::runtime_error {
  using std::runtime_error::runtime_error;
};

Ternary equal(const Value& a, const Value& b);
// Text that is the same for equivalent values (grouping, DISTINCT, UNION) and different for others.
std::string equivalence_key(const Value& v);
// ORDER BY ascending: negative, 0, positive.
int sort_order(const Value& a, const Value& b);
// `<`, `<=`, `>`, `>=`, `=`, `<>`.
Ternary compare_values(cypher::ast::CompareOp op, const Value& a, const Value& b);
Value arithmetic(cypher::ast::ChainOp op, const Value& a, const Value& b);

// Temporal values, points and vectors (reference_temporal.cpp).
bool is_special(const Value& v);
std::optional<Value> special_call(const std::string& name, const std::vector<Value>& args);  // none: another function
Value special_part(const Value& v, std::string_view key);
std::optional<int> special_order(const Value& a, const Value& b);  // of one type
std::string special_key(const Value& v);
std::optional<Value> special_arithmetic(cypher::ast::ChainOp op, const Value& a, const Value& b);
std::string special_literal(const Value& v);

// Texts (reference_text.cpp).
std::u32string code_points(std::string_view text);
std::string utf8(std::u32string_view text);
char32_t in_case(char32_t c, bool upper);
bool matches(std::string_view text, std::string_view pattern);  // as a whole

// Points (reference_spatial.cpp).
std::optional<Value> point_call(const std::string& name, const std::vector<Value>& args);  // none: another function
Value point_part(const Value& v, std::string_view key);
int point_order(const Value& a, const Value& b);
std::string point_literal(const Value& v);

// Vectors (reference_vector.cpp).
std::optional<Value> vector_call(const std::string& name, const std::vector<Value>& args);  // none: another function
int vector_order(const Value& a, const Value& b);
std::string vector_key(const Value& v);
std::string vector_literal(const Value& v);

inline Ternary negate(Ternary t) {
  return t == Ternary::kNull ? t : ternary(t == Ternary::kFalse);
}

}  // namespace lora::reference
