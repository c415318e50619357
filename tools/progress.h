// What the tools show while they work, and how they are stopped.
#pragma once

#include <string>

#include "graph/dump.h"
#include "kv/status.h"

namespace lora::tools {

// SIGINT, SIGTERM and SIGHUP end the work at its next poll (kInterrupted), so that temporary files are removed; SIGPIPE
// becomes a failed write. Call once, first thing in main().
void install_signal_handlers();
Status check_interrupted();

// One line on standard error, at most ten times a second, only when that is a terminal: entities, or bytes of a
// snapshot, or just the seconds.
class Progress {
 public:
  explicit Progress(std::string verb);
  ~Progress();  // clears the line
  Status operator()(const graph::DumpCounts& counts);

 private:
  std::string verb_;
  bool terminal_;
  bool shown_ = false;
  int64_t start_ms_;
  int64_t last_ms_ = 0;
};

// "12 nodes, 1 relationship, 0 indexes, 0 constraints"
std::string describe(const graph::DumpCounts& counts);

// Exit codes of all tools.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;  // the message is on standard error
inline constexpr int kExitUsage = 2;

// For CLI11's check(): what is wrong with an argument, empty when nothing is.
std::string not_empty(const std::string& argument);

// Prints "TOOL: LORA_CODE: message" and returns kExitFailed.
int fail(const char* tool, const Status& status);

}  // namespace lora::tools
