#include "tests/support/failing_allocations.h"

#include <dlfcn.h>
#include <execinfo.h>

#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <new>

namespace lora::tests {

thread_local Failing failing;

namespace {

thread_local int64_t live = 0;

bool foreign_on_stack() {
  void* frames[256];
  const int count = ::backtrace(frames, 256);
  for (int i = 0; i < count; ++i) {
    Dl_info info;
    if (::dladdr(frames[i], &info) == 0 || info.dli_fname == nullptr) continue;
    for (const char* foreign : {"librocksdb", "libre2", "libdate-tz"}) {
      if (std::strstr(info.dli_fname, foreign) != nullptr) return true;
    }
  }
  return false;
}

bool fails(size_t bytes) {
  if (!failing.armed || bytes < failing.bytes_min) [[likely]]
    return false;
  if (failing.skip > 0) {
    --failing.skip;
    return false;
  }
  failing.armed = false;  // what the look at the stack allocates does not count
  const bool ours = !foreign_on_stack();
  failing.armed = !ours || failing.lasting;
  failing.failed += ours;
  return ours;
}

void* take(size_t bytes) {
  void* got = fails(bytes) ? nullptr : std::malloc(bytes > 0 ? bytes : 1);
  live += got != nullptr;
  return got;
}

void* take(size_t bytes, std::align_val_t alignment) {
  const auto align = static_cast<size_t>(alignment);
  void* got = fails(bytes) ? nullptr : std::aligned_alloc(align, (bytes + align - 1) / align * align);
  live += got != nullptr;
  return got;
}

void give_back(void* p) {
  live -= p != nullptr;
  std::free(p);
}

}  // namespace

void prepare_failing() {
  if (foreign_on_stack()) std::abort();  // not from a test
}

int64_t live_allocations() {
  return live;
}

}  // namespace lora::tests

using lora::tests::give_back;
using lora::tests::take;

[[gnu::noinline]] void* operator new(size_t bytes) {
  void* got = take(bytes);
  if (got == nullptr) throw std::bad_alloc();
  return got;
}
[[gnu::noinline]] void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return take(bytes);
}
[[gnu::noinline]] void* operator new(size_t bytes, std::align_val_t alignment) {
  void* got = take(bytes, alignment);
  if (got == nullptr) throw std::bad_alloc();
  return got;
}
// Arrays too: a sanitizer's own would not come by here.
[[gnu::noinline]] void* operator new[](size_t bytes) {
  return operator new(bytes);
}
[[gnu::noinline]] void operator delete[](void* p) noexcept {
  operator delete(p);
}
[[gnu::noinline]] void operator delete[](void* p, size_t) noexcept {
  operator delete(p);
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
  give_back(p);
}
[[gnu::noinline]] void operator delete(void* p, size_t) noexcept {
  give_back(p);
}
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept {
  give_back(p);
}
[[gnu::noinline]] void operator delete(void* p, size_t, std::align_val_t) noexcept {
  give_back(p);
}
