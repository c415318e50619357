#include "graph/bulk_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <future>
#include <iterator>
#include <limits>
#include <tuple>
#include <utility>

#include "graph/graph_impl.h"
#include "graph/layout.h"
#include "kv/contain.h"

namespace lora::graph {

using cache::EntityBlock;

namespace {

constexpr uint64_t kEntitiesMax = std::numeric_limits<uint32_t>::max();
constexpr uint64_t kNodesBetweenPolls = 4096;
// Blocks with more bytes of properties are written as records, which need not be together in memory.
constexpr uint64_t kColumnsBytesMax = 1 << 20;

}  // namespace

BulkLoad::BulkLoad(Graph& graph)
    : graph_(graph), output_(graph.impl()->store.get()), grouped_output_(graph.impl()->store.get(), 1) {}

BulkLoad::Hold::~Hold() {
  release();
}

void BulkLoad::Hold::release() {
  if (graph != nullptr) {
    std::exchange(graph, nullptr)->impl()->release_writer();
  }
}

Result<std::unique_ptr<BulkLoad>> BulkLoad::begin(Graph& graph, std::chrono::steady_clock::time_point deadline,
                                                  const std::function<Status()>& poll) {
  Graph::Impl& in = *graph.impl();
  LORA_TRY(in.acquire_writer(deadline, "a bulk load", 0, poll));
  WriterHold hold(in);
  std::unique_ptr<BulkLoad> load(new BulkLoad(graph));
  hold.pass_on();
  load->hold_.graph = &graph;
  LORA_TRY(in.write_all_behind());  // from here on nobody else renews the tip, or has anything to write
  const Root& root = *in.versions->tip();
  if (root.next_node != 0 || root.next_relationship != 0 || in.node_id_floor != 0 || in.relationship_id_floor != 0 ||
      !root.schema->indexes.empty() || !root.schema->constraints.empty()) {
    return Status::config("a bulk load needs a database that never held anything and has no indexes or constraints");
  }
  for (int kind = 0; kind < kTokenKindCount; ++kind) {
    const TokenTable& table = in.catalog().table(static_cast<TokenKind>(kind));
    Names& names = load->names_[kind];
    for (uint32_t id = 0; id < table.size(); ++id) {
      names.names.emplace_back(table.name(id));
      names.ids.emplace(names.names.back(), id);
    }
    names.known = names.names.size();
  }
  return load;
}

Result<uint32_t> BulkLoad::name(TokenKind kind, std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax) {
    return Status::limit("name length", fmt::format("a name has 1 to `{}` bytes", kNameBytesMax));
  }
  Names& names = names_[static_cast<size_t>(kind)];
  const auto [it, fresh] = names.ids.emplace(name, static_cast<uint32_t>(names.names.size()));
  if (fresh) {
    names.names.emplace_back(name);
  }
  return it->second;
}

Result<LabelId> BulkLoad::label(std::string_view text) {
  LORA_ASSIGN(const uint32_t id, name(TokenKind::kLabel, text));
  return LabelId(id);
}
Result<RelTypeId> BulkLoad::rel_type(std::string_view text) {
  LORA_ASSIGN(const uint32_t id, name(TokenKind::kRelType, text));
  return RelTypeId(id);
}
Result<KeyId> BulkLoad::key(std::string_view text) {
  LORA_ASSIGN(const uint32_t id, name(TokenKind::kKey, text));
  return KeyId(id);
}

Result<NodeId> BulkLoad::add_node(std::span<const LabelId> labels, std::span<const Property> properties) {
  if (labels.size() > kLabelsMax) {
    return Status::limit("labels", fmt::format("a node has at most {} labels", kLabelsMax));
  }
  if (node_sets_.size() >= kEntitiesMax) {
    return Status::limit("ids", fmt::format("a bulk load takes at most `{}` nodes", kEntitiesMax));
  }
  const uint64_t id = node_sets_.size();
  if (sets_.empty() || !std::equal(labels.begin(), labels.end(), last_labels_.begin(), last_labels_.end())) {
    last_labels_.assign(labels.begin(), labels.end());
    const auto [it, fresh] = set_ids_.emplace(last_labels_, static_cast<uint32_t>(sets_.size()));
    if (fresh) {
      sets_.push_back(&it->first);
    }
    last_set_ = it->second;
  }
  node_sets_.push_back(last_set_);
  for (LabelId label : labels) {
    carry_label(label, id);
  }
  LORA_TRY(add(nodes_, id, properties));
  return NodeId(id);
}

// A value that is too large makes its block one of records, and is refused at once.
Status BulkLoad::add(Block& block, uint64_t id, std::span<const Property> properties) {
  const uint32_t row = EntityBlock::row_of(id);
  if (row == 0) {
    LORA_TRY(write(block, id));
    block.as_records = false;
  }
  if (block.as_records) {
    LORA_ASSIGN(const ByteView bytes, record(block.kind, id, properties));
    return output_.put(space_of(block.kind), id_key(id), bytes);
  }
  block.properties.add_node(row, {}, properties);
  ++block.rows;
  for (const Property& property : properties) {
    block.bytes += sizeof(Value) + property.value.heap_bytes();
  }
  if (block.bytes > kColumnsBytesMax) {
    block.as_records = true;
    return write(block, id + 1);
  }
  return Status();
}

Result<ByteView> BulkLoad::record(EntityKind kind, uint64_t id, std::span<const Property> properties) {
  if (kind == EntityKind::kNode) {
    return encoder_.node(*sets_[node_sets_[id]], properties);
  }
  return encoder_.relationship(RelTypeId(types_[id]), NodeId(starts_[id]), NodeId(ends_[id]), properties);
}

Status BulkLoad::write(Block& block, uint64_t end) {
  if (block.rows == 0) {
    return Status();
  }
  const uint64_t first = end - std::exchange(block.rows, 0);
  block.bytes = 0;
  const cache::Loaded<EntityBlock> properties = block.properties.finish();
  const bool as_records = block.as_records || !ColumnChanges::fit(*properties);
  if (as_records) {
    for (uint64_t id = first; id < end; ++id) {
      properties_.clear();
      properties->properties(EntityBlock::row_of(id), &properties_);
      LORA_ASSIGN(const ByteView bytes, record(block.kind, id, properties_));
      LORA_TRY(output_.put(space_of(block.kind), id_key(id), bytes));
    }
    return Status();
  }
  heads_written_ = true;
  std::vector<KeyId> columns;
  for (const EntityBlock::ColumnSlot& slot : properties->columns()) {
    // Before all that is written later.
    constexpr uint64_t kWritten = 1;
    LORA_TRY(encode_column(slot.column, kWritten, &bytes_));
    LORA_TRY(block.grouped.add(EntityBlock::index_of(first), slot.key, bytes_, put_grouped(block.kind)));
    columns.push_back(slot.key);
  }
  head_.clear();
  for (uint64_t id = first; id < end; ++id) {
    const uint32_t row = EntityBlock::row_of(id);
    if (block.kind == EntityKind::kNode) {
      head_.add_node(row, *sets_[node_sets_[id]]);
    } else {
      head_.add_relationship(row, RelTypeId(types_[id]), NodeId(starts_[id]), NodeId(ends_[id]));
    }
  }
  head_.finish(columns, &bytes_);
  return output_.put(space_of(block.kind), column_key(first, kHeadKey), bytes_);
}

void BulkLoad::carry_label(LabelId label, uint64_t node) {
  ++label_counts_[label.value];
  LabelBlock& block = open_blocks_[label.value];
  if (block.bits.empty() || block.block != node >> kLabelBlockShift) {
    end_label_block(label, block);
    block.block = node >> kLabelBlockShift;
    block.bits.assign(kLabelBlockIds / 64, 0);
  }
  const uint64_t at = node & (kLabelBlockIds - 1);
  block.bits[at / 64] |= uint64_t{1} << (at % 64);
}

void BulkLoad::end_label_block(LabelId label, LabelBlock& block) {
  if (!block.bits.empty()) {
    encode_label_block(block.bits.data(), &bytes_);
    encoded_labels_.emplace(label_key(label, block.block).string(), bytes_);
    block.bits.clear();
  }
}

Result<RelId> BulkLoad::add_relationship(RelTypeId type, NodeId start, NodeId end,
                                         std::span<const Property> properties) {
  for (NodeId node : {start, end}) {
    if (node.value >= node_sets_.size()) {
      return Status(ErrorCode::kNotFound, fmt::format("there is no node {}", node.value));
    }
  }
  if (ends_.size() >= kEntitiesMax) {
    return Status::limit("ids", fmt::format("a bulk load takes at most `{}` relationships", kEntitiesMax));
  }
  const uint64_t id = ends_.size();
  starts_.push_back(static_cast<uint32_t>(start.value));
  ends_.push_back(static_cast<uint32_t>(end.value));
  types_.push_back(type.value);
  ++type_counts_[type.value];
  LORA_TRY(add(relationships_, id, properties));
  return RelId(id);
}

class BulkLoad::ListWriter {
 public:
  ListWriter(const BulkLoad& load, size_t threads) : load_(load), output_(load.graph_.impl()->store.get(), threads) {}

  Status write(uint64_t node, Direction direction, std::span<const uint32_t> relationships) {
    const std::vector<uint32_t>& neighbours = direction == Direction::kOut ? load_.ends_ : load_.starts_;
    pairs_.clear();
    for (uint32_t r : relationships) {
      pairs_.push_back({load_.types_[r], neighbours[r], r});
    }
    std::sort(pairs_.begin(), pairs_.end());
    for (size_t begin = 0; begin < pairs_.size();) {
      const uint32_t type = pairs_[begin].type;
      size_t end = begin;
      for (; end < pairs_.size() && pairs_[end].type == type; ++end) {
      }
      counts_[{load_.node_sets_[node], type, direction}] += end - begin;
      for (size_t at = begin; at < end;) {
        const auto count = static_cast<uint32_t>(std::min<size_t>(kAdjacencyBlockMax, end - at));
        const PairPlace first = at == begin ? PairPlace{} : PairPlace{pairs_[at].neighbour, pairs_[at].relationship};
        bytes_.clear();
        encode_adjacency_block(
            count, [&](uint32_t i) { return uint64_t{pairs_[at + i].neighbour}; },
            [&](uint32_t i) { return uint64_t{pairs_[at + i].relationship}; }, &bytes_);
        LORA_TRY(output_.put(kv::Keyspace::kAdjacency, adjacency_key(node, direction, RelTypeId(type), first), bytes_));
        at += count;
      }
      begin = end;
    }
    return Status();
  }
  // Adds the runs and counts of all that was written.
  Status finish(std::vector<std::unique_ptr<kv::SortedRun>>* runs, SetTypeCounts* counts) {
    LORA_ASSIGN(std::vector<std::unique_ptr<kv::SortedRun>> mine, output_.finish());
    std::move(mine.begin(), mine.end(), std::back_inserter(*runs));
    for (const auto& [of, count] : counts_) {
      (*counts)[of] += count;
    }
    return Status();
  }

 private:
  struct Pair {
    uint32_t type, neighbour, relationship;
    friend auto operator<=>(const Pair&, const Pair&) = default;
  };
  const BulkLoad& load_;
  RunWriter output_;
  std::string bytes_;
  std::vector<Pair> pairs_;
  SetTypeCounts counts_;
};

namespace {

// Calls both, the second one on a thread of its own, and `poll` while that is waited for; a failure of any, of which
// the second one hears by *failed.
Status run_both(const std::function<Status()>& first, const std::function<Status()>& second,
                const std::function<Status()>& poll, std::atomic<bool>* failed) {
  constexpr std::chrono::milliseconds kBetweenPolls(20);
  // A future of async() waits at its end, on any way out.
  std::future<Status> other = std::async(std::launch::async, [&] { return contain(second); });
  Status status = contain(first);
  do {
    if (status.ok() && poll) status = contain(poll);
    if (!status.ok()) failed->store(true, std::memory_order_relaxed);
  } while (other.wait_for(kBetweenPolls) != std::future_status::ready);
  const Status of_other = other.get();
  return status.ok() ? of_other : status;
}

}  // namespace

// Counted, then placed, so that each node's lie together.
BulkLoad::Side BulkLoad::by_node(const std::vector<uint32_t>& owners) const {
  const size_t nodes = node_sets_.size();
  Side side;
  side.list_ends.assign(nodes + 1, 0);
  side.relationships.resize(owners.size());
  for (uint32_t node : owners) {
    ++side.list_ends[node + 1];
  }
  for (size_t n = 0; n < nodes; ++n) {
    side.list_ends[n + 1] += side.list_ends[n];
  }
  // Placing moves each begin to its end, which is where the next one begins.
  for (size_t r = 0; r < owners.size(); ++r) {
    side.relationships[side.list_ends[owners[r]]++] = static_cast<uint32_t>(r);
  }
  return side;
}

// Where there are processors for it: nodes with half of the relationships on each of two threads.
Status BulkLoad::write_adjacency(const std::function<Status()>& poll,
                                 std::vector<std::unique_ptr<kv::SortedRun>>* runs) {
  const size_t nodes = node_sets_.size();
  Side out, in;
  const auto make_out = [&] {
    out = by_node(starts_);
    return Status();
  };
  const auto make_in = [&] {
    in = by_node(ends_);
    return Status();
  };
  std::atomic<bool> failed{false};
  const auto write = [&](ListWriter& lists, size_t from, size_t to, const std::function<Status()>& polled) {
    Status status = contain([&] {
      for (size_t node = from; node < to; ++node) {
        if (node % kNodesBetweenPolls == 0) {
          if (failed.load(std::memory_order_relaxed)) return Status();
          if (polled) LORA_TRY(polled());
        }
        LORA_TRY(lists.write(node, Direction::kOut, out.list(node)));
        LORA_TRY(lists.write(node, Direction::kIn, in.list(node)));
      }
      return Status();
    });
    if (!status.ok()) failed.store(true, std::memory_order_relaxed);
    return status;
  };
  if (usable_processors() == 1) {
    LORA_TRY(make_out());
    LORA_TRY(make_in());
    ListWriter lists(*this, 1);
    LORA_TRY(write(lists, 0, nodes, poll));
    return lists.finish(runs, &set_type_counts_);
  }
  LORA_TRY(run_both(make_out, make_in, poll, &failed));
  size_t half = 0;
  for (size_t step = std::bit_floor(nodes); step > 0; step /= 2) {
    if (half + step <= nodes && out.list_ends[half + step - 1] + in.list_ends[half + step - 1] <= ends_.size()) {
      half += step;
    }
  }
  ListWriter lower(*this, 1), upper(*this, 1);
  LORA_TRY(run_both([&] { return write(lower, 0, half, poll); }, [&] { return write(upper, half, nodes, nullptr); },
                    poll, &failed));
  LORA_TRY(lower.finish(runs, &set_type_counts_));
  return upper.finish(runs, &set_type_counts_);
}

Status BulkLoad::write_labels() {
  for (auto& [label, block] : open_blocks_) {
    end_label_block(LabelId(label), block);
  }
  for (const auto& [key, value] : encoded_labels_) {
    LORA_TRY(output_.put(kv::Keyspace::kLabels, key, value));
  }
  return Status();
}

void BulkLoad::write_names(kv::WriteBatch& batch) {
  for (int kind = 0; kind < kTokenKindCount; ++kind) {
    const Names& names = names_[kind];
    for (size_t id = names.known; id < names.names.size(); ++id) {
      batch.put(kv::Keyspace::kMeta, meta_token_key(static_cast<TokenKind>(kind), static_cast<uint32_t>(id)),
                names.names[id]);
    }
  }
}

Status BulkLoad::finish(const std::function<Status()>& poll) {
  Graph::Impl& in = *graph_.impl();
  std::vector<std::unique_ptr<kv::SortedRun>> runs;
  for (Block* block : {&nodes_, &relationships_}) {
    LORA_TRY(write(*block, block == &nodes_ ? node_count() : relationship_count()));
    LORA_TRY(block->grouped.flush(put_grouped(block->kind)));
  }
  LORA_TRY(write_adjacency(poll, &runs));
  LORA_TRY(write_labels());
  LORA_ASSIGN(std::vector<std::unique_ptr<kv::SortedRun>> records, output_.finish());
  std::move(records.begin(), records.end(), std::back_inserter(runs));
  LORA_ASSIGN(std::vector<std::unique_ptr<kv::SortedRun>> columns, grouped_output_.finish());
  std::move(columns.begin(), columns.end(), std::back_inserter(runs));
  const std::unique_ptr<kv::WriteBatch> batch = in.store->batch();
  write_names(*batch);

  CommitPayload payload = make_payload(*in.versions->tip(), in.statistics, {});
  payload.nodes = node_count();
  payload.relationships = relationship_count();
  payload.next_node = payload.nodes;
  payload.next_relationship = payload.relationships;
  std::map<CounterKey, uint64_t> counters;
  for (const auto& [label, count] : label_counts_) {
    counters[{CounterKind::kLabel, label, 0}] = count;
  }
  for (const auto& [type, count] : type_counts_) {
    counters[{CounterKind::kRelType, 0, type}] = count;
  }
  for (const auto& [of, count] : set_type_counts_) {
    const auto& [set, type, direction] = of;
    const CounterKind kind = direction == Direction::kOut ? CounterKind::kLabelTypeOut : CounterKind::kLabelTypeIn;
    for (LabelId label : *sets_[set]) {
      counters[{kind, label.value, type}] += count;
    }
  }
  for (const auto& [key, count] : counters) {
    payload.counters.push_back({key.kind, key.label, key.type, count});
  }
  std::string base, newest;
  encode_commit_payload(payload, &base);
  payload.counters.clear();
  encode_commit_payload(payload, &newest);
  batch->put(kv::Keyspace::kMeta, kMetaCounterBaseKey, base);
  if (heads_written_) {
    batch->put(kv::Keyspace::kMeta, kMetaFormatKey, encode_format_value(kFormatVersion4));
  }
  LORA_ASSIGN(const uint64_t number, in.store->ingest(std::move(runs), *batch, newest));
  in.commits.fetch_add(1, std::memory_order_relaxed);
  in.statistics_epoch.fetch_add(1, std::memory_order_relaxed);
  Status opened = contain([&] { return in.open_versions(true, true); });
  if (!opened.ok()) {
    in.broken.store(true, std::memory_order_release);
    return opened;
  }
  LORA_TRY(in.store->wait_durable(number));
  hold_.release();
  return Status();
}

}  // namespace lora::graph
