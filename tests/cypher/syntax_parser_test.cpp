// The parser: what it accepts, the trees it builds, what it says about text it does not accept.
#include "cypher/syntax/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cypher/syntax/print.h"
#include "syntax_corpus.h"

namespace lora::cypher {
namespace {

using namespace ast;
using ::testing::HasSubstr;

Query parsed(std::string_view text) {
  auto query = parse(text);
  if (!query.ok()) {
    ADD_FAILURE() << text << "\n" << query.status().to_string();
    return *parse("RETURN null");
  }
  return std::move(query).value();
}

const Clause& clause_of(const Query& query, size_t i = 0) {
  return *query.statement.query->parts[0]->clauses[i];
}

// The expression of the last clause's only item.
const Expr& returned(const Query& query) {
  const auto& clauses = query.statement.query->parts[0]->clauses;
  return *as<Projection>(*clauses.back()).items[0].expr;
}

TEST(Parser, AcceptsEveryGoodQuery) {
  for (std::string_view text : kGoodQueries) {
    auto query = parse(text);
    EXPECT_TRUE(query.ok()) << text << "\n" << query.status().to_string();
  }
}

TEST(Parser, TreeOutlivesTheTextAndSurvivesAMove) {
  auto text = std::make_unique<std::string>("MATCH (person {name: 'Ann'}) RETURN person.name");
  Query first = parsed(*text);
  text.reset();
  Query moved = std::move(first);
  EXPECT_EQ(print(moved), "MATCH (person {name: 'Ann'}) RETURN person.name");
}

TEST(Parser, ChainOfOneLevelIsOneNode) {
  Query q = parsed("RETURN 1 + 2 - 3 + 4");
  const auto& chain = as<Chain>(returned(q));
  ASSERT_EQ(chain.operands.size(), 4u);
  EXPECT_EQ(chain.ops[1], ChainOp::kSubtract);
  EXPECT_EQ(chain.height, 2);
}

TEST(Parser, ComparisonChainIsOneNode) {
  Query q = parsed("RETURN 1 < 2 <= 3");
  const auto& comparison = as<Comparison>(returned(q));
  EXPECT_EQ(comparison.operands.size(), 3u);
  EXPECT_EQ(comparison.ops[1], CompareOp::kLessEqual);
}

TEST(Parser, PrecedenceFollowsOpenCypher) {
  struct {
    std::string_view text, grouped;
  } cases[] = {
      {"a OR b AND c", "a OR (b AND c)"},
      {"a OR b XOR c", "a OR (b XOR c)"},
      {"NOT a = b", "NOT (a = b)"},
      {"NOT a AND b", "(NOT a) AND b"},
      {"a + b * c", "a + (b * c)"},
      {"a ^ b ^ c", "(a ^ b) ^ c"},
      {"-a ^ b", "(-a) ^ b"},
      {"-a.b", "-(a.b)"},
      {"a = b IS NULL", "a = (b IS NULL)"},
      {"a + b IN c", "(a + b) IN c"},
      {"a IN b + c", "a IN (b + c)"},
      {"a STARTS WITH b + c", "a STARTS WITH (b + c)"},
      {"a < b + c", "a < (b + c)"},
      {"a - b - c", "(a - b) - c"},
      {"a.b::INTEGER + 1", "(a.b::INTEGER) + 1"},
  };
  for (const auto& c : cases) {
    Query plain = parsed(std::string("RETURN ").append(c.text));
    Query grouped = parsed(std::string("RETURN ").append(c.grouped));
    std::string want = print(grouped);
    // A chain in parentheses on the left stays a node of its own.
    if (c.text == "a ^ b ^ c" || c.text == "a - b - c") want = print(plain);
    EXPECT_EQ(print(plain), want) << c.text;
  }
}

TEST(Parser, SignBelongsToTheNumber) {
  Query q = parsed("RETURN -9223372036854775808");
  EXPECT_EQ(as<Literal>(returned(q)).integer, INT64_MIN);
  EXPECT_EQ(returned(q).span.length, 20u);
}

TEST(Parser, ColumnTextIsAsWritten) {
  Query q = parsed("RETURN  n . name ,count( * ), (1+ 2)  AS three");
  const auto& items = as<Projection>(clause_of(q)).items;
  EXPECT_EQ(items[0].text, "n . name");
  EXPECT_EQ(items[1].text, "count( * )");
  EXPECT_EQ(items[2].text, "(1+ 2)");
  EXPECT_EQ(items[2].alias.text, "three");
}

TEST(Parser, SpansCountBytes) {
  Query q = parsed("RETURN 'é', foo");
  const auto& items = as<Projection>(clause_of(q)).items;
  EXPECT_EQ(items[1].expr->span.offset, 13u);
  EXPECT_EQ(items[1].expr->span.length, 3u);
}

TEST(Parser, ParenthesisedNodeIsAPatternOnlyBeforeAnArrow) {
  EXPECT_EQ(returned(parsed("RETURN (a) - (b)")).kind, ExprKind::kChain);
  EXPECT_EQ(returned(parsed("RETURN (a) < -(b)")).kind, ExprKind::kComparison);
  EXPECT_EQ(returned(parsed("RETURN (a)[0]")).kind, ExprKind::kIndex);
  EXPECT_EQ(returned(parsed("RETURN (n:A)")).kind, ExprKind::kLabelTest);
  Query q = parsed("MATCH (a) WHERE (a)-->(b) RETURN a");
  EXPECT_EQ(as<Match>(clause_of(q)).where->kind, ExprKind::kPatternPredicate);
}

// The condition and the result of the comprehension that `text` is, as `condition => result`.
std::string comprehension(std::string_view text) {
  Query q = parsed("RETURN " + std::string(text));
  const auto& list = as<ListComprehension>(returned(q));
  return (list.where == nullptr ? "" : print(*list.where)) + " => " +
         (list.result == nullptr ? "" : print(*list.result));
}

TEST(Parser, BarOfAComprehensionIsNotALabelOperator) {
  EXPECT_EQ(comprehension("[x IN xs WHERE x:A | x]"), "x:A => x");
  EXPECT_EQ(comprehension("[x IN xs WHERE x:A|B]"), "x:A => B");
  EXPECT_EQ(comprehension("[x IN xs WHERE x:(A|B)]"), "x:(A|B) => ");
  EXPECT_EQ(comprehension("[x IN xs WHERE (x:A|B)]"), "x:(A|B) => ");
  EXPECT_EQ(comprehension("[x IN xs WHERE any(y IN x WHERE y:A|B)]"), "any(y IN x WHERE y:(A|B)) => ");
  EXPECT_EQ(comprehension("[x IN xs WHERE x:A|B | x.name]"), "x:(A|B) => x.name");
  EXPECT_EQ(comprehension("[x IN xs WHERE x:A|B | x]"), "x:(A|B) => x");
  EXPECT_EQ(comprehension("[x IN xs WHERE x:A|:B | x]"), "x:(A|B) => x");
  EXPECT_EQ(comprehension("[x IN xs | x:A|B]"), " => x:(A|B)");
}

TEST(Parser, LastBarAfterLabelsSeparates) {
  EXPECT_EQ(comprehension("[x IN xs WHERE x:A|B AND x:C | x]"), "x:(A|B) AND x:C => x");
  EXPECT_EQ(comprehension("[x IN xs WHERE x:A|B OR x:C|D | x]"), "x:(A|B) OR x:(C|D) => x");
  EXPECT_EQ(comprehension("[x IN xs WHERE x:A|B AND x.y | x:C|D]"), "x:(A|B) AND x.y => x:(C|D)");
}

TEST(Parser, NameUsedAsAVariableFollowsTheSeparator) {
  EXPECT_EQ(comprehension("[x IN xs WHERE x:A | x:B|C]"), "x:A => x:(B|C)");
  EXPECT_EQ(comprehension("[x IN xs WHERE x:A | x.y + CASE WHEN x:B|C THEN 1 END]"),
            "x:A => x.y + CASE WHEN x:(B|C) THEN 1 END");
  EXPECT_EQ(comprehension("[x IN xs WHERE x:A | x IS :: INTEGER|STRING]"), "x:A => x IS :: ANY<INTEGER | STRING>");
  EXPECT_EQ(comprehension("[x IN xs WHERE x:A | x IS NOT TYPED INTEGER|STRING]"),
            "x:A => x IS NOT :: ANY<INTEGER | STRING>");
}

TEST(Parser, BarsInCaseDoNotSeparate) {
  EXPECT_EQ(comprehension("[x IN xs WHERE CASE WHEN x:A|B THEN true ELSE x:C|D END]"),
            "CASE WHEN x:(A|B) THEN true ELSE x:(C|D) END => ");
  EXPECT_EQ(comprehension("[x IN xs WHERE CASE WHEN CASE x WHEN 1 THEN x:A|B END THEN x:A|B END | x]"),
            "CASE WHEN CASE x WHEN 1 THEN x:(A|B) END THEN x:(A|B) END => x");
  EXPECT_EQ(comprehension("[x IN xs WHERE x:A | CASE WHEN x:B|C THEN 1 END]"), "x:A => CASE WHEN x:(B|C) THEN 1 END");
  EXPECT_EQ(comprehension("[x IN xs WHERE x.case = 1 AND x:Case|End | x.end]"), "x.case = 1 AND x:(Case|End) => x.end");
}

TEST(Parser, BarsInTypesDoNotSeparate) {
  EXPECT_EQ(comprehension("[x IN xs WHERE x IS :: INTEGER|STRING | x]"), "x IS :: ANY<INTEGER | STRING> => x");
  EXPECT_EQ(comprehension("[x IN xs WHERE x IS :: LOCAL TIME NOT NULL|ZONED DATETIME NOT NULL | x]"),
            "x IS :: ANY<LOCAL TIME NOT NULL | ZONED DATETIME NOT NULL> => x");
  EXPECT_EQ(comprehension("[x IN xs WHERE x IS :: LIST<INTEGER|STRING>]"), "x IS :: LIST<ANY<INTEGER | STRING>> => ");
  EXPECT_EQ(comprehension("[x IN xs WHERE x IS :: LIST<LIST<INTEGER|STRING>> | x]"),
            "x IS :: LIST<LIST<ANY<INTEGER | STRING>>> => x");
  EXPECT_EQ(comprehension("[x IN xs WHERE x IS :: VECTOR<FLOAT32>(3) | x]"), "x IS :: VECTOR<FLOAT32>(3) => x");
  EXPECT_EQ(comprehension("[x IN xs WHERE x IS :: DATE | date(x)]"), "x IS :: DATE => date(x)");
  EXPECT_EQ(comprehension("[x IN xs WHERE x IS :: INTEGER | x]"), "x IS :: INTEGER => x");
}

TEST(Parser, VariableLengthBounds) {
  Query q = parsed("MATCH ()-[*]-()-[*2]-()-[*1..3]-()-[*..4]-()-[*5..]-() RETURN 1");
  const auto& elements = as<Match>(clause_of(q)).patterns[0]->elements;
  int64_t want[][2] = {{-1, -1}, {2, 2}, {1, 3}, {-1, 4}, {5, -1}};
  for (size_t i = 0; i < 5; ++i) {
    const Repeat* length = as<RelationshipPattern>(*elements[2 * i + 1]).length;
    ASSERT_NE(length, nullptr);
    EXPECT_EQ(length->min, want[i][0]) << i;
    EXPECT_EQ(length->max, want[i][1]) << i;
  }
}

TEST(Parser, QuantifierBounds) {
  Query q = parsed("MATCH (a)-->+(b)-->*(c)-->{2}(d)-->{,3}(e)-->{1,}(f) RETURN 1");
  const auto& elements = as<Match>(clause_of(q)).patterns[0]->elements;
  int64_t want[][2] = {{1, -1}, {0, -1}, {2, 2}, {-1, 3}, {1, -1}};
  for (size_t i = 0; i < 5; ++i) {
    const Repeat* repeat = as<RelationshipPattern>(*elements[2 * i + 1]).quantifier;
    ASSERT_NE(repeat, nullptr);
    EXPECT_EQ(repeat->min, want[i][0]) << i;
    EXPECT_EQ(repeat->max, want[i][1]) << i;
  }
}

TEST(Parser, LoneCallIsStandalone) {
  Query alone = parsed("CALL db.labels");
  EXPECT_TRUE(as<CallProcedure>(clause_of(alone)).standalone);
  EXPECT_FALSE(as<CallProcedure>(clause_of(alone)).has_arguments);
  Query within = parsed("CALL db.labels() YIELD label RETURN label");
  EXPECT_FALSE(as<CallProcedure>(clause_of(within)).standalone);
}

TEST(Parser, BarePatternInExistsBecomesAMatch) {
  Query q = parsed("MATCH (n) WHERE EXISTS { (n)-->(m) WHERE m.x } RETURN n");
  const auto& subquery = as<Subquery>(*as<Match>(clause_of(q)).where);
  const auto& clauses = subquery.body->parts[0]->clauses;
  ASSERT_EQ(clauses.size(), 1u);
  EXPECT_NE(as<Match>(*clauses[0]).where, nullptr);
}

TEST(Parser, StringEscapesAreDecoded) {
  EXPECT_EQ(as<Literal>(returned(parsed("RETURN 'a\\u00e9\\U0001F600\\n\\'\\\\'"))).text,
            "a\xC3\xA9\xF0\x9F\x98\x80\n'\\");
  EXPECT_EQ(as<Literal>(returned(parsed("RETURN '\\uD83D\\uDE00'"))).text, "\xF0\x9F\x98\x80");
}

TEST(Parser, FloatWordsAreMarked) {
  const Query q = parsed("RETURN inf");
  EXPECT_TRUE(as<Literal>(returned(q)).word);
  EXPECT_EQ(returned(parsed("RETURN `inf`")).kind, ExprKind::kVariable);
}

TEST(Parser, ReadsATypeFromText) {
  Arena arena;
  auto type = parse_type("LIST<INTEGER NOT NULL> | STRING", arena);
  ASSERT_TRUE(type.ok());
  EXPECT_EQ((*type)->name, TypeName::kUnion);
  EXPECT_FALSE(parse_type("INTEGR", arena).ok());
  EXPECT_FALSE(parse_type("INTEGER 5", arena).ok());
  EXPECT_FALSE(parse_type("", arena).ok());
}

struct BadQuery {
  std::string_view text;
  std::string_view detail;
  int64_t offset;
  std::string_view message;  // a part of it
};

TEST(Parser, SaysWhatIsWrongAndWhere) {
  const BadQuery cases[] = {
      {"", "UnexpectedSyntax", 0, "found an empty query"},
      {"   ", "UnexpectedSyntax", 3, "found an empty query"},
      {"MTACH (n) RETURN n", "UnexpectedSyntax", 0, "found `MTACH`; did you mean `MATCH`?"},
      {"MATCH (n) RETRUN n", "UnexpectedSyntax", 10, "did you mean `RETURN`?"},
      {"MATCH (n) WHER n.x = 1 RETURN n", "UnexpectedSyntax", 10, "did you mean `WHERE`?"},
      {"MATCH (n) RETURN n ODER BY n.x", "UnexpectedSyntax", 19, "did you mean `ORDER`?"},
      {"MATCH (n RETURN n", "UnexpectedSyntax", 9, "found `RETURN`"},
      {"MATCH (n)-[r RETURN n", "UnexpectedSyntax", 13, "found `RETURN`"},
      {"MATCH (n) WHERE RETURN n", "UnexpectedSyntax", 16, "expected an expression; found `RETURN`"},
      {"MATCH (n) RETURN", "UnexpectedSyntax", 16, "expected an expression; found the end of the query"},
      {"RETURN (1 + 2", "UnexpectedSyntax", 13, "for the `(` at line 1, column 8"},
      {"RETURN [1, 2", "UnexpectedSyntax", 12, "for the `[`"},
      {"RETURN {a: 1", "UnexpectedSyntax", 12, "for the `{`"},
      {"RETURN 1 2", "UnexpectedSyntax", 9, "found `2`"},
      {"RETURN 1 +", "UnexpectedSyntax", 10, "expected an expression"},
      {"RETURN a == b", "UnexpectedSyntax", 10, "equality is written with one `=`"},
      {"RETURN !a", "UnexpectedSyntax", 7, "negation is written `NOT`"},
      {"RETURN {'a': 1}", "UnexpectedSyntax", 8, "back quotes"},
      {"RETURN {1}", "UnexpectedSyntax", 8, "a key"},
      {"RETURN {k1.k: 1}", "UnexpectedSyntax", 10, "`:`"},
      {"RETURN [, ]", "UnexpectedSyntax", 8, "expected an expression"},
      {"RETURN 1; RETURN 2", "UnexpectedSyntax", 8, "expected one statement"},
      {"RETURN 1 AS", "UnexpectedSyntax", 11, "a name after `AS`"},
      {"RETURN $", "UnexpectedSyntax", 7, "parameter name"},
      {"RETURN 'abc", "UnexpectedSyntax", 7, "the string is not closed"},
      {"RETURN `abc", "UnexpectedSyntax", 7, "the quoted name is not closed"},
      {"RETURN 1 /* abc", "UnexpectedSyntax", 9, "the comment is not closed"},
      {"RETURN '\\q'", "UnexpectedSyntax", 8, "invalid escape `\\q`"},
      {"RETURN '\\uH'", "InvalidUnicodeLiteral", 8, "invalid escape"},
      {"RETURN '\\uD83D'", "InvalidUnicodeLiteral", 8, "invalid escape"},
      {"RETURN '\\U00110000'", "InvalidUnicodeLiteral", 8, "invalid escape"},
      {"RETURN 42 \xE2\x80\x94 41", "InvalidUnicodeCharacter", 10, "did you mean `-`?"},
      {"RETURN \xE2\x80\x9Cx\xE2\x80\x9D", "InvalidUnicodeCharacter", 7, "did you mean `\"`?"},
      {"RETURN \xFF", "InvalidUnicodeCharacter", 7, "not valid UTF-8"},
      {"RETURN 'a\xC3'", "InvalidUnicodeCharacter", 9, "not valid UTF-8"},
      {"RETURN 9223372036854775808", "IntegerOverflow", 7, "out of range"},
      {"RETURN -9223372036854775809", "IntegerOverflow", 8, "out of range"},
      {"RETURN 0x8000000000000000", "IntegerOverflow", 7, "out of range"},
      {"RETURN 0o1000000000000000000000", "IntegerOverflow", 7, "out of range"},
      {"RETURN 1.34E999", "FloatingPointOverflow", 7, "too large"},
      {"RETURN 9223372h54775808", "InvalidNumberLiteral", 7, "invalid number"},
      {"RETURN 0x1A2b3j4", "InvalidNumberLiteral", 7, "hexadecimal"},
      {"RETURN 0o8", "InvalidNumberLiteral", 7, "octal"},
      {"RETURN 0x", "InvalidNumberLiteral", 7, "hexadecimal"},
      {"RETURN 9223372#54775808", "UnexpectedSyntax", 14, "`#`"},
      {"MATCH (n $p) RETURN n", "InvalidParameterUse", 9, "$p"},
      {"MERGE (n $p) RETURN n", "InvalidParameterUse", 9, "$p"},
      {"MATCH ()-[r $p]-() RETURN r", "InvalidParameterUse", 12, "$p"},
      {"MATCH ()-[*$n]-() RETURN 1", "InvalidParameterUse", 11, "$n"},
      {"MATCH (n:$label) RETURN n", "InvalidParameterUse", 9, "write `$($label)`"},
      {"MATCH ()-[:T..2]-() RETURN 1", "InvalidRelationshipPattern", 12, "expected `*`"},
      {"MATCH ()-[*-2]-() RETURN 1", "InvalidRelationshipPattern", 11, "found `-`"},
      {"MATCH ()-[*1.5]-() RETURN 1", "InvalidRelationshipPattern", 11, "found `1.5`"},
      {"MATCH ()-[r](b) RETURN r", "InvalidRelationshipPattern", 12, "expected `-`"},
      {"MATCH ()-[*2]->{3}() RETURN 1", "InvalidRelationshipPattern", 15, "not both"},
      {"MATCH (a)-->{0}(b) RETURN 1", "UnexpectedSyntax", 12, "at least 1"},
      {"MATCH (a)-->{3,2}(b) RETURN 1", "UnexpectedSyntax", 12, "above"},
      {"MATCH (a) (b) RETURN a", "UnexpectedSyntax", 10, "relationship"},
      {"MATCH (a)-- RETURN a", "UnexpectedSyntax", 12, "node pattern"},
      {"MATCH a RETURN a", "UnexpectedSyntax", 6, "node pattern"},
      {"CREATE ()-->()", "NoSingleRelationshipType", 9, "exactly one type"},
      {"CREATE ()-[:A|:B]->()", "NoSingleRelationshipType", 12, "exactly one type"},
      {"MERGE ()-[:A|B]->()", "NoSingleRelationshipType", 11, "exactly one type"},
      {"CREATE ()-[:T*2]->()", "CreatingVarLength", 9, "variable-length"},
      {"CREATE ()-[:T]-()", "RequiresDirectedRelationship", 9, "one direction"},
      {"CREATE ()<-[:T]->()", "RequiresDirectedRelationship", 9, "one direction"},
      {"CREATE (n:A|B)", "UnexpectedSyntax", 10, "label expression"},
      {"MATCH (n) SET n:!A", "UnexpectedSyntax", 16, "label expression"},
      {"CREATE (n:A WHERE n.x)", "UnexpectedSyntax", 12, "WHERE"},
      {"MATCH (n) DELETE n:Person", "InvalidDelete", 17, "REMOVE"},
      {"MATCH (n) SET n.x += 1", "UnexpectedSyntax", 18, "expected `=`"},
      {"MATCH (n) SET n", "UnexpectedSyntax", 15, "`=`"},
      {"MATCH (n) REMOVE n", "UnexpectedSyntax", 18, "to remove"},
      {"MATCH (n)", "InvalidClauseComposition", 0, "cannot end with MATCH"},
      {"UNWIND [1] AS x", "InvalidClauseComposition", 0, "cannot end with UNWIND"},
      {"RETURN 1 MATCH (n) RETURN n", "InvalidClauseComposition", 9, "must be the last clause"},
      {"RETURN 1 AS a UNION RETURN 2 AS a UNION ALL RETURN 3 AS a", "InvalidClauseComposition", 34, "mixed"},
      {"MATCH (n) WHERE EXISTS { MATCH (n) SET n.x = 1 } RETURN n", "InvalidClauseComposition", 35, "only reads"},
      {"MATCH (n) RETURN COLLECT { MATCH (n) }", "InvalidClauseComposition", 27, "RETURN"},
      {"FOREACH (x IN [1] | RETURN x)", "InvalidClauseComposition", 20, "FOREACH"},
      {"FOREACH (x IN [1] | )", "UnexpectedSyntax", 20, "updating clause"},
      {"MATCH (n) CALL db.labels YIELD label RETURN label", "InvalidArgumentPassingMode", 10, "db.labels()"},
      {"CALL db.labels() YIELD * RETURN 1", "UnexpectedSyntax", 0, "YIELD *"},
      {"MATCH (n) RETURN (n)-->()", "UnexpectedSyntax", 17, "pattern"},
      {"MATCH (n) WITH (n)-->() AS x RETURN x", "UnexpectedSyntax", 15, "pattern"},
      {"MATCH (n) RETURN size((n)-->())", "UnexpectedSyntax", 22, "pattern"},
      {"MATCH (n) SET n.x = (n)-->()", "UnexpectedSyntax", 20, "pattern"},
      {"MATCH (n) RETURN n LIMIT 1 SKIP 2", "UnexpectedSyntax", 27, "SKIP stands before LIMIT"},
      {"MATCH (n) RETURN n WHERE n.x", "UnexpectedSyntax", 19, "WHERE"},
      {"RETURN CASE WHEN true THEN 1", "UnexpectedSyntax", 28, "`END`"},
      {"RETURN CASE x END", "UnexpectedSyntax", 14, "`WHEN`"},
      {"RETURN all(x IN [1])", "UnexpectedSyntax", 19, "`WHERE`"},
      {"RETURN reduce(a = 1, x IN [1])", "UnexpectedSyntax", 29, "`|`"},
      {"RETURN 1 IS INTEGER", "UnexpectedSyntax", 12, "after `IS`"},
      {"RETURN x::INTEGR", "UnexpectedSyntax", 10, "did you mean `INTEGER`?"},
      {"RETURN f(*)", "UnexpectedSyntax", 9, "only `count`"},
      {"RETURN 1 = NOT true", "UnexpectedSyntax", 11, "parentheses"},
      {"MERGE (a), (b)", "UnexpectedSyntax", 9, "one pattern"},
      {"MERGE (a) ON DELETE SET a.x = 1", "UnexpectedSyntax", 13, "`CREATE` or `MATCH`"},
      {"MATCH p = shortestPath((a)) RETURN p", "UnexpectedSyntax", 10, "one relationship"},
      {"CREATE p = shortestPath((a)-[*]-(b))", "UnexpectedSyntax", 11, "cannot be created"},
      {"MATCH SHORTEST 0 (a)-->(b) RETURN a", "UnexpectedSyntax", 15, "at least 1"},
      {"CREATE INDEX ON :A(x)", "UnexpectedSyntax", 13, "CREATE INDEX name FOR"},
      {"CREATE INDEX i FOR (n:A) ON (m.x)", "UndefinedVariable", 29, "did you mean `n`?"},
      {"CREATE TEXT INDEX i FOR (n:A) ON (n.x, n.y)", "UnexpectedSyntax", 33, "one property"},
      {"CREATE INDEX i FOR (n:A|B) ON (n.x)", "UnexpectedSyntax", 19, "FULLTEXT"},
      {"CREATE CONSTRAINT c FOR (n:A) REQUIRE n.x IS RELATIONSHIP KEY", "UnexpectedSyntax", 45, "node"},
      {"DROP TABLE x", "UnexpectedSyntax", 5, "`INDEX` or `CONSTRAINT`"},
      {"SHOW INDEXS", "UnexpectedSyntax", 5, "did you mean `INDEXES`?"},
      {"SHOW VECTOR CONSTRAINTS", "UnexpectedSyntax", 5, "does not go with"},
      {"SHOW INDEXES RETURN 1", "UnexpectedSyntax", 13, "`YIELD`"},
  };
  for (const BadQuery& bad : cases) {
    auto query = parse(bad.text);
    ASSERT_FALSE(query.ok()) << bad.text;
    const ErrorInfo info = query.status().info();
    EXPECT_EQ(info.code, ErrorCode::kParse) << bad.text;
    EXPECT_EQ(info.type, "SyntaxError") << bad.text;
    EXPECT_EQ(info.phase, "compile time") << bad.text;
    EXPECT_EQ(info.detail, bad.detail) << bad.text << "\n" << info.message;
    EXPECT_EQ(info.offset, bad.offset) << bad.text << "\n" << info.message;
    EXPECT_THAT(info.message, HasSubstr(std::string(bad.message))) << bad.text;
  }
}

TEST(Parser, EveryPrefixOfAGoodQueryEndsCleanly) {
  for (std::string_view text : kGoodQueries) {
    for (size_t n = 0; n < text.size(); ++n) {
      auto query = parse(text.substr(0, n));
      if (query.ok()) continue;
      EXPECT_FALSE(query.status().message().empty());
      EXPECT_LE(query.status().info().offset, static_cast<int64_t>(n));
    }
  }
}

TEST(Parser, TypeArgumentsAreKnownByFunction) {
  EXPECT_TRUE(takes_type_argument("CAST.TO", 1));
  EXPECT_TRUE(takes_type_argument("vector", 2));
  EXPECT_FALSE(takes_type_argument("cast.to", 0));
  EXPECT_FALSE(takes_type_argument("size", 1));
}

}  // namespace
}  // namespace lora::cypher
