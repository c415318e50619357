// Index and constraint definitions, as users name them and as the catalog keeps them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/ids.h"

namespace lora::graph {

class Catalog;

enum class EntityKind : uint8_t { kNode = 0, kRelationship = 1 };
// Persisted: never renumber.
enum class IndexKind : uint8_t { kRange = 0, kText = 1, kPoint = 2, kLookup = 3, kVector = 4, kFulltext = 5 };
enum class ConstraintKind : uint8_t { kUnique = 0, kNotNull = 1, kKey = 2, kType = 3 };

struct IndexDefinition {
  std::string name;  // empty: a name is made from kind, label and keys
  IndexKind kind = IndexKind::kRange;
  EntityKind entity = EntityKind::kNode;
  std::string label_or_type;
  std::vector<std::string> keys;  // one or more
};

struct ConstraintDefinition {
  std::string name;
  ConstraintKind kind = ConstraintKind::kUnique;
  EntityKind entity = EntityKind::kNode;
  std::string label_or_type;
  std::vector<std::string> keys;
};

struct IndexInfo {
  IndexId id;
  IndexDefinition definition;
  uint32_t label_or_type = 0;  // LabelId or RelTypeId value
  std::vector<KeyId> keys;
  bool unique = false;            // owned by a uniqueness constraint: value to id
  std::string owning_constraint;  // empty: none
};

struct ConstraintInfo {
  ConstraintDefinition definition;
  IndexId owned_index;         // invalid: none
  uint32_t number = 0;         // its place in the store
  uint32_t label_or_type = 0;  // LabelId or RelTypeId value
  std::vector<KeyId> keys;
};

// Immutable; a new one per schema change.
struct Schema {
  uint64_t version = 0;
  std::vector<IndexInfo> indexes;
  std::vector<ConstraintInfo> constraints;
  Catalog* catalog = nullptr;  // the names this version speaks of; owned by the Graph, lives as long
  uint32_t next_index = 0;     // ids and numbers are never given out again
  uint32_t next_constraint = 0;

  const IndexInfo* find_index(std::string_view name) const;
  const IndexInfo* find_index(IndexId id) const;
  const ConstraintInfo* find_constraint(std::string_view name) const;
  // RANGE indexes on this label whose first keys are all in `keys`.
  const IndexInfo* find_range_index(EntityKind entity, uint32_t label_or_type, KeyId key) const;
};

}  // namespace lora::graph
