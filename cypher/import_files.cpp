// Database::import_csv().
#include "cypher/database_impl.h"
#include "cypher/import/import_csv.h"

namespace lora {

Result<ImportCounts> Database::import_csv(const ImportOptions& files, const QueryOptions& options) {
  auto counts = write_call(*impl_, options, [&](QueryControl& control) {
    const uint64_t token = options.owner_token != 0 ? options.owner_token : this_thread_token();
    return cypher::import_csv(*impl_->graph, files, impl_->path.empty(), impl_->writer_deadline(options), token,
                              [&control](const ImportCounts&) { return control.check(); });
  });
  return_memory();  // of ids, rows and lists on their way: a tenth of what a large graph takes
  return counts;
}

}  // namespace lora
