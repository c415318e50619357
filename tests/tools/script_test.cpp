#include "tools/script.h"

#include <gtest/gtest.h>

namespace lora::tools {
namespace {

std::vector<std::string> split(std::initializer_list<const char*> lines, std::string* rest = nullptr) {
  StatementSplitter splitter;
  std::vector<std::string> statements;
  for (const char* line : lines) {
    splitter.add_line(line, &statements);
  }
  if (rest != nullptr) {
    *rest = splitter.idle() ? "" : splitter.take_rest();
  }
  return statements;
}

TEST(ScriptTest, StatementsEndAtSemicolons) {
  EXPECT_EQ(split({"CREATE (a); CREATE (b);", "CREATE", "(c);"}),
            (std::vector<std::string>{"CREATE (a)", " CREATE (b)", "CREATE\n(c)"}));
}

TEST(ScriptTest, SemicolonsInStringsNamesAndCommentsEndNothing) {
  EXPECT_EQ(split({"RETURN ';', \";\", `;` /* ; */; // ;"}), (std::vector<std::string>{"RETURN ';', \";\", `;`  "}));
  EXPECT_EQ(split({"RETURN '\\';', '//', 'a'';';"}), (std::vector<std::string>{"RETURN '\\';', '//', 'a'';'"}));
}

TEST(ScriptTest, StringsAndCommentsMayGoOverLines) {
  EXPECT_EQ(split({"RETURN 'a;", "b' /* one", "two; */ AS x;"}), (std::vector<std::string>{"RETURN 'a;\nb' \n  AS x"}));
}

TEST(ScriptTest, EmptyStatementsAndCommentsAreLeftOut) {
  EXPECT_TRUE(split({"", "// nothing", ";;", " /* nothing */ ;"}).empty());
}

TEST(ScriptTest, WhatHasNoSemicolonIsTheRest) {
  std::string rest;
  EXPECT_TRUE(split({"CREATE (a)", "  "}, &rest).empty());
  EXPECT_EQ(rest, "CREATE (a)\n  \n");
}

}  // namespace
}  // namespace lora::tools
