// Lexer: query text to tokens, one linear pass.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "cypher/syntax/token.h"
#include "kv/status.h"

namespace lora::cypher {

struct Tokens {
  std::vector<Token> list;  // ends with kEnd or kError
  Status error;             // when the last token is kError
};

// Never fails as such: at a character that cannot be, the list ends with kError, so that the parser can report what
// came before it first. `text` is at most kTextMax long.
void lex(std::string_view text, Tokens& out);

// Scans one token at `at` (which is past white space and comments) into `token`; returns its end. Brackets have no
// partner. On an error the token is kError and `error` is set.
uint32_t lex_one(std::string_view text, uint32_t at, Token& token, Status& error);

// Skips white space and comments; an unclosed comment stops at its start with `error` set.
uint32_t skip_blank(std::string_view text, uint32_t at, Status& error);

// The contents of a string token or a quoted name, escapes resolved. `token_text` includes the quotes.
Status decode_string(std::string_view token_text, uint32_t offset, std::string& out);
std::string decode_quoted_name(std::string_view token_text);

// The value of an integer token. `negative`: a minus sign stands before it (so that -2^63 can be written).
Result<int64_t> decode_integer(std::string_view token_text, uint32_t offset, bool negative);
Result<double> decode_float(std::string_view token_text, uint32_t offset);

// Whether a code point may start or go on an unquoted name.
bool is_name_start(uint32_t code_point);
bool is_name_part(uint32_t code_point);

// Error text pieces.
std::string concat(std::initializer_list<std::string_view> parts);
std::string quote_for_message(std::string_view text);  // in back quotes, clipped

}  // namespace lora::cypher
