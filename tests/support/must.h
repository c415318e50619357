// The value of a result in a test; a failure ends the program, because nothing that follows means anything.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <utility>

#include "kv/status.h"

namespace lora::tests {

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) {
    ADD_FAILURE() << result.status().to_string();
    std::abort();
  }
  return std::move(result).value();
}
inline void must(const Status& status) {
  if (!status.ok()) {
    ADD_FAILURE() << status.to_string();
    std::abort();
  }
}

}  // namespace lora::tests
