#include "graph/index_range.h"

#include <fmt/format.h>

#include "graph/reader_chunks.h"
#include "graph/value_codec.h"

namespace lora::graph {

namespace {

class RangeIndex final : public IndexBehaviour {
 public:
  Status check(const IndexDefinition& definition) const override {
    constexpr size_t kKeysMax = 32;
    if (definition.keys.empty() || definition.keys.size() > kKeysMax) {
      return {ErrorCode::kInvalidParams,
              fmt::format("an index has 1 to {} properties, this one `{}`", kKeysMax, definition.keys.size())};
    }
    if (definition.label_or_type.empty()) {
      return {ErrorCode::kInvalidParams, "an index needs a label or a relationship type"};
    }
    return Status();
  }

  Status encode(const IndexInfo& index, const std::function<Value(KeyId)>& value, std::string* entry,
                bool* indexed) const override {
    entry->clear();
    *indexed = false;
    for (KeyId key : index.keys) {
      const Value v = value(key);
      if (v.is_null() || !encode_ordered(v, entry)) {
        return Status();
      }
    }
    if (entry->size() > kIndexEntryBytesMax) {
      return Status::limit("value size", fmt::format("an entry of index `{}` would take `{}` bytes; at most {} can be "
                                                     "indexed",
                                                     index.definition.name, entry->size(), kIndexEntryBytesMax));
    }
    *indexed = true;
    return Status();
  }

  Lookup encode_lookup(std::span<const Value> values, std::string* entry) const override {
    entry->clear();
    bool scan = false;
    for (const Value& value : values) {
      if (equals(value, value) != Ternary::kTrue) {  // null, NaN, or something that holds one
        return Lookup::kNothing;
      }
      scan = scan || !encode_ordered(value, entry);
    }
    if (scan) {
      return Lookup::kScan;
    }
    return entry->size() <= kIndexEntryBytesMax ? Lookup::kEntry : Lookup::kNothing;
  }
};

}  // namespace

const IndexBehaviour* range_index_behaviour() {
  static const RangeIndex behaviour;
  return &behaviour;
}

const cache::IndexTree* ReaderChunks::index(const IndexInfo& info, uint64_t rows) {
  if (const cache::IndexTree* tree = reader_.root_->find_index(info.id)) [[likely]] {
    tree->touch();
    return tree;
  }
  Reader::Impl& in = impl();
  if (!in.graph->statistics.tree_pays(info.id, rows) ||
      !in.graph->budget->should_load(cache::ChunkFamily::kIndexes, 0, info.id.value)) {
    return nullptr;
  }
  Result<cache::Loaded<cache::IndexTree>> loaded = in.loader.index(*reader_.root_, info);
  if (!loaded.ok()) {
    fail(std::move(loaded).status());
    return cache::IndexTree::empty();
  }
  if (!info.unique && !in.graph->statistics.has_sketch(info.id)) {
    DistinctSketch sketch;
    ByteView last;
    std::string kept;
    cache::IndexTree::Cursor cursor(loaded->get());
    for (cursor.seek(""); cursor.valid(); cursor.next()) {
      const ByteView key = cursor.key();
      const ByteView values = key.substr(0, key.size() - kIdBytes);
      if (values != last) {
        sketch.add(values);
        kept.assign(values);
        last = kept;
      }
    }
    in.graph->statistics.set_sketch(info.id, sketch, false);
  }
  const cache::IndexTree* tree = reader_.root_->publish_index(in.context, info.id, *std::move(loaded));
  in.chunk_loaded();
  return tree;
}

// --- lookups ---

namespace {

void lookup_by_scan(Reader& reader, const IndexInfo& info, std::span<const Value> values, std::vector<uint64_t>* out) {
  const bool nodes = info.definition.entity == EntityKind::kNode;
  EntityScan scan =
      nodes ? reader.scan_nodes(LabelId(info.label_or_type)) : reader.scan_relationships(RelTypeId(info.label_or_type));
  uint64_t ids[256];
  for (size_t count = 0; (count = scan.next(ids, std::size(ids))) != 0;) {
    for (size_t i = 0; i < count; ++i) {
      bool equal = true;
      for (size_t k = 0; k < values.size() && equal; ++k) {
        equal = equals(values[k], nodes ? reader.node_property(NodeId(ids[i]), info.keys[k])
                                        : reader.relationship_property(RelId(ids[i]), info.keys[k])) == Ternary::kTrue;
      }
      if (equal) {
        out->push_back(ids[i]);
      }
    }
  }
}

}  // namespace

bool Reader::index_lookup_many(IndexId index, std::span<const Value> values, std::vector<uint64_t>* out,
                               std::vector<uint32_t>* ends) {
  constexpr size_t kBytesMax = 1 << 20;
  const IndexInfo* info = root_->schema->find_index(index);
  if (info == nullptr || info->keys.size() != 1) {
    return false;
  }
  ReaderChunks chunks(*this);
  Impl& in = chunks.enter();
  using Lookup = IndexBehaviour::Lookup;
  const IndexBehaviour& behaviour = *find_index_behaviour(info->definition.kind);
  std::string bytes;
  std::vector<uint32_t> key_ends;
  key_ends.reserve(values.size());
  for (const Value& value : values) {
    const Lookup lookup = behaviour.encode_lookup({&value, 1}, &in.bytes);
    if (lookup == Lookup::kScan || bytes.size() + in.bytes.size() > kBytesMax) {
      return false;
    }
    if (lookup == Lookup::kEntry) {
      bytes += in.bytes;
    }
    key_ends.push_back(static_cast<uint32_t>(bytes.size()));
  }
  const cache::IndexTree* tree = chunks.index(*info);
  if (tree == nullptr) {
    return false;
  }
  std::vector<ByteView> keys;
  keys.reserve(values.size());
  uint32_t begin = 0;
  for (uint32_t end : key_ends) {
    keys.push_back(ByteView(bytes).substr(begin, end - begin));
    begin = end;
  }
  tree->lookup_many(keys, out, ends);
  return true;
}

void Reader::index_lookup(IndexId index, std::span<const Value> values, std::vector<uint64_t>* out) {
  const IndexInfo* info = root_->schema->find_index(index);
  if (info == nullptr || values.size() != info->keys.size()) {
    return;
  }
  ReaderChunks chunks(*this);
  Impl& in = chunks.enter();
  using Lookup = IndexBehaviour::Lookup;
  const Lookup lookup = find_index_behaviour(info->definition.kind)->encode_lookup(values, &in.bytes);
  if (lookup != Lookup::kEntry) [[unlikely]] {
    if (lookup == Lookup::kScan) {
      lookup_by_scan(*this, *info, values, out);
    }
    return;
  }
  if (const cache::IndexTree* tree = chunks.index(*info)) [[likely]] {
    tree->lookup(in.bytes, out);
    return;
  }
  // Memory is short, or the tree would not pay yet: the store answers.
  const kv::Store& store = *in.graph->store;
  const uint64_t limit = info->definition.entity == EntityKind::kNode ? root_->next_node : root_->next_relationship;
  std::string key = graph::index_prefix(index).string() + in.bytes;
  if (info->unique) {
    std::string value;
    Result<bool> found = store.get(kv::Keyspace::kIndexes, key, root_->store_snapshot, &value);
    if (!found.ok()) {
      chunks.fail(std::move(found).status());
    } else if (*found) {
      if (value.size() != kIdBytes || load_id(value.data()) >= limit) {
        chunks.fail(damaged(kv::Keyspace::kIndexes, key, "is not an entry of its index"));
        return;
      }
      out->push_back(load_id(value.data()));
    }
    return;
  }
  kv::CursorOptions options;
  options.upper = kv::prefix_end(key);
  options.lower = std::move(key);
  options.snapshot = root_->store_snapshot;
  const size_t prefix = options.lower.size();
  const std::unique_ptr<kv::Cursor> cursor = store.cursor(kv::Keyspace::kIndexes, options);
  for (cursor->seek_first(); cursor->valid(); cursor->next()) {
    if (cursor->key().size() != prefix + kIdBytes || load_id(cursor->key().data() + prefix) >= limit) {
      chunks.fail(damaged(kv::Keyspace::kIndexes, cursor->key(), "is not an entry of its index"));
      return;
    }
    out->push_back(load_id(cursor->key().data() + prefix));
  }
  if (!cursor->status().ok()) {
    chunks.fail(cursor->status());
  }
}

// --- ranges ---

struct IndexScan::State {
  Reader* reader = nullptr;
  IndexId index;
  std::string from;  // entries >= from
  std::string to;    // entries < to; empty: to the end
  std::string last;  // the entry given out last; empty: none
  bool done = false;
};

IndexScan::IndexScan() = default;
IndexScan::IndexScan(IndexScan&&) noexcept = default;
IndexScan& IndexScan::operator=(IndexScan&&) noexcept = default;
IndexScan::~IndexScan() = default;

IndexScan Reader::index_range(IndexId index, const IndexBound& lower, const IndexBound& upper) {
  IndexScan scan;
  scan.state_ = std::make_unique<IndexScan::State>();
  IndexScan::State& state = *scan.state_;
  state.reader = this;
  state.index = index;
  for (const IndexBound* bound : {&lower, &upper}) {
    std::string bytes;
    for (const Value& value : bound->values) {
      if (value.is_null() || (value.is_float() && value.as_float() != value.as_float())) {
        state.done = true;  // nothing compares with null or NaN
        return scan;
      }
      if (!encode_ordered(value, &bytes)) {
        state.done = true;  // maps and vectors have no order
        return scan;
      }
    }
    if (bytes.empty()) {
      continue;
    }
    if (bound == &lower) {
      state.from = bound->inclusive ? bytes : kv::prefix_end(bytes);
    } else {
      state.to = bound->inclusive ? kv::prefix_end(bytes) : bytes;
    }
  }
  // `x > 5` is about numbers: an open side ends where the other side's type ends.
  const Value* known = !lower.values.empty()   ? lower.values.data()
                       : !upper.values.empty() ? upper.values.data()
                                               : nullptr;
  if (known != nullptr) {
    const OrderedRange type = ordered_range(known->type());
    state.from = std::max(state.from, type.low);
    state.to = state.to.empty() ? type.high : std::min(state.to, type.high);
  }
  return scan;
}

IndexScan Reader::index_prefix(IndexId index, std::string_view prefix) {
  IndexScan scan;
  scan.state_ = std::make_unique<IndexScan::State>();
  IndexScan::State& state = *scan.state_;
  state.reader = this;
  state.index = index;
  encode_ordered_prefix(prefix, &state.from);
  state.to = kv::prefix_end(state.from);
  return scan;
}

size_t IndexScan::next(uint64_t* out, size_t max) {
  if (state_ == nullptr || state_->done || max == 0) {
    return 0;
  }
  State& s = *state_;
  ReaderChunks chunks(*s.reader);
  Reader::Impl& in = chunks.enter();
  const IndexInfo* info = chunks.root().schema->find_index(s.index);
  size_t count = 0;
  if (info != nullptr && (s.to.empty() || s.from < s.to)) {
    if (const cache::IndexTree* tree = chunks.index(*info, max)) {
      cache::IndexTree::Cursor cursor(tree);
      // The tree may be another one than last time (evicted, loaded again): go on behind the last entry.
      s.last.empty() ? cursor.seek(s.from) : cursor.seek_after(s.last);
      count = cursor.take_below(s.to, out, max, &s.last);
    } else {
      const std::string prefix = graph::index_prefix(s.index).string();
      kv::CursorOptions options;
      options.lower = prefix + s.from;
      options.upper = s.to.empty() ? kv::prefix_end(prefix) : prefix + s.to;
      options.snapshot = chunks.root().store_snapshot;
      const std::unique_ptr<kv::Cursor> cursor = in.graph->store->cursor(kv::Keyspace::kIndexes, options);
      const uint64_t limit =
          info->definition.entity == EntityKind::kNode ? chunks.root().next_node : chunks.root().next_relationship;
      std::string entry;
      if (s.last.empty()) {
        cursor->seek_first();
      } else {
        // In the store a unique entry has no id in its key.
        cursor->seek(prefix + (info->unique ? s.last.substr(0, s.last.size() - kIdBytes) : s.last));
      }
      for (; count < max && cursor->valid(); cursor->next()) {
        if (!decode_index_entry(*info, cursor->key(), cursor->value(), &entry) ||
            load_id(entry.data() + entry.size() - kIdBytes) >= limit) {
          chunks.fail(damaged(kv::Keyspace::kIndexes, cursor->key(), "is not an entry of its index"));
          break;
        }
        if (!s.last.empty() && entry <= s.last) {
          continue;
        }
        out[count++] = load_id(entry.data() + entry.size() - kIdBytes);
        if (count == max) {
          s.last = entry;
        }
      }
      if (!cursor->status().ok()) {
        chunks.fail(cursor->status());
      }
    }
  }
  if (!s.reader->status().ok()) {
    count = 0;
  }
  s.done = count < max;
  return count;
}

}  // namespace lora::graph
