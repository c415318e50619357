// Whether rows of the engine are a right answer, and the two sides as text.
//
// Rules. Rows are compared as bags; with ORDER BY as sequences of bags of equal sort keys; SKIP and LIMIT may cut such
// a bag anywhere. Entities are compared by id and contents; entities that the statement made, by what they look like
// and what they are connected to. Floats are compared to 12 digits, to 9 where there are distances. Where a text says
// DISTINCT, aggregates or UNION, 1 and 1.0 are the same, and so are equal instants in different zones; where it makes
// lists in no promised order (collect, comprehensions of patterns, keys, labels), lists are compared as bags.
//
// Threads: pure functions.
#pragma once

#include <string>

#include "cypher/database.h"
#include "tests/reference/reference_eval.h"

namespace lora::reference {

// Replaces bare entities by ones that carry their contents.
Value hydrate(const Value& value, const ReferenceGraph& graph);

// Names of entities in comparable texts: `#3` for those with an id below the graph's next ids before the statement, a
// digest of contents and neighbourhood for the others.
class EntityNames {
 public:
  EntityNames(const ReferenceGraph& before, const ReferenceGraph& after);
  const std::string& node(uint64_t id) const;
  const std::string& relationship(uint64_t id) const;
  // All of the graph; equal for equal graphs.
  std::string graph_text() const;

 private:
  std::map<uint64_t, std::string> nodes_, relationships_;
  std::string text_;
};

struct TextRules {
  bool numbers_alike = false;  // 1 and 1.0
  bool lists_are_bags = false;
  bool distances = false;  // on the globe: fewer digits
  explicit TextRules(std::string_view query);
  TextRules() = default;
};

// Empty: the rows are right. Otherwise what is wrong.
std::string difference(const QueryResult& rows, const EntityNames& row_names, const Outcome& expected,
                       const ReferenceGraph& graph, const EntityNames& expected_names, std::string_view query);

}  // namespace lora::reference
