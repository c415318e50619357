// What the files of the pattern planner share: pattern_planner.h says what it does.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "cypher/plan/pattern_planner.h"

namespace lora::cypher::pattern {

inline constexpr size_t kMaskBits = 64;
// Relationships and nodes planned together: masks are 64 bits wide.
inline constexpr size_t kBatchRelationshipsMax = 60;
inline constexpr size_t kBatchNodesMax = 61;
inline constexpr double kCheapLeafRows = 1.5;
// What reading a property costs where it is not beside the one read before, in rows of a scan.
inline constexpr double kFarRead = 8;
inline constexpr double kJoinCostMin = 1000;  // below, an estimate of a nearly empty graph must not lead to a join

using Mask = uint64_t;

struct PatternNode {
  Slot slot = kNoSlot;
  bool bound = false;  // before or by now
  std::vector<const NameRef*> labels;
  std::optional<LabelId> implied;  // of a node without labels: what its relationships' other ends tell of it
};

struct PatternEdge {
  const BoundRelationship* rel = nullptr;
  const BoundQuantifiedPath* quantified = nullptr;  // a group: `rel` stands in for all its relationships
  uint32_t from = 0, to = 0;                        // PatternNode indexes
  std::vector<Slot> outer_reads;                    // slots that the hop predicate reads from the row
};

// What a predicate offers for finding its node or relationship directly: `slot.key op value`, or `id(slot) op value`.
struct Sargable {
  enum class Op : uint8_t { kEqual, kIn, kLess, kLessEqual, kGreater, kGreaterEqual, kPrefix } op = Op::kEqual;
  uint32_t predicate = 0;
  Slot slot = kNoSlot;
  const NameRef* key = nullptr;  // null: the id
  const Expr* value = nullptr;
  SlotSet value_slots;
  bool exact = true;  // what is found needs no filter by the predicate any more
};

struct Predicate {
  const Expr* expr = nullptr;
  SlotSet slots;
  double selectivity = 1;
  bool late = false;              // only after everything is matched (not deterministic)
  bool derived = false;           // reads a derived slot: after those are computed
  bool before_selection = false;  // see BoundPredicate
  bool applied = false;
  // Within the current batch: what must be bound. Impossible when a needed slot is neither there nor in the batch.
  Mask nodes = 0, edges = 0;
  bool possible = true;
};

struct Access {
  enum class Kind : uint8_t { kAllNodes, kLabel, kIdSeek, kIndexSeek, kIndexRange } kind = Kind::kAllNodes;
  double rows = 0;  // per input row
  double cost = 0;
  const NameRef* label = nullptr;
  const graph::IndexInfo* index = nullptr;
  std::vector<const Sargable*> uses;  // kIdSeek: one; kIndexSeek: by key; kIndexRange: bounds or a prefix
  std::vector<uint32_t> consumed;     // predicates that need no filter any more
};

struct Step {
  enum class Kind : uint8_t { kNone, kLeaf, kRelationshipLeaf, kExpand, kInto, kShortest } kind = Kind::kNone;
  uint32_t index = 0;     // node (kLeaf) or edge
  bool from_left = true;  // kExpand: walks from the pattern's left end
  Access access;          // kLeaf; kRelationshipLeaf: kIndexSeek, kIdSeek, or kAllNodes for a scan
};

struct State {
  Mask nodes = 0, edges = 0;
  double rows = 1, cost = 0;
};

struct Solution {
  std::vector<Step> steps;
  State end;
  bool complete = true;
};

// They may be the same relationship, by their types.
bool overlapping_types(const BoundRelationship& a, const BoundRelationship& b);

class PatternPlanner {
 public:
  PatternPlanner(PlanBuilder& builder, const BoundPattern& pattern, const SlotSet& argument_slots, Stream* stream);

  Status run();

 private:
  // --- pattern_planner.cpp: pieces and joins ---
  Status run_selection(const BoundPathSelection& selection);
  void bound_filters();
  std::vector<std::vector<uint32_t>> find_components();
  bool has_bound_node(const std::vector<uint32_t>& component) const;
  Status next_component(std::vector<std::vector<uint32_t>>* components);
  std::vector<std::vector<uint32_t>> edge_batches(const std::vector<uint32_t>& component) const;
  Status join(const Solution& apart);
  void finish();

  // --- pattern_collect.cpp: what there is to plan ---
  Status collect();
  SlotSet path_slots(const BoundRelationship& r, std::vector<Assignment>* derived) const;
  static bool is_path_condition(const Predicate& p, const SlotSet& path_slots);
  void wait_for_path_conditions(PatternEdge* e);
  void imply_labels();
  void collect_group(const BoundQuantifiedPath& q);
  static void pattern_slots(const BoundPattern& p, SlotSet* out);
  void add_predicate(Predicate p);
  void add_sargables(const Expr& e, uint32_t predicate);
  void add_alternatives(const Expr& e, uint32_t predicate);
  void add_comparison(const Expr& left, char op, const Expr& right, uint32_t predicate, bool chained);
  void add_sargable(const Expr& target, Sargable::Op op, const Expr* value, uint32_t predicate);

  // --- pattern_access.cpp: finding a node or a relationship directly ---
  Access best_access(const PatternNode& node, const State& s) const;
  const Sargable* find_sargable(Slot slot, std::string_view key, Sargable::Op op, const State& s) const;
  bool index_access(const graph::IndexInfo& index, Slot slot, const State& s, Access* a) const;
  void relationship_leaves(const State& s, uint32_t i, bool start, std::vector<Step>* out);

  // --- pattern_order.cpp: solving a batch; what a step costs and gives ---
  void start_batch(const std::vector<uint32_t>& component, const std::vector<uint32_t>& edges,
                   const SlotSet& available);
  bool masks_of(const SlotSet& slots, Mask* nodes, Mask* edges) const;
  bool available_in(const SlotSet& slots, const State& at) const;
  State initial(double rows) const;
  Solution solve(double rows);
  bool done(const State& s) const;
  Solution solve_dynamic(const State& start);
  Solution solve_greedy(const State& start);
  Solution solve_as_written(const State& start);
  void edge_steps(const State& s, uint32_t i, Step* out) const;
  void expand_steps(const State& s, uint32_t i, std::vector<Step>* out) const;
  void possible_steps(const State& s, std::vector<Step>* out);
  bool has_node(const State& s, uint32_t node) const;
  double direction_degree(const PatternEdge& e, bool from_left) const;
  std::span<const NameRef* const> labels_of(uint32_t node) const;
  double node_degree(uint32_t node, const std::vector<const NameRef*>& types, Direction d) const;
  double population(uint32_t node) const;
  State after(const State& s, const Step& step) const;
  static double hops(double degree, const BoundRelationship& r);
  static Mask low_bits(size_t n) { return n >= 64 ? ~Mask{0} : (Mask{1} << n) - 1; }
  // A relationship that an earlier clause has found is only there where that clause's rows are: not in what is planned
  // apart for a join.
  bool is_there(const PatternEdge& e) const { return !e.rel->bound || available_.has(e.rel->slot); }
  Mask node_mask(uint32_t node) const { return Mask{1} << node_bit_[node]; }

  // --- pattern_emit.cpp: making operators ---
  Status emit_all(const Solution& solution, Stream* stream);
  Status emit(const Step& step, Stream* stream);
  void label_check(uint32_t n, const NameRef* known, std::vector<const Expr*>* checks);
  void emit_leaf(uint32_t n, const Access& access, Stream* stream, std::vector<const Expr*>* checks);
  void fill_seek(const Access& access, IndexSeek* op);
  void emit_relationship_leaf(uint32_t i, const Access& access, Stream* stream, std::vector<const Expr*>* checks);
  std::vector<Slot> differ_from(uint32_t i) const;
  const BoundRelationship* edge_of_slot(Slot slot) const;
  const Expr* differs(uint32_t i, Slot other);
  void emit_expand(uint32_t i, const Step& step, Stream* stream, std::vector<const Expr*>* checks);
  Status emit_repeat(uint32_t i, const Step& step, Stream* stream, std::vector<const Expr*>* checks);
  Expr* condition_of_each_hop(const Expr& e, const BoundRelationship& r, const SlotSet& own);
  void emit_shortest(uint32_t i, Stream* stream, std::vector<const Expr*>*);
  void apply_ready(Stream* stream, std::vector<const Expr*>* checks);
  static int weight(const Expr& e);
  void mark_solved(uint32_t i) { solved_[i] = true; }

  PlanBuilder& b_;
  const Statistics& stats_;
  const BoundPattern& pattern_;
  const SlotSet& argument_slots_;
  Stream& stream_;
  std::vector<PatternNode> nodes_;
  std::vector<uint32_t> node_of_;  // BoundPattern::nodes index -> nodes_ index
  std::vector<PatternEdge> edges_;
  std::deque<BoundRelationship> stand_ins_;  // for groups
  std::vector<bool> solved_;
  std::vector<Predicate> predicates_;
  std::vector<Sargable> sargables_;
  // The batch at hand.
  SlotSet available_;
  std::vector<uint32_t> batch_nodes_, batch_edges_;
  std::vector<int> node_bit_;
  bool nodes_tested_ = false;  // a predicate is about one node alone
  struct SlotBit {
    Slot slot = kNoSlot;
    uint32_t bit = 0;
    bool edge = false;
  };
  std::vector<SlotBit> slot_bits_;  // of batch_nodes_ and batch_edges_, by slot
};

}  // namespace lora::cypher::pattern
