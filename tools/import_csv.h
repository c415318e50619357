// What lora-import does: CSV files (import_header.h says what their first lines mean) into a new database.
#pragma once

#include <string>
#include <vector>

#include "graph/dump.h"
#include "kv/status.h"

namespace lora::tools {

struct ImportFile {
  std::vector<std::string> names;  // labels of all its nodes; the type of all its relationships
  std::string path;
};

struct ImportOptions {
  std::vector<ImportFile> nodes, relationships;  // read in this order
  char separator = ',';
  char list_separator = ';';
  bool force = false;          // replace a database that holds something
  bool skip_dangling = false;  // leave out relationships to ids that no node has, instead of failing
};

struct ImportCounts {
  graph::DumpCounts graph;
  uint64_t skipped = 0;  // dangling relationships
};

// Makes the database at `path`, whole or not at all (see make_database.h). Errors name file and line: kParse for
// headers and values, kUniqueConstraint for an id that is there twice in its group, kNotFound for a dangling
// relationship, kIo and kLimit of the files.
Result<ImportCounts> import_csv(const std::string& path, const ImportOptions& options, const graph::DumpPoll& poll);

}  // namespace lora::tools
