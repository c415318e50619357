// lora-verify: every broken invariant of a database, a line each.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "tools/database_path.h"
#include "tools/progress.h"

int main(int argc, char** argv) try {
  using namespace lora::tools;
  constexpr const char* kTool = "lora-verify";
  install_signal_handlers();
  std::string database;
  bool quick = false;
  CLI::App app("Checks a database, also while another process has it open.", kTool);
  app.set_version_flag("--version", LORA_VERSION);
  app.add_option("DB", database, "path of the database, with or without `.loradb`")->required()->check(not_empty);
  app.add_flag("--quick", quick, "leave out what reads every file block and compares with the in-memory form");
  app.footer(
      "Prints a line for each thing that is wrong. Exit codes: 0 sound, 1 damaged or failed, 2 wrong arguments.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  const auto opened = OpenedDatabase::open(database_path(database));
  if (!opened.ok()) {
    return fail(kTool, opened.status());
  }
  const auto report = [&] {
    Progress progress("verifying:");
    return (*opened)->graph().verify(!quick, [&] { return progress({}); });
  }();
  if (!report.ok()) {
    return fail(kTool, report.status());
  }
  for (const std::string& error : report->errors) {
    std::printf("%s\n", error.c_str());
  }
  return report->errors.empty() ? kExitOk : kExitFailed;
} catch (const std::exception& error) {
  std::fprintf(stderr, "lora-verify: %s\n", error.what());
  return 1;
}
