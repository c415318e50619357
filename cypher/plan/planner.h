// The planner: a bound statement to a logical plan.
//
// Clauses become operators in order; a MATCH becomes the cheapest chain of scans, seeks and expansions found by dynamic
// programming over its relationships (pattern_planner.h), with costs from the graph's exact counters (statistics.h).
// Then the rewrite rules run (rules/rules.cpp), barriers against a statement seeing its own writes are set
// (eager.cpp), and every operator is told which slots are still needed (live.cpp).
//
// Threads: a pure function of its input.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "cypher/bind/bound.h"
#include "cypher/plan/logical.h"
#include "graph/graph.h"
#include "kv/status.h"

namespace lora::cypher {

struct PlannerInput {
  graph::Reader* reader = nullptr;  // catalog, counters, schema of the version to plan for
  uint64_t statistics_epoch = 0;
  // Switches for differential tests: the same answers must come out with everything off.
  uint32_t rules_off = 0;  // bit n: without rewrite rule number n of rewrite_rule_names()
  bool cost_based = true;  // false: pattern order as written, no indexes
};

// Names of the rewrite rules in the order in which they run.
std::span<const std::string_view> rewrite_rule_names();

// `plan` is the one whose arena the statement was bound into; it is filled and handed back.
// Errors: kUnsupported (what the planner cannot do yet, never a wrong plan), kLimit (too many slots), kInternal.
Result<std::shared_ptr<const LogicalPlan>> make_plan(BoundStatement&& statement, std::shared_ptr<LogicalPlan> plan,
                                                     const PlannerInput& input);

}  // namespace lora::cypher
