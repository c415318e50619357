// Path selectors over several relationships: of all rows, for each pair of ends, those with the shortest paths.
//
// Rows are kept only while they may be among the chosen ones: per pair at most k, or those of the k smallest lengths.
#include <algorithm>
#include <unordered_map>

#include "cypher/exec/build.h"

namespace lora::cypher {

namespace {

class PathSelectionOperator final : public Operator {
 public:
  PathSelectionOperator(const BuildContext& build, const LogicalOp* op, OperatorPtr input)
      : Operator(build, op),
        input_(std::move(input)),
        selection_(*static_cast<const PathSelection*>(op)),
        charge_(&state_) {}

  Status open() override {
    forget();
    LORA_TRY(evaluate_path_count(&state_, selection_.count, selection_.k, &k_));
    return input_->open();
  }
  void close() override {
    forget();
    drop(&out_);
    input_->close();
  }

 protected:
  Status do_next(size_t rows_wanted, Batch** batch) override {
    *batch = nullptr;
    if (!selected_) {
      LORA_TRY(read_input());
      for (const Pair& pair : pairs_) {
        for (const Candidate& c : pair.candidates) order_.push_back(c.row);
      }
      selected_ = true;
    }
    const size_t count = std::min(rows_wanted, order_.size() - at_);
    if (count == 0) return Status();
    begin_output(&out_);
    picked_.assign(order_.begin() + static_cast<ptrdiff_t>(at_), order_.begin() + static_cast<ptrdiff_t>(at_ + count));
    carry(rows_, picked_, &out_);
    out_.rows = count;
    at_ += count;
    *batch = &out_;
    return Status();
  }

 private:
  struct Candidate {
    size_t length;
    uint32_t row;  // of rows_
  };
  struct Pair {
    std::vector<Candidate> candidates;  // shortest first
  };
  struct Ends {
    uint64_t first, last;
    bool operator==(const Ends&) const = default;
  };
  struct EndsHash {
    size_t operator()(const Ends& e) const { return std::hash<uint64_t>()(e.first * 0x9e3779b97f4a7c15ull ^ e.last); }
  };

  void forget() {
    drop_kept(&rows_);
    pairs_ = {};
    pair_of_ = {};
    order_ = {};
    at_ = 0;
    selected_ = false;
    charge_.clear();
  }

  Status read_input() {
    begin_output(&rows_);
    for (;;) {
      LORA_TRY(state_.tick());
      Batch* in = nullptr;
      LORA_TRY(input_->next(kBatchRowsMax, &in));
      if (in == nullptr) return Status();
      picked_.clear();
      uint64_t bytes = 0;
      for (uint32_t row = 0; row < in->rows; ++row) {
        const Value path = (*in)[selection_.path].get(row);
        if (path.is_null()) continue;
        const Ends ends{(*in)[selection_.first].get(row).node_id().value,
                        (*in)[selection_.last].get(row).node_id().value};
        const auto [at, fresh] = pair_of_.try_emplace(ends, pairs_.size());
        if (fresh) pairs_.emplace_back();
        const size_t length = path.path_ids().rels.size();
        if (!offer(&pairs_[at->second], {length, static_cast<uint32_t>(rows_.rows + picked_.size())})) continue;
        picked_.push_back(row);
        bytes += kPairBytes * (fresh ? 1 : 0) + row_bytes(path);
      }
      if (rows_.rows + picked_.size() >= UINT32_MAX) {
        return Status::limit("rows", "a path selection holds at most 2^32 - 1 rows");
      }
      LORA_TRY(charge_.add(bytes));
      carry(*in, picked_, &rows_);
      rows_.rows += picked_.size();
      if (rows_.rows > 2 * live_rows() + kBatchRowsMax) {
        LORA_TRY(cut_back());
      }
    }
  }

  // Takes the candidate in if it may be chosen, and drops those that no longer may.
  bool offer(Pair* pair, Candidate candidate) {
    std::vector<Candidate>& list = pair->candidates;
    const auto place = std::upper_bound(list.begin(), list.end(), candidate.length,
                                        [](size_t length, const Candidate& c) { return length < c.length; });
    if (!selection_.groups) {
      if (list.size() >= k_ && place == list.end()) return false;
      list.insert(place, candidate);
      if (list.size() > k_) list.pop_back();
      return true;
    }
    size_t lengths = 0;
    for (size_t i = 0; i < list.size(); ++i) {
      if (list[i].length >= candidate.length) break;
      if (i == 0 || list[i].length != list[i - 1].length) ++lengths;
    }
    if (lengths >= k_) return false;
    list.insert(place, candidate);
    lengths = 0;
    for (size_t i = 0; i < list.size(); ++i) {
      if (i > 0 && list[i].length == list[i - 1].length) continue;
      if (++lengths > k_) {
        list.resize(i);
        break;
      }
    }
    return true;
  }

  size_t live_rows() const {
    size_t rows = 0;
    for (const Pair& pair : pairs_) rows += pair.candidates.size();
    return rows;
  }

  // Estimates: what is kept of a row is mostly its path.
  static constexpr uint64_t kPairBytes = 96;
  uint64_t row_bytes(const Value& path) const {
    return sizeof(Candidate) + carried().size() * sizeof(Value) + 2 * path.heap_bytes();
  }

  // Leaves out the rows that were dropped, and gives their memory back.
  Status cut_back() {
    std::vector<Candidate*> all;
    for (Pair& pair : pairs_) {
      for (Candidate& c : pair.candidates) all.push_back(&c);
    }
    std::sort(all.begin(), all.end(), [](const Candidate* a, const Candidate* b) { return a->row < b->row; });
    std::vector<uint32_t> keep;
    for (Candidate* c : all) {
      keep.push_back(c->row);
      c->row = static_cast<uint32_t>(keep.size() - 1);
    }
    const uint64_t share = rows_.rows == 0 ? 0 : charge_.bytes() / rows_.rows * keep.size();
    rows_.gather(keep);
    charge_.clear();
    return charge_.add(share);
  }

  OperatorPtr input_;
  const PathSelection& selection_;
  uint32_t k_ = 1;
  std::vector<Pair> pairs_;  // in the order they came
  std::unordered_map<Ends, size_t, EndsHash> pair_of_;
  Batch rows_, out_;
  std::vector<uint32_t> order_, picked_;
  size_t at_ = 0;
  bool selected_ = false;
  MemoryCharge charge_;
};

}  // namespace

OperatorPtr make_path_selection(const BuildContext& build, const LogicalOp* op, OperatorPtr input) {
  return std::make_unique<PathSelectionOperator>(build, op, std::move(input));
}

}  // namespace lora::cypher
