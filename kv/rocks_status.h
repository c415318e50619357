// RocksDB's status to ours: the only place that translates.
#pragma once

#include <string_view>

#include "kv/status.h"

namespace rocksdb {
class Status;
}

namespace lora::kv {

// OK stays OK. `doing` says what failed ("write", "open `/path`"); it starts the message.
Status from_rocks(const rocksdb::Status& status, std::string_view doing);
// The same for an errno of our own system calls.
Status from_errno(int error, std::string_view doing);

}  // namespace lora::kv
