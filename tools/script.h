// Running a script of Cypher statements, as lora-dump writes it or as a person does.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cypher/database.h"
#include "graph/dump.h"
#include "kv/status.h"

namespace lora::tools {

// Cuts lines of text into statements at `;`, but for those in strings, quoted names and comments. Feed it line by line.
class StatementSplitter {
 public:
  // Statements that are complete with this line are appended to *statements, without `;` and never empty.
  void add_line(std::string_view line, std::vector<std::string>* statements);
  // Between statements: nothing but comments has come since the last `;`.
  bool idle() const { return state_ == State::kPlain && !any_; }
  // What has no `;`.
  std::string take_rest();

 private:
  enum class State { kPlain, kSingleQuote, kDoubleQuote, kBacktick, kComment };
  State state_ = State::kPlain;
  std::string text_;
  bool any_ = false;  // text_ holds more than comments and white space
};

// Runs each statement as a transaction of its own; the first that fails ends it, with its line in the error. A script
// with the first line of a dump must be of a known version (kFormatVersion) and have the last line too; the checksum in
// that line must be right (kCorruption).
Result<graph::DumpCounts> run_script(Database& database, const graph::ByteSource& source, const graph::DumpPoll& poll);

}  // namespace lora::tools
