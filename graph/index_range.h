// RANGE: entries ordered by their values (value_codec's ordered encoding, one per key). Answers equality on all keys,
// ranges and string prefixes on the first.
#pragma once

#include "graph/index.h"

namespace lora::graph {

const IndexBehaviour* range_index_behaviour();

}  // namespace lora::graph
