#include "graph/schema.h"

#include <algorithm>

namespace lora::graph {

const IndexInfo* Schema::find_index(std::string_view name) const {
  for (const IndexInfo& index : indexes) {
    if (index.definition.name == name) {
      return &index;
    }
  }
  return nullptr;
}

const IndexInfo* Schema::find_index(IndexId id) const {
  for (const IndexInfo& index : indexes) {
    if (index.id == id) {
      return &index;
    }
  }
  return nullptr;
}

const ConstraintInfo* Schema::find_constraint(std::string_view name) const {
  for (const ConstraintInfo& constraint : constraints) {
    if (constraint.definition.name == name) {
      return &constraint;
    }
  }
  return nullptr;
}

const IndexInfo* Schema::find_range_index(EntityKind entity, uint32_t label_or_type, KeyId key) const {
  const IndexInfo* best = nullptr;
  for (const IndexInfo& index : indexes) {
    if (index.definition.kind != IndexKind::kRange || index.definition.entity != entity ||
        index.label_or_type != label_or_type || index.keys.empty() || index.keys.front() != key) {
      continue;
    }
    // Fewer keys answer more questions; a unique one gives at most one entity.
    if (best == nullptr || index.keys.size() < best->keys.size() ||
        (index.keys.size() == best->keys.size() && index.unique && !best->unique)) {
      best = &index;
    }
  }
  return best;
}

}  // namespace lora::graph
