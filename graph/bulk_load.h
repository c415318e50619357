// Fills a new graph in one go: entities straight into sorted runs, adjacency sorted once at the end, one atomic
// ingest. A tenth of the cost of a statement per batch, and nothing to see before finish() has returned.
//
// Threads of its own build the tables (run_writer.h, which says what memory that takes), and half of the lists where
// there is a second processor. Memory beside that: 4 bytes a node and 12 a relationship; while finish() sorts, 20 each.
// Threads: one at a time. Holds the graph's writer from begin() to its end; must not outlive the graph.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "graph/format.h"
#include "graph/graph.h"
#include "graph/grouped_columns.h"
#include "graph/record.h"
#include "graph/run_writer.h"
#include "graph/stored_columns.h"
#include "graph/stored_heads.h"
#include "kv/store.h"

namespace lora::graph {

class BulkLoad {
 public:
  // kConfig for a graph that ever held anything (ids are given out from 0 on), or has indexes or constraints;
  // kTransaction when another writer is at work until `deadline`.
  static Result<std::unique_ptr<BulkLoad>> begin(Graph& graph, std::chrono::steady_clock::time_point deadline,
                                                 const std::function<Status()>& poll);
  // Destroyed without finish(): the graph stays as it was.
  BulkLoad(const BulkLoad&) = delete;
  BulkLoad& operator=(const BulkLoad&) = delete;

  // Names are 1 to 65 535 bytes (kLimit).
  Result<LabelId> label(std::string_view name);
  Result<RelTypeId> rel_type(std::string_view name);
  Result<KeyId> key(std::string_view name);

  // Labels and keys ascending and once each; values storable and not null. Ids are given out from 0 on. kLimit: a value
  // is too large, too many labels or entities; the load can only be destroyed then.
  Result<NodeId> add_node(std::span<const LabelId> labels, std::span<const Property> properties);
  // kNotFound when an end was not added.
  Result<RelId> add_relationship(RelTypeId type, NodeId start, NodeId end, std::span<const Property> properties);

  uint64_t node_count() const { return node_sets_.size(); }
  uint64_t relationship_count() const { return ends_.size(); }

  // Makes it all visible and durable. Nothing else may be called afterwards. `poll`: every few thousand nodes or
  // 20 ms, from the calling thread; its failure leaves the graph as it was.
  Status finish(const std::function<Status()>& poll);

 private:
  struct Names {
    std::vector<std::string> names;
    std::unordered_map<std::string, uint32_t> ids;
    size_t known = 0;  // names that the graph has already
  };
  // A label's block of ids that is being filled.
  struct LabelBlock {
    uint64_t block = 0;
    std::vector<uint64_t> bits;  // empty: none
  };

  // The graph's writer. Before all that writes, so that it is given back last.
  struct Hold {
    Graph* graph = nullptr;  // null: not had yet, or given back
    ~Hold();
    void release();
  };

  // A block of entities on its way to the store: columns and a head, or records.
  struct Block {
    explicit Block(EntityKind of) : kind(of) {}
    const EntityKind kind;
    cache::EntityBlockBuilder properties;  // of the entities, which have no labels here
    uint32_t rows = 0;
    uint64_t bytes = 0;       // about what the properties take
    bool as_records = false;  // records with properties, one by one
    GroupedColumnsBuffer grouped;
  };

  explicit BulkLoad(Graph& graph);
  Status add(Block& block, uint64_t id, std::span<const Property> properties);
  // The record of an entity that has been added.
  Result<ByteView> record(EntityKind kind, uint64_t id, std::span<const Property> properties);
  // What is in `block`, of which `end` is behind the last.
  Status write(Block& block, uint64_t end);
  Result<uint32_t> name(TokenKind kind, std::string_view name);
  void carry_label(LabelId label, uint64_t node);
  void end_label_block(LabelId label, LabelBlock& block);
  // Relationships by the node at one of their ends.
  struct Side {
    std::vector<uint64_t> list_ends;  // of each node's list in `relationships`
    std::vector<uint32_t> relationships;
    std::span<const uint32_t> list(size_t node) const {
      const uint64_t begin = node == 0 ? 0 : list_ends[node - 1];
      return std::span(relationships).subspan(begin, list_ends[node] - begin);
    }
  };
  // By label set, type and direction.
  using SetTypeCounts = std::map<std::tuple<uint32_t, uint32_t, Direction>, uint64_t>;
  // The lists of some nodes on their way into runs. One thread.
  class ListWriter;

  Side by_node(const std::vector<uint32_t>& owners) const;
  // All lists; adds their runs to *runs.
  Status write_adjacency(const std::function<Status()>& poll, std::vector<std::unique_ptr<kv::SortedRun>>* runs);
  Status write_labels();
  void write_names(kv::WriteBatch& batch);

  Graph& graph_;
  Hold hold_;
  Names names_[kTokenKindCount];
  RecordEncoder encoder_;
  HeadEncoder head_;
  std::string bytes_;
  Block nodes_{EntityKind::kNode}, relationships_{EntityKind::kRelationship};
  std::vector<Property> properties_;
  bool heads_written_ = false;
  RunWriter output_;
  RunWriter grouped_output_;  // of keys behind those of ids
  auto put_grouped(EntityKind kind) {
    return [this, kind](ByteView key, ByteView value) { return grouped_output_.put(space_of(kind), key, value); };
  }

  // Which labels a node has: a number of a set that occurs.
  std::map<std::vector<LabelId>, uint32_t> set_ids_;
  std::vector<const std::vector<LabelId>*> sets_;
  std::vector<LabelId> last_labels_;
  uint32_t last_set_ = 0;
  std::vector<uint32_t> node_sets_;
  std::map<uint32_t, LabelBlock> open_blocks_;         // by label
  std::map<std::string, std::string> encoded_labels_;  // finished blocks
  std::vector<uint32_t> starts_, ends_, types_;        // by relationship
  std::map<uint32_t, uint64_t> label_counts_, type_counts_;
  SetTypeCounts set_type_counts_;
};

}  // namespace lora::graph
