// How many threads can run at once.
#pragma once

#include <cstddef>

namespace lora {

// Processors that this thread may use: what `taskset` and containers' sets of processors leave of the machine's. At
// least 1.
size_t usable_processors();

}  // namespace lora
