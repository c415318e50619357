// Syntax trees back to text, in one canonical form: capitals for keywords, single blanks, parentheses only where
// needed. parse(print(parse(q))) has the same tree as parse(q). Used by tests and for the details of plans.
//
// Stripped literals print as `$autoint_0`, `$autostring_1` and so on.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "cypher/syntax/ast.h"

namespace lora::cypher {

std::string print(const Query& query);
std::string print(const ast::QueryBody& body);
std::string print(const ast::Clause& clause);
std::string print(const ast::PathPattern& path);
std::string print(const ast::LabelExpr& labels);
std::string print(const ast::Expr& expr);
std::string print(const ast::TypeRef& type);

// `name`, or `` `my name` `` where it is no plain identifier. `keyword_matters`: also where it would read as a keyword.
void print_name(std::string_view name, std::string& out, bool keyword_matters = false);
// 'it\'s'
void print_string(std::string_view text, std::string& out);
// The shortest text that reads back as this float, always with `.` or an exponent; `INF`, `-INF`, `NaN`.
void print_float(double value, std::string& out);

}  // namespace lora::cypher
