// Kills a writing process with SIGKILL at random times, reopens, and looks for every acknowledged commit.
// LORA_TEST_SEED repeats a run; LORA_TEST_SCALE=small makes fewer rounds, =large more.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>

#include "cypher/database.h"
#include "tests/support/temp_directory.h"

namespace lora {

namespace {

int rounds() {
  const char* scale = std::getenv("LORA_TEST_SCALE");
  const std::string text = scale != nullptr ? scale : "";
  return text == "small" ? 10 : text == "large" ? 1000 : 100;
}

uint64_t seed() {
  const char* text = std::getenv("LORA_TEST_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device()();
}

std::unique_ptr<Database> open_database(const std::string& directory) {
  DatabaseOptions options;
  options.database_dir = directory;
  options.cache_bytes = 64 << 20;
  auto opened = Database::open("kill", options);
  if (!opened.ok()) {
    std::fprintf(stderr, "open: %s\n", opened.status().to_string().c_str());
    return nullptr;
  }
  return std::move(*opened);
}

}  // namespace

TEST(Kill, NoAcknowledgedCommitIsLostAndNoneIsHalf) {
  const uint64_t run_seed = seed();
  SCOPED_TRACE("LORA_TEST_SEED=" + std::to_string(run_seed));
  std::mt19937_64 random(run_seed);
  const tests::TempDirectory directory;
  int64_t acknowledged = -1, next = 0;
  const int count = rounds();
  for (int round = 0; round < count; ++round) {
    int pipes[2];
    ASSERT_EQ(pipe(pipes), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(pipes[0]);
      const std::string first = std::to_string(next), to = std::to_string(pipes[1]);
      execl(LORA_KILL_WRITER, LORA_KILL_WRITER, directory.path().c_str(), first.c_str(), to.c_str(), nullptr);
      _exit(127);
    }
    close(pipes[1]);
    std::this_thread::sleep_for(std::chrono::milliseconds(10 + random() % 110));
    kill(child, SIGKILL);
    int64_t number = 0;
    while (read(pipes[0], &number, sizeof number) == sizeof number) acknowledged = number;
    close(pipes[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself with " << WEXITSTATUS(status);

    auto db = open_database(directory.path());
    ASSERT_NE(db, nullptr);
    auto result = db->execute("MATCH (x:N) RETURN count(*), max(x.n), min(x.n)");
    ASSERT_TRUE(result.ok()) << result.status().to_string();
    const int64_t nodes = result->at(0, 0).as_integer();
    if (nodes > 0) {
      // Without a gap: commits are a prefix of what the child did.
      EXPECT_EQ(result->at(0, 2).as_integer(), 0);
      EXPECT_EQ(result->at(0, 1).as_integer(), nodes - 1);
      auto links = db->execute("MATCH (a:N)-[r:NEXT]->(b:N) WHERE r.n = b.n AND a.n = b.n - 1 RETURN count(*)");
      ASSERT_TRUE(links.ok()) << links.status().to_string();
      EXPECT_EQ(links->at(0, 0).as_integer(), nodes - 1) << "half a transaction";
    }
    EXPECT_GE(nodes - 1, acknowledged) << "an acknowledged commit is lost";
    if (round % 10 == 9 || round + 1 == count) {
      auto report = db->verify(true);
      ASSERT_TRUE(report.ok()) << report.status().to_string();
      for (const std::string& error : report->errors) ADD_FAILURE() << error;
    }
    next = nodes;
    ASSERT_TRUE(db->close().ok());
    if (HasFailure()) break;
  }
  EXPECT_GE(acknowledged, 0) << "nothing was ever written";
}

}  // namespace lora
