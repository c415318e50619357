// lora-dump: a database to a file.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <map>

#include "tools/database_path.h"
#include "tools/dump_database.h"
#include "tools/progress.h"

int main(int argc, char** argv) try {
  using namespace lora::tools;
  constexpr const char* kTool = "lora-dump";
  install_signal_handlers();
  DumpOptions options;
  std::string database;
  CLI::App app("Writes a database to a file, also while another process has it open.", kTool);
  app.set_version_flag("--version", LORA_VERSION);
  app.add_option("DB", database, "path of the database, with or without `.loradb`")->required()->check(not_empty);
  const std::map<std::string, DumpFormat> formats{
      {"snapshot", DumpFormat::kSnapshot}, {"jsonl", DumpFormat::kJsonLines}, {"cypher", DumpFormat::kCypher}};
  app.add_option("--format", options.format, "snapshot (default), jsonl or cypher")
      ->transform(CLI::CheckedTransformer(formats).description(""));
  app.add_option("-o,--output", options.output, "file to write; - (default) is standard output")->check(not_empty);
  app.add_flag("--force", options.force, "replace an existing file");
  app.add_flag("--check", options.check, "verify the database first; dump nothing when it is damaged");
  app.footer("Exit codes: 0 dumped, 1 failed, 2 wrong arguments.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  if (options.output == "-" && options.format == DumpFormat::kSnapshot && ::isatty(STDOUT_FILENO) != 0) {
    std::fprintf(stderr, "%s: a snapshot is no text for a terminal; use -o FILE or --format\n", kTool);
    return kExitUsage;
  }
  const auto counts = [&] {
    Progress progress("dumping:");
    return dump_database(database_path(database), options, std::ref(progress));
  }();
  if (!counts.ok()) {
    return fail(kTool, counts.status());
  }
  if (::isatty(STDERR_FILENO) != 0) {
    std::fprintf(stderr, "dumped %s\n", describe(*counts).c_str());
  }
  return kExitOk;
} catch (const std::exception& error) {
  std::fprintf(stderr, "lora-dump: %s\n", error.what());
  return 1;
}
