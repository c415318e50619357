// Databases as the tools' arguments name them.
#pragma once

#include <memory>
#include <string>

#include "graph/graph.h"
#include "kv/status.h"
#include "tools/stream_files.h"

namespace lora::tools {

// The path of `<name>.loradb`, given with or without the suffix.
std::string database_path(std::string argument);

// A database opened for reading while others may go on writing it.
//
// When nobody writes it, it is opened read-only first, for a moment: that finds acknowledged commits that are missing.
// Reading itself goes through a private view (see kv::StoreOptions::secondary), so no application has to wait; what is
// read is the state of that moment. The view's own files lie in the system's temporary directory.
class OpenedDatabase {
 public:
  static Result<std::unique_ptr<OpenedDatabase>> open(const std::string& path);
  ~OpenedDatabase();
  graph::Graph& graph() { return *graph_; }

 private:
  OpenedDatabase() = default;
  std::unique_ptr<ScratchDirectory> scratch_;
  std::unique_ptr<graph::Graph> graph_;
};

}  // namespace lora::tools
