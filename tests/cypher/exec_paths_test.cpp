// Patterns on random small multigraphs with self loops and parallel relationships, against walks enumerated here.
#include <gtest/gtest.h>

#include <algorithm>
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

}  // namespace
}  // namespace lora
