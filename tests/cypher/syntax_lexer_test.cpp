// Tokens.
#include "cypher/syntax/lexer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lora::cypher {
namespace {

std::vector<std::string> texts(std::string_view text) {
  Tokens tokens;
  lex(text, tokens);
  std::vector<std::string> out;
  for (const Token& t : tokens.list) {
    if (t.kind == TokenKind::kEnd) break;
    if (t.kind == TokenKind::kError) {
      out.push_back("error");
      break;
    }
    out.emplace_back(text.substr(t.offset, t.length()));
  }
  return out;
}
using Texts = std::vector<std::string>;

TEST(Lexer, SplitsRangesFromNumbers) {
  EXPECT_EQ(texts("*1..3"), (Texts{"*", "1", "..", "3"}));
  EXPECT_EQ(texts("*..3"), (Texts{"*", "..", "3"}));
  EXPECT_EQ(texts("1.5..2.5"), (Texts{"1.5", "..", "2.5"}));
  EXPECT_EQ(texts("1.e"), (Texts{"1", ".", "e"}));
  EXPECT_EQ(texts("1.5e3"), (Texts{"1.5e3"}));
  EXPECT_EQ(texts(".5"), (Texts{".5"}));
}

TEST(Lexer, JoinsOperators) {
  EXPECT_EQ(texts("<=>=<>!==~+=||::..<-->"),
            (Texts{"<=", ">=", "<>", "!=", "=~", "+=", "||", "::", "..", "<", "-", "-", ">"}));
}

TEST(Lexer, SkipsBlanksAndComments) {
  EXPECT_EQ(texts("a//x\nb/* y */c\xC2\xA0"
                  "d"),
            (Texts{"a", "b", "c", "d"}));
  EXPECT_EQ(texts("a /* open"), (Texts{"a", "error"}));
}

TEST(Lexer, PairsBrackets) {
  Tokens tokens;
  lex("(a[1]{b})", tokens);
  EXPECT_EQ(tokens.list[0].length_or_match, 8u);
  EXPECT_EQ(tokens.list[2].length_or_match, 4u);
  EXPECT_EQ(tokens.list[4].length_or_match, 2u);
  lex("(]", tokens);
  EXPECT_EQ(tokens.list[0].length_or_match, 0u);
}

TEST(Lexer, KnowsEveryKeywordInAnyCase) {
  for (size_t k = 1; k < static_cast<size_t>(Keyword::kCount); ++k) {
    auto keyword = static_cast<Keyword>(k);
    std::string word(keyword_text(keyword));
    EXPECT_EQ(find_keyword(word), keyword) << word;
    for (char& c : word) c = static_cast<char>(std::tolower(c));
    EXPECT_EQ(find_keyword(word), keyword) << word;
  }
  EXPECT_EQ(find_keyword("person"), Keyword::kNone);
  EXPECT_EQ(find_keyword(""), Keyword::kNone);
  EXPECT_EQ(find_keyword("match_"), Keyword::kNone);
}

TEST(Lexer, IntegersKeepTheirRange) {
  EXPECT_EQ(*decode_integer("9223372036854775807", 0, false), INT64_MAX);
  EXPECT_EQ(*decode_integer("9223372036854775808", 0, true), INT64_MIN);
  EXPECT_FALSE(decode_integer("9223372036854775808", 0, false).ok());
  EXPECT_FALSE(decode_integer("99999999999999999999999", 0, true).ok());
  EXPECT_EQ(*decode_integer("0xff_ff", 0, false), 65535);
  EXPECT_EQ(*decode_integer("0o17", 0, false), 15);
  EXPECT_EQ(*decode_integer("1_000", 0, false), 1000);
}

TEST(Lexer, TinyFloatsRoundToZero) {
  EXPECT_EQ(*decode_float("1e-999", 0), 0.0);
  EXPECT_EQ(*decode_float("5e-324", 0), 5e-324);
  EXPECT_FALSE(decode_float("1e999", 0).ok());
}

TEST(Lexer, NamesMayBeOfAnyScript) {
  EXPECT_EQ(texts("größe 名前 _x a1 x\xCC\x81"), (Texts{"größe", "名前", "_x", "a1", "x\xCC\x81"}));
  EXPECT_EQ(texts("\xE2\x82\xAC"), (Texts{"\xE2\x82\xAC"}));  // a currency sign may start a name
  EXPECT_EQ(texts("\xF0\x9F\x98\x80"), (Texts{"error"}));
}

TEST(Lexer, DoubledBackQuotesStandForOne) {
  EXPECT_EQ(decode_quoted_name("`a``b`"), "a`b");
}

}  // namespace
}  // namespace lora::cypher
