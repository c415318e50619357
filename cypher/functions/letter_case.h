// Text in upper and in lower case, by Unicode's full case mapping: one character may become several (`ß` is `SS` in
// upper case), and a capital sigma at the end of a word becomes `ς`. Not by language: `i` is `I` everywhere.
#pragma once

#include <string>
#include <string_view>

namespace lora::cypher {

// Bytes that are no UTF-8 stay as they are. Any thread; throw std::bad_alloc only.
std::string upper_text(std::string_view text);
std::string lower_text(std::string_view text);

}  // namespace lora::cypher
