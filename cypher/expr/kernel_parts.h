// What the files of the kernels share.
#pragma once

#include <vector>

#include "cypher/expr/kernels.h"

namespace lora::cypher {

// Codes of masks; false is 0.
inline constexpr auto kMaskTrue = static_cast<uint8_t>(Ternary::kTrue);
inline constexpr auto kMaskNull = static_cast<uint8_t>(Ternary::kNull);

inline bool is_entity_column(const Column& c) {
  return c.kind == Column::Kind::kNodes || c.kind == Column::Kind::kRelationships;
}

// A value of an operand without a copy where it has one.
inline const Value& value_at(const Column& c, size_t row, Value* box) {
  if (c.kind == Column::Kind::kValues) return c.values[row];
  *box = c.get(row);
  return *box;
}

inline void null_out(const std::vector<uint8_t>& nulls, uint8_t* out) {
  for (size_t i = 0; i < nulls.size(); ++i) {
    if (nulls[i] != 0) out[i] = kMaskNull;
  }
}

// Gives back the scratch taken since it was made.
class Kernels::ScratchScope {
 public:
  explicit ScratchScope(Evaluator& e) : e_(e), columns_(e.scratch_used_), masks_(e.masks_used_) {}
  ~ScratchScope() {
    for (size_t i = columns_; i < e_.scratch_used_; ++i) {
      if (e_.scratch_[i]->texts.capacity_bytes() > kTextKept) e_.scratch_[i]->trim();
    }
    e_.scratch_used_ = columns_;
    e_.masks_used_ = masks_;
  }

 private:
  static constexpr size_t kTextKept = 1 << 20;  // bytes of one column, from batch to batch

  Evaluator& e_;
  size_t columns_, masks_;
};

// Kernels on another batch meanwhile: what is remembered of this one stays.
class Kernels::OtherBatch {
 public:
  explicit OtherBatch(Evaluator* evaluator) : evaluator_(*evaluator), same_(evaluator->same_batch_) {
    evaluator_.same_batch_ = false;
  }
  ~OtherBatch() { evaluator_.same_batch_ = same_; }
  OtherBatch(const OtherBatch&) = delete;
  OtherBatch& operator=(const OtherBatch&) = delete;

 private:
  Evaluator& evaluator_;
  const bool same_;
};

}  // namespace lora::cypher
