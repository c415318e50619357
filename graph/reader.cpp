// Reader: every question about one version. Hot chunks answer; a chunk that is not loaded is loaded from the store at
// the version's snapshot, or, when memory is short, the one entity or list is read from the store.
#include <algorithm>
#include <bit>
#include <numeric>

#include "graph/graph_impl.h"
#include "graph/index.h"
#include "graph/reader_chunks.h"

namespace lora::graph {

using cache::ChunkFamily;
using cache::EntityBlock;
using cache::LabelChunk;
using kv::Keyspace;

Reader::Impl::Impl(Graph::Impl* g) : graph(g), loader(g->store.get()), slot(g->versions->claim_access()) {}

Reader::Impl::~Impl() {
  graph->versions->release_access(slot);
}

Reader::Reader(Graph* graph, const Root* root) : graph_(graph), root_(root) {}

Reader::~Reader() = default;

void Reader::unpin_batch() {
  if (impl_ != nullptr) {
    impl_->graph->versions->leave(impl_->slot);
    impl_->direct_lists.clear();
    impl_->apart.block.reset();
  }
}

void Reader::rest() {
  if (impl_ != nullptr) impl_->loader.rest();
}

// --- catalog ---

std::optional<LabelId> Reader::find_label(std::string_view name) const {
  const auto id = root_->schema->catalog->labels().find(name, root_->label_tokens);
  return id ? std::optional<LabelId>(LabelId(*id)) : std::nullopt;
}

std::optional<RelTypeId> Reader::find_rel_type(std::string_view name) const {
  const auto id = root_->schema->catalog->types().find(name, root_->type_tokens);
  return id ? std::optional<RelTypeId>(RelTypeId(*id)) : std::nullopt;
}

std::optional<KeyId> Reader::find_key(std::string_view name) const {
  const auto id = root_->schema->catalog->keys().find(name, root_->key_tokens);
  return id ? std::optional<KeyId>(KeyId(*id)) : std::nullopt;
}

bool Reader::is_lasting(LabelId id) const {
  return lasting_tokens_ == nullptr || id.value < lasting_tokens_[static_cast<size_t>(TokenKind::kLabel)];
}
bool Reader::is_lasting(RelTypeId id) const {
  return lasting_tokens_ == nullptr || id.value < lasting_tokens_[static_cast<size_t>(TokenKind::kRelType)];
}
bool Reader::is_lasting(KeyId id) const {
  return lasting_tokens_ == nullptr || id.value < lasting_tokens_[static_cast<size_t>(TokenKind::kKey)];
}

std::string_view Reader::label_name(LabelId id) const {
  return root_->schema->catalog->labels().name(id.value);
}
std::string_view Reader::rel_type_name(RelTypeId id) const {
  return root_->schema->catalog->types().name(id.value);
}
std::string_view Reader::key_name(KeyId id) const {
  return root_->schema->catalog->keys().name(id.value);
}
const Value& Reader::key_name_value(KeyId id) const {
  return root_->schema->catalog->keys().name_value(id.value);
}
size_t Reader::label_token_count() const {
  return root_->label_tokens;
}
size_t Reader::rel_type_token_count() const {
  return root_->type_tokens;
}
size_t Reader::key_token_count() const {
  return root_->key_tokens;
}
const Schema& Reader::schema() const {
  return *root_->schema;
}
uint64_t Reader::schema_version() const {
  return root_->schema_version;
}

// --- counters ---

uint64_t Reader::node_count() const {
  return root_->nodes;
}
uint64_t Reader::relationship_count() const {
  return root_->relationships;
}

uint64_t Reader::node_count(LabelId label) const {
  return label.value < root_->label_tokens ? root_->label_count(label) : 0;
}

uint64_t Reader::relationship_count(RelTypeId type) const {
  return type.value < root_->type_tokens ? root_->type_count(type) : 0;
}

uint64_t Reader::relationship_count(std::optional<LabelId> label, std::optional<RelTypeId> type,
                                    Direction direction) const {
  if (!label) {
    return type ? relationship_count(*type) : relationship_count();
  }
  if (label->value >= root_->label_tokens) {
    return 0;
  }
  if (direction == Direction::kBoth) {
    return relationship_count(label, type, Direction::kOut) + relationship_count(label, type, Direction::kIn);
  }
  if (type) {
    return type->value < root_->type_tokens ? root_->triple_count(*label, *type, direction) : 0;
  }
  uint64_t sum = 0;
  for (uint32_t t = 0; t < root_->type_tokens; ++t) {
    if (root_->type_count(RelTypeId(t)) != 0) {
      sum += root_->triple_count(*label, RelTypeId(t), direction);
    }
  }
  return sum;
}

uint64_t Reader::index_distinct_count(IndexId index) const {
  const IndexInfo* info = root_->schema->find_index(index);
  if (info == nullptr) {
    return 0;
  }
  return info->unique ? index_entry_count(index) : graph_->impl()->statistics.distinct(index);
}

uint64_t Reader::index_entry_count(IndexId index) const {
  return graph_->impl()->statistics.entries(index);
}

NodeId Reader::node_id_limit() const {
  return NodeId(root_->next_node);
}
RelId Reader::relationship_id_limit() const {
  return RelId(root_->next_relationship);
}

// --- chunks ---

void ReaderChunks::fail(Status status) {
  if (reader_.status_.ok()) {
    reader_.status_ = std::move(status);
  }
}

Reader::Impl& ReaderChunks::make_impl() {
  reader_.impl_ = std::make_unique<Reader::Impl>(reader_.graph_->impl());
  return *reader_.impl_;
}

const EntityBlock* ReaderChunks::load_block(EntityKind kind, uint64_t index, const WantedProperties& wanted,
                                            bool walked) {
  Reader::Impl& in = impl();
  if (in.graph->budget->is_overhung()) {
    return read_apart(kind, index, {}, wanted);
  }
  WantedProperties load = wanted;
  if (in.context != nullptr) {
    load = WantedProperties::all();  // what a transaction keeps to itself is whole
  } else if (walked) {
    auto& walk = in.walks[kind == EntityKind::kNode ? 0 : 1];
    ++walk.loaded;
    walk.wanted.add(wanted);
    load = walk.wanted;
  }
  Result<cache::Loaded<EntityBlock>> loaded = in.loader.block(*reader_.root_, kind, index, load);
  if (!loaded.ok()) {
    fail(std::move(loaded).status());
    return EntityBlock::empty();
  }
  const EntityBlock* block = reader_.root_->publish_block(in.context, kind, index, *std::move(loaded));
  in.chunk_loaded();
  // Somebody else may have been first, and may have wanted something else.
  return block->is_whole() ? block : with_columns(kind, index, wanted, walked, block);
}

const EntityBlock* ReaderChunks::with_columns(EntityKind kind, uint64_t index, const WantedProperties& wanted,
                                              bool walked, const EntityBlock* block) {
  if (wanted.are_loaded(*block)) return block;
  Reader::Impl& in = impl();
  if (in.graph->budget->is_overhung()) {
    return read_apart(kind, index, {}, wanted);
  }
  constexpr uint64_t kOften = 4;  // so many blocks for each that must be completed are not worth it
  auto& walk = in.walks[kind == EntityKind::kNode ? 0 : 1];
  if (walked || ++walk.completed > walk.loaded / kOften) walk.wanted.add(wanted);
  Status completed = in.loader.complete(*reader_.root_, kind, index, wanted, block);
  if (!completed.ok()) {
    fail(std::move(completed));
    return EntityBlock::empty();
  }
  in.chunk_loaded();
  return block;
}

const LabelChunk* ReaderChunks::load_label_chunk(LabelId label, uint64_t index) {
  Reader::Impl& in = impl();
  Result<cache::Loaded<LabelChunk>> loaded = in.loader.label_chunk(*reader_.root_, label, index);
  if (!loaded.ok()) {
    fail(std::move(loaded).status());
    return LabelChunk::empty();
  }
  const LabelChunk* chunk = reader_.root_->publish_label_chunk(in.context, label, index, *std::move(loaded));
  in.chunk_loaded();
  return chunk;
}

const EntityBlock* ReaderChunks::load_rows(EntityKind kind, std::span<const uint64_t> ids,
                                           const WantedProperties& wanted) {
  const bool few = ids.size() <= kFewRows;  // of more, the block is less to read
  const uint64_t index = EntityBlock::index_of(ids.front());
  return few && impl().graph->budget->is_overhung() ? read_apart(kind, index, ids, wanted)
                                                    : load_block(kind, index, wanted, !few);
}

const EntityBlock* ReaderChunks::read_apart(EntityKind kind, uint64_t index, std::span<const uint64_t> ids,
                                            const WantedProperties& wanted) {
  Reader::Impl& in = impl();
  auto& apart = in.apart;
  const bool same = apart.block != nullptr && apart.kind == kind && apart.index == index &&
                    (apart.ids.empty() || std::ranges::equal(apart.ids, ids));
  if (same && apart.properties.has(wanted)) {
    return apart.block.get();
  }
  apart.block.reset();
  apart.kind = kind;
  apart.index = index;
  apart.ids.assign(ids.begin(), ids.end());
  apart.properties = same ? WantedProperties::all() : wanted;  // who asks again will ask for more
  Result<cache::Loaded<EntityBlock>> loaded = ids.empty()
                                                  ? in.loader.block(*reader_.root_, kind, index, apart.properties)
                                                  : in.loader.rows(*reader_.root_, kind, index, ids, apart.properties);
  if (!loaded.ok()) {
    fail(std::move(loaded).status());
    return EntityBlock::empty();
  }
  apart.block = *std::move(loaded);
  return apart.block.get();
}

bool ReaderChunks::sort_by_block(EntityKind kind, std::span<const uint64_t>* ids) {
  constexpr size_t kUnloadedMin = 32;
  Reader::Impl& in = impl();
  if (!in.graph->budget->is_tight()) return false;
  size_t unloaded = 0;
  bool ascend = true;
  uint64_t before = 0;
  for (const uint64_t id : *ids) {
    ascend &= before <= id;
    before = id;
    unloaded += id != kNoId && root().find_block(kind, EntityBlock::index_of(id)) == nullptr ? 1 : 0;
  }
  if (ascend || unloaded < kUnloadedMin) return false;
  auto& [sorted_ids, places] = in.sorted;
  places.resize(ids->size());
  std::iota(places.begin(), places.end(), uint32_t{0});
  std::ranges::sort(places, {}, [ids](uint32_t place) { return (*ids)[place]; });
  sorted_ids.resize(ids->size());
  std::ranges::transform(places, sorted_ids.begin(), [ids](uint32_t place) { return (*ids)[place]; });
  *ids = sorted_ids;
  return true;
}

const EntityBlock* ReaderChunks::point_block(EntityKind kind, uint64_t id, const WantedProperties& wanted) {
  Reader::Impl& in = enter();
  const uint64_t index = EntityBlock::index_of(id);
  const EntityBlock* block = reader_.root_->find_block(kind, index);
  if (block != nullptr) [[likely]] {
    block->touch();
    return block->is_whole() ? block : with_columns(kind, index, wanted, false, block);
  }
  // A record is decoded as a whole anyway: who asks for one property will ask for others.
  const WantedProperties read = root().stored_columns ? wanted : WantedProperties::all();
  const ChunkFamily family = kind == EntityKind::kNode ? ChunkFamily::kNodes : ChunkFamily::kRelationships;
  return in.graph->budget->should_load(family, 0, index) ? load_rows(kind, {&id, 1}, read)
                                                         : read_apart(kind, index, {&id, 1}, read);
}

bool ReaderChunks::was_in_base(EntityKind kind, uint64_t id) {
  Reader::Impl& in = impl();
  const Root* base = in.context->base();
  if (id >= (kind == EntityKind::kNode ? base->next_node : base->next_relationship)) {
    return true;
  }
  if (const EntityBlock* block = base->find_block(kind, EntityBlock::index_of(id))) {
    return block->exists(EntityBlock::row_of(id));
  }
  Result<bool> found = in.loader.exists(*base, kind, id);
  if (!found.ok()) {
    fail(std::move(found).status());
    return false;
  }
  return *found;
}

// --- nodes ---

bool Reader::node_exists(NodeId id) {
  return id.value < root_->next_node &&
         ReaderChunks(*this).point_block(EntityKind::kNode, id.value, {})->exists(EntityBlock::row_of(id.value));
}

bool Reader::has_label(NodeId id, LabelId label) {
  return id.value < root_->next_node && ReaderChunks(*this)
                                            .point_block(EntityKind::kNode, id.value, {})
                                            ->has_label(EntityBlock::row_of(id.value), label);
}

void Reader::labels(NodeId id, std::vector<LabelId>* out) {
  out->clear();
  if (id.value < root_->next_node) {
    const EntityBlock* block = ReaderChunks(*this).point_block(EntityKind::kNode, id.value, {});
    const auto labels = block->labels(EntityBlock::row_of(id.value));
    out->assign(labels.begin(), labels.end());
  }
}

Value Reader::node_property(NodeId id, KeyId key) {
  if (id.value >= root_->next_node) {
    return Value();
  }
  const EntityBlock* block = ReaderChunks(*this).point_block(EntityKind::kNode, id.value, WantedProperties(key));
  return block->get(EntityBlock::row_of(id.value), key);
}

void Reader::node_properties(NodeId id, std::vector<Property>* out) {
  out->clear();
  if (id.value < root_->next_node) {
    const EntityBlock* block = ReaderChunks(*this).point_block(EntityKind::kNode, id.value, WantedProperties::all());
    block->properties(EntityBlock::row_of(id.value), out);
  }
}

namespace {

// out[order[i]] is what stood at i.
template <typename T>
void reorder(std::span<const uint32_t> order, std::vector<T>* items) {
  if (items->empty()) return;
  std::vector<T> moved(items->size());
  for (size_t i = 0; i < order.size(); ++i) moved[order[i]] = std::move((*items)[i]);
  items->swap(moved);
}

}  // namespace

void Reader::gather_property(EntityKind kind, std::span<const uint64_t> ids, KeyId key, PropertyColumn* out) {
  ReaderChunks chunks(*this);
  chunks.enter();
  const bool sorted = chunks.sort_by_block(kind, &ids);
  cache::Gatherer gatherer(key, out);
  gatherer.run(
      ids,
      [&](std::span<const uint64_t> of_block, bool run) {
        if (run) chunks.prefetch_next(kind, EntityBlock::index_of(of_block.front()), key);
        return chunks.rows(kind, of_block, WantedProperties(key));
      },
      [&](uint64_t index) {
        const EntityBlock* block = root_->find_block(kind, index);
        if (block == nullptr || !block->has_loaded(key)) return static_cast<const EntityBlock*>(nullptr);
        block->touch();
        return block;
      });
  if (sorted) {
    const std::span<const uint32_t> order = impl_->sorted.places;
    reorder(order, &out->values);
    reorder(order, &out->integers);
    reorder(order, &out->floats);
    reorder(order, &out->texts.entries);
    reorder(order, &out->nulls);
  }
}

void Reader::gather_node_property(std::span<const uint64_t> ids, KeyId key, PropertyColumn* out) {
  gather_property(EntityKind::kNode, ids, key, out);
}

bool Reader::property_candidates(KeyId key, const Value& value, std::vector<uint64_t>* ids) {
  const size_t before = ids->size();
  if (!find_candidates(key, value, ids)) {
    return false;
  }
  const auto begin = ids->begin() + static_cast<std::ptrdiff_t>(before);
  ids->erase(std::remove_if(begin, ids->end(), [this](uint64_t id) { return !node_exists(NodeId(id)); }), ids->end());
  return true;
}

bool Reader::find_candidates(KeyId key, const Value& value, std::vector<uint64_t>* ids) {
  Graph::Impl& graph = *graph_->impl();
  PropertyHashes& hashes = *graph.hashes;
  const cache::WriteContext* context = impl_ != nullptr ? impl_->context : nullptr;
  const uint64_t version = context != nullptr ? context->base()->version : root_->version;
  if (hashes.candidates(version, key, value, ids)) {
    return true;
  }
  // Building waits for a moment without an open transaction and with nothing unpublished.
  if (context != nullptr || graph.secondary || !hashes.scan_pays(key, root_->nodes) ||
      !graph.writer.try_acquire("preparing a hash of a property")) {
    return false;
  }
  WriterHold hold(graph);
  const Snapshot snapshot = graph_->snapshot();
  const uint64_t number =
      graph.versions->tip()->version == snapshot.version() ? hashes.begin(snapshot.version(), key, root_->nodes) : 0;
  hold.release();
  if (number == 0) {
    return false;
  }
  // Dropped again unless it gets ready, so that the next scan may begin another.
  struct Filling {
    PropertyHashes& hashes;
    KeyId key;
    uint64_t number;
    ~Filling() {
      if (number != 0) hashes.drop(key, number);
    }
  } filling{hashes, key, number};
  const std::unique_ptr<Reader> reader = snapshot.reader();
  EntityScan scan = reader->scan_nodes(std::nullopt);
  uint64_t batch[1024];
  std::vector<Value> values;
  for (size_t count = 0; (count = scan.next(batch, std::size(batch))) != 0;) {
    values.clear();
    for (size_t i = 0; i < count; ++i) {
      values.push_back(reader->node_property(NodeId(batch[i]), key));
    }
    if (!hashes.fill(key, number, std::span(batch, count), values)) {
      return false;
    }
    reader->unpin_batch();
  }
  if (!reader->status().ok()) {
    return false;
  }
  hashes.finish(key, number);
  filling.number = 0;
  return hashes.candidates(version, key, value, ids);
}

void Reader::test_label(std::span<const uint64_t> ids, LabelId label, uint8_t* keep) {
  ReaderChunks chunks(*this);
  chunks.enter();
  if (label.value >= root_->label_tokens) {
    std::fill_n(keep, ids.size(), uint8_t{0});
    return;
  }
  uint64_t current = kNoId;
  const LabelChunk* chunk = nullptr;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= root_->next_node) {
      keep[i] = 0;
      continue;
    }
    const uint64_t index = LabelChunk::index_of(ids[i]);
    if (index != current) {
      chunk = chunks.label_chunk(label, index);
      current = index;
    }
    keep[i] = chunk->get(LabelChunk::row_of(ids[i])) ? 1 : 0;
  }
}

// --- relationships ---

bool Reader::relationship_exists(RelId id) {
  return id.value < root_->next_relationship && ReaderChunks(*this)
                                                    .point_block(EntityKind::kRelationship, id.value, {})
                                                    ->exists(EntityBlock::row_of(id.value));
}

std::optional<RelationshipRecord> Reader::relationship(RelId id) {
  if (id.value >= root_->next_relationship) {
    return std::nullopt;
  }
  ReaderChunks chunks(*this);
  const EntityBlock* block = chunks.point_block(EntityKind::kRelationship, id.value, {});
  const uint32_t row = EntityBlock::row_of(id.value);
  if (block->exists(row)) {
    return RelationshipRecord{block->type(row), block->start(row), block->end(row), false};
  }
  // What the open transaction deleted still has its type and ends.
  if (impl_->context != nullptr && block->ends != nullptr && row < block->ends->rows &&
      chunks.was_in_base(EntityKind::kRelationship, id.value)) {
    return RelationshipRecord{block->type(row), block->start(row), block->end(row), true};
  }
  return std::nullopt;
}

Value Reader::relationship_property(RelId id, KeyId key) {
  if (id.value >= root_->next_relationship) {
    return Value();
  }
  const EntityBlock* block =
      ReaderChunks(*this).point_block(EntityKind::kRelationship, id.value, WantedProperties(key));
  return block->get(EntityBlock::row_of(id.value), key);
}

void Reader::relationship_properties(RelId id, std::vector<Property>* out) {
  out->clear();
  if (id.value < root_->next_relationship) {
    const EntityBlock* block =
        ReaderChunks(*this).point_block(EntityKind::kRelationship, id.value, WantedProperties::all());
    block->properties(EntityBlock::row_of(id.value), out);
  }
}

void Reader::gather_relationship_property(std::span<const uint64_t> ids, KeyId key, PropertyColumn* out) {
  gather_property(EntityKind::kRelationship, ids, key, out);
}

// visit(of_block, block, place): ids of one block; place(k): where the k-th of them stood.
template <typename Visit>
void Reader::each_relationship_block(std::span<const uint64_t> ids, Visit visit) {
  ReaderChunks chunks(*this);
  chunks.enter();
  const bool sorted = chunks.sort_by_block(EntityKind::kRelationship, &ids);
  for (size_t i = 0; i < ids.size();) {
    if (ids[i] >= root_->next_relationship) {
      ++i;
      continue;
    }
    const uint64_t index = EntityBlock::index_of(ids[i]);
    size_t last = i + 1;
    while (last < ids.size() && EntityBlock::index_of(ids[last]) == index) ++last;
    const EntityBlock* block = chunks.rows(EntityKind::kRelationship, ids.subspan(i, last - i), {});
    visit(ids.subspan(i, last - i), *block, [&, i](size_t k) { return sorted ? impl_->sorted.places[i + k] : i + k; });
    i = last;
  }
}

bool Reader::has_near_relationship_blocks() {
  constexpr uint64_t kSample = 4;
  ReaderChunks chunks(*this);
  Impl& in = chunks.enter();
  const uint64_t blocks = (root_->next_relationship + EntityBlock::kRows - 1) / EntityBlock::kRows;
  uint64_t near = 0;
  for (uint64_t i = 0; i < kSample; ++i) {
    const uint64_t index = blocks * (2 * i + 1) / (2 * kSample);
    if (root_->find_block(EntityKind::kRelationship, index) != nullptr) {
      ++near;
      continue;
    }
    const Result<bool> head = in.loader.has_head(*root_, EntityKind::kRelationship, index);
    if (!head.ok()) {
      chunks.fail(head.status());
      return true;
    }
    near += *head ? 1 : 0;
  }
  return near > kSample / 2;
}

void Reader::relationship_ends(std::span<const uint64_t> ids, uint64_t* starts, uint64_t* ends) {
  constexpr size_t kMany = EntityBlock::kRows / 4;  // then all rows of the block are taken apart
  std::fill(starts, starts + ids.size(), kNoId);
  std::fill(ends, ends + ids.size(), kNoId);
  uint64_t all_starts[EntityBlock::kRows], all_ends[EntityBlock::kRows];
  each_relationship_block(ids, [&](std::span<const uint64_t> of_block, const EntityBlock& block, auto place) {
    if (block.ends == nullptr) return;
    const cache::EndIds from = block.ends->starts(), to = block.ends->ends();
    const bool many = of_block.size() >= kMany;
    if (many) {
      from.get(block.ends->rows, all_starts);
      to.get(block.ends->rows, all_ends);
    }
    for (size_t k = 0; k < of_block.size(); ++k) {
      const uint32_t row = EntityBlock::row_of(of_block[k]);
      if (!block.exists(row)) continue;
      starts[place(k)] = many ? all_starts[row] : from.of_row(row);
      ends[place(k)] = many ? all_ends[row] : to.of_row(row);
    }
  });
}

void Reader::relationship_types(std::span<const uint64_t> ids, uint32_t* types) {
  std::fill(types, types + ids.size(), UINT32_MAX);
  each_relationship_block(ids, [&](std::span<const uint64_t> of_block, const EntityBlock& block, auto place) {
    for (size_t k = 0; k < of_block.size(); ++k) {
      const uint32_t row = EntityBlock::row_of(of_block[k]);
      if (block.exists(row)) types[place(k)] = block.type(row).value;
    }
  });
}

// --- scans ---

namespace {

// The first index at or after `from` of a chunk that is loaded and not known to be empty, or not loaded and in the
// store: `first_stored(index)` is the first stored chunk at or after an index. `count` when there is none below it.
template <typename T, typename FirstStored>
uint64_t next_chunk(const cache::Trie<T>& trie, uint64_t from, uint64_t count, FirstStored&& first_stored) {
  std::optional<uint64_t> stored;
  cache::TrieSpan span;
  while (from < count && trie.next_span(from, &span) && span.first < count) {
    if (span.loaded) return span.first;
    if (!stored || *stored < span.first) stored = first_stored(span.first);
    if (*stored < span.end) return *stored;
    from = span.end;
  }
  return count;
}

}  // namespace

uint64_t ReaderChunks::next_block(EntityKind kind, uint64_t index) {
  const bool nodes = kind == EntityKind::kNode;
  const uint64_t limit = nodes ? root().next_node : root().next_relationship;
  const uint64_t count = (limit + EntityBlock::kRows - 1) / EntityBlock::kRows;
  return next_chunk(nodes ? root().node_blocks : root().relationship_blocks, index, count, [&](uint64_t first) {
    kv::CursorOptions options;
    options.lower = id_key(first * EntityBlock::kRows).string();
    options.upper = id_bound(kNoId);
    options.snapshot = root().store_snapshot;
    uint64_t id = 0;
    return first_stored(nodes ? Keyspace::kNodes : Keyspace::kRelationships, options,
                        [&](ByteView key) {
                          KeyId property;
                          return parse_id_key(key, &id) ||
                                 (root().stored_columns && parse_column_key(key, &id, &property));
                        })
               ? EntityBlock::index_of(id)
               : count;
  });
}

uint64_t ReaderChunks::next_label_chunk(LabelId label, uint64_t index) {
  const uint64_t count = (root().next_node + LabelChunk::kRows - 1) / LabelChunk::kRows;
  return next_chunk(root().labels.find(label.value), index, count, [&](uint64_t first) {
    kv::CursorOptions options;
    options.lower = label_key(label, first).string();
    options.upper = kv::prefix_end(ByteView(options.lower).substr(0, kLabelKeyBytes - kIdBytes));
    options.snapshot = root().store_snapshot;
    uint64_t block = 0;
    LabelId of;
    return first_stored(Keyspace::kLabels, options, [&](ByteView key) { return parse_label_key(key, &of, &block); })
               ? block
               : count;
  });
}

bool ReaderChunks::first_stored(Keyspace space, const kv::CursorOptions& options,
                                const std::function<bool(ByteView key)>& parse) {
  const std::unique_ptr<kv::Cursor> cursor = reader_.graph_->impl()->store->cursor(space, options);
  cursor->seek_first();
  if (!cursor->valid()) {
    if (!cursor->status().ok()) fail(cursor->status());
    return false;
  }
  if (parse(cursor->key())) return true;
  fail(damaged(space, cursor->key(), "is not a key of this keyspace"));
  return false;
}

// --- leaving the engine ---

namespace {

class Hydrator {
 public:
  explicit Hydrator(Reader& reader) : reader_(reader) {}

  Value run(const Value& value) {
    switch (value.type()) {
      case ValueType::kNode: return value.is_hydrated() ? value : Value::hydrated(node(value.node_id()));
      case ValueType::kRelationship:
        return value.is_hydrated() ? value : Value::hydrated(relationship(value.relationship_id()));
      case ValueType::kPath: return value.is_hydrated() ? value : Value::hydrated(path(value.path_ids()));
      case ValueType::kList: {
        if (!value.extent().entities) {
          return value;
        }
        List out;
        out.reserve(value.as_list().size());
        for (const Value& item : value.as_list()) {
          out.push_back(run(item));
        }
        return Value::list(std::move(out));
      }
      case ValueType::kMap: {
        if (!value.extent().entities) {
          return value;
        }
        std::vector<MapEntry> out;
        for (const MapEntry& entry : value.as_map()) {
          out.emplace_back(entry.first, run(entry.second));
        }
        return Value::map(std::move(out));
      }
      default: return value;
    }
  }

 private:
  std::vector<MapEntry> entries() {
    std::vector<MapEntry> out;
    out.reserve(properties_.size());
    for (Property& property : properties_) {
      out.emplace_back(reader_.key_name_value(property.key), std::move(property.value));
    }
    return out;
  }
  Node node(NodeId id) {
    Node out;
    out.id = id;
    reader_.labels(id, &labels_);
    for (LabelId label : labels_) {
      out.labels.emplace_back(reader_.label_name(label));
    }
    reader_.node_properties(id, &properties_);
    out.properties = entries();
    return out;
  }
  Relationship relationship(RelId id) {
    Relationship out;
    out.id = id;
    if (const auto record = reader_.relationship(id)) {
      out.start = record->start;
      out.end = record->end;
      out.type = reader_.rel_type_name(record->type);
      reader_.relationship_properties(id, &properties_);
      out.properties = entries();
    }
    return out;
  }
  Path path(const PathIds& ids) {
    Path out;
    out.nodes.reserve(ids.nodes.size());
    for (NodeId id : ids.nodes) {
      out.nodes.push_back(node(id));
    }
    out.rels.reserve(ids.rels.size());
    for (RelId id : ids.rels) {
      out.rels.push_back(relationship(id));
    }
    return out;
  }

  Reader& reader_;
  std::vector<LabelId> labels_;
  std::vector<Property> properties_;
};

}  // namespace

Value Reader::hydrate(const Value& value) {
  return Hydrator(*this).run(value);
}

}  // namespace lora::graph
