// The open transaction: a private root (cache::WriteContext), and what of it must be written at commit. Included by
// transaction*.cpp and commit.cpp only.
//
// Dirty things are named, not copied: at commit each is encoded from the private root as it is then. A name too many is
// harmless (an unchanged thing is written again, one that does not exist is removed), so a rolled-back statement may
// leave names behind.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "graph/graph_impl.h"
#include "graph/index.h"
#include "graph/reader_chunks.h"

namespace lora::graph {

// A set in a vector: appended cheaply, made unique when it has doubled.
template <typename T>
class DirtyList {
 public:
  void add(const T& item) {
    if (!items_.empty() && items_.back() == item) {
      return;
    }
    items_.push_back(item);
    if (items_.size() >= compact_at_) [[unlikely]] {
      sort();
      compact_at_ = std::max<size_t>(4096, items_.size() * 2);
    }
  }
  // Sorted, unique.
  const std::vector<T>& sort() {
    if (!std::is_sorted(items_.begin(), items_.end())) {
      std::sort(items_.begin(), items_.end());
      mark_ = ~size_t{0};
    }
    const auto last = std::unique(items_.begin(), items_.end());
    if (last != items_.end()) {
      items_.erase(last, items_.end());
      mark_ = ~size_t{0};
    }
    return items_;
  }
  void begin_statement() { mark_ = items_.size(); }
  void rollback_statement() {
    if (mark_ < items_.size()) {
      items_.resize(mark_);
    }
  }
  void clear() {
    items_.clear();
    mark_ = ~size_t{0};
  }
  bool empty() const { return items_.empty(); }
  size_t size() const { return items_.size(); }
  size_t bytes() const { return items_.capacity() * sizeof(T); }

 private:
  std::vector<T> items_;
  size_t compact_at_ = 4096;
  size_t mark_ = ~size_t{0};  // length when the statement began; all ones: the order has changed since
};

struct DirtyBlock {  // in the order of adjacency keys
  uint64_t node;
  uint8_t direction;
  uint32_t type;
  cache::BlockKey first;
  friend auto operator<=>(const DirtyBlock&, const DirtyBlock&) = default;
};
struct DirtyLabel {
  uint32_t label;
  uint64_t block;
  friend auto operator<=>(const DirtyLabel&, const DirtyLabel&) = default;
};
// Entries of one index that were put in or taken out: values | id, as in the hot tree.
struct DirtyIndex {
  std::vector<std::string> entries;
  size_t mark = 0;
};

struct Transaction::Impl {
  Impl(Graph* g);
  ~Impl();

  Graph* graph;
  Graph::Impl* shared;
  std::unique_ptr<cache::WriteContext> context;  // null: inert
  std::unique_ptr<Reader> reader;
  bool in_statement = false;
  bool ids_skipped = false;   // skip_ids() has moved a counter
  bool failed_write = false;  // the store has refused a commit of this transaction

  DirtyList<uint64_t> nodes, relationships;
  DirtyList<DirtyBlock> blocks;
  DirtyList<DirtyLabel> labels;
  DirtyList<CounterKey> counters;
  std::map<uint32_t, DirtyIndex> indexes;
  size_t index_bytes = 0;
  bool cleared = false, cleared_before_statement = false;
  std::vector<uint64_t> deleted_nodes;  // of the running statement: must have no relationships at its end
  uint32_t tokens_at_begin[kTokenKindCount] = {};
  Transaction::Counts counts, counts_before_statement;

  std::vector<Property> properties, old_properties;
  std::vector<LabelId> label_list, old_labels;
  std::vector<Neighbours> segments;
  std::string entry;

  Root& root() { return *context->root(); }
  const Root& base() const { return *context->base(); }

  // Held during each write call: keeps the evictor away and the reader's epoch entered.
  class Scope {
   public:
    explicit Scope(Impl& impl);
    ~Scope();

   private:
    cache::Versions* versions_;
    cache::AccessSlot* slot_;
    bool entered_;
    decltype(std::declval<cache::Versions&>().structure()) lock_;
  };

  Status check_open() const;
  Status check_size() const;
  uint64_t memory_bytes() const;
  bool changed() const;

  // Chunks of the private root, loaded when needed. Call inside a Scope.
  Result<const cache::EntityBlock*> block(EntityKind kind, uint64_t index);
  Status prepare_label_chunk(LabelId label, uint64_t index);
  Result<const cache::TopologyChunk*> topology(RelTypeId type, Direction direction, uint64_t index);
  Status prepare_index(const IndexInfo& info);
  // The block, when the entity exists; else kNotFound.
  Result<const cache::EntityBlock*> existing(EntityKind kind, uint64_t id);
  Status not_found(EntityKind kind, uint64_t id);
  uint64_t known_degree(NodeId node, RelTypeId type, Direction direction, Status* status);

  // Checked, sorted by key, without nulls: `properties`.
  Result<std::span<const Property>> clean_properties(std::span<const Property> in);
  Status check_value(KeyId key, const Value& value);

  Status set_property(EntityKind kind, uint64_t id, KeyId key, const Value& value);
  Status replace_properties(EntityKind kind, uint64_t id, std::span<const Property> in);
  Status put_label(NodeId id, LabelId label, bool there);
  Status connect(RelTypeId type, Direction direction, NodeId node, NodeId neighbour, RelId id);
  Status disconnect(RelTypeId type, Direction direction, NodeId node, NodeId neighbour, RelId id);
  Status count_ends(const cache::EntityBlock* start_block, RelTypeId type, NodeId start, NodeId end, int64_t delta);
  void count_label(LabelId label, int64_t delta);
  void count_type(RelTypeId type, int64_t delta);
  void count_triple(LabelId label, RelTypeId type, Direction direction, int64_t delta);
  // The relationships of a node count for `label` from now on (or no longer).
  Status count_label_of_node(NodeId id, LabelId label, int64_t sign);
  Status delete_relationship(RelId id, bool* deleted);
  Status delete_node(NodeId id, bool* deleted);
  Status check_dangling();

  // constraint.cpp: index entries of an entity before and after a change, and uniqueness.
  Status index_entity(const IndexInfo& info, uint64_t id, const std::function<Value(KeyId)>& value, bool put);
  // All indexes of the entity on its labels (type), put or taken out.
  Status index_all(EntityKind kind, uint64_t id, const cache::EntityBlock* block, bool put);
  Status index_label(uint64_t id, const cache::EntityBlock* block, LabelId label, bool put);
  // Around a property change: call with put = false before and put = true after it.
  Status index_key(EntityKind kind, uint64_t id, const cache::EntityBlock* block, KeyId key, bool put);
  Status change_entry(const IndexInfo& info, ByteView values, uint64_t id, bool put);

  // schema_change.cpp
  Result<uint32_t> token(TokenKind kind, std::string_view name);
  Result<IndexInfo> prepare_definition(const IndexDefinition& definition, bool for_constraint);
  Status build_index(const IndexInfo& info, const Poll& poll);
  void set_schema(std::shared_ptr<Schema> schema);

  // commit.cpp
  Result<uint64_t> write();
  void end();  // releases the writer; inert afterwards
};

}  // namespace lora::graph
