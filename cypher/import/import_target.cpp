#include "cypher/import/import_target.h"

#include <utility>

#include "graph/bulk_load.h"

namespace lora::cypher {

namespace {

class BulkTarget final : public ImportTarget {
 public:
  explicit BulkTarget(std::unique_ptr<graph::BulkLoad> load) : load_(std::move(load)) {}
  Result<LabelId> label(std::string_view name) override { return load_->label(name); }
  Result<RelTypeId> rel_type(std::string_view name) override { return load_->rel_type(name); }
  Result<KeyId> key(std::string_view name) override { return load_->key(name); }
  Status add_node(std::span<const LabelId> labels, std::span<const graph::Property> properties) override {
    return load_->add_node(labels, properties).status();
  }
  Status add_relationships(std::span<const graph::NewRelationship> relationships, size_t* added) override {
    for (*added = 0; *added < relationships.size(); ++*added) {
      const auto& [type, start, end, properties] = relationships[*added];
      LORA_TRY(load_->add_relationship(type, start, end, properties).status());
    }
    return Status();
  }
  Status finish(const std::function<Status()>& poll) override { return load_->finish(poll); }

 private:
  std::unique_ptr<graph::BulkLoad> load_;
};

class TransactionTarget final : public ImportTarget {
 public:
  explicit TransactionTarget(std::unique_ptr<graph::Transaction> transaction) : transaction_(std::move(transaction)) {}
  Status begin() { return transaction_->begin_statement(); }
  Result<LabelId> label(std::string_view name) override { return transaction_->label(name); }
  Result<RelTypeId> rel_type(std::string_view name) override { return transaction_->rel_type(name); }
  Result<KeyId> key(std::string_view name) override { return transaction_->key(name); }
  Status add_node(std::span<const LabelId> labels, std::span<const graph::Property> properties) override {
    LORA_ASSIGN(const NodeId id, transaction_->create_node(labels, properties));
    if (!any_) first_ = id.value;  // one writer at a time: its ids follow each other
    any_ = true;
    return Status();
  }
  Status add_relationships(std::span<const graph::NewRelationship> relationships, size_t* added) override {
    relationships_.assign(relationships.begin(), relationships.end());
    for (graph::NewRelationship& each : relationships_) {
      each.start = NodeId(first_ + each.start.value);
      each.end = NodeId(first_ + each.end.value);
    }
    return transaction_->create_relationships(relationships_, added);
  }
  Status finish(const std::function<Status()>& poll) override {
    LORA_TRY(poll());
    LORA_TRY(transaction_->finish_statement());
    return transaction_->commit().status();
  }

 private:
  std::unique_ptr<graph::Transaction> transaction_;
  std::vector<graph::NewRelationship> relationships_;  // of one call
  uint64_t first_ = 0;
  bool any_ = false;
};

}  // namespace

Result<std::unique_ptr<ImportTarget>> make_import_target(graph::Graph& graph, bool in_memory,
                                                         std::chrono::steady_clock::time_point deadline,
                                                         uint64_t owner_token, const std::function<Status()>& poll) {
  if (!in_memory) {
    auto load = graph::BulkLoad::begin(graph, deadline, poll);
    if (load.ok()) return std::unique_ptr<ImportTarget>(std::make_unique<BulkTarget>(std::move(*load)));
    if (load.status().code() != ErrorCode::kConfig) return std::move(load).status();
  }
  LORA_ASSIGN(auto transaction, graph.begin_write(deadline, "an import", owner_token, poll));
  auto target = std::make_unique<TransactionTarget>(std::move(transaction));
  LORA_TRY(target->begin());
  return std::unique_ptr<ImportTarget>(std::move(target));
}

}  // namespace lora::cypher
