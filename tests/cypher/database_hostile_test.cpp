// Queries made to bring a process down: each ends with an answer or a typed error, within its budgets, and the handle
// goes on working. (Bytes that lie, hostile names and files have tests of their own beside what reads them.)
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "cypher/database.h"
#include "cypher/syntax/stack_guard.h"
#include "tests/support/small_stack.h"

namespace lora {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

std::string repeated(std::string_view part, size_t count) {
  std::string out;
  const size_t at = part.find('@');
  for (size_t i = 0; i < count; ++i) {
    out += part.substr(0, at);
    if (at != std::string_view::npos) out.append(std::to_string(i)).append(part.substr(at + 1));
  }
  return out;
}

class HostileTest : public ::testing::Test {
 protected:
  void SetUp() override { open({}); }
  void open(const DatabaseOptions& options) {
    auto db = Database::in_memory(options);
    ASSERT_TRUE(db.ok()) << db.status().to_string();
    db_ = std::move(db).value();
  }
  Status status(const std::string& query, const QueryOptions& options = {}) {
    return db_->execute(query, {}, options).status();
  }
  // What the first column of the only row says.
  Value answer(const std::string& query) {
    auto result = db_->execute(query);
    EXPECT_TRUE(result.ok()) << query.substr(0, 200) << "\n" << result.status().to_string();
    return result.ok() && result->row_count == 1 ? result->at(0, 0) : Value();
  }
  void expect_alive() { EXPECT_EQ(answer("RETURN 1").as_integer(), 1); }
  void fill(const std::string& query) { ASSERT_TRUE(status(query).ok()) << query; }

  std::unique_ptr<Database> db_;
};

// A `@` in `open` stands for the number of the level.
struct Nesting {
  std::string_view head, open, middle, close, tail;
};
// All of them are sound queries, so that depth is met by the binder, the planner and the evaluator too.
const Nesting kNestings[] = {
    {"RETURN ", "(", "1", ")", ""},
    {"RETURN ", "[", "1", "]", ""},
    {"RETURN ", "{a: ", "1", "}", ""},
    {"RETURN ", "coalesce(", "1", ")", ""},
    {"RETURN ", "NOT ", "true", "", ""},
    {"RETURN ", "1 + (", "1", ")", ""},
    {"WITH 1 AS a RETURN ", "- -", "a", "", ""},
    {"RETURN ", "CASE WHEN ", "true", " THEN true END", ""},
    {"RETURN ", "CASE true WHEN ", "true", " THEN true ELSE false END", ""},
    {"UNWIND range(1, 5) AS x RETURN ", "CASE WHEN x > 0 THEN ", "x", " END", " AS y"},
    {"UNWIND range(1, 5) AS x RETURN ", "CASE x WHEN 0 THEN 1 ELSE ", "x", " END", " AS y"},
    {"UNWIND range(1, 5) AS x RETURN ", "CASE WHEN ", "x > 1", " THEN true ELSE false END", " AS y"},
    {"UNWIND range(1, 5) AS x RETURN ", "abs(", "x", ")", " AS y"},
    {"WITH [true] AS xs RETURN ", "[x IN ", "xs", " WHERE x | x]", ""},
    {"WITH [1] AS xs RETURN ", "reduce(a = ", "1", ", x IN xs | a)", ""},
    {"WITH [true] AS xs RETURN ", "all(x IN xs WHERE ", "true", ")", ""},
    {"WITH {a: 1} AS n RETURN ", "n {a: ", "1", "}", ""},
    {"RETURN ", "CAST(", "1", " AS INTEGER)", ""},
    {"WITH [0] AS x RETURN ", "x[", "0", "]", ""},
    {"WITH {a: null} AS x RETURN x", ".a", "", "", ""},
    {"WITH [[]] AS x RETURN x", "[0..]", "", "", ""},
    {"WITH 1 AS x RETURN x", " IS NULL", "", "", ""},
    {"WITH 1 AS x RETURN x", "::INTEGER", "", "", ""},
    {"WITH 1 AS x RETURN x IS :: ", "LIST<", "INTEGER", ">", ""},
    {"MATCH (n:", "!", "A", "", ") RETURN n"},
    {"MATCH (n:", "(", "A", ")", ") RETURN n"},
    {"MATCH (n) WHERE ", "EXISTS { (n) WHERE ", "true", "}", " RETURN n"},
    {"MATCH (n) WHERE ", "EXISTS { MATCH (n) WHERE ", "true", " RETURN n}", " RETURN n"},
    {"", "CALL { ", "RETURN 1 AS x", " } RETURN x", ""},
    {"", "CALL { ", "RETURN 1 AS x", " } RETURN x UNION RETURN 2 AS x", ""},
    {"", "FOREACH (x@ IN [1] | ", "CREATE (:N)", ")", ""},
    {"MATCH (a) RETURN ", "[(a)-->() WHERE size(", "[1]", ") > 0 | 1]", " AS x"},
    {"RETURN ", "COLLECT { RETURN ", "1", " }", " AS x"},
    {"RETURN ", "COUNT { UNWIND [1] AS i@ RETURN ", "1", " AS x }", " AS x"},
    {"WITH 1 AS x ", "WITH [x] AS x ", "", "", "RETURN x"},
    {"WITH 1 AS x ", "WITH {a: x} AS x ", "", "", "RETURN x"},
    {"WITH 1 AS x ", "UNWIND [x] AS y WITH y AS x ", "", "", "RETURN x"},
    {"", "MATCH (n) WITH 1 AS one ", "", "", "RETURN one"},
    {"", "RETURN 1 AS x UNION ", "RETURN 1 AS x", "", ""},
    {"MATCH (a)", "-->()", "", "", " RETURN a"},
    {"CREATE (a)", "-[:R]->()", "", "", ""},
};

TEST_F(HostileTest, DeepQueriesEndTypedOnASmallStack) {
  for (const Nesting& n : kNestings) {
    for (size_t levels : {100u, 1'000u, 10'000u, 100'000u, 1'000'000u}) {
      const std::string query = std::string(n.head) + repeated(n.open, levels) + std::string(n.middle) +
                                repeated(n.close, levels) + std::string(n.tail);
      if (query.size() > (8u << 20)) continue;
      test::with_stack(test::kSmallStackBytes, [&] {
        for (const Status& s : {db_->explain(query).status(), status(query)}) {
          if (s.ok()) continue;
          EXPECT_EQ(s.code(), ErrorCode::kLimit) << n.open << levels << " " << s.to_string().substr(0, 300);
          // A chain of clauses or hops is no nesting: it meets the limits of steps or variables.
          const std::string& detail = s.info().detail;
          EXPECT_TRUE(detail == "depth" || detail == "text size" || detail == "variables")
              << n.open << levels << detail;
        }
        expect_alive();
      });
    }
  }
}

// A plan that was made and run on a large stack is in the cache when a thread with a small one asks for it.
TEST_F(HostileTest, PlansOfLargeStacksAreRefusedOnSmallOnes) {
  std::string query = "WITH 1 AS x ";
  for (int i = 0; i < 1'900; ++i) query += "UNWIND [x] AS y WITH y AS x ";
  query += "RETURN x";
  const Status large = status(query);
  if (!large.ok()) {
    EXPECT_EQ(large.code(), ErrorCode::kLimit) << large.to_string();
  }
  test::with_stack(test::kSmallStackBytes, [&] {
    for (const Status& s : {status(query), db_->explain(query).status()}) {
      if (!s.ok()) {
        EXPECT_EQ(s.code(), ErrorCode::kLimit) << s.to_string();
      }
    }
    expect_alive();
    db_.reset();  // frees it here
  });
}

// Values as deep as they may be, on a small stack, through everything that walks them.
TEST_F(HostileTest, DeepValuesEndTypedOnASmallStack) {
  for (const std::string deep :
       {"reduce(v = 1, i IN range(1, 995) | [v])", "reduce(v = 1, i IN range(1, 995) | {a: v})"}) {
    for (const std::string use : {"RETURN d",
                                  "RETURN d = e",
                                  "RETURN d < e",
                                  "RETURN d IN [e]",
                                  "RETURN DISTINCT d",
                                  "RETURN [d, e]",
                                  "UNWIND [d, e] AS x RETURN x ORDER BY x",
                                  "UNWIND [d, e] AS x RETURN max(x)",
                                  "UNWIND [d, e] AS x RETURN x, count(*)",
                                  "UNWIND [d, e] AS x RETURN count(DISTINCT x)",
                                  "RETURN collect(d)",
                                  "RETURN json.encode(d)",
                                  "RETURN json.decode(json.encode(d)) = d",
                                  "RETURN valueType(d)",
                                  "RETURN d IS :: LIST<INTEGER>",
                                  "RETURN value.size(d)",
                                  "RETURN value.keys(d)",
                                  "RETURN coalesce(d, e)",
                                  "RETURN list.flatten([d], 1000)",
                                  "RETURN list.unique([d, e])",
                                  "RETURN list.sort([d, e])",
                                  "RETURN list.count_by([d, e])",
                                  "RETURN list.index_of([d], e)",
                                  "RETURN list.scan([d], e)",
                                  "RETURN map.flatten({x: d})",
                                  "RETURN map.deep_merge({x: d}, {x: e})",
                                  "RETURN map.get_path({x: d}, ['x', 'a'])",
                                  "RETURN string.join([d], ',')",
                                  "RETURN toStringOrNull(d)",
                                  "RETURN toStringList([d])",
                                  "RETURN cast.try(d, STRING)",
                                  "CREATE (n:N {v: d}) RETURN n",
                                  "MATCH (n:N) WHERE n.v = d RETURN n",
                                  "MERGE (n:M {v: d}) RETURN n.v = e",
                                  "MATCH (n:N) SET n += {w: e} RETURN properties(n)",
                                  "RETURN d + e",
                                  "RETURN [x IN [d] | x]",
                                  "RETURN [d][0..1]",
                                  "CALL { WITH d RETURN d AS f } RETURN f",
                                  "RETURN EXISTS { UNWIND [d] AS x WITH x WHERE x = e RETURN x }"}) {
      const std::string query = "WITH " + deep + " AS d, " + deep + " AS e " + use;
      test::with_stack(test::kSmallStackBytes, [&] {
        const Status s = status(query);
        const bool typed =
            s.ok() || s.code() == ErrorCode::kLimit || s.code() == ErrorCode::kType || s.code() == ErrorCode::kSemantic;
        EXPECT_TRUE(typed) << use << "\n" << s.to_string().substr(0, 300);
        if (s.code() == ErrorCode::kLimit) {
          EXPECT_EQ(s.info().detail, "depth") << use;
        }
        expect_alive();
      });
    }
  }
}

TEST_F(HostileTest, DeepValuesOfLargeStacksEndTypedOnSmallOnes) {
  fill("CREATE (:N {v: reduce(v = 1, i IN range(1, 995) | [v]), w: reduce(v = 1, i IN range(1, 995) | {a: v})})");
  fill("CREATE (n:N) SET n = properties(head(COLLECT { MATCH (m:N) RETURN m }))");
  const Value params = make_params({{"p", answer("MATCH (n:N) RETURN n.v LIMIT 1")}});
  for (const char* use : {"MATCH (n:N) RETURN n",
                          "MATCH (n:N) RETURN n.v, n.w",
                          "MATCH (n:N), (m:N) RETURN n.v = m.v, n.w = m.w",
                          "MATCH (n:N) RETURN DISTINCT n.v",
                          "MATCH (n:N) RETURN n.w ORDER BY n.v, n.w",
                          "MATCH (n:N) RETURN max(n.v), collect(n.w)",
                          "MATCH (n:N) RETURN json.encode(n)",
                          "MATCH (n:N) RETURN json.encode(n.v)",
                          "MATCH (n:N) RETURN list.flatten(n.v, 1000)",
                          "MATCH (n:N) RETURN map.flatten(n.w)",
                          "MATCH (n:N) SET n.x = n.v",
                          "MATCH (n:N) RETURN keys(n.w)",
                          "MATCH (n:N) CREATE (:M {v: n.v, w: n.w})",
                          "MATCH (n:N) RETURN [n.v, n.w]",
                          "MATCH (n:N) WHERE n.v = $p RETURN count(n)",
                          "RETURN $p",
                          "RETURN [$p]",
                          "CREATE (:P {p: $p})",
                          "MATCH (n:N) WHERE n.v IN [$p] RETURN count(n)",
                          "MATCH (n:N) WITH n.v AS v, count(*) AS c RETURN c",
                          "MATCH (n:N) RETURN n.v IS :: LIST<ANY>, valueType(n.w)"}) {
    test::with_stack(test::kSmallStackBytes * cypher::kFrameFactor, [&] {
      const auto result = db_->execute(use, params);
      if (!result.ok()) {
        EXPECT_EQ(result.status().code(), ErrorCode::kLimit) << use << result.status().to_string();
      }
      expect_alive();
    });
  }
}

TEST_F(HostileTest, ValuesNestNoDeeperThanAThousandLevels) {
  for (const char* step : {"[v]", "{a: v}", "[[v[0]]]", "list.append([], v)", "map.set({}, 'a', v)",
                           "collect { RETURN v }", "v {.a, b: v}"}) {
    const std::string start = std::string(step).find('{') == 0 || step[0] == 'm' || step[2] == '{' ? "{}" : "[]";
    const std::string query = "WITH reduce(v = " + start + ", i IN range(1, 100000) | " + step + ") AS v RETURN v";
    const Status s = status(query);
    EXPECT_EQ(s.code(), ErrorCode::kLimit) << query << "\n" << s.to_string().substr(0, 300);
    EXPECT_EQ(s.info().detail, "depth") << query;
  }
  expect_alive();
}

// Little memory, but endless for whoever walks it: [v, v] sixty times has 2^60 items.
TEST_F(HostileTest, SharedPartsCountAsOftenAsTheyOccur) {
  for (const char* step :
       {"[v, v]", "{a: v, b: v}", "v + v", "list.concat([v], [v])", "list.repeat([v], 2)", "[x IN [1, 2] | v]",
        "collect { UNWIND [1, 2] AS x RETURN v }", "map.from([['a', v], ['b', v]])"}) {
    const std::string query = "WITH reduce(v = [1], i IN range(1, 60) | " + std::string(step) + ") AS v RETURN v = v";
    const Status s = status(query);
    EXPECT_EQ(s.code(), ErrorCode::kMemoryLimit) << query << "\n" << s.to_string().substr(0, 300);
  }
  std::string query = "WITH [1] AS v ";
  for (int i = 0; i < 60; ++i) query += "WITH [v, v] AS v ";
  EXPECT_EQ(status(query + "RETURN v").code(), ErrorCode::kMemoryLimit);
  query = "WITH [1] AS v ";
  for (int i = 0; i < 60; ++i) query += "UNWIND [1, 2] AS x WITH collect(v) AS v ";
  EXPECT_EQ(status(query + "RETURN v").code(), ErrorCode::kMemoryLimit);
  expect_alive();
}

TEST_F(HostileTest, LongChainsAreQuick) {
  constexpr size_t kTerms = 100'000;
  struct {
    std::string_view first, term;
  } chains[] = {
      {"1", " + 1"},   {"1.5", " * 1.0"}, {"true", " AND true"}, {"false", " OR false"}, {"true", " XOR true"},
      {"1", " = 1"},   {"1", " < 2"},     {"'a'", " || 'b'"},    {"[1", ", 1"},          {"coalesce(null", ", null"},
      {"'a'", " + 1"}, {"[1]", " + [2]"}, {"[1]", " || [2]"},    {"[1]", " + 2"},        {"1", " + [1]"}};
  for (const auto& chain : chains) {
    std::string query = "RETURN " + std::string(chain.first) + repeated(chain.term, kTerms);
    if (chain.first == "[1") query += "]";
    if (chain.first.front() == 'c') query += ")";
    const auto begin = Clock::now();
    const auto result = db_->execute(query + " AS x");
    EXPECT_TRUE(result.ok()) << chain.term << " " << result.status().to_string().substr(0, 300);
    EXPECT_LT(Clock::now() - begin, milliseconds(10'000)) << chain.term;  // some 0.1 s
  }
  EXPECT_EQ(answer("RETURN 1" + repeated(" + 1", kTerms)).as_integer(), static_cast<int64_t>(kTerms) + 1);
}

TEST_F(HostileTest, RegularExpressionsTakeLinearTime) {
  EXPECT_TRUE(answer("RETURN string.repeat('a', 1000000) =~ '(a+)+$'").as_boolean());
  EXPECT_FALSE(answer("RETURN string.repeat('a', 1000000) + 'b' =~ '(a+)+$'").as_boolean());
  EXPECT_FALSE(answer("RETURN string.repeat('a', 1000000) =~ '(a|aa)+b|(a*)*c'").as_boolean());
  for (const char* query : {"RETURN string.repeat('a', 1000000) =~ '(.*){1000}'",
                            "RETURN string.matches(string.repeat('a', 1000000), '(.*){1000}')",
                            "RETURN string.regex_groups(string.repeat('a', 1000000), '(.*){1000}')",
                            "RETURN 'a' =~ string.repeat('a', 65537)"}) {
    const auto begin = Clock::now();
    const Status s = status(query);
    EXPECT_EQ(s.code(), ErrorCode::kLimit) << query << " " << s.to_string();
    EXPECT_LT(Clock::now() - begin, milliseconds(2'000)) << query;
  }
  EXPECT_TRUE(answer("RETURN string.repeat('ab', 10000) =~ '(.*){100}'").as_boolean());
  EXPECT_EQ(status("RETURN 'a' =~ '((a{0,100}){0,100}){0,100}'").code(), ErrorCode::kType);
  EXPECT_EQ(status("RETURN 'aa' =~ '(a)\\\\1'").code(), ErrorCode::kType);
  expect_alive();
}

// The size is known before anything is made, or what is made is charged while it grows.
TEST_F(HostileTest, LargeValuesKeepToTheMemoryBudget) {
  DatabaseOptions options;
  options.query_memory_bytes = 64 << 20;
  open(options);
  for (const char* query :
       {"RETURN range(1, 1000000000000)",
        "RETURN size(range(1, 1000000000000))",
        "RETURN list.repeat([1], 1000000000000)",
        "RETURN lpad('a', 10000000000, 'b')",
        "RETURN [x IN range(1, 3000000) | [x, x, x]]",
        "RETURN [x IN range(1, 100000) | [y IN range(1, 100000) | y]]",
        "RETURN [x IN range(1, 100) | string.repeat('a', 1000000)]",
        "RETURN [x IN range(1, 100) | [string.repeat('a', 1000000)]]",
        "RETURN reduce(s = 'a', x IN range(1, 100) | s + s)",
        "RETURN reduce(s = 'a', x IN range(1, 100) | s || s)",
        "RETURN reduce(s = [1], x IN range(1, 100) | s + s)",
        "RETURN replace(string.repeat('a', 100000), 'a', string.repeat('b', 100000))",
        "RETURN list.combinations(range(1, 40), 20)",
        "RETURN split(string.repeat('a', 10000000), '')",
        "WITH string.repeat('a', 10000000) AS s RETURN [x IN range(1, 1000) | s]",
        "WITH string.repeat('a', 10000000) AS s RETURN size(string.join([x IN range(1, 1000) | s], ','))",
        "WITH string.repeat('a', 10000000) AS s RETURN size(json.encode([x IN range(1, 1000) | s]))",
        "WITH string.repeat('a', 10000000) AS s UNWIND range(1, 1000) AS x RETURN collect(s)",
        "UNWIND range(1, 10000000) AS x RETURN collect(x)",
        "UNWIND range(1, 10000000) AS x RETURN DISTINCT toString(x)",
        "UNWIND range(1, 10000000) AS x CREATE (:N {x: x})"}) {
    const Status s = status(query);
    EXPECT_EQ(s.code(), ErrorCode::kMemoryLimit) << query << " " << s.to_string();
  }
  EXPECT_EQ(status("RETURN string.repeat('a', 1000000000000)").code(), ErrorCode::kLimit);
  EXPECT_EQ(answer("MATCH (n) RETURN count(n)").as_integer(), 0);
}

// What one row has made is not charged to the next.
TEST_F(HostileTest, WhatIsDroppedIsNotCharged) {
  DatabaseOptions options;
  options.query_memory_bytes = 16 << 20;
  open(options);
  EXPECT_EQ(answer("UNWIND range(1, 1000000) AS x RETURN sum(size(list.sort([x, 1, 2])))").as_integer(), 3'000'000);
  EXPECT_EQ(answer("UNWIND range(1, 1000) AS x RETURN sum(size(string.repeat('a', 100000 + x % 2)))").as_integer(),
            100'000'500);
  EXPECT_EQ(answer("UNWIND range(1, 1000) AS x WITH x WHERE size(string.repeat('a', 100000)) > x RETURN count(x)")
                .as_integer(),
            1'000);
  EXPECT_EQ(answer("RETURN size([x IN range(1, 1000) WHERE size(string.repeat('a', 100000)) > x | x])").as_integer(),
            1'000);
  EXPECT_TRUE(answer("RETURN all(x IN range(1, 1000) WHERE size(string.repeat('a', 100000)) > x)").as_boolean());
  EXPECT_EQ(answer("RETURN size(reduce(s = '', x IN range(1, 10000) | s + 'x'))").as_integer(), 10'000);
  EXPECT_EQ(answer("RETURN size(reduce(l = [], x IN range(1, 5000) | list.append(l, x)))").as_integer(), 5'000);
  fill("UNWIND range(1, 20000) AS x CREATE (:S {t: 'some text of ' + x})");
  EXPECT_EQ(
      answer("MATCH (n:S) UNWIND range(1, 50) AS j WITH n, j WHERE toUpper(n.t) <> 'X' RETURN count(*)").as_integer(),
      1'000'000);
  EXPECT_EQ(
      answer("MATCH (n:S) UNWIND range(1, 50) AS j WITH n, j WHERE n.t + 'x' <> 'X' RETURN count(*)").as_integer(),
      1'000'000);
}

// Nor do plans, which wait for their next run, keep the columns of large texts.
TEST_F(HostileTest, PlansKeepNoLargeColumns) {
  fill("UNWIND range(1, 2000) AS x CREATE (:S {t: 'text ' + x})");
  const auto in_use = [] {
    const struct mallinfo2 info = mallinfo2();  // 0 where a sanitizer allocates
    return info.uordblks + info.hblkhd;
  };
  const size_t before = in_use();
  for (int i = 0; i < 5; ++i) {
    const std::string query =
        "MATCH (n:S) RETURN max(size(toUpper(n.t + string.repeat('a', 20000)) + 'x')) AS m" + std::to_string(i);
    EXPECT_EQ(answer(query).as_integer(), 20'010) << query;
  }
  const size_t after = in_use();
  EXPECT_LT(after, before + (30u << 20));  // each made texts of 80 MB
}

TEST_F(HostileTest, BytesThatAreNoUtf8AreRefused) {
  for (const std::string bad :
       {"\xff", "\xc0\x80", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "\xf0\x9f\x98"}) {
    for (const std::string& text : {"RETURN '" + bad + "'", "RETURN 1 AS `" + bad + "`", "RETURN 1 AS x" + bad,
                                    "MATCH (n:" + bad + ") RETURN n", "RETURN $" + bad, bad, "RETURN \"a" + bad}) {
      for (const Status& s : {status(text), db_->explain(text).status(), status(text)}) {
        EXPECT_EQ(s.code(), ErrorCode::kParse) << text;
      }
    }
    EXPECT_TRUE(status("// " + bad + "\nRETURN 1").ok());  // what nobody reads
    EXPECT_TRUE(status("/* " + bad + " */ RETURN 1").ok());
    for (const Value& value :
         {Value::string(bad), Value::list({Value::integer(1), Value::list({Value::string("a" + bad)})}),
          make_params({{"k" + bad, Value()}}), make_params({{"k", make_params({{"m", Value::string(bad)}})}})}) {
      const Params params = make_params({{"p", value}});
      EXPECT_EQ(db_->execute("CREATE (n {p: $p}) RETURN n", params).status().code(), ErrorCode::kInvalidParams);
      EXPECT_EQ(db_->stream("RETURN $p", params).status().code(), ErrorCode::kInvalidParams);
      auto transaction = db_->begin();
      ASSERT_TRUE(transaction.ok());
      EXPECT_EQ((*transaction)->execute("RETURN $p", params).status().code(), ErrorCode::kInvalidParams);
    }
  }
  EXPECT_EQ(answer("MATCH (n) RETURN count(n)").as_integer(), 0);
}

// 10^9 rows and more; paths without end. Each stops soon after its time is up.
TEST_F(HostileTest, BombsEndWithTheirTimeout) {
  fill("UNWIND range(1, 50) AS i CREATE (:K {i: i, t: toString(i)})");
  fill("MATCH (a:K), (b:K) WHERE a <> b CREATE (a)-[:R {w: a.i}]->(b)");
  fill("UNWIND range(1, 2000) AS i CREATE (:L {i: i})");
  const char* bombs[] = {
      "UNWIND range(1, 1000000000000) AS x RETURN count(x % 7)",
      "UNWIND range(1, 1000000000000) AS x WITH x WHERE x < 0 RETURN x",
      "UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y UNWIND range(1, 100000) AS z RETURN sum(x * y * z)",
      "UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y RETURN count(DISTINCT x % 2 + y % 2)",
      "UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y WITH x + y AS s ORDER BY s LIMIT 3 RETURN s",
      "UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y WITH x % 3 AS k, y RETURN k, avg(y)",
      "UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y WITH x, y WHERE toString(x) =~ 'a.*' RETURN x",
      "UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y WITH x, y WHERE 'abc' CONTAINS toString(y) RETURN x",
      "UNWIND range(1, 100000) AS x CALL (x) { UNWIND range(1, 100000) AS y RETURN sum(y) AS s } RETURN sum(s)",
      "UNWIND range(1, 100000) AS x RETURN sum(COUNT { UNWIND range(1, 100000) AS y WITH y WHERE y % 7 = x % 7 RETURN "
      "y })",
      // NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one query on two lines
      "UNWIND range(1, 100000) AS x WITH x WHERE EXISTS { UNWIND range(1, 100000) AS y WITH y WHERE y < 0 RETURN y } "
      "RETURN x",
      "MATCH (a:K), (b:K) RETURN max(size(trim(a.t + string.repeat('\u00e9', 1000), lpad('\u00e9', 1000, '\u044f'))))",
      "RETURN reduce(s = 0, x IN range(1, 1000000) | s + reduce(t = 0, y IN range(1, 1000) | t + 1))",
      "RETURN all(x IN range(1, 1000000) WHERE any(y IN range(1, 100000) WHERE y = x + 100000) OR x > 0)",
      "RETURN size([x IN range(1, 1000000) WHERE size([y IN range(1, 100000) WHERE y < 0]) > 0])",
      "UNWIND range(1, 100000) AS x RETURN max(text.distance(string.repeat('ab', 20000), string.repeat('ba', 20000), "
      "'levenshtein'))",
      "UNWIND range(1, 100000) AS x WITH size(list.shuffle(range(1, 100000))) AS s RETURN max(s)",
      "UNWIND range(1, 100000) AS x RETURN max(size(split(string.repeat('a,', 100000), ',')))",
      "UNWIND range(1, 100000) AS x RETURN max(size(list.unique([y IN range(1, 20000) | y % 5000])))",
      "MATCH p = (a:K {i: 1})-[*1..10]->(b) RETURN count(p)",
      "MATCH p = (a:K {i: 1})-[*1..10]->(b) WITH collect(p) AS ps RETURN size(ps)",
      "MATCH (a:K {i: 1})-[*]-(b:K {i: 2}) RETURN count(*)",
      "MATCH (c:K)-->{8}(d) RETURN count(*)",
      "MATCH (a:K) ((x)-[r:R]->(y) WHERE x.i < 100){6,9} (b:K) RETURN count(*)",
      "MATCH p = SHORTEST 1000000 (a:K {i: 1})-[:R]->+(b:K {i: 2}) RETURN count(p)",
      "MATCH (a:K), (b:K), (c:K), (d:K), (e:K), (f:K) WHERE a.i + b.i + c.i + d.i + e.i + f.i = 0 RETURN count(*)",
      "MATCH (a:L), (b:L), (c:L) WHERE a.i = b.i + c.i + 5000 RETURN count(*)",
      "MATCH (a:K)-->(b)-->(c)-->(d)-->(e) WHERE a.i + e.i = 1000 RETURN count(*)",
      "MATCH (a:K)--(b)--(c)--(d)--(e)--(f)--(g) RETURN count(DISTINCT a)",
      "UNWIND range(1, 1000000000) AS x MATCH (a:K {i: x % 50}) RETURN count(a.t)",
      "UNWIND range(1, 1000000000) AS x OPTIONAL MATCH (a:K {i: -x}) RETURN count(a)",
      "UNWIND range(1, 1000000000) AS x MATCH (a:K {i: 1}) SET a.v = x",
      "UNWIND range(1, 1000000000) AS x MERGE (a:M {i: x % 3}) SET a.v = x",
      "UNWIND range(1, 1000000000) AS x CREATE (n:T) DELETE n",
      "MATCH (a:K) FOREACH (x IN range(1, 10000000) | FOREACH (y IN range(1, 1000) | SET a.v = x))",
      "UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y RETURN x AS z UNION RETURN 1 AS z",
      "UNWIND range(1, 100000) AS x UNWIND range(1, 100000) AS y RETURN x UNION ALL RETURN 1 AS x",
  };
  std::vector<int64_t> late_ms;
  for (const char* bomb : bombs) {
    QueryOptions options;
    options.timeout = milliseconds(50);
    const auto begin = Clock::now();
    const Status s = status(bomb, options);
    const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
    const bool ended = s.code() == ErrorCode::kTimeout || s.code() == ErrorCode::kMemoryLimit;
    EXPECT_TRUE(ended) << bomb << "\n" << s.to_string();
    late_ms.push_back(took.count() - 50);
    EXPECT_LT(late_ms.back(), 2'000) << bomb;  // one machine is busy, another instrumented; the median is held tighter
    expect_alive();
  }
  std::sort(late_ms.begin(), late_ms.end());
  std::printf("late: median %lld ms, 9 of 10 %lld ms, worst %lld ms\n",
              static_cast<long long>(late_ms[late_ms.size() / 2]),
              static_cast<long long>(late_ms[late_ms.size() * 9 / 10]), static_cast<long long>(late_ms.back()));
  EXPECT_LE(late_ms[late_ms.size() / 2], 50);
  EXPECT_EQ(answer("MATCH (n) RETURN count(n)").as_integer(), 2'050);
  EXPECT_EQ(answer("MATCH (n:K) WHERE n.v IS NOT NULL RETURN count(n)").as_integer(), 0);
}

}  // namespace
}  // namespace lora
