// Changes of one row, shared by CREATE, MERGE, SET and REMOVE.
#pragma once

#include <vector>

#include "cypher/exec/operator.h"

namespace lora::cypher {

class RowWriter {
 public:
  explicit RowWriter(ExecState* state) : state_(*state) {}

  // kReadOnly without a transaction.
  Status check_writable() const;

  // Gives the slots that create() fills columns of nulls.
  static void prepare(const CreatePattern& pattern, Batch* batch);
  // Makes the pattern for row `row` of a prepared batch and puts the entities there. `merge`: null properties are an
  // error.
  Status create(const CreatePattern& pattern, Batch* batch, size_t row, bool merge);

  Status set(std::span<const SetItem> items, const Batch& batch, size_t row);
  Status remove(std::span<const SetItem> items, const Batch& batch, size_t row);

 private:
  Status properties_of(const Expr* expr, const Batch& batch, size_t row, bool merge);
  Status add_property(std::string_view key, const NameRef* name, Value value, bool merge);
  Status create_relationship(const CreatePattern& pattern, const CreateRelationship& r, Batch* batch, size_t row,
                             bool merge);
  Status end_of(const CreatePattern& pattern, Slot slot, const Batch& batch, size_t row, NodeId* out);
  Status label_ids(std::span<const NameRef* const> names, std::span<const Expr* const> dynamic, const Batch& batch,
                   size_t row, bool create);
  Status dynamic_names(const Expr& expr, const Batch& batch, size_t row, std::string_view what,
                       std::vector<std::string>* out);
  Status dynamic_key(const Expr& expr, const Batch& batch, size_t row, std::string* out);
  Status set_item(const SetItem& item, const Value& target, const Batch& batch, size_t row);
  Status set_property(const Value& target, KeyId key, const Value& value);
  Status set_map(const SetItem& item, const Value& target, const Value& map);
  Result<KeyId> key_of(const NameRef& name);

  ExecState& state_;
  std::vector<uint64_t> nodes_;  // made by the running create(), in the order of the pattern
  std::vector<LabelId> labels_;
  std::vector<graph::Property> properties_;
  std::vector<std::string> names_;
};

}  // namespace lora::cypher
