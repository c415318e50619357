// Every function row is tried: its example runs and gives what the row says, and wrong arguments are typed errors.
#include <gtest/gtest.h>

#include <string>

#include "cypher/database.h"
#include "cypher/functions/function.h"
#include "tests/support/result_text.h"

namespace lora::cypher {

namespace {

class FunctionsTest : public testing::Test {
 protected:
  FunctionsTest() : db_(std::move(*Database::in_memory())) {}

  // The single value a query gives, as text; an error as its text.
  std::string value(const std::string& query) {
    auto result = db_->execute(query);
    if (!result.ok()) return result.status().to_string();
    if (result->row_count != 1) return std::to_string(result->row_count) + " rows";
    return test::result_text(result->at(0, 0));
  }

  std::unique_ptr<Database> db_;
};

}  // namespace

TEST_F(FunctionsTest, EveryExampleGivesWhatItsRowSays) {
  ASSERT_GT(all_functions().size(), 100u);
  for (const FunctionSpec* spec : all_functions()) {
    SCOPED_TRACE(std::string(spec->name));
    EXPECT_FALSE(spec->description.empty());
    if (spec->example.empty()) continue;
    EXPECT_EQ(value("RETURN " + std::string(spec->example)), value("RETURN " + std::string(spec->example_result)));
  }
}

TEST_F(FunctionsTest, EveryAggregateExampleGivesWhatItsRowSays) {
  for (const AggregateSpec* spec : all_aggregates()) {
    SCOPED_TRACE(std::string(spec->name));
    EXPECT_EQ(value(std::string(spec->example)), value("RETURN " + std::string(spec->example_result)));
  }
}

TEST_F(FunctionsTest, EveryFunctionIsFoundByEachNameInAnyCase) {
  for (const FunctionSpec* spec : all_functions()) {
    EXPECT_EQ(find_function(spec->name), spec);
    std::string upper(spec->name);
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    EXPECT_EQ(find_function(upper), spec);
    for (std::string_view alias : spec->aliases) EXPECT_EQ(find_function(alias), spec) << alias;
  }
  EXPECT_EQ(find_function("noSuchFunction"), nullptr);
}

// Whatever the arguments are, a call gives a value or a typed error.
TEST_F(FunctionsTest, OddArgumentsAreAnswersOrTypedErrors) {
  const char* const odd[] = {"null",
                             "true",
                             "-9223372036854775808",
                             "9223372036854775807",
                             "0.0 / 0.0",
                             "1.0 / 0.0",
                             "''",
                             "'é\\u0000'",
                             "[]",
                             "[null, 1, 'a']",
                             "{}",
                             "{a: {b: 1}}",
                             "date('-999999999-01-01')",
                             "duration('PT-0.000000001S')",
                             "point({x: 0, y: 0})"};
  for (const FunctionSpec* spec : all_functions()) {
    for (const char* argument : odd) {
      for (int count = spec->min_args; count <= std::min<int>(spec->max_args, spec->min_args + 2); ++count) {
        if (count == 0) continue;
        std::string call = "WITH " + std::string(argument) + " AS x RETURN " + std::string(spec->name) + "(x";
        for (int i = 1; i < count; ++i) call += ", x";
        auto result = db_->execute(call + ")");
        if (!result.ok()) {
          EXPECT_NE(result.status().code(), ErrorCode::kInternal) << call << result.status().to_string();
        }
      }
    }
  }
}

TEST_F(FunctionsTest, NearNamesAreSuggested) {
  EXPECT_EQ(nearest_function("toUper"), "toUpper");
  EXPECT_EQ(nearest_function("zzzzzzzzzzzz"), "");
}

}  // namespace lora::cypher
