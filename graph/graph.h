// The property graph: one open database over a kv::Store, with an in-memory form for speed.
//
//   Graph        opened once; any number of threads.
//   Snapshot     a pinned version; readers never block, never wait, never see half a commit.
//   Reader       reads one version (a Snapshot, or the open Transaction with its own writes); one thread at a time.
//   Transaction  the one writer: buffered changes, statement savepoints, commit.
//
// Isolation: serialisable (one writer at a time, readers on versions). Ids are never reused.
//
// Reads that need the store may fail (I/O, damage). Hot calls do not return a Status: they answer "nothing" and leave
// the failure in Reader::status(), sticky; callers look at it once per batch of rows and before they trust a result.
//
// Memory of a version is held by pins: a Snapshot or a Transaction. Raw arrays handed out (Neighbours) are valid until
// the Reader's next unpin_batch() call, at the latest until it is destroyed.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graph/ids.h"
#include "graph/packed_ids.h"
#include "graph/schema.h"
#include "graph/texts.h"
#include "graph/value.h"
#include "graph/word.h"
#include "kv/status.h"
#include "kv/store.h"

namespace lora::graph {

class Graph;
class Transaction;
struct Root;  // graph/cache: one version of the in-memory form
struct Pin;   // graph/cache: what keeps a Root alive

struct GraphOptions {
  kv::StoreOptions store;
  uint64_t cache_bytes = 0;  // budget of the in-memory form and the store's caches; 0: a quarter of memory
  uint64_t transaction_bytes_max = 2ull << 30;
  // A statement or transaction that would write more keys than this goes to the store as sorted runs (ingest).
  uint64_t ingest_keys_min = 100'000;
  // And one of more bytes than this; 0: as many as memtables take, at least 4 MiB.
  uint64_t batch_bytes_max = 0;
  // A block of 256 entities of which so many would be records is written as a head and columns (graph/README.md).
  uint64_t block_records_max = 128;
  // In memory: commits are written to the store (which only evicted chunks are read from) together, once chunks take so
  // many bytes and so many keys have changed. 0 bytes: half of what they may take. 0 keys: each commit by itself.
  uint64_t write_behind_from_bytes = 0;
  uint64_t unwritten_keys_max = 4096;
};

inline constexpr size_t kLabelsMax = 65'535;  // of one node

struct Property {
  KeyId key;
  Value value;
};

struct NewRelationship {
  RelTypeId type;
  NodeId start, end;
  std::span<const Property> properties;
};

struct RelationshipRecord {
  RelTypeId type;
  NodeId start, end;
  bool deleted = false;  // deleted by the open transaction: type and ends still known
};

// Part of a node's neighbour list: `count` pairs (neighbour, relationship), sorted by neighbour then relationship.
struct Neighbours {
  const void* neighbours = nullptr;  // packed ids, as the relationships are
  const void* relationships = nullptr;
  uint32_t count = 0;
  uint8_t neighbour_width = 1, relationship_width = 1;  // bytes
  uint64_t neighbour(uint32_t i) const { return packed_id(neighbours, neighbour_width, i); }
  uint64_t relationship(uint32_t i) const { return packed_id(relationships, relationship_width, i); }
  // f(ids), ids[i] being neighbour(i), for loops.
  template <typename F>
  decltype(auto) with_neighbours(F&& f) const {
    return with_packed_ids(neighbours, neighbour_width, f);
  }
};

// A column of property values for a batch of entities, typed when all values present have one type.
struct PropertyColumn {
  enum class Kind : uint8_t { kValues, kIntegers, kWords, kFloats, kStrings, kLists } kind = Kind::kValues;
  WordType word_type;             // kWords: of all of them
  std::vector<Value> values;      // kValues: null where the property is absent
  std::vector<int64_t> integers;  // kIntegers; kWords: the words
  std::vector<double> floats;     // kFloats
  Texts texts;                    // kStrings; kLists: packed ones (graph/packed_list.h)
  std::vector<uint8_t> nulls;     // typed kinds: empty when every value is present, else 1 where one is absent
};

// A bound of an index range: values of the first indexed keys; inclusive or not. Empty values: unbounded.
struct IndexBound {
  std::vector<Value> values;
  bool inclusive = true;
};

// What a scan asks of a property: `op value`, op as of compare_values(), a null result does not satisfy; or 'n': IS
// NULL, 'v': IS NOT NULL.
struct PropertyTest {
  KeyId key;
  char op;
  Value value;
};

// Walks node ids in ascending order (of a label, or all), or relationship ids (of a type, or all); with tests only
// those that satisfy all of them.
class EntityScan {
 public:
  EntityScan();
  EntityScan(EntityScan&&) noexcept;
  EntityScan& operator=(EntityScan&&) noexcept;
  ~EntityScan();
  // Up to `max` next ids into out (null: they are only counted); 0: the end (or an error: see Reader::status()). With
  // tests 0 may also mean that many
  // entities were looked at and none satisfied them: done() tells.
  size_t next(uint64_t* out, size_t max);
  bool done() const;
  uint64_t looked_at() const;  // entities so far; the same as the ids given when there are no tests

 private:
  size_t next_tested(uint64_t* out, size_t max);
  friend class Reader;
  struct State;
  std::unique_ptr<State> state_;
};

// Walks index entries in index order (ascending values, then ids).
class IndexScan {
 public:
  IndexScan();
  IndexScan(IndexScan&&) noexcept;
  IndexScan& operator=(IndexScan&&) noexcept;
  ~IndexScan();
  size_t next(uint64_t* out, size_t max);

 private:
  friend class Reader;
  struct State;
  std::unique_ptr<State> state_;
};

class Reader {
 public:
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader();

  // First failure of a read since construction; OK otherwise.
  const Status& status() const { return status_; }
  // Ends the validity of all arrays handed out, so that eviction can go on. Call once per batch.
  void unpin_batch();
  // Gives back what reading one thing after another keeps open in the store. Call before a longer pause.
  void rest();

  // --- catalog as of this version; the find_ calls miss for names not in use ---
  std::optional<LabelId> find_label(std::string_view name) const;
  std::optional<RelTypeId> find_rel_type(std::string_view name) const;
  std::optional<KeyId> find_key(std::string_view name) const;
  std::string_view label_name(LabelId id) const;  // valid as long as the Graph
  std::string_view rel_type_name(RelTypeId id) const;
  std::string_view key_name(KeyId id) const;
  // The same names as shared string Values (no allocation per use).
  const Value& key_name_value(KeyId id) const;
  // Do a name and its id belong together from now on? Those that the open transaction has made do not: they go with it
  // when it is rolled back, and the id may then be given to another name.
  bool is_lasting(LabelId id) const;
  bool is_lasting(RelTypeId id) const;
  bool is_lasting(KeyId id) const;
  size_t label_token_count() const;
  size_t rel_type_token_count() const;
  size_t key_token_count() const;
  const Schema& schema() const;     // indexes and constraints; versioned with the root
  uint64_t schema_version() const;  // changes with every committed index or constraint change

  // --- exact counters, O(1) ---
  uint64_t node_count() const;
  uint64_t relationship_count() const;
  uint64_t node_count(LabelId label) const;
  uint64_t relationship_count(RelTypeId type) const;
  // Relationships of `type` whose start (kOut) or end (kIn) node carries `label`. An empty type: all types.
  uint64_t relationship_count(std::optional<LabelId> label, std::optional<RelTypeId> type, Direction direction) const;
  // Distinct values estimate of an index; 0 when unknown.
  uint64_t index_distinct_count(IndexId index) const;
  uint64_t index_entry_count(IndexId index) const;
  NodeId node_id_limit() const;  // one past the highest id ever given out
  RelId relationship_id_limit() const;

  // --- nodes ---
  bool node_exists(NodeId id);
  bool has_label(NodeId id, LabelId label);
  void labels(NodeId id, std::vector<LabelId>* out);            // ascending; empty when absent
  Value node_property(NodeId id, KeyId key);                    // null when absent
  void node_properties(NodeId id, std::vector<Property>* out);  // by ascending key id
  // ids may hold kNoId (gives null). Typed output when the stored columns are; *out is overwritten.
  void gather_node_property(std::span<const uint64_t> ids, KeyId key, PropertyColumn* out);
  // For a filter `n.key = value` without an index: appends ids of nodes, ascending, among which all with that value
  // are; the caller compares, as some may have another value. False: nothing is known, scan. Filters that come again
  // make the first scan after them read the whole column once (see property_hash.h).
  bool property_candidates(KeyId key, const Value& value, std::vector<uint64_t>* ids);
  // keep[i] = ids[i] exists and carries label.
  void test_label(std::span<const uint64_t> ids, LabelId label, uint8_t* keep);
  EntityScan scan_nodes(std::optional<LabelId> label, std::vector<PropertyTest> tests = {});
  // Leaves those of `ids` that satisfy the tests. None may be kNoId.
  void test_entities(EntityKind kind, std::span<const PropertyTest> tests, std::vector<uint64_t>* ids);

  // --- relationships ---
  bool relationship_exists(RelId id);
  std::optional<RelationshipRecord> relationship(RelId id);
  Value relationship_property(RelId id, KeyId key);
  void relationship_properties(RelId id, std::vector<Property>* out);
  void gather_relationship_property(std::span<const uint64_t> ids, KeyId key, PropertyColumn* out);
  EntityScan scan_relationships(std::optional<RelTypeId> type, std::vector<PropertyTest> tests = {});
  // Whether most of their blocks, by a sample, are in memory or quick to read: not those whose relationships are
  // records of their own (graph/stored_heads.h).
  bool has_near_relationship_blocks();
  // Start and end node of each; kNoId for what is not there. Ids that ascend are cheapest.
  void relationship_ends(std::span<const uint64_t> ids, uint64_t* starts, uint64_t* ends);
  // Their types; UINT32_MAX for what is no relationship of this version.
  void relationship_types(std::span<const uint64_t> ids, uint32_t* types);

  // --- adjacency: one direction (kOut or kIn) and one type at a time ---
  // Relationship types in use on this node's side; usually few. Superset is allowed: all types with any relationship.
  void adjacent_types(NodeId id, Direction direction, std::vector<RelTypeId>* out);
  uint64_t degree(NodeId id, Direction direction, RelTypeId type);
  // Adds the degree of ids[i] to degrees[i]; nothing for kNoId. Ids that ascend are cheapest.
  void add_degrees(std::span<const uint64_t> ids, Direction direction, RelTypeId type, int64_t* degrees);
  // The same for self loops alone.
  void add_loops(std::span<const uint64_t> ids, RelTypeId type, int64_t* loops);
  // All segments of the list in order. A self loop appears once in kOut and once in kIn.
  void neighbours(NodeId id, Direction direction, RelTypeId type, std::vector<Neighbours>* segments);
  // A hint that lists of these nodes (kNoId: none) are read soon: what of them is in memory is on its way to the
  // processor's cache, side by side. Best for some ten to thirty nodes at a time.
  void expect_neighbours(std::span<const uint64_t> ids, Direction direction, RelTypeId type);
  // Relationships from `from` to `to` (kOut: from is the start), binary search; appended to out.
  void relationships_between(NodeId from, NodeId to, Direction direction, RelTypeId type, std::vector<uint64_t>* out);

  // --- property indexes (RANGE) ---
  // Entities whose indexed values equal `values` (one per indexed key); appended to out, ascending.
  void index_lookup(IndexId index, std::span<const Value> values, std::vector<uint64_t>* out);
  // The same for many values of an index with one key: those of values[i] end at (*ends)[i], where the next begin.
  // False, with nothing added: it does not pay here, or the index is not in memory.
  bool index_lookup_many(IndexId index, std::span<const Value> values, std::vector<uint64_t>* out,
                         std::vector<uint32_t>* ends);
  // One-key range in index order; a string prefix is the range [prefix, next prefix).
  IndexScan index_range(IndexId index, const IndexBound& lower, const IndexBound& upper);
  IndexScan index_prefix(IndexId index, std::string_view prefix);

  // --- leaving the engine ---
  // Replaces bare entities (also inside lists and maps) by hydrated ones as of this version.
  Value hydrate(const Value& value);

 private:
  friend class Graph;
  friend class Snapshot;
  friend class Transaction;
  friend class EntityScan;
  friend class IndexScan;
  friend class ReaderChunks;  // graph/reader_chunks.h
  Reader(Graph* graph, const Root* root);
  // visit(i, block, row) for each that exists; defined where it is used, in reader.cpp.
  template <typename Visit>
  void each_relationship_block(std::span<const uint64_t> ids, Visit visit);
  void gather_property(EntityKind kind, std::span<const uint64_t> ids, KeyId key, PropertyColumn* out);
  bool find_candidates(KeyId key, const Value& value, std::vector<uint64_t>* ids);  // ids of nodes that are gone too
  // Before lists are read: what the open transaction has still to put into them.
  void settle() {
    if (unsettled_ != nullptr) [[unlikely]]
      settle_lists();
  }
  void settle_lists();
  struct Impl;
  Graph* graph_;
  Transaction* unsettled_ = nullptr;
  const Root* root_;
  const uint32_t* lasting_tokens_ = nullptr;  // of each kind, when a transaction reads; null: all of this version
  Status status_;
  std::unique_ptr<Impl> impl_;  // allocated on first need of scratch space
};

// A pinned version. Movable between threads. Must be destroyed before its Graph closes (Graph::close waits for none).
class Snapshot {
 public:
  Snapshot() = default;
  Snapshot(Snapshot&&) noexcept;
  Snapshot& operator=(Snapshot&&) noexcept;
  ~Snapshot();
  explicit operator bool() const { return root_ != nullptr; }
  std::unique_ptr<Reader> reader() const;  // many may exist, in several threads
  Reader read() const;                     // the same, without an allocation
  uint64_t version() const;                // commit number

 private:
  friend class Graph;
  Graph* graph_ = nullptr;
  const Root* root_ = nullptr;
  uint32_t slot_ = 0;
};

// All writes. One thread at a time; may move between threads. Destroying an uncommitted one rolls it back.
//
// Statements: begin_statement() sets a savepoint; finish_statement() checks what must hold at a statement's end
// (no dangling relationships: kForeignKey; nothing else is deferred: unique constraints are checked at each write);
// rollback_statement() undoes all since begin_statement(). After an error of a write call the caller must roll the
// statement back; the transaction itself stays usable.
class Transaction {
 public:
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  // Sees this transaction's writes at once.
  Reader& reader();

  Status begin_statement();
  Status finish_statement();
  void rollback_statement();

  // Tokens: found or made. kLimit beyond 2^32 - 1 tokens or for names of 0 or more than 65 535 bytes.
  Result<LabelId> label(std::string_view name);
  Result<RelTypeId> rel_type(std::string_view name);
  Result<KeyId> key(std::string_view name);

  // Property values must be storable (is_storable), else kType/InvalidPropertyType; null properties are left out.
  Result<NodeId> create_node(std::span<const LabelId> labels, std::span<const Property> properties);
  // Ends must exist: kNotFound/EntityNotFound.
  Result<RelId> create_relationship(RelTypeId type, NodeId start, NodeId end, std::span<const Property> properties);
  // The same for several, one after the other, which is cheaper together. After a failure *made of them have been made.
  Status create_relationships(std::span<const NewRelationship> relationships, size_t* made);
  // Null removes. Deleted or unknown entity: kNotFound, EntityNotFound, DeletedEntityAccess.
  Status set_node_property(NodeId id, KeyId key, const Value& value);
  Status set_relationship_property(RelId id, KeyId key, const Value& value);
  Status replace_node_properties(NodeId id, std::span<const Property> properties);
  Status replace_relationship_properties(RelId id, std::span<const Property> properties);
  Result<bool> add_label(NodeId id, LabelId label);     // false: it was there
  Result<bool> remove_label(NodeId id, LabelId label);  // false: it was not there
  // Deleting what this transaction already deleted is no error (returns false).
  Result<bool> delete_relationship(RelId id);
  Result<bool> delete_node(NodeId id);  // relationships may still be there until the statement ends
  Result<bool> detach_delete_node(NodeId id, uint64_t* deleted_relationships);
  // Was it there before, and deleted by this transaction?
  bool node_deleted(NodeId id) const;
  bool relationship_deleted(RelId id) const;

  // Schema. Built at once over the data that is there (kUniqueConstraint names a duplicate). Names: kConstraint for
  // taken ones. Index kinds other than RANGE and constraint kinds other than UNIQUE: kUnsupported. `poll` (may be
  // empty) is called for every thousand or so entries; what it fails with ends the build.
  using Poll = std::function<Status()>;
  Result<IndexId> create_index(const IndexDefinition& definition, const Poll& poll = {});
  Status drop_index(std::string_view name);
  Status create_constraint(const ConstraintDefinition& definition, const Poll& poll = {});
  Status drop_constraint(std::string_view name);

  // Drops all nodes and relationships (catalog, schema and id counters stay).
  Status clear();

  // The next node and relationship created get at least these ids; smaller ones change nothing. Kept by the commit,
  // also when nothing else has changed. kLimit beyond the last id. For restoring entities under the ids they had.
  Status skip_ids(NodeId next_node, RelId next_relationship);

  // For a checkpoint, of a transaction that does nothing else: from block *next on (of 256 entities) looks for values
  // that the store keeps although no version has them any more, such as those of deleted nodes and of properties that
  // were removed from many, and for blocks of many records. The commit writes such blocks as a whole. Stops after 64 of
  // them, or 256 without; *next: where to go on, kNoId at the end. False: none was found.
  Result<bool> rewrite_blocks(EntityKind kind, uint64_t* next);

  struct Counts {  // net work of the transaction so far, for statistics
    uint64_t nodes_created = 0, nodes_deleted = 0, relationships_created = 0, relationships_deleted = 0;
    uint64_t properties_set = 0, labels_added = 0, labels_removed = 0;
  };
  const Counts& counts() const;
  bool changed() const;           // anything to commit?
  uint64_t memory_bytes() const;  // charged to this transaction

  // Writes the commit and releases the writer; then waits until it may be acknowledged (see GraphOptions::store.sync)
  // and is visible to new snapshots. Returns the commit number. After it, or after rollback(), the object is inert.
  Result<uint64_t> commit();
  void rollback();

 private:
  friend class Graph;
  friend class Reader;
  explicit Transaction(Graph* graph);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct SnapshotFileMeta {
  uint64_t format_version = 1;
  uint64_t node_count = 0;
  uint64_t relationship_count = 0;
  std::optional<uint64_t> wal_lsn;  // commit number of the saved version on a persistent database
};

struct SnapshotCrypto {
  enum class Kind : uint8_t { kNone, kPassword, kKey } kind = Kind::kNone;
  std::string key_id;
  std::string password;
  std::string key;  // 32 bytes
  uint32_t memory_cost_kib = 65536;
  uint32_t time_cost = 3;
  uint32_t parallelism = 1;
};

struct SnapshotSaveOptions {
  enum class Codec : uint8_t { kNone, kGzip, kZstd } codec = Codec::kZstd;
  int level = 1;
  SnapshotCrypto crypto;
};

// Where snapshot bytes go to or come from. Errors end the operation.
using ByteSink = std::function<Status(ByteView)>;
// Fills up to `size` bytes; *read = 0: the end.
using ByteSource = std::function<Status(char* buffer, size_t size, size_t* read)>;

struct GraphStats {
  uint64_t cache_bytes_used = 0, cache_bytes_limit = 0;  // in-memory form against the budget
  uint64_t retired_bytes = 0;                            // old versions still pinned
  uint64_t chunk_loads = 0, chunk_evictions = 0;
  uint64_t open_snapshots = 0;
  uint64_t commits = 0;
  kv::StoreStats store;
};

struct VerifyReport {
  std::vector<std::string> errors;  // empty: sound
};

class Graph {
 public:
  static Result<std::unique_ptr<Graph>> open(const GraphOptions& options);
  ~Graph();

  // The last published version. About 10 ns.
  Snapshot snapshot();
  // The same for those who read the store itself: it holds that version in full.
  Result<Snapshot> stored_snapshot();
  // Waits for the writer at most until `deadline`; then kTransaction naming who holds it and since when.
  // `owner` describes the holder for such messages; a token equal to the current holder's `owner_token` (non-zero)
  // fails at once with kTransaction instead of waiting for itself. `cancelled` is polled while waiting.
  Result<std::unique_ptr<Transaction>> begin_write(std::chrono::steady_clock::time_point deadline,
                                                   std::string_view owner, uint64_t owner_token,
                                                   const std::function<Status()>& poll);

  uint64_t node_count();
  uint64_t relationship_count();
  uint64_t schema_version();
  // Bumped when a counter that plans may depend on has changed by 10x since the last bump.
  uint64_t statistics_epoch();

  // Single-file snapshots (format: graph/snapshot_file.h). Saves a pinned version while writers go on.
  Result<SnapshotFileMeta> save_snapshot(const SnapshotSaveOptions& options, const ByteSink& sink,
                                         const std::function<Status()>& poll);
  // Validates everything, then replaces the graph atomically and durably. `transaction` rules as CONTRACT: waits for
  // the writer. Ids are the file's; counters become the larger of both.
  Result<SnapshotFileMeta> load_snapshot(const SnapshotCrypto& crypto, const ByteSource& source,
                                         std::chrono::steady_clock::time_point deadline,
                                         const std::function<Status()>& poll, uint64_t owner_token = 0);

  Status sync();
  // Memtables to files. `compact`: a full compaction as well; what was deleted is no longer in any file then, unless a
  // transaction is open or a version pinned.
  Status checkpoint(bool compact);
  Result<VerifyReport> verify(bool full, const std::function<Status()>& poll);
  GraphStats stats();
  Status health() const;
  kv::Store& store();
  const kv::RecoveryReport& recovery() const;
  bool read_only() const;
  // Moves a secondary instance to what the writer has written by now (lora-dump).
  Status catch_up();

  // Test hook: forgets the in-memory form (what is not dirty); every later answer comes from the store.
  void drop_cache();

  // No snapshot, reader or transaction may be alive. Flushes, releases the lock. Idempotent.
  Status close();

  struct Impl;
  Impl* impl() { return impl_.get(); }  // for the files of this folder

 private:
  Graph();
  std::unique_ptr<Impl> impl_;
};

}  // namespace lora::graph
