// Writes of a transaction, each into its private root, with its dirty names and counters.
#include <fmt/format.h>

#include <array>

#include "graph/transaction_impl.h"
#include "kv/contain.h"

namespace lora::graph {

using cache::EntityBlock;
using cache::LabelChunk;
using cache::TopologyChunk;

namespace {

std::string_view kind_name(EntityKind kind) {
  return kind == EntityKind::kNode ? "node" : "relationship";
}

}  // namespace

Transaction::Impl::Impl(Graph* g) : graph(g), shared(g->impl()) {}

Transaction::Impl::~Impl() = default;

Transaction::Impl::Scope::Scope(Impl& impl)
    : versions_(impl.shared->versions.get()), slot_(impl.reader->impl_->slot), lock_(versions_->structure()) {
  entered_ = slot_->epoch.load(std::memory_order_relaxed) == 0;
  versions_->enter(slot_);
}

Transaction::Impl::Scope::~Scope() {
  if (entered_) {
    versions_->leave(slot_);
  }
}

Status Transaction::Impl::check_open() const {
  if (context == nullptr) {
    return {ErrorCode::kTransaction, "the transaction has ended"};
  }
  return unsettled;
}

uint64_t Transaction::Impl::memory_bytes() const {
  if (context == nullptr) {
    return 0;
  }
  return context->bytes() + changes.bytes() + inserts.bytes();
}

Status Transaction::Impl::check_size() const {
  if (memory_bytes() > shared->options.transaction_bytes_max) [[unlikely]] {
    return Status::limit("transaction size",
                         fmt::format("the transaction changes more than `{}` bytes; commit in smaller parts",
                                     shared->options.transaction_bytes_max));
  }
  return Status();
}

bool Transaction::Impl::changed() const {
  if (context == nullptr) {
    return false;
  }
  const Root& now = *context->root();
  for (int kind = 0; kind < kTokenKindCount; ++kind) {
    if (shared->catalog().table(static_cast<TokenKind>(kind)).size() != tokens_at_begin[kind]) {
      return true;
    }
  }
  return !changes.nodes.empty() || !changes.relationships.empty() || changes.cleared || ids_skipped ||
         now.schema != context->base()->schema;
}

// --- chunks ---

Result<const EntityBlock*> Transaction::Impl::block(EntityKind kind, uint64_t index, bool whole) {
  Root& r = root();
  Loader& loader = reader->impl_->loader;
  const EntityBlock* block = r.find_block(kind, index);
  if (block == nullptr) {
    const uint64_t stored = kind == EntityKind::kNode ? base().next_node : base().next_relationship;
    if (changes.cleared || index * EntityBlock::kRows >= stored) {
      r.edit_fresh_block(*context, kind, index);
      return r.find_block(kind, index);
    }
    LORA_ASSIGN(cache::Loaded<EntityBlock> loaded, loader.block(base(), kind, index, WantedProperties::all()));
    block = r.publish_block(context.get(), kind, index, std::move(loaded));
    shared->budget->loaded(true);
  }
  // A reader may have loaded it, and less of it; also just now.
  if (whole && !block->is_whole()) [[unlikely]] {
    LORA_TRY(loader.complete(base(), kind, index, WantedProperties::all(), block));
    shared->budget->loaded(true);
  }
  return block;
}

Status Transaction::Impl::prepare_label_chunk(LabelId label, uint64_t index) {
  Root& r = root();
  if (r.find_label_chunk(label, index) != nullptr) {
    return Status();
  }
  if (changes.cleared || index * LabelChunk::kRows >= base().next_node || label.value >= base().label_tokens) {
    r.edit_fresh_label_chunk(*context, label, index);
    return Status();
  }
  LORA_ASSIGN(cache::Loaded<LabelChunk> loaded, reader->impl_->loader.label_chunk(base(), label, index));
  r.publish_label_chunk(context.get(), label, index, std::move(loaded));
  // The table has no place for a label that only an undone statement has used; nothing is stored of it.
  if (r.find_label_chunk(label, index) == nullptr) r.edit_fresh_label_chunk(*context, label, index);
  shared->budget->loaded(true);
  return Status();
}

Result<const TopologyChunk*> Transaction::Impl::topology(RelTypeId type, Direction direction, uint64_t index) {
  Root& r = root();
  if (const TopologyChunk* chunk = r.find_topology_chunk(type, direction, index)) [[likely]] {
    return chunk;
  }
  if (changes.cleared || index * TopologyChunk::kNodes >= base().next_node || type.value >= base().type_tokens) {
    r.edit_fresh_topology_chunk(*context, type, direction, index);
    return r.find_topology_chunk(type, direction, index);
  }
  LORA_ASSIGN(cache::Loaded<TopologyChunk> loaded, reader->impl_->loader.topology(base(), type, direction, index));
  const TopologyChunk* chunk = r.publish_topology_chunk(context.get(), type, direction, index, std::move(loaded));
  if (r.find_topology_chunk(type, direction, index) == nullptr) {  // as in prepare_label_chunk()
    r.edit_fresh_topology_chunk(*context, type, direction, index);
    chunk = r.find_topology_chunk(type, direction, index);
  }
  shared->budget->loaded(true);
  return chunk;
}

Status Transaction::Impl::not_found(EntityKind kind, uint64_t id) {
  const uint64_t limit = kind == EntityKind::kNode ? root().next_node : root().next_relationship;
  if (id < limit && ReaderChunks(*reader).was_in_base(kind, id)) {
    return Status::runtime(ErrorCode::kNotFound, "EntityNotFound", "DeletedEntityAccess",
                           fmt::format("{} `{}` has been deleted in this transaction", kind_name(kind), id));
  }
  return Status::runtime(ErrorCode::kNotFound, "EntityNotFound", "",
                         fmt::format("there is no {} with id `{}`", kind_name(kind), id));
}

Result<const EntityBlock*> Transaction::Impl::existing(EntityKind kind, uint64_t id, bool whole) {
  const uint64_t limit = kind == EntityKind::kNode ? root().next_node : root().next_relationship;
  if (id >= limit) [[unlikely]] {
    return not_found(kind, id);
  }
  LORA_ASSIGN(const EntityBlock* found, block(kind, EntityBlock::index_of(id), whole));
  if (!found->exists(EntityBlock::row_of(id))) [[unlikely]] {
    return not_found(kind, id);
  }
  return found;
}

// --- counters ---

void Transaction::Impl::count_label(LabelId label, int64_t delta) {
  root().add_label_count(*context, label, delta);
  changes.counters.add({CounterKind::kLabel, label.value, 0});
}

void Transaction::Impl::count_type(RelTypeId type, int64_t delta) {
  root().add_type_count(*context, type, delta);
  changes.counters.add({CounterKind::kRelType, 0, type.value});
}

void Transaction::Impl::count_triple(LabelId label, RelTypeId type, Direction direction, int64_t delta) {
  root().add_triple_count(*context, label, type, direction, delta);
  changes.counters.add(
      {direction == Direction::kOut ? CounterKind::kLabelTypeOut : CounterKind::kLabelTypeIn, label.value, type.value});
}

uint64_t Transaction::Impl::known_degree(NodeId node, RelTypeId type, Direction direction, Status* status) {
  const uint64_t index = TopologyChunk::index_of(node.value);
  const TopologyChunk* chunk = root().find_topology_chunk(type, direction, index);
  if (chunk == nullptr) {
    if (changes.cleared || node.value >= base().next_node || type.value >= base().type_tokens) {
      return 0;  // made by this transaction, and never connected: that would have made the chunk
    }
    Result<const TopologyChunk*> loaded = topology(type, direction, index);
    if (!loaded.ok()) {
      *status = std::move(loaded).status();
      return 0;
    }
    chunk = *loaded;
  }
  return chunk->degree(TopologyChunk::row_of(node.value));
}

// Counters say of most types that no node with such a label has a list of theirs: those are not loaded.
Status Transaction::Impl::lists_of(NodeId id, std::span<const LabelId> labels) {
  node_lists.clear();
  Status status = settle();
  LORA_TRY(status);
  for (uint32_t t = 0; t < root().type_tokens; ++t) {
    const RelTypeId type(t);
    if (root().type_count(type) == 0) {
      continue;
    }
    for (Direction direction : {Direction::kOut, Direction::kIn}) {
      const auto none = [&](LabelId label) { return root().triple_count(label, type, direction) == 0; };
      if (std::any_of(labels.begin(), labels.end(), none)) {
        continue;
      }
      const uint64_t degree = known_degree(id, type, direction, &status);
      LORA_TRY(status);
      if (degree != 0) {
        node_lists.push_back({type, direction, degree});
      }
    }
  }
  return Status();
}

void Transaction::Impl::count_label_of_lists(LabelId label, int64_t sign) {
  for (const NodeList& list : node_lists) {
    count_triple(label, list.type, list.direction, sign * static_cast<int64_t>(list.degree));
  }
}

// --- statements ---

Transaction::Transaction(Graph* graph) : impl_(std::make_unique<Impl>(graph)) {}

Transaction::~Transaction() {
  rollback();
}

Reader& Transaction::reader() {
  return *impl_->reader;
}

Status Transaction::begin_statement() {
  Impl& in = *impl_;
  LORA_TRY(in.check_open());
  if (!in.inserts.empty()) {
    const Impl::Scope scope(in);
    LORA_TRY(in.settle());
  }
  in.context->begin_statement();
  in.in_statement = true;
  in.inserted_at_once = 0;
  in.changes.begin_statement();
  in.deleted_lists.clear();
  in.counts_before_statement = in.counts;
  return Status();
}

Status Transaction::Impl::check_lists() {
  if (deleted_lists.empty() && inserts.empty()) {
    return Status();
  }
  const Scope scope(*this);
  Status status = settle();
  LORA_TRY(status);
  for (const DeletedNodeList& list : deleted_lists) {
    const bool connected = known_degree(NodeId(list.node), list.type, list.direction, &status) != 0;
    LORA_TRY(status);
    if (connected) {
      return Status::runtime(
          ErrorCode::kForeignKey, "ConstraintVerificationFailed", "DeleteConnectedNode",
          fmt::format("node `{}` cannot be deleted: it still has relationships of type `{}`; delete them first or use "
                      "DETACH DELETE",
                      list.node, shared->catalog().types().name(list.type.value)));
    }
  }
  deleted_lists.clear();
  return Status();
}

Status Transaction::finish_statement() {
  Impl& in = *impl_;
  LORA_TRY(in.check_open());
  LORA_TRY(in.check_lists());
  LORA_TRY(in.check_size());
  LORA_TRY(in.reader->status());
  in.context->finish_statement();
  in.in_statement = false;
  // The statement is finished; the care of the cache can wait for memory.
  static_cast<void>(contain([&in] {
    in.shared->budget->make_room();
    return Status();
  }));
  return Status();
}

void Transaction::rollback_statement() {
  Impl& in = *impl_;
  if (in.context == nullptr || !in.in_statement) {
    return;
  }
  const uint64_t next_node = in.root().next_node;
  const uint64_t next_relationship = in.root().next_relationship;
  in.inserts.clear();
  in.reader->unsettled_ = nullptr;
  in.context->rollback_statement();
  in.in_statement = false;
  // Tokens stay: someone may hold their ids. Ids of entities are not given out again.
  Root& root = in.root();
  root.next_node = std::max(root.next_node, next_node);
  root.next_relationship = std::max(root.next_relationship, next_relationship);
  // What is known to be empty of new ones went with the statement; without memory it is looked for in the store.
  static_cast<void>(contain([&] {
    const auto lock = in.shared->versions->structure();
    for (uint32_t l = root.label_tokens; l < in.shared->catalog().labels().size(); ++l) {
      root.edit_fresh_label(*in.context, LabelId(l));
    }
    for (uint32_t t = root.type_tokens; t < in.shared->catalog().types().size(); ++t) {
      root.edit_fresh_type(*in.context, RelTypeId(t));
    }
    return Status();
  }));
  root.label_tokens = in.shared->catalog().labels().size();
  root.type_tokens = in.shared->catalog().types().size();
  root.key_tokens = in.shared->catalog().keys().size();
  in.changes.rollback_statement();
  in.deleted_lists.clear();
  in.counts = in.counts_before_statement;
  in.reader->status_ = Status();
}

// --- tokens ---

Result<uint32_t> Transaction::Impl::token(TokenKind kind, std::string_view name) {
  LORA_TRY(check_open());
  TokenTable& table = shared->catalog().table(kind);
  if (const auto id = table.find(name, table.size())) [[likely]] {
    return *id;
  }
  if (name.empty() || name.size() > kNameBytesMax) {
    return Status::limit("name", fmt::format("a name has 1 to {} bytes, this one `{}`", kNameBytesMax, name.size()));
  }
  const auto id = table.add(name);
  if (!id) {
    return Status::limit("tokens", "there are 2^32 - 1 names of this kind already");
  }
  Root& r = root();
  (kind == TokenKind::kLabel     ? r.label_tokens
   : kind == TokenKind::kRelType ? r.type_tokens
                                 : r.key_tokens) = table.size();
  const Scope scope(*this);
  if (kind == TokenKind::kLabel) r.edit_fresh_label(*context, LabelId(*id));
  if (kind == TokenKind::kRelType) r.edit_fresh_type(*context, RelTypeId(*id));
  return *id;
}

Result<LabelId> Transaction::label(std::string_view name) {
  LORA_ASSIGN(const uint32_t id, impl_->token(TokenKind::kLabel, name));
  return LabelId(id);
}

Result<RelTypeId> Transaction::rel_type(std::string_view name) {
  LORA_ASSIGN(const uint32_t id, impl_->token(TokenKind::kRelType, name));
  return RelTypeId(id);
}

Result<KeyId> Transaction::key(std::string_view name) {
  LORA_ASSIGN(const uint32_t id, impl_->token(TokenKind::kKey, name));
  return KeyId(id);
}

// --- creating ---

Status Transaction::Impl::put_label(NodeId id, LabelId label, bool there) {
  const uint64_t index = LabelChunk::index_of(id.value);
  if (!root().edit_label(*context, label, id, there)) {
    LORA_TRY(prepare_label_chunk(label, index));
    if (!root().edit_label(*context, label, id, there)) {
      return Status::internal("label chunk is not loaded");
    }
  }
  changes.labels.add({label.value, index});
  count_label(label, there ? 1 : -1);
  return Status();
}

Result<NodeId> Transaction::create_node(std::span<const LabelId> labels, std::span<const Property> properties) {
  Impl& in = *impl_;
  LORA_TRY(in.check_open());
  LORA_TRY(in.check_size());
  LORA_ASSIGN(const std::span<const Property> clean, in.clean_properties(properties));
  std::span<const LabelId> sorted = labels;
  if (!std::is_sorted(labels.begin(), labels.end()) ||
      std::adjacent_find(labels.begin(), labels.end()) != labels.end()) {
    in.label_list.assign(labels.begin(), labels.end());
    std::sort(in.label_list.begin(), in.label_list.end());
    in.label_list.erase(std::unique(in.label_list.begin(), in.label_list.end()), in.label_list.end());
    sorted = in.label_list;
  }
  if (sorted.size() > kLabelsMax) {
    return Status::limit("labels", fmt::format("a node has at most {} labels", kLabelsMax));
  }
  Root& root = in.root();
  if (!sorted.empty() && sorted.back().value >= root.label_tokens) {
    return Status::internal("unknown label");
  }
  const NodeId id(root.next_node);
  if (id.value > kIdMax) {
    return Status::limit("ids", "all node ids have been given out");
  }
  const Impl::Scope scope(in);
  if (!root.edit_create_node(*in.context, id, sorted, clean)) {
    LORA_TRY(in.block(EntityKind::kNode, EntityBlock::index_of(id.value)).status());
    if (!root.edit_create_node(*in.context, id, sorted, clean)) {
      return Status::internal("node block is not loaded");
    }
  }
  root.next_node = id.value + 1;
  root.nodes += 1;
  in.changes.nodes.add(id.value);
  if (in.shared->hashes->wanted()) [[unlikely]] {
    for (const Property& property : clean) {
      in.shared->hashes->add(property.key, property.value, id.value);
    }
  }
  for (LabelId label : sorted) {
    LORA_TRY(in.put_label(id, label, true));
  }
  if (!root.schema->indexes.empty()) {
    LORA_TRY(in.index_all(EntityKind::kNode, id.value,
                          root.find_block(EntityKind::kNode, EntityBlock::index_of(id.value)), true));
  }
  in.counts.nodes_created += 1;
  in.counts.properties_set += clean.size();
  in.counts.labels_added += sorted.size();
  return id;
}

Status Transaction::Impl::connect(RelTypeId type, Direction direction, NodeId node, NodeId neighbour, RelId id) {
  cache::TouchedBlocks touched;
  if (!root().edit_connect(*context, type, direction, node, neighbour.value, id.value, &touched)) {
    LORA_TRY(topology(type, direction, TopologyChunk::index_of(node.value)).status());
    if (!root().edit_connect(*context, type, direction, node, neighbour.value, id.value, &touched)) {
      return Status::internal("topology chunk is not loaded");
    }
  }
  for (uint32_t i = 0; i < touched.count; ++i) {
    changes.blocks.add({node.value, static_cast<uint8_t>(direction), type.value, touched.keys[i]});
  }
  return Status();
}

Status Transaction::Impl::insert_ends(RelTypeId type, Direction direction, std::vector<ListInserts::End>& ends) {
  ListInserts::sort(&ends);
  for (size_t from = 0, to = 0; from < ends.size(); from = to) {
    const uint64_t index = TopologyChunk::index_of(ends[from].node());
    new_pairs.clear();
    for (; to < ends.size() && TopologyChunk::index_of(ends[to].node()) == index; ++to) {
      const ListInserts::End& end = ends[to];
      new_pairs.push_back({TopologyChunk::row_of(end.node()), end.neighbour(), inserts.relationship(end).value});
    }
    uint64_t left = 0;
    if (!root().edit_connect_many(*context, type, direction, index, new_pairs, &left)) {
      LORA_TRY(topology(type, direction, index).status());
      if (!root().edit_connect_many(*context, type, direction, index, new_pairs, &left)) {
        return Status::internal("topology chunk is not loaded");
      }
    }
    for (const cache::NewPair& pair : new_pairs) {
      const NodeId node(index * TopologyChunk::kNodes + pair.row);
      if ((left >> pair.row & 1) != 0) {
        LORA_TRY(connect(type, direction, node, NodeId(pair.neighbour), RelId(pair.relationship)));
      } else {
        changes.blocks.add({node.value, static_cast<uint8_t>(direction), type.value, cache::BlockKey{}});
      }
    }
  }
  return Status();
}

Status Transaction::Impl::settle() {
  if (inserts.empty()) return Status();
  reader->unsettled_ = nullptr;
  inserted_at_once = 0;
  Status status = contain([&] {
    for (auto& [type, ends] : inserts.types()) {
      LORA_TRY(insert_ends(RelTypeId(type), Direction::kOut, ends.out));
      LORA_TRY(insert_ends(RelTypeId(type), Direction::kIn, ends.in));
    }
    return Status();
  });
  inserts.clear();
  if (!status.ok() && reader->status_.ok()) reader->status_ = status;
  if (!status.ok() && !in_statement) unsettled = status;
  return status;
}

void Reader::settle_lists() {
  Transaction::Impl& in = *unsettled_->impl_;
  const Transaction::Impl::Scope scope(in);
  static_cast<void>(in.settle());  // kept in status()
}

Status Transaction::Impl::disconnect(RelTypeId type, Direction direction, NodeId node, NodeId neighbour, RelId id) {
  cache::TouchedBlocks touched;
  bool found = false;
  if (!root().edit_disconnect(*context, type, direction, node, neighbour.value, id.value, &touched, &found)) {
    LORA_TRY(topology(type, direction, TopologyChunk::index_of(node.value)).status());
    if (!root().edit_disconnect(*context, type, direction, node, neighbour.value, id.value, &touched, &found)) {
      return Status::internal("topology chunk is not loaded");
    }
  }
  if (!found) {
    return damaged(kv::Keyspace::kAdjacency, adjacency_list_prefix(node.value, direction, type),
                   fmt::format("lacks relationship {}, which the relationship's record names", id.value));
  }
  for (uint32_t i = 0; i < touched.count; ++i) {
    changes.blocks.add({node.value, static_cast<uint8_t>(direction), type.value, touched.keys[i]});
  }
  return Status();
}

template <typename Count>
Status Transaction::Impl::for_end_labels(const EntityBlock* start_block, NodeId start, NodeId end, Count&& count) {
  // A deleted end has no labels any more; its share was taken off when it was deleted.
  for (LabelId label : start_block->labels(EntityBlock::row_of(start.value))) count(label, Direction::kOut);
  LORA_ASSIGN(const EntityBlock* end_block, block(EntityKind::kNode, EntityBlock::index_of(end.value), false));
  for (LabelId label : end_block->labels(EntityBlock::row_of(end.value))) count(label, Direction::kIn);
  return Status();
}

// What the relationships of one call add to counters: most add to the same few. flush() puts it there.
class Transaction::Impl::Tally {
 public:
  explicit Tally(Impl* impl) : impl_(*impl) {}

  void add(RelTypeId type) {
    if (type_count_ != 0 && type != type_) flush();
    type_ = type;
    ++type_count_;
  }
  // Of the type that was added last.
  void add(LabelId label, Direction direction) {
    for (uint32_t i = 0; i < ends_used_; ++i) {
      if (ends_[i].label == label && ends_[i].direction == direction) {
        ++ends_[i].count;
        return;
      }
    }
    if (ends_used_ == ends_.size()) {
      impl_.count_triple(label, type_, direction, 1);
    } else {
      ends_[ends_used_++] = {label, direction, 1};
    }
  }
  void flush() {
    if (type_count_ != 0) impl_.count_type(type_, type_count_);
    for (uint32_t i = 0; i < ends_used_; ++i) {
      impl_.count_triple(ends_[i].label, type_, ends_[i].direction, ends_[i].count);
    }
    type_count_ = 0;
    ends_used_ = 0;
  }

 private:
  struct Ends {
    LabelId label;
    Direction direction;
    int64_t count;
  };

  Impl& impl_;
  RelTypeId type_;
  int64_t type_count_ = 0;
  std::array<Ends, 8> ends_;
  uint32_t ends_used_ = 0;
};

namespace {

template <typename T>
void prefetch(const T* chunk) {
  if (chunk == nullptr) return;
  for (size_t at = 0; at < sizeof(T); at += 64) __builtin_prefetch(reinterpret_cast<const char*>(chunk) + at);
}

}  // namespace

Result<RelId> Transaction::Impl::create_relationship(const NewRelationship& relationship, Tally* tally) {
  const auto& [type, start, end, properties_given] = relationship;
  LORA_ASSIGN(const std::span<const Property> clean, clean_properties(properties_given));
  Root& root = this->root();
  if (type.value >= root.type_tokens) {
    return Status::internal("unknown relationship type");
  }
  const RelId id(root.next_relationship);
  if (id.value > kIdMax) {
    return Status::limit("ids", "all relationship ids have been given out");
  }
  // The ends of a large graph are in no cache: their pieces come side by side instead of one after the other.
  prefetch(root.find_block(EntityKind::kNode, EntityBlock::index_of(end.value)));
  prefetch(root.find_block(EntityKind::kNode, EntityBlock::index_of(start.value)));
  constexpr uint32_t kAtOnceMax = 16;  // a statement of few relationships has nothing to sort
  const bool at_once = inserted_at_once < kAtOnceMax;
  if (at_once) {
    prefetch(root.find_topology_chunk(type, Direction::kOut, TopologyChunk::index_of(start.value)));
    prefetch(root.find_topology_chunk(type, Direction::kIn, TopologyChunk::index_of(end.value)));
  }
  LORA_TRY(existing(EntityKind::kNode, end.value, false).status());
  LORA_ASSIGN(const EntityBlock* start_block, existing(EntityKind::kNode, start.value, false));
  if (!root.edit_create_relationship(*context, id, type, start, end, clean)) {
    LORA_TRY(block(EntityKind::kRelationship, EntityBlock::index_of(id.value)).status());
    if (!root.edit_create_relationship(*context, id, type, start, end, clean)) {
      return Status::internal("relationship block is not loaded");
    }
  }
  root.next_relationship = id.value + 1;
  root.relationships += 1;
  changes.relationships.add(id.value);
  if (at_once) {
    LORA_TRY(connect(type, Direction::kOut, start, end, id));
    LORA_TRY(connect(type, Direction::kIn, end, start, id));
    ++inserted_at_once;
  } else {
    inserts.add(type, start, end, id);
    if (inserts.size() >= ListInserts::most(root.nodes)) LORA_TRY(settle());
  }
  tally->add(type);
  LORA_TRY(for_end_labels(start_block, start, end,
                          [&](LabelId label, Direction direction) { tally->add(label, direction); }));
  if (!root.schema->indexes.empty()) {
    LORA_TRY(index_all(EntityKind::kRelationship, id.value,
                       root.find_block(EntityKind::kRelationship, EntityBlock::index_of(id.value)), true));
  }
  counts.relationships_created += 1;
  counts.properties_set += clean.size();
  return id;
}

Result<RelId> Transaction::create_relationship(RelTypeId type, NodeId start, NodeId end,
                                               std::span<const Property> properties) {
  const NewRelationship relationship{type, start, end, properties};
  size_t made = 0;
  LORA_TRY(create_relationships({&relationship, 1}, &made));
  return RelId(impl_->root().next_relationship - 1);
}

Status Transaction::create_relationships(std::span<const NewRelationship> relationships, size_t* made) {
  constexpr size_t kBetweenChecks = 16;
  *made = 0;
  Impl& in = *impl_;
  LORA_TRY(in.check_open());
  const Impl::Scope scope(in);
  Impl::Tally tally(&in);
  Status status;
  for (const NewRelationship& relationship : relationships) {
    if (*made % kBetweenChecks == 0) status = in.check_size();
    if (status.ok()) status = in.create_relationship(relationship, &tally).status();
    if (!in.inserts.empty()) in.reader->unsettled_ = this;
    if (!status.ok()) break;
    ++*made;
  }
  tally.flush();
  return status;
}

// --- deleting ---

Status Transaction::Impl::delete_relationship(RelId id, bool* deleted) {
  *deleted = false;
  LORA_TRY(settle());
  if (id.value >= root().next_relationship) {
    return not_found(EntityKind::kRelationship, id.value);
  }
  LORA_ASSIGN(const EntityBlock* found, block(EntityKind::kRelationship, EntityBlock::index_of(id.value)));
  const uint32_t row = EntityBlock::row_of(id.value);
  if (!found->exists(row)) {
    if (ReaderChunks(*reader).was_in_base(EntityKind::kRelationship, id.value)) {
      return Status();
    }
    return not_found(EntityKind::kRelationship, id.value);
  }
  const RelTypeId type = found->type(row);
  const NodeId start = found->start(row);
  const NodeId end = found->end(row);
  if (!root().schema->indexes.empty()) {
    LORA_TRY(index_all(EntityKind::kRelationship, id.value, found, false));
  }
  LORA_TRY(disconnect(type, Direction::kOut, start, end, id));
  LORA_TRY(disconnect(type, Direction::kIn, end, start, id));
  if (!root().edit_erase(*context, EntityKind::kRelationship, id.value)) {
    return Status::internal("relationship block is not loaded");
  }
  root().relationships -= 1;
  changes.relationships.add(id.value);
  count_type(type, -1);
  LORA_ASSIGN(const EntityBlock* start_block, block(EntityKind::kNode, EntityBlock::index_of(start.value), false));
  LORA_TRY(for_end_labels(start_block, start, end,
                          [&](LabelId label, Direction direction) { count_triple(label, type, direction, -1); }));
  counts.relationships_deleted += 1;
  *deleted = true;
  return Status();
}

Result<bool> Transaction::delete_relationship(RelId id) {
  LORA_TRY(impl_->check_open());
  LORA_TRY(impl_->check_size());
  const Impl::Scope scope(*impl_);
  bool deleted = false;
  LORA_TRY(impl_->delete_relationship(id, &deleted));
  return deleted;
}

Status Transaction::Impl::delete_node(NodeId id, bool* deleted) {
  *deleted = false;
  if (id.value >= root().next_node) {
    return not_found(EntityKind::kNode, id.value);
  }
  LORA_ASSIGN(const EntityBlock* found, block(EntityKind::kNode, EntityBlock::index_of(id.value)));
  const uint32_t row = EntityBlock::row_of(id.value);
  if (!found->exists(row)) {
    if (ReaderChunks(*reader).was_in_base(EntityKind::kNode, id.value)) {
      return Status();
    }
    return not_found(EntityKind::kNode, id.value);
  }
  if (!root().schema->indexes.empty()) {
    LORA_TRY(index_all(EntityKind::kNode, id.value, found, false));
  }
  const auto carried = found->labels(row);
  old_labels.assign(carried.begin(), carried.end());
  LORA_TRY(lists_of(id, old_labels));
  for (LabelId label : old_labels) {
    LORA_TRY(put_label(id, label, false));
    count_label_of_lists(label, -1);
  }
  if (!root().edit_erase(*context, EntityKind::kNode, id.value)) {
    return Status::internal("node block is not loaded");
  }
  root().nodes -= 1;
  changes.nodes.add(id.value);
  for (const NodeList& list : node_lists) {
    deleted_lists.push_back({id.value, list.type, list.direction});
  }
  counts.nodes_deleted += 1;
  *deleted = true;
  return Status();
}

Result<bool> Transaction::delete_node(NodeId id) {
  LORA_TRY(impl_->check_open());
  LORA_TRY(impl_->check_size());
  const Impl::Scope scope(*impl_);
  bool deleted = false;
  LORA_TRY(impl_->delete_node(id, &deleted));
  return deleted;
}

Result<bool> Transaction::detach_delete_node(NodeId id, uint64_t* deleted_relationships) {
  Impl& in = *impl_;
  LORA_TRY(in.check_open());
  LORA_TRY(in.check_size());
  const Impl::Scope scope(in);
  LORA_TRY(in.settle());
  uint64_t count = 0;
  std::vector<uint64_t> ids;
  if (id.value < in.root().next_node) {
    LORA_ASSIGN(const EntityBlock* block, in.block(EntityKind::kNode, EntityBlock::index_of(id.value)));
    const auto carried = block->labels(EntityBlock::row_of(id.value));
    in.old_labels.assign(carried.begin(), carried.end());
    LORA_TRY(in.lists_of(id, in.old_labels));
    for (const auto& [type, direction, degree] : in.node_lists) {
      // Loops have been deleted with the other list they are in.
      const TopologyChunk* chunk = in.root().find_topology_chunk(type, direction, TopologyChunk::index_of(id.value));
      ids.clear();
      chunk->for_each_segment(TopologyChunk::row_of(id.value), [&](const Neighbours& segment) {
        for (uint32_t i = 0; i < segment.count; ++i) {
          ids.push_back(segment.relationship(i));
        }
      });
      for (uint64_t relationship : ids) {
        bool deleted = false;
        LORA_TRY(in.delete_relationship(RelId(relationship), &deleted));
        count += deleted ? 1 : 0;
      }
    }
  }
  bool deleted = false;
  LORA_TRY(in.delete_node(id, &deleted));
  if (deleted_relationships != nullptr) {
    *deleted_relationships = count;
  }
  return deleted;
}

bool Transaction::node_deleted(NodeId id) const {
  Impl& in = *impl_;
  return in.context != nullptr && id.value < in.root().next_node && !in.reader->node_exists(id) &&
         ReaderChunks(*in.reader).was_in_base(EntityKind::kNode, id.value);
}

bool Transaction::relationship_deleted(RelId id) const {
  Impl& in = *impl_;
  return in.context != nullptr && id.value < in.root().next_relationship && !in.reader->relationship_exists(id) &&
         ReaderChunks(*in.reader).was_in_base(EntityKind::kRelationship, id.value);
}

Status Transaction::clear() {
  Impl& in = *impl_;
  LORA_TRY(in.check_open());
  const Impl::Scope scope(in);
  Root& root = in.root();
  in.counts.nodes_deleted += root.nodes;
  in.counts.relationships_deleted += root.relationships;
  // Every counter that is not zero changes.
  for (uint32_t l = 0; l < root.label_tokens; ++l) {
    if (root.label_count(LabelId(l)) != 0) {
      in.changes.counters.add({CounterKind::kLabel, l, 0});
    }
    for (uint32_t t = 0; t < root.type_tokens; ++t) {
      for (Direction direction : {Direction::kOut, Direction::kIn}) {
        if (root.triple_count(LabelId(l), RelTypeId(t), direction) != 0) {
          in.changes.counters.add(
              {direction == Direction::kOut ? CounterKind::kLabelTypeOut : CounterKind::kLabelTypeIn, l, t});
        }
      }
    }
  }
  for (uint32_t t = 0; t < root.type_tokens; ++t) {
    if (root.type_count(RelTypeId(t)) != 0) {
      in.changes.counters.add({CounterKind::kRelType, 0, t});
    }
  }
  in.inserts.clear();
  in.reader->unsettled_ = nullptr;
  root.edit_clear(*in.context);
  root.nodes = 0;
  root.relationships = 0;
  in.deleted_lists.clear();
  in.changes.cleared = true;
  return Status();
}

Status Transaction::skip_ids(NodeId next_node, RelId next_relationship) {
  Impl& in = *impl_;
  LORA_TRY(in.check_open());
  if (next_node.value > kIdMax + 1 || next_relationship.value > kIdMax + 1) {
    return Status::limit("ids", fmt::format("ids end at `{}`", kIdMax));
  }
  const Impl::Scope scope(in);
  Root& root = in.root();
  if (next_node.value > root.next_node || next_relationship.value > root.next_relationship) {
    root.next_node = std::max(root.next_node, next_node.value);
    root.next_relationship = std::max(root.next_relationship, next_relationship.value);
    in.ids_skipped = true;
  }
  return Status();
}

const Transaction::Counts& Transaction::counts() const {
  return impl_->counts;
}
bool Transaction::changed() const {
  return impl_->changed();
}
uint64_t Transaction::memory_bytes() const {
  return impl_->memory_bytes();
}

}  // namespace lora::graph
