#include "tools/script.h"

#include <charconv>
#include <cstdio>
#include <utility>

#include "graph/dump_lines.h"

namespace lora::tools {

namespace {

constexpr std::string_view kLastLine = "// end of dump, xxh3 ";
constexpr size_t kStatementBytesMax = 64u << 20;  // the parser takes less; keeps a wrong file out of memory

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

}  // namespace

void StatementSplitter::add_line(std::string_view line, std::vector<std::string>* statements) {
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const char next = i + 1 < line.size() ? line[i + 1] : '\0';
    if (state_ == State::kComment) {
      if (c == '*' && next == '/') {
        state_ = State::kPlain;
        ++i;
        text_ += ' ';
      }
      continue;
    }
    if (state_ == State::kPlain) {
      if (c == '/' && next == '/') {
        break;
      }
      if (c == '/' && next == '*') {
        state_ = State::kComment;
        ++i;
        continue;
      }
      if (c == ';') {
        if (any_) {
          statements->push_back(std::exchange(text_, {}));
        }
        text_.clear();
        any_ = false;
        continue;
      }
      state_ = c == '\'' ? State::kSingleQuote : c == '"' ? State::kDoubleQuote : c == '`' ? State::kBacktick : state_;
      any_ = any_ || !is_space(c);
    } else if (c == '\\' && state_ != State::kBacktick) {
      text_ += c;
      if (i + 1 < line.size()) {
        text_ += line[++i];
      }
      continue;
    } else if ((c == '\'' && state_ == State::kSingleQuote) || (c == '"' && state_ == State::kDoubleQuote) ||
               (c == '`' && state_ == State::kBacktick)) {
      state_ = State::kPlain;  // a doubled one opens again at once
    }
    text_ += c;
  }
  if (!text_.empty()) {
    text_ += '\n';
  }
}

std::string StatementSplitter::take_rest() {
  state_ = State::kPlain;
  any_ = false;
  return std::exchange(text_, {});
}

namespace {

class ScriptRun {
 public:
  ScriptRun(Database& database, const graph::ByteSource& source, const graph::DumpPoll& poll)
      : database_(database), lines_(source), poll_(poll) {
    query_options_.poll = [this] { return poll_ ? poll_(counts_) : Status(); };
  }

  Result<graph::DumpCounts> run() {
    std::string_view line;
    bool done = false;
    for (;;) {
      LORA_ASSIGN(const bool more, lines_.next(&line));
      if (!more) {
        break;
      }
      if (lines_.number() == 1 && line.starts_with(graph::kScriptStart)) {
        LORA_TRY(first_line(line.substr(graph::kScriptStart.size())));
      }
      if (done) {
        return Status::corruption("line " + std::to_string(lines_.number()) +
                                  ": there is something after the last line");
      }
      if (splitter_.idle() && line.starts_with(kLastLine)) {
        LORA_TRY(last_line(line.substr(kLastLine.size())));
        done = true;
        continue;
      }
      if (line.size() > kStatementBytesMax) {
        return Status::limit("text size", "line " + std::to_string(lines_.number()) + " is longer than `" +
                                              std::to_string(kStatementBytesMax) + "` bytes");
      }
      if (splitter_.idle()) {
        statement_line_ = lines_.number();
      }
      splitter_.add_line(line, &statements_);
      LORA_TRY(execute_all());
    }
    if (dump_ && !done) {
      return Status::corruption("the file is cut off: it ends in line " + std::to_string(lines_.number()) +
                                " without its last line");
    }
    if (!splitter_.idle()) {
      statements_.push_back(splitter_.take_rest());
      LORA_TRY(execute_all());
    }
    if (!dump_ && !ran_) {
      return Status::corruption("there is no statement in the file");
    }
    return finish();
  }

 private:
  Status first_line(std::string_view rest) {
    uint32_t version = 0;
    std::from_chars(rest.data(), rest.data() + rest.size(), version);
    if (version != graph::kScriptVersion) {
      return {ErrorCode::kFormatVersion, "the script is of version `" + std::string(rest.substr(0, rest.find(':'))) +
                                             "`, this program reads `" + std::to_string(graph::kScriptVersion) +
                                             "`; use a newer program"};
    }
    dump_ = true;
    unsigned long long nodes = 0, relationships = 0;
    if (std::sscanf(std::string(rest).c_str(), "%*u: %llu nodes, %llu relationships", &nodes, &relationships) != 2) {
      return Status::corruption("the first line is damaged");
    }
    counts_.nodes_total = nodes;
    counts_.relationships_total = relationships;
    return Status();
  }

  Status last_line(std::string_view digits) const {
    uint64_t checksum = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), checksum, 16);
    if (error != std::errc() || end != digits.data() + digits.size() || checksum != lines_.checksum()) {
      return Status::corruption("the checksum of the file is wrong; it has been changed or damaged");
    }
    return Status();
  }

  Status execute_all() {
    for (const std::string& statement : statements_) {
      Status status = database_.execute(statement, {}, query_options_).status();
      if (!status.ok()) {
        std::string& message = status.mutable_info().message;
        message = "statement in line " + std::to_string(statement_line_) + ": " + message;
        return status;
      }
    }
    if (!statements_.empty()) {
      ran_ = true;
      LORA_ASSIGN(counts_.nodes, database_.node_count());
      LORA_ASSIGN(counts_.relationships, database_.relationship_count());
      if (poll_) {
        LORA_TRY(poll_(counts_));
      }
    }
    statements_.clear();
    return Status();
  }

  Result<graph::DumpCounts> finish() {
    const graph::Snapshot snapshot = database_.graph().snapshot();
    const std::unique_ptr<graph::Reader> reader = snapshot.reader();
    counts_.nodes = reader->node_count();
    counts_.relationships = reader->relationship_count();
    counts_.constraints = reader->schema().constraints.size();
    counts_.indexes = 0;
    for (const graph::IndexInfo& index : reader->schema().indexes) {
      counts_.indexes += index.owning_constraint.empty() ? 1 : 0;
    }
    if (dump_ && (counts_.nodes != counts_.nodes_total || counts_.relationships != counts_.relationships_total)) {
      return Status::corruption("the script made " + std::to_string(counts_.nodes) + " nodes and " +
                                std::to_string(counts_.relationships) + " relationships, its first line says " +
                                std::to_string(counts_.nodes_total) + " and " +
                                std::to_string(counts_.relationships_total));
    }
    return counts_;
  }

  Database& database_;
  graph::DumpLines lines_;
  const graph::DumpPoll& poll_;
  QueryOptions query_options_;
  graph::DumpCounts counts_;
  StatementSplitter splitter_;
  std::vector<std::string> statements_;
  uint64_t statement_line_ = 1;
  bool dump_ = false;  // the first line is that of a dump
  bool ran_ = false;
};

}  // namespace

Result<graph::DumpCounts> run_script(Database& database, const graph::ByteSource& source, const graph::DumpPoll& poll) {
  return ScriptRun(database, source, poll).run();
}

}  // namespace lora::tools
