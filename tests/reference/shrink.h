// Makes a failing case small: a graph and a query for which `fails` holds, with as much taken away as keeps it so.
//
// Queries are cut as text: runs of words and balanced brackets go, brackets are replaced by what they hold. What no
// longer parses does not fail in the wanted way, so the caller's `fails` decides alone. Graphs lose relationships,
// nodes, labels and properties one by one. Threads: one.
#pragma once

#include <functional>
#include <string>

#include "tests/reference/reference_graph.h"

namespace lora::reference {

struct Case {
  ReferenceGraph graph;
  std::string query;
};

// `fails` is called at most `tries_max` times.
Case shrink(Case failing, const std::function<bool(const Case&)>& fails, size_t tries_max);

}  // namespace lora::reference
