#include "cypher/functions/reference.h"

#include <algorithm>
#include <map>
#include <vector>

namespace lora::cypher {

namespace {

std::string argument_text(const ArgSpec& arg) {
  return std::string(arg.name) + " :: " + type_text(arg.types);
}

template <typename Spec>
std::string signature_of(const Spec& f) {
  std::string out = std::string(f.name) + "(";
  for (size_t i = 0; i < f.args.size(); ++i) {
    if (i > 0) out += ", ";
    if (i >= f.min_args) out += "[";
    out += argument_text(f.args[i]);
    if (f.max_args == 255 && i + 1 == f.args.size()) out += ", ...";
    if (i >= f.min_args) out += "]";
  }
  return out + ") :: " + type_text(f.result);
}

// One entry of the document. `|` would end a cell of a table, so it is none.
template <typename Spec>
std::string entry(const Spec& f) {
  std::string out = "### `" + signature_text(f) + "`\n\n" + std::string(f.description);
  if (!f.aliases.empty()) {
    out += " Also ";
    for (size_t i = 0; i < f.aliases.size(); ++i) {
      out += (i == 0 ? "`" : ", `") + std::string(f.aliases[i]) + "`";
    }
    out += ".";
  }
  const std::string quote =
      f.example.find('`') == std::string_view::npos && f.example_result.find('`') == std::string_view::npos ? "`"
                                                                                                            : "``";
  out += "\n\n" + quote + std::string(f.example) + quote + " gives " + quote + std::string(f.example_result) + quote;
  return out + "\n\n";
}

}  // namespace

std::string type_text(TypeSet types) {
  // What may also be null is not said: every type has it.
  types &= ~type_bit(ValueType::kNull);
  constexpr TypeSet kAll = kAnyType & ~type_bit(ValueType::kNull);
  if ((types & kAll) == kAll) return "ANY";
  std::string out;
  for (uint32_t t = 1; t < 19; ++t) {
    if ((types & type_bit(static_cast<ValueType>(t))) == 0) continue;
    if (!out.empty()) out += " | ";
    out += value_type_name(static_cast<ValueType>(t));
  }
  return out;
}

std::string signature_text(const FunctionSpec& function) {
  return signature_of(function);
}
std::string signature_text(const AggregateSpec& function) {
  return signature_of(function);
}

std::string function_reference() {
  std::map<std::string_view, std::map<std::string_view, std::string>> categories;
  for (const FunctionSpec* f : all_functions()) categories[f->category][f->name] = entry(*f);
  for (const AggregateSpec* f : all_aggregates()) categories[f->category][f->name] = entry(*f);
  std::string out =
      "# Functions\n\n"
      "Made from the registry; `lora_reference cypher/functions/REFERENCE.md` writes it anew, and a test says when "
      "that "
      "is\ndue. Names are found in any case. Arguments in brackets may be left out. Unless the description says "
      "otherwise, a\nfunction gives null when an argument is null. Functions that a program registers are listed by "
      "`SHOW FUNCTIONS` only.\n\n";
  for (const auto& [category, functions] : categories) {
    out += "## " + std::string(category) + "\n\n";
    for (const auto& [name, text] : functions) out += text;
  }
  out.pop_back();
  return out;
}

}  // namespace lora::cypher
