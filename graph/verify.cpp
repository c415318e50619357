#include "graph/verify.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "graph/graph_impl.h"
#include "graph/index.h"
#include "graph/value_codec.h"

namespace lora::graph {

using kv::Keyspace;

namespace {

// A set of byte strings or tuples, known by its size and the sum of its members' hashes.
struct SetSum {
  uint64_t count = 0, sum = 0;
  void add(ByteView bytes) {
    ++count;
    sum += XXH3_64bits(bytes.data(), bytes.size());
  }
  void add_relationship(uint64_t id, uint32_t type, uint64_t start, uint64_t end) {
    const uint64_t words[4] = {id, type, start, end};
    ++count;
    sum += XXH3_64bits(words, sizeof(words));
  }
  friend bool operator==(const SetSum&, const SetSum&) = default;
};

bool same_properties(const std::vector<Property>& a, const std::vector<Property>& b) {
  if (a.size() != b.size()) {
    return false;
  }
  std::string x;
  std::string y;
  for (size_t i = 0; i < a.size(); ++i) {
    x.clear();
    y.clear();
    // Bytes tell 1 from 1.0 and -0.0 from 0.0; equivalence would not.
    if (a[i].key != b[i].key || !encode_value(a[i].value, &x).ok() || !encode_value(b[i].value, &y).ok() || x != y) {
      return false;
    }
  }
  return true;
}

class Verification {
 public:
  Verification(Graph& graph, Reader& reader, const Root& root, bool full, const std::function<Status()>& poll)
      : graph_(graph), shared_(*graph.impl()), reader_(reader), root_(root), full_(full), poll_(poll) {}

  Result<VerifyReport> run() {
    note(shared_.store->verify_checksums(full_));
    LORA_TRY(catalog());
    LORA_TRY(nodes());
    LORA_TRY(grouped_columns(EntityKind::kNode));
    LORA_TRY(grouped_columns(EntityKind::kRelationship));
    LORA_TRY(labels());
    LORA_TRY(relationships());
    LORA_TRY(adjacency());
    LORA_TRY(indexes());
    counters();
    if (dropped_ != 0) {
      report_.errors.push_back(fmt::format("and {} more", dropped_));
    }
    return std::move(report_);
  }

 private:
  using Walk = std::function<Status(ByteView key, ByteView value)>;

  void error(std::string text) {
    if (report_.errors.size() < kVerifyErrorsMax) {
      report_.errors.push_back(std::move(text));
    } else {
      ++dropped_;
    }
  }
  void note(const Status& status) {
    if (!status.ok()) {
      error(status.message());
    }
  }
  // Visits a range; what `visit` returns is noted, and the walk goes on.
  Status walk(Keyspace space, std::string lower, const Walk& visit) {
    kv::CursorOptions options;
    options.upper = lower.empty() ? std::string() : kv::prefix_end(lower);
    options.lower = std::move(lower);
    options.snapshot = root_.store_snapshot;
    options.fill_cache = false;
    options.readahead_bytes = 1u << 20;
    const std::unique_ptr<kv::Cursor> cursor = shared_.store->cursor(space, options);
    uint64_t steps = 0;
    for (cursor->seek_first(); cursor->valid(); cursor->next()) {
      note(visit(cursor->key(), cursor->value()));
      LORA_TRY(step(&steps));
    }
    note(cursor->status());
    end_of_walk();
    return Status();
  }
  // The same of the entities of a kind, with the properties they have.
  Status walk_entities(EntityKind kind, const std::function<void(StoredEntities& entities)>& visit) {
    StoredEntities entities(shared_.store.get());
    entities.begin(root_, kind, {.readahead_bytes = 1u << 20});
    uint64_t steps = 0, block = kNoId;
    for (;;) {
      const Result<bool> more = entities.next();
      note(more.status());
      LORA_TRY(step(&steps));
      if (!more.ok()) continue;
      if (!*more) break;
      const uint64_t id = entities.id();
      if (std::exchange(block, cache::EntityBlock::index_of(id)) != cache::EntityBlock::index_of(id)) {
        for (const StoredColumn& column : entities.columns().columns()) {
          check_written(space_of(kind), entities.columns().key_of(block, column.key()), column.written());
        }
      }
      check_written(space_of(kind), id_key(id), entities.written());
      entities.apply();
      visit(entities);
    }
    end_of_walk();
    return Status();
  }
  // Columns that no head lists are never read.
  Status grouped_columns(EntityKind kind) {
    const uint64_t limit = kind == EntityKind::kNode ? root_.next_node : root_.next_relationship;
    std::map<uint64_t, std::vector<KeyId>> listed;  // by block, of one group
    uint64_t group = kNoId;
    StoredHead head;
    return walk(space_of(kind), std::string(kGroupedKeys), [&](ByteView key, ByteView) -> Status {
      uint64_t index = 0;
      KeyId property;
      if (!parse_grouped_key(key, &index, &property) || index * cache::EntityBlock::kRows >= limit) {
        return damaged(space_of(kind), key, "is no key of a column");
      }
      if (std::exchange(group, index / kGroupBlocks) != index / kGroupBlocks) listed.clear();
      const auto [at, fresh] = listed.try_emplace(index);
      if (fresh) {
        LORA_TRY(head.load(*shared_.store, root_, kind, index));
        at->second.assign(head.columns().begin(), head.columns().end());
      }
      if (std::ranges::binary_search(at->second, property)) return Status();
      return damaged(space_of(kind), key, "is a column that its block does not list");
    });
  }
  Status step(uint64_t* steps) {
    if (++*steps % 1024 == 0) {
      reader_.unpin_batch();
      if (poll_) return poll_();
    }
    return Status();
  }
  void end_of_walk() {
    reader_.unpin_batch();
    if (!reader_.status().ok() && !reader_failed_) {
      reader_failed_ = true;
      error("in-memory form: " + reader_.status().message());
    }
  }
  bool node_exists(uint64_t id) const {
    const auto block = node_bits_.find(id >> kLabelBlockShift);
    const uint64_t row = id & (kLabelBlockIds - 1);
    return block != node_bits_.end() && (block->second[row / 64] >> (row % 64) & 1) != 0;
  }

  Status catalog() {
    for (int kind = 0; kind < kTokenKindCount; ++kind) {
      const auto token_kind = static_cast<TokenKind>(kind);
      const TokenTable& table = root_.schema->catalog->table(token_kind);
      const uint32_t known = kind == 0 ? root_.label_tokens : kind == 1 ? root_.type_tokens : root_.key_tokens;
      uint32_t next = 0;
      LORA_TRY(
          walk(Keyspace::kMeta, {kMetaToken, static_cast<char>(kind)}, [&](ByteView key, ByteView value) -> Status {
            if (key != meta_token_key(token_kind, next) || next >= known || table.name(next) != value) {
              return damaged(Keyspace::kMeta, key, "is not the name that the catalog has");
            }
            ++next;
            return Status();
          }));
      if (next != known) {
        error(fmt::format("the catalog has {} names of kind {}, the store {}", known, kind, next));
      }
    }
    std::string value;
    Result<bool> found = shared_.store->get(Keyspace::kMeta, kMetaFormatKey, root_.store_snapshot, &value);
    note(!found.ok() ? found.status()
         : *found    ? decode_format_value(value).status()
                     : Status::corruption("no format mark"));
    return Status();
  }

  // Adds the entries that an entity must have to `expected_`.
  template <typename HasOwner>
  void expect_entries(EntityKind kind, uint64_t id, const std::vector<Property>& properties, HasOwner&& has_owner) {
    for (const IndexInfo& info : root_.schema->indexes) {
      if (info.definition.entity != kind || !has_owner(info.label_or_type)) {
        continue;
      }
      bool indexed = false;
      const Status status = encode_entry(info, id, properties, &indexed);
      note(status);
      if (status.ok() && indexed) {
        expected_[info.id.value].add(entry_);
      }
    }
  }
  Status encode_entry(const IndexInfo& info, uint64_t id, const std::vector<Property>& properties, bool* indexed) {
    const auto value = [&](KeyId key) {
      for (const Property& property : properties) {
        if (property.key == key) {
          return property.value;
        }
      }
      return Value();
    };
    LORA_TRY(find_index_behaviour(info.definition.kind)->encode(info, value, &entry_, indexed));
    const size_t size = entry_.size();
    entry_.resize(size + kIdBytes);
    store_id(entry_.data() + size, id);
    return Status();
  }

  // What records and columns say of their age decides which of them counts.
  void check_written(Keyspace space, ByteView key, uint64_t written) {
    // In memory the store counts for itself: it is written in parts.
    const uint64_t newest = shared_.store->in_memory() ? shared_.store->last_commit() : root_.version;
    if (written > newest) note(damaged(space, key, "was written by a commit that is still to come"));
  }

  Status nodes() {
    std::vector<LabelId> hot_labels;
    std::vector<Property> hot_properties;
    struct Current {
      uint64_t index = kNoId;
      LabelBitmap bits{};
    };
    std::map<uint32_t, Current> current;
    Loader loader(shared_.store.get());
    std::string value;
    const auto carries = [&](LabelId label, uint64_t id) -> bool {
      Current& at = current[label.value];
      if (at.index != id >> kLabelBlockShift) {
        at.index = id >> kLabelBlockShift;
        Result<bool> found =
            shared_.store->get(Keyspace::kLabels, label_key(label, at.index), root_.store_snapshot, &value);
        if (!found.ok() || !*found || !decode_label_block(value, at.bits.data())) {
          at.bits.fill(0);
        }
      }
      const uint64_t row = id & (kLabelBlockIds - 1);
      return (at.bits[row / 64] >> (row % 64) & 1) != 0;
    };
    return walk_entities(EntityKind::kNode, [&](StoredEntities& entities) {
      const uint64_t id = entities.id();
      const StoredNode& node = entities.node();
      ++node_count_;
      const uint64_t row = id & (kLabelBlockIds - 1);
      node_bits_[id >> kLabelBlockShift][row / 64] |= uint64_t{1} << (row % 64);
      for (LabelId label : node.labels) {
        ++label_counts_[label.value];
        if (!carries(label, id)) {
          error(fmt::format("node {} has label `{}`, but no label block says so", id, reader_.label_name(label)));
        }
      }
      expect_entries(EntityKind::kNode, id, node.properties, [&](uint32_t label) {
        return std::binary_search(node.labels.begin(), node.labels.end(), LabelId(label));
      });
      if (full_) {
        reader_.labels(NodeId(id), &hot_labels);
        reader_.node_properties(NodeId(id), &hot_properties);
        if (!reader_.node_exists(NodeId(id)) || hot_labels != node.labels ||
            !same_properties(hot_properties, node.properties)) {
          error(fmt::format("node {} differs between the store and the in-memory form", id));
        }
      }
    });
  }

  Status labels() {
    LabelBitmap bits;
    std::map<uint32_t, uint64_t> counts;
    LORA_TRY(walk(Keyspace::kLabels, {}, [&](ByteView key, ByteView value) -> Status {
      LabelId label;
      uint64_t block = 0;
      if (!parse_label_key(key, &label, &block) || label.value >= root_.label_tokens ||
          !decode_label_block(value, bits.data())) {
        return damaged(Keyspace::kLabels, key, "is not a label block");
      }
      for (uint64_t word : bits) {
        counts[label.value] += static_cast<uint64_t>(std::popcount(word));
      }
      return Status();
    }));
    for (uint32_t l = 0; l < root_.label_tokens; ++l) {
      if (counts[l] != label_counts_[l]) {
        error(fmt::format("label `{}`: {} nodes have it, label blocks hold {}", reader_.label_name(LabelId(l)),
                          label_counts_[l], counts[l]));
      }
    }
    return Status();
  }

  Status relationships() {
    std::vector<LabelId> labels;
    std::vector<Property> hot_properties;
    return walk_entities(EntityKind::kRelationship, [&](StoredEntities& entities) {
      const uint64_t id = entities.id();
      const StoredRelationship& stored = entities.relationship();
      ++relationship_count_;
      if (!node_exists(stored.start.value) || !node_exists(stored.end.value)) {
        error(fmt::format("relationship {} has an end that does not exist: {} to {}", id, stored.start.value,
                          stored.end.value));
      }
      ++type_counts_[stored.type.value];
      records_.add_relationship(id, stored.type.value, stored.start.value, stored.end.value);
      for (Direction direction : {Direction::kOut, Direction::kIn}) {
        reader_.labels(direction == Direction::kOut ? stored.start : stored.end, &labels);
        for (LabelId label : labels) {
          ++triple_counts_[{direction == Direction::kOut ? CounterKind::kLabelTypeOut : CounterKind::kLabelTypeIn,
                            label.value, stored.type.value}];
        }
      }
      expect_entries(EntityKind::kRelationship, id, stored.properties,
                     [&](uint32_t type) { return type == stored.type.value; });
      if (full_) {
        const auto hot = reader_.relationship(RelId(id));
        reader_.relationship_properties(RelId(id), &hot_properties);
        if (!hot || hot->type != stored.type || hot->start != stored.start || hot->end != stored.end ||
            !same_properties(hot_properties, stored.properties)) {
          error(fmt::format("relationship {} differs between the store and the in-memory form", id));
        }
      }
    });
  }

  // One list of the store against the in-memory form.
  void compare_list(const AdjacencyAddress& at, const std::vector<uint64_t>& neighbours,
                    const std::vector<uint64_t>& relationships) {
    std::vector<Neighbours> segments;
    reader_.neighbours(NodeId(at.node), at.direction, at.type, &segments);
    size_t i = 0;
    bool same = true;
    for (const Neighbours& segment : segments) {
      for (uint32_t k = 0; k < segment.count && same; ++k, ++i) {
        same = i < neighbours.size() && segment.neighbour(k) == neighbours[i] &&
               segment.relationship(k) == relationships[i];
      }
    }
    if (!same || i != neighbours.size() || reader_.degree(NodeId(at.node), at.direction, at.type) != i) {
      error(fmt::format("the list of node {} ({}, type `{}`) differs between the store and the in-memory form", at.node,
                        at.direction == Direction::kOut ? "outgoing" : "incoming", reader_.rel_type_name(at.type)));
    }
  }

  Status adjacency() {
    AdjacencyAddress at;
    AdjacencyAddress list;
    bool any = false;
    std::vector<uint64_t> neighbours;
    std::vector<uint64_t> relationships;
    SetSum sums[2];
    const auto finish_list = [&] {
      if (any && full_ && list.node < root_.next_node && list.type.value < root_.type_tokens) {
        compare_list(list, neighbours, relationships);
      }
    };
    const auto block = [&](ByteView key, ByteView value, bool report) -> Status {
      if (!parse_adjacency_key(key, &at) || !node_exists(at.node) || at.type.value >= root_.type_tokens) {
        return damaged(Keyspace::kAdjacency, key, "belongs to no node or type");
      }
      const bool same_list = any && at.node == list.node && at.direction == list.direction && at.type == list.type;
      if (!same_list) {
        finish_list();
        neighbours.clear();
        relationships.clear();
        list = at;
        any = true;
        if (at.first != PairPlace{}) {
          error(
              damaged(Keyspace::kAdjacency, key, "is the first block of a list, but has a place in its key").message());
        }
      } else if (at.first <= PairPlace{neighbours.back(), relationships.back()}) {
        error(damaged(Keyspace::kAdjacency, key, "overlaps the block before it").message());
      }
      const size_t from = neighbours.size();
      if (!decode_adjacency_block(at, value, &neighbours, &relationships)) {
        neighbours.resize(from);
        relationships.resize(from);
        any = false;
        return damaged(Keyspace::kAdjacency, key, "is not an adjacency block");
      }
      for (size_t i = from; i < neighbours.size(); ++i) {
        const bool out = at.direction == Direction::kOut;
        const uint64_t start = out ? at.node : neighbours[i];
        const uint64_t end = out ? neighbours[i] : at.node;
        sums[out ? 0 : 1].add_relationship(relationships[i], at.type.value, start, end);
        if (report) {
          const auto record = reader_.relationship(RelId(relationships[i]));
          if (!record || record->type != at.type || record->start.value != start || record->end.value != end) {
            error(damaged(Keyspace::kAdjacency, key,
                          fmt::format("names relationship {}, which is not there like that", relationships[i]))
                      .message());
          }
        }
      }
      return Status();
    };
    LORA_TRY(walk(Keyspace::kAdjacency, {}, [&](ByteView k, ByteView v) { return block(k, v, false); }));
    finish_list();
    any = false;
    for (int direction = 0; direction < 2; ++direction) {
      if (!(sums[direction] == records_)) {
        error(fmt::format("{} adjacency names {} relationships and records are {}, or they differ in type or ends",
                          direction == 0 ? "outgoing" : "incoming", sums[direction].count, records_.count));
      }
    }
    if (!(sums[0] == records_) || !(sums[1] == records_)) {
      const bool full = std::exchange(full_, false);
      LORA_TRY(walk(Keyspace::kAdjacency, {}, [&](ByteView k, ByteView v) { return block(k, v, true); }));
      full_ = full;
      LORA_TRY(find_missing_pairs());
    }
    return Status();
  }

  // Relationships that a list should name and does not; only when sums have differed.
  Status find_missing_pairs() {
    StoredRelationship stored;
    Loader loader(shared_.store.get());
    return walk(Keyspace::kRelationships, {}, [&](ByteView key, ByteView bytes) -> Status {
      uint64_t id = 0;
      if (!parse_id_key(key, &id) || !decode_relationship(key, bytes, token_limits(root_), &stored).ok()) {
        return Status();
      }
      for (Direction direction : {Direction::kOut, Direction::kIn}) {
        const NodeId node = direction == Direction::kOut ? stored.start : stored.end;
        std::vector<uint64_t> neighbours;
        std::vector<uint64_t> relationships;
        if (!loader.list(root_, node, direction, stored.type, &neighbours, &relationships).ok() ||
            std::find(relationships.begin(), relationships.end(), id) == relationships.end()) {
          error(fmt::format("relationship {} is missing in the {} list of node {}", id,
                            direction == Direction::kOut ? "outgoing" : "incoming", node.value));
        }
      }
      return Status();
    });
  }

  Status indexes() {
    std::map<uint32_t, SetSum> found;
    std::string hot_entry;
    const IndexInfo* info = nullptr;
    IndexScan scan;
    LORA_TRY(walk(Keyspace::kIndexes, {}, [&](ByteView key, ByteView value) -> Status {
      const IndexId id(key.size() >= 4 ? kv::load_u32(key.data()) : ~uint32_t{0});
      if (info == nullptr || info->id != id) {
        info = root_.schema->find_index(id);
        if (info != nullptr && full_) {
          scan = reader_.index_range(id, {}, {});
        }
      }
      if (info == nullptr) {
        return damaged(Keyspace::kIndexes, key, "belongs to no index");
      }
      if (!decode_index_entry(*info, key, value, &entry_)) {
        return damaged(Keyspace::kIndexes, key, "is not an entry of its index");
      }
      found[id.value].add(entry_);
      if (full_) {
        uint64_t hot = kNoId;
        if (scan.next(&hot, 1) != 1 || hot != load_id(entry_.data() + entry_.size() - kIdBytes)) {
          error(fmt::format("index `{}` differs between the store and the in-memory form", info->definition.name));
        }
      }
      return Status();
    }));
    for (const IndexInfo& index : root_.schema->indexes) {
      if (!(found[index.id.value] == expected_[index.id.value])) {
        error(fmt::format("index `{}` has {} entries for {} entities, or they differ", index.definition.name,
                          found[index.id.value].count, expected_[index.id.value].count));
      }
      // Not versioned: comparable only while no commit is under way and the last one is what is verified.
      if (shared_.writer.try_acquire("verifying an index counter")) {
        WriterHold hold(shared_);
        const uint64_t counted = shared_.statistics.entries(index.id);
        // Pinned, so that the tip, which nobody replaces now, is not renewed away; not published: not what was
        // verified.
        const Snapshot newest = graph_.snapshot();
        const bool current = root_.version == newest.version() && shared_.versions->tip()->version == newest.version();
        hold.release();
        if (current) {
          check_counter(fmt::format("index `{}`", index.definition.name), counted, found[index.id.value].count);
        }
      }
    }
    return Status();
  }

  void check_counter(std::string_view what, uint64_t counter, uint64_t counted) {
    if (counter != counted) {
      error(fmt::format("counter of {} is {}, counted are {}", what, counter, counted));
    }
  }
  void counters() {
    check_counter("nodes", root_.nodes, node_count_);
    check_counter("relationships", root_.relationships, relationship_count_);
    for (uint32_t l = 0; l < root_.label_tokens; ++l) {
      check_counter(fmt::format("label `{}`", reader_.label_name(LabelId(l))), root_.label_count(LabelId(l)),
                    label_counts_[l]);
    }
    for (uint32_t t = 0; t < root_.type_tokens; ++t) {
      check_counter(fmt::format("type `{}`", reader_.rel_type_name(RelTypeId(t))), root_.type_count(RelTypeId(t)),
                    type_counts_[t]);
      for (uint32_t l = 0; l < root_.label_tokens; ++l) {
        for (CounterKind kind : {CounterKind::kLabelTypeOut, CounterKind::kLabelTypeIn}) {
          const CounterKey key{kind, l, t};
          const auto it = triple_counts_.find(key);
          check_counter(
              fmt::format("label `{}`, type `{}`, {}", reader_.label_name(LabelId(l)),
                          reader_.rel_type_name(RelTypeId(t)), kind == CounterKind::kLabelTypeOut ? "out" : "in"),
              counter_value(root_, key), it == triple_counts_.end() ? 0 : it->second);
        }
      }
    }
  }

  Graph& graph_;
  Graph::Impl& shared_;
  Reader& reader_;
  const Root& root_;
  bool full_;
  const std::function<Status()>& poll_;
  VerifyReport report_;
  size_t dropped_ = 0;
  bool reader_failed_ = false;
  std::unordered_map<uint64_t, LabelBitmap> node_bits_;  // the nodes that exist, in blocks of ids
  uint64_t node_count_ = 0, relationship_count_ = 0;
  std::map<uint32_t, uint64_t> label_counts_, type_counts_;
  std::map<CounterKey, uint64_t> triple_counts_;
  std::map<uint32_t, SetSum> expected_;  // entries by index
  SetSum records_;
  std::string entry_;
};

}  // namespace

Result<VerifyReport> Graph::verify(bool full, const std::function<Status()>& poll) {
  if (impl_->closed) {
    return Status(ErrorCode::kClosed, "the graph is closed");
  }
  LORA_ASSIGN(const Snapshot pinned, stored_snapshot());
  const std::unique_ptr<Reader> reader = pinned.reader();
  return Verification(*this, *reader, *pinned.root_, full, poll).run();
}

}  // namespace lora::graph
