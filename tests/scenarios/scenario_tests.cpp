// Runs the text scenarios (see README.md) against the C++ library.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cypher/database.h"
#include "tests/support/result_text.h"

namespace lora::test {

namespace {

struct Step {
  int line = 0;
  std::string params;
  std::string query;
  bool checked = false;  // has an expectation
  bool ordered = false;
  std::vector<std::string> error;  // code, type, detail
  std::string error_text;          // the whole message; empty: not compared
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

struct Scenario {
  std::string file, name;
  int line = 0;
  std::vector<Step> steps;
};

std::string strip(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

// Cells of `| a | b |`; a bar inside quotes or brackets belongs to the cell.
std::vector<std::string> cells(std::string_view line) {
  std::vector<std::string> out;
  std::string cell;
  char quote = 0;
  int depth = 0;
  for (size_t i = 1; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != 0) {
      if (c == '\\' && i + 1 < line.size()) {
        cell += c;
        cell += line[++i];
        continue;
      }
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '`') {
      quote = c;
    } else if (c == '(' || c == '[' || c == '{') {
      ++depth;
    } else if (c == ')' || c == ']' || c == '}') {
      --depth;
    } else if (c == '|' && depth == 0) {
      out.push_back(strip(cell));
      cell.clear();
      continue;
    }
    cell += c;
  }
  return out;
}

std::vector<Scenario> read_file(const std::filesystem::path& path, const std::filesystem::path& root) {
  std::vector<Scenario> scenarios;
  std::ifstream in(path);
  std::string line;
  int number = 0;
  enum { kQuery, kExpectation } state = kQuery;
  Step step;
  const auto finish = [&] {
    if (!step.query.empty()) scenarios.back().steps.push_back(std::move(step));
    step = Step();
    state = kQuery;
  };
  while (std::getline(in, line)) {
    ++number;
    const std::string text = strip(line);
    if (text.starts_with("#")) continue;
    if (text.starts_with("== ")) {
      if (!scenarios.empty()) finish();
      scenarios.push_back(
          {std::filesystem::relative(path, root).replace_extension().string(), text.substr(3), number, {}});
    } else if (scenarios.empty()) {
      if (!text.empty()) ADD_FAILURE() << path << ":" << number << ": text before the first scenario";
    } else if (text.empty()) {
      finish();
    } else if (text.starts_with("----")) {
      step.checked = true;
      step.ordered = text.find("ordered") != std::string::npos;
      state = kExpectation;
    } else if (state == kQuery && text.starts_with("params ")) {
      step.params = text.substr(7);
    } else if (state == kQuery) {
      if (step.query.empty()) step.line = number;
      step.query += (step.query.empty() ? "" : "\n") + line;
    } else if (text.starts_with("error ")) {
      std::istringstream words(text.substr(6));
      for (std::string word; words >> word;) step.error.push_back(word);
    } else if (text.starts_with("> ") || text == ">") {
      // As written: the caret's place counts.
      const size_t begin = line.find('>') + 2;
      step.error_text += (step.error_text.empty() ? "" : "\n") + (begin < line.size() ? line.substr(begin) : "");
    } else if (text.starts_with("|")) {
      (step.columns.empty() ? step.columns : step.rows.emplace_back()) = cells(text);
    } else {
      ADD_FAILURE() << path << ":" << number << ": neither a table nor an error";
    }
  }
  if (!scenarios.empty()) finish();
  return scenarios;
}

// The configurations that each scenario runs in; answers must be the same in all of them.
enum class Mode {
  kMemory,
  kReopen,     // on disk, closed and opened again before each statement
  kDropCache,  // the in-memory form is dropped before each statement
  kOneRow,     // operators ask each other for one row at a time
  kNoRules,    // without the optimiser's rewrite rules
  kAsWritten,  // patterns in the order as written, no indexes, no rules
};
constexpr std::pair<Mode, const char*> kModes[] = {{Mode::kMemory, "memory"},        {Mode::kReopen, "reopen"},
                                                   {Mode::kDropCache, "drop_cache"}, {Mode::kOneRow, "one_row"},
                                                   {Mode::kNoRules, "no_rules"},     {Mode::kAsWritten, "as_written"}};

class ScenarioTest : public testing::Test {
 public:
  ScenarioTest(Scenario scenario, Mode mode) : scenario_(std::move(scenario)), mode_(mode) {}

  void TestBody() override {
    if (mode_ == Mode::kReopen) {
      std::string pattern = (std::filesystem::temp_directory_path() / "lora-scenario-XXXXXX").string();
      ASSERT_NE(mkdtemp(pattern.data()), nullptr);
      directory_ = pattern;
    }
    open();
    for (const Step& step : scenario_.steps) {
      if (HasFatalFailure()) break;
      run(step);
    }
    database_.reset();
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

 private:
  void open() {
    DatabaseOptions options;
    options.cache_bytes = 64 << 20;
    options.sync = SyncLevel::kOff;
    if (!directory_.empty()) options.database_dir = directory_;
    options.import_dir = LORA_SCENARIO_DIR "/files";
    auto opened = mode_ == Mode::kReopen ? Database::open("scenario", options) : Database::in_memory(options);
    ASSERT_TRUE(opened.ok()) << opened.status().to_string();
    database_ = std::move(*opened);
    if (mode_ == Mode::kOneRow) database_->set_batch_rows_max(1);
    if (mode_ == Mode::kNoRules) database_->set_planner_switches(false, true);
    if (mode_ == Mode::kAsWritten) database_->set_planner_switches(false, false);
  }

  std::vector<std::string> state() {
    std::vector<std::string> lines;
    for (const char* query : {"MATCH (n) RETURN id(n), n", "MATCH ()-[r]->() RETURN id(r), r"}) {
      auto result = database_->execute(query);
      EXPECT_TRUE(result.ok()) << result.status().to_string();
      if (!result.ok()) continue;
      for (size_t r = 0; r < result->row_count; ++r) {
        lines.push_back(result_text(result->at(r, 0)) + " " + result_text(result->at(r, 1)));
      }
    }
    return lines;
  }

  void run(const Step& step) {
    SCOPED_TRACE(scenario_.file + ".test:" + std::to_string(step.line) + "\n" + step.query);
    if (mode_ == Mode::kReopen) {
      database_.reset();
      open();
      if (HasFatalFailure()) return;
    } else if (mode_ == Mode::kDropCache) {
      database_->graph().drop_cache();
    }
    Params params;
    if (!step.params.empty()) {
      auto evaluated = database_->execute("RETURN " + step.params + " AS params");
      ASSERT_TRUE(evaluated.ok()) << evaluated.status().to_string();
      params = evaluated->at(0, 0);
    }
    const bool expects_error = !step.error.empty();
    const std::vector<std::string> before = expects_error ? state() : std::vector<std::string>();
    auto result = database_->execute(step.query, params);
    if (expects_error) {
      ASSERT_FALSE(result.ok()) << "an error was expected";
      const Status status = result.status();
      const ErrorInfo& info = status.info();
      EXPECT_EQ(error_code_name(info.code), step.error[0]) << result.status().to_string();
      if (step.error.size() > 1) {
        EXPECT_EQ(info.type, step.error[1]) << result.status().to_string();
      }
      if (step.error.size() > 2) {
        EXPECT_EQ(info.detail, step.error[2]) << result.status().to_string();
      }
      if (!step.error_text.empty()) {
        EXPECT_EQ(status.message(), step.error_text);
      }
      EXPECT_EQ(state(), before) << "the failed statement left something";
      return;
    }
    ASSERT_TRUE(result.ok()) << result.status().to_string();
    if (!step.checked) return;
    EXPECT_EQ(result->columns, step.columns);
    std::vector<std::string> got, wanted;
    for (size_t r = 0; r < result->row_count; ++r) {
      std::string row = "|";
      for (size_t c = 0; c < result->columns.size(); ++c) row += " " + result_text(result->at(r, c)) + " |";
      got.push_back(row);
    }
    for (const auto& cells : step.rows) {
      std::string row = "|";
      for (const std::string& cell : cells) row += " " + cell + " |";
      wanted.push_back(row);
    }
    if (!step.ordered) {
      std::sort(got.begin(), got.end());
      std::sort(wanted.begin(), wanted.end());
    }
    EXPECT_EQ(got, wanted);
  }

  Scenario scenario_;
  Mode mode_;
  std::string directory_;
  std::unique_ptr<Database> database_;
};

std::string identifier(std::string_view text) {
  std::string out;
  for (char c : text) out += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return out;
}

}  // namespace

void register_scenarios(const std::filesystem::path& root) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() == ".test") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    for (const Scenario& scenario : read_file(file, root)) {
      for (const auto& [mode, label] : kModes) {
        testing::RegisterTest(("Scenario_" + identifier(scenario.file)).c_str(),
                              (identifier(scenario.name) + "_" + std::to_string(scenario.line) + "_" + label).c_str(),
                              nullptr, nullptr, file.c_str(), scenario.line,
                              [scenario, mode = mode]() -> testing::Test* { return new ScenarioTest(scenario, mode); });
      }
    }
  }
}

}  // namespace lora::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  lora::test::register_scenarios(LORA_SCENARIO_DIR);
  return RUN_ALL_TESTS();
}
