#include "cypher/syntax/lexer.h"

#include <utf8proc.h>

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "cypher/syntax/lexer_inline.h"
#include "cypher/syntax/parser.h"

namespace lora::cypher {
namespace {

using namespace detail;

unsigned char at_or_zero(std::string_view text, size_t i) {
  return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
}
bool is_digit(unsigned char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(unsigned char c) {
  return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}
int hex_value(unsigned char c) {
  return is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

// One code point at `at`; length 0 when the bytes are not UTF-8.
int decode_utf8(std::string_view text, size_t at, uint32_t& code_point) {
  utf8proc_int32_t c = -1;
  utf8proc_ssize_t n = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at,
                                        static_cast<utf8proc_ssize_t>(text.size() - at), &c);
  if (n <= 0 || c < 0) return 0;
  code_point = static_cast<uint32_t>(c);
  return static_cast<int>(n);
}

bool is_unicode_blank(uint32_t c) {
  if (c == 0x85 || c == 0xFEFF || c == 0x180E) return true;
  auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

Status lex_error(std::string_view detail, std::string message, uint32_t offset) {
  return Status::compile_time(ErrorCode::kParse, "SyntaxError", detail, std::move(message), offset);
}

Status not_utf8(uint32_t offset) {
  return lex_error("InvalidUnicodeCharacter", "the query text is not valid UTF-8 here", offset);
}

uint32_t stop(Token& token, Status& error, uint32_t at, Status status) {
  token.kind = TokenKind::kError;
  token.length_or_match = 0;
  error = std::move(status);
  return at;
}

// The end of the name that starts (or goes on) at `at`; `ascii`: it has no other characters.
uint32_t scan_name(std::string_view text, uint32_t at, bool& ascii) {
  size_t i = scan_ascii_name(text.data(), at, text.size());
  ascii = true;
  while (i < text.size() && kCharClasses[static_cast<unsigned char>(text[i])] == kHigh) {
    uint32_t code_point;
    int n = decode_utf8(text, i, code_point);
    if (n == 0 || !is_name_part(code_point)) break;
    ascii = false;
    i = scan_ascii_name(text.data(), i + static_cast<size_t>(n), text.size());
  }
  return static_cast<uint32_t>(i);
}

// Digits with single `_` between them. Returns the end; `clean` false when a `_` was seen.
size_t scan_digits(std::string_view text, size_t i, bool& clean) {
  while (true) {
    unsigned char c = at_or_zero(text, i);
    if (is_digit(c)) {
      ++i;
    } else if (c == '_' && i > 0 && is_digit(static_cast<unsigned char>(text[i - 1])) &&
               is_digit(at_or_zero(text, i + 1))) {
      clean = false;
      ++i;
    } else {
      return i;
    }
  }
}

uint32_t scan_number(std::string_view text, uint32_t at, Token& token, Status& error) {
  size_t i = at;
  bool is_float = false;
  bool clean = true;
  unsigned char second = at_or_zero(text, i + 1) | 0x20;
  if (text[i] == '0' && (second == 'x' || second == 'o') && kCharClasses[at_or_zero(text, i + 1)] == kNameStart) {
    clean = false;
    i += 2;
    size_t start = i;
    auto is_wanted = [&](unsigned char c) { return second == 'x' ? is_hex(c) : (c >= '0' && c <= '7'); };
    while (is_wanted(at_or_zero(text, i)) ||
           (at_or_zero(text, i) == '_' && i > start && is_wanted(at_or_zero(text, i + 1)))) {
      ++i;
    }
    unsigned char next = at_or_zero(text, i);
    if (i == start || kCharClasses[next] == kNameStart || kCharClasses[next] == kDigit) {
      bool ascii;
      uint32_t end = scan_name(text, at, ascii);
      return stop(token, error, at,
                  lex_error("InvalidNumberLiteral",
                            concat({"invalid number ", quote_for_message(text.substr(at, end - at)),
                                    (second == 'x' ? "; a hexadecimal number is `0x` and digits 0-9, a-f"
                                                   : "; an octal number is `0o` and digits 0-7")}),
                            at));
    }
  } else {
    i = scan_digits(text, i, clean);
    if (at_or_zero(text, i) == '.' && is_digit(at_or_zero(text, i + 1))) {
      is_float = true;
      i = scan_digits(text, i + 1, clean);
    }
    unsigned char c = at_or_zero(text, i);
    if (c == 'e' || c == 'E') {
      size_t j = i + 1;
      unsigned char sign = at_or_zero(text, j);
      if (sign == '+' || sign == '-') ++j;
      if (is_digit(at_or_zero(text, j))) {
        is_float = true;
        i = scan_digits(text, j, clean);
      }
    }
    unsigned char next = at_or_zero(text, i);
    if (kCharClasses[next] == kNameStart) {
      bool ascii;
      uint32_t end = scan_name(text, static_cast<uint32_t>(i), ascii);
      return stop(token, error, at,
                  lex_error("InvalidNumberLiteral",
                            concat({"invalid number ", quote_for_message(text.substr(at, end - at)),
                                    "; a name cannot start with a digit unless it stands in back quotes"}),
                            at));
    }
  }
  token.kind = is_float ? TokenKind::kFloat : TokenKind::kInteger;
  token.length_or_match = static_cast<uint32_t>(i - at);
  token.plain = clean;
  return static_cast<uint32_t>(i);
}

uint32_t scan_quoted(std::string_view text, uint32_t at, Token& token, Status& error) {
  char quote = text[at];
  token.kind = quote == '`' ? TokenKind::kQuotedName : TokenKind::kString;
  token.plain = true;
  size_t i = at + 1;
  const char* p = text.data();
  size_t n = text.size();
  bool ascii = true;
  while (true) {
    if (i >= n) {
      const char* what = quote == '`' ? "the quoted name" : "the string";
      return stop(token, error, at,
                  lex_error("UnexpectedSyntax",
                            concat({what, " is not closed; add a ",
                                    (quote == '\''  ? "`'`"
                                     : quote == '"' ? "`\"`"
                                                    : "back quote")}),
                            at));
    }
    char c = p[i];
    if (c == quote) {
      if (quote == '`' && i + 1 < n && p[i + 1] == '`') {
        token.plain = false;
        i += 2;
        continue;
      }
      ++i;
      break;
    }
    if (c == '\\' && quote != '`') {
      token.plain = false;
      i += 2;
      continue;
    }
    ascii &= static_cast<unsigned char>(c) < 0x80;
    ++i;
  }
  if (!ascii) {
    for (size_t k = at; k < i;) {
      uint32_t code_point;
      int length = static_cast<unsigned char>(p[k]) < 0x80 ? 1 : decode_utf8(text.substr(0, i), k, code_point);
      if (length == 0) return stop(token, error, at, not_utf8(static_cast<uint32_t>(k)));
      k += static_cast<size_t>(length);
    }
  }
  token.length_or_match = static_cast<uint32_t>(i - at);
  return static_cast<uint32_t>(i);
}

}  // namespace

bool is_name_start(uint32_t c) {
  if (c < 0x80) return kCharClasses[c] == kNameStart;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_SC: return true;
    default: return false;
  }
}

bool is_name_part(uint32_t c) {
  if (c < 0x80) return kCharClasses[c] == kNameStart || kCharClasses[c] == kDigit;
  if (is_name_start(c)) return true;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND: return true;
    default: return c == 0x200C || c == 0x200D;  // joiners inside words of some scripts
  }
}

std::string_view keyword_text(Keyword keyword) {
  return kKeywordTexts[static_cast<size_t>(keyword)];
}

Keyword find_keyword(std::string_view word) {
  return lookup_keyword(word.data(), word.size());
}

std::string_view token_kind_text(TokenKind kind) {
  switch (kind) {
    case TokenKind::kEnd: return "the end of the query";
    case TokenKind::kError: return "an invalid character";
    case TokenKind::kWord:
    case TokenKind::kQuotedName: return "a name";
    case TokenKind::kString: return "a string";
    case TokenKind::kInteger: return "an integer";
    case TokenKind::kFloat: return "a number";
    case TokenKind::kParameter: return "a parameter";
    case TokenKind::kDollar: return "`$`";
    case TokenKind::kLeftParen: return "`(`";
    case TokenKind::kRightParen: return "`)`";
    case TokenKind::kLeftBracket: return "`[`";
    case TokenKind::kRightBracket: return "`]`";
    case TokenKind::kLeftBrace: return "`{`";
    case TokenKind::kRightBrace: return "`}`";
    case TokenKind::kComma: return "`,`";
    case TokenKind::kSemicolon: return "`;`";
    case TokenKind::kDot: return "`.`";
    case TokenKind::kDotDot: return "`..`";
    case TokenKind::kColon: return "`:`";
    case TokenKind::kColonColon: return "`::`";
    case TokenKind::kPipe: return "`|`";
    case TokenKind::kPipePipe: return "`||`";
    case TokenKind::kAmpersand: return "`&`";
    case TokenKind::kExclamation: return "`!`";
    case TokenKind::kPlus: return "`+`";
    case TokenKind::kPlusEqual: return "`+=`";
    case TokenKind::kMinus: return "`-`";
    case TokenKind::kStar: return "`*`";
    case TokenKind::kSlash: return "`/`";
    case TokenKind::kPercent: return "`%`";
    case TokenKind::kCaret: return "`^`";
    case TokenKind::kEqual: return "`=`";
    case TokenKind::kNotEqual: return "`<>`";
    case TokenKind::kLess: return "`<`";
    case TokenKind::kLessEqual: return "`<=`";
    case TokenKind::kGreater: return "`>`";
    case TokenKind::kGreaterEqual: return "`>=`";
    case TokenKind::kRegexMatch: return "`=~`";
  }
  return "a token";
}

std::string concat(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (std::string_view part : parts) out += part;
  return out;
}

std::string quote_for_message(std::string_view text) {
  constexpr size_t kShown = 40;
  std::string out = "`";
  if (text.size() <= kShown) {
    out += text;
  } else {
    size_t cut = kShown;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
    out += text.substr(0, cut);
    out += "...";
  }
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 32) c = ' ';
  }
  out += '`';
  return out;
}

uint32_t skip_blank(std::string_view text, uint32_t at, Status& error) {
  size_t i = at;
  size_t n = text.size();
  while (i < n) {
    auto c = static_cast<unsigned char>(text[i]);
    if (kCharClasses[c] == kBlank) {
      ++i;
    } else if (c == '/' && i + 1 < n && text[i + 1] == '/') {
      const void* line_end = std::memchr(text.data() + i, '\n', n - i);
      i = line_end == nullptr ? n : static_cast<size_t>(static_cast<const char*>(line_end) - text.data()) + 1;
    } else if (c == '/' && i + 1 < n && text[i + 1] == '*') {
      size_t close = text.find("*/", i + 2);
      if (close == std::string_view::npos) {
        error = lex_error("UnexpectedSyntax", "the comment is not closed; add `*/`", static_cast<uint32_t>(i));
        return static_cast<uint32_t>(i);
      }
      i = close + 2;
    } else if (kCharClasses[c] == kHigh) {
      uint32_t code_point;
      int length = decode_utf8(text, i, code_point);
      if (length == 0 || !is_unicode_blank(code_point)) break;
      i += static_cast<size_t>(length);
    } else {
      break;
    }
  }
  return static_cast<uint32_t>(i);
}

uint32_t lex_one(std::string_view text, uint32_t at, Token& token, Status& error) {
  token = Token{at, 0, TokenKind::kEnd, Keyword::kNone, false, 0};
  if (at >= text.size()) return at;
  auto c = static_cast<unsigned char>(text[at]);
  switch (kCharClasses[c]) {
    case kNameStart: {
      bool ascii;
      uint32_t end = scan_name(text, at, ascii);
      token.kind = TokenKind::kWord;
      token.length_or_match = end - at;
      if (ascii) token.keyword = lookup_keyword(text.data() + at, end - at);
      return end;
    }
    case kDigit: return scan_number(text, at, token, error);
    case kQuote:
    case kBackQuote: return scan_quoted(text, at, token, error);
    case kPunctuation: {
      unsigned char next = at_or_zero(text, at + 1);
      if (c == '.' && is_digit(next)) return scan_number(text, at, token, error);
      if (c == '$') {
        if (next == '`') {
          uint32_t end = scan_quoted(text, at + 1, token, error);
          if (token.kind == TokenKind::kError) return end;
          token.kind = TokenKind::kParameter;
          token.length_or_match = end - at;
          return end;
        }
        bool ascii;
        uint32_t end = scan_name(text, at + 1, ascii);
        token.kind = end == at + 1 ? TokenKind::kDollar : TokenKind::kParameter;
        token.length_or_match = end - at;
        token.plain = true;
        return end;
      }
      Punctuation p = scan_punctuation(c, next);
      if (p.kind == TokenKind::kError) break;
      token.kind = p.kind;
      token.length_or_match = p.kind >= TokenKind::kLeftParen && p.kind <= TokenKind::kRightBrace ? 0 : p.length;
      return at + p.length;
    }
    case kHigh: {
      uint32_t code_point;
      int length = decode_utf8(text, at, code_point);
      if (length == 0) {
        return stop(token, error, at, not_utf8(at));
      }
      if (is_name_start(code_point)) {
        bool ascii;
        uint32_t end = scan_name(text, at, ascii);
        token.kind = TokenKind::kWord;
        token.length_or_match = end - at;
        return end;
      }
      std::string message =
          concat({"unexpected character ", quote_for_message(text.substr(at, static_cast<size_t>(length)))});
      switch (code_point) {
        case 0x2013:
        case 0x2014:
        case 0x2212: message += "; did you mean `-`?"; break;
        case 0x2018:
        case 0x2019: message += "; did you mean `'`?"; break;
        case 0x201C:
        case 0x201D: message += "; did you mean `\"`?"; break;
        default: break;
      }
      return stop(token, error, at, lex_error("InvalidUnicodeCharacter", std::move(message), at));
    }
    default: break;
  }
  std::string shown;
  if (c < 32 || c == 127) {
    char buffer[16];
    std::snprintf(buffer, sizeof buffer, "`\\u%04X`", c);
    shown = buffer;
  } else {
    shown = concat({"`", text.substr(at, 1), "`"});
  }
  return stop(token, error, at, lex_error("UnexpectedSyntax", concat({"unexpected character ", shown}), at));
}

void lex(std::string_view text, Tokens& out) {
  out.list.clear();
  out.error = Status();
  out.list.reserve(text.size() / 4 + 8);
  std::vector<uint32_t> open;
  size_t at = 0;
  while (true) {
    Token token;
    if (pass_blank(text, &at)) {
      at = skip_blank(text, static_cast<uint32_t>(at), out.error);
      if (!out.error.ok()) {
        token = Token{static_cast<uint32_t>(at), 0, TokenKind::kError, Keyword::kNone, false, 0};
        out.list.push_back(token);
        return;
      }
    }
    const size_t end = at < text.size() ? scan_common(text.data(), at, text.size(), token) : 0;
    at = end != 0 ? end : lex_one(text, static_cast<uint32_t>(at), token, out.error);
    auto index = static_cast<uint32_t>(out.list.size());
    switch (token.kind) {
      case TokenKind::kLeftParen:
      case TokenKind::kLeftBracket:
      case TokenKind::kLeftBrace:
        // Deeper than the parser goes: partners stay unknown, the parser reports the depth (or an error before it).
        if (open.size() < 2 * kDepthMax) open.push_back(index);
        break;
      case TokenKind::kRightParen:
      case TokenKind::kRightBracket:
      case TokenKind::kRightBrace:
        if (!open.empty() && static_cast<int>(out.list[open.back()].kind) + 1 == static_cast<int>(token.kind)) {
          out.list[open.back()].length_or_match = index;
          token.length_or_match = open.back();
          open.pop_back();
        }
        break;
      default: break;
    }
    out.list.push_back(token);
    if (token.kind == TokenKind::kEnd || token.kind == TokenKind::kError) return;
  }
}

Status decode_string(std::string_view token_text, uint32_t offset, std::string& out) {
  out.clear();
  std::string_view body = token_text.substr(1, token_text.size() - 2);
  size_t i = 0;
  auto place = [&](size_t at) { return static_cast<uint32_t>(offset + 1 + at); };
  auto append_code_point = [&](uint32_t c) {
    utf8proc_uint8_t buffer[4];
    auto n = utf8proc_encode_char(static_cast<utf8proc_int32_t>(c), buffer);
    out.append(reinterpret_cast<char*>(buffer), static_cast<size_t>(n));
  };
  auto read_hex = [&](size_t at, size_t digits, uint32_t& value) {
    value = 0;
    for (size_t k = 0; k < digits; ++k) {
      unsigned char c = at_or_zero(body, at + k);
      if (!is_hex(c)) return false;
      value = value * 16 + static_cast<uint32_t>(hex_value(c));
    }
    return true;
  };
  while (i < body.size()) {
    size_t plain_end = body.find('\\', i);
    if (plain_end == std::string_view::npos) plain_end = body.size();
    out.append(body.substr(i, plain_end - i));
    i = plain_end;
    if (i >= body.size()) break;
    unsigned char c = at_or_zero(body, i + 1);
    size_t start = i;
    i += 2;
    switch (c) {
      case '\\': out += '\\'; break;
      case '\'': out += '\''; break;
      case '"': out += '"'; break;
      case '`': out += '`'; break;
      case '/': out += '/'; break;
      case '0': out += '\0'; break;
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      case 't': out += '\t'; break;
      case 'u':
      case 'U': {
        size_t digits = c == 'u' ? 4 : 8;
        uint32_t value;
        bool good = read_hex(i, digits, value);
        if (good) i += digits;
        if (good && c == 'u' && value >= 0xD800 && value < 0xDC00) {
          uint32_t low;
          good = at_or_zero(body, i) == '\\' && at_or_zero(body, i + 1) == 'u' && read_hex(i + 2, 4, low) &&
                 low >= 0xDC00 && low < 0xE000;
          if (good) {
            value = 0x10000 + ((value - 0xD800) << 10) + (low - 0xDC00);
            i += 6;
          }
        } else if (good) {
          good = value <= 0x10FFFF && !(value >= 0xD800 && value < 0xE000);
        }
        if (!good) {
          size_t shown = start + 2;
          while (shown < body.size() && shown < start + 2 + digits && is_hex(at_or_zero(body, shown))) ++shown;
          if (shown < body.size() && shown < start + 2 + digits && at_or_zero(body, shown) < 0x80) ++shown;
          return lex_error("InvalidUnicodeLiteral",
                           concat({"invalid escape ", quote_for_message(body.substr(start, shown - start)),
                                   "; write `\\u` with 4 or `\\U` with 8 hexadecimal digits of a Unicode character"}),
                           place(start));
        }
        append_code_point(value);
        break;
      }
      default:
        return lex_error("UnexpectedSyntax",
                         concat({"invalid escape ", quote_for_message(body.substr(start, 2)),
                                 " in a string; write `\\\\` for a backslash"}),
                         place(start));
    }
  }
  return Status();
}

std::string decode_quoted_name(std::string_view token_text) {
  std::string out;
  std::string_view body = token_text.substr(1, token_text.size() - 2);
  for (size_t i = 0; i < body.size(); ++i) {
    out += body[i];
    if (body[i] == '`') ++i;
  }
  return out;
}

Result<int64_t> decode_integer(std::string_view token_text, uint32_t offset, bool negative) {
  uint64_t base = 10;
  size_t i = 0;
  if (token_text.size() > 2 && token_text[0] == '0') {
    char c = static_cast<char>(token_text[1] | 0x20);
    if (c == 'x') base = 16;
    if (c == 'o') base = 8;
    if (base != 10) i = 2;
  }
  uint64_t value = 0;
  bool overflow = false;
  for (; i < token_text.size(); ++i) {
    auto c = static_cast<unsigned char>(token_text[i]);
    if (c == '_') continue;
    auto digit = static_cast<uint64_t>(hex_value(c));
    if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value)) {
      overflow = true;
      break;
    }
  }
  uint64_t limit = static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) + (negative ? 1 : 0);
  if (overflow || value > limit) {
    std::string shown = concat({(negative ? "-" : ""), token_text});
    return lex_error("IntegerOverflow",
                     concat({"integer ", quote_for_message(shown), " is out of range; integers have 64 bits"}), offset);
  }
  return static_cast<int64_t>(negative ? 0 - value : value);
}

Result<double> decode_float(std::string_view token_text, uint32_t offset) {
  std::string buffer;
  if (token_text.find('_') != std::string_view::npos) {
    for (char c : token_text) {
      if (c != '_') buffer += c;
    }
    token_text = buffer;
  }
  double value = 0;
  auto [end, code] = std::from_chars(token_text.data(), token_text.data() + token_text.size(), value);
  if (code == std::errc::result_out_of_range) {
    // Too small is zero (or the nearest denormal); too large is an error. Only strtod tells which.
    std::string text(token_text);
    value = std::strtod(text.c_str(), nullptr);
    if (std::isinf(value)) {
      return lex_error("FloatingPointOverflow",
                       concat({"number ", quote_for_message(text), " is too large for a float"}), offset);
    }
  }
  return value;
}

}  // namespace lora::cypher
