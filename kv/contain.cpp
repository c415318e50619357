#include "kv/contain.h"

#include <new>
#include <stdexcept>

namespace lora {

Status status_of_exception() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return {ErrorCode::kMemoryLimit,
            "the process gets no more memory from the system; return less at once, or lower `query_memory_bytes` and "
            "`cache_bytes`"};
  } catch (const std::length_error&) {
    return {ErrorCode::kMemoryLimit, "a value would be larger than any memory; return less at once"};
  } catch (const std::exception& error) {
    return Status::internal(std::string("an exception: ") + error.what());
  }
}

}  // namespace lora
