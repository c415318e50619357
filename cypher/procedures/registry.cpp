#include <algorithm>
#include <vector>

#include "cypher/procedures/families.h"

namespace lora::cypher {

std::string signature_text(const ProcedureSignature& procedure) {
  const auto fields = [](const std::vector<ProcedureSignature::Field>& list) {
    std::string out = "(";
    for (const auto& f : list) {
      if (out.size() > 1) out += ", ";
      out += std::string(f.name) + " :: " + std::string(f.type_name.empty() ? "ANY" : f.type_name);
    }
    return out + ")";
  };
  return std::string(procedure.name) + fields(procedure.args) +
         (procedure.columns.empty() ? " :: VOID" : " :: " + fields(procedure.columns));
}

std::span<const ProcedureSpec* const> built_in_procedures() {
  static const std::vector<const ProcedureSpec*> all = [] {
    std::vector<const ProcedureSpec*> list;
    for (const ProcedureSpec& spec : catalog_procedures()) list.push_back(&spec);
    std::sort(list.begin(), list.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
    return list;
  }();
  return all;
}

}  // namespace lora::cypher
