// The programs, and databases that another process has open.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <thread>

#include "tests/tools/dump_fixture.h"
#include "tools/database_path.h"

namespace lora::tools {
namespace {

using graph::Property;

TEST_F(DumpTest, ADatabaseThatAnotherProcessWritesIsDumpedAsItIs) {
  const auto graph = open_graph(db("live"));
  fill(*graph, 3, 120);
  const Content before = read_content(*graph);
  for (DumpFormat format : kFormats) {
    SCOPED_TRACE(format_name(format));
    const std::string file = directory_ / "live.dump";
    ASSERT_EQ(run({LORA_DUMP_TOOL, db("live"), "--force", "--check", "--format", format_name(format), "-o", file}), 0);
    RestoreOptions options;
    options.force = true;
    ASSERT_OK(restore_database(file, db("copy"), options, {}).status());
    Content copy = content("copy");
    copy.next_node = before.next_node;  // above those of the copy before
    copy.next_relationship = before.next_relationship;
    expect_same(before, copy, format != DumpFormat::kCypher);
  }
  EXPECT_EQ(run({LORA_VERIFY_TOOL, db("live")}), 0);
}

TEST_F(DumpTest, ADatabaseOfAKilledProcessIsDumpedWithAllItsCommits) {
  {
    // Its files as they are while nothing is closed: all commits lie in the log.
    const auto graph = open_graph(db("running"));
    fill(*graph, 9, 120);
    std::error_code error;
    for (int attempt = 0; attempt < 50; ++attempt) {  // a temporary file may go while the copy is made
      fs::remove_all(db("killed"));
      fs::copy(db("running"), db("killed"), fs::copy_options::recursive, error);
      if (!error) {
        break;
      }
    }
    ASSERT_FALSE(error) << error.message();
  }
  const std::string file = directory_ / "killed.jsonl";
  ASSERT_EQ(run({LORA_DUMP_TOOL, db("killed"), "--check", "--format", "jsonl", "-o", file}), 0);
  ASSERT_OK(restore_database(file, db("copy"), {}, {}).status());
  expect_same(content("killed"), content("copy"), true);
}

TEST_F(DumpTest, ADumpBesideARunningWriterIsACutBetweenCommits) {
  const auto graph = open_graph(db("live"));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    // Each commit adds a pair and its relationship, so that any cut has twice as many nodes as relationships.
    for (int n = 0; !stop; ++n) {
      const auto tx = begin(*graph);
      must(tx->begin_statement());
      for (int i = 0; i <= n % 7; ++i) {
        const std::vector<Property> properties{{must(tx->key("n")), Value::integer(n)}};
        const NodeId a = must(tx->create_node({}, properties));
        const NodeId b = must(tx->create_node({}, properties));
        must(tx->create_relationship(must(tx->rel_type("PAIR")), a, b, {}));
      }
      must(tx->finish_statement());
      must(tx->commit());
      if (n % 200 == 199) {
        must(graph->checkpoint(n % 400 == 399));
      }
    }
  });
  uint64_t last = 0;
  for (int i = 0; i < 6; ++i) {
    const std::string file = directory_ / "live.jsonl";
    EXPECT_EQ(run({LORA_DUMP_TOOL, db("live"), "--force", "--check", "--format", "jsonl", "-o", file}, "/dev/null",
                  directory_ / "errors"),
              0)
        << read_file(directory_ / "errors");
    RestoreOptions options;
    options.force = true;
    const auto counts = restore_database(file, db("copy"), options, {});
    EXPECT_TRUE(counts.ok()) << counts.status().to_string();
    if (counts.ok()) {
      EXPECT_EQ(counts->nodes, 2 * counts->relationships);
      EXPECT_GE(counts->nodes, last);
      last = counts->nodes;
    }
  }
  stop = true;
  writer.join();
  EXPECT_GT(last, 0u);
}

TEST_F(DumpTest, ExitCodesAreThoseOfTheReadme) {
  make_database("db", 1, 40);
  const std::string file = directory_ / "file";
  EXPECT_EQ(run({LORA_DUMP_TOOL}), 2);
  EXPECT_EQ(run({LORA_DUMP_TOOL, db("db"), "--format", "xml"}), 2);
  EXPECT_EQ(run({LORA_DUMP_TOOL, "--help"}), 0);
  EXPECT_EQ(run({LORA_DUMP_TOOL, db("missing")}), 1);
  EXPECT_EQ(run({LORA_DUMP_TOOL, directory_ / "db", "-o", file}), 0);  // without the suffix
  EXPECT_EQ(run({LORA_DUMP_TOOL, db("db"), "-o", file}), 1);
  EXPECT_EQ(run({LORA_DUMP_TOOL, db("db"), "--format", "jsonl"}, directory_ / "stdout"), 0);
  EXPECT_TRUE(read_file(directory_ / "stdout").starts_with("{\"format\":\"lora-jsonl\""));
  EXPECT_EQ(run({LORA_RESTORE_TOOL, file}), 2);
  EXPECT_EQ(run({LORA_RESTORE_TOOL, file, "--check"}), 0);
  EXPECT_EQ(run({LORA_RESTORE_TOOL, file, directory_ / "copy"}), 0);
  EXPECT_EQ(run({LORA_RESTORE_TOOL, file, directory_ / "copy"}), 1);
  EXPECT_EQ(run({LORA_RESTORE_TOOL, file, directory_ / "no good name"}), 1);
  EXPECT_EQ(run({LORA_VERIFY_TOOL, db("copy")}), 0);
  EXPECT_EQ(run({LORA_VERIFY_TOOL, db("copy"), "--quick"}), 0);
  EXPECT_EQ(run({LORA_VERIFY_TOOL, db("missing")}), 1);
}

TEST_F(DumpTest, ADatabaseIsRestoredIntoTheCurrentDirectory) {
  make_database("db", 1, 40);
  const std::string file = dump("db", DumpFormat::kSnapshot);
  const fs::path before = fs::current_path();
  fs::current_path(directory_.path());
  const Status status = restore_database(file, database_path("new"), {}, {}).status();
  fs::current_path(before);
  ASSERT_OK(status);
  expect_same(content("db"), content("new"), true);
}

TEST_F(DumpTest, EmptyArgumentsAreWrongArguments) {
  make_database("db", 1, 40);
  const std::string file = dump("db", DumpFormat::kSnapshot);
  EXPECT_EQ(run({LORA_DUMP_TOOL, ""}), 2);
  EXPECT_EQ(run({LORA_DUMP_TOOL, db("db"), "-o", ""}), 2);
  EXPECT_EQ(run({LORA_RESTORE_TOOL, "", db("new")}), 2);
  EXPECT_EQ(run({LORA_RESTORE_TOOL, file, ""}), 2);
  EXPECT_EQ(run({LORA_VERIFY_TOOL, ""}), 2);
}

TEST_F(DumpTest, WhatIsNoDatabaseIsNamed) {
  fs::create_directory(db("empty"));
  write_file(db("file"), "text");
  for (const char* name : {"empty", "file", "missing"}) {
    for (const char* tool : {LORA_DUMP_TOOL, LORA_VERIFY_TOOL}) {
      EXPECT_EQ(run({tool, db(name)}, "/dev/null", directory_ / "errors"), 1);
      EXPECT_NE(read_file(directory_ / "errors").find(db(name)), std::string::npos) << read_file(directory_ / "errors");
    }
  }
  EXPECT_EQ(run({LORA_RESTORE_TOOL, directory_.path(), db("new")}), 1);
  EXPECT_TRUE(fs::is_empty(db("empty")));
  EXPECT_FALSE(fs::exists(db("new")));
}

TEST_F(DumpTest, AFullDeviceAndAClosedPipeAreFailures) {
  make_database("db", 1, 400);
  EXPECT_EQ(run({LORA_DUMP_TOOL, db("db"), "--format", "jsonl"}, "/dev/full", directory_ / "errors"), 1);
  EXPECT_NE(read_file(directory_ / "errors").find("LORA_DISK_FULL"), std::string::npos);
  EXPECT_EQ(run({LORA_DUMP_TOOL, db("db"), "-o", "/dev/full"}), 1);
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  EXPECT_EQ(run({"/bin/sh", "-c",
                 std::string("('") + LORA_DUMP_TOOL + "' '" + db("db") + "' --format jsonl; echo $? >'" +
                     (directory_ / "code") + "') | sleep 0"}),
            0);
  for (int i = 0; i < 100 && read_file(directory_ / "code") != "1\n"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_EQ(read_file(directory_ / "code"), "1\n");
}

TEST_F(DumpTest, AReplacedFileKeepsItsMode) {
  make_database("db", 1, 40);
  write_file(directory_ / "file", "old");
  fs::permissions(directory_ / "file", fs::perms::owner_read | fs::perms::owner_write);
  ASSERT_EQ(run({LORA_DUMP_TOOL, db("db"), "--force", "-o", directory_ / "file"}), 0);
  EXPECT_EQ(fs::status(directory_ / "file").permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

// A program that waits at a pipe whose other end is open and silent, and then gets a signal.
int run_until_signal(std::vector<std::string> arguments, int number) {
  const pid_t program = start(std::move(arguments), "", "");
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  kill(program, number);
  return exit_code_of(program);
}

TEST_F(DumpTest, ASignalMidwayLeavesNothing) {
  make_database("db", 1, 4'000);
  const std::string pipe = directory_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const int held = open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(held, 0);
  const std::set<std::string> before = names_in(directory_.path());
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    EXPECT_EQ(run_until_signal({LORA_RESTORE_TOOL, pipe, db("new")}, number), 1);
    EXPECT_EQ(run_until_signal({LORA_DUMP_TOOL, db("db"), "--format", "jsonl", "-o", pipe}, number), 1);
    char drained[1 << 16];
    EXPECT_GT(read(held, drained, sizeof drained), 0);
  }
  close(held);
  EXPECT_EQ(names_in(directory_.path()), before);
}

TEST_F(DumpTest, ProgressIsShownOnATerminalOnly) {
  make_database("db", 1, 4'000);
  const std::string file = dump("db", DumpFormat::kSnapshot);
  ASSERT_EQ(run({LORA_VERIFY_TOOL, db("db")}, "/dev/null", directory_ / "errors"), 0);
  EXPECT_EQ(read_file(directory_ / "errors"), "");
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(terminal, 0);
  ASSERT_EQ(grantpt(terminal), 0);
  ASSERT_EQ(unlockpt(terminal), 0);
  const std::string name = ptsname(terminal);
  const int kept = open(name.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);  // what is written stays when the program ends
  ASSERT_GE(kept, 0);
  const auto shown = [&](std::vector<std::string> arguments) {
    EXPECT_EQ(run(std::move(arguments), "/dev/null", name), 0);
    char text[1 << 16];
    const ssize_t size = read(terminal, text, sizeof text);
    return std::string(text, size > 0 ? static_cast<size_t>(size) : 0);
  };
  EXPECT_NE(shown({LORA_DUMP_TOOL, db("db"), "--format", "jsonl", "-o", directory_ / "a"}).find("dumping: "),
            std::string::npos);
  EXPECT_NE(shown({LORA_DUMP_TOOL, db("db"), "-o", directory_ / "b"}).find("dumping: "), std::string::npos);
  EXPECT_NE(shown({LORA_RESTORE_TOOL, file, db("new")}).find("restoring: "), std::string::npos);
  EXPECT_NE(shown({LORA_VERIFY_TOOL, db("db")}).find("verifying: "), std::string::npos);
  close(kept);
  close(terminal);
}

TEST_F(DumpTest, ADamagedDatabaseIsReportedAndNotDumped) {
  make_database("db", 1, 400);
  size_t damaged = 0;
  for (const auto& entry : fs::directory_iterator(db("db"))) {
    if (entry.path().extension() == ".sst" && entry.file_size() > 2'000) {
      std::string bytes = read_file(entry.path().string());
      bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 0x40);
      write_file(entry.path().string(), bytes);
      ++damaged;
    }
  }
  ASSERT_GT(damaged, 0u);
  EXPECT_EQ(run({LORA_VERIFY_TOOL, db("db")}), 1);
  EXPECT_EQ(run({LORA_DUMP_TOOL, db("db"), "--check", "-o", directory_ / "file"}), 1);
  EXPECT_FALSE(fs::exists(directory_ / "file"));
}

}  // namespace
}  // namespace lora::tools
