// EntityScan: the ids of nodes and relationships, block by block, and tests of their properties on whole blocks.
#include <algorithm>
#include <bit>

#include "graph/cache/column_filter.h"
#include "graph/graph_impl.h"
#include "graph/reader_chunks.h"

namespace lora::graph {

using cache::EntityBlock;
using cache::LabelChunk;

struct EntityScan::State {
  Reader* reader = nullptr;
  EntityKind kind = EntityKind::kNode;
  std::optional<LabelId> label;
  std::optional<RelTypeId> type;
  uint64_t at = 0;  // the next id to look at
  bool done = false;
  uint64_t looked_at = 0;
  std::vector<PropertyTest> tests;
  WantedProperties wanted;  // by the tests
  // With tests: the rows of the block that `at` is in which satisfy them, as far as they are tested: below tested_end.
  uint64_t tested_end = 0;
  uint64_t rows[EntityBlock::kRows / 64] = {};
};

EntityScan::EntityScan() = default;
EntityScan::EntityScan(EntityScan&&) noexcept = default;
EntityScan& EntityScan::operator=(EntityScan&&) noexcept = default;
EntityScan::~EntityScan() = default;

namespace {

WantedProperties wanted_by(std::span<const PropertyTest> tests) {
  WantedProperties wanted;
  for (const PropertyTest& test : tests) wanted.add(test.key);
  return wanted;
}

}  // namespace

EntityScan Reader::scan_nodes(std::optional<LabelId> label, std::vector<PropertyTest> tests) {
  EntityScan scan;
  scan.state_ = std::make_unique<EntityScan::State>();
  scan.state_->reader = this;
  scan.state_->label = label;
  scan.state_->wanted = wanted_by(tests);
  scan.state_->tests = std::move(tests);
  scan.state_->done = label && label->value >= root_->label_tokens;
  return scan;
}

EntityScan Reader::scan_relationships(std::optional<RelTypeId> type, std::vector<PropertyTest> tests) {
  EntityScan scan;
  scan.state_ = std::make_unique<EntityScan::State>();
  scan.state_->reader = this;
  scan.state_->kind = EntityKind::kRelationship;
  scan.state_->type = type;
  scan.state_->wanted = wanted_by(tests);
  scan.state_->tests = std::move(tests);
  scan.state_->done = type && type->value >= root_->type_tokens;
  return scan;
}

namespace {

// Appends base + row to `out` (null: counts only), which holds *count of at most `max` ids, for each set bit from `row`
// on, below `rows`. The row to go on with; at least `rows` at the end.
uint32_t emit_bits(const uint64_t* bits, uint32_t rows, uint32_t row, uint64_t base, uint64_t* out, size_t max,
                   size_t* count) {
  size_t n = *count;
  while (row < rows && n < max) {
    uint64_t word = bits[row >> 6] & (~uint64_t{0} << (row & 63));
    const uint32_t start = row & ~63u;
    row = start + 64;
    const auto set = static_cast<size_t>(std::popcount(word));
    if (max - n >= set && (out == nullptr || set == 64)) {
      for (uint64_t i = 0; i < 64 && out != nullptr; ++i) out[n + i] = base + start + i;
      n += set;
      continue;
    }
    for (; word != 0; word &= word - 1) {
      const uint32_t at = start + static_cast<uint32_t>(std::countr_zero(word));
      if (n == max) {
        row = at;
        break;
      }
      if (out != nullptr) out[n] = base + at;
      ++n;
    }
  }
  *count = n;
  return row;
}

// Of the rows first .. last - 1 of a block those that exist, have the type, and are among `labelled` (null: all); how
// many they are.
uint64_t rows_of(const EntityBlock& block, std::optional<RelTypeId> type, const uint64_t* labelled, uint32_t first,
                 uint32_t last, uint64_t* rows) {
  uint64_t count = 0;
  const bool mixed = type && !block.ends->one_type;
  const bool other = type && !mixed && block.ends->type != type->value;
  for (uint32_t w = 0; w < EntityBlock::kRows / 64; ++w) {
    const uint32_t from = std::max(first, w * 64), to = std::min(last, w * 64 + 64);
    uint64_t word = other || from >= to ? 0 : block.exists_bits[w];
    if (from < to) word &= (~uint64_t{0} << (from % 64)) & (~uint64_t{0} >> (63 - (to - 1) % 64));
    if (labelled != nullptr) word &= labelled[w];
    for (uint64_t left = mixed ? word : 0; left != 0; left &= left - 1) {
      if (block.type(w * 64 + static_cast<uint32_t>(std::countr_zero(left))) != *type) word &= ~(left & -left);
    }
    rows[w] = word;
    count += static_cast<uint64_t>(std::popcount(word));
  }
  return count;
}

// Clears the bits of rows that do not satisfy the tests. Whole columns first: where values are compared one by one, few
// rows should be left.
void test_rows(const EntityBlock& block, std::span<const PropertyTest> tests, uint64_t* rows) {
  for (const bool by_rows : {false, true}) {
    for (const PropertyTest& test : tests) {
      if ((rows[0] | rows[1] | rows[2] | rows[3]) == 0) return;
      const cache::Column* column = block.column(test.key);
      if (cache::is_filtered_by_rows(column) == by_rows) cache::filter_column(column, test.op, test.value, rows);
    }
  }
}

}  // namespace

size_t EntityScan::next(uint64_t* out, size_t max) {
  if (state_ == nullptr || state_->done || max == 0) {
    return 0;
  }
  State& s = *state_;
  if (!s.tests.empty()) return next_tested(out, max);
  ReaderChunks chunks(*s.reader);
  chunks.enter();
  const Root& root = chunks.root();
  size_t count = 0;
  if (s.label) {
    while (count < max && s.at < root.next_node && s.reader->status().ok()) {
      const uint64_t index = LabelChunk::index_of(s.at);
      const LabelChunk* chunk = chunks.label_chunk(*s.label, index);
      if (chunk->count == 0) {
        s.at = chunks.next_label_chunk(*s.label, index + 1) * LabelChunk::kRows;
        continue;
      }
      const uint64_t base = index * LabelChunk::kRows;
      const uint32_t row = emit_bits(chunk->bits, LabelChunk::kRows, LabelChunk::row_of(s.at), base, out, max, &count);
      s.at = base + row;
    }
  } else {
    const uint64_t limit = s.kind == EntityKind::kNode ? root.next_node : root.next_relationship;
    while (count < max && s.at < limit && s.reader->status().ok()) {
      const uint64_t index = EntityBlock::index_of(s.at);
      const EntityBlock* block = chunks.block(s.kind, index, {});
      if (block->count == 0) {
        s.at = chunks.next_block(s.kind, index + 1) * EntityBlock::kRows;
        continue;
      }
      uint32_t row = EntityBlock::row_of(s.at);
      const cache::RelationshipEnds* ends = block->ends;
      if (s.type && ends != nullptr && ends->one_type && ends->type != s.type->value) {
        row = block->rows;
      } else if (!s.type || (ends != nullptr && ends->one_type)) {
        row = emit_bits(block->exists_bits, block->rows, row, index * EntityBlock::kRows, out, max, &count);
      } else {
        for (; row < block->rows && count < max; ++row) {
          if (!block->exists(row) || block->type(row) != *s.type) continue;
          if (out != nullptr) out[count] = index * EntityBlock::kRows + row;
          ++count;
        }
      }
      s.at = index * EntityBlock::kRows + (row < block->rows ? row : EntityBlock::kRows);
    }
  }
  if (!s.reader->status().ok()) {
    count = 0;
  }
  s.done = count == 0;
  s.looked_at += count;
  return count;
}

size_t EntityScan::next_tested(uint64_t* out, size_t max) {
  // So many times rows are tested before the caller is asked whether to go on.
  constexpr size_t kTestsAtOnce = 64;
  constexpr uint32_t kRows = EntityBlock::kRows;
  State& s = *state_;
  ReaderChunks chunks(*s.reader);
  chunks.enter();
  const uint64_t limit = s.kind == EntityKind::kNode ? chunks.root().next_node : chunks.root().next_relationship;
  // Whole blocks for who wants many; who wants one row may not pay for 256.
  const auto rows_at_once = static_cast<uint32_t>(std::clamp<size_t>(max, 2, kRows / 8) * 8);
  size_t count = 0;
  for (size_t tested = 0; count < max && s.at < limit && tested < kTestsAtOnce && s.reader->status().ok();) {
    const LabelChunk* labelled = nullptr;
    if (s.at >= s.tested_end) {
      if (s.label) {
        const uint64_t chunk = LabelChunk::index_of(s.at);
        labelled = chunks.label_chunk(*s.label, chunk);
        const uint32_t row = labelled->count == 0 ? LabelChunk::kRows : labelled->next(LabelChunk::row_of(s.at));
        if (row == LabelChunk::kRows) {
          s.at = chunks.next_label_chunk(*s.label, chunk + 1) * LabelChunk::kRows;
          continue;
        }
        s.at = chunk * LabelChunk::kRows + row;
      }
      const uint64_t index = EntityBlock::index_of(s.at), base = index * kRows;
      const EntityBlock* block = chunks.block(s.kind, index, s.wanted);
      if (block->count == 0) {
        s.at = (s.label ? index + 1 : chunks.next_block(s.kind, index + 1)) * kRows;
        continue;
      }
      const uint32_t first = EntityBlock::row_of(s.at), last = std::min(kRows, first + rows_at_once);
      if (last == kRows) chunks.prefetch_next(s.kind, index, s.tests.front().key);
      s.looked_at +=
          rows_of(*block, s.type, labelled == nullptr ? nullptr : labelled->bits + LabelChunk::row_of(base) / 64, first,
                  last, s.rows);
      test_rows(*block, s.tests, s.rows);
      s.tested_end = base + last;
      ++tested;
    }
    const uint64_t base = EntityBlock::index_of(s.at) * kRows;
    const auto end = static_cast<uint32_t>(s.tested_end - base);
    s.at = base + std::min(end, emit_bits(s.rows, end, EntityBlock::row_of(s.at), base, out, max, &count));
  }
  if (!s.reader->status().ok()) count = 0;
  s.done = (s.at >= limit && count == 0) || !s.reader->status().ok();
  return count;
}

bool EntityScan::done() const {
  return state_ == nullptr || state_->done;
}
uint64_t EntityScan::looked_at() const {
  return state_ == nullptr ? 0 : state_->looked_at;
}

void Reader::test_entities(EntityKind kind, std::span<const PropertyTest> tests, std::vector<uint64_t>* ids) {
  ReaderChunks chunks(*this);
  chunks.enter();
  const WantedProperties wanted = wanted_by(tests);
  size_t kept = 0;
  for (size_t i = 0; i < ids->size() && status_.ok();) {
    const uint64_t index = EntityBlock::index_of((*ids)[i]);
    size_t last = i + 1;
    while (last < ids->size() && EntityBlock::index_of((*ids)[last]) == index) ++last;
    const EntityBlock* block = chunks.rows(kind, std::span(*ids).subspan(i, last - i), wanted);
    for (; i < last; ++i) {
      const uint64_t id = (*ids)[i];
      const uint32_t row = EntityBlock::row_of(id);
      uint64_t rows[EntityBlock::kRows / 64] = {};
      rows[row / 64] = uint64_t{1} << (row % 64);
      test_rows(*block, tests, rows);
      if (rows[row / 64] != 0) (*ids)[kept++] = id;
    }
  }
  ids->resize(kept);
}

}  // namespace lora::graph
