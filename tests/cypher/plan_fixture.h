// A database in memory whose plans are compared as one short line.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "cypher/database.h"

namespace lora::test {

class PlanTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto db = Database::in_memory();
    ASSERT_TRUE(db.ok()) << db.status().to_string();
    db_ = std::move(db).value();
  }
  void run(const std::string& query) {
    const auto result = db_->execute(query);
    ASSERT_TRUE(result.ok()) << query << "\n" << result.status().to_string();
  }
  // 1 000 people who know each other in a ring and five cities; an index on Person(name), a unique one on Person(id).
  void fill() {
    run("CREATE CONSTRAINT person_id FOR (p:Person) REQUIRE p.id IS UNIQUE");
    run("CREATE INDEX person_name FOR (p:Person) ON (p.name)");
    run("UNWIND range(0, 4) AS i CREATE (:City {name: 'city' + i})");
    run("UNWIND range(0, 999) AS i CREATE (:Person {id: i, name: 'name' + (i % 500), age: i % 80})");
    run("MATCH (a:Person), (b:Person) WHERE b.id = (a.id + 1) % 1000 CREATE (a)-[:KNOWS {since: a.id}]->(b)");
    run("MATCH (a:Person), (c:City) WHERE c.name = 'city' + (a.id % 5) CREATE (a)-[:LIVES_IN]->(c)");
  }
  std::string plan(const std::string& query) {
    const auto plan = db_->explain(query);
    return plan.ok() ? plan->short_form() : plan.status().to_string();
  }
  // The single value of a query's single row.
  Value value(const std::string& query) {
    const auto result = db_->execute(query);
    EXPECT_TRUE(result.ok()) << query << "\n" << result.status().to_string();
    if (!result.ok() || result->values.size() != 1) {
      ADD_FAILURE() << query << " gave " << (result.ok() ? result->values.size() : 0) << " values";
      return Value();
    }
    return result->values[0];
  }
  int64_t number(const std::string& query) {
    const Value v = value(query);
    EXPECT_TRUE(v.is_integer()) << query;
    return v.is_integer() ? v.as_integer() : -1;
  }

  std::unique_ptr<Database> db_;
};

}  // namespace lora::test
