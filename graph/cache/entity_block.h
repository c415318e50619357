// EntityBlock: 256 nodes or 256 relationships: existence, labels or type and ends, and property columns.
//
// The block is a small header with pointers to parts that are versioned on their own (LabelSets, RelationshipEnds,
// Column), so a change copies the header and the part it touches. A block of nodes that all carry the same labels has
// no per-row label data. Property keys are sorted by key id.
//
// A block that was loaded may lack columns that nobody has asked for: their slots are null until somebody loads them
// (take_columns()), as the only part of a published block that changes. Such a block shares nothing with another: what
// is copied, and what a transaction keeps to itself, is whole.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "graph/cache/column.h"
#include "graph/cache/object.h"
#include "graph/graph.h"
#include "graph/ids.h"
#include "graph/packed_ids.h"
#include "kv/check.h"

namespace lora::graph::cache {

// The distinct label sets of a block's rows. Immutable: an edit makes a new one.
// Behind the header: uint8_t row_set[256] unless `uniform` (then every row has set 0), uint32_t starts[sets + 1],
// LabelId labels[]. At most 256 sets.
struct LabelSets : Object {
  uint16_t sets = 0;
  bool uniform = true;
  uint32_t label_count = 0;  // over all sets
  LabelSets() : Object(ObjectKind::kLabelSets) {}
  const uint8_t* row_set() const { return reinterpret_cast<const uint8_t*>(this + 1); }
  const uint32_t* starts() const { return reinterpret_cast<const uint32_t*>(row_set() + (uniform ? 0 : 256)); }
  const LabelId* labels() const { return reinterpret_cast<const LabelId*>(starts() + sets + 1); }
  std::span<const LabelId> set(uint32_t i) const { return {labels() + starts()[i], starts()[i + 1] - starts()[i]}; }
  std::span<const LabelId> of_row(uint32_t row) const { return set(uniform ? 0 : row_set()[row]); }
};

// The nodes at one side of a block's relationships: packed ids, either one of each row or, where relationships in a row
// mostly have the same node, runs: a bit per row, set where its node is not the one of the row before, then the node of
// each run.
struct EndIds {
  static constexpr size_t kBitsBytes = 256 / 8;

  const char* first;
  uint16_t runs;  // 0: one id of each row
  uint8_t width;  // of an id

  static size_t bytes(uint32_t rows, uint32_t runs, uint32_t width) {
    return runs == 0 ? size_t{rows} * width : kBitsBytes + size_t{runs} * width;
  }
  uint64_t of_row(uint32_t row) const {
    if (runs == 0) return packed_id(first, width, row);
    uint64_t bits[4];
    std::memcpy(bits, first, sizeof bits);
    const uint32_t word = row >> 6;
    int run = std::popcount(bits[word] << (63 - (row & 63)));
    for (uint32_t w = 0; w < word; ++w) run += std::popcount(bits[w]);
    return packed_id(first + kBitsBytes, width, static_cast<size_t>(run));
  }
  // Of the first `rows` rows.
  void get(uint32_t rows, uint64_t* out) const;
};

// Types and ends of a block's relationships. Behind the header: starts and ends as of EndIds, all ids of `width` bytes,
// then, unless all rows have `type`, uint32_t types[capacity]. Runs are only read: a row that is put makes a copy with
// one id of each row.
struct RelationshipEnds : Object {
  uint16_t rows = 0, capacity = 0;
  uint16_t start_runs = 0, end_runs = 0;
  uint8_t width = 1;
  bool one_type = true;
  uint32_t type = 0;
  RelationshipEnds() : Object(ObjectKind::kRelationshipEnds) {}
  char* first() { return reinterpret_cast<char*>(this + 1); }
  const char* first() const { return reinterpret_cast<const char*>(this + 1); }
  EndIds starts() const { return {first(), start_runs, width}; }
  EndIds ends() const { return {first() + EndIds::bytes(capacity, start_runs, width), end_runs, width}; }
  // Of both with what packed ids need behind them, so that types are aligned.
  size_t id_bytes() const {
    const size_t ids = EndIds::bytes(capacity, start_runs, width) + EndIds::bytes(capacity, end_runs, width);
    return (ids + kPackedIdSlack + 7) / 8 * 8;
  }
  uint32_t* types() { return reinterpret_cast<uint32_t*>(first() + id_bytes()); }
  const uint32_t* types() const { return const_cast<RelationshipEnds*>(this)->types(); }
  RelTypeId type_of(uint32_t row) const { return RelTypeId(one_type ? type : types()[row]); }
};

struct EntityBlock : Object {
  static constexpr uint32_t kRows = 256;
  static uint64_t index_of(uint64_t id) { return id / kRows; }
  static uint32_t row_of(uint64_t id) { return static_cast<uint32_t>(id % kRows); }

  struct ColumnSlot {
    KeyId key;
    // A part of what the store has of the block (Stored): its head says that there is a column of this key; perhaps
    // also where this is false.
    bool listed = false;
    Column* column;  // null: not loaded
  };

  uint16_t rows = 0;   // one past the highest row ever used
  uint16_t count = 0;  // existing rows
  uint16_t column_count = 0, column_capacity = 0;
  mutable std::atomic<bool> lacks_columns{false};  // perhaps some slots are null; false: never again
  uint64_t exists_bits[4] = {0, 0, 0, 0};
  // What the store has of the block (graph/layout.h): set by who loads it, and by the commit that writes it, as long as
  // nobody else sees the block.
  struct Stored {
    bool head = false;     // perhaps: false is certain
    bool grouped = false;  // with a head that lists columns: ColumnSlot::listed
    // The rows that may have a record, an empty one too; certain of the others, but where the store is written behind.
    uint64_t records[4] = {0, 0, 0, 0};
  };
  mutable Stored stored;
  // Of a block that was loaded as a head and the columns that it lists, without any record: the stored_stamp of the
  // version that it was loaded for. Else 0.
  uint64_t loaded_at = 0;
  LabelSets* label_sets = nullptr;   // nodes; null: no row has a label
  RelationshipEnds* ends = nullptr;  // relationships; null: no row was ever used

  EntityBlock() : Object(ObjectKind::kEntityBlock) {}
  static EntityBlock* empty();

  // --- reading; row < kRows ---
  bool exists(uint32_t row) const { return (exists_bits[row >> 6] >> (row & 63) & 1) != 0; }
  std::span<const LabelId> labels(uint32_t row) const {  // ascending; empty for a row that does not exist
    if (label_sets == nullptr || !exists(row)) return {};
    return label_sets->of_row(row);
  }
  bool has_label(uint32_t row, LabelId label) const {
    for (LabelId l : labels(row)) {
      if (l == label) return true;
    }
    return false;
  }
  // Relationship blocks, existing rows.
  RelTypeId type(uint32_t row) const { return ends->type_of(row); }
  NodeId start(uint32_t row) const { return NodeId(ends->starts().of_row(row)); }
  NodeId end(uint32_t row) const { return NodeId(ends->ends().of_row(row)); }

  // The slot of a key; false: no row has a value.
  bool find(KeyId key, uint32_t* place) const {
    const ColumnSlot* s = slots();
    for (uint32_t i = 0; i < column_count; ++i) {
      if (s[i].key != key) continue;
      *place = i;
      return true;
    }
    return false;
  }
  // Are all columns loaded? Then they stay so.
  bool is_whole() const { return !lacks_columns.load(std::memory_order_acquire); }
  // Is what the block has for the key, if anything, loaded?
  bool has_loaded(KeyId key) const {
    uint32_t place;
    return !find(key, &place) || column_at(place) != nullptr;
  }
  // Of a whole block.
  std::span<const ColumnSlot> columns() const {
    LORA_DCHECK(is_whole());
    return {slots(), column_count};
  }
  // Null when no row has a value. Must be loaded.
  const Column* column(KeyId key) const {
    uint32_t place;
    return column(key, &place);
  }
  const Column* column(KeyId key, uint32_t* place) const {
    if (!find(key, place)) return nullptr;
    const Column* column = column_at(*place);
    LORA_DCHECK(column != nullptr);
    return column->present == 0 ? nullptr : column;
  }
  // Null also when it is not loaded.
  const Column* find_column(KeyId key) const {
    uint32_t place;
    return find(key, &place) ? column_at(place) : nullptr;
  }
  // Of a slot.
  Column* column_at(uint32_t place) const {
    return std::atomic_ref(const_cast<ColumnSlot*>(slots())[place].column).load(std::memory_order_acquire);
  }
  Value get(uint32_t row, KeyId key) const {
    const Column* c = column(key);
    return c == nullptr ? Value() : c->get(row);
  }
  // Appends the row's properties by ascending key id. The block must be whole.
  void properties(uint32_t row, std::vector<Property>* out) const;

  // --- writing: static, because the block may move; put the returned block back (Root's edit functions do).
  // `context` null: loading (the block is unshared and stays "loaded"). ---
  static EntityBlock* make(WriteContext* context);
  static EntityBlock* writable(WriteContext& context, EntityBlock* block);
  // The row must not exist. `labels`: ascending, distinct. Null property values are left out.
  static EntityBlock* create_node(WriteContext* context, EntityBlock* block, uint32_t row,
                                  std::span<const LabelId> labels, std::span<const Property> properties);
  static EntityBlock* create_relationship(WriteContext* context, EntityBlock* block, uint32_t row, RelTypeId type,
                                          NodeId start, NodeId end, std::span<const Property> properties);
  static EntityBlock* set_property(WriteContext* context, EntityBlock* block, uint32_t row, KeyId key,
                                   const Value& value);  // null removes
  static EntityBlock* set_labels(WriteContext* context, EntityBlock* block, uint32_t row,
                                 std::span<const LabelId> labels);
  // For a published block: columns that it lacks and `from`, the same block as somebody has just loaded it, has. What
  // other threads were first with stays with `from`. The bytes that the block has got, which are to be counted. Columns
  // that `from` does not even lack have turned out to be empty. Whoever was first: what `from` had is there afterwards,
  // and the block is known to be whole if it is.
  static uint64_t take_columns(const EntityBlock* block, EntityBlock* from);
  // The head that the store has of the block lists these columns, ascending.
  static void set_listed(EntityBlock* block, std::span<const KeyId> keys);
  // Drops the row with its properties. The ends of a relationship row stay readable (type, start, end).
  static EntityBlock* erase(WriteContext* context, EntityBlock* block, uint32_t row);

  ColumnSlot* slots() { return reinterpret_cast<ColumnSlot*>(this + 1); }
  const ColumnSlot* slots() const { return reinterpret_cast<const ColumnSlot*>(this + 1); }
};

// Builds a block from stored records. Rows in any order, each at most once.
class EntityBlockBuilder {
 public:
  EntityBlockBuilder() = default;
  EntityBlockBuilder(const EntityBlockBuilder&) = delete;
  EntityBlockBuilder& operator=(const EntityBlockBuilder&) = delete;
  void add_node(uint32_t row, std::span<const LabelId> labels, std::span<const Property> properties);
  void add_relationship(uint32_t row, RelTypeId type, NodeId start, NodeId end, std::span<const Property> properties);
  // The same of all rows whose bits are set, at least one, without properties, before any other row. By row: which of
  // the label sets; type, start and end.
  void put_nodes(const uint64_t* rows, const std::vector<std::span<const LabelId>>& sets, const uint8_t* row_set);
  void put_relationships(const uint64_t* rows, const uint32_t* types, const uint64_t* starts, const uint64_t* ends);
  // Of a row that was added, or of all rows that have a value: `column`, whose rows have all been added. No row may
  // have a value of this key.
  void set_property(uint32_t row, KeyId key, const Value& value);
  void put_column(KeyId key, Loaded<Column> column);
  // There is such a column, but it is not loaded: instead of all the values of this key.
  void put_unloaded(KeyId key);
  bool has_column(KeyId key) const { return block_ != nullptr && block_->column(key) != nullptr; }
  bool has_row(uint32_t row) const { return block_ != nullptr && block_->exists(row); }
  // Before the end: what the store has of the block. Nothing when no row was added.
  void set_stored(const EntityBlock::Stored& stored, std::span<const KeyId> listed, uint64_t loaded_at) {
    if (block_ == nullptr) return;
    block_->stored = stored;
    block_->loaded_at = loaded_at;
    EntityBlock::set_listed(block_.get(), listed);
  }
  // The block as loaded (for publish_loaded); EntityBlock::empty() when nothing was added. Resets the builder.
  Loaded<EntityBlock> finish();

 private:
  void add_properties(uint32_t row, std::span<const Property> properties);
  EntityBlock* put_rows(const uint64_t* rows);
  void keep(EntityBlock* block);  // in place of block_, which has been freed if it is another one
  Loaded<EntityBlock> block_;
  const RelationshipEnds* whole_ends_ = nullptr;  // as put_relationships() has made them
};

// Gathers one property for a batch of ids. find(ids of one block, run) -> const EntityBlock*, good until the next call
// (null: treated as absent; it has the property loaded; loading and its errors are the caller's; run: many ids in a
// row, the next block is likely to follow). resident(index of a block) -> const EntityBlock*: the same one, where it is
// loaded and stays until the end of run(); null: ask find(). *out is overwritten, typed when all values present have
// one type. Consecutive ids, as scans give them, are copied by the block; scattered ones have a way of their own while
// they are of one type.
class Gatherer {
 public:
  Gatherer(KeyId key, PropertyColumn* out) : key_(key), out_(out) {}
  template <typename Find, typename Resident>
  void run(std::span<const uint64_t> ids, Find&& find, Resident&& resident) {
    ids_ = ids;
    begin();
    size_t i = 0;
    while (i < ids.size()) {
      const uint64_t id = ids[i];
      if (id == kNoId) {
        missing(i, i + 1);
        ++i;
        continue;
      }
      const uint64_t index = EntityBlock::index_of(id);
      const size_t run = run_length(i);
      size_t last = i + run;
      if (run == 1 && started_ && out_->kind != PropertyColumn::Kind::kValues && !goes_on(i)) {
        const size_t before = i;
        i = scattered(i, find, resident);
        if (i > before) continue;
      }
      if (run == 1) {
        while (last < ids.size() && ids[last] / EntityBlock::kRows == index) ++last;
      }
      const EntityBlock* block = find(ids.subspan(i, last - i), run > 1);
      const Column* column = block == nullptr ? nullptr : block->column(key_);
      if (column == nullptr) {
        missing(i, last);
      } else {
        take(*column, i, last, run > 1);
      }
      i = last;
    }
    finish();
  }

 private:
  bool goes_on(size_t i) const {
    return i + 1 < ids_.size() && EntityBlock::index_of(ids_[i + 1]) == EntityBlock::index_of(ids_[i]);
  }
  // Takes rows from `i` on one by one into `out`, up to where several are of one block or a column is of another kind;
  // gives the row behind the last one taken.
  template <typename Find, typename Resident>
  size_t scattered(size_t i, Find& find, Resident& resident) {
    if (!near_used_ && ids_.size() - i >= kNearMin) {
      near_used_ = true;
      std::fill(near_, near_ + kNear, Near{kNoId, nullptr});
    }
    switch (out_->kind) {
      case PropertyColumn::Kind::kIntegers:
        return scattered<Column::Kind::kIntegers>(
            i, find, resident, [out = out_->integers.data()](const Column& c, uint32_t row, size_t to) {
              out[to] = c.integer(row);
              return true;
            });
      case PropertyColumn::Kind::kWords: return scattered_words(i, find, resident);
      case PropertyColumn::Kind::kFloats:
        return scattered<Column::Kind::kFloats>(i, find, resident,
                                                [out = out_->floats.data()](const Column& c, uint32_t row, size_t to) {
                                                  out[to] = c.float_array()[row];
                                                  return true;
                                                });
      case PropertyColumn::Kind::kLists:
        return scattered<Column::Kind::kLists>(
            i, find, resident, [this](const Column& c, uint32_t row, size_t to) { return take_text(c, row, to); });
      default:
        return scattered<Column::Kind::kStrings>(
            i, find, resident, [this](const Column& c, uint32_t row, size_t to) { return take_text(c, row, to); });
    }
  }
  template <typename Find, typename Resident>
  size_t scattered_words(size_t i, Find& find, Resident& resident) {
    if (out_->word_type.type == ValueType::kBoolean) {
      return scattered<Column::Kind::kBooleans>(
          i, find, resident, [out = out_->integers.data()](const Column& c, uint32_t row, size_t to) {
            out[to] = c.boolean(row) ? 1 : 0;
            return true;
          });
    }
    return scattered<Column::Kind::kWords>(i, find, resident, [this](const Column& c, uint32_t row, size_t to) {
      out_->integers[to] = c.integer(row);
      return c.word_type() == out_->word_type;
    });
  }
  template <Column::Kind kind, typename Find, typename Resident, typename TakeOne>
  size_t scattered(size_t i, Find& find, Resident& resident, TakeOne take_one) {
    const size_t count = ids_.size();
    uint32_t place = 0;  // of the key in the block before
    for (; i < count; ++i) {
      const uint64_t id = ids_[i];
      if (id == kNoId || goes_on(i)) break;
      const uint64_t index = EntityBlock::index_of(id);
      Near& near = near_[index % kNear];
      const Column* column = nullptr;
      if (near_used_ && near.index == index) {
        column = near.column;
      } else {
        const EntityBlock* block = near_used_ ? resident(index) : nullptr;
        const bool stays = block != nullptr;
        if (!stays) block = find(ids_.subspan(i, 1), false);
        if (block != nullptr) {
          const bool there = place < block->column_count && block->slots()[place].key == key_;
          column = there ? block->column_at(place) : block->column(key_, &place);
          if (column != nullptr && column->present == 0) column = nullptr;
        }
        if (stays) near = {index, column};
      }
      const uint32_t row = EntityBlock::row_of(id);
      if (column == nullptr || !column->valid(row)) {
        missing(i, i + 1);
        continue;
      }
      if (column->column_kind != kind || !take_one(*column, row, i)) break;
    }
    return i;
  }
  // The length of the run of consecutive ids of one block that begins at `from` when it fills the block or the batch,
  // otherwise 1.
  size_t run_length(size_t from) const;
  // Rows from .. last - 1 are of the block of `column`; `run`: their ids are consecutive.
  void take(const Column& column, size_t from, size_t last, bool run);
  // `number`: what a stored one stands for.
  template <typename Stored, typename Number, typename T>
  void take_numbers(const Column& column, const Stored* stored, Number number, size_t from, size_t last, bool run,
                    std::vector<T>* out);
  void take_booleans(const Column& column, size_t from, size_t last, bool run);
  void take_texts(const Column& column, size_t from, size_t last, bool run);
  bool take_text(const Column& column, uint32_t row, size_t to);
  bool append_span(const Column& column, size_t from, size_t last, uint32_t row);
  void missing(size_t from, size_t last);
  void leave_out_missing(const Column& column, uint32_t first, size_t from, size_t last);
  void begin();
  // `kind` and `words` as of the column that is about to be taken.
  void start(PropertyColumn::Kind kind, WordType words, size_t from);
  void to_values(size_t from);
  void finish();
  KeyId key_;
  PropertyColumn* out_;
  std::span<const uint64_t> ids_;
  bool started_ = false;  // any value seen yet?

  // Scattered ids come to the same blocks again and again: their columns are found here, without a walk to the block.
  struct Near {
    uint64_t index;  // of the block; kNoId: none
    const Column* column;
  };
  static constexpr size_t kNear = 512;
  static constexpr size_t kNearMin = 256;  // for fewer ids it does not pay
  bool near_used_ = false;
  Near near_[kNear];  // set once near_used_ is
};

}  // namespace lora::graph::cache
