// contain(): where exceptions end. Our own code lets none out, but an allocation may fail, and so may the start of a
// thread or what a caller handed in (a poll, a sink of bytes). The public calls run inside contain(), and so does every
// place that must do something on the way out (undo a statement, latch a store).
#pragma once

#include <exception>

#include "kv/status.h"

namespace lora {

// For the exception being handled, a std::exception: kMemoryLimit when memory ran out, else kInternal with its text.
Status status_of_exception() noexcept;

// What `body` returns (a Status or a Result), or the status for what it throws. What is no std::exception passes: a
// thread that is being ended unwinds that way.
template <typename Body>
auto contain(Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception&) {
    return status_of_exception();
  }
}

}  // namespace lora
