// lora-restore: a file to a database.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <fstream>
#include <sstream>

#include "tools/database_path.h"
#include "tools/progress.h"
#include "tools/restore_database.h"

namespace {

// The content of a small file, for --password-file and --key-file.
lora::Result<std::string> read_secret(const std::string& path, bool line) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || file.bad()) {
    return lora::Status::io("cannot read `" + path + "`");
  }
  std::string secret = text.str();
  while (line && !secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) {
    secret.pop_back();
  }
  return secret;
}

}  // namespace

int main(int argc, char** argv) try {
  using namespace lora::tools;
  constexpr const char* kTool = "lora-restore";
  install_signal_handlers();
  RestoreOptions options;
  std::string file, database, password_file, key_file;
  CLI::App app("Makes a database from a file that lora-dump or a snapshot call wrote; the format is found out.", kTool);
  app.set_version_flag("--version", LORA_VERSION);
  app.add_option("FILE", file, "file to read; - is standard input")->required()->check(not_empty);
  app.add_option("DB", database, "path of the database, with or without `.loradb`; not needed with --check")
      ->check(not_empty);
  app.add_flag("--force", options.force, "replace a database that is not empty");
  app.add_flag("--check", options.check, "only find out whether the file can be restored (in a temporary directory)");
  CLI::Option* password =
      app.add_option("--password-file", password_file, "file with the password of an encrypted snapshot");
  app.add_option("--key-file", key_file, "file with the 32-byte key of an encrypted snapshot")->excludes(password);
  app.footer("Exit codes: 0 restored (or sound), 1 failed and nothing changed, 2 wrong arguments.");
  try {
    app.parse(argc, argv);
    if (database.empty() && !options.check) {
      throw CLI::RequiredError("DB");
    }
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  if (!password_file.empty() || !key_file.empty()) {
    const auto secret = read_secret(password_file.empty() ? key_file : password_file, key_file.empty());
    if (!secret.ok()) {
      return fail(kTool, secret.status());
    }
    using Kind = lora::graph::SnapshotCrypto::Kind;
    options.crypto.kind = key_file.empty() ? Kind::kPassword : Kind::kKey;
    (key_file.empty() ? options.crypto.password : options.crypto.key) = *secret;
  }
  const auto counts = [&] {
    Progress progress(options.check ? "checking:" : "restoring:");
    return restore_database(file, database.empty() ? "" : database_path(database), options, std::ref(progress));
  }();
  if (!counts.ok()) {
    return fail(kTool, counts.status());
  }
  if (::isatty(STDERR_FILENO) != 0) {
    std::fprintf(stderr, "%s %s\n", options.check ? "sound:" : "restored", describe(*counts).c_str());
  }
  return kExitOk;
} catch (const std::exception& error) {
  std::fprintf(stderr, "lora-restore: %s\n", error.what());
  return 1;
}
