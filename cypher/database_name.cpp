#include "cypher/database_name.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

namespace lora::cypher {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".loradb";
constexpr size_t kPartBytesMax = 200;  // with the suffix below the usual 255 bytes of file systems

Status bad_name(std::string_view name, const std::string& why) {
  std::string shown;
  for (const char c : name.substr(0, 200)) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    shown += control ? '?' : c;
  }
  return {ErrorCode::kDatabaseName, "the database name `" + shown + "` " + why};
}

bool allowed(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '_' || c == '-';
}

bool is_inside(const fs::path& path, const fs::path& directory) {
  auto p = path.begin();
  for (auto d = directory.begin(); d != directory.end(); ++d) {
    if (d->empty()) continue;  // a trailing separator
    if (p == path.end() || *p != *d) return false;
    ++p;
  }
  return true;
}

}  // namespace

Result<std::string> resolve_database_path(std::string_view name, std::string_view database_dir) {
  if (name.empty()) return bad_name(name, "is empty");
  if (name.front() == '/' || name.front() == '\\') {
    return bad_name(name, "is an absolute path; give the directory as `database_dir`");
  }
  std::vector<std::string> parts(1);
  for (const char c : name) {
    if (c == '/' || c == '\\') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  if (parts.back().size() > kSuffix.size() && parts.back().ends_with(kSuffix)) {
    parts.back().resize(parts.back().size() - kSuffix.size());
  }
  for (const std::string& part : parts) {
    if (part.empty()) return bad_name(name, "has an empty part");
    if (part == "." || part == "..")
      return bad_name(name, "has `.` or `..` as a part; give the directory as `database_dir`");
    if (part.size() > kPartBytesMax)
      return bad_name(name, "has a part of more than `" + std::to_string(kPartBytesMax) + "` bytes");
    const auto wrong = std::find_if_not(part.begin(), part.end(), allowed);
    if (wrong != part.end()) {
      if (*wrong == ':') return bad_name(name, "has a drive or a `:`; give the directory as `database_dir`");
      return bad_name(name, "may only have ASCII letters, digits, `+`, `_`, `-` and separators, and end in `.loradb`");
    }
  }
  if (database_dir.empty()) return Status::config("`database_dir` is empty; use `.` for the current directory");
  if (database_dir.find('\0') != std::string_view::npos) return Status::config("`database_dir` has a null byte");

  fs::path path{std::string(database_dir)};
  for (size_t i = 0; i + 1 < parts.size(); ++i) path /= parts[i];
  path /= parts.back() + std::string(kSuffix);

  std::error_code error;
  const fs::path root = fs::weakly_canonical(fs::path(std::string(database_dir)), error);
  if (error) return Status::io("cannot look at `" + std::string(database_dir) + "`: " + error.message());
  const fs::path real = fs::weakly_canonical(path, error);
  if (error) return Status::io("cannot look at `" + path.string() + "`: " + error.message());
  if (!is_inside(real, root)) return bad_name(name, "leaves `" + root.string() + "` through a symbolic link");
  if (fs::is_symlink(fs::symlink_status(path, error)) && !fs::exists(path, error)) {
    return bad_name(name, "is a symbolic link to nothing");
  }
  return path.string();
}

}  // namespace lora::cypher
