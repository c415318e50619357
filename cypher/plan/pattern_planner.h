// Plans one MATCH pattern: which node to start from, in which order to expand, what to filter when.
//
// The pattern's connected pieces are planned one after the other. Within a piece: dynamic programming over the set of
// relationships solved and nodes bound, up to kDpRelationshipsMax; beyond that the cheapest next step is taken. Steps:
//   leaf    bind a node by a scan or seek for each row (a start, or a second selective end)
//   scan    bind a relationship and both ends at once (a start only)
//   expand  from a bound node over a relationship; "into" when both ends are bound
// Predicates are applied by the first step after which all their slots are there. A piece that does not depend on the
// rows so far may be planned apart and joined with a hash join (or, without keys, a cartesian product).
#pragma once

#include "cypher/bind/bound.h"
#include "cypher/plan/builder.h"

namespace lora::cypher {

inline constexpr size_t kDpRelationshipsMax = 10;

// Puts the pattern on top of *stream: matches, predicates, derived slots. `argument_slots`: what an Argument leaf gives
// here (empty at the top of a statement).
// Errors: kUnsupported.
Status plan_pattern(PlanBuilder& builder, const BoundPattern& pattern, const SlotSet& argument_slots, Stream* stream);

}  // namespace lora::cypher
