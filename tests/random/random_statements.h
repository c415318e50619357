// Random Cypher statements, each with what it must do to the model.
#pragma once

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "kv/status.h"
#include "tests/random/graph_model.h"

namespace lora::test {

// The numbers that a statement returned, row by row; a rehearsal gets numbers that no entity has.
class ReturnedIds {
 public:
  ReturnedIds() = default;
  explicit ReturnedIds(std::vector<uint64_t> ids) : ids_(std::move(ids)), given_(true) {}
  bool rehearsal() const { return !given_; }
  uint64_t take() {
    if (!given_) return (uint64_t{1} << 60) + next_++;
    return next_ < ids_.size() ? ids_[next_++] : throw std::string("too few rows");
  }
  const std::vector<uint64_t>& all() const { return ids_; }

 private:
  std::vector<uint64_t> ids_;
  bool given_ = false;
  uint64_t next_ = 0;
};

struct RandomStatement {
  std::string query;
  std::vector<std::pair<std::string, int64_t>> parameters;
  // Any code but kOk: the statement fails so, whatever the constraints say.
  ErrorCode error = ErrorCode::kOk;
  // Changes the model as the statement must change the database. It takes the ids of new entities in the order of the
  // returned rows, and throws a sentence (std::string) when what was returned cannot be right.
  std::function<void(Model&, ReturnedIds&)> apply = [](Model&, ReturnedIds&) {};
  bool own_transactions = false;  // CALL IN TRANSACTIONS: not inside another transaction
};

class RandomStatements {
 public:
  explicit RandomStatements(uint64_t seed) : random_(seed) {}

  RandomStatement next(const Model& model);

  uint64_t below(uint64_t limit) { return random_() % limit; }
  bool one_in(uint64_t n) { return below(n) == 0; }
  std::string label() { return "L" + std::to_string(below(4)); }
  std::string type() { return "T" + std::to_string(below(3)); }
  std::string key() { return "k" + std::to_string(below(5)); }
  // k0 and k1 are the keys of uniqueness constraints: numbers and short strings. The others hold anything.
  Plain value(const std::string& key);

 private:
  template <typename Map>
  uint64_t any_id(const Map& map) {
    return std::next(map.begin(), static_cast<long>(below(map.size())))->first;
  }
  Properties properties(uint64_t count_max);
  std::set<std::string> labels();

  RandomStatement create_node();
  RandomStatement create_nodes();
  RandomStatement create_relationships(const Model& model);
  RandomStatement set_properties(const Model& model);
  RandomStatement replace_properties(const Model& model);
  RandomStatement change_labels(const Model& model);
  RandomStatement merge_node(const Model& model);
  RandomStatement merge_relationship(const Model& model);
  RandomStatement change_relationships(const Model& model);
  RandomStatement turn_relationship(const Model& model);
  RandomStatement delete_relationships(const Model& model);
  RandomStatement delete_nodes(const Model& model);
  RandomStatement change_schema(const Model& model);
  RandomStatement fail(const Model& model);

  std::mt19937_64 random_;
  uint64_t schema_names_ = 0;
};

}  // namespace lora::test
