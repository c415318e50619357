// Depth, size, and work that grows with the text only.
#include <gtest/gtest.h>

#include <string>

#include "cypher/syntax/normalize.h"
#include "cypher/syntax/parser.h"
#include "cypher/syntax/print.h"
#include "tests/support/small_stack.h"

namespace lora::cypher {
namespace {

std::string repeated(std::string_view part, size_t count) {
  std::string out;
  out.reserve(part.size() * count);
  for (size_t i = 0; i < count; ++i) out += part;
  return out;
}

// Ways to nest: before, after, and what is in the middle.
struct Nesting {
  std::string_view head, open, middle, close, tail;
};
const Nesting kNestings[] = {
    {"RETURN ", "(", "1", ")", ""},
    {"RETURN ", "[", "1", "]", ""},
    {"RETURN ", "{a: ", "1", "}", ""},
    {"RETURN ", "f(", "1", ")", ""},
    {"RETURN ", "NOT ", "true", "", ""},
    {"RETURN ", "1 + (", "1", ")", ""},
    {"RETURN ", "- -", "a", "", ""},
    {"RETURN ", "CASE WHEN ", "1", " THEN 1 END", ""},
    {"RETURN ", "[x IN ", "xs", " WHERE x | x]", ""},
    {"RETURN ", "reduce(a = ", "1", ", x IN xs | a)", ""},
    {"RETURN ", "all(x IN ", "xs", " WHERE x)", ""},
    {"RETURN ", "n {a: ", "1", "}", ""},
    {"RETURN ", "CAST(", "1", " AS INTEGER)", ""},
    {"RETURN ", "x[", "1", "]", ""},
    {"RETURN x", ".a", "", "", ""},
    {"RETURN x", "[0]", "", "", ""},
    {"RETURN x", " IS NULL", "", "", ""},
    {"RETURN x", "::INTEGER", "", "", ""},
    {"RETURN x", " IN y", "", "", ""},
    {"RETURN x IS :: ", "LIST<", "INTEGER", ">", ""},
    {"RETURN x IS :: INTEGER", " LIST", "", "", ""},
    {"MATCH (n:", "!", "A", "", ") RETURN n"},
    {"MATCH (n:", "(", "A", ")", ") RETURN n"},
    {"MATCH ", "(", "(a)-->(b)", ")", " RETURN a"},
    {"MATCH ", "(", "(a)-->(b)", "){2}", " RETURN a"},
    {"MATCH (n) WHERE ", "EXISTS { (n) WHERE ", "true", "}", " RETURN n"},
    {"MATCH (n) WHERE ", "EXISTS { MATCH (n) WHERE ", "true", " RETURN n}", " RETURN n"},
    {"", "CALL { ", "RETURN 1 AS x", " }", " RETURN 1"},
    {"", "FOREACH (x IN [1] | ", "CREATE (n)", ")", ""},
    {"RETURN ", "[(a)-->(b) WHERE ", "true", " | 1]", ""},
    {"RETURN ", "COLLECT { RETURN ", "1", " }", ""},
};

std::string nest(const Nesting& n, size_t levels) {
  return std::string(n.head) + repeated(n.open, levels) + std::string(n.middle) + repeated(n.close, levels) +
         std::string(n.tail);
}

TEST(Limits, NestingIsBoundedByAnError) {
  for (const Nesting& n : kNestings) {
    EXPECT_TRUE(parse(nest(n, 100)).ok()) << n.open << "\n" << parse(nest(n, 100)).status().to_string();
    for (size_t levels : {1100u, 20000u, 300000u}) {
      auto query = parse(nest(n, levels));
      ASSERT_FALSE(query.ok()) << n.open;
      EXPECT_EQ(query.status().code(), ErrorCode::kLimit) << n.open << " " << query.status().to_string();
      EXPECT_EQ(query.status().info().detail, "depth");
      EXPECT_GE(query.status().info().offset, 0);
    }
  }
}

TEST(Limits, AThousandBracketsAreFine) {
  for (std::string_view brackets : {"()", "[]"}) {
    std::string text = nest({"RETURN ", brackets.substr(0, 1), "1", brackets.substr(1), ""}, 990);
    auto query = parse(text);
    ASSERT_TRUE(query.ok()) << query.status().to_string();
    EXPECT_FALSE(print(*query).empty());
  }
}

TEST(Limits, UnclosedBracketsDoNotCrash) {
  for (std::string_view open : {"(", "[", "{", "((a)-", "[x IN ", "EXISTS {", "CASE WHEN ", "-[", "f("}) {
    EXPECT_FALSE(parse(nest({"RETURN ", open, "", "", ""}, 50000)).ok()) << open;
    EXPECT_FALSE(parse(nest({"MATCH ", open, "", "", ""}, 50000)).ok()) << open;
  }
}

TEST(Limits, ASmallStackGivesAnErrorAndNoCrash) {
  test::with_stack(test::kSmallStackBytes, [] {
    for (const Nesting& n : kNestings) {
      auto query = parse(nest(n, 900));
      if (!query.ok()) {
        EXPECT_EQ(query.status().info().detail, "depth") << n.open << query.status().to_string();
      }
    }
  });
}

TEST(Limits, LongChainsDoNotNest) {
  const size_t kTerms = 100000;
  for (std::string_view op : {" + ", " AND ", " OR ", " XOR ", " * ", " < ", " = ", " || ", " ^ "}) {
    std::string text = "RETURN 1";
    for (size_t i = 0; i < kTerms; ++i) text.append(op).append("1");
    auto query = parse(text);
    ASSERT_TRUE(query.ok()) << op;
    EXPECT_EQ(print(*query), text);
  }
  EXPECT_TRUE(
      parse(
          std::string("MATCH (n:A").append(repeated("|A", kTerms)).append(repeated("&B", kTerms)).append(") RETURN n"))
          .ok());
  EXPECT_TRUE(parse(nest({"MATCH (a)", "-->(b)", "", "", " RETURN 1"}, kTerms)).ok());
  EXPECT_TRUE(parse(nest({"RETURN [1", ", 1", "", "", "]"}, kTerms)).ok());
  EXPECT_TRUE(parse(nest({"RETURN 1 AS x", " UNION RETURN 1 AS x", "", "", ""}, kTerms)).ok());
  EXPECT_TRUE(parse(nest({"CREATE (a)", " SET a.x = 1", "", "", ""}, kTerms)).ok());
}

TEST(Limits, TextSizeIsBounded) {
  std::string text = std::string("RETURN '").append(kTextMax, 'x').append("'");
  auto query = parse(text);
  ASSERT_FALSE(query.ok());
  EXPECT_EQ(query.status().info().detail, "text size");
  text.resize(kTextMax - 1);
  text += '\'';
  EXPECT_TRUE(parse(text).ok());
}

TEST(Limits, WorkGrowsWithTheTextOnly) {
  // Parts that repeat, each a place where the grammar needs to look ahead.
  struct {
    std::string_view head, part, tail;
  } cases[] = {
      {"RETURN [", "(a), ", "1]"},
      {"RETURN [", "[x IN xs WHERE x:A|B | x.y], ", "1]"},
      {"MATCH (n) WHERE ", "((n)-->(m)) OR ", "true RETURN n"},
      {"MATCH (n) WHERE ", "(((n.x))) < 3 OR ", "true RETURN n"},
      {"RETURN [", "a.b.c.d.e, ", "1]"},
      {"RETURN [", "[(a)-->(b) WHERE b:A | b.x], ", "1]"},
      {"RETURN [", "reduce(s = 0, x IN xs | s + x), ", "1]"},
      {"MATCH ", "(n {a: 1})-[r:T*1..2]->(m), ", "(k) RETURN 1"},
      {"RETURN [", "CASE x WHEN > 1 THEN 2 ELSE {a: [1]} END, ", "1]"},
      {"MATCH ", "((a)-->(b)){1,2}, ", "(k) RETURN 1"},
      {"MATCH (n) WHERE ", "EXISTS { (n)-->(m) WHERE m.x = 1 } AND ", "true RETURN n"},
      {"RETURN [", "n {.a, .*, b: {c: 1}}, ", "1]"},
      {"RETURN [", "all(x IN xs WHERE (x) > 1), ", "1]"},
      {"RETURN [", "trim(BOTH 'x' FROM s), CAST(x AS LIST<INTEGER | STRING>), ", "1]"},
      {"RETURN 1", " + x[0..1] * -y.z ^ 2", ""},
      {"", "MATCH (n:A|B&!C) WITH n ORDER BY n.x LIMIT 1 ", "RETURN n"},
      {"", "CALL { RETURN 1 AS x UNION RETURN 2 AS x } WITH 1 AS y ", "RETURN y"},
  };
  for (const auto& c : cases) {
    auto steps = [&](size_t count) {
      auto query = parse(std::string(c.head) + repeated(c.part, count) + std::string(c.tail));
      EXPECT_TRUE(query.ok()) << c.part << query.status().to_string();
      return query.ok() ? query->steps : 0;
    };
    for (size_t count = 64; 2 * count * c.part.size() <= (1u << 20); count *= 2) {
      EXPECT_LE(steps(2 * count), 2.2 * static_cast<double>(steps(count))) << c.part << count;
    }
  }
  for (const Nesting& n : kNestings) {
    auto steps = [&](size_t levels) {
      auto query = parse(nest(n, levels));
      return query.ok() ? query->steps : 0;
    };
    EXPECT_LE(steps(200), 2.2 * static_cast<double>(steps(100))) << n.open;
  }
}

TEST(Limits, KeysOfDeepAndLongTextsAreMade) {
  for (const Nesting& n : kNestings) {
    Normalized normalized = normalize(nest(n, 100000));
    EXPECT_FALSE(normalized.key.empty());
  }
}

}  // namespace
}  // namespace lora::cypher
