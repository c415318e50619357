#include "tools/import_database.h"

#include <chrono>

#include "cypher/import/import_csv.h"
#include "tools/make_database.h"

namespace lora::tools {

Result<ImportCounts> import_database(const std::string& path, const ImportOptions& options, bool force,
                                     const graph::DumpPoll& poll) {
  ImportCounts counts;
  const FillDatabase fill = [&](Database& database) -> Result<graph::DumpCounts> {
    const auto report = [&](const ImportCounts& so_far) {
      return poll ? poll({so_far.nodes, so_far.relationships}) : Status();
    };
    LORA_ASSIGN(counts, cypher::import_csv(database.graph(), options, false,
                                           std::chrono::steady_clock::now() + std::chrono::seconds(5), 0, report));
    return graph::DumpCounts{counts.nodes, counts.relationships};
  };
  LORA_TRY(make_database(path, ".lora-import-", force, fill).status());
  return counts;
}

}  // namespace lora::tools
