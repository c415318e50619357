#include "cypher/bind/bound.h"

#include <algorithm>

namespace lora::cypher {

BoundCallSubquery::BoundCallSubquery() : BoundClause(ClauseKind::kCallSubquery) {}
BoundCallSubquery::~BoundCallSubquery() = default;

namespace {

void collect(const Expr& e, std::vector<Slot>* slots, std::vector<Slot>* locals) {
  switch (e.kind) {
    case ExprKind::kSlot: slots->push_back(e.slot); return;
    case ExprKind::kLet:
    case ExprKind::kListComprehension:
    case ExprKind::kQuantifier: locals->push_back(e.slot); break;
    case ExprKind::kReduce:
      locals->push_back(e.slot);
      locals->push_back(e.slot2);
      break;
    default: break;
  }
  for (const Expr* child : e.children) {
    if (child != nullptr) collect(*child, slots, locals);
  }
}

}  // namespace

void collect_slots(const Expr& expr, std::vector<Slot>* slots) {
  const size_t before = slots->size();
  std::vector<Slot> locals;
  collect(expr, slots, &locals);
  if (locals.empty()) return;
  std::sort(locals.begin(), locals.end());
  auto is_local = [&](Slot s) { return std::binary_search(locals.begin(), locals.end(), s); };
  slots->erase(std::remove_if(slots->begin() + static_cast<ptrdiff_t>(before), slots->end(), is_local), slots->end());
}

std::span<const std::string_view> show_column_names(BoundShow::What what) {
  static constexpr std::string_view kIndexes[] = {"name",       "type",    "entityType", "labelsOrTypes",
                                                  "properties", "options", "state",      "populationPercent"};
  static constexpr std::string_view kConstraints[] = {"name",       "type",       "entityType",  "labelsOrTypes",
                                                      "properties", "ownedIndex", "propertyType"};
  static constexpr std::string_view kFunctions[] = {"name",      "category",    "description",
                                                    "signature", "aggregating", "returnDescription"};
  static constexpr std::string_view kProcedures[] = {"name", "description", "mode", "signature"};
  switch (what) {
    case BoundShow::What::kIndexes: return kIndexes;
    case BoundShow::What::kConstraints: return kConstraints;
    case BoundShow::What::kFunctions: return kFunctions;
    case BoundShow::What::kProcedures: return kProcedures;
  }
  return {};
}

}  // namespace lora::cypher
