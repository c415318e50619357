// What the files of this folder share of an open graph. Included by graph/*.cpp only.
//
// Locks, in the order they may be taken: writer (the open transaction), Versions::structure(), the cache's own. `mutex`
// guards only what its comment names and nothing is called under it.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "graph/cache/budget.h"
#include "graph/cache/root.h"
#include "graph/cache/versions.h"
#include "graph/catalog.h"
#include "graph/changes.h"
#include "graph/degree_cache.h"
#include "graph/entry_encoder.h"
#include "graph/graph.h"
#include "graph/layout.h"
#include "graph/loader.h"
#include "graph/property_hash.h"
#include "graph/stats.h"
#include "graph/write_behind.h"
#include "graph/writer_lock.h"
#include "kv/store.h"

namespace lora::graph {

uint64_t counter_value(const Root& root, const CounterKey& key);
// All counters that are not zero.
std::vector<CounterKey> all_counters(const Root& root, const IndexStatistics& statistics);
CommitPayload make_payload(const Root& root, const IndexStatistics& statistics, const std::vector<CounterKey>& keys);

// What commits are encoded with. Whoever writes to the store uses it; small commits find the memory of the one before.
struct CommitBuffers {
  EncoderBuffers encoder;
  std::unique_ptr<kv::WriteBatch> batch;
};

struct Graph::Impl {
  GraphOptions options;
  std::unique_ptr<kv::Store> store;
  // Every catalog there has been: load_snapshot() begins a new one, while pinned versions go on with theirs. A
  // version's is in its schema; the last one is the writer's.
  std::vector<std::unique_ptr<Catalog>> catalogs;
  Catalog& catalog() { return *catalogs.back(); }
  // What is in memory is no longer what is stored, after a load or a commit that failed half way: no more writes.
  std::atomic<bool> broken{false};
  std::unique_ptr<cache::Versions> versions;
  uint64_t chunk_bytes = 0;  // for chunks and degrees together
  std::unique_ptr<cache::Budget> budget;
  WriterLock writer;
  IndexStatistics statistics;
  std::unique_ptr<PropertyHashes> hashes;
  std::unique_ptr<DegreeCache> degrees;
  bool secondary = false;
  std::atomic<bool> closed{false};
  std::atomic<uint64_t> commits{0};
  std::atomic<uint64_t> statistics_epoch{1};
  // A sync failed: what was not published is to be dropped, by whoever holds the writer next.
  std::atomic<bool> drop_unpublished{false};

  // The writer's: ids of transactions that were rolled back are not given out again in this process.
  uint64_t node_id_floor = 0, relationship_id_floor = 0;
  // The writer's: counters that differ from the stored base, and the values that plans were last told of (while a root
  // is loaded: all there are).
  std::vector<CounterKey> changed_counters;
  std::map<CounterKey, uint64_t> planned_counters;
  std::unique_ptr<CommitBuffers> buffers;  // null before the first commit, and after a failed or large one
  std::unique_ptr<Unwritten> unwritten;    // in memory only; its mutex guards these four as well there

  // Reads catalog, schema and counters at `snapshot` and makes a root of them.
  Status load_root(const kv::Snapshot* snapshot, Root* root);
  Status load_catalog(const kv::Snapshot* snapshot, Root* root);
  Status load_counters(const kv::Snapshot* snapshot, Root* root);
  void fill_counters(Root* root);
  // Makes the stored state the only version; `again`: instead of the versions there are. After a failure these are
  // still there, but the catalog may be ahead of them: no more writes then.
  Status open_versions(bool again, bool new_catalog);
  Status save_statistics();
  Status write_statistics();  // by save_statistics(), with the writer
  // Holds the writer. Reads and checks a whole snapshot file, then replaces the graph by it.
  Status replace_by_snapshot(const SnapshotCrypto& crypto, const ByteSource& source,
                             const std::function<Status()>& poll, SnapshotFileMeta* meta);
  // Takes the writer; the graph must be open, writable and healthy.
  Status acquire_writer(std::chrono::steady_clock::time_point deadline, std::string_view owner, uint64_t owner_token,
                        const std::function<Status()>& poll);
  // Never fails.
  void release_writer() noexcept;
  const kv::Snapshot* take_store_snapshot() const { return secondary ? nullptr : store->snapshot(); }
  // Writes what is named, as it is in `now`, to a store that holds `before`. `replaced`: the version that it holds,
  // when columns may be written in place of records; else null. `ready` is called before anything is written, when all
  // else that may fail has been done; it is told whether there are columns. Chunks must not be evicted meanwhile
  // (Versions::structure()).
  Result<uint64_t> write_changes(Changes& changes, const Root& now, const StoredState& before, const Root* replaced,
                                 const std::function<void(bool columns, bool groups)>& ready);
  // Rewrites the blocks that hold what no version has any more; not while another transaction is open.
  Status drop_remains(Graph& graph);
  // In memory: removes all nodes and relationships, and what belongs to them, from the store.
  Status write_removal(const Root& now);
  // Before a version is published that differs so, and has this stamp.
  void note_degrees(const Changes& changes, uint64_t stamp);
  // Estimates and plans learn of a commit. Does not fail.
  void note_changes(const Root& now, Changes& changes);
  // In memory, with Unwritten::mutex: after a commit of `keys` names, writes a part of what commits have left where the
  // budget will soon want it; or all of it. After a failure it is still there.
  Status write_some_behind(uint64_t keys);
  Status write_behind();
  Status begin_writing_behind();
  Status write_names_behind(uint64_t keys_max);
  // All of it, for any graph and without the mutex.
  Status write_all_behind();
  void make_room_for(uint64_t changed_chunks);
  // A reader of a snapshot has loaded a chunk: counts it, makes room, and writes behind where that takes it.
  void chunk_loaded();
  // Counters have moved far enough that plans should be made again?
  void note_counters(const Root& root, const std::vector<CounterKey>& touched);
};

// A writer that has been acquired: given back at the end, whatever happens on the way.
class WriterHold {
 public:
  explicit WriterHold(Graph::Impl& graph) noexcept : graph_(&graph) {}
  ~WriterHold() { release(); }
  WriterHold(const WriterHold&) = delete;
  WriterHold& operator=(const WriterHold&) = delete;
  void release() noexcept {
    if (graph_ != nullptr) pass_on()->release_writer();
  }
  // Somebody else gives it back.
  Graph::Impl* pass_on() noexcept { return std::exchange(graph_, nullptr); }

 private:
  Graph::Impl* graph_;
};

struct Reader::Impl {
  explicit Impl(Graph::Impl* g);
  ~Impl();

  Graph::Impl* graph;
  Loader loader;
  cache::AccessSlot* slot;
  cache::WriteContext* context = nullptr;  // of the open transaction, when this is its reader

  // What was read from the store last without a place among the chunks: some entities of a block, or all of it.
  struct {
    cache::Loaded<cache::EntityBlock> block;  // null: nothing
    EntityKind kind = EntityKind::kNode;
    uint64_t index = 0;
    std::vector<uint64_t> ids;  // empty: all
    WantedProperties properties;
  } apart;
  // Of walks over blocks of nodes and of relationships: what they want, so that who scans by one property and then
  // looks at others of most of what is found reads each block once; how many blocks they have loaded, and how many had
  // to be completed.
  struct {
    WantedProperties wanted;
    uint64_t loaded = 0, completed = 0;
  } walks[2];
  // Ids in the order of their blocks, and where each of them stood.
  struct {
    std::vector<uint64_t> ids;
    std::vector<uint32_t> places;
  } sorted;
  // Lists read straight from the store, by node and token: alive until unpin_batch().
  struct DirectList {
    std::vector<uint64_t> neighbours, relationships;
  };
  std::map<std::pair<uint64_t, uint64_t>, DirectList> direct_lists;

  std::vector<Neighbours> segments;
  std::vector<LabelId> labels;
  std::string bytes;

  void enter() { graph->versions->enter(slot); }
  void chunk_loaded() {
    if (context == nullptr) {
      graph->chunk_loaded();
    } else {
      graph->budget->loaded();  // a statement may be in the middle of a write call
    }
  }
};

}  // namespace lora::graph
