// The planner against the reference evaluator, on random graphs and random queries.
//
// A query with parameters runs several times with other values each time, on the same cached plan.
//
// Every query runs on three databases that hold the same graph (in memory, in memory with indexes and constraints, on
// disk after a reopen), with each rewrite rule off, without costs, and in batches of at most 1, 3 and 2 048 rows; all
// answers must be what the reference says, or all must fail.
//
// LORA_TEST_SEED repeats a run; LORA_TEST_SCALE=small runs fewer pairs, =large more. LORA_TEST_FAILURES: stop after so
// many failures (1).
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <optional>

#include "cypher/database.h"
#include "cypher/plan/planner.h"
#include "cypher/syntax/parser.h"
#include "tests/reference/compare.h"
#include "tests/reference/random_query.h"
#include "tests/reference/reference_eval.h"
#include "tests/reference/shrink.h"
#include "tests/support/result_text.h"
#include "tests/support/temp_directory.h"

namespace lora::reference {
namespace {

constexpr uint64_t kStepsMax = 300'000;
constexpr size_t kQueriesPerGraph = 40;
constexpr size_t kParameterSets = 3;

uint64_t from_environment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}
uint64_t seed() {
  return from_environment("LORA_TEST_SEED", 1);
}
size_t scaled(size_t pairs) {
  const char* scale = std::getenv("LORA_TEST_SCALE");
  const std::string_view text = scale == nullptr ? "" : scale;
  return text == "small" ? pairs / 20 : text == "large" ? pairs * 10 : pairs;
}

// Ids from 0 without gaps, as a fresh database gives them.
ReferenceGraph compact(const ReferenceGraph& graph) {
  ReferenceGraph out;
  std::map<uint64_t, uint64_t> ids;
  for (const auto& [id, node] : graph.nodes) ids[id] = out.add_node(node);
  for (const auto& [id, r] : graph.relationships) {
    GraphRelationship moved = r;
    moved.start = ids.at(r.start);
    moved.end = ids.at(r.end);
    out.add_relationship(std::move(moved));
  }
  return out;
}

constexpr std::string_view kSchema[] = {
    "CREATE INDEX FOR (n:A) ON (n.i)",       "CREATE INDEX FOR (n:A) ON (n.j, n.i)",
    "CREATE INDEX FOR (n:A) ON (n.m)",       "CREATE INDEX FOR (n:B) ON (n.s)",
    "CREATE INDEX FOR (n:C) ON (n.b)",       "CREATE INDEX FOR ()-[r:R]-() ON (r.i)",
    "CREATE INDEX FOR ()-[r:S]-() ON (r.m)", "CREATE INDEX FOR (n:B) ON (n.d)",
    "CREATE INDEX FOR (n:A) ON (n.t)",       "CREATE INDEX FOR (n:B) ON (n.p)",
    "CREATE INDEX FOR (n:A) ON (n.q)",       "CREATE CONSTRAINT FOR (n:A) REQUIRE n.u IS UNIQUE",
};

// What the constraint forbids.
std::string broken_constraint(const ReferenceGraph& graph) {
  std::set<std::string> seen;
  for (const auto& [id, node] : graph.nodes) {
    const auto u = node.properties.find("u");
    if (!node.labels.contains("A") || u == node.properties.end()) continue;
    if (!seen.insert(equivalence_key(u->second)).second) return "two nodes with one value";
  }
  return "";
}

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.status().to_string());
  return std::move(*result);
}

constexpr size_t kConstrained = 1;  // the database with indexes and constraints

struct Setting {
  std::string name;
  size_t database = 0;  // in memory, with indexes and constraints, on disk
  bool rules = true, costs = true;
  size_t batch_rows = 2048;
  uint32_t rules_off = 0;
  bool cold = false;        // the in-memory form is dropped before each query
  bool all_values = false;  // of the parameters, one after the other; one of them otherwise
};

std::vector<Setting> all_settings() {
  std::vector<Setting> out = {
      {.name = "in memory", .all_values = true},
      {.name = "in memory, rules and costs off, batches of 1", .rules = false, .costs = false, .batch_rows = 1},
      {.name = "in memory, batches of 1", .batch_rows = 1},
      {.name = "in memory, batches of 3", .batch_rows = 3},
      {.name = "indexes", .database = 1, .all_values = true},
      {.name = "indexes, batches of 1", .database = 1, .batch_rows = 1},
      {.name = "indexes, costs off", .database = 1, .costs = false},
      {.name = "on disk, reopened", .database = 2, .all_values = true},
      {.name = "on disk, in-memory form dropped", .database = 2, .cold = true},
  };
  const auto rules = cypher::rewrite_rule_names();
  for (size_t i = 0; i < rules.size(); ++i) {
    out.push_back({.name = "without the rule " + std::string(rules[i]), .rules_off = 1u << i});
  }
  return out;
}

enum class Verdict { kAgree, kNotCompared, kRowsDiffer, kEngineFails, kEngineDoesNotFail, kGraphsDiffer };

struct Judgement {
  Verdict verdict = Verdict::kAgree;
  std::string code = {};  // of an engine's error
  std::string text = {};
  Setting setting = {};
  std::vector<Value> parameters = {};  // of the executions of the plan; the last one disagrees
  bool telling = false;                // agreed upon: rows, an error or a changed graph
  bool failed = false;                 // agreed upon: an error
};

bool changes_graph(const std::string& query) {
  for (const char* word : {"CREATE", "MERGE", "SET", "REMOVE", "DELETE", "FOREACH"}) {
    if (query.find(word) != std::string::npos) return true;
  }
  return false;
}

// The databases of one graph.
class Bench {
 public:
  explicit Bench(const ReferenceGraph& graph)
      : graph_(compact(graph)), before_(EntityNames(graph_, graph_).graph_text()) {}

  const ReferenceGraph& graph() const { return graph_; }

  // What the reference says, and whether every setting says the same for the sets of parameters. `settings` are looked
  // at in order.
  Judgement judge(const std::string& text, const std::vector<Value>& parameters, const std::vector<Setting>& settings) {
    Result<cypher::Query> parsed = cypher::parse(text);
    if (!parsed.ok()) return {.verdict = Verdict::kEngineFails, .code = "parse", .text = parsed.status().to_string()};
    std::vector<Expectation> expectations;
    std::string reason;
    for (const Value& values : parameters) {
      if (!expectations.empty() && text.find('$') == std::string::npos) break;
      Expectation e{&values, graph_, {}, {}, {}, {}};
      try {
        e.rows = Reference(&e.after, *parsed, values, kStepsMax).run();
        e.names.emplace(graph_, e.after);
        e.broken = broken_constraint(e.after);
      } catch (const Failure& f) {
        e.failure = f.what();
        e.names.emplace(graph_, e.after);
      } catch (const NotCompared& n) {
        reason = n.what();
        continue;
      }
      expectations.push_back(std::move(e));
    }
    if (expectations.empty()) return {.verdict = Verdict::kNotCompared, .code = reason};
    for (size_t s = 0; s < settings.size(); ++s) {
      const bool all = settings[s].all_values;
      for (size_t i = 0; i < (all ? expectations.size() : 1); ++i) {
        const size_t which = all ? i : s % expectations.size();
        Judgement j = judge_one(text, settings[s], expectations[which]);
        if (j.verdict == Verdict::kAgree) continue;
        j.text = settings[s].name + ": " + j.text;
        j.setting = settings[s];
        for (size_t k = all ? 0 : which; k <= which; ++k) j.parameters.push_back(*expectations[k].parameters);
        j.setting.all_values = true;
        return j;
      }
    }
    Judgement agreed;
    for (const Expectation& e : expectations) {
      agreed.telling |= !e.rows || !e.rows->classes.empty() || e.names->graph_text() != before_;
      agreed.failed |= !e.rows;
    }
    return agreed;
  }

  // The rows of a read, as text in a sorted list.
  Result<std::vector<std::string>> rows(const std::string& text, const Value& parameters, const Setting& setting) {
    LORA_ASSIGN(const QueryResult result, database(setting).execute(text, parameters));
    std::vector<std::string> out;
    for (size_t r = 0; r < result.row_count; ++r) {
      std::string line;
      for (size_t c = 0; c < result.columns.size(); ++c) line += test::result_text(result.at(r, c)) + " | ";
      out.push_back(std::move(line));
    }
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  // What the reference says for one set of parameters: rows and the graph after it, or a failure.
  struct Expectation {
    const Value* parameters;
    ReferenceGraph after;
    std::optional<Outcome> rows;
    std::optional<EntityNames> names;
    std::string failure;
    std::string broken;  // a constraint, where there are constraints
  };

  Judgement judge_one(const std::string& text, const Setting& setting, const Expectation& e) {
    const bool commits = text.find("IN TRANSACTIONS") != std::string::npos;
    const Judgement judgement = judge_in(text, setting, e, commits);
    if (commits) databases_[setting.database].reset();
    return judgement;
  }

  Judgement judge_in(const std::string& text, const Setting& setting, const Expectation& e, bool commits) {
    const auto& [parameters, after, rows_expected, names, failure_expected, broken] = e;
    const bool breaks = setting.database == kConstrained && !broken.empty();
    const std::optional<Outcome> none;
    const std::optional<Outcome>& expected = breaks ? none : rows_expected;
    const std::string& failure = breaks ? broken : failure_expected;
    Database& database = this->database(setting);
    const bool writes = changes_graph(text);
    std::unique_ptr<Transaction> transaction = writes && !commits ? must(database.begin()) : nullptr;
    const Result<QueryResult> rows =
        transaction != nullptr ? transaction->execute(text, *parameters) : database.execute(text, *parameters);
    if (!rows.ok()) {
      if (!expected && rows.status().code() != ErrorCode::kInternal) {
        if (!commits || setting.database == kConstrained) return {};
        return compare_graphs(*must(database.begin()), *names);
      }
      return {.verdict = Verdict::kEngineFails,
              // Cutting a query must not lead from one error to another of the same code.
              .code = rows.status().to_string().substr(0, rows.status().to_string().find('`')),
              .text = rows.status().to_string() + (expected ? "" : " where the reference says " + failure)};
    }
    if (!expected) return {.verdict = Verdict::kEngineDoesNotFail, .text = "no error, but " + failure};
    if (!writes) {
      const std::string wrong = difference(*rows, *names, *expected, after, *names, text);
      if (wrong.empty()) return {};
      return rows_differ(wrong);
    }
    if (commits) transaction = must(database.begin());
    const ReferenceGraph engine_graph = read_graph(*transaction);
    const EntityNames engine_names(graph_, engine_graph);
    if (engine_names.graph_text() != names->graph_text()) return graphs_differ(engine_names, *names);
    const std::string wrong = difference(*rows, engine_names, *expected, after, *names, text);
    if (!wrong.empty()) return rows_differ(wrong);
    return {};
  }

  // What an error of IN TRANSACTIONS has left.
  Judgement compare_graphs(Transaction& transaction, const EntityNames& expected) {
    const EntityNames engine(graph_, read_graph(transaction));
    return engine.graph_text() == expected.graph_text() ? Judgement() : graphs_differ(engine, expected);
  }

  static Judgement graphs_differ(const EntityNames& engine, const EntityNames& expected) {
    return {.verdict = Verdict::kGraphsDiffer,
            .text = "expected the graph\n" + expected.graph_text() + "got\n" + engine.graph_text()};
  }

  static Judgement rows_differ(const std::string& wrong) {
    return {.verdict = Verdict::kRowsDiffer,
            .code = wrong.find("column") == std::string::npos ? "" : "columns",
            .text = wrong};
  }

  // Made when first asked for.
  Database& database(const Setting& setting) {
    std::unique_ptr<Database>& database = databases_[setting.database];
    if (database == nullptr) {
      DatabaseOptions options;
      options.cache_bytes = 64u << 20;
      options.sync = SyncLevel::kOff;
      if (setting.database == 2) {
        directory_.emplace();
        options.database_dir = directory_->path();
      }
      const auto open = [&] {
        return setting.database == 2 ? Database::open("graph", options) : Database::in_memory(options);
      };
      database = must(open());
      const std::string create = create_text(graph_);
      if (!create.empty()) must(database->execute(create));
      if (setting.database == kConstrained) {
        for (std::string_view statement : kSchema) must(database->execute(statement));
      }
      if (setting.database == 2) {
        database.reset();
        database = must(open());
      }
    }
    database->set_planner_switches(setting.rules, setting.costs, setting.rules_off);
    database->set_batch_rows_max(setting.batch_rows);
    if (setting.cold) database->graph().drop_cache();
    return *database;
  }

  static ReferenceGraph read_graph(Transaction& transaction) {
    ReferenceGraph graph;
    const auto fill = [](const std::vector<MapEntry>& entries) {
      Properties properties;
      for (const auto& [key, value] : entries) properties[std::string(key.as_string())] = value;
      return properties;
    };
    const QueryResult nodes = must(transaction.execute("MATCH (n) RETURN n"));
    for (const Value& v : nodes.values) {
      const Node& n = v.as_node();
      graph.nodes[n.id.value] = {{n.labels.begin(), n.labels.end()}, fill(n.properties)};
    }
    const QueryResult relationships = must(transaction.execute("MATCH ()-[r]->() RETURN r"));
    for (const Value& v : relationships.values) {
      const Relationship& r = v.as_relationship();
      graph.relationships[r.id.value] = {r.start.value, r.end.value, r.type, fill(r.properties)};
    }
    return graph;
  }

  ReferenceGraph graph_;
  std::string before_;
  std::optional<tests::TempDirectory> directory_;
  std::unique_ptr<Database> databases_[3];
};

// Rows or an error, as a scenario writes them.
std::string expected_text(const std::string& query, const ReferenceGraph& graph, const Value& parameters) {
  std::string text;
  const Result<cypher::Query> parsed = cypher::parse(query);
  ReferenceGraph after = graph;
  try {
    const Outcome outcome = Reference(&after, *parsed, parameters, kStepsMax).run();
    for (const std::string& column : outcome.columns) text += "| " + column + " ";
    if (!outcome.columns.empty()) text += "|\n";
    size_t at = 0;
    for (const auto& rows : outcome.classes) {
      for (const auto& values : rows) {
        if (at++ < outcome.skip || at > outcome.skip + std::min<size_t>(outcome.limit, 1'000'000)) continue;
        for (const Value& v : values) text += "| " + test::result_text(hydrate(v, after)) + " ";
        if (!values.empty()) text += "|\n";
      }
    }
  } catch (const std::runtime_error& e) {
    text += std::string("error CODE   (") + e.what() + ")\n";
  }
  return text;
}

// A scenario to paste into tests/scenarios.
std::string scenario(const Case& shrunk, const std::vector<Value>& parameters) {
  const ReferenceGraph graph = compact(shrunk.graph);
  std::string text = "== (what holds)\n";
  const std::string create = create_text(graph);
  if (!create.empty()) text += create + "\n\n";
  for (const Value& values : parameters) {
    const bool named = shrunk.query.find('$') != std::string::npos;
    if (!named && &values != &parameters.back()) continue;
    if (named) text += "params " + test::result_text(values) + "\n";
    text += shrunk.query + "\n----\n" + expected_text(shrunk.query, graph, values) + "\n";
  }
  return text;
}

std::string report(const ReferenceGraph& graph, const std::string& query, const Judgement& first) {
  if (first.code == "parse") return "query: " + query + "\n" + first.text;  // the generator's own fault
  std::string last = first.text;
  std::optional<Bench> bench;
  std::string made_for;
  const auto fails = [&](const Case& c) {
    const std::string create = create_text(compact(c.graph));
    if (!cypher::parse(c.query).ok()) return false;
    if (!bench || made_for != create) {
      bench.emplace(c.graph);
      made_for = create;
    }
    const Judgement j = bench->judge(c.query, first.parameters, {first.setting});
    if (j.verdict != first.verdict || j.code != first.code) return false;
    last = j.text;
    return true;
  };
  const Case shrunk = shrink({graph, query}, fails, 30'000);
  return "query: " + query + "\nshrunk to:\n\n" + scenario(shrunk, first.parameters) + "\n" + last + "\n";
}

struct Totals {
  size_t pairs = 0, telling = 0, failed = 0, not_compared = 0, failures = 0;
  std::map<std::string, size_t> reasons;
};

void run_pairs(size_t pairs, uint64_t first_seed, const std::function<std::string(Random&)>& make) {
  const std::vector<Setting> settings = all_settings();
  const size_t failures_max = from_environment("LORA_TEST_FAILURES", 1);
  const auto start = std::chrono::steady_clock::now();
  Totals totals;
  for (uint64_t round = 0; totals.pairs < pairs && totals.failures < failures_max; ++round) {
    Random random(first_seed + round);
    Bench bench(random_graph(random));
    for (size_t i = 0; i < kQueriesPerGraph && totals.pairs < pairs; ++i) {
      const std::string query = make(random);
      ++totals.pairs;
      const Judgement j = bench.judge(query, random_parameters(random, kParameterSets), settings);
      totals.telling += j.telling ? 1 : 0;
      totals.failed += j.failed ? 1 : 0;
      if (j.verdict == Verdict::kAgree) continue;
      if (j.verdict == Verdict::kNotCompared) {
        ++totals.not_compared;
        ++totals.reasons[j.code];
        continue;
      }
      ++totals.failures;
      ADD_FAILURE() << "LORA_TEST_SEED=" << first_seed + round << "\n" << report(bench.graph(), query, j);
      if (totals.failures >= failures_max) break;
    }
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::cout << totals.pairs << " pairs in " << seconds << " s, " << static_cast<double>(totals.pairs) / seconds
            << " a second, " << settings.size() << " settings each; with rows, changes or an error " << totals.telling
            << ", an error " << totals.failed << "; not compared " << totals.not_compared << ":";
  for (const auto& [reason, count] : totals.reasons) std::cout << " " << reason << " " << count << ";";
  std::cout << "\n";
  // Were most answers empty, agreeing would mean little: a third tells something, or three standard deviations less
  // where the run is short.
  EXPECT_LT(totals.not_compared, totals.pairs / 10 + 5);
  if (totals.failures == 0) {
    const auto pairs = static_cast<double>(totals.pairs);
    EXPECT_GT(static_cast<double>(totals.telling), pairs / 3 - 3 * std::sqrt(pairs * 2 / 9));
  }
}

// Shards, so that ctest runs them side by side. Seeds lie apart: a shard never runs another's rounds.
class Reads : public ::testing::TestWithParam<uint64_t> {};
TEST_P(Reads, AnswerAsTheReference) {
  run_pairs(scaled(3'500), seed() + GetParam() * 1'000'000, random_read);
}
INSTANTIATE_TEST_SUITE_P(Shard, Reads, ::testing::Range<uint64_t>(0, 4));

class Writes : public ::testing::TestWithParam<uint64_t> {};
TEST_P(Writes, ChangeTheGraphAsTheReference) {
  run_pairs(scaled(2'000), seed() + GetParam() * 1'000'000, random_write);
}
INSTANTIATE_TEST_SUITE_P(Shard, Writes, ::testing::Range<uint64_t>(0, 2));

// A predicate is true, false or null in each row: the three parts are the whole.
TEST(TernaryPartitioning, PartsSumToTheWhole) {
  const std::vector<Setting> settings = all_settings();
  size_t pairs = 0;
  for (uint64_t round = 0; pairs < scaled(2'000); ++round) {
    Random random(seed() + round);
    Bench bench(random_graph(random));
    for (size_t i = 0; i < kQueriesPerGraph; ++i, ++pairs) {
      const MatchAndPredicate q = random_partition(random);
      const Setting& setting = random.pick(settings);
      const Value parameters = random_parameters(random, 2)[1];
      const auto rows = [&](const std::string& where) {
        return bench.rows(q.match + where + " RETURN " + q.result, parameters, setting);
      };
      const Result<std::vector<std::string>> whole = rows("");
      std::vector<std::string> sum;
      std::string failed = whole.ok() ? "" : whole.status().to_string();
      for (const char* form : {" WITH * WHERE (%)", " WITH * WHERE NOT (%)", " WITH * WHERE (%) IS NULL"}) {
        std::string where = form;
        where.replace(where.find('%'), 1, q.predicate);
        // A condition of a shortest path looks for the shortest one that fulfils it, so its parts are no whole.
        const bool searches = q.match.find("hortestPath") != std::string::npos;
        if (!searches && random.percent(70)) where.erase(0, std::string_view(" WITH *").size());
        const Result<std::vector<std::string>> part = rows(where);
        if (!part.ok()) {
          failed = part.status().to_string();
        } else {
          sum.insert(sum.end(), part->begin(), part->end());
        }
      }
      std::sort(sum.begin(), sum.end());
      ASSERT_TRUE(failed.empty() && sum == *whole)
          << "LORA_TEST_SEED=" << seed() + round << "\n"
          << setting.name << "\n"
          << failed << "\n"
          << create_text(bench.graph()) << "\n"
          << q.match << "\nWHERE " << q.predicate << "\nRETURN " << q.result << "\n"
          << "whole: " << (whole.ok() ? whole->size() : 0) << " rows, parts: " << sum.size();
    }
  }
}

// The comparison itself: a row too many, a row changed, a wrong order and a wrong graph are noticed.
TEST(Comparison, NoticesWhatIsWrong) {
  ReferenceGraph graph;
  graph.add_node({{"A"}, {{"i", Value::integer(1)}}});
  graph.add_node({{"A"}, {{"i", Value::integer(2)}}});
  const EntityNames names(graph, graph);
  const auto wrong = [&](const char* text, std::vector<Value> values) {
    const cypher::Query query = must(cypher::parse(text));
    ReferenceGraph copy = graph;
    const Outcome expected = Reference(&copy, query, Value::map({}), kStepsMax).run();
    QueryResult rows;
    rows.columns = {"x"};
    rows.row_count = values.size();
    rows.values = std::move(values);
    return !difference(rows, names, expected, graph, names, text).empty();
  };
  const Value one = Value::integer(1), two = Value::integer(2);
  EXPECT_FALSE(wrong("MATCH (n:A) RETURN n.i AS x", {two, one}));
  EXPECT_TRUE(wrong("MATCH (n:A) RETURN n.i AS x", {two, one, one}));
  EXPECT_TRUE(wrong("MATCH (n:A) RETURN n.i AS x", {two, two}));
  EXPECT_TRUE(wrong("MATCH (n:A) RETURN n.i AS x", {one, Value::floating(2.0)}));
  EXPECT_TRUE(wrong("MATCH (n:A) RETURN n.i AS x ORDER BY x", {two, one}));
  EXPECT_TRUE(wrong("MATCH (n:A) RETURN n.i AS x ORDER BY x SKIP 1", {one}));
  EXPECT_FALSE(wrong("MATCH (n:A) RETURN n.i AS x SKIP 1", {one}));
  EXPECT_TRUE(wrong("MATCH (n:A) RETURN n.i AS x LIMIT 1", {Value::integer(3)}));
  ReferenceGraph more = graph;
  more.add_node({});
  EXPECT_NE(EntityNames(graph, more).graph_text(), names.graph_text());
}

}  // namespace
}  // namespace lora::reference
