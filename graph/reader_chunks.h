// A Reader's way to chunks: find, else load and publish. Included by graph/*.cpp only.
//
// block(), rows(), label_chunk() and topology() always answer a chunk (the empty one after a failure, which is kept in
// Reader::status()); what block(), rows() and point_block() answer is good until their next call, and has what is
// wanted of its properties. point_topology() may answer null: memory is short, read the one list with direct_list().
// The Reader must be inside its access epoch: call enter() first; point_*() do so themselves.
#pragma once

#include "graph/graph_impl.h"

namespace lora::graph {

class ReaderChunks {
 public:
  explicit ReaderChunks(Reader& reader) : reader_(reader) {}

  const Root& root() const { return *reader_.root_; }
  Reader::Impl& impl() { return reader_.impl_ != nullptr ? *reader_.impl_ : make_impl(); }
  Reader::Impl& enter() {
    Reader::Impl& in = impl();
    in.enter();
    return in;
  }
  void fail(Status status);

  // For who walks over blocks.
  const cache::EntityBlock* block(EntityKind kind, uint64_t index, const WantedProperties& wanted) {
    const cache::EntityBlock* block = reader_.root_->find_block(kind, index);
    if (block != nullptr) [[likely]] {
      block->touch();
      return block->is_whole() ? block : with_columns(kind, index, wanted, true, block);
    }
    return load_block(kind, index, wanted, true);
  }
  // The block of these entities, which are all of one block. It may have them alone, and no more of their properties
  // than is wanted.
  const cache::EntityBlock* rows(EntityKind kind, std::span<const uint64_t> ids, const WantedProperties& wanted) {
    const uint64_t index = cache::EntityBlock::index_of(ids.front());
    const cache::EntityBlock* block = reader_.root_->find_block(kind, index);
    if (block != nullptr) [[likely]] {
      block->touch();
      return block->is_whole() ? block : with_columns(kind, index, wanted, ids.size() > kFewRows, block);
    }
    return load_rows(kind, ids, wanted);
  }
  // Where memory is short, ids whose blocks must be read are best asked for in the order of these, so that each is read
  // once: true: *ids are the same ids, sorted, and Reader::Impl::sorted.places says where each stood.
  bool sort_by_block(EntityKind kind, std::span<const uint64_t>* ids);
  // For walks over neighbouring blocks: asks the processor for the column of the next one, and for the one behind that.
  void prefetch_next(EntityKind kind, uint64_t index, KeyId key) const {
    constexpr size_t kLine = 64, kLines = 6;  // where a column goes on, the processor sees it
    if (const cache::EntityBlock* next = root().find_block(kind, index + 1)) {
      const auto* column = reinterpret_cast<const char*>(next->find_column(key));
      for (size_t i = 0; column != nullptr && i < kLines; ++i) __builtin_prefetch(column + i * kLine);
    }
    __builtin_prefetch(root().find_block(kind, index + 2));
  }
  const cache::LabelChunk* label_chunk(LabelId label, uint64_t index) {
    const cache::LabelChunk* chunk = reader_.root_->find_label_chunk(label, index);
    if (chunk != nullptr) [[likely]] {
      chunk->touch();
      return chunk;
    }
    return load_label_chunk(label, index);
  }
  const cache::TopologyChunk* topology(RelTypeId type, Direction direction, uint64_t index) {
    const cache::TopologyChunk* chunk = reader_.root_->find_topology_chunk(type, direction, index);
    if (chunk != nullptr) [[likely]] {
      chunk->touch();
      return chunk;
    }
    return load_topology(type, direction, index);
  }
  // Where a scan goes on behind a chunk without entries: the first chunk at or after `index` that may hold something,
  // found by what is loaded and by the keys of the store, so that absent ids cost nothing. No chunk: beyond the limit.
  uint64_t next_block(EntityKind kind, uint64_t index);
  uint64_t next_label_chunk(LabelId label, uint64_t index);
  // The hot tree of an index, for about `rows` entries; null: ask the store (memory is short, or so few lookups have
  // been made that reading the whole index would not pay), or a failure.
  const cache::IndexTree* index(const IndexInfo& info, uint64_t rows = 1);

  // The block of one entity, of which it may have no more than is wanted.
  const cache::EntityBlock* point_block(EntityKind kind, uint64_t id, const WantedProperties& wanted);
  const cache::TopologyChunk* resident_topology(RelTypeId type, Direction direction,
                                                uint64_t index);  // null: not loaded
  // Of a node whose chunk is not loaded.
  uint64_t unloaded_degree(NodeId node, Direction direction, RelTypeId type);
  const cache::TopologyChunk* point_topology(RelTypeId type, Direction direction, uint64_t index);
  // For the open transaction's reader: was the entity there before it, or made by it (ids at or beyond its base)?
  bool was_in_base(EntityKind kind, uint64_t id);
  const Reader::Impl::DirectList* direct_list(NodeId node, Direction direction, RelTypeId type);

 private:
  static constexpr size_t kFewRows = 16;

  Reader::Impl& make_impl();
  // `walked`: as part of a walk over blocks, which wants the same of others.
  const cache::EntityBlock* load_block(EntityKind kind, uint64_t index, const WantedProperties& wanted, bool walked);
  // The block, which is loaded but may lack what is wanted.
  const cache::EntityBlock* with_columns(EntityKind kind, uint64_t index, const WantedProperties& wanted, bool walked,
                                         const cache::EntityBlock* block);
  const cache::EntityBlock* load_rows(EntityKind kind, std::span<const uint64_t> ids, const WantedProperties& wanted);
  // Reads them (none: all of the block) without a place among the chunks.
  const cache::EntityBlock* read_apart(EntityKind kind, uint64_t index, std::span<const uint64_t> ids,
                                       const WantedProperties& wanted);
  const cache::LabelChunk* load_label_chunk(LabelId label, uint64_t index);
  const cache::TopologyChunk* load_topology(RelTypeId type, Direction direction, uint64_t index);
  // The first key of a range, parsed. False: there is none, or a failure (kept in Reader::status()).
  bool first_stored(kv::Keyspace space, const kv::CursorOptions& options,
                    const std::function<bool(ByteView key)>& parse);

  Reader& reader_;
};

}  // namespace lora::graph
