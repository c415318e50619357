// Printing: the text of a tree reads back as the same tree.
#include "cypher/syntax/print.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "cypher/syntax/parser.h"
#include "syntax_corpus.h"

namespace lora::cypher {
namespace {

std::string printed(std::string_view text) {
  auto query = parse(text);
  return query.ok() ? print(*query) : query.status().to_string();
}

TEST(Print, ReadsBackAsTheSameTree) {
  for (std::string_view text : kGoodQueries) {
    std::string once = printed(text);
    EXPECT_EQ(printed(once), once) << text;
  }
}

TEST(Print, IsCanonical) {
  EXPECT_EQ(printed("match  (n : A )\nwhere n . x=1 return n , 1+2*3"),
            "MATCH (n:A) WHERE n.x = 1 RETURN n, 1 + 2 * 3");
  EXPECT_EQ(printed("RETURN (1 + 2) * 3, ((a)), -(1), - 1"), "RETURN (1 + 2) * 3, a, -(1), -1");
  EXPECT_EQ(printed("RETURN a - (b - c), (a - b) - c"), "RETURN a - (b - c), (a - b) - c");
  EXPECT_EQ(printed("RETURN (a AND b) OR (NOT (c OR d))"), "RETURN a AND b OR NOT (c OR d)");
  EXPECT_EQ(printed("RETURN 'it\\'s', \"q\""), "RETURN 'it\\'s', 'q'");
  EXPECT_EQ(printed("RETURN (-1)[0], (-a).b, (n:A).x"), "RETURN (-1)[0], (-a).b, (n:A).x");
  EXPECT_EQ(printed("MATCH ()-[r:T*1..3]->(), ()-->+() RETURN `a b`"),
            "MATCH ()-[r:T*1..3]->(), ()-->{1,}() RETURN `a b`");
}

// `(NaN) - -(` would start a pattern.
TEST(Print, NegatedWordsHaveNoParentheses) {
  for (std::string_view word : {"NaN", "INF", "null", "true"}) {
    const std::string once = printed("RETURN 1 - - -" + std::string(word) + " - - -5");
    EXPECT_EQ(printed(once), once);
  }
}

TEST(Print, LabelTestsInCaseReadBack) {
  EXPECT_EQ(printed("RETURN CASE n WHEN IS A THEN 1 WHEN IS `NULL`, IS A&!B THEN 2 END"),
            "RETURN CASE n WHEN IS (A) THEN 1 WHEN IS (NULL), IS (A&!B) THEN 2 END");
  const std::string once = printed("RETURN CASE n WHEN IS A THEN 1 WHEN IS `NULL`, IS A|B THEN 2 END");
  EXPECT_EQ(printed(once), once);
}

TEST(Print, FloatsReadBackExactly) {
  for (double value : {0.1, 1.0, 1e300, 5e-324, -0.0, 123456789.125, std::numeric_limits<double>::max()}) {
    std::string text;
    print_float(value, text);
    EXPECT_EQ(std::strtod(text.c_str(), nullptr), value) << text;
    EXPECT_EQ(std::signbit(std::strtod(text.c_str(), nullptr)), std::signbit(value));
    EXPECT_NE(text.find_first_of(".e"), std::string::npos) << text;
  }
}

TEST(Print, NamesAreQuotedWhereNeeded) {
  auto name = [](std::string_view text, bool keyword_matters) {
    std::string out;
    print_name(text, out, keyword_matters);
    return out;
  };
  EXPECT_EQ(name("abc", true), "abc");
  EXPECT_EQ(name("a b", false), "`a b`");
  EXPECT_EQ(name("a`b", false), "`a``b`");
  EXPECT_EQ(name("1a", false), "`1a`");
  EXPECT_EQ(name("", false), "``");
  EXPECT_EQ(name("where", true), "`where`");
  EXPECT_EQ(name("where", false), "where");
}

}  // namespace
}  // namespace lora::cypher
