// A plan in words: operator names as Neo4j's, what each works on, estimated rows.
#pragma once

#include <string>
#include <vector>

#include "cypher/plan/logical.h"
#include "graph/graph.h"

namespace lora::cypher {

struct ExplainedOp {
  uint32_t id = 0;
  std::string name;
  std::string details;  // "n:Person", "(a)-[r:KNOWS]->(b)", "n.age > 30"
  double estimated_rows = 0;
  std::vector<ExplainedOp> children;  // inputs, then subplans of the operator's expressions
};

// `reader`: for the names of indexes.
ExplainedOp explain(const LogicalPlan& plan, const graph::Reader& reader);

// An expression as Cypher text. Slots without a name are written `_12`.
std::string print_expr(const Expr* expr, std::span<const std::string_view> slot_names);

}  // namespace lora::cypher
