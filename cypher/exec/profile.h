// What PROFILE counts, per operator. Time and hits are the operator's own: those of its inputs are left out.
#pragma once

#include <cstdint>

namespace lora::cypher {

struct OperatorCounters {
  uint64_t rows = 0;     // rows given
  uint64_t db_hits = 0;  // entities, properties, list segments and index entries read or written
  uint64_t elapsed_ns = 0;
  uint64_t next_calls = 0;
};

}  // namespace lora::cypher
