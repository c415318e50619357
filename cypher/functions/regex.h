// Regular expressions of the language: RE2's, so the time is linear in the text: no look-around, no back-references.
// Nothing can stop a match that runs, so what may take too long is refused before it begins.
#pragma once

#include <memory>
#include <string_view>

#include "kv/status.h"

namespace re2 {
class RE2;
}

namespace lora::cypher {

// TypeError/InvalidArgumentValue for a pattern that does not compile; kLimit (value size) for one of more than 64 KiB.
Status compile_regex(std::string_view pattern, std::unique_ptr<re2::RE2>* out);

// kLimit (value size) when matching `text` may take seconds: an automaton that got too large for its cache is walked
// state by state, some 2 to 6 ns per byte of text, instruction and group to be found.
Status check_regex_work(const re2::RE2& regex, std::string_view text, size_t groups);

}  // namespace lora::cypher
