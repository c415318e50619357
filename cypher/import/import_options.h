// What Database::import_csv() is told and tells.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lora {

struct ImportFile {
  std::vector<std::string> names;  // labels of all its nodes; the type of all its relationships
  std::string path;
};

// The first line of each file names its columns: id:ID(Group), name, age:int, :LABEL; :START_ID(Group), :END_ID(Group),
// :TYPE. cypher/import/import_header.h has the notation, which is that of Neo4j's importer.
struct ImportOptions {
  std::vector<ImportFile> nodes, relationships;  // read in this order
  char separator = ',';
  char list_separator = ';';
  bool skip_dangling = false;  // leave out relationships to ids that no node of the files has, instead of failing
};

struct ImportCounts {
  uint64_t nodes = 0, relationships = 0;
  uint64_t skipped = 0;  // dangling relationships
};

}  // namespace lora
