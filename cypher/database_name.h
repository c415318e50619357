// Database names: which are allowed, and the directory each stands for.
#pragma once

#include <string>
#include <string_view>

#include "kv/status.h"

namespace lora::cypher {

// `<database_dir>/<name>.loradb` for a name of one or more parts (split at `/` and `\`; ASCII letters, digits, `+ _ -`;
// the last part may end in `.loradb`). kDatabaseName for other names and for paths that leave database_dir, also by
// symbolic links. Does not create anything.
Result<std::string> resolve_database_path(std::string_view name, std::string_view database_dir);

}  // namespace lora::cypher
