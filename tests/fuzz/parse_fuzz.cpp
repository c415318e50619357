// Any bytes through lexer, parser, printer, plan-cache keys and error text. Traps when
//   * a printed tree does not read back as the same tree,
//   * a text parses plainly but not with its literals taken out, or gives another tree,
//   * an error has a place outside of the text.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "cypher/syntax/error_text.h"
#include "cypher/syntax/normalize.h"
#include "cypher/syntax/parser.h"
#include "cypher/syntax/print.h"

namespace {

void require(bool condition, const char* what, std::string_view text) {
  if (condition) return;
  std::fprintf(stderr, "%s: %.*s\n", what, static_cast<int>(text.size()), text.data());
  __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lora;
  using namespace lora::cypher;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Normalized normalized = normalize(text);
  require(normalized.values.size() == normalized.offsets.size(), "values and offsets differ", text);
  auto query = parse(text);
  auto stripped = parse(text, normalized);
  require(query.ok() == stripped.ok(), "parses only one way", text);
  if (!query.ok()) {
    int64_t offset = query.status().info().offset;
    require(offset >= 0 && offset <= static_cast<int64_t>(size), "place outside of the text", text);
    Status shown = add_error_context(query.status(), text);
    require(shown.info().line >= 1 && shown.info().column >= 1, "no line or column", text);
    return 0;
  }
  std::string once = print(*query);
  auto again = parse(once);
  // A canonical text can need more brackets than the limit allows; nothing else may stop it.
  if (!again.ok() && again.status().code() == ErrorCode::kLimit) return 0;
  require(again.ok(), "printed text does not parse", once);
  std::string twice = print(*again);
  require(once == twice, "printed text reads back differently", once);
  require(!print(*stripped).empty(), "stripped tree prints as nothing", text);
  return 0;
}
