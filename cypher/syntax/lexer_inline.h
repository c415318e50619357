// The inner loops of the lexer, shared with the plan-cache pass, which must not pay for calls. Include lexer.h instead.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cypher/syntax/token.h"

namespace lora::cypher::detail {

enum CharClass : uint8_t { kOther, kBlank, kNameStart, kDigit, kHigh, kPunctuation, kQuote, kBackQuote };

constexpr std::array<uint8_t, 256> make_char_classes() {
  std::array<uint8_t, 256> t{};
  for (int c = 0; c < 256; ++c) {
    uint8_t k = kOther;
    if (c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f)) {
      k = kBlank;
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_') {
      k = kNameStart;
    } else if (c >= '0' && c <= '9') {
      k = kDigit;
    } else if (c >= 0x80) {
      k = kHigh;
    } else if (c == '\'' || c == '"') {
      k = kQuote;
    } else if (c == '`') {
      k = kBackQuote;
    } else if (c > 32 && c < 127) {
      k = kPunctuation;
    }
    t[static_cast<size_t>(c)] = k;
  }
  return t;
}
inline constexpr std::array<uint8_t, 256> kCharClasses = make_char_classes();

inline constexpr std::string_view kKeywordTexts[] = {"",
#define X(name) #name,
                                                     LORA_CYPHER_KEYWORDS(X)
#undef X
};
inline constexpr size_t kKeywordCount = static_cast<size_t>(Keyword::kCount);
static_assert(kKeywordCount < 256);
inline constexpr size_t kKeywordLengthMax = 16;
inline constexpr size_t kKeywordSlots = 1024;

// First, second and last letter and the length, any case.
constexpr uint32_t keyword_slot(const char* word, size_t length) {
  auto letter = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(word[i]) | 0x20); };
  uint32_t h = letter(0) * 0x9E3779B1u ^ letter(1) * 0x85EBCA6Bu ^ letter(length - 1) * 0xC2B2AE35u ^
               static_cast<uint32_t>(length) * 0x27D4EB2Fu;
  return (h ^ (h >> 15)) & (kKeywordSlots - 1);
}

constexpr std::array<uint8_t, kKeywordSlots> make_keyword_table() {
  std::array<uint8_t, kKeywordSlots> table{};
  for (size_t k = 1; k < kKeywordCount; ++k) {
    uint32_t slot = keyword_slot(kKeywordTexts[k].data(), kKeywordTexts[k].size());
    while (table[slot] != 0) slot = (slot + 1) & (kKeywordSlots - 1);
    table[slot] = static_cast<uint8_t>(k);
  }
  return table;
}
inline constexpr std::array<uint8_t, kKeywordSlots> kKeywordTable = make_keyword_table();

// The keyword that the ASCII word spells in any case. No keyword has one letter.
inline Keyword lookup_keyword(const char* word, size_t length) {
  if (length < 2 || length > kKeywordLengthMax) return Keyword::kNone;
  for (uint32_t slot = keyword_slot(word, length);; slot = (slot + 1) & (kKeywordSlots - 1)) {
    uint8_t k = kKeywordTable[slot];
    if (k == 0) return Keyword::kNone;
    std::string_view text = kKeywordTexts[k];
    if (text.size() != length) continue;
    size_t i = 0;
    while (i < length) {
      auto c = static_cast<unsigned char>(word[i]);
      if (static_cast<unsigned char>(c - 'a') < 26) c = static_cast<unsigned char>(c - 32);
      if (c != static_cast<unsigned char>(text[i])) break;
      ++i;
    }
    if (i == length) return static_cast<Keyword>(k);
  }
}

// The end of the ASCII part of the name that goes on at `i`.
inline size_t scan_ascii_name(const char* text, size_t i, size_t size) {
  while (i < size) {
    uint8_t k = kCharClasses[static_cast<unsigned char>(text[i])];
    if (k != kNameStart && k != kDigit) break;
    ++i;
  }
  return i;
}

struct Punctuation {
  TokenKind kind;
  uint8_t length;
};

inline Punctuation scan_punctuation(unsigned char c, unsigned char next) {
  switch (c) {
    case '(': return {TokenKind::kLeftParen, 1};
    case ')': return {TokenKind::kRightParen, 1};
    case '[': return {TokenKind::kLeftBracket, 1};
    case ']': return {TokenKind::kRightBracket, 1};
    case '{': return {TokenKind::kLeftBrace, 1};
    case '}': return {TokenKind::kRightBrace, 1};
    case ',': return {TokenKind::kComma, 1};
    case ';': return {TokenKind::kSemicolon, 1};
    case '.': return next == '.' ? Punctuation{TokenKind::kDotDot, 2} : Punctuation{TokenKind::kDot, 1};
    case ':': return next == ':' ? Punctuation{TokenKind::kColonColon, 2} : Punctuation{TokenKind::kColon, 1};
    case '|': return next == '|' ? Punctuation{TokenKind::kPipePipe, 2} : Punctuation{TokenKind::kPipe, 1};
    case '&': return {TokenKind::kAmpersand, 1};
    case '!': return next == '=' ? Punctuation{TokenKind::kNotEqual, 2} : Punctuation{TokenKind::kExclamation, 1};
    case '+': return next == '=' ? Punctuation{TokenKind::kPlusEqual, 2} : Punctuation{TokenKind::kPlus, 1};
    case '-': return {TokenKind::kMinus, 1};
    case '*': return {TokenKind::kStar, 1};
    case '/': return {TokenKind::kSlash, 1};
    case '%': return {TokenKind::kPercent, 1};
    case '^': return {TokenKind::kCaret, 1};
    case '=': return next == '~' ? Punctuation{TokenKind::kRegexMatch, 2} : Punctuation{TokenKind::kEqual, 1};
    case '<':
      if (next == '>') return {TokenKind::kNotEqual, 2};
      if (next == '=') return {TokenKind::kLessEqual, 2};
      return {TokenKind::kLess, 1};
    case '>': return next == '=' ? Punctuation{TokenKind::kGreaterEqual, 2} : Punctuation{TokenKind::kGreater, 1};
    default: return {TokenKind::kError, 0};
  }
}

// Most tokens: words of ASCII letters and punctuation that stands for itself. Scans the one at `at` into `token` and
// returns its end; 0: it is another one, for lex_one().
inline size_t scan_common(const char* text, size_t at, size_t size, Token& token) {
  const auto c = static_cast<unsigned char>(text[at]);
  const auto start = static_cast<uint32_t>(at);
  if (kCharClasses[c] == kNameStart) {
    const size_t end = scan_ascii_name(text, at + 1, size);
    if (end < size && kCharClasses[static_cast<unsigned char>(text[end])] == kHigh) return 0;
    const auto length = static_cast<uint32_t>(end - at);
    token = Token{start, length, TokenKind::kWord, lookup_keyword(text + at, length), false, 0};
    return end;
  }
  if (kCharClasses[c] != kPunctuation || c == '$') return 0;
  const unsigned char next = at + 1 < size ? static_cast<unsigned char>(text[at + 1]) : 0;
  if (c == '.' && kCharClasses[next] == kDigit) return 0;
  const Punctuation p = scan_punctuation(c, next);
  if (p.kind == TokenKind::kError) return 0;
  const bool bracket = p.kind >= TokenKind::kLeftParen && p.kind <= TokenKind::kRightBrace;
  token = Token{start, bracket ? 0u : p.length, p.kind, Keyword::kNone, false, 0};
  return at + p.length;
}

// The blank at `at`, if one is there, is passed. True: more may follow that does not count, for skip_blank().
inline bool pass_blank(std::string_view text, size_t* at) {
  if (*at < text.size() && text[*at] == ' ') ++*at;
  if (*at >= text.size()) return false;
  const auto c = static_cast<unsigned char>(text[*at]);
  return kCharClasses[c] == kBlank || kCharClasses[c] == kHigh || c == '/';
}

}  // namespace lora::cypher::detail
