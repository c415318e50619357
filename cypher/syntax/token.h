// Tokens of Cypher text. 12 bytes each, so that the token array of a 16 MiB query stays affordable.
//
// Words are one kind; the parser decides from the place whether a word is a keyword or a name (Cypher reserves almost
// nothing). Brackets know their partner, which replaces back-tracking by one look.
#pragma once

#include <cstdint>
#include <string_view>

namespace lora::cypher {

enum class TokenKind : uint8_t {
  kEnd,
  kError,       // the lexer stopped here; its Status says why
  kWord,        // identifier or keyword
  kQuotedName,  // `...`
  kString,      // '...' or "..."
  kInteger,     // any base, with `_`
  kFloat,
  kParameter,  // $name, $1, $`name`
  kDollar,     // a lone $, before `(`
  kLeftParen,
  kRightParen,
  kLeftBracket,
  kRightBracket,
  kLeftBrace,
  kRightBrace,
  kComma,
  kSemicolon,
  kDot,
  kDotDot,
  kColon,
  kColonColon,
  kPipe,
  kPipePipe,
  kAmpersand,
  kExclamation,
  kPlus,
  kPlusEqual,
  kMinus,
  kStar,
  kSlash,
  kPercent,
  kCaret,
  kEqual,
  kNotEqual,  // <> and !=
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kRegexMatch,  // =~
};

// Words that mean something somewhere. The order is free; keyword_table in lexer.cpp is made from this list.
// clang-format off
#define LORA_CYPHER_KEYWORDS(X)                                                                                        \
  X(ALL)                                                                                                               \
  X(ALLSHORTESTPATHS)                                                                                                  \
  X(AND)                                                                                                               \
  X(ANY) X(ARRAY) X(AS) X(ASC) X(ASCENDING) X(ASSERT) X(BINARY) X(BOOL) X(BOOLEAN) X(BREAK) X(BTREE) X(BUILT) X(BY) X( \
      BYTES) X(CALL) X(CASE) X(CAST) X(COLLECT) X(CONCURRENT) X(CONSTRAINT) X(CONSTRAINTS) X(CONTAINS) X(CONTINUE)     \
      X(COUNT) X(CREATE) X(CSV) X(CYPHER) X(DATE) X(DATETIME) X(DEFINED) X(DELETE) X(DESC) X(DESCENDING) X(DETACH)     \
          X(DISTINCT) X(DROP) X(DURATION) X(EACH) X(EDGE) X(ELEMENTS) X(ELSE) X(END) X(ENDS) X(ERROR) X(EXECUTABLE)    \
              X(EXISTENCE) X(EXIST) X(EXISTS) X(EXPLAIN) X(FAIL) X(FALSE) X(FIELDTERMINATOR) X(FINISH) X(FLOAT)        \
                  X(FLOAT32) X(FLOAT64) X(FOR) X(FOREACH) X(FROM) X(FULLTEXT) X(FUNCTION) X(FUNCTIONS) X(GROUPS)       \
                      X(GROUP) X(HEADERS) X(IF) X(IN) X(INDEX) X(INDEXES) X(INF) X(INFINITY) X(INT) X(INT16) X(INT32)  \
                          X(INT64) X(INT8) X(INTEGER) X(INTEGER16) X(INTEGER32) X(INTEGER64) X(INTEGER8) X(IS) X(JOIN) \
                              X(KEY) X(LIMIT) X(LIST) X(LOAD) X(LOCAL) X(LOCALDATETIME) X(LOCALTIME) X(LOOKUP) X(MAP)  \
                                  X(MATCH) X(MERGE) X(NAN) X(NFC) X(NFD) X(NFKC) X(NFKD) X(NODE) X(NONE) X(NORMALIZED) \
                                      X(NOT) X(NOTHING) X(NULL) X(NUMBER) X(OF) X(OFFSET) X(ON) X(OPTIONAL) X(OPTIONS) \
                                          X(OR) X(ORDER) X(PATH) X(PATHS) X(POINT) X(PROCEDURE) X(PROCEDURES)          \
                                              X(PROFILE) X(PROPERTY) X(RANGE) X(REDUCE) X(REL) X(RELATIONSHIP)         \
                                                  X(REMOVE) X(REPEATABLE) X(REPLACE) X(REPORT) X(REQUIRE) X(RETURN)    \
                                                      X(ROW) X(ROWS) X(SCAN) X(SEEK) X(SET) X(SHORTEST)                \
                                                          X(SHORTESTPATH) X(SHOW) X(SIGNED) X(SINGLE) X(SKIP)          \
                                                              X(STARTS) X(STATUS) X(STRING) X(TEXT) X(THEN) X(TIME)    \
                                                                  X(TIMESTAMP) X(TIMEZONE) X(TRANSACTION)              \
                                                                      X(TRANSACTIONS) X(TRUE) X(TRY_CAST) X(TYPE)      \
                                                                          X(TYPED) X(UNION) X(UNIQUE) X(UNIQUENESS)    \
                                                                              X(UNWIND) X(USER) X(USING) X(VALUE)      \
                                                                                  X(VARCHAR) X(VECTOR) X(VERTEX)       \
                                                                                      X(WHEN) X(WHERE) X(WITH)         \
                                                                                          X(WITHOUT) X(XOR) X(YIELD)   \
                                                                                              X(ZONE) X(ZONED)
// clang-format on

enum class Keyword : uint8_t {
  kNone = 0,
#define X(name) k##name,
  LORA_CYPHER_KEYWORDS(X)
#undef X
      kCount,
};

// The keyword in capitals; empty for kNone.
std::string_view keyword_text(Keyword keyword);
// The keyword that `word` spells in any case, or kNone.
Keyword find_keyword(std::string_view word);

struct Token {
  uint32_t offset;
  // Brackets: index of the partner token, 0 when there is none (token 0 is never a partner of an opening bracket;
  // a closing bracket with partner 0 and none are told apart by nobody). Others: length in bytes.
  uint32_t length_or_match;
  TokenKind kind;
  Keyword keyword;  // words only
  bool plain;       // strings and quoted names: no escapes inside; numbers: decimal without `_`
  uint8_t unused;

  bool is_bracket() const { return kind >= TokenKind::kLeftParen && kind <= TokenKind::kRightBrace; }
  uint32_t length() const { return is_bracket() ? 1 : length_or_match; }
  uint32_t end() const { return offset + length(); }
};
static_assert(sizeof(Token) == 12);

// For messages: "`(`", "a string", ...
std::string_view token_kind_text(TokenKind kind);

}  // namespace lora::cypher
