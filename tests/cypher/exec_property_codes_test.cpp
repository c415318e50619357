// Grouping by texts of nodes that come again and again: the groups are those of the texts, whatever is met on the way.
#include "cypher/exec/property_codes.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "cypher/database.h"
#include "tests/support/result_text.h"

namespace lora {
namespace {

class PropertyCodesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto db = Database::in_memory();
    ASSERT_TRUE(db.ok());
    db_ = std::move(db).value();
    // 600 nodes in id order: twelve cities, every seventh none; and relationships, so that ids have gaps of other
    // labels.
    run("UNWIND range(0, 599) AS i CREATE (:N {i: i, c: CASE WHEN i % 7 = 0 THEN null ELSE 'city ' + (i % 12) END, "
        "d: 'd' + (i % 5)}) CREATE (:Other {c: i})");
  }
  void run(const std::string& query) {
    const auto result = db_->execute(query);
    ASSERT_TRUE(result.ok()) << query << result.status().to_string();
  }
  // The rows as text, in the order they come.
  static std::string rows_of(const Result<QueryResult>& result) {
    if (!result.ok()) return result.status().to_string();
    std::string out;
    for (size_t row = 0; row < result->row_count; ++row) {
      for (size_t column = 0; column < result->columns.size(); ++column)
        out += test::result_text(result->at(row, column)) + " ";
      out += "\n";
    }
    return out;
  }
  // Each node `times` times, grouped by `keys`; against one pass over the nodes, whose counts are multiplied.
  void compare(const std::string& keys, int times) {
    const std::string range = "UNWIND range(1, " + std::to_string(times) + ") AS r ";
    const std::string many = "MATCH (n:N) " + range + "RETURN " + keys + ", count(*) AS n, sum(n.i) AS s";
    const std::string other = range + "MATCH (n:N) RETURN " + keys + ", count(*) AS n, sum(n.i) AS s";
    const std::string once = "MATCH (n:N) WITH " + keys + ", count(*) AS rows, sum(n.i) AS total RETURN " +
                             names(keys) + ", rows * " + std::to_string(times) + " AS n, total * " +
                             std::to_string(times) + " AS s";
    const std::string expected = rows_of(db_->execute(once));
    EXPECT_EQ(rows_of(db_->execute(many)), expected) << many;
    EXPECT_EQ(rows_of(db_->execute(other)), expected) << other;
  }
  static std::string names(const std::string& keys) {
    std::string out;
    for (size_t at = keys.find(" AS "); at != std::string::npos; at = keys.find(" AS ", at + 1)) {
      out += (out.empty() ? "" : ", ") + keys.substr(at + 4, keys.find(',', at) - at - 4);
    }
    return out;
  }
  std::unique_ptr<Database> db_;
};

TEST_F(PropertyCodesTest, GroupsAreThoseOfTheTexts) {
  for (int times : {1, 30, 200}) {
    compare("n.c AS c", times);
    compare("n.c AS c, n.d AS d", times);
    compare("n.d AS d, n.c AS c, n.i % 2 AS m", times);
    compare("n.c AS c, n.c AS again", times);
  }
}

TEST_F(PropertyCodesTest, AValueThatIsNoTextEndsIt) {
  run("MATCH (n:N {i: 590}) SET n.c = 1");
  run("MATCH (n:N {i: 592}) SET n.c = 1.0");
  run("MATCH (n:N {i: 594}) SET n.c = ['a', 'list']");
  run("MATCH (n:N {i: 595}) SET n.c = string.repeat('long text ', 100)");
  for (int times : {1, 30, 200}) {
    compare("n.c AS c", times);
    compare("n.d AS d, n.c AS c", times);
  }
}

TEST_F(PropertyCodesTest, KeysThatAreNoTextsAtAll) {
  run("MATCH (n:N) SET n.c = n.i % 5");
  compare("n.c AS c", 200);
  run("MATCH (n:N) SET n.c = CASE n.i % 3 WHEN 0 THEN 1 WHEN 1 THEN 1.0 ELSE 'x' END");
  compare("n.c AS c, n.d AS d", 200);
  compare("n.none AS c", 200);
}

TEST_F(PropertyCodesTest, NullNodesHaveAGroup) {
  const auto result = db_->execute(
      "UNWIND range(1, 50000) AS i OPTIONAL MATCH (n:N {i: i}) RETURN n.c AS c, count(*) AS k ORDER BY k DESC LIMIT 1");
  EXPECT_EQ(rows_of(result), "null 49486 \n");
}

// Few nodes far up: neither their neighbours' texts nor an array for all ids may count against the budget.
TEST_F(PropertyCodesTest, FewNodesAmongManyStayWithinASmallBudget) {
  DatabaseOptions options;
  options.query_memory_bytes = 1 << 20;
  auto db = Database::in_memory(options);
  ASSERT_TRUE(db.ok());
  for (int i = 0; i < 20; ++i) {
    const auto made = (*db)->execute("UNWIND range(0, 9999) AS i CREATE (:P {i: $from + i, t: 'text ' + ($from + i)})",
                                     Value::map({{Value::string("from"), Value::integer(i * 10'000)}}));
    ASSERT_TRUE(made.ok()) << made.status().to_string();
  }
  const auto result =
      (*db)->execute("MATCH (p:P) WHERE p.i % 1000 = 999 UNWIND range(1, 400) AS r RETURN p.t AS t, count(*) AS n");
  ASSERT_TRUE(result.ok()) << result.status().to_string();
  ASSERT_EQ(result->row_count, 200u);
  for (size_t row = 0; row < result->row_count; ++row) ASSERT_EQ(result->at(row, 1).as_integer(), 400);
}

// In a transaction that has deleted nodes, only those are read that rows hold.
TEST_F(PropertyCodesTest, TransactionsSeeTheirOwnChanges) {
  auto begun = db_->begin();
  ASSERT_TRUE(begun.ok());
  auto& transaction = *begun;
  ASSERT_TRUE(transaction->execute("MATCH (n:N) WHERE n.i % 10 = 3 DETACH DELETE n").ok());
  ASSERT_TRUE(transaction->execute("MATCH (n:N) WHERE n.i % 10 = 4 SET n.c = 'four'").ok());
  const std::string many =
      rows_of(transaction->execute("MATCH (n:N) UNWIND range(1, 100) AS r RETURN n.c AS c, count(*) AS k"));
  EXPECT_EQ(many, rows_of(transaction->execute("MATCH (n:N) WITH n.c AS c, count(*) AS k RETURN c, k * 100 AS k")));
  EXPECT_NE(many.find("'four' 6000"), std::string::npos) << many;
}

// Where the statement changes what it groups by, each row shows what it found.
TEST_F(PropertyCodesTest, AStatementThatWritesReadsAnew) {
  const auto result = db_->execute(
      "MATCH (n:N {i: 1}) UNWIND range(1, 30000) AS r SET n.c = 'c' + r % 3 WITH n, r RETURN n.c AS c, count(*) AS k");
  ASSERT_TRUE(result.ok()) << result.status().to_string();
  int64_t sum = 0;
  for (size_t row = 0; row < result->row_count; ++row) sum += result->at(row, 1).as_integer();
  EXPECT_EQ(sum, 30'000);
}

}  // namespace
}  // namespace lora
