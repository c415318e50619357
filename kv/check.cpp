#include "kv/check.h"

#include <cstdio>
#include <cstdlib>

namespace lora {

void check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "lora: internal check failed: %s at %s:%d\n", expression, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace lora
