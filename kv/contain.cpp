#include "kv/contain.h"

#include <new>
#include <stdexcept>

namespace lora {

Status status_of_exception() noexcept {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return Status::no_memory();
  } catch (const std::exception& error) {
    try {
      if (dynamic_cast<const std::length_error*>(&error) != nullptr) {
        return {ErrorCode::kMemoryLimit, "a value would be larger than any memory; return less at once"};
      }
      return Status::internal(std::string("an exception: ") + error.what());
    } catch (const std::bad_alloc&) {
      return Status::no_memory();
    }
  }
}

}  // namespace lora
