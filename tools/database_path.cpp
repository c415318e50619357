#include "tools/database_path.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <thread>

namespace lora::tools {

namespace {

constexpr std::string_view kSuffix = ".loradb";
constexpr uint64_t kCacheBytes = 256ull << 20;  // reading in order needs little
constexpr int kAttempts = 30;
constexpr int kPauseMsMax = 200;

}  // namespace

std::string database_path(std::string argument) {
  while (argument.size() > 1 && argument.back() == '/') {
    argument.pop_back();
  }
  if (!argument.ends_with(kSuffix)) {
    argument += kSuffix;
  }
  return argument;
}

Result<std::unique_ptr<OpenedDatabase>> OpenedDatabase::open(const std::string& path) {
  graph::GraphOptions options;
  options.store.directory = path;
  options.store.create_if_missing = false;
  options.store.read_only = true;
  options.cache_bytes = kCacheBytes;
  {
    const Result<std::unique_ptr<graph::Graph>> reader = graph::Graph::open(options);
    if (!reader.ok() && reader.status().code() != ErrorCode::kLocked) {
      return reader.status();
    }
  }
  options.store.read_only = false;
  options.store.secondary = true;
  std::error_code error;
  const std::filesystem::path temporary = std::filesystem::temp_directory_path(error);
  if (error) {
    return Status::io("there is no temporary directory: " + error.message());
  }
  Status failure;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (attempt > 0) {
      // The writer has changed or removed files while they were read.
      std::this_thread::sleep_for(std::chrono::milliseconds(std::min(20 * (attempt + 1), kPauseMsMax)));
    }
    std::unique_ptr<OpenedDatabase> database(new OpenedDatabase());
    LORA_ASSIGN(database->scratch_, ScratchDirectory::create(temporary.string(), "lora-view-"));
    options.store.secondary_directory = database->scratch_->path();
    Result<std::unique_ptr<graph::Graph>> graph = graph::Graph::open(options);
    failure = graph.status();
    if (failure.ok()) {
      database->graph_ = std::move(*graph);
      return database;
    }
    if (failure.code() != ErrorCode::kIo && failure.code() != ErrorCode::kCorruption &&
        failure.code() != ErrorCode::kNotFound) {
      break;
    }
  }
  return failure;
}

OpenedDatabase::~OpenedDatabase() {
  graph_.reset();
}

}  // namespace lora::tools
