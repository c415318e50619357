// Plan-cache keys: equal only where the plan is, and still equal where literals differ.
#include "cypher/syntax/normalize.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "cypher/syntax/lexer.h"
#include "cypher/syntax/parser.h"
#include "cypher/syntax/print.h"
#include "syntax_corpus.h"

namespace lora::cypher {
namespace {

std::string key(std::string_view text) {
  return normalize(text).key;
}

TEST(Normalize, TakesLiteralsOut) {
  Normalized n = normalize("MATCH (n:P {id: 42, name: 'Ann', x: 1.5, ok: true}) RETURN n.name");
  EXPECT_EQ(n.key, "MATCH (n:P {id: ?i, name: ?s, x: ?f, ok: ?b}) RETURN n.name");
  ASSERT_EQ(n.values.size(), 4u);
  EXPECT_EQ(n.values[0].as_integer(), 42);
  EXPECT_EQ(n.values[1].as_string(), "Ann");
  EXPECT_EQ(n.values[2].as_float(), 1.5);
  EXPECT_TRUE(n.values[3].as_boolean());
}

TEST(Normalize, KeyTellsTheClassOfAValue) {
  EXPECT_NE(key("MATCH (n {x: 1}) RETURN n"), key("MATCH (n {x: 1.0}) RETURN n"));
  EXPECT_NE(key("MATCH (n {x: 1}) RETURN n"), key("MATCH (n {x: '1'}) RETURN n"));
  EXPECT_NE(key("MATCH (n {x: 1}) RETURN n"), key("MATCH (n {x: null}) RETURN n"));
  EXPECT_EQ(key("MATCH (n {x: true}) RETURN n"), key("MATCH (n {x: false}) RETURN n"));
}

TEST(Normalize, BlanksAndCommentsDoNotCount) {
  EXPECT_EQ(key("MATCH (n)  // c\n WHERE n.x = 1\n\tRETURN n ;"), key("MATCH (n) WHERE n.x = 2 RETURN n"));
}

TEST(Normalize, ColumnsNamedAsWrittenKeepTheirText) {
  EXPECT_NE(key("RETURN 1"), key("RETURN 2"));
  EXPECT_NE(key("RETURN n.x + 1"), key("RETURN n.x  + 1"));
  EXPECT_NE(key("RETURN 1 AS x, 5"), key("RETURN 1 AS x, 6"));
  EXPECT_EQ(key("RETURN 1 AS x, 5 AS y"), key("RETURN 2 AS x, 6 AS y"));
  EXPECT_EQ(key("RETURN 1 AS x ORDER BY x + 1 SKIP 2 LIMIT 3"), key("RETURN 2 AS x ORDER BY x + 5 SKIP 4 LIMIT 6"));
  EXPECT_NE(key("RETURN COLLECT { RETURN 1 } AS x"), key("RETURN COLLECT { RETURN 2 } AS x"));
  EXPECT_NE(key("RETURN 5 + limit"), key("RETURN 6 + limit"));
  EXPECT_NE(key("RETURN 5 + order"), key("RETURN 6 + order"));
  EXPECT_NE(key("RETURN 5 + return, 1 AS x"), key("RETURN 6 + return, 1 AS x"));
  EXPECT_NE(key("RETURN CASE WHEN union THEN 1 END"), key("RETURN CASE WHEN union THEN 2 END"));
  EXPECT_NE(key("RETURN 1 UNION RETURN 2"), key("RETURN 1 UNION RETURN 3"));
  EXPECT_EQ(key("RETURN 1 AS x UNION RETURN 2 AS x"), key("RETURN 3 AS x UNION RETURN 4 AS x"));
  EXPECT_NE(key("RETURN CASE x WHEN 1, 2 THEN 3 END"), key("RETURN CASE x WHEN 1, 3 THEN 3 END"));
  EXPECT_NE(key("RETURN 5 IN x.when, 1 AS y"), key("RETURN 6 IN x.when, 1 AS y"));
  EXPECT_NE(key("RETURN DISTINCT 1"), key("RETURN DISTINCT 2"));
}

TEST(Normalize, WhatTheCompilerNeedsStays) {
  EXPECT_NE(key("MATCH ()-[*1..2]-() RETURN 1 AS x"), key("MATCH ()-[*1..3]-() RETURN 1 AS x"));
  EXPECT_NE(key("MATCH ()-->{2}() RETURN 1 AS x"), key("MATCH ()-->{3}() RETURN 1 AS x"));
  EXPECT_NE(key("MATCH ((a)-->(b)){1,2} RETURN a"), key("MATCH ((a)-->(b)){1,3} RETURN a"));
  EXPECT_NE(key("MATCH SHORTEST 1 (a)-->(b) RETURN a"), key("MATCH SHORTEST 2 (a)-->(b) RETURN a"));
  EXPECT_NE(key("CREATE VECTOR INDEX v FOR (n:A) ON (n.e) OPTIONS {d: 3}"),
            key("CREATE VECTOR INDEX v FOR (n:A) ON (n.e) OPTIONS {d: 4}"));
  EXPECT_NE(key("WITH x::VECTOR<FLOAT>(3) AS y RETURN y"), key("WITH x::VECTOR<FLOAT>(4) AS y RETURN y"));
  EXPECT_EQ(key("MATCH ()-[r:T*1..2 {x: 1}]-() RETURN r"), key("MATCH ()-[r:T*1..2 {x: 2}]-() RETURN r"));
  EXPECT_EQ(key("MATCH ()-[r:T WHERE r.x > 1]-() RETURN r"), key("MATCH ()-[r:T WHERE r.x > 2]-() RETURN r"));
}

TEST(Normalize, ALabelMayBeCalledIndex) {
  EXPECT_EQ(key("MATCH (n:Index {id: 1}) RETURN n"), key("MATCH (n:Index {id: 2}) RETURN n"));
}

TEST(Normalize, TextThatDoesNotLexIsItsOwnKey) {
  Normalized n = normalize("RETURN ?i");
  EXPECT_TRUE(n.values.empty());
  EXPECT_NE(n.key, "RETURN ?i");
  EXPECT_EQ(normalize("").values.size(), 0u);
  EXPECT_EQ(normalize("RETURN 'open").values.size(), 0u);
}

TEST(Normalize, OutOfRangeNumbersStayForTheParser) {
  EXPECT_EQ(key("WITH 9223372036854775808 AS x RETURN x"), "WITH 9223372036854775808 AS x RETURN x");
  std::string_view lowest = "WITH -9223372036854775808 AS x RETURN x";
  EXPECT_TRUE(parse(lowest, normalize(lowest)).ok());
}

TEST(Normalize, ParserAgreesOnEveryGoodQuery) {
  for (std::string_view text : kGoodQueries) {
    Normalized n = normalize(text);
    auto query = parse(text, n);
    ASSERT_TRUE(query.ok()) << text << "\n" << query.status().to_string();
    EXPECT_TRUE(query->key_is_exact) << text << "\n" << n.key;
    EXPECT_EQ(query->stripped_count, n.values.size()) << text;
  }
}

// Column names, which a plan holds too.
std::string columns(const Query& query) {
  std::string out;
  if (query.statement.query == nullptr) return out;
  for (const auto* part : query.statement.query->parts) {
    if (part->clauses.back()->kind != ast::ClauseKind::kReturn) continue;
    for (const auto& item : ast::as<ast::Projection>(*part->clauses.back()).items) {
      out += item.alias ? item.alias.text : item.text;
      out += '|';
    }
  }
  return out;
}

TEST(Normalize, TextsWithOneKeyHaveOneTree) {
  // Every literal, blank and small number of every good query is changed in turn; whenever the key stays the same, so
  // must the tree, the columns and the number of values.
  std::mt19937 random(7);
  size_t same = 0;
  for (std::string_view text : kGoodQueries) {
    Normalized before = normalize(text);
    auto tree = parse(text, before);
    ASSERT_TRUE(tree.ok());
    Tokens tokens;
    lex(text, tokens);
    for (const Token& t : tokens.list) {
      if (t.kind == TokenKind::kEnd || t.kind == TokenKind::kError) break;
      std::string changed(text);
      switch (t.kind) {
        case TokenKind::kInteger: changed.replace(t.offset, t.length(), std::to_string(random() % 100)); break;
        case TokenKind::kFloat: changed.replace(t.offset, t.length(), "7.25"); break;
        case TokenKind::kString: changed.replace(t.offset, t.length(), "'other'"); break;
        default:
          if (t.keyword == Keyword::kTRUE) {
            changed.replace(t.offset, t.length(), "false");
          } else {
            changed.insert(t.offset, random() % 2 == 0 ? "  " : "/* c */");
          }
      }
      Normalized after = normalize(changed);
      if (after.key != before.key) continue;
      ++same;
      auto other = parse(changed, after);
      ASSERT_TRUE(other.ok()) << changed;
      if (!other->key_is_exact) continue;
      EXPECT_EQ(print(*other), print(*tree)) << changed;
      EXPECT_EQ(columns(*other), columns(*tree)) << changed;
      EXPECT_EQ(after.values.size(), before.values.size());
    }
  }
  EXPECT_GT(same, 500u);
}

}  // namespace
}  // namespace lora::cypher
