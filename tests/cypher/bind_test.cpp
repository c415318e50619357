// What queries become: slots, pattern graphs, projections, subqueries. Compared as text (bind_text.h).
#include "bind_text.h"

#include <gtest/gtest.h>

#include "kv/status.h"

namespace lora::cypher {
namespace {

class Labels : public ProcedureLookup {
 public:
  Labels() {
    labels_.name = "db.labels";
    labels_.columns = {{"label", type_bit(ValueType::kString), "STRING", false}};
    touch_.name = "db.touch";
    find_.name = "db.find";
    find_.args = {{"index", type_bit(ValueType::kString), "STRING", false},
                  {"count", type_bit(ValueType::kInteger), "INTEGER", true}};
    find_.columns = {{"node", type_bit(ValueType::kNode), "NODE", false},
                     {"score", type_bit(ValueType::kFloat), "FLOAT", false}};
  }
  std::shared_ptr<const ProcedureSignature> find_procedure(std::string_view name) const override {
    for (const ProcedureSignature* p : {&labels_, &touch_, &find_}) {
      if (p->name == name) return {std::shared_ptr<void>(), p};
    }
    return nullptr;
  }

 private:
  ProcedureSignature labels_, touch_, find_;
};

class BindTest : public ::testing::Test {
 protected:
  const BoundStatement& bound(std::string_view text) {
    auto query = parse(text);
    EXPECT_TRUE(query.ok()) << text << ": " << query.status().to_string();
    BindOptions options;
    options.arena = &arena_;
    options.procedures = &procedures_;
    static const BoundStatement kNothing;
    if (!query.ok()) return kNothing;
    auto result = bind(*query, options);
    EXPECT_TRUE(result.ok()) << text << ": " << result.status().to_string();
    if (!result.ok()) return kNothing;
    statements_.push_back(std::move(*result));
    return *statements_.back();
  }
  std::string text(std::string_view query) { return testing::statement_text(bound(query)); }

  PlanArena arena_;
  Labels procedures_;
  std::vector<std::unique_ptr<BoundStatement>> statements_;
};

// --- patterns ---

TEST_F(BindTest, MatchIsAGraphWithPropertiesAndConditionsAsPredicates) {
  EXPECT_EQ(text("MATCH (a:A {x: 1})-[r:T|U]->(b) WHERE a.y > 2 AND r.z = 3 RETURN b"),
            "match (#0:A) (#1) 0-[#2:T|U]->1 where (#0.x = 1) where (#0.y > 2) where (#2.z = 3)\n"
            "return items[ ] b#1\n");
}

TEST_F(BindTest, LabelsInWhereJoinThePattern) {
  EXPECT_EQ(text("MATCH (a)-[r]->(b) WHERE a:A:B AND (r:T OR b.x) AND r:U RETURN 1 AS one"),
            "match (#0:A&B) (#1) 0-[#2:U]->1 where or(#2:T, #1.x)\nreturn items[ #3=1 ] one#3\n");
}

TEST_F(BindTest, RichLabelExpressionsArePredicates) {
  EXPECT_EQ(text("MATCH (a:(A|B)&!C&D) RETURN a"), "match (#0:D) where #0:(A|B) where #0:!C\nreturn items[ ] a#0\n");
}

TEST_F(BindTest, TheSameNodeVariableIsOneNode) {
  EXPECT_EQ(text("MATCH (a)-[r]->(b)<--(a), (b) RETURN a"),
            "match (#0) (#1) 0-[#2]->1 1<-[#3]-0\nreturn items[ ] a#0\n");
}

TEST_F(BindTest, LaterMatchSeesEarlierVariablesAsBound) {
  EXPECT_EQ(text("MATCH (a) OPTIONAL MATCH (a)-[r]-(b) RETURN b"),
            "match (#0)\noptional match (#0!) (#1) 0-[#2]-1\nreturn items[ ] b#1\n");
}

TEST_F(BindTest, PropertiesMayMentionVariablesOfTheWholeClause) {
  EXPECT_EQ(text("MATCH (a {x: b.x}), (b) RETURN a"), "match (#0) (#1) where (#0.x = #1.x)\nreturn items[ ] a#0\n");
}

TEST_F(BindTest, VariableLengthHasBoundsAndHopPredicate) {
  EXPECT_EQ(text("MATCH p = (a)-[rs:R*2..3 {k: 5}]->(b) RETURN p, rs"),
            "match (#0) (#1) 0-[#2:R*2..3 hop #3 #4 #5 (#3.k = 5)]->1 derive #6=path(#0, #2, #1)\n"
            "return items[ ] p#6 rs#2\n");
  EXPECT_EQ(text("MATCH ()-[*]->() RETURN 1 AS x"), "match (#0) (#1) 0-[#2*1..]->1\nreturn items[ #6=1 ] x#6\n");
  EXPECT_EQ(text("MATCH ()-[*0..]-() RETURN 1 AS x"), "match (#0) (#1) 0-[#2*0..]-1\nreturn items[ #6=1 ] x#6\n");
  EXPECT_EQ(text("MATCH ()-->{,4}() RETURN 1 AS x"), "match (#0) (#1) 0-[#2*0..4]->1\nreturn items[ #6=1 ] x#6\n");
}

TEST_F(BindTest, AListOfRelationshipsCanBeFollowedAgain) {
  EXPECT_EQ(text("MATCH ()-[r]->()-[s]->() WITH [r, s] AS rs MATCH (a)-[rs*]->(b) RETURN a"),
            "match (#0) (#1) (#3) 0-[#2]->1 1-[#4]->2\nwith items[ #5=list(#2, #4) ] rs#5\n"
            "match (#6) (#7) 0-[#5!*1..]->1\nreturn items[ ] a#6\n");
}

TEST_F(BindTest, AGroupOfOneRelationshipIsVariableLength) {
  EXPECT_EQ(text("MATCH ((a)-[r:T]->(b:B) WHERE r.x > 1){1,3} RETURN a, r, b"),
            "match (#0) (#1) 0-[#2:T*1..3 hop #3 #4 #5 and(#5:B, (#3.x > 1))]->1 "
            "derive #6=slice(nodes(path(#0, #2, #1)), -, -1) derive #7=slice(nodes(path(#0, #2, #1)), 1, -)\n"
            "return items[ ] a#6 r#2 b#7\n");
}

TEST_F(BindTest, LargerGroupsKeepTheirPattern) {
  EXPECT_EQ(text("MATCH (x)((a)-[r]->(b)<-[s]-(c) WHERE a.k = c.k){2}(y) RETURN a, r"),
            "match (#0) (#1) group 0 1 {2,2}[ (#3) (#4) (#6) 0-[#5]->1 1<-[#7]-2 where (#3.k = #6.k) ]"
            " #3->#8 #4->#9 #5->#10 #6->#11 #7->#12\nreturn items[ ] a#8 r#10\n");
}

TEST_F(BindTest, ShortestPathIsASearchOfOneRelationship) {
  EXPECT_EQ(text("MATCH p = shortestPath((a:A)-[*..4]-(b)) RETURN p"),
            "match (#0:A) (#1) 0-[#2*1..4 selector 1]-1 derive #6=path(#0, #2, #1)\nreturn items[ ] p#6\n");
  EXPECT_EQ(text("MATCH p = ALL SHORTEST (a)-[:R]->+(b) RETURN p"),
            "match (#0) (#1) 0-[#2:R*1.. selector 2]->1 derive #6=path(#0, #2, #1)\nreturn items[ ] p#6\n");
  EXPECT_EQ(text("MATCH ANY SHORTEST (a)-->(b)-->+(c) RETURN c"),
            "match select #8 of ( (#0) (#1) (#3) 0-[#2]->1 1-[#4*1.. selector 1 hop #5 #6 #7 (#5 ! #2)]->2"
            " derive #8=path(#0, #2, #1, #4, #3))\nreturn items[ ] c#3\n");
}

TEST_F(BindTest, ShortestPathAsAnExpressionIsTheFirstOfASubquery) {
  EXPECT_EQ(text("MATCH (a), (b) RETURN shortestPath((a)-[*]->(b)) AS p"),
            "match (#0) (#1)\nreturn items[ #7=index(collect #6(#0, #1), 0) ] p#7\n"
            "subquery collect #6(#0, #1):\n"
            "match (#0!) (#1!) 0-[#2*1.. selector 1]->1 derive #6=path(#0, #2, #1)\nreturn items[ ] path#6\n");
}

// --- projections ---

TEST_F(BindTest, PassingAVariableOnKeepsItsSlot) {
  EXPECT_EQ(text("MATCH (n) WITH n AS m, n.x AS x RETURN m, x"),
            "match (#0)\nwith items[ #1=#0.x ] m#0 x#1\nreturn items[ ] m#0 x#1\n");
}

TEST_F(BindTest, ColumnsAreNamedAsWritten) {
  const BoundStatement& s = bound("MATCH (n) RETURN n.name, count( * ), 1+1 AS two");
  EXPECT_EQ(s.query.columns, (std::vector<std::string_view>{"n.name", "count( * )", "two"}));
}

TEST_F(BindTest, StarGivesNamedVariablesByName) {
  const BoundStatement& s = bound("MATCH (z)-[r]->(), (b) RETURN *");
  EXPECT_EQ(s.query.columns, (std::vector<std::string_view>{"b", "r", "z"}));
}

TEST_F(BindTest, AggregationIsKeysAggregatesAndItemsOverThem) {
  EXPECT_EQ(text("MATCH (n)--(m) RETURN n.x AS x, count(m) * 2 + n.x AS c, count(m) AS d"),
            "match (#0) (#1) 0-[#2]-1\n"
            "return keys[ #4=#0.x ] aggregates[ #3=count() ] items[ #5=((#3 * 2) + #4) ] x#4 c#5 d#3\n");
}

TEST_F(BindTest, CountOfWhatIsNeverNullCountsRows) {
  const auto counts = [&](const std::string& query) {
    return text(query).find("=count()") != std::string::npos && text(query).find("count(#") == std::string::npos;
  };
  EXPECT_TRUE(counts("MATCH (n)-[r]->() RETURN count(r) AS c"));
  EXPECT_TRUE(counts("MATCH (n) RETURN count(n) AS c ORDER BY count(n)"));
  EXPECT_FALSE(counts("OPTIONAL MATCH (n) RETURN count(n) AS c"));
  EXPECT_FALSE(counts("MATCH (n) OPTIONAL MATCH (n)-[r]->() RETURN count(r) AS c"));
  EXPECT_FALSE(counts("MATCH (n) RETURN count(n.x) AS c"));
  EXPECT_FALSE(counts("UNWIND $list AS x RETURN count(x) AS c"));
  EXPECT_FALSE(counts("OPTIONAL MATCH (n) WITH n AS m RETURN count(m) AS c"));
}

TEST_F(BindTest, DistinctAggregatesAreTheirOwn) {
  EXPECT_EQ(text("MATCH (n) RETURN count(n) AS a, count(DISTINCT n) AS b, count(*) AS c"),
            "match (#0)\nreturn keys[ ] aggregates[ #1=count() #2=count distinct(#0) #3=count() ] items[ ]"
            " a#1 b#2 c#3\n");
}

TEST_F(BindTest, OrderBySeesColumnsBeforeOldVariables) {
  EXPECT_EQ(text("WITH 1 AS a, 2 AS b RETURN b AS a, a AS c ORDER BY a, b"),
            "with items[ #0=1 #1=2 ] a#0 b#1\nreturn items[ ] a#1 c#0 asc #1 asc #1\n");
}

TEST_F(BindTest, OrderByOfAProjectedExpressionUsesItsColumn) {
  EXPECT_EQ(text("MATCH (n) RETURN n.a + 1 AS x ORDER BY n.a + 1 DESC, n.b"),
            "match (#0)\nreturn items[ #1=(#0.a + 1) ] x#1 desc #1 asc #0.b\n");
  EXPECT_EQ(text("MATCH (n) RETURN DISTINCT n.a AS x ORDER BY n.a"),
            "match (#0)\nreturn distinct items[ #1=#0.a ] x#1 asc #1\n");
  EXPECT_EQ(text("MATCH (n) RETURN n.a AS x, max(n.b) ORDER BY n.a, max(n.b)"),
            "match (#0)\nreturn keys[ #2=#0.a ] aggregates[ #1=max(#0.b) ] items[ ] x#2 max(n.b)#1 asc #2 asc #1\n");
}

TEST_F(BindTest, EqualComprehensionsMatchWhateverTheirVariable) {
  EXPECT_EQ(text("MATCH (n) RETURN DISTINCT [x IN n.l | x + 1] AS l ORDER BY [y IN n.l | y + 1]"),
            "match (#0)\nreturn distinct items[ #2=list_comprehension #1(#0.l, -, (#1 + 1)) ] l#2 asc #2\n");
}

TEST_F(BindTest, WhereAfterWithSeesOldVariables) {
  EXPECT_EQ(text("MATCH (n) WITH n.x AS x WHERE n.y > 1 AND x > 2 RETURN x"),
            "match (#0)\nwith items[ #1=#0.x ] x#1 where (#0.y > 1) where (#1 > 2)\nreturn items[ ] x#1\n");
}

TEST_F(BindTest, UnionMatchesColumnsByName) {
  EXPECT_EQ(text("RETURN 1 AS a, 2 AS b UNION RETURN 3 AS b, 4 AS a"),
            "return items[ #0=1 #1=2 ] a#0 b#1\nunion\nreturn items[ #2=3 #3=4 ] b#2 a#3\noutput #4 #5\n");
  EXPECT_EQ(statements_.back()->query.parts[1].result, (std::vector<Slot>{3, 2}));
}

// --- subqueries ---

TEST_F(BindTest, PatternPredicatesAreSubqueriesOverTheirImports) {
  EXPECT_EQ(text("MATCH (n) WHERE NOT (n)-->(:X) RETURN n"),
            "match (#0) where not(exists(#0))\nreturn items[ ] n#0\n"
            "subquery exists(#0):\nmatch (#0!) (#1:X) 0-[#2]->1\n");
}

TEST_F(BindTest, SubqueriesInsideComprehensionsImportTheLocal) {
  EXPECT_EQ(text("MATCH (n) RETURN [x IN [n] WHERE (x)-->() | 1] AS l"),
            "match (#0)\nreturn items[ #4=list_comprehension #1(list(#0), exists(#1), 1) ] l#4\n"
            "subquery exists(#1):\nmatch (#1!) (#2) 0-[#3]->1\n");
}

TEST_F(BindTest, PatternComprehensionCollectsItsResult) {
  EXPECT_EQ(text("MATCH (n) RETURN [p = (n)-->(m) WHERE m.x > n.x | m.y] AS ys"),
            "match (#0)\nreturn items[ #5=collect #4(#0) ] ys#5\n"
            "subquery collect #4(#0):\n"
            "match (#0!) (#1) 0-[#2]->1 derive #3=path(#0, #2, #1) where (#1.x > #0.x)\n"
            "return items[ #4=#1.y ] item#4\n");
}

TEST_F(BindTest, OuterSlotsSurviveAggregationInsideSubqueries) {
  EXPECT_EQ(text("MATCH (n) WHERE EXISTS { MATCH (n)-->(m) WITH count(*) AS c WHERE c > n.x RETURN 1 } RETURN n"),
            "match (#0) where exists(#0)\nreturn items[ ] n#0\n"
            "subquery exists(#0):\nmatch (#0!) (#1) 0-[#2]->1\n"
            "with keys[ ] aggregates[ #3=count() ] items[ ] c#3 where (#3 > #0.x) carried #0\n"
            "return items[ #4=1 ] 1#4\n");
}

TEST_F(BindTest, CallImportsWhatItNames) {
  const std::string body =
      "match (#0)\ncall imports #0 {\nmatch (#0!) (#1) 0-[#2]->1\n"
      "return keys[ ] aggregates[ #3=count() ] items[ ] c#3\n}\nreturn items[ ] a#0 c#3\n";
  EXPECT_EQ(text("MATCH (a) CALL { WITH a MATCH (a)-->(b) RETURN count(b) AS c } RETURN a, c"), body);
  EXPECT_EQ(text("MATCH (a) CALL (a) { MATCH (a)-->(b) RETURN count(b) AS c } RETURN a, c"), body);
  EXPECT_EQ(text("MATCH (a) CALL (*) { MATCH (a)-->(b) RETURN count(b) AS c } RETURN a, c"), body);
}

TEST_F(BindTest, CallWithoutImportsSeesNothingOfOutside) {
  EXPECT_EQ(text("MATCH (n) CALL { MATCH (n) RETURN n AS m } RETURN m"),
            "match (#0)\ncall imports {\nmatch (#1)\nreturn items[ ] m#1\n}\nreturn items[ ] m#1\n");
}

TEST_F(BindTest, UnitCallAndTransactions) {
  const BoundStatement& s = bound("UNWIND [1] AS i CALL (i) { CREATE (:N {i: i}) } IN TRANSACTIONS OF 3 ROWS");
  EXPECT_EQ(testing::statement_text(s),
            "unwind #0 in [1]\ncall unit in transactions imports #0 {\ncreate node #1:N map(i: #0)\n}\n");
  EXPECT_TRUE(s.in_transactions);
  EXPECT_TRUE(s.writes);
}

// --- expressions ---

TEST_F(BindTest, ConstantListsAndMapsAreOneConstant) {
  EXPECT_EQ(text("RETURN [1, [2, 'a'], {k: null, k: true}] AS l"), "return items[ #0=[1, [2, 'a'], {k: true}] ] l#0\n");
}

TEST_F(BindTest, ChainsStayFlat) {
  EXPECT_EQ(text("MATCH (n) RETURN n.a + n.b - 1, n.a < n.b <= 3, n.a AND n.b AND n.c"),
            "match (#0)\nreturn items[ #1=(#0.a + #0.b - 1) #2=(#0.a < #0.b l 3) #3=and(#0.a, #0.b, #0.c) ]"
            " n.a + n.b - 1#1 n.a < n.b <= 3#2 n.a AND n.b AND n.c#3\n");
}

TEST_F(BindTest, SimpleCaseEvaluatesItsSubjectOnce) {
  EXPECT_EQ(text("MATCH (n) RETURN CASE n.x WHEN 1, 2 THEN 'a' WHEN > 5 THEN 'b' ELSE 'c' END AS r"),
            "match (#0)\nreturn items[ #2=let #1(#0.x, case(or((#1 = 1), (#1 = 2)), 'a', (#1 > 5), 'b', 'c')) ] r#2\n");
}

TEST_F(BindTest, ExistsOfAPropertyIsANullTest) {
  EXPECT_EQ(text("MATCH (n) WHERE exists(n.x) RETURN n"), "match (#0) where is_not_null(#0.x)\nreturn items[ ] n#0\n");
}

TEST_F(BindTest, MapProjectionNamesItsParts) {
  EXPECT_EQ(text("MATCH (n) WITH n, 1 AS v RETURN n {.a, .*, k: 2, v} AS m"),
            "match (#0)\nwith items[ #1=1 ] n#0 v#1\nreturn items[ #2=map_projection(#0, #0.a, 2, #1) ] m#2\n");
}

TEST_F(BindTest, TypesKeepTheirCanonicalName) {
  EXPECT_EQ(text("RETURN 1 IS :: LIST<INTEGER NOT NULL> | STRING AS a, CAST('1' AS INT) AS b"),
            "return items[ #0=is_type LIST<INTEGER NOT NULL> | STRING(1) #1=cast INTEGER('1') ] a#0 b#1\n");
}

TEST_F(BindTest, ParametersAreListedOnce) {
  EXPECT_EQ(bound("RETURN $a + $b + $a AS x").parameters, (std::vector<std::string>{"a", "b"}));
}

TEST_F(BindTest, FunctionsAreFoundInAnyCaseAndByAlias) {
  EXPECT_EQ(text("RETURN TOUPPER('a') AS a, string.upper('b') AS b"),
            "return items[ #0=toUpper('a') #1=toUpper('b') ] a#0 b#1\n");
}

TEST_F(BindTest, SlotsOfPredicatesLeaveLocalsOut) {
  const BoundStatement& s = bound("MATCH (n), (m) WHERE any(x IN n.l WHERE x = m.x) RETURN n");
  const auto& match = static_cast<const BoundMatch&>(*s.query.parts[0].clauses[0]);
  EXPECT_EQ(match.pattern.predicates[0].slots, (std::vector<Slot>{0, 1}));
}

// --- updates ---

TEST_F(BindTest, CreateSplitsWhereAPartReadsAnother) {
  EXPECT_EQ(text("CREATE (a:A {x: 1})-[:R]->(b {z: a.x}), (b)<-[:Q]-(:C)"),
            "create node #0:A {x: 1}\n"
            "create node #1 map(z: #0.x) node #3:C rel #0-#2->#1:R rel #3-#4->#1:Q\n");
}

TEST_F(BindTest, MergeLooksForAndMakesTheSamePattern) {
  EXPECT_EQ(text("MATCH (x) MERGE (x)-[r:R {k: 1}]-(y:Y) ON CREATE SET y.c = 1 ON MATCH SET y:Old"),
            "match (#0)\nmerge (#0!) (#1:Y) 0-[#2:R]-1 where (#2.k = 1) create node #1:Y rel #0-#2->#1:R {k: 1}"
            " on create property #1.c=1 on match labels #1:Old\n");
}

TEST_F(BindTest, SetRemoveDelete) {
  EXPECT_EQ(text("MATCH (n) SET n.x = 1, n['y'] = 2, n = {a: 1}, n += $p, n:L1:L2 REMOVE n.z, n:Q DETACH DELETE n"),
            "match (#0)\nset property #0.x=1 dynamic #0['y']=2 replace #0={a: 1} add #0=$p labels #0:L1:L2\n"
            "remove property #0.z labels #0:Q\ndetach delete #0\n");
}

TEST_F(BindTest, ForeachHasItsOwnScope) {
  EXPECT_EQ(text("WITH 1 AS y FOREACH (x IN [1, 2] | CREATE (n:N {v: x}) SET n.w = y) CREATE (n)"),
            "with items[ #0=1 ] y#0\nforeach #1 in [1, 2] {\ncreate node #2:N map(v: #1)\nset property #2.w=#0\n}\n"
            "create node #3\n");
}

// --- CALL, LOAD CSV, schema ---

TEST_F(BindTest, ProcedureCalls) {
  EXPECT_EQ(text("CALL db.labels()"), "call db.labels yield 0#0\n");
  EXPECT_EQ(statements_.back()->query.columns, (std::vector<std::string_view>{"label"}));
  EXPECT_EQ(text("CALL db.labels() YIELD label AS l WHERE l > 'a' RETURN l"),
            "call db.labels yield 0#0\nreturn items[ ] l#0\n");
  EXPECT_EQ(text("MATCH (n) CALL db.touch() RETURN n"), "match (#0)\ncall db.touch\nreturn items[ ] n#0\n");
  EXPECT_EQ(text("CALL db.find('i', 3) YIELD score, node MATCH (node)--(m) RETURN m"),
            "call db.find 'i' 3 yield 1#0 yield 0#1\nmatch (#1!) (#2) 0-[#3]-1\nreturn items[ ] m#2\n");
}

TEST_F(BindTest, ImplicitArgumentsAreParameters) {
  EXPECT_EQ(text("CALL db.find"), "call db.find $index yield 0#0 yield 1#1\n");
  EXPECT_EQ(statements_.back()->parameters, (std::vector<std::string>{"index"}));
}

TEST_F(BindTest, LoadCsv) {
  EXPECT_EQ(text("LOAD CSV WITH HEADERS FROM 'f.csv' AS row RETURN row.a AS a"),
            "load csv #0 'f.csv'\nreturn items[ #1=#0.a ] a#1\n");
}

TEST_F(BindTest, SchemaCommands) {
  const BoundStatement& s = bound("CREATE INDEX foo IF NOT EXISTS FOR (n:Person) ON (n.first, n.last)");
  EXPECT_TRUE(s.schema_command);
  const auto& command = static_cast<const BoundSchemaCommand&>(*s.query.parts[0].clauses[0]);
  ASSERT_NE(command.index, nullptr);
  EXPECT_EQ(command.index->name, "foo");
  EXPECT_EQ(command.index->label_or_type, "Person");
  EXPECT_EQ(command.index->keys, (std::vector<std::string>{"first", "last"}));
  EXPECT_TRUE(command.if_exists_flag);
  EXPECT_EQ(text("DROP CONSTRAINT c IF EXISTS"), "schema 3 c\n");
}

TEST_F(BindTest, ShowFiltersAndProjects) {
  EXPECT_EQ(text("SHOW INDEXES YIELD name, type AS t WHERE t = 'RANGE' RETURN name"),
            "show 0\nwith items[ ] name#0 t#1 where (#1 = 'RANGE')\nreturn items[ ] name#0\n");
  EXPECT_EQ(bound("SHOW INDEXES").query.columns.size(), 8u);
}

// --- limits ---

TEST_F(BindTest, DeepQueriesBindOrSayDepth) {
  for (int depth : {100, 900}) {
    std::string query = "RETURN " + std::string(static_cast<size_t>(depth), '[') + "1" +
                        std::string(static_cast<size_t>(depth), ']') + " AS x";
    auto parsed = parse(query);
    if (!parsed.ok()) continue;
    BindOptions options;
    options.arena = &arena_;
    auto result = bind(*parsed, options);
    EXPECT_TRUE(result.ok() || result.status().code() == ErrorCode::kLimit);
  }
}

TEST_F(BindTest, ManyColumnsAndAggregatesBindInLinearTime) {
  std::string query = "MATCH (n) RETURN count(n.a0) AS c0";
  for (int i = 1; i < 5000; ++i) query += ", count(n.a" + std::to_string(i) + ") AS c" + std::to_string(i);
  query += " ORDER BY c4999";
  EXPECT_EQ(bound(query).query.columns.size(), 5000u);
}

TEST_F(BindTest, LongChainsAreNoNesting) {
  std::string query = "RETURN 1";
  for (int i = 0; i < 100000; ++i) query += " + 1";
  EXPECT_EQ(bound(query + " AS x").query.columns.size(), 1u);
}

}  // namespace
}  // namespace lora::cypher
