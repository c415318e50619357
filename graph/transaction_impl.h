// The open transaction: a private root (cache::WriteContext), and what of it must be written at commit. Included by
// transaction*.cpp and commit.cpp only.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "graph/changes.h"
#include "graph/graph_impl.h"
#include "graph/index.h"
#include "graph/list_inserts.h"
#include "graph/reader_chunks.h"

namespace lora::graph {

struct Transaction::Impl {
  Impl(Graph* g);
  ~Impl();

  Graph* graph;
  Graph::Impl* shared;
  std::unique_ptr<cache::WriteContext> context;  // null: inert
  std::unique_ptr<Reader> reader;
  bool in_statement = false;
  bool ids_skipped = false;  // skip_ids() has moved a counter

  Changes changes;
  ListInserts inserts;
  Status unsettled;               // lists that were filled in part, outside of a statement: there is no way back
  uint32_t inserted_at_once = 0;  // relationships, since the statement began or lists were read
  struct DeletedNodeList {
    uint64_t node;
    RelTypeId type;
    Direction direction;
  };
  std::vector<DeletedNodeList> deleted_lists;  // of nodes of the running statement: must be empty at its end
  uint32_t tokens_at_begin[kTokenKindCount] = {};
  Transaction::Counts counts, counts_before_statement;

  std::vector<Property> properties, old_properties;
  std::vector<LabelId> label_list, old_labels;
  struct NodeList {
    RelTypeId type;
    Direction direction;
    uint64_t degree;
  };
  std::vector<NodeList> node_lists;
  std::vector<Neighbours> segments;
  std::vector<cache::NewPair> new_pairs;
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
  // `whole`: with all columns, as what is changed must be.
  Result<const cache::EntityBlock*> block(EntityKind kind, uint64_t index, bool whole = true);
  Status prepare_label_chunk(LabelId label, uint64_t index);
  Result<const cache::TopologyChunk*> topology(RelTypeId type, Direction direction, uint64_t index);
  Status prepare_index(const IndexInfo& info);
  // The block, when the entity exists; else kNotFound.
  Result<const cache::EntityBlock*> existing(EntityKind kind, uint64_t id, bool whole = true);
  Status not_found(EntityKind kind, uint64_t id);
  uint64_t known_degree(NodeId node, RelTypeId type, Direction direction, Status* status);

  // Checked, sorted by key, without nulls: `properties`.
  Result<std::span<const Property>> clean_properties(std::span<const Property> in);
  Status check_value(KeyId key, const Value& value);

  Status set_property(EntityKind kind, uint64_t id, KeyId key, const Value& value);
  Status replace_properties(EntityKind kind, uint64_t id, std::span<const Property> in);
  Status put_label(NodeId id, LabelId label, bool there);
  // Puts what create_relationship() has left into the lists. Call inside a Scope, before anything looks at lists. A
  // failure stays in the reader's status.
  Status settle();
  Status insert_ends(RelTypeId type, Direction direction, std::vector<ListInserts::End>& ends);
  Status connect(RelTypeId type, Direction direction, NodeId node, NodeId neighbour, RelId id);
  Status disconnect(RelTypeId type, Direction direction, NodeId node, NodeId neighbour, RelId id);
  // Calls count(label, direction) for each label of the ends.
  template <typename Count>
  Status for_end_labels(const cache::EntityBlock* start_block, NodeId start, NodeId end, Count&& count);
  void count_label(LabelId label, int64_t delta);
  void count_type(RelTypeId type, int64_t delta);
  void count_triple(LabelId label, RelTypeId type, Direction direction, int64_t delta);
  // The lists of a node that are not empty, for which its `labels` are counted: `node_lists`.
  Status lists_of(NodeId id, std::span<const LabelId> labels);
  // The relationships of `node_lists` count for `label` from now on (or no longer).
  void count_label_of_lists(LabelId label, int64_t sign);
  class Tally;
  Result<RelId> create_relationship(const NewRelationship& relationship, Tally* tally);
  Status delete_relationship(RelId id, bool* deleted);
  Status delete_node(NodeId id, bool* deleted);
  // At the end of a statement: all lists are as they must be.
  Status check_lists();

  // constraint.cpp: index entries of an entity before and after a change, and uniqueness.
  Status index_entity(const IndexInfo& info, uint64_t id, const std::function<Value(KeyId)>& value, bool put);
  // All indexes of the entity on its labels (type), put or taken out.
  Status index_all(EntityKind kind, uint64_t id, const cache::EntityBlock* block, bool put);
  Status index_label(uint64_t id, const cache::EntityBlock* block, LabelId label, bool put);
  // Around a property change: call with put = false before and put = true after it.
  Status index_key(EntityKind kind, uint64_t id, const cache::EntityBlock* block, KeyId key, bool put);
  Status change_entry(const IndexInfo& info, ByteView values, uint64_t id, bool put);

  // transaction_blocks.cpp
  // Does the store hold values of a block that no version has any more, or in two places, or many records?
  enum class Remains : uint8_t { kNone, kRecords, kSome };
  Result<Remains> remains(EntityKind kind, uint64_t index);

  // schema_change.cpp
  Result<uint32_t> token(TokenKind kind, std::string_view name);
  Result<IndexInfo> prepare_definition(const IndexDefinition& definition, bool for_constraint);
  Status build_index(const IndexInfo& info, const Poll& poll);
  void set_schema(std::shared_ptr<Schema> schema);

  // commit.cpp
  Result<uint64_t> commit_through();
  Result<uint64_t> commit_behind();
  void end();  // releases the writer; inert afterwards
};

}  // namespace lora::graph
