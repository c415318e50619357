// Database::import_csv().
#include "cypher/database_impl.h"
#include "cypher/import/import_csv.h"

namespace lora {

Result<ImportCounts> Database::import_csv(const ImportOptions& files, const QueryOptions& options) {
  return contain_call([&]() -> Result<ImportCounts> {
    DatabaseCore& db = *impl_;
    QueryControl control;
    db.start_control(&control, options);
    CallScope call(db, &control);
    LORA_TRY(call.status());
    if (db.options.read_only) return cypher::read_only_refusal();
    LORA_TRY(db.check_may_write());
    const uint64_t token = options.owner_token != 0 ? options.owner_token : this_thread_token();
    return cypher::import_csv(*db.graph, files, db.path.empty(), db.writer_deadline(options), token,
                              [&control](const ImportCounts&) { return control.check(); });
  });
}

}  // namespace lora
