// Random statements on databases of every kind, compared with a model after each step: in memory, on disk, without
// memory for the cache, with the in-memory form dropped, reopened between statements. In between the whole database
// goes through snapshots and dumps.
//
// LORA_TEST_SEED=n repeats a run; LORA_TEST_SCALE=small|large makes it shorter or longer.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "cypher/database.h"
#include "graph/dump.h"
#include "tests/random/graph_model.h"
#include "tests/random/random_statements.h"
#include "tests/support/result_text.h"
#include "tests/support/temp_directory.h"
#include "tools/dump_database.h"
#include "tools/restore_database.h"

namespace lora {
namespace {

using test::Model;
using test::ModelNode;
using test::Plain;
using test::RandomStatement;
using test::RandomStatements;
using test::ReturnedIds;

uint64_t chosen_seed() {
  const char* text = std::getenv("LORA_TEST_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device()();
}

int scaled(int steps) {
  const char* text = std::getenv("LORA_TEST_SCALE");
  const std::string scale = text != nullptr ? text : "";
  return scale == "small" ? steps / 5 : scale == "large" ? steps * 20 : steps;
}

struct Kind {
  const char* name;
  bool disk;
  uint64_t cache_bytes;
  bool drop_cache;
  bool reopen;
};
const Kind kKinds[] = {
    {"Memory", false, 64u << 20, false, false},       {"Disk", true, 64u << 20, false, false},
    {"MemoryWithoutCache", false, 1, false, false},   {"DiskWithoutCache", true, 1, false, false},
    {"MemoryDropped", false, 64u << 20, true, false}, {"DiskDropped", true, 64u << 20, true, false},
    {"Reopened", true, 64u << 20, false, true},
};

// Runs a query and gives its rows, or the failure.
using Ask = std::function<Result<QueryResult>(const std::string&, const Params&)>;

std::vector<uint64_t> integers(const QueryResult& result) {
  std::vector<uint64_t> ids;
  for (const Value& value : result.values) {
    if (value.is_integer()) ids.push_back(static_cast<uint64_t>(value.as_integer()));
  }
  return ids;
}

class DatabaseRandomTest : public ::testing::TestWithParam<Kind> {
 protected:
  DatabaseRandomTest() : seed_(chosen_seed()), random_(seed_) {
    std::cout << "LORA_TEST_SEED=" << seed_ << "\n";
    open();
  }

  ~DatabaseRandomTest() override {
    if (!HasFailure()) return;
    std::cout << "what was done last:\n";
    for (size_t i = history_.size() > 12 ? history_.size() - 12 : 0; i < history_.size(); ++i) {
      std::cout << "  " << history_[i] << "\n";
    }
  }

  DatabaseOptions options() const {
    DatabaseOptions options;
    options.cache_bytes = GetParam().cache_bytes;
    if (GetParam().disk) {
      options.database_dir = directory_.path();
      options.sync = random_sync_ ? SyncLevel::kCommit : SyncLevel::kOff;
    }
    return options;
  }
  void open() {
    auto opened = GetParam().disk ? Database::open("random", options()) : Database::in_memory(options());
    if (!opened.ok()) {
      ADD_FAILURE() << opened.status().to_string();
      std::abort();
    }
    db_ = std::move(*opened);
  }
  void reopen() {
    history_.push_back("reopen");
    ok(db_->close());
    db_.reset();
    open();
    // Ids of work that was rolled back may come again in a new process.
    node_limit_ = committed_node_limit_;
    relationship_limit_ = committed_relationship_limit_;
  }

  void ok(const Status& status) { EXPECT_TRUE(status.ok()) << status.to_string(); }
  template <typename T>
  T ok(Result<T> result) {
    EXPECT_TRUE(result.ok()) << result.status().to_string();
    return result.ok() ? std::move(result).value() : T();
  }

  Ask ask_alone() {
    return [this](const std::string& query, const Params& params) { return db_->execute(query, params); };
  }
  // Through a stream, to its end.
  Ask ask_streamed() {
    return [this](const std::string& query, const Params& params) -> Result<QueryResult> {
      LORA_ASSIGN(const std::unique_ptr<QueryStream> stream, db_->stream(query, params));
      QueryResult result;
      result.columns = stream->columns();
      for (size_t rows = 1; rows > 0; result.row_count += rows) {
        LORA_TRY(stream->next(&result.values, &rows));
      }
      return result;
    };
  }

  // Runs the statement and changes the model as it must; returns false when it was one that must fail.
  bool step(const RandomStatement& statement, const Ask& ask, Model* model) {
    SCOPED_TRACE(statement.query);
    history_.push_back(statement.query);
    for (const auto& [name, value] : statement.parameters) {
      history_.back() += ", " + name + " = " + std::to_string(value);
    }
    std::vector<std::pair<std::string, Value>> entries;
    for (const auto& [name, value] : statement.parameters) entries.emplace_back(name, Value::integer(value));
    ErrorCode expected = statement.error;
    if (expected == ErrorCode::kOk) {
      Model rehearsed = *model;
      ReturnedIds none;
      statement.apply(rehearsed, none);
      if (rehearsed.has_duplicates()) expected = ErrorCode::kUniqueConstraint;
    }
    const Result<QueryResult> result = ask(statement.query, make_params(std::move(entries)));
    EXPECT_EQ(result.status().code(), expected) << result.status().to_string();
    if (!result.ok() || expected != ErrorCode::kOk) return false;
    ReturnedIds ids(integers(*result));
    const Model before = *model;
    try {
      statement.apply(*model, ids);
    } catch (const std::string& why) {
      ADD_FAILURE() << why;
    }
    for (const auto& [id, node] : model->nodes) {
      if (before.nodes.contains(id)) continue;
      EXPECT_GE(id, node_limit_) << "a node id was given out again";
    }
    for (const auto& [id, relationship] : model->relationships) {
      if (before.relationships.contains(id)) continue;
      EXPECT_GE(id, relationship_limit_) << "a relationship id was given out again";
    }
    if (!model->nodes.empty()) node_limit_ = std::max(node_limit_, model->nodes.rbegin()->first + 1);
    if (!model->relationships.empty()) {
      relationship_limit_ = std::max(relationship_limit_, model->relationships.rbegin()->first + 1);
    }
    return true;
  }
  // Ids that the last commit kept.
  void committed() {
    if (!model_.nodes.empty()) {
      committed_node_limit_ = std::max(committed_node_limit_, model_.nodes.rbegin()->first + 1);
    }
    if (!model_.relationships.empty()) {
      committed_relationship_limit_ = std::max(committed_relationship_limit_, model_.relationships.rbegin()->first + 1);
    }
  }

  std::vector<uint64_t> ask_ids(const Ask& ask, const std::string& query) {
    SCOPED_TRACE(query);
    std::vector<uint64_t> ids = integers(ok(ask(query, {})));
    std::sort(ids.begin(), ids.end());
    return ids;
  }

  // Everything: whole entities by node and by relationship scans, then parts by labels, types, indexes and neighbours.
  void compare(const Ask& ask, const Model& model) {
    std::map<uint64_t, std::string> nodes, relationships;
    const QueryResult all = ok(ask("MATCH (n) RETURN n", {}));
    for (const Value& value : all.values) {
      EXPECT_TRUE(nodes.emplace(value.node_id().value, test::result_text(value)).second) << "a node twice";
    }
    EXPECT_EQ(nodes, model.node_texts());
    const QueryResult edges = ok(ask("MATCH (a)-[r]->(b) RETURN r, a, b", {}));
    for (size_t row = 0; row < edges.row_count; ++row) {
      const Relationship& r = edges.at(row, 0).as_relationship();
      EXPECT_EQ(r.start.value, edges.at(row, 1).node_id().value);
      EXPECT_EQ(r.end.value, edges.at(row, 2).node_id().value);
      const std::string text = std::to_string(r.start.value) + "-" + test::result_text(edges.at(row, 0)) + "->" +
                               std::to_string(r.end.value);
      EXPECT_TRUE(relationships.emplace(r.id.value, text).second) << "a relationship twice";
    }
    EXPECT_EQ(relationships, model.relationship_texts());

    const std::string label = statements_.label(), type = statements_.type(), key = statements_.key();
    EXPECT_EQ(ask_ids(ask, "MATCH (n:" + label + ") RETURN id(n)"), model.find_nodes(label));
    EXPECT_EQ(ask_ids(ask, "MATCH (n:" + label + ") RETURN count(*)")[0], model.find_nodes(label).size());
    EXPECT_EQ(ask_ids(ask, "MATCH ()-[r:" + type + "]->() RETURN id(r)"), model.find_relationships(type));
    EXPECT_EQ(ask_ids(ask, "MATCH ()-[r:" + type + "]->() RETURN count(r)")[0], model.find_relationships(type).size());
    compare_values(ask, model, label, key);
    compare_neighbours(ask, model, label, type);
    compare_schema(ask, model);
  }

  void compare_values(const Ask& ask, const Model& model, const std::string& label, const std::string& key) {
    for (int i = 0; i < 3; ++i) {
      const Plain value = statements_.value(key);
      EXPECT_EQ(ask_ids(ask, "MATCH (n:" + label + ") WHERE n." + key + " = " + value.text + " RETURN id(n)"),
                model.find_nodes(label, key, &value));
    }
    std::vector<uint64_t> above, texts, with_both;
    const std::string other = statements_.key();
    const Plain first = statements_.value(key), second = statements_.value(other);
    for (const uint64_t id : model.find_nodes(label)) {
      const test::Properties& properties = model.nodes.at(id).properties;
      const auto property = properties.find(key);
      if (property == properties.end()) continue;
      // Integers of 2^53 and more stand as text in the model.
      const bool large = property->second.text.starts_with("90071992547409");
      if (large || (property->second.number && *property->second.number > 4)) above.push_back(id);
      if (property->second.text.starts_with("'s")) texts.push_back(id);
      if (equal(property->second, first) && properties.contains(other) && equal(properties.at(other), second)) {
        with_both.push_back(id);
      }
    }
    EXPECT_EQ(ask_ids(ask, "MATCH (n:" + label + ") WHERE n." + key + " > 4 RETURN id(n)"), above);
    EXPECT_EQ(ask_ids(ask, "MATCH (n:" + label + ") WHERE n." + key + " STARTS WITH 's' RETURN id(n)"), texts);
    EXPECT_EQ(ask_ids(ask, "MATCH (n:" + label + ") WHERE n." + key + " = " + first.text + " AND n." + other + " = " +
                               second.text + " RETURN id(n)"),
              with_both);
  }

  void compare_neighbours(const Ask& ask, const Model& model, const std::string& label, const std::string& type) {
    if (model.nodes.empty()) return;
    const uint64_t node =
        std::next(model.nodes.begin(), static_cast<long>(statements_.below(model.nodes.size())))->first;
    std::vector<uint64_t> in;
    uint64_t around = 0, two_steps = 0;
    std::map<uint64_t, uint64_t> out_degree;
    for (const auto& [id, r] : model.relationships) {
      ++out_degree[r.start];
      if (r.end == node && r.type == type) in.push_back(id);
      around += (r.start == node) + (r.end == node && r.start != node);
    }
    for (const auto& [id, r] : model.relationships) {
      if (!model.nodes.at(r.start).labels.contains(label)) continue;
      two_steps += out_degree[r.end] - (r.start == r.end ? 1 : 0);  // not the same relationship twice
    }
    const std::string here = " WHERE id(n) = " + std::to_string(node);
    EXPECT_EQ(ask_ids(ask, "MATCH (n)<-[r:" + type + "]-()" + here + " RETURN id(r)"), in);
    EXPECT_EQ(ask_ids(ask, "MATCH (n)-[r]-()" + here + " RETURN count(r)")[0], around);
    EXPECT_EQ(ask_ids(ask, "MATCH (:" + label + ")-->()-->() RETURN count(*)")[0], two_steps);
  }

  void compare_schema(const Ask& ask, const Model& model) {
    std::set<std::string> indexes, constraints;
    for (const Value& name : ok(ask("SHOW INDEXES YIELD name RETURN name", {})).values) {
      indexes.emplace(name.as_string());
    }
    for (const Value& name : ok(ask("SHOW CONSTRAINTS YIELD name RETURN name", {})).values) {
      constraints.emplace(name.as_string());
    }
    EXPECT_EQ(indexes, model.index_names());
    EXPECT_EQ(constraints, model.constraint_names());
  }

  void compare_database(Database& db, const Model& model) {
    compare([&db](const std::string& query, const Params& params) { return db.execute(query, params); }, model);
    EXPECT_EQ(ok(db.node_count()), model.nodes.size());
    EXPECT_EQ(ok(db.relationship_count()), model.relationships.size());
  }
  void verify(Database& db) {
    for (const std::string& error : ok(db.verify(true)).errors) ADD_FAILURE() << error;
  }

  std::string json_lines(Database& db) {
    std::string text;
    const graph::Snapshot snapshot = db.graph().snapshot();
    const auto reader = snapshot.reader();
    ok(graph::dump_json_lines(*reader,
                              [&](ByteView bytes) {
                                text += bytes;
                                return Status();
                              },
                              {})
           .status());
    return text;
  }

  void one_statement();
  void one_transaction();
  void one_transaction_list();
  void one_abandoned_stream();
  void through_snapshot();
  void through_json_lines();
  void through_dump_tools();

  const uint64_t seed_;
  tests::TempDirectory directory_;
  bool random_sync_ = false;
  RandomStatements random_;
  RandomStatements statements_{seed_ ^ 1};  // for questions, so that they do not change what is written
  std::vector<std::string> history_;
  Model model_;  // as of the last commit
  std::unique_ptr<Database> db_;
  uint64_t node_limit_ = 0, relationship_limit_ = 0;  // one past the highest id seen
  uint64_t committed_node_limit_ = 0, committed_relationship_limit_ = 0;
  std::optional<std::pair<std::string, Model>> saved_;  // a snapshot file of some earlier time
};

INSTANTIATE_TEST_SUITE_P(Kinds, DatabaseRandomTest, ::testing::ValuesIn(kKinds),
                         [](const auto& info) { return std::string(info.param.name); });

void DatabaseRandomTest::one_statement() {
  const RandomStatement statement = random_.next(model_);
  step(statement, statement.own_transactions || random_.one_in(2) ? ask_alone() : ask_streamed(), &model_);
  committed();
}

void DatabaseRandomTest::one_transaction() {
  history_.push_back("one_transaction");
  const std::unique_ptr<Transaction> transaction = ok(db_->begin());
  const Ask inside = [&](const std::string& query, const Params& params) {
    return transaction->execute(query, params);
  };
  Model changed = model_;
  for (uint64_t n = 1 + random_.below(6); n > 0; --n) {
    const RandomStatement statement = random_.next(changed);
    if (!statement.own_transactions) step(statement, inside, &changed);
    if (random_.one_in(4) && GetParam().drop_cache) db_->graph().drop_cache();
    if (random_.one_in(2)) compare(inside, changed);
    if (HasFailure()) return;
  }
  compare_database(*db_, model_);  // nobody else sees anything yet
  switch (random_.below(4)) {
    case 0:
      history_.push_back("rollback");
      ok(transaction->rollback());
      break;
    case 1: history_.push_back("end without commit"); break;
    default:
      history_.push_back("commit");
      ok(transaction->commit());
      model_ = std::move(changed);
      committed();
      break;
  }
}

void DatabaseRandomTest::one_transaction_list() {
  history_.push_back("one_transaction_list");
  // Statements of which each is right for what the ones before leave; perhaps a failing one at the end.
  Model changed = model_;
  std::vector<Statement> list;
  const auto add = [&](const char* query) { list.push_back({query, {}}); };
  add("MATCH (n:L0) SET n.k4 = 'listed'");
  for (const uint64_t id : changed.find_nodes("L0")) changed.nodes[id].properties["k4"] = {"'listed'", {}};
  add("MATCH (n:L1)-[r:T0]->() DELETE r");
  std::erase_if(changed.relationships, [&](const auto& r) {
    return r.second.type == "T0" && changed.nodes[r.second.start].labels.contains("L1");
  });
  const bool fails = random_.one_in(2);
  if (fails) add("UNWIND [1, 0] AS x CREATE (:L2 {k3: 1 / x})");
  const auto done = db_->transaction(list);
  EXPECT_EQ(done.ok(), !fails) << done.status().to_string();
  if (done.ok()) model_ = std::move(changed);
}

void DatabaseRandomTest::one_abandoned_stream() {
  history_.push_back("one_abandoned_stream");
  const std::unique_ptr<QueryStream> stream =
      ok(db_->stream("UNWIND range(1, 5000) AS i CREATE (n:L1 {k2: i}) RETURN id(n)"));
  std::vector<Value> values;
  size_t rows = 0;
  ok(stream->next(&values, &rows));
  EXPECT_GT(rows, 0u);
  for (const Value& id : values) node_limit_ = std::max(node_limit_, static_cast<uint64_t>(id.as_integer()) + 1);
  stream->close();
}

void DatabaseRandomTest::through_snapshot() {
  history_.push_back("through_snapshot");
  const std::string path = directory_ / "saved.snapshot";
  if (saved_ && random_.one_in(3)) {
    // Back to an older graph: it replaces all, and the counters go on.
    ok(db_->load_snapshot_file(saved_->first).status());
    model_ = saved_->second;
    return;
  }
  ok(db_->save_snapshot_file(path).status());
  saved_ = {path, model_};
  const std::unique_ptr<Database> other = ok(Database::in_memory({.cache_bytes = 32u << 20}));
  // Into an empty database the counters come too; else they are the larger of both.
  const bool empty = random_.one_in(2);
  if (!empty) ok(other->execute("CREATE (:L0 {k0: 1})-[:Other]->(:Gone)").status());
  ok(other->load_snapshot_file(path).status());
  compare_database(*other, model_);
  verify(*other);
  if (empty) {
    EXPECT_EQ(json_lines(*other), json_lines(*db_));
  }
}

void DatabaseRandomTest::through_json_lines() {
  history_.push_back("through_json_lines");
  const std::string text = json_lines(*db_);
  const std::unique_ptr<Database> other = ok(Database::in_memory({.cache_bytes = 32u << 20}));
  size_t at = 0;
  ok(graph::restore_json_lines(other->graph(),
                               [&](char* buffer, size_t size, size_t* read) {
                                 *read = std::min(size, text.size() - at);
                                 std::copy_n(text.data() + at, *read, buffer);
                                 at += *read;
                                 return Status();
                               },
                               {})
         .status());
  compare_database(*other, model_);
  verify(*other);
  EXPECT_EQ(json_lines(*other), text);
}

// A Cypher script keeps everything but the ids.
void DatabaseRandomTest::through_dump_tools() {
  history_.push_back("through_dump_tools");
  tools::DumpOptions options;
  options.format = tools::DumpFormat::kCypher;
  options.output = directory_ / "dump.cypher";
  options.force = true;
  ok(tools::dump_database(db_->path(), options, {}).status());
  const std::string path = directory_ / "restored.loradb";
  tools::RestoreOptions restore;
  restore.force = true;
  ok(tools::restore_database(options.output, path, restore, {}).status());
  DatabaseOptions open_options;
  open_options.database_dir = directory_.path();
  open_options.read_only = true;
  const std::unique_ptr<Database> other = ok(Database::open("restored", open_options));
  if (other == nullptr) return;
  const auto texts = [this](Database& db) {
    std::multiset<std::string> all;
    const QueryResult nodes = ok(db.execute("MATCH (n) RETURN n"));
    for (const Value& value : nodes.values) all.insert(test::result_text(value));
    const QueryResult paths = ok(db.execute("MATCH p = ()-->() RETURN p"));
    for (const Value& value : paths.values) all.insert(test::result_text(value));
    return all;
  };
  EXPECT_EQ(texts(*other), texts(*db_));
  compare_schema([&](const std::string& q, const Params& p) { return other->execute(q, p); }, model_);
  verify(*other);
}

TEST_P(DatabaseRandomTest, StatementsDoWhatTheModelDoes) {
  const Kind& kind = GetParam();
  const int steps = scaled(kind.cache_bytes == 1 || kind.reopen ? 100 : 250);
  for (int i = 0; i < steps && !HasFailure(); ++i) {
    SCOPED_TRACE("LORA_TEST_SEED=" + std::to_string(seed_) + ", step " + std::to_string(i));
    switch (random_.below(12)) {
      case 0:
      case 1:
      case 2: one_transaction(); break;
      case 3: one_transaction_list(); break;
      case 4: one_abandoned_stream(); break;
      default: one_statement(); break;
    }
    if (random_.one_in(60)) {
      history_.push_back("clear");
      ok(db_->clear());
      model_.nodes.clear();
      model_.relationships.clear();
    }
    if (kind.drop_cache) db_->graph().drop_cache();
    if (kind.disk && random_.one_in(10)) ok(db_->checkpoint(random_.one_in(2)));
    if (kind.reopen && random_.one_in(2)) {
      random_sync_ = random_.one_in(2);
      reopen();
    }
    compare_database(*db_, model_);
    if (random_.one_in(8)) verify(*db_);
    switch (random_.below(25)) {
      case 0: through_snapshot(); break;
      case 1: through_json_lines(); break;
      case 2:
        if (kind.disk) through_dump_tools();
        break;
      default: break;
    }
    compare_database(*db_, model_);
  }
  verify(*db_);
}

}  // namespace
}  // namespace lora
