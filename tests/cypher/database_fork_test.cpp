// What a forked child may do: nothing with databases, and quickly. Each child has its time; one that hangs is killed
// and fails the test.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <thread>

#include "cypher/database.h"
#include "tests/support/temp_directory.h"

namespace lora {
namespace {

// Of a child's waiting status: -1 when it had to be killed, or died by a signal.
int exit_code(pid_t child, std::chrono::seconds patience = std::chrono::seconds(60)) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > deadline) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Runs `work` in a child that leaves with its answer.
int in_child(const std::function<int()>& work) {
  const pid_t child = fork();
  if (child == 0) _exit(work());
  return exit_code(child);
}

std::unique_ptr<Database> open_at(const std::string& directory, const char* name = "app") {
  DatabaseOptions options;
  options.database_dir = directory;
  auto opened = Database::open(name, options);
  EXPECT_TRUE(opened.ok()) << opened.status().to_string();
  return opened.ok() ? std::move(*opened) : nullptr;
}

class ForkTest : public ::testing::Test {
 protected:
  const tests::TempDirectory directory_;
};

TEST_F(ForkTest, EveryCallOnAnInheritedHandleIsRefused) {
  for (const bool named : {false, true}) {
    SCOPED_TRACE(named);
    std::unique_ptr<Database> db;
    if (named) {
      db = open_at(directory_.path());
    } else {
      db = std::move(*Database::in_memory());
    }
    ASSERT_TRUE(db->execute("CREATE (:A)").ok());
    auto transaction = db->begin();
    ASSERT_TRUE(transaction.ok());
    auto stream = db->stream("UNWIND range(1, 10000) AS i RETURN i");
    ASSERT_TRUE(stream.ok());
    std::vector<Value> values;
    size_t rows = 0;
    ASSERT_TRUE((*stream)->next(&values, &rows).ok());
    const std::string file = directory_ / "child.snapshot";
    const int outcome = in_child([&] {
      int call = 0, wrong = 0;
      const auto refused = [&](const Status& status) {
        ++call;
        if (status.code() != ErrorCode::kForked) wrong = call;
      };
      refused(db->execute("RETURN 1").status());
      refused(db->stream("RETURN 1").status());
      refused(db->begin().status());
      refused(db->begin(AccessMode::kReadOnly).status());
      refused(db->transaction({}).status());
      refused(db->explain("RETURN 1").status());
      refused(db->profile("RETURN 1").status());
      refused(db->save_snapshot_file(file).status());
      refused(db->load_snapshot_file(file).status());
      refused(db->clear());
      refused(db->node_count().status());
      refused(db->relationship_count().status());
      refused(db->sync());
      refused(db->checkpoint());
      refused(db->verify().status());
      refused(db->stats().status());
      refused((*transaction)->execute("RETURN 1").status());
      refused((*transaction)->commit());
      refused((*stream)->next(&values, &rows));
      db->interrupt();
      db->set_planner_switches(true, true);
      (void)db->plan_cache_stats();
      (*stream)->close();
      if (!(*transaction)->rollback().ok() || !db->close().ok() || access(file.c_str(), F_OK) == 0) wrong = 100;
      stream->reset();
      transaction->reset();
      db.reset();
      return wrong;
    });
    EXPECT_EQ(outcome, 0) << "the number of the call that was not refused";
    // The parent goes on as if nothing had been.
    EXPECT_TRUE((*transaction)->execute("CREATE (:B)").ok());
    EXPECT_TRUE((*transaction)->commit().ok());
    EXPECT_EQ(*db->node_count(), 2u);
    EXPECT_TRUE((*stream)->next(&values, &rows).ok());
    EXPECT_GT(rows, 0u);
    stream->reset();
    EXPECT_TRUE(db->close().ok());
  }
}

// It used to hang: the child's RocksDB waited for threads of the parent.
TEST_F(ForkTest, AChildOpensNothingAfterItsParentHas) {
  EXPECT_TRUE(open_at(directory_.path())->close().ok());
  const int outcome = in_child([&] {
    DatabaseOptions options;
    options.database_dir = directory_.path();
    int wrong = 0;
    if (Database::open("app", options).status().code() != ErrorCode::kForked) wrong |= 1;
    if (Database::open("other", options).status().code() != ErrorCode::kForked) wrong |= 2;
    if (Database::in_memory().status().code() != ErrorCode::kForked) wrong |= 4;
    graph::GraphOptions graph_options;
    if (graph::Graph::open(graph_options).status().code() != ErrorCode::kForked) wrong |= 8;
    if (access((directory_ / "other.loradb").c_str(), F_OK) == 0) wrong |= 16;
    // A grandchild no more than its parent.
    if (in_child([&] { return Database::in_memory().status().code() == ErrorCode::kForked ? 0 : 1; }) != 0) wrong |= 32;
    return wrong;
  });
  EXPECT_EQ(outcome, 0);
  EXPECT_NE(open_at(directory_.path()), nullptr);
}

// exit(), not _exit(): the static objects of RocksDB would wait for their threads.
TEST_F(ForkTest, AChildLeavesByExit) {
  const auto db = open_at(directory_.path());
  ASSERT_TRUE(db->execute("CREATE (:A)").ok());
  const pid_t child = fork();
  if (child == 0) {
    (void)db->execute("RETURN 1");
    std::exit(7);
  }
  EXPECT_EQ(exit_code(child), 7);
  EXPECT_TRUE(db->execute("CREATE (:A)").ok());
  EXPECT_EQ(*db->node_count(), 2u);
}

// Locks of the engine may be held at the moment of the fork; nobody will ever release them in the child.
TEST_F(ForkTest, AForkInTheMiddleOfOtherThreadsWorkIsHarmless) {
  const auto db = open_at(directory_.path());
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; !stop; ++i) {
        (void)db->execute("CREATE (:A {x: " + std::to_string(i) + "}) // " + std::to_string(t));
        (void)db->execute("MATCH (a:A) RETURN count(a) + " + std::to_string(i));
      }
    });
  }
  int wrong = 0;
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      const bool good = db->execute("RETURN 1").status().code() == ErrorCode::kForked && db->close().ok() &&
                        Database::in_memory().status().code() == ErrorCode::kForked;
      std::exit(good ? 0 : 1);
    }
    wrong += exit_code(child) != 0;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  const auto report = db->verify();
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->errors.empty());
}

}  // namespace
}  // namespace lora
