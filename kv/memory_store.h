// An ordered-map Store: the model that tests compare the real one with. Everything is copied when a snapshot is open,
// nothing is fast, nothing is kept. An in-memory database is not this: it is RocksDB on a memory environment.
#pragma once

#include <memory>

#include "kv/store.h"

namespace lora::kv {

std::unique_ptr<Store> make_memory_store();

}  // namespace lora::kv
