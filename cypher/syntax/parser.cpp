#include "cypher/syntax/parser.h"

#include <algorithm>

#include "cypher/syntax/parser_impl.h"

namespace lora::cypher {
namespace {

// Edit distance with transpositions, capped: anything above `cap` is cap + 1.
size_t edit_distance(std::string_view a, std::string_view b, size_t cap) {
  if (a.size() > 24 || b.size() > 24) return cap + 1;
  if (a.size() > b.size() + cap || b.size() > a.size() + cap) return cap + 1;
  size_t rows[3][26];
  size_t* before = rows[0];
  size_t* last = rows[1];
  size_t* now = rows[2];
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + cost});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return std::min(last[b.size()], cap + 1);
}

std::string upper(std::string_view word) {
  std::string out(word);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return out;
}

// The one of `words` that `word` was probably meant to be; empty when none is near.
std::string_view nearest(std::string_view word, const std::string_view* words, size_t count) {
  if (word.size() < 2) return {};
  std::string wanted = upper(word);
  size_t cap = word.size() <= 4 ? 1 : 2;
  size_t best = cap + 1;
  std::string_view found;
  for (size_t i = 0; i < count; ++i) {
    size_t distance = edit_distance(wanted, words[i], cap);
    if (distance < best) {
      best = distance;
      found = words[i];
    }
  }
  return best == 0 ? std::string_view() : found;
}

constexpr std::string_view kGoOn[] = {
    "MATCH",  "OPTIONAL", "WHERE",   "RETURN", "WITH", "UNWIND",    "CREATE",    "MERGE",    "SET",  "REMOVE",
    "DELETE", "DETACH",   "FOREACH", "CALL",   "LOAD", "UNION",     "ORDER",     "LIMIT",    "SKIP", "OFFSET",
    "AS",     "AND",      "OR",      "XOR",    "IN",   "IS",        "STARTS",    "CONTAINS", "ENDS", "YIELD",
    "ASC",    "DESC",     "FINISH",  "USING",  "ON",   "ASCENDING", "DESCENDING"};

// What those who know other query languages write first.
struct Advice {
  std::string_view word;
  std::string_view text;
};
constexpr Advice kAdvice[] = {
    {"SELECT", "a query reads `MATCH (n:Label) WHERE ... RETURN ...`"},
    {"FROM", "a query reads `MATCH (n:Label) WHERE ... RETURN ...`"},
    {"JOIN", "entities are joined by patterns, as in `MATCH (a)-[:TYPE]->(b)`"},
    {"GROUP", "no GROUP BY is needed: rows are grouped by the columns without an aggregate"},
    {"HAVING", "groups are filtered by `WITH ... WHERE`"},
    {"LIKE", "text is compared by `CONTAINS`, `STARTS WITH`, `ENDS WITH` or `=~`"},
    {"ILIKE", "text is compared without regard to case by `=~`, as in `=~ '(?i)ada.*'`"},
    {"BETWEEN", "a range is written `1 <= x <= 5`"},
    {"INSERT", "data is added by CREATE or MERGE"},
    {"UPDATE", "data is changed by `MATCH ... SET`"},
    {"USE", "a database is one graph: leave USE out"},
    {"BEGIN", "a transaction is no statement: call begin(), then commit() or rollback()"},
    {"COMMIT", "a transaction is no statement: call begin(), then commit() or rollback()"},
    {"ROLLBACK", "a transaction is no statement: call begin(), then commit() or rollback()"},
};

std::string_view advice_for(std::string_view word) {
  for (const Advice& advice : kAdvice) {
    if (upper_equals(word, advice.word)) return advice.text;
  }
  return {};
}

}  // namespace

bool upper_equals(std::string_view word, std::string_view capitals) {
  if (word.size() != capitals.size()) return false;
  for (size_t i = 0; i < word.size(); ++i) {
    char c = word[i];
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    if (c != capitals[i]) return false;
  }
  return true;
}

Failed Parser::fail(std::string_view detail, std::string message, uint32_t offset) {
  if (!status_.ok()) return {};
  // An error of the lexer at or before this place comes first.
  if (at(TokenKind::kError) && offset >= t_->offset) {
    status_ = tokens_.error;
  } else {
    status_ = Status::compile_time(ErrorCode::kParse, "SyntaxError", detail, std::move(message), offset);
  }
  return {};
}

std::string Parser::found_text() const {
  if (at(TokenKind::kEnd))
    return text_.find_first_not_of(" \t\r\n") == std::string_view::npos ? "an empty query" : "the end of the query";
  if (at(TokenKind::kString)) return concat({"the string ", quote_for_message(token_text(*t_))});
  return quote_for_message(token_text(*t_));
}

// What was probably meant, for those who know other query languages.
std::string_view Parser::foreign_hint() const {
  if (at(TokenKind::kWord)) return advice_for(token_text(*t_));
  if (at(TokenKind::kAmpersand) && peek().kind == TokenKind::kAmpersand) return "conditions are joined with AND";
  const bool right_arrow =
      at(TokenKind::kMinus) && peek(peek().kind == TokenKind::kGreater ? 2 : 1).kind == TokenKind::kLeftParen;
  const bool left_arrow =
      at(TokenKind::kLess) && peek().kind == TokenKind::kMinus && peek(2).kind == TokenKind::kLeftParen;
  if ((right_arrow || left_arrow) && index() > 0 && peek(-1).kind == TokenKind::kRightParen) {
    return "a relationship is written `-->`, `--` or `-[:TYPE]->`";
  }
  if (at(TokenKind::kString) && index() > 0 && peek(-1).kind == TokenKind::kString) {
    return "a quote inside a string is written `\\'` or `\\\"`";
  }
  return {};
}

Failed Parser::fail_expected(std::string_view what, std::initializer_list<std::string_view> words) {
  return fail_expected(what, std::vector<std::string_view>(words));
}

Failed Parser::fail_expected(std::string_view what, const std::vector<std::string_view>& words) {
  if (!status_.ok()) return {};
  std::string message = concat({"expected ", what, "; found ", found_text()});
  if (const std::string_view hint = foreign_hint(); !hint.empty()) {
    message += concat({"; ", hint});
  } else if (at(TokenKind::kWord)) {
    std::string_view meant = nearest(token_text(*t_), words.data(), words.size());
    if (!meant.empty()) message += concat({"; did you mean `", meant, "`?"});
  }
  return fail_unexpected(std::move(message));
}

Failed Parser::fail_after(std::string_view what) {
  if (at(TokenKind::kSemicolon)) {
    return fail_unexpected("expected one statement; found more text after `;`; run the statements one by one");
  }
  return fail_expected(what, std::vector<std::string_view>(std::begin(kGoOn), std::end(kGoOn)));
}

Failed Parser::fail_depth() {
  if (status_.ok()) {
    status_ = Status::limit("depth", concat({"the query is nested too deeply; at most ", std::to_string(kDepthMax),
                                             " levels are allowed"}));
    status_.mutable_info().offset = t_->offset;
  }
  return {};
}

bool Parser::expect(TokenKind kind, std::string_view where) {
  if (accept(kind)) return true;
  std::string what(token_kind_text(kind));
  if (!where.empty()) what += concat({" ", where});
  return fail_expected(what);
}

bool Parser::expect(Keyword keyword) {
  if (accept(keyword)) return true;
  std::string what = concat({"`", keyword_text(keyword), "`"});
  return fail_expected(what, {keyword_text(keyword)});
}

bool Parser::expect_close(TokenKind close, uint32_t open, std::string_view or_what) {
  if (accept(close)) return true;
  if (!status_.ok()) return false;
  std::string what(token_kind_text(close));
  if (!or_what.empty()) what = concat({or_what, " or ", what});
  if (at(TokenKind::kEnd)) {
    uint32_t offset = token_at(open).offset;
    size_t line = 1 + static_cast<size_t>(std::count(text_.begin(), text_.begin() + offset, '\n'));
    size_t line_start = text_.substr(0, offset).rfind('\n');
    line_start = line_start == std::string_view::npos ? 0 : line_start + 1;
    size_t column = 1;
    for (size_t i = line_start; i < offset; ++i) {
      if ((static_cast<unsigned char>(text_[i]) & 0xC0) != 0x80) ++column;
    }
    what += concat({" for the ", token_kind_text(token_at(open).kind), " at line ", std::to_string(line), ", column ",
                    std::to_string(column)});
  }
  return fail_expected(what, std::vector<std::string_view>(std::begin(kGoOn), std::end(kGoOn)));
}

ast::Name Parser::name_of(const Token& t) {
  std::string_view text = token_text(t);
  if (t.kind == TokenKind::kQuotedName) {
    if (t.plain) {
      text = text.substr(1, text.size() - 2);
    } else {
      text = arena_.copy(decode_quoted_name(text));
    }
  }
  return {text, {t.offset, t.length()}};
}

bool Parser::parse_name(ast::Name& out, std::string_view what) {
  if (!at_name()) {
    if (at(TokenKind::kString)) {
      return fail_unexpected(concat(
          {"expected ", what, "; found ", found_text(), "; names with special characters stand in back quotes"}));
    }
    return fail_expected(what);
  }
  out = name_of(*t_);
  advance();
  return true;
}

bool Parser::parse_dotted_name(ast::Name& out, std::string_view what) {
  if (!parse_name(out, what)) return false;
  if (!at(TokenKind::kDot)) return true;
  uint32_t start = out.span.offset;
  std::string joined(out.text);
  while (accept(TokenKind::kDot)) {
    ast::Name part;
    if (!parse_name(part, what)) return false;
    joined += '.';
    joined += part.text;
  }
  out.text = arena_.copy(joined);
  out.span = span_from(start);
  return true;
}

const ast::Expr* Parser::seal(ast::Expr* e, uint32_t start, uint32_t child_height) {
  uint32_t height = child_height + 1;
  if (height > ast::kHeightMax) return fail_depth();
  e->height = static_cast<uint16_t>(height);
  e->span = span_from(start);
  deepest_ = std::max(deepest_, height);
  return e;
}

bool Parser::parse_statement(ast::Statement& out) {
  uint32_t start = t_->offset;
  // `CYPHER 5` and `CYPHER name=value` choose a dialect elsewhere; there is one here.
  if (at(Keyword::kCYPHER)) {
    advance();
    if (at(TokenKind::kInteger) || at(TokenKind::kFloat)) {
      take_for_compiler();
      advance();
    }
    while (at(TokenKind::kWord) && peek().kind == TokenKind::kEqual && is_name(peek(2))) {
      advance();
      advance();
      advance();
    }
  }
  if (at(Keyword::kEXPLAIN) || at(Keyword::kPROFILE)) {
    out.mode = at(Keyword::kEXPLAIN) ? ast::StatementMode::kExplain : ast::StatementMode::kProfile;
    advance();
  }
  bool good;
  if (at_schema_create()) {
    good = parse_schema_create(out);
  } else if (at(Keyword::kDROP)) {
    good = parse_drop(out);
  } else if (at(Keyword::kSHOW)) {
    good = parse_show(out);
  } else {
    out.kind = ast::StatementKind::kQuery;
    out.query = parse_body(BodyContext::kTop);
    good = out.query != nullptr;
  }
  if (!good) return false;
  out.span = span_from(start);
  while (at(TokenKind::kSemicolon) && (peek().kind == TokenKind::kSemicolon || peek().kind == TokenKind::kEnd))
    advance();
  if (!at(TokenKind::kEnd)) return fail_after("a clause or the end of the query");
  return true;
}

bool Parser::parse_only_type(const ast::TypeRef*& out) {
  out = parse_type_ref();
  if (out == nullptr) return false;
  if (!at(TokenKind::kEnd)) return fail_expected("the end of the type");
  return true;
}

namespace {

Result<Query> parse_text(std::string_view text, const Normalized* normalized) {
  if (text.size() > kTextMax) {
    return Status::limit("text size", concat({"the query text has ", std::to_string(text.size()), " bytes; at most ",
                                              std::to_string(kTextMax), " are allowed"}));
  }
  Query query;
  query.text = query.arena.copy(text);
  Tokens tokens;
  lex(query.text, tokens);
  Parser parser(query.text, query.arena, tokens, normalized);
  if (!parser.parse_statement(query.statement)) return parser.take_status();
  query.steps = parser.steps() + tokens.list.size();
  query.stripped_count = parser.stripped_count();
  query.key_is_exact = parser.key_is_exact();
  return query;
}

}  // namespace

Result<Query> parse(std::string_view text) {
  return parse_text(text, nullptr);
}
Result<Query> parse(std::string_view text, const Normalized& normalized) {
  return parse_text(text, &normalized);
}

Result<const ast::TypeRef*> parse_type(std::string_view text, Arena& arena) {
  if (text.size() > kTextMax) return Status::limit("text size", "the type is too long");
  std::string_view kept = arena.copy(text);
  Tokens tokens;
  lex(kept, tokens);
  Parser parser(kept, arena, tokens, nullptr);
  const ast::TypeRef* type = nullptr;
  if (!parser.parse_only_type(type)) return parser.take_status();
  return type;
}

namespace {
// Without regard to case; `wanted` in lower case.
bool same_name(std::string_view name, std::string_view wanted) {
  return name.size() == wanted.size() && std::equal(name.begin(), name.end(), wanted.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
         });
}
}  // namespace

bool takes_type_argument(std::string_view name, size_t index) {
  if (index == 2) return same_name(name, "vector");
  return needs_type_argument(name, index) || (index == 1 && same_name(name, "vector.coordinates"));
}

bool needs_type_argument(std::string_view name, size_t index) {
  return index == 1 && (same_name(name, "cast.to") || same_name(name, "cast.try") || same_name(name, "cast.can") ||
                        same_name(name, "type.is"));
}

bool takes_metric(std::string_view name) {
  return same_name(name, "vector_distance") || same_name(name, "vector.distance") || same_name(name, "vector_norm") ||
         same_name(name, "vector.norm") || same_name(name, "vector.similarity");
}

}  // namespace lora::cypher
