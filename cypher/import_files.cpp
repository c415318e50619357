// Database::import_csv().
#include "cypher/database_impl.h"
#include "cypher/import/import_csv.h"

namespace lora {

Result<ImportCounts> Database::import_csv(const ImportOptions& files, const QueryOptions& options) {
  return write_call(*impl_, options, [&](QueryControl& control) {
    const uint64_t token = options.owner_token != 0 ? options.owner_token : this_thread_token();
    return cypher::import_csv(*impl_->graph, files, impl_->path.empty(), impl_->writer_deadline(options), token,
                              [&control](const ImportCounts&) { return control.check(); });
  });
}

}  // namespace lora
