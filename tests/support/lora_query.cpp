// lora_query: runs queries on one database, one after the other, and prints rows as Cypher literals, one line a row.
//
//   lora_query 'CREATE (:A {x: 1})' 'MATCH (n) RETURN n'       in memory
//   lora_query -d DIR/NAME 'MATCH (n) RETURN n'                the database DIR/NAME.loradb
//   lora_query -e QUERY                                        the plan, as a tree and in short form
//   lora_query -p QUERY                                        the profile
//   lora_query -t QUERY                                        time of 1 and of 1 000 runs
// A query may follow each of -e, -p, -t, several times. Without queries they are read from standard input, one a line.
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>

#include "cypher/database.h"
#include "tests/support/result_text.h"

namespace {

using namespace lora;

void print_error(const Status& status) {
  std::printf("%s\n", status.to_string().c_str());
  const ErrorInfo& info = status.info();
  if (!info.type.empty() || !info.detail.empty()) {
    std::printf("  [%s, %s, %s]\n", info.type.c_str(), info.phase.c_str(), info.detail.c_str());
  }
}

void print_rows(const QueryResult& result) {
  for (size_t c = 0; c < result.columns.size(); ++c)
    std::printf("%s%s", c == 0 ? "" : " | ", result.columns[c].c_str());
  if (!result.columns.empty()) std::printf("\n");
  for (size_t r = 0; r < result.row_count; ++r) {
    for (size_t c = 0; c < result.columns.size(); ++c) {
      std::printf("%s%s", c == 0 ? "  " : " | ", test::result_text(result.at(r, c)).c_str());
    }
    std::printf("\n");
  }
  std::printf("(%zu row%s)\n", result.row_count, result.row_count == 1 ? "" : "s");
}

void print_node(const PlanNode& node, int depth, const std::vector<OperatorMetrics>* metrics) {
  std::printf("%*s%s", depth * 2, "", node.op.c_str());
  if (!node.details.empty()) std::printf("  %s", node.details.c_str());
  std::printf("  ~%g", node.estimated_rows);
  if (metrics != nullptr && node.id < metrics->size()) {
    const OperatorMetrics& m = (*metrics)[node.id];
    std::printf("  rows=%llu hits=%llu time=%.1fus", static_cast<unsigned long long>(m.rows),
                static_cast<unsigned long long>(m.db_hits), static_cast<double>(m.elapsed_ns) / 1000);
  }
  std::printf("\n");
  for (const PlanNode& child : node.children) print_node(child, depth + 1, metrics);
}

int run(Database& db, const std::string& mode, const std::string& query) {
  if (mode == "-e") {
    const auto plan = db.explain(query);
    if (!plan.ok()) return print_error(plan.status()), 1;
    print_node(plan->tree, 0, nullptr);
    std::printf("%s%s\n", plan->short_form().c_str(), plan->mutating ? "  (mutating)" : "");
    return 0;
  }
  if (mode == "-p") {
    const auto profile = db.profile(query);
    if (!profile.ok()) return print_error(profile.status()), 1;
    print_node(profile->plan.tree, 0, &profile->operators);
    std::printf("%llu rows in %.1f us\n", static_cast<unsigned long long>(profile->total_rows),
                static_cast<double>(profile->total_elapsed_ns) / 1000);
    return 0;
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto result = db.execute(query);
  const std::chrono::duration<double, std::micro> first = std::chrono::steady_clock::now() - begin;
  if (!result.ok()) return print_error(result.status()), 1;
  if (mode == "-t") {
    constexpr int kRuns = 1000;
    const auto again = std::chrono::steady_clock::now();
    for (int i = 0; i < kRuns; ++i) {
      if (const auto r = db.execute(query); !r.ok()) return print_error(r.status()), 1;
    }
    const std::chrono::duration<double, std::micro> all = std::chrono::steady_clock::now() - again;
    std::printf("%zu rows; first run %.1f us, then %.3f us each\n", result->row_count, first.count(),
                all.count() / kRuns);
    return 0;
  }
  print_rows(*result);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  int at = 1;
  Result<std::unique_ptr<Database>> db = Status::internal("not opened");
  if (argc > 2 && std::string_view(argv[1]) == "-d") {
    std::string path = argv[2];
    DatabaseOptions options;
    if (const size_t slash = path.rfind('/'); slash != std::string::npos) {
      options.database_dir = slash == 0 ? "/" : path.substr(0, slash);
      path = path.substr(slash + 1);
    }
    db = Database::open(path, options);
    at = 3;
  } else {
    db = Database::in_memory();
  }
  if (!db.ok()) return print_error(db.status()), 2;
  int failed = 0;
  if (at == argc) {
    for (std::string line; std::getline(std::cin, line);) {
      if (!line.empty()) failed |= run(**db, "", line);
    }
  }
  for (std::string mode; at < argc; ++at) {
    const std::string word = argv[at];
    if (word == "-e" || word == "-p" || word == "-t") {
      mode = word;
      continue;
    }
    failed |= run(**db, mode, word);
    mode.clear();
  }
  if (const Status closed = (*db)->close(); !closed.ok()) return print_error(closed), 2;
  return failed;
}
