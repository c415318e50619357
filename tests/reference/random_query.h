// Random small graphs and random queries over them, from a seed: the same seed gives the same text everywhere.
//
// Queries are valid nearly always: the generator knows the static type of every variable, and keeps to answers that do
// not depend on the order of rows: lists whose order is nobody's promise (collect, keys, pattern comprehensions) are
// only asked for what holds in any order; LIMIT inside a query stands behind a total order. Two integers or floats that
// are equivalent (1, 1.0) may stand for each other after DISTINCT: no arithmetic is done on columns of mixed types.
//
// Threads: a generator belongs to one.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/reference/reference_graph.h"

namespace lora::reference {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint64_t next() { return engine_(); }
  uint64_t below(uint64_t n) { return engine_() % n; }
  bool percent(uint64_t n) { return below(100) < n; }
  template <typename T, size_t N>
  const T& pick(const T (&items)[N]) {
    return items[below(N)];
  }
  template <typename T>
  const T& pick(const std::vector<T>& items) {
    return items[below(items.size())];
  }

 private:
  std::mt19937_64 engine_;
};

ReferenceGraph random_graph(Random& random);
// One CREATE statement that makes the graph, ids from 0 in order; empty for the empty graph.
std::string create_text(const ReferenceGraph& graph);
std::string literal_text(const Value& value);

// Values for the parameters of all queries, a map each. The first has no nulls; the others are new values, some of them
// null, for every name, of the same types except `$any`, `$mixed` (a list) and `$wild`, which are of any type.
// `$wild` stands only where it may fail (random_failing.cpp).
std::vector<Value> random_parameters(Random& random, size_t sets);

std::string random_read(Random& random);
std::string random_write(Random& random);
// A MATCH to put a predicate behind, and the predicate: for ternary partitioning.
struct MatchAndPredicate {
  std::string match, predicate, result;  // MATCH ..., p, a RETURN list
};
MatchAndPredicate random_partition(Random& random);

}  // namespace lora::reference
