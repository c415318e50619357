// Uniqueness: what a duplicate is told to the user as. The checks themselves happen at each write, where the entry goes
// into the index (Transaction::Impl::change_entry in constraint.cpp), and when an index is built.
#pragma once

#include <string>

#include "graph/catalog.h"
#include "graph/schema.h"
#include "kv/bytes.h"
#include "kv/status.h"

namespace lora::graph {

// `values`: the encoded values both entities have.
Status duplicate_error(const Catalog& catalog, const IndexInfo& index, ByteView values, uint64_t existing_id);

}  // namespace lora::graph
