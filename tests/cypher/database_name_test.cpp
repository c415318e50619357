#include "cypher/database_name.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temp_directory.h"

namespace lora::cypher {
namespace {

TEST(DatabaseNameTest, NamesBecomeDirectories) {
  const tests::TempDirectory dir;
  for (const auto& [name, path] : std::vector<std::pair<std::string, std::string>>{
           {"app", "app.loradb"},
           {"app.loradb", "app.loradb"},
           {"a+b_c-D9", "a+b_c-D9.loradb"},
           {"team/graph", "team/graph.loradb"},
           {"team\\graph.loradb", "team/graph.loradb"},
       }) {
    const auto resolved = resolve_database_path(name, dir.path());
    ASSERT_TRUE(resolved.ok()) << name << ": " << resolved.status().to_string();
    EXPECT_EQ(*resolved, dir / path);
  }
}

TEST(DatabaseNameTest, OtherNamesAreRefused) {
  const tests::TempDirectory dir;
  for (const std::string name : {"", ".", "..", "/etc/x", "\\x", "a//b", "a/", "../x", "a/../b", "a b", "a.b",
                                 "a.loradb.loradb", ".loradb", "a.loradb/b", "gr\xc3\xa4ph", "C:\\x", "a\nb", "a*"}) {
    const auto resolved = resolve_database_path(name, dir.path());
    ASSERT_FALSE(resolved.ok()) << name;
    EXPECT_EQ(resolved.status().code(), ErrorCode::kDatabaseName) << name;
  }
  EXPECT_EQ(resolve_database_path(std::string("a\0b", 3), dir.path()).status().code(), ErrorCode::kDatabaseName);
  EXPECT_EQ(resolve_database_path(std::string(300, 'a'), dir.path()).status().code(), ErrorCode::kDatabaseName);
}

TEST(DatabaseNameTest, SymbolicLinksMayNotLeaveTheDirectory) {
  const tests::TempDirectory dir, elsewhere;
  std::filesystem::create_directory_symlink(elsewhere.path(), dir / "link");
  EXPECT_EQ(resolve_database_path("link/x", dir.path()).status().code(), ErrorCode::kDatabaseName);
  std::filesystem::create_directory(elsewhere / "target");
  std::filesystem::create_directory_symlink(elsewhere / "target", dir / "db.loradb");
  EXPECT_EQ(resolve_database_path("db", dir.path()).status().code(), ErrorCode::kDatabaseName);
  std::filesystem::create_directory(dir / "inside");
  std::filesystem::create_directory_symlink(dir / "inside", dir / "ok");
  EXPECT_TRUE(resolve_database_path("ok/x", dir.path()).ok());
  // The directory itself may be a link.
  std::filesystem::create_directory_symlink(dir.path(), elsewhere / "root");
  EXPECT_TRUE(resolve_database_path("x", elsewhere / "root").ok());
}

TEST(DatabaseNameTest, NothingIsCreated) {
  const tests::TempDirectory dir;
  ASSERT_TRUE(resolve_database_path("a/b/c", dir / "missing/deep").ok());
  EXPECT_FALSE(std::filesystem::exists(dir / "missing"));
}

}  // namespace
}  // namespace lora::cypher
