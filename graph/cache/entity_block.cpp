#include "graph/cache/entity_block.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "graph/cache/versions.h"
#include "kv/check.h"

namespace lora::graph::cache {

namespace {

bool owned(WriteContext* context, const Object* object) {
  return context == nullptr || context->mine(object);
}

// `old` is no longer part of the block; `by` has taken its place.
void replace(WriteContext* context, Object* old, Object* by) {
  if (context == nullptr) {
    free_object(old);
  } else if (by != nullptr && context->mine(old)) {
    context->replaced(old, by);
  } else {
    context->retire(old);
  }
}

// In place of one that was found to have no value. Never freed.
Column* empty_column() {
  static Column* const shared = [] {
    auto* column = new (allocate(nullptr, sizeof(Column))) Column(Column::Kind::kBooleans);
    std::fill(std::begin(column->boolean_bits), std::end(column->boolean_bits), 0);
    column->flags = Object::kStatic;
    return column;
  }();
  return shared;
}

EntityBlock* allocate_block(WriteContext* context, uint32_t column_capacity) {
  const size_t bytes = sizeof(EntityBlock) + column_capacity * sizeof(EntityBlock::ColumnSlot);
  auto* block = new (allocate(context, bytes)) EntityBlock;
  block->column_capacity = static_cast<uint16_t>(column_capacity);
  register_object(context, block, bytes);
  return block;
}

EntityBlock* copy_block(WriteContext* context, EntityBlock* block, uint32_t column_capacity) {
  LORA_DCHECK(context == nullptr || block->is_whole());
  EntityBlock* copy = allocate_block(context, column_capacity);
  copy->rows = block->rows;
  copy->count = block->count;
  copy->stored = block->stored;
  copy->lacks_columns.store(block->lacks_columns.load(std::memory_order_relaxed), std::memory_order_relaxed);
  std::memcpy(copy->exists_bits, block->exists_bits, sizeof copy->exists_bits);
  copy->label_sets = block->label_sets;
  copy->ends = block->ends;
  for (uint32_t i = 0; i < block->column_count; ++i) {
    const EntityBlock::ColumnSlot& slot = block->slots()[i];
    if (slot.column != nullptr && slot.column->present == 0) continue;  // loaded, and found to be empty
    new (copy->slots() + copy->column_count++) EntityBlock::ColumnSlot(slot);
  }
  replace(context, block, copy);
  return copy;
}

EntityBlock* own_block(WriteContext* context, EntityBlock* block) {
  if ((block->flags & Object::kStatic) == 0 && owned(context, block)) return block;
  return copy_block(context, block, block->column_count + 2u);
}

// --- labels ---

LabelSets* allocate_sets(WriteContext* context, uint32_t sets, uint32_t label_count, bool uniform) {
  const size_t bytes =
      sizeof(LabelSets) + (uniform ? 0 : 256) + (sets + 1) * sizeof(uint32_t) + label_count * sizeof(LabelId);
  auto* made = new (allocate(context, bytes)) LabelSets;
  made->sets = static_cast<uint16_t>(sets);
  made->uniform = uniform;
  made->label_count = label_count;
  register_object(context, made, bytes);
  return made;
}

// A table from distinct sets and each row's set.
LabelSets* build_sets(WriteContext* context, const std::vector<std::span<const LabelId>>& sets,
                      const uint8_t* row_set) {
  size_t label_count = 0;
  for (const auto& set : sets) label_count += set.size();
  LabelSets* made = allocate_sets(context, static_cast<uint32_t>(sets.size()), static_cast<uint32_t>(label_count),
                                  row_set == nullptr);
  if (row_set != nullptr) std::memcpy(const_cast<uint8_t*>(made->row_set()), row_set, 256);
  auto* starts = const_cast<uint32_t*>(made->starts());
  auto* labels = const_cast<LabelId*>(made->labels());
  uint32_t at = 0;
  for (size_t i = 0; i < sets.size(); ++i) {
    starts[i] = at;
    for (LabelId label : sets[i]) new (labels + at++) LabelId(label);
  }
  starts[sets.size()] = at;
  return made;
}

bool same_labels(std::span<const LabelId> a, std::span<const LabelId> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

// The block's table after `row` has got `labels`. `block` is mine; the row may exist already.
void put_labels(WriteContext* context, EntityBlock* block, uint32_t row, std::span<const LabelId> labels) {
  LabelSets* old = block->label_sets;
  // Rows other than this one that carry labels or the lack of them.
  const uint32_t others = block->count - (block->exists(row) ? 1 : 0);
  if (old == nullptr && labels.empty()) return;
  if (others == 0) {
    if (old != nullptr && old->uniform && same_labels(old->set(0), labels)) return;
    LabelSets* made = labels.empty() ? nullptr : build_sets(context, {labels}, nullptr);
    block->label_sets = made;
    if (old != nullptr) replace(context, old, made);
    return;
  }
  if (old != nullptr && old->uniform && same_labels(old->set(0), labels)) return;
  if (old != nullptr && !old->uniform) {
    // The usual change of a mixed block: the set is known.
    for (uint32_t i = 0; i < old->sets; ++i) {
      if (!same_labels(old->set(i), labels)) continue;
      if (old->row_set()[row] == i) return;
      LabelSets* table = old;
      if (!owned(context, old)) {
        table = allocate_sets(context, old->sets, old->label_count, false);
        std::memcpy(static_cast<void*>(table + 1), static_cast<const void*>(old + 1), old->bytes - sizeof(LabelSets));
        block->label_sets = table;
        replace(context, old, table);
      }
      const_cast<uint8_t*>(table->row_set())[row] = static_cast<uint8_t>(i);
      return;
    }
  }
  // A new set: rebuild from the rows in use, so that sets nobody has any more go away (at most 256 remain).
  std::vector<std::span<const LabelId>> sets;
  uint8_t row_set[256] = {};
  int16_t renumbered[256];
  std::fill(std::begin(renumbered), std::end(renumbered), int16_t{-1});
  sets.push_back(labels);
  int32_t no_labels = labels.empty() ? 0 : -1;
  for (uint32_t r = 0; r < EntityBlock::kRows; ++r) {
    if (r == row || !block->exists(r)) continue;
    if (old == nullptr) {
      if (no_labels < 0) {
        no_labels = static_cast<int32_t>(sets.size());
        sets.push_back({});
      }
      row_set[r] = static_cast<uint8_t>(no_labels);
      continue;
    }
    const uint32_t before = old->uniform ? 0 : old->row_set()[r];
    if (renumbered[before] < 0) {
      renumbered[before] = static_cast<int16_t>(sets.size());
      sets.push_back(old->set(before));
    }
    row_set[r] = static_cast<uint8_t>(renumbered[before]);
  }
  row_set[row] = 0;
  LabelSets* made = build_sets(context, sets, sets.size() == 1 ? nullptr : row_set);
  block->label_sets = made;
  if (old != nullptr) replace(context, old, made);
}

// --- ends ---

struct EndRuns {
  uint32_t starts = 0, ends = 0;
  friend bool operator==(EndRuns, EndRuns) = default;
};

RelationshipEnds* allocate_ends(WriteContext* context, uint32_t capacity, EndRuns runs, uint8_t width, bool one_type) {
  RelationshipEnds header;
  header.capacity = static_cast<uint16_t>(capacity);
  header.start_runs = static_cast<uint16_t>(runs.starts);
  header.end_runs = static_cast<uint16_t>(runs.ends);
  header.width = width;
  const size_t bytes = sizeof header + header.id_bytes() + (one_type ? 0 : capacity * sizeof(uint32_t));
  auto* ends = new (allocate(context, bytes)) RelationshipEnds;
  ends->capacity = header.capacity;
  ends->start_runs = header.start_runs;
  ends->end_runs = header.end_runs;
  ends->width = width;
  ends->one_type = one_type;
  register_object(context, ends, bytes);
  return ends;
}

// Neither side has runs.
void put_ids(RelationshipEnds* ends, uint32_t row, uint64_t start, uint64_t end) {
  put_packed_id(ends->first(), ends->width, row, start);
  put_packed_id(ends->first() + size_t{ends->capacity} * ends->width, ends->width, row, end);
}

// Writes the ids of `rows` rows to `to`, in runs if `runs` is not 0: so many there are.
void put_side(char* to, uint32_t runs, uint8_t width, const uint64_t* ids, uint32_t rows) {
  if (runs == 0) {
    pack_ids(ids, rows, width, to);
    return;
  }
  uint64_t bits[4] = {0, 0, 0, 0};
  static_assert(sizeof bits == EndIds::kBitsBytes && EntityBlock::kRows == 256);
  size_t run = 0;
  for (uint32_t r = 0; r < rows; ++r) {
    if (r != 0 && ids[r] == ids[r - 1]) continue;
    if (r != 0) bits[r >> 6] |= uint64_t{1} << (r & 63);
    put_packed_id(to + EndIds::kBitsBytes, width, run++, ids[r]);
  }
  LORA_DCHECK(run == runs);
  std::memcpy(to, bits, sizeof bits);
}

void copy_side(char* to, uint32_t runs, uint8_t width, EndIds from, uint32_t rows) {
  if (runs == 0 && from.runs == 0 && from.width == width) {
    std::memcpy(to, from.first, size_t{rows} * width);
    return;
  }
  uint64_t ids[EntityBlock::kRows];
  from.get(rows, ids);
  put_side(to, runs, width, ids, rows);
}

RelationshipEnds* copy_ends(WriteContext* context, const RelationshipEnds* old, uint32_t capacity, EndRuns runs,
                            uint8_t width, bool one_type) {
  RelationshipEnds* copy = allocate_ends(context, capacity, runs, width, one_type);
  copy->rows = old->rows;
  copy->type = old->type;
  copy_side(copy->first(), runs.starts, width, old->starts(), old->rows);
  copy_side(copy->first() + EndIds::bytes(capacity, runs.starts, width), runs.ends, width, old->ends(), old->rows);
  if (!one_type) {
    for (uint32_t r = 0; r < old->rows; ++r) copy->types()[r] = old->type_of(r).value;
  }
  return copy;
}

// In how many runs a side is kept, 0 where that does not save a good part of its memory.
uint32_t runs_of(const uint64_t* ids, uint32_t rows, uint8_t width) {
  uint32_t runs = rows == 0 ? 0 : 1;
  for (uint32_t r = 1; r < rows; ++r) runs += ids[r] != ids[r - 1] ? 1 : 0;
  return EndIds::bytes(rows, runs, width) <= EndIds::bytes(rows, 0, width) * 3 / 4 ? runs : 0;
}

uint32_t runs_of(EndIds side, uint32_t rows) {
  uint64_t ids[EntityBlock::kRows];
  side.get(rows, ids);
  return runs_of(ids, rows, side.width);
}

// The ends in the form for rows that are all there, without room for more; `ends` itself if it is that already.
RelationshipEnds* final_ends(WriteContext* context, RelationshipEnds* ends) {
  const EndRuns runs{runs_of(ends->starts(), ends->rows), runs_of(ends->ends(), ends->rows)};
  if (runs == EndRuns{ends->start_runs, ends->end_runs} && ends->capacity <= ends->rows + 7u) return ends;
  RelationshipEnds* exact = copy_ends(context, ends, ends->rows, runs, ends->width, ends->one_type);
  replace(context, ends, exact);
  return exact;
}

void put_ends(WriteContext* context, EntityBlock* block, uint32_t row, RelTypeId type, NodeId start, NodeId end) {
  RelationshipEnds* ends = block->ends;
  uint8_t width = packed_id_width(start.value | end.value);
  if (ends == nullptr) {
    ends = allocate_ends(context, context == nullptr ? 256 : std::min(256u, (row + 8) & ~7u), {}, width, true);
    ends->type = type.value;
    block->ends = ends;
  }
  const bool mine = owned(context, ends);
  const bool one_type = ends->one_type && (ends->type == type.value || ends->rows == 0);
  width = std::max(width, ends->width);
  const bool plain = ends->start_runs == 0 && ends->end_runs == 0;
  if (!mine || !plain || row >= ends->capacity || width != ends->width || one_type != ends->one_type) {
    uint32_t capacity = std::max<uint32_t>(ends->rows, row + 1);
    capacity = mine && row >= ends->capacity ? capacity + capacity / 2 + 8 : capacity;
    capacity = context == nullptr ? 256 : std::min<uint32_t>(256, (capacity + 7) & ~7u);
    RelationshipEnds* copy = copy_ends(context, ends, capacity, {}, width, one_type);
    replace(context, ends, copy);
    block->ends = ends = copy;
  }
  // Rows that were skipped are never asked for, but copies read them.
  for (uint32_t r = ends->rows; r < row; ++r) {
    put_ids(ends, r, 0, 0);
    if (!one_type) ends->types()[r] = 0;
  }
  put_ids(ends, row, start.value, end.value);
  if (one_type) {
    ends->type = type.value;
  } else {
    ends->types()[row] = type.value;
  }
  if (row < ends->rows) return;
  ends->rows = static_cast<uint16_t>(row + 1);
  // Ids ascend: the last row is put last.
  if (context != nullptr && ends->rows == EntityBlock::kRows) block->ends = final_ends(context, ends);
}

// --- properties ---

// Before the slot `at`; `block` and `column` are mine. May move the block.
EntityBlock* insert_column(WriteContext* context, EntityBlock* block, uint32_t at, KeyId key, Column* column) {
  if (block->column_count == block->column_capacity) {
    Loaded<Column> owner = own_loaded(context, column);
    block = copy_block(context, block, block->column_count + std::max(4u, block->column_count / 2u));
    static_cast<void>(owner.release());
  }
  // Nothing fails from here on.
  EntityBlock::ColumnSlot* slots = block->slots();
  for (uint32_t i = block->column_count; i > at; --i) slots[i] = slots[i - 1];
  slots[at] = {key, false, column};
  ++block->column_count;
  return block;
}

// Sets one column's value; `block` is mine. May move the block.
EntityBlock* put_property(WriteContext* context, EntityBlock* block, uint32_t row, KeyId key, const Value& value) {
  EntityBlock::ColumnSlot* slots = block->slots();
  uint32_t at = 0;
  while (at < block->column_count && slots[at].key < key) ++at;
  if (at < block->column_count && slots[at].key == key) {
    Column* column = Column::set(context, slots[at].column, row, value);
    if (column != nullptr) {
      slots[at].column = column;
      return block;
    }
    for (uint32_t i = at; i + 1 < block->column_count; ++i) slots[i] = slots[i + 1];
    --block->column_count;
    return block;
  }
  if (value.is_null()) return block;
  return insert_column(context, block, at, key, Column::set(context, nullptr, row, value));
}

void mark_created(EntityBlock* block, uint32_t row) {
  block->exists_bits[row >> 6] |= uint64_t{1} << (row & 63);
  ++block->count;
  if (row >= block->rows) block->rows = static_cast<uint16_t>(row + 1);
}

}  // namespace

void EndIds::get(uint32_t rows, uint64_t* out) const {
  if (runs == 0) {
    unpack_ids(first, width, 0, rows, out);
    return;
  }
  uint64_t bits[4];
  std::memcpy(bits, first, sizeof bits);
  size_t run = 0;
  for (uint32_t row = 0; row < rows; ++row) {
    run += bits[row >> 6] >> (row & 63) & 1;
    out[row] = packed_id(first + kBitsBytes, width, run);
  }
}

EntityBlock* EntityBlock::empty() {
  static EntityBlock* const shared = [] {
    auto* block = new (allocate(nullptr, sizeof(EntityBlock))) EntityBlock;
    block->flags = kStatic;
    return block;
  }();
  return shared;
}

EntityBlock* EntityBlock::make(WriteContext* context) {
  return allocate_block(context, 8);
}

EntityBlock* EntityBlock::writable(WriteContext& context, EntityBlock* block) {
  return own_block(&context, block);
}

void EntityBlock::properties(uint32_t row, std::vector<Property>* out) const {
  for (const ColumnSlot& slot : columns()) {
    if (slot.column->valid(row)) out->push_back({slot.key, slot.column->get(row)});
  }
}

EntityBlock* EntityBlock::create_node(WriteContext* context, EntityBlock* block, uint32_t row,
                                      std::span<const LabelId> labels, std::span<const Property> properties) {
  LORA_DCHECK(row < kRows && !block->exists(row));
  block = own_block(context, block);
  put_labels(context, block, row, labels);
  mark_created(block, row);
  for (const Property& p : properties) block = put_property(context, block, row, p.key, p.value);
  return block;
}

EntityBlock* EntityBlock::create_relationship(WriteContext* context, EntityBlock* block, uint32_t row, RelTypeId type,
                                              NodeId start, NodeId end, std::span<const Property> properties) {
  LORA_DCHECK(row < kRows && !block->exists(row));
  block = own_block(context, block);
  put_ends(context, block, row, type, start, end);
  mark_created(block, row);
  for (const Property& p : properties) block = put_property(context, block, row, p.key, p.value);
  return block;
}

EntityBlock* EntityBlock::set_property(WriteContext* context, EntityBlock* block, uint32_t row, KeyId key,
                                       const Value& value) {
  block = own_block(context, block);
  return put_property(context, block, row, key, value);
}

EntityBlock* EntityBlock::set_labels(WriteContext* context, EntityBlock* block, uint32_t row,
                                     std::span<const LabelId> labels) {
  block = own_block(context, block);
  put_labels(context, block, row, labels);
  return block;
}

void EntityBlock::set_listed(EntityBlock* block, std::span<const KeyId> keys) {
  for (uint32_t i = 0; i < block->column_count; ++i) {
    block->slots()[i].listed = std::ranges::binary_search(keys, block->slots()[i].key);
  }
}

uint64_t EntityBlock::take_columns(const EntityBlock* block, EntityBlock* from) {
  if ((from->flags & kStatic) != 0) return 0;
  auto* const to = const_cast<EntityBlock*>(block);
  Column* const empty = empty_column();  // nothing fails from here on
  uint64_t bytes = 0;
  bool whole = true;
  for (uint32_t i = 0; i < to->column_count; ++i) {
    if (to->column_at(i) != nullptr) continue;
    uint32_t place;
    const bool known = from->find(to->slots()[i].key, &place);
    Column* const column = known ? from->slots()[place].column : empty;
    if (column == nullptr) {
      whole = false;
      continue;
    }
    const uint64_t column_bytes = column->bytes;
    Column* there = nullptr;
    if (!std::atomic_ref(to->slots()[i].column)
             .compare_exchange_strong(there, column, std::memory_order_acq_rel, std::memory_order_acquire)) {
      continue;
    }
    if (known) from->slots()[place].column = nullptr;
    bytes += column_bytes;
  }
  // Each thread that has seen all of them says so: it may go on before the one that put the last.
  if (whole) to->lacks_columns.store(false, std::memory_order_release);
  return bytes;
}

EntityBlock* EntityBlock::erase(WriteContext* context, EntityBlock* block, uint32_t row) {
  if (!block->exists(row)) return block;
  block = own_block(context, block);
  for (uint32_t i = block->column_count; i-- > 0;) {
    if (block->slots()[i].column->valid(row)) block = put_property(context, block, row, block->slots()[i].key, Value());
  }
  block->exists_bits[row >> 6] &= ~(uint64_t{1} << (row & 63));
  --block->count;
  return block;
}

// --- builder ---

void EntityBlockBuilder::add_node(uint32_t row, std::span<const LabelId> labels, std::span<const Property> properties) {
  if (block_ == nullptr) block_.reset(EntityBlock::make(nullptr));
  keep(EntityBlock::create_node(nullptr, block_.get(), row, labels, {}));
  add_properties(row, properties);
}

void EntityBlockBuilder::add_relationship(uint32_t row, RelTypeId type, NodeId start, NodeId end,
                                          std::span<const Property> properties) {
  if (block_ == nullptr) block_.reset(EntityBlock::make(nullptr));
  keep(EntityBlock::create_relationship(nullptr, block_.get(), row, type, start, end, {}));
  add_properties(row, properties);
}

EntityBlock* EntityBlockBuilder::put_rows(const uint64_t* rows) {
  LORA_DCHECK(block_ == nullptr);
  block_.reset(EntityBlock::make(nullptr));
  EntityBlock* const block = block_.get();
  for (uint32_t w = 0; w < EntityBlock::kRows / 64; ++w) {
    block->exists_bits[w] = rows[w];
    block->count = static_cast<uint16_t>(block->count + std::popcount(rows[w]));
    if (rows[w] != 0) block->rows = static_cast<uint16_t>(w * 64 + static_cast<uint32_t>(std::bit_width(rows[w])));
  }
  return block;
}

void EntityBlockBuilder::put_nodes(const uint64_t* rows, const std::vector<std::span<const LabelId>>& sets,
                                   const uint8_t* row_set) {
  EntityBlock* const block = put_rows(rows);
  if (sets.size() != 1 || !sets.front().empty()) {
    block->label_sets = build_sets(nullptr, sets, sets.size() == 1 ? nullptr : row_set);
  }
}

namespace {

uint32_t first_row(const uint64_t* rows) {
  uint32_t word = 0;
  while (rows[word] == 0) ++word;
  return word * 64 + static_cast<uint32_t>(std::countr_zero(rows[word]));
}

}  // namespace

void EntityBlockBuilder::put_relationships(const uint64_t* rows, const uint32_t* types, const uint64_t* starts,
                                           const uint64_t* ends) {
  EntityBlock* const block = put_rows(rows);
  const uint32_t type = types[first_row(rows)];
  uint64_t all = 0;
  uint32_t other_types = 0;
  for_each_row(rows, [&](uint32_t row) {
    all |= starts[row] | ends[row];
    other_types |= types[row] ^ type;
  });
  uint64_t there[2][EntityBlock::kRows];
  if (block->count < block->rows) {
    // What is not there is never asked for: it has what is before it, for runs.
    for (uint32_t row = 0; row < block->rows; ++row) {
      const bool exists = block->exists(row);
      there[0][row] = exists ? starts[row] : row == 0 ? 0 : there[0][row - 1];
      there[1][row] = exists ? ends[row] : row == 0 ? 0 : there[1][row - 1];
    }
    starts = there[0];
    ends = there[1];
  }
  const uint8_t width = packed_id_width(all);
  const EndRuns runs{runs_of(starts, block->rows, width), runs_of(ends, block->rows, width)};
  RelationshipEnds* const made = allocate_ends(nullptr, block->rows, runs, width, other_types == 0);
  block->ends = made;
  whole_ends_ = made;
  made->rows = block->rows;
  made->type = type;
  put_side(made->first(), runs.starts, width, starts, block->rows);
  put_side(made->first() + EndIds::bytes(made->capacity, runs.starts, width), runs.ends, width, ends, block->rows);
  if (!made->one_type) {
    for (uint32_t row = 0; row < block->rows; ++row) made->types()[row] = block->exists(row) ? types[row] : 0;
  }
}

// One by one: each may find no memory, and the one before may have moved the block (and freed the old one).
void EntityBlockBuilder::add_properties(uint32_t row, std::span<const Property> properties) {
  for (const Property& p : properties) {
    keep(EntityBlock::set_property(nullptr, block_.get(), row, p.key, p.value));
  }
}

void EntityBlockBuilder::set_property(uint32_t row, KeyId key, const Value& value) {
  keep(EntityBlock::set_property(nullptr, block_.get(), row, key, value));
}

void EntityBlockBuilder::put_column(KeyId key, Loaded<Column> column) {
  const EntityBlock::ColumnSlot* slots = block_->slots();
  uint32_t at = 0;
  while (at < block_->column_count && slots[at].key < key) ++at;
  EntityBlock* const block = insert_column(nullptr, block_.get(), at, key, column.get());
  static_cast<void>(column.release());
  keep(block);
}

void EntityBlockBuilder::put_unloaded(KeyId key) {
  uint32_t place;
  if (block_->find(key, &place)) return;
  put_column(key, nullptr);
  block_->lacks_columns.store(true, std::memory_order_relaxed);
}

void EntityBlockBuilder::keep(EntityBlock* block) {
  if (block == block_.get()) return;
  static_cast<void>(block_.release());
  block_.reset(block);
}

Loaded<EntityBlock> EntityBlockBuilder::finish() {
  if (block_ == nullptr) return Loaded<EntityBlock>(EntityBlock::empty());
  EntityBlock* const block = block_.get();
  for (uint32_t i = 0; i < block->column_count; ++i) {
    Column*& column = block->slots()[i].column;
    if (column != nullptr) column = Column::shrink(column);
  }
  if (block->ends != nullptr && block->ends != whole_ends_) block->ends = final_ends(nullptr, block->ends);
  whole_ends_ = nullptr;
  return std::move(block_);
}

// --- gathering ---

size_t Gatherer::run_length(size_t from) const {
  const uint64_t first = ids_[from];
  const size_t length = std::min<size_t>(EntityBlock::kRows - EntityBlock::row_of(first), ids_.size() - from);
  const uint64_t* ids = ids_.data() + from;
  if (ids[length - 1] != first + length - 1) return 1;
  // Four lanes of two ids each.
  using Two = uint64_t __attribute__((vector_size(16)));
  constexpr size_t kLanes = 4;
  Two expected[kLanes], different[kLanes] = {};
  for (size_t k = 0; k < kLanes; ++k) expected[k] = Two{first + 2 * k, first + 2 * k + 1};
  size_t i = 0;
  for (; i + 2 * kLanes <= length; i += 2 * kLanes) {
    for (size_t k = 0; k < kLanes; ++k) {
      Two two;
      std::memcpy(&two, ids + i + 2 * k, sizeof two);
      different[k] |= two ^ expected[k];
      expected[k] += 2 * kLanes;
    }
  }
  const Two all = (different[0] | different[1]) | (different[2] | different[3]);
  uint64_t any = all[0] | all[1];
  for (; i < length; ++i) any |= ids[i] ^ (first + i);
  return any == 0 ? length : 1;
}

void Gatherer::begin() {
  started_ = false;
  out_->nulls.clear();
  out_->texts.clear();
}

void Gatherer::start(PropertyColumn::Kind kind, WordType words, size_t from) {
  started_ = true;
  out_->kind = kind;
  out_->word_type = words;
  const size_t count = ids_.size();
  switch (kind) {
    case PropertyColumn::Kind::kValues: out_->values.assign(count, Value()); return;
    case PropertyColumn::Kind::kIntegers:
    case PropertyColumn::Kind::kWords: out_->integers.resize(count); break;
    case PropertyColumn::Kind::kFloats: out_->floats.resize(count); break;
    case PropertyColumn::Kind::kStrings:
    case PropertyColumn::Kind::kLists: out_->texts.entries.resize(count); break;
  }
  missing(0, from);
}

void Gatherer::missing(size_t from, size_t last) {
  if (!started_ || out_->kind == PropertyColumn::Kind::kValues || from == last) return;
  if (out_->nulls.empty()) out_->nulls.assign(ids_.size(), 0);
  std::fill(out_->nulls.begin() + static_cast<ptrdiff_t>(from), out_->nulls.begin() + static_cast<ptrdiff_t>(last), 1);
  for (size_t i = from; i < last; ++i) {
    switch (out_->kind) {
      case PropertyColumn::Kind::kIntegers:
      case PropertyColumn::Kind::kWords: out_->integers[i] = 0; break;
      case PropertyColumn::Kind::kFloats: out_->floats[i] = 0; break;
      case PropertyColumn::Kind::kStrings:
      case PropertyColumn::Kind::kLists: out_->texts.entries[i] = {}; break;
      case PropertyColumn::Kind::kValues: break;
    }
  }
}

// Boxes the rows before `from`; the others have not been read yet.
void Gatherer::to_values(size_t from) {
  out_->values.assign(ids_.size(), Value());
  for (size_t i = 0; i < from; ++i) {
    if (!out_->nulls.empty() && out_->nulls[i] != 0) continue;
    switch (out_->kind) {
      case PropertyColumn::Kind::kIntegers: out_->values[i] = Value::integer(out_->integers[i]); break;
      case PropertyColumn::Kind::kWords: out_->values[i] = from_word(out_->word_type, out_->integers[i]); break;
      case PropertyColumn::Kind::kFloats: out_->values[i] = Value::floating(out_->floats[i]); break;
      case PropertyColumn::Kind::kStrings: out_->values[i] = Value::string(out_->texts[i]); break;
      case PropertyColumn::Kind::kLists: out_->values[i] = Value::packed_list(out_->texts[i]); break;
      case PropertyColumn::Kind::kValues: break;
    }
  }
  out_->kind = PropertyColumn::Kind::kValues;
  out_->nulls.clear();
}

void Gatherer::finish() {
  using Kind = PropertyColumn::Kind;
  if (!started_) start(Kind::kValues, {}, 0);
  if (out_->kind != Kind::kValues) out_->values.clear();
  if (out_->kind != Kind::kIntegers && out_->kind != Kind::kWords) out_->integers.clear();
  if (out_->kind != Kind::kFloats) out_->floats.clear();
  if (out_->kind != Kind::kStrings && out_->kind != Kind::kLists) out_->texts.clear();
}

// Of rows first .. of the column, one for each id from `from` on below `last`: those without a value.
void Gatherer::leave_out_missing(const Column& column, uint32_t first, size_t from, size_t last) {
  const auto end = static_cast<uint32_t>(first + (last - from));
  for (uint32_t row = first; row < end;) {
    // The bits from `row` on in its word: those with a value, then those without.
    const uint64_t word = column.valid_bits[row >> 6] >> (row & 63);
    const auto there = static_cast<uint32_t>(std::countr_one(word));
    const uint32_t left = std::min(64 - (row & 63), end - row);
    if (there >= left) {
      row += left;
      continue;
    }
    row += there;
    const auto gone = static_cast<uint32_t>(std::countr_zero(column.valid_bits[row >> 6] >> (row & 63)));
    const uint32_t count = std::min(gone, left - there);
    missing(from + (row - first), from + (row - first) + count);
    row += count;
  }
}

void Gatherer::take(const Column& column, size_t from, size_t last, bool run) {
  using Kind = PropertyColumn::Kind;
  Kind kind = Kind::kValues;
  WordType words = column.word_type();
  switch (column.column_kind) {
    case Column::Kind::kIntegers: kind = Kind::kIntegers; break;
    case Column::Kind::kWords: kind = Kind::kWords; break;
    case Column::Kind::kBooleans:
      kind = Kind::kWords;
      words = {ValueType::kBoolean, 0};
      break;
    case Column::Kind::kFloats: kind = Kind::kFloats; break;
    case Column::Kind::kStrings: kind = Kind::kStrings; break;
    case Column::Kind::kLists: kind = Kind::kLists; break;
    case Column::Kind::kValues: break;
  }
  if (!started_) {
    // A column without a value among these rows decides nothing.
    bool any = false;
    for (size_t i = from; i < last && !any; ++i) any = column.valid(EntityBlock::row_of(ids_[i]));
    if (!any) return;
    start(kind, words, from);
  } else if (out_->kind != Kind::kValues && (kind != out_->kind || words != out_->word_type)) {
    to_values(from);
  }
  switch (out_->kind) {
    case Kind::kWords:
      if (column.column_kind == Column::Kind::kBooleans) return take_booleans(column, from, last, run);
      [[fallthrough]];
    case Kind::kIntegers:
      column.with_integers([&](const auto* distances) {
        const auto base = static_cast<uint64_t>(column.integers.base);
        take_numbers(
            column, distances, [=](auto distance) { return static_cast<int64_t>(base + distance); }, from, last, run,
            &out_->integers);
      });
      return;
    case Kind::kFloats:
      take_numbers(
          column, column.float_array(), [](double x) { return x; }, from, last, run, &out_->floats);
      return;
    case Kind::kStrings:
    case Kind::kLists: take_texts(column, from, last, run); return;
    case Kind::kValues:
      for (size_t i = from; i < last; ++i) out_->values[i] = column.get(EntityBlock::row_of(ids_[i]));
      return;
  }
}

template <typename Stored, typename Number, typename T>
void Gatherer::take_numbers(const Column& column, const Stored* stored, Number number, size_t from, size_t last,
                            bool run, std::vector<T>* out) {
  const uint32_t first = EntityBlock::row_of(ids_[from]);
  T* const to = out->data() + from;
  const size_t count = last - from;
  if (run) {
    const size_t held = std::min<size_t>(count, column.rows - std::min<size_t>(column.rows, first));
    for (size_t i = 0; i < held; ++i) to[i] = number(stored[first + i]);
    if (held < count || column.present < column.rows) leave_out_missing(column, first, from, last);
    return;
  }
  const uint64_t* const ids = ids_.data() + from;
  if (column.present == column.rows) {
    // No gaps before the column's end.
    bool inside = true;
    for (size_t i = 0; i < count; ++i) inside &= EntityBlock::row_of(ids[i]) < column.rows;
    if (inside) {
      for (size_t i = 0; i < count; ++i) to[i] = number(stored[EntityBlock::row_of(ids[i])]);
      return;
    }
  }
  for (size_t i = 0; i < count; ++i) {
    const uint32_t row = EntityBlock::row_of(ids[i]);
    if (column.valid(row)) {
      to[i] = number(stored[row]);
    } else {
      missing(from + i, from + i + 1);
    }
  }
}

void Gatherer::take_booleans(const Column& column, size_t from, size_t last, bool run) {
  const uint64_t* const ids = ids_.data() + from;
  int64_t* const to = out_->integers.data() + from;
  const size_t count = last - from;
  for (size_t i = 0; i < count; ++i) to[i] = column.boolean(EntityBlock::row_of(ids[i])) ? 1 : 0;
  if (run) return leave_out_missing(column, EntityBlock::row_of(ids[0]), from, last);
  for (size_t i = 0; i < count; ++i) {
    if (!column.valid(EntityBlock::row_of(ids[i]))) missing(from + i, from + i + 1);
  }
}

namespace {

// Where GCC knows that a length is at most a few thousand, it copies with `rep movs`, which is slow to begin.
void copy_text(char* to, const char* from, size_t length) {
  __asm__("" : "+r"(length));
  std::memcpy(to, from, length);
}

}  // namespace

// A run of rows whose text is most of a stretch of the arena: the stretch is copied whole.
bool Gatherer::append_span(const Column& column, size_t from, size_t last, uint32_t row) {
  const TextPlace* stored = column.string_array() + row;
  const size_t count = last - from;
  const bool whole = column.present == EntityBlock::kRows;
  uint32_t low = UINT32_MAX, high = 0, total = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!whole && !column.valid(row + static_cast<uint32_t>(i))) continue;
    const uint32_t begin = stored[i].offset(), length = stored[i].length();
    low = std::min(low, begin);
    high = std::max(high, begin + length);
    total += length;
  }
  if (low > high) return false;
  const size_t span = high - low;
  if (span > size_t{2} * total + 64 || !out_->texts.fits(span)) return false;
  const auto base = static_cast<uint32_t>(out_->texts.used());
  std::memcpy(out_->texts.room(span), column.strings.arena->data() + low, span);
  out_->texts.use(span);
  Texts::Entry* to = out_->texts.entries.data() + from;
  const size_t held = std::min<size_t>(count, column.rows - std::min<size_t>(column.rows, row));
  for (size_t i = 0; i < held; ++i) to[i] = {stored[i].offset() - low + base, stored[i].length()};
  if (!whole) leave_out_missing(column, row, from, last);
  return true;
}

// False: no room for so much text.
bool Gatherer::take_text(const Column& column, uint32_t row, size_t to) {
  const std::string_view text = column.string(row);
  Texts& texts = out_->texts;
  if (!texts.fits(text.size())) return false;
  char* bytes = texts.room(text.size());  // with kPad more behind it
  const uint32_t begin = column.string_array()[row].offset();
  if (text.size() <= Texts::kPad && begin + Texts::kPad <= column.strings.arena_used) {
    std::memcpy(bytes, text.data(), Texts::kPad);
  } else {
    copy_text(bytes, text.data(), text.size());
  }
  texts.entries[to] = {static_cast<uint32_t>(texts.used()), static_cast<uint32_t>(text.size())};
  texts.use(text.size());
  return true;
}

void Gatherer::take_texts(const Column& column, size_t from, size_t last, bool run) {
  const uint32_t first = EntityBlock::row_of(ids_[from]);
  if (run && append_span(column, from, last, first)) return;
  const TextPlace* stored = column.string_array();
  size_t bytes = 0;
  for (size_t i = from; i < last; ++i) {
    const uint32_t row = EntityBlock::row_of(ids_[i]);
    const bool again = i > from && ids_[i] == ids_[i - 1];
    bytes += column.valid(row) && !again ? stored[row].length() : 0;
  }
  if (!out_->texts.fits(bytes)) {
    to_values(from);
    for (size_t i = from; i < last; ++i) out_->values[i] = column.get(EntityBlock::row_of(ids_[i]));
    return;
  }
  char* to = out_->texts.room(bytes);
  auto at = static_cast<uint32_t>(out_->texts.used());
  out_->texts.use(bytes);
  Texts::Entry* entries = out_->texts.entries.data();
  const char* arena = column.strings.arena->data();
  const uint32_t arena_used = column.strings.arena_used;
  for (size_t i = from; i < last; ++i) {
    if (i > from && ids_[i] == ids_[i - 1]) {
      // Where rows were multiplied, an id stands many times in a row: its text only once.
      entries[i] = entries[i - 1];
      if (!out_->nulls.empty()) out_->nulls[i] = out_->nulls[i - 1];
      continue;
    }
    const uint32_t row = EntityBlock::row_of(ids_[i]);
    if (!column.valid(row)) {
      missing(i, i + 1);
      continue;
    }
    const uint32_t begin = stored[row].offset(), length = stored[row].length();
    if (length <= Texts::kPad && begin + Texts::kPad <= arena_used) {
      std::memcpy(to, arena + begin, Texts::kPad);  // one load and store; the rest is written over
    } else {
      copy_text(to, arena + begin, length);
    }
    entries[i] = {at, length};
    to += length;
    at += length;
  }
}

}  // namespace lora::graph::cache
