#include "tools/progress.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

namespace lora::tools {

namespace {

volatile sig_atomic_t stop_signal = 0;

void on_signal(int number) {
  stop_signal = number;
}

int64_t now_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::string counted(uint64_t count, const char* noun, const char* plural) {
  return std::to_string(count) + ' ' + (count == 1 ? noun : plural);
}

}  // namespace

void install_signal_handlers() {
  struct sigaction action = {};
  action.sa_handler = on_signal;  // without SA_RESTART: a blocked read ends
  sigemptyset(&action.sa_mask);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    sigaction(number, &action, nullptr);
  }
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

Status check_interrupted() {
  if (stop_signal == 0) {
    return Status();
  }
  return {ErrorCode::kInterrupted, "stopped by signal `" + std::to_string(stop_signal) + "`"};
}

Progress::Progress(std::string verb)
    : verb_(std::move(verb)), terminal_(::isatty(STDERR_FILENO) != 0), start_ms_(now_ms()) {}

Progress::~Progress() {
  if (shown_) {
    std::fputs("\r\x1b[K", stderr);
  }
}

Status Progress::operator()(const graph::DumpCounts& counts) {
  LORA_TRY(check_interrupted());
  if (!terminal_) {
    return Status();
  }
  const int64_t now = now_ms();
  if (now - last_ms_ < 100) {
    return Status();
  }
  last_ms_ = now;
  shown_ = true;
  const uint64_t total = counts.nodes_total + counts.relationships_total;
  const uint64_t done = counts.nodes + counts.relationships;
  if (total == 0 && done == 0) {
    std::fprintf(stderr, "\r\x1b[K%s ", verb_.c_str());
    if (counts.bytes != 0) {
      std::fprintf(stderr, "%.1f MiB, ", static_cast<double>(counts.bytes) / (1 << 20));
    }
    std::fprintf(stderr, "%lld s", static_cast<long long>((now - start_ms_) / 1000));
    return Status();
  }
  const int percent = total == 0 ? 0 : static_cast<int>(static_cast<double>(done) * 100 / static_cast<double>(total));
  std::fprintf(stderr, "\r\x1b[K%s %s, %s (%d %%)", verb_.c_str(), counted(counts.nodes, "node", "nodes").c_str(),
               counted(counts.relationships, "relationship", "relationships").c_str(), percent);
  return Status();
}

std::string describe(const graph::DumpCounts& counts) {
  return counted(counts.nodes, "node", "nodes") + ", " +
         counted(counts.relationships, "relationship", "relationships") + ", " +
         counted(counts.indexes, "index", "indexes") + ", " + counted(counts.constraints, "constraint", "constraints");
}

std::string not_empty(const std::string& argument) {
  return argument.empty() ? "must not be empty" : "";
}

int fail(const char* tool, const Status& status) {
  std::fprintf(stderr, "%s: %s\n", tool, status.to_string().c_str());
  return kExitFailed;
}

}  // namespace lora::tools
