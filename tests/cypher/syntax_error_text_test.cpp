// Error messages with their place.
#include "cypher/syntax/error_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace lora::cypher {
namespace {

Status at(int64_t offset, std::string message) {
  return Status::compile_time(ErrorCode::kParse, "SyntaxError", "UnexpectedSyntax", std::move(message), offset);
}

TEST(ErrorText, ShowsLineAndCaretWithTheHintLast) {
  Status status = add_error_context(at(10, "expected a clause; found `RETRUN`; did you mean `RETURN`?"),
                                    "MATCH (n)\nRETRUN n\nLIMIT 1");
  EXPECT_EQ(status.message(),
            "expected a clause; found `RETRUN` (line 2, column 1)\n  RETRUN n\n  ^\ndid you mean `RETURN`?");
  EXPECT_EQ(status.info().line, 2);
  EXPECT_EQ(status.info().column, 1);
}

TEST(ErrorText, ColumnsCountCodePointsAndTheCaretCountsWidth) {
  std::string text = "RETURN '\xE5\x90\x8D\xE5\x89\x8D' x";  // two wide characters
  Status status = add_error_context(at(static_cast<int64_t>(text.size()) - 1, "found `x`"), text);
  EXPECT_EQ(status.info().column, 13);
  EXPECT_EQ(status.message(), "found `x` (line 1, column 13)\n  " + text + "\n  " + std::string(14, ' ') + "^");
}

TEST(ErrorText, TabsBecomeBlanks) {
  Status status = add_error_context(at(8, "found `x`"), "RETURN\t\tx");
  EXPECT_EQ(status.message(), "found `x` (line 1, column 9)\n  RETURN        x\n  " + std::string(14, ' ') + "^");
}

TEST(ErrorText, LongLinesAreClippedAroundThePlace) {
  std::string text = std::string(5000, 'a') + "X" + std::string(5000, 'b');
  Status status = add_error_context(at(5000, "here"), text);
  EXPECT_LT(status.message().size(), 300u);
  size_t line = status.message().find('\n') + 1;
  size_t caret_line = status.message().find('\n', line) + 1;
  size_t caret = status.message().find('^') - caret_line;
  EXPECT_EQ(status.message()[line + caret], 'X');
}

TEST(ErrorText, AnErrorAtTheEndPointsBehindTheText) {
  Status status = add_error_context(at(9, "expected an expression"), "RETURN \n\n");
  EXPECT_EQ(status.info().line, 1);
  EXPECT_EQ(status.message(), "expected an expression (line 1, column 7)\n  RETURN \n  " + std::string(6, ' ') + "^");
}

TEST(ErrorText, LeavesOtherErrorsAlone) {
  EXPECT_TRUE(add_error_context(Status(), "x").ok());
  EXPECT_EQ(add_error_context(Status::io("gone"), "x").message(), "gone");
  EXPECT_EQ(add_error_context(at(100, "beyond"), "x").message(), "beyond");
  Status once = add_error_context(at(0, "a"), "x");
  EXPECT_EQ(add_error_context(once, "x").message(), once.message());
}

TEST(ErrorText, BadUtf8DoesNotBreakIt) {
  std::string text = "RETURN \xFF\xC3";
  Status status = add_error_context(at(7, "not valid UTF-8"), text);
  EXPECT_THAT(status.message(), ::testing::HasSubstr("RETURN ??"));
}

TEST(ErrorText, SemicolonInBackQuotesIsNoHint) {
  Status status = add_error_context(at(0, "found `a; b`"), "x");
  EXPECT_EQ(status.message(), "found `a; b` (line 1, column 1)\n  x\n  ^");
}

}  // namespace
}  // namespace lora::cypher
