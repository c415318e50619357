// PropertyCodes: numbers for the texts of `node.property`, so that grouping compares numbers.
//
// Each node's number is remembered in an array by id: rows that come to a node again read no property and hash no text.
// That pays where rows come to the same nodes many times, as behind an Expand; where they do not (a scan) it costs.
// Repeats tells which it is.
//
// Only for texts and nulls: equal numbers may look different (1 and 1.0), and a group shows its own.
#pragma once

#include <cstdint>
#include <vector>

#include "cypher/exec/hash_index.h"
#include "cypher/exec/operator.h"

namespace lora::cypher {

// Whether ids come again: looks at one id in 32, by a hash of it.
class Repeats {
 public:
  void clear() { *this = Repeats(); }
  void look_at(const std::vector<uint64_t>& ids);
  uint64_t highest() const { return highest_; }
  // Whether a sixteenth or more of the ids up to the highest have been met.
  bool dense() const { return seen_.size() * 32 * 16 >= highest_; }
  bool many() const { return (drawn_ - seen_.size()) * 8 >= drawn_ && drawn_ > 0; }  // an eighth or more

 private:
  HashIndex seen_;
  std::vector<uint64_t> ids_;  // by entry
  size_t drawn_ = 0;
  uint64_t highest_ = 0;
};

class PropertyCodes {
 public:
  // `expr`: one that suits(), outlives this. `neighbours`: nodes are read in stretches of ids, as most will be asked
  // for.
  PropertyCodes(ExecState* state, const Expr& expr, bool neighbours)
      : state_(*state), expr_(expr), neighbours_(neighbours), sub_(state->column_count) {}
  static bool suits(const Expr& expr) {
    return expr.kind == ExprKind::kProperty && expr.children[0]->kind == ExprKind::kSlot;
  }
  static Slot node_slot(const Expr& expr) { return expr.children[0]->slot; }

  // The number of each row's text in `codes` (integers without nulls); *fits = false, with `codes` undefined: some rows
  // hold other values, or no plain nodes, or nodes with an id of `ids_max` or more, or memory is short.
  // Errors: what evaluating the property raises.
  Status encode(const Batch& batch, uint64_t ids_max, Column* codes, bool* fits);
  // The same for values that were read before.
  bool encode_values(const Column& values, Column* codes);
  // Appends the texts of such numbers.
  void decode(const Column& codes, Column* values) const;
  size_t heap_bytes() const { return by_node_.capacity() * sizeof(uint32_t) + text_bytes_; }

 private:
  bool number(const Column& values);  // into entries_
  void ask_for(uint64_t id);          // puts it, and its neighbours, into sub_

  ExecState& state_;
  const Expr& expr_;
  const bool neighbours_;
  KeyStore texts_{1};
  size_t text_bytes_ = 0;
  std::vector<uint32_t> by_node_;
  uint32_t of_null_ = HashIndex::kNone;
  std::vector<uint32_t> missing_, entries_, added_;
  Batch sub_;  // the rows whose nodes are met for the first time
  Column read_;
};

}  // namespace lora::cypher
