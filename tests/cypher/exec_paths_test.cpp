// Patterns on random small multigraphs with self loops and parallel relationships, against walks enumerated here.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>
#include <string>

#include "cypher/database.h"

namespace lora {
namespace {

struct Edge {
  int from, to, type;
};

class Walks {
 public:
  Walks(int nodes, std::vector<Edge> edges) : nodes_(nodes), edges_(std::move(edges)) {}

  // Calls visit(end, edges) for every walk of min..max hops from `start` without a repeated edge. A node gets to an
  // undirected self loop once.
  template <typename Visit>
  void from(int start, Direction direction, int type, size_t min, size_t max, Visit visit) const {
    std::vector<int> path;
    go(start, direction, type, min, max, &path, visit);
  }
  int nodes() const { return nodes_; }
  const std::vector<Edge>& edges() const { return edges_; }

 private:
  template <typename Visit>
  void go(int at, Direction direction, int type, size_t min, size_t max, std::vector<int>* path, Visit visit) const {
    if (path->size() >= min) visit(at, *path);
    if (path->size() == max) return;
    for (size_t e = 0; e < edges_.size(); ++e) {
      const Edge& edge = edges_[e];
      if (type >= 0 && edge.type != type) continue;
      if (std::find(path->begin(), path->end(), static_cast<int>(e)) != path->end()) continue;
      int next = -1;
      if (direction != Direction::kIn && edge.from == at) next = edge.to;
      if (next < 0 && direction != Direction::kOut && edge.to == at) next = edge.from;
      if (next < 0) continue;
      path->push_back(static_cast<int>(e));
      go(next, direction, type, min, max, path, visit);
      path->pop_back();
    }
  }

  int nodes_;
  std::vector<Edge> edges_;
};

class PathsTest : public ::testing::TestWithParam<uint32_t> {
 protected:
  void SetUp() override {
    random_.seed(GetParam());
    auto db = Database::in_memory();
    ASSERT_TRUE(db.ok()) << db.status().to_string();
    db_ = std::move(db).value();
    const int nodes = 2 + static_cast<int>(random_() % 6);
    std::vector<Edge> edges;
    for (size_t i = random_() % 11; i-- > 0;) {
      edges.push_back(
          {static_cast<int>(random_() % nodes), static_cast<int>(random_() % nodes), static_cast<int>(random_() % 2)});
    }
    for (int n = 0; n < nodes; ++n) run("CREATE (:N {id: " + std::to_string(n) + "})");
    for (size_t e = 0; e < edges.size(); ++e) {
      run("MATCH (a:N {id: " + std::to_string(edges[e].from) + "}), (b:N {id: " + std::to_string(edges[e].to) +
          "}) CREATE (a)-[:" + (edges[e].type == 0 ? "R" : "S") + " {id: " + std::to_string(e) + "}]->(b)");
    }
    walks_ = std::make_unique<Walks>(nodes, std::move(edges));
  }

  QueryResult run(const std::string& query) {
    auto result = db_->execute(query);
    EXPECT_TRUE(result.ok()) << query << "\n" << result.status().to_string();
    return result.ok() ? std::move(*result) : QueryResult();
  }
  // Rows of text, as a bag.
  std::multiset<std::string> rows(const std::string& query) {
    const QueryResult result = run(query);
    std::multiset<std::string> out;
    for (size_t r = 0; r < result.row_count; ++r) {
      std::string row;
      for (size_t c = 0; c < result.columns.size(); ++c) row += show(result.at(r, c)) + " ";
      out.insert(row);
    }
    return out;
  }
  static std::string show(const Value& v) {
    if (v.is_integer()) return std::to_string(v.as_integer());
    if (!v.is_list()) return "?";
    std::string out = "[";
    for (const Value& item : v.as_list()) out += show(item) + ",";
    return out + "]";
  }
  static std::string list_text(const std::vector<int>& list) {
    std::string out = "[";
    for (int i : list) out += std::to_string(i) + ",";
    return out + "]";
  }

  struct Shape {
    Direction direction;
    const char* left;
    const char* right;
  };
  static constexpr Shape kShapes[] = {
      {Direction::kOut, "-", "->"}, {Direction::kIn, "<-", "-"}, {Direction::kBoth, "-", "-"}};

  std::mt19937 random_;
  std::unique_ptr<Database> db_;
  std::unique_ptr<Walks> walks_;
};

TEST_P(PathsTest, FixedChainsRepeatNoRelationship) {
  for (const Shape& s : kShapes) {
    const std::string hop = std::string(s.left) + "[%]" + s.right;
    auto link = [&](const char* name) {
      std::string out = hop;
      return out.replace(out.find('%'), 1, name);
    };
    std::multiset<std::string> expected;
    for (int n = 0; n < walks_->nodes(); ++n) {
      walks_->from(n, s.direction, -1, 3, 3, [&](int end, const std::vector<int>& path) {
        expected.insert(std::to_string(n) + " " + list_text(path) + " " + std::to_string(end) + " ");
      });
    }
    EXPECT_EQ(rows("MATCH (a)" + link("r") + "()" + link("t") + "()" + link("u") +
                   "(b) RETURN a.id, [r.id, t.id, u.id], b.id"),
              expected);
    const QueryResult count =
        run("MATCH (a)" + link("r") + "()" + link("t") + "()" + link("u") + "(b) RETURN count(*)");
    EXPECT_EQ(count.values[0].as_integer(), static_cast<int64_t>(expected.size()));
  }
}

TEST_P(PathsTest, TrianglesCloseExactly) {
  for (const Shape& s : kShapes) {
    std::multiset<std::string> expected;
    for (int n = 0; n < walks_->nodes(); ++n) {
      walks_->from(n, s.direction, -1, 3, 3, [&](int end, const std::vector<int>& path) {
        if (end == n) expected.insert(std::to_string(n) + " " + list_text(path) + " ");
      });
    }
    const std::string l = s.left, r = s.right;
    EXPECT_EQ(rows("MATCH (a)" + l + "[r]" + r + "(b)" + l + "[t]" + r + "(c)" + l + "[u]" + r +
                   "(a) RETURN a.id, [r.id, t.id, u.id]"),
              expected);
  }
}

TEST_P(PathsTest, VariableLengthGivesEveryWalkOnce) {
  const size_t bounds[][2] = {{0, 2}, {1, 3}, {2, 2}, {1, 20}, {3, 4}};
  for (const Shape& s : kShapes) {
    for (const auto& b : bounds) {
      for (int type : {-1, 0}) {
        std::multiset<std::string> expected, ends, distinct_ends;
        for (int n = 0; n < walks_->nodes(); ++n) {
          std::set<int> reached;
          walks_->from(n, s.direction, type, b[0], b[1], [&](int end, const std::vector<int>& path) {
            expected.insert(std::to_string(n) + " " + list_text(path) + " " + std::to_string(end) + " ");
            ends.insert(std::to_string(n) + " " + std::to_string(end) + " ");
            reached.insert(end);
          });
          for (int end : reached) distinct_ends.insert(std::to_string(n) + " " + std::to_string(end) + " ");
        }
        const std::string hops = "*" + std::to_string(b[0]) + ".." + (b[1] == 20 ? "" : std::to_string(b[1]));
        const std::string pattern =
            std::string("(a)") + s.left + "[r" + (type == 0 ? ":R" : "") + hops + "]" + s.right + "(b)";
        EXPECT_EQ(rows("MATCH " + pattern + " RETURN a.id, [x IN r | x.id], b.id"), expected) << pattern;
        EXPECT_EQ(rows("MATCH " + pattern + " RETURN a.id, b.id"), ends) << pattern;
        EXPECT_EQ(rows("MATCH " + pattern + " RETURN DISTINCT a.id, b.id"), distinct_ends) << pattern;
        EXPECT_EQ(rows("MATCH (a), (b) MATCH " + pattern + " RETURN a.id, b.id"), ends) << pattern;
        EXPECT_EQ(
            rows("MATCH (a) UNWIND [1] AS one MATCH " + pattern + " WITH a, count(DISTINCT b) AS n RETURN sum(n)"),
            (std::multiset<std::string>{std::to_string(distinct_ends.size()) + " "}))
            << pattern;
      }
    }
  }
}

TEST_P(PathsTest, HopPredicatesHoldOnEveryHop) {
  for (const Shape& s : kShapes) {
    std::multiset<std::string> expected;
    for (int n = 0; n < walks_->nodes(); ++n) {
      walks_->from(n, s.direction, -1, 1, 3, [&](int end, const std::vector<int>& path) {
        for (int e : path) {
          if (e % 3 == 0) return;
        }
        expected.insert(std::to_string(n) + " " + list_text(path) + " " + std::to_string(end) + " ");
      });
    }
    const std::string pattern = std::string("p = (a)") + s.left + "[r*1..3]" + s.right + "(b)";
    EXPECT_EQ(rows("MATCH " + pattern +
                   " WHERE all(x IN relationships(p) WHERE x.id % 3 <> 0) RETURN a.id, [x IN r | x.id], b.id"),
              expected);
    EXPECT_EQ(rows("MATCH (a)" + std::string(s.left) + "[r*1..3 WHERE r.id % 3 <> 0]" + s.right +
                   "(b) RETURN a.id, [x IN r | x.id], b.id"),
              expected);
  }
}

TEST_P(PathsTest, ShortestPathsAreAllThereAndShortest) {
  for (const Shape& s : kShapes) {
    for (const size_t max : {size_t{20}, size_t{2}}) {
      std::multiset<std::string> all, one;
      for (int n = 0; n < walks_->nodes(); ++n) {
        std::map<int, std::vector<std::vector<int>>> by_end;
        walks_->from(n, s.direction, -1, 1, std::min<size_t>(max, walks_->edges().size()),
                     [&](int end, const std::vector<int>& path) {
                       if (end == n) return;
                       auto& list = by_end[end];
                       if (!list.empty() && list[0].size() > path.size()) list.clear();
                       if (list.empty() || list[0].size() == path.size()) list.push_back(path);
                     });
        for (const auto& [end, list] : by_end) {
          one.insert(std::to_string(n) + " " + std::to_string(end) + " " + std::to_string(list[0].size()) + " ");
          for (const auto& path : list)
            all.insert(std::to_string(n) + " " + std::to_string(end) + " " + list_text(path) + " ");
        }
      }
      const std::string pattern =
          std::string("((a)") + s.left + "[*.." + (max == 20 ? "" : "2") + "]" + s.right + "(b))";
      EXPECT_EQ(rows("MATCH (a), (b) WHERE a <> b MATCH p = shortestPath" + pattern + " RETURN a.id, b.id, length(p)"),
                one)
          << pattern;
      EXPECT_EQ(rows("MATCH (a), (b) WHERE a <> b MATCH p = allShortestPaths" + pattern +
                     " RETURN a.id, b.id, [r IN relationships(p) | r.id]"),
                all)
          << pattern;
    }
  }
}

TEST_P(PathsTest, ExistenceAndCountsAgreeWithExpansion) {
  for (const Shape& s : kShapes) {
    const std::string hop = std::string(s.left) + "[:R]" + s.right;
    std::multiset<std::string> counts, filtered, none;
    for (int n = 0; n < walks_->nodes(); ++n) {
      int count = 0, even = 0;
      walks_->from(n, s.direction, 0, 1, 1, [&](int end, const std::vector<int>&) {
        ++count;
        even += end % 2 == 0 ? 1 : 0;
      });
      counts.insert(std::to_string(n) + " " + std::to_string(count) + " ");
      if (even > 0) filtered.insert(std::to_string(n) + " ");
      if (count == 0) none.insert(std::to_string(n) + " ");
    }
    EXPECT_EQ(rows("MATCH (a) RETURN a.id, COUNT { (a)" + hop + "() }"), counts);
    EXPECT_EQ(rows("MATCH (a) RETURN a.id, size([(a)" + hop + "(b) | b.id])"), counts);
    EXPECT_EQ(rows("MATCH (a) OPTIONAL MATCH (a)" + hop + "(b) RETURN a.id, count(b)"), counts);
    EXPECT_EQ(rows("MATCH (a) CALL { WITH a MATCH (a)" + hop + "(b) RETURN count(b) AS c } RETURN a.id, c"), counts);
    EXPECT_EQ(rows("MATCH (a) WHERE EXISTS { (a)" + hop + "(b) WHERE b.id % 2 = 0 } RETURN a.id"), filtered);
    EXPECT_EQ(rows("MATCH (a) WHERE NOT (a)" + hop + "() RETURN a.id"), none);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PathsTest, ::testing::Range(1u, 41u));

// Few nodes and many relationships, so that counting rules and the intersection of lists are what the planner takes.
class DenseTest : public PathsTest {
 protected:
  void SetUp() override {
    random_.seed(GetParam());
    auto db = Database::in_memory();
    ASSERT_TRUE(db.ok()) << db.status().to_string();
    db_ = std::move(db).value();
    // With an odd seed all nodes carry all labels: then labels need no test.
    std::string text = "CREATE ";
    for (int n = 0; n < kNodes; ++n) {
      const bool all = GetParam() % 2 == 1;
      labels_.push_back({all || n % 2 == 0, all || n % 3 == 0});
      text += (n == 0 ? "" : ", ") + ("(n" + std::to_string(n)) + ":N" + (labels_[n][0] ? ":A" : "") +
              (labels_[n][1] ? ":B" : "") + " {id: " + std::to_string(n) + "})";
    }
    for (int e = 0; e < kEdges; ++e) {
      edges_.push_back({static_cast<int>(random_() % kNodes), static_cast<int>(random_() % kNodes),
                        static_cast<int>(random_() % 3 == 0)});
      text += ", (n" + std::to_string(edges_[e].from) + ")-[:" + (edges_[e].type == 0 ? "R" : "S") +
              " {id: " + std::to_string(e) + "}]->(n" + std::to_string(edges_[e].to) + ")";
    }
    run(text);
  }

  // One hop of a pattern: how it is written, and whether it leads along an edge from a node (then *to is set).
  struct Hop {
    Shape shape;
    const char* types;
    std::string text(const std::string& name) const {
      return std::string(shape.left) + "[" + name + types + "]" + shape.right;
    }
    bool leads(const Edge& e, int from, int* to) const {
      if (std::string(types) == ":R" && e.type != 0) return false;
      if (shape.direction != Direction::kIn && e.from == from) {
        *to = e.to;
      } else if (shape.direction != Direction::kOut && e.to == from) {
        *to = e.from;
      } else {
        return false;
      }
      return true;
    }
  };
  bool carries(int node, const std::string& label) const {
    return label.empty() || labels_[node][label == ":A" ? 0 : 1];
  }

  static constexpr int kNodes = 6, kEdges = 70;
  static constexpr const char* kTypes[] = {"", ":R", ":R|S"};
  std::vector<Edge> edges_;
  std::vector<std::array<bool, 2>> labels_;
};

TEST_P(DenseTest, CountsOfTwoHopsAreThoseOfTheirRows) {
  for (const Shape& s1 : {kShapes[0], kShapes[1]}) {
    for (const Shape& s2 : kShapes) {
      for (const char* t1 : kTypes) {
        for (const char* t2 : kTypes) {
          for (const auto& [la, lb, lc] : std::vector<std::array<std::string, 3>>{{"", "", ""},
                                                                                  {":A", "", ""},
                                                                                  {"", ":A", ""},
                                                                                  {":A", ":A", ":A"},
                                                                                  {":A", "", ":B"},
                                                                                  {":B", ":A", ":A"},
                                                                                  {"", "", ":A"}}) {
            const Hop first{s1, t1}, second{s2, t2};
            std::map<int, int64_t> by_middle, by_end;
            int64_t all = 0;
            for (int a = 0; a < kNodes; ++a) {
              for (int e = 0; e < kEdges; ++e) {
                int b = -1;
                if (!carries(a, la) || !first.leads(edges_[e], a, &b) || !carries(b, lb)) continue;
                ++by_end[b];
                for (int f = 0; f < kEdges; ++f) {
                  int c = -1;
                  if (f == e || !second.leads(edges_[f], b, &c) || !carries(c, lc)) continue;
                  ++all;
                  ++by_middle[b];
                }
              }
            }
            const auto bag = [](const std::map<int, int64_t>& counts) {
              std::multiset<std::string> out;
              for (const auto& [node, count] : counts)
                out.insert(std::to_string(node) + " " + std::to_string(count) + " ");
              return out;
            };
            const std::string one = "MATCH (a" + la + ")" + first.text("r") + "(b" + lb + ")";
            const std::string two = one + second.text("s") + "(c" + lc + ")";
            EXPECT_EQ(rows(two + " RETURN count(*)"), std::multiset<std::string>{std::to_string(all) + " "}) << two;
            EXPECT_EQ(rows(two + " RETURN b.id, count(*)"), bag(by_middle)) << two;
            EXPECT_EQ(rows(two + " WHERE b.id >= 0 RETURN b.id, count(c)"), bag(by_middle)) << two;
            EXPECT_EQ(rows(one + " RETURN b.id, count(*)"), bag(by_end)) << one;
          }
        }
      }
    }
  }
}

TEST_P(DenseTest, TwoHopsBetweenBoundNodesAreAllThere) {
  for (const Shape& s1 : kShapes) {
    for (const Shape& s2 : kShapes) {
      for (const char* t1 : kTypes) {
        for (const std::string label : {"", ":A"}) {
          const Hop first{s1, t1}, second{s2, ""};
          std::multiset<std::string> pairs, closed;
          std::set<std::string> linked;
          for (int a = 0; a < kNodes; ++a) {
            for (int e = 0; e < kEdges; ++e) {
              int m = -1;
              if (!first.leads(edges_[e], a, &m) || !carries(m, label)) continue;
              for (int f = 0; f < kEdges; ++f) {
                int b = -1;
                if (f == e || !second.leads(edges_[f], m, &b)) continue;
                const std::string way = std::to_string(m) + " " + std::to_string(e) + " " + std::to_string(f) + " ";
                pairs.insert(std::to_string(a) + " " + std::to_string(b) + " " + way);
                linked.insert(std::to_string(a) + " " + std::to_string(b) + " ");
                if (a == b) closed.insert(std::to_string(a) + " " + way);
              }
            }
          }
          const std::string way = first.text("r") + "(m" + label + ")" + second.text("s");
          EXPECT_EQ(rows("MATCH (a), (b) MATCH (a)" + way + "(b) RETURN a.id, b.id, m.id, r.id, s.id"), pairs) << way;
          EXPECT_EQ(rows("MATCH (a), (b) MATCH (a)" + way + "(b) RETURN count(*)"),
                    std::multiset<std::string>{std::to_string(pairs.size()) + " "})
              << way;
          EXPECT_EQ(rows("MATCH (a)" + way + "(a) RETURN a.id, m.id, r.id, s.id"), closed) << way;
          EXPECT_EQ(rows("MATCH (a), (b) WHERE EXISTS { (a)" + way + "(b) } RETURN a.id, b.id"),
                    std::multiset<std::string>(linked.begin(), linked.end()))
              << way;
        }
      }
    }
  }
}

TEST_P(DenseTest, TrianglesOfAnyShapeCloseExactly) {
  for (const Shape& s1 : kShapes) {
    for (const Shape& s2 : kShapes) {
      for (const Shape& s3 : kShapes) {
        const Hop hops[] = {{s1, ""}, {s2, ":R"}, {s3, ":R|S"}};
        int64_t all = 0, filtered = 0;
        for (int a = 0; a < kNodes; ++a) {
          for (int e = 0; e < kEdges; ++e) {
            int b = -1;
            if (!hops[0].leads(edges_[e], a, &b)) continue;
            for (int f = 0; f < kEdges; ++f) {
              int c = -1;
              if (f == e || !hops[1].leads(edges_[f], b, &c) || !carries(c, ":A")) continue;
              for (int g = 0; g < kEdges; ++g) {
                int d = -1;
                if (g == e || g == f || !hops[2].leads(edges_[g], c, &d) || d != a) continue;
                ++all;
                filtered += b > c ? 1 : 0;
              }
            }
          }
        }
        const std::string pattern =
            "MATCH (a)" + hops[0].text("") + "(b)" + hops[1].text("") + "(c:A)" + hops[2].text("") + "(a)";
        EXPECT_EQ(rows(pattern + " RETURN count(*)"), std::multiset<std::string>{std::to_string(all) + " "}) << pattern;
        EXPECT_EQ(rows(pattern + " WHERE b.id > c.id RETURN count(*)"),
                  std::multiset<std::string>{std::to_string(filtered) + " "})
            << pattern;
      }
    }
  }
}

TEST_P(DenseTest, RelationshipsAloneAreScannedOnce) {
  run("MATCH ()-[r]->() WHERE r.id % 10 = 3 DELETE r");
  for (const Shape& s : kShapes) {
    for (const char* types : kTypes) {
      std::multiset<std::string> expected;
      for (int e = 0; e < kEdges; ++e) {
        if (e % 10 == 3 || e < 20 || (std::string(types) == ":R" && edges_[e].type != 0)) continue;
        expected.insert(std::to_string(e) + " ");
        if (s.direction == Direction::kBoth && edges_[e].from != edges_[e].to) expected.insert(std::to_string(e) + " ");
      }
      const std::string pattern = "MATCH ()" + Hop{s, types}.text("r") + "()";
      EXPECT_EQ(rows(pattern + " WHERE r.id >= 20 RETURN r.id"), expected) << pattern;
      EXPECT_EQ(rows(pattern + " WHERE r.id >= 20 RETURN count(*)"),
                std::multiset<std::string>{std::to_string(expected.size()) + " "})
          << pattern;
      EXPECT_EQ(rows("UNWIND [1, 2] AS x " + pattern + " WHERE r.id >= 20 RETURN count(*)"),
                std::multiset<std::string>{std::to_string(expected.size() * 2) + " "})
          << pattern;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, DenseTest, ::testing::Range(1u, 9u));

}  // namespace
}  // namespace lora
