// lora-import: CSV files to a new database.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "tools/database_path.h"
#include "tools/import_database.h"
#include "tools/progress.h"

namespace {

// "A:B=file.csv" or "file.csv"; a path that holds `=` is given with an empty name before it.
lora::ImportFile split(const std::string& argument, bool labels) {
  lora::ImportFile file;
  const size_t equals = argument.find('=');
  file.path = equals == std::string::npos ? argument : argument.substr(equals + 1);
  std::string names = equals == std::string::npos ? "" : argument.substr(0, equals);
  while (!names.empty()) {
    const size_t colon = labels ? names.find(':') : std::string::npos;
    if (colon != 0) file.names.push_back(names.substr(0, colon));
    names = colon == std::string::npos ? "" : names.substr(colon + 1);
  }
  return file;
}

// One byte that can separate fields, or the two characters \t for a tab.
std::string one_byte(const std::string& text) {
  const bool fits = text == "\\t" || (text.size() == 1 && text != "\"" && text != "\n" && text != "\r");
  return fits ? "" : "must be one character, no quote";
}

}  // namespace

int main(int argc, char** argv) try {
  using namespace lora::tools;
  constexpr const char* kTool = "lora-import";
  install_signal_handlers();
  lora::ImportOptions options;
  bool force = false;
  std::string database, separator = ",", list_separator = ";";
  std::vector<std::string> nodes, relationships;
  CLI::App app(
      "Makes a database from CSV files. Their first lines name the columns: name:TYPE, :ID, :LABEL, :START_ID, "
      ":END_ID, :TYPE.",
      kTool);
  app.set_version_flag("--version", LORA_VERSION);
  app.add_option("DB", database, "path of the database, with or without `.loradb`")->required()->check(not_empty);
  app.add_option("--nodes", nodes, "[LABEL[:LABEL]=]FILE: a file of nodes; may be given again")
      ->check(not_empty)
      ->expected(1)
      ->take_all();
  app.add_option("--relationships", relationships, "[TYPE=]FILE: a file of relationships; may be given again")
      ->check(not_empty)
      ->expected(1)
      ->take_all();
  app.add_option("--separator", separator, "between fields")->check(one_byte)->capture_default_str();
  app.add_option("--list-separator", list_separator, "between the items of lists and labels")
      ->check(one_byte)
      ->capture_default_str();
  app.add_flag("--skip-dangling", options.skip_dangling, "leave out relationships whose ends are not there");
  app.add_flag("--force", force, "replace a database that is not empty");
  app.footer("Exit codes: 0 imported, 1 failed and nothing changed, 2 wrong arguments.");
  try {
    app.parse(argc, argv);
    if (nodes.empty()) throw CLI::RequiredError("--nodes");
    if (separator == list_separator) throw CLI::ValidationError("--list-separator", "is that of the fields as well");
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  options.separator = separator == "\\t" ? '\t' : separator[0];
  options.list_separator = list_separator == "\\t" ? '\t' : list_separator[0];
  for (const std::string& argument : nodes) options.nodes.push_back(split(argument, true));
  for (const std::string& argument : relationships) options.relationships.push_back(split(argument, false));
  const auto counts = [&] {
    Progress progress("importing:");
    return import_database(database_path(database), options, force, std::ref(progress));
  }();
  if (!counts.ok()) return fail(kTool, counts.status());
  std::fprintf(stderr, "imported %llu nodes, %llu relationships", static_cast<unsigned long long>(counts->nodes),
               static_cast<unsigned long long>(counts->relationships));
  if (counts->skipped != 0) {
    std::fprintf(stderr, "; left out %llu dangling", static_cast<unsigned long long>(counts->skipped));
  }
  std::fprintf(stderr, "\n");
  return kExitOk;
} catch (const std::exception& error) {
  std::fprintf(stderr, "lora-import: %s\n", error.what());
  return 1;
}
