#include "graph/index.h"

#include "graph/index_range.h"

namespace lora::graph {

namespace {

struct Row {
  IndexKind kind;
  std::string_view name;
  const IndexBehaviour* (*behaviour)();  // null: known, not offered
};

constexpr Row kKinds[] = {
    {IndexKind::kRange, "RANGE", range_index_behaviour},
    {IndexKind::kText, "TEXT", nullptr},
    {IndexKind::kPoint, "POINT", nullptr},
    {IndexKind::kLookup, "LOOKUP", nullptr},
    {IndexKind::kVector, "VECTOR", nullptr},
    {IndexKind::kFulltext, "FULLTEXT", nullptr},
};

}  // namespace

const IndexBehaviour* find_index_behaviour(IndexKind kind) {
  for (const Row& row : kKinds) {
    if (row.kind == kind) {
      return row.behaviour == nullptr ? nullptr : row.behaviour();
    }
  }
  return nullptr;
}

std::string_view index_kind_name(IndexKind kind) {
  for (const Row& row : kKinds) {
    if (row.kind == kind) {
      return row.name;
    }
  }
  return "UNKNOWN";
}

}  // namespace lora::graph
